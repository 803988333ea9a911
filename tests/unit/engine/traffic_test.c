/*
 * Peaks by hand: minutes, windows, the token bucket at its limit, and records that do not say when.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

#include "base/random.h"
#include "engine/traffic.h"

static void measure(struct traffic *traffic, const struct world *w)
{
    assert_int_equal(traffic_measure(traffic, &w->table), OK);
}

static void test_calendar_minutes_and_sliding_windows(void **state)
{
    struct traffic traffic;
    struct world w;

    (void)state;
    /* 1:30, 1:59, 2:01, 2:29.999999, 2:30, 5:00 */
    WORLD_OF(&w, {.at_s = 90, .input = 10}, {.at_s = 119, .input = 10, .output = 5},
             {.at_s = 121, .input = 20}, {.at_s = 149.999999, .input = 30},
             {.at_s = 150, .input = 1}, {.at_s = 300, .input = 2});
    measure(&traffic, &w);
    assert_int_equal(traffic.records, 6);
    assert_int_equal(traffic.minutes, 5);       /* minutes 1 to 5 */
    assert_int_equal(traffic.empty_minutes, 2); /* 3 and 4 */
    assert_int_equal(traffic.peak_rpm_calendar, 3);
    assert_int_equal(traffic.peak_rpm_minute_us, 120 * FIXTURE_SECOND);
    assert_int_equal(traffic.peak_tpm_calendar, 51);
    assert_int_equal(traffic.peak_rpm_sliding, 4);  /* (90, 150] leaves the first out */
    assert_int_equal(traffic.peak_tpm_sliding, 75); /* (89.999999, 149.999999] */
    assert_int_equal(traffic.tokens, 78);
    world_done(&w);
}

static void test_one_record_is_its_own_peak(void **state)
{
    struct traffic traffic;
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = 59.5, .input = 7, .output = 3});
    measure(&traffic, &w);
    assert_int_equal(traffic.minutes, 1);
    assert_int_equal(traffic.empty_minutes, 0);
    assert_int_equal(traffic.peak_rpm_calendar, 1);
    assert_int_equal(traffic.peak_rpm_sliding, 1);
    assert_int_equal(traffic.peak_tpm_sliding, 10);
    assert_int_equal(traffic.required_tpm_token_bucket, 10);
    world_done(&w);
}

static void test_equal_times_count_together(void **state)
{
    struct traffic traffic;
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = 60, .input = 4}, {.at_s = 60, .input = 5}, {.at_s = 60, .input = 6});
    measure(&traffic, &w);
    assert_int_equal(traffic.peak_rpm_sliding, 3);
    assert_int_equal(traffic.required_tpm_token_bucket, 15);
    world_done(&w);
}

/* 100 tokens at 0 s and 100 at 30 s: a limit L refills L/2 in between, so 1.5 L >= 200. */
static void test_the_bucket_counts_what_flows_back(void **state)
{
    struct traffic traffic;
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = 0, .input = 100}, {.at_s = 30, .input = 100});
    measure(&traffic, &w);
    assert_int_equal(traffic.required_tpm_token_bucket, 134);
    world_done(&w);
}

static void test_calls_without_tokens_need_no_limit(void **state)
{
    struct traffic traffic;
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = 0}, {.at_s = 30});
    measure(&traffic, &w);
    assert_int_equal(traffic.required_tpm_token_bucket, 0);
    assert_int_equal(traffic.peak_rpm_sliding, 2);
    world_done(&w);
}

static void test_records_without_a_time_are_left_out(void **state)
{
    struct traffic traffic;
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = -1, .input = 1000}, {.at_s = 3600, .input = 1},
             {.at_s = -1, .input = 1000});
    measure(&traffic, &w);
    assert_int_equal(traffic.records, 1);
    assert_int_equal(traffic.minutes, 1);
    assert_int_equal(traffic.tokens, 1);
    world_done(&w);
    WORLD_OF(&w, {.at_s = -1, .input = 1000});
    measure(&traffic, &w);
    assert_int_equal(traffic.records, 0);
    world_done(&w);
    world_init(&w);
    measure(&traffic, &w);
    assert_int_equal(traffic.records, 0);
    world_done(&w);
}

static void test_spans_beyond_ten_years_are_refused(void **state)
{
    struct traffic traffic;
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = 0}, {.at_s = (double)TRAFFIC_MINUTES_MAX * 60});
    assert_int_equal(traffic_measure(&traffic, &w.table), ERR_LIMIT);
    world_done(&w);
}

/* Whether a bucket of that limit takes all calls, in floating point, call by call. */
static bool takes_all(const struct world *w, double limit)
{
    double level = limit;

    for (size_t row = 0; row < w->table.count; row++) {
        double waited_s =
            row ? (double)(w->table.time_us[row] - w->table.time_us[row - 1]) / 1e6 : 0;

        level += waited_s * limit / 60;
        level = level < limit ? level : limit;
        level -= w->table.input_uncached[row];
        if (level < -1e-6) {
            return false;
        }
    }
    return true;
}

static void test_the_required_limit_is_the_smallest(void **state)
{
    struct random random;

    (void)state;
    random_init(&random, 3, 0);
    for (int i = 0; i < 20; i++) {
        struct traffic traffic;
        struct world w;
        double at_s = 0;

        world_init(&w);
        for (int c = 0; c < 100; c++) {
            fixture_add(&w.table,
                        &(struct call){.at_s = at_s, .input = 1 + random_below(&random, 1000)});
            at_s += random_below(&random, 3) * (double)random_below(&random, 90);
        }
        world_price(&w);
        measure(&traffic, &w);
        assert_true(takes_all(&w, (double)traffic.required_tpm_token_bucket));
        assert_false(takes_all(&w, (double)traffic.required_tpm_token_bucket - 1));
        assert_true(traffic.required_tpm_token_bucket <= traffic.peak_tpm_sliding);
        assert_true(traffic.peak_tpm_calendar <= traffic.peak_tpm_sliding);
        assert_true(traffic.peak_rpm_calendar <= traffic.peak_rpm_sliding);
        world_done(&w);
    }
}

static void test_measuring_survives_every_failing_allocation(void **state)
{
    struct traffic traffic;
    int code = ERR_NO_MEMORY;
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = 0, .input = 100}, {.at_s = 30, .input = 100});
    for (uint64_t nth = 1; code; nth++) {
        assert_true(nth < 10);
        (void)alloc_fail_from(nth);
        code = traffic_measure(&traffic, &w.table);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
    }
    world_done(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_calendar_minutes_and_sliding_windows),
    cmocka_unit_test(test_one_record_is_its_own_peak),
    cmocka_unit_test(test_equal_times_count_together),
    cmocka_unit_test(test_the_bucket_counts_what_flows_back),
    cmocka_unit_test(test_calls_without_tokens_need_no_limit),
    cmocka_unit_test(test_records_without_a_time_are_left_out),
    cmocka_unit_test(test_spans_beyond_ten_years_are_refused),
    cmocka_unit_test(test_the_required_limit_is_the_smallest),
    cmocka_unit_test(test_measuring_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
