/*
 * jwks: the keys that another service signs access tokens with, out of its JWK set (RFC 7517): the
 * answer of /.well-known/jwks.json, or what was kept of one.
 *
 *     {"issuer"?: "https://auth.example.org", "keys": [{"kty":"EC","crv":"P-256","kid","x","y" …}]}
 *
 * Only P-256 keys for signatures with a kid are taken, and of them only the public members; the
 * rest of the set is passed over. Pure but for jwks_load and jwks_save. Private to auth/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_JWKS_H
#define NETRA_AUTH_JWKS_H

#include <cjose/jwk.h>

#include "base/buf.h"
#include "base/error.h"

#define JWKS_KEYS_MAX       16u /* usable ones; a set with more is refused */
#define JWKS_BYTES_MAX      65536u
#define JWKS_KID_BYTES_MAX  63u
#define JWKS_PART_BYTES_MAX 64u /* x and y: 43 characters */

struct jwks_key {
    char kid[JWKS_KID_BYTES_MAX + 1];
    char x[JWKS_PART_BYTES_MAX + 1];
    char y[JWKS_PART_BYTES_MAX + 1];
    cjose_jwk_t *jwk;
};

/* Zeroed: empty. */
struct jwks {
    struct jwks_key keys[JWKS_KEYS_MAX];
    size_t count;
};

/* issuer: who the set must be of, where it says so. ERR_INVALID (no set, of another issuer, a kid
 * twice, a point that is not on the curve, no usable key), ERR_LIMIT (too many), ERR_NO_MEMORY. */
must_check int jwks_read(struct str text, struct str issuer, struct jwks *ret_set,
                         struct error *error);
void jwks_done(struct jwks *set);

/* NULL: there is none. */
const struct jwks_key *jwks_find(const struct jwks *set, struct str kid);

bool jwks_equal(const struct jwks *a, const struct jwks *b);

/* The set with its issuer, as jwks_read takes it. */
void jwks_write(const struct jwks *set, struct str issuer, struct buf *out);

/* What jwks_save kept. ERR_NOT_FOUND, ERR_IO, and as jwks_read. Blocks. */
must_check int jwks_load(const char *path, struct str issuer, struct jwks *ret_set,
                         struct error *error);

/* Replaces the file whole: whoever reads finds the old or the new one. Blocks (fsync): for workers.
 * ERR_IO. */
must_check int jwks_save(const char *path, struct str text, struct error *error);

#endif
