/* SPDX-License-Identifier: Apache-2.0 */
#include "server/watch.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/civil_time.h"
#include "monitor/fault.h"
#include "monitor/log.h"
#include "monitor/metrics.h"

#define EVERY_US (WATCH_EVERY_MS * INT64_C(1000))

/* The place of the present second, emptied if it still holds one of a minute ago. */
static struct watch_second *this_second(struct watch *watch)
{
    int64_t second = watch->elapsed_us / SECOND_US;
    struct watch_second *place = &watch->seconds[second % WATCH_MEMORY_S];

    if (place->second != second) {
        *place = (struct watch_second){.second = second};
    }
    return place;
}

void watch_init(struct watch *watch, int64_t now_us, int64_t elapsed_us)
{
    *watch = (struct watch){.elapsed_us = elapsed_us, .offset_us = now_us - elapsed_us};
}

static void look_at_loop(struct watch *watch, int64_t late_us)
{
    struct watch_second *second = this_second(watch);

    metric_observe_us(METRIC_LOOP_LAG, 0, (uint64_t)late_us);
    if (late_us > WATCH_LATE_US) {
        second->late += 1 + (unsigned)((late_us - WATCH_LATE_US) / EVERY_US);
    }
}

static void look_at_clock(struct watch *watch, int64_t now_us)
{
    int64_t offset_us = now_us - watch->elapsed_us;
    int64_t jump_us = offset_us - watch->offset_us;

    watch->offset_us = offset_us;
    if (jump_us > -WATCH_JUMP_US && jump_us < WATCH_JUMP_US) {
        return;
    }
    watch->jumped_us = watch->elapsed_us;
    watch->jump_us = jump_us;
    metric_add(METRIC_CLOCK_JUMPS, 0, 1);
    log_write(LOG_WARNING, "server", "the time of day jumped by %" PRId64 " ms", jump_us / 1000);
}

void watch_look(struct watch *watch, int64_t now_us, int64_t elapsed_us)
{
    int64_t late_us = elapsed_us - watch->elapsed_us - EVERY_US;

    watch->elapsed_us = elapsed_us;
    look_at_loop(watch, late_us > 0 ? late_us : 0);
    look_at_clock(watch, now_us);
}

void watch_refused(struct watch *watch, uint64_t connections)
{
    if (connections) {
        this_second(watch)->refused += connections;
    }
}

/* ---- probes ---- */

static struct watch_second last_minute(const struct watch *watch)
{
    int64_t second = watch->elapsed_us / SECOND_US;
    struct watch_second sum = {0};

    for (size_t i = 0; i < WATCH_MEMORY_S; i++) {
        const struct watch_second *one = &watch->seconds[i];

        if (one->second > second - WATCH_MEMORY_S) {
            sum.late += one->late;
            sum.refused += one->refused;
        }
    }
    return sum;
}

static void probe_loop(struct health_result *result, void *arg)
{
    struct watch_second minute = last_minute(arg);

    *result = (struct health_result){.state = HEALTH_UP};
    if (minute.late * 100 > WATCH_LOOKS) {
        result->state = HEALTH_DEGRADED;
        (void)snprintf(result->reason, sizeof(result->reason),
                       "the loop was late by more than 200 ms in %u of the %u looks of the last "
                       "minute: too much work for this machine, or a disk that stops",
                       minute.late, WATCH_LOOKS);
    }
}

static void probe_clock(struct health_result *result, void *arg)
{
    const struct watch *watch = arg;

    *result = (struct health_result){.state = HEALTH_UP};
    if (watch->jumped_us && watch->elapsed_us - watch->jumped_us < WATCH_MEMORY_S * SECOND_US) {
        result->state = HEALTH_DEGRADED;
        (void)snprintf(result->reason, sizeof(result->reason),
                       "the time of day jumped by %" PRId64 " s: times of that moment are wrong; "
                       "look at the machine's clock (NTP)",
                       watch->jump_us / SECOND_US);
    }
}

static void probe_files(struct health_result *result, void *arg)
{
    struct watch_second minute = last_minute(arg);

    *result = (struct health_result){.state = HEALTH_UP};
    if (minute.refused) {
        result->state = HEALTH_DEGRADED;
        (void)snprintf(result->reason, sizeof(result->reason),
                       "accepting found no file descriptor %" PRIu64 " times in the last minute: "
                       "raise the limit (ulimit -n, LimitNOFILE) or lower http.connections_max",
                       minute.refused);
    }
}

static void probe_faults(struct health_result *result, void *arg)
{
    char names[HEALTH_REASON_BYTES_MAX - 64];

    (void)arg;
    *result = (struct health_result){.state = HEALTH_UP};
    if (fault_armed_names(names, sizeof(names))) {
        result->state = HEALTH_DEGRADED;
        (void)snprintf(result->reason, sizeof(result->reason),
                       "faults are armed: %s; DELETE /api/faults ends them", names);
    }
}

void watch_register(struct watch *watch, struct health *health)
{
    const struct health_probe probes[] = {
        {.name = "loop",
         .how = "ten times a second it is measured how late the loop is",
         .probe = probe_loop,
         .arg = watch},
        {.name = "clock",
         .how = "ten times a second the time of day is compared with elapsed time",
         .probe = probe_clock,
         .arg = watch},
        {.name = "files",
         .how = "connections that found no file descriptor are counted",
         .probe = probe_files,
         .arg = watch},
        {.name = "faults", .how = "whether faults were put in", .probe = probe_faults, .arg = NULL},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(probes); i++) {
        health_register(health, &probes[i]);
    }
}
