/*
 * loop: the one thread that owns sockets, timers and runs, and the workers that compute for it. A
 * thin layer over libuv: what it adds is a rule for who may call what.
 *
 *     loop thread     everything, unless a header says otherwise
 *     any thread      loop_post(): a message that the loop runs, in the order of posting
 *     worker          the work function of loop_work(); its done function runs on the loop
 *
 * Messages and jobs are embedded in what they belong to, so that posting cannot fail for memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LOOP_LOOP_H
#define NETRA_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"

#define LOOP_WORKERS_MAX 64u

struct loop;

typedef void (*loop_fn)(void *arg);

/* In what it tells about; must not be posted again before it has run. */
struct loop_message {
    loop_fn fn;
    void *arg;
    struct loop_message *next; /* private */
};

/* A piece of work for a worker; must not be submitted again before done has run. */
struct loop_job {
    loop_fn work;
    loop_fn done; /* on the loop, also after a shutdown was asked for */
    void *arg;
    uv_work_t request; /* private, as is the rest */
    int64_t handed_us;
};

/* Embedded; libuv may look at it until loop_timer_close's callback has run. */
struct loop_timer {
    uv_timer_t handle; /* private */
    loop_fn fn;
    void *arg;
    loop_fn closed;
};

/* workers: threads for jobs, 1 to LOOP_WORKERS_MAX; the first loop of a process decides. ERR_IO,
 * ERR_NO_MEMORY. */
must_check int loop_new(unsigned workers, struct loop **ret_loop, struct error *error);

/* After loop_run has returned. Runs the callbacks of handles that are still closing; a handle that
 * nobody closed is a bug. */
void loop_free(struct loop *loop);

/* Until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Turns until no job is under way and no message waits any more, not even those that the last ones
 * began: before what they use is freed. */
void loop_finish_jobs(struct loop *loop);

/* For http/, which owns sockets. */
uv_loop_t *loop_uv(struct loop *loop);

/* Any thread. Messages of one thread run in the order of posting. */
void loop_post(struct loop *loop, struct loop_message *message);

/* Loop thread. */
void loop_work(struct loop *loop, struct loop_job *job);

/* Fires once after after_ms, then every repeat_ms (0: never again). Starting again restarts. */
void loop_timer_init(struct loop *loop, struct loop_timer *timer, loop_fn fn, void *arg);
void loop_timer_start(struct loop_timer *timer, uint64_t after_ms, uint64_t repeat_ms);
void loop_timer_stop(struct loop_timer *timer);

/* closed(arg) may free what the timer is embedded in; NULL: nothing to do. */
void loop_timer_close(struct loop_timer *timer, loop_fn closed);

/* Monotonic, as of the current turn of the loop. */
uint64_t loop_now_ms(struct loop *loop);

#endif
