/* SPDX-License-Identifier: Apache-2.0 */
#include "store/dataset_match.h"

#include <stdio.h>

#include "store/database.h"
#include "store/inspection.h"

#define CHUNK_ROWS_AT 16 /* chunk.h */

struct matching {
    sqlite3 *usage;
    sqlite3_stmt *datasets; /* of netra: id, records; those that are ready */
    sqlite3_stmt *one;      /* of usage: n, chunks, how many there are; of an id */
    sqlite3_stmt *chunks;   /* of usage: n; of a dataset */
    bool counts_rows;
    int64_t found; /* datasets of usage.db that are ready */
};

static void matching_done(struct matching *matching)
{
    (void)sqlite3_finalize(matching->datasets);
    (void)sqlite3_finalize(matching->one);
    (void)sqlite3_finalize(matching->chunks);
}

static int prepare(struct matching *matching, sqlite3 *netra)
{
    int result =
        database_prepare(netra, "SELECT id, records FROM dataset WHERE status = ?1 ORDER BY id",
                         &matching->datasets);

    if (!result) {
        result = sqlite3_bind_int(matching->datasets, 1, STORE_DATASET_READY);
    }
    if (!result) {
        result = database_prepare(matching->usage,
                                  "SELECT n, chunks, (SELECT count(*) FROM chunk WHERE"
                                  " chunk.dataset = dataset.n) FROM dataset WHERE id = ?1",
                                  &matching->one);
    }
    if (!result) {
        result = database_prepare(matching->usage, "SELECT n FROM chunk WHERE dataset = ?1",
                                  &matching->chunks);
    }
    return result;
}

/* The number in the head of a chunk, without reading the rest of it. */
static int read_rows(sqlite3_blob *blob, int64_t *rows)
{
    unsigned char bytes[4] = {0};

    if (sqlite3_blob_bytes(blob) < CHUNK_ROWS_AT + (int)sizeof(bytes)) {
        return SQLITE_OK; /* damaged: it has none */
    }
    int result = sqlite3_blob_read(blob, bytes, sizeof(bytes), CHUNK_ROWS_AT);
    if (!result) {
        *rows += (int64_t)((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                           (uint32_t)bytes[3] << 24);
    }
    return result;
}

static int count_rows(struct matching *matching, int64_t dataset, int64_t *ret_rows)
{
    sqlite3_blob *blob = NULL;
    int64_t rows = 0;
    int result = sqlite3_bind_int64(matching->chunks, 1, dataset);

    while (!result && (result = sqlite3_step(matching->chunks)) == SQLITE_ROW) {
        int64_t chunk = sqlite3_column_int64(matching->chunks, 0);

        result = blob ? sqlite3_blob_reopen(blob, chunk)
                      : sqlite3_blob_open(matching->usage, "main", "chunk", "bytes", chunk,
                                          /* flags: for reading */ 0, &blob);
        result = result ? result : read_rows(blob, &rows);
    }
    (void)sqlite3_blob_close(blob);
    (void)sqlite3_reset(matching->chunks);
    *ret_rows = rows;
    return result == SQLITE_DONE ? SQLITE_OK : result;
}

/* Whether usage.db has all of a dataset. */
static int look_up(struct matching *matching, struct str id, int64_t records, bool *ret_is_whole)
{
    int result = database_bind_text(matching->one, 1, id);

    *ret_is_whole = false;
    if (!result) {
        result = sqlite3_step(matching->one);
    }
    if (result == SQLITE_ROW) {
        int64_t rows = records;

        matching->found++;
        *ret_is_whole =
            sqlite3_column_int64(matching->one, 1) == sqlite3_column_int64(matching->one, 2);
        result = matching->counts_rows
                     ? count_rows(matching, sqlite3_column_int64(matching->one, 0), &rows)
                     : SQLITE_OK;
        *ret_is_whole = *ret_is_whole && rows == records;
    }
    (void)sqlite3_reset(matching->one);
    return result == SQLITE_DONE ? SQLITE_OK : result;
}

static int match_all(struct matching *matching, struct dataset_match *match)
{
    int result = SQLITE_OK;

    while (!result && (result = sqlite3_step(matching->datasets)) == SQLITE_ROW) {
        struct str id = database_text(matching->datasets, 0);
        bool is_whole = false;

        result = look_up(matching, id, sqlite3_column_int64(matching->datasets, 1), &is_whole);
        match->ready++;
        if (!result && !is_whole) {
            if (match->without_records++ == 0) {
                (void)snprintf(match->example, sizeof(match->example), "%.*s", STR_ARGS(id));
            }
        }
    }
    return result == SQLITE_DONE ? SQLITE_OK : result;
}

int dataset_match_find(sqlite3 *netra, sqlite3 *usage, bool counts_rows,
                       struct dataset_match *ret_match, struct error *error)
{
    cleanup(matching_done) struct matching matching = {.usage = usage, .counts_rows = counts_rows};
    struct dataset_match match = {0};
    int64_t all = 0;
    int result = prepare(&matching, netra);

    if (!result) {
        result = match_all(&matching, &match);
    }
    if (!result) {
        result = inspection_number(usage, "SELECT count(*) FROM dataset", &all);
    }
    if (result) {
        return database_fail(NULL, result, "compare the datasets with their records", error);
    }
    match.nobodys = (uint64_t)(all - matching.found);
    *ret_match = match;
    return OK;
}
