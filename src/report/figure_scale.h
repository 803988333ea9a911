/*
 * figure_scale: what the two ways to draw a figure share: extents and ticks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_REPORT_FIGURE_SCALE_H
#define NETRA_REPORT_FIGURE_SCALE_H

#include "report/figure.h"

/* Points of the longest series. */
size_t figure_row_count(const struct figure *figure);

/* The extent of what is drawn; holds zero, and is never empty. A waterfall's are its levels. */
void figure_range(const struct figure *figure, double *ret_low, double *ret_high);

/* A step of 1, 2 or 5 × 10^k with at most count steps in span (> 0). */
double figure_tick_step(double span, unsigned count);

/* A tick's label: as many places as the step has, and no unit that the title already says. */
void figure_print_tick(enum fact_unit unit, double value, double step, struct buf *out);

#endif
