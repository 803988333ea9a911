/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/block_clock.h"

#include "base/alloc.h"

#define BLOCK_SEGMENTS_FIRST 4
#define BLOCK_PAGES_FIRST    64
#define BLOCKS_END           (UINT64_C(1) << 32)

void block_clock_init(struct block_clock *clock)
{
    *clock = (struct block_clock){0};
    id_map_init(&clock->by_page, BLOCK_PAGES_MAX);
}

void block_clock_done(struct block_clock *clock)
{
    for (uint32_t i = 0; i < clock->page_count; i++) {
        alloc_free(clock->pages[i].segments);
    }
    alloc_free(clock->pages);
    id_map_done(&clock->by_page);
    *clock = (struct block_clock){0};
}

static uint64_t page_key(uint64_t scope, uint32_t page)
{
    return scope << (32 - BLOCK_PAGE_BITS) | page;
}

static int page_for(struct block_clock *clock, uint64_t scope, uint32_t number,
                    struct block_page **ret_page)
{
    uint32_t index;
    int is_new;

    if (clock->page_count == clock->page_capacity) {
        uint32_t capacity = clock->page_capacity ? clock->page_capacity * 2 : BLOCK_PAGES_FIRST;
        struct block_page *pages = alloc_resize(clock->pages, capacity, sizeof(*pages));

        if (!pages) {
            return ERR_NO_MEMORY;
        }
        clock->pages = pages;
        clock->page_capacity = capacity;
    }
    int code =
        id_map_put(&clock->by_page, page_key(scope, number), clock->page_count, &index, &is_new);
    if (code) {
        return code;
    }
    if (is_new) {
        clock->pages[clock->page_count++] = (struct block_page){0};
    }
    *ret_page = &clock->pages[index];
    return OK;
}

/* Index of the first segment that ends behind block. */
static uint32_t segment_at(const struct block_page *page, uint32_t block)
{
    uint32_t low = 0;
    uint32_t high = page->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (page->segments[middle].end > block) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* Room for two more segments: the most that one touch can add (the middle of one is replaced). */
static int reserve_segments(struct block_page *page)
{
    if (page->count + 2 <= page->capacity) {
        return OK;
    }
    uint32_t capacity = page->capacity ? page->capacity * 2 : BLOCK_SEGMENTS_FIRST;
    struct block_segment *segments = alloc_resize(page->segments, capacity, sizeof(*segments));
    if (!segments) {
        return ERR_NO_MEMORY;
    }
    page->segments = segments;
    page->capacity = capacity;
    return OK;
}

/* Replaces segments [first,last) by the count new ones. */
static void splice(struct block_page *page, uint32_t first, uint32_t last,
                   const struct block_segment *new_segments, uint32_t count)
{
    memmove(page->segments + first + count, page->segments + last,
            (page->count - last) * sizeof(*page->segments));
    memcpy(page->segments + first, new_segments, count * sizeof(*page->segments));
    page->count = page->count - (last - first) + count;
}

/* The segments [*ret_first,*ret_last) that a touch replaces: those that it overlaps, and neighbours
 * of the same moment, which it joins. */
static void find_replaced(const struct block_page *page, const struct block_segment *touched,
                          uint32_t *ret_first, uint32_t *ret_last)
{
    const struct block_segment *segments = page->segments;
    uint32_t first = segment_at(page, touched->start);
    uint32_t last = first;

    while (last < page->count &&
           (segments[last].start < touched->end ||
            (segments[last].start == touched->end && segments[last].last_us == touched->last_us))) {
        last++;
    }
    if (first > 0 && segments[first - 1].end == touched->start &&
        segments[first - 1].last_us == touched->last_us) {
        first--;
    }
    *ret_first = first;
    *ret_last = last;
}

/* What stands in the place of the replaced segments: the rest of left, middle, the rest of right.
 * A rest of the same moment becomes part of middle. Returns how many. */
static uint32_t make_segments(struct block_segment left, struct block_segment middle,
                              struct block_segment right, struct block_segment made[3])
{
    uint32_t count = 0;
    struct block_segment rest = {middle.end, right.end, right.last_us};

    if (left.start < middle.start && left.last_us != middle.last_us) {
        made[count++] = (struct block_segment){left.start, middle.start, left.last_us};
    } else if (left.start < middle.start) {
        middle.start = left.start;
    }
    if (rest.end > rest.start && rest.last_us == middle.last_us) {
        middle.end = rest.end;
    }
    made[count++] = middle;
    if (rest.end > middle.end) {
        made[count++] = rest;
    }
    return count;
}

/* Sets [start,end) of one page to time_us and joins equal neighbours. */
static int touch_page(struct block_page *page, uint32_t start, uint32_t end, int64_t time_us)
{
    struct block_segment middle = {start, end, time_us};
    struct block_segment made[3];
    uint32_t first;
    uint32_t last;

    if (reserve_segments(page)) {
        return ERR_NO_MEMORY;
    }
    find_replaced(page, &middle, &first, &last);
    uint32_t count =
        first < last ? make_segments(page->segments[first], middle, page->segments[last - 1], made)
                     : make_segments(middle, middle, middle, made);
    splice(page, first, last, made, count);
    return OK;
}

/* Blocks are 32-bit numbers: what a run claims behind the last of them does not exist, and must not
 * be taken for the first pages of the next scope. */
static uint64_t run_end(struct block_run run)
{
    uint64_t end = (uint64_t)run.start + run.length;

    return end < BLOCKS_END ? end : BLOCKS_END;
}

int block_clock_touch(struct block_clock *clock, uint64_t scope, struct block_run run,
                      int64_t time_us)
{
    uint64_t block = run.start;
    uint64_t end = run_end(run);

    while (block < end) {
        uint32_t number = (uint32_t)(block >> BLOCK_PAGE_BITS);
        uint64_t page_begin = (uint64_t)number << BLOCK_PAGE_BITS;
        uint64_t page_end = page_begin + BLOCK_PAGE_BLOCKS;
        uint64_t stop = end < page_end ? end : page_end;
        struct block_page *page;
        int code = page_for(clock, scope, number, &page);

        if (!code) {
            code = touch_page(page, (uint32_t)(block - page_begin), (uint32_t)(stop - page_begin),
                              time_us);
        }
        if (code) {
            return code;
        }
        block = stop;
    }
    return OK;
}

static const struct block_page *find_page(const struct block_clock *clock, uint64_t scope,
                                          uint32_t number)
{
    uint32_t index;

    return id_map_find(&clock->by_page, page_key(scope, number), &index) ? &clock->pages[index]
                                                                         : NULL;
}

/* Counts length blocks last touched at last_us for every moment that is alive; false when none is
 * left. */
static bool count_segment(int64_t last_us, uint32_t length, const int64_t *since_us,
                          unsigned moments, bool *is_alive, uint64_t *counts)
{
    bool any = false;

    for (unsigned k = 0; k < moments; k++) {
        if (is_alive[k] && last_us >= since_us[k]) {
            counts[k] += length;
            any = true;
        } else {
            is_alive[k] = false;
        }
    }
    return any;
}

static void end_all(bool *is_alive, unsigned moments)
{
    for (unsigned k = 0; k < moments; k++) {
        is_alive[k] = false;
    }
}

void block_clock_prefix(const struct block_clock *clock, uint64_t scope, struct block_run run,
                        const int64_t *since_us, unsigned moments, bool *is_alive, uint64_t *counts)
{
    uint64_t block = run.start;
    uint64_t end = run_end(run);

    while (block < end) {
        uint32_t number = (uint32_t)(block >> BLOCK_PAGE_BITS);
        uint64_t page_begin = (uint64_t)number << BLOCK_PAGE_BITS;
        uint64_t page_end = page_begin + BLOCK_PAGE_BLOCKS;
        uint32_t at = (uint32_t)(block - page_begin);
        uint32_t stop = (uint32_t)((end < page_end ? end : page_end) - page_begin);
        const struct block_page *page = find_page(clock, scope, number);
        uint32_t index = page ? segment_at(page, at) : 0;

        for (; at < stop; index++) {
            if (!page || index == page->count || page->segments[index].start > at) {
                end_all(is_alive, moments); /* a block that was never touched */
                return;
            }
            const struct block_segment *segment = &page->segments[index];
            uint32_t until = segment->end < stop ? segment->end : stop;

            if (!count_segment(segment->last_us, until - at, since_us, moments, is_alive, counts)) {
                return;
            }
            at = until;
        }
        block = page_begin + stop;
    }
}
