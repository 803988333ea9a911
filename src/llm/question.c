/*
 * A question's way along the chain: which link, when, and what becomes of an attempt's end.
 * attempt.c says what an end means; here it is done.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/question.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/check.h"
#include "llm/counts.h"

#define FORM_BYTES_MAX ((size_t)2 << 20) /* more than what a body may hold */
#define TIME_SLACK_MS  20u               /* the loop's time is that of the turn's beginning */

static uint64_t now_ms(const struct question *question)
{
    return loop_now_ms(question->llm->loop);
}

static struct llm_link *link_of(struct question *question)
{
    return &question->llm->links[question->link];
}

/* ---- the records ---- */

static struct llm_attempt *add_record(struct question *question)
{
    const struct llm_provider *provider = &link_of(question)->provider;

    check(question->attempt_count < LLM_ATTEMPTS_MAX);
    struct llm_attempt *attempt = &question->attempts[question->attempt_count++];
    *attempt = (struct llm_attempt){
        .provider = question->link,
        .provider_name = provider->name,
        .price_provider = provider->price_provider,
        .model = provider->model,
        .started_us = question->llm->clock_us(),
        .response_id = STR(""),
    };
    return attempt;
}

static struct llm_attempt *last_record(struct question *question)
{
    return &question->attempts[question->attempt_count - 1];
}

/* The clock may be set back meanwhile. At least 1, for 0 says that there was nothing. */
static int64_t since_start_us(struct question *question)
{
    int64_t passed = question->llm->clock_us() - last_record(question)->started_us;

    return passed > 0 ? passed : 1;
}

static void keep_response_id(struct question *question, struct str id)
{
    char *kept = question->response_ids[question->attempt_count - 1];
    size_t length = id.length < LLM_NAME_BYTES_MAX ? id.length : LLM_NAME_BYTES_MAX;

    if (length) {
        memcpy(kept, id.data, length);
        last_record(question)->response_id = (struct str){kept, length};
    }
}

static void add_record_without_asking(struct question *question, enum llm_outcome outcome,
                                      const char *failure)
{
    struct llm_attempt *attempt = add_record(question);

    attempt->outcome = outcome;
    attempt_say(attempt->failure, (struct str){NULL, 0}, failure, STR(""));
    llm_count_attempt(link_of(question), attempt);
}

/* ---- the end of a question ---- */

static void free_question(void *arg)
{
    struct question *question = arg;

    check(!question->now.reading);
    buf_done(&question->now.error_body);
    for (size_t i = 0; i < LLM_PROVIDERS_MAX; i++) {
        buf_done(&question->bodies[i]);
    }
    arena_done(&question->arena);
    alloc_free(question);
}

static void leave_chain(struct question *question)
{
    check(!question->is_over);
    question->is_over = true;
    llm_forget(question->llm, question);
    loop_timer_close(&question->timer, free_question);
}

/* answer is the listener's; NULL unless code is OK. Last call of an event. */
static void end_question(struct question *question, int code, struct llm_answer *answer)
{
    const char *failed = code == ERR_LIMIT ? "over_budget" : "failed";

    leave_chain(question);
    llm_count_question(code ? failed : "answered");
    question->listener.on_done(code, answer, question->attempts, question->attempt_count,
                               question->arg);
}

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
    struct llm_link *link = link_of(question);

    breaker_end(&link->breaker, question->now.pass, news, now_ms(question));
    llm_count_breaker(link);
}

void question_drop(struct question *question)
{
    if (question->state == QUESTION_ASKS) {
        http_client_cancel(question->llm->client, question->now.call);
        end_pass(question, BREAKER_SAYS_NOTHING);
        llm_count_cancelled(link_of(question));
        clear_try(question);
    }
    leave_chain(question);
    llm_count_question("cancelled");
}

/* ---- the end of an attempt ---- */

static void go_to_next_link(struct question *question)
{
    buf_done(&question->bodies[question->link]);
    question->link++;
    question->tries = 0;
    question->state = QUESTION_GOES;
}

/* The same link after a wait, if that leads anywhere; else the next one. */
static void wait_for_retry(struct question *question)
{
    struct llm *llm = question->llm;
    const struct llm_limits *limits = &llm->limits;
    uint64_t wait = question->now.has_wait
                        ? question->now.wait_ms
                        : retry_jitter_ms(&llm->random, limits->wait_ms_first, limits->wait_ms_max,
                                          question->tries - 1);
    uint64_t now = now_ms(question);

    if (question->tries >= llm->tries_max || wait > limits->wait_ms_max ||
        now + wait >= question->deadline_ms ||
        !breaker_would_let(&link_of(question)->breaker, now + wait)) {
        go_to_next_link(question);
        return;
    }
    question->state = QUESTION_WAITS;
    loop_timer_start(&question->timer, wait, /* repeat_ms */ 0);
}

static void withdraw_text(struct question *question)
{
    if (question->now.has_given_text) {
        question->now.has_given_text = false;
        if (question->listener.on_again) {
            question->listener.on_again(question->arg);
        }
    }
}

/* A model that thinks or calls tools gives no text; then the first byte stands for it. */
static uint64_t first_token_us(const struct question_try *now, enum llm_outcome outcome)
{
    if (now->first_text_us) {
        return (uint64_t)now->first_text_us;
    }
    return outcome == LLM_ANSWERED ? (uint64_t)now->first_byte_us : 0;
}

/* Completes the record of the attempt under way and tells its link; usage may be NULL. */
static void close_record(struct question *question, const struct attempt_verdict *verdict,
                         const struct llm_usage *usage)
{
    struct llm_attempt *attempt = last_record(question);
    struct llm_link *link = link_of(question);

    attempt->outcome = verdict->outcome;
    attempt->status = question->now.status;
    attempt->latency_us = (uint64_t)since_start_us(question);
    attempt->first_token_us = first_token_us(&question->now, verdict->outcome);
    if (usage) {
        attempt->usage = *usage;
    }
    if (verdict->outcome == LLM_ANSWERED) {
        link->answered++;
    } else {
        memcpy(link->last_failure, attempt->failure, sizeof(link->last_failure));
    }
    end_pass(question, verdict->news);
    llm_count_attempt(link, attempt);
}

/* The attempt's failure is written already. May end the question. */
static void fail_attempt(struct question *question, const struct attempt_verdict *verdict,
                         const struct llm_usage *usage)
{
    close_record(question, verdict, usage);
    clear_try(question);
    question->state = QUESTION_GOES;
    withdraw_text(question);
    if (question->is_over) {
        return;
    }
    if (verdict->then == ATTEMPT_RETRY) {
        wait_for_retry(question);
    } else {
        go_to_next_link(question);
    }
}

static const struct llm_usage *usage_so_far(const struct question *question)
{
    return question->now.reading ? llm_reading_usage(question->now.reading) : NULL;
}

static void say(struct question *question, const char *before, struct str text)
{
    attempt_say(last_record(question)->failure, link_of(question)->provider.key, before, text);
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
    say(question, before, text.length ? text : STR("no reason given"));
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

    say(question, "", str_from(error->message));
    fail_attempt(question, &verdict, usage_so_far(question));
}

static void say_answer(struct question *question, const struct attempt_end *end)
{
    if (end->stop == LLM_STOP_REFUSED) {
        say(question, "the model or its filters refused to answer", STR(""));
    } else if (end->stop == LLM_STOP_LENGTH) {
        say(question, "the answer was cut at the number of tokens that it may have", STR(""));
    } else {
        say(question, "the answer is empty", STR(""));
    }
}

/* The body is there, and nothing was wrong with it so far. */
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
    keep_response_id(question, answer.response_id);
    if (verdict.then == ATTEMPT_ANSWERED) {
        close_record(question, &verdict, &answer.usage);
        clear_try(question);
        end_question(question, OK, &answer);
        return;
    }
    struct llm_usage usage = answer.usage;
    say_answer(question, &end);
    llm_answer_done(&answer);
    fail_attempt(question, &verdict, &usage);
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
    uint64_t passed_ms = now_ms(question) - now->began_ms;
    struct attempt_end end = {
        .was_started = true,
        .code = code,
        .status = now->status,
        .reading = now->status || code ? OK : ERR_INVALID, /* an end without a head */
        .had_its_time = passed_ms + TIME_SLACK_MS >= question->llm->limits.total_timeout_ms,
    };
    struct attempt_verdict verdict = attempt_judge(&end);

    last_record(question)->never_sent = was_never_sent(question, code, passed_ms);
    if (now->status && !attempt_is_success(now->status)) {
        say_status(question);
    } else if (!now->status && !code) {
        say(question, "the answer has no head", STR(""));
    } else {
        say(question, "", error ? str_from(error->message) : STR(""));
    }
    fail_attempt(question, &verdict, usage_so_far(question));
}

/* ---- going on ---- */

/* What a reading looks at; the caller's request is gone by then: whether the answer has a schema,
 * and how many calls there were, for ids that differ from theirs. */
static int copy_form(struct question *question, const struct llm_request *request)
{
    struct llm_request *form = &question->form;
    size_t call_count = 0;

    for (size_t i = 0; i < request->message_count; i++) {
        call_count += request->messages[i].call_count;
    }
    struct llm_message *message = arena_alloc(&question->arena, 1, sizeof(*message));
    struct llm_call *calls = arena_alloc(&question->arena, call_count + 1, sizeof(*calls));
    form->answer_schema = arena_copy(&question->arena, request->answer_schema);
    form->answer_name = arena_copy(&question->arena, request->answer_name);
    form->output_tokens_max = request->output_tokens_max;
    if (!message || !calls || !form->answer_schema.data || !form->answer_name.data) {
        return ERR_NO_MEMORY;
    }
    *message =
        (struct llm_message){.role = LLM_ASSISTANT, .calls = calls, .call_count = call_count};
    form->messages = message;
    form->message_count = 1;
    return OK;
}

static void on_text(struct str delta, void *arg)
{
    struct question *question = arg;

    if (question->is_over) {
        return;
    }
    if (!question->now.first_text_us) {
        question->now.first_text_us = since_start_us(question);
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

static void go_on(struct question *question);

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
        question->now.first_byte_us = since_start_us(question);
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
    go_on(question);
    llm_release(llm);
}

static void on_call_done(int code, const struct error *error, void *arg)
{
    struct question *question = arg;
    struct llm *llm = question->llm;

    llm_hold(llm);
    if (code == OK && attempt_is_success(question->now.status)) {
        finish_reading(question);
    } else {
        end_by_call(question, code, error);
    }
    go_on(question);
    llm_release(llm);
}

static const struct http_call_listener call_listener = {on_head, on_piece, on_call_done};

static int start_call(struct question *question, struct error *error)
{
    struct llm *llm = question->llm;
    const struct llm_link *link = link_of(question);
    const struct http_call call = {
        .method = HTTP_POST,
        .url = link->address,
        .headers = link->headers,
        .header_count = link->header_count,
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

static void start_attempt(struct question *question, enum breaker_pass pass)
{
    struct error error = {0};

    question->now = (struct question_try){.pass = pass, .began_ms = now_ms(question)};
    buf_init(&question->now.error_body, LLM_ERROR_BODY_BYTES_MAX);
    (void)add_record(question);
    question->tries++;
    int code = start_call(question, &error);
    if (code) {
        struct attempt_end end = {.was_started = false, .code = code};
        struct attempt_verdict verdict = attempt_judge(&end);

        say(question, "", str_from(error.message));
        fail_attempt(question, &verdict, /* usage */ NULL);
        return;
    }
    link_of(question)->attempts++;
    question->state = QUESTION_ASKS;
    uint64_t now = now_ms(question);
    uint64_t left = question->deadline_ms > now ? question->deadline_ms - now : 0;
    loop_timer_start(&question->timer, left, /* repeat_ms */ 0);
}

/* One step while it depends on nobody; the question may be over after it. */
static void step(struct question *question)
{
    if (question->link == question->llm->link_count || now_ms(question) >= question->deadline_ms) {
        end_question(question, ERR_IO, /* answer */ NULL);
        return;
    }
    enum breaker_pass pass = breaker_ask(&link_of(question)->breaker, now_ms(question));
    if (pass == BREAKER_REFUSES) {
        add_record_without_asking(question, LLM_BREAKER_OPEN,
                                  "not asked: it failed too often just now");
        go_to_next_link(question);
        return;
    }
    start_attempt(question, pass);
}

/* Last call of every event but the question's end. */
static void go_on(struct question *question)
{
    while (!question->is_over && question->state == QUESTION_GOES) {
        step(question);
    }
}

/* The time of the whole question is up while a provider is at work. It says little about that
 * provider, which may have been given only what the others left. */
static void end_by_time(struct question *question)
{
    const struct attempt_verdict verdict = {LLM_TIMED_OUT, ATTEMPT_NEXT, BREAKER_SAYS_NOTHING};

    http_client_cancel(question->llm->client, question->now.call);
    say(question, "the time of the whole question was up", STR(""));
    fail_attempt(question, &verdict, usage_so_far(question));
}

static void on_timer(void *arg)
{
    struct question *question = arg;
    struct llm *llm = question->llm;

    llm_hold(llm);
    if (question->is_over_budget) {
        add_record_without_asking(question, LLM_OVER_BUDGET,
                                  "not asked: it may use more tokens than this run has left");
        end_question(question, ERR_LIMIT, /* answer */ NULL);
    } else if (question->state == QUESTION_ASKS) {
        end_by_time(question);
    } else {
        question->state = QUESTION_GOES;
    }
    go_on(question);
    llm_release(llm);
}

/* ---- the beginning ---- */

static int write_bodies(struct question *question, const struct llm_request *request,
                        struct error *error)
{
    const struct llm *llm = question->llm;

    for (unsigned i = 0; i < llm->link_count; i++) {
        const struct llm_provider *provider = &llm->links[i].provider;
        struct buf *body = &question->bodies[i];

        provider->wire->write_body(request, provider->model, body);
        if (buf_status(body) == ERR_LIMIT) {
            return error_set(error, ERR_LIMIT, "a question for %.*s is longer than %zu bytes",
                             STR_ARGS(provider->name), LLM_REQUEST_BYTES_MAX);
        }
        if (buf_status(body)) {
            return error_set(error, buf_status(body), "no memory for a question");
        }
    }
    return OK;
}

int question_new(struct llm *llm, const struct llm_request *request, bool is_over_budget,
                 struct question **ret_question, struct error *error)
{
    struct question *question = alloc_zeroed(1, sizeof(*question));

    if (!question) {
        return error_set(error, ERR_NO_MEMORY, "no memory for a question");
    }
    question->llm = llm;
    question->is_over_budget = is_over_budget;
    for (size_t i = 0; i < LLM_PROVIDERS_MAX; i++) {
        buf_init(&question->bodies[i], LLM_REQUEST_BYTES_MAX);
    }
    arena_init(&question->arena, FORM_BYTES_MAX);
    int code = is_over_budget ? OK : write_bodies(question, request, error);
    if (!code && copy_form(question, request)) {
        code = error_set(error, ERR_NO_MEMORY, "no memory for a question");
    }
    if (code) {
        free_question(question);
        return code;
    }
    *ret_question = question;
    return OK;
}

void question_start(struct question *question)
{
    struct llm *llm = question->llm;

    question->deadline_ms = loop_now_ms(llm->loop) + llm->limits.question_timeout_ms;
    loop_timer_init(llm->loop, &question->timer, on_timer, question);
    loop_timer_start(&question->timer, /* after_ms */ 0, /* repeat_ms */ 0);
}
