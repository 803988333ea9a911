/*
 * id_map: 64-bit key → 32-bit value, for keys that are already hashes (request ids, prompt hashes).
 * Open addressing, at most half full; the key 0 is allowed. Grows until its limit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_BASE_ID_MAP_H
#define NETRA_BASE_ID_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"

#define ID_MAP_VALUE_MAX (UINT32_MAX - 1)

struct id_map {
    uint64_t *keys;
    uint32_t *values; /* value + 1, 0 = empty slot */
    size_t count;
    size_t slot_count;
    size_t limit;
};

void id_map_init(struct id_map *map, size_t limit);
void id_map_done(struct id_map *map);

/* Finds the key or enters it with value. *ret_held is the value that the map holds now, *ret_is_new
 * says whether it was entered. ERR_LIMIT, ERR_NO_MEMORY. */
must_check int id_map_put(struct id_map *map, uint64_t key, uint32_t value, uint32_t *ret_held,
                          int *ret_is_new);

/* True and *ret_value when the key is there. */
bool id_map_find(const struct id_map *map, uint64_t key, uint32_t *ret_value);

/* Replaces the value of a key that is there. */
void id_map_replace(struct id_map *map, uint64_t key, uint32_t value);

#endif
