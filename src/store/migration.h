/*
 * migration: an older file becomes one of today's version, wholly or not at all.
 *
 *     BEGIN → count rows → the steps that it has not seen → references, pages → count rows again,
 *     compare → COMMIT
 *
 * All of it is one transaction: a process that is killed anywhere, a disk that fills up, a step
 * that fails, or a check that does not hold leave the file as it was, for the program that wrote
 * it. No copy is made for that: the WAL has what is new until the COMMIT. Whoever wants a way back
 * to the older program after an upgrade that went well takes a back-up before it (netra backup):
 * this program cannot go back, and the older one refuses the newer file.
 *
 * What a table has is compared by its number of rows; a step that may change the number in a table
 * that was there before, or takes a table away, names it in schema->changes. Of contents the tests
 * say more: tests/data/schema has a file of each version.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_MIGRATION_H
#define NETRA_STORE_MIGRATION_H

#include "store/database.h"

/* From version, which the file has, to schema->step_count. A new file (version 0) is not checked.
 * ERR_IO, ERR_INVALID (a check did not hold), ERR_NO_MEMORY. */
must_check int migration_run(sqlite3 *db, const struct schema *schema, int version,
                             struct error *error);

#endif
