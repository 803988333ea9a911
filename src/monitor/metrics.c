/*
 * Counting, and the numbers of label sets. A count is one relaxed addition: nobody decides anything
 * by it, so that it need not be in order with anything else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "monitor/metrics.h"

#include <pthread.h>

#include "base/check.h"
#include "monitor/metric_table.h"

#define COUNTER   METRIC_TYPE_COUNTER
#define SECONDS   METRIC_TYPE_SECONDS
#define GAUGE     METRIC_TYPE_GAUGE
#define HISTOGRAM METRIC_TYPE_HISTOGRAM

const struct metric_description metric_descriptions[METRIC_COUNT] = {
#define METRIC(id, kind, metric_name, labels, what)                                                \
    [METRIC_##                                                                                     \
        id] = {.name = (metric_name), .label_names = (labels), .help = (what), .type = (kind)},
#include "monitor/metrics.def"
#undef METRIC
};

/* Each target is a bound (2, 5, 10, 20, 50, 100, 200, 250, 500 ms, 1 s), and below 1 ms they are
 * fine enough to see a loop that answers from memory. */
const struct metric_bound metric_bounds[METRIC_BUCKETS - 1] = {
    {50, "0.00005"},  {100, "0.0001"},  {250, "0.00025"},   {500, "0.0005"},    {1000, "0.001"},
    {2000, "0.002"},  {5000, "0.005"},  {10000, "0.01"},    {20000, "0.02"},    {50000, "0.05"},
    {100000, "0.1"},  {200000, "0.2"},  {250000, "0.25"},   {500000, "0.5"},    {1000000, "1.0"},
    {2500000, "2.5"}, {5000000, "5.0"}, {10000000, "10.0"}, {30000000, "30.0"},
};

struct metric_series metric_series[METRIC_COUNT];

static pthread_mutex_t registering = PTHREAD_MUTEX_INITIALIZER;

/* FNV-1a: texts are short, and nobody outside chooses more of them than the table takes. */
static unsigned hash_of(struct str text)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < text.length; i++) {
        hash = (hash ^ (unsigned char)text.data[i]) * 16777619u;
    }
    return hash ^ (hash >> 15);
}

/* The number of a text, or 0 and the slot where it would go. At most a quarter of the slots is ever
 * used, so that the search ends. */
static unsigned find_label(struct metric_series *series, struct str text, unsigned *ret_slot)
{
    for (unsigned slot = hash_of(text);; slot++) {
        unsigned at = slot % METRIC_LABEL_SLOTS;
        unsigned label = atomic_load_explicit(&series->slots[at], memory_order_acquire);

        if (label == 0) {
            *ret_slot = at;
            return 0;
        }
        const struct metric_label_text *known = &series->texts[label];
        if (str_equal(text, (struct str){known->text, known->length})) {
            return label;
        }
    }
}

static unsigned other_label(struct metric_series *series)
{
    atomic_store_explicit(&series->has_other, true, memory_order_relaxed);
    return METRIC_LABEL_OTHER;
}

unsigned metric_label(enum metric metric, struct str values)
{
    check_cmp(metric, <, METRIC_COUNT);
    struct metric_series *series = &metric_series[metric];
    unsigned slot;

    if (values.length > METRIC_LABEL_BYTES_MAX) {
        return other_label(series);
    }
    unsigned label = find_label(series, values, &slot);
    if (label) {
        return label;
    }
    if (!str_is_utf8(values)) {
        return other_label(series);
    }
    (void)pthread_mutex_lock(&registering);
    label = find_label(series, values, &slot);
    unsigned count = atomic_load_explicit(&series->labels, memory_order_relaxed);
    if (label == 0 && count + 1 < METRIC_LABEL_OTHER) {
        label = count + 1;
        series->texts[label].length = (unsigned)values.length;
        if (values.length) {
            memcpy(series->texts[label].text, values.data, values.length);
        }
        atomic_store_explicit(&series->slots[slot], (uint16_t)label, memory_order_release);
        atomic_store_explicit(&series->labels, label, memory_order_release);
    }
    (void)pthread_mutex_unlock(&registering);
    return label ? label : other_label(series);
}

static struct metric_series *series_of(enum metric metric, unsigned label, enum metric_type type)
{
    check_cmp(metric, <, METRIC_COUNT);
    check_cmp(label, <, METRIC_LABELS_MAX);
    check_cmp(metric_descriptions[metric].type, ==, type);
    return &metric_series[metric];
}

void metric_add(enum metric metric, unsigned label, uint64_t n)
{
    struct metric_series *series = series_of(metric, label, COUNTER);

    atomic_fetch_add_explicit(&series->values[label], (int64_t)n, memory_order_relaxed);
}

void metric_add_us(enum metric metric, unsigned label, uint64_t us)
{
    struct metric_series *series = series_of(metric, label, SECONDS);

    atomic_fetch_add_explicit(&series->values[label], (int64_t)us, memory_order_relaxed);
}

void metric_set(enum metric metric, unsigned label, int64_t value)
{
    struct metric_series *series = series_of(metric, label, GAUGE);

    atomic_store_explicit(&series->values[label], value, memory_order_relaxed);
}

void metric_observe_us(enum metric metric, unsigned label, uint64_t duration_us)
{
    struct metric_histogram *histogram = &series_of(metric, label, HISTOGRAM)->histograms[label];
    unsigned bucket = 0;

    while (bucket < METRIC_BUCKETS - 1 && duration_us > metric_bounds[bucket].duration_us) {
        bucket++;
    }
    atomic_fetch_add_explicit(&histogram->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_us, duration_us, memory_order_relaxed);
}

int64_t metric_value(enum metric metric, unsigned label)
{
    check_cmp(metric, <, METRIC_COUNT);
    check_cmp(label, <, METRIC_LABELS_MAX);
    struct metric_series *series = &metric_series[metric];

    if (metric_descriptions[metric].type != HISTOGRAM) {
        return atomic_load_explicit(&series->values[label], memory_order_relaxed);
    }
    uint64_t count = 0;
    for (unsigned i = 0; i < METRIC_BUCKETS; i++) {
        count += atomic_load_explicit(&series->histograms[label].buckets[i], memory_order_relaxed);
    }
    return (int64_t)count;
}
