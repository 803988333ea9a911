/*
 * How one signs in here; signing in and out in local mode; tickets. Secrets are in answers only,
 * never in the log (the log names routes, not paths or queries). Accounts: route_sign_in.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "api/account_answer.h"
#include "api/api_state.h"
#include "api/own_place.h"
#include "base/civil_time.h"

#define SESSION_DAYS           30
#define NEXT_BYTES_MAX         1024u
#define URL_BYTES_MAX          640
#define PROVIDER_URL_BYTES_MAX 160

static bool is_local(const struct call *call)
{
    return auth_mode(call->api->options.auth) == AUTH_MODE_LOCAL;
}

/* What is of local mode only is not there in the other. */
static bool refuse_unless_local(const struct call *call)
{
    if (!is_local(call)) {
        problem_reply(call->api, call->id, PROBLEM_NOT_FOUND, NULL,
                      "sign-in links are for local mode; this server has accounts");
    }
    return is_local(call);
}

static void put_flag(struct json_writer *w, const char *key, bool value)
{
    json_key(w, key);
    json_put_bool(w, value);
}

/* The way to each provider is a page of ours, which sends the browser on. */
static bool write_provider(struct str id, struct str name, void *arg)
{
    struct json_writer *w = (struct json_writer *)arg;
    char url[PROVIDER_URL_BYTES_MAX];

    (void)snprintf(url, sizeof(url), "/auth/oidc/%.*s", STR_ARGS(id));
    json_begin_object(w);
    put_text(w, "id", id);
    put_text(w, "name", name);
    put_text(w, "url", str_from(url));
    json_end_object(w);
    return true;
}

static void get_config(const struct call *call)
{
    const struct api_options *options = &call->api->options;
    struct json_writer w = call_begin_json(call);

    json_begin_object(&w);
    put_text(&w, "mode", is_local(call) ? STR("local") : STR("accounts"));
    put_text(&w, "sign_in",
             is_local(call)
                 ? STR("open the one-time link that `netra serve` prints, or send the header "
                       "Authorization: Bearer with the server's NETRA_TOKEN")
                 : STR("POST /auth/login, or send the header Authorization: Bearer with an access "
                       "token or an API key"));
    put_flag(&w, "passwords", !is_local(call) && options->allows_passwords);
    put_flag(&w, "mail", !is_local(call) && options->mail);
    put_flag(&w, "setup_needed", !is_local(call) && accounts_need_setup(options->auth));
    json_key(&w, "providers");
    json_begin_array(&w);
    if (options->oidc) {
        oidc_providers(options->oidc, write_provider, &w);
    }
    json_end_array(&w);
    json_end_object(&w);
    call_reply_json(call, 200);
}

/* A page for who came here without a link that works. */
static void reply_how(const struct call *call, int status)
{
    static const struct http_header headers[] = {
        {STR("Cache-Control"), STR("no-store")},
        {STR("Content-Security-Policy"),
         STR("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")},
    };

    reply_send(
        call->api, call->id,
        &(struct http_reply){
            .status = status,
            .content_type = STR("text/html; charset=utf-8"),
            .headers = headers,
            .header_count = ARRAY_LENGTH(headers),
            .body = STR("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
                        "<title>Sign in to Netra</title>"
                        "<style>body{font:1rem/1.5 system-ui;max-width:36rem;margin:4rem auto;"
                        "padding:0 1rem;color-scheme:light dark}</style>"
                        "<h1>Sign in to Netra</h1>"
                        "<p>This server is for one person. It prints a link in the terminal where "
                        "<code>netra serve</code> runs; the link signs one browser in, "
                        "once.</p><p>The link that brought you here was used already, is too old "
                        "or is not complete.</p></html>")});
}

/* HEAD must not use a code up: mail scanners and previews ask that way. */
static void get_sign_in(const struct call *call)
{
    struct api *api = call->api;
    char session[AUTH_SECRET_TEXT_BYTES];
    char cookie[ACCOUNT_COOKIE_BYTES_MAX];
    cleanup(buf_done) struct buf next;
    int code = ERR_INVALID;

    buf_init(&next, NEXT_BYTES_MAX);
    if (!refuse_unless_local(call)) {
        return;
    }
    buf_clear(&api->query);
    if (call->request->method == HTTP_GET && http_query(call->request, "code", 0, &api->query) &&
        !buf_status(&api->query)) {
        code = auth_sign_in(api->options.auth, buf_str(&api->query), session);
    }
    if (code) {
        reply_how(call, api->query.length ? 401 : 200);
        return;
    }
    if (!http_query(call->request, "next", 0, &next) || buf_status(&next) ||
        !is_own_place(buf_str(&next))) {
        buf_clear(&next);
        buf_append_char(&next, '/');
    }
    account_print_cookie(api, session, (int64_t)SESSION_DAYS * DAY_US / SECOND_US, cookie);
    struct http_header headers[] = {
        {STR("Set-Cookie"), str_from(cookie)},
        {STR("Location"), buf_str(&next)},
        {STR("Cache-Control"), STR("no-store")},
        {STR("Referrer-Policy"), STR("no-referrer")},
    };
    reply_send(api, call->id,
               &(struct http_reply){
                   .status = 303, .headers = headers, .header_count = ARRAY_LENGTH(headers)});
}

static void reply_secret(const struct call *call, const char *key, const char *value,
                         int64_t expires_us)
{
    struct json_writer w = call_begin_json(call);

    json_begin_object(&w);
    json_key(&w, key);
    json_put_text(&w, value);
    put_time(&w, "expires_at", expires_us);
    json_end_object(&w);
    account_reply_secret(call->api, call->id, 201, NULL);
}

static void reply_no_secret(const struct call *call, int code)
{
    struct error error = {0};

    (void)error_set(&error, code, "cannot make a secret: %s", error_code_text(code));
    problem_reply_error(call->api, call->id, &error);
}

static void post_link(const struct call *call)
{
    char secret[AUTH_SECRET_TEXT_BYTES];
    char url[URL_BYTES_MAX];

    if (!refuse_unless_local(call)) {
        return;
    }
    int code = auth_new_code(call->api->options.auth, secret);

    if (code) {
        reply_no_secret(call, code);
        return;
    }
    (void)snprintf(url, sizeof(url), "%s/auth/sign-in?code=%s&next=/",
                   call->api->options.public_url, secret);
    reply_secret(call, "url", url,
                 call->request->received_us + (int64_t)AUTH_CODE_MINUTES * MINUTE_US);
}

static void post_ticket(const struct call *call)
{
    char ticket[AUTH_SECRET_TEXT_BYTES];
    int code = auth_new_ticket(call->api->options.auth, call->who, ticket);

    if (code) {
        reply_no_secret(call, code);
        return;
    }
    reply_secret(call, "ticket", ticket,
                 call->request->received_us + (int64_t)AUTH_TICKET_MS * (SECOND_US / 1000));
}

static void post_logout(const struct call *call)
{
    char cookie[ACCOUNT_COOKIE_BYTES_MAX];

    auth_sign_out(call->api->options.auth, call->request);
    account_print_cookie(call->api, "", 0, cookie);
    struct http_header header = {STR("Set-Cookie"), str_from(cookie)};
    reply_send(call->api, call->id,
               &(struct http_reply){.status = 204, .headers = &header, .header_count = 1});
}

#define SECRET_SCHEMA(name)                                                                        \
    "{\"type\":\"object\",\"required\":[\"" name "\",\"expires_at\"],\"properties\":{\"" name      \
    "\":{\"type\":\"string\"},\"expires_at\":{\"type\":\"string\",\"format\":\"date-time\"}}}"

static const struct route_query sign_in_queries[] = {
    {"code", "{\"type\":\"string\"}", "the one-time code"},
    {"next", "{\"type\":\"string\",\"default\":\"/\"}", "a path of this server to go to"},
    {NULL, NULL, NULL},
};

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/auth/config",
     .scope = ROUTE_PUBLIC,
     .handle = get_config,
     .summary = "How one signs in here.",
     .reply = SCHEMA_REF("SignInConfig"),
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/auth/sign-in",
     .scope = ROUTE_PUBLIC,
     .place = ROUTE_PLACE_SECRET,
     .handle = get_sign_in,
     .summary = "Uses a one-time link (local mode): sets the session cookie, goes on to next.",
     .queries = sign_in_queries,
     .reply_status = 303},
    {.method = HTTP_POST,
     .pattern = "/auth/sign-in-link",
     .scope = ROUTE_SIGNED_IN,
     .handle = post_link,
     .takes_json = true,
     .summary = "A new one-time link, for another browser (local mode).",
     .reply = SECRET_SCHEMA("url"),
     .reply_status = 201},
    {.method = HTTP_POST,
     .pattern = "/auth/logout",
     .scope = ROUTE_SIGNED_IN,
     .handle = post_logout,
     .takes_json = true,
     .summary = "Ends the session of this request's cookie or access token.",
     .reply_status = 204},
    {.method = HTTP_POST,
     .pattern = "/api/ws-ticket",
     .services = ROUTE_BACKEND,
     .scope = ROUTE_SIGNED_IN,
     .handle = post_ticket,
     .takes_json = true,
     .has_secret = true,
     .summary = "A ticket for one WebSocket, for clients that can set neither header nor cookie.",
     .reply = SECRET_SCHEMA("ticket"),
     .reply_status = 201},
};

const struct route_table routes_auth = {"auth", routes, ARRAY_LENGTH(routes), ROUTE_AUTH};
