/*
 * The Markdown report: foreign text can make no link, no HTML, no table cell and no heading.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "render.h"
#include "sample_report.h"

/* Columns of a table line: unescaped pipes. */
static size_t pipes_of(struct str line)
{
    size_t pipes = 0;

    for (size_t i = 0; i < line.length; i++) {
        if (line.data[i] == '\\') {
            i++;
        } else if (line.data[i] == '|') {
            pipes++;
        }
    }
    return pipes;
}

static void test_markdown_tables_keep_their_columns(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTILE_NAMES; i++) {
        struct buf out;
        size_t rows = 0;

        render_named(report_render_markdown, hostile_name(i), &out);
        for (size_t at = 0; at < out.length;) {
            size_t end = str_find(buf_str(&out), STR("\n"), at);
            struct str line = str_slice(buf_str(&out), at, end);

            if (line.length && line.data[0] == '|') {
                assert_int_equal(pipes_of(line), 5);
                rows++;
            }
            at = end + 1;
        }
        assert_int_equal(rows, 7); /* header, rule, five models */
        buf_done(&out);
    }
}

static void test_markdown_keeps_its_outline(void **state)
{
    struct buf plain;

    (void)state;
    render_named(report_render_markdown, STR("gpt"), &plain);
    for (size_t i = 0; i < HOSTILE_NAMES; i++) {
        struct buf out;

        render_named(report_render_markdown, hostile_name(i), &out);
        assert_int_equal(count_of(&out, "\n# "), count_of(&plain, "\n# "));
        assert_int_equal(count_of(&out, "\n## "), count_of(&plain, "\n## "));
        assert_int_equal(count_of(&out, "\n### "), count_of(&plain, "\n### "));
        assert_int_equal(count_of(&out, "\n- "), count_of(&plain, "\n- "));
        assert_int_equal(count_of(&out, "\n```"), count_of(&plain, "\n```"));
        buf_done(&out);
    }
    buf_done(&plain);
}

static void test_markdown_makes_data_inert(void **state)
{
    struct buf out;

    (void)state;
    render_named(report_render_markdown, STR("<b> [a](http://e.example) @all #1 *x* www.e"), &out);
    assert_true(holds(&out, "| \\<b\\> \\[a\\](http:\\//e.example) \\@all \\#1 \\*x\\* www\\.e |"));
    assert_true(holds(&out, "`<b> [a](http://e.example) @all #1 *x* www.e`"));
    assert_true(holds(&out, "usage of \\<b\\> \\[a\\]"));
    buf_done(&out);
    render_named(report_render_markdown, STR("http:\xe2\x80\x8b//e ww\xc2\xadw.e"), &out);
    assert_true(holds(&out, "| http:\\//e www\\.e |")); /* hidden characters do not help */
    buf_done(&out);
    render_named(report_render_markdown, STR("a`b``c"), &out);
    assert_true(holds(&out, "```a`b``c```"));
    buf_done(&out);
    render_named(report_render_markdown, STR("`a"), &out);
    assert_true(holds(&out, "`` `a ``"));
    buf_done(&out);
}

/* A label of three backquotes at the start of a line would end a fence of three. */
static void test_markdown_fence_is_longer_than_its_labels(void **state)
{
    struct buf out;

    (void)state;
    render_named(report_render_markdown, STR("```"), &out);
    assert_true(holds(&out, "\n````text\n"));
    buf_done(&out);
}

static void test_markdown_shows_states(void **state)
{
    struct buf out;

    (void)state;
    render_named(report_render_markdown, STR("gpt"), &out);
    assert_true(holds(&out, "*unknown (needs paired quality scores: run shadow calls)*"));
    assert_true(holds(&out, "*$212.40 to $640.12*"));
    assert_true(holds(&out, "- **Saves:** $5,559.18\n"));
    assert_true(holds(&out, "$842.13 in this plan, $1,107.40 on its own"));
    assert_true(holds(&out, "| *unknown* |"));
    buf_done(&out);
}

static void test_markdown_is_the_same_twice(void **state)
{
    (void)state;
    assert_renders_alike(report_render_markdown);
}

static void test_markdown_survives_no_memory(void **state)
{
    (void)state;
    assert_survives_no_memory(report_render_markdown);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_markdown_tables_keep_their_columns),
    cmocka_unit_test(test_markdown_keeps_its_outline),
    cmocka_unit_test(test_markdown_makes_data_inert),
    cmocka_unit_test(test_markdown_fence_is_longer_than_its_labels),
    cmocka_unit_test(test_markdown_shows_states),
    cmocka_unit_test(test_markdown_is_the_same_twice),
    cmocka_unit_test(test_markdown_survives_no_memory),
};

UNIT_MAIN(tests)
