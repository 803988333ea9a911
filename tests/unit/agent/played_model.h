/*
 * A run and a chain of models that tests play, for what the runner makes of questions and text: a
 * run of six steps that asks to plan, to write and perhaps to repair, and shows what it hears up to
 * a '!', which is refused; and a chain that answers from a script, a line each turn of the loop.
 *
 *     "word"     text as it comes          "AGAIN"   another attempt begins
 *     "FAIL"     nobody could answer       "HANG"    nothing more comes
 *     the end    the answer is whole
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_PLAYED_MODEL_H
#define NETRA_TESTS_PLAYED_MODEL_H

#include "runner_fixture.h"

#include "base/alloc.h"

#define SCRIPT_LINES_MAX 64

/* ---- the chain ---- */

static struct llm *const played_llm = (struct llm *)(uintptr_t)8; /* never looked into */

static struct {
    const char *plan[SCRIPT_LINES_MAX];
    const char *write[SCRIPT_LINES_MAX];
    const char *repair[SCRIPT_LINES_MAX];
    int refusal; /* of llm_ask */
} script;

struct played_ask {
    struct played_ask *next;
    struct loop_message message;
    llm_id id;
    struct llm_listener listener;
    void *arg;
    const char *const *lines;
    size_t at;
    unsigned attempts;
    unsigned turns; /* since the store had nothing to do */
    bool is_hanging;
    bool is_over; /* told, or cancelled: the message that is on its way frees it */
    char text[4096];
};

static struct played_ask *asks;
static struct store *pace; /* not NULL: a line is said when what came before it is stored */
static llm_id last_ask;
static unsigned asked_count;
static unsigned cancelled_count;
static uint64_t last_tokens_left;

static void forget_ask(struct played_ask *ask)
{
    struct played_ask **at = &asks;

    while (*at != ask) {
        at = &(*at)->next;
    }
    *at = ask->next;
    free(ask);
}

static struct llm_attempt attempt_by(const struct played_ask *ask, enum llm_outcome outcome)
{
    struct llm_attempt attempt = {
        .provider_name = STR("played"),
        .model = STR("player-1"),
        .outcome = outcome,
        .status = outcome == LLM_ANSWERED ? 200 : 503,
        .started_us = 1000000,
        .latency_us = 7,
        .first_token_us = 3,
        .response_id = STR("answer-1"),
    };

    if (outcome == LLM_ANSWERED) {
        attempt.usage = (struct llm_usage){.is_known = true, .input_uncached = 100, .output = 20};
    } else {
        (void)snprintf(attempt.failure, sizeof(attempt.failure), "attempt %u broke off",
                       ask->attempts);
    }
    return attempt;
}

static void finish_ask(struct played_ask *ask, bool is_answered)
{
    struct llm_attempt attempts[LLM_ATTEMPTS_MAX];
    struct llm_answer answer;
    unsigned count = ask->attempts + 1;

    for (unsigned i = 0; i < count; i++) {
        bool is_last = i + 1 == count;

        attempts[i] = attempt_by(ask, is_answered && is_last ? LLM_ANSWERED : LLM_FAILED);
    }
    ask->is_over = true;
    if (!is_answered) {
        ask->listener.on_done(ERR_IO, NULL, attempts, count, ask->arg);
        return;
    }
    llm_answer_init(&answer);
    answer.text = str_from(ask->text); /* nothing in the arena: this must not fail */
    answer.model = STR("player-1");
    ask->listener.on_done(OK, &answer, attempts, count, ask->arg);
}

static void play_line(struct played_ask *ask)
{
    const char *line = ask->lines[ask->at++];

    if (!line) {
        finish_ask(ask, /* is_answered */ true);
    } else if (strcmp(line, "FAIL") == 0) {
        finish_ask(ask, /* is_answered */ false);
    } else if (strcmp(line, "HANG") == 0) {
        ask->is_hanging = true;
    } else if (strcmp(line, "AGAIN") == 0) {
        ask->attempts++;
        ask->text[0] = '\0';
        if (ask->listener.on_again) {
            ask->listener.on_again(ask->arg);
        }
    } else {
        size_t length = strlen(ask->text);

        (void)snprintf(ask->text + length, sizeof(ask->text) - length, "%s", line);
        if (ask->listener.on_text) {
            ask->listener.on_text(str_from(line), ask->arg);
        }
    }
}

static void play(void *arg)
{
    struct played_ask *ask = arg;

    ask->turns = pace && store_counts(pace).waiting ? 0 : ask->turns + 1;
    if (!ask->is_over && (!pace || ask->turns > 4)) {
        ask->turns = 0;
        play_line(ask);
    }
    if (ask->is_over) {
        forget_ask(ask);
    } else if (!ask->is_hanging) {
        loop_post(cache_loop, &ask->message);
    }
}

int llm_ask(struct llm *llm, const struct llm_request *request, uint64_t tokens_left,
            const struct llm_listener *listener, void *arg, llm_id *ret_id, struct error *error)
{
    struct str purpose = request->system;

    assert_ptr_equal(llm, played_llm);
    last_tokens_left = tokens_left;
    if (script.refusal) {
        return error_set(error, script.refusal, "too many questions are under way");
    }
    struct played_ask *ask = calloc(1, sizeof(*ask));
    assert_non_null(ask);
    ask->message = (struct loop_message){.fn = play, .arg = ask};
    ask->id = ++last_ask;
    ask->listener = *listener;
    ask->arg = arg;
    ask->lines = str_equal(purpose, STR("plan"))    ? script.plan
                 : str_equal(purpose, STR("write")) ? script.write
                                                    : script.repair;
    if (request->message_count && str_equal(request->messages[0].text, STR("hang"))) {
        static const char *const hang[] = {"HANG", NULL};

        ask->lines = hang;
    }
    ask->next = asks;
    asks = ask;
    asked_count++;
    *ret_id = ask->id;
    loop_post(cache_loop, &ask->message);
    return OK;
}

void llm_cancel(struct llm *llm, llm_id id)
{
    assert_ptr_equal(llm, played_llm);
    for (struct played_ask *ask = asks; ask; ask = ask->next) {
        if (ask->id == id) {
            assert_false(ask->is_over);
            ask->is_over = true;
            cancelled_count++;
            if (ask->is_hanging) {
                forget_ask(ask);
            }
            return;
        }
    }
    fail_msg("%s", "a question is cancelled that is not on its way");
}

uint64_t llm_estimate(const struct llm_request *request)
{
    (void)request;
    return 1000;
}

size_t llm_provider_count(const struct llm *llm)
{
    (void)llm;
    return 1;
}

void llm_provider_state(const struct llm *llm, size_t index, struct llm_state *ret_state)
{
    (void)llm;
    assert_int_equal(index, 0);
    *ret_state =
        (struct llm_state){.name = STR("played"), .model = STR("player-1"), .wire = "played"};
}

static void write_played_body(const struct llm_request *request, struct str model, struct buf *out)
{
    buf_append(out, model);
    buf_append(out, STR(" is asked to "));
    buf_append(out, request->system);
}

static const struct llm_wire played_wire = {.name = "played", .write_body = write_played_body};

const struct llm_wire *llm_wire_find(struct str name)
{
    assert_str(name, "played");
    return &played_wire;
}

bool llm_attempt_cost(const struct llm_attempt *attempt, const struct price_book *book,
                      int64_t *ret_pico_usd)
{
    assert_non_null(book);
    *ret_pico_usd = 5000000;
    return attempt->outcome == LLM_ANSWERED;
}

/* ---- the run ---- */

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
