/*
 * runner_calls: what came of a question to models, as the run is told it and as rows of the store.
 * Private to the runner; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_RUNNER_CALLS_H
#define NETRA_AGENT_RUNNER_CALLS_H

#include "agent/runner_state.h"

#define CALL_UNKNOWN (-1) /* a count or a cost of a row */

/* Texts are borrowed. */
struct outcome {
    struct llm_attempt attempts[LLM_ATTEMPTS_MAX];
    int64_t costs[LLM_ATTEMPTS_MAX]; /* CALL_UNKNOWN, or pico-dollars */
    size_t count;
    const struct llm_answer *answer; /* NULL: nobody could */
    const char *why;                 /* without attempts: why nobody was asked */
    const char *result;              /* for the metric */
};

/* Adds its tokens to what the run has used; those that a provider did not tell count as many as
 * they may have been. */
void outcome_add_used(struct live_run *live, const struct llm_request *request,
                      const struct outcome *outcome);

/* Adds its rows to the batch: one an attempt, or one that says that nobody was asked. */
void outcome_store(struct live_run *live, const struct run_question *question,
                   const struct outcome *outcome);

/* An outcome that is in the store. */
struct record {
    struct arena arena; /* its texts */
    unsigned question;
    struct outcome outcome;
    struct llm_answer answer;
    struct str json; /* of the answer */
    bool is_whole;   /* false: there is none */
    int code;
};

void record_init(struct record *record, unsigned question);
void record_done(struct record *record);

/* ERR_INVALID (the answer is damaged), ERR_IO, ERR_NO_MEMORY. */
must_check int record_read(struct record *record, struct live_run *live);

#endif
