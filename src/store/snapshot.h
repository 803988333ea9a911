/*
 * snapshot: both files of a data folder at one moment, for reading, while a server writes in it.
 *
 * SQLite gives one file at one moment: a reading transaction in WAL mode sees the last commit
 * before its first look, for as long as it is open, and nobody waits for it. Two files have no
 * common moment, so it is made:
 *
 *     1 begin on netra.db    2 begin on usage.db    3 has each ready dataset its records?
 *                                                     no: end both, once more from 1
 *
 * Why this order. An upload commits its records in usage.db, then the row that says ready in
 * netra.db, then answers. A deletion commits the row that says failed in netra.db, then deletes the
 * records. So with netra.db first, what an upload does between 1 and 2 can only put records into
 * the snapshot that nobody knows, which a start sweeps; only a deletion between them can take
 * records away from a dataset that the snapshot calls ready, and 3 sees exactly that. (The other
 * way round it would be every upload.) What was acknowledged before 1 is in it, since an answer
 * follows the last commit. Between 1 and 2 are microseconds, so that a second try is rare.
 *
 * A dataset without records in each of SNAPSHOT_TRIES moments is no race but damage from before; it
 * is counted, and the snapshot is taken as the folder is.
 *
 * While it is open the WAL cannot be brought home beyond it, so both WALs grow by what is written
 * meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_SNAPSHOT_H
#define NETRA_STORE_SNAPSHOT_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/error.h"
#include "store/backup_manifest.h"

#define SNAPSHOT_TRIES 10

struct snapshot {
    sqlite3 *dbs[BACKUP_FILES]; /* in a reading transaction each */
    int schemas[BACKUP_FILES];
    int64_t began_us; /* all that was acknowledged before is in it */
    uint64_t datasets_without_records;
};

/* Blocks for milliseconds. ERR_NOT_FOUND (no data in this folder), ERR_UNSUPPORTED (of a newer
 * version), ERR_IO, ERR_NO_MEMORY. */
must_check int snapshot_begin(const char *data_dir, struct snapshot *ret_snapshot,
                              struct error *error);
void snapshot_end(struct snapshot *snapshot);

#endif
