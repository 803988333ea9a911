/*
 * Members of a body: what each kind takes, what it refuses and where it says so. null is absent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "api/body.h"
#include "base/civil_time.h"

#define BODY_BYTES_MAX 4096u

static struct json_parser *parser;

static int make_parser(void **state)
{
    (void)state;
    return json_parser_new(BODY_BYTES_MAX, &parser);
}

static int free_parser(void **state)
{
    (void)state;
    json_parser_free(parser);
    return 0;
}

static struct json_value body_of(const char *json)
{
    struct json_value root;
    struct error error = {0};

    assert_int_equal(json_parse(parser, str_from(json), &root, &error), OK);
    return root;
}

static void test_a_flag_is_true_or_false(void **state)
{
    static const char *const wrong[] = {"{\"cookie\":1}", "{\"cookie\":\"true\"}",
                                        "{\"cookie\":[]}"};
    struct body_fault fault = {0};
    bool flag = true;

    (void)state;
    assert_true(body_bool(body_of("{}"), "cookie", &flag, &fault) && flag);
    assert_true(body_bool(body_of("{\"cookie\":null}"), "cookie", &flag, &fault) && flag);
    assert_true(body_bool(body_of("{\"cookie\":false}"), "cookie", &flag, &fault) && !flag);
    assert_true(body_bool(body_of("{\"cookie\":true}"), "cookie", &flag, &fault) && flag);
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_false(body_bool(body_of(wrong[i]), "cookie", &flag, &fault));
        assert_string_equal(fault.pointer, "/cookie");
        assert_true(flag);
    }
}

static void test_a_time_is_a_text_of_rfc_3339(void **state)
{
    static const char *const wrong[] = {"{\"at\":1}", "{\"at\":\"\"}", "{\"at\":\"tomorrow\"}",
                                        "{\"at\":\"2026-02-30T00:00:00Z\"}", "{\"at\":{}}"};
    struct body_fault fault = {0};
    int64_t time_us = 7;

    (void)state;
    assert_true(body_time(body_of("{}"), "at", &time_us, &fault));
    assert_int_equal(time_us, 7);
    assert_true(body_time(body_of("{\"at\":\"1970-01-01T00:00:01Z\"}"), "at", &time_us, &fault));
    assert_int_equal(time_us, SECOND_US);
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_false(body_time(body_of(wrong[i]), "at", &time_us, &fault));
        assert_string_equal(fault.pointer, "/at");
        assert_int_equal(time_us, SECOND_US);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_flag_is_true_or_false),
    cmocka_unit_test(test_a_time_is_a_text_of_rfc_3339),
};

int main(void)
{
    return cmocka_run_group_tests(tests, make_parser, free_parser);
}
