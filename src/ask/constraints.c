/*
 * Clauses → constraints. The rules start from the values (values.c): each looks for the nearest
 * metric that can have its unit, and the direction words of its clause decide the operator. What
 * has no value (keeps.c) follows, for metrics that no value took.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/statement.h"

static void read_values(struct statement *s)
{
    for (uint32_t i = s->clause->begin; i < s->clause->end && !s->status; i++) {
        enum token_kind kind = s->p->tokens[i].kind;

        if (!is_one_of(kind, TOKEN_QUANTITY, TOKEN_MULTIPLY, TOKEN_DIVIDE) ||
            growth_is_stated(s->p, s->clause, i)) {
            continue;
        }
        if (kind == TOKEN_QUANTITY) {
            statement_read_value(s, i);
        } else {
            statement_read_multiplier(s, i);
        }
    }
}

/* Of what happened only "must not" is a wish: "it can't get worse". */
static void read_observation(struct statement *s)
{
    if (has(s, TOKEN_NEGATION) && !sentence_has(s->p, s->clause, TOKEN_WHY) &&
        !s->clause->is_question) {
        statement_read_kept(s);
    }
}

/* "no model changes": unless the clause asks for one. */
static bool refuses_model_change(const struct statement *s)
{
    return clause_has_metric(s->p, s->clause, METRIC_MODEL) &&
           has_any(s, TOKEN_NEGATION, TOKEN_WITHOUT, TOKEN_SAME) && !has(s, TOKEN_MIGRATE) &&
           !s->clause->is_question;
}

static void read_clause(struct statement *s)
{
    const struct parse *p = s->p;
    struct clause *clause = s->clause;

    s->taken = 0;
    s->emitted = p->out->constraint_count;
    if (has(s, TOKEN_EXCLUDE)) {
        statement_read_exclusion(s);
    }
    if (sentence_has(p, clause, TOKEN_ROLLBACK) && clause->opened_by != TOKEN_SENTENCE &&
        !has(s, TOKEN_ROLLBACK)) {
        statement_read_rollback_condition(s);
        return;
    }
    if (clause_is_observation(p, clause) || has(s, TOKEN_CONFLICT)) {
        read_observation(s);
        return;
    }
    if (refuses_model_change(s)) {
        statement_emit(s, METRIC_MODEL, constraint_plain("exclude", true));
    }
    if (has(s, TOKEN_INDIFFERENT)) {
        statement_read_indifferent(s);
        return;
    }
    read_values(s);
    statement_read_kept(s);
    if (has(s, TOKEN_KEEP) && !has(s, TOKEN_EXCLUDE)) {
        statement_read_kept_model(s);
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
        statement_read_migration_check(&s);
        scope_to_replaced_model(p);
    }
    return s.status;
}
