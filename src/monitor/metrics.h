/*
 * metrics: counts that the program keeps about itself, described once in metrics.def and written as
 * OpenMetrics text. One table per process.
 *
 *     metric_add(METRIC_HTTP_REQUESTS, metric_label(METRIC_HTTP_REQUESTS, STR("GET /api/health
 * 200")), 1)
 *
 * Any thread: counting is one relaxed atomic addition. Labels are registered (a lock, once) and
 * then used by number; a metric has at most METRIC_LABELS_MAX of them, later ones fall together
 * under "other", so that nobody can grow the table from outside.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_MONITOR_METRICS_H
#define NETRA_MONITOR_METRICS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define METRIC_LABELS_MAX      256u
#define METRIC_LABEL_BYTES_MAX 124u /* of a label set; a longer one is "other" */

enum metric {
#define METRIC(id, type, name, label_names, help) METRIC_##id,
#include "monitor/metrics.def"
#undef METRIC
    METRIC_COUNT
};

/* The number of a label set: the values in the order of the metric's label names, separated by a
 * space ("GET /api/health 200": a value holds none, but the last may). Same text, same number. 0 is
 * the number of "no label". */
unsigned metric_label(enum metric metric, struct str values);

void metric_add(enum metric metric, unsigned label, uint64_t n);                  /* counters */
void metric_add_us(enum metric metric, unsigned label, uint64_t us);              /* seconds */
void metric_set(enum metric metric, unsigned label, int64_t value);               /* gauges */
void metric_observe_us(enum metric metric, unsigned label, uint64_t duration_us); /* histograms */

/* The value of a counter or gauge; the number of observations of a histogram. */
int64_t metric_value(enum metric metric, unsigned label);

/* OpenMetrics 1.0 text, "# EOF" included. */
void metrics_write(struct buf *out);

/* "application/openmetrics-text; version=1.0.0; charset=utf-8" */
extern const char metrics_content_type[];

#endif
