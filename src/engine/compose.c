/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/compose.h"

#include "base/alloc.h"
#include "base/check.h"
#include "engine/batch.h"

#define SUBSETS_MAX (1u << COMPOSE_ACTIONS_MAX)

static bool applies_to(const struct action *action, uint16_t feature)
{
    return action->kind == ACTION_DROP_DUPLICATES || action->feature == feature;
}

static bool has_drop(const struct plan *plan, uint32_t set)
{
    for (unsigned a = 0; a < plan->count; a++) {
        if (set >> a & 1 && plan->actions[a].kind == ACTION_DROP_DUPLICATES) {
            return true;
        }
    }
    return false;
}

static bool is_dropped(const struct compose_input *input, const struct plan *plan, uint32_t set,
                       size_t row)
{
    return input->duplicates && input->duplicates->is_duplicate[row] && has_drop(plan, set);
}

int64_t compose_row(const struct compose_input *input, const struct plan *plan, uint32_t set,
                    size_t row)
{
    uint16_t feature = input->table->names[USAGE_FEATURE][row];
    struct usage_tokens tokens = usage_tokens_of(input->table, row);
    int64_t cost = input->cost[row];

    if (cost == COST_UNKNOWN) {
        return COST_UNKNOWN;
    }
    if (is_dropped(input, plan, set, row)) {
        return 0;
    }
    for (unsigned a = 0; a < plan->count; a++) {
        const struct action *action = &plan->actions[a];
        enum usage_tier tier = usage_tier_of(input->table, row);
        int64_t changed = COST_UNKNOWN;

        if (!(set >> a & 1) || !applies_to(action, feature)) {
            continue;
        }
        if (action->kind == ACTION_CACHE && input->cache &&
            cache_sim_is_explicit(rate_card_row(input->card, row))) {
            bool deduped = has_drop(plan, set) && input->cache_deduped;

            tokens = cache_sim_tokens(deduped ? input->cache_deduped : input->cache, input->table,
                                      input->card, row, action->ttl);
            changed = cost_of_row(input->card, row, &tokens, tier, input->price);
        } else if (action->kind == ACTION_BATCH && tier == USAGE_STANDARD) {
            struct usage_tokens moved = batch_tokens(&tokens);

            changed = cost_of_row(input->card, row, &moved, USAGE_BATCH, input->price);
        }
        cost = changed == COST_UNKNOWN ? cost : changed;
    }
    return cost;
}

/* Totals of one feature under the subsets of the actions that touch it: cells[s] where s counts
 * only those actions, in their order. */
struct feature_cells {
    uint32_t relevant; /* bits of the plan's actions */
    int128 *totals;    /* [1 << popcount(relevant)] */
};

/* The bits of set at the places of mask, packed together. */
static uint32_t pack_bits(uint32_t set, uint32_t mask)
{
    uint32_t packed = 0;
    unsigned place = 0;

    for (; mask; mask &= mask - 1) {
        uint32_t bit = mask & -mask;

        packed |= (uint32_t)((set & bit) != 0) << place++;
    }
    return packed;
}

static uint32_t unpack_bits(uint32_t packed, uint32_t mask)
{
    uint32_t set = 0;

    for (; mask; mask &= mask - 1, packed >>= 1) {
        set |= packed & 1 ? mask & -mask : 0;
    }
    return set;
}

static void cells_free(struct feature_cells *cells, uint32_t count)
{
    for (uint32_t i = 0; cells && i < count; i++) {
        alloc_free(cells[i].totals);
    }
    alloc_free(cells);
}

static struct feature_cells *cells_new(const struct plan *plan, uint32_t features)
{
    struct feature_cells *cells = alloc_zeroed(features, sizeof(*cells));

    for (uint32_t f = 0; cells && f < features; f++) {
        for (unsigned a = 0; a < plan->count; a++) {
            cells[f].relevant |= (uint32_t)applies_to(&plan->actions[a], (uint16_t)f) << a;
        }
        cells[f].totals =
            alloc_zeroed((size_t)1 << __builtin_popcount(cells[f].relevant), sizeof(int128));
        if (!cells[f].totals) {
            cells_free(cells, features);
            return NULL;
        }
    }
    return cells;
}

static void fill_cells(const struct compose_input *input, struct plan *plan,
                       struct feature_cells *cells)
{
    for (size_t row = 0; row < input->table->count; row++) {
        struct feature_cells *cell = &cells[input->table->names[USAGE_FEATURE][row]];
        uint32_t subsets = 1u << __builtin_popcount(cell->relevant);

        if (input->cost[row] == COST_UNKNOWN) {
            plan->unpriced++;
            continue;
        }
        cell->totals[0] += input->cost[row];
        for (uint32_t s = 1; s < subsets; s++) {
            int64_t cost = compose_row(input, plan, unpack_bits(s, cell->relevant), row);

            cell->totals[s] += cost;
            for (unsigned a = 0; a < plan->count; a++) {
                plan->actions[a].records +=
                    unpack_bits(s, cell->relevant) == 1u << a && cost != input->cost[row];
            }
        }
    }
}

/* Shapley in integers: each action gets the floor of its weighted sum over a common denominator,
 * and the few pico-dollars that are left go to the first actions, one each. */
static void share_fairly(struct plan *plan, const int128 *cost_of)
{
    static const int128 factorial[] = {1, 1, 2, 6, 24, 120, 720, 5040, 40320};
    uint32_t all = (1u << plan->count) - 1;
    int128 left = cost_of[0] - cost_of[all];

    for (unsigned a = 0; a < plan->count; a++) {
        int128 sum = 0;

        for (uint32_t s = 0; s <= all; s++) {
            if (!(s >> a & 1)) {
                unsigned size = (unsigned)__builtin_popcount(s);

                sum += factorial[size] * factorial[plan->count - size - 1] *
                       (cost_of[s] - cost_of[s | 1u << a]);
            }
        }
        int128 share = sum / factorial[plan->count];
        plan->actions[a].shapley_pico_usd = share;
        left -= share;
    }
    for (unsigned a = 0; left != 0 && plan->count; a = (a + 1) % plan->count) {
        int128 one = left > 0 ? 1 : -1;

        plan->actions[a].shapley_pico_usd += one;
        left -= one;
    }
}

int compose_evaluate(const struct compose_input *input, struct plan *plan)
{
    uint32_t features = input->table->name_dicts[USAGE_FEATURE].count;
    int128 cost_of[SUBSETS_MAX] = {0};
    uint32_t sure = 0;

    check_cmp(plan->count, <=, COMPOSE_ACTIONS_MAX);
    uint32_t all = (1u << plan->count) - 1;
    features = features ? features : 1;
    struct feature_cells *cells = cells_new(plan, features);
    if (!cells) {
        return ERR_NO_MEMORY;
    }
    plan->unpriced = 0;
    for (unsigned a = 0; a < plan->count; a++) {
        plan->actions[a].records = 0;
        sure |= (uint32_t)!plan->actions[a].needs_confirmation << a;
    }
    fill_cells(input, plan, cells);
    for (uint32_t s = 0; s <= all; s++) {
        for (uint32_t f = 0; f < features; f++) {
            cost_of[s] += cells[f].totals[pack_bits(s, cells[f].relevant)];
        }
    }
    cells_free(cells, features);
    plan->baseline_pico_usd = cost_of[0];
    plan->after_pico_usd = cost_of[all];
    plan->after_sure_pico_usd = cost_of[sure];
    for (unsigned a = 0; a < plan->count; a++) {
        uint32_t before = (1u << a) - 1;

        plan->actions[a].alone_pico_usd = cost_of[0] - cost_of[1u << a];
        plan->actions[a].marginal_pico_usd = cost_of[before] - cost_of[before | 1u << a];
    }
    share_fairly(plan, cost_of);
    return OK;
}

/* Index of the action with the smallest marginal saving that is not positive, or count. */
static unsigned worst_action(const struct plan *plan)
{
    unsigned worst = plan->count;

    for (unsigned a = 0; a < plan->count; a++) {
        int128 marginal = plan->actions[a].marginal_pico_usd;

        if (marginal <= 0 &&
            (worst == plan->count || marginal < plan->actions[worst].marginal_pico_usd)) {
            worst = a;
        }
    }
    return worst;
}

int compose_prune(const struct compose_input *input, struct plan *plan)
{
    int code = compose_evaluate(input, plan);

    while (!code) {
        unsigned worst = worst_action(plan);

        if (worst == plan->count) {
            break;
        }
        memmove(&plan->actions[worst], &plan->actions[worst + 1],
                (plan->count - worst - 1) * sizeof(plan->actions[0]));
        plan->count--;
        code = compose_evaluate(input, plan);
    }
    return code;
}
