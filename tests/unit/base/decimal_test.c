/*
 * Decimals are read, rounded and printed exactly.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <math.h>

#include "base/decimal.h"
#include "base/error.h"

static void assert_prints(const char *text, unsigned scale, const char *expected)
{
    struct decimal value;
    struct buf out;

    assert_int_equal(decimal_parse(str_from(text), scale, &value), OK);
    buf_init(&out, DECIMAL_TEXT_BYTES);
    decimal_print(value, &out);
    assert_str(buf_str(&out), expected);
    buf_done(&out);
}

static void test_decimal_reads_what_exports_write(void **state)
{
    (void)state;
    assert_prints("12", 0, "12");
    assert_prints("-1.50", 12, "-1.5");
    assert_prints("1.25e-06", 12, "0.00000125");
    assert_prints("2.5E3", 2, "2500");
    assert_prints(".5", 6, "0.5");
    assert_prints("+3", 6, "3");
    assert_prints("0", 12, "0");
    assert_prints("0.0000000000005", 12, "0.000000000001");
    assert_prints("0.00000000000049", 12, "0");
    assert_prints("170141183460469.123456789012", 12, "170141183460469.123456789012");
}

static void test_decimal_refuses_what_is_no_number(void **state)
{
    static const char *const bad[] = {"",    " ",     "abc",  "1.2.3", "1e",
                                      "--1", "1,000", "0x10", "1 2",   "."};
    struct decimal value = {7, 1};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        assert_int_equal(decimal_parse(str_from(bad[i]), 6, &value), ERR_INVALID);
    }
    assert_int_equal(decimal_parse(STR("1e500"), 6, &value), ERR_LIMIT);
    assert_int_equal(decimal_parse(STR("1000000000000000000000000000000000"), 6, &value),
                     ERR_LIMIT);
    assert_true(value.digits == 7);
}

static void test_decimal_rounds_half_away_from_zero(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, DECIMAL_TEXT_BYTES);
    decimal_print_rounded(decimal_of(1234565, 3), 2, true, true, &out);
    assert_str(buf_str(&out), "1,234.57");
    buf_clear(&out);
    decimal_print_rounded(decimal_of(-125, 3), 2, true, false, &out);
    assert_str(buf_str(&out), "-0.13");
    buf_clear(&out);
    decimal_print_rounded(decimal_of(1500, 3), 2, false, false, &out);
    assert_str(buf_str(&out), "1.5");
    buf_done(&out);
    assert_true(decimal_from_double(0.0000005, 6, NULL).digits == 1);
    assert_int_equal(decimal_compare(decimal_of(15, 1), decimal_of(1500, 3)), 0);
    assert_int_equal(decimal_compare(decimal_of(-15, 1), decimal_of(1500, 3)), -1);
}

/* 38 digits are kept, and the rounding looks at the first digit that is not. */
static void test_decimal_long_numbers_are_exact(void **state)
{
    (void)state;
    assert_prints("1234567890123.123456789012345678", 18, "1234567890123.123456789012345678");
    assert_prints("12345678901234567890.1234567890123456785", 18,
                  "12345678901234567890.123456789012345679");
    assert_prints("12345678901234567890.1234567890123456784999999", 18,
                  "12345678901234567890.123456789012345678");
    assert_prints("-12345678901234567890.1234567890123456785", 18,
                  "-12345678901234567890.123456789012345679");
    assert_prints("170141183460469231731687303715884105727", 0,
                  "170141183460469231731687303715884105727");
    assert_prints("0.00000000000000000000000000000000000000000001e44", 3, "1");
    assert_prints("99999999999999999999999999999999999999e-38", 0, "1");
    assert_prints("49999999999999999999999999999999999999e-38", 0, "0");
    assert_prints("1e-38", 18, "0");
    assert_prints("1e-9999999999", 18, "0");
    assert_prints("0e9999999999", 18, "0");
    assert_prints("-0", 18, "0");
}

static void test_decimal_refuses_what_does_not_fit(void **state)
{
    static const char *const large[] = {
        "170141183460469231731687303715884105728",     "999999999999999999999999999999999999999999",
        "17014118346046923173168730371588410572.9e2",  "1e39",
        "22345678901234567890.12345678901234567891e1",
    };
    struct decimal value = {7, 1};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(large); i++) {
        unsigned scale = i == 4 ? 18 : 0;

        if (decimal_parse(str_from(large[i]), scale, &value) != ERR_LIMIT) {
            fail_msg("'%s' was read", large[i]);
        }
    }
    assert_true(value.digits == 7);
}

static void test_decimal_compares_and_pads_the_largest_numbers(void **state)
{
    const int128 most = (int128)((~(unsigned __int128)0) >> 1);
    struct buf out;

    (void)state;
    assert_int_equal(decimal_compare(decimal_of(most, 0), decimal_of(most, 18)), 1);
    assert_int_equal(decimal_compare(decimal_of(-most - 1, 0), decimal_of(most, 18)), -1);
    assert_int_equal(decimal_compare(decimal_of(-most - 1, 18), decimal_of(-most - 1, 18)), 0);
    assert_int_equal(decimal_compare(decimal_of(-1, 18), decimal_of(0, 0)), -1);
    assert_int_equal(decimal_compare(decimal_of(1000000000000000001, 18), decimal_of(1, 0)), 1);
    buf_init(&out, 2 * DECIMAL_TEXT_BYTES);
    decimal_print_rounded(decimal_of(most, 0), 2, /* padded */ true, /* grouped */ true, &out);
    assert_str(buf_str(&out), "170,141,183,460,469,231,731,687,303,715,884,105,727.00");
    buf_clear(&out);
    decimal_print(decimal_of(-most - 1, 18), &out);
    assert_str(buf_str(&out), "-170141183460469231731.687303715884105728");
    buf_clear(&out);
    decimal_print_rounded(decimal_of(-4, 3), 2, /* padded */ true, /* grouped */ true, &out);
    assert_str(buf_str(&out), "0.00");
    buf_clear(&out);
    decimal_print_rounded(decimal_of(999995, 2), 1, /* padded */ true, /* grouped */ true, &out);
    assert_str(buf_str(&out), "10,000.0");
    buf_done(&out);
}

static void test_decimal_doubles_are_rounded_or_refused(void **state)
{
    bool is_ok = false;

    (void)state;
    assert_true(decimal_from_double(-1.5, 0, &is_ok).digits == -2);
    assert_true(is_ok);
    assert_true(decimal_from_double(0.1, 3, &is_ok).digits == 100);
    assert_true(decimal_from_double(NAN, 3, &is_ok).digits == 0);
    assert_false(is_ok);
    assert_true(decimal_from_double(INFINITY, 3, &is_ok).digits == 0);
    assert_false(is_ok);
    assert_true(decimal_from_double(1e300, 18, &is_ok).digits == 0);
    assert_false(is_ok);
    assert_true(decimal_to_double(decimal_of(-125, 2)) == -1.25);
}

static void test_decimal_u64_is_a_plain_integer(void **state)
{
    static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x1"};
    uint64_t value = 42;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        assert_int_equal(decimal_parse_u64(str_from(bad[i]), &value), ERR_INVALID);
    }
    assert_int_equal(decimal_parse_u64(STR("18446744073709551616"), &value), ERR_LIMIT);
    assert_int_equal(decimal_parse_u64(STR("99999999999999999999"), &value), ERR_LIMIT);
    assert_true(value == 42);
    assert_int_equal(decimal_parse_u64(STR("18446744073709551615"), &value), OK);
    assert_true(value == UINT64_MAX);
    assert_int_equal(decimal_parse_u64(STR("007"), &value), OK);
    assert_true(value == 7);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_decimal_reads_what_exports_write),
    cmocka_unit_test(test_decimal_refuses_what_is_no_number),
    cmocka_unit_test(test_decimal_rounds_half_away_from_zero),
    cmocka_unit_test(test_decimal_long_numbers_are_exact),
    cmocka_unit_test(test_decimal_refuses_what_does_not_fit),
    cmocka_unit_test(test_decimal_compares_and_pads_the_largest_numbers),
    cmocka_unit_test(test_decimal_doubles_are_rounded_or_refused),
    cmocka_unit_test(test_decimal_u64_is_a_plain_integer),
};

UNIT_MAIN(tests)
