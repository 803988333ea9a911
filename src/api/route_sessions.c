/*
 * One's own sessions: where one is signed in, and ending that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/account_answer.h"
#include "api/api_state.h"

static const struct account_wrong wrong_session = {.needs = "session",
                                                   .detail = "this session is not yours"};

static const char *kind_name(unsigned kind)
{
    switch ((enum auth_session_kind)kind) {
    case AUTH_SESSION_COOKIE:
        return "cookie";
    case AUTH_SESSION_TOKENS:
        return "tokens";
    default:
        return "local";
    }
}

static bool list_session(const struct store_session *row, void *arg)
{
    struct list *list = (struct list *)arg;
    struct json_writer *w = &list->w;

    json_begin_object(w);
    put_text(w, "id", row->id);
    put_text(w, "kind", str_from(kind_name(row->kind)));
    put_text(w, "device", row->device);
    put_text(w, "address", row->address);
    put_time(w, "created_at", row->created_us);
    put_time(w, "used_at", row->used_us);
    put_time(w, "expires_at", row->expires_us);
    json_key(w, "is_current");
    json_put_bool(w, str_equal(row->id, str_from(list->call->who->credential_id)));
    json_end_object(w);
    return true;
}

/* All of them: ACCOUNTS_SESSIONS_USER_MAX is less than a page. */
static void get_sessions(const struct call *call)
{
    static const struct call_page whole = {.limit = STORE_PAGE_MAX};
    struct list list;

    list_begin(&list, call, &whole);
    accounts_sessions(call->api->options.auth, str_from(call->who->user_id), list_session, &list);
    list_reply(&list, OK);
}

static void end_sessions(const struct call *call, struct str id)
{
    struct account_origin origin = account_origin(call);
    struct error error = {0};

    if (!account_needs_session(call)) {
        return;
    }
    struct account_answer *answer = account_answer_new(call, /* reply */ NULL);
    if (answer) {
        answer->wrong = &wrong_session;
        answer->what = "session";
        int code = accounts_end_sessions(call->api->options.auth, call->who, id, &origin,
                                         account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

static void delete_session(const struct call *call)
{
    end_sessions(call, call->params[0]);
}

static void delete_others(const struct call *call)
{
    end_sessions(call, STR(""));
}

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/auth/sessions",
     .handle = get_sessions,
     .scope = ROUTE_SIGNED_IN,
     .is_accounts = true,
     .summary = "Where one is signed in.",
     .reply = SCHEMA_PAGE("Session"),
     .reply_status = 200},
    {.method = HTTP_DELETE,
     .pattern = "/auth/sessions",
     .handle = delete_others,
     .scope = ROUTE_SIGNED_IN,
     .is_accounts = true,
     .summary = "Ends all of one's sessions but this one.",
     .reply_status = 204},
    {.method = HTTP_DELETE,
     .pattern = "/auth/sessions/{id}",
     .handle = delete_session,
     .scope = ROUTE_SIGNED_IN,
     .is_accounts = true,
     .summary = "Ends one of one's sessions.",
     .reply_status = 204},
};

const struct route_table routes_sessions = {"sessions", routes, ARRAY_LENGTH(routes), ROUTE_AUTH};
