/*
 * Parsed JSON: types, exact integers, missing chains, walks, and what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "json/json_read.h"

#define BYTES_MAX 100000

static int open_parser(void **state)
{
    struct json_parser *parser = NULL;
    int code = json_parser_new(BYTES_MAX, &parser);

    *state = parser;
    return code;
}

static int close_parser(void **state)
{
    json_parser_free(*state);
    return 0;
}

static struct json_value parse(void **state, const char *text)
{
    struct json_value root = {0};
    struct error error = {0};

    if (json_parse(*state, str_from(text), &root, &error) != OK) {
        fail_msg("'%s': %s", text, error.message);
    }
    return root;
}

static void test_json_types_are_told_apart(void **state)
{
    struct json_value root =
        parse(state, "[null, true, 1, -1, 18446744073709551615, 1.0, 1e2, \"\","
                     " [], {}]");
    static const enum json_type expected[] = {JSON_NULL,    JSON_BOOL,   JSON_INTEGER, JSON_INTEGER,
                                              JSON_INTEGER, JSON_DOUBLE, JSON_DOUBLE,  JSON_STRING,
                                              JSON_ARRAY,   JSON_OBJECT};
    size_t i = 0;

    assert_int_equal(json_count(root), ARRAY_LENGTH(expected));
    for (struct json_iterator it = json_iterate(root); json_next(&it); i++) {
        assert_int_equal(json_type(it.value), expected[i]);
        assert_int_equal(it.key.length, 0);
    }
    assert_int_equal(i, ARRAY_LENGTH(expected));
}

static void test_json_root_may_be_a_scalar(void **state)
{
    int64_t number = 0;
    struct str text;

    assert_true(json_get_i64(parse(state, " -7 "), &number));
    assert_int_equal(number, -7);
    assert_true(json_get_str(parse(state, "\"a\""), &text));
    assert_str(text, "a");
    assert_true(json_is(parse(state, "null"), JSON_NULL));
}

static void test_json_integers_are_exact_to_64_bits(void **state)
{
    struct json_value root =
        parse(state, "{\"umax\": 18446744073709551615, \"imax\": "
                     "9223372036854775807, \"imin\": -9223372036854775808, "
                     "\"above\": 9223372036854775808, \"odd\": 9007199254740993}");
    int64_t signed_value = 42;
    uint64_t value = 42;
    double number = 0;

    assert_true(json_get_u64(json_at(root, "umax"), &value));
    assert_true(value == UINT64_MAX);
    assert_false(json_get_i64(json_at(root, "umax"), &signed_value));
    assert_true(json_get_i64(json_at(root, "imax"), &signed_value));
    assert_true(signed_value == INT64_MAX);
    assert_true(json_get_i64(json_at(root, "imin"), &signed_value));
    assert_true(signed_value == INT64_MIN);
    signed_value = 42;
    assert_false(json_get_i64(json_at(root, "above"), &signed_value));
    assert_int_equal(signed_value, 42);
    assert_false(json_get_u64(json_at(root, "imin"), &value));
    assert_true(json_get_u64(json_at(root, "odd"), &value));
    assert_true(value == UINT64_C(9007199254740993));
    assert_true(json_get_double(json_at(root, "umax"), &number));
    assert_true(number == 0x1p64);
}

static void test_json_accessors_refuse_other_types(void **state)
{
    static const char *const keys[] = {"n", "b", "i", "d", "s", "a", "o", "absent"};
    struct json_value root = parse(state, "{\"n\": null, \"b\": true, \"i\": 1, \"d\": 1.0, "
                                          "\"s\": \"1\", \"a\": [1], \"o\": {\"x\": 1}}");

    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        struct json_value value = json_at(root, keys[i]);
        bool flag = false;
        int64_t number = 42;
        uint64_t natural = 42;
        double real = 42;
        struct str text = {"kept", 4};
        char kind = keys[i][0];

        assert_int_equal(json_get_bool(value, &flag), kind == 'b');
        assert_int_equal(json_get_i64(value, &number), kind == 'i');
        assert_int_equal(json_get_u64(value, &natural), kind == 'i');
        assert_int_equal(json_get_double(value, &real), kind == 'i' || kind == 'd');
        assert_int_equal(json_get_str(value, &text), kind == 's');
        assert_int_equal(number, kind == 'i' ? 1 : 42);
        assert_str(text, kind == 's' ? "1" : "kept");
        assert_int_equal(json_count(value), kind == 'a' && keys[i][1] == '\0' ? 1 : kind == 'o');
    }
}

static void test_json_missing_chains_need_one_look(void **state)
{
    struct json_value root = parse(state, "{\"a\": {\"b\": [1]}, \"s\": \"text\"}");
    struct json_value nothing = {0};
    struct json_iterator it;

    assert_true(json_is(json_at(json_at(root, "a"), "b"), JSON_ARRAY));
    assert_true(json_is(json_at(json_at(json_at(root, "x"), "y"), "z"), JSON_MISSING));
    assert_true(json_is(json_at(json_at(root, "s"), "y"), JSON_MISSING));
    assert_true(json_is(json_at(json_at(json_at(root, "a"), "b"), "c"), JSON_MISSING));
    assert_true(json_is(json_at(nothing, "a"), JSON_MISSING));
    assert_true(json_is(json_at_str(root, (struct str){NULL, 0}), JSON_MISSING));
    assert_true(json_is(json_at(root, "A"), JSON_MISSING));
    it = json_iterate(nothing);
    assert_false(json_next(&it));
    assert_false(json_next(&it));
    it = json_iterate(json_at(root, "s"));
    assert_false(json_next(&it));
    assert_int_equal(json_count(nothing), 0);
}

static void test_json_with_equal_keys_the_first_counts(void **state)
{
    struct json_value root = parse(state, "{\"k\": 1, \"other\": 0, \"k\": 2, \"\": 3}");
    int64_t number = 0;

    assert_true(json_get_i64(json_at(root, "k"), &number));
    assert_int_equal(number, 1);
    assert_int_equal(json_count(root), 4);
    assert_true(json_get_i64(json_at(root, ""), &number));
    assert_int_equal(number, 3);
}

/* Containers inside of what is walked must be stepped over whole, empty ones too. */
static void test_json_walks_skip_over_nested_containers(void **state)
{
    struct json_value root = parse(state, "{\"a\": [], \"b\": {}, \"c\": [[1, [2, {\"x\": [3]}]], "
                                          "{}], \"d\": {\"d\": {\"d\": 4}}, \"e\": 1.5, \"f\": "
                                          "[18446744073709551615, 2], \"g\": \"end\"}");
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g"};
    static const size_t counts[] = {0, 0, 2, 1, 0, 2, 0};
    size_t i = 0;

    for (struct json_iterator it = json_iterate(root); json_next(&it); i++) {
        assert_true(i < ARRAY_LENGTH(keys));
        assert_str(it.key, keys[i]);
        assert_int_equal(json_count(it.value), counts[i]);
    }
    assert_int_equal(i, ARRAY_LENGTH(keys));
    assert_int_equal(json_count(parse(state, "[]")), 0);
    assert_int_equal(json_count(parse(state, "{}")), 0);
}

static void test_json_strings_are_unescaped(void **state)
{
    struct json_value root = parse(state, "{\"\\u0061\\n\": \"\\u20ac\\ud83d\\ude00\\u0000\\/\"}");
    struct str text;

    assert_true(json_get_str(json_at(root, "a\n"), &text));
    assert_true(str_equal(text, (struct str){"€😀\0/", 9}));
}

static void test_json_depth_is_limited(void **state)
{
    char text[2 * JSON_DEPTH_MAX + 64];

    for (size_t depth = JSON_DEPTH_MAX - 2; depth <= JSON_DEPTH_MAX + 2; depth++) {
        struct json_value root;
        struct error error = {0};

        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        int code = json_parse(*state, (struct str){text, 2 * depth}, &root, &error);
        if (code != (depth <= JSON_DEPTH_MAX ? OK : ERR_INVALID)) {
            fail_msg("depth %zu: %d", depth, code);
        }
    }
}

static void test_json_refuses_what_is_no_json(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "[1] [2]",
        "[1]x",
        "nul",
        "NaN",
        "[Infinity]",
        "01",
        "1.",
        "+1",
        ".5",
        "0x10",
        "1e400",
        "18446744073709551616",
        "-9223372036854775809",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"tab\there\"",
        "\"open",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "[\"\xe2\x82\"]",
        "/* comment */ 1",
        "\xef\xbb\xbf"
        "1",
    };

    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct json_value root = {&root, 42};
        struct error error = {0};

        if (json_parse(*state, str_from(bad[i]), &root, &error) != ERR_INVALID) {
            fail_msg("'%s' was read", bad[i]);
        }
        assert_int_equal(error.code, ERR_INVALID);
        assert_true(error.message[0] != '\0');
        assert_int_equal(root.index, 42);
    }
    assert_int_equal(
        json_parse(*state, (struct str){NULL, 0}, &(struct json_value){0}, /* error */ NULL),
        ERR_INVALID);
    assert_int_equal(
        json_parse(*state, (struct str){"[1]\0", 4}, &(struct json_value){0}, /* error */ NULL),
        ERR_INVALID);
    assert_true(json_is(parse(state, "[1]"), JSON_ARRAY));
}

static void test_json_length_is_limited_exactly(void **state)
{
    static char text[BYTES_MAX + 1];
    struct json_value root;
    struct error error = {0};

    memset(text, ' ', sizeof(text));
    text[0] = '7';
    assert_int_equal(json_parse(*state, (struct str){text, BYTES_MAX}, &root, &error), OK);
    assert_int_equal(json_parse(*state, (struct str){text, BYTES_MAX + 1}, &root, &error),
                     ERR_LIMIT);
    assert_non_null(strstr(error.message, "100000"));
}

/* The parser grows and is used again: what a longer document left behind must not be seen. */
static void test_json_parser_is_used_again(void **state)
{
    static char text[60000];
    int64_t number;

    for (size_t size = 3; size < sizeof(text); size = size * 3 + 1) {
        struct json_value root;

        memset(text, ' ', sizeof(text));
        text[0] = '[';
        text[size / 2] = '5';
        text[size - 1] = ']';
        assert_int_equal(json_parse(*state, (struct str){text, size}, &root, NULL), OK);
        assert_int_equal(json_count(root), 1);
        struct json_value small = parse(state, "1");
        assert_true(json_get_i64(small, &number));
        assert_int_equal(number, 1);
    }
}

/* Ends right before what must not be read: ASan sees a read too far in our own copy. */
static void test_json_reads_no_byte_behind_the_text(void **state)
{
    static const char full[] = "{\"a\": [1.5e3, \"\\u00e9\xc3\xa9\", true], \"b\": -12}";

    for (size_t length = 0; length < sizeof(full); length++) {
        char *copy = test_malloc(length + (length == 0));
        struct json_value root;

        memcpy(copy, full, length);
        assert_int_equal(json_parse(*state, (struct str){copy, length}, &root, NULL),
                         length == sizeof(full) - 1 ? OK : ERR_INVALID);
        test_free(copy);
    }
}

#define WITH_PARSER(test) cmocka_unit_test_setup_teardown(test, open_parser, close_parser)

static const struct CMUnitTest tests[] = {
    WITH_PARSER(test_json_types_are_told_apart),
    WITH_PARSER(test_json_root_may_be_a_scalar),
    WITH_PARSER(test_json_integers_are_exact_to_64_bits),
    WITH_PARSER(test_json_accessors_refuse_other_types),
    WITH_PARSER(test_json_missing_chains_need_one_look),
    WITH_PARSER(test_json_with_equal_keys_the_first_counts),
    WITH_PARSER(test_json_walks_skip_over_nested_containers),
    WITH_PARSER(test_json_strings_are_unescaped),
    WITH_PARSER(test_json_depth_is_limited),
    WITH_PARSER(test_json_refuses_what_is_no_json),
    WITH_PARSER(test_json_length_is_limited_exactly),
    WITH_PARSER(test_json_parser_is_used_again),
    WITH_PARSER(test_json_reads_no_byte_behind_the_text),
};

UNIT_MAIN(tests)
