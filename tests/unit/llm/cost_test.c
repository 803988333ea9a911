/*
 * What an attempt cost: so much by the book, nothing when no model was reached, and unknown for
 * everything else. And what a request looks like to a reader.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "llm/llm.h"

static struct price_book *book;

static int open_book(void **state)
{
    struct error error;

    (void)state;
    return price_book_builtin(&book, &error);
}

static int close_book(void **state)
{
    (void)state;
    price_book_free(book);
    return 0;
}

static struct llm_attempt attempt_of(enum llm_outcome outcome, int status)
{
    return (struct llm_attempt){
        .provider_name = STR("openai"),
        .price_provider = STR("openai"),
        .model = STR("gpt-4o"),
        .outcome = outcome,
        .status = status,
        .started_us = INT64_C(1790000000000000),
    };
}

static struct llm_attempt answered(void)
{
    struct llm_attempt attempt = attempt_of(LLM_ANSWERED, 200);

    attempt.usage = (struct llm_usage){
        .is_known = true, .input_uncached = 1000, .cache_read = 200, .output = 30, .reasoning = 10};
    return attempt;
}

static void assert_unknown(struct llm_attempt attempt)
{
    int64_t cost = 77;

    assert_false(llm_attempt_cost(&attempt, book, &cost));
    assert_int_equal(cost, 77);
}

static void assert_costs(struct llm_attempt attempt, int64_t expected)
{
    int64_t cost = 77;

    assert_true(llm_attempt_cost(&attempt, book, &cost));
    assert_int_equal(cost, expected);
}

/* $2.50, $1.25 and $10 per million tokens: 2.5, 1.25 and 10 million pico-dollars a token. */
static void test_tokens_cost_what_the_book_says(void **state)
{
    const int64_t expected =
        1000 * INT64_C(2500000) + 200 * INT64_C(1250000) + 30 * INT64_C(10000000);

    (void)state;
    assert_costs(answered(), expected);
}

static void test_tokens_of_a_failed_attempt_were_paid_for(void **state)
{
    static const enum llm_outcome outcomes[] = {LLM_REFUSED, LLM_FAILED, LLM_TIMED_OUT,
                                                LLM_MALFORMED, LLM_CANCELLED};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(outcomes); i++) {
        struct llm_attempt attempt = attempt_of(outcomes[i], 200);

        attempt.usage = (struct llm_usage){.is_known = true, .input_uncached = 10};
        assert_costs(attempt, 25000000);
        attempt.usage.is_known = false;
        assert_unknown(attempt);
    }
}

static void test_what_reached_no_model_costs_nothing(void **state)
{
    static const int statuses[] = {302, 400, 401, 404, 408, 429, 500, 503, 529};

    (void)state;
    assert_costs(attempt_of(LLM_BREAKER_OPEN, 0), 0);
    assert_costs(attempt_of(LLM_OVER_BUDGET, 0), 0);
    assert_costs(attempt_of(LLM_FAILED, 0), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++) {
        assert_costs(attempt_of(LLM_FAILED, statuses[i]), 0);
    }
    struct llm_attempt attempt = attempt_of(LLM_TIMED_OUT, 0);
    attempt.never_sent = true;
    assert_costs(attempt, 0);
}

/* A model may have been at work. */
static void test_what_may_have_reached_a_model_is_unknown(void **state)
{
    (void)state;
    assert_unknown(attempt_of(LLM_ANSWERED, 200));
    assert_unknown(attempt_of(LLM_TIMED_OUT, 0));
    assert_unknown(attempt_of(LLM_CANCELLED, 0));
}

static void test_price_that_is_not_known_is_not_guessed(void **state)
{
    struct llm_attempt attempt = answered();

    (void)state;
    attempt.model = STR("a-model-of-nobody");
    assert_unknown(attempt);
    attempt = answered();
    attempt.price_provider = STR("anthropic");
    assert_unknown(attempt);
    attempt.price_provider = STR("");
    assert_unknown(attempt);
    attempt = answered();
    attempt.usage.cache_write_1h = 5; /* gpt-4o has no price for it */
    assert_unknown(attempt);
    attempt = answered();
    attempt.usage.input_uncached = UINT64_MAX;
    assert_unknown(attempt);
}

/* ---- what is sent ---- */

static const struct llm_message message = {.role = LLM_USER, .text = {"Hello?", 6}};
static const struct llm_request request = {.messages = &message, .message_count = 1};

static void test_request_is_printed_as_it_is_sent_without_the_key(void **state)
{
    struct llm_provider provider = {
        .name = STR("anthropic"),
        .wire = &llm_wire_anthropic,
        .url = STR("https://api.anthropic.com"),
        .key = STR("sk-ant-secret"),
        .model = STR("claude-haiku-4-5"),
    };
    cleanup(buf_done) struct buf out = {0};
    cleanup(buf_done) struct buf body = {0};
    cleanup(buf_done) struct buf expected = {0};

    (void)state;
    buf_init(&out, 1 << 20);
    buf_init(&body, 1 << 20);
    buf_init(&expected, 1 << 20);
    llm_print_request(&provider, &request, &out);
    assert_int_equal(buf_status(&out), OK);
    provider.wire->write_body(&request, provider.model, &body);
    buf_printf(&expected,
               "POST https://api.anthropic.com/v1/messages\n"
               "Content-Type: application/json\n"
               "anthropic-version: 2023-06-01\n"
               "Accept: text/event-stream\n"
               "x-api-key: …\n\n%s\n",
               body.data);
    assert_str(buf_str(&out), expected.data);
    provider.key = STR("");
    buf_clear(&out);
    llm_print_request(&provider, &request, &out);
    assert_int_equal(str_find(buf_str(&out), STR("x-api-key"), 0), SIZE_MAX);
}

static void test_request_that_does_not_fit_is_not_printed_in_part(void **state)
{
    static char text[LLM_REQUEST_BYTES_MAX];
    const struct llm_message long_message = {.role = LLM_USER, .text = {text, sizeof(text)}};
    const struct llm_request long_request = {.messages = &long_message, .message_count = 1};
    const struct llm_provider provider = {
        .wire = &llm_wire_openai_responses, .url = STR("http://x"), .model = STR("m")};
    cleanup(buf_done) struct buf out = {0};

    (void)state;
    memset(text, 'x', sizeof(text));
    buf_init(&out, 4 << 20);
    llm_print_request(&provider, &long_request, &out);
    assert_int_equal(buf_status(&out), ERR_LIMIT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_tokens_cost_what_the_book_says, open_book, close_book),
    cmocka_unit_test_setup_teardown(test_tokens_of_a_failed_attempt_were_paid_for, open_book,
                                    close_book),
    cmocka_unit_test_setup_teardown(test_what_reached_no_model_costs_nothing, open_book,
                                    close_book),
    cmocka_unit_test_setup_teardown(test_what_may_have_reached_a_model_is_unknown, open_book,
                                    close_book),
    cmocka_unit_test_setup_teardown(test_price_that_is_not_known_is_not_guessed, open_book,
                                    close_book),
    cmocka_unit_test(test_request_is_printed_as_it_is_sent_without_the_key),
    cmocka_unit_test(test_request_that_does_not_fit_is_not_printed_in_part),
};

UNIT_MAIN(tests)
