/*
 * run_request: how a client asks for a run, in the three dialects that ask for one. Pure functions:
 * a parsed body in, the runner's request out, borrowed from the parser (and from joined).
 *
 *     POST /api/runs, /api/threads/{id}/runs   {prompt, thread_id?, run_id?, dataset?, seed?}
 *     a "run" message on /ws                   {prompt, threadId?, runId?, dataset?, seed?}
 *     POST /agui                               RunAgentInput: threadId, runId, messages,
 * forwardedProps
 *
 * Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_RUN_REQUEST_H
#define NETRA_API_RUN_REQUEST_H

#include "agent/runner.h"
#include "api/body.h"
#include "base/buf.h"

enum run_dialect { RUN_DIALECT_REST, RUN_DIALECT_WS };

/* False and fault filled when the body cannot be followed. Members that are absent are empty or 0
 * in *ret_request. */
bool run_request_read(struct json_value root, enum run_dialect dialect,
                      struct runner_request *ret_request, struct body_fault *fault);

/* The last message of role "user" is the prompt; its content is a text or a list of parts, of which
 * those of type "text" are joined by new lines in joined (cleared first; it must live as long as
 * the request). forwardedProps holds dataset and seed. */
bool run_request_read_agui(struct json_value root, struct buf *joined,
                           struct runner_request *ret_request, struct body_fault *fault);

#endif
