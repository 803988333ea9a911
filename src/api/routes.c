/*
 * routes: the table of the tables. The order is that of the document and of docs/protocol.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/routes.h"

const struct route_table *const route_tables[ROUTE_TABLES] = {
    &routes_threads,  &routes_runs,   &routes_live,    &routes_reports,   &routes_datasets,
    &routes_tools,    &routes_prices, &routes_parse,   &routes_settings,  &routes_model_calls,
    &routes_system,   &routes_auth,   &routes_sign_in, &routes_passwords, &routes_me,
    &routes_sessions, &routes_users,  &routes_invites, &routes_keys,      &routes_workspaces,
    &routes_audit,    &routes_jwks,   &routes_oidc,    &routes_limits,    &routes_faults,
};

const struct route_query route_page_queries[] = {
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":200,\"default\":50}",
     "rows of a page"},
    {"after", "{\"type\":\"string\"}", "id of the last row of the page before"},
    {NULL, NULL, NULL},
};
