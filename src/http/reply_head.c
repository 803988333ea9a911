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

/* Date (RFC 9110's IMF-fixdate) and what every answer carries. */
static void append_common(struct buf *out, int64_t now)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil_time t = civil_from_us(now);

    buf_printf(out,
               "\r\nDate: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n"
               "X-Content-Type-Options: nosniff\r\n",
               days + 3 * civil_weekday(now), t.day, months + 3 * (t.month - 1), t.year, t.hour,
               t.minute, t.second);
}

void reply_head_begin(struct http_server *server, int status)
{
    struct buf *out = &server->reply_head;

    server->now_us = clock_now_us();
    if (server->now_us / SECOND_US != server->common_second || buf_status(&server->common)) {
        server->common_second = server->now_us / SECOND_US;
        buf_clear(&server->common);
        append_common(&server->common, server->now_us);
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
    buf_append(out, buf_str(&server->common));
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

    for (char *at = begin; at < end; at++) {
        unsigned char c = (unsigned char)*at;

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            *at = ' ';
        }
    }
    (void)put(end, STR("\r\n"));
    out->length += length;
    out->data[out->length] = '\0';
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
