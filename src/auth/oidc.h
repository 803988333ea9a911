/*
 * oidc: signing in with an identity provider (OpenID Connect Core 1.0, authorization code flow with
 * PKCE S256, state and nonce; RFC 8414 discovery; RFC 8725 for ID tokens; RFC 9207 iss).
 *
 *     oidc_begin     → 303 to the provider; a one-use state, bound to this browser by a cookie
 *     oidc_callback  → code for tokens (client on the loop) → ID token checked → account_grant
 *
 * Providers come from a JSON file (auth.oidc_file):
 *
 *     {"providers": [{"id": "google", "preset": "google", "client_id": "…",
 *                     "client_secret_file": "…" (or env NETRA_OIDC_<ID>_SECRET),
 *                     "allowed_domains": ["example.org"],
 *                     "workspace": "default", "role": "viewer"},
 *                    {"id": "corp", "name": "Example Corp", "issuer": "https://id.example.org",
 * …}]}
 *
 * Who may come in: an e-mail that the provider calls verified (email_verified is true) and whose
 * domain is on the list, compared whole and case-folded; Google's accounts also by "hd" where it is
 * said. A first sign-in makes an account (a member of workspace with role) unless an invitation for
 * that e-mail says otherwise; an e-mail that has an account here is linked only by who is signed in
 * to it (oidc_begin with a caller): a provider's word alone takes over no account. The redirect
 * address is exactly public_url + "/auth/callback". The issuer is compared exactly; keys are cached
 * and fetched again when a kid is unknown, at most every OIDC_KEYS_AGAIN_S. https only, but for
 * loopback.
 *
 * Loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_OIDC_H
#define NETRA_AUTH_OIDC_H

#include "auth/accounts.h"
#include "http/client.h"

#define OIDC_PROVIDERS_MAX    8u
#define OIDC_DOMAINS_MAX      32u
#define OIDC_STATES_MAX       10000u /* sign-ins under way; the oldest goes */
#define OIDC_STATE_MINUTES    10
#define OIDC_ANSWER_BYTES_MAX 262144u
#define OIDC_TIMEOUT_MS       10000u
#define OIDC_KEYS_AGAIN_S     30
#define OIDC_CACHE_S          3600 /* discovery and keys */
#define OIDC_STATE_COOKIE     "netra_oidc"
#define OIDC_FILE_BYTES_MAX   65536u

struct oidc;

struct oidc_options {
    struct auth *auth;
    struct http_client *client;
    const char *file; /* NULL: no providers */
    const char *(*getenv)(const char *name);
};

/* Reads the file; nothing is asked of a provider yet. ERR_INVALID (the message has the JSON
 * pointer), ERR_IO, ERR_NO_MEMORY. */
must_check int oidc_new(const struct oidc_options *options, struct oidc **ret_oidc,
                        struct error *error);
void oidc_free(struct oidc *oidc);

typedef bool (*oidc_provider_fn)(struct str id, struct str name, void *arg);
void oidc_providers(const struct oidc *oidc, oidc_provider_fn fn, void *arg);

/* Where to send the browser, and the value of the cookie OIDC_STATE_COOKIE (HttpOnly, SameSite=Lax;
 * Path=/auth/callback, or with "__Host-" before its name over https). url and cookie are borrowed
 * for the call. code: OK, ERR_NOT_FOUND (no such provider), ERR_IO (the provider cannot be reached
 * or says what it must not). */
typedef void (*oidc_begin_fn)(int code, const struct error *error, struct str url,
                              struct str cookie, void *arg);

/* next: a path of this server. link: the caller whose account is to be linked, or NULL. */
must_check int oidc_begin(struct oidc *oidc, struct str provider, struct str next,
                          const struct auth_caller *link, oidc_begin_fn done, void *arg,
                          struct error *error);

/* The provider sent the browser back: query and cookie as they came. Grants a session with a cookie
 * (grant->next: where to go). ERR_DENIED: state unknown, used or of another browser, nonce, issuer,
 * audience, signature, expiry, e-mail not verified, domain not allowed, account disabled; each is
 * audited as "oidc.refused" with which; error is one sentence for people that does not say which
 * but for e-mail, domain, and an account that is there and must be linked. */
must_check int oidc_callback(struct oidc *oidc, struct str query, struct str cookie,
                             const struct account_origin *origin, account_done_fn done, void *arg,
                             struct error *error);

/* Removes the link; ERR_EXISTS when it is the only way in (no password, no other identity). */
must_check int oidc_unlink(struct oidc *oidc, const struct auth_caller *caller, struct str provider,
                           const struct account_origin *origin, account_done_fn done, void *arg,
                           struct error *error);

#endif
