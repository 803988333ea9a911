/*
 * checks: what /health tells about the parts that need the disk or a worker. They are tried in the
 * background; a probe gives the last result and its age. Private to server/.
 *
 *     store     a row is written and deleted               the store's writer
 *     records   the file is opened and looked into         a worker
 *     disk      free bytes where the data is               a worker
 *     workers   the two above came back                    a worker
 *     models    the breakers are looked at, nobody is asked; only where there is a chain
 *     certificate   when it ends; only with TLS
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
#define CHECKS_CERTIFICATE_DAYS 14                   /* before its end it is degraded */
#define CHECKS_DISK_BYTES_LEAST ((uint64_t)64 << 20) /* less is down: one batch of the store */

/* The age of a result goes by elapsed time: a clock that jumps makes no check old. */
struct checked {
    struct health_result result;
    int64_t elapsed_us;
};

struct checks {
    struct loop *loop;
    struct store *store_file;         /* NULL: there is none, and nothing on the disk */
    struct usage_store *records_file; /* NULL: there are none */
    struct llm *llm;                  /* NULL: no model takes part */
    const struct http_server *http;   /* NULL: no certificate is looked at */
    const char *data_dir;
    struct loop_timer timer;
    struct loop_job job;
    bool is_probing_store; /* the last one has not come back */
    bool is_working;
    struct checked store;
    struct checked records;
    struct checked disk;
    struct checked workers;
    int64_t open_files; /* -1: they could not be counted, which takes one itself */
    /* of the job alone while it is on a worker */
    struct checked job_records;
    struct checked job_disk;
    int64_t job_open_files;
};

/* Registers the probes, which say "up" as of now: the stores have just been opened. The parts
 * are set by the caller before. */
void checks_start(struct checks *checks, struct health *health);

/* Before the loop is freed; no job may be under way then. */
void checks_stop(struct checks *checks);

#endif
