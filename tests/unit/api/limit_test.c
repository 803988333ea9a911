/*
 * Buckets: how many requests pass and when; what a full table forgets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <stdio.h>

#include "api/limit.h"
#include "base/alloc.h"

#define SECOND INT64_C(1000000000)
#define START  (INT64_C(1000) * SECOND)

static void limits_done(struct limits **limits)
{
    limits_free(*limits);
}

/* Users: burst tokens, `tokens` in per_s seconds. */
static struct limits *limits_of(uint64_t tokens, uint64_t per_s, uint64_t burst)
{
    struct api_limit_rule rules[API_LIMIT_COUNT] = {
        [API_LIMIT_USER] = {.tokens = tokens, .per_s = per_s, .burst = burst}};
    struct limits *limits = NULL;

    assert_int_equal(limits_new(rules, /* seed */ 42, &limits), OK);
    return limits;
}

static bool take(struct limits *limits, const char *key, int64_t now_ns)
{
    struct limit_state state;

    return limits_take(limits, API_LIMIT_USER, str_from(key), now_ns, &state);
}

static void test_a_bucket_gives_its_burst_then_its_rate(void **state)
{
    cleanup(limits_done) struct limits *limits = limits_of(10, 1, 50);
    unsigned passed = 0;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        passed += take(limits, "a", START);
    }
    assert_int_equal(passed, 50);
    for (unsigned i = 1; i <= 1000; i++) { /* ten seconds in steps of 10 ms: ten each second */
        passed += take(limits, "a", START + i * SECOND / 100);
    }
    assert_int_equal(passed, 150);
    assert_true(take(limits, "b", START)); /* somebody else's is untouched */
}

static void test_an_empty_bucket_says_when_to_come_back(void **state)
{
    cleanup(limits_done) struct limits *limits = limits_of(2, 60, 2);
    struct limit_state seen;
    char value[LIMIT_HEADER_BYTES];
    char policy[LIMIT_HEADER_BYTES];

    (void)state;
    assert_true(limits_take(limits, API_LIMIT_USER, STR("a"), START, &seen));
    assert_int_equal(seen.remaining, 1);
    assert_int_equal(seen.wait_s, 0);
    assert_true(limits_take(limits, API_LIMIT_USER, STR("a"), START, &seen));
    assert_false(limits_take(limits, API_LIMIT_USER, STR("a"), START + SECOND / 2, &seen));
    assert_true(seen.is_limited);
    assert_int_equal(seen.limit, 2);
    assert_int_equal(seen.remaining, 0);
    assert_int_equal(seen.wait_s, 30); /* 29.5, rounded up: who waits so long is let in */
    assert_int_equal(seen.window_s, 60);
    limit_write_headers(&seen, value, policy);
    assert_string_equal(value, "\"user\";r=0;t=30");
    assert_string_equal(policy, "\"user\";q=2;w=60");
    assert_true(take(limits, "a", START + SECOND / 2 + 30 * SECOND));
    assert_false(take(limits, "a", START + SECOND / 2 + 30 * SECOND));
}

static void test_looking_takes_nothing(void **state)
{
    cleanup(limits_done) struct limits *limits = limits_of(1, 1, 3);

    (void)state;
    assert_int_equal(limits_look(limits, API_LIMIT_USER, STR("a"), START).remaining, 3);
    assert_true(take(limits, "a", START));
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(limits_look(limits, API_LIMIT_USER, STR("a"), START).remaining, 2);
    }
    assert_int_equal(limits_look(limits, API_LIMIT_USER, STR("a"), START + SECOND).remaining, 3);
}

static void test_without_a_rule_all_pass(void **state)
{
    cleanup(limits_done) struct limits *limits = limits_of(1, 1, 1);
    struct limit_state seen;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        assert_true(limits_take(limits, API_LIMIT_KEY, STR("a"), START, &seen));
    }
    assert_false(seen.is_limited);
    assert_false(limits_look(limits, API_LIMIT_KEY, STR("a"), START).is_limited);
}

/* Who has emptied their bucket floods the table from ten times as many addresses as it holds: the
 * empty bucket is not forgotten. */
static void test_flooding_resets_nobodys_bucket(void **state)
{
    cleanup(limits_done) struct limits *limits = limits_of(1, 60, 20);
    char key[32];

    (void)state;
    while (take(limits, "attacker", START)) {
    }
    for (unsigned i = 0; i < 10 * LIMIT_ENTRIES; i++) {
        (void)snprintf(key, sizeof(key), "other-%u", i);
        assert_true(take(limits, key, START + (int64_t)i));
    }
    assert_false(take(limits, "attacker", START + SECOND));
}

static void test_the_fastest_rule_does_not_overflow(void **state)
{
    cleanup(limits_done) struct limits *fast = limits_of(1000000, 1, 5000000);
    cleanup(limits_done) struct limits *slow = limits_of(1, 60, 1000000);

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(take(fast, "a", INT64_MAX / 8));
        assert_true(take(slow, "a", INT64_MAX / 8));
    }
}

static void assert_same_bucket(const char *a, const char *b, bool is_same)
{
    char one[LIMIT_ADDRESS_BYTES];
    char two[LIMIT_ADDRESS_BYTES];
    struct str first = limit_address_key(str_from(a), one);
    struct str second = limit_address_key(str_from(b), two);

    if (str_equal(first, second) != is_same) {
        fail_msg("%s and %s: %s", a, b, is_same ? "one bucket" : "two buckets");
    }
}

static void test_an_address_is_its_network(void **state)
{
    (void)state;
    assert_same_bucket("192.0.2.1", "192.0.2.1", true);
    assert_same_bucket("192.0.2.1", "192.0.2.2", false);
    assert_same_bucket("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true);
    assert_same_bucket("2001:db8:1:2::1", "2001:db8:1:3::1", false);
    assert_same_bucket("::ffff:192.0.2.1", "192.0.2.1", true);
    assert_same_bucket("::ffff:192.0.2.1", "::ffff:192.0.2.2", false);
    assert_same_bucket("no:address", "no:address", true);
    assert_same_bucket("?", "", false);
}

static void test_no_memory_is_told(void **state)
{
    const struct api_limit_rule rules[API_LIMIT_COUNT] = {
        [API_LIMIT_ADDRESS] = {1, 1, 1}, [API_LIMIT_SECRET] = {1, 1, 1}};
    struct limits *limits = NULL;

    (void)state;
    for (uint64_t nth = 1; nth <= 3; nth++) {
        alloc_fail_from(nth);
        int code = limits_new(rules, 1, &limits);
        alloc_fail_from(0);
        assert_int_equal(code, ERR_NO_MEMORY);
        assert_null(limits);
    }
    assert_int_equal(limits_new(rules, 1, &limits), OK);
    limits_free(limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bucket_gives_its_burst_then_its_rate),
        cmocka_unit_test(test_an_empty_bucket_says_when_to_come_back),
        cmocka_unit_test(test_looking_takes_nothing),
        cmocka_unit_test(test_without_a_rule_all_pass),
        cmocka_unit_test(test_flooding_resets_nobodys_bucket),
        cmocka_unit_test(test_the_fastest_rule_does_not_overflow),
        cmocka_unit_test(test_an_address_is_its_network),
        cmocka_unit_test(test_no_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
