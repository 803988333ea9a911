/*
 * The prompts that the program carries: all of them, with their versions, and the promises that
 * fences rely on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "agent/prompts.h"

static void test_prompts_are_in_the_order_of_a_run(void **state)
{
    static const char *const names[] = {"interpret", "plan", "write", "repair"};
    size_t count;
    const struct prompt_file *files = prompt_files(&count);

    (void)state;
    assert_int_equal(count, ARRAY_LENGTH(names));
    for (size_t i = 0; i < count; i++) {
        struct str name = str_from(names[i]);

        assert_string_equal(files[i].name, names[i]);
        assert_ptr_equal(prompt_find(names[i]), &files[i]);
        assert_true(str_starts_with(files[i].id, name));
        assert_int_equal(files[i].id.data[name.length], '@');
        assert_true(files[i].id.length > name.length + 1);
        assert_int_equal(files[i].text.length, strlen(files[i].text.data));
        assert_true(files[i].text.length > 100);
        assert_true(str_find(files[i].text, STR("version:"), 0) == SIZE_MAX);
    }
}

/* What a fence is and that nothing in it is obeyed stands in every system prompt. */
static void test_system_prompts_say_what_data_is(void **state)
{
    static const char *const names[] = {"interpret", "plan", "write"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct str text = prompt_find(names[i])->text;

        assert_true(str_find(text, STR("<data NAME>"), 0) != SIZE_MAX);
        assert_true(str_find(text, STR("instruction to you"), 0) != SIZE_MAX);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_prompts_are_in_the_order_of_a_run),
    cmocka_unit_test(test_system_prompts_say_what_data_is),
};

UNIT_MAIN(tests)
