/*
 * Targets are decoded without tricks, parameters and cookies are found, and what is broken is not
 * given in part.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "base/error.h"
#include "http/refusal.h"
#include "http/server.h"
#include "http/target.h"

static int parse(const char *text, struct target *target)
{
    static char path[HTTP_TARGET_BYTES_MAX];

    return target_parse(str_from(text), STR("localhost:80"), path, target);
}

static void test_target_is_decoded(void **state)
{
    static const struct {
        const char *text;
        const char *path;
        const char *query;
    } good[] = {
        {"/", "/", ""},
        {"/?", "/", ""},
        {"/a/b%20c?d=%20?e", "/a/b c", "d=%20?e"},
        {"/%e2%82%AC", "/€", ""},
        {"/openai%2Fgpt", "/openai/gpt", ""},
        {"/..a/b../...", "/..a/b../...", ""},
        {"//a//", "//a//", ""},
        {"http://LOCALHOST:80/x?y", "/x", "y"},
        {"HTTP://localhost:80", "/", ""},
        {"http://localhost:80?q", "/", "q"},
    };
    struct target target;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        assert_int_equal(parse(good[i].text, &target), OK);
        assert_str(target.path, good[i].path);
        assert_str(target.query, good[i].query);
    }
}

static void test_target_refuses_tricks(void **state)
{
    static const struct {
        const char *text;
        enum refusal why;
    } bad[] = {
        {"/%", REFUSAL_TARGET},
        {"/%4", REFUSAL_TARGET},
        {"/%4g", REFUSAL_TARGET},
        {"/%00", REFUSAL_TARGET},
        {"/%ff", REFUSAL_TARGET},
        {"/%c0%af", REFUSAL_TARGET},
        {"/../x", REFUSAL_TARGET_DOTS},
        {"/a/..", REFUSAL_TARGET_DOTS},
        {"/a/./b", REFUSAL_TARGET_DOTS},
        {"/a/%2e%2E/b", REFUSAL_TARGET_DOTS},
        {"/a%2f..%2fb", REFUSAL_TARGET_DOTS},
        {"*", REFUSAL_TARGET_FORM},
        {"a/b", REFUSAL_TARGET_FORM},
        {"https://localhost:80/", REFUSAL_TARGET_FORM},
        {"http://other/", REFUSAL_TARGET_AUTHORITY},
        {"http:///", REFUSAL_TARGET_AUTHORITY},
    };
    struct target target;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        if (parse(bad[i].text, &target) != -(int)bad[i].why) {
            fail_msg("%s was not refused as: %s", bad[i].text, refusal_detail(bad[i].why));
        }
    }
}

static void test_query_gives_the_nth_value(void **state)
{
    struct http_request request = {
        .query = STR("map=a%3Db&map=c+d&x&empty=&bad=%zz&n%61me=v&nul=%00&map=%2b&u=%ff&&=y")};
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    buf_append(&out, STR("|"));
    assert_true(http_query(&request, "map", 0, &out));
    assert_true(http_query(&request, "map", 1, &out));
    assert_true(http_query(&request, "map", 2, &out));
    assert_str(buf_str(&out), "|a=bc d+");
    assert_false(http_query(&request, "map", 3, &out));
    assert_true(http_query(&request, "x", 0, &out));
    assert_true(http_query(&request, "empty", 0, &out));
    assert_false(http_query(&request, "ma", 0, &out));
    assert_false(http_query(&request, "mapp", 0, &out));
    assert_str(buf_str(&out), "|a=bc d+");
    assert_true(http_query(&request, "name", 0, &out));
    assert_str(buf_str(&out), "|a=bc d+v");
    static const char *const broken[] = {"bad", "nul", "u"};
    for (size_t i = 0; i < ARRAY_LENGTH(broken); i++) {
        buf_clear(&out);
        assert_true(http_query(&request, broken[i], 0, &out)); /* there, not absent */
        assert_int_equal(buf_status(&out), ERR_INVALID);
        assert_int_equal(out.length, 0);
    }
    buf_done(&out);
    buf_init(&out, 2);
    assert_true(http_query(&request, "map", 0, &out));
    assert_int_equal(buf_status(&out), ERR_LIMIT);
    buf_done(&out);
    request.query = STR("");
    assert_false(http_query(&request, "map", 0, &out));
}

static void test_headers_and_cookies_are_found(void **state)
{
    const struct http_header headers[] = {
        {STR("Host"), STR("x")},
        {STR("cookie"), STR("a=1; b=\"two\";c")},
        {STR("COOKIE"), STR("netra_session=abc=; a=2")},
    };
    struct http_request request = {.headers = headers, .header_count = ARRAY_LENGTH(headers)};

    (void)state;
    assert_str(http_header(&request, "HOST"), "x");
    assert_null(http_header(&request, "Hos").data);
    assert_str(http_cookie(&request, "a"), "1");
    assert_str(http_cookie(&request, "b"), "two");
    assert_str(http_cookie(&request, "netra_session"), "abc=");
    assert_null(http_cookie(&request, "c").data);
    assert_null(http_cookie(&request, "A").data);
    assert_null(http_cookie(&request, "").data);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_target_is_decoded),
    cmocka_unit_test(test_target_refuses_tricks),
    cmocka_unit_test(test_query_gives_the_nth_value),
    cmocka_unit_test(test_headers_and_cookies_are_found),
};

UNIT_MAIN(tests)
