/*
 * The block clock answers as an array with one time per block would, keeps its segments in order,
 * apart and joined, and survives every failing allocation. Method: random touches and questions
 * against that array, in windows at the beginning, across pages and at the end of the numbers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/random.h"
#include "engine/block_clock.h"

#define WINDOW_BLOCKS (3 * BLOCK_PAGE_BLOCKS)
#define SCOPES        3u
#define MOMENTS       4u
#define NEVER         INT64_MIN

/* One time per block of a window of each scope. */
struct naive {
    uint64_t base;
    int64_t *last_us; /* [scope * WINDOW_BLOCKS + block - base] */
};

static void naive_init(struct naive *naive, uint64_t base)
{
    naive->base = base;
    naive->last_us = malloc(SCOPES * WINDOW_BLOCKS * sizeof(int64_t));
    assert_non_null(naive->last_us);
    for (size_t i = 0; i < (size_t)SCOPES * WINDOW_BLOCKS; i++) {
        naive->last_us[i] = NEVER;
    }
}

static int64_t *naive_at(const struct naive *naive, uint64_t scope, struct block_run run)
{
    return naive->last_us + scope * WINDOW_BLOCKS + (run.start - naive->base);
}

static void naive_touch(struct naive *naive, uint64_t scope, struct block_run run, int64_t time_us)
{
    for (uint32_t i = 0; i < run.length; i++) {
        naive_at(naive, scope, run)[i] = time_us;
    }
}

static uint32_t naive_prefix(const struct naive *naive, uint64_t scope, struct block_run run,
                             int64_t since_us)
{
    uint32_t count = 0;

    while (count < run.length && naive_at(naive, scope, run)[count] != NEVER &&
           naive_at(naive, scope, run)[count] >= since_us) {
        count++;
    }
    return count;
}

static void assert_sane(const struct block_clock *clock)
{
    for (uint32_t p = 0; p < clock->page_count; p++) {
        const struct block_page *page = &clock->pages[p];

        assert_true(page->count <= page->capacity);
        for (uint32_t i = 0; i < page->count; i++) {
            const struct block_segment *segment = &page->segments[i];

            assert_true(segment->start < segment->end);
            assert_true(segment->end <= BLOCK_PAGE_BLOCKS);
            if (i > 0) {
                assert_true(segment[-1].end <= segment->start);
                assert_false(segment[-1].end == segment->start &&
                             segment[-1].last_us == segment->last_us);
            }
        }
    }
}

/* Short runs make many segments, long ones cross pages. */
static struct block_run random_run(struct random *random, uint64_t base)
{
    uint32_t most = random_below(random, 4) ? 40 : WINDOW_BLOCKS;
    uint32_t at = random_below(random, WINDOW_BLOCKS);
    uint32_t length = random_below(random, most + 1);

    if (length > WINDOW_BLOCKS - at) {
        length = WINDOW_BLOCKS - at;
    }
    return (struct block_run){(uint32_t)(base + at), length};
}

static void compare_prefix(const struct block_clock *clock, const struct naive *naive,
                           uint64_t scope, struct block_run run, const int64_t *since_us)
{
    bool is_alive[MOMENTS] = {true, true, true, false};
    uint64_t counts[MOMENTS] = {0, 0, 5, 7};

    block_clock_prefix(clock, scope, run, since_us, MOMENTS, is_alive, counts);
    for (unsigned k = 0; k < MOMENTS - 1; k++) {
        uint32_t expected = naive_prefix(naive, scope, run, since_us[k]);

        assert_int_equal(counts[k], expected + (k == 2 ? 5 : 0)); /* added to what was there */
        assert_int_equal(is_alive[k], expected == run.length);
    }
    assert_false(is_alive[MOMENTS - 1]);
    assert_int_equal(counts[MOMENTS - 1], 7); /* not asked about, not touched */
}

static void compare_at(uint64_t base, uint64_t seed)
{
    struct block_clock clock;
    struct random random;
    struct naive naive;

    random_init(&random, seed, base);
    naive_init(&naive, base);
    block_clock_init(&clock);
    for (int64_t i = 0; i < 1500; i++) {
        uint64_t scope = random_below(&random, SCOPES);
        struct block_run run = random_run(&random, base);
        int64_t now_us = i / 3; /* three touches share a moment: neighbours must join */

        if (random_below(&random, 2)) {
            assert_int_equal(block_clock_touch(&clock, scope, run, now_us), OK);
            naive_touch(&naive, scope, run, now_us);
        } else {
            compare_prefix(&clock, &naive, scope, run,
                           (int64_t[]){now_us - random_below(&random, 500), INT64_MIN,
                                       now_us - random_below(&random, 20), 0});
        }
        if (i % 100 == 0) {
            assert_sane(&clock);
        }
    }
    assert_sane(&clock);
    block_clock_done(&clock);
    free(naive.last_us);
}

static void test_clock_agrees_with_one_time_per_block(void **state)
{
    (void)state;
    compare_at(0, 1);
    compare_at(BLOCK_PAGE_BLOCKS / 2 + 17, 2);
    compare_at((UINT64_C(1) << 32) - WINDOW_BLOCKS, 3);
}

/* Equal times on both sides of a touch leave one segment. */
static void test_neighbours_of_one_moment_are_joined(void **state)
{
    struct block_clock clock;

    (void)state;
    block_clock_init(&clock);
    assert_int_equal(block_clock_touch(&clock, 0, (struct block_run){10, 10}, 5), OK);
    assert_int_equal(block_clock_touch(&clock, 0, (struct block_run){30, 10}, 5), OK);
    assert_int_equal(clock.pages[0].count, 2);
    assert_int_equal(block_clock_touch(&clock, 0, (struct block_run){20, 10}, 5), OK);
    assert_int_equal(clock.pages[0].count, 1);
    assert_int_equal(clock.pages[0].segments[0].start, 10);
    assert_int_equal(clock.pages[0].segments[0].end, 40);
    /* A later touch in the middle leaves a rest on either side. */
    assert_int_equal(block_clock_touch(&clock, 0, (struct block_run){20, 5}, 6), OK);
    assert_int_equal(clock.pages[0].count, 3);
    assert_int_equal(clock.pages[0].segments[2].start, 25);
    assert_int_equal(clock.pages[0].segments[2].last_us, 5);
    block_clock_done(&clock);
}

static uint64_t prefix_of(const struct block_clock *clock, uint64_t scope, struct block_run run)
{
    bool is_alive = true;
    uint64_t count = 0;

    block_clock_prefix(clock, scope, run, &(int64_t){INT64_MIN}, 1, &is_alive, &count);
    return count;
}

static void test_scopes_do_not_see_each_other(void **state)
{
    struct block_clock clock;

    (void)state;
    block_clock_init(&clock);
    assert_int_equal(block_clock_touch(&clock, 7, (struct block_run){0, 100}, 1), OK);
    assert_int_equal(prefix_of(&clock, 7, (struct block_run){0, 100}), 100);
    assert_int_equal(prefix_of(&clock, 8, (struct block_run){0, 100}), 0);
    assert_int_equal(prefix_of(&clock, 6, (struct block_run){0, 100}), 0);
    block_clock_done(&clock);
}

/* A run that claims blocks behind the last number must not reach into the next scope's pages. */
static void test_a_run_behind_the_last_block_stays_in_its_scope(void **state)
{
    struct block_clock clock;
    struct block_run last = {UINT32_MAX - 9, 1000};

    (void)state;
    block_clock_init(&clock);
    assert_int_equal(block_clock_touch(&clock, 4, last, 1), OK);
    assert_int_equal(prefix_of(&clock, 4, last), 10);
    assert_int_equal(prefix_of(&clock, 5, (struct block_run){0, 1000}), 0);
    block_clock_done(&clock);
}

static void test_an_empty_run_asks_and_touches_nothing(void **state)
{
    struct block_clock clock;

    (void)state;
    block_clock_init(&clock);
    assert_int_equal(block_clock_touch(&clock, 0, (struct block_run){5, 0}, 1), OK);
    assert_int_equal(clock.page_count, 0);
    assert_int_equal(prefix_of(&clock, 0, (struct block_run){5, 0}), 0);
    block_clock_done(&clock);
}

static int touch_many(struct block_clock *clock)
{
    int code = OK;

    for (uint32_t i = 0; i < 80 && !code; i++) {
        code = block_clock_touch(clock, i % 5, (struct block_run){i * 97, 4000 + i}, i);
    }
    return code;
}

static void test_clock_survives_every_failing_allocation(void **state)
{
    int code = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; code; nth++) {
        struct block_clock clock;

        assert_true(nth < 1000);
        block_clock_init(&clock);
        (void)alloc_fail_from(nth);
        code = touch_many(&clock);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_sane(&clock);
        assert_int_equal(touch_many(&clock), OK); /* usable afterwards */
        assert_sane(&clock);
        block_clock_done(&clock);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_clock_agrees_with_one_time_per_block),
    cmocka_unit_test(test_neighbours_of_one_moment_are_joined),
    cmocka_unit_test(test_scopes_do_not_see_each_other),
    cmocka_unit_test(test_a_run_behind_the_last_block_stays_in_its_scope),
    cmocka_unit_test(test_an_empty_run_asks_and_touches_nothing),
    cmocka_unit_test(test_clock_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
