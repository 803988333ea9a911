/*
 * Calls as JSON Lines: one flat object a line, with the record's own field names (DESIGN, "the
 * record of one call") and disjoint buckets. What a gateway would not know is left out: no blocks
 * of a failed call, no time to first token where nothing was streamed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/civil_time.h"
#include "base/decimal.h"
#include "usage/synthesize_call.h"
#include "usage/synthesize_draw.h"

#define LINE_TEXT_BYTES  64u
#define SEED_STEP        0x9e3779b97f4a7c15u /* spreads seeds and numbers before they are mixed */
#define PROMPT_NAME_MARK 0x5851f42d4c957f2du /* so that a prompt's hash is no request's id */

static const char *const error_names[] = {
    [CALL_ERROR_NONE] = NULL,   [CALL_RATE_LIMIT] = "rate_limit", [CALL_OVERLOADED] = "overloaded",
    [CALL_TIMEOUT] = "timeout", [CALL_SERVER] = "server_error",
};

static const char *const status_names[] = {
    [USAGE_OK] = "ok",
    [USAGE_ERROR] = "error",
    [USAGE_CANCELLED] = "cancelled",
};

static uint64_t seeded_name(uint64_t seed, uint64_t number)
{
    return draw_name(draw_name(seed + SEED_STEP) + number * SEED_STEP);
}

void call_request_id(uint64_t seed, uint32_t serial, char *ret_text)
{
    (void)snprintf(ret_text, SYNTHESIZE_ID_BYTES, "req_%016" PRIx64, seeded_name(seed, serial));
}

struct synthesize_tokens call_tokens(const struct call *call)
{
    struct synthesize_tokens tokens = {.calls = 1};

    if (call->status == USAGE_ERROR) {
        tokens.input_uncached = call->is_billed ? call->input : 0;
        return tokens;
    }
    tokens.input_uncached = call->input - call->cache_read - call->cache_write;
    tokens.cache_read = call->cache_read;
    tokens.cache_write_5m = call->cache_write;
    tokens.output = call->output;
    tokens.reasoning = call->reasoning;
    return tokens;
}

void tokens_add(struct synthesize_tokens *sum, const struct synthesize_tokens *more)
{
    sum->calls += more->calls;
    sum->input_uncached += more->input_uncached;
    sum->cache_read += more->cache_read;
    sum->cache_write_5m += more->cache_write_5m;
    sum->cache_write_1h += more->cache_write_1h;
    sum->output += more->output;
    sum->reasoning += more->reasoning;
}

static void put_text(struct json_writer *w, const char *key, const char *value)
{
    if (value) {
        json_key(w, key);
        json_put_text(w, value);
    }
}

static void put_count(struct json_writer *w, const char *key, uint64_t value)
{
    json_key(w, key);
    json_put_i64(w, (int64_t)value);
}

static void put_names(struct json_writer *w, const struct synthesize_plan *plan,
                      const struct call *call, struct buf *time)
{
    const struct feature_profile *profile = &plan->features[call->feature].profile;
    const struct model_profile *model = &synthesize_models[call->model];
    char text[LINE_TEXT_BYTES];

    call_request_id(plan->options.seed, call->serial, text);
    put_text(w, "request_id", text);
    buf_clear(time);
    civil_print(call->time_ms * 1000, time);
    json_key(w, "time");
    json_put_str(w, buf_str(time));
    put_text(w, "source", SYNTHESIZE_SOURCE);
    put_text(w, "provider", model->provider);
    put_text(w, "model", model->name);
    put_text(w, "service_tier", "standard");
    put_text(w, "operation", "chat");
    put_text(w, "feature", profile->name);
    put_text(w, "agent", profile->agent);
    if (profile->rhythm != RHYTHM_NIGHT) { /* a job's calls belong to no conversation */
        (void)snprintf(text, sizeof(text), "%s-%06" PRIu32, profile->name, call->session + 1);
        put_text(w, "session", text);
    }
    if (call->user != CALL_NO_USER) {
        (void)snprintf(text, sizeof(text), "user-%s-%04" PRIu32, profile->name, call->user + 1);
        put_text(w, "user", text);
    }
}

static void put_outcome(struct json_writer *w, const struct synthesize_plan *plan,
                        const struct call *call)
{
    bool is_claude = synthesize_models[call->model].cache == MODEL_CACHE_EXPLICIT;

    put_text(w, "status", status_names[call->status]);
    put_text(w, "error_type", error_names[call->error]);
    if (call->stop == CALL_STOP_END) {
        put_text(w, "stop_reason", is_claude ? "end_turn" : "stop");
    } else if (call->stop == CALL_STOP_LENGTH) {
        put_text(w, "stop_reason", is_claude ? "max_tokens" : "length");
    }
    json_key(w, "streamed");
    json_put_bool(w, plan->features[call->feature].profile.is_streamed);
}

static void put_tokens(struct json_writer *w, const struct synthesize_plan *plan,
                       const struct call *call)
{
    const struct model_profile *model = &synthesize_models[call->model];
    struct synthesize_tokens tokens = call_tokens(call);

    put_count(w, "input_uncached", tokens.input_uncached);
    put_count(w, "cache_read", tokens.cache_read);
    if (model->cache == MODEL_CACHE_EXPLICIT) {
        put_count(w, "cache_write_5m", tokens.cache_write_5m);
        put_count(w, "cache_write_1h", tokens.cache_write_1h);
    }
    put_count(w, "output", tokens.output);
    if (model->reasons) {
        put_count(w, "reasoning", tokens.reasoning);
    }
    put_count(w, "max_output", plan->features[call->feature].profile.max_output);
    put_count(w, "latency_ms", call->latency_ms);
    if (call->ttft_ms > 0) {
        put_count(w, "ttft_ms", call->ttft_ms);
    }
    if (call->quality != CALL_NO_QUALITY) {
        json_key(w, "quality");
        json_put_decimal(w, decimal_of(call->quality, 2));
    }
}

static void put_run(struct json_writer *w, uint32_t start, uint32_t length)
{
    if (length > 0) {
        json_begin_array(w);
        json_put_i64(w, start);
        json_put_i64(w, length);
        json_end_array(w);
    }
}

static void put_prompt(struct json_writer *w, const struct synthesize_plan *plan,
                       const struct call *call)
{
    char text[LINE_TEXT_BYTES];
    /* Prompts are numbered in each feature; the feature goes into the bits above them. */
    uint64_t number = (uint64_t)call->feature << 40 | call->prompt;

    (void)snprintf(text, sizeof(text), "%016" PRIx64,
                   seeded_name(plan->options.seed ^ PROMPT_NAME_MARK, number));
    put_text(w, "prompt_hash", text);
    if (call->system_blocks + call->own_blocks == 0) {
        return;
    }
    json_key(w, "hash_ids");
    json_begin_array(w);
    put_run(w, call->system_start, call->system_blocks);
    put_run(w, call->own_start, call->own_blocks);
    json_end_array(w);
    put_count(w, "block_size", SYNTHESIZE_BLOCK_TOKENS);
    (void)snprintf(text, sizeof(text), "%s:%s", plan->features[call->feature].profile.name,
                   synthesize_models[call->model].name);
    put_text(w, "cache_scope", text);
}

void calls_write(const struct synthesize_plan *plan, const struct call_list *list, struct buf *out)
{
    cleanup(buf_done) struct buf time;

    buf_init(&time, LINE_TEXT_BYTES);
    for (size_t i = 0; i < list->count && !buf_status(out); i++) {
        struct json_writer w = json_writer_on(out);

        json_begin_object(&w);
        put_names(&w, plan, &list->items[i], &time);
        put_outcome(&w, plan, &list->items[i]);
        put_tokens(&w, plan, &list->items[i]);
        put_prompt(&w, plan, &list->items[i]);
        json_end_object(&w);
        buf_append_char(out, '\n');
        if (buf_status(&time)) {
            out->status = buf_status(&time);
        }
    }
}
