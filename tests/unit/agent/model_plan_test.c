/*
 * Planning with a model: what it may call runs beside the built-in plan, everything else is
 * answered with an error and runs nothing; the floor of facts stays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "model_fixture.h"

#define QUESTION "where does the money go?"

static struct dataset *dataset;

static int set_up(void **state)
{
    (void)state;
    dataset = sample_dataset();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dataset_close(dataset);
    return 0;
}

static unsigned tools_without_model(const char *prompt)
{
    struct fake_model fake = {.heard_bytes = 0};
    struct run *run = fake_run(&fake, prompt, dataset);
    unsigned count = fake.tools_run;

    run_free(run);
    fake_done(&fake);
    return count;
}

static void test_a_call_of_the_model_adds_facts(void **state)
{
    struct fake_model fake = {
        .replies = {{.purpose = "plan",
                     .calls = {{"what_if_model", "{\"model\":\"gpt-4o-mini\"}"}},
                     .stop = LLM_STOP_CALLS},
                    {.purpose = "plan", .text = "done"}}};
    struct run *run = fake_run(&fake, QUESTION, dataset);

    (void)state;
    (void)fact_of(run_report(run), "whatif.gpt-4o-mini.cost");
    assert_int_equal(fake.tools_run, tools_without_model(QUESTION) + 1);
    assert_true(fake_told(&fake, "tool_started what_if_model"));
    assert_str(fake_outcome(run, 1), "used");
    assert_str(fake_outcome(run, 2), "used");
    /* the second round holds the facts of the first one's call */
    assert_true(fake_sent(&fake, "\"id\":\"whatif.gpt-4o-mini.cost\""));
    assert_int_equal(fake_count(buf_str(&fake.told), "model_asked plan"), 2);
    assert_floor(run, QUESTION, dataset, /* is_same */ false);
    run_free(run);
    fake_done(&fake);
}

static void test_without_calls_there_is_one_round(void **state)
{
    struct fake_model fake = {.replies = {{.purpose = "plan", .text = "done"}}};
    struct run *run = fake_run(&fake, QUESTION, dataset);

    (void)state;
    assert_int_equal(fake_count(buf_str(&fake.told), "model_asked plan"), 1);
    assert_int_equal(fake.tools_run, tools_without_model(QUESTION));
    assert_floor(run, QUESTION, dataset, /* is_same */ true);
    run_free(run);
    fake_done(&fake);
}

static void test_a_call_that_is_planned_runs_once(void **state)
{
    struct fake_model fake = {
        .replies = {{.purpose = "plan",
                     .calls = {{"spend_breakdown", "{}"},
                               {"spend_breakdown", "{\"by\":[\"feature\",\"model\",\"day\"]}"},
                               {"dataset_profile", "{}"}}},
                    {.purpose = "plan"}}};
    struct run *run = fake_run(&fake, QUESTION, dataset);

    (void)state;
    assert_int_equal(fake.tools_run, tools_without_model(QUESTION));
    assert_true(fake_sent(&fake, "\"id\":\"spend.total\"")); /* it is told what came of it */
    assert_floor(run, QUESTION, dataset, /* is_same */ true);
    run_free(run);
    fake_done(&fake);
}

static const struct fake_call refused[] = {
    {"synthesize_usage", "{\"out\":\"/tmp/netra-must-not-be-there\"}"}, /* has an effect */
    {"no_such_tool", "{}"},
    {"", "{}"},
    {"what_if_model", "{}"},                             /* an argument is missing */
    {"what_if_model", "{\"model\":7}"},                  /* of another type */
    {"what_if_model", "{\"model\":\"gpt-4o\",\"x\":1}"}, /* is no argument */
    {"what_if_model", "[]"},
    {"what_if_model", "{\"model\":"},
    {"cache_audit", "{\"ttl_s\":[-1]}"},
    /* arguments come back in the report: texts and numbers of a model's own would, too */
    {"what_if_model", "{\"model\":\"All is free, see evil.example 42\"}"},
    {"what_if_model", "{\"model\":\"gpt-4o\",\"scope\":\"evil\"}"},
    {"what_if_model", "{\"model\":\"gpt-4o\",\"scope\":\"model:evil\"}"},
    {"price_lookup", "{\"model\":\"evil\"}"},
    {"price_lookup", "{\"model\":\"gpt-4o\",\"provider\":\"evil.example\"}"},
    {"spend_breakdown", "{\"by\":[\"evil 42\"]}"},
    {"choose_plan", "{\"exclude\":[\"evil\"]}"},
    {"choose_plan", "{\"cost_change\":-0.9}"},
    {"choose_plan", "{\"growth\":3}"},
};

static void test_what_is_not_allowed_is_refused_and_runs_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        struct fake_model fake = {
            .replies = {{.purpose = "plan", .calls = {refused[i]}}, {.purpose = "plan"}}};
        struct run *run = fake_run(&fake, QUESTION, dataset);

        assert_int_equal(fake.tools_run, tools_without_model(QUESTION));
        assert_false(str_equal(fake_outcome(run, 1), STR("used")));
        assert_true(fake_sent(&fake, "{\"error\":"));
        assert_false(fake_told(&fake, "evil"));
        assert_floor(run, QUESTION, dataset, /* is_same */ true);
        run_free(run);
        fake_done(&fake);
    }
    assert_int_equal(access("/tmp/netra-must-not-be-there", F_OK), -1);
}

static void test_tools_with_effects_are_not_offered(void **state)
{
    struct fake_model fake = {.heard_bytes = 0};
    struct run *run = fake_run(&fake, QUESTION, dataset);

    (void)state;
    assert_true(fake_sent(&fake, "what_if_model"));
    assert_true(fake_sent(&fake, "ask_user"));
    assert_false(fake_sent(&fake, "synthesize_usage"));
    run_free(run);
    fake_done(&fake);
}

/* A call that its tool refuses while it runs is the model's matter, not the reader's. */
static void test_a_call_that_fails_leaves_no_trace_in_the_report(void **state)
{
    struct fake_model fake = {
        .replies = {{.purpose = "plan", .calls = {{"spend_breakdown", "{\"by\":[\"planet\"]}"}}},
                    {.purpose = "plan"}}};
    struct run *run = fake_run(&fake, QUESTION, dataset);

    (void)state;
    assert_true(fake_told(&fake, "tool_finished spend_breakdown"));
    assert_true(fake_sent(&fake, "planet"));
    assert_false(lines_say(&run_report(run)->caveats, "An analysis failed"));
    assert_floor(run, QUESTION, dataset, /* is_same */ true);
    run_free(run);
    fake_done(&fake);
}

/* The same facts for other calls would be other numbers under one name. */
static void test_a_call_that_contradicts_the_plan_is_dropped(void **state)
{
    static const char question[] = "how effective would gpt-4o be in my current setup?";
    struct str feature = dict_text(&dataset->table.name_dicts[USAGE_FEATURE], 1);
    char args[256];

    (void)state;
    (void)snprintf(args, sizeof(args), "{\"model\":\"gpt-4o\",\"scope\":\"%.*s\"}",
                   STR_ARGS(feature));
    struct fake_model fake = {
        .replies = {{.purpose = "plan", .calls = {{"what_if_model", args}}}, {.purpose = "plan"}}};
    struct run *run = fake_run(&fake, question, dataset);
    assert_int_equal(fake.tools_run, tools_without_model(question) + 1);
    assert_true(fake_sent(&fake, "other numbers"));
    assert_floor(run, question, dataset, /* is_same */ true);
    run_free(run);
    fake_done(&fake);
}

/* The built-in plan of the actions comes after the model's and must not give way to it. */
static void test_the_built_in_plan_wins_over_the_models(void **state)
{
    static const char question[] = "reduce costs by 20 %";
    struct str feature = dict_text(&dataset->table.name_dicts[USAGE_FEATURE], 0);
    char args[256];

    (void)state;
    (void)snprintf(args, sizeof(args), "{\"exclude\":[\"%.*s\"]}", STR_ARGS(feature));
    const char *const all[] = {args, "{\"cost_change\":-0.2}", "{\"cost_change\":-0.9}"};
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
        struct fake_model fake = {
            .replies = {{.purpose = "plan", .calls = {{"choose_plan", all[i]}}},
                        {.purpose = "plan"}}};
        struct run *run = fake_run(&fake, question, dataset);

        assert_floor(run, question, dataset, /* is_same */ true);
        assert_true(run_report(run)->action_count > 0);
        run_free(run);
        fake_done(&fake);
    }
}

/* Sections, tables and pictures of one name are put together, not shown twice. */
static void test_a_result_adds_what_is_not_there_yet(void **state)
{
    struct fake_model fake = {
        .replies = {
            {.purpose = "plan", .calls = {{"spend_breakdown", "{\"by\":[\"user\",\"model\"]}"}}},
            {.purpose = "plan"}}};
    struct run *run = fake_run(&fake, QUESTION, dataset);
    const struct report *report = run_report(run);
    size_t sections = 0;
    size_t tables = 0;

    (void)state;
    for (size_t s = 0; s < report->section_count; s++) {
        const struct report_section *section = &report->sections[s];

        if (!str_equal(section->id, STR("spend"))) {
            continue;
        }
        sections++;
        for (size_t b = 0; b < section->block_count; b++) {
            tables += section->blocks[b].kind == BLOCK_TABLE;
        }
    }
    assert_int_equal(sections, 1);
    assert_int_equal(tables, 3); /* feature, model, user */
    assert_floor(run, QUESTION, dataset, /* is_same */ false);
    run_free(run);
    fake_done(&fake);
}

static void test_rounds_end(void **state)
{
    struct fake_model fake = {
        .replies = {
            {.purpose = "plan", .calls = {{"what_if_model", "{\"model\":\"gpt-4o\"}"}}},
            {.purpose = "plan", .calls = {{"what_if_model", "{\"model\":\"gpt-4o-mini\"}"}}},
            {.purpose = "plan", .calls = {{"what_if_model", "{\"model\":\"gpt-5\"}"}}},
            {.purpose = "plan", .calls = {{"what_if_model", "{\"model\":\"gpt-5-mini\"}"}}}}};
    struct run *run = fake_run(&fake, QUESTION, dataset);

    (void)state;
    assert_int_equal(fake_count(buf_str(&fake.told), "model_asked plan"), RUN_ROUNDS_MAX);
    (void)fact_of(run_report(run), "whatif.gpt-5.cost"); /* the last round's calls still run */
    assert_null(fact_find(&run_report(run)->facts, STR("whatif.gpt-5-mini.cost")));
    run_free(run);
    fake_done(&fake);
}

/* More calls than a run may make: the rest is refused, the built-in plan is whole. */
static void test_calls_beyond_the_limit_are_refused(void **state)
{
    static const char question[] = "reduce costs by 20 %";
    static char args[RUN_ROUNDS_MAX][LLM_CALLS_MAX][64];
    struct llm_answer answers[RUN_ROUNDS_MAX] = {0};
    struct fake_model fake = {.heard_bytes = 0};
    struct run_options options = fake_options(&fake, question, dataset);
    struct error error = {0};
    bool done = false;
    size_t round = 0;
    struct run *run;

    (void)state;
    fake_init(&fake);
    assert_int_equal(run_new(&options, &run, &error), OK);
    while (!done) {
        assert_int_equal(run_step(run, &done, &error), OK);
        if (!run_question(run)) {
            continue;
        }
        fake_keep_request(&fake, run_question(run)->request);
        if (strcmp(run_question(run)->purpose, "plan") != 0) {
            assert_int_equal(run_answer(run, NULL, NULL, "Nobody.", &error), OK);
            continue;
        }
        struct llm_answer *answer = &answers[round];
        for (size_t i = 0; i < LLM_CALLS_MAX; i++) {
            (void)snprintf(args[round][i], sizeof(args[round][i]), "{\"ttl_s\":[%zu]}",
                           400 + round * LLM_CALLS_MAX + i);
            answer->calls[i] = (struct llm_call){
                .id = STR("c"), .name = STR("cache_audit"), .args = str_from(args[round][i])};
        }
        answer->call_count = LLM_CALLS_MAX;
        round++;
        assert_int_equal(run_answer(run, answer, NULL, NULL, &error), OK);
    }
    assert_int_equal(round, RUN_ROUNDS_MAX);
    assert_int_equal(fake.tools_run, RUN_CALLS_MAX);
    assert_false(lines_say(&run_report(run)->needs, "rest of the question"));
    assert_floor(run, question, dataset, /* is_same */ false);
    run_free(run);
    fake_done(&fake);
}

/* ---- the question to the user ---- */

static struct run *run_asking_user(struct fake_model *fake, const char *first, const char *second)
{
    *fake = (struct fake_model){
        .replies = {{.purpose = "plan",
                     .calls = {{"ask_user", first}, {second ? "ask_user" : NULL, second}}},
                    {.purpose = "plan"}}};
    return fake_run(fake, QUESTION, dataset);
}

static void test_a_question_to_the_user_is_the_first_next_step(void **state)
{
    struct fake_model fake;
    struct run *run =
        run_asking_user(&fake, "{\"question\":\"Which matters more to you, speed or price?\"}",
                        "{\"question\":\"And what else?\"}");

    (void)state;
    assert_str(run_report(run)->next_steps.lines[0],
               "Netra asks: Which matters more to you, speed or price?");
    assert_true(run_report(run)->next_steps.count > 1);
    assert_false(lines_say(&run_report(run)->next_steps, "what else"));
    assert_true(fake_sent(&fake, "one question to the user is enough"));
    assert_floor(run, QUESTION, dataset, /* is_same */ true);
    run_free(run);
    fake_done(&fake);
}

static void test_after_a_question_alone_there_is_no_further_round(void **state)
{
    struct fake_model fake;
    struct run *run = run_asking_user(&fake, "{\"question\":\"Is `gpt-4o` what you mean?\"}", NULL);

    (void)state;
    assert_str(run_report(run)->next_steps.lines[0], "Netra asks: Is `gpt-4o` what you mean?");
    assert_int_equal(fake_count(buf_str(&fake.told), "model_asked plan"), 1);
    run_free(run);
    fake_done(&fake);
}

static const char *const bad_questions[] = {
    "{\"question\":\"Would 42 percent do?\"}",
    "{\"question\":\"Would {spend.total} do?\"}",
    "{\"question\":\"Would twenty percent do?\"}",
    "{\"question\":\"Is `give me your password 42` right?\"}",
    "{\"question\":\"See https://example.com?\"}",
    "{\"question\":\"\"}",
    "{\"question\":\"First.\\n\\nSecond.\"}",
    "{\"question\":7}",
    "{}",
    "[]",
    "{\"question\":",
};

static void test_a_question_that_is_not_allowed_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(bad_questions); i++) {
        struct fake_model fake;
        struct run *run = run_asking_user(&fake, bad_questions[i], NULL);

        if (lines_say(&run_report(run)->next_steps, "Netra asks")) {
            fail_msg("%s was asked", bad_questions[i]);
        }
        assert_false(str_equal(fake_outcome(run, 1), STR("used")));
        run_free(run);
        fake_done(&fake);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_call_of_the_model_adds_facts),
    cmocka_unit_test(test_without_calls_there_is_one_round),
    cmocka_unit_test(test_a_call_that_is_planned_runs_once),
    cmocka_unit_test(test_what_is_not_allowed_is_refused_and_runs_nothing),
    cmocka_unit_test(test_tools_with_effects_are_not_offered),
    cmocka_unit_test(test_a_call_that_fails_leaves_no_trace_in_the_report),
    cmocka_unit_test(test_a_call_that_contradicts_the_plan_is_dropped),
    cmocka_unit_test(test_the_built_in_plan_wins_over_the_models),
    cmocka_unit_test(test_a_result_adds_what_is_not_there_yet),
    cmocka_unit_test(test_rounds_end),
    cmocka_unit_test(test_calls_beyond_the_limit_are_refused),
    cmocka_unit_test(test_a_question_to_the_user_is_the_first_next_step),
    cmocka_unit_test(test_after_a_question_alone_there_is_no_further_round),
    cmocka_unit_test(test_a_question_that_is_not_allowed_is_refused),
};

int main(void)
{
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
