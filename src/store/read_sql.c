/*
 * Every statement that reads netra.db. What is of a workspace has WORKSPACE in its WHERE. A CROSS
 * JOIN tells SQLite which table is the outer one: the one whose row is found by an id.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/reader.h"

#include "store/write_sql.h"

#define THREAD_COLUMNS  "id, workspace, owner, title, created_us, updated_us"
#define MESSAGE_COLUMNS "m.id, t.id, m.role, m.content, m.run_id, m.created_us"
#define RUN_COLUMNS                                                                                \
    "r.id, r.workspace, r.owner, t.id, r.status, r.prompt, r.dataset_id, r.seed, r.now_us, "       \
    "r.created_us, r.started_us, r.finished_us, r.reason, r.report_id, r.has_model, "              \
    "r.seq_leased, r.traceparent, r.is_cancelled"
#define MODEL_CALL_COLUMNS                                                                         \
    "c.n, r.id, c.question, c.attempt, c.is_last, c.purpose, c.prompt, c.provider, c.model, "      \
    "c.outcome, c.status, c.started_us, c.latency_us, c.first_token_us, c.input_uncached, "        \
    "c.cache_read, c.cache_write_5m, c.cache_write_1h, c.output, c.reasoning, c.cost_pico_usd, "   \
    "c.response_id, c.failure, c.request, c.answer"
#define DATASET_COLUMNS                                                                            \
    "id, workspace, owner, name, status, bytes, records, rejected, from_us, to_us, description, "  \
    "reason, created_us"
#define AUDIT_COLUMNS                                                                              \
    "n, time_us, workspace, actor, credential, action, target, address, detail, hash"

/* A page begins behind (?1 created_us, ?2 id) and has ?3 rows; ?4 is what the list belongs to. */
const char *const read_sql[READ_STATEMENT_COUNT] = {
    [READ_THREAD] =
        "SELECT " THREAD_COLUMNS " FROM thread WHERE id = ?1 AND workspace = " WORKSPACE,
    [READ_RUN] = "SELECT " RUN_COLUMNS " FROM run r JOIN thread t ON t.n = r.thread"
                 " WHERE r.id = ?1 AND r.workspace = " WORKSPACE,
    [READ_REPORT] = "SELECT p.id, r.id, t.id, p.type, p.created_us FROM report p"
                    " JOIN run r ON r.n = p.run JOIN thread t ON t.n = r.thread"
                    " WHERE p.id = ?1 AND r.workspace = " WORKSPACE,
    [READ_DATASET] = "SELECT " DATASET_COLUMNS " FROM dataset"
                     " WHERE id = ?1 AND workspace = " WORKSPACE,
    [READ_REPORT_BODY] = "SELECT b.body FROM report p JOIN report_body b ON b.report = p.n"
                         " JOIN run r ON r.n = p.run"
                         " WHERE p.id = ?1 AND b.format = ?2 AND r.workspace = " WORKSPACE,
    [READ_THREADS] = "SELECT " THREAD_COLUMNS " FROM thread"
                     " WHERE workspace = " WORKSPACE " AND (created_us, id) < (?1, ?2)"
                     " ORDER BY created_us DESC, id DESC LIMIT ?3",
    [READ_MESSAGES] =
        "SELECT " MESSAGE_COLUMNS " FROM thread t"
        " CROSS JOIN message m ON m.thread = t.n"
        " WHERE t.id = ?4 AND t.workspace = " WORKSPACE " AND (m.created_us, m.id) > (?1, ?2)"
        " ORDER BY m.created_us, m.id LIMIT ?3",
    [READ_RUNS] =
        "SELECT " RUN_COLUMNS " FROM thread t CROSS JOIN run r ON r.thread = t.n"
        " WHERE t.id = ?4 AND t.workspace = " WORKSPACE " AND (r.created_us, r.id) < (?1, ?2)"
        " ORDER BY r.created_us DESC, r.id DESC LIMIT ?3",
    [READ_DATASETS] = "SELECT " DATASET_COLUMNS " FROM dataset"
                      " WHERE workspace = " WORKSPACE " AND (created_us, id) < (?1, ?2)"
                      " ORDER BY created_us DESC, id DESC LIMIT ?3",
    [READ_THREAD_PLACE] = "SELECT created_us FROM thread WHERE id = ?1 AND workspace = " WORKSPACE,
    [READ_MESSAGE_PLACE] = "SELECT m.created_us FROM message m JOIN thread t ON t.n = m.thread"
                           " WHERE m.id = ?1 AND t.id = ?2 AND t.workspace = " WORKSPACE,
    [READ_RUN_PLACE] = "SELECT r.created_us FROM run r JOIN thread t ON t.n = r.thread"
                       " WHERE r.id = ?1 AND t.id = ?2 AND r.workspace = " WORKSPACE,
    [READ_DATASET_PLACE] = "SELECT created_us FROM dataset"
                           " WHERE id = ?1 AND workspace = " WORKSPACE,
    [READ_EVENTS] =
        "SELECT r.id, e.seq, e.time_us, e.json FROM run r"
        " CROSS JOIN event e ON e.run = r.n"
        " WHERE r.id = ?1 AND r.workspace = " WORKSPACE " AND e.seq > ?2 ORDER BY e.seq LIMIT ?3",
    [READ_MODEL_CALLS] = "SELECT " MODEL_CALL_COLUMNS " FROM model_call c"
                         " CROSS JOIN run r ON r.n = c.run"
                         " WHERE c.workspace = " WORKSPACE " AND c.n > ?2 ORDER BY c.n LIMIT ?3",
    [READ_MODEL_CALLS_OF_RUN] = "SELECT " MODEL_CALL_COLUMNS " FROM run r"
                                " CROSS JOIN model_call c ON c.run = r.n"
                                " WHERE r.id = ?1 AND r.workspace = " WORKSPACE
                                " AND (c.question, c.attempt) >= (?2 >> 32, ?2 & 4294967295)"
                                " ORDER BY c.question, c.attempt LIMIT ?3",
    [READ_LAST_SEQ] = "SELECT coalesce((SELECT max(seq) FROM event WHERE event.run = run.n), 0)"
                      " FROM run WHERE id = ?1 AND workspace = " WORKSPACE,
    [READ_ANSWER] = "SELECT owner, request, fingerprint, status, content_type, body, expires_us"
                    " FROM answer"
                    " WHERE owner = ?1 AND workspace = " WORKSPACE " AND request = ?2",
    /* A dataset that failed keeps nothing. */
    [READ_USAGE] = "SELECT"
                   " (SELECT count(*) FROM dataset WHERE workspace = " WORKSPACE " AND status < 2),"
                   " (SELECT coalesce(sum(bytes), 0) FROM dataset WHERE workspace = " WORKSPACE
                   " AND status < 2),"
                   " (SELECT count(*) FROM run WHERE workspace = " WORKSPACE " AND status < 2),"
                   " (SELECT coalesce(sum(tokens), 0) FROM model_use WHERE workspace = " WORKSPACE
                   " AND started_us >= ?1)",
    [READ_AUDIT] = "SELECT " AUDIT_COLUMNS " FROM audit"
                   " WHERE workspace = " WORKSPACE " AND n < ?1 ORDER BY n DESC LIMIT ?2",
    [READ_AUDIT_WITH_DEPLOYMENT] = "SELECT " AUDIT_COLUMNS " FROM audit"
                                   " WHERE workspace = " WORKSPACE " AND n < ?1"
                                   " UNION ALL SELECT " AUDIT_COLUMNS " FROM audit"
                                   " WHERE workspace = '' AND " WORKSPACE " <> '' AND n < ?1"
                                   " ORDER BY n DESC LIMIT ?2",

    [READ_OPEN_RUNS] = "SELECT " RUN_COLUMNS " FROM run r CROSS JOIN thread t ON t.n = r.thread"
                       " WHERE r.status < 2 ORDER BY r.created_us, r.id",
    [READ_ALL_DATASETS] = "SELECT " DATASET_COLUMNS " FROM dataset WHERE id > ?1"
                          " ORDER BY id LIMIT ?2",
    [READ_USERS] = "SELECT id, email, name, is_service, is_email_verified, password, created_us,"
                   " disabled_us FROM user ORDER BY id",
    [READ_WORKSPACES] = "SELECT id, name, created_us FROM workspace ORDER BY id",
    [READ_MEMBERS] = "SELECT workspace, user, role, since_us FROM member ORDER BY workspace, user",
    [READ_IDENTITIES] = "SELECT provider, subject, user, email, linked_us FROM identity"
                        " ORDER BY provider, subject",
    [READ_CODES] = "SELECT hash, id, purpose, workspace, email, role, user, made_by, created_us,"
                   " expires_us FROM code ORDER BY hash",
    [READ_SESSIONS] = "SELECT id, user, workspace, kind, hash, last_hash, device, address,"
                      " created_us, used_us, expires_us FROM session ORDER BY id",
    [READ_KEYS] = "SELECT id, workspace, user, name, scopes, hash, created_us, used_us, expires_us"
                  " FROM api_key ORDER BY id",
    [READ_SIGNING_KEYS] = "SELECT id, public_jwk, sealed, created_us, signs_from_us, retires_us"
                          " FROM signing_key ORDER BY id",
    [READ_THROTTLES] = "SELECT hash, failures, last_us FROM throttle ORDER BY hash",
    [READ_AUDIT_OF] = "SELECT " AUDIT_COLUMNS " FROM audit WHERE actor = ?3 AND n < ?1"
                      " ORDER BY n DESC LIMIT ?2",
    [READ_AUDIT_LINE] = "SELECT " AUDIT_COLUMNS " FROM audit WHERE n = ?1",
    [READ_AUDIT_LINES] = "SELECT " AUDIT_COLUMNS " FROM audit WHERE n > ?1 ORDER BY n LIMIT ?2",
    [READ_AUDIT_END] = "SELECT seq FROM sqlite_sequence WHERE name = 'audit'",
};
