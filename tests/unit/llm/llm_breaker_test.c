/*
 * The chain with its breakers, and what it counts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm_fixture.h"

#include "monitor/metrics.h"

static struct house house;
static struct asked asked;

static int open_house(void **state)
{
    (void)state;
    house_open(&house);
    return 0;
}

static int close_house(void **state)
{
    (void)state;
    asked_clear(&asked);
    memset(&asked, 0, sizeof(asked));
    house_close(&house);
    return 0;
}

static const char *breaker_of(unsigned index)
{
    struct llm_state link;

    llm_provider_state(house.llm, index, &link);
    return link.breaker;
}

static void wait_for_half_open(unsigned index)
{
    turn_until(&house, strcmp(breaker_of(index), "half_open") == 0);
}

static void test_breaker_opens_tries_and_closes(void **state)
{
    static const struct play fails[] = {SAYS("500 Oh", "Retry-After: 0\r\n", "")};
    static const struct play answers[] = {ANSWERS("back again")};

    (void)state;
    house.limits.breaker_failures = 2;
    house.limits.breaker_open_ms = 60;
    house_add(&house, fails);
    house_build(&house);
    ask_and_wait(&house, &asked); /* two attempts */
    assert_string_equal(breaker_of(0), "open");
    ask_and_wait(&house, &asked); /* not asked */
    assert_int_equal(asked.code, ERR_IO);
    assert_int_equal(asked.attempt_count, 1);
    assert_attempt(&asked, 0, 0, LLM_BREAKER_OPEN);
    assert_int_equal(house.scripts[0].asked, 2);
    wait_for_half_open(0);
    ask_and_wait(&house, &asked); /* tried once, and open again: no second attempt */
    assert_int_equal(asked.attempt_count, 1);
    assert_attempt(&asked, 0, 0, LLM_FAILED);
    assert_string_equal(breaker_of(0), "open");
    assert_int_equal(house.scripts[0].asked, 3);
    house.scripts[0].plays = answers;
    wait_for_half_open(0);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, OK);
    assert_string_equal(breaker_of(0), "closed");
}

static void test_half_open_breaker_lets_one_question_through(void **state)
{
    static const struct play plays[] = {SAYS("500 Oh", "", ""), HANGS, ANSWERS("again")};
    static struct asked second;

    (void)state;
    house.limits.breaker_failures = 1;
    house.limits.breaker_open_ms = 20;
    house_add(&house, plays);
    house_build(&house);
    ask_and_wait(&house, &asked);
    wait_for_half_open(0);
    ask(&house, &asked);
    turn_until(&house, house.scripts[0].asked == 2);
    ask_and_wait(&house, &second);
    assert_int_equal(second.code, ERR_IO);
    assert_attempt(&second, 0, 0, LLM_BREAKER_OPEN);
    /* The one that tries goes away: the next may. */
    llm_cancel(house.llm, asked.id);
    assert_string_equal(breaker_of(0), "half_open");
    ask_and_wait(&house, &second);
    assert_int_equal(second.code, OK);
    assert_string_equal(breaker_of(0), "closed");
    asked_clear(&second);
}

static void test_refusals_do_not_open_the_breaker(void **state)
{
    static const struct play plays[] = {SAYS("401 No", "", ""), SAYS("404 No", "", ""),
                                        SAYS("400 No", "", "")};

    (void)state;
    house.limits.breaker_failures = 1;
    house_add(&house, plays);
    house_build(&house);
    for (unsigned i = 0; i < 5; i++) {
        ask_and_wait(&house, &asked);
        assert_attempt(&asked, 0, 0, LLM_REFUSED);
    }
    assert_string_equal(breaker_of(0), "closed");
}

/* All links are open: told from an event, not from within llm_ask, and at once. */
static void test_all_breakers_open(void **state)
{
    static const struct play fails[] = {SAYS("500 Oh", "", "")};

    (void)state;
    house.limits.breaker_failures = 1;
    house_add(&house, fails);
    house_add(&house, fails);
    house_build(&house);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.attempt_count, 2);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, ERR_IO);
    assert_int_equal(asked.attempt_count, 2);
    assert_attempt(&asked, 0, 0, LLM_BREAKER_OPEN);
    assert_attempt(&asked, 1, 1, LLM_BREAKER_OPEN);
    assert_true(asked.ended_ms - asked.began_ms < 500);
    assert_int_equal(asked.attempts[0].latency_us, 0);
    assert_int_equal(house.scripts[0].asked + house.scripts[1].asked, 2);
}

/* ---- what is counted ---- */

static int64_t value_of(enum metric metric, const char *values)
{
    return metric_value(metric, metric_label(metric, str_from(values)));
}

static void test_attempts_are_counted(void **state)
{
    static const struct play fails[] = {SAYS("500 Oh", "", "")};
    static const struct play next[] = {ANSWERS("second")};

    (void)state;
    int64_t failed = value_of(METRIC_LLM_ATTEMPTS, "zero failed");
    int64_t refused = value_of(METRIC_LLM_ATTEMPTS, "zero breaker_open");
    int64_t answered = value_of(METRIC_LLM_ATTEMPTS, "one answered");
    int64_t took = value_of(METRIC_LLM_ATTEMPT_DURATION, "zero");
    int64_t first = value_of(METRIC_LLM_FIRST_TOKEN, "one");
    int64_t input = value_of(METRIC_LLM_TOKENS, "one input");
    int64_t output = value_of(METRIC_LLM_TOKENS, "one output");
    int64_t questions = value_of(METRIC_LLM_QUESTIONS, "answered");
    int64_t cancelled = value_of(METRIC_LLM_QUESTIONS, "cancelled");
    house.limits.breaker_failures = 1;
    house_add(&house, fails);
    house_add(&house, next);
    house_build(&house);
    assert_int_equal(value_of(METRIC_LLM_BREAKER_OPEN, "zero gpt-4o"), 0);
    ask_and_wait(&house, &asked);
    asked_clear(&asked);
    assert_int_equal(value_of(METRIC_LLM_BREAKER_OPEN, "zero gpt-4o"), 1);
    ask(&house, &asked);
    assert_int_equal(metric_value(METRIC_LLM_QUESTIONS_UNDER_WAY, 0), 1);
    turn_until(&house, asked.done);
    asked_clear(&asked);
    ask(&house, &asked);
    llm_cancel(house.llm, asked.id);
    assert_int_equal(metric_value(METRIC_LLM_QUESTIONS_UNDER_WAY, 0), 0);
    assert_int_equal(value_of(METRIC_LLM_ATTEMPTS, "zero failed"), failed + 1);
    assert_int_equal(value_of(METRIC_LLM_ATTEMPTS, "zero breaker_open"), refused + 1);
    assert_int_equal(value_of(METRIC_LLM_ATTEMPTS, "one answered"), answered + 2);
    assert_int_equal(value_of(METRIC_LLM_ATTEMPT_DURATION, "zero"), took + 1);
    assert_int_equal(value_of(METRIC_LLM_FIRST_TOKEN, "one"), first + 2);
    assert_int_equal(value_of(METRIC_LLM_TOKENS, "one input"), input + 200);
    assert_int_equal(value_of(METRIC_LLM_TOKENS, "one output"), output + 14);
    assert_int_equal(value_of(METRIC_LLM_QUESTIONS, "answered"), questions + 2);
    assert_int_equal(value_of(METRIC_LLM_QUESTIONS, "cancelled"), cancelled + 1);
}

#define WITH_HOUSE(test) cmocka_unit_test_setup_teardown(test, open_house, close_house)

static const struct CMUnitTest tests[] = {
    WITH_HOUSE(test_breaker_opens_tries_and_closes),
    WITH_HOUSE(test_half_open_breaker_lets_one_question_through),
    WITH_HOUSE(test_refusals_do_not_open_the_breaker),
    WITH_HOUSE(test_all_breakers_open),
    WITH_HOUSE(test_attempts_are_counted),
};

UNIT_MAIN(tests)
