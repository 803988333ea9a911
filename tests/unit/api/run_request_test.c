/*
 * How a run is asked for: the three dialects, what each member takes, and where a fault is shown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "api/run_request.h"
#include "ask/interpretation.h"
#include "base/alloc.h"
#include "store/store.h"

#define BODY_BYTES_MAX 262144u

struct reading {
    struct json_parser *parser;
    struct buf joined;
    struct runner_request request;
    struct body_fault fault;
    bool ok;
};

enum dialect { REST, WS, AGUI };

static struct reading read_body(enum dialect dialect, const char *json)
{
    struct reading r = {0};
    struct json_value root;
    struct error error;

    buf_init(&r.joined, BODY_BYTES_MAX);
    assert_int_equal(json_parser_new(BODY_BYTES_MAX, &r.parser), OK);
    if (json_parse(r.parser, str_from(json), &root, &error)) {
        fail_msg("%s: %s", json, error.message);
    }
    r.ok = dialect == AGUI
               ? run_request_read_agui(root, &r.joined, &r.request, &r.fault)
               : run_request_read(root, dialect == WS ? RUN_DIALECT_WS : RUN_DIALECT_REST,
                                  &r.request, &r.fault);
    return r;
}

static void reading_done(struct reading *r)
{
    json_parser_free(r->parser);
    buf_done(&r->joined);
}

static void assert_refused(enum dialect dialect, const char *json, const char *pointer,
                           const char *part)
{
    cleanup(reading_done) struct reading r = read_body(dialect, json);

    assert_false(r.ok);
    assert_string_equal(r.fault.pointer, pointer);
    if (!strstr(r.fault.detail, part)) {
        fail_msg("%s: '%s' does not say '%s'", json, r.fault.detail, part);
    }
    assert_int_equal(r.request.prompt.length, 0);
}

static void test_each_dialect_has_its_names(void **state)
{
    cleanup(reading_done) struct reading rest =
        read_body(REST, "{\"prompt\":\"p\",\"thread_id\":\"t\",\"run_id\":\"r\",\"dataset\":\"d\","
                        "\"seed\":7,\"threadId\":\"no\"}");
    cleanup(reading_done) struct reading ws =
        read_body(WS, "{\"type\":\"run\",\"prompt\":\"p\",\"threadId\":\"t\",\"runId\":\"r\","
                      "\"dataset\":\"d\",\"seed\":7,\"thread_id\":\"no\"}");
    cleanup(reading_done) struct reading agui = read_body(
        AGUI, "{\"threadId\":\"t\",\"runId\":\"r\",\"messages\":[{\"role\":\"user\",\"content\":"
              "\"old\"},{\"role\":\"assistant\",\"content\":null},{\"role\":\"user\",\"content\":"
              "\"p\"},{\"role\":\"tool\",\"content\":\"x\"}],\"tools\":[],\"context\":[],"
              "\"state\":{},\"forwardedProps\":{\"dataset\":\"d\",\"seed\":7,\"more\":1}}");
    const struct reading *all[] = {&rest, &ws, &agui};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
        assert_true(all[i]->ok);
        assert_str(all[i]->request.prompt, "p");
        assert_str(all[i]->request.thread_id, "t");
        assert_str(all[i]->request.run_id, "r");
        assert_str(all[i]->request.dataset_id, "d");
        assert_int_equal(all[i]->request.seed, 7);
    }
}

static void test_all_but_the_prompt_may_be_absent_or_null(void **state)
{
    cleanup(reading_done) struct reading r =
        read_body(REST, "{\"prompt\":\" p \",\"dataset\":null,\"seed\":null}");

    (void)state;
    assert_true(r.ok);
    assert_str(r.request.prompt, " p ");
    assert_int_equal(r.request.thread_id.length + r.request.run_id.length +
                         r.request.dataset_id.length + r.request.seed,
                     0);
}

static void test_faults_name_their_place(void **state)
{
    (void)state;
    assert_refused(REST, "[]", "", "must be a JSON object");
    assert_refused(REST, "{}", "/prompt", "is missing");
    assert_refused(REST, "{\"prompt\":null}", "/prompt", "is missing");
    assert_refused(REST, "{\"prompt\":\" \\n\\t \"}", "/prompt", "is empty");
    assert_refused(REST, "{\"prompt\":[\"a\"]}", "/prompt", "must be a text");
    assert_refused(REST, "{\"prompt\":\"p\",\"dataset\":\"../x\"}", "/dataset", "must be an id");
    assert_refused(REST, "{\"prompt\":\"p\",\"dataset\":\"\"}", "/dataset", "must be an id");
    assert_refused(WS, "{\"prompt\":\"p\",\"runId\":\"a b\"}", "/runId", "must be an id");
    assert_refused(WS, "{\"prompt\":\"p\",\"threadId\":1}", "/threadId", "must be an id");
    assert_refused(REST, "{\"prompt\":\"p\",\"seed\":-1}", "/seed", "whole number from 0");
    assert_refused(REST, "{\"prompt\":\"p\",\"seed\":1.5}", "/seed", "whole number");
    assert_refused(REST, "{\"prompt\":\"p\",\"seed\":9007199254740992}", "/seed", "whole number");
    assert_refused(AGUI, "{}", "/messages", "must be a list");
    assert_refused(AGUI, "{\"messages\":[]}", "/messages", "no message of role user");
    assert_refused(AGUI, "{\"messages\":[1]}", "/messages", "no role");
    assert_refused(AGUI, "{\"messages\":[{\"role\":\"user\",\"content\":\" \"}]}", "/messages",
                   "is empty");
    assert_refused(AGUI, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"x\"}]}]}",
                   "/messages", "no type");
    assert_refused(AGUI, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]}",
                   "/messages", "no text");
    assert_refused(AGUI,
                   "{\"messages\":[{\"role\":\"user\",\"content\":\"p\"}],\"forwardedProps\":7}",
                   "/forwardedProps", "must be an object");
    assert_refused(AGUI,
                   "{\"messages\":[{\"role\":\"user\",\"content\":\"p\"}],\"forwardedProps\":{"
                   "\"seed\":\"1\"}}",
                   "/forwardedProps/seed", "whole number");
}

static void test_parts_of_a_message_are_joined(void **state)
{
    cleanup(reading_done) struct reading r = read_body(
        AGUI, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
              "{\"type\":\"image\",\"source\":{}},{\"type\":\"text\",\"text\":\"b\"}]}]}");

    (void)state;
    assert_true(r.ok);
    assert_str(r.request.prompt, "a\nb");
}

static void test_prompts_have_a_limit(void **state)
{
    static char json[ASK_PROMPT_BYTES_MAX + 64];
    size_t head = strlen("{\"prompt\":\"");

    (void)state;
    memset(json, 'a', sizeof(json));
    memcpy(json, "{\"prompt\":\"", head);
    memcpy(json + head + ASK_PROMPT_BYTES_MAX, "\"}", 3);
    cleanup(reading_done) struct reading r = read_body(REST, json);
    assert_true(r.ok);
    assert_int_equal(r.request.prompt.length, ASK_PROMPT_BYTES_MAX);
    memcpy(json + head + ASK_PROMPT_BYTES_MAX + 1, "\"}", 3);
    json[head + ASK_PROMPT_BYTES_MAX] = 'a';
    assert_refused(REST, json, "/prompt", "longer than 65536 bytes");
}

static void test_ids_have_a_form(void **state)
{
    static const char *const good[] = {
        "a", "Z-9_", "019ab5d4-0000-7000-8000-000000000000",
        "0123456789012345678901234567890123456789012345678901234567890123"};
    static const char *const bad[] = {
        "",
        "a/b",
        "..",
        "a b",
        "\xc3\xa9",
        "a\n",
        "01234567890123456789012345678901234567890123456789012345678901234"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        assert_true(store_is_id(str_from(good[i])));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        assert_false(store_is_id(str_from(bad[i])));
    }
    assert_false(store_is_id((struct str){"a\0b", 3}));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_each_dialect_has_its_names),
    cmocka_unit_test(test_all_but_the_prompt_may_be_absent_or_null),
    cmocka_unit_test(test_faults_name_their_place),
    cmocka_unit_test(test_parts_of_a_message_are_joined),
    cmocka_unit_test(test_prompts_have_a_limit),
    cmocka_unit_test(test_ids_have_a_form),
};

UNIT_MAIN(tests)
