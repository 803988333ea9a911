/*
 * log: one line per event of note, on standard error: text for people or JSON for machines. Lines
 * of level info and below are gathered and written together (log_flush, called by the loop's timer
 * and at the end); warnings and errors are written at once with what was gathered before them.
 *
 * Any thread. Text from outside is an argument, never the format; control bytes are escaped.
 * Secrets are nobody's argument. A line that is written while the thread has a trace
 * (trace_set_current) carries its ids. Of lines of one level and format only so many are written in
 * a second, the rest is counted ("… 213 more like: …"): no event from outside fills the disk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_MONITOR_LOG_H
#define NETRA_MONITOR_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"

#define LOG_LINE_BYTES_MAX   4096u  /* a longer line is cut */
#define LOG_BUFFER_BYTES_MAX 65536u /* gathered; full: written at once */

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_LEVEL_COUNT };

struct log_options {
    enum log_level level; /* lines above it are dropped */
    bool is_json;
    int fd;                                /* standard error */
    int64_t (*now_us)(void);               /* clock_now_us; NULL: lines without a time */
    unsigned lines_per_s[LOG_LEVEL_COUNT]; /* of one level and format; 0: no bound */
    int64_t (*elapsed_us)(void);           /* what seconds are measured by; NULL: CLOCK_MONOTONIC */
};

/* What suits a server: errors 100, warnings 10, infos 200; debug as many as there are. */
#define LOG_LINES_PER_S                                                                            \
    {                                                                                              \
        [LOG_ERROR] = 100, [LOG_WARNING] = 10, [LOG_INFO] = 200                                    \
    }

/* Before it lines of warnings and errors are written as text without a time. May be called again.
 */
void log_start(const struct log_options *options);

/* room: "http", "store" … */
void log_write(enum log_level level, const char *room, const char *format, ...) printf_like(3, 4);
bool log_is_on(enum log_level level);
void log_flush(void);

#endif
