/*
 * Who may reach the server, out of the configuration: what does not fit together is refused, limits
 * suit the mode, secrets are read from where they may be and are in no message.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/access.h"
#include "server/config_access.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static struct config config;
static char folder[] = "/tmp/netra-access-XXXXXX";
static char *secret_of_environment;

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int set_up(void **state)
{
    struct error error = {0};

    (void)state;
    secret_of_environment = NULL;
    return config_init(&config, &error);
}

static int tear_down(void **state)
{
    (void)state;
    config_done(&config);
    return 0;
}

static char *environment(const char *name)
{
    return strcmp(name, "NETRA_AUTH_SECRET") == 0 ? secret_of_environment : NULL;
}

static void set(const char *key, const char *value)
{
    struct error error = {0};

    assert_int_equal(config_set(&config, str_from(key), str_from(value), CONFIG_FLAG, &error), OK);
}

static void assert_refused(const char *part)
{
    struct error error = {0};

    assert_int_equal(config_check_access(&config, &error), ERR_USAGE);
    if (!strstr(error.message, part)) {
        fail_msg("'%s' is not in '%s'", part, error.message);
    }
    assert_true(error.hint[0] != '\0');
}

static void assert_accepted(void)
{
    struct error error = {0};

    if (config_check_access(&config, &error)) {
        fail_msg("refused: %s", error.message);
    }
}

static void test_beyond_loopback_needs_accounts_and_tls(void **state)
{
    (void)state;
    assert_accepted();
    set("listen", "0.0.0.0:8421");
    assert_refused("loopback only");
    set("auth.mode", "accounts");
    assert_refused("without TLS");
    set("public_url", "http://netra.example.org");
    assert_refused("without TLS");
    set("public_url", "https://netra.example.org");
    assert_accepted();
    set("public_url", "");
    set("tls.cert_file", "cert.pem");
    assert_refused("belong together");
    set("tls.key_file", "key.pem");
    assert_accepted();
    set("auth.mode", "local");
    assert_refused("loopback only");
}

static void test_faults_beyond_loopback_are_for_staging(void **state)
{
    (void)state;
    set("faults.allowed", "on");
    assert_accepted();
    set("listen", "[::]:8421");
    set("auth.mode", "accounts");
    set("public_url", "https://netra.example.org");
    assert_refused("faults");
    set("deployment", "production");
    assert_refused("faults");
    set("deployment", "staging");
    assert_accepted();
}

static void test_a_public_url_is_a_scheme_and_a_name(void **state)
{
    static const char *const wrong[] = {"netra.example.org", "ftp://netra.example.org",
                                        "https://",          "https://netra.example.org/",
                                        "https://u@n.org",   "https://n.org/path",
                                        "https://n.org?x",   "https://n.org#x",
                                        "https://n.org:0",   "https://n org"};
    char longest[CONFIG_PUBLIC_URL_BYTES_MAX + 32] = "https://";

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        set("public_url", wrong[i]);
        assert_refused("public_url");
    }
    memset(longest + strlen(longest), 'a', CONFIG_PUBLIC_URL_BYTES_MAX);
    set("public_url", longest);
    assert_refused("too long");
    set("public_url", "https://netra.example.org:8443");
    assert_accepted();
    set("public_url", "http://netra.example.org");
    assert_accepted();
    set("tls.cert_file", "c");
    set("tls.key_file", "k");
    assert_refused("speaks TLS");
}

static void test_accounts_need_a_secret_that_nobody_else_may_read(void **state)
{
    static char good[] = "  " SECRET "\n";
    static char short_one[] = "short";
    static char odd[] = SECRET " with blanks";
    static char *const wrong[] = {NULL, short_one, odd};
    struct access access;
    struct error error = {0};

    (void)state;
    assert_int_equal(access_read(&access, &config, environment, &error), OK);
    access_done(&access);
    set("auth.mode", "accounts");
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        secret_of_environment = wrong[i];
        assert_int_equal(access_read(&access, &config, environment, &error), ERR_USAGE);
        assert_null(strstr(error.message, SECRET));
        access_done(&access);
    }
    secret_of_environment = good;
    assert_int_equal(access_read(&access, &config, environment, &error), OK);
    struct auth_options options = {0};
    access_auth(&access, &config, &options);
    assert_int_equal(options.mode, AUTH_MODE_ACCOUNTS);
    assert_int_equal(options.secret.length, strlen(SECRET));
    assert_memory_equal(options.secret.data, SECRET, strlen(SECRET));
    access_forget(&access);
    assert_int_equal(access.secret.length, 0);
    assert_int_equal(access.secret.text[0], 0);
    access_done(&access);
}

static void write_secret(const char *path, mode_t mode)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(SECRET "\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int read_file_secret(const char *path, struct error *error)
{
    struct access access;

    set("auth.secret_file", path);
    int code = access_read(&access, &config, environment, error);
    access_done(&access);
    return code;
}

static void test_a_secret_file_is_its_owners_and_outside_the_data(void **state)
{
    char data[128];
    char inside[192];
    char outside[128];
    char beside[192];
    struct error error = {0};

    (void)state;
    (void)snprintf(data, sizeof(data), "%s/data", folder);
    (void)snprintf(inside, sizeof(inside), "%s/secret", data);
    (void)snprintf(outside, sizeof(outside), "%s/secret", folder);
    (void)snprintf(beside, sizeof(beside), "%s-secret", data);
    set("auth.mode", "accounts");
    set("data_dir", data);
    assert_int_equal(read_file_secret(outside, &error), ERR_USAGE);
    assert_non_null(strstr(error.message, "no such file"));
    write_secret(outside, 0644);
    assert_int_equal(read_file_secret(outside, &error), ERR_USAGE);
    assert_non_null(strstr(error.message, "others may use"));
    write_secret(outside, 0600);
    assert_int_equal(read_file_secret(outside, &error), OK); /* no data folder yet */
    assert_int_equal(mkdir(data, 0700), 0);
    assert_int_equal(read_file_secret(outside, &error), OK);
    write_secret(beside, 0600); /* its path begins as the folder's does */
    assert_int_equal(read_file_secret(beside, &error), OK);
    write_secret(inside, 0600);
    assert_int_equal(read_file_secret(inside, &error), ERR_USAGE);
    assert_non_null(strstr(error.message, "data folder"));
    assert_int_equal(unlink(inside) | unlink(outside) | unlink(beside) | rmdir(data), 0);
}

static void test_limits_suit_the_mode(void **state)
{
    static char secret[] = SECRET;
    struct access access;
    struct error error = {0};

    (void)state;
    secret_of_environment = secret;
    assert_int_equal(access_read(&access, &config, environment, &error), OK);
    struct api_limits local = access_limits(&access, &config);
    assert_int_equal(local.rules[API_LIMIT_ADDRESS].tokens, 0);
    assert_int_equal(local.rules[API_LIMIT_SECRET].tokens, 0);
    assert_int_equal(local.websockets_per_user, 0);
    access_done(&access);

    set("auth.mode", "accounts");
    set("limit.user_per_s", "7");
    assert_int_equal(access_read(&access, &config, environment, &error), OK);
    struct api_limits many = access_limits(&access, &config);
    assert_int_equal(many.rules[API_LIMIT_ADDRESS].tokens, 200);
    assert_int_equal(many.rules[API_LIMIT_ADDRESS].per_s, 1);
    assert_int_equal(many.rules[API_LIMIT_ADDRESS].burst, 1000);
    assert_int_equal(many.rules[API_LIMIT_USER].tokens, 7);
    assert_int_equal(many.rules[API_LIMIT_KEY].tokens, 20);
    assert_int_equal(many.rules[API_LIMIT_COSTLY].tokens, 60);
    assert_int_equal(many.rules[API_LIMIT_COSTLY].per_s, 60);
    assert_int_equal(many.websockets_per_user, 50);
    struct runner_options runner = {.concurrent_max = 5};
    access_runner(&access, &config, &runner);
    assert_int_equal(runner.concurrent_owner_max, 3);
    assert_int_equal(runner.waiting_owner_max, 50);
    struct http_server_options http = {.port = 0};
    access_http(&access, &config, &http);
    assert_int_equal(http.limits.connections_per_address_max, 500);
    assert_null(http.tls);
    assert_true(http.compresses);
    access_done(&access);
}

static void test_lists_are_taken_apart(void **state)
{
    struct access access;
    struct error error = {0};

    (void)state;
    set("allowed_hosts", " a.example , ,b.example:8080,");
    set("allowed_origins", "https://app.example.org");
    set("http.trusted_proxies", "10.0.0.0/8, ::1");
    assert_int_equal(access_read(&access, &config, environment, &error), OK);
    assert_int_equal(access.hosts.count, 2);
    assert_string_equal(access.hosts.items[0], "a.example");
    assert_string_equal(access.hosts.items[1], "b.example:8080");
    assert_int_equal(access.origins.count, 1);
    assert_int_equal(access.proxies.count, 2);
    assert_string_equal(access.proxies.items[1], "::1");
    access_done(&access);
    set("allowed_hosts", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q");
    assert_int_equal(access_read(&access, &config, environment, &error), ERR_USAGE);
    assert_non_null(strstr(error.message, "allowed_hosts"));
    access_done(&access);
}

static void test_mail_is_of_accounts_mode(void **state)
{
    static char secret[] = SECRET;
    struct access access;
    struct mail_options options = {0};
    struct error error = {0};

    (void)state;
    secret_of_environment = secret;
    set("mail.url", "smtps://mail.example.org");
    set("mail.from", "netra@example.org");
    assert_int_equal(access_read(&access, &config, environment, &error), OK);
    assert_false(access_mail(&access, &config, &options));
    access_done(&access);
    set("auth.mode", "accounts");
    assert_int_equal(access_read(&access, &config, environment, &error), OK);
    assert_true(access_mail(&access, &config, &options));
    assert_string_equal(options.from, "netra@example.org");
    assert_null(options.user);
    assert_null(options.password);
    access_done(&access);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_beyond_loopback_needs_accounts_and_tls, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_faults_beyond_loopback_are_for_staging, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_a_public_url_is_a_scheme_and_a_name, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_accounts_need_a_secret_that_nobody_else_may_read, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_a_secret_file_is_its_owners_and_outside_the_data, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_limits_suit_the_mode, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_lists_are_taken_apart, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_mail_is_of_accounts_mode, set_up, tear_down),
};

int main(void)
{
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
