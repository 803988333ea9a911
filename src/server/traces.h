/*
 * traces: takes ended spans away to a collector: OTLP over HTTP, JSON, one request at a time, in
 * batches of TRACES_BATCH_MAX or every TRACES_EVERY_MS. Netra never waits for it: while a collector
 * is slow or away, spans wait in monitor/trace.h's queue, and what does not fit there is dropped.
 *
 *     refused for now (429, 502, 503, 504), no connection, no answer in time:
 *         the same batch again after a wait (Retry-After, or 1 s, 2 s, 4 s … with jitter, at most
 *         TRACES_WAIT_MS_MAX), TRACES_TRIES_MAX times; then it is lost
 *     any other refusal: the batch is lost at once
 *
 * Counted in netra_trace_spans_total; the log has one warning a minute at most. Private to server/;
 * loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_TRACES_H
#define NETRA_SERVER_TRACES_H

#include "base/error.h"
#include "loop/loop.h"
#include "monitor/health.h"

#define TRACES_BATCH_MAX     512u
#define TRACES_EVERY_MS      2000u
#define TRACES_TRIES_MAX     5u
#define TRACES_WAIT_MS_MAX   30000u
#define TRACES_TIMEOUT_MS    10000u /* of one request */
#define TRACES_DRAIN_MS      2000u  /* what the end of the process waits for the last spans */
#define TRACES_ADDRESS_BYTES 2048u

struct traces;

struct traces_options {
    struct loop *loop;
    const char *endpoint;   /* "http://127.0.0.1:4318": spans go to /v1/traces below it */
    const char *headers;    /* OTEL_EXPORTER_OTLP_HEADERS; NULL: none */
    const char *deployment; /* "" when it has no name */
};

/* ERR_USAGE: no address, or headers that cannot be, or headers that would travel in clear to
 * another machine. ERR_NO_MEMORY, ERR_IO. Nothing is sent before the loop turns. */
must_check int traces_new(const struct traces_options *options, struct traces **ret_traces,
                          struct error *error);

/* Sends what waits, each batch once, for at most TRACES_DRAIN_MS; done(arg) may be called at once.
 */
void traces_drain(struct traces *traces, loop_fn done, void *arg);

/* loop_free finishes it. NULL is allowed. */
void traces_free(struct traces *traces);

/* A probe: degraded while the collector does not take spans. arg: the traces. */
void traces_probe(struct health_result *result, void *arg);

#endif
