/*
 * ask_parse: runs the steps that parse.h lists and hands out their result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/parse.h"
#include "ask/lists.h"

#define CONFIDENCE_CLEAR   0.95
#define CONFIDENCE_UNKNOWN 0.2
#define CONFIDENCE_LOSS    0.6 /* at most, when every word is unknown */

static void name_metrics(struct parse *p)
{
    for (uint32_t i = 0; i < p->token_count; i++) {
        const struct clause *clause = &p->clauses[p->tokens[i].clause];

        if (!clause->is_inert && i < clause->end) {
            p->metrics[token_metric(&p->tokens[i])] = true;
        }
    }
}

static int run_steps(struct parse *p)
{
    int status = entities_prepare(p);

    if (!status) {
        status = tokens_read(p);
    }
    if (!status) {
        p->language = language_detect(p);
        status = quantities_build(p);
    }
    if (!status) {
        features_find(p);
        status = clauses_split(p);
    }
    if (!status) {
        status = growth_read(p);
    }
    if (!status) {
        status = constraints_read(p);
    }
    if (!status) {
        name_metrics(p);
        time_range_read(p);
        intents_score(p);
    }
    return status;
}

/* Metrics that the prompt names, and those that its constraints are about. */
static int collect_metrics(struct parse *p)
{
    p->out->metrics = arena_alloc(p->arena, METRIC_COUNT, sizeof(struct str));
    if (!p->out->metrics) {
        return ERR_NO_MEMORY;
    }
    for (unsigned m = 1; m < METRIC_COUNT; m++) {
        bool meant = p->metrics[m] ||
                     (m == METRIC_CACHE_HIT && p->out->intents[INTENT_CACHE_AUDIT]) ||
                     (m == METRIC_COST && p->out->intents[INTENT_REDUCE_COST]);

        if (meant && ask_metric_is_listed((enum ask_metric)m)) {
            p->out->metrics[p->out->metric_count++] = str_from(ask_metric_name((enum ask_metric)m));
        }
    }
    return OK;
}

/* Names that effective clauses mention, in order of appearance. */
static int collect_names(struct parse *p)
{
    bool feature_seen[ASK_ENTITIES_MAX] = {false};
    bool model_seen[ASK_ENTITIES_MAX] = {false};
    struct interpretation *out = p->out;

    out->models = arena_alloc(p->arena, ASK_ENTITIES_MAX, sizeof(struct str));
    out->features = arena_alloc(p->arena, ASK_ENTITIES_MAX, sizeof(struct str));
    if (!out->models || !out->features) {
        return ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < p->token_count; i++) {
        const struct token *token = &p->tokens[i];
        const struct clause *clause = &p->clauses[token->clause];

        if (clause->is_inert || (i >= clause->end && i >= clause->begin)) {
            continue;
        }
        if (token->kind == TOKEN_FEATURE && !feature_seen[token->arg]) {
            struct str copy = arena_copy(p->arena, p->features[token->arg]);

            if (!copy.data) {
                return ERR_NO_MEMORY;
            }
            feature_seen[token->arg] = true;
            out->features[out->feature_count++] = copy;
        } else if (token->kind == TOKEN_MODEL && !model_seen[token->arg]) {
            model_seen[token->arg] = true;
            out->models[out->model_count++] = p->models[token->arg];
        }
    }
    return OK;
}

static double confidence(const struct parse *p)
{
    unsigned unknown = 0;
    unsigned words = 1;

    for (uint32_t i = 0; i < p->token_count; i++) {
        words += p->tokens[i].kind < TOKEN_COMMA;
        unknown += p->tokens[i].kind == TOKEN_WORD || p->tokens[i].fuzzy;
    }
    if (p->out->intents[INTENT_UNKNOWN]) {
        return CONFIDENCE_UNKNOWN;
    }
    return CONFIDENCE_CLEAR - CONFIDENCE_LOSS * unknown / words;
}

bool interpretation_is_talk(const struct interpretation *in)
{
    for (unsigned i = 0; i < INTENT_COUNT; i++) {
        if (in->intents[i] && !intent_is_talk((enum intent)i)) {
            return false;
        }
    }
    return true;
}

void interpretation_clear(struct interpretation *out)
{
    out->constraint_count = 0;
    out->growth_count = 0;
    out->model_count = 0;
    out->feature_count = 0;
    out->metric_count = 0;
    out->time_range = (struct ask_time_range){0};
}

/* What needs are decided on comes first, what only the output shows behind it. */
static int finish(struct parse *p)
{
    int status = collect_names(p);

    if (!status) {
        needs_decide(p);
        status = collect_metrics(p);
    }
    if (!status && p->no_memory) {
        status = ERR_NO_MEMORY;
    }
    if (!status) {
        p->out->lang = str_from(ask_language_tag(p->language));
        p->out->confidence = confidence(p);
    }
    return status;
}

int parse_read(const struct ask_vocabulary *vocabulary, struct str prompt, struct arena *arena,
               struct parse **ret_parse, struct error *error)
{
    if (prompt.length > ASK_PROMPT_BYTES_MAX) {
        return error_set(error, ERR_LIMIT, "prompt of %zu bytes is longer than %u", prompt.length,
                         ASK_PROMPT_BYTES_MAX);
    }
    struct parse *p = arena_alloc(arena, 1, sizeof(*p));
    struct interpretation *out = arena_alloc(arena, 1, sizeof(*out));
    if (!p || !out) {
        return error_set(error, ERR_NO_MEMORY, "no memory for an interpretation");
    }
    p->vocabulary = vocabulary;
    p->arena = arena;
    p->out = out;
    int status = normalise_text(prompt, arena, &p->text);
    if (!status) {
        status = run_steps(p);
    }
    if (!status) {
        status = finish(p);
    }
    if (status) {
        return error_set(error, status, "cannot interpret the prompt: %s", error_code_text(status));
    }
    *ret_parse = p;
    return OK;
}

int ask_parse(const struct ask_vocabulary *vocabulary, struct str prompt, struct arena *arena,
              struct interpretation **ret_interpretation, struct error *error)
{
    struct parse *p = NULL;
    int status = parse_read(vocabulary, prompt, arena, &p, error);

    if (!p) {
        return status;
    }
    if (interpretation_is_talk(p->out)) {
        interpretation_clear(p->out);
    }
    *ret_interpretation = p->out;
    return OK;
}
