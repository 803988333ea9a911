/*
 * Runs that the last process left open, or this one let go (runner_stall.c). Which ones there are
 * is asked once; the log of each is read when it gets its place: what it has must be made again
 * before anything is added.
 *
 * Each attempt leaves a CUSTOM event in the log, durable before the work begins. So a run that
 * brings the process down is known by how many of them follow one another: an attempt that got
 * further has added something behind its own. What the disk refused brought nothing down: a run
 * that is taken up by the same process is told so, with attempt 0, in the batch of its first new
 * event.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "agent/runner_state.h"
#include "base/alloc.h"

#define SKIPPED_MAX (4 * (uint64_t)TEXT_LEASE) /* a lease, and what was on its way to the disk */

/* ---- the log of one ---- */

/* What a log tells about its run. */
struct reading {
    struct live_run *live;
    size_t capacity;
    uint64_t last_seq;
    unsigned attempts; /* that added nothing, in a row, at the end of the log */
    unsigned rows;     /* of the page */
    int code;
};

static bool is_named(struct json_value root, const char *wanted)
{
    struct str name;

    return json_get_str(json_at(root, "name"), &name) && str_equal(name, str_from(wanted));
}

/* Type and name; false when it has none, which no event of ours lacks but those of their kind. */
static int key_of(struct json_value root, char *ret_key)
{
    static const char *const names[] = {"stepName", "name", "toolCallName", "toolCallId",
                                        "messageId"};
    struct str type;
    struct str name = STR("");

    if (!json_get_str(json_at(root, "type"), &type)) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (json_get_str(json_at(root, names[i]), &name)) {
            break;
        }
    }
    (void)snprintf(ret_key, REPLAY_KEY_BYTES, "%.*s %.*s", STR_ARGS(type), STR_ARGS(name));
    return OK;
}

int replay_key(struct json_parser *parser, struct str json, char *ret_key)
{
    struct json_value root;
    int code = json_parse(parser, json, &root, NULL);

    return code ? code : key_of(root, ret_key);
}

static int make_room(struct reading *reading)
{
    struct replay *replay = &reading->live->replay;

    if (replay->count < reading->capacity) {
        return OK;
    }
    if (replay->count >= REPLAY_EVENTS_MAX) {
        return ERR_LIMIT;
    }
    size_t capacity = reading->capacity ? 2 * reading->capacity : 64;
    void *keys = alloc_resize(replay->keys, capacity, sizeof(*replay->keys));
    if (!keys) {
        return ERR_NO_MEMORY;
    }
    replay->keys = keys;
    reading->capacity = capacity;
    return OK;
}

/* Marks of earlier attempts and text of models, which no attempt needs to make again. */
static bool is_beside(struct reading *reading, struct json_value root)
{
    struct str type = STR("");

    if (is_named(root, "netra.resumed")) {
        uint64_t attempt = 1;

        (void)json_get_u64(json_at(json_at(root, "value"), "attempt"), &attempt);
        reading->attempts += attempt > 0;
        return true;
    }
    (void)json_get_str(json_at(root, "type"), &type);
    return is_named(root, "netra.skipped") ||
           live_text_read(reading->live, type, root, &reading->code);
}

static int keep_key(struct reading *reading, const struct store_event *row, struct json_value root)
{
    struct live_run *live = reading->live;
    int code = make_room(reading);

    reading->attempts = 0;
    if (!code) {
        char *key = live->replay.keys[live->replay.count];

        code = key_of(root, key);
        if (strcmp(key, "STEP_STARTED response_delivered") == 0) {
            live->delivery_started_us = row->time_us;
        }
        live->replay.count += row->seq > 1; /* RUN_STARTED is not made again */
    }
    return code;
}

static bool read_event(const struct store_event *row, void *arg)
{
    struct reading *reading = arg;
    struct json_value root;

    reading->rows++;
    reading->last_seq = row->seq;
    reading->code = json_parse(reading->live->runner->parser, row->json, &root, NULL);
    if (!reading->code && !is_beside(reading, root)) {
        reading->code = keep_key(reading, row, root);
    }
    return reading->code == OK;
}

static int read_log(struct reading *reading)
{
    struct live_run *live = reading->live;
    int code = OK;

    do {
        reading->rows = 0;
        code = store_list_events(live->runner->options.store, live->row.workspace_id,
                                 live->names.run_id, reading->last_seq, STORE_PAGE_MAX, read_event,
                                 reading);
        code = code ? code : reading->code;
    } while (!code && reading->rows == STORE_PAGE_MAX);
    return code;
}

static void log_resumption(struct live_run *live, unsigned attempt)
{
    cleanup(buf_done) struct buf json;

    buf_init(&json, RUN_EVENT_BYTES_MAX);
    run_events_resumed(&live->names, clock_now_us(), attempt, &json);
    live_log_json(live, &json, clock_now_us());
}

/* Numbers that clients may have seen, with text that was not stored any more. */
static void log_skipped(struct live_run *live)
{
    cleanup(buf_done) struct buf json;

    buf_init(&json, RUN_EVENT_BYTES_MAX);
    run_events_skipped(&live->names, clock_now_us(), &json);
    while (live->next_seq <= live->row.seq_leased && live->phase != LIVE_GONE) {
        live_log_json(live, &json, clock_now_us());
    }
    live->row.seq_leased = 0; /* the row is in the same batch, whatever follows */
}

void live_tell_taken_up(struct live_run *live)
{
    live->must_tell_that = false;
    if (live->row.status == STORE_RUN_QUEUED) { /* the next event may be its last */
        live->row.status = STORE_RUN_RUNNING;
    }
    live->row.started_us = live->row.started_us ? live->row.started_us : clock_now_us();
    log_resumption(live, /* attempt */ 0);
    live_log_row(live);
}

/* The log is read, and ahead of the run by so many events. */
static void do_again(struct live_run *live, size_t count, unsigned attempts)
{
    if (live->is_taken_up && live->defects >= RUNNER_ATTEMPTS_MAX) {
        live_fail(live, "GAVE_UP", "what this run tells could not be kept, again and again");
        return;
    }
    if (!live->is_taken_up && attempts >= RUNNER_ATTEMPTS_MAX) {
        live_fail(live, "GAVE_UP",
                  "the server was stopped again and again while this run was at work");
        return;
    }
    if (!live->is_taken_up) {
        live->row.status = STORE_RUN_RUNNING;
        live->row.started_us = live->row.started_us ? live->row.started_us : clock_now_us();
        log_resumption(live, attempts + 1);
        live_log_row(live);
    }
    live->replay.count = count;
    /* when it has caught up, so that what was begun has an end */
    atomic_store(&live->is_cancelled, live->is_cancel_wanted && !live_is_replaying(live));
    if (live->is_taken_up) {
        live->must_tell_that = true;
        live_flush(live, 0);
        live_begin(live);
    } else {
        live_flush(live, MARK_RESUMED);
    }
}

void live_resume(struct live_run *live)
{
    struct reading reading = {.live = live};
    int code = read_log(&reading);
    size_t count = live->replay.count;
    bool has_skipped = live->row.seq_leased > 0;

    if (!code && live->row.seq_leased > reading.last_seq + SKIPPED_MAX) {
        code = ERR_INVALID;
    }
    if (code == ERR_INVALID || code == ERR_LIMIT) { /* no other reading would tell anything else */
        live->defects = RUNNER_ATTEMPTS_MAX;
    }
    if (code) {
        live_lose(live, code);
        return;
    }
    live->replay.count = 0;
    live->published_seq = reading.last_seq;
    live->next_seq = reading.last_seq + 1;
    log_skipped(live);
    if (has_skipped) {
        live_log_row(live);
    }
    if (live->has_report) {
        live->phase = LIVE_DELIVERING;
        live_read_usage(live);
        live_finish(live);
    } else {
        do_again(live, count, reading.attempts);
    }
}

/* ---- which runs ---- */

struct recovery {
    struct runner *runner;
    int code;
};

void live_copy_state(struct live_run *live, const struct store_run *row)
{
    live->row.status = row->status;
    live->row.started_us = row->started_us;
    live->row.finished_us = row->finished_us;
    live->row.seq_leased = row->seq_leased;
    live->row.is_cancelled = row->is_cancelled;
    live->has_report = row->report_id.length > 0;
    if (live->has_report) {
        (void)snprintf(live->report_id, sizeof(live->report_id), "%.*s", STR_ARGS(row->report_id));
    }
}

/* False: no memory. */
static bool copy_row(struct live_run *live, const struct store_run *row)
{
    const struct {
        struct str from;
        struct str *to;
    } texts[] = {{row->id, &live->row.id},
                 {row->workspace_id, &live->row.workspace_id},
                 {row->owner_id, &live->row.owner_id},
                 {row->thread_id, &live->row.thread_id},
                 {row->prompt, &live->row.prompt},
                 {row->dataset_id, &live->row.dataset_id},
                 {row->traceparent, &live->row.traceparent}};

    live->row = *row;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        *texts[i].to = arena_copy(&live->arena, texts[i].from);
        if (!texts[i].to->data) {
            return false;
        }
    }
    return true;
}

static bool recover_run(const struct store_run *row, void *arg)
{
    struct recovery *recovery = arg;
    struct runner *runner = recovery->runner;
    struct live_run *live = live_new(runner);

    if (!live) {
        recovery->code = ERR_NO_MEMORY;
        return false;
    }
    bool is_copied = copy_row(live, row);
    live_copy_state(live, row);
    if (!is_copied || live_own(live) || (!live->has_report && uuid_v7(live->report_id, NULL))) {
        live_free(live);
        recovery->code = ERR_NO_MEMORY;
        return false;
    }
    live->names = (struct run_names){.run_id = live->row.id, .thread_id = live->row.thread_id};
    live->is_recovered = true;
    live_trace_begin(live);
    live->is_accepted = true;
    live->is_cancel_wanted = row->is_cancelled;
    runner_enqueue(live);
    return true;
}

int runner_recover(struct runner *runner, struct error *error)
{
    struct recovery recovery = {.runner = runner};
    int code = store_list_open_runs(runner->options.store, recover_run, &recovery);

    code = code ? code : recovery.code;
    if (code) {
        return error_set(error, code, "cannot take up the runs of before: %s",
                         error_code_text(code));
    }
    runner_schedule(runner);
    return OK;
}
