/*
 * The generated lines read back, for the tests of the generator: what a reader of the file sees and
 * nothing else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_SYNTHESIZE_ROWS_H
#define NETRA_TESTS_SYNTHESIZE_ROWS_H

#include <stdbool.h>

#include "unit.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/civil_time.h"
#include "usage/synthesize.h"
#include "json/json_read.h"

#define ROWS_LINE_BYTES 65536
#define ROWS_RUNS_MAX   2

struct row {
    int64_t time_us;
    struct str request_id;
    struct str source;
    struct str provider;
    struct str model;
    struct str feature;
    struct str session; /* length 0: none; so are the texts below */
    struct str user;
    struct str status;
    struct str error_type;
    struct str prompt_hash;
    struct str scope;
    bool is_streamed;
    bool has_cache_writes;
    uint64_t uncached;
    uint64_t read;
    uint64_t write_5m;
    uint64_t write_1h;
    uint64_t output;
    uint64_t reasoning;
    uint64_t max_output;
    uint64_t latency_ms;
    uint64_t ttft_ms; /* 0: none */
    double quality;   /* -1: none */
    uint64_t block_size;
    uint64_t run_start[ROWS_RUNS_MAX];
    uint64_t run_length[ROWS_RUNS_MAX];
    size_t run_count;
};

struct sample {
    struct buf lines;
    struct synthesize_key key;
    struct arena texts;
    struct row *rows;
    size_t count;
};

static inline uint64_t row_input(const struct row *row)
{
    return row->uncached + row->read + row->write_5m + row->write_1h;
}

static inline bool row_failed(const struct row *row)
{
    return str_equal(row->status, STR("error"));
}

static inline uint64_t row_blocks(const struct row *row)
{
    return row->run_length[0] + row->run_length[1];
}

static struct str rows_text(struct sample *sample, struct json_value object, const char *key,
                            bool is_needed)
{
    struct str text = {0};

    if (!json_get_str(json_at(object, key), &text)) {
        assert_false(is_needed);
        assert_true(json_is(json_at(object, key), JSON_MISSING));
        return (struct str){"", 0};
    }
    text = arena_copy(&sample->texts, text);
    assert_non_null(text.data);
    return text;
}

static uint64_t rows_number(struct json_value object, const char *key, bool is_needed)
{
    uint64_t number = 0;

    if (!json_get_u64(json_at(object, key), &number)) {
        assert_false(is_needed);
        assert_true(json_is(json_at(object, key), JSON_MISSING));
    }
    return number;
}

static void rows_read_runs(struct json_value runs, struct row *row)
{
    for (struct json_iterator it = json_iterate(runs); json_next(&it);) {
        uint64_t pair[2] = {0};
        size_t at = 0;

        for (struct json_iterator run = json_iterate(it.value); json_next(&run);) {
            assert_true(at < 2 && json_get_u64(run.value, &pair[at]));
            at++;
        }
        assert_int_equal(at, 2);
        assert_true(row->run_count < ROWS_RUNS_MAX);
        row->run_start[row->run_count] = pair[0];
        row->run_length[row->run_count++] = pair[1];
    }
}

static void rows_read(struct sample *sample, struct json_value line, struct row *row)
{
    struct str time = rows_text(sample, line, "time", true);

    assert_int_equal(civil_parse(time, &row->time_us), OK);
    row->request_id = rows_text(sample, line, "request_id", true);
    row->source = rows_text(sample, line, "source", true);
    row->provider = rows_text(sample, line, "provider", true);
    row->model = rows_text(sample, line, "model", true);
    row->feature = rows_text(sample, line, "feature", true);
    row->session = rows_text(sample, line, "session", false);
    row->user = rows_text(sample, line, "user", false);
    row->status = rows_text(sample, line, "status", true);
    row->error_type = rows_text(sample, line, "error_type", false);
    row->prompt_hash = rows_text(sample, line, "prompt_hash", true);
    row->scope = rows_text(sample, line, "cache_scope", false);
    assert_true(json_get_bool(json_at(line, "streamed"), &row->is_streamed));
    row->has_cache_writes = json_is(json_at(line, "cache_write_5m"), JSON_INTEGER);
    row->uncached = rows_number(line, "input_uncached", true);
    row->read = rows_number(line, "cache_read", true);
    row->write_5m = rows_number(line, "cache_write_5m", false);
    row->write_1h = rows_number(line, "cache_write_1h", false);
    row->output = rows_number(line, "output", true);
    row->reasoning = rows_number(line, "reasoning", false);
    row->max_output = rows_number(line, "max_output", true);
    row->latency_ms = rows_number(line, "latency_ms", true);
    row->ttft_ms = rows_number(line, "ttft_ms", false);
    row->block_size = rows_number(line, "block_size", false);
    if (!json_get_double(json_at(line, "quality"), &row->quality)) {
        row->quality = -1;
    }
    rows_read_runs(json_at(line, "hash_ids"), row);
}

/* Generates and reads; the tests fail here when either fails. */
static void sample_make(const struct synthesize_options *options, struct sample *sample)
{
    struct error error = {0};
    struct json_parser *parser;
    size_t at = 0;

    *sample = (struct sample){0};
    buf_init(&sample->lines, SYNTHESIZE_BYTES_MAX);
    arena_init(&sample->texts, SYNTHESIZE_BYTES_MAX);
    if (usage_synthesize(options, &sample->lines, &sample->key, &error)) {
        fail_msg("%s", error.message);
    }
    struct str text = buf_str(&sample->lines);
    for (size_t i = 0; i < text.length; i++) {
        sample->count += text.data[i] == '\n';
    }
    sample->rows = alloc_zeroed(sample->count + 1, sizeof(*sample->rows));
    assert_non_null(sample->rows);
    assert_int_equal(json_parser_new(ROWS_LINE_BYTES, &parser), OK);
    for (size_t i = 0; i < sample->count; i++) {
        size_t end = str_find(text, STR("\n"), at);
        struct json_value line;

        if (json_parse(parser, str_slice(text, at, end), &line, &error)) {
            fail_msg("line %zu: %s", i + 1, error.message);
        }
        rows_read(sample, line, &sample->rows[i]);
        at = end + 1;
    }
    assert_int_equal(at, text.length);
    json_parser_free(parser);
}

static void sample_done(struct sample *sample)
{
    alloc_free(sample->rows);
    arena_done(&sample->texts);
    synthesize_key_done(&sample->key);
    buf_done(&sample->lines);
}

/* A sample of some 1,000 records: two weeks, a thirtieth of the traffic. */
static inline struct synthesize_options small_options(uint64_t seed)
{
    struct synthesize_options options = synthesize_options_default(seed);

    options.days = 14;
    options.scale = 40;
    return options;
}

#endif
