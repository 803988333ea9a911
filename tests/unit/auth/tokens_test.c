/*
 * Access tokens: what is made here is verified, and each way to forge one is refused with its flaw.
 * Forged ones are put together by hand and signed by OpenSSL, not by the code under test; what is
 * to be looked at beyond the signature is signed with our own key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "accounts_fixture.h"

#include <cjose/jws.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "auth/base64url.h"

static const struct signing_key *our_key(void)
{
    return signing_keys_current(&desk.auth->signing_keys);
}

static void append_base64url(char *text, size_t size, const void *bytes, size_t count)
{
    size_t length = strlen(text);

    assert_true(length + BASE64URL_LENGTH(count) < size);
    base64url_encode(bytes, count, text + length);
}

static void append(char *text, size_t size, const char *more)
{
    size_t length = strlen(text);

    assert_true(length + strlen(more) < size);
    memcpy(text + length, more, strlen(more) + 1);
}

/* header.payload */
static void begin_forged(char *text, size_t size, const char *header, const char *payload)
{
    text[0] = '\0';
    append_base64url(text, size, header, strlen(header));
    append(text, size, ".");
    append_base64url(text, size, payload, strlen(payload));
}

/* A token of any payload, signed with the key that is in force. */
static void sign_payload(char token[AUTH_TOKEN_BYTES_MAX], const char *typ, const char *payload)
{
    cjose_header_t *header = cjose_header_new(NULL);
    const char *text;

    assert_non_null(header);
    assert_true(cjose_header_set(header, "alg", "ES256", NULL));
    assert_true(cjose_header_set(header, "kid", our_key()->id, NULL));
    if (typ) {
        assert_true(cjose_header_set(header, "typ", typ, NULL));
    }
    cjose_jws_t *jws =
        cjose_jws_sign(our_key()->jwk, header, (const uint8_t *)payload, strlen(payload), NULL);
    assert_non_null(jws);
    assert_true(cjose_jws_export(jws, &text, NULL));
    (void)snprintf(token, AUTH_TOKEN_BYTES_MAX, "%s", text);
    cjose_jws_release(jws);
    cjose_header_release(header);
}

static enum auth_flaw flaw_of(const char *token)
{
    struct token_claims claims;

    return tokens_check(&desk.auth->tokens, str_from(token), clock_now_us(), &claims);
}

#define EXPECT(token, expected)                                                                    \
    do {                                                                                           \
        enum auth_flaw got_ = flaw_of(token);                                                      \
        if (got_ != (expected)) {                                                                  \
            fail_msg("'%s' is %s", token, auth_flaw_name(got_));                                   \
        }                                                                                          \
    } while (0)

/* The claims of a good token with one replaced: name NULL: none; value NULL: left out. */
static void print_claims(char *text, size_t size, const char *name, const char *value)
{
    int64_t now_s = clock_now_us() / SECOND_US;
    char times[3][32];
    const char *const claims[][2] = {
        {"iss", "\"" DESK_URL "\""},
        {"aud", "\"netra\""},
        {"sub", "\"u\""},
        {"sid", "\"s\""},
        {"ws", "\"default\""},
        {"role", "\"admin\""},
        {"scope", "\"read run\""},
        {"iat", times[0]},
        {"nbf", times[1]},
        {"exp", times[2]},
        {"jti", "\"j\""},
    };
    size_t length = 0;

    (void)snprintf(times[0], sizeof(times[0]), "%lld", (long long)now_s);
    (void)snprintf(times[1], sizeof(times[1]), "%lld", (long long)now_s);
    (void)snprintf(times[2], sizeof(times[2]), "%lld", (long long)now_s + 600);
    for (size_t i = 0; i < ARRAY_LENGTH(claims); i++) {
        bool is_it = name && strcmp(name, claims[i][0]) == 0;

        if (!is_it || value) {
            length +=
                (size_t)snprintf(text + length, size - length, "%c\"%s\":%s", length ? ',' : '{',
                                 claims[i][0], is_it ? value : claims[i][1]);
        }
    }
    (void)snprintf(text + length, size - length, "}");
}

static void test_what_is_made_is_verified(void **state)
{
    struct token_claims claims = {.user_id = "u",
                                  .session_id = "s",
                                  .workspace_id = "default",
                                  .role = AUTH_ROLE_ANALYST,
                                  .scopes = AUTH_SCOPE_READ | AUTH_SCOPE_RUN,
                                  .expires_s = clock_now_us() / SECOND_US + 60};
    struct token_claims read = {0};
    char token[AUTH_TOKEN_BYTES_MAX];
    struct tokens *tokens = &desk.auth->tokens;

    (void)state;
    assert_int_equal(tokens_make(tokens, &claims, clock_now_us(), token), OK);
    assert_int_equal(tokens_check(tokens, str_from(token), clock_now_us(), &read), AUTH_FLAW_NONE);
    assert_string_equal(read.user_id, "u");
    assert_string_equal(read.session_id, "s");
    assert_string_equal(read.client_id, "");
    assert_string_equal(read.workspace_id, "default");
    assert_int_equal(read.role, AUTH_ROLE_ANALYST);
    assert_int_equal(read.scopes, AUTH_SCOPE_READ | AUTH_SCOPE_RUN);
    /* the second time without looking at the signature; the end holds all the same */
    uint64_t verified = tokens->verified;
    EXPECT(token, AUTH_FLAW_NONE);
    assert_int_equal(tokens->verified, verified);
    assert_int_equal(tokens_check(tokens, str_from(token), claims.expires_s * SECOND_US, &read),
                     AUTH_FLAW_EXPIRED);
    assert_int_equal(
        tokens_check(tokens, str_from(token), clock_now_us() - 3600 * SECOND_US, &read),
        AUTH_FLAW_NOT_YET);
    /* a clock that was set back a little voids nothing */
    assert_int_equal(tokens_check(tokens, str_from(token), clock_now_us() - 20 * SECOND_US, &read),
                     AUTH_FLAW_NONE);
    auth_set_url(desk.auth, "https://other.example.org");
    EXPECT(token, AUTH_FLAW_ISSUER);
}

static void test_the_table_of_claims(void **state)
{
    char late[32];
    char payload[2048];
    char token[AUTH_TOKEN_BYTES_MAX];

    (void)state;
    (void)snprintf(late, sizeof(late), "%lld", (long long)(clock_now_us() / SECOND_US) + 300);
    const struct {
        const char *name;
        const char *value;
        enum auth_flaw flaw;
    } cases[] = {
        {NULL, NULL, AUTH_FLAW_NONE},
        {"iss", "\"https://evil.example\"", AUTH_FLAW_ISSUER},
        {"iss", "\"" DESK_URL "/\"", AUTH_FLAW_ISSUER},
        {"iss", "[\"" DESK_URL "\"]", AUTH_FLAW_ISSUER},
        {"iss", NULL, AUTH_FLAW_ISSUER},
        {"aud", "\"other\"", AUTH_FLAW_AUDIENCE},
        {"aud", "\"Netra\"", AUTH_FLAW_AUDIENCE},
        {"aud", "[\"netra\",\"other\"]", AUTH_FLAW_AUDIENCE},
        {"aud", NULL, AUTH_FLAW_AUDIENCE},
        {"exp", "1", AUTH_FLAW_EXPIRED},
        {"exp", "-1", AUTH_FLAW_EXPIRED},
        {"exp", "\"9999999999\"", AUTH_FLAW_MALFORMED},
        {"exp", "9999999999.5", AUTH_FLAW_MALFORMED},
        {"exp", "1e300", AUTH_FLAW_MALFORMED},
        {"exp", "99999999999999999999", AUTH_FLAW_MALFORMED},
        {"exp", "null", AUTH_FLAW_MALFORMED},
        {"exp", NULL, AUTH_FLAW_MALFORMED},
        {"nbf", late, AUTH_FLAW_NOT_YET},
        {"iat", late, AUTH_FLAW_NOT_YET},
        {"nbf", NULL, AUTH_FLAW_MALFORMED},
        {"jti", NULL, AUTH_FLAW_MALFORMED},
        {"sub", NULL, AUTH_FLAW_MALFORMED},
        {"sub", "{\"a\":{\"\\u0000\":[]}}", AUTH_FLAW_MALFORMED},
        {"sub", "\"u\\u0000x\"", AUTH_FLAW_MALFORMED},
        {"sub", "\"01234567890123456789012345678901234567890\"", AUTH_FLAW_MALFORMED},
        {"ws", "17", AUTH_FLAW_MALFORMED},
        {"scope", "\"read root\"", AUTH_FLAW_MALFORMED},
        {"scope", "15", AUTH_FLAW_MALFORMED},
        {"sid", "7", AUTH_FLAW_MALFORMED},
        /* two of a name: who reads the first and who reads the last would differ */
        {"aud", "\"netra\",\"aud\":\"netra\"", AUTH_FLAW_MALFORMED},
        {"sub", "\"u\",\"sub\":\"root\"", AUTH_FLAW_MALFORMED},
        {"sub", "\"u\",\"\\u0073ub\":\"root\"", AUTH_FLAW_MALFORMED},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        print_claims(payload, sizeof(payload), cases[i].name, cases[i].value);
        sign_payload(token, "at+jwt", payload);
        enum auth_flaw got = flaw_of(token);

        if (got != cases[i].flaw) {
            fail_msg("%s is %s", payload, auth_flaw_name(got));
        }
    }
    sign_payload(token, "at+jwt", "[]");
    EXPECT(token, AUTH_FLAW_MALFORMED);
    sign_payload(token, "at+jwt", "not JSON");
    EXPECT(token, AUTH_FLAW_MALFORMED);
    sign_payload(token, "at+jwt", "\"\xff\xfe\"");
    EXPECT(token, AUTH_FLAW_MALFORMED);
    print_claims(payload, sizeof(payload), NULL, NULL);
    sign_payload(token, "JWT", payload); /* an ID token, say */
    EXPECT(token, AUTH_FLAW_MALFORMED);
    sign_payload(token, NULL, payload);
    EXPECT(token, AUTH_FLAW_MALFORMED);
}

/* Headers of tokens whose signature is of another kind or of nobody. %s: our kid. */
static void test_the_table_of_headers(void **state)
{
    static const struct {
        const char *header;
        enum auth_flaw flaw;
    } cases[] = {
        {"{\"alg\":\"none\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", AUTH_FLAW_ALGORITHM},
        {"{\"alg\":\"None\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", AUTH_FLAW_ALGORITHM},
        {"{\"alg\":\"NONE\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", AUTH_FLAW_ALGORITHM},
        {"{\"alg\":\"nOnE\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", AUTH_FLAW_ALGORITHM},
        {"{\"alg\":\"\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", AUTH_FLAW_ALGORITHM},
        {"{\"alg\":null,\"kid\":\"%s\",\"typ\":\"at+jwt\"}", AUTH_FLAW_ALGORITHM},
        {"{\"alg\":[\"ES256\"],\"kid\":\"%s\",\"typ\":\"at+jwt\"}", AUTH_FLAW_ALGORITHM},
        {"{\"kid\":\"%s\",\"typ\":\"at+jwt\"}", AUTH_FLAW_ALGORITHM},
        {"{\"alg\":\"HS256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", AUTH_FLAW_ALGORITHM},
        {"{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", AUTH_FLAW_ALGORITHM},
        {"{\"alg\":\"ES384\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", AUTH_FLAW_ALGORITHM},
        {"{\"alg\":\"es256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", AUTH_FLAW_ALGORITHM},
        {"{\"alg\":\"ES256\\u0000\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", AUTH_FLAW_ALGORITHM},
        {"{\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"%s\"}", AUTH_FLAW_MALFORMED},
        {"{\"alg\":\"ES256\",\"alg\":\"none\",\"kid\":\"%s\"}", AUTH_FLAW_MALFORMED},
        {"{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", AUTH_FLAW_KEY},
        {"{\"alg\":\"ES256\",\"kid\":\"nobody\",\"typ\":\"at+jwt\"}", AUTH_FLAW_KEY},
        {"{\"alg\":\"ES256\",\"kid\":\"\",\"typ\":\"at+jwt\"}", AUTH_FLAW_KEY},
        {"{\"alg\":\"ES256\",\"kid\":7,\"typ\":\"at+jwt\"}", AUTH_FLAW_KEY},
        {"{\"alg\":\"ES256\",\"kid\":\"../../../../dev/null\",\"typ\":\"at+jwt\"}", AUTH_FLAW_KEY},
        {"{\"alg\":\"ES256\",\"kid\":\"x' UNION SELECT 'y\",\"typ\":\"at+jwt\"}", AUTH_FLAW_KEY},
        {"{\"alg\":\"ES256\",\"kid\":\"%s\\u0000\",\"typ\":\"at+jwt\"}", AUTH_FLAW_KEY},
        {"{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\",\"jwk\":{\"kty\":\"EC\"}}",
         AUTH_FLAW_KEY},
        {"{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\",\"jku\":\"https://evil.example\"}",
         AUTH_FLAW_KEY},
        {"{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\",\"x5u\":\"https://evil.example\"}",
         AUTH_FLAW_KEY},
        {"{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\",\"x5c\":[\"MII\"]}", AUTH_FLAW_KEY},
        {"{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\",\"crit\":[\"exp\"]}",
         AUTH_FLAW_MALFORMED},
        {"{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\",\"b64\":false}",
         AUTH_FLAW_MALFORMED},
        {"{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\"}", AUTH_FLAW_MALFORMED},
        {"{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", AUTH_FLAW_SIGNATURE},
        {"[\"ES256\"]", AUTH_FLAW_MALFORMED},
        {"", AUTH_FLAW_MALFORMED},
        {"{", AUTH_FLAW_MALFORMED},
    };
    static const char *const signatures[] = {
        "", "AAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    char header[512];
    char payload[2048];
    char token[AUTH_TOKEN_BYTES_MAX];

    (void)state;
    print_claims(payload, sizeof(payload), NULL, NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        (void)snprintf(header, sizeof(header), cases[i].header, our_key()->id);
        for (size_t k = 0; k < ARRAY_LENGTH(signatures); k++) {
            begin_forged(token, sizeof(token), header, payload);
            append(token, sizeof(token), ".");
            append(token, sizeof(token), signatures[k]);
            enum auth_flaw got = flaw_of(token);

            if (got != cases[i].flaw) {
                fail_msg("%s with '%s' is %s", header, signatures[k], auth_flaw_name(got));
            }
        }
    }
}

static void sign_hmac(char *token, size_t size, const void *key, size_t key_bytes)
{
    unsigned char mac[32];
    unsigned length = sizeof(mac);

    assert_non_null(HMAC(EVP_sha256(), key, (int)key_bytes, (const unsigned char *)token,
                         strlen(token), mac, &length));
    append(token, size, ".");
    append_base64url(token, size, mac, length);
}

static void test_the_public_key_is_no_secret(void **state)
{
    char header[512];
    char payload[2048];
    char token[AUTH_TOKEN_BYTES_MAX];

    (void)state;
    print_claims(payload, sizeof(payload), NULL, NULL);
    (void)snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}",
                   our_key()->id);
    begin_forged(token, sizeof(token), header, payload);
    sign_hmac(token, sizeof(token), our_key()->public_jwk, strlen(our_key()->public_jwk));
    EXPECT(token, AUTH_FLAW_ALGORITHM);
    begin_forged(token, sizeof(token), header, payload);
    sign_hmac(token, sizeof(token), "", 0);
    EXPECT(token, AUTH_FLAW_ALGORITHM);
    /* the same signature under our algorithm's name is just no signature */
    (void)snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}",
                   our_key()->id);
    begin_forged(token, sizeof(token), header, payload);
    sign_hmac(token, sizeof(token), our_key()->public_jwk, strlen(our_key()->public_jwk));
    EXPECT(token, AUTH_FLAW_SIGNATURE);
}

/* Another key of the same curve, and our signature in the form that X.509 has it in. */
static void test_signatures_of_others_and_in_other_forms(void **state)
{
    char payload[2048];
    char token[AUTH_TOKEN_BYTES_MAX];
    char forged[AUTH_TOKEN_BYTES_MAX];
    unsigned char raw[64];
    unsigned char der[80] = {0x30, 0x46, 0x02, 0x21, 0x00};
    size_t count;

    (void)state;
    print_claims(payload, sizeof(payload), NULL, NULL);
    sign_payload(token, "at+jwt", payload);
    EXPECT(token, AUTH_FLAW_NONE);
    size_t dot = strlen(token) - BASE64URL_LENGTH(64);
    assert_true(base64url_decode(str_from(token + dot), raw, &count));
    assert_int_equal(count, 64);

    memcpy(der + 5, raw, 32);
    memcpy(der + 37, (const unsigned char[]){0x02, 0x21, 0x00}, 3);
    memcpy(der + 40, raw + 32, 32);
    memcpy(forged, token, dot);
    forged[dot] = '\0';
    append_base64url(forged, sizeof(forged), der, 72);
    EXPECT(forged, AUTH_FLAW_SIGNATURE);

    for (size_t cut = 1; cut <= BASE64URL_LENGTH(64); cut += 17) { /* cut off */
        memcpy(forged, token, strlen(token) + 1);
        forged[strlen(token) - cut] = '\0';
        EXPECT(forged, AUTH_FLAW_SIGNATURE);
    }
    memcpy(forged, token, strlen(token) + 1);
    forged[dot - 1] = '\0'; /* with its dot */
    EXPECT(forged, AUTH_FLAW_MALFORMED);
    memcpy(forged, token, strlen(token) + 1);
    append(forged, sizeof(forged), "=");
    EXPECT(forged, AUTH_FLAW_SIGNATURE);
    memcpy(forged, token, strlen(token) + 1);
    append(forged, sizeof(forged), ".AAAA");
    EXPECT(forged, AUTH_FLAW_MALFORMED);
    memcpy(forged, token, strlen(token) + 1);
    forged[strlen(token) - 1]++; /* bits behind the end: the same bytes, another text */
    EXPECT(forged, AUTH_FLAW_SIGNATURE);
    for (size_t i = 0; i < 64; i += 7) { /* a bit of the signature */
        unsigned char other[64];
        memcpy(other, raw, sizeof(other));
        other[i] ^= 1;
        memcpy(forged, token, dot);
        forged[dot] = '\0';
        append_base64url(forged, sizeof(forged), other, 64);
        EXPECT(forged, AUTH_FLAW_SIGNATURE);
    }

    cjose_jwk_t *theirs = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, NULL);
    struct signing_key *ours = (struct signing_key *)our_key();
    cjose_jwk_t *kept = ours->jwk;
    print_claims(payload, sizeof(payload), "role", "\"viewer\"");
    ours->jwk = theirs; /* signs under our kid */
    sign_payload(token, "at+jwt", payload);
    ours->jwk = kept;
    EXPECT(token, AUTH_FLAW_SIGNATURE);
    (void)cjose_jwk_release(theirs);
}

static void test_what_is_no_token_at_all(void **state)
{
    static const char *const texts[] = {
        "",
        ".",
        "..",
        "...",
        "a",
        "a.b",
        "a.b.c",
        "netra_key",
        "{}",
        "{\"payload\":\"e30\",\"protected\":\"e30\",\"signature\":\"e30\"}",
        "\xf0\x9f\x92\xa9.\xf0\x9f\x92\xa9.\xf0\x9f\x92\xa9",
        "!.!.!",
        "eyJhbGciOiJFUzI1NiJ9 .e30.e30",
    };
    static char huge[100000];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        EXPECT(texts[i], AUTH_FLAW_MALFORMED);
    }
    EXPECT("e30.e30.", AUTH_FLAW_ALGORITHM); /* {}.{}. */
    memset(huge, 'A', sizeof(huge) - 1);
    huge[500] = '.';
    huge[50000] = '.';
    assert_int_equal(flaw_of(huge), AUTH_FLAW_MALFORMED);
    huge[4000] = '\0';
    assert_int_equal(flaw_of(huge), AUTH_FLAW_MALFORMED);
}

static void test_keys_rotate_and_old_tokens_stay(void **state)
{
    char before[AUTH_TOKEN_BYTES_MAX];
    char after[AUTH_TOKEN_BYTES_MAX];
    char kid[UUID_BYTES];
    cleanup(buf_done) struct buf jwks;

    (void)state;
    struct auth_caller admin = set_up_admin();
    memcpy(before, outcome.grant.access_token, sizeof(before));
    memcpy(kid, our_key()->id, sizeof(kid));
    assert_int_equal(came_to(BEGIN(accounts_rotate_keys(desk.auth, &admin, &desk_origin, DONE))),
                     OK);
    assert_string_not_equal(our_key()->id, kid);
    assert_int_equal(JUDGE(.bearer = before), AUTH_OK);
    assert_int_equal(try_login(DESK_EMAIL, DESK_PASSWORD, AUTH_SESSION_TOKENS), OK);
    memcpy(after, outcome.grant.access_token, sizeof(after));
    desk_reopen();
    assert_int_equal(JUDGE(.bearer = before), AUTH_OK);
    assert_int_equal(JUDGE(.bearer = after), AUTH_OK);
    buf_init(&jwks, 8192);
    struct json_writer w = json_writer_on(&jwks);
    accounts_write_jwks(desk.auth, &w);
    assert_true(str_find(buf_str(&jwks), str_from(kid), 0) != SIZE_MAX);
    assert_true(str_find(buf_str(&jwks), str_from(our_key()->id), 0) != SIZE_MAX);
    assert_true(str_find(buf_str(&jwks), STR("\"d\""), 0) == SIZE_MAX);
    /* after its time it is neither published nor believed */
    struct signing_keys *keys = &desk.auth->signing_keys;
    assert_non_null(signing_keys_find(keys, str_from(kid), clock_now_us()));
    assert_null(signing_keys_find(keys, str_from(kid), clock_now_us() + 931 * SECOND_US));
    assert_int_equal(audit_lines("default", "signing_key.rotated", NULL), 1);
}

static void test_another_secret_opens_nothing(void **state)
{
    (void)state;
    desk_flush();
    auth_free(desk.auth);
    desk.secret = "another secret of at least 32 characters";
    assert_int_equal(desk_try_open(), ERR_INVALID);
    assert_non_null(strstr(desk.error.message, "secret does not open"));
    assert_string_not_equal(desk.error.hint, "");
    desk.secret = "too short";
    assert_int_equal(desk_try_open(), ERR_INVALID);
    desk.secret = DESK_SECRET;
    assert_int_equal(desk_try_open(), OK);
}

static const struct CMUnitTest tests[] = {
#define CASE(test) cmocka_unit_test_setup_teardown(test, desk_set_up, desk_tear_down)
    CASE(test_what_is_made_is_verified),
    CASE(test_the_table_of_claims),
    CASE(test_the_table_of_headers),
    CASE(test_the_public_key_is_no_secret),
    CASE(test_signatures_of_others_and_in_other_forms),
    CASE(test_what_is_no_token_at_all),
    CASE(test_keys_rotate_and_old_tokens_stay),
    CASE(test_another_secret_opens_nothing),
};

UNIT_MAIN(tests)
