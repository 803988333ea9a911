/*
 * The store as its parts: the lock on the data directory, the writer with its connection, the
 * reader with its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/store.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/audit.h"
#include "store/backup.h"
#include "store/batch.h"
#include "store/data_dir.h"
#include "store/reader.h"
#include "store/store_schema.h"
#include "store/writer.h"

struct store {
    int lock_fd;
    struct writer *writer;
    struct reader reader;
    char path[DATA_PATH_BYTES_MAX]; /* of the file, for its size */
};

struct reader *store_reader(struct store *store)
{
    return &store->reader;
}

static void close_pointer(struct store **store)
{
    store_close(*store);
}

int store_open(struct loop *loop, const char *data_dir, struct store **ret_store,
               struct error *error)
{
    sqlite3 *db = NULL;
    cleanup(close_pointer) struct store *store = alloc_zeroed(1, sizeof(*store));

    if (!store) {
        return error_set(error, ERR_NO_MEMORY, "cannot open the store: out of memory");
    }
    store->lock_fd = -1;
    int code = data_dir_path(data_dir, store_schema.file, store->path, error);
    if (!code) {
        code = data_dir_make(data_dir, error);
    }
    if (!code) {
        code = data_dir_lock(data_dir, &store->lock_fd, error);
    }
    if (!code) {
        code = backup_check_finished(data_dir, error);
    }
    if (!code) {
        code = database_open(data_dir, &store_schema, &db, error);
    }
    if (!code && audit_register(db)) {
        code = database_fail(db, SQLITE_NOMEM, "prepare the audit log", error);
        database_close(TAKE(db));
    }
    if (!code) {
        code = writer_start(loop, db, &store->writer, error);
    }
    if (!code) {
        code = database_open_reader(data_dir, &store_schema, &store->reader.db, error);
    }
    if (!code) {
        *ret_store = TAKE(store);
    }
    return code;
}

/* The reader first: the last connection to close, the writer's, brings the WAL home. */
void store_close(struct store *store)
{
    if (!store) {
        return;
    }
    reader_done(&store->reader);
    if (store->writer) {
        writer_stop(store->writer);
    }
    if (store->lock_fd >= 0) {
        (void)close(store->lock_fd);
    }
    alloc_free(store);
}

int store_submit(struct store *store, struct store_batch *batch, store_done_fn done, void *arg)
{
    int code = batch->status;

    batch->done = done;
    batch->arg = arg;
    if (!code) {
        code = writer_submit(store->writer, batch);
    }
    if (code) {
        store_batch_free(batch);
    }
    return code;
}

int store_probe(struct store *store, store_done_fn done, void *arg)
{
    struct store_batch *batch = store_batch_new(STR(""));

    if (!batch) {
        return ERR_NO_MEMORY;
    }
    batch_add_probe(batch);
    return store_submit(store, batch, done, arg);
}

struct store_counts store_counts(struct store *store)
{
    struct writer_counts counts = writer_counts(store->writer);
    struct stat info;

    return (struct store_counts){
        .batches = counts.batches,
        .commits = counts.commits,
        .failed_batches = counts.failed_batches,
        .waiting = counts.waiting,
        .commit_us_total = counts.commit_us_total,
        .failure = database_reason(counts.failure),
        .file_bytes = stat(store->path, &info) == 0 ? (uint64_t)info.st_size : 0,
    };
}
