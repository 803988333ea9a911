/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/breakdown.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/civil_time.h"
#include "engine/cost.h"

static void add_row(const struct usage_table *table, const int64_t *cost, size_t row,
                    struct breakdown_cell *cell)
{
    struct usage_tokens tokens = usage_tokens_of(table, row);

    cell->requests++;
    cell->failed += usage_status_of(table, row) == USAGE_ERROR;
    cell->input += usage_input_total(&tokens);
    cell->cache_read += tokens.cache_read;
    cell->output += tokens.output;
    if (cost[row] == COST_UNKNOWN) {
        cell->unpriced++;
    } else {
        cell->cost_pico_usd += cost[row];
    }
}

void breakdown_by_name(const struct usage_table *table, const int64_t *cost, enum usage_name field,
                       size_t begin, size_t end, struct breakdown_cell *cells)
{
    const uint16_t *ids = table->names[field];

    for (size_t row = begin; row < end; row++) {
        add_row(table, cost, row, &cells[ids ? ids[row] : 0]);
    }
}

void breakdown_by_id(const struct usage_table *table, const int64_t *cost, enum usage_id field,
                     size_t begin, size_t end, struct breakdown_cell *cells)
{
    const uint32_t *ids = table->ids[field];

    for (size_t row = begin; row < end; row++) {
        add_row(table, cost, row, &cells[ids ? ids[row] : 0]);
    }
}

void breakdown_by_day(const struct usage_table *table, const int64_t *cost, int64_t first_day_us,
                      size_t day_count, size_t begin, size_t end, struct breakdown_cell *cells)
{
    check_cmp(day_count, >, 0);
    for (size_t row = begin; row < end; row++) {
        if (usage_has(table, row, USAGE_HAS_TIME) && table->time_us[row] >= first_day_us) {
            size_t day = (size_t)((table->time_us[row] - first_day_us) / DAY_US);

            add_row(table, cost, row, &cells[day < day_count ? day : day_count - 1]);
        }
    }
}

void breakdown_total(const struct usage_table *table, const int64_t *cost, size_t begin, size_t end,
                     struct breakdown_cell *cell)
{
    for (size_t row = begin; row < end; row++) {
        add_row(table, cost, row, cell);
    }
}

void breakdown_add(struct breakdown_cell *sum, const struct breakdown_cell *cell)
{
    sum->requests += cell->requests;
    sum->failed += cell->failed;
    sum->input += cell->input;
    sum->cache_read += cell->cache_read;
    sum->output += cell->output;
    sum->unpriced += cell->unpriced;
    sum->cost_pico_usd += cell->cost_pico_usd;
}

static int dearest_first(const void *a, const void *b, void *cells)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    int128 left_cost = ((const struct breakdown_cell *)cells)[left].cost_pico_usd;
    int128 right_cost = ((const struct breakdown_cell *)cells)[right].cost_pico_usd;

    if (left_cost != right_cost) {
        return left_cost > right_cost ? -1 : 1;
    }
    return left < right ? -1 : left > right;
}

size_t breakdown_order(const struct breakdown_cell *cells, size_t count, uint32_t *order)
{
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        if (cells[i].requests) {
            order[used++] = (uint32_t)i;
        }
    }
    qsort_r(order, used, sizeof(*order), dearest_first, (void *)cells);
    return used;
}
