/*
 * Costs of records: exact by hand, parts add up to totals, and what has no price is counted apart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

#include "base/random.h"

static void test_each_bucket_is_priced_by_its_own_price(void **state)
{
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "explicit",
                  .input = 100,
                  .read = 200,
                  .write_5m = 300,
                  .write_1h = 50,
                  .output = 10});
    assert_int128(w.sums.input_pico_usd, 100 * 4 * PER_M);
    assert_int128(w.sums.cache_read_pico_usd, 200 * 4 * PER_M / 10);
    assert_int128(w.sums.cache_write_pico_usd, 300 * 5 * PER_M + 50 * 8 * PER_M);
    assert_int128(w.sums.output_pico_usd, 10 * 20 * PER_M);
    assert_int_equal(w.cost[0], (400 + 80 + 1900 + 200) * PER_M);
    assert_int128(w.sums.total_pico_usd, w.cost[0]);
    assert_int_equal(w.sums.priced, 1);
    world_done(&w);
}

static void test_the_context_tier_is_that_of_the_whole_prompt(void **state)
{
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "explicit", .input = 600, .read = 400, .output = 1},
             {.model = "explicit", .input = 600, .read = 401, .output = 1});
    assert_int_equal(w.cost[0], 600 * 4 * PER_M + 400 * 4 * PER_M / 10 + 20 * PER_M);
    assert_int_equal(w.cost[1], 600 * 8 * PER_M + 401 * 8 * PER_M / 10 + 40 * PER_M);
    world_done(&w);
}

/* A model that the book does not know, one that no record names, a tier that has no prices, and
 * cached tokens of a model without a cache price: none of them costs nothing. */
static void test_unknown_prices_are_counted_and_never_free(void **state)
{
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "plain", .input = 10, .output = 1}, {.model = "mystery", .input = 10},
             {.input = 10}, {.model = "plain", .input = 10, .tier = USAGE_BATCH},
             {.model = "plain", .input = 10, .read = 1},
             {.model = "plain", .provider = "another", .input = 10});
    assert_int_equal(w.cost[0], 10 * PER_M + 2 * PER_M);
    for (size_t row = 1; row < w.table.count; row++) {
        assert_true(w.cost[row] == COST_UNKNOWN);
    }
    assert_int_equal(w.sums.priced, 1);
    assert_int_equal(w.sums.unpriced, 5);
    assert_int128(w.sums.total_pico_usd, w.cost[0]);
    assert_true(cost_of_row(&w.card, 1, &(struct usage_tokens){.output = 1}, USAGE_STANDARD,
                            &w.price) == COST_UNKNOWN);
    world_done(&w);
}

static void test_failed_calls_cost_what_they_used(void **state)
{
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "plain", .input = 10, .output = 1},
             {.model = "plain", .input = 5, .status = USAGE_ERROR},
             {.model = "plain", .input = 7, .status = USAGE_CANCELLED},
             {.model = "mystery", .input = 7, .status = USAGE_ERROR});
    assert_int128(w.sums.failed_pico_usd, 5 * PER_M);
    assert_int128(w.sums.total_pico_usd, 24 * PER_M);
    world_done(&w);
}

/* Total = sum of the parts = sum of the column = sum over any split of the rows, to the last
 * digit. */
static void test_parts_add_up_to_the_total(void **state)
{
    static const char *const models[] = {"explicit", "auto", "plain", "mystery"};
    struct random random;
    struct world w;

    (void)state;
    random_init(&random, 5, 0);
    world_init(&w);
    for (int i = 0; i < 500; i++) {
        fixture_add(&w.table, &(struct call){.model = models[random_below(&random, 4)],
                                             .input = random_u32(&random),
                                             .read = random_below(&random, 3),
                                             .write_5m = random_below(&random, 3),
                                             .output = random_u32(&random)});
    }
    world_price(&w);
    assert_int128(w.sums.total_pico_usd, w.sums.input_pico_usd + w.sums.cache_read_pico_usd +
                                             w.sums.cache_write_pico_usd + w.sums.output_pico_usd);
    int128 column = 0;
    uint64_t unpriced = 0;
    for (size_t row = 0; row < w.table.count; row++) {
        column += w.cost[row] == COST_UNKNOWN ? 0 : w.cost[row];
        unpriced += w.cost[row] == COST_UNKNOWN;
    }
    assert_int128(w.sums.total_pico_usd, column);
    assert_int_equal(w.sums.unpriced, unpriced);
    assert_int_equal(w.sums.priced + w.sums.unpriced, w.table.count);

    struct cost_sums halves = {0};
    cost_replay(&w.table, &w.card, &w.price, 123, w.table.count, NULL, &halves);
    cost_replay(&w.table, &w.card, &w.price, 0, 123, NULL, &halves);
    assert_memory_equal(&halves, &w.sums, sizeof(halves));
    world_done(&w);
}

/* The largest record that fits the columns: 4 billion tokens in each bucket, above the int64 range
 * of money only for prices that no list has. */
static void test_the_largest_calls_do_not_wrap(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    for (int i = 0; i < 100; i++) {
        fixture_add(&w.table, &(struct call){.model = "explicit",
                                             .input = UINT32_MAX,
                                             .write_1h = UINT32_MAX,
                                             .output = UINT32_MAX});
    }
    world_price(&w);
    assert_int128(w.sums.total_pico_usd, (int128)100 * UINT32_MAX * (8 + 16 + 40) * PER_M);
    world_done(&w);
}

static void test_an_empty_table_costs_nothing(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    world_price(&w);
    assert_int_equal(w.sums.priced + w.sums.unpriced, 0);
    assert_int_equal(w.card.count, 0);
    world_done(&w);
}

/* ---- the rate card ---- */

static void test_the_card_has_one_slot_per_provider_and_model(void **state)
{
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "plain"}, {.model = "plain", .provider = "p"}, {.model = "auto"},
             {.model = "plain"}, {.provider = "p"});
    assert_int_equal(w.card.count, 4);
    assert_int_equal(w.card.slot_of[0], w.card.slot_of[3]);
    assert_int_equal(w.card.slots[w.card.slot_of[0]].requests, 2);
    assert_str(w.card.slots[w.card.slot_of[2]].model, "auto");
    assert_true(rate_card_row(&w.card, 0) == rate_card_row(&w.card, 1));
    assert_null(rate_card_row(&w.card, 4));
    world_done(&w);
}

static void test_the_card_survives_every_failing_allocation(void **state)
{
    struct world w;
    int code = ERR_NO_MEMORY;

    (void)state;
    world_init(&w);
    for (int i = 0; i < 600; i++) { /* more than the first slots of the map and the card */
        char model[16];

        (void)snprintf(model, sizeof(model), "m%d", i);
        fixture_add(&w.table, &(struct call){.model = model});
    }
    for (uint64_t nth = 1; code; nth++) {
        assert_true(nth < 100);
        (void)alloc_fail_from(nth);
        code = rate_card_init(&w.card, &w.table, w.book, PRICE_NEWEST);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
    }
    assert_int_equal(w.card.count, 600);
    assert_str(w.card.slots[w.card.slot_of[599]].model, "m599");
    world_done(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_each_bucket_is_priced_by_its_own_price),
    cmocka_unit_test(test_the_context_tier_is_that_of_the_whole_prompt),
    cmocka_unit_test(test_unknown_prices_are_counted_and_never_free),
    cmocka_unit_test(test_failed_calls_cost_what_they_used),
    cmocka_unit_test(test_parts_add_up_to_the_total),
    cmocka_unit_test(test_the_largest_calls_do_not_wrap),
    cmocka_unit_test(test_an_empty_table_costs_nothing),
    cmocka_unit_test(test_the_card_has_one_slot_per_provider_and_model),
    cmocka_unit_test(test_the_card_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
