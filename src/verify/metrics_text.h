/*
 * metrics_text: OpenMetrics as text, as far as a verification reads it: every line must be one, and
 * a series is looked up by its name and some of its labels. Pure. Private to verify/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_METRICS_TEXT_H
#define NETRA_VERIFY_METRICS_TEXT_H

#include <stdbool.h>

#include "base/str.h"

struct metric_label {
    const char *name;
    const char *value;
};

/* "# …" lines, and "name{label="value",…} number [time]" lines; "# EOF" at the end. *ret_series
 * counts the second kind, *ret_bad_line is the number of the first line that is neither (0: none).
 * True when all are. */
bool metrics_are_well_formed(struct str text, size_t *ret_series, size_t *ret_bad_line);

/* The sum over the series of that name which have these labels (and perhaps others); a series that
 * is not there counts 0, and *ret_matched says how many there are. */
double metrics_sum(struct str text, const char *name, const struct metric_label *labels,
                   size_t label_count, size_t *ret_matched);

#endif
