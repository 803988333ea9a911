/*
 * Runs that asked models and are done again: from every point of their log, with answers that are
 * recorded, not recorded or damaged, with numbers that were leased, without a chain.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "played_run.h"

#include "asking_fixture.h"

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
    struct store_batch *batch = store_batch_new(STR(STORE_WORKSPACE_FIRST));
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
    pace = place; /* each piece is an event */
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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_run_is_completed_from_every_point_of_its_log),
    cmocka_unit_test(test_leased_numbers_are_skipped),
    cmocka_unit_test(test_a_run_keeps_its_answers_without_the_chain),
    cmocka_unit_test(test_a_log_without_its_answer_goes_another_way),
    cmocka_unit_test(test_text_alone_is_no_progress),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
