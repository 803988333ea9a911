/*
 * Which route a path has: fixed paths, parameters, suffixes, methods, HEAD, Allow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "api/router.h"
#include "base/alloc.h"

static const struct exchange_ops stream_ops;

static const struct route first[] = {
    {.method = HTTP_GET, .pattern = "/things", .scope = ROUTE_PUBLIC},
    {.method = HTTP_POST, .pattern = "/things", .scope = ROUTE_PUBLIC},
    {.method = HTTP_GET, .pattern = "/things/{id}", .scope = ROUTE_PUBLIC},
    {.method = HTTP_DELETE, .pattern = "/things/{id}", .scope = ROUTE_PUBLIC},
    {.method = HTTP_GET, .pattern = "/things/{id}.json", .scope = ROUTE_PUBLIC},
    {.method = HTTP_GET, .pattern = "/things/{id}.html", .scope = ROUTE_PUBLIC},
};
static const struct route second[] = {
    {.method = HTTP_GET, .pattern = "/things/{id}/parts/{part}", .scope = ROUTE_PUBLIC},
    {.method = HTTP_POST, .pattern = "/things/sample", .scope = ROUTE_PUBLIC},
    {.method = HTTP_GET, .pattern = "/live", .scope = ROUTE_PUBLIC, .ops = &stream_ops},
};
static const struct route_table table_one = {"one", first, ARRAY_LENGTH(first), ROUTE_EVERY};
static const struct route_table table_two = {"two", second, ARRAY_LENGTH(second), ROUTE_EVERY};
static const struct route_table *const tables[] = {&table_one, &table_two};

static struct router router;

static int build(void **state)
{
    (void)state;
    return router_build(&router, tables, ARRAY_LENGTH(tables), /* role */ 0);
}

static int done(void **state)
{
    (void)state;
    router_done(&router);
    return 0;
}

/* The path has the row, with these parameters. */
static void assert_route(enum http_method method, const char *path, const struct route *route,
                         const char *one, const char *two)
{
    struct router_match match = router_find(&router, method, str_from(path));

    if (match.route != route) {
        fail_msg("%s %s: %s", http_method_name(method), path,
                 match.route ? match.route->pattern : "no route");
    }
    assert_str(match.params[0], one);
    assert_str(match.params[1], two);
}

static void assert_nothing(const char *path)
{
    struct router_match match = router_find(&router, HTTP_GET, str_from(path));

    if (match.path || match.route) {
        fail_msg("%s has a route", path);
    }
}

static void test_paths_have_their_routes(void **state)
{
    (void)state;
    assert_route(HTTP_GET, "/things", &first[0], "", "");
    assert_route(HTTP_POST, "/things", &first[1], "", "");
    assert_route(HTTP_GET, "/things/7", &first[2], "7", "");
    assert_route(HTTP_DELETE, "/things/a b", &first[3], "a b", "");
    assert_route(HTTP_GET, "/things/x/parts/y", &second[0], "x", "y");
}

static void test_a_suffix_goes_before_the_plain_parameter(void **state)
{
    (void)state;
    assert_route(HTTP_GET, "/things/7.json", &first[4], "7", "");
    assert_route(HTTP_GET, "/things/7.html", &first[5], "7", "");
    assert_route(HTTP_GET, "/things/7.json.html", &first[5], "7.json", "");
    assert_route(HTTP_GET, "/things/7.csv", &first[2], "7.csv", "");
    assert_route(HTTP_GET, "/things/.json", &first[2], ".json", "");
}

static void test_what_is_not_there_is_not_found(void **state)
{
    static const char *const paths[] = {"/",
                                        "",
                                        "/thing",
                                        "/thingss",
                                        "/things/",
                                        "/things//",
                                        "/things/a/",
                                        "/things/a/parts",
                                        "/things/a/parts/",
                                        "/things//parts/b",
                                        "/things/a/parts/b/c",
                                        "/Things",
                                        "/things/{id}/x"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        assert_nothing(paths[i]);
    }
}

/* A fixed path of another method does not hide the parameter. */
static void test_a_fixed_path_leaves_other_methods_to_the_parameter(void **state)
{
    (void)state;
    assert_route(HTTP_POST, "/things/sample", &second[1], "", "");
    assert_route(HTTP_GET, "/things/sample", &first[2], "sample", "");
}

static void assert_allow(const char *path, const char *expected)
{
    struct router_match match = router_find(&router, HTTP_PATCH, str_from(path));
    char allow[ROUTER_ALLOW_BYTES];

    assert_non_null(match.path);
    assert_null(match.route);
    router_allow(match.path, allow);
    assert_string_equal(allow, expected);
}

static void test_other_methods_are_told_what_is_allowed(void **state)
{
    (void)state;
    assert_allow("/things", "GET, HEAD, POST, OPTIONS");
    assert_allow("/things/1", "GET, HEAD, DELETE, OPTIONS");
    assert_allow("/live", "GET, OPTIONS");
}

static void test_head_is_get_but_for_streams(void **state)
{
    struct router_match live = router_find(&router, HTTP_HEAD, STR("/live"));

    (void)state;
    assert_route(HTTP_HEAD, "/things/1", &first[2], "1", "");
    assert_non_null(live.path);
    assert_null(live.route);
}

static void test_routes_have_a_place(void **state)
{
    (void)state;
    assert_int_equal(router.route_count, ARRAY_LENGTH(first) + ARRAY_LENGTH(second));
    for (size_t i = 0; i < router.route_count; i++) {
        struct router_match match =
            router_find(&router, router.routes[i]->method, str_from(router.routes[i]->pattern));

        assert_ptr_equal(match.route, router.routes[i]);
        assert_int_equal(match.index, i);
    }
    assert_int_equal(router_find(&router, HTTP_HEAD, STR("/things")).index, 0);
}

static void test_building_survives_every_failing_allocation(void **state)
{
    int code = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; code; nth++) {
        static struct router other;

        assert_true(nth < 50);
        (void)alloc_fail_from(nth);
        code = router_build(&other, tables, ARRAY_LENGTH(tables), /* role */ 0);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        if (!code) {
            router_done(&other);
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_paths_have_their_routes),
    cmocka_unit_test(test_a_suffix_goes_before_the_plain_parameter),
    cmocka_unit_test(test_what_is_not_there_is_not_found),
    cmocka_unit_test(test_a_fixed_path_leaves_other_methods_to_the_parameter),
    cmocka_unit_test(test_other_methods_are_told_what_is_allowed),
    cmocka_unit_test(test_head_is_get_but_for_streams),
    cmocka_unit_test(test_routes_have_a_place),
    cmocka_unit_test(test_building_survives_every_failing_allocation),
};

int main(void)
{
    return cmocka_run_group_tests(tests, build, done);
}
