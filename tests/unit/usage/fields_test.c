/*
 * Spellings of fields are found whatever their case and separators, in paths too, and the table
 * that they come from is consistent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/buf.h"
#include "base/error.h"
#include "usage/fields.h"
#include "usage/lines.h"

static const char *field_of(const char *header)
{
    unsigned rank;
    const struct spelling *found = field_path_spelling(str_from(header), &rank);

    return found ? field_name(found->field) : "";
}

static void test_fields_are_found_in_every_spelling(void **state)
{
    static const struct {
        const char *header;
        const char *field;
    } cases[] = {
        {"TIMESTAMP", "time"},
        {"startTime", "time"},
        {"created_at", "time"},
        {"ContextTokens", "input_tokens"},
        {"Prompt Tokens", "input_tokens"},
        {"promptTokenCount", "input_tokens"},
        {"gen_ai.usage.input_tokens", "input_tokens"},
        {"response.usage.prompt_tokens", "input_tokens"},
        {"GeneratedTokens", "output"},
        {"usage.cache_read_input_tokens", "cache_read"},
        {"usage.prompt_tokens_details.cached_tokens", "cache_read"},
        {"usageDetails.input", "input_uncached"},
        {"Latency (ms)", "latency_ms"},
        {"hash_ids", "prefix_blocks"},
        {"message.model", "model"},
        {"conversation_id", "session"},
        {"spend", "recorded_cost"},
        {"messages.model", ""},
        {"", ""},
        {"prompt", ""},
        {"tokens", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        if (strcmp(field_of(cases[i].header), cases[i].field) != 0) {
            fail_msg("%s is %s, not %s", cases[i].header, field_of(cases[i].header),
                     cases[i].field);
        }
    }
}

static void test_fields_rank_the_nearer_spelling_first(void **state)
{
    unsigned plain;
    unsigned wrapped;
    unsigned response;

    (void)state;
    assert_non_null(field_path_spelling(STR("model"), &plain));
    assert_non_null(field_path_spelling(STR("body.model"), &wrapped));
    assert_non_null(field_path_spelling(STR("response_model"), &response));
    assert_true(plain < wrapped);
    assert_true(response < plain);
}

/* Every name of a record's field is its own spelling, and no spelling stands in the table twice. */
static void test_fields_table_is_consistent(void **state)
{
    static const char *const spellings[] = {
#define SPELLING(id, text, flags) text,
#include "usage/fields.def"
    };
    static const enum field fields[] = {
#define SPELLING(id, text, flags) FIELD_##id,
#include "usage/fields.def"
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(spellings); i++) {
        unsigned rank;
        const struct spelling *found = field_spelling(str_from(spellings[i]), &rank);

        if (rank != i) {
            fail_msg("%s is there before as %s", spellings[i], found->text);
        }
        assert_int_equal(found->field, fields[i]);
    }
    for (int field = 0; field < FIELD_COUNT; field++) {
        enum field by_name;
        unsigned flags;

        assert_true(field_by_map_name(str_from(field_name((enum field)field)), &by_name, &flags));
        assert_int_equal(by_name, field);
        assert_true(field_doc((enum field)field)[0] != '\0');
    }
}

static void test_fields_are_mapped_by_name_and_alias(void **state)
{
    enum field field;
    unsigned flags;
    struct buf names;

    (void)state;
    assert_true(field_by_map_name(STR("cached_tokens"), &field, &flags));
    assert_int_equal(field, FIELD_CACHE_READ);
    assert_true(field_by_map_name(STR("latency_s"), &field, &flags));
    assert_int_equal(field, FIELD_LATENCY);
    assert_int_equal(flags, UNIT_S);
    assert_true(field_by_map_name(STR("latency_ms"), &field, &flags));
    assert_int_equal(flags, UNIT_MS);
    assert_false(field_by_map_name(STR("prompt_tokens"), &field, &flags));
    assert_true(field_takes_constant(FIELD_MODEL));
    assert_true(field_takes_constant(FIELD_STATUS));
    assert_false(field_takes_constant(FIELD_INPUT));
    assert_false(field_takes_constant(FIELD_REQUEST_ID));
    buf_init(&names, 4096);
    field_print_map_names(&names);
    assert_true(str_starts_with(buf_str(&names), STR("time, end_time")));
    assert_int_equal(str_find(buf_str(&names), STR("latency_ms, latency_ms"), 0), SIZE_MAX);
    buf_done(&names);
}

static int print_line(const struct line *line, void *arg)
{
    buf_printf(arg, "[%d:%s%.*s%s]", (int)line->number, line->is_too_long ? "too long" : "",
               STR_ARGS(line->text), line->is_last_open ? "~" : "");
    return OK;
}

static void test_lines_are_whole_whatever_the_pieces(void **state)
{
    struct str text = STR("one\r\n\ntwo\n12345678901\n1234567890\nend");

    (void)state;
    for (size_t piece = 1; piece <= text.length; piece++) {
        struct lines lines;
        struct buf out;

        lines_init(&lines, 10);
        buf_init(&out, 4096);
        for (size_t i = 0; i < text.length; i += piece) {
            size_t end = i + piece < text.length ? i + piece : text.length;

            assert_int_equal(lines_feed(&lines, str_slice(text, i, end), print_line, &out), OK);
        }
        assert_int_equal(lines_finish(&lines, print_line, &out), OK);
        assert_str(buf_str(&out), "[1:one][2:][3:two][4:too long][5:1234567890][6:end~]");
        buf_done(&out);
        lines_done(&lines);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fields_are_found_in_every_spelling),
    cmocka_unit_test(test_fields_rank_the_nearer_spelling_first),
    cmocka_unit_test(test_fields_table_is_consistent),
    cmocka_unit_test(test_fields_are_mapped_by_name_and_alias),
    cmocka_unit_test(test_lines_are_whole_whatever_the_pieces),
};

UNIT_MAIN(tests)
