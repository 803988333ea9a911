/*
 * The table of routes as an OpenAPI 3.1 document. Schemas are JSON texts in the tables and in
 * schemas.json; what is said here of each route is what the router does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdio.h>

#include "api/gate.h"
#include "api/router.h"
#include "api/routes.h"
#include "api/schemas.h"

#define NAME_BYTES_MAX 160

static void put_pair(struct json_writer *w, const char *key, const char *value)
{
    json_key(w, key);
    json_put_text(w, value);
}

static void put_raw(struct json_writer *w, const char *key, const char *json)
{
    json_key(w, key);
    json_put_raw(w, str_from(json));
}

/* "get_api_threads_id_runs" */
static void put_operation_id(struct json_writer *w, const struct route *route)
{
    char name[NAME_BYTES_MAX];
    size_t used = 0;
    int status =
        snprintf(name, sizeof(name), "%s%s", http_method_name(route->method), route->pattern);

    for (int i = 0; i < status && name[i]; i++) {
        char c = (char)tolower((unsigned char)name[i]);

        if (isalnum((unsigned char)c)) {
            name[used++] = c;
        } else if (used && name[used - 1] != '_') {
            name[used++] = '_';
        }
    }
    while (used && name[used - 1] == '_') {
        used--;
    }
    json_key(w, "operationId");
    json_put_str(w, (struct str){name, used});
}

static void put_parameter(struct json_writer *w, struct str name, const char *in,
                          const char *schema, const char *summary)
{
    json_begin_object(w);
    json_key(w, "name");
    json_put_str(w, name);
    put_pair(w, "in", in);
    if (strcmp(in, "path") == 0) {
        json_key(w, "required");
        json_put_bool(w, true);
    }
    if (summary) {
        put_pair(w, "description", summary);
    }
    put_raw(w, "schema", schema);
    json_end_object(w);
}

static void put_parameters(struct json_writer *w, const struct route *route)
{
    struct str pattern = str_from(route->pattern);
    size_t open = str_find(pattern, STR("{"), 0);

    if (open == SIZE_MAX && !route->queries) {
        return;
    }
    json_key(w, "parameters");
    json_begin_array(w);
    while (open != SIZE_MAX) {
        size_t close = str_find(pattern, STR("}"), open);

        put_parameter(w, str_slice(pattern, open + 1, close), "path", "{\"type\":\"string\"}",
                      NULL);
        open = str_find(pattern, STR("{"), close);
    }
    for (const struct route_query *query = route->queries; query && query->name; query++) {
        put_parameter(w, str_from(query->name), "query", query->schema, query->summary);
    }
    json_end_array(w);
}

static void put_content(struct json_writer *w, const char *type, const char *schema)
{
    json_key(w, "content");
    json_begin_object(w);
    json_key(w, type);
    json_begin_object(w);
    put_raw(w, "schema", schema);
    json_end_object(w);
    json_end_object(w);
}

static void put_body(struct json_writer *w, const struct route *route)
{
    if (!route->request && !route->begin) {
        return;
    }
    json_key(w, "requestBody");
    json_begin_object(w);
    json_key(w, "required");
    json_put_bool(w, true);
    if (route->begin) {
        put_content(w, "application/octet-stream", "{}");
    } else {
        put_content(w, "application/json", route->request);
    }
    json_end_object(w);
}

static const char *status_text(int status)
{
    switch (status) {
    case 101:
        return "The connection becomes a WebSocket.";
    case 201:
        return "Made.";
    case 202:
        return "Accepted: it is durable and goes on.";
    case 204:
        return "Done; nothing to say.";
    case 303:
        return "Go on there.";
    default:
        return "The answer.";
    }
}

/* What the gate may answer before the handler is asked, and whatever else goes wrong. */
static void put_refusals(struct json_writer *w, const struct route *route)
{
    static const char problem[] = "{\"$ref\":\"#/components/responses/Problem\"}";

    if (route->scope != ROUTE_PUBLIC) {
        put_raw(w, "401", problem);
        put_raw(w, "403", problem);
    }
    if (route->place != ROUTE_PLACE_FREE) {
        put_raw(w, "429", problem);
    }
    put_raw(w, "default", problem);
}

static void put_responses(struct json_writer *w, const struct route *route)
{
    char status[8];

    (void)snprintf(status, sizeof(status), "%d", route->reply_status);
    json_key(w, "responses");
    json_begin_object(w);
    json_key(w, status);
    json_begin_object(w);
    put_pair(w, "description", status_text(route->reply_status));
    if (route->reply) {
        put_content(w, route->reply_type ? route->reply_type : "application/json", route->reply);
    }
    json_end_object(w);
    put_refusals(w, route);
    json_end_object(w);
}

/* Whoever it is needs one of the schemes; what they must be allowed is a member of ours, since
 * schemes of these types have no scopes. */
static void put_security(struct json_writer *w, const struct route *route)
{
    put_pair(w, "x-netra-scope", gate_needs(route->scope));
    if (route->scope == ROUTE_PUBLIC) {
        put_raw(w, "security", "[]");
    }
}

static void put_operation(struct json_writer *w, const char *tag, const struct route *route)
{
    char method[16];
    size_t i = 0;

    for (const char *name = http_method_name(route->method); name[i]; i++) {
        method[i] = (char)tolower((unsigned char)name[i]);
    }
    method[i] = '\0';
    json_key(w, method);
    json_begin_object(w);
    put_operation_id(w, route);
    json_key(w, "tags");
    json_begin_array(w);
    json_put_text(w, tag);
    json_end_array(w);
    put_pair(w, "summary", route->summary);
    put_security(w, route);
    put_parameters(w, route);
    put_body(w, route);
    put_responses(w, route);
    json_end_object(w);
}

/* Which rows there are. */
struct shown {
    bool with_accounts;
    unsigned role;
};

static bool is_shown(const struct route_table *table, const struct route *route,
                     const struct shown *shown)
{
    return (shown->with_accounts || !route->is_accounts) && router_has(table, route, shown->role);
}

/* Rows of one pattern stand in one table; the first of them opens the path. */
static bool is_first_of_pattern(const struct route_table *table, size_t index,
                                const struct shown *shown)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(table->routes[i].pattern, table->routes[index].pattern) == 0 &&
            is_shown(table, &table->routes[i], shown)) {
            return false;
        }
    }
    return true;
}

static void put_paths(struct json_writer *w, const struct route_table *table,
                      const struct shown *shown)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct route *first = &table->routes[i];

        if (!is_shown(table, first, shown) || !is_first_of_pattern(table, i, shown)) {
            continue;
        }
        json_key(w, first->pattern);
        json_begin_object(w);
        for (size_t j = i; j < table->count; j++) {
            const struct route *route = &table->routes[j];

            if (strcmp(first->pattern, route->pattern) == 0 && is_shown(table, route, shown)) {
                put_operation(w, table->name, route);
            }
        }
        json_end_object(w);
    }
}

static void put_info(struct json_writer *w)
{
    json_key(w, "info");
    json_begin_object(w);
    put_pair(w, "title", "Netra");
    put_pair(w, "version", NETRA_VERSION);
    put_pair(w, "description",
             "Analyses of LLM usage records: ask questions, watch runs, read reports.");
    put_raw(w, "license", "{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}");
    json_end_object(w);
}

static void put_components(struct json_writer *w)
{
    json_key(w, "components");
    json_begin_object(w);
    put_raw(w, "securitySchemes",
            "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
            "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"netra_session\"},"
            "\"ticket\":{\"type\":\"apiKey\",\"in\":\"query\",\"name\":\"ticket\","
            "\"description\":\"For WebSockets only; POST /api/ws-ticket makes one.\"}}");
    put_raw(w, "responses",
            "{\"Problem\":{\"description\":\"It was refused or failed (RFC 9457).\",\"content\":{"
            "\"application/problem+json\":{\"schema\":" SCHEMA_REF("Problem") "}}}}");
    put_raw(w, "schemas", schemas_json);
    json_end_object(w);
}

void api_write_openapi(struct buf *out, bool with_accounts, unsigned role)
{
    const struct shown shown = {with_accounts, role};
    struct json_writer w = json_writer_on(out);

    json_begin_object(&w);
    put_pair(&w, "openapi", "3.1.0");
    put_info(&w);
    put_raw(&w, "servers", "[{\"url\":\"/\"}]");
    put_raw(&w, "security", "[{\"bearer\":[]},{\"session\":[]}]");
    json_key(&w, "tags");
    json_begin_array(&w);
    for (size_t i = 0; i < ROUTE_TABLES; i++) {
        json_begin_object(&w);
        put_pair(&w, "name", route_tables[i]->name);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_key(&w, "paths");
    json_begin_object(&w);
    for (size_t i = 0; i < ROUTE_TABLES; i++) {
        put_paths(&w, route_tables[i], &shown);
    }
    json_end_object(&w);
    put_components(&w);
    json_end_object(&w);
}
