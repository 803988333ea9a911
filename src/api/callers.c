/* SPDX-License-Identifier: Apache-2.0 */
#include "api/callers.h"

#include "agent/runner.h"
#include "api/api_state.h"

static const struct auth_caller nobody = {.kind = AUTH_KIND_NOBODY};

const struct auth_caller *caller_of(const struct api *api, http_id id)
{
    const struct visit *visit = visit_of(api, id);

    return visit ? &visit->who : &nobody;
}

struct str caller_workspace(const struct auth_caller *caller)
{
    return str_from(caller->workspace_id);
}

void caller_sign_request(const struct auth_caller *caller, struct runner_request *request,
                         char traceparent[TRACE_PARENT_BYTES])
{
    const struct trace_context *trace = trace_current();

    request->workspace_id = caller_workspace(caller);
    request->owner_id = str_from(caller->user_id);
    if (trace) {
        trace_write_parent(trace, traceparent);
        request->traceparent = str_from(traceparent);
    }
}
