/*
 * A cell is read as a count, a number, a truth or a text only when it is one, from CSV and from
 * JSON alike; lists of blocks become runs; lines and field names are found.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/buf.h"
#include "usage/blocks.h"
#include "usage/cell.h"

static struct cell text_cell(const char *text)
{
    return (struct cell){.text = str_from(text)};
}

/* A cell of a JSON value; the parser keeps it alive. */
static struct cell json_cell(struct json_parser *parser, const char *json)
{
    struct cell cell = {0};

    assert_int_equal(json_parse(parser, str_from(json), &cell.json, NULL), OK);
    return cell;
}

static void test_cell_reads_whole_numbers_as_counts(void **state)
{
    static const struct {
        const char *text;
        int code;
        uint64_t count;
    } cases[] = {
        {"0", OK, 0},
        {"12", OK, 12},
        {"007", OK, 7},
        {" 12 ", OK, 12},
        {"12.0", OK, 12},
        {"1.2e1", OK, 12},
        {"+3", OK, 3},
        {"9999999999999999999", OK, UINT64_C(9999999999999999999)},
        {"18446744073709551615", OK, UINT64_MAX},
        {"18446744073709551616", ERR_LIMIT, 0},
        {"1e40", ERR_LIMIT, 0},
        {"-1", ERR_INVALID, 0},
        {"1.5", ERR_INVALID, 0},
        {"", ERR_INVALID, 0},
        {"1,000", ERR_INVALID, 0},
        {"0x10", ERR_INVALID, 0},
        {"12a", ERR_INVALID, 0},
    };
    struct json_parser *parser;

    (void)state;
    assert_int_equal(json_parser_new(1024, &parser), OK);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct cell cell = text_cell(cases[i].text);
        struct buf quoted;
        uint64_t count = 0;

        assert_int_equal(cell_count(&cell, &count), cases[i].code);
        assert_int_equal(count, cases[i].count);
        buf_init(&quoted, 256);
        buf_printf(&quoted, "\"%s\"", cases[i].text); /* numbers as JSON texts: the same */
        cell = json_cell(parser, quoted.data);
        assert_int_equal(cell_count(&cell, &count), cases[i].code);
        buf_done(&quoted);
    }
    uint64_t count;
    struct cell cell = json_cell(parser, "12.0");
    assert_int_equal(cell_count(&cell, &count), OK);
    assert_int_equal(count, 12);
    cell = json_cell(parser, "-3");
    assert_int_equal(cell_count(&cell, &count), ERR_INVALID);
    cell = json_cell(parser, "true");
    assert_int_equal(cell_count(&cell, &count), ERR_INVALID);
    json_parser_free(parser);
}

static void test_cell_knows_the_words_for_nothing(void **state)
{
    static const char *const absent[] = {"", "-", "null", "NULL", "None", "NaN", "N/A", "\\N"};
    static const char *const present[] = {"0", "none of it", "n", "no", "--", "Nan2", "false"};
    struct json_parser *parser;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(absent); i++) {
        struct cell cell = text_cell(absent[i]);
        assert_true(cell_is_absent(&cell));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(present); i++) {
        struct cell cell = text_cell(present[i]);
        assert_false(cell_is_absent(&cell));
    }
    assert_int_equal(json_parser_new(1024, &parser), OK);
    struct cell cell = json_cell(parser, "null");
    assert_true(cell_is_absent(&cell));
    cell = json_cell(parser, "\"\"");
    assert_true(cell_is_absent(&cell));
    cell = json_cell(parser, "0");
    assert_false(cell_is_absent(&cell));
    json_parser_free(parser);
}

static void test_cell_gives_json_as_text(void **state)
{
    static const struct {
        const char *json;
        const char *text;
    } cases[] = {
        {"\"a\"", "a"}, {"42", "42"},
        {"-7", "-7"},   {"true", "true"},
        {"1.5", "1.5"}, {"[\"x\",1]", "x"},
        {"[]", ""},     {"{}", ""},
        {"[3]", "3"},   {"18446744073709551615", "18446744073709551615"},
    };
    char number[CELL_NUMBER_BYTES];
    struct json_parser *parser;

    (void)state;
    assert_int_equal(json_parser_new(1024, &parser), OK);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct cell cell = json_cell(parser, cases[i].json);
        assert_str(cell_text(&cell, number), cases[i].text);
    }
    json_parser_free(parser);
}

static void test_cell_reads_truths(void **state)
{
    bool truth = false;
    struct cell cell = text_cell("TRUE");

    (void)state;
    assert_int_equal(cell_bool(&cell, &truth), OK);
    assert_true(truth);
    cell = text_cell("0");
    assert_int_equal(cell_bool(&cell, &truth), OK);
    assert_false(truth);
    cell = text_cell("2");
    assert_int_equal(cell_bool(&cell, &truth), ERR_INVALID);
}

static void test_cell_cuts_between_characters(void **state)
{
    (void)state;
    assert_str(cell_cut(STR("abc"), 3), "abc");
    assert_str(cell_cut(STR("abc"), 2), "ab");
    assert_str(cell_cut(STR("a\xe2\x82\xac"), 3), "a");
    assert_str(cell_cut(STR("\xe2\x82\xac"), 1), "");
}

static void assert_runs(const char *list, bool is_json, int code, const char *expected)
{
    struct json_parser *parser;
    struct blocks blocks;
    struct buf out;

    assert_int_equal(json_parser_new(4096, &parser), OK);
    blocks_init(&blocks);
    buf_init(&out, 4096);
    struct cell cell = is_json ? json_cell(parser, list) : text_cell(list);
    assert_int_equal(blocks_read(&blocks, &cell), code);
    for (size_t i = 0; !code && i < blocks.run_count; i++) {
        buf_printf(&out, "%u+%u ", blocks.runs[i].start, blocks.runs[i].length);
    }
    assert_str(buf_str(&out), expected);
    buf_done(&out);
    blocks_done(&blocks);
    json_parser_free(parser);
}

static void test_blocks_become_runs(void **state)
{
    (void)state;
    assert_runs("[1,2,3,9,10,4]", true, OK, "1+3 9+2 4+1 ");
    assert_runs("[[1,3],[4,2],[9,1]]", true, OK, "1+5 9+1 ");
    assert_runs("[]", true, OK, "");
    assert_runs("[7,7]", true, OK, "7+1 7+1 ");
    assert_runs("[4294967295]", true, OK, "4294967295+1 ");
    assert_runs("1 2;3,[5]", false, OK, "1+3 5+1 ");
    assert_runs("[\"b\",\"a\",\"b\"]", true, OK, "0+2 0+1 ");
    assert_runs("[18446744073709551615,-1,5]", true, OK, "0+1 0+2 "); /* -1 is the same 64 bits */
    assert_runs("ff00 ff01", false, OK, "0+2 ");
}

static void test_blocks_refuse_what_is_no_list(void **state)
{
    (void)state;
    assert_runs("{}", true, ERR_INVALID, "");
    assert_runs("[1,\"a\"]", true, ERR_INVALID, "");
    assert_runs("[1.5]", true, ERR_INVALID, "");
    assert_runs("[null]", true, ERR_INVALID, "");
    assert_runs("[[1,0]]", true, ERR_INVALID, "");
    assert_runs("[[1]]", true, ERR_INVALID, "");
    assert_runs("[[1,2,3]]", true, ERR_INVALID, "");
    assert_runs("[1,4294967296]", true, ERR_LIMIT, "");
    assert_runs("[[0,18446744073709551615]]", true, ERR_LIMIT, "");
    assert_runs("1 x", false, ERR_INVALID, "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_cell_reads_whole_numbers_as_counts),
    cmocka_unit_test(test_cell_knows_the_words_for_nothing),
    cmocka_unit_test(test_cell_gives_json_as_text),
    cmocka_unit_test(test_cell_reads_truths),
    cmocka_unit_test(test_cell_cuts_between_characters),
    cmocka_unit_test(test_blocks_become_runs),
    cmocka_unit_test(test_blocks_refuse_what_is_no_list),
};

UNIT_MAIN(tests)
