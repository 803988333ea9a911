/*
 * The server's callbacks: from a request's head to its route, past the question who may, to the
 * handler; from an answer to the metrics and the access log.
 *
 * What is refused is refused with the head, before a body was read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <sys/random.h>

#include "api/api_state.h"
#include "api/gate.h"
#include "api/late.h"
#include "api/origin.h"
#include "api/page.h"
#include "api/route_datasets.h"
#include "api/route_live.h"
#include "api/routes.h"
#include "api/workspace_removal.h"
#include "base/alloc.h"
#include "base/check.h"
#include "loop/clock.h"
#include "monitor/fault.h"
#include "monitor/log.h"
#include "monitor/metrics.h"

#define KEEP_ALIVE_MS         15000u
#define QUERY_BYTES_MAX       4096u
#define METRIC_TEXT_BYTES_MAX 192
#define POINTER_BYTES_MAX     128
#define QUEUE_EVENT_BYTES_MAX 512u

/* What requests without a route count as. */
static const struct route unmatched_route = {.method = HTTP_GET, .pattern = "unmatched"};
static const struct route page_route = {.method = HTTP_GET, .pattern = "page", .is_quiet = true};

/* ---- life ---- */

static void keep_alive(void *arg)
{
    struct api *api = (struct api *)arg;

    subscribers_keep_alive(api->subscribers);
    sockets_check(api);
    idempotency_tick(api, loop_now_ms(api->options.loop));
}

static void on_revoked(void *arg)
{
    sockets_check(arg);
}

/* The auth service has said who a request is of. */
static void on_known(http_id id, void *arg)
{
    const struct api *api = (const struct api *)arg;

    http_ask_again(api->server, id);
}

/* Nothing calls back any more. */
static void free_parts(struct api *api)
{
    late_free_all(api);
    idempotency_free_all(api);
    limits_free(api->limits);
    live_free_pending(api);
    dataset_uploads_free(api);
    dataset_removals_free(api);
    workspace_removals_free(api);
    router_done(&api->router);
    subscribers_free(api->subscribers);
    price_book_free(api->book);
    sockets_done(&api->sockets);
    visits_free(&api->visits);
    json_parser_free(api->parser);
    buf_done(&api->scratch);
    buf_done(&api->query);
    buf_done(&api->short_health.text);
}

static bool has_secret(const struct route *route)
{
    return route->has_secret || str_starts_with(str_from(route->pattern), STR("/auth/"));
}

/* The exchange of each route, in the order of the router. */
static void fill_exchanges(struct api *api)
{
    for (size_t i = 0; i < api->router.route_count; i++) {
        const struct route *route = api->router.routes[i];

        api->exchanges[i] = (struct exchange){.route = route,
                                              .ops = route->ops,
                                              .api = api,
                                              .route_index = i,
                                              .has_secret = has_secret(route),
                                              .is_fixed = !strchr(route->pattern, '{')};
        api->duration_labels[i] = metric_label(METRIC_HTTP_DURATION, str_from(route->pattern));
    }
    api->page = (struct exchange){.route = &page_route, .api = api, .route_index = SIZE_MAX};
    api->unmatched =
        (struct exchange){.route = &unmatched_route, .api = api, .route_index = SIZE_MAX};
}

/* Which keys share a set of the tables is nobody's to know. */
static int make_limits(struct api *api, struct error *error)
{
    uint64_t seed;

    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        return error_set(error, ERR_IO, "the system gives no random bytes");
    }
    return limits_new(api->options.limits.rules, seed, &api->limits);
}

int api_new(const struct api_options *options, struct api **ret_api, struct error *error)
{
    char digest[48];
    struct api *api = (struct api *)alloc_zeroed(1, sizeof(*api));

    if (!api) {
        return error_set(error, ERR_NO_MEMORY, "no memory for the routes");
    }
    api->options = *options;
    buf_init(&api->scratch, ROUTE_REPLY_BYTES_MAX);
    buf_init(&api->query, QUERY_BYTES_MAX);
    buf_init(&api->short_health.text, QUERY_BYTES_MAX);
    /* At once and for good: a parameter that finds no memory would look like a wrong one. */
    int code = buf_reserve(&api->query, QUERY_BYTES_MAX);
    if (!code) {
        code = router_build(&api->router, route_tables, ROUTE_TABLES, options->role);
    }
    if (!code) {
        code = json_parser_new(ROUTE_BODY_BYTES_MAX, &api->parser);
    }
    if (!code) {
        code = subscribers_new(api, &api->subscribers);
    }
    if (!code) {
        code = make_limits(api, error);
    }
    if (code) {
        (void)error_set(error, code, "cannot set up the routes: %s", error_code_text(code));
    } else {
        code = dataset_read_book(options->prices_path, &api->book, digest, error);
    }
    if (code) {
        free_parts(api);
        alloc_free(api);
        return code;
    }
    fill_exchanges(api);
    page_print_policy(options->page_connects, api->page_policy);
    auth_on_revoked(options->auth, on_revoked, api);
    auth_on_known(options->auth, on_known, api);
    loop_timer_init(options->loop, &api->keep_alive, keep_alive, api);
    loop_timer_start(&api->keep_alive, KEEP_ALIVE_MS, KEEP_ALIVE_MS);
    *ret_api = api;
    return OK;
}

static void free_api(void *arg)
{
    struct api *api = (struct api *)arg;

    alloc_free(api);
}

/* The timer is embedded: the memory goes when the loop has let go of it. */
void api_free(struct api *api)
{
    if (api) {
        free_parts(api);
        check_cmp(api->jobs, ==, 0);
        loop_timer_close(&api->keep_alive, free_api);
    }
}

void api_set_server(struct api *api, struct http_server *server)
{
    api->server = server;
}

/* netra.queue: how many are ahead of a run that waits. */
static void tell_position(struct str run_id, unsigned ahead, void *arg)
{
    struct api *api = (struct api *)arg;
    cleanup(buf_done) struct buf text;

    buf_init(&text, QUEUE_EVENT_BYTES_MAX);
    struct json_writer w = json_writer_on(&text);
    json_begin_object(&w);
    json_key(&w, "type");
    json_put_text(&w, "CUSTOM");
    json_key(&w, "name");
    json_put_text(&w, "netra.queue");
    json_key(&w, "value");
    json_begin_object(&w);
    json_key(&w, "runId");
    json_put_str(&w, run_id);
    json_key(&w, "ahead");
    json_put_i64(&w, ahead);
    json_end_object(&w);
    json_end_object(&w);
    if (!buf_status(&text)) {
        subscribers_tell(api->subscribers, run_id, buf_str(&text));
    }
}

void api_set_runner(struct api *api, struct runner *runner)
{
    runner_on_position(runner, tell_position, api);
    api->runner = runner;
}

unsigned api_publish(struct str run_id, uint64_t seq, struct str json, bool is_last, void *arg)
{
    struct api *api = (struct api *)arg;

    return subscribers_publish(api->subscribers, run_id, seq, json, is_last);
}

/* ---- requests ---- */

static void reply_options(struct api *api, const struct http_request *request,
                          const struct router_path *path)
{
    char allow[ROUTER_ALLOW_BYTES];

    router_allow(path, allow);
    struct http_header header = {STR("Allow"), str_from(allow)};
    reply_send(api, request->id,
               &(struct http_reply){.status = 204, .headers = &header, .header_count = 1});
}

/* A path, or a method of it, that no route has. */
static void reply_unmatched(struct api *api, const struct http_request *request,
                            const struct router_match *match, struct visit *visit)
{
    if (!match->path) {
        const struct http_file *file = page_find(api->options.page, request);

        if (file) {
            visit->exchange = &api->page;
            page_reply(api, request, file);
        } else {
            problem_reply(api, request->id, PROBLEM_NOT_FOUND, NULL, "there is nothing at %.*s",
                          STR_ARGS(request->path));
        }
    } else if (visit->origin && origin_is_preflight(request)) {
        origin_reply_preflight(api, request->id, match->path);
    } else if (request->method == HTTP_OPTIONS) {
        reply_options(api, request, match->path);
    } else {
        char allow[ROUTER_ALLOW_BYTES];

        router_allow(match->path, allow);
        problem_reply_method(api, request->id, allow);
    }
}

static struct call call_of(struct api *api, const struct http_request *request,
                           const struct visit *visit)
{
    return (struct call){.api = api,
                         .request = request,
                         .route = visit->exchange->route,
                         .who = &visit->who,
                         .workspace = str_from(visit->who.workspace_id),
                         .id = request->id};
}

/* What the body may be; a streamed one begins. */
static void plan_body(struct api *api, const struct http_request *request,
                      const struct router_match *match, struct http_plan *plan, struct visit *visit)
{
    const struct route *route = match->route;

    if (route->begin) {
        struct call call = call_of(api, request, visit);

        memcpy(call.params, match->params, sizeof(call.params));
        plan->is_streamed = true;
        plan->body_bytes_max = (size_t)api->options.upload_bytes_max;
        struct exchange *own = route->begin(&call);
        if (own) {
            own->route_index = match->index;
            own->has_secret = api->exchanges[match->index].has_secret;
            visit->exchange = own;
        }
    } else if (route->takes_json) {
        plan->body_bytes_max = ROUTE_BODY_BYTES_MAX;
    }
}

/* A new request and its trace. What machines ask every few seconds begins no trace of its own. */
static struct visit *begin_visit(struct api *api, const struct http_request *request,
                                 struct exchange *exchange)
{
    struct visit *visit = visit_new(&api->visits, exchange);
    struct str parent = http_header(request, "traceparent");

    if (visit && (parent.data || exchange->route->place != ROUTE_PLACE_FREE)) {
        visit->trace = trace_of_request(parent, visit->parent_id);
        visit->has_trace = true;
    }
    return visit;
}

static void enter(struct visit *visit)
{
    visit_hold(visit);
    if (visit->has_trace) {
        trace_set_current(&visit->trace);
    }
}

static void leave(struct api *api, struct visit *visit)
{
    if (visit->has_trace) {
        trace_set_current(NULL);
    }
    visit_let_go(&api->visits, visit);
}

static void on_head(const struct http_request *request, struct http_plan *plan, void *arg)
{
    struct api *api = (struct api *)arg;
    struct router_match match = router_find(&api->router, request->method, request->path);
    const struct route *route = match.route;
    struct visit *visit = plan->context; /* of one that waited; else there is none yet */

    if (!visit) {
        visit = begin_visit(api, request, route ? &api->exchanges[match.index] : &api->unmatched);
    }

    if (!visit) {
        problem_reply(api, request->id, PROBLEM_SERVICE_UNAVAILABLE, NULL, "out of memory");
        return;
    }
    plan->context = visit;
    enter(visit);
    switch (gate_pass(api, request, route, visit)) {
    case GATE_OPEN:
        if (route) {
            plan_body(api, request, &match, plan, visit);
        } else {
            reply_unmatched(api, request, &match, visit);
        }
        break;
    case GATE_LATER:
        plan->is_held = true;
        break;
    case GATE_REFUSED:
        break;
    }
    leave(api, visit);
}

/* The pointer of the first member of a JSON body: "" when there is none. */
static void point_at_first(struct api *api, struct str body, char ret_pointer[POINTER_BYTES_MAX])
{
    struct json_value root;

    ret_pointer[0] = '\0';
    if (json_parse(api->parser, body, &root, NULL) == OK && json_is(root, JSON_OBJECT)) {
        struct json_iterator members = json_iterate(root);

        if (json_next(&members)) {
            (void)snprintf(ret_pointer, POINTER_BYTES_MAX, "/%.*s", STR_ARGS(members.key));
        }
    }
}

static void handle_once(const struct call *call)
{
    bool takes_faults = gate_takes_faults(call->route);

    if (takes_faults && call->request->body.length && fault_hits(FAULT_INVALID_REQUEST)) {
        char pointer[POINTER_BYTES_MAX];

        point_at_first(call->api, call->request->body, pointer);
        problem_reply(call->api, call->id, PROBLEM_INVALID_REQUEST, pointer,
                      "a fault was put in: invalid_request");
    } else if (takes_faults && fault_hits(FAULT_INTERNAL_ERROR)) {
        problem_reply(call->api, call->id, PROBLEM_INTERNAL_ERROR, NULL,
                      "a fault was put in: internal_error");
    } else {
        call->route->handle(call);
    }
}

/* What only looks is tried once more when it fails inside. */
static void handle(struct visit *visit, const struct call *call)
{
    visit->may_retry = call->request->method == HTTP_GET || call->request->method == HTTP_HEAD;
    handle_once(call);
    visit->may_retry = false;
    if (visit->must_retry) {
        visit->must_retry = false;
        log_write(LOG_WARNING, "api", "%s %s is tried once more",
                  http_method_name(call->request->method), call->route->pattern);
        handle_once(call);
    }
}

static void on_request(const struct http_request *request, void *arg)
{
    struct api *api = (struct api *)arg;
    struct visit *visit = (struct visit *)request->context;
    struct exchange *exchange = visit->exchange;

    if (!exchange->route->handle) {
        if (exchange->ops && exchange->ops->on_end) {
            exchange->ops->on_end(exchange);
        }
        return;
    }
    struct call call = call_of(api, request, visit);
    bool is_match = exchange->is_fixed ||
                    router_params(str_from(exchange->route->pattern), request->path, call.params);
    check(is_match);
    enter(visit);
    if (idempotency_begin(&call)) {
        handle(visit, &call);
    }
    leave(api, visit);
}

static struct exchange *exchange_of(void *context)
{
    return ((struct visit *)context)->exchange;
}

static void on_body(http_id id, void *context, struct str piece, void *arg)
{
    struct exchange *exchange = exchange_of(context);

    (void)id;
    (void)arg;
    if (exchange->ops && exchange->ops->on_body) {
        exchange->ops->on_body(exchange, piece);
    }
}

static void on_gone(http_id id, void *context, unsigned ws_code, void *arg)
{
    struct api *api = (struct api *)arg;
    struct visit *visit = (struct visit *)context;
    struct exchange *exchange;

    if (!visit) {
        return; /* there was no memory for one */
    }
    exchange = visit->exchange;
    sockets_close(&api->sockets, visit);
    visit_end(&api->visits, visit);
    if (exchange->ops && exchange->ops->on_gone) {
        exchange->ops->on_gone(exchange, id, ws_code);
    }
}

static void on_ws_message(http_id id, void *context, struct str text, void *arg)
{
    struct api *api = (struct api *)arg;
    struct visit *visit = (struct visit *)context;
    struct exchange *exchange = visit->exchange;

    if (exchange->ops && exchange->ops->on_ws_message) {
        enter(visit);
        exchange->ops->on_ws_message(exchange, id, text);
        leave(api, visit);
    }
}

static void on_drained(http_id id, void *context, void *arg)
{
    struct exchange *exchange = exchange_of(context);

    (void)arg;
    if (exchange->ops && exchange->ops->on_drained) {
        exchange->ops->on_drained(exchange, id);
    }
}

/* ---- answers ---- */

/* The statuses that are common enough to have their labels kept; others are looked up. */
static const int kept_statuses[] = {101, 200, 201, 202, 204, 303, 304, 400, 401, 403,
                                    404, 405, 409, 413, 415, 422, 429, 500, 503};
_Static_assert(ARRAY_LENGTH(kept_statuses) <= ROUTER_STATUSES_MAX,
               "labels[][] has a place for each");

static unsigned request_label(enum http_method method, const struct route *route, int status)
{
    char text[METRIC_TEXT_BYTES_MAX];

    (void)snprintf(text, sizeof(text), "%s %s %d", http_method_name(method), route->pattern,
                   status);
    return metric_label(METRIC_HTTP_REQUESTS, str_from(text));
}

static void count_answer(struct api *api, const struct http_answer_note *note,
                         const struct route *route, size_t route_index)
{
    size_t status = 0;
    unsigned label;

    while (status < ARRAY_LENGTH(kept_statuses) && kept_statuses[status] != note->status) {
        status++;
    }
    if (route_index == SIZE_MAX || note->method != route->method ||
        status == ARRAY_LENGTH(kept_statuses)) {
        label = request_label(note->method, route, note->status);
    } else {
        unsigned *kept = &api->labels[route_index][status];

        if (*kept == 0) {
            *kept = request_label(note->method, route, note->status);
        }
        label = *kept;
    }
    metric_add(METRIC_HTTP_REQUESTS, label, 1);
    if (route_index != SIZE_MAX) {
        metric_observe_us(METRIC_HTTP_DURATION, api->duration_labels[route_index],
                          note->duration_us > 0 ? (uint64_t)note->duration_us : 0);
    }
}

/* Paths may hold what is nobody's business: the log names the route. */
static void log_answer(const struct http_answer_note *note, const struct route *route)
{
    enum log_level level = note->status >= 500 ? LOG_WARNING
                           : route->is_quiet   ? LOG_DEBUG
                                               : LOG_INFO;

    if (log_is_on(level)) {
        log_write(level, "http", "%s %s %d %llu bytes %lld us %s", http_method_name(note->method),
                  route->pattern, note->status, (unsigned long long)note->bytes,
                  (long long)note->duration_us, note->peer ? note->peer : "-");
    }
}

/* The request as a span: named by its route, never by its path. */
static void trace_answer(const struct visit *visit, const struct http_answer_note *note,
                         const struct route *route)
{
    char name[TRACE_NAME_BYTES_MAX];
    struct trace_span span;
    int64_t end_us = clock_now_us();

    (void)snprintf(name, sizeof(name), "%s %s", http_method_name(note->method), route->pattern);
    trace_span_init_own(&span, &visit->trace, visit->parent_id, TRACE_SERVER, name,
                        end_us - note->duration_us);
    trace_span_text(&span, "http.request.method", str_from(http_method_name(note->method)));
    trace_span_text(&span, "http.route", str_from(route->pattern));
    trace_span_number(&span, "http.response.status_code", note->status);
    if (note->status >= 500) {
        trace_span_fail(&span, STR("the server failed"));
    }
    trace_span_end(&span, end_us);
}

/* A WebSocket's 101 is no end. */
static void on_answered(const struct http_answer_note *note, void *arg)
{
    struct api *api = (struct api *)arg;
    struct visit *visit = (struct visit *)note->context;
    struct exchange *exchange = visit ? visit->exchange : &api->unmatched;
    const struct route *route = exchange->route;

    count_answer(api, note, route, exchange->route_index);
    log_answer(note, route);
    if (visit && visit->has_trace && visit->trace.is_sampled && trace_is_on()) {
        trace_answer(visit, note, route);
    }
    if (visit && note->status != 101) {
        sockets_close(&api->sockets, visit);
        visit_end(&api->visits, visit);
    }
    if (exchange->ops && exchange->ops->on_answered) {
        exchange->ops->on_answered(exchange);
    }
}

const struct http_handler api_handler = {
    .on_head = on_head,
    .on_request = on_request,
    .on_body = on_body,
    .on_gone = on_gone,
    .on_ws_message = on_ws_message,
    .on_drained = on_drained,
    .on_answered = on_answered,
};
