/*
 * Routes that stay open: /ws, /agui and a run's events as a stream. What they have in common is in
 * subscribers.h; here is how a client gets to be one.
 *
 * A run is accepted when it is durable, which is later than the request: until then a struct
 * pending_run knows whom to tell, by id, since the socket may be gone by then. It then subscribes
 * from the first event, so that RUN_STARTED comes from the log exactly once.
 *
 * The body of a WebSocket message is parsed by the api's one parser: what is kept of it is copied
 * by who keeps it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/route_live.h"
#include "api/callers.h"

#include "api/api_state.h"
#include "api/gate.h"
#include "api/late.h"
#include "api/quota.h"
#include "api/ws_message.h"
#include "base/alloc.h"
#include "base/decimal.h"
#include "loop/clock.h"
#include "monitor/metrics.h"

#define WS_PROTOCOL        "ag-ui.v1+json"
#define CLIENT_ERROR_BYTES 4096u
#define WS_TRY_AGAIN_LATER 1013u
#define PROMPT_BYTES_MAX   ROUTE_BODY_BYTES_MAX

/* ---- WebSocket: answers to one client ---- */

static void send_buf(struct api *api, http_id id, const struct buf *text)
{
    struct ws_frame *frame = buf_status(text) ? NULL : ws_frame_text(buf_str(text));

    if (frame) {
        (void)ws_send(api->server, id, frame); /* one that is gone misses nothing */
    } else {
        ws_close(api->server, id, WS_TRY_AGAIN_LATER, "out of memory");
    }
    ws_frame_unref(frame);
}

static struct json_writer begin_custom(struct buf *text, const char *name)
{
    struct json_writer w;

    buf_init(text, CLIENT_ERROR_BYTES);
    w = json_writer_on(text);
    json_begin_object(&w);
    json_key(&w, "type");
    json_put_text(&w, "CUSTOM");
    json_key(&w, "timestamp");
    json_put_i64(&w, clock_now_us() / 1000);
    json_key(&w, "name");
    json_put_text(&w, name);
    json_key(&w, "value");
    json_begin_object(&w);
    return w;
}

static void end_custom(struct api *api, http_id id, struct json_writer *w)
{
    json_end_object(w);
    json_end_object(w);
    send_buf(api, id, w->out);
}

/* What an error message is about. */
struct context {
    enum ws_message_type type;
    struct str run_id; /* may be empty */
};

static void put_context(struct json_writer *w, const struct context *context)
{
    const char *type = ws_message_type_name(context->type);

    if (type) {
        json_key(w, "inReplyTo");
        json_put_text(w, type);
    }
    if (context->run_id.length) {
        json_key(w, "runId");
        json_put_str(w, context->run_id);
    }
}

static void send_problem(struct api *api, http_id id, const struct context *context,
                         enum problem problem, const char *pointer, const char *detail)
{
    cleanup(buf_done) struct buf text;
    struct json_writer w = begin_custom(&text, "error");

    json_key(&w, "problem");
    problem_write(&w, problem, pointer, detail);
    put_context(&w, context);
    end_custom(api, id, &w);
}

static void send_needs(struct api *api, http_id id, const struct context *context,
                       const char *needs)
{
    cleanup(buf_done) struct buf text;
    struct json_writer w = begin_custom(&text, "error");

    json_key(&w, "problem");
    problem_write_needs(&w, needs,
                        "neither the role nor the credential of this socket includes it");
    put_context(&w, context);
    end_custom(api, id, &w);
}

static void send_limited(struct api *api, http_id id, const struct context *context,
                         const struct limit_state *limit, const char *detail)
{
    cleanup(buf_done) struct buf text;
    struct json_writer w = begin_custom(&text, "error");

    json_key(&w, "problem");
    problem_write_limited(&w, limit, detail);
    put_context(&w, context);
    end_custom(api, id, &w);
}

static void send_error(struct api *api, http_id id, const struct context *context,
                       const struct error *error)
{
    cleanup(buf_done) struct buf text;
    struct json_writer w = begin_custom(&text, "error");

    json_key(&w, "problem");
    if (error->code == ERR_QUOTA) {
        quota_write_run(api, &w, error);
    } else {
        problem_write_error(&w, error);
    }
    put_context(&w, context);
    end_custom(api, id, &w);
}

static void send_code(struct api *api, http_id id, const struct context *context, int code)
{
    struct error error = {0};

    (void)error_set(&error, code, "run %.*s: %s", STR_ARGS(context->run_id), error_code_text(code));
    if (code == ERR_LIMIT) {
        (void)error_set(&error, code, "one socket listens to at most %u runs that are under way",
                        SUBSCRIBERS_PER_SOCKET_MAX);
    }
    send_error(api, id, context, &error);
}

static void send_pong(struct api *api, http_id id)
{
    cleanup(buf_done) struct buf text;
    struct json_writer w = begin_custom(&text, "pong");

    json_key(&w, "time");
    json_put_i64(&w, clock_now_us() / 1000);
    end_custom(api, id, &w);
}

/* ---- event streams ---- */

static const struct http_header stream_headers[] = {
    {{"Cache-Control", 13}, {"no-store", 8}},
    {{"X-Accel-Buffering", 17}, {"no", 2}}, /* proxies of the nginx family would hold it back */
};

static bool note_there(const struct store_run *run, void *arg)
{
    (void)run;
    (void)arg;
    return false;
}

/* False when it has been answered: the caller has too many open. */
static bool open_socket(struct api *api, http_id id, bool is_websocket)
{
    unsigned max = api->options.limits.websockets_per_user;
    struct visit *visit = visit_of(api, id);
    int code = visit ? sockets_open(&api->sockets, visit, id, is_websocket, max) : ERR_NOT_FOUND;

    if (code == ERR_LIMIT) {
        struct limit_state state = {
            .name = "websockets", .limit = max, .wait_s = SOCKETS_TRY_AGAIN_S};

        metric_add(METRIC_LIMITED, metric_label(METRIC_LIMITED, str_from(state.name)), 1);
        problem_reply_limited(api, id, &state, "too many open WebSockets and streams of this user");
    } else if (code) {
        problem_reply(api, id, PROBLEM_SERVICE_UNAVAILABLE, NULL, "out of memory");
    }
    return code == OK;
}

/* Answers with the stream, or with the problem while that is still possible. */
static void begin_stream(struct api *api, http_id id, struct str run_id, uint64_t after)
{
    struct str workspace = caller_workspace(caller_of(api, id));
    const struct http_reply reply = {.status = 200,
                                     .content_type = STR("text/event-stream"),
                                     .headers = stream_headers,
                                     .header_count = ARRAY_LENGTH(stream_headers)};
    int code = store_get_run(api->options.store, workspace, run_id, note_there, NULL);
    struct error error = {0};

    if (code) {
        (void)error_set(&error, code, "run %.*s: %s", STR_ARGS(run_id), error_code_text(code));
        problem_reply_error(api, id, &error);
        return;
    }
    if (!open_socket(api, id, /* is_websocket */ false) || reply_begin_stream(api, id, &reply)) {
        return; /* refused, or gone: the run goes on without it */
    }
    if (subscribers_add(api->subscribers, SUBSCRIBER_STREAM, id, workspace, run_id, after)) {
        (void)http_stream_end(api->server, id); /* no memory: the client comes back */
    }
}

/* ---- runs that are being accepted ---- */

struct pending_run {
    struct pending_run *next; /* in api->pending_runs */
    struct api *api;
    http_id id;
    enum subscriber_kind kind;
};

static void pending_free(struct pending_run *pending)
{
    struct pending_run **link = &pending->api->pending_runs;

    while (*link != pending) { /* as many as are on their way to the disk: few */
        link = &(*link)->next;
    }
    *link = pending->next;
    alloc_free(pending);
}

void live_free_pending(struct api *api)
{
    while (api->pending_runs) {
        pending_free(api->pending_runs);
    }
}

/* The client follows a run that is stored. */
static void follow(struct api *api, enum subscriber_kind kind, http_id id, struct str run_id)
{
    if (kind == SUBSCRIBER_STREAM) {
        begin_stream(api, id, run_id, /* after */ 0);
        return;
    }
    struct context context = {.type = WS_MESSAGE_RUN, .run_id = run_id};
    int code = subscribers_add(api->subscribers, kind, id, caller_workspace(caller_of(api, id)),
                               run_id, /* after */ 0);
    if (code) {
        send_code(api, id, &context, code);
    }
}

static void refuse_run(struct api *api, enum subscriber_kind kind, http_id id, struct str run_id,
                       const struct error *error)
{
    struct context context = {.type = WS_MESSAGE_RUN, .run_id = run_id};

    if (kind == SUBSCRIBER_STREAM && error->code == ERR_QUOTA) {
        quota_refuse_run(api, id, error);
    } else if (kind == SUBSCRIBER_STREAM) {
        problem_reply_error(api, id, error);
    } else {
        send_error(api, id, &context, error);
    }
}

static void refuse_thread(struct api *api, enum subscriber_kind kind, http_id id, struct str run_id)
{
    static const char detail[] = "the thread is being deleted";
    struct context context = {.type = WS_MESSAGE_RUN, .run_id = run_id};

    if (kind == SUBSCRIBER_STREAM) {
        problem_reply(api, id, PROBLEM_CONFLICT, NULL, "%s", detail);
    } else {
        send_problem(api, id, &context, PROBLEM_CONFLICT, NULL, detail);
    }
}

static void on_accepted(int code, const char *run_id, const char *thread_id, void *arg)
{
    struct pending_run *pending = arg;

    (void)thread_id;
    if (code) {
        struct error error = {0};

        (void)error_set(&error, code, "the run could not be stored: %s", error_code_text(code));
        refuse_run(pending->api, pending->kind, pending->id, str_from(run_id), &error);
    } else {
        follow(pending->api, pending->kind, pending->id, str_from(run_id));
    }
    pending_free(pending);
}

/* A run id that is there already: the client asks for the same again and gets its log. */
static void start_run(struct api *api, enum subscriber_kind kind, http_id id,
                      struct runner_request *request)
{
    char traceparent[TRACE_PARENT_BYTES];
    struct error error = {0};

    caller_sign_request(caller_of(api, id), request, traceparent);

    if (late_deletes_thread(api, request->workspace_id, request->thread_id)) {
        refuse_thread(api, kind, id, request->run_id);
        return;
    }
    struct pending_run *pending = alloc_zeroed(1, sizeof(*pending));

    if (!pending) {
        (void)error_set(&error, ERR_NO_MEMORY, "no memory for another run");
        refuse_run(api, kind, id, request->run_id, &error);
        return;
    }
    *pending = (struct pending_run){.next = api->pending_runs, .api = api, .id = id, .kind = kind};
    api->pending_runs = pending;
    int code = runner_start(api->runner, request, on_accepted, pending, &error);
    if (!code) {
        return;
    }
    pending_free(pending);
    if (code == ERR_EXISTS) {
        code = store_get_run(api->options.store, request->workspace_id, request->run_id, note_there,
                             NULL);
    }
    if (!code) {
        follow(api, kind, id, request->run_id);
    } else if (code == ERR_NOT_FOUND && error.code == ERR_EXISTS) {
        (void)error_set(&error, ERR_LIMIT, "run %.*s is being accepted: ask again in a moment",
                        STR_ARGS(request->run_id));
        refuse_run(api, kind, id, request->run_id, &error);
    } else {
        refuse_run(api, kind, id, request->run_id, &error);
    }
}

/* ---- WebSocket: messages ---- */

static void resume(struct api *api, http_id id, const struct ws_message *message)
{
    struct context context = {.type = WS_MESSAGE_RESUME, .run_id = message->run_id};
    int code =
        subscribers_add(api->subscribers, SUBSCRIBER_WEBSOCKET, id,
                        caller_workspace(caller_of(api, id)), message->run_id, message->last_seq);

    if (code) {
        send_code(api, id, &context, code);
    }
}

static void cancel(struct api *api, http_id id, const struct ws_message *message)
{
    struct context context = {.type = WS_MESSAGE_CANCEL, .run_id = message->run_id};
    struct str workspace = caller_workspace(caller_of(api, id));

    if (runner_cancel(api->runner, workspace, message->run_id) == OK) {
        return;
    }
    int code = store_get_run(api->options.store, workspace, message->run_id, note_there, NULL);
    if (code) {
        send_code(api, id, &context, code);
    } else {
        send_problem(api, id, &context, PROBLEM_CONFLICT, NULL, "the run has ended");
    }
}

/* The types are ours: what a client writes there is counted as unknown. */
static void count_message(enum ws_message_type type)
{
    const char *name = ws_message_type_name(type);

    metric_add(METRIC_WS_MESSAGES,
               metric_label(METRIC_WS_MESSAGES, str_from(name ? name : "unknown")), 1);
}

/* False when it has been answered. A question of a socket costs what one over HTTP does. */
static bool may_send(struct api *api, http_id id, const struct ws_message *message)
{
    const struct auth_caller *who = caller_of(api, id);
    struct context context = {.type = message->type, .run_id = message->run_id};
    bool changes = message->type == WS_MESSAGE_RUN || message->type == WS_MESSAGE_CANCEL;
    struct limit_state state;
    const char *limit_text;

    if (!auth_still(api->options.auth, who, AUTH_SCOPE_READ)) {
        ws_close(api->server, id, SOCKETS_CODE_POLICY,
                 "the credential of this socket is not valid any more");
        return false;
    }
    if (changes && !auth_still(api->options.auth, who, AUTH_SCOPE_RUN)) {
        send_needs(api, id, &context, gate_needs(AUTH_SCOPE_RUN));
        return false;
    }
    if (message->type == WS_MESSAGE_RUN &&
        !gate_take(api, API_LIMIT_COSTLY, str_from(who->user_id), &state, &limit_text)) {
        send_limited(api, id, &context, &state, limit_text);
        return false;
    }
    return true;
}

static void on_ws_message(struct exchange *exchange, http_id id, struct str text)
{
    struct api *api = exchange->api;
    struct context context = {0};
    struct body_fault fault = {0};
    struct ws_message message;
    struct json_value root;
    struct error error = {0};

    if (json_parse(api->parser, text, &root, &error)) {
        count_message(WS_MESSAGE_UNKNOWN);
        send_problem(api, id, &context, PROBLEM_BAD_REQUEST, "", error.message);
        return;
    }
    bool is_read = ws_message_read(root, &message, &fault);
    count_message(message.type);
    if (!is_read) {
        context.type = message.type;
        send_problem(api, id, &context, PROBLEM_INVALID_REQUEST, fault.pointer, fault.detail);
        return;
    }
    if (!may_send(api, id, &message)) {
        return;
    }
    switch (message.type) {
    case WS_MESSAGE_RUN:
        start_run(api, SUBSCRIBER_WEBSOCKET, id, &message.run);
        break;
    case WS_MESSAGE_RESUME:
        resume(api, id, &message);
        break;
    case WS_MESSAGE_CANCEL:
        cancel(api, id, &message);
        break;
    case WS_MESSAGE_PING:
        send_pong(api, id);
        break;
    case WS_MESSAGE_UNKNOWN:
        break; /* ws_message_read has refused it */
    }
}

/* Also of event streams. */
static void on_gone(struct exchange *exchange, http_id id, unsigned ws_code)
{
    (void)ws_code;
    subscribers_remove(exchange->api->subscribers, id);
}

static void on_drained(struct exchange *exchange, http_id id)
{
    subscribers_drained(exchange->api->subscribers, id);
}

static const struct exchange_ops live_ops = {
    .on_gone = on_gone,
    .on_ws_message = on_ws_message,
    .on_drained = on_drained,
};

/* ---- handlers ---- */

/* Several headers of the name are one list. *ret_is_ours: our protocol is among those offered. */
static bool offers_protocols(const struct http_request *request, bool *ret_is_ours)
{
    bool offers_any = false;

    *ret_is_ours = false;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];

        if (str_equal_ascii_case(header->name, STR("sec-websocket-protocol"))) {
            offers_any = true;
            *ret_is_ours |= ws_protocol_is_offered(header->value, STR(WS_PROTOCOL));
        }
    }
    return offers_any;
}

static void open_websocket(const struct call *call)
{
    bool is_ours = false;

    if (!call->request->is_upgrade) {
        problem_reply(call->api, call->id, PROBLEM_BAD_REQUEST, NULL,
                      "/ws takes WebSocket handshakes (RFC 6455) only");
        return;
    }
    if (offers_protocols(call->request, &is_ours) && !is_ours) {
        problem_reply(call->api, call->id, PROBLEM_BAD_REQUEST, NULL,
                      "the sub-protocol of /ws is " WS_PROTOCOL);
        return;
    }
    if (open_socket(call->api, call->id, /* is_websocket */ true)) {
        (void)http_upgrade(call->api->server, call->id, is_ours ? WS_PROTOCOL : NULL,
                           call->request->context);
    }
}

static void run_agui(const struct call *call)
{
    cleanup(buf_done) struct buf joined;
    struct runner_request request;
    struct body_fault fault = {0};
    struct json_value root;

    buf_init(&joined, PROMPT_BYTES_MAX); /* before the first return: it is done at each */
    if (!call_json(call, &root)) {
        return;
    }
    if (!run_request_read_agui(root, &joined, &request, &fault)) {
        call_refuse(call, &fault);
        return;
    }
    start_run(call->api, SUBSCRIBER_STREAM, call->id, &request);
}

/* A client that comes back on its own sends Last-Event-ID with the same address: the header is the
 * newer of the two. */
static void stream_events(const struct call *call)
{
    struct str last_event_id = http_header(call->request, "last-event-id");
    uint64_t after = 0;

    if (!call_query_u64(call, "after", BODY_SEED_MAX, &after)) {
        return;
    }
    if (last_event_id.length && decimal_parse_u64(last_event_id, &after)) {
        problem_reply(call->api, call->id, PROBLEM_INVALID_REQUEST, NULL,
                      "Last-Event-ID must be the number of an event");
        return;
    }
    begin_stream(call->api, call->id, call->params[0], after);
}

static const struct route_query events_queries[] = {
    {"after", "{\"type\":\"integer\",\"minimum\":0,\"default\":0}",
     "number of the last event that the client has; Last-Event-ID counts more"},
    {NULL, NULL, NULL},
};

#define STREAM_SCHEMA "{\"type\":\"string\"}"

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/ws",
     .scope = AUTH_SCOPE_READ,
     .handle = open_websocket,
     .ops = &live_ops,
     .summary = "WebSocket of the sub-protocol " WS_PROTOCOL ": starts, resumes and cancels runs.",
     .reply_status = 101},
    {.method = HTTP_POST,
     .pattern = "/agui",
     .scope = AUTH_SCOPE_RUN,
     .place = ROUTE_PLACE_COSTLY,
     .handle = run_agui,
     .ops = &live_ops,
     .takes_json = true,
     .summary = "Starts a run from an AG-UI RunAgentInput and streams its events.",
     .request = "{\"type\":\"object\",\"required\":[\"messages\"],\"properties\":{"
                "\"threadId\":{\"type\":\"string\"},\"runId\":{\"type\":\"string\"},"
                "\"messages\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},"
                "\"forwardedProps\":{\"type\":\"object\",\"properties\":{"
                "\"dataset\":{\"type\":\"string\"},\"seed\":{\"type\":\"integer\"}}}}}",
     .reply = STREAM_SCHEMA,
     .reply_type = "text/event-stream",
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/api/runs/{id}/events",
     .scope = AUTH_SCOPE_READ,
     .handle = stream_events,
     .ops = &live_ops,
     .summary = "The log of a run as an event stream; ends after the last event.",
     .queries = events_queries,
     .reply = STREAM_SCHEMA,
     .reply_type = "text/event-stream",
     .reply_status = 200},
};

const struct route_table routes_live = {
    .name = "live", .routes = routes, .count = ARRAY_LENGTH(routes), .services = ROUTE_BACKEND};
