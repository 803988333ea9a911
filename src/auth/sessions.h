/*
 * sessions: who has signed in, in memory for every request and in the store for the next start.
 * Private to auth/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_SESSIONS_H
#define NETRA_AUTH_SESSIONS_H

#include "auth/secret.h"

struct sessions {
    struct store *store;
    struct secret_set set;
};

/* Reads what the store has, and has it forget what has expired. ERR_IO, ERR_NO_MEMORY. */
must_check int sessions_init(struct sessions *sessions, struct store *store, int64_t now_us);
void sessions_done(struct sessions *sessions);

/* A session that begins now. Should the store not take it, it ends with the process. */
void sessions_begin(struct sessions *sessions, const struct secret_hash *hash, int64_t now_us);

bool sessions_has(const struct sessions *sessions, const struct secret_hash *hash, int64_t now_us);
void sessions_end(struct sessions *sessions, const struct secret_hash *hash, int64_t now_us);

#endif
