/*
 * Scores of intents. Each rule is a set of kinds that must stand together (in one clause, in one
 * sentence, in the prompt), a set that must not, and a weight; an intent is meant when its rules
 * reach INTENT_THRESHOLD. What the constraints found counts as kinds of its own (facts).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/parse.h"

#include "base/attributes.h"

#define INTENT_THRESHOLD   10
#define SURE               10
#define GREETING_WORDS_MAX 8 /* more is not a mere greeting */
#define RULE_KINDS_MAX     6

enum reach { IN_CLAUSE, IN_SENTENCE, IN_PROMPT };

struct rule {
    enum intent intent;
    int weight;
    enum reach reach;
    enum token_kind all[RULE_KINDS_MAX]; /* 0 = unused: TOKEN_METRIC stands as METRIC_RULE */
    enum token_kind none[RULE_KINDS_MAX];
    enum ask_metric metric; /* a metric that must be named, METRIC_NONE: any or none */
};

/* In the lists of kinds 0 ends the list, and TOKEN_METRIC is 0: a rule names it through metric. */
static const struct rule rules[] = {
    {INTENT_REDUCE_COST, SURE, IN_CLAUSE, {TOKEN_DOWN}, {TOKEN_WHY, TOKEN_CONFLICT}, METRIC_COST},
    {INTENT_REDUCE_COST,
     SURE,
     IN_CLAUSE,
     {TOKEN_IMPROVE},
     {TOKEN_WHY, TOKEN_WORTH, TOKEN_ROLLBACK},
     METRIC_COST},
    {INTENT_REDUCE_COST, SURE, IN_CLAUSE, {TOKEN_EXPENSIVE, TOKEN_DOWN}, {TOKEN_WHY}, METRIC_NONE},
    {INTENT_REDUCE_COST, SURE, IN_PROMPT, {TOKEN_QUICK_WIN}, {0}, METRIC_NONE},
    {INTENT_REDUCE_COST,
     SURE,
     IN_SENTENCE,
     {TOKEN_SAVE},
     {TOKEN_MODEL, TOKEN_CACHE, TOKEN_BATCH, TOKEN_ROUTE, TOKEN_TRIM, TOKEN_CONFLICT},
     METRIC_NONE},
    {INTENT_REDUCE_COST,
     SURE,
     IN_SENTENCE,
     {TOKEN_EXPENSIVE},
     {TOKEN_WHY, TOKEN_WHICH, TOKEN_TOP, TOKEN_HOW_MUCH, TOKEN_IS_IT, TOKEN_EXPLAIN},
     METRIC_NONE},
    {INTENT_IMPROVE_LATENCY,
     SURE,
     IN_CLAUSE,
     {TOKEN_IMPROVE},
     {TOKEN_ROLLBACK, TOKEN_WORTH},
     METRIC_LATENCY},
    {INTENT_IMPROVE_LATENCY,
     SURE,
     IN_CLAUSE,
     {TOKEN_IMPROVE},
     {TOKEN_ROLLBACK, TOKEN_WORTH},
     METRIC_TTFT},
    {INTENT_IMPROVE_LATENCY,
     SURE,
     IN_CLAUSE,
     {TOKEN_DOWN},
     {TOKEN_WHY, TOKEN_WITHOUT},
     METRIC_LATENCY},
    {INTENT_IMPROVE_LATENCY,
     SURE,
     IN_CLAUSE,
     {TOKEN_DOWN},
     {TOKEN_WHY, TOKEN_WITHOUT},
     METRIC_TTFT},
    {INTENT_IMPROVE_LATENCY,
     SURE,
     IN_SENTENCE,
     {TOKEN_SLOW},
     {TOKEN_WHY, TOKEN_IS_IT, TOKEN_SINCE, TOKEN_EXPLAIN},
     METRIC_NONE},
    {INTENT_FORECAST_GROWTH, SURE, IN_CLAUSE, {TOKEN_UP}, {TOKEN_WHY, TOKEN_ACCEPT}, METRIC_USAGE},
    {INTENT_FORECAST_GROWTH, SURE, IN_CLAUSE, {TOKEN_EXPECT}, {TOKEN_WHY}, METRIC_USAGE},
    {INTENT_FORECAST_GROWTH, SURE, IN_CLAUSE, {TOKEN_EXPECT}, {TOKEN_WHY}, METRIC_COST},
    {INTENT_FORECAST_GROWTH, SURE, IN_SENTENCE, {TOKEN_WILL, TOKEN_NEXT}, {TOKEN_WHY}, METRIC_COST},
    {INTENT_FORECAST_GROWTH, SURE, IN_SENTENCE, {TOKEN_WILL, TOKEN_THIS}, {TOKEN_WHY}, METRIC_COST},
    {INTENT_FORECAST_GROWTH, SURE, IN_SENTENCE, {TOKEN_WILL, TOKEN_END_OF}, {0}, METRIC_COST},
    {INTENT_FORECAST_GROWTH, SURE, IN_SENTENCE, {TOKEN_WILL, TOKEN_OVERRUN}, {0}, METRIC_NONE},
    {INTENT_FORECAST_GROWTH, SURE, IN_SENTENCE, {TOKEN_WILL, TOKEN_BUDGET}, {0}, METRIC_NONE},
    {INTENT_FORECAST_GROWTH, SURE, IN_PROMPT, {TOKEN_AT_THIS_RATE}, {0}, METRIC_NONE},
    {INTENT_FORECAST_GROWTH,
     SURE,
     IN_CLAUSE,
     {TOKEN_UP, TOKEN_CUSTOMERS},
     {TOKEN_WHICH, TOKEN_HOW_MUCH, TOKEN_WHY},
     METRIC_NONE},
    {INTENT_RATE_LIMIT_CAPACITY, SURE, IN_PROMPT, {TOKEN_CAPACITY}, {0}, METRIC_NONE},
    {INTENT_RATE_LIMIT_CAPACITY, SURE, IN_PROMPT, {TOKEN_BREAKS}, {TOKEN_CACHE}, METRIC_NONE},
    {INTENT_RATE_LIMIT_CAPACITY, SURE, IN_SENTENCE, {TOKEN_PEAK, TOKEN_LIMIT}, {0}, METRIC_NONE},
    {INTENT_MODEL_WHATIF,
     SURE,
     IN_SENTENCE,
     {TOKEN_EFFECTIVE, TOKEN_MODEL},
     {TOKEN_COMPARE},
     METRIC_NONE},
    {INTENT_MODEL_WHATIF,
     SURE,
     IN_SENTENCE,
     {TOKEN_WHAT_IF, TOKEN_MODEL},
     {TOKEN_COMPARE},
     METRIC_NONE},
    {INTENT_MODEL_WHATIF,
     SURE,
     IN_SENTENCE,
     {TOKEN_SAVE, TOKEN_MODEL, TOKEN_MIGRATE},
     {0},
     METRIC_NONE},
    {INTENT_MODEL_WHATIF,
     SURE,
     IN_SENTENCE,
     {TOKEN_HOW_MUCH, TOKEN_MODEL, TOKEN_MIGRATE},
     {0},
     METRIC_NONE},
    {INTENT_MODEL_WHATIF,
     SURE,
     IN_SENTENCE,
     {TOKEN_SHOULD, TOKEN_MODEL, TOKEN_MIGRATE},
     {TOKEN_RETIRED},
     METRIC_NONE},
    {INTENT_MODEL_WHATIF, SURE, IN_SENTENCE, {TOKEN_GOOD_ENOUGH, TOKEN_MODEL}, {0}, METRIC_NONE},
    {INTENT_MODEL_WHATIF, SURE, IN_PROMPT, {TOKEN_SELF_HOST}, {0}, METRIC_NONE},
    {INTENT_MODEL_WHATIF,
     SURE,
     IN_SENTENCE,
     {TOKEN_HOW_MUCH, TOKEN_LESS, TOKEN_MODEL},
     {TOKEN_COMPARE, TOKEN_RETIRED, TOKEN_REPLACEMENT},
     METRIC_NONE},
    {INTENT_MODEL_WHATIF,
     SURE,
     IN_SENTENCE,
     {TOKEN_HOW_MUCH, TOKEN_SAVE, TOKEN_MODEL},
     {0},
     METRIC_NONE},
    {INTENT_COMPARE_MODELS, SURE, IN_PROMPT, {TOKEN_COMPARE, TOKEN_MODEL}, {0}, METRIC_NONE},
    {INTENT_COMPARE_MODELS, SURE, IN_SENTENCE, {TOKEN_VERSUS, TOKEN_MODEL}, {0}, METRIC_NONE},
    {INTENT_MODEL_MIGRATE,
     SURE,
     IN_SENTENCE,
     {TOKEN_MIGRATE},
     {TOKEN_WHAT_IF, TOKEN_WORTH, TOKEN_ROLLBACK, TOKEN_HOW_MUCH, TOKEN_KEEP, TOKEN_CACHE},
     METRIC_MODEL},
    {INTENT_MODEL_MIGRATE,
     SURE,
     IN_SENTENCE,
     {TOKEN_MIGRATE, TOKEN_MODEL},
     {TOKEN_WHAT_IF, TOKEN_WORTH, TOKEN_ROLLBACK, TOKEN_HOW_MUCH},
     METRIC_NONE},
    {INTENT_MODEL_MIGRATE, SURE, IN_SENTENCE, {TOKEN_RETIRED, TOKEN_MODEL}, {0}, METRIC_NONE},
    {INTENT_MODEL_MIGRATE,
     SURE,
     IN_SENTENCE,
     {TOKEN_REPLACEMENT, TOKEN_MODEL},
     {TOKEN_WHAT_IF, TOKEN_COMPARE},
     METRIC_NONE},
    {INTENT_CACHE_AUDIT, SURE, IN_PROMPT, {TOKEN_CACHE}, {0}, METRIC_NONE},
    {INTENT_CACHE_AUDIT, SURE, IN_PROMPT, {TOKEN_DUPLICATES}, {TOKEN_IMPORT}, METRIC_NONE},
    {INTENT_CACHE_AUDIT, SURE, IN_CLAUSE, {0}, {0}, METRIC_CACHE_HIT},
    {INTENT_BATCH_ELIGIBILITY, SURE, IN_PROMPT, {TOKEN_BATCH}, {0}, METRIC_NONE},
    {INTENT_TOKEN_TRIM, SURE, IN_CLAUSE, {TOKEN_TRIM, TOKEN_PROMPTS}, {0}, METRIC_NONE},
    {INTENT_TOKEN_TRIM, SURE, IN_CLAUSE, {TOKEN_TRIM}, {TOKEN_WHY}, METRIC_INPUT_TOKENS},
    {INTENT_TOKEN_TRIM, SURE, IN_CLAUSE, {TOKEN_TRIM}, {TOKEN_WHY}, METRIC_OUTPUT_TOKENS},
    {INTENT_TOKEN_TRIM, SURE, IN_CLAUSE, {TOKEN_CAP}, {0}, METRIC_OUTPUT_TOKENS},
    {INTENT_TOKEN_TRIM, SURE, IN_CLAUSE, {TOKEN_LIMIT}, {0}, METRIC_OUTPUT_TOKENS},
    {INTENT_TOKEN_TRIM, SURE, IN_CLAUSE, {TOKEN_DOWN}, {TOKEN_WHY}, METRIC_OUTPUT_TOKENS},
    {INTENT_TOKEN_TRIM, SURE, IN_CLAUSE, {TOKEN_DOWN}, {TOKEN_WHY}, METRIC_INPUT_TOKENS},
    {INTENT_TOKEN_TRIM, SURE, IN_CLAUSE, {TOKEN_DOWN}, {TOKEN_WHY}, METRIC_REASONING_TOKENS},
    {INTENT_TOKEN_TRIM, SURE, IN_CLAUSE, {TOKEN_DOWN, TOKEN_PROMPTS}, {TOKEN_WHY}, METRIC_NONE},
    {INTENT_TOKEN_TRIM, SURE, IN_SENTENCE, {TOKEN_PROMPTS, TOKEN_SLOW}, {0}, METRIC_NONE},
    {INTENT_TOKEN_TRIM,
     SURE,
     IN_SENTENCE,
     {TOKEN_PROMPTS, TOKEN_EXPENSIVE},
     {TOKEN_TOP},
     METRIC_NONE},
    {INTENT_TOKEN_TRIM, SURE, IN_SENTENCE, {TOKEN_PROMPTS, TOKEN_IS_IT}, {0}, METRIC_NONE},
    {INTENT_TOKEN_TRIM, SURE, IN_PROMPT, {TOKEN_TRIM}, {TOKEN_WHY, TOKEN_ROLLBACK}, METRIC_NONE},
    {INTENT_ROUTING_POLICY, SURE, IN_PROMPT, {TOKEN_ROUTE}, {0}, METRIC_NONE},
    {INTENT_EVALUATE_CHANGE,
     SURE,
     IN_SENTENCE,
     {TOKEN_WORTH},
     {TOKEN_SHOULD, TOKEN_CACHE, TOKEN_BATCH},
     METRIC_NONE},
    {INTENT_EVALUATE_CHANGE,
     SURE,
     IN_SENTENCE,
     {TOKEN_UPGRADE, TOKEN_IMPROVE},
     {TOKEN_WHY},
     METRIC_NONE},
    {INTENT_EVALUATE_CHANGE,
     SURE,
     IN_SENTENCE,
     {TOKEN_UPGRADE, TOKEN_WORSE},
     {TOKEN_WHY},
     METRIC_NONE},
    {INTENT_EVALUATE_CHANGE, SURE, IN_SENTENCE, {TOKEN_ROLLBACK, TOKEN_WORSE}, {0}, METRIC_NONE},
    {INTENT_EVALUATE_CHANGE,
     SURE,
     IN_SENTENCE,
     {TOKEN_UPGRADE, TOKEN_DOWN},
     {TOKEN_WHY},
     METRIC_COST},
    {INTENT_EVALUATE_CHANGE,
     SURE,
     IN_SENTENCE,
     {TOKEN_UPGRADE, TOKEN_EFFECTIVE},
     {TOKEN_WHY},
     METRIC_NONE},
    {INTENT_EVALUATE_CHANGE,
     SURE,
     IN_SENTENCE,
     {TOKEN_UPGRADE, TOKEN_AUDIT},
     {TOKEN_WHY},
     METRIC_NONE},
    {INTENT_EVALUATE_CHANGE,
     SURE,
     IN_SENTENCE,
     {TOKEN_UPGRADE, TOKEN_VALIDATE},
     {TOKEN_WHY},
     METRIC_NONE},
    {INTENT_ROLLBACK, SURE, IN_PROMPT, {TOKEN_ROLLBACK}, {0}, METRIC_NONE},
    {INTENT_QUALITY_CHECK,
     SURE,
     IN_SENTENCE,
     {TOKEN_CHANGED_DOWN},
     {TOKEN_ROLLBACK},
     METRIC_QUALITY},
    {INTENT_QUALITY_CHECK, SURE, IN_CLAUSE, {TOKEN_BAD}, {TOKEN_ROLLBACK}, METRIC_QUALITY},
    {INTENT_QUALITY_CHECK,
     SURE,
     IN_CLAUSE,
     {TOKEN_VALIDATE},
     {TOKEN_ROLLBACK, TOKEN_KEEP, TOKEN_SAME},
     METRIC_QUALITY},
    {INTENT_QUALITY_CHECK,
     SURE,
     IN_CLAUSE,
     {TOKEN_AUDIT},
     {TOKEN_ROLLBACK, TOKEN_CACHE},
     METRIC_QUALITY},
    {INTENT_QUALITY_CHECK,
     SURE,
     IN_CLAUSE,
     {TOKEN_HOW_MUCH},
     {TOKEN_ROLLBACK, TOKEN_KEEP, TOKEN_SAME, TOKEN_WITHOUT},
     METRIC_QUALITY},
    {INTENT_QUALITY_CHECK, SURE, IN_PROMPT, {TOKEN_VALIDATE, TOKEN_MIGRATE}, {0}, METRIC_NONE},
    {INTENT_QUALITY_CHECK, SURE, IN_PROMPT, {TOKEN_GOOD_ENOUGH}, {0}, METRIC_NONE},
    {INTENT_QUALITY_CHECK,
     SURE,
     IN_SENTENCE,
     {TOKEN_IMPROVE},
     {TOKEN_ROLLBACK, TOKEN_WORTH, TOKEN_UPGRADE},
     METRIC_QUALITY},
    {INTENT_ANOMALY_EXPLAIN, SURE, IN_SENTENCE, {TOKEN_WHY}, {TOKEN_CONFLICT}, METRIC_NONE},
    {INTENT_ANOMALY_EXPLAIN, SURE, IN_PROMPT, {TOKEN_EXPLAIN, TOKEN_CHANGED_UP}, {0}, METRIC_NONE},
    {INTENT_ANOMALY_EXPLAIN, SURE, IN_PROMPT, {TOKEN_EXPLAIN, TOKEN_BAD}, {0}, METRIC_NONE},
    {INTENT_ANOMALY_EXPLAIN, SURE, IN_PROMPT, {TOKEN_EXPLAIN, TOKEN_SLOW}, {0}, METRIC_NONE},
    {INTENT_ANOMALY_EXPLAIN, SURE, IN_CLAUSE, {TOKEN_EXPLAIN}, {0}, METRIC_COST},
    {INTENT_ANOMALY_EXPLAIN, SURE, IN_CLAUSE, {TOKEN_EXPLAIN}, {0}, METRIC_LATENCY},
    {INTENT_ANOMALY_EXPLAIN, SURE, IN_CLAUSE, {TOKEN_EXPLAIN}, {0}, METRIC_USAGE},
    {INTENT_ANOMALY_EXPLAIN, SURE, IN_CLAUSE, {TOKEN_EXPLAIN}, {0}, METRIC_ERROR_RATE},
    {INTENT_ANOMALY_EXPLAIN,
     SURE,
     IN_SENTENCE,
     {TOKEN_CHANGED_UP},
     {TOKEN_ROLLBACK, TOKEN_WORTH},
     METRIC_COST},
    {INTENT_ANOMALY_EXPLAIN,
     SURE,
     IN_SENTENCE,
     {TOKEN_CHANGED_UP},
     {TOKEN_ROLLBACK, TOKEN_WORTH},
     METRIC_LATENCY},
    {INTENT_ANOMALY_EXPLAIN,
     SURE,
     IN_SENTENCE,
     {TOKEN_CHANGED_DOWN},
     {TOKEN_ROLLBACK, TOKEN_WORTH},
     METRIC_LATENCY},
    {INTENT_ANOMALY_EXPLAIN, SURE, IN_SENTENCE, {TOKEN_SLOW, TOKEN_SINCE}, {0}, METRIC_NONE},
    {INTENT_ANOMALY_EXPLAIN, SURE, IN_SENTENCE, {TOKEN_BAD, TOKEN_SINCE}, {0}, METRIC_NONE},
    {INTENT_ANOMALY_EXPLAIN,
     SURE,
     IN_SENTENCE,
     {TOKEN_IS_IT, TOKEN_OR, TOKEN_SLOW},
     {0},
     METRIC_NONE},
    {INTENT_ANOMALY_EXPLAIN,
     SURE,
     IN_SENTENCE,
     {TOKEN_IS_IT, TOKEN_OR, TOKEN_EXPENSIVE},
     {0},
     METRIC_NONE},
    {INTENT_ANOMALY_EXPLAIN,
     SURE,
     IN_SENTENCE,
     {TOKEN_IS_IT, TOKEN_OR, TOKEN_CHANGED_UP},
     {0},
     METRIC_NONE},
    {INTENT_COST_BREAKDOWN,
     SURE,
     IN_CLAUSE,
     {TOKEN_TOP, TOKEN_EXPENSIVE},
     {TOKEN_WHY},
     METRIC_NONE},
    {INTENT_COST_BREAKDOWN, SURE, IN_CLAUSE, {TOKEN_TOP}, {TOKEN_WHY, TOKEN_DOWN}, METRIC_COST},
    {INTENT_COST_BREAKDOWN,
     SURE,
     IN_CLAUSE,
     {TOKEN_WHICH, TOKEN_EXPENSIVE},
     {TOKEN_COMPARE},
     METRIC_NONE},
    {INTENT_COST_BREAKDOWN,
     SURE,
     IN_CLAUSE,
     {TOKEN_WHICH},
     {TOKEN_COMPARE, TOKEN_DOWN},
     METRIC_COST},
    {INTENT_COST_BREAKDOWN,
     SURE,
     IN_SENTENCE,
     {TOKEN_SPLIT},
     {TOKEN_WHY, TOKEN_IMPORT},
     METRIC_COST},
    {INTENT_COST_BREAKDOWN, SURE, IN_SENTENCE, {TOKEN_WASTE}, {0}, METRIC_NONE},
    {INTENT_RELIABILITY,
     SURE,
     IN_PROMPT,
     {TOKEN_FAILURES},
     {TOKEN_EXCLUDE, TOKEN_ROUTE},
     METRIC_NONE},
    {INTENT_RELIABILITY, SURE, IN_SENTENCE, {0}, {TOKEN_ROLLBACK}, METRIC_ERROR_RATE},
    {INTENT_BUDGET_GUARD,
     SURE,
     IN_CLAUSE,
     {TOKEN_BUDGET},
     {TOKEN_UP, TOKEN_ACCEPT, TOKEN_SAME},
     METRIC_NONE},
    {INTENT_BUDGET_GUARD, SURE, IN_PROMPT, {TOKEN_OVERRUN}, {0}, METRIC_NONE},
    {INTENT_BUDGET_GUARD, SURE, IN_PROMPT, {TOKEN_ALERT}, {0}, METRIC_NONE},
    {INTENT_PRICING_LOOKUP,
     SURE,
     IN_SENTENCE,
     {TOKEN_MODEL},
     {TOKEN_MIGRATE, TOKEN_SAME},
     METRIC_PRICE},
    {INTENT_PRICING_LOOKUP,
     SURE,
     IN_SENTENCE,
     {TOKEN_PROVIDER},
     {TOKEN_MIGRATE, TOKEN_SAME},
     METRIC_PRICE},
    {INTENT_PRICING_LOOKUP,
     SURE,
     IN_SENTENCE,
     {TOKEN_CONTEXT_WINDOW, TOKEN_MODEL, TOKEN_MORE},
     {0},
     METRIC_NONE},
    {INTENT_EXPLAIN_RESULT, SURE, IN_PROMPT, {TOKEN_CONFLICT}, {0}, METRIC_NONE},
    {INTENT_DATA_HELP, SURE, IN_PROMPT, {TOKEN_DATA_QUESTION}, {0}, METRIC_NONE},
    {INTENT_DATA_HELP, SURE, IN_PROMPT, {TOKEN_IMPORT, TOKEN_DATA_SOURCE}, {0}, METRIC_NONE},
    {INTENT_DATA_HELP, SURE, IN_PROMPT, {TOKEN_HELP}, {TOKEN_DOWN, TOKEN_SAVE}, METRIC_NONE},
};

static bool matches_kinds(const struct rule *rule, const struct kind_set *kinds)
{
    for (unsigned i = 0; i < RULE_KINDS_MAX && rule->all[i]; i++) {
        if (!kind_set_has(kinds, rule->all[i])) {
            return false;
        }
    }
    for (unsigned i = 0; i < RULE_KINDS_MAX && rule->none[i]; i++) {
        if (kind_set_has(kinds, rule->none[i])) {
            return false;
        }
    }
    return true;
}

static void score_clause(const struct parse *p, const struct clause *clause, int *scores)
{
    uint64_t metrics = 0;

    for (uint32_t i = clause->begin; i < clause->end; i++) {
        metrics |= p->tokens[i].kind == TOKEN_METRIC ? UINT64_C(1) << p->tokens[i].arg : 0;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(rules); i++) {
        const struct rule *rule = &rules[i];
        const struct kind_set *kinds = rule->reach == IN_CLAUSE ? &clause->kinds
                                       : rule->reach == IN_SENTENCE
                                           ? &p->sentences[clause->sentence]
                                           : &p->kinds;

        if ((rule->metric == METRIC_NONE || (metrics >> rule->metric) & 1) &&
            scores[rule->intent] < INTENT_THRESHOLD && matches_kinds(rule, kinds)) {
            scores[rule->intent] += rule->weight;
        }
    }
}

/* --- what the rules cannot see --- */

static bool has_word_arg(const struct parse *p, enum token_kind kind, int32_t arg)
{
    for (uint32_t i = 0; i < p->token_count; i++) {
        if (p->tokens[i].kind == kind && p->tokens[i].arg == arg) {
            return true;
        }
    }
    return false;
}

static bool is_metric(const struct ask_constraint *c, enum ask_metric metric)
{
    return strcmp(c->metric, ask_metric_name(metric)) == 0;
}

static bool is_cost_target(const struct parse *p, const struct ask_constraint *c)
{
    bool guards = parse_has_any(p, TOKEN_BUDGET, TOKEN_ALERT, TOKEN_OVERRUN);

    return is_metric(c, METRIC_COST) &&
           (strncmp(c->op, "reduce_by", strlen("reduce_by")) == 0 ||
            strcmp(c->op, "divide_by") == 0 || (strcmp(c->op, "<=") == 0 && !guards));
}

static void score_constraint(const struct parse *p, const struct ask_constraint *c, int *scores)
{
    if (is_cost_target(p, c)) {
        scores[INTENT_REDUCE_COST] += SURE;
    }
    if (is_metric(c, METRIC_TPM) || is_metric(c, METRIC_RPM)) {
        scores[INTENT_RATE_LIMIT_CAPACITY] += SURE;
    }
    if (is_metric(c, METRIC_OUTPUT_TOKENS) || is_metric(c, METRIC_INPUT_TOKENS)) {
        scores[INTENT_TOKEN_TRIM] += SURE;
    }
    if (is_metric(c, METRIC_MODEL) && p->model_count && parse_has(p, TOKEN_KEEP)) {
        scores[INTENT_MODEL_MIGRATE] += SURE; /* "keep support on opus" */
    }
    if (parse_has(p, TOKEN_ROLLBACK) && strcmp(c->op, "exclude") != 0) {
        scores[INTENT_EVALUATE_CHANGE] += SURE;
    }
}

static void score_constraints(const struct parse *p, int *scores)
{
    for (size_t i = 0; i < p->out->constraint_count; i++) {
        score_constraint(p, &p->out->constraints[i], scores);
    }
    scores[INTENT_IMPROVE_LATENCY] += p->latency_goal ? SURE : 0;
    scores[INTENT_FORECAST_GROWTH] += p->out->growth_count ? SURE : 0;
}

/* "Did quality drop?", "did costs go up?" */
static void score_observation(const struct parse *p, const struct clause *clause, int *scores)
{
    bool moved =
        clause_has_any(clause, TOKEN_DOWN, TOKEN_UP, TOKEN_WORSE, TOKEN_IMPROVE, TOKEN_MORE);

    if (sentence_has(p, clause, TOKEN_MIGRATE) && clause_asks_what_was(p, clause)) {
        scores[INTENT_EVALUATE_CHANGE] += SURE; /* "did switching to … hurt quality?" */
        scores[INTENT_MODEL_MIGRATE] = 0;
        scores[INTENT_QUALITY_CHECK] = 0;
        return;
    }
    if (!moved) {
        return;
    }
    if (clause_has_metric(p, clause, METRIC_QUALITY)) {
        scores[INTENT_QUALITY_CHECK] += SURE;
    } else if (clause_has(clause, TOKEN_METRIC) && !clause_has_metric(p, clause, METRIC_MODEL)) {
        scores[INTENT_ANOMALY_EXPLAIN] += SURE;
        scores[INTENT_REDUCE_COST] = 0;
        scores[INTENT_FORECAST_GROWTH] = 0;
        scores[INTENT_IMPROVE_LATENCY] = 0;
    }
}

/* "Cheaper" and "faster" are wishes, except in comparisons, remarks and tolerances, and where a
 * model is asked about ("how much cheaper would gpt-5-nano be?"). */
static void score_less(const struct parse *p, const struct clause *clause, int *scores)
{
    uint32_t less = clause_find(p, clause, TOKEN_LESS);
    bool asks = sentence_has_any(p, clause, TOKEN_WHAT_IF, TOKEN_HOW_MUCH) &&
                sentence_has(p, clause, TOKEN_MODEL) && !sentence_has(p, clause, TOKEN_RETIRED);
    bool supposes = clause->is_question && sentence_has(p, clause, TOKEN_MODEL) &&
                    has_word_arg(p, TOKEN_STOP, STOP_WOULD);

    if (less == clause->end || clause_is_observation(p, clause) ||
        clause_has_any(clause, TOKEN_COMPARE, TOKEN_THAN, TOKEN_WHY, TOKEN_VERSUS, TOKEN_ACCEPT) ||
        sentence_has(p, clause, TOKEN_ROUTE)) {
        return;
    }
    if (supposes) {
        scores[INTENT_MODEL_WHATIF] += SURE; /* "would llama be cheaper?" */
    } else if (p->tokens[less].arg == METRIC_COST && !asks) {
        scores[INTENT_REDUCE_COST] += SURE;
    } else if (p->tokens[less].arg == METRIC_LATENCY && !sentence_has(p, clause, TOKEN_WHAT_IF)) {
        scores[INTENT_IMPROVE_LATENCY] += SURE;
    }
}

static bool names_rate_limit(const struct parse *p, const struct clause *clause)
{
    return clause_has_metric(p, clause, METRIC_RATE_LIMIT) ||
           clause_has_metric(p, clause, METRIC_RPM) || clause_has_metric(p, clause, METRIC_TPM);
}

static void score_metrics(const struct parse *p, int *scores)
{
    for (uint32_t i = 0; i < p->clause_count; i++) {
        const struct clause *clause = &p->clauses[i];

        if (clause->is_inert) {
            continue;
        }
        if (clause->is_question && clause_is_observation(p, clause) &&
            !sentence_has_any(p, clause, TOKEN_UPGRADE, TOKEN_ROLLBACK)) {
            score_observation(p, clause, scores);
        }
        scores[INTENT_RATE_LIMIT_CAPACITY] += names_rate_limit(p, clause) ? SURE : 0;
        score_less(p, clause, scores);
    }
    if (has_word_arg(p, TOKEN_CONTEXT_WINDOW, 1)) {
        scores[INTENT_COST_BREAKDOWN] += SURE; /* "do we ever hit that?" */
    }
    if (p->target_unclear) {
        scores[p->target_unclear == METRIC_COST ? INTENT_REDUCE_COST : INTENT_IMPROVE_LATENCY] +=
            SURE;
    }
}

static bool asks_cost(const struct parse *p)
{
    for (uint32_t i = 0; i < p->clause_count; i++) {
        const struct clause *clause = &p->clauses[i];

        if (!clause->is_inert && clause_has(clause, TOKEN_HOW_MUCH) &&
            !clause_has(clause, TOKEN_DOWN) && clause_has_metric(p, clause, METRIC_COST)) {
            return true;
        }
    }
    return false;
}

/* "How much does gpt-5 cost?" asks the list, "how much does it cost us?" the records. */
static void score_cost_questions(const struct parse *p, int *scores)
{
    static const enum intent others[] = {
        INTENT_MODEL_WHATIF,    INTENT_FORECAST_GROWTH, INTENT_PRICING_LOOKUP,
        INTENT_REDUCE_COST,     INTENT_CACHE_AUDIT,     INTENT_BATCH_ELIGIBILITY,
        INTENT_ANOMALY_EXPLAIN, INTENT_BUDGET_GUARD,    INTENT_COMPARE_MODELS,
        INTENT_EVALUATE_CHANGE,
    };
    bool ours = has_word_arg(p, TOKEN_STOP, STOP_OURS) ||
                parse_has_any(p, TOKEN_FEATURE, TOKEN_TIME_POINT, TOKEN_LAST, TOKEN_THIS);

    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (scores[others[i]]) {
            return;
        }
    }
    if (!asks_cost(p)) {
        return;
    }
    if (p->model_count >= 2) {
        scores[INTENT_MODEL_WHATIF] += SURE;
    } else {
        scores[p->model_count && !ours ? INTENT_PRICING_LOOKUP : INTENT_COST_BREAKDOWN] += SURE;
    }
}

/* Two targets of one move: "to claude or gpt-5-mini". */
static bool offers_alternatives(const struct parse *p)
{
    if (!parse_has_any(p, TOKEN_MIGRATE, TOKEN_WHICH, TOKEN_IMPROVE, TOKEN_LESS) ||
        parse_has(p, TOKEN_EFFECTIVE)) {
        return false;
    }
    for (uint32_t i = 0; i + 2 < p->token_count; i++) {
        if (p->tokens[i].kind == TOKEN_MODEL && p->tokens[i + 2].kind == TOKEN_MODEL &&
            is_one_of(p->tokens[i + 1].kind, TOKEN_OR, TOKEN_SLASH)) {
            return true;
        }
    }
    return false;
}

static void score_alternatives(const struct parse *p, int *scores)
{
    bool better = parse_has(p, TOKEN_THAN) &&
                  parse_has_any(p, TOKEN_IMPROVE, TOKEN_LESS, TOKEN_MORE, TOKEN_WORSE);

    if (offers_alternatives(p) || (better && p->model_count >= 2)) {
        scores[INTENT_COMPARE_MODELS] += SURE;
    }
    if (parse_has(p, TOKEN_WORTH) && p->model_count >= 2 && !parse_has(p, TOKEN_UPGRADE)) {
        scores[INTENT_COMPARE_MODELS] += SURE; /* "is sonnet worth it over haiku?" */
        scores[INTENT_EVALUATE_CHANGE] = 0;
    }
    if (parse_has(p, TOKEN_OFF) && parse_has(p, TOKEN_MIGRATE) && p->model_count) {
        scores[INTENT_MODEL_MIGRATE] += SURE;
    }
}

/* "trim the bill" trims no tokens. */
static bool trims_money_only(const struct parse *p)
{
    return parse_has(p, TOKEN_TRIM) && !parse_has(p, TOKEN_PROMPTS) &&
           !has_word_arg(p, TOKEN_METRIC, METRIC_INPUT_TOKENS) &&
           !has_word_arg(p, TOKEN_METRIC, METRIC_OUTPUT_TOKENS);
}

/* "would caching help?" asks no help of ours. */
static void settle_help(const struct parse *p, int *scores)
{
    if (parse_has_any(p, TOKEN_DATA_QUESTION, TOKEN_IMPORT)) {
        return;
    }
    for (unsigned i = 0; i < INTENT_DATA_HELP; i++) {
        if (scores[i]) {
            scores[INTENT_DATA_HELP] = 0;
        }
    }
}

/* Intents that another one explains away. */
static void settle(const struct parse *p, int *scores)
{
    if (scores[INTENT_PRICING_LOOKUP] && parse_has(p, TOKEN_CACHE) && !parse_has(p, TOKEN_AUDIT)) {
        scores[INTENT_CACHE_AUDIT] = 0; /* the price of cached input */
    }
    if (!parse_has_any(p, TOKEN_METRIC, TOKEN_SLOW, TOKEN_EXPENSIVE, TOKEN_BAD, TOKEN_CHANGED_UP,
                       TOKEN_CHANGED_DOWN, TOKEN_FAILURES, TOKEN_CACHE, TOKEN_WASTE, TOKEN_MORE,
                       TOKEN_LESS, TOKEN_CAPACITY, TOKEN_BUDGET, TOKEN_PEAK)) {
        scores[INTENT_ANOMALY_EXPLAIN] = 0; /* "why is the sky blue" */
    }
    if (scores[INTENT_ANOMALY_EXPLAIN] && !p->latency_goal && parse_has(p, TOKEN_WHY)) {
        scores[INTENT_IMPROVE_LATENCY] = 0;
    }
    if (scores[INTENT_REDUCE_COST] && trims_money_only(p)) {
        scores[INTENT_TOKEN_TRIM] = 0;
    }
    if (scores[INTENT_ROLLBACK] && parse_has(p, TOKEN_SUGGESTION)) {
        scores[INTENT_EVALUATE_CHANGE] = 0;
    }
    settle_help(p, scores);
}

/* --- when nothing is meant --- */

static bool is_spoken(enum token_kind kind)
{
    return is_one_of(kind, TOKEN_STOP, TOKEN_WHICH, TOKEN_HOW_MUCH, TOKEN_FOR, TOKEN_OF, TOKEN_TO,
                     TOKEN_AND, TOKEN_EXPLAIN, TOKEN_IF, TOKEN_WHY, TOKEN_TOP, TOKEN_TIME_POINT,
                     TOKEN_SHOULD, TOKEN_WILL);
}

/* Kinds that are evidence of a question to us even when no intent was found. */
static bool is_ours(const struct token *token)
{
    switch (token->kind) {
    case TOKEN_METRIC:
        return !(token->arg == METRIC_MODEL || token->arg == METRIC_CHANGE ||
                 token->arg == METRIC_PRICE || token->arg == METRIC_ACTIONS);
    case TOKEN_MODEL:
    case TOKEN_PROVIDER:
    case TOKEN_CACHE:
    case TOKEN_BATCH:
    case TOKEN_DOMAIN:
    case TOKEN_PROMPTS:
    case TOKEN_DATA_SOURCE:
    case TOKEN_FEATURE_WORD:
    case TOKEN_BUDGET:
    case TOKEN_VAGUE:
        return true;
    default:
        return false;
    }
}

/* What a metric alone asks for, when nothing else was found. */
static enum intent intent_of_metric(const struct parse *p)
{
    for (uint32_t i = 0; i < p->clause_count; i++) {
        const struct clause *clause = &p->clauses[i];

        if (clause->is_inert || !clause->is_question) {
            continue;
        }
        if (clause_has_metric(p, clause, METRIC_QUALITY)) {
            return INTENT_QUALITY_CHECK;
        }
        if (clause_has_metric(p, clause, METRIC_COST)) {
            return INTENT_COST_BREAKDOWN;
        }
    }
    /* "leave search alone": a limit on a plan to save. */
    return p->out->constraint_count ? INTENT_REDUCE_COST : INTENT_UNKNOWN;
}

/* "2+2" */
static bool is_arithmetic(const struct parse *p)
{
    for (uint32_t i = 0; i + 2 < p->token_count; i++) {
        if (p->tokens[i].kind == TOKEN_QUANTITY && p->tokens[i + 2].kind == TOKEN_QUANTITY &&
            is_one_of(p->tokens[i + 1].kind, TOKEN_PLUS, TOKEN_MINUS)) {
            return true;
        }
    }
    return false;
}

static bool has_foreign_clause(const struct parse *p)
{
    for (uint32_t i = 0; i < p->clause_count; i++) {
        if (p->clauses[i].is_foreign) {
            return true;
        }
    }
    return false;
}

static enum intent fallback_intent(const struct parse *p)
{
    unsigned spoken = 0;
    unsigned unknown = 0;
    unsigned words = 0;
    bool ours = false;
    bool foreign = has_foreign_clause(p);

    for (uint32_t i = 0; i < p->token_count; i++) {
        enum token_kind kind = p->tokens[i].kind;
        bool known = kind == TOKEN_FEATURE && p->feature_is_known[p->tokens[i].arg];

        words += kind < TOKEN_COMMA;
        spoken += is_spoken(kind);
        unknown += !known && is_one_of(kind, TOKEN_WORD, TOKEN_FEATURE);
        ours |= known || is_ours(&p->tokens[i]);
    }
    if (words == 0) {
        return INTENT_EMPTY;
    }
    if (parse_has(p, TOKEN_GREETING) && !foreign && unknown == 0 && words <= GREETING_WORDS_MAX) {
        return INTENT_GREETING;
    }
    if (foreign || is_arithmetic(p) || (spoken >= 2 && unknown >= 1 && !ours)) {
        return INTENT_OFF_TOPIC;
    }
    return intent_of_metric(p);
}

static bool is_hostile(const struct parse *p)
{
    for (uint32_t i = 0; i < p->token_count; i++) {
        if (p->tokens[i].kind == TOKEN_HOSTILE) {
            return true;
        }
    }
    return false;
}

void intents_score(struct parse *p)
{
    int scores[INTENT_COUNT] = {0};
    bool any = false;

    for (uint32_t i = 0; i < p->clause_count; i++) {
        if (!p->clauses[i].is_inert) {
            score_clause(p, &p->clauses[i], scores);
        }
    }
    score_constraints(p, scores);
    score_metrics(p, scores);
    score_alternatives(p, scores);
    score_cost_questions(p, scores);
    settle(p, scores);
    scores[INTENT_HOSTILE] = is_hostile(p) ? SURE : 0;
    for (unsigned i = 0; i < INTENT_COUNT; i++) {
        p->out->intents[i] = scores[i] >= INTENT_THRESHOLD;
        any |= p->out->intents[i];
    }
    if (!any) {
        p->out->intents[fallback_intent(p)] = true;
    }
}
