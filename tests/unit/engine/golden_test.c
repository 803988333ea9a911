/*
 * The figures that are published for public traces come out again, each to the digits given. The
 * traces are not part of this repository: NETRA_TEST_DATA names the folder that has them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../usage/import_fixture.h"
#include "engine_fixture.h"

#include <math.h>

#include "engine/cache_sim.h"
#include "engine/percentile.h"
#include "engine/traffic.h"

#define TIERED(model, input, read, write_5m, write_1h, output, tiers)                              \
    "{\"provider\": \"anthropic\", \"model\": \"" model "\", \"source_date\": \"2026-01-01\","     \
    " \"cache\": {\"mode\": \"explicit\"}, \"prices\": {\"standard\": [{\"input\": " input         \
    ", \"cache_read\": " read ", \"cache_write_5m\": " write_5m ", \"cache_write_1h\": " write_1h  \
    ", \"output\": " output "}" tiers "]}}"
#define OVER_200K                                                                                  \
    ", {\"over\": 200000, \"input\": 6, \"cache_read\": 0.6, \"cache_write_5m\": 7.5,"             \
    " \"cache_write_1h\": 12, \"output\": 22.5}"

/* prices_per_mtok_in_out of the golden file; writes 1.25 and 2 times, reads 0.1 times the input. */
static const char *const trace_book =
    "{\"netra_prices\": 1, \"unit\": \"USD per million tokens\", \"models\": ["
    /* */ TIERED("claude-opus-4-5-20251101", "5", "0.5", "6.25", "10", "25", "") ","
    /* */ TIERED("claude-opus-4-6", "5", "0.5", "6.25", "10", "25", "") ","
    /* */ TIERED("claude-sonnet-4-5-20250929", "3", "0.3", "3.75", "6", "15", OVER_200K) ","
    /* */ TIERED("claude-sonnet-4-20250514", "3", "0.3", "3.75", "6", "15", OVER_200K) ","
    /* */ TIERED("claude-haiku-4-5-20251001", "1", "0.1", "1.25", "2", "5", "") ","
    /* */ TIERED("claude-opus-4-1-20250805", "15", "1.5", "18.75", "30", "75", "") "]}";

static const char *data_folder(void)
{
    const char *folder = getenv("NETRA_TEST_DATA");

    if (!folder || !*folder) {
        print_message("NETRA_TEST_DATA is not set: the public traces are not read\n");
        skip();
    }
    return folder;
}

static void load(struct imported *i, const char *name, const char *const *maps)
{
    struct buf bytes;

    read_test_file(data_folder(), name, &bytes);
    import_text(i, buf_str(&bytes), 65536, maps);
    buf_done(&bytes);
    assert_int_equal(i->code, OK);
    assert_int_equal(usage_table_sort(&i->table), OK);
}

static void assert_usd(int128 pico_usd, double expected)
{
    if (fabs((double)pico_usd / 1e12 - expected) > 0.0001) {
        fail_msg("%.9f is not %.6f", (double)pico_usd / 1e12, expected);
    }
}

static const struct cache_sim_options golden_options = {
    .ttl_us = {300 * FIXTURE_SECOND, 3600 * FIXTURE_SECOND, CACHE_SIM_UNBOUNDED},
    .ttl_count = 3,
    .price = {.ignore_context_tiers = true}};

static void test_the_agentic_trace_costs_what_is_published(void **state)
{
    struct cache_sim_options options = golden_options;
    struct price_book *book;
    struct rate_card card;
    struct cache_sim sim;
    struct imported i;

    (void)state;
    load(&i, "agentic/agentic_coding_rle.jsonl.gz", NULL);
    assert_int_equal(price_book_parse(str_from(trace_book), STR("golden"), &book, &i.error), OK);
    assert_int_equal(price_book_skipped(book), 0);
    assert_int_equal(rate_card_init(&card, &i.table, book, PRICE_NEWEST), OK);
    assert_int_equal(cache_sim_run(&sim, &i.table, &card, &options, NULL), OK);
    assert_int_equal(sim.total.records, 49334);
    assert_int_equal(sim.total.unpriced, 0);
    assert_int_equal(sim.total.block_refs, 94310647);
    assert_int_equal(sim.total.input_tokens, UINT64_C(6037445403));
    assert_int_equal(sim.total.by_ttl[0].hit_blocks, 86391790);
    assert_int_equal(sim.total.by_ttl[1].hit_blocks, 90519166);
    assert_int_equal(sim.total.by_ttl[2].hit_blocks, 90852540);
    assert_int_equal(sim.total.by_ttl[0].hit_tokens, UINT64_C(5529074560));
    assert_int_equal(sim.total.by_ttl[1].hit_tokens, UINT64_C(5793226624));
    assert_int_equal(sim.total.by_ttl[2].hit_tokens, UINT64_C(5814562560));
    assert_usd(sim.total.cost_none_pico_usd, 25182.372257);
    assert_usd(sim.total.by_ttl[0].cost_pico_usd, 5285.108495);
    assert_usd(sim.total.by_ttl[1].cost_pico_usd, 4783.100798);
    assert_usd(sim.total.by_ttl[2].cost_pico_usd, 3742.289441);
    cache_sim_done(&sim);

    options.price.ignore_context_tiers = false;
    assert_int_equal(cache_sim_run(&sim, &i.table, &card, &options, NULL), OK);
    assert_usd(sim.total.cost_none_pico_usd, 31155.11441);
    assert_usd(sim.total.by_ttl[0].cost_pico_usd, 6488.913881);
    assert_usd(sim.total.by_ttl[1].cost_pico_usd, 5891.79127);
    cache_sim_done(&sim);
    rate_card_done(&card);
    price_book_free(book);
    imported_done(&i);
}

/* One cache for all conversations: the hashes of this trace are global. */
static void test_the_mooncake_trace_hits_what_is_published(void **state)
{
    struct price_book *book;
    struct rate_card card;
    struct cache_sim sim;
    struct imported i;

    (void)state;
    load(&i, "mooncake/conversation_trace.jsonl", NULL);
    assert_int_equal(price_book_parse(str_from(trace_book), STR("golden"), &book, &i.error), OK);
    assert_int_equal(rate_card_init(&card, &i.table, book, PRICE_NEWEST), OK);
    assert_int_equal(cache_sim_run(&sim, &i.table, &card, &golden_options, NULL), OK);
    assert_int_equal(sim.total.records, 12031);
    assert_int_equal(sim.total.unpriced, 12031); /* it names no model */
    assert_int_equal(sim.total.block_refs, 288500);
    assert_int_equal(sim.total.by_ttl[2].hit_blocks, 105710);
    assert_int_equal(sim.total.by_ttl[2].hit_tokens, 54098411);
    cache_sim_done(&sim);
    rate_card_done(&card);
    price_book_free(book);
    imported_done(&i);
}

struct azure {
    const char *file;
    struct traffic traffic;
    int64_t input_per_mille[4]; /* p50, p90, p95, p99 in thousandths */
    int64_t output_per_mille[4];
};

static const struct azure traces[] = {
    {.file = "azure/AzureLLMInferenceTrace_code.csv",
     .traffic = {.records = 8819,
                 .minutes = 58,
                 .empty_minutes = 13,
                 .peak_rpm_calendar = 585,
                 .peak_tpm_calendar = 1257868,
                 .peak_rpm_sliding = 723,
                 .peak_tpm_sliding = 1409698,
                 .required_tpm_token_bucket = 825236,
                 .tokens = 18059974 + 245896},
     .input_per_mille = {1469000, 5187600, 7303300, 7436000},
     .output_per_mille = {13000, 55000, 90000, 251460}},
    {.file = "azure/AzureLLMInferenceTrace_conv.csv",
     .traffic = {.records = 19366,
                 .minutes = 60,
                 .empty_minutes = 0,
                 .peak_rpm_calendar = 502,
                 .peak_tpm_calendar = 780667,
                 .peak_rpm_sliding = 522,
                 .peak_tpm_sliding = 830960,
                 .required_tpm_token_bucket = 638827,
                 .tokens = 22361870 + 4088665},
     .input_per_mille = {1020000, 2734500, 4083000, 4142000},
     .output_per_mille = {129000, 424000, 451000, 601000}},
};

static void compare_percentiles(const uint32_t *column, size_t count, const int64_t *expected)
{
    static const unsigned per_mille[] = {500, 900, 950, 990};
    uint32_t *values = malloc(2 * count * sizeof(*values));

    assert_non_null(values);
    memcpy(values, column, count * sizeof(*values));
    percentile_sort(values, count, values + count);
    for (size_t p = 0; p < ARRAY_LENGTH(per_mille); p++) {
        assert_int_equal(percentile_of_sorted(values, count, per_mille[p]).digits, expected[p]);
    }
    free(values);
}

static void test_the_azure_traces_peak_where_is_published(void **state)
{
    (void)state;
    for (size_t t = 0; t < ARRAY_LENGTH(traces); t++) {
        const struct traffic *expected = &traces[t].traffic;
        struct traffic traffic;
        struct imported i;

        load(&i, traces[t].file, NULL);
        assert_int_equal(traffic_measure(&traffic, &i.table), OK);
        assert_int_equal(traffic.records, expected->records);
        assert_int_equal(traffic.minutes, expected->minutes);
        assert_int_equal(traffic.empty_minutes, expected->empty_minutes);
        assert_int_equal(traffic.peak_rpm_calendar, expected->peak_rpm_calendar);
        assert_int_equal(traffic.peak_tpm_calendar, expected->peak_tpm_calendar);
        assert_int_equal(traffic.peak_rpm_sliding, expected->peak_rpm_sliding);
        assert_int_equal(traffic.peak_tpm_sliding, expected->peak_tpm_sliding);
        assert_int_equal(traffic.required_tpm_token_bucket, expected->required_tpm_token_bucket);
        assert_int_equal(traffic.tokens, expected->tokens);
        compare_percentiles(i.table.input_uncached, i.table.count, traces[t].input_per_mille);
        compare_percentiles(i.table.output, i.table.count, traces[t].output_per_mille);
        imported_done(&i);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_the_agentic_trace_costs_what_is_published),
    cmocka_unit_test(test_the_mooncake_trace_hits_what_is_published),
    cmocka_unit_test(test_the_azure_traces_peak_where_is_published),
};

UNIT_MAIN(tests)
