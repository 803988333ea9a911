/*
 * What is known of a provider: its address and headers are made once, and its key is gone when the
 * link is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/alloc.h"
#include "llm/link.h"

static const struct llm_limits limits = {.breaker_failures = 1};

static struct llm_provider gemini(struct str key)
{
    return (struct llm_provider){
        .name = STR("gemini"),
        .price_provider = STR("gcp.gemini"),
        .wire = &llm_wire_gemini,
        .url = STR("https://example.com/v1beta"),
        .key = key,
        .model = STR("a model"),
    };
}

static void test_link_has_the_wires_address_and_headers(void **state)
{
    struct llm_provider provider = gemini(STR("AIza-secret"));
    struct llm_link link;
    struct arena arena;
    struct error error;

    (void)state;
    arena_init(&arena, 1 << 20);
    assert_int_equal(llm_link_init(&link, &provider, &limits, &arena, &error), OK);
    assert_str(link.address,
               "https://example.com/v1beta/models/a%20model:streamGenerateContent?alt=sse");
    assert_str(link.headers[0].name, "Content-Type");
    assert_str(link.headers[link.header_count - 1].name, "x-goog-api-key");
    assert_str(link.headers[link.header_count - 1].value, "AIza-secret");
    assert_true(link.provider.key.data != provider.key.data); /* copied */
    provider.key = STR("");
    assert_int_equal(llm_link_init(&link, &provider, &limits, &arena, &error), OK);
    for (size_t i = 0; i < link.header_count; i++) {
        assert_false(str_equal(link.headers[i].name, STR("x-goog-api-key")));
    }
    arena_done(&arena);
}

static void test_key_is_overwritten(void **state)
{
    const struct llm_provider provider = gemini(STR("AIza-secret"));
    static const char zeros[sizeof("AIza-secret")];
    struct llm_link link;
    struct arena arena;
    struct error error;

    (void)state;
    arena_init(&arena, 1 << 20);
    assert_int_equal(llm_link_init(&link, &provider, &limits, &arena, &error), OK);
    llm_link_wipe(&link);
    assert_memory_equal(link.provider.key.data, zeros, link.provider.key.length);
    assert_memory_equal(link.secret.data, zeros, link.secret.length);
    arena_done(&arena);
}

/* Any text may be configured; what no request could carry is refused at once. */
static void test_link_that_is_too_long_is_refused(void **state)
{
    static char text[LLM_ADDRESS_BYTES_MAX + LLM_KEY_BYTES_MAX];
    const struct str too_long = {text, sizeof(text)};
    struct llm_provider provider = gemini(too_long);
    struct llm_link link;
    struct arena arena;
    struct error error;

    (void)state;
    memset(text, 'k', sizeof(text));
    arena_init(&arena, 1 << 20);
    assert_int_equal(llm_link_init(&link, &provider, &limits, &arena, &error), ERR_LIMIT);
    assert_null(strstr(error.message, "kkk"));
    provider = gemini(STR("key"));
    provider.url = too_long;
    assert_int_equal(llm_link_init(&link, &provider, &limits, &arena, &error), ERR_LIMIT);
    arena_done(&arena);
}

static void test_link_bears_any_failing_allocation(void **state)
{
    const struct llm_provider provider = gemini(STR("AIza-secret"));
    struct llm_link link;
    struct error error;
    uint64_t nth = 0;
    int code = ERR_NO_MEMORY;

    (void)state;
    while (code) {
        struct arena arena;

        arena_init(&arena, 1 << 20);
        (void)alloc_fail_from(++nth);
        code = llm_link_init(&link, &provider, &limits, &arena, &error);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        arena_done(&arena);
    }
    assert_true(nth > 2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_link_has_the_wires_address_and_headers),
    cmocka_unit_test(test_key_is_overwritten),
    cmocka_unit_test(test_link_that_is_too_long_is_refused),
    cmocka_unit_test(test_link_bears_any_failing_allocation),
};

UNIT_MAIN(tests)
