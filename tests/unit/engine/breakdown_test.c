/*
 * Groups: every record in exactly one cell, sums equal to the total, days by UTC midnight, order by
 * cost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

#include "engine/breakdown.h"

#define DAY_S 86400.0

static void a_few_calls(struct world *w)
{
    WORLD_OF(w, {.at_s = 0, .model = "plain", .feature = "chat", .user = "u", .input = 10},
             {.at_s = DAY_S - 0.000001,
              .model = "auto",
              .feature = "chat",
              .input = 10,
              .read = 4,
              .output = 1},
             {.at_s = DAY_S, .model = "auto", .user = "v", .input = 100, .status = USAGE_ERROR},
             {.at_s = 3 * DAY_S, .model = "mystery", .feature = "mail", .input = 7},
             {.at_s = -1, .model = "plain", .feature = "mail", .input = 1});
}

static void assert_same_cell(const struct breakdown_cell *a, const struct breakdown_cell *b)
{
    assert_int_equal(a->requests, b->requests);
    assert_int_equal(a->failed, b->failed);
    assert_int_equal(a->input, b->input);
    assert_int_equal(a->cache_read, b->cache_read);
    assert_int_equal(a->output, b->output);
    assert_int_equal(a->unpriced, b->unpriced);
    assert_int128(a->cost_pico_usd, b->cost_pico_usd);
}

static void test_the_total_leaves_unknown_prices_out(void **state)
{
    struct breakdown_cell total = {0};
    struct world w;

    (void)state;
    a_few_calls(&w);
    breakdown_total(&w.table, w.cost, 0, w.table.count, &total);
    assert_int_equal(total.requests, 5);
    assert_int_equal(total.failed, 1);
    assert_int_equal(total.input, 132);
    assert_int_equal(total.cache_read, 4);
    assert_int_equal(total.output, 1);
    assert_int_equal(total.unpriced, 1);
    assert_int128(total.cost_pico_usd, (10 + (20 + 4 + 8) + 200 + 1) * PER_M);
    assert_int128(total.cost_pico_usd, w.sums.total_pico_usd);
    world_done(&w);
}

static void test_groups_add_up_to_the_total(void **state)
{
    struct breakdown_cell total = {0};
    struct world w;

    (void)state;
    a_few_calls(&w);
    breakdown_total(&w.table, w.cost, 0, w.table.count, &total);
    for (int field = 0; field < USAGE_NAME_COUNT; field++) { /* rare columns are NULL here */
        struct breakdown_cell cells[8] = {0};
        struct breakdown_cell sum = {0};

        breakdown_by_name(&w.table, w.cost, (enum usage_name)field, 2, w.table.count, cells);
        breakdown_by_name(&w.table, w.cost, (enum usage_name)field, 0, 2, cells);
        for (int i = 0; i < 8; i++) {
            breakdown_add(&sum, &cells[i]);
        }
        assert_same_cell(&sum, &total);
    }
    for (int field = 0; field < USAGE_ID_COUNT; field++) {
        struct breakdown_cell cells[8] = {0};
        struct breakdown_cell sum = {0};

        breakdown_by_id(&w.table, w.cost, (enum usage_id)field, 0, w.table.count, cells);
        for (int i = 0; i < 8; i++) {
            breakdown_add(&sum, &cells[i]);
        }
        assert_same_cell(&sum, &total);
    }
    world_done(&w);
}

static void test_each_value_has_its_own_cell(void **state)
{
    struct breakdown_cell cells[4] = {0};
    struct world w;

    (void)state;
    a_few_calls(&w);
    breakdown_by_name(&w.table, w.cost, USAGE_FEATURE, 0, w.table.count, cells);
    assert_int_equal(cells[0].requests, 1); /* no feature */
    assert_int_equal(cells[world_feature(&w, "chat")].requests, 2);
    assert_int128(cells[world_feature(&w, "chat")].cost_pico_usd, 42 * PER_M);
    assert_int_equal(cells[world_feature(&w, "mail")].unpriced, 1);
    world_done(&w);
}

static void test_days_change_at_midnight_and_the_last_cell_takes_the_rest(void **state)
{
    struct breakdown_cell days[4] = {0};
    struct breakdown_cell three[3] = {0};
    struct world w;

    (void)state;
    a_few_calls(&w);
    breakdown_by_day(&w.table, w.cost, 0, 4, 0, w.table.count, days);
    assert_int_equal(days[0].requests, 2);
    assert_int_equal(days[1].requests, 1);
    assert_int_equal(days[2].requests, 0);
    assert_int_equal(days[3].requests, 1); /* and the one without a time nowhere */
    breakdown_by_day(&w.table, w.cost, 0, 3, 0, w.table.count, three);
    assert_int_equal(three[0].requests, 2);
    assert_int_equal(three[2].requests, 1);
    struct breakdown_cell late[1] = {0};
    breakdown_by_day(&w.table, w.cost, (int64_t)(2 * DAY_S * 1e6), 1, 0, w.table.count, late);
    assert_int_equal(late[0].requests, 1); /* earlier days are left out */
    world_done(&w);
}

static void test_order_is_by_cost_then_index_and_skips_empty_cells(void **state)
{
    const struct breakdown_cell cells[] = {{.requests = 1, .cost_pico_usd = 5},
                                           {.requests = 0, .cost_pico_usd = 99},
                                           {.requests = 1, .cost_pico_usd = (int128)1 << 100},
                                           {.requests = 1, .cost_pico_usd = 5},
                                           {.requests = 1}};
    uint32_t order[5] = {0};

    (void)state;
    assert_int_equal(breakdown_order(cells, 5, order), 4);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 0);
    assert_int_equal(order[2], 3);
    assert_int_equal(order[3], 4);
    assert_int_equal(breakdown_order(cells, 0, order), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_the_total_leaves_unknown_prices_out),
    cmocka_unit_test(test_groups_add_up_to_the_total),
    cmocka_unit_test(test_each_value_has_its_own_cell),
    cmocka_unit_test(test_days_change_at_midnight_and_the_last_cell_takes_the_rest),
    cmocka_unit_test(test_order_is_by_cost_then_index_and_skips_empty_cells),
};

UNIT_MAIN(tests)
