/*
 * A run as spans: the run, below it its steps, below those the agents and below them their tool
 * calls; attempts to ask a model are spans of the chain, below the agent that asks (message.h). The
 * run goes on the trace of the request that started it, also in the next process: the traceparent
 * is in its row. What is done again after a restart is told again: it was done.
 *
 * Spans carry ids and names of this program; never a prompt, nor whose it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/runner_state.h"

/* The traceparent of who asks, as text: of the request, or of what this thread is at. */
struct str runner_traceparent(const struct runner_request *request, char text[TRACE_PARENT_BYTES])
{
    const struct trace_context *current = trace_current();

    if (request->traceparent.length || !current) {
        return request->traceparent;
    }
    trace_write_parent(current, text);
    return str_from(text);
}

void live_trace_begin(struct live_run *live)
{
    struct live_trace *trace = &live->trace;

    trace->run = trace_of_request(live->row.traceparent, trace->parent_id);
    trace->step = trace->agent = trace->tool = (struct live_span){.context = trace->run};
}

static void open_span(struct live_span *span, const struct live_span *parent, int64_t time_us)
{
    span->context = trace_child(&parent->context);
    memcpy(span->parent_id, parent->context.span_id, sizeof(span->parent_id));
    span->start_us = time_us;
    span->is_open = true;
}

static void close_span(struct live_run *live, struct live_span *own, const char *what,
                       const struct run_event *event)
{
    struct trace_span span;
    char name[TRACE_NAME_BYTES_MAX];

    if (!own->is_open) {
        return;
    }
    own->is_open = false;
    (void)snprintf(name, sizeof(name), "%s %s", what, event->name);
    trace_span_init_own(&span, &own->context, own->parent_id, TRACE_INTERNAL, name, own->start_us);
    trace_span_text(&span, "netra.run.id", live->names.run_id);
    if (event->failure) {
        trace_span_fail(&span, str_from(event->failure));
    }
    trace_span_end(&span, event->time_us);
}

void live_trace(struct live_run *live, const struct run_event *event)
{
    struct live_trace *trace = &live->trace;
    struct live_span run = {.context = trace->run};

    switch (event->kind) {
    case RUN_STEP_STARTED:
        open_span(&trace->step, &run, event->time_us);
        trace->agent.context = trace->step.context; /* whoever asks without an agent */
        break;
    case RUN_STEP_FINISHED:
        close_span(live, &trace->step, "step", event);
        break;
    case RUN_AGENT_STARTED:
        open_span(&trace->agent, &trace->step, event->time_us);
        break;
    case RUN_AGENT_FINISHED:
    case RUN_AGENT_FAILED:
        close_span(live, &trace->agent, "invoke_agent", event);
        break;
    case RUN_TOOL_STARTED:
        open_span(&trace->tool, &trace->agent, event->time_us);
        break;
    case RUN_TOOL_FINISHED:
        close_span(live, &trace->tool, "execute_tool", event);
        break;
    default:
        break;
    }
}

void live_trace_end(struct live_run *live, const char *status)
{
    struct trace_span span;

    trace_span_init_own(&span, &live->trace.run, live->trace.parent_id, TRACE_INTERNAL, "run",
                        live->row.created_us);
    trace_span_text(&span, "netra.run.id", live->names.run_id);
    trace_span_text(&span, "netra.run.status", str_from(status));
    trace_span_number(&span, "netra.run.models", live->row.has_model);
    if (live->row.status == STORE_RUN_FAILED) {
        trace_span_fail(&span, str_from(live->reason));
    }
    trace_span_end(&span, clock_now_us());
}
