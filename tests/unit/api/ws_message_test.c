/*
 * What a client says on /ws: each message with its members, and what is refused, with the place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "api/ws_message.h"

#define TEXT_BYTES_MAX 65536u

struct reading {
    struct json_parser *parser;
    struct ws_message message;
    struct body_fault fault;
    bool ok;
};

static struct reading read_text(const char *json)
{
    struct reading r = {0};
    struct json_value root;
    struct error error;

    assert_int_equal(json_parser_new(TEXT_BYTES_MAX, &r.parser), OK);
    if (json_parse(r.parser, str_from(json), &root, &error)) {
        fail_msg("%s: %s", json, error.message);
    }
    r.ok = ws_message_read(root, &r.message, &r.fault);
    return r;
}

static void reading_done(struct reading *r)
{
    json_parser_free(r->parser);
}

static void test_ws_message_run_has_what_a_run_takes(void **state)
{
    cleanup(reading_done) struct reading r =
        read_text("{\"type\":\"run\",\"prompt\":\"why?\",\"threadId\":\"t-1\",\"runId\":\"r_1\","
                  "\"dataset\":\"d1\",\"seed\":7,\"more\":[]}");

    (void)state;
    assert_true(r.ok);
    assert_int_equal(r.message.type, WS_MESSAGE_RUN);
    assert_str(r.message.run.prompt, "why?");
    assert_str(r.message.run.thread_id, "t-1");
    assert_str(r.message.run.run_id, "r_1");
    assert_str(r.message.run.dataset_id, "d1");
    assert_int_equal(r.message.run.seed, 7);
}

static void test_ws_message_resume_and_cancel_name_a_run(void **state)
{
    cleanup(reading_done) struct reading resume =
        read_text("{\"runId\":\"r1\",\"lastSeq\":9007199254740991,\"type\":\"resume\"}");
    cleanup(reading_done) struct reading first =
        read_text("{\"type\":\"resume\",\"runId\":\"r1\"}");
    cleanup(reading_done) struct reading cancel =
        read_text("{\"type\":\"cancel\",\"runId\":\"r2\"}");
    cleanup(reading_done) struct reading ping = read_text("{\"type\":\"ping\"}");

    (void)state;
    assert_true(resume.ok && first.ok && cancel.ok && ping.ok);
    assert_int_equal(resume.message.type, WS_MESSAGE_RESUME);
    assert_str(resume.message.run_id, "r1");
    assert_int_equal(resume.message.last_seq, 9007199254740991);
    assert_int_equal(first.message.last_seq, 0);
    assert_int_equal(cancel.message.type, WS_MESSAGE_CANCEL);
    assert_str(cancel.message.run_id, "r2");
    assert_int_equal(ping.message.type, WS_MESSAGE_PING);
}

static void test_ws_message_faults_say_where(void **state)
{
    static const struct {
        const char *json;
        const char *pointer;
        const char *reply_to; /* NULL: not understood that far */
    } cases[] = {
        {"[]", "", NULL},
        {"\"run\"", "", NULL},
        {"null", "", NULL},
        {"{}", "/type", NULL},
        {"{\"type\":7}", "/type", NULL},
        {"{\"type\":\"RUN\"}", "/type", NULL},
        {"{\"type\":\"run \"}", "/type", NULL},
        {"{\"type\":\"run\"}", "/prompt", "run"},
        {"{\"type\":\"run\",\"prompt\":\"  \"}", "/prompt", "run"},
        {"{\"type\":\"run\",\"prompt\":\"a\",\"threadId\":\"a b\"}", "/threadId", "run"},
        {"{\"type\":\"run\",\"prompt\":\"a\",\"seed\":-1}", "/seed", "run"},
        {"{\"type\":\"run\",\"prompt\":\"a\",\"seed\":1.5}", "/seed", "run"},
        {"{\"type\":\"resume\"}", "/runId", "resume"},
        {"{\"type\":\"resume\",\"runId\":\"\"}", "/runId", "resume"},
        {"{\"type\":\"resume\",\"runId\":\"a/b\"}", "/runId", "resume"},
        {"{\"type\":\"resume\",\"runId\":\"a\",\"lastSeq\":\"1\"}", "/lastSeq", "resume"},
        {"{\"type\":\"resume\",\"runId\":\"a\",\"lastSeq\":-1}", "/lastSeq", "resume"},
        {"{\"type\":\"cancel\",\"runId\":null}", "/runId", "cancel"},
        {"{\"type\":\"cancel\",\"runId\":5}", "/runId", "cancel"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        cleanup(reading_done) struct reading r = read_text(cases[i].json);
        const char *type = ws_message_type_name(r.message.type);

        if (r.ok || strcmp(r.fault.pointer, cases[i].pointer) != 0 || !r.fault.detail[0]) {
            fail_msg("%s: %d at '%s': %s", cases[i].json, r.ok, r.fault.pointer, r.fault.detail);
        }
        if (cases[i].reply_to) {
            assert_string_equal(type, cases[i].reply_to);
        } else {
            assert_null(type);
        }
    }
}

static void test_ws_protocol_is_found_in_a_list(void **state)
{
    struct str ours = STR("ag-ui.v1+json");

    (void)state;
    assert_true(ws_protocol_is_offered(STR("ag-ui.v1+json"), ours));
    assert_true(ws_protocol_is_offered(STR("chat,\t ag-ui.v1+json ,x"), ours));
    assert_true(ws_protocol_is_offered(STR("chat,ag-ui.v1+json"), ours));
    assert_false(ws_protocol_is_offered(STR(""), ours));
    assert_false(ws_protocol_is_offered(STR(","), ours));
    assert_false(ws_protocol_is_offered(STR("ag-ui.v1+jsonx, ag-ui"), ours));
    assert_false(ws_protocol_is_offered(STR("ag-ui.v1 +json"), ours));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ws_message_run_has_what_a_run_takes),
    cmocka_unit_test(test_ws_message_resume_and_cancel_name_a_run),
    cmocka_unit_test(test_ws_message_faults_say_where),
    cmocka_unit_test(test_ws_protocol_is_found_in_a_list),
};

UNIT_MAIN(tests)
