/*
 * static: files that are built into the program, with their compressed form and their ETag made at
 * build time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_STATIC_H
#define NETRA_HTTP_STATIC_H

#include "http/server.h"

struct http_file {
    const char *path;         /* "/", "/assets/index-1a2b.js" */
    const char *content_type; /* with charset */
    const char *etag;         /* quoted */
    const unsigned char *body;
    size_t body_bytes;
    const unsigned char *gzip; /* NULL where it is not smaller */
    size_t gzip_bytes;
    bool is_immutable; /* its name carries its hash: may be cached for a year */
};

/* A table of files; its order is of no importance. */
struct http_files {
    const struct http_file *files;
    size_t count;
};

/* NULL: there is none. */
const struct http_file *http_file_find(const struct http_files *files, struct str path);

/* 200 or 304 (If-None-Match), gzip when the client takes it; more headers as given
 * (Content-Security- Policy …), at most HTTP_REPLY_HEADERS_MAX - 4. Methods but GET and HEAD are
 * the caller's matter. */
int http_reply_file(struct http_server *server, const struct http_request *request,
                    const struct http_file *file, const struct http_header *headers,
                    size_t header_count);

#endif
