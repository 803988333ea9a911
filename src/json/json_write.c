/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json_write.h"

#include <utf8proc.h>

#include "base/check.h"

struct json_writer json_writer_on(struct buf *out)
{
    return (struct json_writer){.out = out};
}

struct json_writer json_writer_indented(struct buf *out, unsigned indent)
{
    return (struct json_writer){.out = out, .indent = indent};
}

static void new_line(struct json_writer *w)
{
    if (w->indent) {
        buf_append_char(w->out, '\n');
        for (unsigned i = 0; i < w->depth * w->indent; i++) {
            buf_append_char(w->out, ' ');
        }
    }
}

/* The comma between members and, in an object, the proof that a key came first. */
static void before_value(struct json_writer *w)
{
    if (w->depth == 0) {
        return;
    }
    unsigned level = w->depth - 1;
    if (w->is_object[level]) {
        check(w->has_key);
        w->has_key = false;
        return;
    }
    if (w->has_members[level]) {
        buf_append_char(w->out, ',');
    }
    w->has_members[level] = true;
    new_line(w);
}

static void begin(struct json_writer *w, char bracket, bool is_object)
{
    before_value(w);
    check_cmp(w->depth, <, JSON_WRITE_DEPTH_MAX);
    buf_append_char(w->out, bracket);
    w->is_object[w->depth] = is_object;
    w->has_members[w->depth] = false;
    w->depth++;
}

static void end(struct json_writer *w, char bracket, bool is_object)
{
    check_cmp(w->depth, >, 0);
    w->depth--;
    check(w->is_object[w->depth] == is_object && !w->has_key);
    if (w->has_members[w->depth]) {
        new_line(w);
    }
    buf_append_char(w->out, bracket);
}

void json_begin_object(struct json_writer *w)
{
    begin(w, '{', true);
}

void json_end_object(struct json_writer *w)
{
    end(w, '}', true);
}

void json_begin_array(struct json_writer *w)
{
    begin(w, '[', false);
}

void json_end_array(struct json_writer *w)
{
    end(w, ']', false);
}

static void append_escaped(struct buf *out, unsigned char c)
{
    static const char short_form[] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                      ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};

    if (c < sizeof(short_form) && short_form[c]) {
        buf_append_char(out, '\\');
        buf_append_char(out, short_form[c]);
    } else {
        buf_printf(out, "\\u%04x", c);
    }
}

#define EIGHT UINT64_C(0x0101010101010101) /* times a byte: that byte eight times */

/* Bit 7 of the first byte that is c, and of bytes before it never. */
static uint64_t is_byte(uint64_t word, unsigned char c)
{
    uint64_t differs = word ^ EIGHT * c;

    return (differs - EIGHT) & ~differs;
}

/* How far text is ASCII that needs no escape, eight bytes at a time; the last few are not looked
 * at. */
static size_t plain_span(struct str text, size_t at)
{
    for (; text.length - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word;

        memcpy(&word, text.data + at, sizeof(word));
        uint64_t is_control = (word - EIGHT * 0x20) | is_byte(word, 0x7f);
        if ((word | is_control | is_byte(word, '"') | is_byte(word, '\\')) & EIGHT * 0x80) {
            break;
        }
    }
    return at;
}

/* ASCII that stands for itself. */
static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void append_string(struct buf *out, struct str text)
{
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text.data;
    size_t plain = 0; /* start of what needs no change and is not written yet */

    buf_append_char(out, '"');
    for (size_t i = plain_span(text, 0); i < text.length;) {
        utf8proc_int32_t point;

        if (is_plain(bytes[i])) {
            i++;
            continue;
        }
        utf8proc_ssize_t used =
            bytes[i] < 0x80
                ? 1
                : utf8proc_iterate(bytes + i, (utf8proc_ssize_t)(text.length - i), &point);

        if (used > 0 && bytes[i] >= 0x20 && bytes[i] != '"' && bytes[i] != '\\' &&
            bytes[i] != 0x7f) {
            i += (size_t)used;
            continue;
        }
        buf_append(out, str_slice(text, plain, i));
        if (used > 0) {
            append_escaped(out, bytes[i]);
        } else {
            buf_append(out, STR("\xef\xbf\xbd"));
        }
        plain = ++i;
    }
    buf_append(out, str_slice(text, plain, text.length));
    buf_append_char(out, '"');
}

void json_key_str(struct json_writer *w, struct str key)
{
    check_cmp(w->depth, >, 0);
    unsigned level = w->depth - 1;

    check(w->is_object[level] && !w->has_key);
    if (w->has_members[level]) {
        buf_append_char(w->out, ',');
    }
    w->has_members[level] = true;
    new_line(w);
    append_string(w->out, key);
    buf_append_char(w->out, ':');
    if (w->indent) {
        buf_append_char(w->out, ' ');
    }
    w->has_key = true;
}

void json_key(struct json_writer *w, const char *key)
{
    json_key_str(w, str_from(key));
}

void json_put_null(struct json_writer *w)
{
    before_value(w);
    buf_append(w->out, STR("null"));
}

void json_put_bool(struct json_writer *w, bool value)
{
    before_value(w);
    buf_append(w->out, value ? STR("true") : STR("false"));
}

void json_put_i64(struct json_writer *w, int64_t value)
{
    before_value(w);
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0) {
        digits[--at] = '-';
    }
    buf_append(w->out, (struct str){digits + at, sizeof(digits) - at});
}

void json_put_str(struct json_writer *w, struct str value)
{
    before_value(w);
    append_string(w->out, value);
}

void json_put_text(struct json_writer *w, const char *value)
{
    if (value) {
        json_put_str(w, str_from(value));
    } else {
        json_put_null(w);
    }
}

void json_put_decimal(struct json_writer *w, struct decimal value)
{
    before_value(w);
    decimal_print(value, w->out);
}

void json_put_decimal_string(struct json_writer *w, struct decimal value)
{
    before_value(w);
    buf_append_char(w->out, '"');
    decimal_print(value, w->out);
    buf_append_char(w->out, '"');
}

void json_put_raw(struct json_writer *w, struct str json)
{
    before_value(w);
    buf_append(w->out, json);
}
