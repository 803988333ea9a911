/*
 * log_bound: how many lines of a kind are written in a second, so that nobody fills the disk
 * through the log. A kind is a level and a format of ours; what differs in its arguments, which may
 * come from outside, makes no other kind.
 *
 *     warning http: cannot accept a connection: Too many open files      10 times, then
 *     warning http: … 213 more like: cannot accept a connection: Too many open files
 *
 * The 128 kinds that fit are more than the program has; what came when the table was full is
 * bounded together. Private to monitor/; under the log's lock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_MONITOR_LOG_BOUND_H
#define NETRA_MONITOR_LOG_BOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "monitor/log.h"

#define LOG_KINDS_MAX        128u
#define LOG_KIND_BYTES_SHOWN 96u

struct log_kind {
    const char *format; /* a literal of the program; NULL: free */
    const char *room;
    enum log_level level;
    int64_t second_began_us;
    unsigned count;                   /* in this second, written or not */
    unsigned left_out;                /* of them and of earlier ones, not yet told */
    char shown[LOG_KIND_BYTES_SHOWN]; /* the beginning of a line that was written */
};

struct log_bound {
    unsigned count;
    struct log_kind kinds[LOG_KINDS_MAX];
};

/* The kind of a line, and whether it may be written: at most per_s in a second, 0: any number. */
struct log_kind *log_bound_admit(struct log_bound *bound, enum log_level level, const char *room,
                                 const char *format, unsigned per_s, int64_t elapsed_us,
                                 bool *ret_may);

/* The next kind whose second is over and of which lines were left out; NULL: none. */
struct log_kind *log_bound_next_left(struct log_bound *bound, int64_t elapsed_us);

#endif
