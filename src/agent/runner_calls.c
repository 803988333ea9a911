/*
 * What came of questions as rows of the store and back, and what a run has used by them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/runner_calls.h"

#include <stdio.h>

#define NOT_ASKED     "not_asked" /* outcome of a question that no provider was tried for */
#define ANSWERS_ARENA ((size_t)16 << 20)

_Static_assert(RUN_QUESTIONS_MAX *LLM_ATTEMPTS_MAX <= STORE_PAGE_MAX,
               "the calls of a run are one page");

/* ---- what a run has used ---- */

static struct live_usage *find_usage(struct live_run *live, const struct llm_attempt *attempt)
{
    struct live_asking *asking = &live->asking;

    for (size_t i = 0; i < asking->usage_count; i++) {
        if (str_equal(asking->usages[i].provider, attempt->provider_name) &&
            str_equal(asking->usages[i].model, attempt->model)) {
            return &asking->usages[i];
        }
    }
    struct live_usage usage = {.provider = arena_copy(&asking->texts, attempt->provider_name),
                               .model = arena_copy(&asking->texts, attempt->model)};
    if (asking->usage_count == LIVE_USAGES_MAX || !usage.provider.data || !usage.model.data) {
        return NULL;
    }
    asking->usages[asking->usage_count] = usage;
    return &asking->usages[asking->usage_count++];
}

static void add_usage(struct live_run *live, const struct llm_attempt *attempt)
{
    struct live_usage *sum = llm_attempt_was_made(attempt) ? find_usage(live, attempt) : NULL;

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

/* Tokens that a provider did not tell count as many as they may have been. */
void outcome_add_used(struct live_run *live, const struct llm_request *request,
                      const struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->count; i++) {
        const struct llm_attempt *attempt = &outcome->attempts[i];

        add_usage(live, attempt);
        if (attempt->usage.is_known) {
            live->asking.tokens_used += llm_usage_input(&attempt->usage) + attempt->usage.output;
        } else if (llm_attempt_was_made(attempt)) {
            live->asking.tokens_used += llm_estimate(request);
        }
    }
}

/* ---- rows ---- */

static int64_t count_or_unknown(const struct llm_usage *usage, uint64_t count)
{
    return usage->is_known ? (int64_t)count : CALL_UNKNOWN;
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

    if (!llm_attempt_was_made(attempt) || attempt->provider >= llm_provider_count(llm)) {
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
void outcome_store(struct live_run *live, const struct run_question *question,
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

/* ---- from the log ---- */

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

    if (row->output != CALL_UNKNOWN) {
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

/* Rows have no place in the chain; attempts with the same name had the same. */
static unsigned provider_of(const struct outcome *outcome, const struct llm_attempt *attempt)
{
    for (size_t i = 0; i < outcome->count; i++) {
        if (str_equal(outcome->attempts[i].provider_name, attempt->provider_name) &&
            str_equal(outcome->attempts[i].model, attempt->model)) {
            return outcome->attempts[i].provider;
        }
    }
    return (unsigned)outcome->count;
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
        attempt.provider = provider_of(outcome, &attempt);
        outcome->costs[outcome->count] = row->cost_pico_usd;
        outcome->attempts[outcome->count++] = attempt;
    }
    if (row->is_last) {
        record->json = keep(record, row->answer);
    }
    return record->code == OK;
}

void record_init(struct record *record, unsigned question)
{
    *record = (struct record){.question = question, .outcome = {.result = "recorded", .why = ""}};
    arena_init(&record->arena, ANSWERS_ARENA);
    llm_answer_init(&record->answer);
}

void record_done(struct record *record)
{
    llm_answer_done(&record->answer);
    arena_done(&record->arena);
}

int record_read(struct record *record, struct live_run *live)
{
    uint64_t next;
    int code =
        store_list_model_calls(live->runner->options.store, live->row.workspace_id,
                               live->names.run_id, 0, STORE_PAGE_MAX, keep_row, record, &next);

    code = code ? code : record->code;
    if (!code && record->is_whole && record->json.length) {
        code = llm_answer_read(record->json, &record->answer, NULL);
        record->outcome.answer = &record->answer;
    }
    return code;
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
    int code =
        store_list_model_calls(live->runner->options.store, live->row.workspace_id,
                               live->names.run_id, 0, STORE_PAGE_MAX, keep_usage, live, &next);

    if (code) {
        live_lose(live, code);
    }
}
