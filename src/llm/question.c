/*
 * A question's way along the chain: its beginning, which link is asked when, its end. What happens
 * while a link is asked is in question_attempt.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/question.h"

#include "base/alloc.h"
#include "base/check.h"
#include "llm/counts.h"

#define FORM_BYTES_MAX ((size_t)2 << 20) /* more than what a body may hold */

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

void question_end(struct question *question, int code, struct llm_answer *answer)
{
    const char *failed = code == ERR_LIMIT ? "over_budget" : "failed";

    leave_chain(question);
    llm_count_question(code ? failed : "answered");
    question->listener.on_done(code, answer, question->attempts, question->attempt_count,
                               question->arg);
}

void question_drop(struct question *question)
{
    if (question->state == QUESTION_ASKS) {
        question_drop_attempt(question);
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
    uint64_t now = question_now_ms(question);

    if (question->tries >= llm->tries_max || wait > limits->wait_ms_max ||
        now + wait >= question->deadline_ms ||
        !breaker_would_let(&question_link(question)->breaker, now + wait)) {
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

void question_attempt_failed(struct question *question, enum attempt_then then)
{
    question->state = QUESTION_GOES;
    withdraw_text(question);
    if (question->is_over) {
        return;
    }
    if (then == ATTEMPT_RETRY) {
        wait_for_retry(question);
    } else {
        go_to_next_link(question);
    }
}

/* ---- going on ---- */

/* One step while it depends on nobody; the question may be over after it. */
static void step(struct question *question)
{
    if (question->link == question->llm->link_count ||
        question_now_ms(question) >= question->deadline_ms) {
        question_end(question, ERR_IO, /* answer */ NULL);
        return;
    }
    enum breaker_pass pass =
        breaker_ask(&question_link(question)->breaker, question_now_ms(question));
    if (pass == BREAKER_REFUSES) {
        record_unasked(question, LLM_BREAKER_OPEN, "not asked: it failed too often just now");
        go_to_next_link(question);
        return;
    }
    question_begin_attempt(question, pass);
}

void question_go_on(struct question *question)
{
    while (!question->is_over && question->state == QUESTION_GOES) {
        step(question);
    }
}

static void on_timer(void *arg)
{
    struct question *question = arg;
    struct llm *llm = question->llm;

    llm_hold(llm);
    if (!question->has_begun) { /* not earlier: outside of events the loop's time stands still */
        question->has_begun = true;
        question->deadline_ms = question_now_ms(question) + llm->limits.question_timeout_ms;
    }
    if (question->is_over_budget) {
        record_unasked(question, LLM_OVER_BUDGET,
                       "not asked: it may use more tokens than this run has left");
        question_end(question, ERR_LIMIT, /* answer */ NULL);
    } else if (question->state == QUESTION_ASKS) {
        question_attempt_timer(question);
    } else {
        question->state = QUESTION_GOES;
    }
    question_go_on(question);
    llm_release(llm);
}

/* ---- the beginning ---- */

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
    form->trace = request->trace;
    if (!message || !calls || !form->answer_schema.data || !form->answer_name.data) {
        return ERR_NO_MEMORY;
    }
    *message =
        (struct llm_message){.role = LLM_ASSISTANT, .calls = calls, .call_count = call_count};
    form->messages = message;
    form->message_count = 1;
    return OK;
}

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

    loop_timer_init(llm->loop, &question->timer, on_timer, question);
    loop_timer_start(&question->timer, /* after_ms */ 0, /* repeat_ms */ 0);
}
