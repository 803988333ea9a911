/*
 * server_state: the parts of a running server. Private to server/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_SERVER_STATE_H
#define NETRA_SERVER_SERVER_STATE_H

#include "api/api.h"
#include "auth/oidc.h"
#include "server/access.h"
#include "server/checks.h"
#include "server/config.h"
#include "server/models.h"
#include "server/peers.h"
#include "server/traces.h"
#include "server/watch.h"

/* The longest that a client's next request is usually behind its last on a kept connection, and
 * short enough for those who wait at the socket that was inherited. */
#define SERVER_LINGER_MS     500u
#define SERVER_TICK_MS       500u /* the log is written, gauges are set */
#define SERVER_URL_BYTES_MAX 160u
#define SERVER_SIGNALS       3u
#define SERVER_CONNECTS_MAX  512u

struct server {
    const struct config *config;
    int64_t started_us;
    struct loop *loop;
    struct store *store;            /* NULL: role frontend */
    struct usage_store *records;    /* this and datasets: roles all and backend, as runner */
    struct dataset_cache *datasets; /* NULL: another role */
    struct price_book *book;
    struct access access;               /* its secrets are forgotten once auth and mail have them */
    struct http_client *service_client; /* of the other processes; NULL: one process is all */
    struct peers peers;
    char connects[SERVER_CONNECTS_MAX]; /* whom the page may ask */
    struct auth *auth;
    struct mail *mail;               /* NULL: no mail is sent */
    struct http_client *oidc_client; /* this and oidc: NULL without providers */
    struct oidc *oidc;
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
    char url[SERVER_URL_BYTES_MAX]; /* where people find it; the api looks at it with each request;
                                     * known once it listens */
    char listen_url[SERVER_URL_BYTES_MAX]; /* where it listens */
    struct loop_timer tick;
    struct loop_timer looks;  /* of the watch */
    struct loop_timer linger; /* until the runner is drained, with an inherited socket */
    int inherited_fd;         /* 0: none */
    uv_signal_t signals[SERVER_SIGNALS];
    bool has_handles; /* tick and signals are to be closed */
    bool is_stopping;
    unsigned draining; /* parts that are not done yet */
    struct http_server_counts http_seen;
    struct store_counts store_seen;
    int64_t user_us_seen; /* processor time */
    int64_t system_us_seen;
};

/* Mail and identity providers. (sign_in.c) */
must_check int server_make_sign_in(struct server *server, struct error *error);
void server_free_sign_in(struct server *server);

/* What the server is called, now that it listens: its addresses, and the names of Host. */
must_check int server_name_itself(struct server *server, const struct config_address *listen,
                                  struct error *error);

/* "listening: …" and "sign in: …" to standard output: exactly two lines, programs read them. */
must_check int server_announce(struct server *server, struct error *error);

/* Sets the gauges, and counts on what the parts have counted since the last time. (gauges.c) */
void server_update_metrics(struct server *server);

/* Datasets that were being imported when the last process ended are failed, and records that belong
 * to no dataset are deleted. Before anything else uses the stores. (leftovers.c) */
must_check int server_tidy_up(struct store *store, struct usage_store *records,
                              struct error *error);

#endif
