/*
 * The JSON report is read back by our own strict reader and says what DESIGN section 5 promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "render.h"
#include "sample_report.h"
#include "json/json_read.h"

struct read_report {
    struct buf out;
    struct json_parser *parser;
    struct json_value root;
};

static void read_named(struct read_report *read, struct str name)
{
    render_named(report_render_json, name, &read->out);
    assert_int_equal(json_parser_new(RENDER_BYTES_MAX, &read->parser), OK);
    assert_int_equal(json_parse(read->parser, buf_str(&read->out), &read->root, NULL), OK);
}

static void read_done(struct read_report *read)
{
    json_parser_free(read->parser);
    buf_done(&read->out);
}

static struct str text_at(struct json_value value, const char *key)
{
    struct str text = STR("");

    if (!json_get_str(json_at(value, key), &text)) {
        fail_msg("no text at %s", key);
    }
    return text;
}

static struct json_value first_of(struct json_value array)
{
    struct json_iterator it = json_iterate(array);

    assert_true(json_next(&it));
    return it.value;
}

static void test_json_has_every_member(void **state)
{
    static const char *const keys[] = {
        "id",      "version", "report_type", "question",   "interpretation", "generated_at",
        "dataset", "prices",  "summary",     "sections",   "figures",        "actions",
        "facts",   "caveats", "needs",       "next_steps", "assumptions",    "inputs",
        "seed",    "as_of",   "time_zone",   "agents",     "steps"};
    struct read_report read;

    (void)state;
    read_named(&read, STR("gpt"));
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (json_is(json_at(read.root, keys[i]), JSON_MISSING)) {
            fail_msg("%s is missing", keys[i]);
        }
    }
    assert_str(text_at(read.root, "report_type"), "full_analysis");
    assert_str(text_at(read.root, "generated_at"), "2026-08-01T08:00:00Z");
    assert_true(json_is(json_at(read.root, "interpretation"), JSON_OBJECT));
    assert_int_equal(json_count(json_at(read.root, "steps")), 6);
    assert_str(text_at(first_of(json_at(read.root, "steps")), "name"), "user_input_received");
    assert_str(text_at(json_at(read.root, "dataset"), "snapshot"),
               "xxh3-128:0c1d5f7788a2417e93d6b8d2a0e4f611,"
               "xxh3-128:77aa01f2c3b54d5e8899aabbccddeeff");
    read_done(&read);
}

static void test_json_money_is_text_and_the_rest_numbers(void **state)
{
    struct read_report read;
    struct json_value facts;
    uint64_t count;
    double ratio;

    (void)state;
    read_named(&read, STR("gpt"));
    facts = json_at(read.root, "facts");
    assert_str(text_at(json_at(facts, "spend.total"), "value"), "14807.040391");
    assert_str(text_at(json_at(facts, "spend.total"), "unit"), "USD");
    assert_true(json_get_u64(json_at(json_at(facts, "tokens.input.total"), "value"), &count));
    assert_int_equal(count, 3140188214);
    assert_true(
        json_get_double(json_at(json_at(facts, "cache.token_hit_ratio.now"), "value"), &ratio));
    assert_true(json_is(json_at(json_at(facts, "latency.p95.after"), "value"), JSON_NULL));
    read_done(&read);
}

static void test_json_prose_is_given_twice(void **state)
{
    struct read_report read;
    struct json_value line;

    (void)state;
    read_named(&read, STR("gpt"));
    line = first_of(json_at(read.root, "summary"));
    assert_str(text_at(line, "text"),
               "Three changes save {plan.saving.total}, {plan.saving.share} of the {spend.total} "
               "spent: more than the fifth that was asked for.");
    assert_str(text_at(line, "rendered"),
               "Three changes save $6,890.51, 46.5 % of the $14,807.04 spent: more than the fifth "
               "that was asked for.");
    assert_str(text_at(json_at(first_of(json_at(read.root, "actions")), "title"), "rendered"),
               "Turn on the one-hour cache for gpt");
    read_done(&read);
}

static void test_json_figures_are_data_and_svg(void **state)
{
    struct read_report read;
    struct json_value figure;
    struct json_value point;

    (void)state;
    read_named(&read, STR("gpt"));
    figure = first_of(json_at(read.root, "figures"));
    assert_str(text_at(figure, "kind"), "waterfall");
    assert_true(str_starts_with(text_at(figure, "svg"), STR("<svg xmlns=")));
    point = first_of(json_at(first_of(json_at(figure, "series")), "points"));
    assert_str(text_at(point, "fact"), "spend.total");
    assert_str(text_at(point, "value"), "14807.040391");
    assert_str(text_at(json_at(figure, "title"), "text"), "From today's spend to the plan's");
    read_done(&read);
}

static void test_json_holds_any_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTILE_NAMES; i++) {
        struct read_report read;

        read_named(&read, hostile_name(i));
        assert_int_equal(json_count(json_at(read.root, "facts")), 35);
        read_done(&read);
    }
}

/* Also one that was never closed: the report is stored while it is being delivered. */
static void test_json_of_an_open_step_has_no_end(void **state)
{
    static const int64_t ends[] = {0, 4, 5, 6};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
        struct report_step step = {STR("response_delivered"), /* started_us */ 5, ends[i]};
        struct report *report;
        struct buf out;

        assert_int_equal(report_new(&report), OK);
        report->steps = &step;
        report->step_count = 1;
        buf_init(&out, RENDER_BYTES_MAX);
        report_render_json(report, &out);
        assert_int_equal(buf_status(&out), OK);
        assert_true(holds(&out, "started_at"));
        assert_int_equal(holds(&out, "finished_at"), ends[i] >= 5);
        buf_done(&out);
        report_free(report);
    }
}

/* Only id, generated_at and steps may differ between two runs. */
static void test_json_differs_only_where_it_may(void **state)
{
    struct report *first;
    struct report *second;
    struct buf a;
    struct buf b;

    (void)state;
    assert_int_equal(sample_report_new(&first), OK);
    assert_int_equal(sample_report_new(&second), OK);
    second->id = first->id;
    second->generated_at_us = first->generated_at_us;
    buf_init(&a, RENDER_BYTES_MAX);
    buf_init(&b, RENDER_BYTES_MAX);
    report_render_json(first, &a);
    report_render_json(second, &b);
    assert_true(str_equal(buf_str(&a), buf_str(&b)));
    buf_done(&a);
    buf_done(&b);
    report_free(first);
    report_free(second);
}

static void test_json_guidance_has_nulls_where_nothing_is(void **state)
{
    struct json_parser *parser;
    struct json_value root;
    struct report *report;
    struct buf out;

    (void)state;
    assert_int_equal(sample_guidance_new(&report), OK);
    buf_init(&out, RENDER_BYTES_MAX);
    report_render_json(report, &out);
    assert_int_equal(json_parser_new(RENDER_BYTES_MAX, &parser), OK);
    assert_int_equal(json_parse(parser, buf_str(&out), &root, NULL), OK);
    assert_true(json_is(json_at(root, "interpretation"), JSON_NULL));
    assert_true(json_is(json_at(json_at(root, "dataset"), "from"), JSON_NULL));
    assert_true(json_is(json_at(json_at(root, "dataset"), "snapshot"), JSON_NULL));
    assert_int_equal(json_count(json_at(root, "facts")), 0);
    json_parser_free(parser);
    buf_done(&out);
    report_free(report);
}

static void test_json_survives_no_memory(void **state)
{
    (void)state;
    assert_survives_no_memory(report_render_json);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_json_of_an_open_step_has_no_end),
    cmocka_unit_test(test_json_has_every_member),
    cmocka_unit_test(test_json_money_is_text_and_the_rest_numbers),
    cmocka_unit_test(test_json_prose_is_given_twice),
    cmocka_unit_test(test_json_figures_are_data_and_svg),
    cmocka_unit_test(test_json_holds_any_name),
    cmocka_unit_test(test_json_differs_only_where_it_may),
    cmocka_unit_test(test_json_guidance_has_nulls_where_nothing_is),
    cmocka_unit_test(test_json_survives_no_memory),
};

UNIT_MAIN(tests)
