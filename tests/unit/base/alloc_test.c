/*
 * Allocations are zeroed, refuse sizes that overflow, and fail from the Nth on when a test says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_alloc_zeroes_and_refuses_overflow),
    cmocka_unit_test(test_alloc_resize_keeps_the_old_block_on_failure),
    cmocka_unit_test(test_alloc_fails_from_the_nth_on),
    cmocka_unit_test(test_alloc_text_copies_with_the_end),
    cmocka_unit_test(test_alloc_cleanup_frees_what_was_not_taken),
};

UNIT_MAIN(tests)
