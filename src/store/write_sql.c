/*
 * A row is found by the text id that the caller knows, inside the statement: an INSERT … SELECT
 * that finds no parent in the workspace changes no row, which makes the batch invalid. An id that
 * is there already in another workspace is a conflict whose update finds no row. An owner is only
 * inserted: whoever has an old row in hand must not undo an erasure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/write_sql.h"

const struct write_sql write_sql[WRITE_STATEMENT_COUNT] = {
    [WRITE_PUT_THREAD] = {"INSERT INTO thread (id, workspace, owner, title, created_us, updated_us)"
                          " SELECT ?1, id, ?2, ?3, ?4, ?5 FROM workspace WHERE id = " WORKSPACE
                          " ON CONFLICT (id) DO UPDATE SET"
                          " title = excluded.title, created_us = excluded.created_us,"
                          " updated_us = excluded.updated_us"
                          " WHERE thread.workspace = excluded.workspace",
                          true},
    [WRITE_DELETE_THREAD] = {"DELETE FROM thread WHERE id = ?1 AND workspace = " WORKSPACE, false},
    [WRITE_TOUCH_THREAD] = {"UPDATE thread SET updated_us = max(updated_us, ?2)"
                            " WHERE id = ?1 AND workspace = " WORKSPACE,
                            true},
    [WRITE_ADD_MESSAGE] = {"INSERT INTO message (id, thread, role, content, run_id, created_us)"
                           " SELECT ?1, n, ?3, ?4, ?5, ?6 FROM thread"
                           " WHERE id = ?2 AND workspace = " WORKSPACE,
                           true},
    [WRITE_ADD_RUN] = {"INSERT INTO run (id, thread, workspace, owner, status, prompt, dataset_id,"
                       " seed, now_us, created_us, started_us, finished_us, reason, report_id,"
                       " has_model, seq_leased, traceparent, is_cancelled)"
                       " SELECT ?1, n, workspace, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
                       " ?14, ?15, ?16, ?17 FROM thread WHERE id = ?2 AND workspace = " WORKSPACE,
                       true},
    [WRITE_SET_RUN] = {"UPDATE run SET thread ="
                       " (SELECT n FROM thread WHERE id = ?2 AND workspace = " WORKSPACE "),"
                       " status = ?4, prompt = ?5, dataset_id = ?6, seed = ?7,"
                       " now_us = ?8, created_us = ?9, started_us = ?10, finished_us = ?11,"
                       " reason = ?12, report_id = ?13, has_model = ?14, seq_leased = ?15,"
                       " traceparent = ?16, is_cancelled = ?17"
                       " WHERE id = ?1 AND workspace = " WORKSPACE,
                       true},
    [WRITE_ADD_EVENT] = {"INSERT INTO event (run, seq, time_us, json)"
                         " SELECT n, ?2, ?3, ?4 FROM run WHERE id = ?1 AND workspace = " WORKSPACE
                         " AND ?2 = 1 + coalesce("
                         "(SELECT max(seq) FROM event WHERE event.run = run.n), 0)",
                         true},
    [WRITE_ADD_MODEL_CALL] =
        {"INSERT INTO model_call (run, workspace, question, attempt, is_last, purpose, prompt,"
         " provider, model, outcome, status, started_us, latency_us, first_token_us,"
         " input_uncached, cache_read, cache_write_5m, cache_write_1h, output, reasoning,"
         " cost_pico_usd, response_id, failure, request, answer)"
         " SELECT n, workspace, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
         " ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24"
         " FROM run WHERE id = ?1 AND workspace = " WORKSPACE,
         true},
    [WRITE_ADD_REPORT] = {"INSERT INTO report (id, run, type, created_us)"
                          " SELECT ?1, run.n, ?4, ?5 FROM run JOIN thread ON thread.n = run.thread"
                          " WHERE run.id = ?2 AND run.workspace = " WORKSPACE " AND thread.id = ?3",
                          true},
    [WRITE_ADD_REPORT_BODY] = {"INSERT INTO report_body (report, format, body)"
                               " SELECT report.n, ?2, ?3 FROM report JOIN run ON run.n = report.run"
                               " WHERE report.id = ?1 AND run.workspace = " WORKSPACE,
                               true},
    [WRITE_PUT_DATASET] = {"INSERT INTO dataset (id, workspace, owner, name, status, bytes,"
                           " records, rejected, from_us, to_us, description, reason, created_us)"
                           " SELECT ?1, id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12"
                           " FROM workspace WHERE id = " WORKSPACE
                           " ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
                           " status = excluded.status, bytes = excluded.bytes,"
                           " records = excluded.records, rejected = excluded.rejected,"
                           " from_us = excluded.from_us, to_us = excluded.to_us,"
                           " description = excluded.description, reason = excluded.reason,"
                           " created_us = excluded.created_us"
                           " WHERE dataset.workspace = excluded.workspace",
                           true},
    [WRITE_DELETE_DATASET] = {"DELETE FROM dataset WHERE id = ?1 AND workspace = " WORKSPACE,
                              false},
    [WRITE_PUT_ANSWER] = {"INSERT INTO answer (workspace, owner, request, fingerprint, status,"
                          " content_type, body, expires_us)"
                          " SELECT id, ?1, ?2, ?3, ?4, ?5, ?6, ?7"
                          " FROM workspace WHERE id = " WORKSPACE
                          " ON CONFLICT (owner, workspace, request) DO UPDATE SET"
                          " fingerprint = excluded.fingerprint, status = excluded.status,"
                          " content_type = excluded.content_type, body = excluded.body,"
                          " expires_us = excluded.expires_us",
                          true},

    [WRITE_DELETE_ENDED_ANSWERS] = {"DELETE FROM answer WHERE expires_us <= ?1", false},
    [WRITE_DELETE_ANSWERS_OF] = {"DELETE FROM answer WHERE owner = ?1", false},
    [WRITE_DELETE_THREADS_OF] = {"DELETE FROM thread WHERE owner = ?1", false},
    [WRITE_ERASE_THREADS] = {"UPDATE thread SET owner = '' WHERE owner = ?1", false},
    [WRITE_ERASE_RUNS] = {"UPDATE run SET owner = '' WHERE owner = ?1", false},
    [WRITE_ERASE_DATASETS] = {"UPDATE dataset SET owner = '' WHERE owner = ?1", false},

    [WRITE_PUT_USER] = {"INSERT INTO user (id, email, name, is_service, is_email_verified,"
                        " password, created_us, disabled_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"
                        " ?8) ON CONFLICT (id) DO UPDATE SET email = excluded.email,"
                        " name = excluded.name, is_service = excluded.is_service,"
                        " is_email_verified = excluded.is_email_verified,"
                        " password = excluded.password, created_us = excluded.created_us,"
                        " disabled_us = excluded.disabled_us",
                        true},
    /* Before the user: codes for their address are found by it. */
    [WRITE_DELETE_CODES_OF] = {"DELETE FROM code WHERE user = ?1 OR email ="
                               " (SELECT email FROM user WHERE id = ?1 AND email <> '')",
                               false},
    [WRITE_ERASE_CODES] = {"UPDATE code SET made_by = '' WHERE made_by = ?1", false},
    [WRITE_DELETE_SESSIONS_OF] = {"DELETE FROM session WHERE user = ?1", false},
    [WRITE_DELETE_USER] = {"DELETE FROM user WHERE id = ?1", false},
    [WRITE_PUT_WORKSPACE] = {"INSERT INTO workspace (id, name, created_us) VALUES (?1, ?2, ?3)"
                             " ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
                             " created_us = excluded.created_us",
                             true},
    /* All of them with each workspace that goes; messages, runs, events, calls of models and
     * reports go with the threads. Keys and members before it: they refer to it. */
    [WRITE_DELETE_WORKSPACE_THREADS] = {"DELETE FROM thread WHERE workspace = ?1", false},
    [WRITE_DELETE_WORKSPACE_DATASETS] = {"DELETE FROM dataset WHERE workspace = ?1", false},
    [WRITE_DELETE_WORKSPACE_ANSWERS] = {"DELETE FROM answer WHERE workspace = ?1", false},
    [WRITE_DELETE_WORKSPACE_USE] = {"DELETE FROM model_use WHERE workspace = ?1", false},
    [WRITE_DELETE_WORKSPACE_SESSIONS] = {"DELETE FROM session WHERE workspace = ?1", false},
    [WRITE_DELETE_WORKSPACE_CODES] = {"DELETE FROM code WHERE workspace = ?1", false},
    [WRITE_DELETE_WORKSPACE_KEYS] = {"DELETE FROM api_key WHERE workspace = ?1", false},
    [WRITE_DELETE_WORKSPACE_MEMBERS] = {"DELETE FROM member WHERE workspace = ?1", false},
    [WRITE_DELETE_WORKSPACE] = {"DELETE FROM workspace WHERE id = ?1", false},
    [WRITE_PUT_MEMBER] = {"INSERT INTO member (workspace, user, role, since_us)"
                          " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (workspace, user) DO UPDATE SET"
                          " role = excluded.role, since_us = excluded.since_us",
                          true},
    [WRITE_DELETE_MEMBER] = {"DELETE FROM member WHERE workspace = ?1 AND user = ?2", false},
    [WRITE_PUT_IDENTITY] = {"INSERT INTO identity (provider, subject, user, email, linked_us)"
                            " VALUES (?1, ?2, ?3, ?4, ?5)"
                            " ON CONFLICT (provider, subject) DO UPDATE SET user = excluded.user,"
                            " email = excluded.email, linked_us = excluded.linked_us",
                            true},
    [WRITE_DELETE_IDENTITY] = {"DELETE FROM identity WHERE provider = ?1 AND user = ?2", false},
    [WRITE_PUT_CODE] = {"INSERT INTO code (hash, id, purpose, workspace, email, role, user,"
                        " made_by, created_us, expires_us)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
                        " ON CONFLICT (hash) DO UPDATE SET id = excluded.id,"
                        " purpose = excluded.purpose, workspace = excluded.workspace,"
                        " email = excluded.email, role = excluded.role, user = excluded.user,"
                        " made_by = excluded.made_by, created_us = excluded.created_us,"
                        " expires_us = excluded.expires_us",
                        true},
    [WRITE_DELETE_CODE] = {"DELETE FROM code WHERE hash = ?1", false},
    /* Of a user who is there, or of local mode, which has no row. */
    [WRITE_PUT_SESSION] = {"INSERT INTO session (id, user, workspace, kind, hash, last_hash,"
                           " device, address, created_us, used_us, expires_us)"
                           " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11"
                           " WHERE ?2 = 'local' OR EXISTS (SELECT 1 FROM user WHERE id = ?2)"
                           " ON CONFLICT (id) DO UPDATE SET user = excluded.user,"
                           " workspace = excluded.workspace, kind = excluded.kind,"
                           " hash = excluded.hash, last_hash = excluded.last_hash,"
                           " device = excluded.device, address = excluded.address,"
                           " created_us = excluded.created_us, used_us = excluded.used_us,"
                           " expires_us = excluded.expires_us",
                           true},
    [WRITE_DELETE_SESSION] = {"DELETE FROM session WHERE id = ?1", false},
    [WRITE_PUT_KEY] = {"INSERT INTO api_key (id, workspace, user, name, scopes, hash, created_us,"
                       " used_us, expires_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                       " ON CONFLICT (id) DO UPDATE SET workspace = excluded.workspace,"
                       " user = excluded.user, name = excluded.name, scopes = excluded.scopes,"
                       " hash = excluded.hash, created_us = excluded.created_us,"
                       " used_us = excluded.used_us, expires_us = excluded.expires_us",
                       true},
    [WRITE_DELETE_KEY] = {"DELETE FROM api_key WHERE id = ?1", false},
    [WRITE_PUT_SIGNING_KEY] = {"INSERT INTO signing_key (id, public_jwk, sealed, created_us,"
                               " signs_from_us, retires_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                               " ON CONFLICT (id) DO UPDATE SET public_jwk = excluded.public_jwk,"
                               " sealed = excluded.sealed, created_us = excluded.created_us,"
                               " signs_from_us = excluded.signs_from_us,"
                               " retires_us = excluded.retires_us",
                               true},
    [WRITE_DELETE_SIGNING_KEY] = {"DELETE FROM signing_key WHERE id = ?1", false},
    [WRITE_PUT_THROTTLE] = {"INSERT INTO throttle (hash, failures, last_us) VALUES (?1, ?2, ?3)"
                            " ON CONFLICT (hash) DO UPDATE SET failures = excluded.failures,"
                            " last_us = excluded.last_us",
                            true},
    [WRITE_DELETE_THROTTLE] = {"DELETE FROM throttle WHERE hash = ?1", false},

    /* audit_hash is audit.c's; the line before is the last one that was ever written. */
    [WRITE_ADD_AUDIT] = {"WITH last (n, hash) AS (SELECT"
                         " coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0),"
                         " coalesce((SELECT hash FROM audit ORDER BY n DESC LIMIT 1),"
                         " zeroblob(32)))"
                         "INSERT INTO audit (n, time_us, workspace, actor, credential, action,"
                         " target, address, detail, hash)"
                         " SELECT n + 1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
                         " audit_hash(hash, n + 1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) FROM last",
                         true},

    [WRITE_ADD_PROBE] = {"INSERT INTO probe (n) VALUES (1)", true},
    [WRITE_DELETE_PROBE] = {"DELETE FROM probe", false},
};
