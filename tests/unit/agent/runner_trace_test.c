/*
 * A run as spans: all on the trace of who asked, each below what it is part of, also in the process
 * that takes the run up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "runner_fixture.h"

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static struct trace_span spans[256];
static unsigned span_count;

static void take_spans(void)
{
    span_count = trace_take(spans, ARRAY_LENGTH(spans));
    assert_true(span_count < ARRAY_LENGTH(spans));
}

static unsigned count_spans(const char *prefix)
{
    unsigned count = 0;

    for (unsigned i = 0; i < span_count; i++) {
        count += strncmp(spans[i].name, prefix, strlen(prefix)) == 0;
    }
    return count;
}

/* The span that is the parent of another; NULL: none of these. */
static const struct trace_span *parent_of(const struct trace_span *span)
{
    for (unsigned i = 0; i < span_count; i++) {
        if (memcmp(spans[i].context.span_id, span->parent_id, sizeof(span->parent_id)) == 0) {
            return &spans[i];
        }
    }
    return NULL;
}

static void expect_tree(void)
{
    struct trace_context asked;

    assert_true(trace_read_parent(STR(PARENT), &asked));
    for (unsigned i = 0; i < span_count; i++) {
        const struct trace_span *span = &spans[i];
        const struct trace_span *parent = parent_of(span);
        const char *above = strncmp(span->name, "step", 4) == 0     ? "run"
                            : strncmp(span->name, "invoke", 6) == 0 ? "step"
                                                                    : "invoke_agent";

        assert_memory_equal(span->context.trace_id, asked.trace_id, sizeof(asked.trace_id));
        assert_true(span->end_us >= span->start_us);
        if (strcmp(span->name, "run") == 0) {
            assert_memory_equal(span->parent_id, asked.span_id, sizeof(asked.span_id));
        } else if (!parent || strncmp(parent->name, above, strlen(above)) != 0) {
            fail_msg("%s is below %s", span->name, parent ? parent->name : "nothing");
        }
    }
}

static void start_traced(struct place *place, const char *run_id)
{
    struct error error = {0};
    struct runner_request request = {.workspace_id = STR(STORE_WORKSPACE_FIRST),
                                     .owner_id = STR("u"),
                                     .traceparent = STR(PARENT),
                                     .run_id = str_from(run_id),
                                     .prompt = STR(QUESTION),
                                     .dataset_id = STR(DATASET),
                                     .seed = 7};

    assert_int_equal(runner_start(place->runner, &request, on_accepted, place, &error), OK);
}

static void test_a_run_is_a_tree_of_spans(void **state)
{
    static const unsigned char seed[16] = {7};
    struct place *place = place_open(1);

    (void)state;
    trace_start(true, /* ratio */ 1.0, /* follows_parent */ true, seed);
    add_dataset(place, STORE_DATASET_READY);
    start_traced(place, "run-1");
    run_until_ended(place, 1);
    take_spans();
    assert_int_equal(count_spans("run"), 1);
    assert_int_equal(count_spans("step"), 6);
    assert_true(count_spans("invoke_agent") >= 3);
    assert_true(count_spans("execute_tool") >= 2);
    expect_tree();
    place_close(place);
}

/* Stopped with its first events; the spans of the next process hang on the same trace. */
static void test_a_run_keeps_its_trace_in_the_next_process(void **state)
{
    struct place *place = place_open(1);
    int64_t since_us = clock_now_us();

    (void)state;
    add_dataset(place, STORE_DATASET_READY);
    start_traced(place, "run-1");
    while (!place->accepted) {
        (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
        assert_false(is_late(since_us));
    }
    drain(place, 0);
    assert_int_equal(place->ended, 0);
    take_spans();
    restart(place);
    run_until_ended(place, 1);
    take_spans();
    assert_int_equal(count_spans("run"), 1);
    assert_int_equal(count_spans("step"), 6);
    expect_tree();
    place_close(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_is_a_tree_of_spans),
        cmocka_unit_test(test_a_run_keeps_its_trace_in_the_next_process),
    };

    return cmocka_run_group_tests(tests, open_sample, close_sample);
}
