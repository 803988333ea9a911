/*
 * Integer draws have the distributions that they claim, and names never collide.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <stdlib.h>

#include "base/attributes.h"
#include "usage/synthesize_draw.h"

#define DRAWS 20000

static int compare_u32(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;

    return a < b ? -1 : a > b;
}

static void test_log_normal_has_its_median_and_quantiles(void **state)
{
    static uint32_t drawn[DRAWS];
    struct random random;

    (void)state;
    random_init(&random, 7, 1);
    for (size_t i = 0; i < DRAWS; i++) {
        drawn[i] = draw_log_normal(&random, 1000, 500, UINT32_MAX);
    }
    qsort(drawn, DRAWS, sizeof(drawn[0]), compare_u32);
    /* exp(0.5 z) for z = 0 and ±1.6449 */
    assert_in_range(drawn[DRAWS / 2], 980, 1020);
    assert_in_range(drawn[DRAWS / 20], 425, 455);
    assert_in_range(drawn[DRAWS * 19 / 20], 2200, 2360);
}

static void test_log_normal_without_spread_is_its_median(void **state)
{
    struct random random;

    (void)state;
    random_init(&random, 1, 1);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(draw_log_normal(&random, 12345, 0, UINT32_MAX), 12345);
    }
}

static void test_log_normal_stays_within_its_limit(void **state)
{
    struct random random;
    uint32_t most = 0;

    (void)state;
    random_init(&random, 3, 1);
    for (int i = 0; i < DRAWS; i++) {
        uint32_t value = draw_log_normal(&random, 4000000000u, 3000, 4100000000u);

        most = value > most ? value : most;
    }
    assert_int_equal(most, 4100000000u);
    assert_int_equal(draw_log_normal(&random, 0, 3000, 10), 0);
}

static void test_between_includes_both_ends(void **state)
{
    struct random random;
    unsigned seen[3] = {0};

    (void)state;
    random_init(&random, 5, 1);
    for (int i = 0; i < 3000; i++) {
        uint32_t value = draw_between(&random, 9, 11);

        assert_in_range(value, 9, 11);
        seen[value - 9]++;
    }
    for (int i = 0; i < 3; i++) {
        assert_in_range(seen[i], 900, 1100);
    }
    assert_int_equal(draw_between(&random, 4, 4), 4);
    assert_true(draw_between(&random, 0, UINT32_MAX - 1) < UINT32_MAX);
}

static void test_chance_is_never_and_always_at_its_ends(void **state)
{
    struct random random;
    unsigned hits = 0;

    (void)state;
    random_init(&random, 5, 2);
    for (int i = 0; i < DRAWS; i++) {
        assert_false(draw_chance(&random, 0));
        assert_true(draw_chance(&random, 1000));
        hits += draw_chance(&random, 250);
    }
    assert_in_range(hits, DRAWS * 24 / 100, DRAWS * 26 / 100);
}

static void test_count_keeps_its_mean_where_events_are_rare(void **state)
{
    static const uint64_t expected_milli[] = {0, 20, 900, 5500};

    (void)state;
    for (size_t k = 0; k < ARRAY_LENGTH(expected_milli); k++) {
        struct random random;
        uint64_t sum = 0;

        random_init(&random, 11, k);
        for (int i = 0; i < DRAWS; i++) {
            sum += draw_count(&random, expected_milli[k]);
        }
        uint64_t mean_milli = sum * 1000 / DRAWS;
        assert_in_range(mean_milli, expected_milli[k] * 85 / 100,
                        expected_milli[k] * 108 / 100 + 1);
    }
}

static void test_names_of_neighbours_differ_in_half_their_bits(void **state)
{
    uint64_t bits = 0;

    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        bits += (uint64_t)__builtin_popcountll(draw_name(i) ^ draw_name(i + 1));
    }
    assert_in_range(bits, 31000, 33000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_log_normal_has_its_median_and_quantiles),
    cmocka_unit_test(test_log_normal_without_spread_is_its_median),
    cmocka_unit_test(test_log_normal_stays_within_its_limit),
    cmocka_unit_test(test_between_includes_both_ends),
    cmocka_unit_test(test_chance_is_never_and_always_at_its_ends),
    cmocka_unit_test(test_count_keeps_its_mean_where_events_are_rare),
    cmocka_unit_test(test_names_of_neighbours_differ_in_half_their_bits),
};

UNIT_MAIN(tests)
