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
    bool is_gzip = file->gzip && http_takes_gzip(request);
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
    bool is_known = http_matches_etag(request, tag);
    if (is_gzip && !is_known) {
        all[count++] = (struct http_header){STR("Content-Encoding"), STR("gzip")};
    }
    for (size_t i = 0; i < header_count; i++) {
        all[count++] = headers[i];
    }
    struct http_reply reply = {
        .status = 304, .headers = all, .header_count = count, .keeps_plain = true};
    if (!is_known) {
        reply.status = 200;
        reply.content_type = str_from(file->content_type);
        reply.body = is_gzip ? (struct str){(const char *)file->gzip, file->gzip_bytes}
                             : (struct str){(const char *)file->body, file->body_bytes};
    }
    return http_reply(server, request->id, &reply);
}
