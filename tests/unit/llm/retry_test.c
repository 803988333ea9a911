/*
 * Waits: jitter stays in its bounds and uses all of them, Retry-After is read in both forms that
 * are sent and in no other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/civil_time.h"
#include "base/error.h"
#include "llm/retry.h"

static void test_jitter_grows_up_to_its_most_and_is_spread(void **state)
{
    static const struct {
        uint64_t first;
        uint64_t max;
        unsigned tries;
        uint64_t most;
    } cases[] = {
        {100, 1000, 0, 100},  {100, 1000, 1, 200},   {100, 1000, 3, 800},
        {100, 1000, 4, 1000}, {100, 1000, 63, 1000}, {100, 1000, 1000, 1000},
        {0, 1000, 5, 0},      {500, 200, 0, 200},    {100, 0, 3, 0},
    };
    struct random random;

    (void)state;
    random_init(&random, 1, 1);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        uint64_t least = UINT64_MAX;
        uint64_t most = 0;

        for (unsigned n = 0; n < 5000; n++) {
            uint64_t wait = retry_jitter_ms(&random, cases[i].first, cases[i].max, cases[i].tries);
            least = wait < least ? wait : least;
            most = wait > most ? wait : most;
        }
        assert_true(most <= cases[i].most);
        assert_true(most >= cases[i].most - cases[i].most / 20);
        assert_true(least <= cases[i].most / 20);
    }
}

static void test_jitter_of_huge_waits_does_not_overflow(void **state)
{
    struct random random;

    (void)state;
    random_init(&random, 1, 1);
    assert_true(retry_jitter_ms(&random, UINT64_MAX, UINT64_MAX, 5) < UINT32_MAX);
    assert_true(retry_jitter_ms(&random, UINT64_MAX / 2 + 1, UINT64_MAX, 5) < UINT32_MAX);
    assert_true(retry_jitter_ms(&random, 1, UINT64_MAX, 1000) < UINT32_MAX);
}

static void test_jitter_depends_on_its_seed_only(void **state)
{
    struct random a;
    struct random b;
    struct random c;
    unsigned differ = 0;

    (void)state;
    random_init(&a, 1, 1);
    random_init(&b, 1, 1);
    random_init(&c, 2, 1);
    for (unsigned i = 0; i < 100; i++) {
        uint64_t wait = retry_jitter_ms(&a, 1000, 8000, i % 5);

        assert_int_equal(wait, retry_jitter_ms(&b, 1000, 8000, i % 5));
        differ += wait != retry_jitter_ms(&c, 1000, 8000, i % 5);
    }
    assert_true(differ > 90);
}

#define NOW "Sun, 06 Nov 1994 08:49:37 GMT"

static int64_t now_us(void)
{
    int64_t now = 0;

    assert_int_equal(civil_parse(STR("1994-11-06T08:49:37Z"), &now), OK);
    return now;
}

static void test_retry_after_is_read(void **state)
{
    static const struct {
        const char *value;
        uint64_t ms;
    } cases[] = {
        {"0", 0},
        {"1", 1000},
        {" 20 ", 20000},
        {"1.5", 1500},
        {"0.0129", 12},
        {"2.", 2000},
        {"007", 7000},
        {"99999999999999999999999999", UINT64_MAX},
        {"18446744073709551", UINT64_C(18446744073709551000)},
        {"18446744073709552", UINT64_MAX},
        {NOW, 0},
        {"Sun, 06 Nov 1994 08:49:36 GMT", 0},
        {"Fri, 01 Jan 1971 00:00:00 GMT", 0},
        {"Sun, 06 Nov 1994 08:49:38 GMT", 1000},
        {"Mon, 07 Nov 1994 08:49:37 GMT", 86400000},
        {"Mon, 29 Feb 2016 00:00:00 GMT", UINT64_C(672592223000)},
        {"Fri, 31 Dec 9999 23:59:59 GMT", UINT64_C(252618189022000)},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        uint64_t ms = 77;

        assert_true(retry_after_read(str_from(cases[i].value), now_us(), &ms));
        assert_int_equal(ms, cases[i].ms);
    }
}

/* A wait must not be shorter than what was asked for. */
static void test_retry_after_rounds_a_date_up(void **state)
{
    uint64_t ms = 0;

    (void)state;
    assert_true(retry_after_read(STR("Sun, 06 Nov 1994 08:49:38 GMT"), now_us() + 999999, &ms));
    assert_int_equal(ms, 1);
    assert_true(retry_after_read(STR(NOW), INT64_MIN, &ms));
    assert_int_equal(ms, (uint64_t)INT64_MAX / 1000 + 1);
}

static void test_other_texts_are_no_retry_after(void **state)
{
    static const char *const values[] = {
        "",
        " ",
        "-1",
        "+1",
        "1e3",
        "0x10",
        "1 s",
        "1s",
        ".5",
        "1.5.",
        "1,5",
        "soon",
        "inf",
        "1 2",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 06 Nom 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:61:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT",
        "Sun, 06 ovD 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMTx",
        "Sun, 06 Nov 1994 08:49:37",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
        uint64_t ms = 77;

        if (retry_after_read(str_from(values[i]), now_us(), &ms)) {
            fail_msg("'%s' was read as %llu ms", values[i], (unsigned long long)ms);
        }
        assert_int_equal(ms, 77);
    }
    assert_false(retry_after_read((struct str){NULL, 0}, 0, &(uint64_t){0}));
}

static void test_retry_after_ms_is_read(void **state)
{
    uint64_t ms = 77;

    (void)state;
    assert_true(retry_after_ms_read(STR("250"), &ms));
    assert_int_equal(ms, 250);
    assert_true(retry_after_ms_read(STR("12.75"), &ms));
    assert_int_equal(ms, 12);
    assert_false(retry_after_ms_read(STR(NOW), &ms));
    assert_false(retry_after_ms_read(STR(""), &ms));
    assert_int_equal(ms, 12);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_jitter_grows_up_to_its_most_and_is_spread),
    cmocka_unit_test(test_jitter_of_huge_waits_does_not_overflow),
    cmocka_unit_test(test_jitter_depends_on_its_seed_only),
    cmocka_unit_test(test_retry_after_is_read),
    cmocka_unit_test(test_retry_after_rounds_a_date_up),
    cmocka_unit_test(test_other_texts_are_no_retry_after),
    cmocka_unit_test(test_retry_after_ms_is_read),
};

UNIT_MAIN(tests)
