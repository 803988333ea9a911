/*
 * block_clock: when was each prefix block last touched, for millions of blocks in runs.
 *
 * Blocks of one cache scope are numbers; requests touch runs of them. Kept are segments of
 * neighbouring blocks that were last touched at the same moment:
 *
 *     blocks   1 ........ 1523 | 1524 | 1525 .. 1531 | 1532 .. 1545
 *     touched  12:04           | 12:01| 12:04        | 12:03
 *
 * so asking and touching costs the number of segments on the way, not the number of blocks.
 * Segments live in pages of BLOCK_PAGE_BLOCKS block numbers, found by a hash of scope and page,
 * which bounds the cost of an insertion however large a scope grows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ENGINE_BLOCK_CLOCK_H
#define NETRA_ENGINE_BLOCK_CLOCK_H

#include <stdint.h>

#include "base/id_map.h"
#include "usage/usage_table.h"

#define BLOCK_PAGE_BITS   12
#define BLOCK_PAGE_BLOCKS (1u << BLOCK_PAGE_BITS)
#define BLOCK_PAGES_MAX   (16u << 20) /* 2 GB */

struct block_segment {
    uint32_t start; /* within the page */
    uint32_t end;   /* exclusive; start < end, segments ascend and do not overlap */
    int64_t last_us;
};

struct block_page {
    struct block_segment *segments;
    uint32_t count;
    uint32_t capacity;
};

struct block_clock {
    struct id_map by_page; /* scope << 20 | page number → index into pages */
    struct block_page *pages;
    uint32_t page_count;
    uint32_t page_capacity;
};

void block_clock_init(struct block_clock *clock);
void block_clock_done(struct block_clock *clock);

/* Sets the last touch of every block of the run to time_us. scope < 2^44; blocks of a run behind
 * the largest 32-bit number do not exist. ERR_NO_MEMORY, ERR_LIMIT. */
must_check int block_clock_touch(struct block_clock *clock, uint64_t scope, struct block_run run,
                                 int64_t time_us);

/* How many blocks from the run's start on were touched at or after each of the moments: counts[k]
 * is the length of the longest prefix whose blocks all have last touch >= since_us[k], in any
 * order. is_alive[k] false on entry means: do not count; set to false where the
 * prefix ends before the run does. */
void block_clock_prefix(const struct block_clock *clock, uint64_t scope, struct block_run run,
                        const int64_t *since_us, unsigned moments, bool *is_alive,
                        uint64_t *counts);

#endif
