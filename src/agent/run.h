/*
 * run: one question on its way to a report. A run is a state machine: run_step() does one small
 * piece of work and returns, so that a loop can drive many runs and a cancelled one stops at the
 * next step.
 *
 *     received → validated → selected → executed (agents, one after the other) → generated →
 *     delivered
 *
 * These are the six steps that are recorded with their times. Agents never compute: they choose
 * tools of the registry and arguments, judge what the data suffices for, and put results together.
 *
 * Not thread-safe; one run belongs to one thread at a time. The dataset is only read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_RUN_H
#define NETRA_AGENT_RUN_H

#include "ask/interpretation.h"
#include "report/report.h"
#include "tool/tool.h"

#define RUN_CALLS_MAX 24u /* tool calls of one run */

enum run_event_kind {
    RUN_STEP_STARTED,
    RUN_STEP_FINISHED,
    RUN_AGENT_STARTED,
    RUN_AGENT_FINISHED,
    RUN_TOOL_STARTED,
    RUN_TOOL_FINISHED,
    RUN_AGENT_FAILED, /* instead of finished; only run_abandon tells it */
    RUN_INTERPRETED   /* after message_validated: what was understood */
};

/* What happens; texts and the body are borrowed for the call. Members that a kind does not name are
 * empty. */
struct run_event {
    enum run_event_kind kind;
    const char *name; /* of the step, agent or tool */
    int64_t time_us;
    uint64_t duration_us;         /* step finished */
    const unsigned *delivered_to; /* step finished, the last one: filled in by who delivers */

    unsigned index;            /* of the agent or the tool call: from 0, in the order of starts */
    const char *agent;         /* tool: who calls it */
    unsigned agent_index;      /* tool: that agent's index */
    struct str args;           /* tool: JSON */
    const struct report *body; /* tool finished: the result; NULL when it failed */
    const char *failure;       /* tool finished, agent failed: why; NULL when nothing failed */

    struct str interpretation_json; /* interpreted: as `netra parse` prints it */
    struct str interpretation_text; /* interpreted: the echo in a line of words */
};

/* Called during run_step, in the order of things. */
typedef void (*run_observer_fn)(const struct run_event *event, void *arg);
typedef int64_t (*run_clock_fn)(void);

struct run_options {
    struct str prompt;
    const struct dataset *dataset; /* NULL or empty: a guidance report */
    const struct price_book *book;
    struct str id; /* UUIDv7 of the report */
    uint64_t seed;
    run_clock_fn clock;
    const atomic_bool *is_cancelled; /* NULL: never */
    run_observer_fn observer;        /* NULL: nobody listens */
    void *observer_arg;
};

struct run;

/* Options and their texts are copied; dataset and book must outlive the run. ERR_NO_MEMORY. */
must_check int run_new(const struct run_options *options, struct run **ret_run,
                       struct error *error);
void run_free(struct run *run);
void run_free_pointer(struct run **run);

/* One piece of work. *ret_done is true when the report is ready. ERR_LIMIT (a prompt that is too
 * long), ERR_CANCELLED, ERR_NO_MEMORY; a tool that fails does not fail the run, it is a caveat. */
must_check int run_step(struct run *run, bool *ret_done, struct error *error);

/* The report, borrowed; NULL before the run is done. The step response_delivered is open until
 * run_delivered() closes it. */
const struct report *run_report(const struct run *run);

/* True when the question could be answered but there were no records to answer it from. */
bool run_lacks_records(const struct run *run);

/* Records that the report is being handed over now. */
void run_delivered(struct run *run);

/* Records that the run ends without a report: the agent at work has failed, and the step that is
 * open is finished, so that whatever was started has an end. After it only run_free is allowed. */
void run_abandon(struct run *run, const char *why);

#endif
