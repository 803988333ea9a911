/*
 * Spans as OTLP has them in JSON, to the letter; and that what is written is JSON whatever a span
 * holds, also at its fullest. (tests/e2e/77-traces reads it with OpenTelemetry's own schema.)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/error.h"
#include "monitor/otlp.h"
#include "json/json_read.h"

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static const struct otlp_resource resource = {.deployment = {"staging", 7}, .instance = {"i-1", 3}};

static void test_otlp_to_the_letter(void **state)
{
    cleanup(buf_done) struct buf text;
    struct trace_context own;
    struct trace_span span;

    (void)state;
    buf_init(&text, OTLP_BODY_BYTES_MAX);
    assert_true(trace_read_parent(STR(PARENT), &own));
    trace_span_init_own(&span, &own, (const unsigned char *)"\x00\xf0\x67\xaa\x0b\xa9\x02\xb7",
                        TRACE_SERVER, "GET /health", INT64_C(1795428000000042));
    trace_span_text(&span, "http.route", STR("/health"));
    trace_span_number(&span, "http.response.status_code", 503);
    trace_span_fail(&span, STR("not \"well\""));
    span.end_us = INT64_C(1795428000000043);
    otlp_write(&resource, &span, 1, &text);
    assert_int_equal(buf_status(&text), OK);
    assert_string_equal(
        text.data,
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":["
        "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"netra\"}},"
        "{\"key\":\"service.version\",\"value\":{\"stringValue\":\"" NETRA_VERSION "\"}},"
        "{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":\"i-1\"}},"
        "{\"key\":\"deployment.environment.name\",\"value\":{\"stringValue\":\"staging\"}}]},"
        "\"scopeSpans\":[{\"scope\":{\"name\":\"netra\",\"version\":\"" NETRA_VERSION "\"},"
        "\"spans\":[{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\","
        "\"spanId\":\"b7ad6b7169203331\",\"parentSpanId\":\"00f067aa0ba902b7\","
        "\"name\":\"GET /health\",\"kind\":2,"
        "\"startTimeUnixNano\":\"1795428000000042000\",\"endTimeUnixNano\":"
        "\"1795428000000043000\",\"attributes\":["
        "{\"key\":\"http.route\",\"value\":{\"stringValue\":\"/health\"}},"
        "{\"key\":\"http.response.status_code\",\"value\":{\"intValue\":\"503\"}}],"
        "\"status\":{\"message\":\"not \\\"well\\\"\",\"code\":2}}]}]}]}");
}

static void test_otlp_of_a_root_has_no_parent(void **state)
{
    static const unsigned char none[8];
    cleanup(buf_done) struct buf text;
    struct trace_context own;
    struct trace_span span;

    (void)state;
    buf_init(&text, OTLP_BODY_BYTES_MAX);
    assert_true(trace_read_parent(STR(PARENT), &own));
    trace_span_init_own(&span, &own, none, TRACE_INTERNAL, "run", 1);
    otlp_write(&(struct otlp_resource){.instance = STR("i")}, &span, 1, &text);
    assert_null(strstr(text.data, "parentSpanId"));
    assert_null(strstr(text.data, "status"));
    assert_null(strstr(text.data, "deployment"));
}

/* 512 spans as full as they get, of bytes that take six each. */
static void test_otlp_at_its_fullest_fits(void **state)
{
    static struct trace_span spans[512];
    static const char *const keys[TRACE_ATTRIBUTES_MAX] = {
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "gen_ai.usage.output_tokens"};
    cleanup(buf_done) struct buf text;
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct trace_context own;
    struct json_value root;
    struct error error;
    char full[200];

    (void)state;
    memset(full, 1, sizeof(full));
    buf_init(&text, OTLP_BODY_BYTES_MAX);
    assert_true(trace_read_parent(STR(PARENT), &own));
    for (size_t i = 0; i < ARRAY_LENGTH(spans); i++) {
        trace_span_init(&spans[i], &own, TRACE_CLIENT, "", 1);
        trace_span_fail(&spans[i], (struct str){full, sizeof(full)});
        for (size_t k = 0; k < TRACE_ATTRIBUTES_MAX; k++) {
            trace_span_text(&spans[i], keys[k], (struct str){full, sizeof(full)});
        }
    }
    otlp_write(&resource, spans, ARRAY_LENGTH(spans), &text);
    assert_int_equal(buf_status(&text), OK);
    assert_int_equal(json_parser_new(OTLP_BODY_BYTES_MAX, &parser), OK);
    assert_int_equal(json_parse(parser, buf_str(&text), &root, &error), OK);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_otlp_to_the_letter),
    cmocka_unit_test(test_otlp_of_a_root_has_no_parent),
    cmocka_unit_test(test_otlp_at_its_fullest_fits),
};

UNIT_MAIN(tests)
