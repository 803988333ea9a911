/*
 * health: what is up, how that was checked, and when. Rooms above register probes; a probe is cheap
 * and does not wait: what needs the disk is checked in the background and its last result is told
 * with its age.
 *
 *     live        the loop turns (this answer is the proof)
 *     ready       every probe that is needed to answer questions says so
 *     degraded    ready, but something optional is down
 *
 * Loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_MONITOR_HEALTH_H
#define NETRA_MONITOR_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "json/json_write.h"

#define HEALTH_PROBES_MAX       32u
#define HEALTH_REASON_BYTES_MAX 240
#define HEALTH_AGE_S_MAX        30 /* an older "up" counts as down: its check hangs */

enum health_state { HEALTH_UP, HEALTH_DEGRADED, HEALTH_DOWN };

struct health_result {
    enum health_state state;
    int64_t checked_us;                   /* when; 0: just now, by the probe itself */
    char reason[HEALTH_REASON_BYTES_MAX]; /* empty when up */
};

typedef void (*health_probe_fn)(struct health_result *result, void *arg);

struct health_probe {
    const char *name; /* "store" */
    const char *how;  /* "a row is written, read and deleted every 5 s" */
    bool is_needed;   /* down: not ready; else: degraded */
    health_probe_fn probe;
    void *arg;
};

struct health {
    struct health_probe probes[HEALTH_PROBES_MAX];
    unsigned count;
    const char *stopping;   /* why the server is going down; NULL while it is not */
    const char *deployment; /* its name; NULL or empty: none */
    const char *revision;   /* the same */
};

void health_register(struct health *health, const struct health_probe *probe);

/* HEALTH_DOWN when a needed probe is down or the server is stopping. */
enum health_state health_state(const struct health *health, int64_t now_us);

/* What one check says, as it counts for the whole. */
enum health_state health_check_state(const struct health *health, unsigned index, int64_t now_us);

/* {"status":"healthy"|"degraded"|"unhealthy", "checked_at", "checks":[{name, status,
 * needed, how, checked_at, reason?}], "reason"? (why it is stopping), "deployment"?,
 * "revision"?, "faults":
 * {"allowed", "armed":[name…]}} as members of an object that the caller has begun. */
void health_write(const struct health *health, int64_t now_us, struct json_writer *w);

#endif
