/*
 * record_options: the options that say which records and prices a command works on, the same for
 * every command: --data, --map, --prices, --as-of.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_CLI_RECORD_OPTIONS_H
#define NETRA_CLI_RECORD_OPTIONS_H

#include <getopt.h>

#include "cli/command.h"
#include "tool/dataset.h"

#define RECORD_OPTIONS_HELP                                                                        \
    "  --data FILE      usage records: CSV, JSON lines, agentic traces, gzip or not; - is "        \
    "standard\n"                                                                                   \
    "                   input; may be given several times\n"                                       \
    "  --map FIELD=COL  read a field from that column, or set a text field to a constant\n"        \
    "                   (--map model=gpt-4o)\n"                                                    \
    "  --prices FILE    price list instead of the built-in one (LiteLLM's map or Netra's form)\n"  \
    "  --as-of TIME     what \"now\" is (RFC 3339); default: the clock, or the last record when "  \
    "it\n"                                                                                         \
    "                   is over two days old\n"

enum record_option { OPTION_DATA = 1000, OPTION_MAP, OPTION_PRICES, OPTION_AS_OF };

/* Entries for a command's getopt table. */
#define RECORD_OPTIONS                                                                             \
    {"data", required_argument, NULL, OPTION_DATA}, {"map", required_argument, NULL, OPTION_MAP},  \
        {"prices", required_argument, NULL, OPTION_PRICES},                                        \
    {                                                                                              \
        "as-of", required_argument, NULL, OPTION_AS_OF                                             \
    }

struct record_options {
    const char *paths[DATASET_INPUTS_MAX];
    struct import_map maps[IMPORT_MAPS_MAX];
    struct dataset_options dataset; /* points into this struct: do not copy */
};

void record_options_init(struct record_options *options);

/* Takes one option that getopt_long found; ERR_USAGE with a message for a bad value, ERR_NOT_FOUND
 * when the option is not one of these. */
must_check int record_options_take(struct record_options *options, int option, const char *value,
                                   struct error *error);

/* Opens the dataset with a progress bar on a terminal and prints, to standard error, what could not
 * be read. Returns OK also when some inputs failed. */
must_check int record_options_open(const struct record_options *options,
                                   struct dataset **ret_dataset, struct error *error);

/* Prints the importer's notes to standard error, for commands whose result does not carry them. */
void record_options_tell_notes(const struct dataset *dataset);

/* ERR_IO … of the first input that could not be read, when no input could; OK otherwise. */
int record_options_unreadable(const struct dataset *dataset, struct error *error);

#endif
