/*
 * Who may pass in local mode: requests made by hand, a real store, sessions that outlive the
 * process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/auth_state.h"
#include "base/alloc.h"

#define TOKEN  "0123456789abcdef-token"
#define ORIGIN "http://localhost:8421"

static char folder[64];
static struct loop *loop;
static struct store *store;
static struct auth *auth;

static void open_auth(void)
{
    static const char *const names[] = {"localhost:8421", "127.0.0.1:8421"};
    struct error error = {0};

    assert_int_equal(loop_new(2, &loop, &error), OK);
    assert_int_equal(store_open(loop, folder, &store, &error), OK);
    struct auth_options options = {.loop = loop,
                                   .store = store,
                                   .token = TOKEN,
                                   .hosts = names,
                                   .host_count = ARRAY_LENGTH(names)};
    assert_int_equal(auth_new(&options, &auth, &error), OK);
}

static void close_auth(void)
{
    auth_free(auth);
    store_close(store);
    loop_free(loop);
}

static int set_up(void **state)
{
    (void)state;
    memcpy(folder, "/tmp/netra-auth-XXXXXX", sizeof("/tmp/netra-auth-XXXXXX"));
    if (!mkdtemp(folder)) {
        return -1;
    }
    open_auth();
    return 0;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    close_auth();
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* What a request brings; NULL: nothing of it. */
struct bring {
    enum http_method method;
    const char *host;
    const char *authorization;
    const char *session; /* in the cookie */
    const char *origin;
    const char *ticket;
    bool is_upgrade;
};

struct request {
    struct http_header headers[4];
    char cookie[256];
    char query[256];
    struct http_request http;
};

static void add(struct request *request, struct str name, const char *value)
{
    if (value) {
        request->headers[request->http.header_count++] =
            (struct http_header){name, str_from(value)};
    }
}

static void make(struct request *request, const struct bring *bring)
{
    *request = (struct request){
        .http = {.method = bring->method, .path = STR("/x"), .is_upgrade = bring->is_upgrade}};
    request->http.headers = request->headers;
    add(request, STR("Host"), bring->host ? bring->host : "localhost:8421");
    add(request, STR("Authorization"), bring->authorization);
    add(request, STR("Origin"), bring->origin);
    if (bring->session) {
        (void)snprintf(request->cookie, sizeof(request->cookie), "a=b; " AUTH_COOKIE_NAME "=%s",
                       bring->session);
        add(request, STR("Cookie"), request->cookie);
    }
    if (bring->ticket) {
        (void)snprintf(request->query, sizeof(request->query), "a=b&ticket=%s", bring->ticket);
        request->http.query = str_from(request->query);
    }
}

static enum auth_result judge(const struct bring *bring)
{
    struct request request;

    struct auth_caller caller = {0};
    enum auth_flaw flaw;

    make(&request, bring);
    enum auth_result result = auth_check(auth, &request.http, &caller, &flaw);
    assert_int_equal(result == AUTH_INVALID, flaw != AUTH_FLAW_NONE);
    if (result == AUTH_OK) {
        assert_int_equal(caller.kind, AUTH_KIND_LOCAL);
        assert_int_equal(caller.role, AUTH_ROLE_ADMIN);
        assert_int_equal(caller.may, AUTH_SCOPE_ALL);
        assert_true(caller.is_operator);
        assert_string_equal(caller.user_id, "local");
        assert_string_equal(caller.workspace_id, "default");
        assert_true(auth_still(auth, &caller, AUTH_SCOPE_ADMIN));
    }
    return result;
}

static enum auth_result judge_host(const struct bring *bring)
{
    struct request request;

    make(&request, bring);
    return auth_check_host(auth, &request.http);
}

#define JUDGE(...)      judge(&(struct bring){__VA_ARGS__})
#define JUDGE_HOST(...) judge_host(&(struct bring){__VA_ARGS__})

static void sign_in(char session[AUTH_SECRET_TEXT_BYTES])
{
    char code[AUTH_SECRET_TEXT_BYTES];

    assert_int_equal(auth_new_code(auth, code), OK);
    assert_int_equal(auth_sign_in(auth, str_from(code), session), OK);
}

static void test_bearer_passes_only_when_it_is_the_token(void **state)
{
    (void)state;
    assert_int_equal(JUDGE(.method = HTTP_POST, .authorization = "Bearer " TOKEN), AUTH_OK);
    assert_int_equal(JUDGE(.authorization = "bearer   " TOKEN " "), AUTH_OK);
    assert_int_equal(JUDGE(.authorization = "Bearer " TOKEN, .is_upgrade = true), AUTH_OK);
    assert_int_equal(JUDGE(.authorization = "Bearer " TOKEN "x"), AUTH_INVALID);
    assert_int_equal(JUDGE(.authorization = "Bearer 0123456789abcdef-toke"), AUTH_INVALID);
    assert_int_equal(JUDGE(.authorization = "Bearer "), AUTH_INVALID);
    assert_int_equal(JUDGE(.authorization = "Bearer"), AUTH_MISSING);
    assert_int_equal(JUDGE(.authorization = "Basic " TOKEN), AUTH_MISSING);
    assert_int_equal(JUDGE(.authorization = TOKEN), AUTH_MISSING);
    assert_int_equal(JUDGE(.method = HTTP_GET), AUTH_MISSING);
    /* no browser adds it, so any page may */
    assert_int_equal(
        JUDGE(.method = HTTP_POST, .authorization = "Bearer " TOKEN, .origin = "http://evil"),
        AUTH_OK);
}

static void test_host_is_checked_before_anything(void **state)
{
    (void)state;
    assert_int_equal(JUDGE(.host = "evil.example:8421", .authorization = "Bearer " TOKEN),
                     AUTH_WRONG_HOST);
    assert_int_equal(JUDGE(.host = "", .authorization = "Bearer " TOKEN), AUTH_WRONG_HOST);
    assert_int_equal(JUDGE_HOST(.host = "evil.example"), AUTH_WRONG_HOST);
    assert_int_equal(JUDGE_HOST(.host = "127.0.0.1:8421"), AUTH_OK);
    assert_int_equal(JUDGE_HOST(.origin = "http://evil.example"), AUTH_OK);
    assert_int_equal(JUDGE_HOST(.method = HTTP_POST), AUTH_OK);
    assert_int_equal(JUDGE_HOST(.method = HTTP_POST, .origin = ORIGIN), AUTH_OK);
    assert_int_equal(JUDGE_HOST(.method = HTTP_POST, .origin = "null"), AUTH_WRONG_ORIGIN);
    struct error error = {0};
    assert_int_equal(auth_add_host(auth, "evil.example", &error), OK);
    assert_int_equal(JUDGE_HOST(.host = "evil.example"), AUTH_OK);
    assert_int_equal(auth_add_host(auth, "", &error), ERR_INVALID);
}

static void test_cookie_needs_an_origin_of_ours_to_change_something(void **state)
{
    char session[AUTH_SECRET_TEXT_BYTES];
    static const enum http_method changing[] = {HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE};

    (void)state;
    sign_in(session);
    assert_int_equal(JUDGE(.method = HTTP_GET, .session = session), AUTH_OK);
    assert_int_equal(JUDGE(.method = HTTP_HEAD, .session = session), AUTH_OK);
    for (size_t i = 0; i < ARRAY_LENGTH(changing); i++) {
        assert_int_equal(JUDGE(.method = changing[i], .session = session), AUTH_WRONG_ORIGIN);
        assert_int_equal(JUDGE(.method = changing[i], .session = session, .origin = ORIGIN),
                         AUTH_OK);
        assert_int_equal(
            JUDGE(.method = changing[i], .session = session, .origin = "http://evil.example"),
            AUTH_WRONG_ORIGIN);
    }
    assert_int_equal(JUDGE(.session = session, .is_upgrade = true), AUTH_WRONG_ORIGIN);
    assert_int_equal(JUDGE(.session = session, .is_upgrade = true, .origin = "null"),
                     AUTH_WRONG_ORIGIN);
    assert_int_equal(JUDGE(.session = session, .is_upgrade = true, .origin = ORIGIN), AUTH_OK);
    assert_int_equal(JUDGE(.session = "made-up"), AUTH_INVALID);
    assert_int_equal(JUDGE(.session = ""), AUTH_INVALID);
    /* a wrong bearer is not made good by a cookie */
    assert_int_equal(JUDGE(.session = session, .authorization = "Bearer wrong"), AUTH_INVALID);
}

static void test_a_code_signs_in_once(void **state)
{
    char code[AUTH_SECRET_TEXT_BYTES];
    char session[AUTH_SECRET_TEXT_BYTES] = "untouched";

    (void)state;
    assert_int_equal(auth_sign_in(auth, STR("made-up"), session), ERR_INVALID);
    assert_string_equal(session, "untouched");
    assert_int_equal(auth_new_code(auth, code), OK);
    assert_int_equal(auth_sign_in(auth, str_from(code), session), OK);
    assert_int_equal(JUDGE(.session = session), AUTH_OK);
    assert_int_equal(auth_sign_in(auth, str_from(code), session), ERR_INVALID);
    assert_int_equal(JUDGE(.session = code), AUTH_INVALID);
}

static void test_the_oldest_code_goes(void **state)
{
    char first[AUTH_SECRET_TEXT_BYTES];
    char second[AUTH_SECRET_TEXT_BYTES];
    char code[AUTH_SECRET_TEXT_BYTES];
    char session[AUTH_SECRET_TEXT_BYTES];

    (void)state;
    assert_int_equal(auth_new_code(auth, first), OK);
    assert_int_equal(auth_new_code(auth, second), OK);
    for (unsigned i = 1; i < AUTH_CODES_MAX; i++) {
        assert_int_equal(auth_new_code(auth, code), OK);
    }
    assert_int_equal(auth_sign_in(auth, str_from(first), session), ERR_INVALID);
    assert_int_equal(auth_sign_in(auth, str_from(second), session), OK);
}

static void test_a_ticket_opens_one_websocket(void **state)
{
    char ticket[AUTH_SECRET_TEXT_BYTES];

    (void)state;
    struct auth_caller maker = auth_local_caller();
    assert_int_equal(auth_new_ticket(auth, &maker, ticket), OK);
    assert_int_equal(JUDGE(.ticket = ticket), AUTH_MISSING);
    assert_int_equal(JUDGE(.ticket = ticket, .session = "stale"), AUTH_INVALID);
    assert_int_equal(JUDGE(.ticket = ticket, .session = "stale", .is_upgrade = true), AUTH_OK);
    assert_int_equal(JUDGE(.ticket = ticket, .is_upgrade = true), AUTH_INVALID);
    assert_int_equal(JUDGE(.ticket = "", .is_upgrade = true), AUTH_INVALID);
    assert_int_equal(JUDGE(.is_upgrade = true), AUTH_MISSING);
}

static void test_sign_out_ends_the_session(void **state)
{
    char session[AUTH_SECRET_TEXT_BYTES];
    char other[AUTH_SECRET_TEXT_BYTES];
    struct request request;

    (void)state;
    sign_in(session);
    sign_in(other);
    make(&request, &(struct bring){.session = session});
    auth_sign_out(auth, &request.http);
    auth_sign_out(auth, &request.http);
    assert_int_equal(JUDGE(.session = session), AUTH_INVALID);
    assert_int_equal(JUDGE(.session = other), AUTH_OK);
    close_auth();
    open_auth();
    assert_int_equal(JUDGE(.session = session), AUTH_INVALID);
    assert_int_equal(JUDGE(.session = other), AUTH_OK);
}

static void test_the_oldest_session_goes(void **state)
{
    char first[AUTH_SECRET_TEXT_BYTES];
    char session[AUTH_SECRET_TEXT_BYTES];

    (void)state;
    sign_in(first);
    for (unsigned i = 1; i < AUTH_LOCAL_SESSIONS_MAX; i++) {
        sign_in(session);
    }
    assert_int_equal(JUDGE(.session = first), AUTH_OK);
    sign_in(session);
    assert_int_equal(JUDGE(.session = first), AUTH_INVALID);
    close_auth();
    open_auth();
    assert_int_equal(JUDGE(.session = first), AUTH_INVALID);
    assert_int_equal(JUDGE(.session = session), AUTH_OK);
}

static bool count_session(const struct store_session *row, void *arg)
{
    (void)row;
    ++*(unsigned *)arg;
    return true;
}

static void test_expired_sessions_leave_the_store(void **state)
{
    struct store_session old = {.id = STR("old"),
                                .user_id = STR(AUTH_LOCAL_USER),
                                .workspace_id = STR(STORE_WORKSPACE_FIRST),
                                .kind = AUTH_SESSION_LOCAL,
                                .hash = {1},
                                .created_us = 1,
                                .expires_us = 2};
    struct store_batch *batch = store_batch_new(STR(""));
    unsigned count = 0;

    (void)state;
    assert_non_null(batch);
    store_put_session(batch, &old);
    assert_int_equal(store_submit(store, batch, NULL, NULL), OK);
    close_auth();
    open_auth(); /* sees it, and has it deleted */
    close_auth();
    open_auth();
    assert_int_equal(store_list_sessions(store, count_session, &count), OK);
    assert_int_equal(count, 0);
}

static void test_options_are_looked_at(void **state)
{
    struct error error = {0};
    struct auth *made = NULL;
    struct auth_options options = {.loop = loop, .store = store, .token = "fifteen-chars-x"};

    (void)state;
    assert_int_equal(auth_new(&options, &made, &error), ERR_INVALID);
    assert_null(made);
    options.token = NULL;
    assert_int_equal(auth_new(&options, &made, &error), OK);
    assert_int_equal(auth_add_host(made, "localhost:8421", &error), OK);
    struct request request;
    make(&request, &(struct bring){.authorization = "Bearer "});
    struct auth_caller caller;
    enum auth_flaw flaw;
    assert_int_equal(auth_check(made, &request.http, &caller, &flaw), AUTH_INVALID);
    assert_int_equal(flaw, AUTH_FLAW_UNKNOWN);
    auth_free(made);
    auth_free(NULL);
}

/* The store's own thread must not allocate meanwhile: nothing is submitted before. */
static void test_auth_survives_every_failing_allocation(void **state)
{
    static const char *const names[] = {"localhost:8421"};
    struct auth_options options = {.loop = loop,
                                   .store = store,
                                   .token = TOKEN,
                                   .hosts = names,
                                   .host_count = ARRAY_LENGTH(names)};
    struct auth *made = NULL;
    uint64_t nth = 1;

    (void)state;
    for (; nth < 100 && !made; nth++) {
        struct error error = {0};

        (void)alloc_fail_from(nth);
        int code = auth_new(&options, &made, &error);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY || code == ERR_IO);
    }
    assert_non_null(made);
    assert_in_range(nth, 5, 50);
    auth_free(made);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    CASE(test_bearer_passes_only_when_it_is_the_token),
    CASE(test_host_is_checked_before_anything),
    CASE(test_cookie_needs_an_origin_of_ours_to_change_something),
    CASE(test_a_code_signs_in_once),
    CASE(test_the_oldest_code_goes),
    CASE(test_a_ticket_opens_one_websocket),
    CASE(test_sign_out_ends_the_session),
    CASE(test_the_oldest_session_goes),
    CASE(test_expired_sessions_leave_the_store),
    CASE(test_options_are_looked_at),
    CASE(test_auth_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
