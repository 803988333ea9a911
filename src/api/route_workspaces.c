/*
 * Workspaces: those that one is in; new ones by operators.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/account_answer.h"
#include "api/account_read.h"
#include "api/api_state.h"
#include "api/workspace_removal.h"

static const struct account_wrong wrong_operator = {.needs = "operator",
                                                    .detail = "only operators make workspaces"};
static const struct account_wrong wrong_role = {.needs = "scope:admin",
                                                .detail = "your role does not include this"};

struct row {
    struct json_writer *w;
    const struct auth *auth;
    struct str only; /* empty: all */
    unsigned count;
};

static bool write_names(const struct store_workspace *row, void *arg)
{
    struct json_writer *w = (struct json_writer *)arg;

    put_text(w, "id", row->id);
    put_text(w, "name", row->name);
    put_time(w, "created_at", row->created_us);
    return false;
}

static bool write_membership(const struct store_member *member, void *arg)
{
    struct row *row = (struct row *)arg;

    if (row->only.length && !str_equal(row->only, member->workspace_id)) {
        return true;
    }
    row->count++;
    json_begin_object(row->w);
    (void)accounts_workspace(row->auth, member->workspace_id, write_names, row->w);
    put_text(row->w, "role", str_from(auth_role_name((enum auth_role)member->role)));
    json_end_object(row->w);
    return true;
}

/* All of them: at most ACCOUNTS_WORKSPACES_MAX, as a page without a next one. */
static void get_workspaces(const struct call *call)
{
    struct json_writer w = call_begin_json(call);
    struct row row = {.w = &w, .auth = call->api->options.auth};

    json_begin_object(&w);
    json_key(&w, "items");
    json_begin_array(&w);
    accounts_memberships(row.auth, str_from(call->who->user_id), write_membership, &row);
    json_end_array(&w);
    json_key(&w, "next");
    json_put_null(&w);
    json_end_object(&w);
    call_reply_json(call, 200);
}

static void reply_workspace(struct account_answer *answer, const struct account_outcome *outcome)
{
    struct api *api = answer->late.api;
    struct json_writer w = reply_begin_json(api);
    struct row row = {.w = &w,
                      .auth = api->options.auth,
                      .only = str_from(outcome->id ? outcome->id : answer->caller.workspace_id)};

    accounts_memberships(row.auth, str_from(answer->caller.user_id), write_membership, &row);
    if (row.count) {
        reply_json(api, answer->late.id, answer->status);
    } else {
        problem_reply(api, answer->late.id, PROBLEM_NOT_FOUND, NULL, "there is no such workspace");
    }
}

static void post_workspace(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct account_body body = {0};
    struct error error = {0};

    if (!account_read_body(call, ACCOUNT_BODY_NAME, &body)) {
        return;
    }
    struct account_answer *answer = account_answer_new(call, reply_workspace);
    if (answer) {
        answer->wrong = &wrong_operator;
        answer->status = 201;
        int code = accounts_add_workspace(call->api->options.auth, call->who, body.name, &origin,
                                          account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

static void patch_workspace(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct account_body body = {0};
    struct error error = {0};

    if (!account_read_body(call, ACCOUNT_BODY_NAME, &body)) {
        return;
    }
    if (!str_equal(call->params[0], call->workspace)) {
        problem_reply(call->api, call->id, PROBLEM_NOT_FOUND, NULL, "there is no such workspace");
        return;
    }
    struct account_answer *answer = account_answer_new(call, reply_workspace);
    if (answer) {
        answer->wrong = &wrong_role;
        int code = accounts_rename_workspace(call->api->options.auth, call->who, body.name, &origin,
                                             account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

#define NAME_SCHEMA                                                                                \
    "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"name\":{\"type\":\"string\","  \
    "\"minLength\":1,\"maxLength\":120}}}"

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/workspaces",
     .handle = get_workspaces,
     .scope = ROUTE_SIGNED_IN,
     .is_accounts = true,
     .summary = "The workspaces that one is in.",
     .reply = SCHEMA_PAGE("Workspace"),
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/api/workspaces",
     .handle = post_workspace,
     .scope = ROUTE_OPERATOR,
     .is_accounts = true,
     .takes_json = true,
     .summary = "A new workspace, whose first admin is its maker.",
     .request = NAME_SCHEMA,
     .reply = SCHEMA_REF("Workspace"),
     .reply_status = 201},
    {.method = HTTP_PATCH,
     .pattern = "/api/workspaces/{id}",
     .handle = patch_workspace,
     .scope = AUTH_SCOPE_ADMIN,
     .is_accounts = true,
     .takes_json = true,
     .summary = "Another name for the workspace that one is in at the moment.",
     .request = NAME_SCHEMA,
     .reply = SCHEMA_REF("Workspace"),
     .reply_status = 200},
    {.method = HTTP_DELETE,
     .pattern = "/api/workspaces/{id}",
     .handle = workspace_delete,
     .services = ROUTE_BACKEND | ROUTE_AUTH, /* what each has of it */
     .scope = ROUTE_OPERATOR,
     .is_accounts = true,
     .summary = "Deletes a workspace with everything in it; 409 for the first one, and while a run "
                "or an upload is at work in it.",
     .reply_status = 204},
};

const struct route_table routes_workspaces = {"workspaces", routes, ARRAY_LENGTH(routes),
                                              ROUTE_AUTH};
