/*
 * Who is in a workspace: invitations, service accounts, roles, leaving. A workspace that has
 * members has an admin who is a person: the last one neither leaves nor becomes less.
 *
 * What takes something away holds at once, what gives something when it is durable.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/people.h"

#include <stdio.h>

#include "base/civil_time.h"
#include "loop/clock.h"

bool people_is_last_admin(const struct member *member)
{
    const struct workspace *workspace = member->workspace;

    if (member->role != AUTH_ROLE_ADMIN || member->user->is_service) {
        return false;
    }
    for (const struct ring *at = workspace->members.next; at != &workspace->members;
         at = at->next) {
        const struct member *other = RECORD_OF(at, struct member, of_workspace);

        if (other != member && other->role == AUTH_ROLE_ADMIN && !other->user->is_service &&
            !other->user->disabled_us) {
            return false;
        }
    }
    return true;
}

static void print_role(enum auth_role role, char detail[48])
{
    (void)snprintf(detail, 48, "{\"role\":\"%s\"}", auth_role_name(role));
}

static bool is_role(struct change *change, enum auth_role role)
{
    if (role < AUTH_ROLE_VIEWER || role > AUTH_ROLE_ADMIN) {
        change_refuse(change, ERR_INVALID, "there is no such role");
        return false;
    }
    return true;
}

/* ---- invitations ---- */

static struct code *invite_of(const struct workspace *workspace, const char *email)
{
    for (const struct ring *at = workspace->invites.next; at != &workspace->invites;
         at = at->next) {
        struct code *code = RECORD_OF(at, struct code, of_workspace);

        if (strcmp(code->email, email) == 0) {
            return code;
        }
    }
    return NULL;
}

static bool is_member_of_email(const struct auth *auth, struct str workspace_id, const char *email)
{
    const struct user *user = directory_user_of_email(&auth->directory, str_from(email));

    return user && directory_member(&auth->directory, workspace_id, str_from(user->id));
}

static void add_invite(struct change *change, enum auth_role role)
{
    int64_t now_us = clock_now_us();
    struct secret_hash hash;

    if (uuid_v7(change->id, NULL) || secret_make(change->secret, &hash)) {
        change->code = ERR_IO;
        return;
    }
    struct store_code row = {.id = str_from(change->id),
                             .purpose = AUTH_CODE_INVITE,
                             .workspace_id = str_from(change->caller.workspace_id),
                             .email = str_from(change->email),
                             .role = role,
                             .made_by = str_from(change->caller.user_id),
                             .created_us = now_us,
                             .expires_us = now_us + ACCOUNTS_INVITE_DAYS * DAY_US};
    memcpy(row.hash, hash.bytes, sizeof(row.hash));
    change->expires_us = row.expires_us;
    struct code *code = code_new(&row);
    change_add(change, code ? &code->record : NULL);
}

int accounts_invite(struct auth *auth, const struct auth_caller *caller, struct str email,
                    enum auth_role role, const struct account_origin *origin, account_done_fn done,
                    void *arg, struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);
    struct str workspace_id = str_from(caller->workspace_id);
    const struct workspace *workspace = directory_workspace(&auth->directory, workspace_id);
    char detail[48];

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (!is_role(change, role)) {
        return OK;
    }
    if (!workspace || !email_read(str_trim(email), change->email)) {
        change_refuse(change, ERR_INVALID, "this is no e-mail address");
        return OK;
    }
    if (is_member_of_email(auth, workspace_id, change->email)) {
        change_refuse(change, ERR_EXISTS, "they are in this workspace already");
        return OK;
    }
    struct code *before = invite_of(workspace, change->email);
    if (!before && workspace->invite_count >= ACCOUNTS_INVITES_MAX) {
        change_refuse(change, ERR_LIMIT, "there are %u invitations already", ACCOUNTS_INVITES_MAX);
        return OK;
    }
    print_role(role, detail);
    add_invite(change, role);
    change_audit(change, "invite.created", str_from(change->id), detail);
    if (before) {
        change->gives_codes_back = true;
        change_take_code(change, before);
    }
    change_submit(change, /* finish */ NULL);
    return OK;
}

int accounts_withdraw_invite(struct auth *auth, const struct auth_caller *caller, struct str id,
                             const struct account_origin *origin, account_done_fn done, void *arg,
                             struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);
    struct workspace *workspace =
        directory_workspace(&auth->directory, str_from(caller->workspace_id));
    struct code *found = NULL;

    if (!change) {
        return ERR_NO_MEMORY;
    }
    for (struct ring *at = workspace ? workspace->invites.next : NULL;
         at && at != &workspace->invites; at = at->next) {
        struct code *code = RECORD_OF(at, struct code, of_workspace);

        found = str_equal(str_from(code->id), id) ? code : found;
    }
    if (!found) {
        change_refuse(change, ERR_NOT_FOUND, "there is no such invitation");
        return OK;
    }
    change_audit(change, "invite.withdrawn", id, NULL);
    change_take_code(change, found);
    change_submit(change, /* finish */ NULL);
    return OK;
}

/* ---- members ---- */

void people_add_member(struct change *change, struct str workspace_id, const char *user_id,
                       enum auth_role role)
{
    struct store_member row = {.workspace_id = workspace_id,
                               .user_id = str_from(user_id),
                               .role = role,
                               .since_us = clock_now_us()};
    struct member *member = member_new(&row);

    change_add(change, member ? &member->record : NULL);
}

bool people_add_user(struct change *change, const struct store_user *about)
{
    struct store_user row = *about;

    if (change->auth->directory.users.count >= ACCOUNTS_USERS_MAX) {
        change_refuse(change, ERR_LIMIT, "there are %u accounts already", ACCOUNTS_USERS_MAX);
        return false;
    }
    if (uuid_v7(change->user_id, NULL)) {
        change_refuse(change, ERR_IO, "the system gives no random bytes");
        return false;
    }
    row.id = str_from(change->user_id);
    row.created_us = clock_now_us();
    struct user *user = user_new(&row);
    change_add(change, user ? &user->record : NULL);
    return true;
}

int accounts_add_service(struct auth *auth, const struct auth_caller *caller, struct str name,
                         enum auth_role role, const struct account_origin *origin,
                         account_done_fn done, void *arg, struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);
    char detail[48];

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (!is_role(change, role) || !sign_in_name(change, name)) {
        return OK;
    }
    struct store_user row = {.name = str_from(change->name), .is_service = true};
    if (!people_add_user(change, &row)) {
        return OK;
    }
    people_add_member(change, str_from(caller->workspace_id), change->user_id, role);
    memcpy(change->id, change->user_id, sizeof(change->user_id));
    print_role(role, detail);
    change_audit(change, "service.created", str_from(change->user_id), detail);
    change_submit(change, /* finish */ NULL);
    return OK;
}

/* A greater role counts from now on, unless it was changed again; a smaller one does already. */
static void role_set(struct change *change)
{
    struct auth *auth = change->auth;
    struct member *member = directory_member(
        &auth->directory, str_from(change->caller.workspace_id), str_from(change->user_id));

    if (!member || member->version != change->epoch) {
        return;
    }
    if (change->code == OK) {
        member->role = change->role;
    } else if (member->role == change->role) {
        member->is_unstored = true;
        auth->has_unstored_roles = true;
    }
}

/* Who is an admin no more keeps no way back: not the invitations that they made, nor the codes with
 * which they would become somebody else. Not their own: those came by mail. */
static void withdraw_codes_of(struct change *change, const struct member *member)
{
    struct ring *codes = &change->auth->directory.codes;

    for (struct ring *at = codes->next; at != codes;) {
        struct code *code = RECORD_OF(at, struct code, of_all);
        bool is_invite = code->purpose == AUTH_CODE_INVITE;

        at = at->next;
        if (strcmp(code->made_by, member->user_id) != 0 ||
            (is_invite && strcmp(code->workspace_id, member->workspace_id) != 0)) {
            continue;
        }
        if (is_invite) {
            change_audit(change, "invite.withdrawn", str_from(code->id), NULL);
        }
        change_take_code(change, code);
    }
}

int accounts_set_role(struct auth *auth, const struct auth_caller *caller, struct str user_id,
                      enum auth_role role, const struct account_origin *origin,
                      account_done_fn done, void *arg, struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);
    struct member *member =
        directory_member(&auth->directory, str_from(caller->workspace_id), user_id);
    char detail[48];

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (!is_role(change, role)) {
        return OK;
    }
    if (!member) {
        change_refuse(change, ERR_NOT_FOUND, "there is no such member");
        return OK;
    }
    if (role != AUTH_ROLE_ADMIN && people_is_last_admin(member)) {
        change_refuse(change, ERR_EXISTS, "this is the last admin of the workspace");
        return OK;
    }
    memcpy(change->user_id, member->user_id, sizeof(change->user_id));
    change->role = role;
    change->epoch = ++member->version;
    change->has_taken = role < member->role;
    struct store_member row = member_row(member);
    row.role = role;
    store_put_member(change->batch, &row);
    print_role(role, detail);
    change_audit(change, "member.role", user_id, detail);
    if (role < member->role) {
        if (member->role == AUTH_ROLE_ADMIN) {
            withdraw_codes_of(change, member);
        }
        member->role = role;
    }
    change_submit(change, role_set);
    return OK;
}

void people_take_member(struct change *change, struct member *member)
{
    struct user *user = member->user;
    struct str workspace_id = str_from(member->workspace_id);

    if (member->role == AUTH_ROLE_ADMIN) {
        withdraw_codes_of(change, member);
    }
    change_take_sessions(change, user, /* but */ NULL, workspace_id);
    for (struct ring *at = user->keys.next; at != &user->keys;) {
        struct key *key = RECORD_OF(at, struct key, of_user);

        at = at->next;
        if (str_equal(str_from(key->workspace_id), workspace_id)) {
            change_take_key(change, key);
        }
    }
    change_take_member(change, member);
}

int accounts_remove_member(struct auth *auth, const struct auth_caller *caller, struct str user_id,
                           const struct account_origin *origin, account_done_fn done, void *arg,
                           struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);
    struct member *member =
        directory_member(&auth->directory, str_from(caller->workspace_id), user_id);

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (!member) {
        change_refuse(change, ERR_NOT_FOUND, "there is no such member");
        return OK;
    }
    if (people_is_last_admin(member)) {
        change_refuse(change, ERR_EXISTS, "this is the last admin of the workspace");
        return OK;
    }
    struct user *user = member->user;
    change_audit(change, "member.removed", user_id, NULL);
    people_take_member(change, member);
    /* a program's account is nothing without its workspace */
    if (user->is_service && ring_is_empty(&user->memberships)) {
        change_take_user(change, user);
    }
    change_submit(change, /* finish */ NULL);
    return OK;
}

/* ---- names ---- */

static void renamed(struct change *change)
{
    struct user *user = change_user(change);

    if (change->code == OK && user && record_set_text(&user->name, str_from(change->name))) {
        change->code = error_set(&change->error, ERR_NO_MEMORY, "out of memory");
    }
}

int accounts_rename(struct auth *auth, const struct auth_caller *caller, struct str name,
                    account_done_fn done, void *arg, struct error *error)
{
    struct change *change = change_new(auth, caller, /* origin */ NULL, done, arg, error);
    struct user *user = directory_user(&auth->directory, str_from(caller->user_id));

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (!sign_in_name(change, name)) {
        return OK;
    }
    if (!user || auth_is_local(auth)) {
        change_refuse(change, ERR_NOT_FOUND, "there is no such account");
        return OK;
    }
    if (change_puts_user(auth, str_from(user->id))) {
        change->retry_after_s = 1;
        change_refuse(change, ERR_LIMIT, "another change of this account is under way");
        return OK;
    }
    change_put_user(change, user, change->name, /* password */ NULL);
    change_audit(change, "user.renamed", str_from(user->id), NULL);
    change_submit(change, renamed);
    return OK;
}

/* ---- workspaces ---- */

int accounts_add_workspace(struct auth *auth, const struct auth_caller *caller, struct str name,
                           const struct account_origin *origin, account_done_fn done, void *arg,
                           struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (!caller->is_operator) {
        change_refuse(change, ERR_DENIED, "operators make workspaces");
        return OK;
    }
    if (!sign_in_name(change, name)) {
        return OK;
    }
    if (auth->directory.workspaces.count >= ACCOUNTS_WORKSPACES_MAX) {
        change_refuse(change, ERR_LIMIT, "there are %u workspaces already",
                      ACCOUNTS_WORKSPACES_MAX);
        return OK;
    }
    if (uuid_v7(change->id, NULL)) {
        change_refuse(change, ERR_IO, "the system gives no random bytes");
        return OK;
    }
    struct store_workspace row = {
        .id = str_from(change->id), .name = str_from(change->name), .created_us = clock_now_us()};
    struct workspace *workspace = workspace_new(&row);
    change_add(change, workspace ? &workspace->record : NULL);
    people_add_member(change, str_from(change->id), caller->user_id, AUTH_ROLE_ADMIN);
    change_audit(change, "workspace.created", str_from(change->id), NULL);
    change_submit(change, /* finish */ NULL);
    return OK;
}

static void workspace_renamed(struct change *change)
{
    struct workspace *workspace =
        directory_workspace(&change->auth->directory, str_from(change->caller.workspace_id));

    if (change->code == OK && workspace &&
        record_set_text(&workspace->name, str_from(change->name))) {
        change->code = error_set(&change->error, ERR_NO_MEMORY, "out of memory");
    }
}

int accounts_rename_workspace(struct auth *auth, const struct auth_caller *caller, struct str name,
                              const struct account_origin *origin, account_done_fn done, void *arg,
                              struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);
    const struct workspace *workspace =
        directory_workspace(&auth->directory, str_from(caller->workspace_id));

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (!sign_in_name(change, name)) {
        return OK;
    }
    if (!workspace) {
        change_refuse(change, ERR_NOT_FOUND, "there is no such workspace");
        return OK;
    }
    struct store_workspace row = workspace_row(workspace);
    row.name = str_from(change->name);
    store_put_workspace(change->batch, &row);
    change_audit(change, "workspace.renamed", str_from(workspace->id), NULL);
    change_submit(change, workspace_renamed);
    return OK;
}

/* A program's account is nothing without a workspace; a person's stays: others may let them in. */
static void take_members(struct change *change, struct workspace *workspace)
{
    while (!ring_is_empty(&workspace->members)) {
        struct member *member = RECORD_OF(workspace->members.next, struct member, of_workspace);
        struct user *user = member->user;

        people_take_member(change, member);
        if (user->is_service && ring_is_empty(&user->memberships)) {
            change_take_user(change, user);
        }
    }
}

int accounts_delete_workspace(struct auth *auth, const struct auth_caller *caller, struct str id,
                              const struct account_origin *origin, account_done_fn done, void *arg,
                              struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);
    struct workspace *workspace = directory_workspace(&auth->directory, id);

    if (!change) {
        return ERR_NO_MEMORY;
    }
    if (!caller->is_operator) {
        change_refuse(change, ERR_DENIED, "operators delete workspaces");
        return OK;
    }
    if (!workspace) {
        change_refuse(change, ERR_NOT_FOUND, "there is no such workspace");
        return OK;
    }
    if (str_equal(id, STR(STORE_WORKSPACE_FIRST))) {
        change_refuse(change, ERR_EXISTS, "the first workspace stays: operators are its admins");
        return OK;
    }
    change_audit(change, "workspace.deleted", id, NULL);
    take_members(change, workspace);
    while (!ring_is_empty(&workspace->invites)) {
        change_take_code(change, RECORD_OF(workspace->invites.next, struct code, of_workspace));
    }
    change_take_workspace(change, workspace);
    change_submit(change, /* finish */ NULL);
    return OK;
}
