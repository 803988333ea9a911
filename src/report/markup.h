/*
 * markup: foreign text inside SVG and HTML. All of it passes through here; nothing else in the room
 * writes data between tags or into an attribute.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_REPORT_MARKUP_H
#define NETRA_REPORT_MARKUP_H

#include "base/buf.h"
#include "base/str.h"

/* The visible part of text with & < > " ' as entities: right in text and in a quoted attribute. */
void markup_append(struct buf *out, struct str text);

/* text as part of an element id: letters, digits, '-' and '_' stay, every other byte becomes
 * ".XX", so different texts stay different. */
void markup_append_id(struct buf *out, struct str text);

#endif
