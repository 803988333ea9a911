/*
 * what_if_model: the same calls on another model: cost, what cannot move, and how much longer
 * answers may get before it stops paying. Quality and latency are not guessed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/whatif.h"
#include "tool/registry.h"
#include "tool/tool_groups.h"

static const struct tool_arg arguments[] = {
    {.name = "model",
     .description = "the model to move to",
     .type = TOOL_STRING,
     .is_required = true},
    {.name = "scope",
     .description = "a feature, or model:NAME for the calls of one model; everything when absent",
     .type = TOOL_STRING},
    {.name = "honour_context_tiers",
     .description = "long prompts are priced by their context tier",
     .type = TOOL_BOOL,
     .default_json = "true"},
};

/* Ids of a scope in the table's dictionaries. */
struct resolved_scope {
    uint16_t feature;
    uint16_t model;
    struct whatif_scope scope;
};

static int resolve_scope(const struct usage_table *table, const struct tool_value *value,
                         struct resolved_scope *ret, struct error *error)
{
    bool is_model = value->is_set && str_starts_with(value->text, STR("model:"));
    struct str name = is_model ? str_slice(value->text, 6, value->text.length) : value->text;

    *ret = (struct resolved_scope){0};
    if (!value->is_set || str_equal(value->text, STR("*"))) {
        return OK;
    }
    uint32_t id = dict_find(&table->name_dicts[is_model ? USAGE_MODEL : USAGE_FEATURE], name);
    if (id == DICT_NOT_FOUND) {
        return error_set(error, ERR_INVALID, "/scope: no record has the %s '%.*s'",
                         is_model ? "model" : "feature", STR_ARGS(name));
    }
    if (is_model) {
        ret->model = (uint16_t)id;
        ret->scope.model = &ret->model;
    } else {
        ret->feature = (uint16_t)id;
        ret->scope.feature = &ret->feature;
    }
    return OK;
}

static void put_breakeven(struct tool_out *out, struct str model,
                          const struct whatif_result *result)
{
    struct decimal multiplier;
    struct fact_name name = FACT_NAMED("whatif.", model, ".breakeven_output_multiplier");

    out->method = "(cost now − input cost there) ÷ output cost there, over the moved requests";
    if (!whatif_breakeven(result, &multiplier)) {
        out_unknown(out, name, "break-even output multiplier", UNIT_X,
                    "requests with output tokens that can move");
        return;
    }
    out_fact(out, name, "break-even output multiplier",
             &(struct fact){
                 .value = multiplier, .unit = UNIT_X, .state = FACT_COMPUTED, .n = result->moved});
}

static void put_facts(struct tool_out *out, struct str model, const struct whatif_result *result)
{
    uint64_t priced = result->records + result->same_model;

    out->method = "sum of tokens × price per record, tokens taken over one to one; records that "
                  "cannot move stay on their model; exact";
    out_spend(out, FACT_NAMED("whatif.", model, ".cost_now"), "cost now", result->now_pico_usd,
              priced, result->unpriced);
    out_spend(out, FACT_NAMED("whatif.", model, ".cost"), "cost after the change",
              result->then_pico_usd, priced, result->unpriced);
    if (priced || result->unpriced == 0) {
        out_money(out, FACT_NAMED("whatif.", model, ".saving"), "saving at equal answer lengths",
                  result->now_pico_usd - result->then_pico_usd, priced);
    } else {
        out_unknown(out, FACT_NAMED("whatif.", model, ".saving"), "saving at equal answer lengths",
                    UNIT_USD, "the present price of these calls");
    }
    out_ratio(out, FACT_NAMED("whatif.", model, ".saving_ratio"), "saving, share of cost now",
              result->now_pico_usd - result->then_pico_usd, result->now_pico_usd, priced);
    out->method = "count of records in scope";
    out_count(out, FACT_NAMED("whatif.", model, ".requests.moved"), "requests that can move",
              UNIT_REQUESTS, result->moved, result->records);
    out_count(out, FACT_NAMED("whatif.", model, ".requests.infeasible"),
              "requests that cannot move (too long, or no price in their service tier)",
              UNIT_REQUESTS, result->infeasible, result->records);
    out_count(out, FACT_NAMED("whatif.", model, ".requests.unpriced"),
              "requests whose present price is unknown", UNIT_REQUESTS, result->unpriced,
              result->records);
    put_breakeven(out, model, result);
    out_unknown(out, FACT_NAMED("whatif.", model, ".quality"), "change of quality", UNIT_RATIO,
                "paired scores of both models on your prompts");
    out_unknown(out, FACT_NAMED("whatif.", model, ".latency"), "latency there", UNIT_MS,
                "a latency model, or records of this model on your traffic");
}

/* The break-even as a sentence; at or below equal length it says something else. */
static void put_breakeven_words(struct tool_out *out, struct str id,
                                const struct whatif_result *result)
{
    struct decimal multiplier;

    if (!whatif_breakeven(result, &multiplier)) {
        return;
    }
    if (multiplier.digits <= 0) {
        out_paragraph(out, "It is dearer whatever the length of its answers: its input alone costs "
                           "more than these calls do now.");
    } else if (decimal_compare(multiplier, decimal_of(1, 0)) < 0) {
        out_paragraph(out,
                      "It is dearer with answers of equal length; they would have to shrink to "
                      "{whatif.%.*s.breakeven_output_multiplier} their length (reasoning tokens "
                      "count) before it pays.",
                      STR_ARGS(id));
    } else {
        out_paragraph(out,
                      "It stays cheaper unless its answers become more than "
                      "{whatif.%.*s.breakeven_output_multiplier} as long (reasoning tokens count).",
                      STR_ARGS(id));
    }
}

/* Why nothing moves. */
static void put_immovable(struct tool_out *out, struct str name, struct str id,
                          const struct whatif_result *result)
{
    if (result->infeasible) {
        out_paragraph(out,
                      "No call can move to `%.*s`: {whatif.%.*s.requests.infeasible} are too "
                      "long for it or have no price there.",
                      STR_ARGS(name), STR_ARGS(id));
    } else if (result->unpriced) {
        out_paragraph(out,
                      "What a move to `%.*s` changes: {whatif.%.*s.saving}. These calls have no "
                      "known price now.",
                      STR_ARGS(name), STR_ARGS(id));
    } else {
        out_paragraph(out, "There is nothing to move: these calls are on `%.*s` already.",
                      STR_ARGS(name));
    }
}

static void put_words(struct tool_out *out, struct str model, const struct whatif_result *result)
{
    struct buf escaped;

    buf_init(&escaped, 1024);
    fact_id_append(&escaped, model);
    struct str id = arena_copy(&out->body->arena, buf_str(&escaped));
    int code = buf_status(&escaped) ? buf_status(&escaped) : id.data ? OK : ERR_NO_MEMORY;
    buf_done(&escaped);
    if (out->status == OK) {
        out->status = code;
    }
    struct str name = out_name(out, model);
    if (result->unpriced) {
        out_caveat(out,
                   "{whatif.%.*s.requests.unpriced} requests have no known price now; they are in "
                   "no sum of the change to `%.*s`.",
                   STR_ARGS(id), STR_ARGS(name));
    }
    if (result->moved == 0) {
        put_immovable(out, name, id, result);
        return;
    }
    out_paragraph(out,
                  "On `%.*s` the same calls cost {whatif.%.*s.cost} instead of "
                  "{whatif.%.*s.cost_now}, if its answers are as long.",
                  STR_ARGS(name), STR_ARGS(id), STR_ARGS(id));
    if (result->infeasible) {
        out_paragraph(out,
                      "{whatif.%.*s.requests.moved} requests can move; "
                      "{whatif.%.*s.requests.infeasible} cannot (too long for it, or without a "
                      "price in their service tier) and stay where they are.",
                      STR_ARGS(id), STR_ARGS(id));
    }
    put_breakeven_words(out, id, result);
    out_paragraph(out, "Quality: {whatif.%.*s.quality}. Latency: {whatif.%.*s.latency}.",
                  STR_ARGS(id), STR_ARGS(id));
    out_summary(out,
                "On `%.*s` the calls would cost {whatif.%.*s.cost} instead of "
                "{whatif.%.*s.cost_now}; its effect on quality is unknown.",
                STR_ARGS(name), STR_ARGS(id), STR_ARGS(id));
    out_next_step(out,
                  "Send a sample of real prompts to `%.*s` as well, score both answers, and "
                  "import the scores.",
                  STR_ARGS(name));
    if (result->uncached) {
        out_caveat(out,
                   "`%.*s` has no known price for some kinds of cached tokens; they are "
                   "priced there as plain input, which can only overstate its cost.",
                   STR_ARGS(name));
    }
    out_need(out,
             "Paired quality scores for `%.*s` on your own prompts: run shadow calls and "
             "score both answers.",
             STR_ARGS(name));
}

/* One section per model: "The same calls on `gpt-4o`". */
static void open_section(struct tool_out *out, struct str model)
{
    struct str title = arena_printf(&out->body->arena, "The same calls on `%.*s`", STR_ARGS(model));
    struct str id = arena_printf(&out->body->arena, "whatif-%.*s", STR_ARGS(model));

    for (size_t i = 0; id.data && i < id.length; i++) {
        char *c = (char *)id.data + i;

        if (!(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9')) {
            *c = '-';
        }
    }
    if (!title.data || !id.data) {
        out->status = ERR_NO_MEMORY;
        return;
    }
    out_section(out, id.data, title.data);
}

static int run(const struct tool_context *context, const struct tool_args *args,
               struct report *body, struct error *error)
{
    const struct dataset *dataset = context->dataset;
    struct str asked = tool_arg_value(args, "model")->text;
    const struct price_row *model =
        price_find(context->book, STR(""), asked, INT64_MAX, /* ret_match */ NULL);
    struct price_options options = {.ignore_context_tiers =
                                        !tool_arg_value(args, "honour_context_tiers")->boolean};
    struct tool_out out = tool_out_begin(body, args);
    struct resolved_scope scope;
    struct whatif_result result = {0};
    int code = resolve_scope(&dataset->table, tool_arg_value(args, "scope"), &scope, error);

    if (code) {
        return code;
    }
    struct str name = out_name(&out, asked);
    open_section(&out, name);
    if (!model) {
        out_unknown(&out, FACT_NAMED("whatif.", asked, ".cost"), "cost after the change", UNIT_USD,
                    "the price of that model");
        out_paragraph(&out, "The price of `%.*s` is not in the book, so its cost is unknown.",
                      STR_ARGS(name));
        out_summary(&out,
                    "What the calls would cost on `%.*s` is unknown: it has no price in the "
                    "book.",
                    STR_ARGS(name));
        out_need(&out,
                 "The price of `%.*s`: `netra prices import` reads a list; name the exact "
                 "model, not its family.",
                 STR_ARGS(name));
        return tool_out_status(&out, error);
    }
    whatif_model(&dataset->table, &dataset->card, dataset->cost, model, &scope.scope, &options, 0,
                 dataset->table.count, &result);
    put_facts(&out, asked, &result);
    put_words(&out, asked, &result);
    return tool_out_status(&out, error);
}

const struct tool tool_what_if_model = {
    .name = "what_if_model",
    .description = "The same calls on another model: cost, what cannot move, break-even.",
    .args = arguments,
    .arg_count = ARRAY_LENGTH(arguments),
    .needs_records = true,
    .run = run,
};
