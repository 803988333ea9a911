/*
 * Who may pass, in the order: a name of ours, then the bearer, the cookie, the ticket. A credential
 * that is presented and wrong is told as such; one that is absent lets the next be looked at.
 *
 * A ticket needs no Origin: a page that is not ours cannot have got one without the token.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/auth.h"

#include <openssl/crypto.h>

#include "auth/hosts.h"
#include "auth/sessions.h"
#include "base/alloc.h"
#include "base/civil_time.h"
#include "loop/clock.h"

#define QUERY_VALUE_BYTES_MAX 256u /* a ticket has 43 */

struct auth {
    struct hosts hosts;
    bool has_token;
    struct secret_hash token;
    struct sessions sessions;
    struct secret_set codes;
    struct secret_set tickets;
};

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

static int fill(struct auth *auth, const struct auth_options *options, struct error *error)
{
    if (options->token && strlen(options->token) < AUTH_TOKEN_BYTES_MIN) {
        return error_set(error, ERR_INVALID, "the token has less than %u characters",
                         AUTH_TOKEN_BYTES_MIN);
    }
    if (options->token) {
        auth->has_token = true;
        auth->token = secret_hash_of(str_from(options->token));
    }
    int code = add_hosts(auth, options, error);
    if (code) {
        return code;
    }
    if (secret_set_init(&auth->codes, AUTH_CODES_MAX) ||
        secret_set_init(&auth->tickets, AUTH_TICKETS_MAX)) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    code = sessions_init(&auth->sessions, options->store, clock_now_us());
    return code ? error_set(error, code, "cannot read the sessions: %s", error_code_text(code))
                : OK;
}

int auth_new(const struct auth_options *options, struct auth **ret_auth, struct error *error)
{
    struct auth *auth = alloc_zeroed(1, sizeof(*auth));

    if (!auth) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    int code = fill(auth, options, error);
    if (code) {
        auth_free(auth);
        return code;
    }
    *ret_auth = auth;
    return OK;
}

void auth_free(struct auth *auth)
{
    if (!auth) {
        return;
    }
    hosts_done(&auth->hosts);
    sessions_done(&auth->sessions);
    secret_set_done(&auth->codes);
    secret_set_done(&auth->tickets);
    OPENSSL_cleanse(auth, sizeof(*auth));
    alloc_free(auth);
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

static bool changes_something(enum http_method method)
{
    return method != HTTP_GET && method != HTTP_HEAD && method != HTTP_OPTIONS;
}

static bool is_from_our_page(const struct auth *auth, const struct http_request *request)
{
    return hosts_has_origin(&auth->hosts, http_header(request, "origin"));
}

enum auth_result auth_check_host(const struct auth *auth, const struct http_request *request)
{
    if (!hosts_has_host(&auth->hosts, http_header(request, "host"))) {
        return AUTH_WRONG_HOST;
    }
    /* Without credentials nothing but a page sends an Origin. */
    if (changes_something(request->method) && http_header(request, "origin").data &&
        !is_from_our_page(auth, request)) {
        return AUTH_WRONG_ORIGIN;
    }
    return AUTH_OK;
}

/* AUTH_MISSING: there is none; other schemes than Bearer are not ours to judge. */
static enum auth_result check_bearer(const struct auth *auth, const struct http_request *request)
{
    struct str value = http_header(request, "authorization");
    struct str scheme = STR("bearer ");

    if (value.length < scheme.length ||
        !str_equal_ascii_case(str_slice(value, 0, scheme.length), scheme)) {
        return AUTH_MISSING;
    }
    struct secret_hash given =
        secret_hash_of(str_trim(str_slice(value, scheme.length, value.length)));
    return auth->has_token && secret_equal(&given, &auth->token) ? AUTH_OK : AUTH_INVALID;
}

static enum auth_result check_cookie(const struct auth *auth, const struct http_request *request)
{
    struct str value = http_cookie(request, AUTH_COOKIE_NAME);

    if (!value.data) {
        return AUTH_MISSING;
    }
    struct secret_hash given = secret_hash_of(value);
    if (!sessions_has(&auth->sessions, &given, clock_now_us())) {
        return AUTH_INVALID;
    }
    if ((changes_something(request->method) || request->is_upgrade) &&
        !is_from_our_page(auth, request)) {
        return AUTH_WRONG_ORIGIN;
    }
    return AUTH_OK;
}

static enum auth_result check_ticket(struct auth *auth, const struct http_request *request)
{
    cleanup(buf_done) struct buf ticket;

    buf_init(&ticket, QUERY_VALUE_BYTES_MAX);
    if (!request->is_upgrade || !http_query(request, "ticket", /* nth */ 0, &ticket)) {
        return AUTH_MISSING;
    }
    struct secret_hash given = secret_hash_of(buf_str(&ticket));
    return buf_status(&ticket) == OK && secret_set_take(&auth->tickets, &given, clock_now_us())
               ? AUTH_OK
               : AUTH_INVALID;
}

enum auth_result auth_check(struct auth *auth, const struct http_request *request,
                            struct auth_caller *ret_caller, enum auth_flaw *ret_flaw)
{
    *ret_caller = auth_local_caller();
    *ret_flaw = AUTH_FLAW_NONE;

    if (!hosts_has_host(&auth->hosts, http_header(request, "host"))) {
        return AUTH_WRONG_HOST;
    }
    enum auth_result bearer = check_bearer(auth, request);
    if (bearer != AUTH_MISSING) {
        return bearer;
    }
    enum auth_result cookie = check_cookie(auth, request);
    if (cookie == AUTH_OK || cookie == AUTH_WRONG_ORIGIN) {
        return cookie;
    }
    enum auth_result ticket = check_ticket(auth, request);
    return ticket == AUTH_MISSING ? cookie : ticket;
}

/* A new secret in a set that forgets its oldest. */
static int issue(struct secret_set *set, int64_t life_us, char text[AUTH_SECRET_TEXT_BYTES])
{
    int64_t now_us = clock_now_us();
    struct secret_entry entry = {.created_us = now_us, .expires_us = now_us + life_us};
    struct secret_entry dropped;
    int code = secret_make(text, &entry.hash);

    if (code == OK) {
        (void)secret_set_add(set, &entry, &dropped);
    }
    return code;
}

int auth_new_code(struct auth *auth, char code[AUTH_SECRET_TEXT_BYTES])
{
    return issue(&auth->codes, AUTH_CODE_MINUTES * MINUTE_US, code);
}

int auth_new_ticket(struct auth *auth, const struct auth_caller *caller,
                    char ticket[AUTH_SECRET_TEXT_BYTES])
{
    (void)caller;
    return issue(&auth->tickets, (int64_t)AUTH_TICKET_MS * 1000, ticket);
}

int auth_sign_in(struct auth *auth, struct str code, char session[AUTH_SECRET_TEXT_BYTES])
{
    struct secret_hash given = secret_hash_of(code);
    struct secret_hash made;
    int64_t now_us = clock_now_us();

    if (!secret_set_take(&auth->codes, &given, now_us)) {
        return ERR_INVALID;
    }
    if (secret_make(session, &made)) {
        return ERR_IO;
    }
    sessions_begin(&auth->sessions, &made, now_us);
    return OK;
}

void auth_sign_out(struct auth *auth, const struct http_request *request)
{
    struct str value = http_cookie(request, AUTH_COOKIE_NAME);

    if (value.data) {
        struct secret_hash given = secret_hash_of(value);

        sessions_end(&auth->sessions, &given, clock_now_us());
    }
}
