/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/loop_markdown.h"

static char printable(char c)
{
    return (unsigned char)c < ' ' || c == '\x7f' ? ' ' : c;
}

void loop_markdown_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = printable(text.data[i]);

        if (c == '<') {
            buf_append(out, STR("&lt;"));
        } else if (c == '&') {
            buf_append(out, STR("&amp;"));
        } else {
            if (strchr("\\`*_[]|#~>", c)) {
                buf_append_char(out, '\\');
            }
            buf_append_char(out, c);
        }
    }
}

/* A backtick ends a piece of code and a bar a cell of a table, and neither can be escaped in it. */
void loop_markdown_code(struct buf *out, struct str text)
{
    buf_append_char(out, '`');
    for (size_t i = 0; i < text.length; i++) {
        char c = printable(text.data[i]);

        buf_append_char(out, c == '`' ? '\'' : c == '|' ? '/' : c);
    }
    buf_append_char(out, '`');
}
