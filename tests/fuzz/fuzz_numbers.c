/*
 * Numbers and moments from outside: what decimal_parse and civil_parse accept, they print and read
 * back as the same; what they refuse leaves the output alone. Decimals are compared with the C
 * library's strtod, which was written by others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/civil_time.h"
#include "base/decimal.h"
#include "base/error.h"

#define TEXT_BYTES_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses the scale; the rest is the text. */
static void check_decimal(struct str text, unsigned scale)
{
    struct decimal value = {7, 1};
    int code = decimal_parse(text, scale, &value);

    if (code) {
        check((code == ERR_INVALID || code == ERR_LIMIT) && value.digits == 7);
        return;
    }
    check(value.scale == scale);
    char terminated[TEXT_BYTES_MAX + 1];
    memcpy(terminated, text.data, text.length);
    terminated[text.length] = '\0';
    double expected = strtod(terminated, NULL);
    double unit = pow(10, -(double)scale);
    check(fabs(decimal_to_double(value) - expected) <= fabs(expected) * 1e-14 + unit * 0.500001);

    cleanup(buf_done) struct buf out = {.limit = 1000};
    struct decimal again;
    decimal_print(value, &out);
    check(out.length < DECIMAL_TEXT_BYTES);
    code = decimal_parse(buf_str(&out), scale, &again);
    check(code == OK && again.digits == value.digits);
    check(decimal_compare(value, again) == 0);
    buf_clear(&out);
    decimal_print_rounded(value, scale / 2, /* padded */ true, /* grouped */ true, &out);
    check(buf_status(&out) == OK && out.length > 0);
}

static void check_moment(struct str text)
{
    int64_t time_us = 7;
    int code = civil_parse(text, &time_us);

    if (code) {
        check(code == ERR_INVALID && time_us == 7);
        return;
    }
    cleanup(buf_done) struct buf out = {.limit = 1000};
    int64_t again;
    civil_print(time_us, &out);
    code = civil_parse(buf_str(&out), &again);
    check(code == OK && again == time_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > TEXT_BYTES_MAX) {
        return 0;
    }
    struct str text = {(const char *)data + 1, size - 1};
    uint64_t natural;

    check_decimal(text, data[0] % (DECIMAL_SCALE_MAX + 1));
    check_moment(text);
    if (decimal_parse_u64(text, &natural) == OK) {
        struct decimal same;
        int code = decimal_parse(text, 0, &same);

        check(code == OK && same.digits == (int128)natural);
    }
    return 0;
}
