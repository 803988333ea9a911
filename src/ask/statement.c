/*
 * What a clause measures and in which units, and how a constraint is added.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/statement.h"

#define METRIC_REACH 16u /* tokens to a value's metric: keeps long clauses linear */

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

#define UNIT_BIT(unit) (1u << (unit))
#define UNITS_SHARE    (UNIT_BIT(UNIT_NONE) | UNIT_BIT(UNIT_FRACTION))
#define UNITS_CHANGE   (UNITS_SHARE | UNIT_BIT(UNIT_FACTOR))
#define UNITS_TIME     (UNIT_BIT(UNIT_MS) | UNIT_BIT(UNIT_MINUTE) | UNIT_BIT(UNIT_HOUR))

bool metric_can_have_unit(enum ask_metric metric, enum ask_unit unit)
{
    static const uint32_t units[METRIC_COUNT] = {
        [METRIC_COST] = UNITS_CHANGE | UNIT_BIT(UNIT_MONEY),
        [METRIC_LATENCY] = UNITS_CHANGE | UNITS_TIME,
        [METRIC_TTFT] = UNITS_CHANGE | UNITS_TIME,
        [METRIC_QUALITY] = UNITS_SHARE,
        [METRIC_CACHE_HIT] = UNITS_SHARE,
        [METRIC_ERROR_RATE] = UNITS_SHARE,
        [METRIC_INPUT_TOKENS] = UNITS_CHANGE | UNIT_BIT(UNIT_TOKENS),
        [METRIC_OUTPUT_TOKENS] = UNITS_CHANGE | UNIT_BIT(UNIT_TOKENS),
        [METRIC_REASONING_TOKENS] = UNITS_CHANGE | UNIT_BIT(UNIT_TOKENS),
        [METRIC_USAGE] = UNITS_CHANGE | UNIT_BIT(UNIT_REQUESTS),
        [METRIC_RATE_LIMIT] = UNIT_BIT(UNIT_FRACTION),
        [METRIC_ACTIONS] = UNIT_BIT(UNIT_NONE),
        [METRIC_RPM] = UNIT_BIT(UNIT_NONE),
        [METRIC_TPM] = UNIT_BIT(UNIT_NONE),
    };

    return (units[metric] & UNIT_BIT(unit)) != 0;
}

static bool fits(const struct parse *p, uint32_t at, enum ask_unit unit)
{
    return metric_can_have_unit(token_metric(&p->tokens[at]), unit);
}

/* Behind the value an adjective ("faster") counts at any distance, a noun before one only next to
 * it: "2 % quality", but "cost by 20 % and quality". */
uint32_t clause_nearest_metric(const struct parse *p, const struct clause *clause, uint32_t at,
                               enum ask_unit unit)
{
    for (uint32_t distance = 1; distance <= METRIC_REACH; distance++) {
        bool has_before = at >= clause->begin + distance;
        bool has_behind = at + distance < clause->end && fits(p, at + distance, unit);

        if (has_behind && (p->tokens[at + distance].kind != TOKEN_METRIC || distance == 1)) {
            return at + distance;
        }
        if (has_before && fits(p, at - distance, unit)) {
            return at - distance;
        }
        if (has_behind) {
            return at + distance;
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

void statement_emit(struct statement *s, enum ask_metric metric, struct ask_constraint made)
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

struct ask_constraint constraint_plain(const char *op, bool hard)
{
    return (struct ask_constraint){.op = op, .hard = hard};
}

struct ask_constraint constraint_valued(const char *op, int128 value, const char *unit)
{
    return (struct ask_constraint){.op = op,
                                   .hard = true,
                                   .has_value = true,
                                   .value = decimal_of(value, QUANTITY_SCALE),
                                   .unit = str_from(unit)};
}

struct str statement_statistic(const struct statement *s, const char *otherwise)
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
