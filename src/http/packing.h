/*
 * packing: whether and where an answer is compressed.
 *
 *     less than HTTP_COMPRESS_LEAST, of a kind that does not shrink, refused     as it is
 *     up to HTTP_COMPRESS_INLINE                                                 at once
 *     more                          copied, compressed by a worker, sent when that is done, if the
 *                                   client is still there; too many at a time: as it is
 *
 * Without memory an answer goes as it is. HEAD is compressed like GET, so that its headers are the
 * same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_PACKING_H
#define NETRA_HTTP_PACKING_H

#include "http/conn.h"

#define PACKING_JOBS_MAX 32u /* with workers at a time: each holds a copy of its body */

enum packing {
    PACKING_NONE,  /* nobody gets another form */
    PACKING_PLAIN, /* others may get it compressed: Vary */
    PACKING_INLINE,
    PACKING_WORKER,
};

enum packing packing_choose(const struct conn *conn, const struct http_reply *reply);

/* The compressed body, valid until the next one; empty: send it as it is. */
struct str packing_now(struct http_server *server, struct str body);

/* Hands the answer to a worker. For the handler it is given then: on_answered was called (with the
 * bytes of the plain body), on_gone will not be. False: send it as it is. */
bool packing_defer(struct conn *conn, const struct http_reply *reply);

#endif
