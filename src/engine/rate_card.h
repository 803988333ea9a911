/*
 * rate_card: which price row applies to which record. Names are resolved once per distinct
 * (provider, model) of a table, so that kernels only follow an index per row.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_ENGINE_RATE_CARD_H
#define NETRA_ENGINE_RATE_CARD_H

#include "price/price_book.h"
#include "usage/usage_table.h"

#define RATE_SLOTS_MAX 65535u

struct rate_slot {
    const struct price_row *row; /* NULL: the price is unknown */
    enum price_match match;
    struct str model; /* as the records have it; borrowed from the table */
    struct str provider;
    uint64_t requests;
};

struct rate_card {
    uint16_t *slot_of; /* per row of the table */
    struct rate_slot *slots;
    uint32_t count;
    uint32_t capacity;
};

/* Resolves every model of the table at time_us. Borrows book and table; both must outlive it.
 * ERR_NO_MEMORY, ERR_LIMIT. */
must_check int rate_card_init(struct rate_card *card, const struct usage_table *table,
                              const struct price_book *book, int64_t time_us);
void rate_card_done(struct rate_card *card);

/* NULL when the price of that row's model is unknown. */
static inline const struct price_row *rate_card_row(const struct rate_card *card, size_t row)
{
    return card->slots[card->slot_of[row]].row;
}

#endif
