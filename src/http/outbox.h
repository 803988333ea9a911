/*
 * outbox: what a socket has not taken yet. The first try is a direct write; only what does not fit
 * is queued, by reference when it is a shared frame and as a copy otherwise. At most one libuv
 * write is in flight, so that what is behind it can still be dropped.
 *
 *     first ──► [in flight] [in flight] │ [waiting] [waiting] ◄── last
 *
 * Under TLS what waits is plain; it is sealed when the socket has taken what was sealed before, so
 * that no more than about 64 KiB of a slow reader's bytes are held sealed. What TLS itself has to
 * say goes before all that is plain:
 *
 *     first ──► [sealed, in flight] │ [sealed] │ [plain] [plain] ◄── last
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_OUTBOX_H
#define NETRA_HTTP_OUTBOX_H

#include <uv.h>

#include "base/attributes.h"
#include "http/ws_frame.h"

#define OUTBOX_PARTS_MAX    4u /* of one outbox_send */
#define OUTBOX_FLIGHT_MAX   16u
#define OUTBOX_FLIGHT_BYTES 65536u
#define OUTBOX_SEALED_MAX   65536u /* that TLS itself has to say and the socket has not taken */
#define OUTBOX_BLOCK_COST   64u /* what a queued piece costs beside its bytes, counted as bytes */

struct conn;
struct out_block;

struct outbox {
    struct out_block *first;
    struct out_block *last;
    size_t bytes; /* queued, in flight too */
    size_t blocks;
    size_t sealed_waiting; /* bytes */
    unsigned in_flight;
    uv_write_t request;
};

/* 0, ERR_NO_MEMORY or ERR_IO: the connection is of no use any more, the caller closes it. frame:
 * NULL, or what the parts are the bytes of. */
must_check int outbox_send(struct conn *conn, const uv_buf_t *parts, unsigned count,
                           struct ws_frame *frame);

/* Under TLS: what tls_out holds by itself (the handshake, alerts, the end). Errors as
 * outbox_send's; ERR_LIMIT: a client that makes us answer without reading. */
int outbox_send_sealed(struct conn *conn);

bool outbox_is_empty(const struct outbox *outbox);

/* Queued bytes and what they cost. */
size_t outbox_cost(const struct outbox *outbox);

/* Drops what is plain and not in flight. */
void outbox_drop_waiting(struct outbox *outbox);

/* The handle is closed: nothing is in flight. */
void outbox_done(struct outbox *outbox);

#endif
