/*
 * refusal: why the server answers a request itself, with the status and the sentence that it then
 * says as application/problem+json (docs/protocol.md). One table, refusal.def.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_REFUSAL_H
#define NETRA_HTTP_REFUSAL_H

#include "base/buf.h"

/* Functions that scan return 0 or more for success and the negative of one of these. */
enum refusal {
    REFUSAL_NONE,
#define REFUSAL(name, status, detail) REFUSAL_##name,
#include "http/refusal.def"
#undef REFUSAL
    REFUSAL_COUNT
};

int refusal_status(enum refusal refusal);
const char *refusal_detail(enum refusal refusal);

/* The problem document. */
void refusal_write(enum refusal refusal, struct buf *out);

/* "Not Found"; "Status" for a number that is not in the table. */
const char *status_phrase(int status);

#endif
