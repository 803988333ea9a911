/*
 * import: bytes of a usage export → rows of a usage_table. Push style: the caller reads the file
 * (or standard input) and feeds pieces of any size; nothing here opens files or waits.
 *
 *     usage_import_begin(&options, table, &import, &error)
 *     while (read …) usage_import_feed(import, piece, &error)
 *     usage_import_finish(import, &error)
 *     usage_import_report(import)            what was read, rejected, guessed; valid until _free
 *
 * gzip is recognised by its first bytes and inflated on the way. The format is detected from the
 * first 64 KiB of text; one import_<format>.c per format. A bad row is counted, the first ones are
 * kept with row and reason, and the next row is read; only what makes the whole input unreadable
 * (binary bytes, no header that can be understood, nothing at all) is an error.
 *
 * Half a gzip file, or a last line without its end, gives the rows before it and a note.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_IMPORT_H
#define NETRA_USAGE_IMPORT_H

#include "base/error.h"
#include "base/str.h"
#include "usage/usage_table.h"

#define IMPORT_DETECT_BYTES       65536u
#define IMPORT_LINE_BYTES_MAX     (size_t)(64u << 20) /* a longer line is one reject and is skipped */
#define IMPORT_DOCUMENT_BYTES_MAX (size_t)(256u << 20) /* a whole JSON document */
#define IMPORT_COLUMNS_MAX        512u
#define IMPORT_MAPS_MAX           64u
#define IMPORT_REJECTS_KEPT_MAX   20u
#define IMPORT_NOTES_MAX          16u
#define IMPORT_UNKNOWN_NAME       "unknown" /* format_name of IMPORT_UNKNOWN */

enum import_format {
    IMPORT_UNKNOWN,
    IMPORT_CSV,     /* comma, semicolon or tab; header in the first line */
    IMPORT_JSONL,   /* one object a line, fields by the same names as CSV headers */
    IMPORT_JSON,    /* one array of such objects */
    IMPORT_AGENTIC, /* conversations with requests[] and hash_ids, plain or as runs */
};

/* --map FIELD=VALUE: VALUE equal to a header is that column, else a constant (text fields only). */
struct import_map {
    struct str field;
    struct str value;
};

struct import_options {
    const struct import_map *maps;
    size_t map_count;
    struct str source; /* name of the file, for messages and the source column */
};

/* How a field got its values: for "columns were read as" in a profile. */
struct import_column {
    struct str field;  /* the record's name: "input_uncached", "time" … */
    struct str column; /* the header, or the constant */
    bool is_constant;
    bool is_mapped; /* by --map rather than by guess */
};

struct import_reject {
    uint64_t row; /* line (CSV: of the record's start) or element, from 1 */
    char reason[160];
};

struct import_report {
    enum import_format format;
    const char *format_name; /* "csv", "jsonl", "agentic trace" */
    const char
        *convention; /* how inputs were read: "inclusive", "exclusive", "disjoint", "mixed" */
    bool is_gzip;
    uint64_t bytes_in;   /* as fed, compressed */
    uint64_t bytes_text; /* after gunzip */
    uint64_t rows_read;
    uint64_t rows_accepted; /* new rows in the table */
    uint64_t rows_merged;   /* same request again */
    uint64_t rows_rejected;
    const struct import_column *columns;
    size_t column_count;
    const struct str *unused; /* headers that were not understood */
    size_t unused_count;
    const struct import_reject *rejects; /* the first IMPORT_REJECTS_KEPT_MAX */
    size_t reject_count;
    const struct str *notes; /* full sentences about the whole input */
    size_t note_count;
};

struct usage_import;

/* Options and their texts are copied. ERR_USAGE for a map that cannot be (an unknown field, a field
 * twice), ERR_NO_MEMORY. The table must outlive the import. */
must_check int usage_import_begin(const struct import_options *options, struct usage_table *table,
                                  struct usage_import **ret_import, struct error *error);

/* ERR_INVALID or ERR_UNSUPPORTED when the whole input cannot be read (the message says why, the
 * hint what to do), ERR_USAGE once the headers show that a map cannot be (a constant for a number),
 * ERR_LIMIT, ERR_NO_MEMORY. After an error only _report and _free may be called;
 * rows read before it are in the table. */
must_check int usage_import_feed(struct usage_import *import, struct str bytes,
                                 struct error *error);

/* No more bytes come. Errors as above; ERR_NO_RECORDS when the text was readable but held no row.
 */
must_check int usage_import_finish(struct usage_import *import, struct error *error);

const struct import_report *usage_import_report(const struct usage_import *import);

void usage_import_free(struct usage_import *import);
#endif
