/*
 * Which Host and Origin values are ours: exactly the names, whatever their case, with or without
 * the scheme's own port; nothing that only looks like one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "auth/hosts.h"
#include "base/error.h"

static const struct {
    const char *value;
    bool is_host;
    bool is_origin;
} cases[] = {
    {"localhost:8421", true, false},
    {"LOCALHOST:8421", true, false},
    {"[::1]:8421", true, false},
    {"netra.example.org", true, false},
    {"netra.example.org:80", true, false},
    {"netra.example.org:443", false, false},
    {"plain:80", true, false},
    {"plain", true, false},
    {"localhost", false, false},
    {"localhost:84210", false, false},
    {"localhost:842", false, false},
    {"evil.localhost:8421", false, false},
    {"localhost:8421.evil.example", false, false},
    {"user@localhost:8421", false, false},
    {"localhost:8421/", false, false},
    {"localhost:8421,evil", false, false},
    {"", false, false},
    {":80", false, false},
    {"null", false, false},
    {"http://localhost:8421", false, true},
    {"http://LocalHost:8421", false, true},
    {"https://localhost:8421", false, true},
    {"http://netra.example.org", false, true},
    {"http://netra.example.org:80", false, true},
    {"https://netra.example.org:443", false, true},
    {"http://netra.example.org:443", false, false},
    {"https://netra.example.org:80", false, false},
    {"http://localhost:8422", false, false},
    {"http://evil.example", false, false},
    {"http://localhost:8421.evil.example", false, false},
    {"http://localhost:8421@evil.example", false, false},
    {"ftp://localhost:8421", false, false},
    {"http://", false, false},
    {"http://:80", false, false},
    {"https://:443", false, false},
};

static void test_names_are_compared_whole(void **state)
{
    struct hosts hosts = {0};

    (void)state;
    assert_int_equal(hosts_add(&hosts, "localhost:8421"), OK);
    assert_int_equal(hosts_add(&hosts, "[::1]:8421"), OK);
    assert_int_equal(hosts_add(&hosts, "netra.example.org"), OK);
    assert_int_equal(hosts_add(&hosts, "plain:80"), OK);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct str value = str_from(cases[i].value);

        if (hosts_has_host(&hosts, value) != cases[i].is_host ||
            hosts_has_origin(&hosts, value) != cases[i].is_origin) {
            fail_msg("'%s' is judged wrongly", cases[i].value);
        }
    }
    assert_false(hosts_has_host(&hosts, (struct str){NULL, 0}));
    hosts_done(&hosts);
}

static void test_there_is_a_limit_of_names(void **state)
{
    struct hosts hosts = {0};

    (void)state;
    assert_int_equal(hosts_add(&hosts, ""), ERR_INVALID);
    for (unsigned i = 0; i < AUTH_HOSTS_MAX; i++) {
        assert_int_equal(hosts_add(&hosts, "a"), OK);
    }
    assert_int_equal(hosts_add(&hosts, "a"), ERR_INVALID);
    hosts_done(&hosts);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_names_are_compared_whole),
    cmocka_unit_test(test_there_is_a_limit_of_names),
};

UNIT_MAIN(tests)
