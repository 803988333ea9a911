/* SPDX-License-Identifier: Apache-2.0 */
#include "http/reply_head.h"

#include "base/civil_time.h"
#include "loop/clock.h"

#define NUMBER_DIGITS 20 /* of 64 bits */

static struct str digits_of(uint64_t value, char digits[static NUMBER_DIGITS])
{
    size_t at = NUMBER_DIGITS;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return (struct str){digits + at, NUMBER_DIGITS - at};
}

static char *put(char *at, struct str text)
{
    memcpy(at, text.data, text.length);
    return at + text.length;
}

/* "name: value\r\n" in one piece: fields are most of what an answer costs here. */
static void append_field(struct buf *out, struct str name, struct str value)
{
    size_t length = name.length + value.length + 4;

    if (buf_reserve(out, length)) {
        return;
    }
    char *begin = put(put(out->data + out->length, name), STR(": "));
    char *end = put(begin, value);

    for (char *at = begin + str_span_printable(value); at < end; at++) {
        unsigned char c = (unsigned char)*at;

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            *at = ' ';
        }
    }
    (void)put(end, STR("\r\n"));
    out->length += length;
    out->data[out->length] = '\0';
}

/* ---- what every answer carries ---- */

int reply_head_set_always(struct always *always, const struct http_header *headers, size_t count,
                          struct error *error)
{
    if (count > HTTP_ALWAYS_MAX) {
        return error_set(error, ERR_LIMIT, "%zu headers for every answer, at most %u are taken",
                         count, HTTP_ALWAYS_MAX);
    }
    buf_init(&always->bytes, ALWAYS_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        always->rows[i].name = headers[i].name;
        always->rows[i].begin = always->bytes.length;
        append_field(&always->bytes, headers[i].name,
                     headers[i].value.length ? headers[i].value : STR(""));
        always->rows[i].end = always->bytes.length;
        always->lengths |= UINT64_C(1) << headers[i].name.length % 64;
    }
    always->count = count;
    int code = buf_status(&always->bytes);
    return code ? error_set(error, code, "the headers of every answer: %s", error_code_text(code))
                : OK;
}

/* Date (RFC 9110's IMF-fixdate) and the others, once a second. */
static void write_common(struct http_server *server, int64_t now)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil_time t = civil_from_us(now);
    struct buf *out = &server->common;

    buf_clear(out);
    buf_printf(out,
               "\r\nDate: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n"
               "X-Content-Type-Options: nosniff\r\n",
               days + 3 * civil_weekday(now), t.day, months + 3 * (t.month - 1), t.year, t.hour,
               t.minute, t.second);
    server->common_own = out->length;
    buf_append(out, buf_str(&server->always.bytes));
    server->common_second = now / SECOND_US;
}

static bool has_header(const struct http_header *headers, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal_ascii_case(headers[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* Whether the reply may have one of those headers itself: mostly the lengths of the names tell that
 * it has not. */
static bool may_override(const struct always *always, const struct http_header *headers,
                         size_t count)
{
    uint64_t lengths = 0;

    for (size_t i = 0; i < count; i++) {
        lengths |= UINT64_C(1) << headers[i].name.length % 64;
    }
    return (lengths & always->lengths) != 0;
}

static void append_common(struct http_server *server, const struct http_header *headers,
                          size_t count)
{
    const struct always *always = &server->always;
    struct str common = buf_str(&server->common);

    if (!may_override(always, headers, count)) {
        buf_append(&server->reply_head, common);
        return;
    }
    buf_append(&server->reply_head, str_slice(common, 0, server->common_own));
    for (size_t i = 0; i < always->count; i++) {
        if (!has_header(headers, count, always->rows[i].name)) {
            buf_append(&server->reply_head, str_slice(buf_str(&always->bytes),
                                                      always->rows[i].begin, always->rows[i].end));
        }
    }
}

void reply_head_begin(struct http_server *server, int status, const struct http_header *headers,
                      size_t count)
{
    struct buf *out = &server->reply_head;

    int64_t now_us = clock_coarse_us();
    if (now_us / SECOND_US != server->common_second || buf_status(&server->common)) {
        write_common(server, now_us);
    }
    buf_clear(out);
    if (status == 200) {
        buf_append(out, STR("HTTP/1.1 200 OK"));
    } else {
        char digits[NUMBER_DIGITS];

        buf_append(out, STR("HTTP/1.1 "));
        buf_append(out, digits_of((uint64_t)status, digits));
        buf_append_char(out, ' ');
        buf_append(out, str_from(status_phrase(status)));
    }
    append_common(server, headers, count);
}

void reply_head_field(struct http_server *server, struct str name, struct str value)
{
    append_field(&server->reply_head, name, value.length ? value : STR(""));
}

void reply_head_number(struct http_server *server, struct str name, uint64_t value)
{
    char digits[NUMBER_DIGITS];

    append_field(&server->reply_head, name, digits_of(value, digits));
}

struct str reply_head_end(struct http_server *server)
{
    buf_append(&server->reply_head, STR("\r\n"));
    bool has_failed = buf_status(&server->reply_head) || buf_status(&server->common);

    return has_failed ? (struct str){"", 0} : buf_str(&server->reply_head);
}
