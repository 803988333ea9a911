/*
 * One pass in the order of time: ask the block clock for the hit length under every TTL, price the
 * buckets that follow, touch the blocks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/cache_sim.h"

#include "base/alloc.h"
#include "engine/block_clock.h"

#define NOT_SIMULATED  UINT32_MAX
#define HIT_TOKENS_MAX (UINT32_MAX - 1u) /* of one call: what a row of hit_tokens holds */

/* What of a model's caching prices decides how a row is replayed. */
static bool has_cache_price(const struct price_row *price, enum usage_tier tier, uint64_t input,
                            const struct price_options *options)
{
    const struct price_vector *vector = price_vector_for(price, tier, input, options);

    return vector && (vector->known & PRICE_BIT(PRICE_CACHE_READ));
}

/* Providers that cache on their own take nothing for a write but the input price. A model that
 * caches on request never writes for free: a write price that its list leaves out is unknown. */
static bool has_free_writes(const struct price_row *price, enum usage_tier tier, uint64_t input,
                            const struct price_options *options)
{
    const struct price_vector *vector = price_vector_for(price, tier, input, options);

    return price->cache_mode == PRICE_CACHE_AUTOMATIC ||
           (price->cache_mode != PRICE_CACHE_EXPLICIT &&
            !(vector->known & PRICE_BIT(PRICE_CACHE_WRITE_5M)));
}

bool cache_sim_is_explicit(const struct price_row *price)
{
    const struct price_service *standard = &price->services[USAGE_STANDARD];

    return price->cache_mode == PRICE_CACHE_EXPLICIT ||
           (price->cache_mode == PRICE_CACHE_UNKNOWN && standard->count &&
            (standard->tiers[0].price.known & PRICE_BIT(PRICE_CACHE_WRITE_5M)));
}

/* Splits input tokens into read and written ones for a cache of that TTL. */
static struct usage_tokens buckets(uint64_t input, uint64_t hit,
                                   const struct usage_tokens *recorded, int64_t ttl_us,
                                   bool free_writes)
{
    struct usage_tokens tokens = {.output = recorded->output, .reasoning = recorded->reasoning};
    uint64_t written = input - hit;

    tokens.cache_read = hit;
    if (free_writes || ttl_us == CACHE_SIM_UNBOUNDED) {
        tokens.input_uncached = written;
    } else if (ttl_us >= CACHE_SIM_1H_FROM_US) {
        tokens.cache_write_1h = written;
    } else {
        tokens.cache_write_5m = written;
    }
    return tokens;
}

static struct usage_tokens uncached(uint64_t input, const struct usage_tokens *recorded)
{
    return (struct usage_tokens){
        .input_uncached = input, .output = recorded->output, .reasoning = recorded->reasoning};
}

/* One row under way. */
struct step {
    size_t row;
    const struct price_row *price; /* NULL: unknown */
    enum usage_tier tier;
    struct usage_tokens recorded;
    uint64_t input;
    uint64_t blocks; /* 0 where only the price matters */
    bool is_below_minimum;
    bool is_cacheable;
    bool free_writes;
    uint64_t hit_blocks[CACHE_SIM_TTLS_MAX];
    uint64_t hit_tokens[CACHE_SIM_TTLS_MAX];
};

static uint64_t count_blocks(const struct usage_table *table, size_t row)
{
    uint64_t blocks = 0;

    for (uint32_t i = 0; i < table->run_count[row]; i++) {
        blocks += table->runs[table->run_begin[row] + i].length;
    }
    return blocks;
}

static struct step step_begin(const struct cache_sim *sim, const struct usage_table *table,
                              const struct rate_card *card, size_t row)
{
    const struct price_options *options = &sim->options.price;
    struct step step = {
        .row = row,
        .price = rate_card_row(card, row),
        .tier = usage_tier_of(table, row),
        .recorded = usage_tokens_of(table, row),
    };

    step.input = usage_input_total(&step.recorded);
    if (step.price) {
        step.is_cacheable = has_cache_price(step.price, step.tier, step.input, options);
        step.free_writes =
            step.is_cacheable && has_free_writes(step.price, step.tier, step.input, options);
        step.is_below_minimum = sim->options.honour_minimum && step.price->cache_minimum_known &&
                                step.input < step.price->cache_minimum_tokens;
    }
    return step;
}

static uint64_t scope_of(const struct cache_sim *sim, const struct usage_table *table, size_t row)
{
    uint64_t scope = table->ids[USAGE_CACHE_SCOPE] ? table->ids[USAGE_CACHE_SCOPE][row] : 0;

    return sim->options.split_by_model ? scope << 16 | table->names[USAGE_MODEL][row] : scope;
}

static void find_hits(const struct cache_sim *sim, const struct usage_table *table,
                      const struct block_clock *clock, struct step *step)
{
    int64_t since_us[CACHE_SIM_TTLS_MAX];
    bool is_alive[CACHE_SIM_TTLS_MAX];
    unsigned count = sim->options.ttl_count;
    int64_t now_us = table->time_us[step->row];

    for (unsigned k = 0; k < count; k++) {
        int64_t ttl_us = sim->options.ttl_us[k];

        is_alive[k] = true;
        if (__builtin_sub_overflow(now_us, ttl_us, &since_us[k])) {
            since_us[k] = INT64_MIN;
        }
        if (ttl_us == CACHE_SIM_UNBOUNDED) {
            since_us[k] = INT64_MIN;
        }
    }
    for (uint32_t i = 0; i < table->run_count[step->row]; i++) {
        bool any = false;

        block_clock_prefix(clock, scope_of(sim, table, step->row),
                           table->runs[table->run_begin[step->row] + i], since_us, count, is_alive,
                           step->hit_blocks);
        for (unsigned k = 0; k < count; k++) {
            any |= is_alive[k];
        }
        if (!any) {
            break;
        }
    }
    for (unsigned k = 0; k < count; k++) {
        uint64_t tokens = step->hit_blocks[k] * table->block_size[step->row];
        uint64_t most = step->input < HIT_TOKENS_MAX ? step->input : HIT_TOKENS_MAX;

        step->hit_tokens[k] = tokens < most ? tokens : most;
    }
}

static int touch(const struct cache_sim *sim, const struct usage_table *table,
                 struct block_clock *clock, const struct step *step)
{
    int code = OK;

    for (uint32_t i = 0; i < table->run_count[step->row] && !code; i++) {
        code = block_clock_touch(clock, scope_of(sim, table, step->row),
                                 table->runs[table->run_begin[step->row] + i],
                                 table->time_us[step->row]);
    }
    return code;
}

/* The costs of one row under each variant; false when any of them is unknown. */
struct variants {
    int64_t none;
    int64_t recorded;
    int64_t by_ttl[CACHE_SIM_TTLS_MAX];
    uint32_t derived;
};

static bool price_one(const struct step *step, const struct usage_tokens *tokens,
                      const struct price_options *options, int64_t *ret_cost, uint32_t *derived)
{
    struct price_cost cost;

    if (price_cost_of(step->price, step->tier, tokens, options, &cost)) {
        return false;
    }
    *ret_cost = cost.total_pico_usd;
    *derived |= cost.derived;
    return true;
}

static bool price_variants(const struct cache_sim *sim, const struct step *step,
                           struct variants *ret)
{
    const struct price_options *options = &sim->options.price;
    struct usage_tokens plain = uncached(step->input, &step->recorded);
    bool is_cached = step->is_cacheable && !step->is_below_minimum;

    *ret = (struct variants){0};
    if (!step->price || !price_one(step, &plain, options, &ret->none, &ret->derived) ||
        !price_one(step, &step->recorded, options, &ret->recorded, &ret->derived)) {
        return false;
    }
    for (unsigned k = 0; k < sim->options.ttl_count; k++) {
        struct usage_tokens tokens = buckets(step->input, step->hit_tokens[k], &step->recorded,
                                             sim->options.ttl_us[k], step->free_writes);

        if (!is_cached) {
            ret->by_ttl[k] = ret->none;
        } else if (!price_one(step, &tokens, options, &ret->by_ttl[k], &ret->derived)) {
            return false;
        }
    }
    return true;
}

static void add_step(const struct cache_sim *sim, const struct usage_table *table,
                     const struct step *step, const struct variants *costs,
                     struct cache_sim_totals *totals)
{
    totals->records++;
    totals->block_refs += step->blocks;
    totals->input_tokens += step->input;
    totals->below_minimum += step->is_below_minimum;
    totals->unpriced += costs == NULL;
    totals->uncacheable += costs != NULL && !step->is_cacheable;
    totals->derived += costs != NULL && costs->derived != 0;
    for (unsigned k = 0; k < sim->options.ttl_count; k++) {
        if (!step->is_below_minimum) {
            totals->by_ttl[k].hit_blocks += step->hit_blocks[k];
            totals->by_ttl[k].hit_tokens += step->hit_tokens[k];
        }
        totals->by_ttl[k].cost_pico_usd += costs ? costs->by_ttl[k] : 0;
    }
    if (costs) {
        totals->cost_none_pico_usd += costs->none;
        if (usage_has(table, step->row, USAGE_HAS_CACHE)) {
            totals->cost_recorded_pico_usd += costs->recorded;
            totals->recorded++;
        }
    }
    totals->automatic_records += costs && step->price->cache_mode == PRICE_CACHE_AUTOMATIC;
    if (costs && cache_sim_is_explicit(step->price)) {
        totals->explicit_records++;
        totals->explicit_recorded += usage_has(table, step->row, USAGE_HAS_CACHE);
        totals->explicit_now_pico_usd += costs->recorded;
        totals->explicit_read_tokens += step->recorded.cache_read;
        for (unsigned k = 0; k < sim->options.ttl_count; k++) {
            totals->by_ttl[k].explicit_cost_pico_usd += costs->by_ttl[k];
        }
    }
}

static int run_row(struct cache_sim *sim, const struct usage_table *table,
                   const struct rate_card *card, struct block_clock *clock, size_t row,
                   uint64_t blocks)
{
    struct step step = step_begin(sim, table, card, row);
    uint32_t feature = table->names[USAGE_FEATURE][row];
    struct variants costs;
    int code = OK;

    step.blocks = blocks;
    if (!step.is_below_minimum) {
        find_hits(sim, table, clock, &step);
        code = touch(sim, table, clock, &step);
    }
    bool is_priced = price_variants(sim, &step, &costs);
    sim->derived_by_slot[card->slot_of[row]] += is_priced && costs.derived;
    add_step(sim, table, &step, is_priced ? &costs : NULL, &sim->total);
    add_step(sim, table, &step, is_priced ? &costs : NULL, &sim->by_feature[feature]);
    for (unsigned k = 0; k < sim->options.ttl_count; k++) {
        bool is_replayed = is_priced && step.is_cacheable;

        sim->hit_tokens[k][row] = !is_replayed ? NOT_SIMULATED : (uint32_t)step.hit_tokens[k];
    }
    return code;
}

/* Scopes that more than one model used: there the definition's one cache per scope is kinder than a
 * provider, who keeps one per model. */
static int count_mixed_scopes(struct cache_sim *sim, const struct usage_table *table)
{
    uint32_t scopes = table->id_dicts[USAGE_CACHE_SCOPE].count;
    cleanup(alloc_free_pointer) uint32_t *model_of = alloc_zeroed(scopes + 1, sizeof(*model_of));

    if (!model_of) {
        return ERR_NO_MEMORY;
    }
    for (size_t row = 0; row < table->count; row++) {
        uint32_t scope = table->ids[USAGE_CACHE_SCOPE] ? table->ids[USAGE_CACHE_SCOPE][row] : 0;
        uint32_t model = table->names[USAGE_MODEL][row] + 1u;

        if (!usage_has(table, row, USAGE_HAS_BLOCKS) || model_of[scope] == NOT_SIMULATED) {
            continue;
        }
        if (model_of[scope] && model_of[scope] != model) {
            model_of[scope] = NOT_SIMULATED;
            sim->mixed_scopes++;
        } else {
            model_of[scope] = model;
        }
    }
    return OK;
}

static int allocate(struct cache_sim *sim, const struct usage_table *table,
                    const struct rate_card *card)
{
    size_t rows = table->count ? table->count : 1;

    sim->by_feature =
        alloc_zeroed(table->name_dicts[USAGE_FEATURE].count + 1, sizeof(*sim->by_feature));
    sim->derived_by_slot = alloc_zeroed(card->count + 1, sizeof(*sim->derived_by_slot));
    if (!sim->by_feature || !sim->derived_by_slot) {
        return ERR_NO_MEMORY;
    }
    for (unsigned k = 0; k < sim->options.ttl_count; k++) {
        sim->hit_tokens[k] = alloc_zeroed(rows, sizeof(*sim->hit_tokens[k]));
        if (!sim->hit_tokens[k]) {
            return ERR_NO_MEMORY;
        }
        memset(sim->hit_tokens[k], 0xff, rows * sizeof(*sim->hit_tokens[k]));
    }
    return OK;
}

static bool takes_part(const struct usage_table *table, size_t row)
{
    return usage_has(table, row, USAGE_HAS_BLOCKS | USAGE_HAS_TIME) &&
           usage_status_of(table, row) != USAGE_ERROR;
}

int cache_sim_run(struct cache_sim *sim, const struct usage_table *table,
                  const struct rate_card *card, const struct cache_sim_options *options,
                  const uint8_t *skip)
{
    struct block_clock clock;

    *sim = (struct cache_sim){.options = *options};
    block_clock_init(&clock);
    int code = allocate(sim, table, card);
    if (!code) {
        code = count_mixed_scopes(sim, table);
    }
    for (size_t row = 0; row < table->count && !code; row++) {
        if (!takes_part(table, row) || (skip && skip[row])) {
            continue;
        }
        uint64_t blocks = count_blocks(table, row);
        if (blocks > CACHE_SIM_ROW_BLOCKS_MAX) {
            sim->oversized++;
        } else {
            code = run_row(sim, table, card, &clock, row, blocks);
        }
    }
    block_clock_done(&clock);
    if (code) {
        cache_sim_done(sim);
    }
    return code;
}

void cache_sim_done(struct cache_sim *sim)
{
    alloc_free(sim->by_feature);
    alloc_free(sim->derived_by_slot);
    for (unsigned k = 0; k < CACHE_SIM_TTLS_MAX; k++) {
        alloc_free(sim->hit_tokens[k]);
    }
    *sim = (struct cache_sim){0};
}

struct usage_tokens cache_sim_tokens(const struct cache_sim *sim, const struct usage_table *table,
                                     const struct rate_card *card, size_t row, unsigned ttl)
{
    struct usage_tokens recorded = usage_tokens_of(table, row);

    if (sim->hit_tokens[ttl][row] == NOT_SIMULATED) {
        return recorded;
    }
    struct step step = step_begin(sim, table, card, row);
    if (step.is_below_minimum) {
        return uncached(step.input, &recorded);
    }
    return buckets(step.input, sim->hit_tokens[ttl][row], &recorded, sim->options.ttl_us[ttl],
                   step.free_writes);
}
