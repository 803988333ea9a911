/* SPDX-License-Identifier: Apache-2.0 */
#include "base/decimal.h"

#include <math.h>

#include "base/check.h"
#include "base/error.h"

#define INT128_DIGITS    40
#define INT128_POWER_MAX 38 /* 10^38 is the largest power that fits */

static int128 power_of_ten(unsigned exponent)
{
    int128 power = 1;

    while (exponent-- > 0) {
        power *= 10;
    }
    return power;
}

/* Half away from zero, as an accountant rounds. */
static int128 divide_rounded(int128 value, int128 divisor)
{
    int128 quotient = value / divisor;
    int128 rest = value % divisor;

    if (rest < 0) {
        rest = -rest;
    }
    if (rest >= divisor - rest) {
        quotient += value < 0 ? -1 : 1;
    }
    return quotient;
}

struct decimal decimal_from_double(double value, unsigned scale, bool *ret_ok)
{
    double scaled = round(value * (double)power_of_ten(scale));
    bool fits = isfinite(scaled) && fabs(scaled) < 1e37;

    if (ret_ok) {
        *ret_ok = fits;
    }
    return decimal_of(fits ? (int128)scaled : 0, scale);
}

double decimal_to_double(struct decimal d)
{
    return (double)d.digits / (double)power_of_ten(d.scale);
}

/* Writes value's digits from the right end of text backwards; returns where they start. */
static char *digits_backwards(unsigned __int128 value, char *end)
{
    do {
        *--end = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value);
    return end;
}

/* Prints d with zeros more zeros behind the point. */
static void print_digits(struct decimal d, unsigned zeros, bool grouped, struct buf *out)
{
    char text[INT128_DIGITS + DECIMAL_SCALE_MAX];
    char *end = text + sizeof(text);
    bool negative = d.digits < 0;

    check_cmp(d.scale, <=, DECIMAL_SCALE_MAX);
    char *begin = digits_backwards(
        negative ? -(unsigned __int128)d.digits : (unsigned __int128)d.digits, end);
    while ((size_t)(end - begin) <= d.scale) {
        *--begin = '0';
    }
    if (negative) {
        buf_append_char(out, '-');
    }
    char *point = end - d.scale;
    for (char *p = begin; p < end; p++) {
        if (p == point) {
            buf_append_char(out, '.');
        } else if (grouped && p > begin && p < point && (point - p) % 3 == 0) {
            buf_append_char(out, ',');
        }
        buf_append_char(out, *p);
    }
    if (zeros > 0 && d.scale == 0) {
        buf_append_char(out, '.');
    }
    for (; zeros > 0; zeros--) {
        buf_append_char(out, '0');
    }
}

static struct decimal without_trailing_zeros(struct decimal d)
{
    while (d.scale > 0 && d.digits % 10 == 0) {
        d.digits /= 10;
        d.scale--;
    }
    return d;
}

void decimal_print(struct decimal d, struct buf *out)
{
    print_digits(without_trailing_zeros(d), /* zeros */ 0, /* grouped */ false, out);
}

struct decimal decimal_rescale(struct decimal d, unsigned scale)
{
    int128 digits;

    check_cmp(d.scale, <=, DECIMAL_SCALE_MAX);
    check_cmp(scale, <=, DECIMAL_SCALE_MAX);
    if (scale >= d.scale) {
        bool fits = !__builtin_mul_overflow(d.digits, power_of_ten(scale - d.scale), &digits);

        check(fits);
        return decimal_of(digits, scale);
    }
    return decimal_of(divide_rounded(d.digits, power_of_ten(d.scale - scale)), scale);
}

void decimal_print_rounded(struct decimal d, unsigned places, bool padded, bool grouped,
                           struct buf *out)
{
    if (d.scale > places) {
        d = decimal_rescale(d, places);
    }
    if (padded) {
        print_digits(d, places - d.scale, grouped, out);
    } else {
        print_digits(without_trailing_zeros(d), /* zeros */ 0, grouped, out);
    }
}

int decimal_compare(struct decimal a, struct decimal b)
{
    /* Whole parts first, then what is behind the point: scaling all of both up might not fit. */
    int128 left = a.digits / power_of_ten(a.scale);
    int128 right = b.digits / power_of_ten(b.scale);

    if (left == right) {
        left = a.digits % power_of_ten(a.scale) * power_of_ten(DECIMAL_SCALE_MAX - a.scale);
        right = b.digits % power_of_ten(b.scale) * power_of_ten(DECIMAL_SCALE_MAX - b.scale);
    }
    return (left > right) - (left < right);
}

/* What the scan of a number's text found, before it is scaled. */
struct scanned {
    int128 digits;
    int64_t places; /* digits behind the point */
    bool has_digits;
    bool is_negative;
    bool is_cut;    /* digits behind the point were left out, */
    bool cut_is_up; /* the first of them 5 or more */
};

/* One more digit at the end of *digits; false when it does not fit. */
static bool push_digit(int128 *digits, char c)
{
    int128 longer;

    if (__builtin_mul_overflow(*digits, 10, &longer) ||
        __builtin_add_overflow(longer, c - '0', &longer)) {
        return false;
    }
    *digits = longer;
    return true;
}

/* Digits and point: as many as an int128 holds, at least 38. More are a limit before the point, and
 * left out behind it. */
static int scan_mantissa(struct str text, size_t *at, struct scanned *scanned)
{
    bool behind_point = false;

    for (; *at < text.length; (*at)++) {
        char c = text.data[*at];

        if (c == '.' && !behind_point) {
            behind_point = true;
            continue;
        }
        if (c < '0' || c > '9') {
            break;
        }
        scanned->has_digits = true;
        if (!scanned->is_cut && push_digit(&scanned->digits, c)) {
            scanned->places += behind_point;
        } else if (!behind_point) {
            return ERR_LIMIT;
        } else if (!scanned->is_cut) {
            scanned->is_cut = true;
            scanned->cut_is_up = c >= '5';
        }
    }
    return scanned->has_digits ? OK : ERR_INVALID;
}

static int scan_exponent(struct str text, size_t *at, int *ret_exponent)
{
    bool negative = false;
    int exponent = 0;
    size_t first;

    *ret_exponent = 0;
    if (*at == text.length || (text.data[*at] != 'e' && text.data[*at] != 'E')) {
        return OK;
    }
    (*at)++;
    if (*at < text.length && (text.data[*at] == '-' || text.data[*at] == '+')) {
        negative = text.data[(*at)++] == '-';
    }
    first = *at;
    for (; *at < text.length && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++) {
        exponent = exponent < 1000 ? exponent * 10 + (text.data[*at] - '0') : exponent;
    }
    if (*at == first) {
        return ERR_INVALID;
    }
    *ret_exponent = negative ? -exponent : exponent;
    return OK;
}

/* digits × 10^(exponent - places) as a decimal of the scale. */
static int scale_scanned(const struct scanned *scanned, int exponent, unsigned scale,
                         struct decimal *ret_value)
{
    int64_t shift = (int64_t)scale + exponent - scanned->places;
    int128 digits = scanned->digits;

    if (shift > 0 && scanned->is_cut) {
        return ERR_LIMIT;
    }
    for (; shift > 0 && digits; shift--) {
        if (__builtin_mul_overflow(digits, 10, &digits)) {
            return ERR_LIMIT;
        }
    }
    if (shift < 0) {
        digits =
            shift < -INT128_POWER_MAX ? 0 : divide_rounded(digits, power_of_ten((unsigned)-shift));
    } else if (scanned->is_cut && scanned->cut_is_up) {
        if (__builtin_add_overflow(digits, 1, &digits)) {
            return ERR_LIMIT;
        }
    }
    *ret_value = decimal_of(scanned->is_negative ? -digits : digits, scale);
    return OK;
}

int decimal_parse(struct str text, unsigned scale, struct decimal *ret_value)
{
    struct scanned scanned = {0};
    int exponent;
    size_t at = 0;

    text = str_trim(text);
    if (text.length && (text.data[0] == '-' || text.data[0] == '+')) {
        scanned.is_negative = text.data[at++] == '-';
    }
    int code = scan_mantissa(text, &at, &scanned);
    if (code == OK) {
        code = scan_exponent(text, &at, &exponent);
    }
    if (code) {
        return code;
    }
    if (at != text.length) {
        return ERR_INVALID;
    }
    return scale_scanned(&scanned, exponent, scale, ret_value);
}

int decimal_parse_u64(struct str text, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (text.length == 0) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return ERR_INVALID;
        }
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value)) {
            return ERR_LIMIT;
        }
    }
    *ret_value = value;
    return OK;
}
