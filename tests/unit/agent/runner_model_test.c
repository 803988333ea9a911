/*
 * The real run and its judge with a played chain: what is streamed is the report's summary and the
 * thread's message, the facts are those of a run without a model, and from every event of its log
 * the run comes to the same report again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "asking_fixture.h"

static const char *const refined[] = {"{}", NULL};
static const char *const no_more_calls[] = {"That is enough.", NULL};
static const char *const good_text[] = {"The calls in these ", "records cost {spend",
                                        ".total}.\n\n",        "Start with the ",
                                        "largest part.",       NULL};
static const char *const good_words[] = {"The calls in these records cost $", ".\nStart with"};
static const char *const invented_text[] = {"The calls cost ", "{spend.total}, ", "which is ",
                                            "42 dollars ",     "too much.",       NULL};

static struct place *open_real_place(void)
{
    struct place *place = open_place(1);

    set_script(good_text, good_text);
    set_lines(script.interpret, refined);
    set_lines(script.plan, no_more_calls);
    asked_prompt = QUESTION;
    asked_dataset = DATASET;
    place->model_tokens_max = 1000000;
    drain(place, 0);
    restart(place);
    add_dataset(place, STORE_DATASET_READY);
    return place;
}

static void report_of(struct place *place, const char *run_id, const char *format, struct buf *out)
{
    buf_init(out, (size_t)64 << 20);
    assert_int_equal(store_get_report_body(place->store, STR(STORE_WORKSPACE_FIRST),
                                           str_from(row_of(place, run_id).report_id),
                                           str_from(format), out),
                     OK);
}

static void assert_good(const struct texts *texts)
{
    for (size_t i = 0; i < ARRAY_LENGTH(good_words); i++) {
        if (!says(texts->last, good_words[i])) {
            fail_msg("'%s' is not in '%s'", good_words[i], texts->last);
        }
    }
}

static void test_the_summary_is_heard_as_it_is_written(void **state)
{
    struct place *place = open_real_place();
    struct stored_log log = {0};
    struct buf with;
    struct buf without;

    (void)state;
    start_with(place, "run-1", QUESTION);
    run_until_ended(place, 1);
    struct texts texts = assert_told(place, "run-1"); /* is the message, too */
    assert_int_equal(texts.begun, 1);
    assert_good(&texts);
    log_of(place, "run-1", &log);
    assert_int_equal(times(&log, "netra.model_answered"), asked_count);
    assert_true(asked_count >= 3);
    log_free(&log);

    place->llm = NULL;
    drain(place, 0);
    restart(place);
    start_with(place, "run-2", QUESTION);
    run_until_ended(place, 2);
    report_of(place, "run-1", "csv", &with);
    report_of(place, "run-2", "csv", &without);
    assert_str(buf_str(&with), without.data); /* the facts */
    buf_done(&with);
    buf_done(&without);
    close_place(place);
}

/* The report says more than the model wrote; the message is what was heard. */
static void test_the_message_is_what_was_heard(void **state)
{
    struct place *place = open_real_place();

    (void)state;
    start_with(place, "run-1", "where does the money go, and what if usage grows by 30 %?");
    run_until_ended(place, 1);
    struct texts texts = assert_told(place, "run-1");
    assert_good(&texts);
    close_place(place);
}

static void test_an_invented_number_is_withdrawn_and_the_text_repaired(void **state)
{
    struct place *place = open_real_place();

    (void)state;
    set_lines(script.write, invented_text);
    start_with(place, "run-1", QUESTION);
    run_until_ended(place, 1);
    struct texts texts = assert_told(place, "run-1");
    assert_int_equal(texts.begun, 2);
    assert_int_equal(texts.withdrawn, 1);
    assert_good(&texts);
    for (size_t i = 0; i < place->heard_count; i++) {
        assert_false(says(place->heard[i].json, "42 dollars"));
    }
    close_place(place);
}

/* Nobody answers anything: the report of a run without a model, and why. */
static void test_without_answers_the_report_is_the_built_in_one(void **state)
{
    static const char *const fail[] = {"FAIL", NULL};
    struct place *place = open_real_place();
    struct buf body;

    (void)state;
    set_script(fail, fail);
    set_lines(script.interpret, fail);
    set_lines(script.plan, fail);
    start_with(place, "run-1", QUESTION);
    run_until_ended(place, 1);
    (void)assert_told(place, "run-1");
    report_of(place, "run-1", "md", &body);
    assert_non_null(strstr(body.data, "No model took part"));
    assert_non_null(strstr(body.data, "played"));
    buf_done(&body);
    close_place(place);
}

/* What ids and times are not, all that a report says. */
static void assert_same_report(struct place *place, const char *one, const char *other)
{
    struct buf a;
    struct buf b;

    report_of(place, one, "csv", &a);
    report_of(place, other, "csv", &b);
    assert_str(buf_str(&a), b.data);
    buf_done(&a);
    buf_done(&b);
}

static void take_up(struct place *place, const char *run_id, const struct left *left, size_t count)
{
    unsigned answered = said_in(&left->log, count, "netra.model_answered");
    unsigned ended = place->ended;
    struct stored_log log = {0};

    asked_count = 0;
    leave(place, run_id, left, count, answered, /* seq_leased */ 0);
    restart(place);
    run_until_ended(place, ended + 1);
    log_of(place, run_id, &log);
    assert_log_holds(&log);
    if (row_of(place, run_id).status != STORE_RUN_FINISHED) {
        fail_msg("%zu: %s", count, log.json[log.count - 1]);
    }
    struct texts texts = texts_of(&log);
    assert_good(&texts);
    assert_int_equal(texts.withdrawn, texts.begun - 1);
    assert_int_equal(asked_count, left->call_count - answered);
    drain(place, 0);
    log_free(&log);
}

static void test_a_report_is_made_again_from_every_point_of_its_log(void **state)
{
    struct place *place = open_real_place();
    struct left left;

    (void)state;
    set_lines(script.write, invented_text);
    make_log(place, &left);
    size_t last = where(&left.log, "ACTIVITY_SNAPSHOT");
    drain(place, 0);
    for (size_t count = 1; count <= last; count++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%03zu", count);
        rename_left(&left, "run-000", id);
        take_up(place, id, &left, count);
        rename_left(&left, id, "run-000");
        if (count > 1) {
            assert_same_report(place, "run-001", id);
        }
        forget(place, count > 1 ? id : "");
    }
    print_message("%zu points\n", last);
    left_done(&left);
    close_place(place);
}

/* The sentence of a report that begins so. */
static void sentence_of(struct place *place, const char *run_id, const char *begin, char *ret_text,
                        size_t size)
{
    struct buf body;

    report_of(place, run_id, "md", &body);
    const char *at = strstr(body.data, begin);
    assert_non_null(at);
    (void)snprintf(ret_text, size, "%.*s", (int)strcspn(at, "\n"), at);
    buf_done(&body);
}

/* Why nobody answered is the same sentence when the run is done again. */
static void test_why_nobody_answered_is_remembered(void **state)
{
    static const char *const fail[] = {"AGAIN", "AGAIN", "FAIL", NULL};
    struct place *place = open_real_place();
    struct left left;
    char before[512];
    char after[512];

    (void)state;
    set_script(fail, fail);
    set_lines(script.interpret, fail);
    set_lines(script.plan, fail);
    start_with(place, "run-001", QUESTION);
    run_until_ended(place, 1);
    sentence_of(place, "run-001", "No model took part", before, sizeof(before));
    assert_non_null(strstr(before, "played"));
    assert_non_null(strstr(before, "second"));
    make_log(place, &left);
    drain(place, 0);
    rename_left(&left, "run-000", "run-002");
    leave(place, "run-002", &left, where(&left.log, "ACTIVITY_SNAPSHOT") - 6,
          (unsigned)times(&left.log, "netra.model_answered"), /* seq_leased */ 0);
    restart(place);
    run_until_ended(place, 3);
    sentence_of(place, "run-002", "No model took part", after, sizeof(after));
    assert_string_equal(after, before);
    left_done(&left);
    close_place(place);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_the_summary_is_heard_as_it_is_written),
    cmocka_unit_test(test_the_message_is_what_was_heard),
    cmocka_unit_test(test_an_invented_number_is_withdrawn_and_the_text_repaired),
    cmocka_unit_test(test_without_answers_the_report_is_the_built_in_one),
    cmocka_unit_test(test_why_nobody_answered_is_remembered),
    cmocka_unit_test(test_a_report_is_made_again_from_every_point_of_its_log),
};

int main(void)
{
    return cmocka_run_group_tests(tests, open_sample, close_sample);
}
