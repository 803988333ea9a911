/*
 * reporting: puts the results of the tools together into one report, has it judged by the quality
 * gate, and falls back to facts alone when the gate refuses.
 *
 * Sections are not copied: they point into the results, which live as long as the run. Results of
 * calls that a model wanted come behind all others and add only what is not there yet; when the
 * report does not hold with them, it is made without.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "agent/run_state.h"
#include "agent/talk.h"

#define SENTENCE_BYTES_MAX 2048u

enum { STATE_START, STATE_WRITTEN, STATE_REPAIRED };

/* The order of sections: what to do, then why, then what it rests on. */
static const char *const section_order[] = {
    "choose_plan",     "cache_audit",     "duplicate_calls", "batch_eligibility",
    "what_if_model",   "latency_profile", "traffic_profile", "reliability_profile",
    "spend_breakdown", "price_lookup",    "dataset_profile",
};

/* The order of summary lines; a plan speaks for its own parts. */
static const struct {
    const char *tool;
    bool is_part_of_plan;
} summary_order[] = {
    {"dataset_profile", false}, {"choose_plan", false},      {"cache_audit", false},
    {"duplicate_calls", true},  {"batch_eligibility", true}, {"what_if_model", false},
    {"latency_profile", false}, {"traffic_profile", false},  {"reliability_profile", false},
    {"spend_breakdown", false}, {"price_lookup", false},
};

bool reporting_has_line(const struct report_lines *lines, struct str text)
{
    for (size_t i = 0; i < lines->count; i++) {
        if (str_equal(lines->lines[i], text)) {
            return true;
        }
    }
    return false;
}

static int add_lines(struct report *report, struct report_lines *to,
                     const struct report_lines *from)
{
    int code = OK;

    for (size_t i = 0; i < from->count && !code; i++) {
        if (!reporting_has_line(to, from->lines[i])) {
            code = report_add_line(report, to, from->lines[i]);
        }
    }
    return code;
}

static int add_line(struct report *report, struct report_lines *to, const char *text)
{
    return report_add_line(report, to, str_from(text));
}

/* Sections and actions of one result. */
static int adopt_body(struct report *report, const struct report *body)
{
    int code = OK;

    for (size_t i = 0; i < body->section_count && !code; i++) {
        const struct report_section *from = &body->sections[i];
        struct report_section *section;

        code = report_add_section(report, from->id.data, from->title.data, &section);
        if (!code) {
            section->blocks = from->blocks;
            section->block_count = from->block_count;
            section->block_capacity = from->block_count;
        }
    }
    for (size_t i = 0; i < body->action_count && !code; i++) {
        code = report_add_action(report, &body->actions[i]);
    }
    return code;
}

/* Calls f(report, body) for the results of a tool, in the order of the calls. */
static int for_results(const struct run *run, const char *tool,
                       int (*f)(struct report *, const struct report *))
{
    int code = OK;

    for (size_t i = 0; i < run->calls_done && !code; i++) {
        if (run->calls[i].body && !run->calls[i].is_extra &&
            strcmp(run->calls[i].tool->name, tool) == 0) {
            code = f(run->report, run->calls[i].body);
        }
    }
    return code;
}

static int adopt_summary(struct report *report, const struct report *body)
{
    return add_lines(report, &report->summary, &body->summary);
}

static int adopt_rest(struct report *report, const struct report *body)
{
    int code = add_lines(report, &report->caveats, &body->caveats);

    if (!code) {
        code = add_lines(report, &report->needs, &body->needs);
    }
    return code ? code : add_lines(report, &report->next_steps, &body->next_steps);
}

/* Facts of all results. Two tools that give one fact two numbers are a defect; the reader then gets
 * the first one's report and is told, instead of none. */
static int adopt_facts(struct run *run)
{
    for (size_t i = 0; i < run->calls_done; i++) {
        struct run_call *call = &run->calls[i];
        int code = call->body && !call->is_extra
                       ? fact_set_merge(&run->report->facts, &call->body->facts)
                       : OK;

        if (code == ERR_INVALID) {
            report_free(call->body);
            call->body = NULL;
            (void)snprintf(call->failure, sizeof(call->failure),
                           "its numbers contradict those of another analysis");
        } else if (code) {
            return code;
        }
    }
    return OK;
}

static int adopt_results(struct run *run)
{
    int code = adopt_facts(run);
    bool has_plan = run_result(run, "choose_plan") != NULL;

    for (size_t i = 0; i < ARRAY_LENGTH(section_order) && !code; i++) {
        code = for_results(run, section_order[i], adopt_rest);
        if (!code) {
            code = for_results(run, section_order[i], adopt_body);
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(summary_order) && !code; i++) {
        if (!(has_plan && summary_order[i].is_part_of_plan)) {
            code = for_results(run, summary_order[i].tool, adopt_summary);
        }
    }
    return code;
}

/* A tool that failed leaves a caveat; its message is data, quoted. */
static int add_failures(struct run *run, bool *ret_any)
{
    int code = OK;

    for (size_t i = 0; i < run->calls_done && !code; i++) {
        struct buf text;

        if (run->calls[i].body || run->calls[i].is_extra) {
            continue;
        }
        *ret_any = true;
        buf_init(&text, SENTENCE_BYTES_MAX);
        buf_append(&text, STR("An analysis failed and is missing here: "));
        report_append_name(&text, str_from(run->calls[i].tool->name));
        buf_append(&text, STR(" said "));
        report_append_name(&text, str_from(run->calls[i].failure));
        buf_append_char(&text, '.');
        code = buf_status(&text)
                   ? buf_status(&text)
                   : report_add_line(run->report, &run->report->caveats, buf_str(&text));
        buf_done(&text);
    }
    return code;
}

/* "What this report does not say": every gap as an unknown fact and a sentence. */
static int add_gaps(struct run *run)
{
    struct report *report = run->report;
    struct report_section *section;
    int code =
        run->gap_count ? report_add_section(report, "unknown", "What stays unknown", &section) : OK;

    for (size_t i = 0; i < run->gap_count && !code; i++) {
        const struct gap *gap = &run->gaps[i];
        struct str id = arena_printf(&report->arena, "answer.%s", gap->id);
        struct str line = arena_printf(&report->arena, "%c%s: {answer.%s}.",
                                       gap->label[0] - ('a' - 'A'), gap->label + 1, gap->id);
        struct fact fact = {.id = id,
                            .label = str_from(gap->label),
                            .unit = UNIT_COUNT_OF_THINGS,
                            .state = FACT_UNKNOWN,
                            .needs = str_from(gap->needs),
                            .method = STR("not computed")};

        if (!id.data || !line.data) {
            return ERR_NO_MEMORY;
        }
        code = fact_set_add(&report->facts, &fact);
        if (!code) {
            code = report_add_list_item(report, section, line);
        }
        if (!code) {
            code = report_add_line(report, &report->needs, line);
        }
    }
    return code;
}

static int add_assumptions(struct run *run)
{
    struct report *report = run->report;
    int code = add_line(report, &report->assumptions,
                        "Prices are the list prices of the book named above, as they are today, "
                        "applied to past calls; discounts of your contract are not in it.");

    if (!code) {
        code = add_line(report, &report->assumptions,
                        "Savings are about the calls in these records, replayed one by one; how "
                        "much of them comes back next month depends on next month's traffic.");
    }
    if (!code && run->options.dataset->as_of_is_last_record) {
        code = add_line(report, &report->assumptions,
                        "The last record is over two days old; \"now\" is taken as the time of "
                        "the last record.");
    }
    return code;
}

/* Where the numbers come from, as recompute needs it. */
static int describe_inputs(struct run *run)
{
    const struct dataset *dataset = run->options.dataset;
    struct report *report = run->report;

    report->records = dataset->table.count;
    report->from_us = dataset->is_relative_time ? 0 : dataset->from_us;
    report->to_us = dataset->is_relative_time ? 0 : dataset->to_us;
    report->as_of_us = dataset->as_of_us;
    report->book_path = str_from(dataset->prices_path);
    report->book_digest = str_from(dataset->book_digest);
    report->inputs = arena_alloc(&report->arena, dataset->input_count + 1, sizeof(*report->inputs));
    if (!report->inputs) {
        return ERR_NO_MEMORY;
    }
    report->maps = arena_alloc(&report->arena, dataset->map_count + 1, sizeof(*report->maps));
    if (!report->maps) {
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < dataset->map_count; i++) {
        struct str map = arena_printf(&report->arena, "%.*s=%.*s", STR_ARGS(dataset->maps[i].field),
                                      STR_ARGS(dataset->maps[i].value));

        if (!map.data) {
            return ERR_NO_MEMORY;
        }
        report->maps[report->map_count++] = map;
    }
    for (size_t i = 0; i < dataset->input_count; i++) {
        const struct dataset_input *input = &dataset->inputs[i];
        const struct import_report *import = input->report;

        report->inputs[report->input_count++] = (struct report_input){
            .path = str_from(input->path),
            .digest = str_from(input->digest),
            .format = import ? str_from(import->format_name) : STR("unreadable"),
            .records = import ? import->rows_accepted : 0,
            .rejected = import ? import->rows_rejected : 0,
        };
    }
    return OK;
}

/* Texts of the run live as long as its report. */
static void describe_question(struct run *run)
{
    struct report *report = run->report;

    report->id = run->options.id;
    report->question = run->options.prompt;
    report->interpretation_json = run->interpretation_json;
    report->interpretation_text = run->interpretation_text;
    report->seed = run->options.seed;
    report->time_zone = STR("UTC");
    report->book_name = price_book_name(run->options.book);
    report->book_as_of = price_book_as_of(run->options.book);
    report->generated_at_us = run->options.clock();
    report->as_of_us = report->generated_at_us;
}

static int name_agents(struct run *run)
{
    struct report *report = run->report;
    size_t count = 0;

    while (run->agents[count]) {
        count++;
    }
    report->agents = arena_alloc(&report->arena, count + 2, sizeof(*report->agents));
    if (!report->agents) {
        return ERR_NO_MEMORY;
    }
    report->agents[report->agent_count++] = str_from(agent_triage.name);
    for (size_t i = 0; i < count; i++) {
        report->agents[report->agent_count++] = str_from(run->agents[i]->name);
    }
    report->agents[report->agent_count++] = str_from(agent_reporting.name);
    return OK;
}

int reporting_add_unknowns(struct run *run)
{
    return add_line(run->report, &run->report->summary,
                    "Parts of the question stay unknown; they are named below with what they "
                    "need.");
}

/* has_extras: with what a model wanted to be in it. */
static int write_analysis(struct run *run, bool has_extras)
{
    struct report *report = run->report;
    bool failed = false;
    int code = describe_inputs(run);

    if (!code) {
        code = adopt_results(run);
    }
    if (!code && has_extras) {
        code = extras_adopt(run);
    }
    if (!code) {
        code = add_failures(run, &failed);
    }
    if (!code) {
        code = add_gaps(run);
    }
    if (!code) {
        code = add_assumptions(run);
    }
    report->type = run->gap_count || failed ? REPORT_PARTIAL : REPORT_FULL;
    if (!code && run->gap_count) {
        code = reporting_add_unknowns(run);
    }
    if (!code && report->next_steps.count == 0) {
        code = add_line(report, &report->next_steps,
                        "Ask about one part in more detail, for example where the money goes or "
                        "what caching could save.");
    }
    return !code && has_extras ? extras_add_question(run) : code;
}

/* Facts without prose: what is left when the gate refuses the text. */
static int fall_back(struct run *run, const struct error *refusal)
{
    struct report *report = run->report;
    struct buf text;

    report->type = REPORT_FALLBACK;
    report->section_count = 0;
    report->action_count = 0;
    report->summary.count = 0;
    report->caveats.count = 0;
    report->needs.count = 0;
    report->next_steps.count = 0;
    buf_init(&text, SENTENCE_BYTES_MAX);
    buf_append(&text,
               STR("The text of this report was refused by the quality gate and is left out; "
                   "the facts stand. It said: "));
    report_append_name(&text, str_from(refusal->message));
    buf_append_char(&text, '.');
    int code = buf_status(&text) ? buf_status(&text)
                                 : report_add_line(report, &report->caveats, buf_str(&text));
    buf_done(&text);
    return code ? code
                : add_line(report, &report->next_steps,
                           "Report this: a text that the gate refuses is a defect of Netra.");
}

static void clear_report(struct report *report)
{
    fact_set_done(&report->facts);
    fact_set_init(&report->facts);
    report->section_count = 0;
    report->action_count = 0;
    report->summary.count = 0;
    report->caveats.count = 0;
    report->needs.count = 0;
    report->next_steps.count = 0;
    report->assumptions.count = 0;
    report->input_count = 0;
    report->map_count = 0;
}

/* A report that does not hold with what a model wanted in it is made again without. */
static int write_body(struct run *run)
{
    int code;

    if (run->route == ROUTE_ANALYSIS) {
        bool has_extras = run->model_plan.rounds > 0;

        code = write_analysis(run, has_extras);
        if (has_extras && (code == ERR_LIMIT || code == ERR_INVALID ||
                           (!code && report_gate(run->report, NULL, NULL)))) {
            clear_report(run->report);
            code = write_analysis(run, /* has_extras */ false);
        }
        return code;
    }
    run->report->type = REPORT_GUIDANCE;
    code = run->options.dataset ? describe_inputs(run) : OK;
    return !code && run->route == ROUTE_TALK ? talk_write(run) : code;
}

static int build(struct run *run, bool *ret_holds)
{
    struct error refusal = {0};

    describe_question(run);
    int code = name_agents(run);
    code = code ? code : write_body(run);
    *ret_holds = !code && report_gate(run->report, /* ret_count */ NULL, &refusal) == OK;
    return !code && !*ret_holds ? fall_back(run, &refusal) : code;
}

/* Asks for what comes next; nothing in *ret_asked when that was all. */
static int ask(struct run *run, bool *ret_asked)
{
    int code = run->agent_state == STATE_START ? model_write_ask(run, ret_asked)
                                               : model_repair_ask(run, ret_asked);

    run->agent_state++;
    return model_or_none(code, ret_asked);
}

static int step(struct run *run, bool *ret_done, struct error *error)
{
    bool holds = true;
    bool is_asked = false;
    int code = run->agent_state == STATE_START ? build(run, &holds) : OK;

    if (!code && holds && run->options.has_model && run->route == ROUTE_ANALYSIS &&
        run->agent_state < STATE_REPAIRED) {
        code = ask(run, &is_asked);
    }
    if (!code && !is_asked) {
        code = model_add_caveat(run);
    }
    *ret_done = !is_asked;
    return code ? error_set(error, code, "cannot write the report: %s", error_code_text(code)) : OK;
}

const struct agent agent_reporting = {.name = "reporting", .step = step};
