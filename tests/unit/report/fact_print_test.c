/*
 * Facts print as people read them: a table of values, and the two promises for every magnitude.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/error.h"
#include "report/fact.h"

struct printed {
    enum fact_unit unit;
    unsigned scale;
    const char *value;
    const char *expected;
};

static const struct printed table[] = {
    {UNIT_USD, 12, "5285.108495", "$5,285.11"},
    {UNIT_USD, 12, "25182.372257", "$25,182.37"},
    {UNIT_USD, 12, "1234567.891", "$1,234,567.89"},
    {UNIT_USD, 12, "1", "$1.00"},
    {UNIT_USD, 12, "0", "$0.00"},
    {UNIT_USD, 12, "0.5", "$0.50"},
    {UNIT_USD, 12, "0.0342", "$0.0342"},
    {UNIT_USD, 12, "0.036", "$0.036"},
    {UNIT_USD, 12, "0.123456", "$0.123"},
    {UNIT_USD, 12, "0.0000021", "$0.0000021"},
    {UNIT_USD, 12, "0.000000000001", "$0.000000000001"},
    {UNIT_USD, 12, "0.99996", "$1.00"},
    {UNIT_USD, 12, "-501.0077", "−$501.01"},
    {UNIT_USD, 12, "-0.004", "−$0.004"},
    {UNIT_USD_PER_MTOK, 6, "3", "$3.00 per million tokens"},
    {UNIT_USD_PER_MTOK, 6, "0.075", "$0.075 per million tokens"},
    {UNIT_RATIO, 6, "0.3664", "36.6 %"},
    {UNIT_RATIO, 6, "0.36", "36.0 %"},
    {UNIT_RATIO, 6, "1", "100 %"},
    {UNIT_RATIO, 6, "0", "0 %"},
    {UNIT_RATIO, 6, "0.9997", "99.97 %"},
    {UNIT_RATIO, 6, "0.999999", "99.9999 %"},
    {UNIT_RATIO, 6, "0.0005", "0.05 %"},
    {UNIT_RATIO, 6, "0.000001", "0.0001 %"},
    {UNIT_RATIO, 6, "-0.2", "−20.0 %"},
    {UNIT_RATIO, 6, "1.5", "150.0 %"},
    {UNIT_RATIO, 1, "0.5", "50.0 %"},
    {UNIT_RATIO, 0, "2", "200.0 %"},
    {UNIT_TOKENS, 0, "18059974", "18,059,974"},
    {UNIT_REQUESTS, 0, "8819", "8,819"},
    {UNIT_RECORDS, 0, "0", "0"},
    {UNIT_BLOCKS, 0, "94310647", "94,310,647"},
    {UNIT_COUNT_OF_THINGS, 3, "12.5", "12.5"},
    {UNIT_COUNT_OF_THINGS, 3, "0.004", "0.004"},
    {UNIT_MS, 3, "820", "820 ms"},
    {UNIT_MS, 3, "0.42", "0.42 ms"},
    {UNIT_MS, 3, "4.25", "4.3 ms"},
    {UNIT_MS, 3, "1250", "1.25 s"},
    {UNIT_MS, 3, "999.6", "1 s"},
    {UNIT_MS, 3, "12500", "12.5 s"},
    {UNIT_MS, 3, "59990", "1 min"},
    {UNIT_MS, 3, "204000", "3.4 min"},
    {UNIT_MS, 3, "18720000", "5.2 h"},
    {UNIT_MS, 3, "267840000", "3.1 days"},
    {UNIT_MS, 3, "0", "0 ms"},
    {UNIT_RPM, 3, "1204", "1,204 requests/min"},
    {UNIT_RPM, 3, "12.5", "12.5 requests/min"},
    {UNIT_TPM, 3, "2500000", "2,500,000 tokens/min"},
    {UNIT_X, 6, "2.4", "2.4×"},
    {UNIT_X, 6, "14.216", "14.22×"},
    {UNIT_X, 6, "0.0041", "0.0041×"},
    {UNIT_DAYS, 3, "1", "1 day"},
    {UNIT_DAYS, 3, "3.5", "3.5 days"},
    {UNIT_TIME, 0, "1785571200000000", "2026-08-01T08:00:00Z"},
    {UNIT_TIME, 0, "1785571200999999", "2026-08-01T08:00:00Z"},
};

static void test_fact_prints_as_people_read_it(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 256);
    for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
        struct decimal value;

        buf_clear(&out);
        assert_int_equal(decimal_parse(str_from(table[i].value), table[i].scale, &value), OK);
        fact_print_value(table[i].unit, value, &out);
        assert_str(buf_str(&out), table[i].expected);
    }
    buf_done(&out);
}

static bool shows_a_digit_above_zero(struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] >= '1' && text.data[i] <= '9') {
            return true;
        }
    }
    return false;
}

static void test_fact_never_prints_something_as_nothing(void **state)
{
    static const enum fact_unit units[] = {
        UNIT_USD, UNIT_RATIO, UNIT_MS, UNIT_RPM, UNIT_X, UNIT_DAYS, UNIT_COUNT_OF_THINGS};
    struct buf out;

    (void)state;
    buf_init(&out, 256);
    for (size_t u = 0; u < ARRAY_LENGTH(units); u++) {
        for (int128 digits = 1; digits < (int128)1 << 100; digits = digits * 7 + 3) {
            buf_clear(&out);
            fact_print_value(units[u], decimal_of(digits, 12), &out);
            assert_true(shows_a_digit_above_zero(buf_str(&out)));
            assert_int_equal(buf_status(&out), OK);
        }
    }
    buf_done(&out);
}

static void test_fact_prints_its_state(void **state)
{
    struct fact fact = {.unit = UNIT_USD,
                        .value = decimal_of(INT64_C(4200000000000), 12),
                        .low = decimal_of(INT64_C(3100000000000), 12),
                        .high = decimal_of(INT64_C(4200000000000), 12),
                        .has_bounds = true};
    struct buf out;

    (void)state;
    buf_init(&out, 256);
    fact_print(&fact, &out);
    assert_str(buf_str(&out), "$4.20"); /* computed, with an interval beside it */
    buf_clear(&out);
    fact.state = FACT_BOUNDED;
    fact_print(&fact, &out);
    assert_str(buf_str(&out), "$3.10 to $4.20");
    buf_clear(&out);
    fact_print_exact(&fact, &out);
    assert_str(buf_str(&out), "3.1 to 4.2");
    buf_clear(&out);
    fact.low = decimal_of(0, 12);
    fact_print(&fact, &out);
    assert_str(buf_str(&out), "≤ $4.20");
    buf_clear(&out);
    fact.low = fact.high;
    fact_print(&fact, &out);
    assert_str(buf_str(&out), "$4.20");
    buf_clear(&out);
    fact.is_open = true;
    fact_print(&fact, &out);
    assert_str(buf_str(&out), "≥ $4.20");
    buf_clear(&out);
    fact_print_exact(&fact, &out);
    assert_str(buf_str(&out), "at least 4.2");
    buf_clear(&out);
    fact.state = FACT_UNKNOWN;
    fact_print(&fact, &out);
    assert_str(buf_str(&out), "unknown");
    buf_done(&out);
}

static void test_fact_time_out_of_range_is_said(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 256);
    fact_print_value(UNIT_TIME, decimal_of((int128)1 << 90, 0), &out);
    assert_str(buf_str(&out), "a time out of range");
    buf_done(&out);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fact_prints_as_people_read_it),
    cmocka_unit_test(test_fact_never_prints_something_as_nothing),
    cmocka_unit_test(test_fact_prints_its_state),
    cmocka_unit_test(test_fact_time_out_of_range_is_said),
};

UNIT_MAIN(tests)
