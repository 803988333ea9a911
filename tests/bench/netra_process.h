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
#define NETRA_CREDENTIAL_BYTES   2048

struct netra {
    pid_t pid;
    uint16_t port;
    char folder[NETRA_PROCESS_PATH_BYTES];
    char setup_code[64]; /* of the first admin; "" where there is none */
};

/* A new folder; 0, or -1. */
int netra_make_folder(struct netra *netra);
void netra_remove_folder(const struct netra *netra);

/* Starts `netra serve` in its folder and waits until it listens; 0, or -1. It dies with the
 * benchmark. */
int netra_start(struct netra *netra);
void netra_stop(const struct netra *netra);

/* For a program that is to have accounts: the mode, a secret, and limits that no load reaches. They
 * are in the environment until netra_forget_accounts. */
void netra_want_accounts(void);
void netra_forget_accounts(void);

/* The first admin of a server with accounts, made as people make one, and what it made. */
struct netra_admin {
    char token[NETRA_CREDENTIAL_BYTES]; /* access token */
    char key[NETRA_CREDENTIAL_BYTES];   /* API key that may read */
    char thread_path[128];              /* "/api/threads/…" */
};

/* 0, or -1. Needs load.c. */
int netra_make_admin(const struct netra *netra, struct netra_admin *ret_admin);

#endif
