/*
 * choose_plan: the changes that do not touch quality, put together and priced by one replay, in
 * words. What would need evidence of quality or latency (another model, shorter prompts) is not in
 * the plan and is named as a need.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tool/planner.h"
#include "tool/registry.h"
#include "tool/tool_out.h"

#define MONEY_SCALE 12
#define NUMBER_ONE  INT64_C(1000000000) /* 1 at the scale of number arguments */

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

struct story {
    struct tool_out out;
    const struct tool_args *args;
    struct planner planner;
};

static void story_done(struct story *story)
{
    planner_done(&story->planner);
}

static const char *lifetime_word(const struct action *action)
{
    return action->ttl == TTL_1H ? "one-hour" : "five-minute";
}

/* A plain name for tables and pictures. */
static struct str short_name(struct story *story, const struct action *action)
{
    struct str feature = planner_feature_name(&story->planner, action->feature);

    if (action->kind == ACTION_DROP_DUPLICATES) {
        return STR("no repeated calls");
    }
    feature = feature.length ? feature : STR("(none)");
    struct str name = action->kind == ACTION_CACHE
                          ? arena_printf(&story->out.body->arena, "%s cache: %.*s",
                                         lifetime_word(action), STR_ARGS(feature))
                          : arena_printf(&story->out.body->arena, "batch: %.*s", STR_ARGS(feature));
    if (!name.data && !story->out.status) {
        story->out.status = ERR_NO_MEMORY;
    }
    return name;
}

static struct report_action describe_cache(struct story *story, const struct action *action)
{
    struct arena *arena = &story->out.body->arena;
    struct str name = out_name(&story->out, planner_feature_name(&story->planner, action->feature));
    const char *word = lifetime_word(action);
    bool caches_now = story->planner.cache->by_feature[action->feature].explicit_read_tokens > 0;

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

static struct report_action describe(struct story *story, const struct action *action)
{
    struct arena *arena = &story->out.body->arena;
    struct str name = out_name(&story->out, planner_feature_name(&story->planner, action->feature));

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
        return describe_cache(story, action);
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

static struct str put_action_fact(struct story *story, unsigned number, const char *which,
                                  const char *label, const char *method, int128 pico_usd)
{
    struct str id =
        arena_printf(&story->out.body->arena, "plan.action.%u.saving.%s", number, which);

    story->out.method = method;
    return id.data ? out_money(&story->out, FACT_ID(id.data), label, pico_usd,
                               story->planner.plan.actions[number - 1].records)
                   : id;
}

static void put_actions(struct story *story)
{
    static const char *const columns[] = {"action", "alone", "in the plan", "fair share",
                                          "to confirm"};
    struct tool_out *out = &story->out;

    out_table(out, "The actions, in the order they are applied", columns, ARRAY_LENGTH(columns));
    for (unsigned a = 0; a < story->planner.plan.count && !out->status; a++) {
        const struct action *action = &story->planner.plan.actions[a];
        struct report_action words = describe(story, action);
        struct str alone = put_action_fact(story, a + 1, "alone", "saving of this action alone",
                                           "baseline − replay with this action only, exact",
                                           action->alone_pico_usd);
        struct str marginal =
            put_action_fact(story, a + 1, "marginal", "saving on top of the actions before it",
                            "replay with the actions before it − replay with it as well, exact",
                            action->marginal_pico_usd);
        struct str fair = put_action_fact(story, a + 1, "shapley", "fair share of the saving",
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
                         cell_text(short_name(story, action)), cell_fact(alone),
                         cell_fact(marginal), cell_fact(fair),
                         cell_text(action->needs_confirmation ? STR("yes") : STR("no"))});
        if (!out->status) {
            out->status = report_add_action(out->body, &words);
        }
    }
}

static void put_totals(struct story *story)
{
    struct tool_out *out = &story->out;
    const struct plan *plan = &story->planner.plan;
    uint64_t n = story->planner.dataset->sums.priced;
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

static void put_waterfall(struct story *story)
{
    struct figure_point points[COMPOSE_ACTIONS_MAX + 2];
    const struct plan *plan = &story->planner.plan;
    struct tool_out *out = &story->out;
    size_t count = 0;

    points[count++] =
        (struct figure_point){.label = STR("now"),
                              .fact_id = STR("plan.cost.before"),
                              .value = decimal_of(plan->baseline_pico_usd, MONEY_SCALE)};
    for (unsigned a = 0; a < plan->count; a++) {
        struct str label = short_name(story, &plan->actions[a]);

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

/* A target for the bill, in thousand-millionths: what may stay of it, and how usage grows. */
struct target {
    int128 share;
    int128 grown; /* 1 + growth */
    bool has_growth;
};

/* The bill with the plan, grown, is within the target; in integers. */
static bool is_reached(const struct target *target, const struct plan *plan, int128 after_pico_usd)
{
    return after_pico_usd * target->grown <= plan->baseline_pico_usd * target->share;
}

static const char *verdict(const struct target *target, const struct plan *plan)
{
    if (is_reached(target, plan, plan->after_sure_pico_usd)) {
        return "reached";
    }
    return is_reached(target, plan, plan->after_pico_usd)
               ? "reached only with the actions that need confirmation"
               : "not reached";
}

static void put_target_facts(struct tool_out *out, const struct target *target)
{
    put_ratio(out, "target.bill_reduction", "target: lower bill", NUMBER_ONE - target->share,
              NUMBER_ONE, "as asked");
    put_ratio(out, "target.unit_cost_reduction", "target: lower cost per call",
              target->grown - target->share, target->grown, "1 − (1 − target) ÷ (1 + growth)");
    if (target->has_growth) {
        put_ratio(out, "target.growth", "expected growth", target->grown - NUMBER_ONE, NUMBER_ONE,
                  "as asked");
        out_paragraph(out, "A bill lower by {target.bill_reduction} with usage up by "
                           "{target.growth} asks that each call costs "
                           "{target.unit_cost_reduction} less. (Read as cost per call alone, the "
                           "target is {target.bill_reduction}.)");
    }
}

/* What the target asks of each call when usage grows, and whether the plan reaches it. */
static void put_target(struct story *story)
{
    struct tool_out *out = &story->out;
    const struct tool_value *change = tool_arg_value(story->args, "cost_change");
    const struct tool_value *growth = tool_arg_value(story->args, "growth");
    const struct plan *plan = &story->planner.plan;
    struct target target = {
        .share = NUMBER_ONE + change->number.digits,
        .grown = NUMBER_ONE + growth->number.digits,
        .has_growth = growth->number.digits != 0,
    };
    const char *per_call = target.has_growth ? " per call" : "";

    if (!change->is_set || target.grown <= 0) {
        return;
    }
    put_target_facts(out, &target);
    out_paragraph(out,
                  "The plan saves {plan.saving.ratio}%s: the target of "
                  "{target.unit_cost_reduction}%s is %s.",
                  plan->after_pico_usd == plan->after_sure_pico_usd
                      ? ""
                      : " ({plan.saving.sure_ratio} without what needs confirmation)",
                  per_call, verdict(&target, plan));
    out_summary(out, "The target of {target.unit_cost_reduction} less%s is %s.", per_call,
                verdict(&target, plan));
    if (!is_reached(&target, plan, plan->after_pico_usd)) {
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

static void put_words(struct story *story)
{
    struct tool_out *out = &story->out;
    bool is_one = story->planner.plan.count == 1;

    if (story->planner.plan.count == 0) {
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
                is_one ? "" : " together", confirmation_words(&story->planner.plan));
    out_next_step(out, "Start with the action that saves most and needs no confirmation; export "
                       "the records again a week later and ask the same question.");
    if (story->planner.left_out) {
        out->method = "candidates beyond the number that is replayed exactly";
        out_count(out, FACT_ID("plan.left_out"), "smaller candidates left out",
                  UNIT_COUNT_OF_THINGS, story->planner.left_out, 0);
        out_caveat(out, "{plan.left_out} smaller candidates are not in the plan.");
    }
    if (story->planner.plan.unpriced) {
        out_caveat(out, "The plan covers the records whose price is known; the others are left "
                        "as they are.");
    }
}

static bool has_feature(const struct dict *names, struct str feature)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (str_equal_ascii_case(dict_text(names, i), feature)) {
            return true;
        }
    }
    return false;
}

/* A name that no record has protects nothing: the reader must learn of it. */
static void put_exclusions(struct story *story)
{
    const struct planner *planner = &story->planner;
    const struct dict *names = &planner->dataset->table.name_dicts[USAGE_FEATURE];

    for (size_t i = 0; i < planner->exclude_count; i++) {
        if (!has_feature(names, planner->exclude[i])) {
            struct str name = out_name(&story->out, planner->exclude[i]);

            out_caveat(&story->out,
                       "`%.*s` was to be left alone, but no record has a feature of that name: "
                       "nothing is protected by it.",
                       STR_ARGS(name));
        }
    }
}

static void put_plan(struct story *story)
{
    put_exclusions(story);
    put_totals(story);
    put_words(story);
    put_target(story);
    if (story->planner.plan.count) {
        put_actions(story);
        put_waterfall(story);
    }
}

static int run(const struct tool_context *context, const struct tool_args *args,
               struct report *body, struct error *error)
{
    cleanup(story_done) struct story story = {
        .out = tool_out_begin(body, args),
        .args = args,
        .planner = {.dataset = context->dataset,
                    .analyses = context->analyses,
                    .exclude = tool_arg_value(args, "exclude")->texts,
                    .exclude_count = tool_arg_value(args, "exclude")->count},
    };

    out_section(&story.out, "plan", "The plan");
    if (context->dataset->sums.priced == 0) {
        out_unknown(&story.out, FACT_ID("plan.saving.total"), "saving of the plan", UNIT_USD,
                    "prices of the models used");
        out_paragraph(&story.out, "What could be saved: {plan.saving.total}.");
        return tool_out_status(&story.out, error);
    }
    int code = planner_prepare(&story.planner);
    if (!code) {
        code = planner_choose(&story.planner);
    }
    if (code) {
        return error_set(error, code, "cannot put a plan together: %s", error_code_text(code));
    }
    put_plan(&story);
    return tool_out_status(&story.out, error);
}

const struct tool tool_choose_plan = {
    .name = "choose_plan",
    .description = "Changes that leave quality untouched, together, priced by one replay.",
    .args = arguments,
    .arg_count = ARRAY_LENGTH(arguments),
    .needs_records = true,
    .run = run,
};
