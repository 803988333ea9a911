/*
 * The cache simulation alone and the tool cache_audit, on conversations of coding agents: the
 * public trace where NETRA_TEST_DATA names the folder that has it, else a generated one of the same
 * shape (the name of the result says which). Rates are references to prefix blocks, which is the
 * size of the question, and requests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/random.h"
#include "engine/cache_sim.h"
#include "tool/dataset.h"
#include "tool/tool.h"

#define TRACE          "agentic/agentic_coding_rle.jsonl.gz"
#define PATH_BYTES     4096
#define CONVERSATIONS  700u
#define REQUESTS       70u
#define FIRST_BLOCKS   150u
#define TEXT_BYTES_MAX ((size_t)256 << 20)

static const struct cache_sim_options definition = {
    .ttl_us = {INT64_C(300000000), INT64_C(3600000000), CACHE_SIM_UNBOUNDED}, .ttl_count = 3};

/* Conversations that grow by some blocks a turn, as runs. */
static void generate(struct buf *out)
{
    struct random random;

    random_init(&random, 1, 1);
    for (uint32_t c = 0; c < CONVERSATIONS; c++) {
        uint32_t blocks = FIRST_BLOCKS + random_below(&random, FIRST_BLOCKS);
        uint32_t second = 0;

        buf_printf(out, "{\"id\":\"c%" PRIu32 "\",\"block_size\":64,\"requests\":[", c);
        for (uint32_t r = 0; r < REQUESTS; r++) {
            blocks += random_below(&random, 60);
            second += 5 + random_below(&random, 120);
            buf_printf(out,
                       "%s{\"t\":%" PRIu32
                       ",\"type\":\"n\",\"model\":\"claude-sonnet-4-5-20250929\","
                       "\"in\":%" PRIu32 ",\"out\":400,\"hash_ids\":[[0,%" PRIu32 "]]}",
                       r ? "," : "", second, blocks * 64 + 7, blocks);
        }
        buf_append(out, STR("]}\n"));
    }
}

static int write_generated(char *path)
{
    const char *folder = getenv("TMPDIR");
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    generate(&text);
    (void)snprintf(path, PATH_BYTES, "%s/netra-bench-XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp(path);
    int code =
        fd < 0 || buf_status(&text) || write(fd, text.data, text.length) != (ssize_t)text.length;
    if (fd >= 0) {
        (void)close(fd);
    }
    buf_done(&text);
    return code;
}

static int open_trace(struct dataset **ret_dataset, const char **ret_name)
{
    const char *data = getenv("NETRA_TEST_DATA");
    char path[PATH_BYTES];
    const char *paths[] = {path};
    struct dataset_options options = {.paths = paths, .path_count = 1};

    (void)snprintf(path, sizeof(path), "%s/%s", data ? data : "", TRACE);
    bool is_public = data && access(path, R_OK) == 0;
    *ret_name = is_public ? "agentic" : "generated";
    int code = is_public ? OK : write_generated(path);
    if (!code) {
        code = dataset_open(&options, ret_dataset, NULL);
    }
    if (!is_public) {
        (void)unlink(path);
    }
    return code;
}

static int simulate(void *arg)
{
    const struct dataset *dataset = arg;
    struct cache_sim sim;
    int code = cache_sim_run(&sim, &dataset->table, &dataset->card, &definition, /* skip */ NULL);

    if (!code) {
        bench_keep((int64_t)sim.total.by_ttl[0].hit_blocks);
        cache_sim_done(&sim);
    }
    return code;
}

static int call_tool(void *arg)
{
    const struct dataset *dataset = arg;
    struct tool_context context = {.dataset = dataset, .book = dataset->book, .seed = 1};
    struct report *body = NULL;
    int code = tool_call(tool_find(STR("cache_audit")), &context, STR(""), &body, NULL);

    report_free(body);
    return code;
}

int main(void)
{
    struct dataset *dataset = NULL;
    const char *which = "";
    struct cache_sim sim;
    char names[3][64];

    if (open_trace(&dataset, &which) || dataset->table.count == 0 ||
        cache_sim_run(&sim, &dataset->table, &dataset->card, &definition, /* skip */ NULL)) {
        (void)fprintf(stderr, "cache_audit: the trace could not be read\n");
        dataset_close(dataset);
        return 1;
    }
    double blocks = (double)sim.total.block_refs;
    cache_sim_done(&sim);
    (void)snprintf(names[0], sizeof(names[0]), "cache_sim.%s.blocks", which);
    (void)snprintf(names[1], sizeof(names[1]), "cache_sim.%s.requests", which);
    (void)snprintf(names[2], sizeof(names[2]), "cache_audit.%s", which);
    double requests = (double)dataset->table.count;
    int failed =
        bench_run(&(struct bench){
            .name = names[0], .work = blocks, .unit = "blocks", .run = simulate, .arg = dataset}) ||
        bench_run(&(struct bench){.name = names[1],
                                  .work = requests,
                                  .unit = "requests",
                                  .run = simulate,
                                  .arg = dataset}) ||
        bench_run(&(struct bench){.name = names[2],
                                  .work = requests,
                                  .unit = "requests",
                                  .run = call_tool,
                                  .arg = dataset});
    dataset_close(dataset);
    return failed;
}
