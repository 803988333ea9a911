/*
 * head_scan: a request's head, read strictly. A pure function of bytes: nothing is allocated, and
 * what it gives points into what it was given.
 *
 * Stricter than RFC 9112 demands where lenience has been used to smuggle requests: lines end with
 * CR LF and with nothing else, no folding, Content-Length and Transfer-Encoding exclude each other
 * and may be there once, the only coding is "chunked". One CR LF before the request line is
 * ignored (RFC 9112, 2.2); more are refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_HEAD_SCAN_H
#define NETRA_HTTP_HEAD_SCAN_H

#include <stdint.h>

#include "http/refusal.h"
#include "http/server.h"

struct head {
    enum http_method method;
    bool is_http_1_0;
    struct str target; /* as sent: one to HTTP_TARGET_BYTES_MAX printable ASCII bytes */
    struct str host;   /* {NULL, 0} only in HTTP/1.0 */

    bool has_length;
    bool is_chunked;
    uint64_t length; /* of the body, when has_length */

    bool wants_close;      /* Connection: close */
    bool wants_upgrade;    /* Connection: upgrade */
    bool expects_continue; /* Expect: 100-continue */

    uint64_t names; /* http_name_bit() of each header's name */
    size_t header_count;
    struct http_header headers[HTTP_HEADERS_MAX];
};

/* Looks for the end of a head that grows. *seen: 0 for a new head, else as this function left it.
 * Returns the length of the head with its blank line, 0 while it is incomplete, or a negative
 * refusal as soon as more bytes cannot mend it. */
int head_find_end(struct str bytes, size_t *seen);

/* bytes: a whole head, as head_find_end measured it. 0 or a negative refusal; *ret_head is then
 * undefined. */
int head_scan(struct str bytes, struct head *ret_head);

/* Whether a comma-separated list (a header's value) has the token, without regard to case. */
bool head_list_has(struct str list, struct str token);

#endif
