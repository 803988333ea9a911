/*
 * signing_keys: the ES256 keys of access tokens, newest last:
 *
 *     retired … | current: signs | next: published, so that others know it before it signs
 *
 * A retired key verifies until the last token that it signed has ended (its retires_us). Private
 * halves are sealed in the store, open in memory.
 *
 * Changes are made in memory at once and marked; signing_keys_store writes what is marked, again
 * after a failure. A token of a key that the store never got is void after a restart, no more.
 *
 * Private to auth/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_SIGNING_KEYS_H
#define NETRA_AUTH_SIGNING_KEYS_H

#include <cjose/jwk.h>

#include "auth/seal.h"
#include "loop/uuid.h"
#include "store/accounts.h"
#include "json/json_write.h"

#define SIGNING_KEYS_MAX    16u /* more: ERR_LIMIT, until one has retired */
#define SIGNING_KEY_JWK_MAX 512u
#define SIGNING_KEY_KEEP_US (2 * DAY_US) /* a retired row, for clocks that are set back */

struct signing_key {
    char id[UUID_BYTES];
    cjose_jwk_t *jwk; /* both halves */
    char public_jwk[SIGNING_KEY_JWK_MAX];
    char sealed[SEAL_TEXT_BYTES_MAX];
    int64_t created_us;
    int64_t signs_from_us;
    int64_t retires_us; /* 0: none is planned */
    bool is_stored;
};

struct signing_keys {
    struct seal seal;
    int64_t life_us;     /* of a key that signs */
    int64_t verifies_us; /* how long a retired one is asked for */
    struct signing_key keys[SIGNING_KEYS_MAX];
    size_t count;
};

/* Reads the store's keys; makes a current and a next one where there are none. verifies_us: the
 * life of a token and the skew of clocks. ERR_INVALID (the secret does not open them: the message
 * says so), ERR_IO, ERR_NO_MEMORY. */
must_check int signing_keys_init(struct signing_keys *keys, struct str secret, int64_t life_us,
                                 int64_t verifies_us, struct store *store, int64_t now_us,
                                 struct error *error);
void signing_keys_done(struct signing_keys *keys);

const struct signing_key *signing_keys_current(const struct signing_keys *keys);

/* One that tokens may be signed with; NULL. */
const struct signing_key *signing_keys_find(const struct signing_keys *keys, struct str id,
                                            int64_t now_us);

/* The next key signs from now on, a new next one is made. ERR_LIMIT, ERR_IO, ERR_NO_MEMORY. */
must_check int signing_keys_rotate(struct signing_keys *keys, int64_t now_us);

/* It is time that the next key signs. */
bool signing_keys_is_due(const struct signing_keys *keys, int64_t now_us);

/* Puts what the store does not have into batch, and deletes what retired long ago; false: nothing.
 * _stored tells that the batch is durable. */
bool signing_keys_store(struct signing_keys *keys, int64_t now_us, struct store_batch *batch);
void signing_keys_stored(struct signing_keys *keys);

/* {"keys":[…]} */
void signing_keys_write_jwks(const struct signing_keys *keys, int64_t now_us,
                             struct json_writer *w);

#endif
