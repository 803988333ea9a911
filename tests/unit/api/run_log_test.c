/*
 * What a run did, from its events: spans open and close by their keys, and what is open stays open.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "api/run_log.h"
#include "api/tool_request.h"
#include "base/alloc.h"

#define EVENT_BYTES_MAX 4096u

static const char *const events[] = {
    "{\"type\":\"RUN_STARTED\",\"threadId\":\"t\"}",
    "{\"type\":\"STEP_STARTED\",\"stepName\":\"a\"}",
    "{\"type\":\"STEP_FINISHED\",\"stepName\":\"a\",\"durationUs\":5}",
    "{\"type\":\"STEP_STARTED\",\"stepName\":\"b\"}",
    "{\"type\":\"SUBAGENT_STARTED\",\"subagentRunId\":\"r-1\",\"name\":\"data\"}",
    "{\"type\":\"TOOL_CALL_START\",\"toolCallId\":\"c-1\",\"toolCallName\":\"cache_audit\"}",
    "{\"type\":\"TOOL_CALL_END\",\"toolCallId\":\"c-1\"}",
    "{\"type\":\"TOOL_CALL_START\",\"toolCallId\":\"c-2\",\"toolCallName\":\"cache_audit\"}",
    "{\"type\":\"TOOL_CALL_RESULT\",\"toolCallId\":\"c-1\",\"content\":\"{}\"}",
    "{\"type\":\"SUBAGENT_ERROR\",\"subagentRunId\":\"r-1\",\"name\":\"data\"}",
    "{\"type\":7}",
    "[]",
};

static int feed(struct run_log *log, struct json_parser *parser)
{
    for (size_t i = 0; i < ARRAY_LENGTH(events); i++) {
        int code = run_log_add(log, parser, (int64_t)i + 1, str_from(events[i]));

        if (code) {
            return code;
        }
    }
    return OK;
}

static void write_log(const struct run_log *log, struct buf *out)
{
    struct json_writer w = json_writer_on(out);

    buf_clear(out);
    json_begin_object(&w);
    run_log_write(log, &w);
    json_end_object(&w);
}

#define AT(us) "1970-01-01T00:00:00.0000" us "Z"

static void test_spans_open_and_close(void **state)
{
    cleanup(run_log_free_pointer) struct run_log *log = run_log_new();
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    cleanup(buf_done) struct buf out;

    (void)state;
    buf_init(&out, EVENT_BYTES_MAX);
    assert_int_equal(json_parser_new(EVENT_BYTES_MAX, &parser), OK);
    assert_non_null(log);
    assert_int_equal(feed(log, parser), OK);
    write_log(log, &out);
    assert_str(
        buf_str(&out),
        "{\"steps\":[{\"name\":\"a\",\"started_at\":\"" AT("02") "\",\"finished_at\":\"" AT("03") "\",\"duration_us\":5},{\"name\":\"b\",\"started_at\":\"" AT("04") "\"}],\"agents\":[{\"name\":\"data\",\"started_at\":\"" AT(
            "05") "\",\"finished_at\":\"" AT("10") "\"}],\"tool_calls\":[{\"id\":\"c-1\","
                                                   "\"name\":\"cache_audit\","
                                                   "\"started_at\":\"" AT(
                                                       "06") "\",\"finished_"
                                                             "at\":\"" AT("09") "\"},{"
                                                                                "\"id\":"
                                                                                "\"c-2\","
                                                                                "\"name\""
                                                                                ":\"cache"
                                                                                "_"
                                                                                "audit\","
                                                                                "\"starte"
                                                                                "d_at\":"
                                                                                "\"" AT(
                                                                                    "08") "\"}]}");
    assert_int_equal(run_log_add(log, parser, 1, STR("{")), ERR_INVALID);
}

static void test_a_log_has_a_limit(void **state)
{
    cleanup(run_log_free_pointer) struct run_log *log = run_log_new();
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    cleanup(buf_done) struct buf out;
    struct json_value root;

    (void)state;
    buf_init(&out, (size_t)1 << 20);
    assert_int_equal(json_parser_new((size_t)1 << 20, &parser), OK);
    for (size_t i = 0; i < RUN_LOG_SPANS_MAX + 10; i++) {
        assert_int_equal(run_log_add(log, parser, 1, str_from(events[1])), OK);
    }
    write_log(log, &out);
    assert_int_equal(json_parse(parser, buf_str(&out), &root, NULL), OK);
    assert_int_equal(json_count(json_at(root, "steps")), RUN_LOG_SPANS_MAX);
}

static void test_a_log_survives_every_failing_allocation(void **state)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    int code = ERR_NO_MEMORY;

    (void)state;
    assert_int_equal(json_parser_new(EVENT_BYTES_MAX, &parser), OK);
    for (uint64_t nth = 1; code; nth++) {
        assert_true(nth < 100);
        (void)alloc_fail_from(nth);
        struct run_log *log = run_log_new();
        code = log ? feed(log, parser) : ERR_NO_MEMORY;
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        run_log_free_pointer(&log);
    }
}

/* ---- the other reader of bodies: tool calls ---- */

static bool read_call(const char *json, struct buf *args, struct str *ret_dataset,
                      struct body_fault *fault, struct json_parser **parser)
{
    struct json_value root;

    buf_init(args, 256);
    assert_int_equal(json_parser_new(EVENT_BYTES_MAX, parser), OK);
    assert_int_equal(json_parse(*parser, str_from(json), &root, NULL), OK);
    return tool_request_read(root, args, ret_dataset, fault);
}

static void assert_args(const char *json, const char *expected)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    cleanup(buf_done) struct buf args;
    struct body_fault fault = {0};
    struct str dataset = {0};

    if (!read_call(json, &args, &dataset, &fault, &parser)) {
        fail_msg("%s: %s", json, fault.detail);
    }
    assert_str(buf_str(&args), expected);
}

static void assert_call_refused(const char *json, const char *pointer)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    cleanup(buf_done) struct buf args;
    struct body_fault fault = {0};
    struct str dataset = {0};

    assert_false(read_call(json, &args, &dataset, &fault, &parser));
    assert_string_equal(fault.pointer, pointer);
    assert_true(fault.detail[0] != '\0');
}

static void test_arguments_of_tools_keep_their_values(void **state)
{
    (void)state;
    assert_args("{}", "{}");
    assert_args("{\"args\":null}", "{}");
    assert_args("{\"dataset\":\"d\",\"args\":{\"a\":[1,-2,18446744073709551615],\"b\":true,\"c\":"
                "\"\\u00e9\\n\",\"d\":null}}",
                "{\"a\":[1,-2,18446744073709551615],\"b\":true,\"c\":\"é\\n\",\"d\":null}");
    assert_args("{\"args\":{\"x\":0.5,\"y\":1e300}}", "{\"x\":0.5,\"y\":1.0000000000000001e+300}");
}

static void test_arguments_of_tools_are_refused_by_place(void **state)
{
    char large[512];

    (void)state;
    assert_call_refused("[]", "");
    assert_call_refused("{\"args\":[]}", "/args");
    assert_call_refused("{\"args\":\"{}\"}", "/args");
    assert_call_refused("{\"dataset\":5}", "/dataset");
    assert_call_refused("{\"args\":{\"a\":[[[[[[[[[1]]]]]]]]]}}", "/args");
    (void)snprintf(large, sizeof(large), "{\"args\":{\"a\":\"%0300d\"}}", 1);
    assert_call_refused(large, "/args");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_spans_open_and_close),
    cmocka_unit_test(test_a_log_has_a_limit),
    cmocka_unit_test(test_a_log_survives_every_failing_allocation),
    cmocka_unit_test(test_arguments_of_tools_keep_their_values),
    cmocka_unit_test(test_arguments_of_tools_are_refused_by_place),
};

UNIT_MAIN(tests)
