/*
 * Allocations are zeroed, refuse sizes that overflow, and fail from the Nth on when a test says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <pthread.h>

#include "base/alloc.h"

static void test_alloc_zeroes_and_refuses_overflow(void **state)
{
    unsigned char *bytes = alloc_zeroed(1000, 3);

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < 3000; i++) {
        assert_int_equal(bytes[i], 0);
    }
    alloc_free(bytes);
    alloc_free(NULL);
    assert_null(alloc_zeroed(SIZE_MAX / 2, 3));
}

static void test_alloc_resize_keeps_the_old_block_on_failure(void **state)
{
    char *text = alloc_resize(NULL, 4, 1);

    (void)state;
    assert_non_null(text);
    memcpy(text, "abc", 4);
    assert_null(alloc_resize(text, SIZE_MAX, 2));
    assert_null(alloc_resize(text, 0, 8));
    assert_string_equal(text, "abc");
    char *longer = alloc_resize(text, 4000, 1);
    assert_non_null(longer);
    assert_string_equal(longer, "abc");
    alloc_free(longer);
}

static void test_alloc_fails_from_the_nth_on(void **state)
{
    void *first;
    void *second;

    (void)state;
    (void)alloc_fail_from(2);
    first = alloc_zeroed(1, 1);
    second = alloc_zeroed(1, 1);
    assert_non_null(first);
    assert_null(second);
    assert_null(alloc_resize(NULL, 1, 1));
    assert_int_equal(alloc_fail_from(0), 3);
    second = alloc_zeroed(1, 1);
    assert_non_null(second);
    alloc_free(first);
    alloc_free(second);
}

static void test_alloc_text_copies_with_the_end(void **state)
{
    char *copy = alloc_text("abc");
    char *empty = alloc_text("");

    (void)state;
    assert_string_equal(copy, "abc");
    assert_string_equal(empty, "");
    alloc_free(copy);
    alloc_free(empty);
    (void)alloc_fail_from(1);
    copy = alloc_text("abc");
    (void)alloc_fail_from(0);
    assert_null(copy);
}

static void release_at_scope_end(void)
{
    cleanup(alloc_free_pointer) char *held = alloc_zeroed(1, 10);
    cleanup(alloc_free_pointer) char *given = alloc_zeroed(1, 10);

    assert_non_null(held);
    assert_non_null(given);
    char *taken = TAKE(given);
    assert_null(given);
    alloc_free(taken);
}

/* A leak or a second free is found by the ASan build. */
static void test_alloc_cleanup_frees_what_was_not_taken(void **state)
{
    (void)state;
    release_at_scope_end();
}

/* Which of the next eight fail, as a text of 1 and 0. */
static const char *failing_eight(void)
{
    static char text[9];

    for (size_t i = 0; i < 8; i++) {
        void *memory = alloc_zeroed(1, 1);

        text[i] = memory ? '0' : '1';
        alloc_free(memory);
    }
    return text;
}

static void test_alloc_fault_takes_the_nth_and_so_many_behind_it(void **state)
{
    uint64_t before;
    uint64_t refused;

    (void)state;
    assert_false(alloc_is_failing(&before));
    alloc_fail_at(3, 2);
    assert_string_equal(failing_eight(), "00110000");
    assert_false(alloc_is_failing(&refused));
    assert_int_equal(refused - before, 2);
    alloc_fail_at(7, 0);
    assert_string_equal(failing_eight(), "00000011");
    assert_true(alloc_is_failing(&refused));
    alloc_fail_at(0, 0);
    assert_string_equal(failing_eight(), "00000000");
    assert_false(alloc_is_failing(&refused));
    assert_int_equal(refused - before, 4);
    alloc_fail_at(2, UINT64_MAX);
    assert_string_equal(failing_eight(), "01111111");
    alloc_fail_at(0, 0);
}

static void test_alloc_fault_and_a_tests_own_do_not_disturb_each_other(void **state)
{
    (void)state;
    alloc_fail_at(1, 1);
    (void)alloc_fail_from(4);
    assert_string_equal(failing_eight(), "10011111");
    assert_int_equal(alloc_fail_from(0), 8);
}

#define THREADS 4
#define ROUNDS  20000

static void *allocate_often(void *arg)
{
    unsigned *failed = arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        void *memory = alloc_zeroed(1, 1);

        *failed += memory == NULL;
        alloc_free(memory);
    }
    return NULL;
}

static void test_alloc_fault_counts_exactly_over_threads(void **state)
{
    pthread_t threads[THREADS];
    unsigned failed[THREADS] = {0};
    unsigned sum = 0;
    uint64_t refused;

    (void)state;
    alloc_fail_at(1000, 37);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, allocate_often, &failed[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        sum += failed[i];
    }
    assert_int_equal(sum, 37);
    assert_false(alloc_is_failing(&refused));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_alloc_fault_takes_the_nth_and_so_many_behind_it),
    cmocka_unit_test(test_alloc_fault_and_a_tests_own_do_not_disturb_each_other),
    cmocka_unit_test(test_alloc_fault_counts_exactly_over_threads),
    cmocka_unit_test(test_alloc_zeroes_and_refuses_overflow),
    cmocka_unit_test(test_alloc_resize_keeps_the_old_block_on_failure),
    cmocka_unit_test(test_alloc_fails_from_the_nth_on),
    cmocka_unit_test(test_alloc_text_copies_with_the_end),
    cmocka_unit_test(test_alloc_cleanup_frees_what_was_not_taken),
};

UNIT_MAIN(tests)
