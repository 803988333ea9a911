/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/loop_markdown.h"

#include "report/visible.h"

void loop_markdown_text(struct buf *out, struct str text)
{
    struct str piece;
    unsigned width;
    size_t at = 0;

    while (visible_next(text, &at, &piece, &width)) {
        char c = piece.data[0];

        if (c == '<') {
            buf_append(out, STR("&lt;"));
        } else if (c == '&') {
            buf_append(out, STR("&amp;"));
        } else {
            if (piece.length == 1 && strchr("\\`*_[]|#~>", c)) {
                buf_append_char(out, '\\');
            }
            buf_append(out, piece);
        }
    }
}

/* A backtick ends a piece of code and a bar a cell of a table, and neither can be escaped in it. */
void loop_markdown_code(struct buf *out, struct str text)
{
    struct str piece;
    unsigned width;
    size_t at = 0;

    buf_append_char(out, '`');
    while (visible_next(text, &at, &piece, &width)) {
        char c = piece.data[0];

        buf_append(out, c == '`' ? STR("'") : c == '|' ? STR("/") : piece);
    }
    buf_append_char(out, '`');
}
