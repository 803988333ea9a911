/*
 * A chain of models that tests play: it answers from a script, a line each turn of the loop.
 *
 *     "word"     text as it comes          "AGAIN"   another attempt begins
 *     "FAIL"     nobody could answer       "HANG"    nothing more comes
 *     the end    the answer is whole
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_PLAYED_CHAIN_H
#define NETRA_TESTS_PLAYED_CHAIN_H

#include "runner_fixture.h"

#include "base/alloc.h"

#define SCRIPT_LINES_MAX 256

/* ---- the chain ---- */

static struct llm *const played_llm = (struct llm *)(uintptr_t)8; /* never looked into */

static struct {
    const char *interpret[SCRIPT_LINES_MAX];
    const char *plan[SCRIPT_LINES_MAX];
    const char *write[SCRIPT_LINES_MAX];
    const char *repair[SCRIPT_LINES_MAX];
    int refusal; /* of llm_ask */
} script;

struct played_ask {
    struct played_ask *next;
    struct loop_message message;
    llm_id id;
    struct llm_listener listener;
    void *arg;
    const char *const *lines;
    size_t at;
    unsigned attempts;
    bool is_hanging;
    bool is_over; /* told, or cancelled: the message that is on its way frees it */
    char text[4096];
};

static struct played_ask *asks;
static struct place *pace; /* not NULL: a line is said when what came before it is stored */
static llm_id last_ask;
static unsigned asked_count;
static unsigned cancelled_count;
static uint64_t last_tokens_left;

static void forget_ask(struct played_ask *ask)
{
    struct played_ask **at = &asks;

    while (*at != ask) {
        at = &(*at)->next;
    }
    *at = ask->next;
    free(ask);
}

static int64_t played_started_us = 1000000; /* of every attempt */

/* Two providers take turns. */
static struct llm_attempt attempt_by(const struct played_ask *ask, unsigned index,
                                     enum llm_outcome outcome)
{
    struct llm_attempt attempt = {
        .provider = index % 2,
        .provider_name = index % 2 ? STR("second") : STR("played"),
        .model = STR("player-1"),
        .outcome = outcome,
        .status = outcome == LLM_ANSWERED ? 200 : 503,
        .started_us = played_started_us,
        .latency_us = 7,
        .first_token_us = 3,
        .response_id = STR("answer-1"),
    };

    if (outcome == LLM_ANSWERED) {
        attempt.usage = (struct llm_usage){.is_known = true, .input_uncached = 100, .output = 20};
    } else {
        (void)snprintf(attempt.failure, sizeof(attempt.failure), "attempt %u broke off",
                       ask->attempts);
    }
    return attempt;
}

static void finish_ask(struct played_ask *ask, bool is_answered)
{
    struct llm_attempt attempts[LLM_ATTEMPTS_MAX];
    struct llm_answer answer;
    unsigned count = ask->attempts + 1;

    for (unsigned i = 0; i < count; i++) {
        bool is_last = i + 1 == count;

        attempts[i] = attempt_by(ask, i, is_answered && is_last ? LLM_ANSWERED : LLM_FAILED);
    }
    ask->is_over = true;
    if (!is_answered) {
        ask->listener.on_done(ERR_IO, NULL, attempts, count, ask->arg);
        return;
    }
    llm_answer_init(&answer);
    answer.text = str_from(ask->text); /* nothing in the arena: this must not fail */
    answer.model = STR("player-1");
    ask->listener.on_done(OK, &answer, attempts, count, ask->arg);
}

static void play_line(struct played_ask *ask)
{
    const char *line = ask->lines[ask->at++];

    if (!line) {
        finish_ask(ask, /* is_answered */ true);
    } else if (strcmp(line, "FAIL") == 0) {
        finish_ask(ask, /* is_answered */ false);
    } else if (strcmp(line, "HANG") == 0) {
        ask->is_hanging = true;
    } else if (strcmp(line, "AGAIN") == 0) {
        ask->attempts++;
        ask->text[0] = '\0';
        if (ask->listener.on_again) {
            ask->listener.on_again(ask->arg);
        }
    } else {
        size_t length = strlen(ask->text);

        (void)snprintf(ask->text + length, sizeof(ask->text) - length, "%s", line);
        if (ask->listener.on_text) {
            ask->listener.on_text(str_from(line), ask->arg);
        }
    }
}

static bool is_storing(void)
{
    bool any = false;

    for (const struct live_run *live = pace ? pace->runner->live : NULL; live; live = live->next) {
        any |= live->is_storing;
    }
    return any;
}

static void play(void *arg)
{
    struct played_ask *ask = arg;

    if (!ask->is_over && !is_storing()) {
        play_line(ask);
    }
    if (ask->is_over) {
        forget_ask(ask);
    } else if (!ask->is_hanging) {
        loop_post(cache_loop, &ask->message);
    }
}

/* By what a request of its purpose has; the played run says the purpose itself. */
static const char *const *lines_for(const struct llm_request *request)
{
    if (request->tool_count || str_equal(request->system, STR("plan"))) {
        return script.plan;
    }
    if (request->answer_schema.length) {
        return script.interpret;
    }
    return request->message_count > 1 || str_equal(request->system, STR("repair")) ? script.repair
                                                                                   : script.write;
}

int llm_ask(struct llm *llm, const struct llm_request *request, uint64_t tokens_left,
            const struct llm_listener *listener, void *arg, llm_id *ret_id, struct error *error)
{
    assert_ptr_equal(llm, played_llm);
    last_tokens_left = tokens_left;
    if (script.refusal) {
        return error_set(error, script.refusal, "too many questions are under way");
    }
    struct played_ask *ask = calloc(1, sizeof(*ask));
    assert_non_null(ask);
    ask->message = (struct loop_message){.fn = play, .arg = ask};
    ask->id = ++last_ask;
    ask->listener = *listener;
    ask->arg = arg;
    ask->lines = lines_for(request);
    if (request->message_count && str_equal(request->messages[0].text, STR("hang"))) {
        static const char *const hang[] = {"HANG", NULL};

        ask->lines = hang;
    }
    ask->next = asks;
    asks = ask;
    asked_count++;
    *ret_id = ask->id;
    loop_post(cache_loop, &ask->message);
    return OK;
}

void llm_cancel(struct llm *llm, llm_id id)
{
    assert_ptr_equal(llm, played_llm);
    for (struct played_ask *ask = asks; ask; ask = ask->next) {
        if (ask->id == id) {
            assert_false(ask->is_over);
            ask->is_over = true;
            cancelled_count++;
            if (ask->is_hanging) {
                forget_ask(ask);
            }
            return;
        }
    }
    fail_msg("%s", "a question is cancelled that is not on its way");
}

uint64_t llm_estimate(const struct llm_request *request)
{
    (void)request;
    return 1000;
}

size_t llm_provider_count(const struct llm *llm)
{
    (void)llm;
    return 2;
}

void llm_provider_state(const struct llm *llm, size_t index, struct llm_state *ret_state)
{
    (void)llm;
    assert_true(index < 2);
    *ret_state =
        (struct llm_state){.name = STR("played"), .model = STR("player-1"), .wire = "played"};
}

static void write_played_body(const struct llm_request *request, struct str model, struct buf *out)
{
    buf_append(out, model);
    buf_append(out, STR(" is asked to "));
    buf_append(out, request->system);
}

static const struct llm_wire played_wire = {.name = "played", .write_body = write_played_body};

const struct llm_wire *llm_wire_find(struct str name)
{
    assert_str(name, "played");
    return &played_wire;
}

bool llm_attempt_cost(const struct llm_attempt *attempt, const struct price_book *book,
                      int64_t *ret_pico_usd)
{
    assert_non_null(book);
    *ret_pico_usd = 5000000;
    return attempt->outcome == LLM_ANSWERED;
}

#endif
