/*
 * Anthropic's Messages API: bodies as they are sent, and answers from streams as the API sends
 * them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "reading_fixture.h"

#define EVENT(name, members) "event: " name "\ndata: {\"type\":\"" name "\"" members "}\n\n"
#define START(usage)                                                                               \
    EVENT("message_start", ",\"message\":{\"id\":\"msg_01\",\"type\":\"message\",\"role\":"        \
                           "\"assistant\",\"model\":\"claude-sonnet-4-5-20250929\",\"content\":"   \
                           "[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":" usage "}")
#define USAGE                                                                                      \
    "{\"input_tokens\":25,\"cache_creation_input_tokens\":300,\"cache_read_input_tokens\":1000,"   \
    "\"cache_creation\":{\"ephemeral_5m_input_tokens\":200,\"ephemeral_1h_input_tokens\":100},"    \
    "\"output_tokens\":1,\"service_tier\":\"standard\"}"
#define PING EVENT("ping", "")
#define TEXT_START(index)                                                                          \
    EVENT("content_block_start",                                                                   \
          ",\"index\":" #index ",\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
#define TOOL_START(index, id, name)                                                                \
    EVENT("content_block_start",                                                                   \
          ",\"index\":" #index ",\"content_block\":{\"type\":\"tool_use\",\"id\":\"" id            \
          "\",\"name\":\"" name "\",\"input\":{}}")
#define DELTA(index, delta)                                                                        \
    EVENT("content_block_delta", ",\"index\":" #index ",\"delta\":{" delta "}")
#define TEXT(index, text) DELTA(index, "\"type\":\"text_delta\",\"text\":\"" text "\"")
#define INPUT(index, piece)                                                                        \
    DELTA(index, "\"type\":\"input_json_delta\",\"partial_json\":\"" piece "\"")
#define STOP(index) EVENT("content_block_stop", ",\"index\":" #index)
#define END(reason, usage)                                                                         \
    EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"" reason "\",\"stop_sequence\":null},"   \
                           "\"usage\":" usage)                                                     \
    EVENT("message_stop", "")
#define THINKING                                                                                   \
    EVENT("content_block_start",                                                                   \
          ",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\","               \
          "\"signature\":\"\"}")                                                                   \
    DELTA(0, "\"type\":\"thinking_delta\",\"thinking\":\"hm\"")                                    \
    DELTA(0, "\"type\":\"signature_delta\",\"signature\":\"Eq==\"") STOP(0)

static const struct llm_wire *const wire = &llm_wire_anthropic;

static void test_body_puts_neighbours_of_a_role_together(void **state)
{
    (void)state;
    assert_body(
        wire, &talk_request, "claude-sonnet-4-5",
        "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":500,\"system\":\"Be "
        "brief.\",\"messages\":["
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
        "\"Why so \\\"expensive\\\"?\"}]},"
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"I look.\"},"
        "{\"type\":\"tool_use\",\"id\":\"call_a\",\"name\":\"spend\",\"input\":{\"by\":\"model\"}},"
        "{\"type\":\"tool_use\",\"id\":\"call_b\",\"name\":\"latency\",\"input\":{}}]},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"call_a\","
        "\"content\":\"{\\\"usd\\\":3}\"},{\"type\":\"tool_result\",\"tool_use_id\":\"call_b\","
        "\"content\":\"{\\\"ms\\\":9}\"},{\"type\":\"text\",\"text\":\"Go on\\n\"}]}],"
        "\"tools\":[{\"name\":\"spend\",\"description\":\"What it cost\",\"input_schema\":"
        "{\"type\":\"object\"}},{\"name\":\"latency\",\"input_schema\":{\"type\":\"object\"}}],"
        "\"stream\":true}");
}

static void test_body_forces_the_tool_of_a_structured_answer(void **state)
{
    (void)state;
    assert_body(wire, &structured_request, "claude-haiku-4-5",
                "{\"model\":\"claude-haiku-4-5\",\"max_tokens\":200,\"messages\":[{\"role\":"
                "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Why so \\\"expensive\\\"?\"}]"
                "}],\"tools\":[{\"name\":\"plan\",\"input_schema\":{\"type\":\"object\","
                "\"additionalProperties\":false}}],\"tool_choice\":{\"type\":\"tool\",\"name\":"
                "\"plan\",\"disable_parallel_tool_use\":true},\"stream\":true}");
}

static void test_body_asks_models_that_cannot_be_forced_for_a_format(void **state)
{
    (void)state;
    assert_body(wire, &structured_request, "claude-fable-5",
                "{\"model\":\"claude-fable-5\",\"max_tokens\":200,\"messages\":[{\"role\":"
                "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Why so \\\"expensive\\\"?\"}]"
                "}],\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":"
                "\"object\",\"additionalProperties\":false}}},\"stream\":true}");
}

static void test_body_leaves_out_what_would_be_refused(void **state)
{
    struct llm_message messages[] = {
        {.role = LLM_USER, .text = {"a", 1}},
        {.role = LLM_ASSISTANT},
        {.role = LLM_USER, .text = {"b", 1}},
    };
    struct llm_request request = {.messages = messages, .message_count = 3};

    (void)state;
    assert_body(wire, &request, "m",
                "{\"model\":\"m\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\",\"content\":"
                "[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}],"
                "\"stream\":true}");
}

static void test_text_comes_in_deltas_without_thinking(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &plain_request,
              START(USAGE) PING THINKING TEXT_START(1) TEXT(1, "Caché ") PING TEXT(1, "😀") STOP(1)
                  END("end_turn", "{\"output_tokens\":40,\"output_tokens_details\":"
                                  "{\"thinking_tokens\":12}}"),
              &fed);
    assert_str(fed.answer.text, "Caché 😀");
    assert_int_equal(fed.delta_count, 2);
    assert_int_equal(fed.answer.stop, LLM_STOP_END);
    assert_str(fed.answer.model, "claude-sonnet-4-5-20250929");
    assert_str(fed.answer.response_id, "msg_01");
    assert_usage(&fed.answer.usage, 25, 1000, 200, 100, 40, 12);
    fed_done(&fed);
}

static struct llm_usage usage_from(const char *start, const char *delta)
{
    cleanup(buf_done) struct buf stream = {.limit = 10000};
    struct llm_usage usage;
    struct fed fed;

    buf_printf(
        &stream,
        "data: {\"type\":\"message_start\",\"message\":{\"usage\":%s}}\n\n" TEXT(
            0, "a") "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
                    "\"usage\":%s}\n\ndata: {\"type\":\"message_stop\"}\n\n",
        start, delta);
    feed_well(wire, &plain_request, stream.data, &fed);
    usage = fed.answer.usage;
    fed_done(&fed);
    return usage;
}

static void test_usage_is_what_was_counted_last(void **state)
{
    struct llm_usage usage;

    (void)state;
    usage = usage_from("{\"input_tokens\":9,\"output_tokens\":1}",
                       "{\"input_tokens\":10,\"cache_read_input_tokens\":5,\"output_tokens\":7}");
    assert_usage(&usage, 10, 5, 0, 0, 7, 0);
    usage = usage_from("{\"input_tokens\":9,\"cache_creation_input_tokens\":70,\"cache_creation\":"
                       "null,\"output_tokens\":1}",
                       "{\"input_tokens\":null,\"output_tokens\":7}");
    assert_usage(&usage, 9, 0, 70, 0, 7, 0);
    usage = usage_from("{\"input_tokens\":9,\"cache_creation_input_tokens\":70,\"cache_creation\":"
                       "{\"ephemeral_1h_input_tokens\":50},\"output_tokens\":1}",
                       "{\"output_tokens\":7}");
    assert_usage(&usage, 9, 0, 20, 50, 7, 0);
    usage = usage_from("null", "{\"input_tokens\":3,\"output_tokens\":7}");
    assert_usage(&usage, 3, 0, 0, 0, 7, 0);
}

static void test_usage_that_cannot_be_is_unknown(void **state)
{
    struct llm_usage usage;

    (void)state;
    usage = usage_from("null", "{\"output_tokens\":7}");
    assert_unknown(&usage);
    usage = usage_from("{\"input_tokens\":\"9\",\"output_tokens\":1}", "{\"output_tokens\":7}");
    assert_unknown(&usage);
    usage = usage_from("{\"input_tokens\":9,\"output_tokens\":1}", "{\"output_tokens\":-7}");
    assert_unknown(&usage);
    usage = usage_from("{\"input_tokens\":9,\"output_tokens\":1}",
                       "{\"output_tokens\":7,\"output_tokens_details\":{\"thinking_tokens\":8}}");
    assert_unknown(&usage);
}

static void test_calls_are_put_together_by_block(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &plain_request,
              START(USAGE) TEXT_START(0) TEXT(0, "I look.") STOP(0)
                  TOOL_START(1, "toolu_1", "spend") INPUT(1, "") INPUT(1, "{\\\"by\\\": \\\"m")
                      INPUT(1, "odel\\\"}") STOP(1) TOOL_START(2, "toolu_2", "latency") INPUT(2, "")
                          STOP(2) END("tool_use", "{\"output_tokens\":40}"),
              &fed);
    assert_str(fed.answer.text, "I look.");
    assert_int_equal(fed.answer.stop, LLM_STOP_CALLS);
    assert_int_equal(fed.answer.call_count, 2);
    assert_str(fed.answer.calls[0].id, "toolu_1");
    assert_str(fed.answer.calls[0].name, "spend");
    assert_str(fed.answer.calls[0].args, "{\"by\": \"model\"}");
    assert_str(fed.answer.calls[1].id, "toolu_2");
    assert_str(fed.answer.calls[1].args, "{}");
    fed_done(&fed);
}

static void test_structured_answer_comes_as_text_in_either_form(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &structured_request,
              START(USAGE) TOOL_START(0, "toolu_1", "plan") INPUT(0, "") INPUT(0, "{\\\"a\\\":")
                  INPUT(0, "\\\"é\\\"}") STOP(0) END("tool_use", "{\"output_tokens\":9}"),
              &fed);
    assert_str(fed.answer.text, "{\"a\":\"é\"}");
    assert_int_equal(fed.answer.stop, LLM_STOP_END);
    assert_int_equal(fed.answer.call_count, 0);
    assert_int_equal(fed.delta_count, 2);
    fed_done(&fed);
    feed_well(wire, &structured_request,
              START(USAGE) THINKING TEXT_START(1) TEXT(1, "{\\\"a\\\":1}") STOP(1)
                  END("end_turn", "{\"output_tokens\":9}"),
              &fed);
    assert_str(fed.answer.text, "{\"a\":1}");
    fed_done(&fed);
    feed_badly(wire, &structured_request,
               START(USAGE) TEXT_START(0) TEXT(0, "Sorry") STOP(0)
                   END("end_turn", "{\"output_tokens\":9}"),
               ERR_INVALID, "structured answer is no JSON");
    feed_well(wire, &structured_request,
              START(USAGE) TOOL_START(0, "t", "plan") INPUT(0, "{\\\"a\\\":")
                  END("max_tokens", "{\"output_tokens\":9}"),
              &fed);
    assert_int_equal(fed.answer.stop, LLM_STOP_LENGTH);
    fed_done(&fed);
}

static void test_ends_say_why(void **state)
{
    static const struct {
        const char *stream;
        enum llm_stop stop;
    } ends[] = {
        {START(USAGE) TEXT(0, "a") END("end_turn", "{}"), LLM_STOP_END},
        {START(USAGE) TEXT(0, "a") END("stop_sequence", "{}"), LLM_STOP_END},
        {START(USAGE) TEXT(0, "a") END("max_tokens", "{}"), LLM_STOP_LENGTH},
        {START(USAGE) TEXT(0, "a") END("model_context_window_exceeded", "{}"), LLM_STOP_LENGTH},
        {START(USAGE) TEXT(0, "a") END("refusal", "{}"), LLM_STOP_REFUSED},
        {START(USAGE) END("refusal", "null"), LLM_STOP_REFUSED},
        {START(USAGE) TEXT(0, "a") EVENT("message_stop", ""), LLM_STOP_END},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
        struct fed fed;

        feed_well(wire, &plain_request, ends[i].stream, &fed);
        assert_int_equal(fed.answer.stop, ends[i].stop);
        assert_usage(&fed.answer.usage, 25, 1000, 200, 100, 1, 0);
        fed_done(&fed);
    }
}

static void test_failures_in_the_stream_are_told(void **state)
{
    struct fed fed;

    (void)state;
    feed(wire, &plain_request,
         START(USAGE) TEXT_START(0) TEXT(0, "a")
             EVENT("error", ",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},"
                            "\"request_id\":\"req_1\""),
         &fed);
    assert_int_equal(fed.code, ERR_IO);
    assert_string_equal(fed.failure.message, "Overloaded");
    assert_string_equal(fed.failure.type, "overloaded_error");
    assert_usage(&fed.usage, 25, 1000, 200, 100, 1, 0);
    fed_done(&fed);
    feed(wire, &plain_request,
         START(USAGE) "data: {\"error\":{\"message\":\"gateway\",\"code\":\"bad\"}}\n\n", &fed);
    assert_int_equal(fed.code, ERR_IO);
    assert_string_equal(fed.failure.message, "gateway");
    fed_done(&fed);
    feed(wire, &plain_request, START(USAGE) TEXT(0, "a") END("sleepy", "{}"), &fed);
    assert_int_equal(fed.code, ERR_IO);
    assert_string_equal(fed.failure.type, "sleepy");
    fed_done(&fed);
}

static void test_unknown_events_are_ignored(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &plain_request,
              EVENT("new_event", ",\"x\":[1]") "data: 7\n\n" START(USAGE)
                  EVENT("content_block_start", ",\"index\":0,\"content_block\":{\"type\":"
                                               "\"server_tool_use\",\"id\":\"s\",\"name\":\"web\"}")
                      INPUT(0, "{}") DELTA(0, "\"type\":\"citations_delta\",\"citation\":{}")
                          TEXT(1, "a") END("end_turn", "{}"),
              &fed);
    assert_str(fed.answer.text, "a");
    assert_int_equal(fed.answer.call_count, 0);
    fed_done(&fed);
}

static void test_half_a_stream_is_no_answer(void **state)
{
    (void)state;
    feed_badly(wire, &plain_request, START(USAGE) TEXT_START(0) TEXT(0, "a") STOP(0), ERR_INVALID,
               "ended before");
    feed_badly(wire, &plain_request,
               START(USAGE) TEXT(0, "a") "event: message_stop\ndata: {\"type\":\"message_stop\"}\n",
               ERR_INVALID, "ended before");
    feed_badly(wire, &plain_request,
               START(USAGE) TOOL_START(0, "t", "spend") INPUT(0, "{\\\"a\\\":")
                   END("tool_use", "{}"),
               ERR_INVALID, "no JSON object");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_body_puts_neighbours_of_a_role_together),
    cmocka_unit_test(test_body_forces_the_tool_of_a_structured_answer),
    cmocka_unit_test(test_body_asks_models_that_cannot_be_forced_for_a_format),
    cmocka_unit_test(test_body_leaves_out_what_would_be_refused),
    cmocka_unit_test(test_text_comes_in_deltas_without_thinking),
    cmocka_unit_test(test_usage_is_what_was_counted_last),
    cmocka_unit_test(test_usage_that_cannot_be_is_unknown),
    cmocka_unit_test(test_calls_are_put_together_by_block),
    cmocka_unit_test(test_structured_answer_comes_as_text_in_either_form),
    cmocka_unit_test(test_ends_say_why),
    cmocka_unit_test(test_failures_in_the_stream_are_told),
    cmocka_unit_test(test_unknown_events_are_ignored),
    cmocka_unit_test(test_half_a_stream_is_no_answer),
};

UNIT_MAIN(tests)
