/*
 * What clients take and what they have: weights of codings, tags, kinds of content.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "http/negotiate.h"

static void test_negotiate_weighs_codings(void **state)
{
    static const struct {
        const char *accepted;
        bool takes;
    } cases[] = {
        {"gzip", true},
        {"GZip", true},
        {"x-gzip", true},
        {"br, gzip", true},
        {" deflate ,\tgzip ; q=1 ", true},
        {"gzip;q=0.001", true},
        {"gzip;Q=1.000", true},
        {"gzip;q=0", false},
        {"gzip;q=0.", false},
        {"gzip;q=0.000", false},
        {"gzip;q=0.0001", false},
        {"gzip;q=2", false},
        {"gzip;q=1.001", false},
        {"gzip;q=", false},
        {"gzip;q=-1", false},
        {"gzip;q=x", false},
        {"gzip;quality=1", false},
        {"gzip;", false},
        {"*", true},
        {"*;q=0", false},
        {"*, gzip;q=0", false},
        {"gzip;q=0, *", false},
        {"gzip, gzip;q=0", false},
        {"gzip;q=0, gzip", false},
        {"identity", false},
        {"gzipped", false},
        {"", false},
        {",,,", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct http_header header = {STR("accept-encoding"), str_from(cases[i].accepted)};

        if (negotiate_gzip(&header, 1) != cases[i].takes) {
            fail_msg("'%s'", cases[i].accepted);
        }
    }
    const struct http_header two[] = {{STR("Accept-Encoding"), STR("br")},
                                      {STR("A"), STR("")},
                                      {STR("Accept-Encoding"), STR("gzip")}};
    assert_true(negotiate_gzip(two, 3));
    assert_false(negotiate_gzip(two, 2));
    assert_false(negotiate_gzip(NULL, 0));
}

static void test_negotiate_knows_kinds_that_shrink(void **state)
{
    (void)state;
    assert_true(negotiate_is_compressible(STR("application/json")));
    assert_true(negotiate_is_compressible(STR("application/json; charset=utf-8")));
    assert_true(negotiate_is_compressible(STR("application/problem+json")));
    assert_true(negotiate_is_compressible(STR("application/openmetrics-text; version=1.0.0")));
    assert_true(negotiate_is_compressible(STR("text/csv")));
    assert_true(negotiate_is_compressible(STR("image/svg+xml")));
    assert_true(negotiate_is_compressible(STR("application/x-ndjson")));
    assert_false(negotiate_is_compressible(STR("image/png")));
    assert_false(negotiate_is_compressible(STR("application/octet-stream")));
    assert_false(negotiate_is_compressible(STR("")));
}

static void test_negotiate_compares_tags_weakly(void **state)
{
    static const struct {
        const char *sent;
        const char *tag;
        bool matches;
    } cases[] = {
        {"\"abc\"", "\"abc\"", true},
        {"W/\"abc\"", "\"abc\"", true},
        {"\"abc\"", "W/\"abc\"", true},
        {"\"x\", W/\"abc\"", "\"abc\"", true},
        {"\"a,b\",\"c\"", "\"c\"", true},
        {"\"a,b\"", "\"a,b\"", true},
        {"*", "\"abc\"", true},
        {"\"ab\"", "\"abc\"", false},
        {"abc", "\"abc\"", false},
        {"\"a,\"b\"", "\"b\"", false},
        {"\"abc", "\"abc\"", false},
        {"", "\"abc\"", false},
        {"\"\"", "\"\"", true},
        {" * ", "\"abc\"", true},
        {"\"x\", \"abc\"", "\"abc\"", true},
        {"\"x\",W/\"y\" ,\tW/\"abc\"", "\"abc\"", true},
        {"\"x,\", \"abc\"", "\"abc\"", true},
        {",,\"abc\",,", "\"abc\"", true},
        {"\"abcd\"", "\"abc\"", false},
        {"\"x\", *", "\"abc\"", false},
        {"w/\"abc\"", "\"abc\"", false},
        {"\"x\" junk \"abc\"", "\"abc\"", false},
        {"\"\", \"", "\"abc\"", false},
        {"\"x\\\", \"abc\"", "\"abc\"", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const struct http_header header = {STR("If-None-Match"), str_from(cases[i].sent)};
        const struct http_request request = {.headers = &header, .header_count = 1};

        if (http_matches_etag(&request, str_from(cases[i].tag)) != cases[i].matches) {
            fail_msg("'%s' and '%s'", cases[i].sent, cases[i].tag);
        }
    }
    const struct http_request none = {.header_count = 0};
    assert_false(http_matches_etag(&none, STR("\"abc\"")));
    assert_false(http_takes_gzip(&none));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_negotiate_weighs_codings),
    cmocka_unit_test(test_negotiate_knows_kinds_that_shrink),
    cmocka_unit_test(test_negotiate_compares_tags_weakly),
};

UNIT_MAIN(tests)
