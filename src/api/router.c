/* SPDX-License-Identifier: Apache-2.0 */
#include "api/router.h"

#include <stdio.h>

#include "base/check.h"

#define ROUTER_TEXT_BYTES_MAX 65536u

const char *http_method_name(enum http_method method)
{
    static const char *const names[HTTP_METHOD_COUNT] = {
        [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
        [HTTP_PUT] = "PUT",         [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
        [HTTP_OPTIONS] = "OPTIONS",
    };

    return method < HTTP_METHOD_COUNT ? names[method] : "OTHER";
}

/* The three groups in which patterns are entered, and so tried. */
enum pattern_kind { PATTERN_FIXED, PATTERN_WITH_SUFFIX, PATTERN_PLAIN };

static enum pattern_kind kind_of(struct str pattern)
{
    if (str_find(pattern, STR("{"), 0) == SIZE_MAX) {
        return PATTERN_FIXED;
    }
    return !str_ends_with(pattern, STR("}")) && str_find(pattern, STR("}."), 0) != SIZE_MAX
               ? PATTERN_WITH_SUFFIX
               : PATTERN_PLAIN;
}

static struct router_path *path_of(struct router *router, struct str pattern)
{
    for (size_t i = 0; i < router->path_count; i++) {
        if (str_equal(router->paths[i].pattern, pattern)) {
            return &router->paths[i];
        }
    }
    check_cmp(router->path_count, <, ROUTER_ROUTES_MAX);
    struct router_path *path = &router->paths[router->path_count++];
    size_t brace = str_find(pattern, STR("{"), 0);
    path->pattern = pattern;
    path->literal = str_slice(pattern, 0, brace == SIZE_MAX ? pattern.length : brace);
    return path;
}

/* A row says who may, and says one thing. */
static bool is_one_scope(unsigned scope)
{
    const unsigned all = ROUTE_PUBLIC | ROUTE_SIGNED_IN | ROUTE_OPERATOR | AUTH_SCOPE_ALL;

    return scope != 0 && (scope & (scope - 1)) == 0 && (scope & ~all) == 0;
}

static int add_route(struct router *router, const struct route *route)
{
    struct str pattern = str_from(route->pattern);
    struct router_path *path = path_of(router, pattern);
    uint32_t id;

    check(path->by_method[route->method] == NULL);
    check(is_one_scope(route->scope));
    path->by_method[route->method] = route;
    if (kind_of(pattern) != PATTERN_FIXED) {
        return OK;
    }
    int code = dict_put(&router->fixed, pattern, &id);
    check(code != ERR_LIMIT);
    router->fixed_count = router->path_count;
    debug_check(code || id == (uint32_t)(path - router->paths));
    return code;
}

bool router_has(const struct route_table *table, const struct route *route, unsigned role)
{
    return role == 0 || ((route->services ? route->services : table->services) & role);
}

int router_build(struct router *router, const struct route_table *const *tables, size_t table_count,
                 unsigned role)
{
    *router = (struct router){0};
    dict_init(&router->fixed, ROUTER_ROUTES_MAX, ROUTER_TEXT_BYTES_MAX);
    for (enum pattern_kind kind = PATTERN_FIXED; kind <= PATTERN_PLAIN; kind++) {
        for (size_t t = 0; t < table_count; t++) {
            for (size_t i = 0; i < tables[t]->count; i++) {
                const struct route *route = &tables[t]->routes[i];

                if (router_has(tables[t], route, role) &&
                    kind_of(str_from(route->pattern)) == kind && add_route(router, route)) {
                    router_done(router);
                    return ERR_NO_MEMORY;
                }
            }
        }
    }
    for (size_t t = 0; t < table_count; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct route *route = &tables[t]->routes[i];
            if (!router_has(tables[t], route, role)) {
                continue;
            }
            check_cmp(router->route_count, <, ROUTER_ROUTES_MAX);
            struct router_path *path = path_of(router, str_from(route->pattern));

            path->index_by_method[route->method] = router->route_count;
            router->routes[router->route_count++] = route;
        }
    }
    return OK;
}

void router_done(struct router *router)
{
    dict_done(&router->fixed);
    *router = (struct router){0};
}

/* Walks both at once; a parameter takes its segment but for what follows it in the pattern. */
bool router_params(struct str pattern, struct str path, struct str *ret_params)
{
    size_t p = 0;
    size_t at = 0;
    size_t count = 0;

    while (p < pattern.length) {
        size_t brace = str_find(pattern, STR("{"), p);
        size_t fixed = (brace == SIZE_MAX ? pattern.length : brace) - p;

        if (path.length - at < fixed || memcmp(path.data + at, pattern.data + p, fixed) != 0) {
            return false;
        }
        at += fixed;
        p += fixed;
        if (p == pattern.length) {
            break;
        }
        size_t close = str_find(pattern, STR("}"), p);
        size_t next = str_find(pattern, STR("/"), close);
        size_t end = str_find(path, STR("/"), at);
        check(close != SIZE_MAX && count < ROUTE_PARAMS_MAX);
        struct str suffix = str_slice(pattern, close + 1, next == SIZE_MAX ? pattern.length : next);
        struct str segment = str_slice(path, at, end == SIZE_MAX ? path.length : end);
        if (segment.length <= suffix.length || !str_ends_with(segment, suffix)) {
            return false;
        }
        ret_params[count++] = str_slice(segment, 0, segment.length - suffix.length);
        at += segment.length;
        p = close + 1 + suffix.length;
    }
    return at == path.length;
}

static const struct route *route_of(const struct router_path *path, enum http_method method,
                                    size_t *ret_index)
{
    const struct route *route = path->by_method[method];

    if (!route && method == HTTP_HEAD) {
        method = HTTP_GET;
        route = path->by_method[method];
        route = route && route->ops ? NULL : route;
    }
    *ret_index = path->index_by_method[method];
    return route;
}

struct router_match router_find(const struct router *router, enum http_method method,
                                struct str path)
{
    struct router_match match = {0};
    uint32_t fixed = dict_find(&router->fixed, path);

    if (fixed != DICT_NOT_FOUND) {
        match.path = &router->paths[fixed];
        match.route = route_of(match.path, method, &match.index);
    }
    /* "/api/datasets/sample" is fixed for POST only; its GET is that of "{id}". */
    for (size_t i = router->fixed_count; !match.route && i < router->path_count; i++) {
        const struct router_path *candidate = &router->paths[i];

        if (str_starts_with(path, candidate->literal) &&
            router_params(candidate->pattern, path, match.params)) {
            match.path = match.path ? match.path : candidate;
            match.route = route_of(candidate, method, &match.index);
        }
    }
    return match;
}

void router_allow(const struct router_path *path, char ret_allow[ROUTER_ALLOW_BYTES])
{
    size_t used = 0;
    size_t index;

    for (int method = 0; method < HTTP_METHOD_COUNT; method++) {
        if (method == HTTP_OPTIONS || route_of(path, (enum http_method)method, &index)) {
            int more = snprintf(ret_allow + used, ROUTER_ALLOW_BYTES - used, "%s%s",
                                used ? ", " : "", http_method_name((enum http_method)method));

            check_cmp(more, <, ROUTER_ALLOW_BYTES - used);
            used += (size_t)more;
        }
    }
}
