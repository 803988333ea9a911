/*
 * Identities of providers: who was proved to be whom becomes an account, or a link to one. A new
 * account needs an e-mail that nobody has here: a provider's word alone takes over nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/external.h"

#include "base/check.h"
#include <stdio.h>

#include "auth/people.h"
#include "loop/clock.h"

static const struct identity *identity_of(const struct user *user, struct str provider)
{
    for (const struct ring *at = user->identities.next; at != &user->identities; at = at->next) {
        const struct identity *identity = RECORD_OF(at, struct identity, of_user);

        if (str_equal(str_from(identity->provider), provider)) {
            return identity;
        }
    }
    return NULL;
}

static void add_identity(struct change *change, const struct external_identity *about)
{
    struct store_identity row = {.provider = about->provider,
                                 .subject = about->subject,
                                 .user_id = str_from(change->user_id),
                                 .email = str_from(change->email),
                                 .linked_us = clock_now_us()};
    struct identity *identity = identity_new(&row);

    change_add(change, identity ? &identity->record : NULL);
}

/* The session that each way here ends with. */
static void begin_session(struct change *change, const struct external_identity *about)
{
    char detail[96];

    change->kind = AUTH_SESSION_COOKIE;
    sign_in_begin(change);
    sign_in_known(change, change->user_id, change->workspace_id);
    (void)snprintf(detail, sizeof(detail), "{\"with\":\"%.*s\"}", STR_ARGS(about->provider));
    change_audit(change, "login.ok", str_from(change->user_id), detail);
    change_submit(change, sign_in_finish);
}

static struct code *next_invite(const struct auth *auth, const char *email, const struct ring *from)
{
    int64_t now_us = clock_now_us();

    for (const struct ring *at = from; at != &auth->directory.codes; at = at->next) {
        struct code *code = RECORD_OF(at, struct code, of_all);

        if (code->purpose == AUTH_CODE_INVITE && now_us < code->expires_us &&
            strcmp(code->email, email) == 0) {
            return code;
        }
    }
    return NULL;
}

/* Uses up all invitations of the e-mail; the number of them. The first one is where they begin. */
static unsigned use_invites(struct change *change)
{
    struct auth *auth = change->auth;
    unsigned count = 0;

    for (struct code *code = next_invite(auth, change->email, auth->directory.codes.next); code;) {
        struct code *next = next_invite(auth, change->email, code->of_all.next);

        if (!directory_member(&auth->directory, str_from(code->workspace_id),
                              str_from(change->user_id))) {
            people_add_member(change, str_from(code->workspace_id), change->user_id, code->role);
            if (count++ == 0) {
                memcpy(change->workspace_id, code->workspace_id, sizeof(change->workspace_id));
            }
        }
        change_audit(change, "invite.used", str_from(code->id), NULL);
        change_take_code(change, code);
        code = next;
    }
    change->gives_codes_back = true;
    return count;
}

static void sign_in_known_identity(struct change *change, const struct external_identity *about,
                                   const struct user *user)
{
    memcpy(change->user_id, user->id, sizeof(change->user_id));
    change->epoch = user->epoch;
    if (user->disabled_us) {
        change_refuse(change, ERR_DENIED, "this account is disabled");
        return;
    }
    if (!sign_in_workspace(change->auth, user, /* wanted */ STR(""), change->workspace_id) &&
        !use_invites(change)) {
        change_refuse(change, ERR_DENIED, "this account is in no workspace");
        return;
    }
    begin_session(change, about);
}

static void sign_in_new_identity(struct change *change, const struct external_identity *about)
{
    struct auth *auth = change->auth;
    struct str email = str_from(change->email);
    const struct workspace *workspace = directory_workspace(&auth->directory, about->workspace_id);

    if (directory_user_of_email(&auth->directory, email) ||
        change_makes_user(auth, email, about->provider, about->subject)) {
        change_refuse(change, ERR_EXISTS, "there is an account of this e-mail");
        error_hint(&change->error, "Sign in to it, and link the provider there.");
        return;
    }
    bool is_invited = next_invite(auth, change->email, auth->directory.codes.next) != NULL;
    if (!is_invited && !workspace) {
        change_refuse(change, ERR_NOT_FOUND, "there is no workspace for new accounts");
        return;
    }
    struct str name = about->name.length && about->name.length <= ACCOUNTS_NAME_MAX
                          ? about->name
                          : str_slice(email, 0, str_find(email, STR("@"), 0));
    if (!sign_in_name(change, name)) {
        return;
    }
    struct store_user row = {
        .email = email, .name = str_from(change->name), .is_email_verified = true};
    if (!people_add_user(change, &row)) {
        return;
    }
    if (!use_invites(change)) {
        memcpy(change->workspace_id, workspace->id, sizeof(change->workspace_id));
        people_add_member(change, about->workspace_id, change->user_id, about->role);
    }
    add_identity(change, about);
    change_audit(change, "user.created", str_from(change->user_id), NULL);
    begin_session(change, about);
}

/* What every way here begins with; false: refused. */
static bool take_identity(struct change *change, const struct external_identity *about)
{
    if (about->subject.length == 0 || about->subject.length > EXTERNAL_SUBJECT_MAX ||
        !store_is_id(about->provider) || !email_read(about->email, change->email)) {
        change_refuse(change, ERR_INVALID, "the provider named nobody with an e-mail address");
        return false;
    }
    if (about->next.length && about->next.length < sizeof(change->next)) {
        memcpy(change->next, about->next.data, about->next.length);
    }
    return true;
}

int accounts_external_sign_in(struct auth *auth, const struct external_identity *identity,
                              const struct account_origin *origin, account_done_fn done, void *arg,
                              struct error *error)
{
    struct change *change = change_new(auth, /* caller */ NULL, origin, done, arg, error);

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (!take_identity(change, identity)) {
        return OK;
    }
    const struct identity *known =
        directory_identity(&auth->directory, identity->provider, identity->subject);
    if (known) {
        sign_in_known_identity(change, identity, known->user);
    } else {
        sign_in_new_identity(change, identity);
    }
    return OK;
}

int accounts_external_link(struct auth *auth, const struct auth_caller *caller,
                           const struct external_identity *identity,
                           const struct account_origin *origin, account_done_fn done, void *arg,
                           struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);
    const struct user *user = directory_user(&auth->directory, str_from(caller->user_id));

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (!user || user->is_service || user->disabled_us || !auth_still(auth, caller, 0) ||
        !sign_in_session(auth, caller)) {
        change_refuse(change, ERR_DENIED, "only people who are signed in can link a provider");
        return OK;
    }
    if (!take_identity(change, identity)) {
        return OK;
    }
    const struct identity *known =
        directory_identity(&auth->directory, identity->provider, identity->subject);
    if ((known && known->user != user) || (!known && identity_of(user, identity->provider)) ||
        change_makes_user(auth, STR(""), identity->provider, identity->subject)) {
        change_refuse(change, ERR_EXISTS, "%s",
                      known ? "this identity is linked to another account"
                            : "another identity of that provider is linked already");
        return OK;
    }
    check(caller);
    memcpy(change->user_id, user->id, sizeof(change->user_id));
    memcpy(change->workspace_id, caller->workspace_id, sizeof(change->workspace_id));
    change->epoch = user->epoch;
    if (!known) {
        add_identity(change, identity);
    }
    change_audit(change, "identity.linked", identity->provider, NULL);
    begin_session(change, identity);
    return OK;
}

int accounts_external_unlink(struct auth *auth, const struct auth_caller *caller,
                             struct str provider, const struct account_origin *origin,
                             account_done_fn done, void *arg, struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);
    struct user *user = directory_user(&auth->directory, str_from(caller->user_id));
    const struct identity *found = user ? identity_of(user, provider) : NULL;

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (!found) {
        change_refuse(change, ERR_NOT_FOUND, "that provider is not linked");
        return OK;
    }
    bool is_only_identity = user->identities.next->next == &user->identities;
    if (is_only_identity && (!user->password[0] || !auth->allows_passwords)) {
        change_refuse(change, ERR_EXISTS, "it is the only way to sign in to this account");
        error_hint(&change->error, "Set a password first, or link another provider.");
        return OK;
    }
    change_audit(change, "identity.unlinked", provider, NULL);
    change_take_identity(change, (struct identity *)found);
    change_submit(change, /* finish */ NULL);
    return OK;
}
