/*
 * The header is read and judged before cjose sees the token: cjose looks at the algorithm in it,
 * and would take a token in JSON form as well.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/tokens.h"

#include <cjose/jws.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "auth/base64url.h"
#include "base/alloc.h"
#include "base/check.h"
#include "base/civil_time.h"

#define HEADER_CHARACTERS_MAX 512u
#define SIGNATURE_BYTES       64u
#define CLAIMS_MAX            32u /* members of one object; ours have 12 */
#define ALGORITHM             "ES256"
#define TYPE                  "at+jwt"

struct token_cached {
    struct secret_hash hash;
    int64_t expires_s; /* 0: empty */
    struct token_claims claims;
};

int tokens_init(struct tokens *tokens, struct signing_keys *keys, const struct jwks *others)
{
    *tokens = (struct tokens){.keys = keys, .others = others, .issuer = ""};
    check(!keys != !others);
    tokens->bytes = alloc_zeroed(AUTH_TOKEN_BYTES_MAX, 1);
    tokens->cache =
        alloc_zeroed((size_t)TOKENS_CACHE_SETS * TOKENS_CACHE_WAYS, sizeof(struct token_cached));
    if (!tokens->bytes || !tokens->cache) {
        return ERR_NO_MEMORY;
    }
    return json_parser_new(AUTH_TOKEN_BYTES_MAX, &tokens->parser);
}

void tokens_done(struct tokens *tokens)
{
    json_parser_free(tokens->parser);
    alloc_free(tokens->bytes);
    alloc_free(tokens->cache);
    *tokens = (struct tokens){0};
}

void tokens_set_issuer(struct tokens *tokens, const char *issuer)
{
    tokens->issuer = issuer;
    memset(tokens->cache, 0,
           (size_t)TOKENS_CACHE_SETS * TOKENS_CACHE_WAYS * sizeof(struct token_cached));
}

/* ---- making ---- */

static void put_text(struct json_writer *w, const char *name, const char *value)
{
    json_key(w, name);
    json_put_text(w, value);
}

static void put_scope(struct json_writer *w, unsigned scopes)
{
    char text[32] = "";
    size_t length = 0;

    for (unsigned scope = AUTH_SCOPE_READ; scope <= AUTH_SCOPE_ADMIN; scope *= 2) {
        if (scopes & scope) {
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
                                       length ? " " : "", auth_scope_name(scope));
        }
    }
    put_text(w, "scope", text);
}

static void write_claims(struct json_writer *w, const struct tokens *tokens,
                         const struct token_claims *claims, int64_t now_s, const char *id)
{
    json_begin_object(w);
    put_text(w, "iss", tokens->issuer);
    put_text(w, "aud", TOKENS_AUDIENCE);
    put_text(w, "sub", claims->user_id);
    if (claims->session_id[0]) {
        put_text(w, "sid", claims->session_id);
    }
    if (claims->client_id[0]) {
        put_text(w, "client_id", claims->client_id);
    }
    put_text(w, "ws", claims->workspace_id);
    put_text(w, "role", auth_role_name(claims->role));
    put_scope(w, claims->scopes);
    json_key(w, "iat");
    json_put_i64(w, now_s);
    json_key(w, "nbf");
    json_put_i64(w, now_s);
    json_key(w, "exp");
    json_put_i64(w, claims->expires_s);
    put_text(w, "jti", id);
    json_end_object(w);
}

static void release_header(cjose_header_t **header)
{
    if (*header) {
        cjose_header_release(*header);
    }
}

static void release_jws(cjose_jws_t **jws)
{
    if (*jws) {
        cjose_jws_release(*jws);
    }
}

int tokens_make(const struct tokens *tokens, const struct token_claims *claims, int64_t now_us,
                char token[AUTH_TOKEN_BYTES_MAX])
{
    const struct signing_key *key = signing_keys_current(tokens->keys);
    cleanup(buf_done) struct buf payload;
    char id[UUID_BYTES];
    const char *text = NULL;
    int code = uuid_v7(id, NULL);

    buf_init(&payload, AUTH_TOKEN_BYTES_MAX);
    if (code) {
        return code;
    }
    struct json_writer w = json_writer_on(&payload);
    write_claims(&w, tokens, claims, now_us / SECOND_US, id);
    if (buf_status(&payload)) {
        return buf_status(&payload);
    }
    cleanup(release_header) cjose_header_t *header = cjose_header_new(NULL);
    if (!header || !cjose_header_set(header, CJOSE_HDR_ALG, ALGORITHM, NULL) ||
        !cjose_header_set(header, CJOSE_HDR_KID, key->id, NULL) ||
        !cjose_header_set(header, "typ", TYPE, NULL)) {
        return ERR_NO_MEMORY;
    }
    cleanup(release_jws) cjose_jws_t *jws =
        cjose_jws_sign(key->jwk, header, (const uint8_t *)payload.data, payload.length, NULL);
    if (!jws || !cjose_jws_export(jws, &text, NULL)) {
        return ERR_NO_MEMORY;
    }
    size_t length = strlen(text);
    if (length >= AUTH_TOKEN_BYTES_MAX) {
        return ERR_LIMIT;
    }
    memcpy(token, text, length + 1);
    return OK;
}

/* ---- checking ---- */

struct parts {
    struct str header;
    struct str payload;
    struct str signature;
};

static bool split(struct str token, struct parts *parts)
{
    size_t first = str_find(token, STR("."), 0);
    size_t second = first == SIZE_MAX ? SIZE_MAX : str_find(token, STR("."), first + 1);

    if (second == SIZE_MAX || str_find(token, STR("."), second + 1) != SIZE_MAX) {
        return false;
    }
    *parts = (struct parts){str_slice(token, 0, first), str_slice(token, first + 1, second),
                            str_slice(token, second + 1, token.length)};
    return true;
}

/* A part as a JSON object in which no name comes twice: who reads the first and who reads the last
 * of two would not read the same token. */
static bool parse_object(struct tokens *tokens, struct str part, struct json_value *ret_object)
{
    struct str names[CLAIMS_MAX];
    size_t count = 0;
    size_t length;

    if (!base64url_decode(part, tokens->bytes, &length) ||
        json_parse(tokens->parser, (struct str){(const char *)tokens->bytes, length}, ret_object,
                   NULL) ||
        !json_is(*ret_object, JSON_OBJECT)) {
        return false;
    }
    for (struct json_iterator it = json_iterate(*ret_object); json_next(&it); count++) {
        if (count == CLAIMS_MAX) {
            return false;
        }
        for (size_t i = 0; i < count; i++) {
            if (str_equal(names[i], it.key)) {
                return false;
            }
        }
        names[count] = it.key;
    }
    return true;
}

static bool is_text(struct json_value object, const char *name, struct str expected)
{
    struct str value;

    return json_get_str(json_at(object, name), &value) && str_equal(value, expected);
}

/* Names by which a header may say where its key is. */
static bool names_a_key(struct json_value header)
{
    static const char *const names[] = {"jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"};

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (!json_is(json_at(header, names[i]), JSON_MISSING)) {
            return true;
        }
    }
    return false;
}

/* NULL: it is none of those that are believed. */
static const cjose_jwk_t *find_key(const struct tokens *tokens, struct str kid, int64_t now_us)
{
    const struct signing_key *own =
        tokens->keys ? signing_keys_find(tokens->keys, kid, now_us) : NULL;
    const struct jwks_key *other = tokens->others ? jwks_find(tokens->others, kid) : NULL;

    return own ? own->jwk : other ? other->jwk : NULL;
}

static enum auth_flaw check_header(struct tokens *tokens, struct str part, int64_t now_us,
                                   const cjose_jwk_t **ret_key)
{
    struct json_value header;
    struct str kid;

    if (part.length > HEADER_CHARACTERS_MAX || !parse_object(tokens, part, &header)) {
        return AUTH_FLAW_MALFORMED;
    }
    if (!is_text(header, "alg", STR(ALGORITHM))) {
        return AUTH_FLAW_ALGORITHM;
    }
    if (names_a_key(header) || !json_get_str(json_at(header, "kid"), &kid)) {
        return AUTH_FLAW_KEY;
    }
    if (!is_text(header, "typ", STR(TYPE)) || json_count(header) != 3) {
        return AUTH_FLAW_MALFORMED; /* crit, b64 and whatever else: we write three members */
    }
    *ret_key = find_key(tokens, kid, now_us);
    return *ret_key ? AUTH_FLAW_NONE : AUTH_FLAW_KEY;
}

static bool copy_text(struct json_value object, const char *name, char *into, size_t size)
{
    struct str value;

    if (!json_get_str(json_at(object, name), &value) || value.length >= size ||
        (value.length && memchr(value.data, '\0', value.length))) {
        return false;
    }
    memcpy(into, value.data, value.length);
    into[value.length] = '\0';
    return true;
}

static bool copy_optional(struct json_value object, const char *name, char *into, size_t size)
{
    into[0] = '\0';
    return json_is(json_at(object, name), JSON_MISSING) || copy_text(object, name, into, size);
}

/* "read run": unknown ones are refused. */
static bool read_scopes(struct json_value object, unsigned *ret_scopes)
{
    struct str words;

    return json_get_str(json_at(object, "scope"), &words) && auth_scopes_from(words, ret_scopes);
}

static enum auth_flaw read_claims(const struct tokens *tokens, struct json_value object,
                                  struct token_claims *claims)
{
    char role[16];
    char id[UUID_BYTES];
    int64_t issued_s;

    if (!is_text(object, "iss", str_from(tokens->issuer))) {
        return AUTH_FLAW_ISSUER;
    }
    if (!is_text(object, "aud", STR(TOKENS_AUDIENCE))) {
        return AUTH_FLAW_AUDIENCE;
    }
    if (!json_get_i64(json_at(object, "iat"), &issued_s) ||
        !json_get_i64(json_at(object, "nbf"), &claims->not_before_s) ||
        !json_get_i64(json_at(object, "exp"), &claims->expires_s) ||
        !copy_text(object, "jti", id, sizeof(id)) ||
        !copy_text(object, "role", role, sizeof(role)) ||
        !copy_text(object, "sub", claims->user_id, sizeof(claims->user_id)) ||
        !copy_text(object, "ws", claims->workspace_id, sizeof(claims->workspace_id)) ||
        !copy_optional(object, "sid", claims->session_id, sizeof(claims->session_id)) ||
        !copy_optional(object, "client_id", claims->client_id, sizeof(claims->client_id)) ||
        !read_scopes(object, &claims->scopes)) {
        return AUTH_FLAW_MALFORMED;
    }
    claims->role = auth_role_from(str_from(role));
    if (issued_s > claims->not_before_s) {
        claims->not_before_s = issued_s;
    }
    return AUTH_FLAW_NONE;
}

/* The end is the end; a clock that was set back a little does not void what was made before. */
static enum auth_flaw check_time(const struct token_claims *claims, int64_t now_us)
{
    int64_t now_s = now_us / SECOND_US;

    if (now_s >= claims->expires_s) {
        return AUTH_FLAW_EXPIRED;
    }
    return claims->not_before_s > now_s + AUTH_CLOCK_SKEW_S ? AUTH_FLAW_NOT_YET : AUTH_FLAW_NONE;
}

static bool is_signed(struct tokens *tokens, struct str token, struct str signature,
                      const cjose_jwk_t *key)
{
    size_t length;

    /* raw r and s, not DER */
    if (signature.length != BASE64URL_LENGTH(SIGNATURE_BYTES) ||
        !base64url_decode(signature, tokens->bytes, &length)) {
        return false;
    }
    tokens->verified++;
    cleanup(release_jws) cjose_jws_t *jws = cjose_jws_import(token.data, token.length, NULL);
    return jws && cjose_jws_verify(jws, key, NULL);
}

static struct token_cached *cached_set(const struct tokens *tokens, const struct secret_hash *hash)
{
    return &tokens->cache[(size_t)(hash->bytes[0] | (hash->bytes[1] & 3) << 8) * TOKENS_CACHE_WAYS];
}

static struct token_cached *find_cached(const struct tokens *tokens, const struct secret_hash *hash)
{
    struct token_cached *set = cached_set(tokens, hash);

    for (unsigned i = 0; i < TOKENS_CACHE_WAYS; i++) {
        if (set[i].expires_s && secret_equal(&set[i].hash, hash)) {
            return &set[i];
        }
    }
    return NULL;
}

/* In the place of the one that ends first. */
static void remember(const struct tokens *tokens, const struct secret_hash *hash,
                     const struct token_claims *claims)
{
    struct token_cached *set = cached_set(tokens, hash);
    struct token_cached *place = &set[0];

    for (unsigned i = 1; i < TOKENS_CACHE_WAYS; i++) {
        if (set[i].expires_s < place->expires_s) {
            place = &set[i];
        }
    }
    *place =
        (struct token_cached){.hash = *hash, .expires_s = claims->expires_s, .claims = *claims};
}

enum auth_flaw tokens_check(struct tokens *tokens, struct str token, int64_t now_us,
                            struct token_claims *ret_claims)
{
    const cjose_jwk_t *key = NULL;
    struct json_value object;
    struct parts parts;

    if (token.length >= AUTH_TOKEN_BYTES_MAX) {
        return AUTH_FLAW_MALFORMED;
    }
    struct secret_hash hash = secret_hash_of(token);
    const struct token_cached *cached = find_cached(tokens, &hash);
    if (cached) {
        *ret_claims = cached->claims;
        return check_time(&cached->claims, now_us);
    }
    if (!split(token, &parts)) {
        return AUTH_FLAW_MALFORMED;
    }
    enum auth_flaw flaw = check_header(tokens, parts.header, now_us, &key);
    if (flaw) {
        return flaw;
    }
    if (!is_signed(tokens, token, parts.signature, key)) {
        return AUTH_FLAW_SIGNATURE;
    }
    if (!parse_object(tokens, parts.payload, &object)) {
        return AUTH_FLAW_MALFORMED;
    }
    struct token_claims claims = {0};
    flaw = read_claims(tokens, object, &claims);
    if (flaw == AUTH_FLAW_NONE) {
        flaw = check_time(&claims, now_us);
    }
    if (flaw == AUTH_FLAW_NONE) {
        remember(tokens, &hash, &claims);
        *ret_claims = claims;
    }
    return flaw;
}
