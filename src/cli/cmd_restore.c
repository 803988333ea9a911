/*
 * netra restore: a back-up becomes a data folder.
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
    struct backup_restored restored = {0};
    struct backup_watch watch;
    struct error error = {0};
    int code =
        upkeep_read_options(&command_restore, UPKEEP_FORCE | UPKEEP_WORD, argc, argv, &choice);

    buf_init(&data_dir, CONFIG_VALUE_BYTES_MAX);
    if (code) {
        return code;
    }
    if (read_data_dir(choice.data_dir, choice.config, &data_dir, &error)) {
        return cli_fail(&error);
    }
    struct backup_restore_request request = {.from = choice.word,
                                             .data_dir = data_dir.data,
                                             .is_forced = choice.is_forced,
                                             .progress = backup_watch_start(&watch)};
    code = backup_restore(&request, &restored, &error);
    backup_watch_end(&watch);
    if (code) {
        return cli_fail(&error);
    }
    if (restored.aside[0]) {
        (void)fprintf(stderr, "netra: what was there before is in %s/%s\n", data_dir.data,
                      restored.aside);
    }
    return backup_print(&restored.manifest, "restored", data_dir.data, choice.as_json);
}

const struct command command_restore = {
    .name = "restore",
    .summary = "a back-up becomes a data folder",
    .help =
        "usage: netra restore BACKUP [--data-dir DIR] [--force] [--config FILE] [--json]\n"
        "\n"
        "BACKUP is what netra backup made: a folder or a .tar. Its digests, pages, references and\n"
        "rows are compared with its manifest before anything in DIR is changed.\n"
        "\n"
        "  --data-dir DIR   where to; else the folder of the server's configuration\n"
        "  --force          where data is there already, move it aside, into a folder in DIR\n"
        "  --config FILE    read this file instead of ~/.config/netra/netra.conf\n"
        "  --json           print the manifest\n"
        "\n"
        "A folder that a server uses is refused: stop it first. What was revoked, erased or\n"
        "deleted after the back-up is there again.\n"
        "\n"
        "Exit codes: 0 done, 1 failed (DIR is as it was), 2 wrong usage.\n",
    .run = run,
};
