/*
 * What an attempt cost. Three answers, and none may stand for another: nothing, because no model
 * was reached; so much, by the book; nobody knows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/attempt.h"

/* The provider's own answer is that it did not do it, or it was never asked. A time-out without a
 * head may be a model that was at work. */
static bool reached_no_model(const struct llm_attempt *attempt)
{
    if (!llm_attempt_was_made(attempt)) {
        return true;
    }
    if (attempt->status) {
        return !attempt_is_success(attempt->status);
    }
    return attempt->outcome == LLM_FAILED || attempt->never_sent;
}

bool llm_attempt_cost(const struct llm_attempt *attempt, const struct price_book *book,
                      int64_t *ret_pico_usd)
{
    const struct llm_usage *usage = &attempt->usage;
    struct price_cost cost;

    if (!usage->is_known) {
        if (reached_no_model(attempt)) {
            *ret_pico_usd = 0;
            return true;
        }
        return false;
    }
    if (!attempt->price_provider.length) {
        return false; /* the same model of another provider has another price */
    }
    const struct price_row *row = price_find(book, attempt->price_provider, attempt->model,
                                             attempt->started_us, /* ret_match */ NULL);
    const struct usage_tokens tokens = {
        .input_uncached = usage->input_uncached,
        .cache_read = usage->cache_read,
        .cache_write_5m = usage->cache_write_5m,
        .cache_write_1h = usage->cache_write_1h,
        .output = usage->output,
        .reasoning = usage->reasoning,
    };
    if (!row || price_cost_of(row, USAGE_STANDARD, &tokens, /* options */ NULL, &cost) != OK) {
        return false;
    }
    *ret_pico_usd = cost.total_pico_usd;
    return true;
}
