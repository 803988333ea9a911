/*
 * target: a request's target taken apart: path, decoded and without tricks, and query. Pure.
 *
 * Origin-form ("/a?b") and absolute-form ("http://host/a?b", RFC 9112 3.2.2) are read; the latter's
 * host must be the one of the header Host.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_TARGET_H
#define NETRA_HTTP_TARGET_H

#include "base/buf.h"

struct target {
    struct str path;  /* in the memory given */
    struct str query; /* in the target given */
};

/* path: memory for at least target.length bytes. 0 or a negative refusal. A path that decodes to a
 * NUL or to what is not UTF-8, or that has "." or ".." segments, also encoded ones, is refused. */
int target_parse(struct str target, struct str host, char *path, struct target *ret_target);

/* The decoded value of the nth parameter of that name, appended to out; false when there is none.
 * One whose encoding is broken is there: out fails with ERR_INVALID and holds nothing of it. */
bool query_find(struct str query, const char *name, size_t nth, struct buf *out);

#endif
