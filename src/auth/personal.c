/*
 * What is kept of a person: given to them, or erased. After an erasure no table has their name or
 * e-mail; lines of the audit log and what they made for the workspace have an id that is nobody's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/people.h"
#include "base/civil_time.h"

#define EXPORT_ROWS_MAX 10000u /* of conversations and of lines of the log, each */

/* ---- giving ---- */

static void put(struct json_writer *w, const char *key, struct str text)
{
    json_key(w, key);
    json_put_str(w, text);
}

static void put_time(struct json_writer *w, const char *key, int64_t time_us)
{
    cleanup(buf_done) struct buf text;

    buf_init(&text, 64);
    json_key(w, key);
    if (!time_us) {
        json_put_null(w);
        return;
    }
    civil_print(time_us, &text);
    json_put_str(w, buf_str(&text));
}

static void export_user(struct json_writer *w, const struct user *user)
{
    json_key(w, "user");
    json_begin_object(w);
    put(w, "id", str_from(user->id));
    put(w, "email", str_from(user->email));
    put(w, "name", str_from(user->name));
    json_key(w, "is_email_verified");
    json_put_bool(w, user->is_email_verified);
    json_key(w, "has_password");
    json_put_bool(w, user->password[0] != '\0');
    put_time(w, "created_at", user->created_us);
    put_time(w, "disabled_at", user->disabled_us);
    json_end_object(w);
}

static void export_memberships(struct json_writer *w, const struct user *user)
{
    json_key(w, "memberships");
    json_begin_array(w);
    for (const struct ring *at = user->memberships.next; at != &user->memberships; at = at->next) {
        const struct member *member = RECORD_OF(at, struct member, of_user);

        json_begin_object(w);
        put(w, "workspace", str_from(member->workspace_id));
        put(w, "role", str_from(auth_role_name(member->role)));
        put_time(w, "since", member->since_us);
        json_end_object(w);
    }
    json_end_array(w);
}

static void export_sessions(struct json_writer *w, const struct user *user)
{
    json_key(w, "sessions");
    json_begin_array(w);
    for (const struct ring *at = user->sessions.next; at != &user->sessions; at = at->next) {
        const struct session *session = RECORD_OF(at, struct session, of_user);

        json_begin_object(w);
        put(w, "id", str_from(session->id));
        put(w, "workspace", str_from(session->workspace_id));
        put(w, "device", str_from(session->device));
        put(w, "address", str_from(session->network));
        put_time(w, "created_at", session->created_us);
        put_time(w, "used_at", session->used_us);
        put_time(w, "expires_at", session->expires_us);
        json_end_object(w);
    }
    json_end_array(w);
}

static void export_keys(struct json_writer *w, const struct user *user)
{
    json_key(w, "keys");
    json_begin_array(w);
    for (const struct ring *at = user->keys.next; at != &user->keys; at = at->next) {
        const struct key *key = RECORD_OF(at, struct key, of_user);

        json_begin_object(w);
        put(w, "id", str_from(key->id));
        put(w, "workspace", str_from(key->workspace_id));
        put(w, "name", str_from(key->name));
        put_time(w, "created_at", key->created_us);
        put_time(w, "used_at", key->used_us);
        put_time(w, "expires_at", key->expires_us);
        json_end_object(w);
    }
    json_end_array(w);
}

static void export_identities(struct json_writer *w, const struct user *user)
{
    json_key(w, "identities");
    json_begin_array(w);
    for (const struct ring *at = user->identities.next; at != &user->identities; at = at->next) {
        const struct identity *identity = RECORD_OF(at, struct identity, of_user);

        json_begin_object(w);
        put(w, "provider", str_from(identity->provider));
        put(w, "subject", str_from(identity->subject));
        put(w, "email", str_from(identity->email));
        put_time(w, "linked_at", identity->linked_us);
        json_end_object(w);
    }
    json_end_array(w);
}

/* One list of the store that is read page by page. */
struct export
{
    struct json_writer *w;
    struct str user_id;
    char last_id[STORE_ID_BYTES_MAX + 1];
    uint64_t last_n;
    unsigned page; /* rows of this page */
    unsigned total;
};

static bool export_thread(const struct store_thread *row, void *arg)
{
    struct export *export = arg;

    export->page++;
    export->total++;
    memcpy(export->last_id, row->id.data, row->id.length);
    export->last_id[row->id.length] = '\0';
    if (str_equal(row->owner_id, export->user_id)) {
        json_begin_object(export->w);
        put(export->w, "id", row->id);
        put(export->w, "workspace", row->workspace_id);
        json_end_object(export->w);
    }
    return true;
}

static int export_threads_of(struct auth *auth, struct export *export, const char *workspace_id)
{
    export->last_id[0] = '\0';
    do {
        export->page = 0;
        int code =
            store_list_threads(auth->store, str_from(workspace_id), str_from(export->last_id),
                               STORE_PAGE_MAX, export_thread, export);
        if (code) {
            return code;
        }
    } while (export->page == STORE_PAGE_MAX && export->total < EXPORT_ROWS_MAX);
    return OK;
}

/* Also in workspaces that they have left. */
static int export_threads(struct auth *auth, struct export *export)
{
    const struct hash_index *workspaces = &auth->directory.workspaces;
    int code = OK;

    json_key(export->w, "threads");
    json_begin_array(export->w);
    for (size_t i = 0; i < workspaces->bucket_count && code == OK; i++) {
        for (const struct hash_link *at = workspaces->buckets[i]; at && code == OK; at = at->next) {
            code = export_threads_of(auth, export, RECORD_OF(at, struct workspace, by_id)->id);
        }
    }
    json_end_array(export->w);
    json_key(export->w, "threads_are_cut");
    json_put_bool(export->w, export->total >= EXPORT_ROWS_MAX);
    return code;
}

static bool export_line(const struct store_audit *row, void *arg)
{
    struct export *export = arg;

    export->page++;
    export->total++;
    export->last_n = row->n;
    json_begin_object(export->w);
    json_key(export->w, "n");
    json_put_i64(export->w, (int64_t)row->n);
    put_time(export->w, "time", row->time_us);
    put(export->w, "workspace", row->workspace_id);
    put(export->w, "action", row->action);
    put(export->w, "target", row->target);
    put(export->w, "address", row->address);
    json_end_object(export->w);
    return true;
}

static int export_log(struct auth *auth, struct export *export)
{
    int code = OK;

    export->total = 0;
    export->last_n = 0;
    json_key(export->w, "audit");
    json_begin_array(export->w);
    do {
        export->page = 0;
        code = store_list_audit_of(auth->store, export->user_id, export->last_n, STORE_PAGE_MAX,
                                   export_line, export);
    } while (code == OK && export->page == STORE_PAGE_MAX && export->total < EXPORT_ROWS_MAX);
    json_end_array(export->w);
    json_key(export->w, "audit_is_cut");
    json_put_bool(export->w, export->total >= EXPORT_ROWS_MAX);
    return code;
}

int accounts_export(struct auth *auth, const struct auth_caller *caller, struct json_writer *w)
{
    const struct user *user = directory_user(&auth->directory, str_from(caller->user_id));
    struct export export = {.w = w, .user_id = str_from(caller->user_id)};

    if (!user) {
        return ERR_NOT_FOUND;
    }
    json_begin_object(w);
    export_user(w, user);
    export_memberships(w, user);
    export_sessions(w, user);
    export_keys(w, user);
    export_identities(w, user);
    int code = export_threads(auth, &export);
    if (code == OK) {
        code = export_log(auth, &export);
    }
    json_end_object(w);
    return code ? code : buf_status(w->out);
}

/* ---- erasing ---- */

static void take_codes_of(struct change *change, const struct user *user, const struct code *but)
{
    struct ring *codes = &change->auth->directory.codes;

    for (struct ring *at = codes->next; at != codes;) {
        struct code *code = RECORD_OF(at, struct code, of_all);

        at = at->next;
        if (code != but && (strcmp(code->user_id, user->id) == 0 ||
                            (user->email[0] && strcmp(code->email, user->email) == 0))) {
            change_take_code(change, code);
        }
    }
}

void people_take_user(struct change *change, struct user *user, const struct code *but)
{
    take_codes_of(change, user, but);
    change_take_sessions(change, user, /* but */ NULL, /* workspace */ STR(""));
    while (!ring_is_empty(&user->memberships)) {
        people_take_member(change, RECORD_OF(user->memberships.next, struct member, of_user));
    }
    while (!ring_is_empty(&user->keys)) {
        change_take_key(change, RECORD_OF(user->keys.next, struct key, of_user));
    }
    while (!ring_is_empty(&user->identities)) {
        change_take_identity(change, RECORD_OF(user->identities.next, struct identity, of_user));
    }
    change_audit(change, "account.erased", str_from(user->id), NULL);
    change_take_user(change, user);
}

/* A workspace with other members that they are the last admin of; NULL. */
static const struct workspace *left_alone(const struct user *user)
{
    for (const struct ring *at = user->memberships.next; at != &user->memberships; at = at->next) {
        const struct member *member = RECORD_OF(at, struct member, of_user);
        const struct ring *members = &member->workspace->members;

        if (people_is_last_admin(member) && members->next->next != members) {
            return member->workspace;
        }
    }
    return NULL;
}

static void erase(struct change *change)
{
    struct auth *auth = change->auth;
    struct user *user = change_user(change);
    const struct workspace *alone = user ? left_alone(user) : NULL;

    if (!user) {
        change_refuse(change, ERR_NOT_FOUND, "there is no such account");
        return;
    }
    if (alone) {
        change_refuse(change, ERR_EXISTS, "you are the last admin of the workspace \"%s\"",
                      alone->name);
        error_hint(&change->error, "Make somebody else an admin there, or remove its members.");
        return;
    }
    throttle_forgive(&auth->throttle, &change->hash, change->batch);
    people_take_user(change, user, /* but */ NULL);
    change_submit(change, /* finish */ NULL);
}

static void erase_checked(int code, const char *encoded, void *arg)
{
    struct change *change = arg;
    struct auth *auth = change->auth;

    (void)encoded;
    if (code == OK) {
        if (password_has_session(change)) {
            erase(change);
        }
        return;
    }
    if (code != ERR_DENIED) {
        throttle_undo(&auth->throttle, &change->hash);
        sign_in_busy(change, code);
        return;
    }
    throttle_failed(&auth->throttle, &change->hash, change->batch);
    change_audit(change, "password.refused", str_from(change->user_id), NULL);
    change->keeps_batch = true;
    change_refuse(change, ERR_DENIED, "the password is another one");
}

int accounts_erase(struct auth *auth, const struct auth_caller *caller, struct str password_text,
                   bool with_threads, const struct account_origin *origin, account_done_fn done,
                   void *arg, struct error *error)
{
    struct change *change = change_new(auth, caller, origin, done, arg, error);
    struct user *user = directory_user(&auth->directory, str_from(caller->user_id));
    struct password password;

    if (!change) {
        return ERR_NO_MEMORY;
    }
    change->with_threads = with_threads;
    if (!user || user->is_service || !sign_in_session(auth, caller)) {
        change_refuse(change, ERR_DENIED, "only people who are signed in can erase their account");
        return OK;
    }
    if (!user->password[0]) {
        memcpy(change->user_id, user->id, sizeof(change->user_id));
        change->hash = secret_hash_of(str_from(user->email));
        erase(change);
        return OK;
    }
    if (!password_begin_try(change, user)) {
        return OK;
    }
    bool is_prepared = password_prepare(password_text, &password) == OK;
    int code = passwords_check(&auth->passwords, is_prepared ? &password : NULL, user->password,
                               erase_checked, change);
    password_wipe(&password);
    if (code) {
        throttle_undo(&auth->throttle, &change->hash);
        sign_in_busy(change, code);
    }
    return OK;
}
