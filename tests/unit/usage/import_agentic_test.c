/*
 * Agentic traces: one record a request, sub-agents with their own cache scope and their own clock,
 * plain lists and runs alike, and the totals as an oracle.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import_fixture.h"

#define TRACE                                                                                      \
    "{\"id\":\"c1\",\"block_size\":64,\"requests\":["                                              \
    "{\"t\":0.0,\"type\":\"n\",\"model\":\"m1\",\"in\":200,\"out\":5,\"hash_ids\":[[1,3]],"        \
    "\"stop\":\"tool_use\",\"api_time\":7.345},"                                                   \
    "{\"t\":10.5,\"type\":\"subagent\",\"agent_id\":\"a1\",\"subagent_type\":\"Explore\","         \
    "\"requests\":[{\"t\":2.0,\"type\":\"s\",\"model\":\"m2\",\"in\":70,\"out\":1,"                \
    "\"hash_ids\":[1,2],\"stop\":\"\",\"ttft\":0.5}]},"                                            \
    "{\"t\":11.0,\"type\":\"subagent\",\"agent_id\":\"a1\",\"subagent_type\":\"Plan\","            \
    "\"requests\":[{\"t\":0,\"type\":\"n\",\"model\":\"m2\",\"in\":70,\"out\":1,\"hash_ids\":[]}]" \
    "},"                                                                                           \
    "{\"t\":20.0,\"type\":\"s\",\"model\":\"m1\",\"in\":300,\"out\":6,\"hash_ids\":[1,2,3,7,8]}]," \
    "\"totals\":{\"combined_tokens\":{\"input\":640,\"output\":13}}}"

static void test_import_agentic_gives_one_record_a_request(void **state)
{
    struct imported i;

    (void)state;
    import_text(&i, STR(TRACE "\n"), 0, NULL);
    assert_int_equal(i.code, OK);
    assert_int_equal(i.table.count, 4);
    assert_int_equal(i.table.time_us[1], 12500000); /* 10.5 of the sub-agent and 2 of its own */
    assert_int_equal(i.table.latency_ms[0], 7345);
    assert_int_equal(i.table.ttft_ms[1], 500);
    assert_false(usage_is_streamed(&i.table, 0));
    assert_true(usage_is_streamed(&i.table, 1));
    assert_str(usage_id_text(&i.table, USAGE_SESSION, 1), "c1");
    assert_str(usage_id_text(&i.table, USAGE_CACHE_SCOPE, 0), "c1");
    assert_str(usage_id_text(&i.table, USAGE_CACHE_SCOPE, 1), "c1/a1#1");
    assert_str(usage_id_text(&i.table, USAGE_CACHE_SCOPE, 2), "c1/a1#2");
    assert_str(usage_name_text(&i.table, USAGE_AGENT, 0), "");
    assert_str(usage_name_text(&i.table, USAGE_AGENT, 1), "Explore");
    assert_str(usage_name_text(&i.table, USAGE_STOP_REASON, 0), "tool_use");
    assert_int_equal(i.table.run_count[3], 2);
    assert_int_equal(i.table.runs[i.table.run_begin[3]].length, 3);
    assert_int_equal(i.table.block_size[3], 64);
    assert_false(usage_has(&i.table, 0, USAGE_HAS_CACHE));
    assert_false(has_note(&i, "totals"));
    imported_done(&i);
}

static void test_import_agentic_reads_documents_and_pieces(void **state)
{
    struct imported lines;
    struct imported document;

    (void)state;
    import_text(&lines, STR(TRACE), 0, NULL);
    import_text(&document,
                STR("{\n \"block_size\": 64,\n \"id\": \"c1\",\n" /* as TRACE */
                    " \"requests\": [{\"t\": 0, \"type\": \"n\", \"model\": \"m1\",\n"
                    " \"in\": 200, \"out\": 5, \"hash_ids\": [1,2,3],\n"
                    " \"stop\": \"tool_use\", \"api_time\": 7.345}]\n}"),
                1, NULL);
    assert_int_equal(document.code, OK);
    assert_int_equal(document.table.count, 1);
    assert_same_row(&document.table, 0, &lines.table, 0);
    imported_done(&document);
    imported_done(&lines);
    assert_pieces_do_not_matter(STR(TRACE "\n" TRACE "\n{\"id\":3}\nbad\n" TRACE), NULL);
}

static void test_import_agentic_checks_totals_against_sums(void **state)
{
    struct imported i;

    (void)state;
    import_text(&i,
                STR("{\"id\":\"c9\",\"requests\":[{\"t\":0,\"in\":1,\"out\":2}],"
                    "\"totals\":{\"combined_tokens\":{\"input\":1,\"output\":3}}}\n"),
                0, NULL);
    assert_true(has_note(&i, "1 of 1 conversations"));
    assert_true(has_note(&i, "c9: output 3 said, 2 summed"));
    imported_done(&i);
}

static void test_import_agentic_rejects_bad_requests(void **state)
{
    struct imported i;

    (void)state;
    import_text(&i,
                STR("{\"id\":\"c\",\"requests\":[{\"t\":0,\"in\":1,\"out\":2},"
                    "{\"t\":0,\"in\":-1,\"out\":2},{\"in\":1,\"out\":2},"
                    "{\"t\":0,\"in\":1,\"out\":2,\"hash_ids\":[[4,0]]},"
                    "{\"t\":0,\"in\":1,\"out\":2,\"hash_ids\":[[4294967295,2]]},"
                    "{\"t\":\"x\",\"in\":1,\"out\":2},7,"
                    "{\"t\":0,\"in\":1,\"out\":2,\"hash_ids\":[[4294967295,1]]}]}\n"),
                0, NULL);
    assert_int_equal(i.report->rows_read, 8);
    assert_int_equal(i.table.count, 2);
    assert_int_equal(i.report->rejects[0].row, 2);
    assert_non_null(strstr(i.report->rejects[0].reason, "not a count of tokens"));
    assert_non_null(strstr(i.report->rejects[1].reason, "t is not a number"));
    assert_non_null(strstr(i.report->rejects[2].reason, "hash_ids"));
    assert_int_equal(i.table.source_row[1], 8);
    imported_done(&i);
}

static void test_import_agentic_takes_constants_but_no_columns(void **state)
{
    struct imported i;

    (void)state;
    import_text(&i, STR(TRACE), 0, (const char *const[]){"feature=coding", "model=x", NULL});
    assert_str(usage_name_text(&i.table, USAGE_FEATURE, 2), "coding");
    assert_str(usage_name_text(&i.table, USAGE_MODEL, 2), "x");
    imported_done(&i);
    import_text(&i, STR(TRACE), 0, (const char *const[]){"latency_ms=api_time", NULL});
    assert_int_equal(i.code, ERR_USAGE);
    imported_done(&i);
}

static void test_import_agentic_bounds_nesting(void **state)
{
    struct imported i;
    struct buf text;

    (void)state;
    buf_init(&text, 65536);
    buf_append(&text, STR("{\"id\":\"c\",\"requests\":["));
    for (int n = 0; n < 20; n++) {
        buf_append(&text, STR("{\"t\":1,\"requests\":["));
    }
    for (int n = 0; n < 20; n++) {
        buf_append(&text, STR("]}"));
    }
    buf_append(&text, STR("]}\n"));
    import_text(&i, buf_str(&text), 0, NULL);
    assert_int_equal(i.code, ERR_NO_RECORDS);
    assert_int_equal(i.report->rows_rejected, 1);
    assert_non_null(strstr(i.report->rejects[0].reason, "nested too deep"));
    imported_done(&i);
    buf_done(&text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_import_agentic_gives_one_record_a_request),
    cmocka_unit_test(test_import_agentic_reads_documents_and_pieces),
    cmocka_unit_test(test_import_agentic_checks_totals_against_sums),
    cmocka_unit_test(test_import_agentic_rejects_bad_requests),
    cmocka_unit_test(test_import_agentic_takes_constants_but_no_columns),
    cmocka_unit_test(test_import_agentic_bounds_nesting),
};

UNIT_MAIN(tests)
