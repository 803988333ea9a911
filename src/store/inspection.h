/*
 * inspection: what can be found out about a database without changing it: how many rows its tables
 * have, whether its pages and references are whole. For migrations, back-ups and the doctor.
 *
 * Each function reads in the transaction that the connection is in, or in one of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_INSPECTION_H
#define NETRA_STORE_INSPECTION_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define INSPECTION_TABLES_MAX     64u
#define INSPECTION_NAME_BYTES_MAX 63u

struct table_rows {
    char name[INSPECTION_NAME_BYTES_MAX + 1]; /* [a-z0-9_] */
    int64_t rows;
};

struct table_list {
    unsigned count;
    struct table_rows tables[INSPECTION_TABLES_MAX]; /* by name */
};

/* All tables but SQLite's own. ERR_IO (also for names that are not this program's), ERR_LIMIT,
 * ERR_NO_MEMORY. O(size of the smallest index) for each. */
must_check int inspection_count_rows(sqlite3 *db, struct table_list *ret_list, struct error *error);

/* [a-z0-9_], neither empty nor longer than INSPECTION_NAME_BYTES_MAX. */
bool inspection_is_table_name(struct str name);

/* The rows of a table; -1 when it is not in the list. */
int64_t inspection_rows_of(const struct table_list *list, const char *name);

/* ERR_INVALID: a page, an index or a row is damaged; the message says which. Reads the whole file;
 * is_quick: does not compare indexes with tables, which takes most of the time. */
must_check int inspection_check_pages(sqlite3 *db, bool is_quick, struct error *error);

/* ERR_INVALID: a row refers to one that is not there. */
must_check int inspection_check_references(sqlite3 *db, struct error *error);

/* The one number that a query or pragma gives, 0 when it gives none. SQLite's result. */
int inspection_number(sqlite3 *db, const char *sql, int64_t *ret_number);

#endif
