/*
 * The small parts that accounts are made of: e-mails, passwords, encodings, seals, indexes, names
 * of roles and scopes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "auth/base64url.h"
#include "auth/email.h"
#include "auth/hash_index.h"
#include "auth/password_rules.h"
#include "auth/seal.h"
#include "base/alloc.h"

static void test_what_is_an_email(void **state)
{
    static const char *const good[][2] = {
        {"ada@example.org", "ada@example.org"},
        {"Ada.Lovelace+tag@Example.ORG", "ada.lovelace+tag@example.org"},
        {"root@localhost", "root@localhost"},
        {"a@xn--exmple-cua.org", "a@xn--exmple-cua.org"},
        {"o'hara_-x@a.b.c.d", "o'hara_-x@a.b.c.d"},
        {"1234567890123456789012345678901234567890123456789012345678901234@example.org",
         "1234567890123456789012345678901234567890123456789012345678901234@example.org"},
    };
    static const char *const bad[] = {
        "",
        "@",
        "a",
        "a@",
        "@b.c",
        "a@b",
        "a@b.",
        "a@.b",
        "a@b..c",
        "a@-b.c",
        "a@b-.c",
        "a b@c.d",
        "a@b c.d",
        " a@b.c",
        "a@b.c ",
        "a@@b.c",
        "a@b@c.d",
        ".a@b.c",
        "a.@b.c",
        "a..b@c.d",
        "\"a b\"@c.d",
        "a@[127.0.0.1]",
        "a@b.c\n",
        "a\t@b.c",
        "a@b_c.d",
        "\xc3\xa4@example.org",        /* ä */
        "ada@ex\xd0\xb0mple.org",      /* a Cyrillic a */
        "ada@example.org\xe2\x80\x8b", /* and a space of no width */
        "a,b@c.d",
        "a;b@c.d",
        "<a@b.c>",
        "a@b.c>",
        "a(b)@c.d",
        "a\\@b.c",
        "a:b@c.d",
        "12345678901234567890123456789012345678901234567890123456789012345@example.org",
        "a@1234567890123456789012345678901234567890123456789012345678901234.org",
    };
    char email[ACCOUNTS_EMAIL_MAX + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        assert_true(email_read(str_from(good[i][0]), email));
        assert_string_equal(email, good[i][1]);
    }
    memcpy(email, "untouched", sizeof("untouched"));
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        if (email_read(str_from(bad[i]), email)) {
            fail_msg("'%s' is taken for an e-mail", bad[i]);
        }
    }
    assert_false(email_read((struct str){"a\0@b.c", 6}, email));
    assert_false(email_read((struct str){NULL, 0}, email));
    assert_string_equal(email, "untouched");
    char longest[ACCOUNTS_EMAIL_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    longest[2] = '@';
    for (size_t i = 60; i < sizeof(longest); i += 60) {
        longest[i] = '.';
    }
    assert_true(email_read((struct str){longest, ACCOUNTS_EMAIL_MAX}, email));
    assert_false(email_read((struct str){longest, ACCOUNTS_EMAIL_MAX + 1}, email));
}

static void test_which_bytes_of_a_password_are_hashed(void **state)
{
    static const char *const cases[][2] = {
        {"plain ASCII stays", "plain ASCII stays"},
        {" spaces stay ", " spaces stay "},
        {"e\xcc\x81", "\xc3\xa9"}, /* e and an accent: é */
        {"\xc3\xa9", "\xc3\xa9"},  /* é */
        {"a\xc2\xa0"
         "b",
         "a b"}, /* a space that does not break */
        {"a\xe3\x80\x80"
         "b",
         "a b"},                          /* an ideographic one */
        {"\xef\xbc\xa1", "\xef\xbc\xa1"}, /* a wide A stays: NFC, not NFKC */
        {"\xf0\x9f\x90\xb4", "\xf0\x9f\x90\xb4"},
    };
    static const char *const refused[] = {"", "a\nb", "a\x7f", "\xff", "\xc2\x85", "\xed\xa0\x80"};
    struct password password;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(password_prepare(str_from(cases[i][0]), &password), OK);
        assert_string_equal(password.text, cases[i][1]);
        assert_int_equal(password.length, strlen(cases[i][1]));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        assert_int_equal(password_prepare(str_from(refused[i]), &password), ERR_INVALID);
    }
    assert_int_equal(password_prepare((struct str){"a\0b", 3}, &password), ERR_INVALID);
    char longest[ACCOUNTS_PASSWORD_MAX + 1];
    memset(longest, 'x', sizeof(longest));
    assert_int_equal(password_prepare((struct str){longest, ACCOUNTS_PASSWORD_MAX}, &password), OK);
    assert_int_equal(password_prepare((struct str){longest, ACCOUNTS_PASSWORD_MAX + 1}, &password),
                     ERR_INVALID);
}

static void test_which_passwords_are_taken(void **state)
{
    static const struct {
        const char *password;
        int code;
    } cases[] = {
        {"123456789", ERR_INVALID},
        {"1234567890", ERR_INVALID},
        {"Password123", ERR_INVALID},
        {"aaaaaaaaaaaaaaaa", ERR_INVALID},
        {"ada.lovelace@example.org", ERR_INVALID},
        {"ADA.Lovelace", ERR_INVALID},
        {"nine char", ERR_INVALID},
        {"ten  chars", OK},
        {"correct horse battery", OK},
        {"\xe5\xaf\x86\xe7\xa0\x81\xe5\xaf\x86\xe7\xa0\x81", OK}, /* four characters, 12 bytes */
    };
    struct password password;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct error error = {0};
        int code = password_prepare_new(str_from(cases[i].password),
                                        STR("ada.lovelace@example.org"), &password, &error);

        if (code != cases[i].code || (code && !error.message[0])) {
            fail_msg("'%s' came to %d", cases[i].password, code);
        }
        assert_null(strstr(error.message, cases[i].password));
    }
}

static void test_base64url_has_one_text_for_bytes(void **state)
{
    static const char *const bad[] = {"A", "AAAAA", "AA==", "A+", "A/", "AB", "AAB", " AA", "AA\n"};
    unsigned char bytes[64];
    unsigned char again[64];
    char text[BASE64URL_LENGTH(sizeof(bytes)) + 1];
    size_t count;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(i * 37 + 5);
    }
    for (size_t length = 0; length <= sizeof(bytes); length++) {
        base64url_encode(bytes, length, text);
        assert_int_equal(strlen(text), BASE64URL_LENGTH(length));
        assert_true(base64url_decode(str_from(text), again, &count));
        assert_int_equal(count, length);
        assert_memory_equal(again, bytes, length);
    }
    base64url_encode((const unsigned char *)"\xfb\xff", 2, text);
    assert_string_equal(text, "-_8");
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        if (base64url_decode(str_from(bad[i]), again, &count)) {
            fail_msg("'%s' is taken", bad[i]);
        }
    }
}

static void test_a_seal_opens_for_its_name_and_secret_only(void **state)
{
    struct seal seal;
    struct seal other;
    char text[SEAL_TEXT_BYTES_MAX];
    char again[SEAL_TEXT_BYTES_MAX];
    char plain[SEAL_PLAIN_MAX + 1];
    char longest[SEAL_PLAIN_MAX + 1];
    size_t length;

    (void)state;
    assert_int_equal(seal_init(&seal, STR("one secret of a deployment, long enough")), OK);
    assert_int_equal(seal_init(&other, STR("another secret of a deployment, as long")), OK);
    assert_int_equal(seal_close(&seal, STR("k1"), STR("private"), text), OK);
    assert_int_equal(seal_close(&seal, STR("k1"), STR("private"), again), OK);
    assert_string_not_equal(text, again); /* each has its nonce */
    assert_null(strstr(text, "private"));
    assert_int_equal(seal_open(&seal, STR("k1"), str_from(text), plain, &length), OK);
    assert_string_equal(plain, "private");
    assert_int_equal(length, 7);
    assert_int_equal(seal_open(&seal, STR("k2"), str_from(text), plain, &length), ERR_INVALID);
    assert_int_equal(seal_open(&other, STR("k1"), str_from(text), plain, &length), ERR_INVALID);
    for (size_t i = 0; i < strlen(text); i++) {
        memcpy(again, text, sizeof(again));
        again[i] = again[i] == 'A' ? 'B' : 'A';
        assert_int_equal(seal_open(&seal, STR("k1"), str_from(again), plain, &length), ERR_INVALID);
    }
    assert_int_equal(seal_open(&seal, STR("k1"), STR(""), plain, &length), ERR_INVALID);
    memset(longest, 'x', sizeof(longest));
    struct str most = {longest, SEAL_PLAIN_MAX};
    assert_int_equal(seal_close(&seal, STR(""), most, text), OK);
    assert_int_equal(seal_open(&seal, STR(""), str_from(text), plain, &length), OK);
    assert_int_equal(length, SEAL_PLAIN_MAX);
    most.length++;
    assert_int_equal(seal_close(&seal, STR(""), most, text), ERR_LIMIT);
    seal_wipe(&seal);
}

struct thing {
    struct hash_link link;
    unsigned number;
};

static unsigned find(const struct hash_index *index, uint64_t hash, unsigned number)
{
    unsigned found = 0;

    for (struct hash_link *at = hash_index_first(index, hash); at; at = hash_index_next(at)) {
        found += RECORD_OF(at, struct thing, link)->number == number;
    }
    return found;
}

/* Growing, equal hashes, and no memory for more buckets. */
static void test_an_index_finds_what_was_entered(void **state)
{
    static struct thing things[1000];
    struct hash_index index;

    (void)state;
    for (unsigned has_memory = 0; has_memory < 2; has_memory++) {
        assert_int_equal(hash_index_init(&index), OK);
        (void)alloc_fail_from(has_memory ? 0 : 1);
        for (unsigned i = 0; i < ARRAY_LENGTH(things); i++) {
            things[i].number = i;
            hash_index_add(&index, &things[i].link, i / 3);
        }
        (void)alloc_fail_from(0);
        assert_int_equal(index.count, ARRAY_LENGTH(things));
        assert_true(has_memory ? index.bucket_count >= 1000 : index.bucket_count == 64);
        for (unsigned i = 0; i < ARRAY_LENGTH(things); i += 2) {
            hash_index_remove(&index, &things[i].link);
        }
        for (unsigned i = 0; i < ARRAY_LENGTH(things); i++) {
            assert_int_equal(find(&index, i / 3, i), i % 2);
        }
        assert_null(hash_index_first(&index, UINT64_MAX));
        hash_index_done(&index);
    }
}

static void test_names_of_roles_and_scopes(void **state)
{
    (void)state;
    for (unsigned role = AUTH_ROLE_VIEWER; role <= AUTH_ROLE_ADMIN; role++) {
        assert_int_equal(auth_role_from(str_from(auth_role_name((enum auth_role)role))), role);
        /* each role has what the one below has */
        assert_int_equal(auth_role_scopes(role - 1) & ~auth_role_scopes(role), 0);
    }
    assert_int_equal(auth_role_from(STR("none")), AUTH_ROLE_NONE);
    assert_int_equal(auth_role_from(STR("Admin")), AUTH_ROLE_NONE);
    assert_int_equal(auth_role_scopes(AUTH_ROLE_NONE), 0);
    assert_int_equal(auth_role_scopes((enum auth_role)99), 0);
    for (unsigned scope = 1; scope < AUTH_SCOPE_ALL; scope *= 2) {
        assert_int_equal(auth_scope_from(str_from(auth_scope_name(scope))), scope);
    }
    assert_int_equal(auth_scope_from(STR("")), 0);
    assert_int_equal(auth_scope_from(STR("readrun")), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_what_is_an_email),
    cmocka_unit_test(test_which_bytes_of_a_password_are_hashed),
    cmocka_unit_test(test_which_passwords_are_taken),
    cmocka_unit_test(test_base64url_has_one_text_for_bytes),
    cmocka_unit_test(test_a_seal_opens_for_its_name_and_secret_only),
    cmocka_unit_test(test_an_index_finds_what_was_entered),
    cmocka_unit_test(test_names_of_roles_and_scopes),
};

UNIT_MAIN(tests)
