/*
 * A process is run to its end, whatever it does: what it says arrives whole, and time-outs and
 * cancellations end it with all that it has started.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "deploy/child.h"

#define LINES_BYTES ((size_t)1 << 20)

static struct buf lines;

static void on_line(struct str line, void *arg)
{
    (void)arg;
    buf_append(&lines, line);
    buf_append_char(&lines, '|');
}

/* sh -c text; lines are of standard error. */
static int run(const char *text, const struct child_options *more, struct buf *out,
               struct child_end *end)
{
    const char *arguments[] = {"sh", "-c", text, NULL};
    struct child_options options = *more;
    struct error error = {0};

    options.arguments = arguments;
    options.on_line = on_line;
    buf_clear(&lines);
    return child_run(&options, out, end, &error);
}

static int set_up(void **state)
{
    (void)state;
    buf_init(&lines, LINES_BYTES);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&lines);
    return 0;
}

static void test_child_is_heard(void **state)
{
    cleanup(buf_done) struct buf out;
    struct child_end end;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(run("echo out; printf 'one\\ntwo' >&2; cat; exit 3",
                         &(struct child_options){0}, &out, &end),
                     OK);
    assert_string_equal(out.data, "out\n");
    assert_string_equal(lines.data, "one|two|");
    assert_int_equal(end.exit_status, 3);
    assert_int_equal(end.signal, 0);
    assert_int_equal(end.out_bytes, 4);
    assert_true(end.duration_us > 0);
}

static void test_child_output_beyond_the_limit_is_counted(void **state)
{
    cleanup(buf_done) struct buf out;
    struct child_end end;

    (void)state;
    buf_init(&out, 1000);
    assert_int_equal(run("i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890; "
                         "i=$((i+1)); done; echo done >&2",
                         &(struct child_options){0}, &out, &end),
                     OK);
    assert_int_equal(out.length, 1000);
    assert_int_equal(end.out_bytes, 3000 * 32);
    assert_int_equal(end.exit_status, 0); /* it was read to its end: nobody was stopped by a pipe */
    assert_string_equal(lines.data, "done|");
}

static void test_child_long_line_comes_in_pieces(void **state)
{
    struct child_end end;

    (void)state;
    assert_int_equal(
        run("head -c 10000 /dev/zero | tr '\\0' x >&2", &(struct child_options){0}, NULL, &end),
        OK);
    assert_int_equal(lines.length, 10000 + 3);
    assert_int_equal(lines.data[CHILD_LINE_BYTES_MAX], '|');
}

static void test_child_ended_by_a_signal(void **state)
{
    cleanup(buf_done) struct buf text;
    struct child_end end;

    (void)state;
    assert_int_equal(run("kill -KILL $$", &(struct child_options){0}, NULL, &end), OK);
    assert_int_equal(end.signal, SIGKILL);
    assert_int_equal(end.exit_status, -1);
    buf_init(&text, 100);
    child_end_print(&end, &text);
    assert_string_equal(text.data, "signal 9");
}

/* What it has started is ended, too: the pipe that it would hold closes. */
static void test_child_time_out_ends_the_group(void **state)
{
    cleanup(buf_done) struct buf out;
    struct child_end end;
    uint64_t pid;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(
        run("sleep 60 & echo $!; wait", &(struct child_options){.timeout_ms = 50}, &out, &end), OK);
    assert_true(end.is_timed_out);
    assert_false(end.is_cancelled);
    assert_int_equal(end.signal, SIGTERM);
    assert_true(end.duration_us >= 50000 && end.duration_us < 5000000);
    assert_int_equal(decimal_parse_u64(str_trim(buf_str(&out)), &pid), OK);
    for (int i = 0; i < 200 && kill((pid_t)pid, 0) == 0; i++) {
        (void)usleep(10000); /* until init has it */
    }
}

static void test_child_is_cancelled(void **state)
{
    static volatile const int yes = 1;
    struct child_end end;

    (void)state;
    assert_int_equal(run("sleep 60", &(struct child_options){.is_cancelled = &yes}, NULL, &end),
                     OK);
    assert_true(end.is_cancelled);
    assert_int_equal(end.signal, SIGTERM);
}

/* A grandchild that holds the pipe for ever does not keep us. */
static void test_child_that_leaves_somebody_behind(void **state)
{
    cleanup(buf_done) struct buf out;
    struct child_end end;
    uint64_t pid;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(run("sleep 60 & echo $!", &(struct child_options){0}, &out, &end), OK);
    assert_int_equal(end.exit_status, 0);
    assert_true(end.duration_us < 5000000);
    assert_int_equal(decimal_parse_u64(str_trim(buf_str(&out)), &pid), OK);
    assert_int_equal(kill((pid_t)pid, SIGKILL), 0); /* it was left alone */
}

static void test_child_has_its_environment_and_folder(void **state)
{
    cleanup(buf_done) struct buf out;
    char path[] = "PATH=/usr/bin:/bin";
    char own[] = "A=b c";
    char *const environment[] = {path, own, NULL};
    struct child_options options = {.environment = environment, .folder = "/"};
    struct child_end end;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(run("echo \"$A,$HOME,$(pwd)\"", &options, &out, &end), OK);
    assert_string_equal(out.data, "b c,,/\n");
}

static void test_child_that_cannot_be_started(void **state)
{
    const char *arguments[] = {"/nowhere/to/be/found", NULL};
    struct child_end end = {.exit_status = 42};
    struct error error;

    (void)state;
    assert_int_equal(child_run(&(struct child_options){.arguments = arguments}, NULL, &end, &error),
                     ERR_IO);
    assert_non_null(strstr(error.message, "/nowhere/to/be/found"));
    assert_int_equal(end.exit_status, 42);
}

static void test_child_without_memory(void **state)
{
    cleanup(buf_done) struct buf out;
    struct child_end end;
    int code;

    (void)state;
    buf_init(&out, 100);
    (void)alloc_fail_from(1);
    code = run("echo out", &(struct child_options){0}, &out, &end);
    (void)alloc_fail_from(0);
    assert_int_equal(code, ERR_NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_child_is_heard),
        cmocka_unit_test(test_child_output_beyond_the_limit_is_counted),
        cmocka_unit_test(test_child_long_line_comes_in_pieces),
        cmocka_unit_test(test_child_ended_by_a_signal),
        cmocka_unit_test(test_child_time_out_ends_the_group),
        cmocka_unit_test(test_child_is_cancelled),
        cmocka_unit_test(test_child_that_leaves_somebody_behind),
        cmocka_unit_test(test_child_has_its_environment_and_folder),
        cmocka_unit_test(test_child_that_cannot_be_started),
        cmocka_unit_test(test_child_without_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
