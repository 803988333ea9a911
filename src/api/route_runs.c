/*
 * Runs: asking, looking, cancelling. What a run did is read from its event log, which is the only
 * place that has it (run_log.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/api_state.h"
#include "api/callers.h"
#include "api/idempotency.h"
#include "api/late.h"
#include "api/quota.h"
#include "api/routes.h"
#include "api/run_log.h"
#include "api/run_request.h"

static void put_optional(struct json_writer *w, const char *key, struct str value)
{
    if (value.length) {
        json_key(w, key);
        json_put_str(w, value);
    }
}

static void put_members(struct json_writer *w, struct api *api, const struct store_run *run)
{
    static const char *const statuses[] = {
        [STORE_RUN_QUEUED] = "queued",       [STORE_RUN_RUNNING] = "running",
        [STORE_RUN_FINISHED] = "finished",   [STORE_RUN_FAILED] = "failed",
        [STORE_RUN_CANCELLED] = "cancelled",
    };
    uint64_t last_seq = 0;
    unsigned ahead;

    json_key(w, "id");
    json_put_str(w, run->id);
    json_key(w, "thread_id");
    json_put_str(w, run->thread_id);
    json_key(w, "status");
    json_put_text(w, statuses[run->status]);
    json_key(w, "prompt");
    json_put_str(w, run->prompt);
    put_optional(w, "dataset", run->dataset_id);
    json_key(w, "seed");
    json_put_i64(w, (int64_t)run->seed);
    put_time(w, "created_at", run->created_us);
    if (run->started_us) {
        put_time(w, "started_at", run->started_us);
    }
    if (run->finished_us) {
        put_time(w, "finished_at", run->finished_us);
    }
    put_optional(w, "reason", run->reason);
    put_optional(w, "report_id", run->report_id);
    /* A log that cannot be read has no last event to name. */
    (void)store_last_seq(api->options.store, run->workspace_id, run->id, &last_seq);
    json_key(w, "last_seq");
    json_put_i64(w, (int64_t)last_seq);
    if (run->status <= STORE_RUN_RUNNING && !runner_position(api->runner, run->id, &ahead)) {
        json_key(w, "queue");
        json_begin_object(w);
        json_key(w, "ahead");
        json_put_i64(w, ahead);
        json_end_object(w);
    }
}

void put_run(struct json_writer *w, struct api *api, const struct store_run *run)
{
    json_begin_object(w);
    put_members(w, api, run);
    json_end_object(w);
}

/* ---- one run ---- */

struct run_view {
    struct api *api;
    struct json_writer w;
    const struct run_log *log; /* NULL: without */
};

static bool write_run(const struct store_run *row, void *arg)
{
    struct run_view *view = (struct run_view *)arg;

    json_begin_object(&view->w);
    put_members(&view->w, view->api, row);
    if (view->log) {
        run_log_write(view->log, &view->w);
    }
    json_end_object(&view->w);
    return false;
}

static void reply_run(struct api *api, http_id id, struct str workspace, struct str run_id,
                      int status, const struct run_log *log)
{
    struct run_view view = {.api = api, .log = log};

    view.w = reply_begin_json(api);
    int code = store_get_run(api->options.store, workspace, run_id, write_run, &view);
    if (code) {
        struct error error = {0};

        (void)error_set(&error, code, "%s",
                        code == ERR_NOT_FOUND ? "there is no such run" : "cannot read the run");
        problem_reply_error(api, id, &error);
    } else {
        reply_json(api, id, status);
    }
}

static void get_run(const struct call *call)
{
    cleanup(run_log_free_pointer) struct run_log *log = NULL;
    int code = run_log_read(call->api->options.store, call->workspace, call->api->parser,
                            call->params[0], &log);

    if (code) {
        problem_reply(call->api, call->id, PROBLEM_INTERNAL_ERROR, NULL,
                      "cannot read the log of a run: %s", error_code_text(code));
        return;
    }
    reply_run(call->api, call->id, call->workspace, call->params[0], 200, log);
}

static void post_cancel(const struct call *call)
{
    switch (runner_cancel(call->api->runner, call->workspace, call->params[0])) {
    case OK:
        reply_run(call->api, call->id, call->workspace, call->params[0], 202, /* log */ NULL);
        break;
    case ERR_NOT_FOUND: {
        struct run_view view = {.api = call->api};

        view.w = call_begin_json(call);
        int code = store_get_run(call->api->options.store, call->workspace, call->params[0],
                                 write_run, &view);
        if (code) {
            call_reply_store_error(call, code, "run");
        } else {
            problem_reply(call->api, call->id, PROBLEM_CONFLICT, NULL, "the run has ended");
        }
        break;
    }
    default:
        problem_reply(call->api, call->id, PROBLEM_INTERNAL_ERROR, NULL, "cannot cancel a run");
    }
}

/* ---- asking ---- */

static void on_accepted(int code, const char *run_id, const char *thread_id, void *arg)
{
    struct late *late = (struct late *)arg;

    (void)thread_id;
    if (code) {
        struct error error = {0};

        (void)error_set(&error, code, "cannot store a run: %s", error_code_text(code));
        problem_reply_error(late->api, late->id, &error);
    } else {
        reply_run(late->api, late->id, caller_workspace(&late->who), str_from(run_id), 202,
                  /* log */ NULL);
    }
    late_free(late);
}

static void reply_not_started(const struct call *call, const struct runner_request *request,
                              const struct error *error)
{
    switch (error->code) {
    case ERR_EXISTS: /* asked for again, by a client that did not hear the answer */
        reply_run(call->api, call->id, call->workspace, request->run_id, 200, /* log */ NULL);
        break;
    case ERR_NOT_FOUND:
        problem_reply(call->api, call->id, PROBLEM_NOT_FOUND, "/dataset", "%s", error->message);
        break;
    case ERR_QUOTA:
        quota_refuse_run(call->api, call->id, error);
        break;
    default:
        problem_reply_error(call->api, call->id, error);
    }
}

void call_start_run(const struct call *call, struct str thread_id)
{
    struct runner_request request = {0};
    struct body_fault fault = {0};
    struct json_value root;
    struct error error = {0};
    char made_id[UUID_BYTES];
    char traceparent[TRACE_PARENT_BYTES];

    if (!call_json(call, &root)) {
        return;
    }
    if (!run_request_read(root, RUN_DIALECT_REST, &request, &fault)) {
        call_refuse(call, &fault);
        return;
    }
    if (thread_id.length) {
        request.thread_id = thread_id;
    }
    if (late_deletes_thread(call->api, call->workspace, request.thread_id)) {
        problem_reply(call->api, call->id, PROBLEM_CONFLICT, NULL, "the thread is being deleted");
        return;
    }
    if (request.run_id.length == 0 && idempotency_has_key(call)) {
        if (call_new_id(call, "run", made_id, &error)) {
            problem_reply_error(call->api, call->id, &error);
            return;
        }
        request.run_id = str_from(made_id);
    }
    struct late *late = late_new(call);
    if (!late) {
        return;
    }
    caller_sign_request(call->who, &request, traceparent);
    int code = runner_start(call->api->runner, &request, on_accepted, late, &error);
    if (code) {
        late_free(late);
        error.code = code;
        reply_not_started(call, &request, &error);
    }
}

static void post_run(const struct call *call)
{
    call_start_run(call, STR(""));
}

static const struct route routes[] = {
    {.method = HTTP_POST,
     .pattern = "/api/runs",
     .scope = AUTH_SCOPE_RUN,
     .place = ROUTE_PLACE_COSTLY,
     .handle = post_run,
     .takes_json = true,
     .summary = "Asks a question, in a new thread unless one is named; a run_id that exists gives "
                "that run (200).",
     .request = SCHEMA_REF("RunRequest"),
     .reply = SCHEMA_REF("Run"),
     .reply_status = 202},
    {.method = HTTP_GET,
     .pattern = "/api/runs/{id}",
     .scope = AUTH_SCOPE_READ,
     .handle = get_run,
     .summary = "A run with its steps, agents and tool calls.",
     .reply = SCHEMA_REF("Run"),
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/api/runs/{id}/cancel",
     .scope = AUTH_SCOPE_RUN,
     .handle = post_cancel,
     .takes_json = true,
     .summary = "Asks a run to end; 409 when it has ended.",
     .reply = SCHEMA_REF("Run"),
     .reply_status = 202},
};

const struct route_table routes_runs = {"runs", routes, ARRAY_LENGTH(routes), ROUTE_BACKEND};
