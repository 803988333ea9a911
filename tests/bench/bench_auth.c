/*
 * What it costs to say who a request is from: auth_check with each kind of credential, beside one
 * SHA-256 of the same bytes, which is what no check can do without; making a token; and one
 * argon2id, which is what a login costs. A deployment of 1,000 users with a session each, so that
 * look-ups are those of a department.
 *
 * Besides the usual lines, nanoseconds of the processor per operation are printed to standard
 * error: they do not depend on who else is at work.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include <ftw.h>
#include <string.h>
#include <unistd.h>

#include "auth/auth_state.h"
#include "base/civil_time.h"
#include "loop/clock.h"

#define USERS      1000u
#define CHECKS     100000
#define SIGNATURES 500
#define HOST       "netra.example.org"

struct desk {
    char folder[64];
    struct loop *loop;
    struct store *store;
    struct auth *auth;
    struct http_request request;
    struct http_header headers[2];
    char value[AUTH_TOKEN_BYTES_MAX + 64];
    char token[AUTH_TOKEN_BYTES_MAX];
    char cookie[AUTH_SECRET_TEXT_BYTES];
    char key[128];
    struct token_claims claims;
    struct secret_hash sink;
    bool is_hashed;
};

static void put_header(struct desk *desk, struct str name, const char *prefix, const char *secret)
{
    (void)snprintf(desk->value, sizeof(desk->value), "%s%s", prefix, secret);
    desk->headers[1] = (struct http_header){name, str_from(desk->value)};
}

static int check_many(struct desk *desk, int count, bool is_forgetful)
{
    struct auth_caller caller;
    enum auth_flaw flaw;

    for (int i = 0; i < count; i++) {
        if (is_forgetful) {
            tokens_set_issuer(&desk->auth->tokens, "https://" HOST); /* empties the cache */
        }
        if (auth_check(desk->auth, &desk->request, &caller, &flaw) != AUTH_OK) {
            return 1;
        }
        bench_keep(caller.may);
    }
    return 0;
}

static int run_checks(void *arg)
{
    return check_many(arg, CHECKS, /* is_forgetful */ false);
}

/* The cost of emptying the cache (1 MB) is measured too, and taken off below. */
static int run_forgetful(void *arg)
{
    return check_many(arg, SIGNATURES, /* is_forgetful */ true);
}

static int run_forgetting(void *arg)
{
    struct desk *desk = arg;

    for (int i = 0; i < SIGNATURES; i++) {
        tokens_set_issuer(&desk->auth->tokens, "https://" HOST);
        bench_keep(desk->auth->tokens.issuer[0]);
    }
    return 0;
}

static int run_hashes(void *arg)
{
    struct desk *desk = arg;
    struct str value = desk->headers[1].value;

    for (int i = 0; i < CHECKS; i++) {
        desk->sink = secret_hash_of(value);
        bench_keep(desk->sink.bytes[0]);
    }
    return 0;
}

static int run_making(void *arg)
{
    struct desk *desk = arg;

    for (int i = 0; i < SIGNATURES; i++) {
        if (tokens_make(&desk->auth->tokens, &desk->claims, clock_now_us(), desk->token)) {
            return 1;
        }
    }
    return 0;
}

static void hashed(int code, const char *encoded, void *arg)
{
    struct desk *desk = arg;

    bench_keep(code == ERR_DENIED && !encoded);
    desk->is_hashed = true;
}

static int run_password(void *arg)
{
    struct desk *desk = arg;
    struct password password = {.text = "correct horse battery", .length = 21};

    desk->is_hashed = false;
    if (passwords_check(&desk->auth->passwords, &password, /* encoded */ NULL, hashed, desk)) {
        return 1;
    }
    while (!desk->is_hashed) {
        (void)uv_run(loop_uv(desk->loop), UV_RUN_ONCE);
    }
    return 0;
}

/* ---- the deployment ---- */

static int add_user(struct desk *desk, unsigned number)
{
    struct directory *directory = &desk->auth->directory;
    int64_t now_us = clock_now_us();
    char id[3][UUID_BYTES];
    char email[64];
    struct secret_hash cookie;
    struct secret_hash key;
    char secret[AUTH_SECRET_TEXT_BYTES];

    (void)snprintf(email, sizeof(email), "user%u@example.org", number);
    if (uuid_v7(id[0], NULL) || uuid_v7(id[1], NULL) || uuid_v7(id[2], NULL) ||
        secret_make(desk->cookie, &cookie) || secret_make(secret, &key)) {
        return 1;
    }
    (void)snprintf(desk->key, sizeof(desk->key), ACCOUNTS_KEY_PREFIX "12345678_%s", secret);
    key = secret_hash_of(str_from(desk->key));
    struct store_user user = {.id = str_from(id[0]), .email = str_from(email)};
    struct store_member member = {.workspace_id = STR(STORE_WORKSPACE_FIRST),
                                  .user_id = str_from(id[0]),
                                  .role = AUTH_ROLE_ANALYST};
    struct store_session session = {.id = str_from(id[1]),
                                    .user_id = str_from(id[0]),
                                    .workspace_id = STR(STORE_WORKSPACE_FIRST),
                                    .kind = number % 2 ? AUTH_SESSION_COOKIE : AUTH_SESSION_TOKENS,
                                    .used_us = now_us,
                                    .expires_us = now_us + DAY_US};
    struct store_key row = {.id = str_from(id[2]),
                            .workspace_id = STR(STORE_WORKSPACE_FIRST),
                            .user_id = str_from(id[0]),
                            .scopes = AUTH_SCOPE_READ,
                            .used_us = now_us};
    memcpy(session.hash, cookie.bytes, sizeof(session.hash));
    memcpy(row.hash, key.bytes, sizeof(row.hash));
    directory_add_user(directory, user_new(&user));
    if (!directory_add_member(directory, member_new(&member)) ||
        !directory_add_session(directory, session_new(&session)) ||
        !directory_add_key(directory, key_new(&row))) {
        return 1;
    }
    if (number % 2 == 0) {
        desk->claims = (struct token_claims){.role = AUTH_ROLE_ANALYST,
                                             .scopes = AUTH_SCOPE_READ | AUTH_SCOPE_RUN,
                                             .expires_s = now_us / SECOND_US + 3600,
                                             .workspace_id = STORE_WORKSPACE_FIRST};
        memcpy(desk->claims.user_id, id[0], sizeof(id[0]));
        memcpy(desk->claims.session_id, id[1], sizeof(id[1]));
    }
    return 0;
}

static int open_desk(struct desk *desk)
{
    static const char *const names[] = {HOST};
    struct error error = {0};

    memcpy(desk->folder, "/tmp/netra-bench-XXXXXX", sizeof("/tmp/netra-bench-XXXXXX"));
    if (!mkdtemp(desk->folder) || loop_new(2, &desk->loop, &error) ||
        store_open(desk->loop, desk->folder, &desk->store, &error)) {
        (void)fprintf(stderr, "bench_auth: %s\n", error.message);
        return 1;
    }
    struct auth_options options = {.loop = desk->loop,
                                   .store = desk->store,
                                   .mode = AUTH_MODE_ACCOUNTS,
                                   .hosts = names,
                                   .host_count = 1,
                                   .secret = STR("a secret of at least 32 characters"),
                                   .allows_passwords = true,
                                   .access_token_s = 900,
                                   .session_days = 30,
                                   .idle_days = 14,
                                   .signing_key_days = 30,
                                   .lockout_failures = 5};
    if (auth_new(&options, &desk->auth, &error)) {
        (void)fprintf(stderr, "bench_auth: %s\n", error.message);
        return 1;
    }
    auth_set_url(desk->auth, "https://" HOST);
    for (unsigned i = 0; i < USERS; i++) {
        if (add_user(desk, i)) {
            return 1;
        }
    }
    desk->headers[0] = (struct http_header){STR("Host"), STR(HOST)};
    desk->request = (struct http_request){
        .path = STR("/api/threads"), .headers = desk->headers, .header_count = 2};
    return tokens_make(&desk->auth->tokens, &desk->claims, clock_now_us(), desk->token);
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

static double cpu_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int bench_one(struct desk *desk, const char *name, int work, int (*run)(void *))
{
    double began = cpu_s();
    int failed =
        run(desk) || bench_run(&(struct bench){
                         .name = name, .work = work, .unit = "checks", .run = run, .arg = desk});

    (void)fprintf(stderr, "%-28s %8.0f ns\n", name,
                  (cpu_s() - began) * 1e9 / ((BENCH_RUNS + 2) * (double)work));
    return failed;
}

static int bench_all(struct desk *desk)
{
    put_header(desk, STR("Authorization"), "Bearer ", desk->token);
    int failed = bench_one(desk, "auth.sha256_token", CHECKS, run_hashes) |
                 bench_one(desk, "auth.check_token", CHECKS, run_checks) |
                 bench_one(desk, "auth.check_token_new", SIGNATURES, run_forgetful) |
                 bench_one(desk, "auth.forget_tokens", SIGNATURES, run_forgetting);
    put_header(desk, STR("Authorization"), "Bearer ", desk->key);
    failed |= bench_one(desk, "auth.sha256_key", CHECKS, run_hashes) |
              bench_one(desk, "auth.check_key", CHECKS, run_checks);
    put_header(desk, STR("Cookie"), "netra_session=", desk->cookie);
    failed |= bench_one(desk, "auth.sha256_cookie", CHECKS, run_hashes) |
              bench_one(desk, "auth.check_cookie", CHECKS, run_checks);
    return failed | bench_one(desk, "auth.make_token", SIGNATURES, run_making) |
           bench_one(desk, "auth.argon2id", 1, run_password);
}

int main(void)
{
    static struct desk desk;
    int failed = open_desk(&desk) || bench_all(&desk);

    auth_free(desk.auth);
    store_close(desk.store);
    loop_free(desk.loop);
    (void)nftw(desk.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return failed;
}
