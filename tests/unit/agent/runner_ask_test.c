/*
 * Runs that ask models: the answer is stored before anything that follows from it, text is heard as
 * it comes and in order, nobody waits for a run that hangs; cancelled, drained, stopped and taken
 * up again at every event, with a full log, half a log, and memory that runs out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "played_model.h"

static const char *const plain_answer[] = {"fine", NULL};
static const char *const text_in_pieces[] = {"Spend ", "is ",       "high, ", "and ",   "it ",
                                             "grows ", "steadily ", "each ",  "month.", NULL};

static void set_lines(const char **lines, const char *const *wanted)
{
    size_t i = 0;

    do {
        lines[i] = wanted[i];
    } while (wanted[i++]);
}

static void set_script(const char *const *write, const char *const *repair)
{
    memset(&script, 0, sizeof(script));
    set_lines(script.plan, plain_answer);
    set_lines(script.write, write);
    set_lines(script.repair, repair);
    asked_count = 0;
    cancelled_count = 0;
    pace = NULL;
}

static struct place *open_place(unsigned concurrent_max)
{
    struct place *place = place_open(concurrent_max);

    place->llm = played_llm;
    place->model_tokens_max = 5000;
    place->keeps_json = true;
    runner_free(place->runner);
    place_runner(place, concurrent_max);
    return place;
}

static void turn(struct place *place)
{
    (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
}

static void close_place(struct place *place)
{
    drain(place, 0);
    while (asks) { /* those that were cancelled have a message on its way */
        turn(place);
    }
    place_close(place);
}

static void start_with(struct place *place, const char *run_id, const char *prompt)
{
    struct error error = {0};
    struct runner_request request = {
        .run_id = str_from(run_id), .thread_id = str_from(run_id), .prompt = str_from(prompt)};

    if (runner_start(place->runner, &request, on_accepted, place, &error)) {
        fail_msg("%s: %s", run_id, error.message);
    }
}

/* ---- what was heard and what is stored ---- */

/* Every number is heard first in order; whatever was heard of one is in the log in the end, or the
 * log says that it was skipped. */
static void assert_heard(struct place *place, const char *run_id, const struct stored_log *log)
{
    uint64_t first = 0;

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
        const char *stored = log->json[heard->seq - 1];
        if (strcmp(heard->json, stored) != 0 && !says(stored, "netra.skipped")) {
            fail_msg("%s was heard, %s is stored", heard->json, stored);
        }
    }
    assert_int_equal(first, log->count);
}

struct texts {
    unsigned begun;
    unsigned withdrawn;
    char last_id[64];
    char last[4096]; /* of the message that was begun last */
};

static struct texts texts_of(const struct stored_log *log)
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

static bool has_message(const struct store_message *row, void *arg)
{
    struct texts *texts = arg;

    if (str_equal(row->role, STR("assistant")) && str_equal(row->id, str_from(texts->last_id))) {
        assert_str(row->content, texts->last);
        texts->begun = 0;
    }
    return true;
}

/* The log holds, its last text is the thread's message of that id, everybody heard it. */
static struct texts assert_told(struct place *place, const char *run_id)
{
    struct stored_log log = {0};

    log_of(place, run_id, &log);
    assert_log_holds(&log);
    assert_heard(place, run_id, &log);
    struct texts texts = texts_of(&log);
    if (row_of(place, run_id).status == STORE_RUN_FINISHED) {
        struct texts found = texts;
        struct row row = row_of(place, run_id);

        assert_int_equal(
            store_list_messages(place->store, str_from(run_id), STR(""), 9, has_message, &found),
            OK);
        assert_int_equal(found.begun, 0);
        assert_true(row.times.seq_leased == 0);
    }
    log_free(&log);
    return texts;
}

static unsigned count_skipped(struct place *place, const char *run_id)
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

static bool print_call(const struct store_model_call *row, void *arg)
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

static struct calls calls_of(struct place *place, const char *run_id)
{
    struct calls calls = {0};
    uint64_t next;

    assert_int_equal(store_list_model_calls(place->store, str_from(run_id), 0, STORE_PAGE_MAX,
                                            print_call, &calls, &next),
                     OK);
    return calls;
}

static void expect_in_order(const struct stored_log *log, const char *const *parts, size_t count)
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

/* ---- one run ---- */

static void test_a_run_is_planned_and_written_by_a_model(void **state)
{
    static const char *const parts[] = {
        "netra.model_asked\",\"value\":{\"question\":0,\"purpose\":\"plan\",\"prompt\":\"prompt@"
        "1\"}",
        "netra.model_answered\",\"value\":{\"question\":0,\"purpose\":\"plan\",\"prompt\":\"prompt@"
        "1\","
        "\"provider\":\"played\",\"model\":\"player-1\",\"attempts\":1,\"inputTokens\":100,"
        "\"outputTokens\":20,\"costUsd\":\"0.000005\"}",
        "\"question\":1,\"purpose\":\"write\"",
        "TEXT_MESSAGE_START",
        "TEXT_MESSAGE_CONTENT",
        "TEXT_MESSAGE_END",
        "netra.model_answered\",\"value\":{\"question\":1",
        "ACTIVITY_SNAPSHOT",
        "\"usage\":[{\"provider\":\"played\",\"model\":\"player-1\",\"inputTokens\":200,"
        "\"outputTokens\":40,\"totalTokens\":240,\"reasoningTokens\":0,\"cachedInputTokens\":0,"
        "\"cacheWriteInputTokens\":0}]"};
    struct place *place = open_place(1);
    struct stored_log log = {0};

    (void)state;
    set_script(text_in_pieces, plain_answer);
    start_with(place, "run-1", "why?");
    run_until_ended(place, 1);
    log_of(place, "run-1", &log);
    expect_in_order(&log, parts, ARRAY_LENGTH(parts));
    log_free(&log);
    struct texts texts = assert_told(place, "run-1");
    assert_string_equal(texts.last, "Spend is high, and it grows steadily each month.");
    assert_int_equal(texts.begun, 1);
    assert_int_equal(count_skipped(place, "run-1"), 0);
    assert_string_equal(calls_of(place, "run-1").text,
                        "0/0 plan answered last in 100 out 20 cost 5000000 []"
                        " [player-1 is asked to plan] [fine]\n"
                        "1/0 write answered last in 100 out 20 cost 5000000 []"
                        " [player-1 is asked to write]"
                        " [Spend is high, and it grows steadily each month.]\n");
    assert_true(row_of(place, "run-1").times.has_model);
    assert_int_equal(runner_counts(place->runner).asking, 0);
    close_place(place);
}

/* With a disk that takes its time nothing but the first piece waits for it. */
static void test_text_is_heard_before_it_is_stored(void **state)
{
    struct place *place = open_place(1);
    unsigned early = 0;

    (void)state;
    set_script(text_in_pieces, plain_answer);
    pace = place->store;
    start_with(place, "run-1", "why?");
    run_until_ended(place, 1);
    for (size_t i = 0; i < place->heard_count; i++) {
        early += place->heard[i].is_early;
    }
    print_message("%u early\n", early);
    assert_int_equal(early, 8); /* all pieces but the first */
    (void)assert_told(place, "run-1");
    close_place(place);
}

static void test_refused_text_is_withdrawn_and_repaired(void **state)
{
    static const char *const crying[] = {"It is ", "dear", "! so dear", NULL};
    static const char *const repaired[] = {"It is ", "dear.", NULL};
    struct place *place = open_place(1);

    (void)state;
    set_script(crying, repaired);
    start_with(place, "run-1", "why?");
    run_until_ended(place, 1);
    struct texts texts = assert_told(place, "run-1");
    assert_string_equal(texts.last, "It is dear.");
    assert_int_equal(texts.begun, 2);
    assert_int_equal(texts.withdrawn, 1);

    set_script(crying, crying); /* what was computed stays */
    start_with(place, "run-2", "why?");
    run_until_ended(place, 2);
    texts = assert_told(place, "run-2");
    assert_string_equal(texts.last, "what was computed");
    assert_int_equal(texts.begun, 3);
    assert_int_equal(texts.withdrawn, 2);
    close_place(place);
}

static void test_an_attempt_that_breaks_off_is_void(void **state)
{
    static const char *const broken[] = {"It ", "was ", "AGAIN", "AGAIN", "It is ", "dear.", NULL};
    static const char *const in_vain[] = {"It ", "was ", "AGAIN", "It ", "FAIL", NULL};
    struct place *place = open_place(1);

    (void)state;
    set_script(broken, plain_answer);
    start_with(place, "run-1", "why?");
    run_until_ended(place, 1);
    struct texts texts = assert_told(place, "run-1");
    assert_string_equal(texts.last, "It is dear.");
    assert_int_equal(texts.begun, 2);
    assert_int_equal(texts.withdrawn, 1);
    assert_non_null(strstr(calls_of(place, "run-1").text,
                           "1/0 write failed - in -1 out -1 cost -1 [attempt 2 broke off] [] []\n"
                           "1/1 write failed - "));

    set_script(in_vain, plain_answer);
    start_with(place, "run-2", "why?");
    run_until_ended(place, 2);
    texts = assert_told(place, "run-2");
    assert_string_equal(texts.last, "what was computed");
    assert_int_equal(texts.withdrawn, 2);
    assert_non_null(strstr(calls_of(place, "run-2").text,
                           "1/1 write failed last in -1 out -1 cost -1 [attempt 1 broke off]"
                           " [player-1 is asked to write] []\n"));
    close_place(place);
}

static void test_without_a_chain_nothing_is_asked(void **state)
{
    struct place *place = open_place(1);

    (void)state;
    set_script(text_in_pieces, plain_answer);
    runner_free(place->runner);
    place->llm = NULL;
    place_runner(place, 1);
    start_with(place, "run-1", "why?");
    run_until_ended(place, 1);
    assert_int_equal(calls_of(place, "run-1").count, 0);
    assert_false(row_of(place, "run-1").times.has_model);
    assert_string_equal(assert_told(place, "run-1").last, "what was computed");
    close_place(place);
}

static void test_a_question_that_cannot_be_asked_is_answered_by_nobody(void **state)
{
    struct place *place = open_place(1);

    (void)state;
    set_script(text_in_pieces, plain_answer);
    script.refusal = ERR_LIMIT;
    start_with(place, "run-1", "why?");
    run_until_ended(place, 1);
    assert_string_equal(assert_told(place, "run-1").last, "what was computed");
    assert_string_equal(calls_of(place, "run-1").text,
                        "0/0 plan not_asked last in 0 out 0 cost 0"
                        " [too many questions are under way] [] []\n"
                        "1/0 write not_asked last in 0 out 0 cost 0"
                        " [too many questions are under way] [] []\n");
    close_place(place);
}

static void test_tokens_of_a_run_are_counted_down(void **state)
{
    static const char *const broken[] = {"AGAIN", "fine", NULL};
    struct place *place = open_place(1);

    (void)state;
    set_script(text_in_pieces, plain_answer);
    set_lines(script.plan, broken);
    start_with(place, "run-1", "why?");
    run_until_ended(place, 1);
    assert_int_equal(last_tokens_left, 5000 - 1000 - 120); /* the first one did not say */
    close_place(place);
}

/* ---- many ---- */

static void test_runs_that_hang_keep_nobody_waiting(void **state)
{
    enum { HANGING = 200, OTHERS = 20 };
    struct place *place = open_place(2);
    char id[32];

    (void)state;
    set_script(text_in_pieces, plain_answer);
    for (unsigned i = 0; i < HANGING; i++) {
        (void)snprintf(id, sizeof(id), "hang-%u", i);
        start_with(place, id, "hang");
    }
    for (unsigned i = 0; i < OTHERS; i++) {
        (void)snprintf(id, sizeof(id), "run-%u", i);
        start_with(place, id, "why?");
    }
    run_until_ended(place, OTHERS);
    assert_int_equal(runner_counts(place->runner).asking, HANGING);
    assert_int_equal(runner_counts(place->runner).working, 0);
    assert_int_equal(runner_counts(place->runner).waiting, 0);
    for (unsigned i = 0; i < OTHERS; i++) {
        (void)snprintf(id, sizeof(id), "run-%u", i);
        (void)assert_told(place, id);
        assert_int_equal(row_of(place, id).status, STORE_RUN_FINISHED);
    }
    for (unsigned i = 0; i < HANGING / 2; i++) {
        (void)snprintf(id, sizeof(id), "hang-%u", i);
        assert_int_equal(runner_cancel(place->runner, str_from(id)), OK);
    }
    run_until_ended(place, OTHERS + HANGING / 2);
    assert_int_equal(runner_counts(place->runner).asking, HANGING / 2);
    assert_int_equal(cancelled_count, HANGING / 2);
    assert_int_equal(row_of(place, "hang-0").status, STORE_RUN_CANCELLED);
    drain(place, 0);
    assert_int_equal(runner_counts(place->runner).asking, 0);
    assert_int_equal(cancelled_count, HANGING);
    assert_int_equal(row_of(place, "hang-199").status, STORE_RUN_RUNNING);
    close_place(place);
}

/* ---- cancelled ---- */

static void cancel_at(struct place *place, const struct heard *heard)
{
    if (heard->seq == place->at_seq) {
        (void)runner_cancel(place->runner, str_from(heard->run_id));
    }
}

static void test_a_run_that_asks_can_be_cancelled_at_every_event(void **state)
{
    static const char *const broken[] = {"It ", "was ", "AGAIN", "It ", "is! ", NULL};
    struct place *place = open_place(1);
    unsigned cancelled = 0;

    (void)state;
    set_script(broken, text_in_pieces);
    pace = place->store;
    place->on_event = cancel_at;
    for (uint64_t seq = 1; seq < 45; seq++) {
        char id[32];

        place->at_seq = seq;
        (void)snprintf(id, sizeof(id), "run-%u", (unsigned)seq);
        start_with(place, id, "why?");
        run_until_ended(place, place->ended + 1);
        (void)assert_told(place, id);
        cancelled += row_of(place, id).status == STORE_RUN_CANCELLED;
        assert_int_equal(runner_counts(place->runner).asking, 0);
        assert_int_equal(runner_counts(place->runner).waiting, 0);
    }
    print_message("cancelled %u\n", cancelled);
    assert_true(cancelled > 10);
    close_place(place);
}

static void test_a_run_that_hangs_can_be_cancelled(void **state)
{
    static const char *const stuck[] = {"It ", "is ", "HANG", NULL};
    struct place *place = open_place(1);

    (void)state;
    set_script(stuck, plain_answer);
    start_with(place, "run-1", "why?");
    while (!asks || !asks->is_hanging) {
        turn(place);
    }
    assert_int_equal(runner_counts(place->runner).asking, 1);
    assert_int_equal(runner_cancel(place->runner, STR("run-1")), OK);
    assert_int_equal(runner_cancel(place->runner, STR("run-1")), OK);
    run_until_ended(place, 1);
    assert_int_equal(row_of(place, "run-1").status, STORE_RUN_CANCELLED);
    struct texts texts = assert_told(place, "run-1");
    assert_int_equal(texts.withdrawn, 1);
    assert_int_equal(cancelled_count, 1);
    close_place(place);
}

/* ---- stopped ---- */

static void stop_at(struct place *place, const struct heard *heard)
{
    if (heard->seq == place->at_seq) {
        place->on_event = NULL;
        runner_drain(place->runner, 0, set_drained, place);
    }
}

static void stop_and_take_up(struct place *place, const char *run_id, uint64_t seq)
{
    int64_t since_us = clock_now_us();
    unsigned ended = place->ended;

    restart(place);
    place->at_seq = seq;
    place->is_drained = false;
    place->on_event = stop_at;
    start_with(place, run_id, "why?");
    while (!place->is_drained && place->ended == ended) {
        turn(place);
        assert_false(is_late(since_us));
    }
    place->on_event = NULL;
    restart(place);
    run_until_ended(place, ended + 1);
    assert_int_equal(row_of(place, run_id).status, STORE_RUN_FINISHED);
}

/* Stopped at an event, of which some are heard before they are stored: the next process asks again
 * only for what was not answered, no number means two things, and the text comes whole. */
static void test_a_run_that_asks_goes_on_in_the_next_process(void **state)
{
    static const char *const broken[] = {"It ", "was ", "AGAIN", "It ", "is! ", NULL};
    struct place *place = open_place(1);
    unsigned skipped = 0;

    (void)state;
    drain(place, 0);
    for (unsigned seq = 1; seq < 36; seq++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%u", seq);
        set_script(broken, text_in_pieces);
        pace = place->store;
        stop_and_take_up(place, id, seq);
        struct texts texts = assert_told(place, id);
        assert_string_equal(texts.last, "Spend is high, and it grows steadily each month.");
        assert_int_equal(texts.withdrawn, texts.begun - 1);
        assert_true(asked_count == 3 || asked_count == 4);
        assert_int_equal(calls_of(place, id).count, 4); /* of three questions */
        skipped += count_skipped(place, id) > 0;
        drain(place, 0);
    }
    print_message("%u of 35 lost text on its way\n", skipped);
    assert_true(skipped > 0);
    close_place(place);
}

static void test_a_drained_run_has_its_time(void **state)
{
    struct place *place = open_place(1);

    (void)state;
    set_script(text_in_pieces, plain_answer);
    start_with(place, "run-1", "why?");
    start_with(place, "run-2", "why?");
    while (!asks) {
        turn(place);
    }
    drain(place, 20000);
    assert_int_equal(row_of(place, "run-1").status, STORE_RUN_FINISHED);
    close_place(place);
}

/* ---- from a log ---- */

/* A log that is left in pieces, with the calls that it depends on. */
struct left {
    struct stored_log log;
    struct store_model_call calls[8];
    size_t call_count;
    struct arena texts;
};

static bool keep_call(const struct store_model_call *row, void *arg)
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
    left->calls[left->call_count++] = call;
    return true;
}

static void make_log(struct place *place, struct left *left)
{
    uint64_t next;

    *left = (struct left){0};
    arena_init(&left->texts, (size_t)1 << 20);
    start_with(place, "run-000", "why?");
    run_until_ended(place, place->ended + 1);
    log_of(place, "run-000", &left->log);
    assert_int_equal(
        store_list_model_calls(place->store, STR("run-000"), 0, 9, keep_call, left, &next), OK);
    struct store_batch *batch = store_batch_new();
    assert_non_null(batch);
    store_delete_thread(batch, STR("run-000")); /* with the message of the text that was finished */
    store_now(place, batch);
}

static void left_done(struct left *left)
{
    log_free(&left->log);
    arena_done(&left->texts);
}

/* How often the beginning of a log says it. */
static unsigned said_in(const struct stored_log *log, size_t count, const char *part)
{
    struct stored_log beginning = *log;

    beginning.count = count;
    return (unsigned)times(&beginning, part);
}

static void leave(struct place *place, const char *run_id, const struct left *left, size_t count,
                  unsigned answered, uint64_t seq_leased)
{
    struct store_batch *batch = store_batch_new();

    assert_non_null(batch);
    store_put_thread(batch, &(struct store_thread){.id = str_from(run_id), .title = STR("t")});
    store_add_run(batch, &(struct store_run){.id = str_from(run_id),
                                             .thread_id = str_from(run_id),
                                             .status = STORE_RUN_RUNNING,
                                             .prompt = STR("why?"),
                                             .seed = 7,
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

static void assert_taken_up(struct place *place, const char *run_id, const struct left *left,
                            size_t count, unsigned answered)
{
    struct stored_log log = {0};

    log_of(place, run_id, &log);
    assert_log_holds(&log);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(log.json[i], left->log.json[i]);
    }
    struct texts texts = texts_of(&log);
    assert_string_equal(texts.last, "It is dear, and dearer.");
    assert_int_equal(texts.withdrawn, texts.begun - 1);
    assert_int_equal(times(&log, "netra.model_asked"), times(&log, "netra.model_answered"));
    assert_int_equal(times(&log, "netra.skipped"), 0);
    assert_int_equal(asked_count, 3 - answered);
    assert_int_equal(row_of(place, run_id).status, STORE_RUN_FINISHED);
    log_free(&log);
    struct store_batch *batch = store_batch_new();
    assert_non_null(batch);
    store_delete_thread(batch,
                        str_from(run_id)); /* its message may have the id of the next one's */
    store_now(place, batch);
}

static const char *const crying_after_all[] = {"It ", "AGAIN", "It ", "cries", "! ", NULL};
static const char *const repaired_in_pieces[] = {"It is ", "dear, ", "and ", "dearer.", NULL};

/* From each event; then with the answer in the store and "answered" not, which no crash leaves. */
static void test_a_run_is_completed_from_every_point_of_its_log(void **state)
{
    struct place *place = open_place(1);
    struct left left;
    char id[32];

    (void)state;
    set_script(crying_after_all, repaired_in_pieces);
    make_log(place, &left);
    size_t last = where(&left.log, "ACTIVITY_SNAPSHOT");
    drain(place, 0);
    for (unsigned ahead = 0; ahead <= 1; ahead++) {
        for (size_t count = 1; count <= last; count++) {
            unsigned answered = said_in(&left.log, count, "netra.model_answered");

            if (ahead && said_in(&left.log, count, "netra.model_asked") == answered) {
                continue;
            }
            answered += ahead;
            set_script(crying_after_all, repaired_in_pieces);
            (void)snprintf(id, sizeof(id), "run-%u-%zu", ahead, count);
            leave(place, id, &left, count, answered, /* seq_leased */ 0);
            unsigned ended = place->ended;
            restart(place);
            run_until_ended(place, ended + 1);
            assert_taken_up(place, id, &left, count, answered);
            drain(place, 0);
        }
    }
    left_done(&left);
    close_place(place);
}

/* The process died with text on its way: what clients may have heard is never said again. */
static void test_leased_numbers_are_skipped(void **state)
{
    struct place *place = open_place(1);
    struct stored_log log = {0};
    struct left left;

    (void)state;
    set_script(crying_after_all, repaired_in_pieces);
    make_log(place, &left);
    drain(place, 0);
    size_t count = where(&left.log, "TEXT_MESSAGE_CONTENT") + 1;
    set_script(crying_after_all, repaired_in_pieces);
    leave(place, "run-001", &left, count, 1, count + 40);
    restart(place);
    run_until_ended(place, 2);
    log_of(place, "run-001", &log);
    assert_log_holds(&log);
    assert_int_equal(times(&log, "netra.skipped"), 40);
    for (size_t i = count; i < count + 40; i++) {
        assert_true(says(log.json[i], "netra.skipped\",\"value\":{}"));
    }
    assert_true(says(log.json[count + 40], "netra.resumed"));
    assert_string_equal(texts_of(&log).last, "It is dear, and dearer.");
    assert_true(row_of(place, "run-001").times.seq_leased == 0);
    log_free(&log);
    drain(place, 0);

    leave(place, "run-002", &left, count, 1, 1000000); /* no lease of ours: not filled */
    restart(place);
    while (runner_counts(place->runner).failed == 0) {
        turn(place);
    }
    log_of(place, "run-002", &log);
    assert_int_equal(log.count, count);
    log_free(&log);
    left_done(&left);
    close_place(place);
}

/* Settings change between two processes; what was asked before stays asked. */
static void test_a_run_keeps_its_answers_without_the_chain(void **state)
{
    struct place *place = open_place(1);
    struct left left;

    (void)state;
    set_script(crying_after_all, repaired_in_pieces);
    make_log(place, &left);
    drain(place, 0);
    size_t last = where(&left.log, "ACTIVITY_SNAPSHOT");
    place->llm = NULL;
    leave(place, "run-001", &left, last, 3, 0);
    leave(place, "run-002", &left, 3, 0, 0);
    asked_count = 0;
    restart(place);
    run_until_ended(place, 3);
    assert_taken_up(place, "run-001", &left, last, 3);
    assert_int_equal(row_of(place, "run-002").status, STORE_RUN_FINISHED);
    assert_non_null(strstr(calls_of(place, "run-002").text,
                           "0/0 plan not_asked last in 0 out 0 cost 0 [no model is configured]"));
    left_done(&left);
    close_place(place);
}

static void test_a_log_without_its_answer_goes_another_way(void **state)
{
    struct place *place = open_place(1);
    struct stored_log log = {0};
    struct left left;

    (void)state;
    set_script(crying_after_all, repaired_in_pieces);
    make_log(place, &left);
    drain(place, 0);
    leave(place, "run-001", &left, where(&left.log, "\"question\":1") + 1, 0, 0);
    left.calls[0].answer = STR("{");
    leave(place, "run-002", &left, where(&left.log, "\"question\":1") + 1, 1, 0);
    restart(place);
    run_until_ended(place, 3);
    log_of(place, "run-001", &log);
    assert_true(says(log.json[log.count - 1], "REPLAY_DIFFERS"));
    log_free(&log);
    log_of(place, "run-002", &log);
    assert_true(says(log.json[log.count - 1], "cannot be read"));
    log_free(&log);
    left_done(&left);
    close_place(place);
}

/* A run whose text brings the process down each time gets no further, whatever it wrote. */
static void test_text_alone_is_no_progress(void **state)
{
    static const char *const stuck[] = {"It ", "is ", "HANG", NULL};
    struct place *place = open_place(1);
    struct stored_log log = {0};
    struct left left;

    (void)state;
    set_script(crying_after_all, repaired_in_pieces);
    make_log(place, &left);
    drain(place, 0);
    leave(place, "run-001", &left, where(&left.log, "\"purpose\":\"write\"") + 1, 1, 0);
    set_script(stuck, plain_answer);
    for (unsigned attempt = 1; attempt <= RUNNER_ATTEMPTS_MAX; attempt++) {
        restart(place);
        while (!asks || !asks->is_hanging) {
            turn(place);
        }
        drain(place, 0);
    }
    restart(place);
    run_until_ended(place, 2);
    log_of(place, "run-001", &log);
    assert_true(says(log.json[log.count - 1], "GAVE_UP"));
    assert_heard(place, "run-000", &left.log);
    log_free(&log);
    left_done(&left);
    close_place(place);
}

/* ---- memory ---- */

static void test_a_run_that_asks_survives_memory_running_out(void **state)
{
    struct place *place = open_place(1);
    int64_t since_us = clock_now_us();
    unsigned lost = 0;

    (void)state;
    set_script(crying_after_all, repaired_in_pieces);
    for (uint64_t nth = 1; nth < 700; nth += 1 + nth / 16) {
        uint64_t before = runner_counts(place->runner).failed;
        unsigned ended = place->ended;
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%u", (unsigned)nth);
        start_with(place, id, "why?");
        (void)alloc_fail_from(nth);
        while (place->ended == ended && runner_counts(place->runner).failed == before) {
            turn(place);
            assert_false(is_late(since_us));
        }
        (void)alloc_fail_from(0);
        if (place->ended == ended) {
            assert_true(row_of(place, id).status <= STORE_RUN_RUNNING);
            lost++;
        }
        assert_int_equal(runner_counts(place->runner).asking, 0);
    }
    drain(place, 0);
    unsigned ended = place->ended;
    restart(place);
    run_until_ended(place, ended + lost);
    assert_int_equal(runner_counts(place->runner).finished, lost);
    print_message("lost %u\n", lost);
    close_place(place);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_run_is_planned_and_written_by_a_model),
    cmocka_unit_test(test_text_is_heard_before_it_is_stored),
    cmocka_unit_test(test_refused_text_is_withdrawn_and_repaired),
    cmocka_unit_test(test_an_attempt_that_breaks_off_is_void),
    cmocka_unit_test(test_without_a_chain_nothing_is_asked),
    cmocka_unit_test(test_a_question_that_cannot_be_asked_is_answered_by_nobody),
    cmocka_unit_test(test_tokens_of_a_run_are_counted_down),
    cmocka_unit_test(test_runs_that_hang_keep_nobody_waiting),
    cmocka_unit_test(test_a_run_that_asks_can_be_cancelled_at_every_event),
    cmocka_unit_test(test_a_run_that_hangs_can_be_cancelled),
    cmocka_unit_test(test_a_run_that_asks_goes_on_in_the_next_process),
    cmocka_unit_test(test_a_drained_run_has_its_time),
    cmocka_unit_test(test_a_run_is_completed_from_every_point_of_its_log),
    cmocka_unit_test(test_leased_numbers_are_skipped),
    cmocka_unit_test(test_a_run_keeps_its_answers_without_the_chain),
    cmocka_unit_test(test_a_log_without_its_answer_goes_another_way),
    cmocka_unit_test(test_text_alone_is_no_progress),
    cmocka_unit_test(test_a_run_that_asks_survives_memory_running_out),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
