/*
 * Lines of the log: what is dropped, what is gathered, what is escaped, how a long one ends, and
 * that lines of threads do not mix. The log writes into a pipe or a file of the test.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "monitor/log.h"
#include "monitor/metrics.h"
#include "monitor/trace.h"
#include "json/json_read.h"

#define THREADS 4
#define ROUNDS  500

static int log_fd = -1;

static int64_t fixed_time(void)
{
    return INT64_C(1795428000000042);
}

/* Everything that was written since the last look. */
static const char *written(void)
{
    static char text[THREADS * ROUNDS * 64];
    off_t length = lseek(log_fd, 0, SEEK_CUR);

    assert_in_range(length, 0, sizeof(text) - 1);
    assert_int_equal(pread(log_fd, text, (size_t)length, 0), length);
    text[length] = '\0';
    assert_int_equal(ftruncate(log_fd, 0), 0);
    assert_int_equal(lseek(log_fd, 0, SEEK_SET), 0);
    return text;
}

static void start(enum log_level level, bool is_json, int64_t (*now_us)(void))
{
    struct log_options options = {
        .level = level, .is_json = is_json, .fd = log_fd, .now_us = now_us};

    log_start(&options);
}

static int open_file(void **state)
{
    char path[] = "/tmp/netra-log-XXXXXX";

    (void)state;
    log_fd = mkstemp(path);
    return log_fd < 0 || unlink(path);
}

static int close_file(void **state)
{
    struct log_options options = {.level = LOG_WARNING, .fd = STDERR_FILENO};

    (void)state;
    log_start(&options);
    return close(log_fd);
}

static void test_log_gathers_until_a_warning_or_a_flush(void **state)
{
    (void)state;
    start(LOG_INFO, false, fixed_time);
    log_write(LOG_INFO, "http", "listening on %s", "127.0.0.1:1");
    log_write(LOG_DEBUG, "http", "not written");
    assert_false(log_is_on(LOG_DEBUG));
    assert_true(log_is_on(LOG_INFO));
    assert_string_equal(written(), "");
    log_write(LOG_WARNING, "store", "slow");
    assert_string_equal(written(), "2026-11-23T10:00:00.000042Z info http: listening on "
                                   "127.0.0.1:1\n"
                                   "2026-11-23T10:00:00.000042Z warning store: slow\n");
    log_write(LOG_INFO, "http", "last");
    log_flush();
    assert_string_equal(written(), "2026-11-23T10:00:00.000042Z info http: last\n");
    log_flush();
    assert_string_equal(written(), "");
}

static void test_log_escapes_what_a_terminal_might_obey(void **state)
{
    (void)state;
    start(LOG_INFO, false, NULL);
    log_write(LOG_ERROR, "http", "%s", "a\nb\x1b[2J\x7f\\ \xc2\x9b é \xff\xc3");
    assert_string_equal(written(), "error http: a\\x0ab\\x1b[2J\\x7f\\\\ \\x9b é \\xff\\xc3\n");
}

static void test_log_json_is_json_whatever_is_logged(void **state)
{
    struct json_value root;
    struct error error = {0};

    (void)state;
    start(LOG_INFO, true, fixed_time);
    log_write(LOG_ERROR, "agent", "%s", "\"quoted\"\\\n\x01\xc2\x85 é \xff");
    const char *line = written();
    assert_string_equal(line, "{\"time\":\"2026-11-23T10:00:00.000042Z\",\"level\":\"error\","
                              "\"room\":\"agent\",\"message\":\"\\\"quoted\\\"\\\\\\u000a\\u0001"
                              "\\u0085 é \\ufffd\"}\n");
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;

    assert_int_equal(json_parser_new(65536, &parser), OK);
    assert_int_equal(json_parse(parser, str_from(line), &root, &error), OK);
}

/* At every length around the limit, with escapes at the cut, the line ends as a line should. */
static void test_log_cuts_long_lines_between_characters(void **state)
{
    static char text[LOG_LINE_BYTES_MAX + 64];
    struct json_value root;
    struct error error = {0};
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    bool was_cut = false;

    (void)state;
    assert_int_equal(json_parser_new(65536, &parser), OK);
    start(LOG_INFO, true, fixed_time);
    for (size_t length = LOG_LINE_BYTES_MAX - 160; length < sizeof(text); length++) {
        memset(text, 'a', sizeof(text));
        text[length - 1] = '\0';
        text[length - 2] = '\n';
        text[length - 3] = '\xa9';
        text[length - 4] = '\xc3';
        text[length - 5] = '"';
        log_write(LOG_ERROR, "http", "%s", text);
        const char *line = written();
        size_t bytes = strlen(line);
        assert_in_range(bytes, 1, LOG_LINE_BYTES_MAX);
        assert_string_equal(line + bytes - 3, "\"}\n");
        assert_int_equal(json_parse(parser, str_from(line), &root, &error), OK);
        was_cut = was_cut || strstr(line, "…\"}\n");
    }
    assert_true(was_cut);
}

static void *write_lines(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        log_write(i % 50 ? LOG_INFO : LOG_WARNING, "test", "thread %s line %d", (char *)arg, i);
    }
    return NULL;
}

static void test_lines_of_threads_do_not_mix(void **state)
{
    pthread_t threads[THREADS];
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    unsigned lines = 0;
    unsigned label = metric_label(METRIC_LOG_LINES, STR("info"));
    int64_t before = metric_value(METRIC_LOG_LINES, label);

    (void)state;
    start(LOG_INFO, false, NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    log_flush();
    for (const char *line = written(); *line; line = strchr(line, '\n') + 1) {
        assert_true(strncmp(line, "info test: thread ", 18) == 0 ||
                    strncmp(line, "warning test: thread ", 21) == 0);
        assert_non_null(strchr(line, '\n'));
        lines++;
    }
    assert_int_equal(lines, THREADS * ROUNDS);
    assert_int_equal(metric_value(METRIC_LOG_LINES, label) - before,
                     THREADS * ROUNDS - THREADS * ROUNDS / 50);
}

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void test_log_lines_carry_the_trace_of_the_thread(void **state)
{
    static char text[LOG_LINE_BYTES_MAX + 64];
    struct trace_context context;

    (void)state;
    assert_true(trace_read_parent(STR(PARENT), &context));
    start(LOG_INFO, false, NULL);
    trace_set_current(&context);
    log_write(LOG_ERROR, "api", "broken");
    assert_string_equal(written(), "error api: broken trace=0af7651916cd43dd8448eb211c80319c\n");
    start(LOG_INFO, true, NULL);
    log_write(LOG_ERROR, "api", "broken");
    assert_string_equal(written(), "{\"level\":\"error\",\"room\":\"api\",\"message\":\"broken\","
                                   "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\","
                                   "\"span_id\":\"b7ad6b7169203331\"}\n");
    memset(text, 'a', sizeof(text) - 1);
    log_write(LOG_ERROR, "api", "%s", text);
    const char *line = written();
    assert_in_range(strlen(line), LOG_LINE_BYTES_MAX - 128, LOG_LINE_BYTES_MAX);
    assert_non_null(strstr(line, "a…\",\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\""));
    trace_set_current(NULL);
    log_write(LOG_ERROR, "api", "broken");
    assert_string_equal(written(),
                        "{\"level\":\"error\",\"room\":\"api\",\"message\":\"broken\"}\n");
}

static int64_t elapsed_us;

static int64_t test_elapsed_us(void)
{
    return elapsed_us;
}

static void start_bounded(void)
{
    struct log_options options = {.level = LOG_DEBUG,
                                  .fd = log_fd,
                                  .elapsed_us = test_elapsed_us,
                                  .lines_per_s = {[LOG_WARNING] = 2, [LOG_INFO] = 1}};

    log_start(&options);
}

static void warn_often(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        log_write(LOG_WARNING, "http", "cannot accept: %u", i);
    }
}

/* What differs between the lines comes from outside: it makes no line of another kind. */
static void test_log_leaves_out_what_is_too_much_and_says_so(void **state)
{
    unsigned label = metric_label(METRIC_LOG_LINES_LEFT_OUT, STR("warning"));
    int64_t before = metric_value(METRIC_LOG_LINES_LEFT_OUT, label);

    (void)state;
    elapsed_us = 5000000;
    start_bounded();
    warn_often(5);
    log_write(LOG_WARNING, "store", "another kind");
    assert_string_equal(written(), "warning http: cannot accept: 0\n"
                                   "warning http: cannot accept: 1\n"
                                   "warning store: another kind\n");
    elapsed_us += 999999;
    warn_often(1);
    log_flush();
    assert_string_equal(written(), "");
    elapsed_us += 1;
    warn_often(1);
    assert_string_equal(written(), "warning http: … 4 more like: cannot accept: 1\n"
                                   "warning http: cannot accept: 0\n");
    warn_often(5);
    assert_string_equal(written(), "warning http: cannot accept: 0\n");
    elapsed_us += 2000000;
    log_flush();
    assert_string_equal(written(), "warning http: … 4 more like: cannot accept: 0\n");
    log_flush();
    assert_string_equal(written(), "");
    assert_int_equal(metric_value(METRIC_LOG_LINES_LEFT_OUT, label) - before, 8);
}

static void test_log_bounds_each_level_by_its_own_number(void **state)
{
    (void)state;
    elapsed_us = 5000000;
    start_bounded();
    for (unsigned i = 0; i < 3; i++) {
        log_write(LOG_ERROR, "http", "same %u", i);
        log_write(LOG_INFO, "http", "same %u", i);
        log_write(LOG_DEBUG, "http", "same %u", i);
    }
    log_flush();
    assert_string_equal(written(), "error http: same 0\ninfo http: same 0\ndebug http: same 0\n"
                                   "error http: same 1\ndebug http: same 1\n"
                                   "error http: same 2\ndebug http: same 2\n");
}

/* A pipe that nobody reads: the writer gives up instead of hanging. */
static void test_log_does_not_hang_on_a_full_pipe(void **state)
{
    int ends[2];
    char filler[4096] = {0};

    (void)state;
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    while (write(ends[1], filler, sizeof(filler)) > 0) {
    }
    struct log_options options = {.level = LOG_INFO, .fd = ends[1]};
    log_start(&options);
    log_write(LOG_ERROR, "test", "lost");
    start(LOG_INFO, false, NULL);
    assert_int_equal(close(ends[0]) | close(ends[1]), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_log_gathers_until_a_warning_or_a_flush, open_file,
                                    close_file),
    cmocka_unit_test_setup_teardown(test_log_escapes_what_a_terminal_might_obey, open_file,
                                    close_file),
    cmocka_unit_test_setup_teardown(test_log_json_is_json_whatever_is_logged, open_file,
                                    close_file),
    cmocka_unit_test_setup_teardown(test_log_cuts_long_lines_between_characters, open_file,
                                    close_file),
    cmocka_unit_test_setup_teardown(test_lines_of_threads_do_not_mix, open_file, close_file),
    cmocka_unit_test_setup_teardown(test_log_lines_carry_the_trace_of_the_thread, open_file,
                                    close_file),
    cmocka_unit_test_setup_teardown(test_log_leaves_out_what_is_too_much_and_says_so, open_file,
                                    close_file),
    cmocka_unit_test_setup_teardown(test_log_bounds_each_level_by_its_own_number, open_file,
                                    close_file),
    cmocka_unit_test_setup_teardown(test_log_does_not_hang_on_a_full_pipe, open_file, close_file),
};

UNIT_MAIN(tests)
