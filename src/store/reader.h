/*
 * reader: the loop thread's connection, for reading only. Each statement is prepared when it is
 * first wanted and kept. WAL gives it the last commit, and it never waits for the writer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_READER_H
#define NETRA_STORE_READER_H

#include "store/database.h"
#include "store/store.h"

enum read_statement {
    READ_THREAD,
    READ_RUN,
    READ_REPORT,
    READ_DATASET,
    READ_REPORT_BODY,
    READ_THREADS,
    READ_MESSAGES,
    READ_RUNS,
    READ_DATASETS,
    READ_ALL_DATASETS,
    READ_THREAD_PLACE, /* created_us of a list's cursor */
    READ_MESSAGE_PLACE,
    READ_RUN_PLACE,
    READ_DATASET_PLACE,
    READ_OPEN_RUNS,
    READ_EVENTS,
    READ_MODEL_CALLS,        /* of all runs */
    READ_MODEL_CALLS_OF_RUN, /* of one */
    READ_LAST_SEQ,
    READ_STATEMENT_COUNT
};

struct reader {
    sqlite3 *db;
    sqlite3_stmt *statements[READ_STATEMENT_COUNT]; /* NULL: not prepared yet, or in use */
};

/* What store.c owns; the read functions of store.h are in reader.c. */
struct reader *store_reader(struct store *store);

void reader_done(struct reader *reader);

/* For tests: the SQL, whose plan must not scan or sort. */
const char *reader_sql(enum read_statement statement);

#endif
