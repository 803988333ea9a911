/*
 * Who may pass, in the order: a name of ours, then the bearer, the cookie, the ticket. A credential
 * that is presented and wrong is told as such; one that is absent lets the next be looked at.
 *
 * A ticket needs no Origin: a page that is not ours cannot have got one without a credential.
 *
 * What has ended by the clock is refused, not deleted: a clock that is set wrong for a while costs
 * nobody a session.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/auth_state.h"

#include <stdio.h>

#include "base/civil_time.h"
#include "loop/clock.h"

#define QUERY_VALUE_BYTES_MAX 256u /* a ticket has 43 */
#define SECURE_COOKIE_NAME    "__Host-" AUTH_COOKIE_NAME

/* ---- credentials ---- */

bool auth_session_lives(const struct auth *auth, const struct session *session, int64_t now_us)
{
    return now_us < session->expires_us && now_us - session->used_us <= auth->idle_us;
}

void auth_touch_session(struct auth *auth, struct session *session, int64_t now_us)
{
    int64_t since = now_us - session->used_stored_us;

    session->used_us = now_us;
    /* also when the clock was set back */
    if ((since >= AUTH_USED_EVERY_US || since <= -AUTH_USED_EVERY_US) &&
        ring_is_empty(&session->record.taken)) {
        ring_add_last(&auth->used, &session->record.taken);
    }
}

void auth_touch_key(struct auth *auth, struct key *key, int64_t now_us)
{
    int64_t since = now_us - key->used_stored_us;

    key->used_us = now_us;
    if ((since >= AUTH_USED_EVERY_US || since <= -AUTH_USED_EVERY_US) &&
        ring_is_empty(&key->record.taken)) {
        ring_add_last(&auth->used, &key->record.taken);
    }
}

/* What a user may in a workspace as of now, of scopes. */
static enum auth_flaw fill_caller(const struct auth *auth, const struct user *user,
                                  struct str workspace_id, unsigned scopes,
                                  struct auth_caller *ret_caller)
{
    const struct member *member =
        directory_member(&auth->directory, workspace_id, str_from(user->id));

    if (!member || user->disabled_us || workspace_id.length > STORE_ID_BYTES_MAX) {
        return AUTH_FLAW_NO_MEMBER;
    }
    ret_caller->role = member->role;
    ret_caller->may = scopes;
    memcpy(ret_caller->user_id, user->id, sizeof(ret_caller->user_id));
    memcpy(ret_caller->workspace_id, member->workspace_id, sizeof(ret_caller->workspace_id));
    auth_caller_limit(ret_caller);
    return AUTH_FLAW_NONE;
}

enum auth_flaw auth_caller_of_session(const struct auth *auth, const struct session *session,
                                      enum auth_kind kind, int64_t now_us,
                                      struct auth_caller *ret_caller)
{
    struct auth_caller caller = {.kind = kind};

    if (!auth_session_lives(auth, session, now_us)) {
        return AUTH_FLAW_EXPIRED;
    }
    enum auth_flaw flaw =
        fill_caller(auth, session->user, str_from(session->workspace_id), AUTH_SCOPE_ALL, &caller);
    if (flaw == AUTH_FLAW_NONE) {
        memcpy(caller.credential_id, session->id, sizeof(caller.credential_id));
        *ret_caller = caller;
    }
    return flaw;
}

enum auth_flaw auth_caller_of_key(const struct auth *auth, const struct key *key, int64_t now_us,
                                  struct auth_caller *ret_caller)
{
    struct auth_caller caller = {.kind = AUTH_KIND_KEY};

    if (key->expires_us && now_us >= key->expires_us) {
        return AUTH_FLAW_EXPIRED;
    }
    enum auth_flaw flaw =
        fill_caller(auth, key->user, str_from(key->workspace_id), key->scopes, &caller);
    if (flaw == AUTH_FLAW_NONE) {
        memcpy(caller.credential_id, key->id, sizeof(caller.credential_id));
        *ret_caller = caller;
    }
    return flaw;
}

/* What had a service token made is still there, and no wider than it was; *ret_scopes is cut. */
static enum auth_flaw check_client(const struct auth *auth, const struct token_claims *claims,
                                   int64_t now_us, unsigned *ret_scopes)
{
    struct str id = str_from(claims->client_id);
    const struct key *key = directory_key(&auth->directory, id);
    const struct session *session = key ? NULL : directory_session(&auth->directory, id);

    if (key && strcmp(key->user_id, claims->user_id) == 0 &&
        strcmp(key->workspace_id, claims->workspace_id) == 0) {
        *ret_scopes &= key->scopes;
        return key->expires_us && now_us >= key->expires_us ? AUTH_FLAW_EXPIRED : AUTH_FLAW_NONE;
    }
    if (session && strcmp(session->user_id, claims->user_id) == 0 &&
        strcmp(session->workspace_id, claims->workspace_id) == 0) {
        return auth_session_lives(auth, session, now_us) ? AUTH_FLAW_NONE : AUTH_FLAW_EXPIRED;
    }
    return AUTH_FLAW_REVOKED;
}

static enum auth_flaw check_session(const struct auth *auth, const struct token_claims *claims,
                                    int64_t now_us)
{
    const struct session *session =
        directory_session(&auth->directory, str_from(claims->session_id));

    if (!session || session->kind != AUTH_SESSION_TOKENS ||
        strcmp(session->user_id, claims->user_id) != 0 ||
        strcmp(session->workspace_id, claims->workspace_id) != 0) {
        return AUTH_FLAW_REVOKED; /* or it went on in another workspace */
    }
    return auth_session_lives(auth, session, now_us) ? AUTH_FLAW_NONE : AUTH_FLAW_EXPIRED;
}

enum auth_flaw auth_caller_of_claims(const struct auth *auth, const struct token_claims *claims,
                                     int64_t now_us, struct auth_caller *ret_caller)
{
    unsigned scopes = claims->scopes;
    bool has_session = claims->session_id[0] != '\0';
    struct auth_caller caller = {.kind = has_session ? AUTH_KIND_TOKEN : AUTH_KIND_SERVICE};
    const struct user *user = directory_user(&auth->directory, str_from(claims->user_id));
    enum auth_flaw flaw = has_session ? check_session(auth, claims, now_us)
                                      : check_client(auth, claims, now_us, &scopes);

    if (flaw) {
        return flaw;
    }
    flaw = user ? fill_caller(auth, user, str_from(claims->workspace_id), scopes, &caller)
                : AUTH_FLAW_NO_MEMBER;
    if (flaw == AUTH_FLAW_NONE) {
        memcpy(caller.credential_id, has_session ? claims->session_id : claims->client_id,
               sizeof(caller.credential_id));
        *ret_caller = caller;
    }
    return flaw;
}

/* ---- requests ---- */

struct check {
    struct auth *auth;
    const struct http_request *request;
    int64_t now_us;
    struct auth_caller caller;
    enum auth_flaw flaw;
    bool is_reused_ticket;
    bool may_wait; /* elsewhere: for the auth service's answer */
};

static bool changes_something(enum http_method method)
{
    return method != HTTP_GET && method != HTTP_HEAD && method != HTTP_OPTIONS;
}

bool auth_is_own_origin(const struct auth *auth, struct str origin)
{
    return hosts_has_origin(&auth->hosts, origin);
}

bool auth_is_page_origin(const struct auth *auth, struct str origin)
{
    return auth->page_origin && str_equal_ascii_case(origin, str_from(auth->page_origin));
}

/* The page, wherever it is served. */
static bool is_of_page(const struct auth *auth, struct str origin)
{
    return auth_is_own_origin(auth, origin) || auth_is_page_origin(auth, origin);
}

bool auth_is_allowed_origin(const struct auth *auth, struct str origin)
{
    for (size_t i = 0; i < auth->origin_count; i++) {
        if (str_equal_ascii_case(origin, str_from(auth->origins[i]))) {
            return true;
        }
    }
    return false;
}

enum auth_result auth_check_host(const struct auth *auth, const struct http_request *request)
{
    struct str origin = http_header(request, "origin");

    if (!hosts_has_host(&auth->hosts, http_header(request, "host"))) {
        return AUTH_WRONG_HOST;
    }
    /* Without credentials nothing but a page sends an Origin. */
    if (changes_something(request->method) && origin.data && !is_of_page(auth, origin) &&
        !auth_is_allowed_origin(auth, origin)) {
        return AUTH_WRONG_ORIGIN;
    }
    return AUTH_OK;
}

static enum auth_result judged(struct check *check, enum auth_flaw flaw)
{
    check->flaw = flaw;
    return flaw ? AUTH_INVALID : AUTH_OK;
}

/* A bearer's token, key or, in local mode, the token. */
static enum auth_flaw judge_secret(struct auth *auth, struct str secret, int64_t now_us,
                                   struct auth_caller *caller, int64_t *ret_expires_us, bool is_use)
{
    if (auth_is_local(auth)) {
        struct secret_hash given = secret_hash_of(secret);

        *caller = auth_local_caller();
        return auth->has_token && secret_equal(&given, &auth->token) ? AUTH_FLAW_NONE
                                                                     : AUTH_FLAW_UNKNOWN;
    }
    if (str_starts_with(secret, STR(ACCOUNTS_KEY_PREFIX))) {
        struct secret_hash given = secret_hash_of(secret);
        struct key *key = directory_key_of(&auth->directory, &given);
        enum auth_flaw flaw =
            key ? auth_caller_of_key(auth, key, now_us, caller) : AUTH_FLAW_UNKNOWN;

        if (flaw == AUTH_FLAW_NONE) {
            *ret_expires_us = key->expires_us;
            if (is_use) {
                auth_touch_key(auth, key, now_us);
            }
        }
        return flaw;
    }
    struct token_claims claims;
    enum auth_flaw flaw = tokens_check(&auth->tokens, secret, now_us, &claims);
    if (flaw) {
        return flaw;
    }
    *ret_expires_us = claims.expires_s * SECOND_US;
    flaw = auth_caller_of_claims(auth, &claims, now_us, caller);
    struct session *session =
        flaw || !is_use ? NULL : directory_session(&auth->directory, str_from(claims.session_id));
    if (session) {
        auth_touch_session(auth, session, now_us);
    }
    return flaw;
}

/* False: there is none; other schemes than Bearer are not ours to judge. */
static bool bearer_of(const struct http_request *request, struct str *ret_secret)
{
    struct str value = http_header(request, "authorization");
    struct str scheme = STR("bearer ");

    if (value.length < scheme.length ||
        !str_equal_ascii_case(str_slice(value, 0, scheme.length), scheme)) {
        return false;
    }
    *ret_secret = str_trim(str_slice(value, scheme.length, value.length));
    return true;
}

static enum auth_result check_bearer(struct check *check)
{
    struct str secret;
    int64_t expires_us;

    if (!bearer_of(check->request, &secret)) {
        return AUTH_MISSING;
    }
    if (auth_is_elsewhere(check->auth)) {
        return auth_judge_elsewhere(check->auth, secret, check->may_wait ? check->request->id : 0,
                                    check->now_us, &check->caller, &check->flaw);
    }
    return judged(check, judge_secret(check->auth, secret, check->now_us, &check->caller,
                                      &expires_us, /* is_use */ true));
}

/* Over TLS only the cookie that no other host name and no plain page can set. */
static struct str session_cookie(const struct http_request *request)
{
    struct str value = http_cookie(request, SECURE_COOKIE_NAME);

    return value.data || request->is_secure ? value : http_cookie(request, AUTH_COOKIE_NAME);
}

static struct session *session_of_cookie(const struct auth *auth,
                                         const struct http_request *request)
{
    struct secret_hash given = secret_hash_of(session_cookie(request));
    struct session *session = directory_session_of(&auth->directory, &given);
    enum auth_session_kind kind = auth_is_local(auth) ? AUTH_SESSION_LOCAL : AUTH_SESSION_COOKIE;

    return session && session->kind == kind ? session : NULL;
}

static enum auth_result check_cookie(struct check *check)
{
    struct auth *auth = check->auth;
    const struct http_request *request = check->request;

    /* A cookie that comes here elsewhere is for a neighbour on another port. */
    if (!session_cookie(request).data || auth_is_elsewhere(auth)) {
        return AUTH_MISSING;
    }
    struct session *session = session_of_cookie(auth, request);
    if (!session) {
        return judged(check, AUTH_FLAW_UNKNOWN);
    }
    enum auth_flaw flaw = AUTH_FLAW_NONE;
    if (auth_is_local(auth)) {
        flaw = check->now_us < session->expires_us ? AUTH_FLAW_NONE : AUTH_FLAW_EXPIRED;
        check->caller = auth_local_caller();
    } else {
        flaw =
            auth_caller_of_session(auth, session, AUTH_KIND_COOKIE, check->now_us, &check->caller);
    }
    if (flaw) {
        return judged(check, flaw);
    }
    if ((changes_something(request->method) || request->is_upgrade) &&
        !is_of_page(auth, http_header(request, "origin"))) {
        return AUTH_WRONG_ORIGIN;
    }
    auth_touch_session(auth, session, check->now_us);
    return judged(check, AUTH_FLAW_NONE);
}

static enum auth_result check_ticket(struct check *check)
{
    cleanup(buf_done) struct buf ticket;
    struct auth *auth = check->auth;

    buf_init(&ticket, QUERY_VALUE_BYTES_MAX);
    /* Elsewhere there is no cookie: what a browser opens by its address brings a ticket, too. */
    bool may_bring = check->request->is_upgrade ||
                     (auth_is_elsewhere(auth) && check->request->method == HTTP_GET);
    if (!may_bring || !http_query(check->request, "ticket", /* nth */ 0, &ticket)) {
        return AUTH_MISSING;
    }
    if (buf_status(&ticket)) {
        return judged(check, AUTH_FLAW_MALFORMED);
    }
    switch (
        tickets_take(&auth->tickets, buf_str(&ticket), loop_now_ms(auth->loop), &check->caller)) {
    case TICKET_GOOD:
        return judged(check, auth_still(auth, &check->caller, /* scope */ 0) ? AUTH_FLAW_NONE
                                                                             : AUTH_FLAW_REVOKED);
    case TICKET_EXPIRED:
        return judged(check, AUTH_FLAW_EXPIRED);
    case TICKET_USED:
        check->is_reused_ticket = true;
        break;
    case TICKET_UNKNOWN:
        break;
    }
    return judged(check, AUTH_FLAW_UNKNOWN);
}

static enum auth_result check_all(struct check *check)
{
    enum auth_result bearer = check_bearer(check);

    if (bearer != AUTH_MISSING) {
        return bearer;
    }
    enum auth_result cookie = check_cookie(check);
    if (cookie == AUTH_OK || cookie == AUTH_WRONG_ORIGIN) {
        return cookie;
    }
    enum auth_result ticket = check_ticket(check);
    return ticket == AUTH_MISSING ? cookie : ticket;
}

static void audit_refusal(const struct check *check)
{
    char detail[64];

    (void)snprintf(detail, sizeof(detail), "{\"flaw\":\"%s\"}", auth_flaw_name(check->flaw));
    accounts_audit(check->auth, NULL, check->is_reused_ticket ? "ticket.reused" : "token.refused",
                   check->is_reused_ticket ? str_from(check->caller.user_id) : STR(""),
                   check->request->peer_address, detail);
}

static enum auth_result check_request(struct auth *auth, const struct http_request *request,
                                      bool may_wait, struct auth_caller *ret_caller,
                                      enum auth_flaw *ret_flaw)
{
    struct check check = {.auth = auth, .request = request, .may_wait = may_wait};

    *ret_flaw = AUTH_FLAW_NONE;
    if (!hosts_has_host(&auth->hosts, http_header(request, "host"))) {
        return AUTH_WRONG_HOST;
    }
    check.now_us = clock_now_us();
    enum auth_result result = check_all(&check);
    if (result == AUTH_OK || result == AUTH_WRONG_ORIGIN) {
        *ret_caller = check.caller;
    } else if (result == AUTH_INVALID) {
        *ret_flaw = check.flaw;
        audit_refusal(&check);
    }
    return result;
}

enum auth_result auth_check(struct auth *auth, const struct http_request *request,
                            struct auth_caller *ret_caller, enum auth_flaw *ret_flaw)
{
    return check_request(auth, request, /* may_wait */ false, ret_caller, ret_flaw);
}

enum auth_result auth_check_or_wait(struct auth *auth, const struct http_request *request,
                                    struct auth_caller *ret_caller, enum auth_flaw *ret_flaw)
{
    return check_request(auth, request, /* may_wait */ true, ret_caller, ret_flaw);
}

bool accounts_is_key(const struct auth *auth, struct str credential_id)
{
    return directory_key(&auth->directory, credential_id) != NULL;
}

enum auth_result accounts_validate(struct auth *auth, struct str token,
                                   struct auth_caller *ret_caller, int64_t *ret_expires_us,
                                   enum auth_flaw *ret_flaw)
{
    struct auth_caller caller;
    int64_t expires_us = 0;
    enum auth_flaw flaw =
        judge_secret(auth, token, clock_now_us(), &caller, &expires_us, /* is_use */ false);

    *ret_flaw = flaw;
    if (flaw) {
        return AUTH_INVALID;
    }
    *ret_caller = caller;
    *ret_expires_us = expires_us;
    return AUTH_OK;
}

/* ---- what lives longer than a check ---- */

static bool same_place(const struct auth_caller *now, const struct auth_caller *then,
                       unsigned scope)
{
    return strcmp(now->workspace_id, then->workspace_id) == 0 &&
           strcmp(now->user_id, then->user_id) == 0 && (now->may & then->may & scope) == scope;
}

bool auth_still(const struct auth *auth, const struct auth_caller *caller, unsigned scope)
{
    struct str id = str_from(caller->credential_id);
    int64_t now_us = clock_now_us();
    struct auth_caller now;
    enum auth_flaw flaw;

    if (caller->kind == AUTH_KIND_LOCAL || caller->kind == AUTH_KIND_NOBODY) {
        return caller->kind == AUTH_KIND_LOCAL && auth_is_local(auth);
    }
    if (auth->issuer) {
        return issuer_still(auth->issuer, caller, now_us, &now) && same_place(&now, caller, scope);
    }
    const struct key *key = directory_key(&auth->directory, id);
    const struct session *session = key ? NULL : directory_session(&auth->directory, id);
    if (key) {
        flaw = auth_caller_of_key(auth, key, now_us, &now);
    } else if (session) {
        flaw = auth_caller_of_session(auth, session, caller->kind, now_us, &now);
    } else {
        return false;
    }
    return flaw == AUTH_FLAW_NONE && same_place(&now, caller, scope);
}

int auth_new_ticket(struct auth *auth, const struct auth_caller *caller,
                    char ticket[AUTH_SECRET_TEXT_BYTES])
{
    return tickets_add(&auth->tickets, caller, loop_now_ms(auth->loop), ticket);
}

/* The session that a request is of. */
struct session *auth_session_of_request(struct auth *auth, const struct http_request *request)
{
    struct str secret;
    struct token_claims claims;

    if (auth_is_elsewhere(auth)) {
        return NULL;
    }
    if (!auth_is_local(auth) && bearer_of(request, &secret)) {
        return tokens_check(&auth->tokens, secret, clock_now_us(), &claims)
                   ? NULL
                   : directory_session(&auth->directory, str_from(claims.session_id));
    }
    return session_cookie(request).data ? session_of_cookie(auth, request) : NULL;
}

const char *auth_flaw_name(enum auth_flaw flaw)
{
    static const char *const names[] = {
        [AUTH_FLAW_NONE] = "none",           [AUTH_FLAW_UNKNOWN] = "unknown",
        [AUTH_FLAW_EXPIRED] = "expired",     [AUTH_FLAW_MALFORMED] = "malformed",
        [AUTH_FLAW_ALGORITHM] = "algorithm", [AUTH_FLAW_KEY] = "key",
        [AUTH_FLAW_SIGNATURE] = "signature", [AUTH_FLAW_ISSUER] = "issuer",
        [AUTH_FLAW_AUDIENCE] = "audience",   [AUTH_FLAW_NOT_YET] = "not_yet",
        [AUTH_FLAW_REVOKED] = "revoked",     [AUTH_FLAW_NO_MEMBER] = "no_member",
    };

    return names[flaw];
}
