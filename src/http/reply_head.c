/* SPDX-License-Identifier: Apache-2.0 */
#include "http/reply_head.h"

#include <stdio.h>

#include "base/civil_time.h"
#include "loop/clock.h"

/* RFC 9110's IMF-fixdate, made once a second. */
static struct str date_now(struct http_server *server)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t now = clock_now_us();

    if (now / SECOND_US != server->date_second) {
        struct civil_time t = civil_from_us(now);

        server->date_second = now / SECOND_US;
        (void)snprintf(server->date, sizeof(server->date),
                       "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * civil_weekday(now),
                       t.day % 100, months + 3 * (t.month - 1), t.year % 10000, t.hour % 100,
                       t.minute % 100, t.second % 100);
    }
    return str_from(server->date);
}

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

void reply_head_begin(struct http_server *server, int status)
{
    struct buf *out = &server->reply_head;

    buf_clear(out);
    buf_append(out, STR("HTTP/1.1 "));
    append_number(out, (uint64_t)status);
    buf_append_char(out, ' ');
    buf_append(out, str_from(status_phrase(status)));
    buf_append(out, STR("\r\nDate: "));
    buf_append(out, date_now(server));
    buf_append(out, STR("\r\nX-Content-Type-Options: nosniff\r\n"));
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
    return buf_status(&server->reply_head) ? (struct str){"", 0} : buf_str(&server->reply_head);
}
