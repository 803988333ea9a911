/*
 * directory: everything that the store keeps of accounts, in memory, so that a request is judged
 * without waiting: users, workspaces, who is in which, sessions, keys, codes, identities.
 *
 *     user ──┬ memberships ──┬── workspace ─┬ members, keys, invitations
 *            ├ sessions      │              │
 *            ├ keys ─────────┼──────────────┘
 *            └ identities
 *
 * A record is made (_new), filled, and entered (directory_add_…) when the store has it; what is
 * taken from somebody is taken out (directory_take_…) at once, and freed when the store has
 * followed. Entering and taking out cannot fail. A record that is in the directory points to
 * records that are in the directory.
 *
 * Who is in no index is found by nobody: there is no state "half there".
 *
 * Private to auth/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_DIRECTORY_H
#define NETRA_AUTH_DIRECTORY_H

#include "auth/accounts.h"
#include "auth/hash_index.h"
#include "auth/ring.h"
#include "auth/secret.h"

#define DIRECTORY_NETWORK_BYTES 48u  /* an address, cut */
#define DIRECTORY_DEVICE_MAX    200u /* bytes of a User-Agent that are kept */

/* What a record is, for rows that are to be deleted or written later. */
enum record_kind {
    RECORD_USER,
    RECORD_WORKSPACE,
    RECORD_MEMBER,
    RECORD_SESSION,
    RECORD_KEY,
    RECORD_CODE,
    RECORD_IDENTITY
};
struct record {
    enum record_kind kind;
    struct ring taken; /* in change->taken or unstored->records, once it was taken out */
};

struct user {
    struct record record;
    struct hash_link by_id;
    struct hash_link by_email; /* persons only */
    char id[UUID_BYTES];
    char *email; /* "" for services */
    char *name;
    char *password; /* encoded; "" when there is none */
    bool is_service;
    bool is_email_verified;
    bool loses_threads; /* taken: its conversations are to be deleted, too */
    int64_t created_us;
    int64_t disabled_us;
    char last_workspace[STORE_ID_BYTES_MAX + 1]; /* where they signed in last */
    struct ring memberships;
    struct ring sessions;
    struct ring keys;
    struct ring identities;
    unsigned session_count;
    unsigned key_count;
    unsigned epoch; /* of sessions: one that was begun before all were ended is not entered */
};

struct workspace {
    struct record record;
    struct hash_link by_id;
    char id[STORE_ID_BYTES_MAX + 1];
    char *name;
    int64_t created_us;
    struct ring members;
    struct ring keys;
    struct ring invites;
    unsigned invite_count;
};

struct member {
    struct record record;
    struct hash_link by_pair;
    struct ring of_user;
    struct ring of_workspace;
    struct user *user;
    struct workspace *workspace;
    enum auth_role role;
    bool is_unstored; /* the role here is not the store's yet */
    unsigned version; /* of the role: one more with each change that begins */
    int64_t since_us;
    char user_id[UUID_BYTES]; /* for when it was taken out */
    char workspace_id[STORE_ID_BYTES_MAX + 1];
};

struct session {
    struct record record;
    struct hash_link by_id;
    struct hash_link by_hash;
    struct hash_link by_last_hash; /* where there is one */
    struct ring of_user;
    struct user *user;
    char id[UUID_BYTES];
    char user_id[UUID_BYTES];
    char workspace_id[STORE_ID_BYTES_MAX + 1];
    enum auth_session_kind kind;
    struct secret_hash hash;
    struct secret_hash last_hash;
    bool has_last_hash;
    unsigned epoch;
    char *device;
    char network[DIRECTORY_NETWORK_BYTES];
    int64_t created_us;
    int64_t used_us;
    int64_t used_stored_us; /* what the store has */
    int64_t expires_us;
};

struct key {
    struct record record;
    struct hash_link by_id;
    struct hash_link by_hash;
    struct ring of_user;
    struct ring of_workspace;
    struct user *user;
    struct workspace *workspace;
    char id[UUID_BYTES];
    char user_id[UUID_BYTES];
    char workspace_id[STORE_ID_BYTES_MAX + 1];
    char *name;
    unsigned scopes;
    struct secret_hash hash;
    int64_t created_us;
    int64_t used_us;
    int64_t used_stored_us;
    int64_t expires_us;
};

struct code {
    struct record record;
    struct hash_link by_hash;
    struct ring of_all;
    struct ring of_workspace; /* invitations */
    struct workspace *workspace;
    struct secret_hash hash;
    enum auth_code_purpose purpose;
    char id[UUID_BYTES];
    char workspace_id[STORE_ID_BYTES_MAX + 1];
    char user_id[UUID_BYTES];
    char made_by[UUID_BYTES];
    char *email;
    enum auth_role role;
    int64_t created_us;
    int64_t expires_us;
};

struct identity {
    struct record record;
    struct hash_link by_subject;
    struct ring of_user;
    struct user *user;
    char user_id[UUID_BYTES];
    char *provider;
    char *subject;
    char *email;
    int64_t linked_us;
};

struct directory {
    struct hash_index users;
    struct hash_index emails;
    struct hash_index workspaces;
    struct hash_index members;
    struct hash_index sessions;
    struct hash_index session_hashes;
    struct hash_index session_last_hashes;
    struct hash_index keys;
    struct hash_index key_hashes;
    struct hash_index code_hashes;
    struct hash_index subjects;
    struct ring codes; /* all, oldest first */
    unsigned person_count;
};

/* ERR_NO_MEMORY. */
must_check int directory_init(struct directory *directory);
void directory_done(struct directory *directory);

/* Its workspaces only, for a process whose accounts are elsewhere. ERR_IO, ERR_NO_MEMORY. */
must_check int directory_load_workspaces(struct directory *directory, struct store *store);

/* Reads all that the store has. Rows whose user or workspace is not there are left out. ERR_IO,
 * ERR_NO_MEMORY. */
must_check int directory_load(struct directory *directory, struct store *store);

/* ---- records: from the row of a store, whose texts are copied. NULL: no memory, or an id that is
 *      too long. _free takes what is in no index. ---- */

must_check struct user *user_new(const struct store_user *row);
must_check struct workspace *workspace_new(const struct store_workspace *row);
must_check struct member *member_new(const struct store_member *row);
must_check struct session *session_new(const struct store_session *row);
must_check struct key *key_new(const struct store_key *row);
must_check struct code *code_new(const struct store_code *row);
must_check struct identity *identity_new(const struct store_identity *row);
void record_free(struct record *record); /* NULL is allowed */

/* The row of a record, borrowed from it. */
struct store_user user_row(const struct user *user);
struct store_workspace workspace_row(const struct workspace *workspace);
struct store_member member_row(const struct member *member);
struct store_session session_row(const struct session *session);
struct store_key key_row(const struct key *key);
struct store_code code_row(const struct code *code);
struct store_identity identity_row(const struct identity *identity);

/* Replaces an owned text. ERR_NO_MEMORY: it stays. */
must_check int record_set_text(char **text, struct str value);

/* ---- entering: false when what it names is not there (any more): a user, a workspace, for a
 *      session or key of accounts the user's membership there; or, for a member or identity, when
 *      there is one already. The record is still the caller's then. ---- */

void directory_add_user(struct directory *directory, struct user *user);
void directory_add_workspace(struct directory *directory, struct workspace *workspace);
bool directory_add_member(struct directory *directory, struct member *member);
bool directory_add_session(struct directory *directory, struct session *session);
bool directory_add_key(struct directory *directory, struct key *key);
bool directory_add_code(struct directory *directory, struct code *code);
bool directory_add_identity(struct directory *directory, struct identity *identity);

/* ---- taking out: the record is the caller's. A user's sessions, keys, identities and memberships
 *      must have been taken out before, and a workspace's members, keys and invitations. ---- */

void directory_take_user(struct directory *directory, struct user *user);
void directory_take_workspace(struct directory *directory, struct workspace *workspace);
void directory_take_member(struct directory *directory, struct member *member);
void directory_take_session(struct directory *directory, struct session *session);
void directory_take_key(struct directory *directory, struct key *key);
void directory_take_code(struct directory *directory, struct code *code);
void directory_take_identity(struct directory *directory, struct identity *identity);

/* A refresh token's successor; the one in force becomes the last one. And back. */
void directory_rotate_session(struct directory *directory, struct session *session,
                              const struct secret_hash *next);
void directory_unrotate_session(struct directory *directory, struct session *session,
                                const struct secret_hash *last, bool has_last);

/* ---- finding: NULL when there is none ---- */

struct user *directory_user(const struct directory *directory, struct str id);
struct user *directory_user_of_email(const struct directory *directory, struct str email);
struct workspace *directory_workspace(const struct directory *directory, struct str id);
struct member *directory_member(const struct directory *directory, struct str workspace_id,
                                struct str user_id);
struct session *directory_session(const struct directory *directory, struct str id);
struct session *directory_session_of(const struct directory *directory,
                                     const struct secret_hash *hash);
struct session *directory_session_of_last(const struct directory *directory,
                                          const struct secret_hash *hash);
struct key *directory_key(const struct directory *directory, struct str id);
struct key *directory_key_of(const struct directory *directory, const struct secret_hash *hash);
struct code *directory_code_of(const struct directory *directory, const struct secret_hash *hash);
struct identity *directory_identity(const struct directory *directory, struct str provider,
                                    struct str subject);

#endif
