/*
 * recompute: a report agrees with itself; an edited number, a missing and an invented fact are
 * told, with both values; other records and other prices are not compared at all; every failing
 * allocation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../tool/tool_fixture.h"

#include "agent/recompute.h"
#include "agent/run.h"
#include "loop/clock.h"

#define TEXT_BYTES_MAX ((size_t)16 << 20)

/* The JSON of a report about a dataset. */
static void make_report(const struct dataset *dataset, struct buf *text)
{
    struct run_options options = {.prompt = STR("reduce costs by 20 %"),
                                  .dataset = dataset,
                                  .book = dataset->book,
                                  .id = STR("r"),
                                  .seed = 1,
                                  .clock = clock_now_us};
    struct run *run;
    bool done = false;

    assert_int_equal(run_new(&options, &run, NULL), OK);
    while (!done) {
        assert_int_equal(run_step(run, &done, NULL), OK);
    }
    run_delivered(run);
    buf_init(text, TEXT_BYTES_MAX);
    report_render_json(run_report(run), text);
    assert_int_equal(buf_status(text), OK);
    run_free(run);
}

struct differences {
    size_t count;
    char id[64];
    char in_report[64];
    char again[64];
};

static void keep_difference(struct str id, struct str in_report, struct str again, void *arg)
{
    struct differences *differences = arg;

    if (differences->count++ == 0) {
        (void)snprintf(differences->id, sizeof(differences->id), "%.*s", STR_ARGS(id));
        (void)snprintf(differences->in_report, sizeof(differences->in_report), "%.*s",
                       STR_ARGS(in_report));
        (void)snprintf(differences->again, sizeof(differences->again), "%.*s", STR_ARGS(again));
    }
}

static int recompute(struct str text, const struct dataset *dataset,
                     struct differences *differences, struct recompute_counts *counts,
                     struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct json_value root;
    int code = json_parser_new(TEXT_BYTES_MAX, &parser);

    code = code ? code : json_parse(parser, text, &root, error);
    return code ? code
                : recompute_report(root, dataset, dataset->book, keep_difference, differences,
                                   counts, error);
}

/* text with its first `from` replaced; both have the same length. */
static void edit(struct buf *text, const char *from, const char *to)
{
    char *at = strstr(text->data, from);

    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
}

static void test_a_report_agrees_with_itself(void **state)
{
    cleanup(buf_done) struct buf text;
    struct dataset *dataset = sample_dataset();
    struct differences differences = {0};
    struct recompute_counts counts;

    (void)state;
    make_report(dataset, &text);
    assert_int_equal(recompute(buf_str(&text), dataset, &differences, &counts, NULL), OK);
    assert_true(counts.facts > 10);
    assert_int_equal(counts.different + counts.missing + differences.count, 0);
    dataset_close(dataset);
}

static void test_an_edited_number_is_told_with_both_values(void **state)
{
    cleanup(buf_done) struct buf text;
    struct dataset *dataset = sample_dataset();
    struct differences differences = {0};
    struct recompute_counts counts;

    (void)state;
    make_report(dataset, &text);
    char *fact = strstr(text.data, "\"requests.total\"");
    assert_non_null(fact);
    char *value = strstr(fact, "\"value\"");
    assert_non_null(value);
    value += strcspn(value, "0123456789");
    *value = *value == '9' ? '8' : (char)(*value + 1);
    assert_int_equal(recompute(buf_str(&text), dataset, &differences, &counts, NULL), OK);
    assert_int_equal(counts.different, 1);
    assert_int_equal(counts.missing, 0);
    assert_string_equal(differences.id, "requests.total");
    assert_true(differences.in_report[0] && differences.again[0]);
    dataset_close(dataset);
}

static void test_a_fact_of_another_name_is_both_different_and_missing(void **state)
{
    cleanup(buf_done) struct buf text;
    struct dataset *dataset = sample_dataset();
    struct differences differences = {0};
    struct recompute_counts counts;

    (void)state;
    make_report(dataset, &text);
    edit(&text, "\"requests.total\": {", "\"requests.tutal\": {");
    assert_int_equal(recompute(buf_str(&text), dataset, &differences, &counts, NULL), OK);
    assert_int_equal(counts.different, 1);
    assert_int_equal(counts.missing, 1);
    assert_string_equal(differences.id, "requests.tutal");
    assert_string_equal(differences.again, "nothing");
    dataset_close(dataset);
}

static void test_other_inputs_are_said_not_compared(void **state)
{
    cleanup(buf_done) struct buf text;
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct dataset *dataset = sample_dataset();
    struct dataset *other = dataset_of(STR("time,model,input_tokens,output_tokens\n"
                                           "2026-01-01T00:00:00Z,gpt-4o,10,1\n"));
    struct json_value root;
    struct error error;

    (void)state;
    make_report(dataset, &text);
    assert_int_equal(json_parser_new(TEXT_BYTES_MAX, &parser), OK);
    assert_int_equal(json_parse(parser, buf_str(&text), &root, NULL), OK);
    assert_int_equal(recompute_check_inputs(root, dataset, &error), OK);
    assert_int_equal(recompute_check_inputs(root, other, &error), ERR_NOT_FOUND);
    assert_non_null(strstr(error.message, "input 1"));
    assert_int_equal(recompute_check_inputs(root, NULL, &error), ERR_NOT_FOUND);
    dataset_close(other);
    dataset_close(dataset);
}

static void test_what_is_no_report_is_refused(void **state)
{
    struct dataset *dataset = sample_dataset();
    struct differences differences = {0};
    struct recompute_counts counts;
    struct error error;

    (void)state;
    assert_int_equal(recompute(STR("{\"facts\":[]}"), dataset, &differences, &counts, &error),
                     ERR_INVALID);
    assert_non_null(strstr(error.message, "no facts"));
    dataset_close(dataset);
}

static void test_every_failing_allocation(void **state)
{
    cleanup(buf_done) struct buf text;
    struct dataset *dataset = dataset_of(STR("time,model,input_tokens,output_tokens\n"
                                             "2026-01-01T00:00:00Z,gpt-4o,10,1\n"));
    int code = ERR_NO_MEMORY;

    (void)state;
    make_report(dataset, &text);
    for (uint64_t nth = 1; code; nth++) {
        struct differences differences = {0};
        struct recompute_counts counts;

        assert_true(nth < 20000);
        (void)alloc_fail_from(nth);
        code = recompute(buf_str(&text), dataset, &differences, &counts, NULL);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_int_equal(differences.count, 0);
    }
    dataset_close(dataset);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_report_agrees_with_itself),
    cmocka_unit_test(test_an_edited_number_is_told_with_both_values),
    cmocka_unit_test(test_a_fact_of_another_name_is_both_different_and_missing),
    cmocka_unit_test(test_other_inputs_are_said_not_compared),
    cmocka_unit_test(test_what_is_no_report_is_refused),
    cmocka_unit_test(test_every_failing_allocation),
};

UNIT_MAIN(tests)
