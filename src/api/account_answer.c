/* SPDX-License-Identifier: Apache-2.0 */
#include "api/account_answer.h"

#include <stdio.h>

#include "api/api_state.h"
#include "api/limit.h"
#include "base/civil_time.h"
#include "loop/clock.h"

#define HEADERS_MAX 2u

static const struct account_wrong wrong_default = {.needs = "role",
                                                   .detail = "your role does not include this"};

struct account_answer *account_answer_new(const struct call *call, account_reply_fn reply)
{
    return account_answer_new_sized(call, sizeof(struct account_answer), reply);
}

struct account_answer *account_answer_new_sized(const struct call *call, size_t size,
                                                account_reply_fn reply)
{
    struct account_answer *answer = (struct account_answer *)late_new_sized(call, size);

    if (answer) {
        answer->reply = reply;
        answer->wrong = &wrong_default;
        answer->what = "resource";
        answer->status = 200;
        answer->caller = *call->who;
    }
    return answer;
}

struct account_origin account_origin(const struct call *call)
{
    return (struct account_origin){.address = call->request->peer_address,
                                   .device = http_header(call->request, "user-agent")};
}

bool account_needs_session(const struct call *call)
{
    bool has_one = call->who->credential_id[0] &&
                   (call->who->kind == AUTH_KIND_COOKIE || call->who->kind == AUTH_KIND_TOKEN);

    if (!has_one) {
        problem_forbid(call->api, call->id, "session",
                       "this needs a person who is signed in, not a key or a service token");
    }
    return has_one;
}

void account_audit_refusal(const struct call *call, const char *action)
{
    accounts_audit(call->api->options.auth, call->who, action, STR(""), call->request->peer_address,
                   /* detail */ NULL);
}

/* ---- refusals ---- */

/* Rooms below say in words what is wrong with a value; each of these words is one member here. */
static const char *pointer_of(const struct account_answer *answer, const char *message)
{
    static const struct {
        const char *word;
        const char *pointer;
    } rows[] = {{"e-mail address", "/email"},
                {"password", "/password"},
                {"name", "/name"},
                {"scopes", "/scopes"},
                {"role", "/role"},
                {"the end of the key", "/expires_at"}};

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strstr(message, rows[i].word)) {
            return answer->password_pointer && rows[i].pointer[1] == 'p' ? answer->password_pointer
                                                                         : rows[i].pointer;
        }
    }
    return NULL;
}

/* What accounts.h says with ERR_DENIED is for the log where one must not know more. */
static void deny(const struct account_answer *answer)
{
    struct api *api = answer->late.api;

    if (answer->wrong->needs) {
        problem_forbid(api, answer->late.id, answer->wrong->needs, "%s", answer->wrong->detail);
    } else {
        problem_reply(api, answer->late.id, PROBLEM_AUTH_FAILED, NULL, "%s", answer->wrong->detail);
    }
}

static void refuse(struct account_answer *answer, int code, const struct error *error,
                   unsigned retry_after_s)
{
    struct api *api = answer->late.api;
    http_id id = answer->late.id;
    bool has_message = error && error->message[0];

    if (code == ERR_DENIED) {
        deny(answer);
    } else if (code == ERR_INVALID && has_message) {
        problem_reply(api, id, PROBLEM_INVALID_REQUEST, pointer_of(answer, error->message), "%s",
                      error->message);
    } else if (code == ERR_LIMIT && has_message && !retry_after_s && answer->has_begun) {
        problem_reply(api, id, PROBLEM_CONFLICT, NULL, "%s", error->message);
    } else if (code == ERR_LIMIT && retry_after_s) {
        struct limit_state state = {
            .name = "secret", .window_s = retry_after_s, .wait_s = retry_after_s};

        problem_reply_limited(api, id, &state, "too many tries: wait, then try again");
    } else if (code == ERR_NOT_FOUND && !has_message) {
        problem_reply(api, id, PROBLEM_NOT_FOUND, NULL, "there is no such %s", answer->what);
    } else {
        struct error own = {0};

        if (has_message) {
            own = *error;
            own.code = code;
        } else {
            (void)error_set(&own, code, "cannot do this: %s", error_code_text(code));
        }
        problem_reply_error(api, id, &own);
    }
}

void account_answered(const struct account_outcome *outcome, void *arg)
{
    struct account_answer *answer = (struct account_answer *)arg;

    answer->has_begun = true;
    if (outcome->code) {
        refuse(answer, outcome->code, outcome->error, outcome->retry_after_s);
    } else if (answer->reply) {
        answer->reply(answer, outcome);
    } else {
        reply_empty(answer->late.api, answer->late.id);
    }
    late_free(&answer->late);
}

void account_begun(struct account_answer *answer, int code, const struct error *error)
{
    if (code) {
        refuse(answer, code, error, /* retry_after_s */ 0);
        late_free(&answer->late);
    }
}

/* ---- secrets ---- */

void account_reply_secret(struct api *api, http_id id, int status, const char *set_cookie)
{
    struct http_header headers[HEADERS_MAX] = {{STR("Cache-Control"), STR("no-store")}};
    size_t count = 1;

    if (buf_status(&api->scratch)) {
        problem_reply(api, id, PROBLEM_SERVICE_UNAVAILABLE, NULL, "out of memory");
        return;
    }
    if (set_cookie) {
        headers[count++] = (struct http_header){STR("Set-Cookie"), str_from(set_cookie)};
    }
    reply_send(api, id,
               &(struct http_reply){.status = status,
                                    .content_type = STR("application/json"),
                                    .headers = headers,
                                    .header_count = count,
                                    .body = buf_str(&api->scratch),
                                    .keeps_plain = true});
}

bool account_is_https(const struct api *api)
{
    return str_starts_with(str_from(api->options.public_url), STR("https:"));
}

/* The prefix makes browsers insist on Secure, on Path=/ and on no Domain: a neighbour under the
 * same domain cannot plant one. SameSite is Lax in accounts mode because an identity provider sends
 * the browser back from another site, and links in mails lead here from others. */
void account_print_cookie(const struct api *api, const char *secret, int64_t age_s,
                          char ret_cookie[ACCOUNT_COOKIE_BYTES_MAX])
{
    bool is_https = account_is_https(api);
    bool is_local = auth_mode(api->options.auth) == AUTH_MODE_LOCAL;

    (void)snprintf(ret_cookie, ACCOUNT_COOKIE_BYTES_MAX,
                   "%s" AUTH_COOKIE_NAME "=%s; Path=/; HttpOnly; SameSite=%s; Max-Age=%lld%s",
                   is_https ? "__Host-" : "", secret, is_local ? "Strict" : "Lax", (long long)age_s,
                   is_https ? "; Secure" : "");
}

/* ---- me ---- */

static const enum auth_scope scopes_all[] = {AUTH_SCOPE_READ, AUTH_SCOPE_RUN, AUTH_SCOPE_DATA,
                                             AUTH_SCOPE_ADMIN};

void account_print_scopes(unsigned scopes, char ret_text[ACCOUNT_SCOPES_BYTES_MAX])
{
    size_t used = 0;

    ret_text[0] = '\0';
    for (size_t i = 0; i < ARRAY_LENGTH(scopes_all); i++) {
        if (scopes & scopes_all[i]) {
            int length = snprintf(ret_text + used, ACCOUNT_SCOPES_BYTES_MAX - used, "%s%s",
                                  used ? " " : "", auth_scope_name(scopes_all[i]));

            used += length > 0 ? (size_t)length : 0;
        }
    }
}

void account_put_scopes(struct json_writer *w, unsigned scopes)
{
    json_begin_array(w);
    for (size_t i = 0; i < ARRAY_LENGTH(scopes_all); i++) {
        if (scopes & scopes_all[i]) {
            json_put_text(w, auth_scope_name(scopes_all[i]));
        }
    }
    json_end_array(w);
}

/* What is written of a user's row, and what is learnt on the way. */
struct me {
    struct json_writer *w;
    const struct api *api;
    const struct auth_caller *caller;
    bool has_password;
    int64_t expires_us;
};

static bool write_user(const struct store_user *row, void *arg)
{
    struct me *me = (struct me *)arg;

    me->has_password = row->password.length > 0;
    put_text(me->w, "id", row->id);
    if (row->email.length) {
        put_text(me->w, "email", row->email);
    }
    put_text(me->w, "name", row->name);
    put_text(me->w, "kind", row->is_service ? STR("service") : STR("person"));
    return false;
}

static void put_user(struct me *me)
{
    json_key(me->w, "user");
    json_begin_object(me->w);
    if (me->caller->kind == AUTH_KIND_LOCAL) {
        put_text(me->w, "id", STR(AUTH_LOCAL_USER));
        put_text(me->w, "name", STR(AUTH_LOCAL_USER));
        put_text(me->w, "kind", STR("local"));
    } else {
        (void)accounts_user(me->api->options.auth, str_from(me->caller->user_id), write_user, me);
    }
    json_end_object(me->w);
}

void account_put_user(struct json_writer *w, const struct api *api,
                      const struct auth_caller *caller)
{
    put_user(&(struct me){.w = w, .api = api, .caller = caller});
}

static bool write_workspace(const struct store_workspace *row, void *arg)
{
    struct json_writer *w = (struct json_writer *)arg;

    put_text(w, "id", row->id);
    put_text(w, "name", row->name);
    return false;
}

void account_put_workspace(struct json_writer *w, const struct api *api,
                           const struct auth_caller *caller)
{
    struct str id = str_from(caller->workspace_id);

    json_key(w, "workspace");
    json_begin_object(w);
    if (!accounts_workspace(api->options.auth, id, write_workspace, w)) {
        put_text(w, "id", id);
        put_text(w, "name", id);
    }
    json_end_object(w);
}

static bool write_membership(const struct store_member *row, void *arg)
{
    struct me *me = (struct me *)arg;

    json_begin_object(me->w);
    (void)accounts_workspace(me->api->options.auth, row->workspace_id, write_workspace, me->w);
    put_text(me->w, "role", str_from(auth_role_name((enum auth_role)row->role)));
    json_end_object(me->w);
    return true;
}

static void put_workspaces(struct me *me)
{
    json_key(me->w, "workspaces");
    json_begin_array(me->w);
    if (me->caller->kind == AUTH_KIND_LOCAL) {
        json_begin_object(me->w);
        put_text(me->w, "id", str_from(me->caller->workspace_id));
        put_text(me->w, "name", str_from(me->caller->workspace_id));
        put_text(me->w, "role", STR("admin"));
        json_end_object(me->w);
    } else {
        accounts_memberships(me->api->options.auth, str_from(me->caller->user_id), write_membership,
                             me);
    }
    json_end_array(me->w);
}

static bool find_session(const struct store_session *row, void *arg)
{
    struct me *me = (struct me *)arg;

    if (!str_equal(row->id, str_from(me->caller->credential_id))) {
        return true;
    }
    me->expires_us = row->expires_us;
    return false;
}

static bool find_key(const struct store_key *row, void *arg)
{
    struct me *me = (struct me *)arg;

    if (!str_equal(row->id, str_from(me->caller->credential_id))) {
        return true;
    }
    me->expires_us = row->expires_us;
    return false;
}

static const char *credential_name(enum auth_kind kind)
{
    switch (kind) {
    case AUTH_KIND_COOKIE:
        return "session";
    case AUTH_KIND_TOKEN:
    case AUTH_KIND_SERVICE:
        return "token";
    case AUTH_KIND_KEY:
        return "key";
    default:
        return "local";
    }
}

static void put_credential(struct me *me)
{
    const struct auth_caller *caller = me->caller;
    const struct auth *auth = me->api->options.auth;
    struct str user_id = str_from(caller->user_id);

    if (caller->kind == AUTH_KIND_KEY) {
        accounts_keys(auth, str_from(caller->workspace_id), user_id, STR(""),
                      ACCOUNTS_KEYS_USER_MAX, find_key, me);
    } else if (caller->kind != AUTH_KIND_LOCAL) {
        accounts_sessions(auth, user_id, find_session, me);
    }
    json_key(me->w, "credential");
    json_begin_object(me->w);
    put_text(me->w, "kind", str_from(credential_name(caller->kind)));
    if (caller->credential_id[0]) {
        put_text(me->w, "id", str_from(caller->credential_id));
    }
    if (me->expires_us) {
        put_time(me->w, "expires_at", me->expires_us);
    }
    json_end_object(me->w);
}

static bool write_identity(const struct store_identity *row, void *arg)
{
    struct json_writer *w = (struct json_writer *)arg;

    json_begin_object(w);
    put_text(w, "provider", row->provider);
    put_text(w, "email", row->email);
    put_time(w, "linked_at", row->linked_us);
    json_end_object(w);
    return true;
}

void account_put_me(struct json_writer *w, const struct api *api, const struct auth_caller *caller)
{
    struct me me = {.w = w, .api = api, .caller = caller};
    bool is_local = caller->kind == AUTH_KIND_LOCAL;

    json_begin_object(w);
    put_user(&me);
    put_text(w, "mode", is_local ? STR("local") : STR("accounts"));
    account_put_workspace(w, api, caller);
    put_text(w, "role", str_from(auth_role_name(caller->role)));
    json_key(w, "scopes");
    account_put_scopes(w, caller->may);
    json_key(w, "is_operator");
    json_put_bool(w, caller->is_operator);
    put_workspaces(&me);
    put_credential(&me);
    json_key(w, "identities");
    json_begin_array(w);
    if (!is_local) {
        accounts_identities(api->options.auth, str_from(caller->user_id), write_identity, w);
    }
    json_end_array(w);
    json_key(w, "has_password");
    json_put_bool(w, me.has_password);
    json_end_object(w);
}

/* ---- grants ---- */

static int64_t seconds_until(int64_t time_us)
{
    int64_t left_us = time_us - clock_now_us();

    return left_us > 0 ? left_us / SECOND_US : 0;
}

static void reply_tokens(struct account_answer *answer, const struct account_grant *grant)
{
    struct api *api = answer->late.api;
    struct json_writer w = reply_begin_json(api);

    json_begin_object(&w);
    put_text(&w, "access_token", str_from(grant->access_token));
    put_text(&w, "token_type", STR("Bearer"));
    json_key(&w, "expires_in");
    json_put_i64(&w, seconds_until(grant->access_expires_us));
    if (grant->refresh_token[0]) {
        put_text(&w, "refresh_token", str_from(grant->refresh_token));
    }
    account_put_user(&w, api, &grant->caller);
    account_put_workspace(&w, api, &grant->caller);
    put_text(&w, "role", str_from(auth_role_name(grant->caller.role)));
    json_end_object(&w);
    account_reply_secret(api, answer->late.id, answer->status, NULL);
}

void account_reply_grant(struct account_answer *answer, const struct account_outcome *outcome)
{
    const struct account_grant *grant = outcome->grant;
    struct api *api = answer->late.api;
    char cookie[ACCOUNT_COOKIE_BYTES_MAX];
    bool sets_cookie = grant && grant->kind == AUTH_SESSION_COOKIE && grant->cookie[0];

    if (grant && grant->kind == AUTH_SESSION_TOKENS) {
        reply_tokens(answer, grant);
        return;
    }
    struct json_writer w = reply_begin_json(api);
    account_put_me(&w, api, grant ? &grant->caller : &answer->caller);
    if (sets_cookie) {
        account_print_cookie(api, grant->cookie, seconds_until(grant->session_expires_us), cookie);
    }
    account_reply_secret(api, answer->late.id, answer->status, sets_cookie ? cookie : NULL);
}
