/*
 * Tables of made-up records, with every column and the corners that an import can leave (repeated
 * requests, rare columns, texts that only a repeated request said), and whether two are equal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_USAGE_TABLES_H
#define NETRA_TESTS_USAGE_TABLES_H

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/random.h"
#include "usage/usage_table.h"

struct made_up {
    uint64_t seed;
    uint32_t rows;
    bool is_plain;   /* only time, model, tokens: what a narrow CSV has */
    bool has_repeat; /* some request ids come again, later */
};

static inline struct str made_up_text(char *text, size_t size, const char *stem, uint32_t number)
{
    int length = snprintf(text, size, "%s-%" PRIu32, stem, number);

    return (struct str){text, (size_t)length};
}

static inline void made_up_rare(struct random *random, struct usage_record *record)
{
    static const struct block_run runs[] = {{1, 10}, {40, 3}, {UINT32_MAX, 1}};
    uint32_t bits = random_u32(random);

    record->present |= bits & (USAGE_HAS_REASONING | USAGE_HAS_LATENCY | USAGE_HAS_TTFT |
                               USAGE_HAS_COST | USAGE_HAS_QUALITY | USAGE_HAS_PROMPT_HASH |
                               USAGE_HAS_BLOCKS | USAGE_HAS_MAX_OUTPUT | USAGE_HAS_STATUS);
    if (record->present & USAGE_HAS_REASONING) {
        record->reasoning = random_below(random, (uint32_t)record->output + 1);
    }
    record->latency_ms = random_below(random, 90000);
    record->ttft_ms = random_below(random, 900);
    record->max_output = UINT32_MAX;
    record->recorded_cost_pico_usd = (int64_t)random_u32(random) * 1000 - INT64_C(1000000000);
    record->quality = random_unit(random);
    record->prompt_hash = (uint64_t)random_u32(random) << 32 | random_u32(random);
    record->cache_write_5m = bits >> 30 ? 0 : 77;
    record->cache_write_1h = bits >> 29 ? 0 : UINT32_MAX;
    record->tier = (enum usage_tier)(bits >> 8 & 3);
    record->status = (enum usage_status)(bits % 3);
    record->streamed = bits >> 12 & 1;
    if (record->present & USAGE_HAS_BLOCKS) {
        record->block_size = 1 + random_below(random, UINT16_MAX);
        record->runs = runs;
        record->run_count = random_below(random, 4);
    }
}

static inline int made_up_row(const struct made_up *made_up, struct random *random, uint32_t number,
                              struct usage_table *table)
{
    static const char *const stems[USAGE_NAME_COUNT] = {"model", "provider", "feature", "agent",
                                                        "op",    "error",    "stop",    "source"};
    char texts[USAGE_NAME_COUNT + USAGE_ID_COUNT + 1][64];
    struct usage_record record = {
        .present = USAGE_HAS_TIME | USAGE_HAS_INPUT | USAGE_HAS_OUTPUT,
        .time_us = INT64_C(1785715200000000) + (int64_t)number * 1000 + random_below(random, 5000),
        .input_uncached = random_below(random, 100000),
        .cache_read = random_below(random, 3) ? 0 : 5000,
        .output = random_below(random, 900),
    };

    record.names[USAGE_MODEL] = made_up_text(texts[0], 64, "model", random_below(random, 5));
    if (!made_up->is_plain) {
        for (unsigned i = 1; i < USAGE_NAME_COUNT; i++) {
            if (random_below(random, 3)) {
                record.names[i] = made_up_text(texts[i], 64, stems[i], random_below(random, 9));
            }
        }
        for (unsigned i = 0; i < USAGE_ID_COUNT; i++) {
            if (random_below(random, 2)) {
                record.ids[i] = made_up_text(texts[USAGE_NAME_COUNT + i], 64, "id",
                                             random_below(random, number + 10));
            }
        }
        record.present |= record.ids[USAGE_SESSION].length ? USAGE_HAS_SESSION : 0;
        record.present |= random_below(random, 4) ? USAGE_HAS_REQUEST_ID : 0;
        uint32_t request = made_up->has_repeat && random_below(random, 10) == 0
                               ? random_below(random, number + 1)
                               : number;
        record.request_id = made_up_text(texts[11], 64, "request", request);
        made_up_rare(random, &record);
    }
    return usage_table_append(table, &record, number + 1, NULL);
}

static inline int make_table(const struct made_up *made_up, struct usage_table *table)
{
    struct random random;
    int code = OK;

    random_init(&random, made_up->seed, 3);
    usage_table_init(table);
    for (uint32_t i = 0; i < made_up->rows && !code; i++) {
        code = made_up_row(made_up, &random, i, table);
    }
    return code;
}

static inline void check_column_equal(const void *a, const void *b, size_t bytes)
{
    check(!a == !b); /* both are there, or none */
    check(!a || bytes == 0 || memcmp(a, b, bytes) == 0);
}

#define CHECK_COLUMN(field) check_column_equal(a->field, b->field, a->count * sizeof(*a->field))

static inline void check_dicts_equal(const struct dict *a, const struct dict *b)
{
    check_cmp(a->count, ==, b->count);
    for (uint32_t id = 0; id < a->count; id++) {
        check(str_equal(dict_text(a, id), dict_text(b, id)));
    }
}

static inline void check_requests_equal(const struct id_map *a, const struct id_map *b)
{
    check_cmp(a->count, ==, b->count);
    for (size_t i = 0; i < a->slot_count; i++) {
        uint32_t row;

        if (a->values[i]) {
            check(id_map_find(b, a->keys[i], &row));
            check_cmp(row, ==, a->values[i] - 1);
        }
    }
}

/* What each row has of blocks; where its runs lie in the pool is the pool's matter. */
static inline void check_runs_equal(const struct usage_table *a, const struct usage_table *b)
{
    CHECK_COLUMN(run_count);
    CHECK_COLUMN(block_size);
    check(!a->run_begin == !b->run_begin);
    for (size_t row = 0; a->run_count && row < a->count; row++) {
        check(a->run_count[row] == 0 ||
              memcmp(a->runs + a->run_begin[row], b->runs + b->run_begin[row],
                     a->run_count[row] * sizeof(*a->runs)) == 0);
    }
}

/* Aborts where they differ. */
static inline void check_tables_equal(const struct usage_table *a, const struct usage_table *b)
{
    check_cmp(a->count, ==, b->count);
    check_cmp(a->merged_count, ==, b->merged_count);
    check_cmp(a->any_present, ==, b->any_present);
    check_cmp(a->is_sorted, ==, b->is_sorted);
    CHECK_COLUMN(present);
    CHECK_COLUMN(time_us);
    CHECK_COLUMN(input_uncached);
    CHECK_COLUMN(cache_read);
    CHECK_COLUMN(output);
    CHECK_COLUMN(tier_status);
    CHECK_COLUMN(cache_write_5m);
    CHECK_COLUMN(cache_write_1h);
    CHECK_COLUMN(reasoning);
    CHECK_COLUMN(max_output);
    CHECK_COLUMN(latency_ms);
    CHECK_COLUMN(ttft_ms);
    CHECK_COLUMN(recorded_cost_pico_usd);
    CHECK_COLUMN(quality);
    CHECK_COLUMN(prompt_hash);
    CHECK_COLUMN(source_row);
    for (int i = 0; i < USAGE_NAME_COUNT; i++) {
        CHECK_COLUMN(names[i]);
        check_dicts_equal(&a->name_dicts[i], &b->name_dicts[i]);
    }
    for (int i = 0; i < USAGE_ID_COUNT; i++) {
        CHECK_COLUMN(ids[i]);
        check_dicts_equal(&a->id_dicts[i], &b->id_dicts[i]);
    }
    check_runs_equal(a, b);
    check_requests_equal(&a->by_request, &b->by_request);
}

#endif
