/*
 * The answer key: sums over the finished calls, and what the plan knows about their defects.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/civil_time.h"
#include "usage/synthesize_call.h"

#define TTL_300_MS  INT64_C(300000)
#define TTL_3600_MS INT64_C(3600000)

/* ---- filling ---- */

static void add_to_side(struct synthesize_side *side, const struct call *call,
                        const struct synthesize_tokens *tokens)
{
    tokens_add(&side->tokens, tokens);
    if (call->status == USAGE_ERROR) {
        side->errors++;
    } else {
        side->succeeded++;
        side->succeeded_input += call->input;
        side->succeeded_latency_ms += call->latency_ms;
    }
}

static void sum_calls(const struct synthesize_plan *plan, const struct call_list *list,
                      struct synthesize_key *key)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct call *call = &list->items[i];
        struct synthesize_tokens tokens = call_tokens(call);

        tokens_add(&key->total, &tokens);
        tokens_add(&key->by_feature_model[call->feature][call->model], &tokens);
        key->errors += call->status == USAGE_ERROR;
        key->retries += call->role == CALL_RETRY;
        key->duplicate_count += call->role == CALL_DUPLICATE;
        key->repeat_count += call->role == CALL_REPEAT;
        if (call->role == CALL_DUPLICATE) {
            tokens_add(&key->duplicates_by_feature_model[call->feature][call->model], &tokens);
        }
        if (call->feature == plan->deploy_feature) {
            bool is_after = call->time_ms >= plan->deploy_ms;

            add_to_side(is_after ? &key->deploy.after : &key->deploy.before, call, &tokens);
        }
    }
}

/* The calls of one role, with the ids that their records have. */
static const struct synthesize_echo *list_echoes(const struct synthesize_plan *plan,
                                                 const struct call_list *list, enum call_role role,
                                                 size_t count, struct arena *arena)
{
    struct synthesize_echo *echoes = arena_alloc(arena, count, sizeof(*echoes));
    size_t at = 0;

    for (size_t i = 0; echoes && i < list->count; i++) {
        const struct call *call = &list->items[i];

        if (call->role == role) {
            struct synthesize_echo *echo = &echoes[at++];

            call_request_id(plan->options.seed, call->serial, echo->request_id);
            call_request_id(plan->options.seed, call->original, echo->original_id);
            echo->feature = call->feature;
            echo->model = call->model;
            echo->tokens = call_tokens(call);
        }
    }
    return echoes;
}

static int fill_unused(const struct synthesize_plan *plan, const struct call_list *list,
                       uint32_t feature, struct synthesize_key *key)
{
    struct synthesize_unused *unused = &key->unused[key->unused_count++];
    uint32_t model = plan->features[feature].profile.models[0];

    unused->feature = plan->features[feature].profile.name;
    unused->model = synthesize_models[model].name;
    unused->minimum_tokens = synthesize_models[model].cache_minimum;
    unused->system_tokens = plan->features[feature].system_blocks * SYNTHESIZE_BLOCK_TOKENS;
    unused->recorded = key->by_feature_model[feature][model];
    int failed = cache_tokens(list, feature, model, TTL_300_MS, false, &unused->ttl_300);
    return failed ? failed
                  : cache_tokens(list, feature, model, TTL_3600_MS, true, &unused->ttl_3600);
}

static void fill_deploy(const struct synthesize_plan *plan, struct synthesize_deploy *deploy)
{
    const struct feature_profile *profile = &plan->features[plan->deploy_feature].profile;

    deploy->feature = profile->name;
    deploy->time_us = plan->deploy_ms * 1000;
    deploy->prompt_permille = plan->deploy_prompt_permille;
    deploy->latency_permille = plan->deploy_latency_permille;
    deploy->error_permille_before = profile->error_permille;
    deploy->error_permille_after = plan->deploy_error_permille;
}

static bool is_batch_candidate(const struct feature_profile *profile)
{
    return !profile->is_streamed && profile->users == 0 && profile->rhythm == RHYTHM_NIGHT;
}

int synthesize_key_fill(const struct synthesize_plan *plan, const struct call_list *list,
                        struct synthesize_key *key)
{
    key->options = plan->options;
    key->from_us = list->count > 0 ? list->items[0].time_ms * 1000 : 0;
    key->to_us = list->count > 0 ? list->items[list->count - 1].time_ms * 1000 : 0;
    for (uint32_t i = 0; i < SYNTHESIZE_MODELS; i++) {
        key->models[i] = synthesize_models[i].name;
        key->providers[i] = synthesize_models[i].provider;
    }
    fill_deploy(plan, &key->deploy);
    sum_calls(plan, list, key);
    for (uint32_t i = 0; i < SYNTHESIZE_FEATURES; i++) {
        const struct feature_plan *feature = &plan->features[i];

        key->features[i] = feature->profile.name;
        if (feature->duplicate_permille > 0) {
            key->duplicate_features[key->duplicate_feature_count++] = feature->profile.name;
        }
        if (is_batch_candidate(&feature->profile)) {
            key->batch_features[key->batch_count++] = feature->profile.name;
        }
        if (feature->cache == FEATURE_CACHE_UNUSED) {
            int failed = fill_unused(plan, list, i, key);
            if (failed) {
                return failed;
            }
        }
    }
    key->duplicates = list_echoes(plan, list, CALL_DUPLICATE, key->duplicate_count, &key->arena);
    key->repeats = list_echoes(plan, list, CALL_REPEAT, key->repeat_count, &key->arena);
    return key->duplicates && key->repeats ? OK : ERR_NO_MEMORY;
}

void synthesize_key_done(struct synthesize_key *key)
{
    arena_done(&key->arena);
    *key = (struct synthesize_key){0};
}

/* ---- writing ---- */

static void put_count(struct json_writer *w, const char *name, uint64_t value)
{
    json_key(w, name);
    json_put_i64(w, (int64_t)value);
}

static void put_text(struct json_writer *w, const char *name, const char *value)
{
    json_key(w, name);
    json_put_text(w, value);
}

static void put_time(struct json_writer *w, const char *name, int64_t time_us)
{
    cleanup(buf_done) struct buf text;

    buf_init(&text, 64);
    civil_print(time_us, &text);
    if (buf_status(&text) && !buf_status(w->out)) {
        w->out->status = buf_status(&text);
    }
    json_key(w, name);
    json_put_str(w, buf_str(&text));
}

/* The members of an object that is open already. */
static void put_tokens(struct json_writer *w, const struct synthesize_tokens *tokens)
{
    put_count(w, "calls", tokens->calls);
    put_count(w, "input_uncached", tokens->input_uncached);
    put_count(w, "cache_read", tokens->cache_read);
    put_count(w, "cache_write_5m", tokens->cache_write_5m);
    put_count(w, "cache_write_1h", tokens->cache_write_1h);
    put_count(w, "output", tokens->output);
    put_count(w, "reasoning", tokens->reasoning);
}

static void put_tokens_object(struct json_writer *w, const char *name,
                              const struct synthesize_tokens *tokens)
{
    json_key(w, name);
    json_begin_object(w);
    put_tokens(w, tokens);
    json_end_object(w);
}

static void put_matrix(struct json_writer *w, const char *name, const struct synthesize_key *key,
                       const struct synthesize_tokens matrix[][SYNTHESIZE_MODELS])
{
    json_key(w, name);
    json_begin_array(w);
    for (uint32_t i = 0; i < SYNTHESIZE_FEATURES; i++) {
        for (uint32_t k = 0; k < SYNTHESIZE_MODELS; k++) {
            if (matrix[i][k].calls > 0) {
                json_begin_object(w);
                put_text(w, "feature", key->features[i]);
                put_text(w, "provider", key->providers[k]);
                put_text(w, "model", key->models[k]);
                put_tokens(w, &matrix[i][k]);
                json_end_object(w);
            }
        }
    }
    json_end_array(w);
}

static void put_names(struct json_writer *w, const char *name, const char *const *names,
                      uint32_t count)
{
    json_key(w, name);
    json_begin_array(w);
    for (uint32_t i = 0; i < count; i++) {
        json_put_text(w, names[i]);
    }
    json_end_array(w);
}

static void put_echoes(struct json_writer *w, const char *name, const struct synthesize_key *key,
                       const struct synthesize_echo *echoes, size_t count)
{
    json_key(w, name);
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(w);
        put_text(w, "request_id", echoes[i].request_id);
        put_text(w, "repeats", echoes[i].original_id);
        put_text(w, "feature", key->features[echoes[i].feature]);
        put_text(w, "model", key->models[echoes[i].model]);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_side(struct json_writer *w, const char *name, const struct synthesize_side *side)
{
    json_key(w, name);
    json_begin_object(w);
    put_tokens(w, &side->tokens);
    put_count(w, "errors", side->errors);
    put_count(w, "succeeded", side->succeeded);
    put_count(w, "succeeded_input", side->succeeded_input);
    put_count(w, "succeeded_latency_ms", side->succeeded_latency_ms);
    json_end_object(w);
}

static void put_factor(struct json_writer *w, const char *name, uint32_t permille)
{
    json_key(w, name);
    json_put_decimal(w, decimal_of(permille, 3));
}

static void put_deploy(struct json_writer *w, const struct synthesize_deploy *deploy)
{
    json_key(w, "bad_deploy");
    json_begin_object(w);
    put_text(w, "feature", deploy->feature);
    put_time(w, "time", deploy->time_us);
    put_factor(w, "prompt_factor", deploy->prompt_permille);
    put_factor(w, "latency_factor", deploy->latency_permille);
    put_factor(w, "error_rate_before", deploy->error_permille_before);
    put_factor(w, "error_rate_after", deploy->error_permille_after);
    put_side(w, "before", &deploy->before);
    put_side(w, "after", &deploy->after);
    json_end_object(w);
}

static void put_unused(struct json_writer *w, const struct synthesize_key *key)
{
    json_key(w, "unused_caching");
    json_begin_array(w);
    for (uint32_t i = 0; i < key->unused_count; i++) {
        const struct synthesize_unused *unused = &key->unused[i];

        json_begin_object(w);
        put_text(w, "feature", unused->feature);
        put_text(w, "model", unused->model);
        put_count(w, "block_size", SYNTHESIZE_BLOCK_TOKENS);
        put_count(w, "minimum_tokens", unused->minimum_tokens);
        put_count(w, "system_tokens", unused->system_tokens);
        put_tokens_object(w, "recorded", &unused->recorded);
        put_tokens_object(w, "ttl_300", &unused->ttl_300);
        put_tokens_object(w, "ttl_3600", &unused->ttl_3600);
        json_end_object(w);
    }
    json_end_array(w);
}

void synthesize_key_write_json(const struct synthesize_key *key, struct json_writer *w)
{
    cleanup(buf_done) struct buf seed;

    json_begin_object(w);
    put_text(w, "source", SYNTHESIZE_SOURCE);
    /* As text: a seed uses all 64 bits, and many readers of JSON keep 53 of a number. */
    buf_init(&seed, 32);
    buf_printf(&seed, "%llu", (unsigned long long)key->options.seed);
    if (buf_status(&seed) && !buf_status(w->out)) {
        w->out->status = buf_status(&seed);
    }
    json_key(w, "seed");
    json_put_str(w, buf_str(&seed));
    put_count(w, "days", key->options.days);
    put_count(w, "scale", key->options.scale);
    put_time(w, "from", key->from_us);
    put_time(w, "to", key->to_us);
    put_count(w, "errors", key->errors);
    put_count(w, "retries", key->retries);
    put_tokens_object(w, "total", &key->total);
    put_matrix(w, "by_feature_model", key, key->by_feature_model);
    put_deploy(w, &key->deploy);
    json_key(w, "duplicates");
    json_begin_object(w);
    put_names(w, "features", key->duplicate_features, key->duplicate_feature_count);
    put_count(w, "count", key->duplicate_count);
    put_matrix(w, "by_feature_model", key, key->duplicates_by_feature_model);
    put_echoes(w, "calls", key, key->duplicates, key->duplicate_count);
    json_end_object(w);
    put_echoes(w, "repeats_that_are_no_duplicates", key, key->repeats, key->repeat_count);
    put_unused(w, key);
    put_names(w, "batch_candidates", key->batch_features, key->batch_count);
    json_end_object(w);
}
