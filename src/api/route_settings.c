/*
 * Settings: which models take part, what they are told word for word, and exactly what would be
 * sent for a question. The question's way is gone with nobody asked (agent/preview.h), on a worker.
 *
 * The state of the chain belongs to the loop thread, so the answer is written in two parts: all but
 * the requests before the work begins, the requests behind them by the worker.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/preview.h"
#include "agent/prompts.h"
#include "api/api_state.h"
#include "api/gate.h"
#include "api/work.h"
#include "ask/interpretation.h"
#include "loop/clock.h"
#include "loop/uuid.h"

#define PREVIEW_SEED 1u /* as a question that names none has */

static const char *const sample_prompt =
    "How can we reduce costs by 20 % without making anything worse?";

static const char *const never_sent[] = {
    "Records of your calls: no row of your data is sent, only what was computed from them.",
    "Prompts and answers of your calls: they are not even kept here.",
    "Ids of users, sessions and requests in your records.",
    "Files, their names and where they lie.",
    "Other questions, conversations and reports.",
    "Keys and tokens; a provider's own key goes to that provider alone.",
};

/* ---- what the loop knows ---- */

static void put_u64(struct json_writer *w, const char *key, uint64_t value)
{
    json_key(w, key);
    json_put_i64(w, (int64_t)value);
}

/* A provider's words about a failure may repeat what it was sent, whoever's question that was: they
 * are for those who run the deployment. Whose run it was sees them with the run. */
static void put_link(struct json_writer *w, const struct llm *llm, size_t index, bool tells_failure)
{
    struct llm_state state;

    llm_provider_state(llm, index, &state);
    json_begin_object(w);
    put_text(w, "provider", state.name);
    put_text(w, "model", state.model);
    put_text(w, "wire", str_from(state.wire));
    put_text(w, "url", state.url);
    json_key(w, "has_key");
    json_put_bool(w, state.has_key);
    put_text(w, "breaker", str_from(state.breaker));
    put_u64(w, "attempts", state.attempts);
    put_u64(w, "answered", state.answered);
    if (state.last_failure[0] && tells_failure) {
        put_text(w, "last_failure", str_from(state.last_failure));
    }
    json_end_object(w);
}

/* Named as in the configuration. */
static void put_limits(struct json_writer *w, const struct llm_limits *limits)
{
    json_key(w, "limits");
    json_begin_object(w);
    put_u64(w, "attempts_max", limits->attempts_max);
    put_u64(w, "retry_wait_max_ms", limits->wait_ms_max);
    put_u64(w, "connect_timeout_ms", limits->connect_timeout_ms);
    put_u64(w, "first_token_timeout_ms", limits->first_token_timeout_ms);
    put_u64(w, "idle_timeout_ms", limits->idle_timeout_ms);
    put_u64(w, "total_timeout_ms", limits->total_timeout_ms);
    put_u64(w, "question_timeout_ms", limits->question_timeout_ms);
    put_u64(w, "breaker_failures", limits->breaker_failures);
    put_u64(w, "breaker_open_ms", limits->breaker_open_ms);
    json_end_object(w);
}

static void put_models(struct json_writer *w, const struct api_models *models, bool tells_failure)
{
    size_t count = models->llm ? llm_provider_count(models->llm) : 0;

    json_key(w, "models");
    json_begin_object(w);
    json_key(w, "chain");
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        put_link(w, models->llm, i, tells_failure);
    }
    json_end_array(w);
    put_limits(w, &models->limits);
    put_u64(w, "tokens_per_run_max", models->tokens_per_run_max);
    json_end_object(w);
}

static void put_prompts(struct json_writer *w)
{
    size_t count;
    const struct prompt_file *files = prompt_files(&count);

    json_key(w, "prompts");
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(w);
        put_text(w, "name", str_from(files[i].name));
        put_text(w, "id", files[i].id);
        put_text(w, "text", files[i].text);
        json_end_object(w);
    }
    json_end_array(w);
}

/* Everything up to the requests' array; the object stays open. */
static void write_known(struct work *work)
{
    struct json_writer w = json_writer_on(&work->out);

    json_begin_object(&w);
    put_models(&w, work->api->options.models, gate_may(&work->who, ROUTE_OPERATOR));
    put_prompts(&w);
    json_key(&w, "never_sent");
    json_begin_array(&w);
    for (size_t i = 0; i < ARRAY_LENGTH(never_sent); i++) {
        json_put_text(&w, never_sent[i]);
    }
    json_end_array(&w);
    json_key(&w, "requests");
}

/* ---- what the worker finds out ---- */

static int put_request(const struct run_question *question, struct str text, void *arg)
{
    struct json_writer *w = (struct json_writer *)arg;

    json_begin_object(w);
    put_text(w, "purpose", str_from(question->purpose));
    put_text(w, "prompt", question->prompt);
    put_text(w, "text", text);
    json_end_object(w);
    return buf_status(w->out);
}

static int preview(struct work *work, const struct dataset *dataset, struct buf *out,
                   struct error *error)
{
    char id[UUID_BYTES];
    struct json_writer w = json_writer_on(out);

    if (uuid_v7(id, error)) {
        return ERR_IO;
    }
    struct run_options options = {.prompt = buf_str(&work->input),
                                  .dataset = dataset,
                                  .book = dataset ? dataset->book : work->api->book,
                                  .id = str_from(id),
                                  .seed = PREVIEW_SEED,
                                  .clock = clock_now_us};
    json_begin_array(&w);
    int code = run_preview(&options, work->api->options.models->shown, put_request, &w, error);
    json_end_array(&w);
    buf_append_char(out, '}');
    return code == ERR_LIMIT ? ERR_INVALID : code;
}

/* ---- the call ---- */

static void refuse(const struct call *call, const char *why)
{
    problem_reply(call->api, call->id, PROBLEM_INVALID_REQUEST, NULL, "%s", why);
}

/* False when it has been answered. */
static bool read_prompt(const struct call *call, struct buf *prompt)
{
    if (!http_query(call->request, "prompt", 0, prompt)) {
        buf_append(prompt, str_from(sample_prompt));
    }
    if (buf_status(prompt) == ERR_LIMIT) {
        refuse(call, "the query parameter prompt is too long");
    } else if (buf_status(prompt) == ERR_NO_MEMORY) {
        problem_reply(call->api, call->id, PROBLEM_SERVICE_UNAVAILABLE, NULL, "out of memory");
    } else if (buf_status(prompt) || !str_is_utf8(buf_str(prompt))) {
        refuse(call, "the query parameter prompt cannot be decoded");
    } else if (str_trim(buf_str(prompt)).length == 0) {
        refuse(call, "the query parameter prompt is empty");
    } else {
        return true;
    }
    return false;
}

/* Empty when there is none; lives in the api until the next call. False when it has been answered.
 */
static bool read_dataset(const struct call *call, struct str *ret_id)
{
    struct buf *text = &call->api->query;

    buf_clear(text);
    if (http_query(call->request, "dataset", 0, text) &&
        (buf_status(text) || !store_is_id(buf_str(text)))) {
        refuse(call, "the query parameter dataset must be an id");
        return false;
    }
    *ret_id = buf_str(text);
    return true;
}

static void get_settings(const struct call *call)
{
    struct str dataset_id;
    struct work *work = work_new(call, preview, ASK_PROMPT_BYTES_MAX);

    if (!work) {
        return;
    }
    if (!read_prompt(call, &work->input) || !read_dataset(call, &dataset_id)) {
        work_free(work);
        return;
    }
    write_known(work);
    work_start(work, dataset_id);
}

static const struct route_query settings_queries[] = {
    {"prompt", "{\"type\":\"string\"}", "the question that requests are shown for"},
    {"dataset", "{\"type\":\"string\"}", "id of the records that it would be asked about"},
    {NULL, NULL, NULL},
};

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/settings",
     .scope = AUTH_SCOPE_READ,
     .handle = get_settings,
     .summary = "Which models take part, what they are told, and exactly what would be sent.",
     .queries = settings_queries,
     .reply = SCHEMA_REF("Settings"),
     .reply_status = 200},
};

const struct route_table routes_settings = {"settings", routes, ARRAY_LENGTH(routes),
                                            ROUTE_BACKEND};
