/*
 * netra recompute: derive every fact of a report again and compare.
 *
 * A report carries what it was made from: question, seed, as-of time, inputs with their digests,
 * the price book. The run is repeated on the same inputs, and each fact is compared as the JSON
 * carries it, digit by digit. Inputs whose digest differs are another dataset: that is said, not
 * compared.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "agent/run.h"
#include "cli/read_file.h"
#include "cli/record_options.h"
#include "loop/clock.h"

#define REPORT_BYTES_MAX   ((size_t)512 << 20)
#define DIFFERENCES_SHOWN  20u
#define EXIT_DIFFERS       1
#define EXIT_INPUT_MISSING 2

static const struct option options_table[] = {
    RECORD_OPTIONS,
    {NULL, 0, NULL, 0},
};

/* A report file, parsed; parser owns root. */
struct stored {
    struct buf text;
    struct json_parser *parser;
    struct json_value root;
};

static void stored_done(struct stored *stored)
{
    json_parser_free(stored->parser);
    buf_done(&stored->text);
}

static int read_stored(const char *path, struct stored *stored, struct error *error)
{
    buf_init(&stored->text, REPORT_BYTES_MAX);
    int code = read_file(path, &stored->text, error);

    if (!code) {
        code = json_parser_new(REPORT_BYTES_MAX, &stored->parser);
    }
    if (!code) {
        code = json_parse(stored->parser, buf_str(&stored->text), &stored->root, error);
    }
    if (!code && !json_is(json_at(stored->root, "facts"), JSON_OBJECT)) {
        code = error_set(error, ERR_INVALID, "%s is no report of Netra: it has no facts", path);
    }
    return code;
}

/* Takes one option from the report as if it had been given on the command line. */
static int take_stored(struct record_options *records, int option, struct json_value value,
                       struct arena *arena, struct error *error)
{
    struct str text;

    if (!json_get_str(value, &text)) {
        return OK;
    }
    struct str copy = arena_copy(arena, text);
    return copy.data ? record_options_take(records, option, copy.data, error) : ERR_NO_MEMORY;
}

/* The elements of a list, or one member of each. */
static int take_list(struct record_options *records, int option, struct json_value list,
                     const char *member, struct arena *arena, struct error *error)
{
    int code = OK;

    for (struct json_iterator it = json_iterate(list); !code && json_next(&it);) {
        code = take_stored(records, option, member ? json_at(it.value, member) : it.value, arena,
                           error);
    }
    return code;
}

/* Fills in what the command line did not say from the report; texts are copied to arena. */
static int take_inputs(const struct stored *stored, struct record_options *records,
                       struct arena *arena, struct error *error)
{
    struct json_value book = json_at(json_at(stored->root, "prices"), "path");
    struct str path = STR("");
    int code = OK;

    if (!records->dataset.path_count) {
        code =
            take_list(records, OPTION_DATA, json_at(stored->root, "inputs"), "path", arena, error);
    }
    if (!code && !records->dataset.map_count) {
        code = take_list(records, OPTION_MAP, json_at(stored->root, "maps"), NULL, arena, error);
    }
    if (!code && !records->dataset.prices_path && json_get_str(book, &path) && path.length) {
        code = take_stored(records, OPTION_PRICES, book, arena, error);
    }
    if (!code && !records->dataset.has_as_of) {
        code = take_stored(records, OPTION_AS_OF, json_at(stored->root, "as_of"), arena, error);
    }
    return code;
}

/* The inputs are the ones that the report was made from. */
static int same_inputs(const struct stored *stored, const struct dataset *dataset)
{
    size_t index = 0;

    for (struct json_iterator it = json_iterate(json_at(stored->root, "inputs")); json_next(&it);) {
        struct str digest = STR("");

        (void)json_get_str(json_at(it.value, "digest"), &digest);
        if (index >= dataset->input_count ||
            !str_equal(digest, str_from(dataset->inputs[index].digest))) {
            (void)fprintf(stderr, "netra: input %zu is not what the report was made from\n",
                          index + 1);
            return 0;
        }
        index++;
    }
    struct str digest = STR("");
    (void)json_get_str(json_at(json_at(stored->root, "prices"), "digest"), &digest);
    if (!str_equal(digest, str_from(dataset->book_digest))) {
        (void)fprintf(stderr, "netra: the price list is not the one that the report used\n");
        return 0;
    }
    return index == dataset->input_count;
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

static void print_value(const char *when, struct json_value fact)
{
    struct str text = STR("nothing");

    (void)json_get_str(json_at(fact, "printed"), &text);
    (void)printf("  %s: %.*s\n", when, STR_ARGS(text));
}

static int compare(const struct stored *stored, const struct stored *again)
{
    struct json_value facts = json_at(again->root, "facts");
    size_t compared = 0;
    size_t different = 0;

    for (struct json_iterator it = json_iterate(json_at(stored->root, "facts")); json_next(&it);) {
        struct json_value other = json_at_str(facts, it.key);

        compared++;
        if (!same_fact(it.value, other)) {
            if (different++ < DIFFERENCES_SHOWN) {
                (void)printf("%.*s\n", STR_ARGS(it.key));
                print_value("in the report", it.value);
                print_value("derived again", other);
            }
        }
    }
    if (json_count(facts) > compared) {
        different += json_count(facts) - compared;
        (void)printf("%zu facts are not in the report\n", json_count(facts) - compared);
    }
    (void)printf("%zu facts derived again, %zu differ\n", compared, different);
    return different ? EXIT_DIFFERS : EXIT_DONE;
}

static int derive(const struct stored *stored, const struct dataset *dataset, struct stored *again,
                  struct error *error)
{
    cleanup(run_free_pointer) struct run *run = NULL;
    struct str prompt = STR("");
    uint64_t seed = 1;
    bool done = false;

    (void)json_get_str(json_at(stored->root, "question"), &prompt);
    (void)json_get_u64(json_at(stored->root, "seed"), &seed);
    struct run_options options = {.prompt = prompt,
                                  .dataset = dataset,
                                  .book = dataset->book,
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
    buf_init(&again->text, REPORT_BYTES_MAX);
    report_render_json(run_report(run), &again->text);
    code = json_parser_new(REPORT_BYTES_MAX, &again->parser);
    return code ? code : json_parse(again->parser, buf_str(&again->text), &again->root, error);
}

static int recompute(const char *path, struct record_options *records)
{
    cleanup(stored_done) struct stored stored = {0};
    cleanup(stored_done) struct stored again = {0};
    cleanup(arena_done) struct arena arena;
    cleanup(dataset_close_pointer) struct dataset *dataset = NULL;
    struct error error = {0};

    arena_init(&arena, REPORT_BYTES_MAX);
    if (read_stored(path, &stored, &error) || take_inputs(&stored, records, &arena, &error)) {
        (void)cli_fail(&error);
        return EXIT_INPUT_MISSING;
    }
    if (record_options_open(records, &dataset, &error)) {
        (void)cli_fail(&error);
        return EXIT_INPUT_MISSING;
    }
    if (!same_inputs(&stored, dataset)) {
        return EXIT_INPUT_MISSING;
    }
    if (derive(&stored, dataset, &again, &error)) {
        return cli_fail(&error);
    }
    return compare(&stored, &again);
}

static int run_command(int argc, char **argv)
{
    struct record_options records;
    int option;

    record_options_init(&records);
    while ((option = getopt_long(argc, argv, "", options_table, NULL)) != -1) {
        struct error error = {0};

        if (record_options_take(&records, option, optarg, &error)) {
            return cli_usage(&command_recompute, "%s",
                             error.message[0] ? error.message : "an option is not known");
        }
    }
    if (argc - optind != 1) {
        return cli_usage(&command_recompute,
                         "name one report: a file of `netra ask --format json`");
    }
    return recompute(argv[optind], &records);
}

const struct command command_recompute = {
    .name = "recompute",
    .summary = "derive every number of a report again from its records and compare",
    .help = "usage: netra recompute REPORT.json [--data FILE]… [--prices FILE]\n"
            "\n"
            "Repeats the run on the records and prices that the report names (or on those given\n"
            "here) and compares every fact exactly.\n"
            "\n"
            "Exit codes: 0 every fact is the same, 1 some differ, 2 an input is missing or is not\n"
            "the one that the report was made from.\n"
            "\n" RECORD_OPTIONS_HELP,
    .run = run_command,
};
