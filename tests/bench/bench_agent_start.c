/*
 * How long a question waits for its first agent: from runner_start to the moment when the first
 * SUBAGENT_STARTED is durable and published, fsync included, on a real store in TMPDIR (or /tmp).
 * One run at a time, then BURST at once with as many places. Without records: opening them is
 * measured elsewhere. median_s and max_s of the line are p50 and p99.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include <string.h>
#include <unistd.h>

#include "agent/runner.h"
#include "base/check.h"
#include "loop/clock.h"

#define RUNS        400u
#define BURST       8u
#define PLACE_BYTES 256

struct bench_place {
    char folder[PLACE_BYTES];
    struct loop *loop;
    struct store *store;
    struct price_book *book;
    struct runner *runner;
    double began[RUNS]; /* by the number in the run's id */
    double seconds[RUNS];
    unsigned ended;
    unsigned wanted;
};

static unsigned hear(struct str run_id, uint64_t seq, struct str json, bool is_last, void *arg)
{
    struct bench_place *place = arg;
    unsigned run = (unsigned)strtoul(run_id.data + strlen("run-"), NULL, 10);

    (void)seq;
    if (place->seconds[run] == 0 && str_find(json, STR("SUBAGENT_STARTED"), 0) != SIZE_MAX) {
        place->seconds[run] = bench_now_s() - place->began[run];
    }
    place->ended += is_last;
    if (is_last && place->ended == place->wanted) {
        loop_stop(place->loop);
    }
    return 0;
}

static void accepted(int code, const char *run_id, const char *thread_id, void *arg)
{
    (void)run_id;
    (void)thread_id;
    (void)arg;
    check(code == OK);
}

static int start(struct bench_place *place, unsigned run)
{
    char id[32];
    struct runner_request request = {.workspace_id = STR(STORE_WORKSPACE_FIRST),
                                     .thread_id = STR("bench"),
                                     .prompt = STR("How can we reduce costs by 20 %?")};

    (void)snprintf(id, sizeof(id), "run-%u", run);
    request.run_id = str_from(id);
    place->began[run] = bench_now_s();
    return runner_start(place->runner, &request, accepted, place, NULL);
}

static int open_place(struct bench_place *place)
{
    const char *folder = getenv("TMPDIR");

    (void)snprintf(place->folder, sizeof(place->folder), "%s/netra-bench-XXXXXX",
                   folder ? folder : "/tmp");
    if (!mkdtemp(place->folder) || loop_new(2, &place->loop, NULL) ||
        store_open(place->loop, place->folder, &place->store, NULL) ||
        price_book_builtin(&place->book, NULL)) {
        return ERR_IO;
    }
    struct runner_options options = {.loop = place->loop,
                                     .store = place->store,
                                     .book = place->book,
                                     .concurrent_max = BURST,
                                     .publish = hear,
                                     .arg = place};
    return runner_new(&options, &place->runner, NULL);
}

static void close_place(struct bench_place *place)
{
    static const char *const files[] = {"netra.db", "netra.db-wal", "netra.db-shm", "lock"};

    runner_free(place->runner);
    store_close(place->store);
    loop_free(place->loop);
    price_book_free(place->book);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[PLACE_BYTES + 32];

        (void)snprintf(path, sizeof(path), "%s/%s", place->folder, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(place->folder);
}

static int measure(struct bench_place *place, const char *name, unsigned at_once)
{
    for (unsigned run = 0; run < RUNS; run += at_once) {
        place->wanted = place->ended + at_once;
        for (unsigned i = 0; i < at_once; i++) {
            if (start(place, run + i)) {
                return 1;
            }
        }
        loop_run(place->loop);
    }
    qsort(place->seconds, RUNS, sizeof(place->seconds[0]), bench_by_time);
    double p50 = place->seconds[RUNS / 2];
    double p99 = place->seconds[RUNS * 99 / 100];
    if (place->seconds[0] <= 0) {
        (void)fprintf(stderr, "%s: a run had no agent: measures nothing\n", name);
        return 1;
    }
    printf("{\"name\":\"%s\",\"unit\":\"starts\",\"work\":1,\"median_s\":%.9f,\"min_s\":%.9f,"
           "\"max_s\":%.9f,\"per_second\":%.1f,\"runs\":%u}\n",
           name, p50, place->seconds[0], p99, 1 / p50, RUNS);
    return 0;
}

static int bench(const char *name, unsigned at_once)
{
    struct bench_place *place = calloc(1, sizeof(*place));
    int failed = !place || open_place(place) || measure(place, name, at_once);

    if (place) {
        close_place(place);
    }
    free(place);
    return failed;
}

int main(void)
{
    return bench("agent.start.one_at_a_time", 1) || bench("agent.start.eight_at_once", BURST);
}
