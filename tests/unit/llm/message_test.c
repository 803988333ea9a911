/*
 * An answer that is written for a run's log is read back as it was; what nobody wrote is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "llm/message.h"

#define LOG_BYTES_MAX ((size_t)4 << 20)

#define USAGE                                                                                      \
    "{\"input_uncached\":1,\"cache_read\":2,\"cache_write_5m\":3,\"cache_write_1h\":4,"            \
    "\"output\":5,\"reasoning\":6}"
#define CALL "{\"id\":\"c1\",\"name\":\"spend\",\"args\":\"{\\\"by\\\":\\\"model\\\"}\"}"
#define ANSWER(text, calls, stop, usage)                                                           \
    "{\"text\":" text ",\"calls\":" calls ",\"stop\":" stop                                        \
    ",\"model\":\"m\",\"response_id\":\"r\",\"usage\":" usage "}"

static void write_answer(const struct llm_answer *answer, struct buf *out)
{
    *out = (struct buf){.limit = LOG_BYTES_MAX};
    llm_answer_write(answer, out);
    assert_int_equal(buf_status(out), OK);
}

static void assert_round_trip(const char *json)
{
    cleanup(buf_done) struct buf again = {.limit = LOG_BYTES_MAX};
    struct llm_answer answer;
    struct error error = {0};

    if (llm_answer_read(str_from(json), &answer, &error)) {
        fail_msg("%s", error.message);
    }
    llm_answer_write(&answer, &again);
    assert_string_equal(again.data, json);
    llm_answer_done(&answer);
    llm_answer_done(&answer);
}

static void test_answers_are_read_as_they_were_written(void **state)
{
    (void)state;
    assert_round_trip(ANSWER("\"Caché\\n\\u0000😀\"", "[]", "\"end\"", USAGE));
    assert_round_trip(ANSWER("\"\"", "[" CALL "," CALL "]", "\"calls\"", "null"));
    assert_round_trip(ANSWER("\"a\"", "[]", "\"length\"", "null"));
    assert_round_trip(ANSWER("\"a\"", "[]", "\"refused\"",
                             "{\"input_uncached\":18446744073709551615,\"cache_read\":0,"
                             "\"cache_write_5m\":0,\"cache_write_1h\":0,\"output\":0,"
                             "\"reasoning\":0}"));
}

static void test_an_answer_read_has_every_part(void **state)
{
    struct llm_answer answer;
    struct error error;

    (void)state;
    assert_int_equal(llm_answer_read(str_from(ANSWER("\"hi\"", "[" CALL "]", "\"calls\"", USAGE)),
                                     &answer, &error),
                     OK);
    assert_str(answer.text, "hi");
    assert_int_equal(answer.call_count, 1);
    assert_str(answer.calls[0].id, "c1");
    assert_str(answer.calls[0].name, "spend");
    assert_str(answer.calls[0].args, "{\"by\":\"model\"}");
    assert_int_equal(answer.stop, LLM_STOP_CALLS);
    assert_str(answer.model, "m");
    assert_str(answer.response_id, "r");
    assert_true(answer.usage.is_known);
    assert_int_equal(answer.usage.input_uncached, 1);
    assert_int_equal(answer.usage.cache_write_1h, 4);
    assert_int_equal(answer.usage.reasoning, 6);
    llm_answer_done(&answer);
}

static void test_an_empty_answer_can_be_written(void **state)
{
    struct llm_answer answer;
    cleanup(buf_done) struct buf out = {0};

    (void)state;
    llm_answer_init(&answer);
    write_answer(&answer, &out);
    assert_string_equal(out.data, "{\"text\":\"\",\"calls\":[],\"stop\":\"end\",\"model\":\"\","
                                  "\"response_id\":\"\",\"usage\":null}");
    llm_answer_done(&answer);
}

static void test_what_nobody_wrote_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"text\":\"a\"}",
        ANSWER("7", "[]", "\"end\"", "null"),
        ANSWER("\"a\"", "{}", "\"end\"", "null"),
        ANSWER("\"a\"", "[7]", "\"end\"", "null"),
        ANSWER("\"a\"", "[{\"id\":\"a\",\"name\":\"b\"}]", "\"end\"", "null"),
        ANSWER("\"a\"", "[{\"id\":\"a\",\"name\":\"b\",\"args\":\"[]\"}]", "\"end\"", "null"),
        ANSWER("\"a\"", "[{\"id\":\"a\",\"name\":\"b\",\"args\":\"{\"}]", "\"end\"", "null"),
        ANSWER("\"a\"", "[{\"id\":\"a\",\"name\":\"b\",\"args\":\"\"}]", "\"end\"", "null"),
        ANSWER("\"a\"", "[]", "\"END\"", "null"),
        ANSWER("\"a\"", "[]", "0", "null"),
        ANSWER("\"a\"", "[]", "\"end\"", "{}"),
        ANSWER("\"a\"", "[]", "\"end\"", "7"),
        ANSWER("\"a\"", "[]", "\"end\"",
               "{\"input_uncached\":-1,\"cache_read\":2,\"cache_write_5m\":3,\"cache_write_1h\":4,"
               "\"output\":5,\"reasoning\":6}"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct llm_answer answer;
        struct llm_answer before;
        struct error error = {0};

        memset(&answer, 7, sizeof(answer));
        before = answer;
        assert_int_equal(llm_answer_read(str_from(bad[i]), &answer, &error), ERR_INVALID);
        assert_true(error.message[0] != '\0');
        assert_memory_equal(&answer, &before, sizeof(answer));
    }
}

/* An answer with that many bytes of text and calls of that many bytes of arguments. */
static int read_large(size_t text_bytes, size_t calls, size_t args_bytes, size_t id_bytes)
{
    cleanup(buf_done) struct buf json = {.limit = LOG_BYTES_MAX};
    struct llm_answer answer;

    buf_append(&json, STR("{\"text\":\""));
    for (size_t i = 0; i < text_bytes; i++) {
        buf_append(&json, STR("\\u0001"));
    }
    buf_append(&json, STR("\",\"calls\":["));
    for (size_t c = 0; c < calls; c++) {
        buf_append(&json, c ? STR(",{\"id\":\"") : STR("{\"id\":\""));
        for (size_t i = 0; i < id_bytes; i++) {
            buf_append_char(&json, 'i');
        }
        buf_append(&json, STR("\",\"name\":\"n\",\"args\":\"{"));
        for (size_t i = 2; i < args_bytes; i++) {
            buf_append(&json, STR("\\u0020"));
        }
        buf_append(&json, STR("}\"}"));
    }
    buf_append(&json,
               STR("],\"stop\":\"end\",\"model\":\"\",\"response_id\":\"\",\"usage\":null}"));
    assert_int_equal(buf_status(&json), OK);
    int code = llm_answer_read(buf_str(&json), &answer, NULL);
    if (!code) {
        assert_int_equal(answer.text.length, text_bytes);
        assert_int_equal(answer.call_count, calls);
        llm_answer_done(&answer);
    }
    return code;
}

static void test_answers_have_limits(void **state)
{
    (void)state;
    assert_int_equal(
        read_large(LLM_TEXT_BYTES_MAX, LLM_CALLS_MAX, LLM_ARGS_BYTES_MAX, LLM_NAME_BYTES_MAX), OK);
    assert_int_equal(read_large(LLM_TEXT_BYTES_MAX + 1, 0, 2, 1), ERR_LIMIT);
    assert_int_equal(read_large(1, LLM_CALLS_MAX + 1, 2, 1), ERR_LIMIT);
    assert_int_equal(read_large(1, 1, LLM_ARGS_BYTES_MAX + 1, 1), ERR_LIMIT);
    assert_int_equal(read_large(1, 1, 2, LLM_NAME_BYTES_MAX + 1), ERR_LIMIT);
}

static void test_stops_have_names(void **state)
{
    (void)state;
    assert_string_equal(llm_stop_name(LLM_STOP_END), "end");
    assert_string_equal(llm_stop_name(LLM_STOP_CALLS), "calls");
    assert_string_equal(llm_stop_name(LLM_STOP_LENGTH), "length");
    assert_string_equal(llm_stop_name(LLM_STOP_REFUSED), "refused");
    assert_string_equal(llm_stop_name((enum llm_stop)99), "unknown");
}

static void test_reading_survives_every_failing_allocation(void **state)
{
    int code = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; code == ERR_NO_MEMORY; nth++) {
        struct llm_answer answer;

        assert_true(nth < 100);
        (void)alloc_fail_from(nth);
        code = llm_answer_read(str_from(ANSWER("\"hi\"", "[" CALL "]", "\"calls\"", USAGE)),
                               &answer, NULL);
        (void)alloc_fail_from(0);
        if (!code) {
            llm_answer_done(&answer);
        }
    }
    assert_int_equal(code, OK);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_answers_are_read_as_they_were_written),
    cmocka_unit_test(test_an_answer_read_has_every_part),
    cmocka_unit_test(test_an_empty_answer_can_be_written),
    cmocka_unit_test(test_what_nobody_wrote_is_refused),
    cmocka_unit_test(test_answers_have_limits),
    cmocka_unit_test(test_stops_have_names),
    cmocka_unit_test(test_reading_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
