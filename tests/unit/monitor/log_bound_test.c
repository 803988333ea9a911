/*
 * Kinds of lines beyond the table's end share a place and are bounded together.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "monitor/log_bound.h"

static void test_bound_holds_when_the_table_is_full(void **state)
{
    static struct log_bound bound;
    static char formats[LOG_KINDS_MAX + 50];
    unsigned written = 0;
    bool may;

    (void)state;
    for (size_t i = 0; i < sizeof(formats); i++) {
        (void)log_bound_admit(&bound, LOG_WARNING, "room", &formats[i], 1, 1000000, &may);
        written += may;
    }
    assert_int_equal(written, LOG_KINDS_MAX);
    assert_int_equal(bound.count, LOG_KINDS_MAX);
    assert_null(log_bound_next_left(&bound, 1999999));
    struct log_kind *shared = log_bound_next_left(&bound, 2000000);
    assert_ptr_equal(shared, &bound.kinds[LOG_KINDS_MAX - 1]);
    assert_int_equal(shared->left_out, 50);
}

static void test_bound_of_nought_is_none(void **state)
{
    static struct log_bound bound;
    bool may;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        (void)log_bound_admit(&bound, LOG_DEBUG, "room", "format", 0, 1000000, &may);
        assert_true(may);
    }
    assert_null(log_bound_next_left(&bound, INT64_MAX));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bound_holds_when_the_table_is_full),
    cmocka_unit_test(test_bound_of_nought_is_none),
};

UNIT_MAIN(tests)
