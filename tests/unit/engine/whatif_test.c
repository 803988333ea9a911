/*
 * Another model: who moves and who stays, cached tokens there, and the break-even recomputed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

#include "base/random.h"
#include "engine/whatif.h"

static struct whatif_result ask(const struct world *w, const char *model,
                                const struct whatif_scope *scope)
{
    struct whatif_result result = {0};
    size_t half = w->table.count / 2;

    /* in two ranges, as worker threads would */
    whatif_model(&w->table, &w->card, w->cost, world_model(w, model), scope, &w->price, half,
                 w->table.count, &result);
    whatif_model(&w->table, &w->card, w->cost, world_model(w, model), scope, &w->price, 0, half,
                 &result);
    return result;
}

static void test_calls_that_do_not_fit_stay_where_they_are(void **state)
{
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "plain", .input = 500, .output = 50},
             {.model = "plain", .input = 501, .output = 1},      /* window 500 */
             {.model = "plain", .input = 1, .output = 51},       /* answers up to 50 */
             {.model = "auto", .input = 1, .tier = USAGE_BATCH}, /* no batch price there */
             {.model = "small", .input = 10}, {.model = "mystery", .input = 10});
    struct whatif_result result = ask(&w, "small", NULL);
    assert_int_equal(result.records, 4);
    assert_int_equal(result.moved, 1);
    assert_int_equal(result.infeasible, 3);
    assert_int_equal(result.same_model, 1);
    assert_int_equal(result.unpriced, 1);
    int128 stay = w.cost[1] + w.cost[2] + w.cost[3] + w.cost[4];
    assert_int128(result.now_pico_usd, w.cost[0] + stay);
    assert_int128(result.then_pico_usd, 500 * PER_M / 2 + 50 * PER_M + stay);
    assert_int128(result.moved_now_pico_usd, w.cost[0]);
    world_done(&w);
}

static void test_cached_tokens_are_cached_only_where_there_is_a_price(void **state)
{
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "explicit",
                  .input = 10,
                  .read = 20,
                  .write_5m = 30,
                  .write_1h = 40,
                  .output = 1});
    struct whatif_result plain = ask(&w, "plain", NULL);
    assert_int_equal(plain.uncached, 1);
    assert_int128(plain.then_pico_usd, (100 + 2) * PER_M);
    struct whatif_result automatic = ask(&w, "auto", NULL);
    assert_int_equal(automatic.uncached, 0);
    assert_int128(automatic.then_pico_usd, (80 * 2 + 20 * 1 + 8) * PER_M);
    assert_int128(automatic.then_pico_usd,
                  automatic.moved_input_pico_usd + automatic.moved_output_pico_usd);
    world_done(&w);
}

static void test_the_same_model_changes_nothing(void **state)
{
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "plain", .input = 10}, {.model = "plain", .provider = "p", .output = 3});
    struct whatif_result result = ask(&w, "plain", NULL);
    assert_int_equal(result.records, 0);
    assert_int_equal(result.same_model, 2);
    assert_int128(result.then_pico_usd, result.now_pico_usd);
    assert_int128(result.now_pico_usd, w.sums.total_pico_usd);
    world_done(&w);
}

static void test_the_scope_limits_who_moves(void **state)
{
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "plain", .feature = "a", .input = 1},
             {.model = "auto", .feature = "a", .input = 10},
             {.model = "auto", .feature = "b", .input = 100});
    uint16_t a = (uint16_t)world_feature(&w, "a");
    uint16_t automatic = w.table.names[USAGE_MODEL][1];
    struct whatif_result result = ask(&w, "small", &(struct whatif_scope){.feature = &a});
    assert_int_equal(result.records, 2);
    result = ask(&w, "small", &(struct whatif_scope){.model = &automatic});
    assert_int_equal(result.records, 2);
    assert_int128(result.now_pico_usd, 220 * PER_M);
    result = ask(&w, "small", &(struct whatif_scope){.feature = &a, .model = &automatic});
    assert_int_equal(result.records, 1);
    result = ask(&w, "small", &(struct whatif_scope){0});
    assert_int_equal(result.records, 3);
    world_done(&w);
}

static void test_break_even_is_where_longer_answers_cost_the_same(void **state)
{
    struct decimal multiplier;
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "auto", .input = 100, .output = 10});
    struct whatif_result result = ask(&w, "plain", NULL);
    /* (100 × 2 + 10 × 8 − 100 × 1) / (10 × 2) = 9 */
    assert_true(whatif_breakeven(&result, &multiplier));
    assert_int_equal(decimal_compare(multiplier, decimal_of(9, 0)), 0);
    world_done(&w);

    WORLD_OF(&w, {.model = "plain", .input = 100, .output = 10});
    result = ask(&w, "auto", NULL);
    /* (120 − 200) / 80 = −1: not even an empty answer would pay */
    assert_true(whatif_breakeven(&result, &multiplier));
    assert_int_equal(decimal_compare(multiplier, decimal_of(-1, 0)), 0);
    world_done(&w);
}

static void test_there_is_no_break_even_without_output(void **state)
{
    struct decimal multiplier = decimal_of(7, 0);
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "auto", .input = 100});
    struct whatif_result result = ask(&w, "plain", NULL);
    assert_false(whatif_breakeven(&result, &multiplier));
    result = ask(&w, "auto", NULL); /* nothing moves */
    assert_false(whatif_breakeven(&result, &multiplier));
    assert_int_equal(multiplier.digits, 7);
    world_done(&w);
}

/* Answers longer by the multiplier cost what they cost now, to within its last digit. */
static void test_break_even_holds_when_it_is_recomputed(void **state)
{
    struct decimal multiplier;
    struct random random;
    struct world w;

    (void)state;
    random_init(&random, 8, 0);
    world_init(&w);
    for (int i = 0; i < 300; i++) {
        fixture_add(&w.table,
                    &(struct call){.model = random_below(&random, 2) ? "explicit" : "auto",
                                   .input = random_below(&random, 2000),
                                   .output = random_below(&random, 300)});
    }
    world_price(&w);
    struct whatif_result result = ask(&w, "plain", NULL);
    assert_true(whatif_breakeven(&result, &multiplier));
    assert_int_equal(result.moved, 300);
    int128 longer = result.moved_output_pico_usd * multiplier.digits / 1000000;
    int128 over = result.moved_now_pico_usd - (result.moved_input_pico_usd + longer);
    assert_true(over >= 0 && over <= result.moved_output_pico_usd / 1000000 + 1);
    world_done(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_calls_that_do_not_fit_stay_where_they_are),
    cmocka_unit_test(test_cached_tokens_are_cached_only_where_there_is_a_price),
    cmocka_unit_test(test_the_same_model_changes_nothing),
    cmocka_unit_test(test_the_scope_limits_who_moves),
    cmocka_unit_test(test_break_even_is_where_longer_answers_cost_the_same),
    cmocka_unit_test(test_there_is_no_break_even_without_output),
    cmocka_unit_test(test_break_even_holds_when_it_is_recomputed),
};

UNIT_MAIN(tests)
