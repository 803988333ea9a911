/*
 * store: what lasts: threads, messages, runs with their event log, reports, descriptions of
 * datasets, answers to repeated requests; accounts are in store/accounts.h. One SQLite file (WAL,
 * synchronous FULL) in the data directory.
 *
 * Isolation: every row belongs to a workspace. A batch is of one workspace, and every read names
 * one: a row of another workspace is not there (ERR_NOT_FOUND, no row, ERR_INVALID for a batch).
 * The SQL of each statement says so; there is no way to ask for "any workspace" but for the few
 * functions that say that they see all, which are for the start of the process. Ids are unique in
 * the whole store: a new row with an id that another workspace has is refused like any other
 * duplicate.
 *
 * Writing: changes are gathered in a batch, which is one unit: all of it or nothing. A thread of
 * the store applies the batches in the order of submission and commits as many as are waiting
 * together (group commit), then done(code, arg) runs on the loop: the change is durable. done
 * functions run in the order of submission.
 *
 * Reading: functions of the loop thread on a connection of their own that never waits for the
 * writer; each reads a bounded number of rows. A batch is visible once its done has run, perhaps
 * a moment before.
 *
 * Texts that are passed in are copied. Rows are passed to a callback, borrowed for the call; the
 * callback returns false to stop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_STORE_H
#define NETRA_STORE_STORE_H

#include "base/buf.h"
#include "loop/loop.h"

#define STORE_ID_BYTES_MAX    64u       /* of any id; [A-Za-z0-9_-] */
#define STORE_WORKSPACE_FIRST "default" /* there from the start; has what older versions stored */
#define STORE_PAGE_MAX        200u      /* rows of one read */
#define STORE_QUEUE_MAX       10000u    /* batches that wait; more: ERR_LIMIT */
#define STORE_BATCH_BYTES_MAX ((size_t)64 << 20)  /* texts of one batch */
#define STORE_QUEUE_BYTES_MAX ((size_t)256 << 20) /* of all that wait; more: ERR_LIMIT */

/* 1 to STORE_ID_BYTES_MAX of A-Z a-z 0-9 _ -: what may become the id of a row. */
bool store_is_id(struct str text);

enum store_run_status {
    STORE_RUN_QUEUED,
    STORE_RUN_RUNNING,
    STORE_RUN_FINISHED,
    STORE_RUN_FAILED,
    STORE_RUN_CANCELLED
};

enum store_dataset_status { STORE_DATASET_IMPORTING, STORE_DATASET_READY, STORE_DATASET_FAILED };

/* owner_id, here and below: the user who made it, "local" in local mode; empty: a user who has been
 * erased. It is given with a new row, and stays when that is put or set again. The workspace is the
 * batch's or the query's, and is told in rows that are read. */
struct store_thread {
    struct str id;
    struct str workspace_id; /* of a row that is read; what a batch writes has the batch's */
    struct str owner_id;
    struct str title;
    int64_t created_us;
    int64_t updated_us; /* last message or run */
};

struct store_message {
    struct str id;
    struct str thread_id;
    struct str role; /* "user", "assistant" */
    struct str content;
    struct str run_id; /* may be empty */
    int64_t created_us;
};

struct store_run {
    struct str id;
    struct str workspace_id;
    struct str owner_id; /* whose turn it is in the queue */
    struct str thread_id;
    enum store_run_status status;
    struct str prompt;
    struct str dataset_id; /* may be empty */
    uint64_t seed;
    int64_t
        now_us; /* "now" for the analysis: a run that is done again after a restart says the same */
    int64_t created_us;
    int64_t started_us;  /* 0: not yet */
    int64_t finished_us; /* 0: not yet */
    struct str reason;   /* why it failed or was cancelled; a sentence */
    struct str report_id;
    bool has_model;      /* a model may be asked: an input of the run */
    uint64_t seq_leased; /* numbers up to it may have been sent with events that are not stored */
    struct str traceparent; /* of the request that asked; may be empty */
    bool is_cancelled;      /* it was asked to end; what remains is to say so in its log */
};

/* One attempt to have a model answer a question of a run: Netra's own calls are records too. The
 * last attempt of a question carries its answer, which a run that is done again is given instead of
 * asking. Counts and costs that are unknown are -1. */
struct store_model_call {
    struct str run_id;
    unsigned question; /* of the run, from 0 */
    unsigned attempt;  /* of the question, from 0 */
    bool is_last;
    struct str purpose; /* "write" */
    struct str prompt;  /* "write@1" */
    struct str provider;
    struct str model;
    struct str outcome; /* "answered", "limited" … */
    int status;         /* of HTTP; 0: none */
    int64_t started_us;
    int64_t latency_us;
    int64_t first_token_us;
    int64_t input_uncached;
    int64_t cache_read;
    int64_t cache_write_5m;
    int64_t cache_write_1h;
    int64_t output;
    int64_t reasoning;
    int64_t cost_pico_usd;
    struct str response_id;
    struct str failure; /* a sentence; empty when answered */
    struct str request; /* the body as it was sent; is_last only; empty when none was */
    struct str answer;  /* llm_answer_write; is_last only; empty: nobody answered */
};

/* One event of a run's log, as it is sent. */
struct store_event {
    struct str run_id;
    uint64_t seq; /* from 1, without gaps */
    int64_t time_us;
    struct str json;
};

struct store_report {
    struct str id;
    struct str run_id;
    struct str thread_id;
    struct str type; /* "full_analysis" … */
    int64_t created_us;
};

struct store_dataset {
    struct str id;
    struct str workspace_id;
    struct str owner_id;
    struct str name; /* of the file */
    enum store_dataset_status status;
    uint64_t bytes; /* as uploaded */
    uint64_t records;
    uint64_t rejected;
    int64_t from_us; /* first and last record with a time; 0/0 without */
    int64_t to_us;
    struct str description; /* JSON: the import's report */
    struct str reason;      /* why it failed; a sentence */
    int64_t created_us;
};

/* The answer to a request that came with an Idempotency-Key, for who sends it again. */
struct store_answer {
    struct str owner_id;           /* whose key it is */
    struct str key;                /* as sent, at most 255 bytes */
    unsigned char fingerprint[32]; /* of method, path and body */
    int status;
    struct str content_type;
    struct str body;
    int64_t expires_us;
};

struct store;

/* Opens or creates data_dir/netra.db (the directory too, mode 0700), brings its schema up to date
 * and starts the writer. ERR_IO (a disk, rights, another process holds it, damage), ERR_UNSUPPORTED
 * (the file is of a newer version), ERR_NO_MEMORY. */
must_check int store_open(struct loop *loop, const char *data_dir, struct store **ret_store,
                          struct error *error);

/* Commits what was submitted, then closes; NULL is allowed. done functions that were not called are
 * dropped. Before loop_free. */
void store_close(struct store *store);

/* ---- writing ---- */

struct store_batch;
typedef void (*store_done_fn)(int code, void *arg);

/* workspace_id: of everything that the batch changes; empty: of the deployment, for accounts.h and
 * what is said below to be of all workspaces. A change that is of the other sort makes the batch
 * ERR_INVALID. NULL: no memory. */
must_check struct store_batch *store_batch_new(struct str workspace_id);
void store_batch_free(struct store_batch *batch); /* only one that was not submitted */

/* Each adds a change. Failure is the batch's, sticky, and told by store_submit. _put_ inserts or
 * replaces; _add_ inserts. What breaks a rule makes the whole batch ERR_INVALID when it is applied:
 * an id that is there already, a row that is to be changed or belonged to and is not there, a
 * report whose thread is not its run's, an event whose seq is not the last one's plus 1, anything
 * of another workspace. Deleting what is not there is no failure. */
void store_put_thread(struct store_batch *batch, const struct store_thread *thread);
void store_delete_thread(struct store_batch *batch, struct str id); /* and all that is in it */
void store_touch_thread(struct store_batch *batch, struct str id, int64_t updated_us);
void store_add_message(struct store_batch *batch, const struct store_message *message);
void store_add_run(struct store_batch *batch, const struct store_run *run);
void store_set_run(struct store_batch *batch, const struct store_run *run); /* all but its id */
void store_add_event(struct store_batch *batch, const struct store_event *event);
void store_add_model_call(struct store_batch *batch, const struct store_model_call *call);
void store_add_report(struct store_batch *batch, const struct store_report *report);
void store_add_report_body(struct store_batch *batch, struct str report_id, struct str format,
                           struct str body);
void store_put_dataset(struct store_batch *batch, const struct store_dataset *dataset);
void store_delete_dataset(struct store_batch *batch, struct str id);
void store_put_answer(struct store_batch *batch, const struct store_answer *answer);
void store_delete_ended_answers(struct store_batch *batch, int64_t now_us); /* of all workspaces */
/* Erasure: rows of this owner lose their owner_id, in all workspaces; with_threads: threads that
 * they began are deleted with all that is in them. Datasets stay (they are the workspace's). */
void store_erase_owner(struct store_batch *batch, struct str owner_id, bool with_threads);

/* Takes the batch, whatever it returns. ERR_NO_MEMORY, ERR_LIMIT (too many are waiting, or too
 * long), ERR_INVALID (a new row's id is none): then done is not called. done (may be NULL) gets OK,
 * ERR_INVALID (see above), ERR_IO (the disk; nothing of the batch is stored, and later batches are
 * tried anew). */
must_check int store_submit(struct store *store, struct store_batch *batch, store_done_fn done,
                            void *arg);

/* ---- reading: OK, ERR_NOT_FOUND, ERR_IO ----
 *
 * A callback may read too, and may submit. Lists of what belongs to a thread or run that is not
 * there are empty; at most STORE_PAGE_MAX rows come at once. */

typedef bool (*store_thread_fn)(const struct store_thread *row, void *arg);
typedef bool (*store_message_fn)(const struct store_message *row, void *arg);
typedef bool (*store_run_fn)(const struct store_run *row, void *arg);
typedef bool (*store_event_fn)(const struct store_event *row, void *arg);
typedef bool (*store_model_call_fn)(const struct store_model_call *row, void *arg);
typedef bool (*store_report_fn)(const struct store_report *row, void *arg);
typedef bool (*store_dataset_fn)(const struct store_dataset *row, void *arg);
typedef bool (*store_answer_fn)(const struct store_answer *row, void *arg);

int store_get_thread(struct store *store, struct str workspace_id, struct str id,
                     store_thread_fn fn, void *arg);
int store_get_run(struct store *store, struct str workspace_id, struct str id, store_run_fn fn,
                  void *arg);
int store_get_report(struct store *store, struct str workspace_id, struct str id,
                     store_report_fn fn, void *arg);
int store_get_dataset(struct store *store, struct str workspace_id, struct str id,
                      store_dataset_fn fn, void *arg);

/* The body of a report in a format ("json", "md", "html", "csv"), appended to out. */
int store_get_report_body(struct store *store, struct str workspace_id, struct str report_id,
                          struct str format, struct buf *out);

/* Lists, newest first (messages oldest first), at most limit rows; after: the id of the last row of
 * the page before, empty for the first page; ERR_NOT_FOUND when there is no such row. */
int store_list_threads(struct store *store, struct str workspace_id, struct str after,
                       unsigned limit, store_thread_fn fn, void *arg);
int store_list_messages(struct store *store, struct str workspace_id, struct str thread_id,
                        struct str after, unsigned limit, store_message_fn fn, void *arg);
int store_list_runs(struct store *store, struct str workspace_id, struct str thread_id,
                    struct str after, unsigned limit, store_run_fn fn, void *arg);
int store_list_datasets(struct store *store, struct str workspace_id, struct str after,
                        unsigned limit, store_dataset_fn fn, void *arg);

/* Runs that are queued or running, oldest first, of all workspaces: after a restart. */
int store_list_open_runs(struct store *store, store_run_fn fn, void *arg);

/* Events with seq > after, in order. */
int store_list_events(struct store *store, struct str workspace_id, struct str run_id,
                      uint64_t after, unsigned limit, store_event_fn fn, void *arg);

/* Calls of models, of one run in the order of asking; run_id empty: of all runs of the workspace,
 * in the order in which they became durable. after: 0, or what *ret_next of the page before was:
 * the place behind the last row that was shown, after itself when there was none. */
int store_list_model_calls(struct store *store, struct str workspace_id, struct str run_id,
                           uint64_t after, unsigned limit, store_model_call_fn fn, void *arg,
                           uint64_t *ret_next);

/* The number of the last event; 0 when there is none. */
int store_last_seq(struct store *store, struct str workspace_id, struct str run_id,
                   uint64_t *ret_seq);

/* Datasets of all workspaces, in the order of their ids, those behind after: for the tidying at the
 * start. */
int store_list_all_datasets(struct store *store, struct str after, unsigned limit,
                            store_dataset_fn fn, void *arg);

int store_get_answer(struct store *store, struct str workspace_id, struct str owner_id,
                     struct str key, store_answer_fn fn, void *arg);

/* What a workspace keeps, for its quota. */
struct store_usage {
    uint64_t datasets;      /* but for those that failed, which keep nothing */
    uint64_t dataset_bytes; /* of these, as uploaded */
    uint64_t open_runs;
    uint64_t model_tokens; /* counted by calls of models since since_us: input, cached, output; also
                            * of runs that were deleted. Two days are kept */
};
int store_get_usage(struct store *store, struct str workspace_id, int64_t since_us,
                    struct store_usage *ret_usage);

struct store_counts {
    uint64_t batches;
    uint64_t commits;
    uint64_t failed_batches;
    uint64_t waiting;
    uint64_t commit_us_total;
    uint64_t file_bytes;
    const char *failure; /* of the last commit: why, and what to do; NULL: it went well */
};
struct store_counts store_counts(struct store *store);

/* Writes and deletes a row, for the health probe: OK or ERR_IO. Asynchronous like a batch. */
must_check int store_probe(struct store *store, store_done_fn done, void *arg);

#endif
