/*
 * csv: a stream of pieces → records of cells (RFC 4180): quoted cells with doubled quotes and line
 * ends inside, LF, CRLF or CR LF at the end of the input or none. A quote inside an unquoted cell
 * is an ordinary byte, as spreadsheets read it.
 *
 *     a,b,c\n      no quote in the record: the cells point into the piece, nothing is copied
 *     a,"b ""x""\ny",c\n    cells with doubled quotes are unfolded in the tokenizer's own memory
 *
 * 64 bytes at a time are compared with delimiter, quote and line end at once (SSE2 where there is
 * one); the bits that are set are walked.
 *
 * A record above the limit is reported once as too long, with no cells, and skipped.
 *
 * A quote that is never closed would swallow the rows behind it. When a record of several lines
 * ends with text behind its closing quote, is above CSV_QUOTED_BYTES_MAX, or is open at the end of
 * the input, its first line is reported as unclosed, without cells, and the following lines are
 * read as records.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_CSV_H
#define NETRA_USAGE_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* Cells that are kept of one record; a record with more says so in cell_count. */
#define CSV_CELLS_MAX        1024u
#define CSV_QUOTED_BYTES_MAX ((size_t)16 << 20) /* of a record of several lines */

struct csv_record {
    const struct str *cells; /* min(cell_count, CSV_CELLS_MAX) of them */
    size_t cell_count;
    uint64_t line; /* where the record begins, from 1 */
    bool is_too_long;
    bool is_last_open; /* no line end, or an open quote, at the end of the input */
    bool is_unclosed;  /* a quote is not closed; no cells unless it is the last line */
};

typedef int (*csv_record_fn)(const struct csv_record *record, void *arg);

struct csv {
    char delimiter;
    struct buf open;     /* the record that is not complete yet */
    struct buf unfolded; /* cells whose quotes were doubled */
    struct str *cells;   /* CSV_CELLS_MAX */
    uint64_t line;       /* of the next record */
    uint64_t lines_open; /* line ends within the record that is not complete */
    enum csv_state {
        CSV_CELL_START,
        CSV_UNQUOTED,
        CSV_QUOTED,
        CSV_QUOTE_IN_QUOTED, /* a closing quote, or the first of two */
    } state;                 /* at the end of open */
    bool is_skipping;        /* to the end of a record that is too long */
    bool has_stray;          /* the record that was split has text behind a closing quote */
    size_t record_bytes_max;
};

/* ERR_NO_MEMORY. */
must_check int csv_init(struct csv *csv, char delimiter, size_t record_bytes_max);
void csv_done(struct csv *csv);

/* Empty lines are passed over. ERR_NO_MEMORY, or what the callback returned when that was not 0. */
must_check int csv_feed(struct csv *csv, struct str text, csv_record_fn fn, void *arg);
must_check int csv_finish(struct csv *csv, csv_record_fn fn, void *arg);

/* The delimiter of a header line: the most frequent of , ; and tab outside quotes; a comma when
 * there is none. */
char csv_guess_delimiter(struct str head);

#endif
