/*
 * batch: one unit of changes on its way to the writer: a list of statements with their values.
 *
 *     batch ─► change ─► change ─► …      a change is a line of the table in write_sql.c
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
#include "store/write_sql.h"

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
    struct str workspace_id; /* of everything in it; empty: the deployment */
    struct change *first;
    struct change *last;
    int status; /* sticky: the first failure of a _put_ or _add_ */
    store_done_fn done;
    void *arg;
    int code;                 /* what done gets */
    struct store_batch *next; /* in writer->first, then in completions->first */
};

/* ---- for what makes changes: batch.c, batch_accounts.c ---- */

static inline struct value value_integer(int64_t integer)
{
    return (struct value){.kind = VALUE_INTEGER, .integer = integer};
}

static inline struct value value_text(struct str text)
{
    return (struct value){.kind = VALUE_TEXT, .bytes = text};
}

/* Of a hash: 32 bytes. */
static inline struct value value_hash(const unsigned char hash[32])
{
    return (struct value){.kind = VALUE_BLOB, .bytes = {(const char *)hash, 32}};
}

/* The id of a new row: the batch becomes ERR_INVALID when it is none. Ids that only refer to a row
 * need no look: they find it or they do not. */
struct value value_new_id(struct store_batch *batch, struct str id);

/* Copies the values. ERR_INVALID for the batch when the statement is of a workspace and the batch
 * of the deployment, or the other way round. */
void batch_add_change(struct store_batch *batch, enum write_statement statement,
                      const struct value *values, unsigned count);

#define BATCH_ADD(batch, statement, ...)                                                           \
    do {                                                                                           \
        const struct value values_[] = {__VA_ARGS__};                                              \
        batch_add_change(batch, statement, values_, (unsigned)ARRAY_LENGTH(values_));              \
    } while (0)

/* The change that store_probe submits. */
void batch_add_probe(struct store_batch *batch);

#endif
