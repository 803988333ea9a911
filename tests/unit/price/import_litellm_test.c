/*
 * LiteLLM's map becomes rows: kinds, service and context tiers, documented rules, and what is left
 * out. Small entries of our own; the real map is read when NETRA_TEST_DATA says where it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <time.h>

#include "price/litellm_key.h"
#include "price_test_support.h"

static void assert_key(const char *text, enum price_kind kind, enum usage_tier tier, uint64_t over)
{
    struct litellm_key key;

    assert_true(litellm_key_parse(str_from(text), &key));
    assert_int_equal(key.kind, kind);
    assert_int_equal(key.tier, tier);
    assert_int_equal(key.over_tokens, over);
}

static void test_litellm_key_reads_suffixes_in_any_order(void **state)
{
    (void)state;
    assert_key("input_cost_per_token", PRICE_INPUT, USAGE_STANDARD, 0);
    assert_key("output_cost_per_reasoning_token", PRICE_REASONING, USAGE_STANDARD, 0);
    assert_key("cache_creation_input_token_cost_above_1hr", PRICE_CACHE_WRITE_1H, USAGE_STANDARD,
               0);
    assert_key("cache_creation_input_token_cost_above_1hr_above_200k_tokens", PRICE_CACHE_WRITE_1H,
               USAGE_STANDARD, 200000);
    assert_key("cache_creation_input_token_cost_above_200k_tokens_above_1hr", PRICE_CACHE_WRITE_1H,
               USAGE_STANDARD, 200000);
    assert_key("cache_creation_input_token_cost_above_200k_tokens", PRICE_CACHE_WRITE_5M,
               USAGE_STANDARD, 200000);
    assert_key("input_cost_per_token_above_272k_tokens_priority", PRICE_INPUT, USAGE_PRIORITY,
               272000);
    assert_key("output_cost_per_token_batches_above_272k_tokens", PRICE_OUTPUT, USAGE_BATCH,
               272000);
    assert_key("cache_read_input_token_cost_flex", PRICE_CACHE_READ, USAGE_FLEX, 0);
    assert_key("input_cost_per_token_above_1000k_tokens", PRICE_INPUT, USAGE_STANDARD, 1000000);
}

static void test_litellm_key_refuses_other_units(void **state)
{
    static const char *const others[] = {
        "",
        "input_cost_per_audio_token",
        "input_cost_per_token_cache_hit",
        "input_cost_per_character_above_128k_tokens",
        "output_cost_per_second",
        "input_cost_per_token_above_tokens",
        "input_cost_per_token_above_k_tokens",
        "input_cost_per_token_above_0k_tokens",
        "input_cost_per_token_above_99999999999999999999k_tokens",
        "input_cost_per_token_above_1hr",
        "input_cost_per_token_batches_batches",
        "input_cost_per_token_batches_flex",
        "input_cost_per_token_above_200k_tokens_above_272k_tokens",
        "input_cost_per_token_",
        "cache_creation_input_audio_token_cost",
        "input_dbu_cost_per_token",
    };
    struct litellm_key key;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (litellm_key_parse(str_from(others[i]), &key)) {
            fail_msg("'%s' was taken for a price per token", others[i]);
        }
    }
}

static const char *const claude_map =
    "{\"sample_spec\": {\"litellm_provider\": \"one of\", \"input_cost_per_token\": 1e-6},"
    " \"last_updated\": \"2026-07-24T18:23:43.215560+00:00\","
    " \"claude-x-1-20250101\": {\"litellm_provider\": \"anthropic\", \"mode\": \"chat\","
    "  \"input_cost_per_token\": 3e-06, \"output_cost_per_token\": 1.5e-05,"
    "  \"cache_read_input_token_cost\": 3e-07, \"cache_creation_input_token_cost\": 3.75e-06,"
    "  \"cache_creation_input_token_cost_above_1hr\": 6e-06,"
    "  \"input_cost_per_token_above_200k_tokens\": 6e-06,"
    "  \"output_cost_per_token_above_200k_tokens\": 2.25e-05,"
    "  \"max_input_tokens\": 1000000, \"max_output_tokens\": 64000.0,"
    "  \"prompt_cache_min_tokens\": 1024, \"deprecation_date\": \"2026-05-14\"}}";

static void test_litellm_derives_anthropic_prices_above_a_threshold(void **state)
{
    struct price_book *book = book_of(claude_map);
    const struct price_row *row = row_of(book, "claude-x-1-20250101");

    (void)state;
    assert_int_equal(price_book_count(book), 1);
    assert_int_equal(price_book_skipped(book), 0);
    assert_str(price_book_as_of(book), "2026-07-24");
    assert_int_equal(row->services[USAGE_STANDARD].count, 2);
    assert_int_equal(row->services[USAGE_STANDARD].tiers[1].over_tokens, 200000);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_INPUT), 6000000);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_OUTPUT), 22500000);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_CACHE_READ), 600000);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_CACHE_WRITE_5M), 7500000);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_CACHE_WRITE_1H), 12000000);
    assert_true(is_derived(row, USAGE_STANDARD, 1, PRICE_CACHE_WRITE_1H));
    assert_false(is_derived(row, USAGE_STANDARD, 1, PRICE_INPUT));
    assert_false(is_derived(row, USAGE_STANDARD, 0, PRICE_CACHE_WRITE_1H));
    assert_true(str_find(row->note, STR("1-hour write"), 0) != SIZE_MAX);
    assert_true(str_find(row->note, STR("retires on 2026-05-14"), 0) != SIZE_MAX);
    assert_int_equal(row->cache_mode, PRICE_CACHE_EXPLICIT);
    assert_true(row->cache_minimum_known);
    assert_int_equal(row->cache_minimum_tokens, 1024);
    assert_int_equal(row->context_window, 1000000);
    assert_int_equal(row->max_output, 64000);
    price_book_free(book);
}

static void test_litellm_derives_half_price_for_anthropic_batches(void **state)
{
    struct price_book *book = book_of(claude_map);
    const struct price_row *row = row_of(book, "claude-x-1-20250101");

    (void)state;
    assert_int_equal(pico_of(row, USAGE_BATCH, 0, PRICE_INPUT), 1500000);
    assert_int_equal(pico_of(row, USAGE_BATCH, 0, PRICE_CACHE_READ), 150000);
    assert_int_equal(pico_of(row, USAGE_BATCH, 1, PRICE_OUTPUT), 11250000);
    assert_int_equal(pico_of(row, USAGE_BATCH, 1, PRICE_CACHE_WRITE_1H), 6000000);
    assert_true(is_derived(row, USAGE_BATCH, 0, PRICE_INPUT));
    assert_int_equal(row->services[USAGE_FLEX].count, 0);
    price_book_free(book);
}

/* A model whose reads cost 0.05 of input breaks the multiple: nothing may be derived from it. */
static void test_litellm_derives_nothing_from_a_broken_multiple(void **state)
{
    struct price_book *book = book_of(
        "{\"claude-y\": {\"litellm_provider\": \"anthropic\", \"input_cost_per_token\": 4e-06,"
        " \"output_cost_per_token\": 2e-05, \"cache_read_input_token_cost\": 2e-07,"
        " \"input_cost_per_token_above_100k_tokens\": 8e-06,"
        " \"output_cost_per_token_above_100k_tokens\": 4e-05,"
        " \"input_cost_per_token_batches\": 3e-06}}");
    const struct price_row *row = row_of(book, "claude-y");

    (void)state;
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_CACHE_READ), -1);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_CACHE_WRITE_5M), -1);
    assert_int_equal(pico_of(row, USAGE_BATCH, 0, PRICE_INPUT), 3000000);
    assert_int_equal(pico_of(row, USAGE_BATCH, 0, PRICE_OUTPUT), -1);
    price_book_free(book);
}

static void test_litellm_derives_nothing_for_other_providers(void **state)
{
    struct price_book *book =
        book_of("{\"gpt-z\": {\"litellm_provider\": \"openai\", \"input_cost_per_token\": 5e-06,"
                " \"output_cost_per_token\": 3e-05, \"cache_read_input_token_cost\": 5e-07,"
                " \"cache_creation_input_token_cost\": 6.25e-06,"
                " \"input_cost_per_token_above_272k_tokens\": 1e-05,"
                " \"output_cost_per_token_above_272k_tokens\": 4.5e-05,"
                " \"input_cost_per_token_batches\": 2.5e-06,"
                " \"output_cost_per_token_batches\": 1.5e-05}}");
    const struct price_row *row = row_of(book, "gpt-z");
    const struct usage_tokens tokens = {.input_uncached = 300000, .output = 1};
    struct price_cost cost;

    (void)state;
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_CACHE_READ), -1);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_CACHE_WRITE_5M), -1);
    /* Batches above the threshold are not listed, so they are unknown: not the lower tier's. */
    assert_int_equal(price_cost_of(row, USAGE_BATCH, &tokens, NULL, &cost), ERR_UNKNOWN_PRICE);
    assert_int_equal(cost.missing, PRICE_BIT(PRICE_INPUT) | PRICE_BIT(PRICE_OUTPUT));
    assert_int_equal(price_cost_of(row, USAGE_FLEX, &tokens, NULL, &cost), ERR_UNKNOWN_PRICE);
    price_book_free(book);
}

static void test_litellm_automatic_writes_cost_the_input_price(void **state)
{
    struct price_book *book =
        book_of("{\"gpt-z\": {\"litellm_provider\": \"openai\", \"input_cost_per_token\": 5e-06,"
                " \"output_cost_per_token\": 3e-05, \"cache_read_input_token_cost\": 5e-07},"
                " \"other\": {\"litellm_provider\": \"acme\", \"input_cost_per_token\": 5e-06,"
                " \"output_cost_per_token\": 3e-05, \"cache_read_input_token_cost\": 5e-07}}");
    const struct price_row *row = row_of(book, "gpt-z");

    (void)state;
    assert_int_equal(row->cache_mode, PRICE_CACHE_AUTOMATIC);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 0, PRICE_CACHE_WRITE_5M), 5000000);
    assert_true(is_derived(row, USAGE_STANDARD, 0, PRICE_CACHE_WRITE_5M));
    row = row_of(book, "other");
    assert_int_equal(row->cache_mode, PRICE_CACHE_UNKNOWN);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 0, PRICE_CACHE_WRITE_5M), -1);
    price_book_free(book);
}

static void test_litellm_zero_is_not_a_price(void **state)
{
    struct price_book *book =
        book_of("{\"free\": {\"litellm_provider\": \"acme\", \"input_cost_per_token\": 0.0,"
                "  \"output_cost_per_token\": 0},"
                " \"paid\": {\"litellm_provider\": \"acme\", \"input_cost_per_token\": 1e-6,"
                "  \"output_cost_per_token\": 2e-6, \"cache_read_input_token_cost\": 0.0,"
                "  \"cache_creation_input_token_cost\": 2.5e-7},"
                " \"vectors\": {\"litellm_provider\": \"acme\", \"mode\": \"embedding\","
                "  \"input_cost_per_token\": 1e-6, \"output_cost_per_token\": 0.0}}");
    const struct price_row *row = row_of(book, "paid");

    (void)state;
    assert_int_equal(price_book_skipped(book), 1);
    assert_null(price_find(book, STR(""), STR("free"), INT64_MAX, NULL));
    assert_int_equal(pico_of(row, USAGE_STANDARD, 0, PRICE_CACHE_READ), -1);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 0, PRICE_CACHE_WRITE_5M), -1);
    assert_true(str_find(row->note, STR("below the input price"), 0) != SIZE_MAX);
    assert_int_equal(pico_of(row_of(book, "vectors"), USAGE_STANDARD, 0, PRICE_OUTPUT), 0);
    price_book_free(book);
}

static void test_litellm_refuses_prices_that_cannot_be(void **state)
{
    struct price_book *book = book_of(
        "{\"negative\": {\"litellm_provider\": \"a\", \"input_cost_per_token\": -1e-6,"
        "  \"output_cost_per_token\": 1e-6},"
        " \"dear\": {\"litellm_provider\": \"a\", \"input_cost_per_token\": 1.01},"
        " \"text\": {\"litellm_provider\": \"a\", \"input_cost_per_token\": \"1e-6\"},"
        " \"huge\": {\"litellm_provider\": \"a\", \"input_cost_per_token\": 1e300},"
        " \"image\": {\"litellm_provider\": \"a\", \"output_cost_per_image\": 0.04},"
        " \"nobody\": {\"input_cost_per_token\": 1e-6},"
        " \"tiers\": {\"litellm_provider\": \"a\", \"input_cost_per_token\": 1e-6,"
        "  \"input_cost_per_token_above_1k_tokens\": 1e-6,"
        "  \"input_cost_per_token_above_2k_tokens\": 1e-6,"
        "  \"input_cost_per_token_above_3k_tokens\": 1e-6,"
        "  \"input_cost_per_token_above_4k_tokens\": 1e-6,"
        "  \"input_cost_per_token_above_5k_tokens\": 1e-6,"
        "  \"input_cost_per_token_above_6k_tokens\": 1e-6},"
        " \"no base\": {\"litellm_provider\": \"a\","
        "  \"input_cost_per_token_above_200k_tokens\": 1e-6},"
        " \"\": {\"litellm_provider\": \"a\", \"input_cost_per_token\": 1e-6},"
        " \"a list\": [1], \"null\": null,"
        " \"good\": {\"litellm_provider\": \"a\", \"input_cost_per_token\": 1,"
        "  \"output_cost_per_token\": null},"
        " \"fine\": {\"litellm_provider\": \"a\", \"input_cost_per_token\": 1.23456789e-9}}");

    (void)state;
    assert_int_equal(price_book_count(book), 2);
    assert_int_equal(price_book_skipped(book), 9);
    assert_int_equal(pico_of(row_of(book, "good"), USAGE_STANDARD, 0, PRICE_INPUT), PRICE_PICO_MAX);
    assert_int_equal(pico_of(row_of(book, "good"), USAGE_STANDARD, 0, PRICE_OUTPUT), -1);
    assert_int_equal(pico_of(row_of(book, "fine"), USAGE_STANDARD, 0, PRICE_INPUT), 1235);
    assert_true(str_find(row_of(book, "fine")->note, STR("rounded"), 0) != SIZE_MAX);
    price_book_free(book);
}

static void test_litellm_ranges_are_graduated(void **state)
{
    struct price_book *book =
        book_of("{\"dashscope/qwen-z\": {\"litellm_provider\": \"dashscope\", \"tiered_pricing\": ["
                "  {\"input_cost_per_token\": 1e-6, \"output_cost_per_token\": 5e-6,"
                "   \"range\": [0, 1000.0]},"
                "  {\"input_cost_per_token\": 2e-6, \"output_cost_per_token\": 7e-6,"
                "   \"range\": [1000.0, 9000.0]}]},"
                " \"dashscope/gap\": {\"litellm_provider\": \"dashscope\", \"tiered_pricing\": ["
                "  {\"input_cost_per_token\": 1e-6, \"range\": [5, 1000.0]}]},"
                " \"dashscope/none\": {\"litellm_provider\": \"dashscope\", \"tiered_pricing\": ["
                "  {\"input_cost_per_token\": 1e-6}]}}");
    const struct price_row *row = row_of(book, "qwen-z");

    (void)state;
    assert_int_equal(price_book_count(book), 1);
    assert_int_equal(price_book_skipped(book), 2);
    assert_int_equal(row->services[USAGE_STANDARD].mode, PRICE_GRADUATED);
    assert_int_equal(row->services[USAGE_STANDARD].count, 2);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_OUTPUT), 7000000);
    price_book_free(book);
}

static void test_litellm_keeps_both_of_a_model_listed_twice(void **state)
{
    struct price_book *book = book_of(
        "{\"deepseek-q\": {\"litellm_provider\": \"deepseek\", \"input_cost_per_token\": 1e-6},"
        " \"deepseek/deepseek-q\": {\"litellm_provider\": \"deepseek\","
        "  \"input_cost_per_token\": 2e-6}}");

    (void)state;
    assert_int_equal(price_book_count(book), 2);
    assert_int_equal(pico_of(row_of(book, "deepseek-q"), USAGE_STANDARD, 0, PRICE_INPUT), 1000000);
    assert_int_equal(pico_of(row_of(book, "deepseek/deepseek-q"), USAGE_STANDARD, 0, PRICE_INPUT),
                     2000000);
    price_book_free(book);
}

static void test_litellm_survives_every_failing_allocation(void **state)
{
    struct price_book *book = NULL;
    struct error error;
    int status = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; status == ERR_NO_MEMORY; nth++) {
        assert_true(nth < 1000);
        (void)alloc_fail_from(nth);
        status = price_book_parse(str_from(claude_map), STR("test"), &book, &error);
        (void)alloc_fail_from(0);
        assert_true(status == OK || book == NULL);
    }
    assert_int_equal(status, OK);
    price_book_free(book);
}

/* ---- the real map ---- */

static struct price_book *real_map(void)
{
    const char *folder = getenv("NETRA_TEST_DATA");
    struct buf text;
    struct price_book *book = NULL;
    struct error error;

    buf_init(&text, TEST_FILE_BYTES_MAX);
    if (!folder || !read_whole_file(folder, "prices/litellm_model_prices.json", &text)) {
        buf_done(&text);
        print_message("NETRA_TEST_DATA is not set: the real map is not read\n");
        skip();
    }
    struct timespec begin;
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_int_equal(price_book_parse(buf_str(&text), STR("LiteLLM"), &book, &error), OK);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    print_message(
        "%zu rows, %zu skipped, %.1f ms\n", price_book_count(book), price_book_skipped(book),
        (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6);
    buf_done(&text);
    return book;
}

static void test_litellm_real_map_has_the_known_prices(void **state)
{
    struct price_book *book = real_map();
    const struct price_row *row = row_of(book, "claude-sonnet-4-20250514");

    (void)state;
    assert_int_equal(pico_of(row, USAGE_STANDARD, 0, PRICE_CACHE_WRITE_1H), 6000000);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_INPUT), 6000000);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_OUTPUT), 22500000);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_CACHE_READ), 600000);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_CACHE_WRITE_5M), 7500000);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_CACHE_WRITE_1H), 12000000);
    assert_true(is_derived(row, USAGE_STANDARD, 1, PRICE_CACHE_WRITE_1H));
    assert_false(is_derived(row, USAGE_STANDARD, 1, PRICE_CACHE_WRITE_5M));

    row = row_of(book, "gpt-4o");
    assert_str(row->provider, "openai");
    assert_int_equal(pico_of(row, USAGE_STANDARD, 0, PRICE_INPUT), 2500000);
    assert_int_equal(pico_of(row, USAGE_BATCH, 0, PRICE_OUTPUT), 5000000);
    assert_int_equal(pico_of(row, USAGE_PRIORITY, 0, PRICE_INPUT), 4250000);
    assert_int_equal(pico_of(row, USAGE_PRIORITY, 0, PRICE_CACHE_READ), 2125000);

    row = row_of(book, "gemini-2.5-pro");
    assert_str(row->provider, "gcp.gemini");
    assert_int_equal(pico_of(row, USAGE_STANDARD, 0, PRICE_INPUT), 1250000);
    assert_int_equal(row->services[USAGE_STANDARD].tiers[1].over_tokens, 200000);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_INPUT), 2500000);
    price_book_free(book);
}

/* Counts of the map of 2026-07-24: changes here mean that entries were lost or invented. */
static void test_litellm_real_map_is_read_whole(void **state)
{
    struct price_book *book = real_map();
    size_t entries = price_book_count(book) + price_book_skipped(book);

    (void)state;
    assert_int_equal(entries, 2983); /* with sample_spec and last_updated: 2985 members */
    for (size_t i = 0; i < price_book_count(book); i++) {
        const struct price_row *row = price_book_row(book, i);

        assert_true(row->model.length && row->provider.length);
        assert_true(row->services[USAGE_STANDARD].count > 0);
    }
    price_book_free(book);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_litellm_key_reads_suffixes_in_any_order),
    cmocka_unit_test(test_litellm_key_refuses_other_units),
    cmocka_unit_test(test_litellm_derives_anthropic_prices_above_a_threshold),
    cmocka_unit_test(test_litellm_derives_half_price_for_anthropic_batches),
    cmocka_unit_test(test_litellm_derives_nothing_from_a_broken_multiple),
    cmocka_unit_test(test_litellm_derives_nothing_for_other_providers),
    cmocka_unit_test(test_litellm_automatic_writes_cost_the_input_price),
    cmocka_unit_test(test_litellm_zero_is_not_a_price),
    cmocka_unit_test(test_litellm_refuses_prices_that_cannot_be),
    cmocka_unit_test(test_litellm_ranges_are_graduated),
    cmocka_unit_test(test_litellm_keeps_both_of_a_model_listed_twice),
    cmocka_unit_test(test_litellm_survives_every_failing_allocation),
    cmocka_unit_test(test_litellm_real_map_has_the_known_prices),
    cmocka_unit_test(test_litellm_real_map_is_read_whole),
};

UNIT_MAIN(tests)
