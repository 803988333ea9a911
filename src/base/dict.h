/*
 * dict: text ↔ small number. Each distinct text gets the next id, from 0; ids are dense, so they
 * index arrays. Texts are copied and live as long as the dict.
 *
 * Lookup is one XXH3 hash and a short probe; the hash is unseeded, so ids depend on the order of
 * insertion only, never on the run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_BASE_DICT_H
#define NETRA_BASE_DICT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define DICT_NOT_FOUND UINT32_MAX
#define DICT_IDS_MAX   (UINT32_C(1) << 30) /* a higher limit is cut to it */

struct dict {
    struct arena texts;
    struct str *by_id;
    uint32_t count;
    uint32_t capacity;
    uint32_t *slots; /* id + 1, 0 = empty; open addressing, at most half full */
    uint32_t slot_count;
    uint32_t last;  /* id put last: records come in runs of equal names */
    uint32_t limit; /* most ids */
};

void dict_init(struct dict *dict, uint32_t limit, size_t text_bytes_limit);
void dict_done(struct dict *dict);

/* The id of text, a new one if needed. ERR_LIMIT when the dict is full (ids or bytes),
 * ERR_NO_MEMORY. */
must_check int dict_put(struct dict *dict, struct str text, uint32_t *ret_id);

/* The id of text or DICT_NOT_FOUND. */
uint32_t dict_find(const struct dict *dict, struct str text);

/* The text of an id below count. */
struct str dict_text(const struct dict *dict, uint32_t id);

#endif
