/*
 * Probes are asked when somebody asks for the health, and what they say is judged here: by need,
 * and by age, so that a background check that hangs does not look well for ever.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "monitor/health.h"

#include <stdio.h>

#include "base/check.h"
#include "base/civil_time.h"
#include "monitor/fault.h"

static const char *const state_names[] = {
    [HEALTH_UP] = "healthy",
    [HEALTH_DEGRADED] = "degraded",
    [HEALTH_DOWN] = "unhealthy",
};

void health_register(struct health *health, const struct health_probe *probe)
{
    check_cmp(health->count, <, HEALTH_PROBES_MAX);
    check(probe->name && probe->how && probe->probe);
    health->probes[health->count++] = *probe;
}

static struct health_result ask(const struct health_probe *probe, int64_t now_us)
{
    struct health_result result = {.state = HEALTH_UP};

    probe->probe(&result, probe->arg);
    if (result.checked_us == 0) {
        result.checked_us = now_us;
    }
    if (result.state == HEALTH_UP && now_us - result.checked_us > HEALTH_AGE_S_MAX * SECOND_US) {
        result.state = HEALTH_DOWN;
        (void)snprintf(result.reason, sizeof(result.reason),
                       "the last check is %lld s old, so the check itself hangs",
                       (long long)((now_us - result.checked_us) / SECOND_US));
    }
    return result;
}

static enum health_state as_it_counts(const struct health_probe *probe,
                                      const struct health_result *result)
{
    return result->state == HEALTH_DOWN && !probe->is_needed ? HEALTH_DEGRADED : result->state;
}

/* What one result makes of the whole. */
static enum health_state worse(enum health_state whole, const struct health_probe *probe,
                               const struct health_result *result)
{
    enum health_state here = as_it_counts(probe, result);

    return here > whole ? here : whole;
}

enum health_state health_check_state(const struct health *health, unsigned index, int64_t now_us)
{
    check_cmp(index, <, health->count);
    struct health_result result = ask(&health->probes[index], now_us);

    return as_it_counts(&health->probes[index], &result);
}

enum health_state health_state(const struct health *health, int64_t now_us)
{
    enum health_state whole = health->stopping ? HEALTH_DOWN : HEALTH_UP;

    for (unsigned i = 0; i < health->count; i++) {
        struct health_result result = ask(&health->probes[i], now_us);

        whole = worse(whole, &health->probes[i], &result);
    }
    return whole;
}

static void put_time(struct json_writer *w, const char *key, int64_t time_us)
{
    char text[CIVIL_STAMP_BYTES];

    civil_stamp(time_us, text);
    json_key(w, key);
    json_put_text(w, text);
}

static void put_check(struct json_writer *w, const struct health_probe *probe,
                      const struct health_result *result)
{
    json_begin_object(w);
    json_key(w, "name");
    json_put_text(w, probe->name);
    json_key(w, "status");
    json_put_text(w, state_names[result->state]);
    json_key(w, "needed");
    json_put_bool(w, probe->is_needed);
    json_key(w, "how");
    json_put_text(w, probe->how);
    put_time(w, "checked_at", result->checked_us);
    if (result->reason[0]) {
        json_key(w, "reason");
        json_put_text(w, result->reason);
    }
    json_end_object(w);
}

static void put_faults(struct json_writer *w)
{
    json_key(w, "faults");
    json_begin_object(w);
    json_key(w, "allowed");
    json_put_bool(w, fault_is_allowed());
    json_key(w, "armed");
    json_begin_array(w);
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        if (fault_state((enum fault)i).is_armed) {
            json_put_text(w, fault_descriptions[i].name);
        }
    }
    json_end_array(w);
    json_end_object(w);
}

void health_write(const struct health *health, int64_t now_us, struct json_writer *w)
{
    struct health_result results[HEALTH_PROBES_MAX];
    enum health_state whole = health->stopping ? HEALTH_DOWN : HEALTH_UP;

    for (unsigned i = 0; i < health->count; i++) {
        results[i] = ask(&health->probes[i], now_us);
        whole = worse(whole, &health->probes[i], &results[i]);
    }
    json_key(w, "status");
    json_put_text(w, state_names[whole]);
    if (health->stopping) {
        json_key(w, "reason");
        json_put_text(w, health->stopping);
    }
    put_time(w, "checked_at", now_us);
    json_key(w, "checks");
    json_begin_array(w);
    for (unsigned i = 0; i < health->count; i++) {
        put_check(w, &health->probes[i], &results[i]);
    }
    json_end_array(w);
    if (health->deployment && health->deployment[0]) {
        json_key(w, "deployment");
        json_put_text(w, health->deployment);
    }
    if (health->revision && health->revision[0]) {
        json_key(w, "revision");
        json_put_text(w, health->revision);
    }
    put_faults(w);
}
