/* SPDX-License-Identifier: Apache-2.0 */
#include "http/static.h"

#include <stdio.h>

#include "base/check.h"

#define ETAG_BYTES_MAX   80
#define OWN_HEADERS_MAX  4
#define GZIP_ETAG_SUFFIX "-gzip"

const struct http_file *http_file_find(const struct http_files *files, struct str path)
{
    for (size_t i = 0; i < files->count; i++) {
        if (str_equal(str_from(files->files[i].path), path)) {
            return &files->files[i];
        }
    }
    return NULL;
}

/* One element of a list, "gzip;q=0.5": its name and whether its weight is zero. */
static struct str list_next(struct str *list, bool *ret_is_refused)
{
    size_t comma = str_find(*list, STR(","), 0);
    size_t end = comma < list->length ? comma : list->length;
    struct str element = str_slice(*list, 0, end);
    size_t semicolon = str_find(element, STR(";"), 0);
    struct str name =
        str_trim(str_slice(element, 0, semicolon < element.length ? semicolon : element.length));

    *ret_is_refused = false;
    if (semicolon < element.length) {
        struct str weight = str_trim(str_slice(element, semicolon + 1, element.length));
        size_t zeros = 2;

        while (zeros < weight.length && (weight.data[zeros] == '0' || weight.data[zeros] == '.')) {
            zeros++;
        }
        *ret_is_refused =
            weight.length > 2 && str_starts_with(weight, STR("q=")) && zeros == weight.length;
    }
    *list = end < list->length ? str_slice(*list, end + 1, list->length) : (struct str){"", 0};
    return name;
}

static bool takes_gzip(struct str accepted)
{
    bool takes_any = false;

    while (accepted.length) {
        bool is_refused;
        struct str name = list_next(&accepted, &is_refused);

        if (str_equal_ascii_case(name, STR("gzip"))) {
            return !is_refused;
        }
        takes_any = takes_any || (str_equal(name, STR("*")) && !is_refused);
    }
    return takes_any;
}

/* If-None-Match compares weakly: W/ is of no importance. */
static bool has_etag(struct str list, struct str etag)
{
    while (list.length) {
        bool is_refused;
        struct str name = list_next(&list, &is_refused);

        if (str_starts_with(name, STR("W/"))) {
            name = str_slice(name, 2, name.length);
        }
        if (str_equal(name, etag) || str_equal(name, STR("*"))) {
            return true;
        }
    }
    return false;
}

/* The compressed form has a tag of its own: "abc" and "abc-gzip". */
static struct str etag_of(const struct http_file *file, bool is_gzip, char text[ETAG_BYTES_MAX])
{
    size_t length = strlen(file->etag);

    check(length >= 2 && length + sizeof(GZIP_ETAG_SUFFIX) <= ETAG_BYTES_MAX);
    (void)snprintf(text, ETAG_BYTES_MAX, "%.*s%s\"", (int)length - 1, file->etag,
                   is_gzip ? GZIP_ETAG_SUFFIX : "");
    return str_from(text);
}

int http_reply_file(struct http_server *server, const struct http_request *request,
                    const struct http_file *file, const struct http_header *headers,
                    size_t header_count)
{
    bool is_gzip = file->gzip && takes_gzip(http_header(request, "Accept-Encoding"));
    struct http_header all[HTTP_REPLY_HEADERS_MAX];
    char etag[ETAG_BYTES_MAX];
    size_t count = 0;

    check_cmp(header_count, <=, HTTP_REPLY_HEADERS_MAX - OWN_HEADERS_MAX);
    struct str tag = etag_of(file, is_gzip, etag);
    all[count++] = (struct http_header){STR("ETag"), tag};
    all[count++] = (struct http_header){
        STR("Cache-Control"),
        file->is_immutable ? STR("public, max-age=31536000, immutable") : STR("no-cache")};
    if (file->gzip) {
        all[count++] = (struct http_header){STR("Vary"), STR("Accept-Encoding")};
    }
    bool is_known = has_etag(http_header(request, "If-None-Match"), tag);
    if (is_gzip && !is_known) {
        all[count++] = (struct http_header){STR("Content-Encoding"), STR("gzip")};
    }
    for (size_t i = 0; i < header_count; i++) {
        all[count++] = headers[i];
    }
    struct http_reply reply = {.status = 304, .headers = all, .header_count = count};
    if (!is_known) {
        reply.status = 200;
        reply.content_type = str_from(file->content_type);
        reply.body = is_gzip ? (struct str){(const char *)file->gzip, file->gzip_bytes}
                             : (struct str){(const char *)file->body, file->body_bytes};
    }
    return http_reply(server, request->id, &reply);
}
