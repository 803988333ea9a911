/*
 * People: the first one, signing in, sessions, refresh tokens, roles and who may what; with a real
 * store that is closed and opened again where something must last.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "accounts_fixture.h"

static void test_the_first_one_sets_up(void **state)
{
    char code[AUTH_SECRET_TEXT_BYTES];
    char older[AUTH_SECRET_TEXT_BYTES];

    (void)state;
    assert_true(accounts_need_setup(desk.auth));
    assert_int_equal(accounts_setup_code(desk.auth, older), OK);
    assert_int_equal(accounts_setup_code(desk.auth, code), OK);
    assert_int_equal(try_register(older, DESK_EMAIL, "Ada", DESK_PASSWORD), ERR_DENIED);
    assert_int_equal(try_register("made up", DESK_EMAIL, "Ada", DESK_PASSWORD), ERR_DENIED);
    assert_int_equal(try_register(code, "not an e-mail", "Ada", DESK_PASSWORD), ERR_INVALID);
    assert_int_equal(try_register(code, DESK_EMAIL, "", DESK_PASSWORD), ERR_INVALID);
    assert_int_equal(try_register(code, DESK_EMAIL, "Ada", "short"), ERR_INVALID);
    assert_int_equal(try_register(code, "Ada@Example.ORG", "Ada", DESK_PASSWORD), OK);
    assert_true(outcome.has_grant);
    assert_int_equal(outcome.grant.caller.role, AUTH_ROLE_ADMIN);
    assert_true(outcome.grant.caller.is_operator);
    assert_string_equal(outcome.grant.caller.workspace_id, "default");
    assert_false(accounts_need_setup(desk.auth));
    assert_int_equal(JUDGE(.bearer = outcome.grant.access_token), AUTH_OK);
    assert_int_equal(checked_caller.kind, AUTH_KIND_TOKEN);
    assert_int_equal(try_register(code, "b@example.org", "Bob", DESK_PASSWORD), ERR_DENIED);
    assert_int_equal(audit_lines("default", "setup.done", NULL), 1);
    desk_reopen();
    assert_false(accounts_need_setup(desk.auth));
    assert_int_equal(try_login("ADA@example.org", DESK_PASSWORD, AUTH_SESSION_COOKIE), OK);
}

static void test_signing_in_gives_a_session_that_lasts(void **state)
{
    char cookie[AUTH_SECRET_TEXT_BYTES];
    char token[AUTH_TOKEN_BYTES_MAX];

    (void)state;
    (void)set_up_admin();
    memcpy(token, outcome.grant.access_token, sizeof(token));
    assert_int_equal(try_login(DESK_EMAIL, DESK_PASSWORD, AUTH_SESSION_COOKIE), OK);
    memcpy(cookie, outcome.grant.cookie, sizeof(cookie));
    assert_int_equal(JUDGE(.cookie = cookie), AUTH_OK);
    assert_int_equal(checked_caller.kind, AUTH_KIND_COOKIE);
    assert_int_equal(JUDGE(.method = HTTP_POST, .cookie = cookie), AUTH_WRONG_ORIGIN);
    assert_int_equal(JUDGE(.method = HTTP_POST, .cookie = cookie, .origin = DESK_URL), AUTH_OK);
    assert_int_equal(JUDGE(.cookie = cookie, .is_upgrade = true, .origin = "https://evil.example"),
                     AUTH_WRONG_ORIGIN);
    /* a page that may ask does so with a bearer, never with the cookie */
    assert_int_equal(
        JUDGE(.method = HTTP_POST, .cookie = cookie, .origin = "https://app.example.org"),
        AUTH_WRONG_ORIGIN);
    desk_reopen();
    assert_int_equal(JUDGE(.cookie = cookie), AUTH_OK);
    assert_int_equal(JUDGE(.bearer = token), AUTH_OK);
}

static const struct CMUnitTest tests[] = {
#define CASE(test) cmocka_unit_test_setup_teardown(test, desk_set_up, desk_tear_down)
    CASE(test_the_first_one_sets_up),
    CASE(test_signing_in_gives_a_session_that_lasts),
};

UNIT_MAIN(tests)
