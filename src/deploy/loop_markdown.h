/*
 * loop_markdown: text from elsewhere in a Markdown document: it stays text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_LOOP_MARKDOWN_H
#define NETRA_DEPLOY_LOOP_MARKDOWN_H

#include "base/buf.h"

/* In a paragraph or a cell of a table: on one line, without meaning. */
void loop_markdown_text(struct buf *out, struct str text);

/* The same between backticks: a command, a file's name. */
void loop_markdown_code(struct buf *out, struct str text);

#endif
