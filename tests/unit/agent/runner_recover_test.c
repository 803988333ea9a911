/*
 * Runs after a restart: taken up from every point of their log, from a report that was stored, and
 * given up for a reason; drained in time, and stopped in the middle.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "runner_fixture.h"

/* ---- after a restart ---- */

static const char run_of_log[] = "run-000"; /* whose log is left in pieces */

/* The bytes of text over those that are there. */
static void overwrite(char *at, const char *text)
{
    while (*text) {
        *at++ = *text++;
    }
}

/* Ids inside a log hold that of its run; all are of one length. */
static void rename_run(char *json, const char *from, const char *to)
{
    for (char *at = json; (at = strstr(at, from)) != NULL; at++) {
        overwrite(at, to);
    }
}

static bool is_left_cancelled;

/* What the last process left: a run with the beginning of a log. */
static void leave(struct place *place, const char *run_id, const struct stored_log *log,
                  size_t count, const char *report_id)
{
    struct store_batch *batch = store_batch_new(STR(STORE_WORKSPACE_FIRST));

    assert_non_null(batch);
    store_put_thread(batch, &(struct store_thread){.id = STR("thread-1"), .title = STR("t")});
    store_add_run(batch,
                  &(struct store_run){.id = str_from(run_id),
                                      .thread_id = STR("thread-1"),
                                      .status = count > 1 ? STORE_RUN_RUNNING : STORE_RUN_QUEUED,
                                      .prompt = STR(QUESTION),
                                      .dataset_id = STR(DATASET),
                                      .seed = 7,
                                      .created_us = log->time_us[0],
                                      .is_cancelled = is_left_cancelled,
                                      .report_id = str_from(report_id)});
    for (size_t i = 0; i < count; i++) {
        rename_run(log->json[i], run_of_log, run_id);
        store_add_event(batch, &(struct store_event){.run_id = str_from(run_id),
                                                     .seq = i + 1,
                                                     .time_us = log->time_us[i],
                                                     .json = str_from(log->json[i])});
        rename_run(log->json[i], run_id, run_of_log);
    }
    store_now(place, batch);
}

/* A log to be left in pieces. */
static void make_log(struct place *place, struct stored_log *log)
{
    add_dataset(place, STORE_DATASET_READY);
    start(place, run_of_log, DATASET);
    run_until_ended(place, 1);
    log_of(place, run_of_log, log);
}

static void assert_completed(struct place *place, const char *run_id, const struct stored_log *full,
                             size_t left)
{
    struct stored_log log = {0};

    log_of(place, run_id, &log);
    assert_log_holds(&log);
    for (size_t i = 0; i < left; i++) {
        rename_run(log.json[i], run_id, run_of_log);
        assert_string_equal(log.json[i], full->json[i]);
    }
    assert_int_equal(log.count, full->count + 1);
    assert_true(says(log.json[left], "\"name\":\"netra.resumed\",\"value\":{\"attempt\":1}"));
    for (size_t i = left; i < full->count; i++) {
        assert_true(str_equal(member(log.json[i + 1], "\"type\":\""),
                              member(full->json[i], "\"type\":\"")));
    }
    assert_int_equal(row_of(place, run_id).status, STORE_RUN_FINISHED);
    log_free(&log);
}

static void test_a_run_is_completed_from_every_point_of_its_log(void **state)
{
    struct place *place = place_open(2);
    struct stored_log full = {0};

    (void)state;
    make_log(place, &full);
    size_t last = where(&full, "\"type\":\"TEXT_MESSAGE_START\"");
    drain(place, 0);
    for (size_t left = 1; left <= last; left++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%03zu", left);
        leave(place, id, &full, left, "");
    }
    restart(place);
    run_until_ended(place, 1 + (unsigned)last);
    for (size_t left = 1; left <= last; left++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%03zu", left);
        assert_completed(place, id, &full, left);
    }
    log_free(&full);
    place_close(place);
}

/* A cancellation that the last process did not live to carry out: the run is made again as far as
 * its log goes, so that what was begun has an end, and no further. */
static void test_a_cancellation_outlives_the_process(void **state)
{
    static const size_t lefts[] = {1, 2, 9};
    struct place *place = place_open(2);
    struct stored_log full = {0};
    struct stored_log log = {0};

    (void)state;
    make_log(place, &full);
    drain(place, 0);
    is_left_cancelled = true;
    for (size_t i = 0; i < ARRAY_LENGTH(lefts); i++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%03zu", lefts[i]);
        leave(place, id, &full, lefts[i], "");
    }
    is_left_cancelled = false;
    restart(place);
    run_until_ended(place, 1 + (unsigned)ARRAY_LENGTH(lefts));
    for (size_t i = 0; i < ARRAY_LENGTH(lefts); i++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%03zu", lefts[i]);
        assert_ended(place, id, STORE_RUN_CANCELLED);
        log_of(place, id, &log);
        assert_true(log.count < full.count);
        log_free(&log);
    }
    log_free(&full);
    place_close(place);
}

static void test_a_cancellation_is_kept(void **state)
{
    struct place *place = place_open(1);

    (void)state;
    add_dataset(place, STORE_DATASET_READY);
    start(place, "run-1", DATASET); /* its records are being opened */
    assert_int_equal(runner_cancel(place->runner, STR("other"), STR("run-1")), ERR_NOT_FOUND);
    assert_int_equal(runner_cancel(place->runner, STR(STORE_WORKSPACE_FIRST), STR("run-1")), OK);
    run_until_ended(place, 1);
    assert_ended(place, "run-1", STORE_RUN_CANCELLED);
    assert_true(row_of(place, "run-1").times.is_cancelled);
    place_close(place);
}

/* The report was stored, its end was not. */
static void test_a_report_that_is_stored_is_not_made_again(void **state)
{
    struct place *place = place_open(2);
    struct stored_log full = {0};
    struct stored_log log = {0};

    (void)state;
    make_log(place, &full);
    size_t left = where(&full, "\"type\":\"ACTIVITY_SNAPSHOT\"") + 1;
    drain(place, 0);
    leave(place, "run-001", &full, left, "report-1");
    restart(place);
    run_until_ended(place, 2);
    log_of(place, "run-001", &log);
    assert_log_holds(&log);
    assert_int_equal(log.count, full.count);
    assert_true(says(log.json[left], "\"deliveredTo\":0"));
    assert_true(says(log.json[left + 1], "\"reportId\":\"report-1\""));
    assert_int_equal(row_of(place, "run-001").status, STORE_RUN_FINISHED);
    assert_string_equal(row_of(place, "run-001").report_id, "report-1");
    log_free(&log);
    log_free(&full);
    place_close(place);
}

static void assert_failed(struct place *place, const char *run_id, const char *code)
{
    struct stored_log log = {0};
    char part[64];

    log_of(place, run_id, &log);
    assert_log_holds(&log);
    (void)snprintf(part, sizeof(part), "\"code\":\"%s\"", code);
    if (!says(log.json[log.count - 1], part)) {
        fail_msg("%s is not in %s", part, log.json[log.count - 1]);
    }
    assert_int_equal(row_of(place, run_id).status, STORE_RUN_FAILED);
    assert_true(row_of(place, run_id).reason[0] != '\0');
    log_free(&log);
}

static void test_a_run_that_goes_another_way_fails(void **state)
{
    struct place *place = place_open(2);
    struct stored_log full = {0};

    (void)state;
    make_log(place, &full);
    size_t call = where(&full, "\"toolCallName\":\"dataset_profile\"");
    char *name = strstr(full.json[call], "dataset_profile");
    drain(place, 0);
    overwrite(name, "dataset_PROFILE");
    leave(place, "run-001", &full, call + 4, "");
    /* a log that has more than the run makes before its report */
    overwrite(name, "dataset_profile");
    size_t last = where(&full, "\"type\":\"TEXT_MESSAGE_START\"");
    free(full.json[last]);
    full.json[last] = strdup(full.json[where(&full, "STATE_SNAPSHOT")]);
    leave(place, "run-002", &full, last + 1, "");
    restart(place);
    run_until_ended(place, 3);
    assert_failed(place, "run-001", "REPLAY_DIFFERS");
    assert_failed(place, "run-002", "REPLAY_DIFFERS");
    assert_int_equal(runner_counts(place->runner).failed, 2);
    log_free(&full);
    place_close(place);
}

static void test_records_that_are_gone_are_a_reason(void **state)
{
    struct place *place = place_open(2);
    struct stored_log full = {0};

    (void)state;
    make_log(place, &full);
    drain(place, 0);
    leave(place, "run-001", &full, 5, "");
    leave(place, "run-002", &full, 1, "");
    played_dataset = NULL;
    restart(place);
    run_until_ended(place, 3);
    assert_failed(place, "run-001", "DATASET_GONE");
    assert_failed(place, "run-002", "DATASET_GONE");
    log_free(&full);
    place_close(place);
    played_dataset = sample;
}

/* Each attempt is in the log; after the last one that is allowed the run is given up. */
static void test_a_run_is_not_tried_for_ever(void **state)
{
    struct place *place = place_open(2);
    struct stored_log full = {0};
    struct stored_log log = {0};

    (void)state;
    make_log(place, &full);
    drain(place, 0);
    leave(place, "run-001", &full, 7, "");
    for (unsigned attempt = 1; attempt <= RUNNER_ATTEMPTS_MAX; attempt++) {
        restart(place);
        drain(place, 0);
        log_of(place, "run-001", &log);
        assert_int_equal(times(&log, "netra.resumed"), attempt);
        log_free(&log);
    }
    restart(place);
    run_until_ended(place, 2);
    assert_failed(place, "run-001", "GAVE_UP");
    log_free(&full);
    place_close(place);
}

static void test_a_run_that_is_taken_up_can_be_cancelled(void **state)
{
    struct place *place = place_open(2);
    struct stored_log full = {0};

    (void)state;
    make_log(place, &full);
    size_t last = where(&full, "\"type\":\"TEXT_MESSAGE_START\"");
    drain(place, 0);
    leave(place, "run-001", &full, 20, "");
    leave(place, "run-002", &full, 1, "");
    leave(place, "run-003", &full, last, "");
    restart(place);
    assert_int_equal(runner_cancel(place->runner, STR(STORE_WORKSPACE_FIRST), STR("run-001")), OK);
    assert_int_equal(runner_cancel(place->runner, STR(STORE_WORKSPACE_FIRST), STR("run-002")), OK);
    assert_int_equal(runner_cancel(place->runner, STR(STORE_WORKSPACE_FIRST), STR("run-003")), OK);
    run_until_ended(place, 4);
    assert_ended(place, "run-001", STORE_RUN_CANCELLED);
    assert_ended(place, "run-002", STORE_RUN_CANCELLED);
    assert_ended(place, "run-003", STORE_RUN_CANCELLED);
    log_free(&full);
    place_close(place);
}

/* ---- drained ---- */

static void test_what_is_at_work_has_its_time_to_end(void **state)
{
    struct place *place = place_open(2);

    (void)state;
    add_dataset(place, STORE_DATASET_READY);
    start(place, "run-1", DATASET);
    start(place, "run-2", DATASET);
    start(place, "run-3", DATASET);
    drain(place, 20000);
    assert_ended(place, "run-1", STORE_RUN_FINISHED);
    assert_ended(place, "run-2", STORE_RUN_FINISHED);
    assert_int_equal(row_of(place, "run-3").status, STORE_RUN_QUEUED);
    restart(place);
    run_until_ended(place, 3);
    assert_ended(place, "run-3", STORE_RUN_FINISHED);
    place_close(place);
}

static void stop_at(struct place *place, const struct heard *heard)
{
    if (heard->seq == place->at_seq) {
        place->on_event = NULL;
        runner_drain(place->runner, 0, set_drained, place);
    }
}

/* Stopped in the middle, again and again at later events: never ended, never twice the same. */
static void test_a_run_that_is_stopped_goes_on_in_the_next_process(void **state)
{
    struct place *place = place_open(1);
    struct stored_log full = {0};

    (void)state;
    make_log(place, &full);
    drain(place, 0);
    for (unsigned seq = 1; seq < full.count; seq += 4) {
        char id[32];
        int64_t since_us = clock_now_us();
        unsigned ended = place->ended;

        (void)snprintf(id, sizeof(id), "run-%u", seq);
        restart(place);
        place->at_seq = seq;
        place->is_drained = false;
        place->on_event = stop_at;
        start(place, id, DATASET);
        while (!place->is_drained) {
            (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
            assert_false(is_late(since_us));
        }
        place->on_event = NULL;
        restart(place);
        run_until_ended(place, ended + 1);
        assert_ended(place, id, STORE_RUN_FINISHED);
        drain(place, 0);
    }
    log_free(&full);
    place_close(place);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_cancellation_outlives_the_process),
    cmocka_unit_test(test_a_cancellation_is_kept),
    cmocka_unit_test(test_a_run_is_completed_from_every_point_of_its_log),
    cmocka_unit_test(test_a_report_that_is_stored_is_not_made_again),
    cmocka_unit_test(test_a_run_that_goes_another_way_fails),
    cmocka_unit_test(test_records_that_are_gone_are_a_reason),
    cmocka_unit_test(test_a_run_is_not_tried_for_ever),
    cmocka_unit_test(test_a_run_that_is_taken_up_can_be_cancelled),
    cmocka_unit_test(test_what_is_at_work_has_its_time_to_end),
    cmocka_unit_test(test_a_run_that_is_stopped_goes_on_in_the_next_process),
};

int main(void)
{
    return cmocka_run_group_tests(tests, open_sample, close_sample);
}
