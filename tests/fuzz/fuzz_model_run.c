/*
 * Any answers of a model to the questions of a run: the run ends well, its report passes the gate,
 * the facts of a run without a model are in it as they are (unless the question was read anew), no
 * file is written, and hearing an answer or not makes no difference to the report.
 *
 * The first byte says in which pieces text is heard. Then a line per question: "-why" nobody
 * answers, "=text" or "#text" (cut) an answer, ~ standing for a line's end; "+tool args" before one
 * are its calls.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/run.h"
#include "base/check.h"

#define OUTPUT_BYTES_MAX ((size_t)16 << 20)
#define TEXT_BYTES_MAX   16384u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char records[] =
    "{\"time\":\"2026-01-01T00:00:00Z\",\"model\":\"gpt-4o\",\"feature\":\"chat\",\"user\":\"u-1\","
    "\"input_tokens\":5000,\"output_tokens\":100,\"latency_ms\":5,\"status\":\"ok\"}\n"
    "{\"time\":\"2026-01-01T00:00:09Z\",\"model\":\"gpt-4o\",\"feature\":\"a `b` {c}\",\"user\":"
    "\"u-2\",\"input_tokens\":7000,\"output_tokens\":10,\"latency_ms\":7,\"status\":\"error\"}\n";

static int64_t still_clock(void)
{
    return INT64_C(1767225600) * 1000000;
}

static struct dataset *open_records(void)
{
    char path[] = "/tmp/netra-fuzz-XXXXXX";
    int fd = mkstemp(path);
    const char *paths[] = {path};
    struct dataset_options options = {.paths = paths, .path_count = 1, .now_us = still_clock()};
    struct dataset *dataset;

    check(fd >= 0);
    check(write(fd, records, sizeof(records) - 1) == (ssize_t)sizeof(records) - 1);
    check(close(fd) == 0);
    check(dataset_open(&options, &dataset, NULL) == OK);
    check(unlink(path) == 0);
    return dataset;
}

static struct run *new_run(const struct dataset *dataset, bool has_model)
{
    struct run_options options = {.prompt = STR("reduce costs by 20 %; how would gpt-5 do?"),
                                  .dataset = dataset,
                                  .book = dataset->book,
                                  .id = STR("0190b1f0-0000-7000-8000-000000000000"),
                                  .clock = still_clock,
                                  .has_model = has_model};
    struct run *run;

    check(run_new(&options, &run, NULL) == OK);
    return run;
}

/* ---- answers ---- */

static struct str next_line(struct str *rest)
{
    const char *end = rest->length ? memchr(rest->data, '\n', rest->length) : NULL;
    size_t length = end ? (size_t)(end - rest->data) : rest->length;
    struct str line = str_slice(*rest, 0, length);

    *rest = str_slice(*rest, end ? length + 1 : length, rest->length);
    return line;
}

static void add_call(struct llm_answer *answer, struct str line)
{
    size_t space = str_find(line, STR(" "), 0);

    if (answer->call_count < LLM_CALLS_MAX && space != SIZE_MAX) {
        answer->calls[answer->call_count++] =
            (struct llm_call){.id = STR("c"),
                              .name = str_slice(line, 1, space ? space : 1),
                              .args = str_slice(line, space + 1, line.length)};
    }
}

static void answer_question(struct run *run, struct str *script, size_t piece)
{
    char text[TEXT_BYTES_MAX];
    struct llm_answer answer = {.call_count = 0};
    struct str line = next_line(script);
    size_t length = 0;

    while (line.length && line.data[0] == '+') {
        add_call(&answer, line);
        line = next_line(script);
    }
    if (line.length == 0 || (line.data[0] != '=' && line.data[0] != '#')) {
        char why[64];

        (void)snprintf(why, sizeof(why), "%.*s", STR_ARGS(line));
        check(run_answer(run, NULL, NULL, why, NULL) == OK);
        return;
    }
    for (; length + 1 < line.length && length < sizeof(text); length++) {
        text[length] = line.data[length + 1] == '~' ? '\n' : line.data[length + 1];
    }
    answer.text = (struct str){text, length};
    answer.stop = line.data[0] == '#' ? LLM_STOP_LENGTH : LLM_STOP_END;
    for (size_t at = 0; piece && at < length; at += piece) {
        run_hear(run, str_slice(answer.text, at, at + piece < length ? at + piece : length));
    }
    check(run_answer(run, &answer, NULL, NULL, NULL) == OK);
}

static struct run *whole_run(const struct dataset *dataset, struct str script, size_t piece)
{
    struct run *run = new_run(dataset, /* has_model */ true);
    bool done = false;
    unsigned asked = 0;

    while (!done) {
        check(run_step(run, &done, NULL) == OK);
        if (run_question(run)) {
            check_cmp(asked, <, RUN_QUESTIONS_MAX);
            check(run_question(run)->index == asked++);
            answer_question(run, &script, piece);
        }
    }
    return run;
}

/* ---- what must hold ---- */

static void check_floor(const struct report *with, const struct report *without)
{
    if (!str_equal(with->interpretation_json, without->interpretation_json)) {
        return;
    }
    check(with->type == without->type);
    for (uint32_t i = 0; i < without->facts.count; i++) {
        const struct fact *fact = &without->facts.facts[i];
        const struct fact *same = fact_find(&with->facts, fact->id);

        check(same && same->state == fact->state && str_equal(same->query, fact->query));
        check(fact->state == FACT_UNKNOWN || decimal_compare(same->value, fact->value) == 0);
    }
}

static void check_same(const struct report *one, const struct report *two)
{
    struct buf a;
    struct buf b;

    buf_init(&a, OUTPUT_BYTES_MAX);
    buf_init(&b, OUTPUT_BYTES_MAX);
    report_render_json(one, &a);
    report_render_json(two, &b);
    check(buf_status(&a) == OK && str_equal(buf_str(&a), buf_str(&b)));
    buf_done(&a);
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dataset *dataset;
    static struct run *without;
    struct str script = {(const char *)data, size};
    bool done = false;

    if (!dataset) {
        dataset = open_records();
        without = new_run(dataset, /* has_model */ false);
        while (!done) {
            check(run_step(without, &done, NULL) == OK);
        }
    }
    if (size == 0) {
        return 0;
    }
    script = str_slice(script, 1, size);
    struct run *heard = whole_run(dataset, script, 1 + data[0] % 32);
    struct run *unheard = whole_run(dataset, script, 0);
    check(report_gate(run_report(heard), NULL, NULL) == OK);
    check_floor(run_report(heard), run_report(without));
    check_same(run_report(heard), run_report(unheard));
    run_free(heard);
    run_free(unheard);
    return 0;
}
