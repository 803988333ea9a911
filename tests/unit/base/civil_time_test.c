/*
 * Dates and moments agree in both directions over all years, and what exports write is read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/civil_time.h"
#include "base/error.h"

static int days_of_month(int year, int month)
{
    if (month == 2) {
        return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
    }
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Walks every day of the years 1 to 9999 with a calendar of its own. */
static void test_civil_days_are_consecutive_from_year_1_to_9999(void **state)
{
    int64_t day_number = CIVIL_TIME_US_MIN / DAY_US;
    int weekday = 1; /* 0001-01-01 was a Monday */

    (void)state;
    for (int year = 1; year <= 9999; year++) {
        for (int month = 1; month <= 12; month++) {
            for (int day = 1; day <= days_of_month(year, month); day++) {
                struct civil_time civil = civil_from_us(day_number * DAY_US + HOUR_US);

                if (civil.year != year || civil.month != month || civil.day != day ||
                    civil.hour != 1 || civil_days_from_date(year, month, day) != day_number ||
                    civil_weekday(day_number * DAY_US) != weekday) {
                    fail_msg("%04d-%02d-%02d is day %lld", year, month, day, (long long)day_number);
                }
                day_number++;
                weekday = (weekday + 1) % 7;
            }
        }
    }
    assert_int_equal(day_number * DAY_US - 1, CIVIL_TIME_US_MAX);
}

static void assert_reads(const char *text, int64_t expected_us)
{
    int64_t time_us = -1;

    if (civil_parse(str_from(text), &time_us) != OK) {
        fail_msg("'%s' was not read", text);
    }
    if (time_us != expected_us) {
        fail_msg("'%s' is %lld, not %lld", text, (long long)time_us, (long long)expected_us);
    }
}

static void test_civil_reads_what_exports_write(void **state)
{
    const int64_t noon = INT64_C(1787313600) * SECOND_US; /* 2026-08-21T12:00:00Z */

    (void)state;
    assert_reads("1970-01-01", 0);
    assert_reads("1970-01-01T00:00:00Z", 0);
    assert_reads("1969-12-31T23:59:59.999999Z", -1);
    assert_reads("2023-11-16 18:17:03.9799600", INT64_C(1700158623979960));
    assert_reads("2026-08-21T12:00:00Z", noon);
    assert_reads("2026-08-21t12:00:00z", noon);
    assert_reads("2026-08-21 12:00", noon);
    assert_reads("2026/08/21 12:00:00 UTC", noon);
    assert_reads("  2026-08-21T12:00:00,000000000 Z \r\n", noon);
    assert_reads("2026-08-21T14:00:00+02:00", noon);
    assert_reads("2026-08-21T14:00:00 +0200", noon);
    assert_reads("2026-08-21T14:00:00+02", noon);
    assert_reads("2026-08-21T06:30:00-05:30", noon);
    assert_reads("2026-08-21T11:59:60Z", noon);
    assert_reads("2026-08-21T12:00:00.1234567891Z", noon + 123456);
    assert_reads("2024-02-29", INT64_C(1709164800) * SECOND_US);
    assert_reads("0001-01-01", CIVIL_TIME_US_MIN);
    assert_reads("9999-12-31T23:59:59.999999Z", CIVIL_TIME_US_MAX);
}

static void test_civil_refuses_what_is_no_moment(void **state)
{
    static const char *const bad[] = {
        "",
        "now",
        "2026",
        "2026-08",
        "20260821",
        "2026-8-21",
        "2026-00-10",
        "2026-13-10",
        "2026-02-29",
        "1900-02-29",
        "2026-04-31",
        "2026-08-00",
        "0000-01-01",
        "-001-01-01",
        "2026-08-21T",
        "2026-08-21T12",
        "2026-08-21T24:00:00Z",
        "2026-08-21T12:60:00Z",
        "2026-08-21T12:00:61Z",
        "2026-08-21T12:00:",
        "2026-08-21T12:00:5",
        "2026-08-21T12:00:00.",
        "2026-08-21T12:00:00.Z",
        "2026-08-21T12:00:00Z+02:00",
        "2026-08-21T12:00:00-UTC",
        "2026-08-21T12:00:00ZUTC",
        "2026-08-21T12:00:00UTCx",
        "2026-08-21T12:00:00+2",
        "2026-08-21T12:00:00+02:",
        "2026-08-21T12:00:00+02:0",
        "2026-08-21T12:00:00+02:60",
        "2026-08-21T12:00:00+24:00",
        "2026-08-21T12:00:00+02:00Z",
        "2026-08-21T12:00:00 02:00",
        "2026-08-21T12:00:00ZZ",
        "2026-08-21x12:00:00",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:59:59-00:01",
    };
    int64_t time_us = 42;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        if (civil_parse(str_from(bad[i]), &time_us) != ERR_INVALID) {
            fail_msg("'%s' was read", bad[i]);
        }
    }
    assert_int_equal(civil_parse((struct str){NULL, 0}, &time_us), ERR_INVALID);
    assert_int_equal(civil_parse((struct str){"2026-08-21\0", 11}, &time_us), ERR_INVALID);
    assert_int_equal(time_us, 42);
}

/* Every prefix of a good text, in a buffer of exactly that size: the ASan build sees a read too
 * far. */
static void test_civil_reads_no_byte_behind_the_text(void **state)
{
    static const char full[] = "2026-08-21T12:00:00.123456+02:00";
    int64_t time_us;

    (void)state;
    for (size_t length = 0; length < sizeof(full); length++) {
        char *copy = test_malloc(length + (length == 0));

        memcpy(copy, full, length);
        (void)!civil_parse((struct str){copy, length}, &time_us);
        test_free(copy);
    }
}

static void test_civil_prints_what_it_reads(void **state)
{
    static const char *const texts[] = {
        "2026-08-21T07:00:00Z",        "1969-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z", "2000-02-29T12:34:56.000001Z",
    };
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        int64_t time_us;

        assert_int_equal(civil_parse(str_from(texts[i]), &time_us), OK);
        buf_clear(&out);
        civil_print(time_us, &out);
        assert_str(buf_str(&out), texts[i]);
        buf_clear(&out);
        civil_print_date(time_us, &out);
        assert_true(str_starts_with(str_from(texts[i]), buf_str(&out)));
        assert_int_equal(out.length, 10);
    }
    buf_done(&out);
}

static void test_civil_is_defined_at_the_ends_of_int64(void **state)
{
    static const int64_t ends[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX};
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
        struct civil_time civil = civil_from_us(ends[i]);

        assert_in_range(civil.month, 1, 12);
        assert_in_range(civil.day, 1, 31);
        assert_in_range(civil_weekday(ends[i]), 0, 6);
        civil_print(ends[i], &out);
    }
    assert_int_equal(buf_status(&out), OK);
    buf_done(&out);
    assert_true(civil_floor(INT64_MIN, DAY_US) == INT64_MIN);
    assert_true(civil_floor(INT64_MAX, DAY_US) <= INT64_MAX - INT64_MAX % DAY_US);
}

static void test_civil_floor_rounds_down_also_before_1970(void **state)
{
    (void)state;
    assert_true(civil_floor(-1, DAY_US) == -DAY_US);
    assert_true(civil_floor(-DAY_US, DAY_US) == -DAY_US);
    assert_true(civil_floor(0, DAY_US) == 0);
    assert_true(civil_floor(DAY_US - 1, DAY_US) == 0);
    assert_true(civil_floor(61 * SECOND_US, MINUTE_US) == MINUTE_US);
    assert_int_equal(civil_weekday(0), 4);
    assert_int_equal(civil_weekday(-1), 3);
}

/* The same as printing the parts, at the ends of what is printed with four digits and beyond. */
static void test_civil_stamp_has_every_digit(void **state)
{
    static const struct {
        int64_t time_us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {INT64_C(1787295600123456), "2026-08-21T07:00:00.123456Z"},
        {CIVIL_TIME_US_MIN, "0001-01-01T00:00:00.000000Z"},
        {CIVIL_TIME_US_MAX, "9999-12-31T23:59:59.999999Z"},
        {CIVIL_TIME_US_MAX + 1, "10000-01-01T00:00:00.000000Z"},
        {INT64_MAX, "294247-01-10T04:00:54.775807Z"},
        {INT64_MIN, "-290308-12-21T19:59:05.224192Z"},
    };
    char text[CIVIL_STAMP_BYTES];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        civil_stamp(cases[i].time_us, text);
        assert_string_equal(text, cases[i].text);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_civil_stamp_has_every_digit),
    cmocka_unit_test(test_civil_days_are_consecutive_from_year_1_to_9999),
    cmocka_unit_test(test_civil_reads_what_exports_write),
    cmocka_unit_test(test_civil_refuses_what_is_no_moment),
    cmocka_unit_test(test_civil_reads_no_byte_behind_the_text),
    cmocka_unit_test(test_civil_prints_what_it_reads),
    cmocka_unit_test(test_civil_is_defined_at_the_ends_of_int64),
    cmocka_unit_test(test_civil_floor_rounds_down_also_before_1970),
};

UNIT_MAIN(tests)
