/*
 * run_events: what happens in a run, as AG-UI 1.0 events. Pure text: JSON into a buf, one event per
 * call, without "seq", which the runner adds when it numbers the event. docs/protocol.md shows
 * every event with its members.
 *
 * Every event has "type", "timestamp" (ms) and "runId". Ids inside a run are made from the run's id
 * and a counter, so that the same run made again has the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_RUN_EVENTS_H
#define NETRA_AGENT_RUN_EVENTS_H

#include "agent/run.h"

struct run_names {
    struct str run_id;
    struct str thread_id;
};

/* RUN_STARTED with the input that a client may show: prompt, datasetId, seed. */
void run_events_started(const struct run_names *names, int64_t time_us, struct str prompt,
                        struct str dataset_id, uint64_t seed, struct buf *out);

/* STEP_*, SUBAGENT_*, TOOL_CALL_START/ARGS/END/RESULT. One run_event may be several AG-UI events:
 * emit(json, arg) is called for each, in order. index: of the agent or tool call in its run. */
typedef int (*run_events_emit_fn)(struct str json, void *arg);
must_check int run_events_of(const struct run_names *names, const struct run_event *event,
                             run_events_emit_fn emit, void *arg);

/* STATE_SNAPSHOT {interpretation, text}: the echo of what was understood. */
void run_events_interpretation(const struct run_names *names, int64_t time_us, struct str json,
                               struct str text, struct buf *out);

/* TEXT_MESSAGE_START, one CONTENT per sentence of the summary, END. */
must_check int run_events_summary(const struct run_names *names, int64_t time_us,
                                  const struct report *report, run_events_emit_fn emit, void *arg);

/* ACTIVITY_SNAPSHOT: the report's address, type, title and summary; never the report. */
void run_events_report(const struct run_names *names, int64_t time_us, const struct report *report,
                       struct buf *out);

/* RUN_FINISHED: outcome "success" or "cancelled"; RUN_ERROR with code and message. */
void run_events_finished(const struct run_names *names, int64_t time_us, bool is_cancelled,
                         struct str report_id, struct buf *out);
void run_events_error(const struct run_names *names, int64_t time_us, const char *code,
                      const char *message, struct buf *out);

#endif
