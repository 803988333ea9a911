/*
 * Faults that are put into the asking of models, and the spans of attempts: a provider that is
 * down is left for the next one, a slow one costs its time and no more than the question's, each
 * attempt is a span below the question's own, and nothing of a prompt or an answer is in one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm_fixture.h"

#include "monitor/fault.h"

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static struct house house;
static struct asked asked;

static const struct play answers[] = {ANSWERS("an answer")};
static const struct play refuses[] = {
    SAYS("400 No", "", "{\"error\":{\"message\":\"you said Hello?\",\"type\":\"x\"}}")};

static int open_house(void **state)
{
    static const unsigned char seed[16] = {1};

    (void)state;
    fault_allow(true);
    trace_start(true, 1.0, true, seed);
    house_open(&house);
    memset(&asked, 0, sizeof(asked));
    return 0;
}

static int close_house(void **state)
{
    static const unsigned char seed[16] = {1};

    (void)state;
    fault_disarm_all();
    fault_allow(false);
    trace_start(false, 0, true, seed);
    asked_clear(&asked);
    house_close(&house);
    return 0;
}

static void arm(enum fault fault, uint64_t times, int64_t argument)
{
    assert_int_equal(fault_arm(fault, times, argument, 60, clock_now_us()), OK);
}

static void test_fault_a_model_that_is_down_is_tried_again_then_the_next(void **state)
{
    (void)state;
    house_add(&house, answers);
    house_add(&house, answers);
    house_build(&house);
    arm(FAULT_MODEL_DOWN, 2, 0);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, OK);
    assert_int_equal(asked.attempt_count, 3);
    assert_int_equal(asked.attempts[0].provider, 0);
    assert_int_equal(asked.attempts[0].outcome, LLM_FAILED);
    assert_int_equal(asked.attempts[1].provider, 0);
    assert_int_equal(asked.attempts[2].provider, 1);
    assert_int_equal(asked.attempts[2].outcome, LLM_ANSWERED);
    assert_int_equal(house.scripts[0].asked, 0);
    asked_clear(&asked);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.attempt_count, 1);
}

static void test_fault_all_models_down_is_an_answer_too(void **state)
{
    (void)state;
    house_add(&house, answers);
    house_build(&house);
    arm(FAULT_MODEL_DOWN, 0, 0);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, ERR_IO);
    assert_int_equal(asked.attempt_count, 2);
    assert_int_equal(house.scripts[0].asked, 0);
}

static void test_fault_a_slow_model_begins_later(void **state)
{
    (void)state;
    house_add(&house, answers);
    house_build(&house);
    arm(FAULT_MODEL_SLOW, 1, 60);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, OK);
    assert_int_equal(asked.attempt_count, 1);
    assert_true(asked.attempts[0].latency_us >= 55000);
}

static void test_fault_a_slow_model_has_no_more_than_the_questions_time(void **state)
{
    (void)state;
    house.limits.question_timeout_ms = 50;
    house_add(&house, answers);
    house_build(&house);
    arm(FAULT_MODEL_SLOW, 0, 60000);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, ERR_IO);
    assert_int_equal(asked.attempt_count, 1);
    assert_int_equal(asked.attempts[0].outcome, LLM_TIMED_OUT);
    assert_int_equal(house.scripts[0].asked, 0);
}

static void test_fault_a_slow_model_can_be_called_off(void **state)
{
    (void)state;
    house_add(&house, answers);
    house_build(&house);
    arm(FAULT_MODEL_SLOW, 0, 60000);
    ask(&house, &asked);
    turn_until(&house, fault_state(FAULT_MODEL_SLOW).hits > 0);
    llm_cancel(house.llm, asked.id);
    turn_some(&house);
    assert_int_equal(llm_count(house.llm), 0);
    assert_int_equal(asked.done, 0);
}

/* ---- spans ---- */

static void ask_traced(void)
{
    struct llm_request request = hello;
    struct error error;

    assert_true(trace_read_parent(STR(PARENT), &request.trace));
    asked.house = &house;
    assert_int_equal(
        llm_ask(house.llm, &request, UINT64_MAX, &asked_listener, &asked, &asked.id, &error), OK);
    turn_until(&house, asked.done);
}

static const char *attribute(const struct trace_span *span, const char *key)
{
    static char number[32];

    for (unsigned i = 0; i < span->attribute_count; i++) {
        const struct trace_attribute *one = &span->attributes[i];

        if (strcmp(one->key, key) == 0) {
            (void)snprintf(number, sizeof(number), "%lld", (long long)one->number);
            return one->is_number ? number : one->text;
        }
    }
    return "(none)";
}

static void assert_span_of_attempt(const struct trace_span *span, const struct llm_attempt *attempt)
{
    struct trace_context parent;

    assert_true(trace_read_parent(STR(PARENT), &parent));
    assert_memory_equal(span->context.trace_id, parent.trace_id, 16);
    assert_memory_equal(span->parent_id, parent.span_id, 8);
    assert_int_equal(span->kind, TRACE_CLIENT);
    assert_string_equal(span->name, "chat gpt-4o");
    assert_int_equal(span->start_us, attempt->started_us);
    assert_int_equal(span->end_us, attempt->started_us + (int64_t)attempt->latency_us);
    assert_string_equal(attribute(span, "gen_ai.operation.name"), "chat");
    assert_string_equal(attribute(span, "gen_ai.provider.name"), "openai");
    assert_string_equal(attribute(span, "gen_ai.request.model"), "gpt-4o");
}

static void test_each_attempt_is_a_span_and_sends_its_traceparent(void **state)
{
    struct trace_span spans[3];
    char parent[TRACE_PARENT_BYTES];
    char line[TRACE_PARENT_BYTES + 32];

    (void)state;
    house_add(&house, refuses);
    house_add(&house, answers);
    house_build(&house);
    ask_traced();
    assert_int_equal(trace_take(spans, 3), 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_span_of_attempt(&spans[i], &asked.attempts[i]);
        trace_write_parent(&spans[i].context, parent);
        (void)snprintf(line, sizeof(line), "\r\ntraceparent: %s\r\n", parent);
        assert_non_null(strstr(house.scripts[i].request, line));
    }
    assert_true(spans[0].is_error);
    assert_string_equal(spans[0].message, "refused");
    assert_string_equal(attribute(&spans[0], "error.type"), "refused");
    assert_string_equal(attribute(&spans[0], "http.response.status_code"), "400");
    assert_false(spans[1].is_error);
    assert_string_equal(attribute(&spans[1], "gen_ai.usage.input_tokens"), "100");
    assert_string_equal(attribute(&spans[1], "gen_ai.usage.output_tokens"), "7");
    assert_string_equal(attribute(&spans[1], "error.type"), "(none)");
}

static void test_a_question_without_a_trace_has_neither(void **state)
{
    struct trace_span span;

    (void)state;
    house_add(&house, answers);
    house_build(&house);
    ask_and_wait(&house, &asked);
    assert_int_equal(trace_take(&span, 1), 0);
    assert_null(strstr(house.scripts[0].request, "traceparent"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_fault_a_model_that_is_down_is_tried_again_then_the_next,
                                    open_house, close_house),
    cmocka_unit_test_setup_teardown(test_fault_all_models_down_is_an_answer_too, open_house,
                                    close_house),
    cmocka_unit_test_setup_teardown(test_fault_a_slow_model_begins_later, open_house, close_house),
    cmocka_unit_test_setup_teardown(test_fault_a_slow_model_has_no_more_than_the_questions_time,
                                    open_house, close_house),
    cmocka_unit_test_setup_teardown(test_fault_a_slow_model_can_be_called_off, open_house,
                                    close_house),
    cmocka_unit_test_setup_teardown(test_each_attempt_is_a_span_and_sends_its_traceparent,
                                    open_house, close_house),
    cmocka_unit_test_setup_teardown(test_a_question_without_a_trace_has_neither, open_house,
                                    close_house),
};

UNIT_MAIN(tests)
