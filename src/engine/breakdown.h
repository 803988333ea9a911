/*
 * breakdown: totals by a name (model, feature, agent …), by user or session, or by day.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ENGINE_BREAKDOWN_H
#define NETRA_ENGINE_BREAKDOWN_H

#include "base/decimal.h"
#include "usage/usage_table.h"

#define BREAKDOWN_DAYS_MAX 3660u /* ten years; later days are summed in the last cell */

struct breakdown_cell {
    uint64_t requests;
    uint64_t failed;     /* status error */
    uint64_t input;      /* tokens, all buckets */
    uint64_t cache_read; /* of those */
    uint64_t output;
    uint64_t unpriced; /* records of unknown price; cost leaves them out */
    int128 cost_pico_usd;
};

/* cells[dict id] for one name field; cells has room for name_dicts[field].count (at least 1) and is
 * added to. cost is a column of cost_replay. */
void breakdown_by_name(const struct usage_table *table, const int64_t *cost, enum usage_name field,
                       size_t begin, size_t end, struct breakdown_cell *cells);

/* The same for users or sessions. */
void breakdown_by_id(const struct usage_table *table, const int64_t *cost, enum usage_id field,
                     size_t begin, size_t end, struct breakdown_cell *cells);

/* cells[d] for UTC day first_day + d; rows without a time are left out. */
void breakdown_by_day(const struct usage_table *table, const int64_t *cost, int64_t first_day_us,
                      size_t day_count, size_t begin, size_t end, struct breakdown_cell *cells);

/* Everything in one cell. */
void breakdown_total(const struct usage_table *table, const int64_t *cost, size_t begin, size_t end,
                     struct breakdown_cell *cell);

/* Adds one cell to another. */
void breakdown_add(struct breakdown_cell *sum, const struct breakdown_cell *cell);

/* Indexes of cells that have requests, dearest first, equal cost by index; returns how many.
 * order has room for count. */
size_t breakdown_order(const struct breakdown_cell *cells, size_t count, uint32_t *order);

#endif
