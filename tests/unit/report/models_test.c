/*
 * What a report says about the models of its run: who wrote the summary, and what each was asked,
 * in every format. A report without models says nothing of them, so it is what it was before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "render.h"
#include "sample_report.h"
#include "json/json_read.h"

static void render_plain(const struct report *report, struct buf *out)
{
    struct term_options options = {.width = 140};

    report_render_term(report, &options, out);
}

static void render_modelled(render_fn render, struct str model, struct buf *out)
{
    struct report *report;

    assert_int_equal(sample_report_modelled_new(model, &report), OK);
    assert_int_equal(report_gate(report, NULL, NULL), OK);
    buf_init(out, RENDER_BYTES_MAX);
    render(report, out);
    assert_int_equal(buf_status(out), OK);
    assert_true(str_is_utf8(buf_str(out)));
    report_free(report);
}

static void test_models_are_copied_and_limited(void **state)
{
    char name[] = "claude";
    struct report_model_call call = {.purpose = STR("write"), .model = {name, 6}, .attempts = 2};
    struct report *report;

    (void)state;
    assert_int_equal(report_new(&report), OK);
    for (size_t i = 0; i < REPORT_MODEL_CALLS_MAX; i++) {
        assert_int_equal(report_add_model_call(report, &call), OK);
    }
    assert_int_equal(report_add_model_call(report, &call), ERR_LIMIT);
    assert_int_equal(report->model_call_count, REPORT_MODEL_CALLS_MAX);
    name[0] = 'X';
    assert_str(report->model_calls[0].model, "claude");
    assert_str(report->model_calls[15].purpose, "write");
    assert_str(report->model_calls[15].provider, "");
    assert_int_equal(report->model_calls[15].attempts, 2);
    report_free(report);
}

static void test_models_stand_in_the_terminal(void **state)
{
    struct buf out;

    (void)state;
    render_modelled(render_plain, STR("claude-haiku-4-5"), &out);
    assert_true(holds(&out, "Written by anthropic/claude-haiku-4-5 from the facts of this report; "
                            "every number in it is one of them.\n"));
    assert_true(holds(&out, "Models asked\n"));
    assert_true(holds(&out, "1,204          96  $0.00168\n"));
    assert_true(holds(&out, "3,100           0   unknown\n"));
    assert_false(holds(&out, "$0.00\n"));
    assert_true(holds(&out, "nobody answered"));
    buf_done(&out);
}

static void test_models_stand_in_markdown(void **state)
{
    struct buf out;

    (void)state;
    render_modelled(report_render_markdown, STR("claude-haiku-4-5"), &out);
    assert_true(holds(&out, "\n*Written by `anthropic/claude-haiku-4-5` from the facts"));
    assert_true(holds(&out, "\n| interpret | interpret\\@1 | anthropic/claude-haiku-4-5 | used | "
                            "1,204 | 96 | \\$0.00168 |\n"));
    assert_true(holds(&out, "| 3,100 | 0 | unknown |"));
    buf_done(&out);
}

static void test_models_stand_in_html(void **state)
{
    struct buf out;

    (void)state;
    render_modelled(report_render_html, STR("claude-haiku-4-5"), &out);
    assert_true(holds(&out, "<p class=\"soft small\">Written by <code><bdi>anthropic/"
                            "claude-haiku-4-5</bdi></code> from the facts"));
    assert_true(holds(&out, "<caption>Models asked</caption>"));
    assert_true(holds(&out, "<td class=\"num\"><bdi>$0.00168</bdi></td>"));
    buf_done(&out);
}

/* Formats in which a name could do more than be read. */
static void test_models_have_inert_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTILE_NAMES; i++) {
        struct buf out;

        render_modelled(report_render_html, hostile_name(i), &out);
        assert_false(holds(&out, "<script"));
        assert_false(holds(&out, "<img"));
        assert_int_equal(count_of(&out, "<svg"), count_of(&out, "</svg>"));
        buf_done(&out);
        render_modelled(report_render_markdown, hostile_name(i), &out);
        assert_int_equal(count_of(&out, "\n| interpret | "), 1);
        assert_false(holds(&out, "\n# e"));
        buf_done(&out);
        render_modelled(render_plain, hostile_name(i), &out);
        assert_false(holds(&out, "\x1b"));
        buf_done(&out);
    }
}

static struct json_value nth(struct json_value array, size_t n)
{
    struct json_iterator it = json_iterate(array);

    for (size_t i = 0; i <= n; i++) {
        assert_true(json_next(&it));
    }
    return it.value;
}

static void test_models_stand_in_json(void **state)
{
    struct json_parser *parser;
    struct json_value root;
    struct str text;
    uint64_t count;
    struct buf out;

    (void)state;
    render_modelled(report_render_json, STR("claude-haiku-4-5"), &out);
    assert_int_equal(json_parser_new(RENDER_BYTES_MAX, &parser), OK);
    assert_int_equal(json_parse(parser, buf_str(&out), &root, NULL), OK);
    assert_true(json_get_str(json_at(root, "summary_by"), &text));
    assert_str(text, "anthropic/claude-haiku-4-5");
    struct json_value calls = json_at(root, "model_calls");
    assert_int_equal(json_count(calls), 4);
    assert_true(json_get_str(json_at(nth(calls, 0), "cost_usd"), &text));
    assert_str(text, "0.001684");
    assert_true(json_get_u64(json_at(nth(calls, 0), "input_tokens"), &count));
    assert_int_equal(count, 1204);
    assert_true(json_is(json_at(nth(calls, 1), "cost_usd"), JSON_NULL));
    assert_true(json_get_u64(json_at(nth(calls, 1), "attempts"), &count));
    assert_int_equal(count, 2);
    assert_true(json_is(json_at(nth(calls, 2), "input_tokens"), JSON_NULL));
    assert_true(json_is(json_at(nth(calls, 2), "output_tokens"), JSON_NULL));
    assert_true(json_get_str(json_at(nth(calls, 3), "outcome"), &text));
    assert_str(text, "nobody answered");
    json_parser_free(parser);
    buf_done(&out);
}

/* The facts are the same with and without, which is all that recompute compares. */
static void test_models_are_no_facts(void **state)
{
    struct report *report;
    struct buf with;
    struct buf without;

    (void)state;
    assert_int_equal(sample_report_modelled_new(STR("m"), &report), OK);
    buf_init(&with, RENDER_BYTES_MAX);
    buf_init(&without, RENDER_BYTES_MAX);
    report_render_csv(report, &with);
    report->summary_by = STR("");
    report->model_call_count = 0;
    report_render_csv(report, &without);
    assert_true(str_equal(buf_str(&with), buf_str(&without)));
    buf_clear(&with);
    buf_clear(&without);
    report_render_json(report, &with);
    assert_false(holds(&with, "summary_by"));
    assert_false(holds(&with, "model_calls"));
    report_free(report);
    assert_int_equal(sample_report_new(&report), OK);
    report_render_json(report, &without);
    assert_true(str_equal(buf_str(&with), buf_str(&without)));
    report_free(report);
    buf_done(&with);
    buf_done(&without);
}

static void test_models_without_a_written_summary(void **state)
{
    struct report *report;
    struct buf out;

    (void)state;
    assert_int_equal(sample_report_modelled_new(STR("m"), &report), OK);
    report->summary_by = STR("");
    buf_init(&out, RENDER_BYTES_MAX);
    report_render_json(report, &out);
    assert_true(holds(&out, "\"summary_by\": null,"));
    report_render_markdown(report, &out);
    report_render_html(report, &out);
    render_plain(report, &out);
    assert_false(holds(&out, "Written by"));
    assert_int_equal(buf_status(&out), OK);
    report_free(report);
    buf_done(&out);
}

static void test_models_survive_no_memory(void **state)
{
    struct report *report = NULL;
    uint64_t nth = 1;
    int code;

    (void)state;
    do {
        (void)alloc_fail_from(nth++);
        code = sample_report_modelled_new(STR("m"), &report);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
    } while (code);
    report_free(report);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_models_are_copied_and_limited),
    cmocka_unit_test(test_models_stand_in_the_terminal),
    cmocka_unit_test(test_models_stand_in_markdown),
    cmocka_unit_test(test_models_stand_in_html),
    cmocka_unit_test(test_models_have_inert_names),
    cmocka_unit_test(test_models_stand_in_json),
    cmocka_unit_test(test_models_are_no_facts),
    cmocka_unit_test(test_models_without_a_written_summary),
    cmocka_unit_test(test_models_survive_no_memory),
};

UNIT_MAIN(tests)
