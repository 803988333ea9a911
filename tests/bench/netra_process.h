/*
 * netra_process: the real program (NETRA_BIN) as a process of a benchmark, with a folder of its
 * own. What it is to be configured with stands in the environment of the benchmark (setenv before
 * the start).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_NETRA_PROCESS_H
#define NETRA_TESTS_NETRA_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

#define NETRA_PROCESS_TOKEN      "bench-token-0123456789abcdef"
#define NETRA_PROCESS_PATH_BYTES 256

struct netra {
    pid_t pid;
    uint16_t port;
    char folder[NETRA_PROCESS_PATH_BYTES];
};

/* A new folder; 0, or -1. */
int netra_make_folder(struct netra *netra);
void netra_remove_folder(const struct netra *netra);

/* Starts `netra serve` in its folder and waits until it listens; 0, or -1. It dies with the
 * benchmark. */
int netra_start(struct netra *netra);
void netra_stop(const struct netra *netra);

#endif
