/*
 * child: runs another program to its end, without a shell: what it writes to standard output is
 * kept, what it says on standard error is handed on line by line as it comes. Its standard input is
 * empty. It is the head of a process group of its own, which is ended as a whole: SIGTERM,
 * CHILD_KILL_MS later SIGKILL.
 *
 * Blocks; the caller's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_CHILD_H
#define NETRA_DEPLOY_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define CHILD_LINE_BYTES_MAX 4096u /* of standard error; a longer line comes in pieces */
#define CHILD_KILL_MS        5000u /* from SIGTERM to SIGKILL */
#define CHILD_REST_MS        500u  /* after its end: for pipes that its own children hold */

struct child_options {
    const char *const *arguments; /* ends with NULL; the first is the program, found by PATH when it
                                   * has no slash */
    char *const *environment;     /* ends with NULL; NULL: ours */
    const char *folder;           /* where it begins; NULL: where we are */
    unsigned timeout_ms;          /* 0: none */
    /* A line of standard error without its end; NULL: it goes where ours goes. */
    void (*on_line)(struct str line, void *arg);
    void (*on_start)(int pid, void *arg); /* it runs; NULL: nobody */
    volatile const int *is_cancelled;     /* looked at while it runs; NULL: never */
    void *arg;
};

struct child_end {
    int exit_status; /* -1: it was ended by a signal */
    int signal;      /* 0: none */
    bool is_timed_out;
    bool is_cancelled;
    int64_t duration_us;
    uint64_t out_bytes; /* of standard output, also those that out had no room for */
};

/* Appends standard output to out, as far as its limit goes; beyond it bytes are read and dropped,
 * out_bytes tells. NULL: it goes where ours goes. That the program failed, or was ended, is no
 * failure of this call: ret_end says how. ERR_IO (it cannot be started), ERR_NO_MEMORY. */
must_check int child_run(const struct child_options *options, struct buf *out,
                         struct child_end *ret_end, struct error *error);

/* "exit status 3", "signal 9", "no end within 900 s". */
void child_end_print(const struct child_end *end, struct buf *out);

#endif
