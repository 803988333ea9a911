/*
 * What an attempt's end means: every status, every code, every way of reading; and that a failure
 * says what it may and no more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/error.h"
#include "llm/attempt.h"

static void assert_verdict(struct attempt_end end, enum llm_outcome outcome, enum attempt_then then,
                           enum breaker_news news)
{
    struct attempt_verdict verdict = attempt_judge(&end);

    if (verdict.outcome != outcome || verdict.then != then || verdict.news != news) {
        fail_msg("code %d status %d reading %d: %s, then %d, news %d", end.code, end.status,
                 end.reading, llm_outcome_name(verdict.outcome), verdict.then, verdict.news);
    }
}

#define STATUS(number)                                                                             \
    (struct attempt_end)                                                                           \
    {                                                                                              \
        .was_started = true, .status = (number)                                                    \
    }

static void test_every_status_that_is_no_success_has_its_meaning(void **state)
{
    (void)state;
    for (int status = 100; status < 1000; status++) {
        if (status == 429) {
            assert_verdict(STATUS(status), LLM_LIMITED, ATTEMPT_RETRY, BREAKER_WENT_BAD);
        } else if (status == 408) {
            assert_verdict(STATUS(status), LLM_TIMED_OUT, ATTEMPT_RETRY, BREAKER_SAYS_NOTHING);
        } else if (status == 409) {
            assert_verdict(STATUS(status), LLM_FAILED, ATTEMPT_RETRY, BREAKER_SAYS_NOTHING);
        } else if (status >= 500) {
            assert_verdict(STATUS(status), LLM_FAILED, ATTEMPT_RETRY, BREAKER_WENT_BAD);
        } else if (status / 100 != 2) {
            assert_verdict(STATUS(status), LLM_REFUSED, ATTEMPT_NEXT, BREAKER_SAYS_NOTHING);
        } else {
            assert_verdict(STATUS(status), LLM_ANSWERED, ATTEMPT_ANSWERED, BREAKER_WENT_WELL);
        }
    }
}

/* The head is enough: what became of the body of an error is no matter. */
static void test_a_status_decides_before_what_happened_to_its_body(void **state)
{
    static const int codes[] = {OK, ERR_IO, ERR_TIMEOUT, ERR_LIMIT, ERR_NO_MEMORY};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        struct attempt_end end = STATUS(401);

        end.code = codes[i];
        assert_verdict(end, LLM_REFUSED, ATTEMPT_NEXT, BREAKER_SAYS_NOTHING);
    }
}

static void test_calls_that_fail_have_their_meaning(void **state)
{
    static const int statuses[] = {0, 200};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++) {
        struct attempt_end end = STATUS(statuses[i]);

        end.code = ERR_IO;
        assert_verdict(end, LLM_FAILED, ATTEMPT_RETRY, BREAKER_WENT_BAD);
        end.code = ERR_TIMEOUT;
        assert_verdict(end, LLM_TIMED_OUT, ATTEMPT_RETRY, BREAKER_WENT_BAD);
        end.had_its_time = true;
        assert_verdict(end, LLM_TIMED_OUT, ATTEMPT_NEXT, BREAKER_WENT_BAD);
        end.code = ERR_LIMIT;
        assert_verdict(end, LLM_MALFORMED, ATTEMPT_NEXT, BREAKER_WENT_BAD);
        end.code = ERR_NO_MEMORY;
        assert_verdict(end, LLM_FAILED, ATTEMPT_RETRY, BREAKER_SAYS_NOTHING);
    }
}

/* Our own troubles say nothing about a provider. */
static void test_calls_that_did_not_begin_do_not_count_against_a_provider(void **state)
{
    (void)state;
    assert_verdict((struct attempt_end){.code = ERR_INVALID}, LLM_FAILED, ATTEMPT_NEXT,
                   BREAKER_SAYS_NOTHING);
    assert_verdict((struct attempt_end){.code = ERR_LIMIT}, LLM_FAILED, ATTEMPT_RETRY,
                   BREAKER_SAYS_NOTHING);
    assert_verdict((struct attempt_end){.code = ERR_NO_MEMORY}, LLM_FAILED, ATTEMPT_RETRY,
                   BREAKER_SAYS_NOTHING);
}

static void test_answers_that_cannot_be_read_have_their_meaning(void **state)
{
    struct attempt_end end = STATUS(200);

    (void)state;
    end.reading = ERR_INVALID;
    assert_verdict(end, LLM_MALFORMED, ATTEMPT_NEXT, BREAKER_WENT_BAD);
    end.reading = ERR_LIMIT;
    assert_verdict(end, LLM_MALFORMED, ATTEMPT_NEXT, BREAKER_WENT_BAD);
    end.reading = ERR_NO_MEMORY;
    assert_verdict(end, LLM_FAILED, ATTEMPT_RETRY, BREAKER_SAYS_NOTHING);
    end.reading = ERR_IO;
    assert_verdict(end, LLM_FAILED, ATTEMPT_RETRY, BREAKER_WENT_BAD);
    end.is_limited = true;
    assert_verdict(end, LLM_LIMITED, ATTEMPT_RETRY, BREAKER_WENT_BAD);
}

static void test_whole_answers_are_not_always_of_use(void **state)
{
    struct attempt_end end = STATUS(200);

    (void)state;
    assert_verdict(end, LLM_ANSWERED, ATTEMPT_ANSWERED, BREAKER_WENT_WELL);
    end.stop = LLM_STOP_CALLS;
    assert_verdict(end, LLM_ANSWERED, ATTEMPT_ANSWERED, BREAKER_WENT_WELL);
    end.stop = LLM_STOP_LENGTH;
    assert_verdict(end, LLM_MALFORMED, ATTEMPT_NEXT, BREAKER_WENT_WELL);
    end.is_empty = true;
    assert_verdict(end, LLM_MALFORMED, ATTEMPT_NEXT, BREAKER_WENT_WELL);
    end.stop = LLM_STOP_REFUSED;
    assert_verdict(end, LLM_REFUSED, ATTEMPT_NEXT, BREAKER_WENT_WELL);
    end.stop = LLM_STOP_END;
    assert_verdict(end, LLM_MALFORMED, ATTEMPT_NEXT, BREAKER_WENT_BAD);
}

static void test_outcomes_have_names(void **state)
{
    (void)state;
    assert_string_equal(llm_outcome_name(LLM_ANSWERED), "answered");
    assert_string_equal(llm_outcome_name(LLM_REFUSED), "refused");
    assert_string_equal(llm_outcome_name(LLM_LIMITED), "limited");
    assert_string_equal(llm_outcome_name(LLM_FAILED), "failed");
    assert_string_equal(llm_outcome_name(LLM_TIMED_OUT), "timed_out");
    assert_string_equal(llm_outcome_name(LLM_MALFORMED), "malformed");
    assert_string_equal(llm_outcome_name(LLM_BREAKER_OPEN), "breaker_open");
    assert_string_equal(llm_outcome_name(LLM_OVER_BUDGET), "over_budget");
    assert_string_equal(llm_outcome_name(LLM_CANCELLED), "cancelled");
}

/* ---- what is said ---- */

#define KEY "sk-proj-abcdefghij0123456789"

static void assert_says(const char *key, const char *before, struct str text, const char *expected)
{
    char failure[LLM_FAILURE_BYTES];

    memset(failure, 'x', sizeof(failure));
    attempt_say(failure, str_from(key), before, text);
    assert_string_equal(failure, expected);
}

static void test_failure_shows_only_what_can_be_seen(void **state)
{
    (void)state;
    assert_says(KEY, "429: ", STR("Rate limit reached"), "429: Rate limit reached");
    assert_says("", "", STR("a\nb\tc\rd\0e"), "a b c d e");
    assert_says("", "", STR("\x1b[31mred\x1b[0m \xe2\x80\xaegnp.exe"), "red gnp.exe");
    assert_says("", "", STR("caf\xc3\xa9 \xff\xc3"), "caf\xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd");
    assert_says("", "%s %n: ", STR("%s%n"), "%s %n: %s%n");
    assert_says("", "", STR(""), "");
}

static void test_failure_never_shows_the_key(void **state)
{
    (void)state;
    assert_says(KEY, "401: ", STR("Incorrect API key provided: " KEY ". See"),
                "401: Incorrect API key provided: …. See");
    assert_says(KEY, "", STR(KEY KEY), "……");
    assert_says(KEY, "", STR("begins sk-proj-abc***6789"), "begins …***6789");
    assert_says(KEY, "", STR("ends …ij0123456789"), "ends ……");
    assert_says(KEY, "", STR("hidden sk-pr\xe2\x80\x8eoj-abcdefghij0123456789"), "hidden …");
    assert_says("abc", "", STR("x abc y ab z abcabc"), "x … y ab z ……");
    assert_says("", "", STR("nothing is hidden"), "nothing is hidden");
}

/* Wherever the cut falls: no part of the key, no half of a character, always an end. */
static void test_failure_is_cut_to_size_anywhere(void **state)
{
    char text[400];

    (void)state;
    for (size_t begin = 0; begin < 300; begin++) {
        char failure[LLM_FAILURE_BYTES];

        memset(text, '.', sizeof(text));
        for (size_t i = begin % 2; i + 1 < sizeof(text); i += 2) {
            memcpy(text + i, "\xc3\xa9", 2);
        }
        memcpy(text + begin, KEY, sizeof(KEY) - 1);
        attempt_say(failure, STR(KEY), "500: ", (struct str){text, sizeof(text)});
        assert_true(strnlen(failure, sizeof(failure)) < sizeof(failure));
        assert_true(strlen(failure) >= LLM_FAILURE_BYTES - 4);
        assert_null(strstr(failure, "sk-proj-"));
        assert_true(str_is_utf8(str_from(failure)));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_status_that_is_no_success_has_its_meaning),
    cmocka_unit_test(test_a_status_decides_before_what_happened_to_its_body),
    cmocka_unit_test(test_calls_that_fail_have_their_meaning),
    cmocka_unit_test(test_calls_that_did_not_begin_do_not_count_against_a_provider),
    cmocka_unit_test(test_answers_that_cannot_be_read_have_their_meaning),
    cmocka_unit_test(test_whole_answers_are_not_always_of_use),
    cmocka_unit_test(test_outcomes_have_names),
    cmocka_unit_test(test_failure_shows_only_what_can_be_seen),
    cmocka_unit_test(test_failure_never_shows_the_key),
    cmocka_unit_test(test_failure_is_cut_to_size_anywhere),
};

UNIT_MAIN(tests)
