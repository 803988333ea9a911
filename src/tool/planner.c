/*
 * planner: the changes worth making, found, put in order and priced together.
 *
 * Candidates: leave out calls that were sent twice; turn on the prompt cache for a feature, with
 * the lifetime that is cheapest for it; move a feature to the batch API. The largest that one exact
 * replay can take are composed; those that lose money in company are taken out again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tool/planner.h"

#include <stdlib.h>

#include "base/alloc.h"

#define SECOND      INT64_C(1000000)
#define WORTH_SHARE 1000 /* an action saves at least 1/1000 of the spend */
/* No more can be worth it: of each kind at most WORTH_SHARE save that share of one spend. */
#define CANDIDATES_MAX (3u * WORTH_SHARE)

void planner_done(struct planner *planner)
{
    duplicates_done(&planner->duplicates);
    cache_sim_done(&planner->deduped);
    alloc_free(planner->batch);
}

struct str planner_feature_name(const struct planner *planner, uint32_t feature)
{
    const struct dict *names = &planner->dataset->table.name_dicts[USAGE_FEATURE];

    return names->count ? dict_text(names, feature) : STR("");
}

static bool is_excluded(const struct planner *planner, uint32_t feature)
{
    struct str name = planner_feature_name(planner, feature);

    for (size_t i = 0; i < planner->exclude_count; i++) {
        if (str_equal_ascii_case(planner->exclude[i], name)) {
            return true;
        }
    }
    return false;
}

/* A copy of the run's duplicates in which repeats of an excluded feature are no duplicates. */
static int take_duplicates(struct planner *planner)
{
    const struct usage_table *table = &planner->dataset->table;
    const struct duplicates *all;
    int code = analyses_duplicates(planner->analyses, DUPLICATE_WINDOW_S_DEFAULT * SECOND, &all);

    if (code) {
        return code;
    }
    planner->duplicates = *all;
    planner->duplicates.is_duplicate = alloc_zeroed(table->count ? table->count : 1, 1);
    if (!planner->duplicates.is_duplicate) {
        return ERR_NO_MEMORY;
    }
    for (size_t row = 0; row < table->count; row++) {
        if (all->is_duplicate[row] && is_excluded(planner, table->names[USAGE_FEATURE][row])) {
            planner->duplicates.count--;
        } else {
            planner->duplicates.is_duplicate[row] = all->is_duplicate[row];
        }
    }
    return OK;
}

static struct cache_sim_options cache_options(const struct planner *planner)
{
    return (struct cache_sim_options){
        .ttl_us = {[TTL_5M] = 300 * SECOND, [TTL_1H] = 3600 * SECOND},
        .ttl_count = TTL_CHOICES,
        .honour_minimum = true,
        .split_by_model = true,
        .price = planner->dataset->price_options,
    };
}

/* The simulations that the replay draws on. */
int planner_prepare(struct planner *planner)
{
    const struct dataset *dataset = planner->dataset;
    struct cache_sim_options options = cache_options(planner);
    int code = take_duplicates(planner);

    if (!code && (dataset->table.any_present & USAGE_HAS_BLOCKS)) {
        code = analyses_cache(planner->analyses, &options, &planner->cache);
    }
    planner->batch = alloc_zeroed((size_t)dataset->table.name_dicts[USAGE_FEATURE].count + 1,
                                  sizeof(*planner->batch));
    if (!code && !planner->batch) {
        code = ERR_NO_MEMORY;
    }
    if (!code) {
        code = batch_examine(&dataset->table, &dataset->card, dataset->cost,
                             &dataset->price_options, planner->batch);
    }
    planner->input = (struct compose_input){
        .table = &dataset->table,
        .card = &dataset->card,
        .cost = dataset->cost,
        .price = &dataset->price_options,
        .duplicates = &planner->duplicates,
        .cache = planner->cache,
        .cache_deduped = planner->cache,
    };
    return code;
}

/* ---- what dropping duplicates does to caches ---- */

static uint32_t scope_of(const struct usage_table *table, size_t row)
{
    return table->ids[USAGE_CACHE_SCOPE] ? table->ids[USAGE_CACHE_SCOPE][row] : 0;
}

static bool has_cache_action(const struct planner *planner, uint16_t feature)
{
    for (unsigned a = 0; a < planner->plan.count; a++) {
        if (planner->plan.actions[a].kind == ACTION_CACHE &&
            planner->plan.actions[a].feature == feature) {
            return true;
        }
    }
    return false;
}

static bool drops_duplicates(const struct planner *planner)
{
    for (unsigned a = 0; a < planner->plan.count; a++) {
        if (planner->plan.actions[a].kind == ACTION_DROP_DUPLICATES) {
            return true;
        }
    }
    return false;
}

/* True when a duplicate uses a cache scope that some feature with a cache action uses: only there
 * does dropping it change what the cache finds. */
static int shares_scopes(const struct planner *planner, bool *ret_shares)
{
    const struct usage_table *table = &planner->dataset->table;
    cleanup(alloc_free_pointer) uint8_t *has_duplicate =
        alloc_zeroed((size_t)table->id_dicts[USAGE_CACHE_SCOPE].count + 1, 1);

    *ret_shares = false;
    if (!has_duplicate) {
        return ERR_NO_MEMORY;
    }
    for (size_t row = 0; row < table->count; row++) {
        has_duplicate[scope_of(table, row)] |=
            planner->duplicates.is_duplicate[row] && usage_has(table, row, USAGE_HAS_BLOCKS);
    }
    for (size_t row = 0; row < table->count && !*ret_shares; row++) {
        *ret_shares = has_duplicate[scope_of(table, row)] &&
                      has_cache_action(planner, table->names[USAGE_FEATURE][row]);
    }
    return OK;
}

/* A second simulation without the duplicates, where it would differ from the first. */
static int simulate_deduped(struct planner *planner)
{
    const struct dataset *dataset = planner->dataset;
    struct cache_sim_options options = cache_options(planner);
    bool shares = false;
    int code = planner->cache && drops_duplicates(planner) ? shares_scopes(planner, &shares) : OK;

    if (code || !shares) {
        return code;
    }
    code = cache_sim_run(&planner->deduped, &dataset->table, &dataset->card, &options,
                         planner->duplicates.is_duplicate);
    planner->input.cache_deduped = &planner->deduped;
    return code;
}

/* ---- candidates ---- */

struct candidates {
    struct action actions[CANDIDATES_MAX];
    size_t count;
};

static void add_candidate(const struct planner *planner, struct candidates *candidates,
                          struct action action)
{
    if (candidates->count < CANDIDATES_MAX && action.alone_pico_usd > 0 &&
        action.alone_pico_usd * WORTH_SHARE >= planner->dataset->sums.total_pico_usd) {
        candidates->actions[candidates->count++] = action;
    }
}

static int128 duplicate_cost(const struct planner *planner)
{
    int128 cost = 0;

    for (size_t row = 0; row < planner->dataset->table.count; row++) {
        if (planner->duplicates.is_duplicate[row] && planner->dataset->cost[row] != COST_UNKNOWN) {
            cost += planner->dataset->cost[row];
        }
    }
    return cost;
}

static void add_cache(const struct planner *planner, struct candidates *candidates,
                      uint32_t feature)
{
    const struct cache_sim_totals *totals = &planner->cache->by_feature[feature];
    unsigned best = totals->by_ttl[TTL_1H].explicit_cost_pico_usd <
                            totals->by_ttl[TTL_5M].explicit_cost_pico_usd
                        ? TTL_1H
                        : TTL_5M;

    add_candidate(planner, candidates,
                  (struct action){
                      .kind = ACTION_CACHE,
                      .feature = (uint16_t)feature,
                      .ttl = best,
                      /* nothing recorded: perhaps it is on already */
                      .needs_confirmation = totals->explicit_recorded < totals->explicit_records,
                      .alone_pico_usd = totals->explicit_now_pico_usd -
                                        totals->by_ttl[best].explicit_cost_pico_usd,
                  });
}

static void collect(const struct planner *planner, struct candidates *candidates)
{
    uint32_t features = planner->dataset->table.name_dicts[USAGE_FEATURE].count;

    add_candidate(
        planner, candidates,
        (struct action){.kind = ACTION_DROP_DUPLICATES, .alone_pico_usd = duplicate_cost(planner)});
    for (uint32_t f = 0; f < features; f++) {
        if (planner->cache && !is_excluded(planner, f)) {
            add_cache(planner, candidates, f);
        }
        if (planner->batch[f].is_candidate && !is_excluded(planner, f)) {
            add_candidate(planner, candidates,
                          (struct action){.kind = ACTION_BATCH,
                                          .feature = (uint16_t)f,
                                          .needs_confirmation = true,
                                          .alone_pico_usd = planner->batch[f].now_pico_usd -
                                                            planner->batch[f].batch_pico_usd});
        }
    }
}

/* Equal savings in the order of kind and feature: qsort is not stable everywhere. */
static int larger_first(const void *a, const void *b)
{
    const struct action *left = a;
    const struct action *right = b;

    if (left->alone_pico_usd != right->alone_pico_usd) {
        return left->alone_pico_usd < right->alone_pico_usd ? 1 : -1;
    }
    if (left->kind != right->kind) {
        return left->kind < right->kind ? -1 : 1;
    }
    return left->feature < right->feature ? -1 : left->feature > right->feature;
}

/* The order in which a plan is applied: kinds as in the replay, within a kind the larger first. */
static int in_replay_order(const void *a, const void *b)
{
    const struct action *left = a;
    const struct action *right = b;

    if (left->kind != right->kind) {
        return left->kind < right->kind ? -1 : 1;
    }
    return larger_first(a, b);
}

int planner_choose(struct planner *planner)
{
    cleanup(alloc_free_pointer) struct candidates *candidates =
        alloc_zeroed(1, sizeof(*candidates));

    if (!candidates) {
        return ERR_NO_MEMORY;
    }
    collect(planner, candidates);
    qsort(candidates->actions, candidates->count, sizeof(candidates->actions[0]), larger_first);
    planner->plan.count =
        candidates->count < COMPOSE_ACTIONS_MAX ? (unsigned)candidates->count : COMPOSE_ACTIONS_MAX;
    planner->left_out = candidates->count - planner->plan.count;
    memcpy(planner->plan.actions, candidates->actions,
           planner->plan.count * sizeof(candidates->actions[0]));
    qsort(planner->plan.actions, planner->plan.count, sizeof(planner->plan.actions[0]),
          in_replay_order);
    int code = simulate_deduped(planner);
    return code ? code : compose_prune(&planner->input, &planner->plan);
}
