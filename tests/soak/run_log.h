/*
 * run_log: what a run's log is in the end, read as an event stream: the truth that clients are
 * compared with. Blocking.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_SOAK_RUN_LOG_H
#define NETRA_TESTS_SOAK_RUN_LOG_H

#include <stdint.h>

struct run_log {
    uint64_t last_seq; /* events: they are numbered from 1 without gaps, which is looked at */
    uint64_t hash;     /* swarm_chain over all of them */
    uint64_t texts;    /* TEXT_MESSAGE_CONTENT */
    int was_finished;
};

/* 0, or -1: no answer, or a gap. */
int run_log_read(uint16_t port, const char *token, const char *run_id, struct run_log *ret_log);

#endif
