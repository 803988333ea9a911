/*
 * oidc_fetch: one request to a provider (or to the auth service) and its whole answer, which must
 * be JSON with status 200 and within OIDC_ANSWER_BYTES_MAX and OIDC_TIMEOUT_MS. Embedded in what
 * asks. Loop thread. Private to auth/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_OIDC_FETCH_H
#define NETRA_AUTH_OIDC_FETCH_H

#include "auth/oidc.h"
#include "base/buf.h"

struct oidc_fetch;

/* code: OK and the answer in fetch->body, ERR_IO, ERR_TIMEOUT, ERR_LIMIT, ERR_NO_MEMORY;
 * ERR_INVALID for an answer that is none, redirects too. Never from within oidc_fetch_start. */
typedef void (*oidc_fetch_fn)(struct oidc_fetch *fetch, int code, const struct error *error);

struct oidc_fetch {
    struct http_client *client;
    http_call_id id; /* 0: nothing is under way */
    struct buf body;
    int status;
    bool is_json;
    oidc_fetch_fn done;
    void *arg;
};

struct oidc_question {
    struct str url;
    struct str form;          /* empty: GET; else POST application/x-www-form-urlencoded */
    struct str json;          /* instead of a form: POST application/json */
    struct str authorization; /* empty: none */
    uint64_t timeout_ms;      /* 0: OIDC_TIMEOUT_MS */
};

/* fetch->client, done and arg are filled; body is emptied. */
must_check int oidc_fetch_start(struct oidc_fetch *fetch, const struct oidc_question *question,
                                struct error *error);

/* Cancels, wipes and frees what it holds. */
void oidc_fetch_stop(struct oidc_fetch *fetch);

#endif
