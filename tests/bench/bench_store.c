/*
 * How many batches a second last, one after the other and many at once (group commit), and how fast
 * records are put and loaded. In a folder of the current directory, so that the disk is the one
 * that is asked about, not a memory disk under /tmp.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "../support/usage_tables.h"
#include "store/store.h"
#include "store/usage_store.h"

#define SINGLE_BATCHES  200
#define GROUPED_BATCHES 5000
#define ROWS            1000000u
#define EVENT_BYTES     400

struct bench_store {
    struct loop *loop;
    struct store *store;
    struct usage_store *usage;
    struct usage_table table;
    uint64_t seq;
    int batches; /* of one run */
    int in_flight;
    int told;
    int failed;
    int datasets;
};

static int submit_next(struct bench_store *bench);

/* One after the other: the next is submitted when the last is told. */
static void on_done(int code, void *arg)
{
    struct bench_store *bench = arg;

    bench->failed |= code != OK;
    bench->told++;
    if (bench->told + bench->in_flight <= bench->batches) {
        bench->failed |= submit_next(bench);
    }
    if (bench->told == bench->batches || bench->failed) {
        loop_stop(bench->loop);
    }
}

static int submit_next(struct bench_store *bench)
{
    char json[EVENT_BYTES];
    struct store_batch *batch = store_batch_new(STR(STORE_WORKSPACE_FIRST));

    if (!batch) {
        return 1;
    }
    memset(json, 'x', sizeof(json));
    store_add_event(batch, &(struct store_event){.run_id = STR("run"),
                                                 .seq = ++bench->seq,
                                                 .time_us = 1,
                                                 .json = {json, sizeof(json)}});
    return store_submit(bench->store, batch, on_done, bench) != OK;
}

static int write_batches(void *arg)
{
    struct bench_store *bench = arg;

    bench->told = 0;
    for (int i = 0; i < bench->in_flight && !bench->failed; i++) {
        bench->failed |= submit_next(bench);
    }
    if (!bench->failed) {
        loop_run(bench->loop);
    }
    return bench->failed;
}

static bool keep_count(const struct store_event *row, void *arg)
{
    *(uint64_t *)arg += row->json.length;
    return true;
}

static int read_page(void *arg)
{
    struct bench_store *bench = arg;
    uint64_t bytes = 0;

    for (int i = 0; i < 100; i++) {
        if (store_list_events(bench->store, STR(STORE_WORKSPACE_FIRST), STR("run"), 0,
                              STORE_PAGE_MAX, keep_count, &bytes)) {
            return 1;
        }
    }
    bench_keep((int64_t)bytes);
    return bytes != (uint64_t)100 * STORE_PAGE_MAX * EVENT_BYTES;
}

static int begin_run(struct bench_store *bench)
{
    struct store_batch *batch = store_batch_new(STR(STORE_WORKSPACE_FIRST));

    if (!batch) {
        return 1;
    }
    store_put_thread(batch, &(struct store_thread){.id = STR("thread")});
    store_add_run(batch, &(struct store_run){.id = STR("run"), .thread_id = STR("thread")});
    return store_submit(bench->store, batch, NULL, NULL) != OK;
}

static int bench_batches(struct bench_store *bench)
{
    if (begin_run(bench)) {
        return 1;
    }
    bench->batches = SINGLE_BATCHES;
    bench->in_flight = 1;
    int failed = bench_run(&(struct bench){.name = "store.batches_single",
                                           .work = SINGLE_BATCHES,
                                           .unit = "batches",
                                           .run = write_batches,
                                           .arg = bench});
    static const struct {
        const char *name;
        int in_flight;
    } grouped[] = {{"store.batches_32_at_once", 32}, {"store.batches_1000_at_once", 1000}};
    bench->batches = GROUPED_BATCHES;
    for (size_t i = 0; i < 2 && !failed; i++) {
        bench->in_flight = grouped[i].in_flight;
        failed = bench_run(&(struct bench){.name = grouped[i].name,
                                           .work = GROUPED_BATCHES,
                                           .unit = "batches",
                                           .run = write_batches,
                                           .arg = bench});
    }
    return failed || bench_run(&(struct bench){.name = "store.read_events",
                                               .work = 100.0 * STORE_PAGE_MAX,
                                               .unit = "events",
                                               .run = read_page,
                                               .arg = bench});
}

static int put_rows(void *arg)
{
    struct bench_store *bench = arg;
    char id[16];
    int length = snprintf(id, sizeof(id), "d%d", bench->datasets++);

    return usage_store_put(bench->usage, (struct str){id, (size_t)length}, &bench->table, NULL);
}

static int load_rows(void *arg)
{
    struct bench_store *bench = arg;
    struct usage_table table;

    usage_table_init(&table);
    int code = usage_store_load(bench->usage, STR("d0"), &table, NULL, NULL);
    code |= table.count != bench->table.count;
    usage_table_done(&table);
    return code;
}

static int bench_rows(struct bench_store *bench, bool is_plain)
{
    const struct made_up made_up = {.seed = 1, .rows = ROWS, .is_plain = is_plain};
    int failed = make_table(&made_up, &bench->table);

    bench->datasets = 0;
    failed = failed || bench_run(&(struct bench){.name = is_plain ? "store.put_narrow_records"
                                                                  : "store.put_full_records",
                                                 .work = ROWS,
                                                 .unit = "records",
                                                 .run = put_rows,
                                                 .arg = bench,
                                                 .runs = 3});
    failed = failed || bench_run(&(struct bench){.name = is_plain ? "store.load_narrow_records"
                                                                  : "store.load_full_records",
                                                 .work = ROWS,
                                                 .unit = "records",
                                                 .run = load_rows,
                                                 .arg = bench});
    usage_table_done(&bench->table);
    return failed;
}

static bool keep_nothing(struct str id, void *arg)
{
    (void)id;
    (void)arg;
    return false;
}

static void remove_folder(const char *dir)
{
    DIR *stream = opendir(dir);
    struct dirent *entry;

    while (stream && (entry = readdir(stream))) {
        char path[512];

        (void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        (void)unlink(path);
    }
    if (stream) {
        (void)closedir(stream);
    }
    (void)rmdir(dir);
}

int main(void)
{
    struct bench_store bench = {0};
    struct error error = {0};
    char dir[] = "bench-store-XXXXXX";

    if (!mkdtemp(dir) || loop_new(/* workers */ 1, &bench.loop, &error) ||
        store_open(bench.loop, dir, &bench.store, &error) ||
        usage_store_open(dir, &bench.usage, &error)) {
        (void)fprintf(stderr, "cannot begin: %s\n", error.message);
        return 1;
    }
    int failed = bench_batches(&bench) || bench_rows(&bench, /* is_plain */ true) ||
                 usage_store_sweep(bench.usage, keep_nothing, NULL, &error) ||
                 bench_rows(&bench, /* is_plain */ false);
    store_close(bench.store);
    usage_store_close(bench.usage);
    loop_free(bench.loop);
    remove_folder(dir);
    return failed;
}
