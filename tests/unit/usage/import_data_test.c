/*
 * Public traces give the row counts and sums that are known for them. They are not part of this
 * repository: the environment variable NETRA_TEST_DATA names the folder that has them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import_fixture.h"

#include <dirent.h>

static const char *data_folder(void)
{
    const char *folder = getenv("NETRA_TEST_DATA");

    if (!folder || !*folder) {
        print_message("NETRA_TEST_DATA is not set: the public traces are not read\n");
        skip();
    }
    return folder;
}

struct sums {
    uint64_t input;
    uint64_t output;
    uint64_t blocks;
};

static struct sums sums_of(const struct usage_table *table)
{
    struct sums sums = {0};

    for (size_t row = 0; row < table->count; row++) {
        struct usage_tokens tokens = usage_tokens_of(table, row);

        sums.input += usage_input_total(&tokens);
        sums.output += tokens.output;
    }
    for (size_t i = 0; i < table->runs_count; i++) {
        sums.blocks += table->runs[i].length;
    }
    return sums;
}

static void import_file(struct imported *i, const char *name, const char *const *maps)
{
    struct buf bytes;

    read_test_file(data_folder(), name, &bytes);
    import_text(i, buf_str(&bytes), 65536, maps);
    buf_done(&bytes);
    assert_int_equal(i->code, OK);
    assert_int_equal(i->report->rows_rejected, 0);
}

static void test_import_reads_the_azure_traces(void **state)
{
    static const char *const maps[] = {"model=gpt-4o", NULL};
    struct imported i;

    (void)state;
    import_file(&i, "azure/AzureLLMInferenceTrace_code.csv", maps);
    assert_int_equal(i.report->rows_accepted, 8819);
    assert_int_equal(sums_of(&i.table).input, 18059974);
    assert_int_equal(sums_of(&i.table).output, 245896);
    assert_str(usage_name_text(&i.table, USAGE_MODEL, 8818), "gpt-4o");
    assert_int_equal(i.table.time_us[0], INT64_C(1700158623979960)); /* 2023-11-16 18:17:03.97996 */
    assert_true(i.table.is_sorted);
    imported_done(&i);

    import_file(&i, "azure/AzureLLMInferenceTrace_conv.csv", NULL);
    assert_int_equal(i.report->rows_accepted, 19366);
    assert_int_equal(sums_of(&i.table).input, 22361870);
    assert_int_equal(sums_of(&i.table).output, 4088665);
    assert_true(has_note(&i, "--map model="));
    imported_done(&i);
}

static void test_import_reads_the_mooncake_trace(void **state)
{
    struct imported i;

    (void)state;
    import_file(&i, "mooncake/conversation_trace.jsonl", NULL);
    assert_int_equal(i.report->rows_accepted, 12031);
    assert_int_equal(sums_of(&i.table).blocks, 288500);
    assert_int_equal(i.table.block_size[0], 512);
    assert_int_equal(i.table.time_us[12030], INT64_C(3536999000)); /* milliseconds in the file */
    assert_int_equal(i.table.id_dicts[USAGE_CACHE_SCOPE].count, 2);
    imported_done(&i);
}

static void test_import_reads_the_agentic_trace(void **state)
{
    struct imported i;

    (void)state;
    import_file(&i, "agentic/agentic_coding_rle.jsonl.gz", NULL);
    assert_true(i.report->is_gzip);
    assert_string_equal(i.report->format_name, "agentic trace");
    assert_int_equal(i.report->rows_accepted, 49334);
    assert_int_equal(i.table.id_dicts[USAGE_SESSION].count, 711);          /* and "" */
    assert_int_equal(i.table.id_dicts[USAGE_CACHE_SCOPE].count, 711 + 63); /* sub-agents */
    assert_int_equal(sums_of(&i.table).input, UINT64_C(6037445403));
    assert_int_equal(sums_of(&i.table).output, 21709920);
    assert_int_equal(sums_of(&i.table).blocks, 94310647);
    assert_false(has_note(&i, "totals"));
    assert_false(i.table.any_present & USAGE_HAS_CACHE);
    imported_done(&i);
}

static size_t first_row_of_session(const struct usage_table *table, struct str session)
{
    uint32_t id = dict_find(&table->id_dicts[USAGE_SESSION], session);
    size_t row = 0;

    while (row < table->count && table->ids[USAGE_SESSION][row] != id) {
        row++;
    }
    return row;
}

/* The 40 conversations in the original form, with plain lists of blocks, all into one table. */
static void test_import_reads_plain_lists_as_it_reads_runs(void **state)
{
    char folder[1024];
    struct dirent **names;
    struct imported runs;
    struct imported plain;

    (void)state;
    import_file(&runs, "agentic/agentic_coding_rle.jsonl.gz", NULL);
    (void)snprintf(folder, sizeof(folder), "%s/agentic/original_sample", data_folder());
    int count = scandir(folder, &names, NULL, alphasort);
    assert_true(count >= 40);
    usage_table_init(&plain.table);
    for (int n = 0; n < count; n++) {
        struct buf bytes;

        if (names[n]->d_name[0] != '.') {
            read_test_file(folder, names[n]->d_name, &bytes);
            import_into(&plain, names[n]->d_name, buf_str(&bytes), 1000, NULL);
            assert_int_equal(plain.code, OK);
            usage_import_free(plain.import);
            buf_done(&bytes);
        }
        free(names[n]);
    }
    free(names);
    assert_true(plain.table.count > 40);
    for (size_t row = 0; row < plain.table.count;) {
        struct str session = usage_id_text(&plain.table, USAGE_SESSION, row);
        size_t other = first_row_of_session(&runs.table, session);

        for (; row < plain.table.count &&
               str_equal(usage_id_text(&plain.table, USAGE_SESSION, row), session);
             row++, other++) {
            assert_in_range(other, 0, runs.table.count - 1);
            assert_same_row(&plain.table, row, &runs.table, other);
        }
    }
    usage_table_done(&plain.table);
    imported_done(&runs);
}

static void test_import_reads_paired_outcomes(void **state)
{
    uint64_t correct[2] = {0, 0};
    struct imported i;

    (void)state;
    import_file(&i, "routing/mmlu_pairs.csv", NULL);
    assert_int_equal(i.table.count, 2 * 14037);
    assert_true(has_note(&i, "5 contaminated rows"));
    for (size_t row = 0; row < i.table.count; row++) {
        correct[row % 2] += i.table.quality[row] == 1.0f;
        assert_int_equal(i.table.prompt_hash[row], i.table.prompt_hash[row & ~(size_t)1]);
    }
    assert_int_equal(correct[0], 8816 + 742);  /* both, and only the weak one */
    assert_int_equal(correct[1], 8816 + 2496); /* both, and only the strong one */
    imported_done(&i);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_import_reads_the_azure_traces),
    cmocka_unit_test(test_import_reads_the_mooncake_trace),
    cmocka_unit_test(test_import_reads_the_agentic_trace),
    cmocka_unit_test(test_import_reads_plain_lists_as_it_reads_runs),
    cmocka_unit_test(test_import_reads_paired_outcomes),
};

UNIT_MAIN(tests)
