/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/oidc_token.h"

#include <cjose/cjose.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "auth/email.h"

#define AT_HASH_BYTES 16u /* the left half of SHA-256 */

static const char *const flaw_names[] = {
    [OIDC_FINE] = "none",
    [OIDC_FLAW_MALFORMED] = "malformed",
    [OIDC_FLAW_ALGORITHM] = "algorithm",
    [OIDC_FLAW_KEY] = "key",
    [OIDC_FLAW_SIGNATURE] = "signature",
    [OIDC_FLAW_ISSUER] = "issuer",
    [OIDC_FLAW_AUDIENCE] = "audience",
    [OIDC_FLAW_EXPIRED] = "expired",
    [OIDC_FLAW_ISSUED_AT] = "issued_at",
    [OIDC_FLAW_NONCE] = "nonce",
    [OIDC_FLAW_AT_HASH] = "at_hash",
    [OIDC_FLAW_SUBJECT] = "subject",
    [OIDC_FLAW_HOSTED_DOMAIN] = "hosted_domain",
    [OIDC_FLAW_EMAIL] = "email",
    [OIDC_FLAW_UNVERIFIED] = "email_unverified",
    [OIDC_FLAW_DOMAIN] = "domain",
    [OIDC_FLAW_NO_MEMORY] = "no_memory",
};

const char *oidc_flaw_name(enum oidc_flaw flaw)
{
    return flaw_names[flaw];
}

static void release_json(json_t **value)
{
    json_decref(*value);
}

static void release_jws(cjose_jws_t **jws)
{
    if (*jws) {
        cjose_jws_release(*jws);
    }
}

static void release_jwk(cjose_jwk_t **jwk)
{
    if (*jwk) {
        (void)cjose_jwk_release(*jwk);
    }
}

static struct str text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_string(value) ? (struct str){json_string_value(value), json_string_length(value)}
                                 : (struct str){NULL, 0};
}

static bool is_equal_secret(struct str a, struct str b)
{
    return a.length == b.length && CRYPTO_memcmp(a.data, b.data, a.length) == 0;
}

/* ---- the header ---- */

/* BASE64URL(header).BASE64URL(claims).BASE64URL(signature): three parts, none of them empty. The
 * header is read here and by cjose from the same bytes with the same library, and has no name
 * twice: both see one algorithm. */
static json_t *read_header(struct str token)
{
    size_t first = str_find(token, STR("."), 0);
    size_t second = first == SIZE_MAX ? SIZE_MAX : str_find(token, STR("."), first + 1);
    uint8_t *bytes = NULL;
    size_t length = 0;
    cjose_err error;

    if (first == 0 || second == SIZE_MAX || second == first + 1 ||
        str_find(token, STR("."), second + 1) != SIZE_MAX ||
        !cjose_base64url_decode(token.data, first, &bytes, &length, &error)) {
        return NULL;
    }
    json_t *header = json_loadb((const char *)bytes, length, JSON_REJECT_DUPLICATES, NULL);
    cjose_get_dealloc()(bytes);
    return header;
}

/* 0: one that we do not take. "crit" names what must be understood, and we understand none of it.
 */
static enum oidc_algorithm algorithm_of(const json_t *header, unsigned allowed)
{
    struct str name = text_of(header, "alg");
    enum oidc_algorithm algorithm = 0;

    if (str_equal(name, STR("RS256"))) {
        algorithm = OIDC_RS256;
    } else if (str_equal(name, STR("ES256"))) {
        algorithm = OIDC_ES256;
    }
    return json_object_get(header, "crit") ? 0 : algorithm & allowed;
}

/* ---- the key ---- */

static bool says(const json_t *key, const char *name, const char *wanted, bool by_default)
{
    const json_t *value = json_object_get(key, name);

    return value ? json_is_string(value) && strcmp(json_string_value(value), wanted) == 0
                 : by_default;
}

static bool is_for(const json_t *key, enum oidc_algorithm algorithm, struct str kid)
{
    bool is_kind = algorithm == OIDC_RS256
                       ? says(key, "kty", "RSA", false) && says(key, "alg", "RS256", true)
                       : says(key, "kty", "EC", false) && says(key, "crv", "P-256", false) &&
                             says(key, "alg", "ES256", true);

    return is_kind && says(key, "use", "sig", true) &&
           (!kid.data || str_equal(text_of(key, "kid"), kid));
}

/* The one key that fits; NULL: none, or without a kid more than one. */
static json_t *find_key(json_t *set, enum oidc_algorithm algorithm, struct str kid)
{
    json_t *keys = json_object_get(set, "keys");
    json_t *found = NULL;

    if (json_array_size(keys) > OIDC_KEYS_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < json_array_size(keys); i++) {
        json_t *key = json_array_get(keys, i);

        if (is_for(key, algorithm, kid)) {
            if (found) {
                return NULL;
            }
            found = key;
        }
    }
    return found;
}

/* Only the public members are handed on: a "k", a certificate or an address in a key is nothing to
 * us. */
static cjose_jwk_t *import_key(const json_t *key, enum oidc_algorithm algorithm)
{
    static const char *const rsa[] = {"kty", "n", "e"};
    static const char *const ec[] = {"kty", "crv", "x", "y"};
    const char *const *names = algorithm == OIDC_RS256 ? rsa : ec;
    size_t count = algorithm == OIDC_RS256 ? ARRAY_LENGTH(rsa) : ARRAY_LENGTH(ec);
    cleanup(release_json) json_t *copy = json_object();
    cjose_err error;

    for (size_t i = 0; i < count; i++) {
        if (!json_is_string(json_object_get(key, names[i])) ||
            json_object_set(copy, names[i], json_object_get(key, names[i]))) {
            return NULL;
        }
    }
    cjose_jwk_t *jwk = cjose_jwk_import_json(copy, &error);
    if (jwk && algorithm == OIDC_RS256 && cjose_jwk_get_keysize(jwk, &error) < OIDC_RSA_BITS_MIN) {
        (void)cjose_jwk_release(jwk);
        return NULL;
    }
    return jwk;
}

static enum oidc_flaw verify(struct str token, struct str keys, const json_t *header,
                             unsigned algorithms, json_t **ret_claims)
{
    enum oidc_algorithm algorithm = algorithm_of(header, algorithms);
    cjose_err error;

    if (!algorithm) {
        return OIDC_FLAW_ALGORITHM;
    }
    cleanup(release_json) json_t *set = json_loadb(keys.data, keys.length, 0, NULL);
    const json_t *key = find_key(set, algorithm, text_of(header, "kid"));
    cleanup(release_jwk) cjose_jwk_t *jwk = key ? import_key(key, algorithm) : NULL;
    if (!jwk) {
        return OIDC_FLAW_KEY;
    }
    cleanup(release_jws) cjose_jws_t *jws = cjose_jws_import(token.data, token.length, &error);
    uint8_t *claims = NULL; /* in the jws */
    size_t length = 0;
    if (!jws) {
        return OIDC_FLAW_MALFORMED;
    }
    if (!cjose_jws_verify(jws, jwk, &error)) {
        return OIDC_FLAW_SIGNATURE;
    }
    if (!cjose_jws_get_plaintext(jws, &claims, &length, &error)) {
        return OIDC_FLAW_MALFORMED;
    }
    *ret_claims = json_loadb((const char *)claims, length, JSON_REJECT_DUPLICATES, NULL);
    return json_is_object(*ret_claims) ? OIDC_FINE : OIDC_FLAW_MALFORMED;
}

/* ---- the claims ---- */

static bool is_for_us(const json_t *claims, struct str client_id)
{
    const json_t *audience = json_object_get(claims, "aud");
    size_t count = json_array_size(audience);
    bool is_named = str_equal(text_of(claims, "aud"), client_id);
    struct str party = text_of(claims, "azp");

    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(audience, i);

        is_named =
            is_named ||
            (json_is_string(one) &&
             str_equal((struct str){json_string_value(one), json_string_length(one)}, client_id));
    }
    if (json_object_get(claims, "azp") || count > 1) {
        is_named = is_named && str_equal(party, client_id);
    }
    return is_named;
}

/* NumericDate: whole seconds or not. */
static bool seconds_of(const json_t *claims, const char *name, int64_t *ret)
{
    const json_t *value = json_object_get(claims, name);
    double seconds = json_number_value(value);

    if (!json_is_number(value) || seconds < 0 || seconds > 1e12) {
        return false;
    }
    *ret = (int64_t)seconds;
    return true;
}

static bool is_hash_of(struct str hash, struct str access_token)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char *text = NULL;
    size_t length = 0;
    cjose_err error;

    if (!access_token.length) {
        return false;
    }
    (void)SHA256((const unsigned char *)access_token.data, access_token.length, digest);
    if (!cjose_base64url_encode(digest, AT_HASH_BYTES, &text, &length, &error)) {
        return false;
    }
    bool is_equal = str_equal(hash, (struct str){text, length});
    cjose_get_dealloc()(text);
    return is_equal;
}

static enum oidc_flaw judge_time(const json_t *claims, int64_t now_s)
{
    int64_t expires = 0;
    int64_t issued = 0;

    if (!seconds_of(claims, "exp", &expires) || now_s >= expires + AUTH_CLOCK_SKEW_S) {
        return OIDC_FLAW_EXPIRED;
    }
    if (!seconds_of(claims, "iat", &issued) || issued > now_s + AUTH_CLOCK_SKEW_S ||
        issued < now_s - OIDC_TOKEN_AGE_MAX_S) {
        return OIDC_FLAW_ISSUED_AT;
    }
    return OIDC_FINE;
}

static enum oidc_flaw judge_claims(const json_t *claims, const struct oidc_token_rules *rules)
{
    struct str subject = text_of(claims, "sub");

    if (!str_equal(text_of(claims, "iss"), rules->provider->issuer)) {
        return OIDC_FLAW_ISSUER;
    }
    if (!is_for_us(claims, rules->provider->client_id)) {
        return OIDC_FLAW_AUDIENCE;
    }
    enum oidc_flaw flaw = judge_time(claims, rules->now_s);
    if (flaw) {
        return flaw;
    }
    struct str nonce = text_of(claims, "nonce");
    if (!nonce.data || !is_equal_secret(nonce, rules->nonce)) {
        return OIDC_FLAW_NONCE;
    }
    if (json_object_get(claims, "at_hash") &&
        !is_hash_of(text_of(claims, "at_hash"), rules->access_token)) {
        return OIDC_FLAW_AT_HASH;
    }
    return subject.length == 0 || subject.length > OIDC_SUBJECT_BYTES_MAX ? OIDC_FLAW_SUBJECT
                                                                          : OIDC_FINE;
}

static bool keep(struct arena *arena, const json_t *object, const char *name, struct str *ret)
{
    struct str text = text_of(object, name);

    if (text.data) {
        *ret = arena_copy(arena, text);
        return ret->data != NULL;
    }
    return true;
}

/* E-mail and name. Verified is what is JSON true: the text "true" may be anybody's word. */
static enum oidc_flaw keep_person(const json_t *object, struct arena *arena,
                                  struct oidc_claims *claims)
{
    claims->is_email_verified = json_is_true(json_object_get(object, "email_verified"));
    return keep(arena, object, "email", &claims->email) &&
                   keep(arena, object, "name", &claims->name)
               ? OIDC_FINE
               : OIDC_FLAW_NO_MEMORY;
}

enum oidc_flaw oidc_token_check(struct str token, struct str keys,
                                const struct oidc_token_rules *rules, struct arena *arena,
                                struct oidc_claims *ret_claims)
{
    cleanup(release_json) json_t *header = read_header(token);
    cleanup(release_json) json_t *claims = NULL;
    struct oidc_claims kept = {.is_email_verified = false};

    if (!json_is_object(header)) {
        return OIDC_FLAW_MALFORMED;
    }
    enum oidc_flaw flaw = verify(token, keys, header, rules->algorithms, &claims);
    if (flaw == OIDC_FINE) {
        flaw = judge_claims(claims, rules);
    }
    if (flaw) {
        return flaw;
    }
    if (!keep(arena, claims, "sub", &kept.subject) ||
        !keep(arena, claims, "hd", &kept.hosted_domain)) {
        return OIDC_FLAW_NO_MEMORY;
    }
    flaw = keep_person(claims, arena, &kept);
    if (flaw == OIDC_FINE) {
        *ret_claims = kept;
    }
    return flaw;
}

enum oidc_flaw oidc_userinfo_read(struct str text, struct arena *arena, struct oidc_claims *claims)
{
    cleanup(release_json) json_t *root =
        json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(root)) {
        return OIDC_FLAW_MALFORMED;
    }
    if (!str_equal(text_of(root, "sub"), claims->subject)) {
        return OIDC_FLAW_SUBJECT;
    }
    return keep_person(root, arena, claims);
}

static enum oidc_flaw judge_hosted_domain(const struct oidc_claims *claims,
                                          const struct oidc_provider *provider)
{
    char folded[EMAIL_DOMAIN_MAX + 1];
    bool must_be = oidc_provider_hosted_domain(provider).length > 0;

    if (!provider->is_google || (!claims->hosted_domain.data && !must_be)) {
        return OIDC_FINE;
    }
    return email_read_domain(claims->hosted_domain, folded) &&
                   oidc_provider_allows(provider, str_from(folded))
               ? OIDC_FINE
               : OIDC_FLAW_HOSTED_DOMAIN;
}

enum oidc_flaw oidc_claims_judge(const struct oidc_claims *claims,
                                 const struct oidc_provider *provider,
                                 char ret_email[ACCOUNTS_EMAIL_MAX + 1])
{
    char email[ACCOUNTS_EMAIL_MAX + 1];

    if (!email_read(claims->email, email)) {
        return OIDC_FLAW_EMAIL;
    }
    if (!claims->is_email_verified) {
        return OIDC_FLAW_UNVERIFIED;
    }
    if (!oidc_provider_allows(provider, email_domain(email))) {
        return OIDC_FLAW_DOMAIN;
    }
    enum oidc_flaw flaw = judge_hosted_domain(claims, provider);
    if (flaw == OIDC_FINE) {
        memcpy(ret_email, email, sizeof(email));
    }
    return flaw;
}
