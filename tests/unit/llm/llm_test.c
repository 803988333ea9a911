/*
 * A chain of models against a scripted server: who answers, who is asked next and when, what was
 * shown and withdrawn, and what the records say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm_fixture.h"

static struct house house;
static struct asked asked;

static int open_house(void **state)
{
    (void)state;
    house_open(&house);
    return 0;
}

static int close_house(void **state)
{
    (void)state;
    asked_clear(&asked);
    memset(&asked, 0, sizeof(asked));
    house_close(&house);
    return 0;
}

/* ---- answers ---- */

static void test_first_provider_answers(void **state)
{
    static const struct play plays[] = {
        {OK_HEAD, DELTA("Good ") DELTA("day.") STOP("stop") USAGE "data: [DONE]\n\n", 0,
         PLAY_CLOSES}};
    static const struct play never[] = {ANSWERS("never")};
    struct llm_state link;

    (void)state;
    house_add(&house, plays);
    house_add(&house, never);
    house_build(&house);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, OK);
    assert_str(asked.answer.text, "Good day.");
    assert_string_equal(asked.text, "Good day.");
    assert_int_equal(asked.texts, 2);
    assert_int_equal(asked.again, 0);
    assert_int_equal(asked.attempt_count, 1);
    assert_attempt(&asked, 0, 0, LLM_ANSWERED);
    const struct llm_attempt *attempt = &asked.attempts[0];
    assert_int_equal(attempt->status, 200);
    assert_string_equal(attempt->failure, "");
    assert_true(attempt->usage.is_known);
    assert_int_equal(attempt->usage.input_uncached, 100);
    assert_int_equal(attempt->usage.output, 7);
    assert_true(attempt->started_us > 0);
    assert_true(attempt->first_token_us > 0);
    assert_true(attempt->latency_us >= attempt->first_token_us);
    assert_string_equal(asked.response_id, "r-1");
    assert_int_equal(llm_count(house.llm), 0);
    assert_int_equal(house.scripts[1].asked, 0);
    llm_provider_state(house.llm, 0, &link);
    assert_int_equal(link.attempts, 1);
    assert_int_equal(link.answered, 1);
    assert_string_equal(link.last_failure, "");
    assert_string_equal(link.breaker, "closed");
}

static void test_request_carries_key_type_and_body(void **state)
{
    static const struct play plays[] = {ANSWERS("yes")};
    const char *request = house.scripts[0].request;

    (void)state;
    house_add(&house, plays);
    house_build(&house);
    ask_and_wait(&house, &asked);
    assert_ptr_equal(strstr(request, "POST /0/chat/completions HTTP/1.1\r\n"), request);
    assert_non_null(strstr(request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(request, "\r\nAccept: text/event-stream\r\n"));
    assert_non_null(strstr(request, "\r\nAuthorization: Bearer sk-secret-0123456789\r\n"));
    assert_non_null(strstr(request, "\"Hello?\""));
    assert_non_null(strstr(request, "\"gpt-4o\""));
}

/* By the time it is sent and read the caller's request is long gone. Every link is asked for its
 * own model; and the answer must be JSON because the request had a schema. */
static void test_request_is_only_borrowed(void **state)
{
    static const struct play words[] = {ANSWERS("no JSON at all")};
    static const struct play json[] = {ANSWERS("{\\\"a\\\":1}")};
    char text[] = "What is a?";
    char schema[] = "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}";
    char name[] = "a_schema";
    struct llm_message message = {.role = LLM_USER, .text = str_from(text)};
    struct llm_request request = {
        .messages = &message,
        .message_count = 1,
        .answer_schema = str_from(schema),
        .answer_name = str_from(name),
        .output_tokens_max = 50,
    };
    struct error error;

    (void)state;
    house_add(&house, words);
    house_add(&house, json);
    house.providers[1].model = STR("gpt-4o-mini");
    house_build(&house);
    asked.house = &house;
    assert_int_equal(
        llm_ask(house.llm, &request, UINT64_MAX, &asked_listener, &asked, &asked.id, &error), OK);
    memset(text, 'x', sizeof(text));
    memset(schema, 'x', sizeof(schema));
    memset(name, 'x', sizeof(name));
    memset(&message, 0, sizeof(message));
    memset(&request, 0, sizeof(request));
    turn_until(&house, asked.done);
    assert_int_equal(asked.code, OK);
    assert_str(asked.answer.text, "{\"a\":1}");
    assert_attempt(&asked, 0, 0, LLM_MALFORMED);
    assert_attempt(&asked, 1, 1, LLM_ANSWERED);
    assert_int_equal(asked.again, 1);
    assert_non_null(strstr(house.scripts[0].request, "What is a?"));
    assert_non_null(strstr(house.scripts[0].request, "\"gpt-4o\""));
    assert_non_null(strstr(house.scripts[1].request, "What is a?"));
    assert_non_null(strstr(house.scripts[1].request, "\"gpt-4o-mini\""));
    assert_non_null(strstr(house.scripts[1].request, "a_schema"));
}

/* A model that calls tools gives no text; its time to the first token is that of the first byte. */
static void test_calls_are_an_answer(void **state)
{
    static const struct play plays[] = {
        {OK_HEAD,
         "data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":"
         "[{\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"look\","
         "\"arguments\":\"{}\"}}]}}]}\n\n" STOP("tool_calls") "data: [DONE]\n\n",
         0, PLAY_CLOSES}};

    (void)state;
    house_add(&house, plays);
    house_build(&house);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, OK);
    assert_int_equal(asked.answer.call_count, 1);
    assert_str(asked.answer.calls[0].name, "look");
    assert_int_equal(asked.texts, 0);
    assert_true(asked.attempts[0].first_token_us > 0);
    assert_false(asked.attempts[0].usage.is_known);
}

/* The format's end is the answer's, however the connection goes on. */
static void test_whole_answer_needs_no_good_end_of_its_connection(void **state)
{
    static const struct play plays[] = {
        {HEAD("200 OK", "Content-Length: 99999\r\n"), WHOLE("whole"), 0, PLAY_CLOSES},
        {HEAD("200 OK", "Content-Length: 99999\r\n"), WHOLE("whole"), 0, PLAY_RESETS},
        {OK_HEAD, WHOLE("whole"), 0, PLAY_HANGS}};

    (void)state;
    house.limits.idle_timeout_ms = 40;
    house_add(&house, plays);
    house_build(&house);
    for (size_t i = 0; i < ARRAY_LENGTH(plays); i++) {
        ask_and_wait(&house, &asked);
        assert_int_equal(asked.code, OK);
        assert_int_equal(asked.attempt_count, 1);
        assert_str(asked.answer.text, "whole");
        asked_clear(&asked);
    }
    memset(&asked, 0, sizeof(asked));
}

static void test_listener_needs_only_on_done(void **state)
{
    static const struct play plays[] = {{OK_HEAD, DELTA("half"), 0, PLAY_CLOSES}};
    static const struct play next[] = {ANSWERS("second")};
    const struct llm_listener listener = {.on_done = asked_on_done};
    struct error error;

    (void)state;
    house_add(&house, plays);
    house_add(&house, next);
    house_build(&house);
    asked.house = &house;
    assert_int_equal(llm_ask(house.llm, &hello, UINT64_MAX, &listener, &asked, &asked.id, &error),
                     OK);
    turn_until(&house, asked.done);
    assert_int_equal(asked.code, OK);
    assert_true(asked.attempts[0].first_token_us > 0);
}

static int64_t time_that_runs_back(void)
{
    static int64_t now = INT64_C(1790000000000000);

    return now -= 5000000;
}

static void test_clock_that_is_set_back_does_no_harm(void **state)
{
    static const struct play plays[] = {ANSWERS("yes")};
    struct error error;

    (void)state;
    house_add(&house, plays);
    struct llm_options options = house_options(&house);
    options.clock_us = time_that_runs_back;
    assert_int_equal(llm_new(&options, &house.llm, &error), OK);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, OK);
    assert_int_equal(asked.attempts[0].latency_us, 1);
    assert_int_equal(asked.attempts[0].first_token_us, 1);
}

/* ---- another attempt ---- */

static void test_retry_after_is_obeyed(void **state)
{
    static const struct {
        const char *head;
        uint64_t least_ms;
    } cases[] = {
        {HEAD("429 Too Many Requests", "Retry-After: 0.08\r\n"), 80},
        {HEAD("429 Too Many Requests", "retry-after-ms: 60\r\nRetry-After: 600\r\n"), 60},
        {HEAD("503 Service Unavailable", "Retry-After: 0.05\r\n"), 50},
        {HEAD("529 Overloaded", "Retry-After: 0\r\n"), 0},
        {HEAD("500 Oh", "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), 0},
    };
    struct play plays[] = {SAYS("", "", ""), ANSWERS("at last")};

    (void)state;
    house.limits.wait_ms_first = 3000; /* jitter would take its time, or none of it */
    house_add(&house, plays);
    house_build(&house);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        plays[0].head = cases[i].head;
        house.scripts[0].asked = 0;
        ask_and_wait(&house, &asked);
        assert_int_equal(asked.code, OK);
        assert_int_equal(asked.attempt_count, 2);
        assert_true(asked.ended_ms - asked.began_ms >= cases[i].least_ms);
        assert_true(asked.ended_ms - asked.began_ms < cases[i].least_ms + 1500);
        asked_clear(&asked);
    }
    memset(&asked, 0, sizeof(asked));
}

static void test_limited_says_why_and_is_asked_again(void **state)
{
    static const struct play plays[] = {
        SAYS("429 Too Many Requests", "Retry-After: 0\r\n",
             "{\"error\":{\"message\":\"Rate limit reached\",\"type\":\"tokens\",\"code\":"
             "\"rate_limit_exceeded\"}}"),
        ANSWERS("now")};
    struct llm_state link;

    (void)state;
    house_add(&house, plays);
    house_build(&house);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, OK);
    assert_attempt(&asked, 0, 0, LLM_LIMITED);
    assert_attempt(&asked, 1, 0, LLM_ANSWERED);
    assert_int_equal(asked.attempts[0].status, 429);
    assert_string_equal(asked.attempts[0].failure, "429: Rate limit reached");
    assert_false(asked.attempts[0].usage.is_known);
    llm_provider_state(house.llm, 0, &link);
    assert_int_equal(link.attempts, 2);
    assert_int_equal(link.answered, 1);
    assert_string_equal(link.last_failure, "429: Rate limit reached");
}

/* Each of them is asked attempts_max times before the next link is. */
static void test_what_may_pass_is_tried_again_then_the_next_is_asked(void **state)
{
    static const struct {
        struct play play;
        enum llm_outcome outcome;
        const char *failure;
    } cases[] = {
        {SAYS("500 Oh", "", "{\"error\":\"boom\"}"), LLM_FAILED, "500: boom"},
        {SAYS("502 Bad Gateway", "", "<html>"), LLM_FAILED, "502: no reason given"},
        {SAYS("529 Overloaded", "", ""), LLM_FAILED, "529: no reason given"},
        {SAYS("408 Timeout", "", ""), LLM_TIMED_OUT, "408: no reason given"},
        {SAYS("409 Conflict", "", ""), LLM_FAILED, "409: no reason given"},
        {SAYS("429 Limit", "Retry-After: soon\r\n", ""), LLM_LIMITED, "429: no reason given"},
        {{NULL, "", 0, PLAY_RESETS}, LLM_FAILED, NULL},
        {{NULL, "", 0, PLAY_CLOSES}, LLM_FAILED, NULL},
        {{HEAD("200 OK", "Content-Length: 9999\r\n"), DELTA("x"), 0, PLAY_CLOSES},
         LLM_FAILED,
         NULL},
        {{OK_HEAD, DELTA("x") "data: {\"error\":{\"message\":\"died\"}}\n\n", 0, PLAY_HANGS},
         LLM_FAILED,
         "the provider failed: died"},
        {{OK_HEAD, "data: {\"error\":{\"message\":\"a lot\",\"code\":\"rate_limit_x\"}}\n\n", 0,
          PLAY_HANGS},
         LLM_LIMITED,
         "the provider failed: a lot, rate_limit_x"},
    };
    static const struct play answers[] = {ANSWERS("second")};
    struct play plays[1];

    (void)state;
    house_add(&house, plays);
    house_add(&house, answers);
    house_build(&house);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        plays[0] = cases[i].play;
        ask_and_wait(&house, &asked);
        assert_int_equal(asked.code, OK);
        assert_string_equal(asked.text, "second");
        assert_int_equal(asked.attempt_count, 3);
        assert_attempt(&asked, 0, 0, cases[i].outcome);
        assert_attempt(&asked, 1, 0, cases[i].outcome);
        assert_attempt(&asked, 2, 1, LLM_ANSWERED);
        assert_true(strlen(asked.attempts[0].failure) > 0);
        if (cases[i].failure) {
            assert_string_equal(asked.attempts[0].failure, cases[i].failure);
        }
        asked_clear(&asked);
    }
    memset(&asked, 0, sizeof(asked));
}

/* ---- the next link at once ---- */

static void test_what_will_not_pass_goes_to_the_next_at_once(void **state)
{
    static const struct {
        struct play play;
        enum llm_outcome outcome;
        const char *failure;
    } cases[] = {
        {SAYS("400 Bad", "", "{\"error\":{\"message\":\"no\\nway\"}}"), LLM_REFUSED, "400: no way"},
        {SAYS("401 Unauthorized", "",
              "{\"error\":{\"message\":\"wrong key sk-secret-0123456789\"}}"),
         LLM_REFUSED, "401: wrong key …"},
        {SAYS("403 Forbidden", "", "{\"error\":{\"type\":\"only_a_type\"}}"), LLM_REFUSED,
         "403: only_a_type"},
        {SAYS("404 Not Found", "Retry-After: 0\r\n", ""), LLM_REFUSED, "404: no reason given"},
        {SAYS("302 Found", "Location: /1/x\r\n", ""), LLM_REFUSED, "302: no reason given"},
        {SAYS("429 Limit", "Retry-After: 4\r\n", ""), LLM_LIMITED, "429: no reason given"},
        {SAYS("503 Oh", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n", ""), LLM_FAILED,
         "503: no reason given"},
        {SAYS("200 OK", "", "<html>Sign in to the network</html>"), LLM_MALFORMED, NULL},
        {SAYS("200 OK", "", "data: {nonsense\n\n"), LLM_MALFORMED, NULL},
        {SAYS("204 No Content", "", ""), LLM_MALFORMED, NULL},
        {{OK_HEAD, DELTA("half"), 0, PLAY_CLOSES}, LLM_MALFORMED, NULL},
        {{OK_HEAD, DELTA("cut") STOP("length"), 0, PLAY_CLOSES},
         LLM_MALFORMED,
         "the answer was cut at the number of tokens that it may have"},
        {{OK_HEAD, STOP("stop") "data: [DONE]\n\n", 0, PLAY_CLOSES},
         LLM_MALFORMED,
         "the answer is empty"},
        {{OK_HEAD, DELTA(" \\n ") STOP("stop"), 0, PLAY_CLOSES},
         LLM_MALFORMED,
         "the answer is empty"},
        {{OK_HEAD, DELTA("I") STOP("content_filter"), 0, PLAY_CLOSES},
         LLM_REFUSED,
         "the model or its filters refused to answer"},
    };
    static const struct play answers[] = {ANSWERS("second")};
    struct play plays[1];

    (void)state;
    house.limits.wait_ms_first = 3000;
    house_add(&house, plays);
    house_add(&house, answers);
    house_build(&house);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        plays[0] = cases[i].play;
        ask_and_wait(&house, &asked);
        assert_int_equal(asked.code, OK);
        assert_string_equal(asked.text, "second");
        assert_int_equal(asked.attempt_count, 2);
        assert_attempt(&asked, 0, 0, cases[i].outcome);
        assert_attempt(&asked, 1, 1, LLM_ANSWERED);
        assert_true(asked.ended_ms - asked.began_ms < 1500);
        assert_true(strlen(asked.attempts[0].failure) > 0);
        if (cases[i].failure) {
            assert_string_equal(asked.attempts[0].failure, cases[i].failure);
        }
        asked_clear(&asked);
    }
    memset(&asked, 0, sizeof(asked));
}

static void test_address_that_is_none_goes_to_the_next(void **state)
{
    static const struct play answers[] = {ANSWERS("second")};

    (void)state;
    house_add(&house, answers);
    house_add(&house, answers);
    house.providers[0].url = STR("gopher://x");
    house_build(&house);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, OK);
    assert_int_equal(asked.attempt_count, 2);
    assert_attempt(&asked, 0, 0, LLM_FAILED);
    assert_attempt(&asked, 1, 1, LLM_ANSWERED);
}

/* Nobody takes in all of what a server likes to say. */
static void test_endless_bodies_are_cut(void **state)
{
    static char kilobytes[65536];
    static const char *const heads[] = {OK_HEAD, OK_HEAD, HEAD("500 Oh", "")};
    static const struct play answers[] = {ANSWERS("second")};
    struct play plays[] = {{NULL, NULL, /* 10 MiB */ 160, PLAY_HANGS}};

    (void)state;
    house.limits.attempts_max = 1;
    house_add(&house, plays);
    house_add(&house, answers);
    house_build(&house);
    memset(kilobytes, 'x', sizeof(kilobytes) - 1);
    for (size_t i = 0; i < ARRAY_LENGTH(heads); i++) {
        plays[0].head = heads[i];
        plays[0].body = i == 1 ? DELTA("0123456789012345678901234567890123456789") : kilobytes;
        plays[0].repeats = i == 1 ? 5000 : 160;
        ask_and_wait(&house, &asked);
        assert_int_equal(asked.code, OK);
        assert_string_equal(asked.text, "second");
        assert_attempt(&asked, 0, 0, i == 2 ? LLM_FAILED : LLM_MALFORMED);
        assert_int_equal(asked.again, i == 1);
        asked_clear(&asked);
        turn_some(&house);
    }
    memset(&asked, 0, sizeof(asked));
}

/* ---- time ---- */

static void test_silence_is_tried_again_then_the_next_is_asked(void **state)
{
    static const struct play cases[] = {
        HANGS, {OK_HEAD, NULL, 0, PLAY_HANGS}, {OK_HEAD, DELTA("and then"), 0, PLAY_HANGS}};
    static const struct play answers[] = {ANSWERS("second")};
    struct play plays[1];

    (void)state;
    house.limits.first_token_timeout_ms = 40;
    house.limits.idle_timeout_ms = 40;
    house.limits.connect_timeout_ms = 30;
    house_add(&house, plays);
    house_add(&house, answers);
    house_build(&house);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        plays[0] = cases[i];
        ask_and_wait(&house, &asked);
        assert_int_equal(asked.code, OK);
        assert_string_equal(asked.text, "second");
        assert_int_equal(asked.attempt_count, 3);
        assert_attempt(&asked, 0, 0, LLM_TIMED_OUT);
        assert_attempt(&asked, 1, 0, LLM_TIMED_OUT);
        assert_attempt(&asked, 2, 1, LLM_ANSWERED);
        assert_true(asked.attempts[0].latency_us >= 40000);
        assert_int_equal(asked.attempts[0].first_token_us > 0, i == 2);
        assert_int_equal(asked.again, i == 2 ? 2 : 0);
        assert_false(asked.attempts[0].never_sent);
        asked_clear(&asked);
    }
    memset(&asked, 0, sizeof(asked));
}

/* A place that takes no connection and refuses none: its queue is full, and nobody accepts. */
struct full_place {
    int listener;
    int waiting[4];
    unsigned port;
};

static void full_place_open(struct full_place *place)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    place->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(place->listener >= 0);
    assert_int_equal(bind(place->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(place->listener, 0), 0);
    assert_int_equal(getsockname(place->listener, (struct sockaddr *)&address, &length), 0);
    place->port = ntohs(address.sin_port);
    for (size_t i = 0; i < ARRAY_LENGTH(place->waiting); i++) {
        place->waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(place->waiting[i] >= 0);
        (void)connect(place->waiting[i], (struct sockaddr *)&address, length);
    }
}

static void full_place_close(struct full_place *place)
{
    for (size_t i = 0; i < ARRAY_LENGTH(place->waiting); i++) {
        (void)close(place->waiting[i]);
    }
    (void)close(place->listener);
}

static void test_connection_that_does_not_come_about_has_a_time_out(void **state)
{
    static const struct play answers[] = {ANSWERS("second")};
    struct full_place place;

    (void)state;
    full_place_open(&place);
    house.limits.connect_timeout_ms = 40;
    house_add_at(&house, place.port, &llm_wire_openai_chat, answers, 1);
    house_add(&house, answers);
    house_build(&house);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, OK);
    assert_int_equal(asked.attempt_count, 3);
    assert_attempt(&asked, 0, 0, LLM_TIMED_OUT);
    assert_true(asked.attempts[0].never_sent);
    assert_true(asked.attempts[1].never_sent);
    assert_false(asked.attempts[2].never_sent);
    full_place_close(&place);
}

/* An attempt that had all of its time is not begun again. */
static void test_attempt_that_takes_too_long_is_not_repeated(void **state)
{
    static const struct play hangs[] = {HANGS};
    static const struct play answers[] = {ANSWERS("second")};

    (void)state;
    house.limits.total_timeout_ms = 50;
    house_add(&house, hangs);
    house_add(&house, answers);
    house_build(&house);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, OK);
    assert_int_equal(asked.attempt_count, 2);
    assert_attempt(&asked, 0, 0, LLM_TIMED_OUT);
}

static void test_question_has_a_time_of_its_own(void **state)
{
    static const struct play hangs[] = {{OK_HEAD, DELTA("well"), 0, PLAY_HANGS}};
    static const struct play answers[] = {ANSWERS("too late")};

    (void)state;
    house.limits.question_timeout_ms = 60;
    house_add(&house, hangs);
    house_add(&house, answers);
    house_build(&house);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, ERR_IO);
    assert_true(asked.ended_ms - asked.began_ms >= 60);
    assert_int_equal(asked.attempt_count, 1);
    assert_attempt(&asked, 0, 0, LLM_TIMED_OUT);
    assert_string_equal(asked.attempts[0].failure, "the time of the whole question was up");
    assert_int_equal(asked.again, 1);
    assert_string_equal(asked.text, "");
    assert_int_equal(http_client_count(house.client), 0);
}

/* A wait that ends behind the question's end leads nowhere: the next link has what is left. */
static void test_wait_beyond_the_question_is_not_begun(void **state)
{
    static const struct play limited[] = {SAYS("429 Limit", "Retry-After: 2\r\n", "")};
    static const struct play answers[] = {ANSWERS("second")};

    (void)state;
    house.limits.question_timeout_ms = 1900;
    house_add(&house, limited);
    house_add(&house, answers);
    house_build(&house);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, OK);
    assert_int_equal(asked.attempt_count, 2);
    assert_true(asked.ended_ms - asked.began_ms < 1500);
}

/* ---- text that is void ---- */

static void test_text_is_withdrawn_exactly_when_it_is_void(void **state)
{
    static const struct play plays[] = {
        SAYS("500 Oh", "", ""), /* no text yet: nothing to withdraw */
        {OK_HEAD, DELTA("half of") DELTA(" it"), 0, PLAY_CLOSES}};
    static const struct play next[] = {SAYS("404 No", "", "")};
    static const struct play answers[] = {ANSWERS("third")};

    (void)state;
    house_add(&house, plays);
    house_add(&house, next);
    house_add(&house, answers);
    house_build(&house);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, OK);
    assert_int_equal(asked.again, 1);
    assert_int_equal(asked.texts, 3);
    assert_string_equal(asked.text, "third");
    assert_int_equal(asked.attempt_count, 4);
}

/* What broke off half-way was paid for. */
static void test_usage_of_an_answer_that_broke_off_is_known(void **state)
{
    static const struct play breaks[] = {
        {OK_HEAD,
         "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg\","
         "\"model\":\"c\",\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n",
         0, PLAY_CLOSES}};

    (void)state;
    house_add_at(&house, 0, &llm_wire_anthropic, breaks, 1);
    house_build(&house);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, ERR_IO);
    assert_attempt(&asked, 0, 0, LLM_MALFORMED);
    assert_true(asked.attempts[0].usage.is_known);
    assert_int_equal(asked.attempts[0].usage.input_uncached, 25);
}

/* ---- nobody ---- */

/* A port at which nobody listens: bound, and given back. */
static unsigned dead_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static void test_nobody_answers(void **state)
{
    static const struct play breaks[] = {{OK_HEAD, DELTA("some"), 0, PLAY_CLOSES}};
    static const struct play limited[] = {SAYS("429 Limit", "", "")};

    (void)state;
    house_add(&house, limited);
    house_add_at(&house, dead_port(), &llm_wire_openai_chat, breaks, 1);
    house_add(&house, breaks);
    house_build(&house);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, ERR_IO);
    assert_int_equal(asked.attempt_count, 5);
    assert_attempt(&asked, 0, 0, LLM_LIMITED);
    assert_attempt(&asked, 1, 0, LLM_LIMITED);
    assert_attempt(&asked, 2, 1, LLM_FAILED);
    assert_attempt(&asked, 3, 1, LLM_FAILED);
    assert_attempt(&asked, 4, 2, LLM_MALFORMED);
    assert_int_equal(asked.attempts[2].status, 0);
    assert_int_equal(asked.again, 1);
    assert_string_equal(asked.text, "");
    assert_int_equal(llm_count(house.llm), 0);
}

/* Also with more configured than a question may have, every link is asked. */
static void test_attempts_are_shared_among_the_links(void **state)
{
    static const struct play fails[] = {SAYS("500 Oh", "Retry-After: 0\r\n", "")};

    (void)state;
    house.limits.attempts_max = 1000;
    for (size_t i = 0; i < LLM_PROVIDERS_MAX; i++) {
        house_add(&house, fails);
    }
    house_build(&house);
    ask_and_wait(&house, &asked);
    assert_int_equal(asked.code, ERR_IO);
    assert_int_equal(asked.attempt_count, LLM_ATTEMPTS_MAX);
    for (size_t i = 0; i < LLM_ATTEMPTS_MAX; i++) {
        assert_attempt(&asked, i, i / 3, LLM_FAILED);
    }
}

#define WITH_HOUSE(test) cmocka_unit_test_setup_teardown(test, open_house, close_house)

static const struct CMUnitTest tests[] = {
    WITH_HOUSE(test_first_provider_answers),
    WITH_HOUSE(test_request_carries_key_type_and_body),
    WITH_HOUSE(test_request_is_only_borrowed),
    WITH_HOUSE(test_calls_are_an_answer),
    WITH_HOUSE(test_whole_answer_needs_no_good_end_of_its_connection),
    WITH_HOUSE(test_listener_needs_only_on_done),
    WITH_HOUSE(test_clock_that_is_set_back_does_no_harm),
    WITH_HOUSE(test_retry_after_is_obeyed),
    WITH_HOUSE(test_limited_says_why_and_is_asked_again),
    WITH_HOUSE(test_what_may_pass_is_tried_again_then_the_next_is_asked),
    WITH_HOUSE(test_what_will_not_pass_goes_to_the_next_at_once),
    WITH_HOUSE(test_address_that_is_none_goes_to_the_next),
    WITH_HOUSE(test_endless_bodies_are_cut),
    WITH_HOUSE(test_silence_is_tried_again_then_the_next_is_asked),
    WITH_HOUSE(test_connection_that_does_not_come_about_has_a_time_out),
    WITH_HOUSE(test_attempt_that_takes_too_long_is_not_repeated),
    WITH_HOUSE(test_question_has_a_time_of_its_own),
    WITH_HOUSE(test_wait_beyond_the_question_is_not_begun),
    WITH_HOUSE(test_text_is_withdrawn_exactly_when_it_is_void),
    WITH_HOUSE(test_usage_of_an_answer_that_broke_off_is_known),
    WITH_HOUSE(test_nobody_answers),
    WITH_HOUSE(test_attempts_are_shared_among_the_links),
};

UNIT_MAIN(tests)
