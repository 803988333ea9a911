/*
 * CSV exports become records: headers in many spellings, --map, times, words, and rows that are
 * wrong are rejected with row and reason while the others are read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import_fixture.h"

static struct imported import_csv_text(const char *text, const char *const *maps)
{
    struct imported i;

    import_text(&i, str_from(text), 0, maps);
    return i;
}

static void assert_time(const char *cell, int64_t expected_us)
{
    struct imported i;
    struct buf text;

    buf_init(&text, 1024);
    buf_printf(&text, "in,time\n1,%s\n", cell);
    import_text(&i, buf_str(&text), 0, NULL);
    if (i.code || i.table.time_us[0] != expected_us) {
        fail_msg("%s gives %lld: %s", cell, i.code ? 0LL : (long long)i.table.time_us[0],
                 i.error.message);
    }
    imported_done(&i);
    buf_done(&text);
}

static void test_import_csv_recognises_headers_in_many_spellings(void **state)
{
    struct imported i =
        import_csv_text("\xef\xbb\xbf\"Created At\",Prompt Tokens,COMPLETION_TOKENS,"
                        "Model Name,Latency (ms),userId,weird\r\n"
                        "2026-08-21T07:00:00Z,10,3,gpt-4o,120,u1,?\r\n",
                        NULL);

    (void)state;
    assert_int_equal(i.code, OK);
    assert_int_equal(i.report->format, IMPORT_CSV);
    assert_int_equal(i.table.count, 1);
    assert_int_equal(i.table.input_uncached[0], 10);
    assert_int_equal(i.table.output[0], 3);
    assert_int_equal(i.table.latency_ms[0], 120);
    assert_str(usage_name_text(&i.table, USAGE_MODEL, 0), "gpt-4o");
    assert_str(usage_id_text(&i.table, USAGE_USER, 0), "u1");
    assert_str(usage_name_text(&i.table, USAGE_SOURCE, 0), "test");
    assert_int_equal(i.report->column_count, 6);
    assert_str(i.report->columns[0].field, "time");
    assert_str(i.report->columns[0].column, "Created At");
    assert_int_equal(i.report->unused_count, 1);
    assert_str(i.report->unused[0], "weird");
    imported_done(&i);
}

static void test_import_csv_reads_an_openrouter_export(void **state)
{
    struct imported i = import_csv_text(
        "generation_id,created_at,cost_total,tokens_prompt,tokens_completion,tokens_reasoning,"
        "tokens_cached,model_permaslug,provider_name,cancelled,streamed,user,"
        "finish_reason_normalized,generation_time_ms,time_to_first_token_ms,app_name\n"
        "gen-1,2026-08-21 07:00:01,0.00125,100,20,5,60,openai/gpt-4o,OpenAI,false,true,ann,stop,"
        "900,300,chat\n"
        "gen-2,2026-08-21 07:00:02,0,100,0,0,0,openai/gpt-4o,OpenAI,true,true,ann,,10,,chat\n",
        NULL);

    (void)state;
    assert_int_equal(i.code, OK);
    assert_int_equal(i.table.count, 2);
    assert_int_equal(i.table.recorded_cost_pico_usd[0], 1250000000);
    assert_int_equal(i.table.cache_read[0], 60);
    assert_int_equal(i.table.ttft_ms[0], 300);
    assert_true(usage_is_streamed(&i.table, 0));
    assert_int_equal(usage_status_of(&i.table, 1), USAGE_CANCELLED);
    assert_false(usage_has(&i.table, 1, USAGE_HAS_TTFT));
    assert_str(usage_name_text(&i.table, USAGE_FEATURE, 0), "chat");
    assert_str(usage_name_text(&i.table, USAGE_STOP_REASON, 0), "stop");
    imported_done(&i);
}

static void test_import_csv_takes_latency_from_times(void **state)
{
    struct imported i = import_csv_text(
        "request_id,startTime,endTime,completionStartTime,model,prompt_tokens,completion_tokens,"
        "spend,status\n"
        "r1,2026-08-21T07:00:00.000Z,2026-08-21T07:00:01.500Z,2026-08-21T07:00:00.250Z,m,1,2,"
        "1.5e-6,success\n",
        NULL);

    (void)state;
    assert_int_equal(i.code, OK);
    assert_int_equal(i.table.latency_ms[0], 1500);
    assert_int_equal(i.table.ttft_ms[0], 250);
    assert_int_equal(i.table.recorded_cost_pico_usd[0], 1500000);
    assert_int_equal(usage_status_of(&i.table, 0), USAGE_OK);
    assert_true(usage_has(&i.table, 0, USAGE_HAS_STATUS | USAGE_HAS_REQUEST_ID));
    imported_done(&i);
}

static void test_import_csv_reads_times_of_every_kind(void **state)
{
    static const int64_t us = INT64_C(1700158623979960);

    (void)state;
    assert_time("2023-11-16 18:17:03.9799600", us);
    assert_time("2023-11-16T18:17:03.97996Z", us);
    assert_time("2023-11-16T20:17:03.97996+02:00", us);
    assert_time("1700158623", us / 1000000 * 1000000);
    assert_time("1700158623.97996", us);
    assert_time("1700158623979", us / 1000 * 1000);
    assert_time("1700158623979960", us);
    assert_time("1700158623979960123", us);
    assert_time("1.7e9", INT64_C(1700000000000000));
    assert_time("2023-11-16", INT64_C(1700092800000000));
    assert_time("12.5", 12500000); /* relative: seconds */
}

static void test_import_csv_keeps_relative_times_relative(void **state)
{
    struct imported i = import_csv_text("timestamp,in\n0,1\n200000000,2\n", NULL);

    (void)state;
    assert_int_equal(i.table.time_us[1], INT64_C(200000000000000));
    assert_true(has_note(&i, "Times are relative: they were read as seconds"));
    imported_done(&i);
    i = import_csv_text("timestamp,in\n0,1\n1700000000000,2\n", NULL);
    assert_int_equal(i.table.time_us[1], INT64_C(1700000000000000)); /* a 0 alone proves nothing */
    assert_false(has_note(&i, "relative"));
    imported_done(&i);
    i = import_csv_text("when,in\n1500,1\n", (const char *const[]){"time_ms=when", NULL});
    assert_int_equal(i.table.time_us[0], 1500000);
    assert_true(has_note(&i, "milliseconds"));
    imported_done(&i);
}

static void test_import_csv_maps_columns_and_constants(void **state)
{
    static const char *const maps[] = {"input_tokens=a",
                                       "output_tokens=b",
                                       "model=gpt-4o",
                                       "feature=product",
                                       "service_tier=batch",
                                       "latency_s=c",
                                       NULL};
    struct imported i = import_csv_text("a,b,c,product,model\n7,8,0.25,search,other\n", maps);

    (void)state;
    assert_int_equal(i.code, OK);
    assert_int_equal(i.table.input_uncached[0], 7);
    assert_int_equal(i.table.output[0], 8);
    assert_int_equal(i.table.latency_ms[0], 250);
    assert_str(usage_name_text(&i.table, USAGE_MODEL, 0), "gpt-4o");
    assert_str(usage_name_text(&i.table, USAGE_FEATURE, 0), "search");
    assert_int_equal(usage_tier_of(&i.table, 0), USAGE_BATCH);
    assert_true(i.report->columns[0].is_constant);
    assert_str(i.report->columns[0].field, "model");
    imported_done(&i);
}

static void test_import_csv_refuses_maps_that_cannot_be(void **state)
{
    static const struct {
        const char *map;
        const char *message;
    } cases[] = {
        {"colour=a", "no such field"},
        {"input_tokens=100", "no such column among a, b"},
        {"latency_ms=x", "no such column among a, b"},
        {"service_tier=gold", "it can be standard, batch, flex or priority"},
        {"status=meh", "it can be ok, error or cancelled"},
    };

    (void)state;
    for (size_t n = 0; n < ARRAY_LENGTH(cases); n++) {
        const char *maps[] = {cases[n].map, NULL};
        struct imported i = import_csv_text("a,b\n1,2\n", maps);

        assert_int_equal(i.code, ERR_USAGE);
        assert_non_null(strstr(i.error.message, cases[n].message));
        imported_done(&i);
    }
    struct imported i = import_csv_text(
        "a,b\n1,2\n", (const char *const[]){"input_tokens=a", "input_tokens=b", NULL});
    assert_int_equal(i.code, ERR_USAGE);
    imported_done(&i);
}

static void test_import_csv_rejects_bad_rows_and_reads_the_rest(void **state)
{
    struct imported i = import_csv_text("time,model,in,out\n"
                                        "2026-08-21T07:00:00Z,m,-5,1\n"
                                        "2026-08-21T07:00:00Z,m,1.5,1\n"
                                        "2026-08-21T07:00:00Z,m,10.0,1\n"
                                        "yesterday,m,10,1\n"
                                        ",m,10,1\n"
                                        "2026-08-21T07:00:00Z,m,99999999999,1\n"
                                        "2026-08-21T07:00:00Z,m,1\n"
                                        "2026-08-21T07:00:00Z,m,1,2,3\n"
                                        "2026-08-21T07:00:00Z,m,1,2,\n"
                                        "2026-08-21T07:00:00Z,m,,\n"
                                        "2026-08-21T07:00:00Z,m,many,1\n",
                                        NULL);
    static const struct {
        uint64_t row;
        const char *reason;
    } expected[] = {
        {2, "input_tokens is '-5', not a count of tokens"},
        {3, "input_tokens is '1.5', not a count of tokens"},
        {5, "time is 'yesterday', not a time"},
        {6, "the time is empty"},
        {7, "input_tokens is '99999999999', above the limit"},
        {8, "3 cells, the header has 4 columns"},
        {9, "5 cells, the header has 4 columns"},
        {11, "no token count in this row"},
        {12, "input_tokens is 'many', not a count of tokens"},
    };

    (void)state;
    assert_int_equal(i.code, OK);
    assert_int_equal(i.report->rows_read, 11);
    assert_int_equal(i.report->rows_accepted, 2);
    assert_int_equal(i.report->rows_rejected, ARRAY_LENGTH(expected));
    for (size_t n = 0; n < ARRAY_LENGTH(expected); n++) {
        assert_int_equal(i.report->rejects[n].row, expected[n].row);
        assert_non_null(strstr(i.report->rejects[n].reason, expected[n].reason));
    }
    imported_done(&i);
}

static void test_import_csv_accepts_failed_calls_without_tokens(void **state)
{
    struct imported i = import_csv_text(
        "in,out,status,error_type\n,,error,timeout\n0,0,503,\n,,ok,\n,,,rate\n", NULL);

    (void)state;
    assert_int_equal(i.table.count, 3);
    assert_int_equal(i.report->rows_rejected, 1);
    assert_int_equal(usage_status_of(&i.table, 0), USAGE_ERROR);
    assert_false(usage_has(&i.table, 0, USAGE_HAS_INPUT));
    assert_int_equal(usage_status_of(&i.table, 1), USAGE_ERROR);
    assert_true(usage_has(&i.table, 1, USAGE_HAS_INPUT));
    assert_str(usage_name_text(&i.table, USAGE_ERROR_TYPE, 2), "rate");
    imported_done(&i);
}

static void test_import_csv_leaves_out_what_it_cannot_read(void **state)
{
    struct imported i = import_csv_text("in,latency_ms,quality,cost,streamed\n"
                                        "1,soon,7,free,maybe\n1,5,0.5,$0.01,yes\n",
                                        NULL);

    (void)state;
    assert_int_equal(i.table.count, 2);
    assert_int_equal(i.table.present[0], USAGE_HAS_INPUT);
    assert_true(has_note(&i, "latency_ms could not be read in 1 rows, the first is 2"));
    assert_true(has_note(&i, "quality could not be read"));
    assert_true(has_note(&i, "recorded_cost could not be read"));
    assert_int_equal(i.table.recorded_cost_pico_usd[1], INT64_C(10000000000));
    assert_true(usage_is_streamed(&i.table, 1));
    imported_done(&i);
}

static void test_import_csv_says_that_rows_are_sums(void **state)
{
    struct imported i =
        import_csv_text("date,model,prompt_tokens,api_requests\n2026-08-21,m,5,17\n", NULL);

    (void)state;
    assert_int_equal(i.code, OK);
    assert_true(has_note(&i, "api_requests says that a row sums up several calls"));
    imported_done(&i);
}

/* A cache key is no hash of a prompt: LiteLLM writes "Cache OFF" into every row. */
static void test_import_csv_does_not_take_cache_keys_for_prompts(void **state)
{
    struct imported i = import_csv_text("in,cache_key\n5,Cache OFF\n", NULL);

    (void)state;
    assert_false(usage_has(&i.table, 0, USAGE_HAS_PROMPT_HASH));
    imported_done(&i);
}

static void test_import_csv_says_which_unit_it_took(void **state)
{
    struct imported i = import_csv_text("in,latency,ttft\n1,1.25,200\n2,3,0.5\n", NULL);

    (void)state;
    assert_int_equal(i.table.latency_ms[0], 1250);
    assert_int_equal(i.table.latency_ms[1], 3000);
    assert_int_equal(i.table.ttft_ms[0], 200);
    assert_int_equal(i.table.ttft_ms[1], 1); /* half a millisecond, rounded */
    assert_true(has_note(&i, "column of latency does not say its unit: it was read as seconds"));
    assert_true(has_note(&i, "column of ttft does not say its unit: it was read as milliseconds"));
    imported_done(&i);
}

static void test_import_csv_merges_the_same_request(void **state)
{
    struct imported i =
        import_csv_text("id,in,out\nresp_a,1,1\nresp_b,1,1\nresp_a,1,9\n7,1,1\n", NULL);

    (void)state;
    assert_int_equal(i.report->rows_accepted, 3);
    assert_int_equal(i.report->rows_merged, 1);
    assert_int_equal(i.table.output[0], 9);
    usage_import_free(i.import);
    /* a row number of another file is another request, a provider's id is the same */
    import_into(&i, "other", STR("id,in,out\nresp_b,1,5\n7,1,1\n"), 0, NULL);
    assert_int_equal(i.report->rows_accepted, 1);
    assert_int_equal(i.report->rows_merged, 1);
    imported_done(&i);
}

static void test_import_csv_reads_blocks_in_a_cell(void **state)
{
    struct imported i = import_csv_text(
        "in,hash_ids,block_size\n900,\"[4, 5, 6, 9]\",256\n900,1 2,256\n900,[],256\n9,x,256\n",
        NULL);

    (void)state;
    assert_int_equal(i.table.count, 3);
    assert_int_equal(i.table.run_count[0], 2);
    assert_int_equal(i.table.runs[0].start, 4);
    assert_int_equal(i.table.runs[0].length, 3);
    assert_int_equal(i.table.block_size[0], 256);
    assert_int_equal(i.table.run_count[2], 0);
    assert_non_null(strstr(i.report->rejects[0].reason, "not a list of block ids"));
    imported_done(&i);
}

static void test_import_csv_makes_two_records_of_a_pair(void **state)
{
    struct imported i =
        import_csv_text("dataset,domain,row,weak_correct,strong_correct,contaminated"
                        "\nd,law,3,0,1,0\nd,law,4,1,1,1\nd,art,3,0.5,true,0\n"
                        "d,art,4,x,1,0\n",
                        NULL);

    (void)state;
    assert_int_equal(i.code, OK);
    assert_int_equal(i.table.count, 4);
    assert_int_equal(i.report->rows_rejected, 1);
    assert_str(usage_name_text(&i.table, USAGE_MODEL, 0), "weak");
    assert_str(usage_name_text(&i.table, USAGE_MODEL, 1), "strong");
    assert_str(usage_name_text(&i.table, USAGE_FEATURE, 0), "law");
    assert_true(i.table.quality[0] == 0.0f && i.table.quality[1] == 1.0f);
    assert_true(i.table.quality[2] == 0.5f && i.table.quality[3] == 1.0f);
    assert_int_equal(i.table.prompt_hash[0], i.table.prompt_hash[1]);
    assert_true(i.table.prompt_hash[0] != i.table.prompt_hash[2]); /* row 3 of another domain */
    assert_false(usage_has(&i.table, 0, USAGE_HAS_INPUT));
    assert_true(has_note(&i, "1 contaminated rows"));
    imported_done(&i);
}

static void test_import_csv_reads_other_delimiters(void **state)
{
    struct imported i = import_csv_text("in;out\n1;2\n", NULL);

    (void)state;
    assert_int_equal(i.table.output[0], 2);
    imported_done(&i);
    i = import_csv_text("in\tout\n1\t2\n", NULL);
    assert_int_equal(i.table.output[0], 2);
    imported_done(&i);
}

static void test_import_csv_does_not_depend_on_pieces(void **state)
{
    (void)state;
    assert_pieces_do_not_matter(STR("\xef\xbb\xbftime,model,in,out,hash_ids\r\n"
                                    "2026-08-21T07:00:00Z,\"m \"\"x\"\"\",5,6,\"[1,2,3]\"\r\n"
                                    "2026-08-21 07:00:01.5,\"a\nb\",7,8,\r\nbroken\r\n"
                                    "2026-08-21 07:00:02,m,\"9\",10,\"[1,\r\n2]\"\r\nlast,m"),
                                NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_import_csv_recognises_headers_in_many_spellings),
    cmocka_unit_test(test_import_csv_reads_an_openrouter_export),
    cmocka_unit_test(test_import_csv_takes_latency_from_times),
    cmocka_unit_test(test_import_csv_reads_times_of_every_kind),
    cmocka_unit_test(test_import_csv_keeps_relative_times_relative),
    cmocka_unit_test(test_import_csv_maps_columns_and_constants),
    cmocka_unit_test(test_import_csv_refuses_maps_that_cannot_be),
    cmocka_unit_test(test_import_csv_rejects_bad_rows_and_reads_the_rest),
    cmocka_unit_test(test_import_csv_accepts_failed_calls_without_tokens),
    cmocka_unit_test(test_import_csv_leaves_out_what_it_cannot_read),
    cmocka_unit_test(test_import_csv_says_that_rows_are_sums),
    cmocka_unit_test(test_import_csv_does_not_take_cache_keys_for_prompts),
    cmocka_unit_test(test_import_csv_says_which_unit_it_took),
    cmocka_unit_test(test_import_csv_merges_the_same_request),
    cmocka_unit_test(test_import_csv_reads_blocks_in_a_cell),
    cmocka_unit_test(test_import_csv_makes_two_records_of_a_pair),
    cmocka_unit_test(test_import_csv_reads_other_delimiters),
    cmocka_unit_test(test_import_csv_does_not_depend_on_pieces),
};

UNIT_MAIN(tests)
