/*
 * Models that do not answer, at each question and at all of them: the run goes on as without a
 * model and says so once. The same answers give the same bytes; every failing allocation is
 * survived; a run without a model asks nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "model_fixture.h"

#define QUESTION "reduce costs by 20 %"

static const char text[] = "The calls in these records cost {spend.total}.";

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

/* The caveat about models; it must be one. */
static struct str silence_of(const struct run *run)
{
    const struct report_lines *caveats = &run_report(run)->caveats;
    struct str found = STR("");

    for (size_t i = 0; i < caveats->count; i++) {
        if (str_starts_with(caveats->lines[i], STR("No model took part"))) {
            assert_int_equal(found.length, 0);
            found = caveats->lines[i];
        }
    }
    return found;
}

static void test_nobody_answers_at_all(void **state)
{
    struct fake_model fake = {
        .replies = {{.purpose = "interpret", .why = "No model answered: openai timed out (504)."},
                    {.purpose = "plan", .why = "No model answered: openai `is` limited (429)."}}};
    struct run *run = fake_run(&fake, QUESTION, dataset);

    (void)state;
    assert_int_equal(fake.asked, 3);
    assert_str(silence_of(run),
               "No model took part in reading the question, choosing analyses and writing the "
               "summary; this report is in Netra's own words. Why: `No model answered: openai "
               "timed out (504).`");
    assert_int_equal(run_report(run)->summary_by.length, 0);
    assert_str(fake_outcome(run, 0), "No model answered: openai timed out (504).");
    assert_int_equal(run_report(run)->model_calls[0].provider.length, 0);
    assert_floor(run, QUESTION, dataset, /* is_same */ true);
    run_free(run);
    fake_done(&fake);
}

static void test_one_question_is_not_answered(void **state)
{
    static const struct {
        const char *purpose;
        const char *words;
    } cases[] = {{"interpret", "reading the question. Why"},
                 {"plan", "choosing analyses. Why"},
                 {"write", "writing the summary; this report is in Netra's own words. Why"},
                 {"repair", "repairing its summary; this report is in Netra's own words. Why"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        bool has_repair = strcmp(cases[i].purpose, "repair") == 0;
        struct fake_model fake = {
            .replies = {{.purpose = cases[i].purpose, .why = "No `model` answered 42 times."},
                        {.purpose = "interpret", .text = "{}"},
                        {.purpose = "plan", .text = "done"},
                        {.purpose = "write", .text = has_repair ? "It is 42." : text}},
            .heard_bytes = 5};
        struct run *run = fake_run(&fake, QUESTION, dataset);

        if (str_find(silence_of(run), str_from(cases[i].words), 0) == SIZE_MAX) {
            fail_msg("%s: %.*s", cases[i].purpose, STR_ARGS(silence_of(run)));
        }
        assert_int_equal(run_report(run)->summary_by.length > 0, i < 2);
        assert_floor(run, QUESTION, dataset, /* is_same */ true);
        run_free(run);
        fake_done(&fake);
    }
}

static void test_all_answer_and_there_is_no_such_caveat(void **state)
{
    struct fake_model fake = {.replies = {{.purpose = "interpret", .text = "{}"},
                                          {.purpose = "plan", .text = "done"},
                                          {.purpose = "write", .text = text}}};
    struct run *run = fake_run(&fake, QUESTION, dataset);

    (void)state;
    assert_int_equal(silence_of(run).length, 0);
    run_free(run);
    fake_done(&fake);
}

/* Where the reading is asked for and nobody answers, other kinds of reports say so too. */
static void test_guidance_says_it_too(void **state)
{
    struct fake_model fake = {.heard_bytes = 0};
    struct run *run = fake_run(&fake, "our prompts are huge, what can we drop?", dataset);

    (void)state;
    assert_int_equal(run_report(run)->type, REPORT_GUIDANCE);
    assert_true(silence_of(run).length > 0);
    run_free(run);
    fake_done(&fake);
}

static void whole_model(struct fake_model *fake)
{
    *fake = (struct fake_model){
        .replies = {{.purpose = "interpret",
                     .text = "{\"intents\":[\"reduce_cost\",\"reliability\"]}"},
                    {.purpose = "plan",
                     .calls = {{"what_if_model", "{\"model\":\"gpt-4o-mini\"}"},
                               {"spend_breakdown", "{\"by\":[\"agent\"]}"},
                               {"ask_user", "{\"question\":\"Is `gpt-4o-mini` good enough?\"}"},
                               {"no_such_tool", "{}"}}},
                    {.purpose = "plan", .calls = {{"traffic_profile", "{}"}}},
                    {.purpose = "plan", .text = "done"},
                    {.purpose = "write", .text = "It costs {spend.total}, that is 42."},
                    {.purpose = "repair", .text = text}},
        .heard_bytes = 6};
}

static void test_the_same_answers_give_the_same_bytes(void **state)
{
    struct fake_model fakes[2];
    struct run *runs[2];
    struct buf json[2];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(runs); i++) {
        whole_model(&fakes[i]);
        fakes[i].heard_bytes = i == 0 ? 6 : 0; /* done again after a restart */
        runs[i] = fake_run(&fakes[i], QUESTION, dataset);
        buf_init(&json[i], FAKE_LOG_BYTES);
        report_render_json(run_report(runs[i]), &json[i]);
        assert_int_equal(buf_status(&json[i]), OK);
    }
    assert_int_equal(fakes[0].asked, 6);
    assert_str(buf_str(&fakes[1].told), fakes[0].told.data);
    assert_str(buf_str(&fakes[1].sent), fakes[0].sent.data);
    assert_str(buf_str(&fakes[1].shown), fakes[0].shown.data);
    assert_str(buf_str(&json[1]), json[0].data);
    for (size_t i = 0; i < ARRAY_LENGTH(runs); i++) {
        run_free(runs[i]);
        fake_done(&fakes[i]);
        buf_done(&json[i]);
    }
}

static void test_a_run_without_a_model_asks_nothing(void **state)
{
    struct fake_model fake;
    struct run_options options;
    struct error error = {0};
    struct run *run;

    (void)state;
    whole_model(&fake);
    options = fake_options(&fake, QUESTION, dataset);
    fake_init(&fake);
    options.has_model = false;
    assert_int_equal(run_new(&options, &run, &error), OK);
    assert_int_equal(fake_drive(&fake, run, &error), OK);
    assert_int_equal(fake.asked, 0);
    assert_int_equal(run_report(run)->model_call_count, 0);
    assert_false(fake_told(&fake, "model_asked"));
    assert_int_equal(silence_of(run).length, 0);
    run_free(run);
    fake_done(&fake);
}

/* A run that ends while it waits for an answer leaves nothing behind. */
static void test_a_run_may_end_while_it_waits(void **state)
{
    (void)state;
    for (unsigned stop_at = 0; stop_at < 6; stop_at++) {
        struct fake_model fake;
        struct run_options options;
        struct error error = {0};
        bool done = false;
        struct run *run;

        whole_model(&fake);
        options = fake_options(&fake, QUESTION, dataset);
        fake_init(&fake);
        assert_int_equal(run_new(&options, &run, &error), OK);
        for (;;) {
            assert_int_equal(run_step(run, &done, &error), OK);
            if (run_question(run) && run_question(run)->index == stop_at) {
                break;
            }
            if (run_question(run)) {
                assert_int_equal(fake_answer(&fake, run, &error), OK);
            }
        }
        run_hear(run, STR("The calls cost {spend.total} now"));
        run_abandon(run, "cancelled");
        run_free(run);
        fake_done(&fake);
    }
}

static int try_run(struct fake_model *fake, const struct run_options *options, struct error *error)
{
    cleanup(run_free_pointer) struct run *run = NULL;
    int code = run_new(options, &run, error);

    return code ? code : fake_drive(fake, run, error);
}

static void test_a_run_survives_every_failing_allocation(void **state)
{
    struct dataset *small =
        dataset_of(STR("{\"time\":\"2026-01-01T00:00:00Z\",\"model\":\"gpt-4o\",\"feature\":\"f\","
                       "\"input_tokens\":5000,\"output_tokens\":1,\"status\":\"ok\"}\n"));
    int code = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; code; nth++) {
        struct fake_model fake;
        struct run_options options;
        struct error error = {0};

        assert_true(nth < 20000);
        whole_model(&fake);
        options = fake_options(&fake, QUESTION, small);
        fake_init(&fake);
        /* the driver's own logs must not fail */
        assert_int_equal(buf_reserve(&fake.sent, (size_t)1 << 20), OK);
        assert_int_equal(buf_reserve(&fake.told, (size_t)1 << 16), OK);
        assert_int_equal(buf_reserve(&fake.shown, (size_t)1 << 16), OK);
        (void)alloc_fail_from(nth);
        code = try_run(&fake, &options, &error);
        (void)alloc_fail_from(0);
        if (code != OK && code != ERR_NO_MEMORY) {
            fail_msg("allocation %d: %s", (int)nth, error.message);
        }
        assert_int_equal(code == OK, error.message[0] == '\0');
        fake_done(&fake);
    }
    dataset_close(small);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_nobody_answers_at_all),
    cmocka_unit_test(test_one_question_is_not_answered),
    cmocka_unit_test(test_all_answer_and_there_is_no_such_caveat),
    cmocka_unit_test(test_guidance_says_it_too),
    cmocka_unit_test(test_the_same_answers_give_the_same_bytes),
    cmocka_unit_test(test_a_run_without_a_model_asks_nothing),
    cmocka_unit_test(test_a_run_may_end_while_it_waits),
    cmocka_unit_test(test_a_run_survives_every_failing_allocation),
};

int main(void)
{
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
