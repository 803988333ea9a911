/*
 * How facts look: as people read them, exactly, and as JSON. Rounding is for the eye only and keeps
 * two promises: what is not zero never looks like zero, what is not the whole never looks like it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/civil_time.h"
#include "base/error.h"
#include "report/fact.h"

#define FIGURES_SHOWN   3u                          /* significant figures of a value below one */
#define LAST_PRINTED_US INT64_C(253402300799999999) /* the end of the year 9999 */

#define MINUS           "\xe2\x88\x92"

static struct decimal absolute(struct decimal d)
{
    return decimal_of(d.digits < 0 ? -d.digits : d.digits, d.scale);
}

/* Places behind the point that show FIGURES_SHOWN significant figures of a value below one. */
static unsigned places_of_small(struct decimal d)
{
    unsigned length = 0;

    for (int128 rest = d.digits; rest; rest /= 10) {
        length++;
    }
    if (length == 0 || length > d.scale) {
        return 0;
    }
    unsigned places = d.scale - length + FIGURES_SHOWN;
    return places < d.scale ? places : d.scale;
}

static bool is_below_one(struct decimal d)
{
    return decimal_compare(d, decimal_of(1, 0)) < 0;
}

/* d ≥ 0 rounded to places; a value below one keeps its significant figures instead. With padded at
 * least places digits follow the point, otherwise no zeros end it. */
static void print_magnitude(struct decimal d, unsigned places, bool padded, struct buf *out)
{
    unsigned wanted = places;

    if (d.digits != 0 && is_below_one(d)) {
        unsigned small = places_of_small(d);

        wanted = small > places ? small : places;
    }
    d = decimal_rescale(d, wanted);
    while (d.scale > (padded ? places : 0) && d.digits % 10 == 0) {
        d.digits /= 10;
        d.scale--;
    }
    decimal_print_rounded(d, d.scale, /* padded */ true, /* grouped */ true, out);
}

static void print_percent(struct decimal ratio, struct buf *out)
{
    struct decimal percent = ratio.scale >= 2
                                 ? decimal_of(ratio.digits, ratio.scale - 2)
                                 : decimal_of(ratio.digits * (ratio.scale ? 10 : 100), 0);
    struct decimal whole = decimal_of(100, 0);
    unsigned places = 1;

    if (percent.digits == 0 || decimal_compare(percent, whole) == 0) {
        buf_append(out, percent.digits ? STR("100 %") : STR("0 %"));
        return;
    }
    while (places < percent.scale &&
           decimal_compare(decimal_rescale(percent, places), whole) == 0) {
        places++;
    }
    print_magnitude(percent, places, /* padded */ true, out);
    buf_append(out, STR(" %"));
}

/* The largest unit of time in which the value, as rounded, is at least one. */
static void print_duration(struct decimal ms, struct buf *out)
{
    static const struct {
        double milliseconds;
        double limit; /* of this unit; more is shown in the next */
        const char *name;
        unsigned places;
    } units[] = {
        {1, 999.5, "ms", 0},    {1e3, 59.95, "s", 2},       {6e4, 59.95, "min", 1},
        {3.6e6, 47.95, "h", 1}, {8.64e7, 1e300, "days", 1},
    };
    double value = decimal_to_double(ms);
    size_t u = 0;

    while (u + 1 < ARRAY_LENGTH(units) && value / units[u].milliseconds >= units[u].limit) {
        u++;
    }
    double in_unit = value / units[u].milliseconds;
    struct decimal shown = u == 0 ? ms : decimal_from_double(in_unit, 6, NULL);
    unsigned places = units[u].places;
    if ((u == 0 && in_unit < 9.95) || (u == 1 && in_unit >= 9.995)) {
        places = 1;
    }
    print_magnitude(shown, places, /* padded */ false, out);
    buf_printf(out, " %s", units[u].name);
}

/* To the multiple of unit_us that is not after it. */
static void print_time(struct decimal value, int64_t unit_us, struct buf *out)
{
    int128 us = decimal_rescale(value, 0).digits;

    if (us > LAST_PRINTED_US || us < -LAST_PRINTED_US / 4) {
        buf_append(out, STR("a time out of range"));
    } else {
        civil_print(civil_floor((int64_t)us, unit_us), out);
    }
}

/* Rates and counts: whole when large, one place below a hundred. */
static void print_count(struct decimal value, const char *unit, struct buf *out)
{
    bool large = decimal_compare(value, decimal_of(100, 0)) >= 0;

    print_magnitude(value, large ? 0 : 1, /* padded */ false, out);
    buf_append(out, str_from(unit));
}

void fact_print_value(enum fact_unit unit, struct decimal value, struct buf *out)
{
    if (unit == UNIT_TIME) {
        print_time(value, SECOND_US, out);
        return;
    }
    if (value.digits < 0) {
        buf_append(out, STR(MINUS));
        value = absolute(value);
    }
    switch (unit) {
    case UNIT_USD:
    case UNIT_USD_PER_MTOK:
        buf_append_char(out, '$');
        print_magnitude(value, 2, /* padded */ true, out);
        buf_append(out, unit == UNIT_USD ? STR("") : STR(" per million tokens"));
        break;
    case UNIT_RATIO:
        print_percent(value, out);
        break;
    case UNIT_MS:
        print_duration(value, out);
        break;
    case UNIT_X:
        print_magnitude(value, 2, /* padded */ false, out);
        buf_append(out, STR("×"));
        break;
    case UNIT_RPM:
        print_count(value, " requests/min", out);
        break;
    case UNIT_TPM:
        print_count(value, " tokens/min", out);
        break;
    case UNIT_DAYS:
        print_count(value, decimal_compare(value, decimal_of(1, 0)) ? " days" : " day", out);
        break;
    default:
        print_count(value, "", out);
        break;
    }
}

void fact_print(const struct fact *fact, struct buf *out)
{
    if (fact->state == FACT_UNKNOWN) {
        buf_append(out, STR("unknown"));
    } else if (fact->state == FACT_COMPUTED || !fact->has_bounds) {
        fact_print_value(fact->unit, fact->value, out);
    } else if (fact->is_open) {
        buf_append(out, STR("≥ "));
        fact_print_value(fact->unit, fact->low, out);
    } else if (decimal_compare(fact->low, fact->high) == 0) {
        fact_print_value(fact->unit, fact->low, out);
    } else if (fact->low.digits == 0) {
        buf_append(out, STR("≤ "));
        fact_print_value(fact->unit, fact->high, out);
    } else {
        fact_print_value(fact->unit, fact->low, out);
        buf_append(out, STR(" to "));
        fact_print_value(fact->unit, fact->high, out);
    }
}

void fact_print_exact_value(enum fact_unit unit, struct decimal value, struct buf *out)
{
    if (unit == UNIT_TIME) {
        print_time(value, /* unit_us */ 1, out);
    } else {
        decimal_print(value, out);
    }
}

void fact_print_exact(const struct fact *fact, struct buf *out)
{
    if (fact->state == FACT_UNKNOWN) {
        buf_append(out, STR("unknown"));
    } else if (fact->state == FACT_BOUNDED && fact->is_open) {
        buf_append(out, STR("at least "));
        fact_print_exact_value(fact->unit, fact->low, out);
    } else if (fact->state == FACT_BOUNDED) {
        fact_print_exact_value(fact->unit, fact->low, out);
        buf_append(out, STR(" to "));
        fact_print_exact_value(fact->unit, fact->high, out);
    } else {
        fact_print_exact_value(fact->unit, fact->value, out);
    }
}

const char *fact_unit_name(enum fact_unit unit)
{
    switch (unit) {
    case UNIT_USD:
        return "USD";
    case UNIT_TOKENS:
        return "tokens";
    case UNIT_REQUESTS:
        return "requests";
    case UNIT_RECORDS:
        return "records";
    case UNIT_BLOCKS:
        return "blocks";
    case UNIT_RATIO:
        return "ratio";
    case UNIT_MS:
        return "ms";
    case UNIT_RPM:
        return "requests/min";
    case UNIT_TPM:
        return "tokens/min";
    case UNIT_X:
        return "x";
    case UNIT_DAYS:
        return "days";
    case UNIT_COUNT_OF_THINGS:
        return "count";
    case UNIT_TIME:
        return "time";
    case UNIT_USD_PER_MTOK:
        return "USD/Mtok";
    }
    return "";
}

const char *fact_state_name(enum fact_state state)
{
    switch (state) {
    case FACT_COMPUTED:
        return "computed";
    case FACT_BOUNDED:
        return "bounded";
    case FACT_UNKNOWN:
        return "unknown";
    }
    return "";
}

/* Needs no memory of its own: the longest printed time has 27 bytes, the longest number 64. */
static void put_value(struct json_writer *w, enum fact_unit unit, struct decimal value)
{
    if (unit == UNIT_USD || unit == UNIT_USD_PER_MTOK) {
        json_put_decimal_string(w, value);
    } else if (unit == UNIT_TIME) {
        struct buf text;

        buf_init(&text, DECIMAL_TEXT_BYTES);
        print_time(value, /* unit_us */ 1, &text);
        if (buf_status(&text) && buf_status(w->out) == OK) {
            w->out->status = buf_status(&text);
        }
        json_put_str(w, buf_str(&text));
        buf_done(&text);
    } else {
        json_put_decimal(w, value);
    }
}

/* Goes through a small buf of its own because the writer escapes and counts commas. */
static void put_printed(struct json_writer *w, const struct fact *fact)
{
    struct buf text;

    buf_init(&text, /* limit */ 256);
    fact_print(fact, &text);
    if (buf_status(&text) && buf_status(w->out) == OK) {
        w->out->status = buf_status(&text);
    }
    json_put_str(w, buf_str(&text));
    buf_done(&text);
}

void fact_write_json(const struct fact *fact, struct json_writer *w)
{
    json_begin_object(w);
    json_key(w, "label");
    json_put_str(w, fact->label);
    json_key(w, "value");
    if (fact->state == FACT_UNKNOWN) {
        json_put_null(w);
    } else {
        put_value(w, fact->unit, fact->value);
    }
    json_key(w, "unit");
    json_put_text(w, fact_unit_name(fact->unit));
    if (fact->has_bounds && fact->state != FACT_UNKNOWN) {
        json_key(w, "low");
        put_value(w, fact->unit, fact->low);
        json_key(w, "high");
        if (fact->is_open) {
            json_put_null(w);
        } else {
            put_value(w, fact->unit, fact->high);
        }
    }
    json_key(w, "state");
    json_put_text(w, fact_state_name(fact->state));
    json_key(w, "printed");
    put_printed(w, fact);
    json_key(w, "n");
    json_put_decimal(w, decimal_of((int128)fact->n, 0));
    if (fact->clusters) {
        json_key(w, "clusters");
        json_put_decimal(w, decimal_of((int128)fact->clusters, 0));
    }
    json_key(w, "method");
    json_put_str(w, fact->method);
    json_key(w, "query");
    json_put_str(w, fact->query);
    if (fact->needs.length) {
        json_key(w, "needs");
        json_put_str(w, fact->needs);
    }
    json_end_object(w);
}
