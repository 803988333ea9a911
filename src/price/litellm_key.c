/* SPDX-License-Identifier: Apache-2.0 */
#include "price/litellm_key.h"

#define THRESHOLD_DIGITS_MAX 6u /* of thousands of tokens */

static const struct {
    struct str text;
    enum price_kind kind;
} bases[] = {
    {{"input_cost_per_token", 20}, PRICE_INPUT},
    {{"output_cost_per_token", 21}, PRICE_OUTPUT},
    {{"output_cost_per_reasoning_token", 31}, PRICE_REASONING},
    {{"cache_read_input_token_cost", 27}, PRICE_CACHE_READ},
    {{"cache_creation_input_token_cost", 31}, PRICE_CACHE_WRITE_5M},
};

static const struct {
    struct str text;
    enum usage_tier tier;
} services[] = {
    {{"_batches", 8}, USAGE_BATCH},
    {{"_priority", 9}, USAGE_PRIORITY},
    {{"_flex", 5}, USAGE_FLEX},
};

static bool take(struct str *rest, struct str prefix)
{
    if (!str_starts_with(*rest, prefix)) {
        return false;
    }
    *rest = str_slice(*rest, prefix.length, rest->length);
    return true;
}

/* "_above_200k_tokens" → 200000. */
static bool take_threshold(struct str *rest, uint64_t *ret_over)
{
    struct str at = *rest;
    uint64_t thousands = 0;
    size_t digits = 0;

    if (!take(&at, STR("_above_"))) {
        return false;
    }
    while (digits < at.length && digits < THRESHOLD_DIGITS_MAX && at.data[digits] >= '0' &&
           at.data[digits] <= '9') {
        thousands = thousands * 10 + (uint64_t)(at.data[digits++] - '0');
    }
    at = str_slice(at, digits, at.length);
    if (digits == 0 || thousands == 0 || !take(&at, STR("k_tokens"))) {
        return false;
    }
    *ret_over = thousands * 1000;
    *rest = at;
    return true;
}

/* Each suffix at most once. */
static bool take_suffix(struct str *rest, struct litellm_key *key)
{
    if (key->kind == PRICE_CACHE_WRITE_5M && take(rest, STR("_above_1hr"))) {
        key->kind = PRICE_CACHE_WRITE_1H;
        return true;
    }
    if (key->over_tokens == 0 && take_threshold(rest, &key->over_tokens)) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(services) && key->tier == USAGE_STANDARD; i++) {
        if (take(rest, services[i].text)) {
            key->tier = services[i].tier;
            return true;
        }
    }
    return false;
}

bool litellm_key_parse(struct str key, struct litellm_key *ret_key)
{
    for (size_t i = 0; i < ARRAY_LENGTH(bases); i++) {
        struct litellm_key found = {.kind = bases[i].kind, .tier = USAGE_STANDARD};
        struct str rest = key;

        if (!take(&rest, bases[i].text)) {
            continue;
        }
        while (rest.length && take_suffix(&rest, &found)) {
        }
        if (rest.length == 0) {
            *ret_key = found;
            return true;
        }
    }
    return false;
}
