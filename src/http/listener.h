/*
 * listener: the listening socket and the door. The program accepts by itself and not through libuv,
 * which closes connections without a word when there is no file descriptor, says nothing of it, and
 * may spin: here one descriptor is kept in reserve, given up for a moment to tell a client 503, and
 * accepting rests for a while when even that fails.
 *
 *     at the door, in this order:
 *       no slot at all              wait in the system's queue until a connection closes
 *       no descriptor               503 with the reserve (TLS: closed), or a rest
 *       too many of this address    429
 *       more than connections_max   503
 *
 * At most CONN_SPARE_SLOTS refused clients are held at a time, until they have read why; those of
 * an address beyond its share are closed without a word then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_LISTENER_H
#define NETRA_HTTP_LISTENER_H

#include "http/server.h"

#define LISTENER_BACKLOG 1024
#define LISTENER_BATCH   64u  /* accepted in one event; then others have their turn */
#define LISTENER_REST_MS 100u /* without a descriptor */

struct listener {
    uv_poll_t poll;
    struct loop_timer rest;
    int fd;         /* -1: closed */
    int reserve_fd; /* -1: spent, to be opened again */
    bool is_open;
    bool is_waiting; /* for a slot */
    bool has_timer;
};

/* ERR_IO. Also after a failure listener_close is called. */
must_check int listener_open(struct http_server *server, const struct http_server_options *options,
                             struct error *error);

/* Nobody comes in any more. */
void listener_close(struct http_server *server);

/* A connection was closed. */
void listener_slot_free(struct http_server *server);

#endif
