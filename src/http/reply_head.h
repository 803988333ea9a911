/*
 * reply_head: the head of an answer, written into the buffer that the server's connections share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_REPLY_HEAD_H
#define NETRA_HTTP_REPLY_HEAD_H

#include "http/conn.h"

#define REPLY_HEAD_BYTES_MAX 65536u

/* Makes the bytes of what every answer carries. ERR_LIMIT: more than ALWAYS_BYTES_MAX of it or
 * HTTP_ALWAYS_MAX headers; ERR_NO_MEMORY. */
must_check int reply_head_set_always(struct always *always, const struct http_header *headers,
                                     size_t count, struct error *error);

/* Status line, Date and what every answer carries but for what is among the headers, those that
 * the reply has itself. */
void reply_head_begin(struct http_server *server, int status, const struct http_header *headers,
                      size_t count);

/* Control characters in a value, which would end the line, become spaces. */
void reply_head_field(struct http_server *server, struct str name, struct str value);
void reply_head_number(struct http_server *server, struct str name, uint64_t value);

/* The blank line. The bytes are valid until the next reply_head_begin; length 0: no memory. */
struct str reply_head_end(struct http_server *server);

#endif
