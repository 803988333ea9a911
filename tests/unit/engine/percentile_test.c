/*
 * Percentiles are those of numpy's default (type 7), exact to a thousandth, and sorting is sorting.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <stdlib.h>

#include "base/random.h"
#include "engine/percentile.h"

static int ascending(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return left < right ? -1 : left > right;
}

static void test_sorting_agrees_with_qsort(void **state)
{
    static const uint32_t ranges[] = {1, 2, 255, 256, 65537, UINT32_MAX};
    uint32_t values[700];
    uint32_t expected[700];
    uint32_t scratch[700];
    struct random random;

    (void)state;
    random_init(&random, 1, 0);
    for (size_t r = 0; r < ARRAY_LENGTH(ranges); r++) {
        for (size_t count = 0; count <= ARRAY_LENGTH(values); count = count * 2 + 1) {
            for (size_t i = 0; i < count; i++) {
                values[i] = random_below(&random, ranges[r]);
            }
            if (count > 2) {
                values[1] = UINT32_MAX;
            }
            memcpy(expected, values, sizeof(expected));
            qsort(expected, count, sizeof(expected[0]), ascending);
            percentile_sort(values, count, scratch);
            assert_memory_equal(values, expected, count * sizeof(values[0]));
        }
    }
}

static void assert_percentile(const uint32_t *sorted, size_t count, unsigned per_mille,
                              int64_t thousandths)
{
    struct decimal value = percentile_of_sorted(sorted, count, per_mille);

    assert_int_equal(value.scale, PERCENTILE_SCALE);
    assert_int_equal(value.digits, thousandths);
}

/* numpy.percentile([15, 20, 35, 40, 50], q) and of [1, 2, 3, 4]. */
static void test_percentiles_are_those_of_numpy(void **state)
{
    static const uint32_t five[] = {15, 20, 35, 40, 50};
    static const uint32_t four[] = {1, 2, 3, 4};

    (void)state;
    assert_percentile(five, 5, 0, 15000);
    assert_percentile(five, 5, 400, 29000); /* rank 1.6: 20 + 0.6 × 15 */
    assert_percentile(five, 5, 500, 35000);
    assert_percentile(five, 5, 950, 48000);
    assert_percentile(five, 5, 1000, 50000);
    assert_percentile(four, 4, 250, 1750);
    assert_percentile(four, 4, 500, 2500);
    assert_percentile(four, 4, 990, 3970);
}

static void test_percentiles_of_one_value_and_of_the_largest(void **state)
{
    static const uint32_t one[] = {7};
    static const uint32_t extremes[] = {0, UINT32_MAX};

    (void)state;
    assert_percentile(one, 1, 0, 7000);
    assert_percentile(one, 1, 500, 7000);
    assert_percentile(one, 1, 1000, 7000);
    assert_percentile(extremes, 2, 500, INT64_C(2147483647500));
    assert_percentile(extremes, 2, 1000, INT64_C(4294967295000));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sorting_agrees_with_qsort),
    cmocka_unit_test(test_percentiles_are_those_of_numpy),
    cmocka_unit_test(test_percentiles_of_one_value_and_of_the_largest),
};

UNIT_MAIN(tests)
