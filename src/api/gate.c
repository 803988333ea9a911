/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gate.h"

#include <stdio.h>

#include "api/api_state.h"
#include "api/origin.h"
#include "auth/accounts.h"
#include "base/alloc.h"
#include "base/check.h"
#include "monitor/fault.h"
#include "monitor/metrics.h"

#define TARGET_BYTES_MAX 160
#define GATE_RETRY_S     2u

static void count_refusal(struct str reason)
{
    metric_add(METRIC_AUTH_REFUSED, metric_label(METRIC_AUTH_REFUSED, reason), 1);
}

/* False when it has been answered. */
static bool is_known(struct api *api, const struct http_request *request, enum auth_result result)
{
    switch (result) {
    case AUTH_OK:
        return true;
    case AUTH_MISSING:
        count_refusal(STR("missing"));
        problem_reply_auth(api, request->id, /* has_credentials */ false);
        break;
    case AUTH_INVALID:
        count_refusal(STR("invalid"));
        problem_reply_auth(api, request->id, /* has_credentials */ true);
        break;
    case AUTH_WRONG_ORIGIN:
        count_refusal(STR("origin"));
        problem_forbid(api, request->id, "Origin",
                       "requests with a session are taken from this server's own page only");
        break;
    case AUTH_WRONG_HOST:
        count_refusal(STR("host"));
        problem_forbid(api, request->id, "Host", "the server is not known by this name");
        break;
    case AUTH_UNAVAILABLE:
        count_refusal(STR("unavailable"));
        problem_reply_later(api, request->id, GATE_RETRY_S,
                            "the auth service does not answer, and without it this credential "
                            "cannot be judged");
        break;
    case AUTH_LATER:
        check(!"answered by gate_pass");
        break;
    }
    return false;
}

bool gate_may(const struct auth_caller *who, unsigned scope)
{
    switch (scope) {
    case ROUTE_PUBLIC:
        return true;
    case ROUTE_SIGNED_IN:
        return who->kind != AUTH_KIND_NOBODY;
    case ROUTE_OPERATOR: /* a key that an operator made for reading is no operator */
        return who->is_operator && (who->may & AUTH_SCOPE_ADMIN);
    default:
        return (who->may & scope) == scope;
    }
}

const char *gate_needs(unsigned scope)
{
    switch (scope) {
    case AUTH_SCOPE_READ:
        return "scope:read";
    case AUTH_SCOPE_RUN:
        return "scope:run";
    case AUTH_SCOPE_DATA:
        return "scope:data";
    case AUTH_SCOPE_ADMIN:
        return "scope:admin";
    case ROUTE_OPERATOR:
        return "operator";
    default:
        check(scope == ROUTE_PUBLIC || scope == ROUTE_SIGNED_IN);
        return scope == ROUTE_PUBLIC ? "public" : "signed in";
    }
}

static void audit(struct api *api, const struct http_request *request, const struct route *route,
                  const struct auth_caller *who, const char *action)
{
    char target[TARGET_BYTES_MAX];

    (void)snprintf(target, sizeof(target), "%s %s", http_method_name(request->method),
                   route ? route->pattern : "unmatched");
    accounts_audit(api->options.auth, who, action, str_from(target), request->peer_address,
                   /* detail */ NULL);
}
static bool has_scope(struct api *api, const struct http_request *request,
                      const struct route *route, const struct auth_caller *who)
{
    if (gate_may(who, route->scope)) {
        return true;
    }
    count_refusal(STR("scope"));
    audit(api, request, route, who, "forbidden");
    problem_forbid(api, request->id, gate_needs(route->scope),
                   route->scope == ROUTE_OPERATOR
                       ? "this is for operators of the deployment: admins of its first workspace"
                       : "neither the role nor the credential of this request includes it");
    return false;
}

/* ---- limits ---- */

static const char *const limit_texts[API_LIMIT_COUNT] = {
    [API_LIMIT_ADDRESS] = "too many requests from this address",
    [API_LIMIT_USER] = "too many requests of this user",
    [API_LIMIT_KEY] = "too many requests with this key",
    [API_LIMIT_COSTLY] = "too many questions, tool calls and uploads of this user",
    [API_LIMIT_SECRET] = "too many tries from this address",
};

bool gate_take(struct api *api, enum api_limit limit, struct str key, struct limit_state *ret_state,
               const char **ret_text)
{
    int64_t now_ns = (int64_t)loop_now_ms(api->options.loop) * 1000000;

    *ret_text = limit_texts[limit];
    if (limits_take(api->limits, limit, key, now_ns, ret_state)) {
        return true;
    }
    metric_add(METRIC_LIMITED, metric_label(METRIC_LIMITED, str_from(ret_state->name)), 1);
    return false;
}

/* False when it has been answered. */
static bool take(struct api *api, http_id id, enum api_limit limit, struct str key)
{
    struct limit_state state;
    const char *text;

    if (gate_take(api, limit, key, &state, &text)) {
        return true;
    }
    problem_reply_limited(api, id, &state, text);
    return false;
}

/* Before anybody looks at who it is. */
static bool take_of_address(struct api *api, const struct http_request *request,
                            const struct route *route)
{
    char scratch[LIMIT_ADDRESS_BYTES];

    if (route && route->place == ROUTE_PLACE_FREE) {
        return true;
    }
    struct str address = limit_address_key(request->peer_address, scratch);
    return take(api, request->id, API_LIMIT_ADDRESS, address) &&
           (!route || route->place != ROUTE_PLACE_SECRET ||
            take(api, request->id, API_LIMIT_SECRET, address));
}

/* Also a key's tokens: they are no way around its limit. */
bool gate_is_of_key(const struct auth_caller *who)
{
    return who->kind == AUTH_KIND_KEY || who->kind == AUTH_KIND_SERVICE;
}

static bool take_of_user(struct api *api, http_id id, const struct route *route,
                         const struct auth_caller *who)
{
    struct str user = str_from(who->user_id);

    if (who->kind == AUTH_KIND_NOBODY || route->place == ROUTE_PLACE_FREE) {
        return true;
    }
    return take(api, id, API_LIMIT_USER, user) &&
           (!gate_is_of_key(who) || take(api, id, API_LIMIT_KEY, str_from(who->credential_id))) &&
           (route->place != ROUTE_PLACE_COSTLY || take(api, id, API_LIMIT_COSTLY, user));
}

/* ---- faults (monitor/fault.h) ---- */

bool gate_takes_faults(const struct route *route)
{
    return route->place != ROUTE_PLACE_FREE &&
           !str_starts_with(str_from(route->pattern), STR("/api/faults"));
}

/* False when it has been answered. */
static bool is_spared(struct api *api, http_id id, const struct route *route)
{
    int64_t wait_s = 1;

    if (!gate_takes_faults(route)) {
        return true;
    }
    if (route->scope != ROUTE_PUBLIC && fault_hits(FAULT_AUTH_EXPIRED)) {
        problem_reply_auth(api, id, /* has_credentials */ true);
        return false;
    }
    if (fault_hits_with(FAULT_RATE_LIMITED, &wait_s)) {
        struct limit_state state = {.name = "fault", .window_s = 1, .wait_s = (uint64_t)wait_s};

        problem_reply_limited(api, id, &state, "a fault was put in: rate_limited");
        return false;
    }
    if (str_starts_with(str_from(route->pattern), STR("/api/")) &&
        fault_hits_with(FAULT_UNAVAILABLE, &wait_s)) {
        problem_reply_later(api, id, (uint64_t)wait_s, "a fault was put in: unavailable");
        return false;
    }
    return true;
}

/* ---- all of it ---- */

/* Rows of the other mode are not there. */
static bool is_there(struct api *api, const struct http_request *request, const struct route *route)
{
    if (route && route->is_accounts && auth_mode(api->options.auth) == AUTH_MODE_LOCAL) {
        problem_reply(api, request->id, PROBLEM_NOT_FOUND, NULL,
                      "there is nothing at %.*s: this server has one user and no accounts",
                      STR_ARGS(request->path));
        return false;
    }
    return true;
}

/* Remembers a page that is allowed, for the headers of the answer; without memory for it the page
 * hears nothing, which is safe. */
static bool is_page_welcome(struct api *api, const struct http_request *request,
                            const struct route *route, struct visit *visit)
{
    enum origin_kind kind = origin_of(api->options.auth, request);

    if ((kind == ORIGIN_ALLOWED || kind == ORIGIN_PAGE) && !visit->origin) {
        struct str origin = http_header(request, "origin");

        visit->origin = (char *)alloc_zeroed(origin.length + 1, 1);
        if (visit->origin && origin.data) {
            memcpy(visit->origin, origin.data, origin.length);
        }
        visit->is_page = kind == ORIGIN_PAGE;
    }
    if (origin_may(kind, request) ||
        (http_header(request, "authorization").data && !request->is_upgrade)) {
        return true; /* a foreign page cannot have a bearer, and a browser asks it for a preflight
                      */
    }
    count_refusal(STR("origin"));
    audit(api, request, route, NULL, "origin");
    problem_forbid(api, request->id, "Origin",
                   "requests that change something, and WebSockets, are taken from this server's "
                   "own page and from allowed_origins only");
    return false;
}

/* Who it is: GATE_LATER while the auth service is asked. */
static enum gate_result find_out_who(struct api *api, const struct http_request *request,
                                     struct visit *visit)
{
    struct auth *auth = api->options.auth;
    enum auth_flaw flaw = AUTH_FLAW_NONE;
    enum auth_result result = visit->waits < GATE_WAITS_MAX
                                  ? auth_check_or_wait(auth, request, &visit->who, &flaw)
                                  : auth_check(auth, request, &visit->who, &flaw);

    if (result == AUTH_LATER) {
        visit->waits++;
        return GATE_LATER;
    }
    return is_known(api, request, result) ? GATE_OPEN : GATE_REFUSED;
}

static enum gate_result pass_public(struct api *api, const struct http_request *request,
                                    const struct route *route, struct visit *visit)
{
    bool may = is_known(api, request, auth_check_host(api->options.auth, request)) &&
               is_there(api, request, route) && is_page_welcome(api, request, route, visit) &&
               (!route || is_spared(api, request->id, route));

    return may ? GATE_OPEN : GATE_REFUSED;
}

enum gate_result gate_pass(struct api *api, const struct http_request *request,
                           const struct route *route, struct visit *visit)
{
    if (visit->waits == 0 && !take_of_address(api, request, route)) {
        return GATE_REFUSED;
    }
    if (!route || route->scope == ROUTE_PUBLIC) {
        return pass_public(api, request, route, visit);
    }
    if (!is_there(api, request, route) || !is_page_welcome(api, request, route, visit)) {
        return GATE_REFUSED;
    }
    enum gate_result result = find_out_who(api, request, visit);
    if (result != GATE_OPEN) {
        return result;
    }
    bool may = take_of_user(api, request->id, route, &visit->who) &&
               has_scope(api, request, route, &visit->who) && is_spared(api, request->id, route);
    return may ? GATE_OPEN : GATE_REFUSED;
}
