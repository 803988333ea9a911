/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page.h"

#include <stdio.h>

#include "api/api_state.h"

/* Everything from this server only, but for what the services of the deployment answer; scripts
 * from files only. Styles may be inline: figures are SVG with style attributes. Reports are shown
 * in frames of this server. */
void page_print_policy(const char *connects, char ret_policy[PAGE_POLICY_BYTES])
{
    (void)snprintf(ret_policy, PAGE_POLICY_BYTES,
                   "default-src 'self'; script-src 'self'; style-src 'self'; "
                   "img-src 'self' data:; connect-src 'self'%s%s; frame-src 'self'; "
                   "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
                   connects ? " " : "", connects ? connects : "");
}

const char *page_url(const struct api *api)
{
    return api->options.page_url ? api->options.page_url : api->options.public_url;
}

/* A place in the page, not a file and not the server's: "/threads/0192…". */
static bool is_place(const struct http_request *request)
{
    struct str path = request->path;

    return str_find(path, STR("."), 0) == SIZE_MAX && !str_starts_with(path, STR("/api/")) &&
           !str_starts_with(path, STR("/auth/")) &&
           str_find(http_header(request, "accept"), STR("text/html"), 0) != SIZE_MAX;
}

const struct http_file *page_find(const struct http_files *page, const struct http_request *request)
{
    if (!page || (request->method != HTTP_GET && request->method != HTTP_HEAD)) {
        return NULL;
    }
    const struct http_file *file = http_file_find(page, request->path);
    return file || !is_place(request) ? file : http_file_find(page, STR("/"));
}

void page_reply(struct api *api, const struct http_request *request, const struct http_file *file)
{
    const struct http_header headers[] = {
        {STR("Content-Security-Policy"), str_from(api->page_policy)},
        {STR("Referrer-Policy"), STR("no-referrer")},
        {STR("Cross-Origin-Opener-Policy"), STR("same-origin")},
    };

    (void)http_reply_file(api->server, request, file, headers, ARRAY_LENGTH(headers));
}
