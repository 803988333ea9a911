/*
 * Faults: refused where they are not allowed, taken as often as they are armed for, ended by time,
 * counted exactly when many threads ask at once, and a clock that jumps neither ends nor keeps
 * them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/error.h"
#include "loop/clock.h"
#include "monitor/fault.h"

#define NOW     INT64_C(1795428000000000)
#define SECOND  INT64_C(1000000)
#define HOUR_MS 3600000
#define THREADS 4
#define ROUNDS  50000

static int allow(void **state)
{
    (void)state;
    fault_allow(true);
    fault_disarm_all();
    return 0;
}

static int forbid(void **state)
{
    (void)state;
    fault_disarm_all();
    fault_allow(false);
    return 0;
}

static void test_fault_is_refused_where_it_is_not_allowed(void **state)
{
    (void)state;
    fault_allow(false);
    assert_int_equal(fault_arm(FAULT_STORE_FULL, 1, 0, 10, NOW), ERR_DENIED);
    assert_false(fault_hits(FAULT_STORE_FULL));
    assert_int_equal(atomic_load(&fault_armed), 0);
}

static void test_fault_refuses_what_is_out_of_bounds(void **state)
{
    static const struct {
        enum fault fault;
        uint64_t times;
        int64_t argument;
        unsigned seconds;
    } wrong[] = {
        {FAULT_STORE_FULL, FAULT_TIMES_MAX + 1, 0, 10},
        {FAULT_STORE_FULL, 1, 0, 0},
        {FAULT_STORE_FULL, 1, 0, FAULT_SECONDS_MAX + 1},
        {FAULT_STORE_SLOW, 1, 0, 10},
        {FAULT_STORE_SLOW, 1, 10001, 10},
        {FAULT_CLOCK_JUMP, 1, -86400001, 10},
        {FAULT_NO_MEMORY, 1, 0, 10},
        {FAULT_NO_MEMORY, 1, INT64_MIN, 10},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_int_equal(
            fault_arm(wrong[i].fault, wrong[i].times, wrong[i].argument, wrong[i].seconds, NOW),
            ERR_INVALID);
    }
    assert_int_equal(atomic_load(&fault_armed), 0);
}

static void test_fault_happens_so_many_times(void **state)
{
    int64_t argument = 0;

    (void)state;
    uint64_t before = fault_state(FAULT_STORE_SLOW).hits;
    assert_int_equal(fault_arm(FAULT_STORE_SLOW, 2, 300, 10, NOW), OK);
    assert_false(fault_hits(FAULT_STORE_FULL));
    assert_true(fault_hits_with(FAULT_STORE_SLOW, &argument));
    assert_int_equal(argument, 300);
    struct fault_state between = fault_state(FAULT_STORE_SLOW);
    assert_true(between.is_armed);
    assert_int_equal(between.times_left, 1);
    assert_int_equal(between.ends_us, NOW + 10 * SECOND);
    assert_true(fault_hits(FAULT_STORE_SLOW));
    assert_false(fault_hits(FAULT_STORE_SLOW));
    struct fault_state after = fault_state(FAULT_STORE_SLOW);
    assert_false(after.is_armed);
    assert_int_equal(after.hits, before + 2);
    assert_int_equal(atomic_load(&fault_armed), 0);
}

static void test_fault_ends_by_time_and_by_hand(void **state)
{
    (void)state;
    assert_int_equal(fault_arm(FAULT_MODEL_DOWN, 0, 0, 10, NOW), OK);
    assert_int_equal(fault_arm(FAULT_NO_FILES, 0, 0, 20, NOW), OK);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(fault_hits(FAULT_MODEL_DOWN));
    }
    fault_tick(NOW + 10 * SECOND - 1);
    assert_int_equal(atomic_load(&fault_armed), 2);
    fault_tick(NOW + 10 * SECOND);
    assert_false(fault_hits(FAULT_MODEL_DOWN));
    assert_true(fault_hits(FAULT_NO_FILES));
    fault_disarm(FAULT_NO_FILES);
    fault_disarm(FAULT_NO_FILES);
    assert_false(fault_hits(FAULT_NO_FILES));
    assert_int_equal(atomic_load(&fault_armed), 0);
}

static void test_fault_armed_again_counts_once(void **state)
{
    (void)state;
    assert_int_equal(fault_arm(FAULT_STORE_FULL, 5, 0, 10, NOW), OK);
    assert_int_equal(fault_arm(FAULT_STORE_FULL, 1, 0, 30, NOW), OK);
    assert_int_equal(atomic_load(&fault_armed), 1);
    fault_tick(NOW + 20 * SECOND);
    assert_true(fault_hits(FAULT_STORE_FULL));
    assert_false(fault_hits(FAULT_STORE_FULL));
    assert_int_equal(atomic_load(&fault_armed), 0);
}

/* The server's tick says what the clock says, and that is what the fault has moved. */
static void check_jump(int64_t by_ms)
{
    int64_t before_us = clock_now_us();

    assert_int_equal(fault_arm(FAULT_CLOCK_JUMP, 0, by_ms, 60, before_us), OK);
    int64_t jumped_us = clock_now_us();
    assert_in_range(jumped_us - before_us - by_ms * 1000, 0, 5 * SECOND);
    assert_int_equal(fault_arm(FAULT_STORE_FULL, 0, 0, 60, jumped_us), OK);
    assert_in_range(fault_state(FAULT_STORE_FULL).ends_us - before_us, 60 * SECOND, 65 * SECOND);
    fault_tick(jumped_us);
    assert_true(fault_state(FAULT_CLOCK_JUMP).is_armed);
    assert_true(fault_hits(FAULT_STORE_FULL));
    fault_tick(jumped_us + 70 * SECOND);
    assert_int_equal(atomic_load(&fault_armed), 0);
    assert_in_range(clock_now_us() - before_us, 0, 5 * SECOND);
}

static void test_fault_of_the_clock_does_not_move_the_end_of_faults(void **state)
{
    (void)state;
    check_jump(HOUR_MS);
    check_jump(-HOUR_MS);
}

static void test_fault_of_memory_is_over_when_it_has_happened(void **state)
{
    (void)state;
    uint64_t before = fault_state(FAULT_NO_MEMORY).hits;
    assert_int_equal(fault_arm(FAULT_NO_MEMORY, 2, 2, 10, NOW), OK);
    void *first = alloc_zeroed(1, 1);
    assert_non_null(first);
    alloc_free(first);
    assert_null(alloc_zeroed(1, 1));
    struct fault_state between = fault_state(FAULT_NO_MEMORY);
    assert_true(between.is_armed);
    assert_int_equal(between.times_left, 1);
    assert_null(alloc_zeroed(1, 1));
    assert_false(fault_state(FAULT_NO_MEMORY).is_armed);
    assert_int_equal(fault_state(FAULT_NO_MEMORY).hits, before + 2);
    fault_tick(NOW);
    assert_int_equal(atomic_load(&fault_armed), 0);
    assert_int_equal(fault_arm(FAULT_NO_MEMORY, 0, 1, 10, NOW), OK);
    assert_null(alloc_zeroed(1, 1));
    fault_disarm(FAULT_NO_MEMORY);
    first = alloc_zeroed(1, 1);
    assert_non_null(first);
    alloc_free(first);
}

static void *take_often(void *arg)
{
    unsigned *taken = arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        *taken += fault_hits(FAULT_STEP_FAILS);
    }
    return NULL;
}

/* Armed and disarmed again and again meanwhile: nothing is counted twice, and none stays armed. */
static void test_fault_counts_exactly_over_threads(void **state)
{
    pthread_t threads[THREADS];
    unsigned taken[THREADS] = {0};
    unsigned sum = 0;

    (void)state;
    uint64_t before = fault_state(FAULT_STEP_FAILS).hits;
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_often, &taken[i]), 0);
    }
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(fault_arm(FAULT_STEP_FAILS, i % 3, 0, 10, NOW), OK);
        if (i % 2) {
            fault_disarm(FAULT_STEP_FAILS);
        }
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        sum += taken[i];
    }
    fault_disarm(FAULT_STEP_FAILS);
    assert_int_equal(fault_state(FAULT_STEP_FAILS).hits - before, sum);
    assert_int_equal(atomic_load(&fault_armed), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_fault_is_refused_where_it_is_not_allowed, allow, forbid),
    cmocka_unit_test_setup_teardown(test_fault_refuses_what_is_out_of_bounds, allow, forbid),
    cmocka_unit_test_setup_teardown(test_fault_happens_so_many_times, allow, forbid),
    cmocka_unit_test_setup_teardown(test_fault_ends_by_time_and_by_hand, allow, forbid),
    cmocka_unit_test_setup_teardown(test_fault_armed_again_counts_once, allow, forbid),
    cmocka_unit_test_setup_teardown(test_fault_of_the_clock_does_not_move_the_end_of_faults, allow,
                                    forbid),
    cmocka_unit_test_setup_teardown(test_fault_of_memory_is_over_when_it_has_happened, allow,
                                    forbid),
    cmocka_unit_test_setup_teardown(test_fault_counts_exactly_over_threads, allow, forbid),
};

UNIT_MAIN(tests)
