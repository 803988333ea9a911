/*
 * The document: it is JSON, every route is in it and nothing else, and what it refers to is there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <ctype.h>

#include "api/router.h"
#include "api/routes.h"
#include "json/json_read.h"

#define DOCUMENT_BYTES_MAX ((size_t)1 << 20)

static struct json_parser *parser;
static struct buf text;
static struct json_value document;

static int write_document(void **state)
{
    struct error error = {0};

    (void)state;
    buf_init(&text, DOCUMENT_BYTES_MAX);
    api_write_openapi(&text, /* with_accounts */ true, /* role */ 0);
    if (buf_status(&text) || json_parser_new(DOCUMENT_BYTES_MAX, &parser) ||
        json_parse(parser, buf_str(&text), &document, &error)) {
        (void)fprintf(stderr, "the document is no JSON: %s\n", error.message);
        return -1;
    }
    return 0;
}

static int free_document(void **state)
{
    (void)state;
    json_parser_free(parser);
    buf_done(&text);
    return 0;
}

static struct json_value operation_of(const struct route *route)
{
    char method[16] = "";
    const char *name = http_method_name(route->method);

    for (size_t i = 0; name[i]; i++) {
        method[i] = (char)tolower((unsigned char)name[i]);
    }
    return json_at(json_at(json_at(document, "paths"), route->pattern), method);
}

static void test_every_route_is_in_the_document(void **state)
{
    size_t routes = 0;
    size_t operations = 0;

    (void)state;
    for (size_t t = 0; t < ROUTE_TABLES; t++) {
        for (size_t i = 0; i < route_tables[t]->count; i++, routes++) {
            const struct route *route = &route_tables[t]->routes[i];
            struct json_value operation = operation_of(route);
            char status[8];

            (void)snprintf(status, sizeof(status), "%d", route->reply_status);
            if (!json_is(json_at(json_at(operation, "responses"), status), JSON_OBJECT)) {
                fail_msg("%s %s has no answer %s", http_method_name(route->method), route->pattern,
                         status);
            }
            assert_int_equal(json_is(json_at(operation, "security"), JSON_ARRAY),
                             route->scope == ROUTE_PUBLIC);
            assert_true(json_is(json_at(operation, "summary"), JSON_STRING));
            assert_true(json_is(json_at(operation, "operationId"), JSON_STRING));
        }
    }
    for (struct json_iterator it = json_iterate(json_at(document, "paths")); json_next(&it);) {
        operations += json_count(it.value);
    }
    assert_int_equal(operations, routes);
}

/* A row that cannot be served: no handler or two, a body that nothing reads. */
static void test_rows_make_sense(void **state)
{
    (void)state;
    for (size_t t = 0; t < ROUTE_TABLES; t++) {
        for (size_t i = 0; i < route_tables[t]->count; i++) {
            const struct route *route = &route_tables[t]->routes[i];

            if (!route->handle == !route->begin || (route->request && !route->takes_json) ||
                (route->takes_json && route->method == HTTP_GET) || !route->summary ||
                route->reply_status < 101 || route->pattern[0] != '/') {
                fail_msg("row of %s %s", http_method_name(route->method), route->pattern);
            }
        }
    }
}

static void test_the_tables_can_be_routed(void **state)
{
    static struct router router;

    (void)state;
    assert_int_equal(router_build(&router, route_tables, ROUTE_TABLES, /* role */ 0), OK);
    for (size_t i = 0; i < router.route_count; i++) {
        const struct route *route = router.routes[i];

        /* a pattern is a path of itself: "{id}" is a segment like any */
        assert_ptr_equal(router_find(&router, route->method, str_from(route->pattern)).route,
                         route);
    }
    router_done(&router);
}

/* Each row is of a role at least, and each role has what it needs to say how it is. */
static void test_each_role_has_its_rows(void **state)
{
    static struct router router;
    static struct router roles[3];
    static const char *const everywhere[] = {
        "/health", "/health/live", "/health/ready", "/api/health", "/api/discovery/services",
        "/metrics"};

    (void)state;
    assert_int_equal(router_build(&router, route_tables, ROUTE_TABLES, /* role */ 0), OK);
    for (unsigned i = 0; i < ARRAY_LENGTH(roles); i++) {
        assert_int_equal(router_build(&roles[i], route_tables, ROUTE_TABLES, 1u << i), OK);
        for (size_t j = 0; j < ARRAY_LENGTH(everywhere); j++) {
            assert_non_null(router_find(&roles[i], HTTP_GET, str_from(everywhere[j])).route);
        }
        for (size_t j = 0; j < roles[i].route_count; j++) { /* found under itself, also here */
            const struct route *route = roles[i].routes[j];

            assert_ptr_equal(router_find(&roles[i], route->method, str_from(route->pattern)).route,
                             route);
            assert_int_equal(router_find(&roles[i], route->method, str_from(route->pattern)).index,
                             j);
        }
    }
    for (size_t i = 0; i < router.route_count; i++) {
        const struct route *route = router.routes[i];
        unsigned found = 0;

        for (unsigned j = 0; j < ARRAY_LENGTH(roles); j++) {
            for (size_t k = 0; k < roles[j].route_count; k++) {
                found += roles[j].routes[k] == route;
            }
        }
        if (!found) {
            fail_msg("no role has %s %s", http_method_name(route->method), route->pattern);
        }
    }
    assert_int_equal(roles[2].route_count, ARRAY_LENGTH(everywhere)); /* the frontend */
    for (unsigned i = 0; i < ARRAY_LENGTH(roles); i++) {
        router_done(&roles[i]);
    }
    router_done(&router);
}

static void test_references_lead_somewhere(void **state)
{
    static const char prefix[] = "\"$ref\":\"#/components/schemas/";
    struct str all = buf_str(&text);
    struct json_value schemas = json_at(json_at(document, "components"), "schemas");
    size_t count = 0;

    (void)state;
    for (size_t at = str_find(all, str_from(prefix), 0); at != SIZE_MAX;
         at = str_find(all, str_from(prefix), at + 1), count++) {
        size_t begin = at + strlen(prefix);
        struct str name = str_slice(all, begin, str_find(all, STR("\""), begin));

        if (!json_is(json_at_str(schemas, name), JSON_OBJECT)) {
            fail_msg("there is no schema %.*s", STR_ARGS(name));
        }
    }
    assert_true(count > 10);
}

static void test_the_table_and_the_page_name_every_route(void **state)
{
    cleanup(buf_done) struct buf table;
    cleanup(buf_done) struct buf page;

    (void)state;
    buf_init(&table, DOCUMENT_BYTES_MAX);
    buf_init(&page, DOCUMENT_BYTES_MAX);
    api_write_routes(&table);
    api_write_docs_page(&page);
    assert_int_equal(buf_status(&table) | buf_status(&page), OK);
    for (size_t t = 0; t < ROUTE_TABLES; t++) {
        for (size_t i = 0; i < route_tables[t]->count; i++) {
            const struct route *route = &route_tables[t]->routes[i];
            char row[160];

            (void)snprintf(row, sizeof(row), "| %s | `%s` |", http_method_name(route->method),
                           route->pattern);
            assert_true(str_find(buf_str(&table), str_from(row), 0) != SIZE_MAX);
            assert_true(str_find(buf_str(&page), str_from(route->pattern), 0) != SIZE_MAX);
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_route_is_in_the_document),
    cmocka_unit_test(test_rows_make_sense),
    cmocka_unit_test(test_the_tables_can_be_routed),
    cmocka_unit_test(test_each_role_has_its_rows),
    cmocka_unit_test(test_references_lead_somewhere),
    cmocka_unit_test(test_the_table_and_the_page_name_every_route),
};

int main(void)
{
    return cmocka_run_group_tests(tests, write_document, free_document);
}
