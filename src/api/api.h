/*
 * api: what the server says over HTTP: routes, one file per resource; events over WebSocket and
 * SSE. The only room that knows which HTTP status an error becomes, and what a resource looks like
 * as JSON. docs/protocol.md is its contract.
 *
 * Loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_API_H
#define NETRA_API_API_H

#include "agent/runner.h"
#include "auth/auth.h"
#include "auth/oidc.h"
#include "http/mail.h"
#include "http/static.h"
#include "llm/llm.h"
#include "monitor/health.h"

/* The chain of models as settings show it. */
struct api_models {
    struct llm *llm; /* NULL: no chain, nothing is sent anywhere */
    struct llm_limits limits;
    uint64_t tokens_per_run_max;
    /* Requests are shown in its form: the chain's first link, or an example. Its key is never
     * looked at beyond whether there is one: it may be wiped. */
    const struct llm_provider *shown;
};

/* Who may how much. A bucket holds burst tokens and gets `tokens` in per_s seconds; a request takes
 * one. tokens 0: no limit. */
enum api_limit {
    API_LIMIT_ADDRESS, /* of an IPv6 address: its /64 */
    API_LIMIT_USER,
    API_LIMIT_KEY,
    API_LIMIT_COSTLY, /* questions, tool calls and uploads of one user */
    API_LIMIT_SECRET, /* tries at passwords, codes and tokens of one address */
    API_LIMIT_COUNT
};
struct api_limit_rule {
    uint64_t tokens;
    uint64_t per_s;
    uint64_t burst;
};
struct api_limits {
    struct api_limit_rule rules[API_LIMIT_COUNT];
    unsigned websockets_per_user; /* 0: no limit of its own */
    uint64_t storage_bytes;       /* of a workspace's datasets, as uploaded; 0: no limit */
    uint64_t model_tokens_day;    /* of a workspace, for GET /api/limits: the runner sees to it */
};

/* Which process has the row, where a deployment is three (--role). One process for all has all. */
enum route_service { ROUTE_BACKEND = 1, ROUTE_AUTH = 2, ROUTE_FRONTEND = 4, ROUTE_EVERY = 7 };

/* A process of a deployment of three, as GET /api/discovery/services tells it. */
#define API_SERVICES 3u
struct api_service {
    const char *name; /* "backend" */
    const char *url;  /* NULL: not known, not told */
    bool is_self;     /* the rest is looked up */
    enum health_state state;
    int64_t checked_us;
    const char *how;
};

/* Parts that it works with; they outlive it. */
struct api_options {
    struct loop *loop;
    struct store *store;
    struct usage_store *records;
    struct dataset_cache *datasets;
    struct auth *auth;
    struct mail *mail;      /* accounts mode: NULL where no mail is sent */
    struct oidc *oidc;      /* accounts mode: NULL without identity providers */
    bool allows_passwords;  /* accounts mode */
    const char *deployment; /* "staging"; NULL or empty: it has no name */
    struct health *health;
    const struct http_files *page;
    const struct api_models *models;
    const char *prices_path; /* NULL: the built-in book */
    const char *public_url;  /* "http://127.0.0.1:8080" */
    /* Of a deployment of three processes; all zero where one is all. */
    unsigned role;                      /* enum route_service: which rows there are; 0: all */
    const struct api_service *services; /* API_SERVICES; they change */
    const char *page_url;               /* where the page is, when another process serves it */
    const char *page_connects; /* "https://… wss://…": whom the page may ask beside us */
    uint64_t upload_bytes_max;
    struct api_limits limits; /* zeroed: none */
    int64_t started_us;
};

struct api;

must_check int api_new(const struct api_options *options, struct api **ret_api,
                       struct error *error);
void api_free(struct api *api);

/* The server's callbacks; arg is the api. */
extern const struct http_handler api_handler;

/* Once each, before the first request: the parts that need the api's callbacks to be made. */
void api_set_server(struct api *api, struct http_server *server);
void api_set_runner(struct api *api, struct runner *runner);

/* For runner_options: publishes to WebSockets and event streams; arg is the api. */
unsigned api_publish(struct str run_id, uint64_t seq, struct str json, bool is_last, void *arg);

/* The table of routes as the OpenAPI 3.1 document, with the rows that only accounts mode has or
 * without, of a role (0: all), and as the table of docs/protocol.md. */
void api_write_openapi(struct buf *out, bool with_accounts, unsigned role);
void api_write_routes(struct buf *out);

/* For http_server_options.always: what every answer tells browsers. is_secure: people reach the
 * server over TLS. */
const struct http_header *api_security_headers(bool is_secure, size_t *ret_count);

#endif
