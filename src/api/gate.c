/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gate.h"

#include "api/api_state.h"
#include "base/check.h"
#include "monitor/metrics.h"

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

static bool has_scope(struct api *api, const struct http_request *request,
                      const struct route *route, const struct auth_caller *who)
{
    if (gate_may(who, route->scope)) {
        return true;
    }
    count_refusal(STR("scope"));
    problem_forbid(api, request->id, gate_needs(route->scope),
                   route->scope == ROUTE_OPERATOR
                       ? "this is for operators of the deployment: admins of its first workspace"
                       : "neither the role nor the credential of this request includes it");
    return false;
}

bool gate_pass(struct api *api, const struct http_request *request, const struct route *route,
               struct visit *visit)
{
    struct auth *auth = api->options.auth;
    enum auth_flaw flaw = AUTH_FLAW_NONE;

    if (!route || route->scope == ROUTE_PUBLIC) {
        return is_known(api, request, auth_check_host(auth, request));
    }
    return is_known(api, request, auth_check(auth, request, &visit->who, &flaw)) &&
           has_scope(api, request, route, &visit->who);
}
