/*
 * Names of tables come from the file and go into SQL: only those that need no quoting are taken.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/inspection.h"

#include <stdio.h>

#include "store/database.h"

#define SQL_BYTES_MAX (INSPECTION_NAME_BYTES_MAX + 32u)

static const char sql_tables[] = "SELECT name FROM sqlite_schema WHERE type = 'table'"
                                 " AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name";

static void finalize(sqlite3_stmt **statement)
{
    (void)sqlite3_finalize(*statement);
}

int inspection_number(sqlite3 *db, const char *sql, int64_t *ret_number)
{
    cleanup(finalize) sqlite3_stmt *statement = NULL;
    int result = database_prepare(db, sql, &statement);

    if (result) {
        return result;
    }
    result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        *ret_number = sqlite3_column_int64(statement, 0);
    } else if (result == SQLITE_DONE) {
        *ret_number = 0;
    } else {
        return result;
    }
    return SQLITE_OK;
}

bool inspection_is_table_name(struct str name)
{
    bool is_plain = name.length > 0 && name.length <= INSPECTION_NAME_BYTES_MAX;

    for (size_t i = 0; i < name.length && is_plain; i++) {
        char c = name.data[i];

        is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    }
    return is_plain;
}

static int add_table(sqlite3 *db, struct str name, struct table_list *list, struct error *error)
{
    char sql[SQL_BYTES_MAX];

    if (!inspection_is_table_name(name)) {
        return error_set(error, ERR_IO, "it has a table that is not this program's");
    }
    if (list->count == INSPECTION_TABLES_MAX) {
        return error_set(error, ERR_LIMIT, "it has more than %u tables", INSPECTION_TABLES_MAX);
    }
    struct table_rows *table = &list->tables[list->count];
    (void)snprintf(table->name, sizeof(table->name), "%.*s", STR_ARGS(name));
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM \"%s\"", table->name);
    int result = inspection_number(db, sql, &table->rows);
    if (result) {
        return database_fail(db, result, "count its rows", error);
    }
    list->count++;
    return OK;
}

int inspection_count_rows(sqlite3 *db, struct table_list *ret_list, struct error *error)
{
    cleanup(finalize) sqlite3_stmt *statement = NULL;
    int result = database_prepare(db, sql_tables, &statement);
    struct table_list list = {0};
    int code = OK;

    while (!result && !code && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        code = add_table(db, database_text(statement, 0), &list, error);
        result = SQLITE_OK;
    }
    if (!code && result != SQLITE_DONE) {
        code = database_fail(db, result, "read its tables", error);
    }
    if (!code) {
        *ret_list = list;
    }
    return code;
}

int64_t inspection_rows_of(const struct table_list *list, const char *name)
{
    for (unsigned i = 0; i < list->count; i++) {
        if (strcmp(list->tables[i].name, name) == 0) {
            return list->tables[i].rows;
        }
    }
    return -1;
}

int inspection_check_pages(sqlite3 *db, bool is_quick, struct error *error)
{
    cleanup(finalize) sqlite3_stmt *statement = NULL;
    int result = database_prepare(
        db, is_quick ? "PRAGMA quick_check(1)" : "PRAGMA integrity_check(1)", &statement);

    if (!result) {
        result = sqlite3_step(statement);
    }
    if ((result & 0xff) == SQLITE_CORRUPT || (result & 0xff) == SQLITE_NOTADB) {
        (void)database_fail(db, result, "read it", error);
        return error ? (error->code = ERR_INVALID) : ERR_INVALID;
    }
    if (result != SQLITE_ROW) {
        return database_fail(db, result, "check its pages", error);
    }
    struct str found = database_text(statement, 0);
    if (str_equal(found, STR("ok"))) {
        return OK;
    }
    (void)error_set(error, ERR_INVALID, "it is damaged: %.*s",
                    (int)(found.length < 120 ? found.length : 120), found.data ? found.data : "");
    error_hint(error, "Put a back-up in its place.");
    return ERR_INVALID;
}

int inspection_check_references(sqlite3 *db, struct error *error)
{
    cleanup(finalize) sqlite3_stmt *statement = NULL;
    int result = database_prepare(db, "PRAGMA foreign_key_check", &statement);

    if (!result) {
        result = sqlite3_step(statement);
    }
    if (result == SQLITE_DONE) {
        return OK;
    }
    if (result != SQLITE_ROW) {
        return database_fail(db, result, "check its references", error);
    }
    struct str from = database_text(statement, 0);
    struct str to = database_text(statement, 2);
    return error_set(error, ERR_INVALID, "a row of %.*s refers to one of %.*s that is not there",
                     (int)(from.length < 63 ? from.length : 63), from.data ? from.data : "",
                     (int)(to.length < 63 ? to.length : 63), to.data ? to.data : "");
}
