/*
 * What the tests of stored datasets share: inputs of every format, with rows that are rejected,
 * merged and mapped, and the comparison of two datasets through everything that reads one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_STORED_FIXTURE_H
#define NETRA_TESTS_STORED_FIXTURE_H

#include "tool_fixture.h"

#include "../usage/gzip_fixture.h"

enum stored_input { STORED_CSV, STORED_JSONL, STORED_AGENTIC, STORED_GZIP, STORED_INPUT_COUNT };

static const struct import_map stored_maps[] = {{{"model", 5}, {"gpt-4o", 6}},
                                                {{"feature", 7}, {"team", 4}}};

/* The CSV is read with these maps. */
static inline size_t stored_map_count(enum stored_input kind)
{
    return kind == STORED_CSV ? ARRAY_LENGTH(stored_maps) : 0;
}

static inline void stored_add_csv(struct buf *text)
{
    buf_append(text, STR("time,team,input_tokens,output_tokens,request_id,colour\n"));
    for (int i = 0; i < 400; i++) {
        buf_printf(text, "2026-01-%02dT%02d:00:%02dZ,%s,%d,%d,r%d,red\n", 1 + i % 28, i % 24,
                   i % 60, i % 3 ? "\"search, \"\"new\"\"\"" : "=chat", 900 + i, 10 + i % 7,
                   i % 350);
        if (i % 40 == 0) {
            buf_append(text, STR("yesterday,a,b,c,d,e\n"));
        }
    }
}

static inline void stored_add_agentic(struct buf *text)
{
    for (int i = 0; i < 30; i++) {
        buf_printf(
            text,
            "{\"id\":\"c%d\",\"block_size\":64,\"requests\":[{\"t\":%d.5,\"type\":\"n\","
            "\"model\":\"claude-sonnet-4-5\",\"in\":640,\"out\":5,\"hash_ids\":[[1,9],%d],"
            "\"stop\":\"\",\"api_time\":7.3},{\"t\":%d,\"type\":\"subagent\",\"agent_id\":"
            "\"a\",\"subagent_type\":\"E\",\"requests\":[{\"t\":%d,\"type\":\"s\",\"in\":197,"
            "\"out\":1,\"hash_ids\":[1,2,4],\"ttft\":0.5}]}],\"totals\":{"
            "\"combined_tokens\":{\"input\":1,\"output\":6}}}\n",
            i % 7, i * 60, 100 + i, i * 60 + 1, i * 60 + 2);
    }
}

static inline void stored_add_jsonl(struct buf *text)
{
    struct synthesize_options options = synthesize_options_default(3);
    struct synthesize_key key;
    struct error error = {0};

    options.days = 8;
    options.scale = 20;
    assert_int_equal(usage_synthesize(&options, text, &key, &error), OK);
    synthesize_key_done(&key);
    buf_append(text, STR("{\"input_tokens\":\"many\"}\n"));
}

static inline void stored_text(enum stored_input kind, struct buf *ret)
{
    struct buf plain;

    buf_init(ret, SYNTHESIZE_BYTES_MAX);
    switch (kind) {
    case STORED_CSV:
        stored_add_csv(ret);
        break;
    case STORED_JSONL:
        stored_add_jsonl(ret);
        break;
    case STORED_AGENTIC:
        stored_add_agentic(ret);
        break;
    default: /* cut off in its last bytes: a note */
        buf_init(&plain, SYNTHESIZE_BYTES_MAX);
        stored_add_jsonl(&plain);
        gzip_append(ret, buf_str(&plain));
        ret->length -= 9;
        buf_done(&plain);
        break;
    }
    assert_int_equal(buf_status(ret), OK);
}

static inline void open_file(const struct fixture *fixture, enum stored_input kind,
                             struct dataset **ret_dataset)
{
    const char *paths[] = {fixture->path};
    struct dataset_options options = {.paths = paths,
                                      .path_count = 1,
                                      .maps = stored_maps,
                                      .map_count = stored_map_count(kind),
                                      .now_us = INT64_C(1769904000) * 1000000};
    struct error error = {0};

    if (dataset_open(&options, ret_dataset, &error)) {
        fail_msg("%s", error.message);
    }
    assert_int_equal((*ret_dataset)->inputs[0].code, OK);
}

static inline void assert_same_texts_of_input(const struct dataset *file,
                                              const struct dataset *stored)
{
    const struct dataset_input *a = &file->inputs[0];
    const struct dataset_input *b = &stored->inputs[0];

    assert_int_equal(file->input_count, stored->input_count);
    assert_string_equal(a->path, b->path);
    assert_string_equal(a->digest, b->digest);
    assert_int_equal(b->code, OK);
    assert_string_equal(a->report->format_name, b->report->format_name);
    assert_int_equal(a->report->rows_accepted, b->report->rows_accepted);
    assert_int_equal(a->report->rows_merged, b->report->rows_merged);
    assert_int_equal(dataset_rejected(file), dataset_rejected(stored));
    assert_int_equal(file->map_count, stored->map_count);
    for (size_t i = 0; i < file->map_count; i++) {
        assert_true(str_equal(file->maps[i].field, stored->maps[i].field));
        assert_true(str_equal(file->maps[i].value, stored->maps[i].value));
    }
}

/* Every tool that reads records says the same about both, byte for byte. */
static inline void assert_same_dataset(const struct dataset *file, const struct dataset *stored)
{
    static const char *const calls[][2] = {
        {"dataset_profile", ""},
        {"spend_breakdown", "{\"by\":[\"model\",\"feature\",\"agent\",\"user\",\"day\"]}"},
        {"latency_profile", ""},
        {"reliability_profile", ""},
        {"cache_audit", "{\"split_by_model\":true}"},
        {"duplicate_calls", ""},
        {"batch_eligibility", ""},
        {"what_if_model", "{\"model\":\"gpt-4o-mini\"}"},
        {"traffic_profile", ""},
        {"choose_plan", "{\"cost_change\":-0.2,\"growth\":0.3}"},
    };

    assert_same_texts_of_input(file, stored);
    assert_int_equal(file->as_of_us, stored->as_of_us);
    assert_int_equal(file->from_us, stored->from_us);
    assert_int_equal(file->to_us, stored->to_us);
    for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
        struct report *a = call_tool(calls[i][0], file, calls[i][1]);
        struct report *b = call_tool(calls[i][0], stored, calls[i][1]);
        struct buf a_text;
        struct buf b_text;

        buf_init(&a_text, (size_t)64 << 20);
        buf_init(&b_text, (size_t)64 << 20);
        report_render_result_json(a, calls[i][0], /* one_line */ false, &a_text);
        report_render_result_json(b, calls[i][0], /* one_line */ false, &b_text);
        assert_int_equal(buf_status(&a_text), OK);
        assert_true(a->facts.count > 0);
        assert_str(buf_str(&a_text), b_text.data);
        buf_done(&a_text);
        buf_done(&b_text);
        report_free(a);
        report_free(b);
    }
}

#endif
