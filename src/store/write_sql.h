/*
 * write_sql: every statement that changes netra.db, in one table.
 *
 * A statement of tenants' data is bound to the workspace of its batch, by the parameter
 * WORKSPACE_PARAMETER, and says so in its WHERE: what another workspace has is not found by it. A
 * statement of the deployment goes with batches of no workspace only, and the other way round:
 * batch.c refuses the rest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_WRITE_SQL_H
#define NETRA_STORE_WRITE_SQL_H

#include <stdbool.h>

#define WORKSPACE_PARAMETER                                                                        \
    30                  /* beyond the values of any statement, so that none is in its way          \
                         */
#define WORKSPACE "?30" /* the same, in SQL */

enum write_statement {
    WRITE_PUT_THREAD,
    WRITE_DELETE_THREAD,
    WRITE_TOUCH_THREAD,
    WRITE_ADD_MESSAGE,
    WRITE_ADD_RUN,
    WRITE_SET_RUN,
    WRITE_ADD_EVENT,
    WRITE_ADD_MODEL_CALL,
    WRITE_ADD_REPORT,
    WRITE_ADD_REPORT_BODY,
    WRITE_PUT_DATASET,
    WRITE_DELETE_DATASET,
    WRITE_PUT_ANSWER,
    /* of the deployment, from here on */
    WRITE_DELETE_ENDED_ANSWERS,
    WRITE_DELETE_ANSWERS_OF,
    WRITE_DELETE_THREADS_OF,
    WRITE_ERASE_THREADS,
    WRITE_ERASE_RUNS,
    WRITE_ERASE_DATASETS,
    WRITE_PUT_USER,
    WRITE_DELETE_CODES_OF,
    WRITE_ERASE_CODES,
    WRITE_DELETE_SESSIONS_OF,
    WRITE_DELETE_USER,
    WRITE_PUT_WORKSPACE,
    WRITE_DELETE_WORKSPACE_THREADS,
    WRITE_DELETE_WORKSPACE_DATASETS,
    WRITE_DELETE_WORKSPACE_ANSWERS,
    WRITE_DELETE_WORKSPACE_USE,
    WRITE_DELETE_WORKSPACE_SESSIONS,
    WRITE_DELETE_WORKSPACE_CODES,
    WRITE_DELETE_WORKSPACE_KEYS,
    WRITE_DELETE_WORKSPACE_MEMBERS,
    WRITE_DELETE_WORKSPACE,
    WRITE_PUT_MEMBER,
    WRITE_DELETE_MEMBER,
    WRITE_PUT_IDENTITY,
    WRITE_DELETE_IDENTITY,
    WRITE_PUT_CODE,
    WRITE_DELETE_CODE,
    WRITE_PUT_SESSION,
    WRITE_DELETE_SESSION,
    WRITE_PUT_KEY,
    WRITE_DELETE_KEY,
    WRITE_PUT_SIGNING_KEY,
    WRITE_DELETE_SIGNING_KEY,
    WRITE_PUT_THROTTLE,
    WRITE_DELETE_THROTTLE,
    WRITE_ADD_AUDIT,
    WRITE_ADD_PROBE,
    WRITE_DELETE_PROBE,
    WRITE_STATEMENT_COUNT
};

struct write_sql {
    const char *sql;
    bool must_change; /* no row changed: what it is about is not there */
};

extern const struct write_sql write_sql[WRITE_STATEMENT_COUNT];

static inline bool write_is_of_workspace(enum write_statement statement)
{
    return statement < WRITE_DELETE_ENDED_ANSWERS;
}

#endif
