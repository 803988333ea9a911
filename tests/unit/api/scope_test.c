/*
 * Who may: every row of the route table against a list that was written by hand from
 * docs/protocol.md, and every kind of caller against every row. A route without an entry fails, so
 * that nobody adds one without saying who it is for. What each answer is over HTTP, with things of
 * other workspaces: tests/e2e/81-matrix.test.mjs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "api/gate.h"
#include "api/router.h"
#include "api/routes.h"

struct entry {
    const char *route;
    unsigned scope;
};

/* clang-format off */
static const struct entry entries[] = {
    {"GET /api/threads", AUTH_SCOPE_READ},
    {"POST /api/threads", AUTH_SCOPE_RUN},
    {"GET /api/threads/{id}", AUTH_SCOPE_READ},
    {"DELETE /api/threads/{id}", AUTH_SCOPE_DATA},
    {"GET /api/threads/{id}/messages", AUTH_SCOPE_READ},
    {"GET /api/threads/{id}/runs", AUTH_SCOPE_READ},
    {"POST /api/threads/{id}/runs", AUTH_SCOPE_RUN},
    {"POST /api/runs", AUTH_SCOPE_RUN},
    {"GET /api/runs/{id}", AUTH_SCOPE_READ},
    {"POST /api/runs/{id}/cancel", AUTH_SCOPE_RUN},
    {"GET /ws", AUTH_SCOPE_READ},
    {"POST /agui", AUTH_SCOPE_RUN},
    {"GET /api/runs/{id}/events", AUTH_SCOPE_READ},
    {"GET /api/runs/{id}/model-calls", AUTH_SCOPE_READ},
    {"GET /api/model-calls.jsonl", AUTH_SCOPE_READ},
    {"GET /api/reports/{id}", AUTH_SCOPE_READ},
    {"GET /api/reports/{id}.json", AUTH_SCOPE_READ},
    {"GET /api/reports/{id}.md", AUTH_SCOPE_READ},
    {"GET /api/reports/{id}.html", AUTH_SCOPE_READ},
    {"GET /api/reports/{id}.csv", AUTH_SCOPE_READ},
    {"POST /api/reports/{id}/recompute", AUTH_SCOPE_RUN},
    {"GET /api/datasets", AUTH_SCOPE_READ},
    {"POST /api/datasets", AUTH_SCOPE_DATA},
    {"POST /api/datasets/sample", AUTH_SCOPE_DATA},
    {"GET /api/datasets/{id}", AUTH_SCOPE_READ},
    {"DELETE /api/datasets/{id}", AUTH_SCOPE_DATA},
    {"GET /api/tools", AUTH_SCOPE_READ},
    {"GET /api/tools/{name}", AUTH_SCOPE_READ},
    {"POST /api/tools/{name}", AUTH_SCOPE_RUN},
    {"GET /api/prices", AUTH_SCOPE_READ},
    {"GET /api/prices/{model}", AUTH_SCOPE_READ},
    {"POST /api/parse", AUTH_SCOPE_RUN},
    {"GET /api/settings", AUTH_SCOPE_READ},
    {"GET /api/limits", ROUTE_SIGNED_IN},
    {"GET /api/faults", ROUTE_OPERATOR},
    {"POST /api/faults", ROUTE_OPERATOR},
    {"DELETE /api/faults", ROUTE_OPERATOR},
    {"DELETE /api/faults/{name}", ROUTE_OPERATOR},
    {"GET /health", ROUTE_PUBLIC},
    {"GET /health/live", ROUTE_PUBLIC},
    {"GET /health/ready", ROUTE_PUBLIC},
    {"GET /api/health", ROUTE_PUBLIC},
    {"GET /api/discovery/services", ROUTE_PUBLIC},
    {"GET /api/mcp/config", ROUTE_PUBLIC},
    {"GET /api/mcp/servers", ROUTE_PUBLIC},
    {"GET /metrics", ROUTE_PUBLIC},
    {"GET /openapi.json", ROUTE_PUBLIC},
    {"GET /docs", ROUTE_PUBLIC},
    {"GET /.well-known/jwks.json", ROUTE_PUBLIC},
    {"GET /auth/config", ROUTE_PUBLIC},
    {"GET /auth/sign-in", ROUTE_PUBLIC},
    {"POST /auth/sign-in-link", ROUTE_SIGNED_IN},
    {"POST /auth/logout", ROUTE_SIGNED_IN},
    {"GET /auth/me", ROUTE_SIGNED_IN},
    {"PATCH /auth/me", ROUTE_SIGNED_IN},
    {"DELETE /auth/me", ROUTE_SIGNED_IN},
    {"GET /api/me/conversations", AUTH_SCOPE_READ},
    {"GET /auth/me/export", ROUTE_SIGNED_IN},
    {"POST /api/ws-ticket", ROUTE_SIGNED_IN},
    {"POST /auth/register", ROUTE_PUBLIC},
    {"POST /auth/login", ROUTE_PUBLIC},
    {"POST /auth/refresh", ROUTE_PUBLIC},
    {"POST /auth/workspace", ROUTE_SIGNED_IN},
    {"POST /auth/join", ROUTE_SIGNED_IN},
    {"POST /auth/password", ROUTE_SIGNED_IN},
    {"POST /auth/password/forgot", ROUTE_PUBLIC},
    {"POST /auth/password/reset", ROUTE_PUBLIC},
    {"GET /auth/oidc/{provider}", ROUTE_PUBLIC},
    {"GET /auth/callback", ROUTE_PUBLIC},
    {"POST /auth/oidc/{provider}/link", ROUTE_SIGNED_IN},
    {"DELETE /auth/oidc/{provider}", ROUTE_SIGNED_IN},
    {"GET /auth/sessions", ROUTE_SIGNED_IN},
    {"DELETE /auth/sessions", ROUTE_SIGNED_IN},
    {"DELETE /auth/sessions/{id}", ROUTE_SIGNED_IN},
    {"POST /auth/validate", ROUTE_SIGNED_IN},
    {"POST /auth/service-token", ROUTE_SIGNED_IN},
    {"POST /auth/signing-keys", ROUTE_OPERATOR},
    {"GET /api/users", AUTH_SCOPE_ADMIN},
    {"POST /api/users", AUTH_SCOPE_ADMIN},
    {"PATCH /api/users/{id}", AUTH_SCOPE_ADMIN},
    {"DELETE /api/users/{id}", AUTH_SCOPE_ADMIN},
    {"POST /api/users/{id}/reset-link", AUTH_SCOPE_ADMIN},
    {"GET /api/invites", AUTH_SCOPE_ADMIN},
    {"POST /api/invites", AUTH_SCOPE_ADMIN},
    {"DELETE /api/invites/{id}", AUTH_SCOPE_ADMIN},
    {"GET /api/keys", ROUTE_SIGNED_IN},
    {"POST /api/keys", ROUTE_SIGNED_IN},
    {"DELETE /api/keys/{id}", ROUTE_SIGNED_IN},
    {"GET /api/workspaces", ROUTE_SIGNED_IN},
    {"POST /api/workspaces", ROUTE_OPERATOR},
    {"PATCH /api/workspaces/{id}", AUTH_SCOPE_ADMIN},
    {"DELETE /api/workspaces/{id}", ROUTE_OPERATOR},
    {"GET /api/audit", AUTH_SCOPE_ADMIN},
    {"GET /api/audit/check", AUTH_SCOPE_ADMIN},
};
/* clang-format on */

static const struct entry *find(const struct route *route)
{
    char text[160];

    (void)snprintf(text, sizeof(text), "%s %s", http_method_name(route->method), route->pattern);
    for (size_t i = 0; i < ARRAY_LENGTH(entries); i++) {
        if (strcmp(entries[i].route, text) == 0) {
            return &entries[i];
        }
    }
    fail_msg("%s has no entry in the matrix", text);
    return NULL;
}

/* fn for each row there is. */
static void for_each(void (*fn)(const struct route *route, const struct entry *entry))
{
    for (size_t t = 0; t < ROUTE_TABLES; t++) {
        for (size_t i = 0; i < route_tables[t]->count; i++) {
            const struct route *route = &route_tables[t]->routes[i];

            fn(route, find(route));
        }
    }
}

static void assert_scope(const struct route *route, const struct entry *entry)
{
    if (route->scope != entry->scope) {
        fail_msg("%s is for %s, not for %s", entry->route, gate_needs(route->scope),
                 gate_needs(entry->scope));
    }
}

static void test_every_route_is_for_whom_it_should_be(void **state)
{
    (void)state;
    for_each(assert_scope);
}

/* Nothing that changes something is for who may only look, but for what is one's own. */
static void assert_no_change_by_readers(const struct route *route, const struct entry *entry)
{
    if (route->method != HTTP_GET && entry->scope == AUTH_SCOPE_READ) {
        fail_msg("%s changes something", entry->route);
    }
    if (route->place == ROUTE_PLACE_FREE && entry->scope != ROUTE_PUBLIC) {
        fail_msg("%s takes from no bucket", entry->route);
    }
}

static void test_readers_change_nothing(void **state)
{
    (void)state;
    for_each(assert_no_change_by_readers);
}

#define ALL_SCOPES (AUTH_SCOPE_READ | AUTH_SCOPE_RUN | AUTH_SCOPE_DATA | AUTH_SCOPE_ADMIN)

static const struct {
    const char *name;
    struct auth_caller who;
    unsigned passes; /* scopes and marks of rows */
} callers[] = {
    {"nobody", {.kind = AUTH_KIND_NOBODY}, ROUTE_PUBLIC},
    {"viewer",
     {.kind = AUTH_KIND_COOKIE, .role = AUTH_ROLE_VIEWER, .may = AUTH_SCOPE_READ},
     ROUTE_PUBLIC | ROUTE_SIGNED_IN | AUTH_SCOPE_READ},
    {"analyst",
     {.kind = AUTH_KIND_TOKEN,
      .role = AUTH_ROLE_ANALYST,
      .may = AUTH_SCOPE_READ | AUTH_SCOPE_RUN | AUTH_SCOPE_DATA},
     ROUTE_PUBLIC | ROUTE_SIGNED_IN | AUTH_SCOPE_READ | AUTH_SCOPE_RUN | AUTH_SCOPE_DATA},
    {"admin",
     {.kind = AUTH_KIND_TOKEN, .role = AUTH_ROLE_ADMIN, .may = ALL_SCOPES},
     ROUTE_PUBLIC | ROUTE_SIGNED_IN | ALL_SCOPES},
    {"operator",
     {.kind = AUTH_KIND_TOKEN, .role = AUTH_ROLE_ADMIN, .may = ALL_SCOPES, .is_operator = true},
     ROUTE_PUBLIC | ROUTE_SIGNED_IN | ALL_SCOPES | ROUTE_OPERATOR},
    {"key of an operator, for reading",
     {.kind = AUTH_KIND_KEY, .role = AUTH_ROLE_ADMIN, .may = AUTH_SCOPE_READ, .is_operator = true},
     ROUTE_PUBLIC | ROUTE_SIGNED_IN | AUTH_SCOPE_READ},
    {"key for running",
     {.kind = AUTH_KIND_KEY, .role = AUTH_ROLE_ANALYST, .may = AUTH_SCOPE_RUN},
     ROUTE_PUBLIC | ROUTE_SIGNED_IN | AUTH_SCOPE_RUN},
    {"key for data",
     {.kind = AUTH_KIND_KEY, .role = AUTH_ROLE_ANALYST, .may = AUTH_SCOPE_DATA},
     ROUTE_PUBLIC | ROUTE_SIGNED_IN | AUTH_SCOPE_DATA},
    {"key for administration",
     {.kind = AUTH_KIND_KEY, .role = AUTH_ROLE_ADMIN, .may = AUTH_SCOPE_ADMIN},
     ROUTE_PUBLIC | ROUTE_SIGNED_IN | AUTH_SCOPE_ADMIN},
    {"key whose owner lost the role",
     {.kind = AUTH_KIND_KEY, .role = AUTH_ROLE_VIEWER, .may = 0},
     ROUTE_PUBLIC | ROUTE_SIGNED_IN},
};

static void assert_callers(const struct route *route, const struct entry *entry)
{
    for (size_t i = 0; i < ARRAY_LENGTH(callers); i++) {
        bool should = (callers[i].passes & entry->scope) != 0;

        if (gate_may(&callers[i].who, route->scope) != should) {
            fail_msg("%s: %s %s", entry->route, callers[i].name,
                     should ? "is refused" : "is let in");
        }
    }
}

static void test_every_caller_at_every_route(void **state)
{
    (void)state;
    for_each(assert_callers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_is_for_whom_it_should_be),
        cmocka_unit_test(test_readers_change_nothing),
        cmocka_unit_test(test_every_caller_at_every_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
