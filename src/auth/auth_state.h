/*
 * auth_state: what an auth is made of, for the files of auth/. Loop thread.
 *
 *     auth.c          options, start, end, what happens by time
 *     check.c         requests
 *     local.c         local mode: codes, sign-in
 *     elsewhere.c     no accounts: what the auth service says (issuer.h)
 *     change.c        a change: batch, audit line, what becomes visible, outcome
 *     sign_in.c …     what people do
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_AUTH_STATE_H
#define NETRA_AUTH_AUTH_STATE_H

#include "auth/accounts.h"
#include "auth/directory.h"
#include "auth/hosts.h"
#include "auth/issuer.h"
#include "auth/passwords.h"
#include "auth/throttle.h"
#include "auth/tickets.h"
#include "auth/tokens.h"

#define AUTH_LOCAL_SESSIONS_MAX 1000u /* of local mode; the oldest goes */
#define AUTH_LOCAL_SESSION_DAYS 30
#define AUTH_TICK_MS            5000u
#define AUTH_USED_EVERY_US      HOUR_US /* used_us goes to the store that often */
#define AUTH_SWEEP_EVERY_US     HOUR_US
/* What has ended is deleted that much later: a clock that was set wrong for a while loses nothing.
 */
#define AUTH_KEEP_ENDED_US (7 * DAY_US)
#define AUTH_SWEEP_MAX     500u  /* rows of one batch */
#define AUTH_SPENT_MAX     4096u /* refresh tokens before the last one that are remembered */
#define AUTH_AUDIT_BURST   100u  /* lines about requests of nobody, then … */
#define AUTH_AUDIT_PER_S   10u
#define AUTH_AUDIT_USERS                                                                           \
    64u /* buckets for refusals of who is known, by their id; 1 a second each */

struct auth;

/* A refresh token that was replaced at least twice. */
struct spent {
    struct hash_link link;
    struct secret_hash hash;
    char session_id[UUID_BYTES]; /* "": free */
};

/* Lines of the audit log about requests that were refused. */
struct audit_bucket {
    uint64_t tokens_ms; /* thousandths of a line */
    uint64_t filled_ms;
    uint64_t left_out;
};

/* Outlives the auth until libuv has let go of it. */
struct auth_tick {
    struct loop_timer timer;
    struct auth *auth; /* NULL: it has ended */
};

struct auth {
    struct loop *loop;
    struct store *store;
    enum auth_mode mode;
    struct hosts hosts;
    char *origins[AUTH_ORIGINS_MAX];
    size_t origin_count;
    char *page_origin;     /* NULL: the page is ours */
    struct issuer *issuer; /* elsewhere; NULL: no credential is taken */
    auth_known_fn on_known;
    void *known_arg;
    bool has_token;
    struct secret_hash token;
    const char *url; /* "" until auth_set_url */
    bool allows_passwords;
    int64_t access_token_us;
    int64_t session_us;
    int64_t idle_us;

    struct directory directory;
    struct secret_set codes; /* sign-in links of local mode */
    struct tickets tickets;
    struct passwords passwords;
    struct throttle throttle;
    struct signing_keys signing_keys;
    struct tokens tokens;
    struct hash_index spent_hashes;
    struct spent *spent; /* a ring of AUTH_SPENT_MAX */
    size_t spent_next;
    bool has_setup;
    struct secret_hash setup;

    struct ring changes;  /* under way */
    struct ring unstored; /* records that were taken out, and the store could not follow */
    struct ring used;     /* sessions and keys whose used_us the store is to get */
    bool has_unstored_roles;
    bool is_retrying; /* a batch of change_retry is under way */
    bool is_storing_keys;
    unsigned in_store; /* batches whose end is waited for */
    unsigned posted;   /* messages on the loop */
    int64_t swept_us;
    struct audit_bucket audit_bucket; /* of nobody */
    struct audit_bucket audit_buckets[AUTH_AUDIT_USERS];
    struct auth_tick *tick;
    bool is_closing;

    auth_revoked_fn on_revoked;
    void *revoked_arg;
};

static inline bool auth_is_local(const struct auth *auth)
{
    return auth->mode == AUTH_MODE_LOCAL;
}

static inline bool auth_is_elsewhere(const struct auth *auth)
{
    return auth->mode == AUTH_MODE_ELSEWHERE;
}

/* Tells who asked for it (auth_on_revoked). */
void auth_tell_revoked(struct auth *auth);

/* ---- check.c: credentials as of now ---- */

/* The session has neither ended nor been idle for too long. */
bool auth_session_lives(const struct auth *auth, const struct session *session, int64_t now_us);

/* Who the bearer of a session in its present workspace is, a key, claims; *ret_caller is filled
 * when there is no flaw. */
enum auth_flaw auth_caller_of_session(const struct auth *auth, const struct session *session,
                                      enum auth_kind kind, int64_t now_us,
                                      struct auth_caller *ret_caller);
enum auth_flaw auth_caller_of_key(const struct auth *auth, const struct key *key, int64_t now_us,
                                  struct auth_caller *ret_caller);
enum auth_flaw auth_caller_of_claims(const struct auth *auth, const struct token_claims *claims,
                                     int64_t now_us, struct auth_caller *ret_caller);

/* The session that a request's cookie or access token is of; NULL. */
struct session *auth_session_of_request(struct auth *auth, const struct http_request *request);

/* Used just now: goes to the store some time. */
void auth_touch_session(struct auth *auth, struct session *session, int64_t now_us);
void auth_touch_key(struct auth *auth, struct key *key, int64_t now_us);

/* ---- elsewhere.c: a process without accounts ---- */

must_check int auth_init_elsewhere(struct auth *auth, const struct auth_options *options,
                                   struct error *error);
void auth_tick_elsewhere(struct auth *auth);

/* Whose bearer it is. waiter: 0: it cannot wait. AUTH_OK, AUTH_INVALID, AUTH_LATER,
 * AUTH_UNAVAILABLE. */
enum auth_result auth_judge_elsewhere(struct auth *auth, struct str secret, http_id waiter,
                                      int64_t now_us, struct auth_caller *ret_caller,
                                      enum auth_flaw *ret_flaw);

/* ---- audit.c ---- */

/* The network of an address: /24 of IPv4, /48 of IPv6; "" for what is neither. */
void auth_network_of(struct str address, char network[DIRECTORY_NETWORK_BYTES]);

/* A line about somebody who is not known may be written now: *ret_left_out were not before it. */
bool auth_audit_takes(struct auth *auth, uint64_t *ret_left_out);

/* A batch that nobody waits for. */
void auth_submit(struct auth *auth, struct store_batch *batch);

/* The same with a line of the audit log, which is counted as left out when it is not stored. */
void auth_submit_line(struct auth *auth, struct store_batch *batch);

/* A line with the batch. detail NULL: {}. */
void auth_audit_put(struct store_batch *batch, const struct auth_caller *who, const char *action,
                    struct str target, const char *network, const char *detail);

#endif
