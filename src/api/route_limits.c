/*
 * GET /api/limits: what the caller may still do, before a 429 says it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/api_state.h"
#include "api/gate.h"
#include "base/civil_time.h"

#define RATE_SCALE 3 /* tokens a second with three digits: 20 a minute are 0.333 */

static void put_number(struct json_writer *w, const char *key, uint64_t value)
{
    json_key(w, key);
    json_put_decimal(w, decimal_of((int128)value, 0));
}

static void put_state(struct json_writer *w, const struct limit_state *state,
                      const struct api_limit_rule *rule)
{
    json_begin_object(w);
    put_text(w, "name", str_from(state->name));
    put_number(w, "limit", state->limit);
    if (rule) {
        json_key(w, "per_s");
        json_put_decimal(w,
                         decimal_of((int128)rule->tokens * 1000 / (int128)rule->per_s, RATE_SCALE));
    }
    put_number(w, "remaining", state->remaining);
    json_end_object(w);
}

static void put_limits(struct json_writer *w, const struct call *call)
{
    struct api *api = call->api;
    int64_t now_ns = (int64_t)loop_now_ms(api->options.loop) * 1000000;
    char scratch[LIMIT_ADDRESS_BYTES];
    struct str address = limit_address_key(call->request->peer_address, scratch);
    struct str user = str_from(call->who->user_id);
    const struct str keys[API_LIMIT_COUNT] = {
        [API_LIMIT_ADDRESS] = address,
        [API_LIMIT_USER] = user,
        [API_LIMIT_KEY] = str_from(call->who->credential_id),
        [API_LIMIT_COSTLY] = user,
        [API_LIMIT_SECRET] = address,
    };
    unsigned sockets_max = api->options.limits.websockets_per_user;

    for (enum api_limit i = 0; i < API_LIMIT_COUNT; i++) {
        struct limit_state state = limits_look(api->limits, i, keys[i], now_ns);

        if (state.is_limited && (i != API_LIMIT_KEY || gate_is_of_key(call->who))) {
            put_state(w, &state, &api->options.limits.rules[i]);
        }
    }
    if (sockets_max) {
        unsigned open = sockets_of(&api->sockets, user);
        struct limit_state state = {.name = "websockets",
                                    .limit = sockets_max,
                                    .remaining = open < sockets_max ? sockets_max - open : 0};

        put_state(w, &state, NULL);
    }
}

static void put_quota(struct json_writer *w, const char *name, uint64_t used, uint64_t limit)
{
    json_begin_object(w);
    put_text(w, "name", str_from(name));
    put_number(w, "used", used);
    if (limit) {
        put_number(w, "limit", limit);
    } else {
        json_key(w, "limit");
        json_put_null(w);
    }
    json_end_object(w);
}

static void get_limits(const struct call *call)
{
    const struct api_limits *limits = &call->api->options.limits;
    struct store_usage usage;
    int code = store_get_usage(call->api->options.store, call->workspace,
                               call->request->received_us - DAY_US, &usage);

    if (code) {
        call_reply_store_error(call, code, "use of the workspace");
        return;
    }
    struct json_writer w = call_begin_json(call);
    json_begin_object(&w);
    json_key(&w, "limits");
    json_begin_array(&w);
    put_limits(&w, call);
    json_end_array(&w);
    json_key(&w, "quotas");
    json_begin_array(&w);
    put_quota(&w, "storage", usage.dataset_bytes, limits->storage_bytes);
    put_quota(&w, "model_tokens", usage.model_tokens, limits->model_tokens_day);
    json_end_array(&w);
    json_end_object(&w);
    call_reply_json(call, 200);
}

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/limits",
     .scope = ROUTE_SIGNED_IN,
     .handle = get_limits,
     .summary = "The caller's buckets and the workspace's quotas.",
     .reply = SCHEMA_REF("Limits"),
     .reply_status = 200},
};

const struct route_table routes_limits = {"limits", routes, ARRAY_LENGTH(routes), ROUTE_BACKEND};
