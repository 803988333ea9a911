/*
 * fields: what an export's columns can mean. The table is fields.def; this is the way to ask it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_FIELDS_H
#define NETRA_USAGE_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum field {
#define FIELD(id, name, kind, doc) FIELD_##id,
#include "usage/fields.def"
    FIELD_COUNT /* fewer than 64: sets of fields are bits of a uint64_t */
};

enum field_kind {
    FIELD_KIND_TEXT,
    FIELD_KIND_TIER,
    FIELD_KIND_STATUS,
    FIELD_KIND_BOOL,
    FIELD_KIND_COUNT, /* a whole number from 0 */
    FIELD_KIND_TIME,
    FIELD_KIND_DURATION,
    FIELD_KIND_MONEY,
    FIELD_KIND_RATIO,
    FIELD_KIND_BLOCKS,
};

/* What a spelling says beyond the field that it names. */
enum spelling_flag {
    UNIT_S = 1,
    UNIT_MS = 2,
    UNIT_US = 3,
    UNIT_NS = 4,
    UNIT_MASK = 7,
    SAYS_UNCACHED = 1 << 3,     /* beside Anthropic's cache counts this is only the rest */
    BESIDE_INPUT = 1 << 4,      /* Anthropic's spelling of a cache count: not part of the input */
    LENIENT = 1 << 5,           /* a text under this name is no error, just not this field */
    JOINS_CALL_ID = 1 << 6,     /* unique only together with the call's id */
    WITHOUT_REASONING = 1 << 7, /* an output count that leaves the reasoning out */
};

struct spelling {
    enum field field;
    unsigned flags;
    const char *text;
};

/* The spelling that a header is, or NULL. *ret_rank orders spellings: the lower wins. */
const struct spelling *field_spelling(struct str header, unsigned *ret_rank);

/* The same for a dotted path of a JSON member: known wrappers ("response.", "usage.", "body." …)
 * may stand in front; each costs rank. */
const struct spelling *field_path_spelling(struct str path, unsigned *ret_rank);

/* The field that --map calls name; false when there is none. */
bool field_by_map_name(struct str name, enum field *ret_field, unsigned *ret_flags);

/* True when two names differ in case and separators only. */
bool field_names_equal(struct str a, struct str b);

const char *field_name(enum field field);
enum field_kind field_kind(enum field field);
const char *field_doc(enum field field);

/* True for the fields that --map can set to a constant. */
bool field_takes_constant(enum field field);

/* All names that --map accepts, separated by commas. */
void field_print_map_names(struct buf *out);

static inline uint64_t field_bit(enum field field)
{
    return UINT64_C(1) << field;
}

/* Fields that count tokens of the call, which stand side by side: a row needs one of them. */
static inline uint64_t field_token_bits(void)
{
    return (field_bit(FIELD_TOTAL) << 1) - field_bit(FIELD_INPUT);
}

#endif
