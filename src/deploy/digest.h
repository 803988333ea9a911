/*
 * digest: SHA-256 as 64 lower-case hexadecimal digits: of the journal's lines, and of the files
 * that a step left.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_DIGEST_H
#define NETRA_DEPLOY_DIGEST_H

#include "base/error.h"
#include "base/str.h"

#define DIGEST_TEXT_BYTES 65u /* 64 digits and a NUL */

/* Of the texts, one behind the other. ERR_NO_MEMORY. */
must_check int digest_texts(const struct str *texts, size_t count,
                            char ret_digest[DIGEST_TEXT_BYTES]);

/* Of a file's bytes, whatever its size. ERR_IO, ERR_NOT_FOUND, ERR_NO_MEMORY. */
must_check int digest_file(const char *path, char ret_digest[DIGEST_TEXT_BYTES],
                           struct error *error);

/* Whether text is 64 lower-case hexadecimal digits. */
bool digest_is_text(struct str text);

#endif
