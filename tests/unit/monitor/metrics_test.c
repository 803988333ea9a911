/*
 * Counts are exact across threads, labels cannot flood the table, and what is written is
 * OpenMetrics text to the letter. The table is the process's, so each test uses metrics of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <pthread.h>

#include "base/error.h"
#include "monitor/metrics.h"

#define TEXT_BYTES_MAX ((size_t)4 << 20)
#define THREADS        4
#define ROUNDS         2000

static void write_text(struct buf *text)
{
    buf_init(text, TEXT_BYTES_MAX);
    metrics_write(text);
    assert_int_equal(buf_status(text), OK);
}

/* The text holds these lines, one behind the other. */
static void assert_lines(const struct buf *text, const char *lines)
{
    if (!strstr(text->data, lines)) {
        fail_msg("no lines\n%s\nin\n%s", lines, text->data);
    }
}

static void test_metrics_without_labels_are_there_from_the_start(void **state)
{
    cleanup(buf_done) struct buf text;

    (void)state;
    metric_set(METRIC_RUNS_WORKING, 0, -3);
    write_text(&text);
    assert_lines(&text, "# TYPE netra_http_connections gauge\n"
                        "# HELP netra_http_connections Open connections.\n"
                        "netra_http_connections 0\n# TYPE");
    assert_lines(&text, "\nnetra_runs_working -3\n");
    assert_lines(&text, "# TYPE netra_upload_bytes counter\n"
                        "# UNIT netra_upload_bytes bytes\n"
                        "# HELP netra_upload_bytes Bytes of uploaded usage exports.\n"
                        "netra_upload_bytes_total 0\n");
    /* with labels, but nothing counted: described only */
    assert_lines(&text, "# TYPE netra_auth_refused counter\n"
                        "# HELP netra_auth_refused Requests that were not let in.\n"
                        "# TYPE");
    assert_true(str_ends_with(buf_str(&text), STR("\n# EOF\n")));
    assert_null(strstr(text.data, "\n\n"));
}

static void test_labels_are_split_and_escaped(void **state)
{
    cleanup(buf_done) struct buf text;
    enum metric metric = METRIC_TOOL_CALLS;
    unsigned label = metric_label(metric, STR("cache_audit a \"quoted\\\" word\nand a line"));

    (void)state;
    assert_int_not_equal(label, 0);
    metric_add(metric, label, 2);
    metric_add(metric, metric_label(metric, STR("alone")), 1);
    metric_add(metric, metric_label(metric, STR("")), 5);
    assert_int_equal(metric_label(metric, STR("alone")), label + 1);
    write_text(&text);
    assert_lines(&text, "netra_tool_calls_total{tool=\"cache_audit\",result=\"a \\\"quoted\\\\\\\" "
                        "word\\nand a line\"} 2\n"
                        "netra_tool_calls_total{tool=\"alone\",result=\"\"} 1\n"
                        "netra_tool_calls_total{tool=\"\",result=\"\"} 5\n");
}

static void test_histogram_counts_up_to_and_including_its_bounds(void **state)
{
    cleanup(buf_done) struct buf text;
    enum metric metric = METRIC_RUN_STEP_DURATION;
    unsigned label = metric_label(metric, STR("agent_executed"));
    static const uint64_t durations_us[] = {0, 100, 101, 10000, 10001, 1000000, 30000001};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(durations_us); i++) {
        metric_observe_us(metric, label, durations_us[i]);
    }
    assert_int_equal(metric_value(metric, label), ARRAY_LENGTH(durations_us));
    write_text(&text);
    assert_lines(&text, "# TYPE netra_run_step_duration_seconds histogram\n"
                        "# UNIT netra_run_step_duration_seconds seconds\n");
#define STEP(le, n)                                                                                \
    "netra_run_step_duration_seconds_bucket{step=\"agent_executed\",le=\"" le "\"} " n "\n"
    assert_lines(&text, STEP("0.0001", "2") STEP("0.00025", "3"));
    assert_lines(&text, STEP("0.005", "3") STEP("0.01", "4") STEP("0.02", "5"));
    assert_lines(&text, STEP("0.5", "5") STEP("1.0", "6") STEP("2.5", "6"));
    assert_lines(&text,
                 STEP("30.0", "6") STEP(
                     "+Inf", "7") "netra_run_step_duration_seconds_count{step=\"agent_executed\"} "
                                  "7\n"
                                  "netra_run_step_duration_seconds_sum{step=\"agent_executed\"} "
                                  "31.020203\n");
    /* without labels: the bound is the only one */
    metric_observe_us(METRIC_RUN_DURATION, 0, 7);
    buf_clear(&text);
    metrics_write(&text);
    assert_lines(&text, "netra_run_duration_seconds_bucket{le=\"0.00005\"} 1\n");
    assert_lines(&text, "netra_run_duration_seconds_count 1\n"
                        "netra_run_duration_seconds_sum 0.000007\n");
}

/* Counted in microseconds, a counter in seconds to whoever reads it. */
static void test_time_is_a_counter_in_seconds(void **state)
{
    cleanup(buf_done) struct buf text;
    unsigned label = metric_label(METRIC_CPU_TIME, STR("user"));

    (void)state;
    metric_add_us(METRIC_CPU_TIME, label, 1999999);
    metric_add_us(METRIC_CPU_TIME, label, 2);
    write_text(&text);
    assert_lines(&text, "# TYPE netra_process_cpu_seconds counter\n"
                        "# UNIT netra_process_cpu_seconds seconds\n");
    assert_lines(&text, "netra_process_cpu_seconds_total{mode=\"user\"} 2.000001\n");
}

static void test_labels_that_are_no_text_are_other(void **state)
{
    enum metric metric = METRIC_RUNS;
    char long_text[METRIC_LABEL_BYTES_MAX + 1];
    unsigned other = metric_label(metric, STR("\xff\xfe"));

    (void)state;
    memset(long_text, 'a', sizeof(long_text));
    assert_int_equal(metric_label(metric, (struct str){long_text, sizeof(long_text)}), other);
    assert_int_not_equal(metric_label(metric, (struct str){long_text, sizeof(long_text) - 1}),
                         other);
}

/* Ten thousand distinct labels: the table holds its limit, the rest is counted as one. */
static void test_a_flood_of_labels_falls_together(void **state)
{
    cleanup(buf_done) struct buf text;
    enum metric metric = METRIC_HTTP_REQUESTS;
    char label[64];
    unsigned highest = 0;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        int length = snprintf(label, sizeof(label), "GET /nothing/%d 404", i);
        unsigned number = metric_label(metric, (struct str){label, (size_t)length});

        highest = number > highest ? number : highest;
        metric_add(metric, number, 1);
    }
    assert_int_equal(highest, METRIC_LABELS_MAX - 1);
    assert_int_equal(metric_value(metric, highest), 10000 - (METRIC_LABELS_MAX - 2));
    assert_int_equal(metric_value(metric, 1), 1);
    assert_int_equal(metric_label(metric, STR("GET /nothing/0 404")), 1);
    write_text(&text);
    assert_lines(&text, "\nnetra_http_requests_total{method=\"GET\",route=\"/nothing/0\","
                        "status=\"404\"} 1\n");
    assert_lines(&text, "\nnetra_http_requests_total{method=\"other\",route=\"other\","
                        "status=\"other\"} 9746\n");
}

/* Each thread counts on labels that all of them register at the same time. */
static void *count_and_write(void *arg)
{
    enum metric metric = METRIC_WS_MESSAGES;
    char label[16];

    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        int length = snprintf(label, sizeof(label), "type%d", i % 50);

        metric_add(metric, metric_label(metric, (struct str){label, (size_t)length}), 1);
        metric_observe_us(METRIC_AGENT_START, 0, (uint64_t)i);
        if (i % 500 == 0) {
            cleanup(buf_done) struct buf text;

            buf_init(&text, TEXT_BYTES_MAX);
            metrics_write(&text);
        }
    }
    return NULL;
}

static void test_threads_lose_no_count(void **state)
{
    pthread_t threads[THREADS];
    int64_t sum = 0;

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_and_write, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (unsigned label = 1; label <= 50; label++) {
        assert_int_equal(metric_value(METRIC_WS_MESSAGES, label), THREADS * ROUNDS / 50);
        sum += metric_value(METRIC_WS_MESSAGES, label);
    }
    assert_int_equal(sum, THREADS * ROUNDS);
    assert_int_equal(metric_value(METRIC_AGENT_START, 0), THREADS * ROUNDS);
}

static void test_a_text_that_is_too_long_for_the_buf_is_told(void **state)
{
    cleanup(buf_done) struct buf text;

    (void)state;
    buf_init(&text, 100);
    metrics_write(&text);
    assert_int_equal(buf_status(&text), ERR_LIMIT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_metrics_without_labels_are_there_from_the_start),
    cmocka_unit_test(test_labels_are_split_and_escaped),
    cmocka_unit_test(test_histogram_counts_up_to_and_including_its_bounds),
    cmocka_unit_test(test_time_is_a_counter_in_seconds),
    cmocka_unit_test(test_labels_that_are_no_text_are_other),
    cmocka_unit_test(test_a_flood_of_labels_falls_together),
    cmocka_unit_test(test_threads_lose_no_count),
    cmocka_unit_test(test_a_text_that_is_too_long_for_the_buf_is_told),
};

UNIT_MAIN(tests)
