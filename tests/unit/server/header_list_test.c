/*
 * Headers of the environment: taken apart and decoded, or refused without a word of what they hold.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "server/header_list.h"

static void test_headers_are_taken_apart_and_decoded(void **state)
{
    struct header_list list;
    struct error error;

    (void)state;
    assert_int_equal(
        header_list_read("api-key=abc, Authorization = Bearer%20x%2cy ,,", &list, &error), OK);
    assert_int_equal(list.count, 2);
    assert_str(list.headers[0].name, "api-key");
    assert_str(list.headers[0].value, "abc");
    assert_str(list.headers[1].name, "Authorization");
    assert_str(list.headers[1].value, "Bearer x,y");
    assert_int_equal(header_list_read(NULL, &list, &error), OK);
    assert_int_equal(list.count, 0);
    assert_int_equal(header_list_read("", &list, &error), OK);
    assert_int_equal(list.count, 0);
    assert_int_equal(header_list_read("a=b=c", &list, &error), OK);
    assert_str(list.headers[0].value, "b=c");
    assert_int_equal(header_list_read("a=", &list, &error), OK);
    assert_str(list.headers[0].value, "");
}

static void test_headers_that_cannot_be_are_refused_in_silence(void **state)
{
    static const char *const wrong[] = {
        "secret",
        "=secret",
        "a=secret%0d%0ab:c",
        "a=secret%0",
        "a=secret%zz",
        "a b=secret",
        "a:b=secret",
        "a=secret%00",
        "a=b,secret",
        "a\x80=secret",
        "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=10,k=11,l=12,m=13,n=14,o=secret",
    };
    struct header_list list;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct error error = {0};

        if (header_list_read(wrong[i], &list, &error) != ERR_USAGE) {
            fail_msg("taken: %s", wrong[i]);
        }
        assert_null(strstr(error.message, "secret"));
        assert_int_equal(list.count, 0);
        assert_int_equal(list.text[0], 0);
    }
}

static void test_headers_at_the_limit_of_length(void **state)
{
    static char text[HEADER_LIST_BYTES_MAX + 2];
    struct header_list list;
    struct error error;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[1] = '=';
    assert_int_equal(header_list_read(text, &list, &error), ERR_USAGE);
    text[HEADER_LIST_BYTES_MAX] = '\0';
    assert_int_equal(header_list_read(text, &list, &error), OK);
    assert_int_equal(list.headers[0].value.length, HEADER_LIST_BYTES_MAX - 2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_headers_are_taken_apart_and_decoded),
    cmocka_unit_test(test_headers_that_cannot_be_are_refused_in_silence),
    cmocka_unit_test(test_headers_at_the_limit_of_length),
};

UNIT_MAIN(tests)
