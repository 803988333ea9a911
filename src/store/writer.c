/*
 * The queue is taken whole. Within a group a batch that breaks a rule of the schema is rolled back
 * to its SAVEPOINT and fails alone; any other failure is the disk's, rolls back the transaction and
 * fails the whole group: after it nothing can be said about any of them. The next group begins
 * anew, so that writing goes on when the disk does.
 *
 * What is done goes back through one message: its list can be outlived by a message that the loop
 * has not run yet when the store closes, so it has a life of its own and the last user frees it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/writer.h"

#include <pthread.h>
#include <time.h>

#include "base/alloc.h"
#include "base/check.h"
#include "monitor/fault.h"
#include "monitor/metrics.h"

/* What is done and not yet told. */
struct completions {
    struct loop *loop;
    struct loop_message message;
    pthread_mutex_t mutex;
    struct store_batch *first; /* under mutex, as all below */
    struct store_batch *last;
    size_t count;
    bool is_posted; /* the message is the loop's */
    bool is_closed; /* the store is gone: whoever sees this last frees */
};

struct writer {
    sqlite3 *db;
    sqlite3_stmt *statements[WRITE_STATEMENT_COUNT]; /* the thread's, prepared when first used */
    struct completions *completions;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t has_work;
    struct store_batch *first; /* under mutex, as all below */
    struct store_batch *last;
    size_t queued_bytes; /* of what has not been applied */
    bool is_stopping;
    struct writer_counts counts;
};

/* ---- the way back ---- */

static void free_list(struct store_batch *batch)
{
    while (batch) {
        struct store_batch *next = batch->next;

        store_batch_free(batch);
        batch = next;
    }
}

static void completions_free(struct completions *completions)
{
    if (completions) {
        free_list(completions->first);
        (void)pthread_mutex_destroy(&completions->mutex);
        alloc_free(completions);
    }
}

/* The next that is done, or NULL: the store is closed, or as many are told as there were. */
static struct store_batch *take_done(struct completions *completions)
{
    (void)pthread_mutex_lock(&completions->mutex);
    struct store_batch *batch = completions->is_closed ? NULL : completions->first;
    if (batch) {
        completions->first = batch->next;
        completions->last = completions->first ? completions->last : NULL;
        completions->count--;
    }
    (void)pthread_mutex_unlock(&completions->mutex);
    return batch;
}

static size_t count_done(struct completions *completions)
{
    (void)pthread_mutex_lock(&completions->mutex);
    size_t count = completions->count;
    (void)pthread_mutex_unlock(&completions->mutex);
    return count;
}

/* On the loop. A done function may submit more, or close the store: what comes meanwhile waits for
 * the loop's next turn, and each look at the list is under the mutex. */
static void tell(void *arg)
{
    struct completions *completions = arg;
    struct store_batch *batch;

    for (size_t left = count_done(completions); left && (batch = take_done(completions)); left--) {
        store_done_fn done = batch->done;
        void *done_arg = batch->arg;
        int code = batch->code;

        store_batch_free(batch);
        if (done) {
            done(code, done_arg);
        }
    }
    (void)pthread_mutex_lock(&completions->mutex);
    bool is_closed = completions->is_closed;
    completions->is_posted = !is_closed && completions->first;
    bool must_post = completions->is_posted;
    (void)pthread_mutex_unlock(&completions->mutex);
    if (is_closed) {
        completions_free(completions);
    } else if (must_post) {
        loop_post(completions->loop, &completions->message);
    }
}

static struct completions *completions_new(struct loop *loop)
{
    struct completions *completions = alloc_zeroed(1, sizeof(*completions));

    if (!completions) {
        return NULL;
    }
    if (pthread_mutex_init(&completions->mutex, NULL)) {
        alloc_free(completions);
        return NULL;
    }
    completions->loop = loop;
    completions->message = (struct loop_message){.fn = tell, .arg = completions};
    return completions;
}

/* Hands over a list that is not empty. */
static void complete(struct completions *completions, struct store_batch *first,
                     struct store_batch *last, size_t count)
{
    (void)pthread_mutex_lock(&completions->mutex);
    if (completions->last) {
        completions->last->next = first;
    } else {
        completions->first = first;
    }
    completions->last = last;
    completions->count += count;
    bool must_post = !completions->is_posted;
    completions->is_posted = true;
    (void)pthread_mutex_unlock(&completions->mutex);
    if (must_post) {
        loop_post(completions->loop, &completions->message);
    }
}

/* ---- applying ---- */

static int bind_value(sqlite3_stmt *statement, int parameter, const struct value *value)
{
    switch (value->kind) {
    case VALUE_INTEGER:
        return sqlite3_bind_int64(statement, parameter, value->integer);
    case VALUE_BLOB:
        return sqlite3_bind_blob64(statement, parameter, value->bytes.data, value->bytes.length,
                                   SQLITE_STATIC);
    case VALUE_TEXT:
        break;
    }
    return database_bind_text(statement, parameter, value->bytes);
}

static int bind_change(sqlite3_stmt *statement, const struct store_batch *batch,
                       const struct change *change)
{
    int result = write_is_of_workspace(change->statement)
                     ? database_bind_text(statement, WORKSPACE_PARAMETER, batch->workspace_id)
                     : SQLITE_OK;

    for (unsigned i = 0; i < change->value_count && !result; i++) {
        result = bind_value(statement, (int)i + 1, &change->values[i]);
    }
    return result;
}

static int apply_change(struct writer *writer, const struct store_batch *batch,
                        const struct change *change)
{
    sqlite3_stmt **statement = &writer->statements[change->statement];
    const struct write_sql *sql = &write_sql[change->statement];
    int result = SQLITE_OK;

    if (!*statement) {
        result = database_prepare(writer->db, sql->sql, statement);
    }
    if (!result) {
        result = bind_change(*statement, batch, change);
    }
    if (!result) {
        result = sqlite3_step(*statement);
    }
    int code = database_code(result);
    if (!code && sql->must_change && sqlite3_changes(writer->db) == 0) {
        code = ERR_INVALID;
    }
    if (*statement) {
        (void)sqlite3_reset(*statement);
        (void)sqlite3_clear_bindings(*statement);
    }
    return code;
}

/* OK also when the batch alone failed: that is in its code. */
static int apply_batch(struct writer *writer, struct store_batch *batch)
{
    int code = database_code(database_run(writer->db, "SAVEPOINT batch"));

    for (struct change *change = batch->first; change && !code; change = change->next) {
        code = apply_change(writer, batch, change);
    }
    batch->code = code;
    if (code == ERR_INVALID) {
        code = database_code(database_run(writer->db, "ROLLBACK TO batch"));
    }
    return code ? code : database_code(database_run(writer->db, "RELEASE batch"));
}

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* What the disk says, or a fault in its place: SQLite's result. */
static int commit(struct writer *writer)
{
    int64_t delay_ms;

    if (fault_hits_with(FAULT_STORE_SLOW, &delay_ms)) {
        const struct timespec delay = {delay_ms / 1000, (delay_ms % 1000) * 1000000};

        (void)nanosleep(&delay, NULL);
    }
    if (fault_hits(FAULT_STORE_FULL)) {
        return SQLITE_FULL;
    }
    return fault_hits(FAULT_STORE_READ_ONLY) ? SQLITE_READONLY : database_run(writer->db, "COMMIT");
}

static void count_failure(int code)
{
    struct str reason = code == ERR_INVALID ? STR("invalid") : STR("disk");

    metric_add(METRIC_STORE_FAILED, metric_label(METRIC_STORE_FAILED, reason), 1);
}

static void apply_group(struct writer *writer, struct store_batch *first)
{
    struct writer_counts counts = {.commits = 1};
    uint64_t began_us = now_us();
    int code = database_code(database_run(writer->db, "BEGIN IMMEDIATE"));
    struct store_batch *last = first;
    size_t bytes = 0;

    for (struct store_batch *batch = first; batch && !code; batch = batch->next) {
        code = apply_batch(writer, batch);
    }
    int result = code ? sqlite3_errcode(writer->db) : commit(writer);
    code = code ? code : database_code(result);
    if (code && !sqlite3_get_autocommit(writer->db)) {
        (void)database_run(writer->db, "ROLLBACK");
    }
    counts.commit_us_total = now_us() - began_us;
    metric_observe_us(METRIC_STORE_COMMIT_DURATION, 0, counts.commit_us_total);
    for (struct store_batch *batch = first; batch; batch = batch->next) {
        batch->code = code ? ERR_IO : batch->code;
        counts.batches++;
        if (batch->code) {
            counts.failed_batches++;
            count_failure(batch->code);
        }
        bytes += batch->arena.used_bytes;
        last = batch;
    }
    (void)pthread_mutex_lock(&writer->mutex);
    writer->counts.batches += counts.batches;
    writer->counts.commits += code ? 0 : counts.commits;
    writer->counts.failed_batches += counts.failed_batches;
    writer->counts.commit_us_total += counts.commit_us_total;
    writer->counts.failure = code ? result : SQLITE_OK;
    writer->counts.waiting -= counts.batches;
    writer->queued_bytes -= bytes;
    (void)pthread_mutex_unlock(&writer->mutex);
    complete(writer->completions, first, last, counts.batches);
}

static void *run_writer(void *arg)
{
    struct writer *writer = arg;

    for (;;) {
        (void)pthread_mutex_lock(&writer->mutex);
        while (!writer->first && !writer->is_stopping) {
            (void)pthread_cond_wait(&writer->has_work, &writer->mutex);
        }
        struct store_batch *group = writer->first;
        writer->first = NULL;
        writer->last = NULL;
        (void)pthread_mutex_unlock(&writer->mutex);
        if (!group) {
            return NULL;
        }
        apply_group(writer, group);
    }
}

/* ---- the loop's side ---- */

static void free_writer(struct writer *writer)
{
    for (int i = 0; i < WRITE_STATEMENT_COUNT; i++) {
        (void)sqlite3_finalize(writer->statements[i]);
    }
    database_close(writer->db);
    (void)pthread_mutex_destroy(&writer->mutex);
    (void)pthread_cond_destroy(&writer->has_work);
    alloc_free(writer);
}

int writer_start(struct loop *loop, sqlite3 *db, struct writer **ret_writer, struct error *error)
{
    struct writer *writer = alloc_zeroed(1, sizeof(*writer));

    if (!writer) {
        database_close(db);
        return error_set(error, ERR_NO_MEMORY, "cannot start the store's writer: out of memory");
    }
    check(pthread_mutex_init(&writer->mutex, NULL) == 0);
    check(pthread_cond_init(&writer->has_work, NULL) == 0);
    writer->db = db;
    writer->completions = completions_new(loop);
    if (!writer->completions) {
        free_writer(writer);
        return error_set(error, ERR_NO_MEMORY, "cannot start the store's writer: out of memory");
    }
    if (pthread_create(&writer->thread, NULL, run_writer, writer)) {
        completions_free(writer->completions);
        free_writer(writer);
        return error_set(error, ERR_IO, "cannot start the store's writer: no more threads");
    }
    *ret_writer = writer;
    return OK;
}

void writer_stop(struct writer *writer)
{
    struct completions *completions = writer->completions;

    (void)pthread_mutex_lock(&writer->mutex);
    writer->is_stopping = true;
    (void)pthread_cond_signal(&writer->has_work);
    (void)pthread_mutex_unlock(&writer->mutex);
    (void)pthread_join(writer->thread, NULL);
    free_writer(writer);

    (void)pthread_mutex_lock(&completions->mutex);
    bool is_posted = completions->is_posted;
    completions->is_closed = true;
    (void)pthread_mutex_unlock(&completions->mutex);
    if (!is_posted) {
        completions_free(completions);
    }
}

int writer_submit(struct writer *writer, struct store_batch *batch)
{
    (void)pthread_mutex_lock(&writer->mutex);
    bool is_full = writer->counts.waiting >= STORE_QUEUE_MAX ||
                   batch->arena.used_bytes > STORE_QUEUE_BYTES_MAX - writer->queued_bytes;
    if (!is_full) {
        if (writer->last) {
            writer->last->next = batch;
        } else {
            writer->first = batch;
        }
        writer->last = batch;
        writer->counts.waiting++;
        writer->queued_bytes += batch->arena.used_bytes;
        (void)pthread_cond_signal(&writer->has_work);
    }
    (void)pthread_mutex_unlock(&writer->mutex);
    return is_full ? ERR_LIMIT : OK;
}

struct writer_counts writer_counts(struct writer *writer)
{
    (void)pthread_mutex_lock(&writer->mutex);
    struct writer_counts counts = writer->counts;
    (void)pthread_mutex_unlock(&writer->mutex);
    return counts;
}
