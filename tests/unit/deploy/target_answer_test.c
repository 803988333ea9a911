/*
 * What a target says is data of a stranger: good answers are read whole, everything else is refused
 * with a sentence, and no text gets through that a terminal would obey.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "deploy/target.h"

#define ARENA_BYTES ((size_t)4 << 20)

static struct arena arena;
static struct error error;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, ARENA_BYTES);
    error = (struct error){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static int read_answer(enum target_verb verb, const char *out, int exit_status,
                       struct target_answer *answer)
{
    return target_read_answer(verb, str_from(out), exit_status, &arena, answer, &error);
}

static void test_answer_is_the_last_line(void **state)
{
    struct target_answer answer;

    (void)state;
    assert_int_equal(read_answer(TARGET_RELEASE,
                                 "building…\n{\"revision\":\"no\"}\n"
                                 "{\"revision\":\"r1\",\"url\":\"http://127.0.0.1:1\"}\n\n",
                                 0, &answer),
                     OK);
    assert_int_equal(answer.result, TARGET_DONE);
    assert_str(answer.revision, "r1");
    assert_str(answer.url, "http://127.0.0.1:1");
    assert_int_equal(answer.serving.length, 0);
}

static void test_answer_of_status(void **state)
{
    struct target_answer answer;
    const char *text = "{\"revision\":\"r2\",\"ready\":true,\"url\":null,\"serving\":null,"
                       "\"public_url\":\"https://n.example.org\",\"reason\":\"so\",\"more\":[1]}";

    (void)state;
    assert_int_equal(read_answer(TARGET_STATUS, text, TARGET_EXIT_NOT_YET, &answer), OK);
    assert_int_equal(answer.result, TARGET_NOT_YET);
    assert_true(answer.is_ready);
    assert_str(answer.reason, "so");
    assert_str(answer.public_url, "https://n.example.org");
    assert_int_equal(answer.serving.length, 0);
    /* Only status may ask for patience. */
    assert_int_equal(read_answer(TARGET_SWITCH, text, TARGET_EXIT_NOT_YET, &answer), OK);
    assert_int_equal(answer.result, TARGET_FAILED);
}

static void test_answer_of_describe_and_cost(void **state)
{
    struct target_answer answer;

    (void)state;
    assert_int_equal(read_answer(TARGET_DESCRIBE,
                                 "{\"services\":[\"auth\",\"backend\"],\"can_promote\":true}", 0,
                                 &answer),
                     OK);
    assert_int_equal(answer.service_count, 2);
    assert_str(answer.services[1], "backend");
    assert_true(answer.can_promote);
    assert_int_equal(
        read_answer(TARGET_COST,
                    "{\"lines\":[{\"what\":\"memory\",\"quantity\":2.5,\"unit\":\"GiB\","
                    "\"usd_per_unit\":null,\"source\":\"a page\"},{\"usd_per_unit\":-1}],"
                    "\"usd_per_month\":12}",
                    0, &answer),
        OK);
    assert_int_equal(answer.cost_count, 2);
    assert_true(answer.costs[0].has_quantity && !answer.costs[0].has_price);
    assert_false(answer.costs[1].has_price); /* no price is below nothing */
    assert_true(answer.has_sum && answer.usd_per_month == 12);
}

static void test_answer_of_failures(void **state)
{
    static const struct {
        const char *out;
        int exit_status;
        const char *code;
        const char *message;
    } rows[] = {
        {"{\"error\":{\"code\":\"quota\",\"message\":\"no more\",\"hint\":\"ask\"}}", 1, "quota",
         "no more"},
        {"{\"error\":{\"message\":7}}", 1, "failed", "exit status 1 and no reason"},
        {"Traceback (most recent call last)", 1, "failed", "exit status 1 and no reason"},
        {"", -1, "failed", "it was ended by a signal and said nothing"},
        {"[]", 2, "failed", "exit status 2 and no reason"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct target_answer answer;

        assert_int_equal(read_answer(TARGET_SWITCH, rows[i].out, rows[i].exit_status, &answer), OK);
        assert_int_equal(answer.result, TARGET_FAILED);
        assert_string_equal(answer.error_code.data, rows[i].code);
        assert_string_equal(answer.error_message.data, rows[i].message);
    }
}

static void test_answer_is_refused(void **state)
{
    static const struct {
        enum target_verb verb;
        const char *out;
        const char *why;
    } rows[] = {
        {TARGET_PUSH, "", "no JSON object"},
        {TARGET_PUSH, "done", "no JSON object"},
        {TARGET_PUSH, "[\"image\"]", "no JSON object"},
        {TARGET_PUSH, "{}", "to push has no image"},
        {TARGET_PUSH, "{\"image\":3}", "image is not a text"},
        {TARGET_BUILD, "{\"image\":\"x\"}", "to build has no digest"},
        {TARGET_RELEASE, "{\"revision\":\"r1\"}", "to release has no url"},
        {TARGET_RELEASE, "{\"revision\":\"../r\",\"url\":\"http://a\"}", "revision is not an id"},
        {TARGET_RELEASE, "{\"revision\":\"r\",\"url\":\"file:///etc/passwd\"}", "url is not an"},
        {TARGET_RELEASE, "{\"revision\":\"r\",\"url\":\"http://\"}", "url is not an"},
        {TARGET_RELEASE, "{\"revision\":\"r\",\"url\":\"http://a b\"}", "url is not an"},
        {TARGET_RELEASE, "{\"revision\":\"r\",\"url\":\"http://me:pw@a\"}", "url is not an"},
        {TARGET_SWITCH, "{\"serving\":null,\"public_url\":\"http://a\"}", "has no serving"},
        {TARGET_STATUS, "{\"ready\":\"yes\"}", "ready is not true or false"},
        {TARGET_DESCRIBE, "{\"services\":[\"A\"]}", "a service is no id"},
        {TARGET_DESCRIBE, "{\"services\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]}",
         "more than 8 services"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct target_answer answer = {.result = TARGET_DONE};

        if (read_answer(rows[i].verb, rows[i].out, 0, &answer) == OK ||
            !strstr(error.message, rows[i].why)) {
            fail_msg("%s: %s", rows[i].out, error.message);
        }
    }
}

static void test_answer_texts_are_clean_and_cut(void **state)
{
    cleanup(buf_done) struct buf text;
    struct target_answer answer;

    (void)state;
    buf_init(&text, 1 << 16);
    buf_append(&text, STR("{\"reason\":\"\\u001b[31mred\\n\\u0000"));
    for (int i = 0; i < 3000; i++) {
        buf_append(&text, STR("é"));
    }
    buf_append(&text, STR("\"}"));
    assert_int_equal(target_read_answer(TARGET_STATUS, buf_str(&text), 0, &arena, &answer, &error),
                     OK);
    assert_true(str_starts_with(answer.reason, STR("?[31mred??é")));
    assert_true(answer.reason.length <= TARGET_TEXT_BYTES_MAX);
    assert_true(str_is_utf8(answer.reason));
}

static void test_answer_without_memory(void **state)
{
    const char *text = "{\"services\":[\"all\"],\"image\":\"x\",\"lines\":[{\"what\":\"y\"}]}";
    int code = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; code != OK && nth < 50; nth++) {
        struct target_answer answer;
        struct arena own;

        arena_init(&own, ARENA_BYTES);
        (void)alloc_fail_from(nth);
        code = target_read_answer(TARGET_PUSH, str_from(text), 0, &own, &answer, &error);
        (void)alloc_fail_from(0);
        arena_done(&own);
        assert_true(code == OK || code == ERR_NO_MEMORY);
    }
    assert_int_equal(code, OK);
}

static void test_ids(void **state)
{
    (void)state;
    assert_true(target_is_id(STR("netra-staging")));
    assert_true(target_is_id(STR("r20261123-101530-9f3c")));
    assert_false(target_is_id(STR("")));
    assert_false(target_is_id(STR("A")));
    assert_false(target_is_id(STR("a/b")));
    assert_false(target_is_id(STR("a.b")));
    assert_true(
        target_is_id(STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
    assert_false(
        target_is_id(STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answer_is_the_last_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answer_of_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answer_of_describe_and_cost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answer_of_failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answer_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answer_texts_are_clean_and_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answer_without_memory, set_up, tear_down),
        cmocka_unit_test(test_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
