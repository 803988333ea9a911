/*
 * Configuration: layers in their order, mistakes with their place, values within their bounds, the
 * sample that can be read back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "http/server.h"
#include "server/config_read.h"
#include "server/config_role.h"
#include "server/config_value.h"

static struct config config;

static int set_up(void **state)
{
    struct error error = {0};

    (void)state;
    return config_init(&config, &error);
}

static int tear_down(void **state)
{
    (void)state;
    config_done(&config);
    return 0;
}

static char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static char *an_environment(const char *name)
{
    static char workers[] = "5";
    static char level[] = "debug";
    static char home[] = "/home/somebody";
    static char token[] = " token-of-the-environment\n";

    return strcmp(name, "NETRA_WORKERS") == 0     ? workers
           : strcmp(name, "NETRA_LOG_LEVEL") == 0 ? level
           : strcmp(name, "NETRA_TOKEN") == 0     ? token
           : strcmp(name, "HOME") == 0            ? home
                                                  : NULL;
}

static int set(const char *key, const char *value, struct error *error)
{
    *error = (struct error){0};
    return config_set(&config, str_from(key), str_from(value), CONFIG_FLAG, error);
}

static void test_each_layer_overrides_those_before(void **state)
{
    struct error error = {0};

    (void)state;
    assert_int_equal(config_number(&config, CONFIG_WORKERS), 0);
    assert_int_equal(config_number(&config, CONFIG_UPLOAD_BYTES_MAX), (uint64_t)4 << 30);
    assert_int_equal(config_read_text(&config, "netra.conf",
                                      STR("# comment\n\n  workers = 3  \r\nlog.level=error\n"
                                          "data_dir = /a b # c\nlog.format = json"),
                                      &error),
                     OK);
    assert_int_equal(config_number(&config, CONFIG_WORKERS), 3);
    assert_int_equal(config_number(&config, CONFIG_LOG_FORMAT), 1);
    assert_string_equal(config_text(&config, CONFIG_DATA_DIR), "/a b # c");
    assert_int_equal(config_read_environment(&config, an_environment, &error), OK);
    assert_int_equal(config_number(&config, CONFIG_WORKERS), 5);
    assert_string_equal(config_text(&config, CONFIG_LOG_LEVEL), "debug");
    assert_int_equal(set("workers", "7", &error), OK);
    assert_int_equal(config_number(&config, CONFIG_WORKERS), 7);
    assert_int_equal(config_finish(&config, no_environment, &error), OK);
    assert_string_equal(config_text(&config, CONFIG_DATA_DIR), "/a b # c");
}

static void test_mistakes_of_a_file_name_their_place(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"\nlisen = 127.0.0.1:1\n", "netra.conf:2: there is no key 'lisen'"},
        {"workers = 1\nworkers = 2\n", "netra.conf:2: workers is set twice, first in line 1"},
        {"workers = many", "netra.conf:1: workers takes a number from 0 to 64, not 'many'"},
        {"workers\n", "netra.conf:1: 'workers' is not KEY = VALUE"},
        {"= 1", "netra.conf:1: there is no key ''"},
        {"#\n#\nlog.level = loud",
         "netra.conf:3: log.level takes error|warning|info|debug, not 'loud'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct config fresh;
        struct error error = {0};

        assert_int_equal(config_init(&fresh, &error), OK);
        assert_int_equal(config_read_text(&fresh, "netra.conf", str_from(cases[i].text), &error),
                         ERR_USAGE);
        assert_string_equal(error.message, cases[i].message);
        config_done(&fresh);
    }
}

static void test_values_have_bounds(void **state)
{
    struct error error;

    (void)state;
    assert_int_equal(set("workers", "64", &error), OK);
    assert_int_equal(set("workers", "65", &error), ERR_USAGE);
    assert_int_equal(set("workers", "-1", &error), ERR_USAGE);
    assert_int_equal(set("workers", "1KiB", &error), ERR_USAGE);
    assert_int_equal(set("workers", "", &error), ERR_USAGE);
    assert_int_equal(config_number(&config, CONFIG_WORKERS), 64);
    assert_int_equal(set("upload_bytes_max", "1024", &error), OK);
    assert_int_equal(set("upload_bytes_max", "2 MiB", &error), OK);
    assert_int_equal(config_number(&config, CONFIG_UPLOAD_BYTES_MAX), 2 << 20);
    assert_int_equal(set("upload_bytes_max", "1TiB", &error), OK);
    assert_int_equal(set("upload_bytes_max", "1023", &error), ERR_USAGE);
    assert_int_equal(set("upload_bytes_max", "2TiB", &error), ERR_USAGE);
    assert_int_equal(set("upload_bytes_max", "99999999999TiB", &error), ERR_USAGE);
    assert_int_equal(set("upload_bytes_max", "MiB", &error), ERR_USAGE);
    assert_int_equal(set("upload_bytes_max", "1MB", &error), ERR_USAGE);
    assert_int_equal(set("log.format", "jso", &error), ERR_USAGE);
    assert_int_equal(set("log.format", "", &error), ERR_USAGE);
    assert_int_equal(set("log.format", "text|json", &error), ERR_USAGE);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *text;
        const char *address; /* NULL: none */
        unsigned port;
        bool is_loopback;
    } cases[] = {
        {"127.0.0.1:8421", "127.0.0.1", 8421, true},
        {"127.1.2.3:0", "127.1.2.3", 0, true},
        {"localhost:80", "127.0.0.1", 80, true},
        {"[::1]:65535", "::1", 65535, true},
        {"0.0.0.0:1", "0.0.0.0", 1, false},
        {"[::]:1", "::", 1, false},
        {"192.168.1.1:1", "192.168.1.1", 1, false},
        {"[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", 1, false},
        {"127.0.0.1", NULL, 0, false},
        {"127.0.0.1:", NULL, 0, false},
        {"127.0.0.1:65536", NULL, 0, false},
        {":80", NULL, 0, false},
        {"::1:80", NULL, 0, false},
        {"[]:80", NULL, 0, false},
        {"[:80", NULL, 0, false},
        {"example.org:80", NULL, 0, false},
        {"127.1:80", NULL, 0, false},
        {"", NULL, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct config_address address = {0};
        bool is_one = config_address_parse(str_from(cases[i].text), &address);

        if (is_one != (cases[i].address != NULL)) {
            fail_msg("'%s' is judged wrongly", cases[i].text);
        }
        if (is_one) {
            assert_string_equal(address.address, cases[i].address);
            assert_int_equal(address.port, cases[i].port);
            assert_int_equal(address.is_loopback, cases[i].is_loopback);
        }
    }
}

static void test_what_cannot_be_together_is_refused(void **state)
{
    struct error error;

    (void)state;
    assert_int_equal(set("data_dir", "/tmp/x", &error), OK);
    assert_int_equal(set("listen", "0.0.0.0:8421", &error), OK);
    assert_int_equal(config_finish(&config, no_environment, &error), ERR_USAGE);
    assert_non_null(strstr(error.message, "loopback"));
    assert_int_not_equal(error.hint[0], 0);
    assert_int_equal(set("listen", "[::1]:0", &error), OK);
    assert_int_equal(config_finish(&config, no_environment, &error), OK);
    assert_int_equal(set("role", "auth", &error), OK);
    assert_int_equal(config_finish(&config, no_environment, &error), ERR_USAGE);
    assert_non_null(strstr(error.message, "accounts"));
}

/* What finishing says of a role, with these keys set over what it needs; NULL: nothing. */
static const char *fault_of_role(const char *role, const char *const pairs[][2], size_t count)
{
    static struct error error;
    struct error ignored;

    config_done(&config);
    assert_int_equal(config_init(&config, &ignored), OK);
    assert_int_equal(set("data_dir", "/tmp/x", &ignored), OK);
    assert_int_equal(set("auth.mode", "accounts", &ignored), OK);
    assert_int_equal(set("role", role, &ignored), OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(set(pairs[i][0], pairs[i][1], &ignored), OK);
    }
    error = (struct error){0};
    int code = config_finish(&config, no_environment, &error);
    assert_true(code == OK || (code == ERR_USAGE && error.hint[0]));
    return code ? error.message : NULL;
}

#define FAULT(role, ...)                                                                           \
    fault_of_role(role, (const char *const[][2]){__VA_ARGS__},                                     \
                  sizeof((const char *const[][2]){__VA_ARGS__}) / sizeof(const char *[2]))

static void test_a_role_needs_the_addresses_of_those_it_asks(void **state)
{
    const char *fault;

    (void)state;
    assert_null(FAULT("auth", {"deployment", "x"}));
    assert_null(FAULT("backend", {"service.auth_url", "https://auth.example.org"}));
    assert_null(FAULT("frontend", {"service.auth_url", "https://auth.example.org"},
                      {"service.backend_url", "http://127.0.0.1:8422"}));
    fault = FAULT("backend", {"service.frontend_url", "https://example.org"});
    assert_non_null(strstr(fault, "role backend needs service.auth_url"));
    fault = FAULT("frontend", {"service.auth_url", "https://auth.example.org"});
    assert_non_null(strstr(fault, "role frontend needs service.backend_url"));
    fault = FAULT("frontend", {"service.backend_url", "https://auth.example.org"});
    assert_non_null(strstr(fault, "needs service.auth_url"));
    fault = FAULT("backend", {"service.auth_url", "https://a.example.org"}, {"auth.mode", "local"});
    assert_non_null(strstr(fault, "needs auth.mode = accounts"));
}

static void test_addresses_of_services_are_origins(void **state)
{
    static const char *const wrong[][2] = {{"auth.example.org", "https://"},
                                           {"https://auth.example.org/", "behind the name"},
                                           {"https://auth.example.org/x", "behind the name"},
                                           {"https://ada@auth.example.org", "user name"},
                                           {"http://auth.example.org", "would be seen"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        const char *fault = FAULT("backend", {"service.auth_url", wrong[i][0]});

        if (!fault || !strstr(fault, "service.auth_url") || !strstr(fault, wrong[i][1])) {
            fail_msg("%s: %s", wrong[i][0], fault ? fault : "taken");
        }
    }
}

static void test_a_process_has_one_address(void **state)
{
    const char *fault;

    (void)state;
    assert_null(FAULT("auth", {"public_url", "https://auth.example.org"},
                      {"service.auth_url", "https://auth.example.org"}));
    assert_string_equal(config_own_url(&config), "https://auth.example.org");
    assert_null(FAULT("auth", {"service.auth_url", "https://auth.example.org"},
                      {"listen", "0.0.0.0:80"})); /* a proxy with TLS is in front */
    assert_string_equal(config_own_url(&config), "https://auth.example.org");
    assert_null(FAULT("all", {"service.auth_url", "https://auth.example.org"}));
    assert_null(config_own_url(&config));
    fault = FAULT("auth", {"public_url", "https://a.example.org"},
                  {"service.auth_url", "https://b.example.org"});
    assert_non_null(strstr(fault, "two addresses"));
}

static void test_each_role_has_a_folder_of_its_own(void **state)
{
    struct error error = {0};

    (void)state;
    assert_int_equal(set("auth.mode", "accounts", &error), OK);
    assert_int_equal(set("role", "auth", &error), OK);
    assert_int_equal(config_finish(&config, an_environment, &error), OK);
    assert_string_equal(config_text(&config, CONFIG_DATA_DIR),
                        "/home/somebody/.local/share/netra-auth");
}

static void test_data_dir_follows_from_home(void **state)
{
    struct error error = {0};

    (void)state;
    assert_int_equal(config_finish(&config, no_environment, &error), ERR_USAGE);
    assert_int_equal(config_finish(&config, an_environment, &error), OK);
    assert_string_equal(config_text(&config, CONFIG_DATA_DIR), "/home/somebody/.local/share/netra");
}

static void test_token_of_a_flag_beats_the_environment(void **state)
{
    char path[] = "/tmp/netra-token-XXXXXX";
    struct error error = {0};
    cleanup(buf_done) struct buf token;
    int fd = mkstemp(path);

    (void)state;
    buf_init(&token, CONFIG_TOKEN_BYTES_MAX);
    assert_int_equal(write(fd, "token-of-the-file\n", 18), 18);
    assert_int_equal(close(fd), 0);
    assert_int_equal(config_read_token(&config, no_environment, &token, &error), OK);
    assert_int_equal(token.length, 0);
    assert_int_equal(config_set(&config, STR("token_file"), str_from(path), CONFIG_FILE, &error),
                     OK);
    assert_int_equal(config_read_token(&config, an_environment, &token, &error), OK);
    assert_str(buf_str(&token), "token-of-the-environment");
    buf_clear(&token);
    assert_int_equal(config_read_token(&config, no_environment, &token, &error), OK);
    assert_str(buf_str(&token), "token-of-the-file");
    buf_clear(&token);
    assert_int_equal(set("token_file", path, &error), OK);
    assert_int_equal(config_read_token(&config, an_environment, &token, &error), OK);
    assert_str(buf_str(&token), "token-of-the-file");
    assert_int_equal(unlink(path), 0);
    buf_clear(&token);
    assert_int_equal(config_read_token(&config, an_environment, &token, &error), ERR_USAGE);
    assert_int_equal(set("token_file", "/dev/null", &error), OK);
    assert_int_equal(config_read_token(&config, an_environment, &token, &error), ERR_USAGE);
    assert_non_null(strstr(error.message, "shorter than 16"));
}

/* Without its comment marks the sample is a file with every default. */
static void test_sample_can_be_read_back(void **state)
{
    cleanup(buf_done) struct buf sample;
    cleanup(buf_done) struct buf text;
    struct error error = {0};

    (void)state;
    buf_init(&sample, CONFIG_FILE_BYTES_MAX);
    buf_init(&text, CONFIG_FILE_BYTES_MAX);
    config_print_sample(&sample);
    assert_int_equal(buf_status(&sample), OK);
    assert_int_equal(config_read_text(&config, "sample", buf_str(&sample), &error), OK);
    for (size_t i = 0; i < sample.length; i++) {
        bool is_mark = sample.data[i] == '#' && (i == 0 || sample.data[i - 1] == '\n') &&
                       sample.data[i + 1] != ' ';

        if (!is_mark) {
            buf_append_char(&text, sample.data[i]);
        }
    }
    assert_int_equal(config_read_text(&config, "sample", buf_str(&text), &error), OK);
    for (unsigned i = 0; i < CONFIG_COUNT; i++) {
        assert_int_equal(config.values[i].source, CONFIG_FILE);
        assert_string_equal(config.values[i].text, config_rows[i].fallback);
    }
}

/* http/ has defaults for who uses it without a configuration: the table's are the same. */
static void test_http_defaults_are_those_of_http(void **state)
{
    (void)state;
    assert_int_equal(config_number(&config, CONFIG_HTTP_CONNECTIONS_MAX),
                     http_limits_default.connections_max);
    assert_int_equal(config_number(&config, CONFIG_HTTP_HEAD_TIMEOUT_MS),
                     http_limits_default.head_timeout_ms);
    assert_int_equal(config_number(&config, CONFIG_HTTP_BODY_TIMEOUT_MS),
                     http_limits_default.body_timeout_ms);
    assert_int_equal(config_number(&config, CONFIG_HTTP_IDLE_TIMEOUT_MS),
                     http_limits_default.idle_timeout_ms);
    assert_int_equal(config_number(&config, CONFIG_HTTP_WRITE_TIMEOUT_MS),
                     http_limits_default.write_timeout_ms);
    assert_int_equal(config_number(&config, CONFIG_HTTP_WS_PING_MS),
                     http_limits_default.ws_ping_ms);
    assert_int_equal(config_number(&config, CONFIG_HTTP_WS_MESSAGES_PER_S),
                     http_limits_default.ws_messages_per_s);
    assert_int_equal(config_number(&config, CONFIG_HTTP_QUEUE_BYTES_MAX),
                     http_limits_default.queue_bytes_max);
}

static void test_config_survives_every_failing_allocation(void **state)
{
    int code = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; nth < 200 && code; nth++) {
        struct config fresh;
        struct error error = {0};

        (void)alloc_fail_from(nth);
        code = config_init(&fresh, &error);
        if (code == OK) {
            code = config_read_text(&fresh, "netra.conf", STR("workers = 3\n"), &error);
        }
        if (code == OK) {
            code = config_read_environment(&fresh, an_environment, &error);
        }
        if (code == OK) {
            code = config_finish(&fresh, an_environment, &error);
        }
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        config_done(&fresh);
    }
    assert_int_equal(code, OK);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    CASE(test_each_layer_overrides_those_before),
    CASE(test_mistakes_of_a_file_name_their_place),
    CASE(test_values_have_bounds),
    CASE(test_addresses),
    CASE(test_what_cannot_be_together_is_refused),
    CASE(test_a_role_needs_the_addresses_of_those_it_asks),
    CASE(test_addresses_of_services_are_origins),
    CASE(test_a_process_has_one_address),
    CASE(test_each_role_has_a_folder_of_its_own),
    CASE(test_data_dir_follows_from_home),
    CASE(test_token_of_a_flag_beats_the_environment),
    CASE(test_sample_can_be_read_back),
    CASE(test_http_defaults_are_those_of_http),
    CASE(test_config_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
