/*
 * The lexicon finds the longest phrase at word boundaries, stems, and what a typing mistake meant.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "ask/lexicon.h"

static void assert_match(const char *text, enum token_kind kind, size_t length)
{
    size_t end;
    uint16_t entry = lexicon_match(str_from(text), 0, &end);

    assert_int_not_equal(entry, LEXICON_NO_ENTRY);
    assert_int_equal(lexicon_entries[entry].kind, kind);
    assert_int_equal(end, length);
}

static void assert_no_match(const char *text)
{
    size_t end;

    assert_int_equal(lexicon_match(str_from(text), 0, &end), LEXICON_NO_ENTRY);
    assert_int_equal(end, 0);
}

static void test_lexicon_takes_the_longest_phrase(void **state)
{
    (void)state;
    assert_match("no more than 5", TOKEN_AT_MOST, strlen("no more than"));
    assert_match("cache hit rate", TOKEN_METRIC, strlen("cache hit rate"));
    assert_match("cache it", TOKEN_CACHE, strlen("cache"));
}

static void test_lexicon_reads_joints_and_apostrophes_alike(void **state)
{
    (void)state;
    assert_match("max_tokens at", TOKEN_METRIC, strlen("max_tokens"));
    assert_match("rate-limits", TOKEN_METRIC, strlen("rate-limits"));
    assert_match("don't touch x", TOKEN_EXCLUDE, strlen("don't touch"));
    assert_match("dont touch x", TOKEN_EXCLUDE, strlen("dont touch"));
}

static void test_lexicon_ends_at_words_and_stems_take_the_rest(void **state)
{
    (void)state;
    assert_no_match("cutlery");
    assert_match("reductions", TOKEN_DOWN, strlen("reductions"));
    assert_match("расходами", TOKEN_METRIC, strlen("расходами"));
}

static void test_lexicon_needs_no_spaces_in_chinese_and_japanese(void **state)
{
    (void)state;
    assert_match("成本降低", TOKEN_METRIC, strlen("成本"));
}

static void assert_repaired(const char *word, enum token_kind kind)
{
    uint16_t entry = lexicon_match_mistyped(str_from(word));

    assert_int_not_equal(entry, LEXICON_NO_ENTRY);
    assert_int_equal(lexicon_entries[entry].kind, kind);
}

static void test_lexicon_repairs_one_edit_and_two_in_long_words(void **state)
{
    (void)state;
    assert_repaired("tweny", TOKEN_NUMBER);
    assert_repaired("lattency", TOKEN_METRIC);
    assert_repaired("qaulity", TOKEN_METRIC);
    assert_int_equal(lexicon_match_mistyped(STR("qaultiy")), LEXICON_NO_ENTRY);
}

static void test_lexicon_leaves_numbers_short_and_ordinary_words_alone(void **state)
{
    (void)state;
    assert_int_equal(lexicon_match_mistyped(STR("cxst")), LEXICON_NO_ENTRY);
    assert_int_equal(lexicon_match_mistyped(STR("gpt51")), LEXICON_NO_ENTRY);
    assert_int_equal(lexicon_match_mistyped(STR("")), LEXICON_NO_ENTRY);
    assert_int_equal(lexicon_match_mistyped(STR("bicyclettes")), LEXICON_NO_ENTRY);
    assert_match("quantity", TOKEN_WORD, strlen("quantity")); /* not a mistyped quality */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lexicon_takes_the_longest_phrase),
        cmocka_unit_test(test_lexicon_reads_joints_and_apostrophes_alike),
        cmocka_unit_test(test_lexicon_ends_at_words_and_stems_take_the_rest),
        cmocka_unit_test(test_lexicon_needs_no_spaces_in_chinese_and_japanese),
        cmocka_unit_test(test_lexicon_repairs_one_edit_and_two_in_long_words),
        cmocka_unit_test(test_lexicon_leaves_numbers_short_and_ordinary_words_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
