/*
 * Tags of answers and lists of tags.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "api/etag.h"

static void test_a_tag_is_that_of_the_bytes(void **state)
{
    char one[ETAG_TEXT_BYTES];
    char same[ETAG_TEXT_BYTES];
    char other[ETAG_TEXT_BYTES];

    (void)state;
    etag_of(STR("{\"a\":1}"), one);
    etag_of(STR("{\"a\":1}"), same);
    etag_of(STR("{\"a\":2}"), other);
    assert_string_equal(one, same);
    assert_string_not_equal(one, other);
    assert_int_equal(strlen(one), ETAG_TEXT_BYTES - 1);
    assert_true(str_starts_with(str_from(one), STR("W/\"")));
    etag_of((struct str){NULL, 0}, other);
    assert_true(etag_is_among(str_from(other), str_from(other)));
}

static void test_a_list_is_searched(void **state)
{
    static const struct {
        const char *list;
        bool is_among;
    } lists[] = {
        {"W/\"abc\"", true},
        {"\"abc\"", true}, /* compared weakly */
        {"*", true},
        {" * ", true},
        {"\"x\", \"abc\"", true},
        {"\"x\",W/\"y\" ,\tW/\"abc\"", true},
        {"\"x,\", \"abc\"", true}, /* a comma within a tag */
        {",,\"abc\",,", true},
        {"", false},
        {"abc", false},
        {"\"abcd\"", false},
        {"\"ab\"", false},
        {"\"x\", *", false}, /* the star stands alone */
        {"\"abc", false},
        {"w/\"abc\"", false}, /* the W is a capital */
        {"\"x\" junk \"abc\"", false},
        {"\"\", \"", false},
        {"\"x\\\", \"abc\"", true}, /* there is no escape */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        if (etag_is_among(str_from(lists[i].list), STR("W/\"abc\"")) != lists[i].is_among) {
            fail_msg("%s", lists[i].list);
        }
    }
    assert_true(etag_is_among(STR("W/\"abc\""), STR("\"abc\"")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tag_is_that_of_the_bytes),
        cmocka_unit_test(test_a_list_is_searched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
