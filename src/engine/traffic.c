/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/traffic.h"

#include "base/alloc.h"
#include "base/civil_time.h"
#include "base/decimal.h"

/* Arrival times and sizes of the calls that have a time, packed. */
struct arrivals {
    int64_t *time_us;
    uint64_t *tokens;
    size_t count;
};

static void arrivals_done(struct arrivals *arrivals)
{
    alloc_free(arrivals->time_us);
    alloc_free(arrivals->tokens);
}

static int arrivals_init(struct arrivals *arrivals, const struct usage_table *table)
{
    size_t rows = table->count ? table->count : 1;

    *arrivals = (struct arrivals){
        .time_us = alloc_zeroed(rows, sizeof(int64_t)),
        .tokens = alloc_zeroed(rows, sizeof(uint64_t)),
    };
    if (!arrivals->time_us || !arrivals->tokens) {
        return ERR_NO_MEMORY;
    }
    for (size_t row = 0; row < table->count; row++) {
        struct usage_tokens tokens = usage_tokens_of(table, row);

        if (usage_has(table, row, USAGE_HAS_TIME)) {
            arrivals->time_us[arrivals->count] = table->time_us[row];
            arrivals->tokens[arrivals->count++] = usage_input_total(&tokens) + tokens.output;
        }
    }
    return OK;
}

static void measure_calendar(struct traffic *traffic, const struct arrivals *arrivals)
{
    int64_t first_us = civil_floor(arrivals->time_us[0], MINUTE_US);
    int64_t minute = -1;
    uint64_t requests = 0;
    uint64_t tokens = 0;
    uint64_t used = 0;

    for (size_t i = 0; i < arrivals->count; i++) {
        int64_t now = (arrivals->time_us[i] - first_us) / MINUTE_US;

        if (now != minute) {
            minute = now;
            requests = 0;
            tokens = 0;
            used++;
        }
        requests++;
        tokens += arrivals->tokens[i];
        traffic->tokens += arrivals->tokens[i];
        if (requests > traffic->peak_rpm_calendar) {
            traffic->peak_rpm_calendar = requests;
            traffic->peak_rpm_minute_us = first_us + minute * MINUTE_US;
        }
        if (tokens > traffic->peak_tpm_calendar) {
            traffic->peak_tpm_calendar = tokens;
        }
    }
    traffic->minutes = (uint64_t)minute + 1;
    traffic->empty_minutes = traffic->minutes - used;
}

static void measure_sliding(struct traffic *traffic, const struct arrivals *arrivals)
{
    size_t oldest = 0;
    uint64_t tokens = 0;

    for (size_t i = 0; i < arrivals->count; i++) {
        tokens += arrivals->tokens[i];
        while (arrivals->time_us[oldest] <= arrivals->time_us[i] - MINUTE_US) {
            tokens -= arrivals->tokens[oldest++];
        }
        uint64_t requests = i - oldest + 1;
        if (requests > traffic->peak_rpm_sliding) {
            traffic->peak_rpm_sliding = requests;
        }
        if (tokens > traffic->peak_tpm_sliding) {
            traffic->peak_tpm_sliding = tokens;
        }
    }
}

/* True when a bucket of that limit takes every call. The level is kept in tokens × microseconds per
 * minute, so that refill is exact: limit tokens a minute are limit units a microsecond. */
static bool bucket_takes_all(const struct arrivals *arrivals, uint64_t limit)
{
    int128 capacity = (int128)limit * MINUTE_US;
    int128 level = capacity;
    int64_t last_us = arrivals->time_us[0];

    for (size_t i = 0; i < arrivals->count; i++) {
        level += (int128)(arrivals->time_us[i] - last_us) * (int128)limit;
        last_us = arrivals->time_us[i];
        if (level > capacity) {
            level = capacity;
        }
        level -= (int128)arrivals->tokens[i] * MINUTE_US;
        if (level < 0) {
            return false;
        }
    }
    return true;
}

static void measure_token_bucket(struct traffic *traffic, const struct arrivals *arrivals)
{
    uint64_t low = 0;                          /* rejects something */
    uint64_t high = traffic->peak_tpm_sliding; /* takes everything: no window holds more */

    while (high > low + 1) {
        uint64_t middle = low + (high - low) / 2;

        if (bucket_takes_all(arrivals, middle)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    traffic->required_tpm_token_bucket = high;
}

int traffic_measure(struct traffic *traffic, const struct usage_table *table)
{
    cleanup(arrivals_done) struct arrivals arrivals;

    *traffic = (struct traffic){0};
    if (arrivals_init(&arrivals, table)) {
        return ERR_NO_MEMORY;
    }
    traffic->records = arrivals.count;
    if (arrivals.count == 0) {
        return OK;
    }
    if ((arrivals.time_us[arrivals.count - 1] - arrivals.time_us[0]) / MINUTE_US >=
        TRAFFIC_MINUTES_MAX) {
        return ERR_LIMIT;
    }
    measure_calendar(traffic, &arrivals);
    measure_sliding(traffic, &arrivals);
    measure_token_bucket(traffic, &arrivals);
    return OK;
}
