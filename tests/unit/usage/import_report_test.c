/*
 * What an import said, as JSON and back: the same for every kind of input, hostile texts included;
 * JSON that no import wrote is refused, never half believed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import_fixture.h"

#include "base/alloc.h"
#include "usage/import_report.h"

#define TEXT_BYTES_MAX ((size_t)1 << 20)

struct read_back {
    struct buf json;
    struct json_parser *parser;
    struct arena arena;
    struct import_report report;
    struct error error;
};

static int read_json(struct read_back *read, struct str json)
{
    struct json_value root;

    arena_init(&read->arena, TEXT_BYTES_MAX);
    read->error = (struct error){0};
    assert_int_equal(json_parser_new(TEXT_BYTES_MAX, &read->parser), OK);
    assert_int_equal(json_parse(read->parser, json, &root, &read->error), OK);
    return import_report_read(root, &read->arena, &read->report, &read->error);
}

static void read_done(struct read_back *read)
{
    json_parser_free(read->parser);
    arena_done(&read->arena);
}

static void write_json(const struct import_report *report, struct buf *json)
{
    buf_init(json, TEXT_BYTES_MAX);
    struct json_writer w = json_writer_on(json);
    import_report_write(report, &w);
    assert_int_equal(buf_status(json), OK);
}

static void assert_same_texts(const struct str *a, size_t a_count, const struct str *b,
                              size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++) {
        assert_true(str_equal(a[i], b[i]));
    }
}

static void assert_same_report(const struct import_report *a, const struct import_report *b)
{
    assert_int_equal(a->format, b->format);
    assert_string_equal(a->format_name, b->format_name);
    assert_string_equal(a->convention, b->convention);
    assert_int_equal(a->is_gzip, b->is_gzip);
    assert_int_equal(a->bytes_in, b->bytes_in);
    assert_int_equal(a->bytes_text, b->bytes_text);
    assert_int_equal(a->rows_read, b->rows_read);
    assert_int_equal(a->rows_accepted, b->rows_accepted);
    assert_int_equal(a->rows_merged, b->rows_merged);
    assert_int_equal(a->rows_rejected, b->rows_rejected);
    assert_int_equal(a->column_count, b->column_count);
    for (size_t i = 0; i < a->column_count; i++) {
        assert_true(str_equal(a->columns[i].field, b->columns[i].field));
        assert_true(str_equal(a->columns[i].column, b->columns[i].column));
        assert_int_equal(a->columns[i].is_constant, b->columns[i].is_constant);
        assert_int_equal(a->columns[i].is_mapped, b->columns[i].is_mapped);
    }
    assert_same_texts(a->unused, a->unused_count, b->unused, b->unused_count);
    assert_same_texts(a->notes, a->note_count, b->notes, b->note_count);
    assert_int_equal(a->reject_count, b->reject_count);
    for (size_t i = 0; i < a->reject_count; i++) {
        assert_int_equal(a->rejects[i].row, b->rejects[i].row);
        assert_string_equal(a->rejects[i].reason, b->rejects[i].reason);
    }
}

static void assert_comes_back(const struct import_report *report)
{
    struct read_back read;
    struct arena arena;
    struct import_report copy;
    struct buf json;

    write_json(report, &json);
    if (read_json(&read, buf_str(&json))) {
        fail_msg("%s in %.*s", read.error.message, STR_ARGS(buf_str(&json)));
    }
    assert_same_report(report, &read.report);
    arena_init(&arena, TEXT_BYTES_MAX);
    assert_int_equal(import_report_copy(&read.report, &arena, &copy), OK);
    read_done(&read);
    assert_same_report(report, &copy);
    arena_done(&arena);
    buf_done(&json);
}

static const char *const mapped[] = {"model=gpt-4o", "feature=team", NULL};

/* One of each format, with rejects, notes, unused and mapped columns. */
static const struct {
    const char *text;
    const char *const *maps;
} inputs[] = {
    {"time,model,input_tokens,output_tokens,colour\n2026-01-01T00:00:00Z,gpt-4o,1,2,red\nx,y,z,w,"
     "v\n",
     NULL},
    {"{\"input_tokens\": 5, \"output_tokens\": 1, \"team\": \"a\\u0000b\", \"x\\\"y\": 1}\n"
     "{\"input_tokens\": -1}\n",
     mapped},
    {"[{\"input_tokens\": 5, \"output_tokens\": 1, \"model\": \"m\"}]", NULL},
    {"time,model,input_tokens\n", NULL},
    {"", NULL},
    {"input_tokens,output_tokens,\"a\"\"b\",<script>,\xd7\xa9\n1,2,3,4,5\n", NULL},
};

static void test_reports_of_every_kind_of_input_come_back(void **state)
{
    size_t rejected = 0;
    size_t noted = 0;
    size_t unused = 0;
    size_t constants = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(inputs); i++) {
        struct imported imported;

        import_text(&imported, str_from(inputs[i].text), 0, inputs[i].maps);
        assert_comes_back(imported.report);
        rejected += imported.report->reject_count;
        noted += imported.report->note_count;
        unused += imported.report->unused_count;
        for (size_t c = 0; c < imported.report->column_count; c++) {
            constants += imported.report->columns[c].is_constant;
        }
        imported_done(&imported);
    }
    assert_true(rejected && noted && unused && constants); /* or the above shows little */
}

static void test_many_rejects_are_counted_and_the_first_kept(void **state)
{
    struct imported imported;
    struct buf text;

    (void)state;
    buf_init(&text, TEXT_BYTES_MAX);
    buf_append(&text, STR("input_tokens,output_tokens\n1,2\n"));
    for (int i = 0; i < 50; i++) {
        buf_append(&text, STR("x,y\n"));
    }
    import_text(&imported, buf_str(&text), 0, NULL);
    assert_int_equal(imported.report->rows_rejected, 50);
    assert_int_equal(imported.report->reject_count, IMPORT_REJECTS_KEPT_MAX);
    assert_comes_back(imported.report);
    imported_done(&imported);
    buf_done(&text);
}

/* Bytes that are no UTF-8 come back as U+FFFD, and a reason that grew by that is cut, not refused.
 */
static void test_bytes_that_are_no_text_come_back_as_signs(void **state)
{
    struct import_reject reject = {.row = 3};
    const struct str notes[] = {{"a\xff"
                                 "b\0c",
                                 5}};
    struct import_report report = {.format_name = "unknown",
                                   .convention = "mixed",
                                   .rows_rejected = 1,
                                   .rejects = &reject,
                                   .reject_count = 1,
                                   .notes = notes,
                                   .note_count = 1};
    struct read_back read;
    struct buf json;

    (void)state;
    memset(reject.reason, 0xff, sizeof(reject.reason) - 1);
    write_json(&report, &json);
    assert_int_equal(read_json(&read, buf_str(&json)), OK);
    assert_true(str_equal(read.report.notes[0], (struct str){"a\xef\xbf\xbd"
                                                             "b\0c",
                                                             7}));
    assert_int_equal(strlen(read.report.rejects[0].reason), 159); /* 53 signs of three bytes */
    assert_true(str_is_utf8(str_from(read.report.rejects[0].reason)));
    read_done(&read);
    buf_done(&json);
}

static const char good[] =
    "{\"format\":\"csv\",\"convention\":\"inclusive\",\"is_gzip\":false,\"bytes_in\":1,"
    "\"bytes_text\":2,\"rows_read\":3,\"rows_accepted\":4,\"rows_merged\":5,\"rows_rejected\":1,"
    "\"columns\":[{\"field\":\"time\",\"column\":\"t\",\"is_constant\":false,\"is_mapped\":true}],"
    "\"unused\":[\"u\"],\"rejects\":[{\"row\":7,\"reason\":\"r\"}],\"notes\":[\"n\"]}";

/* The good text with its first part replaced by another. */
static void assert_refused(const char *part, const char *by)
{
    struct read_back read;
    struct buf json;
    size_t at = str_find(str_from(good), str_from(part), 0);

    assert_true(at != SIZE_MAX);
    buf_init(&json, TEXT_BYTES_MAX);
    buf_append(&json, (struct str){good, at});
    buf_append(&json, str_from(by));
    buf_append(&json, str_from(good + at + strlen(part)));
    read.report = (struct import_report){.rows_read = 99};
    if (read_json(&read, buf_str(&json)) != ERR_INVALID) {
        fail_msg("accepted: %.*s", STR_ARGS(buf_str(&json)));
    }
    assert_int_equal(read.report.rows_read, 99);
    assert_true(str_starts_with(str_from(read.error.message), STR("cannot read an import report")));
    read_done(&read);
    buf_done(&json);
}

static void test_what_no_import_wrote_is_refused(void **state)
{
    static const char *const changes[][2] = {
        {"\"csv\"", "\"exe\""},
        {"\"csv\"", "1"},
        {"\"inclusive\"", "\"none\""},
        {"false,\"bytes_in\"", "0,\"bytes_in\""},
        {"\"bytes_in\":1", "\"bytes_in\":-1"},
        {"\"bytes_in\":1", "\"bytes_in\":1.5"},
        {"\"rows_merged\":5,", ""},
        {"\"columns\":[", "\"columns\":[1,"},
        {"\"field\":\"time\",", ""},
        {"\"is_mapped\":true", "\"is_mapped\":null"},
        {"[\"u\"]", "{}"},
        {"[\"u\"]", "[null]"},
        {"\"row\":7", "\"row\":\"7\""},
        {"\"reason\":\"r\"", "\"reason\":\"r\\u0000s\""},
        {"\"reason\":\"r\"", "\"why\":\"r\""},
        {"{\"row\":7,\"reason\":\"r\"}", ""}, /* a rejected row without the first reason */
        {"\"rows_rejected\":1", "\"rows_rejected\":0"},
        {"[\"n\"]", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]"},
        {"[\"n\"]", "\"n\""},
        {good, "[]"},
        {good, "null"},
        {good, "{}"},
    };
    struct read_back read;

    (void)state;
    assert_int_equal(read_json(&read, str_from(good)), OK);
    read_done(&read);
    for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
        assert_refused(changes[i][0], changes[i][1]);
    }
}

static void test_reading_and_copying_survive_every_failing_allocation(void **state)
{
    int code = ERR_NO_MEMORY;
    struct json_parser *parser;
    struct json_value root;

    (void)state;
    assert_int_equal(json_parser_new(TEXT_BYTES_MAX, &parser), OK);
    assert_int_equal(json_parse(parser, str_from(good), &root, NULL), OK);
    for (uint64_t nth = 1; code; nth++) {
        struct import_report report;
        struct import_report copy;
        struct arena arena;
        struct arena second;

        assert_true(nth < 100);
        arena_init(&arena, TEXT_BYTES_MAX);
        arena_init(&second, TEXT_BYTES_MAX);
        (void)alloc_fail_from(nth);
        code = import_report_read(root, &arena, &report, NULL);
        code = code ? code : import_report_copy(&report, &second, &copy);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        arena_done(&second);
        arena_done(&arena);
    }
    /* many small arenas: each piece of the texts is refused once */
    size_t limit = 0;
    for (code = ERR_NO_MEMORY; code; limit += 8) {
        struct import_report report;
        struct arena arena;

        assert_true(limit < 4096);
        arena_init(&arena, limit);
        code = import_report_read(root, &arena, &report, NULL);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        arena_done(&arena);
    }
    assert_true(limit > 100);
    json_parser_free(parser);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_reports_of_every_kind_of_input_come_back),
    cmocka_unit_test(test_many_rejects_are_counted_and_the_first_kept),
    cmocka_unit_test(test_bytes_that_are_no_text_come_back_as_signs),
    cmocka_unit_test(test_what_no_import_wrote_is_refused),
    cmocka_unit_test(test_reading_and_copying_survive_every_failing_allocation),
};

UNIT_MAIN(tests)
