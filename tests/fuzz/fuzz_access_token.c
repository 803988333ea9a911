/*
 * Any bytes as an access token. The first byte says how they are looked at: as the token itself; as
 * header and payload (up to the first NUL, behind it), in base64url, with a signature of nobody; or
 * as a payload that our own key signs, so that what is behind the signature is reached. Nothing of
 * the first two passes; what passes of the third has our issuer and has not ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <cjose/jws.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/base64url.h"
#include "auth/tokens.h"
#include "base/alloc.h"
#include "base/check.h"
#include "base/civil_time.h"

#define NOW_US INT64_C(1790000000000000)
#define ISSUER "https://netra.example.org"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct signing_keys keys;
static struct tokens tokens;

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

/* Keys come out of a store; an empty one, which is open no longer than that. */
static void make_keys(void)
{
    char folder[] = "/tmp/netra-fuzz-XXXXXX";
    struct loop *loop = NULL;
    struct store *store = NULL;
    struct error error = {0};

    check(mkdtemp(folder));
    check(loop_new(1, &loop, &error) == OK);
    check(store_open(loop, folder, &store, &error) == OK);
    check(signing_keys_init(&keys, STR("a secret of at least 32 characters"), DAY_US, DAY_US, store,
                            NOW_US, &error) == OK);
    store_close(store);
    loop_free(loop);
    check(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
    check(tokens_init(&tokens, &keys, NULL) == OK);
    tokens_set_issuer(&tokens, ISSUER);
}

static enum auth_flaw flaw_of(struct str token, struct token_claims *claims)
{
    return tokens_check(&tokens, token, NOW_US, claims);
}

static void try_unsigned(struct str bytes)
{
    struct token_claims claims;
    static char text[BASE64URL_LENGTH(2 * AUTH_TOKEN_BYTES_MAX) + 128];
    const char *nul = memchr(bytes.data, '\0', bytes.length);
    size_t header = nul ? (size_t)(nul - bytes.data) : bytes.length;
    struct str payload = str_slice(bytes, nul ? header + 1 : header, bytes.length);

    if (bytes.length > AUTH_TOKEN_BYTES_MAX) {
        return;
    }
    base64url_encode((const unsigned char *)bytes.data, header, text);
    size_t length = strlen(text);
    text[length++] = '.';
    base64url_encode((const unsigned char *)payload.data, payload.length, text + length);
    length += strlen(text + length);
    text[length++] = '.';
    base64url_encode((const unsigned char[64]){1}, 64, text + length);
    check(flaw_of(str_from(text), &claims) != AUTH_FLAW_NONE);
}

static void try_signed(struct str payload)
{
    cjose_header_t *header = cjose_header_new(NULL);
    const struct signing_key *key = signing_keys_current(&keys);
    struct token_claims claims = {0};
    const char *text = NULL;

    check(header && cjose_header_set(header, "alg", "ES256", NULL) &&
          cjose_header_set(header, "kid", key->id, NULL) &&
          cjose_header_set(header, "typ", "at+jwt", NULL));
    cjose_jws_t *jws =
        cjose_jws_sign(key->jwk, header, (const uint8_t *)payload.data, payload.length, NULL);
    if (jws && cjose_jws_export(jws, &text, NULL) &&
        flaw_of(str_from(text), &claims) == AUTH_FLAW_NONE) {
        check(str_find(payload, STR(ISSUER), 0) != SIZE_MAX ||
              str_find(payload, STR("\\"), 0) != SIZE_MAX);
        check(claims.expires_s > NOW_US / SECOND_US);
        check((claims.scopes & ~(unsigned)AUTH_SCOPE_ALL) == 0);
        check(memchr(claims.user_id, '\0', sizeof(claims.user_id)));
        check(flaw_of(str_from(text), &claims) == AUTH_FLAW_NONE); /* from the cache */
    }
    if (jws) {
        cjose_jws_release(jws);
    }
    cjose_header_release(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct token_claims claims;

    if (!tokens.keys) {
        make_keys();
    }
    if (size < 2) {
        return 0;
    }
    struct str rest = {(const char *)data + 1, size - 1};
    switch (data[0] % 3) {
    case 0:
        check(flaw_of(rest, &claims) != AUTH_FLAW_NONE);
        break;
    case 1:
        try_unsigned(rest);
        break;
    default:
        try_signed(rest);
    }
    return 0;
}
