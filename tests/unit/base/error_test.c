/*
 * Errors carry their code, a message that fits and stays UTF-8, and a hint.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/error.h"

static void test_error_set_returns_the_code_and_empties_the_hint(void **state)
{
    struct error error = {0};

    (void)state;
    error_hint(&error, "Old advice %d.", 1);
    assert_string_equal(error.hint, "Old advice 1.");
    assert_int_equal(error_set(&error, ERR_INVALID, "cannot read %s", "%d%s%n"), ERR_INVALID);
    assert_int_equal(error.code, ERR_INVALID);
    assert_string_equal(error.message, "cannot read %d%s%n");
    assert_string_equal(error.hint, "");
    assert_int_equal(error_set(NULL, ERR_LIMIT, "ignored"), ERR_LIMIT);
    error_hint(NULL, "ignored");
}

static void test_error_message_may_be_built_from_itself(void **state)
{
    struct error error = {0};

    (void)state;
    (void)error_set(&error, ERR_INVALID, "not valid JSON");
    (void)error_set(&error, ERR_INVALID, "line %d: %s", 7, error.message);
    assert_string_equal(error.message, "line 7: not valid JSON");
    error_hint(&error, "First.");
    error_hint(&error, "%s Second.", error.hint);
    assert_string_equal(error.hint, "First. Second.");
}

/* Cuts a text of 1-, 2-, 3- and 4-byte characters at every offset. */
static void test_error_message_is_cut_between_characters(void **state)
{
    static const char *const characters[] = {"x", "é", "€", "😀"};

    (void)state;
    for (size_t kind = 0; kind < ARRAY_LENGTH(characters); kind++) {
        for (int shift = 0; shift < 4; shift++) {
            struct error error;
            char text[400] = "";
            size_t length = 0;
            size_t size = strlen(characters[kind]);

            while (length + size < sizeof(text)) {
                memcpy(text + length, characters[kind], size);
                length += size;
            }
            (void)error_set(&error, ERR_INVALID, "%.*s%.*s", shift, "abcd", (int)length, text);
            size_t kept = strlen(error.message);
            assert_true(str_is_utf8(str_from(error.message)));
            assert_in_range(kept, ERROR_MESSAGE_BYTES_MAX - size, ERROR_MESSAGE_BYTES_MAX - 1);
        }
    }
}

static void test_error_codes_have_names_and_texts(void **state)
{
    (void)state;
    assert_string_equal(error_code_name(OK), "OK");
    assert_string_equal(error_code_name(ERR_NO_MEMORY), "NO_MEMORY");
    assert_string_equal(error_code_name(ERR_USAGE), "USAGE");
    assert_string_equal(error_code_text(ERR_NOT_FOUND), "not found");
    for (int number = 0; number < ERROR_NUMBER_COUNT; number++) {
        assert_non_null(error_code_name(-number));
        assert_true(error_code_text(-number)[0] != '\0');
    }
    assert_string_equal(error_code_name(1), "UNKNOWN");
    assert_string_equal(error_code_name(-ERROR_NUMBER_COUNT), "UNKNOWN");
    assert_string_equal(error_code_text(INT32_MIN), "unknown error");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_error_set_returns_the_code_and_empties_the_hint),
    cmocka_unit_test(test_error_message_may_be_built_from_itself),
    cmocka_unit_test(test_error_message_is_cut_between_characters),
    cmocka_unit_test(test_error_codes_have_names_and_texts),
};

UNIT_MAIN(tests)
