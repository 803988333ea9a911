/*
 * cache_sim: what a provider's prefix cache would have done with these records.
 *
 * Definition (the one of golden.json): one cache per cache scope; a hit is the longest prefix of a
 * request's blocks whose every block was touched at most TTL before the request; touching
 * refreshes; a request touches all its blocks at its start; hit tokens = min(block size × hit
 * blocks, input); every input token that is not hit is written. With TTL_UNBOUNDED nothing expires
 * and writes cost the plain input price.
 *
 * All TTLs are simulated in one pass, since what was touched when does not depend on them. Options
 * add what the bare definition leaves out: a model's minimum prompt length (shorter prompts are
 * neither read nor written), one cache per model. Calls that failed are neither read nor written,
 * and calls without a time are not simulated: nobody knows what came before them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ENGINE_CACHE_SIM_H
#define NETRA_ENGINE_CACHE_SIM_H

#include "engine/cost.h"

#define CACHE_SIM_TTLS_MAX       8u
#define CACHE_SIM_UNBOUNDED      INT64_MAX
#define CACHE_SIM_ROW_BLOCKS_MAX (1u << 20) /* of one request: more is no prompt */
#define CACHE_SIM_1H_FROM_US                                                                       \
    (301 * INT64_C(1000000)) /* a TTL above 300 s needs one-hour writes                            \
                              */

struct cache_sim_options {
    int64_t ttl_us[CACHE_SIM_TTLS_MAX]; /* > 0; CACHE_SIM_UNBOUNDED for no expiry */
    unsigned ttl_count;
    bool honour_minimum;
    bool split_by_model;
    struct price_options price;
};

/* Sums over the simulated records for one TTL. */
struct cache_sim_sums {
    uint64_t hit_blocks;
    uint64_t hit_tokens;
    int128 cost_pico_usd;          /* of the records that are priced */
    int128 explicit_cost_pico_usd; /* of those whose model caches only on request */
};

struct cache_sim_totals {
    uint64_t records; /* simulated: blocks and time known, not failed */
    uint64_t block_refs;
    uint64_t input_tokens;
    uint64_t below_minimum; /* of records: prompt shorter than the model's minimum */
    uint64_t unpriced;      /* of records: model price unknown, no part of any cost */
    uint64_t uncacheable;   /* of records: model without a cache read price, priced uncached */
    uint64_t derived;       /* of records: some price follows from a documented rule */
    int128 cost_none_pico_usd;
    int128 cost_recorded_pico_usd; /* at the recorded buckets; only rows that say them */
    uint64_t recorded;             /* rows in it */
    uint64_t explicit_records;     /* priced, of models that cache only when the caller asks */
    uint64_t explicit_recorded;    /* of those: records that say what a cache did */
    int128 explicit_now_pico_usd;  /* of explicit_records, at the recorded buckets */
    uint64_t explicit_read_tokens; /* of explicit_records: recorded as read from a cache */
    uint64_t automatic_records;    /* priced, of models that cache on their own */
    struct cache_sim_sums by_ttl[CACHE_SIM_TTLS_MAX];
};

struct cache_sim {
    struct cache_sim_options options;
    struct cache_sim_totals total;
    struct cache_sim_totals *by_feature;      /* [name_dicts[USAGE_FEATURE].count] */
    uint32_t *hit_tokens[CACHE_SIM_TTLS_MAX]; /* per row of the table; UINT32_MAX: not simulated, or
                                               * no cache price */
    uint64_t *derived_by_slot; /* per slot of the rate card: records with a derived price */
    uint64_t oversized;        /* rows left out: above CACHE_SIM_ROW_BLOCKS_MAX */
    uint64_t mixed_scopes;     /* cache scopes that more than one model used */
};

/* Simulates every row that has blocks and a time; rows must be in the order of time. skip (may be
 * NULL) marks rows to leave out as if they had not been sent. ERR_NO_MEMORY, ERR_LIMIT. */
must_check int cache_sim_run(struct cache_sim *sim, const struct usage_table *table,
                             const struct rate_card *card, const struct cache_sim_options *options,
                             const uint8_t *skip);
void cache_sim_done(struct cache_sim *sim);

/* True when the row's model caches only what the caller marks, so that it is the caller's to
 * change. */
bool cache_sim_is_explicit(const struct price_row *price);

/* The buckets that a row would have had under options.ttl_us[ttl]; the recorded ones when it was
 * not simulated or its model has no cache prices. */
struct usage_tokens cache_sim_tokens(const struct cache_sim *sim, const struct usage_table *table,
                                     const struct rate_card *card, size_t row, unsigned ttl);

#endif
