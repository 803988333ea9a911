/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/whatif.h"

#define BREAKEVEN_SCALE 6

static bool is_in_scope(const struct usage_table *table, const struct whatif_scope *scope,
                        size_t row)
{
    return !scope || ((!scope->feature || table->names[USAGE_FEATURE][row] == *scope->feature) &&
                      (!scope->model || table->names[USAGE_MODEL][row] == *scope->model));
}

static bool is_feasible(const struct price_row *model, const struct usage_tokens *tokens)
{
    return (model->context_window == 0 || usage_input_total(tokens) <= model->context_window) &&
           (model->max_output == 0 || tokens->output <= model->max_output);
}

/* The buckets as the other model would bill them. */
static struct usage_tokens translate(const struct price_row *model, enum usage_tier tier,
                                     const struct price_options *options,
                                     const struct usage_tokens *tokens)
{
    const struct price_vector *vector =
        price_vector_for(model, tier, usage_input_total(tokens), options);
    struct usage_tokens moved = *tokens;
    uint32_t known = vector ? vector->known : 0;

    if (!(known & PRICE_BIT(PRICE_CACHE_READ))) {
        moved.input_uncached += moved.cache_read;
        moved.cache_read = 0;
    }
    if (!(known & PRICE_BIT(PRICE_CACHE_WRITE_5M))) {
        moved.input_uncached += moved.cache_write_5m;
        moved.cache_write_5m = 0;
    }
    if (!(known & PRICE_BIT(PRICE_CACHE_WRITE_1H))) {
        moved.input_uncached += moved.cache_write_1h;
        moved.cache_write_1h = 0;
    }
    return moved;
}

static void add_moved(struct whatif_result *result, int64_t now, const struct price_cost *then)
{
    result->moved++;
    result->then_pico_usd += then->total_pico_usd;
    result->moved_now_pico_usd += now;
    result->moved_output_pico_usd += then->output_pico_usd;
    result->moved_input_pico_usd += then->total_pico_usd - then->output_pico_usd;
}

void whatif_model(const struct usage_table *table, const struct rate_card *card,
                  const int64_t *cost, const struct price_row *model,
                  const struct whatif_scope *scope, const struct price_options *options,
                  size_t begin, size_t end, struct whatif_result *result)
{
    for (size_t row = begin; row < end; row++) {
        struct usage_tokens tokens = usage_tokens_of(table, row);
        enum usage_tier tier = usage_tier_of(table, row);
        struct price_cost then;

        if (!is_in_scope(table, scope, row)) {
            continue;
        }
        if (cost[row] == COST_UNKNOWN) {
            result->unpriced++;
            continue;
        }
        result->now_pico_usd += cost[row];
        if (rate_card_row(card, row) == model) {
            result->same_model++;
            result->then_pico_usd += cost[row];
            continue;
        }
        result->records++;
        struct usage_tokens moved = translate(model, tier, options, &tokens);
        if (!is_feasible(model, &tokens) || price_cost_of(model, tier, &moved, options, &then)) {
            result->infeasible++;
            result->then_pico_usd += cost[row];
            continue;
        }
        result->uncached += moved.cache_read != tokens.cache_read;
        add_moved(result, cost[row], &then);
    }
}

bool whatif_breakeven(const struct whatif_result *result, struct decimal *ret_multiplier)
{
    if (result->moved_output_pico_usd <= 0) {
        return false;
    }
    int128 room = result->moved_now_pico_usd - result->moved_input_pico_usd;
    *ret_multiplier = decimal_of(room * 1000000 / result->moved_output_pico_usd, BREAKEVEN_SCALE);
    return true;
}
