/* SPDX-License-Identifier: Apache-2.0 */
#include "usage/lines.h"

#include "base/error.h"

void lines_init(struct lines *lines, size_t line_bytes_max)
{
    *lines = (struct lines){0};
    buf_init(&lines->open, line_bytes_max);
}

void lines_done(struct lines *lines)
{
    buf_done(&lines->open);
}

static int emit(struct lines *lines, struct str text, bool is_last_open, line_fn fn, void *arg)
{
    struct line line = {.number = ++lines->number, .is_last_open = is_last_open};

    line.is_too_long = lines->is_skipping || text.length > lines->open.limit;
    if (!line.is_too_long) {
        if (text.length && text.data[text.length - 1] == '\r') {
            text.length--;
        }
        line.text = text;
    }
    lines->is_skipping = false;
    return fn(&line, arg);
}

/* Keeps the beginning of a line for the next piece. */
static int keep(struct lines *lines, struct str text)
{
    if (lines->is_skipping) {
        return OK;
    }
    buf_append(&lines->open, text);
    if (buf_status(&lines->open) == ERR_LIMIT) {
        buf_clear(&lines->open);
        lines->is_skipping = true;
    }
    return buf_status(&lines->open);
}

/* The end of the line that began in an earlier piece. */
static int complete(struct lines *lines, struct str text, line_fn fn, void *arg)
{
    int code = keep(lines, text);

    if (!code) {
        code = emit(lines, buf_str(&lines->open), /* is_last_open */ false, fn, arg);
    }
    buf_clear(&lines->open);
    return code;
}

int lines_feed(struct lines *lines, struct str text, line_fn fn, void *arg)
{
    int code = OK;

    while (text.length && !code) {
        const char *end = memchr(text.data, '\n', text.length);

        if (!end) {
            return keep(lines, text);
        }
        size_t length = (size_t)(end - text.data);
        struct str line = str_slice(text, 0, length);
        code = lines->open.length || lines->is_skipping
                   ? complete(lines, line, fn, arg)
                   : emit(lines, line, /* is_last_open */ false, fn, arg);
        text = str_slice(text, length + 1, text.length);
    }
    return code;
}

int lines_finish(struct lines *lines, line_fn fn, void *arg)
{
    int code = OK;

    if (lines->open.length || lines->is_skipping) {
        code = emit(lines, buf_str(&lines->open), /* is_last_open */ true, fn, arg);
        buf_clear(&lines->open);
    }
    return code;
}
