/*
 * The directory as the store has it: tables in an order in which what a row names is there before.
 *
 * A row that names what is not there is left out: nothing of it can be used. Rows of the table of
 * sessions are in the order of ids, which is that of their beginning, so that the last one of a
 * user says where they were last.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/directory.h"

struct load {
    struct directory *directory;
    int code;
};

/* What a row's record came to; entered: it is the directory's now. */
static bool go_on(struct load *load, struct record *record, bool entered)
{
    if (!record) {
        load->code = ERR_NO_MEMORY;
        return false;
    }
    if (!entered) {
        record_free(record);
    }
    return true;
}

static bool load_user(const struct store_user *row, void *arg)
{
    struct load *load = arg;
    struct user *user = user_new(row);

    if (user) {
        directory_add_user(load->directory, user);
    }
    return go_on(load, user ? &user->record : NULL, /* entered */ true);
}

static bool load_workspace(const struct store_workspace *row, void *arg)
{
    struct load *load = arg;
    struct workspace *workspace = workspace_new(row);

    if (workspace) {
        directory_add_workspace(load->directory, workspace);
    }
    return go_on(load, workspace ? &workspace->record : NULL, /* entered */ true);
}

static bool load_member(const struct store_member *row, void *arg)
{
    struct load *load = arg;
    struct member *member = member_new(row);

    return go_on(load, member ? &member->record : NULL,
                 member && directory_add_member(load->directory, member));
}

static bool load_session(const struct store_session *row, void *arg)
{
    struct load *load = arg;
    struct session *session = session_new(row);

    return go_on(load, session ? &session->record : NULL,
                 session && directory_add_session(load->directory, session));
}

static bool load_key(const struct store_key *row, void *arg)
{
    struct load *load = arg;
    struct key *key = key_new(row);

    return go_on(load, key ? &key->record : NULL, key && directory_add_key(load->directory, key));
}

static bool load_code(const struct store_code *row, void *arg)
{
    struct load *load = arg;
    struct code *code = code_new(row);

    return go_on(load, code ? &code->record : NULL,
                 code && directory_add_code(load->directory, code));
}

static bool load_identity(const struct store_identity *row, void *arg)
{
    struct load *load = arg;
    struct identity *identity = identity_new(row);

    return go_on(load, identity ? &identity->record : NULL,
                 identity && directory_add_identity(load->directory, identity));
}

int directory_load_workspaces(struct directory *directory, struct store *store)
{
    struct load load = {.directory = directory};
    int code = store_list_workspaces(store, load_workspace, &load);

    return code ? code : load.code;
}

int directory_load(struct directory *directory, struct store *store)
{
    struct load load = {.directory = directory};
    int code = store_list_users(store, load_user, &load);

    if (code == OK && load.code == OK) {
        code = store_list_workspaces(store, load_workspace, &load);
    }
    if (code == OK && load.code == OK) {
        code = store_list_members(store, load_member, &load);
    }
    if (code == OK && load.code == OK) {
        code = store_list_sessions(store, load_session, &load);
    }
    if (code == OK && load.code == OK) {
        code = store_list_keys(store, load_key, &load);
    }
    if (code == OK && load.code == OK) {
        code = store_list_codes(store, load_code, &load);
    }
    if (code == OK && load.code == OK) {
        code = store_list_identities(store, load_identity, &load);
    }
    return code ? code : load.code;
}
