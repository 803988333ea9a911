/*
 * run_model: what came of asking a chain of models, in the words that a run and its report need.
 * Shared by who drives runs: the runner and the command line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_RUN_MODEL_H
#define NETRA_AGENT_RUN_MODEL_H

#include "agent/run.h"
#include "llm/llm.h"

#define RUN_WHY_BYTES 512

/* Sums up the attempts; provider and model are those of the last one that reached a provider. A
 * cost of one that is unknown makes the sum unknown. Texts are borrowed from the attempts. */
void run_model_sum(const struct llm_attempt *attempts, size_t attempt_count,
                   const struct price_book *book, struct run_model *ret_model);

/* Why nobody answered, a sentence for a reader: "No model answered: anthropic timed out, openai is
 * limited (429)." Without keys and addresses. */
void run_model_why(const struct llm_attempt *attempts, size_t attempt_count,
                   char ret_why[RUN_WHY_BYTES]);

#endif
