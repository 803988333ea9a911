/*
 * Chat completions: bodies as they are sent, and answers from streams as OpenAI sends them and as
 * servers do that only resemble it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "reading_fixture.h"

#define CHUNK(members)                                                                             \
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":"   \
    "\"gpt-4.1-mini\"," members "}\n\n"
#define DELTA(members)                                                                             \
    CHUNK("\"choices\":[{\"index\":0,\"delta\":{" members "},\"logprobs\":null,"                   \
          "\"finish_reason\":null}],\"usage\":null")
#define TEXT(text) DELTA("\"content\":\"" text "\"")
#define BEGIN      DELTA("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null")
#define FINISH(reason)                                                                             \
    CHUNK("\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]")
#define USAGE                                                                                      \
    "\"usage\":{\"prompt_tokens\":120,\"completion_tokens\":30,\"total_tokens\":150,"              \
    "\"prompt_tokens_details\":{\"cached_tokens\":100,\"audio_tokens\":0},"                        \
    "\"completion_tokens_details\":{\"reasoning_tokens\":12,\"audio_tokens\":0}}"
#define DONE "data: [DONE]\n\n"

static const struct llm_wire *const wire = &llm_wire_openai_chat;

static void test_body_has_the_conversation_and_the_tools(void **state)
{
    (void)state;
    assert_body(
        wire, &talk_request, "gpt-4.1",
        "{\"model\":\"gpt-4.1\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
        "{\"role\":\"user\",\"content\":\"Why so \\\"expensive\\\"?\"},"
        "{\"role\":\"assistant\",\"content\":\"I look.\",\"tool_calls\":["
        "{\"id\":\"call_a\",\"type\":\"function\",\"function\":{\"name\":\"spend\","
        "\"arguments\":\"{\\\"by\\\":\\\"model\\\"}\"}},"
        "{\"id\":\"call.b\",\"type\":\"function\",\"function\":{\"name\":\"latency\","
        "\"arguments\":\"{}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"call_a\",\"content\":\"{\\\"usd\\\":3}\"},"
        "{\"role\":\"tool\",\"tool_call_id\":\"call.b\",\"content\":\"{\\\"ms\\\":9}\"},"
        "{\"role\":\"user\",\"content\":\"Go on\\n\"}],"
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"spend\",\"description\":"
        "\"What it cost\",\"parameters\":{\"type\":\"object\"}}},"
        "{\"type\":\"function\",\"function\":{\"name\":\"latency\",\"parameters\":"
        "{\"type\":\"object\"}}}],\"max_completion_tokens\":500,\"stream\":true,"
        "\"stream_options\":{\"include_usage\":true}}");
}

static void test_body_asks_for_json_by_schema(void **state)
{
    (void)state;
    assert_body(wire, &structured_request, "m",
                "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
                "\"Why so \\\"expensive\\\"?\"}],\"response_format\":{\"type\":\"json_schema\","
                "\"json_schema\":{\"name\":\"plan\",\"schema\":{\"type\":\"object\","
                "\"additionalProperties\":false},\"strict\":true}},\"max_completion_tokens\":200,"
                "\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
}

static void test_body_of_calls_alone_has_no_text(void **state)
{
    struct llm_message messages[] = {
        {.role = LLM_ASSISTANT, .calls = talk_calls, .call_count = 1},
    };
    struct llm_request request = {.messages = messages, .message_count = 1};

    (void)state;
    assert_body(wire, &request, "m",
                "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":null,"
                "\"tool_calls\":[{\"id\":\"call_a\",\"type\":\"function\",\"function\":{\"name\":"
                "\"spend\",\"arguments\":\"{\\\"by\\\":\\\"model\\\"}\"}}]}],\"stream\":true,"
                "\"stream_options\":{\"include_usage\":true}}");
}

static void test_text_comes_in_deltas(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &plain_request,
              BEGIN TEXT("Zo’n ") TEXT("5 €") FINISH("stop") CHUNK("\"choices\":[]," USAGE) DONE,
              &fed);
    assert_str(fed.answer.text, "Zo’n 5 €");
    assert_int_equal(fed.delta_count, 2);
    assert_int_equal(fed.answer.stop, LLM_STOP_END);
    assert_str(fed.answer.model, "gpt-4.1-mini");
    assert_str(fed.answer.response_id, "chatcmpl-1");
    assert_usage(&fed.answer.usage, 20, 100, 0, 0, 30, 12);
    fed_done(&fed);
}

static void test_usage_may_come_with_choices_or_not_at_all(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &plain_request,
              TEXT("a") CHUNK("\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},"
                              "\"finish_reason\":\"stop\"}]," USAGE) DONE,
              &fed);
    assert_str(fed.answer.text, "ab");
    assert_usage(&fed.answer.usage, 20, 100, 0, 0, 30, 12);
    fed_done(&fed);
    feed_well(wire, &plain_request, TEXT("a") FINISH("stop") DONE, &fed);
    assert_unknown(&fed.answer.usage);
    fed_done(&fed);
    feed_well(wire, &plain_request,
              TEXT("a") FINISH("stop") CHUNK("\"choices\":[],\"usage\":{\"prompt_tokens\":7,"
                                             "\"completion_tokens\":2}") DONE,
              &fed);
    assert_usage(&fed.answer.usage, 7, 0, 0, 0, 2, 0);
    fed_done(&fed);
}

/* Feeds an answer with that usage object. */
static struct llm_usage usage_from(const char *object)
{
    cleanup(buf_done) struct buf stream = {.limit = 10000};
    struct llm_usage usage;
    struct fed fed;

    buf_printf(&stream,
               "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],"
               "\"usage\":%s}\n\n",
               object);
    feed_well(wire, &plain_request, stream.data, &fed);
    usage = fed.answer.usage;
    fed_done(&fed);
    return usage;
}

static void test_usage_of_many_servers_becomes_the_same_buckets(void **state)
{
    struct llm_usage usage;

    (void)state;
    usage = usage_from("{\"prompt_tokens\":50,\"completion_tokens\":9,\"prompt_cache_hit_tokens\":"
                       "32,\"prompt_cache_miss_tokens\":18}");
    assert_usage(&usage, 18, 32, 0, 0, 9, 0);
    usage = usage_from("{\"prompt_tokens\":50,\"completion_tokens\":9,\"total_tokens\":159,"
                       "\"completion_tokens_details\":{\"reasoning_tokens\":100}}");
    assert_usage(&usage, 50, 0, 0, 0, 109, 100);
    usage = usage_from("{\"prompt_tokens\":50,\"completion_tokens\":200,\"total_tokens\":350,"
                       "\"completion_tokens_details\":{\"reasoning_tokens\":100}}");
    assert_usage(&usage, 50, 0, 0, 0, 300, 100);
    usage = usage_from("{\"prompt_tokens\":50,\"completion_tokens\":9,\"prompt_tokens_details\":"
                       "{\"cached_tokens\":20,\"cache_write_tokens\":30}}");
    assert_usage(&usage, 0, 20, 30, 0, 9, 0);
    usage = usage_from("{\"prompt_tokens\":50,\"completion_tokens\":9,\"prompt_tokens_details\":"
                       "null,\"completion_tokens_details\":null}");
    assert_usage(&usage, 50, 0, 0, 0, 9, 0);
}

static void test_usage_that_cannot_be_is_unknown(void **state)
{
    static const char *const bad[] = {
        "null",
        "[]",
        "{}",
        "{\"prompt_tokens\":50}",
        "{\"completion_tokens\":50}",
        "{\"prompt_tokens\":-1,\"completion_tokens\":1}",
        "{\"prompt_tokens\":1.5,\"completion_tokens\":1}",
        "{\"prompt_tokens\":\"1\",\"completion_tokens\":1}",
        "{\"prompt_tokens\":4294967296,\"completion_tokens\":1}",
        "{\"prompt_tokens\":1,\"completion_tokens\":18446744073709551615}",
        "{\"prompt_tokens\":5,\"completion_tokens\":1,\"prompt_tokens_details\":"
        "{\"cached_tokens\":6}}",
        "{\"prompt_tokens\":5,\"completion_tokens\":1,\"prompt_tokens_details\":"
        "{\"cached_tokens\":3,\"cache_write_tokens\":3}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct llm_usage usage = usage_from(bad[i]);

        assert_unknown(&usage);
    }
}

#define CALLS(calls)      DELTA("\"tool_calls\":[" calls "]")
#define ARGS(index, args) CALLS("{\"index\":" #index ",\"function\":{\"arguments\":\"" args "\"}}")
#define CALL(index, id, name)                                                                      \
    CALLS("{\"index\":" #index ",\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":"  \
          "\"" name "\",\"arguments\":\"\"}}")

static void test_calls_are_put_together_by_index(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &plain_request,
              BEGIN CALL(0, "call_1", "spend") ARGS(0, "{\\\"by\\\":") CALL(1, "call_2", "latency")
                  ARGS(1, "{}") ARGS(0, "\\\"model\\\"}") FINISH("tool_calls") DONE,
              &fed);
    assert_int_equal(fed.answer.stop, LLM_STOP_CALLS);
    assert_int_equal(fed.answer.call_count, 2);
    assert_str(fed.answer.calls[0].id, "call_1");
    assert_str(fed.answer.calls[0].name, "spend");
    assert_str(fed.answer.calls[0].args, "{\"by\":\"model\"}");
    assert_str(fed.answer.calls[1].id, "call_2");
    assert_str(fed.answer.calls[1].args, "{}");
    fed_done(&fed);
}

static void test_calls_without_a_sound_index_are_told_apart_by_id(void **state)
{
    static const char *const streams[] = {
        CALLS("{\"id\":\"a\",\"function\":{\"name\":\"one\",\"arguments\":\"{\\\"x\\\"\"}}")
            CALLS("{\"function\":{\"arguments\":\":1}\"}}")
                CALLS("{\"id\":\"b\",\"function\":{\"name\":\"two\",\"arguments\":\"{}\"}}")
                    FINISH("stop"),
        CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"one\",\"arguments\":"
              "\"{\\\"x\\\":1}\"}},{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"two\","
              "\"arguments\":null}}") FINISH("tool_calls"),
        CALL(5, "a", "one") CALL(0, "b", "two")
            CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"arguments\":\"{\\\"x\\\":1}\"}}") DONE,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(streams); i++) {
        struct fed fed;

        feed_well(wire, &plain_request, streams[i], &fed);
        assert_int_equal(fed.answer.stop, LLM_STOP_CALLS);
        assert_int_equal(fed.answer.call_count, 2);
        assert_str(fed.answer.calls[0].id, "a");
        assert_str(fed.answer.calls[0].name, "one");
        assert_str(fed.answer.calls[0].args, "{\"x\":1}");
        assert_str(fed.answer.calls[1].name, "two");
        assert_str(fed.answer.calls[1].args, "{}");
        fed_done(&fed);
    }
}

static void test_ids_that_are_missing_are_made_up(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &talk_request,
              CALLS("{\"index\":0,\"function\":{\"name\":\"one\"}}")
                  CALLS("{\"index\":1,\"id\":\"\",\"function\":{\"name\":\"two\"}}")
                      FINISH("tool_calls"),
              &fed);
    assert_str(fed.answer.calls[0].id, "call_2");
    assert_str(fed.answer.calls[1].id, "call_3");
    fed_done(&fed);
}

static void test_members_may_be_missing_or_null(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(
        wire, &plain_request,
        ": OPENROUTER PROCESSING\n\n"
        "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\",\"content\":null}}]}\n\n"
        "data: {\"choices\":null}\n\n"
        "data: {}\n\n"
        "data: {\"choices\":[{}],\"error\":null}\n\n"
        "data: {\"choices\":[{\"delta\":{\"content\":\"ok\",\"tool_calls\":null},"
        "\"finish_reason\":\"\"}]}\n\n"
        "data: {\"choices\":[{\"delta\":null,\"finish_reason\":\"stop\"}]}\n\n",
        &fed);
    assert_str(fed.answer.text, "ok");
    assert_str(fed.answer.model, "");
    assert_str(fed.answer.response_id, "");
    fed_done(&fed);
}

static void test_ends_say_why(void **state)
{
    static const struct {
        const char *stream;
        enum llm_stop stop;
    } ends[] = {
        {TEXT("a") FINISH("stop"), LLM_STOP_END},
        {TEXT("a") DONE, LLM_STOP_END},
        {TEXT("a") FINISH("eos"), LLM_STOP_END},
        {TEXT("a") FINISH("length"), LLM_STOP_LENGTH},
        {TEXT("a") FINISH("content_filter"), LLM_STOP_REFUSED},
        {DELTA("\"refusal\":\"I will not\"") FINISH("stop"), LLM_STOP_REFUSED},
        {CALL(0, "a", "b") ARGS(0, "{\\\"") FINISH("content_filter"), LLM_STOP_REFUSED},
        {CALL(0, "a", "b") ARGS(0, "{\\\"") FINISH("length"), LLM_STOP_LENGTH},
        {CALL(0, "a", "b") FINISH("stop"), LLM_STOP_CALLS},
        {FINISH("stop"), LLM_STOP_END}, /* empty, but whole */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
        struct fed fed;

        feed_well(wire, &plain_request, ends[i].stream, &fed);
        assert_int_equal(fed.answer.stop, ends[i].stop);
        assert_int_equal(fed.answer.call_count, ends[i].stop == LLM_STOP_CALLS);
        fed_done(&fed);
    }
}

static void test_nothing_behind_the_end_is_looked_at(void **state)
{
    struct fed fed;

    (void)state;
    feed_well(wire, &plain_request, TEXT("a") FINISH("stop") DONE TEXT("b") "data: {{{\n\n", &fed);
    assert_str(fed.answer.text, "a");
    fed_done(&fed);
}

static void test_failures_in_the_stream_are_told(void **state)
{
    struct fed fed;

    (void)state;
    feed(wire, &plain_request,
         TEXT("a") "data: {\"id\":\"x\",\"error\":{\"code\":502,\"message\":\"Upstream\"},"
                   "\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n",
         &fed);
    assert_int_equal(fed.code, ERR_IO);
    assert_string_equal(fed.failure.message, "Upstream");
    assert_string_equal(fed.failure.type, "502");
    fed_done(&fed);
    feed(wire, &plain_request, "data: {\"error\":\"model is loading\"}\n\n", &fed);
    assert_int_equal(fed.code, ERR_IO);
    assert_string_equal(fed.failure.message, "model is loading");
    fed_done(&fed);
    feed(wire, &plain_request, TEXT("a") FINISH("insufficient_system_resource"), &fed);
    assert_int_equal(fed.code, ERR_IO);
    assert_string_equal(fed.failure.type, "insufficient_system_resource");
    fed_done(&fed);
}

static void test_what_is_no_answer_is_refused(void **state)
{
    (void)state;
    feed_badly(wire, &plain_request, BEGIN TEXT("a"), ERR_INVALID, "ended before");
    feed_badly(wire, &plain_request, BEGIN "data: {\"choices\":[", ERR_INVALID, "ended before");
    feed_badly(wire, &plain_request, BEGIN "data: {\"choices\":[\n\n", ERR_INVALID, "malformed");
    feed_badly(wire, &plain_request, "data: [1]\n\n", ERR_INVALID, "no JSON object");
    feed_badly(wire, &plain_request, "<html>busy</html>", ERR_INVALID, "ended before");
    feed_badly(wire, &plain_request, FINISH("tool_calls"), ERR_INVALID, "names none");
    feed_badly(wire, &structured_request, TEXT("Sure: {}") FINISH("stop"), ERR_INVALID,
               "structured answer is no JSON");
    feed_badly(wire, &plain_request, CALL(0, "a", "b") ARGS(0, "{\\\"") FINISH("stop"), ERR_INVALID,
               "no JSON object");
    feed_badly(wire, &plain_request, DELTA("\"content\":\"\xff\""), ERR_INVALID, "malformed");
    feed_badly(wire, &plain_request, DELTA("\"content\":\"\\ud83d\""), ERR_INVALID, "malformed");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_body_has_the_conversation_and_the_tools),
    cmocka_unit_test(test_body_asks_for_json_by_schema),
    cmocka_unit_test(test_body_of_calls_alone_has_no_text),
    cmocka_unit_test(test_text_comes_in_deltas),
    cmocka_unit_test(test_usage_may_come_with_choices_or_not_at_all),
    cmocka_unit_test(test_usage_of_many_servers_becomes_the_same_buckets),
    cmocka_unit_test(test_usage_that_cannot_be_is_unknown),
    cmocka_unit_test(test_calls_are_put_together_by_index),
    cmocka_unit_test(test_calls_without_a_sound_index_are_told_apart_by_id),
    cmocka_unit_test(test_ids_that_are_missing_are_made_up),
    cmocka_unit_test(test_members_may_be_missing_or_null),
    cmocka_unit_test(test_ends_say_why),
    cmocka_unit_test(test_nothing_behind_the_end_is_looked_at),
    cmocka_unit_test(test_failures_in_the_stream_are_told),
    cmocka_unit_test(test_what_is_no_answer_is_refused),
};

UNIT_MAIN(tests)
