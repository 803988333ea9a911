/*
 * checks: what /health tells about the parts that need the disk or a worker. They are tried in the
 * background; a probe gives the last result and its age. Private to server/.
 *
 *     store     a row is written and deleted               the store's writer
 *     records   the file is opened and looked into         a worker
 *     disk      free bytes where the data is               a worker
 *     workers   the two above came back                    a worker
 *     models    the breakers are looked at, nobody is asked; only where there is a chain
 *
 * Loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_CHECKS_H
#define NETRA_SERVER_CHECKS_H

#include "llm/llm.h"
#include "monitor/health.h"
#include "store/store.h"
#include "store/usage_store.h"

#define CHECKS_EVERY_MS         5000u
#define CHECKS_DISK_BYTES_LOW   ((uint64_t)1 << 30)  /* less is degraded */
#define CHECKS_DISK_BYTES_LEAST ((uint64_t)64 << 20) /* less is down: one batch of the store */

struct checks {
    struct loop *loop;
    struct store *store;
    struct usage_store *records;
    struct llm *llm; /* NULL: no model takes part */
    const char *data_dir;
    struct loop_timer timer;
    struct loop_job job;
    bool is_probing_store; /* the last one has not come back */
    bool is_working;
    struct health_result store_result;
    struct health_result records_result;
    struct health_result disk_result;
    struct health_result workers_result;
    /* of the job alone while it is on a worker */
    struct health_result job_records;
    struct health_result job_disk;
};

/* Registers the probes, which say "up" as of now: the stores have just been opened. The parts
 * are set by the caller before. */
void checks_start(struct checks *checks, struct health *health, int64_t now_us);

/* Before the loop is freed; no job may be under way then. */
void checks_stop(struct checks *checks);

#endif
