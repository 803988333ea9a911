/*
 * supervisor: which analyses answer the question. One table says, per intent, which tools are
 * called and which parts stay unknown in this version; arguments come from the interpretation. A
 * model may add calls to that plan, never take one away.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run_state.h"
#include "price/provider.h"

#define FAMILY_CANDIDATES_MAX 3u

enum { STATE_START, STATE_PLANNED };

struct wish {
    enum intent intent;
    const char *tools[4]; /* with default arguments; NULL ends */
};

static const struct wish wishes[] = {
    {INTENT_REDUCE_COST,
     {"spend_breakdown", "cache_audit", "duplicate_calls", "batch_eligibility"}},
    {INTENT_IMPROVE_LATENCY, {"latency_profile", NULL}},
    {INTENT_FORECAST_GROWTH, {"spend_breakdown", "traffic_profile", NULL}},
    {INTENT_RATE_LIMIT_CAPACITY, {"traffic_profile", NULL}},
    {INTENT_MODEL_WHATIF, {"spend_breakdown", NULL}},
    {INTENT_COMPARE_MODELS, {"spend_breakdown", NULL}},
    {INTENT_MODEL_MIGRATE, {"spend_breakdown", NULL}},
    {INTENT_CACHE_AUDIT, {"cache_audit", NULL}},
    {INTENT_BATCH_ELIGIBILITY, {"batch_eligibility", NULL}},
    {INTENT_TOKEN_TRIM, {"spend_breakdown", NULL}},
    {INTENT_ROUTING_POLICY, {"spend_breakdown", NULL}},
    {INTENT_EVALUATE_CHANGE, {"spend_breakdown", "latency_profile", "reliability_profile"}},
    {INTENT_ROLLBACK, {"spend_breakdown", NULL}},
    {INTENT_QUALITY_CHECK, {NULL}},
    {INTENT_ANOMALY_EXPLAIN, {"spend_breakdown", "reliability_profile", "duplicate_calls"}},
    {INTENT_COST_BREAKDOWN, {"spend_breakdown", NULL}},
    {INTENT_RELIABILITY, {"reliability_profile", NULL}},
    {INTENT_BUDGET_GUARD, {"spend_breakdown", NULL}},
    {INTENT_EXPLAIN_RESULT, {"spend_breakdown", NULL}},
};

/* What an intent asks that no tool of this version computes. */
static const struct {
    enum intent intent;
    struct gap gap;
} open_questions[] = {
    {INTENT_IMPROVE_LATENCY,
     {"latency_after_change", "latency after a change",
      "a latency model, which this version does not have: measure the change on shadow calls"}},
    {INTENT_FORECAST_GROWTH,
     {"growth_forecast", "cost and peaks after growth",
      "a capacity model, which this version does not have; costs per call are above"}},
    {INTENT_RATE_LIMIT_CAPACITY,
     {"rate_limit_headroom", "room below the rate limits",
      "your limits (requests and tokens per minute) and a capacity model, which this version does "
      "not have"}},
    {INTENT_TOKEN_TRIM,
     {"removable_tokens", "tokens that prompts could lose",
      "the parts of prompts (tools, system, history) in the records"}},
    {INTENT_ROUTING_POLICY,
     {"routing", "routing by difficulty", "paired outcomes of both models on the same prompts"}},
    {INTENT_EVALUATE_CHANGE,
     {"change_effect", "whether the change was worth it",
      "a before-and-after comparison, which this version does not make"}},
    {INTENT_ROLLBACK,
     {"rollback_list", "what to roll back",
      "a before-and-after comparison, which this version does not make"}},
    {INTENT_QUALITY_CHECK,
     {"quality_effect", "the effect on quality",
      "paired quality scores on your own prompts; run shadow calls and score both answers"}},
    {INTENT_ANOMALY_EXPLAIN,
     {"cause", "the cause",
      "a change-point analysis, which this version does not make; the day and feature tables show "
      "where to look"}},
    {INTENT_BUDGET_GUARD,
     {"budget_forecast", "whether the budget holds",
      "a forecast, which this version does not make; spend so far is above"}},
};

static bool contains_word(struct str name, struct str word)
{
    return str_find(name, word, 0) != SIZE_MAX;
}

/* A call about one model, and, where scope says so, one part of the records. */
static int plan_model_call(struct run *run, const char *tool, struct str model, struct str scope)
{
    struct buf args;

    buf_init(&args, RUN_ARGS_BYTES_MAX);
    struct json_writer w = json_writer_on(&args);
    json_begin_object(&w);
    json_key(&w, "model");
    json_put_str(&w, model);
    if (scope.length) {
        json_key(&w, "scope");
        json_put_str(&w, scope);
    }
    json_end_object(&w);
    int code = buf_status(&args) ? buf_status(&args) : run_plan_call(run, tool, buf_str(&args));
    buf_done(&args);
    return code;
}

/* A member of the family that the maker itself sells, at its newest price. */
static bool is_member(const struct price_book *book, size_t index, struct str family)
{
    const struct price_row *row = price_book_row(book, index);

    return contains_word(row->model, family) && provider_rank_of(row->provider) == PROVIDER_MAKER &&
           price_find(book, STR(""), row->model, PRICE_NEWEST, NULL) == row;
}

/* The newest members of a family, by the date of their price, then by their place in the book. */
static size_t newest_members(const struct price_book *book, struct str family, size_t *members)
{
    size_t count = 0;

    for (size_t i = 0; i < price_book_count(book); i++) {
        struct str date = price_book_row(book, i)->source_date;
        size_t place = count;

        if (!is_member(book, i, family)) {
            continue;
        }
        while (place > 0 &&
               str_compare(date, price_book_row(book, members[place - 1])->source_date) >= 0) {
            place--;
        }
        if (place == FAMILY_CANDIDATES_MAX) {
            continue;
        }
        count += count < FAMILY_CANDIDATES_MAX;
        memmove(&members[place + 1], &members[place], (count - place - 1) * sizeof(*members));
        members[place] = i;
    }
    return count;
}

/* A name that is no model of the book is a family ("claude"): its newest members are tried, and the
 * report asks which one is meant. */
static int plan_family(struct run *run, struct str family, struct str scope)
{
    const struct price_book *book = run->options.book;
    size_t members[FAMILY_CANDIDATES_MAX];
    size_t found = newest_members(book, family, members);
    int code = OK;

    if (found == 0) {
        return plan_model_call(run, "what_if_model", family, scope);
    }
    for (size_t i = 0; i < found && !code; i++) {
        code =
            plan_model_call(run, "what_if_model", price_book_row(book, members[i])->model, scope);
    }
    run_add_gap(run, "which_model", "which model of the family is meant",
                "the exact name of the model: the newest members of the family were tried");
    return code;
}

/* The feature that the question is about, when there is exactly one and the records have it. */
static struct str only_feature(const struct run *run)
{
    const struct interpretation *ask = run->interpretation;
    const struct dict *names = &run->options.dataset->table.name_dicts[USAGE_FEATURE];

    return ask->feature_count == 1 && dict_find(names, ask->features[0]) != DICT_NOT_FOUND
               ? ask->features[0]
               : STR("");
}

static int plan_models(struct run *run)
{
    const struct interpretation *ask = run->interpretation;
    const struct dict *used = &run->options.dataset->table.name_dicts[USAGE_MODEL];
    struct str scope = only_feature(run);
    int code = OK;

    for (size_t i = 0; i < ask->model_count && !code; i++) {
        struct str model = ask->models[i];

        /* with several names, one that everything runs on already is where the calls come from */
        if (ask->model_count > 1 && dict_find(used, model) != DICT_NOT_FOUND && used->count <= 2) {
            continue;
        }
        code = price_find(run->options.book, STR(""), model, PRICE_NEWEST, NULL)
                   ? plan_model_call(run, "what_if_model", model, scope)
                   : plan_family(run, model, scope);
    }
    return code;
}

static int plan_prices(struct run *run)
{
    const struct interpretation *ask = run->interpretation;
    int code = OK;

    for (size_t i = 0; i < ask->model_count && !code; i++) {
        code = plan_model_call(run, "price_lookup", ask->models[i], STR(""));
    }
    return code;
}

static bool asks_about_models(const struct run *run)
{
    return run_has_intent(run, INTENT_MODEL_WHATIF) || run_has_intent(run, INTENT_COMPARE_MODELS) ||
           run_has_intent(run, INTENT_MODEL_MIGRATE);
}

/* Bounds and targets whose metric nothing here can replay. */
static int note_constraints(struct run *run)
{
    const struct interpretation *ask = run->interpretation;
    int code = OK;

    for (size_t i = 0; i < ask->constraint_count && !code; i++) {
        const char *metric = ask->constraints[i].metric;

        if (strcmp(metric, "latency") == 0 || strcmp(metric, "ttft") == 0) {
            code = run_plan_call(run, "latency_profile", STR("{}")); /* what holds now */
            run_add_gap(run, "latency_after_change", "latency after a change",
                        "a latency model, which this version does not have: measure the change on "
                        "shadow calls");
        } else if (strcmp(metric, "quality") == 0 &&
                   strcmp(ask->constraints[i].op, "not_worse") != 0) {
            run_add_gap(run, "quality_effect", "the effect on quality",
                        "paired quality scores on your own prompts; run shadow calls and score "
                        "both answers");
        }
    }
    return code;
}

/* A feature that no record has: the answer is about everything, and says so. */
static void note_features(struct run *run)
{
    const struct interpretation *ask = run->interpretation;
    const struct dict *names = &run->options.dataset->table.name_dicts[USAGE_FEATURE];

    for (size_t i = 0; i < ask->feature_count; i++) {
        if (dict_find(names, ask->features[i]) == DICT_NOT_FOUND) {
            run_add_gap(run, "which_feature", "the feature that is meant",
                        "a name of a feature that the records have: they have none of that name, "
                        "and the answer is about all of them");
        }
    }
}

static int plan(struct run *run)
{
    int code = run_plan_call(run, "dataset_profile", STR("{}"));

    for (size_t i = 0; i < ARRAY_LENGTH(wishes) && !code; i++) {
        for (size_t t = 0; t < ARRAY_LENGTH(wishes[i].tools) && wishes[i].tools[t] && !code; t++) {
            if (run_has_intent(run, wishes[i].intent)) {
                code = run_plan_call(run, wishes[i].tools[t], STR("{}"));
            }
        }
    }
    if (!code && asks_about_models(run)) {
        code = plan_models(run);
    }
    if (!code && run_has_intent(run, INTENT_PRICING_LOOKUP)) {
        code = plan_prices(run);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(open_questions); i++) {
        if (run_has_intent(run, open_questions[i].intent)) {
            const struct gap *gap = &open_questions[i].gap;

            run_add_gap(run, gap->id, gap->label, gap->needs);
        }
    }
    code = code ? code : note_constraints(run);
    note_features(run);
    return code;
}

/* The floor: what our own reading asks for is looked at, too, whatever a model made of it. What
 * stays open is a matter of the reading that was shown. */
static int plan_own_reading(struct run *run)
{
    struct interpretation *refined = run->interpretation;
    size_t gap_count = run->gap_count;

    if (!run->own_reading) {
        return OK;
    }
    run->interpretation = run->own_reading;
    int code = plan(run);
    run->interpretation = refined;
    run->gap_count = gap_count;
    return code;
}

static int plan_all(struct run *run)
{
    int code = plan(run);

    return code ? code : plan_own_reading(run);
}

static int step(struct run *run, bool *ret_done, struct error *error)
{
    bool is_asked = false;
    int code = run->agent_state == STATE_START ? plan_all(run) : OK;

    if (!code && run->agent_state == STATE_START && run->options.has_model) {
        code = model_or_none(model_plan_ask(run, &is_asked), &is_asked);
    }
    run->agent_state = STATE_PLANNED;
    *ret_done = !is_asked;
    return code ? error_set(error, code, "cannot plan the analyses: %s", error_code_text(code))
                : OK;
}

const struct agent agent_supervisor = {.name = "supervisor", .step = step};
