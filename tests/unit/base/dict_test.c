/*
 * A dict numbers distinct texts from 0 in the order in which they come, and survives lack of room.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "base/dict.h"
#include "base/error.h"

#define TEXTS 5000

static struct str text_of(int i, char *room, size_t size)
{
    return (struct str){room, (size_t)snprintf(room, size, "text-%d", i)};
}

static void test_dict_ids_are_dense_and_found_again(void **state)
{
    struct dict dict;
    char room[32];
    uint32_t id;

    (void)state;
    dict_init(&dict, TEXTS, 1 << 20);
    assert_int_equal(dict_find(&dict, STR("text-0")), DICT_NOT_FOUND);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < TEXTS; i++) {
            assert_int_equal(dict_put(&dict, text_of(i, room, sizeof(room)), &id), OK);
            assert_int_equal(id, i);
        }
    }
    assert_int_equal(dict.count, TEXTS);
    for (int i = 0; i < TEXTS; i++) {
        struct str text = text_of(i, room, sizeof(room));

        assert_int_equal(dict_find(&dict, text), i);
        assert_true(str_equal(dict_text(&dict, (uint32_t)i), text));
    }
    assert_int_equal(dict_find(&dict, STR("text-5000")), DICT_NOT_FOUND);
    dict_done(&dict);
    dict_done(&dict);
}

static void test_dict_takes_any_bytes(void **state)
{
    static const struct str texts[] = {{NULL, 0}, {"a\0b", 3}, {"a\0c", 3}, {"a", 1}, {"\xff", 1}};
    struct dict dict;
    uint32_t id;

    (void)state;
    dict_init(&dict, 100, 1 << 16);
    for (uint32_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        assert_int_equal(dict_put(&dict, texts[i], &id), OK);
        assert_int_equal(id, i);
    }
    assert_int_equal(dict_find(&dict, STR("")), 0);
    assert_non_null(dict_text(&dict, 0).data);
    dict_done(&dict);
}

static void test_dict_limits_have_their_own_code(void **state)
{
    struct dict dict;
    uint32_t id = 77;

    (void)state;
    dict_init(&dict, 2, 1 << 16);
    assert_int_equal(dict_put(&dict, STR("a"), &id), OK);
    assert_int_equal(dict_put(&dict, STR("b"), &id), OK);
    id = 77;
    assert_int_equal(dict_put(&dict, STR("c"), &id), ERR_LIMIT);
    assert_int_equal(id, 77);
    assert_int_equal(dict_put(&dict, STR("a"), &id), OK);
    assert_int_equal(id, 0);
    dict_done(&dict);
    dict_init(&dict, 1000, 64);
    assert_int_equal(dict_put(&dict,
                              STR("more than sixty-four bytes: these here are quite enough "
                                  "of them, thank you"),
                              &id),
                     ERR_LIMIT);
    assert_int_equal(dict_put(&dict, STR("short"), &id), OK);
    dict_done(&dict);
    assert_int_equal(dict_put(&dict, STR("usable after done"), &id), OK);
    assert_int_equal(id, 0);
    dict_done(&dict);
}

/* Fails each allocation of the scenario in turn; what was entered before stays right. */
static void test_dict_survives_lack_of_memory(void **state)
{
    uint64_t nth = 0;
    int code;

    (void)state;
    do {
        struct dict dict;
        char room[32];
        uint32_t id;
        int i = 0;

        dict_init(&dict, 1000, 1 << 20);
        (void)alloc_fail_from(++nth);
        do {
            code = dict_put(&dict, text_of(i, room, sizeof(room)), &id);
        } while (code == OK && ++i < 300);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_int_equal(dict.count, i);
        for (int k = 0; k < i; k++) {
            assert_int_equal(dict_find(&dict, text_of(k, room, sizeof(room))), k);
        }
        if (code) {
            assert_int_equal(dict_find(&dict, text_of(i, room, sizeof(room))), DICT_NOT_FOUND);
            assert_int_equal(dict_put(&dict, text_of(i, room, sizeof(room)), &id), OK);
            assert_int_equal(id, i);
        }
        dict_done(&dict);
    } while (code);
    assert_true(nth > 5);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_dict_ids_are_dense_and_found_again),
    cmocka_unit_test(test_dict_takes_any_bytes),
    cmocka_unit_test(test_dict_limits_have_their_own_code),
    cmocka_unit_test(test_dict_survives_lack_of_memory),
};

UNIT_MAIN(tests)
