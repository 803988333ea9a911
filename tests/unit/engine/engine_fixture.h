/*
 * Small tables for engine tests, written call by call, and a price book with round prices.
 *
 * Prices, dollars per million tokens:
 *
 *     model     input  read   5m    1h   output  otherwise
 *     explicit  4      0.4    5     8    20      over 1000: all doubled; batch 2, 10;
 *                                                caches on request, 100 tokens at least
 *     auto      2      1      –     –    8       caches on its own; batch 1, 4
 *     plain     1      –      –     –    2       no cache prices, no batch
 *     small     0.5    –      –     –    1       context window 500, answers up to 50
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_ENGINE_FIXTURE_H
#define NETRA_TESTS_ENGINE_FIXTURE_H

#include "unit.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "engine/cost.h"

#define FIXTURE_SECOND INT64_C(1000000)
#define PER_M          INT64_C(1000000) /* one dollar per million tokens, in pico-dollars a token */

#define FIXTURE_BOOK                                                                               \
    "{\"netra_prices\": 1, \"unit\": \"USD per million tokens\", \"models\": ["                    \
    "{\"provider\": \"p\", \"model\": \"explicit\", \"source_date\": \"2026-01-01\","              \
    " \"cache\": {\"mode\": \"explicit\", \"minimum_tokens\": 100},"                               \
    " \"prices\": {\"standard\": ["                                                                \
    "  {\"input\": 4, \"cache_read\": 0.4, \"cache_write_5m\": 5, \"cache_write_1h\": 8,"          \
    "   \"output\": 20},"                                                                          \
    "  {\"over\": 1000, \"input\": 8, \"cache_read\": 0.8, \"cache_write_5m\": 10,"                \
    "   \"cache_write_1h\": 16, \"output\": 40}],"                                                 \
    "  \"batch\": {\"input\": 2, \"output\": 10}}},"                                               \
    "{\"provider\": \"p\", \"model\": \"auto\", \"source_date\": \"2026-01-01\","                  \
    " \"cache\": {\"mode\": \"automatic\"},"                                                       \
    " \"prices\": {\"standard\": {\"input\": 2, \"cache_read\": 1, \"output\": 8},"                \
    "  \"batch\": {\"input\": 1, \"output\": 4}}},"                                                \
    "{\"provider\": \"p\", \"model\": \"plain\", \"source_date\": \"2026-01-01\","                 \
    " \"prices\": {\"standard\": {\"input\": 1, \"output\": 2}}},"                                 \
    "{\"provider\": \"p\", \"model\": \"small\", \"source_date\": \"2026-01-01\","                 \
    " \"context_window\": 500, \"max_output\": 50,"                                                \
    " \"prices\": {\"standard\": {\"input\": 0.5, \"output\": 1}}}]}"

/* One call as tests write it; what is left out is absent. */
struct call {
    double at_s; /* < 0: no time */
    const char *model;
    const char *feature;
    const char *provider;
    const char *session;
    const char *user;
    const char *scope;
    enum usage_tier tier;
    enum usage_status status;
    uint64_t input; /* uncached */
    uint64_t read;
    uint64_t write_5m;
    uint64_t write_1h;
    uint64_t output;
    uint64_t hash; /* 0: none */
    const struct block_run *runs;
    size_t run_count;
    uint32_t block_size; /* 0: no blocks */
    int streamed;        /* 1 yes, -1 no, 0 not said */
    bool says_cache;
};

#define RUNS(...)                                                                                  \
    .runs = (const struct block_run[]){__VA_ARGS__},                                               \
    .run_count = ARRAY_LENGTH(((const struct block_run[]){__VA_ARGS__}))

static inline void fixture_add(struct usage_table *table, const struct call *call)
{
    struct usage_record record = {
        .present = USAGE_HAS_INPUT | USAGE_HAS_OUTPUT | USAGE_HAS_STATUS,
        .tier = call->tier,
        .status = call->status,
        .streamed = call->streamed > 0,
        .input_uncached = call->input,
        .cache_read = call->read,
        .cache_write_5m = call->write_5m,
        .cache_write_1h = call->write_1h,
        .output = call->output,
        .prompt_hash = call->hash,
        .runs = call->runs,
        .run_count = call->run_count,
        .block_size = call->block_size,
    };
    struct error error;

    if (call->at_s >= 0) {
        record.present |= USAGE_HAS_TIME;
        record.time_us = (int64_t)(call->at_s * 1e6 + 0.5);
    }
    record.present |= call->hash ? USAGE_HAS_PROMPT_HASH : 0;
    record.present |= call->block_size ? USAGE_HAS_BLOCKS : 0;
    record.present |= call->streamed ? USAGE_HAS_STREAMED : 0;
    record.present |= call->session ? USAGE_HAS_SESSION : 0;
    record.present |= call->user ? USAGE_HAS_USER : 0;
    record.present |= call->says_cache ? USAGE_HAS_CACHE : 0;
    record.names[USAGE_MODEL] = str_from(call->model);
    record.names[USAGE_FEATURE] = str_from(call->feature);
    record.names[USAGE_PROVIDER] = str_from(call->provider);
    record.ids[USAGE_SESSION] = str_from(call->session);
    record.ids[USAGE_USER] = str_from(call->user);
    record.ids[USAGE_CACHE_SCOPE] = str_from(call->scope);
    assert_int_equal(usage_table_append(table, &record, (uint32_t)table->count + 1, &error), OK);
}

/* A table with its prices and costs. */
struct world {
    struct usage_table table;
    struct price_book *book;
    struct rate_card card;
    struct price_options price;
    int64_t *cost;
    struct cost_sums sums;
};

static inline void world_init(struct world *world)
{
    struct error error;

    *world = (struct world){0};
    usage_table_init(&world->table);
    if (price_book_parse(STR(FIXTURE_BOOK), STR("fixture"), &world->book, &error)) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(price_book_skipped(world->book), 0);
}

/* After the last row: resolves and prices. */
static inline void world_price(struct world *world)
{
    assert_int_equal(usage_table_sort(&world->table), OK);
    assert_int_equal(rate_card_init(&world->card, &world->table, world->book, PRICE_NEWEST), OK);
    world->cost = calloc(world->table.count + 1, sizeof(*world->cost));
    assert_non_null(world->cost);
    cost_replay(&world->table, &world->card, &world->price, 0, world->table.count, world->cost,
                &world->sums);
}

static inline void world_of(struct world *world, const struct call *calls, size_t count)
{
    world_init(world);
    for (size_t i = 0; i < count; i++) {
        fixture_add(&world->table, &calls[i]);
    }
    world_price(world);
}

#define WORLD_OF(world, ...)                                                                       \
    world_of((world), (const struct call[]){__VA_ARGS__},                                          \
             ARRAY_LENGTH(((const struct call[]){__VA_ARGS__})))

static inline void world_done(struct world *world)
{
    free(world->cost);
    rate_card_done(&world->card);
    usage_table_done(&world->table);
    price_book_free(world->book);
}

static inline const struct price_row *world_model(const struct world *world, const char *model)
{
    const struct price_row *row =
        price_find(world->book, STR(""), str_from(model), PRICE_NEWEST, NULL);

    assert_non_null(row);
    return row;
}

static inline uint32_t world_feature(const struct world *world, const char *feature)
{
    uint32_t id = dict_find(&world->table.name_dicts[USAGE_FEATURE], str_from(feature));

    assert_true(id != DICT_NOT_FOUND);
    return id;
}

/* cmocka compares up to 64 bits only. */
#define assert_int128(a, b)                                                                        \
    do {                                                                                           \
        int128 a_ = (a);                                                                           \
        int128 b_ = (b);                                                                           \
        if (a_ != b_) {                                                                            \
            fail_msg(#a " is %.12f, " #b " is %.12f", (double)a_ / 1e12, (double)b_ / 1e12);       \
        }                                                                                          \
    } while (0)

#endif
