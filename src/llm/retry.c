/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/retry.h"

#include <stdio.h>

#include "base/attributes.h"
#include "base/civil_time.h"
#include "base/error.h"

#define HTTP_DATE_BYTES 29u /* "Sun, 06 Nov 1994 08:49:37 GMT" */

uint64_t retry_jitter_ms(struct random *random, uint64_t first_ms, uint64_t max_ms, unsigned tries)
{
    uint64_t most = first_ms;

    for (unsigned i = 0; i < tries && most < max_ms; i++) {
        most = most > UINT64_MAX / 2 ? UINT64_MAX : most * 2;
    }
    if (most > max_ms) {
        most = max_ms;
    }
    if (most >= UINT32_MAX) {
        most = UINT32_MAX - 1;
    }
    return random_below(random, (uint32_t)most + 1);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static uint64_t add_digit(uint64_t value, char digit)
{
    uint64_t result;

    if (__builtin_mul_overflow(value, 10u, &result) ||
        __builtin_add_overflow(result, (uint64_t)(digit - '0'), &result)) {
        return UINT64_MAX;
    }
    return result;
}

/* digits [ "." digits ], in thousandths when scale is 1000; what is finer is cut. */
static bool read_number(struct str text, unsigned scale, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t at = 0;

    for (; at < text.length && is_digit(text.data[at]); at++) {
        value = add_digit(value, text.data[at]);
    }
    if (at == 0) {
        return false;
    }
    bool has_point = at < text.length && text.data[at] == '.';
    if (has_point) {
        at++;
    }
    for (; scale > 1; scale /= 10) {
        bool has_digit = has_point && at < text.length && is_digit(text.data[at]);

        value = add_digit(value, has_digit ? text.data[at] : '0');
        at += has_digit;
    }
    while (has_point && at < text.length && is_digit(text.data[at])) {
        at++;
    }
    if (at < text.length) {
        return false;
    }
    *ret_value = value;
    return true;
}

static int month_of(struct str name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12; i++) {
        if (memcmp(names + 3 * i, name.data, 3) == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* civil_parse judges the numbers once they stand as RFC 3339 has them. */
static bool read_date(struct str text, int64_t *ret_time_us)
{
    const char *form = "???, ?? ??? ???? ??:??:?? GMT";
    char stamp[32];

    if (text.length != HTTP_DATE_BYTES) {
        return false;
    }
    for (size_t i = 0; i < HTTP_DATE_BYTES; i++) {
        if (form[i] != '?' && form[i] != text.data[i]) {
            return false;
        }
    }
    int month = month_of(str_slice(text, 8, 11));
    if (!month) {
        return false;
    }
    (void)snprintf(stamp, sizeof(stamp), "%.4s-%02d-%.2sT%.8sZ", text.data + 12, month,
                   text.data + 5, text.data + 17);
    return civil_parse(str_from(stamp), ret_time_us) == OK;
}

bool retry_after_read(struct str value, int64_t now_us, uint64_t *ret_ms)
{
    struct str text = str_trim(value);
    int64_t time_us;

    if (read_number(text, /* scale */ 1000, ret_ms)) {
        return true;
    }
    if (!read_date(text, &time_us)) {
        return false;
    }
    int64_t wait_us = 0;
    if (time_us > now_us && __builtin_sub_overflow(time_us, now_us, &wait_us)) {
        wait_us = INT64_MAX;
    }
    *ret_ms = (uint64_t)wait_us / 1000u + (wait_us % 1000 != 0);
    return true;
}

bool retry_after_ms_read(struct str value, uint64_t *ret_ms)
{
    return read_number(str_trim(value), /* scale */ 1, ret_ms);
}
