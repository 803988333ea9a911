/*
 * content_digest: the running digest of bytes as they are read or uploaded. It names an input in
 * reports, so a file and its upload have the same one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TOOL_CONTENT_DIGEST_H
#define NETRA_TOOL_CONTENT_DIGEST_H

#include "base/attributes.h"
#include "base/str.h"

#define CONTENT_DIGEST_BYTES 48u /* "xxh3-128:", 32 hex digits and a NUL fit */

struct content_digest {
    void *state; /* private; NULL before _init and after _done */
};

/* ERR_NO_MEMORY. */
must_check int content_digest_init(struct content_digest *digest);
void content_digest_done(struct content_digest *digest);

void content_digest_add(struct content_digest *digest, struct str bytes);

/* "xxh3-128:…" of the bytes so far. */
void content_digest_print(const struct content_digest *digest, char text[CONTENT_DIGEST_BYTES]);

#endif
