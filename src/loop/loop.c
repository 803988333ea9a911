/*
 * loop over libuv: one async handle wakes the loop for a list of messages; jobs go to libuv's pool
 * of threads. What libuv allocates for itself does not come from alloc.h; everything of ours is
 * embedded in what the caller owns, so that nothing here fails after loop_new().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop/loop.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/check.h"
#include "loop/clock.h"
#include "monitor/metrics.h"

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    size_t jobs; /* submitted, done has not run: loop thread */
    uv_mutex_t mutex;
    struct loop_message *first; /* under mutex */
    struct loop_message *last;
};

/* The whole list is taken at once: what a message posts runs in the next turn, so that two that
 * answer each other do not starve the sockets. */
static void run_messages(struct loop *loop)
{
    uv_mutex_lock(&loop->mutex);
    struct loop_message *message = loop->first;
    loop->first = NULL;
    loop->last = NULL;
    uv_mutex_unlock(&loop->mutex);

    while (message) {
        struct loop_message *next = message->next;

        /* fn may free or post the message */
        message->fn(message->arg);
        message = next;
    }
}

static void on_wake(uv_async_t *wake)
{
    run_messages(wake->data);
}

/* libuv reads the size of its pool from the environment, once, at the first job of the process. */
static void ask_for_workers(unsigned workers)
{
    char text[16];

    check(workers >= 1 && workers <= LOOP_WORKERS_MAX);
    (void)snprintf(text, sizeof(text), "%u", workers);
    (void)setenv("UV_THREADPOOL_SIZE", text, /* overwrite */ 1);
}

int loop_new(unsigned workers, struct loop **ret_loop, struct error *error)
{
    ask_for_workers(workers);
    struct loop *loop = alloc_zeroed(1, sizeof(*loop));
    if (!loop) {
        return error_set(error, ERR_NO_MEMORY, "no memory for the event loop");
    }
    int failed = uv_loop_init(&loop->uv);
    if (failed) {
        alloc_free(loop);
        return error_set(error, ERR_IO, "cannot make an event loop: %s", uv_strerror(failed));
    }
    failed = uv_mutex_init(&loop->mutex);
    if (failed) {
        (void)uv_loop_close(&loop->uv);
        alloc_free(loop);
        return error_set(error, ERR_IO, "cannot make a mutex: %s", uv_strerror(failed));
    }
    failed = uv_async_init(&loop->uv, &loop->wake, on_wake);
    if (failed) {
        uv_mutex_destroy(&loop->mutex);
        (void)uv_loop_close(&loop->uv);
        alloc_free(loop);
        return error_set(error, ERR_IO, "cannot wake the event loop: %s", uv_strerror(failed));
    }
    loop->wake.data = loop;
    loop->uv.data = loop;
    *ret_loop = loop;
    return OK;
}

static void expect_closing(uv_handle_t *handle, void *arg)
{
    (void)arg;
    check(uv_is_closing(handle));
}

static bool has_messages(struct loop *loop)
{
    uv_mutex_lock(&loop->mutex);
    bool found = loop->first != NULL;
    uv_mutex_unlock(&loop->mutex);
    return found;
}

/* A job's end may post, and a message may submit a job: until there is neither. */
void loop_finish_jobs(struct loop *loop)
{
    for (;;) {
        if (has_messages(loop)) {
            run_messages(loop);
        } else if (loop->jobs) {
            (void)uv_run(&loop->uv, UV_RUN_ONCE);
        } else {
            return;
        }
    }
}

void loop_free(struct loop *loop)
{
    if (!loop) {
        return;
    }
    loop_finish_jobs(loop);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_walk(&loop->uv, expect_closing, NULL);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT)) {
        /* a late loop_stop() ended the turn */
    }
    check(uv_loop_close(&loop->uv) == 0);
    uv_mutex_destroy(&loop->mutex);
    alloc_free(loop);
}

void loop_run(struct loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

void loop_post(struct loop *loop, struct loop_message *message)
{
    message->next = NULL;
    uv_mutex_lock(&loop->mutex);
    if (loop->last) {
        loop->last->next = message;
    } else {
        loop->first = message;
    }
    loop->last = message;
    uv_mutex_unlock(&loop->mutex);
    check(uv_async_send(&loop->wake) == 0);
}

static void work_on_worker(uv_work_t *request)
{
    struct loop_job *job = request->data;
    int64_t waited_us = clock_elapsed_us() - job->handed_us;

    metric_observe_us(METRIC_WORKER_WAIT, 0, waited_us > 0 ? (uint64_t)waited_us : 0);
    job->work(job->arg);
}

static void job_done(uv_work_t *request, int status)
{
    struct loop_job *job = request->data;
    struct loop *loop = request->loop->data;

    (void)status; /* nobody cancels */
    loop->jobs--;
    job->done(job->arg);
}

void loop_work(struct loop *loop, struct loop_job *job)
{
    loop->jobs++;
    job->request.data = job;
    job->handed_us = clock_elapsed_us();
    check(uv_queue_work(&loop->uv, &job->request, work_on_worker, job_done) == 0);
}

static void timer_fired(uv_timer_t *handle)
{
    struct loop_timer *timer = handle->data;

    timer->fn(timer->arg);
}

void loop_timer_init(struct loop *loop, struct loop_timer *timer, loop_fn fn, void *arg)
{
    check(uv_timer_init(&loop->uv, &timer->handle) == 0);
    timer->handle.data = timer;
    timer->fn = fn;
    timer->arg = arg;
    timer->closed = NULL;
}

void loop_timer_start(struct loop_timer *timer, uint64_t after_ms, uint64_t repeat_ms)
{
    check(uv_timer_start(&timer->handle, timer_fired, after_ms, repeat_ms) == 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
    (void)uv_timer_stop(&timer->handle);
}

static void timer_closed(uv_handle_t *handle)
{
    struct loop_timer *timer = handle->data;

    if (timer->closed) {
        timer->closed(timer->arg);
    }
}

void loop_timer_close(struct loop_timer *timer, loop_fn closed)
{
    timer->closed = closed;
    uv_close((uv_handle_t *)&timer->handle, timer_closed);
}

uint64_t loop_now_ms(struct loop *loop)
{
    return uv_now(&loop->uv);
}
