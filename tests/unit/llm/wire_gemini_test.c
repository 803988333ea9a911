/*
 * Gemini's API: bodies as they are sent, and answers from streams as the API sends them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "reading_fixture.h"

#define EVENT(members)                                                                             \
    "data: {" members ",\"modelVersion\":\"gemini-2.5-flash\",\"responseId\":\"k7-na\"}\r\n\r\n"
#define USAGE(members) ",\"usageMetadata\":{" members "}"
#define PARTS(parts)                                                                               \
    "\"candidates\":[{\"content\":{\"parts\":[" parts "],\"role\":\"model\"},\"index\":0}]"
#define LAST(parts, reason)                                                                        \
    "\"candidates\":[{\"content\":{\"parts\":[" parts "],\"role\":\"model\"},\"finishReason\":"    \
    "\"" reason "\",\"index\":0}]"
#define TEXT(text) "{\"text\":\"" text "\"}"
#define COUNTS_NOW USAGE("\"promptTokenCount\":40,\"totalTokenCount\":40")
#define COUNTS_LAST                                                                                \
    USAGE("\"promptTokenCount\":40,\"cachedContentTokenCount\":30,\"candidatesTokenCount\":9,"     \
          "\"thoughtsTokenCount\":21,\"totalTokenCount\":70,\"promptTokensDetails\":[{"            \
          "\"modality\":\"TEXT\",\"tokenCount\":40}]")

static const struct llm_wire *const wire = &llm_wire_gemini;

static void test_body_puts_neighbours_of_a_role_together(void **state)
{
    (void)state;
    assert_body(
        wire, &talk_request, "gemini-2.5-flash",
        "{\"systemInstruction\":{\"parts\":[{\"text\":\"Be brief.\"}]},\"contents\":["
        "{\"role\":\"user\",\"parts\":[{\"text\":\"Why so \\\"expensive\\\"?\"}]},"
        "{\"role\":\"model\",\"parts\":[{\"text\":\"I look.\"},"
        "{\"functionCall\":{\"id\":\"call_a\",\"name\":\"spend\",\"args\":{\"by\":\"model\"}},"
        "\"thoughtSignature\":\"skip_thought_signature_validator\"},"
        "{\"functionCall\":{\"id\":\"call.b\",\"name\":\"latency\",\"args\":{}}}]},"
        "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"call_a\",\"name\":\"spend\","
        "\"response\":{\"output\":\"{\\\"usd\\\":3}\"}}},"
        "{\"functionResponse\":{\"id\":\"call.b\",\"name\":\"latency\","
        "\"response\":{\"output\":\"{\\\"ms\\\":9}\"}}},{\"text\":\"Go on\\n\"}]}],"
        "\"tools\":[{\"functionDeclarations\":[{\"name\":\"spend\",\"description\":"
        "\"What it cost\",\"parametersJsonSchema\":{\"type\":\"object\"}},"
        "{\"name\":\"latency\",\"parametersJsonSchema\":{\"type\":\"object\"}}]}],"
        "\"generationConfig\":{\"maxOutputTokens\":500}}");
}

static void test_body_asks_for_json_by_schema(void **state)
{
    (void)state;
    assert_body(wire, &structured_request, "m",
                "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":"
                "\"Why so \\\"expensive\\\"?\"}]}],\"generationConfig\":{\"maxOutputTokens\":200,"
                "\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{\"type\":"
                "\"object\",\"additionalProperties\":false}}}");
}

static void test_text_comes_in_deltas_without_thoughts(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &plain_request,
              EVENT(PARTS("{\"text\":\"hm\",\"thought\":true}") COUNTS_NOW)
                  EVENT(PARTS(TEXT("Caché ")) COUNTS_NOW)
                      EVENT(LAST(TEXT("5 €") ",{\"text\":\"\",\"thoughtSignature\":\"Eq==\"}",
                                 "STOP") COUNTS_LAST),
              &fed);
    assert_str(fed.answer.text, "Caché 5 €");
    assert_int_equal(fed.delta_count, 2);
    assert_int_equal(fed.answer.stop, LLM_STOP_END);
    assert_str(fed.answer.model, "gemini-2.5-flash");
    assert_str(fed.answer.response_id, "k7-na");
    assert_usage(&fed.answer.usage, 10, 30, 0, 0, 30, 21);
    fed_done(&fed);
}

static void test_calls_come_whole_and_get_an_id(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(
        wire, &talk_request,
        EVENT(PARTS("{\"functionCall\":{\"name\":\"spend\",\"args\":{\"by\":\"é\\n\","
                    "\"n\":[1,-2,18446744073709551615,0.1,1e300,true,null,{}]}},"
                    "\"thoughtSignature\":\"Eq==\"}") COUNTS_NOW)
            EVENT(LAST("{\"functionCall\":{\"id\":\"fc-9\",\"name\":\"latency\",\"args\":{}}},"
                       "{\"functionCall\":{\"name\":\"none\"}}",
                       "STOP") COUNTS_LAST),
        &fed);
    assert_int_equal(fed.answer.stop, LLM_STOP_CALLS);
    assert_int_equal(fed.answer.call_count, 3);
    assert_str(fed.answer.calls[0].id, "call_2"); /* the conversation has two already */
    assert_str(fed.answer.calls[0].name, "spend");
    assert_str(fed.answer.calls[0].args, "{\"by\":\"é\\n\",\"n\":[1,-2,18446744073709551615,0.1,"
                                         "1e+300,true,null,{}]}");
    assert_str(fed.answer.calls[1].id, "fc-9");
    assert_str(fed.answer.calls[1].args, "{}");
    assert_str(fed.answer.calls[2].id, "call_3");
    assert_str(fed.answer.calls[2].args, "{}");
    fed_done(&fed);
}

static void test_arguments_that_are_no_object_are_refused(void **state)
{
    (void)state;
    feed_badly(wire, &plain_request,
               EVENT(LAST("{\"functionCall\":{\"name\":\"spend\",\"args\":[1]}}", "STOP")),
               ERR_INVALID, "no JSON object");
    feed_badly(wire, &plain_request, EVENT(LAST("{\"functionCall\":{\"args\":{}}}", "STOP")),
               ERR_INVALID, "names no tool");
    feed_badly(wire, &plain_request,
               EVENT(LAST("{\"functionCall\":{\"name\":\"deep\",\"args\":{\"a\":"
                          "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}}",
                          "STOP")),
               ERR_LIMIT, "cannot be kept");
}

static void test_structured_answer_must_be_json(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &structured_request,
              EVENT(PARTS(TEXT("{\\\"a\\\":"))) EVENT(LAST(TEXT("1}"), "STOP")), &fed);
    assert_str(fed.answer.text, "{\"a\":1}");
    fed_done(&fed);
    feed_badly(wire, &structured_request, EVENT(LAST(TEXT("```json"), "STOP")), ERR_INVALID,
               "structured answer is no JSON");
}

static void test_ends_say_why(void **state)
{
    static const struct {
        const char *stream;
        enum llm_stop stop;
    } ends[] = {
        {EVENT(LAST(TEXT("a"), "STOP")), LLM_STOP_END},
        {EVENT(LAST(TEXT("a"), "MAX_TOKENS")), LLM_STOP_LENGTH},
        {EVENT("\"candidates\":[{\"finishReason\":\"MAX_TOKENS\"}]"), LLM_STOP_LENGTH},
        {EVENT(PARTS(TEXT("a"))) EVENT("\"candidates\":[{\"finishReason\":\"SAFETY\","
                                       "\"safetyRatings\":[]}]"),
         LLM_STOP_REFUSED},
        {EVENT("\"candidates\":[{\"finishReason\":\"PROHIBITED_CONTENT\"}]"), LLM_STOP_REFUSED},
        {EVENT("\"promptFeedback\":{\"blockReason\":\"SAFETY\"}"), LLM_STOP_REFUSED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
        struct fed fed;

        feed_well(wire, &plain_request, ends[i].stream, &fed);
        assert_int_equal(fed.answer.stop, ends[i].stop);
        fed_done(&fed);
    }
}

static void test_usage_is_what_was_counted_last(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &plain_request,
              EVENT(LAST(TEXT("a"), "STOP") COUNTS_NOW)
                  EVENT("\"x\":1" USAGE("\"promptTokenCount\":40,\"toolUsePromptTokenCount\":5,"
                                        "\"candidatesTokenCount\":2")),
              &fed);
    assert_usage(&fed.answer.usage, 45, 0, 0, 0, 2, 0);
    fed_done(&fed);
    feed_well(wire, &plain_request,
              EVENT(LAST(TEXT("a"), "STOP") USAGE("\"promptTokenCount\":4,"
                                                  "\"cachedContentTokenCount\":5,"
                                                  "\"toolUsePromptTokenCount\":5")),
              &fed);
    assert_unknown(&fed.answer.usage);
    fed_done(&fed);
    feed_well(wire, &plain_request, EVENT(LAST(TEXT("a"), "STOP")), &fed);
    assert_unknown(&fed.answer.usage);
    fed_done(&fed);
    feed_well(wire, &plain_request,
              EVENT(LAST(TEXT("a"), "STOP") USAGE("\"candidatesTokenCount\":5")), &fed);
    assert_unknown(&fed.answer.usage);
    fed_done(&fed);
}

static void test_failures_in_the_stream_are_told(void **state)
{
    struct fed fed;

    (void)state;
    feed(wire, &plain_request,
         EVENT(PARTS(TEXT("a")) COUNTS_NOW) "data: {\"error\":{\"code\":503,\"message\":"
                                            "\"The model is overloaded.\",\"status\":"
                                            "\"UNAVAILABLE\"}}\r\n\r\n",
         &fed);
    assert_int_equal(fed.code, ERR_IO);
    assert_string_equal(fed.failure.message, "The model is overloaded.");
    assert_string_equal(fed.failure.type, "UNAVAILABLE");
    assert_usage(&fed.usage, 40, 0, 0, 0, 0, 0);
    fed_done(&fed);
    feed(wire, &plain_request,
         EVENT("\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\",\"finishMessage\":"
               "\"Malformed function call: print(\"}]"),
         &fed);
    assert_int_equal(fed.code, ERR_IO);
    assert_string_equal(fed.failure.message, "Malformed function call: print(");
    assert_string_equal(fed.failure.type, "MALFORMED_FUNCTION_CALL");
    fed_done(&fed);
}

static void test_half_a_stream_is_no_answer(void **state)
{
    (void)state;
    feed_badly(wire, &plain_request, EVENT(PARTS(TEXT("a")) COUNTS_NOW), ERR_INVALID,
               "ended before");
    feed_badly(wire, &plain_request, "[{\"candidates\":[]}]", ERR_INVALID, "ended before");
    feed_badly(wire, &plain_request, "data: [{}]\n\n", ERR_INVALID, "no JSON object");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_body_puts_neighbours_of_a_role_together),
    cmocka_unit_test(test_body_asks_for_json_by_schema),
    cmocka_unit_test(test_text_comes_in_deltas_without_thoughts),
    cmocka_unit_test(test_calls_come_whole_and_get_an_id),
    cmocka_unit_test(test_arguments_that_are_no_object_are_refused),
    cmocka_unit_test(test_structured_answer_must_be_json),
    cmocka_unit_test(test_ends_say_why),
    cmocka_unit_test(test_usage_is_what_was_counted_last),
    cmocka_unit_test(test_failures_in_the_stream_are_told),
    cmocka_unit_test(test_half_a_stream_is_no_answer),
};

UNIT_MAIN(tests)
