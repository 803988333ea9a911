/*
 * traffic: how many requests and tokens per minute, at the worst moment.
 *
 * Calendar minutes start at the first record's minute; empty minutes count in the mean. The sliding
 * window is (t - 60 s, t]. The token bucket is the limiter that providers document: capacity =
 * limit, continuous refill of limit / 60 a second, full at the start, a call takes its input and
 * output tokens at its arrival; the required limit is the smallest whole number that rejects
 * nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ENGINE_TRAFFIC_H
#define NETRA_ENGINE_TRAFFIC_H

#include "base/attributes.h"
#include "usage/usage_table.h"

#define TRAFFIC_MINUTES_MAX 5270400u /* ten years */

struct traffic {
    uint64_t records; /* with a time */
    uint64_t minutes; /* from the first to the last, empty ones included */
    uint64_t empty_minutes;
    uint64_t peak_rpm_calendar;
    uint64_t peak_tpm_calendar;
    int64_t peak_rpm_minute_us; /* start of the minute of the request peak */
    uint64_t peak_rpm_sliding;
    uint64_t peak_tpm_sliding;
    uint64_t required_tpm_token_bucket;
    uint64_t tokens;
};

/* Rows must be in the order of time; rows without a time are left out. ERR_NO_MEMORY; ERR_LIMIT
 * when the records span more than TRAFFIC_MINUTES_MAX. */
must_check int traffic_measure(struct traffic *traffic, const struct usage_table *table);

#endif
