/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/upkeep_options.h"

#include <getopt.h>
#include <stddef.h>

#define ALWAYS (1 << 8) /* beside the bits of upkeep_options.h */

enum { OPTION_DATA_DIR = 1, OPTION_CONFIG, OPTION_OUT, OPTION_FORCE, OPTION_BACKUPS, OPTION_JSON };

static const struct option options_table[] = {
    {"data-dir", required_argument, NULL, OPTION_DATA_DIR},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"out", required_argument, NULL, OPTION_OUT},
    {"force", no_argument, NULL, OPTION_FORCE},
    {"backups", required_argument, NULL, OPTION_BACKUPS},
    {"json", no_argument, NULL, OPTION_JSON},
    {NULL, 0, NULL, 0},
};

/* Whose option it is; 0: nobody's. */
static unsigned take_option(int option, struct upkeep_options *options)
{
    switch (option) {
    case OPTION_DATA_DIR:
        options->data_dir = optarg;
        return ALWAYS;
    case OPTION_CONFIG:
        options->config = optarg;
        return ALWAYS;
    case OPTION_OUT:
        options->out = optarg;
        return UPKEEP_OUT;
    case OPTION_FORCE:
        options->is_forced = true;
        return UPKEEP_FORCE;
    case OPTION_BACKUPS:
        options->backups = optarg;
        return UPKEEP_BACKUPS;
    case OPTION_JSON:
        options->as_json = true;
        return ALWAYS;
    default:
        return 0;
    }
}

int upkeep_read_options(const struct command *command, unsigned has, int argc, char **argv,
                        struct upkeep_options *ret_options)
{
    struct upkeep_options options = {0};
    int option;

    while ((option = getopt_long(argc, argv, "", options_table, NULL)) != -1) {
        if (!(take_option(option, &options) & (has | ALWAYS))) {
            return cli_usage(command, "an option is not known");
        }
    }
    if (has & UPKEEP_WORD) {
        if (argc - optind != 1) {
            return cli_usage(command, "name one back-up");
        }
        options.word = argv[optind];
    } else if (optind != argc) {
        return cli_usage(command, "'%s' is too much", argv[optind]);
    }
    if ((has & UPKEEP_OUT) && !options.out) {
        return cli_usage(command, "--out is missing");
    }
    *ret_options = options;
    return EXIT_DONE;
}
