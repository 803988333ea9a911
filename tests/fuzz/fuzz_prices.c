/*
 * Any bytes as a price list: parsed or refused, and every row of what was parsed keeps the book's
 * promises and prices a call without a crash; written down, the book reads back as it was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>

#include "base/check.h"
#include "price/price_book.h"
#include "price/price_book_write.h"

#define ROWS_LOOKED_AT    64u
#define WRITTEN_BYTES_MAX (size_t)(64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_vector(const struct price_vector *price)
{
    check((price->derived & ~price->known) == 0);
    for (unsigned kind = 0; kind < PRICE_KIND_COUNT; kind++) {
        check(price->pico_usd[kind] >= 0 && price->pico_usd[kind] <= PRICE_PICO_MAX);
    }
}

static void check_service(const struct price_service *service)
{
    check(service->count <= PRICE_CONTEXT_TIERS_MAX);
    for (uint32_t i = 0; i < service->count; i++) {
        check(i == 0 ? service->tiers[i].over_tokens == 0
                     : service->tiers[i].over_tokens > service->tiers[i - 1].over_tokens);
        check_vector(&service->tiers[i].price);
    }
}

static void price_calls(const struct price_row *row)
{
    static const struct usage_tokens calls[] = {
        {.input_uncached = 1, .output = 1},
        {.input_uncached = 7, .cache_read = 300000, .cache_write_5m = 5, .output = 9},
        {.cache_write_1h = 1000000, .output = 100, .reasoning = 60},
        {.input_uncached = UINT64_MAX, .cache_read = 1},
    };

    for (unsigned tier = 0; tier < USAGE_TIER_COUNT; tier++) {
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
            struct price_cost cost = {0};
            int status = price_cost_of(row, (enum usage_tier)tier, &calls[i], NULL, &cost);

            check(status == OK || status == ERR_UNKNOWN_PRICE || status == ERR_LIMIT);
            check(status != OK || cost.missing == 0);
            check(cost.total_pico_usd == cost.input_pico_usd + cost.cache_read_pico_usd +
                                             cost.cache_write_pico_usd + cost.output_pico_usd);
        }
    }
}

static void write_and_read(const struct price_book *book)
{
    struct price_book *again = NULL;
    struct error error;
    struct buf text;

    buf_init(&text, WRITTEN_BYTES_MAX);
    struct json_writer w = json_writer_on(&text);
    price_book_write_json(book, &w);
    check(buf_status(&text) == OK);
    check(price_book_parse(buf_str(&text), price_book_name(book), &again, &error) == OK);
    check_cmp(price_book_count(again), ==, price_book_count(book));
    price_book_free(again);
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct price_book *book = NULL;
    struct error error;

    if (price_book_parse((struct str){(const char *)data, size}, STR("fuzz"), &book, &error)) {
        check(book == NULL);
        return 0;
    }
    for (size_t i = 0; i < price_book_count(book) && i < ROWS_LOOKED_AT; i++) {
        const struct price_row *row = price_book_row(book, i);

        check(row->provider.length && row->model.length && row->services[USAGE_STANDARD].count);
        for (unsigned tier = 0; tier < USAGE_TIER_COUNT; tier++) {
            check_service(&row->services[tier]);
        }
        (void)price_find(book, row->provider, row->model, PRICE_NEWEST, NULL);
        (void)price_find(book, STR(""), row->note, 0, NULL);
        price_calls(row);
    }
    write_and_read(book);
    price_book_free(book);
    return 0;
}
