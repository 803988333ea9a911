/*
 * What the process notices about itself: a loop that is late, a clock that jumps, connections
 * without a file descriptor; each is forgotten after a minute.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/civil_time.h"
#include "base/error.h"
#include "monitor/fault.h"
#include "monitor/metrics.h"
#include "server/watch.h"

#define NOW_US   (INT64_C(1795428000) * SECOND_US)
#define EVERY_US (WATCH_EVERY_MS * INT64_C(1000))

static struct health health;
static struct watch watch;
static int64_t now_us;
static int64_t elapsed_us;

static int begin(void **state)
{
    (void)state;
    now_us = NOW_US;
    elapsed_us = 100 * SECOND_US;
    health = (struct health){0};
    watch_init(&watch, now_us, elapsed_us);
    watch_register(&watch, &health);
    return 0;
}

/* The next look comes so much too late; the time of day jumps meanwhile. */
static void look(int64_t late_us, int64_t jump_us)
{
    elapsed_us += EVERY_US + late_us;
    now_us += EVERY_US + late_us + jump_us;
    watch_look(&watch, now_us, elapsed_us);
}

static void look_for(unsigned seconds)
{
    for (unsigned i = 0; i < seconds * 10; i++) {
        look(0, 0);
    }
}

static struct health_result result_of(const char *name)
{
    struct health_result result = {.state = HEALTH_DOWN};

    for (unsigned i = 0; i < health.count; i++) {
        if (strcmp(health.probes[i].name, name) == 0) {
            assert_false(health.probes[i].is_needed);
            health.probes[i].probe(&result, health.probes[i].arg);
        }
    }
    return result;
}

static void assert_state(const char *name, enum health_state expected)
{
    assert_int_equal(result_of(name).state, expected);
    assert_int_equal(result_of(name).reason[0] != '\0', expected != HEALTH_UP);
}

static void test_watch_of_a_loop_that_is_late(void **state)
{
    int64_t before = metric_value(METRIC_LOOP_LAG, 0);

    (void)state;
    look_for(60);
    assert_int_equal(metric_value(METRIC_LOOP_LAG, 0) - before, 600);
    for (unsigned i = 0; i < 6; i++) {
        look(201000, 0);
        look_for(2);
    }
    assert_state("loop", HEALTH_UP); /* one in a hundred is no news */
    look(201000, 0);
    assert_state("loop", HEALTH_DEGRADED);
    assert_non_null(strstr(result_of("loop").reason, "7 of the 600"));
    look_for(61);
    assert_state("loop", HEALTH_UP);
}

/* One long stop is as bad as many short ones: the looks that did not take place count. */
static void test_watch_of_a_loop_that_stopped(void **state)
{
    (void)state;
    look(700000, 0);
    assert_state("loop", HEALTH_UP);
    look_for(61);
    look(900000, 0);
    assert_state("loop", HEALTH_DEGRADED);
    look_for(30);
    assert_state("loop", HEALTH_DEGRADED);
    look_for(31);
    assert_state("loop", HEALTH_UP);
}

static void test_watch_of_a_clock_that_jumps(void **state)
{
    static const int64_t jumps_us[] = {3600 * SECOND_US, -3600 * SECOND_US, 5 * SECOND_US};
    int64_t before = metric_value(METRIC_CLOCK_JUMPS, 0);

    (void)state;
    look(0, 4900000); /* a step of NTP after a start is no news */
    look(3000000, 0); /* nor is a loop that is late */
    assert_state("clock", HEALTH_UP);
    for (size_t i = 0; i < ARRAY_LENGTH(jumps_us); i++) {
        look(0, jumps_us[i]);
        assert_state("clock", HEALTH_DEGRADED);
        look_for(59);
        assert_state("clock", HEALTH_DEGRADED);
        look_for(1);
        assert_state("clock", HEALTH_UP);
    }
    assert_int_equal(metric_value(METRIC_CLOCK_JUMPS, 0) - before, 3);
}

static void test_watch_of_file_descriptors(void **state)
{
    (void)state;
    watch_refused(&watch, 0);
    assert_state("files", HEALTH_UP);
    watch_refused(&watch, 3);
    look_for(5);
    watch_refused(&watch, 4);
    assert_state("files", HEALTH_DEGRADED);
    assert_non_null(strstr(result_of("files").reason, "7 times"));
    look_for(56);
    assert_non_null(strstr(result_of("files").reason, "4 times"));
    look_for(5);
    assert_state("files", HEALTH_UP);
}

static void test_watch_of_faults(void **state)
{
    (void)state;
    assert_state("faults", HEALTH_UP);
    fault_allow(true);
    assert_int_equal(fault_arm(FAULT_STORE_FULL, 0, 0, 10, NOW_US), OK);
    assert_int_equal(fault_arm(FAULT_NO_FILES, 0, 0, 10, NOW_US), OK);
    assert_non_null(strstr(result_of("faults").reason, "faults are armed: store_full, no_files;"));
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        int64_t argument = fault_descriptions[i].most;

        if (i != FAULT_NO_MEMORY) {
            assert_int_equal(fault_arm((enum fault)i, 0, argument, 10, NOW_US), OK);
        }
    }
    struct health_result result = result_of("faults");
    assert_in_range(strlen(result.reason), 150, sizeof(result.reason) - 1);
    fault_disarm_all();
    fault_allow(false);
    assert_state("faults", HEALTH_UP);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(test_watch_of_a_loop_that_is_late, begin),
    cmocka_unit_test_setup(test_watch_of_a_loop_that_stopped, begin),
    cmocka_unit_test_setup(test_watch_of_a_clock_that_jumps, begin),
    cmocka_unit_test_setup(test_watch_of_file_descriptors, begin),
    cmocka_unit_test_setup(test_watch_of_faults, begin),
};

UNIT_MAIN(tests)
