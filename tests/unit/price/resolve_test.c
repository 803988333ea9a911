/*
 * Names of records find their rows: exact, alias, dated, with a route; and what must not match
 * does not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/civil_time.h"
#include "price/book_build.h"
#include "price_test_support.h"

#define MODEL(provider, model, more)                                                               \
    "{\"provider\": \"" provider "\", \"model\": \"" model "\"" more                               \
    ", \"prices\": {\"standard\": {\"input\": 1, \"output\": 2}}}"
#define BOOK(models)                                                                               \
    "{\"netra_prices\": 1, \"unit\": \"USD per million tokens\", \"models\": [" models "]}"

static const char *const book_text = BOOK(
    MODEL("openai", "gpt-4o", "") "," MODEL("openai", "gpt-4o-2024-05-13", "") "," MODEL("openai", "gpt-4o-mini", "") "," MODEL("anthropic", "claude-sonnet-4-5-20250929", ", \"aliases\": [\"sonnet-of-ours\"]") "," MODEL(
        "anthropic", "claude-3-5-haiku-20241022",
        "") "," MODEL("anthropic", "claude-two-20240101",
                      "") "," MODEL("anthropic", "claude-two-20240601",
                                    "") "," MODEL("anthropic", "claude-opus-4-5-20251101",
                                                  "") "," MODEL("gemini", "gemini-2.5-pro",
                                                                "") "," MODEL("vertex_ai",
                                                                              "gemini-2.5-pro",
                                                                              "") "," MODEL("acme",
                                                                                            "llama-"
                                                                                            "9",
                                                                                            "") "," MODEL("groq",
                                                                                                          "llama-9",
                                                                                                          "") "," MODEL("groq",
                                                                                                                        "llama-8",
                                                                                                                        "") "," MODEL("deepseek",
                                                                                                                                      "deepseek-x",
                                                                                                                                      "") "," MODEL("openrouter",
                                                                                                                                                    "openai/gpt-9",
                                                                                                                                                    ""));

struct expectation {
    const char *provider;
    const char *asked;
    const char *model; /* NULL: not found */
    enum price_match match;
};

static void check_each(const struct expectation *table, size_t count)
{
    struct price_book *book = book_of(book_text);

    for (size_t i = 0; i < count; i++) {
        enum price_match match = PRICE_MATCH_EXACT;
        const struct price_row *row = price_find(book, str_from(table[i].provider),
                                                 str_from(table[i].asked), PRICE_NEWEST, &match);

        if (!row != !table[i].model || match != table[i].match ||
            (row && !str_equal(row->model, str_from(table[i].model)))) {
            fail_msg("'%s' '%s' found %.*s (match %d)", table[i].provider, table[i].asked,
                     row ? (int)row->model.length : 7, row ? row->model.data : "nothing", match);
        }
    }
    price_book_free(book);
}

static void test_find_matches_names_as_they_are_written(void **state)
{
    static const struct expectation table[] = {
        {"", "gpt-4o", "gpt-4o", PRICE_MATCH_EXACT},
        {"", "GPT-4o", "gpt-4o", PRICE_MATCH_EXACT},
        {"", "  gpt-4o\n", "gpt-4o", PRICE_MATCH_EXACT},
        {"", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13", PRICE_MATCH_EXACT},
        {"", "Sonnet-of-Ours", "claude-sonnet-4-5-20250929", PRICE_MATCH_ALIAS},
        {"openrouter", "openai/gpt-9", "openai/gpt-9", PRICE_MATCH_EXACT},
        {"", "openai/gpt-9", "openai/gpt-9", PRICE_MATCH_EXACT},
    };

    (void)state;
    check_each(table, ARRAY_LENGTH(table));
}

static void test_find_matches_dated_names_both_ways(void **state)
{
    static const struct expectation table[] = {
        {"", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", PRICE_MATCH_DATED},
        {"", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5-20250929", PRICE_MATCH_DATED},
        {"", "claude-sonnet-4-5-2025-09-29", "claude-sonnet-4-5-20250929", PRICE_MATCH_DATED},
        {"", "claude-sonnet-4-5-latest", "claude-sonnet-4-5-20250929", PRICE_MATCH_DATED},
        {"", "claude-sonnet-4-5@default", "claude-sonnet-4-5-20250929", PRICE_MATCH_DATED},
        {"", "claude-3-5-haiku-latest", "claude-3-5-haiku-20241022", PRICE_MATCH_DATED},
        {"", "gpt-4o-2024-08-06", "gpt-4o", PRICE_MATCH_DATED},
        {"", "gpt-4o-20240513", "gpt-4o-2024-05-13", PRICE_MATCH_DATED},
        {"", "gpt-4o-latest", "gpt-4o", PRICE_MATCH_DATED},
    };

    (void)state;
    check_each(table, ARRAY_LENGTH(table));
}

static void test_find_strips_known_routes(void **state)
{
    static const struct expectation table[] = {
        {"", "openai/gpt-4o", "gpt-4o", PRICE_MATCH_PREFIXED},
        {"", "azure/gpt-4o-2024-08-06", "gpt-4o", PRICE_MATCH_PREFIXED},
        {"", "openrouter/openai/gpt-4o", "gpt-4o", PRICE_MATCH_PREFIXED},
        {"", "anthropic/claude-sonnet-4-5", "claude-sonnet-4-5-20250929", PRICE_MATCH_PREFIXED},
        {"", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929",
         PRICE_MATCH_PREFIXED},
        {"", "global.anthropic.claude-opus-4-5-20251101-v1:0", "claude-opus-4-5-20251101",
         PRICE_MATCH_PREFIXED},
        {"", "anthropic.claude-3-5-haiku-20241022-v1:0", "claude-3-5-haiku-20241022",
         PRICE_MATCH_PREFIXED},
        {"", "bedrock/eu.anthropic.claude-3-5-haiku-20241022-v1:0:200k",
         "claude-3-5-haiku-20241022", PRICE_MATCH_PREFIXED},
        {"",
         "arn:aws:bedrock:us-east-1:1234:inference-profile/"
         "us.anthropic.claude-3-5-haiku-20241022-v1:0",
         "claude-3-5-haiku-20241022", PRICE_MATCH_PREFIXED},
        {"", "vertex_ai/claude-opus-4-5@20251101", "claude-opus-4-5-20251101",
         PRICE_MATCH_PREFIXED},
        {"", "publishers/anthropic/models/claude-opus-4-5", "claude-opus-4-5-20251101",
         PRICE_MATCH_PREFIXED},
        {"", "projects/p/locations/l/publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro",
         PRICE_MATCH_PREFIXED},
        {"", "models/gemini-2.5-pro", "gemini-2.5-pro", PRICE_MATCH_PREFIXED},
        {"groq", "groq/llama-8", "llama-8", PRICE_MATCH_PREFIXED},
    };

    (void)state;
    check_each(table, ARRAY_LENGTH(table));
}

static void test_find_never_guesses(void **state)
{
    static const struct expectation table[] = {
        {"", "", NULL, PRICE_MATCH_NONE},
        {"", "   ", NULL, PRICE_MATCH_NONE},
        {"", "gpt", NULL, PRICE_MATCH_NONE},
        {"", "opus", NULL, PRICE_MATCH_NONE},
        {"", "claude-opus", NULL, PRICE_MATCH_NONE},
        {"", "claude-opus-4", NULL, PRICE_MATCH_NONE},
        {"", "claude-opus-4-6", NULL, PRICE_MATCH_NONE},
        {"", "gpt-4", NULL, PRICE_MATCH_NONE},
        {"", "gpt-4o-max", NULL, PRICE_MATCH_NONE},
        {"", "gpt-4o-2024-13-01", NULL, PRICE_MATCH_NONE}, /* no such month */
        {"", "gpt-4o-99999999", NULL, PRICE_MATCH_NONE},
        {"", "claude-sonnet-4-5-20250101", NULL, PRICE_MATCH_NONE}, /* another date */
        {"", "claude-two", NULL, PRICE_MATCH_NONE},                 /* two dates fit */
        {"", "claude-two-latest", NULL, PRICE_MATCH_NONE},
        {"", "llama-9", NULL, PRICE_MATCH_NONE}, /* two hosts, no maker */
        {"", "acme/gpt-4o", NULL, PRICE_MATCH_NONE},
        {"", "fireworks_ai/deepseek-x", NULL, PRICE_MATCH_NONE}, /* that host has its own price */
        {"", "-latest", NULL, PRICE_MATCH_NONE},
        {"", "-20240101", NULL, PRICE_MATCH_NONE},
        {"", "/", NULL, PRICE_MATCH_NONE},
        {"", "openai/", NULL, PRICE_MATCH_NONE},
        {"", "models/models/models/models/models/models/models/gpt-4o", NULL, PRICE_MATCH_NONE},
        {"", "arn:aws:bedrock:nothing", NULL, PRICE_MATCH_NONE},
        {"", "projects/p", NULL, PRICE_MATCH_NONE},
        {"", "us.", NULL, PRICE_MATCH_NONE},
        {"", "anthropic.", NULL, PRICE_MATCH_NONE},
        {"", "anthropic.-v1", NULL, PRICE_MATCH_NONE},
    };

    (void)state;
    check_each(table, ARRAY_LENGTH(table));
}

static void test_find_heeds_the_provider(void **state)
{
    static const struct expectation table[] = {
        {"openai", "gpt-4o", "gpt-4o", PRICE_MATCH_EXACT},
        {"OpenAI", "gpt-4o", "gpt-4o", PRICE_MATCH_EXACT},
        {"azure.ai.openai", "gpt-4o", NULL, PRICE_MATCH_NONE},
        {"azure", "gpt-4o", NULL, PRICE_MATCH_NONE},
        {"aws.bedrock", "claude-opus-4-5", NULL, PRICE_MATCH_NONE},
        {"acme", "llama-9", "llama-9", PRICE_MATCH_EXACT},
        {"google", "gemini-2.5-pro", "gemini-2.5-pro", PRICE_MATCH_EXACT},
        {"no such", "gpt-4o", NULL, PRICE_MATCH_NONE},
    };

    (void)state;
    check_each(table, ARRAY_LENGTH(table));
}

static void test_find_prefers_the_maker_and_the_named_route(void **state)
{
    struct price_book *book = book_of(book_text);

    (void)state;
    assert_str(row_of(book, "gemini-2.5-pro")->provider, "gcp.gemini");
    assert_str(row_of(book, "vertex_ai/gemini-2.5-pro")->provider, "gcp.vertex_ai");
    assert_str(
        price_find(book, STR("vertex_ai"), STR("gemini-2.5-pro"), PRICE_NEWEST, NULL)->provider,
        "gcp.vertex_ai");
    assert_str(row_of(book, "groq/llama-9")->provider, "groq");
    price_book_free(book);
}

static void test_find_heeds_validity(void **state)
{
    struct price_book *book =
        book_of(BOOK("{\"provider\": \"openai\", \"model\": \"m\", \"to\": \"2025-06-10\","
                     " \"prices\": {\"standard\": {\"input\": 10}}},"
                     "{\"provider\": \"openai\", \"model\": \"m\", \"from\": \"2025-06-10\","
                     " \"to\": \"2026-01-01\", \"prices\": {\"standard\": {\"input\": 2}}}"));
    int64_t change;
    int64_t end;

    (void)state;
    assert_int_equal(price_book_count(book), 2);
    assert_int_equal(civil_parse(STR("2025-06-10"), &change), OK);
    assert_int_equal(civil_parse(STR("2026-01-01"), &end), OK);
    assert_int_equal(pico_of(price_find(book, STR(""), STR("m"), change - 1, NULL), USAGE_STANDARD,
                             0, PRICE_INPUT),
                     10000000);
    assert_int_equal(
        pico_of(price_find(book, STR(""), STR("m"), change, NULL), USAGE_STANDARD, 0, PRICE_INPUT),
        2000000);
    assert_null(price_find(book, STR(""), STR("m"), end, NULL));
    assert_int_equal(pico_of(price_find(book, STR(""), STR("m"), PRICE_NEWEST, NULL),
                             USAGE_STANDARD, 0, PRICE_INPUT),
                     2000000);
    price_book_free(book);
}

/* An "openai/gpt-q" of a reseller must not price OpenAI's own model. */
static void test_find_does_not_take_a_resellers_row_for_a_route(void **state)
{
    struct price_book *book =
        book_of("{\"openrouter/openai/gpt-q\": {\"litellm_provider\": \"openrouter\","
                " \"input_cost_per_token\": 9e-6},"
                " \"gpt-q\": {\"litellm_provider\": \"openai\", \"input_cost_per_token\": 1e-6},"
                " \"openrouter/openai/gpt-r\": {\"litellm_provider\": \"openrouter\","
                " \"input_cost_per_token\": 9e-6}}");

    (void)state;
    assert_str(row_of(book, "openai/gpt-q")->provider, "openai");
    assert_str(row_of(book, "openrouter/openai/gpt-q")->provider, "openrouter");
    assert_str(
        price_find(book, STR("openrouter"), STR("openai/gpt-q"), PRICE_NEWEST, NULL)->provider,
        "openrouter");
    assert_null(price_find(book, STR(""), STR("openai/gpt-r"), PRICE_NEWEST, NULL));
    price_book_free(book);
}

static void test_find_refuses_overlong_names(void **state)
{
    struct price_book *book = book_of(book_text);
    char name[PRICE_NAME_BYTES_MAX + 1];

    (void)state;
    memset(name, 'x', sizeof(name));
    assert_null(price_find(book, STR(""), (struct str){name, sizeof(name)}, PRICE_NEWEST, NULL));
    assert_null(price_find(book, STR(""), (struct str){NULL, 0}, PRICE_NEWEST, NULL));
    price_book_free(book);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_find_matches_names_as_they_are_written),
    cmocka_unit_test(test_find_matches_dated_names_both_ways),
    cmocka_unit_test(test_find_strips_known_routes),
    cmocka_unit_test(test_find_never_guesses),
    cmocka_unit_test(test_find_heeds_the_provider),
    cmocka_unit_test(test_find_prefers_the_maker_and_the_named_route),
    cmocka_unit_test(test_find_heeds_validity),
    cmocka_unit_test(test_find_does_not_take_a_resellers_row_for_a_route),
    cmocka_unit_test(test_find_refuses_overlong_names),
};

UNIT_MAIN(tests)
