/*
 * Each written form says what the evidence says, and what a deployment wrote can neither command a
 * terminal nor break a table or an XML document.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "evidence_fixture.h"

#include "verify/render.h"
#include "json/json_read.h"

#define OUT_BYTES ((size_t)8 << 20)
#define EVIL      "\x1b[31m<script>&\"'|`*_\n# x](y) \xff\xef\xbf\xbf\x01"

typedef int (*render_fn)(const struct evidence *evidence, struct buf *out);

static int print_plain(const struct evidence *evidence, struct buf *out)
{
    return evidence_print(evidence, /* uses_colour */ false, out);
}

static void render(const struct evidence *evidence, render_fn fn, struct buf *out)
{
    buf_init(out, OUT_BYTES);
    assert_int_equal(fn(evidence, out), OK);
    assert_true(str_is_utf8(buf_str(out)));
    assert_true(out->data[out->length - 1] == '\n');
}

static void check_has(const struct buf *out, const char *text)
{
    if (str_find(buf_str(out), str_from(text), 0) == SIZE_MAX) {
        fail_msg("'%s' is not in:\n%s", text, out->data);
    }
}

static void check_has_not(const struct buf *out, const char *text)
{
    if (str_find(buf_str(out), str_from(text), 0) != SIZE_MAX) {
        fail_msg("'%s' is in:\n%s", text, out->data);
    }
}

/* One of each: a failed finding, a missed target, a violation. */
static struct evidence *mixed_evidence(const char *text)
{
    struct evidence *evidence = honest_evidence();
    struct check *check;

    assert_int_equal(evidence_begin_check(evidence, "features", "Features", &check), OK);
    assert_int_equal(evidence_find(evidence, check, "price", OUTCOME_FAILED, text, "%s", text), OK);
    evidence_end_check(evidence, check);
    check->started_us = WALL_US + 9 * SECOND;
    check->started_monotonic_us = MONOTONIC_US + 9 * SECOND;
    check->duration_us = 1000;
    evidence->checks[0].findings[0].expected = str_from(text);
    evidence->checks[0].duration_us = 100; /* its exchanges are outside */
    evidence->server_version = evidence->deployment = str_from(text);
    assert_int_equal(evidence_judge(evidence), OK);
    return evidence;
}

/* ---- what they say ---- */

static void test_render_seconds_shows_that_little_is_not_nothing(void **state)
{
    char text[RENDER_FIGURE_BYTES];

    (void)state;
    render_seconds(421, text);
    assert_string_equal(text, "0.000421 s");
    render_seconds(9999, text);
    assert_string_equal(text, "0.009999 s");
    render_seconds(10000, text);
    assert_string_equal(text, "0.010 s");
}

static void test_render_terminal_shows_what_counts(void **state)
{
    struct evidence *evidence = honest_evidence();
    struct buf out;

    (void)state;
    assert_int_equal(evidence_judge(evidence), OK);
    render(evidence, print_plain, &out);
    check_has(&out, "netra verify http://127.0.0.1:8421 · floor · server 1.2.3\n");
    check_has(&out, "✓ message_flow  Messages, end to end");
    check_has(&out, "2/2");
    check_has(&out, "3.000 s");
    check_has(&out, "6.8 kB in\n");
    check_has(&out, "– isolation/other_workspace: needs accounts mode\n");
    check_has(&out, "p95 ≤ 50\n");
    check_has(&out, "client  CPU 0.123 s, peak memory 45.7 MB\n");
    check_has(&out, "server  unknown (needs an operator's token)\n");
    check_has(&out, "\nincomplete: 2 of 3 checks passed, 1 not exercised in full, in 10.000 s\n");
    check_has_not(&out, "\x1b");
    check_has_not(&out, "Meta-check");
    buf_done(&out);
    buf_init(&out, OUT_BYTES);
    assert_int_equal(evidence_print(evidence, /* uses_colour */ true, &out), OK);
    check_has(&out, "\x1b[32m✓\x1b[0m message_flow");
    buf_done(&out);
    evidence_free(evidence);
}

static void test_render_terminal_shows_failures_with_their_values(void **state)
{
    struct evidence *evidence = mixed_evidence("plain");
    struct buf out;

    (void)state;
    render(evidence, print_plain, &out);
    check_has(&out, "✗ features");
    check_has(&out, "    ✗ price\n      expected  plain\n      observed  plain\n");
    check_has(&out, "Meta-check: this evidence contradicts itself");
    check_has(&out, "✗ exchange_longer_than_check");
    check_has(&out, "\nfailed: 1 of 4 checks passed, 2 failed, 1 not exercised");
    buf_done(&out);
    evidence_free(evidence);
}

static void test_render_markdown_has_all_of_it(void **state)
{
    struct evidence *evidence = mixed_evidence("plain");
    struct buf out;

    (void)state;
    render(evidence, evidence_write_markdown, &out);
    check_has(&out, "| Address | http\\://127.0.0.1:8421 |\n");
    check_has(&out, "# Evidence: failed: 1 of 4 checks passed");
    check_has(&out, "| 127.0.0.1:8421 | none |  | 103 | 102 | ");
    check_has(&out, "| price | ✗ **failed** | plain | plain |");
    check_has(&out, "| api | ✓ passed | p95 ≤ 50 | 100 | 10 | ");
    check_has(&out, "* isolation/other\\_workspace: needs accounts mode\n");
    check_has(&out, "✗ This evidence contradicts itself.");
    check_has(&out, "* server: unknown (needs an operator's token)\n");
    check_has(&out, "netra verify --url 'http://127.0.0.1:8421' --profile 'floor' --samples 100");
    check_has_not(&out, "s3cret");
    buf_done(&out);
    evidence_free(evidence);
}

/* The printed figures are those of the samples, to the nanosecond. */
static void test_render_figures_can_be_computed_again(void **state)
{
    struct evidence *evidence = honest_evidence();
    struct spread spread;
    struct buf out;
    char p95[64];

    (void)state;
    assert_int_equal(spread_of(evidence->sets[0].values_us, 100, &spread), OK);
    (void)snprintf(p95, sizeof(p95), "%.3f", spread.p95 / 1000);
    assert_int_equal(evidence_judge(evidence), OK);
    render(evidence, print_plain, &out);
    check_has(&out, p95);
    buf_done(&out);
    render(evidence, evidence_write_markdown, &out);
    check_has(&out, p95);
    buf_done(&out);
    evidence_free(evidence);
}

static unsigned count_of(const struct buf *out, const char *text)
{
    unsigned count = 0;

    for (size_t at = 0; (at = str_find(buf_str(out), str_from(text), at)) != SIZE_MAX; at++) {
        count++;
    }
    return count;
}

static void test_render_junit_counts_its_cases(void **state)
{
    struct evidence *evidence = mixed_evidence("plain");
    struct buf out;
    char whole[128];

    (void)state;
    render(evidence, evidence_write_junit, &out);
    (void)snprintf(whole, sizeof(whole),
                   "<testsuites name=\"netra verify\" tests=\"%u\" failures=\"%u\" errors=\"0\"",
                   count_of(&out, "<testcase "), count_of(&out, "<failure "));
    check_has(&out, whole);
    check_has(&out, "<testsuite name=\"isolation\" tests=\"1\" failures=\"0\" errors=\"0\" "
                    "skipped=\"1\"");
    check_has(&out, "<skipped message=\"needs accounts mode\"/>");
    check_has(&out, "<testcase classname=\"netra.verify.performance\" name=\"api\"/>");
    check_has(&out, "message=\"expected plain; observed plain\"");
    check_has(&out,
              "classname=\"netra.verify.message_flow\" name=\"check\">"); /* by the meta-check */
    check_has(&out, "type=\"meta_check\"");
    assert_int_equal(count_of(&out, "<testsuite "), 5);
    buf_done(&out);
    evidence_free(evidence);
}

static void test_render_says_when_nothing_answered(void **state)
{
    struct evidence *evidence = NULL;
    struct buf out;

    (void)state;
    assert_int_equal(evidence_new(&evidence), OK);
    assert_int_equal(evidence_judge(evidence), OK);
    render(evidence, print_plain, &out);
    check_has(&out, "unreachable: nothing answered, in ");
    buf_done(&out);
    render(evidence, evidence_write_junit, &out);
    check_has(&out, "name=\"deployment_answers\">\n      <failure ");
    buf_done(&out);
    render(evidence, evidence_write_markdown, &out);
    check_has(&out, "Nobody: no connection was made.");
    buf_done(&out);
    evidence_free(evidence);
}

/* ---- what a deployment wrote ---- */

static void test_render_obeys_nothing(void **state)
{
    static const render_fn renderers[] = {print_plain, evidence_write_markdown,
                                          evidence_write_junit};
    struct evidence *evidence = mixed_evidence(EVIL);

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(renderers); i++) {
        struct buf out;

        render(evidence, renderers[i], &out);
        for (size_t k = 0; k < out.length; k++) {
            unsigned char c = (unsigned char)out.data[k];
            assert_true(c == '\n' || (c >= ' ' && c != 0x7f));
        }
        check_has_not(&out, "\n# x");
        if (renderers[i] == evidence_write_junit) {
            check_has_not(&out, "<script");
            check_has_not(&out, "\xef\xbf\xbf"); /* no character of XML */
        }
        buf_done(&out);
    }
    struct buf out;
    render(evidence, evidence_write_markdown, &out);
    check_has(&out, "\\<script\\>\\&\"'\\|\\`\\*\\_ \\# x\\](y)");
    buf_done(&out);
    render(evidence, evidence_write_junit, &out);
    check_has(&out, "&lt;script&gt;&amp;&quot;&apos;|`*_ # x](y)");
    buf_done(&out);
    evidence_free(evidence);
}

static void test_render_json_is_json(void **state)
{
    struct evidence *evidence = mixed_evidence(EVIL);
    struct json_parser *parser = NULL;
    struct json_value root;
    struct buf out;

    (void)state;
    render(evidence, evidence_write_json, &out);
    assert_int_equal(json_parser_new(OUT_BYTES, &parser), OK);
    assert_int_equal(json_parse(parser, buf_str(&out), &root, NULL), OK);
    assert_int_equal(json_count(json_at(root, "exchanges")), 103);
    assert_int_equal(json_count(json_at(root, "checks")), 4);
    check_has_not(&out, "s3cret");
    json_parser_free(parser);
    buf_done(&out);
    evidence_free(evidence);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_render_seconds_shows_that_little_is_not_nothing),
    cmocka_unit_test(test_render_terminal_shows_what_counts),
    cmocka_unit_test(test_render_terminal_shows_failures_with_their_values),
    cmocka_unit_test(test_render_markdown_has_all_of_it),
    cmocka_unit_test(test_render_figures_can_be_computed_again),
    cmocka_unit_test(test_render_junit_counts_its_cases),
    cmocka_unit_test(test_render_says_when_nothing_answered),
    cmocka_unit_test(test_render_obeys_nothing),
    cmocka_unit_test(test_render_json_is_json),
};

UNIT_MAIN(tests)
