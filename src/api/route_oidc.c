/*
 * Signing in with an identity provider. The browser goes there and back by itself, so these answers
 * are redirects, and a refusal is a sentence on the page: /?error=…
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "api/account_answer.h"
#include "api/api_state.h"
#include "api/body.h"
#include "api/own_place.h"
#include "auth/oidc.h"
#include "base/civil_time.h"
#include "loop/clock.h"

#define NEXT_BYTES_MAX  1024u
#define PLACE_BYTES_MAX 2048u
#define HEADERS_MAX     4u

static const struct account_wrong wrong_link = {.needs = "session",
                                                .detail = "this session cannot link an account"};

/* The cookie that binds a sign-in to its browser; empty: it is taken away. SameSite=Lax, because
 * the browser comes back from another site. Over https its name lets no neighbour under the same
 * domain plant one, and so sign somebody in as somebody else; such a cookie is of all paths. */
static void print_state_cookie(const struct api *api, struct str value,
                               char ret_cookie[ACCOUNT_COOKIE_BYTES_MAX])
{
    bool is_https = account_is_https(api);

    (void)snprintf(ret_cookie, ACCOUNT_COOKIE_BYTES_MAX,
                   "%s" OIDC_STATE_COOKIE "=%.*s; Path=%s; HttpOnly; SameSite=Lax; Max-Age=%d%s",
                   is_https ? "__Host-" : "", STR_ARGS(value), is_https ? "/" : "/auth/callback",
                   value.length ? OIDC_STATE_MINUTES * 60 : 0, is_https ? "; Secure" : "");
}

/* False: no provider is configured, and the call is answered. */
static bool has_providers(const struct call *call)
{
    if (!call->api->options.oidc) {
        problem_reply(call->api, call->id, PROBLEM_NOT_FOUND, NULL,
                      "there is no such identity provider");
    }
    return call->api->options.oidc != NULL;
}

/* 303; the cookies may be NULL. A path is one of the page, which may be another process's. */
static void redirect(struct api *api, http_id id, struct str place, const char *session_cookie,
                     const char *state_cookie)
{
    cleanup(buf_done) struct buf whole;

    buf_init(&whole, PLACE_BYTES_MAX);
    if (api->options.page_url && str_starts_with(place, STR("/"))) {
        buf_append(&whole, str_from(page_url(api)));
        buf_append(&whole, place);
        place = buf_status(&whole) ? str_from(page_url(api)) : buf_str(&whole);
    }
    struct http_header headers[HEADERS_MAX + 1] = {{STR("Location"), place},
                                                   {STR("Cache-Control"), STR("no-store")},
                                                   {STR("Referrer-Policy"), STR("no-referrer")}};
    size_t count = 3;

    if (session_cookie) {
        headers[count++] = (struct http_header){STR("Set-Cookie"), str_from(session_cookie)};
    }
    if (state_cookie) {
        headers[count++] = (struct http_header){STR("Set-Cookie"), str_from(state_cookie)};
    }
    reply_send(api, id,
               &(struct http_reply){.status = 303, .headers = headers, .header_count = count});
}

/* "/?error=the+sentence" */
static void redirect_to_sentence(struct api *api, http_id id, const struct error *error)
{
    struct str text =
        str_from(error && error->message[0] ? error->message : "signing in did not work");
    char state_cookie[ACCOUNT_COOKIE_BYTES_MAX];
    cleanup(buf_done) struct buf place;

    buf_init(&place, PLACE_BYTES_MAX);
    buf_append(&place, STR("/?error="));
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];

        buf_printf(&place,
                   (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                       ? "%c"
                       : "%%%02X",
                   c);
    }
    print_state_cookie(api, STR(""), state_cookie);
    redirect(api, id, buf_status(&place) ? STR("/") : buf_str(&place), NULL, state_cookie);
}

/* ---- the way there ---- */

static void begun(int code, const struct error *error, struct str url, struct str cookie, void *arg)
{
    struct late *late = (struct late *)arg;
    struct api *api = late->api;
    char state_cookie[ACCOUNT_COOKIE_BYTES_MAX];

    if (code) {
        redirect_to_sentence(api, late->id, error);
    } else {
        print_state_cookie(api, cookie, state_cookie);
        redirect(api, late->id, url, NULL, state_cookie);
    }
    late_free(late);
}

/* HEAD goes nowhere: a preview must not begin to sign anybody in. */
static void get_provider(const struct call *call)
{
    struct api *api = call->api;
    struct error error = {0};
    cleanup(buf_done) struct buf next;

    buf_init(&next, NEXT_BYTES_MAX);
    if (!has_providers(call)) {
        return;
    }
    if (call->request->method != HTTP_GET) {
        reply_empty(api, call->id);
        return;
    }
    if (!http_query(call->request, "next", 0, &next) || buf_status(&next) ||
        !is_own_place(buf_str(&next))) {
        buf_clear(&next);
        buf_append_char(&next, '/');
    }
    struct late *late = late_new(call);
    if (!late) {
        return;
    }
    int code = oidc_begin(api->options.oidc, call->params[0], buf_str(&next), /* link */ NULL,
                          begun, late, &error);
    if (code == ERR_NOT_FOUND) {
        problem_reply_error(api, call->id, &error);
        late_free(late);
    } else if (code) {
        redirect_to_sentence(api, call->id, &error);
        late_free(late);
    }
}

/* ---- the way back ---- */

static void came_back(const struct account_outcome *outcome, void *arg)
{
    struct late *late = (struct late *)arg;
    struct api *api = late->api;
    const struct account_grant *grant = outcome->grant;
    char session_cookie[ACCOUNT_COOKIE_BYTES_MAX];
    char state_cookie[ACCOUNT_COOKIE_BYTES_MAX];

    if (outcome->code || !grant) {
        redirect_to_sentence(api, late->id, outcome->error);
        late_free(late);
        return;
    }
    int64_t age_us = grant->session_expires_us - clock_now_us();
    account_print_cookie(api, grant->cookie, age_us / SECOND_US, session_cookie);
    print_state_cookie(api, STR(""), state_cookie);
    redirect(api, late->id, is_own_place(grant->next) ? grant->next : STR("/"), session_cookie,
             state_cookie);
    explicit_bzero(session_cookie, sizeof(session_cookie));
    late_free(late);
}

static void get_callback(const struct call *call)
{
    struct api *api = call->api;
    struct account_origin origin = account_origin(call);
    struct error error = {0};

    if (!has_providers(call)) {
        return;
    }
    if (call->request->method != HTTP_GET) {
        reply_empty(api, call->id);
        return;
    }
    struct late *late = late_new(call);
    if (!late) {
        return;
    }
    int code =
        oidc_callback(api->options.oidc, call->request->query,
                      http_cookie(call->request, account_is_https(api) ? "__Host-" OIDC_STATE_COOKIE
                                                                       : OIDC_STATE_COOKIE),
                      &origin, came_back, late, &error);
    if (code) {
        redirect_to_sentence(api, call->id, &error);
        late_free(late);
    }
}

/* ---- links of an account ---- */

static void link_begun(int code, const struct error *error, struct str url, struct str cookie,
                       void *arg)
{
    struct late *late = (struct late *)arg;
    struct api *api = late->api;
    char state_cookie[ACCOUNT_COOKIE_BYTES_MAX];

    if (code) {
        problem_reply_error(api, late->id, error);
    } else {
        struct json_writer w = reply_begin_json(api);

        json_begin_object(&w);
        put_text(&w, "url", url);
        json_end_object(&w);
        print_state_cookie(api, cookie, state_cookie);
        account_reply_secret(api, late->id, 200, state_cookie);
    }
    late_free(late);
}

static void post_link(const struct call *call)
{
    static const struct body_text_rule next_rule = {.bytes_max = NEXT_BYTES_MAX};
    struct body_fault fault = {0};
    struct json_value root;
    struct str next = STR("/");
    struct error error = {0};

    if (!has_providers(call) || !account_needs_session(call) || !call_json(call, &root)) {
        return;
    }
    if (!body_is_object(root, &fault) || !body_text(root, "next", &next_rule, &next, &fault)) {
        call_refuse(call, &fault);
        return;
    }
    if (!is_own_place(next)) {
        (void)body_refuse(&fault, "/next", "next is no path of this server");
        call_refuse(call, &fault);
        return;
    }
    struct late *late = late_new(call);
    if (!late) {
        return;
    }
    int code = oidc_begin(call->api->options.oidc, call->params[0], next, call->who, link_begun,
                          late, &error);
    if (code) {
        problem_reply_error(call->api, call->id, &error);
        late_free(late);
    }
}

static void delete_link(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct error error = {0};

    if (!has_providers(call) || !account_needs_session(call)) {
        return;
    }
    struct account_answer *answer = account_answer_new(call, /* reply */ NULL);
    if (answer) {
        answer->wrong = &wrong_link;
        answer->what = "link";
        int code = oidc_unlink(call->api->options.oidc, call->who, call->params[0], &origin,
                               account_answered, answer, &error);
        account_begun(answer, code, &error);
    }
}

/* ---- the table ---- */

static const struct route_query next_queries[] = {
    {"next", "{\"type\":\"string\",\"default\":\"/\"}", "a path of this server to go to"},
    {NULL, NULL, NULL},
};

static const struct route_query callback_queries[] = {
    {"code", "{\"type\":\"string\"}", "the provider's code"},
    {"state", "{\"type\":\"string\"}", "of the sign-in under way"},
    {"iss", "{\"type\":\"string\"}", "the provider's name (RFC 9207)"},
    {"error", "{\"type\":\"string\"}", "why the provider lets nobody in"},
    {NULL, NULL, NULL},
};

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/auth/oidc/{provider}",
     .handle = get_provider,
     .scope = ROUTE_PUBLIC,
     .place = ROUTE_PLACE_SECRET,
     .is_accounts = true,
     .summary = "Goes to an identity provider to sign in, then to next.",
     .queries = next_queries,
     .reply_status = 303},
    {.method = HTTP_GET,
     .pattern = "/auth/callback",
     .handle = get_callback,
     .scope = ROUTE_PUBLIC,
     .place = ROUTE_PLACE_SECRET,
     .is_accounts = true,
     .summary = "Back from an identity provider: sets the session cookie and goes on, or to "
                "/?error= with a sentence.",
     .queries = callback_queries,
     .reply_status = 303},
    {.method = HTTP_POST,
     .pattern = "/auth/oidc/{provider}/link",
     .handle = post_link,
     .scope = ROUTE_SIGNED_IN,
     .is_accounts = true,
     .takes_json = true,
     .summary = "Where to go to link one's account to an identity provider.",
     .request = "{\"type\":\"object\",\"properties\":{\"next\":{\"type\":\"string\"}}}",
     .reply = "{\"type\":\"object\",\"required\":[\"url\"],\"properties\":{\"url\":{\"type\":"
              "\"string\"}}}",
     .reply_status = 200},
    {.method = HTTP_DELETE,
     .pattern = "/auth/oidc/{provider}",
     .handle = delete_link,
     .scope = ROUTE_SIGNED_IN,
     .is_accounts = true,
     .summary = "Removes the link; 409 when it is the only way in.",
     .reply_status = 204},
};

const struct route_table routes_oidc = {"identity-providers", routes, ARRAY_LENGTH(routes),
                                        ROUTE_AUTH};
