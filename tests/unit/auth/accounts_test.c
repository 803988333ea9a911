/*
 * People: the first one, signing in, sessions, refresh tokens, roles and who may what; with a real
 * store that is closed and opened again where something must last.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "accounts_fixture.h"

#include "auth/sign_in.h"

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

/* Whatever is wrong: one hash is computed, and the answer is the same. */
static void test_a_failing_login_costs_one_hash_and_says_nothing(void **state)
{
    static const char *const wrong[][2] = {
        {"nobody@example.org", DESK_PASSWORD},                   /* unknown */
        {DESK_EMAIL, "another password"},      {DESK_EMAIL, ""}, /* none that could be anybody's */
        {"bob@example.org", "whatever it is"},                   /* has no password */
        {"eve@example.org", DESK_PASSWORD},                      /* disabled */
        {"not an e-mail", DESK_PASSWORD},
    };

    (void)state;
    struct auth_caller admin = set_up_admin();
    (void)add_person(&admin, "bob@example.org", AUTH_ROLE_VIEWER);
    (void)add_person(&admin, "eve@example.org", AUTH_ROLE_VIEWER);
    struct user *bob = directory_user_of_email(&desk.auth->directory, STR("bob@example.org"));
    assert_int_equal(record_set_text(&bob->password, STR("")), OK);
    directory_user_of_email(&desk.auth->directory, STR("eve@example.org"))->disabled_us = 1;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        uint64_t before = desk.auth->passwords.computed;

        assert_int_equal(try_login(wrong[i][0], wrong[i][1], AUTH_SESSION_COOKIE), ERR_DENIED);
        assert_int_equal(desk.auth->passwords.computed, before + 1);
        assert_string_equal(outcome.message, "not allowed");
        assert_int_equal(outcome.retry_after_s, 0);
        assert_false(outcome.has_grant);
    }
    uint64_t before = desk.auth->passwords.computed;
    assert_int_equal(try_login(DESK_EMAIL, DESK_PASSWORD, AUTH_SESSION_COOKIE), OK);
    assert_int_equal(desk.auth->passwords.computed, before + 1);
    assert_int_equal(audit_lines("default", "login.failed", NULL), ARRAY_LENGTH(wrong));
}

static void test_too_many_failures_lock(void **state)
{
    static const char *const emails[] = {DESK_EMAIL, "nobody@example.org"};

    (void)state;
    (void)set_up_admin();
    for (size_t i = 0; i < ARRAY_LENGTH(emails); i++) {
        for (unsigned k = 0; k < 5; k++) {
            assert_int_equal(try_login(emails[i], "wrong password", AUTH_SESSION_COOKIE),
                             ERR_DENIED);
        }
        uint64_t before = desk.auth->passwords.computed;
        assert_int_equal(try_login(emails[i], DESK_PASSWORD, AUTH_SESSION_COOKIE), ERR_LIMIT);
        assert_in_range(outcome.retry_after_s, 28, 30);
        assert_int_equal(desk.auth->passwords.computed, before);
    }
    desk_reopen(); /* it lasts */
    assert_int_equal(try_login(DESK_EMAIL, DESK_PASSWORD, AUTH_SESSION_COOKIE), ERR_LIMIT);
    assert_in_range(outcome.retry_after_s, 25, 30);
    assert_int_equal(audit_lines("default", "login.locked", NULL), 3);
}

static void test_tries_at_once_are_no_way_around_the_lock(void **state)
{
    static struct outcome outcomes[8];
    struct account_login login = {
        .email = STR(DESK_EMAIL), .password = STR("wrong password"), .origin = desk_origin};
    unsigned denied = 0;

    (void)state;
    (void)set_up_admin();
    for (size_t i = 0; i < ARRAY_LENGTH(outcomes); i++) {
        outcomes[i].is_there = false;
        assert_int_equal(accounts_login(desk.auth, &login, note, &outcomes[i], &desk.error), OK);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(outcomes); i++) {
        wait_for(&outcomes[i]);
        denied += outcomes[i].code == ERR_DENIED;
    }
    assert_int_equal(denied, 5);
}

static void test_a_refresh_token_works_once(void **state)
{
    char first[AUTH_SECRET_TEXT_BYTES];
    char second[AUTH_SECRET_TEXT_BYTES];
    char third[AUTH_SECRET_TEXT_BYTES];
    char access[AUTH_TOKEN_BYTES_MAX];

    (void)state;
    (void)set_up_admin();
#define REFRESH(token)                                                                             \
    came_to(BEGIN(accounts_refresh(desk.auth, str_from(token), &desk_origin, DONE)))
    memcpy(first, outcome.grant.refresh_token, sizeof(first));
    assert_int_equal(REFRESH("made up"), ERR_DENIED);
    assert_int_equal(REFRESH(first), OK);
    memcpy(second, outcome.grant.refresh_token, sizeof(second));
    memcpy(access, outcome.grant.access_token, sizeof(access));
    assert_string_not_equal(first, second);
    assert_int_equal(REFRESH(second), OK);
    memcpy(third, outcome.grant.refresh_token, sizeof(third));
    assert_int_equal(JUDGE(.bearer = access), AUTH_OK);
    desk.revoked = 0;
    assert_int_equal(REFRESH(first), ERR_DENIED); /* two before: known while the process lasts */
    assert_int_equal(desk.revoked, 1);
    assert_int_equal(JUDGE(.bearer = access), AUTH_INVALID);
    assert_int_equal(checked_flaw, AUTH_FLAW_REVOKED);
    assert_int_equal(REFRESH(third), ERR_DENIED);
    assert_int_equal(audit_lines("default", "refresh.reused", NULL), 1);

    /* the one before is known after a restart, too */
    assert_int_equal(try_login(DESK_EMAIL, DESK_PASSWORD, AUTH_SESSION_TOKENS), OK);
    memcpy(first, outcome.grant.refresh_token, sizeof(first));
    assert_int_equal(REFRESH(first), OK);
    memcpy(second, outcome.grant.refresh_token, sizeof(second));
    desk_reopen();
    assert_int_equal(REFRESH(first), ERR_DENIED);
    assert_int_equal(REFRESH(second), ERR_DENIED);
    assert_int_equal(audit_lines("default", "refresh.reused", NULL), 2);
    desk_reopen();
    assert_int_equal(REFRESH(second), ERR_DENIED);
}

static void test_two_who_refresh_at_once_end_the_session(void **state)
{
    static struct outcome outcomes[2];
    char token[AUTH_SECRET_TEXT_BYTES];

    (void)state;
    (void)set_up_admin();
    memcpy(token, outcome.grant.refresh_token, sizeof(token));
    for (size_t i = 0; i < 2; i++) {
        outcomes[i].is_there = false;
        assert_int_equal(accounts_refresh(desk.auth, str_from(token), &desk_origin, note,
                                          &outcomes[i], &desk.error),
                         OK);
    }
    wait_for(&outcomes[0]);
    wait_for(&outcomes[1]);
    assert_int_equal(outcomes[0].code, ERR_DENIED);
    assert_int_equal(outcomes[1].code, ERR_DENIED);
    assert_int_equal(directory_user_of_email(&desk.auth->directory, STR(DESK_EMAIL))->session_count,
                     0);
}

static void test_a_role_counts_as_of_now(void **state)
{
    char token[AUTH_TOKEN_BYTES_MAX];

    (void)state;
    struct auth_caller admin = set_up_admin();
    struct auth_caller bob = add_person(&admin, "bob@example.org", AUTH_ROLE_ANALYST);
    memcpy(token, outcome.grant.access_token, sizeof(token));
    assert_int_equal(JUDGE(.bearer = token), AUTH_OK);
    assert_int_equal(checked_caller.may, AUTH_SCOPE_READ | AUTH_SCOPE_RUN | AUTH_SCOPE_DATA);
    assert_false(checked_caller.is_operator);
    assert_true(auth_still(desk.auth, &bob, AUTH_SCOPE_RUN));
#define SET_ROLE(user, role)                                                                       \
    came_to(BEGIN(accounts_set_role(desk.auth, &admin, str_from(user), role, &desk_origin, DONE)))
    desk.revoked = 0;
    assert_int_equal(SET_ROLE(bob.user_id, AUTH_ROLE_VIEWER), OK);
    assert_int_equal(desk.revoked, 1);
    assert_int_equal(JUDGE(.bearer = token), AUTH_OK);
    assert_int_equal(checked_caller.may, AUTH_SCOPE_READ);
    assert_false(auth_still(desk.auth, &bob, AUTH_SCOPE_RUN));
    assert_true(auth_still(desk.auth, &bob, AUTH_SCOPE_READ));
    /* a greater role does not make an old token greater */
    assert_int_equal(SET_ROLE(bob.user_id, AUTH_ROLE_ADMIN), OK);
    assert_int_equal(desk.revoked, 1);
    assert_int_equal(JUDGE(.bearer = token), AUTH_OK);
    assert_int_equal(checked_caller.may, AUTH_SCOPE_READ | AUTH_SCOPE_RUN | AUTH_SCOPE_DATA);
    assert_false(checked_caller.is_operator);
    assert_int_equal(SET_ROLE(bob.user_id, 7), ERR_INVALID);
    assert_int_equal(SET_ROLE("nobody", AUTH_ROLE_ADMIN), ERR_NOT_FOUND);
    assert_int_equal(audit_lines("default", "member.role", "viewer"), 1);
    desk_reopen();
    assert_int_equal(try_login("bob@example.org", DESK_PASSWORD, AUTH_SESSION_TOKENS), OK);
    assert_int_equal(outcome.grant.caller.role, AUTH_ROLE_ADMIN);
}

static void test_the_last_admin_stays(void **state)
{
    static struct outcome outcomes[2];

    (void)state;
    struct auth_caller admin = set_up_admin();
    struct auth_caller bob = add_person(&admin, "bob@example.org", AUTH_ROLE_ADMIN);
    assert_int_equal(came_to(BEGIN(accounts_add_service(desk.auth, &admin, STR("robot"),
                                                        AUTH_ROLE_ADMIN, &desk_origin, DONE))),
                     OK);
    /* both at once: the second finds itself the last */
    const struct auth_caller *both[] = {&admin, &bob};
    for (size_t i = 0; i < 2; i++) {
        outcomes[i].is_there = false;
        assert_int_equal(accounts_set_role(desk.auth, &admin, str_from(both[i]->user_id),
                                           AUTH_ROLE_VIEWER, &desk_origin, note, &outcomes[i],
                                           &desk.error),
                         OK);
    }
    wait_for(&outcomes[0]);
    wait_for(&outcomes[1]);
    assert_int_equal(outcomes[0].code, OK);
    assert_int_equal(outcomes[1].code, ERR_EXISTS); /* a program does not count */
#define REMOVE(user)                                                                               \
    came_to(BEGIN(accounts_remove_member(desk.auth, &bob, str_from(user), &desk_origin, DONE)))
    assert_int_equal(REMOVE(bob.user_id), ERR_EXISTS);
    assert_int_equal(REMOVE(admin.user_id), OK);
    assert_int_equal(REMOVE(admin.user_id), ERR_NOT_FOUND);
    assert_int_equal(came_to(BEGIN(accounts_erase(desk.auth, &bob, STR(DESK_PASSWORD), false,
                                                  &desk_origin, DONE))),
                     ERR_EXISTS);
    assert_non_null(strstr(outcome.message, "Default"));
}

static void test_who_leaves_is_out_at_once(void **state)
{
    char token[AUTH_TOKEN_BYTES_MAX];
    char key[128];

    (void)state;
    struct auth_caller admin = set_up_admin();
    struct auth_caller bob = add_person(&admin, "bob@example.org", AUTH_ROLE_ANALYST);
    memcpy(token, outcome.grant.access_token, sizeof(token));
    struct account_key_request request = {.name = STR("k"), .scopes = AUTH_SCOPE_READ};
    assert_int_equal(came_to(BEGIN(accounts_add_key(desk.auth, &bob, &request, DONE))), OK);
    memcpy(key, outcome.secret, sizeof(key));
    assert_int_equal(JUDGE(.bearer = key), AUTH_OK);
    outcome.is_there = false;
    assert_int_equal(
        accounts_remove_member(desk.auth, &admin, str_from(bob.user_id), &desk_origin, DONE), OK);
    assert_int_equal(JUDGE(.bearer = token), AUTH_INVALID); /* before the store has it */
    assert_int_equal(JUDGE(.bearer = key), AUTH_INVALID);
    assert_false(auth_still(desk.auth, &bob, 0));
    wait_for(&outcome);
    assert_int_equal(outcome.code, OK);
    assert_int_equal(try_login("bob@example.org", DESK_PASSWORD, AUTH_SESSION_TOKENS), ERR_DENIED);
    desk_reopen();
    assert_int_equal(JUDGE(.bearer = key), AUTH_INVALID);
    /* an invitation lets somebody begin anew, who is not Bob: it may be who made the invitation */
    (void)add_person(&admin, "bob@example.org", AUTH_ROLE_VIEWER);
    assert_string_not_equal(outcome.grant.caller.user_id, bob.user_id);
    assert_null(directory_user(&desk.auth->directory, str_from(bob.user_id)));
    assert_int_equal(JUDGE(.bearer = key), AUTH_INVALID);
}

static void test_a_key_has_no_more_than_its_user(void **state)
{
    char key[128];
    char id[64];

    (void)state;
    struct auth_caller admin = set_up_admin();
    struct auth_caller bob = add_person(&admin, "bob@example.org", AUTH_ROLE_ANALYST);
#define ADD_KEY(caller, ...)                                                                       \
    came_to(BEGIN(accounts_add_key(                                                                \
        desk.auth, caller,                                                                         \
        &(struct account_key_request){.name = STR("k"), .origin = desk_origin, __VA_ARGS__},       \
        DONE)))
    assert_int_equal(ADD_KEY(&bob, .scopes = AUTH_SCOPE_READ | AUTH_SCOPE_ADMIN), ERR_DENIED);
    assert_int_equal(ADD_KEY(&bob, .scopes = 0), ERR_INVALID);
    assert_int_equal(ADD_KEY(&bob, .scopes = 16), ERR_INVALID);
    assert_int_equal(ADD_KEY(&bob, .scopes = AUTH_SCOPE_READ, .expires_us = 1), ERR_INVALID);
    assert_int_equal(ADD_KEY(&bob, .scopes = AUTH_SCOPE_READ, .user_id = str_from(admin.user_id)),
                     ERR_NOT_FOUND);
    assert_int_equal(ADD_KEY(&bob, .scopes = AUTH_SCOPE_READ | AUTH_SCOPE_RUN), OK);
    memcpy(key, outcome.secret, sizeof(key));
    memcpy(id, outcome.id, sizeof(id));
    assert_memory_equal(key, "netra_key_", 10);
    assert_int_equal(strlen(key), 10 + 8 + 1 + 43);
    assert_int_equal(JUDGE(.bearer = key), AUTH_OK);
    assert_int_equal(checked_caller.kind, AUTH_KIND_KEY);
    assert_int_equal(checked_caller.may, AUTH_SCOPE_READ | AUTH_SCOPE_RUN);
    struct auth_caller by_key = checked_caller;
    /* a key makes no key, and no session */
    assert_int_equal(ADD_KEY(&by_key, .scopes = AUTH_SCOPE_READ), ERR_DENIED);
    assert_int_equal(came_to(BEGIN(accounts_switch(desk.auth, &by_key, STR("default"), DONE))),
                     ERR_DENIED);
    /* a service token of it has as much, and goes with it */
    struct account_grant service;
    assert_int_equal(accounts_service_token(desk.auth, &by_key, &service, &desk.error), OK);
    assert_int_equal(JUDGE(.bearer = service.access_token), AUTH_OK);
    assert_int_equal(checked_caller.may, AUTH_SCOPE_READ | AUTH_SCOPE_RUN);
    assert_int_equal(SET_ROLE(bob.user_id, AUTH_ROLE_VIEWER), OK);
    assert_int_equal(JUDGE(.bearer = key), AUTH_OK);
    assert_int_equal(checked_caller.may, AUTH_SCOPE_READ);
    key[20]++;
    assert_int_equal(JUDGE(.bearer = key), AUTH_INVALID);
    assert_int_equal(checked_flaw, AUTH_FLAW_UNKNOWN);
    key[20]--;
    desk_reopen();
    assert_int_equal(JUDGE(.bearer = key), AUTH_OK);
    assert_int_equal(JUDGE(.bearer = service.access_token), AUTH_OK);
    assert_int_equal(
        came_to(BEGIN(accounts_revoke_key(desk.auth, &bob, str_from(id), &desk_origin, DONE))), OK);
    assert_int_equal(JUDGE(.bearer = key), AUTH_INVALID);
    assert_int_equal(JUDGE(.bearer = service.access_token), AUTH_INVALID);
    assert_int_equal(checked_flaw, AUTH_FLAW_REVOKED);
}

static void test_a_ticket_has_what_its_maker_has(void **state)
{
    char ticket[AUTH_SECRET_TEXT_BYTES];
    char other[AUTH_SECRET_TEXT_BYTES];

    (void)state;
    struct auth_caller admin = set_up_admin();
    struct auth_caller bob = add_person(&admin, "bob@example.org", AUTH_ROLE_VIEWER);
    assert_int_equal(auth_new_ticket(desk.auth, &bob, ticket), OK);
    assert_int_equal(auth_new_ticket(desk.auth, &bob, other), OK);
    assert_int_equal(JUDGE(.ticket = ticket), AUTH_MISSING);
    assert_int_equal(JUDGE(.ticket = ticket, .is_upgrade = true), AUTH_OK);
    assert_string_equal(checked_caller.user_id, bob.user_id);
    assert_int_equal(checked_caller.may, AUTH_SCOPE_READ);
    assert_int_equal(JUDGE(.ticket = ticket, .is_upgrade = true), AUTH_INVALID);
    assert_int_equal(audit_lines("default", "ticket.reused", NULL), 1);
    assert_int_equal(came_to(BEGIN(accounts_end_sessions(
                         desk.auth, &bob, str_from(bob.credential_id), &desk_origin, DONE))),
                     OK);
    assert_int_equal(JUDGE(.ticket = other, .is_upgrade = true), AUTH_INVALID);
    assert_int_equal(checked_flaw, AUTH_FLAW_REVOKED);
    for (unsigned i = 0; i < AUTH_TICKETS_USER_MAX; i++) {
        assert_int_equal(auth_new_ticket(desk.auth, &admin, i ? other : ticket), OK);
    }
    assert_int_equal(auth_new_ticket(desk.auth, &admin, other), OK);
    assert_int_equal(JUDGE(.ticket = ticket, .is_upgrade = true), AUTH_INVALID);
    assert_int_equal(JUDGE(.ticket = other, .is_upgrade = true), AUTH_OK);
}

static void test_passwords_change_and_end_sessions(void **state)
{
    char here[AUTH_TOKEN_BYTES_MAX];
    char there[AUTH_SECRET_TEXT_BYTES];
    char code[128];
    char older[128];

    (void)state;
    struct auth_caller admin = set_up_admin();
    memcpy(here, outcome.grant.access_token, sizeof(here));
    assert_int_equal(try_login(DESK_EMAIL, DESK_PASSWORD, AUTH_SESSION_COOKIE), OK);
    memcpy(there, outcome.grant.cookie, sizeof(there));
#define CHANGE(current, changed)                                                                   \
    came_to(BEGIN(accounts_change_password(desk.auth, &admin, STR(current), STR(changed),          \
                                           &desk_origin, DONE)))
    assert_int_equal(CHANGE("wrong password", "a new password"), ERR_DENIED);
    assert_int_equal(CHANGE(DESK_PASSWORD, DESK_EMAIL), ERR_INVALID);
    assert_int_equal(CHANGE(DESK_PASSWORD, "a new password"), OK);
    assert_int_equal(JUDGE(.bearer = here), AUTH_OK);
    assert_int_equal(JUDGE(.cookie = there), AUTH_INVALID);
    assert_int_equal(try_login(DESK_EMAIL, DESK_PASSWORD, AUTH_SESSION_COOKIE), ERR_DENIED);
    desk_reopen();
    assert_int_equal(try_login(DESK_EMAIL, "a new password", AUTH_SESSION_COOKIE), OK);

#define FORGOT(email) came_to(BEGIN(accounts_forgot(desk.auth, STR(email), &desk_origin, DONE)))
#define RESET(code, password)                                                                      \
    came_to(BEGIN(accounts_reset(desk.auth, str_from(code), STR(password), &desk_origin, DONE)))
    assert_int_equal(FORGOT("nobody@example.org"), OK);
    assert_string_equal(outcome.secret, "");
    assert_int_equal(FORGOT(DESK_EMAIL), OK);
    memcpy(older, outcome.secret, sizeof(older));
    assert_int_equal(FORGOT("ADA@example.org"), OK);
    memcpy(code, outcome.secret, sizeof(code));
    assert_int_equal(RESET("made up", "third password"), ERR_DENIED);
    assert_int_equal(RESET(code, "short"), ERR_INVALID);
    assert_int_equal(RESET(code, "third password"), OK);
    assert_int_equal(RESET(code, "fourth password"), ERR_DENIED);
    assert_int_equal(RESET(older, "fourth password"), ERR_DENIED); /* all of them are used up */
    assert_int_equal(JUDGE(.bearer = here), AUTH_INVALID);
    assert_int_equal(try_login(DESK_EMAIL, "third password", AUTH_SESSION_COOKIE), OK);
}

/* A new workspace, in which the admin's session goes on. */
static struct auth_caller go_to_second(const struct auth_caller *admin,
                                       char second[STORE_ID_BYTES_MAX + 1])
{
    assert_int_equal(
        came_to(BEGIN(accounts_add_workspace(desk.auth, admin, STR("Second"), &desk_origin, DONE))),
        OK);
    memcpy(second, outcome.id, sizeof(outcome.id));
    assert_int_equal(came_to(BEGIN(accounts_switch(desk.auth, admin, str_from(second), DONE))), OK);
    return outcome.grant.caller;
}

static void test_an_admin_resets_only_who_is_theirs(void **state)
{
    char second[STORE_ID_BYTES_MAX + 1];

    (void)state;
    struct auth_caller admin = set_up_admin();
    struct auth_caller bob = add_person(&admin, "bob@example.org", AUTH_ROLE_VIEWER);
    assert_int_equal(
        came_to(BEGIN(accounts_add_workspace(desk.auth, &bob, STR("Bob's"), &desk_origin, DONE))),
        ERR_DENIED);
    struct auth_caller in_second = go_to_second(&admin, second);
    assert_string_equal(in_second.workspace_id, second);
    assert_false(in_second.is_operator); /* a credential has one workspace at a time */
    assert_false(auth_still(desk.auth, &admin, 0));
    struct auth_caller eve = add_person(&in_second, "eve@example.org", AUTH_ROLE_ADMIN);
    assert_string_equal(eve.workspace_id, second);
    assert_false(eve.is_operator);
    /* Eve is an admin beside Ada, but not where Ada is an operator */
#define RESET_CODE(caller, user)                                                                   \
    came_to(BEGIN(accounts_reset_code(desk.auth, caller, str_from(user), &desk_origin, DONE)))
    assert_int_equal(RESET_CODE(&eve, admin.user_id), ERR_DENIED);
    assert_int_equal(RESET_CODE(&eve, bob.user_id), ERR_NOT_FOUND);
    assert_int_equal(RESET_CODE(&in_second, eve.user_id), OK);
    assert_int_equal(came_to(BEGIN(accounts_switch(desk.auth, &in_second, STR("default"), DONE))),
                     OK);
    admin = outcome.grant.caller;
    assert_int_equal(RESET_CODE(&admin, bob.user_id), OK);
    assert_int_equal(came_to(BEGIN(accounts_switch(desk.auth, &admin, STR("nowhere"), DONE))),
                     ERR_NOT_FOUND);
}

static void test_a_workspace_goes_with_what_is_in_it(void **state)
{
    char second[STORE_ID_BYTES_MAX + 1];

    (void)state;
#define DELETE_WORKSPACE(caller, id)                                                               \
    came_to(BEGIN(accounts_delete_workspace(desk.auth, caller, id, &desk_origin, DONE)))
    struct auth_caller admin = set_up_admin();
    struct auth_caller in_second = go_to_second(&admin, second);
    struct auth_caller eve = add_person(&in_second, "eve@example.org", AUTH_ROLE_ADMIN);
    assert_int_equal(came_to(BEGIN(accounts_add_service(desk.auth, &eve, STR("robot"),
                                                        AUTH_ROLE_VIEWER, &desk_origin, DONE))),
                     OK);
    assert_true(auth_still(desk.auth, &eve, AUTH_SCOPE_ADMIN));
    assert_int_equal(came_to(BEGIN(accounts_invite(desk.auth, &eve, STR("kim@example.org"),
                                                   AUTH_ROLE_VIEWER, &desk_origin, DONE))),
                     OK);
    assert_int_equal(DELETE_WORKSPACE(&eve, str_from(second)), ERR_DENIED);
    assert_int_equal(DELETE_WORKSPACE(&in_second, str_from(second)), ERR_DENIED);
    assert_int_equal(came_to(BEGIN(accounts_switch(desk.auth, &in_second, STR("default"), DONE))),
                     OK);
    admin = outcome.grant.caller;
    assert_int_equal(DELETE_WORKSPACE(&admin, STR("nowhere")), ERR_NOT_FOUND);
    assert_int_equal(DELETE_WORKSPACE(&admin, STR("default")), ERR_EXISTS);
    assert_true(auth_still(desk.auth, &eve, AUTH_SCOPE_ADMIN));

    int begun =
        BEGIN(accounts_delete_workspace(desk.auth, &admin, str_from(second), &desk_origin, DONE));
    assert_false(auth_still(desk.auth, &eve, 0)); /* at once, not when it is durable */
    assert_int_equal(came_to(begun), OK);
    assert_int_equal(DELETE_WORKSPACE(&admin, str_from(second)), ERR_NOT_FOUND);
    assert_int_equal(came_to(BEGIN(accounts_switch(desk.auth, &admin, str_from(second), DONE))),
                     ERR_NOT_FOUND);
    assert_true(auth_still(desk.auth, &admin, AUTH_SCOPE_ADMIN));
    /* Eve has an account still, and can be let in elsewhere */
    assert_int_equal(came_to(BEGIN(accounts_invite(desk.auth, &admin, STR("eve@example.org"),
                                                   AUTH_ROLE_VIEWER, &desk_origin, DONE))),
                     OK);
}

static bool count_code(const struct store_code *row, void *arg)
{
    (void)row;
    ++*(unsigned *)arg;
    return true;
}

static void test_invitations(void **state)
{
    char code[128];
    char id[64];
    unsigned count = 0;

    (void)state;
    struct auth_caller admin = set_up_admin();
#define INVITE(email, role)                                                                        \
    came_to(BEGIN(accounts_invite(desk.auth, &admin, STR(email), role, &desk_origin, DONE)))
    assert_int_equal(INVITE("nonsense", AUTH_ROLE_VIEWER), ERR_INVALID);
    assert_int_equal(INVITE(DESK_EMAIL, AUTH_ROLE_VIEWER), ERR_EXISTS);
    assert_int_equal(INVITE("bob@example.org", 0), ERR_INVALID);
    assert_int_equal(INVITE("bob@example.org", AUTH_ROLE_VIEWER), OK);
    memcpy(code, outcome.secret, sizeof(code));
    assert_int_equal(INVITE("bob@example.org", AUTH_ROLE_ANALYST), OK); /* in its place */
    assert_int_equal(try_register(code, "", "Bob", DESK_PASSWORD), ERR_DENIED);
    accounts_invites(desk.auth, STR("default"), STR(""), 50, count_code, &count);
    assert_int_equal(count, 1);
    memcpy(id, outcome.id, sizeof(id));
    assert_int_equal(INVITE("bob@example.org", AUTH_ROLE_ANALYST), OK);
    memcpy(code, outcome.secret, sizeof(code));
    memcpy(id, outcome.id, sizeof(id));
    desk_reopen();
    /* its e-mail counts */
    assert_int_equal(try_register(code, "eve@example.org", "Bob", DESK_PASSWORD), OK);
    assert_int_equal(outcome.grant.caller.role, AUTH_ROLE_ANALYST);
    assert_int_equal(try_register(code, "", "Bob", DESK_PASSWORD), ERR_DENIED);
    assert_int_equal(try_login("eve@example.org", DESK_PASSWORD, AUTH_SESSION_COOKIE), ERR_DENIED);
    assert_int_equal(try_login("bob@example.org", DESK_PASSWORD, AUTH_SESSION_COOKIE), OK);
    assert_int_equal(INVITE("eve@example.org", AUTH_ROLE_VIEWER), OK);
    memcpy(code, outcome.secret, sizeof(code));
    memcpy(id, outcome.id, sizeof(id));
    assert_int_equal(came_to(BEGIN(accounts_withdraw_invite(desk.auth, &admin, str_from(id),
                                                            &desk_origin, DONE))),
                     OK);
    assert_int_equal(try_register(code, "", "Eve", DESK_PASSWORD), ERR_DENIED);
    assert_int_equal(came_to(BEGIN(accounts_withdraw_invite(desk.auth, &admin, str_from(id),
                                                            &desk_origin, DONE))),
                     ERR_NOT_FOUND);
}

static void test_one_invitation_is_used_once_at_once(void **state)
{
    static struct outcome outcomes[2];
    char code[128];

    (void)state;
    struct auth_caller admin = set_up_admin();
    assert_int_equal(INVITE("bob@example.org", AUTH_ROLE_VIEWER), OK);
    memcpy(code, outcome.secret, sizeof(code));
    struct account_register request = {.code = str_from(code),
                                       .name = STR("Bob"),
                                       .password = STR(DESK_PASSWORD),
                                       .origin = desk_origin};
    for (size_t i = 0; i < 2; i++) {
        outcomes[i].is_there = false;
        assert_int_equal(accounts_register(desk.auth, &request, note, &outcomes[i], &desk.error),
                         OK);
    }
    wait_for(&outcomes[0]);
    wait_for(&outcomes[1]);
    assert_int_equal((outcomes[0].code == OK) + (outcomes[1].code == OK), 1);
    assert_int_equal((outcomes[0].code == ERR_DENIED) + (outcomes[1].code == ERR_DENIED), 1);
}

static void test_the_oldest_session_goes(void **state)
{
    char first[AUTH_SECRET_TEXT_BYTES];

    (void)state;
    (void)set_up_admin();
    struct user *ada = directory_user_of_email(&desk.auth->directory, STR(DESK_EMAIL));
    assert_int_equal(try_login(DESK_EMAIL, DESK_PASSWORD, AUTH_SESSION_COOKIE), OK);
    memcpy(first, outcome.grant.cookie, sizeof(first));
    while (ada->session_count < ACCOUNTS_SESSIONS_USER_MAX) {
        assert_int_equal(try_login(DESK_EMAIL, DESK_PASSWORD, AUTH_SESSION_COOKIE), OK);
    }
    assert_int_equal(JUDGE(.cookie = first), AUTH_OK);
    for (unsigned i = 0; i < 2; i++) { /* that of the registration was the oldest */
        assert_int_equal(try_login(DESK_EMAIL, DESK_PASSWORD, AUTH_SESSION_COOKIE), OK);
    }
    assert_int_equal(JUDGE(.cookie = first), AUTH_INVALID);
    assert_int_equal(ada->session_count, ACCOUNTS_SESSIONS_USER_MAX);
}

static void test_sessions_end_by_time_and_come_back_with_the_clock(void **state)
{
    struct auth_caller caller;

    (void)state;
    (void)set_up_admin();
    struct session *session = sign_in_session(desk.auth, &outcome.grant.caller);
    int64_t now_us = clock_now_us();
    assert_true(auth_session_lives(desk.auth, session, now_us + 14 * DAY_US - MINUTE_US));
    assert_false(auth_session_lives(desk.auth, session, now_us + 15 * DAY_US));
    session->used_us = now_us + 29 * DAY_US;
    assert_true(auth_session_lives(desk.auth, session, now_us + 30 * DAY_US - MINUTE_US));
    assert_false(auth_session_lives(desk.auth, session, now_us + 30 * DAY_US + MINUTE_US));
    assert_int_equal(
        auth_caller_of_session(desk.auth, session, AUTH_KIND_TOKEN, now_us + 31 * DAY_US, &caller),
        AUTH_FLAW_EXPIRED);
    /* what the clock ended, it gives back */
    assert_int_equal(auth_caller_of_session(desk.auth, session, AUTH_KIND_TOKEN, now_us, &caller),
                     AUTH_FLAW_NONE);
}

static void test_hosts_and_origins(void **state)
{
    (void)state;
    assert_int_equal(JUDGE(.host = "evil.example"), AUTH_WRONG_HOST);
    assert_true(auth_is_own_origin(desk.auth, STR(DESK_URL)));
    assert_false(auth_is_own_origin(desk.auth, STR("https://app.example.org")));
    assert_true(auth_is_allowed_origin(desk.auth, STR("https://app.example.org")));
    assert_false(auth_is_allowed_origin(desk.auth, STR("http://app.example.org")));
    assert_false(auth_is_allowed_origin(desk.auth, STR("https://app.example.org.evil.example")));
    assert_false(auth_is_allowed_origin(desk.auth, STR("null")));
}

static void test_refused_tokens_are_audited_and_bounded(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3 * AUTH_AUDIT_BURST; i++) {
        assert_int_equal(JUDGE(.bearer = "eyJhbGciOiJub25lIn0.e30."), AUTH_INVALID);
        assert_int_equal(checked_flaw, AUTH_FLAW_ALGORITHM);
    }
    unsigned lines = audit_lines("default", "token.refused", "\"flaw\":\"algorithm\"");
    assert_in_range(lines, AUTH_AUDIT_BURST, AUTH_AUDIT_BURST + 20);
    assert_true(desk.auth->audit_bucket.left_out > AUTH_AUDIT_BURST);
    desk.auth->audit_bucket.tokens_ms = 1000;
    assert_int_equal(JUDGE(.bearer = "made up"), AUTH_INVALID);
    assert_int_equal(audit_lines("default", "token.refused", "\"left_out\":"), 1);
}

struct seen {
    unsigned count;
    bool is_in_order;
    char last[UUID_BYTES];
};

static bool see_member(const struct store_member *row, void *arg)
{
    struct seen *seen = arg;

    seen->is_in_order = seen->is_in_order && str_compare(row->user_id, str_from(seen->last)) > 0;
    memcpy(seen->last, row->user_id.data, row->user_id.length);
    seen->last[row->user_id.length] = '\0';
    seen->count++;
    return true;
}

/* Entered in any order; each is on one page, in the order of ids. */
static void test_lists_are_paged_in_the_order_of_ids(void **state)
{
    struct seen seen = {.is_in_order = true};
    struct directory *directory = &desk.auth->directory;
    unsigned before;

    (void)state;
    for (unsigned i = 0; i < 701; i++) {
        char id[UUID_BYTES];

        (void)snprintf(id, sizeof(id), "u-%04u", i * 37 % 701);
        struct store_user user = {.id = str_from(id), .is_service = true};
        struct store_member member = {
            .workspace_id = STR("default"), .user_id = str_from(id), .role = AUTH_ROLE_VIEWER};
        directory_add_user(directory, user_new(&user));
        assert_true(directory_add_member(directory, member_new(&member)));
    }
    do {
        char after[UUID_BYTES];

        before = seen.count;
        memcpy(after, seen.last, sizeof(after));
        accounts_members(desk.auth, STR("default"), str_from(after), 50, see_member, &seen);
    } while (seen.count - before == 50);
    assert_int_equal(seen.count, 701);
    assert_true(seen.is_in_order);
    seen.count = 0;
    accounts_members(desk.auth, STR("default"), STR("u-0698"), 100000, see_member, &seen);
    assert_int_equal(seen.count, 2);
    seen.count = 0;
    accounts_members(desk.auth, STR("default"), STR(""), 0, see_member, &seen);
    accounts_members(desk.auth, STR("elsewhere"), STR(""), 50, see_member, &seen);
    assert_int_equal(seen.count, 0);
}

static void test_networks(void **state)
{
    static const char *const cases[][2] = {
        {"192.0.2.77", "192.0.2.0/24"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"},
        {"::1", "::/48"},
        {"::ffff:192.0.2.77", "192.0.2.0/24"},
        {"", ""},
        {"nonsense", ""},
        {"192.0.2.77:80", ""},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff::/48"},
        {"0123456789012345678901234567890123456789012345678901234567890", ""},
    };
    char network[DIRECTORY_NETWORK_BYTES];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        auth_network_of(str_from(cases[i][0]), network);
        assert_string_equal(network, cases[i][1]);
    }
}

static const struct CMUnitTest tests[] = {
#define CASE(test) cmocka_unit_test_setup_teardown(test, desk_set_up, desk_tear_down)
    CASE(test_the_first_one_sets_up),
    CASE(test_signing_in_gives_a_session_that_lasts),
    CASE(test_a_failing_login_costs_one_hash_and_says_nothing),
    CASE(test_too_many_failures_lock),
    CASE(test_tries_at_once_are_no_way_around_the_lock),
    CASE(test_a_refresh_token_works_once),
    CASE(test_two_who_refresh_at_once_end_the_session),
    CASE(test_a_role_counts_as_of_now),
    CASE(test_the_last_admin_stays),
    CASE(test_who_leaves_is_out_at_once),
    CASE(test_a_key_has_no_more_than_its_user),
    CASE(test_a_ticket_has_what_its_maker_has),
    CASE(test_passwords_change_and_end_sessions),
    CASE(test_an_admin_resets_only_who_is_theirs),
    CASE(test_a_workspace_goes_with_what_is_in_it),
    CASE(test_invitations),
    CASE(test_one_invitation_is_used_once_at_once),
    CASE(test_the_oldest_session_goes),
    CASE(test_sessions_end_by_time_and_come_back_with_the_clock),
    CASE(test_hosts_and_origins),
    CASE(test_refused_tokens_are_audited_and_bounded),
    CASE(test_lists_are_paged_in_the_order_of_ids),
    CASE(test_networks),
};

UNIT_MAIN(tests)
