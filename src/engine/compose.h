/*
 * compose: several changes together, priced by one replay of their composition. Savings are never
 * added up.
 *
 * An action is a pure map on records. A set of actions is applied to each record in a fixed order,
 * drop duplicates → prefix cache → batch tier, and then priced. What the order and the overlaps do
 * (dropping repeats takes hits from the cache; a batch promises no cache reads) is part of the
 * replay.
 *
 * Of each action three figures are kept: alone (the set {a}), marginal (what it adds to the actions
 * before it; these sum exactly to the plan's saving) and Shapley (its fair share, also summing
 * exactly; Shapley 1953, exact over all subsets). Subset values are memoised as totals per feature
 * and relevant actions, which is the same replay with fewer passes: costs are sums over records and
 * records of a feature only feel the actions on that feature.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ENGINE_COMPOSE_H
#define NETRA_ENGINE_COMPOSE_H

#include "engine/cache_sim.h"
#include "engine/duplicate.h"

#define COMPOSE_ACTIONS_MAX 8u /* 256 subsets, exact */

enum action_kind {
    ACTION_DROP_DUPLICATES, /* every feature */
    ACTION_CACHE,           /* one feature, at one TTL */
    ACTION_BATCH            /* one feature */
};

struct action {
    enum action_kind kind;
    uint16_t feature; /* dict id; not for DROP_DUPLICATES */
    unsigned ttl;     /* index into the simulation's TTLs, for CACHE */
    bool needs_confirmation;
    int128 alone_pico_usd;
    int128 marginal_pico_usd;
    int128 shapley_pico_usd; /* rounded to pico-dollars so that the sum is exact */
    uint64_t records;        /* whose cost it changes, alone */
};

struct plan {
    struct action actions[COMPOSE_ACTIONS_MAX]; /* in the order of application */
    unsigned count;
    int128 baseline_pico_usd;   /* of the priced records */
    int128 after_pico_usd;      /* with every action */
    int128 after_sure_pico_usd; /* with those that need no confirmation */
    uint64_t unpriced;
};

/* What a plan is replayed on. */
struct compose_input {
    const struct usage_table *table;
    const struct rate_card *card;
    const int64_t *cost; /* column of cost_replay */
    const struct price_options *price;
    const struct duplicates *duplicates;   /* NULL: none known */
    const struct cache_sim *cache;         /* NULL: no blocks */
    const struct cache_sim *cache_deduped; /* the same with duplicates skipped; NULL with either */
};

/* One row under a set of actions (bit a = plan->actions[a]): its cost, or COST_UNKNOWN. A batch or
 * cache price that is unknown leaves the row as it is. */
int64_t compose_row(const struct compose_input *input, const struct plan *plan, uint32_t set,
                    size_t row);

/* Fills in all figures of a plan whose actions, in order, are set. ERR_NO_MEMORY. */
must_check int compose_evaluate(const struct compose_input *input, struct plan *plan);

/* Takes out actions that cost money in company: while one has a marginal saving <= 0 in
 * the order, the worst is removed and the plan evaluated again. */
must_check int compose_prune(const struct compose_input *input, struct plan *plan);

#endif
