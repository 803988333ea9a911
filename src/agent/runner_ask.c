/*
 * Questions of a run to models. While one is on its way the run has no place and no worker, only
 * its records: LLM_ASKS_MAX runs may hang on a provider while others work.
 *
 *     run_question → in the log? → its answer                                    ┐
 *                  → model_ask → on_text, on_again … → on_done → rows of calls   ├→ run_answer
 *                  → nobody can be asked → a row that says so                    ┘
 *
 * Whatever came of a question is a row before anything that follows from it, in the same batch. So
 * a run that is done again finds each answer that any event of its log depends on, and one that was
 * not stored is asked for again. What the run is told about an answer (who, at what cost, why not)
 * is made from those rows, the first time too: it is the same each time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "agent/run_model.h"
#include "agent/runner_calls.h"
#include "base/civil_time.h"
#include "monitor/metrics.h"

/* ---- the answer ---- */

static void count_question(const struct run_question *question, const struct outcome *outcome)
{
    char label[64];

    (void)snprintf(label, sizeof(label), "%s %s", question->purpose, outcome->result);
    metric_add(METRIC_RUN_QUESTIONS, metric_label(METRIC_RUN_QUESTIONS, str_from(label)), 1);
}

/* Costs are those of the rows: what a price is may have changed since. */
static void sum_up(const struct live_run *live, const struct outcome *outcome,
                   struct run_model *ret_model)
{
    run_model_sum(outcome->attempts, outcome->count, live->runner->options.book, ret_model);
    ret_model->has_cost = true;
    ret_model->cost_pico_usd = 0;
    for (size_t i = 0; i < outcome->count; i++) {
        ret_model->has_cost &= outcome->costs[i] != CALL_UNKNOWN;
        ret_model->cost_pico_usd += outcome->costs[i] == CALL_UNKNOWN ? 0 : outcome->costs[i];
    }
    if (!ret_model->has_cost) {
        ret_model->cost_pico_usd = 0;
    }
}

/* The run is told. It must not be stepped on when this has failed it. */
static bool give(struct live_run *live, const struct run_question *question,
                 const struct outcome *outcome)
{
    struct run_model model;
    char why[RUN_WHY_BYTES] = "";

    outcome_add_used(live, question->request, outcome);
    count_question(question, outcome);
    sum_up(live, outcome, &model);
    if (!outcome->answer && outcome->count) {
        run_model_why(outcome->attempts, outcome->count, why);
    } else if (!outcome->answer) {
        (void)snprintf(why, sizeof(why), "%s", outcome->why);
    }
    int code =
        run_answer(live->run, outcome->answer, outcome->count ? &model : NULL, why, &live->error);
    live_take_notes(live);
    if (live->phase != LIVE_GONE && code) {
        live_fail(live, error_code_name(code), live->error.message);
    } else if (live->phase != LIVE_GONE && live->differs) {
        live_fail(live, "REPLAY_DIFFERS", live->differs);
    }
    return live->phase == LIVE_ASKING;
}

/* True when the log has the question's answer, or that nobody had one; then the run was told. */
static bool answer_from_log(struct live_run *live, const struct run_question *question)
{
    cleanup(record_done) struct record record;

    record_init(&record, question->index);
    int code = record_read(&record, live);
    if (code == ERR_INVALID) {
        live_fail(live, "REPLAY_DIFFERS", "the answer of a model in the log cannot be read");
    } else if (code) {
        live_lose(live, code);
    } else if (record.is_whole && give(live, question, &record.outcome)) {
        live_step(live);
    }
    return code || record.is_whole;
}

/* ---- from a model ---- */

void live_stop_asking(struct live_run *live)
{
    if (live->asking.id) {
        llm_cancel(live->runner->options.llm, live->asking.id);
        live->asking.id = 0;
    }
    live->runner->counts.asking -= live->asking.is_counted;
    live->asking.is_counted = false;
}

static void on_text(struct str delta, void *arg)
{
    struct live_run *live = arg;

    if (live->phase == LIVE_ASKING) {
        run_hear(live->run, delta);
        live_take_notes(live);
        live_flush(live, 0);
    }
    if (live->phase == LIVE_GONE) {
        live_poke(live); /* the chain is at work on this question */
    }
}

static void on_again(void *arg)
{
    struct live_run *live = arg;

    if (live->phase == LIVE_ASKING) {
        run_unhear(live->run);
        live_take_notes(live);
        live_flush(live, 0);
    }
    if (live->phase == LIVE_GONE) {
        live_poke(live);
    }
}

static const struct price_book *book_of(const struct live_run *live)
{
    const struct dataset *dataset = live->lease ? dataset_lease_dataset(live->lease) : NULL;

    return dataset ? dataset->book : live->runner->options.book;
}

static void take_answer(struct live_run *live, struct outcome *outcome)
{
    const struct run_question *question = run_question(live->run);

    for (size_t i = 0; i < outcome->count; i++) {
        if (!llm_attempt_cost(&outcome->attempts[i], book_of(live), &outcome->costs[i])) {
            outcome->costs[i] = CALL_UNKNOWN;
        }
    }
    outcome_store(live, question, outcome);
    if (live->phase != LIVE_ASKING || !give(live, question, outcome)) {
        return;
    }
    if (live->is_cancel_wanted) {
        live_cancel(live);
    } else {
        live_await_place(live);
    }
}

static void on_done(int code, struct llm_answer *answer, const struct llm_attempt *attempts,
                    size_t attempt_count, void *arg)
{
    struct live_run *live = arg;
    struct runner *runner = live->runner;
    struct outcome outcome = {.answer = code ? NULL : answer,
                              .result = code ? "unanswered" : "answered",
                              .why = "no model was tried"};

    live->asking.id = 0;
    live_stop_asking(live);
    if (live->phase == LIVE_ASKING) {
        outcome.count = attempt_count < LLM_ATTEMPTS_MAX ? attempt_count : LLM_ATTEMPTS_MAX;
        for (size_t i = 0; i < outcome.count; i++) {
            outcome.attempts[i] = attempts[i];
        }
        take_answer(live, &outcome);
    }
    if (!code) {
        llm_answer_done(answer);
    }
    live_flush(live, 0);
    live_settle(live);
    runner_schedule(runner);
}

static uint64_t left_of(uint64_t max, uint64_t used)
{
    return used < max ? max - used : 0;
}

/* What the question may use: of the run's tokens and of its workspace's. The latter as they are
 * now: questions that are under way at the same time may go beyond them together. */
static int tokens_left(const struct live_run *live, uint64_t *ret_left, struct error *error)
{
    const struct runner_options *options = &live->runner->options;
    uint64_t day_max = options->model_tokens_day_max;
    struct store_usage usage;

    *ret_left = left_of(options->model_tokens_max, live->asking.tokens_used);
    if (day_max == 0) {
        return OK;
    }
    int code =
        store_get_usage(options->store, live->row.workspace_id, clock_now_us() - DAY_US, &usage);
    if (code) {
        return error_set(error, code, "what models have used today cannot be read");
    }
    uint64_t of_day = left_of(day_max, usage.model_tokens);
    if (of_day == 0) {
        return error_set(error, ERR_LIMIT,
                         "the workspace has used its %" PRIu64 " tokens of models for 24 hours",
                         day_max);
    }
    *ret_left = *ret_left < of_day ? *ret_left : of_day;
    return OK;
}

static int ask_model(struct live_run *live, const struct run_question *question,
                     struct error *error)
{
    static const struct llm_listener silent = {.on_done = on_done};
    static const struct llm_listener streamed = {
        .on_text = on_text, .on_again = on_again, .on_done = on_done};
    struct runner *runner = live->runner;

    if (!runner->options.llm) {
        return error_set(error, ERR_NOT_FOUND, "no model is configured");
    }
    struct llm_request request = *question->request;
    request.trace = live->trace.agent.context;
    uint64_t left;
    int code = tokens_left(live, &left, error);
    code =
        code ? code
             : llm_ask(runner->options.llm, &request, left,
                       question->is_streamed ? &streamed : &silent, live, &live->asking.id, error);
    if (!code) {
        live->asking.is_counted = true;
        runner->counts.asking++;
        live_leave_place(live);
    }
    return code;
}

static void ask_anew(struct live_run *live, const struct run_question *question)
{
    struct error error = {0};
    struct outcome outcome = {.why = error.message, .result = "unanswered"};

    live_text_asked_again(live);
    if (!ask_model(live, question, &error) || live->phase != LIVE_ASKING) {
        if (live->phase == LIVE_ASKING && question->is_streamed) {
            live_text_announce(live);
        }
        return;
    }
    outcome_store(live, question, &outcome);
    if (live->phase == LIVE_ASKING && give(live, question, &outcome)) {
        live_step(live);
    }
}

void live_ask(struct live_run *live)
{
    const struct run_question *question = run_question(live->run);

    live->phase = LIVE_ASKING;
    live_text_asked(live);
    if (live->is_recovered && answer_from_log(live, question)) {
        return;
    }
    if (live_is_replaying(live)) {
        live_fail(live, "REPLAY_DIFFERS", "the answer of a model is not in the log any more");
        return;
    }
    ask_anew(live, question);
}
