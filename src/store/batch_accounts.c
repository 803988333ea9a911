/*
 * The changes that accounts.h offers, as statements and values.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/accounts.h"
#include "store/batch.h"

void store_put_user(struct store_batch *batch, const struct store_user *user)
{
    BATCH_ADD(batch, WRITE_PUT_USER, value_new_id(batch, user->id), value_text(user->email),
              value_text(user->name), value_integer(user->is_service),
              value_integer(user->is_email_verified), value_text(user->password),
              value_integer(user->created_us), value_integer(user->disabled_us));
}

/* Memberships, identities and keys go with the row. */
void store_delete_user(struct store_batch *batch, struct str id)
{
    static const enum write_statement erasing[] = {WRITE_DELETE_CODES_OF, WRITE_ERASE_CODES,
                                                   WRITE_DELETE_SESSIONS_OF, WRITE_DELETE_USER};

    for (size_t i = 0; i < ARRAY_LENGTH(erasing); i++) {
        BATCH_ADD(batch, erasing[i], value_text(id));
    }
}

void store_put_workspace(struct store_batch *batch, const struct store_workspace *workspace)
{
    BATCH_ADD(batch, WRITE_PUT_WORKSPACE, value_new_id(batch, workspace->id),
              value_text(workspace->name), value_integer(workspace->created_us));
}

/* Lines of the audit log stay: they are a chain. */
void store_delete_workspace(struct store_batch *batch, struct str id)
{
    static const enum write_statement deleting[] = {
        WRITE_DELETE_WORKSPACE_THREADS,  WRITE_DELETE_WORKSPACE_DATASETS,
        WRITE_DELETE_WORKSPACE_ANSWERS,  WRITE_DELETE_WORKSPACE_USE,
        WRITE_DELETE_WORKSPACE_SESSIONS, WRITE_DELETE_WORKSPACE_CODES,
        WRITE_DELETE_WORKSPACE_KEYS,     WRITE_DELETE_WORKSPACE_MEMBERS,
        WRITE_DELETE_WORKSPACE};

    for (size_t i = 0; i < ARRAY_LENGTH(deleting); i++) {
        BATCH_ADD(batch, deleting[i], value_text(id));
    }
}

void store_put_member(struct store_batch *batch, const struct store_member *member)
{
    BATCH_ADD(batch, WRITE_PUT_MEMBER, value_text(member->workspace_id),
              value_text(member->user_id), value_integer(member->role),
              value_integer(member->since_us));
}

void store_delete_member(struct store_batch *batch, struct str workspace_id, struct str user_id)
{
    BATCH_ADD(batch, WRITE_DELETE_MEMBER, value_text(workspace_id), value_text(user_id));
}

void store_put_identity(struct store_batch *batch, const struct store_identity *identity)
{
    BATCH_ADD(batch, WRITE_PUT_IDENTITY, value_text(identity->provider),
              value_text(identity->subject), value_text(identity->user_id),
              value_text(identity->email), value_integer(identity->linked_us));
}

void store_delete_identity(struct store_batch *batch, struct str provider, struct str user_id)
{
    BATCH_ADD(batch, WRITE_DELETE_IDENTITY, value_text(provider), value_text(user_id));
}

void store_put_code(struct store_batch *batch, const struct store_code *code)
{
    BATCH_ADD(batch, WRITE_PUT_CODE, value_hash(code->hash), value_new_id(batch, code->id),
              value_integer(code->purpose), value_text(code->workspace_id), value_text(code->email),
              value_integer(code->role), value_text(code->user_id), value_text(code->made_by),
              value_integer(code->created_us), value_integer(code->expires_us));
}

void store_delete_code(struct store_batch *batch, const unsigned char hash[STORE_HASH_BYTES])
{
    BATCH_ADD(batch, WRITE_DELETE_CODE, value_hash(hash));
}

void store_put_session(struct store_batch *batch, const struct store_session *session)
{
    BATCH_ADD(batch, WRITE_PUT_SESSION, value_new_id(batch, session->id),
              value_text(session->user_id), value_text(session->workspace_id),
              value_integer(session->kind), value_hash(session->hash),
              value_hash(session->last_hash), value_text(session->device),
              value_text(session->address), value_integer(session->created_us),
              value_integer(session->used_us), value_integer(session->expires_us));
}

void store_delete_session(struct store_batch *batch, struct str id)
{
    BATCH_ADD(batch, WRITE_DELETE_SESSION, value_text(id));
}

void store_put_key(struct store_batch *batch, const struct store_key *key)
{
    BATCH_ADD(batch, WRITE_PUT_KEY, value_new_id(batch, key->id), value_text(key->workspace_id),
              value_text(key->user_id), value_text(key->name), value_integer(key->scopes),
              value_hash(key->hash), value_integer(key->created_us), value_integer(key->used_us),
              value_integer(key->expires_us));
}

void store_delete_key(struct store_batch *batch, struct str id)
{
    BATCH_ADD(batch, WRITE_DELETE_KEY, value_text(id));
}

void store_put_signing_key(struct store_batch *batch, const struct store_signing_key *key)
{
    BATCH_ADD(batch, WRITE_PUT_SIGNING_KEY, value_new_id(batch, key->id),
              value_text(key->public_jwk), value_text(key->sealed), value_integer(key->created_us),
              value_integer(key->signs_from_us), value_integer(key->retires_us));
}

void store_delete_signing_key(struct store_batch *batch, struct str id)
{
    BATCH_ADD(batch, WRITE_DELETE_SIGNING_KEY, value_text(id));
}

void store_put_throttle(struct store_batch *batch, const struct store_throttle *throttle)
{
    BATCH_ADD(batch, WRITE_PUT_THROTTLE, value_hash(throttle->hash),
              value_integer(throttle->failures), value_integer(throttle->last_us));
}

void store_delete_throttle(struct store_batch *batch, const unsigned char hash[STORE_HASH_BYTES])
{
    BATCH_ADD(batch, WRITE_DELETE_THROTTLE, value_hash(hash));
}

void store_add_audit(struct store_batch *batch, const struct store_audit *audit)
{
    BATCH_ADD(batch, WRITE_ADD_AUDIT, value_integer(audit->time_us),
              value_text(audit->workspace_id), value_text(audit->actor_id),
              value_text(audit->credential_id), value_text(audit->action),
              value_text(audit->target), value_text(audit->address), value_text(audit->detail));
}
