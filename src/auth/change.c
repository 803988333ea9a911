/*
 * The batch and the directory follow each other: what is taken out is deleted in the batch, what is
 * put into the batch is entered when it is durable. Everything else is told by the flags of change.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/change.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/check.h"
#include "loop/clock.h"
#include "monitor/log.h"

static void free_records(struct ring *records)
{
    while (!ring_is_empty(records)) {
        record_free(RECORD_OF(records->next, struct record, taken));
    }
}

static void free_change(struct change *change)
{
    store_batch_free(change->batch);
    free_records(&change->taken);
    free_records(&change->added);
    ring_remove(&change->of_auth);
    OPENSSL_cleanse(change, sizeof(*change));
    alloc_free(change);
}

void change_free_all(struct auth *auth)
{
    while (!ring_is_empty(&auth->changes)) {
        free_change(RECORD_OF(auth->changes.next, struct change, of_auth));
    }
}

/* A User-Agent, cut where a character ends, without control characters. */
static void copy_device(struct str from, char device[DIRECTORY_DEVICE_MAX + 1])
{
    size_t length = from.length < DIRECTORY_DEVICE_MAX ? from.length : DIRECTORY_DEVICE_MAX;

    while (length && length < from.length && ((unsigned char)from.data[length] & 0xc0) == 0x80) {
        length--;
    }
    if (!str_is_utf8(str_slice(from, 0, length))) {
        length = 0;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)from.data[i];

        device[i] = c < 0x20 || c == 0x7f ? ' ' : from.data[i];
    }
    device[length] = '\0';
}

struct change *change_new(struct auth *auth, const struct auth_caller *caller,
                          const struct account_origin *origin, account_done_fn done, void *arg,
                          struct error *error)
{
    struct change *change = alloc_zeroed(1, sizeof(*change));
    struct store_batch *batch = change ? store_batch_new(STR("")) : NULL;

    if (!batch) {
        alloc_free(change);
        (void)error_set(error, ERR_NO_MEMORY, "out of memory");
        return NULL;
    }
    change->auth = auth;
    change->batch = batch;
    change->done = done;
    change->arg = arg;
    ring_init(&change->taken);
    ring_init(&change->added);
    ring_add_last(&auth->changes, &change->of_auth);
    if (caller) {
        change->caller = *caller;
    }
    if (origin) {
        auth_network_of(origin->address, change->network);
        copy_device(origin->device, change->device);
    }
    return change;
}

/* ---- the end ---- */

static void tell(struct change *change)
{
    struct account_outcome outcome = {
        .code = change->code, .error = &change->error, .retry_after_s = change->retry_after_s};

    if (change->code == OK) {
        outcome.grant = change->has_grant ? &change->grant : NULL;
        outcome.id = change->id[0] ? change->id : NULL;
        outcome.secret = change->secret[0] ? change->secret : NULL;
        outcome.expires_us = change->expires_us;
    }
    if (change->done) {
        change->done(&outcome, change->arg);
    }
}

static bool enter(struct directory *directory, struct record *record)
{
    switch (record->kind) {
    case RECORD_USER:
        directory_add_user(directory, RECORD_OF(record, struct user, record));
        return true;
    case RECORD_WORKSPACE:
        directory_add_workspace(directory, RECORD_OF(record, struct workspace, record));
        return true;
    case RECORD_MEMBER:
        return directory_add_member(directory, RECORD_OF(record, struct member, record));
    case RECORD_SESSION:
        return directory_add_session(directory, RECORD_OF(record, struct session, record));
    case RECORD_KEY:
        return directory_add_key(directory, RECORD_OF(record, struct key, record));
    case RECORD_CODE:
        return directory_add_code(directory, RECORD_OF(record, struct code, record));
    case RECORD_IDENTITY:
        return directory_add_identity(directory, RECORD_OF(record, struct identity, record));
    }
    return false;
}

/* What does not fit any more (its user was erased, all sessions were ended meanwhile) leaves the
 * store again. A member that there is already is none of them: the store has one row for both. */
static void enter_added(struct change *change)
{
    struct auth *auth = change->auth;

    while (!ring_is_empty(&change->added)) {
        struct record *record = RECORD_OF(change->added.next, struct record, taken);

        ring_remove(&record->taken);
        if (enter(&auth->directory, record)) {
            continue;
        }
        if (record->kind == RECORD_MEMBER) {
            record_free(record);
            continue;
        }
        ring_add_last(&auth->unstored, &record->taken);
        change->code = ERR_DENIED;
        (void)error_set(&change->error, ERR_DENIED, "it was ended while it was begun");
    }
}

/* The store has failed: codes come back, the rest stays taken. */
static void give_back(struct change *change)
{
    struct auth *auth = change->auth;

    while (!ring_is_empty(&change->taken)) {
        struct record *record = RECORD_OF(change->taken.next, struct record, taken);

        ring_remove(&record->taken);
        if (record->kind != RECORD_CODE || !change->gives_codes_back ||
            !enter(&auth->directory, record)) {
            ring_add_last(&auth->unstored, &record->taken);
        }
    }
    free_records(&change->added);
}

static void end(struct change *change, int code)
{
    struct auth *auth = change->auth;

    if (!auth->is_closing) {
        change->code = code;
        if (code) {
            (void)error_set(&change->error, code, "cannot store the change: %s",
                            error_code_text(code));
            give_back(change);
        } else {
            enter_added(change);
        }
        if (change->finish) {
            change->finish(change);
        }
        tell(change);
    }
    free_change(change);
}

static void stored(int code, void *arg)
{
    struct change *change = arg;

    change->auth->in_store--;
    end(change, code);
}

/* From a message: the batch was not taken, or the outcome is known. */
static void end_refused(void *arg)
{
    struct change *change = arg;

    change->auth->posted--;
    if (!change->is_refused) {
        end(change, change->code);
        return;
    }
    if (!change->auth->is_closing) {
        give_back(change);
        tell(change);
    }
    free_change(change);
}

static void end_later(struct change *change)
{
    change->message = (struct loop_message){.fn = end_refused, .arg = change};
    change->auth->posted++;
    loop_post(change->auth->loop, &change->message);
}

void change_refuse(struct change *change, int code, const char *format, ...)
{
    char message[ERROR_MESSAGE_BYTES_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    (void)error_set(&change->error, code, "%s", message);
    change->code = code;
    change->is_refused = true;
    if (change->keeps_batch) {
        auth_submit_line(change->auth, TAKE(change->batch));
    }
    end_later(change);
}

void change_submit(struct change *change, change_fn fn)
{
    struct auth *auth = change->auth;
    bool has_taken = change->has_taken;

    change->finish = fn;
    if (change->code) { /* no memory for a record */
        store_batch_free(TAKE(change->batch));
        end_later(change);
    } else {
        change->code = store_submit(auth->store, TAKE(change->batch), stored, change);
        if (change->code) {
            end_later(change);
        } else {
            auth->in_store++;
        }
    }
    if (has_taken) {
        auth_tell_revoked(auth);
    }
}

void change_audit(struct change *change, const char *action, struct str target, const char *detail)
{
    auth_audit_put(change->batch, &change->caller, action, target, change->network, detail);
}

/* ---- taking ---- */

static void delete_row(struct store_batch *batch, const struct record *record)
{
    switch (record->kind) {
    case RECORD_USER: {
        const struct user *user = RECORD_OF(record, struct user, record);
        store_delete_user(batch, str_from(user->id));
        store_erase_owner(batch, str_from(user->id), user->loses_threads);
        break;
    }
    case RECORD_MEMBER: {
        const struct member *member = RECORD_OF(record, struct member, record);
        store_delete_member(batch, str_from(member->workspace_id), str_from(member->user_id));
        break;
    }
    case RECORD_SESSION:
        store_delete_session(batch, str_from(RECORD_OF(record, struct session, record)->id));
        break;
    case RECORD_KEY:
        store_delete_key(batch, str_from(RECORD_OF(record, struct key, record)->id));
        break;
    case RECORD_CODE:
        store_delete_code(batch, RECORD_OF(record, struct code, record)->hash.bytes);
        break;
    case RECORD_IDENTITY: {
        const struct identity *identity = RECORD_OF(record, struct identity, record);
        store_delete_identity(batch, str_from(identity->provider), str_from(identity->user_id));
        break;
    }
    case RECORD_WORKSPACE:
        store_delete_workspace(batch, str_from(RECORD_OF(record, struct workspace, record)->id));
        break;
    }
}

static void take(struct change *change, struct record *record)
{
    delete_row(change->batch, record);
    ring_remove(&record->taken); /* of what was used */
    ring_add_last(&change->taken, &record->taken);
    change->has_taken = change->has_taken || record->kind != RECORD_CODE;
}

void change_take_session(struct change *change, struct session *session)
{
    directory_take_session(&change->auth->directory, session);
    take(change, &session->record);
}

void change_take_key(struct change *change, struct key *key)
{
    directory_take_key(&change->auth->directory, key);
    take(change, &key->record);
}

void change_take_code(struct change *change, struct code *code)
{
    directory_take_code(&change->auth->directory, code);
    take(change, &code->record);
}

void change_take_member(struct change *change, struct member *member)
{
    directory_take_member(&change->auth->directory, member);
    take(change, &member->record);
}

void change_take_identity(struct change *change, struct identity *identity)
{
    directory_take_identity(&change->auth->directory, identity);
    take(change, &identity->record);
}

void change_take_user(struct change *change, struct user *user)
{
    directory_take_user(&change->auth->directory, user);
    user->loses_threads = change->with_threads;
    take(change, &user->record);
}

void change_take_workspace(struct change *change, struct workspace *workspace)
{
    directory_take_workspace(&change->auth->directory, workspace);
    take(change, &workspace->record);
}

void change_take_sessions(struct change *change, struct user *user, const struct session *but,
                          struct str workspace_id)
{
    for (struct ring *at = user->sessions.next; at != &user->sessions;) {
        struct session *session = RECORD_OF(at, struct session, of_user);

        at = at->next;
        if (session != but && (workspace_id.length == 0 ||
                               str_equal(str_from(session->workspace_id), workspace_id))) {
            change_take_session(change, session);
        }
    }
    if (workspace_id.length == 0) {
        user->epoch++; /* also those that are on their way into the store */
        for (struct ring *at = user->sessions.next; at != &user->sessions; at = at->next) {
            RECORD_OF(at, struct session, of_user)->epoch = user->epoch;
        }
    }
}

/* ---- adding ---- */

static void put_row(struct store_batch *batch, const struct record *record)
{
    switch (record->kind) {
    case RECORD_USER: {
        struct store_user row = user_row(RECORD_OF(record, struct user, record));
        store_put_user(batch, &row);
        break;
    }
    case RECORD_WORKSPACE: {
        struct store_workspace row = workspace_row(RECORD_OF(record, struct workspace, record));
        store_put_workspace(batch, &row);
        break;
    }
    case RECORD_MEMBER: {
        struct store_member row = member_row(RECORD_OF(record, struct member, record));
        store_put_member(batch, &row);
        break;
    }
    case RECORD_SESSION: {
        struct store_session row = session_row(RECORD_OF(record, struct session, record));
        store_put_session(batch, &row);
        break;
    }
    case RECORD_KEY: {
        struct store_key row = key_row(RECORD_OF(record, struct key, record));
        store_put_key(batch, &row);
        break;
    }
    case RECORD_CODE: {
        struct store_code row = code_row(RECORD_OF(record, struct code, record));
        store_put_code(batch, &row);
        break;
    }
    case RECORD_IDENTITY: {
        struct store_identity row = identity_row(RECORD_OF(record, struct identity, record));
        store_put_identity(batch, &row);
        break;
    }
    }
}

void change_add(struct change *change, struct record *record)
{
    if (!record) {
        change->code = ERR_NO_MEMORY;
    } else if (change->code) {
        record_free(record);
    } else {
        put_row(change->batch, record);
        ring_add_last(&change->added, &record->taken);
    }
}

static bool is_email(const struct record *record, struct str email)
{
    return record->kind == RECORD_USER &&
           str_equal(str_from(RECORD_OF(record, struct user, record)->email), email);
}

static bool is_identity(const struct record *record, struct str provider, struct str subject)
{
    if (record->kind != RECORD_IDENTITY) {
        return false;
    }
    const struct identity *identity = RECORD_OF(record, struct identity, record);
    return str_equal(str_from(identity->provider), provider) &&
           str_equal(str_from(identity->subject), subject);
}

bool change_makes_user(const struct auth *auth, struct str email, struct str provider,
                       struct str subject)
{
    for (struct ring *at = auth->changes.next; at != &auth->changes; at = at->next) {
        const struct change *change = RECORD_OF(at, struct change, of_auth);

        for (struct ring *in = change->added.next; in != &change->added; in = in->next) {
            const struct record *record = RECORD_OF(in, struct record, taken);

            if ((email.length && is_email(record, email)) ||
                (subject.length && is_identity(record, provider, subject))) {
                return true;
            }
        }
    }
    return false;
}

bool change_puts_user(const struct auth *auth, struct str user_id)
{
    for (struct ring *at = auth->changes.next; at != &auth->changes; at = at->next) {
        const struct change *change = RECORD_OF(at, struct change, of_auth);

        if (change->puts_user && str_equal(str_from(change->user_id), user_id)) {
            return true;
        }
    }
    return false;
}

void change_put_user(struct change *change, const struct user *user, const char *name,
                     const char *password)
{
    struct store_user row = user_row(user);

    if (name) {
        row.name = str_from(name);
    }
    if (password) {
        row.password = str_from(password);
    }
    store_put_user(change->batch, &row);
    change->puts_user = true;
    memcpy(change->user_id, user->id, sizeof(change->user_id));
}

struct user *change_user(const struct change *change)
{
    return directory_user(&change->auth->directory, str_from(change->user_id));
}

/* ---- what the store could not follow ---- */

struct retry {
    struct auth *auth;
    struct ring records;
    bool has_roles;
};

/* Puts the roles that the store does not have into batch; without one: it has them. */
static void each_unstored_role(struct auth *auth, struct store_batch *batch)
{
    const struct hash_index *members = &auth->directory.members;

    for (size_t i = 0; i < members->bucket_count; i++) {
        for (struct hash_link *at = members->buckets[i]; at; at = at->next) {
            struct member *member = RECORD_OF(at, struct member, by_pair);

            if (member->is_unstored && batch) {
                put_row(batch, &member->record);
            }
            member->is_unstored = member->is_unstored && batch;
        }
    }
}

static void retried(int code, void *arg)
{
    struct retry *retry = arg;
    struct auth *auth = retry->auth;

    auth->in_store--;
    auth->is_retrying = false;
    if (code == OK && retry->has_roles) {
        each_unstored_role(auth, /* batch */ NULL);
    }
    while (code && !ring_is_empty(&retry->records)) {
        struct ring *at = retry->records.next;

        ring_remove(at);
        ring_add_last(&auth->unstored, at);
    }
    auth->has_unstored_roles = auth->has_unstored_roles || (code && retry->has_roles);
    free_records(&retry->records);
    alloc_free(retry);
}

void change_retry(struct auth *auth)
{
    if (auth->is_retrying || (ring_is_empty(&auth->unstored) && !auth->has_unstored_roles)) {
        return;
    }
    struct retry *retry = alloc_zeroed(1, sizeof(*retry));
    struct store_batch *batch = retry ? store_batch_new(STR("")) : NULL;
    if (!batch) {
        alloc_free(retry);
        return; /* the next time */
    }
    retry->auth = auth;
    retry->has_roles = auth->has_unstored_roles;
    auth->has_unstored_roles = false;
    ring_init(&retry->records);
    for (unsigned i = 0; i < AUTH_SWEEP_MAX && !ring_is_empty(&auth->unstored); i++) {
        struct record *record = RECORD_OF(auth->unstored.next, struct record, taken);

        ring_remove(&record->taken);
        ring_add_last(&retry->records, &record->taken);
        delete_row(batch, record);
    }
    if (retry->has_roles) {
        each_unstored_role(auth, batch);
    }
    auth->is_retrying = true;
    auth->in_store++;
    int code = store_submit(auth->store, batch, retried, retry);
    if (code) {
        retried(code, retry);
    }
}
