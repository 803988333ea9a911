/*
 * What models were asked: the calls of one run, and all of Netra's own calls as usage records,
 * which Netra imports like those of anybody else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>

#include "api/api_state.h"
#include "api/routes.h"

#define MONEY_SCALE          12u /* pico-dollars */
#define MILLISECONDS_SCALE   3u  /* microseconds as milliseconds */
#define CURSOR_BYTES         24u
#define RECORD_ID_BYTES_MAX  (STORE_ID_BYTES_MAX + 32u)
#define CALLS_OF_A_RUN_PAGES 8u /* RUN_QUESTIONS_MAX × LLM_ATTEMPTS_MAX rows are less than one */

/* Counts and times that are unknown are below 0. */
static void put_count(struct json_writer *w, const char *key, int64_t count)
{
    if (count >= 0) {
        json_key(w, key);
        json_put_i64(w, count);
    }
}

static void put_ms(struct json_writer *w, const char *key, int64_t us)
{
    if (us >= 0) {
        json_key(w, key);
        json_put_decimal(w, decimal_of(us, MILLISECONDS_SCALE));
    }
}

static void put_if_any(struct json_writer *w, const char *key, struct str text)
{
    if (text.length) {
        put_text(w, key, text);
    }
}

static void put_buckets(struct json_writer *w, const struct store_model_call *row)
{
    put_count(w, "input_uncached", row->input_uncached);
    put_count(w, "cache_read", row->cache_read);
    put_count(w, "cache_write_5m", row->cache_write_5m);
    put_count(w, "cache_write_1h", row->cache_write_1h);
    put_count(w, "output", row->output);
    put_count(w, "reasoning", row->reasoning);
}

/* ---- the calls of a run ---- */

static void put_cost(struct json_writer *w, const struct store_model_call *row)
{
    json_key(w, "cost_usd");
    if (row->cost_pico_usd >= 0) {
        json_put_decimal_string(w, decimal_of(row->cost_pico_usd, MONEY_SCALE));
    } else {
        json_put_null(w);
    }
}

static bool put_call(const struct store_model_call *row, void *arg)
{
    struct json_writer *w = (struct json_writer *)arg;

    json_begin_object(w);
    json_key(w, "question");
    json_put_i64(w, row->question);
    json_key(w, "attempt");
    json_put_i64(w, row->attempt);
    put_text(w, "purpose", row->purpose);
    put_text(w, "prompt", row->prompt);
    put_text(w, "provider", row->provider);
    put_text(w, "model", row->model);
    put_text(w, "outcome", row->outcome);
    json_key(w, "status");
    json_put_i64(w, row->status);
    put_time(w, "started_at", row->started_us);
    put_ms(w, "latency_ms", row->latency_us > 0 ? row->latency_us : 0);
    put_ms(w, "first_token_ms", row->first_token_us > 0 ? row->first_token_us : -1);
    if (row->output >= 0) {
        json_key(w, "usage");
        json_begin_object(w);
        put_buckets(w, row);
        json_end_object(w);
    }
    put_cost(w, row);
    put_if_any(w, "response_id", row->response_id);
    put_if_any(w, "failure", row->failure);
    put_if_any(w, "request", row->request);
    if (row->answer.length) {
        json_key(w, "answer");
        json_put_raw(w, row->answer); /* ours: llm_answer_write */
    }
    json_end_object(w);
    return true;
}

static bool look_away(const struct store_run *row, void *arg)
{
    (void)row;
    (void)arg;
    return false;
}

static void get_calls_of_run(const struct call *call)
{
    struct store *store = call->api->options.store;
    struct str run_id = call->params[0];
    uint64_t after = 0;
    int code = store_get_run(store, call->workspace, run_id, look_away, NULL);

    if (code) {
        call_reply_store_error(call, code, "run");
        return;
    }
    struct json_writer w = call_begin_json(call);
    json_begin_object(&w);
    json_key(&w, "items");
    json_begin_array(&w);
    for (unsigned page = 0; code == OK && page < CALLS_OF_A_RUN_PAGES; page++) {
        uint64_t next = 0;

        code = store_list_model_calls(store, call->workspace, run_id, after, STORE_PAGE_MAX,
                                      put_call, &w, &next);
        if (next <= after) {
            break;
        }
        after = next;
    }
    if (code) {
        call_reply_store_error(call, code, "calls of a run");
        return;
    }
    json_end_array(&w);
    json_end_object(&w);
    call_reply_json(call, 200);
}

/* ---- all of them as records ---- */

/* The provider as OpenTelemetry and the price book name it, so that the record costs what the call
 * did. A compatible server keeps its name: nobody knows whose model it runs, and what it costs. */
static struct str recorded_provider(struct str name)
{
    static const struct {
        const char *ours;
        const char *theirs;
    } names[] = {{"openai_chat", "openai"}, {"gemini", "gcp.gemini"}};

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (str_equal(name, str_from(names[i].ours))) {
            return str_from(names[i].theirs);
        }
    }
    return name;
}

/* Where nothing was sent, or no connection was made, there was no call: it has no status and a cost
 * that is known to be 0. An answer whose provider did not say how many tokens it
 * took cannot be a record: the importer asks for a count, and none is made up. */
static bool is_record(const struct store_model_call *row)
{
    bool has_reached_nobody = row->status == 0 && row->cost_pico_usd == 0;
    bool is_uncounted = str_equal(row->outcome, STR("answered")) && row->output < 0;

    return !has_reached_nobody && !is_uncounted;
}

/* Members without a value say that there are counts, but not of this call: a failure may be so. */
static void put_no_buckets(struct json_writer *w)
{
    static const char *const names[] = {"input_uncached", "cache_read", "output"};

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        json_key(w, names[i]);
        json_put_null(w);
    }
}

static void put_status(struct json_writer *w, const struct store_model_call *row)
{
    bool is_answered = str_equal(row->outcome, STR("answered"));
    bool is_cancelled = str_equal(row->outcome, STR("cancelled"));

    put_text(w, "status", is_answered ? STR("ok") : is_cancelled ? STR("cancelled") : STR("error"));
    if (!is_answered) {
        put_text(w, "error_type", row->outcome);
    }
}

/* The provider's own id, so that the same call in the provider's export is not counted twice; but
 * servers on one's own machine are known to draw theirs from a thousand numbers. */
static void put_record_id(struct json_writer *w, const struct store_model_call *row)
{
    bool has_id = row->response_id.length && !str_equal(row->provider, STR("compatible"));
    char id[RECORD_ID_BYTES_MAX];

    if (has_id) {
        put_text(w, "id", row->response_id);
        return;
    }
    (void)snprintf(id, sizeof(id), "%.*s/%u/%u", STR_ARGS(row->run_id), row->question,
                   row->attempt);
    put_text(w, "id", str_from(id));
}

struct export
{
    struct buf *out;
    unsigned rows; /* read, also those that are left out */
};

/* The names are those of usage/fields.def. */
static bool put_record(const struct store_model_call *row, void *arg)
{
    struct export *export = (struct export *)arg;
    struct json_writer w = json_writer_on(export->out);

    export->rows++;
    if (!is_record(row)) {
        return true;
    }
    json_begin_object(&w);
    put_time(&w, "time", row->started_us);
    put_record_id(&w, row);
    put_if_any(&w, "provider", recorded_provider(row->provider));
    put_text(&w, "model", row->model);
    put_text(&w, "source", STR("netra"));
    put_text(&w, "operation", STR("chat"));
    put_text(&w, "feature", row->purpose);
    put_text(&w, "agent", STR("netra"));
    put_text(&w, "session", row->run_id);
    put_status(&w, row);
    json_key(&w, "streamed");
    json_put_bool(&w, true);
    if (row->output >= 0) {
        put_buckets(&w, row);
    } else {
        put_no_buckets(&w);
    }
    put_ms(&w, "latency_ms", row->latency_us > 0 ? row->latency_us : -1);
    put_ms(&w, "ttft_ms", row->first_token_us > 0 ? row->first_token_us : -1);
    if (row->cost_pico_usd >= 0) {
        json_key(&w, "recorded_cost");
        json_put_decimal_string(&w, decimal_of(row->cost_pico_usd, MONEY_SCALE));
    }
    json_end_object(&w);
    buf_append_char(export->out, '\n');
    return true;
}

static void reply_records(const struct call *call, const char *next)
{
    struct http_header headers[] = {{STR("Cache-Control"), STR("no-store")},
                                    {STR("Netra-Next"), str_from(next)}};

    /* A client that is gone misses nothing. */
    reply_send(call->api, call->id,
               &(struct http_reply){.status = 200,
                                    .content_type = STR("application/x-ndjson"),
                                    .headers = headers,
                                    .header_count = next[0] ? 2 : 1,
                                    .body = buf_str(&call->api->scratch)});
}

static void get_records(const struct call *call)
{
    uint64_t limit = STORE_PAGE_MAX;
    uint64_t after = 0;
    uint64_t next = 0;
    char cursor[CURSOR_BYTES] = "";

    if (!call_query_u64(call, "limit", STORE_PAGE_MAX, &limit) ||
        !call_query_u64(call, "after", INT64_MAX, &after)) {
        return;
    }
    if (limit == 0) {
        problem_reply(call->api, call->id, PROBLEM_INVALID_REQUEST, NULL,
                      "the query parameter limit must be 1 to %u", STORE_PAGE_MAX);
        return;
    }
    (void)call_begin_json(call); /* an empty scratch */
    struct export export = {.out = &call->api->scratch};
    int code = store_list_model_calls(call->api->options.store, call->workspace, STR(""), after,
                                      (unsigned)limit, put_record, &export, &next);
    if (code == OK) {
        code = buf_status(export.out);
    }
    if (code) {
        call_reply_store_error(call, code, "model calls");
        return;
    }
    if (export.rows == limit && next > after) {
        (void)snprintf(cursor, sizeof(cursor), "%" PRIu64, next);
    }
    reply_records(call, cursor);
}

static const struct route_query record_queries[] = {
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":200,\"default\":200}",
     "calls of a page; those that reached no provider, or whose tokens nobody counted, are left "
     "out"},
    {"after", "{\"type\":\"integer\",\"minimum\":0}", "Netra-Next of the page before"},
    {NULL, NULL, NULL},
};

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/runs/{id}/model-calls",
     .scope = AUTH_SCOPE_READ,
     .handle = get_calls_of_run,
     .summary = "What models were asked in a run, attempt by attempt.",
     .reply = "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":"
              "\"array\",\"items\":" SCHEMA_REF("ModelCall") "}}}",
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/api/model-calls.jsonl",
     .scope = AUTH_SCOPE_READ,
     .handle = get_records,
     .summary = "Netra's own calls of models as usage records, a line each.",
     .queries = record_queries,
     .reply = "{\"type\":\"string\"}",
     .reply_type = "application/x-ndjson",
     .reply_status = 200},
};

const struct route_table routes_model_calls = {"model calls", routes, ARRAY_LENGTH(routes),
                                               ROUTE_BACKEND};
