/*
 * The keys that sign access tokens: their public halves for everybody, rotation for operators.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/account_answer.h"
#include "api/api_state.h"

static const struct account_wrong wrong_operator = {.needs = "operator",
                                                    .detail = "only operators rotate keys"};

/* The next key stands in it long before it signs, so a copy may be kept for some minutes. */
static void get_jwks(const struct call *call)
{
    static const struct http_header headers[] = {
        {{"Cache-Control", 13}, {"public, max-age=300", 19}},
    };
    struct json_writer w = call_begin_json(call);

    accounts_write_jwks(call->api->options.auth, &w);
    if (buf_status(&call->api->scratch)) {
        problem_reply(call->api, call->id, PROBLEM_SERVICE_UNAVAILABLE, NULL, "out of memory");
        return;
    }
    reply_send(call->api, call->id,
               &(struct http_reply){.status = 200,
                                    .content_type = STR("application/json"),
                                    .headers = headers,
                                    .header_count = ARRAY_LENGTH(headers),
                                    .body = buf_str(&call->api->scratch)});
}

static void reply_keys(struct account_answer *answer, const struct account_outcome *outcome)
{
    struct api *api = answer->late.api;
    struct json_writer w = reply_begin_json(api);

    (void)outcome;
    accounts_write_jwks(api->options.auth, &w);
    reply_json(api, answer->late.id, 201);
}

static void post_keys(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct error error = {0};
    struct json_value root;

    if (!call_json(call, &root)) {
        return;
    }
    struct account_answer *answer = account_answer_new(call, reply_keys);
    if (answer) {
        answer->wrong = &wrong_operator;
        int code = accounts_rotate_keys(call->api->options.auth, call->who, &origin,
                                        account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/.well-known/jwks.json",
     .handle = get_jwks,
     .scope = ROUTE_PUBLIC,
     .is_accounts = true,
     .summary = "The public keys of access tokens.",
     .reply = SCHEMA_REF("Jwks"),
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/auth/signing-keys",
     .handle = post_keys,
     .scope = ROUTE_OPERATOR,
     .is_accounts = true,
     .takes_json = true,
     .summary = "The next key signs from now on; tokens of the old one stay valid to their end.",
     .reply = SCHEMA_REF("Jwks"),
     .reply_status = 201},
};

const struct route_table routes_jwks = {"signing-keys", routes, ARRAY_LENGTH(routes), ROUTE_AUTH};
