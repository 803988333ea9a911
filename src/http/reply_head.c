/* SPDX-License-Identifier: Apache-2.0 */
#include "http/reply_head.h"

#include "base/civil_time.h"
#include "loop/clock.h"

static void append_number(struct buf *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_append(out, (struct str){digits + at, sizeof(digits) - at});
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
        buf_append(out, STR("HTTP/1.1 "));
        append_number(out, (uint64_t)status);
        buf_append_char(out, ' ');
        buf_append(out, str_from(status_phrase(status)));
    }
    buf_append(out, buf_str(&server->common));
}

void reply_head_field(struct http_server *server, struct str name, struct str value)
{
    struct buf *out = &server->reply_head;

    buf_append(out, name);
    buf_append(out, STR(": "));
    size_t begin = out->length;
    buf_append(out, value);
    for (size_t i = begin; i < out->length; i++) {
        unsigned char c = (unsigned char)out->data[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            out->data[i] = ' ';
        }
    }
    buf_append(out, STR("\r\n"));
}

void reply_head_number(struct http_server *server, struct str name, uint64_t value)
{
    buf_append(&server->reply_head, name);
    buf_append(&server->reply_head, STR(": "));
    append_number(&server->reply_head, value);
    buf_append(&server->reply_head, STR("\r\n"));
}

struct str reply_head_end(struct http_server *server)
{
    buf_append(&server->reply_head, STR("\r\n"));
    bool has_failed = buf_status(&server->reply_head) || buf_status(&server->common);

    return has_failed ? (struct str){"", 0} : buf_str(&server->reply_head);
}
