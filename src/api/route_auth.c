/*
 * Signing in and out in local mode. Secrets are in answers only, never in the log (the log names
 * routes, not paths or queries).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "api/api_state.h"
#include "base/civil_time.h"

#define COOKIE_BYTES_MAX 256
#define SESSION_DAYS     30
#define NEXT_BYTES_MAX   1024u
#define URL_BYTES_MAX    640

static void get_config(const struct call *call)
{
    struct json_writer w = call_begin_json(call);

    json_begin_object(&w);
    json_key(&w, "mode");
    json_put_text(&w, "local");
    json_key(&w, "sign_in");
    json_put_text(&w, "open the one-time link that `netra serve` prints, or send the header "
                      "Authorization: Bearer with the server's NETRA_TOKEN");
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

/* Where to go after it: a place of this server, never another one ("//evil", "/\evil"). */
static bool is_own_place(struct str next)
{
    if (next.length == 0 || next.data[0] != '/' ||
        (next.length > 1 && (next.data[1] == '/' || next.data[1] == '\\'))) {
        return false;
    }
    for (size_t i = 0; i < next.length; i++) {
        if (next.data[i] <= ' ' || next.data[i] > '~' || next.data[i] == '\\') {
            return false;
        }
    }
    return true;
}

static void print_cookie(const struct api *api, const char *session, int64_t age_s,
                         char ret_cookie[COOKIE_BYTES_MAX])
{
    bool is_secure = strncmp(api->options.public_url, "https:", 6) == 0;

    (void)snprintf(ret_cookie, COOKIE_BYTES_MAX,
                   AUTH_COOKIE_NAME "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
                   session, (long long)age_s, is_secure ? "; Secure" : "");
}

/* HEAD must not use a code up: mail scanners and previews ask that way. */
static void get_sign_in(const struct call *call)
{
    struct api *api = call->api;
    char session[AUTH_SECRET_TEXT_BYTES];
    char cookie[COOKIE_BYTES_MAX];
    cleanup(buf_done) struct buf next;
    int code = ERR_INVALID;

    buf_init(&next, NEXT_BYTES_MAX);
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
    print_cookie(api, session, (int64_t)SESSION_DAYS * DAY_US / SECOND_US, cookie);
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
    call_reply_json(call, 201);
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
    char cookie[COOKIE_BYTES_MAX];

    auth_sign_out(call->api->options.auth, call->request);
    print_cookie(call->api, "", 0, cookie);
    struct http_header header = {STR("Set-Cookie"), str_from(cookie)};
    reply_send(call->api, call->id,
               &(struct http_reply){.status = 204, .headers = &header, .header_count = 1});
}

static void get_me(const struct call *call)
{
    struct json_writer w = call_begin_json(call);

    json_begin_object(&w);
    json_key(&w, "user");
    json_put_text(&w, "local");
    json_key(&w, "mode");
    json_put_text(&w, "local");
    json_end_object(&w);
    call_reply_json(call, 200);
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
     .reply = "{\"type\":\"object\",\"required\":[\"mode\",\"sign_in\"],\"properties\":{\"mode\":{"
              "\"type\":\"string\"},\"sign_in\":{\"type\":\"string\"}}}",
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/auth/sign-in",
     .scope = ROUTE_PUBLIC,
     .place = ROUTE_PLACE_SECRET,
     .handle = get_sign_in,
     .summary = "Uses a one-time link: sets the session cookie and goes on to next.",
     .queries = sign_in_queries,
     .reply_status = 303},
    {.method = HTTP_POST,
     .pattern = "/auth/sign-in-link",
     .scope = ROUTE_SIGNED_IN,
     .handle = post_link,
     .takes_json = true,
     .summary = "A new one-time link, for another browser.",
     .reply = SECRET_SCHEMA("url"),
     .reply_status = 201},
    {.method = HTTP_POST,
     .pattern = "/auth/logout",
     .scope = ROUTE_SIGNED_IN,
     .handle = post_logout,
     .takes_json = true,
     .summary = "Ends the session of this request's cookie.",
     .reply_status = 204},
    {.method = HTTP_GET,
     .pattern = "/auth/me",
     .scope = ROUTE_SIGNED_IN,
     .handle = get_me,
     .summary = "Who one is.",
     .reply = "{\"type\":\"object\",\"required\":[\"user\",\"mode\"],\"properties\":{\"user\":{"
              "\"type\":\"string\"},\"mode\":{\"type\":\"string\"}}}",
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/api/ws-ticket",
     .scope = ROUTE_SIGNED_IN,
     .handle = post_ticket,
     .takes_json = true,
     .summary = "A ticket for one WebSocket, for clients that can set neither header nor cookie.",
     .reply = SECRET_SCHEMA("ticket"),
     .reply_status = 201},
};

const struct route_table routes_auth = {"auth", routes, ARRAY_LENGTH(routes)};
