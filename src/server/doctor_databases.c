/*
 * Both databases: read, not opened as a server does. Where no server is at work SQLite is told so,
 * and makes no side files; should one begin meanwhile, what it wrote could look like damage, so
 * that damage is looked at once more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "server/doctor_state.h"
#include "store/audit.h"
#include "store/data_dir.h"
#include "store/database.h"
#include "store/dataset_match.h"
#include "store/inspection.h"
#include "store/snapshot.h"
#include "store/store_schema.h"

#define FILES 2u

static const struct schema *const schemas[FILES] = {&store_schema, &usage_schema};

struct opened {
    sqlite3 *dbs[FILES];
    int versions[FILES];
};

static void opened_close(struct opened *opened)
{
    for (unsigned i = 0; i < FILES; i++) {
        database_close(opened->dbs[i]);
        opened->dbs[i] = NULL;
    }
}

static int check_file(sqlite3 *db, struct error *error)
{
    int code = inspection_check_pages(db, /* is_quick */ true, error);

    return code ? code : inspection_check_references(db, error);
}

static int open_and_check(struct doctor *doctor, unsigned which, struct opened *opened,
                          struct error *error)
{
    int code = database_open_as_found(doctor->data_dir, schemas[which], !doctor->is_used,
                                      &opened->dbs[which], &opened->versions[which], error);

    code = code ? code : check_file(opened->dbs[which], error);
    if (code && code != ERR_NOT_FOUND) {
        database_close(opened->dbs[which]);
        opened->dbs[which] = NULL;
    }
    return code;
}

static void look_at_file(struct doctor *doctor, unsigned which, struct opened *opened)
{
    const struct schema *schema = schemas[which];
    struct error error = {0};
    int code = open_and_check(doctor, which, opened, &error);

    if (code && !doctor->is_used &&
        data_dir_find_holder(doctor->data_dir, &doctor->holder) == 1) { /* it has just begun */
        doctor->is_used = true;
        code = open_and_check(doctor, which, opened, &error);
    }
    if (code == ERR_NOT_FOUND) {
        doctor_say(doctor, DOCTOR_UNKNOWN, schema->file,
                   "The first start makes it. If there was one, put a back-up in its place.",
                   "needs the file: there is none in the folder");
    } else if (code) {
        doctor_say(doctor, DOCTOR_PROBLEM, schema->file,
                   error.hint[0] ? error.hint : "Stop the server and restore a back-up.", "%s",
                   error.message);
    } else if (opened->versions[which] < schema->step_count) {
        doctor_say(doctor, DOCTOR_WARNING, schema->file,
                   "Back it up, then start the server: it brings the file up to date.",
                   "whole, of the older schema %d (this program's is %d)", opened->versions[which],
                   schema->step_count);
    } else {
        doctor_say(doctor, DOCTOR_OK, schema->file, NULL, "whole: pages and references, schema %d",
                   opened->versions[which]);
    }
    uint64_t wal_bytes = database_wal_bytes(doctor->data_dir, schema);
    if (wal_bytes > DOCTOR_WAL_BYTES_LARGE) {
        doctor_say(doctor, DOCTOR_WARNING, schema->file,
                   "Something reads the file for long: a back-up, a shell. When it ends, the WAL "
                   "goes home.",
                   "its WAL has %llu MiB", (unsigned long long)(wal_bytes >> 20));
    }
}

static void look_at_audit(struct doctor *doctor, sqlite3 *db)
{
    int64_t lines = 0;
    int64_t broken = 0;
    int result = audit_register(db);

    result = result ? result : audit_find_break(db, &lines, &broken);
    if (result) {
        doctor_say(doctor, DOCTOR_PROBLEM, "audit log", "Put a back-up of netra.db in its place.",
                   "it cannot be read: %s", sqlite3_errmsg(db));
    } else if (broken) {
        doctor_say(doctor, DOCTOR_PROBLEM, "audit log",
                   "Somebody has changed the file by hand: compare it with a back-up.",
                   "line %lld is not what was written, or is missing", (long long)broken);
    } else {
        doctor_say(doctor, DOCTOR_OK, "audit log", NULL, "its %lld lines are as they were written",
                   (long long)lines);
    }
}

/* A server changes the files one after the other: both are looked at as of one moment. */
static int match_datasets(struct doctor *doctor, const struct opened *opened,
                          struct dataset_match *match, struct error *error)
{
    cleanup(snapshot_end) struct snapshot snapshot = {0};

    if (!doctor->is_used) {
        return dataset_match_find(opened->dbs[0], opened->dbs[1], /* counts_rows */ true, match,
                                  error);
    }
    int code = snapshot_begin(doctor->data_dir, &snapshot, error);
    return code ? code
                : dataset_match_find(snapshot.dbs[0], snapshot.dbs[1], /* counts_rows */ true,
                                     match, error);
}

static void look_at_datasets(struct doctor *doctor, const struct opened *opened)
{
    struct dataset_match match = {0};
    struct error error = {0};

    if (match_datasets(doctor, opened, &match, &error)) {
        doctor_say_error(doctor, DOCTOR_PROBLEM, "datasets", &error);
    } else if (match.without_records) {
        doctor_say(doctor, DOCTOR_PROBLEM, "datasets",
                   "Delete them and upload their files again, or restore a back-up.",
                   "%llu of %llu that are ready have not all of their records: %s …",
                   (unsigned long long)match.without_records, (unsigned long long)match.ready,
                   match.example);
    } else if (match.nobodys && !doctor->is_used) {
        doctor_say(doctor, DOCTOR_WARNING, "datasets", "The next start deletes them.",
                   "%llu have their records; of %llu more there are records and no dataset",
                   (unsigned long long)match.ready, (unsigned long long)match.nobodys);
    } else {
        doctor_say(doctor, DOCTOR_OK, "datasets", NULL, "all %llu have their records",
                   (unsigned long long)match.ready);
    }
}

void doctor_look_at_databases(struct doctor *doctor)
{
    cleanup(opened_close) struct opened opened = {0};

    if (!doctor->has_folder) {
        return;
    }
    for (unsigned i = 0; i < FILES; i++) {
        look_at_file(doctor, i, &opened);
    }
    if (opened.dbs[0]) {
        look_at_audit(doctor, opened.dbs[0]);
        (void)inspection_number(opened.dbs[0],
                                "SELECT max((SELECT coalesce(max(created_us), 0) FROM run),"
                                " (SELECT coalesce(max(updated_us), 0) FROM thread))",
                                &doctor->newest_us);
    }
    if (opened.dbs[0] && opened.dbs[1]) {
        look_at_datasets(doctor, &opened);
    }
}
