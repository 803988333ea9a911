/* SPDX-License-Identifier: Apache-2.0 */
#include "store/snapshot.h"

#include <time.h>

#include "loop/clock.h"
#include "store/database.h"
#include "store/dataset_match.h"
#include "store/store_schema.h"

#define PAUSE_NS 2000000 /* before the next try: longer than a deletion's two commits, mostly */

static const struct schema *const schemas[BACKUP_FILES] = {&store_schema, &usage_schema};

void snapshot_end(struct snapshot *snapshot)
{
    for (unsigned i = 0; i < BACKUP_FILES; i++) {
        database_close(snapshot->dbs[i]);
        snapshot->dbs[i] = NULL;
    }
}

/* BEGIN alone sees nothing yet: the first look does. */
static int begin(sqlite3 *db, struct error *error)
{
    int64_t ignored;
    int result = database_run(db, "BEGIN");

    if (!result) {
        result = inspection_number(db, "SELECT count(*) FROM sqlite_schema", &ignored);
    }
    return result ? database_fail(db, result, "begin to read", error) : OK;
}

static int begin_all(struct snapshot *snapshot, struct error *error)
{
    int code = OK;

    for (unsigned i = 0; i < BACKUP_FILES; i++) {
        if (!sqlite3_get_autocommit(snapshot->dbs[i])) {
            (void)database_run(snapshot->dbs[i], "ROLLBACK");
        }
    }
    snapshot->began_us = clock_now_us();
    for (unsigned i = 0; i < BACKUP_FILES && !code; i++) {
        code = begin(snapshot->dbs[i], error);
    }
    return code;
}

static int begin_matching(struct snapshot *snapshot, struct error *error)
{
    static const struct timespec pause = {0, PAUSE_NS};
    struct dataset_match match;

    for (int tries = 1;; tries++) {
        int code = begin_all(snapshot, error);

        code = code ? code
                    : dataset_match_find(snapshot->dbs[0], snapshot->dbs[1],
                                         /* counts_rows */ false, &match, error);
        if (code || match.without_records == 0 || tries == SNAPSHOT_TRIES) {
            snapshot->datasets_without_records = code ? 0 : match.without_records;
            return code;
        }
        (void)nanosleep(&pause, NULL);
    }
}

int snapshot_begin(const char *data_dir, struct snapshot *ret_snapshot, struct error *error)
{
    cleanup(snapshot_end) struct snapshot snapshot = {0};
    int code = OK;

    for (unsigned i = 0; i < BACKUP_FILES && !code; i++) {
        code = database_open_as_found(data_dir, schemas[i], /* is_still */ false, &snapshot.dbs[i],
                                      &snapshot.schemas[i], error);
    }
    code = code ? code : begin_matching(&snapshot, error);
    if (!code) {
        *ret_snapshot = snapshot;
        snapshot = (struct snapshot){0};
    }
    return code;
}
