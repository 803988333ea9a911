/*
 * refine: an interpretation that somebody else proposes (a model), checked and put together with
 * ours. What it proposes is JSON of the form that interpretation_write_json prints, or a part of
 * it: a member that is absent or null keeps ours, a list replaces ours, a member that the form does
 * not have is refused.
 *
 *   - closed vocabularies stay closed: an unknown intent, metric, operator or unit is refused
 *   - numbers are the user's: each value must be one that the prompt says, in one of the forms of
 *     the table in refine_numbers.c (20 % and a fifth are 0.2, "2x faster" is a factor of 2 or 0.5
 *     less …), or one that our own interpretation has. A share may be rounded (0.67 for two
 * thirds): what is kept is the prompt's. Currency and period of an amount are the prompt's, too
 *   - models and features must be in the vocabulary or stand in the prompt as words of their own
 *     (case and accents aside; at most four words, no marks of a sentence), scopes are made of such
 *     names, and what is kept is spelled as there
 *   - times and horizons must be named by the prompt ("30 days", "monday"); whether they mean
 * since, on or until is the proposal's to say
 *   - hostile, off-topic and empty prompts and greetings stay what they are, whatever is proposed.
 *     Only unknown can become something, and none of these can be proposed
 *   - nothing that the user demanded is loosened: our not_worse and hard exclude constraints stay
 *     even when the proposal leaves them out, a hard limit ("at most 800 ms") gives way to another
 *     one of its metric only, what is hard stays hard, and what is bounded is not made indifferent.
 * (So a keep that the grammar misread stays, too.)
 *   - data_needed, should_ask_for_data and confidence are not the proposer's: needs are decided
 *     anew from what came out, the confidence is ours, or 0.5 when the prompt was unknown before
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

/* ours is what ask_parse made of the same prompt and vocabulary. *ret_refined: in the arena,
 * sharing nothing with ours; equal to ours where the proposal says nothing. ERR_INVALID ("proposal
 * refused at '/constraints/0/value': why", nothing of the proposal's own text in it), ERR_LIMIT,
 * ERR_NO_MEMORY. */
must_check int ask_refine(const struct ask_vocabulary *vocabulary, struct str prompt,
                          const struct interpretation *ours, struct str proposal_json,
                          struct arena *arena, struct interpretation **ret_refined,
                          struct error *error);

/* The JSON schema of a proposal (draft 2020-12, in the subset that providers take for structured
 * output: every member required, null where nothing is said, no other members). Under 4 KB, 15
 * members of more than one type. */
void ask_write_proposal_schema(struct json_writer *w);

/* Whether two interpretations say the same: intents, constraints, names, time, growth and needs,
 * lists as sets; language and confidence aside. */
bool interpretation_equal(const struct interpretation *a, const struct interpretation *b);

#endif
