/*
 * sign_in: sessions and what they give, for the files that sign somebody in. Private to auth/; loop
 * thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_SIGN_IN_H
#define NETRA_AUTH_SIGN_IN_H

#include "auth/change.h"
#include "auth/email.h"

/* A new session of change->user_id in change->workspace_id, of change->kind; its secrets are in the
 * grant. The oldest sessions of a user who has too many end. */
void sign_in_begin(struct change *change);

/* The finish of a change that began or went on with a session (grant.caller.credential_id): the
 * grant is completed. */
void sign_in_finish(struct change *change);

/* Where a user's session begins: wanted, else where they were last, else the first they are in.
 * False: they may not be there. */
bool sign_in_workspace(const struct auth *auth, const struct user *user, struct str wanted,
                       char workspace_id[STORE_ID_BYTES_MAX + 1]);

/* The present session of a caller; NULL: a key, a service token. */
struct session *sign_in_session(const struct auth *auth, const struct auth_caller *caller);

/* SHA-256 of an e-mail as it was typed, for the throttle; email is what it is read as, or "". */
struct secret_hash sign_in_throttle_hash(struct str typed, char email[ACCOUNTS_EMAIL_MAX + 1]);

/* The caller of a change becomes a user: for the audit line of who was not known before. */
void sign_in_known(struct change *change, const char *user_id, const char *workspace_id);

/* A line of the audit log about somebody who is not known, if there may be one; then the outcome is
 * ERR_DENIED. */
void sign_in_deny(struct change *change, const char *action, struct str target, const char *detail);

/* A name of 1 to ACCOUNTS_NAME_MAX bytes of UTF-8 without control characters; or the change is
 * refused, and false. */
bool sign_in_name(struct change *change, struct str name);

/* An invitation or reset code that holds now; NULL. */
struct code *sign_in_code(const struct auth *auth, const struct secret_hash *hash,
                          enum auth_code_purpose purpose);

/* hash could not be begun: ERR_LIMIT with a moment to wait, or what code says. */
void sign_in_busy(struct change *change, int code);

/* Begins a try at a user's password by who is signed in as them: false when it was refused, since
 * there were too many. */
bool password_begin_try(struct change *change, const struct user *user);

/* The session that the change was begun with is still there; false: refused. */
bool password_has_session(struct change *change);

#endif
