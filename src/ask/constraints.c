/*
 * Clauses → constraints. The rule starts from the values: each QUANTITY looks for the nearest
 * metric that can have its unit, and the direction words of its clause decide the operator. What
 * has no value (keep, without hurting, don't touch, don't care) follows, for metrics that no value
 * took.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/parse.h"

#include "base/check.h"

#define MS_PER_MINUTE  60000
#define MS_PER_HOUR    3600000
#define EXCLUSIONS_MAX 128u /* tokens of one list of names */
#define METRIC_REACH   24u  /* tokens to a value's metric: keeps long clauses linear */
#define NEAR           4    /* tokens between a word like "same" and the metric that it governs */

/* A statement being made into constraints. */
struct statement {
    struct parse *p;
    struct clause *clause;
    enum ask_metric last_metric; /* of the statement before: a bare value inherits it */
    bool last_down;
    uint64_t taken; /* metric tokens that a value used, by offset in the clause (first 64) */
    size_t emitted; /* constraints before this clause */
    int status;
};

enum ask_metric token_metric(const struct token *token)
{
    switch (token->kind) {
    case TOKEN_METRIC:
    case TOKEN_LESS:
    case TOKEN_MORE:
        return token->arg == METRIC_PRICE ? METRIC_COST : (enum ask_metric)token->arg;
    case TOKEN_SAVE:
    case TOKEN_BUDGET:
    case TOKEN_OVERRUN:
    case TOKEN_EXPENSIVE:
    case TOKEN_WASTE:
        return METRIC_COST;
    case TOKEN_SLOW:
        return METRIC_LATENCY;
    case TOKEN_CUSTOMERS:
    case TOKEN_PEAK:
        return METRIC_USAGE;
    case TOKEN_VALIDATE:
    case TOKEN_GOOD_ENOUGH:
        return METRIC_NONE;
    default:
        return METRIC_NONE;
    }
}

static bool can_have_unit(enum ask_metric metric, enum ask_unit unit)
{
    switch (metric) {
    case METRIC_COST:
        return unit == UNIT_FRACTION || unit == UNIT_FACTOR || unit == UNIT_MONEY ||
               unit == UNIT_NONE;
    case METRIC_LATENCY:
    case METRIC_TTFT:
        return unit == UNIT_FRACTION || unit == UNIT_FACTOR || unit == UNIT_MS ||
               unit == UNIT_MINUTE || unit == UNIT_HOUR || unit == UNIT_NONE;
    case METRIC_QUALITY:
    case METRIC_CACHE_HIT:
    case METRIC_ERROR_RATE:
        return unit == UNIT_FRACTION || unit == UNIT_NONE;
    case METRIC_INPUT_TOKENS:
    case METRIC_OUTPUT_TOKENS:
    case METRIC_REASONING_TOKENS:
        return unit == UNIT_FRACTION || unit == UNIT_FACTOR || unit == UNIT_TOKENS ||
               unit == UNIT_NONE;
    case METRIC_USAGE:
        return unit == UNIT_FRACTION || unit == UNIT_FACTOR || unit == UNIT_REQUESTS ||
               unit == UNIT_NONE;
    case METRIC_RATE_LIMIT:
        return unit == UNIT_FRACTION;
    case METRIC_ACTIONS:
    case METRIC_RPM:
    case METRIC_TPM:
        return unit == UNIT_NONE;
    default:
        return false;
    }
}

uint32_t clause_nearest_metric(const struct parse *p, const struct clause *clause, uint32_t at,
                               enum ask_unit unit)
{
    for (uint32_t distance = 1; at >= clause->begin + distance || at + distance < clause->end;
         distance++) {
        if (distance > METRIC_REACH) {
            break;
        }
        uint32_t before = at - distance;
        uint32_t behind = at + distance;

        if (behind < clause->end && can_have_unit(token_metric(&p->tokens[behind]), unit) &&
            (p->tokens[behind].kind != TOKEN_METRIC || distance == 1)) {
            return behind;
        }
        if (at >= clause->begin + distance &&
            can_have_unit(token_metric(&p->tokens[before]), unit)) {
            return before;
        }
        if (behind < clause->end && can_have_unit(token_metric(&p->tokens[behind]), unit)) {
            return behind;
        }
    }
    return clause->end;
}

/* "did quality drop?" */
bool clause_asks_what_was(const struct parse *p, const struct clause *clause)
{
    for (uint32_t i = clause->begin; i < clause->end && clause->is_question; i++) {
        if (p->tokens[i].kind == TOKEN_STOP && p->tokens[i].arg == STOP_DID) {
            return true;
        }
    }
    return false;
}

bool clause_is_observation(const struct parse *p, const struct clause *clause)
{
    return sentence_has(p, clause, TOKEN_WHY) ||
           clause_has_any(clause, TOKEN_CHANGED_UP, TOKEN_CHANGED_DOWN) ||
           clause_asks_what_was(p, clause) ||
           (sentence_has(p, clause, TOKEN_EXPLAIN) && !clause_has(clause, TOKEN_BY));
}

/* --- emitting --- */

static bool same_constraint(const struct ask_constraint *a, const struct ask_constraint *b)
{
    return a->metric == b->metric && strcmp(a->op, b->op) == 0 && a->has_value == b->has_value &&
           a->value.digits == b->value.digits && a->value_high.digits == b->value_high.digits &&
           str_equal(a->unit, b->unit) && str_equal(a->scope, b->scope);
}

static void emit_one(struct statement *s, struct ask_constraint made)
{
    struct interpretation *out = s->p->out;

    for (size_t i = 0; i < out->constraint_count; i++) {
        if (same_constraint(&out->constraints[i], &made)) {
            return;
        }
    }
    if (out->constraint_count == ASK_CONSTRAINTS_MAX) {
        s->status = ERR_LIMIT;
        return;
    }
    out->constraints[out->constraint_count++] = made;
}

static bool has(const struct statement *s, enum token_kind kind)
{
    return clause_has(s->clause, kind);
}

#define has_any(s, ...) clause_has_any((s)->clause, __VA_ARGS__)

static bool is_negated(const struct statement *s)
{
    return has_any(s, TOKEN_NEGATION, TOKEN_WITHOUT);
}

static void emit(struct statement *s, enum ask_metric metric, struct ask_constraint made)
{
    bool is_goal = strcmp(made.op, "<=") == 0 || strcmp(made.op, "divide_by") == 0 ||
                   strncmp(made.op, "reduce_by", strlen("reduce_by")) == 0;

    made.metric = ask_metric_name(metric);
    s->p->metrics[metric] = true;
    s->p->latency_goal |= is_goal && (metric == METRIC_LATENCY || metric == METRIC_TTFT) &&
                          !has_any(s, TOKEN_KEEP, TOKEN_ACCEPT) && !is_negated(s);
    if (made.scope.length) {
        emit_one(s, made);
        return;
    }
    made.scope = STR("*");
    if (s->clause->scope_count == 0) {
        emit_one(s, made);
    }
    for (uint32_t i = 0; i < s->clause->scope_count; i++) {
        made.scope = s->clause->scopes[i];
        emit_one(s, made);
    }
}

static struct ask_constraint plain(const char *op, bool hard)
{
    return (struct ask_constraint){.op = op, .hard = hard};
}

static struct ask_constraint valued(const char *op, int128 value, const char *unit)
{
    return (struct ask_constraint){.op = op,
                                   .hard = true,
                                   .has_value = true,
                                   .value = decimal_of(value, QUANTITY_SCALE),
                                   .unit = str_from(unit)};
}

/* The statistics that the clause names: "p95", "p50,p95". */
static struct str statistic(const struct statement *s, const char *otherwise)
{
    struct str text = {NULL, 0};

    for (uint32_t i = s->clause->begin; i < s->clause->end; i++) {
        const struct token *token = &s->p->tokens[i];

        if (token->kind == TOKEN_STAT && text.length < 32) {
            text = token->arg == 0
                       ? parse_keep(s->p, arena_printf(s->p->arena, "%.*s%smean", STR_ARGS(text),
                                                       text.length ? "," : ""))
                       : parse_keep(s->p, arena_printf(s->p->arena, "%.*s%sp%d", STR_ARGS(text),
                                                       text.length ? "," : "", token->arg));
        }
    }
    return text.length ? text : str_from(otherwise);
}

/* --- directions --- */

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

/* --- values by unit --- */

static void emit_reduction(struct statement *s, enum ask_metric metric, const struct quantity *q)
{
    struct ask_constraint made = valued("reduce_by", q->value, "fraction");

    made.baseline = metric == METRIC_COST ? STR("current_total") : STR("current");
    if (metric == METRIC_LATENCY) {
        made.stat = statistic(s, "p50,p95");
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
    emit(s, metric, made);
}

static void emit_share(struct statement *s, const char *op, int128 value, enum ask_metric metric)
{
    struct ask_constraint made = valued(op, value, "fraction");

    if (metric == METRIC_COST) {
        made.baseline = STR("current_total");
    }
    if (metric == METRIC_LATENCY) {
        made.stat = statistic(s, "");
    }
    emit(s, metric, made);
}

/* Quality: up is good, so the words read the other way round. */
static void read_quality_share(struct statement *s, const struct quantity *q,
                               enum token_kind comparison)
{
    bool loses = has_any(s, TOKEN_WORSE, TOKEN_DOWN, TOKEN_CHANGED_DOWN, TOKEN_LESS) || q->sign < 0;

    if (loses && !(comparison == TOKEN_AT_LEAST)) {
        emit_share(s, "decrease_at_most", q->value, METRIC_QUALITY);
    } else if ((has_any(s, TOKEN_IMPROVE, TOKEN_UP) || q->sign > 0) && comparison != TOKEN_TO) {
        emit(s, METRIC_QUALITY, valued("improve_by_at_least", q->value, "margin"));
    } else if (has(s, TOKEN_KEEP) && has(s, TOKEN_OF)) {
        emit(s, METRIC_QUALITY, valued(">=", q->value, "fraction_of_max"));
    } else if (has(s, TOKEN_ACCEPT) && comparison != TOKEN_AT_LEAST && q->unit == UNIT_FRACTION &&
               q->value < QUANTITY_ONE / 2) {
        emit_share(s, "decrease_at_most", q->value, METRIC_QUALITY);
    } else {
        emit_share(s, ">=", q->value, METRIC_QUALITY);
    }
}

static void read_share(struct statement *s, enum ask_metric metric, const struct quantity *q,
                       enum token_kind comparison)
{
    if (metric == METRIC_QUALITY) {
        read_quality_share(s, q, comparison);
    } else if (metric == METRIC_CACHE_HIT) {
        emit_share(s, ">=", q->is_from_to ? q->high : q->value, metric);
    } else if (metric == METRIC_ERROR_RATE) {
        if (goes_down(s, q) && comparison == TOKEN_BY) {
            emit_reduction(s, metric, q);
        } else {
            emit_share(s, "<=", q->is_from_to ? q->high : q->value, metric);
        }
    } else if (metric == METRIC_RATE_LIMIT) {
        emit(s, METRIC_RPM, valued("<=", q->value, "fraction_of_max"));
    } else if ((goes_up(s, q) || has_worse(s, 0)) && !has(s, TOKEN_IMPROVE)) {
        if (is_tolerance(s, comparison) || q->sign > 0 || has(s, TOKEN_BUDGET)) {
            emit_share(s, "increase_at_most", q->value, metric);
        }
    } else if (has(s, TOKEN_ACCEPT) && !goes_down(s, q)) {
        emit_share(s, "increase_at_most", q->value, metric);
    } else if (comparison == TOKEN_TO && goes_down(s, q) && !q->is_from_to) {
        emit_share(s, "<=", q->value, metric);
    } else if (goes_down(s, q) || s->last_down || comparison == TOKEN_BY) {
        emit_reduction(s, metric, q);
    } else if (comparison == TOKEN_AT_MOST) {
        emit_share(s, "increase_at_most", q->value, metric);
    }
}

static void read_factor(struct statement *s, enum ask_metric metric, const struct quantity *q)
{
    struct ask_constraint made = valued("divide_by", q->value, "x");
    bool slower = has(s, TOKEN_MORE) || (goes_up(s, q) && !has(s, TOKEN_IMPROVE));

    made.baseline = metric == METRIC_COST ? STR("current_total") : STR("current");
    if (slower && metric != METRIC_QUALITY) {
        if (!is_tolerance(s, TOKEN_KIND_COUNT) && !has(s, TOKEN_IF)) {
            return;
        }
        made.op = "multiply_by_at_most";
        emit(s, metric, made);
    } else if (goes_down(s, q) || s->last_down) {
        if (metric == METRIC_LATENCY || metric == METRIC_TTFT) {
            made.stat = statistic(s, "p50,p95");
        }
        emit(s, metric, made);
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
    struct ask_constraint made = valued("<=", milliseconds(q, wider ? q->high : q->value), "ms");

    if (q->overflow) {
        made.has_value = false;
        s->p->infeasible = true;
    }
    made.stat = statistic(s, "");
    emit(s, metric == METRIC_TTFT ? METRIC_TTFT : METRIC_LATENCY, made);
}

static const char *period_name(enum ask_unit period)
{
    switch (period) {
    case UNIT_HOUR:
        return "hour";
    case UNIT_DAY:
        return "day";
    case UNIT_WEEK:
        return "week";
    case UNIT_QUARTER:
        return "quarter";
    case UNIT_YEAR:
        return "year";
    case UNIT_REQUESTS:
        return "request";
    default:
        return "month";
    }
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

static void read_money(struct statement *s, const struct quantity *q, enum token_kind comparison)
{
    enum ask_unit period = q->period ? q->period : period_nearby(s);
    struct str unit =
        parse_keep(s->p, arena_printf(s->p->arena, "%s/%s", q->currency, period_name(period)));
    bool bound = is_one_of(comparison, TOKEN_AT_MOST, TOKEN_TO) || q->is_from_to ||
                 has(s, TOKEN_BUDGET) || sentence_has(s->p, s->clause, TOKEN_ALERT) ||
                 has_any(s, TOKEN_OVERRUN, TOKEN_CAP, TOKEN_LIMIT, TOKEN_KEEP);
    bool reduces = q->sign < 0 || has(s, TOKEN_SAVE) || (goes_down(s, q) && comparison != TOKEN_TO);
    struct ask_constraint made = valued("<=", q->is_from_to ? q->high : q->value, "");

    made.unit = unit;
    if (q->overflow) {
        made.has_value = false;
        s->p->infeasible = true;
    }
    if ((reduces && !bound) || (reduces && comparison == TOKEN_BY) || q->sign < 0) {
        made.op = "reduce_by_amount";
        made.baseline = STR("current_total");
    } else if (!bound && q->period == UNIT_NONE &&
               clause_has_metric(s->p, s->clause, METRIC_COST) && !s->clause->is_question &&
               !goes_up(s, q)) {
        s->p->target_unclear =
            METRIC_COST; /* "cost 20 dollars": a bound or a cut, a day or a year? */
        return;
    } else if (!bound) {
        return;
    } else {
        made.hard = !s->clause->is_question;
    }
    emit(s, METRIC_COST, made);
}

static void read_tokens(struct statement *s, enum ask_metric metric, const struct quantity *q,
                        enum token_kind comparison)
{
    bool caps = has_any(s, TOKEN_CAP, TOKEN_LIMIT, TOKEN_TRIM, TOKEN_DOWN, TOKEN_KEEP) ||
                is_one_of(comparison, TOKEN_AT_MOST, TOKEN_TO, TOKEN_EXACTLY);

    if (!caps || has(s, TOKEN_CONTEXT_WINDOW) || (s->clause->is_question && !has(s, TOKEN_CAP))) {
        return;
    }
    emit(s, metric == METRIC_NONE ? METRIC_OUTPUT_TOKENS : metric,
         valued("<=", q->is_from_to ? q->high : q->value, "tokens"));
}

/* A bare number means something only beside some metrics. */
static void read_bare(struct statement *s, enum ask_metric metric, const struct quantity *q,
                      uint32_t at, enum token_kind comparison)
{
    enum token_kind next = at + 1 < s->clause->end ? s->p->tokens[at + 1].kind : TOKEN_SENTENCE;

    if (next == TOKEN_QUICK_WIN || (metric == METRIC_ACTIONS && !has(s, TOKEN_FEATURE_WORD))) {
        emit(s, METRIC_ACTIONS, valued("<=", q->value, "count"));
    } else if (metric == METRIC_RPM || metric == METRIC_TPM) {
        emit(s, metric,
             valued("<=", q->value, metric == METRIC_RPM ? "requests/min" : "tokens/min"));
    } else if (metric == METRIC_OUTPUT_TOKENS || metric == METRIC_INPUT_TOKENS ||
               metric == METRIC_REASONING_TOKENS) {
        read_tokens(s, metric, q, comparison);
    } else if (metric == METRIC_QUALITY && q->value <= QUANTITY_ONE) {
        read_quality_share(s, q, comparison);
    } else if (metric == METRIC_CACHE_HIT && q->value <= QUANTITY_ONE) {
        emit_share(s, ">=", q->value, metric);
    } else if ((metric == METRIC_COST || metric == METRIC_LATENCY || metric == METRIC_TTFT) &&
               !has_any(s, TOKEN_TOP, TOKEN_WHICH) && !s->clause->is_question &&
               next != TOKEN_CONTEXT_WINDOW) {
        s->p->target_unclear = metric;
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

static void read_value(struct statement *s, uint32_t at)
{
    const struct parse *p = s->p;
    struct quantity read = *token_quantity(p, &p->tokens[at]);
    struct quantity *q = &read;

    if (q->unit == UNIT_NONE && divides_by_number(s)) {
        q->unit = UNIT_FACTOR;
    }
    uint32_t found = clause_nearest_metric(p, s->clause, at, q->unit);
    enum ask_metric metric = found < s->clause->end ? token_metric(&p->tokens[found]) : METRIC_NONE;
    enum token_kind comparison = comparison_before(s, at);
    bool share = q->unit == UNIT_FRACTION;

    if (at > s->clause->begin && p->tokens[at - 1].kind == TOKEN_CURRENT_VALUE) {
        return;
    }
    if (found < s->clause->end && found - s->clause->begin < 64) {
        s->taken |= UINT64_C(1) << (found - s->clause->begin);
    }
    if (q->unit == UNIT_NONE && metric == METRIC_COST && is_amount(s, q)) {
        memcpy(q->currency, "USD", sizeof(q->currency)); /* that of the prices */
        q->unit = UNIT_MONEY;
    }
    if (share && metric == METRIC_NONE && (goes_down(s, q) || s->last_metric != METRIC_NONE)) {
        metric = s->last_metric ? s->last_metric : METRIC_COST;
    }
    if (metric == METRIC_NONE && has(s, TOKEN_STAT) && q->unit != UNIT_NONE &&
        can_have_unit(METRIC_LATENCY, q->unit)) {
        metric = METRIC_LATENCY;
    }
    if (metric == METRIC_NONE && q->unit == UNIT_FACTOR && has(s, TOKEN_IMPROVE)) {
        metric = METRIC_LATENCY;
    }
    if (is_latency_value(s, q, at, metric)) {
        read_duration(s, metric, q);
    } else if (q->unit == UNIT_MONEY) {
        read_money(s, q, comparison);
    } else if (q->unit == UNIT_RPM || q->unit == UNIT_TPM) {
        emit(s, q->unit == UNIT_RPM ? METRIC_RPM : METRIC_TPM,
             valued("<=", q->value, q->unit == UNIT_RPM ? "requests/min" : "tokens/min"));
    } else if (q->unit == UNIT_EFFORT_WEEKS) {
        struct ask_constraint made = valued("<=", q->value, "engineer_week");
        made.hard = false;
        emit(s, METRIC_EFFORT, made);
    } else if (q->unit == UNIT_TOKENS) {
        read_tokens(s, metric, q, comparison);
    } else if (share && metric != METRIC_NONE && metric != METRIC_USAGE) {
        read_share(s, metric, q, comparison);
        /* "cost and latency by 20 %": the value is for both. */
        if (found >= s->clause->begin + 2 && found < at && p->tokens[found - 1].kind == TOKEN_AND &&
            p->tokens[found - 2].kind == TOKEN_METRIC &&
            can_have_unit(token_metric(&p->tokens[found - 2]), q->unit)) {
            read_share(s, token_metric(&p->tokens[found - 2]), q, comparison);
        }
    } else if (q->unit == UNIT_FACTOR && metric != METRIC_NONE && metric != METRIC_USAGE) {
        read_factor(s, metric, q);
    } else if (q->unit == UNIT_NONE) {
        read_bare(s, metric, q, at, comparison);
    }
    if (metric != METRIC_NONE && metric != METRIC_USAGE) {
        s->last_metric = metric;
    }
}

/* "halve the bill", "double the speed": verbs that are values. */
static void read_multiplier(struct statement *s, uint32_t at)
{
    const struct token *token = &s->p->tokens[at];
    uint32_t found = clause_nearest_metric(s->p, s->clause, at, UNIT_FACTOR);
    enum ask_metric metric =
        found < s->clause->end ? token_metric(&s->p->tokens[found]) : METRIC_COST;
    struct quantity q = {.unit = UNIT_FACTOR, .value = (int128)token->arg * QUANTITY_ONE};

    if (token->arg == 0) {
        return; /* "divide … by": the number follows */
    }
    if (token->kind == TOKEN_DIVIDE) {
        if (metric == METRIC_COST) {
            q = (struct quantity){.unit = UNIT_FRACTION,
                                  .value = QUANTITY_ONE - QUANTITY_ONE / token->arg};
            emit_reduction(s, metric, &q);
        } else if (metric != METRIC_USAGE) {
            s->last_down = true;
            read_factor(s, metric, &q);
        }
    } else if (found < s->clause->end && metric != METRIC_USAGE &&
               (has_any(s, TOKEN_LESS, TOKEN_MORE))) {
        read_factor(s, metric, &q);
    }
    if (found < s->clause->end && found - s->clause->begin < 64) {
        s->taken |= UINT64_C(1) << (found - s->clause->begin);
    }
}

/* --- statements without a value --- */

static bool can_be_kept(enum ask_metric metric)
{
    return metric == METRIC_COST || metric == METRIC_LATENCY || metric == METRIC_TTFT ||
           metric == METRIC_QUALITY || metric == METRIC_ERROR_RATE || metric == METRIC_CACHE_HIT;
}

/* A word that keeps, close to the metric: "same", "keep", "without hurting". */
static bool is_kept(const struct statement *s, uint32_t at)
{
    const struct clause *clause = s->clause;
    bool valued_clause = s->p->out->constraint_count > s->emitted ||
                         clause_has_any(clause, TOKEN_MULTIPLY, TOKEN_DIVIDE);
    bool worsens = has_any(s, TOKEN_WORSE, TOKEN_CHANGED_DOWN, TOKEN_DOWN, TOKEN_UP, TOKEN_MORE,
                           TOKEN_CHANGED_UP, TOKEN_LESS);

    if (valued_clause) {
        for (uint32_t i = at; i-- > clause->begin && at - i <= NEAR;) {
            enum token_kind kind = s->p->tokens[i].kind;
            if (is_one_of(kind, TOKEN_SAME, TOKEN_KEEP, TOKEN_WITHOUT)) {
                return true;
            }
        }
        return at + 2 < clause->end && s->p->tokens[at + 2].kind == TOKEN_SAME;
    }
    return has_any(s, TOKEN_KEEP, TOKEN_SAME, TOKEN_WITHOUT) || (has(s, TOKEN_NEGATION) && worsens);
}

static void read_kept(struct statement *s)
{
    for (uint32_t i = s->clause->begin; i < s->clause->end; i++) {
        const struct token *token = &s->p->tokens[i];
        bool bare_stat = token->kind == TOKEN_STAT && !has(s, TOKEN_METRIC) &&
                         s->p->out->constraint_count == s->emitted;
        enum ask_metric metric = bare_stat ? METRIC_LATENCY : token_metric(token);
        bool taken = i - s->clause->begin < 64 && (s->taken >> (i - s->clause->begin)) & 1;

        if (taken || !can_be_kept(metric) || !is_kept(s, i) ||
            (token->kind != TOKEN_METRIC && token->kind != TOKEN_BUDGET &&
             token->kind != TOKEN_MORE && !bare_stat)) {
            continue;
        }
        struct ask_constraint made = plain("not_worse", true);
        made.stat = metric == METRIC_LATENCY ? statistic(s, "") : (struct str){NULL, 0};
        made.baseline = metric == METRIC_LATENCY ? STR("current") : (struct str){NULL, 0};
        emit(s, metric, made);
    }
}

static void read_indifferent(struct statement *s)
{
    for (uint32_t i = s->clause->begin; i < s->clause->end; i++) {
        enum ask_metric metric = token_metric(&s->p->tokens[i]);

        if (can_be_kept(metric)) {
            emit(s, metric, plain("unconstrained", true));
        }
    }
}

/* The end of the list of names that starts at: "a, b and c". */
static bool is_list_part(enum token_kind kind)
{
    return is_one_of(kind, TOKEN_FEATURE, TOKEN_MODEL, TOKEN_AND, TOKEN_OR, TOKEN_COMMA, TOKEN_STOP,
                     TOKEN_FEATURE_WORD, TOKEN_FOR, TOKEN_SLASH, TOKEN_FAILURES, TOKEN_OF);
}

static void read_exclusion(struct statement *s)
{
    uint32_t at = clause_find(s->p, s->clause, TOKEN_EXCLUDE) + 1;
    struct ask_constraint made = plain("exclude", true);

    if (clause_has_metric(s->p, s->clause, METRIC_MODEL)) {
        emit(s, METRIC_MODEL, made);
        return;
    }
    uint32_t end =
        at + EXCLUSIONS_MAX < s->p->token_count ? at + EXCLUSIONS_MAX : s->p->token_count;
    for (; at < end && is_list_part(s->p->tokens[at].kind); at++) {
        const struct token *token = &s->p->tokens[at];

        if (token->kind == TOKEN_FEATURE) {
            made.scope = s->p->features[token->arg];
            emit(s, METRIC_CHANGE, made);
        } else if (token->kind == TOKEN_MODEL) {
            made.scope = parse_keep(
                s->p, arena_printf(s->p->arena, "model:%.*s", STR_ARGS(s->p->models[token->arg])));
            emit(s, METRIC_CHANGE, made);
        } else if (token->kind == TOKEN_FAILURES) {
            made.scope = STR("*");
            emit(s, METRIC_STATUS, made);
        }
    }
}

/* "keep support on opus", "leave the models": the model is not to change. */
static void read_kept_model(struct statement *s)
{
    bool quantified = has_any(s, TOKEN_QUANTITY, TOKEN_MIGRATE);
    struct ask_constraint made = plain("exclude", true);

    if (quantified || has(s, TOKEN_CACHE)) {
        return;
    }
    if (has(s, TOKEN_MODEL) && has(s, TOKEN_FEATURE)) {
        emit(s, METRIC_MODEL, made);
    } else if (clause_has_metric(s->p, s->clause, METRIC_MODEL)) {
        emit(s, METRIC_MODEL, made);
    } else if (has(s, TOKEN_FEATURE) && !has_any(s, TOKEN_METRIC, TOKEN_MODEL) &&
               (has(s, TOKEN_SAME) || s->clause->end - s->clause->begin <= 5)) {
        emit(s, METRIC_CHANGE, made);
    }
}

/* "revert prompt v7 if …": the version that the roll-back names, else empty. */
static struct str prompt_scope(const struct statement *s)
{
    struct parse *p = s->p;
    const struct clause *clause = s->clause;

    while (clause > p->clauses && clause[-1].sentence == clause->sentence &&
           !clause_has(clause, TOKEN_ROLLBACK)) {
        clause--;
    }
    uint32_t at = clause_find(p, clause, TOKEN_PROMPT_VERSION);
    if (at == clause->end) {
        return (struct str){NULL, 0};
    }
    struct str name = normalise_original(&p->text, p->tokens[at].begin, p->tokens[at].end);
    return parse_keep(p, arena_printf(p->arena, "prompt:%.*s", STR_ARGS(name)));
}

/* What a roll-back depends on: "where quality didn't improve but cost went up". */
static void read_rollback_condition(struct statement *s)
{
    bool quality = clause_has_metric(s->p, s->clause, METRIC_QUALITY);
    bool cost = clause_has_metric(s->p, s->clause, METRIC_COST) || has(s, TOKEN_EXPENSIVE) ||
                (has(s, TOKEN_MORE) &&
                 s->p->tokens[clause_find(s->p, s->clause, TOKEN_MORE)].arg == METRIC_COST);
    bool latency = clause_has_metric(s->p, s->clause, METRIC_LATENCY) || has(s, TOKEN_SLOW) ||
                   (has(s, TOKEN_MORE) && !cost);
    bool better = has_any(s, TOKEN_IMPROVE, TOKEN_UP, TOKEN_CHANGED_UP);
    bool worse = has_any(s, TOKEN_WORSE, TOKEN_CHANGED_DOWN, TOKEN_DOWN);
    struct str scope = prompt_scope(s);
    struct ask_constraint made = plain("not_worse", true);

    made.scope = scope;
    if (quality && is_negated(s) && (better || !worse)) {
        made = plain("improve_by_at_least", false);
        made.scope = scope;
        made.unit = STR("margin");
        emit(s, METRIC_QUALITY, made);
    } else if (quality && (worse || has(s, TOKEN_SAME))) {
        emit(s, METRIC_QUALITY, made);
    } else if (!quality && !cost && !latency && worse) {
        emit(s, METRIC_QUALITY, made);
    }
    made = plain("not_worse", false);
    made.scope = scope;
    if (cost && !quality) {
        emit(s, METRIC_COST, made);
    }
    if (latency && !quality) {
        emit(s, METRIC_LATENCY, made);
    }
    if (clause_has_metric(s->p, s->clause, METRIC_ERROR_RATE) || has(s, TOKEN_FAILURES)) {
        emit(s, METRIC_ERROR_RATE, made);
    }
}

/* Moving to another model with "validate quality": quality must not get worse where it moves. */
static void read_migration_check(struct statement *s)
{
    const struct parse *p = s->p;
    bool moves = parse_has_any(p, TOKEN_MIGRATE, TOKEN_REPLACEMENT);

    if (!moves || !parse_has(p, TOKEN_VALIDATE) || parse_has(p, TOKEN_ROLLBACK)) {
        return;
    }
    for (uint32_t i = 0; i < p->clause_count; i++) {
        struct clause *clause = &p->clauses[i];
        bool move = clause_has_any(clause, TOKEN_MIGRATE, TOKEN_REPLACEMENT);

        if (move && !clause->is_inert) {
            s->clause = clause;
            break;
        }
    }
    emit(s, METRIC_QUALITY, plain("not_worse", true));
}

static void read_clause(struct statement *s)
{
    const struct parse *p = s->p;
    struct clause *clause = s->clause;
    bool rollback = sentence_has(p, clause, TOKEN_ROLLBACK);

    s->taken = 0;
    s->emitted = p->out->constraint_count;
    if (has(s, TOKEN_EXCLUDE)) {
        read_exclusion(s);
    }
    if (rollback && clause->opened_by != TOKEN_SENTENCE && !has(s, TOKEN_ROLLBACK)) {
        read_rollback_condition(s);
        return;
    }
    if (clause_is_observation(p, clause) || has(s, TOKEN_CONFLICT)) {
        if (has(s, TOKEN_NEGATION) && !sentence_has(p, clause, TOKEN_WHY) && !clause->is_question) {
            read_kept(s);
        }
        return;
    }
    if (clause_has_metric(p, clause, METRIC_MODEL) &&
        has_any(s, TOKEN_NEGATION, TOKEN_WITHOUT, TOKEN_SAME) && !has(s, TOKEN_MIGRATE) &&
        !clause->is_question) {
        emit(s, METRIC_MODEL, plain("exclude", true));
    }
    if (has(s, TOKEN_INDIFFERENT)) {
        read_indifferent(s);
        return;
    }
    for (uint32_t i = clause->begin; i < clause->end && !s->status; i++) {
        enum token_kind kind = p->tokens[i].kind;

        if (kind == TOKEN_QUANTITY && !growth_is_stated(p, clause, i)) {
            read_value(s, i);
        } else if ((is_one_of(kind, TOKEN_MULTIPLY, TOKEN_DIVIDE)) &&
                   !growth_is_stated(p, clause, i)) {
            read_multiplier(s, i);
        }
    }
    read_kept(s);
    if (has(s, TOKEN_KEEP) && !has(s, TOKEN_EXCLUDE)) {
        read_kept_model(s);
    }
}

/* A single model that goes away or is replaced is what "keeps quality" is about. */
static void scope_to_replaced_model(struct parse *p)
{
    int32_t model = -1;

    if (!parse_has_any(p, TOKEN_RETIRED, TOKEN_REPLACEMENT)) {
        return;
    }
    for (uint32_t i = 0; i < p->token_count && model < 0; i++) {
        model = p->tokens[i].kind == TOKEN_MODEL ? p->tokens[i].arg : -1;
    }
    if (model < 0) {
        return;
    }
    struct str scope =
        parse_keep(p, arena_printf(p->arena, "model:%.*s", STR_ARGS(p->models[model])));
    for (size_t i = 0; i < p->out->constraint_count && scope.data; i++) {
        struct ask_constraint *constraint = &p->out->constraints[i];
        if (strcmp(constraint->op, "not_worse") == 0 && str_equal(constraint->scope, STR("*"))) {
            constraint->scope = scope;
        }
    }
}

int constraints_read(struct parse *p)
{
    struct statement s = {.p = p};

    p->out->constraints = arena_alloc(p->arena, ASK_CONSTRAINTS_MAX, sizeof(struct ask_constraint));
    if (!p->out->constraints) {
        return ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < p->clause_count && !s.status; i++) {
        s.clause = &p->clauses[i];
        if (i > 0 && s.clause->sentence != p->clauses[i - 1].sentence) {
            s.last_metric = METRIC_NONE;
            s.last_down = false;
        }
        if (!s.clause->is_inert) {
            read_clause(&s);
        }
    }
    if (!s.status) {
        read_migration_check(&s);
        scope_to_replaced_model(p);
    }
    return s.status;
}
