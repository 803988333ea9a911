/*
 * server_state: the parts of a running server. Private to server/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_SERVER_STATE_H
#define NETRA_SERVER_SERVER_STATE_H

#include "api/api.h"
#include "server/checks.h"
#include "server/config.h"
#include "server/models.h"
#include "server/traces.h"
#include "server/watch.h"

#define SERVER_TICK_MS       500u /* the log is written, gauges are set */
#define SERVER_URL_BYTES_MAX 160u

struct server {
    const struct config *config;
    int64_t started_us;
    struct loop *loop;
    struct store *store;
    struct usage_store *records;
    struct dataset_cache *datasets;
    struct price_book *book;
    struct auth *auth;
    struct models models;       /* its keys are forgotten once llm has them */
    struct http_client *client; /* this and llm: NULL without a chain */
    struct llm *llm;
    struct api_models shown_models; /* what the api says of them */
    struct runner *runner;
    struct api *api;
    struct http_server *http;
    struct traces *traces; /* NULL: no collector is configured */
    struct health health;
    struct checks checks;
    struct watch watch;
    char url[SERVER_URL_BYTES_MAX]; /* the api looks at it with each request; known once it listens
                                     */
    struct loop_timer tick;
    struct loop_timer looks; /* of the watch */
    uv_signal_t signals[2];
    bool has_handles; /* tick and signals are to be closed */
    bool is_stopping;
    unsigned draining; /* parts that are not done yet */
    struct http_server_counts http_seen;
    struct store_counts store_seen;
    int64_t user_us_seen; /* processor time */
    int64_t system_us_seen;
};

/* Sets the gauges, and counts on what the parts have counted since the last time. (gauges.c) */
void server_update_metrics(struct server *server);

/* Datasets that were being imported when the last process ended are failed, and records that belong
 * to no dataset are deleted. Before anything else uses the stores. (leftovers.c) */
must_check int server_tidy_up(struct store *store, struct usage_store *records,
                              struct error *error);

#endif
