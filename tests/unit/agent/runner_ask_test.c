/*
 * Runs that ask models: the answer is stored before anything that follows from it, text is heard as
 * it comes and in order, nobody waits for a run that hangs; cancelled, drained, stopped and taken
 * up again at every event, with a full log, half a log, and memory that runs out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "played_run.h"

#include <sqlite3.h>

#include "asking_fixture.h"
#include "monitor/fault.h"

static const char *const crying_after_all[] = {"It ", "AGAIN", "It ", "cries", "! ", NULL};
static const char *const repaired_in_pieces[] = {"It is ", "dear, ", "and ", "dearer.", NULL};

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

/* What the first run used is all that the workspace may use in a day: the second one is answered by
 * the built-in analyst, and its log says why (how a run says it in its report is
 * model_silence_test's). */
static void test_a_workspace_has_so_many_tokens_a_day(void **state)
{
    struct place *place = open_place(1);
    struct stored_log log = {0};

    (void)state;
    place->model_tokens_day_max = 240;
    played_started_us = clock_now_us();
    runner_free(place->runner);
    place_runner(place, 1);
    set_script(text_in_pieces, plain_answer);
    start_with(place, "run-1", "why?");
    run_until_ended(place, 1);
    assert_int_equal(asked_count, 2);
    start_with(place, "run-2", "why?");
    run_until_ended(place, 2);
    assert_int_equal(asked_count, 2);
    log_of(place, "run-2", &log);
    assert_log_holds(&log);
    assert_int_equal(times(&log, "the workspace has used its 240 tokens of models for 24 hours"),
                     times(&log, "netra.model_answered"));
    assert_true(times(&log, "netra.model_answered") > 0);
    log_free(&log);
    assert_int_equal(row_of(place, "run-2").status, STORE_RUN_FINISHED);
    played_started_us = 1000000;
    close_place(place);
}

/* With a disk that takes its time no piece waits for it: the message was begun with the question.
 */
static void test_text_is_heard_before_it_is_stored(void **state)
{
    struct place *place = open_place(1);
    unsigned early = 0;

    (void)state;
    set_script(text_in_pieces, plain_answer);
    pace = place;
    start_with(place, "run-1", "why?");
    run_until_ended(place, 1);
    for (size_t i = 0; i < place->heard_count; i++) {
        early += place->heard[i].is_early;
    }
    print_message("%u early\n", early);
    assert_int_equal(early, 9); /* all pieces */
    (void)assert_told(place, "run-1");
    close_place(place);
}

/* However long it is. */
static void test_a_lease_is_renewed(void **state)
{
    enum { PIECES = 200 };
    struct place *place = open_place(1);
    unsigned early = 0;

    (void)state;
    set_script(plain_answer, plain_answer);
    for (unsigned i = 0; i < PIECES; i++) {
        script.write[i] = "word ";
        script.write[i + 1] = NULL;
    }
    pace = place;
    start_with(place, "run-1", "why?");
    run_until_ended(place, 1);
    for (size_t i = 0; i < place->heard_count; i++) {
        early += place->heard[i].is_early;
    }
    assert_int_equal(early, PIECES);
    (void)assert_told(place, "run-1");
    assert_int_equal(count_skipped(place, "run-1"), 0);
    close_place(place);
}

/* Another program holds the file from the first piece on: nothing is stored. */
static sqlite3 *held_file;

static void hold_at_text(struct place *place, const struct heard *heard)
{
    char path[128];

    if (!held_file && says(heard->json, "TEXT_MESSAGE_CONTENT")) {
        (void)snprintf(path, sizeof(path), "%s/netra.db", place->folder);
        assert_int_equal(sqlite3_open(path, &held_file), SQLITE_OK);
        assert_int_equal(sqlite3_exec(held_file, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        pace = NULL;
    }
}

static void test_text_does_not_wait_for_the_disk(void **state)
{
    struct place *place = open_place(1);
    int64_t since_us = clock_now_us();
    unsigned early = 0;

    (void)state;
    set_script(text_in_pieces, plain_answer);
    pace = place;
    place->on_event = hold_at_text;
    start_with(place, "run-1", "why?");
    while (early < 8) {
        turn(place);
        assert_false(is_late(since_us));
        early = 0;
        for (size_t i = 0; i < place->heard_count; i++) {
            early += place->heard[i].is_early;
        }
    }
    assert_int_equal(sqlite3_close(held_file), SQLITE_OK);
    run_until_ended(place, 1);
    (void)assert_told(place, "run-1");
    close_place(place);
}

/* What happens while text comes is not heard before it is stored, and nothing overtakes it. */
static void test_nothing_overtakes(void **state)
{
    static const char *const mixed[] = {"It ", "is ", "#", "dear ", "#", "now.", NULL};
    struct place *place = open_place(1);

    (void)state;
    for (unsigned paced = 0; paced <= 1; paced++) {
        struct stored_log log = {0};
        char id[32];

        set_script(mixed, plain_answer);
        pace = paced ? place : NULL;
        (void)snprintf(id, sizeof(id), "run-%u", paced);
        start_with(place, id, "why?");
        run_until_ended(place, paced + 1);
        assert_string_equal(assert_told(place, id).last, "It is dear now.");
        log_of(place, id, &log);
        size_t dear = where(&log, "dear ");
        assert_true(where(&log, "\"beside\"") < dear && where(&log, "is \"") < dear);
        assert_true(dear < where(&log, "now."));
        log_free(&log);
    }
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
        assert_int_equal(runner_cancel(place->runner, STR(STORE_WORKSPACE_FIRST), str_from(id)),
                         OK);
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

static void note_asked(struct place *place, const struct heard *heard)
{
    if (heard->is_last && !place->at_seq) {
        place->at_seq = asked_count;
    }
}

/* Else all would begin before one ends. */
static void test_an_answered_run_comes_before_new_ones(void **state)
{
    enum { RUNS = 30 };
    struct place *place = open_place(1);

    (void)state;
    set_script(text_in_pieces, plain_answer);
    place->on_event = note_asked;
    for (unsigned i = 0; i < RUNS; i++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%u", i);
        start_with(place, id, "why?");
    }
    run_until_ended(place, RUNS);
    print_message("%u questions before the first run ended\n", (unsigned)place->at_seq);
    assert_true(place->at_seq < RUNS);
    close_place(place);
}

/* ---- cancelled ---- */

static void cancel_at(struct place *place, const struct heard *heard)
{
    if (heard->seq == place->at_seq) {
        (void)runner_cancel(place->runner, STR(STORE_WORKSPACE_FIRST), str_from(heard->run_id));
    }
}

static void test_a_run_that_asks_can_be_cancelled_at_every_event(void **state)
{
    static const char *const broken[] = {"It ", "was ", "AGAIN", "It ", "is! ", NULL};
    struct place *place = open_place(1);
    unsigned cancelled = 0;

    (void)state;
    set_script(broken, text_in_pieces);
    pace = place;
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
    assert_int_equal(runner_cancel(place->runner, STR(STORE_WORKSPACE_FIRST), STR("run-1")), OK);
    assert_int_equal(runner_cancel(place->runner, STR(STORE_WORKSPACE_FIRST), STR("run-1")), OK);
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
        pace = place;
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

/* ---- memory ---- */

static void test_a_run_that_asks_survives_memory_running_out(void **state)
{
    struct place *place = open_place(1);
    int64_t since_us = clock_now_us();
    unsigned stalled = 0;

    (void)state;
    set_script(crying_after_all, repaired_in_pieces);
    for (uint64_t nth = 1; nth < 700; nth += 1 + nth / 16) {
        unsigned ended = place->ended;
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%u", (unsigned)nth);
        start_with(place, id, "why?");
        (void)alloc_fail_from(nth);
        while (place->ended == ended && runner_counts(place->runner).stalled == 0) {
            turn(place);
            assert_false(is_late(since_us));
        }
        (void)alloc_fail_from(0);
        assert_int_equal(runner_counts(place->runner).asking, 0);
        if (place->ended == ended) {
            assert_true(row_of(place, id).status <= STORE_RUN_RUNNING);
            run_until_ended(place, ended + 1);
            assert_int_equal(row_of(place, id).status, STORE_RUN_FINISHED);
            (void)assert_told(place, id);
            stalled++;
        }
    }
    print_message("stood still %u\n", stalled);
    assert_true(stalled > 0);
    close_place(place);
}

/* ---- a store that refuses ---- */

static void refuse_once(struct place *place, const struct heard *heard)
{
    if (heard->seq == place->at_seq) {
        place->on_event = NULL;
        assert_int_equal(fault_arm(FAULT_STORE_FULL, 1, 0, 60, clock_now_us()), OK);
    }
}

/* At an event, of which some are heard before they are stored: who listens goes on with the next
 * number, asked again is only what was not answered, and the text comes whole. */
static void test_a_run_that_asks_is_taken_up_wherever_the_store_refused(void **state)
{
    static const char *const broken[] = {"It ", "was ", "AGAIN", "It ", "is! ", NULL};
    struct place *place = open_place(1);
    unsigned skipped = 0;

    (void)state;
    fault_allow(true);
    for (unsigned seq = 1; seq < 36; seq++) {
        unsigned ended = place->ended;
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%u", seq);
        set_script(broken, text_in_pieces);
        pace = place;
        place->at_seq = seq;
        place->on_event = refuse_once;
        start_with(place, id, "why?");
        run_until_ended(place, ended + 1);
        fault_disarm_all();
        struct texts texts = assert_told(place, id);
        assert_string_equal(texts.last, "Spend is high, and it grows steadily each month.");
        assert_int_equal(texts.withdrawn, texts.begun - 1);
        /* the answer that was refused, and what was asked meanwhile */
        assert_in_range(asked_count, 3, 5);
        assert_int_equal(calls_of(place, id).count, 4); /* of three questions */
        skipped += count_skipped(place, id) > 0;
    }
    print_message("%u of 35 lost text on its way\n", skipped);
    assert_true(skipped > 0);
    close_place(place);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_run_is_planned_and_written_by_a_model),
    cmocka_unit_test(test_a_workspace_has_so_many_tokens_a_day),
    cmocka_unit_test(test_text_is_heard_before_it_is_stored),
    cmocka_unit_test(test_a_lease_is_renewed),
    cmocka_unit_test(test_text_does_not_wait_for_the_disk),
    cmocka_unit_test(test_nothing_overtakes),
    cmocka_unit_test(test_refused_text_is_withdrawn_and_repaired),
    cmocka_unit_test(test_an_attempt_that_breaks_off_is_void),
    cmocka_unit_test(test_without_a_chain_nothing_is_asked),
    cmocka_unit_test(test_a_question_that_cannot_be_asked_is_answered_by_nobody),
    cmocka_unit_test(test_tokens_of_a_run_are_counted_down),
    cmocka_unit_test(test_runs_that_hang_keep_nobody_waiting),
    cmocka_unit_test(test_an_answered_run_comes_before_new_ones),
    cmocka_unit_test(test_a_run_that_asks_can_be_cancelled_at_every_event),
    cmocka_unit_test(test_a_run_that_hangs_can_be_cancelled),
    cmocka_unit_test(test_a_run_that_asks_goes_on_in_the_next_process),
    cmocka_unit_test(test_a_drained_run_has_its_time),
    cmocka_unit_test(test_a_run_that_asks_survives_memory_running_out),
    cmocka_unit_test(test_a_run_that_asks_is_taken_up_wherever_the_store_refused),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
