/*
 * Evidence counts what it is given, computes outcomes itself, keeps no secret of an address and
 * stops at its limits; without memory every step says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "evidence_fixture.h"

#include "base/alloc.h"

static void test_evidence_counts_exchanges_and_keeps_no_secret(void **state)
{
    struct evidence *evidence = honest_evidence();
    const struct check *check = &evidence->checks[0];

    (void)state;
    assert_int_equal(check->exchanges, 3);
    assert_int_equal(check->bytes_sent, 120 + 120 + 400);
    assert_int_equal(check->bytes_received, 900 + 900 + 5000);
    assert_str(evidence->exchanges[0].url, "http://127.0.0.1:8421/health");
    assert_str(evidence->exchanges[2].url, "ws://127.0.0.1:8421/ws");
    assert_str(evidence->exchanges[2].method, "WEBSOCKET");
    assert_str(evidence->exchanges[0].check, "message_flow");
    evidence_free(evidence);
    evidence_free(NULL);
}

static void test_evidence_cuts_addresses_where_secrets_may_be(void **state)
{
    static const char *const cases[][2] = {
        {"http://h/a?b=c", "http://h/a"},
        {"http://h?b=c/d@e", "http://h"},
        {"http://u:p@h:1/a@b", "http://h:1/a@b"},
        {"http://u@p@h/", "http://h/"},
        {"http://h/a#t", "http://h/a"},
        {"h/a", "h/a"},
        {"", ""},
    };
    struct evidence *evidence = NULL;
    const struct exchange exchange = {.status = 200};

    (void)state;
    assert_int_equal(evidence_new(&evidence), OK);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct exchange_request request = {.method = "GET", .url = cases[i][0]};

        assert_int_equal(evidence_keep_exchange(evidence, NULL, &request, &exchange), OK);
        assert_str(evidence->exchanges[i].url, cases[i][1]);
        assert_str(evidence->exchanges[i].check, "");
    }
    evidence_free(evidence);
}

/* ---- outcomes ---- */

static enum outcome outcome_of(const char *findings, struct str *ret_reason)
{
    struct evidence *evidence = NULL;
    struct check *check;
    static char reason[256];

    assert_int_equal(evidence_new(&evidence), OK);
    assert_int_equal(evidence_begin_check(evidence, "basic", "Basic", &check), OK);
    for (; *findings; findings++) {
        char id[2] = {*findings, 0};
        int code = *findings == 'n'
                       ? evidence_not_exercised(evidence, check, id, "luck")
                       : evidence_find(evidence, check, id,
                                       *findings == 'p' ? OUTCOME_PASSED : OUTCOME_FAILED, "this",
                                       "%s", "that");
        assert_int_equal(code, OK);
    }
    evidence_end_check(evidence, check);
    (void)snprintf(reason, sizeof(reason), "%.*s", STR_ARGS(check->reason));
    *ret_reason = str_from(reason);
    enum outcome outcome = check->outcome;
    assert_true(check->duration_us >= 0);
    evidence_free(evidence);
    return outcome;
}

static void test_evidence_check_is_its_worst_finding(void **state)
{
    struct str reason;

    (void)state;
    assert_int_equal(outcome_of("pp", &reason), OUTCOME_PASSED);
    assert_str(reason, "");
    assert_int_equal(outcome_of("pnfp", &reason), OUTCOME_FAILED);
    assert_str(reason, "f: expected this, observed that");
    assert_int_equal(outcome_of("pn", &reason), OUTCOME_NOT_EXERCISED);
    assert_str(reason, "n needs luck");
    assert_int_equal(outcome_of("", &reason), OUTCOME_FAILED);
    assert_str(reason, "nothing was looked at");
}

static enum outcome target_of(size_t samples, double limit_ms, const char *statistic)
{
    struct evidence *evidence = NULL;
    struct sample_set *set;
    struct check *check;

    assert_int_equal(evidence_new(&evidence), OK);
    assert_int_equal(evidence_begin_check(evidence, "performance", "P", &check), OK);
    assert_int_equal(evidence_sample_set(evidence, "api", 5, &set), OK);
    for (size_t i = 0; i < samples; i++) {
        assert_int_equal(evidence_sample(evidence, set, (double)(i + 1) * 1000), OK);
        assert_true(i == 0 || set->at_us[i] >= set->at_us[i - 1]);
    }
    assert_int_equal(evidence_target(evidence, check, set, limit_ms, statistic), OK);
    evidence_end_check(evidence, check);
    enum outcome outcome = check->targets[0].outcome;
    assert_int_equal(check->outcome, outcome);
    assert_int_equal(check->reason.length > 0, outcome != OUTCOME_PASSED);
    if (samples < EVIDENCE_SAMPLES_LEAST) {
        assert_true(str_find(check->reason, STR("needs 50 samples, there are "), 0) != SIZE_MAX);
    }
    evidence_free(evidence);
    return outcome;
}

static void test_evidence_target_needs_enough_samples_within_its_limit(void **state)
{
    (void)state;
    assert_int_equal(target_of(100, 95, "p95"), OUTCOME_PASSED);
    assert_int_equal(target_of(100, 94.999, "p95"), OUTCOME_FAILED);
    assert_int_equal(target_of(100, 98.999, "p99"), OUTCOME_FAILED);
    assert_int_equal(target_of(100, 50, "p50"), OUTCOME_PASSED);
    assert_int_equal(target_of(EVIDENCE_SAMPLES_LEAST, 100, "p95"), OUTCOME_PASSED);
    assert_int_equal(target_of(EVIDENCE_SAMPLES_LEAST - 1, 100, "p95"), OUTCOME_FAILED);
    assert_int_equal(target_of(0, 100, "p95"), OUTCOME_FAILED);
}

/* ---- limits ---- */

static void test_evidence_cuts_texts_between_characters(void **state)
{
    static char text[EVIDENCE_TEXT_BYTES_MAX + 10];
    struct evidence *evidence = NULL;
    struct check *check;

    (void)state;
    memset(text, 'a', EVIDENCE_TEXT_BYTES_MAX - 1);
    memcpy(text + EVIDENCE_TEXT_BYTES_MAX - 1, "\xe2\x82\xacx", 5); /* a euro across the cut */
    assert_int_equal(evidence_new(&evidence), OK);
    assert_int_equal(evidence_begin_check(evidence, "basic", "B", &check), OK);
    assert_int_equal(evidence_find(evidence, check, "a", OUTCOME_PASSED, text, "%s", text), OK);
    assert_int_equal(check->findings[0].expected.length, EVIDENCE_TEXT_BYTES_MAX - 1);
    assert_int_equal(check->findings[0].observed.length, EVIDENCE_TEXT_BYTES_MAX - 1);
    evidence_free(evidence);
}

static void test_evidence_stops_at_its_limits(void **state)
{
    struct evidence *evidence = NULL;
    struct sample_set *set;
    struct check *check;
    const struct exchange exchange = {.bytes_sent = 1};
    const struct exchange_request request = {.method = "GET", .url = "http://h/"};

    (void)state;
    assert_int_equal(evidence_new(&evidence), OK);
    for (unsigned i = 0; i < EVIDENCE_CHECKS_MAX; i++) {
        assert_int_equal(evidence_begin_check(evidence, "basic", "B", &check), OK);
    }
    assert_int_equal(evidence_begin_check(evidence, "basic", "B", &check), ERR_LIMIT);
    check = &evidence->checks[0];
    for (unsigned i = 0; i < EVIDENCE_FINDINGS_MAX; i++) {
        assert_int_equal(evidence_not_exercised(evidence, check, "a", "b"), OK);
    }
    assert_int_equal(evidence_not_exercised(evidence, check, "a", "b"), ERR_LIMIT);
    assert_int_equal(evidence_sample_set(evidence, "api", 0, &set), OK);
    for (unsigned i = 0; i < EVIDENCE_SAMPLES_MAX; i++) {
        assert_int_equal(evidence_sample(evidence, set, i), OK);
    }
    assert_int_equal(evidence_sample(evidence, set, 1), ERR_LIMIT);
    assert_true(set->values_us[0] == 0.0 && set->values_us[9999] == 9999.0);
    for (unsigned i = 0; i < EVIDENCE_OBSERVATIONS_MAX; i++) {
        assert_int_equal(evidence_observe(evidence, "log", "s", "%u", i), OK);
    }
    assert_int_equal(evidence_observe(evidence, "log", "s", "x"), ERR_LIMIT);
    assert_str(evidence->observations[16].id, "o17");
    assert_str(evidence->observations[16].value, "16");
    for (unsigned i = 0; i < EVIDENCE_EXCHANGES_MAX + 3; i++) {
        assert_int_equal(evidence_keep_exchange(evidence, check, &request, &exchange), OK);
    }
    assert_int_equal(evidence->exchange_count, EVIDENCE_EXCHANGES_MAX);
    assert_int_equal(evidence->exchanges_not_kept, 3);
    assert_int_equal(check->bytes_sent, EVIDENCE_EXCHANGES_MAX + 3);
    evidence_free(evidence);
}

/* ---- memory ---- */

static int fill_judge_and_write(struct buf *out)
{
    struct evidence *evidence = NULL;
    int code = evidence_new(&evidence);

    if (code) {
        return code;
    }
    code = honest_fill(evidence);
    code = code ? code : evidence_judge(evidence);
    code = code ? code : evidence_write_json(evidence, out);
    code = code ? code : evidence_write_samples(evidence, out);
    code = code ? code : evidence_write_markdown(evidence, out);
    code = code ? code : evidence_write_junit(evidence, out);
    code = code ? code : evidence_print(evidence, /* uses_colour */ true, out);
    evidence_free(evidence);
    return code;
}

static void test_evidence_without_memory_says_so(void **state)
{
    int code = ERR_NO_MEMORY;
    uint64_t nth = 1;

    (void)state;
    for (; code; nth++) {
        struct buf out;

        buf_init(&out, 1 << 22);
        (void)alloc_fail_from(nth);
        code = fill_judge_and_write(&out);
        (void)alloc_fail_from(0);
        buf_done(&out);
        if (code && code != ERR_NO_MEMORY) {
            fail_msg("allocation %llu: %d", (unsigned long long)nth, code);
        }
    }
    assert_true(nth > 8);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_evidence_counts_exchanges_and_keeps_no_secret),
    cmocka_unit_test(test_evidence_cuts_addresses_where_secrets_may_be),
    cmocka_unit_test(test_evidence_check_is_its_worst_finding),
    cmocka_unit_test(test_evidence_target_needs_enough_samples_within_its_limit),
    cmocka_unit_test(test_evidence_cuts_texts_between_characters),
    cmocka_unit_test(test_evidence_stops_at_its_limits),
    cmocka_unit_test(test_evidence_without_memory_says_so),
};

UNIT_MAIN(tests)
