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

#include "agent/recompute.h"
#include "cli/read_file.h"
#include "cli/record_options.h"

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
    buf_init(&stored->text, RECOMPUTE_REPORT_BYTES_MAX);
    int code = read_file(path, &stored->text, error);

    if (!code) {
        code = json_parser_new(RECOMPUTE_REPORT_BYTES_MAX, &stored->parser);
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

static void print_difference(struct str id, struct str in_report, struct str again, void *arg)
{
    size_t *shown = arg;

    if ((*shown)++ < DIFFERENCES_SHOWN) {
        (void)printf("%.*s\n  in the report: %.*s\n  derived again: %.*s\n", STR_ARGS(id),
                     STR_ARGS(in_report), STR_ARGS(again));
    }
}

static int compare(const struct stored *stored, const struct dataset *dataset)
{
    struct recompute_counts counts;
    struct error error = {0};
    size_t shown = 0;

    if (recompute_report(stored->root, dataset, dataset->book, print_difference, &shown, &counts,
                         &error)) {
        return cli_fail(&error);
    }
    if (counts.missing) {
        (void)printf("%zu facts are not in the report\n", counts.missing);
    }
    size_t different = counts.different + counts.missing;
    (void)printf("%zu facts derived again, %zu differ\n", counts.facts, different);
    return different ? EXIT_DIFFERS : EXIT_DONE;
}

static int recompute(const char *path, struct record_options *records)
{
    cleanup(stored_done) struct stored stored = {0};
    cleanup(arena_done) struct arena arena;
    cleanup(dataset_close_pointer) struct dataset *dataset = NULL;
    struct error error = {0};

    arena_init(&arena, RECOMPUTE_REPORT_BYTES_MAX);
    if (read_stored(path, &stored, &error) || take_inputs(&stored, records, &arena, &error)) {
        (void)cli_fail(&error);
        return EXIT_INPUT_MISSING;
    }
    if (record_options_open(records, &dataset, &error)) {
        (void)cli_fail(&error);
        return EXIT_INPUT_MISSING;
    }
    if (recompute_check_inputs(stored.root, dataset, &error)) {
        (void)cli_fail(&error);
        return EXIT_INPUT_MISSING;
    }
    return compare(&stored, dataset);
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
