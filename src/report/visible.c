/*
 * One walk over code points decides what is shown. The rules are lists of ranges, so that a reader
 * can check them against the Unicode tables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "report/visible.h"

#include <utf8proc.h>

#include "base/attributes.h"

#define ESCAPE 0x1b
#define CSI_C1 0x9b

struct point_range {
    utf8proc_int32_t first;
    utf8proc_int32_t last;
};

/* Shown as nothing: they only change how other text looks, or hide text. */
static const struct point_range hidden[] = {
    {0x00ad, 0x00ad},   /* soft hyphen */
    {0x034f, 0x034f},   /* combining grapheme joiner */
    {0x061c, 0x061c},   /* Arabic letter mark */
    {0x115f, 0x1160},   /* Hangul fillers */
    {0x180e, 0x180e},   /* Mongolian vowel separator */
    {0x200b, 0x200b},   /* zero width space */
    {0x200e, 0x200f},   /* direction marks */
    {0x202a, 0x202e},   /* direction embeddings and overrides */
    {0x2060, 0x206f},   /* word joiner, invisible operators, direction isolates */
    {0x3164, 0x3164},   /* Hangul filler */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xfff9, 0xfffb},   /* interlinear annotations */
    {0xe0000, 0xe0fff}, /* tags, variation selectors supplement */
};

static bool is_hidden(utf8proc_int32_t point)
{
    for (size_t i = 0; i < ARRAY_LENGTH(hidden); i++) {
        if (point >= hidden[i].first && point <= hidden[i].last) {
            return true;
        }
    }
    return false;
}

/* C0, DEL, C1 and the two separators that browsers and terminals take for line ends. */
static bool is_control(utf8proc_int32_t point)
{
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x2028 || point == 0x2029;
}

/* The end of a control sequence whose parameters begin at from: parameter bytes, intermediate
 * bytes, one final byte (ECMA-48 5.4). An unfinished one ends where it stops being one. */
static size_t end_of_control_sequence(struct str text, size_t from)
{
    while (from < text.length && text.data[from] >= 0x20 && text.data[from] <= 0x3f) {
        from++;
    }
    if (from < text.length && text.data[from] >= 0x40 && text.data[from] <= 0x7e) {
        from++;
    }
    return from;
}

/* The end of a string sequence (window titles, links) that ends with BEL or ESC \; one that never
 * ends is only its opening, so that it cannot swallow the text behind it. */
static size_t end_of_string_sequence(struct str text, size_t from)
{
    for (size_t i = from; i < text.length; i++) {
        if (text.data[i] == '\a') {
            return i + 1;
        }
        if (text.data[i] == ESCAPE && i + 1 < text.length && text.data[i + 1] == '\\') {
            return i + 2;
        }
    }
    return from;
}

/* The index behind the escape sequence that starts at the ESC at at. */
static size_t end_of_escape(struct str text, size_t at)
{
    size_t next = at + 1;

    if (next == text.length) {
        return next;
    }
    char kind = text.data[next];
    if (kind == '[') {
        return end_of_control_sequence(text, next + 1);
    }
    if (kind == ']' || kind == 'P' || kind == 'X' || kind == '^' || kind == '_') {
        return end_of_string_sequence(text, next + 1);
    }
    while (next < text.length && text.data[next] >= 0x20 && text.data[next] <= 0x2f) {
        next++;
    }
    if (next < text.length && text.data[next] >= 0x30 && text.data[next] <= 0x7e) {
        next++;
    }
    return next;
}

bool visible_next(struct str text, size_t *at, struct str *ret_bytes, unsigned *ret_width)
{
    while (*at < text.length) {
        utf8proc_int32_t point;
        size_t begin = *at;
        utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)text.data + begin,
                                                 (utf8proc_ssize_t)(text.length - begin), &point);

        if (used <= 0) {
            *at = begin + 1;
            *ret_bytes = STR("\xef\xbf\xbd");
            *ret_width = 1;
            return true;
        }
        *at = begin + (size_t)used;
        if (point == ESCAPE) {
            *at = end_of_escape(text, begin);
        } else if (point == CSI_C1) {
            *at = end_of_control_sequence(text, *at);
        } else if (is_control(point)) {
            *ret_bytes = STR(" ");
            *ret_width = 1;
            return true;
        } else if (!is_hidden(point)) {
            int width = utf8proc_charwidth(point);

            *ret_bytes = str_slice(text, begin, *at);
            *ret_width = width > 0 ? (unsigned)width : 0;
            return true;
        }
    }
    return false;
}

unsigned visible_width(struct str text)
{
    struct str bytes;
    unsigned width;
    unsigned total = 0;

    for (size_t at = 0; visible_next(text, &at, &bytes, &width);) {
        total += width;
    }
    return total;
}

void visible_append(struct buf *out, struct str text)
{
    struct str bytes;
    unsigned width;

    for (size_t at = 0; visible_next(text, &at, &bytes, &width);) {
        buf_append(out, bytes);
    }
}

unsigned visible_append_cut(struct buf *out, struct str text, unsigned width_max)
{
    struct str bytes;
    unsigned width;
    unsigned used = 0;
    unsigned total = visible_width(text);

    if (total <= width_max) {
        visible_append(out, text);
        return total;
    }
    for (size_t at = 0; visible_next(text, &at, &bytes, &width);) {
        if (used + width + 1 > width_max) {
            break;
        }
        buf_append(out, bytes);
        used += width;
    }
    if (used < width_max) {
        buf_append(out, STR("…"));
        used++;
    }
    return used;
}
