/*
 * origin: pages of other origins. Two questions that browsers' headers answer:
 *
 *     CORS   a page on the list of allowed_origins may ask, with a bearer, never with the cookie:
 *            its answers say so, and OPTIONS says what may be asked (a preflight). Our own page,
 * where the frontend serves it, may ask the auth service with its cookie, too CSRF   a page that is
 * neither ours nor on the list changes nothing and opens no WebSocket
 *
 * Clients that are no browsers send neither Origin nor Sec-Fetch-Site, and are not concerned. That
 * requests with the cookie come from our own page is auth's to see to (auth.h). Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_ORIGIN_H
#define NETRA_API_ORIGIN_H

#include "api/router.h"
#include "auth/auth.h"

#define ORIGIN_BYTES_MAX   255u  /* of one that is on the list: longer ones are not */
#define ORIGIN_MAX_AGE_S   "600" /* how long a browser keeps what a preflight said */
#define ORIGIN_HEADERS_MAX 4u

/* How a request stands to the server's pages. */
enum origin_kind {
    ORIGIN_NONE,    /* no page says that it asks */
    ORIGIN_OWN,     /* ours */
    ORIGIN_PAGE,    /* our page, which another process serves (--role frontend) */
    ORIGIN_ALLOWED, /* on the list */
    ORIGIN_FOREIGN
};
enum origin_kind origin_of(const struct auth *auth, const struct http_request *request);

/* Whether a request of that kind may go on: what only looks may, whoever asks (the browser keeps
 * the answer from a foreign page); what changes something, and a WebSocket, not from a foreign one,
 * and, without an Origin, not when the browser says that it comes from elsewhere. */
bool origin_may(enum origin_kind kind, const struct http_request *request);

/* OPTIONS that asks what a page may do. */
bool origin_is_preflight(const struct http_request *request);

/* The headers of an answer to a page that is allowed: how many. with_cookie: it is the page itself.
 * origin is borrowed. */
size_t origin_put_headers(struct str origin, bool with_cookie,
                          struct http_header ret[ORIGIN_HEADERS_MAX]);

/* The answer to a preflight: methods of the path. */
void origin_reply_preflight(struct api *api, http_id id, const struct router_path *path);

#endif
