/*
 * A run that tests play, for what the runner makes of questions and text: of six steps, it asks to
 * plan, to write and perhaps to repair, and shows what it hears up to a '!', which is refused. A
 * '#' is no text: something else happens then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_PLAYED_RUN_H
#define NETRA_TESTS_PLAYED_RUN_H

#include "played_chain.h"

struct run {
    struct run_options options;
    unsigned at;
    const char *open_step;
    struct run_question question;
    struct llm_request request;
    struct llm_message message;
    char prompt[64];
    bool is_asking;
    bool is_shown;
    bool is_refused;
    bool wants_repair;
    size_t heard;
    char text[4096]; /* that became part of the report */
    struct report *report;
};

static void tell(struct run *run, struct run_event event)
{
    event.time_us = run->options.clock();
    run->options.observer(&event, run->options.observer_arg);
}

static void begin_step(struct run *run, const char *name)
{
    if (run->open_step) {
        tell(run, (struct run_event){.kind = RUN_STEP_FINISHED, .name = run->open_step});
    }
    run->open_step = name;
    if (name) {
        tell(run, (struct run_event){.kind = RUN_STEP_STARTED, .name = name});
    }
}

int run_new(const struct run_options *options, struct run **ret_run, struct error *error)
{
    struct run *run = alloc_zeroed(1, sizeof(*run));

    if (!run || report_new(&run->report)) {
        alloc_free(run);
        return error_set(error, ERR_NO_MEMORY, "no memory");
    }
    run->options = *options;
    (void)snprintf(run->prompt, sizeof(run->prompt), "%.*s", STR_ARGS(options->prompt));
    *ret_run = run;
    return OK;
}

void run_free(struct run *run)
{
    if (run) {
        report_free(run->report);
        alloc_free(run);
    }
}

static void ask(struct run *run, const char *purpose, bool is_streamed)
{
    unsigned index = run->at == 0 ? 0 : run->question.index + 1;

    run->message = (struct llm_message){.role = LLM_USER, .text = str_from(run->prompt)};
    run->request = (struct llm_request){
        .system = str_from(purpose), .messages = &run->message, .message_count = 1};
    run->question = (struct run_question){.index = index,
                                          .purpose = purpose,
                                          .prompt = STR("prompt@1"),
                                          .request = &run->request,
                                          .is_streamed = is_streamed};
    run->is_asking = true;
    run->heard = 0;
    run->is_refused = false;
    tell(run, (struct run_event){.kind = RUN_MODEL_ASKED, .name = purpose, .index = index});
}

int run_step(struct run *run, bool *ret_done, struct error *error)
{
    *ret_done = false;
    assert_false(run->is_asking);
    if (atomic_load(run->options.is_cancelled)) {
        return error_set(error, ERR_CANCELLED, "cancelled");
    }
    if (run->at == 0) {
        begin_step(run, "agent_executed");
        if (run->options.has_model) {
            ask(run, "plan", /* is_streamed */ false);
        }
    } else if (run->at == 1) {
        begin_step(run, "response_generated");
        if (run->options.has_model) {
            ask(run, "write", /* is_streamed */ true);
        }
    } else if (run->wants_repair) {
        run->wants_repair = false;
        ask(run, "repair", /* is_streamed */ true);
    } else {
        struct str text = run->text[0] ? str_from(run->text) : STR("what was computed");

        begin_step(run, "response_delivered");
        *ret_done = true;
        return report_add_line(run->report, &run->report->summary, text) ||
                       !(run->report->id = arena_copy(&run->report->arena, run->options.id)).data
                   ? error_set(error, ERR_NO_MEMORY, "no memory")
                   : OK;
    }
    run->at++;
    return OK;
}

const struct run_question *run_question(const struct run *run)
{
    return run->is_asking ? &run->question : NULL;
}

static void withdraw(struct run *run, const char *why)
{
    if (run->is_shown) {
        run->is_shown = false;
        tell(run, (struct run_event){.kind = RUN_TEXT_WITHDRAWN, .failure = why});
    }
}

void run_hear(struct run *run, struct str delta)
{
    struct str shown = {delta.data, 0};

    assert_true(run->is_asking && run->question.is_streamed);
    run->heard += delta.length;
    if (str_equal(delta, STR("#"))) {
        tell(run, (struct run_event){.kind = RUN_STEP_STARTED, .name = "beside"});
        tell(run, (struct run_event){.kind = RUN_STEP_FINISHED, .name = "beside"});
        return;
    }
    while (shown.length < delta.length && delta.data[shown.length] != '!') {
        shown.length++;
    }
    if (run->is_refused) {
        return;
    }
    if (shown.length && !run->is_shown) {
        run->is_shown = true;
        tell(run, (struct run_event){.kind = RUN_TEXT_STARTED});
    }
    if (shown.length) {
        tell(run, (struct run_event){.kind = RUN_TEXT, .text = shown});
    }
    if (shown.length < delta.length) {
        run->is_refused = true;
        withdraw(run, "it cries");
    }
}

void run_unhear(struct run *run)
{
    withdraw(run, "another attempt begins");
    run->heard = 0;
    run->is_refused = false;
}

int run_answer(struct run *run, const struct llm_answer *answer, const struct run_model *model,
               const char *why, struct error *error)
{
    const char *failure = answer ? NULL : why;

    (void)error;
    assert_true(run->is_asking);
    assert_true(answer || why[0]);
    if (run->question.is_streamed && answer) {
        run_hear(run, str_slice(answer->text, run->heard, answer->text.length));
    }
    if (!answer) {
        withdraw(run, why);
    } else if (run->is_refused) {
        failure = "it cries";
        run->wants_repair = strcmp(run->question.purpose, "write") == 0;
    } else if (run->is_shown) {
        run->is_shown = false;
        (void)snprintf(run->text, sizeof(run->text), "%.*s", STR_ARGS(answer->text));
        tell(run, (struct run_event){.kind = RUN_TEXT_FINISHED});
    }
    tell(run, (struct run_event){.kind = RUN_MODEL_ANSWERED,
                                 .name = run->question.purpose,
                                 .index = run->question.index,
                                 .failure = failure,
                                 .model = model});
    run->is_asking = false;
    return OK;
}

const struct report *run_report(const struct run *run)
{
    return run->report;
}

void run_delivered(struct run *run)
{
    begin_step(run, NULL);
}

void run_abandon(struct run *run, const char *why)
{
    (void)why;
    begin_step(run, NULL);
}

#endif
