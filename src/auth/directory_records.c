/*
 * Records of the directory from rows of the store and back. Ids are copied into the record, texts
 * of any length are owned by it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/crypto.h>

#include "auth/directory.h"
#include "base/alloc.h"

static char *copy_text(struct str text)
{
    char *copy = alloc_zeroed(text.length + 1, 1);

    if (copy && text.length) {
        memcpy(copy, text.data, text.length);
    }
    return copy;
}

int record_set_text(char **text, struct str value)
{
    char *copy = copy_text(value);

    if (!copy) {
        return ERR_NO_MEMORY;
    }
    alloc_free(*text);
    *text = copy;
    return OK;
}

/* into has size bytes and is zeroed. */
static bool copy_id(char *into, size_t size, struct str id)
{
    if (id.length >= size) {
        return false;
    }
    if (id.length) {
        memcpy(into, id.data, id.length);
    }
    return true;
}

static void begin_record(struct record *record, enum record_kind kind)
{
    record->kind = kind;
    ring_init(&record->taken);
}

struct user *user_new(const struct store_user *row)
{
    struct user *user = alloc_zeroed(1, sizeof(*user));

    if (!user) {
        return NULL;
    }
    begin_record(&user->record, RECORD_USER);
    user->is_service = row->is_service;
    user->is_email_verified = row->is_email_verified;
    user->created_us = row->created_us;
    user->disabled_us = row->disabled_us;
    user->email = copy_text(row->email);
    user->name = copy_text(row->name);
    user->password = copy_text(row->password);
    ring_init(&user->memberships);
    ring_init(&user->sessions);
    ring_init(&user->keys);
    ring_init(&user->identities);
    if (!copy_id(user->id, sizeof(user->id), row->id) || !user->email || !user->name ||
        !user->password) {
        record_free(&user->record);
        return NULL;
    }
    return user;
}

struct workspace *workspace_new(const struct store_workspace *row)
{
    struct workspace *workspace = alloc_zeroed(1, sizeof(*workspace));

    if (!workspace) {
        return NULL;
    }
    begin_record(&workspace->record, RECORD_WORKSPACE);
    workspace->created_us = row->created_us;
    workspace->name = copy_text(row->name);
    ring_init(&workspace->members);
    ring_init(&workspace->keys);
    ring_init(&workspace->invites);
    if (!copy_id(workspace->id, sizeof(workspace->id), row->id) || !workspace->name) {
        record_free(&workspace->record);
        return NULL;
    }
    return workspace;
}

struct member *member_new(const struct store_member *row)
{
    struct member *member = alloc_zeroed(1, sizeof(*member));

    if (!member) {
        return NULL;
    }
    begin_record(&member->record, RECORD_MEMBER);
    ring_init(&member->of_user);
    ring_init(&member->of_workspace);
    member->role = (enum auth_role)row->role;
    member->since_us = row->since_us;
    if (!copy_id(member->user_id, sizeof(member->user_id), row->user_id) ||
        !copy_id(member->workspace_id, sizeof(member->workspace_id), row->workspace_id)) {
        record_free(&member->record);
        return NULL;
    }
    return member;
}

struct session *session_new(const struct store_session *row)
{
    static const struct secret_hash none;
    struct session *session = alloc_zeroed(1, sizeof(*session));

    if (!session) {
        return NULL;
    }
    begin_record(&session->record, RECORD_SESSION);
    ring_init(&session->of_user);
    session->kind = (enum auth_session_kind)row->kind;
    memcpy(session->hash.bytes, row->hash, sizeof(session->hash.bytes));
    memcpy(session->last_hash.bytes, row->last_hash, sizeof(session->last_hash.bytes));
    session->has_last_hash = !secret_equal(&session->last_hash, &none);
    session->created_us = row->created_us;
    session->used_us = row->used_us;
    session->used_stored_us = row->used_us;
    session->expires_us = row->expires_us;
    session->device = copy_text(row->device);
    if (!copy_id(session->id, sizeof(session->id), row->id) ||
        !copy_id(session->user_id, sizeof(session->user_id), row->user_id) ||
        !copy_id(session->workspace_id, sizeof(session->workspace_id), row->workspace_id) ||
        !copy_id(session->network, sizeof(session->network), row->address) || !session->device) {
        record_free(&session->record);
        return NULL;
    }
    return session;
}

struct key *key_new(const struct store_key *row)
{
    struct key *key = alloc_zeroed(1, sizeof(*key));

    if (!key) {
        return NULL;
    }
    begin_record(&key->record, RECORD_KEY);
    ring_init(&key->of_user);
    ring_init(&key->of_workspace);
    key->scopes = row->scopes;
    memcpy(key->hash.bytes, row->hash, sizeof(key->hash.bytes));
    key->created_us = row->created_us;
    key->used_us = row->used_us;
    key->used_stored_us = row->used_us;
    key->expires_us = row->expires_us;
    key->name = copy_text(row->name);
    if (!copy_id(key->id, sizeof(key->id), row->id) ||
        !copy_id(key->user_id, sizeof(key->user_id), row->user_id) ||
        !copy_id(key->workspace_id, sizeof(key->workspace_id), row->workspace_id) || !key->name) {
        record_free(&key->record);
        return NULL;
    }
    return key;
}

struct code *code_new(const struct store_code *row)
{
    struct code *code = alloc_zeroed(1, sizeof(*code));

    if (!code) {
        return NULL;
    }
    begin_record(&code->record, RECORD_CODE);
    ring_init(&code->of_all);
    ring_init(&code->of_workspace);
    memcpy(code->hash.bytes, row->hash, sizeof(code->hash.bytes));
    code->purpose = (enum auth_code_purpose)row->purpose;
    code->role = (enum auth_role)row->role;
    code->created_us = row->created_us;
    code->expires_us = row->expires_us;
    code->email = copy_text(row->email);
    if (!copy_id(code->id, sizeof(code->id), row->id) ||
        !copy_id(code->workspace_id, sizeof(code->workspace_id), row->workspace_id) ||
        !copy_id(code->user_id, sizeof(code->user_id), row->user_id) ||
        !copy_id(code->made_by, sizeof(code->made_by), row->made_by) || !code->email) {
        record_free(&code->record);
        return NULL;
    }
    return code;
}

struct identity *identity_new(const struct store_identity *row)
{
    struct identity *identity = alloc_zeroed(1, sizeof(*identity));

    if (!identity) {
        return NULL;
    }
    begin_record(&identity->record, RECORD_IDENTITY);
    ring_init(&identity->of_user);
    identity->linked_us = row->linked_us;
    identity->provider = copy_text(row->provider);
    identity->subject = copy_text(row->subject);
    identity->email = copy_text(row->email);
    if (!copy_id(identity->user_id, sizeof(identity->user_id), row->user_id) ||
        !identity->provider || !identity->subject || !identity->email) {
        record_free(&identity->record);
        return NULL;
    }
    return identity;
}

static void free_texts_of_user(struct user *user)
{
    if (user->password) {
        OPENSSL_cleanse(user->password, strlen(user->password));
    }
    alloc_free(user->email);
    alloc_free(user->name);
    alloc_free(user->password);
}

static void free_texts_of_identity(struct identity *identity)
{
    alloc_free(identity->provider);
    alloc_free(identity->subject);
    alloc_free(identity->email);
}

/* A record is the first member of what it is in. */
void record_free(struct record *record)
{
    if (!record) {
        return;
    }
    switch (record->kind) {
    case RECORD_USER:
        free_texts_of_user(RECORD_OF(record, struct user, record));
        break;
    case RECORD_WORKSPACE:
        alloc_free(RECORD_OF(record, struct workspace, record)->name);
        break;
    case RECORD_SESSION:
        alloc_free(RECORD_OF(record, struct session, record)->device);
        break;
    case RECORD_KEY:
        alloc_free(RECORD_OF(record, struct key, record)->name);
        break;
    case RECORD_CODE:
        alloc_free(RECORD_OF(record, struct code, record)->email);
        break;
    case RECORD_IDENTITY:
        free_texts_of_identity(RECORD_OF(record, struct identity, record));
        break;
    case RECORD_MEMBER:
        break;
    }
    ring_remove(&record->taken);
    alloc_free(record);
}

struct store_user user_row(const struct user *user)
{
    return (struct store_user){.id = str_from(user->id),
                               .email = str_from(user->email),
                               .name = str_from(user->name),
                               .is_service = user->is_service,
                               .is_email_verified = user->is_email_verified,
                               .password = str_from(user->password),
                               .created_us = user->created_us,
                               .disabled_us = user->disabled_us};
}

struct store_workspace workspace_row(const struct workspace *workspace)
{
    return (struct store_workspace){.id = str_from(workspace->id),
                                    .name = str_from(workspace->name),
                                    .created_us = workspace->created_us};
}

struct store_member member_row(const struct member *member)
{
    return (struct store_member){.workspace_id = str_from(member->workspace_id),
                                 .user_id = str_from(member->user_id),
                                 .role = member->role,
                                 .since_us = member->since_us};
}

struct store_session session_row(const struct session *session)
{
    struct store_session row = {.id = str_from(session->id),
                                .user_id = str_from(session->user_id),
                                .workspace_id = str_from(session->workspace_id),
                                .kind = session->kind,
                                .device = str_from(session->device),
                                .address = str_from(session->network),
                                .created_us = session->created_us,
                                .used_us = session->used_us,
                                .expires_us = session->expires_us};

    memcpy(row.hash, session->hash.bytes, sizeof(row.hash));
    if (session->has_last_hash) {
        memcpy(row.last_hash, session->last_hash.bytes, sizeof(row.last_hash));
    }
    return row;
}

struct store_key key_row(const struct key *key)
{
    struct store_key row = {.id = str_from(key->id),
                            .workspace_id = str_from(key->workspace_id),
                            .user_id = str_from(key->user_id),
                            .name = str_from(key->name),
                            .scopes = key->scopes,
                            .created_us = key->created_us,
                            .used_us = key->used_us,
                            .expires_us = key->expires_us};

    memcpy(row.hash, key->hash.bytes, sizeof(row.hash));
    return row;
}

struct store_code code_row(const struct code *code)
{
    struct store_code row = {.id = str_from(code->id),
                             .purpose = code->purpose,
                             .workspace_id = str_from(code->workspace_id),
                             .email = str_from(code->email),
                             .role = code->role,
                             .user_id = str_from(code->user_id),
                             .made_by = str_from(code->made_by),
                             .created_us = code->created_us,
                             .expires_us = code->expires_us};

    memcpy(row.hash, code->hash.bytes, sizeof(row.hash));
    return row;
}

struct store_identity identity_row(const struct identity *identity)
{
    return (struct store_identity){.provider = str_from(identity->provider),
                                   .subject = str_from(identity->subject),
                                   .user_id = str_from(identity->user_id),
                                   .email = str_from(identity->email),
                                   .linked_us = identity->linked_us};
}
