/*
 * Signing in with accounts: each of these answers with a grant, the session's cookie for a browser
 * or tokens for a program, and what such a token says.
 *
 * Nothing here tells whether an e-mail is known; accounts.h sees to equal times.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/account_answer.h"
#include "api/api_state.h"
#include "api/body.h"
#include "base/civil_time.h"
#include "loop/clock.h"

#define CODE_BYTES_MAX 128u /* of an invitation or of the setup */

static const struct body_text_rule email_rule = {.bytes_max = ACCOUNTS_EMAIL_MAX,
                                                 .is_required = true};
static const struct body_text_rule setup_email_rule = {.bytes_max = ACCOUNTS_EMAIL_MAX};
static const struct body_text_rule name_rule = {.bytes_max = ACCOUNTS_NAME_MAX,
                                                .is_required = true};
static const struct body_text_rule code_rule = {.bytes_max = CODE_BYTES_MAX, .is_required = true};
static const struct body_text_rule token_rule = {.bytes_max = AUTH_TOKEN_BYTES_MAX,
                                                 .is_required = true};
/* A login's is only bounded: how long a password must be is said where one is chosen. */
static const struct body_text_rule password_rule = {.bytes_max = ACCOUNTS_PASSWORD_MAX,
                                                    .is_required = true};

static const struct account_wrong wrong_login = {
    .detail = "the e-mail or the password is wrong, or this account may not sign in"};
static const struct account_wrong wrong_refresh = {
    .detail = "the refresh token is not valid any more: sign in again"};
static const struct account_wrong wrong_code = {
    .needs = "code", .detail = "the code was used already, is too old or is not complete"};
static const struct account_wrong wrong_member = {.needs = "session",
                                                  .detail = "this session cannot do that"};

static enum auth_session_kind kind_of(bool wants_cookie)
{
    return wants_cookie ? AUTH_SESSION_COOKIE : AUTH_SESSION_TOKENS;
}

/* The answer of what signs in; status of a success. */
static struct account_answer *grant_answer(const struct call *call, int status,
                                           const struct account_wrong *wrong)
{
    struct account_answer *answer = account_answer_new(call, account_reply_grant);

    if (answer) {
        answer->status = status;
        answer->wrong = wrong;
    }
    return answer;
}

static void post_register(const struct call *call)
{
    struct account_register request = {.origin = account_origin(call)};
    struct body_fault fault = {0};
    struct json_value root;
    struct error error = {0};
    bool wants_cookie = false;

    if (!call_json(call, &root)) {
        return;
    }
    if (!body_is_object(root, &fault) ||
        !body_text(root, "code", &code_rule, &request.code, &fault) ||
        !body_text(root, "name", &name_rule, &request.name, &fault) ||
        !body_text(root, "password", &password_rule, &request.password, &fault) ||
        !body_text(root, "email", &setup_email_rule, &request.email, &fault) ||
        !body_bool(root, "cookie", &wants_cookie, &fault)) {
        call_refuse(call, &fault);
        return;
    }
    struct account_answer *answer = grant_answer(call, 201, &wrong_code);
    if (answer) {
        request.kind = kind_of(wants_cookie);
        int code =
            accounts_register(call->api->options.auth, &request, account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

static void post_login(const struct call *call)
{
    struct account_login request = {.origin = account_origin(call)};
    struct body_fault fault = {0};
    struct json_value root;
    struct error error = {0};
    bool wants_cookie = false;

    if (!call_json(call, &root)) {
        return;
    }
    if (!body_is_object(root, &fault) ||
        !body_text(root, "email", &email_rule, &request.email, &fault) ||
        !body_text(root, "password", &password_rule, &request.password, &fault) ||
        !body_id(root, "workspace", &request.workspace_id, &fault) ||
        !body_bool(root, "cookie", &wants_cookie, &fault)) {
        call_refuse(call, &fault);
        return;
    }
    struct account_answer *answer = grant_answer(call, 200, &wrong_login);
    if (answer) {
        request.kind = kind_of(wants_cookie);
        int code =
            accounts_login(call->api->options.auth, &request, account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

/* The one text of a body; false when it has been answered. */
static bool read_one(const struct call *call, const char *name, const struct body_text_rule *rule,
                     struct str *ret)
{
    struct body_fault fault = {0};
    struct json_value root;

    if (!call_json(call, &root)) {
        return false;
    }
    if (!body_is_object(root, &fault) || !body_text(root, name, rule, ret, &fault)) {
        call_refuse(call, &fault);
        return false;
    }
    return true;
}

static void post_refresh(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct str token = {0};
    struct error error = {0};

    if (!read_one(call, "refresh_token", &token_rule, &token)) {
        return;
    }
    struct account_answer *answer = grant_answer(call, 200, &wrong_refresh);
    if (answer) {
        int code = accounts_refresh(call->api->options.auth, token, &origin, account_answered,
                                    answer, &error);
        account_begun(answer, code, &error);
    }
}

static void post_workspace(const struct call *call)
{
    struct body_fault fault = {0};
    struct json_value root;
    struct str id = {0};
    struct error error = {0};

    if (!account_needs_session(call) || !call_json(call, &root)) {
        return;
    }
    if (!body_is_object(root, &fault) || !body_id(root, "workspace", &id, &fault)) {
        call_refuse(call, &fault);
        return;
    }
    if (id.length == 0) {
        (void)body_refuse(&fault, "/workspace", "workspace is missing");
        call_refuse(call, &fault);
        return;
    }
    struct account_answer *answer = grant_answer(call, 200, &wrong_member);
    if (answer) {
        answer->what = "workspace";
        int code = accounts_switch(call->api->options.auth, call->who, id, account_answered, answer,
                                   &error);
        account_begun(answer, code, &error);
    }
}

static void post_join(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct str code_text = {0};
    struct error error = {0};

    if (!account_needs_session(call) || !read_one(call, "code", &code_rule, &code_text)) {
        return;
    }
    struct account_answer *answer = grant_answer(call, 200, &wrong_code);
    if (answer) {
        int code = accounts_join(call->api->options.auth, call->who, code_text, &origin,
                                 account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

/* ---- tokens of services ---- */

static void post_service_token(const struct call *call)
{
    struct account_grant grant = {0};
    struct error error = {0};
    char scopes[ACCOUNT_SCOPES_BYTES_MAX];
    struct json_value root;

    if (!call_json(call, &root)) {
        return;
    }
    int code = accounts_service_token(call->api->options.auth, call->who, &grant, &error);
    if (code == ERR_DENIED) {
        problem_forbid(call->api, call->id, "key", "%s",
                       error.message[0] ? error.message : "this credential cannot make tokens");
        return;
    }
    if (code) {
        problem_reply_error(call->api, call->id, &error);
        return;
    }
    struct json_writer w = call_begin_json(call);
    account_print_scopes(grant.caller.may, scopes);
    json_begin_object(&w);
    put_text(&w, "access_token", str_from(grant.access_token));
    put_text(&w, "token_type", STR("Bearer"));
    json_key(&w, "expires_in");
    json_put_i64(&w, (grant.access_expires_us - clock_now_us()) / SECOND_US);
    put_text(&w, "scope", str_from(scopes));
    json_end_object(&w);
    explicit_bzero(&grant, sizeof(grant));
    account_reply_secret(call->api, call->id, 200, NULL);
}

/* Whose the credential is, for other services: what a session had made is the session's. */
static const char *kind_name(const struct auth *auth, const struct auth_caller *caller)
{
    bool is_of_key = accounts_is_key(auth, str_from(caller->credential_id));

    return caller->kind == AUTH_KIND_KEY ? "key" : is_of_key ? "service" : "session";
}

/* A token of another workspace is none: who asks sees their own only. */
static void post_validate(const struct call *call)
{
    struct auth_caller caller = {0};
    enum auth_flaw flaw = AUTH_FLAW_NONE;
    struct str token = {0};
    int64_t expires_us = 0;
    char scopes[ACCOUNT_SCOPES_BYTES_MAX];

    if (!read_one(call, "token", &token_rule, &token)) {
        return;
    }
    bool is_active =
        accounts_validate(call->api->options.auth, token, &caller, &expires_us, &flaw) == AUTH_OK &&
        str_equal(str_from(caller.workspace_id), call->workspace);
    struct json_writer w = call_begin_json(call);
    json_begin_object(&w);
    json_key(&w, "active");
    json_put_bool(&w, is_active);
    if (is_active) {
        account_print_scopes(caller.may, scopes);
        put_text(&w, "sub", str_from(caller.user_id));
        put_text(&w, "ws", str_from(caller.workspace_id));
        put_text(&w, "role", str_from(auth_role_name(caller.role)));
        put_text(&w, "scope", str_from(scopes));
        put_text(&w, "kind", str_from(kind_name(call->api->options.auth, &caller)));
        put_text(&w, "id", str_from(caller.credential_id));
        if (expires_us) {
            json_key(&w, "exp");
            json_put_i64(&w, expires_us / SECOND_US);
        }
    }
    json_end_object(&w);
    call_reply_json(call, 200);
}

/* ---- the table ---- */

#define TEXT_MEMBER(name, longest)                                                                 \
    "\"" name "\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":" longest "}"
#define COOKIE_MEMBER "\"cookie\":{\"type\":\"boolean\"}"
#define ONE_TEXT(name, longest)                                                                    \
    "{\"type\":\"object\",\"required\":[\"" name                                                   \
    "\"],\"properties\":{" TEXT_MEMBER(name, longest) "}}"

static const struct route routes[] = {
    {.method = HTTP_POST,
     .pattern = "/auth/register",
     .handle = post_register,
     .scope = ROUTE_PUBLIC,
     .place = ROUTE_PLACE_SECRET,
     .is_accounts = true,
     .takes_json = true,
     .summary = "A new account, with the setup code of the first start or an invitation's code.",
     .request =
         "{\"type\":\"object\",\"required\":[\"code\",\"name\",\"password\"],"
         "\"properties\":{" TEXT_MEMBER("code", "128") "," TEXT_MEMBER(
             "name", "120") ","
                            "\"password\":{\"type\":\"string\",\"minLength\":10,\"maxLength\":256}"
                            "," TEXT_MEMBER("email", "254") "," COOKIE_MEMBER "}}",
     .reply = SCHEMA_REF("Grant"),
     .reply_status = 201},
    {.method = HTTP_POST,
     .pattern = "/auth/login",
     .handle = post_login,
     .scope = ROUTE_PUBLIC,
     .place = ROUTE_PLACE_SECRET,
     .is_accounts = true,
     .takes_json = true,
     .summary = "Signs in with a password; 401 when anything is wrong, 429 after too many tries.",
     .request = "{\"type\":\"object\",\"required\":[\"email\",\"password\"],"
                "\"properties\":{" TEXT_MEMBER("email", "254") "," TEXT_MEMBER(
                    "password", "256") "," TEXT_MEMBER("workspace", "64") "," COOKIE_MEMBER "}}",
     .reply = SCHEMA_REF("Grant"),
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/auth/refresh",
     .handle = post_refresh,
     .scope = ROUTE_PUBLIC,
     .place = ROUTE_PLACE_SECRET,
     .is_accounts = true,
     .takes_json = true,
     .summary = "New tokens for a refresh token, which works once; again, and the session ends.",
     .request = ONE_TEXT("refresh_token", "4096"),
     .reply = SCHEMA_REF("Grant"),
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/auth/workspace",
     .handle = post_workspace,
     .scope = ROUTE_SIGNED_IN,
     .is_accounts = true,
     .takes_json = true,
     .summary = "The session goes on in another workspace that one is in.",
     .request = ONE_TEXT("workspace", "64"),
     .reply = SCHEMA_REF("Grant"),
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/auth/join",
     .handle = post_join,
     .scope = ROUTE_SIGNED_IN,
     .place = ROUTE_PLACE_SECRET,
     .is_accounts = true,
     .takes_json = true,
     .summary = "Uses an invitation, for who is signed in.",
     .request = ONE_TEXT("code", "128"),
     .reply = SCHEMA_REF("Grant"),
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/auth/service-token",
     .handle = post_service_token,
     .scope = ROUTE_SIGNED_IN,
     .is_accounts = true,
     .takes_json = true,
     .summary = "A short-lived access token with what the caller's key has.",
     .reply = "{\"type\":\"object\",\"required\":[\"access_token\",\"token_type\",\"expires_in\","
              "\"scope\"],\"properties\":{\"access_token\":{\"type\":\"string\"},\"token_type\":{"
              "\"type\":\"string\"},\"expires_in\":{\"type\":\"integer\"},\"scope\":{\"type\":"
              "\"string\"}}}",
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/auth/validate",
     .handle = post_validate,
     .scope = ROUTE_SIGNED_IN,
     .is_accounts = true,
     .takes_json = true,
     .summary = "What a token or key of one's own workspace says, as of now.",
     .request = ONE_TEXT("token", "4096"),
     .reply = "{\"type\":\"object\",\"required\":[\"active\"],\"properties\":{\"active\":{\"type\":"
              "\"boolean\"},\"sub\":{\"type\":\"string\"},\"ws\":{\"type\":\"string\"},\"role\":{"
              "\"type\":\"string\"},\"scope\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\","
              "\"enum\":["
              "\"session\",\"service\",\"key\"]},\"id\":{\"type\":\"string\"},\"exp\":{\"type\":"
              "\"integer\"}}}",
     .reply_status = 200},
};

const struct route_table routes_sign_in = {"sign-in", routes, ARRAY_LENGTH(routes), ROUTE_AUTH};
