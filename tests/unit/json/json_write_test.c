/*
 * Written JSON is what any parser reads back, whatever bytes the strings hold.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "base/error.h"
#include "json/json_read.h"
#include "json/json_write.h"

static void write_sample(struct json_writer *w)
{
    json_begin_object(w);
    json_key(w, "empty");
    json_begin_array(w);
    json_end_array(w);
    json_key(w, "numbers");
    json_begin_array(w);
    json_put_i64(w, INT64_MIN);
    json_put_i64(w, 0);
    json_put_decimal(w, decimal_of(-50, 2));
    json_put_decimal_string(w, decimal_of(25182372257, 6));
    json_end_array(w);
    json_key(w, "object");
    json_begin_object(w);
    json_end_object(w);
    json_key(w, "rest");
    json_begin_array(w);
    json_put_null(w);
    json_put_bool(w, true);
    json_put_bool(w, false);
    json_put_text(w, NULL);
    json_put_text(w, "text");
    json_put_raw(w, STR("{\"raw\":1}"));
    json_begin_array(w);
    json_begin_object(w);
    json_key_str(w, STR("k"));
    json_put_str(w, (struct str){NULL, 0});
    json_end_object(w);
    json_end_array(w);
    json_end_array(w);
    json_end_object(w);
}

static void test_json_writer_keeps_commas_and_nesting(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 10000);
    struct json_writer w = json_writer_on(&out);
    write_sample(&w);
    assert_str(
        buf_str(&out),
        "{\"empty\":[],\"numbers\":[-9223372036854775808,0,-0.5,\"25182.372257\"],"
        "\"object\":{},\"rest\":[null,true,false,null,\"text\",{\"raw\":1},[{\"k\":\"\"}]]}");
    assert_int_equal(w.depth, 0);
    buf_done(&out);
}

static void test_json_writer_indents(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 10000);
    struct json_writer w = json_writer_indented(&out, 2);
    json_begin_object(&w);
    json_key(&w, "a");
    json_begin_array(&w);
    json_put_i64(&w, 1);
    json_put_i64(&w, 2);
    json_end_array(&w);
    json_key(&w, "b");
    json_begin_object(&w);
    json_end_object(&w);
    json_end_object(&w);
    assert_str(buf_str(&out), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}");
    buf_done(&out);
}

/* Every byte, alone and between others, comes back as itself or, where it is no UTF-8, as U+FFFD.
 */
static void test_json_writer_escapes_every_byte(void **state)
{
    struct json_parser *parser;
    struct buf out;

    (void)state;
    buf_init(&out, 10000);
    assert_int_equal(json_parser_new(10000, &parser), OK);
    for (int c = 0; c < 256; c++) {
        char text[3] = {'x', (char)c, 'y'};
        struct json_value root;
        struct str back;

        buf_clear(&out);
        struct json_writer w = json_writer_on(&out);
        json_put_str(&w, (struct str){text, 3});
        assert_int_equal(json_parse(parser, buf_str(&out), &root, NULL), OK);
        assert_true(json_get_str(root, &back));
        if (c < 0x80) {
            assert_true(str_equal(back, (struct str){text, 3}));
        } else {
            assert_str(back, "x\xef\xbf\xbdy");
        }
    }
    json_parser_free(parser);
    buf_done(&out);
}

static void test_json_writer_replaces_invalid_utf8_byte_by_byte(void **state)
{
    static const char *const cases[][2] = {
        {"é€😀", "\"é€😀\""},
        {"a\"\\\b\f\n\r\t\x01\x7f/", "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u007f/\""},
        {"\xff\xfe", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xe2\x82x", "\"\xef\xbf\xbd\xef\xbf\xbdx\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 10000);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        buf_clear(&out);
        struct json_writer w = json_writer_on(&out);
        json_put_str(&w, str_from(cases[i][0]));
        assert_str(buf_str(&out), cases[i][1]);
        assert_true(str_is_utf8(buf_str(&out)));
    }
    buf_clear(&out);
    struct json_writer w = json_writer_on(&out);
    json_put_str(&w, (struct str){"a\0b", 3});
    assert_str(buf_str(&out), "\"a\\u0000b\"");
    buf_done(&out);
}

static void test_json_writer_failure_is_the_bufs(void **state)
{
    struct buf whole;
    uint64_t nth = 0;

    (void)state;
    buf_init(&whole, 10000);
    struct json_writer w = json_writer_on(&whole);
    write_sample(&w);
    for (size_t limit = 0; limit < whole.length; limit++) {
        struct buf out;

        buf_init(&out, limit);
        w = json_writer_on(&out);
        write_sample(&w);
        assert_int_equal(buf_status(&out), ERR_LIMIT);
        assert_true(str_starts_with(buf_str(&whole), buf_str(&out)));
        buf_done(&out);
    }
    int status;
    do {
        struct buf out;

        buf_init(&out, 10000);
        w = json_writer_on(&out);
        (void)alloc_fail_from(++nth);
        write_sample(&w);
        (void)alloc_fail_from(0);
        status = buf_status(&out);
        assert_true(status == OK || status == ERR_NO_MEMORY);
        buf_done(&out);
    } while (status);
    assert_true(nth > 1);
    buf_done(&whole);
}

static void test_json_writer_nests_to_its_limit(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 10000);
    struct json_writer w = json_writer_on(&out);
    for (int i = 0; i < JSON_WRITE_DEPTH_MAX; i++) {
        json_begin_array(&w);
    }
    for (int i = 0; i < JSON_WRITE_DEPTH_MAX; i++) {
        json_end_array(&w);
    }
    assert_int_equal(out.length, 2 * JSON_WRITE_DEPTH_MAX);
    buf_done(&out);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_json_writer_keeps_commas_and_nesting),
    cmocka_unit_test(test_json_writer_indents),
    cmocka_unit_test(test_json_writer_escapes_every_byte),
    cmocka_unit_test(test_json_writer_replaces_invalid_utf8_byte_by_byte),
    cmocka_unit_test(test_json_writer_failure_is_the_bufs),
    cmocka_unit_test(test_json_writer_nests_to_its_limit),
};

UNIT_MAIN(tests)
