/*
 * accounts: people and programs of a deployment (accounts mode): signing in, sessions, invitations,
 * keys, roles, personal data. What changes something is durable before done is called; each such
 * change is a line of the audit log in the same batch, and what is refused is a line, too.
 *
 * Passwords are argon2id (m = 19 MiB, t = 2, p = 1), computed on workers, at most
 * ACCOUNTS_HASHES_MAX at once and ACCOUNTS_HASHES_WAITING waiting. Signing in takes the same time
 * and gives the same answer whether the e-mail is known or not, the account disabled, without a
 * password, or the password wrong.
 *
 * Functions that take a done return OK when it will be called (never from within), else an error
 * and it is not. Texts are copied. Loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_ACCOUNTS_H
#define NETRA_AUTH_ACCOUNTS_H

#include "auth/auth.h"
#include "json/json_write.h"

#define ACCOUNTS_USERS_MAX         10000u
#define ACCOUNTS_WORKSPACES_MAX    1000u
#define ACCOUNTS_SESSIONS_USER_MAX 50u /* the oldest goes */
#define ACCOUNTS_KEYS_USER_MAX     100u
#define ACCOUNTS_INVITES_MAX       1000u
#define ACCOUNTS_PASSWORD_MIN      10u
#define ACCOUNTS_PASSWORD_MAX      256u /* bytes */
#define ACCOUNTS_EMAIL_MAX         254u
#define ACCOUNTS_NAME_MAX          120u /* bytes */
#define ACCOUNTS_HASHES_MAX        2u
#define ACCOUNTS_HASHES_WAITING    64u /* more: ERR_LIMIT */
#define ACCOUNTS_INVITE_DAYS       7
#define ACCOUNTS_RESET_MINUTES     30
#define ACCOUNTS_KEY_PREFIX        "netra_key_"
#define ACCOUNTS_LOCK_S_MAX        900 /* 30 s, doubled with each failure, to 15 minutes */

enum auth_session_kind { AUTH_SESSION_COOKIE, AUTH_SESSION_TOKENS, AUTH_SESSION_LOCAL };
enum auth_code_purpose { AUTH_CODE_INVITE, AUTH_CODE_RESET };

/* Where a request comes from, for the audit log and the list of sessions. */
struct account_origin {
    struct str address; /* without the port */
    struct str device;  /* User-Agent */
};

/* What signing in gives. Wiped after done. */
struct account_grant {
    struct auth_caller caller;
    enum auth_session_kind kind;
    char cookie[AUTH_SECRET_TEXT_BYTES];        /* kind COOKIE */
    char refresh_token[AUTH_SECRET_TEXT_BYTES]; /* kind TOKENS; empty for service tokens */
    char access_token[AUTH_TOKEN_BYTES_MAX];    /* kind TOKENS */
    int64_t access_expires_us;
    int64_t session_expires_us;
    struct str next; /* OIDC: where to go; else empty */
};

/* code: OK, or ERR_DENIED (wrong: whatever it was; error has no more), ERR_LIMIT (locked or too
 * busy: retry_after_s), ERR_INVALID (error says what is wrong with the input), ERR_NOT_FOUND,
 * ERR_EXISTS, ERR_IO, ERR_NO_MEMORY. grant is NULL unless OK. */
struct account_outcome {
    int code;
    const struct error *error;
    unsigned retry_after_s;
    const struct account_grant *grant; /* of what signs in */
    const char *id;                    /* of what was made, or NULL */
    const char *secret;                /* of what was made: a key, a code; shown once; or NULL */
    int64_t expires_us;                /* of the secret */
};
typedef void (*account_done_fn)(const struct account_outcome *outcome, void *arg);

/* ---- the first one ---- */

/* Nobody has an account yet. */
bool accounts_need_setup(const struct auth *auth);

/* A one-time code for the first admin's registration, printed at the start; the one before is void.
 */
must_check int accounts_setup_code(struct auth *auth, char code[AUTH_SECRET_TEXT_BYTES]);

/* ---- signing in ---- */

struct account_register {
    struct str code;  /* of the setup or of an invitation: its e-mail counts, not this one's */
    struct str email; /* setup only */
    struct str name;
    struct str password;
    enum auth_session_kind kind;
    struct account_origin origin;
};
must_check int accounts_register(struct auth *auth, const struct account_register *request,
                                 account_done_fn done, void *arg, struct error *error);

struct account_login {
    struct str email;
    struct str password;
    struct str workspace_id; /* empty: where they were last, else the first they are in */
    enum auth_session_kind kind;
    struct account_origin origin;
};
must_check int accounts_login(struct auth *auth, const struct account_login *request,
                              account_done_fn done, void *arg, struct error *error);

/* A refresh token for new tokens. One that was used before ends its whole session: it was stolen,
 * or the answer was lost (then one signs in again); audited as "refresh.reused". */
must_check int accounts_refresh(struct auth *auth, struct str refresh_token,
                                const struct account_origin *origin, account_done_fn done,
                                void *arg, struct error *error);

/* An invitation used by somebody who is signed in. */
must_check int accounts_join(struct auth *auth, const struct auth_caller *caller, struct str code,
                             const struct account_origin *origin, account_done_fn done, void *arg,
                             struct error *error);

/* The session goes on in another workspace that the user is in (grant: a new access token for
 * sessions with tokens). ERR_NOT_FOUND. */
must_check int accounts_switch(struct auth *auth, const struct auth_caller *caller,
                               struct str workspace_id, account_done_fn done, void *arg,
                               struct error *error);

/* An access token with what the caller (a key, say) has, without a session: for other services. */
must_check int accounts_service_token(struct auth *auth, const struct auth_caller *caller,
                                      struct account_grant *ret_grant, struct error *error);

/* What a token or key says, as of now: for /auth/validate. AUTH_INVALID with the flaw. */
enum auth_result accounts_validate(struct auth *auth, struct str token,
                                   struct auth_caller *ret_caller, int64_t *ret_expires_us,
                                   enum auth_flaw *ret_flaw);

/* It is an API key's id, not a session's. */
bool accounts_is_key(const struct auth *auth, struct str credential_id);

/* ---- passwords ---- */

must_check int accounts_change_password(struct auth *auth, const struct auth_caller *caller,
                                        struct str current, struct str changed,
                                        const struct account_origin *origin, account_done_fn done,
                                        void *arg, struct error *error);

/* outcome OK whether the e-mail is known or not; secret is NULL when it is not, or has three codes
 * that hold already: who has mail sends it, and answers the same at the same time. */
must_check int accounts_forgot(struct auth *auth, struct str email,
                               const struct account_origin *origin, account_done_fn done, void *arg,
                               struct error *error);

/* An admin's way without mail: a reset code for a member. */
must_check int accounts_reset_code(struct auth *auth, const struct auth_caller *caller,
                                   struct str user_id, const struct account_origin *origin,
                                   account_done_fn done, void *arg, struct error *error);

/* Uses a reset code up; ends all sessions of the user. */
must_check int accounts_reset(struct auth *auth, struct str code, struct str password,
                              const struct account_origin *origin, account_done_fn done, void *arg,
                              struct error *error);

/* ---- what there is; rows are borrowed for the call ---- */

bool accounts_user(const struct auth *auth, struct str id, store_user_fn fn, void *arg);
bool accounts_workspace(const struct auth *auth, struct str id, store_workspace_fn fn, void *arg);

/* Lists in the order of ids, behind after, at most limit rows. */
void accounts_memberships(const struct auth *auth, struct str user_id, store_member_fn fn,
                          void *arg);
void accounts_members(const struct auth *auth, struct str workspace_id, struct str after,
                      unsigned limit, store_member_fn fn, void *arg);
void accounts_invites(const struct auth *auth, struct str workspace_id, struct str after,
                      unsigned limit, store_code_fn fn, void *arg);
void accounts_sessions(const struct auth *auth, struct str user_id, store_session_fn fn, void *arg);
/* user_id empty: of all in the workspace. */
void accounts_keys(const struct auth *auth, struct str workspace_id, struct str user_id,
                   struct str after, unsigned limit, store_key_fn fn, void *arg);
void accounts_identities(const struct auth *auth, struct str user_id, store_identity_fn fn,
                         void *arg);

/* ---- changes; the caller's workspace is meant; who may is asked of caller->may by the routes, but
 *      that a key has no more than its maker, and that the last admin stays, is seen to here ----
 */

must_check int accounts_invite(struct auth *auth, const struct auth_caller *caller,
                               struct str email, enum auth_role role,
                               const struct account_origin *origin, account_done_fn done, void *arg,
                               struct error *error);
must_check int accounts_withdraw_invite(struct auth *auth, const struct auth_caller *caller,
                                        struct str id, const struct account_origin *origin,
                                        account_done_fn done, void *arg, struct error *error);
must_check int accounts_add_service(struct auth *auth, const struct auth_caller *caller,
                                    struct str name, enum auth_role role,
                                    const struct account_origin *origin, account_done_fn done,
                                    void *arg, struct error *error);
must_check int accounts_set_role(struct auth *auth, const struct auth_caller *caller,
                                 struct str user_id, enum auth_role role,
                                 const struct account_origin *origin, account_done_fn done,
                                 void *arg, struct error *error);
/* Their sessions and keys of this workspace end. */
must_check int accounts_remove_member(struct auth *auth, const struct auth_caller *caller,
                                      struct str user_id, const struct account_origin *origin,
                                      account_done_fn done, void *arg, struct error *error);
must_check int accounts_rename(struct auth *auth, const struct auth_caller *caller, struct str name,
                               account_done_fn done, void *arg, struct error *error);

struct account_key_request {
    struct str name;
    struct str user_id; /* empty: the caller's own; else a service account, by an admin */
    unsigned scopes;    /* within what the user may; else ERR_DENIED */
    int64_t expires_us; /* 0: never */
    struct account_origin origin;
};
must_check int accounts_add_key(struct auth *auth, const struct auth_caller *caller,
                                const struct account_key_request *request, account_done_fn done,
                                void *arg, struct error *error);
/* One's own, or any of the workspace by an admin. */
must_check int accounts_revoke_key(struct auth *auth, const struct auth_caller *caller,
                                   struct str id, const struct account_origin *origin,
                                   account_done_fn done, void *arg, struct error *error);

/* id empty: all of the caller's but the present one. */
must_check int accounts_end_sessions(struct auth *auth, const struct auth_caller *caller,
                                     struct str id, const struct account_origin *origin,
                                     account_done_fn done, void *arg, struct error *error);

/* By operators. The maker is its first admin. */
must_check int accounts_add_workspace(struct auth *auth, const struct auth_caller *caller,
                                      struct str name, const struct account_origin *origin,
                                      account_done_fn done, void *arg, struct error *error);
must_check int accounts_rename_workspace(struct auth *auth, const struct auth_caller *caller,
                                         struct str name, const struct account_origin *origin,
                                         account_done_fn done, void *arg, struct error *error);

/* By operators: a workspace with all that the store has of it. Its members are out of it at once,
 * with their sessions and keys there; programs that are in no other one go, people stay and can be
 * invited elsewhere. The log's lines stay. ERR_NOT_FOUND; ERR_EXISTS: the first one, which stays.
 * What is at work in it, and the records of its datasets, are the caller's to see to. */
must_check int accounts_delete_workspace(struct auth *auth, const struct auth_caller *caller,
                                         struct str id, const struct account_origin *origin,
                                         account_done_fn done, void *arg, struct error *error);

/* ---- personal data ---- */

/* Everything that is kept of the caller as one JSON object, but for the contents of conversations,
 * which are listed by id (the routes give them). Reads the store. */
must_check int accounts_export(struct auth *auth, const struct auth_caller *caller,
                               struct json_writer *w);

/* Erases the caller: account, sessions, keys, identities, memberships; their name on what they
 * made. ERR_DENIED (the password, where there is one), ERR_EXISTS (the last admin of a workspace
 * with other members: the message names it). */
must_check int accounts_erase(struct auth *auth, const struct auth_caller *caller,
                              struct str password, bool with_threads,
                              const struct account_origin *origin, account_done_fn done, void *arg,
                              struct error *error);

/* ---- tokens ---- */

/* {"keys":[…]}: what signs, what is next, and what still may be among valid tokens. */
void accounts_write_jwks(const struct auth *auth, struct json_writer *w);

/* The next key signs from now on, a new next one is made; old tokens stay valid to their end. */
must_check int accounts_rotate_keys(struct auth *auth, const struct auth_caller *caller,
                                    const struct account_origin *origin, account_done_fn done,
                                    void *arg, struct error *error);

/* ---- audit ---- */

/* A line of its own, for what is refused by others ("forbidden", "origin"). Never fails loudly;
 * lines about unauthenticated requests are bounded by a token bucket of their own, those of a user
 * by another, and what was left out is counted in the next one. caller may be NULL. detail: a JSON
 * object, or NULL. */
void accounts_audit(struct auth *auth, const struct auth_caller *caller, const char *action,
                    struct str target, struct str address, const char *detail);

#endif
