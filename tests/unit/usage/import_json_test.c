/*
 * JSON lines and JSON documents become records: flat and nested members, maps by path, and every
 * way to be wrong in one line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import_fixture.h"

static struct imported import_json_text(const char *text, const char *const *maps)
{
    struct imported i;

    import_text(&i, str_from(text), 0, maps);
    return i;
}

static void test_import_jsonl_reads_nested_members(void **state)
{
    struct imported i = import_json_text(
        "{\"id\":\"chatcmpl-1\",\"created\":1700000000,\"model\":\"gpt-4o\",\"usage\":{"
        "\"prompt_tokens\":100,\"completion_tokens\":20,\"prompt_tokens_details\":{"
        "\"cached_tokens\":60},\"completion_tokens_details\":{\"reasoning_tokens\":5}},"
        "\"service_tier\":\"default\",\"choices\":[{\"message\":{\"content\":\"secret\"}}]}\n",
        NULL);

    (void)state;
    assert_int_equal(i.code, OK);
    assert_int_equal(i.report->format, IMPORT_JSONL);
    assert_int_equal(i.table.input_uncached[0], 40);
    assert_int_equal(i.table.cache_read[0], 60);
    assert_int_equal(i.table.reasoning[0], 5);
    assert_int_equal(i.table.time_us[0], INT64_C(1700000000000000));
    assert_true(usage_has(&i.table, 0, USAGE_HAS_TIER | USAGE_HAS_REQUEST_ID));
    imported_done(&i);
}

static void test_import_jsonl_reads_claude_code_logs(void **state)
{
    struct imported i = import_json_text(
        "{\"type\":\"user\",\"timestamp\":\"2026-08-21T07:00:00Z\",\"message\":{\"role\":\"user\"}}"
        "\n"
        "{\"timestamp\":\"2026-08-21T07:00:01Z\",\"sessionId\":\"s1\",\"requestId\":\"req_1\","
        "\"message\":{\"id\":\"msg_1\",\"model\":\"claude-opus-4-5\",\"usage\":{"
        "\"input_tokens\":5,\"cache_read_input_tokens\":100,\"cache_creation_input_tokens\":30,"
        "\"output_tokens\":1,\"service_tier\":\"standard\"}}}\n"
        "{\"timestamp\":\"2026-08-21T07:00:02Z\",\"sessionId\":\"s1\",\"requestId\":\"req_1\","
        "\"message\":{\"id\":\"msg_1\",\"model\":\"claude-opus-4-5\",\"usage\":{"
        "\"input_tokens\":5,\"cache_read_input_tokens\":100,\"cache_creation_input_tokens\":30,"
        "\"output_tokens\":77,\"service_tier\":\"standard\"}}}\n",
        NULL);

    (void)state;
    assert_int_equal(i.code, OK);
    assert_int_equal(i.table.count, 1);
    assert_int_equal(i.report->rows_merged, 1);
    assert_int_equal(i.report->rows_rejected, 1);
    assert_string_equal(i.report->rejects[0].reason, "no token count in this row");
    assert_int_equal(i.table.output[0], 77);
    assert_int_equal(i.table.input_uncached[0], 5);
    assert_int_equal(i.table.cache_write_5m[0], 30);
    assert_string_equal(i.report->convention, "exclusive");
    assert_str(usage_id_text(&i.table, USAGE_SESSION, 0), "s1");
    assert_str(usage_name_text(&i.table, USAGE_MODEL, 0), "claude-opus-4-5");
    imported_done(&i);
}

static void test_import_jsonl_reads_otel_attributes(void **state)
{
    struct imported i = import_json_text(
        "{\"name\":\"chat gpt-4o\",\"start_time\":\"2026-08-21T07:00:00Z\",\"attributes\":{"
        "\"gen_ai.operation.name\":\"chat\",\"gen_ai.provider.name\":\"openai\","
        "\"gen_ai.request.model\":\"gpt-4o\",\"gen_ai.response.model\":\"gpt-4o-2024-08-06\","
        "\"gen_ai.usage.input_tokens\":100,\"gen_ai.usage.cache_read.input_tokens\":80,"
        "\"gen_ai.usage.output_tokens\":7,\"gen_ai.response.finish_reasons\":[\"stop\"],"
        "\"gen_ai.response.time_to_first_chunk\":0.42,\"gen_ai.conversation.id\":\"c\"}}\n",
        NULL);

    (void)state;
    assert_int_equal(i.code, OK);
    assert_int_equal(i.table.input_uncached[0], 20);
    assert_int_equal(i.table.ttft_ms[0], 420);
    assert_str(usage_name_text(&i.table, USAGE_MODEL, 0), "gpt-4o-2024-08-06");
    assert_str(usage_name_text(&i.table, USAGE_PROVIDER, 0), "openai");
    assert_str(usage_name_text(&i.table, USAGE_STOP_REASON, 0), "stop");
    assert_str(usage_id_text(&i.table, USAGE_SESSION, 0), "c");
    imported_done(&i);
}

static void test_import_jsonl_keeps_block_hashes_of_64_bits(void **state)
{
    struct imported i =
        import_json_text("{\"in\":9,\"hash_ids\":[18446744073709551615,5,\"ab\"]}\n"
                         "{\"in\":9,\"hash_ids\":[18446744073709551615,5,7],\"block_size\":16}\n",
                         NULL);

    (void)state;
    assert_int_equal(i.table.count, 2);
    assert_int_equal(i.table.runs[0].start, 0);
    assert_int_equal(i.table.runs[0].length, 3);
    assert_int_equal(i.table.runs[1].start, 0); /* the same two blocks */
    assert_int_equal(i.table.runs[1].length, 2);
    assert_int_equal(i.table.runs[2].start, 3);
    assert_int_equal(i.table.block_size[0], 512);
    assert_int_equal(i.table.block_size[1], 16);
    assert_str(usage_id_text(&i.table, USAGE_CACHE_SCOPE, 0), "test");
    imported_done(&i);
}

static void test_import_jsonl_maps_paths_and_constants(void **state)
{
    static const char *const maps[] = {"input_tokens=u.a", "model=x", "feature=tags.area", NULL};
    struct imported i =
        import_json_text("{\"u\":{\"a\":4},\"out\":1,\"tags\":{\"area\":\"support\"}}\n", maps);

    (void)state;
    assert_int_equal(i.code, OK);
    assert_int_equal(i.table.input_uncached[0], 4);
    assert_str(usage_name_text(&i.table, USAGE_MODEL, 0), "x");
    assert_str(usage_name_text(&i.table, USAGE_FEATURE, 0), "support");
    imported_done(&i);
    i = import_json_text("{\"in\":4}\n", (const char *const[]){"latency_ms=took", NULL});
    assert_int_equal(i.code, ERR_USAGE);
    assert_non_null(strstr(i.error.message, "no such column among in"));
    imported_done(&i);
}

static void test_import_jsonl_rejects_bad_lines_and_reads_the_rest(void **state)
{
    struct imported i = import_json_text("{\"in\":1}\nnot json\n\n[1]\n{\"in\":-1}\n{\"in\":1.5}\n"
                                         "{\"in\":2.0}\n{\"in\":18446744073709551616}\n{\"in\":3",
                                         NULL);

    (void)state;
    assert_int_equal(i.code, OK);
    assert_int_equal(i.report->rows_read, 8);
    assert_int_equal(i.report->rows_accepted, 2);
    assert_int_equal(i.report->rows_rejected, 6);
    assert_int_equal(i.report->rejects[0].row, 2);
    assert_int_equal(i.report->rejects[1].row, 4);
    assert_string_equal(i.report->rejects[1].reason, "not a JSON object");
    assert_int_equal(i.report->rejects[5].row, 9);
    assert_true(has_note(&i, "last line is cut off"));
    imported_done(&i);
}

static void test_import_json_reads_documents(void **state)
{
    struct imported i = import_json_text("[\n {\"in\": 1, \"out\": 2},\n {\"in\": 3}\n]\n", NULL);

    (void)state;
    assert_int_equal(i.code, OK);
    assert_int_equal(i.report->format, IMPORT_JSON);
    assert_int_equal(i.table.count, 2);
    assert_int_equal(i.table.source_row[1], 2);
    imported_done(&i);
    i = import_json_text("{\n \"page\": 1,\n \"data\": [{\"in\": 1}, {\"in\": 2}]\n}", NULL);
    assert_int_equal(i.table.count, 2);
    imported_done(&i);
    i = import_json_text("{\n \"in\": 1\n}", NULL);
    assert_int_equal(i.table.count, 1);
    imported_done(&i);
    i = import_json_text("[{\"in\": 1},", NULL);
    assert_int_equal(i.code, ERR_INVALID);
    assert_true(i.error.hint[0] != '\0');
    imported_done(&i);
}

static void test_import_json_says_what_it_does_not_read(void **state)
{
    struct imported i = import_json_text("{\"resourceSpans\":[{\"scopeSpans\":[]}]}", NULL);

    (void)state;
    assert_int_equal(i.code, ERR_UNSUPPORTED);
    assert_true(i.error.hint[0] != '\0');
    imported_done(&i);
}

static void test_import_jsonl_bounds_what_it_learns(void **state)
{
    struct imported i;
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 20);
    for (int line = 0; line < 3; line++) {
        buf_append(&text, STR("{\"in\":1"));
        for (int k = 0; k < 2000; k++) {
            buf_printf(&text, ",\"k%d_%d\":%d", line, k, k);
        }
        buf_append(&text, STR("}\n"));
    }
    import_text(&i, buf_str(&text), 0, NULL);
    assert_int_equal(i.table.count, 3);
    assert_true(has_note(&i, "different members"));
    imported_done(&i);
    buf_done(&text);
}

static void test_import_jsonl_does_not_depend_on_pieces(void **state)
{
    (void)state;
    assert_pieces_do_not_matter(STR("\xef\xbb\xbf{\"in\":1,\"usage\":{\"out\":3}}\r\n\n"
                                    "{\"model\":\"m\",\"in\":2}\nbad\n{\"in\":3,\"time\":5}"),
                                (const char *const[]){"feature=model", NULL});
    assert_pieces_do_not_matter(STR("[{\"in\":1},{\"in\":2}]"), NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_import_jsonl_reads_nested_members),
    cmocka_unit_test(test_import_jsonl_reads_claude_code_logs),
    cmocka_unit_test(test_import_jsonl_reads_otel_attributes),
    cmocka_unit_test(test_import_jsonl_keeps_block_hashes_of_64_bits),
    cmocka_unit_test(test_import_jsonl_maps_paths_and_constants),
    cmocka_unit_test(test_import_jsonl_rejects_bad_lines_and_reads_the_rest),
    cmocka_unit_test(test_import_json_reads_documents),
    cmocka_unit_test(test_import_json_says_what_it_does_not_read),
    cmocka_unit_test(test_import_jsonl_bounds_what_it_learns),
    cmocka_unit_test(test_import_jsonl_does_not_depend_on_pieces),
};

UNIT_MAIN(tests)
