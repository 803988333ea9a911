/*
 * The summary in a model's words: heard in pieces of any size or not at all, accepted, refused and
 * repaired, refused again; observers are told the same either way, and the facts stay as they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "model_fixture.h"

#include "agent/model.h"

#define QUESTION "reduce costs by 20 %"

static const char good[] =
    "The calls in these records cost {spend.total}.\n\n"
    "The changes together save {plan.saving.total}, and {plan.saving.sure} of that needs nobody's "
    "confirmation.\n\nStart with the change that saves most.";
static const char invented[] = "The calls cost {spend.total}, which is 42 dollars too much.";
static const char in_words[] = "The calls cost {spend.total}. Half of that can be saved.";
static const char not_offered[] = "The calls cost {spend.imagined}.";

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

static void test_an_accepted_text_is_the_summary(void **state)
{
    struct fake_model fake = {.replies = {{.purpose = "write", .text = good}}, .heard_bytes = 7};
    struct run *run = fake_run(&fake, QUESTION, dataset);
    const struct report *report = run_report(run);

    (void)state;
    assert_str(report->summary_by, "openai/gpt-5-mini");
    assert_true(report->summary.count >= 3);
    assert_str(report->summary.lines[0], "The calls in these records cost {spend.total}.");
    assert_str(report->summary.lines[2], "Start with the change that saves most.");
    assert_int_equal(report->model_call_count, 3);
    assert_str(report->model_calls[2].purpose, "write");
    assert_str(report->model_calls[2].prompt, "write@2");
    assert_str(report->model_calls[2].outcome, "used");
    assert_int_equal(report->model_calls[2].input_tokens, 120);
    assert_int_equal(report->model_calls[2].output_tokens, 30);
    assert_int_equal(report->model_calls[2].cost_pico_usd, 5000);
    assert_true(fake_told(&fake, "text_started - 0 - \ntext_finished - 0 - \nanswered write 2 - "));
    assert_true(str_starts_with(buf_str(&fake.shown), STR("The calls in these records cost $")));
    assert_floor(run, QUESTION, dataset, /* is_same */ true);
    run_free(run);
    fake_done(&fake);
}

/* Whether and in which pieces a text is heard changes neither what is told nor what is shown. */
static void assert_same_however_heard(const char *text, const char *repaired)
{
    static const size_t pieces[] = {0, 1, 2, 3, 7, 64, 100000};
    struct fake_model fakes[ARRAY_LENGTH(pieces)];
    struct run *runs[ARRAY_LENGTH(pieces)];

    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        fakes[i] = (struct fake_model){
            .replies = {{.purpose = "write", .text = text},
                        {.purpose = repaired ? "repair" : NULL, .text = repaired}},
            .heard_bytes = pieces[i]};
        runs[i] = fake_run(&fakes[i], QUESTION, dataset);
        assert_str(buf_str(&fakes[i].told), fakes[0].told.data);
        assert_str(buf_str(&fakes[i].shown), fakes[0].shown.data ? fakes[0].shown.data : "");
        assert_str(buf_str(&fakes[i].sent), fakes[0].sent.data);
        assert_int_equal(run_report(runs[i])->summary.count, run_report(runs[0])->summary.count);
        for (size_t l = 0; l < run_report(runs[0])->summary.count; l++) {
            assert_true(str_equal(run_report(runs[i])->summary.lines[l],
                                  run_report(runs[0])->summary.lines[l]));
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        run_free(runs[i]);
        fake_done(&fakes[i]);
    }
}

static void test_pieces_make_no_difference(void **state)
{
    (void)state;
    assert_same_however_heard(good, NULL);
    assert_same_however_heard(invented, good);
    assert_same_however_heard(in_words, invented);
    assert_same_however_heard("", good);
    assert_same_however_heard("42", NULL);
}

static void test_a_refused_text_is_withdrawn_and_repaired(void **state)
{
    const char *const refused[] = {invented,
                                   in_words,
                                   not_offered,
                                   "",
                                   "\xff\xfe",
                                   "It costs {spend.total} <b>now</b>.",
                                   "All of it is free, and nothing needs to be done."};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        struct fake_model fake = {.replies = {{.purpose = "write", .text = refused[i]},
                                              {.purpose = "repair", .text = good}},
                                  .heard_bytes = 5};
        struct run *run = fake_run(&fake, QUESTION, dataset);

        assert_str(run_report(run)->summary_by, "openai/gpt-5-mini");
        assert_str(run_report(run)->summary.lines[0],
                   "The calls in these records cost {spend.total}.");
        assert_int_equal(run_report(run)->model_call_count, 4);
        assert_false(str_equal(fake_outcome(run, 2), STR("used")));
        assert_str(run_report(run)->model_calls[3].prompt, "repair@1");
        assert_str(fake_outcome(run, 3), "used");
        /* whoever writes again sees the text and what was wrong with it */
        assert_true(fake_sent(&fake, "<data refusal-"));
        assert_true(i != 0 || fake_sent(&fake, "which is 42 dollars"));
        /* nothing of the refused text is left */
        assert_true(str_starts_with(buf_str(&fake.shown), STR("The calls in these records")));
        run_free(run);
        fake_done(&fake);
    }
}

static void test_what_was_shown_before_an_invented_number_is_withdrawn(void **state)
{
    struct fake_model fake = {.replies = {{.purpose = "write", .text = invented}},
                              .heard_bytes = 4};
    struct run *run = fake_run(&fake, QUESTION, dataset);

    (void)state;
    assert_true(fake_told(&fake, "text_started"));
    assert_true(fake_told(&fake, "text_withdrawn"));
    assert_false(fake_told(&fake, "text_finished"));
    assert_int_equal(fake.shown.length, 0);
    assert_int_equal(run_report(run)->summary_by.length, 0);
    run_free(run);
    fake_done(&fake);
}

/* The built-in summary of the same question, as a run without a model has it. */
static void assert_built_in_summary(const struct run *run)
{
    struct fake_model fake = {.heard_bytes = 0};
    struct run *silent = fake_run(&fake, QUESTION, dataset);

    assert_int_equal(run_report(run)->summary_by.length, 0);
    assert_int_equal(run_report(run)->summary.count, run_report(silent)->summary.count);
    for (size_t i = 0; i < run_report(run)->summary.count; i++) {
        assert_true(
            str_equal(run_report(run)->summary.lines[i], run_report(silent)->summary.lines[i]));
    }
    run_free(silent);
    fake_done(&fake);
}

static void test_a_text_that_is_refused_twice_is_dropped(void **state)
{
    struct fake_model fake = {.replies = {{.purpose = "write", .text = invented},
                                          {.purpose = "repair", .text = in_words},
                                          {.purpose = "repair", .text = good}},
                              .heard_bytes = 9};
    struct run *run = fake_run(&fake, QUESTION, dataset);

    (void)state;
    assert_built_in_summary(run);
    assert_int_equal(run_report(run)->model_call_count, 4);
    assert_int_equal(fake_count(buf_str(&fake.told), "model_asked repair"), 1);
    assert_int_equal(fake_count(buf_str(&fake.told), "text_withdrawn"), 2);
    assert_int_equal(fake.shown.length, 0);
    assert_floor(run, QUESTION, dataset, /* is_same */ true);
    run_free(run);
    fake_done(&fake);
}

/* Whoever wrote it is told what was wrong; to everybody else the reason does not quote it. */
static void test_a_refused_word_is_nowhere(void **state)
{
    struct fake_model fake = {
        .replies = {{.purpose = "write", .text = "It costs {spend.total}, or forty-two more."},
                    {.purpose = "repair", .text = "Ask `bob the 42nd` about {spend.fabled}."}},
        .heard_bytes = 9};
    struct run *run = fake_run(&fake, QUESTION, dataset);
    struct buf json;

    (void)state;
    buf_init(&json, FAKE_LOG_BYTES);
    report_render_json(run_report(run), &json);
    assert_int_equal(buf_status(&json), OK);
    assert_int_equal(str_find(buf_str(&json), STR("forty"), 0), SIZE_MAX);
    assert_int_equal(str_find(buf_str(&json), STR("bob"), 0), SIZE_MAX);
    assert_false(fake_told(&fake, "forty"));
    assert_false(fake_told(&fake, "bob"));
    assert_true(fake_sent(&fake, "\\\"forty"));
    buf_done(&json);
    run_free(run);
    fake_done(&fake);
}

static void test_a_text_that_was_cut_is_refused(void **state)
{
    const enum llm_stop stops[] = {LLM_STOP_LENGTH, LLM_STOP_REFUSED};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(stops); i++) {
        struct fake_model fake = {.replies = {{.purpose = "write", .text = good, .stop = stops[i]}},
                                  .heard_bytes = 9};
        struct run *run = fake_run(&fake, QUESTION, dataset);

        assert_built_in_summary(run);
        assert_int_equal(fake_count(buf_str(&fake.told), "text_withdrawn"), 1);
        run_free(run);
        fake_done(&fake);
    }
}

static void test_another_attempt_begins_anew(void **state)
{
    struct fake_model fake = {
        .replies = {{.purpose = "write", .text = good}}, .heard_bytes = 11, .unheard = 2};
    struct run *run = fake_run(&fake, QUESTION, dataset);

    (void)state;
    assert_str(run_report(run)->summary_by, "openai/gpt-5-mini");
    assert_int_equal(fake_count(buf_str(&fake.told), "text_started"), 3);
    assert_int_equal(fake_count(buf_str(&fake.told), "text_withdrawn"), 2);
    assert_int_equal(fake_count(buf_str(&fake.shown), "The calls in these records"), 1);
    run_free(run);
    fake_done(&fake);
}

/* A run up to its first question of that purpose; the earlier ones nobody answered. */
static struct run *run_to(struct fake_model *fake, const char *purpose)
{
    struct run_options options = fake_options(fake, QUESTION, dataset);
    struct error error = {0};
    bool done = false;
    struct run *run;

    fake_init(fake);
    assert_int_equal(run_new(&options, &run, &error), OK);
    for (int i = 0; i < FAKE_STEPS_MAX && !done; i++) {
        assert_int_equal(run_step(run, &done, &error), OK);
        if (run_question(run) && strcmp(run_question(run)->purpose, purpose) == 0) {
            return run;
        }
        if (run_question(run)) {
            assert_int_equal(run_answer(run, NULL, NULL, "Nobody.", &error), OK);
        }
    }
    fail_msg("nobody was asked to %s", purpose);
    return NULL;
}

static void finish(struct run *run)
{
    struct fake_model nobody = {.heard_bytes = 0};
    struct error error = {0};

    fake_init(&nobody);
    nobody.asked = 3;
    assert_int_equal(fake_drive(&nobody, run, &error), OK);
    fake_done(&nobody);
}

static void test_text_of_an_answer_that_never_came_is_withdrawn(void **state)
{
    struct fake_model fake = {.heard_bytes = 0};
    struct run *run = run_to(&fake, "write");
    struct error error = {0};

    (void)state;
    run_hear(run, STR("The calls in these records cost {spend.total}. So"));
    assert_true(fake.shown.length > 0);
    assert_int_equal(run_answer(run, NULL, NULL, "No model answered: it broke off.", &error), OK);
    assert_int_equal(fake.shown.length, 0);
    finish(run);
    assert_built_in_summary(run);
    assert_true(lines_say(&run_report(run)->caveats, "writing the summary"));
    run_free(run);
    fake_done(&fake);
}

static void test_the_answer_counts_not_what_was_heard(void **state)
{
    struct fake_model fake = {.heard_bytes = 0};
    struct run *run = run_to(&fake, "write");
    struct llm_answer answer = {.text = str_from(good)};
    struct error error = {0};

    (void)state;
    run_hear(run, STR("Something else entirely was said before {spend.total} was named."));
    assert_int_equal(run_answer(run, &answer, NULL, NULL, &error), OK);
    assert_int_equal(fake_count(buf_str(&fake.told), "text_withdrawn"), 1);
    assert_int_equal(fake_count(buf_str(&fake.told), "text_finished"), 1);
    finish(run);
    assert_str(run_report(run)->summary.lines[0], "The calls in these records cost {spend.total}.");
    assert_str(run_report(run)->summary_by, "a model");
    run_free(run);
    fake_done(&fake);
}

/* A refused beginning does not spoil an answer that is another text. */
static void test_a_refused_beginning_of_another_text_is_forgotten(void **state)
{
    struct fake_model fake = {.heard_bytes = 0};
    struct run *run = run_to(&fake, "write");
    struct llm_answer answer = {.text = str_from(good)};
    struct error error = {0};

    (void)state;
    run_hear(run, STR("It is 42."));
    run_hear(run, STR("And more."));
    assert_int_equal(run_answer(run, &answer, NULL, NULL, &error), OK);
    finish(run);
    assert_str(run_report(run)->summary_by, "a model");
    run_free(run);
    fake_done(&fake);
}

static void test_what_is_too_long_is_refused(void **state)
{
    size_t length = LLM_TEXT_BYTES_MAX + 100;
    char *text = malloc(length + 1);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', length);
    text[0] = 'A';
    text[length] = '\0';
    for (size_t piece = 0; piece < 80000; piece += 40000) {
        struct fake_model fake = {.replies = {{.purpose = "write", .text = text}},
                                  .heard_bytes = piece};
        struct run *run = fake_run(&fake, QUESTION, dataset);

        assert_built_in_summary(run);
        run_free(run);
        fake_done(&fake);
    }
    free(text);
}

/* What was refused is for who wrote it. */
static void test_refusals_are_told_without_what_was_refused(void **state)
{
    static const struct {
        const char *message;
        const char *told;
    } cases[] = {
        {"a number stands in words: \"evil \" evil\"; use a fact such as {evil}",
         "a number stands in words: \"…\""},
        {"`evil`` evil` is none of the names", "`…` is none of the names"},
        {"a word: \"evil that was cut", "a word: \"…\""},
        {"report refused: summary 1: a digit in prose 'evil's evil'",
         "report refused: summary 1: a digit in prose '…'"},
        {"the text names no fact that Netra's own summary names",
         "the text names no fact that Netra's own summary names"},
        {"proposal refused at '/constraints/0/value': must be a number",
         "proposal refused at '/constraints/0/value': must be a number"},
    };
    char told[ERROR_MESSAGE_BYTES_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        model_without_quotes(cases[i].message, told);
        assert_string_equal(told, cases[i].told);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_refusals_are_told_without_what_was_refused),
    cmocka_unit_test(test_an_accepted_text_is_the_summary),
    cmocka_unit_test(test_pieces_make_no_difference),
    cmocka_unit_test(test_a_refused_text_is_withdrawn_and_repaired),
    cmocka_unit_test(test_what_was_shown_before_an_invented_number_is_withdrawn),
    cmocka_unit_test(test_a_text_that_is_refused_twice_is_dropped),
    cmocka_unit_test(test_a_refused_word_is_nowhere),
    cmocka_unit_test(test_a_text_that_was_cut_is_refused),
    cmocka_unit_test(test_another_attempt_begins_anew),
    cmocka_unit_test(test_text_of_an_answer_that_never_came_is_withdrawn),
    cmocka_unit_test(test_the_answer_counts_not_what_was_heard),
    cmocka_unit_test(test_a_refused_beginning_of_another_text_is_forgotten),
    cmocka_unit_test(test_what_is_too_long_is_refused),
};

int main(void)
{
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
