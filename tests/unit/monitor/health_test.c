/*
 * The health of the whole follows from probes by need and age.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/civil_time.h"
#include "base/error.h"
#include "monitor/fault.h"
#include "monitor/health.h"

#define NOW_US (INT64_C(1795428000) * SECOND_US)

static void tell(struct health_result *result, void *arg)
{
    *result = *(const struct health_result *)arg;
}

static struct health_probe probe_of(const char *name, bool is_needed, struct health_result *result)
{
    return (struct health_probe){.name = name,
                                 .how = "the test says so",
                                 .is_needed = is_needed,
                                 .probe = tell,
                                 .arg = result};
}

static void test_health_follows_from_need_and_state(void **state)
{
    static const struct {
        enum health_state needed;
        enum health_state optional;
        enum health_state whole;
    } cases[] = {
        {HEALTH_UP, HEALTH_UP, HEALTH_UP},         {HEALTH_UP, HEALTH_DEGRADED, HEALTH_DEGRADED},
        {HEALTH_UP, HEALTH_DOWN, HEALTH_DEGRADED}, {HEALTH_DEGRADED, HEALTH_UP, HEALTH_DEGRADED},
        {HEALTH_DOWN, HEALTH_UP, HEALTH_DOWN},     {HEALTH_DOWN, HEALTH_DOWN, HEALTH_DOWN},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct health health = {0};
        struct health_result needed = {.state = cases[i].needed};
        struct health_result optional = {.state = cases[i].optional};
        struct health_probe first = probe_of("store", true, &needed);
        struct health_probe second = probe_of("cache", false, &optional);

        assert_int_equal(health_state(&health, NOW_US), HEALTH_UP);
        health_register(&health, &first);
        health_register(&health, &second);
        assert_int_equal(health_state(&health, NOW_US), cases[i].whole);
        health.stopping = "told to";
        assert_int_equal(health_state(&health, NOW_US), HEALTH_DOWN);
    }
}

static void test_an_old_result_is_down(void **state)
{
    struct health health = {0};
    struct health_result result = {.checked_us = NOW_US};
    struct health_probe probe = probe_of("store", true, &result);

    (void)state;
    health_register(&health, &probe);
    assert_int_equal(health_state(&health, NOW_US), HEALTH_UP);
    assert_int_equal(health_state(&health, NOW_US + HEALTH_AGE_S_MAX * SECOND_US), HEALTH_UP);
    assert_int_equal(health_state(&health, NOW_US + HEALTH_AGE_S_MAX * SECOND_US + 1), HEALTH_DOWN);
}

static void test_health_is_written_with_reasons(void **state)
{
    struct health health = {0};
    struct health_result up = {.checked_us = NOW_US - SECOND_US};
    struct health_result down = {.state = HEALTH_DOWN, .reason = "the disk is full"};
    struct health_probe first = probe_of("store", true, &up);
    struct health_probe second = probe_of("disk", false, &down);
    cleanup(buf_done) struct buf text;

    (void)state;
    buf_init(&text, 4096);
    fault_allow(true);
    assert_int_equal(fault_arm(FAULT_STORE_SLOW, 0, 5, 10, NOW_US), OK);
    health.deployment = "staging";
    health_register(&health, &first);
    health_register(&health, &second);
    struct json_writer w = json_writer_on(&text);
    json_begin_object(&w);
    health_write(&health, NOW_US, &w);
    json_end_object(&w);
    assert_int_equal(buf_status(&text), OK);
    assert_str(
        buf_str(&text),
        "{\"status\":\"degraded\",\"checked_at\":\"2026-11-23T10:00:00.000000Z\",\"checks\":["
        "{\"name\":\"store\",\"status\":\"healthy\",\"needed\":true,\"how\":\"the test says "
        "so\",\"checked_at\":\"2026-11-23T09:59:59.000000Z\"},"
        "{\"name\":\"disk\",\"status\":\"unhealthy\",\"needed\":false,\"how\":\"the test says "
        "so\",\"checked_at\":\"2026-11-23T10:00:00.000000Z\",\"reason\":\"the disk is full\"}"
        "],\"deployment\":\"staging\","
        "\"faults\":{\"allowed\":true,\"armed\":[\"store_slow\"]}}");
    assert_int_equal(health_check_state(&health, 0, NOW_US), HEALTH_UP);
    assert_int_equal(health_check_state(&health, 1, NOW_US), HEALTH_DEGRADED);
    fault_disarm_all();
    fault_allow(false);
    health.deployment = NULL;
    buf_clear(&text);
    w = json_writer_on(&text);
    json_begin_object(&w);
    health_write(&health, NOW_US, &w);
    json_end_object(&w);
    assert_true(
        str_ends_with(buf_str(&text), STR("}],\"faults\":{\"allowed\":false,\"armed\":[]}}")));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_health_follows_from_need_and_state),
    cmocka_unit_test(test_an_old_result_is_down),
    cmocka_unit_test(test_health_is_written_with_reasons),
};

UNIT_MAIN(tests)
