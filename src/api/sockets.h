/*
 * sockets: WebSockets and event streams that are open, each with its caller. They live longer than
 * a check of who it is: when something is taken from somebody (auth_on_revoked), and every now and
 * then because credentials expire, each is asked for again, and closed (1008) or ended when its
 * caller may no longer look. A user may have so many at once.
 *
 * Linked through their visits: opening allocates only for a user's first. Private to api/; loop
 * thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_SOCKETS_H
#define NETRA_API_SOCKETS_H

#include "api/route.h"
#include "loop/uuid.h"

#define SOCKETS_BUCKETS     1024u
#define SOCKETS_CODE_POLICY 1008u
#define SOCKETS_TRY_AGAIN_S 10u /* said to who has too many: closing one is up to them */

struct visit;

/* A user with open sockets. */
struct socket_owner {
    struct socket_owner *next; /* in its bucket */
    char user_id[UUID_BYTES];
    unsigned count;
};

struct sockets {
    struct visit *first;
    struct socket_owner *owners[SOCKETS_BUCKETS];
    unsigned count;
};

/* The visit becomes a socket of its caller. max: of one user, 0: no limit. ERR_LIMIT,
 * ERR_NO_MEMORY: it does not. */
must_check int sockets_open(struct sockets *sockets, struct visit *visit, http_id id,
                            bool is_websocket, unsigned max);

/* Does nothing to a visit that is none. */
void sockets_close(struct sockets *sockets, struct visit *visit);

unsigned sockets_of(const struct sockets *sockets, struct str user_id);

/* Asks for each, and closes those that may stay no longer. */
void sockets_check(struct api *api);

/* Forgets all; sends nothing. */
void sockets_done(struct sockets *sockets);

#endif
