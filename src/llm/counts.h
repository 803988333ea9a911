/*
 * counts: what the chain adds to the table of metrics.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LLM_COUNTS_H
#define NETRA_LLM_COUNTS_H

#include "llm/link.h"

void llm_count_attempt(const struct llm_link *link, const struct llm_attempt *attempt);

/* One that nobody hears of. */
void llm_count_cancelled(const struct llm_link *link);

void llm_count_breaker(const struct llm_link *link);
void llm_count_under_way(unsigned questions);
void llm_count_question(const char *result);

#endif
