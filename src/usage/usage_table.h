/*
 * usage_table: the records of LLM calls as columns, in the order of import, then sorted by time.
 *
 * One call is one row. Token buckets are disjoint:
 *
 *     input_total = input_uncached + cache_read + cache_write_5m + cache_write_1h
 *     output        includes reasoning
 *
 * A number that the source did not say is absent, not 0: row i has optional field F only when
 * present[i] & USAGE_HAS_F; the column then holds 0 and nobody may read meaning into it. Columns of
 * rare fields are NULL until the first row that has one; ask usage_has(), which knows.
 *
 * Texts are ids of one dict per field. Prefix blocks are kept as runs (start, length) of block ids
 * that are local to the row's cache scope: a conversation, a sub-agent, an organisation.
 *
 * Cost: 64 B a row for a common export, 92 B with every rare column, plus 8 B a block run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_USAGE_TABLE_H
#define NETRA_USAGE_USAGE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dict.h"
#include "base/error.h"
#include "base/id_map.h"
#include "base/str.h"

#define USAGE_ROWS_MAX       50000000u /* 50 M: 3.2 GB, what one machine analyses at once */
#define USAGE_NAMES_MAX      65535u    /* distinct models, features, agents …: ids are 16 bits */
#define USAGE_IDS_MAX        50000000u /* distinct sessions, users, cache scopes */
#define USAGE_NAME_BYTES_MAX 256u      /* a longer name is cut there by the importer */
#define USAGE_TEXT_BYTES_MAX ((size_t)4 << 30)
#define USAGE_RUNS_MAX       UINT32_MAX
#define USAGE_TOKENS_MAX     UINT32_MAX /* in one bucket of one call */

enum usage_tier { USAGE_STANDARD, USAGE_BATCH, USAGE_FLEX, USAGE_PRIORITY, USAGE_TIER_COUNT };
enum usage_status { USAGE_OK, USAGE_ERROR, USAGE_CANCELLED, USAGE_STATUS_COUNT };

/* Bits of present[i]. */
enum usage_field_bit {
    USAGE_HAS_TIME = 1 << 0,
    USAGE_HAS_INPUT = 1 << 1, /* some input count was given */
    USAGE_HAS_OUTPUT = 1 << 2,
    USAGE_HAS_CACHE = 1 << 3, /* the source says what was read from and written to a cache */
    USAGE_HAS_REASONING = 1 << 4,
    USAGE_HAS_LATENCY = 1 << 5,
    USAGE_HAS_TTFT = 1 << 6,
    USAGE_HAS_COST = 1 << 7, /* the source's own cost */
    USAGE_HAS_QUALITY = 1 << 8,
    USAGE_HAS_PROMPT_HASH = 1 << 9,
    USAGE_HAS_BLOCKS = 1 << 10,
    USAGE_HAS_STREAMED = 1 << 11,
    USAGE_HAS_STATUS = 1 << 12,
    USAGE_HAS_TIER = 1 << 13,
    USAGE_HAS_SESSION = 1 << 14,
    USAGE_HAS_USER = 1 << 15,
    USAGE_HAS_REQUEST_ID = 1 << 16,
    USAGE_HAS_MAX_OUTPUT = 1 << 17,
};

/* Text fields whose values are few: one dict each. An empty text is id 0 in every dict. */
enum usage_name {
    USAGE_MODEL,
    USAGE_PROVIDER,
    USAGE_FEATURE,
    USAGE_AGENT,
    USAGE_OPERATION,
    USAGE_ERROR_TYPE,
    USAGE_STOP_REASON,
    USAGE_SOURCE,
    USAGE_NAME_COUNT
};

/* Text fields whose values are many: 32-bit ids. */
enum usage_id { USAGE_SESSION, USAGE_USER, USAGE_CACHE_SCOPE, USAGE_ID_COUNT };

struct block_run {
    uint32_t start; /* block id, local to the cache scope */
    uint32_t length;
};

/* One call as an importer hands it over. Texts are borrowed for the call of usage_table_append. */
struct usage_record {
    uint32_t present;
    int64_t time_us;
    struct str names[USAGE_NAME_COUNT];
    struct str ids[USAGE_ID_COUNT];
    struct str request_id;
    enum usage_tier tier;
    enum usage_status status;
    bool streamed;
    uint64_t input_uncached;
    uint64_t cache_read;
    uint64_t cache_write_5m;
    uint64_t cache_write_1h;
    uint64_t output;
    uint64_t reasoning;
    uint64_t max_output;
    uint64_t latency_ms;
    uint64_t ttft_ms;
    int64_t recorded_cost_pico_usd;
    double quality;       /* 0 to 1 */
    uint64_t prompt_hash; /* of model-independent prompt content */
    uint32_t block_size;  /* tokens per prefix block */
    const struct block_run *runs;
    size_t run_count;
};

struct usage_table {
    size_t count;
    size_t capacity;

    /* Always there. */
    uint32_t *present;
    int64_t *time_us;
    uint16_t *names[USAGE_NAME_COUNT]; /* [USAGE_MODEL] … ; AGENT and later ones may be NULL */
    uint32_t *input_uncached;
    uint32_t *cache_read;
    uint32_t *output;
    uint8_t *tier_status; /* tier | status << 2 | streamed << 4 */

    /* NULL until a row has one. */
    uint32_t *ids[USAGE_ID_COUNT];
    uint32_t *cache_write_5m;
    uint32_t *cache_write_1h;
    uint32_t *reasoning;
    uint32_t *max_output;
    uint32_t *latency_ms;
    uint32_t *ttft_ms;
    int64_t *recorded_cost_pico_usd;
    float *quality;
    uint64_t *prompt_hash;
    uint32_t *run_begin; /* index into runs */
    uint32_t *run_count;
    uint16_t *block_size;
    uint32_t
        *source_row; /* line or element of the file, from 1: what a reject or a lineage names */

    struct dict name_dicts[USAGE_NAME_COUNT];
    struct dict id_dicts[USAGE_ID_COUNT];
    struct block_run *runs; /* pool of all rows */
    size_t runs_count;
    size_t runs_capacity;

    struct id_map by_request; /* hash of source and request id → row */
    uint64_t merged_count;    /* rows that were the same request again */
    uint32_t any_present;     /* OR of present[] */
    bool is_sorted;           /* by time */
};

void usage_table_init(struct usage_table *table);
void usage_table_done(struct usage_table *table);

/* Memory that the table holds, dicts included: what a cache counts. */
size_t usage_table_bytes(const struct usage_table *table);

/* Adds one record; source_row is kept for lineage. A request id that is there already replaces the
 * tokens of the earlier row, keeps its time and counts as merged. ERR_INVALID (a bucket above
 * USAGE_TOKENS_MAX, reasoning above output …), ERR_LIMIT, ERR_NO_MEMORY; on failure nothing changed
 * but names that the dicts learned. */
must_check int usage_table_append(struct usage_table *table, const struct usage_record *record,
                                  uint32_t source_row, struct error *error);

/* For who fills columns itself (the store): room for more rows, zeroed, in every column that
 * exists, and for more runs. count and runs_count stay. ERR_LIMIT, ERR_NO_MEMORY. */
must_check int usage_table_reserve(struct usage_table *table, size_t more_rows, size_t more_runs);

/* The same: makes a column that is NULL until a row has one, zeroed; nothing when it is there.
 * field: its address, &table->latency_ms. After usage_table_reserve. ERR_NO_MEMORY. */
must_check int usage_table_add_column(struct usage_table *table, void *field);

/* Stable sort by time; rows without a time keep their order and come first. Ids and run indexes are
 * carried along; by_request is dropped, so no more appends afterwards. */
must_check int usage_table_sort(struct usage_table *table);

static inline bool usage_has(const struct usage_table *table, size_t row, uint32_t bits)
{
    return (table->present[row] & bits) == bits;
}

static inline enum usage_tier usage_tier_of(const struct usage_table *table, size_t row)
{
    return (enum usage_tier)(table->tier_status[row] & 3);
}

static inline enum usage_status usage_status_of(const struct usage_table *table, size_t row)
{
    return (enum usage_status)(table->tier_status[row] >> 2 & 3);
}

static inline bool usage_is_streamed(const struct usage_table *table, size_t row)
{
    return table->tier_status[row] >> 4 & 1;
}

/* The text of a name or id field; empty where the row has none. */
struct str usage_name_text(const struct usage_table *table, enum usage_name field, size_t row);
struct str usage_id_text(const struct usage_table *table, enum usage_id field, size_t row);

/* The disjoint buckets of one row, columns that are NULL read as 0. */
struct usage_tokens {
    uint64_t input_uncached;
    uint64_t cache_read;
    uint64_t cache_write_5m;
    uint64_t cache_write_1h;
    uint64_t output;
    uint64_t reasoning;
};
static inline struct usage_tokens usage_tokens_of(const struct usage_table *table, size_t row)
{
    return (struct usage_tokens){
        .input_uncached = table->input_uncached[row],
        .cache_read = table->cache_read[row],
        .cache_write_5m = table->cache_write_5m ? table->cache_write_5m[row] : 0,
        .cache_write_1h = table->cache_write_1h ? table->cache_write_1h[row] : 0,
        .output = table->output[row],
        .reasoning = table->reasoning ? table->reasoning[row] : 0,
    };
}

static inline uint64_t usage_input_total(const struct usage_tokens *tokens)
{
    return tokens->input_uncached + tokens->cache_read + tokens->cache_write_5m +
           tokens->cache_write_1h;
}

/* "standard", "batch" … and back (ASCII case ignored; -1 when unknown). */
const char *usage_tier_name(enum usage_tier tier);
const char *usage_status_name(enum usage_status status);
int usage_tier_from(struct str text);

#endif
