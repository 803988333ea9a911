/*
 * auth: who may. Three modes:
 *
 *     local      one user of this machine: the token of the configuration, a one-time sign-in link,
 *                its cookie. Nobody has a password.
 *     accounts   people with passwords or an identity provider, sessions, keys, roles in workspaces
 *     elsewhere  another process has the accounts (--role backend): access tokens by its signature,
 *                keys and ended sessions by asking it (issuer.h). No cookies.
 *
 * A request is let in with the first that it presents of
 *
 *     Authorization: Bearer …      local: the token; accounts: an access token (JWT) or an API key
 *     Cookie: netra_session=…      the page; HttpOnly, SameSite; Origin must be ours for what
 *                                  changes something and for WebSockets
 *     ?ticket=…                    WebSockets only, one use, 30 s
 *
 * This header is about requests; accounts.h is about people, oidc.h about identity providers.
 * Everything that accounts need of the store is in memory (directory.h), so that a check never
 * waits: it costs two hashes and a look-up. What was revoked does not pass from that moment.
 *
 * Host is compared always, against DNS rebinding; an Origin that is neither ours nor on the list of
 * allowed ones is refused where it matters. Secrets are 256 random bits, compared in constant time,
 * kept as SHA-256 only.
 *
 * Loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_AUTH_H
#define NETRA_AUTH_AUTH_H

#include "auth/caller.h"
#include "http/server.h"
#include "store/accounts.h"

#define AUTH_COOKIE_NAME       "netra_session"
#define AUTH_SECRET_TEXT_BYTES 44u /* 43 base64url characters and the NUL */
#define AUTH_TICKET_MS         30000u
#define AUTH_TICKETS_MAX       10000u
#define AUTH_TICKETS_USER_MAX  100u /* of one user; the oldest goes */
#define AUTH_CODES_MAX         16u  /* sign-in links that were not used; the oldest goes */
#define AUTH_CODE_MINUTES      60
#define AUTH_HOSTS_MAX         16u
#define AUTH_ORIGINS_MAX       16u
#define AUTH_TOKEN_BYTES_MIN   16u
#define AUTH_SECRET_BYTES_MIN  32u /* of the secret that seals signing keys */
#define AUTH_TOKEN_BYTES_MAX   4096u
#define AUTH_CLOCK_SKEW_S      30 /* of exp, nbf and iat of tokens of others */

enum auth_mode {
    AUTH_MODE_LOCAL,
    AUTH_MODE_ACCOUNTS,
    AUTH_MODE_ELSEWHERE /* the accounts are the auth service's: its tokens and keys are taken */
};

struct auth_options {
    struct loop *loop;
    struct store *store; /* elsewhere: NULL: nothing is written down (--role frontend) */
    enum auth_mode mode;
    const char *token;        /* local: NULL: no bearer is accepted */
    const char *const *hosts; /* "localhost:8080": names in Host and Origin that are ours */
    size_t host_count;
    const char *const *origins; /* "https://app.example.org": pages of others that may ask, with a
                                 * bearer; never with the cookie */
    size_t origin_count;
    /* accounts mode */
    struct str secret; /* seals signing keys; wiped by the caller afterwards */
    bool allows_passwords;
    int64_t access_token_s;    /* 900 */
    int64_t session_days;      /* 30: at most, however busy */
    int64_t idle_days;         /* 14: without a request */
    int64_t signing_key_days;  /* 30: then the next one signs */
    unsigned lockout_failures; /* 5 in a row: wait */
    /* accounts mode: the page is served by another process: its origin is one of ours, with the
     * cookie. NULL: by this one. */
    const char *page_origin;
    /* elsewhere */
    struct http_client *client; /* NULL: nobody can be asked, and no credential is taken */
    const char *issuer_url;     /* "https://auth.example.org"; outlives the auth, as client does */
    const char *data_dir;       /* where its keys are kept; NULL: nowhere */
};

struct auth;

/* Reads what is kept. ERR_INVALID (a token or secret that is too short; a secret that does not open
 * the signing keys), ERR_IO, ERR_NO_MEMORY. */
must_check int auth_new(const struct auth_options *options, struct auth **ret_auth,
                        struct error *error);
void auth_free(struct auth *auth);
enum auth_mode auth_mode(const struct auth *auth);

/* Where people find the server, "https://netra.example.org": issuer of tokens, links in mails.
 * Known only once it listens. The text outlives the auth. */
void auth_set_url(struct auth *auth, const char *url);

/* One more name of ours: known only once the server listens, when its port is a free one.
 * ERR_INVALID (empty, or more than AUTH_HOSTS_MAX), ERR_NO_MEMORY. */
must_check int auth_add_host(struct auth *auth, const char *name, struct error *error);

enum auth_result {
    AUTH_OK,
    AUTH_MISSING,      /* nothing was presented */
    AUTH_INVALID,      /* a token, session, key or ticket that is not valid (any more) */
    AUTH_WRONG_ORIGIN, /* valid, but from a page that is not ours */
    AUTH_WRONG_HOST,
    AUTH_LATER,      /* the auth service is being asked: auth_on_known tells when to check again */
    AUTH_UNAVAILABLE /* it does not answer, and without it nothing can be said */
};

/* Why a credential was AUTH_INVALID, for the audit log and the metric, never for the client. */
enum auth_flaw {
    AUTH_FLAW_NONE,
    AUTH_FLAW_UNKNOWN, /* a secret that nobody has (any more): revoked, used up, made up */
    AUTH_FLAW_EXPIRED,
    AUTH_FLAW_MALFORMED, /* not a token at all */
    AUTH_FLAW_ALGORITHM, /* "none", or another than ES256 */
    AUTH_FLAW_KEY,       /* a kid that is not ours */
    AUTH_FLAW_SIGNATURE,
    AUTH_FLAW_ISSUER,
    AUTH_FLAW_AUDIENCE,
    AUTH_FLAW_NOT_YET,
    AUTH_FLAW_REVOKED,  /* of a session that has ended */
    AUTH_FLAW_NO_MEMBER /* the user is not in that workspace any more, or is disabled */
};
const char *auth_flaw_name(enum auth_flaw flaw); /* "signature" */

/* Who may pass. A ticket is used up. *ret_caller is filled for AUTH_OK and AUTH_WRONG_ORIGIN. */
enum auth_result auth_check(struct auth *auth, const struct http_request *request,
                            struct auth_caller *ret_caller, enum auth_flaw *ret_flaw);

/* The same for a request that can wait, elsewhere: then it may be AUTH_LATER, and fn is called with
 * its id, from an event of the loop, when it is to be checked again; which may be too late for it.
 */
enum auth_result auth_check_or_wait(struct auth *auth, const struct http_request *request,
                                    struct auth_caller *ret_caller, enum auth_flaw *ret_flaw);
typedef void (*auth_known_fn)(http_id id, void *arg);
void auth_on_known(struct auth *auth, auth_known_fn fn, void *arg);

/* Elsewhere: how many keys of the auth service are believed; 0 in other modes. */
size_t auth_issuer_keys(const struct auth *auth);

/* Host and Origin only, for what needs no authentication. */
enum auth_result auth_check_host(const struct auth *auth, const struct http_request *request);

/* The Origin is one of ours; of the page that another process serves; one of the list. For CORS. */
bool auth_is_own_origin(const struct auth *auth, struct str origin);
bool auth_is_page_origin(const struct auth *auth, struct str origin);
bool auth_is_allowed_origin(const struct auth *auth, struct str origin);

/* A ticket has what its maker has, in the same workspace, as long as that holds. ERR_IO (no
 * randomness). */
must_check int auth_new_ticket(struct auth *auth, const struct auth_caller *caller,
                               char ticket[AUTH_SECRET_TEXT_BYTES]);

/* Still: the credential was not revoked, has not expired, and the role still includes scope. For
 * WebSockets and streams, which live longer than a check. */
bool auth_still(const struct auth *auth, const struct auth_caller *caller, unsigned scope);

/* Called when something was taken from somebody (a session ended, a key was revoked, a role shrank,
 * a member left): whoever holds sockets asks auth_still for each. */
typedef void (*auth_revoked_fn)(void *arg);
void auth_on_revoked(struct auth *auth, auth_revoked_fn fn, void *arg);

/* ---- local mode ---- */

/* Writes a new one-time code. ERR_IO (no randomness). */
must_check int auth_new_code(struct auth *auth, char code[AUTH_SECRET_TEXT_BYTES]);

/* Uses a code up and makes a session: its secret for the cookie. ERR_INVALID, ERR_IO. The session
 * is valid at once and durable soon. */
must_check int auth_sign_in(struct auth *auth, struct str code,
                            char session[AUTH_SECRET_TEXT_BYTES]);

/* ---- both ---- */

/* Ends the session of this request's cookie or access token, if any. */
void auth_sign_out(struct auth *auth, const struct http_request *request);

#endif
