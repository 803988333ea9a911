/*
 * forged_token: access tokens that a server must not take, made from one that it gave. Pure but for
 * the made-up key of forged_token_sign. Private to verify/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_FORGED_TOKEN_H
#define NETRA_VERIFY_FORGED_TOKEN_H

#include "base/buf.h"
#include "json/json_read.h"

#define FORGED_TOKEN_BYTES_MAX ((size_t)8192)

enum forgery {
    FORGERY_SIGNATURE, /* another signature under the same claims */
    FORGERY_CLAIMS,    /* another role, the same signature */
    FORGERY_AUDIENCE,  /* another aud, the same signature */
    FORGERY_EXPIRED,   /* an exp that is past, the same signature */
    FORGERY_NONE,      /* alg none, no signature */
    FORGERY_OWN_KEY    /* the same claims, signed with a key of our own under the server's kid */
};

/* Whether it has the form of a JWT: three parts of base64url, the first two JSON objects. */
bool token_is_jwt(const char *token);

/* Appends the forged token. ERR_INVALID: not a JWT; ERR_NO_MEMORY, ERR_LIMIT. */
must_check int forged_token_make(const char *token, enum forgery forgery, struct buf *out);

/* The header ("kid" …) or the claims as text of JSON, appended. ERR_INVALID, ERR_LIMIT,
 * ERR_NO_MEMORY. */
must_check int token_part(const char *token, unsigned part, struct buf *out);

/* Whether the key (x and y as JWKS has them, P-256) made the token's signature (ES256). */
bool token_is_signed_by(const char *token, struct str x, struct str y);

#endif
