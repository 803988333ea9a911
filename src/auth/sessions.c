/*
 * Sessions with tokens: each refresh token works once. The one before it is in the store, older
 * ones are in memory only: after a restart such a one is just unknown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/sessions.h"

#include "auth/sign_in.h"
#include "loop/clock.h"

void sessions_spend(struct auth *auth, const struct secret_hash *hash, const char *session_id)
{
    struct spent *spent = &auth->spent[auth->spent_next];

    auth->spent_next = (auth->spent_next + 1) % AUTH_SPENT_MAX;
    if (spent->session_id[0]) {
        hash_index_remove(&auth->spent_hashes, &spent->link);
    }
    spent->hash = *hash;
    memcpy(spent->session_id, session_id, sizeof(spent->session_id));
    hash_index_add(&auth->spent_hashes, &spent->link, hash_of_secret(hash->bytes));
}

struct session *sessions_of_spent(const struct auth *auth, const struct secret_hash *hash)
{
    for (struct hash_link *at = hash_index_first(&auth->spent_hashes, hash_of_secret(hash->bytes));
         at; at = hash_index_next(at)) {
        const struct spent *spent = RECORD_OF(at, struct spent, link);

        if (secret_equal(&spent->hash, hash)) {
            return directory_session(&auth->directory, str_from(spent->session_id));
        }
    }
    return NULL;
}

/* ---- refreshing ---- */

static void denied(struct change *change)
{
    change->code = error_set(&change->error, ERR_DENIED, "not allowed");
}

static void end_reused(struct change *change, struct session *session)
{
    sign_in_known(change, session->user_id, session->workspace_id);
    memcpy(change->caller.credential_id, session->id, sizeof(change->caller.credential_id));
    change_audit(change, "refresh.reused", str_from(session->id), NULL);
    change_take_session(change, session);
    change_submit(change, denied);
}

/* The new refresh token is in force already; back, should the store fail: the client still has the
 * old one only. */
static void refreshed(struct change *change)
{
    struct auth *auth = change->auth;
    struct session *session = sign_in_session(auth, &change->grant.caller);

    if (change->code && session && secret_equal(&session->hash, &change->hash)) {
        directory_unrotate_session(&auth->directory, session, &change->last_hash,
                                   change->has_last_hash);
    }
    if (change->code == OK && session && !secret_equal(&session->hash, &change->hash)) {
        denied(change); /* used a second time meanwhile */
        return;
    }
    if (change->code == OK && change->has_last_hash) {
        sessions_spend(auth, &change->last_hash, change->grant.caller.credential_id);
    }
    sign_in_finish(change);
}

static void rotate(struct change *change, struct session *session)
{
    struct auth *auth = change->auth;

    if (secret_make(change->grant.refresh_token, &change->hash)) {
        change_refuse(change, ERR_IO, "the system gives no random bytes");
        return;
    }
    memcpy(change->grant.caller.credential_id, session->id, sizeof(session->id));
    change->last_hash = session->last_hash;
    change->has_last_hash = session->has_last_hash;
    directory_rotate_session(&auth->directory, session, &change->hash);
    auth_touch_session(auth, session, clock_now_us());
    struct store_session row = session_row(session);
    session->used_stored_us = session->used_us;
    store_put_session(change->batch, &row);
    change_submit(change, refreshed);
}

int accounts_refresh(struct auth *auth, struct str refresh_token,
                     const struct account_origin *origin, account_done_fn done, void *arg,
                     struct error *error)
{
    struct change *change = change_new(auth, /* caller */ NULL, origin, done, arg, error);
    struct secret_hash given = secret_hash_of(refresh_token);
    struct auth_caller caller;

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (auth_is_local(auth)) {
        change_refuse(change, ERR_DENIED, "there are no tokens in local mode");
        return OK;
    }
    struct session *session = directory_session_of(&auth->directory, &given);
    struct session *reused = directory_session_of_last(&auth->directory, &given);
    reused = reused ? reused : sessions_of_spent(auth, &given);
    if (!session && reused) {
        end_reused(change, reused);
        return OK;
    }
    if (!session || session->kind != AUTH_SESSION_TOKENS) {
        sign_in_deny(change, "token.refused", STR(""),
                     "{\"flaw\":\"unknown\",\"credential\":\"refresh\"}");
        return OK;
    }
    if (auth_caller_of_session(auth, session, AUTH_KIND_TOKEN, clock_now_us(), &caller)) {
        sign_in_deny(change, "token.refused", str_from(session->id),
                     "{\"flaw\":\"expired\",\"credential\":\"refresh\"}");
        return OK;
    }
    rotate(change, session);
    return OK;
}

/* ---- ending ---- */

int accounts_end_sessions(struct auth *auth, const struct auth_caller *caller, struct str id,
                          const struct account_origin *origin, account_done_fn done, void *arg,
                          struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);
    struct user *user = directory_user(&auth->directory, str_from(caller->user_id));

    if (!change) {
        return ERR_NO_MEMORY;
    }
    struct session *one = id.length ? directory_session(&auth->directory, id) : NULL;
    if (!user || (id.length && (!one || one->user != user))) {
        change_refuse(change, ERR_NOT_FOUND, "there is no such session");
        return OK;
    }
    change_audit(change, "session.ended", id, id.length ? NULL : "{\"all\":true}");
    if (one) {
        change_take_session(change, one);
    } else {
        change_take_sessions(change, user, sign_in_session(auth, caller), /* workspace */ STR(""));
    }
    change_submit(change, /* finish */ NULL);
    return OK;
}
