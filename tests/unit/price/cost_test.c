/*
 * Tokens become money exactly: the golden cases, tier boundaries, graduated prices, and what is
 * unknown stays unknown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <math.h>

#include "price_test_support.h"
#include "json/json_read.h"

#define USD INT64_C(1000000000000) /* in pico-dollars */

static void set_price(struct price_row *row, uint32_t tier, enum price_kind kind, int64_t pico_usd)
{
    struct price_service *standard = &row->services[USAGE_STANDARD];

    standard->tiers[tier].price.pico_usd[kind] = pico_usd;
    standard->tiers[tier].price.known |= PRICE_BIT(kind);
    standard->count = tier + 1 > standard->count ? tier + 1 : standard->count;
}

/* ---- golden cases ---- */

static void read_golden_vector(struct json_value prices, struct price_row *row, uint32_t tier)
{
    static const char *const names[PRICE_KIND_COUNT] = {
        "input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning"};

    for (unsigned kind = 0; kind < PRICE_KIND_COUNT; kind++) {
        double usd;

        if (json_get_double(json_at(prices, names[kind]), &usd)) {
            set_price(row, tier, kind, (int64_t)llround(usd * 1e12));
        }
    }
}

static void check_golden_case(struct json_value line)
{
    struct json_value usage = json_at(line, "usage");
    struct json_value price = json_at(line, "price");
    struct json_value over = json_at(price, "tier");
    struct price_row row = {.effective_to_us = INT64_MAX};
    struct usage_tokens tokens = {0};
    struct price_cost cost;
    struct str id;
    double expected;

    assert_true(json_get_str(json_at(line, "id"), &id));
    (void)json_get_u64(json_at(usage, "uncached"), &tokens.input_uncached);
    (void)json_get_u64(json_at(usage, "cache_read"), &tokens.cache_read);
    (void)json_get_u64(json_at(usage, "cache_write_5m"), &tokens.cache_write_5m);
    (void)json_get_u64(json_at(usage, "output"), &tokens.output);
    read_golden_vector(price, &row, 0);
    if (!json_is(over, JSON_MISSING)) {
        read_golden_vector(over, &row, 1);
        assert_true(json_get_u64(json_at(over, "over"),
                                 &row.services[USAGE_STANDARD].tiers[1].over_tokens));
    }
    assert_true(json_get_double(json_at(line, "expected_usd"), &expected));

    assert_int_equal(price_cost_of(&row, USAGE_STANDARD, &tokens, NULL, &cost), OK);
    if (fabs((double)cost.total_pico_usd / 1e12 - expected) > 0.0001) {
        fail_msg("%.*s: %.9f is not %.9f", STR_ARGS(id), (double)cost.total_pico_usd / 1e12,
                 expected);
    }
}

static void test_cost_agrees_with_the_golden_cases(void **state)
{
    const char *root = getenv("NETRA_SOURCE_ROOT");
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct buf text;
    unsigned cases = 0;

    (void)state;
    assert_non_null(root);
    buf_init(&text, TEST_FILE_BYTES_MAX);
    assert_true(read_whole_file(root, "tests/data/price_cases.jsonl", &text));
    assert_int_equal(json_parser_new(TEST_FILE_BYTES_MAX, &parser), OK);
    for (size_t begin = 0; begin < text.length;) {
        size_t end = str_find(buf_str(&text), STR("\n"), begin);
        struct json_value line;
        struct error error;

        end = end == SIZE_MAX ? text.length : end;
        assert_int_equal(json_parse(parser, str_slice(buf_str(&text), begin, end), &line, &error),
                         OK);
        check_golden_case(line);
        cases++;
        begin = end + 1;
    }
    assert_int_equal(cases, 12);
    buf_done(&text);
}

/* What Anthropic's console billed: $0.05439900 to the last digit. */
static void test_cost_is_exact_for_a_cached_call(void **state)
{
    struct price_row row = {0};
    const struct usage_tokens tokens = {
        .input_uncached = 3, .cache_write_5m = 12304, .output = 550};
    struct price_cost cost;

    (void)state;
    set_price(&row, 0, PRICE_INPUT, 3000000);
    set_price(&row, 0, PRICE_CACHE_WRITE_5M, 3750000);
    set_price(&row, 0, PRICE_CACHE_READ, 300000);
    set_price(&row, 0, PRICE_OUTPUT, 15000000);
    assert_int_equal(price_cost_of(&row, USAGE_STANDARD, &tokens, NULL, &cost), OK);
    assert_int_equal(cost.total_pico_usd, INT64_C(54399000000));
    assert_int_equal(cost.input_pico_usd, 9000000);
    assert_int_equal(cost.cache_write_pico_usd, INT64_C(46140000000));
    assert_int_equal(cost.output_pico_usd, INT64_C(8250000000));
    assert_int_equal(cost.cache_read_pico_usd, 0);
}

/* ---- tiers ---- */

static struct price_row two_tiers(enum price_tier_mode mode)
{
    struct price_row row = {0};

    set_price(&row, 0, PRICE_INPUT, 10);
    set_price(&row, 0, PRICE_CACHE_READ, 1);
    set_price(&row, 0, PRICE_OUTPUT, 100);
    set_price(&row, 1, PRICE_INPUT, 20);
    set_price(&row, 1, PRICE_CACHE_READ, 2);
    set_price(&row, 1, PRICE_OUTPUT, 300);
    row.services[USAGE_STANDARD].tiers[1].over_tokens = 1000;
    row.services[USAGE_STANDARD].mode = mode;
    return row;
}

static int64_t total_of(const struct price_row *row, uint64_t cached, uint64_t uncached,
                        uint64_t output)
{
    const struct usage_tokens tokens = {
        .cache_read = cached, .input_uncached = uncached, .output = output};
    struct price_cost cost;

    assert_int_equal(price_cost_of(row, USAGE_STANDARD, &tokens, NULL, &cost), OK);
    return cost.total_pico_usd;
}

static void test_cost_keeps_the_low_tier_at_the_threshold(void **state)
{
    const struct price_row row = two_tiers(PRICE_WHOLE_REQUEST);

    (void)state;
    assert_int_equal(total_of(&row, 0, 1000, 1), 10000 + 100);
    assert_int_equal(total_of(&row, 0, 1001, 1), 20020 + 300);
    /* The prompt's length counts what was cached. */
    assert_int_equal(total_of(&row, 1000, 0, 0), 1000);
    assert_int_equal(total_of(&row, 1000, 1, 0), 2000 + 20);
}

static void test_cost_can_ignore_context_tiers(void **state)
{
    const struct price_row row = two_tiers(PRICE_WHOLE_REQUEST);
    const struct price_options options = {.ignore_context_tiers = true};
    const struct usage_tokens tokens = {.input_uncached = 5000};
    struct price_cost cost;

    (void)state;
    assert_int_equal(price_cost_of(&row, USAGE_STANDARD, &tokens, &options, &cost), OK);
    assert_int_equal(cost.total_pico_usd, 50000);
    assert_true(price_vector_for(&row, USAGE_STANDARD, 5000, &options) ==
                &row.services[USAGE_STANDARD].tiers[0].price);
    assert_true(price_vector_for(&row, USAGE_STANDARD, 5000, NULL) ==
                &row.services[USAGE_STANDARD].tiers[1].price);
    assert_null(price_vector_for(&row, USAGE_FLEX, 0, NULL));
}

static void test_cost_graduates_token_by_token(void **state)
{
    const struct price_row row = two_tiers(PRICE_GRADUATED);

    (void)state;
    assert_int_equal(total_of(&row, 0, 1000, 1), 10000 + 100);
    assert_int_equal(total_of(&row, 0, 1001, 1), 10000 + 20 + 300);
    /* Cached tokens come first: 900 of them, then 100 below the threshold and 50 above. */
    assert_int_equal(total_of(&row, 900, 150, 0), 900 + 100 * 10 + 50 * 20);
    /* Reads across the threshold. */
    assert_int_equal(total_of(&row, 1100, 10, 0), 1000 + 100 * 2 + 10 * 20);
}

/* ---- unknown, derived, reasoning, overflow ---- */

static void test_cost_reports_what_has_no_price(void **state)
{
    struct price_row row = {0};
    const struct usage_tokens tokens = {
        .input_uncached = 10, .cache_read = 5, .cache_write_1h = 7, .output = 2};
    struct price_cost cost = {0};

    (void)state;
    set_price(&row, 0, PRICE_INPUT, 3);
    set_price(&row, 0, PRICE_OUTPUT, 4);
    assert_int_equal(price_cost_of(&row, USAGE_STANDARD, &tokens, NULL, &cost), ERR_UNKNOWN_PRICE);
    assert_int_equal(cost.missing, PRICE_BIT(PRICE_CACHE_READ) | PRICE_BIT(PRICE_CACHE_WRITE_1H));
    assert_int_equal(cost.total_pico_usd, 38);
    /* A service tier without prices: everything is missing, nothing is free. */
    assert_int_equal(price_cost_of(&row, USAGE_BATCH, &tokens, NULL, &cost), ERR_UNKNOWN_PRICE);
    assert_int_equal(cost.missing, PRICE_BIT(PRICE_INPUT) | PRICE_BIT(PRICE_CACHE_READ) |
                                       PRICE_BIT(PRICE_CACHE_WRITE_1H) | PRICE_BIT(PRICE_OUTPUT));
    assert_int_equal(cost.total_pico_usd, 0);
}

static void test_cost_needs_no_price_for_what_was_not_used(void **state)
{
    struct price_row row = {0};
    const struct usage_tokens tokens = {.input_uncached = 10};
    struct price_cost cost;

    (void)state;
    set_price(&row, 0, PRICE_INPUT, 3);
    assert_int_equal(price_cost_of(&row, USAGE_STANDARD, &tokens, NULL, &cost), OK);
    assert_int_equal(cost.missing, 0);
    assert_int_equal(cost.total_pico_usd, 30);
}

static void test_cost_says_when_a_derived_price_was_used(void **state)
{
    struct price_row row = {0};
    const struct usage_tokens plain = {.input_uncached = 1};
    const struct usage_tokens written = {.input_uncached = 1, .cache_write_1h = 1};
    struct price_cost cost;

    (void)state;
    set_price(&row, 0, PRICE_INPUT, 3);
    set_price(&row, 0, PRICE_CACHE_WRITE_1H, 6);
    row.services[USAGE_STANDARD].tiers[0].price.derived = PRICE_BIT(PRICE_CACHE_WRITE_1H);
    assert_int_equal(price_cost_of(&row, USAGE_STANDARD, &plain, NULL, &cost), OK);
    assert_int_equal(cost.derived, 0);
    assert_int_equal(price_cost_of(&row, USAGE_STANDARD, &written, NULL, &cost), OK);
    assert_int_equal(cost.derived, PRICE_BIT(PRICE_CACHE_WRITE_1H));
}

static void test_cost_prices_reasoning_apart_only_when_listed(void **state)
{
    struct price_row row = {0};
    const struct usage_tokens tokens = {.output = 10, .reasoning = 4};
    const struct usage_tokens odd = {.output = 10, .reasoning = 11}; /* a source's mistake */
    struct price_cost cost;

    (void)state;
    set_price(&row, 0, PRICE_OUTPUT, 5);
    assert_int_equal(price_cost_of(&row, USAGE_STANDARD, &tokens, NULL, &cost), OK);
    assert_int_equal(cost.total_pico_usd, 50);
    set_price(&row, 0, PRICE_REASONING, 7);
    assert_int_equal(price_cost_of(&row, USAGE_STANDARD, &tokens, NULL, &cost), OK);
    assert_int_equal(cost.total_pico_usd, 6 * 5 + 4 * 7);
    assert_int_equal(price_cost_of(&row, USAGE_STANDARD, &odd, NULL, &cost), OK);
    assert_int_equal(cost.total_pico_usd, 70);
}

static void test_cost_refuses_what_does_not_fit(void **state)
{
    struct price_row row = {0};
    struct usage_tokens tokens = {.input_uncached = 9223372};
    struct price_cost cost = {.total_pico_usd = -7};

    (void)state;
    set_price(&row, 0, PRICE_INPUT, PRICE_PICO_MAX);
    assert_int_equal(price_cost_of(&row, USAGE_STANDARD, &tokens, NULL, &cost), OK);
    assert_int_equal(cost.total_pico_usd, 9223372 * USD);
    cost.total_pico_usd = -7;
    tokens.input_uncached = 9223373;
    assert_int_equal(price_cost_of(&row, USAGE_STANDARD, &tokens, NULL, &cost), ERR_LIMIT);
    tokens.input_uncached = UINT64_MAX;
    assert_int_equal(price_cost_of(&row, USAGE_STANDARD, &tokens, NULL, &cost), ERR_LIMIT);
    tokens.cache_read = 1; /* the prompt's length itself overflows */
    assert_int_equal(price_cost_of(&row, USAGE_STANDARD, &tokens, NULL, &cost), ERR_LIMIT);
    assert_int_equal(cost.total_pico_usd, -7);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_cost_agrees_with_the_golden_cases),
    cmocka_unit_test(test_cost_is_exact_for_a_cached_call),
    cmocka_unit_test(test_cost_keeps_the_low_tier_at_the_threshold),
    cmocka_unit_test(test_cost_can_ignore_context_tiers),
    cmocka_unit_test(test_cost_graduates_token_by_token),
    cmocka_unit_test(test_cost_reports_what_has_no_price),
    cmocka_unit_test(test_cost_needs_no_price_for_what_was_not_used),
    cmocka_unit_test(test_cost_says_when_a_derived_price_was_used),
    cmocka_unit_test(test_cost_prices_reasoning_apart_only_when_listed),
    cmocka_unit_test(test_cost_refuses_what_does_not_fit),
};

UNIT_MAIN(tests)
