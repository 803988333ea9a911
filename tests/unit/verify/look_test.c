/*
 * Looking at files and at processes of this machine: what is noted, what is not, and that memory
 * may end at any place. No network.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "verify/look.h"

static char folder[64];
static char process_file[96];
static char log_file[96];
static char config_file[96];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/netra-look-XXXXXX");
    if (!mkdtemp(folder)) {
        return -1;
    }
    (void)snprintf(process_file, sizeof(process_file), "%s/process.json", folder);
    (void)snprintf(log_file, sizeof(log_file), "%s/log", folder);
    (void)snprintf(config_file, sizeof(config_file), "%s/netra.conf", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(process_file);
    (void)unlink(log_file);
    (void)unlink(config_file);
    return rmdir(folder);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct diagnoses *look(const struct diagnose_options *options)
{
    struct diagnoses *found = NULL;
    struct error error = {0};

    if (diagnose(options, &found, &error)) {
        fail_msg("%s", error.message);
    }
    return found;
}

/* The value of an observation; empty when there is none. */
static struct str value_of(const struct diagnoses *found, const char *kind, const char *subject)
{
    for (size_t i = 0; i < found->facts->observation_count; i++) {
        const struct observation *seen = &found->facts->observations[i];

        if (str_equal(seen->kind, str_from(kind)) && str_equal(seen->subject, str_from(subject))) {
            return seen->value;
        }
    }
    return STR("");
}

static void test_a_process_that_ended(void **state)
{
    const struct diagnose_options options = {.process_file = process_file};

    (void)state;
    write_file(process_file, "{\"pid\":7,\"signal\":9,\"memory_limit_bytes\":1000,"
                             "\"memory_limit\":\"cgroup\",\"peak_rss_bytes\":990,"
                             "\"started_at\":\"2026-01-01T00:00:00Z\"}");
    struct diagnoses *found = look(&options);
    assert_str(value_of(found, "process", "signal of process 7"), "9 (SIGKILL)");
    assert_str(value_of(found, "process", "memory limit of process 7"), "1000 bytes (cgroup)");
    assert_str(value_of(found, "process", "state of process 7"), "ended");
    assert_int_equal(found->count, 1);
    assert_string_equal(found->items[0].cause, "memory_killed");
    diagnoses_free(found);
}

static void test_a_process_that_lives_and_one_that_took_its_number(void **state)
{
    const struct diagnose_options options = {.process_file = process_file};
    char text[160];
    char subject[64];

    (void)state;
    (void)snprintf(subject, sizeof(subject), "state of process %d", (int)getpid());
    (void)snprintf(text, sizeof(text), "{\"pid\":%d}", (int)getpid());
    write_file(process_file, text);
    struct diagnoses *found = look(&options);
    assert_true(str_starts_with(value_of(found, "process", subject), STR("alive (")));
    assert_int_equal(found->count, 0);
    diagnoses_free(found);

    (void)snprintf(text, sizeof(text), "{\"pid\":%d,\"started_at\":\"2001-01-01T00:00:00Z\"}",
                   (int)getpid());
    write_file(process_file, text);
    found = look(&options);
    assert_str(value_of(found, "process", subject), "gone: a later process has its number");
    assert_int_equal(found->count, 1);
    assert_null(found->items[0].cause);
    diagnoses_free(found);
}

static void test_process_files_that_are_none(void **state)
{
    static const char *const texts[] = {
        "", "{", "[]", "{\"pid\":0}", "{\"pid\":-1}", "{\"pid\":\"7\"}", "{\"pid\":99999999999}"};
    const struct diagnose_options options = {.process_file = process_file};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        write_file(process_file, texts[i]);
        struct diagnoses *found = look(&options);
        assert_str(value_of(found, "process", "file"), "has no pid");
        diagnoses_free(found);
    }
    const struct diagnose_options absent = {.process_file = "/no/such/file", .log_file = folder};
    struct diagnoses *found = look(&absent);
    assert_str(value_of(found, "process", "file"), "cannot be read: No such file or directory");
    assert_str(value_of(found, "log", "file"), "cannot be read: Invalid argument");
    assert_int_equal(found->count, 0);
    diagnoses_free(found);
}

static void test_a_log_of_more_than_one_start(void **state)
{
    const struct diagnose_options options = {.log_file = log_file};

    (void)state;
    write_file(log_file, "netra: cannot listen on a port 1: address already in use\n"
                         "2026-11-23T10:00:00.000000Z info server: netra listens\n"
                         "sign in: http://127.0.0.1/?code=secret\n"
                         "2026-11-23T10:00:01.000000Z error api: internal error: out\n"
                         "2026-11-23T10:00:02.000000Z error api: internal error: out\n");
    struct diagnoses *found = look(&options);
    assert_str(value_of(found, "log", "line 1 start"), "");
    assert_str(value_of(found, "log", "line 4 error"), "");
    assert_str(value_of(found, "log", "line 5 error"), "internal error: out");
    assert_int_equal(found->count, 1);
    assert_string_equal(found->items[0].cause, "internal_error");
    diagnoses_free(found);

    /* with log.level = warning a good start is told by standard output only */
    write_file(log_file, "netra: cannot listen on a port 1: address already in use\n"
                         "listening: http://127.0.0.1:1\n");
    found = look(&options);
    assert_int_equal(found->count, 0);
    diagnoses_free(found);

    write_file(log_file, "2026-11-23T10:00:00.000000Z info server: netra listens\n"
                         "netra: cannot listen on a port 1: address already in use");
    found = look(&options);
    assert_string_equal(found->items[0].cause, "port_taken");
    diagnoses_free(found);
}

/* Lines of an earlier process are not of the one that is looked at. */
static void test_a_log_before_the_process(void **state)
{
    const struct diagnose_options options = {.process_file = process_file, .log_file = log_file};

    (void)state;
    write_file(process_file, "{\"pid\":7,\"exit_status\":0,"
                             "\"started_at\":\"2026-11-23T12:00:00Z\"}");
    write_file(log_file, "2026-11-23T10:00:01.000000Z error api: internal error: before\n"
                         "2026-11-23T12:00:01.000000Z error api: internal error: after\n");
    struct diagnoses *found = look(&options);
    assert_str(value_of(found, "log", "line 1 error"), "");
    assert_str(value_of(found, "log", "line 2 error"), "internal error: after");
    diagnoses_free(found);
}

static void test_a_long_log_is_read_from_its_end(void **state)
{
    const struct diagnose_options options = {.log_file = log_file};
    FILE *file = fopen(log_file, "we");

    (void)state;
    assert_non_null(file);
    for (unsigned i = 0; i < 20000; i++) {
        (void)fprintf(file, "2026-11-23T10:00:00.000000Z error api: %u is an error of its own\n",
                      i);
    }
    assert_int_equal(fclose(file), 0);
    struct diagnoses *found = look(&options);
    assert_int_equal(found->facts->observation_count, 1 + LOOK_LOG_LINES_MAX);
    assert_true(str_starts_with(found->facts->observations[LOOK_LOG_LINES_MAX].value,
                                STR("19999 is an error")));
    diagnoses_free(found);
}

static void test_a_configuration_shows_no_secrets(void **state)
{
    const struct diagnose_options options = {.config_file = config_file, .data_dir = folder};

    (void)state;
    write_file(config_file, "# listen = 1\n listen = 127.0.0.1:9000 \nmail.user = ada\nnonsense\n");
    struct diagnoses *found = look(&options);
    assert_str(value_of(found, "config", "key listen"), "127.0.0.1:9000");
    assert_str(value_of(found, "config", "key mail.user"), "");
    diagnoses_free(found);
}

static void test_out_of_memory_is_told(void **state)
{
    const struct diagnose_options options = {.process_file = process_file,
                                             .log_file = log_file,
                                             .config_file = config_file,
                                             .data_dir = folder};
    int code = ERR_NO_MEMORY;

    (void)state;
    write_file(process_file, "{\"pid\":7,\"exit_status\":2,\"revision\":\"r1\"}");
    write_file(log_file, "netra: netra.conf:1: there is no key 'x'\n");
    write_file(config_file, "listen = 127.0.0.1:1\n");
    for (uint64_t nth = 1; code; nth++) {
        struct diagnoses *found = NULL;
        struct error error = {0};

        (void)alloc_fail_from(nth);
        code = diagnose(&options, &found, &error);
        (void)alloc_fail_from(0);
        assert_in_range(nth, 1, 10000);
        assert_true(code == OK ? found != NULL : found == NULL && code == ERR_NO_MEMORY);
        if (code == OK) {
            assert_string_equal(found->items[0].cause, "config_invalid");
        }
        diagnoses_free(found);
    }
}

static void test_addresses(void **state)
{
    static const struct {
        const char *url;
        const char *place; /* NULL: none */
        bool is_tls;
    } rows[] = {
        {"http://127.0.0.1:8421", "127.0.0.1:8421", false},
        {"https://netra.example.org/x", "netra.example.org:443", true},
        {"http://[::1]:80/", "[::1]:80", false},
        {"ftp://a", NULL, false},
        {"nonsense", NULL, false},
        {"", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct look_place place;
        struct error error = {0};
        int code = look_take_apart(rows[i].url, &place, &error);

        assert_int_equal(code, rows[i].place ? OK : ERR_USAGE);
        if (rows[i].place) {
            assert_string_equal(place.place, rows[i].place);
            assert_int_equal(place.is_tls, rows[i].is_tls);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_process_that_ended),
        cmocka_unit_test(test_a_process_that_lives_and_one_that_took_its_number),
        cmocka_unit_test(test_process_files_that_are_none),
        cmocka_unit_test(test_a_log_of_more_than_one_start),
        cmocka_unit_test(test_a_log_before_the_process),
        cmocka_unit_test(test_a_long_log_is_read_from_its_end),
        cmocka_unit_test(test_a_configuration_shows_no_secrets),
        cmocka_unit_test(test_out_of_memory_is_told),
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
