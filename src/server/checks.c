/*
 * One timer starts both kinds of checks. A check that does not come back is not started again: its
 * last result grows old, and monitor/health.c calls that down.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/checks.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/buf.h"
#include "loop/clock.h"

static void set_result(struct health_result *result, enum health_state state, const char *reason)
{
    result->state = state;
    result->checked_us = clock_now_us();
    (void)snprintf(result->reason, sizeof(result->reason), "%.*s", (int)sizeof(result->reason) - 1,
                   reason);
}

static void store_was_probed(int code, void *arg)
{
    struct checks *checks = arg;

    checks->is_probing_store = false;
    set_result(&checks->store_result, code ? HEALTH_DOWN : HEALTH_UP,
               code ? "a row cannot be written" : "");
}

/* Worker. A dataset that cannot be there: the answer "not found" has read the file. */
static void look_into_records(struct checks *checks)
{
    struct error error = {0};
    struct usage_table table;
    atomic_bool is_cancelled = false;
    int code;

    usage_table_init(&table);
    code = usage_store_load(checks->records, STR("-"), &table, &is_cancelled, &error);
    usage_table_done(&table);
    set_result(&checks->job_records, code == ERR_NOT_FOUND ? HEALTH_UP : HEALTH_DOWN,
               code == ERR_NOT_FOUND ? "" : error.message);
}

/* Worker. */
static void look_at_disk(struct checks *checks)
{
    struct health_result *result = &checks->job_disk;
    struct statvfs about;

    if (statvfs(checks->data_dir, &about)) {
        set_result(result, HEALTH_DOWN, "the data directory cannot be looked at");
        return;
    }
    uint64_t free_bytes = (uint64_t)about.f_bavail * about.f_frsize;
    if (free_bytes >= CHECKS_DISK_BYTES_LOW) {
        set_result(result, HEALTH_UP, "");
        return;
    }
    set_result(result, free_bytes < CHECKS_DISK_BYTES_LEAST ? HEALTH_DOWN : HEALTH_DEGRADED, "");
    (void)snprintf(result->reason, sizeof(result->reason), "%" PRIu64 " MiB are free",
                   free_bytes >> 20);
}

static void work(void *arg)
{
    look_into_records(arg);
    look_at_disk(arg);
}

static void worked(void *arg)
{
    struct checks *checks = arg;

    checks->is_working = false;
    checks->records_result = checks->job_records;
    checks->disk_result = checks->job_disk;
    set_result(&checks->workers_result, HEALTH_UP, "");
}

static void check_all(void *arg)
{
    struct checks *checks = arg;

    if (!checks->is_probing_store) {
        int code = store_probe(checks->store, store_was_probed, checks);

        checks->is_probing_store = code == OK;
        if (code) {
            set_result(&checks->store_result, HEALTH_DOWN, error_code_text(code));
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

static void tell(struct health_result *result, void *arg)
{
    *result = *(const struct health_result *)arg;
}

void checks_start(struct checks *checks, struct health *health, int64_t now_us)
{
    const struct health_probe probes[] = {
        {.name = "store",
         .how = "every 5 s a row is written and deleted",
         .is_needed = true,
         .probe = tell,
         .arg = &checks->store_result},
        {.name = "records",
         .how = "every 5 s the file is opened and looked into",
         .is_needed = true,
         .probe = tell,
         .arg = &checks->records_result},
        {.name = "disk",
         .how = "every 5 s the free space of the data directory is read",
         .is_needed = true,
         .probe = tell,
         .arg = &checks->disk_result},
        {.name = "workers",
         .how = "every 5 s a worker does a piece of work",
         .is_needed = false,
         .probe = tell,
         .arg = &checks->workers_result},
    };
    struct health_result up = {.state = HEALTH_UP, .checked_us = now_us};

    checks->store_result = up;
    checks->records_result = up;
    checks->disk_result = up;
    checks->workers_result = up;
    for (size_t i = 0; i < ARRAY_LENGTH(probes); i++) {
        health_register(health, &probes[i]);
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
