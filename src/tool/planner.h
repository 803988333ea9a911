/*
 * planner: chooses the actions of a plan from a dataset and prices them by one replay. Private to
 * tool/; tool_choose_plan.c puts the result into words.
 *
 *     struct planner planner = {.dataset = …, .analyses = …, .exclude = …};
 *     planner_prepare(&planner), planner_choose(&planner), … planner_done(&planner)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TOOL_PLANNER_H
#define NETRA_TOOL_PLANNER_H

#include "engine/batch.h"
#include "engine/compose.h"
#include "tool/analyses.h"

/* Indexes of the simulated lifetimes: what action.ttl means here. */
enum { TTL_5M, TTL_1H, TTL_CHOICES };

struct planner {
    const struct dataset *dataset;
    struct analyses *analyses; /* of the run; outlive the planner */
    const struct str *exclude; /* features that must not be changed */
    size_t exclude_count;
    struct duplicates duplicates;  /* without those of excluded features */
    const struct cache_sim *cache; /* NULL: no blocks */
    struct cache_sim deduped;      /* the same without the duplicates, where that can differ */
    struct batch_feature *batch;
    struct compose_input input;
    struct plan plan;
    size_t left_out; /* smaller candidates beyond what is replayed exactly */
};

/* The simulations that the replay draws on. ERR_NO_MEMORY, ERR_LIMIT. */
must_check int planner_prepare(struct planner *planner);

/* Fills in plan and left_out. ERR_NO_MEMORY. */
must_check int planner_choose(struct planner *planner);

void planner_done(struct planner *planner);

/* Empty when the records name no features. */
struct str planner_feature_name(const struct planner *planner, uint32_t feature);

#endif
