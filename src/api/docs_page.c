/*
 * The table of routes for people: as a page (GET /docs) and as the table of docs/protocol.md. All
 * texts are ours and hold nothing that HTML or Markdown would take for more than text, but "<" is
 * escaped all the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "api/gate.h"
#include "api/router.h"
#include "api/routes.h"

static void put_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '<') {
            buf_append(out, STR("&lt;"));
        } else if (*text == '&') {
            buf_append(out, STR("&amp;"));
        } else {
            buf_append_char(out, *text);
        }
    }
}

static const char *body_of(const struct route *route)
{
    if (route->begin) {
        return "bytes";
    }
    return route->request ? "JSON" : "";
}

static const char *who_of(const struct route *route)
{
    return route->scope == ROUTE_PUBLIC ? "everybody" : gate_needs(route->scope);
}

static void put_row(struct buf *out, const struct route *route)
{
    buf_printf(out, "<tr><td><code>%s</code></td><td><code>", http_method_name(route->method));
    put_escaped(out, route->pattern);
    for (const struct route_query *query = route->queries; query && query->name; query++) {
        buf_printf(out, "%s%s", query == route->queries ? "?" : "&amp;", query->name);
    }
    buf_printf(out, "</code></td><td>%s</td><td>%d</td><td>%s</td><td>", who_of(route),
               route->reply_status, body_of(route));
    put_escaped(out, route->summary);
    buf_append(out, STR("</td></tr>"));
}

void api_write_docs_page(struct buf *out)
{
    buf_append(out,
               STR("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
                   "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                   "<title>Netra: HTTP interface</title>"
                   "<style>body{font:1rem/1.5 system-ui;max-width:72rem;margin:2rem auto;padding:0 "
                   "1rem;color-scheme:light dark}table{border-collapse:collapse;width:100%}"
                   "td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px "
                   "solid #8886}code{font-size:.9em}td:nth-child(-n+5){white-space:nowrap;width:1%}"
                   "td:nth-child(2){width:22rem;white-space:normal;min-width:16rem}"
                   "h2{margin:2rem 0 .3rem;text-transform:capitalize}</style>"
                   "<h1>Netra: HTTP interface</h1><p>The same for machines: "
                   "<a href=\"/openapi.json\">openapi.json</a>. Errors are "
                   "<code>application/problem+json</code>.</p>"));
    for (size_t i = 0; i < ROUTE_TABLES; i++) {
        buf_printf(out,
                   "<h2>%s</h2><table><tr><th>method</th><th>path</th><th>for</th><th>answer</th>"
                   "<th>body</th><th>what</th></tr>",
                   route_tables[i]->name);
        for (size_t j = 0; j < route_tables[i]->count; j++) {
            put_row(out, &route_tables[i]->routes[j]);
        }
        buf_append(out, STR("</table>"));
    }
    buf_append(out, STR("</html>\n"));
}

void api_write_routes(struct buf *out)
{
    buf_append(out, STR("| method | path | for | answer | body | what |\n"
                        "|---|---|---|---|---|---|\n"));
    for (size_t i = 0; i < ROUTE_TABLES; i++) {
        for (size_t j = 0; j < route_tables[i]->count; j++) {
            const struct route *route = &route_tables[i]->routes[j];

            buf_printf(out, "| %s | `%s` | %s | %d | %s | %s |\n", http_method_name(route->method),
                       route->pattern, who_of(route), route->reply_status, body_of(route),
                       route->summary);
        }
    }
}
