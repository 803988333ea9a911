/*
 * Who comes in: the first one with the code of the setup, others with an invitation. Its e-mail
 * counts. An account that is in no workspace any more ends where somebody begins anew with an
 * invitation for its e-mail: whoever made the invitation could use it themself, and must not become
 * who the account was, of whom other workspaces have conversations.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/check.h"
#include <stdio.h>

#include "auth/people.h"
#include "loop/clock.h"

bool accounts_need_setup(const struct auth *auth)
{
    return !auth_is_local(auth) && auth->directory.person_count == 0;
}

int accounts_setup_code(struct auth *auth, char code[AUTH_SECRET_TEXT_BYTES])
{
    int failed = secret_make(code, &auth->setup);

    auth->has_setup = failed == OK;
    return failed;
}

static bool is_setup(const struct auth *auth, const struct secret_hash *hash)
{
    return auth->has_setup && accounts_need_setup(auth) && secret_equal(&auth->setup, hash);
}

/* Someone who registered is stored, or not: then the setup's code holds again. */
static void registered(struct change *change)
{
    if (change->code) {
        change->auth->has_setup = change->auth->has_setup || change->with_setup;
        return;
    }
    sign_in_finish(change);
}

/* A new account; one of that e-mail that is in no workspace any more goes. */
static bool begin_account(struct change *change, const struct code *invite)
{
    struct auth *auth = change->auth;
    struct user *user = directory_user_of_email(&auth->directory, str_from(change->email));

    if ((user && (!ring_is_empty(&user->memberships) || user->disabled_us ||
                  change_puts_user(auth, str_from(user->id)))) ||
        change_makes_user(auth, str_from(change->email), STR(""), STR(""))) {
        change_refuse(change, ERR_EXISTS, "there is an account of this e-mail");
        error_hint(&change->error, "Sign in, and use the invitation then.");
        return false;
    }
    if (user) {
        people_take_user(change, user, invite);
    }
    struct store_user row = {.email = str_from(change->email),
                             .name = str_from(change->name),
                             .password = str_from(change->encoded)};
    return people_add_user(change, &row);
}

static void register_hashed(int code, const char *encoded, void *arg)
{
    struct change *change = arg;
    struct auth *auth = change->auth;
    bool with_setup = is_setup(auth, &change->hash);
    struct code *invite = with_setup ? NULL : sign_in_code(auth, &change->hash, AUTH_CODE_INVITE);

    if (code) {
        sign_in_busy(change, code);
        return;
    }
    if (!with_setup && !invite) {
        sign_in_deny(change, "code.refused", STR(""), "{\"code\":\"register\"}");
        return;
    }
    (void)snprintf(change->encoded, sizeof(change->encoded), "%s", encoded);
    if (!begin_account(change, invite)) {
        return;
    }
    enum auth_role role = with_setup ? AUTH_ROLE_ADMIN : invite->role;
    memcpy(change->workspace_id, with_setup ? STORE_WORKSPACE_FIRST : invite->workspace_id,
           with_setup ? sizeof(STORE_WORKSPACE_FIRST) : sizeof(invite->workspace_id));
    people_add_member(change, str_from(change->workspace_id), change->user_id, role);
    sign_in_begin(change);
    sign_in_known(change, change->user_id, change->workspace_id);
    change_audit(change, with_setup ? "setup.done" : "invite.used",
                 with_setup ? str_from(change->user_id) : str_from(invite->id), NULL);
    change->gives_codes_back = true;
    if (with_setup) {
        change->with_setup = true;
        auth->has_setup = false;
    } else {
        change_take_code(change, invite);
    }
    change_submit(change, registered);
}

/* The e-mail that the account will have; false: refused. */
static bool take_email(struct change *change, const struct account_register *request)
{
    struct auth *auth = change->auth;
    const struct code *invite = sign_in_code(auth, &change->hash, AUTH_CODE_INVITE);

    if (is_setup(auth, &change->hash)) {
        if (!email_read(str_trim(request->email), change->email)) {
            change_refuse(change, ERR_INVALID, "this is no e-mail address");
            return false;
        }
        return true;
    }
    if (!invite) {
        sign_in_deny(change, "code.refused", STR(""), "{\"code\":\"register\"}");
        return false;
    }
    memcpy(change->email, invite->email, strlen(invite->email) + 1);
    return true;
}

int accounts_register(struct auth *auth, const struct account_register *request,
                      account_done_fn done, void *arg, struct error *error)
{
    struct change *change = change_new(auth, /* caller */ NULL, &request->origin, done, arg, error);
    struct password password;
    struct error reason = {0};

    if (!change) {
        return ERR_NO_MEMORY;
    }
    change->hash = secret_hash_of(request->code);
    change->kind = request->kind;
    if (auth_is_local(auth) || !auth->allows_passwords) {
        change_refuse(change, ERR_DENIED, "nobody signs in with a password here");
        return OK;
    }
    if (!take_email(change, request) || !sign_in_name(change, request->name)) {
        return OK;
    }
    int code = password_prepare_new(request->password, str_from(change->email), &password, &reason);
    if (code) {
        change_refuse(change, code, "%s", reason.message);
        return OK;
    }
    code = passwords_make(&auth->passwords, &password, register_hashed, change);
    password_wipe(&password);
    if (code) {
        sign_in_busy(change, code);
    }
    return OK;
}

/* ---- an invitation for who is signed in ---- */

static void move_session(struct change *change)
{
    struct session *session = sign_in_session(change->auth, &change->caller);
    bool is_member = directory_member(&change->auth->directory, str_from(change->workspace_id),
                                      str_from(change->caller.user_id)) != NULL;

    if (change->code || !session || !is_member) {
        change->code =
            change->code ? change->code
                         : error_set(&change->error, ERR_DENIED, "the session has ended meanwhile");
        return;
    }
    memcpy(session->workspace_id, change->workspace_id, sizeof(session->workspace_id));
    memcpy(session->user->last_workspace, change->workspace_id, sizeof(change->workspace_id));
    change->grant.caller = change->caller;
    sign_in_finish(change);
    auth_tell_revoked(change->auth);
}

int accounts_join(struct auth *auth, const struct auth_caller *caller, struct str code_text,
                  const struct account_origin *origin, account_done_fn done, void *arg,
                  struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);

    if (!change) {
        return ERR_NO_MEMORY;
    }
    change->hash = secret_hash_of(code_text);
    struct session *session = sign_in_session(auth, caller);
    struct code *invite = sign_in_code(auth, &change->hash, AUTH_CODE_INVITE);
    if (!session) {
        change_refuse(change, ERR_DENIED, "only people who are signed in can use an invitation");
        return OK;
    }
    if (!invite) {
        sign_in_deny(change, "code.refused", STR(""), "{\"code\":\"join\"}");
        return OK;
    }
    if (directory_member(&auth->directory, str_from(invite->workspace_id),
                         str_from(caller->user_id))) {
        change_refuse(change, ERR_EXISTS, "you are in that workspace already");
        return OK;
    }
    check(caller);
    memcpy(change->user_id, caller->user_id, sizeof(change->user_id));
    memcpy(change->workspace_id, invite->workspace_id, sizeof(change->workspace_id));
    people_add_member(change, str_from(change->workspace_id), change->user_id, invite->role);
    struct store_session row = session_row(session);
    row.workspace_id = str_from(change->workspace_id);
    store_put_session(change->batch, &row);
    change_audit(change, "invite.used", str_from(invite->id), NULL);
    change->gives_codes_back = true;
    change_take_code(change, invite);
    change_submit(change, move_session);
    return OK;
}

/* ---- another workspace ---- */

/* The session is there already (it left the other one at once); back, should the store fail. */
static void switched(struct change *change)
{
    struct session *session = sign_in_session(change->auth, &change->caller);

    change->grant.caller = change->caller;
    if (change->code && session && strcmp(session->workspace_id, change->workspace_id) == 0) {
        memcpy(session->workspace_id, change->caller.workspace_id, sizeof(session->workspace_id));
    }
    sign_in_finish(change);
}

int accounts_switch(struct auth *auth, const struct auth_caller *caller, struct str workspace_id,
                    account_done_fn done, void *arg, struct error *error)
{
    struct change *change = change_new(auth, caller, /* origin */ NULL, done, arg, error);

    if (!change) {
        return ERR_NO_MEMORY;
    }
    struct session *session = sign_in_session(auth, caller);
    const struct member *member =
        directory_member(&auth->directory, workspace_id, str_from(caller->user_id));
    if (!session) {
        change_refuse(change, ERR_DENIED, "a key stays in its workspace");
        return OK;
    }
    if (!member) {
        change_refuse(change, ERR_NOT_FOUND, "there is no such workspace");
        return OK;
    }
    memcpy(change->workspace_id, member->workspace_id, sizeof(change->workspace_id));
    memcpy(session->workspace_id, member->workspace_id, sizeof(session->workspace_id));
    memcpy(session->user->last_workspace, member->workspace_id,
           sizeof(session->user->last_workspace));
    struct store_session row = session_row(session);
    store_put_session(change->batch, &row);
    change_audit(change, "session.moved", workspace_id, NULL);
    change->has_taken = true; /* what is of the other workspace closes */
    change_submit(change, switched);
    return OK;
}
