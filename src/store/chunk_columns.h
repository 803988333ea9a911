/*
 * chunk_columns: which column of a usage_table has which number in a chunk, and what it holds. What
 * writing and reading share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_STORE_CHUNK_COLUMNS_H
#define NETRA_STORE_CHUNK_COLUMNS_H

#include "store/chunk.h"

#define CHUNK_COLUMN_COUNT 29u

enum chunk_section { CHUNK_DICTIONARY = 1, CHUNK_COLUMN = 2, CHUNK_RUNS = 3, CHUNK_REQUESTS = 4 };

enum chunk_values { CHUNK_PLAIN, CHUNK_SIGNED, CHUNK_TEXTS };

struct chunk_column {
    size_t offset; /* of the pointer in struct usage_table */
    unsigned element_bytes;
    bool is_always;
    enum chunk_values values;
    unsigned dictionary; /* of CHUNK_TEXTS */
    uint32_t has;        /* bits of present that say that there is such a column */
};

extern const struct chunk_column chunk_columns[CHUNK_COLUMN_COUNT];

/* The sign bit, turned in signed columns. */
#define CHUNK_SIGN (UINT64_C(1) << 63)

static inline void **chunk_column_at(const struct usage_table *table,
                                     const struct chunk_column *column)
{
    return (void **)((char *)table + column->offset);
}

/* A field's dict: names, then ids. */
static inline struct dict *chunk_dict(struct usage_table *table, unsigned dictionary)
{
    return dictionary < USAGE_NAME_COUNT ? &table->name_dicts[dictionary]
                                         : &table->id_dicts[dictionary - USAGE_NAME_COUNT];
}

#endif
