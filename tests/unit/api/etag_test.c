/*
 * Tags of answers.
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
    assert_string_not_equal(one, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tag_is_that_of_the_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
