/*
 * statement: a clause on its way to constraints, and the questions that every rule asks about it.
 * Private to constraints.c, values.c and keeps.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ASK_STATEMENT_H
#define NETRA_ASK_STATEMENT_H

#include "ask/parse.h"

struct statement {
    struct parse *p;
    struct clause *clause;
    enum ask_metric last_metric; /* of the statement before: a bare value inherits it */
    bool last_down;
    uint64_t taken; /* metric tokens that a value used, by offset in the clause (first 64) */
    size_t emitted; /* constraints before this clause */
    int status;
};

#define has_any(s, ...) clause_has_any((s)->clause, __VA_ARGS__)

static inline bool has(const struct statement *s, enum token_kind kind)
{
    return clause_has(s->clause, kind);
}

static inline bool is_negated(const struct statement *s)
{
    return has_any(s, TOKEN_NEGATION, TOKEN_WITHOUT);
}

/* statement.c: constraints in the making. */
struct ask_constraint constraint_plain(const char *op, bool hard);
struct ask_constraint constraint_valued(const char *op, int128 value, const char *unit);

/* Adds it once per scope of the clause, or with its own scope; never twice the same. */
void statement_emit(struct statement *s, enum ask_metric metric, struct ask_constraint made);

/* The statistics that the clause names ("p95", "p50,p95"), or otherwise. */
struct str statement_statistic(const struct statement *s, const char *otherwise);

bool metric_can_have_unit(enum ask_metric metric, enum ask_unit unit);

/* values.c: the value at token at of the clause; a verb that is a value ("halve"). */
void statement_read_value(struct statement *s, uint32_t at);
void statement_read_multiplier(struct statement *s, uint32_t at);

/* keeps.c: what a clause says without a value. */
void statement_read_kept(struct statement *s);
void statement_read_kept_model(struct statement *s);
void statement_read_indifferent(struct statement *s);
void statement_read_exclusion(struct statement *s);
void statement_read_rollback_condition(struct statement *s);
void statement_read_migration_check(struct statement *s);

#endif
