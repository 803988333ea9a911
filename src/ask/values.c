/*
 * A value, its unit and the words around it → one constraint. The unit chooses the rule: shares,
 * factors, times, money, tokens, rates, bare numbers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/lists.h"
#include "ask/statement.h"

#define MS_PER_MINUTE 60000
#define MS_PER_HOUR   3600000

/* The comparison next before the value; TOKEN_KIND_COUNT when there is none. */
static enum token_kind comparison_before(const struct statement *s, uint32_t at)
{
    for (uint32_t i = at; i-- > s->clause->begin && at - i <= 3;) {
        enum token_kind kind = s->p->tokens[i].kind;

        if (kind == TOKEN_AT_LEAST && has(s, TOKEN_NEGATION)) {
            return TOKEN_AT_MOST; /* "must not drop more than" */
        }
        if (is_one_of(kind, TOKEN_AT_MOST, TOKEN_AT_LEAST, TOKEN_TO, TOKEN_BY, TOKEN_EXACTLY,
                      TOKEN_THAN)) {
            return kind;
        }
    }
    return TOKEN_KIND_COUNT;
}

/* "may grow", "no more than 10 % more", "2x slower is fine": a worsening that is tolerated. */
static bool is_tolerance(const struct statement *s, enum token_kind comparison)
{
    return has(s, TOKEN_ACCEPT) || comparison == TOKEN_AT_MOST || is_negated(s);
}

static bool goes_up(const struct statement *s, const struct quantity *q)
{
    return q->sign > 0 ||
           ((has_any(s, TOKEN_UP, TOKEN_MORE)) && !has_any(s, TOKEN_DOWN, TOKEN_LESS, TOKEN_SAVE));
}

/* A word of worsening: arg 0 hurts whatever it is about, arg 1 only says that a value falls. */
static bool has_worse(const struct statement *s, int32_t arg)
{
    for (uint32_t i = s->clause->begin; i < s->clause->end && has(s, TOKEN_WORSE); i++) {
        if (s->p->tokens[i].kind == TOKEN_WORSE && s->p->tokens[i].arg == arg) {
            return true;
        }
    }
    return false;
}

static bool goes_down(const struct statement *s, const struct quantity *q)
{
    return q->sign < 0 || has_worse(s, 1) || (has(s, TOKEN_OFF) && !has(s, TOKEN_MIGRATE)) ||
           has_any(s, TOKEN_DOWN, TOKEN_LESS, TOKEN_SAVE, TOKEN_TRIM, TOKEN_IMPROVE, TOKEN_DIVIDE);
}

static void emit_reduction(struct statement *s, enum ask_metric metric, const struct quantity *q)
{
    struct ask_constraint made = constraint_valued("reduce_by", q->value, "fraction");

    made.baseline = metric == METRIC_COST ? STR("current_total") : STR("current");
    if (metric == METRIC_LATENCY) {
        made.stat = statement_statistic(s, "p50,p95");
    }
    if (q->overflow) {
        made.has_value = false;
        s->p->infeasible = true;
    } else if (q->value > QUANTITY_ONE || q->value < 0 || q->high > QUANTITY_ONE) {
        s->p->infeasible = true;
    }
    if (q->is_range) {
        made.op = "reduce_by_range";
        made.is_range = true;
        made.value_high = decimal_of(q->high, QUANTITY_SCALE);
    }
    s->last_down = true;
    statement_emit(s, metric, made);
}

static void emit_share(struct statement *s, const char *op, int128 value, enum ask_metric metric)
{
    struct ask_constraint made = constraint_valued(op, value, "fraction");

    if (metric == METRIC_COST) {
        made.baseline = STR("current_total");
    }
    if (metric == METRIC_LATENCY) {
        made.stat = statement_statistic(s, "");
    }
    statement_emit(s, metric, made);
}

/* Quality: up is good, so the words read the other way round. */
static void read_quality_share(struct statement *s, const struct quantity *q,
                               enum token_kind comparison)
{
    bool loses = has_any(s, TOKEN_WORSE, TOKEN_DOWN, TOKEN_CHANGED_DOWN, TOKEN_LESS) || q->sign < 0;

    if (loses && !(comparison == TOKEN_AT_LEAST)) {
        emit_share(s, "decrease_at_most", q->value, METRIC_QUALITY);
    } else if ((has_any(s, TOKEN_IMPROVE, TOKEN_UP) || q->sign > 0) && comparison != TOKEN_TO) {
        statement_emit(s, METRIC_QUALITY,
                       constraint_valued("improve_by_at_least", q->value, "margin"));
    } else if (has(s, TOKEN_KEEP) && has(s, TOKEN_OF)) {
        statement_emit(s, METRIC_QUALITY, constraint_valued(">=", q->value, "fraction_of_max"));
    } else if (has(s, TOKEN_ACCEPT) && comparison != TOKEN_AT_LEAST && q->unit == UNIT_FRACTION &&
               q->value < QUANTITY_ONE / 2) {
        emit_share(s, "decrease_at_most", q->value, METRIC_QUALITY);
    } else {
        emit_share(s, ">=", q->value, METRIC_QUALITY);
    }
}

static bool is_tolerated(const struct statement *s, const struct quantity *q,
                         enum token_kind comparison)
{
    return is_tolerance(s, comparison) || q->sign > 0 || has(s, TOKEN_BUDGET);
}

/* Cost, latency, tokens: down is good. */
static void read_cost_like_share(struct statement *s, enum ask_metric metric,
                                 const struct quantity *q, enum token_kind comparison)
{
    bool down = goes_down(s, q);
    bool worsens = (goes_up(s, q) || has_worse(s, 0)) && !has(s, TOKEN_IMPROVE);

    if (worsens && !is_tolerated(s, q, comparison)) {
        return;
    }
    if (worsens || (has(s, TOKEN_ACCEPT) && !down)) {
        emit_share(s, "increase_at_most", q->value, metric);
    } else if (comparison == TOKEN_TO && down && !q->is_from_to) {
        emit_share(s, "<=", q->value, metric);
    } else if (down || s->last_down || comparison == TOKEN_BY) {
        emit_reduction(s, metric, q);
    } else if (comparison == TOKEN_AT_MOST) {
        emit_share(s, "increase_at_most", q->value, metric);
    }
}

static void read_share(struct statement *s, enum ask_metric metric, const struct quantity *q,
                       enum token_kind comparison)
{
    int128 goal = q->is_from_to ? q->high : q->value;

    switch (metric) {
    case METRIC_QUALITY:
        read_quality_share(s, q, comparison);
        break;
    case METRIC_CACHE_HIT:
        emit_share(s, ">=", goal, metric);
        break;
    case METRIC_ERROR_RATE:
        if (goes_down(s, q) && comparison == TOKEN_BY) {
            emit_reduction(s, metric, q);
        } else {
            emit_share(s, "<=", goal, metric);
        }
        break;
    case METRIC_RATE_LIMIT:
        statement_emit(s, METRIC_RPM, constraint_valued("<=", q->value, "fraction_of_max"));
        break;
    default:
        read_cost_like_share(s, metric, q, comparison);
        break;
    }
}

static void read_factor(struct statement *s, enum ask_metric metric, const struct quantity *q)
{
    struct ask_constraint made = constraint_valued("divide_by", q->value, "x");
    bool slower = has(s, TOKEN_MORE) || (goes_up(s, q) && !has(s, TOKEN_IMPROVE));

    made.baseline = metric == METRIC_COST ? STR("current_total") : STR("current");
    if (slower && metric != METRIC_QUALITY) {
        if (!is_tolerance(s, TOKEN_KIND_COUNT) && !has(s, TOKEN_IF)) {
            return;
        }
        made.op = "multiply_by_at_most";
        statement_emit(s, metric, made);
    } else if (goes_down(s, q) || s->last_down) {
        if (metric == METRIC_LATENCY || metric == METRIC_TTFT) {
            made.stat = statement_statistic(s, "p50,p95");
        }
        statement_emit(s, metric, made);
    }
}

static int128 milliseconds(const struct quantity *q, int128 value)
{
    int128 factor = q->unit == UNIT_MINUTE ? MS_PER_MINUTE : q->unit == UNIT_HOUR ? MS_PER_HOUR : 1;

    return value * factor;
}

static void read_duration(struct statement *s, enum ask_metric metric, const struct quantity *q)
{
    bool wider = q->is_from_to || q->is_range;
    struct ask_constraint made =
        constraint_valued("<=", milliseconds(q, wider ? q->high : q->value), "ms");

    if (q->overflow) {
        made.has_value = false;
        s->p->infeasible = true;
    }
    made.stat = statement_statistic(s, "");
    statement_emit(s, metric == METRIC_TTFT ? METRIC_TTFT : METRIC_LATENCY, made);
}

/* The period of an amount that is written elsewhere: "daily budget", "this month". */
static enum ask_unit period_nearby(const struct statement *s)
{
    for (uint32_t i = s->clause->begin; i < s->clause->end; i++) {
        const struct token *token = &s->p->tokens[i];

        if (token->kind == TOKEN_PERIODIC) {
            return (enum ask_unit)token->arg;
        }
        if (token->kind == TOKEN_THIS && i + 1 < s->clause->end &&
            s->p->tokens[i + 1].kind == TOKEN_UNIT) {
            return (enum ask_unit)s->p->tokens[i + 1].arg;
        }
        if (token->kind == TOKEN_TIME_POINT && token->arg == TIME_POINT_TODAY) {
            return UNIT_DAY;
        }
    }
    return UNIT_MONTH;
}

/* Words that make an amount a bound instead of a cut. */
static bool bounds_money(const struct statement *s, const struct quantity *q,
                         enum token_kind comparison)
{
    return q->is_from_to || is_one_of(comparison, TOKEN_AT_MOST, TOKEN_TO) ||
           has_any(s, TOKEN_BUDGET, TOKEN_OVERRUN, TOKEN_CAP, TOKEN_LIMIT, TOKEN_KEEP) ||
           sentence_has(s->p, s->clause, TOKEN_ALERT);
}

/* "cost 20 dollars": a bound or a cut, a day or a year? */
static bool is_unclear_amount(const struct statement *s, const struct quantity *q)
{
    return q->period == UNIT_NONE && clause_has_metric(s->p, s->clause, METRIC_COST) &&
           !s->clause->is_question && !goes_up(s, q);
}

static bool cuts_money(const struct statement *s, const struct quantity *q,
                       enum token_kind comparison, bool bound)
{
    bool reduces = has(s, TOKEN_SAVE) || (goes_down(s, q) && comparison != TOKEN_TO);

    return q->sign < 0 || (reduces && (!bound || comparison == TOKEN_BY));
}

static void read_money(struct statement *s, const struct quantity *q, enum token_kind comparison)
{
    enum ask_unit period = q->period ? q->period : period_nearby(s);
    bool bound = bounds_money(s, q, comparison);
    bool cuts = cuts_money(s, q, comparison, bound);
    struct ask_constraint made =
        constraint_valued(cuts ? "reduce_by_amount" : "<=", q->is_from_to ? q->high : q->value, "");

    if (!cuts && !bound) {
        if (is_unclear_amount(s, q)) {
            s->p->target_unclear = METRIC_COST;
        }
        return;
    }
    const char *name = ask_period_name(period);
    made.unit = parse_keep(s->p, arena_printf(s->p->arena, "%s/%s", q->currency,
                                              name ? name : ask_period_name(UNIT_MONTH)));
    made.baseline = cuts ? STR("current_total") : (struct str){NULL, 0};
    made.hard = cuts || !s->clause->is_question;
    if (q->overflow) {
        made.has_value = false;
        s->p->infeasible = true;
    }
    statement_emit(s, METRIC_COST, made);
}

static void read_tokens(struct statement *s, enum ask_metric metric, const struct quantity *q,
                        enum token_kind comparison)
{
    bool caps = has_any(s, TOKEN_CAP, TOKEN_LIMIT, TOKEN_TRIM, TOKEN_DOWN, TOKEN_KEEP) ||
                is_one_of(comparison, TOKEN_AT_MOST, TOKEN_TO, TOKEN_EXACTLY);

    if (!caps || has(s, TOKEN_CONTEXT_WINDOW) || (s->clause->is_question && !has(s, TOKEN_CAP))) {
        return;
    }
    statement_emit(s, metric == METRIC_NONE ? METRIC_OUTPUT_TOKENS : metric,
                   constraint_valued("<=", q->is_from_to ? q->high : q->value, "tokens"));
}

static void read_rate(struct statement *s, enum ask_metric metric, const struct quantity *q)
{
    statement_emit(
        s, metric,
        constraint_valued("<=", q->value, metric == METRIC_RPM ? "requests/min" : "tokens/min"));
}

/* "cost 20", "latency 200": of what? */
static bool is_unclear_number(const struct statement *s, enum token_kind next)
{
    return !has_any(s, TOKEN_TOP, TOKEN_WHICH) && !s->clause->is_question &&
           next != TOKEN_CONTEXT_WINDOW;
}

/* A bare number means something only beside some metrics. */
static void read_bare(struct statement *s, enum ask_metric metric, const struct quantity *q,
                      uint32_t at, enum token_kind comparison)
{
    enum token_kind next = at + 1 < s->clause->end ? s->p->tokens[at + 1].kind : TOKEN_SENTENCE;
    bool score = q->value <= QUANTITY_ONE;

    if (next == TOKEN_QUICK_WIN || (metric == METRIC_ACTIONS && !has(s, TOKEN_FEATURE_WORD))) {
        statement_emit(s, METRIC_ACTIONS, constraint_valued("<=", q->value, "count"));
        return;
    }
    switch (metric) {
    case METRIC_RPM:
    case METRIC_TPM:
        read_rate(s, metric, q);
        break;
    case METRIC_OUTPUT_TOKENS:
    case METRIC_INPUT_TOKENS:
    case METRIC_REASONING_TOKENS:
        read_tokens(s, metric, q, comparison);
        break;
    case METRIC_QUALITY:
        if (score) {
            read_quality_share(s, q, comparison);
        }
        break;
    case METRIC_CACHE_HIT:
        if (score) {
            emit_share(s, ">=", q->value, metric);
        }
        break;
    case METRIC_COST:
    case METRIC_LATENCY:
    case METRIC_TTFT:
        s->p->target_unclear = is_unclear_number(s, next) ? metric : s->p->target_unclear;
        break;
    default:
        break;
    }
}

/* Times that are dates, cache lifetimes or notes of today's value are no latencies. */
static bool is_latency_value(const struct statement *s, const struct quantity *q, uint32_t at,
                             enum ask_metric metric)
{
    enum token_kind before = at > s->clause->begin ? s->p->tokens[at - 1].kind : TOKEN_SENTENCE;

    if (q->unit != UNIT_MS && q->unit != UNIT_MINUTE && q->unit != UNIT_HOUR) {
        return false;
    }
    if (q->unit != UNIT_MS &&
        (metric == METRIC_NONE || is_one_of(before, TOKEN_LAST, TOKEN_NEXT, TOKEN_SINCE))) {
        return false;
    }
    return !has(s, TOKEN_CACHE) || metric != METRIC_NONE;
}

/* "divide latency by 2": the verb says what the number is. */
static bool divides_by_number(const struct statement *s)
{
    uint32_t at = clause_find(s->p, s->clause, TOKEN_DIVIDE);

    return at < s->clause->end && s->p->tokens[at].arg == 0;
}

/* A bare number that a period or a budget makes an amount: "under 10k a month". */
static bool is_amount(const struct statement *s, const struct quantity *q)
{
    return q->period != UNIT_NONE || has_any(s, TOKEN_PERIODIC, TOKEN_BUDGET);
}

static void take(struct statement *s, uint32_t metric_at)
{
    if (metric_at < s->clause->end && metric_at - s->clause->begin < 64) {
        s->taken |= UINT64_C(1) << (metric_at - s->clause->begin);
    }
}

/* The metric of a value that names none: that of the statement before, cost for a cut, latency for
 * a percentile. */
static enum ask_metric implied_metric(const struct statement *s, const struct quantity *q)
{
    if (q->unit == UNIT_FRACTION && (goes_down(s, q) || s->last_metric != METRIC_NONE)) {
        return s->last_metric ? s->last_metric : METRIC_COST;
    }
    if (q->unit != UNIT_NONE && has(s, TOKEN_STAT) &&
        metric_can_have_unit(METRIC_LATENCY, q->unit)) {
        return METRIC_LATENCY;
    }
    return q->unit == UNIT_FACTOR && has(s, TOKEN_IMPROVE) ? METRIC_LATENCY : METRIC_NONE;
}

/* "cost and latency by 20 %": the value is for both. */
static enum ask_metric metric_listed_before(const struct statement *s, uint32_t found, uint32_t at,
                                            enum ask_unit unit)
{
    const struct token *tokens = s->p->tokens;
    bool listed = found >= s->clause->begin + 2 && found < at &&
                  tokens[found - 1].kind == TOKEN_AND && tokens[found - 2].kind == TOKEN_METRIC &&
                  metric_can_have_unit(token_metric(&tokens[found - 2]), unit);

    return listed ? token_metric(&tokens[found - 2]) : METRIC_NONE;
}

static void read_effort(struct statement *s, const struct quantity *q)
{
    struct ask_constraint made = constraint_valued("<=", q->value, "engineer_week");

    made.hard = false;
    statement_emit(s, METRIC_EFFORT, made);
}

static void read_by_unit(struct statement *s, enum ask_metric metric, const struct quantity *q,
                         uint32_t at)
{
    enum token_kind comparison = comparison_before(s, at);
    bool named = metric != METRIC_NONE && metric != METRIC_USAGE;

    if (is_latency_value(s, q, at, metric)) {
        read_duration(s, metric, q);
        return;
    }
    switch (q->unit) {
    case UNIT_MONEY:
        read_money(s, q, comparison);
        break;
    case UNIT_RPM:
    case UNIT_TPM:
        read_rate(s, q->unit == UNIT_RPM ? METRIC_RPM : METRIC_TPM, q);
        break;
    case UNIT_EFFORT_WEEKS:
        read_effort(s, q);
        break;
    case UNIT_TOKENS:
        read_tokens(s, metric, q, comparison);
        break;
    case UNIT_FRACTION:
        if (named) {
            read_share(s, metric, q, comparison);
        }
        break;
    case UNIT_FACTOR:
        if (named) {
            read_factor(s, metric, q);
        }
        break;
    case UNIT_NONE:
        read_bare(s, metric, q, at, comparison);
        break;
    default:
        break;
    }
}

void statement_read_value(struct statement *s, uint32_t at)
{
    const struct parse *p = s->p;
    struct quantity q = *token_quantity(p, &p->tokens[at]);

    if (at > s->clause->begin && p->tokens[at - 1].kind == TOKEN_CURRENT_VALUE) {
        return;
    }
    if (q.unit == UNIT_NONE && divides_by_number(s)) {
        q.unit = UNIT_FACTOR;
    }
    uint32_t found = clause_nearest_metric(p, s->clause, at, q.unit);
    enum ask_metric metric = found < s->clause->end ? token_metric(&p->tokens[found]) : METRIC_NONE;
    take(s, found);
    if (metric == METRIC_NONE) {
        metric = implied_metric(s, &q);
    } else if (metric == METRIC_COST && q.unit == UNIT_NONE && is_amount(s, &q)) {
        memcpy(q.currency, "USD", sizeof(q.currency)); /* that of the prices */
        q.unit = UNIT_MONEY;
    }
    read_by_unit(s, metric, &q, at);
    enum ask_metric listed = metric_listed_before(s, found, at, q.unit);
    if (q.unit == UNIT_FRACTION && listed != METRIC_NONE) {
        read_by_unit(s, listed, &q, at);
    }
    if (metric != METRIC_NONE && metric != METRIC_USAGE) {
        s->last_metric = metric;
    }
}

static void read_division(struct statement *s, enum ask_metric metric, int32_t divisor)
{
    struct quantity q = {.unit = UNIT_FACTOR, .value = (int128)divisor * QUANTITY_ONE};

    if (metric == METRIC_COST) {
        q.unit = UNIT_FRACTION;
        q.value = QUANTITY_ONE - QUANTITY_ONE / divisor;
        emit_reduction(s, metric, &q);
    } else if (metric != METRIC_USAGE) {
        s->last_down = true;
        read_factor(s, metric, &q);
    }
}

/* "halve the bill", "twice as fast": words that are values. With the argument 0 ("divide … by") the
 * number follows. */
void statement_read_multiplier(struct statement *s, uint32_t at)
{
    const struct token *token = &s->p->tokens[at];
    uint32_t found = clause_nearest_metric(s->p, s->clause, at, UNIT_FACTOR);
    bool named = found < s->clause->end;
    enum ask_metric metric = named ? token_metric(&s->p->tokens[found]) : METRIC_COST;

    if (token->arg == 0) {
        return;
    }
    if (token->kind == TOKEN_DIVIDE) {
        read_division(s, metric, token->arg);
    } else if (named && metric != METRIC_USAGE && has_any(s, TOKEN_LESS, TOKEN_MORE)) {
        struct quantity q = {.unit = UNIT_FACTOR, .value = (int128)token->arg * QUANTITY_ONE};

        read_factor(s, metric, &q);
    }
    take(s, found);
}
