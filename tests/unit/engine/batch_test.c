/*
 * Batch evidence: thresholds to the record, missing evidence is not evidence, and the price of all
 * input uncached.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

#include "engine/batch.h"

#define FEATURES_MAX 8

static void examine(struct batch_feature *features, const struct world *w)
{
    assert_true(w->table.name_dicts[USAGE_FEATURE].count <= FEATURES_MAX);
    assert_int_equal(batch_examine(&w->table, &w->card, w->cost, &w->price, features), OK);
}

/* total calls of "nightly", of which against ones are streamed, and a user and a session
 * elsewhere so that their absence means something. */
static void nightly(struct world *w, int total, int against)
{
    world_init(w);
    fixture_add(&w->table, &(struct call){.at_s = 0,
                                          .model = "auto",
                                          .feature = "chat",
                                          .user = "u",
                                          .session = "s",
                                          .streamed = 1,
                                          .input = 10});
    for (int i = 0; i < total; i++) {
        fixture_add(&w->table, &(struct call){.at_s = i,
                                              .model = "auto",
                                              .feature = "nightly",
                                              .streamed = i < against ? 1 : -1,
                                              .input = 10,
                                              .output = 5});
    }
    world_price(w);
}

static void test_a_candidate_needs_the_share_of_each_evidence(void **state)
{
    struct batch_feature features[FEATURES_MAX];
    struct world w;

    (void)state;
    nightly(&w, 100, 5);
    examine(features, &w);
    const struct batch_feature *found = &features[world_feature(&w, "nightly")];
    assert_true(found->is_candidate); /* 95 of 100 */
    assert_int_equal(found->records, 100);
    assert_int_equal(found->holds[BATCH_NOT_STREAMED], 95);
    assert_int_equal(found->holds[BATCH_NO_USER], 100);
    assert_int_equal(found->holds[BATCH_NO_FOLLOW_UP], 100);
    assert_int_equal(found->movable, 100);
    assert_int128(found->now_pico_usd, (int128)100 * (10 * 2 + 5 * 8) * PER_M);
    assert_int128(found->batch_pico_usd, (int128)100 * (10 * 1 + 5 * 4) * PER_M);
    assert_false(features[world_feature(&w, "chat")].is_candidate);
    world_done(&w);

    nightly(&w, 100, 6);
    examine(features, &w);
    assert_false(features[world_feature(&w, "nightly")].is_candidate);
    world_done(&w);
}

static void test_missing_evidence_is_unknown_not_fulfilled(void **state)
{
    struct batch_feature features[FEATURES_MAX];
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = 0, .model = "auto", .feature = "f", .input = 10});
    examine(features, &w);
    const struct batch_feature *found = &features[world_feature(&w, "f")];
    for (int i = 0; i < BATCH_EVIDENCE_COUNT; i++) {
        assert_int_equal(found->unknown[i], 1);
        assert_int_equal(found->holds[i], 0);
    }
    assert_false(found->is_candidate);
    world_done(&w);
}

static void test_a_follow_up_within_ten_minutes_speaks_against(void **state)
{
    struct batch_feature features[FEATURES_MAX];
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = 0, .feature = "f", .session = "s"},
             {.at_s = 600, .feature = "f", .session = "s"}, /* just within: the first is followed */
             {.at_s = 1200.000001, .feature = "f", .session = "s"}, /* just outside */
             {.at_s = 1200.000002, .feature = "f", .session = "other"},
             {.at_s = 1200.000003, .feature = "f"}, {.at_s = 1200.000004, .feature = "f"});
    examine(features, &w);
    assert_int_equal(features[world_feature(&w, "f")].records, 6);
    assert_int_equal(features[world_feature(&w, "f")].holds[BATCH_NO_FOLLOW_UP], 5);
    world_done(&w);
}

static void test_what_follows_a_call_without_a_time_is_unknown(void **state)
{
    struct batch_feature features[FEATURES_MAX];
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = -1, .feature = "f", .session = "s"},
             {.at_s = 1e9, .feature = "f", .session = "s"});
    examine(features, &w);
    assert_int_equal(features[world_feature(&w, "f")].unknown[BATCH_NO_FOLLOW_UP], 1);
    assert_int_equal(features[world_feature(&w, "f")].holds[BATCH_NO_FOLLOW_UP], 1);
    world_done(&w);
}

static void test_only_standard_calls_with_both_prices_can_move(void **state)
{
    struct batch_feature features[FEATURES_MAX];
    struct world w;

    (void)state;
    WORLD_OF(&w,
             {.feature = "f",
              .model = "explicit",
              .input = 100,
              .read = 50,
              .write_1h = 20,
              .output = 1},
             {.feature = "f", .model = "explicit", .input = 100, .tier = USAGE_BATCH},
             {.feature = "f", .model = "plain", .input = 100},
             {.feature = "f", .model = "mystery", .input = 100});
    examine(features, &w);
    const struct batch_feature *found = &features[world_feature(&w, "f")];
    assert_int_equal(found->movable, 1);
    assert_int128(found->now_pico_usd, w.cost[0]);
    assert_int128(found->batch_pico_usd, (170 * 2 + 10) * PER_M); /* all input uncached */
    world_done(&w);
}

/* Where reads are cheap, the batch may be dearer: no candidate, whatever the evidence. */
static void test_a_batch_that_costs_more_is_no_candidate(void **state)
{
    struct batch_feature features[FEATURES_MAX];
    struct world w;

    (void)state;
    WORLD_OF(&w, {.at_s = 0, .model = "explicit", .feature = "f", .read = 900, .streamed = -1},
             {.at_s = 1, .model = "plain", .feature = "g", .user = "u", .session = "s"});
    examine(features, &w);
    const struct batch_feature *found = &features[world_feature(&w, "f")];
    assert_int_equal(found->holds[BATCH_NOT_STREAMED], 1);
    assert_int_equal(found->holds[BATCH_NO_USER], 1);
    assert_int_equal(found->holds[BATCH_NO_FOLLOW_UP], 1);
    assert_true(found->batch_pico_usd > found->now_pico_usd);
    assert_false(found->is_candidate);
    world_done(&w);
}

static void test_an_empty_table_has_no_candidates(void **state)
{
    struct batch_feature features[1] = {{.records = 9, .is_candidate = true}};
    struct world w;

    (void)state;
    world_init(&w);
    world_price(&w);
    examine(features, &w);
    assert_int_equal(features[0].records, 0);
    assert_false(features[0].is_candidate);
    world_done(&w);
}

static void test_examining_survives_every_failing_allocation(void **state)
{
    struct batch_feature features[FEATURES_MAX];
    int code = ERR_NO_MEMORY;
    struct world w;

    (void)state;
    nightly(&w, 3, 1);
    for (uint64_t nth = 1; code; nth++) {
        assert_true(nth < 10);
        (void)alloc_fail_from(nth);
        code = batch_examine(&w.table, &w.card, w.cost, &w.price, features);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
    }
    world_done(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_candidate_needs_the_share_of_each_evidence),
    cmocka_unit_test(test_missing_evidence_is_unknown_not_fulfilled),
    cmocka_unit_test(test_a_follow_up_within_ten_minutes_speaks_against),
    cmocka_unit_test(test_what_follows_a_call_without_a_time_is_unknown),
    cmocka_unit_test(test_only_standard_calls_with_both_prices_can_move),
    cmocka_unit_test(test_a_batch_that_costs_more_is_no_candidate),
    cmocka_unit_test(test_an_empty_table_has_no_candidates),
    cmocka_unit_test(test_examining_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
