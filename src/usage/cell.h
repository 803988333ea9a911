/*
 * cell: one value of a row as the source wrote it, a text (CSV) or a JSON value, and the readings
 * of it that importers need. A reading never guesses: what is no count, no time and so on is
 * ERR_INVALID, and the caller decides what that means for the row.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_CELL_H
#define NETRA_USAGE_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/str.h"
#include "json/json_read.h"

#define CELL_NUMBER_BYTES 40u /* fits every number of JSON as text */

struct cell {
    struct str text;        /* when json is missing */
    struct json_value json; /* a scalar, or an array for lists of blocks */
};

static inline bool cell_is_json(const struct cell *cell)
{
    return cell->json.document != NULL;
}

/* True for what exports write where there is no value: nothing, null, None, NaN, N/A, \N, -. */
bool cell_is_absent(const struct cell *cell);

/* A whole number; "12.0" and 1.2e1 are whole. ERR_INVALID, ERR_LIMIT above uint64. */
must_check int cell_count(const struct cell *cell, uint64_t *ret_count);

/* Any number, to 9 digits behind the point. ERR_INVALID, ERR_LIMIT. */
must_check int cell_number(const struct cell *cell, unsigned scale, struct decimal *ret_number);

/* true, yes, 1 and their opposites, in any case. ERR_INVALID. */
must_check int cell_bool(const struct cell *cell, bool *ret_bool);

/* The value as text; a number of JSON is printed into number. Arrays of texts give their first one;
 * other arrays and objects give an empty text. */
struct str cell_text(const struct cell *cell, char number[static CELL_NUMBER_BYTES]);

/* Shortens a text to at most bytes_max without cutting a UTF-8 sequence. */
struct str cell_cut(struct str text, size_t bytes_max);

#endif
