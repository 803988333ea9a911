/* SPDX-License-Identifier: Apache-2.0 */
#include "server/peers.h"

#include <stdio.h>

#include "loop/clock.h"
#include "server/config_role.h"

#define LIVE_PATH "/health/live"

static const char how_self[] = "this process answers; /health has each check";
static const char how_probed[] = "probed: GET /health/live, every 5 s";
static const char how_not_yet[] = "not probed yet";

void peers_init(struct peers *peers, struct loop *loop, struct http_client *client,
                const struct config *config)
{
    static const char *const names[API_SERVICES] = {"backend", "auth", "frontend"};

    *peers = (struct peers){.loop = loop, .client = client};
    for (size_t i = 0; i < API_SERVICES; i++) {
        enum config_role role = (enum config_role)(CONFIG_ROLE_BACKEND + i);
        const char *url = config_service_url(config, role);
        bool is_self = role == config_role(config);

        peers->services[i] = (struct api_service){.name = names[i],
                                                  .url = is_self ? config_own_url(config) : url,
                                                  .is_self = is_self,
                                                  .state = HEALTH_DEGRADED,
                                                  .checked_us = clock_now_us(),
                                                  .how = is_self ? how_self : how_not_yet};
        peers->peers[i] = (struct peer){.peers = peers, .index = i};
        if (url && !is_self) {
            (void)snprintf(peers->peers[i].url, PEERS_URL_BYTES, "%s" LIVE_PATH, url);
        }
    }
}

static void found(struct peer *peer, enum health_state state, const char *reason)
{
    struct api_service *service = &peer->peers->services[peer->index];

    service->state = state;
    service->checked_us = clock_now_us();
    service->how = how_probed;
    (void)snprintf(peer->reason, sizeof(peer->reason), "%.*s", (int)sizeof(peer->reason) - 1,
                   reason);
}

static void on_head(const struct http_answer *answer, void *arg)
{
    struct peer *peer = arg;

    peer->status = answer->status;
}

static void on_piece(struct str piece, void *arg)
{
    (void)piece;
    (void)arg;
}

static void on_done(int code, const struct error *error, void *arg)
{
    struct peer *peer = arg;
    char reason[64];

    peer->call = 0;
    if (code) {
        found(peer, HEALTH_DOWN, error->message);
    } else if (peer->status != 200) {
        (void)snprintf(reason, sizeof(reason), "it answers with status %d", peer->status);
        found(peer, HEALTH_DOWN, reason);
    } else {
        found(peer, HEALTH_UP, "");
    }
}

static void ask(struct peer *peer)
{
    static const struct http_call_listener listener = {on_head, on_piece, on_done};
    struct error error = {0};
    struct http_call call = {.method = HTTP_GET,
                             .url = str_from(peer->url),
                             .connect_timeout_ms = PEERS_TIMEOUT_MS,
                             .total_timeout_ms = PEERS_TIMEOUT_MS,
                             .answer_bytes_max = PEERS_ANSWER_BYTES};

    peer->asked_ms = loop_now_ms(peer->peers->loop);
    if (http_client_start(peer->peers->client, &call, &listener, peer, &peer->call, &error)) {
        peer->call = 0;
        found(peer, HEALTH_DOWN, error.message);
    }
}

static void ask_all(void *arg)
{
    struct peers *peers = arg;
    uint64_t now_ms = loop_now_ms(peers->loop);

    for (size_t i = 0; i < API_SERVICES; i++) {
        struct peer *peer = &peers->peers[i];
        bool is_due =
            peers->services[i].state != HEALTH_UP || now_ms - peer->asked_ms >= PEERS_EVERY_MS;

        if (peer->url[0] && !peer->call && is_due) {
            ask(peer);
        }
    }
}

void peers_start(struct peers *peers, const char *own_url)
{
    for (size_t i = 0; i < API_SERVICES; i++) {
        if (peers->services[i].is_self) {
            peers->services[i].url = own_url;
        }
    }
    loop_timer_init(peers->loop, &peers->timer, ask_all, peers);
    loop_timer_start(&peers->timer, /* after_ms */ 1, PEERS_RETRY_MS);
    peers->has_begun = true;
}

static void look_at_auth(struct health_result *result, void *arg)
{
    const struct peers *peers = arg;
    size_t index = CONFIG_ROLE_AUTH - CONFIG_ROLE_BACKEND;
    const struct api_service *service = &peers->services[index];
    size_t keys = auth_issuer_keys(peers->auth);
    bool is_up = service->state == HEALTH_UP;

    *result = (struct health_result){.checked_us = service->checked_us};
    if (is_up && keys) {
        return;
    }
    result->state = keys ? HEALTH_DEGRADED : HEALTH_DOWN;
    (void)snprintf(result->reason, sizeof(result->reason), "%.120s; %s",
                   is_up                           ? "it answers"
                   : peers->peers[index].reason[0] ? peers->peers[index].reason
                                                   : how_not_yet,
                   keys ? "access tokens are taken by its keys that are kept here, new API keys "
                          "are not"
                        : "and none of its keys is known: nobody can be let in");
}

void peers_register(struct peers *peers, const struct auth *auth, struct health *health)
{
    peers->auth = auth;
    health_register(health, &(struct health_probe){
                                .name = "auth",
                                .how = "every 5 s the auth service is asked whether it lives",
                                .is_needed = true,
                                .probe = look_at_auth,
                                .arg = peers});
}

void peers_stop(struct peers *peers)
{
    if (!peers->has_begun) {
        return;
    }
    for (size_t i = 0; i < API_SERVICES; i++) {
        http_client_cancel(peers->client, peers->peers[i].call);
        peers->peers[i].call = 0;
    }
    loop_timer_close(&peers->timer, /* closed */ NULL);
    peers->has_begun = false;
}
