/*
 * cost: what each record costs at the book's prices, exact in pico-dollars.
 *
 * Replay is per record: tokens of each bucket × the price of its model, service tier and context
 * tier. Sums are 128-bit integers, so totals equal the sum of their parts to the last digit and do
 * not depend on order. A record without a price is counted apart, never as 0.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ENGINE_COST_H
#define NETRA_ENGINE_COST_H

#include "base/decimal.h"
#include "engine/rate_card.h"

/* Marks a row whose price is unknown in a cost column. */
#define COST_UNKNOWN INT64_MIN

struct cost_sums {
    int128 input_pico_usd;
    int128 cache_read_pico_usd;
    int128 cache_write_pico_usd;
    int128 output_pico_usd;
    int128 total_pico_usd;
    int128 failed_pico_usd; /* the part of total that calls with status error cost */
    uint64_t priced;        /* records in the sums */
    uint64_t unpriced;      /* records whose price is unknown */
    uint64_t derived;       /* of priced: with a price that follows from a documented rule */
};

/* Adds the cost of rows [begin,end) to *sums and, when column is not NULL, stores each row's cost
 * or COST_UNKNOWN in column[row]. */
void cost_replay(const struct usage_table *table, const struct rate_card *card,
                 const struct price_options *options, size_t begin, size_t end, int64_t *column,
                 struct cost_sums *sums);

/* The cost of tokens at the price of one row's model and tier, or COST_UNKNOWN. */
int64_t cost_of_row(const struct rate_card *card, size_t row, const struct usage_tokens *tokens,
                    enum usage_tier tier, const struct price_options *options);

#endif
