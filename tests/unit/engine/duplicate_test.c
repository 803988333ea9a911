/*
 * Repeats: what makes two calls the same, where the window ends, and which calls never count.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

#include "base/random.h"
#include "engine/duplicate.h"

#define WINDOW_US (300 * FIXTURE_SECOND)

/* The marks of a table's rows as text: "0101". */
static void assert_marks(const struct world *w, const char *expected, uint64_t examined)
{
    struct duplicates duplicates;
    char marks[64] = "";
    uint64_t count = 0;

    assert_true(w->table.count < sizeof(marks));
    assert_int_equal(duplicates_find(&duplicates, &w->table, WINDOW_US), OK);
    for (size_t row = 0; row < w->table.count; row++) {
        marks[row] = (char)('0' + duplicates.is_duplicate[row]);
        count += duplicates.is_duplicate[row];
    }
    assert_string_equal(marks, expected);
    assert_int_equal(duplicates.count, count);
    assert_int_equal(duplicates.examined, examined);
    duplicates_done(&duplicates);
}

static void test_the_window_ends_after_its_last_moment(void **state)
{
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = 0, .hash = 7}, {.at_s = 300, .hash = 7}, {.at_s = 1000, .hash = 7},
             {.at_s = 1300.000001, .hash = 7});
    assert_marks(&w, "0100", 4);
    world_done(&w);
}

/* The window is that of the kept call; after it a new group begins. */
static void test_a_chain_is_measured_from_the_kept_call(void **state)
{
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = 0, .hash = 7}, {.at_s = 200, .hash = 7}, {.at_s = 400, .hash = 7},
             {.at_s = 600, .hash = 7}, {.at_s = 800, .hash = 7});
    assert_marks(&w, "01010", 5);
    world_done(&w);
}

static void test_calls_differ_by_feature_model_input_and_prompt(void **state)
{
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "m", .feature = "f", .hash = 7, .input = 10},
             {.model = "n", .feature = "f", .hash = 7, .input = 10},
             {.model = "m", .feature = "g", .hash = 7, .input = 10},
             {.model = "m", .feature = "f", .hash = 7, .input = 11},
             {.model = "m", .feature = "f", .hash = 8, .input = 10},
             {.model = "m", .feature = "f", .hash = 7, .input = 4, .read = 6});
    assert_marks(&w, "000001", 6); /* cached tokens are input all the same */
    world_done(&w);
}

static void test_a_retry_after_a_failure_is_no_repeat(void **state)
{
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = 0, .hash = 7, .status = USAGE_ERROR}, {.at_s = 1, .hash = 7},
             {.at_s = 2, .hash = 7}, {.at_s = 3, .hash = 7, .status = USAGE_ERROR},
             {.at_s = 4, .hash = 7, .status = USAGE_CANCELLED});
    assert_marks(&w, "00100", 5);
    world_done(&w);
}

static void test_without_prompt_hashes_nothing_is_said(void **state)
{
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = 0, .input = 5}, {.at_s = 1, .input = 5}, {.at_s = 2, .hash = 1});
    assert_marks(&w, "000", 1);
    world_done(&w);
    world_init(&w);
    world_price(&w);
    assert_marks(&w, "", 0);
    world_done(&w);
}

/* Nobody knows whether a call without a time came within the window. */
static void test_calls_without_a_time_are_not_examined(void **state)
{
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = -1, .hash = 7}, {.at_s = -1, .hash = 7}, {.at_s = 1, .hash = 7});
    assert_marks(&w, "000", 1);
    world_done(&w);
}

/* Against a search over all earlier kept calls. */
static void test_marks_agree_with_a_search_over_all_pairs(void **state)
{
    struct duplicates duplicates;
    struct random random;
    struct world w;
    uint8_t expected[300] = {0};

    (void)state;
    random_init(&random, 9, 0);
    world_init(&w);
    for (int i = 0; i < 300; i++) {
        fixture_add(&w.table,
                    &(struct call){.at_s = i * 20.0,
                                   .hash = 1 + random_below(&random, 12),
                                   .status = (enum usage_status)(random_below(&random, 5) == 0)});
    }
    world_price(&w);
    for (size_t row = 0; row < 300; row++) {
        size_t earlier = row;

        if (usage_status_of(&w.table, row) != USAGE_OK) {
            continue;
        }
        while (earlier-- > 0) { /* the latest kept call of the same prompt */
            if (w.table.prompt_hash[earlier] == w.table.prompt_hash[row] && !expected[earlier] &&
                usage_status_of(&w.table, earlier) == USAGE_OK) {
                expected[row] = w.table.time_us[row] - w.table.time_us[earlier] <= WINDOW_US;
                break;
            }
        }
    }
    assert_int_equal(duplicates_find(&duplicates, &w.table, WINDOW_US), OK);
    assert_memory_equal(duplicates.is_duplicate, expected, sizeof(expected));
    assert_true(duplicates.count > 50 && duplicates.count < 250);
    duplicates_done(&duplicates);
    world_done(&w);
}

static void test_finding_survives_every_failing_allocation(void **state)
{
    struct duplicates duplicates;
    int code = ERR_NO_MEMORY;
    struct world w;

    (void)state;
    world_init(&w);
    for (int i = 0; i < 400; i++) { /* the map grows once */
        fixture_add(&w.table, &(struct call){.at_s = i, .hash = 1 + (uint64_t)i});
    }
    for (uint64_t nth = 1; code; nth++) {
        assert_true(nth < 20);
        (void)alloc_fail_from(nth);
        code = duplicates_find(&duplicates, &w.table, WINDOW_US);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
    }
    duplicates_done(&duplicates);
    world_done(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_the_window_ends_after_its_last_moment),
    cmocka_unit_test(test_a_chain_is_measured_from_the_kept_call),
    cmocka_unit_test(test_calls_differ_by_feature_model_input_and_prompt),
    cmocka_unit_test(test_a_retry_after_a_failure_is_no_repeat),
    cmocka_unit_test(test_without_prompt_hashes_nothing_is_said),
    cmocka_unit_test(test_calls_without_a_time_are_not_examined),
    cmocka_unit_test(test_marks_agree_with_a_search_over_all_pairs),
    cmocka_unit_test(test_finding_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
