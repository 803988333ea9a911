/*
 * Honest evidence is believed; evidence that breaks one rule is caught by this rule, and the check
 * that it is about fails.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "evidence_fixture.h"

#include "base/alloc.h"

#define MESSAGES    0
#define PERFORMANCE 1
#define ISOLATION   2
#define ALL         (-1)

struct lie {
    const char *rule;
    int check; /* index of the check that fails, ALL for all */
    void (*tell)(struct evidence *evidence);
};

/* ---- what makes evidence untrue ---- */

static void forget_exchanges(struct evidence *evidence, struct check *check)
{
    size_t kept = 0;

    for (size_t i = 0; i < evidence->exchange_count; i++) {
        if (!str_equal(evidence->exchanges[i].check, check->id)) {
            evidence->exchanges[kept++] = evidence->exchanges[i];
        }
    }
    evidence->exchange_count = kept;
    check->exchanges = 0;
    check->bytes_sent = check->bytes_received = 0;
}

static void tell_no_bytes_sent(struct evidence *evidence)
{
    for (size_t i = 0; i < 3; i++) {
        evidence->exchanges[i].what.bytes_sent = 0;
    }
    evidence->checks[MESSAGES].bytes_sent = 0;
}

static void tell_no_bytes_received(struct evidence *evidence)
{
    for (size_t i = 0; i < 3; i++) {
        evidence->exchanges[i].what.bytes_received = 0;
    }
    evidence->checks[MESSAGES].bytes_received = 0;
}

static void tell_no_bytes_of_a_part(struct evidence *evidence)
{
    struct check *check = &evidence->checks[ISOLATION];

    evidence->exchanges_not_kept = 1;
    check->bytes_received = 7;
    assert_int_equal(evidence_find(evidence, check, "own", OUTCOME_PASSED, "x", "x"), OK);
}

static void tell_no_time(struct evidence *evidence)
{
    forget_exchanges(evidence, &evidence->checks[MESSAGES]);
    evidence->exchanges_not_kept = 3;
    evidence->checks[MESSAGES].bytes_sent = evidence->checks[MESSAGES].bytes_received = 7;
    evidence->checks[MESSAGES].duration_us = 0;
}

static void retarget(struct evidence *evidence)
{
    struct target *target = &evidence->checks[PERFORMANCE].targets[0];

    assert_int_equal(
        spread_of(evidence->sets[0].values_us, evidence->sets[0].count, &target->spread_us), OK);
}

static void tell_no_variance(struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->sets[0].count; i++) {
        evidence->sets[0].values_us[i] = 2500;
    }
    retarget(evidence);
}

static void tell_hardly_any_variance(struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->sets[0].count; i++) {
        evidence->sets[0].values_us[i] = 2500 + (double)(i % 2);
    }
    retarget(evidence);
}

static void tell_before_run(struct evidence *evidence)
{
    forget_exchanges(evidence, &evidence->checks[MESSAGES]);
    evidence->exchanges_not_kept = 3;
    evidence->checks[MESSAGES].bytes_sent = evidence->checks[MESSAGES].bytes_received = 7;
    evidence->checks[MESSAGES].started_us -= 1100000;
    evidence->checks[MESSAGES].started_monotonic_us -= 1100000;
}

static void tell_after_run(struct evidence *evidence)
{
    evidence->checks[ISOLATION].duration_us = 3 * SECOND;
}

static void tell_overlap(struct evidence *evidence)
{
    evidence->checks[MESSAGES].duration_us = 4 * SECOND + 10000;
}

static void tell_exchange_before_check(struct evidence *evidence)
{
    evidence->exchanges[0].what.started_us -= 100000;
    evidence->exchanges[0].what.started_monotonic_us -= 100000;
}

static void tell_exchange_after_check(struct evidence *evidence)
{
    evidence->exchanges[2].what.total_us = 1200000; /* begun two seconds into three */
}

static void tell_exchange_of_no_check(struct evidence *evidence)
{
    evidence->exchanges_not_kept = 1; /* so that counts are not compared */
    evidence->exchanges[0].check = STR("another");
}

static void tell_exchange_longer_than_check(struct evidence *evidence)
{
    evidence->exchanges[0].what.total_us = 3100000;
}

static void tell_phases_swapped(struct evidence *evidence)
{
    evidence->exchanges[0].what.first_byte_us = 100;
}

static void tell_phase_negative(struct evidence *evidence)
{
    evidence->exchanges[0].what.name_us = -1;
}

static void tell_phase_after_end(struct evidence *evidence)
{
    evidence->exchanges[0].what.first_byte_us = 901;
}

static void tell_samples_longer_than_check(struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->sets[0].count; i++) {
        evidence->sets[0].values_us[i] *= 10;
    }
    retarget(evidence);
}

static void tell_sample_outside(struct evidence *evidence)
{
    evidence->sets[0].at_us[99] = MONOTONIC_US + 9 * SECOND;
}

static void tell_samples_out_of_order(struct evidence *evidence)
{
    evidence->sets[0].at_us[50] = evidence->sets[0].at_us[10];
}

static void tell_clocks_of_run(struct evidence *evidence)
{
    evidence->finished_us += 1500000;
}

static void tell_clocks_of_check(struct evidence *evidence)
{
    evidence->checks[PERFORMANCE].started_us += 3600 * SECOND;
}

static void tell_clocks_of_exchange(struct evidence *evidence)
{
    evidence->exchanges[1].what.started_us -= 3600 * SECOND;
}

static void tell_too_few_samples(struct evidence *evidence)
{
    evidence->sets[0].count = 49;
    retarget(evidence);
}

static void tell_no_samples(struct evidence *evidence)
{
    evidence->set_count = 0;
}

static void tell_fewer_samples_than_claimed(struct evidence *evidence)
{
    evidence->sets[0].count = 60;
}

static void tell_better_spread(struct evidence *evidence)
{
    evidence->checks[PERFORMANCE].targets[0].spread_us.p95 /= 2;
}

static void tell_limit_met(struct evidence *evidence)
{
    evidence->checks[PERFORMANCE].targets[0].limit_ms = 1;
}

static void tell_sets_alike(struct evidence *evidence)
{
    struct sample_set copy = evidence->sets[0];

    copy.name = STR("websocket");
    evidence->sets[evidence->set_count++] = copy;
}

static void tell_more_bytes(struct evidence *evidence)
{
    evidence->checks[MESSAGES].bytes_received += 1;
}

static void tell_more_exchanges(struct evidence *evidence)
{
    evidence->checks[MESSAGES].exchanges += 1;
}

static void tell_passed(struct evidence *evidence)
{
    evidence->checks[MESSAGES].findings[1].outcome = OUTCOME_FAILED;
}

static void tell_not_exercised_instead_of_failed(struct evidence *evidence)
{
    evidence->checks[ISOLATION].findings[0].outcome = OUTCOME_FAILED;
}

static void tell_passed_without_findings(struct evidence *evidence)
{
    evidence->checks[MESSAGES].finding_count = 0;
}

static void tell_passed_though_partial(struct evidence *evidence)
{
    evidence->checks[ISOLATION].outcome = OUTCOME_PASSED;
}

static const struct lie lies[] = {
    {"no_bytes_sent", MESSAGES, tell_no_bytes_sent},
    {"no_bytes_received", MESSAGES, tell_no_bytes_received},
    {"no_bytes_sent", ISOLATION, tell_no_bytes_of_a_part},
    {"no_time", MESSAGES, tell_no_time},
    {"no_variance", PERFORMANCE, tell_no_variance},
    {"no_variance", PERFORMANCE, tell_hardly_any_variance},
    {"outside_run", MESSAGES, tell_before_run},
    {"outside_run", ISOLATION, tell_after_run},
    {"overlap", PERFORMANCE, tell_overlap},
    {"exchange_outside_check", MESSAGES, tell_exchange_before_check},
    {"exchange_outside_check", MESSAGES, tell_exchange_after_check},
    {"exchange_outside_check", ALL, tell_exchange_of_no_check},
    {"exchange_longer_than_check", MESSAGES, tell_exchange_longer_than_check},
    {"phases_out_of_order", MESSAGES, tell_phases_swapped},
    {"phases_out_of_order", MESSAGES, tell_phase_negative},
    {"phases_out_of_order", MESSAGES, tell_phase_after_end},
    {"samples_longer_than_check", PERFORMANCE, tell_samples_longer_than_check},
    {"sample_outside_check", PERFORMANCE, tell_sample_outside},
    {"sample_outside_check", PERFORMANCE, tell_samples_out_of_order},
    {"clocks_disagree", ALL, tell_clocks_of_run},
    {"clocks_disagree", PERFORMANCE, tell_clocks_of_check},
    {"clocks_disagree", MESSAGES, tell_clocks_of_exchange},
    {"too_few_samples", PERFORMANCE, tell_too_few_samples},
    {"too_few_samples", PERFORMANCE, tell_no_samples},
    {"spread_differs", PERFORMANCE, tell_fewer_samples_than_claimed},
    {"spread_differs", PERFORMANCE, tell_better_spread},
    {"limit_exceeded", PERFORMANCE, tell_limit_met},
    {"sets_alike", ALL, tell_sets_alike},
    {"bytes_differ", MESSAGES, tell_more_bytes},
    {"bytes_differ", MESSAGES, tell_more_exchanges},
    {"outcome_contradicts_findings", MESSAGES, tell_passed},
    {"outcome_contradicts_findings", MESSAGES, tell_passed_without_findings},
    {"outcome_contradicts_findings", ISOLATION, tell_not_exercised_instead_of_failed},
    {"outcome_contradicts_findings", ISOLATION, tell_passed_though_partial},
};

/* ---- tests ---- */

static void test_meta_check_believes_honest_evidence(void **state)
{
    struct evidence *evidence = honest_evidence();

    (void)state;
    for (int i = 0; i < 2; i++) { /* and again */
        assert_int_equal(evidence_judge(evidence), OK);
        for (size_t k = 0; k < evidence->violation_count; k++) {
            print_error("%.*s\n", STR_ARGS(evidence->violations[k].id));
        }
        assert_int_equal(evidence->violation_count, 0);
        assert_int_equal(evidence->checks[MESSAGES].outcome, OUTCOME_PASSED);
        assert_int_equal(evidence->checks[PERFORMANCE].outcome, OUTCOME_PASSED);
        assert_int_equal(evidence->checks[ISOLATION].outcome, OUTCOME_NOT_EXERCISED);
        assert_int_equal(evidence->summary, SUMMARY_INCOMPLETE);
    }
    evidence->check_count = 2;
    assert_int_equal(evidence_judge(evidence), OK);
    assert_int_equal(evidence->summary, SUMMARY_GREEN);
    evidence_free(evidence);
}

static void check_caught(const struct lie *lie, size_t index)
{
    struct evidence *evidence = honest_evidence();

    lie->tell(evidence);
    assert_int_equal(evidence_judge(evidence), OK);
    if (evidence->violation_count == 0) {
        fail_msg("lie %zu (%s) is believed", index, lie->rule);
    }
    for (size_t i = 0; i < evidence->violation_count; i++) {
        if (!str_equal(evidence->violations[i].id, str_from(lie->rule))) {
            fail_msg("lie %zu (%s) is also %.*s", index, lie->rule,
                     STR_ARGS(evidence->violations[i].id));
        }
        assert_true(evidence->violations[i].observed.length > 0);
    }
    for (int i = 0; i < (int)evidence->check_count; i++) {
        bool must_fail = lie->check == ALL || lie->check == i;

        if (must_fail != (evidence->checks[i].outcome == OUTCOME_FAILED)) {
            fail_msg("lie %zu (%s): check %d is %s", index, lie->rule, i,
                     outcome_name(evidence->checks[i].outcome));
        }
    }
    assert_int_equal(evidence->summary, SUMMARY_FAILED);
    evidence_free(evidence);
}

static void test_meta_check_catches_each_lie_by_its_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(lies); i++) {
        check_caught(&lies[i], i);
    }
}

/* What looks like a lie and is none. */
static void test_meta_check_knows_honest_oddities(void **state)
{
    struct evidence *evidence = honest_evidence();

    (void)state;
    /* a refusal before all of the request was sent */
    evidence->exchanges[0].what.status = 413;
    evidence->exchanges[0].what.sent_us = 890;
    evidence->exchanges[0].what.first_byte_us = 300;
    /* no connection at all */
    evidence->exchanges[1].what.status = 0;
    evidence->exchanges[1].what.sent_us = evidence->exchanges[1].what.first_byte_us = 0;
    /* a fast handler: some samples alike, all within a few microseconds */
    for (size_t i = 0; i < evidence->sets[0].count; i++) {
        evidence->sets[0].values_us[i] = 80 + (double)(i % 3);
    }
    retarget(evidence);
    /* the clock was set by half a second */
    evidence->finished_us += 500000;
    assert_int_equal(evidence_judge(evidence), OK);
    assert_int_equal(evidence->violation_count, 0);
    evidence_free(evidence);
}

static void test_meta_check_summary_says_unreachable_when_nothing_answered(void **state)
{
    struct evidence *evidence = honest_evidence();

    (void)state;
    for (size_t i = 0; i < evidence->exchange_count; i++) {
        evidence->exchanges[i].what.status = 0;
    }
    assert_int_equal(evidence_judge(evidence), OK);
    assert_int_equal(evidence->summary, SUMMARY_UNREACHABLE);
    evidence_free(evidence);
}

static void test_meta_check_ends_the_run_of_evidence_in_progress(void **state)
{
    struct evidence *evidence = NULL;
    struct check *check;

    (void)state;
    assert_int_equal(evidence_new(&evidence), OK);
    assert_int_equal(evidence_begin_check(evidence, "basic", "Basic", &check), OK);
    assert_int_equal(evidence_find(evidence, check, "x", OUTCOME_FAILED, "a", "b"), OK);
    evidence_end_check(evidence, check);
    assert_int_equal(evidence_judge(evidence), OK);
    assert_int_equal(evidence->violation_count, 0);
    assert_true(evidence->finished_us >= evidence->started_us);
    evidence_free(evidence);
}

/* Ids of a file can be as long as any text. */
static void test_meta_check_names_checks_with_long_ids(void **state)
{
    static char id[EVIDENCE_TEXT_BYTES_MAX + 1];
    struct evidence *evidence = honest_evidence();

    (void)state;
    memset(id, 'i', EVIDENCE_TEXT_BYTES_MAX);
    evidence->checks[ISOLATION].id = str_from(id);
    evidence->checks[ISOLATION].outcome = OUTCOME_PASSED;
    assert_int_equal(evidence_judge(evidence), OK);
    assert_int_equal(evidence->violation_count, 1);
    assert_memory_equal(evidence->violations[0].observed.data, "iiii", 4);
    evidence_free(evidence);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_meta_check_believes_honest_evidence),
    cmocka_unit_test(test_meta_check_catches_each_lie_by_its_rule),
    cmocka_unit_test(test_meta_check_knows_honest_oddities),
    cmocka_unit_test(test_meta_check_summary_says_unreachable_when_nothing_answered),
    cmocka_unit_test(test_meta_check_ends_the_run_of_evidence_in_progress),
    cmocka_unit_test(test_meta_check_names_checks_with_long_ids),
};

UNIT_MAIN(tests)
