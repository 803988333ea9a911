/*
 * visible: what may be shown of a text that somebody else wrote. Names from records, file paths and
 * prompts can hold anything; a terminal obeys escape sequences, a browser obeys direction
 * overrides, a table breaks at a new line. Every renderer walks foreign text with visible_next and
 * nothing else, then adds the escapes of its own format.
 *
 * Escape sequences and invisible controls (directions, tags, byte order marks) are left out; new
 * lines, tabs and other controls become one space; bytes that are no UTF-8 become U+FFFD. Joiners
 * stay, scripts need them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_REPORT_VISIBLE_H
#define NETRA_REPORT_VISIBLE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* The next character that may be shown: its bytes (valid as long as text) and its width in terminal
 * columns, 0 to 2. Starts at *at = 0 and moves it; false at the end. */
bool visible_next(struct str text, size_t *at, struct str *ret_bytes, unsigned *ret_width);

/* Columns that the visible part of text takes. */
unsigned visible_width(struct str text);

/* Appends the visible part of text. */
void visible_append(struct buf *out, struct str text);

/* The same in at most width columns, ending with "…" when something was cut. Returns the columns
 * used. */
unsigned visible_append_cut(struct buf *out, struct str text, unsigned width);

#endif
