/*
 * Keys, fingerprints and ids that a key decides. Kept answers are looked at by gate_test.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "api/idempotency.h"
#include "store/store.h"

static void fingerprint_of(enum http_method method, const char *path, const char *query,
                           const char *body, unsigned char ret[32])
{
    const struct http_request request = {
        .method = method, .path = str_from(path), .query = str_from(query), .body = str_from(body)};

    idempotency_fingerprint(&request, ret);
}

static void test_every_part_of_a_request_counts(void **state)
{
    static const struct {
        enum http_method method;
        const char *path;
        const char *query;
        const char *body;
    } others[] = {
        {HTTP_PATCH, "/a", "b", "c"}, {HTTP_POST, "/x", "b", "c"}, {HTTP_POST, "/a", "x", "c"},
        {HTTP_POST, "/a", "b", "x"},  {HTTP_POST, "/ab", "", "c"}, {HTTP_POST, "/a", "bc", ""},
        {HTTP_POST, "/a", "", "bc"},
    };
    unsigned char first[32];
    unsigned char same[32];
    unsigned char other[32];

    (void)state;
    fingerprint_of(HTTP_POST, "/a", "b", "c", first);
    fingerprint_of(HTTP_POST, "/a", "b", "c", same);
    assert_memory_equal(first, same, sizeof(first));
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        fingerprint_of(others[i].method, others[i].path, others[i].query, others[i].body, other);
        assert_memory_not_equal(first, other, sizeof(first));
    }
}

static void derive(const char *workspace, const char *owner, const char *key, const char *what,
                   char ret[UUID_BYTES])
{
    idempotency_derive_id(str_from(workspace), str_from(owner), str_from(key), what, ret);
}

static void test_an_id_is_a_uuid_of_its_key(void **state)
{
    char first[UUID_BYTES];
    char other[UUID_BYTES];

    (void)state;
    derive("w", "o", "k", "thread", first);
    derive("w", "o", "k", "thread", other);
    assert_string_equal(first, other);
    assert_int_equal(strlen(first), 36);
    assert_int_equal(first[14], '8');
    assert_true(strchr("89ab", first[19]) != NULL);
    assert_true(store_is_id(str_from(first)));
    derive("x", "o", "k", "thread", other);
    assert_string_not_equal(first, other);
    derive("w", "x", "k", "thread", other);
    assert_string_not_equal(first, other);
    derive("w", "o", "x", "thread", other);
    assert_string_not_equal(first, other);
    derive("w", "o", "k", "run", other);
    assert_string_not_equal(first, other);
    derive("wo", "", "k", "thread", other); /* the borders of the parts count */
    assert_string_not_equal(first, other);
}

static void test_a_key_has_bounds(void **state)
{
    char text[300];

    (void)state;
    memset(text, '~', sizeof(text));
    assert_true(idempotency_is_key(STR("!")));
    assert_true(idempotency_is_key(STR("\"8e03978e-40d5-43dd-bc93-6894a57f9324\"")));
    assert_true(idempotency_is_key((struct str){text, IDEMPOTENCY_KEY_BYTES_MAX}));
    assert_false(idempotency_is_key((struct str){text, IDEMPOTENCY_KEY_BYTES_MAX + 1}));
    assert_false(idempotency_is_key(STR("")));
    assert_false(idempotency_is_key(STR("a b")));
    assert_false(idempotency_is_key(STR("a\t")));
    assert_false(idempotency_is_key(STR("\x7f")));
    assert_false(idempotency_is_key(STR("\xc3\xa4")));
    assert_false(idempotency_is_key((struct str){"a\0b", 3}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_part_of_a_request_counts),
        cmocka_unit_test(test_an_id_is_a_uuid_of_its_key),
        cmocka_unit_test(test_a_key_has_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
