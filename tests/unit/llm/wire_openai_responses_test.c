/*
 * OpenAI's Responses API: bodies as they are sent, and answers from streams as the API sends them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "reading_fixture.h"

#define EVENT(name, members) "event: " name "\ndata: {\"type\":\"" name "\"," members "}\n\n"
#define CREATED                                                                                    \
    EVENT("response.created", "\"sequence_number\":0,\"response\":{\"id\":\"resp_1\","             \
                              "\"object\":\"response\",\"status\":\"in_progress\",\"error\":null," \
                              "\"model\":\"gpt-5.2-2026\",\"output\":[],\"usage\":null}")          \
    EVENT("response.in_progress", "\"sequence_number\":1,\"response\":{\"id\":\"resp_1\"}")
#define MESSAGE                                                                                    \
    EVENT("response.output_item.added",                                                            \
          "\"sequence_number\":2,\"output_index\":0,\"item\":{\"id\":\"rs_1\","                    \
          "\"type\":\"reasoning\",\"summary\":[]}")                                                \
    EVENT(                                                                                         \
        "response.output_item.added",                                                              \
        "\"sequence_number\":3,\"output_index\":1,\"item\":{\"id\":\"msg_1\","                     \
        "\"type\":\"message\",\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}")  \
    EVENT("response.content_part.added",                                                           \
          "\"sequence_number\":4,\"item_id\":\"msg_1\",\"output_index\":1,\"content_index\":0,"    \
          "\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}")
#define TEXT(text)                                                                                 \
    EVENT("response.output_text.delta",                                                            \
          "\"sequence_number\":5,\"item_id\":\"msg_1\",\"output_index\":1,\"content_index\":0,"    \
          "\"delta\":\"" text "\",\"logprobs\":[],\"obfuscation\":\"xYz\"")
#define TEXT_DONE(text)                                                                            \
    EVENT("response.output_text.done",                                                             \
          "\"sequence_number\":9,\"item_id\":\"msg_1\","                                           \
          "\"output_index\":1,\"content_index\":0,\"text\":\"" text "\"")
#define USAGE(input, cached, written, output, reasoning)                                           \
    "\"usage\":{\"input_tokens\":" #input ",\"input_tokens_details\":{\"cached_tokens\":" #cached  \
    ",\"cache_write_tokens\":" #written "},\"output_tokens\":" #output                             \
    ",\"output_tokens_details\":{\"reasoning_tokens\":" #reasoning "},\"total_tokens\":1}"
#define COMPLETED(usage)                                                                           \
    EVENT("response.completed", "\"sequence_number\":10,\"response\":{\"id\":\"resp_1\","          \
                                "\"status\":\"completed\",\"model\":\"gpt-5.2-2026\"," usage "}")

static const struct llm_wire *const wire = &llm_wire_openai_responses;

static void test_body_has_the_conversation_and_the_tools(void **state)
{
    (void)state;
    assert_body(
        wire, &talk_request, "gpt-5.2",
        "{\"model\":\"gpt-5.2\",\"instructions\":\"Be brief.\",\"input\":["
        "{\"role\":\"user\",\"content\":\"Why so \\\"expensive\\\"?\"},"
        "{\"role\":\"assistant\",\"content\":\"I look.\"},"
        "{\"type\":\"function_call\",\"call_id\":\"call_a\",\"name\":\"spend\","
        "\"arguments\":\"{\\\"by\\\":\\\"model\\\"}\"},"
        "{\"type\":\"function_call\",\"call_id\":\"call.b\",\"name\":\"latency\","
        "\"arguments\":\"{}\"},"
        "{\"type\":\"function_call_output\",\"call_id\":\"call_a\",\"output\":\"{\\\"usd\\\":3}\"},"
        "{\"type\":\"function_call_output\",\"call_id\":\"call.b\",\"output\":\"{\\\"ms\\\":9}\"},"
        "{\"role\":\"user\",\"content\":\"Go on\\n\"}],"
        "\"tools\":[{\"type\":\"function\",\"name\":\"spend\",\"description\":\"What it cost\","
        "\"parameters\":{\"type\":\"object\"},\"strict\":false},"
        "{\"type\":\"function\",\"name\":\"latency\",\"parameters\":{\"type\":\"object\"},"
        "\"strict\":false}],"
        "\"max_output_tokens\":500,\"stream\":true,\"store\":false}");
}

static void test_body_asks_for_json_by_schema(void **state)
{
    (void)state;
    assert_body(wire, &structured_request, "m",
                "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":"
                "\"Why so \\\"expensive\\\"?\"}],\"text\":{\"format\":{\"type\":\"json_schema\","
                "\"name\":\"plan\",\"schema\":{\"type\":\"object\",\"additionalProperties\":false},"
                "\"strict\":true}},\"max_output_tokens\":200,\"stream\":true,\"store\":false}");
}

static void test_text_comes_in_deltas(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &plain_request,
              CREATED MESSAGE TEXT("Caché ") TEXT("") TEXT("\\ud83d\\ude00 — 5 €")
                  TEXT_DONE("Caché 😀 — 5 €") COMPLETED(USAGE(100, 60, 10, 50, 20)),
              &fed);
    assert_str(fed.answer.text, "Caché 😀 — 5 €");
    assert_int_equal(fed.delta_count, 2);
    assert_int_equal(fed.answer.stop, LLM_STOP_END);
    assert_str(fed.answer.model, "gpt-5.2-2026");
    assert_str(fed.answer.response_id, "resp_1");
    assert_int_equal(fed.answer.call_count, 0);
    assert_usage(&fed.answer.usage, 30, 60, 10, 0, 50, 20);
    fed_done(&fed);
}

#define CALL_ADDED(index, id, name)                                                                \
    EVENT("response.output_item.added",                                                            \
          "\"output_index\":" #index ",\"item\":{\"id\":\"fc_1\",\"type\":\"function_call\","      \
          "\"status\":\"in_progress\",\"call_id\":\"" id "\",\"name\":\"" name                     \
          "\",\"arguments\":\"\"}")
#define ARGS(index, delta)                                                                         \
    EVENT("response.function_call_arguments.delta",                                                \
          "\"item_id\":\"fc_1\",\"output_index\":" #index ",\"delta\":\"" delta "\"")
#define ARGS_DONE(index, args)                                                                     \
    EVENT("response.function_call_arguments.done",                                                 \
          "\"item_id\":\"fc_1\",\"output_index\":" #index ",\"arguments\":\"" args "\"")

static void test_calls_are_put_together_by_output_index(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &plain_request,
              CREATED CALL_ADDED(1, "call_1", "spend") ARGS(1, "{\\\"by\\\"")
                  CALL_ADDED(2, "call_2", "latency") ARGS(2, "{}") ARGS(1, ":\\\"é\\\"}")
                      ARGS_DONE(1, "{\\\"by\\\":\\\"é\\\"}") CALL_ADDED(3, "call_3", "whole")
                          ARGS_DONE(3, "{\\\"a\\\":1}") CALL_ADDED(4, "call_4", "none")
                              COMPLETED(USAGE(9, 0, 0, 9, 0)),
              &fed);
    assert_int_equal(fed.answer.stop, LLM_STOP_CALLS);
    assert_int_equal(fed.answer.call_count, 4);
    assert_str(fed.answer.calls[0].id, "call_1");
    assert_str(fed.answer.calls[0].name, "spend");
    assert_str(fed.answer.calls[0].args, "{\"by\":\"é\"}");
    assert_str(fed.answer.calls[1].args, "{}");
    assert_str(fed.answer.calls[2].args, "{\"a\":1}");
    assert_str(fed.answer.calls[3].name, "none");
    assert_str(fed.answer.calls[3].args, "{}");
    fed_done(&fed);
}

static void test_arguments_that_are_no_object_are_refused(void **state)
{
    (void)state;
    feed_badly(wire, &plain_request,
               CREATED CALL_ADDED(0, "c", "spend") ARGS(0, "[1]") COMPLETED(USAGE(1, 0, 0, 1, 0)),
               ERR_INVALID, "no JSON object");
    feed_badly(wire, &plain_request,
               CREATED CALL_ADDED(0, "c", "spend") ARGS(0, "{") COMPLETED(USAGE(1, 0, 0, 1, 0)),
               ERR_INVALID, "no JSON object");
    feed_badly(wire, &plain_request, CREATED ARGS(0, "{}") COMPLETED(USAGE(1, 0, 0, 1, 0)),
               ERR_INVALID, "not begun");
    feed_badly(wire, &plain_request, CREATED CALL_ADDED(0, "c", "") COMPLETED(USAGE(1, 0, 0, 1, 0)),
               ERR_INVALID, "names no tool");
}

static void test_structured_answer_must_be_json(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &structured_request,
              CREATED MESSAGE TEXT("{\\\"a\\\"") TEXT(":1}") COMPLETED(USAGE(1, 0, 0, 1, 0)), &fed);
    assert_str(fed.answer.text, "{\"a\":1}");
    fed_done(&fed);
    feed_badly(wire, &structured_request,
               CREATED MESSAGE TEXT("{\\\"a\\\"") COMPLETED(USAGE(1, 0, 0, 1, 0)), ERR_INVALID,
               "structured answer is no JSON");
}

static void test_commentary_is_not_the_answer(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &plain_request,
              CREATED EVENT("response.output_item.added",
                            "\"output_index\":1,\"item\":{\"type\":\"message\","
                            "\"phase\":\"commentary\"}") TEXT("Let me see. ")
                  EVENT("response.output_item.added",
                        "\"output_index\":2,\"item\":{\"type\":\"message\","
                        "\"phase\":\"final_answer\"}")
                      EVENT("response.output_text.delta", "\"output_index\":2,\"delta\":\"42\"")
                          COMPLETED(USAGE(1, 0, 0, 1, 0)),
              &fed);
    assert_str(fed.answer.text, "42");
    fed_done(&fed);
}

static void test_refusal_is_an_end_of_its_own(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &structured_request,
              CREATED MESSAGE EVENT("response.refusal.delta",
                                    "\"output_index\":1,\"delta\":\"I cannot help\"")
                  COMPLETED(USAGE(5, 0, 0, 3, 0)),
              &fed);
    assert_int_equal(fed.answer.stop, LLM_STOP_REFUSED);
    assert_str(fed.answer.text, "");
    assert_usage(&fed.answer.usage, 5, 0, 0, 0, 3, 0);
    fed_done(&fed);
}

#define INCOMPLETE(reason)                                                                         \
    EVENT("response.incomplete",                                                                   \
          "\"response\":{\"id\":\"resp_1\",\"status\":\"incomplete\","                             \
          "\"incomplete_details\":{\"reason\":\"" reason "\"}," USAGE(7, 0, 0, 200, 150) "}")

static void test_incomplete_answers_say_why(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &plain_request, CREATED MESSAGE TEXT("So") INCOMPLETE("max_output_tokens"),
              &fed);
    assert_int_equal(fed.answer.stop, LLM_STOP_LENGTH);
    assert_str(fed.answer.text, "So");
    assert_usage(&fed.answer.usage, 7, 0, 0, 0, 200, 150);
    fed_done(&fed);
    feed_well(wire, &plain_request, CREATED MESSAGE TEXT("So") INCOMPLETE("content_filter"), &fed);
    assert_int_equal(fed.answer.stop, LLM_STOP_REFUSED);
    fed_done(&fed);
    feed_well(wire, &structured_request,
              CREATED MESSAGE TEXT("{\\\"a\\\"") INCOMPLETE("max_output_tokens"), &fed);
    assert_int_equal(fed.answer.stop, LLM_STOP_LENGTH);
    fed_done(&fed);
}

static void test_failures_in_the_stream_are_told(void **state)
{
    struct fed fed;

    (void)state;
    feed(wire, &plain_request,
         CREATED MESSAGE TEXT("So")
             EVENT("response.failed",
                   "\"response\":{\"status\":\"failed\",\"error\":{\"code\":"
                   "\"server_error\",\"message\":\"The model\\nbroke\"}," USAGE(70, 0, 0, 2, 0) "}")
                 TEXT("not read"),
         &fed);
    assert_int_equal(fed.code, ERR_IO);
    assert_string_equal(fed.failure.message, "The model broke");
    assert_string_equal(fed.failure.type, "server_error");
    assert_usage(&fed.usage, 70, 0, 0, 0, 2, 0);
    assert_int_equal(fed.delta_count, 1);
    fed_done(&fed);
    feed(wire, &plain_request,
         CREATED EVENT("error", "\"code\":\"rate_limit_exceeded\",\"message\":\"Slow down\","
                                "\"param\":null"),
         &fed);
    assert_int_equal(fed.code, ERR_IO);
    assert_string_equal(fed.failure.type, "rate_limit_exceeded");
    assert_string_equal(fed.error.message, "the provider failed: Slow down, rate_limit_exceeded");
    fed_done(&fed);
    feed(wire, &plain_request,
         CREATED EVENT("error", "\"error\":{\"type\":\"invalid_request_error\",\"code\":null,"
                                "\"message\":\"No\"}"),
         &fed);
    assert_int_equal(fed.code, ERR_IO);
    assert_string_equal(fed.failure.type, "invalid_request_error");
    fed_done(&fed);
}

static void test_half_a_stream_is_no_answer(void **state)
{
    (void)state;
    feed_badly(wire, &plain_request, "", ERR_INVALID, "ended before");
    feed_badly(wire, &plain_request, CREATED, ERR_INVALID, "ended before");
    feed_badly(wire, &plain_request, CREATED MESSAGE TEXT("So") TEXT_DONE("So"), ERR_INVALID,
               "ended before");
    feed_badly(wire, &plain_request,
               CREATED MESSAGE TEXT("So") "data: {\"type\":\"response.completed\"}\n", ERR_INVALID,
               "ended before");
}

static void test_usage_that_cannot_be_is_unknown(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &plain_request, CREATED MESSAGE TEXT("a") COMPLETED(USAGE(10, 11, 0, 1, 0)),
              &fed);
    assert_unknown(&fed.answer.usage);
    fed_done(&fed);
    feed_well(wire, &plain_request, CREATED MESSAGE TEXT("a") COMPLETED("\"usage\":null"), &fed);
    assert_unknown(&fed.answer.usage);
    fed_done(&fed);
    feed_well(wire, &plain_request, CREATED MESSAGE TEXT("a") COMPLETED(USAGE(-1, 0, 0, 1, 0)),
              &fed);
    assert_unknown(&fed.answer.usage);
    fed_done(&fed);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_body_has_the_conversation_and_the_tools),
    cmocka_unit_test(test_body_asks_for_json_by_schema),
    cmocka_unit_test(test_text_comes_in_deltas),
    cmocka_unit_test(test_calls_are_put_together_by_output_index),
    cmocka_unit_test(test_arguments_that_are_no_object_are_refused),
    cmocka_unit_test(test_structured_answer_must_be_json),
    cmocka_unit_test(test_commentary_is_not_the_answer),
    cmocka_unit_test(test_refusal_is_an_end_of_its_own),
    cmocka_unit_test(test_incomplete_answers_say_why),
    cmocka_unit_test(test_failures_in_the_stream_are_told),
    cmocka_unit_test(test_half_a_stream_is_no_answer),
    cmocka_unit_test(test_usage_that_cannot_be_is_unknown),
};

UNIT_MAIN(tests)
