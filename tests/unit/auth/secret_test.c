/*
 * Secrets differ, are text of one length, and sets of them forget the oldest and the expired.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "auth/secret.h"
#include "base/alloc.h"

static struct secret_entry entry_of(unsigned char first_byte, int64_t created_us,
                                    int64_t expires_us)
{
    struct secret_entry entry = {.created_us = created_us, .expires_us = expires_us};

    entry.hash.bytes[0] = first_byte;
    return entry;
}

static void test_secrets_are_distinct_base64url(void **state)
{
    static char seen[200][AUTH_SECRET_TEXT_BYTES];
    struct secret_hash hash;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(seen); i++) {
        assert_int_equal(secret_make(seen[i], &hash), OK);
        assert_int_equal(strlen(seen[i]), AUTH_SECRET_TEXT_BYTES - 1);
        assert_int_equal(strspn(seen[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789-_"),
                         AUTH_SECRET_TEXT_BYTES - 1);
        /* 43 characters hold 258 bits: the last two are always 0 */
        assert_non_null(strchr("AEIMQUYcgkosw048", seen[i][AUTH_SECRET_TEXT_BYTES - 2]));
        struct secret_hash again = secret_hash_of(str_from(seen[i]));
        assert_true(secret_equal(&hash, &again));
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(seen[i], seen[k]);
        }
    }
}

static void test_hash_is_sha256(void **state)
{
    static const unsigned char of_abc[SECRET_HASH_BYTES] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
        0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    struct secret_hash hash = secret_hash_of(STR("abc"));
    struct secret_hash nothing = secret_hash_of((struct str){NULL, 0});

    (void)state;
    assert_memory_equal(hash.bytes, of_abc, sizeof(of_abc));
    assert_int_equal(nothing.bytes[0], 0xe3);
}

static void test_a_full_set_loses_its_oldest(void **state)
{
    struct secret_set set;
    struct secret_entry dropped;

    (void)state;
    assert_int_equal(secret_set_init(&set, 3), OK);
    struct secret_entry b = entry_of('b', 20, 100);
    struct secret_entry a = entry_of('a', 10, 100);
    struct secret_entry c = entry_of('c', 30, 100);
    struct secret_entry d = entry_of('d', 40, 100);
    assert_false(secret_set_add(&set, &b, &dropped));
    assert_false(secret_set_add(&set, &a, &dropped));
    assert_false(secret_set_add(&set, &c, &dropped));
    assert_true(secret_set_add(&set, &d, &dropped));
    assert_int_equal(dropped.hash.bytes[0], 'a');
    assert_false(secret_set_has(&set, &a.hash, 50));
    assert_true(secret_set_has(&set, &b.hash, 50));
    assert_true(secret_set_has(&set, &d.hash, 50));
    secret_set_done(&set);
}

static void test_a_secret_is_taken_once_and_in_time(void **state)
{
    struct secret_set set;
    struct secret_entry dropped;
    struct secret_entry a = entry_of('a', 10, 100);
    struct secret_entry b = entry_of('b', 20, 50);

    (void)state;
    assert_int_equal(secret_set_init(&set, 3), OK);
    (void)secret_set_add(&set, &a, &dropped);
    (void)secret_set_add(&set, &b, &dropped);
    assert_true(secret_set_take(&set, &a.hash, 99));
    assert_false(secret_set_take(&set, &a.hash, 99));
    assert_false(secret_set_take_expired(&set, 49, &dropped));
    assert_true(secret_set_has(&set, &b.hash, 49));
    assert_false(secret_set_has(&set, &b.hash, 50));
    assert_true(secret_set_take_expired(&set, 50, &dropped));
    assert_int_equal(dropped.hash.bytes[0], 'b');
    assert_int_equal(set.count, 0);
    secret_set_done(&set);
}

static void test_a_set_needs_memory(void **state)
{
    struct secret_set set;

    (void)state;
    (void)alloc_fail_from(1);
    assert_int_equal(secret_set_init(&set, 3), ERR_NO_MEMORY);
    (void)alloc_fail_from(0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_secrets_are_distinct_base64url),
    cmocka_unit_test(test_hash_is_sha256),
    cmocka_unit_test(test_a_full_set_loses_its_oldest),
    cmocka_unit_test(test_a_secret_is_taken_once_and_in_time),
    cmocka_unit_test(test_a_set_needs_memory),
};

UNIT_MAIN(tests)
