/*
 * Traces: which traceparent is taken up and which is not, ids that do not repeat, the share of new
 * traces, what a span keeps of long and broken texts, the queue's end, and the thread's own
 * context.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>

#include "monitor/trace.h"

#define PARENT  "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define THREADS 4
#define IDS     20000

static const unsigned char seed[16] = "0123456789abcdef";

static int start(void **state)
{
    (void)state;
    trace_start(true, 1.0, true, seed);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    trace_start(false, 0, true, seed);
    trace_set_current(NULL);
    return 0;
}

static void test_trace_reads_a_parent_and_writes_it_again(void **state)
{
    struct trace_context context;
    char text[TRACE_PARENT_BYTES];
    char id[TRACE_ID_TEXT_BYTES];
    char span_id[TRACE_SPAN_ID_TEXT_BYTES];

    (void)state;
    assert_true(trace_read_parent(STR(PARENT), &context));
    assert_true(context.is_sampled);
    trace_write_parent(&context, text);
    assert_string_equal(text, PARENT);
    trace_id_text(&context, id);
    assert_string_equal(id, "0af7651916cd43dd8448eb211c80319c");
    trace_span_id_text(&context, span_id);
    assert_string_equal(span_id, "b7ad6b7169203331");
}

#define IDS_OF "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"

/* The cases of the W3C's own test suite for traceparent. */
static void test_trace_takes_the_parents_that_the_w3c_takes(void **state)
{
    static const struct {
        const char *text;
        bool is_taken;
        bool is_sampled;
    } cases[] = {
        {"00-" IDS_OF "-00", true, false},
        {"00-" IDS_OF "-03", true, true}, /* level 2: random */
        {"00-" IDS_OF "-02", true, false},
        {"00-" IDS_OF "-ff", true, true},
        {"01-" IDS_OF "-01", true, true},
        {"cc-" IDS_OF "-01-what-the-future-will-be-like", true, true},
        {"cc-" IDS_OF "-01.what-the-future-will-be-like", false, false},
        {"cc-" IDS_OF "-01-", true, true},
        {"cc-" IDS_OF "-01x", false, false},
        {"00-" IDS_OF "-01-what", false, false},
        {"00-" IDS_OF "-01 ", false, false},
        {"00-" IDS_OF "-01-", false, false},
        {"ff-" IDS_OF "-01", false, false},
        {"0-" IDS_OF "-01", false, false},
        {"000-" IDS_OF "-01", false, false},
        {"00-" IDS_OF "-1", false, false},
        {"00-" IDS_OF "-0", false, false},
        {"00-" IDS_OF, false, false},
        {"00-" IDS_OF "-0X", false, false},
        {"00-" IDS_OF "-.0", false, false},
        {".0-" IDS_OF "-01", false, false},
        {"0A-" IDS_OF "-01", false, false},
        {"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false, false},
        {"00-0af7651916cd43dd8448eb211c80319c-B7ad6b7169203331-01", false, false},
        {"00-00000000000000000000000000000000-b7ad6b7169203331-01", false, false},
        {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false, false},
        {"00-0af7651916cd43dd8448eb211c80319.-b7ad6b7169203331-01", false, false},
        {"00-0af7651916cd43dd8448eb211c80319cb7-ad6b7169203331-01", false, false},
        {"00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false, false},
        {"", false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct trace_context context = {.is_sampled = false};

        if (trace_read_parent(str_from(cases[i].text), &context) != cases[i].is_taken ||
            context.is_sampled != cases[i].is_sampled) {
            fail_msg("'%s'", cases[i].text);
        }
    }
}

static void test_trace_of_a_request_continues_or_begins(void **state)
{
    static const unsigned char none[8] = {0};
    struct trace_context parent;
    unsigned char parent_id[8];

    (void)state;
    assert_true(trace_read_parent(STR(PARENT), &parent));
    struct trace_context next = trace_of_request(STR(PARENT), parent_id);
    assert_memory_equal(next.trace_id, parent.trace_id, 16);
    assert_memory_equal(parent_id, parent.span_id, 8);
    assert_memory_not_equal(next.span_id, parent.span_id, 8);
    assert_true(next.is_sampled);
    struct trace_context own = trace_of_request(STR("nonsense"), parent_id);
    assert_memory_not_equal(own.trace_id, parent.trace_id, 16);
    assert_memory_equal(parent_id, none, 8);
    struct trace_context child = trace_child(&own);
    assert_memory_equal(child.trace_id, own.trace_id, 16);
    assert_memory_not_equal(child.span_id, own.span_id, 8);
}

static void test_trace_samples_a_share_of_new_traces(void **state)
{
    unsigned char parent_id[8];
    unsigned sampled = 0;

    (void)state;
    trace_start(true, 0.25, true, seed);
    for (unsigned i = 0; i < 10000; i++) {
        sampled += trace_of_request(STR(""), parent_id).is_sampled;
    }
    assert_in_range(sampled, 2300, 2700);
    assert_true(trace_of_request(STR(PARENT), parent_id).is_sampled);
    trace_start(true, 0, true, seed);
    assert_false(trace_of_request(STR(""), parent_id).is_sampled);
    assert_true(trace_of_request(STR(PARENT), parent_id).is_sampled);
    trace_start(true, 0, false, seed);
    assert_false(trace_of_request(STR(PARENT), parent_id).is_sampled);
    trace_start(true, 1, false, seed);
    for (unsigned i = 0; i < 10000; i++) {
        assert_true(trace_of_request(STR(""), parent_id).is_sampled);
    }
}

/* Off: there are contexts for the log, a parent's wish is sent on, and nothing is gathered. */
static void test_trace_that_is_off_gathers_nothing(void **state)
{
    struct trace_span taken;
    struct trace_span span;
    unsigned char parent_id[8];

    (void)state;
    trace_start(false, 1.0, true, seed);
    assert_false(trace_of_request(STR(""), parent_id).is_sampled);
    struct trace_context context = trace_of_request(STR(PARENT), parent_id);
    assert_true(context.is_sampled);
    trace_span_init(&span, &context, TRACE_INTERNAL, "run", 1);
    trace_span_end(&span, 2);
    assert_int_equal(trace_take(&taken, 1), 0);
}

static void test_trace_span_keeps_what_it_was_told(void **state)
{
    struct trace_context parent;
    struct trace_span span;
    struct trace_span taken;

    (void)state;
    assert_true(trace_read_parent(STR(PARENT), &parent));
    trace_span_init(&span, &parent, TRACE_CLIENT, "chat", 1000);
    trace_span_text(&span, "gen_ai.request.model", STR("small"));
    trace_span_number(&span, "gen_ai.usage.input_tokens", 7);
    trace_span_text(&span, "gen_ai.request.model", STR("large"));
    trace_span_fail(&span, STR("no connection"));
    trace_span_end(&span, 500); /* a clock that was set back: no negative time */
    assert_int_equal(trace_take(&taken, 1), 1);
    assert_memory_equal(taken.context.trace_id, parent.trace_id, 16);
    assert_memory_equal(taken.context.span_id, span.context.span_id, 8);
    assert_memory_equal(taken.parent_id, parent.span_id, 8);
    assert_int_equal(taken.kind, TRACE_CLIENT);
    assert_string_equal(taken.name, "chat");
    assert_int_equal(taken.start_us, 1000);
    assert_int_equal(taken.end_us, 1000);
    assert_true(taken.is_error);
    assert_string_equal(taken.message, "no connection");
    assert_int_equal(taken.attribute_count, 2);
    assert_string_equal(taken.attributes[0].text, "large");
    assert_true(taken.attributes[1].is_number);
    assert_int_equal(taken.attributes[1].number, 7);
    assert_int_equal(trace_take(&taken, 1), 0);
}

static void test_trace_span_cuts_texts_between_characters(void **state)
{
    static const char *const keys[TRACE_ATTRIBUTES_MAX + 1] = {"a", "b", "c", "d", "e", "f", "g",
                                                               "h", "i", "j", "k", "l", "m"};
    struct trace_context parent;
    struct trace_span span;
    char text[400];

    (void)state;
    for (size_t i = 0; i + 2 < sizeof(text); i += 2) {
        memcpy(text + i, "\xc3\xbc", 2);
    }
    assert_true(trace_read_parent(STR(PARENT), &parent));
    trace_span_init(&span, &parent, TRACE_INTERNAL, "n", 1);
    trace_span_text(&span, "cut", (struct str){text, 398});
    assert_int_equal(strlen(span.attributes[0].text), TRACE_VALUE_BYTES_MAX - 2);
    assert_true(str_is_utf8(str_from(span.attributes[0].text)));
    trace_span_text(&span, "cut", STR("a\xff\xc3z"));
    assert_string_equal(span.attributes[0].text, "a??z");
    trace_span_text(&span, "cut", (struct str){NULL, 0});
    assert_string_equal(span.attributes[0].text, "");
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        trace_span_number(&span, keys[i], 1);
    }
    assert_int_equal(span.attribute_count, TRACE_ATTRIBUTES_MAX);
}

static void end_span(const struct trace_context *parent, int64_t start_us)
{
    struct trace_span span;

    trace_span_init(&span, parent, TRACE_INTERNAL, "step", start_us);
    trace_span_end(&span, start_us);
}

static void test_trace_queue_is_bounded_and_in_order(void **state)
{
    static struct trace_span taken[100];
    struct trace_context parent;
    int64_t expected = 0;
    unsigned count;

    (void)state;
    assert_true(trace_read_parent(STR(PARENT), &parent));
    uint64_t before = trace_dropped();
    for (unsigned i = 0; i < TRACE_QUEUE_MAX + 10; i++) {
        end_span(&parent, i);
    }
    assert_int_equal(trace_dropped() - before, 10);
    assert_int_equal(trace_take(taken, 100), 100);
    end_span(&parent, TRACE_QUEUE_MAX);
    expected = 100;
    while ((count = trace_take(taken, 100)) != 0) {
        for (unsigned i = 0; i < count; i++) {
            assert_int_equal(taken[i].start_us, expected++);
        }
    }
    assert_int_equal(expected, TRACE_QUEUE_MAX + 1);
    parent.is_sampled = false;
    end_span(&parent, 1);
    assert_int_equal(trace_take(taken, 1), 0);
}

static void *draw_ids(void *arg)
{
    struct trace_context *contexts = arg;
    unsigned char parent_id[8];

    for (unsigned i = 0; i < IDS; i++) {
        contexts[i] = trace_of_request(STR(""), parent_id);
    }
    return NULL;
}

static int compare_contexts(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

static void test_trace_ids_of_threads_differ(void **state)
{
    static struct trace_context contexts[THREADS * IDS];
    pthread_t threads[THREADS];

    (void)state;
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, draw_ids, &contexts[i * IDS]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    qsort(contexts, ARRAY_LENGTH(contexts), sizeof(contexts[0]), compare_contexts);
    for (size_t i = 1; i < ARRAY_LENGTH(contexts); i++) {
        assert_memory_not_equal(contexts[i - 1].trace_id, contexts[i].trace_id, 16);
    }
}

static void *see_none(void *arg)
{
    *(bool *)arg = trace_current() == NULL;
    return NULL;
}

static void test_trace_current_is_the_threads_own(void **state)
{
    struct trace_context context;
    struct trace_context empty = {.is_sampled = true};
    pthread_t thread;
    bool saw_none = false;

    (void)state;
    assert_null(trace_current());
    assert_true(trace_read_parent(STR(PARENT), &context));
    trace_set_current(&context);
    memset(&context, 0, sizeof(context));
    assert_int_equal(trace_current()->trace_id[0], 0x0a);
    assert_int_equal(pthread_create(&thread, NULL, see_none, &saw_none), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(saw_none);
    trace_set_current(&empty);
    assert_null(trace_current());
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_trace_reads_a_parent_and_writes_it_again, start, stop),
    cmocka_unit_test_setup_teardown(test_trace_takes_the_parents_that_the_w3c_takes, start, stop),
    cmocka_unit_test_setup_teardown(test_trace_of_a_request_continues_or_begins, start, stop),
    cmocka_unit_test_setup_teardown(test_trace_samples_a_share_of_new_traces, start, stop),
    cmocka_unit_test_setup_teardown(test_trace_that_is_off_gathers_nothing, start, stop),
    cmocka_unit_test_setup_teardown(test_trace_span_keeps_what_it_was_told, start, stop),
    cmocka_unit_test_setup_teardown(test_trace_span_cuts_texts_between_characters, start, stop),
    cmocka_unit_test_setup_teardown(test_trace_queue_is_bounded_and_in_order, start, stop),
    cmocka_unit_test_setup_teardown(test_trace_ids_of_threads_differ, start, stop),
    cmocka_unit_test_setup_teardown(test_trace_current_is_the_threads_own, start, stop),
};

UNIT_MAIN(tests)
