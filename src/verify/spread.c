/*
 * Order statistics of samples: nearest rank, no interpolation, so that each printed value is one
 * that was measured.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "verify/evidence.h"

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static double at_rank(const double *sorted, size_t count, double p)
{
    size_t rank = (size_t)ceil(p * (double)count);

    return sorted[rank ? rank - 1 : 0];
}

int spread_of(const double *values, size_t count, struct spread *ret_spread)
{
    double sum = 0;
    double squares = 0;

    if (count == 0) {
        *ret_spread = (struct spread){.p25 = NAN,
                                      .p50 = NAN,
                                      .p75 = NAN,
                                      .p95 = NAN,
                                      .p99 = NAN,
                                      .min = NAN,
                                      .max = NAN,
                                      .mean = NAN,
                                      .deviation = NAN};
        return OK;
    }
    double *sorted = alloc_zeroed(count, sizeof(*sorted));
    if (!sorted) {
        return ERR_NO_MEMORY;
    }
    memcpy(sorted, values, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), by_value);
    for (size_t i = 0; i < count; i++) {
        sum += sorted[i];
    }
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++) {
        squares += (sorted[i] - mean) * (sorted[i] - mean);
    }
    *ret_spread = (struct spread){
        .n = count,
        .p25 = at_rank(sorted, count, 0.25),
        .p50 = at_rank(sorted, count, 0.50),
        .p75 = at_rank(sorted, count, 0.75),
        .p95 = at_rank(sorted, count, 0.95),
        .p99 = at_rank(sorted, count, 0.99),
        .min = sorted[0],
        .max = sorted[count - 1],
        .mean = mean,
        .deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : 0,
    };
    alloc_free(sorted);
    return OK;
}

double spread_statistic(const struct spread *spread, const char *statistic)
{
    if (strcmp(statistic, "p50") == 0) {
        return spread->p50;
    }
    return strcmp(statistic, "p95") == 0 ? spread->p95 : spread->p99;
}
