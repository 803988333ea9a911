/*
 * whatif: the same calls on another model, priced record by record.
 *
 * Tokens are taken over one to one (other tokenisers and other answers are longer or shorter:
 * nobody knows from these records), so next to the cost stands the break-even output multiplier,
 * which needs no assumption about answers: how many times longer they may become before the change
 * stops paying. Calls that the other model cannot take (longer than its input window, or an answer
 * above its output limit) stay where they are and are counted. Cached tokens are priced as cached
 * only where the other model has such prices; otherwise as plain input, which can only overstate
 * it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ENGINE_WHATIF_H
#define NETRA_ENGINE_WHATIF_H

#include "engine/cost.h"

struct whatif_result {
    uint64_t records;     /* in scope, not on the model already */
    uint64_t moved;       /* priced on the other model */
    uint64_t infeasible;  /* stay: too long for it, or their service tier has no price there */
    uint64_t unpriced;    /* in scope, but their present price is unknown; no part of any sum */
    uint64_t same_model;  /* on it already; not in records */
    uint64_t uncached;    /* of moved: had cached tokens that are priced as plain input */
    int128 now_pico_usd;  /* all of scope as it is, without the unpriced */
    int128 then_pico_usd; /* all of scope after the change */
    int128 moved_now_pico_usd;
    int128 moved_input_pico_usd; /* of moved, on the other model: everything but output */
    int128 moved_output_pico_usd;
};

/* Which rows may move: NULL members match everything. */
struct whatif_scope {
    const uint16_t *feature; /* dict id */
    const uint16_t *model;   /* dict id of the present model */
};

void whatif_model(const struct usage_table *table, const struct rate_card *card,
                  const int64_t *cost, const struct price_row *model,
                  const struct whatif_scope *scope, const struct price_options *options,
                  size_t begin, size_t end, struct whatif_result *result);

/* (cost now − input cost there) / output cost there, for the moved calls; false when they have no
 * output. Below 1: dearer even with equal answers. */
bool whatif_breakeven(const struct whatif_result *result, struct decimal *ret_multiplier);

#endif
