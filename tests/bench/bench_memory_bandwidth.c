/*
 * The reference of every other benchmark: summing a column of int64 that is far larger than the
 * caches, by one thread, as the kernels of engine/ read theirs. No kernel over columns in memory
 * can be faster; how near one comes is its ratio in the table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include "base/alloc.h"

#define COLUMN_BYTES ((size_t)256 << 20)
#define COLUMN_ROWS  (COLUMN_BYTES / sizeof(int64_t))

static int sum_column(void *arg)
{
    const int64_t *column = arg;
    int64_t sum = 0;

    for (size_t i = 0; i < COLUMN_ROWS; i++) {
        sum += column[i];
    }
    bench_keep(sum);
    return sum == (int64_t)(COLUMN_ROWS * (COLUMN_ROWS - 1) / 2) ? 0 : 1;
}

int main(void)
{
    int64_t *column = alloc_zeroed(COLUMN_ROWS, sizeof(*column));

    if (!column) {
        (void)fprintf(stderr, "memory_bandwidth: no memory for %zu bytes\n", COLUMN_BYTES);
        return 1;
    }
    for (size_t i = 0; i < COLUMN_ROWS; i++) {
        column[i] = (int64_t)i; /* written, so that the pages are real */
    }
    int status = bench_run(&(struct bench){.name = "memory_bandwidth",
                                           .work = (double)COLUMN_BYTES,
                                           .unit = "bytes",
                                           .run = sum_column,
                                           .arg = column});
    alloc_free(column);
    return status;
}
