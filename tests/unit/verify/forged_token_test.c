/*
 * Tokens that are forged from a genuine one: each differs from it where it says it does, none
 * verifies with the genuine key, and what is no JWT is refused.
 *
 * The genuine token is that of RFC 7515, appendix A.3 (ES256), with its key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "verify/forged_token.h"

#define HEADER "eyJhbGciOiJFUzI1NiJ9"
#define CLAIMS                                                                                     \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define SIGNATURE                                                                                  \
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
static const char genuine[] = HEADER "." CLAIMS "." SIGNATURE;
static const struct str x = STR("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
static const struct str y = STR("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");

static void assert_part_is(const char *token, unsigned part, const char *text)
{
    struct buf out;

    buf_init(&out, FORGED_TOKEN_BYTES_MAX);
    assert_int_equal(token_part(token, part, &out), OK);
    assert_string_equal(out.data, text);
    buf_done(&out);
}

static void test_the_genuine_token_verifies(void **state)
{
    (void)state;
    assert_true(token_is_jwt(genuine));
    assert_true(token_is_signed_by(genuine, x, y));
    assert_false(token_is_signed_by(genuine, y, x));
    assert_false(token_is_signed_by(genuine, STR("AAAA"), y));
    assert_part_is(genuine, 0, "{\"alg\":\"ES256\"}");
}

static void test_no_forgery_verifies(void **state)
{
    (void)state;
    for (int i = FORGERY_SIGNATURE; i <= FORGERY_OWN_KEY; i++) {
        struct buf forged;

        buf_init(&forged, FORGED_TOKEN_BYTES_MAX);
        assert_int_equal(forged_token_make(genuine, (enum forgery)i, &forged), OK);
        assert_string_not_equal(forged.data, genuine);
        assert_false(token_is_signed_by(forged.data, x, y));
        buf_done(&forged);
    }
}

static void test_a_forgery_changes_what_it_says(void **state)
{
    struct buf forged;

    (void)state;
    buf_init(&forged, FORGED_TOKEN_BYTES_MAX);
    assert_int_equal(forged_token_make(genuine, FORGERY_EXPIRED, &forged), OK);
    assert_part_is(forged.data, 1,
                   "{\"iss\":\"joe\",\r\n \"exp\":1000000000,\r\n "
                   "\"http://example.com/is_root\":true}");
    buf_clear(&forged);
    assert_int_equal(forged_token_make(genuine, FORGERY_SIGNATURE, &forged), OK);
    assert_memory_equal(forged.data, genuine, sizeof(HEADER "." CLAIMS "."));
    buf_clear(&forged);
    assert_int_equal(forged_token_make(genuine, FORGERY_OWN_KEY, &forged), OK);
    assert_memory_equal(forged.data, HEADER "." CLAIMS ".", sizeof(HEADER "." CLAIMS));
    assert_int_equal(forged.length, sizeof(genuine) - 1);
    buf_clear(&forged);
    assert_int_equal(forged_token_make(genuine, FORGERY_NONE, &forged), OK);
    assert_string_equal(forged.data, "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." CLAIMS ".");
    buf_done(&forged);
}

static void test_what_is_no_jwt_is_refused(void **state)
{
    static const char *const texts[] = {
        "", "a", "a.b", "a.b.c.d", "..", "a..c", "netra_key_1_x", "e30.e30.", "!!!!.e30.e30"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(token_is_jwt(texts[i]));
        assert_false(token_is_signed_by(texts[i], x, y));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_genuine_token_verifies),
        cmocka_unit_test(test_no_forgery_verifies),
        cmocka_unit_test(test_a_forgery_changes_what_it_says),
        cmocka_unit_test(test_what_is_no_jwt_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
