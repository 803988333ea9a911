/*
 * litellm_key: what one key of a LiteLLM entry is a price of.
 *
 *     key    = base suffix*
 *     base   = input_cost_per_token | output_cost_per_token | output_cost_per_reasoning_token
 *            | cache_read_input_token_cost | cache_creation_input_token_cost
 *     suffix = _above_1hr | _above_<N>k_tokens | _batches | _priority | _flex     in any order
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_PRICE_LITELLM_KEY_H
#define NETRA_PRICE_LITELLM_KEY_H

#include "price/price_book.h"

struct litellm_key {
    enum price_kind kind;
    enum usage_tier tier;
    uint64_t over_tokens;
};

/* False for every other key, however similar (…_per_audio_token, …_per_second). */
bool litellm_key_parse(struct str key, struct litellm_key *ret_key);

#endif
