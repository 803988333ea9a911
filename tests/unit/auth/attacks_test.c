/*
 * What somebody could gain by timing or by repetition: changes that go on after the session they
 * were begun with has ended, tables and logs that are filled, mails that are asked for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "accounts_fixture.h"

/* Whoever was put out while the hash was computed changes nothing any more. */
static void test_a_password_is_not_changed_by_a_session_that_has_ended(void **state)
{
    static struct outcome ended;

    (void)state;
    struct auth_caller admin = set_up_admin();
    outcome.is_there = false;
    assert_int_equal(accounts_change_password(desk.auth, &admin, STR(DESK_PASSWORD),
                                              STR("a password of the thief"), &desk_origin, DONE),
                     OK);
    ended.is_there = false;
    assert_int_equal(accounts_end_sessions(desk.auth, &admin, str_from(admin.credential_id),
                                           &desk_origin, note, &ended, &desk.error),
                     OK);
    wait_for(&ended);
    wait_for(&outcome);
    assert_int_equal(outcome.code, ERR_DENIED);
    assert_int_equal(try_login(DESK_EMAIL, "a password of the thief", AUTH_SESSION_COOKIE),
                     ERR_DENIED);
    assert_int_equal(try_login(DESK_EMAIL, DESK_PASSWORD, AUTH_SESSION_COOKIE), OK);
}

static void test_an_account_is_not_erased_by_a_session_that_has_ended(void **state)
{
    static struct outcome ended;

    (void)state;
    struct auth_caller admin = set_up_admin();
    struct auth_caller bob = add_person(&admin, "bob@example.org", AUTH_ROLE_VIEWER);
    outcome.is_there = false;
    assert_int_equal(accounts_erase(desk.auth, &bob, STR(DESK_PASSWORD), /* with_threads */ true,
                                    &desk_origin, DONE),
                     OK);
    ended.is_there = false;
    assert_int_equal(accounts_end_sessions(desk.auth, &bob, str_from(bob.credential_id),
                                           &desk_origin, note, &ended, &desk.error),
                     OK);
    wait_for(&ended);
    wait_for(&outcome);
    assert_int_equal(outcome.code, ERR_DENIED);
    assert_int_equal(try_login("bob@example.org", DESK_PASSWORD, AUTH_SESSION_COOKIE), OK);
}

/* The mails that a stranger can have sent to somebody are few, and take no link away. */
static void test_a_stranger_asks_for_few_mails(void **state)
{
    char first[128];
    unsigned mails = 0;

    (void)state;
    struct auth_caller admin = set_up_admin();
    assert_int_equal(came_to(BEGIN(accounts_reset_code(desk.auth, &admin, str_from(admin.user_id),
                                                       &desk_origin, DONE))),
                     OK);
    memcpy(first, outcome.secret, sizeof(first));
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(
            came_to(BEGIN(accounts_forgot(desk.auth, STR(DESK_EMAIL), &desk_origin, DONE))), OK);
        mails += outcome.secret[0] != '\0';
    }
    assert_in_range(mails, 1, 3);
    assert_int_equal(audit_lines("default", "password.forgot", NULL), 10);
    assert_int_equal(came_to(BEGIN(accounts_reset(desk.auth, str_from(first),
                                                  STR("another password"), &desk_origin, DONE))),
                     OK);
    assert_int_equal(
        came_to(BEGIN(accounts_forgot(desk.auth, STR(DESK_EMAIL), &desk_origin, DONE))), OK);
    assert_string_not_equal(outcome.secret, ""); /* all of them were used up by that */
}

/* Tries that found no place in the queue of hashes cost nothing: were they remembered, they would
 * push out those who failed. */
static void test_tries_that_were_not_made_are_not_remembered(void **state)
{
    enum { TRIES = 3 * (ACCOUNTS_HASHES_MAX + ACCOUNTS_HASHES_WAITING) };
    static struct outcome outcomes[TRIES];
    static char emails[TRIES][32];
    unsigned refused = 0;

    (void)state;
    (void)set_up_admin();
    for (size_t i = 0; i < TRIES; i++) {
        (void)snprintf(emails[i], sizeof(emails[i]), "nobody%zu@example.org", i);
        struct account_login login = {
            .email = str_from(emails[i]), .password = STR("wrong password"), .origin = desk_origin};
        outcomes[i].is_there = false;
        assert_int_equal(accounts_login(desk.auth, &login, note, &outcomes[i], &desk.error), OK);
    }
    for (size_t i = 0; i < TRIES; i++) {
        wait_for(&outcomes[i]);
        refused += outcomes[i].code == ERR_LIMIT;
    }
    assert_int_equal(refused, TRIES - ACCOUNTS_HASHES_MAX - ACCOUNTS_HASHES_WAITING);
    assert_int_equal(desk.auth->throttle.entries.count, TRIES - refused);
}

/* Who is signed in can be refused as often as they like: the log has a bounded number of lines of
 * them, and those of others are there all the same. */
static void test_refusals_of_one_user_do_not_fill_the_log(void **state)
{
    (void)state;
    struct auth_caller admin = set_up_admin();
    struct auth_caller bob = add_person(&admin, "bob@example.org", AUTH_ROLE_VIEWER);
    for (unsigned i = 0; i < 5 * AUTH_AUDIT_BURST; i++) {
        accounts_audit(desk.auth, &bob, "forbidden", STR("GET /api/users"), STR("192.0.2.77"),
                       NULL);
    }
    assert_in_range(audit_lines("default", "forbidden", NULL), AUTH_AUDIT_BURST,
                    AUTH_AUDIT_BURST + 20);
    accounts_audit(desk.auth, &admin, "fault.armed", STR("store_full"), STR("192.0.2.77"), NULL);
    assert_int_equal(audit_lines("default", "fault.armed", NULL), 1);
}

static const struct CMUnitTest tests[] = {
#define CASE(test) cmocka_unit_test_setup_teardown(test, desk_set_up, desk_tear_down)
    CASE(test_a_password_is_not_changed_by_a_session_that_has_ended),
    CASE(test_an_account_is_not_erased_by_a_session_that_has_ended),
    CASE(test_a_stranger_asks_for_few_mails),
    CASE(test_tries_that_were_not_made_are_not_remembered),
    CASE(test_refusals_of_one_user_do_not_fill_the_log),
};

UNIT_MAIN(tests)
