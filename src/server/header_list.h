/*
 * header_list: headers as OTEL_EXPORTER_OTLP_HEADERS has them: "name=value,name=value", values
 * percent-encoded. They are secrets as a rule: no message repeats any of it. Private to server/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_HEADER_LIST_H
#define NETRA_SERVER_HEADER_LIST_H

#include "base/error.h"
#include "http/client.h"

#define HEADER_LIST_MAX       (HTTP_CLIENT_HEADERS_MAX - 2) /* Content-Type and one to spare */
#define HEADER_LIST_BYTES_MAX 8192u

struct header_list {
    struct http_header headers[HEADER_LIST_MAX]; /* in text */
    size_t count;
    char text[HEADER_LIST_BYTES_MAX]; /* private: the decoded names and values */
};

/* ERR_USAGE: no "=", a name or a value that no header can have, too many or too long. NULL text:
 * none. */
must_check int header_list_read(const char *text, struct header_list *ret_list,
                                struct error *error);

/* Overwrites it. */
void header_list_wipe(struct header_list *list);

#endif
