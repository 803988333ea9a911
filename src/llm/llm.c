/*
 * The chain as its users see it: questions by id, links by number. question.c does the asking.
 *
 *     id   generation (32 bits) | slot + 1 (32 bits)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/llm.h"

#include "base/alloc.h"
#include "base/check.h"
#include "llm/counts.h"
#include "llm/question.h"

#define TEXTS_BYTES_MAX ((size_t)256 << 10) /* of all links */
#define JITTER_STREAM   0x6a69747465726c6cu
#define TOKEN_BYTES     3u  /* of a body, guessed low, for each token */
#define PART_BYTES      64u /* of JSON around a message, a tool, a call */

/* ---- the chain ---- */

static int look_at_options(const struct llm_options *options, struct error *error)
{
    if (options->provider_count == 0 || options->provider_count > LLM_PROVIDERS_MAX) {
        return error_set(error, ERR_INVALID, "a chain of %zu models: there may be 1 to %u",
                         options->provider_count, LLM_PROVIDERS_MAX);
    }
    if (options->limits.attempts_max == 0 || options->limits.breaker_failures == 0) {
        return error_set(error, ERR_INVALID,
                         "a chain of models needs at least one attempt and one failure");
    }
    return OK;
}

/* The first links must not use up what all of them may have together. */
static unsigned tries_of(const struct llm_options *options)
{
    unsigned fair = LLM_ATTEMPTS_MAX / (unsigned)options->provider_count;

    return options->limits.attempts_max < fair ? options->limits.attempts_max : fair;
}

static void free_chain(struct llm *llm)
{
    for (unsigned i = 0; i < llm->link_count; i++) {
        llm_link_wipe(&llm->links[i]);
    }
    arena_done(&llm->arena);
    alloc_free(llm);
}

static int init_links(struct llm *llm, const struct llm_options *options, struct error *error)
{
    for (size_t i = 0; i < options->provider_count; i++) {
        llm->link_count++;
        int code = llm_link_init(&llm->links[i], &options->providers[i], &options->limits,
                                 &llm->arena, error);
        if (code) {
            return code;
        }
        llm_count_breaker(&llm->links[i]);
    }
    return OK;
}

int llm_new(const struct llm_options *options, struct llm **ret_llm, struct error *error)
{
    int code = look_at_options(options, error);

    if (code) {
        return code;
    }
    struct llm *llm = alloc_zeroed(1, sizeof(*llm));
    if (!llm) {
        return error_set(error, ERR_NO_MEMORY, "no memory for the chain of models");
    }
    llm->loop = options->loop;
    llm->client = options->client;
    llm->limits = options->limits;
    llm->clock_us = options->clock_us;
    llm->tries_max = tries_of(options);
    random_init(&llm->random, options->seed, JITTER_STREAM);
    arena_init(&llm->arena, TEXTS_BYTES_MAX);
    for (unsigned i = 0; i < LLM_ASKS_MAX; i++) {
        llm->free_slots[i] = (uint16_t)(LLM_ASKS_MAX - 1 - i);
    }
    code = init_links(llm, options, error);
    if (code) {
        free_chain(llm);
        return code;
    }
    *ret_llm = llm;
    return OK;
}

void llm_hold(struct llm *llm)
{
    llm->held++;
}

void llm_release(struct llm *llm)
{
    if (--llm->held == 0 && llm->is_freed) {
        free_chain(llm);
    }
}

void llm_free(struct llm *llm)
{
    if (!llm) {
        return;
    }
    check(!llm->is_freed);
    llm_hold(llm);
    for (unsigned i = 0; i < LLM_ASKS_MAX; i++) {
        if (llm->questions[i]) {
            question_drop(llm->questions[i]);
        }
    }
    llm->is_freed = true;
    llm_release(llm);
}

/* ---- questions ---- */

static llm_id enter_question(struct llm *llm, struct question *question)
{
    unsigned slot = llm->free_slots[LLM_ASKS_MAX - 1 - llm->count];

    check(!llm->questions[slot]);
    llm->questions[slot] = question;
    llm->generations[slot]++;
    llm->count++;
    llm_count_under_way(llm->count);
    question->slot = slot;
    return (llm_id)llm->generations[slot] << 32 | (slot + 1);
}

void llm_forget(struct llm *llm, struct question *question)
{
    check(llm->questions[question->slot] == question);
    llm->questions[question->slot] = NULL;
    llm->count--;
    llm->free_slots[LLM_ASKS_MAX - 1 - llm->count] = (uint16_t)question->slot;
    llm_count_under_way(llm->count);
}

static struct question *find_question(struct llm *llm, llm_id id)
{
    uint64_t slot = (id & UINT32_MAX) - 1; /* of 0: none */

    if (slot >= LLM_ASKS_MAX || llm->generations[slot] != id >> 32) {
        return NULL;
    }
    return llm->questions[slot];
}

int llm_ask(struct llm *llm, const struct llm_request *request, uint64_t tokens_left,
            const struct llm_listener *listener, void *arg, llm_id *ret_id, struct error *error)
{
    struct question *question = NULL;

    check(!llm->is_freed && listener->on_done);
    if (llm->count == LLM_ASKS_MAX) {
        return error_set(error, ERR_LIMIT, "%u questions to models are under way already",
                         LLM_ASKS_MAX);
    }
    int code = question_new(llm, request, llm_estimate(request) > tokens_left, &question, error);
    if (code) {
        return code;
    }
    question->listener = *listener;
    question->arg = arg;
    *ret_id = enter_question(llm, question);
    question_start(question);
    return OK;
}

void llm_cancel(struct llm *llm, llm_id id)
{
    struct question *question = find_question(llm, id);

    if (question) {
        question_drop(question);
    }
}

unsigned llm_count(const struct llm *llm)
{
    return llm->count;
}

static uint64_t message_bytes(const struct llm_message *message)
{
    uint64_t bytes = PART_BYTES + message->text.length;

    for (size_t i = 0; i < message->call_count; i++) {
        const struct llm_call *call = &message->calls[i];
        bytes += PART_BYTES + call->id.length + call->name.length + call->args.length;
    }
    return bytes + message->call.id.length + message->call.name.length;
}

/* The texts and what stands around them: no wire writes much more. */
uint64_t llm_estimate(const struct llm_request *request)
{
    uint64_t bytes = 4 * PART_BYTES + request->system.length + request->answer_schema.length +
                     request->answer_name.length;

    for (size_t i = 0; i < request->message_count; i++) {
        bytes += message_bytes(&request->messages[i]);
    }
    for (size_t i = 0; i < request->tool_count; i++) {
        const struct llm_tool *tool = &request->tools[i];
        bytes += PART_BYTES + tool->name.length + tool->description.length + tool->schema.length;
    }
    return bytes / TOKEN_BYTES + 1 + request->output_tokens_max;
}

/* ---- what is known of a link ---- */

size_t llm_provider_count(const struct llm *llm)
{
    return llm->link_count;
}

void llm_provider_state(const struct llm *llm, size_t index, struct llm_state *ret_state)
{
    check(index < llm->link_count);
    const struct llm_link *link = &llm->links[index];
    enum breaker_state state = breaker_state(&link->breaker, loop_now_ms(llm->loop));

    *ret_state = (struct llm_state){
        .name = link->provider.name,
        .model = link->provider.model,
        .wire = link->provider.wire->name,
        .url = link->provider.url,
        .has_key = link->provider.key.length > 0,
        .breaker = breaker_state_name(state),
        .attempts = link->attempts,
        .answered = link->answered,
    };
    memcpy(ret_state->last_failure, link->last_failure, sizeof(ret_state->last_failure));
}
