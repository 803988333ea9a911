/*
 * The run's own machine: the six steps, and the dispatch to the agent at work.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run.h"

#include <stdio.h>

#include "agent/run_state.h"
#include "base/alloc.h"

#define RUN_ARENA_BYTES_MAX ((size_t)16 << 20)
#define RUN_STEPS           6

static const char *const step_names[RUN_STEPS] = {
    "user_input_received", "message_validated",  "agent_selected",
    "agent_executed",      "response_generated", "response_delivered",
};

int run_new(const struct run_options *options, struct run **ret_run, struct error *error)
{
    cleanup(run_free_pointer) struct run *run = alloc_zeroed(1, sizeof(*run));

    if (!run) {
        return error_set(error, ERR_NO_MEMORY, "cannot start a run: out of memory");
    }
    arena_init(&run->arena, RUN_ARENA_BYTES_MAX);
    run->options = *options;
    analyses_init(&run->analyses, options->dataset);
    run->options.prompt = arena_copy(&run->arena, options->prompt);
    run->options.id = arena_copy(&run->arena, options->id);
    int code =
        run->options.prompt.data && run->options.id.data ? report_new(&run->report) : ERR_NO_MEMORY;
    if (!code) {
        run->report->steps =
            arena_alloc(&run->report->arena, RUN_STEPS, sizeof(*run->report->steps));
        code = run->report->steps ? OK : ERR_NO_MEMORY;
    }
    if (code) {
        return error_set(error, code, "cannot start a run: %s", error_code_text(code));
    }
    *ret_run = TAKE(run);
    return OK;
}

void run_free(struct run *run)
{
    if (!run) {
        return;
    }
    for (size_t i = 0; i < run->call_count; i++) {
        report_free(run->calls[i].body);
    }
    report_free(run->report);
    analyses_done(&run->analyses);
    arena_done(&run->arena);
    alloc_free(run);
}

void run_free_pointer(struct run **run)
{
    run_free(*run);
}

/* ---- what observers hear ---- */

static void tell(struct run *run, struct run_event event)
{
    event.time_us = run->options.clock();
    if (run->options.observer) {
        run->options.observer(&event, run->options.observer_arg);
    }
}

static void end_step(struct run *run)
{
    struct report *report = run->report;

    if (report->step_count) {
        struct report_step *step = &report->steps[report->step_count - 1];

        step->finished_us = run->options.clock();
        /* the time of day can be set back */
        uint64_t duration_us = step->finished_us > step->started_us
                                   ? (uint64_t)(step->finished_us - step->started_us)
                                   : 0;
        tell(run, (struct run_event){.kind = RUN_STEP_FINISHED,
                                     .name = step_names[report->step_count - 1],
                                     .duration_us = duration_us});
    }
}

/* Closes the step that is open and opens the next one. */
static void begin_step(struct run *run, enum run_phase step)
{
    struct report *report = run->report;

    end_step(run);
    int64_t now_us = run->options.clock();
    report->steps[report->step_count++] = (struct report_step){
        .name = str_from(step_names[step]), .started_us = now_us, .finished_us = now_us};
    tell(run, (struct run_event){.kind = RUN_STEP_STARTED, .name = step_names[step]});
}

static void begin_agent(struct run *run, const struct agent *agent)
{
    run->agent_at_work = agent->name;
    tell(run, (struct run_event){
                  .kind = RUN_AGENT_STARTED, .name = agent->name, .index = run->agents_started++});
}

static void end_agent(struct run *run)
{
    tell(run, (struct run_event){.kind = RUN_AGENT_FINISHED,
                                 .name = run->agent_at_work,
                                 .index = run->agents_started - 1});
    run->agent_at_work = NULL;
}

void run_abandon(struct run *run, const char *why)
{
    if (run->agent_at_work) {
        tell(run, (struct run_event){.kind = RUN_AGENT_FAILED,
                                     .name = run->agent_at_work,
                                     .index = run->agents_started - 1,
                                     .failure = why});
        run->agent_at_work = NULL;
    }
    end_step(run);
}

/* ---- planned calls ---- */

int run_plan_call(struct run *run, const char *tool_name, struct str args)
{
    const struct tool *tool = tool_find(str_from(tool_name));

    for (size_t i = 0; i < run->call_count; i++) {
        if (run->calls[i].tool == tool && str_equal(run->calls[i].args, args)) {
            return OK;
        }
    }
    if (run->call_count == RUN_CALLS_MAX) {
        run_add_gap(run, "more_calls", "the rest of the question",
                    "a shorter question: this one asks for too many analyses at once");
        return OK;
    }
    struct str copy = arena_copy(&run->arena, args);
    if (!copy.data) {
        return ERR_NO_MEMORY;
    }
    run->calls[run->call_count++] = (struct run_call){.tool = tool, .args = copy};
    return OK;
}

int run_next_call(struct run *run, bool *ret_ran, struct error *error)
{
    struct tool_context context = {
        .dataset = run->options.dataset,
        .book = run->options.book,
        .analyses = &run->analyses,
        .is_cancelled = run->options.is_cancelled,
        .seed = run->options.seed,
    };
    struct error failure = {0};

    *ret_ran = run->calls_done < run->call_count;
    if (!*ret_ran) {
        return OK;
    }
    struct run_call *call = &run->calls[run->calls_done];
    struct run_event event = {.kind = RUN_TOOL_STARTED,
                              .name = call->tool->name,
                              .index = (unsigned)run->calls_done++,
                              .agent = run->agent_at_work,
                              .agent_index = run->agents_started - 1,
                              .args = call->args};
    tell(run, event);
    int code = tool_call(call->tool, &context, call->args, &call->body, &failure);
    event.kind = RUN_TOOL_FINISHED;
    event.body = call->body;
    event.failure = code ? failure.message : NULL;
    tell(run, event);
    if (code == ERR_NO_MEMORY || code == ERR_CANCELLED) {
        return error_set(error, code, "%s", failure.message);
    }
    if (code) {
        (void)snprintf(call->failure, sizeof(call->failure), "%s", failure.message);
    }
    return OK;
}

const struct report *run_result(const struct run *run, const char *tool)
{
    for (size_t i = 0; i < run->calls_done; i++) {
        if (strcmp(run->calls[i].tool->name, tool) == 0) {
            return run->calls[i].body;
        }
    }
    return NULL;
}

void run_add_gap(struct run *run, const char *id, const char *label, const char *needs)
{
    for (size_t i = 0; i < run->gap_count; i++) {
        if (strcmp(run->gaps[i].id, id) == 0) {
            return;
        }
    }
    if (run->gap_count < RUN_GAPS_MAX) {
        run->gaps[run->gap_count++] = (struct gap){id, label, needs};
    }
}

/* ---- the steps ---- */

/* Names that the prompt may mean: models of the book, then those of the records. */
static struct str *model_names(struct run *run, size_t *ret_count)
{
    const struct dataset *dataset = run->options.dataset;
    const struct dict *used = dataset ? &dataset->table.name_dicts[USAGE_MODEL] : NULL;
    size_t listed = price_book_count(run->options.book);
    size_t count = listed + (used ? used->count : 0);
    struct str *names = arena_alloc(&run->arena, count + 1, sizeof(*names));

    for (size_t i = 0; names && i < count; i++) {
        names[i] = i < listed ? price_book_row(run->options.book, i)->model
                              : dict_text(used, (uint32_t)(i - listed));
    }
    *ret_count = count;
    return names;
}

static int validate(struct run *run, struct error *error)
{
    const struct dataset *dataset = run->options.dataset;
    const struct dict *features = dataset ? &dataset->table.name_dicts[USAGE_FEATURE] : NULL;
    struct ask_vocabulary vocabulary = {
        .features = features ? features->by_id : NULL,
        .feature_count = features ? features->count : 0,
    };

    vocabulary.models = model_names(run, &vocabulary.model_count);
    if (!vocabulary.models) {
        return error_set(error, ERR_NO_MEMORY, "cannot read the question: out of memory");
    }
    return ask_parse(&vocabulary, run->options.prompt, &run->arena, &run->interpretation, error);
}

/* Both forms of what was understood, once: for observers and for the report. */
static int write_interpretation(struct run *run, struct error *error)
{
    cleanup(buf_done) struct buf text;

    buf_init(&text, ASK_ARENA_BYTES_MAX);
    struct json_writer w = json_writer_on(&text);
    interpretation_write_json(run->interpretation, &w);
    run->interpretation_json = arena_copy(&run->arena, buf_str(&text));
    int code = buf_status(&text);
    buf_clear(&text);
    interpretation_print(run->interpretation, &text);
    run->interpretation_text = arena_copy(&run->arena, buf_str(&text));
    code = code ? code : buf_status(&text);
    if (!code && (!run->interpretation_json.data || !run->interpretation_text.data)) {
        code = ERR_NO_MEMORY;
    }
    return code
               ? error_set(error, code, "cannot say what was understood: %s", error_code_text(code))
               : OK;
}

static int agents_step(struct run *run, struct error *error)
{
    const struct agent *agent = run->agents[run->agent_index];
    bool done = false;

    if (!agent) {
        run->phase = PHASE_GENERATE;
        begin_step(run, PHASE_GENERATE);
        return OK;
    }
    if (!run->agent_at_work) {
        begin_agent(run, agent);
    }
    int code = agent->step(run, &done, error);
    if (!code && done) {
        end_agent(run);
        run->agent_index++;
        run->agent_state = 0;
    }
    return code;
}

/* An agent that does its work in one step. */
static int agent_at_once(struct run *run, const struct agent *agent, struct error *error)
{
    bool done = false;

    begin_agent(run, agent);
    int code = agent->step(run, &done, error);
    if (!code) {
        end_agent(run);
    }
    return code;
}

/* One phase's work; the phase advances when it is done. */
static int step_phase(struct run *run, struct error *error)
{
    int code = OK;

    switch (run->phase) {
    case PHASE_RECEIVED:
        begin_step(run, PHASE_RECEIVED);
        run->phase = PHASE_VALIDATE;
        begin_step(run, PHASE_VALIDATE);
        return OK;
    case PHASE_VALIDATE:
        code = validate(run, error);
        if (!code) {
            code = write_interpretation(run, error);
        }
        if (!code) {
            run->phase = PHASE_SELECT;
            begin_step(run, PHASE_SELECT);
            tell(run, (struct run_event){.kind = RUN_INTERPRETED,
                                         .name = "interpretation",
                                         .interpretation_json = run->interpretation_json,
                                         .interpretation_text = run->interpretation_text});
        }
        return code;
    case PHASE_SELECT:
        code = agent_at_once(run, &agent_triage, error);
        if (!code) {
            run->phase = PHASE_AGENTS;
            begin_step(run, PHASE_AGENTS);
        }
        return code;
    case PHASE_AGENTS:
        return agents_step(run, error);
    case PHASE_GENERATE:
        code = agent_at_once(run, &agent_reporting, error);
        if (!code) {
            run->phase = PHASE_DELIVER;
            begin_step(run, PHASE_DELIVER);
        }
        return code;
    case PHASE_DELIVER:
        run->phase = PHASE_DONE;
        return OK;
    case PHASE_DONE:
        return OK;
    }
    return OK;
}

int run_step(struct run *run, bool *ret_done, struct error *error)
{
    if (run->options.is_cancelled && atomic_load(run->options.is_cancelled)) {
        return error_set(error, ERR_CANCELLED, "the run was cancelled");
    }
    int code = step_phase(run, error);
    *ret_done = run->phase == PHASE_DONE;
    return code;
}

const struct report *run_report(const struct run *run)
{
    return run->phase == PHASE_DONE ? run->report : NULL;
}

bool run_lacks_records(const struct run *run)
{
    return run->route == ROUTE_NO_DATA;
}

void run_delivered(struct run *run)
{
    end_step(run);
}
