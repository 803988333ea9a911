/*
 * accounts: what lasts of people and programs that may use a deployment: users, workspaces and who
 * is in them, sessions, keys, codes, and the audit log. The same file, batches and rules as
 * store.h; only auth/ uses it, and keeps all but the audit log in memory.
 *
 * Changes are put into a batch of store_batch_new(STR("")): accounts are the deployment's, not a
 * workspace's. Lists see all rows, in the order of their ids (hashes): for the start.
 *
 * Secrets are never here: SHA-256 of random ones, argon2id of passwords, signing keys sealed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_ACCOUNTS_H
#define NETRA_STORE_ACCOUNTS_H

#include "store/store.h"

#define STORE_HASH_BYTES 32u

struct store_user {
    struct str id;    /* UUIDv7; "local" is the user of local mode */
    struct str email; /* lower case, unique; empty for a service account */
    struct str name;
    bool is_service;
    bool is_email_verified;
    struct str password; /* argon2id, encoded; empty: none */
    int64_t created_us;
    int64_t disabled_us; /* 0: may sign in */
};

struct store_workspace {
    struct str id;
    struct str name;
    int64_t created_us;
};

struct store_member {
    struct str workspace_id;
    struct str user_id;
    unsigned role; /* enum auth_role */
    int64_t since_us;
};

/* An account of another identity provider. */
struct store_identity {
    struct str provider; /* id in the configuration */
    struct str subject;
    struct str user_id;
    struct str email; /* as the provider last said */
    int64_t linked_us;
};

/* A one-time code: an invitation, a password reset. */
struct store_code {
    unsigned char hash[STORE_HASH_BYTES];
    struct str id;           /* to list and withdraw it by */
    unsigned purpose;        /* enum auth_code_purpose */
    struct str workspace_id; /* invitation: where to */
    struct str email;        /* whom it is for */
    unsigned role;           /* invitation: what they will be */
    struct str user_id;      /* reset: whose password */
    struct str made_by;      /* user */
    int64_t created_us;
    int64_t expires_us;
};

struct store_session {
    struct str id;
    struct str user_id;
    struct str workspace_id;                   /* where it is at the moment */
    unsigned kind;                             /* enum auth_session_kind */
    unsigned char hash[STORE_HASH_BYTES];      /* of the cookie, or of the refresh token in force */
    unsigned char last_hash[STORE_HASH_BYTES]; /* of the refresh token before it; zero: none */
    struct str device;                         /* User-Agent, cut */
    struct str address;                        /* of the client, cut to its network */
    int64_t created_us;
    int64_t used_us;
    int64_t expires_us;
};

struct store_key {
    struct str id;
    struct str workspace_id;
    struct str user_id; /* whose rights it has at most */
    struct str name;
    unsigned scopes; /* enum auth_scope, added up */
    unsigned char hash[STORE_HASH_BYTES];
    int64_t created_us;
    int64_t used_us;    /* by the hour; 0: never */
    int64_t expires_us; /* 0: never */
};

/* A key that signs access tokens. */
struct store_signing_key {
    struct str id; /* kid */
    struct str public_jwk;
    struct str sealed; /* the private half, AES-256-GCM under the secret of the configuration */
    int64_t created_us;
    int64_t signs_from_us;
    int64_t retires_us; /* 0: none is planned */
};

/* Failures of signing in, by whom was asked for: known or not, so that one cannot tell. */
struct store_throttle {
    unsigned char hash[STORE_HASH_BYTES]; /* of the e-mail */
    unsigned failures;
    int64_t last_us;
};

/* One line of the audit log. Who is named by id: what is erased elsewhere is nobody here. */
struct store_audit {
    uint64_t n; /* from 1, without gaps; given by the store */
    int64_t time_us;
    struct str workspace_id;              /* empty: the deployment */
    struct str actor_id;                  /* user; empty: nobody who is known */
    struct str credential_id;             /* session or key; may be empty */
    struct str action;                    /* "login.failed", "key.created" … */
    struct str target;                    /* id of what it was done to; may be empty */
    struct str address;                   /* cut to its network */
    struct str detail;                    /* JSON object */
    unsigned char hash[STORE_HASH_BYTES]; /* SHA-256 of the hash before it and of all the above;
                                           * given by the store, in the order of becoming durable */
};

void store_put_user(struct store_batch *batch, const struct store_user *user);
void store_delete_user(struct store_batch *batch, struct str id); /* and all that is theirs here */
void store_put_workspace(struct store_batch *batch, const struct store_workspace *workspace);
/* With all that is in it, also of tenants, but for lines of the audit log and the records of its
 * datasets, which are usage_store's. */
void store_delete_workspace(struct store_batch *batch, struct str id);
void store_put_member(struct store_batch *batch, const struct store_member *member);
void store_delete_member(struct store_batch *batch, struct str workspace_id, struct str user_id);
void store_put_identity(struct store_batch *batch, const struct store_identity *identity);
void store_delete_identity(struct store_batch *batch, struct str provider, struct str user_id);
void store_put_code(struct store_batch *batch, const struct store_code *code);
void store_delete_code(struct store_batch *batch, const unsigned char hash[STORE_HASH_BYTES]);
void store_put_session(struct store_batch *batch, const struct store_session *session);
void store_delete_session(struct store_batch *batch, struct str id);
void store_put_key(struct store_batch *batch, const struct store_key *key);
void store_delete_key(struct store_batch *batch, struct str id);
void store_put_signing_key(struct store_batch *batch, const struct store_signing_key *key);
void store_delete_signing_key(struct store_batch *batch, struct str id);
void store_put_throttle(struct store_batch *batch, const struct store_throttle *throttle);
void store_delete_throttle(struct store_batch *batch, const unsigned char hash[STORE_HASH_BYTES]);

/* n and hash are ignored. Triggers refuse to change or delete a line, whoever asks. */
void store_add_audit(struct store_batch *batch, const struct store_audit *audit);

typedef bool (*store_user_fn)(const struct store_user *row, void *arg);
typedef bool (*store_workspace_fn)(const struct store_workspace *row, void *arg);
typedef bool (*store_member_fn)(const struct store_member *row, void *arg);
typedef bool (*store_identity_fn)(const struct store_identity *row, void *arg);
typedef bool (*store_code_fn)(const struct store_code *row, void *arg);
typedef bool (*store_session_fn)(const struct store_session *row, void *arg);
typedef bool (*store_key_fn)(const struct store_key *row, void *arg);
typedef bool (*store_signing_key_fn)(const struct store_signing_key *row, void *arg);
typedef bool (*store_throttle_fn)(const struct store_throttle *row, void *arg);
typedef bool (*store_audit_fn)(const struct store_audit *row, void *arg);

/* Not bounded: the whole table, at the start. */
int store_list_users(struct store *store, store_user_fn fn, void *arg);
int store_list_workspaces(struct store *store, store_workspace_fn fn, void *arg);
int store_list_members(struct store *store, store_member_fn fn, void *arg);
int store_list_identities(struct store *store, store_identity_fn fn, void *arg);
int store_list_codes(struct store *store, store_code_fn fn, void *arg);
int store_list_sessions(struct store *store, store_session_fn fn, void *arg);
int store_list_keys(struct store *store, store_key_fn fn, void *arg);
int store_list_signing_keys(struct store *store, store_signing_key_fn fn, void *arg);
int store_list_throttles(struct store *store, store_throttle_fn fn, void *arg);

/* Lines of a workspace, newest first; before: n of the last line of the page before, 0: the newest.
 * with_deployment: those of no workspace, too. */
int store_list_audit(struct store *store, struct str workspace_id, bool with_deployment,
                     uint64_t before, unsigned limit, store_audit_fn fn, void *arg);
/* Lines of an actor, whatever the workspace: for the export of personal data. */
int store_list_audit_of(struct store *store, struct str actor_id, uint64_t before, unsigned limit,
                        store_audit_fn fn, void *arg);

/* Computes the hashes of lines after + 1 … anew, at most limit, and compares. *ret_last: the last
 * line that was looked at; *ret_hash its hash. ERR_INVALID: line *ret_last is not what was written,
 * or one is missing. */
int store_check_audit(struct store *store, uint64_t after, unsigned limit, uint64_t *ret_last,
                      unsigned char ret_hash[STORE_HASH_BYTES]);

#endif
