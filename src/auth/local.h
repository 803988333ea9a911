/*
 * local: authentication of one user on one machine. Three ways in:
 *
 *     Authorization: Bearer <NETRA_TOKEN>      command line and API clients
 *     GET /auth/sign-in?code=…                 a one-time link, printed at start: sets the cookie
 *     Cookie: netra_session=…                  the page; HttpOnly, SameSite=Strict
 *
 * and one-time tickets for WebSockets of clients that can set neither header nor cookie. Secrets
 * are 256 random bits, compared in constant time, kept as SHA-256 only. Requests that come with the
 * cookie must also come from a page of ours: the Origin, and, against DNS rebinding, the Host are
 * compared with the addresses that this server is known by.
 *
 * Loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_LOCAL_H
#define NETRA_AUTH_LOCAL_H

#include "http/server.h"
#include "store/store.h"

#define AUTH_COOKIE_NAME       "netra_session"
#define AUTH_SECRET_TEXT_BYTES 44u /* 43 base64url characters and the NUL */
#define AUTH_SESSION_DAYS      30
#define AUTH_TICKET_MS         30000u
#define AUTH_TICKETS_MAX       1000u
#define AUTH_SESSIONS_MAX      1000u /* the oldest goes */
#define AUTH_CODES_MAX         16u   /* sign-in links that were not used; the oldest goes */
#define AUTH_CODE_MINUTES      60
#define AUTH_HOSTS_MAX         16u
#define AUTH_TOKEN_BYTES_MIN   16u

struct auth_options {
    struct store *store;
    const char *token;        /* NULL: no bearer is accepted */
    const char *const *hosts; /* "localhost:8080": names in Host and Origin that are ours */
    size_t host_count;
};

struct auth;

/* Reads the sessions that are kept. ERR_INVALID (a token that is too short), ERR_IO, ERR_NO_MEMORY.
 */
must_check int auth_new(const struct auth_options *options, struct auth **ret_auth,
                        struct error *error);
void auth_free(struct auth *auth);

/* One more name of ours: known only once the server listens, when its port is a free one.
 * ERR_INVALID (empty, or more than AUTH_HOSTS_MAX), ERR_NO_MEMORY. */
must_check int auth_add_host(struct auth *auth, const char *name, struct error *error);

enum auth_result {
    AUTH_OK,
    AUTH_MISSING,      /* nothing was presented */
    AUTH_INVALID,      /* a token, session or ticket that is not valid (any more) */
    AUTH_WRONG_ORIGIN, /* valid, but from a page that is not ours */
    AUTH_WRONG_HOST
};

/* Who may pass: bearer, else cookie (Origin is checked for methods that change something and for
 * WebSockets), else, for WebSockets, ?ticket=…, which is used up. Host is checked always. */
enum auth_result auth_check(struct auth *auth, const struct http_request *request);

/* Host and Origin only, for what needs no authentication. */
enum auth_result auth_check_host(const struct auth *auth, const struct http_request *request);

/* Writes a new one-time code. ERR_IO (no randomness). */
must_check int auth_new_code(struct auth *auth, char code[AUTH_SECRET_TEXT_BYTES]);

/* Uses a code up and makes a session: its secret for the cookie. ERR_INVALID, ERR_IO. The session
 * is valid at once and durable soon. */
must_check int auth_sign_in(struct auth *auth, struct str code,
                            char session[AUTH_SECRET_TEXT_BYTES]);

/* Ends the session of this request's cookie, if any. */
void auth_sign_out(struct auth *auth, const struct http_request *request);

must_check int auth_new_ticket(struct auth *auth, char ticket[AUTH_SECRET_TEXT_BYTES]);

#endif
