/*
 * netra backup: a copy of a data folder, also while a server works in it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include "cli/backup_print.h"
#include "cli/command.h"
#include "cli/config_layers.h"

enum { OPTION_DATA_DIR = 1, OPTION_CONFIG, OPTION_OUT, OPTION_JSON };

static const struct option options_table[] = {
    {"data-dir", required_argument, NULL, OPTION_DATA_DIR},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"out", required_argument, NULL, OPTION_OUT},
    {"json", no_argument, NULL, OPTION_JSON},
    {NULL, 0, NULL, 0},
};

struct choice {
    const char *data_dir;
    const char *config;
    const char *out;
    bool as_json;
};

static int read_choice(int argc, char **argv, struct choice *choice)
{
    int option;

    while ((option = getopt_long(argc, argv, "", options_table, NULL)) != -1) {
        switch (option) {
        case OPTION_DATA_DIR:
            choice->data_dir = optarg;
            break;
        case OPTION_CONFIG:
            choice->config = optarg;
            break;
        case OPTION_OUT:
            choice->out = optarg;
            break;
        case OPTION_JSON:
            choice->as_json = true;
            break;
        default:
            return cli_usage(&command_backup, "an option is not known");
        }
    }
    if (optind != argc) {
        return cli_usage(&command_backup, "'%s' is too much", argv[optind]);
    }
    return choice->out ? EXIT_DONE : cli_usage(&command_backup, "--out is missing");
}

static int run(int argc, char **argv)
{
    cleanup(buf_done) struct buf data_dir;
    struct choice choice = {0};
    struct backup_manifest manifest;
    struct backup_watch watch;
    struct error error = {0};
    int code = read_choice(argc, argv, &choice);

    buf_init(&data_dir, CONFIG_VALUE_BYTES_MAX);
    if (code) {
        return code;
    }
    if (read_data_dir(choice.data_dir, choice.config, &data_dir, &error)) {
        return cli_fail(&error);
    }
    struct backup_request request = {
        .data_dir = data_dir.data, .out = choice.out, .progress = backup_watch_start(&watch)};
    code = backup_make(&request, &manifest, &error);
    backup_watch_end(&watch);
    if (code) {
        return cli_fail(&error);
    }
    return backup_print(&manifest, "backed up", choice.out, choice.as_json);
}

const struct command command_backup = {
    .name = "backup",
    .summary = "a copy of a data folder, also while a server works in it",
    .help =
        "usage: netra backup --out PLACE [--data-dir DIR] [--config FILE] [--json]\n"
        "\n"
        "Everything that was acknowledged before the command began is in the copy, of both\n"
        "databases at one moment. PLACE must not be there yet; it is whole, or not there.\n"
        "\n"
        "  --out PLACE      a folder to make, or an archive when the name ends with .tar\n"
        "  --data-dir DIR   what to copy; else the folder of the server's configuration\n"
        "  --config FILE    read this file instead of ~/.config/netra/netra.conf\n"
        "  --json           print the manifest\n"
        "\n"
        "The copy is not encrypted: it holds prompts, e-mails, hashes of passwords and keys. The\n"
        "secret that seals signing keys (NETRA_AUTH_SECRET) is not in it: keep it elsewhere.\n"
        "\n"
        "Exit codes: 0 done, 1 failed (nothing is at PLACE), 2 wrong usage.\n",
    .run = run,
};
