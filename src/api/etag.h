/*
 * etag: tags of JSON answers (RFC 9110, 8.8.3): hashes of their bytes, and weak, since the same
 * answer may be sent compressed. http_matches_etag compares them. Pure. Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_ETAG_H
#define NETRA_API_ETAG_H

#include "base/str.h"

#define ETAG_TEXT_BYTES 37u /* W/"32 hex digits" and the NUL */

void etag_of(struct str body, char ret_etag[ETAG_TEXT_BYTES]);

#endif
