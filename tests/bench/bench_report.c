/*
 * Prompt to report over a million records that are open already (warm): the agents with all their
 * tools, the two renderings that carry everything, and each tool alone. The records are two samples
 * of 28 days at ten times the default traffic, 1.1 million in all, with sessions, prefix blocks,
 * failures and duplicates; they are written to temporary files and read once.
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

#define FILES          2
#define REPORT_RUNS    40
#define TEXT_BYTES_MAX ((size_t)1 << 30)
#define PATH_BYTES     512
#define PROMPT                                                                                     \
    "How can we reduce costs by 20 % without making anything worse? Audit our caching, too."

struct state {
    struct dataset *dataset;
    const struct tool *tool;
    const struct report *report;
};

/* One microsecond later at every look: the report's times must not depend on the machine. */
static int64_t ticking_clock(void)
{
    static int64_t now_us = INT64_C(1787313600000000);

    return now_us++;
}

static int write_sample(uint64_t seed, char *path)
{
    const char *folder = getenv("TMPDIR");
    struct synthesize_options options = synthesize_options_default(seed);
    struct synthesize_key key;
    struct buf jsonl;
    size_t done = 0;

    options.scale = SYNTHESIZE_SCALE_MAX;
    buf_init(&jsonl, TEXT_BYTES_MAX);
    (void)snprintf(path, PATH_BYTES, "%s/netra-bench-XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp(path);
    int code = fd < 0 ? ERR_IO : usage_synthesize(&options, &jsonl, &key, NULL);
    if (!code) {
        synthesize_key_done(&key);
    }
    while (!code && done < jsonl.length) {
        ssize_t some = write(fd, jsonl.data + done, jsonl.length - done);

        code = some <= 0 ? ERR_IO : OK;
        done += some > 0 ? (size_t)some : 0;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    buf_done(&jsonl);
    return code;
}

static int open_samples(struct dataset **ret_dataset)
{
    char paths[FILES][PATH_BYTES] = {{0}};
    const char *names[FILES];
    struct dataset_options options = {.paths = names, .now_us = ticking_clock()};
    int code = OK;

    for (size_t i = 0; i < FILES; i++) {
        names[i] = paths[i];
        code = code ? code : write_sample(i + 1, paths[i]);
    }
    options.path_count = FILES;
    if (!code) {
        code = dataset_open(&options, ret_dataset, NULL);
    }
    for (size_t i = 0; i < FILES; i++) {
        (void)unlink(paths[i]);
    }
    return code;
}

static int make_report(const struct dataset *dataset, struct run **ret_run)
{
    struct run_options options = {.prompt = STR(PROMPT),
                                  .dataset = dataset,
                                  .book = dataset->book,
                                  .id = STR("00000000-0000-7000-8000-000000000000"),
                                  .seed = 1,
                                  .clock = ticking_clock};
    bool is_done = false;
    int code = run_new(&options, ret_run, NULL);

    while (!code && !is_done) {
        code = run_step(*ret_run, &is_done, NULL);
    }
    if (!code) {
        run_delivered(*ret_run);
    }
    return code;
}

static int prompt_to_report(void *arg)
{
    struct state *state = arg;
    struct run *run = NULL;
    int code = make_report(state->dataset, &run);

    run_free(run);
    return code;
}

static int render(void *arg)
{
    struct state *state = arg;
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    report_render_json(state->report, &text);
    report_render_html(state->report, &text);
    int code = buf_status(&text);
    bench_keep((int64_t)text.length);
    buf_done(&text);
    return code;
}

static int call_tool(void *arg)
{
    struct state *state = arg;
    struct tool_context context = {
        .dataset = state->dataset, .book = state->dataset->book, .seed = 1};
    bool is_what_if = strcmp(state->tool->name, "what_if_model") == 0;
    struct report *body = NULL;
    int code = tool_call(state->tool, &context,
                         is_what_if ? STR("{\"model\":\"gpt-4o-mini\"}") : STR(""), &body, NULL);

    report_free(body);
    return code;
}

static int bench_tools(struct state *state)
{
    size_t count;
    const struct tool *const *tools = tool_registry(&count);
    int failed = 0;

    for (size_t i = 0; i < count && !failed; i++) {
        char name[64];

        if (!tools[i]->needs_records) {
            continue;
        }
        state->tool = tools[i];
        (void)snprintf(name, sizeof(name), "1M.%s", tools[i]->name);
        failed = bench_run(&(struct bench){.name = name,
                                           .work = (double)state->dataset->table.count,
                                           .unit = "records",
                                           .run = call_tool,
                                           .arg = state});
    }
    return failed;
}

int main(void)
{
    struct state state = {0};
    struct run *run = NULL;

    if (open_samples(&state.dataset) || make_report(state.dataset, &run)) {
        (void)fprintf(stderr, "report: the records could not be made\n");
        return 1;
    }
    state.report = run_report(run);
    int failed = bench_run(&(struct bench){.name = "1M.prompt_to_report",
                                           .work = (double)state.dataset->table.count,
                                           .unit = "records",
                                           .run = prompt_to_report,
                                           .arg = &state,
                                           .runs = REPORT_RUNS}) ||
                 bench_run(&(struct bench){.name = "1M.render_json_and_html",
                                           .work = 1,
                                           .unit = "reports",
                                           .run = render,
                                           .arg = &state,
                                           .runs = REPORT_RUNS}) ||
                 bench_tools(&state);
    run_free(run);
    dataset_close(state.dataset);
    return failed;
}
