/*
 * dataset_match: whether the datasets of netra.db have their records in usage.db, and the other way
 * round. The two files are not changed in one transaction (ADR 0008), so that this is what has to
 * hold between them: a dataset that is ready has its records. Records without one that is ready are
 * nobody's, and swept at a start.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_DATASET_MATCH_H
#define NETRA_STORE_DATASET_MATCH_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

struct dataset_match {
    uint64_t ready;           /* datasets */
    uint64_t without_records; /* of them: none, or not all of their chunks or rows */
    char example[STORE_ID_BYTES_MAX + 1];
    uint64_t nobodys; /* records of datasets that are not there, or not ready */
};

/* Each connection is read in its transaction, if it has one. counts_rows: looks into each chunk for
 * its number of rows (one page each); else chunks are counted by an index. ERR_IO, ERR_NO_MEMORY.
 */
must_check int dataset_match_find(sqlite3 *netra, sqlite3 *usage, bool counts_rows,
                                  struct dataset_match *ret_match, struct error *error);

#endif
