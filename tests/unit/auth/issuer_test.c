/*
 * The auth service as the backend sees it: tokens by its keys, keys and ended sessions by asking.
 * The desk is a real auth service with a small HTTP server in front, which can be deaf; times are
 * short, so that what lasts minutes lasts milliseconds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "accounts_fixture.h"

#include <sys/stat.h>

#include "auth/base64url.h"
#include "auth/introspection.h"
#include "base/alloc.h"

#define URL_BYTES 64

static const struct issuer_times times = {.recheck_ms = 40,
                                          .holds_ms = 80,
                                          .refused_ms = 40,
                                          .key_keeps_ms = 300,
                                          .ask_ms = 2000,
                                          .retry_ms = 30};

static struct {
    struct http_server *server;
    struct http_client *client;
    struct issuer *issuer;
    char url[URL_BYTES];
    int deaf_status; /* 0: it answers */
    unsigned fetched;
    unsigned asked;
    char bearer[AUTH_TOKEN_BYTES_MAX + 16]; /* of the last question */
    http_id told[16];                       /* whom on_known named */
    unsigned told_count;
    unsigned revoked;
} backend;

/* ---- the service ---- */

static void on_head(const struct http_request *request, struct http_plan *plan, void *arg)
{
    (void)request;
    (void)arg;
    plan->body_bytes_max = 65536;
}

static void reply(http_id id, int status, const struct buf *body)
{
    (void)http_reply(backend.server, id,
                     &(struct http_reply){.status = status,
                                          .content_type = STR("application/json"),
                                          .body = buf_str(body)});
}

/* As route_sign_in.c does, with what route_sign_in.c has it from. */
static void answer_about(http_id id, struct str secret, struct buf *body)
{
    struct auth_caller caller;
    enum auth_flaw flaw;
    int64_t expires_us = 0;
    struct json_writer w = json_writer_on(body);
    bool is_good = accounts_validate(desk.auth, secret, &caller, &expires_us, &flaw) == AUTH_OK;

    json_begin_object(&w);
    json_key(&w, "active");
    json_put_bool(&w, is_good);
    if (is_good) {
        const char *const members[][2] = {
            {"sub", caller.user_id},
            {"ws", caller.workspace_id},
            {"role", auth_role_name(caller.role)},
            {"scope", caller.may == AUTH_SCOPE_ALL ? "read run data admin" : "read"},
            {"kind", caller.kind == AUTH_KIND_KEY ? "key" : "session"},
            {"id", caller.credential_id}};

        for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
            json_key(&w, members[i][0]);
            json_put_text(&w, members[i][1]);
        }
    }
    json_end_object(&w);
    reply(id, is_good ? 200 : 401, body);
}

static void on_request(const struct http_request *request, void *arg)
{
    struct str bearer = http_header(request, "authorization");
    cleanup(buf_done) struct buf body;

    (void)arg;
    buf_init(&body, 65536);
    if (backend.deaf_status) {
        reply(request->id, backend.deaf_status, &body);
    } else if (str_equal(request->path, STR("/.well-known/jwks.json"))) {
        struct json_writer w = json_writer_on(&body);

        backend.fetched++;
        accounts_write_jwks(desk.auth, &w);
        reply(request->id, 200, &body);
    } else {
        assert_str(request->path, "/auth/validate");
        assert_true(str_starts_with(bearer, STR("Bearer ")));
        backend.asked++;
        answer_about(request->id, str_slice(bearer, strlen("Bearer "), bearer.length), &body);
    }
}

static void on_body(http_id id, void *context, struct str piece, void *arg)
{
    (void)id;
    (void)context;
    (void)piece;
    (void)arg;
}

static void on_gone(http_id id, void *context, unsigned ws_code, void *arg)
{
    (void)id;
    (void)context;
    (void)ws_code;
    (void)arg;
}

static const struct http_handler handler = {
    .on_head = on_head, .on_request = on_request, .on_body = on_body, .on_gone = on_gone};

/* ---- the backend ---- */

static void known(http_id id, void *arg)
{
    (void)arg;
    assert_true(backend.told_count < ARRAY_LENGTH(backend.told));
    backend.told[backend.told_count++] = id;
}

static void revoked(void *arg)
{
    (void)arg;
    backend.revoked++;
}

static void turn_for(uint64_t ms)
{
    uint64_t until = loop_now_ms(desk.loop) + ms;

    while (loop_now_ms(desk.loop) < until) {
        (void)uv_run(loop_uv(desk.loop), UV_RUN_NOWAIT);
    }
}

#define TURN_UNTIL(condition)                                                                      \
    do {                                                                                           \
        uint64_t until_ = loop_now_ms(desk.loop) + 5000;                                           \
        while (!(condition)) {                                                                     \
            if (loop_now_ms(desk.loop) > until_) {                                                 \
                fail_msg("waited in vain for: %s", #condition);                                    \
            }                                                                                      \
            (void)uv_run(loop_uv(desk.loop), UV_RUN_NOWAIT);                                       \
        }                                                                                          \
    } while (0)

static int try_issuer(struct error *error)
{
    struct issuer_options options = {.loop = desk.loop,
                                     .times = &times,
                                     .client = backend.client,
                                     .url = backend.url,
                                     .data_dir = desk.folder,
                                     .on_known = known,
                                     .on_revoked = revoked};

    return issuer_new(&options, &backend.issuer, error);
}

static void open_issuer(void)
{
    struct error error = {0};

    assert_int_equal(try_issuer(&error), OK);
}

static int set_up(void **state)
{
    struct http_server_options options = {
        .address = "127.0.0.1", .limits = http_limits_default, .handler = &handler};
    struct error error = {0};

    if (desk_set_up(state)) {
        return -1;
    }
    memset(&backend, 0, sizeof(backend));
    options.loop = desk.loop;
    assert_int_equal(http_server_start(&options, &backend.server, &error), OK);
    assert_int_equal(http_client_new(desk.loop, NULL, &backend.client, &error), OK);
    (void)snprintf(backend.url, sizeof(backend.url), "http://127.0.0.1:%u",
                   http_server_port(backend.server));
    auth_set_url(desk.auth, backend.url);
    open_issuer();
    TURN_UNTIL(issuer_state(backend.issuer).fetched == 1);
    return 0;
}

static int tear_down(void **state)
{
    issuer_free(backend.issuer);
    http_client_free(backend.client);
    http_server_free(backend.server);
    return desk_tear_down(state);
}

static struct auth_caller found;
static enum auth_flaw flaw;

static enum issuer_word judge_at(const char *secret, http_id waiter, int64_t now_us)
{
    flaw = AUTH_FLAW_NONE;
    return issuer_judge(backend.issuer, str_from(secret), waiter, now_us, &found, &flaw);
}

static enum issuer_word judged_now(const char *secret, http_id waiter)
{
    return judge_at(secret, waiter, clock_now_us());
}

/* What it comes to, when waiting is what it takes. */
static enum issuer_word comes_to(const char *secret)
{
    unsigned before = backend.told_count;
    enum issuer_word word = judged_now(secret, /* waiter */ 7);

    if (word == ISSUER_WAIT) {
        TURN_UNTIL(backend.told_count == before + 1);
        assert_int_equal(backend.told[before], 7);
        word = judged_now(secret, /* waiter */ 0);
    }
    return word;
}

static char admin_token[AUTH_TOKEN_BYTES_MAX];
static struct auth_caller sign_in(void)
{
    struct auth_caller admin = set_up_admin();

    memcpy(admin_token, outcome.grant.access_token, sizeof(admin_token));
    return admin;
}

static void make_key(const struct auth_caller *admin, char key[128],
                     char id[STORE_ID_BYTES_MAX + 1])
{
    struct account_key_request request = {
        .name = STR("k"), .scopes = AUTH_SCOPE_READ, .origin = desk_origin};

    assert_int_equal(came_to(BEGIN(accounts_add_key(desk.auth, admin, &request, DONE))), OK);
    memcpy(key, outcome.secret, 128);
    memcpy(id, outcome.id, STORE_ID_BYTES_MAX + 1);
}

/* ---- tests ---- */

/* A token that was never seen waits for one answer, and then for none while it holds. */
static void test_issuer_asks_once_about_a_token(void **state)
{
    (void)state;
    struct auth_caller admin = sign_in();

    assert_int_equal(judged_now(admin_token, 7), ISSUER_WAIT);
    assert_int_equal(judged_now(admin_token, 8), ISSUER_WAIT); /* the same question */
    TURN_UNTIL(backend.told_count == 2);
    assert_int_equal(backend.asked, 1);
    assert_int_equal(judged_now(admin_token, 7), ISSUER_GOOD);
    assert_string_equal(found.user_id, admin.user_id);
    assert_string_equal(found.workspace_id, "default");
    assert_string_equal(found.credential_id, admin.credential_id);
    assert_int_equal(found.may, AUTH_SCOPE_ALL);
    assert_int_equal(found.kind, AUTH_KIND_TOKEN);
    assert_true(found.is_operator);
    assert_int_equal(backend.asked, 1);
}

/* From recheck_ms on a busy caller never waits; the answer is asked for behind their back. */
static void test_issuer_asks_again_before_an_answer_is_too_old(void **state)
{
    (void)state;
    (void)sign_in();
    assert_int_equal(comes_to(admin_token), ISSUER_GOOD);
    turn_for(times.recheck_ms + 5);
    assert_int_equal(judged_now(admin_token, 7), ISSUER_GOOD);
    TURN_UNTIL(backend.asked == 2);
    turn_for(10);
    turn_for(times.holds_ms + 5);
    assert_int_equal(judged_now(admin_token, 7), ISSUER_WAIT);
}

static void test_issuer_hears_of_an_ended_session(void **state)
{
    struct auth_caller now;

    (void)state;
    struct auth_caller admin = sign_in();
    assert_int_equal(comes_to(admin_token), ISSUER_GOOD);
    assert_true(issuer_still(backend.issuer, &admin, clock_now_us(), &now));
    assert_int_equal(came_to(BEGIN(accounts_end_sessions(
                         desk.auth, &admin, str_from(admin.credential_id), &desk_origin, DONE))),
                     OK);
    turn_for(times.holds_ms + 5);
    unsigned before = backend.revoked;
    assert_int_equal(comes_to(admin_token), ISSUER_BAD);
    assert_int_equal(flaw, AUTH_FLAW_REVOKED);
    assert_int_equal(backend.revoked, before + 1); /* sockets are looked at */
    assert_false(issuer_still(backend.issuer, &admin, clock_now_us(), &now));
}

/* Whoever holds a socket is asked about without a request: that is how it ends. */
static void test_issuer_still_asks_about_what_is_old(void **state)
{
    struct auth_caller now;

    (void)state;
    struct auth_caller admin = sign_in();
    assert_int_equal(comes_to(admin_token), ISSUER_GOOD);
    assert_int_equal(came_to(BEGIN(accounts_end_sessions(
                         desk.auth, &admin, str_from(admin.credential_id), &desk_origin, DONE))),
                     OK);
    turn_for(times.recheck_ms + 5);
    assert_true(issuer_still(backend.issuer, &admin, clock_now_us(), &now));
    TURN_UNTIL(backend.revoked == 1);
    assert_false(issuer_still(backend.issuer, &admin, clock_now_us(), &now));
}

/* While the auth service is away its tokens hold by their signature, to their end, whether they
 * were seen before or not; nobody waits for it more than once. */
static void test_issuer_takes_tokens_while_the_service_is_away(void **state)
{
    (void)state;
    struct auth_caller admin = sign_in();
    backend.deaf_status = 503;
    assert_int_equal(comes_to(admin_token), ISSUER_GOOD); /* never seen before */
    assert_string_equal(found.user_id, admin.user_id);
    assert_int_equal(found.may, AUTH_SCOPE_ALL);
    assert_true(found.is_operator);
    assert_true(issuer_state(backend.issuer).is_silent);
    assert_int_equal(judged_now(admin_token, 7), ISSUER_GOOD); /* at once: it is known to be away */
    int64_t later_us = clock_now_us() + 901 * SECOND_US;
    assert_int_equal(judge_at(admin_token, 0, later_us), ISSUER_BAD);
    assert_int_equal(flaw, AUTH_FLAW_EXPIRED);
    backend.deaf_status = 0;
    turn_for(times.retry_ms + 5);
    (void)judged_now(admin_token, 7);
    TURN_UNTIL(!issuer_state(backend.issuer).is_silent);
}

/* What was refused stays refused when the service goes away afterwards. */
static void test_issuer_keeps_a_refusal_while_the_service_is_away(void **state)
{
    (void)state;
    struct auth_caller admin = sign_in();
    assert_int_equal(came_to(BEGIN(accounts_end_sessions(
                         desk.auth, &admin, str_from(admin.credential_id), &desk_origin, DONE))),
                     OK);
    assert_int_equal(comes_to(admin_token), ISSUER_BAD);
    backend.deaf_status = 503;
    turn_for(times.refused_ms + 5);
    assert_int_equal(comes_to(admin_token), ISSUER_BAD);
}

static void test_issuer_keeps_a_key_for_a_while_only(void **state)
{
    char key[128];
    char id[STORE_ID_BYTES_MAX + 1];
    char other[128];

    (void)state;
    struct auth_caller admin = sign_in();
    make_key(&admin, key, id);
    make_key(&admin, other, id);
    assert_int_equal(comes_to(key), ISSUER_GOOD);
    assert_int_equal(found.kind, AUTH_KIND_KEY);
    assert_int_equal(found.may, AUTH_SCOPE_READ);
    assert_false(found.is_operator);
    backend.deaf_status = 500;
    turn_for(times.holds_ms + 5);
    assert_int_equal(comes_to(key), ISSUER_GOOD);
    assert_int_equal(comes_to(other), ISSUER_SILENT); /* nobody has vouched for it */
    turn_for(times.key_keeps_ms);
    assert_int_equal(comes_to(key), ISSUER_SILENT);
}

static void test_issuer_refuses_a_revoked_key(void **state)
{
    char key[128];
    char id[STORE_ID_BYTES_MAX + 1];

    (void)state;
    struct auth_caller admin = sign_in();
    make_key(&admin, key, id);
    assert_int_equal(comes_to(key), ISSUER_GOOD);
    assert_int_equal(
        came_to(BEGIN(accounts_revoke_key(desk.auth, &admin, str_from(id), &desk_origin, DONE))),
        OK);
    turn_for(times.holds_ms + 5);
    assert_int_equal(comes_to(key), ISSUER_BAD);
    assert_int_equal(flaw, AUTH_FLAW_UNKNOWN);
    unsigned before = backend.asked;
    assert_int_equal(judged_now(key, 7), ISSUER_BAD); /* believed for a moment */
    assert_int_equal(backend.asked, before);
}

/* A key that rotated in is fetched; made-up kids cause few fetches. */
static void test_issuer_fetches_a_key_that_it_does_not_know(void **state)
{
    (void)state;
    struct auth_caller admin = sign_in();
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(
            came_to(BEGIN(accounts_rotate_keys(desk.auth, &admin, &desk_origin, DONE))), OK);
    }
    assert_int_equal(try_login(DESK_EMAIL, DESK_PASSWORD, AUTH_SESSION_TOKENS), OK);
    char token[AUTH_TOKEN_BYTES_MAX];
    memcpy(token, outcome.grant.access_token, sizeof(token));
    assert_int_equal(judged_now(token, 0), ISSUER_BAD);
    assert_int_equal(flaw, AUTH_FLAW_KEY);
    assert_int_equal(judged_now(token, 7), ISSUER_WAIT);
    TURN_UNTIL(backend.told_count == 1);
    assert_int_equal(backend.fetched, 2);
    assert_int_equal(comes_to(token), ISSUER_GOOD);
}

/* A token whose header names another kid: nothing of it is signed by anybody. */
static void forge_kid(unsigned n, char token[AUTH_TOKEN_BYTES_MAX])
{
    char header[128];
    size_t length = 0;

    (void)snprintf(header, sizeof(header),
                   "{\"alg\":\"ES256\",\"kid\":\"made-up-%u\",\"typ\":\"at+jwt\"}", n);
    length = BASE64URL_LENGTH(strlen(header));
    base64url_encode((const unsigned char *)header, strlen(header), token);
    (void)snprintf(token + length, AUTH_TOKEN_BYTES_MAX - length, ".e30.c2ln");
}

static void test_issuer_fetches_few_times_for_kids_that_are_made_up(void **state)
{
    char token[AUTH_TOKEN_BYTES_MAX];

    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        forge_kid(i, token);
        assert_int_equal(comes_to(token), ISSUER_BAD);
        assert_int_equal(flaw, AUTH_FLAW_KEY);
    }
    assert_int_equal(backend.fetched, 1 + ISSUER_KID_BURST);
    assert_int_equal(issuer_state(backend.issuer).remembered, 0);
}

/* Another issuer's tokens, and the other forms of a forgery, are refused without a question. */
static void test_issuer_asks_nobody_about_what_is_not_signed(void **state)
{
    static const char *const wrong[] = {"", "a", "a.b.c", "eyJhbGciOiJub25lIn0.e30.",
                                        "eyJhbGciOiJIUzI1NiIsImtpZCI6IngifQ.e30.c2ln"};

    (void)state;
    (void)sign_in();
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_int_equal(judged_now(wrong[i], 7), ISSUER_BAD);
    }
    auth_set_url(desk.auth, "http://127.0.0.1:1");
    assert_int_equal(try_login(DESK_EMAIL, DESK_PASSWORD, AUTH_SESSION_TOKENS), OK);
    assert_int_equal(judged_now(outcome.grant.access_token, 7), ISSUER_BAD);
    assert_int_equal(flaw, AUTH_FLAW_ISSUER);
    char long_key[300];
    memset(long_key, 'x', sizeof(long_key));
    memcpy(long_key, ACCOUNTS_KEY_PREFIX, strlen(ACCOUNTS_KEY_PREFIX));
    long_key[sizeof(long_key) - 1] = '\0';
    assert_int_equal(judged_now(long_key, 7), ISSUER_BAD);
    assert_int_equal(backend.asked, 0);
}

/* The keys are in the folder: a backend that starts while the auth service is away knows them; not
 * those of another issuer. */
static void test_issuer_starts_with_the_keys_that_were_kept(void **state)
{
    struct stat about;
    char path[128];

    (void)state;
    (void)sign_in();
    (void)snprintf(path, sizeof(path), "%s/jwks.json", desk.folder);
    TURN_UNTIL(stat(path, &about) == 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    issuer_free(backend.issuer);
    backend.deaf_status = 503;
    open_issuer();
    assert_int_equal(issuer_state(backend.issuer).keys, 2);
    assert_int_equal(comes_to(admin_token), ISSUER_GOOD);
    issuer_free(backend.issuer);
    (void)snprintf(backend.url, sizeof(backend.url), "http://127.0.0.1:%u/x",
                   http_server_port(backend.server));
    open_issuer();
    assert_int_equal(issuer_state(backend.issuer).keys, 0);
    assert_int_equal(comes_to(admin_token), ISSUER_SILENT);
}

/* Freed with questions under way: nobody is told, nothing is lost (the sanitizer looks). */
static void test_issuer_is_freed_with_questions_under_way(void **state)
{
    (void)state;
    (void)sign_in();
    assert_int_equal(judged_now(admin_token, 7), ISSUER_WAIT);
    issuer_free(backend.issuer);
    backend.issuer = NULL;
    turn_for(20);
    assert_int_equal(backend.told_count, 0);
}

static void test_issuer_survives_want_of_memory(void **state)
{
    (void)state;
    (void)sign_in();
    issuer_free(backend.issuer);
    backend.issuer = NULL;
    for (unsigned long nth = 1; !backend.issuer; nth++) {
        struct error error = {0};

        (void)alloc_fail_from(nth);
        int code = try_issuer(&error);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_true(nth < 1000);
    }
    issuer_free(backend.issuer); /* which may have got no keys */
    open_issuer();
    TURN_UNTIL(issuer_state(backend.issuer).fetched == 1);
    for (unsigned long nth = 1; nth < 60; nth++) {
        (void)alloc_fail_from(nth);
        enum issuer_word word = judged_now(admin_token, 7);
        (void)alloc_fail_from(0);
        assert_true(word != ISSUER_BAD || flaw == AUTH_FLAW_KEY || flaw == AUTH_FLAW_SIGNATURE ||
                    flaw == AUTH_FLAW_MALFORMED);
    }
    TURN_UNTIL(comes_to(admin_token) == ISSUER_GOOD);
}

/* Who makes keys up pushes out nobody whose credential is good. */
static void test_known_forgets_the_doubtful_first(void **state)
{
    struct known_table table;
    struct auth_caller caller = {.credential_id = "s-1"};
    struct secret_hash hash = secret_hash_of(STR("good"));
    char text[32];

    (void)state;
    assert_int_equal(known_init(&table), OK);
    struct known *good = known_add(&table, &hash, STR("good"));
    known_set_caller(&table, good, &caller);
    known_set_answer(&table, good, /* is_refused */ false, 1);
    for (unsigned i = 0; i < 3 * KNOWN_MAX; i++) {
        (void)snprintf(text, sizeof(text), "made up %u", i);
        struct secret_hash other = secret_hash_of(str_from(text));
        struct known *known_one = known_add(&table, &other, str_from(text));

        assert_non_null(known_one);
        if (i % 2) {
            known_set_answer(&table, known_one, /* is_refused */ true, i);
        }
    }
    assert_ptr_equal(known_find(&table, &hash), good);
    assert_ptr_equal(known_of_id(&table, STR("s-1")), good);
    assert_null(known_next(good));
    assert_true(table.count <= KNOWN_DOUBTFUL_MAX + 1);
    assert_int_equal(table.doubtful_count, table.count - 1);
    known_done(&table);
}

static void test_known_holds_no_more_than_its_limit(void **state)
{
    struct known_table table;
    char text[32];

    (void)state;
    assert_int_equal(known_init(&table), OK);
    for (unsigned i = 0; i < KNOWN_MAX + 100; i++) {
        struct auth_caller caller = {.credential_id = "same"};

        (void)snprintf(text, sizeof(text), "token %u", i);
        struct secret_hash hash = secret_hash_of(str_from(text));
        struct known *one = known_add(&table, &hash, str_from(text));
        known_set_caller(&table, one, &caller);
        known_set_answer(&table, one, /* is_refused */ false, i);
    }
    assert_int_equal(table.count, KNOWN_MAX);
    struct secret_hash first = secret_hash_of(STR("token 0"));
    assert_null(known_find(&table, &first));
    unsigned of_id = 0;
    for (struct known *at = known_of_id(&table, STR("same")); at; at = known_next(at)) {
        of_id++;
    }
    assert_int_equal(of_id, KNOWN_MAX);
    known_done(&table);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_issuer_asks_once_about_a_token, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_issuer_asks_again_before_an_answer_is_too_old, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_issuer_hears_of_an_ended_session, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_issuer_still_asks_about_what_is_old, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_issuer_takes_tokens_while_the_service_is_away, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_issuer_keeps_a_refusal_while_the_service_is_away, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_issuer_keeps_a_key_for_a_while_only, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_issuer_refuses_a_revoked_key, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_issuer_fetches_a_key_that_it_does_not_know, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_issuer_fetches_few_times_for_kids_that_are_made_up, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_issuer_asks_nobody_about_what_is_not_signed, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_issuer_starts_with_the_keys_that_were_kept, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_issuer_is_freed_with_questions_under_way, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_issuer_survives_want_of_memory, set_up, tear_down),
    cmocka_unit_test(test_known_forgets_the_doubtful_first),
    cmocka_unit_test(test_known_holds_no_more_than_its_limit),
};
UNIT_MAIN(tests)
