/*
 * backup_print: what `netra backup` and `netra restore` show, and how they are stopped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_CLI_BACKUP_PRINT_H
#define NETRA_CLI_BACKUP_PRINT_H

#include "cli/progress.h"
#include "store/backup.h"

struct backup_watch {
    struct progress progress;
};

/* A bar on a terminal; SIGINT and SIGTERM end what is under way in order, from now on. */
struct backup_progress backup_watch_start(struct backup_watch *watch);
void backup_watch_end(struct backup_watch *watch);

/* What was done, and what is in it: exit code. as_json: the manifest instead. */
int backup_print(const struct backup_manifest *manifest, const char *done, const char *place,
                 bool as_json);

#endif
