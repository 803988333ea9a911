/*
 * What a failure looks like to a client: status, code and recovery of each problem as
 * docs/protocol.md has them, which problem each error code is, and what an error tells and hides.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <unistd.h>

#include "api/route.h"
#include "monitor/log.h"

#define TEXT_BYTES_MAX 4096u

struct written {
    struct buf text;
    struct json_parser *parser;
    struct json_value root;
};

static void written_done(struct written *written)
{
    buf_done(&written->text);
    json_parser_free(written->parser);
}

static void parse(struct written *written)
{
    assert_int_equal(buf_status(&written->text), OK);
    assert_int_equal(json_parser_new(TEXT_BYTES_MAX, &written->parser), OK);
    assert_int_equal(json_parse(written->parser, buf_str(&written->text), &written->root, NULL),
                     OK);
}

static struct written write_problem(enum problem problem, const char *pointer, const char *detail)
{
    struct written written = {0};

    buf_init(&written.text, TEXT_BYTES_MAX);
    struct json_writer w = json_writer_on(&written.text);
    problem_write(&w, problem, pointer, detail);
    parse(&written);
    return written;
}

static struct written write_error(const struct error *error)
{
    struct written written = {0};

    buf_init(&written.text, TEXT_BYTES_MAX);
    struct json_writer w = json_writer_on(&written.text);
    problem_write_error(&w, error);
    parse(&written);
    return written;
}

static struct str text_of(struct json_value value, const char *key)
{
    struct str text = {0};

    (void)json_get_str(json_at(value, key), &text);
    return text;
}

static const struct {
    enum problem problem;
    int status;
    const char *code;
    const char *recovery;
} table[] = {
    {PROBLEM_AUTH_FAILED, 401, "AUTH_FAILED", "redirect_to_login"},
    {PROBLEM_FORBIDDEN, 403, "FORBIDDEN", "return_error"},
    {PROBLEM_RATE_LIMITED, 429, "RATE_LIMITED", "exponential_backoff"},
    {PROBLEM_SERVICE_UNAVAILABLE, 503, "SERVICE_UNAVAILABLE", "failover"},
    {PROBLEM_INVALID_REQUEST, 422, "INVALID_REQUEST", "return_error"},
    {PROBLEM_BAD_REQUEST, 400, "INVALID_REQUEST", "return_error"},
    {PROBLEM_NOT_FOUND, 404, "INVALID_REQUEST", "return_error"},
    {PROBLEM_METHOD, 405, "INVALID_REQUEST", "return_error"},
    {PROBLEM_CONFLICT, 409, "INVALID_REQUEST", "return_error"},
    {PROBLEM_TOO_LARGE, 413, "INVALID_REQUEST", "return_error"},
    {PROBLEM_MEDIA_TYPE, 415, "INVALID_REQUEST", "return_error"},
    {PROBLEM_INTERNAL_ERROR, 500, "INTERNAL_ERROR", "log_and_retry"},
};

static void test_each_problem_has_its_form(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LENGTH(table), PROBLEM_INTERNAL_ERROR + 1);
    for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
        cleanup(written_done) struct written written =
            write_problem(table[i].problem, NULL, "why \"it\" is so");
        int64_t status = 0;

        assert_true(json_get_i64(json_at(written.root, "status"), &status));
        assert_int_equal(status, table[i].status);
        assert_str(text_of(written.root, "type"), "about:blank");
        assert_str(text_of(written.root, "code"), table[i].code);
        assert_str(text_of(written.root, "recovery"), table[i].recovery);
        assert_str(text_of(written.root, "detail"), "why \"it\" is so");
        assert_true(text_of(written.root, "title").length > 0);
        assert_true(json_is(json_at(written.root, "errors"), JSON_MISSING));
    }
}

static void test_a_place_is_told(void **state)
{
    cleanup(written_done) struct written member =
        write_problem(PROBLEM_INVALID_REQUEST, "/prompt", "prompt is missing");
    cleanup(written_done) struct written whole = write_problem(PROBLEM_BAD_REQUEST, "", "no JSON");
    struct json_iterator errors = json_iterate(json_at(member.root, "errors"));

    (void)state;
    assert_true(json_next(&errors));
    assert_str(text_of(errors.value, "pointer"), "/prompt");
    assert_str(text_of(errors.value, "detail"), "prompt is missing");
    assert_false(json_next(&errors));
    assert_int_equal(json_count(json_at(whole.root, "errors")), 1);
}

static void test_each_error_is_a_problem(void **state)
{
    static const struct {
        int code;
        enum problem problem;
    } codes[] = {
        {ERR_NO_MEMORY, PROBLEM_SERVICE_UNAVAILABLE},
        {ERR_LIMIT, PROBLEM_SERVICE_UNAVAILABLE},
        {ERR_INVALID, PROBLEM_INVALID_REQUEST},
        {ERR_NOT_FOUND, PROBLEM_NOT_FOUND},
        {ERR_UNKNOWN_PRICE, PROBLEM_INVALID_REQUEST},
        {ERR_IO, PROBLEM_SERVICE_UNAVAILABLE},
        {ERR_UNSUPPORTED, PROBLEM_INVALID_REQUEST},
        {ERR_NO_RECORDS, PROBLEM_INVALID_REQUEST},
        {ERR_CANCELLED, PROBLEM_SERVICE_UNAVAILABLE},
        {ERR_TIMEOUT, PROBLEM_SERVICE_UNAVAILABLE},
        {ERR_USAGE, PROBLEM_INVALID_REQUEST},
        {ERR_EXISTS, PROBLEM_CONFLICT},
        {ERR_DENIED, PROBLEM_FORBIDDEN},
        {ERR_QUOTA, PROBLEM_RATE_LIMITED},
    };

    (void)state;
    assert_int_equal(ARRAY_LENGTH(codes), ERROR_NUMBER_COUNT - 1);
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        assert_int_equal(problem_of_error(codes[i].code), codes[i].problem);
    }
    assert_int_equal(problem_of_error(-1000), PROBLEM_INTERNAL_ERROR);
}

static void test_an_error_tells_its_message_hint_and_place(void **state)
{
    struct error error = {0};

    (void)state;
    (void)error_set(&error, ERR_INVALID, "/model is missing");
    error_hint(&error, "Name one.");
    cleanup(written_done) struct written written = write_error(&error);
    struct json_iterator errors = json_iterate(json_at(written.root, "errors"));
    assert_str(text_of(written.root, "detail"), "/model is missing");
    assert_str(text_of(written.root, "hint"), "Name one.");
    assert_true(json_next(&errors));
    assert_str(text_of(errors.value, "pointer"), "/model");
}

/* Paths of files and the like stay in the log. */
static void test_what_is_inside_is_not_told(void **state)
{
    struct error error = {0};

    (void)state;
    (void)error_set(&error, ERR_IO, "/var/lib/netra/netra.db cannot be written");
    error_hint(&error, "Look at the disk.");
    cleanup(written_done) struct written written = write_error(&error);
    struct str all = buf_str(&written.text);
    assert_true(str_find(all, STR("netra.db"), 0) == SIZE_MAX);
    assert_true(str_find(all, STR("the disk."), 0) == SIZE_MAX);
    assert_str(text_of(written.root, "code"), "SERVICE_UNAVAILABLE");
    assert_true(str_find(text_of(written.root, "hint"), STR("/health"), 0) != SIZE_MAX);
    assert_true(json_is(json_at(written.root, "errors"), JSON_MISSING));
}

static void test_a_bug_is_told_by_its_trace_only(void **state)
{
    struct error error = {.code = -1000, .message = "the left hand of netra.db"};

    (void)state;
    cleanup(written_done) struct written written = write_error(&error);
    assert_true(str_find(buf_str(&written.text), STR("netra.db"), 0) == SIZE_MAX);
    assert_str(text_of(written.root, "code"), "INTERNAL_ERROR");
    assert_int_equal(text_of(written.root, "trace_id").length, 32);
}

static int open_log(void **state)
{
    (void)state;
    log_start(&(struct log_options){.level = LOG_ERROR, .fd = STDERR_FILENO});
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_each_problem_has_its_form),
    cmocka_unit_test(test_a_place_is_told),
    cmocka_unit_test(test_each_error_is_a_problem),
    cmocka_unit_test(test_an_error_tells_its_message_hint_and_place),
    cmocka_unit_test(test_what_is_inside_is_not_told),
    cmocka_unit_test(test_a_bug_is_told_by_its_trace_only),
};

int main(void)
{
    return cmocka_run_group_tests(tests, open_log, NULL);
}
