/*
 * The run's own machine: the six steps, and the dispatch to the agent at work.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run.h"

#include "agent/run_state.h"
#include "base/alloc.h"
#include "base/check.h"

#define RUN_ARENA_BYTES_MAX ((size_t)32 << 20)
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
    model_free(run);
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

void run_tell(struct run *run, struct run_event event)
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
        run_tell(run, (struct run_event){.kind = RUN_STEP_FINISHED,
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
    run_tell(run, (struct run_event){.kind = RUN_STEP_STARTED, .name = step_names[step]});
}

static void begin_agent(struct run *run, const struct agent *agent)
{
    run->agent_at_work = agent->name;
    run_tell(run, (struct run_event){.kind = RUN_AGENT_STARTED,
                                     .name = agent->name,
                                     .index = run->agents_started++});
}

static void end_agent(struct run *run)
{
    run_tell(run, (struct run_event){.kind = RUN_AGENT_FINISHED,
                                     .name = run->agent_at_work,
                                     .index = run->agents_started - 1});
    run->agent_at_work = NULL;
}

void run_abandon(struct run *run, const char *why)
{
    if (run->agent_at_work) {
        run_tell(run, (struct run_event){.kind = RUN_AGENT_FAILED,
                                         .name = run->agent_at_work,
                                         .index = run->agents_started - 1,
                                         .failure = why});
        run->agent_at_work = NULL;
    }
    end_step(run);
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

    run->vocabulary.features = features ? features->by_id : NULL;
    run->vocabulary.feature_count = features ? features->count : 0;
    run->vocabulary.models = model_names(run, &run->vocabulary.model_count);
    if (!run->vocabulary.models) {
        return error_set(error, ERR_NO_MEMORY, "cannot read the question: out of memory");
    }
    return ask_parse(&run->vocabulary, run->options.prompt, &run->arena, &run->interpretation,
                     error);
}

/* Both forms of what was understood, once: for observers and for the report. */
int run_write_interpretation(struct run *run, struct error *error)
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

/* One step of an agent; *ret_done when that was its last. */
static int agent_step(struct run *run, const struct agent *agent, bool *ret_done,
                      struct error *error)
{
    *ret_done = false;
    if (!run->agent_at_work) {
        begin_agent(run, agent);
    }
    int code = agent->step(run, ret_done, error);
    if (!code && *ret_done) {
        end_agent(run);
        run->agent_state = 0;
    }
    return code;
}

static int agents_step(struct run *run, struct error *error)
{
    const struct agent *agent = run->agents[run->agent_index];
    bool done;

    if (!agent) {
        run->phase = PHASE_GENERATE;
        begin_step(run, PHASE_GENERATE);
        return OK;
    }
    int code = agent_step(run, agent, &done, error);
    if (!code && done) {
        run->agent_index++;
    }
    return code;
}

/* A phase that one agent makes; the next one begins when it is done. */
static int agent_phase(struct run *run, const struct agent *agent, enum run_phase next,
                       struct error *error)
{
    bool done;
    int code = agent_step(run, agent, &done, error);

    if (!code && done) {
        run->phase = next;
        begin_step(run, next);
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
            code = run_write_interpretation(run, error);
        }
        if (!code) {
            run->phase = PHASE_SELECT;
            begin_step(run, PHASE_SELECT);
            run_tell(run, (struct run_event){.kind = RUN_INTERPRETED,
                                             .name = "interpretation",
                                             .interpretation_json = run->interpretation_json,
                                             .interpretation_text = run->interpretation_text});
        }
        return code;
    case PHASE_SELECT:
        return agent_phase(run, &agent_triage, PHASE_AGENTS, error);
    case PHASE_AGENTS:
        return agents_step(run, error);
    case PHASE_GENERATE:
        return agent_phase(run, &agent_reporting, PHASE_DELIVER, error);
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
    check(!run->dialogue.is_open); /* it waits for run_answer */
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
