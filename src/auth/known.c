/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/known.h"

#include <openssl/crypto.h>

#include "base/alloc.h"
#include "base/check.h"

int known_init(struct known_table *table)
{
    *table = (struct known_table){.count = 0};
    ring_init(&table->good);
    ring_init(&table->doubtful);
    int code = hash_index_init(&table->by_hash);
    return code ? code : hash_index_init(&table->by_id);
}

static void drop(struct known_table *table, struct known *known)
{
    check(!known->is_asking);
    hash_index_remove(&table->by_hash, &known->by_hash);
    if (known->has_caller) {
        hash_index_remove(&table->by_id, &known->by_id);
    }
    ring_remove(&known->of_use);
    table->count--;
    table->doubtful_count -= known->is_doubtful;
    OPENSSL_cleanse(known->secret, known->secret_length);
    alloc_free(known->secret);
    alloc_free(known);
}

static void drop_all(struct known_table *table, const struct ring *ring)
{
    while (ring->next && !ring_is_empty(ring)) {
        struct known *known = RECORD_OF(ring->next, struct known, of_use);

        known->is_asking = false;
        drop(table, known);
    }
}

void known_done(struct known_table *table)
{
    drop_all(table, &table->good);
    drop_all(table, &table->doubtful);
    hash_index_done(&table->by_hash);
    hash_index_done(&table->by_id);
}

struct known *known_find(struct known_table *table, const struct secret_hash *hash)
{
    for (struct hash_link *link = hash_index_first(&table->by_hash, hash_of_secret(hash->bytes));
         link; link = hash_index_next(link)) {
        struct known *known = RECORD_OF(link, struct known, by_hash);

        if (secret_equal(&known->hash, hash)) {
            return known;
        }
    }
    return NULL;
}

static struct known *of_id_from(struct hash_link *link, const char *credential_id)
{
    for (; link; link = hash_index_next(link)) {
        struct known *known = RECORD_OF(link, struct known, by_id);

        if (strcmp(known->caller.credential_id, credential_id) == 0) {
            return known;
        }
    }
    return NULL;
}

struct known *known_of_id(struct known_table *table, struct str credential_id)
{
    return of_id_from(hash_index_first(&table->by_id, hash_of_text(credential_id)),
                      credential_id.data);
}

struct known *known_next(const struct known *known)
{
    return of_id_from(hash_index_next(&known->by_id), known->caller.credential_id);
}

/* The least recently used that nobody asks about; false: there is none. */
static bool drop_oldest(struct known_table *table, const struct ring *ring)
{
    for (struct ring *at = ring->next; at != ring; at = at->next) {
        struct known *known = RECORD_OF(at, struct known, of_use);

        if (!known->is_asking) {
            drop(table, known);
            return true;
        }
    }
    return false;
}

struct known *known_add(struct known_table *table, const struct secret_hash *hash,
                        struct str secret)
{
    if (table->doubtful_count >= KNOWN_DOUBTFUL_MAX) {
        (void)drop_oldest(table, &table->doubtful);
    }
    if (table->count >= KNOWN_MAX && !drop_oldest(table, &table->doubtful) &&
        !drop_oldest(table, &table->good)) {
        return NULL;
    }
    struct known *known = alloc_zeroed(1, sizeof(*known));
    char *copy = alloc_zeroed(secret.length + 1, 1);
    if (!known || !copy) {
        alloc_free(known);
        alloc_free(copy);
        return NULL;
    }
    memcpy(copy, secret.data, secret.length);
    known->hash = *hash;
    known->secret = copy;
    known->secret_length = secret.length;
    hash_index_add(&table->by_hash, &known->by_hash, hash_of_secret(hash->bytes));
    ring_init(&known->of_use);
    table->count++;
    known_touch(table, known);
    return known;
}

void known_touch(struct known_table *table, struct known *known)
{
    bool is_doubtful = known->is_refused || !known->has_caller;

    table->doubtful_count += is_doubtful;
    table->doubtful_count -= known->is_doubtful;
    known->is_doubtful = is_doubtful;
    ring_remove(&known->of_use);
    ring_add_last(is_doubtful ? &table->doubtful : &table->good, &known->of_use);
}

void known_set_caller(struct known_table *table, struct known *known,
                      const struct auth_caller *caller)
{
    if (known->has_caller) {
        hash_index_remove(&table->by_id, &known->by_id);
    }
    known->caller = *caller;
    known->has_caller = true;
    hash_index_add(&table->by_id, &known->by_id, hash_of_text(str_from(caller->credential_id)));
    known_touch(table, known);
}

void known_set_answer(struct known_table *table, struct known *known, bool is_refused,
                      uint64_t now_ms)
{
    known->is_refused = is_refused;
    known->has_answer = true;
    known->answered_ms = now_ms;
    known_touch(table, known);
}
