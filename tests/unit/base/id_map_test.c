/*
 * An id_map holds the first value of each 64-bit key, whatever the keys look like.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/id_map.h"

#define KEYS 20000

/* Keys of bad quality on purpose: small numbers, then multiples of a large power of two. */
static uint64_t key_of(uint32_t i)
{
    return i % 2 ? i / 2 : (uint64_t)(i / 2) << 40;
}

static void put(struct id_map *map, uint64_t key, uint32_t value, uint32_t held, int is_new)
{
    uint32_t ret_held = 12345;
    int ret_is_new = 7;

    assert_int_equal(id_map_put(map, key, value, &ret_held, &ret_is_new), OK);
    assert_int_equal(ret_held, held);
    assert_int_equal(ret_is_new, is_new);
}

static void test_id_map_keeps_the_first_value_of_a_key(void **state)
{
    struct id_map map;

    (void)state;
    id_map_init(&map, KEYS);
    for (uint32_t i = 2; i < KEYS; i++) {
        put(&map, key_of(i), i, i, 1);
    }
    put(&map, 0, 0, 0, 1);
    put(&map, UINT64_MAX, ID_MAP_VALUE_MAX, ID_MAP_VALUE_MAX, 1);
    assert_int_equal(map.count, KEYS);
    for (uint32_t i = 2; i < KEYS; i++) {
        put(&map, key_of(i), 1, i, 0);
    }
    put(&map, 0, 9, 0, 0);
    id_map_replace(&map, 0, 9);
    put(&map, 0, 1, 9, 0);
    put(&map, UINT64_MAX, 1, ID_MAP_VALUE_MAX, 0);
    id_map_done(&map);
    id_map_done(&map);
}

static void test_id_map_finds_what_is_there_only(void **state)
{
    struct id_map map;
    uint32_t value = 42;

    (void)state;
    id_map_init(&map, KEYS);
    assert_false(id_map_find(&map, 0, &value));
    for (uint32_t i = 2; i < 1000; i++) {
        put(&map, key_of(i), i, i, 1);
    }
    assert_false(id_map_find(&map, key_of(1000), &value));
    assert_int_equal(value, 42);
    for (uint32_t i = 2; i < 1000; i++) {
        assert_true(id_map_find(&map, key_of(i), &value));
        assert_int_equal(value, i);
    }
    id_map_done(&map);
    assert_false(id_map_find(&map, key_of(2), &value));
}

/* The limit lies where the table would have to grow: known keys are found all the same, even
 * without memory. */
static void test_id_map_full_or_without_memory_still_finds_its_keys(void **state)
{
    struct id_map map;
    uint32_t held = 12345;
    int is_new = 7;

    (void)state;
    id_map_init(&map, 128);
    for (uint32_t i = 0; i < 128; i++) {
        put(&map, i, i, i, 1);
    }
    (void)alloc_fail_from(1);
    int found = id_map_put(&map, 5, 99, &held, &is_new);
    uint32_t found_value = held;
    int full = id_map_put(&map, 1000, 99, &held, &is_new);
    (void)alloc_fail_from(0);
    assert_int_equal(found, OK);
    assert_int_equal(found_value, 5);
    assert_int_equal(full, ERR_LIMIT);
    assert_int_equal(map.count, 128);
    id_map_done(&map);
    put(&map, 1000, 1, 1, 1);
    id_map_done(&map);
    id_map_init(&map, 0);
    assert_int_equal(id_map_put(&map, 1, 1, &held, &is_new), ERR_LIMIT);
    id_map_done(&map);
}

static void test_id_map_survives_lack_of_memory(void **state)
{
    uint64_t nth = 0;
    int code;

    (void)state;
    do {
        struct id_map map;
        uint32_t held = 0;
        int is_new = 0;
        uint32_t i = 0;

        id_map_init(&map, 10000);
        (void)alloc_fail_from(++nth);
        do {
            code = id_map_put(&map, key_of(i + 2), i, &held, &is_new);
        } while (code == OK && ++i < 1000);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_int_equal(map.count, i);
        for (uint32_t k = 0; k < i; k++) {
            put(&map, key_of(k + 2), 1, k, 0);
        }
        id_map_done(&map);
    } while (code);
    assert_true(nth > 4);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_id_map_keeps_the_first_value_of_a_key),
    cmocka_unit_test(test_id_map_finds_what_is_there_only),
    cmocka_unit_test(test_id_map_full_or_without_memory_still_finds_its_keys),
    cmocka_unit_test(test_id_map_survives_lack_of_memory),
};

UNIT_MAIN(tests)
