/*
 * What the answer needs, from intents and constraints: the columns of the records, prices, and what
 * only the user can say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/parse.h"

static bool is_silent(const struct interpretation *out)
{
    static const enum intent silent[] = {INTENT_GREETING,  INTENT_OFF_TOPIC, INTENT_HOSTILE,
                                         INTENT_DATA_HELP, INTENT_UNKNOWN,   INTENT_EMPTY};
    bool found[INTENT_COUNT] = {false};

    for (size_t i = 0; i < ARRAY_LENGTH(silent); i++) {
        found[silent[i]] = true;
    }
    for (unsigned i = 0; i < INTENT_COUNT; i++) {
        if (out->intents[i] && !found[i]) {
            return false;
        }
    }
    return true;
}

static bool only_pricing(const struct interpretation *out)
{
    for (unsigned i = 0; i < INTENT_COUNT; i++) {
        if (out->intents[i] && i != INTENT_PRICING_LOOKUP && i != INTENT_HOSTILE) {
            return false;
        }
    }
    return out->intents[INTENT_PRICING_LOOKUP];
}

static bool has_constraint(const struct interpretation *out, const char *metric, const char *op)
{
    for (size_t i = 0; i < out->constraint_count; i++) {
        if (strcmp(out->constraints[i].metric, metric) == 0 &&
            (!op || strcmp(out->constraints[i].op, op) == 0)) {
            return true;
        }
    }
    return false;
}

/* "claude" without a version. */
static bool is_family(const struct parse *p, struct str model)
{
    for (uint32_t i = 0; i < p->model_count; i++) {
        if (p->model_is_family[i] && str_equal(p->models[i], model)) {
            return true;
        }
    }
    return false;
}

static bool needs_model_choice(const struct parse *p)
{
    bool family = false;

    for (size_t i = 0; i < p->out->model_count; i++) {
        family |= is_family(p, p->out->models[i]);
    }
    bool targetless = p->out->intents[INTENT_MODEL_MIGRATE] && p->out->model_count == 0;

    return (family || targetless) && !has_constraint(p->out, "model", "exclude");
}

static uint32_t model_needs(const struct parse *p)
{
    const struct interpretation *out = p->out;
    bool models = out->intents[INTENT_MODEL_WHATIF] || out->intents[INTENT_COMPARE_MODELS] ||
                  out->intents[INTENT_MODEL_MIGRATE] || out->intents[INTENT_ROUTING_POLICY];
    bool quality = has_constraint(out, "quality", NULL) || out->intents[INTENT_EVALUATE_CHANGE] ||
                   out->intents[INTENT_QUALITY_CHECK];
    uint32_t needs = 0;

    if (models && has_constraint(out, "model", "exclude") && !parse_has(p, TOKEN_MIGRATE)) {
        return 0; /* "keep support on opus": nothing moves */
    }
    if (models) {
        needs |= NEED_CANDIDATE_QUALITY_EVIDENCE;
        needs |= needs_model_choice(p) ? NEED_CLARIFY_MODEL : 0;
    } else if (quality) {
        needs |= NEED_QUALITY_SCORES;
    }
    return needs;
}

static bool extrapolates(const struct parse *p)
{
    if (parse_has(p, TOKEN_UP) && p->metrics[METRIC_USAGE] && !parse_has(p, TOKEN_AT_THIS_RATE)) {
        return false; /* growth without a number */
    }
    return parse_has(p, TOKEN_AT_THIS_RATE) || p->metrics[METRIC_COST] ||
           parse_has_any(p, TOKEN_BUDGET, TOKEN_OVERRUN);
}

/* What the constraints leave open. */
static uint32_t value_needs(const struct parse *p)
{
    const struct interpretation *out = p->out;
    bool limits = has_constraint(out, "tpm", NULL) || has_constraint(out, "rpm", NULL);
    uint32_t needs = 0;

    if (out->intents[INTENT_RATE_LIMIT_CAPACITY] && !limits) {
        needs |= NEED_RATE_LIMITS;
    }
    if (out->intents[INTENT_BUDGET_GUARD] && !has_constraint(out, "cost", "<=")) {
        needs |= NEED_BUDGET_AMOUNT;
    }
    if (parse_has(p, TOKEN_REVENUE) || p->infeasible || p->target_unclear) {
        needs |= NEED_CLARIFY_TARGET;
    }
    return needs;
}

static bool is_feature_known(const struct ask_vocabulary *vocabulary, struct str name)
{
    for (size_t i = 0; i < vocabulary->feature_count; i++) {
        if (str_equal(vocabulary->features[i], name)) {
            return true;
        }
    }
    return false;
}

/* A name that the records could have but do not. */
static bool has_unresolved_feature(const struct parse *p)
{
    bool named = p->vocabulary && p->vocabulary->feature_count > 0;

    for (size_t i = 0; i < p->out->feature_count && named; i++) {
        if (!is_feature_known(p->vocabulary, p->out->features[i])) {
            return true;
        }
    }
    return false;
}

static uint32_t question_needs(const struct parse *p)
{
    const struct interpretation *out = p->out;
    uint32_t needs = value_needs(p);

    if (out->intents[INTENT_EVALUATE_CHANGE] && out->time_range.kind == ASK_TIME_NONE &&
        !parse_has(p, TOKEN_PROMPT_VERSION)) {
        needs |= NEED_CHANGE_EVENT;
    }
    if (out->intents[INTENT_FORECAST_GROWTH] && out->growth_count == 0 && !extrapolates(p)) {
        needs |= NEED_TRAFFIC_PLAN;
    }
    if (out->intents[INTENT_DATA_HELP] && parse_has(p, TOKEN_IMPORT)) {
        needs |= NEED_RECORDS_MISSING;
    }
    needs |= has_unresolved_feature(p) ? NEED_CLARIFY_FEATURE : 0u;
    return needs | (parse_has(p, TOKEN_SELF_HOST) ? NEED_SELF_HOST_COST : 0u);
}

static bool is_blank(const struct normal_text *text)
{
    return str_trim((struct str){text->data, text->length}).length == 0;
}

void needs_decide(struct parse *p)
{
    struct interpretation *out = p->out;
    bool only_marks = out->intents[INTENT_EMPTY] && !is_blank(&p->text);

    if (out->intents[INTENT_UNKNOWN] || only_marks) {
        out->needs = NEED_CLARIFY_INTENT;
        return;
    }
    if (is_silent(out)) {
        return;
    }
    out->needs = NEED_PRICE_TABLE | (only_pricing(out) ? 0u : NEED_USAGE_RECORDS);
    out->needs |= model_needs(p) | question_needs(p);
    if (out->intents[INTENT_CACHE_AUDIT] && !parse_has(p, TOKEN_SUGGESTION)) {
        out->needs |= NEED_PREFIX_HASHES;
    }
    out->needs |= parse_has(p, TOKEN_DUPLICATES) ? NEED_PROMPT_HASH : 0u;
    out->needs |= has_constraint(out, "ttft", NULL) ? NEED_TTFT : 0u;
}
