/*
 * What holds for every wire: limits, the first failure is final, deltas are whole characters, and
 * lack of memory; and what wires have beside bodies and events.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "reading_fixture.h"

#include "base/alloc.h"

/* How each format says a piece of text, and the end. */
static const struct form {
    const struct llm_wire *wire;
    const char *before;
    const char *behind;
    const char *end;
} forms[] = {
    {&llm_wire_openai_responses, "data: {\"type\":\"response.output_text.delta\",\"delta\":\"",
     "\"}\n\n", "data: {\"type\":\"response.completed\",\"response\":{}}\n\n"},
    {&llm_wire_openai_chat, "data: {\"choices\":[{\"delta\":{\"content\":\"", "\"}}]}\n\n",
     "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"},
    {&llm_wire_anthropic,
     "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"",
     "\"}}\n\n", "data: {\"type\":\"message_stop\"}\n\n"},
    {&llm_wire_gemini, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"",
     "\"}]}}]}\n\n", "data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n"},
};

static void put_text(const struct form *form, const char *text, struct buf *stream)
{
    buf_append(stream, str_from(form->before));
    buf_append(stream, str_from(text));
    buf_append(stream, str_from(form->behind));
}

/* A stream with count times a text, whole. Only whole and in pieces: it may be large. */
static int feed_many(const struct form *form, const char *text, size_t count, struct fed *fed)
{
    cleanup(buf_done) struct buf stream = {.limit = (size_t)64 << 20};
    struct fed cut;

    for (size_t i = 0; i < count; i++) {
        put_text(form, text, &stream);
    }
    buf_append(&stream, str_from(form->end));
    assert_int_equal(buf_status(&stream), OK);
    feed_in_pieces(form->wire, &plain_request, buf_str(&stream), 1000003, 0, fed);
    feed_in_pieces(form->wire, &plain_request, buf_str(&stream), 1021, 0, &cut);
    assert_same_result(fed, &cut);
    fed_done(&cut);
    return fed->code;
}

static void fill(char *text, size_t size)
{
    memset(text, 'x', size - 1);
    text[size - 1] = '\0';
}

static void test_text_has_a_limit(void **state)
{
    char text[1025];
    struct fed fed;

    (void)state;
    fill(text, sizeof(text));
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        assert_int_equal(feed_many(&forms[i], text, LLM_TEXT_BYTES_MAX / 1024, &fed), OK);
        assert_int_equal(fed.answer.text.length, LLM_TEXT_BYTES_MAX);
        fed_done(&fed);
        assert_int_equal(feed_many(&forms[i], text, LLM_TEXT_BYTES_MAX / 1024 + 1, &fed),
                         ERR_LIMIT);
        assert_non_null(strstr(fed.error.message, "longer than 32768 bytes"));
        assert_int_equal(fed.deltas.length, LLM_TEXT_BYTES_MAX);
        fed_done(&fed);
        /* 10 MB of text */
        assert_int_equal(feed_many(&forms[i], text, 10240, &fed), ERR_LIMIT);
        fed_done(&fed);
    }
}

static void test_streams_have_a_limit(void **state)
{
    static char filler[65537];
    cleanup(buf_done) struct buf stream = {.limit = (size_t)64 << 20};
    const struct form *form = &forms[1];
    struct fed fed;

    (void)state;
    fill(filler, sizeof(filler));
    put_text(form, "a", &stream);
    while (stream.length < LLM_ANSWER_BYTES_MAX - sizeof(filler) - 100) {
        buf_printf(&stream, ": %s\n\n", filler);
    }
    while (stream.length < LLM_ANSWER_BYTES_MAX - strlen(form->end)) {
        buf_append(&stream, STR("\n"));
    }
    buf_append(&stream, str_from(form->end));
    assert_int_equal(stream.length, LLM_ANSWER_BYTES_MAX);
    feed_in_pieces(form->wire, &plain_request, buf_str(&stream), 100003, 0, &fed);
    assert_int_equal(fed.code, OK);
    fed_done(&fed);
    for (size_t piece = 99991; piece < 2 * stream.length; piece *= 10) {
        stream.length = LLM_ANSWER_BYTES_MAX - strlen(form->end);
        buf_append(&stream, STR("\n"));
        buf_append(&stream, str_from(form->end));
        feed_in_pieces(form->wire, &plain_request, buf_str(&stream), piece, 0, &fed);
        assert_int_equal(fed.code, ERR_LIMIT);
        assert_non_null(strstr(fed.error.message, "the stream is longer"));
        fed_done(&fed);
    }
}

static void test_calls_and_their_parts_have_limits(void **state)
{
    char name[LLM_NAME_BYTES_MAX + 2];
    static char args[LLM_ARGS_BYTES_MAX];

    (void)state;
    fill(name, sizeof(name));
    fill(args, sizeof(args));
    for (size_t calls = LLM_CALLS_MAX; calls <= LLM_CALLS_MAX + 1; calls++) {
        cleanup(buf_done) struct buf stream = {.limit = 100000};
        struct fed fed;

        for (size_t i = 0; i < calls; i++) {
            buf_printf(&stream,
                       "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%zu,"
                       "\"id\":\"c%zu\",\"function\":{\"name\":\"t\"}}]}}]}\n\n",
                       i, i);
        }
        buf_append(&stream, STR("data: [DONE]\n\n"));
        feed_str(&llm_wire_openai_chat, &plain_request, buf_str(&stream), &fed);
        assert_int_equal(fed.code, calls > LLM_CALLS_MAX ? ERR_LIMIT : OK);
        fed_done(&fed);
    }
    for (int part = 0; part < 3; part++) {
        cleanup(buf_done) struct buf stream = {.limit = 100000};
        struct fed fed;

        buf_printf(&stream,
                   "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"%s\","
                   "\"function\":{\"name\":\"%s\",\"arguments\":\"%sxx\"}}]}}]}\n\n",
                   part == 0 ? name : "i", part == 1 ? name : "n", part == 2 ? args : "");
        feed_in_pieces(&llm_wire_openai_chat, &plain_request, buf_str(&stream), 99, 0, &fed);
        assert_int_equal(fed.code, ERR_LIMIT);
        fed_done(&fed);
    }
}

static void test_names_of_answers_that_are_too_long_are_left_out(void **state)
{
    char name[LLM_NAME_BYTES_MAX + 2];
    cleanup(buf_done) struct buf stream = {.limit = 100000};
    struct fed fed;

    (void)state;
    fill(name, sizeof(name));
    buf_printf(&stream,
               "data: {\"id\":\"%s\",\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"a\"},"
               "\"finish_reason\":\"stop\"}]}\n\n",
               name);
    feed_well(&llm_wire_openai_chat, &plain_request, stream.data, &fed);
    assert_str(fed.answer.response_id, "");
    assert_str(fed.answer.model, "m");
    fed_done(&fed);
}

static void test_malformed_events_are_final(void **state)
{
    static const char *const bad[] = {"{", "x", "{\"a\":}", "\xff", "{} {}", "\"\\ud800\"", "nul"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        for (size_t k = 0; k < ARRAY_LENGTH(bad); k++) {
            cleanup(buf_done) struct buf stream = {.limit = 10000};
            struct fed fed;

            put_text(&forms[i], "a", &stream);
            buf_printf(&stream, "data: %s\n\n%s", bad[k], forms[i].end);
            feed(forms[i].wire, &plain_request, stream.data, &fed);
            assert_int_equal(fed.code, ERR_INVALID);
            assert_non_null(strstr(fed.error.message, "malformed"));
            assert_str(buf_str(&fed.deltas), "a");
            fed_done(&fed);
        }
    }
}

static void test_events_without_data_are_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        cleanup(buf_done) struct buf stream = {.limit = 10000};
        struct fed fed;

        buf_append(&stream, STR("\xef\xbb\xbf: hi\r\nretry: 5\r\n\r\ndata:\n\ndata:  \n\n"));
        put_text(&forms[i], "a", &stream);
        buf_append(&stream, str_from(forms[i].end));
        feed_well(forms[i].wire, &plain_request, stream.data, &fed);
        assert_str(fed.answer.text, "a");
        fed_done(&fed);
    }
}

static void test_after_a_failure_nothing_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        struct llm_reading *reading = NULL;
        struct llm_answer answer;
        struct error error = {0};

        assert_int_equal(llm_reading_new(forms[i].wire, &plain_request, NULL, NULL, &reading), OK);
        assert_int_equal(llm_reading_feed(reading, STR("data: {\n\n"), &error), ERR_INVALID);
        assert_int_equal(llm_reading_feed(reading, str_from(forms[i].end), &error), ERR_INVALID);
        assert_int_equal(llm_reading_finish(reading, &answer, &error), ERR_INVALID);
        llm_reading_free(reading);
    }
    llm_reading_free(NULL);
}

static void test_nobody_needs_to_listen(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        cleanup(buf_done) struct buf stream = {.limit = 10000};
        struct llm_reading *reading = NULL;
        struct llm_answer answer;

        put_text(&forms[i], "a", &stream);
        buf_append(&stream, str_from(forms[i].end));
        assert_int_equal(llm_reading_new(forms[i].wire, &plain_request, NULL, NULL, &reading), OK);
        assert_int_equal(llm_reading_feed(reading, buf_str(&stream), NULL), OK);
        assert_int_equal(llm_reading_finish(reading, &answer, NULL), OK);
        llm_reading_free(reading);
        assert_str(answer.text, "a"); /* is the answer's own */
        llm_answer_done(&answer);
    }
}

static int read_with_calls(struct llm_answer *answer)
{
    static const char stream[] =
        "data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"a\","
        "\"tool_calls\":[{\"function\":{\"name\":\"t\",\"arguments\":\"{}\"}}]}}]}\n\n"
        "data: [DONE]\n\n";
    struct llm_reading *reading = NULL;
    struct error error;
    int code = llm_reading_new(&llm_wire_openai_chat, &plain_request, NULL, NULL, &reading);

    if (!code) {
        code = llm_reading_feed(reading, str_from(stream), &error);
    }
    if (!code) {
        code = llm_reading_finish(reading, answer, &error);
    }
    llm_reading_free(reading);
    return code;
}

static void test_reading_survives_every_failing_allocation(void **state)
{
    struct llm_answer answer;
    int code = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; code == ERR_NO_MEMORY; nth++) {
        assert_true(nth < 100);
        (void)alloc_fail_from(nth);
        code = read_with_calls(&answer);
        (void)alloc_fail_from(0);
    }
    assert_int_equal(code, OK);
    llm_answer_done(&answer);
}

/* ---- what wires have beside ---- */

static void test_wires_are_found_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        assert_ptr_equal(llm_wire_find(str_from(forms[i].wire->name)), forms[i].wire);
    }
    assert_null(llm_wire_find(STR("")));
    assert_null(llm_wire_find(STR("openai")));
}

static void assert_path(const struct llm_wire *wire, const char *model, const char *expected)
{
    cleanup(buf_done) struct buf out = {.limit = 1000};

    wire->write_path(str_from(model), &out);
    assert_str(buf_str(&out), expected);
}

static void test_paths_name_the_model_only_for_gemini(void **state)
{
    (void)state;
    assert_path(&llm_wire_openai_responses, "m", "/responses");
    assert_path(&llm_wire_openai_chat, "m", "/chat/completions");
    assert_path(&llm_wire_anthropic, "m", "/v1/messages");
    assert_path(&llm_wire_gemini, "gemini-2.5-flash",
                "/models/gemini-2.5-flash:streamGenerateContent?alt=sse");
    assert_path(&llm_wire_gemini, "models/a b/é?#",
                "/models/a%20b%2F%C3%A9%3F%23:streamGenerateContent?alt=sse");
}

static void assert_key(const struct llm_wire *wire, const char *name, const char *value)
{
    cleanup(buf_done) struct buf out = {.limit = 1000};

    assert_string_equal(wire->write_key(STR("k1"), &out), name);
    assert_str(buf_str(&out), value);
    buf_clear(&out);
    assert_null(wire->write_key((struct str){NULL, 0}, &out));
    assert_int_equal(out.length, 0);
}

static void test_keys_have_their_headers(void **state)
{
    (void)state;
    assert_key(&llm_wire_openai_responses, "Authorization", "Bearer k1");
    assert_key(&llm_wire_openai_chat, "Authorization", "Bearer k1");
    assert_key(&llm_wire_anthropic, "x-api-key", "k1");
    assert_key(&llm_wire_gemini, "x-goog-api-key", "k1");
    assert_string_equal(llm_wire_anthropic.headers[0].name, "anthropic-version");
    assert_string_equal(llm_wire_anthropic.headers[0].value, "2023-06-01");
}

static void test_bodies_that_are_too_long_say_so(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        cleanup(buf_done) struct buf out = {.limit = 100};

        forms[i].wire->write_body(&talk_request, STR("m"), &out);
        assert_int_equal(buf_status(&out), ERR_LIMIT);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_text_has_a_limit),
    cmocka_unit_test(test_streams_have_a_limit),
    cmocka_unit_test(test_calls_and_their_parts_have_limits),
    cmocka_unit_test(test_names_of_answers_that_are_too_long_are_left_out),
    cmocka_unit_test(test_malformed_events_are_final),
    cmocka_unit_test(test_events_without_data_are_none),
    cmocka_unit_test(test_after_a_failure_nothing_is_taken),
    cmocka_unit_test(test_nobody_needs_to_listen),
    cmocka_unit_test(test_reading_survives_every_failing_allocation),
    cmocka_unit_test(test_wires_are_found_by_name),
    cmocka_unit_test(test_paths_name_the_model_only_for_gemini),
    cmocka_unit_test(test_keys_have_their_headers),
    cmocka_unit_test(test_bodies_that_are_too_long_say_so),
};

UNIT_MAIN(tests)
