/*
 * The builder keeps one sticky code, so that the story reads as a story.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sample_report.h"

#include <stdio.h>

#include "base/check.h"

#define DAYS 31

struct sample {
    struct report *report;
    struct report_section *section;
    struct report_table *table;
    struct str name;
    int code;
};

static struct decimal parsed(const char *text, unsigned scale)
{
    struct decimal value = {0, scale};

    check(decimal_parse(str_from(text), scale, &value) == OK);
    return value;
}

static void add_fact(struct sample *s, const struct fact *fact)
{
    if (s->code == OK) {
        s->code = fact_set_add(&s->report->facts, fact);
    }
}

static void add_number(struct sample *s, const char *id, const char *label, enum fact_unit unit,
                       const char *value, uint64_t n)
{
    struct fact fact = {
        .id = str_from(id),
        .label = str_from(label),
        .value = parsed(value, unit == UNIT_USD     ? 12
                               : unit == UNIT_RATIO ? 6
                                                    : 3),
        .unit = unit,
        .n = n,
        .method = unit == UNIT_USD ? STR("sum of tokens × price over the records, exact")
                                   : STR("counted over the records, exact"),
        .query = STR("spend_breakdown {\"by\":[\"model\",\"feature\"]}"),
    };

    add_fact(s, &fact);
}

static void add_unknown(struct sample *s, const char *id, const char *label, enum fact_unit unit,
                        const char *needs)
{
    struct fact fact = {.id = str_from(id),
                        .label = str_from(label),
                        .unit = unit,
                        .state = FACT_UNKNOWN,
                        .method = STR("paired comparison"),
                        .query = STR("quality_evidence {\"margin\":0.02}"),
                        .needs = str_from(needs)};

    add_fact(s, &fact);
}

static void add_bounded(struct sample *s, const char *id, const char *label, const char *low,
                        const char *high, uint64_t n)
{
    struct fact fact = {.id = str_from(id),
                        .label = str_from(label),
                        .unit = UNIT_USD,
                        .state = FACT_BOUNDED,
                        .value = parsed(high, 12),
                        .low = parsed(low, 12),
                        .high = parsed(high, 12),
                        .has_bounds = true,
                        .n = n,
                        .clusters = 412,
                        .method = STR("batch price on records that nobody waited for"),
                        .query = STR("batch_eligibility {}")};

    add_fact(s, &fact);
}

/* Adds a fact whose id ends with the name from records, and returns nothing: rows name it again. */
static void named_id(struct buf *id, const char *prefix, struct str name)
{
    buf_clear(id);
    buf_append(id, str_from(prefix));
    fact_id_append(id, name);
}

static void add_named(struct sample *s, struct buf *id, const char *prefix, struct str name,
                      enum fact_unit unit, const char *value, uint64_t n)
{
    struct fact fact = {.label = name,
                        .unit = unit,
                        .value = parsed(value, unit == UNIT_USD ? 12 : 0),
                        .n = n,
                        .method = STR("sum of tokens × price over the records, exact"),
                        .query = STR("spend_breakdown {\"by\":[\"model\"]}")};

    named_id(id, prefix, name);
    fact.id = buf_str(id);
    if (s->code == OK) {
        s->code = buf_status(id);
    }
    add_fact(s, &fact);
}

static void line(struct sample *s, struct report_lines *lines, const char *text)
{
    if (s->code == OK) {
        s->code = report_add_line(s->report, lines, str_from(text));
    }
}

/* A line with the name from records between two texts. */
static void named_line(struct sample *s, struct report_lines *lines, const char *before,
                       const char *after)
{
    struct buf text;

    buf_init(&text, 4096);
    buf_append(&text, str_from(before));
    report_append_name(&text, s->name);
    buf_append(&text, str_from(after));
    if (s->code == OK) {
        s->code = buf_status(&text);
    }
    if (s->code == OK) {
        s->code = report_add_line(s->report, lines, buf_str(&text));
    }
    buf_done(&text);
}

static void section(struct sample *s, const char *id, const char *title)
{
    if (s->code == OK) {
        s->code = report_add_section(s->report, id, title, &s->section);
    }
}

static void paragraph(struct sample *s, const char *text)
{
    if (s->code == OK) {
        s->code = report_add_paragraph(s->report, s->section, str_from(text));
    }
}

static void item(struct sample *s, const char *text)
{
    if (s->code == OK) {
        s->code = report_add_list_item(s->report, s->section, str_from(text));
    }
}

struct model_row {
    const char *name;
    const char *spend;
    const char *requests;
};

static const struct model_row models[] = {
    {"claude-sonnet-4-20250514", "9214.382716", "61204"},
    {"gpt-4o", "4630.118204", "88417"},
    {"gpt-4o-mini", "611.904417", "203311"},
    {"gemini-2.5-pro", "338.550921", "4120"},
    {"text-embedding-3-small", "12.084133", "411902"},
};

static struct str model_name(const struct sample *s, size_t i)
{
    return i == 0 ? s->name : str_from(models[i].name);
}

static void add_model_facts(struct sample *s)
{
    struct buf id;

    buf_init(&id, 4096);
    for (size_t i = 0; i < ARRAY_LENGTH(models); i++) {
        uint64_t n = 0;

        check(decimal_parse_u64(str_from(models[i].requests), &n) == OK);
        add_named(s, &id, "spend.by_model.", model_name(s, i), UNIT_USD, models[i].spend, n);
        add_named(s, &id, "requests.by_model.", model_name(s, i), UNIT_REQUESTS, models[i].requests,
                  n);
    }
    buf_done(&id);
}

static void add_facts(struct sample *s)
{
    const uint64_t n = 768954;

    add_number(s, "spend.total", "spend, total", UNIT_USD, "14807.040391", n);
    add_number(s, "requests.total", "requests", UNIT_REQUESTS, "768954", n);
    add_number(s, "tokens.input.total", "input tokens", UNIT_TOKENS, "3140188214", n);
    add_number(s, "tokens.output.total", "output tokens", UNIT_TOKENS, "148092331", n);
    add_model_facts(s);
    add_number(s, "cache.token_hit_ratio.now", "tokens read from the cache, today", UNIT_RATIO,
               "0.1134", 61204);
    add_number(s, "cache.token_hit_ratio.ttl_300", "tokens read, five-minute cache", UNIT_RATIO,
               "0.7420", 61204);
    add_number(s, "cache.token_hit_ratio.ttl_3600", "tokens read, one-hour cache", UNIT_RATIO,
               "0.8361", 61204);
    add_number(s, "cache.cost.none", "cost without a cache", UNIT_USD, "9902.551", 61204);
    add_number(s, "cache.cost.ttl_300", "cost with the five-minute cache", UNIT_USD, "4120.880412",
               61204);
    add_number(s, "cache.cost.ttl_3600", "cost with the one-hour cache", UNIT_USD, "3655.201774",
               61204);
    add_number(s, "plan.saving.total", "saving of the whole plan", UNIT_USD, "6890.511042", n);
    add_number(s, "plan.saving.share", "saving as a share of spend", UNIT_RATIO, "0.465354", n);
    add_number(s, "plan.cost.after", "spend after the plan", UNIT_USD, "7916.529349", n);
    add_number(s, "plan.action.1.saving.marginal", "one-hour cache", UNIT_USD, "5559.180942",
               61204);
    add_number(s, "plan.action.1.saving.alone", "one-hour cache, alone", UNIT_USD, "5559.180942",
               61204);
    add_number(s, "plan.action.2.saving.marginal", "no duplicated calls", UNIT_USD, "842.1301",
               12044);
    add_number(s, "plan.action.2.saving.alone", "no duplicated calls, alone", UNIT_USD,
               "1107.400812", 12044);
    add_number(s, "plan.action.3.saving.marginal", "batch for the nightly digest", UNIT_USD,
               "489.2", 3120);
    add_bounded(s, "batch.saving.other", "batch for what nobody waits for", "212.4", "640.118",
                40112);
    add_number(s, "whatif.gpt-4o-mini.breakeven_output_multiplier", "break-even answer length",
               UNIT_X, "14.2", 88417);
    add_number(s, "duplicates.requests", "duplicated requests", UNIT_REQUESTS, "12044", 12044);
    add_number(s, "traffic.peak_rpm.sliding", "busiest minute", UNIT_RPM, "1204", n);
    add_number(s, "tokens.small", "price of one small call", UNIT_USD, "0.0000021", 1);
    add_unknown(s, "quality.gpt-4o-mini_vs_gpt-4o.difference", "quality, mini against large",
                UNIT_RATIO, "paired quality scores: run shadow calls");
    add_unknown(s, "latency.p95.after", "latency after the plan", UNIT_MS,
                "the latency model, which is not built yet");
}

static void add_actions(struct sample *s)
{
    struct buf title;
    struct report_action actions[] = {
        {.why = STR("The prefixes of {requests.total} requests were replayed: the one-hour cache "
                    "would have served {cache.token_hit_ratio.ttl_3600} of the input tokens, today "
                    "it is {cache.token_hit_ratio.now}."),
         .how = STR("Mark the system prompt and the tool list with `cache_control` and set its "
                    "`ttl` to `1h`; keep what changes behind the mark."),
         .saving_fact = STR("plan.action.1.saving.marginal"),
         .alone_fact = STR("plan.action.1.saving.alone"),
         .risk = STR("Writes cost twice the input price; if sessions become sparser than in these "
                     "records the five-minute cache is the better one.")},
        {.title = STR("Stop paying twice for the same answer"),
         .why = STR("{duplicates.requests} requests repeat an earlier prompt of the same session "
                    "word by word within a minute."),
         .how = STR("Make the retry in `search-agent` wait for the first call, or send the same "
                    "idempotency key."),
         .saving_fact = STR("plan.action.2.saving.marginal"),
         .alone_fact = STR("plan.action.2.saving.alone"),
         .risk = STR("A caller that wants a fresh answer on purpose gets the old one.")},
        {.title = STR("Send the nightly digest through the batch service"),
         .why = STR("Nobody waits for `nightly-digest`: its results are read hours later."),
         .how = STR("Submit it as one batch file after the last event of the day."),
         .saving_fact = STR("plan.action.3.saving.marginal"),
         .risk = STR("A batch may take up to a day; the digest must not be needed before."),
         .needs_confirmation = true},
    };

    buf_init(&title, 4096);
    buf_append(&title, STR("Turn on the one-hour cache for "));
    report_append_name(&title, s->name);
    actions[0].title = buf_str(&title);
    if (s->code == OK) {
        s->code = buf_status(&title);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(actions) && s->code == OK; i++) {
        s->code = report_add_action(s->report, &actions[i]);
    }
    buf_done(&title);
}

static void add_model_table(struct sample *s)
{
    static const char *const columns[] = {"model", "requests", "spend", "quality against `gpt-4o`"};
    struct buf spend;
    struct buf requests;

    if (s->code == OK) {
        s->code = report_add_table(s->report, s->section, "Spend by model", columns,
                                   ARRAY_LENGTH(columns), &s->table);
    }
    buf_init(&spend, 4096);
    buf_init(&requests, 4096);
    for (size_t i = 0; i < ARRAY_LENGTH(models) && s->code == OK; i++) {
        named_id(&spend, "spend.by_model.", model_name(s, i));
        named_id(&requests, "requests.by_model.", model_name(s, i));
        struct report_cell cells[] = {
            {.text = model_name(s, i)},
            {.fact_id = buf_str(&requests)},
            {.fact_id = buf_str(&spend)},
            {.fact_id = i == 2 ? STR("quality.gpt-4o-mini_vs_gpt-4o.difference") : STR("")}};
        s->code = buf_status(&spend) ? buf_status(&spend) : buf_status(&requests);
        if (s->code == OK) {
            s->code = report_add_row(s->report, s->table, cells);
        }
    }
    buf_done(&spend);
    buf_done(&requests);
}

static void add_model_figure(struct sample *s)
{
    struct figure_point points[ARRAY_LENGTH(models)];
    struct figure figure = {.id = STR("spend-by-model"),
                            .kind = FIGURE_BARS,
                            .title = STR("Spend by model"),
                            .alt = STR("Bars of the spend by model; all together {spend.total}."),
                            .unit = UNIT_USD,
                            .series_count = 1};

    for (size_t i = 0; i < ARRAY_LENGTH(models); i++) {
        points[i] =
            (struct figure_point){.label = model_name(s, i), .value = parsed(models[i].spend, 12)};
    }
    figure.series[0] = (struct figure_series){STR(""), points, ARRAY_LENGTH(models)};
    if (s->code == OK) {
        s->code = report_add_figure(s->report, s->section, &figure);
    }
}

static void add_day_figure(struct sample *s)
{
    struct figure_point points[2][DAYS];
    char labels[DAYS][16];
    struct figure figure = {
        .id = STR("spend-by-day"),
        .kind = FIGURE_LINES,
        .title = STR("Spend by day"),
        .alt = STR("Two lines over the month: all models together, and the first one alone."),
        .unit = UNIT_USD,
        .series_count = 2};

    for (int i = 0; i < DAYS; i++) {
        int64_t base = 380 + (i * 37) % 90 + (i % 7 < 5 ? 120 : -60) + (i > 20 ? 90 : 0);

        (void)snprintf(labels[i], sizeof(labels[i]), "2026-07-%02d", i + 1);
        points[0][i] = (struct figure_point){.label = str_from(labels[i]),
                                             .value = decimal_of(base * 100 + i, 2)};
        points[1][i] = (struct figure_point){.label = str_from(labels[i]),
                                             .value = decimal_of(base * 62 + i, 2)};
    }
    figure.series[0] = (struct figure_series){STR("all models"), points[0], DAYS};
    figure.series[1] = (struct figure_series){s->name, points[1], DAYS};
    if (s->code == OK) {
        s->code = report_add_figure(s->report, s->section, &figure);
    }
}

static void add_plan_figure(struct sample *s)
{
    struct figure_point points[] = {
        {STR("today"), STR("spend.total"), parsed("14807.040391", 12)},
        {STR("one-hour cache"), STR("plan.action.1.saving.marginal"), parsed("-5559.180942", 12)},
        {STR("no duplicated calls"), STR("plan.action.2.saving.marginal"), parsed("-842.1301", 12)},
        {STR("batch for the digest"), STR("plan.action.3.saving.marginal"), parsed("-489.2", 12)},
        {STR("after the plan"), STR("plan.cost.after"), parsed("7916.529349", 12)},
    };
    struct figure figure = {
        .id = STR("plan"),
        .kind = FIGURE_WATERFALL,
        .title = STR("From today's spend to the plan's"),
        .alt =
            STR("The plan takes {plan.saving.total} off {spend.total}; {plan.cost.after} stays."),
        .unit = UNIT_USD,
        .series = {{STR(""), points, ARRAY_LENGTH(points)}},
        .series_count = 1};

    if (s->code == OK) {
        s->code = report_add_figure(s->report, s->section, &figure);
    }
}

static void add_cache_figure(struct sample *s)
{
    struct figure_point read[] = {
        {STR("today"), STR("cache.token_hit_ratio.now"), parsed("0.1134", 6)},
        {STR("five minutes"), STR("cache.token_hit_ratio.ttl_300"), parsed("0.7420", 6)},
        {STR("one hour"), STR("cache.token_hit_ratio.ttl_3600"), parsed("0.8361", 6)},
    };
    struct figure_point rest[] = {
        {STR("today"), STR(""), parsed("0.8866", 6)},
        {STR("five minutes"), STR(""), parsed("0.2580", 6)},
        {STR("one hour"), STR(""), parsed("0.1639", 6)},
    };
    struct figure figure = {
        .id = STR("cache-hits"),
        .kind = FIGURE_BARS,
        .title = STR("Input tokens read from the cache"),
        .alt = STR("Today {cache.token_hit_ratio.now} of the tokens are read from the cache."),
        .unit = UNIT_RATIO,
        .series = {{STR("read from the cache"), read, 3}, {STR("paid in full"), rest, 3}},
        .series_count = 2};

    if (s->code == OK) {
        s->code = report_add_figure(s->report, s->section, &figure);
    }
}

static void add_sections(struct sample *s)
{
    section(s, "plan", "The plan");
    paragraph(s, "The three changes were priced together in one replay of the records, so nothing "
                 "is counted twice: {plan.saving.total} of {spend.total}, "
                 "{plan.saving.share} of the spend.");
    add_plan_figure(s);
    section(s, "spend", "Where the money goes");
    add_model_table(s);
    add_model_figure(s);
    add_day_figure(s);
    section(s, "cache", "Caching");
    paragraph(s, "Without any cache the same traffic would cost {cache.cost.none}; with the "
                 "five-minute cache {cache.cost.ttl_300}, with the one-hour cache "
                 "{cache.cost.ttl_3600}.");
    add_cache_figure(s);
    section(s, "models", "A smaller model");
    paragraph(s, "Moving `gpt-4o` to `gpt-4o-mini` stays cheaper unless answers become more than "
                 "{whatif.gpt-4o-mini.breakeven_output_multiplier} longer.");
    item(s, "Quality difference: {quality.gpt-4o-mini_vs_gpt-4o.difference}.");
    item(s, "Latency after the plan: {latency.p95.after}.");
    item(s, "Batch for the rest would save {batch.saving.other}: at least "
            "{batch.saving.other:low}, at most {batch.saving.other:high}.");
    item(s, "One small call costs {tokens.small}, exactly {tokens.small:exact}.");
}

static void add_ends(struct sample *s)
{
    struct report *report = s->report;

    line(s, &report->summary,
         "Three changes save {plan.saving.total}, {plan.saving.share} of the "
         "{spend.total} spent: more than the fifth that was asked for.");
    named_line(s, &report->summary, "The largest is a one-hour cache for ",
               ", which saves {plan.action.1.saving.marginal}.");
    line(s, &report->summary, "Whether latency halves is not known yet: {latency.p95.after}.");
    line(s, &report->caveats,
         "The book lists no one-hour write price for long contexts; twice the "
         "tier's input price was taken, the vendor's documented rule.");
    named_line(s, &report->caveats, "Some records of ",
               " have no session; each of them counts as a session of its own.");
    line(s, &report->needs,
         "Quality scores for `support-chat`: without them a smaller model "
         "cannot be recommended.");
    line(s, &report->needs,
         "Rate limits of your account, to say whether {traffic.peak_rpm.sliding} "
         "plus growth fits.");
    line(s, &report->assumptions, "Prices of the book's date are applied to past traffic.");
    line(s, &report->next_steps,
         "Turn on the cache for one service and run this report again on "
         "the following week.");
    line(s, &report->next_steps,
         "Export quality scores with `prompt_hash` and ask about the "
         "smaller model.");
}

static int copied(struct sample *s, struct str text, struct str *to)
{
    *to = arena_copy(&s->report->arena, text);
    return to->data ? OK : ERR_NO_MEMORY;
}

static void add_identity(struct sample *s)
{
    struct report *report = s->report;
    const struct {
        struct str from;
        struct str *to;
    } texts[] = {
        {STR("01980c3e-7d00-7000-8000-5eed00000001"), &report->id},
        {STR("{\"intents\":[\"reduce_cost\",\"improve_latency\",\"forecast_growth\"]}"),
         &report->interpretation_json},
        {STR("cost −20 %, latency ÷2 (p50, p95), usage +30 %; all features"),
         &report->interpretation_text},
        {STR("sample price book"), &report->book_name},
        {STR("2026-07-24"), &report->book_as_of},
        {STR(""), &report->book_path},
        {STR("xxh3-128:5e1f00c2d7a94bb09a6f3cd1e2b48a77"), &report->book_digest},
        {STR("UTC"), &report->time_zone},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(texts) && s->code == OK; i++) {
        s->code = copied(s, texts[i].from, texts[i].to);
    }
    report->generated_at_us = INT64_C(1785571200000000);
    report->as_of_us = INT64_C(1785542399000000);
    report->from_us = INT64_C(1782864000000000);
    report->to_us = INT64_C(1785542399000000);
    report->records = 768954;
    report->seed = 7;
}

static void add_history(struct sample *s)
{
    static const char *const steps[] = {"user_input_received", "message_validated",
                                        "agent_selected",      "agent_executed",
                                        "response_generated",  "response_delivered"};
    static const char *const agents[] = {"triage", "data", "optimisation", "actions", "reporting"};
    struct report *report = s->report;

    if (s->code) {
        return;
    }
    report->steps = arena_alloc(&report->arena, ARRAY_LENGTH(steps), sizeof(*report->steps));
    report->agents = arena_alloc(&report->arena, ARRAY_LENGTH(agents), sizeof(*report->agents));
    report->inputs = arena_alloc(&report->arena, 2, sizeof(*report->inputs));
    if (!report->steps || !report->agents || !report->inputs) {
        s->code = ERR_NO_MEMORY;
        return;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        int64_t start = report->generated_at_us + (int64_t)i * 41000;

        report->steps[report->step_count++] =
            (struct report_step){str_from(steps[i]), start, start + 40000};
    }
    for (size_t i = 0; i < ARRAY_LENGTH(agents); i++) {
        report->agents[report->agent_count++] = str_from(agents[i]);
    }
    report->inputs[0] = (struct report_input){STR("sample-july.jsonl.gz"),
                                              STR("xxh3-128:0c1d5f7788a2417e93d6b8d2a0e4f611"),
                                              STR("jsonl"), 768000, 3};
    report->inputs[1] =
        (struct report_input){STR("sample-tail.csv"),
                              STR("xxh3-128:77aa01f2c3b54d5e8899aabbccddeeff"), STR("csv"), 954, 0};
    report->input_count = 2;
}

int sample_report_named_new(struct str name, struct report **ret_report)
{
    cleanup(report_free_pointer) struct report *report = NULL;
    struct sample s = {.name = name};
    struct buf question;

    s.code = report_new(&report);
    if (s.code) {
        return s.code;
    }
    s.report = report;
    buf_init(&question, 4096);
    buf_append(&question, STR("I need to reduce costs by 20 % and improve latency by 2x; I also "
                              "expect a 30 % increase in usage of "));
    buf_append(&question, name);
    s.code = buf_status(&question) ? buf_status(&question)
                                   : copied(&s, buf_str(&question), &report->question);
    buf_done(&question);
    add_identity(&s);
    add_facts(&s);
    add_actions(&s);
    add_sections(&s);
    add_ends(&s);
    add_history(&s);
    if (s.code == OK) {
        *ret_report = TAKE(report);
    }
    return s.code;
}

int sample_report_new(struct report **ret_report)
{
    return sample_report_named_new(str_from(models[0].name), ret_report);
}

int sample_report_modelled_new(struct str model, struct report **ret_report)
{
    cleanup(report_free_pointer) struct report *report = NULL;
    const struct report_model_call calls[] = {
        {.purpose = STR("interpret"),
         .prompt = STR("interpret@1"),
         .provider = STR("anthropic"),
         .model = model,
         .outcome = STR("used"),
         .has_tokens = true,
         .input_tokens = 1204,
         .output_tokens = 96,
         .has_cost = true,
         .cost_pico_usd = INT64_C(1684000000),
         .attempts = 1},
        {.purpose = STR("plan"),
         .prompt = STR("plan@1"),
         .provider = STR("local"),
         .model = STR("llama-3.3-70b"),
         .outcome = STR("used"),
         .has_tokens = true,
         .input_tokens = 3100,
         .output_tokens = 0,
         .attempts = 2},
        {.purpose = STR("write"),
         .prompt = STR("write@1"),
         .provider = STR("anthropic"),
         .model = model,
         .outcome = STR("refused: a number stands in words"),
         .attempts = 1},
        {.purpose = STR("repair"), .prompt = STR("repair@1"), .outcome = STR("nobody answered")},
    };
    int code = sample_report_new(&report);

    if (code) {
        return code;
    }
    report->summary_by = arena_printf(&report->arena, "anthropic/%.*s", STR_ARGS(model));
    code = report->summary_by.data ? OK : ERR_NO_MEMORY;
    for (size_t i = 0; i < ARRAY_LENGTH(calls) && code == OK; i++) {
        code = report_add_model_call(report, &calls[i]);
    }
    if (code == OK) {
        *ret_report = TAKE(report);
    }
    return code;
}

int sample_guidance_new(struct report **ret_report)
{
    cleanup(report_free_pointer) struct report *report = NULL;
    struct sample s = {0};

    s.code = report_new(&report);
    if (s.code) {
        return s.code;
    }
    s.report = report;
    report->type = REPORT_GUIDANCE;
    s.code = copied(&s, STR("What could go to the batch API?"), &report->question);
    line(&s, &report->summary, "There are no records yet, so no number can be given.");
    line(&s, &report->needs, "Usage records: an export of `LiteLLM`, `Langfuse` or a plain CSV.");
    line(&s, &report->next_steps, "Run `netra ask` again with `--data export.csv`.");
    if (s.code == OK) {
        *ret_report = TAKE(report);
    }
    return s.code;
}
