/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dict.h"

#include <xxhash.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/error.h"

#define DICT_SLOTS_FIRST 64

void dict_init(struct dict *dict, uint32_t limit, size_t text_bytes_limit)
{
    *dict = (struct dict){.limit = limit < DICT_IDS_MAX ? limit : DICT_IDS_MAX};
    arena_init(&dict->texts, text_bytes_limit);
}

void dict_done(struct dict *dict)
{
    arena_done(&dict->texts);
    alloc_free(dict->by_id);
    alloc_free(dict->slots);
    dict_init(dict, dict->limit, dict->texts.limit_bytes);
}

/* The slot that holds text, or the empty slot where it belongs. The table is never full. */
static uint32_t probe(const struct dict *dict, struct str text)
{
    uint32_t mask = dict->slot_count - 1;
    uint32_t slot = (uint32_t)XXH3_64bits(text.length ? text.data : "", text.length) & mask;

    while (dict->slots[slot] && !str_equal(dict->by_id[dict->slots[slot] - 1], text)) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static int grow_slots(struct dict *dict)
{
    uint32_t slot_count = dict->slot_count ? dict->slot_count * 2 : DICT_SLOTS_FIRST;
    uint32_t *slots = alloc_zeroed(slot_count, sizeof(*slots));

    if (!slots) {
        return ERR_NO_MEMORY;
    }
    alloc_free(dict->slots);
    dict->slots = slots;
    dict->slot_count = slot_count;
    for (uint32_t id = 0; id < dict->count; id++) {
        slots[probe(dict, dict->by_id[id])] = id + 1;
    }
    return OK;
}

static int grow_ids(struct dict *dict)
{
    uint32_t capacity = dict->capacity ? dict->capacity * 2 : DICT_SLOTS_FIRST / 2;
    struct str *by_id = alloc_resize(dict->by_id, capacity, sizeof(*by_id));

    if (!by_id) {
        return ERR_NO_MEMORY;
    }
    dict->by_id = by_id;
    dict->capacity = capacity;
    return OK;
}

int dict_put(struct dict *dict, struct str text, uint32_t *ret_id)
{
    if (dict->count && str_equal(dict->by_id[dict->last], text)) {
        *ret_id = dict->last;
        return OK;
    }
    uint32_t found = dict_find(dict, text);
    if (found != DICT_NOT_FOUND) {
        *ret_id = dict->last = found;
        return OK;
    }
    if (dict->count >= dict->limit || !arena_has_room(&dict->texts, text.length + 1)) {
        return ERR_LIMIT;
    }
    if (dict->slot_count < 2 * (dict->count + 1) && grow_slots(dict)) {
        return ERR_NO_MEMORY;
    }
    if (dict->count == dict->capacity && grow_ids(dict)) {
        return ERR_NO_MEMORY;
    }
    struct str copy = arena_copy(&dict->texts, text);
    if (!copy.data) {
        return ERR_NO_MEMORY;
    }
    uint32_t slot = probe(dict, text);
    dict->by_id[dict->count] = copy;
    dict->slots[slot] = ++dict->count;
    *ret_id = dict->last = dict->count - 1;
    return OK;
}

uint32_t dict_find(const struct dict *dict, struct str text)
{
    if (dict->count == 0) {
        return DICT_NOT_FOUND;
    }
    uint32_t held = dict->slots[probe(dict, text)];
    return held ? held - 1 : DICT_NOT_FOUND;
}

struct str dict_text(const struct dict *dict, uint32_t id)
{
    check_cmp(id, <, dict->count);
    return dict->by_id[id];
}
