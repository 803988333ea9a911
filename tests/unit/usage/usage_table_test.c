/*
 * The columns keep what was appended, absent stays absent, the same request twice is one row, and
 * sorting carries everything along.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "usage/usage_table.h"

static struct usage_record record_at(int64_t time_us, const char *model, uint64_t input)
{
    return (struct usage_record){
        .present = USAGE_HAS_TIME | USAGE_HAS_INPUT | USAGE_HAS_OUTPUT,
        .time_us = time_us,
        .names[USAGE_MODEL] = str_from(model),
        .input_uncached = input,
        .output = 5,
    };
}

static void test_usage_table_keeps_absent_apart_from_zero(void **state)
{
    struct usage_table table;
    struct usage_record record = record_at(10, "m", 100);

    (void)state;
    usage_table_init(&table);
    assert_int_equal(usage_table_append(&table, &record, 1, NULL), OK);
    record.present |= USAGE_HAS_LATENCY;
    record.latency_ms = 0;
    record.ids[USAGE_SESSION] = STR("s1");
    assert_int_equal(usage_table_append(&table, &record, 2, NULL), OK);
    assert_int_equal(table.count, 2);
    assert_false(usage_has(&table, 0, USAGE_HAS_LATENCY));
    assert_true(usage_has(&table, 1, USAGE_HAS_LATENCY));
    assert_null(table.quality);
    assert_str(usage_id_text(&table, USAGE_SESSION, 0), "");
    assert_str(usage_id_text(&table, USAGE_SESSION, 1), "s1");
    assert_str(usage_name_text(&table, USAGE_AGENT, 1), "");
    assert_str(usage_name_text(&table, USAGE_MODEL, 1), "m");
    usage_table_done(&table);
}

static void test_usage_table_merges_the_same_request_last_tokens_win(void **state)
{
    struct usage_table table;
    struct usage_record record = record_at(10, "m", 100);

    (void)state;
    usage_table_init(&table);
    record.present |= USAGE_HAS_REQUEST_ID;
    record.request_id = STR("r1");
    assert_int_equal(usage_table_append(&table, &record, 1, NULL), OK);
    record.time_us = 20;
    record.output = 159;
    assert_int_equal(usage_table_append(&table, &record, 2, NULL), OK);
    record.request_id = STR("r2");
    assert_int_equal(usage_table_append(&table, &record, 3, NULL), OK);
    assert_int_equal(table.count, 2);
    assert_int_equal(table.merged_count, 1);
    assert_int_equal(table.output[0], 159);
    assert_int_equal(table.time_us[0], 10);
    usage_table_done(&table);
}

static void test_usage_table_sorts_stably_with_blocks(void **state)
{
    static const int64_t times[] = {30, 10, 20, 10};
    struct usage_table table;

    (void)state;
    usage_table_init(&table);
    for (uint32_t i = 0; i < 4; i++) {
        struct usage_record record = record_at(times[i], "m", i);
        struct block_run run = {i * 100, i + 1};

        record.present |= USAGE_HAS_BLOCKS;
        record.block_size = 64;
        record.runs = &run;
        record.run_count = 1;
        assert_int_equal(usage_table_append(&table, &record, i + 1, NULL), OK);
    }
    assert_false(table.is_sorted);
    assert_int_equal(usage_table_sort(&table), OK);
    static const uint32_t order[] = {1, 3, 2, 0};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(table.input_uncached[i], order[i]);
        assert_int_equal(table.source_row[i], order[i] + 1);
        assert_int_equal(table.runs[table.run_begin[i]].start, order[i] * 100);
        assert_int_equal(table.runs[table.run_begin[i]].length, order[i] + 1);
    }
    usage_table_done(&table);
}

static void test_usage_table_refuses_impossible_records(void **state)
{
    struct usage_table table;
    struct usage_record record = record_at(1, "m", UINT64_C(1) << 32);
    struct error error;

    (void)state;
    usage_table_init(&table);
    assert_int_equal(usage_table_append(&table, &record, 1, &error), ERR_INVALID);
    assert_non_null(strstr(error.message, "input_uncached is 4294967296"));
    record = record_at(1, "m", 1);
    record.reasoning = 6;
    assert_int_equal(usage_table_append(&table, &record, 1, &error), ERR_INVALID);
    record = record_at(1, "m", 1);
    record.present |= USAGE_HAS_QUALITY;
    record.quality = 1.5;
    assert_int_equal(usage_table_append(&table, &record, 1, &error), ERR_INVALID);
    assert_int_equal(table.count, 0);
    usage_table_done(&table);
}

static int fill(struct usage_table *table)
{
    struct block_run run = {1, 2};
    int code = OK;

    for (uint32_t i = 0; i < 1100 && !code; i++) {
        struct usage_record record = record_at(2000 - i, i % 2 ? "a" : "b", i);

        if (i % 100 == 99) {
            record.present |= USAGE_HAS_BLOCKS | USAGE_HAS_QUALITY | USAGE_HAS_REQUEST_ID;
            record.request_id = STR("same");
            record.quality = 1;
            record.block_size = 64;
            record.runs = &run;
            record.run_count = 1;
        }
        code = usage_table_append(table, &record, i + 1, NULL);
    }
    return code ? code : usage_table_sort(table);
}

static void test_usage_table_survives_out_of_memory_anywhere(void **state)
{
    int code = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; code != OK; nth++) {
        struct usage_table table;

        usage_table_init(&table);
        (void)alloc_fail_from(nth);
        code = fill(&table);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_in_range(nth, 1, 500);
        usage_table_done(&table);
    }
}

/* At least 35 B a row; a rare column and longer names add what they take. */
static void test_usage_table_counts_its_bytes(void **state)
{
    struct usage_table table;
    struct usage_record record = record_at(10, "m", 100);

    (void)state;
    usage_table_init(&table);
    assert_int_equal(usage_table_bytes(&table), 0);
    assert_int_equal(usage_table_append(&table, &record, 1, NULL), OK);
    size_t first = usage_table_bytes(&table);
    assert_true(first >= table.capacity * 35);
    record.present |= USAGE_HAS_LATENCY;
    record.latency_ms = 1;
    assert_int_equal(usage_table_append(&table, &record, 2, NULL), OK);
    assert_int_equal(usage_table_bytes(&table), first + table.capacity * sizeof(uint32_t));
    size_t second = usage_table_bytes(&table);
    record.names[USAGE_MODEL] = STR("a model with a name of more than sixteen bytes");
    assert_int_equal(usage_table_append(&table, &record, 3, NULL), OK);
    assert_true(usage_table_bytes(&table) > second);
    usage_table_done(&table);
    assert_int_equal(usage_table_bytes(&table), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_usage_table_counts_its_bytes),
    cmocka_unit_test(test_usage_table_keeps_absent_apart_from_zero),
    cmocka_unit_test(test_usage_table_merges_the_same_request_last_tokens_win),
    cmocka_unit_test(test_usage_table_sorts_stably_with_blocks),
    cmocka_unit_test(test_usage_table_refuses_impossible_records),
    cmocka_unit_test(test_usage_table_survives_out_of_memory_anywhere),
};

UNIT_MAIN(tests)
