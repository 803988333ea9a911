/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reader.h"

#include "base/check.h"
#include "store/write_sql.h"

void reader_done(struct reader *reader)
{
    for (int i = 0; i < READ_STATEMENT_COUNT; i++) {
        (void)sqlite3_finalize(reader->statements[i]);
        reader->statements[i] = NULL;
    }
    database_close(reader->db);
    reader->db = NULL;
}

static struct query begin(struct store *store, enum read_statement which)
{
    struct query query = {.reader = store_reader(store), .which = which};

    query.statement = TAKE(query.reader->statements[which]);
    if (!query.statement &&
        database_prepare(query.reader->db, read_sql[which], &query.statement) != SQLITE_OK) {
        query.code = ERR_IO;
    }
    return query;
}

struct query query_begin(struct store *store, enum read_statement which, struct str workspace_id)
{
    check(read_is_of_workspace(which));
    struct query query = begin(store, which);

    query_bind_text(&query, WORKSPACE_PARAMETER, workspace_id);
    return query;
}

struct query query_begin_all(struct store *store, enum read_statement which)
{
    check(!read_is_of_workspace(which));
    return begin(store, which);
}

void query_end(struct query *query)
{
    if (!query->statement) {
        return;
    }
    (void)sqlite3_reset(query->statement);
    (void)sqlite3_clear_bindings(query->statement);
    if (query->reader->statements[query->which]) {
        (void)sqlite3_finalize(query->statement);
    } else {
        query->reader->statements[query->which] = query->statement;
    }
}

void query_bind_text(struct query *query, int parameter, struct str text)
{
    if (!query->code && database_bind_text(query->statement, parameter, text)) {
        query->code = ERR_IO;
    }
}

void query_bind_integer(struct query *query, int parameter, int64_t integer)
{
    if (!query->code && sqlite3_bind_int64(query->statement, parameter, integer)) {
        query->code = ERR_IO;
    }
}

void query_bind_limit(struct query *query, int parameter, unsigned limit)
{
    query_bind_integer(query, parameter, limit < STORE_PAGE_MAX ? limit : STORE_PAGE_MAX);
}

bool query_step(struct query *query)
{
    if (query->code) {
        return false;
    }
    int result = sqlite3_step(query->statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
        query->code = ERR_IO; /* memory ran out, too: nothing was read */
    }
    return result == SQLITE_ROW;
}

struct str query_text(struct query *query, int column)
{
    struct str text = database_text(query->statement, column);

    if (!text.data) {
        query->code = ERR_IO;
    }
    return text;
}

int64_t query_integer(const struct query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

void query_hash(struct query *query, int column, unsigned char ret_hash[STORE_HASH_BYTES])
{
    struct str hash = database_blob(query->statement, column);

    if (hash.length != STORE_HASH_BYTES) {
        query->code = ERR_IO;
        return;
    }
    memcpy(ret_hash, hash.data, STORE_HASH_BYTES);
}

int query_show_rows(struct query *query, show_fn show, union row_fn fn, void *arg)
{
    while (query_step(query) && show(query, fn, arg)) {
    }
    return query->code;
}

int query_show_row(struct query *query, show_fn show, union row_fn fn, void *arg)
{
    if (query_step(query)) {
        (void)show(query, fn, arg);
        return query->code;
    }
    return query->code ? query->code : ERR_NOT_FOUND;
}
