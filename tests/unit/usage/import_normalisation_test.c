/*
 * The token conventions of the world become the same disjoint buckets: each case of
 * tests/data/usage_normalisation.jsonl is imported as JSON lines and compared with what it expects,
 * then the conventions are tried through CSV headers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import_fixture.h"

#include "json/json_read.h"
#include "json/json_write.h"

static void put_value(struct json_writer *w, struct json_value value)
{
    struct str text;
    uint64_t number;

    if (json_get_str(value, &text)) {
        json_put_str(w, text);
    } else if (json_get_u64(value, &number)) {
        json_put_i64(w, (int64_t)number);
    } else {
        json_begin_object(w);
        for (struct json_iterator it = json_iterate(value); json_next(&it);) {
            json_key_str(w, it.key);
            put_value(w, it.value);
        }
        json_end_object(w);
    }
}

static void put_line(struct buf *lines, struct json_value object)
{
    struct json_writer w = json_writer_on(lines);

    put_value(&w, object);
    buf_append_char(lines, '\n');
}

static void assert_expected(struct json_value expected, const char *name, uint64_t actual)
{
    uint64_t wanted;

    if (json_get_u64(json_at(expected, name), &wanted) && wanted != actual) {
        fail_msg("%s is %llu, not %llu", name, (unsigned long long)actual,
                 (unsigned long long)wanted);
    }
}

static void check_case(struct json_value root)
{
    struct json_value raw = json_at(root, "raw");
    struct json_value expected = json_at(root, "expected");
    struct imported i;
    struct buf lines;
    struct str id;
    uint64_t records = 1;

    assert_true(json_get_str(json_at(root, "id"), &id));
    buf_init(&lines, 65536);
    if (json_is(raw, JSON_ARRAY)) {
        for (struct json_iterator it = json_iterate(raw); json_next(&it);) {
            put_line(&lines, it.value);
        }
    } else {
        put_line(&lines, raw);
    }
    import_text(&i, buf_str(&lines), 0, NULL);
    if (i.code) {
        fail_msg("%.*s: %s", STR_ARGS(id), i.error.message);
    }
    (void)json_get_u64(json_at(expected, "records"), &records);
    assert_int_equal(i.table.count, records);
    struct usage_tokens tokens = usage_tokens_of(&i.table, 0);
    print_message("%.*s\n", STR_ARGS(id));
    assert_expected(expected, "uncached", tokens.input_uncached);
    assert_expected(expected, "cache_read", tokens.cache_read);
    assert_expected(expected, "cache_write", tokens.cache_write_5m + tokens.cache_write_1h);
    assert_expected(expected, "input_total", usage_input_total(&tokens));
    assert_expected(expected, "output", tokens.output);
    assert_expected(expected, "reasoning", tokens.reasoning);
    imported_done(&i);
    buf_done(&lines);
}

static void test_normalisation_gives_the_golden_buckets(void **state)
{
    struct json_parser *parser;
    struct buf bytes;
    unsigned cases = 0;

    (void)state;
    assert_non_null(getenv("NETRA_SOURCE_ROOT"));
    read_test_file(getenv("NETRA_SOURCE_ROOT"), "tests/data/usage_normalisation.jsonl", &bytes);
    assert_int_equal(json_parser_new(FIXTURE_FILE_BYTES_MAX, &parser), OK);
    for (struct str rest = buf_str(&bytes); rest.length;) {
        size_t end = str_find(rest, STR("\n"), 0);
        struct json_value root;

        end = end == SIZE_MAX ? rest.length : end;
        if (end) {
            assert_int_equal(json_parse(parser, str_slice(rest, 0, end), &root, NULL), OK);
            check_case(root);
            cases++;
        }
        rest = str_slice(rest, end < rest.length ? end + 1 : end, rest.length);
    }
    assert_int_equal(cases, 9);
    json_parser_free(parser);
    buf_done(&bytes);
}

static void assert_buckets(const char *text, struct usage_tokens expected, const char *convention)
{
    struct imported i;

    import_text(&i, str_from(text), 0, NULL);
    if (i.code) {
        fail_msg("%s: %s", text, i.error.message);
    }
    struct usage_tokens tokens = usage_tokens_of(&i.table, 0);
    assert_int_equal(tokens.input_uncached, expected.input_uncached);
    assert_int_equal(tokens.cache_read, expected.cache_read);
    assert_int_equal(tokens.cache_write_5m, expected.cache_write_5m);
    assert_int_equal(tokens.cache_write_1h, expected.cache_write_1h);
    assert_int_equal(tokens.output, expected.output);
    assert_int_equal(tokens.reasoning, expected.reasoning);
    assert_string_equal(i.report->convention, convention);
    imported_done(&i);
}

static void test_normalisation_reads_conventions_from_csv_headers(void **state)
{
    (void)state;
    assert_buckets("prompt_tokens,cached_tokens,completion_tokens\n100,60,5\n",
                   (struct usage_tokens){.input_uncached = 40, .cache_read = 60, .output = 5},
                   "inclusive");
    /* LiteLLM's daily tables: prompt_tokens includes what Anthropic's names count */
    assert_buckets(
        "prompt_tokens,cache_read_input_tokens,cache_creation_input_tokens\n100,60,10\n",
        (struct usage_tokens){.input_uncached = 30, .cache_read = 60, .cache_write_5m = 10},
        "inclusive");
    assert_buckets(
        "input_tokens,cache_read_input_tokens,cache_creation_input_tokens\n100,60,10\n",
        (struct usage_tokens){.input_uncached = 100, .cache_read = 60, .cache_write_5m = 10},
        "exclusive");
    assert_buckets("input_uncached,cache_read,cache_write_5m,cache_write_1h,output,reasoning\n"
                   "1,2,3,4,9,5\n",
                   (struct usage_tokens){1, 2, 3, 4, 9, 5}, "disjoint");
    assert_buckets("tokens_prompt,tokens_cached,tokens_completion,tokens_reasoning\n50,20,30,10\n",
                   (struct usage_tokens){
                       .input_uncached = 30, .cache_read = 20, .output = 30, .reasoning = 10},
                   "inclusive");
}

static void test_normalisation_splits_cache_writes_by_lifetime(void **state)
{
    (void)state;
    assert_buckets("{\"usage\":{\"input_tokens\":7,\"cache_read_input_tokens\":5,"
                   "\"cache_creation_input_tokens\":30,\"cache_creation\":{"
                   "\"ephemeral_5m_input_tokens\":10,\"ephemeral_1h_input_tokens\":20},"
                   "\"output_tokens\":3}}\n",
                   (struct usage_tokens){7, 5, 10, 20, 3, 0}, "exclusive");
    assert_buckets(
        "cache_creation_input_tokens,ephemeral_1h_input_tokens,input_tokens\n30,20,1\n",
        (struct usage_tokens){.input_uncached = 1, .cache_write_5m = 10, .cache_write_1h = 20},
        "exclusive");
}

static void test_normalisation_believes_numbers_over_names(void **state)
{
    struct imported i;

    (void)state;
    import_text(&i,
                STR("prompt_tokens,cached_tokens,output_tokens,reasoning_tokens\n"
                    "12,1000,5,0\n12,4,5,8\n"),
                0, NULL);
    assert_int_equal(i.code, OK);
    assert_int_equal(i.table.input_uncached[0], 12); /* 1,000 cached of 12 cannot be */
    assert_int_equal(i.table.input_uncached[1], 8);
    assert_int_equal(i.table.output[1], 13); /* 8 reasoning of 5 output cannot be */
    assert_true(has_note(&i, "In 1 rows more tokens were cached"));
    assert_true(has_note(&i, "In 1 rows reasoning exceeds output"));
    assert_string_equal(i.report->convention, "mixed");
    imported_done(&i);
}

static void test_normalisation_keeps_absent_apart_from_zero(void **state)
{
    struct imported i;

    (void)state;
    import_text(&i,
                STR("input_tokens,cached_tokens,output_tokens,latency_ms\n"
                    "10,,1,\n10,0,1,0\n,,4,NaN\n"),
                0, NULL);
    assert_int_equal(i.code, OK);
    assert_int_equal(i.table.count, 3);
    assert_int_equal(i.table.present[0], USAGE_HAS_INPUT | USAGE_HAS_OUTPUT);
    assert_int_equal(i.table.present[1],
                     USAGE_HAS_INPUT | USAGE_HAS_OUTPUT | USAGE_HAS_CACHE | USAGE_HAS_LATENCY);
    assert_int_equal(i.table.present[2], USAGE_HAS_OUTPUT);
    imported_done(&i);
}

static void test_normalisation_fills_in_from_the_total(void **state)
{
    struct imported i;

    (void)state;
    import_text(&i, STR("total_tokens,output_tokens\n10,4\n3,4\n"), 0, NULL);
    assert_int_equal(i.table.input_uncached[0], 6);
    assert_int_equal(i.table.present[1], USAGE_HAS_OUTPUT); /* 3 in all with 4 out: no input */
    imported_done(&i);
    import_text(&i, STR("total_tokens\n10\n"), 0, NULL);
    assert_int_equal(i.code, ERR_NO_RECORDS);
    imported_done(&i);
}

static void test_normalisation_uses_roll_ups_only_alone(void **state)
{
    struct imported i;

    (void)state;
    import_text(&i, STR("operation,in,out\ninvoke_agent,9,3\nchat,4,1\nchat,5,2\n"), 0, NULL);
    assert_int_equal(i.table.count, 2);
    assert_int_equal(i.report->rows_rejected, 0);
    assert_true(has_note(&i, "1 spans that only sum up others"));
    imported_done(&i);
    import_text(&i, STR("operation,in,out,model\ninvoke_agent,9,3,m\n"), 0, NULL);
    assert_int_equal(i.table.count, 1);
    assert_int_equal(i.table.input_uncached[0], 9);
    assert_str(usage_name_text(&i.table, USAGE_MODEL, 0), "m");
    imported_done(&i);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_normalisation_gives_the_golden_buckets),
    cmocka_unit_test(test_normalisation_reads_conventions_from_csv_headers),
    cmocka_unit_test(test_normalisation_splits_cache_writes_by_lifetime),
    cmocka_unit_test(test_normalisation_believes_numbers_over_names),
    cmocka_unit_test(test_normalisation_keeps_absent_apart_from_zero),
    cmocka_unit_test(test_normalisation_fills_in_from_the_total),
    cmocka_unit_test(test_normalisation_uses_roll_ups_only_alone),
};

UNIT_MAIN(tests)
