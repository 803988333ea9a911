/*
 * A written book, read back, is the same book: every row and what every name finds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "price/book_build.h"
#include "price/price_book_write.h"
#include "price_test_support.h"

#define WRITTEN_BYTES_MAX (size_t)(32u << 20)

static struct price_book *written_and_read(const struct price_book *book)
{
    struct price_book *again = NULL;
    struct error error = {0};
    struct buf text;

    buf_init(&text, WRITTEN_BYTES_MAX);
    struct json_writer w = json_writer_on(&text);
    price_book_write_json(book, &w);
    assert_int_equal(buf_status(&text), OK);
    if (price_book_parse(buf_str(&text), price_book_name(book), &again, &error)) {
        fail_msg("%s", error.message);
    }
    buf_done(&text);
    return again;
}

static void assert_same_row(const struct price_row *a, const struct price_row *b)
{
    assert_true(str_equal(a->provider, b->provider));
    assert_true(str_equal(a->model, b->model));
    assert_true(str_equal(a->source, b->source));
    assert_true(str_equal(a->source_date, b->source_date));
    assert_true(str_equal(a->note, b->note));
    assert_int_equal(a->effective_from_us, b->effective_from_us);
    assert_int_equal(a->effective_to_us, b->effective_to_us);
    assert_int_equal(a->context_window, b->context_window);
    assert_int_equal(a->max_output, b->max_output);
    assert_int_equal(a->cache_mode, b->cache_mode);
    assert_int_equal(a->cache_minimum_known, b->cache_minimum_known);
    assert_int_equal(a->cache_minimum_tokens, b->cache_minimum_tokens);
    for (unsigned s = 0; s < USAGE_TIER_COUNT; s++) {
        assert_int_equal(a->services[s].count, b->services[s].count);
        if (a->services[s].count > 1) {
            assert_int_equal(a->services[s].mode, b->services[s].mode);
        }
        if (memcmp(a->services[s].tiers, b->services[s].tiers, sizeof(a->services[s].tiers)) != 0) {
            fail_msg("the %s prices of %.*s changed", usage_tier_name((enum usage_tier)s),
                     STR_ARGS(a->model));
        }
    }
}

/* Each name of the one finds in the other what it finds here, with and without the provider. */
static void assert_same_names(const struct price_book *book, const struct price_book *again)
{
    for (size_t i = 0; i < book->name_count; i++) {
        const struct price_name *name = &book->names[i];
        const struct str providers[] = {book->rows[name->row].provider, STR("")};

        for (size_t p = 0; p < ARRAY_LENGTH(providers); p++) {
            const struct price_row *a =
                price_find(book, providers[p], name->text, PRICE_NEWEST, NULL);
            const struct price_row *b =
                price_find(again, providers[p], name->text, PRICE_NEWEST, NULL);

            if (!a != !b || (a && a - book->rows != b - again->rows)) {
                fail_msg("'%.*s' finds something else", STR_ARGS(name->text));
            }
        }
    }
}

static void assert_round_trip(const struct price_book *book)
{
    struct price_book *again = written_and_read(book);

    assert_int_equal(price_book_count(again), price_book_count(book));
    assert_int_equal(price_book_skipped(again), 0);
    assert_true(str_equal(price_book_as_of(again), price_book_as_of(book)));
    for (size_t i = 0; i < price_book_count(book); i++) {
        assert_same_row(price_book_row(book, i), price_book_row(again, i));
    }
    assert_same_names(book, again);
    price_book_free(again);
}

static void test_write_keeps_the_builtin_book(void **state)
{
    struct price_book *book = NULL;
    struct error error;

    (void)state;
    assert_int_equal(price_book_builtin(&book, &error), OK);
    assert_round_trip(book);
    price_book_free(book);
}

static void test_write_keeps_what_an_import_can_hold(void **state)
{
    struct price_book *book = book_of(
        "{\"gemini/gemini-q\": {\"litellm_provider\": \"gemini\", \"input_cost_per_token\": 1e-6,"
        "  \"prompt_cache_min_tokens\": 9},"
        " \"openrouter/openai/gpt-q\": {\"litellm_provider\": \"openrouter\","
        "  \"input_cost_per_token\": 9e-6},"
        " \"deepseek-q\": {\"litellm_provider\": \"deepseek\", \"input_cost_per_token\": 1e-6},"
        " \"deepseek/deepseek-q\": {\"litellm_provider\": \"deepseek\","
        "  \"input_cost_per_token\": 2e-6},"
        " \"dashscope/w\": {\"litellm_provider\": \"dashscope\", \"tiered_pricing\": ["
        "  {\"range\": [0, 1000], \"input_cost_per_token\": 1.2345e-8},"
        "  {\"range\": [1000, 9000], \"input_cost_per_token\": 2e-6}]},"
        " \"gpt-t\": {\"litellm_provider\": \"openai\", \"input_cost_per_token\": 5e-6,"
        "  \"cache_read_input_token_cost\": 5e-7, \"input_cost_per_token_batches\": 2e-6,"
        "  \"input_cost_per_token_above_272k_tokens\": 1e-5,"
        "  \"input_cost_per_token_above_272k_tokens_priority\": 2e-5}}");

    (void)state;
    assert_int_equal(price_book_skipped(book), 0);
    assert_round_trip(book);
    price_book_free(book);
}

static void test_write_keeps_validity_to_the_second(void **state)
{
    struct price_book *book =
        book_of("{\"netra_prices\": 1, \"unit\": \"USD per million tokens\", \"models\": ["
                "{\"provider\": \"p\", \"model\": \"m\", \"from\": \"2026-06-22\","
                " \"to\": \"2026-07-24T15:59:00Z\", \"aliases\": [\"n\", \"o\"],"
                " \"prices\": {\"standard\": {\"input\": 0, \"reasoning\": 0.000001}}}]}");

    (void)state;
    assert_round_trip(book);
    price_book_free(book);
}

static void test_write_fails_or_is_whole_when_memory_ends(void **state)
{
    struct price_book *book =
        book_of("{\"netra_prices\": 1, \"unit\": \"USD per million tokens\", \"models\": ["
                "{\"provider\": \"p\", \"model\": \"m\", \"to\": \"2026-07-24\","
                " \"prices\": {\"standard\": {\"input\": 1}}}]}");
    int status = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; status == ERR_NO_MEMORY; nth++) {
        struct buf text;

        assert_true(nth < 100);
        buf_init(&text, WRITTEN_BYTES_MAX);
        struct json_writer w = json_writer_on(&text);
        (void)alloc_fail_from(nth);
        price_book_write_json(book, &w);
        (void)alloc_fail_from(0);
        status = buf_status(&text);
        assert_true(status != OK || str_find(buf_str(&text), STR("\"2026-07-24\""), 0) != SIZE_MAX);
        buf_done(&text);
    }
    assert_int_equal(status, OK);
    price_book_free(book);
}

static void test_write_keeps_the_real_map(void **state)
{
    const char *folder = getenv("NETRA_TEST_DATA");
    struct price_book *book = NULL;
    struct error error;
    struct buf text;

    (void)state;
    buf_init(&text, TEST_FILE_BYTES_MAX);
    if (!folder || !read_whole_file(folder, "prices/litellm_model_prices.json", &text)) {
        buf_done(&text);
        print_message("NETRA_TEST_DATA is not set: the real map is not read\n");
        skip();
    }
    assert_int_equal(price_book_parse(buf_str(&text), STR("LiteLLM"), &book, &error), OK);
    assert_round_trip(book);
    price_book_free(book);
    buf_done(&text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_write_keeps_the_builtin_book),
    cmocka_unit_test(test_write_keeps_what_an_import_can_hold),
    cmocka_unit_test(test_write_keeps_validity_to_the_second),
    cmocka_unit_test(test_write_fails_or_is_whole_when_memory_ends),
    cmocka_unit_test(test_write_keeps_the_real_map),
};

UNIT_MAIN(tests)
