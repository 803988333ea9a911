/*
 * decimal: an exact decimal number, digits × 10^-scale. Every number of a report is one: money in
 * pico-dollars has scale 12, a count scale 0, a ratio scale 6.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_BASE_DECIMAL_H
#define NETRA_BASE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

typedef __int128 int128;

#define DECIMAL_SCALE_MAX  18
#define DECIMAL_TEXT_BYTES 64 /* fits every decimal with sign, point and NUL */

struct decimal {
    int128 digits;
    unsigned scale; /* ≤ DECIMAL_SCALE_MAX */
};

static inline struct decimal decimal_of(int128 digits, unsigned scale)
{
    return (struct decimal){digits, scale};
}

/* The double rounded half away from zero to scale digits. NaN and what does not fit become 0 and
 * *ret_ok false (ret_ok may be NULL). */
struct decimal decimal_from_double(double value, unsigned scale, bool *ret_ok);

double decimal_to_double(struct decimal d);

/* Exact text without exponent and without trailing zeros behind the point: "25182.372257", "0",
 * "-0.5". */
void decimal_print(struct decimal d, struct buf *out);

/* The same number rounded half away from zero to at most places behind the point; exactly places
 * when padded. Groups thousands with commas when grouped. */
void decimal_print_rounded(struct decimal d, unsigned places, bool padded, bool grouped,
                           struct buf *out);

/* d with another scale, rounded half away from zero. A larger scale must fit: digits ×
 * 10^difference below 1.7e38 (values from outside: decimal_parse with the scale that is wanted). */
struct decimal decimal_rescale(struct decimal d, unsigned scale);

/* Compares two decimals of any scale exactly: -1, 0, 1. */
int decimal_compare(struct decimal a, struct decimal b);

/* Reads "12", "-1.50", "1e-6", ".5", "+3" to scale digits; excess digits are rounded half away from
 * zero. The whole text must be a number. ERR_INVALID, ERR_LIMIT when it does not fit. */
must_check int decimal_parse(struct str text, unsigned scale, struct decimal *ret_value);

/* A plain unsigned integer, nothing else; ERR_INVALID, ERR_LIMIT. */
must_check int decimal_parse_u64(struct str text, uint64_t *ret_value);

#endif
