/*
 * Netra's own form: what it can say, what is refused, and the book that Netra ships.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/civil_time.h"
#include "price_test_support.h"

#define BOOK(models)                                                                               \
    "{\"netra_prices\": 1, \"unit\": \"USD per million tokens\","                                  \
    " \"sources\": {\"us\": {\"name\": \"our contract\", \"date\": \"2026-02-03\"}},"              \
    " \"models\": [" models "]}"
#define GOOD                                                                                       \
    "{\"provider\": \"anthropic\", \"model\": \"claude-n\", \"source\": \"us\","                   \
    " \"aliases\": [\"en\", \"\", 7], \"note\": \"net\", \"context_window\": 200000,"              \
    " \"max_output\": 64000, \"cache\": {\"mode\": \"explicit\", \"minimum_tokens\": 0},"          \
    " \"prices\": {\"standard\": [{\"input\": 3, \"cache_read\": 0.3, \"cache_write_5m\": 3.75,"   \
    "   \"cache_write_1h\": 6, \"output\": 15, \"reasoning\": 16},"                                \
    "  {\"over\": 200000, \"input\": 6, \"output\": 22.5, \"cache_write_1h\": 12,"                 \
    "   \"derived\": [\"cache_write_1h\"]}],"                                                      \
    "  \"batch\": [{\"input\": 0, \"output\": 7.5}, {\"over\": 200000}]}}"

static void test_own_form_says_everything_that_a_row_holds(void **state)
{
    struct price_book *book = book_of(BOOK(GOOD));
    const struct price_row *row = row_of(book, "claude-n");

    (void)state;
    assert_str(price_book_name(book), "test");
    assert_str(price_book_as_of(book), "2026-02-03");
    assert_int_equal(price_book_skipped(book), 0);
    assert_str(row->source, "our contract");
    assert_str(row->source_date, "2026-02-03");
    assert_str(row->note, "net");
    assert_true(row == row_of(book, "en"));
    assert_int_equal(row->context_window, 200000);
    assert_int_equal(row->max_output, 64000);
    assert_int_equal(row->cache_mode, PRICE_CACHE_EXPLICIT);
    assert_true(row->cache_minimum_known);
    assert_int_equal(row->cache_minimum_tokens, 0);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 0, PRICE_CACHE_WRITE_5M), 3750000);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 0, PRICE_REASONING), 16000000);
    assert_int_equal(row->services[USAGE_STANDARD].tiers[1].over_tokens, 200000);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_OUTPUT), 22500000);
    assert_true(is_derived(row, USAGE_STANDARD, 1, PRICE_CACHE_WRITE_1H));
    /* 0 is a price when someone writes it; nothing is filled in by rules of other lists. */
    assert_int_equal(pico_of(row, USAGE_BATCH, 0, PRICE_INPUT), 0);
    assert_int_equal(pico_of(row, USAGE_BATCH, 0, PRICE_CACHE_READ), -1);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_CACHE_READ), -1);
    price_book_free(book);
}

/* A tier that names only its threshold: above it nothing is known, so nothing is guessed. */
static void test_own_form_can_say_that_a_tier_is_unknown(void **state)
{
    struct price_book *book = book_of(BOOK(GOOD));
    const struct price_row *row = row_of(book, "claude-n");
    const struct usage_tokens below = {.output = 1};
    const struct usage_tokens above = {.input_uncached = 200001};
    struct price_cost cost;

    (void)state;
    assert_int_equal(price_cost_of(row, USAGE_BATCH, &below, NULL, &cost), OK);
    assert_int_equal(price_cost_of(row, USAGE_BATCH, &above, NULL, &cost), ERR_UNKNOWN_PRICE);
    assert_int_equal(cost.missing, PRICE_BIT(PRICE_INPUT));
    price_book_free(book);
}

static void test_own_form_skips_what_it_does_not_understand_whole(void **state)
{
    static const char *const bad[] = {
        "7",
        "{}",
        "{\"provider\": \"p\", \"model\": \"m\"}",
        "{\"provider\": \"p\", \"model\": \"m\", \"prices\": {}}",
        "{\"provider\": \"p\", \"model\": \"m\", \"prices\": {\"batch\": {\"input\": 1}}}",
        "{\"provider\": \"p\", \"model\": \"m\", \"prices\": {\"standard\": {}}}",
        "{\"provider\": \"p\", \"model\": \"m\", \"prices\": {\"standard\": []}}",
        "{\"provider\": \"p\", \"model\": \"m\", \"prices\": {\"standard\": [1]}}",
        "{\"provider\": \"p\", \"model\": \"m\", \"prices\": {\"standard\": {\"inptu\": 1}}}",
        "{\"provider\": \"p\", \"model\": \"m\", \"prices\": {\"standard\": {\"input\": -1}}}",
        "{\"provider\": \"p\", \"model\": \"m\", \"prices\": {\"standard\": {\"input\": 2e6}}}",
        "{\"provider\": \"p\", \"model\": \"m\", \"prices\": {\"standard\": {\"input\": \"1\"}}}",
        "{\"provider\": \"p\", \"model\": \"m\", \"prices\": {\"express\": {\"input\": 1}}}",
        "{\"provider\": \"p\", \"model\": \"m\","
        " \"prices\": {\"standard\": {\"over\": 5, \"input\": 1}}}",
        "{\"provider\": \"p\", \"model\": \"m\","
        " \"prices\": {\"standard\": [{\"input\": 1}, {\"over\": 5}, {\"over\": 5}]}}",
        "{\"provider\": \"p\", \"model\": \"m\","
        " \"prices\": {\"standard\": [{\"input\": 1}, {\"input\": 2}]}}",
        "{\"provider\": \"p\", \"model\": \"m\","
        " \"prices\": {\"standard\": {\"input\": 1, \"derived\": [\"output\"]}}}",
        "{\"provider\": \"p\", \"model\": \"m\", \"typo\": 1,"
        " \"prices\": {\"standard\": {\"input\": 1}}}",
        "{\"provider\": \"p\", \"model\": \"m\", \"from\": \"soon\","
        " \"prices\": {\"standard\": {\"input\": 1}}}",
        "{\"provider\": \"p\", \"model\": \"m\", \"from\": \"2026-02-01\","
        " \"to\": \"2026-01-01\", \"prices\": {\"standard\": {\"input\": 1}}}",
        "{\"provider\": \"p\", \"model\": \"m\", \"cache\": {\"mode\": \"magic\"},"
        " \"prices\": {\"standard\": {\"input\": 1}}}",
        "{\"provider\": \"p\", \"model\": \"m\", \"tier_mode\": \"steep\","
        " \"prices\": {\"standard\": {\"input\": 1}}}",
        "{\"provider\": \"anthropic\", \"model\": \"CLAUDE-N\","
        " \"prices\": {\"standard\": {\"input\": 1}}}", /* there already */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        char text[4096];

        (void)snprintf(text, sizeof(text), BOOK(GOOD ", %s"), bad[i]);
        struct price_book *book = book_of(text);
        if (price_book_count(book) != 1 || price_book_skipped(book) != 1) {
            fail_msg("%s was not skipped", bad[i]);
        }
        price_book_free(book);
    }
}

static void test_parse_refuses_other_documents(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "null",
        "[]",
        "{}",
        "{\"gpt-4o\": {\"input\": 1}}",
        "{\"netra_prices\": 2, \"unit\": \"USD per million tokens\", \"models\": []}",
        "{\"netra_prices\": 1, \"unit\": \"EUR\", \"models\": []}",
        "{\"netra_prices\": 1, \"unit\": \"USD per million tokens\"}",
        "{\"a\": {\"litellm_provider\": \"openai\"}}",
    };
    struct price_book *book = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct error error = {0};

        assert_int_equal(price_book_parse(str_from(bad[i]), STR("x"), &book, &error), ERR_INVALID);
        assert_null(book);
        assert_true(error.message[0] != '\0');
    }
}

static void test_own_form_survives_every_failing_allocation(void **state)
{
    struct price_book *book = NULL;
    struct error error;
    int status = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; status == ERR_NO_MEMORY; nth++) {
        assert_true(nth < 1000);
        (void)alloc_fail_from(nth);
        status = price_book_parse(str_from(BOOK(GOOD)), STR("test"), &book, &error);
        (void)alloc_fail_from(0);
        assert_true(status == OK || book == NULL);
    }
    assert_int_equal(status, OK);
    price_book_free(book);
}

/* ---- the book that Netra ships ---- */

static struct price_book *builtin_book(void)
{
    struct price_book *book = NULL;
    struct error error = {0};

    if (price_book_builtin(&book, &error)) {
        fail_msg("%s", error.message);
    }
    return book;
}

static void check_vector(const struct price_row *row, const struct price_vector *price)
{
    for (unsigned kind = 0; kind < PRICE_KIND_COUNT; kind++) {
        bool known = price->known & PRICE_BIT(kind);

        if (known != (price->pico_usd[kind] > 0)) {
            fail_msg("%.*s: kind %u is known %d with price %lld", STR_ARGS(row->model), kind, known,
                     (long long)price->pico_usd[kind]);
        }
    }
    assert_int_equal(price->derived & ~price->known, 0);
    /* What every provider does: reads are cheaper than input, writes and output are not. */
    if (price->known & PRICE_BIT(PRICE_INPUT)) {
        int64_t input = price->pico_usd[PRICE_INPUT];

        assert_true(price->pico_usd[PRICE_CACHE_READ] < input);
        assert_true(!(price->known & PRICE_BIT(PRICE_CACHE_WRITE_5M)) ||
                    price->pico_usd[PRICE_CACHE_WRITE_5M] >= input);
        assert_true(!(price->known & PRICE_BIT(PRICE_OUTPUT)) ||
                    price->pico_usd[PRICE_OUTPUT] >= input);
    }
}

static void check_row(const struct price_row *row)
{
    int64_t date;

    assert_true(row->provider.length && row->model.length && row->source.length > 10);
    assert_int_equal(row->source_date.length, 10);
    assert_int_equal(civil_parse(row->source_date, &date), OK);
    assert_true(row->services[USAGE_STANDARD].count > 0);
    assert_true(row->services[USAGE_STANDARD].tiers[0].price.known & PRICE_BIT(PRICE_INPUT));
    for (unsigned s = 0; s < USAGE_TIER_COUNT; s++) {
        const struct price_service *service = &row->services[s];

        for (uint32_t i = 0; i < service->count; i++) {
            check_vector(row, &service->tiers[i].price);
            assert_true(i == 0 ? service->tiers[i].over_tokens == 0
                               : service->tiers[i].over_tokens > service->tiers[i - 1].over_tokens);
        }
        /* Known above a threshold in one service tier, so said in the others, too. */
        assert_true(service->count == 0 || service->count == row->services[USAGE_STANDARD].count);
    }
}

static void test_builtin_book_has_a_source_and_sane_prices_in_every_row(void **state)
{
    struct price_book *book = builtin_book();

    (void)state;
    assert_str(price_book_name(book), "netra");
    assert_int_equal(price_book_as_of(book).length, 10);
    assert_int_equal(price_book_skipped(book), 0);
    assert_true(price_book_count(book) >= 200);
    for (size_t i = 0; i < price_book_count(book); i++) {
        check_row(price_book_row(book, i));
    }
    price_book_free(book);
}

static void assert_standard(const struct price_book *book, const char *model, int64_t input,
                            int64_t read, int64_t write, int64_t write_1h, int64_t output)
{
    const struct price_row *row = row_of(book, model);

    assert_int_equal(pico_of(row, USAGE_STANDARD, 0, PRICE_INPUT), input);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 0, PRICE_CACHE_READ), read);
    assert_int_equal(pico_of(row, USAGE_STANDARD, 0, PRICE_OUTPUT), output);
    if (write >= 0) {
        assert_int_equal(pico_of(row, USAGE_STANDARD, 0, PRICE_CACHE_WRITE_5M), write);
        assert_int_equal(pico_of(row, USAGE_STANDARD, 0, PRICE_CACHE_WRITE_1H), write_1h);
    }
}

/* Prices that the checks of this project rely on, in pico-dollars per token. */
static void test_builtin_book_has_the_prices_that_are_relied_on(void **state)
{
    struct price_book *book = builtin_book();
    const struct price_row *row;

    (void)state;
    assert_standard(book, "gpt-4o", 2500000, 1250000, -1, -1, 10000000);
    assert_standard(book, "gpt-4o-mini", 150000, 75000, -1, -1, 600000);
    assert_standard(book, "gpt-5", 1250000, 125000, -1, -1, 10000000);
    assert_standard(book, "gpt-5-mini", 250000, 25000, -1, -1, 2000000);
    assert_standard(book, "claude-sonnet-4-20250514", 3000000, 300000, 3750000, 6000000, 15000000);
    assert_standard(book, "claude-sonnet-4-5", 3000000, 300000, 3750000, 6000000, 15000000);
    assert_standard(book, "claude-haiku-4-5", 1000000, 100000, 1250000, 2000000, 5000000);
    assert_standard(book, "claude-opus-4-5", 5000000, 500000, 6250000, 10000000, 25000000);
    assert_standard(book, "claude-opus-4-1-20250805", 15000000, 1500000, 18750000, 30000000,
                    75000000);
    assert_standard(book, "gemini-2.5-pro", 1250000, 125000, -1, -1, 10000000);
    assert_standard(book, "claude-opus-5-5", 4000000, 200000, 5000000, 8000000, 20000000);
    row = row_of(book, "claude-sonnet-4-20250514");
    assert_int_equal(pico_of(row, USAGE_STANDARD, 1, PRICE_CACHE_WRITE_1H), 12000000);
    assert_true(is_derived(row, USAGE_STANDARD, 1, PRICE_CACHE_WRITE_1H));
    row = row_of(book, "gpt-5-mini");
    assert_int_equal(pico_of(row, USAGE_FLEX, 0, PRICE_INPUT), 125000);
    assert_int_equal(pico_of(row, USAGE_FLEX, 0, PRICE_CACHE_READ), 12500);
    assert_int_equal(pico_of(row, USAGE_PRIORITY, 0, PRICE_OUTPUT), 3600000);
    price_book_free(book);
}

/* A dated name that costs something else than the family's name has its own row. */
static void test_builtin_book_knows_the_older_and_dearer_snapshot(void **state)
{
    struct price_book *book = builtin_book();

    (void)state;
    assert_int_equal(pico_of(row_of(book, "gpt-4o-2024-05-13"), USAGE_STANDARD, 0, PRICE_INPUT),
                     5000000);
    assert_int_equal(pico_of(row_of(book, "gpt-4o-2024-11-20"), USAGE_STANDARD, 0, PRICE_INPUT),
                     2500000);
    price_book_free(book);
}

/* The same model at a cloud is another row, and a regional endpoint of it may cost more. */
static void test_builtin_book_tells_clouds_and_regions_apart(void **state)
{
    static const struct {
        const char *provider;
        const char *model;
        int64_t input;
    } table[] = {
        {"anthropic", "claude-haiku-4-5", 1000000},
        {"aws.bedrock", "global.anthropic.claude-haiku-4-5-20251001-v1:0", 1000000},
        {"aws.bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0", 1100000},
        {"", "us.anthropic.claude-haiku-4-5-20251001-v1:0", 1100000},
        {"gcp.vertex_ai", "claude-sonnet-4-5@20250929", 3000000},
        {"gcp.vertex_ai", "claude-sonnet-4-5", 3000000},
        {"azure", "gpt-4o", 2500000},
        {"azure", "azure/gpt-4o-2024-11-20", 2500000},
    };
    struct price_book *book = builtin_book();

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
        const struct price_row *row = price_find(book, str_from(table[i].provider),
                                                 str_from(table[i].model), PRICE_NEWEST, NULL);

        if (!row || pico_of(row, USAGE_STANDARD, 0, PRICE_INPUT) != table[i].input) {
            fail_msg("%s %s is wrong", table[i].provider, table[i].model);
        }
    }
    price_book_free(book);
}

static void test_builtin_book_survives_every_failing_allocation(void **state)
{
    struct price_book *book = NULL;
    struct error error;
    int status = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; status == ERR_NO_MEMORY; nth++) {
        assert_true(nth < 1000);
        (void)alloc_fail_from(nth);
        status = price_book_builtin(&book, &error);
        (void)alloc_fail_from(0);
    }
    assert_int_equal(status, OK);
    price_book_free(book);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_own_form_says_everything_that_a_row_holds),
    cmocka_unit_test(test_own_form_can_say_that_a_tier_is_unknown),
    cmocka_unit_test(test_own_form_skips_what_it_does_not_understand_whole),
    cmocka_unit_test(test_parse_refuses_other_documents),
    cmocka_unit_test(test_own_form_survives_every_failing_allocation),
    cmocka_unit_test(test_builtin_book_has_a_source_and_sane_prices_in_every_row),
    cmocka_unit_test(test_builtin_book_has_the_prices_that_are_relied_on),
    cmocka_unit_test(test_builtin_book_knows_the_older_and_dearer_snapshot),
    cmocka_unit_test(test_builtin_book_tells_clouds_and_regions_apart),
    cmocka_unit_test(test_builtin_book_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
