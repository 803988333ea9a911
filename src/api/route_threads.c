/*
 * Threads and what is in them. Reads answer at once; writes answer when they are durable.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/api_state.h"
#include "api/body.h"
#include "api/callers.h"
#include "api/idempotency.h"
#include "api/late.h"
#include "api/routes.h"
#include "loop/clock.h"

#define THREAD_TITLE_BYTES_MAX 512u

static void put_thread(struct json_writer *w, const struct store_thread *thread)
{
    json_begin_object(w);
    json_key(w, "id");
    json_put_str(w, thread->id);
    json_key(w, "title");
    json_put_str(w, thread->title);
    put_time(w, "created_at", thread->created_us);
    put_time(w, "updated_at", thread->updated_us);
    json_end_object(w);
}

static void put_message(struct json_writer *w, const struct store_message *message)
{
    json_begin_object(w);
    json_key(w, "id");
    json_put_str(w, message->id);
    json_key(w, "thread_id");
    json_put_str(w, message->thread_id);
    json_key(w, "role");
    json_put_str(w, message->role);
    json_key(w, "content");
    json_put_str(w, message->content);
    if (message->run_id.length) {
        json_key(w, "run_id");
        json_put_str(w, message->run_id);
    }
    put_time(w, "created_at", message->created_us);
    json_end_object(w);
}

/* ---- lists ---- */

static bool list_thread(const struct store_thread *row, void *arg)
{
    struct list *list = (struct list *)arg;

    list_row(list, row->id);
    put_thread(&list->w, row);
    return true;
}

static bool list_message(const struct store_message *row, void *arg)
{
    struct list *list = (struct list *)arg;

    list_row(list, row->id);
    put_message(&list->w, row);
    return true;
}

static bool list_run(const struct store_run *row, void *arg)
{
    struct list *list = (struct list *)arg;

    list_row(list, row->id);
    put_run(&list->w, list->api, row);
    return true;
}

static void get_threads(const struct call *call)
{
    struct call_page page;
    struct list list;

    if (call_page(call, &page)) {
        list_begin(&list, call, &page);
        list_reply(&list, store_list_threads(call->api->options.store, call->workspace, page.after,
                                             page.limit, list_thread, &list));
    }
}

static bool ignore_thread(const struct store_thread *row, void *arg)
{
    (void)row;
    (void)arg;
    return false;
}

/* False when it has been answered. */
static bool thread_is_there(const struct call *call)
{
    int code = store_get_thread(call->api->options.store, call->workspace, call->params[0],
                                ignore_thread, NULL);

    if (code) {
        call_reply_store_error(call, code, "thread");
    }
    return code == OK;
}

static void get_messages(const struct call *call)
{
    struct call_page page;
    struct list list;

    if (call_page(call, &page) && thread_is_there(call)) {
        list_begin(&list, call, &page);
        list_reply(&list,
                   store_list_messages(call->api->options.store, call->workspace, call->params[0],
                                       page.after, page.limit, list_message, &list));
    }
}

static void get_runs(const struct call *call)
{
    struct call_page page;
    struct list list;

    if (call_page(call, &page) && thread_is_there(call)) {
        list_begin(&list, call, &page);
        list_reply(&list,
                   store_list_runs(call->api->options.store, call->workspace, call->params[0],
                                   page.after, page.limit, list_run, &list));
    }
}

static void post_run(const struct call *call)
{
    if (thread_is_there(call)) {
        call_start_run(call, call->params[0]);
    }
}

/* ---- one thread ---- */

static bool write_thread(const struct store_thread *row, void *arg)
{
    put_thread((struct json_writer *)arg, row);
    return false;
}

static void get_thread(const struct call *call)
{
    struct json_writer w = call_begin_json(call);
    int code = store_get_thread(call->api->options.store, call->workspace, call->params[0],
                                write_thread, &w);

    if (code) {
        call_reply_store_error(call, code, "thread");
    } else {
        call_reply_json(call, 200);
    }
}

static void on_changed(int code, void *arg)
{
    struct late *late = (struct late *)arg;
    struct api *api = late->api;

    if (code) {
        struct error error = {0};

        (void)error_set(&error, code, "cannot change the thread: %s", error_code_text(code));
        problem_reply_error(api, late->id, &error);
    } else if (late->made_id[0] == '\0') {
        reply_empty(api, late->id);
    } else {
        struct json_writer w = reply_begin_json(api);

        code = store_get_thread(api->options.store, caller_workspace(&late->who),
                                str_from(late->made_id), write_thread, &w);
        if (code) {
            problem_reply(api, late->id, PROBLEM_INTERNAL_ERROR, NULL,
                          "a thread that was stored cannot be read: %s", error_code_text(code));
        } else {
            reply_json(api, late->id, 201);
        }
    }
    late_free(late);
}

/* Takes the batch (NULL: no memory for one) and the answer. */
static void submit(const struct call *call, struct store_batch *batch, struct late *late)
{
    int code = ERR_NO_MEMORY;

    if (batch) {
        code = store_submit(call->api->options.store, batch, on_changed, late);
    }
    if (code) {
        struct error error = {0};

        late_free(late);
        (void)error_set(&error, code, "cannot change the thread: %s", error_code_text(code));
        problem_reply_error(call->api, call->id, &error);
    }
}

/* A request that comes again after a crash finds what its first made. True when it was answered. */
static bool is_made_already(const struct call *call, struct str id)
{
    struct json_writer w;

    if (!idempotency_has_key(call)) {
        return false;
    }
    w = call_begin_json(call);
    int code = store_get_thread(call->api->options.store, call->workspace, id, write_thread, &w);
    if (code == ERR_NOT_FOUND) {
        return false;
    }
    if (code) {
        call_reply_store_error(call, code, "thread");
    } else {
        call_reply_json(call, 201);
    }
    return true;
}

static void post_thread(const struct call *call)
{
    static const struct body_text_rule title_rule = {.bytes_max = THREAD_TITLE_BYTES_MAX};
    struct store_thread thread = {.title = STR("")};
    struct body_fault fault = {0};
    struct json_value root;
    struct error error = {0};

    if (!call_json(call, &root)) {
        return;
    }
    if (!body_is_object(root, &fault) ||
        !body_text(root, "title", &title_rule, &thread.title, &fault)) {
        call_refuse(call, &fault);
        return;
    }
    struct late *late = late_new(call);
    if (!late) {
        return;
    }
    if (call_new_id(call, "thread", late->made_id, &error)) {
        late_free(late);
        problem_reply_error(call->api, call->id, &error);
        return;
    }
    if (is_made_already(call, str_from(late->made_id))) {
        late_free(late);
        return;
    }
    struct store_batch *batch = store_batch_new(call->workspace);
    if (batch) {
        thread.id = str_from(late->made_id);
        thread.owner_id = str_from(late->who.user_id);
        thread.created_us = clock_now_us();
        thread.updated_us = thread.created_us;
        store_put_thread(batch, &thread);
    }
    submit(call, batch, late);
}

struct open_runs {
    struct str thread_id;
    bool found;
};

static bool look_for_open_run(const struct store_run *row, void *arg)
{
    struct open_runs *open = (struct open_runs *)arg;

    open->found = str_equal(row->thread_id, open->thread_id);
    return !open->found;
}

/* What a run at work would write next must have a place. */
static void delete_thread(const struct call *call)
{
    struct open_runs open = {.thread_id = call->params[0]};

    if (!thread_is_there(call)) {
        return;
    }
    int code = store_list_open_runs(call->api->options.store, look_for_open_run, &open);
    open.found |= runner_is_accepting(call->api->runner, open.thread_id);
    if (code && code != ERR_NOT_FOUND) {
        call_reply_store_error(call, code, "thread");
        return;
    }
    if (open.found) {
        problem_reply(call->api, call->id, PROBLEM_CONFLICT, NULL,
                      "a run of this thread is under way: cancel it or wait for its end");
        return;
    }
    struct late *late = late_new(call);
    if (!late) {
        return;
    }
    struct store_batch *batch = store_batch_new(call->workspace);
    memcpy(late->deleted_thread_id, call->params[0].data, call->params[0].length);
    if (batch) {
        store_delete_thread(batch, call->params[0]);
    }
    submit(call, batch, late);
}

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/threads",
     .scope = AUTH_SCOPE_READ,
     .handle = get_threads,
     .summary = "Threads, newest first.",
     .queries = route_page_queries,
     .reply = SCHEMA_PAGE("Thread"),
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/api/threads",
     .scope = AUTH_SCOPE_RUN,
     .handle = post_thread,
     .takes_json = true,
     .summary = "A new thread.",
     .request = "{\"type\":\"object\",\"properties\":{\"title\":{\"type\":\"string\","
                "\"maxLength\":512}}}",
     .reply = SCHEMA_REF("Thread"),
     .reply_status = 201},
    {.method = HTTP_GET,
     .pattern = "/api/threads/{id}",
     .scope = AUTH_SCOPE_READ,
     .handle = get_thread,
     .summary = "A thread.",
     .reply = SCHEMA_REF("Thread"),
     .reply_status = 200},
    {.method = HTTP_DELETE,
     .pattern = "/api/threads/{id}",
     .scope = AUTH_SCOPE_DATA,
     .handle = delete_thread,
     .summary = "Deletes a thread with its messages, runs and reports; 409 while a run is at work.",
     .reply_status = 204},
    {.method = HTTP_GET,
     .pattern = "/api/threads/{id}/messages",
     .scope = AUTH_SCOPE_READ,
     .handle = get_messages,
     .summary = "Messages of a thread, oldest first.",
     .queries = route_page_queries,
     .reply = SCHEMA_PAGE("Message"),
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/api/threads/{id}/runs",
     .scope = AUTH_SCOPE_READ,
     .handle = get_runs,
     .summary = "Runs of a thread, newest first.",
     .queries = route_page_queries,
     .reply = SCHEMA_PAGE("Run"),
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/api/threads/{id}/runs",
     .scope = AUTH_SCOPE_RUN,
     .place = ROUTE_PLACE_COSTLY,
     .handle = post_run,
     .takes_json = true,
     .summary = "Asks a question in a thread.",
     .request = SCHEMA_REF("RunRequest"),
     .reply = SCHEMA_REF("Run"),
     .reply_status = 202},
};

const struct route_table routes_threads = {"threads", routes, ARRAY_LENGTH(routes), ROUTE_BACKEND};
