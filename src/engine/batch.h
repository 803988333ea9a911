/*
 * batch: which features could wait for a batch API, judged by evidence, and what that would cost.
 *
 * Whether a feature may wait up to a day is its owner's decision; the records can only suggest it.
 * Evidence per feature: nobody watches (not streamed), nobody is named (no user), nothing follows
 * (no later call of the same session within BATCH_FOLLOW_UP_US), and the model has batch prices. A
 * feature is a candidate when each of these holds for at least BATCH_SHARE of its calls. A kind of
 * evidence that the records lack is missing, not fulfilled.
 *
 * Price: the batch tier's complete vector. Cache reads are not promised in a batch, so all input is
 * priced as uncached there; that can only understate the saving.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ENGINE_BATCH_H
#define NETRA_ENGINE_BATCH_H

#include "engine/cost.h"

#define BATCH_FOLLOW_UP_US  (10 * 60 * INT64_C(1000000))
#define BATCH_SHARE_PERCENT 95u

enum batch_evidence { BATCH_NOT_STREAMED, BATCH_NO_USER, BATCH_NO_FOLLOW_UP, BATCH_EVIDENCE_COUNT };

struct batch_feature {
    uint64_t records;
    uint64_t holds[BATCH_EVIDENCE_COUNT];   /* records for which the evidence speaks for batch */
    uint64_t unknown[BATCH_EVIDENCE_COUNT]; /* records that do not say */
    uint64_t movable;                       /* standard tier now, price there and in batch known */
    int128 now_pico_usd;                    /* of movable */
    int128 batch_pico_usd;
    bool is_candidate;
};

/* by_feature has room for name_dicts[USAGE_FEATURE].count (at least 1) and is set.
 * When no record names a user (or a session) at all, that evidence is unknown, and what follows a
 * call without a time is too. Rows must be in the order of time. ERR_NO_MEMORY. */
must_check int batch_examine(const struct usage_table *table, const struct rate_card *card,
                             const int64_t *cost, const struct price_options *options,
                             struct batch_feature *by_feature);

/* What a call would be billed as in a batch. */
struct usage_tokens batch_tokens(const struct usage_tokens *tokens);

#endif
