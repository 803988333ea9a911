/*
 * No input makes an import crash, hang, take unbounded memory or be silent about what it could not
 * read; and every allocation of it may fail.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import_fixture.h"

#include "base/alloc.h"
#include "gzip_fixture.h"

static void assert_refused(struct str text, int code, const char *message)
{
    struct imported i;

    import_text(&i, text, 0, NULL);
    assert_int_equal(i.code, code);
    if (!strstr(i.error.message, message)) {
        fail_msg("'%s' does not say '%s'", i.error.message, message);
    }
    imported_done(&i);
}

static void test_import_refuses_what_is_no_text(void **state)
{
    (void)state;
    assert_refused(STR(""), ERR_NO_RECORDS, "the file is empty");
    assert_refused(STR("a"), ERR_INVALID, "token counts in the header: a");
    assert_refused(STR("abc"), ERR_INVALID, "token counts in the header: abc");
    assert_refused(STR("in,out\n\0\0"), ERR_INVALID, "NUL bytes");
    assert_refused(STR("in,out\n1,\xff\xfe\n"), ERR_INVALID, "not UTF-8");
    assert_refused(STR("PK\x03\x04rest"), ERR_UNSUPPORTED, "ZIP");
    assert_refused(STR("\xff\xfei\0n\0"), ERR_UNSUPPORTED, "UTF-16");
    assert_refused(STR("\x1f\x8b"), ERR_NO_RECORDS, "the gzip data holds no text");
    assert_refused(STR("in,out\n"), ERR_NO_RECORDS, "no rows behind its header");
    assert_refused(STR("{}\n"), ERR_NO_RECORDS, "no token count");
    assert_refused(STR("[]"), ERR_NO_RECORDS, "no rows");
    assert_refused(STR("in,out\nx,y\n"), ERR_NO_RECORDS, "row 2: input_tokens is 'x'");
}

static void test_import_accepts_a_head_that_cuts_a_character(void **state)
{
    struct imported i;
    struct buf text;

    (void)state;
    for (int shift = 0; shift < 4; shift++) {
        buf_init(&text, 1 << 20);
        buf_append(&text, STR("in,model\n"));
        for (int pad = 0; pad < shift; pad++) {
            buf_append_char(&text, '1');
        }
        while (text.length < IMPORT_DETECT_BYTES + 100) {
            buf_append(&text, STR("1,\xf0\x9f\x98\x80\xe2\x82\xac\n"));
        }
        import_text(&i, buf_str(&text), 1000, NULL);
        assert_int_equal(i.code, OK);
        imported_done(&i);
        buf_done(&text);
    }
}

static void test_import_reads_half_a_gzip_file(void **state)
{
    struct imported i;
    struct buf text;
    struct buf gzip;

    (void)state;
    buf_init(&text, 1 << 20);
    buf_init(&gzip, 1 << 20);
    buf_append(&text, STR("in,out\n"));
    for (int n = 0; n < 2000; n++) {
        buf_printf(&text, "%d,%d\n", n * 7919 % 10007, n * 104729 % 1009);
    }
    gzip_append(&gzip, buf_str(&text));
    for (size_t length = gzip.length / 2; length < gzip.length / 2 + 20; length++) {
        import_text(&i, str_slice(buf_str(&gzip), 0, length), 0, NULL);
        assert_int_equal(i.code, OK);
        assert_true(i.report->is_gzip);
        assert_in_range(i.table.count, 1, 1999);
        assert_int_equal(i.report->rows_rejected, 0); /* a row that is cut is not read */
        assert_true(has_note(&i, "ends in the middle"));
        size_t last = i.table.count - 1;
        assert_int_equal(i.table.input_uncached[last], last * 7919 % 10007);
        assert_int_equal(i.table.output[last], last * 104729 % 1009);
        imported_done(&i);
    }
    assert_pieces_do_not_matter(buf_str(&gzip), NULL);
    buf_done(&text);
    buf_done(&gzip);
}

/* Feeds a line of more than IMPORT_LINE_BYTES_MAX in pieces, between two good rows. */
static void assert_long_line_is_one_reject(const char *before, char filler, const char *after)
{
    enum { PIECE = 1 << 20 };
    struct import_options options = {.source = STR("test")};
    struct usage_import *import;
    struct usage_table table;
    struct buf piece;

    usage_table_init(&table);
    buf_init(&piece, PIECE);
    assert_int_equal(buf_reserve(&piece, PIECE), OK);
    memset(piece.data, filler, PIECE);
    assert_int_equal(usage_import_begin(&options, &table, &import, NULL), OK);
    assert_int_equal(usage_import_feed(import, str_from(before), NULL), OK);
    for (size_t fed = 0; fed <= IMPORT_LINE_BYTES_MAX; fed += PIECE) {
        assert_int_equal(usage_import_feed(import, (struct str){piece.data, PIECE}, NULL), OK);
    }
    assert_int_equal(usage_import_feed(import, str_from(after), NULL), OK);
    assert_int_equal(usage_import_finish(import, NULL), OK);
    assert_int_equal(usage_import_report(import)->rows_rejected, 1);
    assert_int_equal(table.count, 2);
    usage_import_free(import);
    usage_table_done(&table);
    buf_done(&piece);
}

static void test_import_skips_a_line_above_the_limit(void **state)
{
    (void)state;
    assert_long_line_is_one_reject("in,out\n1,2\n", 'x', "\n3,4\n");
    assert_long_line_is_one_reject("{\"in\":1}\n{\"x\":\"", 'x', "\"}\n{\"in\":2}\n");
}

static void test_import_refuses_too_many_columns(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 21);
    buf_append(&text, STR("in"));
    for (int n = 0; n < 100000; n++) {
        buf_printf(&text, ",column%d", n);
    }
    buf_append(&text, STR("\n1\n"));
    assert_refused(buf_str(&text), ERR_LIMIT, "100001 columns, more than the limit of 512");
    buf_done(&text);
}

static void test_import_refuses_deep_json_as_one_line(void **state)
{
    struct imported i;
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 20);
    buf_append(&text, STR("{\"in\":1}\n{\"in\":2,\"x\":"));
    for (int n = 0; n < 5000; n++) {
        buf_append(&text, STR("{\"a\":["));
    }
    buf_append(&text, STR("\n{\"in\":3}\n"));
    import_text(&i, buf_str(&text), 0, NULL);
    assert_int_equal(i.table.count, 2);
    assert_int_equal(i.report->rows_rejected, 1);
    imported_done(&i);
    buf_done(&text);
}

static void test_import_goes_on_when_half_the_rows_are_broken(void **state)
{
    struct imported i;
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 20);
    buf_append(&text, STR("time,model,in,out\n"));
    for (int n = 0; n < 1000; n++) {
        buf_append(&text, n % 2 ? STR("2026-08-21T07:00:00Z,m,5,6\n") : STR("%$#,;x\n"));
    }
    import_text(&i, buf_str(&text), 777, NULL);
    assert_int_equal(i.code, OK);
    assert_int_equal(i.report->rows_accepted, 500);
    assert_int_equal(i.report->rows_rejected, 500);
    assert_int_equal(i.report->reject_count, IMPORT_REJECTS_KEPT_MAX);
    imported_done(&i);
    buf_done(&text);
}

static void test_import_cuts_long_texts_at_a_character(void **state)
{
    struct imported i;
    struct buf text;

    (void)state;
    buf_init(&text, 65536);
    buf_append(&text, STR("in,model,feature\n1,"));
    for (int n = 0; n < 400; n++) {
        buf_append(&text, STR("\xe2\x82\xac"));
    }
    buf_append(&text, STR(",f\n"));
    import_text(&i, buf_str(&text), 0, NULL);
    assert_int_equal(usage_name_text(&i.table, USAGE_MODEL, 0).length, 255);
    assert_true(str_is_utf8(usage_name_text(&i.table, USAGE_MODEL, 0)));
    assert_true(has_note(&i, "1 texts were cut"));
    imported_done(&i);
    buf_done(&text);
}

static void test_import_leaves_out_texts_that_are_not_utf8(void **state)
{
    struct imported i;
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 20);
    buf_append(&text, STR("in,model\n"));
    while (text.length < IMPORT_DETECT_BYTES) {
        buf_append(&text, STR("1,good\n"));
    }
    buf_append(&text, STR("2,caf\xe9\n2,caf\xc3\xa9\n"));
    import_text(&i, buf_str(&text), 0, NULL);
    assert_int_equal(i.code, OK);
    assert_str(usage_name_text(&i.table, USAGE_MODEL, i.table.count - 2), "");
    assert_str(usage_name_text(&i.table, USAGE_MODEL, i.table.count - 1), "caf\xc3\xa9");
    assert_true(has_note(&i, "model could not be read in 1 rows"));
    imported_done(&i);
    buf_done(&text);
}

static void test_import_survives_a_name_with_too_many_values(void **state)
{
    struct imported i;
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 22);
    buf_append(&text, STR("in,feature\n"));
    for (unsigned n = 0; n < USAGE_NAMES_MAX + 10; n++) {
        buf_printf(&text, "1,f%u\n", n);
    }
    buf_append(&text, STR("1,f0\n"));
    import_text(&i, buf_str(&text), 0, NULL);
    assert_int_equal(i.code, OK);
    assert_int_equal(i.table.count, USAGE_NAMES_MAX + 11);
    assert_str(usage_name_text(&i.table, USAGE_FEATURE, i.table.count - 2), "");
    assert_str(usage_name_text(&i.table, USAGE_FEATURE, i.table.count - 1), "f0");
    assert_true(has_note(&i, "values of feature: 11 rows"));
    imported_done(&i);
    buf_done(&text);
}

/* Fails the first allocation, the second … until the import succeeds. */
static void walk_memory(struct str text, const char *const *maps)
{
    struct imported good;
    uint64_t n = 1;

    import_text(&good, text, 11, maps);
    assert_int_equal(good.code, OK);
    for (;; n++) {
        struct imported i;

        (void)alloc_fail_from(n);
        import_text(&i, text, 11, maps);
        (void)alloc_fail_from(0);
        if (i.code == OK && i.report->note_count == good.report->note_count) {
            assert_int_equal(i.table.count, good.table.count);
            imported_done(&i);
            break;
        }
        if (i.code != OK) { /* a note may be lost, a row may not */
            assert_int_equal(i.code, ERR_NO_MEMORY);
            assert_true(i.error.message[0] != '\0');
        }
        imported_done(&i);
    }
    assert_true(n > 10);
    imported_done(&good);
}

static void test_import_survives_every_failed_allocation(void **state)
{
    static const char *const maps[] = {"feature=x", NULL};
    struct buf gzip;

    (void)state;
    buf_init(&gzip, 65536);
    gzip_append(&gzip, STR("id,in,out,\"model\",hash_ids\na,1,2,\"m\"\"x\",1 2 9\nb,2,3,n,\n"));
    walk_memory(buf_str(&gzip), maps);
    buf_done(&gzip);
    walk_memory(STR("{\"id\":\"a\",\"in\":1,\"u\":{\"out\":2},\"hash_ids\":[\"a\",\"b\"]}\n"
                    "{\"in\":2,\"op\":\"invoke_agent\"}\n"),
                maps);
    walk_memory(STR("[{\"in\":1},{\"in\":2}]"), maps);
    walk_memory(STR("{\"id\":\"c\",\"requests\":[{\"t\":0,\"in\":1,\"out\":2,\"hash_ids\":[1,5]},"
                    "{\"t\":1,\"agent_id\":\"a\",\"requests\":[{\"t\":0,\"in\":1,\"out\":2}]}]}"),
                maps);
    walk_memory(STR("domain,row,weak_correct,strong_correct\nd,1,0,1\n"), maps);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_import_refuses_what_is_no_text),
    cmocka_unit_test(test_import_accepts_a_head_that_cuts_a_character),
    cmocka_unit_test(test_import_reads_half_a_gzip_file),
    cmocka_unit_test(test_import_skips_a_line_above_the_limit),
    cmocka_unit_test(test_import_refuses_too_many_columns),
    cmocka_unit_test(test_import_refuses_deep_json_as_one_line),
    cmocka_unit_test(test_import_goes_on_when_half_the_rows_are_broken),
    cmocka_unit_test(test_import_cuts_long_texts_at_a_character),
    cmocka_unit_test(test_import_leaves_out_texts_that_are_not_utf8),
    cmocka_unit_test(test_import_survives_a_name_with_too_many_values),
    cmocka_unit_test(test_import_survives_every_failed_allocation),
};

UNIT_MAIN(tests)
