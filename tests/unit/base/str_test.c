/*
 * Borrowed text: comparison, search, trimming, and what is UTF-8 and what is not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/str.h"

static const struct str nothing = {NULL, 0};

static void test_str_compares_by_bytes(void **state)
{
    (void)state;
    assert_true(str_equal(nothing, STR("")));
    assert_true(str_equal((struct str){"a\0b", 3}, (struct str){"a\0b", 3}));
    assert_false(str_equal((struct str){"a\0b", 3}, (struct str){"a\0c", 3}));
    assert_false(str_equal(STR("a"), STR("ab")));
    assert_true(str_compare(STR("a"), STR("ab")) < 0);
    assert_true(str_compare(STR("\xff"), STR("a")) > 0);
    assert_int_equal(str_compare(nothing, STR("")), 0);
    assert_true(str_compare(nothing, STR("a")) < 0);
    assert_true(str_equal_ascii_case(STR("GPT-4o É"), STR("gpt-4O É")));
    assert_false(str_equal_ascii_case(STR("É"), STR("é")));
    assert_false(str_equal_ascii_case(STR("[@"), STR("{`")));
}

static unsigned char lower_by_hand(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

/* Any two bytes at any place of texts that are looked at eight bytes at once and one by one. */
static void test_str_ignores_the_case_of_letters_only(void **state)
{
    char a[] = "0123456789abc";
    char b[] = "0123456789ABC";
    const size_t length = sizeof(a) - 1;

    (void)state;
    for (size_t place = 0; place < length; place++) {
        char kept_a = a[place];
        char kept_b = b[place];

        for (unsigned pair = 0; pair < 65536; pair++) {
            a[place] = (char)(pair >> 8);
            b[place] = (char)(pair & 255);
            bool is_same =
                lower_by_hand((unsigned char)a[place]) == lower_by_hand((unsigned char)b[place]);
            if (str_equal_ascii_case((struct str){a, length}, (struct str){b, length}) != is_same) {
                fail_msg("bytes %02x and %02x at %zu", pair >> 8, pair & 255, place);
            }
        }
        a[place] = kept_a;
        b[place] = kept_b;
    }
}

/* It may stop early, but never takes a control character for printable. */
static void test_str_span_printable_stops_at_control_characters(void **state)
{
    char text[] = "0123456789abcdefghijk";
    const size_t length = sizeof(text) - 1;

    (void)state;
    for (size_t place = 0; place < length; place++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char kept = text[place];

            text[place] = (char)byte;
            size_t span = str_span_printable((struct str){text, length});
            text[place] = kept;
            bool is_control = byte < 0x20 || byte == 0x7f;
            if (is_control ? span > place : span != length / 8 * 8) {
                fail_msg("byte %02x at %zu: %zu", byte, place, span);
            }
        }
    }
    assert_true(str_span_printable(nothing) == 0);
}

static void test_str_finds_prefix_suffix_and_needle(void **state)
{
    (void)state;
    assert_true(str_starts_with(STR("abc"), STR("ab")));
    assert_true(str_starts_with(STR("abc"), nothing));
    assert_true(str_starts_with(nothing, nothing));
    assert_false(str_starts_with(STR("a"), STR("ab")));
    assert_true(str_ends_with(STR("abc"), STR("bc")));
    assert_true(str_ends_with(nothing, nothing));
    assert_false(str_ends_with(STR("bc"), STR("abc")));
    assert_int_equal(str_find(STR("abcabc"), STR("bc"), 0), 1);
    assert_int_equal(str_find(STR("abcabc"), STR("bc"), 2), 4);
    assert_true(str_find(STR("abcabc"), STR("bc"), 5) == SIZE_MAX);
    assert_true(str_find(STR("abc"), STR("abcd"), 0) == SIZE_MAX);
    assert_int_equal(str_find(STR("abc"), nothing, 3), 3);
    assert_true(str_find(STR("abc"), nothing, 4) == SIZE_MAX);
    assert_int_equal(str_find(nothing, nothing, 0), 0);
    /* the result of a search that found nothing, used as the start of the next one */
    assert_true(str_find(STR("abc"), STR("a"), SIZE_MAX) == SIZE_MAX);
    assert_true(str_find(STR("abc"), STR("abc"), SIZE_MAX - 1) == SIZE_MAX);
}

static void test_str_trims_white_space_only(void **state)
{
    (void)state;
    assert_str(str_trim(STR(" \t\r\n\v\fa b \n")), "a b");
    assert_str(str_trim(STR("\xc2\xa0x")), "\xc2\xa0x");
    assert_str(str_trim(STR(" \n ")), "");
    assert_str(str_trim(nothing), "");
    assert_str(str_slice(nothing, 0, 0), "");
    assert_str(str_from(NULL), "");
}

/* The table of Unicode 15, 3.9, D92 with the first and last of every row, and the bytes just
 * outside. */
static void test_str_utf8_is_what_the_table_says(void **state)
{
    static const struct {
        const char *text;
        bool is_utf8;
    } cases[] = {
        {"", true},
        {"plain", true},
        {"\x7f", true},
        {"\x80", false},
        {"\xbf", false},
        {"\xc0\x80", false},
        {"\xc1\xbf", false},
        {"\xc2\x80", true},
        {"\xc2", false},
        {"\xc2\x7f", false},
        {"\xc2\xc0", false},
        {"\xdf\xbf", true},
        {"\xe0\x9f\xbf", false},
        {"\xe0\xa0\x80", true},
        {"\xe0\xa0", false},
        {"\xe1\x80\x80", true},
        {"\xe1\x80\x7f", false},
        {"\xec\xbf\xbf", true},
        {"\xed\x9f\xbf", true},
        {"\xed\xa0\x80", false},
        {"\xed\xbf\xbf", false},
        {"\xee\x80\x80", true},
        {"\xef\xbf\xbf", true},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf0\x90\x80\x80", true},
        {"\xf0\x90\x80", false},
        {"\xf3\xbf\xbf\xbf", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
        {"\xfe\xff", false},
        {"a\xc3\xa9z", true},
        {"a\xc3", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        if (str_is_utf8(str_from(cases[i].text)) != cases[i].is_utf8) {
            fail_msg("case %zu", i);
        }
    }
    assert_true(str_is_utf8(nothing));
    assert_true(str_is_utf8((struct str){"a\0b", 3}));
}

/* A sequence that the text's end cuts, in a block of exactly its size: ASan sees a read too far. */
static void test_str_utf8_reads_no_byte_behind_the_text(void **state)
{
    static const char text[] = "\xf0\x9f\x98\x80";

    (void)state;
    for (size_t length = 1; length <= 4; length++) {
        char *copy = test_malloc(length);

        memcpy(copy, text, length);
        assert_int_equal(str_is_utf8((struct str){copy, length}), length == 4);
        test_free(copy);
    }
}

static int first_of(int bound, const char *text)
{
    (void)text;
    return bound;
}

static void test_str_args_never_lose_the_bound(void **state)
{
    struct str huge = {"x", SIZE_MAX};
    char out[32];

    (void)state;
    assert_true(first_of(STR_ARGS(huge)) > 0);
    huge.length = (size_t)1 << 31;
    assert_true(first_of(STR_ARGS(huge)) > 0);
    (void)snprintf(out, sizeof(out), "%.*s|%.*s", STR_ARGS(STR("abc")), STR_ARGS(nothing));
    assert_string_equal(out, "abc|");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_str_compares_by_bytes),
    cmocka_unit_test(test_str_ignores_the_case_of_letters_only),
    cmocka_unit_test(test_str_span_printable_stops_at_control_characters),
    cmocka_unit_test(test_str_finds_prefix_suffix_and_needle),
    cmocka_unit_test(test_str_trims_white_space_only),
    cmocka_unit_test(test_str_utf8_is_what_the_table_says),
    cmocka_unit_test(test_str_utf8_reads_no_byte_behind_the_text),
    cmocka_unit_test(test_str_args_never_lose_the_bound),
};

UNIT_MAIN(tests)
