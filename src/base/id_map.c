/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id_map.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/error.h"

#define ID_MAP_SLOTS_FIRST 256

void id_map_init(struct id_map *map, size_t limit)
{
    *map = (struct id_map){.limit = limit};
}

void id_map_done(struct id_map *map)
{
    alloc_free(map->keys);
    alloc_free(map->values);
    *map = (struct id_map){.limit = map->limit};
}

/* Keys are hashes, but of uneven quality (some are small numbers from files): spread them once more
 * with the finaliser of splitmix64. */
static size_t first_slot(const struct id_map *map, uint64_t key)
{
    key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9u;
    key = (key ^ (key >> 27)) * 0x94d049bb133111ebu;
    return (size_t)(key ^ (key >> 31)) & (map->slot_count - 1);
}

static size_t probe(const struct id_map *map, uint64_t key)
{
    size_t slot = first_slot(map, key);

    while (map->values[slot] && map->keys[slot] != key) {
        slot = (slot + 1) & (map->slot_count - 1);
    }
    return slot;
}

/* Moves everything to a table of slot_count slots, a power of two. */
static int resize(struct id_map *map, size_t slot_count)
{
    struct id_map bigger = {.count = map->count, .limit = map->limit, .slot_count = slot_count};

    bigger.keys = alloc_zeroed(bigger.slot_count, sizeof(*bigger.keys));
    bigger.values = alloc_zeroed(bigger.slot_count, sizeof(*bigger.values));
    if (!bigger.keys || !bigger.values) {
        id_map_done(&bigger);
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < map->slot_count; i++) {
        if (map->values[i]) {
            size_t slot = probe(&bigger, map->keys[i]);

            bigger.keys[slot] = map->keys[i];
            bigger.values[slot] = map->values[i];
        }
    }
    id_map_done(map);
    *map = bigger;
    return OK;
}

int id_map_put(struct id_map *map, uint64_t key, uint32_t value, uint32_t *ret_held,
               int *ret_is_new)
{
    check_cmp(value, <=, ID_MAP_VALUE_MAX);
    size_t slot = 0;
    if (map->slot_count) {
        slot = probe(map, key);
        if (map->values[slot]) {
            *ret_held = map->values[slot] - 1;
            *ret_is_new = 0;
            return OK;
        }
    }
    if (map->count >= map->limit) {
        return ERR_LIMIT;
    }
    if (map->slot_count < 2 * (map->count + 1)) {
        if (resize(map, map->slot_count ? map->slot_count * 2 : ID_MAP_SLOTS_FIRST)) {
            return ERR_NO_MEMORY;
        }
        slot = probe(map, key);
    }
    map->keys[slot] = key;
    map->values[slot] = value + 1;
    map->count++;
    *ret_held = value;
    *ret_is_new = 1;
    return OK;
}

bool id_map_find(const struct id_map *map, uint64_t key, uint32_t *ret_value)
{
    if (map->count == 0) {
        return false;
    }
    size_t slot = probe(map, key);
    if (!map->values[slot]) {
        return false;
    }
    *ret_value = map->values[slot] - 1;
    return true;
}

void id_map_replace(struct id_map *map, uint64_t key, uint32_t value)
{
    check(map->slot_count > 0);
    size_t slot = probe(map, key);

    check(map->values[slot] != 0);
    map->values[slot] = value + 1;
}
