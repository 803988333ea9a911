/*
 * An attempt under way: the call, the reading of what it brings, and its end, which attempt.c
 * judges.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/question.h"

#include <stdio.h>

#include "llm/counts.h"
#include "monitor/fault.h"

#define TIME_SLACK_MS 20u /* the loop's time is that of the turn's beginning */

/* ---- the end of an attempt ---- */

/* What the attempt under way holds, its answer apart. A reading in use is freed by its user. */
static void clear_try(struct question *question)
{
    struct question_try *now = &question->now;

    if (!question->is_feeding) {
        llm_reading_free(TAKE(now->reading));
    }
    buf_done(&now->error_body);
    now->call = 0;
}

static void end_pass(struct question *question, enum breaker_news news)
{
    struct llm_link *link = question_link(question);

    breaker_end(&link->breaker, question->now.pass, news, question_now_ms(question));
    llm_count_breaker(link);
}

void question_drop_attempt(struct question *question)
{
    http_client_cancel(question->llm->client, question->now.call);
    end_pass(question, BREAKER_SAYS_NOTHING);
    record_cancel(question);
    clear_try(question);
}

/* The attempt's failure is written already; usage may be NULL. */
static void fail(struct question *question, const struct attempt_verdict *verdict,
                 const struct llm_usage *usage)
{
    record_close(question, verdict, usage);
    end_pass(question, verdict->news);
    clear_try(question);
    question_attempt_failed(question, verdict->then);
}

static const struct llm_usage *usage_so_far(const struct question *question)
{
    return question->now.reading ? llm_reading_usage(question->now.reading) : NULL;
}

/* "429: Rate limit reached" */
static void say_status(struct question *question)
{
    struct question_try *now = &question->now;
    struct llm_failure failure = {0};
    char before[16];

    llm_failure_read(buf_str(&now->error_body), &failure);
    struct str text = str_from(failure.message[0] ? failure.message : failure.type);
    (void)snprintf(before, sizeof(before), "%d: ", now->status);
    record_say(question, before, text.length ? text : STR("no reason given"));
}

static bool says_limited(const struct llm_reading *reading)
{
    const struct llm_failure *failure = llm_reading_failure(reading);
    struct str type = failure ? str_from(failure->type) : STR("");

    return str_starts_with(type, STR("rate_limit")) || str_equal(type, STR("RESOURCE_EXHAUSTED"));
}

static void end_by_reading(struct question *question, const struct error *error)
{
    struct attempt_end end = {
        .was_started = true,
        .status = question->now.status,
        .reading = error->code,
        .is_limited = error->code == ERR_IO && says_limited(question->now.reading),
    };
    struct attempt_verdict verdict = attempt_judge(&end);

    record_say(question, "", str_from(error->message));
    fail(question, &verdict, usage_so_far(question));
}

static void say_answer(struct question *question, const struct attempt_end *end)
{
    if (end->stop == LLM_STOP_REFUSED) {
        record_say(question, "the model or its filters refused to answer", STR(""));
    } else if (end->stop == LLM_STOP_LENGTH) {
        record_say(question, "the answer was cut at the number of tokens that it may have",
                   STR(""));
    } else {
        record_say(question, "the answer is empty", STR(""));
    }
}

/* Nothing more will come, and nothing was wrong with the answer so far. */
static void finish_reading(struct question *question)
{
    struct error error = {0};
    struct llm_answer answer;

    int code = llm_reading_finish(question->now.reading, &answer, &error);
    if (code) {
        error.code = code;
        end_by_reading(question, &error);
        return;
    }
    struct attempt_end end = {
        .was_started = true,
        .status = question->now.status,
        .stop = answer.stop,
        .is_empty = !str_trim(answer.text).length && !answer.call_count,
    };
    struct attempt_verdict verdict = attempt_judge(&end);
    record_keep_id(question, answer.response_id);
    if (verdict.then == ATTEMPT_ANSWERED) {
        record_close(question, &verdict, &answer.usage);
        end_pass(question, verdict.news);
        clear_try(question);
        question_end(question, OK, &answer);
        return;
    }
    struct llm_usage usage = answer.usage;
    say_answer(question, &end);
    llm_answer_done(&answer);
    fail(question, &verdict, &usage);
}

/* A time-out before the head that came long before that of the first byte is the connection's. */
static bool was_never_sent(const struct question *question, int code, uint64_t passed_ms)
{
    const struct llm_limits *limits = &question->llm->limits;
    uint64_t connect_ms = limits->connect_timeout_ms;
    uint64_t other_ms = limits->first_token_timeout_ms < limits->total_timeout_ms
                            ? limits->first_token_timeout_ms
                            : limits->total_timeout_ms;

    return code == ERR_TIMEOUT && !question->now.status && connect_ms < other_ms &&
           passed_ms < connect_ms + (other_ms - connect_ms) / 2;
}

/* Something else than the answer's content ended it. */
static void end_by_call(struct question *question, int code, const struct error *error)
{
    const struct question_try *now = &question->now;
    uint64_t passed_ms = question_now_ms(question) - now->began_ms;
    struct attempt_end end = {
        .was_started = true,
        .code = code,
        .status = now->status,
        .reading = now->status || code ? OK : ERR_INVALID, /* an end without a head */
        .had_its_time = passed_ms + TIME_SLACK_MS >= question->llm->limits.total_timeout_ms,
    };
    struct attempt_verdict verdict = attempt_judge(&end);

    record_last(question)->never_sent = was_never_sent(question, code, passed_ms);
    if (now->status && !attempt_is_success(now->status)) {
        say_status(question);
    } else if (!now->status && !code) {
        record_say(question, "the answer has no head", STR(""));
    } else {
        record_say(question, "", error ? str_from(error->message) : STR(""));
    }
    fail(question, &verdict, usage_so_far(question));
}

/* ---- what the call brings ---- */

static void on_text(struct str delta, void *arg)
{
    struct question *question = arg;

    if (question->is_over) {
        return;
    }
    if (!question->now.first_text_us) {
        question->now.first_text_us = record_passed_us(question);
    }
    if (question->listener.on_text) {
        question->now.has_given_text = true;
        question->listener.on_text(delta, question->arg);
    }
}

/* retry-after-ms is the finer one where both are sent. */
static void read_wait(struct question *question, const struct http_answer *answer)
{
    struct question_try *now = &question->now;

    now->has_wait =
        retry_after_ms_read(http_answer_header(answer, "retry-after-ms"), &now->wait_ms) ||
        retry_after_read(http_answer_header(answer, "retry-after"), question->llm->clock_us(),
                         &now->wait_ms);
}

static void on_head(const struct http_answer *answer, void *arg)
{
    struct question *question = arg;

    question->now.status = answer->status;
    if (!attempt_is_success(answer->status)) {
        read_wait(question, answer);
    }
}

/* A server that never stops saying what is wrong is not listened to for long. */
static void take_error_piece(struct question *question, struct str piece)
{
    struct buf *body = &question->now.error_body;
    size_t room = LLM_ERROR_BODY_BYTES_MAX - body->length;

    buf_append(body, str_slice(piece, 0, piece.length < room ? piece.length : room));
    if (piece.length >= room) {
        http_client_cancel(question->llm->client, question->now.call);
        end_by_call(question, OK, /* error */ NULL);
    }
}

static void take_answer_piece(struct question *question, struct str piece)
{
    struct error error = {0};

    if (!question->now.first_byte_us && piece.length) {
        question->now.first_byte_us = record_passed_us(question);
    }
    question->is_feeding = true;
    int code = llm_reading_feed(question->now.reading, piece, &error);
    question->is_feeding = false;
    if (question->is_over) { /* the listener cancelled it from within on_text */
        llm_reading_free(TAKE(question->now.reading));
        return;
    }
    if (code) {
        error.code = code;
        http_client_cancel(question->llm->client, question->now.call);
        end_by_reading(question, &error);
    }
}

static void on_piece(struct str piece, void *arg)
{
    struct question *question = arg;
    struct llm *llm = question->llm;

    llm_hold(llm);
    if (attempt_is_success(question->now.status)) {
        take_answer_piece(question, piece);
    } else {
        take_error_piece(question, piece);
    }
    question_go_on(question);
    llm_release(llm);
}

/* All of an answer is there; that its connection was not ended well does not matter then. */
static bool has_whole_answer(struct question *question, int code)
{
    const struct llm_wire *wire = question_link(question)->provider.wire;

    if (!attempt_is_success(question->now.status)) {
        return false;
    }
    return code == OK ||
           ((code == ERR_IO || code == ERR_TIMEOUT) && wire->is_complete(question->now.reading));
}

static void on_call_done(int code, const struct error *error, void *arg)
{
    struct question *question = arg;
    struct llm *llm = question->llm;

    llm_hold(llm);
    if (has_whole_answer(question, code)) {
        finish_reading(question);
    } else {
        end_by_call(question, code, error);
    }
    question_go_on(question);
    llm_release(llm);
}

static const struct http_call_listener call_listener = {on_head, on_piece, on_call_done};

/* ---- the beginning ---- */

static uint64_t time_left(const struct question *question)
{
    uint64_t now = question_now_ms(question);

    return question->deadline_ms > now ? question->deadline_ms - now : 0;
}

static int start_call(struct question *question, struct error *error)
{
    struct llm *llm = question->llm;
    const struct llm_link *link = question_link(question);
    struct http_header headers[LLM_LINK_HEADERS_MAX + 1];
    char parent[TRACE_PARENT_BYTES];
    size_t header_count = link->header_count;

    memcpy(headers, link->headers, header_count * sizeof(headers[0]));
    if (trace_is_set(&question->now.trace)) {
        trace_write_parent(&question->now.trace, parent);
        headers[header_count++] = (struct http_header){STR("traceparent"), str_from(parent)};
    }
    const struct http_call call = {
        .method = HTTP_POST,
        .url = link->address,
        .headers = headers,
        .header_count = header_count,
        .body = buf_str(&question->bodies[question->link]),
        .connect_timeout_ms = llm->limits.connect_timeout_ms,
        .first_byte_timeout_ms = llm->limits.first_token_timeout_ms,
        .idle_timeout_ms = llm->limits.idle_timeout_ms,
        .total_timeout_ms = llm->limits.total_timeout_ms,
        .answer_bytes_max = LLM_ANSWER_BYTES_MAX,
    };

    int code = llm_reading_new(link->provider.wire, &question->form, on_text, question,
                               &question->now.reading);
    if (code) {
        return error_set(error, code, "no memory to read an answer");
    }
    return http_client_start(llm->client, &call, &call_listener, question, &question->now.call,
                             error);
}

/* The time of the whole question is up while a provider is at work. It says little about that
 * provider, which may have been given only what the others left. */
static void end_by_time(struct question *question)
{
    const struct attempt_verdict verdict = {LLM_TIMED_OUT, ATTEMPT_NEXT, BREAKER_SAYS_NOTHING};

    http_client_cancel(question->llm->client, question->now.call);
    record_say(question, "the time of the whole question was up", STR(""));
    fail(question, &verdict, usage_so_far(question));
}

/* As libcurl says it of a port where nobody listens. */
static void find_no_connection(struct question *question)
{
    struct error error = {0};

    int code = error_set(&error, ERR_IO, "no connection (a fault that was put in)");
    end_by_call(question, code, &error);
}

static void make_call(struct question *question)
{
    struct error error = {0};

    if (fault_hits(FAULT_MODEL_DOWN)) {
        find_no_connection(question);
        return;
    }
    int code = start_call(question, &error);
    if (code) {
        struct attempt_end end = {.was_started = false, .code = code};
        struct attempt_verdict verdict = attempt_judge(&end);

        record_say(question, "", str_from(error.message));
        fail(question, &verdict, /* usage */ NULL);
        return;
    }
    question_link(question)->attempts++;
    question->state = QUESTION_ASKS;
    loop_timer_start(&question->timer, time_left(question), /* repeat_ms */ 0);
}

void question_begin_attempt(struct question *question, enum breaker_pass pass)
{
    int64_t delay_ms;

    question->now = (struct question_try){.pass = pass, .began_ms = question_now_ms(question)};
    if (trace_is_set(&question->form.trace)) {
        question->now.trace = trace_child(&question->form.trace);
    }
    buf_init(&question->now.error_body, LLM_ERROR_BODY_BYTES_MAX);
    record_begin(question);
    question->tries++;
    if (!fault_hits_with(FAULT_MODEL_SLOW, &delay_ms)) {
        make_call(question);
        return;
    }
    uint64_t left = time_left(question);
    question->now.is_late = true;
    question->state = QUESTION_ASKS;
    loop_timer_start(&question->timer, (uint64_t)delay_ms < left ? (uint64_t)delay_ms : left,
                     /* repeat_ms */ 0);
}

void question_attempt_timer(struct question *question)
{
    if (question->now.is_late && time_left(question) > 0) {
        question->now.is_late = false;
        make_call(question);
    } else {
        end_by_time(question);
    }
}
