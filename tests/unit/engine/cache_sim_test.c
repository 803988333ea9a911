/*
 * The cache simulation: hits and costs by hand for each clause of its definition, the properties
 * that any cache has, and random calls against a simulation that keeps one time per block.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

#include "base/random.h"
#include "engine/cache_sim.h"

#define TTL_5M 0
#define TTL_1H 1
#define TTL_UN 2

static const struct cache_sim_options three_ttls = {
    .ttl_us = {300 * FIXTURE_SECOND, 3600 * FIXTURE_SECOND, CACHE_SIM_UNBOUNDED}, .ttl_count = 3};

static void simulate(struct cache_sim *sim, const struct world *w,
                     const struct cache_sim_options *options)
{
    assert_int_equal(cache_sim_run(sim, &w->table, &w->card, options, NULL), OK);
}

static struct call call_of(const char *model, double at_s, uint64_t input)
{
    return (struct call){.model = model, .at_s = at_s, .input = input, .block_size = 10};
}

/* ---- what is hit ---- */

static void test_a_block_lives_exactly_as_long_as_the_lifetime(void **state)
{
    struct cache_sim sim;
    struct world w;

    (void)state;
    WORLD_OF(
        &w, {.model = "explicit", .at_s = 0, .input = 105, .block_size = 10, RUNS({0, 10})},
        {.model = "explicit", .at_s = 300, .input = 125, .block_size = 10, RUNS({0, 12})},
        {.model = "explicit", .at_s = 600.000001, .input = 120, .block_size = 10, RUNS({0, 12})},
        {.model = "explicit", .at_s = 4201, .input = 120, .block_size = 10, RUNS({0, 12})});
    simulate(&sim, &w, &three_ttls);
    assert_int_equal(sim.hit_tokens[TTL_5M][0], 0);
    assert_int_equal(sim.hit_tokens[TTL_5M][1], 100); /* 300 s later: still there */
    assert_int_equal(sim.hit_tokens[TTL_5M][2], 0);   /* a microsecond more: gone */
    assert_int_equal(sim.hit_tokens[TTL_1H][2], 120);
    assert_int_equal(sim.hit_tokens[TTL_1H][3], 0);
    assert_int_equal(sim.hit_tokens[TTL_UN][3], 120);
    assert_int_equal(sim.total.records, 4);
    assert_int_equal(sim.total.block_refs, 46);
    assert_int_equal(sim.total.input_tokens, 470);
    assert_int_equal(sim.total.by_ttl[TTL_5M].hit_blocks, 10);
    assert_int_equal(sim.total.by_ttl[TTL_1H].hit_blocks, 22);
    assert_int_equal(sim.total.by_ttl[TTL_UN].hit_blocks, 34);
    cache_sim_done(&sim);
    world_done(&w);
}

/* The first block that is not there ends the hit, whatever follows; touching refreshes; hit tokens
 * never exceed the input. */
static void test_a_hit_is_the_longest_prefix(void **state)
{
    struct cache_sim sim;
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "auto", .at_s = 0, .input = 50, .block_size = 10, RUNS({0, 2}, {7, 3})},
             {.model = "auto", .at_s = 200, .input = 50, .block_size = 10, RUNS({0, 1}, {8, 2})},
             {.model = "auto", .at_s = 400, .input = 50, .block_size = 10, RUNS({0, 2}, {8, 2})},
             {.model = "auto", .at_s = 450, .input = 13, .block_size = 10, RUNS({0, 2})});
    simulate(&sim, &w, &three_ttls);
    assert_int_equal(sim.hit_tokens[TTL_5M][1], 30); /* 0, 8, 9 */
    assert_int_equal(sim.hit_tokens[TTL_5M][2], 10); /* 0 was refreshed, 1 was not */
    assert_int_equal(sim.hit_tokens[TTL_1H][2], 40);
    assert_int_equal(sim.hit_tokens[TTL_5M][3], 13); /* two blocks of 10, but 13 tokens */
    cache_sim_done(&sim);
    world_done(&w);
}

static void test_scopes_and_on_request_each_model_have_caches_of_their_own(void **state)
{
    struct cache_sim_options by_model = three_ttls;
    struct cache_sim sim;
    struct world w;

    (void)state;
    WORLD_OF(
        &w, {.model = "auto", .at_s = 0, .scope = "a", .input = 20, .block_size = 10, RUNS({0, 2})},
        {.model = "auto", .at_s = 1, .scope = "b", .input = 20, .block_size = 10, RUNS({0, 2})},
        {.model = "explicit",
         .at_s = 2,
         .scope = "a",
         .input = 20,
         .block_size = 10,
         RUNS({0, 2})});
    simulate(&sim, &w, &three_ttls);
    assert_int_equal(sim.hit_tokens[TTL_5M][1], 0);
    assert_int_equal(sim.hit_tokens[TTL_5M][2], 20);
    assert_int_equal(sim.mixed_scopes, 1);
    cache_sim_done(&sim);

    by_model.split_by_model = true;
    simulate(&sim, &w, &by_model);
    assert_int_equal(sim.hit_tokens[TTL_5M][2], 0);
    cache_sim_done(&sim);
    world_done(&w);
}

/* ---- who takes part ---- */

static void test_failed_and_skipped_calls_neither_read_nor_write(void **state)
{
    const uint8_t skip[] = {0, 0, 1, 0};
    struct cache_sim sim;
    struct world w;

    (void)state;
    WORLD_OF(&w,
             {.model = "auto",
              .at_s = 0,
              .input = 20,
              .block_size = 10,
              RUNS({0, 2}),
              .status = USAGE_ERROR},
             {.model = "auto", .at_s = 1, .input = 20, .block_size = 10, RUNS({0, 2})},
             {.model = "auto", .at_s = 299, .input = 20, .block_size = 10, RUNS({0, 2})},
             {.model = "auto", .at_s = 400, .input = 20, .block_size = 10, RUNS({0, 2})});
    simulate(&sim, &w, &three_ttls);
    assert_int_equal(sim.total.records, 3);
    assert_int_equal(sim.total.by_ttl[TTL_5M].hit_blocks, 4);
    cache_sim_done(&sim);

    assert_int_equal(cache_sim_run(&sim, &w.table, &w.card, &three_ttls, skip), OK);
    assert_int_equal(sim.total.records, 2);
    assert_int_equal(sim.total.by_ttl[TTL_5M].hit_blocks, 0); /* the one that refreshed is gone */
    assert_int_equal(sim.total.by_ttl[TTL_1H].hit_blocks, 2);
    cache_sim_done(&sim);
    world_done(&w);
}

/* Without a time nobody knows what came before what: such calls must not look as if all of them had
 * come in one moment, where everything is a hit. */
static void test_calls_without_a_time_are_not_simulated(void **state)
{
    struct cache_sim sim;
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "auto", .at_s = -1, .input = 20, .block_size = 10, RUNS({0, 2})},
             {.model = "auto", .at_s = -1, .input = 20, .block_size = 10, RUNS({0, 2})},
             {.model = "auto", .at_s = 5, .input = 20, .block_size = 10, RUNS({0, 2})});
    simulate(&sim, &w, &three_ttls);
    assert_int_equal(sim.total.records, 1);
    assert_int_equal(sim.total.by_ttl[TTL_UN].hit_blocks, 0);
    cache_sim_done(&sim);
    world_done(&w);
}

static void test_prompts_below_the_minimum_stay_outside_when_it_is_honoured(void **state)
{
    struct cache_sim_options strict = three_ttls;
    struct cache_sim sim;
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "explicit", .at_s = 0, .input = 99, .block_size = 10, RUNS({0, 9})},
             {.model = "explicit", .at_s = 1, .input = 100, .block_size = 10, RUNS({0, 10})},
             {.model = "explicit", .at_s = 2, .input = 99, .block_size = 10, RUNS({0, 9})},
             {.model = "explicit", .at_s = 3, .input = 100, .block_size = 10, RUNS({0, 10})});
    strict.honour_minimum = true;
    simulate(&sim, &w, &strict);
    assert_int_equal(sim.total.below_minimum, 2);
    assert_int_equal(sim.total.by_ttl[TTL_5M].hit_blocks, 10); /* the last finds the second */
    assert_int128(sim.total.by_ttl[TTL_5M].cost_pico_usd,
                  (99 * 4 + 100 * 5 + 99 * 4) * PER_M + 100 * 4 * PER_M / 10);
    cache_sim_done(&sim);
    simulate(&sim, &w, &three_ttls);
    assert_int_equal(sim.total.below_minimum, 0);
    assert_int_equal(sim.total.by_ttl[TTL_5M].hit_blocks, 9 + 9 + 10);
    cache_sim_done(&sim);
    world_done(&w);
}

/* ---- what it costs ---- */

static void test_writes_are_priced_by_lifetime_and_only_where_the_model_charges_them(void **state)
{
    struct cache_sim sim;
    struct world w;

    (void)state;
    WORLD_OF(&w,
             {.model = "explicit",
              .at_s = 0,
              .input = 205,
              .output = 3,
              .block_size = 10,
              RUNS({0, 20})},
             {.model = "explicit",
              .at_s = 1,
              .input = 205,
              .output = 3,
              .block_size = 10,
              RUNS({0, 20})},
             {.model = "auto",
              .at_s = 2,
              .scope = "x",
              .input = 105,
              .output = 1,
              .block_size = 10,
              RUNS({0, 10})},
             {.model = "auto",
              .at_s = 3,
              .scope = "x",
              .input = 105,
              .output = 1,
              .block_size = 10,
              RUNS({0, 10})});
    simulate(&sim, &w, &three_ttls);
    int128 outputs = (2 * 3 * 20 + 2 * 8) * PER_M;
    int128 automatic = (105 * 2 + 100 * 1 + 5 * 2) * PER_M;
    int128 reads = 200 * 4 * PER_M / 10;
    assert_int128(sim.total.cost_none_pico_usd, outputs + (2 * 205 * 4 + 2 * 105 * 2) * PER_M);
    assert_int128(sim.total.by_ttl[TTL_5M].cost_pico_usd,
                  outputs + automatic + (205 * 5 + 5 * 5) * PER_M + reads);
    assert_int128(sim.total.by_ttl[TTL_1H].cost_pico_usd,
                  outputs + automatic + (205 * 8 + 5 * 8) * PER_M + reads);
    assert_int128(sim.total.by_ttl[TTL_UN].cost_pico_usd,
                  outputs + automatic + (205 * 4 + 5 * 4) * PER_M + reads);
    assert_int_equal(sim.total.explicit_records, 2);
    assert_int128(sim.total.explicit_now_pico_usd, (2 * 205 * 4 + 2 * 3 * 20) * PER_M);
    assert_int128(sim.total.by_ttl[TTL_5M].explicit_cost_pico_usd,
                  (2 * 3 * 20 + 205 * 5 + 5 * 5) * PER_M + reads);
    cache_sim_done(&sim);
    world_done(&w);
}

static void test_a_model_without_cache_prices_is_priced_uncached(void **state)
{
    struct cache_sim sim;
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "plain", .at_s = 0, .input = 20, .block_size = 10, RUNS({0, 2})},
             {.model = "plain", .at_s = 1, .input = 20, .block_size = 10, RUNS({0, 2})},
             {.model = "mystery", .at_s = 2, .input = 20, .block_size = 10, RUNS({0, 2})});
    simulate(&sim, &w, &three_ttls);
    assert_int_equal(sim.total.uncacheable, 2);
    assert_int_equal(sim.total.unpriced, 1);
    assert_int128(sim.total.by_ttl[TTL_5M].cost_pico_usd, 40 * PER_M);
    assert_int128(sim.total.cost_none_pico_usd, 40 * PER_M);
    cache_sim_done(&sim);
    world_done(&w);
}

/* A list that says what a read costs, but not what the write does that must come before it: taking
 * the write at the input price would be an invention, and too cheap. */
static void test_an_explicit_model_without_a_write_price_is_unpriced(void **state)
{
    static const char *const book =
        "{\"netra_prices\": 1, \"unit\": \"USD per million tokens\", \"models\": ["
        "{\"provider\": \"p\", \"model\": \"half\", \"source_date\": \"2026-01-01\","
        " \"cache\": {\"mode\": \"explicit\"},"
        " \"prices\": {\"standard\": {\"input\": 4, \"cache_read\": 0.4, \"output\": 20}}}]}";
    struct cache_sim sim;
    struct world w;

    (void)state;
    world_init(&w);
    price_book_free(w.book);
    assert_int_equal(price_book_parse(str_from(book), STR("half"), &w.book, NULL), OK);
    fixture_add(&w.table,
                &(struct call){.model = "half", .input = 20, .block_size = 10, RUNS({0, 2})});
    world_price(&w);
    assert_int_equal(w.sums.priced, 1);
    simulate(&sim, &w, &three_ttls);
    assert_int_equal(sim.total.unpriced, 1);
    assert_int128(sim.total.by_ttl[TTL_5M].cost_pico_usd, 0);
    cache_sim_done(&sim);
    world_done(&w);
}

static void test_context_tiers_are_honoured_unless_told_otherwise(void **state)
{
    struct cache_sim_options flat = three_ttls;
    struct cache_sim sim;
    struct world w;

    (void)state;
    WORLD_OF(&w, {.model = "explicit",
                  .at_s = 0,
                  .input = 1001,
                  .output = 1,
                  .block_size = 10,
                  RUNS({0, 100})});
    simulate(&sim, &w, &three_ttls);
    assert_int128(sim.total.cost_none_pico_usd, (1001 * 8 + 40) * PER_M);
    assert_int128(sim.total.by_ttl[TTL_5M].cost_pico_usd, (1001 * 10 + 40) * PER_M);
    cache_sim_done(&sim);
    flat.price.ignore_context_tiers = true;
    simulate(&sim, &w, &flat);
    assert_int128(sim.total.cost_none_pico_usd, (1001 * 4 + 20) * PER_M);
    assert_int128(sim.total.by_ttl[TTL_5M].cost_pico_usd, (1001 * 5 + 20) * PER_M);
    cache_sim_done(&sim);
    world_done(&w);
}

/* The cost as recorded counts the rows that say what a cache did, and only those. */
static void test_the_recorded_cost_is_of_rows_that_say_it(void **state)
{
    struct cache_sim sim;
    struct world w;

    (void)state;
    WORLD_OF(&w,
             {.model = "explicit",
              .at_s = 0,
              .input = 10,
              .write_5m = 90,
              .says_cache = true,
              .block_size = 10,
              RUNS({0, 10})},
             {.model = "explicit", .at_s = 1, .input = 100, .block_size = 10, RUNS({0, 10})});
    simulate(&sim, &w, &three_ttls);
    assert_int_equal(sim.total.recorded, 1);
    assert_int128(sim.total.cost_recorded_pico_usd, (10 * 4 + 90 * 5) * PER_M);
    assert_int_equal(sim.total.explicit_recorded, 1);
    assert_int_equal(sim.total.explicit_records, 2);
    cache_sim_done(&sim);
    world_done(&w);
}

/* Tokens of one call beyond 32 bits: hits are cut there, the same in sums and per row. */
static void test_the_longest_prompts_do_not_wrap(void **state)
{
    struct cache_sim sim;
    struct world w;

    (void)state;
    WORLD_OF(&w,
             {.model = "auto",
              .at_s = 0,
              .input = UINT32_MAX,
              .read = UINT32_MAX,
              .block_size = 65535,
              RUNS({0, 200000})},
             {.model = "auto",
              .at_s = 1,
              .input = UINT32_MAX,
              .read = UINT32_MAX,
              .block_size = 65535,
              RUNS({0, 200000})});
    simulate(&sim, &w, &three_ttls);
    assert_int_equal(sim.hit_tokens[TTL_5M][1], UINT32_MAX - 1);
    assert_int_equal(sim.total.by_ttl[TTL_5M].hit_tokens, UINT32_MAX - 1);
    assert_int_equal(sim.total.by_ttl[TTL_5M].hit_blocks, 200000);
    struct usage_tokens tokens = cache_sim_tokens(&sim, &w.table, &w.card, 1, TTL_5M);
    assert_int_equal(usage_input_total(&tokens), UINT64_C(2) * UINT32_MAX);
    cache_sim_done(&sim);
    world_done(&w);
}

/* A few bytes of a file can claim billions of blocks: they must cost neither time nor memory. */
static void test_a_call_with_more_blocks_than_any_prompt_is_left_out(void **state)
{
    struct cache_sim sim;
    struct world w;

    (void)state;
    WORLD_OF(&w,
             {.model = "auto", .at_s = 0, .input = 100, .block_size = 16, RUNS({0, UINT32_MAX})},
             {.model = "auto", .at_s = 1, .input = 100, .block_size = 16, RUNS({0, 6})});
    simulate(&sim, &w, &three_ttls);
    assert_int_equal(sim.oversized, 1);
    assert_int_equal(sim.total.records, 1);
    assert_int_equal(sim.total.block_refs, 6);
    assert_int_equal(sim.total.by_ttl[TTL_UN].hit_blocks, 0);
    assert_int_equal(cache_sim_tokens(&sim, &w.table, &w.card, 0, 0).input_uncached, 100);
    cache_sim_done(&sim);
    world_done(&w);
}

/* ---- random calls ---- */

#define SCOPES 3u
#define BLOCKS 400u
#define MODELS 4u

static const char *const random_models[MODELS] = {"explicit", "auto", "plain", "mystery"};

static void random_world(struct world *w, uint64_t seed)
{
    static const char *const scopes[SCOPES] = {"a", "b", ""};
    static const char *const features[] = {"chat", "search", ""};
    struct block_run runs[3];
    struct random random;
    double at_s = 0;

    random_init(&random, seed, 1);
    world_init(w);
    for (int i = 0; i < 400; i++) {
        struct call call = call_of(random_models[random_below(&random, MODELS)], at_s, 0);
        uint64_t blocks = 0;

        call.run_count = random_below(&random, 4);
        call.runs = runs;
        for (size_t r = 0; r < call.run_count; r++) {
            uint32_t start = r ? random_below(&random, BLOCKS - 60) : 0;

            runs[r] = (struct block_run){start, 1 + random_below(&random, 60)};
            blocks += runs[r].length;
        }
        call.input = blocks * 10 + random_below(&random, 12);
        call.read = random_below(&random, 2) && call.model[0] != 'p' ? random_below(&random, 9) : 0;
        call.says_cache = call.read > 0;
        call.output = random_below(&random, 50);
        call.scope = scopes[random_below(&random, SCOPES)];
        call.feature = features[random_below(&random, 3)];
        call.status = (enum usage_status)(random_below(&random, 10) == 0);
        call.block_size = random_below(&random, 10) ? 10 : 0;
        call.run_count = call.block_size ? call.run_count : 0;
        fixture_add(&w->table, &call);
        at_s += random_below(&random, 4) ? random_below(&random, 60) : random_below(&random, 900);
    }
    world_price(w);
}

/* last[cache][block] in microseconds, -1 never; a cache per scope, or per scope and model. */
struct naive {
    int64_t last[SCOPES * (MODELS + 1)][BLOCKS];
    uint64_t hit_blocks[3];
};

static uint32_t naive_cache(const struct world *w, size_t row, bool split)
{
    uint32_t scope = w->table.ids[USAGE_CACHE_SCOPE][row];
    uint32_t model = split ? w->table.names[USAGE_MODEL][row] : 0;

    assert_true(scope < SCOPES && model <= MODELS);
    return model * SCOPES + scope;
}

static void naive_row(struct naive *naive, const struct world *w, const struct cache_sim *sim,
                      size_t row, bool split)
{
    int64_t *last = naive->last[naive_cache(w, row, split)];
    bool alive[3] = {true, true, true};
    uint64_t hits[3] = {0};
    int64_t now_us = w->table.time_us[row];

    for (int touching = 0; touching < 2; touching++) {
        for (uint32_t r = 0; r < w->table.run_count[row]; r++) {
            struct block_run run = w->table.runs[w->table.run_begin[row] + r];

            for (uint32_t b = run.start; b < run.start + run.length; b++) {
                for (int k = 0; k < 3 && !touching; k++) {
                    int64_t ttl_us = three_ttls.ttl_us[k];

                    alive[k] = alive[k] && last[b] >= 0 &&
                               (ttl_us == CACHE_SIM_UNBOUNDED || now_us - last[b] <= ttl_us);
                    hits[k] += alive[k];
                }
                last[b] = touching ? now_us : last[b];
            }
        }
    }
    for (int k = 0; k < 3; k++) {
        struct usage_tokens tokens = usage_tokens_of(&w->table, row);
        uint64_t input = usage_input_total(&tokens);
        uint64_t expected = hits[k] * 10 < input ? hits[k] * 10 : input;

        naive->hit_blocks[k] += hits[k];
        if (sim->hit_tokens[k][row] != UINT32_MAX) {
            assert_int_equal(sim->hit_tokens[k][row], expected);
        }
    }
}

static void compare_with_naive(uint64_t seed, bool split)
{
    struct cache_sim_options options = three_ttls;
    struct naive *naive = calloc(1, sizeof(*naive));
    struct cache_sim sim;
    struct world w;

    assert_non_null(naive);
    memset(naive->last, 0xff, sizeof(naive->last));
    random_world(&w, seed);
    options.split_by_model = split;
    simulate(&sim, &w, &options);
    for (size_t row = 0; row < w.table.count; row++) {
        if (usage_has(&w.table, row, USAGE_HAS_BLOCKS) &&
            usage_status_of(&w.table, row) != USAGE_ERROR) {
            naive_row(naive, &w, &sim, row, split);
        } else {
            assert_int_equal(sim.hit_tokens[0][row], UINT32_MAX);
        }
    }
    for (int k = 0; k < 3; k++) {
        assert_int_equal(sim.total.by_ttl[k].hit_blocks, naive->hit_blocks[k]);
    }
    assert_true(naive->hit_blocks[0] > 0 && naive->hit_blocks[0] < naive->hit_blocks[2]);
    cache_sim_done(&sim);
    world_done(&w);
    free(naive);
}

static void test_the_simulation_agrees_with_one_time_per_block(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        compare_with_naive(seed, seed % 2);
    }
}

#define TOTALS_FIELDS 25

/* Every sum of the totals, to add and to compare (a struct has padding). */
static void list_totals(const struct cache_sim_totals *t, int128 values[TOTALS_FIELDS])
{
    const int128 of_all[] = {t->records,
                             t->block_refs,
                             t->input_tokens,
                             t->below_minimum,
                             t->unpriced,
                             t->uncacheable,
                             t->derived,
                             t->cost_none_pico_usd,
                             t->cost_recorded_pico_usd,
                             t->recorded,
                             t->explicit_records,
                             t->explicit_recorded,
                             t->explicit_now_pico_usd};
    size_t count = ARRAY_LENGTH(of_all);

    memcpy(values, of_all, sizeof(of_all));
    for (int k = 0; k < 3; k++) {
        values[count++] = t->by_ttl[k].hit_blocks;
        values[count++] = t->by_ttl[k].hit_tokens;
        values[count++] = t->by_ttl[k].cost_pico_usd;
        values[count++] = t->by_ttl[k].explicit_cost_pico_usd;
    }
    assert_int_equal(count, TOTALS_FIELDS);
}

static void assert_features_add_up(const struct cache_sim *sim, uint32_t features)
{
    int128 sums[TOTALS_FIELDS] = {0};
    int128 values[TOTALS_FIELDS];

    for (uint32_t f = 0; f < features; f++) {
        list_totals(&sim->by_feature[f], values);
        for (int i = 0; i < TOTALS_FIELDS; i++) {
            sums[i] += values[i];
        }
    }
    list_totals(&sim->total, values);
    for (int i = 0; i < TOTALS_FIELDS; i++) {
        assert_int128(sums[i], values[i]);
    }
}

/* A longer life finds no less; hits fit in the input; features add up to the total. */
static void test_any_cache_has_these_properties(void **state)
{
    struct cache_sim_options options = three_ttls;

    (void)state;
    options.honour_minimum = true;
    for (uint64_t seed = 10; seed < 16; seed++) {
        struct cache_sim sim;
        struct world w;

        random_world(&w, seed);
        simulate(&sim, &w, &options);
        assert_features_add_up(&sim, w.table.name_dicts[USAGE_FEATURE].count);
        for (int k = 0; k < 3; k++) {
            assert_true(sim.total.by_ttl[k].hit_tokens <= sim.total.input_tokens);
            assert_true(sim.total.by_ttl[k].hit_blocks <= sim.total.block_refs);
            if (k > 0) {
                assert_true(sim.total.by_ttl[k].hit_blocks >= sim.total.by_ttl[k - 1].hit_blocks);
                assert_true(sim.total.by_ttl[k].hit_tokens >= sim.total.by_ttl[k - 1].hit_tokens);
            }
        }
        assert_true(sim.total.by_ttl[TTL_UN].cost_pico_usd <= sim.total.cost_none_pico_usd);
        cache_sim_done(&sim);
        world_done(&w);
    }
}

/* Pricing the buckets that the simulation gives for each row gives its own sums again. */
static void test_buckets_of_rows_cost_what_the_sums_say(void **state)
{
    struct cache_sim_options options = three_ttls;
    struct cache_sim sim;
    struct world w;

    (void)state;
    options.honour_minimum = true;
    random_world(&w, 20);
    simulate(&sim, &w, &options);
    for (unsigned k = 0; k < 3; k++) {
        int128 sum = 0;

        for (size_t row = 0; row < w.table.count; row++) {
            struct usage_tokens recorded = usage_tokens_of(&w.table, row);
            struct usage_tokens tokens = cache_sim_tokens(&sim, &w.table, &w.card, row, k);
            int64_t cost = cost_of_row(&w.card, row, &tokens, USAGE_STANDARD, &w.price);

            assert_int_equal(usage_input_total(&tokens), usage_input_total(&recorded));
            assert_int_equal(tokens.output, recorded.output);
            if (usage_has(&w.table, row, USAGE_HAS_BLOCKS) && cost != COST_UNKNOWN &&
                usage_status_of(&w.table, row) != USAGE_ERROR) {
                sum += cost;
            }
        }
        assert_int128(sum, sim.total.by_ttl[k].cost_pico_usd);
    }
    cache_sim_done(&sim);
    world_done(&w);
}

/* ---- edges ---- */

static void test_tables_without_blocks_or_rows_simulate_nothing(void **state)
{
    struct cache_sim sim;
    struct world w;

    (void)state;
    world_init(&w);
    world_price(&w);
    simulate(&sim, &w, &three_ttls);
    assert_int_equal(sim.total.records, 0);
    cache_sim_done(&sim);
    world_done(&w);
    WORLD_OF(&w, {.model = "auto", .input = 20});
    simulate(&sim, &w, &three_ttls);
    assert_int_equal(sim.total.records, 0);
    assert_int_equal(cache_sim_tokens(&sim, &w.table, &w.card, 0, 0).input_uncached, 20);
    cache_sim_done(&sim);
    world_done(&w);
}

static void test_the_simulation_survives_every_failing_allocation(void **state)
{
    int code = ERR_NO_MEMORY;
    struct cache_sim sim;
    struct world w;

    (void)state;
    random_world(&w, 30);
    for (uint64_t nth = 1; code; nth++) {
        assert_true(nth < 2000);
        (void)alloc_fail_from(nth);
        code = cache_sim_run(&sim, &w.table, &w.card, &three_ttls, NULL);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
    }
    cache_sim_done(&sim);
    world_done(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_block_lives_exactly_as_long_as_the_lifetime),
    cmocka_unit_test(test_a_hit_is_the_longest_prefix),
    cmocka_unit_test(test_scopes_and_on_request_each_model_have_caches_of_their_own),
    cmocka_unit_test(test_failed_and_skipped_calls_neither_read_nor_write),
    cmocka_unit_test(test_calls_without_a_time_are_not_simulated),
    cmocka_unit_test(test_prompts_below_the_minimum_stay_outside_when_it_is_honoured),
    cmocka_unit_test(test_writes_are_priced_by_lifetime_and_only_where_the_model_charges_them),
    cmocka_unit_test(test_a_model_without_cache_prices_is_priced_uncached),
    cmocka_unit_test(test_an_explicit_model_without_a_write_price_is_unpriced),
    cmocka_unit_test(test_context_tiers_are_honoured_unless_told_otherwise),
    cmocka_unit_test(test_the_recorded_cost_is_of_rows_that_say_it),
    cmocka_unit_test(test_the_longest_prompts_do_not_wrap),
    cmocka_unit_test(test_a_call_with_more_blocks_than_any_prompt_is_left_out),
    cmocka_unit_test(test_the_simulation_agrees_with_one_time_per_block),
    cmocka_unit_test(test_any_cache_has_these_properties),
    cmocka_unit_test(test_buckets_of_rows_cost_what_the_sums_say),
    cmocka_unit_test(test_tables_without_blocks_or_rows_simulate_nothing),
    cmocka_unit_test(test_the_simulation_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
