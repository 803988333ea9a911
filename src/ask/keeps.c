/*
 * What a clause says without a value: keep, without hurting, don't care, don't touch, and what a
 * roll-back depends on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/statement.h"

#define EXCLUSIONS_MAX    128u /* tokens of one list of names */
#define NEAR              4  /* tokens between a word like "same" and the metric that it governs */
#define KEPT_AS_IS_TOKENS 5u /* "keep chat as it was": a longer clause says more than that */

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

/* The metric of a token that "keep" can be about; a percentile alone is one of latency. */
static enum ask_metric keepable_metric(const struct statement *s, const struct token *token)
{
    bool valued = s->p->out->constraint_count > s->emitted;

    if (token->kind == TOKEN_STAT) {
        return valued || has(s, TOKEN_METRIC) ? METRIC_NONE : METRIC_LATENCY;
    }
    return is_one_of(token->kind, TOKEN_METRIC, TOKEN_BUDGET, TOKEN_MORE) ? token_metric(token)
                                                                          : METRIC_NONE;
}

void statement_read_kept(struct statement *s)
{
    for (uint32_t i = s->clause->begin; i < s->clause->end; i++) {
        enum ask_metric metric = keepable_metric(s, &s->p->tokens[i]);
        bool taken = i - s->clause->begin < 64 && (s->taken >> (i - s->clause->begin)) & 1;

        if (taken || !can_be_kept(metric) || !is_kept(s, i)) {
            continue;
        }
        struct ask_constraint made = constraint_plain("not_worse", true);
        if (metric == METRIC_LATENCY) {
            made.stat = statement_statistic(s, "");
            made.baseline = STR("current");
        }
        statement_emit(s, metric, made);
    }
}

void statement_read_indifferent(struct statement *s)
{
    for (uint32_t i = s->clause->begin; i < s->clause->end; i++) {
        enum ask_metric metric = token_metric(&s->p->tokens[i]);

        if (can_be_kept(metric)) {
            statement_emit(s, metric, constraint_plain("unconstrained", true));
        }
    }
}

/* What a list of names is made of: "a, b and c". */
static bool is_list_part(enum token_kind kind)
{
    return is_one_of(kind, TOKEN_FEATURE, TOKEN_MODEL, TOKEN_AND, TOKEN_OR, TOKEN_COMMA, TOKEN_STOP,
                     TOKEN_FEATURE_WORD, TOKEN_FOR, TOKEN_SLASH, TOKEN_FAILURES, TOKEN_OF);
}

void statement_read_exclusion(struct statement *s)
{
    uint32_t at = clause_find(s->p, s->clause, TOKEN_EXCLUDE) + 1;
    struct ask_constraint made = constraint_plain("exclude", true);

    if (clause_has_metric(s->p, s->clause, METRIC_MODEL)) {
        statement_emit(s, METRIC_MODEL, made);
        return;
    }
    uint32_t end =
        at + EXCLUSIONS_MAX < s->p->token_count ? at + EXCLUSIONS_MAX : s->p->token_count;
    for (; at < end && is_list_part(s->p->tokens[at].kind); at++) {
        const struct token *token = &s->p->tokens[at];

        if (token->kind == TOKEN_FEATURE) {
            made.scope = s->p->features[token->arg];
            statement_emit(s, METRIC_CHANGE, made);
        } else if (token->kind == TOKEN_MODEL) {
            made.scope = parse_keep(
                s->p, arena_printf(s->p->arena, "model:%.*s", STR_ARGS(s->p->models[token->arg])));
            statement_emit(s, METRIC_CHANGE, made);
        } else if (token->kind == TOKEN_FAILURES) {
            made.scope = STR("*");
            statement_emit(s, METRIC_STATUS, made);
        }
    }
}

/* "keep support on opus", "leave the models": the model is not to change. */
void statement_read_kept_model(struct statement *s)
{
    bool quantified = has_any(s, TOKEN_QUANTITY, TOKEN_MIGRATE);
    struct ask_constraint made = constraint_plain("exclude", true);

    if (quantified || has(s, TOKEN_CACHE)) {
        return;
    }
    if (has(s, TOKEN_MODEL) && has(s, TOKEN_FEATURE)) {
        statement_emit(s, METRIC_MODEL, made);
    } else if (clause_has_metric(s->p, s->clause, METRIC_MODEL)) {
        statement_emit(s, METRIC_MODEL, made);
    } else if (has(s, TOKEN_FEATURE) && !has_any(s, TOKEN_METRIC, TOKEN_MODEL) &&
               (has(s, TOKEN_SAME) || s->clause->end - s->clause->begin <= KEPT_AS_IS_TOKENS)) {
        statement_emit(s, METRIC_CHANGE, made);
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

static bool names_more_of(const struct statement *s, enum ask_metric metric)
{
    uint32_t more = clause_find(s->p, s->clause, TOKEN_MORE);

    return more < s->clause->end && s->p->tokens[more].arg == (int32_t)metric;
}

/* "quality didn't improve" must have improved; "it got worse" must not. */
static void read_quality_condition(struct statement *s, struct str scope)
{
    bool better = has_any(s, TOKEN_IMPROVE, TOKEN_UP, TOKEN_CHANGED_UP);
    bool worse = has_any(s, TOKEN_WORSE, TOKEN_CHANGED_DOWN, TOKEN_DOWN);
    struct ask_constraint made = constraint_plain("not_worse", true);

    if (is_negated(s) && (better || !worse)) {
        made = constraint_plain("improve_by_at_least", false);
        made.unit = STR("margin");
    } else if (!worse && !has(s, TOKEN_SAME)) {
        return;
    }
    made.scope = scope;
    statement_emit(s, METRIC_QUALITY, made);
}

/* What a roll-back depends on: "where quality didn't improve but cost went up". */
void statement_read_rollback_condition(struct statement *s)
{
    bool cost = clause_has_metric(s->p, s->clause, METRIC_COST) || has(s, TOKEN_EXPENSIVE) ||
                names_more_of(s, METRIC_COST);
    bool latency = clause_has_metric(s->p, s->clause, METRIC_LATENCY) || has(s, TOKEN_SLOW) ||
                   names_more_of(s, METRIC_LATENCY);
    bool errors = clause_has_metric(s->p, s->clause, METRIC_ERROR_RATE) || has(s, TOKEN_FAILURES);
    bool quality = clause_has_metric(s->p, s->clause, METRIC_QUALITY);
    struct ask_constraint made = constraint_plain("not_worse", false);

    made.scope = prompt_scope(s);
    if (quality || !(cost || latency || errors)) {
        read_quality_condition(s, made.scope);
        return;
    }
    if (cost) {
        statement_emit(s, METRIC_COST, made);
    }
    if (latency) {
        statement_emit(s, METRIC_LATENCY, made);
    }
    if (errors) {
        statement_emit(s, METRIC_ERROR_RATE, made);
    }
}

/* Moving to another model with "validate quality": quality must not get worse where it moves. */
void statement_read_migration_check(struct statement *s)
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
    statement_emit(s, METRIC_QUALITY, constraint_plain("not_worse", true));
}
