/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page.h"

#include "api/api_state.h"

/* Everything from this server only; scripts from files only. Styles may be inline: figures are SVG
 * with style attributes. Reports are shown in frames of this server. */
static const struct http_header page_headers[] = {
    {{"Content-Security-Policy", 23},
     STR("default-src 'self'; script-src 'self'; style-src 'self'; "
         "img-src 'self' data:; connect-src 'self'; frame-src 'self'; object-src 'none'; "
         "base-uri 'none'; form-action 'self'; frame-ancestors 'none'")},
    {{"Referrer-Policy", 15}, {"no-referrer", 11}},
    {{"Cross-Origin-Opener-Policy", 26}, {"same-origin", 11}},
};

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
    (void)http_reply_file(api->server, request, file, page_headers, ARRAY_LENGTH(page_headers));
}
