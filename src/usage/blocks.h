/*
 * blocks: lists of prefix block ids → runs of consecutive ids, in memory that is reused from row to
 * row.
 *
 * A table's block ids have 32 bits. Ids that fit are kept as they are; a source whose first id does
 * not fit (64-bit hashes, texts) gets its ids numbered in the order in which they come. The first
 * id decides for the whole input, so numbers and given ids never mix.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_BLOCKS_H
#define NETRA_USAGE_BLOCKS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/id_map.h"
#include "usage/cell.h"
#include "usage/usage_table.h"

#define BLOCKS_RUNS_MAX     (1u << 22) /* of one call: 4 M runs, 32 MiB */
#define BLOCKS_DISTINCT_MAX (1u << 28)

struct blocks {
    struct block_run *runs;
    size_t run_count;
    size_t capacity;
    uint64_t block_count; /* of the current list: the sum of the runs' lengths */
    enum blocks_ids { BLOCKS_UNDECIDED, BLOCKS_GIVEN, BLOCKS_NUMBERED } ids;
    struct id_map numbers; /* hash → number, when numbered */
};

void blocks_init(struct blocks *blocks);
void blocks_done(struct blocks *blocks);
void blocks_clear(struct blocks *blocks);

/* Adds length consecutive ids at the end of the list; joins them to the last run where they
 * continue it. ERR_LIMIT, ERR_NO_MEMORY. */
must_check int blocks_append(struct blocks *blocks, uint64_t start, uint64_t length);

/* Reads a list: JSON ids or [start, length] pairs, or a text of ids between brackets, blanks,
 * commas or semicolons. ERR_INVALID, ERR_LIMIT, ERR_NO_MEMORY. */
must_check int blocks_read(struct blocks *blocks, const struct cell *cell);

/* The same for a JSON list. */
must_check int blocks_read_json(struct blocks *blocks, struct json_value list);

#endif
