/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/batch.h"

#include "base/alloc.h"

struct usage_tokens batch_tokens(const struct usage_tokens *tokens)
{
    return (struct usage_tokens){
        .input_uncached = usage_input_total(tokens),
        .output = tokens->output,
        .reasoning = tokens->reasoning,
    };
}

/* next_us[row] = start of the session's next call, INT64_MAX when there is none. */
static int64_t *next_in_session(const struct usage_table *table)
{
    uint32_t sessions = table->id_dicts[USAGE_SESSION].count;
    int64_t *next_us = alloc_zeroed(table->count ? table->count : 1, sizeof(*next_us));
    cleanup(alloc_free_pointer) int64_t *later_us = alloc_zeroed(sessions + 1, sizeof(*later_us));

    if (!next_us || !later_us) {
        alloc_free(next_us);
        return NULL;
    }
    for (uint32_t session = 0; session <= sessions; session++) {
        later_us[session] = INT64_MAX;
    }
    for (size_t row = table->count; row-- > 0;) {
        uint32_t session = table->ids[USAGE_SESSION] ? table->ids[USAGE_SESSION][row] : 0;

        next_us[row] = session ? later_us[session] : INT64_MAX;
        later_us[session] = table->time_us[row];
    }
    return next_us;
}

static void weigh(const struct usage_table *table, size_t row, int64_t next_us,
                  struct batch_feature *feature)
{
    bool has_sessions = table->any_present & USAGE_HAS_SESSION;
    bool has_users = table->any_present & USAGE_HAS_USER;

    feature->records++;
    if (!usage_has(table, row, USAGE_HAS_STREAMED)) {
        feature->unknown[BATCH_NOT_STREAMED]++;
    } else if (!usage_is_streamed(table, row)) {
        feature->holds[BATCH_NOT_STREAMED]++;
    }
    if (!has_users) {
        feature->unknown[BATCH_NO_USER]++;
    } else if (!usage_has(table, row, USAGE_HAS_USER)) {
        feature->holds[BATCH_NO_USER]++;
    }
    if (!has_sessions || !usage_has(table, row, USAGE_HAS_TIME)) {
        feature->unknown[BATCH_NO_FOLLOW_UP]++;
    } else if (next_us == INT64_MAX || next_us - table->time_us[row] > BATCH_FOLLOW_UP_US) {
        feature->holds[BATCH_NO_FOLLOW_UP]++;
    }
}

static void price_row_in_batch(const struct usage_table *table, const struct rate_card *card,
                               const int64_t *cost, const struct price_options *options, size_t row,
                               struct batch_feature *feature)
{
    struct usage_tokens tokens = usage_tokens_of(table, row);
    struct usage_tokens moved = batch_tokens(&tokens);

    if (cost[row] == COST_UNKNOWN || usage_tier_of(table, row) != USAGE_STANDARD) {
        return;
    }
    int64_t batch = cost_of_row(card, row, &moved, USAGE_BATCH, options);
    if (batch == COST_UNKNOWN) {
        return;
    }
    feature->movable++;
    feature->now_pico_usd += cost[row];
    feature->batch_pico_usd += batch;
}

static bool is_candidate(const struct batch_feature *feature)
{
    if (feature->records == 0 || feature->movable == 0 ||
        feature->batch_pico_usd >= feature->now_pico_usd) {
        return false;
    }
    for (int i = 0; i < BATCH_EVIDENCE_COUNT; i++) {
        if (feature->holds[i] * 100 < feature->records * BATCH_SHARE_PERCENT) {
            return false;
        }
    }
    return true;
}

int batch_examine(const struct usage_table *table, const struct rate_card *card,
                  const int64_t *cost, const struct price_options *options,
                  struct batch_feature *by_feature)
{
    uint32_t features = table->name_dicts[USAGE_FEATURE].count;
    cleanup(alloc_free_pointer) int64_t *next_us = next_in_session(table);

    if (!next_us) {
        return ERR_NO_MEMORY;
    }
    memset(by_feature, 0, (features ? features : 1) * sizeof(*by_feature));
    for (size_t row = 0; row < table->count; row++) {
        struct batch_feature *feature = &by_feature[table->names[USAGE_FEATURE][row]];

        weigh(table, row, next_us[row], feature);
        price_row_in_batch(table, card, cost, options, row, feature);
    }
    for (uint32_t i = 0; i < features; i++) {
        by_feature[i].is_candidate = is_candidate(&by_feature[i]);
    }
    return OK;
}
