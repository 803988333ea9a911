/*
 * Decimals are read, rounded and printed exactly.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_decimal_reads_what_exports_write),
    cmocka_unit_test(test_decimal_refuses_what_is_no_number),
    cmocka_unit_test(test_decimal_rounds_half_away_from_zero),
};

UNIT_MAIN(tests)
