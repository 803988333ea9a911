/*
 * Normalised text is folded, visible and plain, and remembers where each byte came from.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "ask/normalise.h"
#include "base/alloc.h"
#include "base/error.h"

#define ARENA_BYTES ((size_t)1 << 20)

static void assert_normal(const char *original, const char *expected)
{
    struct arena arena;
    struct normal_text text;

    arena_init(&arena, ARENA_BYTES);
    assert_int_equal(normalise_text(str_from(original), &arena, &text), OK);
    assert_str(((struct str){text.data, text.length}), expected);
    arena_done(&arena);
}

static void test_normalise_folds_case_width_and_accents(void **state)
{
    (void)state;
    assert_normal("Reduce COST", "reduce cost");
    assert_normal("Réduis les Coûts", "reduis les couts");
    assert_normal("ｃｏｓｔ ２０％", "cost 20%");
    assert_normal("Łatwość", "latwosc");
}

static void test_normalise_reads_digits_and_signs_of_other_scripts(void **state)
{
    (void)state;
    assert_normal("٢٠٪", "20%");
    assert_normal("२०%", "20%");
    assert_normal("\xE2\x88\x92"
                  "5 – 7",
                  "-5 - 7");
    assert_normal("½", "1/2");
    assert_normal("≤ 3×", "<= 3x");
}

static void test_normalise_removes_what_nobody_sees(void **state)
{
    (void)state;
    assert_normal("co\xE2\x80\x8Bst", "cost");
    assert_normal("\xE2\x80\xAE"
                  "cost\xEF\xBB\xBF",
                  "cost");
    assert_normal("a\x01"
                  "b\tc",
                  "a b c");
}

static void test_normalise_replaces_look_alikes_of_mixed_words_only(void **state)
{
    (void)state;
    assert_normal("rеduce cоst", "reduce cost"); /* Cyrillic е and о */
    assert_normal("расход", "расход");
}

static void test_normalise_repairs_broken_utf8(void **state)
{
    (void)state;
    assert_normal("a\xFF"
                  "b",
                  "a\xEF\xBF\xBD"
                  "b");
    assert_normal("\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void test_normalise_knows_the_original_of_each_byte(void **state)
{
    struct arena arena;
    struct normal_text text;

    (void)state;
    arena_init(&arena, ARENA_BYTES);
    assert_int_equal(normalise_text(STR("für Chat\xE2\x80\x8B X"), &arena, &text), OK);
    assert_str(((struct str){text.data, text.length}), "fur chat x");
    assert_str(normalise_original(&text, 4, 8), "Chat\xE2\x80\x8B");
    assert_str(normalise_original(&text, 9, 10), "X");
    assert_str(normalise_original(&text, 0, 3), "für");
    arena_done(&arena);
}

static void test_normalise_reports_lack_of_memory(void **state)
{
    struct arena arena;
    struct normal_text text;

    (void)state;
    arena_init(&arena, ARENA_BYTES);
    (void)alloc_fail_from(1);
    assert_int_equal(normalise_text(STR("cost"), &arena, &text), ERR_NO_MEMORY);
    (void)alloc_fail_from(0);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalise_folds_case_width_and_accents),
        cmocka_unit_test(test_normalise_reads_digits_and_signs_of_other_scripts),
        cmocka_unit_test(test_normalise_removes_what_nobody_sees),
        cmocka_unit_test(test_normalise_replaces_look_alikes_of_mixed_words_only),
        cmocka_unit_test(test_normalise_repairs_broken_utf8),
        cmocka_unit_test(test_normalise_knows_the_original_of_each_byte),
        cmocka_unit_test(test_normalise_reports_lack_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
