/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/hash_index.h"

#include <sys/random.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/error.h"

#define BUCKETS_FIRST 64u

int hash_index_init(struct hash_index *index)
{
    struct hash_link **buckets = alloc_zeroed(BUCKETS_FIRST, sizeof(struct hash_link *));

    if (!buckets) {
        return ERR_NO_MEMORY;
    }
    *index = (struct hash_index){.buckets = buckets, .bucket_count = BUCKETS_FIRST};
    return OK;
}

void hash_index_done(struct hash_index *index)
{
    alloc_free(index->buckets);
    *index = (struct hash_index){0};
}

static struct hash_link **bucket_of(const struct hash_index *index, uint64_t hash)
{
    return &index->buckets[hash & (index->bucket_count - 1)];
}

static void grow(struct hash_index *index)
{
    struct hash_link **before = index->buckets;
    size_t count_before = index->bucket_count;
    struct hash_link **buckets = alloc_zeroed(count_before * 2, sizeof(struct hash_link *));

    if (!buckets) {
        return; /* longer chains */
    }
    index->buckets = buckets;
    index->bucket_count = count_before * 2;
    for (size_t i = 0; i < count_before; i++) {
        struct hash_link *link = before[i];

        while (link) {
            struct hash_link *next = link->next;
            struct hash_link **bucket = bucket_of(index, link->hash);

            link->next = *bucket;
            *bucket = link;
            link = next;
        }
    }
    alloc_free(before);
}

void hash_index_add(struct hash_index *index, struct hash_link *link, uint64_t hash)
{
    if (index->count >= index->bucket_count) {
        grow(index);
    }
    struct hash_link **bucket = bucket_of(index, hash);

    *link = (struct hash_link){.next = *bucket, .hash = hash};
    *bucket = link;
    index->count++;
}

void hash_index_remove(struct hash_index *index, struct hash_link *link)
{
    struct hash_link **at = bucket_of(index, link->hash);

    while (*at && *at != link) {
        at = &(*at)->next;
    }
    check(*at == link);
    *at = link->next;
    link->next = NULL;
    index->count--;
}

static struct hash_link *same_hash(struct hash_link *link, uint64_t hash)
{
    while (link && link->hash != hash) {
        link = link->next;
    }
    return link;
}

struct hash_link *hash_index_first(const struct hash_index *index, uint64_t hash)
{
    return same_hash(*bucket_of(index, hash), hash);
}

struct hash_link *hash_index_next(const struct hash_link *link)
{
    return same_hash(link->next, link->hash);
}

/* Loop thread. */
static uint64_t seed(void)
{
    static uint64_t value;

    while (value == 0) {
        if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value)) {
            value = UINT64_C(0x9e3779b97f4a7c15); /* the system cannot: any other will do */
        }
    }
    return value;
}

uint64_t hash_of_text(struct str text)
{
    return XXH3_64bits_withSeed(text.data ? text.data : "", text.length, seed());
}

uint64_t hash_of_texts(struct str a, struct str b)
{
    return XXH3_64bits_withSeed(b.data ? b.data : "", b.length, hash_of_text(a));
}
