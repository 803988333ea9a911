/*
 * One timer starts both kinds of checks. A check that does not come back is not started again: its
 * last result grows old, and monitor/health.c calls that down.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/checks.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/buf.h"
#include "base/civil_time.h"
#include "loop/clock.h"

#define DAY_S 86400

static void set_result(struct checked *checked, enum health_state state, const char *reason)
{
    checked->result.state = state;
    checked->elapsed_us = clock_elapsed_us();
    (void)snprintf(checked->result.reason, sizeof(checked->result.reason), "%.*s",
                   (int)sizeof(checked->result.reason) - 1, reason);
}

static void store_was_probed(int code, void *arg)
{
    struct checks *checks = arg;

    const char *why = store_counts(checks->store_file).failure;

    checks->is_probing_store = false;
    set_result(&checks->store, code ? HEALTH_DOWN : HEALTH_UP, "");
    if (code) {
        (void)snprintf(checks->store.result.reason, sizeof(checks->store.result.reason),
                       "a row cannot be written: %s", why ? why : error_code_text(code));
    }
}

/* Worker. A dataset that cannot be there: the answer "not found" has read the file. */
static void look_into_records(struct checks *checks)
{
    struct error error = {0};
    struct usage_table table;
    atomic_bool is_cancelled = false;
    int code;

    usage_table_init(&table);
    code = usage_store_load(checks->records_file, STR("-"), &table, &is_cancelled, &error);
    usage_table_done(&table);
    set_result(&checks->job_records, code == ERR_NOT_FOUND ? HEALTH_UP : HEALTH_DOWN,
               code == ERR_NOT_FOUND ? "" : error.message);
}

/* Worker. */
static void look_at_disk(struct checks *checks)
{
    struct checked *disk = &checks->job_disk;
    struct statvfs about;

    if (statvfs(checks->data_dir, &about)) {
        set_result(disk, HEALTH_DOWN, "the data directory cannot be looked at");
        return;
    }
    uint64_t free_bytes = (uint64_t)about.f_bavail * about.f_frsize;
    if (free_bytes >= CHECKS_DISK_BYTES_LOW) {
        set_result(disk, HEALTH_UP, "");
        return;
    }
    set_result(disk, free_bytes < CHECKS_DISK_BYTES_LEAST ? HEALTH_DOWN : HEALTH_DEGRADED, "");
    (void)snprintf(disk->result.reason, sizeof(disk->result.reason),
                   "%" PRIu64 " MiB are free where the data is: make room, or delete datasets",
                   free_bytes >> 20);
}

/* Worker: with ten thousand connections it takes some milliseconds. */
static void count_files(struct checks *checks)
{
    DIR *folder = opendir("/proc/self/fd");

    checks->job_open_files = -1;
    if (!folder) {
        return;
    }
    checks->job_open_files = -3; /* ".", "..", and the folder itself */
    while (readdir(folder)) {
        checks->job_open_files++;
    }
    (void)closedir(folder);
}

static void work(void *arg)
{
    struct checks *checks = arg;

    if (checks->records_file) {
        look_into_records(checks);
    }
    if (checks->data_dir) {
        look_at_disk(checks);
    }
    count_files(checks);
}

static void worked(void *arg)
{
    struct checks *checks = arg;

    checks->is_working = false;
    checks->records = checks->job_records;
    checks->disk = checks->job_disk;
    checks->open_files = checks->job_open_files;
    set_result(&checks->workers, HEALTH_UP, "");
}

static void check_all(void *arg)
{
    struct checks *checks = arg;

    if (checks->store_file && !checks->is_probing_store) {
        int code = store_probe(checks->store_file, store_was_probed, checks);

        checks->is_probing_store = code == OK;
        if (code) {
            set_result(&checks->store, HEALTH_DOWN, error_code_text(code));
        }
    }
    if (!checks->is_working) {
        checks->is_working = true;
        loop_work(checks->loop, &checks->job);
    }
}

/* A model is never needed: without one the built-in analyst goes on. Nobody is called. */
static void look_at_models(struct health_result *result, void *arg)
{
    const struct llm *llm = (const struct llm *)arg;
    struct buf reason;

    *result = (struct health_result){.state = HEALTH_UP};
    buf_init(&reason, HEALTH_REASON_BYTES_MAX - 1);
    for (size_t i = 0; i < llm_provider_count(llm); i++) {
        struct llm_state state;

        llm_provider_state(llm, i, &state);
        if (strcmp(state.breaker, "open") == 0) {
            result->state = HEALTH_DEGRADED;
            buf_printf(&reason, "%s%.*s/%.*s",
                       reason.length ? ", " : "not asked for a while: ", STR_ARGS(state.name),
                       STR_ARGS(state.model));
        }
    }
    (void)snprintf(result->reason, sizeof(result->reason), "%.*s", STR_ARGS(buf_str(&reason)));
    buf_done(&reason);
}

static void look_at_certificate(struct health_result *result, void *arg)
{
    const struct http_server *http = (const struct http_server *)arg;
    int64_t left_s = http_server_certificate_ends(http) - clock_now_us() / SECOND_US;

    *result = (struct health_result){.state = HEALTH_UP};
    if (left_s < CHECKS_CERTIFICATE_DAYS * DAY_S) {
        result->state = HEALTH_DEGRADED;
        (void)snprintf(result->reason, sizeof(result->reason),
                       left_s < 0 ? "the certificate ended %" PRId64 " h ago: renew tls.cert_file; "
                                    "the new one is taken without a restart"
                                  : "the certificate ends in %" PRId64 " h: renew tls.cert_file; "
                                    "the new one is taken without a restart",
                       (left_s < 0 ? -left_s : left_s) / 3600);
    }
}

static void tell(struct health_result *result, void *arg)
{
    const struct checked *checked = arg;

    *result = checked->result;
    result->checked_us = clock_now_us() - (clock_elapsed_us() - checked->elapsed_us);
}

void checks_start(struct checks *checks, struct health *health)
{
    const struct health_probe probes[] = {
        {.name = "store",
         .how = "every 5 s a row is written and deleted",
         .is_needed = true,
         .probe = tell,
         .arg = &checks->store},
        {.name = "records",
         .how = "every 5 s the file is opened and looked into",
         .is_needed = true,
         .probe = tell,
         .arg = &checks->records},
        {.name = "disk",
         .how = "every 5 s the free space of the data directory is read",
         .is_needed = true,
         .probe = tell,
         .arg = &checks->disk},
        {.name = "workers",
         .how = "every 5 s a worker does a piece of work",
         .is_needed = false,
         .probe = tell,
         .arg = &checks->workers},
    };
    set_result(&checks->store, HEALTH_UP, "");
    set_result(&checks->records, HEALTH_UP, "");
    set_result(&checks->disk, HEALTH_UP, "");
    set_result(&checks->workers, HEALTH_UP, "");
    checks->open_files = -1;
    const bool is_there[] = {checks->store_file, checks->records_file, checks->data_dir, true};
    for (size_t i = 0; i < ARRAY_LENGTH(probes); i++) {
        if (is_there[i]) {
            health_register(health, &probes[i]);
        }
    }
    if (checks->llm) {
        health_register(health, &(struct health_probe){
                                    .name = "models",
                                    .how = "whether models failed so often that they are not "
                                           "asked for a while; nobody is called for this",
                                    .is_needed = false,
                                    .probe = look_at_models,
                                    .arg = checks->llm});
    }
    if (checks->http && http_server_certificate_ends(checks->http)) {
        health_register(health, &(struct health_probe){.name = "certificate",
                                                       .how = "when the certificate in force ends",
                                                       .probe = look_at_certificate,
                                                       .arg = (void *)(uintptr_t)checks->http});
    }
    checks->job = (struct loop_job){.work = work, .done = worked, .arg = checks};
    loop_timer_init(checks->loop, &checks->timer, check_all, checks);
    /* The first at once: a disk that was full before we came is told with the first answer but one.
     */
    loop_timer_start(&checks->timer, /* after_ms */ 1, CHECKS_EVERY_MS);
}

void checks_stop(struct checks *checks)
{
    loop_timer_close(&checks->timer, /* closed */ NULL);
}
