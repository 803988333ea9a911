/*
 * router: which route a path has. Built once from the table of routes; a path without parameters is
 * found by one hash, one with parameters by comparing it with the few patterns that have some.
 *
 *     "/api/health"                  dict → path entry → route of the method
 *     "/api/reports/{id}.json"       patterns with a suffix before those without
 *
 * Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_ROUTER_H
#define NETRA_API_ROUTER_H

#include "api/route.h"
#include "base/dict.h"

#define ROUTER_ROUTES_MAX   160u
#define ROUTER_STATUSES_MAX 24u
#define ROUTER_ALLOW_BYTES  64u /* "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" */

/* One pattern and its routes by method. */
struct router_path {
    struct str pattern;
    struct str literal; /* before the first parameter */
    const struct route *by_method[HTTP_METHOD_COUNT];
    size_t index_by_method[HTTP_METHOD_COUNT]; /* its place in routes */
};

struct router {
    const struct route *routes[ROUTER_ROUTES_MAX]; /* all, in the order of the tables */
    size_t route_count;
    struct router_path paths[ROUTER_ROUTES_MAX]; /* the fixed ones first, in the dict's order */
    size_t path_count;
    size_t fixed_count;
    struct dict fixed; /* path → index in paths */
};

struct router_match {
    const struct router_path *path; /* NULL: no such path */
    const struct route *route;      /* NULL: the path does not know the method */
    size_t index;                   /* of the route in routes */
    struct str params[ROUTE_PARAMS_MAX];
};

/* The row is one of that role (enum route_service; 0: of all of them). */
bool router_has(const struct route_table *table, const struct route *route, unsigned role);

/* A zeroed router from those rows of tables that the role has. Two rows of one method and pattern,
 * too many rows, or a pattern with too many parameters are bugs. ERR_NO_MEMORY. */
must_check int router_build(struct router *router, const struct route_table *const *tables,
                            size_t table_count, unsigned role);
void router_done(struct router *router);

/* HEAD finds the GET route unless that has ops (a stream has no head of its own). */
struct router_match router_find(const struct router *router, enum http_method method,
                                struct str path);

/* Parameters of a path that is known to have the pattern's form; false when it has not. */
bool router_params(struct str pattern, struct str path, struct str *ret_params);

/* The methods of a path as an Allow header has them. */
void router_allow(const struct router_path *path, char ret_allow[ROUTER_ALLOW_BYTES]);

const char *http_method_name(enum http_method method);

#endif
