/*
 * The start and the end of an auth, and what happens by time: keys rotate, rows that the store
 * could not take are offered again, times of use are written, what ended long ago is deleted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/crypto.h>

#include "auth/auth_state.h"
#include "auth/change.h"
#include "auth/external.h"
#include "base/alloc.h"
#include "base/check.h"
#include "base/civil_time.h"
#include "loop/clock.h"
#include "monitor/log.h"

/* ---- options ---- */

static int add_hosts(struct auth *auth, const struct auth_options *options, struct error *error)
{
    for (size_t i = 0; i < options->host_count; i++) {
        int code = auth_add_host(auth, options->hosts[i], error);

        if (code) {
            return code;
        }
    }
    return OK;
}

static int add_origins(struct auth *auth, const struct auth_options *options, struct error *error)
{
    for (size_t i = 0; i < options->origin_count; i++) {
        if (auth->origin_count == AUTH_ORIGINS_MAX) {
            return error_set(error, ERR_INVALID, "cannot take more than %u origins",
                             AUTH_ORIGINS_MAX);
        }
        char *copy = alloc_text(options->origins[i]);
        if (!copy) {
            return error_set(error, ERR_NO_MEMORY, "out of memory");
        }
        auth->origins[auth->origin_count++] = copy;
    }
    return OK;
}

static int take_options(struct auth *auth, const struct auth_options *options, struct error *error)
{
    if (options->token && strlen(options->token) < AUTH_TOKEN_BYTES_MIN) {
        return error_set(error, ERR_INVALID, "the token has less than %u characters",
                         AUTH_TOKEN_BYTES_MIN);
    }
    if (auth->mode == AUTH_MODE_ACCOUNTS && options->secret.length < AUTH_SECRET_BYTES_MIN) {
        return error_set(error, ERR_INVALID, "the secret of accounts has less than %u characters",
                         AUTH_SECRET_BYTES_MIN);
    }
    if (options->token) {
        auth->has_token = true;
        auth->token = secret_hash_of(str_from(options->token));
    }
    if (options->page_origin) {
        auth->page_origin = alloc_text(options->page_origin);
        if (!auth->page_origin) {
            return error_set(error, ERR_NO_MEMORY, "out of memory");
        }
    }
    auth->allows_passwords = options->allows_passwords;
    auth->access_token_us = options->access_token_s * SECOND_US;
    auth->session_us = options->session_days * DAY_US;
    auth->idle_us = options->idle_days * DAY_US;
    int code = add_hosts(auth, options, error);
    return code ? code : add_origins(auth, options, error);
}

/* ---- the directory ---- */

/* Local mode has one user, who is in no table. */
static int add_local_user(struct directory *directory)
{
    struct store_user row = {.id = STR(AUTH_LOCAL_USER), .is_service = true};
    struct user *user = user_new(&row);

    if (!user) {
        return ERR_NO_MEMORY;
    }
    directory_add_user(directory, user);
    return OK;
}

static int load_directory(struct auth *auth, struct error *error)
{
    int code = directory_init(&auth->directory);

    if (code == OK && auth_is_local(auth)) {
        code = add_local_user(&auth->directory);
    }
    if (code == OK && !auth_is_elsewhere(auth)) { /* what is in the store is not ours then */
        code = directory_load(&auth->directory, auth->store);
    }
    return code ? error_set(error, code, "cannot read the accounts: %s", error_code_text(code))
                : OK;
}

static int init_accounts(struct auth *auth, const struct auth_options *options, struct error *error)
{
    int64_t now_us = clock_now_us();
    int code = throttle_init(&auth->throttle, options->lockout_failures, auth->store, now_us,
                             loop_now_ms(auth->loop));

    if (code) {
        return error_set(error, code, "cannot read the failed logins: %s", error_code_text(code));
    }
    code = signing_keys_init(
        &auth->signing_keys, options->secret, options->signing_key_days * DAY_US,
        auth->access_token_us + AUTH_CLOCK_SKEW_S * SECOND_US, auth->store, now_us, error);
    if (code) {
        return code;
    }
    auth->spent = alloc_zeroed(AUTH_SPENT_MAX, sizeof(*auth->spent));
    if (!auth->spent || tokens_init(&auth->tokens, &auth->signing_keys, NULL) ||
        hash_index_init(&auth->spent_hashes)) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    return OK;
}

static int init_mode(struct auth *auth, const struct auth_options *options, struct error *error)
{
    switch (auth->mode) {
    case AUTH_MODE_ACCOUNTS:
        return init_accounts(auth, options, error);
    case AUTH_MODE_ELSEWHERE:
        return auth_init_elsewhere(auth, options, error);
    case AUTH_MODE_LOCAL:
        break;
    }
    return OK;
}

static int fill(struct auth *auth, const struct auth_options *options, struct error *error)
{
    int code = take_options(auth, options, error);

    if (code == OK) {
        code = load_directory(auth, error);
    }
    if (code) {
        return code;
    }
    if (secret_set_init(&auth->codes, AUTH_CODES_MAX) || tickets_init(&auth->tickets)) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    return init_mode(auth, options, error);
}

/* ---- by time ---- */

static void keys_stored(int code, void *arg)
{
    struct auth *auth = arg;

    auth->in_store--;
    auth->is_storing_keys = false;
    if (code == OK && !auth->is_closing) {
        signing_keys_stored(&auth->signing_keys);
    }
}

static void store_keys(struct auth *auth)
{
    struct store_batch *batch = auth->is_storing_keys ? NULL : store_batch_new(STR(""));

    if (!batch) {
        return; /* the next time */
    }
    if (!signing_keys_store(&auth->signing_keys, clock_now_us(), batch)) {
        store_batch_free(batch);
        return;
    }
    auth->is_storing_keys = true;
    auth->in_store++;
    int code = store_submit(auth->store, batch, keys_stored, auth);
    if (code) {
        keys_stored(code, auth);
    }
}

static void rotate_when_due(struct auth *auth, int64_t now_us)
{
    static const struct auth_caller nobody = {.kind = AUTH_KIND_LOCAL};

    if (!signing_keys_is_due(&auth->signing_keys, now_us)) {
        return;
    }
    int code = signing_keys_rotate(&auth->signing_keys, now_us);
    if (code) {
        log_write(LOG_WARNING, "auth", "a signing key could not be made: %s",
                  error_code_text(code));
        return;
    }
    accounts_audit(auth, &nobody, "signing_key.rotated",
                   str_from(signing_keys_current(&auth->signing_keys)->id), STR(""), NULL);
}

/* The sessions and keys that were used; what the store does not take is written an hour later. */
static void store_use(struct auth *auth)
{
    struct store_batch *batch = ring_is_empty(&auth->used) ? NULL : store_batch_new(STR(""));

    for (unsigned i = 0; batch && i < AUTH_SWEEP_MAX && !ring_is_empty(&auth->used); i++) {
        struct record *record = RECORD_OF(auth->used.next, struct record, taken);

        ring_remove(&record->taken);
        if (record->kind == RECORD_SESSION) {
            struct session *session = RECORD_OF(record, struct session, record);
            struct store_session row = session_row(session);

            session->used_stored_us = session->used_us;
            store_put_session(batch, &row);
        } else {
            struct key *key = RECORD_OF(record, struct key, record);
            struct store_key row = key_row(key);

            key->used_stored_us = key->used_us;
            store_put_key(batch, &row);
        }
    }
    if (batch) {
        auth_submit(auth, batch);
    }
}

static bool ended_long_ago(const struct auth *auth, const struct session *session, int64_t now_us)
{
    int64_t limit_us = now_us - AUTH_KEEP_ENDED_US;

    return session->expires_us < limit_us ||
           (session->kind != AUTH_SESSION_LOCAL && session->used_us + auth->idle_us < limit_us);
}

/* Into unstored, whose rows are deleted with the next retry. */
static void sweep(struct auth *auth, int64_t now_us)
{
    struct directory *directory = &auth->directory;
    unsigned count = 0;

    for (size_t i = 0; i < directory->sessions.bucket_count && count < AUTH_SWEEP_MAX; i++) {
        for (struct hash_link *at = directory->sessions.buckets[i]; at;) {
            struct session *session = RECORD_OF(at, struct session, by_id);

            at = at->next;
            if (ended_long_ago(auth, session, now_us)) {
                directory_take_session(directory, session);
                ring_remove(&session->record.taken);
                ring_add_last(&auth->unstored, &session->record.taken);
                count++;
            }
        }
    }
    for (struct ring *at = directory->codes.next;
         at != &directory->codes && count < AUTH_SWEEP_MAX;) {
        struct code *code = RECORD_OF(at, struct code, of_all);

        at = at->next;
        if (code->expires_us < now_us - AUTH_KEEP_ENDED_US) {
            directory_take_code(directory, code);
            ring_add_last(&auth->unstored, &code->record.taken);
            count++;
        }
    }
    auth->swept_us = count < AUTH_SWEEP_MAX ? now_us : 0;
}

static void sweep_throttle(struct auth *auth, int64_t now_us)
{
    struct store_batch *batch = store_batch_new(STR(""));

    if (!batch) {
        return;
    }
    if (throttle_sweep(&auth->throttle, now_us, batch)) {
        auth_submit(auth, batch);
    } else {
        store_batch_free(batch);
    }
}

static void on_tick(void *arg)
{
    struct auth_tick *tick = arg;
    struct auth *auth = tick->auth;
    int64_t now_us = clock_now_us();

    if (!auth) {
        return;
    }
    if (auth_is_elsewhere(auth)) {
        auth_tick_elsewhere(auth);
        return;
    }
    if (!auth_is_local(auth)) {
        rotate_when_due(auth, now_us);
        store_keys(auth);
    }
    if (now_us - auth->swept_us >= AUTH_SWEEP_EVERY_US || now_us < auth->swept_us) {
        sweep(auth, now_us);
        if (!auth_is_local(auth)) {
            sweep_throttle(auth, now_us);
        }
    }
    store_use(auth);
    change_retry(auth);
}

/* ---- start and end ---- */

static int start_tick(struct auth *auth)
{
    struct auth_tick *tick = alloc_zeroed(1, sizeof(*tick));

    if (!tick) {
        return ERR_NO_MEMORY;
    }
    tick->auth = auth;
    loop_timer_init(auth->loop, &tick->timer, on_tick, tick);
    loop_timer_start(&tick->timer, AUTH_TICK_MS, AUTH_TICK_MS);
    auth->tick = tick;
    return OK;
}

int auth_new(const struct auth_options *options, struct auth **ret_auth, struct error *error)
{
    struct auth *auth = alloc_zeroed(1, sizeof(*auth));

    check(options->loop && (options->store || options->mode == AUTH_MODE_ELSEWHERE));
    if (!auth) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    auth->loop = options->loop;
    auth->store = options->store;
    auth->mode = options->mode;
    auth->url = "";
    ring_init(&auth->changes);
    ring_init(&auth->unstored);
    ring_init(&auth->used);
    passwords_init(&auth->passwords, auth->loop);
    auth->audit_bucket = (struct audit_bucket){.tokens_ms = AUTH_AUDIT_BURST * 1000u,
                                               .filled_ms = loop_now_ms(auth->loop)};
    int code = fill(auth, options, error);
    if (code == OK && start_tick(auth)) {
        code = error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    if (code) {
        auth_free(auth);
        return code;
    }
    if (auth->mode == AUTH_MODE_ACCOUNTS) {
        store_keys(auth);
    }
    if (!auth_is_elsewhere(auth)) {
        sweep(auth, clock_now_us());
        change_retry(auth);
    }
    *ret_auth = auth;
    return OK;
}

static void free_tick(void *arg)
{
    alloc_free(arg);
}

/* What the store and the loop have of us comes back first; nobody is told any more. */
static void wait_for_ends(struct auth *auth)
{
    auth->is_closing = true;
    passwords_done(&auth->passwords);
    if (auth->posted) {
        loop_finish_jobs(auth->loop);
    }
    while (auth->in_store) {
        (void)uv_run(loop_uv(auth->loop), UV_RUN_ONCE);
    }
    change_free_all(auth);
}

void auth_free(struct auth *auth)
{
    if (!auth) {
        return;
    }
    wait_for_ends(auth);
    if (auth->tick) {
        auth->tick->auth = NULL;
        loop_timer_stop(&auth->tick->timer);
        loop_timer_close(&auth->tick->timer, free_tick);
    }
    while (!ring_is_empty(&auth->unstored)) {
        record_free(RECORD_OF(auth->unstored.next, struct record, taken));
    }
    issuer_free(auth->issuer);
    directory_done(&auth->directory);
    throttle_done(&auth->throttle);
    tickets_done(&auth->tickets);
    tokens_done(&auth->tokens);
    signing_keys_done(&auth->signing_keys);
    secret_set_done(&auth->codes);
    hash_index_done(&auth->spent_hashes);
    alloc_free(auth->spent);
    hosts_done(&auth->hosts);
    for (size_t i = 0; i < auth->origin_count; i++) {
        alloc_free(auth->origins[i]);
    }
    alloc_free(auth->page_origin);
    OPENSSL_cleanse(auth, sizeof(*auth));
    alloc_free(auth);
}

enum auth_mode auth_mode(const struct auth *auth)
{
    return auth->mode;
}

void auth_set_url(struct auth *auth, const char *url)
{
    auth->url = url;
    if (auth->mode == AUTH_MODE_ACCOUNTS) {
        tokens_set_issuer(&auth->tokens, url);
    }
}

struct loop *auth_loop(const struct auth *auth)
{
    return auth->loop;
}

const char *auth_url(const struct auth *auth)
{
    return auth->url;
}

int auth_add_host(struct auth *auth, const char *name, struct error *error)
{
    int code = hosts_add(&auth->hosts, name);

    if (code == ERR_INVALID) {
        return error_set(error, code, "cannot take the host name '%s': %s", name,
                         name[0] ? "there are too many" : "it is empty");
    }
    return code ? error_set(error, code, "out of memory") : OK;
}

void auth_on_known(struct auth *auth, auth_known_fn fn, void *arg)
{
    auth->on_known = fn;
    auth->known_arg = arg;
}

size_t auth_issuer_keys(const struct auth *auth)
{
    return auth->issuer ? issuer_state(auth->issuer).keys : 0;
}

void auth_on_revoked(struct auth *auth, auth_revoked_fn fn, void *arg)
{
    auth->on_revoked = fn;
    auth->revoked_arg = arg;
}

void auth_tell_revoked(struct auth *auth)
{
    if (auth->on_revoked && !auth->is_closing) {
        auth->on_revoked(auth->revoked_arg);
    }
}
