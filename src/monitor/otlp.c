/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/otlp.h"

#include <inttypes.h>
#include <stdio.h>

#include "json/json_write.h"

#define STATUS_ERROR  2
#define NUMBER_BYTES  24u
#define SPAN_ID_BYTES 8u

static void put_text(struct json_writer *w, const char *key, struct str value)
{
    json_key(w, key);
    json_put_str(w, value);
}

static void put_i64_as_text(struct json_writer *w, const char *key, int64_t value,
                            const char *zeros)
{
    char text[NUMBER_BYTES + 4];

    (void)snprintf(text, sizeof(text), "%" PRId64 "%s", value, zeros);
    put_text(w, key, str_from(text));
}

static void put_text_attribute(struct json_writer *w, const char *key, struct str value)
{
    json_begin_object(w);
    put_text(w, "key", str_from(key));
    json_key(w, "value");
    json_begin_object(w);
    put_text(w, "stringValue", value);
    json_end_object(w);
    json_end_object(w);
}

static void put_number_attribute(struct json_writer *w, const char *key, int64_t value)
{
    json_begin_object(w);
    put_text(w, "key", str_from(key));
    json_key(w, "value");
    json_begin_object(w);
    put_i64_as_text(w, "intValue", value, "");
    json_end_object(w);
    json_end_object(w);
}

/* A root has no parent's id: an empty one is what OTLP calls none. */
static void put_ids(struct json_writer *w, const struct trace_span *span)
{
    static const unsigned char none[SPAN_ID_BYTES];
    struct trace_context parent = span->context;
    char trace_id[TRACE_ID_TEXT_BYTES];
    char span_id[TRACE_SPAN_ID_TEXT_BYTES];

    trace_id_text(&span->context, trace_id);
    put_text(w, "traceId", str_from(trace_id));
    trace_span_id_text(&span->context, span_id);
    put_text(w, "spanId", str_from(span_id));
    if (memcmp(span->parent_id, none, sizeof(none)) != 0) {
        memcpy(parent.span_id, span->parent_id, sizeof(parent.span_id));
        trace_span_id_text(&parent, span_id);
        put_text(w, "parentSpanId", str_from(span_id));
    }
}

static void put_span(struct json_writer *w, const struct trace_span *span)
{
    json_begin_object(w);
    put_ids(w, span);
    put_text(w, "name", str_from(span->name));
    json_key(w, "kind");
    json_put_i64(w, span->kind);
    put_i64_as_text(w, "startTimeUnixNano", span->start_us, "000");
    put_i64_as_text(w, "endTimeUnixNano", span->end_us, "000");
    json_key(w, "attributes");
    json_begin_array(w);
    for (unsigned i = 0; i < span->attribute_count; i++) {
        const struct trace_attribute *attribute = &span->attributes[i];

        if (attribute->is_number) {
            put_number_attribute(w, attribute->key, attribute->number);
        } else {
            put_text_attribute(w, attribute->key, str_from(attribute->text));
        }
    }
    json_end_array(w);
    if (span->is_error) {
        json_key(w, "status");
        json_begin_object(w);
        put_text(w, "message", str_from(span->message));
        json_key(w, "code");
        json_put_i64(w, STATUS_ERROR);
        json_end_object(w);
    }
    json_end_object(w);
}

static void put_resource(struct json_writer *w, const struct otlp_resource *resource)
{
    json_key(w, "resource");
    json_begin_object(w);
    json_key(w, "attributes");
    json_begin_array(w);
    put_text_attribute(w, "service.name", STR("netra"));
    put_text_attribute(w, "service.version", STR(NETRA_VERSION));
    put_text_attribute(w, "service.instance.id", resource->instance);
    if (resource->deployment.length) {
        put_text_attribute(w, "deployment.environment.name", resource->deployment);
    }
    json_end_array(w);
    json_end_object(w);
}

void otlp_write(const struct otlp_resource *resource, const struct trace_span *spans,
                unsigned count, struct buf *out)
{
    struct json_writer w = json_writer_on(out);

    json_begin_object(&w);
    json_key(&w, "resourceSpans");
    json_begin_array(&w);
    json_begin_object(&w);
    put_resource(&w, resource);
    json_key(&w, "scopeSpans");
    json_begin_array(&w);
    json_begin_object(&w);
    json_key(&w, "scope");
    json_begin_object(&w);
    put_text(&w, "name", STR("netra"));
    put_text(&w, "version", STR(NETRA_VERSION));
    json_end_object(&w);
    json_key(&w, "spans");
    json_begin_array(&w);
    for (unsigned i = 0; i < count; i++) {
        put_span(&w, &spans[i]);
    }
    json_end_array(&w);
    json_end_object(&w);
    json_end_array(&w);
    json_end_object(&w);
    json_end_array(&w);
    json_end_object(&w);
}
