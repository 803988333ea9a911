/*
 * lines: a stream of pieces → whole lines. A line inside one piece is handed on in place; only one
 * that is cut by the end of a piece is copied. A line above the limit is not kept: it is reported
 * once as too long and skipped to its end, so memory stays bounded by the limit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_LINES_H
#define NETRA_USAGE_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct line {
    struct str text; /* without "\n" or "\r\n"; empty when is_too_long */
    uint64_t number; /* from 1 */
    bool is_too_long;
    bool is_last_open; /* the end of the input came before a line's end */
};

typedef int (*line_fn)(const struct line *line, void *arg);

struct lines {
    struct buf open; /* the beginning of a line that is not complete yet */
    uint64_t number; /* complete lines so far */
    bool is_skipping;
};

void lines_init(struct lines *lines, size_t line_bytes_max);
void lines_done(struct lines *lines);

/* ERR_NO_MEMORY, or what the callback returned when that was not 0. */
must_check int lines_feed(struct lines *lines, struct str text, line_fn fn, void *arg);

/* The rest without a line's end, if there is one. */
must_check int lines_finish(struct lines *lines, line_fn fn, void *arg);

#endif
