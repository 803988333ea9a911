/*
 * negotiate: what a client says that it takes, and what it has already. Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_NEGOTIATE_H
#define NETRA_HTTP_NEGOTIATE_H

#include "http/server.h"

/* Accept-Encoding (RFC 9110, 12.5.3), over all headers of that name: gzip, or x-gzip, or "*" when
 * gzip is not named, with a weight above 0. An element whose weight is malformed counts as refused:
 * plain is always right. */
bool negotiate_gzip(const struct http_header *headers, size_t count);

/* Whether the answer's body is of a kind that gets shorter. */
bool negotiate_is_compressible(struct str content_type);

#endif
