/*
 * Whose turn it is: owners get places in turn, whoever came first within one; positions, limits of
 * one owner, and a step that is tried once more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "runner_fixture.h"

#include "monitor/fault.h"
#include "monitor/metrics.h"
#include "store/accounts.h"

/* A run without records. */
static int try_start_of(struct place *place, const char *owner, const char *run_id,
                        struct error *error)
{
    struct runner_request request = {.workspace_id = STR(STORE_WORKSPACE_FIRST),
                                     .owner_id = str_from(owner),
                                     .run_id = str_from(run_id),
                                     .thread_id = str_from(run_id),
                                     .prompt = STR(QUESTION)};

    return runner_start(place->runner, &request, on_accepted, place, error);
}

static void start_of(struct place *place, const char *owner, const char *run_id)
{
    struct error error = {0};

    if (try_start_of(place, owner, run_id, &error)) {
        fail_msg("%s: %s", run_id, error.message);
    }
}

/* The runs in the order of their ends, each with a blank behind it. */
static void ends_of(const struct place *place, char *text, size_t size)
{
    size_t length = 0;

    text[0] = '\0';
    for (size_t i = 0; i < place->heard_count; i++) {
        if (place->heard[i].is_last) {
            length += (size_t)snprintf(text + length, size - length, "%s ", place->heard[i].run_id);
            assert_true(length < size);
        }
    }
}

static void test_owners_take_turns(void **state)
{
    static const char *const runs[] = {"a1", "a2", "a3", "a4", "b1", "a5", "c1", "b2"};
    struct place *place = place_open(1);
    char ends[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(runs); i++) {
        start_of(place, (const char[]){runs[i][0], '\0'}, runs[i]);
    }
    run_until_ended(place, ARRAY_LENGTH(runs));
    ends_of(place, ends, sizeof(ends));
    assert_string_equal(ends, "a1 a2 b1 c1 a3 b2 a4 a5 ");
    place_close(place);
}

/* Fifty that wait do not stand before one of another, nor does the same user elsewhere. */
static void test_a_crowd_delays_others_by_one_turn(void **state)
{
    enum { CROWD = 50 };
    struct place *place = place_open(1);
    char ends[1024];
    unsigned ahead = 99;

    (void)state;
    for (int i = 0; i < CROWD; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "a%02d", i);
        start_of(place, "a", id);
    }
    start_of(place, "b", "b");
    assert_int_equal(runner_position(place->runner, STR("b"), &ahead), OK);
    assert_int_equal(ahead, 1);
    assert_int_equal(runner_position(place->runner, STR("a49"), &ahead), OK);
    assert_int_equal(ahead, CROWD - 1);
    assert_int_equal(runner_position(place->runner, STR("a00"), &ahead), ERR_NOT_FOUND);
    run_until_ended(place, CROWD + 1);
    ends_of(place, ends, sizeof(ends));
    assert_memory_equal(ends, "a00 a01 b a02 a03 ", 18);
    for (int i = 3; i < CROWD; i++) { /* each owner's own in the order of coming */
        char pair[32];

        (void)snprintf(pair, sizeof(pair), "a%02d a%02d ", i - 1, i);
        assert_non_null(strstr(ends, pair));
    }
    place_close(place);
}

/* With three runs of a. */
static struct place *open_with_limits(unsigned concurrent_max, unsigned concurrent_owner_max,
                                      unsigned waiting_owner_max)
{
    struct place *place = place_open(concurrent_max);

    place->concurrent_owner_max = concurrent_owner_max;
    place->waiting_owner_max = waiting_owner_max;
    runner_free(place->runner);
    place_runner(place, concurrent_max);
    start_of(place, "a", "a1");
    start_of(place, "a", "a2");
    start_of(place, "a", "a3");
    return place;
}

static void test_one_owner_has_so_many_places(void **state)
{
    struct place *place = open_with_limits(2, /* places */ 1, 0);
    unsigned ahead = 99;

    (void)state;
    assert_int_equal(runner_counts(place->runner).working, 1);
    start_of(place, "b", "b1"); /* passes them by */
    assert_int_equal(runner_counts(place->runner).working, 2);
    start_of(place, "b", "b2");
    start_of(place, "c", "c1");
    assert_int_equal(runner_counts(place->runner).working, 2);
    assert_int_equal(runner_position(place->runner, STR("a2"), &ahead), OK);
    assert_int_equal(ahead, 0);
    assert_int_equal(runner_position(place->runner, STR("a3"), &ahead), OK);
    assert_true(ahead >= 1);
    assert_int_equal(runner_position(place->runner, STR("c1"), &ahead), OK);
    assert_int_equal(ahead, 0); /* those of a and b are passed over */
    run_until_ended(place, 6);
    assert_int_equal(runner_counts(place->runner).finished, 6);
    place_close(place);
}

static void test_so_many_runs_of_one_owner_wait(void **state)
{
    struct place *place = open_with_limits(1, 0, /* waiting */ 2);
    struct error error = {0};

    (void)state;
    assert_int_equal(try_start_of(place, "a", "a4", &error), ERR_QUOTA);
    assert_non_null(strstr(error.message, "2 of your runs wait already; at most 2 may"));
    /* who asks for the same again hears of it, however much waits */
    assert_int_equal(try_start_of(place, "a", "a3", &error), ERR_EXISTS);
    start_of(place, "b", "b1");
    run_until_ended(place, 4);
    start_of(place, "a", "a4");
    run_until_ended(place, 5);
    assert_int_equal(place->refused, 0);
    place_close(place);
}

/* ---- positions that are told ---- */

struct told_positions {
    char text[1024];
    size_t length;
};

static void note_position(struct str run_id, unsigned ahead, void *arg)
{
    struct told_positions *told = arg;

    told->length += (size_t)snprintf(told->text + told->length, sizeof(told->text) - told->length,
                                     "%.*s:%u ", STR_ARGS(run_id), ahead);
    assert_true(told->length < sizeof(told->text));
}

/* Each change is told once, with what changed at the same time; a run that was told goes on to be
 * told less and less. */
static void test_positions_are_told_as_they_change(void **state)
{
    static struct told_positions told;
    struct place *place = place_open(1);
    int64_t since_us = clock_now_us();

    (void)state;
    told = (struct told_positions){.length = 0};
    runner_on_position(place->runner, note_position, &told);
    for (int i = 1; i <= 3; i++) {
        start_of(place, "a", (const char[]){'a', (char)('0' + i), '\0'});
    }
    while (place->accepted < 3 || !told.length) {
        (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
        assert_false(is_late(since_us));
    }
    run_until_ended(place, 3);
    const char *last = NULL;
    for (const char *at = told.text; (at = strstr(at, "a3:")); at++) {
        assert_true(!last || at[3] < last[3]);
        last = at;
    }
    assert_null(strstr(told.text, "a1:"));
    place_close(place);
}

/* ---- a step once more ---- */

static uint64_t again(void)
{
    return (uint64_t)metric_value(METRIC_RUN_STEPS_AGAIN, 0);
}

static void arm(uint64_t times)
{
    assert_int_equal(fault_arm(FAULT_STEP_FAILS, times, 0, /* seconds */ 60, 1), OK);
}

static void arm_at_event(struct place *place, const struct heard *heard)
{
    if (heard->seq == place->at_seq) {
        arm(1);
    }
}

/* The same log as without a failure: each event once, numbered without a gap. The first fails in
 * its first step; the others somewhere behind an event, unless the run was quicker than its log. */
static void test_a_step_that_fails_is_tried_once_more(void **state)
{
    struct place *place = place_open(1);
    struct stored_log whole = {0};
    struct stored_log log = {0};

    (void)state;
    fault_allow(true);
    add_dataset(place, STORE_DATASET_READY);
    start(place, "run-1", DATASET);
    run_until_ended(place, 1);
    log_of(place, "run-1", &whole);
    place->on_event = arm_at_event;
    for (unsigned i = 0; i < 3; i++) {
        static const char *const ids[] = {"run-2", "run-3", "run-4"};
        uint64_t before = again();
        uint64_t hits = fault_state(FAULT_STEP_FAILS).hits;

        place->at_seq = 4 * i; /* 0: no event has it */
        if (i == 0) {
            arm(1);
        }
        start(place, ids[i], DATASET);
        run_until_ended(place, 2 + i);
        fault_disarm_all();
        hits = fault_state(FAULT_STEP_FAILS).hits - hits;
        assert_true(again() == before + hits);
        assert_true(hits == 1 || (hits == 0 && i > 0));
        assert_ended(place, ids[i], STORE_RUN_FINISHED);
        log_of(place, ids[i], &log);
        assert_int_equal(log.count, whole.count);
        for (size_t n = 0; n < log.count; n++) {
            assert_true(str_equal(member(log.json[n], "\"type\":\""),
                                  member(whole.json[n], "\"type\":\"")));
        }
        log_free(&log);
    }
    log_free(&whole);
    fault_allow(false);
    place_close(place);
}

/* Once, not for ever; the next run is none the worse for it. */
static void test_a_step_that_fails_again_ends_the_run(void **state)
{
    struct place *place = place_open(1);
    struct stored_log log = {0};

    (void)state;
    fault_allow(true);
    add_dataset(place, STORE_DATASET_READY);
    arm(2);
    start(place, "run-1", DATASET);
    run_until_ended(place, 1);
    assert_ended(place, "run-1", STORE_RUN_FAILED);
    log_of(place, "run-1", &log);
    assert_true(says(log.json[log.count - 1], "\"code\":\"INTERNAL_ERROR\""));
    log_free(&log);
    start(place, "run-2", DATASET);
    run_until_ended(place, 2);
    assert_ended(place, "run-2", STORE_RUN_FINISHED);
    fault_allow(false);
    place_close(place);
}

/* ---- of one workspace ---- */

static void test_a_run_id_of_another_workspace_is_taken(void **state)
{
    struct place *place = place_open(1);
    struct error error = {0};
    struct runner_request request = {.workspace_id = STR("other"),
                                     .owner_id = STR("a"),
                                     .run_id = STR("run-1"),
                                     .prompt = STR(QUESTION)};
    struct store_batch *batch = store_batch_new(STR(""));

    (void)state;
    assert_non_null(batch);
    store_put_workspace(batch, &(struct store_workspace){.id = STR("other")});
    store_now(place, batch);
    start_of(place, "a", "run-1");
    assert_int_equal(try_start_of(place, "a", "run-1", &error), ERR_EXISTS);
    assert_int_equal(runner_start(place->runner, &request, on_accepted, place, &error),
                     ERR_INVALID);
    run_until_ended(place, 1);
    assert_int_equal(try_start_of(place, "a", "run-1", &error), ERR_EXISTS);
    /* not seen any more, but the store knows */
    assert_int_equal(runner_start(place->runner, &request, on_accepted, place, &error), OK);
    int64_t since_us = clock_now_us();
    while (!place->refused) {
        (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
        assert_false(is_late(since_us));
    }
    assert_int_equal(place->accepted, 1);
    place_close(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owners_take_turns),
        cmocka_unit_test(test_a_crowd_delays_others_by_one_turn),
        cmocka_unit_test(test_one_owner_has_so_many_places),
        cmocka_unit_test(test_so_many_runs_of_one_owner_wait),
        cmocka_unit_test(test_positions_are_told_as_they_change),
        cmocka_unit_test(test_a_step_that_fails_is_tried_once_more),
        cmocka_unit_test(test_a_step_that_fails_again_ends_the_run),
        cmocka_unit_test(test_a_run_id_of_another_workspace_is_taken),
    };

    return cmocka_run_group_tests(tests, open_sample, close_sample);
}
