/*
 * The HTML report is well formed, loads nothing, runs nothing, and shows foreign text as text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "render.h"
#include "sample_report.h"

#define DEPTH_MAX 64

struct tags {
    struct str open[DEPTH_MAX];
    size_t depth;
    size_t count;
};

static bool is_void_element(struct str name)
{
    return str_equal(name, STR("meta")) || str_equal(name, STR("br"));
}

/* The end of a tag that begins at at: the '>' outside of quotes. */
static size_t end_of_tag(struct str html, size_t at)
{
    char quote = 0;

    for (; at < html.length; at++) {
        char c = html.data[at];

        if (quote) {
            quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '>') {
            return at;
        }
    }
    fail_msg("a tag is not closed");
    return at;
}

static void read_tag(struct tags *tags, struct str tag)
{
    bool closes = tag.data[0] == '/';
    bool is_empty = tag.data[tag.length - 1] == '/';
    size_t end = closes;

    while (end < tag.length && tag.data[end] != ' ' && tag.data[end] != '/') {
        end++;
    }
    struct str name = str_slice(tag, closes, end);
    tags->count++;
    if (closes) {
        assert_true(tags->depth > 0);
        struct str open = tags->open[--tags->depth];
        if (!str_equal(open, name)) {
            fail_msg("<%.*s> is closed by </%.*s>", STR_ARGS(open), STR_ARGS(name));
        }
    } else if (!is_empty && !is_void_element(name) && name.data[0] != '!') {
        assert_true(tags->depth < DEPTH_MAX);
        tags->open[tags->depth++] = name;
    }
}

/* Every element is closed in order; '<' and '>' appear in tags only; '&' begins an entity. */
static void assert_well_formed(struct str html)
{
    struct tags tags = {0};

    for (size_t i = 0; i < html.length; i++) {
        char c = html.data[i];

        if (c == '<') {
            size_t end = end_of_tag(html, i);

            read_tag(&tags, str_slice(html, i + 1, end));
            i = end;
        } else if (c == '&') {
            size_t end = str_find(html, STR(";"), i);
            assert_true(end != SIZE_MAX && end - i <= 6);
        } else {
            assert_true(c != '>');
        }
    }
    assert_int_equal(tags.depth, 0);
    assert_true(tags.count > 20);
}

static void test_html_is_well_formed_for_any_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTILE_NAMES; i++) {
        struct buf out;

        render_named(report_render_html, hostile_name(i), &out);
        assert_well_formed(buf_str(&out));
        assert_false(holds(&out, "<script"));
        assert_false(holds(&out, "<img"));
        assert_false(holds(&out, "\x1b"));
        assert_false(holds(&out, "\xe2\x80\xae"));
        assert_int_equal(count_of(&out, "</main>"), 1);
        buf_done(&out);
    }
}

static void test_html_escapes_a_name_and_keeps_it(void **state)
{
    struct buf out;

    (void)state;
    render_named(report_render_html, STR("<b>\"x\"&'y'"), &out);
    assert_true(holds(&out, "<code><bdi>&lt;b&gt;&quot;x&quot;&amp;&#39;y&#39;</bdi></code>"));
    buf_done(&out);
}

static void test_html_loads_and_runs_nothing(void **state)
{
    static const char *const forbidden[] = {
        "<script", "src=",    "@import",     "url(", "<link",
        "<iframe", "<object", "javascript:", " on",  "href=\"http"};
    struct buf out;

    (void)state;
    render_named(report_render_html, STR("gpt"), &out);
    for (size_t i = 0; i < ARRAY_LENGTH(forbidden); i++) {
        size_t at = str_find(buf_str(&out), str_from(forbidden[i]), 0);

        /* " on" may be a word, but not an attribute: no '=' follows its letters */
        while (at != SIZE_MAX && strcmp(forbidden[i], " on") == 0) {
            size_t end = at + 3;
            while (out.data[end] >= 'a' && out.data[end] <= 'z') {
                end++;
            }
            assert_true(out.data[end] != '=');
            at = str_find(buf_str(&out), STR(" on"), end);
        }
        assert_true(at == SIZE_MAX);
    }
    assert_true(holds(&out, "content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri "
                            "'none'; form-action 'none'\""));
    buf_done(&out);
}

static void test_html_facts_carry_their_lineage(void **state)
{
    struct buf out;

    (void)state;
    render_named(report_render_html, STR("gpt"), &out);
    assert_true(holds(&out, "<a class=\"fact fact-computed\" href=\"#fact-spend.2Etotal\" "
                            "title=\"spend.total · computed · from 768,954 records · sum of "
                            "tokens × price over the records, exact\">$14,807.04</a>"));
    assert_true(holds(&out, "<tr id=\"fact-spend.2Etotal\">"));
    assert_true(holds(&out, "class=\"fact fact-unknown\""));
    assert_true(holds(&out, ">unknown (needs paired quality scores: run shadow calls)</a>"));
    assert_true(holds(&out, "class=\"fact fact-bounded\""));
    assert_true(holds(&out, ">$212.40 to $640.12</a>"));
    buf_done(&out);
}

/* Every link inside the page leads to an element of the page. */
static void test_html_links_lead_somewhere(void **state)
{
    struct buf out;
    char id[1200]; /* a byte of a name may take three */

    (void)state;
    render_named(report_render_html, hostile_name(HOSTILE_NAMES - 1), &out);
    size_t links = 0;
    for (size_t at = 0; (at = str_find(buf_str(&out), STR("href=\"#"), at)) != SIZE_MAX; links++) {
        at += 7;
        size_t end = str_find(buf_str(&out), STR("\""), at);
        (void)snprintf(id, sizeof(id), " id=\"%.*s\"", (int)(end - at), out.data + at);
        assert_int_equal(count_of(&out, id), 1);
    }
    assert_true(links > 30);
    buf_done(&out);
}

static void test_html_guidance_is_well_formed(void **state)
{
    struct report *report;
    struct buf out;

    (void)state;
    assert_int_equal(sample_guidance_new(&report), OK);
    buf_init(&out, RENDER_BYTES_MAX);
    report_render_html(report, &out);
    assert_int_equal(buf_status(&out), OK);
    assert_well_formed(buf_str(&out));
    assert_true(holds(&out, "This report holds no numbers."));
    assert_true(holds(&out, "id=\"next-steps\""));
    buf_done(&out);
    report_free(report);
}

static void test_html_is_the_same_twice(void **state)
{
    (void)state;
    assert_renders_alike(report_render_html);
}

static void test_html_survives_no_memory(void **state)
{
    (void)state;
    assert_survives_no_memory(report_render_html);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_html_is_well_formed_for_any_name),
    cmocka_unit_test(test_html_escapes_a_name_and_keeps_it),
    cmocka_unit_test(test_html_loads_and_runs_nothing),
    cmocka_unit_test(test_html_facts_carry_their_lineage),
    cmocka_unit_test(test_html_links_lead_somewhere),
    cmocka_unit_test(test_html_guidance_is_well_formed),
    cmocka_unit_test(test_html_is_the_same_twice),
    cmocka_unit_test(test_html_survives_no_memory),
};

UNIT_MAIN(tests)
