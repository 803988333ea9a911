/*
 * Percentiles are values that were measured, by nearest rank; deviation is that of a sample.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <math.h>

#include "base/alloc.h"
#include "verify/evidence.h"

static void check_spread(const double *values, size_t count, const double expected[7])
{
    struct spread spread;

    assert_int_equal(spread_of(values, count, &spread), OK);
    const double actual[] = {spread.p50, spread.p95,  spread.p99,      spread.min,
                             spread.max, spread.mean, spread.deviation};
    assert_int_equal(spread.n, count);
    for (size_t i = 0; i < 7; i++) {
        if (fabs(actual[i] - expected[i]) > 1e-9) {
            fail_msg("%zu values, statistic %zu: %.17g is not %.17g", count, i, actual[i],
                     expected[i]);
        }
    }
}

static void test_spread_is_of_measured_values(void **state)
{
    static double hundred[100];

    (void)state;
    for (size_t i = 0; i < 100; i++) {
        hundred[i] = (double)((i * 37) % 100 + 1); /* 1 to 100, not in order */
    }
    check_spread(hundred, 100, (const double[]){50, 95, 99, 1, 100, 50.5, 29.011491975882016});
    check_spread((const double[]){7}, 1, (const double[]){7, 7, 7, 7, 7, 7, 0});
    check_spread((const double[]){4, 2}, 2, (const double[]){2, 4, 4, 2, 4, 3, sqrt(2)});
    check_spread((const double[]){3, 1, 2}, 3, (const double[]){2, 3, 3, 1, 3, 2, 1});
    check_spread((const double[]){5, 5, 5, 5}, 4, (const double[]){5, 5, 5, 5, 5, 5, 0});
    /* far from 0: no cancellation */
    check_spread((const double[]){1e9 + 1, 1e9 + 2, 1e9 + 3}, 3,
                 (const double[]){1e9 + 2, 1e9 + 3, 1e9 + 3, 1e9 + 1, 1e9 + 3, 1e9 + 2, 1});
}

/* The definition itself, for every count: at least p of all do not exceed it, and it is the
 * smallest such. */
static void test_spread_percentiles_follow_their_definition(void **state)
{
    static double values[200];

    (void)state;
    for (size_t count = 1; count <= 200; count++) {
        struct spread spread;

        for (size_t i = 0; i < count; i++) {
            values[i] = (double)((i * 7919) % count);
        }
        assert_int_equal(spread_of(values, count, &spread), OK);
        const double p[] = {spread.p25, spread.p50, spread.p75, spread.p95, spread.p99};
        const size_t percent[] = {25, 50, 75, 95, 99};
        for (size_t k = 0; k < 5; k++) {
            size_t below = 0;
            size_t within = 0;

            for (size_t i = 0; i < count; i++) {
                below += values[i] < p[k];
                within += values[i] <= p[k];
            }
            if (within * 100 < percent[k] * count || below * 100 >= percent[k] * count) {
                fail_msg("p%zu of %zu values is %g", percent[k], count, p[k]);
            }
        }
    }
}

static void test_spread_of_nothing_is_no_number(void **state)
{
    struct spread spread;

    (void)state;
    assert_int_equal(spread_of(NULL, 0, &spread), OK);
    assert_int_equal(spread.n, 0);
    assert_true(isnan(spread.p25) && isnan(spread.p50) && isnan(spread.p75) && isnan(spread.p95));
    assert_true(isnan(spread.p99) && isnan(spread.min) && isnan(spread.max));
    assert_true(isnan(spread.mean) && isnan(spread.deviation));
}

static void test_spread_names_its_statistics(void **state)
{
    const struct spread spread = {.p50 = 1, .p95 = 2, .p99 = 3};

    (void)state;
    assert_true(spread_statistic(&spread, "p50") == 1.0);
    assert_true(spread_statistic(&spread, "p95") == 2.0);
    assert_true(spread_statistic(&spread, "p99") == 3.0);
}

static void test_spread_without_memory_says_so(void **state)
{
    struct spread spread = {.n = 77};
    const double one = 1;

    (void)state;
    (void)alloc_fail_from(1);
    int code = spread_of(&one, 1, &spread);
    (void)alloc_fail_from(0);
    assert_int_equal(code, ERR_NO_MEMORY);
    assert_int_equal(spread.n, 77);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_spread_is_of_measured_values),
    cmocka_unit_test(test_spread_percentiles_follow_their_definition),
    cmocka_unit_test(test_spread_of_nothing_is_no_number),
    cmocka_unit_test(test_spread_names_its_statistics),
    cmocka_unit_test(test_spread_without_memory_says_so),
};

UNIT_MAIN(tests)
