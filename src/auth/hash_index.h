/*
 * hash_index: finds records by a hash. The links are in the records, so that entering one cannot
 * fail; chains grow longer when there is no memory for more buckets. A record may be in several
 * indexes, with a link for each. Who looks up compares the keys: equal hashes are candidates only.
 *
 *     for (link = hash_index_first(&index, hash); link; link = hash_index_next(link)) …
 *
 * Private to auth/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_HASH_INDEX_H
#define NETRA_AUTH_HASH_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/str.h"

struct hash_link {
    struct hash_link *next;
    uint64_t hash;
};

struct hash_index {
    struct hash_link **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
};

/* The record that a link or a ring is in. */
#define RECORD_OF(member_pointer, type, member)                                                    \
    ((type *)(void *)((char *)(member_pointer)-offsetof(type, member)))

/* ERR_NO_MEMORY. */
must_check int hash_index_init(struct hash_index *index);
void hash_index_done(struct hash_index *index); /* the records are not touched */

void hash_index_add(struct hash_index *index, struct hash_link *link, uint64_t hash);
void hash_index_remove(struct hash_index *index, struct hash_link *link);
struct hash_link *hash_index_first(const struct hash_index *index, uint64_t hash);
struct hash_link *hash_index_next(const struct hash_link *link);

/* Of a text; seeded anew in each process, because e-mails come from outside. */
uint64_t hash_of_text(struct str text);
uint64_t hash_of_texts(struct str a, struct str b);

/* Of what is a hash already. */
static inline uint64_t hash_of_secret(const unsigned char *sha256)
{
    uint64_t hash;

    memcpy(&hash, sha256, sizeof(hash));
    return hash;
}

#endif
