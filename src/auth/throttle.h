/*
 * throttle: who fails to sign in too often has to wait: after so many failures in a row 30 s,
 * doubled with each further one, up to 15 minutes. Counted by the SHA-256 of the e-mail, whether
 * anybody has it or not.
 *
 * A try counts as a failure from its beginning and is forgiven when it succeeds, so that many tries
 * at once are no way around it. Waiting is measured in elapsed time: a clock that is set does not
 * end it. Rows are kept in the store; at the start what is left of a wait goes on.
 *
 * Private to auth/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_THROTTLE_H
#define NETRA_AUTH_THROTTLE_H

#include "auth/hash_index.h"
#include "auth/ring.h"
#include "auth/secret.h"
#include "store/accounts.h"

#define THROTTLE_ENTRIES_MAX 10000u /* the one that failed longest ago goes */
#define THROTTLE_LOCK_S      30u
#define THROTTLE_FORGET_US   (24 * HOUR_US) /* without a failure: forgiven */

struct throttle {
    unsigned failures_max;
    struct hash_index entries;
    struct ring by_age; /* oldest failure first */
};

/* Reads what the store has. ERR_IO, ERR_NO_MEMORY. */
must_check int throttle_init(struct throttle *throttle, unsigned failures_max, struct store *store,
                             int64_t now_us, uint64_t now_ms);
void throttle_done(struct throttle *throttle);

/* Begins a try. 0: go on; else the seconds to wait, and nothing is counted. */
unsigned throttle_try(struct throttle *throttle, const struct secret_hash *who, int64_t now_us,
                      uint64_t now_ms);

/* The try failed: written into batch with what is forgotten for it. */
void throttle_failed(struct throttle *throttle, const struct secret_hash *who,
                     struct store_batch *batch);

/* The try came to nothing for another reason (no memory): as if it had not been. */
void throttle_undo(struct throttle *throttle, const struct secret_hash *who);

/* Signed in, or reset by a code: forgotten, in the store with batch. */
void throttle_forgive(struct throttle *throttle, const struct secret_hash *who,
                      struct store_batch *batch);

/* Forgets those that failed last before now_us - THROTTLE_FORGET_US, at most a few hundred. True:
 * something was put into batch. */
bool throttle_sweep(struct throttle *throttle, int64_t now_us, struct store_batch *batch);

#endif
