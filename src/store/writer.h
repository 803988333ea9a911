/*
 * writer: the thread that applies batches, and the way back.
 *
 *     loop thread                    writer's thread                        loop thread
 *     writer_submit ─► queue ─► all that wait, each in a SAVEPOINT ─► completions ─► done, in order
 *                              one COMMIT, one fsync
 *
 * While a commit waits for the disk the queue fills, and what has gathered goes into the next one:
 * the slower the disk, the larger the groups.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_WRITER_H
#define NETRA_STORE_WRITER_H

#include "store/batch.h"
#include "store/database.h"

struct writer;

struct writer_counts {
    uint64_t batches;
    uint64_t commits;
    uint64_t failed_batches;
    uint64_t waiting;
    uint64_t commit_us_total;
    int failure; /* of the last commit, as SQLite has it; SQLITE_OK: it went well */
};

/* Takes the connection, whatever it returns. ERR_IO (no thread), ERR_NO_MEMORY. */
must_check int writer_start(struct loop *loop, sqlite3 *db, struct writer **ret_writer,
                            struct error *error);

/* Applies what is in the queue, ends the thread and closes the connection. done functions that
 * have not run never will. Loop thread. */
void writer_stop(struct writer *writer);

/* Takes the batch when it returns OK. ERR_LIMIT. Loop thread. */
must_check int writer_submit(struct writer *writer, struct store_batch *batch);

struct writer_counts writer_counts(struct writer *writer);

#endif
