/*
 * Randomness from the system, SHA-256 and the comparison from libcrypto. SHA-256 by the functions
 * that OpenSSL 3 calls deprecated: SHA256() and EVP look their algorithm up anew each time, which
 * costs as much as hashing 400 bytes (0.4 us), and each request is hashed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "auth/secret.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/random.h>

#include "auth/base64url.h"
#include "base/alloc.h"

#define SECRET_BYTES 32u

int secret_make(char text[AUTH_SECRET_TEXT_BYTES], struct secret_hash *ret_hash)
{
    unsigned char bytes[SECRET_BYTES];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        return ERR_IO;
    }
    base64url_encode(bytes, sizeof(bytes), text);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    *ret_hash = secret_hash_of(str_from(text));
    return OK;
}

struct secret_hash secret_hash_of(struct str text)
{
    struct secret_hash hash;

    SHA256_CTX sha256;
    (void)SHA256_Init(&sha256);
    (void)SHA256_Update(&sha256, text.data ? text.data : "", text.length);
    (void)SHA256_Final(hash.bytes, &sha256);
    return hash;
}

bool secret_equal(const struct secret_hash *a, const struct secret_hash *b)
{
    return CRYPTO_memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

int secret_set_init(struct secret_set *set, size_t count_max)
{
    struct secret_entry *entries = alloc_zeroed(count_max, sizeof(*entries));

    if (!entries) {
        return ERR_NO_MEMORY;
    }
    *set = (struct secret_set){.entries = entries, .count_max = count_max};
    return OK;
}

void secret_set_done(struct secret_set *set)
{
    alloc_free(set->entries);
    *set = (struct secret_set){0};
}

static void remove_at(struct secret_set *set, size_t index)
{
    set->count--;
    memmove(&set->entries[index], &set->entries[index + 1],
            (set->count - index) * sizeof(set->entries[0]));
}

bool secret_set_add(struct secret_set *set, const struct secret_entry *entry,
                    struct secret_entry *ret_dropped)
{
    bool is_full = set->count == set->count_max;

    if (is_full) {
        *ret_dropped = set->entries[0];
        remove_at(set, 0);
    }
    size_t at = set->count;
    while (at > 0 && set->entries[at - 1].created_us > entry->created_us) {
        set->entries[at] = set->entries[at - 1];
        at--;
    }
    set->entries[at] = *entry;
    set->count++;
    return is_full;
}

/* Looks at every entry, whatever it finds; SIZE_MAX when it is not there. */
static size_t find(const struct secret_set *set, const struct secret_hash *hash)
{
    size_t found = SIZE_MAX;

    for (size_t i = 0; i < set->count; i++) {
        if (secret_equal(&set->entries[i].hash, hash)) {
            found = i;
        }
    }
    return found;
}

bool secret_set_has(const struct secret_set *set, const struct secret_hash *hash, int64_t now_us)
{
    size_t at = find(set, hash);

    return at != SIZE_MAX && now_us < set->entries[at].expires_us;
}

bool secret_set_take(struct secret_set *set, const struct secret_hash *hash, int64_t now_us)
{
    size_t at = find(set, hash);

    if (at == SIZE_MAX) {
        return false;
    }
    bool is_valid = now_us < set->entries[at].expires_us;
    remove_at(set, at);
    return is_valid;
}

bool secret_set_take_expired(struct secret_set *set, int64_t now_us, struct secret_entry *ret_entry)
{
    for (size_t i = 0; i < set->count; i++) {
        if (now_us >= set->entries[i].expires_us) {
            *ret_entry = set->entries[i];
            remove_at(set, i);
            return true;
        }
    }
    return false;
}
