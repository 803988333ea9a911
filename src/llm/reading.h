/*
 * reading: an answer as it arrives. Bytes of any size go in; deltas of text come out at once; at
 * the end there is a whole answer or the reason why not.
 *
 *     bytes → sse.c (events) → wire (read_event) → reading_add_text, reading_add_call … → answer
 *
 * Strict: an event that is no JSON, an answer that stops half-way, or one that is too long is an
 * error, never half an answer. Pure but for on_text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_LLM_READING_H
#define NETRA_LLM_READING_H

#include "llm/wire.h"

typedef void (*llm_text_fn)(struct str delta, void *arg);

/* on_text may be NULL. The delta is UTF-8, never cut inside a character; on_text must not free the
 * reading. Of request is used whether it has an answer_schema and how many calls its messages have;
 * it is not kept. ERR_NO_MEMORY. */
must_check int llm_reading_new(const struct llm_wire *wire, const struct llm_request *request,
                               llm_text_fn on_text, void *arg, struct llm_reading **ret_reading);
void llm_reading_free(struct llm_reading *reading);

/* ERR_INVALID, ERR_LIMIT, ERR_IO, ERR_NO_MEMORY; after an error nothing more is taken. */
must_check int llm_reading_feed(struct llm_reading *reading, struct str bytes, struct error *error);

/* The stream has ended. ERR_INVALID when the answer is not whole, when a structured answer is not
 * JSON, or when a call's arguments are no JSON object; ERR_NO_MEMORY. The answer is moved out. One
 * that stopped at its length or was refused says so itself (stop): its text may be no JSON, and it
 * has no calls. An answer may be empty. */
must_check int llm_reading_finish(struct llm_reading *reading, struct llm_answer *ret_answer,
                                  struct error *error);

/* What is known so far, also of an answer that broke off: it was paid for. */
const struct llm_usage *llm_reading_usage(const struct llm_reading *reading);

/* What the provider said in the stream when read_event gave ERR_IO. */
const struct llm_failure *llm_reading_failure(const struct llm_reading *reading);

#endif
