/*
 * usage.db: datasets and their chunks. Each call opens a connection of its own, so readers never
 * wait; writers take turns at a mutex rather than at SQLite's lock, which would time out behind a
 * large dataset. A dataset is put in one transaction: it is there wholly or not at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/usage_store.h"

#include <pthread.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/check.h"
#include "monitor/fault.h"
#include "store/chunk.h"
#include "store/data_dir.h"
#include "store/database.h"
#include "store/store_schema.h"

_Static_assert(USAGE_CHUNK_ROWS == CHUNK_ROWS_MAX, "one limit, told in two headers");

static const char *const steps[] = {
    /* 1 */
    "CREATE TABLE dataset ("
    " n INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE,"
    " chunks INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE chunk ("
    " n INTEGER PRIMARY KEY,"
    " dataset INTEGER NOT NULL REFERENCES dataset (n) ON DELETE CASCADE,"
    " number INTEGER NOT NULL," /* from 0 */
    " bytes BLOB NOT NULL,"     /* chunk.h */
    " UNIQUE (dataset, number)"
    ") STRICT;",
};

/* Large pages for large rows; and a deleted dataset gives its room back to the disk. */
const struct schema usage_schema = {
    .file = "usage.db",
    .application_id = 0x4e747573, /* "Ntus" */
    .before = "PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL;",
    .steps = steps,
    .step_count = (int)ARRAY_LENGTH(steps),
};

struct usage_store {
    pthread_mutex_t writing;
    char data_dir[DATA_PATH_BYTES_MAX];
};

int usage_store_open(const char *data_dir, struct usage_store **ret_store, struct error *error)
{
    sqlite3 *db = NULL;
    struct usage_store *store = alloc_zeroed(1, sizeof(*store));

    if (!store) {
        return error_set(error, ERR_NO_MEMORY, "cannot open the records: out of memory");
    }
    check(pthread_mutex_init(&store->writing, NULL) == 0);
    (void)snprintf(store->data_dir, sizeof(store->data_dir), "%s", data_dir);
    int code = data_dir_make(data_dir, error);
    if (!code) {
        code = database_open(data_dir, &usage_schema, &db, error);
    }
    database_close(db);
    if (code) {
        usage_store_close(store);
        return code;
    }
    *ret_store = store;
    return OK;
}

void usage_store_close(struct usage_store *store)
{
    if (store) {
        (void)pthread_mutex_destroy(&store->writing);
        alloc_free(store);
    }
}

static void finalize(sqlite3_stmt **statement)
{
    (void)sqlite3_finalize(*statement);
}

/* ---- putting ---- */

static int insert_dataset(sqlite3 *db, struct str id, int64_t *ret_number, struct error *error)
{
    cleanup(finalize) sqlite3_stmt *insert = NULL;
    int result = database_prepare(db, "INSERT INTO dataset (id, chunks) VALUES (?1, 0)", &insert);

    if (!result) {
        result = database_bind_text(insert, 1, id);
    }
    if (!result) {
        result = sqlite3_step(insert);
    }
    if ((result & 0xff) == SQLITE_CONSTRAINT) {
        return error_set(error, ERR_INVALID, "cannot store dataset %.*s: it is there already",
                         STR_ARGS(id));
    }
    if (result != SQLITE_DONE) {
        return database_fail(db, result, "store the records", error);
    }
    *ret_number = sqlite3_last_insert_rowid(db);
    return OK;
}

static int insert_chunk(sqlite3 *db, sqlite3_stmt *insert, int64_t dataset, int64_t number,
                        struct str bytes, struct error *error)
{
    int result = sqlite3_bind_int64(insert, 1, dataset);

    if (!result) {
        result = sqlite3_bind_int64(insert, 2, number);
    }
    if (!result) {
        result = sqlite3_bind_blob64(insert, 3, bytes.data, bytes.length, SQLITE_STATIC);
    }
    if (!result) {
        result = sqlite3_step(insert);
    }
    int code = result == SQLITE_DONE ? OK : database_fail(db, result, "store the records", error);
    (void)sqlite3_reset(insert);
    (void)sqlite3_clear_bindings(insert);
    return code;
}

static int insert_chunks(sqlite3 *db, const struct usage_table *table, int64_t dataset,
                         int64_t *ret_count, struct error *error)
{
    cleanup(finalize) sqlite3_stmt *insert = NULL;
    cleanup(buf_done) struct buf bytes;
    struct chunk_encoder *encoder;
    int64_t number = 0;

    buf_init(&bytes, CHUNK_BYTES_MAX);
    int result = database_prepare(
        db, "INSERT INTO chunk (dataset, number, bytes) VALUES (?1, ?2, ?3)", &insert);
    if (result) {
        return database_fail(db, result, "store the records", error);
    }
    int code = chunk_encoder_new(table, &encoder);
    if (code) {
        return error_set(error, code, "cannot store the records: %s", error_code_text(code));
    }
    while (!code && chunk_encoder_has_more(encoder)) {
        code = chunk_encode(encoder, &bytes);
        if (code) {
            (void)error_set(error, code, "cannot store the records: %s", error_code_text(code));
        } else {
            code = insert_chunk(db, insert, dataset, number++, buf_str(&bytes), error);
        }
    }
    chunk_encoder_free(encoder);
    *ret_count = number;
    return code;
}

/* In a transaction. */
static int put_dataset(sqlite3 *db, struct str id, const struct usage_table *table,
                       struct error *error)
{
    cleanup(finalize) sqlite3_stmt *update = NULL;
    int64_t dataset = 0;
    int64_t chunks = 0;
    int code = insert_dataset(db, id, &dataset, error);

    if (!code) {
        code = insert_chunks(db, table, dataset, &chunks, error);
    }
    if (code) {
        return code;
    }
    int result = database_prepare(db, "UPDATE dataset SET chunks = ?2 WHERE n = ?1", &update);
    if (!result) {
        result = sqlite3_bind_int64(update, 1, dataset);
    }
    if (!result) {
        result = sqlite3_bind_int64(update, 2, chunks);
    }
    if (!result) {
        result = sqlite3_step(update);
    }
    if (result == SQLITE_DONE && fault_hits(FAULT_RECORDS_FULL)) {
        return database_fail(/* its reason is the fault's */ NULL, SQLITE_FULL, "store the records",
                             error);
    }
    return result == SQLITE_DONE ? OK : database_fail(db, result, "store the records", error);
}

/* Ends a transaction as its code says. */
static int end_transaction(sqlite3 *db, int code, struct error *error)
{
    int result = code ? SQLITE_OK : database_run(db, "COMMIT");

    if (result) {
        code = database_fail(db, result, "store the records", error);
    }
    if (code && !sqlite3_get_autocommit(db)) {
        (void)database_run(db, "ROLLBACK");
    }
    return code;
}

int usage_store_put(struct usage_store *store, struct str dataset_id,
                    const struct usage_table *table, struct error *error)
{
    sqlite3 *db = NULL;

    (void)pthread_mutex_lock(&store->writing);
    int code = database_open(store->data_dir, &usage_schema, &db, error);
    if (!code && database_run(db, "BEGIN IMMEDIATE")) {
        code = database_fail(db, sqlite3_errcode(db), "store the records", error);
    }
    if (!code) {
        code = end_transaction(db, put_dataset(db, dataset_id, table, error), error);
    }
    database_close(db);
    (void)pthread_mutex_unlock(&store->writing);
    return code;
}

/* ---- loading ---- */

static int find_dataset(sqlite3 *db, struct str id, int64_t *ret_number, int64_t *ret_chunks,
                        struct error *error)
{
    cleanup(finalize) sqlite3_stmt *find = NULL;
    int result = database_prepare(db, "SELECT n, chunks FROM dataset WHERE id = ?1", &find);

    if (!result) {
        result = database_bind_text(find, 1, id);
    }
    if (!result) {
        result = sqlite3_step(find);
    }
    if (result == SQLITE_DONE) {
        return error_set(error, ERR_NOT_FOUND, "there are no records of dataset %.*s",
                         STR_ARGS(id));
    }
    if (result != SQLITE_ROW) {
        return database_fail(db, result, "load the records", error);
    }
    *ret_number = sqlite3_column_int64(find, 0);
    *ret_chunks = sqlite3_column_int64(find, 1);
    return OK;
}

static int load_chunks(sqlite3 *db, int64_t dataset, int64_t chunks, struct usage_table *table,
                       const atomic_bool *is_cancelled, struct error *error)
{
    cleanup(finalize) sqlite3_stmt *next = NULL;
    int result = database_prepare(
        db, "SELECT number, bytes FROM chunk WHERE dataset = ?1 ORDER BY number", &next);
    int64_t number = 0;

    if (!result) {
        result = sqlite3_bind_int64(next, 1, dataset);
    }
    while (!result && (result = sqlite3_step(next)) == SQLITE_ROW) {
        struct str bytes = database_blob(next, 1);

        if (is_cancelled && atomic_load(is_cancelled)) {
            return error_set(error, ERR_CANCELLED, "loading the records was cancelled");
        }
        if (sqlite3_column_int64(next, 0) != number++) {
            break;
        }
        if (!bytes.data) {
            return database_fail(db, sqlite3_errcode(db), "load the records", error);
        }
        int code = chunk_append(bytes, table, error);
        if (code) {
            return code;
        }
        result = SQLITE_OK;
    }
    if (result != SQLITE_DONE && result != SQLITE_ROW) {
        return database_fail(db, result, "load the records", error);
    }
    return number == chunks && result == SQLITE_DONE
               ? OK
               : error_set(error, ERR_INVALID, "cannot load the records: chunks are missing");
}

int usage_store_load(struct usage_store *store, struct str dataset_id, struct usage_table *table,
                     const atomic_bool *is_cancelled, struct error *error)
{
    sqlite3 *db = NULL;
    int64_t dataset = 0;
    int64_t chunks = 0;
    int code = database_open_reader(store->data_dir, &usage_schema, &db, error);

    /* One transaction, so that nobody deletes the dataset in its middle. */
    if (!code && database_run(db, "BEGIN")) {
        code = database_fail(db, sqlite3_errcode(db), "load the records", error);
    }
    if (!code) {
        code = find_dataset(db, dataset_id, &dataset, &chunks, error);
    }
    if (!code) {
        code = load_chunks(db, dataset, chunks, table, is_cancelled, error);
    }
    database_close(db);
    return code;
}

/* ---- deleting ---- */

/* The cascade takes the chunks; the pages go back to the disk at once. */
static int delete_number(sqlite3 *db, int64_t number, struct error *error)
{
    cleanup(finalize) sqlite3_stmt *delete = NULL;
    int result = database_prepare(db, "DELETE FROM dataset WHERE n = ?1", &delete);

    if (!result) {
        result = sqlite3_bind_int64(delete, 1, number);
    }
    if (!result) {
        result = sqlite3_step(delete);
    }
    return result == SQLITE_DONE ? OK : database_fail(db, result, "delete the records", error);
}

int usage_store_delete(struct usage_store *store, struct str dataset_id, struct error *error)
{
    sqlite3 *db = NULL;
    int64_t number = 0;
    int64_t chunks = 0;

    (void)pthread_mutex_lock(&store->writing);
    int code = database_open(store->data_dir, &usage_schema, &db, error);
    if (!code) {
        code = find_dataset(db, dataset_id, &number, &chunks, error);
        code = code == ERR_NOT_FOUND ? OK : code ? code : delete_number(db, number, error);
    }
    if (!code && database_run(db, "PRAGMA incremental_vacuum")) {
        code = database_fail(db, sqlite3_errcode(db), "give room back to the disk", error);
    }
    database_close(db);
    (void)pthread_mutex_unlock(&store->writing);
    return code;
}

/* The next dataset behind *number; 0 when there is none. */
static int next_dataset(sqlite3 *db, sqlite3_stmt *find, int64_t *number, struct error *error)
{
    (void)sqlite3_reset(find);
    int result = sqlite3_bind_int64(find, 1, *number);

    if (!result) {
        result = sqlite3_step(find);
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
        return database_fail(db, result, "look for records without a dataset", error);
    }
    *number = result == SQLITE_ROW ? sqlite3_column_int64(find, 0) : 0;
    return OK;
}

static int sweep(sqlite3 *db, usage_store_keep_fn keep, void *arg, struct error *error)
{
    cleanup(finalize) sqlite3_stmt *find = NULL;
    int64_t number = 0;
    int result =
        database_prepare(db, "SELECT n, id FROM dataset WHERE n > ?1 ORDER BY n LIMIT 1", &find);

    if (result) {
        return database_fail(db, result, "look for records without a dataset", error);
    }
    int code = next_dataset(db, find, &number, error);
    while (!code && number) {
        struct str id = database_text(find, 1);

        if (!id.data) {
            return error_set(error, ERR_NO_MEMORY, "cannot look for records: out of memory");
        }
        bool is_kept = keep(id, arg);
        (void)sqlite3_reset(find);
        code = is_kept ? OK : delete_number(db, number, error);
        if (!code) {
            code = next_dataset(db, find, &number, error);
        }
    }
    return code;
}

int usage_store_sweep(struct usage_store *store, usage_store_keep_fn keep, void *arg,
                      struct error *error)
{
    sqlite3 *db = NULL;

    (void)pthread_mutex_lock(&store->writing);
    int code = database_open(store->data_dir, &usage_schema, &db, error);
    if (!code) {
        code = sweep(db, keep, arg, error);
    }
    if (!code && database_run(db, "PRAGMA incremental_vacuum")) {
        code = database_fail(db, sqlite3_errcode(db), "give room back to the disk", error);
    }
    database_close(db);
    (void)pthread_mutex_unlock(&store->writing);
    return code;
}
