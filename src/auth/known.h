/*
 * known: credentials that the auth service was asked about, and what it said. A table of at most
 * KNOWN_MAX; a new one takes the place of the one that was used least recently, of the doubtful
 * first (refused, or keys without an answer yet): who makes credentials up pushes out no good ones.
 *
 *     by_hash   SHA-256 of the credential ──► known
 *     by_id     session or key            ──► known, known …   a session has several tokens
 *
 * The credential itself is kept, because it is what the auth service is asked with, and wiped when
 * it goes. Private to auth/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_KNOWN_H
#define NETRA_AUTH_KNOWN_H

#include "auth/hash_index.h"
#include "auth/ring.h"
#include "auth/secret.h"

#define KNOWN_MAX          4096u
#define KNOWN_DOUBTFUL_MAX 1024u /* of them */

struct known {
    struct hash_link by_hash;
    struct hash_link by_id; /* once caller has a credential_id */
    struct ring of_use;     /* least recently used first: of good, or of doubtful */
    struct secret_hash hash;
    char *secret; /* owned; with a NUL */
    size_t secret_length;
    bool is_key;      /* nothing of it can be judged without the auth service */
    bool is_refused;  /* the last answer */
    bool is_doubtful; /* it is in that ring */
    bool is_asking;   /* stays until the answer */
    bool has_caller;
    struct auth_caller caller; /* of the last good answer, or what the token itself says */
    int64_t expires_us;        /* 0: never */
    bool has_answer;
    uint64_t answered_ms; /* of the loop's time */
};

struct known_table {
    struct hash_index by_hash;
    struct hash_index by_id;
    struct ring good;
    struct ring doubtful;
    size_t count;
    size_t doubtful_count;
};

/* ERR_NO_MEMORY. */
must_check int known_init(struct known_table *table);
void known_done(struct known_table *table);

/* NULL: it was never asked about, or was forgotten. */
struct known *known_find(struct known_table *table, const struct secret_hash *hash);

/* The first with this session or key, the next one of them; NULL. */
struct known *known_of_id(struct known_table *table, struct str credential_id);
struct known *known_next(const struct known *known);

/* NULL: no memory, or all are being asked about. */
struct known *known_add(struct known_table *table, const struct secret_hash *hash,
                        struct str secret);

/* Used just now. */
void known_touch(struct known_table *table, struct known *known);

/* Who it is; may be said again. */
void known_set_caller(struct known_table *table, struct known *known,
                      const struct auth_caller *caller);

/* The answer as of now. */
void known_set_answer(struct known_table *table, struct known *known, bool is_refused,
                      uint64_t now_ms);

#endif
