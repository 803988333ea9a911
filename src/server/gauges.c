/*
 * Numbers that the parts count themselves, brought to the table of metrics twice a second.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/decimal.h"
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

void server_update_metrics(struct server *server)
{
    struct http_server_counts http = http_server_counts(server->http);
    struct store_counts store = store_counts(server->store);

    metric_set(METRIC_HTTP_CONNECTIONS, 0, http.connections);
    metric_set(METRIC_WS_CONNECTIONS, 0, http.websockets);
    metric_add(METRIC_HTTP_REFUSED, 0, http.refused - server->http_seen.refused);
    metric_add(METRIC_STORE_BATCHES, 0, store.batches - server->store_seen.batches);
    metric_add(METRIC_STORE_COMMITS, 0, store.commits - server->store_seen.commits);
    metric_set(METRIC_DATASET_BYTES, 0, (int64_t)dataset_cache_bytes(server->datasets));
    metric_set(METRIC_RESIDENT_BYTES, 0, resident_bytes());
    server->http_seen = http;
    server->store_seen = store;
}
