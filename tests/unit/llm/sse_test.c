/*
 * Server-sent events: every ending of a line, fields that count and fields that do not, limits; and
 * the same events however the bytes are cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "llm/sse.h"

struct events {
    struct buf text; /* "name=data|" for each event */
    size_t fail_at;  /* this event, from 1, is refused; 0: none */
    size_t count;
};

static int take_event(struct str name, struct str data, void *arg, struct error *error)
{
    struct events *events = arg;

    events->count++;
    buf_append(&events->text, name);
    buf_append_char(&events->text, '=');
    buf_append(&events->text, data);
    buf_append_char(&events->text, '|');
    return events->count == events->fail_at ? error_set(error, ERR_IO, "refused") : OK;
}

static int feed_pieces(struct str bytes, size_t piece, struct events *events)
{
    struct sse sse;
    int code = OK;

    sse_init(&sse, take_event, events);
    while (bytes.length && !code) {
        size_t size = piece < bytes.length ? piece : bytes.length;

        code = sse_feed(&sse, str_slice(bytes, 0, size), NULL);
        bytes = str_slice(bytes, size, bytes.length);
    }
    sse_done(&sse);
    return code;
}

static void assert_events_of(struct str bytes, const char *expected)
{
    for (size_t piece = 1; piece <= bytes.length; piece++) {
        struct events events = {.text = {.limit = 10000}};

        assert_int_equal(feed_pieces(bytes, piece, &events), OK);
        assert_str(buf_str(&events.text), expected);
        buf_done(&events.text);
    }
}

static void assert_events(const char *stream, const char *expected)
{
    assert_events_of(str_from(stream), expected);
}

static void test_sse_lines_end_in_three_ways(void **state)
{
    (void)state;
    assert_events("data: a\n\ndata: b\n\n", "=a|=b|");
    assert_events("data: a\r\rdata: b\r\r", "=a|=b|");
    assert_events("data: a\r\n\r\ndata: b\r\n\r\n", "=a|=b|");
    assert_events("data: a\r\n\ndata: b\n\r\n", "=a|=b|");
    assert_events("data: a\r\ndata: b\r\n\r\n", "=a\nb|");
    assert_events("\n\r\n\rdata: a\n\n\n\r\r", "=a|");
}

static void test_sse_fields_that_count(void **state)
{
    (void)state;
    assert_events("event: x\ndata: a\n\n", "x=a|");
    assert_events("data: a\nevent: x\n\n", "x=a|");
    assert_events("event: x\nevent: y\ndata: a\n\ndata: b\n\n", "y=a|=b|");
    assert_events("data: a\ndata:b\ndata:  c\n\n", "=a\nb\n c|");
    assert_events("data\ndata\n\n", "=\n|");
    assert_events("data:\n\n", "=|");
    assert_events("data: a:b\n\n", "=a:b|");
}

static void test_sse_fields_that_do_not_count(void **state)
{
    (void)state;
    assert_events(": comment\nid: 7\nretry: 3\nfoo\nData: no\n data: no\ndata : no\ndata: a\n\n",
                  "=a|");
    assert_events("event: x\n\ndata: a\n\n", "=a|");
    assert_events(":\n\n: ping\n\n", "");
}

static void test_sse_stream_begins_with_a_mark_or_not(void **state)
{
    (void)state;
    assert_events("\xef\xbb\xbf"
                  "data: a\n\n",
                  "=a|");
    assert_events("\xef\xbb\xbf\n\ndata: a\n\n", "=a|");
    assert_events("data: a\n\n\xef\xbb\xbf"
                  "data: b\n\n",
                  "=a|");
}

static void test_sse_what_is_cut_off_is_no_event(void **state)
{
    (void)state;
    assert_events("data: a\n\ndata: b", "=a|");
    assert_events("data: a\n\ndata: b\n", "=a|");
}

static void test_sse_any_byte_may_be_data(void **state)
{
    static const char bytes[] = "data: \0\xff\n\n";
    struct events events = {.text = {.limit = 100}};

    (void)state;
    assert_int_equal(feed_pieces((struct str){bytes, sizeof(bytes) - 1}, 3, &events), OK);
    assert_int_equal(events.text.length, 4);
    assert_memory_equal(events.text.data, "=\0\xff|", 4);
    buf_done(&events.text);
}

static void test_sse_long_names_are_cut(void **state)
{
    struct events events = {.text = {.limit = 1000}};
    cleanup(buf_done) struct buf stream = {.limit = 1000};

    (void)state;
    buf_append(&stream, STR("event: "));
    for (int i = 0; i < 200; i++) {
        buf_append_char(&stream, 'x');
    }
    buf_append(&stream, STR("\ndata: a\n\n"));
    assert_int_equal(feed_pieces(buf_str(&stream), 7, &events), OK);
    assert_int_equal(events.text.length, SSE_NAME_BYTES_MAX + 3);
    buf_done(&events.text);
}

/* Lines of half the limit until an event or a line is too long. */
static int feed_long(const char *between, size_t lines, size_t piece)
{
    struct events events = {.text = {.limit = 4 * SSE_EVENT_BYTES_MAX}};
    cleanup(buf_done) struct buf stream = {.limit = 8 * SSE_EVENT_BYTES_MAX};

    buf_append(&stream, STR("data:"));
    for (size_t i = 0; i < lines; i++) {
        for (size_t k = 0; k < SSE_EVENT_BYTES_MAX / 2 - 64; k++) {
            buf_append_char(&stream, 'x');
        }
        buf_append(&stream, str_from(between));
    }
    buf_append(&stream, STR("\n\n"));
    int code = feed_pieces(buf_str(&stream), piece, &events);
    assert_int_equal(events.count, code == OK);
    buf_done(&events.text);
    return code;
}

static void test_sse_lines_and_events_have_a_limit(void **state)
{
    static const size_t pieces[] = {4093, SIZE_MAX};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        assert_int_equal(feed_long("", 2, pieces[i]), OK);
        assert_int_equal(feed_long("", 3, pieces[i]), ERR_LIMIT);
        assert_int_equal(feed_long("\ndata:", 2, pieces[i]), OK);
        assert_int_equal(feed_long("\ndata:", 3, pieces[i]), ERR_LIMIT);
        assert_int_equal(feed_long("\nfoo:", 3, pieces[i]), OK);
    }
}

static void test_sse_ends_with_what_an_event_returns(void **state)
{
    struct events events = {.text = {.limit = 100}, .fail_at = 2};

    (void)state;
    assert_int_equal(feed_pieces(STR("data: a\n\ndata: b\n\ndata: c\n\n"), 100, &events), ERR_IO);
    assert_str(buf_str(&events.text), "=a|=b|");
    buf_done(&events.text);
}

static void test_sse_survives_every_failing_allocation(void **state)
{
    int code = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; code == ERR_NO_MEMORY; nth++) {
        char room[100]; /* of the test's own, so that only the parser allocates */
        struct events events = {.text = {.data = room, .capacity = sizeof(room), .limit = 99}};

        assert_true(nth < 100);
        (void)alloc_fail_from(nth);
        code = feed_pieces(STR("event: x\ndata: a\ndata: b\n\n"), 1, &events);
        (void)alloc_fail_from(0);
        assert_true(events.count == (code == OK));
    }
    assert_int_equal(code, OK);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sse_lines_end_in_three_ways),
    cmocka_unit_test(test_sse_fields_that_count),
    cmocka_unit_test(test_sse_fields_that_do_not_count),
    cmocka_unit_test(test_sse_stream_begins_with_a_mark_or_not),
    cmocka_unit_test(test_sse_what_is_cut_off_is_no_event),
    cmocka_unit_test(test_sse_any_byte_may_be_data),
    cmocka_unit_test(test_sse_long_names_are_cut),
    cmocka_unit_test(test_sse_lines_and_events_have_a_limit),
    cmocka_unit_test(test_sse_ends_with_what_an_event_returns),
    cmocka_unit_test(test_sse_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
