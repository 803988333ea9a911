/*
 * The steps. A step that was released is history: what is wrong with it is put right by a new one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/store_schema.h"

#include "base/attributes.h"

#define STORE_APPLICATION_ID 0x4e745261 /* "NtRa" */

static const char *const steps[] = {
    /* 1 */
    "CREATE TABLE thread ("
    " n INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE,"
    " title TEXT NOT NULL,"
    " created_us INTEGER NOT NULL,"
    " updated_us INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX thread_by_age ON thread (created_us, id);"

    "CREATE TABLE message ("
    " n INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE,"
    " thread INTEGER NOT NULL REFERENCES thread (n) ON DELETE CASCADE,"
    " role TEXT NOT NULL,"
    " content TEXT NOT NULL,"
    " run_id TEXT NOT NULL,"
    " created_us INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX message_by_age ON message (thread, created_us, id);"

    "CREATE TABLE run ("
    " n INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE,"
    " thread INTEGER NOT NULL REFERENCES thread (n) ON DELETE CASCADE,"
    " status INTEGER NOT NULL," /* enum store_run_status */
    " prompt TEXT NOT NULL,"
    " dataset_id TEXT NOT NULL,"
    " seed INTEGER NOT NULL," /* the bits of a uint64_t */
    " now_us INTEGER NOT NULL,"
    " created_us INTEGER NOT NULL,"
    " started_us INTEGER NOT NULL,"
    " finished_us INTEGER NOT NULL,"
    " reason TEXT NOT NULL,"
    " report_id TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX run_by_age ON run (thread, created_us, id);"
    "CREATE INDEX run_open ON run (created_us, id) WHERE status < 2;" /* queued, running */

    "CREATE TABLE event ("
    " run INTEGER NOT NULL REFERENCES run (n) ON DELETE CASCADE,"
    " seq INTEGER NOT NULL,"
    " time_us INTEGER NOT NULL,"
    " json TEXT NOT NULL,"
    " PRIMARY KEY (run, seq)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE report ("
    " n INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE,"
    " run INTEGER NOT NULL REFERENCES run (n) ON DELETE CASCADE,"
    " type TEXT NOT NULL,"
    " created_us INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX report_of_run ON report (run);"

    "CREATE TABLE report_body ("
    " report INTEGER NOT NULL REFERENCES report (n) ON DELETE CASCADE,"
    " format TEXT NOT NULL,"
    " body TEXT NOT NULL,"
    " UNIQUE (report, format)"
    ") STRICT;"

    "CREATE TABLE dataset ("
    " n INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL,"
    " status INTEGER NOT NULL," /* enum store_dataset_status */
    " bytes INTEGER NOT NULL,"
    " records INTEGER NOT NULL,"
    " rejected INTEGER NOT NULL,"
    " from_us INTEGER NOT NULL,"
    " to_us INTEGER NOT NULL,"
    " description TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " created_us INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX dataset_by_age ON dataset (created_us, id);"

    "CREATE TABLE session ("
    " hash BLOB NOT NULL PRIMARY KEY,"
    " created_us INTEGER NOT NULL,"
    " expires_us INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX session_by_end ON session (expires_us);"

    "CREATE TABLE probe (n INTEGER PRIMARY KEY) STRICT;",

    /* 2: models answer questions of runs */
    "ALTER TABLE run ADD COLUMN has_model INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE run ADD COLUMN seq_leased INTEGER NOT NULL DEFAULT 0;"

    "CREATE TABLE model_call ("
    " n INTEGER PRIMARY KEY AUTOINCREMENT," /* a cursor: the number of a deleted row never returns
                                             */
    " run INTEGER NOT NULL REFERENCES run (n) ON DELETE CASCADE,"
    " question INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL,"
    " is_last INTEGER NOT NULL,"
    " purpose TEXT NOT NULL,"
    " prompt TEXT NOT NULL,"
    " provider TEXT NOT NULL,"
    " model TEXT NOT NULL,"
    " outcome TEXT NOT NULL,"
    " status INTEGER NOT NULL,"
    " started_us INTEGER NOT NULL,"
    " latency_us INTEGER NOT NULL,"
    " first_token_us INTEGER NOT NULL,"
    " input_uncached INTEGER NOT NULL," /* -1: unknown, as all counts and the cost */
    " cache_read INTEGER NOT NULL,"
    " cache_write_5m INTEGER NOT NULL,"
    " cache_write_1h INTEGER NOT NULL,"
    " output INTEGER NOT NULL,"
    " reasoning INTEGER NOT NULL,"
    " cost_pico_usd INTEGER NOT NULL,"
    " response_id TEXT NOT NULL,"
    " failure TEXT NOT NULL,"
    " request TEXT NOT NULL,"
    " answer TEXT NOT NULL,"
    " UNIQUE (run, question, attempt)"
    ") STRICT;",
};

const struct schema store_schema = {
    .file = "netra.db",
    .application_id = STORE_APPLICATION_ID,
    .before = "",
    .steps = steps,
    .step_count = (int)ARRAY_LENGTH(steps),
};
