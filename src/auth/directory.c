/*
 * Which record is in which index and ring. Nothing here allocates but directory_init and
 * directory_load, and nothing here asks the store but the latter.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/directory.h"

#include "base/check.h"

int directory_init(struct directory *directory)
{
    struct directory made = {0};
    struct hash_index *const indexes[] = {&made.users,
                                          &made.emails,
                                          &made.workspaces,
                                          &made.members,
                                          &made.sessions,
                                          &made.session_hashes,
                                          &made.session_last_hashes,
                                          &made.keys,
                                          &made.key_hashes,
                                          &made.code_hashes,
                                          &made.subjects};

    for (size_t i = 0; i < ARRAY_LENGTH(indexes); i++) {
        if (hash_index_init(indexes[i])) {
            while (i) {
                hash_index_done(indexes[--i]);
            }
            return ERR_NO_MEMORY;
        }
    }
    *directory = made;
    ring_init(&directory->codes);
    return OK;
}

/* Users first: what is theirs goes with them. */
static void free_users(struct directory *directory)
{
    for (size_t i = 0; i < directory->users.bucket_count; i++) {
        while (directory->users.buckets[i]) {
            struct user *user = RECORD_OF(directory->users.buckets[i], struct user, by_id);

            while (!ring_is_empty(&user->sessions)) {
                struct session *session = RECORD_OF(user->sessions.next, struct session, of_user);
                directory_take_session(directory, session);
                record_free(&session->record);
            }
            while (!ring_is_empty(&user->keys)) {
                struct key *key = RECORD_OF(user->keys.next, struct key, of_user);
                directory_take_key(directory, key);
                record_free(&key->record);
            }
            while (!ring_is_empty(&user->identities)) {
                struct identity *identity =
                    RECORD_OF(user->identities.next, struct identity, of_user);
                directory_take_identity(directory, identity);
                record_free(&identity->record);
            }
            while (!ring_is_empty(&user->memberships)) {
                struct member *member = RECORD_OF(user->memberships.next, struct member, of_user);
                directory_take_member(directory, member);
                record_free(&member->record);
            }
            directory_take_user(directory, user);
            record_free(&user->record);
        }
    }
}

void directory_done(struct directory *directory)
{
    if (!directory->users.buckets) {
        return; /* never begun */
    }
    while (!ring_is_empty(&directory->codes)) {
        struct code *code = RECORD_OF(directory->codes.next, struct code, of_all);
        directory_take_code(directory, code);
        record_free(&code->record);
    }
    free_users(directory);
    for (size_t i = 0; i < directory->workspaces.bucket_count; i++) {
        while (directory->workspaces.buckets[i]) {
            struct workspace *workspace =
                RECORD_OF(directory->workspaces.buckets[i], struct workspace, by_id);
            directory_take_workspace(directory, workspace);
            record_free(&workspace->record);
        }
    }
    hash_index_done(&directory->users);
    hash_index_done(&directory->emails);
    hash_index_done(&directory->workspaces);
    hash_index_done(&directory->members);
    hash_index_done(&directory->sessions);
    hash_index_done(&directory->session_hashes);
    hash_index_done(&directory->session_last_hashes);
    hash_index_done(&directory->keys);
    hash_index_done(&directory->key_hashes);
    hash_index_done(&directory->code_hashes);
    hash_index_done(&directory->subjects);
}

/* ---- entering ---- */

void directory_add_user(struct directory *directory, struct user *user)
{
    hash_index_add(&directory->users, &user->by_id, hash_of_text(str_from(user->id)));
    if (user->email[0] != '\0') {
        hash_index_add(&directory->emails, &user->by_email, hash_of_text(str_from(user->email)));
        directory->person_count++;
    }
}

void directory_add_workspace(struct directory *directory, struct workspace *workspace)
{
    hash_index_add(&directory->workspaces, &workspace->by_id,
                   hash_of_text(str_from(workspace->id)));
}

bool directory_add_member(struct directory *directory, struct member *member)
{
    struct str workspace_id = str_from(member->workspace_id);
    struct str user_id = str_from(member->user_id);
    struct user *user = directory_user(directory, user_id);
    struct workspace *workspace = directory_workspace(directory, workspace_id);

    if (!user || !workspace || directory_member(directory, workspace_id, user_id)) {
        return false;
    }
    member->user = user;
    member->workspace = workspace;
    hash_index_add(&directory->members, &member->by_pair, hash_of_texts(workspace_id, user_id));
    ring_add_last(&user->memberships, &member->of_user);
    ring_add_last(&workspace->members, &member->of_workspace);
    return true;
}

bool directory_add_session(struct directory *directory, struct session *session)
{
    struct user *user = directory_user(directory, str_from(session->user_id));

    if (!user || session->epoch != user->epoch ||
        (session->kind != AUTH_SESSION_LOCAL &&
         !directory_member(directory, str_from(session->workspace_id),
                           str_from(session->user_id)))) {
        return false;
    }
    session->user = user;
    hash_index_add(&directory->sessions, &session->by_id, hash_of_text(str_from(session->id)));
    hash_index_add(&directory->session_hashes, &session->by_hash,
                   hash_of_secret(session->hash.bytes));
    if (session->has_last_hash) {
        hash_index_add(&directory->session_last_hashes, &session->by_last_hash,
                       hash_of_secret(session->last_hash.bytes));
    }
    ring_add_last(&user->sessions, &session->of_user);
    user->session_count++;
    memcpy(user->last_workspace, session->workspace_id, sizeof(user->last_workspace));
    return true;
}

bool directory_add_key(struct directory *directory, struct key *key)
{
    struct user *user = directory_user(directory, str_from(key->user_id));
    struct workspace *workspace = directory_workspace(directory, str_from(key->workspace_id));

    if (!user || !workspace ||
        !directory_member(directory, str_from(key->workspace_id), str_from(key->user_id))) {
        return false;
    }
    key->user = user;
    key->workspace = workspace;
    hash_index_add(&directory->keys, &key->by_id, hash_of_text(str_from(key->id)));
    hash_index_add(&directory->key_hashes, &key->by_hash, hash_of_secret(key->hash.bytes));
    ring_add_last(&user->keys, &key->of_user);
    ring_add_last(&workspace->keys, &key->of_workspace);
    user->key_count++;
    return true;
}

bool directory_add_code(struct directory *directory, struct code *code)
{
    if (code->purpose == AUTH_CODE_INVITE) {
        code->workspace = directory_workspace(directory, str_from(code->workspace_id));
        if (!code->workspace) {
            return false;
        }
        ring_add_last(&code->workspace->invites, &code->of_workspace);
        code->workspace->invite_count++;
    } else if (!directory_user(directory, str_from(code->user_id))) {
        return false;
    }
    hash_index_add(&directory->code_hashes, &code->by_hash, hash_of_secret(code->hash.bytes));
    ring_add_last(&directory->codes, &code->of_all);
    return true;
}

bool directory_add_identity(struct directory *directory, struct identity *identity)
{
    struct str provider = str_from(identity->provider);
    struct str subject = str_from(identity->subject);
    struct user *user = directory_user(directory, str_from(identity->user_id));

    if (!user || directory_identity(directory, provider, subject)) {
        return false;
    }
    identity->user = user;
    hash_index_add(&directory->subjects, &identity->by_subject, hash_of_texts(provider, subject));
    ring_add_last(&user->identities, &identity->of_user);
    return true;
}

/* ---- taking out ---- */

void directory_take_user(struct directory *directory, struct user *user)
{
    check(ring_is_empty(&user->sessions) && ring_is_empty(&user->keys) &&
          ring_is_empty(&user->memberships) && ring_is_empty(&user->identities));
    hash_index_remove(&directory->users, &user->by_id);
    if (user->email[0] != '\0') {
        hash_index_remove(&directory->emails, &user->by_email);
        directory->person_count--;
    }
}

void directory_take_workspace(struct directory *directory, struct workspace *workspace)
{
    check(ring_is_empty(&workspace->members) && ring_is_empty(&workspace->keys) &&
          ring_is_empty(&workspace->invites));
    hash_index_remove(&directory->workspaces, &workspace->by_id);
}

void directory_take_member(struct directory *directory, struct member *member)
{
    hash_index_remove(&directory->members, &member->by_pair);
    ring_remove(&member->of_user);
    ring_remove(&member->of_workspace);
    member->user = NULL;
    member->workspace = NULL;
}

void directory_take_session(struct directory *directory, struct session *session)
{
    hash_index_remove(&directory->sessions, &session->by_id);
    hash_index_remove(&directory->session_hashes, &session->by_hash);
    if (session->has_last_hash) {
        hash_index_remove(&directory->session_last_hashes, &session->by_last_hash);
    }
    ring_remove(&session->of_user);
    session->user->session_count--;
    session->user = NULL;
}

void directory_take_key(struct directory *directory, struct key *key)
{
    hash_index_remove(&directory->keys, &key->by_id);
    hash_index_remove(&directory->key_hashes, &key->by_hash);
    ring_remove(&key->of_user);
    ring_remove(&key->of_workspace);
    key->user->key_count--;
    key->user = NULL;
    key->workspace = NULL;
}

void directory_take_code(struct directory *directory, struct code *code)
{
    hash_index_remove(&directory->code_hashes, &code->by_hash);
    ring_remove(&code->of_all);
    if (code->workspace) {
        ring_remove(&code->of_workspace);
        code->workspace->invite_count--;
        code->workspace = NULL;
    }
}

void directory_take_identity(struct directory *directory, struct identity *identity)
{
    hash_index_remove(&directory->subjects, &identity->by_subject);
    ring_remove(&identity->of_user);
    identity->user = NULL;
}

static void set_hashes(struct directory *directory, struct session *session,
                       const struct secret_hash *hash, const struct secret_hash *last,
                       bool has_last)
{
    hash_index_remove(&directory->session_hashes, &session->by_hash);
    if (session->has_last_hash) {
        hash_index_remove(&directory->session_last_hashes, &session->by_last_hash);
    }
    session->hash = *hash;
    session->last_hash = *last;
    session->has_last_hash = has_last;
    hash_index_add(&directory->session_hashes, &session->by_hash, hash_of_secret(hash->bytes));
    if (has_last) {
        hash_index_add(&directory->session_last_hashes, &session->by_last_hash,
                       hash_of_secret(last->bytes));
    }
}

void directory_rotate_session(struct directory *directory, struct session *session,
                              const struct secret_hash *next)
{
    struct secret_hash in_force = session->hash;

    set_hashes(directory, session, next, &in_force, /* has_last */ true);
}

void directory_unrotate_session(struct directory *directory, struct session *session,
                                const struct secret_hash *last, bool has_last)
{
    struct secret_hash in_force = session->last_hash;
    struct secret_hash before = *last;

    set_hashes(directory, session, &in_force, &before, has_last);
}

/* ---- finding ---- */

/* The first candidate of an index for which matches holds; used with the record's own link. */
#define FIND(index, the_hash, type, link_member, matches)                                          \
    do {                                                                                           \
        for (struct hash_link *at_ = hash_index_first(&(index), (the_hash)); at_;                  \
             at_ = hash_index_next(at_)) {                                                         \
            type *it = RECORD_OF(at_, type, link_member);                                          \
            if (matches) {                                                                         \
                return it;                                                                         \
            }                                                                                      \
        }                                                                                          \
        return NULL;                                                                               \
    } while (0)

struct user *directory_user(const struct directory *directory, struct str id)
{
    FIND(directory->users, hash_of_text(id), struct user, by_id, str_equal(str_from(it->id), id));
}

struct user *directory_user_of_email(const struct directory *directory, struct str email)
{
    FIND(directory->emails, hash_of_text(email), struct user, by_email,
         str_equal(str_from(it->email), email));
}

struct workspace *directory_workspace(const struct directory *directory, struct str id)
{
    FIND(directory->workspaces, hash_of_text(id), struct workspace, by_id,
         str_equal(str_from(it->id), id));
}

struct member *directory_member(const struct directory *directory, struct str workspace_id,
                                struct str user_id)
{
    FIND(directory->members, hash_of_texts(workspace_id, user_id), struct member, by_pair,
         str_equal(str_from(it->workspace_id), workspace_id) &&
             str_equal(str_from(it->user_id), user_id));
}

struct session *directory_session(const struct directory *directory, struct str id)
{
    FIND(directory->sessions, hash_of_text(id), struct session, by_id,
         str_equal(str_from(it->id), id));
}

struct session *directory_session_of(const struct directory *directory,
                                     const struct secret_hash *hash)
{
    FIND(directory->session_hashes, hash_of_secret(hash->bytes), struct session, by_hash,
         secret_equal(&it->hash, hash));
}

struct session *directory_session_of_last(const struct directory *directory,
                                          const struct secret_hash *hash)
{
    FIND(directory->session_last_hashes, hash_of_secret(hash->bytes), struct session, by_last_hash,
         secret_equal(&it->last_hash, hash));
}

struct key *directory_key(const struct directory *directory, struct str id)
{
    FIND(directory->keys, hash_of_text(id), struct key, by_id, str_equal(str_from(it->id), id));
}

struct key *directory_key_of(const struct directory *directory, const struct secret_hash *hash)
{
    FIND(directory->key_hashes, hash_of_secret(hash->bytes), struct key, by_hash,
         secret_equal(&it->hash, hash));
}

struct code *directory_code_of(const struct directory *directory, const struct secret_hash *hash)
{
    FIND(directory->code_hashes, hash_of_secret(hash->bytes), struct code, by_hash,
         secret_equal(&it->hash, hash));
}

struct identity *directory_identity(const struct directory *directory, struct str provider,
                                    struct str subject)
{
    FIND(directory->subjects, hash_of_texts(provider, subject), struct identity, by_subject,
         str_equal(str_from(it->provider), provider) && str_equal(str_from(it->subject), subject));
}
