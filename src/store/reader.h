/*
 * reader: the loop thread's connection, for reading only. Each statement is prepared when it is
 * first wanted and kept. WAL gives it the last commit, and it never waits for the writer.
 *
 * A query takes its statement out of the reader and puts it back at the end; a callback that reads
 * the same thing again finds none there and gets one of its own.
 *
 *     cleanup(query_end) struct query query = query_begin(store, READ_THREAD, workspace_id);
 *     query_bind_text(&query, 1, id);
 *     while (query_step(&query)) { … query_text(&query, 0) … }
 *     return query.code;
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_READER_H
#define NETRA_STORE_READER_H

#include "store/accounts.h"
#include "store/database.h"

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
    READ_THREAD_PLACE, /* created_us of a list's cursor */
    READ_MESSAGE_PLACE,
    READ_RUN_PLACE,
    READ_DATASET_PLACE,
    READ_EVENTS,
    READ_MODEL_CALLS,        /* of all runs */
    READ_MODEL_CALLS_OF_RUN, /* of one */
    READ_LAST_SEQ,
    READ_ANSWER,
    READ_USAGE,
    READ_AUDIT,
    READ_AUDIT_WITH_DEPLOYMENT,
    /* of all workspaces, from here on */
    READ_OPEN_RUNS,
    READ_ALL_DATASETS,
    READ_USERS,
    READ_WORKSPACES,
    READ_MEMBERS,
    READ_IDENTITIES,
    READ_CODES,
    READ_SESSIONS,
    READ_KEYS,
    READ_SIGNING_KEYS,
    READ_THROTTLES,
    READ_AUDIT_OF,
    READ_AUDIT_LINE,
    READ_AUDIT_LINES,
    READ_AUDIT_END,
    READ_STATEMENT_COUNT
};

struct reader {
    sqlite3 *db;
    sqlite3_stmt *statements[READ_STATEMENT_COUNT]; /* NULL: not prepared yet, or in use */
};

/* What store.c owns; the read functions of store.h are in reader.c, those of accounts.h in
 * reader_accounts.c. */
struct reader *store_reader(struct store *store);

void reader_done(struct reader *reader);

/* The SQL; a test looks at its plans, which must not scan or sort. */
extern const char *const read_sql[READ_STATEMENT_COUNT];

static inline bool read_is_of_workspace(enum read_statement statement)
{
    return statement < READ_OPEN_RUNS;
}

/* ---- one query ---- */

struct query {
    struct reader *reader;
    enum read_statement which;
    sqlite3_stmt *statement;
    int code; /* sticky: after a failure nothing more happens */
};

/* Binds the workspace. For statements of all workspaces: query_begin_all. */
struct query query_begin(struct store *store, enum read_statement which, struct str workspace_id);
struct query query_begin_all(struct store *store, enum read_statement which);
void query_end(struct query *query);

void query_bind_text(struct query *query, int parameter, struct str text);
void query_bind_integer(struct query *query, int parameter, int64_t integer);
void query_bind_limit(struct query *query, int parameter, unsigned limit); /* of a page */

/* True while there is a row. */
bool query_step(struct query *query);

/* Of the row. No column is NULL, so a missing text means that memory ran out: the code is set, and
 * the row must not be shown. */
struct str query_text(struct query *query, int column);
int64_t query_integer(const struct query *query, int column);
void query_hash(struct query *query, int column, unsigned char ret_hash[STORE_HASH_BYTES]);

/* A reader's callback of any type, and how to call it with the row that the query is at. */
union row_fn {
    store_thread_fn thread;
    store_message_fn message;
    store_run_fn run;
    store_event_fn event;
    store_model_call_fn model_call;
    store_report_fn report;
    store_dataset_fn dataset;
    store_answer_fn answer;
    store_user_fn user;
    store_workspace_fn workspace;
    store_member_fn member;
    store_identity_fn identity;
    store_code_fn code;
    store_session_fn session;
    store_key_fn key;
    store_signing_key_fn signing_key;
    store_throttle_fn throttle;
    store_audit_fn audit;
};

typedef bool (*show_fn)(struct query *query, union row_fn fn, void *arg);

/* Shows rows until there is none, or the callback has had enough: the query's code. */
int query_show_rows(struct query *query, show_fn show, union row_fn fn, void *arg);

/* Shows the one row: ERR_NOT_FOUND without. */
int query_show_row(struct query *query, show_fn show, union row_fn fn, void *arg);

#endif
