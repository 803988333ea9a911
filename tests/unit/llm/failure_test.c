/*
 * What a failed request's body says, in the four formats and in those of servers that only resemble
 * them; from anything else nothing is made up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/buf.h"
#include "llm/wire.h"

static void assert_failure(const char *body, const char *message, const char *type)
{
    struct llm_failure failure;

    memset(&failure, 'x', sizeof(failure));
    llm_failure_read(str_from(body), &failure);
    assert_string_equal(failure.message, message);
    assert_string_equal(failure.type, type);
}

static void test_failures_of_the_four_formats(void **state)
{
    (void)state;
    assert_failure("{\"error\":{\"message\":\"You exceeded your current quota\",\"type\":"
                   "\"insufficient_quota\",\"param\":null,\"code\":\"insufficient_quota\"}}",
                   "You exceeded your current quota", "insufficient_quota");
    assert_failure("{\"error\":{\"message\":\"Unknown parameter\",\"type\":"
                   "\"invalid_request_error\",\"param\":\"x\",\"code\":null}}",
                   "Unknown parameter", "invalid_request_error");
    assert_failure("{\"error\":{\"message\":\"No such model\",\"type\":\"invalid_request_error\","
                   "\"code\":\"model_not_found\"}}",
                   "No such model", "model_not_found");
    assert_failure("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":"
                   "\"Overloaded\"},\"request_id\":\"req_1\"}",
                   "Overloaded", "overloaded_error");
    assert_failure("{\"error\":{\"code\":429,\"message\":\"Resource exhausted\",\"status\":"
                   "\"RESOURCE_EXHAUSTED\",\"details\":[]}}",
                   "Resource exhausted", "RESOURCE_EXHAUSTED");
    assert_failure("[{\"error\":{\"code\":400,\"message\":\"API key not valid\",\"status\":"
                   "\"INVALID_ARGUMENT\"}}]",
                   "API key not valid", "INVALID_ARGUMENT");
}

static void test_failures_of_other_servers(void **state)
{
    (void)state;
    assert_failure("{\"error\":\"model 'x' not found\"}", "model 'x' not found", "");
    assert_failure("{\"object\":\"error\",\"message\":\"too long\",\"type\":\"BadRequestError\","
                   "\"code\":400}",
                   "too long", "BadRequestError");
    assert_failure("{\"detail\":\"Not Found\"}", "Not Found", "");
    assert_failure("{\"error\":{\"code\":502,\"message\":\"Upstream\"}}", "Upstream", "502");
}

static void test_from_anything_else_nothing_is_made_up(void **state)
{
    (void)state;
    assert_failure("", "", "");
    assert_failure("<html><body>502 Bad Gateway</body></html>", "", "");
    assert_failure("{\"error\":{\"message\":\"cut", "", "");
    assert_failure("\xff\xfe", "", "");
    assert_failure("null", "", "");
    assert_failure("[]", "", "");
    assert_failure("[[]]", "", "");
    assert_failure("{\"error\":{\"message\":7,\"type\":{},\"code\":true}}", "", "");
}

static void test_texts_of_failures_are_fit_to_be_shown(void **state)
{
    (void)state;
    assert_failure("{\"error\":{\"message\":\"  a\\r\\n\\tb\\u0000\\u001b[31mc\\u007f\\u009b d \","
                   "\"type\":\"x\\ny\"}}",
                   "a b c", "x y"); /* escape sequences go whole */
    assert_failure("{\"message\":\"a\\u202ek\\u2066ey\\u200f\\ufeff!\"}", "akey!", "");
    assert_failure("{\"error\":{\"message\":\"caf\\u00e9 \\u00a0 \\u2014 \\ud83d\\ude00\"}}",
                   "café \xc2\xa0 — 😀", "");
}

static void test_texts_of_failures_are_cut_between_characters(void **state)
{
    static const char *const characters[] = {"a", "é", "€", "😀"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(characters); i++) {
        cleanup(buf_done) struct buf body = {.limit = 10000};
        struct llm_failure failure;
        size_t length = strlen(characters[i]);

        buf_append(&body, STR("{\"message\":\""));
        for (int k = 0; k < 300; k++) {
            buf_append(&body, str_from(characters[i]));
        }
        buf_append(&body, STR("\"}"));
        llm_failure_read(buf_str(&body), &failure);
        assert_int_equal(strlen(failure.message), (sizeof(failure.message) - 1) / length * length);
        assert_true(str_is_utf8(str_from(failure.message)));
    }
}

static void test_a_body_that_is_a_page_is_not_read(void **state)
{
    cleanup(buf_done) struct buf body = {.limit = 100000};
    struct llm_failure failure;

    (void)state;
    buf_append(&body, STR("{\"message\":\"a\",\"rest\":\""));
    for (int k = 0; k < 70000; k++) {
        buf_append_char(&body, 'x');
    }
    buf_append(&body, STR("\"}"));
    llm_failure_read(buf_str(&body), &failure);
    assert_string_equal(failure.message, "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_failures_of_the_four_formats),
    cmocka_unit_test(test_failures_of_other_servers),
    cmocka_unit_test(test_from_anything_else_nothing_is_made_up),
    cmocka_unit_test(test_texts_of_failures_are_fit_to_be_shown),
    cmocka_unit_test(test_texts_of_failures_are_cut_between_characters),
    cmocka_unit_test(test_a_body_that_is_a_page_is_not_read),
};

UNIT_MAIN(tests)
