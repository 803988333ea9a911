/*
 * OpenMetrics as a verification reads it: series are found by name and labels, and text that is not
 * OpenMetrics is refused with its line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "verify/metrics_text.h"

static const char good[] =
    "# HELP netra_runs Runs.\n"
    "# TYPE netra_runs counter\n"
    "netra_runs_total{status=\"finished\"} 12\n"
    "netra_runs_total{status=\"failed\"} 2\n"
    "requests_total{method=\"GET\",route=\"/a{b}\",status=\"200\"} 3\n"
    "requests_total{method=\"POST\",route=\"/a,\\\"b\\\"\",status=\"200\"} 4\n"
    "memory_bytes 1.5e+06 1795430000.5\n"
    "# EOF\n";

static double sum(const char *name, const char *label, const char *value, size_t *ret_matched)
{
    const struct metric_label labels[] = {{label, value}};

    return metrics_sum(str_from(good), name, labels, label ? 1 : 0, ret_matched);
}

static void test_series_are_summed_by_labels(void **state)
{
    const struct metric_label two[] = {{"route", "/a{b}"}, {"status", "200"}};
    size_t matched = 0;

    (void)state;
    assert_true(sum("netra_runs_total", NULL, NULL, &matched) == 14);
    assert_int_equal(matched, 2);
    assert_true(sum("netra_runs_total", "status", "finished", &matched) == 12);
    assert_true(metrics_sum(str_from(good), "requests_total", two, 2, &matched) == 3);
    assert_int_equal(matched, 1);
    assert_true(sum("memory_bytes", NULL, NULL, &matched) == 1500000);
    assert_true(sum("netra_runs", NULL, NULL, &matched) == 0);
    assert_int_equal(matched, 0);
    /* neither a part of a name nor of a value is taken for the whole */
    assert_true(sum("requests_total", "status", "20", &matched) == 0);
    assert_true(sum("requests_total", "tatus", "200", &matched) == 0);
    assert_true(sum("requests_total", "method", "GET\",route=\"/a{b}", &matched) == 3);
}

static void test_text_that_is_none_is_refused(void **state)
{
    static const struct {
        struct str text;
        size_t line;
    } rows[] = {
        {STR(""), 1},
        {STR("a 1\n"), 2},
        {STR("a 1\n# EOF\nb 2\n"), 3},
        {STR("a\n# EOF\n"), 1},
        {STR("a one\n# EOF\n"), 1},
        {STR("a 1\n<html>\n# EOF\n"), 2},
        {STR("a{b=\"c\" 1\n# EOF\n"), 1},
        {STR("a{b=\"c\"}\n# EOF\n"), 1},
        {STR("a{b=\"c\\\"} 1\n# EOF\n"), 1},
        {STR("\n# EOF\n"), 1},
    };
    size_t series = 0;
    size_t bad_line = 0;

    (void)state;
    assert_true(metrics_are_well_formed(str_from(good), &series, &bad_line));
    assert_int_equal(series, 5);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_false(metrics_are_well_formed(rows[i].text, &series, &bad_line));
        assert_int_equal(bad_line, rows[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_series_are_summed_by_labels),
        cmocka_unit_test(test_text_that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
