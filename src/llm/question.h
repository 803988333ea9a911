/*
 * question: one question on its way along the chain, and the chain itself. Private to llm/.
 *
 *     llm_ask → QUESTION_GOES ──► QUESTION_ASKS (a call of the http client) ──► on_done
 *                     ▲                   │
 *                     └── QUESTION_WAITS ─┘  or at once, with the next link
 *
 * A question has one timer: it begins the question, ends a wait, and ends the question when its
 * time is up. What is over has left its slot, so its id is dead; its memory goes when the timer is
 * closed, which is never within a callback.
 *
 * A listener may do anything from within a callback: ask, cancel, free the chain. Whoever calls
 * back looks at is_over afterwards, and events hold the chain (llm_hold) as long as they run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LLM_QUESTION_H
#define NETRA_LLM_QUESTION_H

#include "llm/attempt.h"
#include "llm/link.h"
#include "llm/reading.h"
#include "llm/retry.h"

#define LLM_ERROR_BODY_BYTES_MAX ((size_t)8 << 10) /* of an answer that is no success */

struct question;

struct llm {
    struct loop *loop;
    struct http_client *client;
    struct llm_limits limits;
    int64_t (*clock_us)(void);
    struct random random;
    struct arena arena; /* texts of the links */
    struct llm_link links[LLM_PROVIDERS_MAX];
    unsigned link_count;
    unsigned tries_max; /* per link, so that LLM_ATTEMPTS_MAX suffice for all */
    unsigned count;     /* questions under way */
    unsigned held;      /* events that are running */
    bool is_freed;      /* llm_free was called by one of them */
    struct question *questions[LLM_ASKS_MAX];
    uint32_t generations[LLM_ASKS_MAX]; /* of the question that is or was there */
    uint16_t free_slots[LLM_ASKS_MAX];  /* LLM_ASKS_MAX - count of them */
};

enum question_state {
    QUESTION_GOES, /* to its link, when its event comes */
    QUESTION_WAITS,
    QUESTION_ASKS
};

/* The attempt under way. */
struct question_try {
    http_call_id call;
    enum breaker_pass pass;
    int status;
    struct llm_reading *reading;
    struct buf error_body;
    bool has_wait; /* the provider says how long */
    uint64_t wait_ms;
    uint64_t began_ms;
    int64_t first_byte_us; /* since it began; 0: none */
    int64_t first_text_us;
    bool has_given_text;
    bool is_late;               /* FAULT_MODEL_SLOW: the call is made when the timer says so */
    struct trace_context trace; /* of the attempt's span */
};

struct question {
    struct llm *llm;
    unsigned slot;
    struct llm_listener listener;
    void *arg;
    enum question_state state;
    bool has_begun;
    bool is_over;
    bool is_over_budget;
    bool is_feeding; /* the reading is in use */
    struct loop_timer timer;
    uint64_t deadline_ms;
    unsigned link;
    unsigned tries; /* at this link */
    struct question_try now;
    struct arena arena;      /* texts of form */
    struct llm_request form; /* what a reading must know of the request */
    struct buf bodies[LLM_PROVIDERS_MAX];
    size_t attempt_count;
    struct llm_attempt attempts[LLM_ATTEMPTS_MAX];
    char response_ids[LLM_ATTEMPTS_MAX][LLM_NAME_BYTES_MAX];
};

static inline uint64_t question_now_ms(const struct question *question)
{
    return loop_now_ms(question->llm->loop);
}

static inline struct llm_link *question_link(struct question *question)
{
    return &question->llm->links[question->link];
}

/* ---- llm.c ---- */

/* While an event runs its chain stays in memory, also when it is freed. */
void llm_hold(struct llm *llm);
void llm_release(struct llm *llm);

/* Takes the question out of its slot. */
void llm_forget(struct llm *llm, struct question *question);

/* ---- question.c ---- */

/* Writes bodies and copies what a reading must know. ERR_LIMIT, ERR_NO_MEMORY. NULL out then. */
must_check int question_new(struct llm *llm, const struct llm_request *request, bool is_over_budget,
                            struct question **ret_question, struct error *error);

/* From the next turn of the loop on. */
void question_start(struct question *question);

/* Ends it without a word to its listener. */
void question_drop(struct question *question);

/* answer is the listener's; NULL unless code is OK. */
void question_end(struct question *question, int code, struct llm_answer *answer);

/* What came as text is void; the same link after a wait, or the next one. May end the question. */
void question_attempt_failed(struct question *question, enum attempt_then then);

/* As far as it gets without waiting for anybody. Every event ends with it. */
void question_go_on(struct question *question);

/* ---- question_attempt.c ---- */

/* pass: what the link's breaker said. */
void question_begin_attempt(struct question *question, enum breaker_pass pass);

/* In QUESTION_ASKS: cancelled; or its timer: the call is made now, or the whole question's time is
 * up. */
void question_drop_attempt(struct question *question);
void question_attempt_timer(struct question *question);

/* ---- question_record.c ---- */

/* Of an attempt at the question's link that begins now. */
void record_begin(struct question *question);
struct llm_attempt *record_last(struct question *question);

/* Since the attempt began; at least 1, for 0 says that there was nothing. */
int64_t record_passed_us(struct question *question);

/* Why it failed; see attempt_say. */
void record_say(struct question *question, const char *before, struct str text);
void record_keep_id(struct question *question, struct str id);

/* It is over: the record is completed, counted and told as a span. usage may be NULL. */
void record_close(struct question *question, const struct attempt_verdict *verdict,
                  const struct llm_usage *usage);

/* It was called off, and nobody hears of it. */
void record_cancel(struct question *question);

/* An attempt that is not made. */
void record_unasked(struct question *question, enum llm_outcome outcome, const char *failure);

#endif
