/*
 * swarm: many WebSocket clients, each subscribed to one run, each holding the server to its word:
 * every event once, in order, from the first to the last.
 *
 *     swarm_start ─► all subscribed ─► (a tenth drops and resumes, at random moments) ─► all done
 *
 * A client that drops closes the WebSocket or just resets the connection, waits a moment, comes
 * back and resumes from the last number that it has seen. What it has seen is one number and one
 * hash over the events; soak.c compares both with the run's log.
 *
 * One libuv loop; clients come from 127.0.0.2 … 127.0.0.17, so that ports do not run out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_SOAK_SWARM_H
#define NETRA_TESTS_SOAK_SWARM_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define SWARM_CLIENTS_MAX 20000u
#define SWARM_LATE_MS_MAX 60000u /* later ones are counted as this late */
#define SWARM_FAULT_BYTES 256u

struct swarm_options {
    uv_loop_t *loop;
    uint16_t port;
    const char *token;
    unsigned clients;
    const char *const *runs; /* ids; client i listens to runs[i % run_count] */
    unsigned run_count;
    unsigned dropping; /* how many clients drop */
    uint64_t seed;
};

struct swarm_counts {
    unsigned subscribed; /* at this moment */
    unsigned done;       /* have seen the last event of their run */
    uint64_t events;
    uint64_t replayed; /* of those: from the log, behind a subscription */
    uint64_t closed;   /* drops by a close frame */
    uint64_t cut;      /* drops by a reset */
    uint64_t resumed;
    uint64_t violations;
};

/* What one client has seen. */
struct swarm_seen {
    unsigned run;
    uint64_t last_seq;
    uint64_t hash; /* swarm_chain over all events in their order */
    bool is_done;
    bool was_finished; /* RUN_FINISHED, not RUN_ERROR */
};

struct swarm;

struct swarm *swarm_start(const struct swarm_options *options);
const struct swarm_counts *swarm_counts(const struct swarm *swarm);

/* From now on events are measured, and for period_ms clients drop at random moments. */
void swarm_go(struct swarm *swarm, uint64_t period_ms);

struct swarm_seen swarm_seen(const struct swarm *swarm, unsigned client);

/* The first violation, in words; empty: there was none. */
const char *swarm_fault(const struct swarm *swarm);

/* The delay under which a share (0 to 1) of the events came: from the event's timestamp to its
 * receipt, in ms; both are of this machine's clock, the timestamp in whole milliseconds. */
double swarm_latency_ms(const struct swarm *swarm, double share);

uint64_t swarm_chain(uint64_t hash, const char *event, size_t length);

/* Closes everything; the memory goes with the process. */
void swarm_stop(struct swarm *swarm);

#endif
