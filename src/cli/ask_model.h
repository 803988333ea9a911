/*
 * ask_model: the chain of models that takes part in `netra ask`, and the loop that it is asked on.
 * Made only where there is a chain: without one nothing is opened and nothing can be sent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_CLI_ASK_MODEL_H
#define NETRA_CLI_ASK_MODEL_H

#include "agent/run.h"

struct ask_model;

/* chain: of --models, NULL: of the configuration (its file, then the environment). *ret_model is
 * NULL when there is none. ERR_USAGE (what server/models.h refuses), ERR_IO, ERR_NO_MEMORY. */
must_check int ask_model_open(const char *chain, struct ask_model **ret_model, struct error *error);
void ask_model_free(struct ask_model *model);
void ask_model_free_pointer(struct ask_model **model);

/* "anthropic/claude-haiku-4-5": who is asked first now. */
const char *ask_model_name(struct ask_model *model);

/* Has the question of the run (run_question) answered; waits. That nobody can answer is no error:
 * the run goes on. ERR_NO_MEMORY. */
must_check int ask_model_answer(struct ask_model *model, struct run *run,
                                const struct price_book *book, struct error *error);

/* Appends exactly what would be sent for a question to the first link of the chain; chain as above,
 * or has_models false: none. Without a chain in the form of OpenAI's responses. Needs no key. */
must_check int ask_model_show(const char *chain, bool has_models, const struct run_options *options,
                              struct buf *out, struct error *error);

#endif
