/*
 * six_steps: the steps of the starting report in a list of events and in a run's record. Pure: what
 * is wrong comes back as a sentence. Private to verify/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_SIX_STEPS_H
#define NETRA_VERIFY_SIX_STEPS_H

#include "verify/hearing.h"
#include "json/json_read.h"

#define SIX_STEPS             6u
#define SIX_STEPS_WRONG_BYTES 200u
/* Events say milliseconds, the record microseconds, both of the same moment. */
#define SIX_STEPS_APART_US 10000

extern const char *const six_step_names[SIX_STEPS];

struct step_seen {
    int64_t started_ms, finished_ms; /* as the events say */
    int64_t duration_us;
    int64_t started_at_us, finished_at_us; /* monotonic, as they came */
};

/* Numbers from first on, one by one. True, or false with what is wrong. */
bool events_are_gapless(const struct heard_event *events, size_t count, uint64_t first,
                        char ret_wrong[SIX_STEPS_WRONG_BYTES]);

/* Each step started and finished once, one after the other, in the order of six_step_names. */
bool six_steps_in_events(const struct heard_event *events, size_t count,
                         struct step_seen ret_steps[SIX_STEPS],
                         char ret_wrong[SIX_STEPS_WRONG_BYTES]);

/* The record ({steps:[{name, started_at, finished_at, duration_us}]}) says the same. */
bool six_steps_in_record(struct json_value record, const struct step_seen steps[SIX_STEPS],
                         char ret_wrong[SIX_STEPS_WRONG_BYTES]);

#endif
