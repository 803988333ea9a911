/*
 * watch: what the process notices about itself ten times a second: that its loop is late, that the
 * time of day jumped, that connections found no file descriptor. Each makes the server degraded
 * for a minute. Private to server/; loop thread.
 *
 * Late: WATCH_EVERY_MS of one another is when the watch looks; a loop that is busy looks later. A
 * look that is late by 500 ms stands for the four before it, which did not take place, so that
 * one long stop counts as much as many short ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_WATCH_H
#define NETRA_SERVER_WATCH_H

#include "monitor/health.h"

#define WATCH_EVERY_MS 100u
#define WATCH_MEMORY_S 60u
#define WATCH_LATE_US  200000 /* later than this more than once in a hundred looks: degraded */
#define WATCH_LOOKS    (WATCH_MEMORY_S * 1000u / WATCH_EVERY_MS) /* in a minute */
#define WATCH_JUMP_US  5000000 /* against elapsed time, from one look to the next */

struct watch_second {
    int64_t second; /* of elapsed time; which one is kept here */
    unsigned late;
    uint64_t refused;
};

struct watch {
    int64_t elapsed_us; /* of the last look */
    int64_t offset_us;  /* of the time of day against elapsed time, then */
    int64_t jumped_us;  /* in elapsed time; 0: never */
    int64_t jump_us;    /* by how much */
    struct watch_second seconds[WATCH_MEMORY_S];
};

/* now_us: the time of day; elapsed_us: clock_elapsed_us. */
void watch_init(struct watch *watch, int64_t now_us, int64_t elapsed_us);
void watch_look(struct watch *watch, int64_t now_us, int64_t elapsed_us);
/* So many more connections found no file descriptor. */
void watch_refused(struct watch *watch, uint64_t connections);

/* "loop", "clock", "files", "faults"; all optional. */
void watch_register(struct watch *watch, struct health *health);

#endif
