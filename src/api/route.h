/*
 * route: one row of the route table and what a handler gets. Private to api/.
 *
 * The table (routes.c) generates the router, the OpenAPI document, the table in docs/protocol.md
 * and the label of the metrics. A handler answers now, or keeps call->id and answers later.
 *
 *     on_head → route found, who may (auth), body limit ─┬→ handle(call)     whole body
 *                                                        └→ ops->on_body …  streamed, by an
 * exchange of its own
 *
 * The context of an http exchange is always a struct exchange: the route's own (plain requests:
 * nothing is allocated) or one that a handler made (uploads, event streams, WebSockets), told apart
 * by its ops.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_ROUTE_H
#define NETRA_API_ROUTE_H

#include "api/api.h"
#include "json/json_read.h"
#include "json/json_write.h"

#define ROUTE_PARAMS_MAX      2u
#define ROUTE_BODY_BYTES_MAX  1048576u /* of JSON: AG-UI clients send the whole thread each time */
#define ROUTE_REPLY_BYTES_MAX ((size_t)256 << 20)

struct exchange;
struct call;

/* What happens to an exchange after its handler has returned; each may be NULL. */
struct exchange_ops {
    void (*on_body)(struct exchange *exchange, struct str piece);
    void (*on_end)(struct exchange *exchange); /* the streamed body is complete */
    void (*on_gone)(struct exchange *exchange, unsigned ws_code); /* frees it */
    void (*on_ws_message)(struct exchange *exchange, struct str text);
    void (*on_drained)(struct exchange *exchange);
};

/* Begins what a handler embeds it in. */
struct exchange {
    const struct route *route;
    const struct exchange_ops *ops; /* NULL: a plain request */
    struct api *api;
    http_id id;
};

typedef void (*route_fn)(const struct call *call);

struct route {
    enum http_method method;
    const char *pattern; /* "/api/threads/{id}/runs": a parameter is one segment without "/"; a last
                          * one may be followed by a suffix: "{id}.json" */
    route_fn handle;
    /* Streamed bodies: called with the head; returns an exchange with on_body and on_end, or NULL
     * when it has answered. handle is NULL then. */
    struct exchange *(*begin)(const struct call *call);
    bool is_public;      /* nobody is asked who they are; Host is checked all the same */
    bool takes_json;     /* a body of application/json, parsed by call_json() */
    const char *summary; /* for people */
    const char *request; /* JSON schema of the body, or NULL */
    const char *reply;   /* JSON schema of the 2xx answer, or NULL */
    int reply_status;    /* of the usual answer: 200, 201, 202, 204 … */
};

struct call {
    struct api *api;
    const struct http_request *request;
    const struct route *route;
    struct str params[ROUTE_PARAMS_MAX]; /* borrowed from request->path */
    http_id id;
};

/* The rows of one file of routes; routes.c lists the tables. */
struct route_table {
    const struct route *routes;
    size_t count;
};
extern const struct route_table routes_system, routes_auth, routes_threads, routes_runs,
    routes_reports, routes_tools, routes_prices, routes_datasets, routes_live;

/* ---- parts that handlers use (api_state.h has the struct) ---- */

/* The body as JSON; false when it has been answered with 400/415. The value lives until the next
 * call_json. An empty body is {}. */
bool call_json(const struct call *call, struct json_value *ret_root);

/* A query parameter as text or number; *ret untouched when absent; false when it has been answered
 * 422. */
bool call_query_u64(const struct call *call, const char *name, uint64_t max, uint64_t *ret);

/* ---- answers ---- */

/* 200 … with what was written into the api's scratch buf by the writer. */
struct json_writer call_begin_json(const struct call *call);
void call_reply_json(const struct call *call, int status);
void call_reply(const struct call *call, int status, const char *content_type, struct str body);
/* 204. */
void call_reply_empty(const struct call *call);

/* Problems (RFC 9457). pointer may be NULL. The detail is a sentence for people and may hold text
 * from outside. error's code chooses the status: problem_of_error. Ids, not calls, so that they can
 * be used when the answer comes late. */
enum problem {
    PROBLEM_AUTH_FAILED,
    PROBLEM_FORBIDDEN,
    PROBLEM_RATE_LIMITED,
    PROBLEM_SERVICE_UNAVAILABLE,
    PROBLEM_INVALID_REQUEST, /* 422 */
    PROBLEM_BAD_REQUEST,     /* 400, code INVALID_REQUEST */
    PROBLEM_NOT_FOUND,       /* 404 */
    PROBLEM_METHOD,          /* 405 */
    PROBLEM_CONFLICT,        /* 409 */
    PROBLEM_TOO_LARGE,       /* 413 */
    PROBLEM_MEDIA_TYPE,      /* 415 */
    PROBLEM_INTERNAL_ERROR
};
void problem_reply(struct api *api, http_id id, enum problem problem, const char *pointer,
                   const char *format, ...) printf_like(5, 6);
/* A room's error: ERR_INVALID → 422, ERR_NOT_FOUND → 404, ERR_LIMIT → 503, ERR_NO_RECORDS → 422 …
 * The message and the hint travel. */
void problem_reply_error(struct api *api, http_id id, const struct error *error);
/* The same object as JSON into a writer, for WebSockets. */
void problem_write(struct json_writer *w, enum problem problem, const char *pointer,
                   const char *detail);
void problem_write_error(struct json_writer *w, const struct error *error);

/* "2026-11-23T10:00:00.000000Z" */
void put_time(struct json_writer *w, const char *key, int64_t time_us);

/* Resources as JSON objects, used by more than one file. */
void put_run(struct json_writer *w, struct api *api,
             const struct store_run *run); /* without steps */
void put_dataset(struct json_writer *w, const struct store_dataset *dataset, bool with_import);

/* A server of event streams and WebSockets hears of every durable event through it (subscribers.c).
 */
struct subscribers;

#endif
