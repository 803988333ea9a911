/*
 * Numbers are the user's. A value of a proposal must be a number of the prompt in one of the forms
 * below, which are those that the grammar itself uses: 20 % and a fifth are 0.2 of something, "2x"
 * and "halve" are a factor of 2, a part of 1 − 1/2 or a growth of 2 − 1, "1.5 s" is 1500 ms. Only a
 * number without a unit may be read in several ways; one with a unit keeps it: 20 % is never 20 ms,
 * and 5 dollars a day never 5 euros or 5 dollars a month.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/proposal.h"

#define MS_PER_SECOND       1000
#define MS_PER_MINUTE       60000
#define MS_PER_HOUR         3600000
#define THOUSAND            1000
#define MILLION             1000000
#define PERCENT_ONE         100
#define PER_MINUTE          60            /* of what is said per second */
#define DOUBLE_DIGITS       1000000000000 /* a double keeps more than twelve digits */
#define ROUNDED_SHARE       100 /* a rounded share differs by at most a hundredth of itself */
#define STATISTIC_BYTES_MAX 36  /* the grammar's own longest: five of them */
#define NUMBERS_A_TOKEN     3

enum form_kind {
    FORM_TIMES,        /* n × factor */
    FORM_PER,          /* n ÷ factor */
    FORM_SCORE,        /* n, when it is below 1 */
    FORM_LESS_ONE,     /* n − 1 */
    FORM_INVERSE,      /* 1 ÷ n */
    FORM_LESS_INVERSE, /* 1 − 1 ÷ n */
};

/* The one table of what a number of the prompt may become. */
static const struct form {
    enum ask_unit said;
    enum value_unit proposed;
    enum form_kind kind;
    int32_t factor;
} forms[] = {
    {UNIT_FRACTION, VALUE_FRACTION, FORM_TIMES, 1},
    {UNIT_FRACTION, VALUE_FRACTION_OF_MAX, FORM_TIMES, 1},
    {UNIT_FRACTION, VALUE_MARGIN, FORM_TIMES, 1},
    {UNIT_FRACTION, VALUE_GROWTH, FORM_TIMES, 1},
    {UNIT_FACTOR, VALUE_X, FORM_TIMES, 1},
    {UNIT_FACTOR, VALUE_FRACTION, FORM_LESS_INVERSE, 1}, /* halve it: 0.5 less */
    {UNIT_FACTOR, VALUE_FRACTION, FORM_INVERSE, 1},      /* a third of it */
    {UNIT_FACTOR, VALUE_GROWTH, FORM_LESS_ONE, 1},       /* doubles: +1 */
    {UNIT_FACTOR, VALUE_GROWTH, FORM_LESS_INVERSE, 1},   /* halves: −0.5 */
    {UNIT_MS, VALUE_MS, FORM_TIMES, 1},                  /* seconds are milliseconds by now */
    {UNIT_MINUTE, VALUE_MS, FORM_TIMES, MS_PER_MINUTE},
    {UNIT_HOUR, VALUE_MS, FORM_TIMES, MS_PER_HOUR},
    {UNIT_MONEY, VALUE_MONEY, FORM_TIMES, 1},
    {UNIT_TOKENS, VALUE_TOKENS, FORM_TIMES, 1},
    {UNIT_TOKENS, VALUE_TOKENS_PER_MINUTE, FORM_TIMES, 1},
    {UNIT_TOKENS, VALUE_TOKENS_PER_MINUTE, FORM_TIMES, PER_MINUTE},
    {UNIT_TPM, VALUE_TOKENS_PER_MINUTE, FORM_TIMES, 1},
    {UNIT_REQUESTS, VALUE_REQUESTS_PER_MINUTE, FORM_TIMES, 1},
    {UNIT_REQUESTS, VALUE_REQUESTS_PER_MINUTE, FORM_TIMES, PER_MINUTE},
    {UNIT_RPM, VALUE_REQUESTS_PER_MINUTE, FORM_TIMES, 1},
    {UNIT_WEEK, VALUE_ENGINEER_WEEK, FORM_TIMES, 1},
    {UNIT_EFFORT_WEEKS, VALUE_ENGINEER_WEEK, FORM_TIMES, 1},
    /* Without a unit: what it counts is the proposal's to say. */
    {UNIT_NONE, VALUE_FRACTION, FORM_SCORE, 1},
    {UNIT_NONE, VALUE_FRACTION, FORM_PER, PERCENT_ONE},
    {UNIT_NONE, VALUE_FRACTION_OF_MAX, FORM_SCORE, 1},
    {UNIT_NONE, VALUE_FRACTION_OF_MAX, FORM_PER, PERCENT_ONE},
    {UNIT_NONE, VALUE_MARGIN, FORM_SCORE, 1},
    {UNIT_NONE, VALUE_MARGIN, FORM_PER, PERCENT_ONE},
    {UNIT_NONE, VALUE_GROWTH, FORM_PER, PERCENT_ONE},
    {UNIT_NONE, VALUE_GROWTH, FORM_LESS_ONE, 1},
    {UNIT_NONE, VALUE_X, FORM_TIMES, 1},
    {UNIT_NONE, VALUE_MS, FORM_TIMES, 1},
    {UNIT_NONE, VALUE_MS, FORM_TIMES, MS_PER_SECOND},
    {UNIT_NONE, VALUE_MS, FORM_TIMES, MS_PER_MINUTE},
    {UNIT_NONE, VALUE_MONEY, FORM_TIMES, 1},
    {UNIT_NONE, VALUE_MONEY, FORM_TIMES, THOUSAND},
    {UNIT_NONE, VALUE_MONEY, FORM_TIMES, MILLION},
    {UNIT_NONE, VALUE_TOKENS, FORM_TIMES, 1},
    {UNIT_NONE, VALUE_TOKENS, FORM_TIMES, THOUSAND},
    {UNIT_NONE, VALUE_TOKENS, FORM_TIMES, MILLION},
    {UNIT_NONE, VALUE_TOKENS_PER_MINUTE, FORM_TIMES, 1},
    {UNIT_NONE, VALUE_TOKENS_PER_MINUTE, FORM_TIMES, THOUSAND},
    {UNIT_NONE, VALUE_TOKENS_PER_MINUTE, FORM_TIMES, MILLION},
    {UNIT_NONE, VALUE_REQUESTS_PER_MINUTE, FORM_TIMES, 1},
    {UNIT_NONE, VALUE_REQUESTS_PER_MINUTE, FORM_TIMES, PER_MINUTE},
    {UNIT_NONE, VALUE_REQUESTS_PER_MINUTE, FORM_TIMES, THOUSAND},
    {UNIT_NONE, VALUE_PIECES, FORM_TIMES, 1},
    {UNIT_NONE, VALUE_ENGINEER_WEEK, FORM_TIMES, 1},
};

struct said_number {
    int128 value;
    enum ask_unit unit;
    enum ask_unit period;
    const char *currency; /* empty when not money */
};

/* The numbers that a token says. A range says both ends; "from 5 to 3" also by how much it moves.
 */
static size_t numbers_of_token(const struct parse *p, const struct token *token,
                               struct said_number numbers[NUMBERS_A_TOKEN])
{
    size_t count = 0;

    if (is_one_of(token->kind, TOKEN_MULTIPLY, TOKEN_DIVIDE) && token->arg > 0) {
        numbers[count++] =
            (struct said_number){(int128)token->arg * QUANTITY_ONE, UNIT_FACTOR, UNIT_NONE, ""};
    }
    if (token->kind != TOKEN_QUANTITY || token_quantity(p, token)->overflow) {
        return count;
    }
    const struct quantity *q = token_quantity(p, token);
    numbers[count++] = (struct said_number){q->value, q->unit, q->period, q->currency};
    if (q->is_range || q->is_from_to) {
        numbers[count++] = (struct said_number){q->high, q->unit, q->period, q->currency};
    }
    if (q->is_from_to && q->value > 0) {
        int128 change = q->high * QUANTITY_ONE / q->value - QUANTITY_ONE;
        numbers[count++] =
            (struct said_number){change < 0 ? -change : change, UNIT_FRACTION, UNIT_NONE, ""};
    }
    return count;
}

/* False where the form makes nothing of n. */
static bool apply_form(const struct form *form, int128 n, int128 *ret_value)
{
    int128 inverse = n >= QUANTITY_ONE ? (int128)QUANTITY_ONE * QUANTITY_ONE / n : 0;

    switch (form->kind) {
    case FORM_TIMES:
        *ret_value = n * form->factor;
        return true;
    case FORM_PER:
        *ret_value = n / form->factor;
        return true;
    case FORM_SCORE:
        *ret_value = n;
        return n < QUANTITY_ONE;
    case FORM_LESS_ONE:
        *ret_value = n - QUANTITY_ONE;
        return n > QUANTITY_ONE;
    case FORM_INVERSE:
        *ret_value = inverse;
        return inverse > 0;
    case FORM_LESS_INVERSE:
        *ret_value = QUANTITY_ONE - inverse;
        return inverse > 0;
    }
    return false;
}

bool proposal_is_same_number(int128 a, int128 b)
{
    int128 difference = a < b ? b - a : a - b;
    int128 size = b < 0 ? -b : b;

    return difference <= size / DOUBLE_DIGITS;
}

/* A share may be written with fewer digits than it has, rounded or cut: 0.67 for two thirds. */
static bool is_rounded(int128 written, int128 said)
{
    int128 step = QUANTITY_ONE;
    int128 difference = written < said ? said - written : written - said;

    while (step > 1 && written % step != 0) {
        step /= 10;
    }
    return step <= QUANTITY_ONE / 100 && (difference < step || difference == 1) &&
           difference * ROUNDED_SHARE <= said;
}

static bool is_share(enum value_unit unit)
{
    return unit == VALUE_FRACTION || unit == VALUE_FRACTION_OF_MAX || unit == VALUE_MARGIN ||
           unit == VALUE_GROWTH;
}

static bool names_currency(const struct parse *p, struct str code)
{
    for (uint32_t i = 0; i < p->token_count; i++) {
        const struct token *token = &p->tokens[i];
        const char packed[3] = {(char)(token->arg >> 16), (char)(token->arg >> 8),
                                (char)token->arg};

        if ((token->kind == TOKEN_CURRENCY && memcmp(packed, code.data, sizeof(packed)) == 0) ||
            (token->kind == TOKEN_QUANTITY &&
             str_equal(str_from(token_quantity(p, token)->currency), code))) {
            return true;
        }
    }
    return false;
}

/* A currency and a period that are said belong to the number. A bare one is of the prices' currency
 * or one that stands elsewhere. */
static bool is_same_money(const struct parse *p, const struct said_number *number,
                          struct str unit_name)
{
    struct str code = str_slice(unit_name, 0, 3);
    struct str period = str_slice(unit_name, 4, unit_name.length);
    const char *said = ask_period_name(number->period);

    if (said && !str_equal(period, str_from(said))) {
        return false;
    }
    if (number->unit == UNIT_MONEY) {
        return str_equal(code, str_from(number->currency));
    }
    return str_equal(code, STR("USD")) || names_currency(p, code);
}

struct wanted_number {
    int128 value;
    struct str unit_name;
    enum value_unit unit;
    bool rounded; /* a share that may lack digits */
};

static bool find_in_form(const struct parse *p, const struct form *form,
                         const struct wanted_number *wanted, int128 *ret_said)
{
    struct said_number numbers[NUMBERS_A_TOKEN];
    int128 made;

    for (uint32_t i = 0; i < p->token_count; i++) {
        size_t count = numbers_of_token(p, &p->tokens[i], numbers);

        for (size_t n = 0; n < count; n++) {
            if (numbers[n].unit == form->said && apply_form(form, numbers[n].value, &made) &&
                (wanted->rounded ? is_rounded(wanted->value, made)
                                 : proposal_is_same_number(wanted->value, made)) &&
                (wanted->unit != VALUE_MONEY || is_same_money(p, &numbers[n], wanted->unit_name))) {
                *ret_said = made;
                return true;
            }
        }
    }
    return false;
}

/* Forms outside, tokens inside: a prompt may hold 32,000 numbers, a unit has at most six forms. */
bool proposal_find_number(const struct proposal *r, enum value_unit unit, struct str unit_name,
                          int128 value, int128 *ret_said)
{
    struct wanted_number wanted = {value, unit_name, unit, /* rounded */ false};

    for (unsigned pass = 0; pass < (is_share(unit) ? 2u : 1u); pass++) {
        wanted.rounded = pass > 0;
        for (size_t f = 0; f < ARRAY_LENGTH(forms); f++) {
            if (forms[f].proposed == unit && find_in_form(r->said, &forms[f], &wanted, ret_said)) {
                return true;
            }
        }
    }
    return false;
}

/* --- statistics --- */

static bool is_statistic_said(const struct parse *p, struct str part)
{
    uint64_t percentile = 0;
    bool is_mean = str_equal(part, STR("mean"));

    if (str_equal(part, STR("p50")) || str_equal(part, STR("p95"))) {
        return true; /* what the grammar takes when none is said */
    }
    if (!is_mean &&
        (part.length < 2 || part.data[0] != 'p' || part.data[1] == '0' ||
         decimal_parse_u64(str_slice(part, 1, part.length), &percentile) || percentile == 0)) {
        return false;
    }
    for (uint32_t i = 0; i < p->token_count; i++) {
        if (p->tokens[i].kind == TOKEN_STAT && p->tokens[i].arg >= 0 &&
            (uint64_t)p->tokens[i].arg == percentile) {
            return true;
        }
    }
    return false;
}

bool proposal_has_statistic(const struct proposal *r, struct str stat)
{
    if (stat.length > STATISTIC_BYTES_MAX) {
        return false;
    }
    for (size_t begin = 0; begin <= stat.length;) {
        size_t end = str_find(stat, STR(","), begin);

        end = end == SIZE_MAX ? stat.length : end;
        if (!is_statistic_said(r->said, str_slice(stat, begin, end))) {
            return false;
        }
        begin = end + 1;
    }
    return true;
}
