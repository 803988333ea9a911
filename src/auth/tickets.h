/*
 * tickets: one use, AUTH_TICKET_MS of elapsed time, with what their maker had. Private to auth/;
 * loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_TICKETS_H
#define NETRA_AUTH_TICKETS_H

#include "auth/hash_index.h"
#include "auth/ring.h"
#include "auth/secret.h"

struct tickets {
    struct hash_index by_hash;
    struct ring by_age; /* oldest first */
};

/* ERR_NO_MEMORY. */
must_check int tickets_init(struct tickets *tickets);
void tickets_done(struct tickets *tickets);

/* ERR_IO (no randomness), ERR_NO_MEMORY. */
must_check int tickets_add(struct tickets *tickets, const struct auth_caller *caller,
                           uint64_t now_ms, char text[AUTH_SECRET_TEXT_BYTES]);

enum ticket_state {
    TICKET_GOOD,
    TICKET_UNKNOWN,
    TICKET_EXPIRED,
    TICKET_USED /* by an earlier request, less than AUTH_TICKET_MS after it was made */
};

/* Uses it up. *ret_caller: its maker, but for TICKET_UNKNOWN. */
enum ticket_state tickets_take(struct tickets *tickets, struct str text, uint64_t now_ms,
                               struct auth_caller *ret_caller);

#endif
