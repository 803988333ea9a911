/*
 * The one time that a prompt is about: the first that it names.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/parse.h"

static const char *const point_names[TIME_POINT_COUNT] = {
#define ASK_TIME_POINT(id, name) [TIME_POINT_##id] = name,
#include "ask/time_point.def"
#undef ASK_TIME_POINT
};

static const char *const unit_names[UNIT_COUNT] = {
    [UNIT_MINUTE] = "minute", [UNIT_HOUR] = "hour",       [UNIT_DAY] = "day",  [UNIT_WEEK] = "week",
    [UNIT_MONTH] = "month",   [UNIT_QUARTER] = "quarter", [UNIT_YEAR] = "year"};

static enum token_kind kind_at(const struct parse *p, int64_t at)
{
    return at >= 0 && at < (int64_t)p->token_count ? p->tokens[at].kind : TOKEN_SENTENCE;
}

/* The kind before at, articles aside. */
static enum token_kind kind_before(const struct parse *p, uint32_t at)
{
    int64_t i = (int64_t)at - 1;

    while (i >= 0 && p->tokens[i].kind == TOKEN_STOP) {
        i--;
    }
    return kind_at(p, i);
}

static bool is_event(int32_t point)
{
    return point >= TIME_POINT_BLACK_FRIDAY;
}

static bool is_weekday(int32_t point)
{
    return point >= TIME_POINT_MONDAY && point <= TIME_POINT_SUNDAY;
}

static bool is_quarter(int32_t point)
{
    return point >= TIME_POINT_Q1 && point <= TIME_POINT_Q4;
}

/* A change is judged from its day on; anything else happened on the day. */
static bool is_about_change(const struct parse *p)
{
    return parse_has_any(p, TOKEN_WORTH, TOKEN_ROLLBACK, TOKEN_UPGRADE);
}

static int64_t hours_nearby(const struct parse *p, const struct token *point)
{
    for (uint32_t i = 0; i < p->token_count; i++) {
        const struct token *token = &p->tokens[i];

        if (token->clause == point->clause && token->kind == TOKEN_QUANTITY &&
            token_quantity(p, token)->unit == UNIT_HOUR) {
            return (int64_t)(token_quantity(p, token)->value / QUANTITY_ONE);
        }
    }
    return 0;
}

static bool read_point(struct parse *p, uint32_t at, struct ask_time_range *range)
{
    const struct token *token = &p->tokens[at];
    enum token_kind before = kind_before(p, at);

    range->value = str_from(point_names[token->arg]);
    if (is_event(token->arg)) {
        range->kind = ASK_TIME_EVENT;
        range->n = hours_nearby(p, token);
    } else if (is_quarter(token->arg)) {
        bool by = is_one_of(before, TOKEN_END_OF, TOKEN_BY);

        range->kind = by ? ASK_TIME_BY : ASK_TIME_QUARTER;
        if (by) {
            range->value =
                parse_keep(p, arena_printf(p->arena, "end_of_%s", point_names[token->arg]));
        }
    } else if (before == TOKEN_SINCE) {
        range->kind = ASK_TIME_SINCE;
    } else if (is_weekday(token->arg)) {
        range->kind = is_about_change(p) ? ASK_TIME_SINCE : ASK_TIME_WEEKDAY;
    } else {
        range->kind = is_about_change(p) && token->arg == TIME_POINT_YESTERDAY ? ASK_TIME_SINCE
                                                                               : ASK_TIME_DAY;
    }
    return true;
}

/* last|next|this [n] unit, since n unit, the 12th. */
static bool read_span(struct parse *p, uint32_t at, struct ask_time_range *range)
{
    const struct token *token = &p->tokens[at];
    enum token_kind before = kind_before(p, at);
    const struct quantity *q = token->kind == TOKEN_QUANTITY ? token_quantity(p, token) : NULL;
    enum ask_unit unit = q ? q->unit : (enum ask_unit)token->arg;

    if (q && unit == UNIT_ORDINAL) {
        range->kind = before == TOKEN_SINCE ? ASK_TIME_SINCE : ASK_TIME_DAY;
        range->value = parse_keep(
            p, arena_printf(p->arena, "day_of_month:%lld", (long long)(q->value / QUANTITY_ONE)));
        return true;
    }
    if (!is_one_of(before, TOKEN_LAST, TOKEN_SINCE, TOKEN_NEXT, TOKEN_THIS, TOKEN_END_OF) &&
        is_one_of(kind_at(p, (int64_t)at + 1), TOKEN_NEXT, TOKEN_LAST)) {
        before = kind_at(p, (int64_t)at + 1); /* "le mois prochain" */
    }
    if (unit >= UNIT_COUNT || !unit_names[unit]) {
        return false;
    }
    range->n = q ? (int64_t)(q->value / QUANTITY_ONE) : 1;
    range->unit = str_from(unit_names[unit]);
    switch (before) {
    case TOKEN_LAST:
    case TOKEN_SINCE:
        range->kind = ASK_TIME_LAST;
        return true;
    case TOKEN_NEXT:
        range->kind = ASK_TIME_NEXT;
        return true;
    case TOKEN_THIS:
        range->kind = ASK_TIME_CURRENT;
        return true;
    case TOKEN_END_OF:
        range->kind = ASK_TIME_BY;
        range->value = parse_keep(p, arena_printf(p->arena, "end_of_%s", unit_names[unit]));
        range->n = 0;
        range->unit = (struct str){NULL, 0};
        return true;
    default:
        return false;
    }
}

static const char *month_name(const struct token *token)
{
    static const char *const months[] = {"january",   "february", "march",    "april",
                                         "may",       "june",     "july",     "august",
                                         "september", "october",  "november", "december"};

    return months[(token->arg + 11) % 12];
}

static bool read_month(struct parse *p, uint32_t at, struct ask_time_range *range)
{
    enum token_kind before = kind_before(p, at);

    range->value = str_from(month_name(&p->tokens[at]));
    range->kind = before == TOKEN_SINCE    ? ASK_TIME_SINCE
                  : before == TOKEN_END_OF ? ASK_TIME_BY
                                           : ASK_TIME_DAY;
    return true;
}

void time_range_read(struct parse *p)
{
    for (uint32_t i = 0; i < p->token_count; i++) {
        struct ask_time_range range = {0};
        bool found = false;

        switch (p->tokens[i].kind) {
        case TOKEN_TIME_POINT:
            found = read_point(p, i, &range);
            break;
        case TOKEN_UNIT:
        case TOKEN_QUANTITY:
            found = read_span(p, i, &range);
            break;
        case TOKEN_MONTH_NAME:
            found = read_month(p, i, &range);
            break;
        default:
            break;
        }
        if (found) {
            p->out->time_range = range;
            return;
        }
    }
}

/* --- what may be proposed --- */

/* "end_of_month", "end_of_Q1". */
static bool is_end_of(struct str value, const char *name)
{
    struct str prefix = STR("end_of_");

    return name && str_starts_with(value, prefix) &&
           str_equal(str_slice(value, prefix.length, value.length), str_from(name));
}

static bool point_is(int32_t point, const struct ask_time_range *range)
{
    if (range->kind == ASK_TIME_BY && is_quarter(point) &&
        is_end_of(range->value, point_names[point])) {
        return true;
    }
    if (!str_equal(range->value, str_from(point_names[point]))) {
        return false;
    }
    switch (range->kind) {
    case ASK_TIME_WEEKDAY:
        return is_weekday(point);
    case ASK_TIME_QUARTER:
        return is_quarter(point);
    case ASK_TIME_EVENT:
        return is_event(point);
    default:
        return !is_event(point) || range->kind == ASK_TIME_SINCE || range->kind == ASK_TIME_BY;
    }
}

/* Whether a number of units is said: "30 days"; a unit alone is one of it. */
static bool span_is(const struct parse *p, const struct token *token, int64_t n, struct str unit)
{
    const struct quantity *q = token->kind == TOKEN_QUANTITY ? token_quantity(p, token) : NULL;
    unsigned said = q ? (unsigned)q->unit : (unsigned)token->arg;

    if (said >= UNIT_COUNT || !unit_names[said] || !str_equal(unit, str_from(unit_names[said]))) {
        return false;
    }
    return q ? q->value == (int128)n * QUANTITY_ONE || q->high == (int128)n * QUANTITY_ONE : n == 1;
}

static bool value_is(const struct parse *p, const struct token *token,
                     const struct ask_time_range *range)
{
    struct str ordinal = STR("day_of_month:");
    uint64_t day;

    switch (token->kind) {
    case TOKEN_TIME_POINT:
        return point_is(token->arg, range);
    case TOKEN_MONTH_NAME:
        return range->kind <= ASK_TIME_DAY || range->kind == ASK_TIME_BY
                   ? str_equal(range->value, str_from(month_name(token)))
                   : false;
    case TOKEN_UNIT:
        return range->kind == ASK_TIME_BY && (unsigned)token->arg < UNIT_COUNT &&
               is_end_of(range->value, unit_names[token->arg]);
    case TOKEN_QUANTITY:
        return token_quantity(p, token)->unit == UNIT_ORDINAL && range->kind <= ASK_TIME_DAY &&
               str_starts_with(range->value, ordinal) &&
               decimal_parse_u64(str_slice(range->value, ordinal.length, range->value.length),
                                 &day) == OK &&
               token_quantity(p, token)->value == (int128)day * QUANTITY_ONE;
    default:
        return false;
    }
}

static bool hours_are_said(const struct parse *p, int64_t hours)
{
    bool said = hours == 0;

    for (uint32_t i = 0; i < p->token_count && !said; i++) {
        said = p->tokens[i].kind == TOKEN_QUANTITY &&
               span_is(p, &p->tokens[i], hours, str_from(unit_names[UNIT_HOUR]));
    }
    return said;
}

bool time_range_is_said(const struct parse *p, const struct ask_time_range *range)
{
    bool is_span = range->kind == ASK_TIME_LAST || range->kind == ASK_TIME_NEXT ||
                   range->kind == ASK_TIME_CURRENT;

    if (range->kind == ASK_TIME_EVENT && !hours_are_said(p, range->n)) {
        return false;
    }
    for (uint32_t i = 0; i < p->token_count; i++) {
        const struct token *token = &p->tokens[i];
        bool is_measure = token->kind == TOKEN_UNIT || token->kind == TOKEN_QUANTITY;

        if (is_span ? is_measure && span_is(p, token, range->n, range->unit)
                    : value_is(p, token, range)) {
            return true;
        }
    }
    return false;
}
