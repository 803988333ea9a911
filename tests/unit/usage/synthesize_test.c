/*
 * The generator's lines: reproducible, valid, labelled, sane; options and failures.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <xxhash.h>

#include "base/alloc.h"
#include "synthesize_rows.h"

#define SEEDS 20

/* XXH3 of the lines for small_options(1). It may change when the generator is changed on purpose,
 * and never because of a compiler, its flags or a machine. */
#define LINES_DIGEST UINT64_C(0x1f0949ed9d3bcf4c)

static void test_lines_are_the_same_on_every_machine(void **state)
{
    struct sample sample;

    (void)state;
    struct synthesize_options options = small_options(1);
    sample_make(&options, &sample);
    assert_int_equal(XXH3_64bits(sample.lines.data, sample.lines.length), LINES_DIGEST);
    sample_done(&sample);
}

static void write_key(const struct synthesize_key *key, struct buf *out)
{
    struct json_writer w = json_writer_on(out);

    buf_init(out, SYNTHESIZE_BYTES_MAX);
    w.out = out;
    synthesize_key_write_json(key, &w);
    assert_int_equal(buf_status(out), OK);
}

static void test_same_seed_gives_same_bytes_and_other_seed_others(void **state)
{
    struct sample one;
    struct sample again;
    struct sample other;
    struct buf one_key;
    struct buf again_key;

    (void)state;
    struct synthesize_options options = small_options(42);
    sample_make(&options, &one);
    sample_make(&options, &again);
    options.seed = 43;
    sample_make(&options, &other);
    write_key(&one.key, &one_key);
    write_key(&again.key, &again_key);
    assert_true(str_equal(buf_str(&one.lines), buf_str(&again.lines)));
    assert_true(str_equal(buf_str(&one_key), buf_str(&again_key)));
    assert_false(str_equal(buf_str(&one.lines), buf_str(&other.lines)));
    /* Two samples may be imported side by side: no id of one is an id of the other. */
    for (size_t i = 0; i < one.count; i++) {
        for (size_t k = 0; k < other.count; k++) {
            if (str_equal(one.rows[i].request_id, other.rows[k].request_id)) {
                fail_msg("two seeds share an id");
            }
        }
    }
    buf_done(&one_key);
    buf_done(&again_key);
    sample_done(&one);
    sample_done(&again);
    sample_done(&other);
}

static unsigned bits_of(const struct synthesize_key *key, const char *const *names, uint32_t count)
{
    unsigned bits = 0;

    for (uint32_t i = 0; i < count; i++) {
        for (unsigned k = 0; k < SYNTHESIZE_FEATURES; k++) {
            bits |= strcmp(names[i], key->features[k]) == 0 ? 1u << k : 0;
        }
    }
    return bits;
}

static unsigned count_distinct(const int64_t *values, unsigned count)
{
    unsigned distinct = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned k = 0;

        while (values[k] != values[i]) {
            k++;
        }
        distinct += k == i;
    }
    return distinct;
}

static void test_answers_differ_from_seed_to_seed(void **state)
{
    int64_t deploys[SEEDS];
    int64_t times[SEEDS];
    int64_t duplicates[SEEDS];
    int64_t unused[SEEDS];
    int64_t batches[SEEDS];

    (void)state;
    for (unsigned i = 0; i < SEEDS; i++) {
        struct sample sample;

        struct synthesize_options options = small_options(1000 + i);
        options.days = 28;
        options.scale = SYNTHESIZE_SCALE_MIN;
        sample_make(&options, &sample);
        const struct synthesize_key *key = &sample.key;
        const char *unused_names[SYNTHESIZE_DEFECTS_MAX];
        for (uint32_t k = 0; k < key->unused_count; k++) {
            unused_names[k] = key->unused[k].feature;
        }
        deploys[i] = bits_of(key, &key->deploy.feature, 1);
        times[i] = key->deploy.time_us;
        duplicates[i] = bits_of(key, key->duplicate_features, key->duplicate_feature_count);
        unused[i] = bits_of(key, unused_names, key->unused_count);
        batches[i] = bits_of(key, key->batch_features, key->batch_count);
        /* Each defect is there, and no feature has two. */
        assert_true(deploys[i] && duplicates[i] && unused[i] && batches[i]);
        assert_int_equal((deploys[i] & duplicates[i]) | (deploys[i] & unused[i]) |
                             (duplicates[i] & unused[i]),
                         0);
        assert_true(key->duplicate_count > 0);
        sample_done(&sample);
    }
    assert_true(count_distinct(deploys, SEEDS) >= 3);
    assert_true(count_distinct(times, SEEDS) >= 10);
    assert_true(count_distinct(duplicates, SEEDS) >= 4);
    assert_true(count_distinct(unused, SEEDS) >= 4);
    assert_int_equal(count_distinct(batches, SEEDS), 2);
}

static void check_row(const struct synthesize_options *options, const struct row *row)
{
    int64_t end_us = options->start_us + options->days * DAY_US;

    assert_str(row->source, SYNTHESIZE_SOURCE);
    assert_in_range(row->time_us, options->start_us, end_us);
    assert_int_equal(row->prompt_hash.length, 16);
    assert_true(row->reasoning <= row->output && row->output <= row->max_output);
    assert_true(row->ttft_ms <= row->latency_ms && row->latency_ms > 0);
    assert_in_range(row_input(row), 0, SYNTHESIZE_INPUT_MAX);
    assert_int_equal(row->write_1h, 0);
    assert_int_equal(row->has_cache_writes, str_equal(row->provider, STR("anthropic")));
    assert_true(row->quality == -1 || (row->quality >= 0.5 && row->quality <= 1));
    if (row_failed(row)) {
        bool may_bill = str_equal(row->error_type, STR("timeout")) ||
                        str_equal(row->error_type, STR("server_error"));

        assert_int_equal(row->output + row->read + row->write_5m, 0);
        assert_int_equal(row->uncached > 0, may_bill);
        assert_int_equal(row->run_count, 0);
        assert_true(row->error_type.length > 0);
    } else {
        assert_true(row->output > 0 && row_input(row) > 0);
        assert_int_equal(row->error_type.length, 0);
        assert_int_equal(row->ttft_ms > 0, row->is_streamed);
    }
    if (row->run_count > 0) {
        assert_int_equal(row->block_size, SYNTHESIZE_BLOCK_TOKENS);
        assert_int_equal(row_blocks(row), row_input(row) / SYNTHESIZE_BLOCK_TOKENS);
        assert_true(str_starts_with(row->scope, row->feature) &&
                    str_ends_with(row->scope, row->model));
    } else {
        assert_int_equal(row->block_size + row->scope.length, 0);
        assert_int_equal(row->read + row->write_5m, 0);
    }
}

static void test_rows_are_labelled_unique_ordered_and_sane(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct synthesize_options options = small_options(seed);
        struct sample sample;

        sample_make(&options, &sample);
        assert_in_range(sample.count, 600, 2000);
        for (size_t i = 0; i < sample.count; i++) {
            check_row(&options, &sample.rows[i]);
            assert_true(i == 0 || sample.rows[i].time_us > sample.rows[i - 1].time_us);
            for (size_t k = 0; k < i; k++) {
                if (str_equal(sample.rows[i].request_id, sample.rows[k].request_id)) {
                    fail_msg("a request id comes twice");
                }
            }
        }
        sample_done(&sample);
    }
}

static void test_lines_have_only_fields_of_the_record(void **state)
{
    static const char *const fields[] = {
        "request_id",   "time",           "source",     "provider",       "model",
        "service_tier", "operation",      "feature",    "agent",          "session",
        "user",         "status",         "error_type", "stop_reason",    "streamed",
        "output",       "input_uncached", "cache_read", "cache_write_5m", "cache_write_1h",
        "reasoning",    "max_output",     "latency_ms", "ttft_ms",        "quality",
        "prompt_hash",  "hash_ids",       "block_size", "cache_scope",
    };
    struct synthesize_options options = small_options(9);
    struct json_parser *parser;
    struct json_value line;
    struct sample sample;
    size_t at = 0;

    (void)state;
    sample_make(&options, &sample);
    struct str text = buf_str(&sample.lines);
    assert_int_equal(json_parser_new(ROWS_LINE_BYTES, &parser), OK);
    for (size_t i = 0; i < sample.count; i++) {
        size_t end = str_find(text, STR("\n"), at);

        assert_int_equal(json_parse(parser, str_slice(text, at, end), &line, NULL), OK);
        for (struct json_iterator it = json_iterate(line); json_next(&it);) {
            size_t k = 0;

            while (k < ARRAY_LENGTH(fields) && !str_equal(it.key, str_from(fields[k]))) {
                k++;
            }
            assert_true(k < ARRAY_LENGTH(fields));
        }
        at = end + 1;
    }
    json_parser_free(parser);
    sample_done(&sample);
}

static void test_context_of_a_conversation_grows(void **state)
{
    struct synthesize_options options = small_options(5);
    struct sample sample;
    unsigned turns = 0;

    (void)state;
    sample_make(&options, &sample);
    for (size_t i = 0; i < sample.count; i++) {
        const struct row *row = &sample.rows[i];

        for (size_t k = i; k-- > 0 && row->session.length > 0;) {
            const struct row *earlier = &sample.rows[k];

            if (!str_equal(row->session, earlier->session) || row_failed(row) ||
                row_failed(earlier)) {
                continue;
            }
            assert_true(str_equal(row->model, earlier->model));
            assert_true(str_equal(row->user, earlier->user));
            if (str_equal(row->prompt_hash, earlier->prompt_hash)) {
                assert_int_equal(row_input(row), row_input(earlier));
            } else if (row_input(row) < SYNTHESIZE_INPUT_MAX) {
                turns++;
            }
            break;
        }
    }
    assert_true(turns > 200);
    sample_done(&sample);
}

static void assert_refused(struct synthesize_options options, const char *message)
{
    struct synthesize_key key = {.errors = 77};
    struct error error = {0};
    struct buf lines;

    buf_init(&lines, 1000);
    assert_int_equal(usage_synthesize(&options, &lines, &key, &error), ERR_USAGE);
    assert_string_equal(error.message, message);
    assert_int_equal(lines.length, 0);
    assert_int_equal(key.errors, 77);
}

static void test_options_out_of_range_are_refused_by_name(void **state)
{
    struct synthesize_options options = synthesize_options_default(1);

    (void)state;
    options.days = 0;
    assert_refused(options, "cannot synthesize 0 days: must be 1 to 366");
    options.days = 367;
    assert_refused(options, "cannot synthesize 367 days: must be 1 to 366");
    options.days = 28;
    options.scale = 9;
    assert_refused(options, "cannot synthesize at scale 9: must be 10 to 10000");
    options.scale = 10001;
    assert_refused(options, "cannot synthesize at scale 10001: must be 10 to 10000");
    options.days = 366;
    options.scale = 1001;
    assert_refused(options, "cannot synthesize 366 days at scale 1001: days times scale must be at "
                            "most 366000");
    options = synthesize_options_default(1);
    options.start_us = -1;
    assert_refused(options,
                   "cannot synthesize from -1 us after 1970: must lie in the years 1970 to 9990");
    options.start_us = INT64_MAX;
    assert_refused(options, "cannot synthesize from 9223372036854775807 us after 1970: must lie in "
                            "the years 1970 to 9990");
}

static void test_smallest_and_odd_periods_work(void **state)
{
    static const int64_t starts_us[] = {0, SYNTHESIZE_START_US_DEFAULT + 5 * DAY_US + 3723999999,
                                        INT64_C(253000000000000000)};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(starts_us); i++) {
        for (uint64_t seed = 0; seed < 8; seed++) {
            struct synthesize_options options = {seed, 1, SYNTHESIZE_SCALE_MIN, starts_us[i]};
            struct sample sample;

            sample_make(&options, &sample);
            assert_true(sample.count >= SYNTHESIZE_FEATURES);
            int64_t start_us = civil_floor(starts_us[i], SECOND_US);
            for (size_t k = 0; k < sample.count; k++) {
                assert_in_range(sample.rows[k].time_us, start_us, start_us + DAY_US);
            }
            assert_in_range(sample.key.deploy.time_us, start_us, start_us + DAY_US - 1);
            sample_done(&sample);
        }
    }
}

static void test_full_buffer_is_an_error_and_leaves_outputs_alone(void **state)
{
    struct synthesize_options options = small_options(3);
    struct synthesize_key key = {.errors = 77};
    struct error error = {0};
    struct buf lines;

    (void)state;
    buf_init(&lines, 10000);
    assert_int_equal(usage_synthesize(&options, &lines, &key, &error), ERR_LIMIT);
    assert_string_equal(error.message, "synthetic records do not fit into 10000 bytes");
    assert_int_equal(lines.length, 0);
    assert_int_equal(lines.status, OK);
    assert_int_equal(key.errors, 77);
}

static void test_synthesize_survives_out_of_memory_anywhere(void **state)
{
    struct synthesize_options options = {1, 2, SYNTHESIZE_SCALE_MIN, SYNTHESIZE_START_US_DEFAULT};
    int code = ERR_NO_MEMORY;
    uint64_t nth = 1;

    (void)state;
    for (; code != OK; nth++) {
        struct synthesize_key key = {.errors = 77};
        struct buf lines;

        buf_init(&lines, SYNTHESIZE_BYTES_MAX);
        (void)alloc_fail_from(nth);
        code = usage_synthesize(&options, &lines, &key, NULL);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_in_range(nth, 1, 500);
        if (code == OK) {
            synthesize_key_done(&key);
        } else {
            assert_int_equal(lines.length, 0);
            assert_int_equal(key.errors, 77);
        }
        buf_done(&lines);
    }
    assert_true(nth > 10);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lines_are_the_same_on_every_machine),
    cmocka_unit_test(test_same_seed_gives_same_bytes_and_other_seed_others),
    cmocka_unit_test(test_answers_differ_from_seed_to_seed),
    cmocka_unit_test(test_rows_are_labelled_unique_ordered_and_sane),
    cmocka_unit_test(test_lines_have_only_fields_of_the_record),
    cmocka_unit_test(test_context_of_a_conversation_grows),
    cmocka_unit_test(test_options_out_of_range_are_refused_by_name),
    cmocka_unit_test(test_smallest_and_odd_periods_work),
    cmocka_unit_test(test_full_buffer_is_an_error_and_leaves_outputs_alone),
    cmocka_unit_test(test_synthesize_survives_out_of_memory_anywhere),
};

UNIT_MAIN(tests)
