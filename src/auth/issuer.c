/*
 * Two kinds of questions to the auth service, both answered later: for its keys (one at a time) and
 * about a credential (one at a time for each). Who waits is in one list, with what they wait for:
 * a known, or NULL for the keys.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/issuer.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "auth/accounts.h"
#include "auth/introspection.h"
#include "auth/oidc_fetch.h"
#include "base/alloc.h"
#include "base/check.h"
#include "monitor/log.h"
#include "json/json_write.h"

#define KEYS_PATH     "/.well-known/jwks.json"
#define VALIDATE_PATH "/auth/validate"
#define KEYS_FILE     "jwks.json"
#define URL_BYTES_MAX 512u
#define KEY_BYTES_MAX 128u /* of an API key: ours have 53 */

const struct issuer_times issuer_times_default = {.recheck_ms = 10000,
                                                  .holds_ms = 15000,
                                                  .refused_ms = 5000,
                                                  .key_keeps_ms = 300000,
                                                  .ask_ms = 2000,
                                                  .retry_ms = 2000};

/* A question about a credential. */
struct ask {
    struct ring link;
    struct issuer *issuer;
    struct known *known;
    struct oidc_fetch fetch;
};

struct waiting {
    struct ring link;
    const struct known *known; /* NULL: for the keys */
    http_id id;
};

struct issuer {
    struct issuer_options options;
    struct issuer_times times;
    struct jwks keys;
    struct tokens tokens; /* checks with keys */
    struct known_table known;
    struct ring asks;
    unsigned ask_count;
    struct ring waiting;
    unsigned waiting_count;
    bool is_silent;
    uint64_t asked_ms; /* the last question that was begun while it is silent */
    struct oidc_fetch fetch;
    bool is_fetching;
    bool has_fetched;       /* since the start */
    uint64_t fetch_ms;      /* when the last one ended */
    uint64_t kid_tokens_ms; /* thousandths of ISSUER_KID_EVERY_MS … */
    uint64_t kid_filled_ms;
    char file[PATH_MAX];
    struct loop_job save;
    struct buf saved; /* the text that a worker writes */
    bool is_saving;
    bool must_save;  /* another set came meanwhile */
    bool has_failed; /* the last one was not kept; the worker's while it is saving */
    struct issuer_state counts;
};

static uint64_t now_ms(const struct issuer *issuer)
{
    return loop_now_ms(issuer->options.loop);
}

/* ---- who waits ---- */

static bool wait_for(struct issuer *issuer, const struct known *known, http_id id)
{
    struct waiting *waiting =
        id && issuer->waiting_count < ISSUER_WAITING_MAX ? alloc_zeroed(1, sizeof(*waiting)) : NULL;

    if (!waiting) {
        return false;
    }
    waiting->known = known;
    waiting->id = id;
    ring_add_last(&issuer->waiting, &waiting->link);
    issuer->waiting_count++;
    return true;
}

static void take_waiting(struct issuer *issuer, struct waiting *waiting)
{
    ring_remove(&waiting->link);
    issuer->waiting_count--;
    alloc_free(waiting);
}

static void wake(struct issuer *issuer, const struct known *known)
{
    for (struct ring *at = issuer->waiting.next; at != &issuer->waiting;) {
        struct waiting *waiting = RECORD_OF(at, struct waiting, link);

        at = at->next;
        if (waiting->known == known) {
            http_id id = waiting->id;

            take_waiting(issuer, waiting);
            issuer->options.on_known(id, issuer->options.arg);
        }
    }
}

/* ---- whether it answers ---- */

static void heard(struct issuer *issuer)
{
    if (issuer->is_silent) {
        log_write(LOG_INFO, "auth", "the auth service answers again");
    }
    issuer->is_silent = false;
}

static void heard_nothing(struct issuer *issuer, const struct error *why)
{
    if (!issuer->is_silent) {
        log_write(LOG_WARNING, "auth",
                  "the auth service does not answer: %s; access tokens are taken by their "
                  "signature until it does",
                  why->message);
    }
    issuer->is_silent = true;
}

/* ---- its keys ---- */

/* Worker. The loop does not touch the text meanwhile. */
static void save(void *arg)
{
    struct issuer *issuer = arg;
    struct error error = {0};

    issuer->has_failed = jwks_save(issuer->file, buf_str(&issuer->saved), &error) != OK;
    if (issuer->has_failed) {
        log_write(LOG_WARNING, "auth", "the auth service's keys are not kept: %s", error.message);
    }
}

static void keep_keys(struct issuer *issuer)
{
    if (!issuer->file[0]) {
        return;
    }
    issuer->must_save = issuer->is_saving; /* the text is the worker's: when it has come back */
    if (issuer->is_saving) {
        return;
    }
    buf_clear(&issuer->saved);
    jwks_write(&issuer->keys, str_from(issuer->options.url), &issuer->saved);
    if (!buf_status(&issuer->saved)) {
        issuer->is_saving = true;
        loop_work(issuer->options.loop, &issuer->save);
    }
}

static void is_saved(void *arg)
{
    struct issuer *issuer = arg;

    issuer->is_saving = false;
    if (issuer->must_save) {
        keep_keys(issuer);
    }
}

static void take_keys(struct issuer *issuer, struct jwks *set)
{
    bool is_same = jwks_equal(set, &issuer->keys);

    jwks_done(&issuer->keys);
    issuer->keys = *set;
    if (!is_same) {
        tokens_set_issuer(&issuer->tokens, issuer->options.url); /* verified ones are forgotten */
    }
    if (!is_same || (!issuer->is_saving && issuer->has_failed)) {
        keep_keys(issuer);
    }
}

static void keys_came(struct oidc_fetch *fetch, int code, const struct error *error)
{
    struct issuer *issuer = fetch->arg;
    struct error why = *error;
    struct jwks set;

    issuer->is_fetching = false;
    issuer->fetch_ms = now_ms(issuer);
    if (code == OK) {
        code = jwks_read(buf_str(&fetch->body), str_from(issuer->options.url), &set, &why);
    }
    if (code == OK) {
        issuer->has_fetched = true;
        issuer->counts.fetched++;
        take_keys(issuer, &set);
        heard(issuer);
    } else {
        issuer->has_fetched = false;
        heard_nothing(issuer, &why);
    }
    oidc_fetch_stop(fetch);
    wake(issuer, NULL);
}

static bool fetch_keys(struct issuer *issuer)
{
    char url[URL_BYTES_MAX];
    struct error error = {0};

    if (issuer->is_fetching) {
        return true;
    }
    (void)snprintf(url, sizeof(url), "%s" KEYS_PATH, issuer->options.url);
    struct oidc_question question = {.url = str_from(url), .timeout_ms = issuer->times.ask_ms};
    issuer->fetch.client = issuer->options.client;
    issuer->fetch.done = keys_came;
    issuer->fetch.arg = issuer;
    issuer->is_fetching = oidc_fetch_start(&issuer->fetch, &question, &error) == OK;
    if (!issuer->is_fetching) {
        issuer->fetch_ms = now_ms(issuer);
        heard_nothing(issuer, &error);
    }
    return issuer->is_fetching;
}

/* A kid that is not known may be a new key, or be made up: few fetches for those. */
static bool may_fetch_for_kid(struct issuer *issuer)
{
    uint64_t now = now_ms(issuer);

    issuer->kid_tokens_ms += now - issuer->kid_filled_ms;
    issuer->kid_filled_ms = now;
    if (issuer->kid_tokens_ms > (uint64_t)ISSUER_KID_BURST * ISSUER_KID_EVERY_MS) {
        issuer->kid_tokens_ms = (uint64_t)ISSUER_KID_BURST * ISSUER_KID_EVERY_MS;
    }
    if (issuer->is_fetching) {
        return true;
    }
    if (issuer->kid_tokens_ms < ISSUER_KID_EVERY_MS) {
        return false;
    }
    issuer->kid_tokens_ms -= ISSUER_KID_EVERY_MS;
    return true;
}

static enum issuer_word judge_unknown_kid(struct issuer *issuer, http_id waiter,
                                          enum auth_flaw *ret_flaw)
{
    if (waiter && may_fetch_for_kid(issuer) && fetch_keys(issuer) &&
        wait_for(issuer, /* known */ NULL, waiter)) {
        return ISSUER_WAIT;
    }
    *ret_flaw = AUTH_FLAW_KEY;
    return issuer->keys.count ? ISSUER_BAD : ISSUER_SILENT;
}

void issuer_tick(struct issuer *issuer)
{
    uint64_t every_ms = issuer->has_fetched ? ISSUER_KEYS_EVERY_MS : ISSUER_KEYS_RETRY_MS;

    if (now_ms(issuer) - issuer->fetch_ms >= every_ms) {
        (void)fetch_keys(issuer);
    }
}

/* ---- about a credential ---- */

static bool is_narrower(const struct known *known, const struct introspection *told)
{
    return !told->is_active || (known->caller.may & ~told->caller.may) ||
           strcmp(known->caller.workspace_id, told->caller.workspace_id) != 0;
}

static void take_answer(struct issuer *issuer, struct known *known,
                        const struct introspection *told)
{
    bool is_loss = known->has_caller && !known->is_refused && is_narrower(known, told);

    if (told->is_active) {
        known_set_caller(&issuer->known, known, &told->caller);
        known->expires_us = told->expires_us;
    }
    known_set_answer(&issuer->known, known, !told->is_active, now_ms(issuer));
    if (is_loss) {
        issuer->options.on_revoked(issuer->options.arg);
    }
}

static void drop_ask(struct ask *ask)
{
    ring_remove(&ask->link);
    ask->issuer->ask_count--;
    ask->known->is_asking = false;
    oidc_fetch_stop(&ask->fetch);
    alloc_free(ask);
}

/* 401: the credential is not (any more) one that may ask. */
static void answer_came(struct oidc_fetch *fetch, int code, const struct error *error)
{
    struct ask *ask = fetch->arg;
    struct issuer *issuer = ask->issuer;
    struct known *known = ask->known;
    struct introspection told = {.is_active = false};
    struct error why = *error;
    bool is_refused = fetch->status == 401;

    if (code == OK) {
        code = introspection_read(buf_str(&fetch->body), &told, &why);
    }
    drop_ask(ask);
    if (code == OK || is_refused) {
        heard(issuer);
        take_answer(issuer, known, &told);
    } else {
        heard_nothing(issuer, &why);
    }
    wake(issuer, known);
}

static int start_ask(struct ask *ask, struct error *error)
{
    struct issuer *issuer = ask->issuer;
    struct str secret = {ask->known->secret, ask->known->secret_length};
    cleanup(buf_done) struct buf bearer;
    cleanup(buf_done) struct buf body;
    char url[URL_BYTES_MAX];

    buf_init(&bearer, AUTH_TOKEN_BYTES_MAX + sizeof("Bearer "));
    buf_init(&body, 2 * AUTH_TOKEN_BYTES_MAX);
    buf_append(&bearer, STR("Bearer "));
    buf_append(&bearer, secret);
    struct json_writer w = json_writer_on(&body);
    json_begin_object(&w);
    json_key(&w, "token");
    json_put_str(&w, secret);
    json_end_object(&w);
    int code = buf_status(&bearer) ? buf_status(&bearer) : buf_status(&body);
    if (code) {
        return error_set(error, code, "%s", error_code_text(code));
    }
    (void)snprintf(url, sizeof(url), "%s" VALIDATE_PATH, issuer->options.url);
    struct oidc_question question = {.url = str_from(url),
                                     .json = buf_str(&body),
                                     .authorization = buf_str(&bearer),
                                     .timeout_ms = issuer->times.ask_ms};
    code = oidc_fetch_start(&ask->fetch, &question, error);
    OPENSSL_cleanse(bearer.data, bearer.length);
    OPENSSL_cleanse(body.data, body.length);
    return code;
}

/* False: nobody will answer. */
static bool ask_about(struct issuer *issuer, struct known *known)
{
    struct error error = {0};
    uint64_t now = now_ms(issuer);

    if (known->is_asking) {
        return true;
    }
    if (issuer->ask_count >= ISSUER_ASKS_MAX ||
        (issuer->is_silent && now - issuer->asked_ms < issuer->times.retry_ms)) {
        return false;
    }
    struct ask *ask = alloc_zeroed(1, sizeof(*ask));
    if (!ask) {
        return false;
    }
    ask->issuer = issuer;
    ask->known = known;
    ask->fetch =
        (struct oidc_fetch){.client = issuer->options.client, .done = answer_came, .arg = ask};
    ring_add_last(&issuer->asks, &ask->link);
    issuer->ask_count++;
    issuer->asked_ms = now;
    known->is_asking = true;
    issuer->counts.asked++;
    if (start_ask(ask, &error)) {
        heard_nothing(issuer, &error);
        drop_ask(ask);
        return false;
    }
    return true;
}

static bool is_fresh(const struct issuer *issuer, const struct known *known, uint64_t limit_ms)
{
    return known->has_answer && now_ms(issuer) - known->answered_ms < limit_ms;
}

/* What is known of it, without another question. */
static enum issuer_word judge_known(const struct issuer *issuer, const struct known *known,
                                    int64_t now_us, struct auth_caller *ret_caller,
                                    enum auth_flaw *ret_flaw)
{
    if (known->is_refused) {
        *ret_flaw = known->is_key ? AUTH_FLAW_UNKNOWN : AUTH_FLAW_REVOKED;
        return ISSUER_BAD;
    }
    if (!known->has_caller ||
        (known->is_key && !is_fresh(issuer, known, issuer->times.key_keeps_ms))) {
        return ISSUER_SILENT;
    }
    if (known->expires_us && now_us >= known->expires_us) {
        *ret_flaw = AUTH_FLAW_EXPIRED;
        return ISSUER_BAD;
    }
    *ret_caller = known->caller;
    return ISSUER_GOOD;
}

static enum issuer_word judge_credential(struct issuer *issuer, struct known *known, http_id waiter,
                                         int64_t now_us, struct auth_caller *ret_caller,
                                         enum auth_flaw *ret_flaw)
{
    uint64_t holds_ms = known->is_refused ? issuer->times.refused_ms : issuer->times.holds_ms;

    known_touch(&issuer->known, known);
    if (is_fresh(issuer, known, holds_ms)) {
        if (!known->is_refused && !is_fresh(issuer, known, issuer->times.recheck_ms)) {
            (void)ask_about(issuer, known);
        }
        return judge_known(issuer, known, now_us, ret_caller, ret_flaw);
    }
    bool can_wait = waiter && !issuer->is_silent;
    if (ask_about(issuer, known) && can_wait && wait_for(issuer, known, waiter)) {
        return ISSUER_WAIT;
    }
    return judge_known(issuer, known, now_us, ret_caller, ret_flaw);
}

/* Who a token says that it is of, when nobody else can be asked. */
static struct auth_caller caller_of(const struct token_claims *claims)
{
    bool has_session = claims->session_id[0] != '\0';
    struct auth_caller caller = {.kind = has_session ? AUTH_KIND_TOKEN : AUTH_KIND_SERVICE,
                                 .role = claims->role,
                                 .may = claims->scopes};

    memcpy(caller.user_id, claims->user_id, sizeof(caller.user_id));
    memcpy(caller.workspace_id, claims->workspace_id, sizeof(caller.workspace_id));
    memcpy(caller.credential_id, has_session ? claims->session_id : claims->client_id,
           sizeof(caller.credential_id));
    auth_caller_limit(&caller);
    return caller;
}

enum issuer_word issuer_judge(struct issuer *issuer, struct str secret, http_id waiter,
                              int64_t now_us, struct auth_caller *ret_caller,
                              enum auth_flaw *ret_flaw)
{
    bool is_key = str_starts_with(secret, STR(ACCOUNTS_KEY_PREFIX));
    struct secret_hash hash = secret_hash_of(secret);
    struct token_claims claims = {0};

    if (is_key && secret.length > KEY_BYTES_MAX) {
        *ret_flaw = AUTH_FLAW_UNKNOWN;
        return ISSUER_BAD;
    }
    if (!is_key) {
        *ret_flaw = tokens_check(&issuer->tokens, secret, now_us, &claims);
        if (*ret_flaw) {
            return *ret_flaw == AUTH_FLAW_KEY ? judge_unknown_kid(issuer, waiter, ret_flaw)
                                              : ISSUER_BAD;
        }
    }
    struct known *known = known_find(&issuer->known, &hash);
    if (!known) {
        known = known_add(&issuer->known, &hash, secret);
        if (!known) {
            return ISSUER_SILENT;
        }
        known->is_key = is_key;
        if (!is_key) {
            struct auth_caller caller = caller_of(&claims);

            known_set_caller(&issuer->known, known, &caller);
            known->expires_us = claims.expires_s * 1000000;
        }
    }
    return judge_credential(issuer, known, waiter, now_us, ret_caller, ret_flaw);
}

bool issuer_still(struct issuer *issuer, const struct auth_caller *caller, int64_t now_us,
                  struct auth_caller *ret_now)
{
    enum auth_flaw flaw;
    bool is_good = false;

    for (struct known *known = known_of_id(&issuer->known, str_from(caller->credential_id)); known;
         known = known_next(known)) {
        if (judge_known(issuer, known, now_us, ret_now, &flaw) != ISSUER_GOOD) {
            continue;
        }
        is_good = true;
        known_touch(&issuer->known, known);
        if (!is_fresh(issuer, known, issuer->times.recheck_ms)) {
            (void)ask_about(issuer, known);
        }
    }
    return is_good;
}

struct issuer_state issuer_state(const struct issuer *issuer)
{
    struct issuer_state state = issuer->counts;

    state.keys = issuer->keys.count;
    state.is_silent = issuer->is_silent;
    state.remembered = issuer->known.count;
    return state;
}

/* ---- start and end ---- */

static void load_keys(struct issuer *issuer, const char *data_dir)
{
    struct error error = {0};
    int length = snprintf(issuer->file, sizeof(issuer->file), "%s/" KEYS_FILE, data_dir);

    if (length < 0 || (size_t)length >= sizeof(issuer->file)) {
        issuer->file[0] = '\0';
        return;
    }
    int code = jwks_load(issuer->file, str_from(issuer->options.url), &issuer->keys, &error);
    if (code && code != ERR_NOT_FOUND) {
        log_write(LOG_WARNING, "auth", "the keys that were kept are not used: %s", error.message);
    }
}

int issuer_new(const struct issuer_options *options, struct issuer **ret_issuer,
               struct error *error)
{
    struct issuer *issuer = alloc_zeroed(1, sizeof(*issuer));

    check(options->client && options->url && options->on_known && options->on_revoked);
    if (!issuer) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    issuer->options = *options;
    issuer->times = options->times ? *options->times : issuer_times_default;
    ring_init(&issuer->asks);
    ring_init(&issuer->waiting);
    buf_init(&issuer->saved, JWKS_BYTES_MAX);
    issuer->save = (struct loop_job){.work = save, .done = is_saved, .arg = issuer};
    issuer->kid_tokens_ms = (uint64_t)ISSUER_KID_BURST * ISSUER_KID_EVERY_MS;
    issuer->kid_filled_ms = now_ms(issuer);
    if (known_init(&issuer->known) ||
        tokens_init(&issuer->tokens, /* keys */ NULL, &issuer->keys)) {
        issuer_free(issuer);
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    tokens_set_issuer(&issuer->tokens, options->url);
    if (options->data_dir) {
        load_keys(issuer, options->data_dir);
    }
    (void)fetch_keys(issuer);
    *ret_issuer = issuer;
    return OK;
}

void issuer_free(struct issuer *issuer)
{
    if (!issuer) {
        return;
    }
    while (!ring_is_empty(&issuer->asks)) {
        drop_ask(RECORD_OF(issuer->asks.next, struct ask, link));
    }
    if (issuer->is_fetching) {
        oidc_fetch_stop(&issuer->fetch);
    }
    while (!ring_is_empty(&issuer->waiting)) {
        take_waiting(issuer, RECORD_OF(issuer->waiting.next, struct waiting, link));
    }
    issuer->must_save = false;
    if (issuer->is_saving) {
        loop_finish_jobs(issuer->options.loop);
    }
    known_done(&issuer->known);
    tokens_done(&issuer->tokens);
    jwks_done(&issuer->keys);
    buf_done(&issuer->saved);
    alloc_free(issuer);
}
