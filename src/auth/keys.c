/*
 * API keys: "netra_key_<8 characters of the id>_<secret>", so that a key that is found somewhere
 * can be told by its beginning. The whole text is what is hashed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/crypto.h>
#include <stdio.h>

#include "auth/sign_in.h"
#include "loop/clock.h"

#define KEY_ID_CHARACTERS 8u

/* Whose key it is to be: the caller, or a service account of the workspace when an admin says so;
 * NULL: refused. */
static struct member *owner_of(struct change *change, const struct account_key_request *request)
{
    const struct auth_caller *caller = &change->caller;
    bool is_own =
        request->user_id.length == 0 || str_equal(request->user_id, str_from(caller->user_id));
    struct member *member =
        directory_member(&change->auth->directory, str_from(caller->workspace_id),
                         is_own ? str_from(caller->user_id) : request->user_id);

    if (!member || (!is_own && !member->user->is_service)) {
        change_refuse(change, ERR_NOT_FOUND, "there is no such account of a program");
        return NULL;
    }
    /* else a key could outlive its own end, or its revocation, in another one */
    if ((!is_own || !sign_in_session(change->auth, caller)) && !(caller->may & AUTH_SCOPE_ADMIN)) {
        change_refuse(change, ERR_DENIED, "only an admin makes keys for programs, or with a key");
        return NULL;
    }
    return member;
}

static bool may_make(struct change *change, const struct account_key_request *request,
                     const struct member *owner)
{
    unsigned may = change->caller.may & auth_role_scopes(owner->role);

    if (request->scopes == 0 || (request->scopes & ~(unsigned)AUTH_SCOPE_ALL)) {
        change_refuse(change, ERR_INVALID, "there are no such scopes");
    } else if (request->scopes & ~may) {
        change_refuse(change, ERR_DENIED, "a key has no more than its maker and its user");
    } else if (request->expires_us && request->expires_us <= clock_now_us()) {
        change_refuse(change, ERR_INVALID, "the end of the key has passed");
    } else if (owner->user->key_count >= ACCOUNTS_KEYS_USER_MAX) {
        change_refuse(change, ERR_LIMIT, "there are %u keys already", ACCOUNTS_KEYS_USER_MAX);
    } else {
        return true;
    }
    return false;
}

/* The key's text and its hash. */
static int print_key(struct change *change, struct secret_hash *ret_hash)
{
    char secret[AUTH_SECRET_TEXT_BYTES];
    struct secret_hash hash;
    int code = secret_make(secret, &hash);

    if (code) {
        return code;
    }
    /* the end of a UUIDv7 is random, its beginning the time */
    (void)snprintf(change->secret, sizeof(change->secret), ACCOUNTS_KEY_PREFIX "%s_%s",
                   change->id + strlen(change->id) - KEY_ID_CHARACTERS, secret);
    OPENSSL_cleanse(secret, sizeof(secret));
    *ret_hash = secret_hash_of(str_from(change->secret));
    return OK;
}

int accounts_add_key(struct auth *auth, const struct auth_caller *caller,
                     const struct account_key_request *request, account_done_fn done, void *arg,
                     struct error *error)
{
    struct change *change = change_new(auth, caller, &request->origin, done, arg, error);
    struct secret_hash hash;
    char detail[32];

    if (!change) {
        return ERR_NO_MEMORY;
    }
    struct member *owner = owner_of(change, request);
    if (!owner || !sign_in_name(change, request->name) || !may_make(change, request, owner)) {
        return OK;
    }
    if (uuid_v7(change->id, NULL) || print_key(change, &hash)) {
        change_refuse(change, ERR_IO, "the system gives no random bytes");
        return OK;
    }
    struct store_key row = {.id = str_from(change->id),
                            .workspace_id = str_from(caller->workspace_id),
                            .user_id = str_from(owner->user_id),
                            .name = str_from(change->name),
                            .scopes = request->scopes,
                            .created_us = clock_now_us(),
                            .expires_us = request->expires_us};
    memcpy(row.hash, hash.bytes, sizeof(row.hash));
    change->expires_us = request->expires_us;
    struct key *key = key_new(&row);
    change_add(change, key ? &key->record : NULL);
    (void)snprintf(detail, sizeof(detail), "{\"scopes\":%u}", request->scopes);
    change_audit(change, "key.created", str_from(change->id), detail);
    change_submit(change, /* finish */ NULL);
    return OK;
}

int accounts_revoke_key(struct auth *auth, const struct auth_caller *caller, struct str id,
                        const struct account_origin *origin, account_done_fn done, void *arg,
                        struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);
    struct key *key = directory_key(&auth->directory, id);

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (!key || strcmp(key->workspace_id, caller->workspace_id) != 0 ||
        (strcmp(key->user_id, caller->user_id) != 0 && !(caller->may & AUTH_SCOPE_ADMIN))) {
        change_refuse(change, ERR_NOT_FOUND, "there is no such key");
        return OK;
    }
    change_audit(change, "key.revoked", id, NULL);
    change_take_key(change, key);
    change_submit(change, /* finish */ NULL);
    return OK;
}

/* ---- keys that sign tokens ---- */

static void rotated(struct change *change)
{
    if (change->code == OK) {
        signing_keys_stored(&change->auth->signing_keys);
    }
}

int accounts_rotate_keys(struct auth *auth, const struct auth_caller *caller,
                         const struct account_origin *origin, account_done_fn done, void *arg,
                         struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (!caller->is_operator || auth_is_local(auth)) {
        change_refuse(change, ERR_DENIED, "operators rotate signing keys");
        return OK;
    }
    int code = signing_keys_rotate(&auth->signing_keys, clock_now_us());
    if (code) {
        change_refuse(change, code, "cannot make a signing key: %s", error_code_text(code));
        return OK;
    }
    const char *id = signing_keys_current(&auth->signing_keys)->id;
    memcpy(change->id, id, strlen(id) + 1);
    (void)signing_keys_store(&auth->signing_keys, clock_now_us(), change->batch);
    change_audit(change, "signing_key.rotated", str_from(id), NULL);
    change_submit(change, rotated);
    return OK;
}

void accounts_write_jwks(const struct auth *auth, struct json_writer *w)
{
    if (auth_is_local(auth)) {
        json_begin_object(w);
        json_key(w, "keys");
        json_begin_array(w);
        json_end_array(w);
        json_end_object(w);
        return;
    }
    signing_keys_write_jwks(&auth->signing_keys, clock_now_us(), w);
}
