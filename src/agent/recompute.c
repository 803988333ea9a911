/*
 * The run is repeated without an observer and without a store, or, where a model took part, its
 * calls are; the result is rendered and parsed, so that what is compared is exactly what a reader
 * of the JSON sees.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/recompute.h"

#include "agent/recompute_calls.h"
#include "agent/run.h"
#include "loop/clock.h"

/* A report, rendered and parsed. */
struct rendered {
    struct buf text;
    struct json_parser *parser;
    struct json_value root;
};

static void rendered_done(struct rendered *rendered)
{
    json_parser_free(rendered->parser);
    buf_done(&rendered->text);
}

int recompute_check_inputs(struct json_value report, const struct dataset *dataset,
                           struct error *error)
{
    size_t count = dataset ? dataset->input_count : 0;
    size_t index = 0;

    for (struct json_iterator it = json_iterate(json_at(report, "inputs")); json_next(&it);) {
        struct str digest = STR("");

        (void)json_get_str(json_at(it.value, "digest"), &digest);
        if (index >= count || !str_equal(digest, str_from(dataset->inputs[index].digest))) {
            return error_set(error, ERR_NOT_FOUND, "input %zu is not what the report was made from",
                             index + 1);
        }
        index++;
    }
    if (index != count) {
        return error_set(error, ERR_NOT_FOUND, "there are %zu inputs, and the report had %zu",
                         count, index);
    }
    struct str digest = STR("");
    (void)json_get_str(json_at(json_at(report, "prices"), "digest"), &digest);
    if (!str_equal(digest, str_from(dataset ? dataset->book_digest : ""))) {
        return error_set(error, ERR_NOT_FOUND,
                         "the price list is not the one that the report used");
    }
    return OK;
}

/* value, low, high and state of one fact as the JSON text has them. */
static bool same_fact(struct json_value stored, struct json_value again)
{
    static const char *const members[] = {"value", "low", "high", "state", "unit"};

    for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
        struct json_value a = json_at(stored, members[i]);
        struct json_value b = json_at(again, members[i]);
        struct str a_text;
        struct str b_text;
        double a_number = 0;
        double b_number = 0;

        if (json_type(a) != json_type(b)) {
            return false;
        }
        if (json_get_str(a, &a_text) && json_get_str(b, &b_text) && !str_equal(a_text, b_text)) {
            return false;
        }
        if (json_get_double(a, &a_number) && json_get_double(b, &b_number) &&
            a_number != b_number) {
            return false;
        }
    }
    return true;
}

static struct str printed(struct json_value fact)
{
    struct str text = STR("nothing");

    (void)json_get_str(json_at(fact, "printed"), &text);
    return text;
}

/* A part of the question that stays open: no call gives it, and there is no number in it. */
static bool is_open_question(struct json_value fact)
{
    struct str state = STR("");
    struct str query = STR("");

    (void)json_get_str(json_at(fact, "query"), &query);
    return json_get_str(json_at(fact, "state"), &state) && str_equal(state, STR("unknown")) &&
           !query.length && json_is(json_at(fact, "value"), JSON_NULL);
}

static void compare(struct json_value report, struct json_value again, recompute_difference_fn fn,
                    void *arg, struct recompute_counts *counts)
{
    struct json_value facts = json_at(again, "facts");
    size_t found = 0;

    for (struct json_iterator it = json_iterate(json_at(report, "facts")); json_next(&it);) {
        struct json_value other = json_at_str(facts, it.key);

        counts->facts++;
        found += json_type(other) != JSON_MISSING;
        if (json_is(other, JSON_MISSING) && is_open_question(it.value)) {
            continue;
        }
        if (!same_fact(it.value, other)) {
            counts->different++;
            if (fn) {
                fn(it.key, printed(it.value), printed(other), arg);
            }
        }
    }
    counts->missing = json_count(facts) - found;
}

static int parse_rendered(struct rendered *again, struct error *error)
{
    if (buf_status(&again->text)) {
        return error_set(error, buf_status(&again->text), "cannot write the report again: %s",
                         error_code_text(buf_status(&again->text)));
    }
    int code = json_parser_new(RECOMPUTE_REPORT_BYTES_MAX, &again->parser);
    return code ? code : json_parse(again->parser, buf_str(&again->text), &again->root, error);
}

static int derive_by_calls(struct json_value report, const struct dataset *dataset,
                           const struct price_book *book, struct rendered *again,
                           struct error *error)
{
    cleanup(report_free_pointer) struct report *derived = NULL;

    int code = report_new(&derived);
    if (code) {
        return error_set(error, code, "cannot derive the facts: out of memory");
    }
    code = recompute_calls(report, dataset, book, derived, error);
    if (code) {
        return code;
    }
    report_render_result_json(derived, "recompute", /* one_line */ true, &again->text);
    return parse_rendered(again, error);
}

static int derive(struct json_value report, const struct dataset *dataset,
                  const struct price_book *book, struct rendered *again, struct error *error)
{
    cleanup(run_free_pointer) struct run *run = NULL;
    struct str prompt = STR("");
    uint64_t seed = 1;
    bool done = false;

    (void)json_get_str(json_at(report, "question"), &prompt);
    (void)json_get_u64(json_at(report, "seed"), &seed);
    struct run_options options = {.prompt = prompt,
                                  .dataset = dataset,
                                  .book = book,
                                  .id = STR("recomputed"),
                                  .seed = seed,
                                  .clock = clock_now_us};
    int code = run_new(&options, &run, error);
    while (!code && !done) {
        code = run_step(run, &done, error);
    }
    if (code) {
        return code;
    }
    run_delivered(run);
    report_render_json(run_report(run), &again->text);
    return parse_rendered(again, error);
}

int recompute_report(struct json_value report, const struct dataset *dataset,
                     const struct price_book *book, recompute_difference_fn fn, void *arg,
                     struct recompute_counts *ret_counts, struct error *error)
{
    cleanup(rendered_done) struct rendered again = {0};
    struct recompute_counts counts = {0};

    if (!json_is(json_at(report, "facts"), JSON_OBJECT)) {
        return error_set(error, ERR_INVALID, "it is no report of Netra: it has no facts");
    }
    buf_init(&again.text, RECOMPUTE_REPORT_BYTES_MAX);
    bool had_model = json_count(json_at(report, "model_calls")) > 0;
    int code = had_model ? derive_by_calls(report, dataset, book, &again, error)
                         : derive(report, dataset, book, &again, error);
    if (!code) {
        compare(report, again.root, fn, arg, &counts);
        *ret_counts = counts;
    }
    return code;
}
