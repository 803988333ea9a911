/*
 * Acceptance. A run begins to work while its acceptance is on its way to the disk: its events queue
 * behind it in the same log, so nobody hears of one before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "agent/runner_state.h"
#include "base/civil_time.h"
#include "report/visible.h"

#define TITLE_WIDTH 80u

/* An id that the client may leave out. */
static bool is_id(struct str id)
{
    return id.length == 0 || store_is_id(id);
}

static int check_request(const struct runner_request *request, struct error *error)
{
    if (!is_id(request->run_id) || !is_id(request->thread_id) || !is_id(request->dataset_id)) {
        return error_set(error, ERR_INVALID, "an id has up to %u of A-Z a-z 0-9 _ -, not '%.*s'",
                         STORE_ID_BYTES_MAX,
                         STR_ARGS(!is_id(request->run_id)      ? request->run_id
                                  : !is_id(request->thread_id) ? request->thread_id
                                                               : request->dataset_id));
    }
    if (str_trim(request->prompt).length == 0) {
        return error_set(error, ERR_INVALID, "the prompt is empty");
    }
    if (request->prompt.length > ASK_PROMPT_BYTES_MAX) {
        return error_set(error, ERR_INVALID, "the prompt has %zu bytes; at most %u are read",
                         request->prompt.length, ASK_PROMPT_BYTES_MAX);
    }
    return OK;
}

static bool see_run(const struct store_run *row, void *arg)
{
    (void)row;
    (void)arg;
    return false;
}

static bool see_thread(const struct store_thread *row, void *arg)
{
    (void)row;
    (void)arg;
    return false;
}

static bool see_dataset(const struct store_dataset *row, void *arg)
{
    *(bool *)arg = row->status == STORE_DATASET_READY;
    return false;
}

/* ERR_NOT_FOUND: the id is free, as far as this workspace can see. */
static int find_run(const struct runner *runner, const struct runner_request *request)
{
    const struct live_run *live = runner_find(runner, request->run_id);

    if (live) {
        return str_equal(live->row.workspace_id, request->workspace_id) ? ERR_EXISTS : ERR_INVALID;
    }
    int code =
        store_get_run(runner->options.store, request->workspace_id, request->run_id, see_run, NULL);
    return code ? code : ERR_EXISTS;
}

/* Whether the store and the runs under way let a request in. */
static int check_state(const struct runner *runner, const struct runner_request *request,
                       struct error *error)
{
    const struct runner_owner *owner =
        runner_find_owner(runner, request->workspace_id, request->owner_id);
    unsigned most = runner->options.waiting_owner_max;
    struct store *store = runner->options.store;
    bool is_ready = false;

    if (runner->is_draining ||
        runner->counts.waiting + runner->counts.stalled >= RUNNER_QUEUE_MAX) {
        return error_set(error, ERR_LIMIT, "%s",
                         runner->is_draining ? "the server is stopping" : "too many runs wait");
    }
    if (request->run_id.length) {
        int code = find_run(runner, request);

        if (code != ERR_NOT_FOUND) {
            return error_set(error, code, "run %.*s: %s", STR_ARGS(request->run_id),
                             error_code_text(code));
        }
    }
    /* Behind the look at the id: who asks for the same again hears of it, however much waits. */
    if (most && owner && owner->waiting >= most) {
        return error_set(error, ERR_QUOTA, "%u of your runs wait already; at most %u may",
                         owner->waiting, most);
    }
    if (request->dataset_id.length) {
        int code = store_get_dataset(store, request->workspace_id, request->dataset_id, see_dataset,
                                     &is_ready);
        if (code || !is_ready) {
            return error_set(error, code ? code : ERR_NOT_FOUND, "dataset %.*s is %s",
                             STR_ARGS(request->dataset_id),
                             code ? "not there" : "not ready for analysis");
        }
    }
    return OK;
}

static int set_id(struct live_run *live, struct str given, struct str *ret_id, struct error *error)
{
    char made[UUID_BYTES];
    int code = given.length ? OK : uuid_v7(made, error);

    if (code) {
        return code;
    }
    *ret_id = arena_copy(&live->arena, given.length ? given : str_from(made));
    return ret_id->data ? OK : ERR_NO_MEMORY;
}

static int fill_row(struct live_run *live, const struct runner_request *request,
                    struct error *error)
{
    struct store_run *row = &live->row;
    char traceparent[TRACE_PARENT_BYTES];
    int code = set_id(live, request->run_id, &row->id, error);

    code = code ? code : set_id(live, request->thread_id, &row->thread_id, error);
    code = code ? code : uuid_v7(live->report_id, error);
    row->workspace_id = arena_copy(&live->arena, request->workspace_id);
    row->owner_id = arena_copy(&live->arena, request->owner_id);
    row->traceparent = arena_copy(&live->arena, runner_traceparent(request, traceparent));
    row->prompt = arena_copy(&live->arena, request->prompt);
    row->dataset_id = arena_copy(&live->arena, request->dataset_id);
    if (!code && (!row->workspace_id.data || !row->owner_id.data || !row->traceparent.data ||
                  !row->prompt.data || !row->dataset_id.data)) {
        code = ERR_NO_MEMORY;
    }
    row->status = STORE_RUN_QUEUED;
    row->has_model = live->runner->options.llm != NULL;
    row->seed = request->seed ? request->seed : 1;
    row->created_us = clock_now_us();
    row->now_us = civil_floor(row->created_us, MINUTE_US);
    live->names = (struct run_names){.run_id = row->id, .thread_id = row->thread_id};
    live_trace_begin(live);
    return code ? code : live_own(live);
}

/* A thread of a run that is being accepted is not in the store yet. */
static bool is_thread_there(const struct runner *runner, struct str workspace_id,
                            struct str thread_id)
{
    return runner_is_accepting(runner, thread_id) ||
           store_get_thread(runner->options.store, workspace_id, thread_id, see_thread, NULL) == OK;
}

static int add_thread(struct live_run *live, struct store_batch *batch)
{
    const struct store_run *row = &live->row;
    cleanup(buf_done) struct buf title;

    buf_init(&title, ASK_PROMPT_BYTES_MAX);
    if (is_thread_there(live->runner, row->workspace_id, row->thread_id)) {
        store_touch_thread(batch, row->thread_id, row->created_us);
        return OK;
    }
    (void)visible_append_cut(&title, str_trim(row->prompt), TITLE_WIDTH);
    store_put_thread(batch, &(struct store_thread){.id = row->thread_id,
                                                   .owner_id = row->owner_id,
                                                   .title = buf_str(&title),
                                                   .created_us = row->created_us,
                                                   .updated_us = row->created_us});
    return buf_status(&title);
}

/* The message, the run and RUN_STARTED; with the thread they are one batch. */
static int log_acceptance(struct live_run *live, struct error *error)
{
    const struct store_run *row = &live->row;
    cleanup(buf_done) struct buf json;
    char message_id[UUID_BYTES];

    buf_init(&json, RUN_EVENT_BYTES_MAX);
    int code = uuid_v7(message_id, error);
    struct store_batch *batch = code ? NULL : live_batch(live);

    if (!batch) {
        return code ? code : live->lost_code;
    }
    code = add_thread(live, batch);
    store_add_message(batch, &(struct store_message){.id = str_from(message_id),
                                                     .thread_id = row->thread_id,
                                                     .role = STR("user"),
                                                     .content = row->prompt,
                                                     .run_id = row->id,
                                                     .created_us = row->created_us});
    store_add_run(batch, row);
    run_events_started(&live->names, row->created_us, str_from(message_id), row->prompt,
                       row->dataset_id, row->seed, &json);
    struct note *note =
        buf_status(&json) || code ? NULL : note_new(buf_str(&json), row->created_us);
    if (!note) {
        return code ? code : ERR_NO_MEMORY;
    }
    live_log(live, note);
    return OK;
}

unsigned runner_waiting_owner_max(const struct runner *runner)
{
    return runner->options.waiting_owner_max;
}

int runner_start(struct runner *runner, const struct runner_request *request,
                 runner_accepted_fn accepted, void *arg, struct error *error)
{
    struct error failure = {0};
    int code = check_request(request, error);

    code = code ? code : check_state(runner, request, error);
    if (code) {
        return code;
    }
    struct live_run *live = live_new(runner);
    code = live ? fill_row(live, request, &failure) : ERR_NO_MEMORY;
    code = code ? code : log_acceptance(live, &failure);
    if (!code) {
        live_flush(live, MARK_ACCEPTED);
        code = live->lost_code;
    }
    if (code) {
        if (live) {
            live_free(live);
        }
        return error_set(error, code, "cannot start a run: %s",
                         failure.code ? failure.message : error_code_text(code));
    }
    live->accepted = accepted;
    live->accepted_arg = arg;
    runner_enqueue(live);
    runner_schedule(runner);
    return OK;
}
