/*
 * Numbers are the user's: which values a proposal may take from a prompt, and which not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "refine_fixture.h"

/* The metric and operator that can have the unit. */
static void write_proposal(char *json, size_t size, const char *value, const char *unit)
{
    static const struct {
        const char *unit;
        const char *metric;
        const char *op;
    } bounds[] = {{"fraction", "cost", "reduce_by"},
                  {"fraction_of_max", "quality", ">="},
                  {"margin", "quality", "improve_by_at_least"},
                  {"x", "latency", "divide_by"},
                  {"ms", "latency", "<="},
                  {"tokens", "output_tokens", "<="},
                  {"requests/min", "rpm", "<="},
                  {"tokens/min", "tpm", "<="},
                  {"count", "actions", "<="},
                  {"engineer_week", "effort", "<="}};
    const char *metric = "cost";
    const char *op = "<=";

    if (strcmp(unit, "growth") == 0) {
        (void)snprintf(json, size,
                       "{\"entities\":{\"growth\":[{\"metric\":\"requests\",\"value\":%s}]}}",
                       value);
        return;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(bounds); i++) {
        if (strcmp(bounds[i].unit, unit) == 0) {
            metric = bounds[i].metric;
            op = bounds[i].op;
        }
    }
    (void)snprintf(json, size,
                   "{\"constraints\":[{\"metric\":\"%s\",\"op\":\"%s\",\"value\":%s,"
                   "\"unit\":\"%s\"}]}",
                   metric, op, value, unit);
}

static void assert_number(const char *prompt, const char *value, const char *unit, bool taken)
{
    struct refined r;
    char json[256];

    write_proposal(json, sizeof(json), value, unit);
    propose(&r, prompt, json);
    if ((r.status == OK) != taken) {
        fail_msg("'%s': %s %s gives %d %s", prompt, value, unit, r.status, r.error.message);
    }
    if (!taken) {
        const char *pointer = strcmp(unit, "growth") == 0 ? "'/entities/growth/0/value': "
                                                          : "'/constraints/0/value': ";

        assert_non_null(strstr(r.error.message, pointer));
    }
    refined_done(&r);
}

struct number_case {
    const char *prompt;
    const char *value;
    const char *unit;
};

static void test_numbers_of_the_prompt_are_taken(void **state)
{
    static const struct number_case cases[] = {
        {"reduce costs by 20%", "0.2", "fraction"},
        {"reduce costs by 20 percent", "0.20", "fraction"},
        {"make it a fifth cheaper", "0.2", "fraction"},
        {"one fifth off our bill", "0.2", "fraction"},
        {"halve the bill", "0.5", "fraction"},
        {"halve the latency", "2", "x"},
        {"2x faster", "2", "x"},
        {"2x faster", "0.5", "fraction"},
        {"twice as fast", "2", "x"},
        {"three times cheaper", "0.6667", "fraction"},
        {"two thirds cheaper", "0.67", "fraction"},
        {"two thirds cheaper", "0.666", "fraction"},
        {"two thirds cheaper", "0.66666666666", "fraction"},
        {"a third less", "0.33", "fraction"},
        {"12.5% less", "0.125", "fraction"},
        {"cost -25% please", "0.25", "fraction"},
        {"Kosten um 12,5 % senken", "0.125", "fraction"},
        {"成本降低两成", "0.2", "fraction"},
        {"10 to 15% cheaper", "0.1", "fraction"},
        {"10 to 15% cheaper", "0.15", "fraction"},
        {"costs down from 5k to 4k", "0.2", "fraction"},
        {"we want 20 off", "0.2", "fraction"},
        {"keep 95% of the quality", "0.95", "fraction_of_max"},
        {"quality of 0.9", "0.9", "fraction_of_max"},
        {"5% better answers", "0.05", "margin"},
        {"30 % more traffic", "0.3", "growth"},
        {"30% increase in usage", "0.3", "growth"},
        {"30% increase in usage", "-0.3", "growth"},
        {"traffic doubles", "1", "growth"},
        {"3x the calls", "2", "growth"},
        {"can we survive a 10x spike?", "9", "growth"},
        {"calls will halve", "-0.5", "growth"},
        {"calls from 100k to 150k", "0.5", "growth"},
        {"usage goes up by 30", "0.3", "growth"},
        {"answers in 500 ms", "500", "ms"},
        {"answers in 1.5 s", "1500", "ms"},
        {"answers in half a second", "500", "ms"},
        {"jobs within 2 minutes", "120000", "ms"},
        {"jobs within 1 hour", "3600000", "ms"},
        {"answers in 3", "3000", "ms"},
        {"answers in 300", "300", "ms"},
        {"chat answers take 4 seconds, they should take 2", "2000", "ms"},
        {"at most $5000 a month", "5000", "USD/month"},
        {"at most $5k a month", "5000", "USD/month"},
        {"at most 5k", "5000", "USD/month"},
        {"budget 20 mila", "20000", "USD/month"},
        {"budget 300 € per day", "300", "EUR/day"},
        {"a $300 budget", "300", "USD/week"},
        {"max 800 tokens", "800", "tokens"},
        {"eight hundred tokens or so, 800", "800", "tokens"},
        {"our limit is 500 rpm", "500", "requests/min"},
        {"10 requests each second", "600", "requests/min"},
        {"2M tpm", "2000000", "tokens/min"},
        {"give me three ideas", "3", "count"},
        {"it may take two engineer weeks", "2", "engineer_week"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_number(cases[i].prompt, cases[i].value, cases[i].unit, true);
    }
}

static void test_numbers_of_nobody_are_refused(void **state)
{
    static const struct number_case cases[] = {
        {"reduce costs", "0.5", "fraction"},
        {"reduce costs a lot", "0.9", "fraction"},
        {"reduce costs by 20%", "0.5", "fraction"},
        {"reduce costs by 20%", "0.21", "fraction"},
        {"reduce costs by 20%", "0.8", "fraction"},
        {"reduce costs by 20%", "20", "fraction"},
        {"reduce costs by 20%", "0.002", "fraction"},
        {"reduce costs by 20%", "0.95", "fraction"},
        {"reduce costs by 20%", "-0.2", "fraction"},
        {"reduce costs by 20%", "20", "ms"},
        {"reduce costs by 20%", "20", "USD/month"},
        {"reduce costs by 20%", "20", "count"},
        {"reduce costs by 20%", "5", "x"},
        {"a fifth cheaper", "5", "x"},
        {"a fifth cheaper", "0.25", "fraction"},
        {"halve the bill", "0.25", "fraction"},
        {"2x faster", "3", "x"},
        {"2x faster", "1", "fraction"},
        {"2x faster", "2000", "ms"},
        {"two thirds cheaper", "0.7", "fraction"},
        {"two thirds cheaper", "0.68", "fraction"},
        {"12.5% less", "0.13", "fraction"},
        {"we want 20 off", "20", "fraction"},
        {"p95 too slow", "95", "ms"},
        {"p95 too slow", "0.95", "fraction"},
        {"gpt-5 for chat", "5", "x"},
        {"gpt-4o since Q3", "3", "x"},
        {"roll back prompt v7", "7", "x"},
        {"30 % more traffic", "0.4", "growth"},
        {"traffic doubles", "2", "growth"},
        {"traffic grows", "0.1", "growth"},
        {"answers in 500 ms", "0.5", "ms"},
        {"answers in 500 ms", "500000", "ms"},
        {"answers in 1.5 s", "1499.9", "ms"},
        {"at most $5000 a month", "5000", "EUR/month"},
        {"at most $5000 a month", "5000", "USD/day"},
        {"at most $5000 a month", "5000000", "USD/month"},
        {"at most $5000 a month", "5001", "USD/month"},
        {"at most 5000", "5000", "GBP/month"},
        {"max 800 tokens", "1000", "tokens"},
        {"max 800 tokens", "800", "requests/min"},
        {"500 rpm", "500", "tokens/min"},
        {"give me three ideas", "4", "count"},
        {"reduce cost by 99999999999999999999999%", "0", "fraction"},
        {"reduce cost by 20%", "1e300", "fraction"},
        {"reduce cost by 20%", "1e-12", "fraction"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_number(cases[i].prompt, cases[i].value, cases[i].unit, false);
    }
}

static void test_rounded_shares_become_the_prompts_own(void **state)
{
    struct refined r;

    (void)state;
    propose(&r, "make it two thirds cheaper",
            "{\"constraints\":[{\"metric\":\"cost\",\"op\":\"reduce_by\",\"value\":0.67,"
            "\"unit\":\"fraction\"}]}");
    assert_int_equal(r.status, OK);
    assert_true(r.out->constraints[0].value.digits == 666666666);
    refined_done(&r);
    propose(&r, "make it two thirds cheaper, 67% or so",
            "{\"constraints\":[{\"metric\":\"cost\",\"op\":\"reduce_by\",\"value\":0.67,"
            "\"unit\":\"fraction\",\"scope\":\"chat\"}]}");
    assert_int_equal(r.status, OK);
    assert_true(r.out->constraints[0].value.digits == 670000000);
    refined_done(&r);
}

/* What the grammar missed is still a number of the prompt; both ends of a range are checked. */
static void test_ranges_are_checked_at_both_ends(void **state)
{
    static const struct {
        const char *values;
        int status;
    } cases[] = {
        {"[0.1,0.15]", OK},          {"[0.1,0.2]", ERR_INVALID},       {"[0.05,0.15]", ERR_INVALID},
        {"[0.15,0.1]", ERR_INVALID}, {"[0.1,0.15,0.15]", ERR_INVALID}, {"0.1", ERR_INVALID}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct refined r;
        char json[256];

        (void)snprintf(json, sizeof(json),
                       "{\"constraints\":[{\"metric\":\"cost\",\"op\":\"reduce_by_range\","
                       "\"value\":%s,\"unit\":\"fraction\"}]}",
                       cases[i].values);
        propose(&r, "we would like somewhere between 10 and 15% off", json);
        assert_int_equal(r.status, cases[i].status);
        refined_done(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_of_the_prompt_are_taken),
        cmocka_unit_test(test_numbers_of_nobody_are_refused),
        cmocka_unit_test(test_rounded_shares_become_the_prompts_own),
        cmocka_unit_test(test_ranges_are_checked_at_both_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
