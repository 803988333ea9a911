/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "verify/evidence.h"

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

/* The smallest value that at least percent of 100 of the values do not exceed. In integers:
 * 0.95 × 100 is a little over 95 in doubles. */
static double order_statistic(const double *sorted, size_t count, size_t percent)
{
    size_t rank = (count * percent + 99) / 100;

    return sorted[rank ? rank - 1 : 0];
}

/* Two passes: the mean first, so that close values do not cancel each other out. */
static void measure(const double *values, size_t count, struct spread *spread)
{
    double sum = 0;
    double squares = 0;

    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    spread->mean = sum / (double)count;
    for (size_t i = 0; i < count; i++) {
        squares += (values[i] - spread->mean) * (values[i] - spread->mean);
    }
    spread->deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : 0;
}

static void free_doubles(double **values)
{
    alloc_free(*values);
}

int spread_of(const double *values, size_t count, struct spread *ret_spread)
{
    cleanup(free_doubles) double *sorted = NULL;
    struct spread spread = {0, NAN, NAN, NAN, NAN, NAN, NAN, NAN};

    if (count) {
        sorted = alloc_zeroed(count, sizeof(*sorted));
        if (!sorted) {
            return ERR_NO_MEMORY;
        }
        memcpy(sorted, values, count * sizeof(*sorted));
        qsort(sorted, count, sizeof(*sorted), compare);
        spread.n = count;
        spread.p50 = order_statistic(sorted, count, 50);
        spread.p95 = order_statistic(sorted, count, 95);
        spread.p99 = order_statistic(sorted, count, 99);
        spread.min = sorted[0];
        spread.max = sorted[count - 1];
        measure(values, count, &spread);
    }
    *ret_spread = spread;
    return OK;
}
