/*
 * ID tokens signed with keys that are made here: the good one, then every way in which one can be
 * wrong, one at a time. What a token says is text, so that a test can say anything.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <cjose/cjose.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "auth/oidc_token.h"

#define NOW 1000000

static cjose_jwk_t *rsa, *other_rsa, *short_rsa, *ec;
static char keys[8192]; /* the provider's set */
static char only_kid[4096];

static const struct oidc_provider provider = {.issuer = STR("https://id.example.org"),
                                              .client_id = STR("netra")};

static const char *kid_json(cjose_jwk_t *key, const char *kid)
{
    static char text[2048];
    cjose_err error;

    assert_true(cjose_jwk_set_kid(key, kid, strlen(kid), &error));
    char *json = cjose_jwk_to_json(key, /* priv */ false, &error);
    (void)snprintf(text, sizeof(text), "%s", json);
    free(json);
    return text;
}

static int make_keys(void **state)
{
    cjose_err error;

    (void)state;
    rsa = cjose_jwk_create_RSA_random(2048, NULL, 0, &error);
    other_rsa = cjose_jwk_create_RSA_random(2048, NULL, 0, &error);
    short_rsa = cjose_jwk_create_RSA_random(1024, NULL, 0, &error);
    ec = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &error);
    assert_true(rsa && other_rsa && short_rsa && ec);
    size_t at = (size_t)snprintf(keys, sizeof(keys), "{\"keys\":[%s,", kid_json(rsa, "r1"));
    at += (size_t)snprintf(keys + at, sizeof(keys) - at, "%s,", kid_json(short_rsa, "short"));
    at += (size_t)snprintf(keys + at, sizeof(keys) - at, "%s,", kid_json(ec, "e1"));
    (void)snprintf(keys + at, sizeof(keys) - at,
                   "{\"kty\":\"oct\",\"kid\":\"o1\",\"k\":\"c2VjcmV0\"},7,{\"kty\":9}]}");
    (void)snprintf(only_kid, sizeof(only_kid), "{\"keys\":[%s]}", kid_json(rsa, "r1"));
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    (void)cjose_jwk_release(rsa);
    (void)cjose_jwk_release(other_rsa);
    (void)cjose_jwk_release(short_rsa);
    (void)cjose_jwk_release(ec);
    return 0;
}

/* A token of a header and claims as text, signed by a key. */
static void sign(cjose_jwk_t *key, const char *alg, const char *kid, const char *claims,
                 char ret_token[4096])
{
    cjose_err error;
    cjose_header_t *header = cjose_header_new(&error);
    const char *text = NULL;

    assert_true(cjose_header_set(header, CJOSE_HDR_ALG, alg, &error));
    assert_true(!kid || cjose_header_set(header, CJOSE_HDR_KID, kid, &error));
    cjose_jws_t *jws = cjose_jws_sign(key, header, (const uint8_t *)claims, strlen(claims), &error);
    assert_true(jws && cjose_jws_export(jws, &text, &error));
    (void)snprintf(ret_token, 4096, "%s", text);
    cjose_jws_release(jws);
    cjose_header_release(header);
}

static enum oidc_flaw check_with(const char *token, const char *set, unsigned algorithms)
{
    struct oidc_token_rules rules = {.provider = &provider,
                                     .algorithms = algorithms,
                                     .nonce = STR("n-1"),
                                     .access_token = STR("access"),
                                     .now_s = NOW};
    struct oidc_claims claims = {.is_email_verified = false};
    struct arena arena;

    arena_init(&arena, 65536);
    enum oidc_flaw flaw = oidc_token_check(str_from(token), str_from(set), &rules, &arena, &claims);
    if (flaw == OIDC_FINE) {
        assert_str(claims.subject, "s-1");
    }
    arena_done(&arena);
    return flaw;
}

static enum oidc_flaw check_token(const char *token)
{
    return check_with(token, keys, OIDC_RS256 | OIDC_ES256);
}

static enum oidc_flaw check_claims(const char *claims)
{
    char token[4096];

    sign(rsa, "RS256", "r1", claims, token);
    return check_token(token);
}

#define ISS   "\"iss\":\"https://id.example.org\","
#define AUD   "\"aud\":\"netra\","
#define TIME  "\"exp\":1000060,\"iat\":999990,"
#define NONCE "\"nonce\":\"n-1\","
#define SUB   "\"sub\":\"s-1\""
#define GOOD  "{" ISS AUD TIME NONCE SUB "}"

static void test_claims_are_judged_one_by_one(void **state)
{
    static const struct {
        const char *claims;
        enum oidc_flaw flaw;
    } rows[] = {
        {GOOD, OIDC_FINE},
        {"{" ISS AUD TIME NONCE SUB ",\"email\":\"a@b.org\",\"email_verified\":true}", OIDC_FINE},
        {"{" AUD TIME NONCE SUB "}", OIDC_FLAW_ISSUER},
        {"{\"iss\":\"https://id.example.org/\"," AUD TIME NONCE SUB "}", OIDC_FLAW_ISSUER},
        {"{\"iss\":\"https://ID.example.org\"," AUD TIME NONCE SUB "}", OIDC_FLAW_ISSUER},
        {"{\"iss\":[\"https://id.example.org\"]," AUD TIME NONCE SUB "}", OIDC_FLAW_ISSUER},
        {"{" ISS TIME NONCE SUB "}", OIDC_FLAW_AUDIENCE},
        {"{" ISS "\"aud\":\"other\"," TIME NONCE SUB "}", OIDC_FLAW_AUDIENCE},
        {"{" ISS "\"aud\":[]," TIME NONCE SUB "}", OIDC_FLAW_AUDIENCE},
        {"{" ISS "\"aud\":[\"netra\"]," TIME NONCE SUB "}", OIDC_FINE},
        {"{" ISS "\"aud\":[\"netra\",\"x\"]," TIME NONCE SUB "}", OIDC_FLAW_AUDIENCE},
        {"{" ISS "\"aud\":[\"netra\",\"x\"],\"azp\":\"netra\"," TIME NONCE SUB "}", OIDC_FINE},
        {"{" ISS "\"aud\":[\"netra\",\"x\"],\"azp\":\"x\"," TIME NONCE SUB "}", OIDC_FLAW_AUDIENCE},
        {"{" ISS AUD "\"azp\":\"x\"," TIME NONCE SUB "}", OIDC_FLAW_AUDIENCE},
        {"{" ISS AUD "\"azp\":7," TIME NONCE SUB "}", OIDC_FLAW_AUDIENCE},
        {"{" ISS AUD "\"iat\":999990," NONCE SUB "}", OIDC_FLAW_EXPIRED},
        {"{" ISS AUD "\"exp\":\"1000060\",\"iat\":999990," NONCE SUB "}", OIDC_FLAW_EXPIRED},
        {"{" ISS AUD "\"exp\":999970,\"iat\":999960," NONCE SUB "}", OIDC_FLAW_EXPIRED},
        {"{" ISS AUD "\"exp\":999971,\"iat\":999960," NONCE SUB "}", OIDC_FINE},
        {"{" ISS AUD "\"exp\":1e300,\"iat\":999960," NONCE SUB "}", OIDC_FLAW_EXPIRED},
        {"{" ISS AUD "\"exp\":1000060.5,\"iat\":999990.5," NONCE SUB "}", OIDC_FINE},
        {"{" ISS AUD "\"exp\":1000060," NONCE SUB "}", OIDC_FLAW_ISSUED_AT},
        {"{" ISS AUD "\"exp\":1000060,\"iat\":1000031," NONCE SUB "}", OIDC_FLAW_ISSUED_AT},
        {"{" ISS AUD "\"exp\":1000060,\"iat\":999399," NONCE SUB "}", OIDC_FLAW_ISSUED_AT},
        {"{" ISS AUD TIME SUB "}", OIDC_FLAW_NONCE},
        {"{" ISS AUD TIME "\"nonce\":\"n-2\"," SUB "}", OIDC_FLAW_NONCE},
        {"{" ISS AUD TIME "\"nonce\":\"\"," SUB "}", OIDC_FLAW_NONCE},
        {"{" ISS AUD TIME "\"nonce\":null," SUB "}", OIDC_FLAW_NONCE},
        /* the left half of SHA-256("access") */
        {"{" ISS AUD TIME NONCE SUB ",\"at_hash\":\"XjHaXUPjx8tzT9W8XvW2yQ\"}", OIDC_FLAW_AT_HASH},
        {"{" ISS AUD TIME NONCE SUB ",\"at_hash\":7}", OIDC_FLAW_AT_HASH},
        {"{" ISS AUD TIME NONCE "\"sub\":\"\"}", OIDC_FLAW_SUBJECT},
        {"{" ISS AUD TIME NONCE "\"sub\":7}", OIDC_FLAW_SUBJECT},
        {"{" ISS AUD TIME NONCE SUB ",\"sub\":\"s-2\"}", OIDC_FLAW_MALFORMED},
        {"[]", OIDC_FLAW_MALFORMED},
        {"not json", OIDC_FLAW_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        enum oidc_flaw flaw = check_claims(rows[i].claims);

        if (flaw != rows[i].flaw) {
            fail_msg("%s: %s, not %s", rows[i].claims, oidc_flaw_name(flaw),
                     oidc_flaw_name(rows[i].flaw));
        }
    }
}

static void test_at_hash_is_of_the_access_token(void **state)
{
    unsigned char digest[32];
    unsigned length = sizeof(digest);
    char *text = NULL;
    size_t text_length = 0;
    char claims[512];
    cjose_err error;

    (void)state;
    assert_int_equal(EVP_Digest("access", 6, digest, &length, EVP_sha256(), NULL), 1);
    assert_true(cjose_base64url_encode(digest, 16, &text, &text_length, &error));
    (void)snprintf(claims, sizeof(claims), "{" ISS AUD TIME NONCE SUB ",\"at_hash\":\"%.*s\"}",
                   (int)text_length, text);
    assert_int_equal(check_claims(claims), OIDC_FINE);
    free(text);
}

static void test_keys_and_algorithms(void **state)
{
    char token[4096];

    (void)state;
    sign(ec, "ES256", "e1", GOOD, token);
    assert_int_equal(check_token(token), OIDC_FINE);
    assert_int_equal(check_with(token, keys, OIDC_RS256), OIDC_FLAW_ALGORITHM); /* not offered */
    sign(rsa, "RS256", NULL, GOOD, token);
    assert_int_equal(check_with(token, only_kid, OIDC_RS256), OIDC_FINE);
    assert_int_equal(check_token(token), OIDC_FLAW_KEY); /* two could be meant */
    sign(rsa, "RS256", "e1", GOOD, token);
    assert_int_equal(check_token(token), OIDC_FLAW_KEY); /* of another kind */
    sign(rsa, "RS256", "r2", GOOD, token);
    assert_int_equal(check_token(token), OIDC_FLAW_KEY);
    sign(other_rsa, "RS256", "r1", GOOD, token);
    assert_int_equal(check_token(token), OIDC_FLAW_SIGNATURE);
    sign(short_rsa, "RS256", "short", GOOD, token);
    assert_int_equal(check_token(token), OIDC_FLAW_KEY);
    sign(rsa, "RS512", "r1", GOOD, token);
    assert_int_equal(check_token(token), OIDC_FLAW_ALGORITHM);
    sign(rsa, "PS256", "r1", GOOD, token);
    assert_int_equal(check_token(token), OIDC_FLAW_ALGORITHM);
    sign(rsa, "RS256", "r1", GOOD, token);
    assert_int_equal(check_with(token, "{\"keys\":[]}", OIDC_RS256), OIDC_FLAW_KEY);
    assert_int_equal(check_with(token, "not json", OIDC_RS256), OIDC_FLAW_KEY);
    assert_int_equal(check_with(token, "", OIDC_RS256), OIDC_FLAW_KEY);
}

static void put(char *token, const char *text, size_t length)
{
    size_t used = strlen(token);

    assert_true(used + length < 4096);
    memcpy(token + used, text, length);
    token[used + length] = '\0';
}

static void put_part(char *token, const char *bytes, size_t length)
{
    cjose_err error;
    char *text = NULL;
    size_t text_length = 0;

    assert_true(
        cjose_base64url_encode((const uint8_t *)bytes, length, &text, &text_length, &error));
    put(token, text, text_length);
    free(text);
}

/* A token with any header, signed by HMAC with any bytes; no key: without a signature. */
static void forge(const char *header, const char *claims, const char *key, char ret_token[4096])
{
    unsigned char mac[32];
    unsigned length = sizeof(mac);

    ret_token[0] = '\0';
    put_part(ret_token, header, strlen(header));
    put(ret_token, ".", 1);
    put_part(ret_token, claims, strlen(claims));
    if (key) {
        assert_non_null(HMAC(EVP_sha256(), key, (int)strlen(key), (unsigned char *)ret_token,
                             strlen(ret_token), mac, &length));
    }
    put(ret_token, ".", 1);
    if (key) {
        put_part(ret_token, (const char *)mac, length);
    }
}

static void test_forged_tokens(void **state)
{
    char token[4096];
    char good[4096];

    (void)state;
    forge("{\"alg\":\"none\",\"kid\":\"r1\"}", GOOD, NULL, token);
    assert_int_equal(check_token(token), OIDC_FLAW_ALGORITHM);
    forge("{\"alg\":\"None\"}", GOOD, NULL, token);
    assert_int_equal(check_token(token), OIDC_FLAW_ALGORITHM);
    forge("{\"alg\":\"HS256\",\"kid\":\"r1\"}", GOOD, keys, token);
    assert_int_equal(check_token(token), OIDC_FLAW_ALGORITHM);
    forge("{\"alg\":\"HS256\",\"kid\":\"o1\"}", GOOD, "secret", token);
    assert_int_equal(check_token(token), OIDC_FLAW_ALGORITHM);
    forge("{\"alg\":\"RS256\",\"kid\":\"r1\"}", GOOD, "secret", token);
    assert_int_equal(check_token(token), OIDC_FLAW_SIGNATURE);
    forge("{\"alg\":\"RS256\",\"kid\":\"r1\"}", GOOD, NULL, token);
    assert_int_not_equal(check_token(token), OIDC_FINE);
    forge("{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"r1\"}", GOOD, NULL, token);
    assert_int_equal(check_token(token), OIDC_FLAW_MALFORMED);
    forge("{\"alg\":[\"RS256\"],\"kid\":\"r1\"}", GOOD, "secret", token);
    assert_int_equal(check_token(token), OIDC_FLAW_ALGORITHM);
    forge("{\"alg\":\"RS256\",\"kid\":\"r1\",\"crit\":[\"x\"]}", GOOD, "secret", token);
    assert_int_equal(check_token(token), OIDC_FLAW_ALGORITHM);
    /* the good one, with other claims between its header and its signature */
    sign(rsa, "RS256", "r1", GOOD, good);
    forge("{}", "{" ISS AUD TIME NONCE "\"sub\":\"s-2\"}", NULL, token);
    char *claims = strchr(token, '.');
    *strrchr(token, '.') = '\0';
    char mixed[8300];
    (void)snprintf(mixed, sizeof(mixed), "%.*s%s%s", (int)(strchr(good, '.') - good), good, claims,
                   strrchr(good, '.'));
    assert_int_equal(check_token(mixed), OIDC_FLAW_SIGNATURE);
}

static void test_what_is_no_token(void **state)
{
    static const char *const texts[] = {"",
                                        ".",
                                        "..",
                                        "...",
                                        "a.b",
                                        "a.b.c",
                                        "a.b.c.d",
                                        "!.!.!",
                                        "eyJhbGciOiJSUzI1NiJ9",
                                        "eyJhbGciOiJSUzI1NiJ9..",
                                        "W10.W10.W10"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (check_token(texts[i]) != OIDC_FLAW_MALFORMED) {
            fail_msg("'%s': %s", texts[i], oidc_flaw_name(check_token(texts[i])));
        }
    }
}

static enum oidc_flaw read_userinfo(const char *text, struct oidc_claims *claims)
{
    struct arena arena;

    *claims = (struct oidc_claims){.subject = STR("s-1")};
    arena_init(&arena, 65536);
    enum oidc_flaw flaw = oidc_userinfo_read(str_from(text), &arena, claims);
    arena_done(&arena);
    return flaw;
}

static void test_userinfo_is_of_the_same_subject(void **state)
{
    struct oidc_claims claims;

    (void)state;
    assert_int_equal(read_userinfo("{\"sub\":\"s-1\",\"email\":\"a@b.org\"}", &claims), OIDC_FINE);
    assert_false(claims.is_email_verified);
    assert_int_equal(read_userinfo("{\"sub\":\"s-1\",\"email_verified\":true}", &claims),
                     OIDC_FINE);
    assert_true(claims.is_email_verified);
    assert_int_equal(read_userinfo("{\"sub\":\"s-1\",\"email_verified\":\"true\"}", &claims),
                     OIDC_FINE);
    assert_false(claims.is_email_verified);
    assert_int_equal(read_userinfo("{\"sub\":\"s-2\",\"email\":\"a@b.org\"}", &claims),
                     OIDC_FLAW_SUBJECT);
    assert_int_equal(read_userinfo("{\"email\":\"a@b.org\"}", &claims), OIDC_FLAW_SUBJECT);
    assert_int_equal(read_userinfo("[]", &claims), OIDC_FLAW_MALFORMED);
    assert_int_equal(read_userinfo("", &claims), OIDC_FLAW_MALFORMED);
}

static void test_who_may_come_in(void **state)
{
    static const struct oidc_provider plain = {.domains = {STR("example.org"), STR("b.org")},
                                               .domain_count = 2};
    static const struct oidc_provider google = {
        .is_google = true, .domains = {STR("example.org")}, .domain_count = 1};
    static const struct oidc_provider gmail = {
        .is_google = true, .domains = {STR("gmail.com")}, .domain_count = 1};
    static const struct {
        const struct oidc_provider *provider;
        struct oidc_claims claims;
        enum oidc_flaw flaw;
    } rows[] = {
        {&plain, {.email = STR("A@Example.org"), .is_email_verified = true}, OIDC_FINE},
        {&plain, {.email = STR("a@example.org")}, OIDC_FLAW_UNVERIFIED},
        {&plain, {.is_email_verified = true}, OIDC_FLAW_EMAIL},
        {&plain,
         {.email = STR("a@example.org.evil.com"), .is_email_verified = true},
         OIDC_FLAW_DOMAIN},
        {&plain, {.email = STR("a@evilexample.org"), .is_email_verified = true}, OIDC_FLAW_DOMAIN},
        {&plain, {.email = STR("a@exämple.org"), .is_email_verified = true}, OIDC_FLAW_EMAIL},
        {&plain,
         {.email = STR("\"a@example.org\"@evil.com"), .is_email_verified = true},
         OIDC_FLAW_EMAIL},
        {&plain, {.email = STR("a@example.org."), .is_email_verified = true}, OIDC_FLAW_EMAIL},
        {&google,
         {.email = STR("a@example.org"), .is_email_verified = true},
         OIDC_FLAW_HOSTED_DOMAIN},
        {&google,
         {.email = STR("a@example.org"),
          .is_email_verified = true,
          .hosted_domain = STR("Example.org")},
         OIDC_FINE},
        {&google,
         {.email = STR("a@example.org"),
          .is_email_verified = true,
          .hosted_domain = STR("evil.com")},
         OIDC_FLAW_HOSTED_DOMAIN},
        {&gmail, {.email = STR("a@gmail.com"), .is_email_verified = true}, OIDC_FINE},
    };
    char email[ACCOUNTS_EMAIL_MAX + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        enum oidc_flaw flaw = oidc_claims_judge(&rows[i].claims, rows[i].provider, email);

        if (flaw != rows[i].flaw) {
            fail_msg("row %zu: %s, not %s", i, oidc_flaw_name(flaw), oidc_flaw_name(rows[i].flaw));
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_claims_are_judged_one_by_one),
    cmocka_unit_test(test_at_hash_is_of_the_access_token),
    cmocka_unit_test(test_keys_and_algorithms),
    cmocka_unit_test(test_forged_tokens),
    cmocka_unit_test(test_what_is_no_token),
    cmocka_unit_test(test_userinfo_is_of_the_same_subject),
    cmocka_unit_test(test_who_may_come_in),
};

int main(void)
{
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
