/*
 * etag: conditional requests (RFC 9110, 8.8.3 and 13.1.2). Tags of JSON answers are hashes of their
 * bytes, and weak: the same answer may be sent compressed. Pure. Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_ETAG_H
#define NETRA_API_ETAG_H

#include <stdbool.h>

#include "base/str.h"

#define ETAG_TEXT_BYTES 37u /* W/"32 hex digits" and the NUL */

void etag_of(struct str body, char ret_etag[ETAG_TEXT_BYTES]);

/* If-None-Match names the tag, or is "*". Compared weakly. What is malformed in the list ends it:
 * then the whole answer is sent, which is never wrong. */
bool etag_is_among(struct str if_none_match, struct str etag);

#endif
