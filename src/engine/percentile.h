/*
 * percentile: exact percentiles with linear interpolation between closest ranks (Hyndman and Fan,
 * type 7: what numpy and spreadsheets do).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ENGINE_PERCENTILE_H
#define NETRA_ENGINE_PERCENTILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/decimal.h"

#define PERCENTILE_SCALE 3 /* results are decimals of a thousandth */

/* Sorts values in place, ascending; scratch has room for count. O(count), four passes of a radix
 * sort. */
void percentile_sort(uint32_t *values, size_t count, uint32_t *scratch);

/* The percentile of sorted values; per_mille is 500 for the median, 990 for p99; count > 0. */
struct decimal percentile_of_sorted(const uint32_t *sorted, size_t count, unsigned per_mille);

#endif
