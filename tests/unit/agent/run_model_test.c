/*
 * Attempts summed up for a run and its report: tokens, money that is never taken for nothing, and
 * the sentence that says why nobody answered.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "agent/run_model.h"

static struct price_book *book;

static int set_up(void **state)
{
    struct error error;

    (void)state;
    return price_book_builtin(&book, &error);
}

static int tear_down(void **state)
{
    (void)state;
    price_book_free(book);
    return 0;
}

static struct llm_attempt answered(void)
{
    return (struct llm_attempt){
        .provider = 1,
        .provider_name = STR("anthropic"),
        .price_provider = STR("openai"),
        .model = STR("gpt-4o"),
        .outcome = LLM_ANSWERED,
        .status = 200,
        .started_us = INT64_C(1767225600) * 1000000,
        .latency_us = 700,
        .usage = {.is_known = true, .input_uncached = 1000, .cache_read = 200, .output = 30}};
}

static struct llm_attempt failed(enum llm_outcome outcome, int status)
{
    return (struct llm_attempt){.provider_name = STR("openai"),
                                .price_provider = STR("openai"),
                                .model = STR("gpt-4o"),
                                .outcome = outcome,
                                .status = status,
                                .latency_us = 300,
                                .failure = "POST https://key@host said no"};
}

static void test_attempts_are_summed(void **state)
{
    const struct llm_attempt attempts[] = {failed(LLM_LIMITED, 429), answered(), answered()};
    struct run_model sum;
    int64_t cost = 0;

    (void)state;
    assert_true(llm_attempt_cost(&attempts[1], book, &cost));
    assert_true(cost > 0);
    run_model_sum(attempts, ARRAY_LENGTH(attempts), book, &sum);
    assert_str(sum.provider, "anthropic");
    assert_str(sum.model, "gpt-4o");
    assert_int_equal(sum.attempts, 3);
    assert_int_equal(sum.latency_us, 1700);
    assert_true(sum.usage.is_known);
    assert_int_equal(sum.usage.input_uncached, 2000);
    assert_int_equal(sum.usage.cache_read, 400);
    assert_int_equal(sum.usage.output, 60);
    assert_true(sum.has_cost);
    assert_int_equal(sum.cost_pico_usd, 2 * cost);
}

/* Half an answer was paid for, nobody knows how much. */
static void test_an_unknown_cost_makes_the_sum_unknown(void **state)
{
    struct llm_attempt attempts[] = {failed(LLM_MALFORMED, 200), answered()};
    struct run_model sum;

    (void)state;
    run_model_sum(attempts, ARRAY_LENGTH(attempts), book, &sum);
    assert_false(sum.has_cost);
    assert_int_equal(sum.cost_pico_usd, 0);
    assert_false(sum.usage.is_known);
    assert_int_equal(sum.usage.output, 0);

    attempts[0] = answered();
    attempts[0].model = STR("no-such-model"); /* tokens are known, their price is not */
    run_model_sum(attempts, ARRAY_LENGTH(attempts), book, &sum);
    assert_false(sum.has_cost);
    assert_true(sum.usage.is_known);
    assert_int_equal(sum.usage.output, 60);
}

static void test_who_was_not_reached_counts_nothing(void **state)
{
    struct llm_attempt attempts[] = {failed(LLM_BREAKER_OPEN, 0), failed(LLM_OVER_BUDGET, 0),
                                     failed(LLM_FAILED, 0)};
    struct run_model sum;

    (void)state;
    attempts[2].never_sent = true;
    run_model_sum(attempts, ARRAY_LENGTH(attempts), book, &sum);
    assert_int_equal(sum.attempts, 0);
    assert_int_equal(sum.provider.length, 0);
    assert_true(sum.has_cost);
    assert_int_equal(sum.cost_pico_usd, 0);
    run_model_sum(attempts, 0, book, &sum);
    assert_int_equal(sum.attempts, 0);
}

static void assert_why(const struct llm_attempt *attempts, size_t count, const char *expected)
{
    char why[RUN_WHY_BYTES];

    run_model_why(attempts, count, why);
    assert_string_equal(why, expected);
}

static void test_why_names_each_provider_once(void **state)
{
    struct llm_attempt attempts[] = {failed(LLM_FAILED, 503), failed(LLM_LIMITED, 429),
                                     failed(LLM_TIMED_OUT, 0), failed(LLM_FAILED, 0)};

    (void)state;
    attempts[2].provider = 1;
    attempts[2].provider_name = STR("anthropic");
    attempts[3].provider = 2;
    attempts[3].provider_name = STR("gemini");
    attempts[3].never_sent = true;
    assert_why(attempts, 4,
               "No model answered: openai is limited (429), anthropic timed out, gemini could not "
               "be reached.");
    assert_why(attempts, 1, "No model answered: openai failed (503).");
    assert_why(attempts, 0, "No model answered.");
}

static void test_why_fits_whatever_the_names(void **state)
{
    static char long_name[3000];
    struct llm_attempt attempts[LLM_PROVIDERS_MAX];
    char why[RUN_WHY_BYTES];

    (void)state;
    memset(long_name, 'n', sizeof(long_name) - 1);
    for (unsigned i = 0; i < LLM_PROVIDERS_MAX; i++) {
        attempts[i] = failed(LLM_REFUSED, 400);
        attempts[i].provider = i;
        attempts[i].provider_name = str_from(long_name);
    }
    run_model_why(attempts, LLM_PROVIDERS_MAX, why);
    assert_true(strlen(why) < RUN_WHY_BYTES);
    assert_null(strstr(why, "key@host"));
    assert_int_equal(why[strlen(why) - 1], '.');
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_attempts_are_summed),
    cmocka_unit_test(test_an_unknown_cost_makes_the_sum_unknown),
    cmocka_unit_test(test_who_was_not_reached_counts_nothing),
    cmocka_unit_test(test_why_names_each_provider_once),
    cmocka_unit_test(test_why_fits_whatever_the_names),
};

int main(void)
{
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
