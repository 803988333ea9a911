/*
 * Runs that ask a played chain: scripts, what was heard and what is stored, and logs that are left
 * in pieces with the calls that they depend on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_ASKING_FIXTURE_H
#define NETRA_TESTS_ASKING_FIXTURE_H

#include "played_chain.h"

static const char *asked_prompt = "why?"; /* of logs that are left */
static const char *asked_dataset = "";

static const char *const plain_answer[] = {"fine", NULL};
static const char *const text_in_pieces[] = {"Spend ", "is ",       "high, ", "and ",   "it ",
                                             "grows ", "steadily ", "each ",  "month.", NULL};

static inline void set_lines(const char **lines, const char *const *wanted)
{
    size_t i = 0;

    do {
        lines[i] = wanted[i];
    } while (wanted[i++]);
}

static inline void set_script(const char *const *write, const char *const *repair)
{
    memset(&script, 0, sizeof(script));
    set_lines(script.plan, plain_answer);
    set_lines(script.write, write);
    set_lines(script.repair, repair);
    asked_count = 0;
    cancelled_count = 0;
    pace = NULL;
}

static inline struct place *open_place(unsigned concurrent_max)
{
    struct place *place = place_open(concurrent_max);

    place->llm = played_llm;
    place->model_tokens_max = 5000;
    place->keeps_json = true;
    runner_free(place->runner);
    place_runner(place, concurrent_max);
    return place;
}

static inline void turn(struct place *place)
{
    (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
}

static inline void close_place(struct place *place)
{
    drain(place, 0);
    while (asks) { /* those that were cancelled have a message on its way */
        turn(place);
    }
    place_close(place);
}

static inline void start_with(struct place *place, const char *run_id, const char *prompt)
{
    struct error error = {0};
    struct runner_request request = {.workspace_id = STR(STORE_WORKSPACE_FIRST),
                                     .run_id = str_from(run_id),
                                     .thread_id = str_from(run_id),
                                     .prompt = str_from(prompt),
                                     .dataset_id = str_from(asked_dataset),
                                     .seed = 7};

    if (runner_start(place->runner, &request, on_accepted, place, &error)) {
        fail_msg("%s: %s", run_id, error.message);
    }
}

/* ---- what was heard and what is stored ---- */

/* Every number is heard first in order; whatever was heard of one is in the log in the end, or the
 * log says that it was skipped. */
static inline void assert_heard(struct place *place, const char *run_id,
                                const struct stored_log *log)
{
    uint64_t first = 0;
    uint64_t stored_seq = 0;

    for (size_t i = 0; i < place->heard_count; i++) {
        const struct heard *heard = &place->heard[i];

        if (strcmp(heard->run_id, run_id) != 0) {
            continue;
        }
        assert_true(heard->seq >= 1 && heard->seq <= log->count);
        if (heard->seq > first) {
            assert_int_equal(heard->seq, first + 1);
            first = heard->seq;
        }
        if (!heard->is_early) { /* each once when it is stored, whatever was before */
            assert_int_equal(heard->seq, ++stored_seq);
        }
        const char *stored = log->json[heard->seq - 1];
        if (strcmp(heard->json, stored) != 0 && !says(stored, "netra.skipped")) {
            fail_msg("%s was heard, %s is stored", heard->json, stored);
        }
    }
    assert_int_equal(first, log->count);
    assert_int_equal(stored_seq, log->count);
}

struct texts {
    unsigned begun;
    unsigned withdrawn;
    char last_id[64];
    char last[4096]; /* of the message that was begun last */
};

static inline struct texts texts_of(const struct stored_log *log)
{
    struct texts texts = {0};
    struct json_parser *parser;

    assert_int_equal(json_parser_new(RUNNER_EVENT_BYTES_MAX, &parser), OK);
    for (size_t i = 0; i < log->count; i++) {
        struct json_value root;
        struct str delta;
        struct str id;

        assert_int_equal(json_parse(parser, str_from(log->json[i]), &root, NULL), OK);
        texts.withdrawn += says(log->json[i], "netra.text_withdrawn");
        if (says(log->json[i], "TEXT_MESSAGE_START")) {
            assert_true(json_get_str(json_at(root, "messageId"), &id));
            (void)snprintf(texts.last_id, sizeof(texts.last_id), "%.*s", STR_ARGS(id));
            texts.last[0] = '\0';
            texts.begun++;
        } else if (says(log->json[i], "TEXT_MESSAGE_CONTENT")) {
            size_t length = strlen(texts.last);

            assert_true(json_get_str(json_at(root, "messageId"), &id));
            assert_str(id, texts.last_id);
            assert_true(json_get_str(json_at(root, "delta"), &delta));
            (void)snprintf(texts.last + length, sizeof(texts.last) - length, "%.*s",
                           STR_ARGS(delta));
        }
    }
    json_parser_free(parser);
    return texts;
}

static inline bool has_message(const struct store_message *row, void *arg)
{
    struct texts *texts = arg;

    if (str_equal(row->role, STR("assistant")) && str_equal(row->id, str_from(texts->last_id))) {
        assert_str(row->content, texts->last);
        texts->begun = 0;
    }
    return true;
}

/* The log holds, its last text is the thread's message of that id, everybody heard it. */
static inline struct texts assert_told(struct place *place, const char *run_id)
{
    struct stored_log log = {0};

    log_of(place, run_id, &log);
    assert_log_holds(&log);
    assert_heard(place, run_id, &log);
    struct texts texts = texts_of(&log);
    if (row_of(place, run_id).status == STORE_RUN_FINISHED) {
        struct texts found = texts;
        struct row row = row_of(place, run_id);

        assert_int_equal(store_list_messages(place->store, STR(STORE_WORKSPACE_FIRST),
                                             str_from(run_id), STR(""), 9, has_message, &found),
                         OK);
        assert_int_equal(found.begun, 0);
        assert_true(row.times.seq_leased == 0);
    }
    log_free(&log);
    return texts;
}

static inline unsigned count_skipped(struct place *place, const char *run_id)
{
    struct stored_log log = {0};

    log_of(place, run_id, &log);
    unsigned count = (unsigned)times(&log, "netra.skipped");
    log_free(&log);
    return count;
}

struct calls {
    unsigned count;
    char text[8192]; /* a line each */
};

static inline bool print_call(const struct store_model_call *row, void *arg)
{
    struct calls *calls = arg;
    size_t length = strlen(calls->text);
    char json[1024];

    (void)snprintf(json, sizeof(json), "%.*s", STR_ARGS(row->answer));
    struct str answer = row->answer.length ? member(json, "{\"text\":\"") : STR("");
    calls->count++;
    (void)snprintf(calls->text + length, sizeof(calls->text) - length,
                   "%u/%u %.*s %.*s %s in %d out %d cost %d [%.*s] [%.*s] [%.*s]\n", row->question,
                   row->attempt, STR_ARGS(row->purpose), STR_ARGS(row->outcome),
                   row->is_last ? "last" : "-", (int)row->input_uncached, (int)row->output,
                   (int)row->cost_pico_usd, STR_ARGS(row->failure), STR_ARGS(row->request),
                   STR_ARGS(answer));
    return true;
}

static inline struct calls calls_of(struct place *place, const char *run_id)
{
    struct calls calls = {0};
    uint64_t next;

    assert_int_equal(store_list_model_calls(place->store, STR(STORE_WORKSPACE_FIRST),
                                            str_from(run_id), 0, STORE_PAGE_MAX, print_call, &calls,
                                            &next),
                     OK);
    return calls;
}

static inline void expect_in_order(const struct stored_log *log, const char *const *parts,
                                   size_t count)
{
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        while (at < log->count && !says(log->json[at], parts[i])) {
            at++;
        }
        if (at == log->count) {
            fail_msg("%s is not where it must be", parts[i]);
        }
        at++;
    }
}

/* ---- logs in pieces ---- */

/* A log that is left in pieces, with the calls that it depends on. */
struct left {
    struct stored_log log;
    struct store_model_call calls[32];
    size_t call_count;
    struct arena texts;
};

static inline bool keep_call(const struct store_model_call *row, void *arg)
{
    struct left *left = arg;
    struct store_model_call call = *row;

    call.purpose = arena_copy(&left->texts, row->purpose);
    call.prompt = arena_copy(&left->texts, row->prompt);
    call.provider = arena_copy(&left->texts, row->provider);
    call.model = arena_copy(&left->texts, row->model);
    call.outcome = arena_copy(&left->texts, row->outcome);
    call.failure = arena_copy(&left->texts, row->failure);
    call.response_id = arena_copy(&left->texts, row->response_id);
    call.request = STR("");
    call.answer = arena_copy(&left->texts, row->answer);
    assert_true(left->call_count < ARRAY_LENGTH(left->calls));
    left->calls[left->call_count++] = call;
    return true;
}

/* With its message, whose id the same log gives to another run's. */
static inline void forget(struct place *place, const char *run_id)
{
    struct store_batch *batch = store_batch_new(STR(STORE_WORKSPACE_FIRST));

    assert_non_null(batch);
    store_delete_thread(batch, str_from(run_id));
    store_now(place, batch);
}

static inline void make_log(struct place *place, struct left *left)
{
    uint64_t next;

    *left = (struct left){0};
    arena_init(&left->texts, (size_t)1 << 20);
    start_with(place, "run-000", asked_prompt);
    run_until_ended(place, place->ended + 1);
    log_of(place, "run-000", &left->log);
    assert_int_equal(store_list_model_calls(place->store, STR(STORE_WORKSPACE_FIRST),
                                            STR("run-000"), 0, STORE_PAGE_MAX, keep_call, left,
                                            &next),
                     OK);
    forget(place, "run-000");
}

/* Ids inside a log hold that of its run; both are of one length. */
static inline void rename_left(struct left *left, const char *from, const char *to)
{
    for (size_t i = 0; i < left->log.count; i++) {
        for (char *at = left->log.json[i]; (at = strstr(at, from)) != NULL; at++) {
            memcpy(at, to, strlen(to));
        }
    }
}

static inline void left_done(struct left *left)
{
    log_free(&left->log);
    arena_done(&left->texts);
}

/* How often the beginning of a log says it. */
static inline unsigned said_in(const struct stored_log *log, size_t count, const char *part)
{
    struct stored_log beginning = *log;

    beginning.count = count;
    return (unsigned)times(&beginning, part);
}

static inline void leave(struct place *place, const char *run_id, const struct left *left,
                         size_t count, unsigned answered, uint64_t seq_leased)
{
    struct store_batch *batch = store_batch_new(STR(STORE_WORKSPACE_FIRST));

    assert_non_null(batch);
    store_put_thread(batch, &(struct store_thread){.id = str_from(run_id), .title = STR("t")});
    store_add_run(batch, &(struct store_run){.id = str_from(run_id),
                                             .thread_id = str_from(run_id),
                                             .status = STORE_RUN_RUNNING,
                                             .prompt = str_from(asked_prompt),
                                             .dataset_id = str_from(asked_dataset),
                                             .seed = 7,
                                             .now_us = INT64_C(1767225600) * 1000000,
                                             .has_model = true,
                                             .seq_leased = seq_leased,
                                             .created_us = left->log.time_us[0]});
    for (size_t i = 0; i < count; i++) {
        store_add_event(batch, &(struct store_event){.run_id = str_from(run_id),
                                                     .seq = i + 1,
                                                     .time_us = left->log.time_us[i],
                                                     .json = str_from(left->log.json[i])});
    }
    for (size_t i = 0; i < left->call_count; i++) {
        struct store_model_call call = left->calls[i];

        call.run_id = str_from(run_id);
        if (call.question < answered) {
            store_add_model_call(batch, &call);
        }
    }
    store_now(place, batch);
}

#endif
