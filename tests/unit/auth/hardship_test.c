/*
 * When the store or the memory fails, and when somebody is to be erased: nothing is half done,
 * nobody who was shut out comes back, and of who left nothing stays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "accounts_fixture.h"

#include <sqlite3.h>

#include "auth/change.h"
#include "auth/external.h"
#include "base/alloc.h"
#include "monitor/fault.h"

static void fill_disk(bool is_full)
{
    fault_allow(true);
    fault_disarm_all();
    if (is_full) {
        assert_int_equal(fault_arm(FAULT_STORE_FULL, /* times */ 0, 0, 60, clock_now_us()), OK);
    }
}

static void test_what_was_ended_stays_ended_on_a_full_disk(void **state)
{
    char token[AUTH_TOKEN_BYTES_MAX];

    (void)state;
    struct auth_caller admin = set_up_admin();
    struct auth_caller bob = add_person(&admin, "bob@example.org", AUTH_ROLE_ANALYST);
    memcpy(token, outcome.grant.access_token, sizeof(token));
    fill_disk(true);
    assert_int_equal(came_to(BEGIN(accounts_end_sessions(
                         desk.auth, &bob, str_from(bob.credential_id), &desk_origin, DONE))),
                     ERR_IO);
    assert_int_equal(JUDGE(.bearer = token), AUTH_INVALID);
    assert_int_equal(came_to(BEGIN(accounts_set_role(desk.auth, &admin, str_from(bob.user_id),
                                                     AUTH_ROLE_VIEWER, &desk_origin, DONE))),
                     ERR_IO);
    assert_int_equal(try_login("bob@example.org", DESK_PASSWORD, AUTH_SESSION_COOKIE), ERR_IO);
    assert_false(outcome.has_grant);
    fill_disk(false);
    assert_true(desk.auth->has_unstored_roles);
    change_retry(desk.auth); /* as the tick does */
    desk_flush();
    assert_false(desk.auth->has_unstored_roles);
    assert_true(ring_is_empty(&desk.auth->unstored));
    desk_reopen();
    assert_int_equal(JUDGE(.bearer = token), AUTH_INVALID);
    assert_int_equal(try_login("bob@example.org", DESK_PASSWORD, AUTH_SESSION_COOKIE), OK);
    assert_int_equal(outcome.grant.caller.role, AUTH_ROLE_VIEWER);
}

/* What was refused meanwhile has no line; the next line says how many there would be. */
static void test_lines_that_a_full_disk_did_not_take_are_counted(void **state)
{
    (void)state;
    fill_disk(true);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(JUDGE(.bearer = "made up"), AUTH_INVALID);
    }
    while (desk.auth->in_store) {
        (void)uv_run(loop_uv(desk.loop), UV_RUN_ONCE);
    }
    fill_disk(false);
    assert_int_equal(audit_lines("default", "token.refused", NULL), 0);
    assert_int_equal(JUDGE(.bearer = "made up"), AUTH_INVALID);
    assert_int_equal(audit_lines("default", "token.refused", "\"left_out\":3"), 1);
}

static void test_what_was_begun_on_a_full_disk_can_be_done_again(void **state)
{
    char code[AUTH_SECRET_TEXT_BYTES];
    char invite[128];
    char refresh[AUTH_SECRET_TEXT_BYTES];

    (void)state;
    assert_int_equal(accounts_setup_code(desk.auth, code), OK);
    fill_disk(true);
    assert_int_equal(try_register(code, DESK_EMAIL, "Ada", DESK_PASSWORD), ERR_IO);
    assert_true(accounts_need_setup(desk.auth));
    fill_disk(false);
    assert_int_equal(try_register(code, DESK_EMAIL, "Ada", DESK_PASSWORD), OK);
    struct auth_caller admin = outcome.grant.caller;
    memcpy(refresh, outcome.grant.refresh_token, sizeof(refresh));
    assert_int_equal(came_to(BEGIN(accounts_invite(desk.auth, &admin, STR("bob@example.org"),
                                                   AUTH_ROLE_VIEWER, &desk_origin, DONE))),
                     OK);
    memcpy(invite, outcome.secret, sizeof(invite));
    fill_disk(true);
    assert_int_equal(try_register(invite, "", "Bob", DESK_PASSWORD), ERR_IO);
    assert_int_equal(
        came_to(BEGIN(accounts_refresh(desk.auth, str_from(refresh), &desk_origin, DONE))), ERR_IO);
    fill_disk(false);
    assert_int_equal(try_register(invite, "", "Bob", DESK_PASSWORD), OK);
    assert_int_equal(
        came_to(BEGIN(accounts_refresh(desk.auth, str_from(refresh), &desk_origin, DONE))), OK);
}

/* Every text of every table of the file. */
static bool database_has(const char *text)
{
    char path[128];
    sqlite3 *db = NULL;
    sqlite3_stmt *tables = NULL;
    bool is_found = false;

    (void)snprintf(path, sizeof(path), "%s/netra.db", desk.folder);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT name FROM sqlite_master WHERE type='table'", -1,
                                        &tables, NULL),
                     SQLITE_OK);
    while (sqlite3_step(tables) == SQLITE_ROW) {
        char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", sqlite3_column_text(tables, 0));
        sqlite3_stmt *rows = NULL;

        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &rows, NULL), SQLITE_OK);
        while (sqlite3_step(rows) == SQLITE_ROW) {
            for (int i = 0; i < sqlite3_column_count(rows); i++) {
                const char *value = (const char *)sqlite3_column_text(rows, i);

                is_found = is_found || (value && strstr(value, text));
            }
        }
        assert_int_equal(sqlite3_finalize(rows), SQLITE_OK);
        sqlite3_free(sql);
    }
    assert_int_equal(sqlite3_finalize(tables), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return is_found;
}

static void add_thread_of(const char *user_id)
{
    struct store_batch *batch = store_batch_new(STR("default"));
    struct store_thread thread = {
        .id = STR("t1"), .owner_id = str_from(user_id), .title = STR("Costs"), .created_us = 1};

    assert_non_null(batch);
    store_put_thread(batch, &thread);
    assert_int_equal(store_submit(desk.store, batch, NULL, NULL), OK);
    desk_flush();
}

static void export_of(const struct auth_caller *caller, struct buf *out)
{
    buf_init(out, 1 << 20);
    struct json_writer w = json_writer_on(out);
    assert_int_equal(accounts_export(desk.auth, caller, &w), OK);
}

static void test_of_who_is_erased_nothing_stays(void **state)
{
    char token[AUTH_TOKEN_BYTES_MAX];
    char key[128];
    cleanup(buf_done) struct buf exported;

    (void)state;
    struct auth_caller admin = set_up_admin();
    assert_int_equal(came_to(BEGIN(accounts_invite(desk.auth, &admin, STR("zoe@example.net"),
                                                   AUTH_ROLE_ADMIN, &desk_origin, DONE))),
                     OK);
    char code[128];
    memcpy(code, outcome.secret, sizeof(code));
    assert_int_equal(try_register(code, "", "Zoe Zimmermann", DESK_PASSWORD), OK);
    struct auth_caller zoe = outcome.grant.caller;
    memcpy(token, outcome.grant.access_token, sizeof(token));
    struct account_key_request request = {.name = STR("Zoe Zimmermann's"),
                                          .scopes = AUTH_SCOPE_READ};
    assert_int_equal(came_to(BEGIN(accounts_add_key(desk.auth, &zoe, &request, DONE))), OK);
    memcpy(key, outcome.secret, sizeof(key));
    struct external_identity identity = {
        .provider = STR("corp"), .subject = STR("zoe-at-corp"), .email = STR("zoe@example.net")};
    assert_int_equal(
        came_to(BEGIN(accounts_external_link(desk.auth, &zoe, &identity, &desk_origin, DONE))), OK);
    assert_int_equal(try_login("zoe@example.net", "wrong password", AUTH_SESSION_COOKIE),
                     ERR_DENIED);
    assert_int_equal(
        came_to(BEGIN(accounts_forgot(desk.auth, STR("zoe@example.net"), &desk_origin, DONE))), OK);
    /* an admin of another workspace invited her, too */
    assert_int_equal(came_to(BEGIN(accounts_add_workspace(desk.auth, &admin, STR("Second"),
                                                          &desk_origin, DONE))),
                     OK);
    char second[64];
    memcpy(second, outcome.id, sizeof(second));
    assert_int_equal(came_to(BEGIN(accounts_switch(desk.auth, &admin, str_from(second), DONE))),
                     OK);
    admin = outcome.grant.caller;
    assert_int_equal(came_to(BEGIN(accounts_invite(desk.auth, &admin, STR("zoe@example.net"),
                                                   AUTH_ROLE_VIEWER, &desk_origin, DONE))),
                     OK);
    add_thread_of(zoe.user_id);
    desk_flush();
    assert_true(database_has("zoe@example.net"));
    assert_true(database_has("Zimmermann"));

    export_of(&zoe, &exported);
    const char *const expected[] = {"zoe@example.net", "Zoe Zimmermann", "zoe-at-corp", "\"t1\"",
                                    "login.ok",        "192.0.2.0/24",   "Mozilla/5.0"};
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        if (str_find(buf_str(&exported), str_from(expected[i]), 0) == SIZE_MAX) {
            fail_msg("the export lacks %s", expected[i]);
        }
    }
    assert_true(str_find(buf_str(&exported), STR("argon2"), 0) == SIZE_MAX);

#define ERASE(password)                                                                            \
    came_to(BEGIN(accounts_erase(desk.auth, &zoe, STR(password), /* with_threads */ false,         \
                                 &desk_origin, DONE)))
    assert_int_equal(ERASE("wrong password"), ERR_DENIED);
    assert_int_equal(ERASE(DESK_PASSWORD), OK);
    assert_int_equal(JUDGE(.bearer = token), AUTH_INVALID);
    assert_int_equal(JUDGE(.bearer = key), AUTH_INVALID);
    assert_int_equal(try_login("zoe@example.net", DESK_PASSWORD, AUTH_SESSION_COOKIE), ERR_DENIED);
    assert_int_equal(audit_lines("default", "account.erased", NULL), 1);
    assert_false(database_has("zoe@example.net"));
    assert_false(database_has("example.net"));
    assert_false(database_has("Zimmermann"));
    assert_false(database_has("zoe-at-corp"));
    assert_true(database_has("Costs")); /* what she asked is the workspace's, but nobody's */
    desk_reopen();
    assert_int_equal(JUDGE(.bearer = key), AUTH_INVALID);
}

static void test_identities_of_providers(void **state)
{
    struct external_identity corp = {.provider = STR("corp"),
                                     .subject = STR("s1"),
                                     .email = STR("eve@example.org"),
                                     .name = STR("Eve"),
                                     .workspace_id = STR("default"),
                                     .role = AUTH_ROLE_VIEWER,
                                     .next = STR("/reports")};

    (void)state;
    struct auth_caller admin = set_up_admin();
#define EXTERNAL(identity)                                                                         \
    came_to(BEGIN(accounts_external_sign_in(desk.auth, identity, &desk_origin, DONE)))
    assert_int_equal(EXTERNAL(&corp), OK);
    struct auth_caller eve = outcome.grant.caller;
    assert_int_equal(eve.role, AUTH_ROLE_VIEWER);
    assert_int_equal(JUDGE(.cookie = outcome.grant.cookie), AUTH_OK);
    assert_int_equal(EXTERNAL(&corp), OK); /* the second time she is known */
    assert_string_equal(outcome.grant.caller.user_id, eve.user_id);
    /* a provider's word alone takes over no account */
    struct external_identity mallory = corp;
    mallory.subject = STR("s2");
    mallory.email = STR(DESK_EMAIL);
    assert_int_equal(EXTERNAL(&mallory), ERR_EXISTS);
    mallory.email = STR("eve@example.org");
    assert_int_equal(EXTERNAL(&mallory), ERR_EXISTS);
#define LINK(caller, identity)                                                                     \
    came_to(BEGIN(accounts_external_link(desk.auth, caller, identity, &desk_origin, DONE)))
    assert_int_equal(LINK(&admin, &corp), ERR_EXISTS);
    mallory.email = STR("ada@corp.example");
    assert_int_equal(LINK(&admin, &mallory), OK);
    assert_int_equal(EXTERNAL(&mallory), OK);
    assert_string_equal(outcome.grant.caller.user_id, admin.user_id);
#define UNLINK(caller)                                                                             \
    came_to(BEGIN(accounts_external_unlink(desk.auth, caller, STR("corp"), &desk_origin, DONE)))
    assert_int_equal(UNLINK(&eve), ERR_EXISTS); /* her only way in */
    assert_int_equal(UNLINK(&admin), OK);
    assert_int_equal(UNLINK(&admin), ERR_NOT_FOUND);
    assert_int_equal(EXTERNAL(&mallory), OK); /* somebody new, with another e-mail */
    assert_string_not_equal(outcome.grant.caller.user_id, admin.user_id);
    /* an invitation says where and what */
    assert_int_equal(came_to(BEGIN(accounts_invite(desk.auth, &admin, STR("fay@example.org"),
                                                   AUTH_ROLE_ANALYST, &desk_origin, DONE))),
                     OK);
    mallory.subject = STR("s3");
    mallory.email = STR("fay@example.org");
    assert_int_equal(EXTERNAL(&mallory), OK);
    assert_int_equal(outcome.grant.caller.role, AUTH_ROLE_ANALYST);
    mallory.subject = STR("s4");
    mallory.email = STR("gil@example.org");
    mallory.workspace_id = STR("nowhere");
    assert_int_equal(EXTERNAL(&mallory), ERR_NOT_FOUND);
}

/* The store's writer must not allocate meanwhile, and does not: nothing is under way. */
static void test_starting_survives_every_failing_allocation(void **state)
{
    uint64_t nth = 1;
    int code = ERR_NO_MEMORY;

    (void)state;
    struct auth_caller admin = set_up_admin();
    (void)add_person(&admin, "bob@example.org", AUTH_ROLE_VIEWER);
    desk_flush();
    auth_free(desk.auth);
    desk.auth = NULL;
    for (; nth < 500 && code; nth++) {
        (void)alloc_fail_from(nth);
        code = desk_try_open();
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY || code == ERR_IO);
    }
    assert_in_range(nth, 30, 499);
    auth_set_url(desk.auth, DESK_URL);
    assert_int_equal(try_login("bob@example.org", DESK_PASSWORD, AUTH_SESSION_COOKIE), OK);
}

static void ask_invite(void *arg)
{
    if (accounts_invite(desk.auth, arg, STR("eve@example.org"), AUTH_ROLE_VIEWER, &desk_origin,
                        DONE)) {
        outcome = (struct outcome){.is_there = true, .code = ERR_NO_MEMORY};
    }
}

static void ask_key(void *arg)
{
    struct account_key_request request = {.name = STR("k"), .scopes = AUTH_SCOPE_READ};

    if (accounts_add_key(desk.auth, arg, &request, DONE)) {
        outcome = (struct outcome){.is_there = true, .code = ERR_NO_MEMORY};
    }
}

static void ask_workspace(void *arg)
{
    if (accounts_add_workspace(desk.auth, arg, STR("W"), &desk_origin, DONE)) {
        outcome = (struct outcome){.is_there = true, .code = ERR_NO_MEMORY};
    }
}

static void ask_forgot(void *arg)
{
    (void)arg;
    if (accounts_forgot(desk.auth, STR(DESK_EMAIL), &desk_origin, DONE)) {
        outcome = (struct outcome){.is_there = true, .code = ERR_NO_MEMORY};
    }
}

/* Each is refused for want of memory until it succeeds; what is there after it is what was before
 * or all of it. */
static void test_changes_survive_every_failing_allocation(void **state)
{
    void (*const asks[])(void *) = {ask_invite, ask_key, ask_workspace, ask_forgot};

    (void)state;
    struct auth_caller admin = set_up_admin();
    desk_flush();
    for (size_t i = 0; i < ARRAY_LENGTH(asks); i++) {
        uint64_t nth = 1;

        do {
            outcome.is_there = false;
            (void)alloc_fail_from(nth++);
            asks[i](&admin);
            (void)alloc_fail_from(0);
            wait_for(&outcome);
            assert_true(outcome.code == OK || outcome.code == ERR_NO_MEMORY);
            desk_flush();
        } while (outcome.code && nth < 100);
        assert_in_range(nth, 4, 99);
    }
    desk_reopen();
    assert_int_equal(try_login(DESK_EMAIL, DESK_PASSWORD, AUTH_SESSION_COOKIE), OK);
}

/* An auth is freed while hashes are computed and batches are on their way. */
static void test_it_ends_while_changes_are_under_way(void **state)
{
    static struct outcome ignored[8];
    struct account_login login = {
        .email = STR(DESK_EMAIL), .password = STR(DESK_PASSWORD), .origin = desk_origin};

    (void)state;
    struct auth_caller admin = set_up_admin();
    for (size_t i = 0; i < ARRAY_LENGTH(ignored) - 1; i++) {
        assert_int_equal(accounts_login(desk.auth, &login, note, &ignored[i], &desk.error), OK);
    }
    assert_int_equal(accounts_invite(desk.auth, &admin, STR("bob@example.org"), AUTH_ROLE_VIEWER,
                                     &desk_origin, note, &ignored[7], &desk.error),
                     OK);
    desk_reopen();
    for (size_t i = 0; i < ARRAY_LENGTH(ignored); i++) {
        assert_false(ignored[i].is_there);
    }
}

static const struct CMUnitTest tests[] = {
#define CASE(test) cmocka_unit_test_setup_teardown(test, desk_set_up, desk_tear_down)
    CASE(test_what_was_ended_stays_ended_on_a_full_disk),
    CASE(test_lines_that_a_full_disk_did_not_take_are_counted),
    CASE(test_what_was_begun_on_a_full_disk_can_be_done_again),
    CASE(test_of_who_is_erased_nothing_stays),
    CASE(test_identities_of_providers),
    CASE(test_starting_survives_every_failing_allocation),
    CASE(test_changes_survive_every_failing_allocation),
    CASE(test_it_ends_while_changes_are_under_way),
};

UNIT_MAIN(tests)
