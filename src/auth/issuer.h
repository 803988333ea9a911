/*
 * issuer: the auth service of a deployment of three processes, as the backend sees it. It knows no
 * people; it knows the auth service's address, and believes what is signed with its keys.
 *
 *     access token ─ signature, iss, aud, exp (its keys: jwks) ─┐
 *     API key ──────────────────────────────────────────────────┴─ known: what the auth service
 * said of it, not older than holds_ms
 *
 *     JWKS   GET  {url}/.well-known/jwks.json   at the start, every KEYS_EVERY_MS, for a kid that
 * is not known; kept in {data_dir}/jwks.json known  POST {url}/auth/validate           with the
 * credential itself as the bearer: it vouches for itself, the two services share no secret
 *
 * Nothing waits on the loop: who asks about a credential that has no fresh answer is told so, and
 * told again when there is one. While the auth service does not answer, access tokens hold by their
 * signature to their end, and keys for key_keeps_ms after the last answer.
 *
 * Private to auth/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_ISSUER_H
#define NETRA_AUTH_ISSUER_H

#include "auth/known.h"
#include "auth/tokens.h"
#include "http/client.h"

#define ISSUER_ASKS_MAX      128u  /* questions under way */
#define ISSUER_WAITING_MAX   1024u /* requests that wait for an answer */
#define ISSUER_KEYS_EVERY_MS 300000u
#define ISSUER_KEYS_RETRY_MS 5000u  /* while there are none, or the last try failed */
#define ISSUER_KID_BURST     4u     /* fetches for kids that are not known, then … */
#define ISSUER_KID_EVERY_MS  10000u /* … one in that time */

/* How long what is believed. */
struct issuer_times {
    uint64_t recheck_ms;   /* 10 s: an answer that old is asked for again, nobody waits … */
    uint64_t holds_ms;     /* 15 s: … and so old it counts no more: the request waits */
    uint64_t refused_ms;   /* 5 s: how long "not active" is believed */
    uint64_t key_keeps_ms; /* 5 min: of an API key, while the auth service does not answer */
    uint64_t ask_ms;       /* 2 s: one question */
    uint64_t retry_ms;     /* 2 s: between questions, while it does not answer */
};
extern const struct issuer_times issuer_times_default;

struct issuer_options {
    struct loop *loop;
    const struct issuer_times *times; /* NULL: those of default */
    struct http_client *client;       /* outlives it */
    const char *url;                  /* "https://auth.example.org"; outlives it */
    const char *data_dir;             /* NULL: keys are kept in memory only */
    auth_known_fn on_known;           /* a request that waited */
    loop_fn on_revoked;               /* something was taken from somebody */
    void *arg;
};

struct issuer;

/* Takes the keys that were kept, if they are this issuer's, and asks for new ones. ERR_NO_MEMORY;
 * a file that cannot be used is logged, no failure. */
must_check int issuer_new(const struct issuer_options *options, struct issuer **ret_issuer,
                          struct error *error);
void issuer_free(struct issuer *issuer); /* NULL is allowed */

enum issuer_word {
    ISSUER_GOOD,
    ISSUER_BAD,   /* *ret_flaw says why */
    ISSUER_WAIT,  /* on_known will be called with waiter */
    ISSUER_SILENT /* cannot be known without the auth service, which does not answer */
};

/* waiter: the request that can wait; 0: none can. */
enum issuer_word issuer_judge(struct issuer *issuer, struct str secret, http_id waiter,
                              int64_t now_us, struct auth_caller *ret_caller,
                              enum auth_flaw *ret_flaw);

/* What auth_still asks; looks after answers that have become old. */
bool issuer_still(struct issuer *issuer, const struct auth_caller *caller, int64_t now_us,
                  struct auth_caller *ret_now);

/* Every few seconds: keys are fetched when it is time. */
void issuer_tick(struct issuer *issuer);

struct issuer_state {
    size_t keys;       /* that are believed */
    bool is_silent;    /* the last question had no answer */
    uint64_t fetched;  /* JWK sets that were taken */
    uint64_t asked;    /* questions about credentials */
    size_t remembered; /* credentials */
};
struct issuer_state issuer_state(const struct issuer *issuer);

#endif
