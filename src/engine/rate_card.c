/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/rate_card.h"

#include "base/alloc.h"
#include "base/id_map.h"

#define RATE_SLOTS_FIRST 32

static int add_slot(struct rate_card *card, const struct usage_table *table, size_t row,
                    const struct price_book *book, int64_t time_us)
{
    if (card->count == card->capacity) {
        uint32_t capacity = card->capacity ? card->capacity * 2 : RATE_SLOTS_FIRST;
        struct rate_slot *slots = alloc_resize(card->slots, capacity, sizeof(*slots));

        if (!slots) {
            return ERR_NO_MEMORY;
        }
        card->slots = slots;
        card->capacity = capacity;
    }
    struct rate_slot *slot = &card->slots[card->count];
    *slot = (struct rate_slot){
        .model = usage_name_text(table, USAGE_MODEL, row),
        .provider = usage_name_text(table, USAGE_PROVIDER, row),
    };
    if (slot->model.length) {
        slot->row = price_find(book, slot->provider, slot->model, time_us, &slot->match);
    }
    card->count++;
    return OK;
}

int rate_card_init(struct rate_card *card, const struct usage_table *table,
                   const struct price_book *book, int64_t time_us)
{
    struct id_map by_names;
    uint64_t last_key = UINT64_MAX; /* records of one model come in runs */
    uint32_t slot = 0;
    int is_new;
    int code = OK;

    *card = (struct rate_card){0};
    card->slot_of = alloc_zeroed(table->count ? table->count : 1, sizeof(*card->slot_of));
    if (!card->slot_of) {
        return ERR_NO_MEMORY;
    }
    id_map_init(&by_names, RATE_SLOTS_MAX);
    for (size_t row = 0; row < table->count && !code; row++) {
        uint64_t key =
            (uint64_t)table->names[USAGE_MODEL][row] << 16 | table->names[USAGE_PROVIDER][row];

        if (key != last_key) {
            code = id_map_put(&by_names, key, card->count, &slot, &is_new);
            if (!code && is_new) {
                code = add_slot(card, table, row, book, time_us);
            }
            last_key = key;
        }
        if (!code) {
            card->slot_of[row] = (uint16_t)slot;
            card->slots[slot].requests++;
        }
    }
    id_map_done(&by_names);
    if (code) {
        rate_card_done(card);
    }
    return code;
}

void rate_card_done(struct rate_card *card)
{
    alloc_free(card->slot_of);
    alloc_free(card->slots);
    *card = (struct rate_card){0};
}
