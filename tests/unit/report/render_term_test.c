/*
 * The terminal report: never wider than asked, nothing but text and our own colours, tables that
 * line up, and every fact in words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "render.h"
#include "report/visible.h"
#include "sample_report.h"

static void render_plain(const struct report *report, struct buf *out)
{
    struct term_options options = {.width = 80};

    report_render_term(report, &options, out);
}

static void render_coloured(const struct report *report, struct buf *out)
{
    struct term_options options = {.width = 100, .colour = true};

    report_render_term(report, &options, out);
}

static void render_narrow(const struct report *report, struct buf *out)
{
    struct term_options options = {.width = 40};

    report_render_term(report, &options, out);
}

/* The next line of out, without its end. */
static bool next_line(const struct buf *out, size_t *at, struct str *ret_line)
{
    if (*at >= out->length) {
        return false;
    }
    size_t end = str_find(buf_str(out), STR("\n"), *at);
    assert_true(end != SIZE_MAX);
    *ret_line = str_slice(buf_str(out), *at, end);
    *at = end + 1;
    return true;
}

static void assert_fits(const struct buf *out, unsigned width)
{
    struct str line;

    for (size_t at = 0; next_line(out, &at, &line);) {
        if (visible_width(line) > width) {
            fail_msg("wider than %u: '%.*s'", width, STR_ARGS(line));
        }
    }
}

static void test_term_respects_the_width(void **state)
{
    struct report *report;

    (void)state;
    for (size_t i = 0; i < HOSTILE_NAMES; i += 3) {
        assert_int_equal(sample_report_named_new(hostile_name(i), &report), OK);
        for (unsigned width = 40; width <= 160; width += 15) {
            struct term_options options = {.width = width};
            struct buf out;

            buf_init(&out, RENDER_BYTES_MAX);
            report_render_term(report, &options, &out);
            assert_fits(&out, width);
            buf_done(&out);
        }
        report_free(report);
    }
}

static void test_term_holds_an_odd_width(void **state)
{
    struct term_options narrow = {.width = 0};
    struct term_options wide = {.width = 100000};
    struct report *report;
    struct buf out;

    (void)state;
    assert_int_equal(sample_report_new(&report), OK);
    buf_init(&out, RENDER_BYTES_MAX);
    report_render_term(report, &narrow, &out);
    assert_fits(&out, 40);
    buf_clear(&out);
    report_render_term(report, &wide, &out);
    assert_fits(&out, 160);
    buf_done(&out);
    report_free(report);
}

/* Without colour no byte below a space but line ends; with colour only "ESC [ digits ; m". */
static void assert_only_colours(const struct buf *out, bool colour)
{
    for (size_t i = 0; i < out->length; i++) {
        unsigned char c = (unsigned char)out->data[i];

        if (colour && c == 0x1b) {
            assert_int_equal(out->data[++i], '[');
            do {
                i++;
            } while ((out->data[i] >= '0' && out->data[i] <= '9') || out->data[i] == ';');
            assert_int_equal(out->data[i], 'm');
        } else {
            assert_true((c >= ' ' && c != 0x7f) || c == '\n');
        }
    }
}

static void test_term_lets_no_foreign_escape_through(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTILE_NAMES; i++) {
        struct buf out;

        render_named(render_plain, hostile_name(i), &out);
        assert_only_colours(&out, false);
        assert_false(holds(&out, "\xe2\x80\xae"));
        buf_done(&out);
        render_named(render_coloured, hostile_name(i), &out);
        assert_only_colours(&out, true);
        buf_done(&out);
    }
}

static void test_term_colour_only_repeats_the_words(void **state)
{
    struct term_options options = {.width = 100};
    struct report *report;
    struct buf plain;
    struct buf coloured;
    struct buf stripped;

    (void)state;
    assert_int_equal(sample_report_new(&report), OK);
    buf_init(&plain, RENDER_BYTES_MAX);
    buf_init(&coloured, RENDER_BYTES_MAX);
    buf_init(&stripped, RENDER_BYTES_MAX);
    report_render_term(report, &options, &plain);
    options.colour = true;
    report_render_term(report, &options, &coloured);
    assert_true(coloured.length > plain.length);
    for (size_t i = 0; i < coloured.length; i++) {
        if (coloured.data[i] == '\x1b') {
            while (coloured.data[i] != 'm') {
                i++;
            }
        } else {
            buf_append_char(&stripped, coloured.data[i]);
        }
    }
    assert_true(str_equal(buf_str(&plain), buf_str(&stripped)));
    buf_done(&plain);
    buf_done(&coloured);
    buf_done(&stripped);
    report_free(report);
}

static void test_term_shows_numbers_and_what_is_unknown(void **state)
{
    struct buf out;

    (void)state;
    render_named(render_coloured, STR("gpt"), &out);
    assert_true(holds(&out, "$14,807.04"));
    assert_true(holds(&out, "46.5 %"));
    assert_true(holds(&out, "unknown (needs paired quality scores: run shadow calls)"));
    assert_true(holds(&out, "$212.40 to $640.12"));
    assert_true(holds(&out, "exactly \x1b[0;1m0.0000021"));
    assert_false(holds(&out, "{"));
    assert_false(holds(&out, "`"));
    buf_done(&out);
}

/* Numbers of a column end in the same column of the screen. */
static void test_term_tables_line_up(void **state)
{
    struct str line;
    struct buf out;
    size_t end = 0;
    unsigned rows = 0;

    (void)state;
    render_named(render_plain, STR("模型"), &out);
    for (size_t at = 0; next_line(&out, &at, &line);) {
        size_t dollar = str_find(line, STR("$"), 0);
        bool is_row =
            str_find(line, STR("  "), 0) != SIZE_MAX &&
            (str_starts_with(line, STR("gpt-4o  ")) || str_starts_with(line, STR("模型  ")) ||
             str_starts_with(line, STR("gemini-2.5-pro  ")));

        if (!is_row || dollar == SIZE_MAX || str_find(line, STR("█"), 0) != SIZE_MAX ||
            str_find(line, STR("▎"), 0) != SIZE_MAX || str_find(line, STR("▏"), 0) != SIZE_MAX ||
            str_find(line, STR("▌"), 0) != SIZE_MAX || str_find(line, STR(","), 0) == SIZE_MAX) {
            continue;
        }
        size_t stop = dollar;
        while (stop < line.length && line.data[stop] != ' ') {
            stop++;
        }
        unsigned column = visible_width(str_slice(line, 0, stop));
        assert_true(rows == 0 || column == end);
        end = column;
        rows++;
    }
    assert_int_equal(rows, 3);
    buf_done(&out);
}

static void test_term_narrow_tables_become_records(void **state)
{
    struct buf out;

    (void)state;
    render_named(render_narrow, STR("a-model-with-a-name-that-is-far-too-long"), &out);
    assert_fits(&out, 40);
    assert_true(holds(&out, "$4,630.12"));
    assert_true(holds(&out, "411,902"));
    buf_done(&out);
}

static void test_term_cuts_long_tables_and_says_so(void **state)
{
    static const char *const columns[] = {"name"};
    struct report_cell cell = {.text = STR("row")};
    struct report_section *section;
    struct report_table *table;
    struct report *report;
    struct buf out;

    (void)state;
    assert_int_equal(report_new(&report), OK);
    assert_int_equal(report_add_section(report, "s", "Rows", &section), OK);
    assert_int_equal(report_add_table(report, section, "", columns, 1, &table), OK);
    for (unsigned i = 0; i < REPORT_TABLE_ROWS_SHOWN + 3; i++) {
        assert_int_equal(report_add_row(report, table, &cell), OK);
    }
    buf_init(&out, RENDER_BYTES_MAX);
    render_plain(report, &out);
    assert_int_equal(count_of(&out, "\nrow"), REPORT_TABLE_ROWS_SHOWN);
    assert_true(holds(&out, "… and 3 more rows"));
    buf_done(&out);
    report_free(report);
}

static void test_term_guidance_says_what_to_do(void **state)
{
    struct report *report;
    struct buf out;

    (void)state;
    assert_int_equal(sample_guidance_new(&report), OK);
    buf_init(&out, RENDER_BYTES_MAX);
    render_plain(report, &out);
    assert_true(holds(&out, "Next steps"));
    assert_true(holds(&out, "`netra ask`"));
    assert_false(holds(&out, "1970"));
    buf_done(&out);
    report_free(report);
}

static void test_term_is_the_same_twice(void **state)
{
    (void)state;
    assert_renders_alike(render_coloured);
}

static void test_term_survives_no_memory(void **state)
{
    (void)state;
    assert_survives_no_memory(render_plain);
    assert_survives_no_memory(render_narrow);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_term_respects_the_width),
    cmocka_unit_test(test_term_holds_an_odd_width),
    cmocka_unit_test(test_term_lets_no_foreign_escape_through),
    cmocka_unit_test(test_term_colour_only_repeats_the_words),
    cmocka_unit_test(test_term_shows_numbers_and_what_is_unknown),
    cmocka_unit_test(test_term_tables_line_up),
    cmocka_unit_test(test_term_narrow_tables_become_records),
    cmocka_unit_test(test_term_cuts_long_tables_and_says_so),
    cmocka_unit_test(test_term_guidance_says_what_to_do),
    cmocka_unit_test(test_term_is_the_same_twice),
    cmocka_unit_test(test_term_survives_no_memory),
};

UNIT_MAIN(tests)
