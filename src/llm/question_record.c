/*
 * The records of a question's attempts: what will be known of each, also by those who pay.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/check.h"
#include "llm/counts.h"
#include "llm/question.h"

void record_begin(struct question *question)
{
    const struct llm_provider *provider = &question_link(question)->provider;

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
}

struct llm_attempt *record_last(struct question *question)
{
    return &question->attempts[question->attempt_count - 1];
}

/* The clock may be set back meanwhile. */
int64_t record_passed_us(struct question *question)
{
    int64_t passed = question->llm->clock_us() - record_last(question)->started_us;

    return passed > 0 ? passed : 1;
}

void record_keep_id(struct question *question, struct str id)
{
    char *kept = question->response_ids[question->attempt_count - 1];
    size_t length = id.length < LLM_NAME_BYTES_MAX ? id.length : LLM_NAME_BYTES_MAX;

    if (length) {
        memcpy(kept, id.data, length);
        record_last(question)->response_id = (struct str){kept, length};
    }
}

void record_unasked(struct question *question, enum llm_outcome outcome, const char *failure)
{
    record_begin(question);
    struct llm_attempt *attempt = record_last(question);

    attempt->outcome = outcome;
    attempt_say(attempt->failure, (struct str){NULL, 0}, failure, STR(""));
    llm_count_attempt(question_link(question), attempt);
}

void record_say(struct question *question, const char *before, struct str text)
{
    attempt_say(record_last(question)->failure, question_link(question)->provider.key, before,
                text);
}

/* A model that thinks or calls tools gives no text; then the first byte stands for it. */
static uint64_t first_token_us(const struct question_try *now, enum llm_outcome outcome)
{
    if (now->first_text_us) {
        return (uint64_t)now->first_text_us;
    }
    return outcome == LLM_ANSWERED ? (uint64_t)now->first_byte_us : 0;
}

/* Its name and its attributes are those of OpenTelemetry's conventions for generative AI; what was
 * asked and what was answered is nobody's business there. */
static void tell_span(struct question *question)
{
    const struct llm_attempt *attempt = record_last(question);
    const struct llm_request *form = &question->form;
    struct trace_span span;
    char name[TRACE_NAME_BYTES_MAX];

    if (!trace_is_set(&question->now.trace)) {
        return;
    }
    (void)snprintf(name, sizeof(name), "chat %.*s", STR_ARGS(attempt->model));
    trace_span_init_own(&span, &question->now.trace, form->trace.span_id, TRACE_CLIENT, name,
                        attempt->started_us);
    trace_span_text(&span, "gen_ai.operation.name", STR("chat"));
    trace_span_text(&span, "gen_ai.provider.name",
                    attempt->price_provider.length ? attempt->price_provider
                                                   : attempt->provider_name);
    trace_span_text(&span, "gen_ai.request.model", attempt->model);
    if (attempt->status) {
        trace_span_number(&span, "http.response.status_code", attempt->status);
    }
    if (attempt->usage.is_known) {
        trace_span_number(&span, "gen_ai.usage.input_tokens",
                          (int64_t)llm_usage_input(&attempt->usage));
        trace_span_number(&span, "gen_ai.usage.output_tokens", (int64_t)attempt->usage.output);
    }
    if (attempt->outcome != LLM_ANSWERED) {
        trace_span_text(&span, "error.type", str_from(llm_outcome_name(attempt->outcome)));
        /* Not attempt->failure: a provider's own words may repeat what it was sent. */
        trace_span_fail(&span, str_from(llm_outcome_name(attempt->outcome)));
    }
    trace_span_end(&span, attempt->started_us + (int64_t)attempt->latency_us);
}

void record_cancel(struct question *question)
{
    struct llm_attempt *attempt = record_last(question);

    attempt->outcome = LLM_CANCELLED;
    attempt->status = question->now.status;
    attempt->latency_us = (uint64_t)record_passed_us(question);
    llm_count_cancelled(question_link(question));
    tell_span(question);
}

void record_close(struct question *question, const struct attempt_verdict *verdict,
                  const struct llm_usage *usage)
{
    struct llm_attempt *attempt = record_last(question);
    struct llm_link *link = question_link(question);

    attempt->outcome = verdict->outcome;
    attempt->status = question->now.status;
    attempt->latency_us = (uint64_t)record_passed_us(question);
    attempt->first_token_us = first_token_us(&question->now, verdict->outcome);
    if (usage) {
        attempt->usage = *usage;
    }
    if (verdict->outcome == LLM_ANSWERED) {
        link->answered++;
    } else {
        memcpy(link->last_failure, attempt->failure, sizeof(link->last_failure));
    }
    llm_count_attempt(link, attempt);
    tell_span(question);
}
