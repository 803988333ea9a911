/*
 * peers: the other processes of a deployment of three, looked at in the background: GET
 * /health/live of each every few seconds. What was found last is what discovery tells, and a check
 * of /health. Private to server/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_PEERS_H
#define NETRA_SERVER_PEERS_H

#include "api/api.h"
#include "http/client.h"
#include "server/config.h"

#define PEERS_EVERY_MS     5000u /* one that answers … */
#define PEERS_RETRY_MS     1000u /* … and one that does not */
#define PEERS_TIMEOUT_MS   2000u
#define PEERS_ANSWER_BYTES 4096u
#define PEERS_URL_BYTES    512u

struct peers;

struct peer {
    struct peers *peers;
    size_t index;      /* of its row in services */
    http_call_id call; /* 0: none is under way */
    uint64_t asked_ms; /* of the loop's time */
    int status;
    char url[PEERS_URL_BYTES];
    char reason[HEALTH_REASON_BYTES_MAX]; /* empty when it answers */
};

struct peers {
    struct api_service services[API_SERVICES]; /* for api_options */
    struct peer peers[API_SERVICES];
    struct loop *loop;
    struct http_client *client;
    const struct auth *auth; /* of the backend: how many keys it has of the auth service */
    struct loop_timer timer;
    bool has_begun;
};

/* The rows, before anybody was asked; for api_options. client outlives it. config's texts, too. */
void peers_init(struct peers *peers, struct loop *loop, struct http_client *client,
                const struct config *config);

/* Asks from now on. own_url: where this process is found, which may be known only now. */
void peers_start(struct peers *peers, const char *own_url);

/* Backend: "auth": degraded while it does not answer, down while there are no keys of it either. */
void peers_register(struct peers *peers, const struct auth *auth, struct health *health);

/* Before the loop is freed. Nothing happens when it was not started. */
void peers_stop(struct peers *peers);

#endif
