/*
 * The numbers are part of the format: lines are only ever appended, with a new version.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/chunk_columns.h"

#define COLUMN(field, always, kind, dict, bits)                                                    \
    {                                                                                              \
        .offset = offsetof(struct usage_table, field),                                             \
        .element_bytes = sizeof(*((struct usage_table *)0)->field), .is_always = (always),         \
        .values = (kind), .dictionary = (dict), .has = (bits)                                      \
    }
#define NUMBERS(field, always, bits) COLUMN(field, always, CHUNK_PLAIN, 0, bits)
#define NAMES(name, always)          COLUMN(names[name], always, CHUNK_TEXTS, name, 0)
#define IDS(id, bits)                COLUMN(ids[id], false, CHUNK_TEXTS, USAGE_NAME_COUNT + (id), bits)

const struct chunk_column chunk_columns[CHUNK_COLUMN_COUNT] = {
    NUMBERS(present, true, 0),
    COLUMN(time_us, true, CHUNK_SIGNED, 0, 0),
    NAMES(USAGE_MODEL, true),
    NAMES(USAGE_PROVIDER, true),
    NAMES(USAGE_FEATURE, true),
    NUMBERS(input_uncached, true, 0),
    NUMBERS(cache_read, true, 0),
    NUMBERS(output, true, 0),
    NUMBERS(tier_status, true, 0),
    NUMBERS(source_row, true, 0),
    NAMES(USAGE_AGENT, false),
    NAMES(USAGE_OPERATION, false),
    NAMES(USAGE_ERROR_TYPE, false),
    NAMES(USAGE_STOP_REASON, false),
    NAMES(USAGE_SOURCE, false),
    IDS(USAGE_SESSION, 0),
    IDS(USAGE_USER, 0),
    IDS(USAGE_CACHE_SCOPE, 0),
    NUMBERS(cache_write_5m, false, 0),
    NUMBERS(cache_write_1h, false, 0),
    NUMBERS(reasoning, false, USAGE_HAS_REASONING),
    NUMBERS(max_output, false, USAGE_HAS_MAX_OUTPUT),
    NUMBERS(latency_ms, false, USAGE_HAS_LATENCY),
    NUMBERS(ttft_ms, false, USAGE_HAS_TTFT),
    COLUMN(recorded_cost_pico_usd, false, CHUNK_SIGNED, 0, USAGE_HAS_COST),
    NUMBERS(quality, false, USAGE_HAS_QUALITY), /* the bits of the float */
    NUMBERS(prompt_hash, false, USAGE_HAS_PROMPT_HASH),
    NUMBERS(run_count, false, USAGE_HAS_BLOCKS),
    NUMBERS(block_size, false, USAGE_HAS_BLOCKS),
};
