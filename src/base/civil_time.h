/*
 * civil_time: calendar dates ↔ microseconds since 1970-01-01T00:00:00Z, without time zones, locale
 * or the C library's clock. Proleptic Gregorian calendar, years 1 to 9999, no leap seconds (a
 * second of 60 is read as the next minute). Method: H. Hinnant, "chrono-compatible low-level date
 * algorithms".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_BASE_CIVIL_TIME_H
#define NETRA_BASE_CIVIL_TIME_H

#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/str.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US   (60 * MINUTE_US)
#define DAY_US    (24 * HOUR_US)

/* The first and the last moment of the years 1 to 9999: what civil_parse gives and what civil_print
 * writes as RFC 3339 has it. Other moments are computed with all the same, up to the ends of int64.
 */
#define CIVIL_TIME_US_MIN (INT64_C(-62135596800) * SECOND_US)
#define CIVIL_TIME_US_MAX (INT64_C(253402300800) * SECOND_US - 1)

struct civil_time {
    int year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
    int hour;
    int minute;
    int second;
    int microsecond;
};

int64_t civil_days_from_date(int year, int month, int day);
struct civil_time civil_from_us(int64_t time_us);
int64_t civil_to_us(const struct civil_time *civil);

/* 0 = Sunday … 6 = Saturday, UTC. */
int civil_weekday(int64_t time_us);

/* The largest multiple of unit_us (> 0) that is not after time_us, also before 1970; INT64_MIN when
 * int64 does not reach to it. */
int64_t civil_floor(int64_t time_us, int64_t unit_us);

/* Reads RFC 3339 and what exports write in its place: "2023-11-16 18:17:03.9799600",
 * "2026-08-21T07:00:00Z", "…+02:00", "2026-08-21"; no offset means UTC; digits beyond microseconds
 * are cut. ERR_INVALID, also for a moment outside of the years 1 to 9999. */
must_check int civil_parse(struct str text, int64_t *ret_time_us);

/* "2026-08-21T07:00:00Z", with ".123456" only when it is not zero. */
void civil_print(int64_t time_us, struct buf *out);

/* "2026-08-21T07:00:00.123456Z", always with all six digits: what answers and log lines have. */
#define CIVIL_STAMP_BYTES 48
void civil_stamp(int64_t time_us, char ret_text[CIVIL_STAMP_BYTES]);

/* "2026-08-21". */
void civil_print_date(int64_t time_us, struct buf *out);

#endif
