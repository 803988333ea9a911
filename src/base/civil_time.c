/* SPDX-License-Identifier: Apache-2.0 */
#include "base/civil_time.h"

#include <stdio.h>

#include "base/check.h"
#include "base/error.h"

int64_t civil_days_from_date(int year, int month, int day)
{
    /* Years start in March, so that the leap day is the last of a year. */
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static void date_from_days(int64_t days, struct civil_time *civil)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;

    civil->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    civil->month = (int)(month < 10 ? month + 3 : month - 9);
    civil->year = (int)(year_of_era + era * 400 + (civil->month <= 2));
}

int64_t civil_floor(int64_t time_us, int64_t unit_us)
{
    check_cmp(unit_us, >, 0);
    int64_t rest = time_us % unit_us;
    int64_t floored;

    if (rest < 0) {
        rest += unit_us;
    }
    return __builtin_sub_overflow(time_us, rest, &floored) ? INT64_MIN : floored;
}

struct civil_time civil_from_us(int64_t time_us)
{
    struct civil_time civil;
    int64_t days = time_us / DAY_US;
    int64_t rest = time_us % DAY_US;

    if (rest < 0) {
        rest += DAY_US;
        days--;
    }
    date_from_days(days, &civil);
    civil.hour = (int)(rest / HOUR_US);
    civil.minute = (int)(rest / MINUTE_US % 60);
    civil.second = (int)(rest / SECOND_US % 60);
    civil.microsecond = (int)(rest % SECOND_US);
    return civil;
}

int64_t civil_to_us(const struct civil_time *civil)
{
    return civil_days_from_date(civil->year, civil->month, civil->day) * DAY_US +
           civil->hour * HOUR_US + civil->minute * MINUTE_US + civil->second * SECOND_US +
           civil->microsecond;
}

int civil_weekday(int64_t time_us)
{
    int64_t days = time_us / DAY_US - (time_us % DAY_US < 0);
    int64_t day = (days + 4) % 7; /* 1970-01-01 was a Thursday */

    return (int)(day < 0 ? day + 7 : day);
}

/* Reads exactly count digits at *at; -1 when they are not there. */
static int read_digits(struct str text, size_t *at, int count)
{
    int value = 0;

    if (text.length - *at < (size_t)count) {
        return -1;
    }
    for (int i = 0; i < count; i++) {
        char c = text.data[*at + (size_t)i];

        if (c < '0' || c > '9') {
            return -1;
        }
        value = value * 10 + (c - '0');
    }
    *at += (size_t)count;
    return value;
}

static int skip(struct str text, size_t *at, const char *one_of)
{
    if (*at < text.length && text.data[*at] && strchr(one_of, text.data[*at])) {
        (*at)++;
        return 1;
    }
    return 0;
}

static int is_date(const struct civil_time *civil)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (civil->year % 4 == 0 && civil->year % 100 != 0) || civil->year % 400 == 0;

    return civil->year >= 1 && civil->month >= 1 && civil->month <= 12 && civil->day >= 1 &&
           civil->day <= days[civil->month - 1] + (leap && civil->month == 2);
}

/* ".5", ",123456789": digits beyond microseconds are cut. No point is fine, a bare point is not. */
static int read_fraction(struct str text, size_t *at, struct civil_time *civil)
{
    int unit = 100000;

    if (!skip(text, at, ".,")) {
        return OK;
    }
    size_t first = *at;
    for (; *at < text.length && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++) {
        civil->microsecond += unit * (text.data[*at] - '0');
        unit /= 10;
    }
    return *at > first ? OK : ERR_INVALID;
}

/* "12:34", "12:34:56" or "12:34:56.789". */
static int read_clock(struct str text, size_t *at, struct civil_time *civil)
{
    civil->hour = read_digits(text, at, 2);
    if (!skip(text, at, ":")) {
        return ERR_INVALID;
    }
    civil->minute = read_digits(text, at, 2);
    if (skip(text, at, ":")) {
        civil->second = read_digits(text, at, 2);
        if (read_fraction(text, at, civil)) {
            return ERR_INVALID;
        }
    }
    return civil->hour >= 0 && civil->hour <= 23 && civil->minute >= 0 && civil->minute <= 59 &&
                   civil->second >= 0 && civil->second <= 60
               ? OK
               : ERR_INVALID;
}

/* "+02:00", "+0200", "-02": minutes east of UTC in *ret_minutes. */
static int read_numeric_offset(struct str text, size_t *at, int *ret_minutes)
{
    int sign = skip(text, at, "-") ? -1 : skip(text, at, "+") ? 1 : 0;
    int hours = sign ? read_digits(text, at, 2) : -1;
    int minutes = 0;

    if (*at < text.length) {
        (void)skip(text, at, ":");
        minutes = read_digits(text, at, 2);
    }
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
        return ERR_INVALID;
    }
    *ret_minutes = sign * (hours * 60 + minutes);
    return OK;
}

/* What may follow the clock, up to the end: nothing, "Z", "UTC" or a numeric offset, with one space
 * before it or none. */
static int read_offset(struct str text, size_t *at, int *ret_minutes)
{
    *ret_minutes = 0;
    (void)skip(text, at, " ");
    struct str rest = str_slice(text, *at, text.length);
    if (rest.length == 0 || str_equal_ascii_case(rest, STR("Z")) || str_equal(rest, STR("UTC"))) {
        return OK;
    }
    if (read_numeric_offset(text, at, ret_minutes) || *at != text.length) {
        return ERR_INVALID;
    }
    return OK;
}

static int read_date(struct str text, size_t *at, struct civil_time *civil)
{
    civil->year = read_digits(text, at, 4);
    if (!skip(text, at, "-/")) {
        return ERR_INVALID;
    }
    civil->month = read_digits(text, at, 2);
    if (!skip(text, at, "-/")) {
        return ERR_INVALID;
    }
    civil->day = read_digits(text, at, 2);
    return is_date(civil) ? OK : ERR_INVALID;
}

int civil_parse(struct str text, int64_t *ret_time_us)
{
    struct civil_time civil = {0};
    size_t at = 0;
    int offset = 0;

    text = str_trim(text);
    if (read_date(text, &at, &civil)) {
        return ERR_INVALID;
    }
    if (at < text.length && (!skip(text, &at, "Tt ") || read_clock(text, &at, &civil) ||
                             read_offset(text, &at, &offset))) {
        return ERR_INVALID;
    }
    int64_t time_us = civil_to_us(&civil) - offset * MINUTE_US;
    if (time_us < CIVIL_TIME_US_MIN || time_us > CIVIL_TIME_US_MAX) {
        return ERR_INVALID; /* an offset or a leap second led out of the years 1 to 9999 */
    }
    *ret_time_us = time_us;
    return OK;
}

void civil_print_date(int64_t time_us, struct buf *out)
{
    struct civil_time civil = civil_from_us(time_us);

    buf_printf(out, "%04d-%02d-%02d", civil.year, civil.month, civil.day);
}

static char *put_digits(char *at, int value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

/* By hand: printing two of these took a fifth of what a small answer costs. */
void civil_stamp(int64_t time_us, char ret_text[CIVIL_STAMP_BYTES])
{
    struct civil_time civil = civil_from_us(time_us);
    char *at = ret_text;

    if (civil.year < 0 || civil.year > 9999) {
        (void)snprintf(ret_text, CIVIL_STAMP_BYTES, "%d-%02u-%02uT%02u:%02u:%02u.%06uZ", civil.year,
                       (unsigned)civil.month % 100, (unsigned)civil.day % 100,
                       (unsigned)civil.hour % 100, (unsigned)civil.minute % 100,
                       (unsigned)civil.second % 100, (unsigned)civil.microsecond % 1000000);
        return;
    }
    at = put_digits(at, civil.year, 4);
    *at++ = '-';
    at = put_digits(at, civil.month, 2);
    *at++ = '-';
    at = put_digits(at, civil.day, 2);
    *at++ = 'T';
    at = put_digits(at, civil.hour, 2);
    *at++ = ':';
    at = put_digits(at, civil.minute, 2);
    *at++ = ':';
    at = put_digits(at, civil.second, 2);
    *at++ = '.';
    at = put_digits(at, civil.microsecond, 6);
    *at++ = 'Z';
    *at = '\0';
}

void civil_print(int64_t time_us, struct buf *out)
{
    struct civil_time civil = civil_from_us(time_us);

    civil_print_date(time_us, out);
    buf_printf(out, "T%02d:%02d:%02d", civil.hour, civil.minute, civil.second);
    if (civil.microsecond) {
        buf_printf(out, ".%06d", civil.microsecond);
    }
    buf_append_char(out, 'Z');
}
