/*
 * upkeep_options: the options that `netra backup`, `restore` and `doctor` share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_CLI_UPKEEP_OPTIONS_H
#define NETRA_CLI_UPKEEP_OPTIONS_H

#include <stdbool.h>

#include "cli/command.h"

/* Every command has --data-dir, --config and --json; it names the others that it has. */
enum {
    UPKEEP_OUT = 1 << 0,     /* --out PLACE */
    UPKEEP_FORCE = 1 << 1,   /* --force */
    UPKEEP_BACKUPS = 1 << 2, /* --backups DIR */
    UPKEEP_WORD = 1 << 3     /* one word behind the options, which must be there */
};

/* NULL where an option is not given. */
struct upkeep_options {
    const char *data_dir;
    const char *config;
    const char *out;
    const char *backups;
    const char *word;
    bool is_forced;
    bool as_json;
};

/* EXIT_DONE, or EXIT_USAGE when it has said what is wrong. */
int upkeep_read_options(const struct command *command, unsigned has, int argc, char **argv,
                        struct upkeep_options *ret_options);

#endif
