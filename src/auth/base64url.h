/*
 * base64url: RFC 4648 section 5 without padding, as tokens have it. Decoding is strict: one text
 * for the same bytes, so that a token cannot be written in two ways.
 *
 * Private to auth/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_BASE64URL_H
#define NETRA_AUTH_BASE64URL_H

#include <stdbool.h>

#include "base/str.h"

/* Characters that bytes become, without a NUL; and bytes that characters become at most. */
#define BASE64URL_LENGTH(bytes)     (((bytes)*4 + 2) / 3)
#define BASE64URL_BYTES(characters) ((characters)*3 / 4)

/* text: BASE64URL_LENGTH(count) characters and a NUL. */
void base64url_encode(const unsigned char *bytes, size_t count, char *text);

/* bytes: BASE64URL_BYTES(text.length). False: other characters, padding, a length that cannot be,
 * or bits behind the end that are not 0. */
bool base64url_decode(struct str text, unsigned char *bytes, size_t *ret_count);

#endif
