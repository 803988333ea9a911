/*
 * How much more traffic comes: "+30 % usage", "agent usage up by half", "traffic doubles in Q1".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/lists.h"
#include "ask/parse.h"

#include <stdio.h>

#define HORIZON_BYTES_MAX 32 /* an hour count of 64 bits and "h" */

static bool is_goal_metric(enum ask_metric metric)
{
    return metric != METRIC_NONE && metric != METRIC_USAGE;
}

/* The token that says what grows: the nearest one that has a metric at all. */
static enum ask_metric nearest_metric(const struct parse *p, const struct clause *clause,
                                      uint32_t at)
{
    uint32_t found = clause_nearest_metric(p, clause, at, UNIT_FACTOR);

    return found < clause->end ? token_metric(&p->tokens[found]) : METRIC_NONE;
}

/* Words or signs that make a share or a factor a growth rather than a remark. */
static bool moves(const struct parse *p, const struct clause *clause, const struct token *token,
                  const struct quantity *q)
{
    bool by_value = q && (q->sign > 0 || q->unit == UNIT_FACTOR || q->is_from_to);

    return by_value || token->kind == TOKEN_MULTIPLY || clause->opened_by == TOKEN_IF ||
           clause_has_any(clause, TOKEN_UP, TOKEN_DOWN, TOKEN_EXPECT, TOKEN_WILL, TOKEN_PEAK) ||
           sentence_has(p, clause, TOKEN_WHAT_IF);
}

static bool can_be_growth(const struct quantity *q)
{
    if (q->is_from_to) {
        return q->unit != UNIT_MS && q->unit != UNIT_MONEY;
    }
    return q->unit == UNIT_FRACTION || q->unit == UNIT_FACTOR;
}

/* "half of the chat traffic" */
static bool is_share_of(const struct parse *p, const struct clause *clause, uint32_t at)
{
    return at + 1 < clause->end && p->tokens[at + 1].kind == TOKEN_OF &&
           !clause_has_any(clause, TOKEN_UP, TOKEN_EXPECT);
}

/* "expects +40 %", "search grows 40 %": growth without the word traffic. */
static bool grows_unnamed(const struct clause *clause, const struct token *token)
{
    bool rises = clause_has(clause, TOKEN_UP) || token->kind == TOKEN_MULTIPLY;

    return (clause_has(clause, TOKEN_EXPECT) && !clause_has(clause, TOKEN_DOWN)) ||
           (clause_has(clause, TOKEN_FEATURE) && rises && !clause_has(clause, TOKEN_ACCEPT));
}

bool growth_is_stated(const struct parse *p, const struct clause *clause, uint32_t at)
{
    const struct token *token = &p->tokens[at];
    const struct quantity *q = token->kind == TOKEN_QUANTITY ? token_quantity(p, token) : NULL;
    enum ask_metric metric = nearest_metric(p, clause, at);

    if (token->kind == TOKEN_DIVIDE || (q && !can_be_growth(q)) || is_share_of(p, clause, at) ||
        !moves(p, clause, token, q) || clause_is_observation(p, clause)) {
        return false;
    }
    if (metric == METRIC_USAGE) {
        return true;
    }
    return !is_goal_metric(metric) && !clause_has(clause, TOKEN_BUDGET) &&
           grows_unnamed(clause, token);
}

static int128 growth_value(const struct parse *p, const struct clause *clause,
                           const struct token *token)
{
    if (token->kind == TOKEN_MULTIPLY) {
        return (int128)(token->arg - 1) * QUANTITY_ONE;
    }
    const struct quantity *q = token_quantity(p, token);
    bool falls = q->sign < 0 || (clause_has(clause, TOKEN_DOWN) && !clause_has(clause, TOKEN_UP));
    if (q->is_from_to && q->value > 0) {
        return q->high * QUANTITY_ONE / q->value - QUANTITY_ONE;
    }
    int128 value = q->unit == UNIT_FACTOR ? q->value - QUANTITY_ONE : q->value;
    return falls ? -value : value;
}

static const char *const quarters[] = {"Q1", "Q2", "Q3", "Q4"};
static const char *const units[UNIT_COUNT] = {[UNIT_DAY] = "next_day",
                                              [UNIT_WEEK] = "next_week",
                                              [UNIT_MONTH] = "next_month",
                                              [UNIT_QUARTER] = "next_quarter",
                                              [UNIT_YEAR] = "next_year"};

/* "next_month", "Q1", "24h"; empty when the prompt does not say until when. */
static struct str horizon(struct parse *p, const struct clause *clause)
{
    for (uint32_t i = clause->begin; i < clause->end; i++) {
        const struct token *token = &p->tokens[i];

        if (token->kind == TOKEN_TIME_POINT && token->arg >= TIME_POINT_Q1 &&
            token->arg <= TIME_POINT_Q4) {
            return str_from(quarters[token->arg - TIME_POINT_Q1]);
        }
        if (token->kind == TOKEN_NEXT && i > clause->begin && p->tokens[i - 1].kind == TOKEN_UNIT &&
            units[p->tokens[i - 1].arg]) {
            return str_from(units[p->tokens[i - 1].arg]); /* "le mois prochain" */
        }
        if (token->kind == TOKEN_NEXT && i + 1 < clause->end &&
            p->tokens[i + 1].kind == TOKEN_UNIT && units[p->tokens[i + 1].arg]) {
            return str_from(units[p->tokens[i + 1].arg]);
        }
        if (token->kind == TOKEN_QUANTITY && token_quantity(p, token)->unit == UNIT_HOUR) {
            int64_t hours = (int64_t)(token_quantity(p, token)->value / QUANTITY_ONE);
            return parse_keep(p, arena_printf(p->arena, "%lldh", (long long)hours));
        }
    }
    return (struct str){NULL, 0};
}

/* What a horizon is called that this token can mean, in text; empty for other tokens. */
static struct str horizon_of_token(const struct parse *p, const struct token *token, char *text,
                                   size_t size)
{
    const struct quantity *q = token->kind == TOKEN_QUANTITY ? token_quantity(p, token) : NULL;

    if (token->kind == TOKEN_TIME_POINT && token->arg >= TIME_POINT_Q1 &&
        token->arg <= TIME_POINT_Q4) {
        return str_from(quarters[token->arg - TIME_POINT_Q1]);
    }
    if (q && q->unit == UNIT_HOUR) {
        (void)snprintf(text, size, "%lldh", (long long)(q->value / QUANTITY_ONE));
        return str_from(text);
    }
    if (token->kind == TOKEN_UNIT || (q && q->value == QUANTITY_ONE)) {
        return str_from(units[q ? q->unit : (enum ask_unit)token->arg]);
    }
    return (struct str){NULL, 0};
}

bool growth_horizon_is_said(const struct parse *p, struct str horizon)
{
    char text[HORIZON_BYTES_MAX];

    for (uint32_t i = 0; i < p->token_count && horizon.length; i++) {
        if (str_equal(horizon, horizon_of_token(p, &p->tokens[i], text, sizeof(text)))) {
            return true;
        }
    }
    return false;
}

static void add_growth(struct parse *p, const struct clause *clause, const struct token *token)
{
    struct interpretation *out = p->out;
    bool peak = clause_has(clause, TOKEN_PEAK);
    uint32_t scopes = clause->scope_count ? clause->scope_count : 1;

    for (uint32_t i = 0; i < scopes && out->growth_count < ASK_ENTITIES_MAX; i++) {
        out->growth[out->growth_count++] =
            (struct ask_growth){.metric = peak ? ASK_GROWTH_PEAK_REQUESTS : ASK_GROWTH_REQUESTS,
                                .value = decimal_of(growth_value(p, clause, token), QUANTITY_SCALE),
                                .scope = clause->scope_count ? clause->scopes[i] : STR("*"),
                                .horizon = horizon(p, clause)};
    }
}

int growth_read(struct parse *p)
{
    p->out->growth = arena_alloc(p->arena, ASK_ENTITIES_MAX, sizeof(struct ask_growth));
    if (!p->out->growth) {
        return ERR_NO_MEMORY;
    }
    for (uint32_t c = 0; c < p->clause_count; c++) {
        const struct clause *clause = &p->clauses[c];

        for (uint32_t i = clause->begin; i < clause->end && !clause->is_inert; i++) {
            const struct token *token = &p->tokens[i];

            if ((is_one_of(token->kind, TOKEN_QUANTITY, TOKEN_MULTIPLY)) &&
                growth_is_stated(p, clause, i)) {
                add_growth(p, clause, token);
            }
        }
    }
    return OK;
}
