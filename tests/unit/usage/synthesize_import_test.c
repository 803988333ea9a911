/*
 * The importer reads what the generator writes: every line a row, every field understood, every
 * token in its bucket.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "synthesize_rows.h"
#include "usage/import.h"
#include "usage/usage_table.h"

#define PIECE_BYTES 10007 /* no divisor of anything, so that pieces end anywhere in a line */

static void import_lines(struct str lines, struct usage_table *table, struct usage_import **ret)
{
    struct import_options options = {.source = STR("sample.jsonl")};
    struct error error = {0};

    assert_int_equal(usage_import_begin(&options, table, ret, &error), OK);
    for (size_t at = 0; at < lines.length; at += PIECE_BYTES) {
        size_t end = at + PIECE_BYTES < lines.length ? at + PIECE_BYTES : lines.length;

        if (usage_import_feed(*ret, str_slice(lines, at, end), &error)) {
            fail_msg("%s", error.message);
        }
    }
    if (usage_import_finish(*ret, &error)) {
        fail_msg("%s", error.message);
    }
}

/* Row i of the table is line i, because lines are in the order of time already. */
static void check_table_row(const struct usage_table *table, size_t i, const struct row *row)
{
    struct usage_tokens tokens = usage_tokens_of(table, i);

    assert_int_equal(table->time_us[i], row->time_us);
    assert_true(str_equal(usage_name_text(table, USAGE_MODEL, i), row->model));
    assert_true(str_equal(usage_name_text(table, USAGE_FEATURE, i), row->feature));
    assert_true(str_equal(usage_name_text(table, USAGE_PROVIDER, i), row->provider));
    assert_true(str_equal(usage_name_text(table, USAGE_SOURCE, i), STR(SYNTHESIZE_SOURCE)));
    assert_true(str_equal(usage_name_text(table, USAGE_ERROR_TYPE, i), row->error_type));
    assert_true(str_equal(usage_id_text(table, USAGE_SESSION, i), row->session));
    assert_true(str_equal(usage_id_text(table, USAGE_USER, i), row->user));
    assert_true(str_equal(usage_id_text(table, USAGE_CACHE_SCOPE, i), row->scope));
    assert_str(row->status, usage_status_name(usage_status_of(table, i)));
    assert_int_equal(usage_is_streamed(table, i), row->is_streamed);
    assert_int_equal(tokens.input_uncached, row->uncached);
    assert_int_equal(tokens.cache_read, row->read);
    assert_int_equal(tokens.cache_write_5m, row->write_5m);
    assert_int_equal(tokens.cache_write_1h, row->write_1h);
    assert_int_equal(tokens.output, row->output);
    assert_int_equal(tokens.reasoning, row->reasoning);
    assert_int_equal(table->latency_ms[i], row->latency_ms);
    assert_int_equal(usage_has(table, i, USAGE_HAS_TTFT), row->ttft_ms > 0);
    assert_int_equal(usage_has(table, i, USAGE_HAS_QUALITY), row->quality >= 0);
    assert_int_equal(usage_has(table, i, USAGE_HAS_USER), row->user.length > 0);
    assert_true(usage_has(table, i,
                          USAGE_HAS_INPUT | USAGE_HAS_OUTPUT | USAGE_HAS_CACHE |
                              USAGE_HAS_PROMPT_HASH | USAGE_HAS_STATUS | USAGE_HAS_REQUEST_ID |
                              USAGE_HAS_MAX_OUTPUT | USAGE_HAS_TIER));
    assert_int_equal(usage_has(table, i, USAGE_HAS_BLOCKS), row->run_count > 0);
    /* The importer may join runs that touch; the blocks stay the same in the same order. */
    uint64_t blocks = 0;
    for (uint32_t k = 0; row->run_count > 0 && k < table->run_count[i]; k++) {
        blocks += table->runs[table->run_begin[i] + k].length;
    }
    assert_int_equal(blocks, row_blocks(row));
    if (row->run_count > 0) {
        assert_int_equal(table->block_size[i], SYNTHESIZE_BLOCK_TOKENS);
        assert_int_equal(table->runs[table->run_begin[i]].start, row->run_start[0]);
    }
}

static void test_importer_understands_every_line_and_field(void **state)
{
    struct synthesize_options options = small_options(6);
    struct usage_import *import;
    struct usage_table table;
    struct sample sample;

    (void)state;
    sample_make(&options, &sample);
    usage_table_init(&table);
    import_lines(buf_str(&sample.lines), &table, &import);
    const struct import_report *report = usage_import_report(import);
    assert_int_equal(report->format, IMPORT_JSONL);
    assert_string_equal(report->convention, "disjoint");
    assert_int_equal(report->rows_accepted, sample.count);
    assert_int_equal(report->rows_rejected, 0);
    assert_int_equal(report->rows_merged, 0);
    assert_int_equal(report->unused_count, 0);
    for (size_t i = 0; i < report->note_count; i++) {
        print_message("note: %.*s\n", STR_ARGS(report->notes[i]));
    }
    assert_int_equal(table.count, sample.count);
    for (size_t i = 0; i < table.count; i++) {
        check_table_row(&table, i, &sample.rows[i]);
    }
    usage_import_free(import);
    usage_table_done(&table);
    sample_done(&sample);
}

static void test_two_samples_import_side_by_side(void **state)
{
    struct synthesize_options options = small_options(6);
    struct usage_import *import;
    struct usage_table table;
    struct sample one;
    struct sample other;

    (void)state;
    sample_make(&options, &one);
    options.seed = 7;
    sample_make(&options, &other);
    usage_table_init(&table);
    import_lines(buf_str(&one.lines), &table, &import);
    usage_import_free(import);
    import_lines(buf_str(&other.lines), &table, &import);
    usage_import_free(import);
    assert_int_equal(table.count, one.count + other.count);
    import_lines(buf_str(&one.lines), &table, &import);
    assert_int_equal(usage_import_report(import)->rows_merged, one.count);
    usage_import_free(import);
    assert_int_equal(table.count, one.count + other.count);
    usage_table_done(&table);
    sample_done(&one);
    sample_done(&other);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_importer_understands_every_line_and_field),
    cmocka_unit_test(test_two_samples_import_side_by_side),
};

UNIT_MAIN(tests)
