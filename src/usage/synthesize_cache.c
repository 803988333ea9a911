/*
 * What a provider's prefix cache does with the calls, by the plainest bookkeeping there is: for
 * each scope (a feature on a model) an array of the last touch of each block, walked one block at a
 * time in the order of time. The analyses have their own, faster method; this one is the answer
 * that theirs is held against, so it shares nothing with them.
 *
 * Since a call touches all of its blocks, hit or not, last touches do not depend on the time to
 * live.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/alloc.h"
#include "base/check.h"
#include "usage/synthesize_call.h"

#define TTL_5M_MS           INT64_C(300000)
#define AUTOMATIC_STEP      128u  /* tokens */
#define AUTOMATIC_MINIMUM   1024u /* tokens of the prefix that is read */
#define PREFILL_KEPT_FIFTHS 1u    /* a prefix that is read still takes a fifth of its time */

struct last_touch {
    uint32_t *by_block; /* index of the call that touched it last, + 1; 0: never */
    uint32_t count;
};

static void last_touch_done(struct last_touch *touch)
{
    alloc_free(touch->by_block);
}

static int last_touch_init(struct last_touch *touch, uint32_t count)
{
    touch->count = count;
    touch->by_block = alloc_zeroed(count > 0 ? count : 1, sizeof(*touch->by_block));
    return touch->by_block ? OK : ERR_NO_MEMORY;
}

static uint32_t block_at(const struct call *call, uint32_t position)
{
    return position < call->system_blocks ? call->system_start + position
                                          : call->own_start + (position - call->system_blocks);
}

/* Blocks of the longest prefix that was touched at most ttl_ms before the call. */
static uint32_t hit_blocks(const struct last_touch *touch, const struct call_list *list,
                           const struct call *call, int64_t ttl_ms)
{
    uint32_t blocks = call->system_blocks + call->own_blocks;
    uint32_t hit = 0;

    for (; hit < blocks; hit++) {
        uint32_t block = block_at(call, hit);

        check_cmp(block, <, touch->count);
        uint32_t last = touch->by_block[block];
        if (last == 0 || call->time_ms - list->items[last - 1].time_ms > ttl_ms) {
            break;
        }
    }
    return hit;
}

static void touch_blocks(struct last_touch *touch, const struct call *call, size_t index)
{
    uint32_t blocks = call->system_blocks + call->own_blocks;

    for (uint32_t i = 0; i < blocks; i++) {
        uint32_t block = block_at(call, i);

        check_cmp(block, <, touch->count);
        touch->by_block[block] = (uint32_t)index + 1;
    }
}

/* True when the provider caches the call at all. */
static bool is_cacheable(const struct call *call)
{
    return call->status != USAGE_ERROR &&
           call->input >= synthesize_models[call->model].cache_minimum;
}

static uint32_t hit_tokens(uint32_t blocks, uint32_t input)
{
    uint32_t tokens = blocks * SYNTHESIZE_BLOCK_TOKENS;

    return tokens < input ? tokens : input;
}

static void record_call(const struct last_touch *touch, const struct call_list *list,
                        enum feature_cache cache, struct call *call)
{
    if (cache == FEATURE_CACHE_USED) {
        call->cache_read = hit_tokens(hit_blocks(touch, list, call, TTL_5M_MS), call->input);
        call->cache_write = call->input - call->cache_read;
    } else {
        uint32_t hit = hit_tokens(hit_blocks(touch, list, call, call->idle_ms), call->input);

        hit -= hit % AUTOMATIC_STEP;
        call->cache_read = hit >= AUTOMATIC_MINIMUM ? hit : 0;
    }
    uint64_t saved = (uint64_t)call->prefill_ms * call->cache_read / call->input;

    saved -= saved * PREFILL_KEPT_FIFTHS / 5;
    call->latency_ms -= (uint32_t)saved;
    call->ttft_ms -= call->ttft_ms > 0 ? (uint32_t)saved : 0;
}

static int record_scope(struct call_list *list, uint32_t feature, uint32_t model,
                        enum feature_cache cache)
{
    cleanup(last_touch_done) struct last_touch touch = {0};

    int failed = last_touch_init(&touch, list->block_count[feature][model]);
    if (failed) {
        return failed;
    }
    for (size_t i = 0; i < list->count; i++) {
        struct call *call = &list->items[i];

        if (call->feature == feature && call->model == model && is_cacheable(call)) {
            record_call(&touch, list, cache, call);
            touch_blocks(&touch, call, i);
        }
    }
    return OK;
}

int cache_record(const struct synthesize_plan *plan, struct call_list *list)
{
    int failed = OK;

    for (uint32_t i = 0; i < SYNTHESIZE_FEATURES && !failed; i++) {
        const struct feature_plan *feature = &plan->features[i];
        const uint8_t *models = feature->profile.models;

        if (feature->cache == FEATURE_CACHE_NONE || feature->cache == FEATURE_CACHE_UNUSED) {
            continue;
        }
        failed = record_scope(list, i, models[0], feature->cache);
        if (!failed && models[1] != models[0]) {
            failed = record_scope(list, i, models[1], feature->cache);
        }
    }
    return failed;
}

int cache_tokens(const struct call_list *list, uint32_t feature, uint32_t model, int64_t ttl_ms,
                 bool is_hour_price, struct synthesize_tokens *ret_tokens)
{
    cleanup(last_touch_done) struct last_touch touch = {0};
    struct synthesize_tokens sum = {0};

    int failed = last_touch_init(&touch, list->block_count[feature][model]);
    if (failed) {
        return failed;
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct call *call = &list->items[i];

        if (call->feature != feature || call->model != model) {
            continue;
        }
        struct synthesize_tokens tokens = call_tokens(call);
        if (is_cacheable(call)) {
            uint32_t read = hit_tokens(hit_blocks(&touch, list, call, ttl_ms), call->input);
            uint32_t write = call->input - read;

            tokens.input_uncached = 0;
            tokens.cache_read = read;
            tokens.cache_write_5m = is_hour_price ? 0 : write;
            tokens.cache_write_1h = is_hour_price ? write : 0;
            touch_blocks(&touch, call, i);
        }
        tokens_add(&sum, &tokens);
    }
    *ret_tokens = sum;
    return OK;
}
