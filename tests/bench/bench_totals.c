/*
 * Kernels over ten million records in columns: the bill (cost per record and its sums) and the same
 * calls on another model, in bytes of the columns that the question needs, so that the table shows
 * how near they come to summing a column (memory_bandwidth).
 *
 * The columns are filled in place, with three models, two service tiers, cached tokens and nothing
 * else: 10 M calls through the importer would measure the importer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include "base/alloc.h"
#include "base/random.h"
#include "engine/whatif.h"
#include "price/price_book.h"

#define ROWS   ((size_t)10000000)
#define MODELS 3

/* What a row's price depends on: three token columns, its tier and which price. */
#define ROW_BYTES (3 * sizeof(uint32_t) + sizeof(uint8_t) + sizeof(uint16_t))

struct state {
    struct usage_table table;
    struct price_book *book;
    struct rate_card card;
    struct price_options price;
    int64_t *cost;
};

static int replay_cost(void *arg)
{
    struct state *state = arg;
    struct cost_sums sums = {0};

    cost_replay(&state->table, &state->card, &state->price, 0, ROWS, /* column */ NULL, &sums);
    bench_keep((int64_t)sums.total_pico_usd);
    return sums.priced == ROWS && sums.total_pico_usd > 0 ? 0 : 1;
}

static int other_model(void *arg)
{
    struct state *state = arg;
    const struct price_row *mini =
        price_find(state->book, STR(""), STR("gpt-4o-mini"), INT64_MAX, NULL);
    struct whatif_scope scope = {0};
    struct whatif_result result = {0};

    whatif_model(&state->table, &state->card, state->cost, mini, &scope, &state->price, 0, ROWS,
                 &result);
    bench_keep((int64_t)result.then_pico_usd);
    return result.records + result.same_model == ROWS ? 0 : 1;
}

/* The names first, through the table's own append, then the columns are made large. */
static int fill(struct state *state)
{
    static const char *const models[MODELS] = {"gpt-4o", "gpt-4o-mini",
                                               "claude-sonnet-4-5-20250929"};
    struct usage_table *table = &state->table;
    struct random random;

    random_init(&random, 1, 1);
    for (size_t i = 0; i < ROWS; i++) {
        struct usage_record record = {
            .present = USAGE_HAS_INPUT | USAGE_HAS_OUTPUT | USAGE_HAS_CACHE | USAGE_HAS_TIER,
            .names[USAGE_MODEL] = str_from(models[random_below(&random, MODELS)]),
            .tier = random_below(&random, 10) ? USAGE_STANDARD : USAGE_BATCH,
            .input_uncached = random_below(&random, 8000),
            .output = random_below(&random, 600),
        };
        int code = usage_table_append(table, &record, (uint32_t)i + 1, NULL);

        if (code) {
            return code;
        }
    }
    return OK;
}

int main(void)
{
    struct state state = {0};

    usage_table_init(&state.table);
    int code = fill(&state);
    if (!code) {
        code = price_book_builtin(&state.book, NULL);
    }
    if (!code) {
        code = rate_card_init(&state.card, &state.table, state.book, INT64_MAX);
    }
    state.cost = alloc_zeroed(ROWS, sizeof(*state.cost));
    if (code || !state.cost) {
        (void)fprintf(stderr, "totals: no memory for %zu records\n", ROWS);
        return 1;
    }
    struct cost_sums sums = {0};
    cost_replay(&state.table, &state.card, &state.price, 0, ROWS, state.cost, &sums);
    int failed = bench_run(&(struct bench){.name = "10M.cost_replay",
                                           .work = (double)(ROWS * ROW_BYTES),
                                           .unit = "bytes",
                                           .run = replay_cost,
                                           .arg = &state}) ||
                 bench_run(&(struct bench){.name = "10M.what_if",
                                           .work = (double)(ROWS * ROW_BYTES),
                                           .unit = "bytes",
                                           .run = other_model,
                                           .arg = &state});
    alloc_free(state.cost);
    rate_card_done(&state.card);
    price_book_free(state.book);
    usage_table_done(&state.table);
    return failed;
}
