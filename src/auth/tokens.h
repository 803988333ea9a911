/*
 * tokens: access tokens, JWT signed with ES256 (RFC 7519, RFC 9068 "at+jwt"), made and checked as
 * RFC 8725 has it: the algorithm is a constant, the key is one of ours (or of the auth service that
 * we believe) by its kid, nothing in the header says where a key is.
 *
 *     {"alg":"ES256","kid":"…","typ":"at+jwt"}
 *     {"iss","aud":"netra","sub","sid"?,"client_id"?,"ws","role","scope","iat","nbf","exp","jti"}
 *
 * A token that was verified is remembered by its SHA-256 until it ends, so that it costs one hash
 * the next time. Whether its session still is, is asked by who checks, each time.
 *
 * Private to auth/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_TOKENS_H
#define NETRA_AUTH_TOKENS_H

#include "auth/auth.h"
#include "auth/jwks.h"
#include "auth/secret.h"
#include "auth/signing_keys.h"
#include "json/json_read.h"

#define TOKENS_AUDIENCE   "netra"
#define TOKENS_CACHE_SETS 1024u /* of TOKENS_CACHE_WAYS tokens; about 1 MB */
#define TOKENS_CACHE_WAYS 4u

struct token_claims {
    char user_id[UUID_BYTES];
    char session_id[UUID_BYTES]; /* "": a service token */
    char client_id[UUID_BYTES];  /* of a service token: the session or key that had it made */
    char workspace_id[STORE_ID_BYTES_MAX + 1];
    enum auth_role role; /* for others to read; here the membership counts */
    unsigned scopes;
    int64_t not_before_s;
    int64_t expires_s;
};

struct token_cached;

struct tokens {
    struct signing_keys *keys; /* ours; NULL: another service makes the tokens … */
    const struct jwks *others; /* … and these are its keys */
    const char *issuer;        /* outlives it */
    struct json_parser *parser;
    unsigned char *bytes; /* scratch: a part of a token, decoded */
    struct token_cached *cache;
    uint64_t verified; /* signatures that were looked at */
};

/* Either keys or others; tokens are made with keys only. ERR_NO_MEMORY. */
must_check int tokens_init(struct tokens *tokens, struct signing_keys *keys,
                           const struct jwks *others);
void tokens_done(struct tokens *tokens);

/* Whose tokens they are; what was verified before is forgotten. */
void tokens_set_issuer(struct tokens *tokens, const char *issuer);

/* Writes a token with a NUL. ERR_NO_MEMORY, ERR_IO, ERR_LIMIT (an issuer that is too long). */
must_check int tokens_make(const struct tokens *tokens, const struct token_claims *claims,
                           int64_t now_us, char token[AUTH_TOKEN_BYTES_MAX]);

/* AUTH_FLAW_NONE and *ret_claims, or what is wrong with it. */
enum auth_flaw tokens_check(struct tokens *tokens, struct str token, int64_t now_us,
                            struct token_claims *ret_claims);

#endif
