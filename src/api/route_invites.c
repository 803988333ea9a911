/*
 * Invitations into a workspace: a link with a code, by mail or handed over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/account_answer.h"
#include "api/account_mail.h"
#include "api/account_read.h"
#include "api/api_state.h"

static const struct account_wrong wrong_role = {.needs = "scope:admin",
                                                .detail = "your role does not include this"};

/* An invitation under way: what the answer and the mail say beside the code. */
struct invitation {
    struct account_answer answer; /* first: freed as one */
    char email[ACCOUNTS_EMAIL_MAX + 1];
    enum auth_role role;
};

static bool list_invite(const struct store_code *row, void *arg)
{
    struct list *list = (struct list *)arg;
    struct json_writer *w = &list->w;

    list_row(list, row->id);
    json_begin_object(w);
    put_text(w, "id", row->id);
    put_text(w, "email", row->email);
    put_text(w, "role", str_from(auth_role_name((enum auth_role)row->role)));
    if (row->made_by.length) {
        put_text(w, "made_by", row->made_by);
    }
    put_time(w, "created_at", row->created_us);
    put_time(w, "expires_at", row->expires_us);
    json_end_object(w);
    return true;
}

static void get_invites(const struct call *call)
{
    struct call_page page;
    struct list list;

    if (call_page(call, &page)) {
        list_begin(&list, call, &page);
        accounts_invites(call->api->options.auth, call->workspace, page.after, page.limit,
                         list_invite, &list);
        list_reply(&list, OK);
    }
}

static void reply_invitation(struct account_answer *answer, const struct account_outcome *outcome)
{
    struct invitation *invitation = (struct invitation *)answer;
    struct api *api = answer->late.api;
    char url[ACCOUNT_LINK_BYTES_MAX];

    account_print_link(api, "invite", outcome->secret, url);
    bool is_mailed =
        account_mail_invitation(api, &answer->caller, str_from(invitation->email), url);
    struct json_writer w = reply_begin_json(api);
    json_begin_object(&w);
    put_text(&w, "id", str_from(outcome->id));
    put_text(&w, "email", str_from(invitation->email));
    put_text(&w, "role", str_from(auth_role_name(invitation->role)));
    put_text(&w, "url", str_from(url));
    put_time(&w, "expires_at", outcome->expires_us);
    json_key(&w, "is_mailed");
    json_put_bool(&w, is_mailed);
    json_end_object(&w);
    account_reply_secret(api, answer->late.id, 201, NULL);
}

static void post_invite(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct account_body body = {0};
    struct error error = {0};

    if (!account_read_body(call, ACCOUNT_BODY_EMAIL | ACCOUNT_BODY_ROLE, &body)) {
        return;
    }
    struct invitation *invitation =
        (struct invitation *)account_answer_new_sized(call, sizeof(*invitation), reply_invitation);
    if (invitation) {
        invitation->answer.wrong = &wrong_role;
        invitation->role = body.role;
        memcpy(invitation->email, body.email.data, body.email.length);
        int code = accounts_invite(call->api->options.auth, call->who, body.email, body.role,
                                   &origin, account_answered, invitation, &error);
        account_begun(&invitation->answer, code, &error);
    }
}

static void delete_invite(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct error error = {0};
    struct account_answer *answer = account_answer_new(call, /* reply */ NULL);

    if (answer) {
        answer->wrong = &wrong_role;
        answer->what = "invitation";
        int code = accounts_withdraw_invite(call->api->options.auth, call->who, call->params[0],
                                            &origin, account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/invites",
     .handle = get_invites,
     .scope = AUTH_SCOPE_ADMIN,
     .is_accounts = true,
     .summary = "Invitations that were not used yet.",
     .queries = route_page_queries,
     .reply = SCHEMA_PAGE("Invite"),
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/api/invites",
     .handle = post_invite,
     .scope = AUTH_SCOPE_ADMIN,
     .is_accounts = true,
     .takes_json = true,
     .has_secret = true,
     .summary = "Invites somebody; the link is in the answer, and mailed where mail is set up.",
     .request = "{\"type\":\"object\",\"required\":[\"email\",\"role\"],\"properties\":{\"email\":{"
                "\"type\":\"string\",\"minLength\":3,\"maxLength\":254},\"role\":{\"type\":"
                "\"string\",\"enum\":[\"viewer\",\"analyst\",\"admin\"]}}}",
     .reply = SCHEMA_REF("Invited"),
     .reply_status = 201},
    {.method = HTTP_DELETE,
     .pattern = "/api/invites/{id}",
     .handle = delete_invite,
     .scope = AUTH_SCOPE_ADMIN,
     .is_accounts = true,
     .summary = "Withdraws an invitation.",
     .reply_status = 204},
};

const struct route_table routes_invites = {"invites", routes, ARRAY_LENGTH(routes), ROUTE_AUTH};
