/*
 * visit: what the api knows of one request from its head to its end: whose it is, on which trace,
 * which exchange hears of it. It is the context of every http exchange, also of the WebSocket that
 * a request becomes, and is found from an http_id by visit_of(), so that an answer that comes late
 * still knows whom it is for.
 *
 *     on_head: visit_new ─► plan->context ─► … ─► on_answered or on_gone: visit_end ─► free again
 *
 * Visits come from chunks that are kept: a request allocates nothing once there were as many at a
 * time before. Their number is that of connections, which http limits. A visit that ends while a
 * handler's call is on the stack (is_held) stays until visit_let_go, so that handlers may look at
 * their caller behind the answer. Private to api/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_VISIT_H
#define NETRA_API_VISIT_H

#include "api/route.h"
#include "auth/caller.h"
#include "monitor/trace.h"

#define VISITS_PER_CHUNK 64u

struct visit {
    struct exchange *exchange; /* of the route, or of a streamed body; never NULL */
    struct auth_caller who;    /* kind NOBODY until it is known */
    bool has_trace;            /* the two that follow are set */
    struct trace_context trace;
    unsigned char parent_id[8];      /* of its span: the client's, or zero */
    char *origin;                    /* of a page that is allowed (origin.h), owned; NULL: none */
    struct idempotency *idempotency; /* it came with a key; owned by the api */
    bool may_retry;                  /* a handler that only looks is at its first attempt … */
    bool must_retry;                 /* … which failed inside, and said nothing yet */
    unsigned waits;                  /* times that it was held until the auth service answered */
    bool is_page;                    /* origin is the page's: its cookie counts */
    bool is_held;                    /* a call of a handler is on the stack */
    bool has_ended;                  /* while it was held */
    /* Of a WebSocket or an event stream (sockets.h). */
    bool is_socket;
    bool is_websocket;
    http_id id;
    struct visit *socket_next;
    struct visit *socket_previous;
    struct visit *next; /* among the free ones */
};

struct visit_chunk {
    struct visit_chunk *next;
    struct visit visits[VISITS_PER_CHUNK];
};

struct visits {
    struct visit *free;
    struct visit_chunk *chunks;
};

/* NULL: no memory. */
must_check struct visit *visit_new(struct visits *visits, struct exchange *exchange);

/* The request is over. Stays readable until visit_let_go when it is held. */
void visit_end(struct visits *visits, struct visit *visit);

/* Around every call of a handler. */
void visit_hold(struct visit *visit);
void visit_let_go(struct visits *visits, struct visit *visit);

/* Nothing calls back any more: frees all, also those that have not ended. */
void visits_free(struct visits *visits);

/* The visit of a request that is under way, or of an open WebSocket; NULL: the client is gone. */
struct visit *visit_of(const struct api *api, http_id id);

#endif
