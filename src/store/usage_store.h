/*
 * usage_store: the records of datasets, apart from store.h, so that a million rows never stand in
 * the way of an event. Today one SQLite file (data_dir/usage.db); the contract suits a column
 * store.
 *
 * Records are kept as chunks of at most USAGE_CHUNK_ROWS rows in the order of import: one BLOB
 * each, packed columns with their own texts, so that a chunk can be read without any other (chunk.h
 * has the format). What a dataset is called, and whether it is complete, is store.h's matter: a
 * dataset that store.h does not call ready has no meaning here and is swept at the next start.
 *
 * All functions block on the disk and are called on workers; each opens what it needs, so any
 * number may run at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_USAGE_STORE_H
#define NETRA_STORE_USAGE_STORE_H

#include <stdatomic.h>

#include "usage/usage_table.h"

#define USAGE_CHUNK_ROWS 65536u

struct usage_store;

/* In a data directory that this process has (store_open holds the lock). ERR_IO, ERR_UNSUPPORTED (a
 * newer version), ERR_INVALID (a path that is too long), ERR_NO_MEMORY. */
must_check int usage_store_open(const char *data_dir, struct usage_store **ret_store,
                                struct error *error);
void usage_store_close(struct usage_store *store);

/* Stores all rows of a table that is not sorted yet as a dataset, durably, all or nothing. The id
 * must be new: ERR_INVALID. ERR_LIMIT (a row with more than 8 M block runs, a chunk above 512 MiB),
 * ERR_IO, ERR_NO_MEMORY. Puts and deletes take turns. */
must_check int usage_store_put(struct usage_store *store, struct str dataset_id,
                               const struct usage_table *table, struct error *error);

/* Appends a dataset's rows to a table, in the order of import. An empty table is then what the
 * import made: equal in every column, dict and in by_request; only run_begin may differ, since runs
 * that no row points at are not kept. is_cancelled (may be NULL) is looked at before each chunk.
 * ERR_NOT_FOUND, ERR_INVALID (a chunk is damaged or missing, or the table has one of the requests
 * already), ERR_UNSUPPORTED (a chunk of a newer version), ERR_LIMIT, ERR_CANCELLED, ERR_IO,
 * ERR_NO_MEMORY; after a failure the table is good for usage_table_done only. */
must_check int usage_store_load(struct usage_store *store, struct str dataset_id,
                                struct usage_table *table, const atomic_bool *is_cancelled,
                                struct error *error);

/* OK also when there is nothing. */
must_check int usage_store_delete(struct usage_store *store, struct str dataset_id,
                                  struct error *error);

/* Deletes every dataset for which keep() says no: once, at the start. */
typedef bool (*usage_store_keep_fn)(struct str dataset_id, void *arg);
must_check int usage_store_sweep(struct usage_store *store, usage_store_keep_fn keep, void *arg,
                                 struct error *error);

#endif
