/*
 * The real world of a loop: commands are started, told and ended; a command that outlived its loop
 * is ended, and what only looks like it is not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/loop_files.h"
#include "deploy/loop_leftover.h"
#include "deploy/loop_world.h"

struct place {
    char folder[64];
    struct loop_machine machine;
    struct loop_world world;
};

static volatile int to_end;

static void say_nothing(struct str line)
{
    (void)line;
}

static void open_place(struct place *place)
{
    struct error error = {0};

    *place = (struct place){.folder = "/tmp/netra-loop-world-XXXXXX"};
    assert_non_null(mkdtemp(place->folder));
    to_end = 0;
    place->machine = (struct loop_machine){
        .netra = "/bin/false", .folder = place->folder, .is_to_end = &to_end, .say = say_nothing};
    assert_int_equal(loop_machine_open(&place->machine, /* ca_file */ NULL, &error), OK);
    place->world = loop_world_of(&place->machine);
}

static void close_place(struct place *place)
{
    struct error error = {0};

    loop_machine_close(&place->machine);
    assert_int_equal(loop_files_remove(place->folder, &error), OK);
}

static struct loop_end run(struct place *place, const char *const *words, struct buf *out)
{
    static const char *const environment[] = {"NETRA_LOOP_CAUSE=disk_full", NULL};
    const struct loop_command command = {.words = words, .environment = environment};
    struct loop_end end = {.is_ended = false};
    struct error error = {0};

    buf_clear(out);
    assert_int_equal(place->world.run(&command, place->folder, out, &end, place->world.arg, &error),
                     OK);
    return end;
}

static void test_commands_are_run_and_their_ends_told(void **state)
{
    static const char *const words[] = {
        "/bin/sh", "-c", "echo \"$NETRA_LOOP_CAUSE$NETRA_LOOP_OLD$NETRA_LOOP_DIR\"; exit 3", NULL};
    static const char *const killed[] = {"/bin/sh", "-c", "kill -9 $$", NULL};
    static const char *const missing[] = {"/no/such/program", NULL};
    cleanup(close_place) struct place place = {.folder = ""};
    cleanup(buf_done) struct buf out = {0};

    (void)state;
    open_place(&place);
    buf_init(&out, 4096);
    assert_int_equal(setenv("NETRA_LOOP_OLD", "old", 1), 0);
    struct loop_end end = run(&place, words, &out);
    assert_int_equal(end.exit_status, 3);
    assert_true(end.is_ended);
    char expected[128];
    (void)snprintf(expected, sizeof(expected), "disk_full%s\n", place.folder);
    assert_str(buf_str(&out), expected);
    end = run(&place, killed, &out);
    assert_int_equal(end.exit_status, -1);
    assert_string_equal(end.why, "signal 9");
    end = run(&place, missing, &out);
    assert_int_equal(end.exit_status, -1);
    assert_non_null(strstr(end.why, "cannot start /no/such/program"));
}

static void test_a_command_is_ended_when_the_loop_is_to_stop_at_once(void **state)
{
    static const char *const words[] = {"/bin/sleep", "60", NULL};
    cleanup(close_place) struct place place = {.folder = ""};
    cleanup(buf_done) struct buf out = {0};

    (void)state;
    open_place(&place);
    buf_init(&out, 4096);
    to_end = 1;
    struct loop_end end = run(&place, words, &out);
    assert_false(end.is_ended);
}

/* With the loop's folder in its environment, in a group of its own, as child_run starts it. */
static pid_t start_sleep(const char *folder, const char *seconds)
{
    int ready[2];

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char variable[128];
        char *environment[] = {variable, NULL};
        char *words[] = {(char *)(uintptr_t) "/bin/sleep", (char *)(uintptr_t)seconds, NULL};

        (void)snprintf(variable, sizeof(variable), "NETRA_LOOP_DIR=%s", folder);
        (void)setpgid(0, 0);
        (void)execve(words[0], words, environment);
        _exit(127);
    }
    (void)close(ready[1]);
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 0); /* closed by execve: it is what it will be */
    (void)close(ready[0]);
    return pid;
}

static void test_a_command_that_outlived_its_loop_is_ended_and_nothing_else(void **state)
{
    static const char *const words[] = {"/bin/sleep", "61", NULL};
    static const char *const fewer[] = {"61", NULL};
    const struct loop_command command = {.words = words};
    cleanup(close_place) struct place place = {.folder = ""};
    struct error error = {0};
    int status;

    (void)state;
    open_place(&place);
    pid_t same = start_sleep(place.folder, "61");
    pid_t other_words = start_sleep(place.folder, "62");
    pid_t other_folder = start_sleep("/tmp/netra-another-loop", "61");

    assert_int_equal(loop_leftover_end(words, place.folder, &error), 1);
    assert_int_equal(waitpid(same, &status, 0), same);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    assert_int_equal(waitpid(other_words, &status, WNOHANG), 0);
    assert_int_equal(waitpid(other_folder, &status, WNOHANG), 0);

    /* As a script is: what runs it stands in front of its words. */
    same = start_sleep(place.folder, "61");
    assert_int_equal(loop_leftover_end(fewer, place.folder, &error), 1);
    assert_int_equal(waitpid(same, &status, 0), same);
    assert_int_equal(loop_leftover_end(fewer, place.folder, &error), 0);
    assert_int_equal(place.world.end_left_over(&command, place.folder, place.world.arg, &error),
                     OK);
    assert_int_equal(kill(other_words, SIGKILL), 0);
    assert_int_equal(kill(other_folder, SIGKILL), 0);
    assert_int_equal(waitpid(other_words, &status, 0), other_words);
    assert_int_equal(waitpid(other_folder, &status, 0), other_folder);
}

static void test_health_that_nobody_answers_is_not_healthy(void **state)
{
    cleanup(close_place) struct place place = {.folder = ""};
    struct loop_answer answer = {.is_healthy = true};

    (void)state;
    open_place(&place);
    place.world.ask_health("http://127.0.0.1:1/", &answer, place.world.arg);
    assert_false(answer.is_healthy);
    assert_int_equal(answer.status, 0);
    assert_true(answer.at_us > 0);
    assert_non_null(strstr(answer.why, "/health is not answered"));
}

static void test_files_are_locked_for_one_at_a_time(void **state)
{
    cleanup(close_place) struct place place = {.folder = ""};
    struct error error = {0};
    char path[128];
    int first = -1;
    int second = -1;

    (void)state;
    open_place(&place);
    (void)snprintf(path, sizeof(path), "%s/lock", place.folder);
    assert_int_equal(loop_files_lock(path, &first, &error), OK);
    assert_int_equal(loop_files_lock(path, &second, &error), ERR_EXISTS);
    assert_int_equal(close(first), 0);
    assert_int_equal(loop_files_lock(path, &second, &error), OK);
    assert_int_equal(close(second), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_commands_are_run_and_their_ends_told),
    cmocka_unit_test(test_a_command_is_ended_when_the_loop_is_to_stop_at_once),
    cmocka_unit_test(test_a_command_that_outlived_its_loop_is_ended_and_nothing_else),
    cmocka_unit_test(test_health_that_nobody_answers_is_not_healthy),
    cmocka_unit_test(test_files_are_locked_for_one_at_a_time),
};

UNIT_MAIN(tests)
