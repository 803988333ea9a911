/*
 * The CSV tokenizer splits records as RFC 4180 says, whatever the pieces that it is fed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/buf.h"
#include "base/error.h"
#include "usage/csv.h"

/* Writes records as "[line:a|b|c]", "too long" and "open" as they are met. */
static int print_record(const struct csv_record *record, void *arg)
{
    struct buf *out = arg;

    buf_printf(out, "[%d:", (int)record->line);
    if (record->is_too_long) {
        buf_append(out, STR("too long"));
    }
    for (size_t i = 0; i < record->cell_count; i++) {
        buf_printf(out, "%s%.*s", i ? "|" : "", STR_ARGS(record->cells[i]));
    }
    buf_printf(out, "%s%s]", record->is_last_open ? "~" : "", record->is_unclosed ? "\"" : "");
    return OK;
}

static void tokenize(struct str text, char delimiter, size_t limit, size_t piece, struct buf *out)
{
    struct csv csv;

    assert_int_equal(csv_init(&csv, delimiter, limit), OK);
    while (text.length) {
        size_t some = piece < text.length ? piece : text.length;

        assert_int_equal(csv_feed(&csv, str_slice(text, 0, some), print_record, out), OK);
        text = str_slice(text, some, text.length);
    }
    assert_int_equal(csv_finish(&csv, print_record, out), OK);
    csv_done(&csv);
}

static void assert_records(const char *text, const char *expected)
{
    static const size_t pieces[] = {1, 2, 3, 5, 64, 100000};

    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        struct buf out;

        buf_init(&out, 65536);
        tokenize(str_from(text), ',', 1000, pieces[i], &out);
        assert_str(buf_str(&out), expected);
        buf_done(&out);
    }
}

static void test_csv_splits_plain_records(void **state)
{
    (void)state;
    assert_records("a,b,c\n1,2,3\n", "[1:a|b|c][2:1|2|3]");
    assert_records("a,b,c\r\n1,2,3\r\n", "[1:a|b|c][2:1|2|3]");
    assert_records("a,,c\n,,\n", "[1:a||c][2:||]");
    assert_records("a\n\n\r\nb\n", "[1:a][4:b]");
    assert_records("a,b\n1,2", "[1:a|b][2:1|2~]");
    assert_records("", "");
    assert_records("\n\n", "");
}

static void test_csv_reads_quotes(void **state)
{
    (void)state;
    assert_records("\"a\",\"b,c\",\"d\"\"e\"\n", "[1:a|b,c|d\"e]");
    assert_records("\"line\nend\",x\ny,z\n", "[1:line\nend|x][3:y|z]");
    assert_records("\"\",\"\"\"\"\n", "[1:|\"]");
    assert_records("a\"b,c\"\"d\n", "[1:a\"b|c\"\"d]");
    assert_records("\"a\"b,c\n", "[1:ab|c]");
    assert_records("x,\"a\r\nb\"\r\nc,d\r\n", "[1:x|a\r\nb][3:c|d]");
}

static void test_csv_says_what_is_open_at_the_end(void **state)
{
    (void)state;
    assert_records("a,b\n\"1,2", "[1:a|b][2:1,2~\"]");
    assert_records("a,b\n\"1\",2", "[1:a|b][2:1|2~]");
    assert_records("a,b\n\"1\"", "[1:a|b][2:1~]");
}

static void test_csv_loses_only_the_line_of_an_open_quote(void **state)
{
    (void)state;
    assert_records("a,b\n\"1,2\n3,4\n5,6\n", "[1:a|b][2:\"][3:3|4][4:5|6]");
    assert_records("\"1,2\n3,4\n\"5\",6\n7,8\n", "[1:\"][2:3|4][3:5|6][4:7|8]");
    assert_records("\"1,2\n\"3,4\n\"5,6\n7", "[1:\"][2:\"][3:\"][4:7~]");
    assert_records("\"x\ny\" ,z\n", "[1:x\ny |z]");
}

/* The limit of 1,000 bytes ends the search for the closing quote. */
static void test_csv_gives_up_on_a_quote_at_the_limit(void **state)
{
    struct buf text;
    struct buf expected;

    (void)state;
    buf_init(&text, 65536);
    buf_init(&expected, 65536);
    buf_append(&text, STR("\"1,2\n"));
    buf_append(&expected, STR("[1:\"]"));
    for (int line = 2; line < 600; line++) {
        buf_append(&text, STR("3,4\n"));
        buf_printf(&expected, "[%d:3|4]", line);
    }
    assert_records(text.data, expected.data);
    buf_done(&text);
    buf_done(&expected);
}

static void test_csv_finds_marks_in_every_place_of_a_block(void **state)
{
    char text[300];

    (void)state;
    for (size_t length = 1; length < 200; length++) {
        struct buf out;
        struct buf expected;

        memset(text, 'x', sizeof(text));
        text[length - 1] = ',';
        text[length] = 'y';
        text[length + 1] = '\n';
        buf_init(&out, 1024);
        buf_init(&expected, 1024);
        tokenize((struct str){text, length + 2}, ',', 1000, 1000, &out);
        buf_printf(&expected, "[1:%.*s|y]", (int)length - 1, text);
        assert_true(str_equal(buf_str(&out), buf_str(&expected)));
        buf_done(&out);
        buf_done(&expected);
    }
}

static void test_csv_skips_a_record_above_the_limit(void **state)
{
    static const size_t pieces[] = {1, 7, 64, 100000};
    char text[512];

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "a,b\n", 4);
    memcpy(text + 300, "\nc,d\n", 5);
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        struct buf out;

        buf_init(&out, 65536);
        tokenize((struct str){text, 305}, ',', 100, pieces[i], &out);
        assert_str(buf_str(&out), "[1:a|b][2:too long][3:c|d]");
        buf_done(&out);
    }
}

static int keep_count(const struct csv_record *record, void *arg)
{
    *(size_t *)arg = record->cell_count;
    return OK;
}

static void test_csv_counts_cells_that_it_does_not_keep(void **state)
{
    struct buf text;
    struct csv csv;
    size_t count = 0;

    (void)state;
    buf_init(&text, 65536);
    for (unsigned i = 0; i < 2 * CSV_CELLS_MAX; i++) {
        buf_append_char(&text, ',');
    }
    buf_append_char(&text, '\n');
    assert_int_equal(csv_init(&csv, ',', 65536), OK);
    assert_int_equal(csv_feed(&csv, buf_str(&text), keep_count, &count), OK);
    assert_int_equal(count, 2 * CSV_CELLS_MAX + 1);
    csv_done(&csv);
    buf_done(&text);
}

static void test_csv_guesses_the_delimiter(void **state)
{
    (void)state;
    assert_int_equal(csv_guess_delimiter(STR("a,b,c\n1;2;3;4;5\n")), ',');
    assert_int_equal(csv_guess_delimiter(STR("a;b;c,d\n")), ';');
    assert_int_equal(csv_guess_delimiter(STR("a\tb\tc\n")), '\t');
    assert_int_equal(csv_guess_delimiter(STR("\"a;b;c;d\",e\n")), ',');
    assert_int_equal(csv_guess_delimiter(STR("a")), ',');
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_csv_splits_plain_records),
    cmocka_unit_test(test_csv_reads_quotes),
    cmocka_unit_test(test_csv_says_what_is_open_at_the_end),
    cmocka_unit_test(test_csv_loses_only_the_line_of_an_open_quote),
    cmocka_unit_test(test_csv_gives_up_on_a_quote_at_the_limit),
    cmocka_unit_test(test_csv_finds_marks_in_every_place_of_a_block),
    cmocka_unit_test(test_csv_skips_a_record_above_the_limit),
    cmocka_unit_test(test_csv_counts_cells_that_it_does_not_keep),
    cmocka_unit_test(test_csv_guesses_the_delimiter),
};

UNIT_MAIN(tests)
