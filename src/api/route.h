/*
 * route: one row of the route table and what a handler gets. Private to api/.
 *
 * The table (routes.c) generates the router, the OpenAPI document, the table in docs/protocol.md
 * and the label of the metrics. A handler answers now, or keeps call->id and answers later.
 *
 *     on_head → route found, who may (auth), body limit ─┬→ handle(call)    the whole body
 *                                                        └→ begin(call), ops->on_body … on_end
 *
 * The context of an http exchange is always a struct exchange: the route's own, shared by all its
 * requests (nothing is allocated; also for event streams and WebSockets, which are told apart by
 * their http_id), or, for a streamed body, the one that begin made.
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

/* What happens to an exchange beside its handler; each may be NULL. */
struct exchange_ops {
    void (*on_body)(struct exchange *exchange, struct str piece);
    void (*on_end)(struct exchange *exchange); /* the streamed body is complete */
    /* The client left before the answer was complete, or a WebSocket ended: frees an exchange that
     * begin made. The id is dead. */
    void (*on_gone)(struct exchange *exchange, http_id id, unsigned ws_code);
    /* The answer is complete (of a WebSocket: the 101): frees an exchange that begin made. on_gone
     * does not follow, but for a WebSocket. An exchange must live until one of the two. */
    void (*on_answered)(struct exchange *exchange);
    void (*on_ws_message)(struct exchange *exchange, http_id id, struct str text);
    void (*on_drained)(struct exchange *exchange, http_id id);
};

/* A streamed body's handler embeds it. */
struct exchange {
    const struct route *route;
    const struct exchange_ops *ops; /* NULL: nothing of that is of interest */
    struct api *api;
    size_t route_index; /* this and the next are filled by the api */
    bool has_secret;    /* of the route, or it is below /auth */
    bool is_fixed;      /* the route's pattern has no parameters */
};

typedef void (*route_fn)(const struct call *call);

/* A query parameter, for the OpenAPI document. */
struct route_query {
    const char *name;
    const char *schema; /* JSON */
    const char *summary;
};

#define ROUTE_PUBLIC    0x100u
#define ROUTE_SIGNED_IN 0x200u
#define ROUTE_OPERATOR  0x400u /* admin of the first workspace */

/* Buckets of tokens (limit.h). */
enum route_place {
    ROUTE_PLACE_USUAL,  /* of the address, then of the user and the key */
    ROUTE_PLACE_SECRET, /* tries a secret: few per address */
    ROUTE_PLACE_COSTLY, /* computes: fewer per user */
    ROUTE_PLACE_FREE    /* health, metrics */
};

struct route {
    enum http_method method;
    const char *pattern; /* "/api/threads/{id}/runs": a parameter is one segment without "/"; a last
                          * one may be followed by a suffix: "{id}.json" */
    route_fn handle;
    /* Streamed bodies: called with the head; returns an exchange with on_body and on_end, or NULL
     * when it has answered. handle is NULL then. */
    struct exchange *(*begin)(const struct call *call);
    const struct exchange_ops *ops; /* of the route's own exchange; NULL: none */
    /* Who may: a scope (auth/caller.h) that the caller must have, ROUTE_PUBLIC (nobody is asked who
     * they are; Host is checked all the same) or ROUTE_SIGNED_IN (whoever it is). A row without one
     * does not pass router_build. The matrix of the tests is made from this column. */
    unsigned scope;
    unsigned services;                 /* enum route_service; 0: those of its table */
    enum route_place place;            /* which bucket a request takes from */
    bool is_accounts;                  /* only in accounts mode; else 404 */
    bool is_quiet;                     /* asked by machines every few seconds: logged at debug */
    bool takes_json;                   /* a body of application/json, parsed by call_json() */
    bool has_secret;                   /* the answer may hold a secret: nobody keeps it, and it is
                                        * never compressed (BREACH). Everything below /auth is so */
    const char *summary;               /* for people */
    const struct route_query *queries; /* ends with a NULL name; NULL: none */
    const char *request;               /* JSON schema of the body, or NULL */
    const char *reply;                 /* JSON schema of the usual answer, or NULL */
    const char *reply_type; /* its media type; NULL: application/json when there is a reply */
    int reply_status;       /* of the usual answer: 101, 200, 201, 202, 204 … */
};

/* A schema of openapi.c's components: "Thread", "Message", "Run", "Report", "Dataset", "Tool" … */
#define SCHEMA_REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define SCHEMA_PAGE(name)                                                                          \
    "{\"type\":\"object\",\"required\":[\"items\",\"next\"],\"properties\":{\"items\":{\"type\":"  \
    "\"array\",\"items\":" SCHEMA_REF(name) "},\"next\":{\"type\":[\"string\",\"null\"]}}}"

/* limit and after. */
extern const struct route_query route_page_queries[];

struct call {
    struct api *api;
    const struct http_request *request;
    const struct route *route;
    struct str params[ROUTE_PARAMS_MAX]; /* borrowed from request->path */
    const struct auth_caller *who; /* of kind NOBODY for public routes; borrowed for the call */
    struct str workspace;          /* who->workspace_id: the only one that this call sees */
    http_id id;
};

/* The rows of one file of routes; routes.c lists the tables. */
struct route_table {
    const char *name; /* "threads": the tag of the document */
    const struct route *routes;
    size_t count;
    unsigned services; /* enum route_service, added up; a row may say otherwise */
};
extern const struct route_table routes_system, routes_auth, routes_sign_in, routes_passwords,
    routes_me, routes_sessions, routes_users, routes_invites, routes_keys, routes_workspaces,
    routes_audit, routes_jwks, routes_threads, routes_runs, routes_reports, routes_tools,
    routes_parse, routes_prices, routes_datasets, routes_live, routes_settings, routes_model_calls,
    routes_oidc, routes_limits, routes_faults;

/* ---- parts that handlers use (api_state.h has the struct) ---- */

/* The body as JSON; false when it has been answered with 400/415. The value lives until the next
 * call_json. An empty body is {}. */
bool call_json(const struct call *call, struct json_value *ret_root);

/* A query parameter as text or number; *ret untouched when absent; false when it has been answered
 * 422. */
bool call_query_u64(const struct call *call, const char *name, uint64_t max, uint64_t *ret);

/* ?limit= and ?after= of a list; false when it has been answered. after is kept in the api until
 * the next call. */
struct call_page {
    unsigned limit;
    struct str after;
};
bool call_page(const struct call *call, struct call_page *ret_page);

/* A list under construction: list_begin, for each row list_row and the row's JSON into w, then
 * list_reply with what the store said. */
struct list {
    const struct call *call;
    struct api *api;
    struct json_writer w;
    unsigned limit;
    unsigned count;
    char last[STORE_ID_BYTES_MAX];
    size_t last_length;
};
void list_begin(struct list *list, const struct call *call, const struct call_page *page);
void list_row(struct list *list, struct str id);
void list_reply(struct list *list, int code);

/* What a read of the store came to: 404 "there is no such thread", or 500. */
void call_reply_store_error(const struct call *call, int code, const char *what);

/* Reads the body and starts a run; thread_id empty: as the body says. */
void call_start_run(const struct call *call, struct str thread_id);

/* A fault of the body (body.h) as 422 with its pointer. Returns nothing: the call is answered. */
struct body_fault;
void call_refuse(const struct call *call, const struct body_fault *fault);

/* ---- answers ---- */

/* An answer is written into the api's one scratch buf, then sent: nothing else may be answered
 * between _begin_ and _reply_. Ids, not calls, for answers that come late. */
struct json_writer reply_begin_json(struct api *api);
/* Any answer. All of them go through here or through problem_…: this is what adds what a request's
 * answer must have (CORS, traceresponse), and keeps it under an Idempotency-Key. A client that is
 * gone misses nothing. */
void reply_send(struct api *api, http_id id, const struct http_reply *reply);
/* The same past the Idempotency-Key: for idempotency.c. */
void reply_now(struct api *api, http_id id, const struct http_reply *reply);
/* http_stream_begin with those headers. */
int reply_begin_stream(struct api *api, http_id id, const struct http_reply *reply);
void reply_json(struct api *api, http_id id, int status);
void reply_body(struct api *api, http_id id, int status, const char *content_type, struct str body);
/* 204. */
void reply_empty(struct api *api, http_id id);

/* The same for a call that is answered at once. */
struct json_writer call_begin_json(const struct call *call);
void call_reply_json(const struct call *call, int status);

/* Problems (RFC 9457). pointer may be NULL ("" is the whole body). The detail is a sentence for
 * people and may hold text from outside. */
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
enum problem problem_of_error(int code);
/* 401; has_credentials: something was presented, but it is not valid. */
void problem_reply_auth(struct api *api, http_id id, bool has_credentials);
/* 403; needs: what is missing ("Origin"). */
void problem_forbid(struct api *api, http_id id, const char *needs, const char *format, ...)
    printf_like(4, 5);
/* 429, with Retry-After and the RateLimit headers; 503 with a Retry-After of its own. */
struct limit_state;
void problem_reply_limited(struct api *api, http_id id, const struct limit_state *limit,
                           const char *detail);
void problem_reply_later(struct api *api, http_id id, uint64_t retry_after_s, const char *detail);
/* 405; allow: "GET, HEAD, OPTIONS". */
void problem_reply_method(struct api *api, http_id id, const char *allow);
/* The same object as JSON into a writer, for WebSockets. */
void problem_write(struct json_writer *w, enum problem problem, const char *pointer,
                   const char *detail);
void problem_write_error(struct json_writer *w, const struct error *error);
void problem_write_limited(struct json_writer *w, const struct limit_state *limit,
                           const char *detail);
void problem_write_needs(struct json_writer *w, const char *needs, const char *detail);

/* "2026-11-23T10:00:00.000000Z" */
void put_time(struct json_writer *w, const char *key, int64_t time_us);
void put_text(struct json_writer *w, const char *key, struct str text);

/* Resources as JSON objects, used by more than one file. */
void put_run(struct json_writer *w, struct api *api,
             const struct store_run *run); /* without steps, agents and tool calls */
void put_dataset(struct json_writer *w, const struct store_dataset *dataset, bool with_import);

/* A server of event streams and WebSockets hears of every durable event through it (subscribers.c).
 */
struct subscribers;

#endif
