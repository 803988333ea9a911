/*
 * analyses: results that several tools of one run draw on, computed once: which calls are
 * duplicates, what a cache would have done. One run's own; not shared between threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TOOL_ANALYSES_H
#define NETRA_TOOL_ANALYSES_H

#include "engine/cache_sim.h"
#include "engine/duplicate.h"
#include "tool/dataset.h"

struct analyses {
    const struct dataset *dataset;
    struct duplicates duplicates;
    int64_t window_us; /* of duplicates; 0: not computed */
    struct cache_sim cache;
    bool has_cache;
};

/* Borrows the dataset (NULL is allowed as long as nothing is asked). */
void analyses_init(struct analyses *analyses, const struct dataset *dataset);
void analyses_done(struct analyses *analyses);

/* Borrowed until the next question with another window. ERR_NO_MEMORY, ERR_LIMIT. */
must_check int analyses_duplicates(struct analyses *analyses, int64_t window_us,
                                   const struct duplicates **ret_duplicates);

/* A simulation of the whole dataset whose first TTLs are those of options; it may hold more TTLs,
 * and one that was run without split_by_model serves for one with it where no scope mixes models,
 * since the two are then the same. Borrowed until the next question that it cannot answer.
 * ERR_NO_MEMORY, ERR_LIMIT. */
must_check int analyses_cache(struct analyses *analyses, const struct cache_sim_options *options,
                              const struct cache_sim **ret_sim);

#endif
