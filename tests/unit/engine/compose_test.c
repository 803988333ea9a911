/*
 * Plans: parts that sum exactly to the saving, overlaps that are felt, and memoised subsets equal
 * to a replay of every subset. Method: random tables with repeats, caches and batches against
 * compose_row() summed directly, and Shapley by its definition over all orders.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

#include "base/random.h"
#include "engine/compose.h"

#define FEATURES 4u

/* A world with everything that a plan is replayed on. */
struct stage {
    struct world w;
    struct duplicates duplicates;
    struct cache_sim cache;
    struct cache_sim deduped;
    struct compose_input input;
};

static const struct cache_sim_options two_ttls = {
    .ttl_us = {300 * FIXTURE_SECOND, 3600 * FIXTURE_SECOND}, .ttl_count = 2};

static void stage_ready(struct stage *s)
{
    world_price(&s->w);
    assert_int_equal(duplicates_find(&s->duplicates, &s->w.table, 300 * FIXTURE_SECOND), OK);
    assert_int_equal(cache_sim_run(&s->cache, &s->w.table, &s->w.card, &two_ttls, NULL), OK);
    assert_int_equal(
        cache_sim_run(&s->deduped, &s->w.table, &s->w.card, &two_ttls, s->duplicates.is_duplicate),
        OK);
    s->input = (struct compose_input){.table = &s->w.table,
                                      .card = &s->w.card,
                                      .cost = s->w.cost,
                                      .price = &s->w.price,
                                      .duplicates = &s->duplicates,
                                      .cache = &s->cache,
                                      .cache_deduped = &s->deduped};
}

static void stage_done(struct stage *s)
{
    duplicates_done(&s->duplicates);
    cache_sim_done(&s->cache);
    cache_sim_done(&s->deduped);
    world_done(&s->w);
}

static void random_stage(struct stage *s, uint64_t seed)
{
    static const char *const models[] = {"explicit", "explicit", "auto", "plain", "mystery"};
    static const char *const features[FEATURES - 1] = {"a", "b", "c"};
    struct random random;

    random_init(&random, seed, 2);
    world_init(&s->w);
    for (int i = 0; i < 300; i++) {
        uint32_t length = random_below(&random, 30);
        struct block_run run = {0, length};

        fixture_add(&s->w.table,
                    &(struct call){.at_s = i * 30.0,
                                   .model = models[random_below(&random, 5)],
                                   .feature = features[random_below(&random, FEATURES - 1)],
                                   .tier = random_below(&random, 8) ? USAGE_STANDARD : USAGE_BATCH,
                                   .status = (enum usage_status)(random_below(&random, 9) == 0),
                                   .input = length * 10 + random_below(&random, 3),
                                   .output = random_below(&random, 20),
                                   .hash = 1 + length / 2,
                                   .block_size = random_below(&random, 9) ? 10 : 0,
                                   .runs = &run,
                                   .run_count = 1});
    }
    stage_ready(s);
}

static struct plan everything(const struct stage *s)
{
    uint16_t a = (uint16_t)world_feature(&s->w, "a");
    uint16_t b = (uint16_t)world_feature(&s->w, "b");
    uint16_t c = (uint16_t)world_feature(&s->w, "c");

    return (struct plan){
        .actions = {{.kind = ACTION_DROP_DUPLICATES},
                    {.kind = ACTION_CACHE, .feature = a, .ttl = 0},
                    {.kind = ACTION_CACHE, .feature = b, .ttl = 1},
                    {.kind = ACTION_CACHE, .feature = c, .ttl = 1},
                    {.kind = ACTION_CACHE, .feature = c, .ttl = 0},
                    {.kind = ACTION_BATCH, .feature = a, .needs_confirmation = true},
                    {.kind = ACTION_BATCH, .feature = b, .needs_confirmation = true},
                    {.kind = ACTION_BATCH, .feature = c}},
        .count = 8};
}

static int128 replay(const struct stage *s, const struct plan *plan, uint32_t set)
{
    int128 sum = 0;

    for (size_t row = 0; row < s->w.table.count; row++) {
        int64_t cost = compose_row(&s->input, plan, set, row);

        assert_int_equal(cost == COST_UNKNOWN, s->w.cost[row] == COST_UNKNOWN);
        sum += cost == COST_UNKNOWN ? 0 : cost;
    }
    return sum;
}

static void assert_parts_sum(const struct plan *plan)
{
    int128 marginal = 0;
    int128 shapley = 0;

    for (unsigned a = 0; a < plan->count; a++) {
        marginal += plan->actions[a].marginal_pico_usd;
        shapley += plan->actions[a].shapley_pico_usd;
    }
    assert_int128(marginal, plan->baseline_pico_usd - plan->after_pico_usd);
    assert_int128(shapley, plan->baseline_pico_usd - plan->after_pico_usd);
}

static void test_every_figure_is_that_of_a_direct_replay(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct stage s;

        random_stage(&s, seed);
        struct plan plan = everything(&s);
        assert_int_equal(compose_evaluate(&s.input, &plan), OK);
        assert_int128(plan.baseline_pico_usd, replay(&s, &plan, 0));
        assert_int128(plan.baseline_pico_usd, s.w.sums.total_pico_usd);
        assert_int128(plan.after_pico_usd, replay(&s, &plan, 0xff));
        assert_int128(plan.after_sure_pico_usd, replay(&s, &plan, 0xff & ~(1u << 5 | 1u << 6)));
        assert_int_equal(plan.unpriced, s.w.sums.unpriced);
        for (unsigned a = 0; a < 8; a++) {
            uint32_t before = (1u << a) - 1;

            assert_int128(plan.actions[a].alone_pico_usd,
                          plan.baseline_pico_usd - replay(&s, &plan, 1u << a));
            assert_int128(plan.actions[a].marginal_pico_usd,
                          replay(&s, &plan, before) - replay(&s, &plan, before | 1u << a));
        }
        assert_parts_sum(&plan);
        stage_done(&s);
    }
}

/* ---- Shapley ---- */

/* Next permutation in lexical order; false after the last. */
static bool next_order(unsigned *order, unsigned count)
{
    unsigned i = count - 1;
    unsigned j = count - 1;

    while (i > 0 && order[i - 1] > order[i]) {
        i--;
    }
    if (i == 0) {
        return false;
    }
    while (order[j] < order[i - 1]) {
        j--;
    }
    unsigned swap = order[i - 1];
    order[i - 1] = order[j];
    order[j] = swap;
    for (j = count - 1; i < j; i++, j--) {
        swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    return true;
}

/* Sum over all orders of what each action adds: orders × its Shapley value. */
static int128 shapley_by_orders(const struct stage *s, const struct plan *plan, int128 *sums)
{
    unsigned order[COMPOSE_ACTIONS_MAX];
    int128 cost_of[1u << COMPOSE_ACTIONS_MAX];
    int128 orders = 0;

    for (unsigned a = 0; a < plan->count; a++) {
        order[a] = a;
        sums[a] = 0;
    }
    for (uint32_t set = 0; set < 1u << plan->count; set++) {
        cost_of[set] = replay(s, plan, set);
    }
    do {
        uint32_t set = 0;

        for (unsigned i = 0; i < plan->count; i++) {
            sums[order[i]] += cost_of[set] - cost_of[set | 1u << order[i]];
            set |= 1u << order[i];
        }
        orders++;
    } while (next_order(order, plan->count));
    return orders;
}

static void test_shapley_is_the_mean_over_all_orders(void **state)
{
    struct stage s;
    int128 sums[COMPOSE_ACTIONS_MAX];

    (void)state;
    random_stage(&s, 7);
    struct plan plan = everything(&s);
    plan.count = 6;
    assert_int_equal(compose_evaluate(&s.input, &plan), OK);
    int128 orders = shapley_by_orders(&s, &plan, sums);
    assert_int_equal(orders, 720);
    for (unsigned a = 0; a < plan.count; a++) {
        int128 off = plan.actions[a].shapley_pico_usd * orders - sums[a];

        /* rounded down, and at most two of the left-over pico-dollars */
        assert_true(off > -2 * orders && off < 2 * orders);
    }
    assert_parts_sum(&plan);
    stage_done(&s);
}

/* ---- overlaps, by hand ---- */

/* Dropping the repeat takes a hit from the cache: together they save less than the sum. */
static void test_dropped_repeats_take_hits_from_the_cache(void **state)
{
    struct stage s;
    uint16_t f;

    (void)state;
    world_init(&s.w);
    for (int i = 0; i < 2; i++) {
        fixture_add(&s.w.table, &(struct call){.at_s = i,
                                               .model = "explicit",
                                               .feature = "f",
                                               .input = 100,
                                               .hash = 9,
                                               .block_size = 10,
                                               RUNS({0, 10})});
    }
    stage_ready(&s);
    f = (uint16_t)world_feature(&s.w, "f");
    struct plan plan = {.actions = {{.kind = ACTION_DROP_DUPLICATES},
                                    {.kind = ACTION_CACHE, .feature = f, .ttl = 0}},
                        .count = 2};
    assert_int_equal(compose_evaluate(&s.input, &plan), OK);
    assert_int128(plan.baseline_pico_usd, 800 * PER_M);
    assert_int128(plan.actions[0].alone_pico_usd, 400 * PER_M);
    assert_int128(plan.actions[1].alone_pico_usd, (800 - 500 - 40) * PER_M);
    assert_int128(plan.after_pico_usd, 500 * PER_M); /* one call, written and never read */
    assert_int128(plan.actions[1].marginal_pico_usd, -100 * PER_M);
    assert_int_equal(plan.actions[0].records, 1);
    assert_int_equal(plan.actions[1].records, 2);
    /* half of what each adds first plus what it adds second */
    assert_int128(plan.actions[0].shapley_pico_usd, (400 + 40) * PER_M / 2);
    assert_int128(plan.actions[1].shapley_pico_usd, (260 - 100) * PER_M / 2);

    /* The cache costs money in company and goes. */
    assert_int_equal(compose_prune(&s.input, &plan), OK);
    assert_int_equal(plan.count, 1);
    assert_int_equal(plan.actions[0].kind, ACTION_DROP_DUPLICATES);
    assert_int128(plan.after_pico_usd, 400 * PER_M);
    assert_parts_sum(&plan);
    stage_done(&s);
}

/* The repeat kept the blocks alive for the call behind it: without it, that call finds nothing. */
static void test_dropped_repeats_no_longer_refresh_the_cache(void **state)
{
    struct stage s;

    (void)state;
    world_init(&s.w);
    for (int i = 0; i < 3; i++) {
        fixture_add(&s.w.table, &(struct call){.at_s = i * 250.0,
                                               .model = "explicit",
                                               .feature = "f",
                                               .input = 100,
                                               .hash = i < 2 ? 9 : 10,
                                               .block_size = 10,
                                               RUNS({0, 10})});
    }
    stage_ready(&s);
    struct plan plan = {.actions = {{.kind = ACTION_DROP_DUPLICATES},
                                    {.kind = ACTION_CACHE,
                                     .feature = (uint16_t)world_feature(&s.w, "f"),
                                     .ttl = 0}},
                        .count = 2};
    assert_int_equal(compose_evaluate(&s.input, &plan), OK);
    assert_int128(plan.actions[1].alone_pico_usd, (3 * 400 - 500 - 2 * 40) * PER_M);
    assert_int128(plan.after_pico_usd, 2 * 500 * PER_M); /* written, dropped, written */
    stage_done(&s);
}

/* The batch comes after the cache and promises no reads: together they cost what the batch does. */
static void test_a_batch_undoes_the_cache_before_it(void **state)
{
    struct stage s;
    uint16_t f;

    (void)state;
    world_init(&s.w);
    for (int i = 0; i < 10; i++) {
        fixture_add(&s.w.table, &(struct call){.at_s = i,
                                               .model = "explicit",
                                               .feature = "f",
                                               .input = 100,
                                               .output = 1,
                                               .block_size = 10,
                                               RUNS({0, 10})});
    }
    stage_ready(&s);
    f = (uint16_t)world_feature(&s.w, "f");
    struct plan plan = {.actions = {{.kind = ACTION_CACHE, .feature = f, .ttl = 0},
                                    {.kind = ACTION_BATCH, .feature = f}},
                        .count = 2};
    assert_int_equal(compose_evaluate(&s.input, &plan), OK);
    assert_int128(plan.after_pico_usd, (10 * 100 * 2 + 10 * 10) * PER_M);
    assert_int128(plan.baseline_pico_usd - plan.after_pico_usd, plan.actions[1].alone_pico_usd);
    assert_int_equal(compose_prune(&s.input, &plan), OK);
    assert_int_equal(plan.count, 1); /* the batch would cost 2100 against 500 + 360 + 200 */
    assert_int_equal(plan.actions[0].kind, ACTION_CACHE);
    stage_done(&s);
}

static void test_features_feel_only_their_own_actions(void **state)
{
    struct stage s;

    (void)state;
    world_init(&s.w);
    fixture_add(&s.w.table,
                &(struct call){.at_s = 0, .model = "auto", .feature = "f", .input = 100});
    fixture_add(&s.w.table,
                &(struct call){.at_s = 1, .model = "auto", .feature = "g", .input = 100});
    stage_ready(&s);
    struct plan plan = {
        .actions = {{.kind = ACTION_BATCH, .feature = (uint16_t)world_feature(&s.w, "g")}},
        .count = 1};
    assert_int_equal(compose_evaluate(&s.input, &plan), OK);
    assert_int128(plan.after_pico_usd, (200 + 100) * PER_M);
    assert_int_equal(plan.actions[0].records, 1);
    assert_true(compose_row(&s.input, &plan, 1, 0) == s.w.cost[0]);
    stage_done(&s);
}

/* ---- edges ---- */

static void test_an_empty_plan_changes_nothing(void **state)
{
    struct plan plan = {.count = 0};
    struct stage s;

    (void)state;
    random_stage(&s, 11);
    assert_int_equal(compose_prune(&s.input, &plan), OK);
    assert_int128(plan.baseline_pico_usd, s.w.sums.total_pico_usd);
    assert_int128(plan.after_pico_usd, plan.baseline_pico_usd);
    assert_int128(plan.after_sure_pico_usd, plan.baseline_pico_usd);
    assert_int_equal(plan.unpriced, s.w.sums.unpriced);
    stage_done(&s);
}

static void test_a_plan_works_without_duplicates_caches_or_rows(void **state)
{
    struct compose_input input;
    struct stage s;

    (void)state;
    random_stage(&s, 12);
    struct plan plan = everything(&s);
    input = s.input;
    input.duplicates = NULL;
    input.cache = NULL;
    input.cache_deduped = NULL;
    assert_int_equal(compose_evaluate(&input, &plan), OK);
    for (unsigned a = 0; a < 5; a++) {
        assert_int128(plan.actions[a].alone_pico_usd, 0);
        assert_int_equal(plan.actions[a].records, 0);
    }
    assert_true(plan.actions[5].alone_pico_usd != 0);
    stage_done(&s);

    world_init(&s.w);
    stage_ready(&s);
    plan = (struct plan){.actions = {{.kind = ACTION_DROP_DUPLICATES}}, .count = 1};
    assert_int_equal(compose_prune(&s.input, &plan), OK);
    assert_int_equal(plan.count, 0);
    assert_int128(plan.after_pico_usd, 0);
    stage_done(&s);
}

static void test_pruning_keeps_what_saves_and_never_costs(void **state)
{
    unsigned pruned = 0;

    (void)state;
    for (uint64_t seed = 20; seed < 26; seed++) {
        struct stage s;

        random_stage(&s, seed);
        struct plan plan = everything(&s);
        assert_int_equal(compose_prune(&s.input, &plan), OK);
        assert_true(plan.count > 0);
        pruned += 8 - plan.count;
        assert_true(plan.after_pico_usd < plan.baseline_pico_usd);
        for (unsigned a = 0; a < plan.count; a++) {
            assert_true(plan.actions[a].marginal_pico_usd > 0);
        }
        assert_parts_sum(&plan);
        assert_int128(plan.after_pico_usd, replay(&s, &plan, (1u << plan.count) - 1));
        stage_done(&s);
    }
    assert_true(pruned > 0); /* or this test has seen nothing */
}

static void test_evaluating_survives_every_failing_allocation(void **state)
{
    int code = ERR_NO_MEMORY;
    struct stage s;

    (void)state;
    random_stage(&s, 30);
    struct plan plan = everything(&s);
    for (uint64_t nth = 1; code; nth++) {
        assert_true(nth < 100);
        (void)alloc_fail_from(nth);
        code = compose_evaluate(&s.input, &plan);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
    }
    assert_parts_sum(&plan);
    stage_done(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_figure_is_that_of_a_direct_replay),
    cmocka_unit_test(test_shapley_is_the_mean_over_all_orders),
    cmocka_unit_test(test_dropped_repeats_take_hits_from_the_cache),
    cmocka_unit_test(test_dropped_repeats_no_longer_refresh_the_cache),
    cmocka_unit_test(test_a_batch_undoes_the_cache_before_it),
    cmocka_unit_test(test_features_feel_only_their_own_actions),
    cmocka_unit_test(test_an_empty_plan_changes_nothing),
    cmocka_unit_test(test_a_plan_works_without_duplicates_caches_or_rows),
    cmocka_unit_test(test_pruning_keeps_what_saves_and_never_costs),
    cmocka_unit_test(test_evaluating_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
