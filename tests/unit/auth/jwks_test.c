/*
 * The sets of keys that are believed, and the answers about credentials: each way to be wrong is a
 * row, and what is written is read again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <cjose/util.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/introspection.h"
#include "auth/jwks.h"
#include "base/alloc.h"
#include "base/check.h"

/* RFC 7515, appendix A.3; RFC 7517, appendix A.1: points that are on the curve. */
#define X_1   "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""
#define Y_1   "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define X_2   "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\""
#define Y_2   "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\""
#define EC    "\"kty\":\"EC\",\"crv\":\"P-256\","
#define KEY_1 "{" EC "\"kid\":\"one\"," X_1 "," Y_1 "}"
#define KEY_2 "{" EC "\"alg\":\"ES256\",\"use\":\"sig\",\"kid\":\"two\"," X_2 "," Y_2 "}"
#define URL   STR("https://auth.example.org")

static int read_text(const char *text, struct jwks *ret_set)
{
    struct error error = {0};
    int code = jwks_read(str_from(text), URL, ret_set, &error);

    assert_true(code == OK || error.message[0]);
    return code;
}

static void test_jwks_takes_the_keys_that_are_for_us(void **state)
{
    struct jwks set;

    (void)state;
    assert_int_equal(read_text("{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\",\"n\":\"AQAB\"}," KEY_1
                               ",{" EC "\"use\":\"enc\",\"kid\":\"e\"," X_1 "," Y_1 "},{" EC
                               "\"alg\":\"ES384\",\"kid\":\"a\"},7," KEY_2 ",{" EC X_1 "," Y_1
                               "}]}",
                               &set),
                     OK);
    assert_int_equal(set.count, 2);
    assert_non_null(jwks_find(&set, STR("one")));
    assert_non_null(jwks_find(&set, STR("two")));
    assert_null(jwks_find(&set, STR("e")));
    assert_null(jwks_find(&set, STR("")));
    jwks_done(&set);
    assert_int_equal(set.count, 0);
}

static void test_jwks_refuses_what_is_no_set(void **state)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        {"", ERR_INVALID},
        {"[]", ERR_INVALID},
        {"{}", ERR_INVALID},
        {"{\"keys\":{}}", ERR_INVALID},
        {"{\"keys\":[]}", ERR_INVALID},
        {"{\"issuer\":\"https://other.example.org\",\"keys\":[" KEY_1 "]}", ERR_INVALID},
        {"{\"issuer\":7,\"keys\":[" KEY_1 "]}", ERR_INVALID},
        {"{\"keys\":[" KEY_1 "," KEY_1 "]}", ERR_INVALID},
        {"{\"keys\":[{" EC "\"kid\":\"one\"," X_1 "}]}", ERR_INVALID},
        {"{\"keys\":[{" EC "\"kid\":\"one\"," X_1 "," Y_2 "}]}", ERR_INVALID},
        {"{\"keys\":[{" EC "\"kid\":\"o\\\"ne\"," X_1 "," Y_1 "}]}", ERR_INVALID},
        {"{\"keys\":[{" EC "\"kid\":\"o\\u0000ne\"," X_1 "," Y_1 "}]}", ERR_INVALID},
    };
    struct jwks set = {.count = 99};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (read_text(rows[i].text, &set) != rows[i].code) {
            fail_msg("not as expected: %s", rows[i].text);
        }
    }
    assert_int_equal(set.count, 99); /* untouched */
}

static void test_jwks_refuses_too_many(void **state)
{
    struct buf text;
    struct jwks set;

    (void)state;
    buf_init(&text, 65536);
    buf_append(&text, STR("{\"keys\":["));
    for (unsigned i = 0; i <= JWKS_KEYS_MAX; i++) {
        buf_printf(&text, "%s{" EC "\"kid\":\"k%u\"," X_1 "," Y_1 "}", i ? "," : "", i);
    }
    buf_append(&text, STR("]}"));
    buf_append_char(&text, '\0');
    assert_int_equal(read_text(text.data, &set), ERR_LIMIT);
    buf_done(&text);
}

static void test_jwks_reads_what_it_wrote(void **state)
{
    struct jwks set;
    struct jwks again;
    struct buf text;

    (void)state;
    assert_int_equal(read_text("{\"keys\":[" KEY_1 "," KEY_2 "]}", &set), OK);
    buf_init(&text, JWKS_BYTES_MAX);
    jwks_write(&set, URL, &text);
    buf_append_char(&text, '\0');
    assert_int_equal(read_text(text.data, &again), OK);
    assert_true(jwks_equal(&set, &again));
    jwks_done(&again);
    assert_int_equal(read_text("{\"keys\":[" KEY_1 "]}", &again), OK);
    assert_false(jwks_equal(&set, &again));
    jwks_done(&again);
    jwks_done(&set);
    buf_done(&text);
}

/* Nothing private goes on, whatever a set has: cjose would sign with it. */
static void test_jwks_takes_no_private_half(void **state)
{
    struct jwks set;
    struct buf text;

    (void)state;
    assert_int_equal(read_text("{\"keys\":[{" EC "\"kid\":\"one\"," X_1 "," Y_1
                               ",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}]}",
                               &set),
                     OK);
    buf_init(&text, JWKS_BYTES_MAX);
    jwks_write(&set, URL, &text);
    assert_int_equal(str_find(buf_str(&text), STR("\"d\""), 0), SIZE_MAX);
    char *exported = cjose_jwk_to_json(set.keys[0].jwk, /* with_private */ true, NULL);
    assert_non_null(exported);
    assert_null(strstr(exported, "\"d\""));
    cjose_get_dealloc()(exported);
    jwks_done(&set);
    buf_done(&text);
}

static void test_jwks_keeps_a_file(void **state)
{
    char folder[] = "/tmp/netra-jwks-XXXXXX";
    char path[64];
    struct error error = {0};
    struct jwks set;
    struct stat about;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/jwks.json", folder);
    assert_int_equal(jwks_load(path, URL, &set, &error), ERR_NOT_FOUND);
    assert_int_equal(jwks_save(path, STR("{\"keys\":[" KEY_1 "]}"), &error), OK);
    assert_int_equal(jwks_save(path, STR("{\"keys\":[" KEY_1 "," KEY_2 "]}"), &error), OK);
    assert_int_equal(jwks_load(path, URL, &set, &error), OK);
    assert_int_equal(set.count, 2);
    jwks_done(&set);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(jwks_save(path, STR("{\"keys\":["), &error), OK);
    assert_int_equal(jwks_load(path, URL, &set, &error), ERR_INVALID);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(jwks_save(path, STR("x"), &error), ERR_IO);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0); /* nothing else is left */
}

static void test_jwks_survives_want_of_memory(void **state)
{
    struct jwks set = {.count = 0};
    int code = ERR_NO_MEMORY;

    (void)state;
    for (unsigned long nth = 1; code; nth++) {
        (void)alloc_fail_from(nth);
        code = read_text("{\"keys\":[" KEY_1 "," KEY_2 "]}", &set);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
    }
    assert_int_equal(set.count, 2);
    jwks_done(&set);
}

#define GOOD                                                                                       \
    "\"active\":true,\"sub\":\"u\",\"ws\":\"default\",\"role\":\"admin\",\"kind\":\"session\","    \
    "\"id\":\"s\""

static void test_introspection_reads_who_it_is(void **state)
{
    struct introspection told;
    struct error error = {0};

    (void)state;
    assert_int_equal(introspection_read(STR("{\"active\":false,\"sub\":7}"), &told, &error), OK);
    assert_false(told.is_active);
    assert_int_equal(
        introspection_read(STR("{" GOOD ",\"scope\":\"read admin\",\"exp\":12}"), &told, &error),
        OK);
    assert_true(told.is_active);
    assert_string_equal(told.caller.user_id, "u");
    assert_int_equal(told.caller.kind, AUTH_KIND_TOKEN);
    assert_int_equal(told.caller.may, AUTH_SCOPE_READ | AUTH_SCOPE_ADMIN);
    assert_true(told.caller.is_operator);
    assert_int_equal(told.expires_us, 12000000);
    assert_int_equal(introspection_read(STR("{" GOOD ",\"scope\":\"read\"}"), &told, &error), OK);
    assert_false(told.caller.is_operator);
    assert_int_equal(told.expires_us, 0);
}

/* A role is the bound, whatever the scopes say. */
static void test_introspection_gives_no_more_than_the_role(void **state)
{
    struct introspection told;
    struct error error = {0};

    (void)state;
    assert_int_equal(
        introspection_read(STR("{\"active\":true,\"sub\":\"u\",\"ws\":\"w\",\"role\":\"viewer\","
                               "\"kind\":\"key\",\"id\":\"k\",\"scope\":\"read run data admin\"}"),
                           &told, &error),
        OK);
    assert_int_equal(told.caller.may, AUTH_SCOPE_READ);
    assert_false(told.caller.is_operator);
}

static void test_introspection_refuses_what_is_no_answer(void **state)
{
    static const char *const wrong[] = {
        "",
        "null",
        "{}",
        "{\"active\":1}",
        "{\"active\":\"true\"}",
        "{" GOOD "}",
        "{" GOOD ",\"scope\":\"read fly\"}",
        "{" GOOD ",\"scope\":\"read\",\"exp\":\"1\"}",
        "{" GOOD ",\"scope\":\"read\",\"exp\":0}",
        "{" GOOD ",\"scope\":\"read\",\"exp\":9223372036854775807}",
        "{\"active\":true,\"sub\":\"\",\"ws\":\"w\",\"role\":\"admin\",\"kind\":\"key\",\"id\":"
        "\"k\",\"scope\":\"read\"}",
        "{\"active\":true,\"sub\":\"u\",\"ws\":\"w\",\"role\":\"king\",\"kind\":\"key\",\"id\":"
        "\"k\",\"scope\":\"read\"}",
        "{\"active\":true,\"sub\":\"u\",\"ws\":\"w\",\"role\":\"admin\",\"kind\":\"local\",\"id\":"
        "\"k\",\"scope\":\"read\"}",
        "{\"active\":true,\"sub\":\"u\\u0000v\",\"ws\":\"w\",\"role\":\"admin\",\"kind\":\"key\","
        "\"id\":\"k\",\"scope\":\"read\"}",
        "{\"active\":true,\"sub\":\"0123456789012345678901234567890123456789\",\"ws\":\"w\","
        "\"role\":\"admin\",\"kind\":\"key\",\"id\":\"k\",\"scope\":\"read\"}",
    };
    struct introspection told = {.expires_us = 99};
    struct error error = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        if (introspection_read(str_from(wrong[i]), &told, &error) != ERR_INVALID) {
            fail_msg("taken: %s", wrong[i]);
        }
    }
    assert_int_equal(told.expires_us, 99);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_jwks_takes_the_keys_that_are_for_us),
    cmocka_unit_test(test_jwks_refuses_what_is_no_set),
    cmocka_unit_test(test_jwks_refuses_too_many),
    cmocka_unit_test(test_jwks_reads_what_it_wrote),
    cmocka_unit_test(test_jwks_takes_no_private_half),
    cmocka_unit_test(test_jwks_keeps_a_file),
    cmocka_unit_test(test_jwks_survives_want_of_memory),
    cmocka_unit_test(test_introspection_reads_who_it_is),
    cmocka_unit_test(test_introspection_gives_no_more_than_the_role),
    cmocka_unit_test(test_introspection_refuses_what_is_no_answer),
};
UNIT_MAIN(tests)
