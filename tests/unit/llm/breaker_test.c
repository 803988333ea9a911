/*
 * The breaker over all the ways it can be driven: what opens it, what does not, how it tries again,
 * and that it never lets more than one attempt through while it is half open. The time is a number
 * of the test.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/random.h"
#include "llm/breaker.h"

#define OPEN_MS 100u

static struct breaker new_breaker(unsigned failures_max)
{
    struct breaker breaker;

    breaker_init(&breaker, failures_max, OPEN_MS);
    return breaker;
}

static void end_bad(struct breaker *breaker, unsigned times, uint64_t now_ms)
{
    for (unsigned i = 0; i < times; i++) {
        assert_int_equal(breaker_ask(breaker, now_ms), BREAKER_LETS);
        breaker_end(breaker, BREAKER_LETS, BREAKER_WENT_BAD, now_ms);
    }
}

static void test_breaker_opens_after_so_many_failures_in_a_row(void **state)
{
    struct breaker breaker = new_breaker(3);

    (void)state;
    end_bad(&breaker, 2, 10);
    assert_int_equal(breaker_state(&breaker, 10), BREAKER_CLOSED);
    end_bad(&breaker, 1, 20);
    assert_int_equal(breaker_state(&breaker, 20), BREAKER_OPEN);
    assert_int_equal(breaker_ask(&breaker, 20), BREAKER_REFUSES);
    assert_int_equal(breaker_ask(&breaker, 20 + OPEN_MS - 1), BREAKER_REFUSES);
    assert_int_equal(breaker_state(&breaker, 20 + OPEN_MS - 1), BREAKER_OPEN);
    assert_int_equal(breaker_state(&breaker, 20 + OPEN_MS), BREAKER_HALF_OPEN);
}

static void test_breaker_counts_only_failures_in_a_row(void **state)
{
    struct breaker breaker = new_breaker(2);

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        end_bad(&breaker, 1, i);
        assert_int_equal(breaker_ask(&breaker, i), BREAKER_LETS);
        breaker_end(&breaker, BREAKER_LETS, BREAKER_WENT_WELL, i);
    }
    assert_int_equal(breaker_state(&breaker, 10), BREAKER_CLOSED);
    end_bad(&breaker, 1, 10);
    assert_int_equal(breaker_ask(&breaker, 10), BREAKER_LETS);
    breaker_end(&breaker, BREAKER_LETS, BREAKER_SAYS_NOTHING, 10); /* neither adds nor forgets */
    end_bad(&breaker, 1, 11);
    assert_int_equal(breaker_state(&breaker, 11), BREAKER_OPEN);
}

static void test_half_open_breaker_lets_one_through_and_obeys_it(void **state)
{
    static const struct {
        enum breaker_news news;
        enum breaker_state after;
        enum breaker_pass next;
    } cases[] = {
        {BREAKER_WENT_WELL, BREAKER_CLOSED, BREAKER_LETS},
        {BREAKER_WENT_BAD, BREAKER_OPEN, BREAKER_REFUSES},
        {BREAKER_SAYS_NOTHING, BREAKER_HALF_OPEN, BREAKER_TRIES},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct breaker breaker = new_breaker(1);

        end_bad(&breaker, 1, 0);
        assert_true(breaker_would_let(&breaker, OPEN_MS));
        assert_false(breaker_would_let(&breaker, OPEN_MS - 1));
        assert_int_equal(breaker_ask(&breaker, OPEN_MS), BREAKER_TRIES);
        assert_false(breaker_would_let(&breaker, 1000 * OPEN_MS));
        assert_int_equal(breaker_ask(&breaker, 1000 * OPEN_MS), BREAKER_REFUSES);
        breaker_end(&breaker, BREAKER_TRIES, cases[i].news, OPEN_MS + 5);
        assert_int_equal(breaker_state(&breaker, OPEN_MS + 5), cases[i].after);
        assert_int_equal(breaker_ask(&breaker, OPEN_MS + 5), cases[i].next);
        assert_int_equal(breaker_state(&breaker, 2 * OPEN_MS + 5),
                         cases[i].news == BREAKER_WENT_WELL ? BREAKER_CLOSED : BREAKER_HALF_OPEN);
    }
}

/* A closed breaker that was open begins to count at nothing. */
static void test_breaker_that_closed_again_has_forgotten(void **state)
{
    struct breaker breaker = new_breaker(2);

    (void)state;
    end_bad(&breaker, 2, 0);
    assert_int_equal(breaker_ask(&breaker, OPEN_MS), BREAKER_TRIES);
    breaker_end(&breaker, BREAKER_TRIES, BREAKER_WENT_WELL, OPEN_MS);
    end_bad(&breaker, 1, OPEN_MS);
    assert_int_equal(breaker_state(&breaker, OPEN_MS), BREAKER_CLOSED);
}

/* Many began while it was closed; what they tell after it opened changes nothing. */
static void test_late_ends_do_not_move_an_open_breaker(void **state)
{
    static const enum breaker_news news[] = {BREAKER_WENT_WELL, BREAKER_WENT_BAD,
                                             BREAKER_SAYS_NOTHING};
    struct breaker breaker = new_breaker(1);

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(news) + 1; i++) {
        assert_int_equal(breaker_ask(&breaker, 0), BREAKER_LETS);
    }
    breaker_end(&breaker, BREAKER_LETS, BREAKER_WENT_BAD, 0);
    for (size_t i = 0; i < ARRAY_LENGTH(news); i++) {
        breaker_end(&breaker, BREAKER_LETS, news[i], 50);
        assert_int_equal(breaker_state(&breaker, 50), BREAKER_OPEN);
        assert_int_equal(breaker_state(&breaker, OPEN_MS), BREAKER_HALF_OPEN); /* not prolonged */
    }
    assert_int_equal(breaker_ask(&breaker, OPEN_MS), BREAKER_TRIES);
}

/* Whatever happens, at most one attempt is under way that began half open, and none was let through
 * before its time. */
static void test_breaker_keeps_its_word_in_any_order(void **state)
{
    struct random random;
    struct breaker breaker = new_breaker(3);
    unsigned closed = 0;
    unsigned trying = 0;
    uint64_t now = 0;

    (void)state;
    random_init(&random, 7, 1);
    for (unsigned i = 0; i < 20000; i++) {
        enum breaker_news news = (enum breaker_news)random_below(&random, 3);

        now += random_below(&random, 30);
        if (random_below(&random, 2)) {
            enum breaker_state before = breaker_state(&breaker, now);
            bool would_let = breaker_would_let(&breaker, now);
            enum breaker_pass pass = breaker_ask(&breaker, now);

            assert_int_equal(would_let, pass != BREAKER_REFUSES);
            assert_true(pass != BREAKER_LETS || before == BREAKER_CLOSED);
            assert_true(pass != BREAKER_TRIES || (before == BREAKER_HALF_OPEN && !trying));
            closed += pass == BREAKER_LETS;
            trying += pass == BREAKER_TRIES;
        } else if (trying && random_below(&random, 2)) {
            breaker_end(&breaker, BREAKER_TRIES, news, now);
            trying--;
        } else if (closed) {
            breaker_end(&breaker, BREAKER_LETS, news, now);
            closed--;
        }
    }
}

static void test_breaker_states_have_names(void **state)
{
    (void)state;
    assert_string_equal(breaker_state_name(BREAKER_CLOSED), "closed");
    assert_string_equal(breaker_state_name(BREAKER_OPEN), "open");
    assert_string_equal(breaker_state_name(BREAKER_HALF_OPEN), "half_open");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_breaker_opens_after_so_many_failures_in_a_row),
    cmocka_unit_test(test_breaker_counts_only_failures_in_a_row),
    cmocka_unit_test(test_half_open_breaker_lets_one_through_and_obeys_it),
    cmocka_unit_test(test_breaker_that_closed_again_has_forgotten),
    cmocka_unit_test(test_late_ends_do_not_move_an_open_breaker),
    cmocka_unit_test(test_breaker_keeps_its_word_in_any_order),
    cmocka_unit_test(test_breaker_states_have_names),
};

UNIT_MAIN(tests)
