/*
 * Passwords: changed by who knows the present one, or with a code that came by mail or from an
 * admin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/account_answer.h"
#include "api/account_mail.h"
#include "api/api_state.h"
#include "api/body.h"

#define CODE_BYTES_MAX 128u

static const struct body_text_rule email_rule = {.bytes_max = ACCOUNTS_EMAIL_MAX,
                                                 .is_required = true};
static const struct body_text_rule code_rule = {.bytes_max = CODE_BYTES_MAX, .is_required = true};
static const struct body_text_rule password_rule = {.bytes_max = ACCOUNTS_PASSWORD_MAX,
                                                    .is_required = true};

static const struct account_wrong wrong_password = {.needs = "password",
                                                    .detail = "the present password is wrong"};
static const struct account_wrong wrong_code = {
    .needs = "code", .detail = "the code was used already, is too old or is not complete"};

static void post_password(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct body_fault fault = {0};
    struct json_value root;
    struct str current = {0};
    struct str changed = {0};
    struct error error = {0};

    if (!account_needs_session(call) || !call_json(call, &root)) {
        return;
    }
    if (!body_is_object(root, &fault) ||
        !body_text(root, "current", &password_rule, &current, &fault) ||
        !body_text(root, "new", &password_rule, &changed, &fault)) {
        call_refuse(call, &fault);
        return;
    }
    struct account_answer *answer = account_answer_new(call, /* reply */ NULL);
    if (answer) {
        answer->wrong = &wrong_password;
        answer->password_pointer = "/new";
        int code = accounts_change_password(call->api->options.auth, call->who, current, changed,
                                            &origin, account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

/* The one answer, whatever is known: also 202 for who has no account. */
static void reply_perhaps(const struct call *call)
{
    struct json_writer w = call_begin_json(call);

    json_begin_object(&w);
    put_text(&w, "detail",
             call->api->options.mail
                 ? STR("if this e-mail has an account, a mail with a link is on its way")
                 : STR("this server sends no mail: ask an admin of your workspace for a link"));
    json_end_object(&w);
    call_reply_json(call, 202);
}

/* Answered at once: neither the store nor the mail server is waited for, so that the time of the
 * answer says nothing about the e-mail either. Without mail no code is made: nobody would get it.
 */
static void post_forgot(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct body_fault fault = {0};
    struct json_value root;
    struct str email = {0};

    if (!call_json(call, &root)) {
        return;
    }
    if (!body_is_object(root, &fault) || !body_text(root, "email", &email_rule, &email, &fault)) {
        call_refuse(call, &fault);
        return;
    }
    if (!call->api->options.mail || account_mail_forgotten(call, email, &origin)) {
        reply_perhaps(call);
    }
}

static void post_reset(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct body_fault fault = {0};
    struct json_value root;
    struct str code_text = {0};
    struct str password = {0};
    struct error error = {0};

    if (!call_json(call, &root)) {
        return;
    }
    if (!body_is_object(root, &fault) || !body_text(root, "code", &code_rule, &code_text, &fault) ||
        !body_text(root, "password", &password_rule, &password, &fault)) {
        call_refuse(call, &fault);
        return;
    }
    struct account_answer *answer = account_answer_new(call, /* reply */ NULL);
    if (answer) {
        answer->wrong = &wrong_code;
        int code = accounts_reset(call->api->options.auth, code_text, password, &origin,
                                  account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

#define NEW_PASSWORD "{\"type\":\"string\",\"minLength\":10,\"maxLength\":256}"

static const struct route routes[] = {
    {.method = HTTP_POST,
     .pattern = "/auth/password",
     .handle = post_password,
     .scope = ROUTE_SIGNED_IN,
     .place = ROUTE_PLACE_SECRET,
     .is_accounts = true,
     .takes_json = true,
     .summary = "Another password; ends all other sessions.",
     .request = "{\"type\":\"object\",\"required\":[\"current\",\"new\"],\"properties\":{"
                "\"current\":{\"type\":\"string\",\"maxLength\":256},\"new\":" NEW_PASSWORD "}}",
     .reply_status = 204},
    {.method = HTTP_POST,
     .pattern = "/auth/password/forgot",
     .handle = post_forgot,
     .scope = ROUTE_PUBLIC,
     .place = ROUTE_PLACE_SECRET,
     .is_accounts = true,
     .takes_json = true,
     .summary = "Asks for a mail with a link; the answer is the same whoever asks.",
     .request = "{\"type\":\"object\",\"required\":[\"email\"],\"properties\":{\"email\":{"
                "\"type\":\"string\",\"maxLength\":254}}}",
     .reply = "{\"type\":\"object\",\"required\":[\"detail\"],\"properties\":{\"detail\":{"
              "\"type\":\"string\"}}}",
     .reply_status = 202},
    {.method = HTTP_POST,
     .pattern = "/auth/password/reset",
     .handle = post_reset,
     .scope = ROUTE_PUBLIC,
     .place = ROUTE_PLACE_SECRET,
     .is_accounts = true,
     .takes_json = true,
     .summary = "A new password with the code of a link; ends all sessions.",
     .request = "{\"type\":\"object\",\"required\":[\"code\",\"password\"],\"properties\":{"
                "\"code\":{\"type\":\"string\",\"maxLength\":128},\"password\":" NEW_PASSWORD "}}",
     .reply_status = 204},
};

const struct route_table routes_passwords = {"passwords", routes, ARRAY_LENGTH(routes), ROUTE_AUTH};
