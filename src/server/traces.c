/*
 * One timer looks whether there is something to do. A batch is written as JSON when it is taken and
 * kept until it has been taken or is lost.
 *
 *     TRACES_IDLE ──batch──► TRACES_SENDS ──2xx, refused──► TRACES_IDLE
 *                               ▲   │
 *                               │   └─try again─► TRACES_WAITS ─┐
 *                               └───────────────────────────────┘
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/traces.h"

#include <stdio.h>

#include "base/alloc.h"
#include "llm/retry.h"
#include "loop/clock.h"
#include "loop/uuid.h"
#include "monitor/log.h"
#include "monitor/metrics.h"
#include "monitor/otlp.h"
#include "server/header_list.h"
#include "server/url.h"
#include "json/json_read.h"

#define LOOK_EVERY_MS    200u
#define ANSWER_BYTES_MAX 65536u
#define WAIT_MS_FIRST    1000u
#define CONNECT_MS       3000u
#define WARN_EVERY_MS    60000u
#define PATH             "/v1/traces"

enum traces_state { TRACES_IDLE, TRACES_SENDS, TRACES_WAITS };

struct traces {
    struct loop *loop;
    struct http_client *client;
    struct loop_timer timer;
    struct random random;
    char address[TRACES_ADDRESS_BYTES];
    char deployment[TRACE_VALUE_BYTES_MAX];
    char instance[UUID_BYTES];
    struct header_list headers;

    enum traces_state state;
    uint64_t sent_ms; /* when the last batch was taken from the queue */
    unsigned tries;   /* of the batch */
    uint64_t again_ms;
    http_call_id call;
    int status;
    bool has_wait;
    uint64_t wait_ms;
    struct buf answer;
    struct buf body;
    unsigned count; /* spans of the batch */
    struct trace_span spans[TRACES_BATCH_MAX];

    uint64_t warned_ms;                    /* 0: never */
    char failure[HEALTH_REASON_BYTES_MAX]; /* of the last request; empty when it went well */

    bool is_draining;
    uint64_t drained_by_ms;
    loop_fn drained;
    void *arg;
};

/* ---- the end of a batch ---- */

static void count_spans(const char *result, unsigned count)
{
    if (count) {
        metric_add(METRIC_TRACE_SPANS, metric_label(METRIC_TRACE_SPANS, str_from(result)), count);
    }
}

static void end_batch(struct traces *traces)
{
    traces->state = TRACES_IDLE;
    traces->count = 0;
    buf_done(&traces->body);
}

static void say_failure(struct traces *traces, const char *reason)
{
    uint64_t now = loop_now_ms(traces->loop);

    (void)snprintf(traces->failure, sizeof(traces->failure), "%s", reason);
    if (traces->warned_ms == 0 || now - traces->warned_ms >= WARN_EVERY_MS) {
        traces->warned_ms = now;
        log_write(LOG_WARNING, "server", "the collector of traces does not take spans: %s", reason);
    }
}

/* A wait that the collector asks for is kept up to the longest of our own. */
static void try_later(struct traces *traces, const char *reason)
{
    uint64_t wait = traces->has_wait ? traces->wait_ms
                                     : retry_jitter_ms(&traces->random, WAIT_MS_FIRST,
                                                       TRACES_WAIT_MS_MAX, traces->tries - 1);

    say_failure(traces, reason);
    if (traces->tries >= TRACES_TRIES_MAX || traces->is_draining) {
        count_spans("lost", traces->count);
        end_batch(traces);
        return;
    }
    traces->state = TRACES_WAITS;
    traces->again_ms = loop_now_ms(traces->loop) +
                       (wait < TRACES_WAIT_MS_MAX ? wait : (uint64_t)TRACES_WAIT_MS_MAX);
}

/* {"partialSuccess":{"rejectedSpans":"3"}}: 64-bit integers are text, and some write numbers. */
static unsigned rejected_spans(const struct traces *traces)
{
    struct json_parser *parser = NULL;
    struct json_value root;
    struct error error;
    struct str text;
    uint64_t rejected = 0;

    if (traces->answer.length == 0 || json_parser_new(ANSWER_BYTES_MAX, &parser)) {
        return 0;
    }
    if (json_parse(parser, buf_str(&traces->answer), &root, &error) == OK) {
        struct json_value value = json_at(json_at(root, "partialSuccess"), "rejectedSpans");

        if (json_get_str(value, &text) && decimal_parse_u64(text, &rejected)) {
            rejected = 0;
        } else {
            (void)json_get_u64(value, &rejected);
        }
    }
    json_parser_free(parser);
    return rejected < traces->count ? (unsigned)rejected : traces->count;
}

static bool is_refused_for_now(int status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static void judge(struct traces *traces, int code, const struct error *error)
{
    char reason[64];

    if (code == OK && traces->status >= 200 && traces->status < 300) {
        unsigned rejected = rejected_spans(traces);

        count_spans("refused", rejected);
        count_spans("exported", traces->count - rejected);
        traces->failure[0] = '\0';
        end_batch(traces);
        return;
    }
    if (code) {
        try_later(traces, error->message);
        return;
    }
    (void)snprintf(reason, sizeof(reason), "it answers %d", traces->status);
    if (is_refused_for_now(traces->status)) {
        try_later(traces, reason);
    } else {
        say_failure(traces, reason);
        count_spans("refused", traces->count);
        end_batch(traces);
    }
}

/* ---- a request ---- */

static void on_head(const struct http_answer *answer, void *arg)
{
    struct traces *traces = arg;

    traces->status = answer->status;
    traces->has_wait = retry_after_read(http_answer_header(answer, "retry-after"), clock_now_us(),
                                        &traces->wait_ms);
}

static void on_piece(struct str piece, void *arg)
{
    struct traces *traces = arg;

    buf_append(&traces->answer, piece);
}

static void look(void *arg);

static void on_done(int code, const struct error *error, void *arg)
{
    struct traces *traces = arg;

    traces->call = 0;
    judge(traces, code, error);
    buf_done(&traces->answer);
    look(traces);
}

static void send_batch(struct traces *traces)
{
    static const struct http_call_listener listener = {on_head, on_piece, on_done};
    struct http_header headers[HEADER_LIST_MAX + 1];
    struct error error;

    headers[0] = (struct http_header){STR("Content-Type"), STR("application/json")};
    memcpy(&headers[1], traces->headers.headers,
           traces->headers.count * sizeof(traces->headers.headers[0]));
    const struct http_call call = {
        .method = HTTP_POST,
        .url = str_from(traces->address),
        .headers = headers,
        .header_count = traces->headers.count + 1,
        .body = buf_str(&traces->body),
        .connect_timeout_ms = CONNECT_MS,
        .total_timeout_ms = TRACES_TIMEOUT_MS,
        .answer_bytes_max = ANSWER_BYTES_MAX,
    };

    traces->tries++;
    traces->status = 0;
    traces->has_wait = false;
    traces->state = TRACES_SENDS;
    buf_init(&traces->answer, ANSWER_BYTES_MAX);
    int code = http_client_start(traces->client, &call, &listener, traces, &traces->call, &error);
    if (code) {
        try_later(traces, error.message);
    }
}

static void begin_batch(struct traces *traces)
{
    const struct otlp_resource resource = {.deployment = str_from(traces->deployment),
                                           .instance = str_from(traces->instance)};

    traces->sent_ms = loop_now_ms(traces->loop);
    traces->count = trace_take(traces->spans, TRACES_BATCH_MAX);
    traces->tries = 0;
    buf_init(&traces->body, OTLP_BODY_BYTES_MAX);
    otlp_write(&resource, traces->spans, traces->count, &traces->body);
    if (buf_status(&traces->body)) {
        say_failure(traces, "no memory to write them");
        count_spans("lost", traces->count);
        end_batch(traces);
        return;
    }
    send_batch(traces);
}

/* ---- when ---- */

static bool is_time_for_batch(const struct traces *traces)
{
    unsigned waiting = trace_waiting();

    return waiting >= TRACES_BATCH_MAX ||
           (waiting > 0 && (traces->is_draining ||
                            loop_now_ms(traces->loop) - traces->sent_ms >= TRACES_EVERY_MS));
}

static void end_drain(struct traces *traces)
{
    http_client_cancel(traces->client, traces->call);
    if (traces->state != TRACES_IDLE) {
        count_spans("lost", traces->count);
        buf_done(&traces->answer);
        end_batch(traces);
    }
    traces->is_draining = false;
    loop_timer_stop(&traces->timer);
    traces->drained(traces->arg);
}

static void look(void *arg)
{
    struct traces *traces = arg;
    uint64_t now = loop_now_ms(traces->loop);

    if (traces->is_draining && now >= traces->drained_by_ms) {
        end_drain(traces);
        return;
    }
    if (traces->state == TRACES_WAITS && (traces->is_draining || now >= traces->again_ms)) {
        send_batch(traces);
    } else if (traces->state == TRACES_IDLE && is_time_for_batch(traces)) {
        begin_batch(traces);
    }
    if (traces->is_draining && traces->state == TRACES_IDLE && trace_waiting() == 0) {
        end_drain(traces);
    }
}

void traces_drain(struct traces *traces, loop_fn done, void *arg)
{
    traces->is_draining = true;
    traces->drained_by_ms = loop_now_ms(traces->loop) + TRACES_DRAIN_MS;
    traces->drained = done;
    traces->arg = arg;
    look(traces);
}

void traces_probe(struct health_result *result, void *arg)
{
    const struct traces *traces = arg;

    *result = (struct health_result){.state = HEALTH_UP};
    if (traces->failure[0]) {
        result->state = HEALTH_DEGRADED;
        (void)snprintf(result->reason, sizeof(result->reason),
                       "the collector takes no spans (%.*s): see otel.endpoint",
                       HEALTH_REASON_BYTES_MAX - 64, traces->failure);
    }
}

/* ---- life ---- */

static int read_options(struct traces *traces, const struct traces_options *options,
                        struct error *error)
{
    struct str url = str_from(options->endpoint);
    bool is_seen = false;
    const char *fault = url_fault(url, &is_seen);

    if (fault) {
        return error_set(error, ERR_USAGE, "otel.endpoint %s", fault);
    }
    while (str_ends_with(url, STR("/"))) {
        url.length--;
    }
    if (url.length + sizeof(PATH) > sizeof(traces->address)) {
        return error_set(error, ERR_USAGE, "otel.endpoint is too long");
    }
    (void)snprintf(traces->address, sizeof(traces->address), "%.*s" PATH, STR_ARGS(url));
    (void)snprintf(traces->deployment, sizeof(traces->deployment), "%s", options->deployment);
    int code = header_list_read(options->headers, &traces->headers, error);
    if (code == OK && traces->headers.count && is_seen) {
        code = error_set(error, ERR_USAGE,
                         "otel.endpoint is http, but not on this machine: the headers of "
                         "OTEL_EXPORTER_OTLP_HEADERS would be seen");
    }
    return code;
}

static void free_memory(void *arg)
{
    struct traces *traces = arg;

    header_list_wipe(&traces->headers);
    buf_done(&traces->body);
    buf_done(&traces->answer);
    alloc_free(traces);
}

int traces_new(const struct traces_options *options, struct traces **ret_traces,
               struct error *error)
{
    struct traces *traces = alloc_zeroed(1, sizeof(*traces));

    if (!traces) {
        return error_set(error, ERR_NO_MEMORY, "no memory for traces");
    }
    int code = read_options(traces, options, error);
    if (code == OK) {
        code = uuid_v7(traces->instance, error);
    }
    if (code == OK) {
        code = http_client_new(options->loop, /* ca_file */ NULL, &traces->client, error);
    }
    if (code) {
        free_memory(traces);
        return code;
    }
    traces->loop = options->loop;
    random_init(&traces->random, (uint64_t)clock_now_us(), /* stream */ 1);
    loop_timer_init(traces->loop, &traces->timer, look, traces);
    loop_timer_start(&traces->timer, LOOK_EVERY_MS, LOOK_EVERY_MS);
    *ret_traces = traces;
    return OK;
}

void traces_free(struct traces *traces)
{
    if (!traces) {
        return;
    }
    http_client_free(traces->client);
    loop_timer_close(&traces->timer, free_memory);
}
