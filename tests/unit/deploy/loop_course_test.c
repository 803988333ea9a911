/*
 * The loop's course: the whole table of transitions, resuming at every place, what is nothing new,
 * and times that cannot be true.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop_fixture.h"

static struct loop_position position(const struct loop_journal *journal, unsigned max_cycles)
{
    struct loop_position at = {0};
    struct error error = {0};

    if (loop_position_of(journal, max_cycles, &at, &error)) {
        fail_msg("%s", error.message);
    }
    return at;
}

/* Steps 1 to 5 of a cycle that has something to deploy. */
static void until_deploy(struct loop_journal *journal, unsigned cycle, const char *causes)
{
    fixture_step(journal, cycle, LOOP_CHECK, LOOP_OUTCOME_RED, "");
    fixture_step(journal, cycle, LOOP_DOCUMENT, LOOP_OUTCOME_RED, FIXTURE_FACTS_A);
    fixture_step(journal, cycle, LOOP_DIAGNOSE, LOOP_OUTCOME_DONE, causes);
    fixture_step(journal, cycle, LOOP_FIX, LOOP_OUTCOME_SKIPPED, "");
    fixture_step(journal, cycle, LOOP_COMMIT, LOOP_OUTCOME_SKIPPED, "");
}

static void whole_cycle(struct loop_journal *journal, unsigned cycle, enum loop_outcome confirmed,
                        const char *causes, const char *image)
{
    until_deploy(journal, cycle, causes);
    fixture_step(journal, cycle, LOOP_DEPLOY, LOOP_OUTCOME_DONE, image);
    fixture_step(journal, cycle, LOOP_VALIDATE, LOOP_OUTCOME_DONE, "");
    fixture_step(journal, cycle, LOOP_CONFIRM, confirmed, FIXTURE_FACTS_A);
}

/* What the documentation says, word for word: one letter for each step and outcome. */
static void test_transitions_are_those_that_are_documented(void **state)
{
    /* outcomes: done skipped green accepted incomplete red failed refused
     * .: cannot happen  >: next step  o: next cycle  S success  I incomplete  F failed  R refused
     */
    static const char *const documented[LOOP_STEP_COUNT] = {
        [LOOP_CHECK] = "..>.>>F.",    [LOOP_DOCUMENT] = "..SSI>FR", [LOOP_DIAGNOSE] = ">...>.F.",
        [LOOP_FIX] = ">>....F.",      [LOOP_COMMIT] = ">>....F.",   [LOOP_DEPLOY] = ">....oF.",
        [LOOP_VALIDATE] = ">....oF.", [LOOP_CONFIRM] = "..SSIoFR",
    };
    static const char verdicts[] = {[LOOP_VERDICT_SUCCESS] = 'S',
                                    [LOOP_VERDICT_INCOMPLETE] = 'I',
                                    [LOOP_VERDICT_FAILED] = 'F',
                                    [LOOP_VERDICT_REFUSED] = 'R'};

    (void)state;
    for (int step = 0; step < LOOP_STEP_COUNT; step++) {
        assert_int_equal(strlen(documented[step]), LOOP_OUTCOME_COUNT);
        for (int outcome = 0; outcome < LOOP_OUTCOME_COUNT; outcome++) {
            struct loop_transition way =
                loop_transition_of((enum loop_step)step, (enum loop_outcome)outcome);
            char is = way.way == LOOP_WAY_NONE    ? '.'
                      : way.way == LOOP_WAY_STEP  ? '>'
                      : way.way == LOOP_WAY_CYCLE ? 'o'
                                                  : verdicts[way.verdict];

            assert_int_equal(is, documented[step][outcome]);
            if (way.way == LOOP_WAY_STEP) {
                assert_int_equal(way.next, step + 1);
            }
        }
    }
}

static void test_names_are_found_again(void **state)
{
    enum loop_step step;
    enum loop_outcome outcome;
    enum loop_verdict verdict;

    (void)state;
    for (int i = 0; i < LOOP_STEP_COUNT; i++) {
        assert_true(loop_step_from(str_from(loop_step_name((enum loop_step)i)), &step));
        assert_int_equal(step, i);
    }
    for (int i = 0; i < LOOP_OUTCOME_COUNT; i++) {
        assert_true(loop_outcome_from(str_from(loop_outcome_name((enum loop_outcome)i)), &outcome));
        assert_int_equal(outcome, i);
    }
    for (int i = 0; i < LOOP_VERDICT_COUNT; i++) {
        assert_true(loop_verdict_from(str_from(loop_verdict_name((enum loop_verdict)i)), &verdict));
        assert_int_equal(verdict, i);
    }
    assert_false(loop_step_from(STR("chec"), &step));
    assert_false(loop_outcome_from(STR(""), &outcome));
    assert_false(loop_verdict_from(STR("successful"), &verdict));
}

static void test_one_cycle_from_failure_to_success(void **state)
{
    cleanup(loop_journal_free_pointer) struct loop_journal *journal = fixture_journal();

    (void)state;
    assert_int_equal(position(journal, 5).step, LOOP_CHECK);
    whole_cycle(journal, 1, LOOP_OUTCOME_GREEN, FIXTURE_FACTS_A, FIXTURE_FACTS_B);
    struct loop_position at = position(journal, 5);
    assert_int_equal(at.verdict, LOOP_VERDICT_SUCCESS);
    assert_false(at.is_stopped);
    struct loop_entry stopped = fixture_entry(journal, LOOP_JOURNAL_STOPPED);
    stopped.cycle = 1;
    stopped.verdict = LOOP_VERDICT_SUCCESS;
    fixture_keep(journal, &stopped);
    assert_true(position(journal, 5).is_stopped);
}

/* Cut behind each line, with "resumed" behind that: the step that had begun is the next one. */
static void test_a_journal_cut_anywhere_is_gone_on_with(void **state)
{
    cleanup(loop_journal_free_pointer) struct loop_journal *journal = fixture_journal();

    (void)state;
    whole_cycle(journal, 1, LOOP_OUTCOME_RED, FIXTURE_FACTS_A, FIXTURE_FACTS_A);
    whole_cycle(journal, 2, LOOP_OUTCOME_GREEN, FIXTURE_FACTS_A, FIXTURE_FACTS_B);
    size_t whole = journal->count;
    struct loop_entry *entries = journal->entries;
    for (size_t cut = 1; cut < whole; cut++) {
        struct loop_entry kept = entries[cut];
        bool has_begun = entries[cut - 1].event == LOOP_JOURNAL_BEGAN;
        const struct loop_entry *next = has_begun ? &entries[cut - 1] : &kept;

        journal->count = cut;
        entries[cut] = fixture_entry(journal, LOOP_JOURNAL_RESUMED);
        journal->count = cut + 1;
        struct loop_position at = position(journal, 5);
        assert_int_equal(at.verdict, LOOP_VERDICT_NONE);
        assert_int_equal(at.cycle, next->cycle);
        assert_int_equal(at.step, next->step);
        assert_int_equal(at.has_begun, has_begun);
        entries[cut] = kept;
    }
    journal->count = whole;
    assert_int_equal(position(journal, 5).verdict, LOOP_VERDICT_SUCCESS);
}

static void test_a_cycle_that_brings_nothing_new_stops(void **state)
{
    cleanup(loop_journal_free_pointer) struct loop_journal *journal = fixture_journal();

    (void)state;
    whole_cycle(journal, 1, LOOP_OUTCOME_RED, FIXTURE_FACTS_A, FIXTURE_FACTS_A);
    assert_false(loop_is_nothing_new(journal, 1));
    assert_int_equal(position(journal, 5).cycle, 2);
    whole_cycle(journal, 2, LOOP_OUTCOME_RED, FIXTURE_FACTS_A, FIXTURE_FACTS_A);
    assert_true(loop_is_nothing_new(journal, 2));
    assert_int_equal(position(journal, 5).verdict, LOOP_VERDICT_NOTHING_NEW);
}

static void test_another_cause_image_outcome_or_step_is_something_new(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        cleanup(loop_journal_free_pointer) struct loop_journal *journal = fixture_journal();
        const char *causes = i == 0 ? FIXTURE_FACTS_B : FIXTURE_FACTS_A;
        const char *image = i == 1 ? FIXTURE_FACTS_B : FIXTURE_FACTS_A;

        whole_cycle(journal, 1, LOOP_OUTCOME_RED, FIXTURE_FACTS_A, FIXTURE_FACTS_A);
        until_deploy(journal, 2, causes);
        if (i == 2) {
            fixture_step(journal, 2, LOOP_DEPLOY, LOOP_OUTCOME_RED, image);
        } else {
            fixture_step(journal, 2, LOOP_DEPLOY, LOOP_OUTCOME_DONE, image);
            fixture_step(journal, 2, LOOP_VALIDATE, i == 3 ? LOOP_OUTCOME_RED : LOOP_OUTCOME_DONE,
                         "");
        }
        if (i < 2) {
            fixture_step(journal, 2, LOOP_CONFIRM, LOOP_OUTCOME_RED, FIXTURE_FACTS_A);
        }
        assert_false(loop_is_nothing_new(journal, 2));
        assert_int_equal(position(journal, 5).cycle, 3);
        assert_int_equal(position(journal, 2).verdict, LOOP_VERDICT_MAXIMUM);
    }
}

static void test_the_maximum_stops(void **state)
{
    cleanup(loop_journal_free_pointer) struct loop_journal *journal = fixture_journal();

    (void)state;
    whole_cycle(journal, 1, LOOP_OUTCOME_RED, FIXTURE_FACTS_A, FIXTURE_FACTS_A);
    assert_int_equal(position(journal, 1).verdict, LOOP_VERDICT_MAXIMUM);
    assert_int_equal(position(journal, 2).verdict, LOOP_VERDICT_NONE);
}

static void refuse(const struct loop_journal *journal)
{
    struct loop_position at = {0};
    struct error error = {0};

    assert_int_equal(loop_position_of(journal, 5, &at, &error), ERR_INVALID);
    assert_non_null(strstr(error.message, "out of order"));
}

/* The starting report's own mistake among them: it validates, and then deploys. */
static void test_loop_journals_out_of_order_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 7; i++) {
        cleanup(loop_journal_free_pointer) struct loop_journal *journal = fixture_journal();
        struct loop_entry entry = fixture_began(journal, 1, LOOP_CHECK);

        switch (i) {
        case 0: /* another step than the next */
            until_deploy(journal, 1, FIXTURE_FACTS_A);
            fixture_step(journal, 1, LOOP_VALIDATE, LOOP_OUTCOME_DONE, "");
            break;
        case 1: /* began twice, and nobody resumed */
            fixture_keep(journal, &entry);
            fixture_keep(journal, &entry);
            break;
        case 2: /* an end without a beginning */
            entry.event = LOOP_JOURNAL_ENDED;
            fixture_keep(journal, &entry);
            break;
        case 3: /* an outcome that this step has not */
            fixture_step(journal, 1, LOOP_CHECK, LOOP_OUTCOME_SKIPPED, "");
            break;
        case 4: /* stopped without a reason */
            entry.event = LOOP_JOURNAL_STOPPED;
            entry.verdict = LOOP_VERDICT_SUCCESS;
            fixture_keep(journal, &entry);
            break;
        case 5: /* stopped for another reason */
            fixture_step(journal, 1, LOOP_CHECK, LOOP_OUTCOME_FAILED, "");
            entry.event = LOOP_JOURNAL_STOPPED;
            entry.verdict = LOOP_VERDICT_SUCCESS;
            fixture_keep(journal, &entry);
            break;
        default: /* the end of a step that was broken off by a kill */
            fixture_keep(journal, &entry);
            entry = fixture_entry(journal, LOOP_JOURNAL_RESUMED);
            fixture_keep(journal, &entry);
            entry = fixture_began(journal, 1, LOOP_CHECK);
            entry.event = LOOP_JOURNAL_ENDED;
            entry.outcome = LOOP_OUTCOME_GREEN;
            fixture_keep(journal, &entry);
            break;
        }
        refuse(journal);
    }
}

/* ---- times ---- */

static size_t contradictions(const struct loop_journal *journal, const char *expected)
{
    struct loop_contradictions found = {0};
    struct arena arena;

    arena_init(&arena, (size_t)1 << 20);
    assert_int_equal(loop_check_times(journal, &arena, &found), OK);
    assert_true(found.lines > 0 && found.spans > 0);
    bool is_there = false;
    for (size_t i = 0; i < found.count; i++) {
        is_there = is_there || (expected && strstr(found.items[i].data, expected));
    }
    if (expected && !is_there) {
        fail_msg("not found: %s (%zu others, the first: %s)", expected, found.count,
                 found.count ? found.items[0].data : "none");
    }
    arena_done(&arena);
    return found.count;
}

static struct loop_entry *find(struct loop_journal *journal, enum loop_journal_event event,
                               enum loop_step step)
{
    for (size_t i = 0; i < journal->count; i++) {
        if (journal->entries[i].event == event && journal->entries[i].step == step) {
            return &journal->entries[i];
        }
    }
    fail_msg("there is no such line");
    return NULL;
}

static struct loop_journal *true_journal(void)
{
    struct loop_journal *journal = fixture_journal();

    whole_cycle(journal, 1, LOOP_OUTCOME_GREEN, FIXTURE_FACTS_A, FIXTURE_FACTS_B);
    for (int step = 0; step < LOOP_STEP_COUNT; step++) {
        struct loop_entry *ended = find(journal, LOOP_JOURNAL_ENDED, (enum loop_step)step);

        if (step == LOOP_CHECK || step == LOOP_VALIDATE || step == LOOP_CONFIRM) {
            ended->from_us = ended->time_us - SECOND_US + 1000;
            ended->to_us = ended->time_us - 1000;
        }
    }
    return journal;
}

static void test_true_times_do_not_contradict_each_other(void **state)
{
    cleanup(loop_journal_free_pointer) struct loop_journal *journal = true_journal();

    (void)state;
    assert_int_equal(contradictions(journal, NULL), 0);
}

static void test_each_false_time_is_found(void **state)
{
    static const char *const expected[] = {
        "validate of cycle 1 looked at",
        "of confirm of cycle 1 is from",
        "comes after line",
        "elapsed time went backwards",
        "the clock went on by",
        "says that it took 9000 ms",
        "says that it took 0 ms",
        "of check of cycle 1 ended before it began",
        "of check of cycle 1 goes to",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        cleanup(loop_journal_free_pointer) struct loop_journal *journal = true_journal();
        struct loop_entry *check = find(journal, LOOP_JOURNAL_ENDED, LOOP_CHECK);
        struct loop_entry *validate = find(journal, LOOP_JOURNAL_ENDED, LOOP_VALIDATE);
        struct loop_entry *confirm = find(journal, LOOP_JOURNAL_ENDED, LOOP_CONFIRM);
        struct loop_entry *deploy = find(journal, LOOP_JOURNAL_ENDED, LOOP_DEPLOY);

        switch (i) {
        case 0: /* validated before it was deployed */
            validate->from_us = deploy->time_us - 1;
            break;
        case 1: /* the evidence of an earlier run */
            confirm->from_us -= MINUTE_US;
            confirm->to_us -= MINUTE_US;
            break;
        case 2:
            deploy->time_us -= 5 * SECOND_US;
            break;
        case 3:
            deploy->elapsed_us -= 5 * SECOND_US;
            break;
        case 4:
            for (struct loop_entry *later = deploy; later < journal->entries + journal->count;
                 later++) {
                later->time_us += HOUR_US;
            }
            break;
        case 5:
            deploy->duration_ms = 9000;
            break;
        case 6:
            deploy->duration_ms = 0;
            deploy->elapsed_us += SECOND_US;
            break;
        case 7:
            check->to_us = check->from_us - 1;
            break;
        default:
            check->to_us = check->time_us + 2 * SECOND_US;
            break;
        }
        assert_true(contradictions(journal, expected[i]) > 0);
    }
}

/* A boot in between: elapsed time begins anew, which a resumed loop may have seen. */
static void test_a_boot_in_between_is_no_contradiction(void **state)
{
    cleanup(loop_journal_free_pointer) struct loop_journal *journal = fixture_journal();

    (void)state;
    fixture_step(journal, 1, LOOP_CHECK, LOOP_OUTCOME_RED, "");
    struct loop_entry began = fixture_began(journal, 1, LOOP_DOCUMENT);
    fixture_keep(journal, &began);
    struct loop_entry resumed = fixture_entry(journal, LOOP_JOURNAL_RESUMED);
    resumed.elapsed_us = 1;
    resumed.time_us += HOUR_US;
    fixture_keep(journal, &resumed);
    began = resumed;
    began.event = LOOP_JOURNAL_BEGAN;
    began.cycle = 1;
    began.step = LOOP_DOCUMENT;
    fixture_keep(journal, &began);
    assert_int_equal(contradictions(journal, NULL), 0);
    assert_int_equal(position(journal, 5).step, LOOP_DOCUMENT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_transitions_are_those_that_are_documented),
    cmocka_unit_test(test_names_are_found_again),
    cmocka_unit_test(test_one_cycle_from_failure_to_success),
    cmocka_unit_test(test_a_journal_cut_anywhere_is_gone_on_with),
    cmocka_unit_test(test_a_cycle_that_brings_nothing_new_stops),
    cmocka_unit_test(test_another_cause_image_outcome_or_step_is_something_new),
    cmocka_unit_test(test_the_maximum_stops),
    cmocka_unit_test(test_loop_journals_out_of_order_are_refused),
    cmocka_unit_test(test_true_times_do_not_contradict_each_other),
    cmocka_unit_test(test_each_false_time_is_found),
    cmocka_unit_test(test_a_boot_in_between_is_no_contradiction),
};

UNIT_MAIN(tests)
