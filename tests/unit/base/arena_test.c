/*
 * An arena hands out zeroed, aligned memory up to its limit and survives every size.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "base/arena.h"

static void test_arena_memory_is_zeroed_aligned_and_apart(void **state)
{
    struct arena arena;
    unsigned char *pieces[300];

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        pieces[i] = arena_alloc(&arena, 1, i + 1);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k <= i; k++) {
            assert_int_equal(pieces[i][k], 0);
        }
        memset(pieces[i], (int)(i & 0xff), i + 1);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        assert_int_equal(pieces[i][0], i & 0xff);
        assert_int_equal(pieces[i][i], i & 0xff);
    }
    arena_done(&arena);
    arena_done(&arena);
}

static void test_arena_gives_its_whole_limit_and_no_more(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 64);
    assert_non_null(arena_alloc(&arena, 4, 16));
    assert_false(arena_has_room(&arena, 1));
    assert_null(arena_alloc(&arena, 1, 1));
    arena_done(&arena);
    assert_true(arena_has_room(&arena, 64));
    assert_non_null(arena_alloc(&arena, 1, 1));
    assert_null(arena_alloc(&arena, 1, 49));
    assert_non_null(arena_alloc(&arena, 1, 48));
    arena_done(&arena);
}

static void test_arena_refuses_sizes_that_overflow(void **state)
{
    static const size_t limits[] = {0, 1, 8, 15, 16, 17, 1000};
    struct arena arena;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(limits); i++) {
        arena_init(&arena, limits[i]);
        for (size_t less = 0; less < 64; less++) {
            assert_null(arena_alloc(&arena, 1, SIZE_MAX - less));
            assert_null(arena_alloc(&arena, 1, SIZE_MAX / 2 - less));
        }
        assert_null(arena_alloc(&arena, SIZE_MAX / 2, 3));
        assert_int_equal(arena.used_bytes, 0);
        arena_done(&arena);
    }
    arena_init(&arena, SIZE_MAX);
    assert_null(arena_alloc(&arena, 1, SIZE_MAX - 20));
    arena_done(&arena);
}

static void test_arena_large_pieces_leave_the_rest_of_a_block_in_use(void **state)
{
    struct arena arena;
    uint64_t asked;

    (void)state;
    arena_init(&arena, 1 << 24);
    (void)alloc_fail_from(0);
    for (int i = 0; i < 100; i++) {
        assert_non_null(arena_alloc(&arena, 1, 16));
        assert_non_null(arena_alloc(&arena, 1, 20000));
    }
    asked = alloc_fail_from(0);
    assert_int_equal(asked, 101);
    arena_done(&arena);
}

static void test_arena_texts_end_with_nul_and_are_never_null(void **state)
{
    struct arena arena;
    char long_text[5000];

    (void)state;
    arena_init(&arena, 1 << 16);
    struct str empty = arena_copy(&arena, (struct str){NULL, 0});
    assert_non_null(empty.data);
    assert_int_equal(empty.length, 0);
    assert_int_equal(empty.data[0], 0);
    struct str with_nul = arena_copy(&arena, (struct str){"a\0b", 3});
    assert_memory_equal(with_nul.data, "a\0b\0", 4);
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    struct str made = arena_printf(&arena, "%d:%s", 7, long_text);
    assert_int_equal(made.length, 2 + sizeof(long_text) - 1);
    assert_int_equal(made.data[made.length], 0);
    assert_str(arena_printf(&arena, "%s", ""), "");
    arena_done(&arena);
}

static void test_arena_says_so_when_memory_or_limit_is_exhausted(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    (void)alloc_fail_from(1);
    void *piece = arena_alloc(&arena, 1, 1);
    struct str copy = arena_copy(&arena, STR("abc"));
    struct str made = arena_printf(&arena, "%d", 1);
    (void)alloc_fail_from(0);
    assert_null(piece);
    assert_null(copy.data);
    assert_null(made.data);
    assert_int_equal(arena.used_bytes, 0);
    assert_str(arena_copy(&arena, STR("abc")), "abc");
    arena_done(&arena);
    arena_init(&arena, 16);
    copy = arena_copy(&arena, STR("sixteen bytes, 16"));
    assert_null(copy.data);
    assert_int_equal(copy.length, 0);
    arena_done(&arena);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_arena_memory_is_zeroed_aligned_and_apart),
    cmocka_unit_test(test_arena_gives_its_whole_limit_and_no_more),
    cmocka_unit_test(test_arena_refuses_sizes_that_overflow),
    cmocka_unit_test(test_arena_large_pieces_leave_the_rest_of_a_block_in_use),
    cmocka_unit_test(test_arena_texts_end_with_nul_and_are_never_null),
    cmocka_unit_test(test_arena_says_so_when_memory_or_limit_is_exhausted),
};

UNIT_MAIN(tests)
