/* SPDX-License-Identifier: Apache-2.0 */
#include "report/markup.h"

#include "report/visible.h"

static struct str entity_of(char c)
{
    switch (c) {
    case '&':
        return STR("&amp;");
    case '<':
        return STR("&lt;");
    case '>':
        return STR("&gt;");
    case '"':
        return STR("&quot;");
    case '\'':
        return STR("&#39;");
    default:
        return STR("");
    }
}

void markup_append(struct buf *out, struct str text)
{
    struct str bytes;
    unsigned width;

    for (size_t at = 0; visible_next(text, &at, &bytes, &width);) {
        struct str entity = entity_of(bytes.data[0]);

        buf_append(out, entity.length ? entity : bytes);
    }
}

void markup_append_id(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '_') {
            buf_append_char(out, (char)c);
        } else {
            buf_printf(out, ".%02X", c);
        }
    }
}
