/*
 * Number tokens → QUANTITY tokens: value, scale, unit, currency, period, sign and range as one.
 *
 *     [sign] [currency] number [scale] [("-" | "to" | "and") number] [currency] [unit] [period]
 *
 * Values have nine decimals in 128 bits. More than ASK_VALUE_MAX is marked as overflow and never
 * computed with. In languages with a decimal comma "1,5" is 1.5 and "10.000" is ten thousand;
 * elsewhere the other way round; where only one reading is possible that one is taken.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/parse.h"

#define DIGITS_MAX    18 /* of one number, before or behind the point */
#define VALUE_MAX     ((int128)1000000000000000LL * QUANTITY_ONE)
#define PERCENT_ONE   100
#define MS_PER_SECOND 1000
#define TENTHS_ONE    10

struct reader {
    struct parse *p;
    uint32_t at; /* next token */
};

static const struct token *peek(const struct reader *r, uint32_t ahead)
{
    static const struct token end = {.kind = TOKEN_SENTENCE};

    return r->at + ahead < r->p->token_count ? &r->p->tokens[r->at + ahead] : &end;
}

static bool has_decimal_comma(enum ask_language language)
{
    return language == LANGUAGE_ES || language == LANGUAGE_FR || language == LANGUAGE_DE ||
           language == LANGUAGE_PT || language == LANGUAGE_RU || language == LANGUAGE_PL;
}

/* The byte index of the decimal separator in digits, or length. */
static size_t find_decimal_separator(struct str digits, bool decimal_comma)
{
    size_t last = digits.length;
    unsigned kinds = 0;
    unsigned count = 0;

    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] == '.' || digits.data[i] == ',') {
            unsigned kind = digits.data[i] == '.' ? 1 : 2;

            kinds |= kind;
            last = i;
            count++;
        }
    }
    if (count == 0) {
        return digits.length;
    }
    if (kinds == 3) {
        return last;
    }
    bool three_follow = digits.length - last - 1 == 3;
    bool is_zero = digits.data[0] == '0';
    char group = decimal_comma ? '.' : ',';
    if (count > 1 || (three_follow && !is_zero && last <= 3 && digits.data[last] == group)) {
        return digits.length;
    }
    return last;
}

static int128 multiply(int128 value, int128 factor, int128 divisor, bool *overflow)
{
    int128 product;

    if (__builtin_mul_overflow(value, factor, &product) || product / divisor > VALUE_MAX ||
        product / divisor < -VALUE_MAX) {
        *overflow = true;
        return 0;
    }
    return product / divisor;
}

static int128 power_of_ten(int32_t exponent)
{
    int128 value = 1;

    for (int32_t i = 0; i < exponent && i < DIGITS_MAX; i++) {
        value *= 10;
    }
    return value;
}

/* "1e6"; what leaves the range of values is an overflow, upwards, or zero. */
static int128 scale_by_exponent(int128 value, struct str exponent, bool *ret_overflow)
{
    bool negative = exponent.data[0] == '-';
    int32_t power = 0;

    for (size_t i = 0; i < exponent.length && power < DIGITS_MAX; i++) {
        char c = exponent.data[i];
        power = c >= '0' && c <= '9' ? power * 10 + (c - '0') : power;
    }
    if (power >= DIGITS_MAX) {
        *ret_overflow |= !negative && value != 0;
        return 0;
    }
    return negative ? value / power_of_ten(power)
                    : multiply(value, power_of_ten(power), 1, ret_overflow);
}

static int128 read_digits(struct str digits, bool decimal_comma, bool *ret_overflow)
{
    size_t point = find_decimal_separator(digits, decimal_comma);
    int128 value = 0;
    int128 unit = QUANTITY_ONE;
    size_t significant = 0;

    for (size_t i = 0; i < digits.length; i++) {
        char c = digits.data[i];

        if (c == 'e') {
            return scale_by_exponent(value, str_slice(digits, i + 1, digits.length), ret_overflow);
        }
        if (c < '0' || c > '9') {
            continue;
        }
        if (i < point) {
            significant += significant > 0 || c != '0';
            if (significant > DIGITS_MAX) {
                *ret_overflow = true;
                return 0;
            }
            value = value * 10 + (c - '0') * (int128)QUANTITY_ONE;
        } else if (unit > 1) {
            unit /= 10;
            value += (c - '0') * unit;
        }
    }
    return value;
}

/* "10 000": groups of three digits behind a space. */
static bool continues_group(const struct reader *r, const struct token *token)
{
    const struct token *next = peek(r, 0);

    return next->kind == TOKEN_NUMBER && next->arg == -1 && next->end - next->begin == 3 &&
           next->begin == token->end + 1 && token->end - token->begin <= 3;
}

static int128 read_digit_number(struct reader *r, bool *overflow, bool *is_part)
{
    bool decimal_comma = has_decimal_comma(r->p->language);
    const struct token *token = peek(r, 0);
    int128 value = read_digits(token_text(r->p, token), decimal_comma, overflow);

    r->at++;
    while (continues_group(r, token)) {
        token = peek(r, 0);
        value = multiply(value, 1000, 1, overflow) +
                read_digits(token_text(r->p, token), decimal_comma, overflow);
        r->at++;
    }
    if (peek(r, 0)->kind == TOKEN_SLASH && peek(r, 0)->begin == token->end &&
        peek(r, 1)->kind == TOKEN_NUMBER && peek(r, 1)->arg == -1 &&
        peek(r, 1)->begin == token->end + 1) {
        int128 divisor = read_digits(token_text(r->p, peek(r, 1)), decimal_comma, overflow);

        if (divisor > 0) {
            *is_part = true;
            value = multiply(value, QUANTITY_ONE, divisor, overflow);
            r->at += 2;
        }
    }
    return value;
}

/* Words: twenty + five; tens before units only. CJK: two + ten = twenty. */
static int128 read_word_number(struct reader *r)
{
    int32_t value = peek(r, 0)->arg;

    r->at++;
    for (unsigned i = 0; i < 2; i++) {
        bool hyphen = peek(r, 0)->kind == TOKEN_MINUS && value >= 20 && value % 10 == 0 &&
                      peek(r, 1)->begin == peek(r, 0)->end;
        const struct token *next = peek(r, hyphen); /* "twenty-five" */

        if (next->kind != TOKEN_NUMBER || next->arg < 0) {
            break;
        }
        if (next->arg == 10 && value > 0 && value < 10) {
            value *= 10;
        } else if (value >= 10 && value % 10 == 0 && next->arg < 10 && next->arg > 0) {
            value += next->arg;
        } else {
            break;
        }
        r->at += 1 + hyphen;
    }
    return (int128)value * QUANTITY_ONE;
}

/* "the chat one": a one that counts nothing. */
static bool is_pronoun(const struct reader *r)
{
    enum token_kind next = peek(r, 1)->kind;

    return peek(r, 0)->arg == 1 &&
           !is_one_of(next, TOKEN_UNIT, TOKEN_SCALE, TOKEN_CURRENCY, TOKEN_PART, TOKEN_MINUS,
                      TOKEN_QUICK_WIN, TOKEN_NUMBER);
}

/* The number itself with its scale words. False when none stands here. */
static bool read_plain(struct reader *r, struct quantity *q, int128 *ret_value)
{
    const struct token *token = peek(r, 0);
    int128 value;

    if (token->kind == TOKEN_PART) {
        value = (int128)(token->arg / 100) * QUANTITY_ONE / (token->arg % 100);
        q->unit = UNIT_FRACTION;
        r->at++;
    } else if (token->kind == TOKEN_NUMBER && !is_pronoun(r)) {
        bool is_part = false;
        value =
            token->arg == -1 ? read_digit_number(r, &q->overflow, &is_part) : read_word_number(r);
        q->unit = is_part ? UNIT_FRACTION : q->unit;
        if (peek(r, 0)->kind == TOKEN_PART && peek(r, 0)->arg / 100 == 1) {
            value = value / (peek(r, 0)->arg % 100);
            q->unit = UNIT_FRACTION;
            r->at++;
        }
    } else if (token->kind == TOKEN_SCALE && token->arg <= 3) {
        value = QUANTITY_ONE;
    } else {
        return false;
    }
    while (peek(r, 0)->kind == TOKEN_SCALE) {
        value = multiply(value, power_of_ten(peek(r, 0)->arg), 1, &q->overflow);
        r->at++;
    }
    *ret_value = value;
    return true;
}

static void take_currency(struct reader *r, struct quantity *q)
{
    const struct token *token = peek(r, 0);

    if (token->kind == TOKEN_CURRENCY && q->currency[0] == '\0') {
        q->currency[0] = (char)(token->arg >> 16);
        q->currency[1] = (char)(token->arg >> 8);
        q->currency[2] = (char)token->arg;
        q->unit = UNIT_MONEY;
        r->at++;
    }
}

static bool is_article(const struct token *token)
{
    return token->kind == TOKEN_STOP && token->arg == 1;
}

static void apply_unit(struct quantity *q, enum ask_unit unit, int128 *value)
{
    switch (unit) {
    case UNIT_FRACTION:
        *value /= PERCENT_ONE;
        q->unit = UNIT_FRACTION;
        break;
    case UNIT_TENTHS:
        *value /= TENTHS_ONE;
        q->unit = UNIT_FRACTION;
        break;
    case UNIT_SECOND:
        *value = multiply(*value, MS_PER_SECOND, 1, &q->overflow);
        q->unit = UNIT_MS;
        break;
    default:
        q->unit = unit;
        break;
    }
}

/* "half a second": the article between a part and its unit; "half of a". */
static void take_unit(struct reader *r, struct quantity *q, int128 *value)
{
    uint32_t skip = peek(r, 0)->kind == TOKEN_MINUS && peek(r, 1)->kind == TOKEN_UNIT;
    const struct token *token = peek(r, skip);

    if (q->unit == UNIT_FRACTION && (is_article(token) || token->kind == TOKEN_OF) &&
        peek(r, 1)->kind == TOKEN_UNIT && peek(r, 1)->arg != UNIT_FRACTION &&
        peek(r, 1)->arg != UNIT_TOKENS) {
        skip = 1;
        token = peek(r, 1);
    }
    if (token->kind == TOKEN_UNIT && q->unit != UNIT_MONEY) {
        apply_unit(q, (enum ask_unit)token->arg, value);
        r->at += skip + 1;
    }
}

static bool is_period(enum ask_unit unit)
{
    switch (unit) {
    case UNIT_HOUR:
    case UNIT_DAY:
    case UNIT_WEEK:
    case UNIT_MONTH:
    case UNIT_QUARTER:
    case UNIT_YEAR:
    case UNIT_REQUESTS:
        return true;
    default:
        return false;
    }
}

/* A bare number only before a word that is nothing else: "10k monthly", not "2 a day". */
static bool can_have_period(const struct quantity *q, bool periodic)
{
    return q->unit == UNIT_MONEY || q->unit == UNIT_REQUESTS || (q->unit == UNIT_NONE && periodic);
}

static void take_period(struct reader *r, struct quantity *q)
{
    const struct token *token = peek(r, 0);
    bool periodic = token->kind == TOKEN_PERIODIC;
    bool per_unit = (is_one_of(token->kind, TOKEN_PER, TOKEN_SLASH) || is_article(token)) &&
                    peek(r, 1)->kind == TOKEN_UNIT;

    if (!periodic && !per_unit) {
        return;
    }
    enum ask_unit period = (enum ask_unit)(periodic ? token->arg : peek(r, 1)->arg);
    if (period == UNIT_MINUTE && q->unit == UNIT_TOKENS) {
        q->unit = UNIT_TPM;
    } else if (period == UNIT_MINUTE && q->unit == UNIT_REQUESTS) {
        q->unit = UNIT_RPM;
    } else if (is_period(period) && can_have_period(q, periodic)) {
        q->period = period;
    } else {
        return;
    }
    r->at += periodic ? 1 : 2;
}

/* A lower-case "m" after a number is a minute when the number is no money: "5m cache". */
static bool is_minute_letter(const struct reader *r, uint32_t scale_at)
{
    const struct token *token = &r->p->tokens[scale_at];

    if (token->kind != TOKEN_SCALE || token->end - token->begin != 1 || token->arg != 6) {
        return false;
    }
    struct str written = normalise_original(&r->p->text, token->begin, token->end);
    const struct token *after = peek(r, 0);
    return str_equal(written, STR("m")) && after->kind != TOKEN_UNIT &&
           after->kind != TOKEN_CURRENCY && after->kind != TOKEN_METRIC;
}

/* One value with its unit. */
static bool read_value(struct reader *r, struct quantity *q)
{
    uint32_t start = r->at;
    int128 value;
    bool percent_before = peek(r, 0)->kind == TOKEN_UNIT && peek(r, 0)->arg == UNIT_FRACTION;

    r->at += percent_before;
    take_currency(r, q);
    if (!read_plain(r, q, &value)) {
        r->at = start;
        return false;
    }
    if (r->at - start == 2 && is_minute_letter(r, r->at - 1) && q->unit == UNIT_NONE) {
        value = value / power_of_ten(6);
        q->unit = UNIT_MINUTE;
    }
    take_currency(r, q);
    take_unit(r, q, &value);
    if (percent_before && q->unit == UNIT_NONE) {
        apply_unit(q, UNIT_FRACTION, &value);
    }
    take_period(r, q);
    q->overflow |= value > VALUE_MAX;
    q->value = q->overflow ? 0 : value;
    return true;
}

static bool is_range_joint(const struct reader *r, const struct reader *start)
{
    enum token_kind joint = peek(r, 0)->kind;
    enum token_kind before = start->at > 0 ? start->p->tokens[start->at - 1].kind : TOKEN_SENTENCE;

    return is_one_of(joint, TOKEN_TO, TOKEN_MINUS) ||
           (joint == TOKEN_AND && before == TOKEN_BETWEEN);
}

/* Gives the unit of the one to the other, which was written without. The arguments of their last
 * tokens tell seconds from milliseconds. */
static void lend_unit(const struct quantity *from, int32_t from_arg, struct quantity *to)
{
    to->unit = from->unit;
    memcpy(to->currency, from->currency, sizeof(to->currency));
    if (from->unit == UNIT_FRACTION) {
        to->value /= PERCENT_ONE;
    } else if (from->unit == UNIT_MS && from_arg == UNIT_SECOND) {
        to->value = multiply(to->value, MS_PER_SECOND, 1, &to->overflow);
    }
}

static void share_unit(struct quantity *first, int32_t first_arg, struct quantity *second,
                       int32_t second_arg)
{
    if (first->unit == UNIT_NONE && second->unit != UNIT_NONE) {
        lend_unit(second, second_arg, first);
    } else if (second->unit == UNIT_NONE && first->unit != UNIT_NONE) {
        lend_unit(first, first_arg, second);
    }
}

/* A second value behind a joint makes a range, or the goal of "from … to …". The unit may be
 * written once. */
static void read_range(struct reader *r, const struct reader *start, struct quantity *q)
{
    struct reader ahead = *r;
    struct quantity second = {0};
    enum token_kind before = start->at > 0 ? start->p->tokens[start->at - 1].kind : TOKEN_SENTENCE;

    if (!is_range_joint(r, start) || q->sign) {
        return;
    }
    ahead.at++;
    if (!read_value(&ahead, &second)) {
        return;
    }
    share_unit(q, r->p->tokens[r->at - 1].arg, &second, r->p->tokens[ahead.at - 1].arg);
    if (q->unit != second.unit) {
        return;
    }
    q->period = second.period ? second.period : q->period;
    q->overflow |= second.overflow;
    q->high = second.value;
    q->is_from_to = before == TOKEN_FROM;
    q->is_range = !q->is_from_to;
    r->at = ahead.at;
}

/* A written sign counts when nothing that it could subtract from touches it. */
static bool is_sign(const struct parse *p, uint32_t at)
{
    const struct token *token = &p->tokens[at];

    if (token->kind != TOKEN_MINUS && token->kind != TOKEN_PLUS) {
        return false;
    }
    bool next_touches =
        at + 1 < p->token_count && p->tokens[at + 1].begin <= token->end + 1 &&
        (p->tokens[at + 1].kind == TOKEN_NUMBER || p->tokens[at + 1].kind == TOKEN_CURRENCY);
    bool before_touches =
        at > 0 && p->tokens[at - 1].end == token->begin &&
        is_one_of(p->tokens[at - 1].kind, TOKEN_NUMBER, TOKEN_UNIT, TOKEN_QUANTITY);
    return next_touches && !before_touches;
}

/* "1)" and "2." at the start of a line number a list. */
static bool is_list_mark(const struct parse *p, uint32_t at)
{
    bool starts = at == 0 || p->tokens[at - 1].kind == TOKEN_SENTENCE ||
                  p->tokens[at - 1].kind == TOKEN_QUESTION ||
                  p->tokens[at - 1].kind == TOKEN_OPEN || p->tokens[at - 1].kind == TOKEN_COMMA ||
                  p->tokens[at - 1].kind == TOKEN_AND;

    if (!starts || p->tokens[at].kind != TOKEN_NUMBER || at + 1 >= p->token_count) {
        return false;
    }
    enum token_kind next = p->tokens[at + 1].kind;
    return next == TOKEN_CLOSE ||
           (next == TOKEN_SENTENCE && p->text.data[p->tokens[at + 1].begin] == '.' &&
            at + 2 < p->token_count && p->tokens[at].end - p->tokens[at].begin <= 2);
}

/* An article before a unit means one: "under a second". */
static bool is_unit_of_one(const struct reader *r)
{
    const struct token *before = r->at > 0 ? &r->p->tokens[r->at - 1] : NULL;

    return is_article(peek(r, 0)) && peek(r, 1)->kind == TOKEN_UNIT && before &&
           (is_one_of(before->kind, TOKEN_AT_MOST, TOKEN_AT_LEAST, TOKEN_TO, TOKEN_ACCEPT)) &&
           (peek(r, 1)->arg == UNIT_SECOND || peek(r, 1)->arg == UNIT_MINUTE ||
            peek(r, 1)->arg == UNIT_EFFORT_WEEKS);
}

static bool read_quantity(struct reader *r, struct quantity *q)
{
    struct reader start = *r;

    *q = (struct quantity){0};
    if (is_unit_of_one(r)) {
        int128 value = QUANTITY_ONE;

        apply_unit(q, (enum ask_unit)peek(r, 1)->arg, &value);
        q->value = value;
        r->at += 2;
        return true;
    }
    if (is_sign(r->p, r->at)) {
        q->sign = peek(r, 0)->kind == TOKEN_MINUS ? -1 : 1;
        r->at++;
    } else if (peek(r, 0)->kind == TOKEN_CURRENCY && is_sign(r->p, r->at + 1)) {
        /* "$-500": rare, but people type it */
        q->sign = -1;
    }
    if (!read_value(r, q)) {
        *r = start;
        return false;
    }
    read_range(r, &start, q);
    return true;
}

const struct quantity *token_quantity(const struct parse *p, const struct token *token)
{
    return &p->quantities[token->arg];
}

/* Units that measure nothing here: "our TPM limit", "tokens". */
static struct token without_number(struct token token)
{
    if (token.kind == TOKEN_UNIT && (token.arg == UNIT_RPM || token.arg == UNIT_TPM)) {
        token.kind = TOKEN_METRIC;
        token.arg = token.arg == UNIT_RPM ? METRIC_RPM : METRIC_TPM;
    } else if (token.kind == TOKEN_UNIT && token.arg == UNIT_TOKENS) {
        token.kind = TOKEN_DOMAIN;
    }
    return token;
}

int quantities_build(struct parse *p)
{
    struct reader r = {.p = p};
    uint32_t to = 0;
    uint32_t numbers = 0;

    for (uint32_t i = 0; i < p->token_count; i++) {
        enum token_kind kind = p->tokens[i].kind;
        numbers +=
            is_one_of(kind, TOKEN_NUMBER, TOKEN_PART, TOKEN_SCALE) || (kind == TOKEN_UNIT && i > 0);
    }
    p->quantities = arena_alloc(p->arena, (size_t)numbers + 1, sizeof(*p->quantities));
    if (!p->quantities) {
        return ERR_NO_MEMORY;
    }
    while (r.at < p->token_count) {
        uint32_t start = r.at;
        struct quantity q;

        if (is_list_mark(p, start)) {
            p->tokens[to] = p->tokens[start + 1];
            p->tokens[to++].kind = TOKEN_SENTENCE;
            r.at += 2;
        } else if (read_quantity(&r, &q)) {
            struct token made = {.kind = TOKEN_QUANTITY,
                                 .arg = (int32_t)p->quantity_count,
                                 .begin = p->tokens[start].begin,
                                 .end = p->tokens[r.at - 1].end};

            made.languages = p->tokens[start].languages;
            p->quantities[p->quantity_count++] = q;
            p->tokens[to++] = made;
        } else {
            p->tokens[to++] = without_number(p->tokens[r.at++]);
        }
    }
    p->token_count = to;
    return OK;
}
