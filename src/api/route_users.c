/*
 * The people and services of a workspace, for its admins. Who is not in it is not there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/account_answer.h"
#include "api/account_mail.h"
#include "api/account_read.h"
#include "api/api_state.h"
#include "base/civil_time.h"

static const struct account_wrong wrong_role = {.needs = "scope:admin",
                                                .detail = "your role does not include this"};

/* ---- rows ---- */

struct member {
    struct json_writer *w;
    struct str workspace_id;
    int64_t used_us;
    bool is_found;
};

static bool write_person(const struct store_user *row, void *arg)
{
    struct json_writer *w = ((struct member *)arg)->w;

    put_text(w, "id", row->id);
    if (row->email.length) {
        put_text(w, "email", row->email);
    }
    put_text(w, "name", row->name);
    put_text(w, "kind", row->is_service ? STR("service") : STR("person"));
    json_key(w, "has_password");
    json_put_bool(w, row->password.length > 0);
    return false;
}

/* In this workspace: when they are at work elsewhere is not this one's to know. */
static bool latest_use(const struct store_session *row, void *arg)
{
    struct member *member = (struct member *)arg;
    bool is_here = str_equal(row->workspace_id, member->workspace_id);

    member->used_us = is_here && row->used_us > member->used_us ? row->used_us : member->used_us;
    return true;
}

static void put_member(struct member *member, const struct auth *auth,
                       const struct store_member *row)
{
    struct json_writer *w = member->w;

    json_begin_object(w);
    (void)accounts_user(auth, row->user_id, write_person, member);
    put_text(w, "role", str_from(auth_role_name((enum auth_role)row->role)));
    put_time(w, "since", row->since_us);
    member->workspace_id = row->workspace_id;
    member->used_us = 0;
    accounts_sessions(auth, row->user_id, latest_use, member);
    if (member->used_us) {
        put_time(w, "used_at", member->used_us);
    }
    json_end_object(w);
}

static bool list_member(const struct store_member *row, void *arg)
{
    struct list *list = (struct list *)arg;

    list_row(list, row->user_id);
    put_member(&(struct member){.w = &list->w}, list->api->options.auth, row);
    return true;
}

static void get_users(const struct call *call)
{
    struct call_page page;
    struct list list;

    if (call_page(call, &page)) {
        list_begin(&list, call, &page);
        accounts_members(call->api->options.auth, call->workspace, page.after, page.limit,
                         list_member, &list);
        list_reply(&list, OK);
    }
}

/* One member, found among the user's memberships. */
struct one_member {
    struct member member;
    const struct api *api;
    struct str workspace_id;
};

static bool write_if_here(const struct store_member *row, void *arg)
{
    struct one_member *one = (struct one_member *)arg;

    if (!str_equal(row->workspace_id, one->workspace_id)) {
        return true;
    }
    one->member.is_found = true;
    put_member(&one->member, one->api->options.auth, row);
    return false;
}

/* The user as a list has it; text is the id, or outcome's. */
static void reply_user(struct account_answer *answer, const struct account_outcome *outcome)
{
    struct api *api = answer->late.api;
    struct json_writer w = reply_begin_json(api);
    struct one_member one = {
        .member = {.w = &w}, .api = api, .workspace_id = str_from(answer->caller.workspace_id)};
    const char *id = answer->text[0] || !outcome->id ? answer->text : outcome->id;

    accounts_memberships(api->options.auth, str_from(id), write_if_here, &one);
    if (one.member.is_found) {
        reply_json(api, answer->late.id, answer->status);
    } else { /* changed and gone in the same moment */
        problem_reply(api, answer->late.id, PROBLEM_NOT_FOUND, NULL, "there is no such user");
    }
}

/* ---- changes ---- */

static struct account_answer *user_answer(const struct call *call, account_reply_fn reply)
{
    struct account_answer *answer = account_answer_new(call, reply);

    if (answer) {
        answer->wrong = &wrong_role;
        answer->what = "user";
    }
    return answer;
}

static void post_user(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct account_body body = {0};
    struct error error = {0};

    if (!account_read_body(call, ACCOUNT_BODY_NAME | ACCOUNT_BODY_ROLE, &body)) {
        return;
    }
    struct account_answer *answer = user_answer(call, reply_user);
    if (answer) {
        answer->status = 201;
        int code = accounts_add_service(call->api->options.auth, call->who, body.name, body.role,
                                        &origin, account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

static void patch_user(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct account_body body = {0};
    struct error error = {0};

    if (!account_read_body(call, ACCOUNT_BODY_ROLE, &body)) {
        return;
    }
    struct account_answer *answer = user_answer(call, reply_user);
    if (answer) {
        account_keep_id(answer, call->params[0]);
        int code = accounts_set_role(call->api->options.auth, call->who, call->params[0], body.role,
                                     &origin, account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

static void delete_user(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct error error = {0};
    struct account_answer *answer = user_answer(call, /* reply */ NULL);

    if (answer) {
        int code = accounts_remove_member(call->api->options.auth, call->who, call->params[0],
                                          &origin, account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

static void reply_link(struct account_answer *answer, const struct account_outcome *outcome)
{
    struct api *api = answer->late.api;
    char url[ACCOUNT_LINK_BYTES_MAX];
    struct json_writer w = reply_begin_json(api);

    account_print_link(api, "reset", outcome->secret, url);
    json_begin_object(&w);
    put_text(&w, "url", str_from(url));
    put_time(&w, "expires_at", outcome->expires_us);
    json_end_object(&w);
    account_reply_secret(api, answer->late.id, 201, NULL);
}

static void post_reset_link(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct error error = {0};
    struct json_value root;

    if (!call_json(call, &root)) {
        return;
    }
    struct account_answer *answer = user_answer(call, reply_link);
    if (answer) {
        int code = accounts_reset_code(call->api->options.auth, call->who, call->params[0], &origin,
                                       account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

#define ROLE_SCHEMA "{\"type\":\"string\",\"enum\":[\"viewer\",\"analyst\",\"admin\"]}"

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/users",
     .handle = get_users,
     .scope = AUTH_SCOPE_ADMIN,
     .is_accounts = true,
     .summary = "The people and services of this workspace.",
     .queries = route_page_queries,
     .reply = SCHEMA_PAGE("User"),
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/api/users",
     .handle = post_user,
     .scope = AUTH_SCOPE_ADMIN,
     .is_accounts = true,
     .takes_json = true,
     .summary = "A service account: a user without a password, for keys.",
     .request = "{\"type\":\"object\",\"required\":[\"name\",\"role\"],\"properties\":{\"name\":{"
                "\"type\":\"string\",\"minLength\":1,\"maxLength\":120},\"role\":" ROLE_SCHEMA "}}",
     .reply = SCHEMA_REF("User"),
     .reply_status = 201},
    {.method = HTTP_PATCH,
     .pattern = "/api/users/{id}",
     .handle = patch_user,
     .scope = AUTH_SCOPE_ADMIN,
     .is_accounts = true,
     .takes_json = true,
     .summary = "Another role in this workspace; 409 for its last admin.",
     .request =
         "{\"type\":\"object\",\"required\":[\"role\"],\"properties\":{\"role\":" ROLE_SCHEMA "}}",
     .reply = SCHEMA_REF("User"),
     .reply_status = 200},
    {.method = HTTP_DELETE,
     .pattern = "/api/users/{id}",
     .handle = delete_user,
     .scope = AUTH_SCOPE_ADMIN,
     .is_accounts = true,
     .summary = "Takes somebody out of this workspace: their sessions and keys here end.",
     .reply_status = 204},
    {.method = HTTP_POST,
     .pattern = "/api/users/{id}/reset-link",
     .handle = post_reset_link,
     .scope = AUTH_SCOPE_ADMIN,
     .is_accounts = true,
     .takes_json = true,
     .has_secret = true,
     .summary = "A link to choose a new password, to be handed over by the admin.",
     .reply = SCHEMA_REF("Link"),
     .reply_status = 201},
};

const struct route_table routes_users = {"users", routes, ARRAY_LENGTH(routes), ROUTE_AUTH};
