/*
 * change: one change of accounts under way, from the call to its outcome.
 *
 *     change_new → fill batch; change_take_… what is taken away (at once), change_add what is new
 *                → change_submit → [store] → finish(change): new records become visible, outcome
 *                ↘ change_refuse → [next turn of the loop] → outcome
 *
 * When the store fails, what is new is dropped; what was taken away stays away, and the store is
 * asked again until it follows (codes that were used up come back instead: nothing was made of
 * them). The outcome is told exactly once, never from within the call that began the change.
 *
 * Whatever is pointed to may be gone when a hash or the store is ready: a change remembers ids.
 *
 * Private to auth/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_CHANGE_H
#define NETRA_AUTH_CHANGE_H

#include "auth/auth_state.h"

#define CHANGE_SECRET_MAX 96u
#define CHANGE_NEXT_MAX   1025u

struct change;
typedef void (*change_fn)(struct change *change);

struct change {
    struct auth *auth;
    struct ring of_auth;
    struct loop_message message;
    struct store_batch *batch;
    struct ring taken; /* records */
    struct ring added; /* records, in the order of entering */
    change_fn finish;  /* durable, records entered: fills what is left of the outcome; or NULL */
    bool gives_codes_back; /* when the store fails */
    bool has_taken;
    bool is_refused;
    bool keeps_batch; /* also when it is refused: lines of the audit log, failed logins */
    bool puts_user;
    bool with_setup; /* uses the code of the setup */

    account_done_fn done;
    void *arg;
    int code;
    struct error error;
    unsigned retry_after_s;
    bool has_grant;
    struct account_grant grant;
    char next[CHANGE_NEXT_MAX];
    char id[STORE_ID_BYTES_MAX + 1];
    char secret[CHANGE_SECRET_MAX];
    int64_t expires_us;

    /* what it is about; who asks */
    struct auth_caller caller; /* kind NOBODY: nobody who is known */
    char network[DIRECTORY_NETWORK_BYTES];
    char device[DIRECTORY_DEVICE_MAX + 1];
    char user_id[UUID_BYTES];
    char workspace_id[STORE_ID_BYTES_MAX + 1];
    char email[ACCOUNTS_EMAIL_MAX + 1];
    char name[ACCOUNTS_NAME_MAX + 1];
    enum auth_session_kind kind;
    enum auth_role role;
    struct secret_hash hash; /* of an e-mail (throttle) or a code */
    struct password password;
    char encoded[PASSWORD_ENCODED_MAX]; /* a new password's hash */
    struct secret_hash last_hash;       /* of the session before it was rotated */
    bool has_last_hash;
    unsigned epoch; /* of the user, when the change began; of a role, its version */
    bool with_threads;
};

/* caller and origin may be NULL. NULL: no memory, error is filled. */
must_check struct change *change_new(struct auth *auth, const struct auth_caller *caller,
                                     const struct account_origin *origin, account_done_fn done,
                                     void *arg, struct error *error);

/* Its outcome is code with a message; nothing that was put into the batch is done, unless
 * keeps_batch says so. Not after a change_take. */
void change_refuse(struct change *change, int code, const char *format, ...) printf_like(3, 4);

/* A line of the audit log in the batch, of who asks, in workspace_id (of the caller when NULL).
 * detail: a JSON object or NULL. */
void change_audit(struct change *change, const char *action, struct str target, const char *detail);

/* Takes a record out of the directory and has the store delete it. */
void change_take_session(struct change *change, struct session *session);
void change_take_key(struct change *change, struct key *key);
void change_take_code(struct change *change, struct code *code);
void change_take_member(struct change *change, struct member *member);
void change_take_identity(struct change *change, struct identity *identity);
/* Nothing of theirs may be in the directory any more. */
void change_take_user(struct change *change, struct user *user);
/* Nobody and nothing may be in it any more; what the store has of it goes, too. */
void change_take_workspace(struct change *change, struct workspace *workspace);

/* All sessions of a user but one (NULL: all); workspace_id empty: wherever they are. */
void change_take_sessions(struct change *change, struct user *user, const struct session *but,
                          struct str workspace_id);

/* A new record: put into the batch, entered when it is durable. NULL: no memory, which becomes the
 * outcome. Later calls do nothing then. */
void change_add(struct change *change, struct record *record);

/* Another change that is under way makes an account of this e-mail, or with this identity; either
 * may be empty. */
bool change_makes_user(const struct auth *auth, struct str email, struct str provider,
                       struct str subject);

/* A user's row with a new name or password (NULL: as it is). One such change of a user is under way
 * at a time: their rows would overwrite each other. */
void change_put_user(struct change *change, const struct user *user, const char *name,
                     const char *password);
bool change_puts_user(const struct auth *auth, struct str user_id);

/* The user that the change is about (user_id), as of now; NULL. */
struct user *change_user(const struct change *change);

/* Submits. The change is not the caller's any more. */
void change_submit(struct change *change, change_fn fn);

/* Tries again what the store could not follow; once in a while. */
void change_retry(struct auth *auth);

/* For auth_free: nobody is told any more. */
void change_free_all(struct auth *auth);

#endif
