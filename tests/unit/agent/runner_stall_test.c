/*
 * A store that refuses for a while: the same runner takes its runs up again. Whoever listens hears
 * each event once, in order, without a gap; what was asked meanwhile is done.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "runner_fixture.h"

#include "monitor/fault.h"

#define FAULT_SECONDS 60u

static void refuse(uint64_t times)
{
    assert_int_equal(fault_arm(FAULT_STORE_FULL, times, 0, FAULT_SECONDS, clock_now_us()), OK);
}

static void take(void)
{
    fault_disarm_all();
}

static uint64_t refusals;

/* What follows the acceptance may be one batch, up to the report; what follows the resumption of a
 * run begins with a batch of its own. */
static void refuse_from(struct place *place, const struct heard *heard)
{
    if (heard->seq == 1 && place->at_seq == 2) {
        refuse(1);
    } else if (heard->seq == place->at_seq) {
        place->on_event = NULL;
        refuse(refusals);
    }
}

/* The store refuses from when this event is heard; 0: until it is told otherwise. */
static void refuse_at(struct place *place, uint64_t seq, uint64_t times)
{
    refusals = times;
    place->at_seq = seq;
    place->on_event = refuse_from;
}

static void run_until_stalled(struct place *place, unsigned stalled)
{
    int64_t since_us = clock_now_us();

    while (place->on_event || runner_counts(place->runner).stalled < stalled) {
        (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
        assert_false(is_late(since_us));
    }
}

static void run_for(struct place *place, int64_t ms)
{
    int64_t since_us = clock_now_us();

    while (clock_now_us() - since_us < ms * 1000) {
        (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
    }
}

/* With a run that stands still: the store refused what followed this event, so many times (0: until
 * it is told otherwise). */
static struct place *open_stalled(uint64_t seq, uint64_t times)
{
    struct place *place = place_open(1);

    add_dataset(place, STORE_DATASET_READY);
    refuse_at(place, seq, times);
    start(place, "run-1", DATASET);
    run_until_stalled(place, 1);
    return place;
}

/* What was heard is the log, event by event; it was made again so many times. */
static void assert_heard_once(struct place *place, const char *run_id, size_t resumed)
{
    struct stored_log log = {0};
    uint64_t seq = 0;

    for (size_t i = 0; i < place->heard_count; i++) {
        if (strcmp(place->heard[i].run_id, run_id) == 0) {
            assert_false(place->heard[i].is_early);
            assert_int_equal(place->heard[i].seq, ++seq);
        }
    }
    log_of(place, run_id, &log);
    assert_log_holds(&log);
    assert_int_equal(log.count, seq);
    assert_int_equal(times(&log, "\"name\":\"netra.resumed\",\"value\":{\"attempt\":0}"), resumed);
    log_free(&log);
}

/* Whichever batch is refused, and however often. */
static void test_a_run_is_taken_up_wherever_the_store_refused(void **state)
{
    struct place *place = place_open(1);
    struct stored_log full = {0};
    size_t resumptions = 0;
    size_t runs = 0;

    (void)state;
    add_dataset(place, STORE_DATASET_READY);
    start(place, "run-000", DATASET);
    run_until_ended(place, 1);
    log_of(place, "run-000", &full);
    for (uint64_t seq = 1; seq < full.count; seq += 3) {
        unsigned ended = place->ended;
        struct stored_log log = {0};
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%03u", (unsigned)seq);
        refuse_at(place, seq, 1 + seq % 2);
        start(place, id, DATASET);
        run_until_ended(place, ended + 1);
        take();
        log_of(place, id, &log);
        size_t resumed = times(&log, "netra.resumed");
        assert_in_range(resumed, 0, 1); /* none: the report was stored, or nothing followed */
        assert_int_equal(log.count, full.count + resumed);
        log_free(&log);
        assert_heard_once(place, id, resumed);
        resumptions += resumed;
        runs++;
        assert_int_equal(row_of(place, id).status, STORE_RUN_FINISHED);
    }
    assert_true(resumptions > 0 && runs > 3);
    assert_int_equal(runner_counts(place->runner).failed, 0);
    assert_int_equal(runner_counts(place->runner).stalled, 0);
    log_free(&full);
    place_close(place);
}

/* While it refuses nothing is begun, and nothing is in vain; then all of them end. */
static void test_many_runs_wait_for_the_store(void **state)
{
    struct place *place = place_open(4);
    char id[32];

    (void)state;
    add_dataset(place, STORE_DATASET_READY);
    refuse_at(place, 5, 0);
    for (unsigned i = 0; i < 24; i++) {
        (void)snprintf(id, sizeof(id), "run-%u", i);
        start(place, id, DATASET);
    }
    run_until_stalled(place, 1);
    run_for(place, 500);
    assert_true(runner_counts(place->runner).stalled <= 8);
    assert_int_equal(runner_counts(place->runner).working, 0);
    unsigned ended = place->ended;
    size_t heard = place->heard_count;
    run_for(place, 200);
    assert_int_equal(place->ended, ended);
    assert_int_equal(place->heard_count, heard);
    take();
    run_until_ended(place, 24 - place->refused);
    assert_int_equal(place->accepted + place->refused, 24);
    assert_true(place->accepted > 4);
    for (unsigned i = 0; i < place->heard_count; i++) {
        if (place->heard[i].is_last) {
            struct stored_log log = {0};

            log_of(place, place->heard[i].run_id, &log);
            assert_heard_once(place, place->heard[i].run_id, times(&log, "netra.resumed"));
            log_free(&log);
        }
    }
    assert_int_equal(runner_counts(place->runner).finished, place->accepted);
    place_close(place);
}

/* A run that is accepted says that the store takes again: nobody waits for the next look. */
static void test_an_acceptance_ends_the_waiting(void **state)
{
    struct place *place = open_stalled(1, 0);
    int64_t since_us;

    (void)state;
    run_for(place, 1700); /* looked at after 0.1, 0.3, 0.7, 1.5 and 3.1 s */
    take();
    since_us = clock_now_us();
    start(place, "run-2", DATASET);
    run_until_ended(place, 2);
    assert_true(clock_now_us() - since_us < SECOND_US);
    assert_heard_once(place, "run-1", 1);
    assert_heard_once(place, "run-2", 0);
    place_close(place);
}

static void assert_stalled_can_be_cancelled(uint64_t seq)
{
    struct place *place = open_stalled(seq, 0);
    struct error error = {0};

    assert_int_equal(try_start(place, "run-1", DATASET, &error), ERR_EXISTS);
    assert_int_equal(runner_cancel(place->runner, STR("other"), STR("run-1")), ERR_NOT_FOUND);
    assert_int_equal(runner_cancel(place->runner, STR(STORE_WORKSPACE_FIRST), STR("run-1")), OK);
    run_for(place, 150);
    assert_int_equal(runner_counts(place->runner).stalled, 1);
    take();
    run_until_ended(place, 1);
    assert_heard_once(place, "run-1", seq);
    assert_ended(place, "run-1", STORE_RUN_CANCELLED);
    assert_int_equal(runner_counts(place->runner).cancelled, 1);
    place_close(place);
}

/* In the middle, and before it has told anything: its end is then the first that it tells. */
static void test_a_run_that_stands_still_can_be_cancelled(void **state)
{
    (void)state;
    assert_stalled_can_be_cancelled(2);
    assert_stalled_can_be_cancelled(1);
}

static void test_a_thread_that_is_deleted_meanwhile_takes_its_run_with_it(void **state)
{
    struct place *place = open_stalled(1, 0);
    int64_t since_us = clock_now_us();

    (void)state;
    struct store_batch *batch = store_batch_new(STR(STORE_WORKSPACE_FIRST));
    assert_non_null(batch);
    store_delete_thread(batch, STR("thread-1"));
    take(); /* what the run submits from now on comes behind the deletion */
    store_now(place, batch);
    while (runner_counts(place->runner).failed == 0) {
        (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
        assert_false(is_late(since_us));
    }
    assert_int_equal(runner_counts(place->runner).stalled, 0);
    assert_int_equal(place->ended, 0);
    start(place, "run-1", DATASET); /* the id is free */
    run_until_ended(place, 1);
    assert_ended(place, "run-1", STORE_RUN_FINISHED);
    place_close(place);
}

/* A server that stops does not wait for the disk; the next one ends the run. */
static void test_a_run_that_stands_still_does_not_keep_the_server(void **state)
{
    struct place *place = open_stalled(1, 0);
    int64_t since_us;

    (void)state;
    since_us = clock_now_us();
    drain(place, 20000);
    assert_true(clock_now_us() - since_us < 5 * SECOND_US);
    assert_int_equal(row_of(place, "run-1").status, STORE_RUN_QUEUED);
    take();
    restart(place);
    run_until_ended(place, 1);
    assert_ended(place, "run-1", STORE_RUN_FINISHED);
    assert_heard_once(place, "run-1", 0);
    place_close(place);
}

/* Drained while it is at work again, and while the store is being looked at. */
static void test_draining_at_any_moment_of_taking_up(void **state)
{
    struct place *place = place_open(1);

    (void)state;
    add_dataset(place, STORE_DATASET_READY);
    for (unsigned ms = 90; ms < 125; ms += 5) {
        unsigned ended = place->ended;
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%u", ms);
        refuse_at(place, 1, 1);
        start(place, id, DATASET);
        run_until_stalled(place, 1);
        run_for(place, ms);
        drain(place, 0);
        restart(place);
        run_until_ended(place, ended + (place->ended == ended));
        assert_ended(place, id, STORE_RUN_FINISHED);
        drain(place, 0);
        restart(place);
    }
    place_close(place);
}

static void refuse_behind_resumption(struct place *place, const struct heard *heard)
{
    if (heard->json && says(heard->json, "netra.resumed")) {
        place->on_event = NULL;
        refuse(1);
    }
}

/* The last attempt that a run has is not used up by a disk. */
static void test_what_the_disk_refuses_is_no_attempt(void **state)
{
    struct place *place = place_open(1);
    struct stored_log log = {0};

    (void)state;
    place->keeps_json = true;
    add_dataset(place, STORE_DATASET_READY);
    refuse_at(place, 1, 0);
    start(place, "run-1", DATASET);
    run_until_stalled(place, 1);
    drain(place, 0);
    take();
    for (unsigned attempt = 1; attempt < RUNNER_ATTEMPTS_MAX; attempt++) {
        restart(place);
        drain(place, 0);
    }
    place->on_event = refuse_behind_resumption;
    restart(place);
    run_until_ended(place, 1);
    assert_ended(place, "run-1", STORE_RUN_FINISHED);
    log_of(place, "run-1", &log);
    assert_int_equal(times(&log, "netra.resumed"), RUNNER_ATTEMPTS_MAX + 1);
    assert_int_equal(times(&log, "{\"attempt\":0}"), 1);
    log_free(&log);
    place_close(place);
}

/* As when there is no memory for what follows this event. */
static void lose(struct place *place, const struct heard *heard)
{
    if (!heard->is_last && place->runner->live) {
        live_lose(place->runner->live, ERR_NO_MEMORY);
    }
}

/* What is not the disk's fault may come back each time: it has an end. */
static void test_what_fails_each_time_ends_with_a_reason(void **state)
{
    struct place *place = place_open(1);

    (void)state;
    add_dataset(place, STORE_DATASET_READY);
    place->on_event = lose;
    start(place, "run-1", DATASET);
    run_until_ended(place, 1);
    place->on_event = NULL;
    assert_ended(place, "run-1", STORE_RUN_FAILED);
    assert_true(strstr(row_of(place, "run-1").reason, "again and again"));
    assert_int_equal(runner_counts(place->runner).failed, 1);
    place_close(place);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_run_is_taken_up_wherever_the_store_refused),
    cmocka_unit_test(test_many_runs_wait_for_the_store),
    cmocka_unit_test(test_an_acceptance_ends_the_waiting),
    cmocka_unit_test(test_a_run_that_stands_still_can_be_cancelled),
    cmocka_unit_test(test_a_thread_that_is_deleted_meanwhile_takes_its_run_with_it),
    cmocka_unit_test(test_a_run_that_stands_still_does_not_keep_the_server),
    cmocka_unit_test(test_draining_at_any_moment_of_taking_up),
    cmocka_unit_test(test_what_the_disk_refuses_is_no_attempt),
    cmocka_unit_test(test_what_fails_each_time_ends_with_a_reason),
};

int main(void)
{
    fault_allow(true);
    return cmocka_run_group_tests(tests, open_sample, close_sample);
}
