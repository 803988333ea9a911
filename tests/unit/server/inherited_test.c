/*
 * Which of the variables of sd_listen_fds(3) mean a socket for this process. What descriptor 3 must
 * be is tested end to end, with real ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "server/inherited.h"

static char pid_text[32];
static char *count_text;

static char *environment(const char *name)
{
    return strcmp(name, "LISTEN_PID") == 0   ? pid_text
           : strcmp(name, "LISTEN_FDS") == 0 ? count_text
                                             : NULL;
}

static int find(const char *pid, char *count, struct inherited *inherited, struct error *error)
{
    (void)snprintf(pid_text, sizeof(pid_text), "%s", pid);
    count_text = count;
    return inherited_find(environment, inherited, error);
}

static void test_inherited_for_others_or_nobody(void **state)
{
    static const char *const pids[] = {"", "1", "x", "-1", "99999999999999999999"};
    struct inherited inherited = {.fd = 9};
    char one[] = "1";
    struct error error;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(pids); i++) {
        assert_int_equal(find(pids[i], one, &inherited, &error), OK);
        assert_int_equal(inherited.fd, 0);
    }
    assert_int_equal(find("1", NULL, &inherited, &error), OK);
    assert_int_equal(inherited.fd, 0);
}

static void test_inherited_count_must_be_one(void **state)
{
    static char counts[][24] = {"0", "2", "", "x", "1 ", "-1", "99999999999999999999"};
    struct inherited inherited;
    struct error error;
    char pid[32];

    (void)state;
    (void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
        assert_int_equal(find(pid, counts[i], &inherited, &error), ERR_USAGE);
        assert_non_null(strstr(error.message, "one socket is served"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inherited_for_others_or_nobody),
        cmocka_unit_test(test_inherited_count_must_be_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
