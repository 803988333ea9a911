/*
 * Opening a file: what it is comes before anything is changed in it, so that a newer file, or
 * somebody else's, is left as it was found.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/database.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/data_dir.h"
#include "store/inspection.h"
#include "store/migration.h"

#define URI_BYTES_MAX (3 * DATA_PATH_BYTES_MAX + 32)

static const char *const connection_pragmas =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA journal_size_limit = 67108864;" /* what a large transaction left of the WAL is cut */
    "PRAGMA cache_size = -16384;";

int database_code(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return OK;
    case SQLITE_CONSTRAINT:
        return ERR_INVALID;
    case SQLITE_NOMEM:
        return ERR_NO_MEMORY;
    default:
        return ERR_IO;
    }
}

int database_fail(sqlite3 *db, int result, const char *what, struct error *error)
{
    int code = database_code(result);

    (void)error_set(error, code, "cannot %s: %s", what,
                    db ? sqlite3_errmsg(db) : sqlite3_errstr(result));
    switch (result & 0xff) {
    case SQLITE_FULL:
        error_hint(error, "Make room on the disk; nothing that was acknowledged is lost.");
        break;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        error_hint(error, "The user that runs this must own the data directory and its files.");
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        error_hint(error, "The file is damaged: move it away and put a back-up in its place.");
        break;
    default:
        break;
    }
    return code;
}

const char *database_reason(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
        return NULL;
    case SQLITE_FULL:
        return "the disk is full: make room; nothing that was acknowledged is lost";
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return "the file is read-only: who runs this must own the data directory, and its disk "
               "must "
               "not be mounted read-only";
    case SQLITE_IOERR:
        return "the disk refuses it: look at its free space, quotas and limits, and at the "
               "system's "
               "log";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "the file is damaged: put a back-up in its place";
    default:
        return sqlite3_errstr(result);
    }
}

int database_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_statement)
{
    return sqlite3_prepare_v3(db, sql, /* to its NUL */ -1, SQLITE_PREPARE_PERSISTENT,
                              ret_statement, NULL);
}

int database_run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

struct str database_text(sqlite3_stmt *statement, int column)
{
    const char *data = (const char *)sqlite3_column_text(statement, column);

    return (struct str){data, data ? (size_t)sqlite3_column_bytes(statement, column) : 0};
}

struct str database_blob(sqlite3_stmt *statement, int column)
{
    const char *data = sqlite3_column_blob(statement, column);

    return (struct str){data, data ? (size_t)sqlite3_column_bytes(statement, column) : 0};
}

int database_bind_text(sqlite3_stmt *statement, int parameter, struct str text)
{
    return sqlite3_bind_text64(statement, parameter, text.data ? text.data : "", text.length,
                               SQLITE_STATIC, SQLITE_UTF8);
}

static int upgrade(sqlite3 *db, const struct schema *schema, int version, struct error *error)
{
    int result = version == 0 ? database_run(db, schema->before) : SQLITE_OK;

    if (!result) {
        result = database_run(db, connection_pragmas);
    }
    int code = result ? database_fail(db, result, "prepare the connection", error) : OK;
    return !code && version < schema->step_count ? migration_run(db, schema, version, error) : code;
}

/* What the file says about itself, before anything is written to it. */
static int recognise(sqlite3 *db, const struct schema *schema, int *ret_version,
                     struct error *error)
{
    int64_t application_id = 0;
    int64_t version = 0;
    int64_t tables = 0;
    int result = inspection_number(db, "PRAGMA application_id", &application_id);

    if (!result) {
        result = inspection_number(db, "PRAGMA user_version", &version);
    }
    if (!result) {
        result = inspection_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    }
    if (result) {
        return database_fail(db, result, "read its head", error);
    }
    *ret_version = (int)version;
    if (application_id != schema->application_id && (application_id || *ret_version || tables)) {
        return error_set(error, ERR_IO, "it is another program's file");
    }
    if (*ret_version > schema->step_count) {
        (void)error_set(error, ERR_UNSUPPORTED,
                        "it is of version %d, and this program knows versions up to %d",
                        *ret_version, schema->step_count);
        error_hint(error, "Use the newer program that wrote it, or another data directory.");
        return ERR_UNSUPPORTED;
    }
    return OK;
}

/* Puts the file's name before the message; the hint stays. */
static int name_file(const struct schema *schema, const char *data_dir, struct error *error)
{
    struct error inner = *error;

    (void)error_set(error, inner.code, "cannot open %s/%s: %s", data_dir, schema->file,
                    inner.message);
    if (inner.hint[0]) {
        error_hint(error, "%s", inner.hint);
    }
    return inner.code;
}

/* Nobody asks SQLite how much memory it has, and counting it takes a mutex for each allocation. */
static void configure(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int open_connection(const char *data_dir, const struct schema *schema, int flags,
                           sqlite3 **ret_db, struct error *error)
{
    static pthread_once_t configured = PTHREAD_ONCE_INIT;
    char path[DATA_PATH_BYTES_MAX];
    sqlite3 *db = NULL;

    (void)pthread_once(&configured, configure);
    int code = data_dir_path(data_dir, schema->file, path, error);

    if (!code && (flags & SQLITE_OPEN_READWRITE)) {
        code = data_dir_touch(path, error);
    }
    if (code) {
        return code;
    }
    int result = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX,
                                 /* vfs: the default */ NULL);
    if (result) {
        code = database_fail(db, result, "open the file", error);
        (void)sqlite3_close(db);
        return code;
    }
    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_busy_timeout(db, DATABASE_BUSY_MS);
    *ret_db = db;
    return OK;
}

int database_open(const char *data_dir, const struct schema *schema, sqlite3 **ret_db,
                  struct error *error)
{
    struct error inner = {0};
    sqlite3 *db = NULL;
    int version = 0;
    int code = open_connection(data_dir, schema, SQLITE_OPEN_READWRITE, &db, &inner);

    if (!code) {
        code = recognise(db, schema, &version, &inner);
    }
    if (!code) {
        code = upgrade(db, schema, version, &inner);
    }
    if (code) {
        database_close(db);
        if (error) {
            *error = inner;
            return name_file(schema, data_dir, error);
        }
        return code;
    }
    *ret_db = db;
    return OK;
}

uint64_t database_wal_bytes(const char *data_dir, const struct schema *schema)
{
    char path[DATA_PATH_BYTES_MAX];
    struct stat about;
    int length = snprintf(path, sizeof(path), "%s/%s-wal", data_dir, schema->file);

    return length > 0 && (size_t)length < sizeof(path) && stat(path, &about) == 0
               ? (uint64_t)about.st_size
               : 0;
}

/* "file:/data/netra.db?immutable=1", with what a URI reserves as %XX. */
static void print_uri(const char *path, char uri[URI_BYTES_MAX])
{
    size_t used = (size_t)snprintf(uri, URI_BYTES_MAX, "file:");

    for (const char *c = path; *c; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || strchr("/._-", *c);

        used += (size_t)snprintf(uri + used, URI_BYTES_MAX - used, is_plain ? "%c" : "%%%02x",
                                 (unsigned char)*c);
    }
    (void)snprintf(uri + used, URI_BYTES_MAX - used, "?immutable=1");
}

static int open_still(const char *path, sqlite3 **ret_db, struct error *error)
{
    char uri[URI_BYTES_MAX];
    sqlite3 *db = NULL;

    print_uri(path, uri);
    int result = sqlite3_open_v2(
        uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, /* vfs */ NULL);
    if (result) {
        int code = database_fail(db, result, "open the file", error);

        (void)sqlite3_close(db);
        return code;
    }
    *ret_db = db;
    return OK;
}

static int read_as_found(const char *data_dir, const struct schema *schema, bool is_still,
                         sqlite3 **ret_db, int *ret_version, struct error *error)
{
    char path[DATA_PATH_BYTES_MAX];
    int code = data_dir_path(data_dir, schema->file, path, error);

    if (!code && access(path, F_OK)) {
        return error_set(error, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%m");
    }
    if (!code) {
        code = is_still && database_wal_bytes(data_dir, schema) == 0
                   ? open_still(path, ret_db, error)
                   : open_connection(data_dir, schema, SQLITE_OPEN_READONLY, ret_db, error);
    }
    code = code ? code : recognise(*ret_db, schema, ret_version, error);
    if (!code && *ret_version == 0) {
        code = error_set(error, ERR_IO, "it is empty");
    }
    return code;
}

int database_open_as_found(const char *data_dir, const struct schema *schema, bool is_still,
                           sqlite3 **ret_db, int *ret_version, struct error *error)
{
    struct error inner = {0};
    sqlite3 *db = NULL;
    int code = read_as_found(data_dir, schema, is_still, &db, ret_version, &inner);

    if (code) {
        database_close(db);
        if (error) {
            *error = inner;
            return name_file(schema, data_dir, error);
        }
        return code;
    }
    *ret_db = db;
    return OK;
}

int database_open_reader(const char *data_dir, const struct schema *schema, sqlite3 **ret_db,
                         struct error *error)
{
    return open_connection(data_dir, schema, SQLITE_OPEN_READONLY, ret_db, error);
}

void database_close(sqlite3 *db)
{
    if (db) {
        (void)sqlite3_close_v2(db);
    }
}
