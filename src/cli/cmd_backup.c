/*
 * netra backup: a copy of a data folder, also while a server works in it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "cli/backup_print.h"
#include "cli/command.h"
#include "cli/config_layers.h"
#include "cli/upkeep_options.h"

static int run(int argc, char **argv)
{
    cleanup(buf_done) struct buf data_dir;
    struct upkeep_options choice;
    struct backup_manifest manifest;
    struct backup_watch watch;
    struct error error = {0};
    int code = upkeep_read_options(&command_backup, UPKEEP_OUT, argc, argv, &choice);

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
