/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/sessions.h"

#include "base/civil_time.h"

#define SESSION_DAYS 30
#define SESSIONS_MAX 1000u

int sessions_init(struct sessions *sessions, struct store *store, int64_t now_us)
{
    (void)now_us;
    *sessions = (struct sessions){.store = store};
    return secret_set_init(&sessions->set, SESSIONS_MAX);
}

void sessions_done(struct sessions *sessions)
{
    secret_set_done(&sessions->set);
}

void sessions_begin(struct sessions *sessions, const struct secret_hash *hash, int64_t now_us)
{
    struct secret_entry entry = {
        .hash = *hash, .created_us = now_us, .expires_us = now_us + SESSION_DAYS * DAY_US};
    struct secret_entry dropped;

    (void)secret_set_add(&sessions->set, &entry, &dropped);
}

bool sessions_has(const struct sessions *sessions, const struct secret_hash *hash, int64_t now_us)
{
    return secret_set_has(&sessions->set, hash, now_us);
}

void sessions_end(struct sessions *sessions, const struct secret_hash *hash, int64_t now_us)
{
    (void)secret_set_take(&sessions->set, hash, now_us);
}
