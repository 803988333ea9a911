/*
 * otlp: spans as an ExportTraceServiceRequest of OpenTelemetry (OTLP 1.x over HTTP, JSON):
 *
 *     {"resourceSpans":[{"resource":{"attributes":[…]},
 *                        "scopeSpans":[{"scope":{"name","version"},"spans":[{traceId, spanId,
 * …}]}]}]}
 *
 * As OTLP wants its JSON: ids in hex, enums as numbers, 64-bit integers as text. Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_MONITOR_OTLP_H
#define NETRA_MONITOR_OTLP_H

#include "base/buf.h"
#include "monitor/trace.h"

#define OTLP_BODY_BYTES_MAX                                                                        \
    ((size_t)8 << 20) /* 512 spans whose attributes are all full and escaped */

struct otlp_resource {
    struct str deployment; /* deployment.environment.name; empty: left out */
    struct str instance;   /* service.instance.id */
};

/* Failure is the buf's. */
void otlp_write(const struct otlp_resource *resource, const struct trace_span *spans,
                unsigned count, struct buf *out);

#endif
