/*
 * Datasets for tool tests: text written to a file below a folder of the test's own, and opened as
 * the program opens it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_TOOL_FIXTURE_H
#define NETRA_TESTS_TOOL_FIXTURE_H

#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tool/tool.h"
#include "usage/synthesize.h"

#define FIXTURE_PATH_BYTES 256

struct fixture {
    char folder[64];
    char path[FIXTURE_PATH_BYTES];
};

static inline void fixture_init(struct fixture *fixture)
{
    (void)snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/netra-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    (void)snprintf(fixture->path, sizeof(fixture->path), "%s/usage.jsonl", fixture->folder);
}

static inline void fixture_write(const struct fixture *fixture, struct str text)
{
    FILE *file = fopen(fixture->path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.length, file), text.length);
    assert_int_equal(fclose(file), 0);
}

static inline void fixture_done(const struct fixture *fixture)
{
    (void)unlink(fixture->path);
    assert_int_equal(rmdir(fixture->folder), 0);
}

static inline int fixture_try_open(const struct fixture *fixture, struct dataset **ret_dataset,
                                   struct error *error)
{
    const char *paths[] = {fixture->path};
    struct dataset_options options = {
        .paths = paths, .path_count = 1, .now_us = INT64_C(1767225600) * 1000000};

    return dataset_open(&options, ret_dataset, error);
}

static inline struct dataset *fixture_open(const struct fixture *fixture)
{
    struct dataset *dataset;
    struct error error = {0};

    if (fixture_try_open(fixture, &dataset, &error)) {
        fail_msg("%s", error.message);
    }
    return dataset;
}

/* The dataset of a text, whose file is gone again. */
static inline struct dataset *dataset_of(struct str text)
{
    struct fixture fixture;

    fixture_init(&fixture);
    fixture_write(&fixture, text);
    struct dataset *dataset = fixture_open(&fixture);
    fixture_done(&fixture);
    return dataset;
}

/* A few hundred synthetic records with everything that tools look for. */
static inline struct dataset *sample_dataset(void)
{
    struct synthesize_options options = synthesize_options_default(3);
    struct synthesize_key key;
    struct error error = {0};
    struct buf text;

    options.days = 8;
    options.scale = 20;
    buf_init(&text, SYNTHESIZE_BYTES_MAX);
    assert_int_equal(usage_synthesize(&options, &text, &key, &error), OK);
    struct dataset *dataset = dataset_of(buf_str(&text));
    synthesize_key_done(&key);
    buf_done(&text);
    return dataset;
}

static inline const struct tool *tool_named(const char *name)
{
    const struct tool *tool = tool_find(str_from(name));

    assert_non_null(tool);
    return tool;
}

static inline int try_tool(const char *name, const struct dataset *dataset, const char *args,
                           struct report **ret_body, struct error *error)
{
    struct tool_context context = {.dataset = dataset, .book = dataset ? dataset->book : NULL};

    return tool_call(tool_named(name), &context, str_from(args), ret_body, error);
}

static inline struct report *call_tool(const char *name, const struct dataset *dataset,
                                       const char *args)
{
    struct report *body;
    struct error error = {0};

    if (try_tool(name, dataset, args, &body, &error)) {
        fail_msg("%s %s: %s", name, args, error.message);
    }
    return body;
}

static inline const struct fact *fact_of(const struct report *body, const char *id)
{
    const struct fact *fact = fact_find(&body->facts, str_from(id));

    if (!fact) {
        fail_msg("there is no fact %s", id);
    }
    return fact;
}

/* The exact text of a fact: "25182.372257", "unknown". */
static inline void assert_fact(const struct report *body, const char *id, const char *expected)
{
    struct buf text;

    buf_init(&text, 4096);
    fact_print_exact(fact_of(body, id), &text);
    struct str actual = buf_str(&text);
    if (!str_equal(actual, str_from(expected))) {
        print_error("%s: ", id);
    }
    assert_str(actual, expected);
    buf_done(&text);
}

static inline bool lines_say(const struct report_lines *lines, const char *part)
{
    for (size_t i = 0; i < lines->count; i++) {
        if (str_find(lines->lines[i], str_from(part), 0) != SIZE_MAX) {
            return true;
        }
    }
    return false;
}

/* What the gate would say of a report with this body alone. */
static inline void assert_gate(struct report *body, const char *name)
{
    struct error error = {0};

    if (body->next_steps.count == 0) {
        assert_int_equal(report_add_line(body, &body->next_steps, STR("Look at it.")), OK);
    }
    if (report_gate(body, NULL, &error)) {
        fail_msg("%s: %s", name, error.message);
    }
}

#endif
