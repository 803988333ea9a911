/*
 * A deployment with accounts for unit tests: a real store in a folder of its own, a loop that is
 * turned until an outcome is there, requests made by hand.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_ACCOUNTS_FIXTURE_H
#define NETRA_TESTS_ACCOUNTS_FIXTURE_H

#include "unit.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/auth_state.h"
#include "base/civil_time.h"
#include "loop/clock.h"

#define DESK_URL      "https://netra.example.org"
#define DESK_HOST     "netra.example.org"
#define DESK_SECRET   "a secret of at least 32 characters, for tests"
#define DESK_EMAIL    "ada@example.org"
#define DESK_PASSWORD "correct horse, first of her name"

/* One deployment at a time. */
struct desk {
    char folder[64];
    struct loop *loop;
    struct store *store;
    struct auth *auth;
    const char *secret;
    unsigned revoked; /* times that auth_on_revoked was called */
    struct error error;
};
static struct desk desk;

/* What the last change came to; texts are copied. */
struct outcome {
    bool is_there;
    int code;
    unsigned retry_after_s;
    char message[ERROR_MESSAGE_BYTES_MAX];
    bool has_grant;
    struct account_grant grant;
    char id[STORE_ID_BYTES_MAX + 1];
    char secret[128];
    int64_t expires_us;
};
static struct outcome outcome;

static inline void count_revoked(void *arg)
{
    (void)arg;
    desk.revoked++;
}

static inline int desk_try_open(void)
{
    static const char *const names[] = {DESK_HOST};
    static const char *const origins[] = {"https://app.example.org"};
    struct auth_options options = {.loop = desk.loop,
                                   .store = desk.store,
                                   .mode = AUTH_MODE_ACCOUNTS,
                                   .hosts = names,
                                   .host_count = ARRAY_LENGTH(names),
                                   .origins = origins,
                                   .origin_count = ARRAY_LENGTH(origins),
                                   .secret = str_from(desk.secret),
                                   .allows_passwords = true,
                                   .access_token_s = 900,
                                   .session_days = 30,
                                   .idle_days = 14,
                                   .signing_key_days = 30,
                                   .lockout_failures = 5};

    return auth_new(&options, &desk.auth, &desk.error);
}

static inline void desk_open(void)
{
    assert_int_equal(loop_new(2, &desk.loop, &desk.error), OK);
    assert_int_equal(store_open(desk.loop, desk.folder, &desk.store, &desk.error), OK);
    int code = desk_try_open();
    if (code) {
        fail_msg("auth_new: %s", desk.error.message);
    }
    auth_set_url(desk.auth, DESK_URL);
    auth_on_revoked(desk.auth, count_revoked, NULL);
}

static inline void desk_close(void)
{
    auth_free(desk.auth);
    store_close(desk.store);
    loop_free(desk.loop);
}

/* As after a restart. */
static inline void desk_reopen(void)
{
    desk_close();
    desk_open();
}

static inline int desk_set_up(void **state)
{
    (void)state;
    desk = (struct desk){.secret = DESK_SECRET};
    memcpy(desk.folder, "/tmp/netra-accounts-XXXXXX", sizeof("/tmp/netra-accounts-XXXXXX"));
    if (!mkdtemp(desk.folder)) {
        return -1;
    }
    desk_open();
    return 0;
}

static inline int desk_remove_one(const char *path, const struct stat *about, int kind,
                                  struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline int desk_tear_down(void **state)
{
    (void)state;
    desk_close();
    return nftw(desk.folder, desk_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- outcomes ---- */

static inline void note(const struct account_outcome *made, void *arg)
{
    struct outcome *to = arg ? arg : &outcome;

    *to = (struct outcome){.is_there = true,
                           .code = made->code,
                           .retry_after_s = made->retry_after_s,
                           .expires_us = made->expires_us};
    memcpy(to->message, made->error->message, sizeof(to->message));
    if (made->grant) {
        to->has_grant = true;
        to->grant = *made->grant;
    }
    (void)snprintf(to->id, sizeof(to->id), "%s", made->id ? made->id : "");
    (void)snprintf(to->secret, sizeof(to->secret), "%s", made->secret ? made->secret : "");
}

static inline void wait_for(const struct outcome *which)
{
    while (!which->is_there) {
        (void)uv_run(loop_uv(desk.loop), UV_RUN_ONCE);
    }
}

/* The code of a change that was begun with note and NULL. */
static inline int came_to(int begun)
{
    assert_int_equal(begun, OK);
    assert_false(outcome.is_there); /* never from within */
    wait_for(&outcome);
    return outcome.code;
}

/* came_to(BEGIN(accounts_login(desk.auth, &request, DONE))) */
#define BEGIN(call) (outcome.is_there = false, (call))
#define DONE        note, NULL, &desk.error

static const struct account_origin desk_origin = {.address = {"192.0.2.77", 10},
                                                  .device = {"Mozilla/5.0 (test)", 18}};

/* ---- what tests do often ---- */

static inline int try_login(const char *email, const char *password, enum auth_session_kind kind)
{
    struct account_login login = {.email = str_from(email),
                                  .password = str_from(password),
                                  .kind = kind,
                                  .origin = desk_origin};

    return came_to(BEGIN(accounts_login(desk.auth, &login, DONE)));
}

static inline int try_register(const char *code, const char *email, const char *name,
                               const char *password)
{
    struct account_register request = {.code = str_from(code),
                                       .email = str_from(email),
                                       .name = str_from(name),
                                       .password = str_from(password),
                                       .kind = AUTH_SESSION_TOKENS,
                                       .origin = desk_origin};

    return came_to(BEGIN(accounts_register(desk.auth, &request, DONE)));
}

/* The first admin; outcome has their grant. */
static inline struct auth_caller set_up_admin(void)
{
    char code[AUTH_SECRET_TEXT_BYTES];

    assert_int_equal(accounts_setup_code(desk.auth, code), OK);
    assert_int_equal(try_register(code, DESK_EMAIL, "Ada", DESK_PASSWORD), OK);
    return outcome.grant.caller;
}

/* Invites and registers somebody into the admin's workspace; outcome has their grant. */
static inline struct auth_caller add_person(const struct auth_caller *admin, const char *email,
                                            enum auth_role role)
{
    assert_int_equal(came_to(BEGIN(accounts_invite(desk.auth, admin, str_from(email), role,
                                                   &desk_origin, DONE))),
                     OK);
    char code[128];
    memcpy(code, outcome.secret, sizeof(code));
    assert_int_equal(try_register(code, "", "Somebody", DESK_PASSWORD), OK);
    return outcome.grant.caller;
}

/* ---- requests ---- */

struct bring {
    enum http_method method;
    const char *host;
    const char *bearer;
    const char *cookie; /* of a session */
    const char *origin;
    const char *ticket;
    bool is_upgrade;
};

struct brought {
    struct http_header headers[4];
    char authorization[AUTH_TOKEN_BYTES_MAX + 16];
    char cookie[256];
    char query[256];
    struct http_request http;
};

static inline void bring_header(struct brought *request, struct str name, const char *value)
{
    if (value) {
        request->headers[request->http.header_count++] =
            (struct http_header){name, str_from(value)};
    }
}

static inline void make_request(struct brought *request, const struct bring *bring)
{
    *request = (struct brought){.http = {.method = bring->method,
                                         .path = STR("/x"),
                                         .peer_address = STR("192.0.2.77"),
                                         .is_upgrade = bring->is_upgrade}};
    request->http.headers = request->headers;
    bring_header(request, STR("Host"), bring->host ? bring->host : DESK_HOST);
    bring_header(request, STR("Origin"), bring->origin);
    if (bring->bearer) {
        (void)snprintf(request->authorization, sizeof(request->authorization), "Bearer %s",
                       bring->bearer);
        bring_header(request, STR("Authorization"), request->authorization);
    }
    if (bring->cookie) {
        (void)snprintf(request->cookie, sizeof(request->cookie), "netra_session=%s", bring->cookie);
        bring_header(request, STR("Cookie"), request->cookie);
    }
    if (bring->ticket) {
        (void)snprintf(request->query, sizeof(request->query), "ticket=%s", bring->ticket);
        request->http.query = str_from(request->query);
    }
}

static struct auth_caller checked_caller;
static enum auth_flaw checked_flaw;

static inline enum auth_result judge(const struct bring *bring)
{
    static struct brought request;

    make_request(&request, bring);
    checked_caller = (struct auth_caller){0};
    return auth_check(desk.auth, &request.http, &checked_caller, &checked_flaw);
}
#define JUDGE(...) judge(&(struct bring){__VA_ARGS__})

/* ---- the audit log ---- */

struct audit_count {
    const char *action;
    const char *detail; /* a piece of it, or NULL */
    unsigned count;
};

static inline bool count_line(const struct store_audit *row, void *arg)
{
    struct audit_count *count = arg;

    count->count +=
        str_equal(row->action, str_from(count->action)) &&
        (!count->detail || str_find(row->detail, str_from(count->detail), 0) != SIZE_MAX);
    return true;
}

/* Lines with that action in the newest 200, after what was submitted is durable. */
static inline void desk_flush_done(int code, void *arg)
{
    assert_int_equal(code, OK);
    *(bool *)arg = true;
}

static inline void desk_flush(void)
{
    bool is_done = false;

    assert_int_equal(store_probe(desk.store, desk_flush_done, &is_done), OK);
    while (!is_done) {
        (void)uv_run(loop_uv(desk.loop), UV_RUN_ONCE);
    }
}

static inline unsigned audit_lines(const char *workspace, const char *action, const char *detail)
{
    struct audit_count count = {.action = action, .detail = detail};

    desk_flush();
    assert_int_equal(store_list_audit(desk.store, str_from(workspace), /* with_deployment */ true,
                                      /* before */ 0, STORE_PAGE_MAX, count_line, &count),
                     OK);
    return count.count;
}

#endif
