/*
 * The steps. A step that was released is history: what is wrong with it is put right by a new one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/store_schema.h"

#include "base/attributes.h"

#define STORE_APPLICATION_ID 0x4e745261 /* "NtRa" */

/* Counts that are unknown are -1. */
#define TOKENS_OF(row)                                                                             \
    "max(" row ".input_uncached, 0) + max(" row ".cache_read, 0) + max(" row                       \
    ".cache_write_5m, 0) + max(" row ".cache_write_1h, 0) + max(" row ".output, 0)"

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

    /* 3: more than one user. What belongs to a thread has its workspace; run and model_call carry a
     * copy, so that a look-up and a list of a workspace need no other table. */
    "CREATE TABLE workspace ("
    " id TEXT NOT NULL PRIMARY KEY,"
    " name TEXT NOT NULL,"
    " created_us INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO workspace VALUES ('default', 'Default', 0);" /* STORE_WORKSPACE_FIRST */

    "ALTER TABLE thread ADD COLUMN workspace TEXT NOT NULL DEFAULT 'default';"
    "ALTER TABLE thread ADD COLUMN owner TEXT NOT NULL DEFAULT 'local';"
    "DROP INDEX thread_by_age;"
    "CREATE INDEX thread_by_age ON thread (workspace, created_us, id);"
    "CREATE INDEX thread_by_owner ON thread (owner);"

    "ALTER TABLE run ADD COLUMN workspace TEXT NOT NULL DEFAULT 'default';"
    "ALTER TABLE run ADD COLUMN owner TEXT NOT NULL DEFAULT 'local';"
    "ALTER TABLE run ADD COLUMN traceparent TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE run ADD COLUMN is_cancelled INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX run_by_owner ON run (owner);"
    "CREATE INDEX run_open_of ON run (workspace) WHERE status < 2;"

    "ALTER TABLE dataset ADD COLUMN workspace TEXT NOT NULL DEFAULT 'default';"
    "ALTER TABLE dataset ADD COLUMN owner TEXT NOT NULL DEFAULT 'local';"
    "DROP INDEX dataset_by_age;"
    "CREATE INDEX dataset_by_age ON dataset (workspace, created_us, id);"
    "CREATE INDEX dataset_by_owner ON dataset (owner);"
    "CREATE INDEX dataset_size ON dataset (workspace, status, bytes);"

    "ALTER TABLE model_call ADD COLUMN workspace TEXT NOT NULL DEFAULT 'default';"
    "CREATE INDEX model_call_of ON model_call (workspace);" /* then by n */

    /* What calls of models used, apart from them: who deletes a thread gets no quota back. Two days
     * are kept. */
    "CREATE TABLE model_use ("
    " n INTEGER PRIMARY KEY,"
    " workspace TEXT NOT NULL,"
    " started_us INTEGER NOT NULL,"
    " tokens INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX model_use_by_age ON model_use (workspace, started_us, tokens);"
    "INSERT INTO model_use (workspace, started_us, tokens)"
    " SELECT workspace, started_us, " TOKENS_OF(
        "model_call") " FROM model_call;"
                      "CREATE TRIGGER model_use_add AFTER INSERT ON model_call BEGIN"
                      " DELETE FROM model_use WHERE workspace = new.workspace"
                      "  AND started_us < new.started_us - 172800000000;"
                      " INSERT INTO model_use (workspace, started_us, tokens)"
                      "  VALUES (new.workspace, new.started_us, " TOKENS_OF(
                          "new") ");"
                                 "END;"

                                 "CREATE TABLE answer ("
                                 " n INTEGER PRIMARY KEY,"
                                 " workspace TEXT NOT NULL,"
                                 " owner TEXT NOT NULL,"
                                 " request TEXT NOT NULL," /* its Idempotency-Key */
                                 " fingerprint BLOB NOT NULL,"
                                 " status INTEGER NOT NULL,"
                                 " content_type TEXT NOT NULL,"
                                 " body TEXT NOT NULL,"
                                 " expires_us INTEGER NOT NULL,"
                                 " UNIQUE (owner, workspace, request)"
                                 ") STRICT;"
                                 "CREATE INDEX answer_by_end ON answer (expires_us);"

                                 "CREATE TABLE user ("
                                 " id TEXT NOT NULL PRIMARY KEY,"
                                 " email TEXT NOT NULL,"
                                 " name TEXT NOT NULL,"
                                 " is_service INTEGER NOT NULL,"
                                 " is_email_verified INTEGER NOT NULL,"
                                 " password TEXT NOT NULL,"
                                 " created_us INTEGER NOT NULL,"
                                 " disabled_us INTEGER NOT NULL"
                                 ") STRICT, WITHOUT ROWID;"
                                 "CREATE UNIQUE INDEX user_by_email ON user (email) WHERE email <> "
                                 "'';"

                                 "CREATE TABLE member ("
                                 " workspace TEXT NOT NULL REFERENCES workspace (id),"
                                 " user TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,"
                                 " role INTEGER NOT NULL," /* enum auth_role */
                                 " since_us INTEGER NOT NULL,"
                                 " PRIMARY KEY (workspace, user)"
                                 ") STRICT, WITHOUT ROWID;"
                                 "CREATE INDEX member_by_user ON member (user);"

                                 "CREATE TABLE identity ("
                                 " provider TEXT NOT NULL,"
                                 " subject TEXT NOT NULL,"
                                 " user TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,"
                                 " email TEXT NOT NULL,"
                                 " linked_us INTEGER NOT NULL,"
                                 " PRIMARY KEY (provider, subject)"
                                 ") STRICT, WITHOUT ROWID;"
                                 "CREATE INDEX identity_by_user ON identity (user);"

                                 "CREATE TABLE code ("
                                 " hash BLOB NOT NULL PRIMARY KEY,"
                                 " id TEXT NOT NULL UNIQUE,"
                                 " purpose INTEGER NOT NULL," /* enum auth_code_purpose */
                                 " workspace TEXT NOT NULL,"
                                 " email TEXT NOT NULL,"
                                 " role INTEGER NOT NULL,"
                                 " user TEXT NOT NULL,"
                                 " made_by TEXT NOT NULL,"
                                 " created_us INTEGER NOT NULL,"
                                 " expires_us INTEGER NOT NULL"
                                 ") STRICT, WITHOUT ROWID;"

                                 /* Local mode has no row in user, so that user is no reference
                                    here. */
                                 "ALTER TABLE session RENAME TO session_of_step_2;"
                                 "DROP INDEX session_by_end;"
                                 "CREATE TABLE session ("
                                 " id TEXT NOT NULL PRIMARY KEY,"
                                 " user TEXT NOT NULL,"
                                 " workspace TEXT NOT NULL,"
                                 " kind INTEGER NOT NULL," /* enum auth_session_kind; 2: of local
                                                              mode */
                                 " hash BLOB NOT NULL UNIQUE,"
                                 " last_hash BLOB NOT NULL,"
                                 " device TEXT NOT NULL,"
                                 " address TEXT NOT NULL,"
                                 " created_us INTEGER NOT NULL,"
                                 " used_us INTEGER NOT NULL,"
                                 " expires_us INTEGER NOT NULL"
                                 ") STRICT, WITHOUT ROWID;"
                                 "CREATE INDEX session_by_user ON session (user);"
                                 "INSERT INTO session SELECT lower(hex(randomblob(16))), 'local', "
                                 "'default', 2, hash,"
                                 " zeroblob(32), '', '', created_us, created_us, expires_us FROM "
                                 "session_of_step_2;"
                                 "DROP TABLE session_of_step_2;"

                                 "CREATE TABLE api_key ("
                                 " id TEXT NOT NULL PRIMARY KEY,"
                                 " workspace TEXT NOT NULL REFERENCES workspace (id),"
                                 " user TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,"
                                 " name TEXT NOT NULL,"
                                 " scopes INTEGER NOT NULL," /* enum auth_scope, added up */
                                 " hash BLOB NOT NULL UNIQUE,"
                                 " created_us INTEGER NOT NULL,"
                                 " used_us INTEGER NOT NULL,"
                                 " expires_us INTEGER NOT NULL"
                                 ") STRICT, WITHOUT ROWID;"
                                 "CREATE INDEX api_key_by_user ON api_key (user);"

                                 "CREATE TABLE signing_key ("
                                 " id TEXT NOT NULL PRIMARY KEY,"
                                 " public_jwk TEXT NOT NULL,"
                                 " sealed TEXT NOT NULL,"
                                 " created_us INTEGER NOT NULL,"
                                 " signs_from_us INTEGER NOT NULL,"
                                 " retires_us INTEGER NOT NULL"
                                 ") STRICT, WITHOUT ROWID;"

                                 "CREATE TABLE throttle ("
                                 " hash BLOB NOT NULL PRIMARY KEY,"
                                 " failures INTEGER NOT NULL,"
                                 " last_us INTEGER NOT NULL"
                                 ") STRICT, WITHOUT ROWID;"

                                 /* AUTOINCREMENT: sqlite_sequence remembers how many lines there
                                  * were, should the last be cut off. */
                                 "CREATE TABLE audit ("
                                 " n INTEGER PRIMARY KEY AUTOINCREMENT,"
                                 " time_us INTEGER NOT NULL,"
                                 " workspace TEXT NOT NULL,"
                                 " actor TEXT NOT NULL,"
                                 " credential TEXT NOT NULL,"
                                 " action TEXT NOT NULL,"
                                 " target TEXT NOT NULL,"
                                 " address TEXT NOT NULL,"
                                 " detail TEXT NOT NULL,"
                                 " hash BLOB NOT NULL" /* audit.h */
                                 ") STRICT;"
                                 "CREATE INDEX audit_of ON audit (workspace);" /* then by n */
                                 "CREATE INDEX audit_by_actor ON audit (actor);"
                                 "CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN"
                                 " SELECT RAISE(ABORT, 'lines of the audit log are not changed');"
                                 "END;"
                                 /* REPLACE deletes without asking the trigger below. */
                                 "CREATE TRIGGER audit_is_new BEFORE INSERT ON audit"
                                 " WHEN EXISTS (SELECT 1 FROM audit WHERE n = new.n) BEGIN"
                                 " SELECT RAISE(ABORT, 'lines of the audit log are not replaced');"
                                 "END;"
                                 "CREATE TRIGGER audit_remains BEFORE DELETE ON audit BEGIN"
                                 " SELECT RAISE(ABORT, 'lines of the audit log are not deleted');"
                                 "END;",
};

const struct schema store_schema = {
    .file = "netra.db",
    .application_id = STORE_APPLICATION_ID,
    .before = "",
    .steps = steps,
    .step_count = (int)ARRAY_LENGTH(steps),
};
