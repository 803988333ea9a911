/*
 * Events as JSON: every one that a real run makes has what AG-UI asks for, hostile and huge texts
 * stay one JSON string below the limit, the summary's parts are the message, and every failing
 * allocation is told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../tool/tool_fixture.h"

#include "agent/run_events.h"

#define EVENTS_MAX 600

static const struct run_names names = {.run_id = {"run-1", 5}, .thread_id = {"thread-1", 8}};

struct log {
    char *json[EVENTS_MAX];
    size_t count;
};

static int keep(struct str json, void *arg)
{
    struct log *log = arg;

    assert_true(log->count < EVENTS_MAX);
    assert_true(json.length + RUN_EVENT_SEQ_BYTES_MAX <= RUN_EVENT_BYTES_MAX);
    log->json[log->count] = strndup(json.data, json.length);
    assert_non_null(log->json[log->count++]);
    return OK;
}

static void log_done(struct log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        free(log->json[i]);
    }
    log->count = 0;
}

static struct json_parser *parser;

/* Valid until the next one. */
static struct json_value parsed(struct str json)
{
    struct json_value root;
    struct error error = {0};

    if (json_parse(parser, json, &root, &error)) {
        fail_msg("%s: %.*s", error.message, STR_ARGS(json));
    }
    return root;
}

static struct str text_at(struct json_value value, const char *key)
{
    struct str text = STR("");

    if (!json_get_str(json_at(value, key), &text)) {
        fail_msg("there is no text '%s'", key);
    }
    return text;
}

static bool is_type(const char *json, const char *type)
{
    return str_equal(text_at(parsed(str_from(json)), "type"), str_from(type));
}

static int64_t clock_us(void)
{
    static int64_t now_us = INT64_C(1767225600000000);

    return now_us += 1500;
}

static void encode(const struct run_event *event, void *arg)
{
    assert_int_equal(run_events_of(&names, event, keep, arg), OK);
}

/* A whole run; its report is the caller's run's. */
static struct run *logged_run(const char *prompt, const struct dataset *dataset, struct log *log)
{
    struct run_options options = {.prompt = str_from(prompt),
                                  .dataset = dataset,
                                  .book = dataset->book,
                                  .id = STR("report-1"),
                                  .seed = 1,
                                  .clock = clock_us,
                                  .observer = encode,
                                  .observer_arg = log};
    struct run *run;
    struct error error = {0};
    bool done = false;

    assert_int_equal(run_new(&options, &run, &error), OK);
    while (!done) {
        assert_int_equal(run_step(run, &done, &error), OK);
    }
    run_delivered(run);
    return run;
}

static size_t count_of(const struct log *log, const char *type)
{
    size_t count = 0;

    for (size_t i = 0; i < log->count; i++) {
        count += is_type(log->json[i], type);
    }
    return count;
}

static void test_every_event_says_what_when_and_of_which_run(void **state)
{
    struct dataset *dataset = sample_dataset();
    struct log log = {0};
    int64_t before_ms = 0;

    (void)state;
    run_free(logged_run("reduce costs by 20 %; audit my caching", dataset, &log));
    for (size_t i = 0; i < log.count; i++) {
        struct json_value root = parsed(str_from(log.json[i]));
        int64_t at_ms;

        assert_true(text_at(root, "type").length > 0);
        assert_str(text_at(root, "runId"), "run-1");
        assert_true(json_get_i64(json_at(root, "timestamp"), &at_ms));
        assert_true(at_ms >= before_ms && at_ms > INT64_C(1767225600000) &&
                    at_ms < INT64_C(1767225700000));
        before_ms = at_ms;
    }
    assert_int_equal(count_of(&log, "STEP_STARTED"), 6);
    assert_int_equal(count_of(&log, "STEP_FINISHED"), 6);
    assert_int_equal(count_of(&log, "STATE_SNAPSHOT"), 1);
    assert_int_equal(count_of(&log, "SUBAGENT_STARTED"), 6);
    assert_int_equal(count_of(&log, "SUBAGENT_FINISHED"), 6);
    assert_true(count_of(&log, "TOOL_CALL_START") >= 4);
    assert_int_equal(count_of(&log, "TOOL_CALL_START"), count_of(&log, "TOOL_CALL_RESULT"));
    log_done(&log);
    dataset_close(dataset);
}

/* START, ARGS and END come when the tool begins, the result when it has one; all name the agent. */
static void test_a_tool_call_is_four_events_of_its_agent(void **state)
{
    static const char *const types[] = {"TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END",
                                        "TOOL_CALL_RESULT"};
    struct dataset *dataset = sample_dataset();
    struct log log = {0};
    size_t at = 0;
    char copy[4096];
    int64_t facts;

    (void)state;
    run_free(logged_run("where does the money go?", dataset, &log));
    while (at < log.count && !is_type(log.json[at], types[0])) {
        at++;
    }
    assert_str(text_at(parsed(str_from(log.json[at])), "toolCallName"), "dataset_profile");
    for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
        struct json_value root = parsed(str_from(log.json[at + i]));

        assert_str(text_at(root, "type"), types[i]);
        assert_str(text_at(root, "toolCallId"), "run-1-call-0");
        assert_str(text_at(root, "subagentRunId"), "run-1-agent-2");
    }
    assert_str(text_at(parsed(str_from(log.json[at + 1])), "delta"), "{}");
    struct str content = text_at(parsed(str_from(log.json[at + 3])), "content");
    (void)snprintf(copy, sizeof(copy), "%.*s", STR_ARGS(content));
    struct json_value result = parsed(str_from(copy));
    assert_true(json_get_i64(json_at(result, "facts"), &facts) && facts > 5);
    assert_int_equal(json_count(json_at(result, "first")), 5);
    struct json_iterator first = json_iterate(json_at(result, "first"));
    assert_true(json_next(&first));
    assert_true(text_at(first.value, "label").length > 0);
    assert_true(text_at(first.value, "printed").length > 0);
    log_done(&log);
    dataset_close(dataset);
}

/* ---- texts of others ---- */

static void one_started(struct str prompt, struct log *log)
{
    struct buf out;

    buf_init(&out, RUN_EVENT_BYTES_MAX);
    run_events_started(&names, 0, STR("m"), prompt, STR("set"), UINT64_MAX, &out);
    assert_int_equal(buf_status(&out), OK);
    assert_int_equal(keep(buf_str(&out), log), OK);
    buf_done(&out);
}

static struct str prompt_of(const char *json)
{
    struct json_iterator it =
        json_iterate(json_at(json_at(parsed(str_from(json)), "input"), "messages"));

    assert_true(json_next(&it));
    assert_str(text_at(it.value, "role"), "user");
    return text_at(it.value, "content");
}

static void test_a_prompt_is_one_string_whatever_it_holds(void **state)
{
    static const char *const prompts[] = {"\"},\"type\":\"RUN_FINISHED\",\"x\":{\"",
                                          "line\nline\r\t\x01\x7f", "</script>\\u0000", "日本語 ü"};
    struct log log = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(prompts); i++) {
        one_started(str_from(prompts[i]), &log);
        assert_str(prompt_of(log.json[i]), prompts[i]);
        assert_str(text_at(parsed(str_from(log.json[i])), "type"), "RUN_STARTED");
    }
    one_started(STR("\xff\xfe\xc3"), &log);
    assert_str(prompt_of(log.json[log.count - 1]), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    log_done(&log);
}

static void test_a_prompt_of_the_worst_bytes_is_cut_below_the_limit(void **state)
{
    static const char *const fillings[] = {"\x01", "\"", "\xff", "ü", "a", "\xe2\x82"};
    struct log log = {0};
    char *prompt = malloc(ASK_PROMPT_BYTES_MAX);

    (void)state;
    assert_non_null(prompt);
    for (size_t f = 0; f < ARRAY_LENGTH(fillings); f++) {
        size_t width = strlen(fillings[f]);

        for (size_t i = 0; i < ASK_PROMPT_BYTES_MAX; i++) {
            prompt[i] = fillings[f][i % width];
        }
        one_started((struct str){prompt, ASK_PROMPT_BYTES_MAX}, &log);
        struct str shown = prompt_of(log.json[f]);
        bool is_cut = f < 2;
        assert_int_equal(str_ends_with(shown, STR("… (cut)")), is_cut);
        assert_true(shown.length > ASK_PROMPT_BYTES_MAX / 3);
    }
    free(prompt);
    log_done(&log);
}

static struct run_event call_event(enum run_event_kind kind)
{
    return (struct run_event){.kind = kind,
                              .name = "cache_audit",
                              .agent = "data",
                              .index = 3,
                              .agent_index = 2,
                              .args = STR("{\"ttl_s\":[300]}")};
}

static void test_long_arguments_are_a_note(void **state)
{
    struct run_event event = call_event(RUN_TOOL_STARTED);
    struct log log = {0};
    size_t length = 100000;
    char *args = malloc(length);
    char copy[8192];

    (void)state;
    assert_non_null(args);
    memset(args, '"', length);
    event.args = (struct str){args, length};
    assert_int_equal(run_events_of(&names, &event, keep, &log), OK);
    assert_int_equal(log.count, 3);
    struct str delta = text_at(parsed(str_from(log.json[1])), "delta");
    (void)snprintf(copy, sizeof(copy), "%.*s", STR_ARGS(delta));
    assert_str(text_at(parsed(str_from(copy)), "note"), "too long to be shown");
    free(args);
    log_done(&log);
}

static void test_a_failure_is_told_as_it_is(void **state)
{
    struct run_event event = call_event(RUN_TOOL_FINISHED);
    struct log log = {0};
    char copy[256];

    (void)state;
    event.failure = "column \"a\nb\" is\x02 wrong";
    assert_int_equal(run_events_of(&names, &event, keep, &log), OK);
    struct str content = text_at(parsed(str_from(log.json[0])), "content");
    (void)snprintf(copy, sizeof(copy), "%.*s", STR_ARGS(content));
    assert_str(text_at(parsed(str_from(copy)), "error"), event.failure);
    event.kind = RUN_AGENT_FAILED;
    assert_int_equal(run_events_of(&names, &event, keep, &log), OK);
    assert_str(text_at(parsed(str_from(log.json[1])), "type"), "SUBAGENT_ERROR");
    assert_str(text_at(parsed(str_from(log.json[1])), "message"), event.failure);
    log_done(&log);
}

static void test_an_interpretation_that_is_too_long_is_left_to_the_report(void **state)
{
    struct run_event event = {.kind = RUN_INTERPRETED, .name = "interpretation"};
    struct log log = {0};
    size_t length = 300000;
    char *text = malloc(length);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', length);
    event.interpretation_json = (struct str){text, length};
    event.interpretation_text = (struct str){text, length};
    assert_int_equal(run_events_of(&names, &event, keep, &log), OK);
    struct json_value snapshot = json_at(parsed(str_from(log.json[0])), "snapshot");
    assert_true(json_is(json_at(snapshot, "interpretation"), JSON_NULL));
    assert_true(str_ends_with(text_at(snapshot, "text"), STR("… (cut)")));
    event.interpretation_json = STR("{\"intents\":[]}");
    event.interpretation_text = STR("nothing");
    assert_int_equal(run_events_of(&names, &event, keep, &log), OK);
    snapshot = json_at(parsed(str_from(log.json[1])), "snapshot");
    assert_true(json_is(json_at(json_at(snapshot, "interpretation"), "intents"), JSON_ARRAY));
    free(text);
    log_done(&log);
}

/* ---- the report, the end ---- */

static void test_the_deltas_put_together_are_the_message(void **state)
{
    static const char *const prompts[] = {"where does the money go?", "hello"};
    struct dataset *dataset = sample_dataset();

    (void)state;
    for (size_t p = 0; p < ARRAY_LENGTH(prompts); p++) {
        struct log log = {0};
        struct buf message;
        struct buf deltas;
        struct run *run = logged_run(prompts[p], dataset, &log);

        log_done(&log);
        buf_init(&message, RUN_EVENT_BYTES_MAX);
        buf_init(&deltas, RUN_EVENT_BYTES_MAX);
        run_events_summary_text(run_report(run), &message);
        assert_int_equal(
            run_events_summary(&names, 0, STR("m-1"), false, run_report(run), keep, &log), OK);
        assert_true(log.count >= 3);
        for (size_t i = 0; i < log.count; i++) {
            struct json_value root = parsed(str_from(log.json[i]));

            assert_str(text_at(root, "messageId"), "m-1");
            if (i > 0 && i + 1 < log.count) {
                assert_str(text_at(root, "type"), "TEXT_MESSAGE_CONTENT");
                buf_append(&deltas, text_at(root, "delta"));
            }
        }
        assert_true(is_type(log.json[0], "TEXT_MESSAGE_START"));
        assert_true(is_type(log.json[log.count - 1], "TEXT_MESSAGE_END"));
        assert_true(message.length > 10);
        assert_true(str_equal(buf_str(&message), buf_str(&deltas)));
        assert_true(str_find(buf_str(&message), STR("{"), 0) == SIZE_MAX);
        buf_done(&message);
        buf_done(&deltas);
        log_done(&log);
        run_free(run);
    }
    dataset_close(dataset);
}

/* A thousand lines of the longest names: below the limit, the rest is in the report. */
static void test_a_huge_summary_fits_into_its_events(void **state)
{
    struct report *report;
    struct log log = {0};
    struct buf out;
    struct buf line;
    char name[9000];

    (void)state;
    memset(name, 1, sizeof(name));
    memset(name, '"', sizeof(name) / 2);
    assert_int_equal(report_new(&report), OK);
    report->id = STR("report-1");
    buf_init(&line, 65536);
    report_append_name(&line, (struct str){name, sizeof(name)});
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(report_add_line(report, &report->summary, buf_str(&line)), OK);
    }
    assert_int_equal(run_events_summary(&names, 0, STR("m"), false, report, keep, &log), OK);
    assert_int_equal(log.count, RUN_SUMMARY_LINES_MAX + 2);
    buf_init(&out, RUN_EVENT_BYTES_MAX);
    run_events_report(&names, 0, report, &out);
    assert_int_equal(buf_status(&out), OK);
    assert_int_equal(keep(buf_str(&out), &log), OK);
    struct json_value content = json_at(parsed(buf_str(&out)), "content");
    assert_int_equal(json_count(json_at(content, "summary")), RUN_SUMMARY_LINES_MAX);
    assert_str(text_at(content, "url"), "/api/reports/report-1");
    buf_done(&line);
    buf_done(&out);
    log_done(&log);
    report_free(report);
}

static void test_a_cancelled_run_has_no_result(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    run_events_finished(&names, 5000, /* is_cancelled */ true, STR(""), NULL, 0, &out);
    assert_str(text_at(json_at(parsed(buf_str(&out)), "outcome"), "type"), "cancelled");
    assert_true(json_is(json_at(parsed(buf_str(&out)), "result"), JSON_MISSING));
    buf_clear(&out);
    run_events_finished(&names, 5000, /* is_cancelled */ false, STR("r-1"), NULL, 0, &out);
    assert_str(text_at(json_at(parsed(buf_str(&out)), "outcome"), "type"), "success");
    assert_str(text_at(json_at(parsed(buf_str(&out)), "result"), "reportId"), "r-1");
    buf_clear(&out);
    run_events_error(&names, 5000, "LIMIT", "too \"long\"", &out);
    assert_str(text_at(parsed(buf_str(&out)), "message"), "too \"long\"");
    assert_str(text_at(parsed(buf_str(&out)), "code"), "LIMIT");
    buf_done(&out);
}

/* ---- models ---- */

static struct json_value value_of(struct log *log, size_t index)
{
    struct json_value root = parsed(str_from(log->json[index]));

    assert_str(text_at(root, "type"), "CUSTOM");
    return json_at(root, "value");
}

static uint64_t count_at(struct json_value value, const char *key)
{
    uint64_t count = 0;

    assert_true(json_get_u64(json_at(value, key), &count));
    return count;
}

static void test_a_question_says_who_answered_and_at_what_cost(void **state)
{
    struct run_model model = {.provider = STR("openai"),
                              .model = STR("m \"1\""),
                              .usage = {.is_known = true,
                                        .input_uncached = 1,
                                        .cache_read = 20,
                                        .cache_write_5m = 300,
                                        .cache_write_1h = 4000,
                                        .output = 7},
                              .attempts = 2,
                              .has_cost = true,
                              .cost_pico_usd = 1234500000};
    struct run_event event = {.kind = RUN_MODEL_ASKED,
                              .name = "write",
                              .index = 3,
                              .time_us = 5000,
                              .text = STR("write@1")};
    struct log log = {0};

    (void)state;
    assert_int_equal(run_events_of(&names, &event, keep, &log), OK);
    event.kind = RUN_MODEL_ANSWERED;
    event.model = &model;
    assert_int_equal(run_events_of(&names, &event, keep, &log), OK);
    model.has_cost = false;
    model.usage.is_known = false;
    event.failure = "it named a \"number\"";
    assert_int_equal(run_events_of(&names, &event, keep, &log), OK);
    event.model = NULL;
    assert_int_equal(run_events_of(&names, &event, keep, &log), OK);

    assert_non_null(strstr(log.json[0], "\"name\":\"netra.model_asked\""));
    assert_str(text_at(value_of(&log, 0), "purpose"), "write");
    assert_str(text_at(value_of(&log, 0), "prompt"), "write@1");
    assert_int_equal(count_at(value_of(&log, 0), "question"), 3);
    assert_true(json_is(json_at(value_of(&log, 0), "attempts"), JSON_MISSING));
    assert_non_null(strstr(log.json[1], "\"name\":\"netra.model_answered\""));
    assert_str(text_at(value_of(&log, 1), "model"), "m \"1\"");
    assert_str(text_at(value_of(&log, 1), "costUsd"), "0.0012345");
    assert_int_equal(count_at(value_of(&log, 1), "inputTokens"), 4321);
    assert_int_equal(count_at(value_of(&log, 1), "outputTokens"), 7);
    assert_int_equal(count_at(value_of(&log, 1), "attempts"), 2);
    assert_true(json_is(json_at(value_of(&log, 1), "failure"), JSON_MISSING));
    assert_str(text_at(value_of(&log, 2), "failure"), "it named a \"number\"");
    assert_true(json_is(json_at(value_of(&log, 2), "costUsd"), JSON_MISSING)); /* never $0 */
    assert_true(json_is(json_at(value_of(&log, 2), "inputTokens"), JSON_MISSING));
    assert_int_equal(count_at(value_of(&log, 3), "attempts"), 0);
    assert_true(json_is(json_at(value_of(&log, 3), "provider"), JSON_MISSING));
    log_done(&log);
}

static void test_what_a_model_refined_says_by_whom(void **state)
{
    struct run_model model = {.provider = STR("gemini"), .model = STR("g-1")};
    struct run_event event = {.kind = RUN_INTERPRETED,
                              .name = "interpretation",
                              .interpretation_json = STR("{}"),
                              .interpretation_text = STR("all"),
                              .model = &model};
    struct log log = {0};

    (void)state;
    assert_int_equal(run_events_of(&names, &event, keep, &log), OK);
    assert_str(text_at(json_at(parsed(str_from(log.json[0])), "snapshot"), "by"), "gemini/g-1");
    log_done(&log);
}

static void test_tokens_of_each_model_are_in_the_end(void **state)
{
    const struct llm_usage usage = {.is_known = true,
                                    .input_uncached = 1,
                                    .cache_read = 20,
                                    .cache_write_5m = 300,
                                    .cache_write_1h = 4000,
                                    .output = 50000,
                                    .reasoning = 6};
    const struct run_events_usage usages[] = {{STR("a"), STR("m"), &usage},
                                              {STR("b"), STR("n"), &usage}};
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    run_events_finished(&names, 5000, /* is_cancelled */ false, STR("r-1"), usages, 2, &out);
    struct json_value list = json_at(parsed(buf_str(&out)), "usage");
    assert_int_equal(json_count(list), 2);
    assert_non_null(strstr(out.data, "{\"provider\":\"b\",\"model\":\"n\",\"inputTokens\":4321,"
                                     "\"outputTokens\":50000,\"totalTokens\":54321,"
                                     "\"reasoningTokens\":6,\"cachedInputTokens\":20,"
                                     "\"cacheWriteInputTokens\":4300}"));
    buf_done(&out);
}

/* A model's text is a string, and the longest one that is told at once fits. */
static void test_text_of_a_model_is_data(void **state)
{
    char worst[RUN_DELTA_BYTES_MAX];
    struct buf out;

    (void)state;
    memset(worst, '\x01', sizeof(worst));
    buf_init(&out, RUN_EVENT_BYTES_MAX - RUN_EVENT_SEQ_BYTES_MAX);
    run_events_text(&names, 5000, STR("m-1"), (struct str){worst, sizeof(worst)}, &out);
    assert_int_equal(buf_status(&out), OK);
    assert_int_equal(text_at(parsed(buf_str(&out)), "delta").length, sizeof(worst));
    buf_clear(&out);
    run_events_text_withdrawn(&names, 5000, STR("m-1"), STR("it said \"{\""), &out);
    struct json_value root = parsed(buf_str(&out));
    assert_str(text_at(root, "name"), "netra.text_withdrawn");
    assert_str(text_at(json_at(root, "value"), "messageId"), "m-1");
    assert_str(text_at(json_at(root, "value"), "reason"), "it said \"{\"");
    buf_clear(&out);
    run_events_skipped(&names, 5000, &out);
    assert_str(text_at(parsed(buf_str(&out)), "name"), "netra.skipped");
    buf_done(&out);
}

/* ---- failures ---- */

static int count_events(struct str json, void *arg)
{
    (void)json;
    (*(int *)arg)++;
    return OK;
}

static void test_every_failing_allocation_is_told(void **state)
{
    static const enum run_event_kind kinds[] = {
        RUN_STEP_STARTED, RUN_TOOL_STARTED, RUN_TOOL_FINISHED, RUN_INTERPRETED, RUN_MODEL_ANSWERED};
    static const int events[] = {1, 3, 1, 1, 1};
    const struct run_model model = {.provider = STR("p"), .model = STR("m"), .has_cost = true};

    (void)state;
    for (size_t k = 0; k < ARRAY_LENGTH(kinds); k++) {
        struct run_event event = call_event(kinds[k]);
        int code = ERR_NO_MEMORY;
        int count = 0;

        event.failure = "it failed";
        event.model = &model;
        event.interpretation_json = STR("{}");
        for (uint64_t nth = 1; code; nth++) {
            assert_true(nth < 50);
            count = 0;
            (void)alloc_fail_from(nth);
            code = run_events_of(&names, &event, count_events, &count);
            (void)alloc_fail_from(0);
            assert_true(code == OK || code == ERR_NO_MEMORY);
            assert_true(nth > 1 || code == ERR_NO_MEMORY);
        }
        assert_int_equal(count, events[k]);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_event_says_what_when_and_of_which_run),
    cmocka_unit_test(test_a_tool_call_is_four_events_of_its_agent),
    cmocka_unit_test(test_a_prompt_is_one_string_whatever_it_holds),
    cmocka_unit_test(test_a_prompt_of_the_worst_bytes_is_cut_below_the_limit),
    cmocka_unit_test(test_long_arguments_are_a_note),
    cmocka_unit_test(test_a_failure_is_told_as_it_is),
    cmocka_unit_test(test_an_interpretation_that_is_too_long_is_left_to_the_report),
    cmocka_unit_test(test_the_deltas_put_together_are_the_message),
    cmocka_unit_test(test_a_huge_summary_fits_into_its_events),
    cmocka_unit_test(test_a_cancelled_run_has_no_result),
    cmocka_unit_test(test_a_question_says_who_answered_and_at_what_cost),
    cmocka_unit_test(test_what_a_model_refined_says_by_whom),
    cmocka_unit_test(test_tokens_of_each_model_are_in_the_end),
    cmocka_unit_test(test_text_of_a_model_is_data),
    cmocka_unit_test(test_every_failing_allocation_is_told),
};

static int make_parser(void **state)
{
    (void)state;
    return json_parser_new(RUN_EVENT_BYTES_MAX, &parser);
}

static int free_parser(void **state)
{
    (void)state;
    json_parser_free(parser);
    return 0;
}

int main(void)
{
    return cmocka_run_group_tests(tests, make_parser, free_parser);
}
