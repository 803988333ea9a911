/*
 * Questions of a run to models. While one is on its way the run has no place and no worker, only
 * its records: any number of runs may hang on a provider while others work.
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
#include "agent/run_model.h"
#include "agent/runner_state.h"
#include "monitor/metrics.h"

#define UNKNOWN       (-1)
#define NOT_ASKED     "not_asked" /* outcome of a question that no provider was tried for */
#define ANSWERS_ARENA ((size_t)16 << 20)

_Static_assert(RUN_QUESTIONS_MAX *LLM_ATTEMPTS_MAX <= STORE_PAGE_MAX,
               "the calls of a run are one page");

/* What came of one question. Texts are borrowed. */
struct outcome {
    struct llm_attempt attempts[LLM_ATTEMPTS_MAX];
    int64_t costs[LLM_ATTEMPTS_MAX]; /* UNKNOWN, or pico-dollars */
    size_t count;
    const struct llm_answer *answer; /* NULL: nobody could */
    const char *why;                 /* without attempts: why nobody was asked */
    const char *result;              /* for the metric */
};

/* ---- what a run has used ---- */

static bool reached_a_provider(const struct llm_attempt *attempt)
{
    return attempt->outcome != LLM_BREAKER_OPEN && attempt->outcome != LLM_OVER_BUDGET;
}

static uint64_t tokens_of(const struct llm_usage *usage)
{
    return usage->input_uncached + usage->cache_read + usage->cache_write_5m +
           usage->cache_write_1h + usage->output;
}

static struct live_usage *find_usage(struct live_run *live, const struct llm_attempt *attempt)
{
    struct live_asking *asking = &live->asking;

    for (size_t i = 0; i < asking->usage_count; i++) {
        if (str_equal(asking->usages[i].provider, attempt->provider_name) &&
            str_equal(asking->usages[i].model, attempt->model)) {
            return &asking->usages[i];
        }
    }
    struct live_usage usage = {.provider = arena_copy(&live->arena, attempt->provider_name),
                               .model = arena_copy(&live->arena, attempt->model)};
    if (asking->usage_count == LIVE_USAGES_MAX || !usage.provider.data || !usage.model.data) {
        return NULL;
    }
    asking->usages[asking->usage_count] = usage;
    return &asking->usages[asking->usage_count++];
}

static void add_usage(struct live_run *live, const struct llm_attempt *attempt)
{
    struct live_usage *sum = reached_a_provider(attempt) ? find_usage(live, attempt) : NULL;

    if (sum && attempt->usage.is_known) {
        sum->usage.is_known = true;
        sum->usage.input_uncached += attempt->usage.input_uncached;
        sum->usage.cache_read += attempt->usage.cache_read;
        sum->usage.cache_write_5m += attempt->usage.cache_write_5m;
        sum->usage.cache_write_1h += attempt->usage.cache_write_1h;
        sum->usage.output += attempt->usage.output;
        sum->usage.reasoning += attempt->usage.reasoning;
    }
}

static uint64_t tokens_left(const struct live_run *live)
{
    uint64_t max = live->runner->options.model_tokens_max;

    return live->asking.tokens_used < max ? max - live->asking.tokens_used : 0;
}

/* Tokens that a provider did not tell count as many as they may have been. */
static void add_used(struct live_run *live, const struct llm_request *request,
                     const struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->count; i++) {
        const struct llm_attempt *attempt = &outcome->attempts[i];

        add_usage(live, attempt);
        if (attempt->usage.is_known) {
            live->asking.tokens_used += tokens_of(&attempt->usage);
        } else if (reached_a_provider(attempt)) {
            live->asking.tokens_used += llm_estimate(request);
        }
    }
}

/* ---- rows ---- */

static int64_t count_or_unknown(const struct llm_usage *usage, uint64_t count)
{
    return usage->is_known ? (int64_t)count : UNKNOWN;
}

/* One row; what is only in the last one of a question is empty. */
static struct store_model_call row_of(const struct live_run *live,
                                      const struct run_question *question,
                                      const struct outcome *outcome, size_t index)
{
    const struct llm_attempt *attempt = &outcome->attempts[index];
    const struct llm_usage *usage = &attempt->usage;

    return (struct store_model_call){
        .run_id = live->names.run_id,
        .question = question->index,
        .attempt = (unsigned)index,
        .purpose = str_from(question->purpose),
        .prompt = question->prompt,
        .provider = attempt->provider_name,
        .model = attempt->model,
        .outcome = str_from(llm_outcome_name(attempt->outcome)),
        .status = attempt->status,
        .started_us = attempt->started_us,
        .latency_us = (int64_t)attempt->latency_us,
        .first_token_us = (int64_t)attempt->first_token_us,
        .input_uncached = count_or_unknown(usage, usage->input_uncached),
        .cache_read = count_or_unknown(usage, usage->cache_read),
        .cache_write_5m = count_or_unknown(usage, usage->cache_write_5m),
        .cache_write_1h = count_or_unknown(usage, usage->cache_write_1h),
        .output = count_or_unknown(usage, usage->output),
        .reasoning = count_or_unknown(usage, usage->reasoning),
        .cost_pico_usd = outcome->costs[index],
        .response_id = attempt->response_id,
        .failure = str_from(attempt->failure),
    };
}

/* The body as it was sent to the provider of this attempt; without headers, so without a key. */
static void write_body(const struct live_run *live, const struct run_question *question,
                       const struct llm_attempt *attempt, struct buf *out)
{
    const struct llm *llm = live->runner->options.llm;
    struct llm_state state;

    if (!reached_a_provider(attempt) || attempt->provider >= llm_provider_count(llm)) {
        return;
    }
    llm_provider_state(llm, attempt->provider, &state);
    const struct llm_wire *wire = llm_wire_find(str_from(state.wire));
    if (wire) {
        wire->write_body(question->request, state.model, out);
    }
}

static void add_not_asked(struct live_run *live, struct store_batch *batch,
                          const struct run_question *question, const char *why)
{
    store_add_model_call(batch, &(struct store_model_call){
                                    .run_id = live->names.run_id,
                                    .question = question->index,
                                    .is_last = true,
                                    .purpose = str_from(question->purpose),
                                    .prompt = question->prompt,
                                    .outcome = STR(NOT_ASKED),
                                    .started_us = clock_now_us(),
                                    .failure = str_from(why),
                                });
}

/* All rows of a question. */
static void store_calls(struct live_run *live, const struct run_question *question,
                        const struct outcome *outcome)
{
    cleanup(buf_done) struct buf answer;
    cleanup(buf_done) struct buf body;
    struct store_batch *batch = live_batch(live);

    buf_init(&answer, 2 * LLM_ANSWER_BYTES_MAX);
    buf_init(&body, LLM_REQUEST_BYTES_MAX);
    if (!batch) {
        return;
    }
    if (!outcome->count) {
        add_not_asked(live, batch, question, outcome->why);
    }
    for (size_t i = 0; i < outcome->count; i++) {
        struct store_model_call row = row_of(live, question, outcome, i);

        row.is_last = i + 1 == outcome->count;
        if (row.is_last) {
            write_body(live, question, &outcome->attempts[i], &body);
            row.request = buf_str(&body);
        }
        if (row.is_last && outcome->answer) {
            llm_answer_write(outcome->answer, &answer);
            row.answer = buf_str(&answer);
        }
        store_add_model_call(batch, &row);
    }
    if (buf_status(&answer) || buf_status(&body)) {
        live_lose(live, buf_status(&answer) ? buf_status(&answer) : buf_status(&body));
    }
}

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
        ret_model->has_cost &= outcome->costs[i] != UNKNOWN;
        ret_model->cost_pico_usd += outcome->costs[i] == UNKNOWN ? 0 : outcome->costs[i];
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

    add_used(live, question->request, outcome);
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

/* ---- from the log ---- */

/* The rows of one question. Texts are in the arena. */
struct record {
    struct arena arena;
    unsigned question;
    struct outcome outcome;
    struct str answer;
    bool is_whole;
    int code;
};

static struct str keep(struct record *record, struct str text)
{
    struct str copy = arena_copy(&record->arena, text);

    record->code = copy.data ? record->code : ERR_NO_MEMORY;
    return copy;
}

static enum llm_outcome outcome_of(struct str name)
{
    enum llm_outcome outcome = LLM_ANSWERED;

    while (outcome < LLM_CANCELLED && !str_equal(name, str_from(llm_outcome_name(outcome)))) {
        outcome++;
    }
    return outcome;
}

static struct llm_attempt attempt_of(const struct store_model_call *row)
{
    struct llm_attempt attempt = {
        .outcome = outcome_of(row->outcome),
        .status = row->status,
        .started_us = row->started_us,
        .latency_us = (uint64_t)row->latency_us,
        .first_token_us = (uint64_t)row->first_token_us,
    };

    if (row->output != UNKNOWN) {
        attempt.usage = (struct llm_usage){
            .is_known = true,
            .input_uncached = (uint64_t)row->input_uncached,
            .cache_read = (uint64_t)row->cache_read,
            .cache_write_5m = (uint64_t)row->cache_write_5m,
            .cache_write_1h = (uint64_t)row->cache_write_1h,
            .output = (uint64_t)row->output,
            .reasoning = (uint64_t)row->reasoning,
        };
    }
    (void)snprintf(attempt.failure, sizeof(attempt.failure), "%.*s", STR_ARGS(row->failure));
    return attempt;
}

static bool keep_row(const struct store_model_call *row, void *arg)
{
    struct record *record = arg;
    struct outcome *outcome = &record->outcome;

    if (row->question != record->question || record->is_whole) {
        return row->question <= record->question;
    }
    record->is_whole = row->is_last;
    if (str_equal(row->outcome, STR(NOT_ASKED))) {
        outcome->why = keep(record, row->failure).data;
    } else if (outcome->count < LLM_ATTEMPTS_MAX) {
        struct llm_attempt attempt = attempt_of(row);

        attempt.provider_name = keep(record, row->provider);
        attempt.model = keep(record, row->model);
        attempt.response_id = keep(record, row->response_id);
        outcome->costs[outcome->count] = row->cost_pico_usd;
        outcome->attempts[outcome->count++] = attempt;
    }
    if (row->is_last) {
        record->answer = keep(record, row->answer);
    }
    return record->code == OK;
}

/* True when the log has the question's answer, or that nobody had one; then the run was told. */
static bool answer_from_log(struct live_run *live, const struct run_question *question)
{
    struct record record = {.question = question->index,
                            .outcome = {.result = "recorded", .why = ""}};
    struct llm_answer answer;
    uint64_t next;

    llm_answer_init(&answer);
    arena_init(&record.arena, ANSWERS_ARENA);
    int code = store_list_model_calls(live->runner->options.store, live->names.run_id, 0,
                                      STORE_PAGE_MAX, keep_row, &record, &next);
    code = code ? code : record.code;
    if (!code && record.is_whole && record.answer.length) {
        code = llm_answer_read(record.answer, &answer, NULL);
        record.outcome.answer = &answer;
    }
    if (code == ERR_INVALID) {
        live_fail(live, "REPLAY_DIFFERS", "the answer of a model in the log cannot be read");
    } else if (code) {
        live_lose(live, code);
    } else if (record.is_whole && give(live, question, &record.outcome)) {
        live_step(live);
    }
    llm_answer_done(&answer);
    arena_done(&record.arena);
    return code || record.is_whole;
}

static bool keep_usage(const struct store_model_call *row, void *arg)
{
    struct llm_attempt attempt = attempt_of(row);

    attempt.provider_name = row->provider;
    attempt.model = row->model;
    if (!str_equal(row->outcome, STR(NOT_ASKED))) {
        add_usage(arg, &attempt);
    }
    return true;
}

void live_read_usage(struct live_run *live)
{
    uint64_t next;
    int code = store_list_model_calls(live->runner->options.store, live->names.run_id, 0,
                                      STORE_PAGE_MAX, keep_usage, live, &next);

    if (code) {
        live_lose(live, code);
    }
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
            outcome->costs[i] = UNKNOWN;
        }
    }
    store_calls(live, question, outcome);
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
    int code = llm_ask(runner->options.llm, question->request, tokens_left(live),
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
        return;
    }
    store_calls(live, question, &outcome);
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
