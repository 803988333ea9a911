/*
 * The routes of accounts as a client meets them: the first admin, what a grant looks like with and
 * without a cookie, whom each row lets in, what bodies are refused for. tests/e2e has the long
 * stories.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api_fixture.h"

#include "api/router.h"
#include "api/routes.h"

#define PASSWORD          "correct horse battery"
#define HEADERS_BYTES_MAX 8192

static struct house house;
static char signed_in[HEADERS_BYTES_MAX]; /* the first admin's bearer, as headers */

#define ASK(name, expression) cleanup(answer_done) struct answer name = expression

static int open_house(void **state)
{
    (void)state;
    house = (struct house){.auth_secret = "a-secret-of-the-tests-0123456789abcdef"};
    house_open(&house);
    return 0;
}

static int close_house(void **state)
{
    (void)state;
    house_close(&house);
    return 0;
}

static struct answer post(const char *target, const char *headers, const char *body)
{
    char all[HEADERS_BYTES_MAX + 64];

    (void)snprintf(all, sizeof(all), "%s" HOUSE_JSON, headers);
    return house_ask_with(&house, "POST", target, all, body);
}

static void assert_refused(const struct answer *answer, int status, const char *member,
                           const char *value)
{
    assert_status(*answer, status);
    struct str found = house_text(house_json(&house, answer), member);
    if (!str_equal(found, str_from(value))) {
        fail_msg("%s is '%.*s', not '%s'", member, STR_ARGS(found), value);
    }
}

static void assert_pointer(const struct answer *answer, const char *pointer)
{
    assert_status(*answer, 422);
    struct json_iterator errors = json_iterate(json_at(house_json(&house, answer), "errors"));
    assert_true(json_next(&errors));
    struct str found = house_text(errors.value, "pointer");
    if (!str_equal(found, str_from(pointer))) {
        fail_msg("pointer '%.*s', not '%s'", STR_ARGS(found), pointer);
    }
}

/* First of all, since everything after it needs somebody. */
static void test_the_first_admin_comes_by_the_setup_code(void **state)
{
    char body[512];

    (void)state;
    ASK(wrong, post("/auth/register", "",
                    "{\"code\":\"wrong\",\"name\":\"A\",\"email\":\"a@example.org\","
                    "\"password\":\"" PASSWORD "\"}"));
    assert_refused(&wrong, 403, "needs", "code");
    (void)snprintf(body, sizeof(body),
                   "{\"code\":\"%s\",\"name\":\"Ada\",\"email\":\"ada@example.org\","
                   "\"password\":\"" PASSWORD "\"}",
                   house.setup_code);
    ASK(made, post("/auth/register", "", body));
    assert_status(made, 201);
    assert_true(str_equal(answer_header(&made, "cache-control"), STR("no-store")));
    struct json_value root = house_json(&house, &made);
    assert_true(str_equal(house_text(root, "role"), STR("admin")));
    assert_true(house_text(root, "refresh_token").length == AUTH_SECRET_TEXT_BYTES - 1);
    (void)snprintf(signed_in, sizeof(signed_in), "Authorization: Bearer %.*s\r\n",
                   STR_ARGS(house_text(root, "access_token")));
    ASK(again, post("/auth/register", "", body));
    assert_refused(&again, 403, "needs", "code");
}

static void test_a_cookie_is_http_only_and_lax(void **state)
{
    ASK(login, post("/auth/login", "",
                    "{\"email\":\"ADA@example.org\",\"password\":\"" PASSWORD "\","
                    "\"cookie\":true}"));

    (void)state;
    assert_status(login, 200);
    struct str cookie = answer_header(&login, "set-cookie");
    assert_true(str_starts_with(cookie, STR("netra_session=")));
    assert_true(str_find(cookie, STR("; Path=/; HttpOnly; SameSite=Lax; Max-Age="), 0) != SIZE_MAX);
    assert_true(str_find(login.body, STR("access_token"), 0) == SIZE_MAX);
    ASK(wrong, post("/auth/login", "",
                    "{\"email\":\"ada@example.org\",\"password\":\"not the password\"}"));
    assert_refused(&wrong, 401, "code", "AUTH_FAILED");
    assert_int_equal(answer_header(&wrong, "set-cookie").length, 0);
}

static void test_bodies_are_refused_with_their_pointer(void **state)
{
    static const struct {
        const char *target;
        const char *body;
        const char *pointer;
    } cases[] = {
        {"/auth/login", "[]", ""},
        {"/auth/login", "{\"password\":\"x\"}", "/email"},
        {"/auth/login", "{\"email\":\"a\",\"password\":7}", "/password"},
        {"/auth/login", "{\"email\":\"a\",\"password\":\"b\",\"cookie\":1}", "/cookie"},
        {"/auth/register", "{\"name\":\"a\",\"password\":\"b\"}", "/code"},
        {"/auth/refresh", "{}", "/refresh_token"},
        {"/auth/workspace", "{}", "/workspace"},
        {"/auth/join", "{\"code\":\"\"}", "/code"},
        {"/auth/validate", "{\"token\":null}", "/token"},
        {"/auth/password", "{\"current\":\"x\"}", "/new"},
        {"/auth/password", "{\"current\":\"" PASSWORD "\",\"new\":\"short\"}", "/new"},
        {"/auth/password/forgot", "{}", "/email"},
        {"/auth/password/reset", "{\"code\":\"x\"}", "/password"},
        {"/api/users", "{\"name\":\"s\",\"role\":\"king\"}", "/role"},
        {"/api/invites", "{\"email\":\"no address\",\"role\":\"viewer\"}", "/email"},
        {"/api/keys", "{\"name\":\"k\",\"scopes\":\"read\"}", "/scopes"},
        {"/api/keys", "{\"name\":\"k\",\"scopes\":[\"fly\"]}", "/scopes"},
        {"/api/keys", "{\"name\":\"k\",\"scopes\":[\"read\"],\"expires_at\":\"2001-01-01\"}",
         "/expires_at"},
        {"/api/workspaces", "{\"name\":\"  \"}", "/name"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        ASK(refused, post(cases[i].target, signed_in, cases[i].body));
        assert_pointer(&refused, cases[i].pointer);
    }
}

/* Every row: nobody gets past what is not public, and no row answers 5xx to an empty body. */
static void test_each_row_asks_who_it_is(void **state)
{
    size_t asked = 0;

    (void)state;
    for (size_t t = 0; t < ROUTE_TABLES; t++) {
        for (size_t i = 0; i < route_tables[t]->count; i++) {
            const struct route *route = &route_tables[t]->routes[i];

            if (!route->is_accounts || route->scope == ROUTE_PUBLIC) {
                continue;
            }
            ASK(refused,
                house_ask_with(&house, http_method_name(route->method), route->pattern, "", NULL));
            assert_refused(&refused, 401, "code", "AUTH_FAILED");
            asked++;
        }
    }
    assert_true(asked >= 25);
}

static void test_a_key_is_shown_once_and_is_no_person(void **state)
{
    char as_key[256];
    char path[128];

    (void)state;
    ASK(made, post("/api/keys", signed_in, "{\"name\":\"k\",\"scopes\":[\"read\",\"admin\"]}"));
    assert_status(made, 201);
    struct json_value root = house_json(&house, &made);
    assert_true(str_starts_with(house_text(root, "key"), STR(ACCOUNTS_KEY_PREFIX)));
    (void)snprintf(as_key, sizeof(as_key), "Authorization: Bearer %.*s\r\n",
                   STR_ARGS(house_text(root, "key")));
    (void)snprintf(path, sizeof(path), "/api/keys/%.*s", STR_ARGS(house_text(root, "id")));
    ASK(list, house_ask_with(&house, "GET", "/api/keys", as_key, NULL));
    assert_status(list, 200);
    assert_true(str_find(list.body, STR(ACCOUNTS_KEY_PREFIX), 0) == SIZE_MAX);
    ASK(more, post("/api/keys", as_key, "{\"name\":\"more\",\"scopes\":[\"run\"]}"));
    assert_refused(&more, 403, "needs", "scope");
    ASK(person, post("/auth/password", as_key,
                     "{\"current\":\"" PASSWORD "\",\"new\":\"another password\"}"));
    assert_refused(&person, 403, "needs", "session");
    ASK(export, house_ask_with(&house, "GET", "/auth/me/export", as_key, NULL));
    assert_refused(&export, 403, "needs", "session");
    ASK(gone, house_ask_with(&house, "DELETE", path, as_key, NULL));
    assert_status(gone, 204);
    ASK(dead, house_ask_with(&house, "GET", "/api/keys", as_key, NULL));
    assert_status(dead, 401);
}

static void test_the_log_is_read_and_checked(void **state)
{
    ASK(lines, house_ask_with(&house, "GET", "/api/audit?limit=1", signed_in, NULL));
    ASK(wrong, house_ask_with(&house, "GET", "/api/audit?limit=0", signed_in, NULL));
    ASK(check, house_ask_with(&house, "GET", "/api/audit/check", signed_in, NULL));
    bool is_intact = false;
    int64_t next = 0;

    (void)state;
    assert_status(lines, 200);
    struct json_value root = house_json(&house, &lines);
    assert_int_equal(json_count(json_at(root, "items")), 1);
    assert_true(json_get_i64(json_at(root, "next"), &next) && next > 1);
    assert_status(wrong, 422);
    assert_status(check, 200);
    assert_true(json_get_bool(json_at(house_json(&house, &check), "is_intact"), &is_intact));
    assert_true(is_intact);
}

static void test_an_export_has_ones_own(void **state)
{
    ASK(thread, post("/api/threads", signed_in, "{\"title\":\"mine\"}"));
    ASK(export, house_ask_with(&house, "GET", "/auth/me/export", signed_in, NULL));

    (void)state;
    assert_status(thread, 201);
    assert_status(export, 200);
    struct json_value root = house_json(&house, &export);
    assert_int_equal(json_count(json_at(root, "threads")), 1);
    assert_true(str_find(export.body, STR("ada@example.org"), 0) != SIZE_MAX);
    assert_true(str_find(export.body, STR("argon2"), 0) == SIZE_MAX);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_the_first_admin_comes_by_the_setup_code),
    cmocka_unit_test(test_a_cookie_is_http_only_and_lax),
    cmocka_unit_test(test_bodies_are_refused_with_their_pointer),
    cmocka_unit_test(test_each_row_asks_who_it_is),
    cmocka_unit_test(test_a_key_is_shown_once_and_is_no_person),
    cmocka_unit_test(test_the_log_is_read_and_checked),
    cmocka_unit_test(test_an_export_has_ones_own),
};

int main(void)
{
    return cmocka_run_group_tests(tests, open_house, close_house);
}
