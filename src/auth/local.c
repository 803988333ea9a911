/*
 * Local mode: one user, who signs in with a link that was printed for them. Memory decides; the
 * store follows, one batch for each change, and nobody waits for it: the answer to a sign-in may be
 * a few milliseconds ahead of the disk. Should the store not take a session, it ends with the
 * process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/crypto.h>

#include "auth/auth_state.h"
#include "auth/change.h"
#include "base/civil_time.h"
#include "loop/clock.h"

/* Codes are old by elapsed time. */
static int64_t elapsed_us(const struct auth *auth)
{
    return (int64_t)loop_now_ms(auth->loop) * 1000;
}

int auth_new_code(struct auth *auth, char code[AUTH_SECRET_TEXT_BYTES])
{
    int64_t now_us = elapsed_us(auth);
    struct secret_entry entry = {.created_us = now_us,
                                 .expires_us = now_us + AUTH_CODE_MINUTES * MINUTE_US};
    struct secret_entry dropped;
    int failed = secret_make(code, &entry.hash);

    if (failed == OK) {
        (void)secret_set_add(&auth->codes, &entry, &dropped);
    }
    return failed;
}

static struct session *make_session(const struct secret_hash *hash, int64_t now_us)
{
    char id[UUID_BYTES];

    if (uuid_v7(id, NULL)) {
        return NULL;
    }
    struct store_session row = {.id = str_from(id),
                                .user_id = STR(AUTH_LOCAL_USER),
                                .workspace_id = STR(STORE_WORKSPACE_FIRST),
                                .kind = AUTH_SESSION_LOCAL,
                                .created_us = now_us,
                                .used_us = now_us,
                                .expires_us = now_us + AUTH_LOCAL_SESSION_DAYS * DAY_US};
    memcpy(row.hash, hash->bytes, sizeof(row.hash));
    return session_new(&row);
}

/* batch may be NULL. */
static void end_oldest(struct auth *auth, struct session *session, struct store_batch *batch)
{
    directory_take_session(&auth->directory, session);
    if (batch) {
        store_delete_session(batch, str_from(session->id));
    }
    record_free(&session->record);
}

int auth_sign_in(struct auth *auth, struct str code, char session[AUTH_SECRET_TEXT_BYTES])
{
    struct secret_hash given = secret_hash_of(code);
    struct secret_hash hash;
    char text[AUTH_SECRET_TEXT_BYTES];

    if (!auth_is_local(auth) || !secret_set_take(&auth->codes, &given, elapsed_us(auth))) {
        return ERR_INVALID;
    }
    if (secret_make(text, &hash)) {
        return ERR_IO;
    }
    struct session *made = make_session(&hash, clock_now_us());
    struct user *user = directory_user(&auth->directory, STR(AUTH_LOCAL_USER));
    if (!made || !user || !directory_add_session(&auth->directory, made)) {
        record_free(made ? &made->record : NULL);
        return ERR_IO;
    }
    struct store_batch *batch = store_batch_new(STR(""));
    struct store_session row = session_row(made);
    if (batch) {
        store_put_session(batch, &row);
    }
    if (user->session_count > AUTH_LOCAL_SESSIONS_MAX) {
        end_oldest(auth, RECORD_OF(user->sessions.next, struct session, of_user), batch);
    }
    if (batch) {
        auth_submit(auth, batch);
    }
    memcpy(session, text, sizeof(text));
    OPENSSL_cleanse(text, sizeof(text));
    return OK;
}

void auth_sign_out(struct auth *auth, const struct http_request *request)
{
    struct session *session = auth_session_of_request(auth, request);
    struct auth_caller caller;

    if (!session) {
        return;
    }
    if (auth_is_local(auth)) {
        directory_take_session(&auth->directory, session);
        ring_remove(&session->record.taken);
        ring_add_last(&auth->unstored, &session->record.taken);
        change_retry(auth);
        return;
    }
    struct account_origin origin = {.address = request->peer_address};
    caller = (struct auth_caller){.kind = AUTH_KIND_COOKIE};
    memcpy(caller.user_id, session->user_id, sizeof(caller.user_id));
    memcpy(caller.credential_id, session->id, sizeof(caller.credential_id));
    memcpy(caller.workspace_id, session->workspace_id, sizeof(caller.workspace_id));
    struct change *change = change_new(auth, &caller, &origin, /* done */ NULL, NULL, NULL);
    if (!change) {
        return; /* the session stays: the client will see */
    }
    change_audit(change, "logout", str_from(session->id), NULL);
    change_take_session(change, session);
    change_submit(change, /* finish */ NULL);
}
