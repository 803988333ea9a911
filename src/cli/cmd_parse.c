/*
 * netra parse: how a prompt is understood, as JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "ask/interpretation.h"
#include "cli/record_options.h"

#define FEATURES_MAX 256u

enum { OPTION_FEATURES = 1 };

static const struct option options_table[] = {
    {"features", required_argument, NULL, OPTION_FEATURES},
    {NULL, 0, NULL, 0},
};

static size_t split_features(struct str list, struct str *ret_features)
{
    size_t count = 0;

    while (list.length && count < FEATURES_MAX) {
        size_t comma = str_find(list, STR(","), 0);
        size_t end = comma == SIZE_MAX ? list.length : comma;
        struct str name = str_trim(str_slice(list, 0, end));

        if (name.length) {
            ret_features[count++] = name;
        }
        list = str_slice(list, comma == SIZE_MAX ? end : end + 1, list.length);
    }
    return count;
}

static int parse(const char *prompt, const struct str *features, size_t feature_count)
{
    cleanup(price_book_free_pointer) struct price_book *book = NULL;
    cleanup(arena_done) struct arena arena;
    cleanup(buf_done) struct buf text;
    struct interpretation *interpretation;
    struct error error = {0};
    char digest[48];

    arena_init(&arena, ASK_ARENA_BYTES_MAX);
    buf_init(&text, ASK_ARENA_BYTES_MAX);
    if (dataset_read_book(NULL, &book, digest, &error)) {
        return cli_fail(&error);
    }
    size_t models = price_book_count(book);
    struct str *names = arena_alloc(&arena, models + 1, sizeof(*names));
    for (size_t i = 0; names && i < models; i++) {
        names[i] = price_book_row(book, i)->model;
    }
    struct ask_vocabulary vocabulary = {.features = features,
                                        .feature_count = feature_count,
                                        .models = names,
                                        .model_count = names ? models : 0};
    if (ask_parse(&vocabulary, str_from(prompt), &arena, &interpretation, &error)) {
        return cli_fail(&error);
    }
    struct json_writer w = json_writer_indented(&text, 2);
    interpretation_write_json(interpretation, &w);
    (void)printf("%.*s\n", STR_ARGS(buf_str(&text)));
    return buf_status(&text) ? EXIT_FAILED : EXIT_DONE;
}

static int run(int argc, char **argv)
{
    struct str features[FEATURES_MAX];
    size_t feature_count = 0;
    int option;

    while ((option = getopt_long(argc, argv, "", options_table, NULL)) != -1) {
        if (option != OPTION_FEATURES) {
            return cli_usage(&command_parse, "an option is not known");
        }
        feature_count = split_features(str_from(optarg), features);
    }
    if (argc - optind != 1) {
        return cli_usage(&command_parse, "%s",
                         optind == argc ? "parse what?" : "put the prompt in quotes");
    }
    return parse(argv[optind], features, feature_count);
}

const struct command command_parse = {
    .name = "parse",
    .summary = "how a prompt is understood, as JSON",
    .help = "usage: netra parse PROMPT [--features A,B]\n"
            "\n"
            "Prints intents, constraints, entities and what an answer needs.\n"
            "\n"
            "  --features A,B   names of features that the records would have\n",
    .run = run,
};
