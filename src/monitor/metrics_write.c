/*
 * The table as OpenMetrics 1.0 text:
 *
 *     # TYPE netra_http_requests counter
 *     # HELP netra_http_requests Answered requests.
 *     netra_http_requests_total{method="GET",route="/health",status="200"} 3
 *
 * A UNIT line where the name ends with the unit, as the format wants it. Counts of a histogram are
 * the sum of its buckets, read once, so that "+Inf" and "_count" always agree.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "monitor/metric_table.h"

const char metrics_content_type[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";

static const char *const type_names[] = {
    [METRIC_TYPE_COUNTER] = "counter",
    [METRIC_TYPE_SECONDS] = "counter",
    [METRIC_TYPE_GAUGE] = "gauge",
    [METRIC_TYPE_HISTOGRAM] = "histogram",
};

/* Texts of metrics.def and values of labels, which may come from outside. */
static void write_escaped(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];

        if (c == '\n') {
            buf_append(out, STR("\\n"));
        } else {
            if (c == '"' || c == '\\') {
                buf_append_char(out, '\\');
            }
            buf_append_char(out, c);
        }
    }
}

/* Up to the next space; the last name takes the whole rest. */
static struct str next_word(struct str *rest, bool is_last)
{
    size_t end = is_last ? SIZE_MAX : str_find(*rest, STR(" "), 0);
    struct str word = *rest;

    if (end < rest->length) {
        word = str_slice(*rest, 0, end);
        *rest = str_slice(*rest, end + 1, rest->length);
    } else {
        *rest = (struct str){NULL, 0};
    }
    return word;
}

/* {method="GET",route="/",le="0.5"} or nothing at all. */
static void write_labels(struct buf *out, enum metric metric, unsigned label, const char *le)
{
    const struct metric_label_text *known = &metric_series[metric].texts[label];
    struct str values = {known->text, known->length};
    struct str names = str_from(metric_descriptions[metric].label_names);
    const char *separator = "{";

    while (label != 0 && names.length) {
        struct str name = next_word(&names, /* is_last */ false);

        buf_printf(out, "%s%.*s=\"", separator, STR_ARGS(name));
        write_escaped(out, label == METRIC_LABEL_OTHER
                               ? STR("other")
                               : next_word(&values, /* is_last */ names.length == 0));
        buf_append_char(out, '"');
        separator = ",";
    }
    if (le) {
        buf_printf(out, "%sle=\"%s\"", separator, le);
        separator = ",";
    }
    if (separator[0] == ',') {
        buf_append_char(out, '}');
    }
}

static void write_histogram(struct buf *out, enum metric metric, unsigned label)
{
    struct metric_histogram *histogram = &metric_series[metric].histograms[label];
    const char *name = metric_descriptions[metric].name;
    uint64_t count = 0;

    for (unsigned i = 0; i < METRIC_BUCKETS; i++) {
        count += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        buf_printf(out, "%s_bucket", name);
        write_labels(out, metric, label, i < METRIC_BUCKETS - 1 ? metric_bounds[i].text : "+Inf");
        buf_printf(out, " %" PRIu64 "\n", count);
    }
    uint64_t sum_us = atomic_load_explicit(&histogram->sum_us, memory_order_relaxed);
    buf_printf(out, "%s_count", name);
    write_labels(out, metric, label, /* le */ NULL);
    buf_printf(out, " %" PRIu64 "\n%s_sum", count, name);
    write_labels(out, metric, label, /* le */ NULL);
    buf_printf(out, " %" PRIu64 ".%06" PRIu64 "\n", sum_us / 1000000, sum_us % 1000000);
}

static void write_series(struct buf *out, enum metric metric, unsigned label)
{
    const struct metric_description *description = &metric_descriptions[metric];

    if (description->type == METRIC_TYPE_HISTOGRAM) {
        write_histogram(out, metric, label);
        return;
    }
    buf_printf(out, "%s%s", description->name,
               description->type == METRIC_TYPE_GAUGE ? "" : "_total");
    write_labels(out, metric, label, /* le */ NULL);
    int64_t value = metric_value(metric, label);
    if (description->type == METRIC_TYPE_SECONDS) {
        buf_printf(out, " %" PRId64 ".%06" PRId64 "\n", value / 1000000, value % 1000000);
    } else {
        buf_printf(out, " %" PRId64 "\n", value);
    }
}

static void write_unit(struct buf *out, const char *name)
{
    static const char *const units[] = {"seconds", "bytes"};
    struct str text = str_from(name);

    for (size_t i = 0; i < ARRAY_LENGTH(units); i++) {
        struct str unit = str_from(units[i]);

        if (str_ends_with(text, unit) && text.length > unit.length &&
            text.data[text.length - unit.length - 1] == '_') {
            buf_printf(out, "# UNIT %s %s\n", name, units[i]);
        }
    }
}

/* A metric without labels is there from the start; one with labels when it has got some, or when
 * somebody counted without them. */
static bool has_plain_series(enum metric metric)
{
    return metric_descriptions[metric].label_names[0] == '\0' || metric_value(metric, 0) != 0;
}

static void write_metric(struct buf *out, enum metric metric)
{
    const struct metric_description *description = &metric_descriptions[metric];
    struct metric_series *series = &metric_series[metric];
    unsigned labels = atomic_load_explicit(&series->labels, memory_order_acquire);

    buf_printf(out, "# TYPE %s %s\n", description->name, type_names[description->type]);
    write_unit(out, description->name);
    buf_printf(out, "# HELP %s ", description->name);
    write_escaped(out, str_from(description->help));
    buf_append_char(out, '\n');
    for (unsigned label = has_plain_series(metric) ? 0 : 1; label <= labels; label++) {
        write_series(out, metric, label);
    }
    if (atomic_load_explicit(&series->has_other, memory_order_relaxed)) {
        write_series(out, metric, METRIC_LABEL_OTHER);
    }
}

void metrics_write(struct buf *out)
{
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        write_metric(out, (enum metric)i);
    }
    buf_append(out, STR("# EOF\n"));
}
