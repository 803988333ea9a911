/*
 * fault: faults that can be put into a running server to see what it does, by operators of a
 * deployment that allows it (faults.allowed; /health says so). Each room asks at the place where
 * the real thing would happen; nothing else knows of faults.
 *
 *     if (fault_hits(FAULT_STORE_FULL)) { code = ERR_IO … as SQLITE_FULL does }
 *
 * A fault is armed for a number of times, or until it is disarmed, and ends by itself after a
 * while. Where none is armed, asking is one relaxed load. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_MONITOR_FAULT_H
#define NETRA_MONITOR_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/str.h"

#define FAULT_TIMES_MAX   1000000u
#define FAULT_SECONDS_MAX 600u /* then it ends by itself */

/* monitor/faults.def: FAULT(id, name, argument's name or "", least, most, what it does) */
enum fault {
#define FAULT(id, name, argument, least, most, text) FAULT_##id,
#include "monitor/faults.def"
#undef FAULT
    FAULT_COUNT
};

struct fault_description {
    const char *name;     /* "store_full" */
    const char *argument; /* "delay_ms"; "" when there is none */
    int64_t least;
    int64_t most;
    const char *text;
};
extern const struct fault_description fault_descriptions[FAULT_COUNT];

/* Whether the process takes faults at all; once, before threads begin. */
void fault_allow(bool is_allowed);
bool fault_is_allowed(void);

/* times 0: each time until it ends. Refused (ERR_DENIED) where faults are not allowed; ERR_INVALID
 * (argument, times or seconds out of bounds). */
must_check int fault_arm(enum fault fault, uint64_t times, int64_t argument, unsigned seconds,
                         int64_t now_us);
void fault_disarm(enum fault fault);
void fault_disarm_all(void);
/* Disarms what has ended by time; called by the server's tick. */
void fault_tick(int64_t now_us);

struct fault_state {
    bool is_armed;
    uint64_t times_left; /* 0: without end */
    uint64_t hits;       /* since the start */
    int64_t argument;
    int64_t ends_us;
};
struct fault_state fault_state(enum fault fault);

/* "store_full, clock_jump", as many as there is room for; how many are armed. */
unsigned fault_armed_names(char *ret_text, size_t bytes);

extern atomic_uint fault_armed; /* how many; private but for the line below */
bool fault_take(enum fault fault, int64_t *ret_argument);

/* True when the fault happens here and now: it is counted. */
static inline bool fault_hits(enum fault fault)
{
    return atomic_load_explicit(&fault_armed, memory_order_relaxed) != 0 && fault_take(fault, NULL);
}

/* The same with the fault's argument. */
static inline bool fault_hits_with(enum fault fault, int64_t *ret_argument)
{
    return atomic_load_explicit(&fault_armed, memory_order_relaxed) != 0 &&
           fault_take(fault, ret_argument);
}

#endif
