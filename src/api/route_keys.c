/*
 * API keys: of oneself, and of services by an admin. A key is shown once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/account_answer.h"
#include "api/account_read.h"
#include "api/api_state.h"
#include "base/civil_time.h"

#define SCOPES_LISTED_MAX 16u

static const struct account_wrong wrong_scope = {
    .needs = "scope", .detail = "a key has no more scopes than its maker and its user"};
static const struct account_wrong wrong_owner = {.needs = "scope:admin",
                                                 .detail = "the key is somebody else's"};

/* A key under way: what the answer says beside the secret. */
struct new_key {
    struct account_answer answer; /* first: freed as one */
    char name[ACCOUNTS_NAME_MAX + 1];
    char user_id[STORE_ID_BYTES_MAX + 1];
    unsigned scopes;
    int64_t created_us;
};

/* What all forms of a key have. */
static void put_key(struct json_writer *w, const struct store_key *key)
{
    put_text(w, "id", key->id);
    put_text(w, "name", key->name);
    put_text(w, "user_id", key->user_id);
    json_key(w, "scopes");
    account_put_scopes(w, key->scopes);
    put_time(w, "created_at", key->created_us);
    if (key->used_us) {
        put_time(w, "used_at", key->used_us);
    }
    if (key->expires_us) {
        put_time(w, "expires_at", key->expires_us);
    }
}

static bool list_key(const struct store_key *row, void *arg)
{
    struct list *list = (struct list *)arg;

    list_row(list, row->id);
    json_begin_object(&list->w);
    put_key(&list->w, row);
    json_end_object(&list->w);
    return true;
}

static void get_keys(const struct call *call)
{
    bool sees_all = (call->who->may & AUTH_SCOPE_ADMIN) != 0;
    struct call_page page;
    struct list list;

    if (call_page(call, &page)) {
        list_begin(&list, call, &page);
        accounts_keys(call->api->options.auth, call->workspace,
                      sees_all ? STR("") : str_from(call->who->user_id), page.after, page.limit,
                      list_key, &list);
        list_reply(&list, OK);
    }
}

/* ["read","run"] added up. */
static bool read_scopes(struct json_value root, unsigned *ret_scopes, struct body_fault *fault)
{
    struct json_value list = json_at(root, "scopes");
    unsigned scopes = 0;

    if (!json_is(list, JSON_ARRAY) || json_count(list) == 0 ||
        json_count(list) > SCOPES_LISTED_MAX) {
        return body_refuse(fault, "/scopes", "scopes must be a list of read, run, data, admin");
    }
    for (struct json_iterator it = json_iterate(list); json_next(&it);) {
        struct str name;
        unsigned scope = json_get_str(it.value, &name) ? auth_scope_from(name) : 0;

        if (scope == 0) {
            return body_refuse(fault, "/scopes", "a scope is none of read, run, data, admin");
        }
        scopes |= scope;
    }
    *ret_scopes = scopes;
    return true;
}

static bool read_key(const struct call *call, struct account_key_request *request)
{
    static const struct body_text_rule name_rule = {.bytes_max = ACCOUNTS_NAME_MAX,
                                                    .is_required = true};
    struct body_fault fault = {0};
    struct json_value root;

    if (!call_json(call, &root)) {
        return false;
    }
    bool is_right = body_is_object(root, &fault) &&
                    body_text(root, "name", &name_rule, &request->name, &fault) &&
                    read_scopes(root, &request->scopes, &fault) &&
                    body_id(root, "user_id", &request->user_id, &fault) &&
                    body_time(root, "expires_at", &request->expires_us, &fault);
    if (is_right && request->expires_us != 0 && request->expires_us <= call->request->received_us) {
        is_right = body_refuse(&fault, "/expires_at", "expires_at is past already");
    }
    if (!is_right) {
        call_refuse(call, &fault);
    }
    return is_right;
}

/* Whose and how much: what the credential at hand may, not what its user might with another. */
static bool may_make(const struct call *call, const struct account_key_request *request)
{
    bool is_other =
        request->user_id.length && !str_equal(request->user_id, str_from(call->who->user_id));

    if (request->scopes & ~call->who->may) {
        problem_forbid(call->api, call->id, "scope", "%s", wrong_scope.detail);
        return false;
    }
    if (is_other && !(call->who->may & AUTH_SCOPE_ADMIN)) {
        problem_forbid(call->api, call->id, "scope:admin", "a key of another user is an admin's");
        return false;
    }
    return true;
}

static void reply_key(struct account_answer *answer, const struct account_outcome *outcome)
{
    const struct new_key *made = (const struct new_key *)answer;
    struct api *api = answer->late.api;
    struct json_writer w = reply_begin_json(api);

    json_begin_object(&w);
    put_key(&w, &(struct store_key){.id = str_from(outcome->id),
                                    .name = str_from(made->name),
                                    .user_id = str_from(made->user_id),
                                    .scopes = made->scopes,
                                    .created_us = made->created_us,
                                    .expires_us = outcome->expires_us});
    put_text(&w, "key", str_from(outcome->secret));
    json_end_object(&w);
    account_reply_secret(api, answer->late.id, 201, NULL);
}

static void post_key(const struct call *call)
{
    struct account_key_request request = {.origin = account_origin(call)};
    struct error error = {0};

    if (!read_key(call, &request)) {
        return;
    }
    if (!may_make(call, &request)) {
        account_audit_refusal(call, "key.refused");
        return;
    }
    struct new_key *made =
        (struct new_key *)account_answer_new_sized(call, sizeof(*made), reply_key);
    if (!made) {
        return;
    }
    struct str user_id = request.user_id.length ? request.user_id : str_from(call->who->user_id);
    memcpy(made->name, request.name.data, request.name.length);
    memcpy(made->user_id, user_id.data, user_id.length);
    made->scopes = request.scopes;
    made->created_us = call->request->received_us;
    made->answer.wrong = &wrong_scope;
    made->answer.what = "user";
    int code = accounts_add_key(call->api->options.auth, call->who, &request, account_answered,
                                &made->answer, &error);
    account_begun(&made->answer, code, &error);
}

static void delete_key(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct error error = {0};
    struct account_answer *answer = account_answer_new(call, /* reply */ NULL);

    if (answer) {
        answer->wrong = &wrong_owner;
        answer->what = "key";
        int code = accounts_revoke_key(call->api->options.auth, call->who, call->params[0], &origin,
                                       account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/keys",
     .handle = get_keys,
     .scope = ROUTE_SIGNED_IN,
     .is_accounts = true,
     .summary = "One's own API keys; all of the workspace for admins.",
     .queries = route_page_queries,
     .reply = SCHEMA_PAGE("Key"),
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/api/keys",
     .handle = post_key,
     .scope = ROUTE_SIGNED_IN,
     .is_accounts = true,
     .takes_json = true,
     .has_secret = true,
     .summary = "A new API key, shown this once; of a service account by an admin.",
     .request =
         "{\"type\":\"object\",\"required\":[\"name\",\"scopes\"],\"properties\":{\"name\":{"
         "\"type\":\"string\",\"minLength\":1,\"maxLength\":120},\"scopes\":{\"type\":\"array\","
         "\"minItems\":1,\"items\":{\"type\":\"string\",\"enum\":[\"read\",\"run\",\"data\","
         "\"admin\"]}},\"expires_at\":{\"type\":\"string\",\"format\":\"date-time\"},"
         "\"user_id\":{\"type\":\"string\"}}}",
     .reply = SCHEMA_REF("NewKey"),
     .reply_status = 201},
    {.method = HTTP_DELETE,
     .pattern = "/api/keys/{id}",
     .handle = delete_key,
     .scope = ROUTE_SIGNED_IN,
     .is_accounts = true,
     .summary = "Revokes a key: one's own, or any of the workspace by an admin.",
     .reply_status = 204},
};

const struct route_table routes_keys = {"keys", routes, ARRAY_LENGTH(routes), ROUTE_AUTH};
