/*
 * The words of facts: what a pattern takes, what is hidden of a text, what a line of a log is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "verify/facts.h"
#include "verify/look.h"

static void test_patterns(void **state)
{
    static const struct {
        const char *pattern;
        const char *text;
        bool matches;
        const char *first;
        const char *second;
    } rows[] = {
        {"", "", true, "", ""},
        {"", "a", false, "", ""},
        {"a", "a", true, "", ""},
        {"*", "", true, "", ""},
        {"*", "any", true, "any", ""},
        {"connect *", "connect 127.0.0.1:1", true, "127.0.0.1:1", ""},
        {"connect *", "connect", false, "", ""},
        {"* of *", "3 of 4", true, "3", "4"},
        {"*ab", "aab", true, "a", ""},
        {"*a*b*", "xaybz", true, "x", "y"},
        {"a*a", "a", false, "", ""},
        {"*aaaaaab", "aaaaaaaaaaaaaaaaaaaaaaaaaaac", false, "", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct str stars[2];
        bool matches = fact_matches(rows[i].pattern, str_from(rows[i].text), stars);

        if (matches != rows[i].matches) {
            fail_msg("%s, %s", rows[i].pattern, rows[i].text);
        }
        if (matches) {
            assert_str(stars[0], rows[i].first);
            assert_str(stars[1], rows[i].second);
        }
    }
}

static void test_an_address_and_a_reason_are_told_apart(void **state)
{
    struct str stars[2];

    (void)state;
    assert_true(
        fact_matches("not answered at *: *", STR("not answered at http://a:1: refused"), stars));
    assert_str(stars[0], "http://a:1");
    assert_str(stars[1], "refused");
}

static void test_numbers(void **state)
{
    double number = 7;

    (void)state;
    assert_true(fact_number(STR("median 2.5 ms of 10"), &number) && number == 2.5);
    assert_true(fact_number(STR("-3600 s"), &number) && number == -3600);
    assert_true(fact_number(STR("1e3"), &number) && number == 1000);
    assert_false(fact_number(STR("none"), &number));
    assert_false(fact_number(STR(""), &number));
    assert_true(number == 1000);
}

static void test_secrets_and_controls_are_hidden(void **state)
{
    static const char *const rows[][2] = {
        {"sign in: http://127.0.0.1:1/auth/sign-in?code=abc&x=1",
         "sign in: http://127.0.0.1:1/auth/sign-in?code=[hidden]&x=1"},
        {"Authorization: Bearer abc.def ghi", "Authorization: Bearer [hidden] ghi"},
        {"authorization: bearer   abc", "authorization: bearer [hidden]"},
        {"the key netra_key_0123 is used", "the key netra_key_[hidden] is used"},
        {"a=1 TOKEN=abc,b", "a=1 TOKEN=[hidden],b"},
        {"\033[31mred\033[0m\r\n", "?[31mred?[0m??"},
        {"caf\xc3\xa9 \xff \xc2\x9b", "caf\xc3\xa9 ? ??"},
        {"", ""},
    };
    char out[FACT_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_string_equal(fact_clean(str_from(rows[i][0]), out), rows[i][1]);
    }
}

static void test_long_texts_are_cut_at_a_character(void **state)
{
    char text[FACT_TEXT_BYTES * 2];
    char out[FACT_TEXT_BYTES];

    (void)state;
    for (size_t begin = 0; begin < 4; begin++) {
        memset(text, 'x', sizeof(text));
        for (size_t i = begin; i + 3 <= sizeof(text); i += 3) {
            memcpy(text + i, "\xe2\x82\xac", 3);
        }
        size_t length = strlen(fact_clean((struct str){text, sizeof(text)}, out));
        assert_in_range(length, 200, FACT_TEXT_BYTES - 1);
        assert_null(strchr(out, '?'));
        assert_true(str_is_utf8((struct str){out, length}));
    }
    for (size_t i = 0; i + 6 <= sizeof(text); i += 6) {
        memcpy(text + i, "code=,", 6);
    }
    assert_in_range(strlen(fact_clean((struct str){text, sizeof(text)}, out)), 200,
                    FACT_TEXT_BYTES - 1);
}

static void test_lines_of_a_log(void **state)
{
    static const struct {
        const char *line;
        const char *kind; /* NULL: nothing that is kept */
        const char *message;
    } rows[] = {
        {"2026-11-23T10:00:00.123456Z error store: cannot commit: full", "error",
         "cannot commit: full"},
        {"2026-11-23T10:00:00.123456Z warning auth: a key could not be made", "warning",
         "a key could not be made"},
        {"2026-11-23T10:00:00.123456Z warning http: GET /health 503", NULL, "GET /health 503"},
        {"2026-11-23T10:00:00.123456Z info server: SIGTERM: no new work, at most 10 s", "stop",
         "SIGTERM: no new work, at most 10 s"},
        {"2026-11-23T10:00:00.123456Z info http: GET / 200", NULL, "GET / 200"},
        {"{\"time\":\"2026-11-23T10:00:00.123456Z\",\"level\":\"error\",\"room\":\"api\","
         "\"message\":\"internal error: \\\"x\\\"\"}",
         "error", "internal error: \"x\""},
        {"{\"level\":\"error\"}", NULL, "{\"level\":\"error\"}"},
        {"netra: netra.conf:4: there is no key 'x'", "start",
         "netra: netra.conf:4: there is no key 'x'"},
        {"./netra: error while loading shared libraries: libcurl.so.4", "start",
         "./netra: error while loading shared libraries: libcurl.so.4"},
        {"src/a.c:3: check failed: a (main)", "crash", "src/a.c:3: check failed: a (main)"},
        {"sign in: http://127.0.0.1:1/?code=x", NULL, "sign in: http://127.0.0.1:1/?code=x"},
        {"2026-11-23T10:00:00.123456Z ", NULL, "2026-11-23T10:00:00.123456Z"},
        {"", NULL, ""},
    };
    struct json_parser *parser;

    (void)state;
    assert_int_equal(json_parser_new(65536, &parser), OK);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct log_line line;

        log_line_read(parser, str_from(rows[i].line), &line);
        const char *kind = log_line_kind(&line);
        if ((kind == NULL) != (rows[i].kind == NULL) || (kind && strcmp(kind, rows[i].kind) != 0)) {
            fail_msg("%s: %s", rows[i].line, kind ? kind : "nothing");
        }
        assert_str(line.message, rows[i].message);
        assert_int_equal(line.at_us != 0, line.level.length != 0);
    }
    json_parser_free(parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_an_address_and_a_reason_are_told_apart),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_secrets_and_controls_are_hidden),
        cmocka_unit_test(test_long_texts_are_cut_at_a_character),
        cmocka_unit_test(test_lines_of_a_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
