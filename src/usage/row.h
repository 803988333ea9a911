/*
 * row: the cells of one row, sorted by field → a usage_record. Here the token conventions of the
 * world become Netra's disjoint buckets, and what is wrong with a row is said.
 *
 *     row_clear(&row);
 *     row_set(&reader, &row, field, rank, flags, &cell)      for each cell that means something
 *     row_read(&reader, &row, &record, &error)               ERR_INVALID: the reason is in error
 *
 * What a whole input teaches (relative or absolute times, the unit of a latency, values that could
 * not be read) is kept in the row_reader, and is said in notes at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_ROW_H
#define NETRA_USAGE_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "usage/blocks.h"
#include "usage/cell.h"
#include "usage/fields.h"
#include "usage/usage_table.h"

#define ROW_BLOCK_SIZE_DEFAULT 512u /* of lists of hash ids that do not say it */
#define ROW_VALUE_BYTES_SHOWN  40u  /* of a bad value in a message */

struct row {
    uint64_t number; /* line or element, from 1 */
    uint64_t has;    /* fields that have a cell */
    struct cell cells[FIELD_COUNT];
    unsigned ranks[FIELD_COUNT];
    unsigned flags[FIELD_COUNT]; /* of the spelling that gave the cell */
};

/* A field that has the same text in every row, by --map. */
struct row_constant {
    enum field field;
    struct str text;
};

struct row_reader {
    struct str source;
    const struct row_constant *constants;
    size_t constant_count;
    uint64_t seen; /* fields that some row or the header had, with or without a value */

    enum row_time {
        ROW_TIME_UNDECIDED,
        ROW_TIME_ABSOLUTE,
        ROW_TIME_RELATIVE /* small numbers: counted from 1970-01-01 */
    } time;
    unsigned relative_unit;      /* UNIT_S or UNIT_MS, when relative and not in the name */
    unsigned units[FIELD_COUNT]; /* what a duration without a unit was taken for */
    char minute_text[16];        /* "2023-11-16 18:17" of the last time … */
    int64_t minute_us;           /* … and what it is; INT64_MIN: none */

    uint64_t inclusive_rows; /* by how their input was read */
    uint64_t exclusive_rows;
    uint64_t disjoint_rows;
    uint64_t proven_rows;  /* more cached than input: exclusive against the spelling */
    uint64_t outside_rows; /* more reasoning than output: added to it */
    uint64_t cut_rows;     /* a text was longer than USAGE_NAME_BYTES_MAX */
    uint64_t default_block_size_rows;
    struct {
        uint64_t count;
        uint64_t first_row;
    } unreadable[FIELD_COUNT]; /* optional values that were left out */

    struct blocks blocks;
    struct buf request_id;
    char numbers[FIELD_COUNT][CELL_NUMBER_BYTES];
};

void row_reader_init(struct row_reader *reader, struct str source);
void row_reader_done(struct row_reader *reader);

static inline void row_clear(struct row *row, uint64_t number)
{
    row->number = number;
    row->has = 0;
}

/* Gives the row a cell, unless it is absent or the field has one of a lower rank. */
void row_set(struct row_reader *reader, struct row *row, enum field field, unsigned rank,
             unsigned flags, const struct cell *cell);

static inline bool row_has(const struct row *row, enum field field)
{
    return row->has >> field & 1;
}

/* Texts in the record are borrowed from the cells and the reader. ERR_INVALID with the reason,
 * ERR_NO_MEMORY. */
must_check int row_read(struct row_reader *reader, const struct row *row,
                        struct usage_record *record, struct error *error);

/* A row of paired outcomes, which becomes one record for the weak and one for the strong model. */
static inline bool row_is_pair(const struct row *row)
{
    uint64_t both = field_bit(FIELD_WEAK_CORRECT) | field_bit(FIELD_STRONG_CORRECT);
    return (row->has & both) == both;
}
must_check int row_read_pair(struct row_reader *reader, const struct row *row,
                             struct usage_record records[static 2], struct error *error);
bool row_is_contaminated(const struct row *row);

/* Puts the constants of --map into a record. */
void row_apply_constants(const struct row_reader *reader, struct usage_record *record);

/* True when text is a word that a closed field (tier, status) knows. */
bool row_knows_word(enum field field, struct str text);

/* True for an operation that only sums up calls which are spans of their own (invoke_agent …). */
bool row_is_roll_up(struct str operation);

/* For the parts of this module: tokens (row_tokens.c), times and durations (row_time.c). */
must_check int row_read_tokens(struct row_reader *reader, const struct row *row,
                               struct usage_record *record, struct error *error);
must_check int row_read_times(struct row_reader *reader, const struct row *row,
                              struct usage_record *record, struct error *error);
int row_refuse(const struct row *row, enum field field, const char *why, struct error *error);
void row_leave_out(struct row_reader *reader, const struct row *row, enum field field);

#endif
