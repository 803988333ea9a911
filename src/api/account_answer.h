/*
 * account_answer: answers to what auth/accounts.h does for a call, when it is done. One of them
 * waits in the list of late.h from the call to the outcome.
 *
 *     answer = account_answer_new(call, reply_made)      NULL: answered already
 *     code = accounts_…(auth, …, account_answered, answer, &error)
 *     account_begun(answer, code, &error)                 answers when it did not begin
 *
 * What a refusal looks like is said once, by the answer's wrong: a password or code that does not
 * fit is 401 where one signs in, 403 elsewhere.
 *
 * Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_ACCOUNT_ANSWER_H
#define NETRA_API_ACCOUNT_ANSWER_H

#include "api/late.h"
#include "auth/accounts.h"

/* What ERR_DENIED means for the client. */
struct account_wrong {
    const char *needs;  /* 403 with it; NULL: 401 */
    const char *detail; /* where the outcome says no more */
};

struct account_answer;
typedef void (*account_reply_fn)(struct account_answer *answer,
                                 const struct account_outcome *outcome);

struct account_answer {
    struct late late; /* first: late_free frees both */
    account_reply_fn reply;
    const struct account_wrong *wrong;
    const char *what;             /* "user": for "there is no such user" */
    struct auth_caller caller;    /* who asked; NOBODY where one signs in */
    int status;                   /* of a success */
    const char *password_pointer; /* where the body has the new password; NULL: "/password" */
    bool has_begun;               /* private: what is full is told by an outcome, not at once */
    char text[STORE_ID_BYTES_MAX + 1]; /* the reply's own: an id to read again */
};

/* NULL when it has been answered with 503. reply is called for OK only; NULL: 204. */
struct account_answer *account_answer_new(const struct call *call, account_reply_fn reply);

/* The same for a struct of size bytes that begins with a struct account_answer; zeroed. */
struct account_answer *account_answer_new_sized(const struct call *call, size_t size,
                                                account_reply_fn reply);

/* account_done_fn; arg is the answer. Answers and frees it. */
void account_answered(const struct account_outcome *outcome, void *arg);

/* What the function that was given account_answered came to: unless it is OK the call is answered
 * here and now. */
void account_begun(struct account_answer *answer, int code, const struct error *error);

/* Where the call comes from; borrowed from its request. */
struct account_origin account_origin(const struct call *call);

/* The caller has a session: keys and service tokens do not change passwords and the like. False
 * when it has been answered with 403. */
bool account_needs_session(const struct call *call);

/* A line of the audit log about a call that is refused here, before accounts.h sees it. */
void account_audit_refusal(const struct call *call, const char *action);

/* An answer with a secret: kept by nobody, never compressed beside text from outside. The body is
 * what was written since reply_begin_json. set_cookie may be NULL. */
void account_reply_secret(struct api *api, http_id id, int status, const char *set_cookie);

/* ---- the session's cookie ---- */

#define ACCOUNT_COOKIE_BYTES_MAX 256

/* Whether people reach the server over https. */
bool account_is_https(const struct api *api);

/* The value of Set-Cookie; an empty secret with age_s 0 takes the cookie away. */
void account_print_cookie(const struct api *api, const char *secret, int64_t age_s,
                          char ret_cookie[ACCOUNT_COOKIE_BYTES_MAX]);

/* ---- what GET /auth/me says ---- */

void account_put_me(struct json_writer *w, const struct api *api, const struct auth_caller *caller);

/* The members that it shares with a grant: "user", "workspace". */
void account_put_user(struct json_writer *w, const struct api *api,
                      const struct auth_caller *caller);
void account_put_workspace(struct json_writer *w, const struct api *api,
                           const struct auth_caller *caller);

/* "read run data" as one text, and as a list. */
#define ACCOUNT_SCOPES_BYTES_MAX 32
void account_print_scopes(unsigned scopes, char ret_text[ACCOUNT_SCOPES_BYTES_MAX]);
void account_put_scopes(struct json_writer *w, unsigned scopes);

/* account_reply_fn of what signs in: the cookie and me, or tokens. */
void account_reply_grant(struct account_answer *answer, const struct account_outcome *outcome);

#endif
