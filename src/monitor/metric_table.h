/*
 * metric_table: where the counts are. Static memory, so that counting never fails and never
 * allocates; pages that no label uses are never touched. Private to monitor/.
 *
 *     series[metric]  number 0            the metric without labels
 *                     1 … n               label sets in the order in which they were registered
 *                     METRIC_LABEL_OTHER  what came when the table was full, or is no label
 *
 * A label's text is written before its number is published (labels, release), and never changes;
 * who reads a number or a slot with acquire may read the text without a lock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_MONITOR_METRIC_TABLE_H
#define NETRA_MONITOR_METRIC_TABLE_H

#include <stdatomic.h>

#include "monitor/metrics.h"

#define METRIC_LABEL_OTHER (METRIC_LABELS_MAX - 1)
#define METRIC_LABEL_SLOTS 1024u /* a power of two: the table of texts is a quarter full */
#define METRIC_BUCKETS     20u   /* the last has no upper bound */

enum metric_type {
    METRIC_TYPE_COUNTER,
    METRIC_TYPE_SECONDS, /* a counter of microseconds, written in seconds */
    METRIC_TYPE_GAUGE,
    METRIC_TYPE_HISTOGRAM
};

struct metric_description {
    const char *name;
    const char *label_names; /* separated by spaces; "" when there are none */
    const char *help;
    enum metric_type type;
};

struct metric_label_text {
    unsigned length;
    char text[METRIC_LABEL_BYTES_MAX];
};

struct metric_histogram {
    _Atomic uint64_t buckets[METRIC_BUCKETS];
    _Atomic uint64_t sum_us;
};

struct metric_series {
    atomic_uint labels; /* registered, from number 1 on */
    atomic_bool has_other;
    _Atomic uint16_t slots[METRIC_LABEL_SLOTS]; /* hash of the text → number; 0: empty */
    struct metric_label_text texts[METRIC_LABELS_MAX];
    _Atomic int64_t values[METRIC_LABELS_MAX];
    struct metric_histogram histograms[METRIC_LABELS_MAX]; /* of histograms only */
};

struct metric_bound {
    uint64_t duration_us;
    const char *text; /* the same in seconds, as "le" has it */
};

extern const struct metric_description metric_descriptions[METRIC_COUNT];
extern const struct metric_bound metric_bounds[METRIC_BUCKETS - 1];
extern struct metric_series metric_series[METRIC_COUNT];

#endif
