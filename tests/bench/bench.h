/*
 * bench: what every benchmark needs: a clock, the median of some runs, and one line of JSON per
 * result on standard output, which tools/bench.sh gathers into a table.
 *
 *     static int run(void *arg) { … the work, once …; return 0; }
 *     return bench_run(&(struct bench){.name = "import.jsonl", .work = 250e6, .unit = "bytes",
 *                                      .run = run, .arg = &state});
 *
 * The result is work per second (".unit/s") by the median of BENCH_RUNS runs after one to warm up;
 * the fastest and the slowest run are printed beside it, so that a noisy machine is seen as one.
 * With 100 runs or fewer the slowest is the 99th percentile, by nearest rank. The work must do
 * something that the compiler cannot leave out: hand its result to bench_keep().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_BENCH_H
#define NETRA_TESTS_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BENCH_RUNS     7
#define BENCH_RUNS_MAX 100

struct bench {
    const char *name;      /* dotted, stable: it is compared over time; JSON-safe */
    double work;           /* units of work in one run */
    const char *unit;      /* "bytes", "records", "requests", "runs" */
    int (*run)(void *arg); /* 0, or the benchmark has failed */
    void *arg;
    int runs; /* 0: BENCH_RUNS; at most BENCH_RUNS_MAX */
};

/* The compiler must assume that value is used. */
static inline void bench_keep(int64_t value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

static inline double bench_now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static inline int bench_by_time(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

/* Runs it, prints its line; the exit code of a benchmark. */
static inline int bench_run(const struct bench *bench)
{
    double seconds[BENCH_RUNS_MAX];
    int runs = bench->runs > 0 && bench->runs <= BENCH_RUNS_MAX ? bench->runs : BENCH_RUNS;

    for (int i = -1; i < runs; i++) { /* -1: warm-up */
        double began = bench_now_s();

        if (bench->run(bench->arg)) {
            (void)fprintf(stderr, "%s: the work failed\n", bench->name);
            return 1;
        }
        if (i >= 0) {
            seconds[i] = bench_now_s() - began;
        }
    }
    qsort(seconds, (size_t)runs, sizeof(seconds[0]), bench_by_time);
    double median = seconds[runs / 2];
    if (median <= 0 || bench->work <= 0) {
        (void)fprintf(stderr, "%s: took no time or did no work: measures nothing\n", bench->name);
        return 1;
    }
    printf("{\"name\":\"%s\",\"unit\":\"%s\",\"work\":%.0f,\"median_s\":%.9f,\"min_s\":%.9f,"
           "\"max_s\":%.9f,\"per_second\":%.1f,\"runs\":%d}\n",
           bench->name, bench->unit, bench->work, median, seconds[0], seconds[runs - 1],
           bench->work / median, runs);
    return 0;
}

#endif
