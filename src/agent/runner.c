/*
 * Places and who waits for one, cancellation, draining, and when a run is freed: when it is gone
 * and nothing of it is under way, neither on a worker nor in the store.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/runner.h"

#include <limits.h>

#include "agent/runner_state.h"
#include "base/alloc.h"
#include "base/check.h"
#include "monitor/metrics.h"

/* ---- places ---- */

static void take_place(struct live_run *live)
{
    live_take_place(live);
    if (live->run) {
        live_step(live);
        return;
    }
    live->phase = LIVE_OPENING;
    if (live->is_recovered) {
        live_resume(live);
        return;
    }
    live->row.status = STORE_RUN_RUNNING;
    live->row.started_us = clock_now_us();
    live_log_row(live); /* stored with the first events */
    live_begin(live);
}

void runner_schedule(struct runner *runner)
{
    struct live_run *live;

    if (runner->is_scheduling) {
        return;
    }
    runner->is_scheduling = true;
    while (runner->counts.working < runner->options.concurrent_max &&
           (live = runner_next_in_line(runner))) {
        take_place(live);
        live_settle(live);
    }
    runner->is_scheduling = false;
    runner_show_counts(runner);
}

/* ---- draining ---- */

static bool is_under_way(const struct live_run *live)
{
    return live->is_on_worker || live->is_opening || live->is_storing ||
           atomic_load(&live->is_posted);
}

/* It has begun and has no place while a model answers, or since one has. */
static bool has_left(const struct live_run *live)
{
    return live->phase == LIVE_ASKING || live->queue == &live->runner->answered;
}

static void say_drained(void *arg)
{
    struct runner *runner = arg;
    loop_fn drained = runner->drained;

    runner->drained = NULL;
    if (drained) {
        drained(runner->drained_arg);
    }
}

void runner_look_drained(struct runner *runner)
{
    if (!runner->is_draining || runner->is_drained || runner->stall.is_probing) {
        return;
    }
    for (const struct live_run *live = runner->live; live; live = live->next) {
        if (live->has_place || has_left(live) || is_under_way(live)) {
            return;
        }
    }
    runner->is_drained = true;
    loop_timer_stop(&runner->grace);
    runner->drained_message = (struct loop_message){.fn = say_drained, .arg = runner};
    loop_post(runner->options.loop, &runner->drained_message);
}

/* What is at work stays open in the store; what is about to end ends. */
static void stop_work(void *arg)
{
    struct runner *runner = arg;
    struct live_run *next;

    for (struct live_run *live = runner->live; live; live = next) {
        next = live->next;
        bool ends_soon =
            live->phase >= LIVE_DELIVERING || (live->is_cancel_wanted && !live_is_replaying(live));

        if ((live->has_place || has_left(live)) && !ends_soon) {
            live->phase = LIVE_GONE;
            atomic_store(&live->is_cancelled, true);
            live_settle(live);
        }
    }
    runner_look_drained(runner);
}

void runner_drain(struct runner *runner, uint64_t grace_ms, loop_fn drained, void *arg)
{
    runner->is_draining = true;
    runner->is_drained = false;
    runner_stall_stop(runner);
    runner->drained = drained;
    runner->drained_arg = arg;
    loop_timer_start(&runner->grace, grace_ms, /* repeat_ms */ 0);
    runner_look_drained(runner);
}

/* ---- life and death ---- */

struct live_run *live_new(struct runner *runner)
{
    struct live_run *live = alloc_zeroed(1, sizeof(*live));

    if (live) {
        live->runner = runner;
        live->told_ahead = UINT_MAX;
        live->next_seq = 1;
        arena_init(&live->arena, LIVE_ARENA_BYTES_MAX);
        arena_init(&live->asking.texts, LIVE_ARENA_BYTES_MAX);
        live_work_init(live);
        live_text_init(live);
    }
    return live;
}

void live_forget_work(struct live_run *live)
{
    check(!is_under_way(live));
    live_stop_asking(live);
    live_drop_notes(live);
    buf_done(&live->text.told);
    buf_done(&live->text.waiting);
    note_list_free(&live->batch_notes);
    store_batch_free(live->batch);
    run_free(live->run);
    dataset_lease_release(live->lease);
    for (size_t i = 0; i < RENDERED_COUNT; i++) {
        buf_done(&live->rendered[i]);
    }
    alloc_free(live->replay.keys);
    arena_done(&live->asking.texts);
    live->text = (struct live_text){0};
    live_text_init(live);
    live->batch = NULL;
    live->batch_marks = 0;
    live->replay = (struct replay){0};
    live->differs = NULL;
    live->delivery_started_us = 0;
    live->delivered_to = 0;
    live->lease = NULL;
    live->run = NULL;
    live->asking = (struct live_asking){.texts = live->asking.texts};
    live->is_done = false;
    live->is_delivered = false;
    live->was_tried_again = false;
    live->must_tell_that = false;
    live->code = OK;
    live->error = (struct error){0};
    live->reason[0] = '\0';
    atomic_store(&live->is_cancelled, false);
    atomic_store(&live->has_lost_note, false);
}

void live_free(struct live_run *live)
{
    live_forget_work(live);
    live_disown(live);
    arena_done(&live->arena);
    alloc_free(live);
}

void live_drop(struct live_run *live)
{
    struct runner *runner = live->runner;
    struct live_run **at = &runner->live;

    while (*at != live) {
        at = &(*at)->next;
    }
    *at = live->next;
    if (live->lost_code && live->is_accepted) {
        runner->counts.failed++;
        metric_add(METRIC_RUNS, metric_label(METRIC_RUNS, STR("lost")), 1);
    }
    live_free(live);
}

void live_settle(struct live_run *live)
{
    struct runner *runner = live->runner;

    if (live->phase != LIVE_GONE) {
        runner_look_drained(runner);
        return;
    }
    live_leave_queue(live);
    live_stop_asking(live);
    if (is_under_way(live)) {
        return;
    }
    live_leave_place(live);
    if (!live_stall(live)) {
        live_drop(live);
    }
    runner_schedule(runner);
    runner_look_drained(runner);
}

void live_poke(struct live_run *live)
{
    if (!atomic_exchange(&live->is_posted, true)) {
        loop_post(live->runner->options.loop, &live->message);
    }
}

int runner_new(const struct runner_options *options, struct runner **ret_runner,
               struct error *error)
{
    check(options->concurrent_max >= 1 && options->concurrent_max <= RUNNER_CONCURRENT_MAX);
    struct runner *runner = alloc_zeroed(1, sizeof(*runner));

    if (!runner || json_parser_new(RUNNER_EVENT_BYTES_MAX, &runner->parser)) {
        alloc_free(runner);
        return error_set(error, ERR_NO_MEMORY, "no memory for the runner");
    }
    runner->options = *options;
    loop_timer_init(options->loop, &runner->grace, stop_work, runner);
    runner_positions_init(runner);
    runner_stall_init(runner);
    runner->open_timers = 3;
    *ret_runner = runner;
    return OK;
}

static void free_closed(void *arg)
{
    struct runner *runner = arg;

    if (--runner->open_timers == 0) {
        alloc_free(runner);
    }
}

void runner_free(struct runner *runner)
{
    if (!runner) {
        return;
    }
    while (runner->live) {
        struct live_run *live = runner->live;

        runner->live = live->next;
        live_free(live);
    }
    json_parser_free(runner->parser);
    loop_timer_close(&runner->positions, free_closed);
    loop_timer_close(&runner->stall.timer, free_closed);
    loop_timer_close(&runner->grace, free_closed);
}

/* ---- from outside ---- */

struct live_run *runner_find(const struct runner *runner, struct str run_id)
{
    for (struct live_run *live = runner->live; live; live = live->next) {
        bool is_there = live->phase != LIVE_GONE || (live->lost_code && live->is_accepted);

        if (is_there && str_equal(live->names.run_id, run_id)) {
            return live;
        }
    }
    return NULL;
}

bool runner_is_accepting(const struct runner *runner, struct str thread_id)
{
    for (const struct live_run *live = runner->live; live; live = live->next) {
        if (live->phase != LIVE_GONE && !live->is_accepted &&
            str_equal(live->names.thread_id, thread_id)) {
            return true;
        }
    }
    return false;
}

bool runner_is_busy_for(const struct runner *runner, struct str workspace_id)
{
    for (const struct live_run *live = runner->live; live; live = live->next) {
        bool is_there = live->phase != LIVE_GONE || live->lost_code;

        if (is_there && str_equal(live->row.workspace_id, workspace_id)) {
            return true;
        }
    }
    return false;
}

/* For the next process, should this one not live to carry it out. */
static void keep_cancellation(struct live_run *live)
{
    if (live->row.is_cancelled || live->phase >= LIVE_DELIVERING) {
        return;
    }
    live->row.is_cancelled = true;
    live_keep_row(live);
}

int runner_cancel(struct runner *runner, struct str workspace_id, struct str run_id)
{
    struct live_run *live = runner_find(runner, run_id);

    if (!live || !str_equal(live->row.workspace_id, workspace_id)) {
        return ERR_NOT_FOUND;
    }
    live->is_cancel_wanted = true;
    if (live->phase == LIVE_GONE) {
        return OK; /* it is about to stand still */
    }
    if (live->queue && (live->run || !live->is_recovered)) {
        live_leave_queue(live);
        live_cancel(live);
        live_poke(live);
        runner_show_counts(runner);
    } else if (live->phase == LIVE_STALLED) {
        live_hasten(live);
    } else if (live->phase == LIVE_ASKING) {
        live_poke(live); /* not from within what the model's text may have called */
    } else {
        keep_cancellation(live);
        if (!live_is_replaying(live)) {
            atomic_store(&live->is_cancelled, true);
        }
    }
    return OK;
}

struct runner_counts runner_counts(const struct runner *runner)
{
    return runner->counts;
}
