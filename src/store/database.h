/*
 * database: one SQLite file as the two stores open it: WAL, synchronous FULL, foreign keys, and a
 * schema that is a list of numbered steps. PRAGMA user_version is the number of steps that a file
 * has seen; application_id says whose file it is.
 *
 * A connection belongs to one thread at a time. Foreign text is only ever bound.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_DATABASE_H
#define NETRA_STORE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define DATABASE_BUSY_MS 5000 /* for another program on the file: a back-up, a shell */

/* Steps are only ever appended: a step that a file somewhere has seen is never changed. */
struct schema {
    const char *file; /* name in the data directory */
    int32_t application_id;
    const char *before; /* pragmas that only a new file takes; "" for none */
    const char *const *steps;
    const char *const *changes; /* for each step the tables of files before it whose number of rows
                                 * it may change, with blanks between; NULL: none does */
    int step_count;
};

/* Opens data_dir/file, makes it when it is missing, and takes the steps that it has not seen
 * (migration.h). ERR_IO (the disk, rights, damage, somebody else's file), ERR_INVALID (the steps do
 * not keep what it has), ERR_UNSUPPORTED (a newer version), ERR_NO_MEMORY. */
must_check int database_open(const char *data_dir, const struct schema *schema, sqlite3 **ret_db,
                             struct error *error);

/* The same file again, for reading only; database_open has to have come first. */
must_check int database_open_reader(const char *data_dir, const struct schema *schema,
                                    sqlite3 **ret_db, struct error *error);

/* A file that is there, of whatever version this program knows, for reading only: nothing in it is
 * upgraded, and a server may be at work on it. *ret_version is its schema's. is_still: nobody is,
 * and nobody will be meanwhile, so that SQLite need not make its side files beside it; one that has
 * a WAL is opened in the ordinary way all the same. ERR_NOT_FOUND, ERR_UNSUPPORTED (a newer
 * version), ERR_IO, ERR_NO_MEMORY. */
must_check int database_open_as_found(const char *data_dir, const struct schema *schema,
                                      bool is_still, sqlite3 **ret_db, int *ret_version,
                                      struct error *error);

/* Bytes of the file's WAL; 0 without one. */
uint64_t database_wal_bytes(const char *data_dir, const struct schema *schema);

void database_close(sqlite3 *db);

/* SQLite's result as one of ours: OK, ERR_INVALID (a constraint), ERR_NO_MEMORY, ERR_IO. */
int database_code(int result);

/* Fills error with "cannot <what>: <SQLite's reason>" and a hint where there is one to give;
 * returns the code. */
int database_fail(sqlite3 *db, int result, const char *what, struct error *error);

/* What a result means and what to do, as the end of a sentence; NULL for SQLITE_OK. */
const char *database_reason(int result);

/* A statement that is kept. SQLite's result. */
int database_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_statement);

/* SQL without results, from this program's own text only. SQLite's result. */
int database_run(sqlite3 *db, const char *sql);

/* The text or blob of a column; data is NULL when memory ran out. */
struct str database_text(sqlite3_stmt *statement, int column);
struct str database_blob(sqlite3_stmt *statement, int column);

int database_bind_text(sqlite3_stmt *statement, int parameter, struct str text);

#endif
