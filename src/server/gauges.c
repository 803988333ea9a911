/*
 * Numbers that the parts count themselves, brought to the table of metrics twice a second.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/civil_time.h"
#include "base/decimal.h"
#include "loop/clock.h"
#include "monitor/fault.h"
#include "monitor/metrics.h"
#include "server/server_state.h"

/* The second number of /proc/self/statm, in pages; 0 where there is no such file. */
static int64_t resident_bytes(void)
{
    char text[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    uint64_t pages = 0;

    if (!file) {
        return 0;
    }
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    struct str all = {text, length};
    size_t begin = str_find(all, STR(" "), 0);
    size_t end = begin == SIZE_MAX ? SIZE_MAX : str_find(all, STR(" "), begin + 1);
    if (end == SIZE_MAX || decimal_parse_u64(str_slice(all, begin + 1, end), &pages)) {
        return 0;
    }
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static int64_t us_of(struct timeval time)
{
    return (int64_t)time.tv_sec * SECOND_US + time.tv_usec;
}

static void count_time(const char *mode, int64_t now_us, int64_t *seen_us)
{
    if (now_us > *seen_us) {
        metric_add_us(METRIC_CPU_TIME, metric_label(METRIC_CPU_TIME, str_from(mode)),
                      (uint64_t)(now_us - *seen_us));
        *seen_us = now_us;
    }
}

static void update_process(struct server *server)
{
    struct rusage used;
    struct rlimit files;

    if (getrusage(RUSAGE_SELF, &used) == 0) {
        count_time("user", us_of(used.ru_utime), &server->user_us_seen);
        count_time("system", us_of(used.ru_stime), &server->system_us_seen);
        metric_set(METRIC_RESIDENT_PEAK_BYTES, 0, (int64_t)used.ru_maxrss * 1024);
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        metric_set(METRIC_OPEN_FILES_MAX, 0, (int64_t)files.rlim_cur);
    }
    if (server->checks.open_files >= 0) {
        metric_set(METRIC_OPEN_FILES, 0, server->checks.open_files);
    }
    metric_set(METRIC_RESIDENT_BYTES, 0, resident_bytes());
    metric_set(METRIC_BUILD_INFO, metric_label(METRIC_BUILD_INFO, STR(NETRA_VERSION)), 1);
}

static void update_checks(const struct server *server)
{
    int64_t now_us = clock_now_us();

    for (unsigned i = 0; i < server->health.count; i++) {
        unsigned label = metric_label(METRIC_CHECK_STATE, str_from(server->health.probes[i].name));

        metric_set(METRIC_CHECK_STATE, label,
                   (int64_t)health_check_state(&server->health, i, now_us));
    }
    metric_set(METRIC_FAULTS_ARMED, 0, atomic_load_explicit(&fault_armed, memory_order_relaxed));
}

static void update_http(struct server *server, const struct http_server_counts *http)
{
    const struct http_server_counts *seen = &server->http_seen;
    uint64_t refused = http->accept_failures - seen->accept_failures;

    metric_set(METRIC_HTTP_CONNECTIONS, 0, http->connections);
    metric_set(METRIC_WS_CONNECTIONS, 0, http->websockets);
    metric_add(METRIC_HTTP_REFUSED, 0, http->refused - seen->refused);
    metric_add(METRIC_HTTP_RECEIVED, 0, http->bytes_in - seen->bytes_in);
    metric_add(METRIC_HTTP_SENT, 0, http->bytes_out - seen->bytes_out);
    metric_add(METRIC_ACCEPT_FAILURES, 0, refused);
    watch_refused(&server->watch, refused);
    metric_set(METRIC_TLS_EXPIRY, 0, http_server_certificate_ends(server->http));
}

static void update_stores(struct server *server)
{
    if (server->store) {
        struct store_counts store = store_counts(server->store);

        metric_add(METRIC_STORE_BATCHES, 0, store.batches - server->store_seen.batches);
        metric_add(METRIC_STORE_COMMITS, 0, store.commits - server->store_seen.commits);
        server->store_seen = store;
    }
    if (server->datasets) {
        metric_set(METRIC_DATASET_BYTES, 0, (int64_t)dataset_cache_bytes(server->datasets));
    }
}

void server_update_metrics(struct server *server)
{
    struct http_server_counts http = http_server_counts(server->http);

    update_stores(server);
    update_http(server, &http);
    update_process(server);
    update_checks(server);
    server->http_seen = http;
}
