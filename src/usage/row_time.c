/*
 * Times and durations. A time is a text (RFC 3339 and its relatives) or a number: since 1970 in s,
 * ms, us or ns, which their magnitudes tell apart (a year-2001 time in one unit is a year-1970 time
 * in the next), or, below 100 million, an offset from the beginning of a trace.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/civil_time.h"
#include "usage/row.h"

#define RELATIVE_BELOW   INT64_C(100000000)     /* as seconds: 1973; no provider had an API then */
#define RELATIVE_MAX_MS  INT64_C(1000000000000) /* 31 years */
#define MS_FROM          INT64_C(100000000000)
#define US_FROM          INT64_C(100000000000000)
#define NS_FROM          INT64_C(100000000000000000)
#define TIME_US_MAX      INT64_C(253402300800000000) /* year 10000 */
#define NUMBER_SCALE     9u
#define SECONDS_IF_BELOW 1000 /* a duration with a fraction and no unit: seconds below this */

static const int128 nine = 1000000000;

/* A number of some unit, with 9 digits behind the point, in nanoseconds: times this. */
static int128 unit_ns(unsigned unit)
{
    switch (unit) {
    case UNIT_MS:
        return 1000000;
    case UNIT_US:
        return 1000;
    case UNIT_NS:
        return 1;
    default:
        return 1000000000;
    }
}

static unsigned unit_by_magnitude(int128 whole)
{
    return whole >= NS_FROM   ? UNIT_NS
           : whole >= US_FROM ? UNIT_US
           : whole >= MS_FROM ? UNIT_MS
                              : UNIT_S;
}

/* The unit of a number whose name does not say it. A number that would be 31 years after the
 * beginning of a trace ends the belief that times are relative. */
static unsigned decide_unit(struct row_reader *reader, const struct row *row, int128 whole)
{
    if (reader->time == ROW_TIME_UNDECIDED) {
        reader->time = whole < RELATIVE_BELOW ? ROW_TIME_RELATIVE : ROW_TIME_ABSOLUTE;
        /* Traces with block hashes (Mooncake) count milliseconds, the others seconds. */
        reader->relative_unit = row_has(row, FIELD_BLOCKS) ? UNIT_MS : UNIT_S;
    }
    if (reader->time == ROW_TIME_RELATIVE &&
        whole >= (reader->relative_unit == UNIT_MS ? RELATIVE_MAX_MS : RELATIVE_MAX_MS / 1000)) {
        reader->time = ROW_TIME_ABSOLUTE;
    }
    return reader->time == ROW_TIME_RELATIVE ? reader->relative_unit : unit_by_magnitude(whole);
}

static bool us_of_count(uint64_t count, unsigned unit, uint64_t *ret_us)
{
    static const uint64_t factors[] = {[UNIT_S] = 1000000, [UNIT_MS] = 1000, [UNIT_US] = 1};

    if (unit == UNIT_NS) {
        *ret_us = count / 1000;
        return true;
    }
    return !__builtin_mul_overflow(count, factors[unit], ret_us);
}

static bool us_of_fraction(struct decimal number, unsigned unit, uint64_t *ret_us)
{
    int128 ns = number.digits / nine * unit_ns(unit) + number.digits % nine * unit_ns(unit) / nine;

    *ret_us = (uint64_t)(ns / 1000);
    return ns / 1000 < TIME_US_MAX;
}

static int time_of_number(struct row_reader *reader, const struct row *row, enum field field,
                          int64_t *ret_us)
{
    struct decimal number = decimal_of(0, NUMBER_SCALE);
    unsigned unit = row->flags[field] & UNIT_MASK;
    uint64_t count;
    uint64_t us;
    bool is_whole = cell_count(&row->cells[field], &count) == OK;

    if (!is_whole) {
        if (cell_number(&row->cells[field], NUMBER_SCALE, &number) || number.digits < 0 ||
            number.digits > (int128)INT64_MAX * nine) {
            return ERR_INVALID;
        }
        count = (uint64_t)(number.digits / nine);
    }
    bool has_unit = unit != 0;
    if (!has_unit) {
        unit = decide_unit(reader, row, count);
    }
    if (!(is_whole ? us_of_count(count, unit, &us) : us_of_fraction(number, unit, &us)) ||
        us >= (uint64_t)TIME_US_MAX) {
        return ERR_INVALID;
    }
    if (has_unit && reader->time == ROW_TIME_UNDECIDED) {
        reader->time = us < RELATIVE_BELOW * SECOND_US ? ROW_TIME_RELATIVE : ROW_TIME_ABSOLUTE;
        reader->relative_unit = unit;
    }
    *ret_us = (int64_t)us;
    return OK;
}

/* "17.9799600" or "17.97Z" behind "2023-11-16 18:17:": microseconds of the minute, or -1. */
static int64_t seconds_of(struct str text)
{
    int64_t us = 0;
    int64_t unit = 100000;
    size_t i = 2;

    if (text.length < 2 || text.data[0] < '0' || text.data[0] > '5' || text.data[1] < '0' ||
        text.data[1] > '9') {
        return -1;
    }
    us = ((text.data[0] - '0') * 10 + (text.data[1] - '0')) * SECOND_US;
    if (i < text.length && text.data[i] == '.') {
        for (i++; i < text.length && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
            us += (text.data[i] - '0') * unit;
            unit /= 10;
        }
    }
    if (i < text.length && text.data[i] == 'Z') {
        i++;
    }
    return i == text.length ? us : -1;
}

/* Rows come in the order of time, so most share their minute with the row before. */
static int time_of_text(struct row_reader *reader, struct str text, int64_t *ret_us)
{
    size_t minute = sizeof(reader->minute_text);
    char whole[] = "0000-00-00 00:00:00Z";

    if (text.length > minute + 1 && text.data[minute] == ':') {
        int64_t us = seconds_of(str_slice(text, minute + 1, text.length));

        if (us >= 0 && reader->minute_us != INT64_MIN &&
            memcmp(text.data, reader->minute_text, minute) == 0) {
            *ret_us = reader->minute_us + us;
            return OK;
        }
        memcpy(whole, text.data, minute);
        if (us >= 0 && civil_parse(str_from(whole), &reader->minute_us) == OK) {
            memcpy(reader->minute_text, text.data, minute);
            *ret_us = reader->minute_us + us;
            return OK;
        }
        reader->minute_us = INT64_MIN;
    }
    return civil_parse(str_trim(text), ret_us);
}

static int read_time(struct row_reader *reader, const struct row *row, enum field field,
                     int64_t *ret_us)
{
    const struct cell *cell = &row->cells[field];
    struct str text = cell->text;
    bool is_text = !cell_is_json(cell) || json_get_str(cell->json, &text);

    /* A date has its first '-' behind the year. */
    if (is_text && text.length > 4 && memchr(text.data + 1, '-', text.length - 1)) {
        int code = time_of_text(reader, text, ret_us);

        if (!code && field == FIELD_TIME) {
            reader->time = ROW_TIME_ABSOLUTE;
        }
        return code;
    }
    return time_of_number(reader, row, field, ret_us);
}

static unsigned duration_unit(struct row_reader *reader, const struct row *row, enum field field,
                              struct decimal number)
{
    unsigned unit = row->flags[field] & UNIT_MASK;

    if (unit) {
        return unit;
    }
    if (!reader->units[field]) {
        bool is_seconds = number.digits % nine != 0 && number.digits / nine < SECONDS_IF_BELOW;

        reader->units[field] = is_seconds ? UNIT_S : UNIT_MS;
    }
    return reader->units[field];
}

/* Milliseconds, rounded; a value that is none is left out. */
static bool read_duration(struct row_reader *reader, const struct row *row, enum field field,
                          uint64_t *ret_ms)
{
    struct decimal number = decimal_of(0, NUMBER_SCALE);
    uint64_t count;

    if (!row_has(row, field)) {
        return false;
    }
    bool is_whole = cell_count(&row->cells[field], &count) == OK;
    if (is_whole && (row->flags[field] & UNIT_MASK) == UNIT_MS && count <= UINT32_MAX) {
        *ret_ms = count;
        return true;
    }
    if (is_whole && count <= UINT32_MAX * UINT64_C(1000000)) {
        number.digits = (int128)count * nine;
    } else if (cell_number(&row->cells[field], NUMBER_SCALE, &number) || number.digits < 0 ||
               number.digits > (int128)UINT32_MAX * 1000000 * nine) {
        row_leave_out(reader, row, field);
        return false;
    }
    /* digits: 1e-9 of the unit; times ns of the unit: 1e-18 s; in ms: 1e-15. */
    int128 scaled = number.digits * unit_ns(duration_unit(reader, row, field, number));
    int128 ms = (scaled + nine * 500000) / (nine * 1000000);
    if (ms > UINT32_MAX) {
        row_leave_out(reader, row, field);
        return false;
    }
    *ret_ms = (uint64_t)ms;
    return true;
}

/* Milliseconds from the call's time to another time of the row. */
static bool read_distance(struct row_reader *reader, const struct row *row, enum field field,
                          int64_t from_us, uint64_t *ret_ms)
{
    int64_t us;

    if (!row_has(row, field)) {
        return false;
    }
    if (read_time(reader, row, field, &us) || us < from_us || (us - from_us) / 1000 > UINT32_MAX) {
        row_leave_out(reader, row, field);
        return false;
    }
    *ret_ms = (uint64_t)(us - from_us + 500) / 1000;
    return true;
}

int row_read_times(struct row_reader *reader, const struct row *row, struct usage_record *record,
                   struct error *error)
{
    enum field begin = row_has(row, FIELD_TIME) ? FIELD_TIME : FIELD_END_TIME;

    if (row_has(row, begin)) {
        if (read_time(reader, row, begin, &record->time_us)) {
            return row_refuse(row, begin, "not a time", error);
        }
        record->present |= USAGE_HAS_TIME;
    } else if (reader->seen & (field_bit(FIELD_TIME) | field_bit(FIELD_END_TIME))) {
        return error_set(error, ERR_INVALID, "the time is empty");
    }
    bool has_begin = row_has(row, FIELD_TIME);
    if (read_duration(reader, row, FIELD_LATENCY, &record->latency_ms) ||
        (has_begin && !row_has(row, FIELD_LATENCY) &&
         read_distance(reader, row, FIELD_END_TIME, record->time_us, &record->latency_ms))) {
        record->present |= USAGE_HAS_LATENCY;
    }
    if (read_duration(reader, row, FIELD_TTFT, &record->ttft_ms) ||
        (has_begin && !row_has(row, FIELD_TTFT) &&
         read_distance(reader, row, FIELD_FIRST_TOKEN_TIME, record->time_us, &record->ttft_ms))) {
        record->present |= USAGE_HAS_TTFT;
    }
    return OK;
}
