/* SPDX-License-Identifier: Apache-2.0 */
#include "store/migration.h"

#include <stdint.h>
#include <stdio.h>

#include "store/inspection.h"

#define PRAGMA_BYTES_MAX 128

static int take_steps(sqlite3 *db, const struct schema *schema, int version, struct error *error)
{
    char pragma[PRAGMA_BYTES_MAX];
    int result = SQLITE_OK;

    for (int step = version; step < schema->step_count && !result; step++) {
        result = database_run(db, schema->steps[step]);
    }
    (void)snprintf(pragma, sizeof(pragma), "PRAGMA application_id = %d; PRAGMA user_version = %d",
                   (int)schema->application_id, schema->step_count);
    if (!result) {
        result = database_run(db, pragma);
    }
    return result ? database_fail(db, result, "bring the schema up to date", error) : OK;
}

/* A word of a list with blanks between. */
static bool has_word(struct str list, struct str word)
{
    for (size_t begin = 0; begin < list.length;) {
        size_t blank = str_find(list, STR(" "), begin);
        size_t end = blank == SIZE_MAX ? list.length : blank;

        if (str_equal(str_slice(list, begin, end), word)) {
            return true;
        }
        begin = end + 1;
    }
    return false;
}

/* A step from version on says that it changes the rows of this table. */
static bool is_declared(const struct schema *schema, int version, const char *table)
{
    for (int step = version; schema->changes && step < schema->step_count; step++) {
        const char *list = schema->changes[step];

        if (list && has_word(str_from(list), str_from(table))) {
            return true;
        }
    }
    return false;
}

static int compare(const struct schema *schema, int version, const struct table_list *before,
                   const struct table_list *after, struct error *error)
{
    for (unsigned i = 0; i < before->count; i++) {
        const struct table_rows *table = &before->tables[i];
        int64_t rows = inspection_rows_of(after, table->name);

        if (rows != table->rows && !is_declared(schema, version, table->name)) {
            return error_set(error, ERR_INVALID,
                             "the upgrade from version %d to %d would leave %lld rows of %lld in "
                             "%s: nothing was changed",
                             version, schema->step_count, rows < 0 ? 0LL : (long long)rows,
                             (long long)table->rows, table->name);
        }
    }
    return OK;
}

/* In a transaction. */
static int take_and_check(sqlite3 *db, const struct schema *schema, int version,
                          struct error *error)
{
    struct table_list before;
    struct table_list after;
    int code = inspection_count_rows(db, &before, error);

    code = code ? code : take_steps(db, schema, version, error);
    code = code ? code : inspection_check_references(db, error);
    code = code ? code : inspection_check_pages(db, /* is_quick */ false, error);
    code = code ? code : inspection_count_rows(db, &after, error);
    return code ? code : compare(schema, version, &before, &after, error);
}

int migration_run(sqlite3 *db, const struct schema *schema, int version, struct error *error)
{
    int result = database_run(db, "BEGIN IMMEDIATE");

    if (result) {
        return database_fail(db, result, "bring the schema up to date", error);
    }
    int code = version == 0 ? take_steps(db, schema, version, error)
                            : take_and_check(db, schema, version, error);
    if (!code && (result = database_run(db, "COMMIT"))) {
        code = database_fail(db, result, "bring the schema up to date", error);
    }
    if (code && !sqlite3_get_autocommit(db)) {
        (void)database_run(db, "ROLLBACK");
    }
    return code;
}
