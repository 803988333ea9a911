/*
 * refine: an interpretation that somebody else proposes (a model), checked and put together with
 * ours. What it proposes is JSON of the form that interpretation_write_json prints, or a part of
 * it.
 *
 *   - closed vocabularies stay closed: an unknown intent, metric, operator or unit is refused
 *   - numbers are the user's: each value must be one that the prompt says (digits or words, in any
 *     of the forms that the grammar reads: 20 % and a fifth are 0.2, "2x faster" …) or one that our
 *     own interpretation has; else the proposal is refused
 *   - models and features must be in the vocabulary or stand in the prompt as they are
 *   - hostile, off-topic and empty prompts stay what they are
 *
 * A proposal is taken whole or not at all. Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ASK_REFINE_H
#define NETRA_ASK_REFINE_H

#include "ask/interpretation.h"
#include "json/json_read.h"

#define ASK_PROPOSAL_BYTES_MAX 32768u

/* *ret_refined: in the arena; equal to ours where the proposal says nothing. ERR_INVALID (the
 * message says what and where, as a JSON pointer), ERR_LIMIT, ERR_NO_MEMORY. */
must_check int ask_refine(const struct ask_vocabulary *vocabulary, struct str prompt,
                          const struct interpretation *ours, struct str proposal_json,
                          struct arena *arena, struct interpretation **ret_refined,
                          struct error *error);

/* The JSON schema of a proposal (draft 2020-12, in the subset that providers take for structured
 * output: every member required, null where nothing is said, no other members). */
void ask_write_proposal_schema(struct json_writer *w);

/* Whether two interpretations say the same. */
bool interpretation_equal(const struct interpretation *a, const struct interpretation *b);

#endif
