/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/cost.h"

static void add(struct cost_sums *sums, const struct price_cost *cost, bool is_failed)
{
    sums->input_pico_usd += cost->input_pico_usd;
    sums->cache_read_pico_usd += cost->cache_read_pico_usd;
    sums->cache_write_pico_usd += cost->cache_write_pico_usd;
    sums->output_pico_usd += cost->output_pico_usd;
    sums->total_pico_usd += cost->total_pico_usd;
    sums->failed_pico_usd += is_failed ? cost->total_pico_usd : 0;
    sums->priced++;
    sums->derived += cost->derived != 0;
}

void cost_replay(const struct usage_table *table, const struct rate_card *card,
                 const struct price_options *options, size_t begin, size_t end, int64_t *column,
                 struct cost_sums *sums)
{
    for (size_t row = begin; row < end; row++) {
        const struct price_row *price = rate_card_row(card, row);
        struct usage_tokens tokens = usage_tokens_of(table, row);
        struct price_cost cost;

        if (!price || price_cost_of(price, usage_tier_of(table, row), &tokens, options, &cost)) {
            sums->unpriced++;
            if (column) {
                column[row] = COST_UNKNOWN;
            }
            continue;
        }
        add(sums, &cost, usage_status_of(table, row) == USAGE_ERROR);
        if (column) {
            column[row] = cost.total_pico_usd;
        }
    }
}

int64_t cost_of_row(const struct rate_card *card, size_t row, const struct usage_tokens *tokens,
                    enum usage_tier tier, const struct price_options *options)
{
    const struct price_row *price = rate_card_row(card, row);
    struct price_cost cost;

    if (!price || price_cost_of(price, tier, tokens, options, &cost)) {
        return COST_UNKNOWN;
    }
    return cost.total_pico_usd;
}
