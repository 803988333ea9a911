/*
 * Memory decides; the store follows, one batch for each change, and nobody waits for it: the answer
 * to a sign-in may be a few milliseconds ahead of the disk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/sessions.h"

#include "base/civil_time.h"
#include "monitor/log.h"

static bool enter(const struct store_session *row, void *arg)
{
    struct sessions *sessions = arg;
    struct secret_entry entry = {.created_us = row->created_us, .expires_us = row->expires_us};
    struct secret_entry dropped;

    memcpy(entry.hash.bytes, row->hash, sizeof(entry.hash.bytes));
    (void)secret_set_add(&sessions->set, &entry, &dropped);
    return true;
}

static void submit(struct sessions *sessions, struct store_batch *batch)
{
    int code = store_submit(sessions->store, batch, /* done */ NULL, NULL);

    if (code) {
        log_write(LOG_DEBUG, "auth", "a session is not kept: %s", error_code_text(code));
    }
}

/* What has expired leaves memory and, with the next change, the store. */
static void drop_expired(struct sessions *sessions, struct store_batch *batch, int64_t now_us)
{
    struct secret_entry entry;

    while (secret_set_take_expired(&sessions->set, now_us, &entry)) {
        store_delete_session(batch, entry.hash.bytes);
    }
}

int sessions_init(struct sessions *sessions, struct store *store, int64_t now_us)
{
    struct sessions made = {.store = store};
    int code = secret_set_init(&made.set, AUTH_SESSIONS_MAX);

    if (code) {
        return code;
    }
    /* All of them, expired ones too, or nobody would ever delete those. */
    code = store_list_sessions(store, /* now_us */ 0, enter, &made);
    struct store_batch *batch = code ? NULL : store_batch_new();
    if (code == OK && !batch) {
        code = ERR_NO_MEMORY;
    }
    if (code) {
        secret_set_done(&made.set);
        return code;
    }
    drop_expired(&made, batch, now_us);
    submit(&made, batch);
    *sessions = made;
    return OK;
}

void sessions_done(struct sessions *sessions)
{
    secret_set_done(&sessions->set);
}

void sessions_begin(struct sessions *sessions, const struct secret_hash *hash, int64_t now_us)
{
    struct secret_entry entry = {
        .hash = *hash, .created_us = now_us, .expires_us = now_us + AUTH_SESSION_DAYS * DAY_US};
    struct store_session row = {.created_us = entry.created_us, .expires_us = entry.expires_us};
    struct secret_entry dropped;
    bool is_full = secret_set_add(&sessions->set, &entry, &dropped);
    struct store_batch *batch = store_batch_new();

    if (!batch) {
        return;
    }
    memcpy(row.hash, hash->bytes, sizeof(row.hash));
    store_put_session(batch, &row);
    if (is_full) {
        store_delete_session(batch, dropped.hash.bytes);
    }
    drop_expired(sessions, batch, now_us);
    submit(sessions, batch);
}

bool sessions_has(const struct sessions *sessions, const struct secret_hash *hash, int64_t now_us)
{
    return secret_set_has(&sessions->set, hash, now_us);
}

void sessions_end(struct sessions *sessions, const struct secret_hash *hash, int64_t now_us)
{
    struct store_batch *batch;

    if (!secret_set_take(&sessions->set, hash, now_us) || !(batch = store_batch_new())) {
        return;
    }
    store_delete_session(batch, hash->bytes);
    drop_expired(sessions, batch, now_us);
    submit(sessions, batch);
}
