/*
 * api_state: what the files of api/ share. Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_API_STATE_H
#define NETRA_API_API_STATE_H

#include "api/idempotency.h"
#include "api/limit.h"
#include "api/page.h"
#include "api/route.h"
#include "api/router.h"
#include "api/sockets.h"
#include "api/subscribers.h"
#include "api/visit.h"

/* The answer of GET /api/health, as long as it holds. */
struct short_health {
    struct buf text;
    int64_t made_us;
    enum health_state state;
};

struct api {
    struct api_options options;
    struct http_server *server;
    struct runner *runner;
    struct price_book *book;
    struct subscribers *subscribers;
    struct loop_timer keep_alive;
    struct visits visits;   /* requests under way */
    struct sockets sockets; /* those of them that stay open */
    struct router router;
    struct exchange exchanges[ROUTER_ROUTES_MAX]; /* the routes' own, in the router's order */
    struct exchange page;                         /* files of the page */
    struct exchange unmatched;                    /* what is refused before it has a route */
    unsigned labels[ROUTER_ROUTES_MAX][ROUTER_STATUSES_MAX]; /* of METRIC_HTTP_REQUESTS, 0: none */
    unsigned duration_labels[ROUTER_ROUTES_MAX];             /* of METRIC_HTTP_DURATION */
    struct json_parser *parser; /* of request bodies and of the event log */
    struct buf scratch;         /* the answer under construction; loop thread, one at a time */
    char page_policy[PAGE_POLICY_BYTES];
    struct buf query; /* decoded query parameters of the call at hand */
    struct short_health short_health;
    struct limits *limits;
    struct idempotency *idempotents; /* idempotency.h: requests with a key, without an answer yet */
    uint64_t swept_ms;               /* kept answers that have ended */
    struct late *late;               /* late.h: answers that wait for the store or the runner */
    struct pending_run *pending_runs; /* route_live.c: clients whose run is being accepted */
    struct dataset_upload *uploads;   /* dataset_upload.c: those under way */
    unsigned upload_count;
    struct removal *removals;                     /* route_datasets.c: deletions under way */
    struct workspace_removal *workspace_removals; /* workspace_removal.c: the same */
    unsigned works;                               /* of work.c; at most WORK_MAX */
    unsigned jobs; /* uploads and tool calls on workers: api_free waits for none, so it must be 0 */
};

#endif
