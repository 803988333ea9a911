/*
 * progress: a bar on standard error for what takes over a second; nothing when it is no terminal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_CLI_PROGRESS_H
#define NETRA_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool is_terminal;
    bool is_shown;
    int64_t started_us;
    int64_t shown_us;
};

void progress_start(struct progress *progress);

/* A dataset_progress_fn; arg is the struct progress. */
void progress_show(const char *path, uint64_t done, uint64_t total, void *arg);

/* Clears the line. */
void progress_end(struct progress *progress);

#endif
