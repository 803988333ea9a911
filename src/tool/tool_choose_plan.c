/*
 * choose_plan: the changes that do not touch quality, put together and priced by one replay.
 *
 * Candidates: leave out calls that were sent twice; turn on the prompt cache for a feature, with
 * the lifetime that is cheapest for it; move a feature to the batch API. What would need evidence
 * of quality or latency (another model, shorter prompts) is not in the plan and is named as a need.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "engine/batch.h"
#include "engine/compose.h"
#include "tool/registry.h"
#include "tool/tool_out.h"

#define SECOND         INT64_C(1000000)
#define MONEY_SCALE    12
#define RATIO_SCALE    6
#define NUMBER_ONE     INT64_C(1000000000) /* 1 at the scale of number arguments */
#define WORTH_SHARE    1000                /* an action saves at least 1/1000 of the spend */
#define TTL_5M         0
#define TTL_1H         1
#define CANDIDATES_MAX 512u

static const struct tool_arg arguments[] = {
    {.name = "cost_change",
     .description = "target for the bill as a fraction of today's: -0.2 is 20 % less",
     .type = TOOL_NUMBER,
     .minimum = -1000,
     .maximum = 0},
    {.name = "growth",
     .description = "expected growth of usage as a fraction: 0.3 is 30 % more",
     .type = TOOL_NUMBER,
     .minimum = -1000,
     .maximum = 1000000},
    {.name = "exclude",
     .description = "features that must not be changed",
     .type = TOOL_STRING_LIST},
};

struct planner {
    struct tool_out out;
    const struct dataset *dataset;
    const struct tool_args *args;
    struct duplicates duplicates;
    struct cache_sim cache;
    struct cache_sim deduped;
    struct batch_feature *batch;
    struct compose_input input;
    struct plan plan;
    bool has_cache;
};

static void planner_done(struct planner *planner)
{
    duplicates_done(&planner->duplicates);
    cache_sim_done(&planner->cache);
    cache_sim_done(&planner->deduped);
    alloc_free(planner->batch);
}

static struct str feature_name(const struct planner *planner, uint32_t feature)
{
    const struct dict *names = &planner->dataset->table.name_dicts[USAGE_FEATURE];

    return names->count ? dict_text(names, feature) : STR("");
}

static bool is_excluded(const struct planner *planner, uint32_t feature)
{
    const struct tool_value *exclude = tool_arg_value(planner->args, "exclude");
    struct str name = feature_name(planner, feature);

    for (size_t i = 0; i < exclude->count; i++) {
        if (str_equal_ascii_case(exclude->texts[i], name)) {
            return true;
        }
    }
    return false;
}

/* Repeats of an excluded feature stay. */
static void keep_excluded(struct planner *planner)
{
    const struct usage_table *table = &planner->dataset->table;

    for (size_t row = 0; row < table->count; row++) {
        if (planner->duplicates.is_duplicate[row] &&
            is_excluded(planner, table->names[USAGE_FEATURE][row])) {
            planner->duplicates.is_duplicate[row] = 0;
            planner->duplicates.count--;
        }
    }
}

/* The simulations that the replay draws on. */
static int prepare(struct planner *planner)
{
    const struct dataset *dataset = planner->dataset;
    struct cache_sim_options options = {
        .ttl_us = {[TTL_5M] = 300 * SECOND, [TTL_1H] = 3600 * SECOND},
        .ttl_count = 2,
        .honour_minimum = true,
        .split_by_model = true,
        .price = dataset->price_options,
    };
    int code =
        duplicates_find(&planner->duplicates, &dataset->table, DUPLICATE_WINDOW_S_DEFAULT * SECOND);

    if (code) {
        return code;
    }
    keep_excluded(planner);
    planner->has_cache = dataset->table.any_present & USAGE_HAS_BLOCKS;
    if (planner->has_cache) {
        code = cache_sim_run(&planner->cache, &dataset->table, &dataset->card, &options, NULL);
        if (!code) {
            code = cache_sim_run(&planner->deduped, &dataset->table, &dataset->card, &options,
                                 planner->duplicates.is_duplicate);
        }
    }
    planner->batch = alloc_zeroed((size_t)dataset->table.name_dicts[USAGE_FEATURE].count + 1,
                                  sizeof(*planner->batch));
    if (!code && !planner->batch) {
        code = ERR_NO_MEMORY;
    }
    if (!code) {
        code = batch_examine(&dataset->table, &dataset->card, dataset->cost,
                             &dataset->price_options, planner->batch);
    }
    planner->input = (struct compose_input){
        .table = &dataset->table,
        .card = &dataset->card,
        .cost = dataset->cost,
        .price = &dataset->price_options,
        .duplicates = &planner->duplicates,
        .cache = planner->has_cache ? &planner->cache : NULL,
        .cache_deduped = planner->has_cache ? &planner->deduped : NULL,
    };
    return code;
}

/* ---- candidates ---- */

struct candidates {
    struct action actions[CANDIDATES_MAX];
    size_t count;
};

static void add_candidate(const struct planner *planner, struct candidates *candidates,
                          struct action action)
{
    if (candidates->count < CANDIDATES_MAX && action.alone_pico_usd > 0 &&
        action.alone_pico_usd * WORTH_SHARE >= planner->dataset->sums.total_pico_usd) {
        candidates->actions[candidates->count++] = action;
    }
}

static int128 duplicate_cost(const struct planner *planner)
{
    int128 cost = 0;

    for (size_t row = 0; row < planner->dataset->table.count; row++) {
        if (planner->duplicates.is_duplicate[row] && planner->dataset->cost[row] != COST_UNKNOWN) {
            cost += planner->dataset->cost[row];
        }
    }
    return cost;
}

static void add_cache(const struct planner *planner, struct candidates *candidates,
                      uint32_t feature)
{
    const struct cache_sim_totals *totals = &planner->cache.by_feature[feature];
    unsigned best = totals->by_ttl[TTL_1H].explicit_cost_pico_usd <
                            totals->by_ttl[TTL_5M].explicit_cost_pico_usd
                        ? TTL_1H
                        : TTL_5M;

    add_candidate(planner, candidates,
                  (struct action){
                      .kind = ACTION_CACHE,
                      .feature = (uint16_t)feature,
                      .ttl = best,
                      /* nothing recorded: perhaps it is on already */
                      .needs_confirmation = totals->explicit_recorded < totals->explicit_records,
                      .alone_pico_usd = totals->explicit_now_pico_usd -
                                        totals->by_ttl[best].explicit_cost_pico_usd,
                  });
}

static void collect(const struct planner *planner, struct candidates *candidates)
{
    uint32_t features = planner->dataset->table.name_dicts[USAGE_FEATURE].count;

    add_candidate(
        planner, candidates,
        (struct action){.kind = ACTION_DROP_DUPLICATES, .alone_pico_usd = duplicate_cost(planner)});
    for (uint32_t f = 0; f < features; f++) {
        if (planner->has_cache && !is_excluded(planner, f)) {
            add_cache(planner, candidates, f);
        }
        if (planner->batch[f].is_candidate && !is_excluded(planner, f)) {
            add_candidate(planner, candidates,
                          (struct action){.kind = ACTION_BATCH,
                                          .feature = (uint16_t)f,
                                          .needs_confirmation = true,
                                          .alone_pico_usd = planner->batch[f].now_pico_usd -
                                                            planner->batch[f].batch_pico_usd});
        }
    }
}

static int larger_first(const void *a, const void *b)
{
    int128 left = ((const struct action *)a)->alone_pico_usd;
    int128 right = ((const struct action *)b)->alone_pico_usd;

    return left < right ? 1 : left > right ? -1 : 0;
}

/* The order in which a plan is applied: kinds as in the replay, within a kind the larger first. */
static int in_replay_order(const void *a, const void *b)
{
    const struct action *left = a;
    const struct action *right = b;

    if (left->kind != right->kind) {
        return left->kind < right->kind ? -1 : 1;
    }
    return larger_first(a, b);
}

static int choose(struct planner *planner, size_t *ret_left_out)
{
    cleanup(alloc_free_pointer) struct candidates *candidates =
        alloc_zeroed(1, sizeof(*candidates));

    if (!candidates) {
        return ERR_NO_MEMORY;
    }
    collect(planner, candidates);
    qsort(candidates->actions, candidates->count, sizeof(candidates->actions[0]), larger_first);
    planner->plan.count =
        candidates->count < COMPOSE_ACTIONS_MAX ? (unsigned)candidates->count : COMPOSE_ACTIONS_MAX;
    *ret_left_out = candidates->count - planner->plan.count;
    memcpy(planner->plan.actions, candidates->actions,
           planner->plan.count * sizeof(candidates->actions[0]));
    qsort(planner->plan.actions, planner->plan.count, sizeof(planner->plan.actions[0]),
          in_replay_order);
    return compose_prune(&planner->input, &planner->plan);
}

/* ---- words ---- */

static const char *lifetime_word(const struct action *action)
{
    return action->ttl == TTL_1H ? "one-hour" : "five-minute";
}

/* A plain name for tables and pictures. */
static struct str short_name(struct planner *planner, const struct action *action)
{
    struct str feature = feature_name(planner, action->feature);

    if (action->kind == ACTION_DROP_DUPLICATES) {
        return STR("no repeated calls");
    }
    feature = feature.length ? feature : STR("(none)");
    return action->kind == ACTION_CACHE
               ? arena_printf(&planner->out.body->arena, "%s cache: %.*s", lifetime_word(action),
                              STR_ARGS(feature))
               : arena_printf(&planner->out.body->arena, "batch: %.*s", STR_ARGS(feature));
}

static struct report_action describe_cache(struct planner *planner, const struct action *action)
{
    struct arena *arena = &planner->out.body->arena;
    struct str name = out_name(&planner->out, feature_name(planner, action->feature));
    const char *word = lifetime_word(action);
    bool caches_now = planner->cache.by_feature[action->feature].explicit_read_tokens > 0;

    return (struct report_action){
        .title = arena_printf(arena,
                              caches_now ? "Give the prompt cache of `%2$.*3$s` a %1$s lifetime"
                                         : "Turn on the %1$s prompt cache for `%2$.*3$s`",
                              word, name.data, (int)name.length),
        .why = caches_now
                   ? STR("It caches already, but its entries expire between calls and are paid for "
                         "as new input again.")
                   : STR("Its prompts begin with the same blocks again and again, and the records "
                         "show that they are paid for as new input each time."),
        .how = arena_printf(arena,
                            "Mark the stable beginning of the prompt (tools, system text, history) "
                            "with `cache_control` and a %s lifetime; keep changing text, such as "
                            "dates, behind it.",
                            word),
        .risk =
            STR("Answers do not change. If traffic thins out, writes cost more than they bring: "
                "watch the hit ratio after the change."),
    };
}

static struct report_action describe(struct planner *planner, const struct action *action)
{
    struct arena *arena = &planner->out.body->arena;
    struct str name = out_name(&planner->out, feature_name(planner, action->feature));

    switch (action->kind) {
    case ACTION_DROP_DUPLICATES:
        return (struct report_action){
            .title = STR("Stop sending the same call twice"),
            .why = STR("These calls repeat one that had been answered within five minutes: same "
                       "feature, model, prompt and input size."),
            .how = STR("Look for retries on a client time-out, double submits and two workers on "
                       "one job. Give each job an idempotency key, and answer a repeat from the "
                       "first result."),
            .risk = STR("If a feature repeats a prompt on purpose to get another answer, exclude "
                        "it. Repeated answers are then the same text."),
        };
    case ACTION_CACHE:
        return describe_cache(planner, action);
    case ACTION_BATCH:
        return (struct report_action){
            .title = arena_printf(arena, "Send `%.*s` through the batch API", STR_ARGS(name)),
            .why = STR("Nobody seems to wait for these answers: not streamed, no user, no "
                       "follow-up."),
            .how = STR("Collect its calls and submit them as one batch; read the results when the "
                       "provider has finished."),
            .risk = STR("Answers may take up to a day; cache reads are not promised in a batch "
                        "and are not counted here."),
        };
    }
    return (struct report_action){0};
}

static struct str put_action_fact(struct planner *planner, unsigned number, const char *which,
                                  const char *label, const char *method, int128 pico_usd)
{
    struct str id =
        arena_printf(&planner->out.body->arena, "plan.action.%u.saving.%s", number, which);

    planner->out.method = method;
    return id.data ? out_money(&planner->out, FACT_ID(id.data), label, pico_usd,
                               planner->plan.actions[number - 1].records)
                   : id;
}

static void put_actions(struct planner *planner)
{
    static const char *const columns[] = {"action", "alone", "in the plan", "fair share",
                                          "to confirm"};
    struct tool_out *out = &planner->out;

    out_table(out, "The actions, in the order they are applied", columns, ARRAY_LENGTH(columns));
    for (unsigned a = 0; a < planner->plan.count && !out->status; a++) {
        const struct action *action = &planner->plan.actions[a];
        struct report_action words = describe(planner, action);
        struct str alone = put_action_fact(planner, a + 1, "alone", "saving of this action alone",
                                           "baseline − replay with this action only, exact",
                                           action->alone_pico_usd);
        struct str marginal =
            put_action_fact(planner, a + 1, "marginal", "saving on top of the actions before it",
                            "replay with the actions before it − replay with it as well, exact",
                            action->marginal_pico_usd);
        struct str fair = put_action_fact(planner, a + 1, "shapley", "fair share of the saving",
                                          "Shapley value over all subsets of the plan, exact",
                                          action->shapley_pico_usd);

        words.saving_fact = marginal;
        words.alone_fact = alone;
        words.needs_confirmation = action->needs_confirmation;
        if (!words.title.data || !words.how.data) {
            out->status = ERR_NO_MEMORY;
            return;
        }
        out_row(out, (struct report_cell[]){
                         cell_text(short_name(planner, action)), cell_fact(alone),
                         cell_fact(marginal), cell_fact(fair),
                         cell_text(action->needs_confirmation ? STR("yes") : STR("no"))});
        if (!out->status) {
            out->status = report_add_action(out->body, &words);
        }
    }
}

static void put_totals(struct planner *planner)
{
    struct tool_out *out = &planner->out;
    const struct plan *plan = &planner->plan;
    uint64_t n = planner->dataset->sums.priced;
    int128 saving = plan->baseline_pico_usd - plan->after_pico_usd;
    int128 sure = plan->baseline_pico_usd - plan->after_sure_pico_usd;

    out->method = "sum over the priced records as they are, exact";
    out_money(out, FACT_ID("plan.cost.before"), "cost now", plan->baseline_pico_usd, n);
    out->method = "one replay of all actions together, exact";
    out_money(out, FACT_ID("plan.cost.after"), "cost with the plan", plan->after_pico_usd, n);
    out_money(out, FACT_ID("plan.saving.total"), "saving of the plan", saving, n);
    out_ratio(out, FACT_ID("plan.saving.ratio"), "saving, share of cost now", saving,
              plan->baseline_pico_usd, n);
    out->method = "one replay of the actions that need no confirmation, exact";
    out_money(out, FACT_ID("plan.saving.sure"), "saving that needs nobody's confirmation", sure, n);
    out_ratio(out, FACT_ID("plan.saving.sure_ratio"), "the same, share of cost now", sure,
              plan->baseline_pico_usd, n);
    out->method = "number of actions";
    out_count(out, FACT_ID("plan.actions"), "actions in the plan", UNIT_COUNT_OF_THINGS,
              plan->count, n);
}

static void put_waterfall(struct planner *planner)
{
    struct figure_point points[COMPOSE_ACTIONS_MAX + 2];
    const struct plan *plan = &planner->plan;
    struct tool_out *out = &planner->out;
    size_t count = 0;

    points[count++] =
        (struct figure_point){.label = STR("now"),
                              .fact_id = STR("plan.cost.before"),
                              .value = decimal_of(plan->baseline_pico_usd, MONEY_SCALE)};
    for (unsigned a = 0; a < plan->count; a++) {
        struct str label = short_name(planner, &plan->actions[a]);

        points[count++] = (struct figure_point){
            .label = label, .value = decimal_of(-plan->actions[a].marginal_pico_usd, MONEY_SCALE)};
    }
    points[count++] = (struct figure_point){.label = STR("with the plan"),
                                            .fact_id = STR("plan.cost.after"),
                                            .value = decimal_of(plan->after_pico_usd, MONEY_SCALE)};
    out_figure(out, &(struct figure){.id = STR("plan"),
                                     .kind = FIGURE_WATERFALL,
                                     .title = STR("From the bill now to the bill with the plan"),
                                     .alt = STR("The bill falls from {plan.cost.before} to "
                                                "{plan.cost.after}."),
                                     .unit = UNIT_USD,
                                     .series = {{.points = points, .count = count}},
                                     .series_count = 1});
}

static void put_ratio(struct tool_out *out, const char *id, const char *label, int128 numerator,
                      int128 denominator, const char *method)
{
    out->method = method;
    out_ratio(out, FACT_ID(id), label, numerator, denominator, 0);
}

/* What the target asks of each call when usage grows, and whether the plan reaches it. */
static void put_target(struct planner *planner)
{
    struct tool_out *out = &planner->out;
    const struct tool_value *change = tool_arg_value(planner->args, "cost_change");
    const struct tool_value *growth = tool_arg_value(planner->args, "growth");
    const struct plan *plan = &planner->plan;

    if (!change->is_set) {
        return;
    }
    int128 target = NUMBER_ONE + change->number.digits; /* share of today's bill that may stay */
    int128 grown = NUMBER_ONE + (growth->is_set ? growth->number.digits : 0);
    put_ratio(out, "target.bill_reduction", "target: lower bill", -change->number.digits,
              NUMBER_ONE, "as asked");
    if (grown <= 0) {
        return;
    }
    /* after/before <= target/grown, in integers: the bill with the plan, grown, against the target
     */
    bool reached = plan->after_pico_usd * grown <= plan->baseline_pico_usd * target;
    bool sure = plan->after_sure_pico_usd * grown <= plan->baseline_pico_usd * target;
    put_ratio(out, "target.unit_cost_reduction", "target: lower cost per call", grown - target,
              grown, "1 − (1 − target) ÷ (1 + growth)");
    if (growth->is_set && growth->number.digits) {
        put_ratio(out, "target.growth", "expected growth", growth->number.digits, NUMBER_ONE,
                  "as asked");
        out_paragraph(out, "A bill lower by {target.bill_reduction} with usage up by "
                           "{target.growth} asks that each call costs "
                           "{target.unit_cost_reduction} less. (Read as cost per call alone, the "
                           "target is {target.bill_reduction}.)");
    }
    out_paragraph(out,
                  "The plan saves {plan.saving.ratio}%s: the target of "
                  "{target.unit_cost_reduction}%s is %s.",
                  plan->after_pico_usd == plan->after_sure_pico_usd
                      ? ""
                      : " ({plan.saving.sure_ratio} without what needs confirmation)",
                  growth->is_set && growth->number.digits ? " per call" : "",
                  sure      ? "reached"
                  : reached ? "reached only with the actions that need confirmation"
                            : "not reached");
    out_summary(out, "The target of {target.unit_cost_reduction} less%s is %s.",
                growth->is_set && growth->number.digits ? " per call" : "",
                sure      ? "reached"
                : reached ? "reached only with the actions that need confirmation"
                          : "not reached by them");
    if (!reached) {
        out_need(out, "For the rest of the target: evidence of quality for a cheaper model, or of "
                      "what prompts can lose; neither is in the records.");
    }
}

/* How much of the saving somebody has to agree to. */
static const char *confirmation_words(const struct plan *plan)
{
    if (plan->after_sure_pico_usd == plan->after_pico_usd) {
        return "none of it needs anybody's confirmation";
    }
    return plan->after_sure_pico_usd == plan->baseline_pico_usd
               ? "all of it needs confirmation"
               : "{plan.saving.sure} of it needs nobody's confirmation";
}

static void put_words(struct planner *planner, size_t left_out)
{
    struct tool_out *out = &planner->out;
    bool is_one = planner->plan.count == 1;

    if (planner->plan.count == 0) {
        out_paragraph(out, "No change that leaves quality untouched saves anything worth doing in "
                           "these records.");
        out_summary(out, "No change that leaves quality untouched saves anything worth doing.");
        return;
    }
    out_paragraph(out,
                  "{plan.actions} %s the bill of these records from {plan.cost.before} to "
                  "{plan.cost.after}: {plan.saving.total}, or {plan.saving.ratio}.%s",
                  is_one ? "change lowers" : "changes together lower",
                  is_one ? "" : " They are priced by one replay, so nothing is counted twice.");
    out_summary(out, "{plan.actions} %s {plan.saving.total} ({plan.saving.ratio})%s; %s.",
                is_one ? "change that leaves quality untouched saves"
                       : "changes that leave quality untouched save",
                is_one ? "" : " together", confirmation_words(&planner->plan));
    out_next_step(out, "Start with the action that saves most and needs no confirmation; export "
                       "the records again a week later and ask the same question.");
    if (left_out) {
        out->method = "candidates beyond the number that is replayed exactly";
        out_count(out, FACT_ID("plan.left_out"), "smaller candidates left out",
                  UNIT_COUNT_OF_THINGS, left_out, 0);
        out_caveat(out, "{plan.left_out} smaller candidates are not in the plan.");
    }
    if (planner->plan.unpriced) {
        out_caveat(out, "The plan covers the records whose price is known; the others are left "
                        "as they are.");
    }
}

static int put_plan(struct planner *planner)
{
    size_t left_out = 0;
    int code = choose(planner, &left_out);

    if (code) {
        return code;
    }
    put_totals(planner);
    put_words(planner, left_out);
    put_target(planner);
    if (planner->plan.count) {
        put_actions(planner);
        put_waterfall(planner);
    }
    return OK;
}

static int run(const struct tool_context *context, const struct tool_args *args,
               struct report *body, struct error *error)
{
    cleanup(planner_done) struct planner planner = {
        .out = tool_out_begin(body, args), .dataset = context->dataset, .args = args};

    out_section(&planner.out, "plan", "The plan");
    if (context->dataset->sums.priced == 0) {
        out_unknown(&planner.out, FACT_ID("plan.saving.total"), "saving of the plan", UNIT_USD,
                    "prices of the models used");
        out_paragraph(&planner.out, "What could be saved: {plan.saving.total}.");
        return tool_out_status(&planner.out, error);
    }
    int code = prepare(&planner);
    if (!code) {
        code = put_plan(&planner);
    }
    return code ? error_set(error, code, "cannot put a plan together: %s", error_code_text(code))
                : tool_out_status(&planner.out, error);
}

const struct tool tool_choose_plan = {
    .name = "choose_plan",
    .description = "Changes that leave quality untouched, together, priced by one replay.",
    .args = arguments,
    .arg_count = ARRAY_LENGTH(arguments),
    .needs_records = true,
    .run = run,
};
