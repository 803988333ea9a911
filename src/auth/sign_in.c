/*
 * Signing in with a password, and what each way to sign in ends with: a session and its grant.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/sign_in.h"

#include "base/civil_time.h"
#include "loop/clock.h"

#define BUSY_S 2u

/* ---- parts ---- */

struct session *sign_in_session(const struct auth *auth, const struct auth_caller *caller)
{
    return caller->kind == AUTH_KIND_SERVICE
               ? NULL
               : directory_session(&auth->directory, str_from(caller->credential_id));
}

bool sign_in_workspace(const struct auth *auth, const struct user *user, struct str wanted,
                       char workspace_id[STORE_ID_BYTES_MAX + 1])
{
    struct str user_id = str_from(user->id);
    const struct member *member = NULL;

    if (wanted.length) {
        member = directory_member(&auth->directory, wanted, user_id);
    } else {
        member = directory_member(&auth->directory, str_from(user->last_workspace), user_id);
        for (struct ring *at = user->memberships.next; !member && at != &user->memberships;) {
            member = RECORD_OF(at, struct member, of_user);
        }
    }
    if (member) {
        memcpy(workspace_id, member->workspace_id, sizeof(member->workspace_id));
    }
    return member != NULL;
}

struct secret_hash sign_in_throttle_hash(struct str typed, char email[ACCOUNTS_EMAIL_MAX + 1])
{
    email[0] = '\0';
    return email_read(str_trim(typed), email) ? secret_hash_of(str_from(email))
                                              : secret_hash_of(typed);
}

void sign_in_known(struct change *change, const char *user_id, const char *workspace_id)
{
    memcpy(change->caller.user_id, user_id, strlen(user_id) + 1);
    memcpy(change->caller.workspace_id, workspace_id, strlen(workspace_id) + 1);
}

void sign_in_deny(struct change *change, const char *action, struct str target, const char *detail)
{
    uint64_t left_out;

    if (auth_audit_takes(change->auth, &left_out)) {
        change_audit(change, action, target, detail);
        change->keeps_batch = true;
    }
    change_refuse(change, ERR_DENIED, "not allowed");
}

void sign_in_busy(struct change *change, int code)
{
    if (code == ERR_LIMIT) {
        change->retry_after_s = BUSY_S;
        change_refuse(change, code, "too many are signing in at the moment");
    } else {
        change_refuse(change, code, "cannot check the password: %s", error_code_text(code));
    }
}

bool sign_in_name(struct change *change, struct str name)
{
    struct str trimmed = str_trim(name);
    bool has_control = false;

    for (size_t i = 0; i < trimmed.length; i++) {
        unsigned char c = (unsigned char)trimmed.data[i];

        has_control = has_control || c < 0x20 || c == 0x7f;
    }
    if (trimmed.length == 0 || trimmed.length > ACCOUNTS_NAME_MAX || has_control ||
        !str_is_utf8(trimmed)) {
        change_refuse(change, ERR_INVALID,
                      "cannot take this name: it must have 1 to %u bytes of UTF-8 text",
                      ACCOUNTS_NAME_MAX);
        return false;
    }
    memcpy(change->name, trimmed.data, trimmed.length);
    change->name[trimmed.length] = '\0';
    return true;
}

struct code *sign_in_code(const struct auth *auth, const struct secret_hash *hash,
                          enum auth_code_purpose purpose)
{
    struct code *code = directory_code_of(&auth->directory, hash);

    return code && code->purpose == purpose && clock_now_us() < code->expires_us ? code : NULL;
}

/* ---- sessions and grants ---- */

static struct session *oldest_session(struct user *user)
{
    return RECORD_OF(user->sessions.next, struct session, of_user);
}

void sign_in_begin(struct change *change)
{
    struct auth *auth = change->auth;
    struct user *user = change_user(change);
    int64_t now_us = clock_now_us();
    struct secret_hash hash;
    char *secret =
        change->kind == AUTH_SESSION_COOKIE ? change->grant.cookie : change->grant.refresh_token;
    char *id = change->grant.caller.credential_id;

    if (change->code) {
        return;
    }
    if (uuid_v7(id, NULL) || secret_make(secret, &hash)) {
        change->code = ERR_IO;
        return;
    }
    struct store_session row = {.id = str_from(id),
                                .user_id = str_from(change->user_id),
                                .workspace_id = str_from(change->workspace_id),
                                .kind = change->kind,
                                .device = str_from(change->device),
                                .address = str_from(change->network),
                                .created_us = now_us,
                                .used_us = now_us,
                                .expires_us = now_us + auth->session_us};
    memcpy(row.hash, hash.bytes, sizeof(row.hash));
    struct session *session = session_new(&row);
    if (session) {
        session->epoch = change->epoch;
    }
    change_add(change, session ? &session->record : NULL);
    while (user && user->session_count >= ACCOUNTS_SESSIONS_USER_MAX) {
        change_take_session(change, oldest_session(user));
    }
}

static int make_token(const struct auth *auth, const struct session *session,
                      struct account_grant *grant)
{
    int64_t now_us = clock_now_us();
    int64_t ends_us = now_us + auth->access_token_us;
    struct token_claims claims = {.role = grant->caller.role, .scopes = grant->caller.may};

    if (ends_us > session->expires_us) {
        ends_us = session->expires_us;
    }
    claims.expires_s = ends_us / SECOND_US;
    memcpy(claims.user_id, session->user_id, sizeof(claims.user_id));
    memcpy(claims.session_id, session->id, sizeof(claims.session_id));
    memcpy(claims.workspace_id, session->workspace_id, sizeof(claims.workspace_id));
    grant->access_expires_us = claims.expires_s * SECOND_US;
    return tokens_make(&auth->tokens, &claims, now_us, grant->access_token);
}

void sign_in_finish(struct change *change)
{
    struct auth *auth = change->auth;
    struct account_grant *grant = &change->grant;
    struct session *session = sign_in_session(auth, &grant->caller);

    if (change->code) {
        return;
    }
    bool has_tokens = session && session->kind == AUTH_SESSION_TOKENS;
    if (!session ||
        auth_caller_of_session(auth, session, has_tokens ? AUTH_KIND_TOKEN : AUTH_KIND_COOKIE,
                               clock_now_us(), &grant->caller)) {
        change->code = error_set(&change->error, ERR_DENIED, "the session has ended meanwhile");
        return;
    }
    grant->kind = session->kind;
    grant->session_expires_us = session->expires_us;
    grant->next = str_from(change->next);
    change->has_grant = true;
    if (has_tokens) {
        change->code = make_token(auth, session, grant);
        if (change->code) {
            (void)error_set(&change->error, change->code, "cannot make an access token: %s",
                            error_code_text(change->code));
        }
    }
}

/* ---- signing in with a password ---- */

static void login_failed(struct change *change, const char *reason)
{
    throttle_failed(&change->auth->throttle, &change->hash, change->batch);
    change->keeps_batch = true;
    sign_in_deny(change, "login.failed", str_from(change->user_id), reason);
}

static void login_ok(struct change *change, const char *encoded)
{
    struct auth *auth = change->auth;
    struct user *user = change_user(change);

    if (!user || user->disabled_us || user->epoch != change->epoch ||
        !sign_in_workspace(auth, user, str_from(change->workspace_id), change->workspace_id)) {
        login_failed(change, "{\"reason\":\"no_workspace\"}");
        return;
    }
    throttle_forgive(&auth->throttle, &change->hash, change->batch);
    if (encoded && !change_puts_user(auth, str_from(user->id)) &&
        record_set_text(&user->password, str_from(encoded)) == OK) {
        change_put_user(change, user, /* name */ NULL, encoded);
    }
    sign_in_begin(change);
    sign_in_known(change, user->id, change->workspace_id);
    memcpy(change->caller.credential_id, change->grant.caller.credential_id,
           sizeof(change->caller.credential_id));
    change_audit(change, "login.ok", str_from(user->id), "{\"with\":\"password\"}");
    change_submit(change, sign_in_finish);
}

static void login_checked(int code, const char *encoded, void *arg)
{
    struct change *change = arg;

    if (code == OK) {
        login_ok(change, encoded);
    } else if (code == ERR_DENIED) {
        login_failed(change, /* reason */ NULL);
    } else {
        throttle_undo(&change->auth->throttle, &change->hash);
        sign_in_busy(change, code);
    }
}

/* One that is too long for an id is nobody's, cut or not. */
static void copy_cut(struct str id, char into[STORE_ID_BYTES_MAX + 1])
{
    if (id.length) {
        memcpy(into, id.data, id.length < STORE_ID_BYTES_MAX ? id.length : STORE_ID_BYTES_MAX);
    }
}

int accounts_login(struct auth *auth, const struct account_login *request, account_done_fn done,
                   void *arg, struct error *error)
{
    struct change *change = change_new(auth, /* caller */ NULL, &request->origin, done, arg, error);
    struct password password;

    if (!change) {
        return ERR_NO_MEMORY;
    }
    change->hash = sign_in_throttle_hash(request->email, change->email);
    change->kind = request->kind;
    copy_cut(request->workspace_id, change->workspace_id);
    if (auth_is_local(auth) || !auth->allows_passwords) {
        change_refuse(change, ERR_DENIED, "nobody signs in with a password here");
        return OK;
    }
    const struct user *user = directory_user_of_email(&auth->directory, str_from(change->email));
    if (user) {
        memcpy(change->user_id, user->id, sizeof(change->user_id));
        change->epoch = user->epoch;
    }
    change->retry_after_s =
        throttle_try(&auth->throttle, &change->hash, clock_now_us(), loop_now_ms(auth->loop));
    if (change->retry_after_s) {
        uint64_t left_out;

        if (auth_audit_takes(auth, &left_out)) {
            change_audit(change, "login.locked", str_from(change->user_id), NULL);
            change->keeps_batch = true;
        }
        change_refuse(change, ERR_LIMIT, "too many failures: wait %u s", change->retry_after_s);
        return OK;
    }
    bool is_able = user && !user->disabled_us && user->password[0];
    bool is_prepared = password_prepare(request->password, &password) == OK;
    int code = passwords_check(&auth->passwords, is_prepared ? &password : NULL,
                               is_able ? user->password : NULL, login_checked, change);
    password_wipe(&password);
    if (code) {
        throttle_undo(&auth->throttle, &change->hash);
        sign_in_busy(change, code);
    }
    return OK;
}

/* ---- tokens without a session ---- */

int accounts_service_token(struct auth *auth, const struct auth_caller *caller,
                           struct account_grant *ret_grant, struct error *error)
{
    int64_t now_us = clock_now_us();
    struct token_claims claims = {.role = caller->role, .scopes = caller->may};
    const struct key *key = directory_key(&auth->directory, str_from(caller->credential_id));
    int64_t ends_us = now_us + auth->access_token_us;

    if (auth_is_local(auth) || !caller->credential_id[0]) {
        return error_set(error, ERR_UNSUPPORTED, "there are no tokens in local mode");
    }
    if (caller->kind == AUTH_KIND_SERVICE) { /* else it would be renewed for ever */
        return error_set(error, ERR_DENIED, "a service token makes no other one");
    }
    if (key && key->expires_us && ends_us > key->expires_us) {
        ends_us = key->expires_us;
    }
    claims.expires_s = ends_us / SECOND_US;
    memcpy(claims.user_id, caller->user_id, sizeof(claims.user_id));
    memcpy(claims.client_id, caller->credential_id, sizeof(claims.client_id));
    memcpy(claims.workspace_id, caller->workspace_id, sizeof(claims.workspace_id));
    *ret_grant = (struct account_grant){.caller = *caller,
                                        .kind = AUTH_SESSION_TOKENS,
                                        .access_expires_us = claims.expires_s * SECOND_US};
    int code = tokens_make(&auth->tokens, &claims, now_us, ret_grant->access_token);
    return code ? error_set(error, code, "cannot make an access token: %s", error_code_text(code))
                : OK;
}
