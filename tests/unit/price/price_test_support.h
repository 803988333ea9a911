/*
 * What the tests of this room share: a book from a literal, a price by name, a whole file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_PRICE_TEST_SUPPORT_H
#define NETRA_TESTS_PRICE_TEST_SUPPORT_H

#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "price/price_book.h"

#define TEST_FILE_BYTES_MAX (size_t)(16u << 20)

static inline struct price_book *book_of(const char *text)
{
    struct price_book *book = NULL;
    struct error error = {0};

    if (price_book_parse(str_from(text), STR("test"), &book, &error)) {
        fail_msg("%s", error.message);
    }
    return book;
}

/* Pico-dollars per token of a kind, -1 when it is not known. tier is the context tier's index. */
static inline int64_t pico_of(const struct price_row *row, enum usage_tier service, uint32_t tier,
                              enum price_kind kind)
{
    const struct price_service *s = &row->services[service];

    if (tier >= s->count || !(s->tiers[tier].price.known & PRICE_BIT(kind))) {
        return -1;
    }
    return s->tiers[tier].price.pico_usd[kind];
}

static inline bool is_derived(const struct price_row *row, enum usage_tier service, uint32_t tier,
                              enum price_kind kind)
{
    return row->services[service].tiers[tier].price.derived & PRICE_BIT(kind);
}

static inline const struct price_row *row_of(const struct price_book *book, const char *model)
{
    const struct price_row *row =
        price_find(book, STR(""), str_from(model), INT64_MAX, /* ret_match */ NULL);

    if (!row) {
        fail_msg("no price for %s", model);
    }
    return row;
}

/* Reads folder/name into out; false when it cannot be opened. */
static inline bool read_whole_file(const char *folder, const char *name, struct buf *out)
{
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        return false;
    }
    while (buf_reserve(out, 65536) == OK) {
        size_t got = fread(out->data + out->length, 1, 65536, file);

        out->length += got;
        if (got == 0) {
            break;
        }
    }
    (void)fclose(file);
    return buf_status(out) == OK;
}

#endif
