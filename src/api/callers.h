/*
 * callers: who an exchange belongs to, from the check of its head to its end: requests, event
 * streams and WebSockets. Private to api/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_CALLERS_H
#define NETRA_API_CALLERS_H

#include "api/route.h"
#include "monitor/trace.h"

/* Never NULL: of kind NOBODY when the id is dead or nobody was asked for. Borrowed until the loop's
 * next turn. */
const struct auth_caller *caller_of(const struct api *api, http_id id);

/* Its workspace, as a text that lives as long. */
struct str caller_workspace(const struct auth_caller *caller);

/* Whose work a run is, and on which trace: that of the handler's call at hand, as text in
 * traceparent, which must live as long as the request. */
struct runner_request;
void caller_sign_request(const struct auth_caller *caller, struct runner_request *request,
                         char traceparent[TRACE_PARENT_BYTES]);

#endif
