/*
 * journal: the files of deployments in a project's state folder; release.h draws them. Written so
 * that a kill leaves the old file or the new one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_JOURNAL_H
#define NETRA_DEPLOY_JOURNAL_H

#include "deploy/target.h"

#define JOURNAL_LINE_BYTES_MAX       65536u
#define JOURNAL_UNFINISHED_BYTES_MAX 4096u

struct journal {
    char folder[TARGET_PATH_BYTES_MAX]; /* STATE/deploys */
    int lock_fd;                        /* -1: not open */
    int record_fd;                      /* of the revision; -1: none */
};

struct unfinished {
    char revision[64]; /* empty: nothing is unfinished */
    struct str services[TARGET_SERVICES_MAX];
    size_t service_count;
};

/* Makes the folders and takes the lock. ERR_EXISTS: another process has it. ERR_IO. */
must_check int journal_open(struct journal *journal, const char *state, struct error *error);
void journal_close(struct journal *journal); /* also after a failure; zeroed is not open */

/* Lines go to REVISION.jsonl from now on. ERR_IO. */
must_check int journal_record(struct journal *journal, const char *revision, struct error *error);

/* One line: the call, its variables, its end. Ignored without a record; that it cannot be written
 * (a full disk) must not stop a rollback: ERR_IO is for the caller to tell. */
int journal_note(struct journal *journal, const struct target_call *call,
                 const struct child_end *end, const char *outcome, const char *why);
/* The same for what is no verb. */
int journal_note_step(struct journal *journal, const char *step, const char *service,
                      int64_t duration_us, const char *outcome, const char *why);

/* ERR_IO, ERR_INVALID (the file is none of ours), ERR_NO_MEMORY. */
must_check int journal_read_unfinished(const struct journal *journal, struct arena *arena,
                                       struct unfinished *ret_unfinished, struct error *error);
must_check int journal_begin(const struct journal *journal, const char *revision,
                             const struct str *services, size_t count, struct error *error);
/* It is kept, or undone. ERR_IO. */
must_check int journal_finish(const struct journal *journal, struct error *error);

#endif
