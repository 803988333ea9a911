/*
 * preview: exactly what a model would be sent for a question, without sending it. The run is made
 * with nobody answering, so later requests are those that follow when the model adds nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_PREVIEW_H
#define NETRA_AGENT_PREVIEW_H

#include "agent/run.h"
#include "llm/llm.h"

#define PREVIEW_BYTES_MAX ((size_t)4 << 20)

/* For every request: purpose and prompt version as they are in run_question, text as
 * llm_print_request has it. What it returns ends the preview. */
typedef int (*preview_fn)(const struct run_question *question, struct str text, void *arg);

/* options: of a run; has_model is set here. ERR_CANCELLED, ERR_NO_MEMORY, ERR_LIMIT (the prompt).
 */
must_check int run_preview(const struct run_options *options, const struct llm_provider *provider,
                           preview_fn fn, void *arg, struct error *error);

#endif
