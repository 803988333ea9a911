/*
 * trace: who caused what, and how long it took (W3C trace context, OpenTelemetry). A request, a
 * run, each of its steps, agents, tool calls, and each attempt to ask a model is a span; a run goes
 * on the trace of the request that started it. Spans that are sampled are gathered, and an exporter
 * (server/traces.h) takes them away; when nobody does, or the queue is full, they are dropped and
 * counted. Every request has a trace id, sampled or not: it is in the log and in INTERNAL_ERROR.
 *
 * Randomness is given by the caller of trace_start. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_MONITOR_TRACE_H
#define NETRA_MONITOR_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define TRACE_ID_TEXT_BYTES      33u /* 32 hex digits and the NUL */
#define TRACE_SPAN_ID_TEXT_BYTES 17u
#define TRACE_PARENT_BYTES       56u /* "00-<32>-<16>-<2>" and the NUL */
#define TRACE_QUEUE_MAX          4096u
#define TRACE_ATTRIBUTES_MAX     12u
#define TRACE_NAME_BYTES_MAX     96u
#define TRACE_VALUE_BYTES_MAX                                                                      \
    160u /* a longer value is cut; never a prompt, a secret, a user's name */

struct trace_context {
    unsigned char trace_id[16]; /* all zero: none */
    unsigned char span_id[8];
    bool is_sampled;
};

enum trace_kind {
    TRACE_INTERNAL = 1,
    TRACE_SERVER = 2,
    TRACE_CLIENT = 3
}; /* as OTLP numbers them */

struct trace_attribute {
    const char *key; /* "http.route": a name of the semantic conventions */
    bool is_number;
    int64_t number;
    char text[TRACE_VALUE_BYTES_MAX];
};

struct trace_span {
    struct trace_context context;
    unsigned char parent_id[8]; /* zero: a root */
    enum trace_kind kind;
    char name[TRACE_NAME_BYTES_MAX];
    int64_t start_us;
    int64_t end_us;
    bool is_error;
    char message[TRACE_VALUE_BYTES_MAX]; /* of an error */
    unsigned attribute_count;
    struct trace_attribute attributes[TRACE_ATTRIBUTES_MAX];
};

/* ratio: of roots without a parent, 0 to 1; a parent's wish is followed where follows_parent.
 * is_on false: contexts are made (for the log), nothing is gathered. seed: 16 random bytes. */
void trace_start(bool is_on, double ratio, bool follows_parent, const unsigned char seed[16]);
bool trace_is_on(void);

bool trace_is_set(const struct trace_context *context);

/* The context of a request: child of its traceparent header where that is well-formed (version 00
 * or later, not all zero), else a new trace. */
struct trace_context trace_of_request(struct str traceparent, unsigned char ret_parent_id[8]);
/* A child of context: same trace, a new span id. */
struct trace_context trace_child(const struct trace_context *context);
/* For a header of our own requests, and to keep with a run. */
void trace_write_parent(const struct trace_context *context, char ret_text[TRACE_PARENT_BYTES]);
bool trace_read_parent(struct str text, struct trace_context *ret_context);
void trace_id_text(const struct trace_context *context, char ret_text[TRACE_ID_TEXT_BYTES]);
void trace_span_id_text(const struct trace_context *context,
                        char ret_text[TRACE_SPAN_ID_TEXT_BYTES]);

/* A span under construction, on the stack or embedded (2.5 KB); a child of parent. Texts are cut,
 * never refused. */
void trace_span_init(struct trace_span *span, const struct trace_context *parent,
                     enum trace_kind kind, const char *name, int64_t start_us);
/* The same of a context that was made before, as that of a request or of a traceparent that was
 * sent; parent_id as trace_of_request has told it. */
void trace_span_init_own(struct trace_span *span, const struct trace_context *own,
                         const unsigned char parent_id[8], enum trace_kind kind, const char *name,
                         int64_t start_us);
void trace_span_text(struct trace_span *span, const char *key, struct str value);
void trace_span_number(struct trace_span *span, const char *key, int64_t value);
void trace_span_fail(struct trace_span *span, struct str message);
/* Hands it over; dropped unless it is sampled. */
void trace_span_end(struct trace_span *span, int64_t end_us);

/* At most max of those that wait, oldest first, copied out: how many. */
unsigned trace_take(struct trace_span *spans, unsigned max);
unsigned trace_waiting(void);
uint64_t trace_dropped(void);

/* What the log adds to lines that this thread writes from now on: trace_id; NULL: nothing. The
 * caller of a handler sets it before and clears it behind. */
void trace_set_current(const struct trace_context *context);
const struct trace_context *trace_current(void);

#endif
