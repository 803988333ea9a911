/*
 * A password that is changed by who knows it, or set anew by who has a code. Either ends sessions:
 * who was let in by the old one is out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "auth/sign_in.h"
#include "base/civil_time.h"
#include "loop/clock.h"

/* Codes of one user that were not used: an admin's takes the place of the oldest; who has forgotten
 * the password has mails with so many, and strangers can neither send more nor void one. */
#define RESETS_USER_MAX 3u

/* The change has prepared its new password and puts the user: not twice at a time. */
static bool may_put(struct change *change)
{
    if (change_puts_user(change->auth, str_from(change->user_id))) {
        change->retry_after_s = 1;
        change_refuse(change, ERR_LIMIT, "another change of this account is under way");
        return false;
    }
    return true;
}

/* The finish: the new password counts. */
static void password_set(struct change *change)
{
    struct user *user = change_user(change);

    if (change->code == OK && user && record_set_text(&user->password, str_from(change->encoded))) {
        change->code = error_set(&change->error, ERR_NO_MEMORY, "out of memory");
    }
}

/* ---- who knows it ---- */

static void changed_hashed(int code, const char *encoded, void *arg)
{
    struct change *change = arg;
    struct user *user = change_user(change);

    if (code || !user) {
        sign_in_busy(change, code ? code : ERR_DENIED);
        return;
    }
    if (!password_has_session(change) || !may_put(change)) {
        return;
    }
    (void)snprintf(change->encoded, sizeof(change->encoded), "%s", encoded);
    change_put_user(change, user, /* name */ NULL, change->encoded);
    throttle_forgive(&change->auth->throttle, &change->hash, change->batch);
    change_audit(change, "password.changed", str_from(user->id), NULL);
    change_take_sessions(change, user, sign_in_session(change->auth, &change->caller),
                         /* workspace */ STR(""));
    change_submit(change, password_set);
}

static void current_checked(int code, const char *encoded, void *arg)
{
    struct change *change = arg;
    struct auth *auth = change->auth;

    (void)encoded;
    if (code == ERR_DENIED) {
        throttle_failed(&auth->throttle, &change->hash, change->batch);
        change_audit(change, "password.refused", str_from(change->user_id), NULL);
        change->keeps_batch = true;
        change_refuse(change, ERR_DENIED, "the password is another one");
        return;
    }
    if (code) {
        throttle_undo(&auth->throttle, &change->hash);
        sign_in_busy(change, code);
        return;
    }
    code = passwords_make(&auth->passwords, &change->password, changed_hashed, change);
    password_wipe(&change->password);
    if (code) {
        sign_in_busy(change, code);
    }
}

/* Hashes take their time: whoever was put out meanwhile (a reset, an admin) changes nothing. */
bool password_has_session(struct change *change)
{
    bool has_one = sign_in_session(change->auth, &change->caller) != NULL;

    if (!has_one) {
        change_refuse(change, ERR_DENIED, "the session has ended meanwhile");
    }
    return has_one;
}

/* Begins a try at the password of the change's user; false: refused. */
bool password_begin_try(struct change *change, const struct user *user)
{
    struct auth *auth = change->auth;

    memcpy(change->user_id, user->id, sizeof(change->user_id));
    change->hash = secret_hash_of(str_from(user->email));
    change->retry_after_s =
        throttle_try(&auth->throttle, &change->hash, clock_now_us(), loop_now_ms(auth->loop));
    if (change->retry_after_s) {
        change_audit(change, "login.locked", str_from(user->id), NULL);
        change->keeps_batch = true;
        change_refuse(change, ERR_LIMIT, "too many failures: wait %u s", change->retry_after_s);
        return false;
    }
    return true;
}

int accounts_change_password(struct auth *auth, const struct auth_caller *caller,
                             struct str current, struct str changed,
                             const struct account_origin *origin, account_done_fn done, void *arg,
                             struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);
    struct user *user = directory_user(&auth->directory, str_from(caller->user_id));
    struct password password;
    struct error reason = {0};

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (!user || user->is_service || !auth->allows_passwords || !sign_in_session(auth, caller)) {
        change_refuse(change, ERR_DENIED, "there is no password to change");
        return OK;
    }
    int code = password_prepare_new(changed, str_from(user->email), &change->password, &reason);
    if (code) {
        change_refuse(change, code, "%s", reason.message);
        return OK;
    }
    if (!password_begin_try(change, user)) {
        return OK;
    }
    bool is_prepared = password_prepare(current, &password) == OK;
    code = passwords_check(&auth->passwords, is_prepared ? &password : NULL,
                           user->password[0] ? user->password : NULL, current_checked, change);
    password_wipe(&password);
    if (code) {
        throttle_undo(&auth->throttle, &change->hash);
        sign_in_busy(change, code);
    }
    return OK;
}

/* ---- who has a code ---- */

/* The user's reset codes but the newest few. */
static void take_resets(struct change *change, const struct user *user, unsigned but)
{
    struct ring *codes = &change->auth->directory.codes;

    for (struct ring *at = codes->previous; at != codes;) {
        struct code *code = RECORD_OF(at, struct code, of_all);

        at = at->previous;
        if (code->purpose != AUTH_CODE_RESET || strcmp(code->user_id, user->id) != 0) {
            continue;
        }
        if (but) {
            but--;
        } else {
            change_take_code(change, code);
        }
    }
}

static void add_reset(struct change *change, const struct user *user)
{
    int64_t now_us = clock_now_us();
    struct secret_hash hash;

    if (uuid_v7(change->id, NULL) || secret_make(change->secret, &hash)) {
        change->code = ERR_IO;
        return;
    }
    struct store_code row = {.id = str_from(change->id),
                             .purpose = AUTH_CODE_RESET,
                             .user_id = str_from(user->id),
                             .made_by = str_from(change->caller.user_id),
                             .created_us = now_us,
                             .expires_us = now_us + ACCOUNTS_RESET_MINUTES * MINUTE_US};
    memcpy(row.hash, hash.bytes, sizeof(row.hash));
    change->expires_us = row.expires_us;
    struct code *code = code_new(&row);
    take_resets(change, user, RESETS_USER_MAX - 1);
    change_add(change, code ? &code->record : NULL);
}

static unsigned count_resets(const struct auth *auth, const struct user *user)
{
    int64_t now_us = clock_now_us();
    const struct ring *codes = &auth->directory.codes;
    unsigned count = 0;

    for (const struct ring *at = codes->next; at != codes; at = at->next) {
        const struct code *code = RECORD_OF(at, struct code, of_all);

        count += code->purpose == AUTH_CODE_RESET && now_us < code->expires_us &&
                 strcmp(code->user_id, user->id) == 0;
    }
    return count;
}

/* Known or not: one line, one commit. */
int accounts_forgot(struct auth *auth, struct str email, const struct account_origin *origin,
                    account_done_fn done, void *arg, struct error *error)
{
    struct change *change = change_new(auth, /* caller */ NULL, origin, done, arg, error);

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (auth_is_local(auth) || !auth->allows_passwords) {
        change_refuse(change, ERR_DENIED, "nobody signs in with a password here");
        return OK;
    }
    (void)sign_in_throttle_hash(email, change->email);
    const struct user *user = directory_user_of_email(&auth->directory, str_from(change->email));
    bool is_able = user && !user->disabled_us;
    if (is_able && count_resets(auth, user) < RESETS_USER_MAX) {
        add_reset(change, user);
    }
    change_audit(change, "password.forgot", is_able ? str_from(user->id) : STR(""), NULL);
    change_submit(change, /* finish */ NULL);
    return OK;
}

/* Somebody's password is all that they may: only who may all of it already sets it anew. What is no
 * session stays in its workspace, whatever its user is elsewhere. */
static bool may_reset(const struct auth *auth, const struct auth_caller *caller,
                      const struct user *user)
{
    for (struct ring *at = user->memberships.next; at != &user->memberships; at = at->next) {
        const struct member *of_user = RECORD_OF(at, struct member, of_user);
        const struct member *of_caller = directory_member(
            &auth->directory, str_from(of_user->workspace_id), str_from(caller->user_id));

        bool is_here = str_equal(str_from(of_user->workspace_id), str_from(caller->workspace_id));
        bool is_reached = is_here || sign_in_session(auth, caller);

        if (!is_reached || !of_caller || of_caller->role != AUTH_ROLE_ADMIN) {
            return caller->is_operator;
        }
    }
    return true;
}

int accounts_reset_code(struct auth *auth, const struct auth_caller *caller, struct str user_id,
                        const struct account_origin *origin, account_done_fn done, void *arg,
                        struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);
    const struct member *member =
        directory_member(&auth->directory, str_from(caller->workspace_id), user_id);

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (!member || member->user->is_service) {
        change_refuse(change, ERR_NOT_FOUND, "there is no such person in this workspace");
        return OK;
    }
    if (!auth->allows_passwords || !may_reset(auth, caller, member->user)) {
        change_refuse(change, ERR_DENIED, "they are in workspaces that you are no admin of");
        return OK;
    }
    add_reset(change, member->user);
    change_audit(change, "password.reset_code", str_from(member->user->id), NULL);
    change_submit(change, /* finish */ NULL);
    return OK;
}

static void reset_hashed(int code, const char *encoded, void *arg)
{
    struct change *change = arg;
    struct auth *auth = change->auth;
    struct code *reset = sign_in_code(auth, &change->hash, AUTH_CODE_RESET);
    struct user *user = change_user(change);

    if (code) {
        sign_in_busy(change, code);
        return;
    }
    if (!reset || !user) {
        sign_in_deny(change, "code.refused", STR(""), "{\"code\":\"reset\"}");
        return;
    }
    if (!may_put(change)) {
        return;
    }
    struct secret_hash who = secret_hash_of(str_from(user->email));
    (void)snprintf(change->encoded, sizeof(change->encoded), "%s", encoded);
    change_put_user(change, user, /* name */ NULL, change->encoded);
    throttle_forgive(&auth->throttle, &who, change->batch);
    change_audit(change, "password.reset", str_from(user->id), NULL);
    change->gives_codes_back = true;
    take_resets(change, user, /* but */ 0);
    change_take_sessions(change, user, /* but */ NULL, /* workspace */ STR(""));
    change_submit(change, password_set);
}

int accounts_reset(struct auth *auth, struct str code_text, struct str password_text,
                   const struct account_origin *origin, account_done_fn done, void *arg,
                   struct error *error)
{
    struct change *change = change_new(auth, /* caller */ NULL, origin, done, arg, error);
    struct password password;
    struct error reason = {0};

    if (!change) {
        return ERR_NO_MEMORY;
    }
    change->hash = secret_hash_of(code_text);
    const struct code *reset = sign_in_code(auth, &change->hash, AUTH_CODE_RESET);
    const struct user *user =
        reset ? directory_user(&auth->directory, str_from(reset->user_id)) : NULL;
    if (!user || user->disabled_us || !auth->allows_passwords) {
        sign_in_deny(change, "code.refused", STR(""), "{\"code\":\"reset\"}");
        return OK;
    }
    memcpy(change->user_id, user->id, sizeof(change->user_id));
    int code = password_prepare_new(password_text, str_from(user->email), &password, &reason);
    if (code) {
        change_refuse(change, code, "%s", reason.message);
        return OK;
    }
    code = passwords_make(&auth->passwords, &password, reset_hashed, change);
    password_wipe(&password);
    if (code) {
        sign_in_busy(change, code);
    }
    return OK;
}
