/*
 * Records of our own making: the same count gives the same bytes, each line is JSON and names its
 * source, times go on, and what does not fit is said.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/civil_time.h"
#include "verify/synthetic_records.h"
#include "json/json_read.h"

#define COUNT 500u

static int64_t time_of(struct json_value row)
{
    struct str text = {0};
    int64_t time_us = 0;

    assert_true(json_get_str(json_at(row, "time"), &text));
    assert_int_equal(civil_parse(text, &time_us), OK);
    return time_us;
}

static void test_each_line_is_a_record_that_names_its_source(void **state)
{
    struct json_parser *parser = NULL;
    struct error error = {0};
    struct buf text;
    int64_t last_us = 0;
    size_t at = 0;
    unsigned count = 0;

    (void)state;
    buf_init(&text, SYNTHETIC_RECORDS_BYTES_MAX);
    synthetic_records_write(COUNT, &text);
    assert_int_equal(buf_status(&text), OK);
    assert_int_equal(json_parser_new(4096, &parser), OK);
    while (at < text.length) {
        size_t end = str_find(buf_str(&text), STR("\n"), at);
        struct json_value row;
        struct str source = {0};

        assert_int_equal(json_parse(parser, str_slice(buf_str(&text), at, end), &row, &error), OK);
        assert_true(json_get_str(json_at(row, "source"), &source));
        assert_true(str_equal(source, STR(SYNTHETIC_RECORDS_SOURCE)));
        assert_true(time_of(row) > last_us);
        last_us = time_of(row);
        at = end + 1;
        count++;
    }
    assert_int_equal(count, COUNT);
    json_parser_free(parser);
    buf_done(&text);
}

static void test_the_same_count_gives_the_same_bytes(void **state)
{
    struct buf first;
    struct buf second;

    (void)state;
    buf_init(&first, SYNTHETIC_RECORDS_BYTES_MAX);
    buf_init(&second, SYNTHETIC_RECORDS_BYTES_MAX);
    synthetic_records_write(COUNT, &first);
    synthetic_records_write(COUNT, &second);
    assert_true(str_equal(buf_str(&first), buf_str(&second)));
    buf_done(&first);
    buf_done(&second);
}

static void test_the_largest_count_fits(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, SYNTHETIC_RECORDS_BYTES_MAX);
    synthetic_records_write(SYNTHETIC_RECORDS_MAX, &text);
    assert_int_equal(buf_status(&text), OK);
    buf_done(&text);
    buf_init(&text, 1000);
    synthetic_records_write(COUNT, &text);
    assert_int_equal(buf_status(&text), ERR_LIMIT);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_line_is_a_record_that_names_its_source),
        cmocka_unit_test(test_the_same_count_gives_the_same_bytes),
        cmocka_unit_test(test_the_largest_count_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
