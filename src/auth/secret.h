/*
 * secret: 256 random bits as text, and their SHA-256, which is all that anybody keeps; and sets of
 * such hashes with an end. Private to auth/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_SECRET_H
#define NETRA_AUTH_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"

#define SECRET_HASH_BYTES 32u

struct secret_hash {
    unsigned char bytes[SECRET_HASH_BYTES];
};

/* A new secret as text, and its hash. ERR_IO (no randomness). */
must_check int secret_make(char text[AUTH_SECRET_TEXT_BYTES], struct secret_hash *ret_hash);

struct secret_hash secret_hash_of(struct str text);

/* In constant time. */
bool secret_equal(const struct secret_hash *a, const struct secret_hash *b);

struct secret_entry {
    struct secret_hash hash;
    int64_t created_us;
    int64_t expires_us;
};

/* Oldest first, at most count_max. O(n) to find one, n ≤ 1000: some microseconds. */
struct secret_set {
    struct secret_entry *entries;
    size_t count;
    size_t count_max;
};

must_check int secret_set_init(struct secret_set *set, size_t count_max);
void secret_set_done(struct secret_set *set);

/* Enters one in the order of its age. A full set loses the oldest that it had: true, and
 * *ret_dropped says which. */
bool secret_set_add(struct secret_set *set, const struct secret_entry *entry,
                    struct secret_entry *ret_dropped);

bool secret_set_has(const struct secret_set *set, const struct secret_hash *hash, int64_t now_us);

/* The same, and it is gone; a secret that has expired is gone, too, but was not there. */
bool secret_set_take(struct secret_set *set, const struct secret_hash *hash, int64_t now_us);

/* Takes out one that has expired, if there is any. */
bool secret_set_take_expired(struct secret_set *set, int64_t now_us,
                             struct secret_entry *ret_entry);

#endif
