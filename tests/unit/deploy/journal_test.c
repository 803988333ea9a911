/*
 * The files of deployments: one at a time, what was begun is found by the next one, and a file that
 * is none of ours is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "deploy/journal.h"

static char state_dir[64];

static int set_up(void **state)
{
    char name[] = "/tmp/netra-journal-XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(name));
    (void)snprintf(state_dir, sizeof(state_dir), "%s/a/b", name);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {
        "/deploys/lock", "/deploys/unfinished.json", "/deploys/r1.jsonl", "/deploys", "", "/..",
        "/../.."};
    char path[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", state_dir, names[i]);
        (void)remove(path);
    }
    return 0;
}

static void test_journal_is_one_at_a_time(void **state)
{
    struct journal first;
    struct journal second;
    struct error error;

    (void)state;
    assert_int_equal(journal_open(&first, state_dir, &error), OK);
    assert_int_equal(journal_open(&second, state_dir, &error), ERR_EXISTS);
    journal_close(&second);
    journal_close(&first);
    assert_int_equal(journal_open(&second, state_dir, &error), OK);
    journal_close(&second);
    assert_int_equal(journal_open(&first, "relative", &error), ERR_IO);
    journal_close(&first);
}

static void test_journal_finds_what_is_unfinished(void **state)
{
    cleanup(arena_done) struct arena arena;
    struct str services[] = {STR("auth"), STR("backend")};
    struct unfinished found;
    struct journal journal;
    struct error error;

    (void)state;
    arena_init(&arena, 1 << 16);
    assert_int_equal(journal_open(&journal, state_dir, &error), OK);
    assert_int_equal(journal_read_unfinished(&journal, &arena, &found, &error), OK);
    assert_string_equal(found.revision, "");
    assert_int_equal(journal_begin(&journal, "r1", services, 2, &error), OK);
    assert_int_equal(journal_read_unfinished(&journal, &arena, &found, &error), OK);
    assert_string_equal(found.revision, "r1");
    assert_int_equal(found.service_count, 2);
    assert_true(str_equal(found.services[1], STR("backend")));
    assert_int_equal(journal_finish(&journal, &error), OK);
    assert_int_equal(journal_finish(&journal, &error), OK);
    assert_int_equal(journal_read_unfinished(&journal, &arena, &found, &error), OK);
    assert_string_equal(found.revision, "");
    journal_close(&journal);
}

static void test_journal_refuses_what_is_not_ours(void **state)
{
    static const char *const texts[] = {
        "", "{", "{}", "[]", "{\"revision\":\"../x\"}", "{\"revision\":\"r\",\"services\":[1]}"};
    cleanup(arena_done) struct arena arena;
    struct unfinished found;
    struct journal journal;
    struct error error;
    char path[128];

    (void)state;
    arena_init(&arena, 1 << 16);
    assert_int_equal(journal_open(&journal, state_dir, &error), OK);
    (void)snprintf(path, sizeof(path), "%s/deploys/unfinished.json", state_dir);
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        assert_true(fputs(texts[i], file) >= 0 && fclose(file) == 0);
        assert_int_equal(journal_read_unfinished(&journal, &arena, &found, &error), ERR_INVALID);
    }
    journal_close(&journal);
}

static void test_journal_notes_calls(void **state)
{
    struct target_call call = {.verb = TARGET_SWITCH,
                               .project = "p",
                               .service = "all",
                               .revision = "r1",
                               .config = "/etc/\"x\""};
    struct child_end end = {.exit_status = 1, .duration_us = 1500000};
    char text[2048] = "";
    struct journal journal;
    struct error error;
    char path[128];

    (void)state;
    assert_int_equal(journal_open(&journal, state_dir, &error), OK);
    assert_int_equal(journal_note(&journal, &call, &end, "done", NULL), OK); /* nowhere yet */
    assert_int_equal(journal_record(&journal, "r1", &error), OK);
    assert_int_equal(journal_note(&journal, &call, &end, "failed", "no\nway"), OK);
    assert_int_equal(journal_note_step(&journal, "probe", "all", 30000000, "done", NULL), OK);
    journal_close(&journal);
    (void)snprintf(path, sizeof(path), "%s/deploys/r1.jsonl", state_dir);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0 && fclose(file) == 0);
    assert_non_null(strstr(text, "\"step\":\"switch\",\"service\":\"all\",\"environment\":{"));
    assert_non_null(strstr(text, "\"NETRA_DEPLOY_CONFIG\":\"/etc/\\\"x\\\"\""));
    assert_non_null(strstr(text, "\"exit_status\":1,\"duration_s\":1.5"));
    assert_non_null(strstr(text, "\"why\":\"no\\nway\"}\n{\"at\":"));
    assert_non_null(strstr(text, "\"step\":\"probe\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_journal_is_one_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_journal_finds_what_is_unfinished, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_journal_refuses_what_is_not_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_journal_notes_calls, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
