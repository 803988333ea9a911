/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/counts.h"

#include <stdio.h>

#include "monitor/metrics.h"

static unsigned label_of(enum metric metric, const struct llm_link *link, struct str last)
{
    char text[METRIC_LABEL_BYTES_MAX + 1];

    int length =
        snprintf(text, sizeof(text), "%.*s %.*s", STR_ARGS(link->provider.name), STR_ARGS(last));
    size_t used = length < (int)sizeof(text) ? (size_t)length : sizeof(text) - 1;
    return metric_label(metric, (struct str){text, used});
}

static void count_outcome(const struct llm_link *link, enum llm_outcome outcome)
{
    struct str name = str_from(llm_outcome_name(outcome));

    metric_add(METRIC_LLM_ATTEMPTS, label_of(METRIC_LLM_ATTEMPTS, link, name), 1);
}

static void count_tokens(const struct llm_link *link, const struct llm_usage *usage)
{
    metric_add(METRIC_LLM_TOKENS, label_of(METRIC_LLM_TOKENS, link, STR("input")),
               llm_usage_input(usage));
    metric_add(METRIC_LLM_TOKENS, label_of(METRIC_LLM_TOKENS, link, STR("output")), usage->output);
}

void llm_count_attempt(const struct llm_link *link, const struct llm_attempt *attempt)
{
    struct str name = link->provider.name;

    count_outcome(link, attempt->outcome);
    if (!llm_attempt_was_made(attempt)) {
        return;
    }
    metric_observe_us(METRIC_LLM_ATTEMPT_DURATION, metric_label(METRIC_LLM_ATTEMPT_DURATION, name),
                      attempt->latency_us);
    if (attempt->first_token_us) {
        metric_observe_us(METRIC_LLM_FIRST_TOKEN, metric_label(METRIC_LLM_FIRST_TOKEN, name),
                          attempt->first_token_us);
    }
    if (attempt->usage.is_known) {
        count_tokens(link, &attempt->usage);
    }
}

void llm_count_cancelled(const struct llm_link *link)
{
    count_outcome(link, LLM_CANCELLED);
}

void llm_count_breaker(const struct llm_link *link)
{
    metric_set(METRIC_LLM_BREAKER_OPEN,
               label_of(METRIC_LLM_BREAKER_OPEN, link, link->provider.model),
               link->breaker.is_open);
}

void llm_count_under_way(unsigned questions)
{
    metric_set(METRIC_LLM_QUESTIONS_UNDER_WAY, 0, questions);
}

void llm_count_question(const char *result)
{
    metric_add(METRIC_LLM_QUESTIONS, metric_label(METRIC_LLM_QUESTIONS, str_from(result)), 1);
}
