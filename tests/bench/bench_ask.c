/*
 * From a file and a prompt to a report, in one process: the records of the sample (28 days of a
 * made-up team, seed 1) are written to a temporary file once; measured are the cache audit over the
 * open records, and the whole way: read, import, price, analyse, render as JSON and as HTML.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include <string.h>
#include <unistd.h>

#include "agent/run.h"
#include "base/buf.h"
#include "tool/dataset.h"
#include "usage/synthesize.h"

#define TEXT_BYTES_MAX ((size_t)1 << 30)
#define PROMPT                                                                                     \
    "How can we reduce costs by 20 % without making anything worse? Audit our caching, too."

/* One microsecond later at every look: the report's times must not depend on the machine. */
static int64_t ticking_clock(void)
{
    static int64_t now_us = INT64_C(1787313600000000);

    return now_us++;
}

static int write_sample(const char *folder, char *path, size_t size)
{
    struct synthesize_options options = synthesize_options_default(/* seed */ 1);
    struct synthesize_key key;
    struct buf jsonl;

    buf_init(&jsonl, TEXT_BYTES_MAX);
    (void)snprintf(path, size, "%s/netra-bench-XXXXXX", folder);
    int fd = mkstemp(path);
    int code = fd < 0 ? ERR_IO : usage_synthesize(&options, &jsonl, &key, NULL);
    if (!code) {
        synthesize_key_done(&key);
        code = write(fd, jsonl.data, jsonl.length) == (ssize_t)jsonl.length ? OK : ERR_IO;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    buf_done(&jsonl);
    return code;
}

static int open_sample(const char *path, struct dataset **ret_dataset)
{
    struct dataset_options options = {.paths = &path, .path_count = 1, .now_us = ticking_clock()};

    return dataset_open(&options, ret_dataset, NULL);
}

static int audit_cache(void *arg)
{
    const struct dataset *dataset = arg;
    struct tool_context context = {.dataset = dataset, .book = dataset->book, .seed = 1};
    struct report *body = NULL;
    int code = tool_call(tool_find(STR("cache_audit")), &context, STR(""), &body, NULL);

    report_free(body);
    return code;
}

static int render_report(const struct report *report)
{
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    report_render_json(report, &text);
    report_render_html(report, &text);
    int code = buf_status(&text);
    bench_keep((int64_t)text.length);
    buf_done(&text);
    return code;
}

static int answer_prompt(void *arg)
{
    struct dataset *dataset = NULL;
    struct run *run = NULL;
    bool is_done = false;
    int code = open_sample(arg, &dataset);

    if (!code) {
        struct run_options options = {.prompt = STR(PROMPT),
                                      .dataset = dataset,
                                      .book = dataset->book,
                                      .id = STR("00000000-0000-7000-8000-000000000000"),
                                      .seed = 1,
                                      .clock = ticking_clock};
        code = run_new(&options, &run, NULL);
    }
    while (!code && !is_done) {
        code = run_step(run, &is_done, NULL);
    }
    if (!code) {
        run_delivered(run);
        code = render_report(run_report(run));
    }
    run_free(run);
    dataset_close(dataset);
    return code;
}

int main(void)
{
    const char *folder = getenv("TMPDIR");
    struct dataset *dataset = NULL;
    char path[512];

    if (write_sample(folder ? folder : "/tmp", path, sizeof(path)) || open_sample(path, &dataset)) {
        (void)fprintf(stderr, "ask: the sample could not be made\n");
        return 1;
    }
    double records = (double)dataset->table.count;
    int failed = bench_run(&(struct bench){.name = "tool.cache_audit",
                                           .work = records,
                                           .unit = "records",
                                           .run = audit_cache,
                                           .arg = dataset}) ||
                 bench_run(&(struct bench){.name = "ask.prompt_to_report",
                                           .work = records,
                                           .unit = "records",
                                           .run = answer_prompt,
                                           .arg = path});
    dataset_close(dataset);
    (void)unlink(path);
    return failed;
}
