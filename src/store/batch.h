/*
 * batch: one unit of changes on its way to the writer: a list of statements with their values.
 *
 *     batch ─► change ─► change ─► …      a change is a line of the table in batch.c
 *              │ statement, values[]      (which SQL, may it change nothing) and what is bound
 *
 * Everything that a batch holds lies in its arena. It belongs to the caller until store_submit,
 * then to the writer's queue, then to the list of what is done.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_BATCH_H
#define NETRA_STORE_BATCH_H

#include "base/arena.h"
#include "store/store.h"

enum write_statement {
    WRITE_PUT_THREAD,
    WRITE_DELETE_THREAD,
    WRITE_TOUCH_THREAD,
    WRITE_ADD_MESSAGE,
    WRITE_ADD_RUN,
    WRITE_SET_RUN,
    WRITE_ADD_EVENT,
    WRITE_ADD_MODEL_CALL,
    WRITE_ADD_REPORT,
    WRITE_ADD_REPORT_BODY,
    WRITE_PUT_DATASET,
    WRITE_DELETE_DATASET,
    WRITE_ADD_PROBE,
    WRITE_DELETE_PROBE,
    WRITE_STATEMENT_COUNT
};

struct write_sql {
    const char *sql;
    bool must_change; /* no row changed: what it is about is not there */
};

extern const struct write_sql write_sql[WRITE_STATEMENT_COUNT];

struct value {
    enum value_kind { VALUE_INTEGER, VALUE_TEXT, VALUE_BLOB } kind;
    int64_t integer;
    struct str bytes;
};

struct change {
    struct change *next;
    enum write_statement statement;
    unsigned value_count;
    struct value values[];
};

struct store_batch {
    struct arena arena;
    struct change *first;
    struct change *last;
    int status; /* sticky: the first failure of a _put_ or _add_ */
    store_done_fn done;
    void *arg;
    int code;                 /* what done gets */
    struct store_batch *next; /* in writer->first, then in completions->first */
};

/* The change that store_probe submits. */
void batch_add_probe(struct store_batch *batch);

#endif
