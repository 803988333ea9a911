/*
 * The lives of questions: cancelled at every moment, a chain that goes away under them, what they
 * may do from within callbacks, how many there may be, and want of memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm_fixture.h"

static struct house house;
static struct asked asked;
static struct asked second;

static const struct play answers[] = {ANSWERS("an answer")};
static const struct play hangs[] = {HANGS};
static const struct play hangs_later[] = {{OK_HEAD, DELTA("so far"), 0, PLAY_HANGS}};
static const struct play makes_wait[] = {SAYS("429 Limit", "Retry-After: 2\r\n", "")};
static const struct play fails[] = {SAYS("400 No", "", "")};
static const struct play breaks[] = {{OK_HEAD, DELTA("half"), 0, PLAY_CLOSES}};

static int open_house(void **state)
{
    (void)state;
    house_open(&house);
    memset(&asked, 0, sizeof(asked));
    memset(&second, 0, sizeof(second));
    return 0;
}

static int close_house(void **state)
{
    (void)state;
    asked_clear(&asked);
    asked_clear(&second);
    house_close(&house);
    return 0;
}

static void build_with(const struct play *plays)
{
    house_add_at(&house, 0, &llm_wire_openai_chat, plays, 1);
    house_build(&house);
}

/* Nothing is told any more, and nothing is under way. */
static void assert_silent(const struct asked *one)
{
    struct asked before = *one;

    turn_some(&house);
    assert_int_equal(one->done, before.done);
    assert_int_equal(one->texts, before.texts);
    assert_int_equal(one->again, before.again);
    assert_int_equal(http_client_count(house.client), 0);
}

/* ---- cancelling ---- */

static void test_cancel_before_anything_happened(void **state)
{
    (void)state;
    build_with(answers);
    ask(&house, &asked);
    llm_cancel(house.llm, asked.id);
    llm_cancel(house.llm, asked.id);
    assert_int_equal(llm_count(house.llm), 0);
    assert_silent(&asked);
    assert_int_equal(house.scripts[0].asked, 0);
}

static void test_cancel_while_a_provider_is_silent(void **state)
{
    (void)state;
    build_with(hangs);
    ask(&house, &asked);
    turn_until(&house, house.scripts[0].asked);
    assert_int_equal(http_client_count(house.client), 1);
    llm_cancel(house.llm, asked.id);
    assert_silent(&asked);
    turn_until(&house, !house.peers); /* the provider sees it too */
}

static void test_cancel_half_an_answer(void **state)
{
    (void)state;
    build_with(hangs_later);
    ask(&house, &asked);
    turn_until(&house, asked.texts);
    llm_cancel(house.llm, asked.id);
    assert_silent(&asked);
    assert_int_equal(asked.again, 0);
}

static void test_cancel_while_it_waits(void **state)
{
    (void)state;
    build_with(makes_wait);
    ask(&house, &asked);
    turn_until(&house, house.scripts[0].asked && !house.peers);
    turn_some(&house);
    assert_int_equal(llm_count(house.llm), 1);
    llm_cancel(house.llm, asked.id);
    assert_int_equal(llm_count(house.llm), 0);
    assert_silent(&asked);
}

static void cancel_this(struct asked *one)
{
    llm_cancel(house.llm, one->id);
    assert_int_equal(llm_count(house.llm), 0);
}

/* Two deltas in one piece: the second is not told. */
static void test_cancel_within_on_text(void **state)
{
    static const struct play two[] = {
        {OK_HEAD, DELTA("a") DELTA("b") STOP("stop") "data: [DONE]\n\n", 0, PLAY_CLOSES}};

    (void)state;
    build_with(two);
    ask(&house, &asked);
    asked.in_text = cancel_this;
    turn_until(&house, asked.texts);
    assert_silent(&asked);
    assert_string_equal(asked.text, "a");
}

static void test_cancel_within_on_again(void **state)
{
    (void)state;
    house_add(&house, breaks);
    build_with(answers);
    ask(&house, &asked);
    asked.in_again = cancel_this;
    turn_until(&house, asked.again);
    assert_silent(&asked);
    assert_int_equal(house.scripts[1].asked, 0);
}

static void test_cancel_within_and_after_on_done_does_nothing(void **state)
{
    (void)state;
    build_with(answers);
    ask(&house, &asked);
    asked.in_done = cancel_this;
    turn_until(&house, asked.done);
    llm_cancel(house.llm, asked.id);
    assert_silent(&asked);
    assert_int_equal(asked.code, OK);
}

/* The next question has the same place and another name. */
static void test_ids_are_not_used_again(void **state)
{
    (void)state;
    build_with(answers);
    ask_and_wait(&house, &asked);
    llm_id old = asked.id;
    asked_clear(&asked);
    ask(&house, &asked);
    assert_int_equal(asked.id & UINT32_MAX, old & UINT32_MAX);
    assert_true(asked.id != old);
    llm_cancel(house.llm, old);
    llm_cancel(house.llm, 0);
    llm_cancel(house.llm, UINT64_MAX);
    llm_cancel(house.llm, LLM_ASKS_MAX + 1);
    llm_cancel(house.llm, asked.id + 1);
    turn_until(&house, asked.done);
    assert_int_equal(asked.code, OK);
}

/* ---- the chain goes away ---- */

static void free_chain(struct asked *one)
{
    (void)one;
    llm_free(house.llm);
    house.llm = NULL;
}

static void test_free_ends_questions_without_a_word(void **state)
{
    static struct asked third;

    (void)state;
    house_add(&house, makes_wait);
    build_with(hangs_later);
    ask(&house, &asked); /* waits */
    turn_until(&house, house.scripts[0].asked && !house.peers);
    house.scripts[0].plays = fails;
    ask(&house, &second); /* is being answered */
    turn_until(&house, second.texts);
    memset(&third, 0, sizeof(third));
    ask(&house, &third); /* has not begun */
    assert_int_equal(llm_count(house.llm), 3);
    free_chain(NULL);
    assert_silent(&asked);
    assert_silent(&second);
    assert_silent(&third);
    assert_int_equal(asked.done + second.done + third.done, 0);
}

static void test_free_within_on_text(void **state)
{
    (void)state;
    build_with(hangs_later);
    ask(&house, &asked);
    asked.in_text = free_chain;
    turn_until(&house, asked.texts);
    assert_silent(&asked);
}

static void test_free_within_on_again(void **state)
{
    (void)state;
    build_with(breaks);
    ask(&house, &asked);
    asked.in_again = free_chain;
    turn_until(&house, asked.again);
    assert_silent(&asked);
    assert_int_equal(asked.done, 0);
}

/* The texts of the records are those of the chain: they stay until on_done has returned. */
static void free_chain_and_read_on(struct asked *one)
{
    free_chain(one);
    assert_str(one->attempts[0].provider_name, "zero");
    assert_str(one->attempts[0].model, "gpt-4o");
}

static void test_free_within_on_done(void **state)
{
    (void)state;
    build_with(fails);
    ask(&house, &asked);
    ask(&house, &second);
    asked.in_done = free_chain_and_read_on;
    turn_until(&house, asked.done);
    assert_silent(&asked);
    assert_silent(&second);
    assert_int_equal(second.done, 0);
}

static void ask_second(struct asked *one)
{
    (void)one;
    ask(&house, &second);
}

static void test_ask_within_on_done(void **state)
{
    (void)state;
    build_with(answers);
    ask(&house, &asked);
    asked.in_done = ask_second;
    turn_until(&house, second.done);
    assert_int_equal(second.code, OK);
    assert_true(asked.id != second.id);
}

/* ---- limits ---- */

static void test_question_over_budget_is_not_asked(void **state)
{
    uint64_t estimate = llm_estimate(&hello);
    struct error error;

    (void)state;
    assert_true(estimate > 100 && estimate < 300);
    build_with(answers);
    asked.house = &house;
    assert_int_equal(
        llm_ask(house.llm, &hello, estimate - 1, &asked_listener, &asked, &asked.id, &error), OK);
    assert_int_equal(asked.done, 0);
    turn_until(&house, asked.done);
    assert_int_equal(asked.code, ERR_LIMIT);
    assert_int_equal(asked.attempt_count, 1);
    assert_attempt(&asked, 0, 0, LLM_OVER_BUDGET);
    assert_true(strlen(asked.attempts[0].failure) > 0);
    assert_int_equal(house.scripts[0].asked, 0);
    memset(&asked, 0, sizeof(asked));
    asked.house = &house;
    assert_int_equal(
        llm_ask(house.llm, &hello, estimate, &asked_listener, &asked, &asked.id, &error), OK);
    turn_until(&house, asked.done);
    assert_int_equal(asked.code, OK);
    llm_cancel(house.llm, asked.id);
}

/* No part of a request is free. */
static void test_estimate_counts_every_part(void **state)
{
    const struct str part =
        STR("0123456789 0123456789 0123456789 0123456789 0123456789 0123456789");
    const struct llm_call call = {.id = part, .name = STR("x"), .args = part};
    const struct llm_tool tool = {.name = STR("x"), .description = part, .schema = part};
    const struct llm_message message = {
        .role = LLM_ASSISTANT, .text = part, .calls = &call, .call_count = 1};
    struct llm_request request = {.output_tokens_max = 10};
    uint64_t before = llm_estimate(&request);

    (void)state;
    assert_true(before > 10);
    request.system = part;
    assert_true(llm_estimate(&request) >= before + part.length / 3);
    before = llm_estimate(&request);
    request.messages = &message;
    request.message_count = 1;
    assert_true(llm_estimate(&request) >= before + part.length);
    before = llm_estimate(&request);
    request.tools = &tool;
    request.tool_count = 1;
    assert_true(llm_estimate(&request) >= before + 2 * (part.length / 3));
    before = llm_estimate(&request);
    request.answer_schema = part;
    assert_true(llm_estimate(&request) >= before + part.length / 3);
    before = llm_estimate(&request);
    request.output_tokens_max += 1000;
    assert_int_equal(llm_estimate(&request), before + 1000);
}

static void test_body_that_is_too_long_is_refused(void **state)
{
    static char text[LLM_REQUEST_BYTES_MAX];
    const struct llm_message message = {.role = LLM_USER, .text = {text, sizeof(text)}};
    const struct llm_request request = {.messages = &message, .message_count = 1};
    struct error error;

    (void)state;
    memset(text, 'x', sizeof(text));
    build_with(answers);
    assert_int_equal(
        llm_ask(house.llm, &request, UINT64_MAX, &asked_listener, &asked, &asked.id, &error),
        ERR_LIMIT);
    assert_int_equal(llm_count(house.llm), 0);
    assert_silent(&asked);
}

static void test_questions_have_a_number_that_they_may_not_exceed(void **state)
{
    struct error error;
    llm_id id;

    (void)state;
    build_with(hangs);
    for (unsigned i = 0; i < LLM_ASKS_MAX; i++) {
        assert_int_equal(
            llm_ask(house.llm, &hello, UINT64_MAX, &asked_listener, &second, &id, &error), OK);
    }
    assert_int_equal(llm_count(house.llm), LLM_ASKS_MAX);
    assert_int_equal(try_ask(&house, &asked), ERR_LIMIT);
    llm_cancel(house.llm, id);
    assert_int_equal(try_ask(&house, &asked), OK);
    free_chain(NULL);
}

static void test_chain_that_cannot_be_is_refused(void **state)
{
    struct llm *llm = NULL;
    struct error error;

    (void)state;
    house_add(&house, answers);
    struct llm_options options = house_options(&house);
    options.provider_count = 0;
    assert_int_equal(llm_new(&options, &llm, &error), ERR_INVALID);
    options.provider_count = LLM_PROVIDERS_MAX + 1;
    assert_int_equal(llm_new(&options, &llm, &error), ERR_INVALID);
    options.provider_count = 1;
    options.limits.attempts_max = 0;
    assert_int_equal(llm_new(&options, &llm, &error), ERR_INVALID);
    llm_free(NULL);
}

static void test_links_are_shown_without_their_keys(void **state)
{
    struct llm_state link;

    (void)state;
    house_add(&house, answers);
    house_add(&house, answers);
    house.providers[1].key = (struct str){NULL, 0};
    house_build(&house);
    assert_int_equal(llm_provider_count(house.llm), 2);
    llm_provider_state(house.llm, 0, &link);
    assert_str(link.name, "zero");
    assert_str(link.model, "gpt-4o");
    assert_string_equal(link.wire, "openai_chat");
    assert_str(link.url, house.urls[0]);
    assert_true(link.has_key);
    assert_int_equal(link.attempts, 0);
    llm_provider_state(house.llm, 1, &link);
    assert_false(link.has_key);
}

/* ---- many ---- */

#define MANY 200u

/* While so many hang, a question to another chain over the same client is answered at once; and
 * all of them are answered by their second link in the end. */
static void test_questions_that_hang_do_not_hold_up_others(void **state)
{
    struct asked *many = calloc(MANY, sizeof(*many));
    struct llm *other = NULL;
    struct error error;
    unsigned ended = 0;

    (void)state;
    assert_non_null(many);
    house.limits.attempts_max = 1;
    house.limits.first_token_timeout_ms = 700;
    house_add(&house, hangs);
    build_with(answers);
    struct llm_options options = house_options(&house);
    options.providers = &house.providers[1];
    options.provider_count = 1;
    assert_int_equal(llm_new(&options, &other, &error), OK);
    for (unsigned i = 0; i < MANY; i++) {
        ask(&house, &many[i]);
    }
    assert_int_equal(llm_count(house.llm), MANY);
    turn_until(&house, house.scripts[0].asked == MANY);
    assert_int_equal(llm_count(house.llm), MANY);
    asked.house = &house;
    assert_int_equal(llm_ask(other, &hello, UINT64_MAX, &asked_listener, &asked, &asked.id, &error),
                     OK);
    turn_until(&house, asked.done);
    assert_int_equal(asked.code, OK);
    assert_int_equal(llm_count(house.llm), MANY);
    turn_until(&house, llm_count(house.llm) == 0);
    for (unsigned i = 0; i < MANY; i++) {
        ended += many[i].done;
        assert_int_equal(many[i].code, OK);
        assert_attempt(&many[i], 0, 0, LLM_TIMED_OUT);
        assert_attempt(&many[i], 1, 1, LLM_ANSWERED);
        assert_string_equal(many[i].text, "an answer");
        asked_clear(&many[i]);
    }
    assert_int_equal(ended, MANY);
    llm_free(other);
    free(many);
}

/* ---- memory ---- */

/* The nth allocation and each later one fails, from the making of the chain to the end of the
 * question. False once there were not so many. Each time with a client of its own: libcurl 7.88
 * divides by zero when a socket's table could not grow and the same multi handle goes on. */
static bool ask_with_failure(uint64_t nth)
{
    struct error error = {0};

    http_client_free(TAKE(house.client));
    assert_int_equal(http_client_new(house.loop, /* ca_file */ NULL, &house.client, &error), OK);
    struct llm_options options = house_options(&house);
    memset(&asked, 0, sizeof(asked));
    (void)alloc_fail_from(nth);
    int code = llm_new(&options, &house.llm, &error);
    if (!code) {
        code = try_ask(&house, &asked);
        if (!code) {
            turn_until(&house, asked.done);
        }
    }
    bool has_failed = alloc_fail_from(0) >= nth;
    assert_true(code == OK || code == ERR_NO_MEMORY);
    if (asked.done && asked.code == OK) {
        assert_str(asked.answer.text, "an answer");
        assert_string_equal(asked.text, "an answer");
    } else if (asked.done) {
        assert_true(has_failed);
        assert_int_equal(asked.code, ERR_IO);
        assert_string_equal(asked.text, "");
        assert_true(asked.attempt_count > 0);
        assert_true(strlen(asked.attempts[0].failure) > 0);
    }
    asked_clear(&asked);
    llm_free(TAKE(house.llm));
    turn_some(&house);
    return has_failed;
}

static void test_chain_bears_any_failing_allocation(void **state)
{
    uint64_t nth = 1;

    (void)state;
    house.limits.wait_ms_first = 0;
    house_add(&house, breaks);
    house_add(&house, answers);
    while (ask_with_failure(nth)) {
        nth++;
        assert_true(nth < 5000);
    }
    assert_true(nth > 50);
    memset(&asked, 0, sizeof(asked));
}

#define WITH_HOUSE(test) cmocka_unit_test_setup_teardown(test, open_house, close_house)

static const struct CMUnitTest tests[] = {
    WITH_HOUSE(test_cancel_before_anything_happened),
    WITH_HOUSE(test_cancel_while_a_provider_is_silent),
    WITH_HOUSE(test_cancel_half_an_answer),
    WITH_HOUSE(test_cancel_while_it_waits),
    WITH_HOUSE(test_cancel_within_on_text),
    WITH_HOUSE(test_cancel_within_on_again),
    WITH_HOUSE(test_cancel_within_and_after_on_done_does_nothing),
    WITH_HOUSE(test_ids_are_not_used_again),
    WITH_HOUSE(test_free_ends_questions_without_a_word),
    WITH_HOUSE(test_free_within_on_text),
    WITH_HOUSE(test_free_within_on_again),
    WITH_HOUSE(test_free_within_on_done),
    WITH_HOUSE(test_ask_within_on_done),
    WITH_HOUSE(test_question_over_budget_is_not_asked),
    cmocka_unit_test(test_estimate_counts_every_part),
    WITH_HOUSE(test_body_that_is_too_long_is_refused),
    WITH_HOUSE(test_questions_have_a_number_that_they_may_not_exceed),
    WITH_HOUSE(test_chain_that_cannot_be_is_refused),
    WITH_HOUSE(test_links_are_shown_without_their_keys),
    WITH_HOUSE(test_questions_that_hang_do_not_hold_up_others),
    WITH_HOUSE(test_chain_bears_any_failing_allocation),
};

UNIT_MAIN(tests)
