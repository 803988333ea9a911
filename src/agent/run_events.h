/*
 * run_events: what happens in a run, as AG-UI 1.0 events. Pure text: JSON into a buf, one event per
 * call, without "seq", which the runner adds when it numbers the event. docs/protocol.md shows
 * every event with its members.
 *
 * Every event has "type", "timestamp" (ms) and "runId". Ids of agents and tool calls are made from
 * the run's id and their index, so that the same run made again has the same; ids of messages are
 * those of the store. Text of users and records is a JSON string and nothing else.
 *
 * No event is longer than RUN_EVENT_BYTES_MAX: a long text is cut at a character and ends with
 * "… (cut)"; the whole one is in the run, the message or the report.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_RUN_EVENTS_H
#define NETRA_AGENT_RUN_EVENTS_H

#include "agent/run.h"

#define RUN_EVENT_BYTES_MAX     262144u /* as it is sent, with its seq */
#define RUN_EVENT_SEQ_BYTES_MAX 32u     /* what the runner adds: "seq":18446744073709551615, */
#define RUN_DELTA_BYTES_MAX     16384u  /* of text in one event */
#define RUN_SUMMARY_LINES_MAX   64u     /* of a report, that events and the message carry */

struct run_names {
    struct str run_id;
    struct str thread_id;
};

/* For every event that a call makes, in order; what it returns ends the call. */
typedef int (*run_events_emit_fn)(struct str json, void *arg);

/* RUN_STARTED; its input is what a client may show: the message, dataset and seed. */
void run_events_started(const struct run_names *names, int64_t time_us, struct str message_id,
                        struct str prompt, struct str dataset_id, uint64_t seed, struct buf *out);

/* STEP_*, SUBAGENT_*, TOOL_CALL_START/ARGS/END/RESULT, STATE_SNAPSHOT, CUSTOM "netra.model_asked"
 * and "netra.model_answered". One run_event may be several AG-UI events; RUN_TEXT_… are none, they
 * need a message's id: run_events_text_…. The text of a question's event is its prompt's id.
 * ERR_NO_MEMORY, or what emit returned. */
must_check int run_events_of(const struct run_names *names, const struct run_event *event,
                             run_events_emit_fn emit, void *arg);

/* TEXT_MESSAGE_START, _CONTENT with a delta of at most RUN_DELTA_BYTES_MAX, _END. */
void run_events_text_started(const struct run_names *names, int64_t time_us, struct str message_id,
                             struct buf *out);
void run_events_text(const struct run_names *names, int64_t time_us, struct str message_id,
                     struct str delta, struct buf *out);
void run_events_text_finished(const struct run_names *names, int64_t time_us, struct str message_id,
                              struct buf *out);

/* CUSTOM "netra.text_withdrawn" {messageId, reason}, behind its END. */
void run_events_text_withdrawn(const struct run_names *names, int64_t time_us,
                               struct str message_id, struct str reason, struct buf *out);

/* TEXT_MESSAGE_START (unless is_begun: it was told before), one CONTENT per line of the summary,
 * END. The deltas put together are run_events_summary_text. ERR_NO_MEMORY, or what emit returned.
 */
must_check int run_events_summary(const struct run_names *names, int64_t time_us,
                                  struct str message_id, bool is_begun, const struct report *report,
                                  run_events_emit_fn emit, void *arg);

/* The summary as plain prose, a sentence a line: the assistant's message. A report without a
 * summary (guidance) says its next steps instead. */
void run_events_summary_text(const struct report *report, struct buf *out);

/* ACTIVITY_SNAPSHOT: the report's address, type, formats and summary; never the report. */
void run_events_report(const struct run_names *names, int64_t time_us, const struct report *report,
                       struct buf *out);

/* CUSTOM "netra.resumed" {attempt}: the server was started again and does the run again. */
void run_events_resumed(const struct run_names *names, int64_t time_us, unsigned attempt,
                        struct buf *out);

/* CUSTOM "netra.skipped": a number whose event was lost with the process that sent it. */
void run_events_skipped(const struct run_names *names, int64_t time_us, struct buf *out);

/* What a run used of one model. */
struct run_events_usage {
    struct str provider;
    struct str model;
    const struct llm_usage *usage;
};

/* RUN_FINISHED: outcome "success" with the report's id, or "cancelled", which has none; RUN_ERROR.
 */
void run_events_finished(const struct run_names *names, int64_t time_us, bool is_cancelled,
                         struct str report_id, const struct run_events_usage *usages,
                         size_t usage_count, struct buf *out);
void run_events_error(const struct run_names *names, int64_t time_us, const char *code,
                      const char *message, struct buf *out);

#endif
