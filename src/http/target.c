/* SPDX-License-Identifier: Apache-2.0 */
#include "http/target.h"

#include "base/error.h"
#include "http/refusal.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* The byte that begins at text[*at]; moves *at behind it. -1: a broken escape, or a NUL. */
static int decode_byte(struct str text, size_t *at)
{
    char c = text.data[*at];

    if (c != '%') {
        (*at)++;
        return (unsigned char)c;
    }
    if (text.length - *at < 3) {
        return -1;
    }
    int high = hex_digit(text.data[*at + 1]);
    int low = hex_digit(text.data[*at + 2]);
    *at += 3;
    return high < 0 || low < 0 || high + low == 0 ? -1 : high << 4 | low;
}

/* Nothing to decode, no dot, ASCII: most paths, which need no second look. */
static bool is_plain(struct str raw)
{
    unsigned char all = 0;

    for (size_t i = 0; i < raw.length; i++) {
        all |= (unsigned char)raw.data[i];
    }
    return all < 0x80 && !memchr(raw.data, '%', raw.length) && !memchr(raw.data, '.', raw.length);
}

static bool has_dot_segments(struct str path)
{
    size_t begin = 1;

    while (begin <= path.length) {
        size_t slash = str_find(path, STR("/"), begin);
        size_t end = slash < path.length ? slash : path.length;
        struct str segment = str_slice(path, begin, end);

        if (str_equal(segment, STR(".")) || str_equal(segment, STR(".."))) {
            return true;
        }
        begin = end + 1;
    }
    return false;
}

/* "http://host/a?b" becomes "/a?b". */
static int strip_origin(struct str *target, struct str host)
{
    if (target->length < 7 || !str_equal_ascii_case(str_slice(*target, 0, 7), STR("http://"))) {
        return -REFUSAL_TARGET_FORM;
    }
    struct str rest = str_slice(*target, 7, target->length);
    size_t end = 0;
    while (end < rest.length && rest.data[end] != '/' && rest.data[end] != '?') {
        end++;
    }
    if (!str_equal_ascii_case(str_slice(rest, 0, end), host)) {
        return -REFUSAL_TARGET_AUTHORITY;
    }
    *target = str_slice(rest, end, rest.length);
    return 0;
}

static int decode_path(struct str raw, char *path, struct str *ret_path)
{
    size_t length = 0;

    for (size_t at = 0; at < raw.length;) {
        int byte = decode_byte(raw, &at);

        if (byte < 0) {
            return -REFUSAL_TARGET;
        }
        path[length++] = (char)byte;
    }
    struct str decoded = {path, length};
    if (!str_is_utf8(decoded)) {
        return -REFUSAL_TARGET;
    }
    if (has_dot_segments(decoded)) {
        return -REFUSAL_TARGET_DOTS;
    }
    *ret_path = decoded;
    return 0;
}

int target_parse(struct str target, struct str host, char *path, struct target *ret_target)
{
    bool is_absolute = target.length && target.data[0] != '/';
    int code = is_absolute ? strip_origin(&target, host) : 0;

    if (code) {
        return code;
    }
    size_t question = str_find(target, STR("?"), 0);
    size_t end = question < target.length ? question : target.length;
    struct str raw = str_slice(target, 0, end);
    if (raw.length == 0) {
        raw = STR("/");
    }
    struct str decoded = {path, raw.length};
    if (is_plain(raw)) {
        memcpy(path, raw.data, raw.length);
    } else {
        code = decode_path(raw, path, &decoded);
    }
    if (code) {
        return code;
    }
    ret_target->path = decoded;
    ret_target->query =
        end < target.length ? str_slice(target, end + 1, target.length) : (struct str){"", 0};
    return 0;
}

static int decode_query_byte(struct str text, size_t *at)
{
    if (text.data[*at] == '+') {
        (*at)++;
        return ' ';
    }
    return decode_byte(text, at);
}

static bool name_is(struct str encoded, struct str name)
{
    size_t matched = 0;

    for (size_t at = 0; at < encoded.length;) {
        int byte = decode_query_byte(encoded, &at);

        if (byte < 0 || matched == name.length || (unsigned char)name.data[matched] != byte) {
            return false;
        }
        matched++;
    }
    return matched == name.length;
}

/* Twice over the value: what cannot be decoded to its end must not be appended in part. The buffer
 * says what is wrong. */
static void decode_value(struct str encoded, struct buf *out)
{
    size_t at = 0;

    while (at < encoded.length) {
        if (decode_query_byte(encoded, &at) < 0) {
            out->status = ERR_INVALID;
            return;
        }
    }
    size_t before = out->length;
    for (at = 0; at < encoded.length;) {
        buf_append_char(out, (char)decode_query_byte(encoded, &at));
    }
    struct str value = {out->data ? out->data + before : "", out->length - before};
    if (!buf_status(out) && !str_is_utf8(value)) {
        out->length = before;
        out->status = ERR_INVALID;
    }
}

bool query_find(struct str query, const char *name, size_t nth, struct buf *out)
{
    while (query.length) {
        size_t and = str_find(query, STR("&"), 0);
        size_t end = and < query.length ? and : query.length;
        struct str pair = str_slice(query, 0, end);
        size_t sign = str_find(pair, STR("="), 0);
        size_t name_end = sign < pair.length ? sign : pair.length;

        if (name_is(str_slice(pair, 0, name_end), str_from(name)) && nth-- == 0) {
            size_t value = name_end < pair.length ? name_end + 1 : pair.length;

            decode_value(str_slice(pair, value, pair.length), out);
            return true;
        }
        query = end < query.length ? str_slice(query, end + 1, query.length) : (struct str){"", 0};
    }
    return false;
}
