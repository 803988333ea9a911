/*
 * The real world of a loop: commands are started, told and ended; a command that outlived its loop
 * is ended, and another process that has its number by now is not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/loop_files.h"
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
    static const char *const words[] = {"/bin/sh", "-c",
                                        "echo \"$NETRA_LOOP_CAUSE$NETRA_LOOP_OLD\"; exit 3", NULL};
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
    assert_str(buf_str(&out), "disk_full\n");
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

static pid_t start_sleep(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)setpgid(0, 0);
        (void)execl("/bin/sleep", "sleep", "60", (char *)NULL);
        _exit(127);
    }
    (void)setpgid(pid, pid);
    return pid;
}

/* What the kernel says of the process, field 22. */
static unsigned long long ticks_of(pid_t pid)
{
    cleanup(buf_done) struct buf text = {0};
    struct error error = {0};
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    buf_init(&text, (size_t)1 << 20);
    assert_int_equal(loop_files_read(path, &text, &error), OK);
    const char *at = strrchr(text.data, ')') + 1;
    for (int field = 2; field < 22; field++) {
        at = strchr(at, ' ') + 1;
    }
    return strtoull(at, NULL, 10);
}

static void leave(const struct place *place, pid_t pid, unsigned long long ticks)
{
    char path[128];
    char text[128];
    struct error error = {0};

    (void)snprintf(path, sizeof(path), "%s/running.json", place->folder);
    (void)snprintf(text, sizeof(text), "{\"pid\":%d,\"start_ticks\":%llu}\n", (int)pid, ticks);
    assert_int_equal(loop_files_write(path, str_from(text), &error), OK);
}

static void test_what_a_killed_loop_left_running_is_ended_and_nothing_else(void **state)
{
    cleanup(close_place) struct place place = {.folder = ""};
    struct error error = {0};
    char path[128];
    int status;

    (void)state;
    open_place(&place);
    assert_int_equal(place.world.end_left_over(place.folder, place.world.arg, &error), OK);
    pid_t pid = start_sleep();
    unsigned long long ticks = ticks_of(pid);

    leave(&place, pid, ticks + 1); /* its number was given to another process since */
    assert_int_equal(place.world.end_left_over(place.folder, place.world.arg, &error), OK);
    assert_int_equal(waitpid(pid, &status, WNOHANG), 0);

    leave(&place, pid, ticks);
    assert_int_equal(place.world.end_left_over(place.folder, place.world.arg, &error), OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    (void)snprintf(path, sizeof(path), "%s/running.json", place.folder);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_left_over_files_that_say_nothing_are_refused(void **state)
{
    static const char *const texts[] = {"", "{}", "{\"pid\":1,\"start_ticks\":1}",
                                        "{\"pid\":-5,\"start_ticks\":1}", "{\"pid\":99}"};
    cleanup(close_place) struct place place = {.folder = ""};
    char path[128];

    (void)state;
    open_place(&place);
    (void)snprintf(path, sizeof(path), "%s/running.json", place.folder);
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct error error = {0};

        assert_int_equal(loop_files_write(path, str_from(texts[i]), &error), OK);
        assert_int_equal(place.world.end_left_over(place.folder, place.world.arg, &error),
                         ERR_INVALID);
    }
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
    cmocka_unit_test(test_what_a_killed_loop_left_running_is_ended_and_nothing_else),
    cmocka_unit_test(test_left_over_files_that_say_nothing_are_refused),
    cmocka_unit_test(test_health_that_nobody_answers_is_not_healthy),
    cmocka_unit_test(test_files_are_locked_for_one_at_a_time),
};

UNIT_MAIN(tests)
