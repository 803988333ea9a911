/*
 * importer: what the formats of an import share. Each import_<format>.c is a struct import_ops; it
 * gets text (inflated, without a byte order mark), finds rows in it and gives them to
 * importer_take_row or importer_append. This header is private to the importers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_USAGE_IMPORTER_H
#define NETRA_USAGE_IMPORTER_H

#include "base/arena.h"
#include "usage/gunzip.h"
#include "usage/import.h"
#include "usage/row.h"

#define IMPORTER_TEXT_BYTES_MAX (size_t)(64u << 20) /* headers, notes, constants */
#define IMPORTER_NAME_SHOWN     60u                 /* bytes of a header in a message */

struct import_ops {
    enum import_format format;
    const char *name;
    int (*begin)(struct usage_import *import, struct error *error);
    int (*feed)(struct usage_import *import, struct str text, struct error *error);
    int (*finish)(struct usage_import *import, struct error *error);
    void (*free)(void *state);
};

extern const struct import_ops import_csv;
extern const struct import_ops import_jsonl;
extern const struct import_ops import_json;
extern const struct import_ops import_agentic;
extern const struct import_ops import_agentic_document;

/* What a column, or a path in JSON, gives to a row. */
struct binding {
    enum field field;
    unsigned rank;
    unsigned flags;
};

struct importer_map {
    struct str name; /* as given */
    struct str value;
    enum field field;
    unsigned flags;
    bool is_column;
};

struct usage_import {
    struct usage_table *table;
    struct arena arena; /* texts of the report and the options */
    struct import_report report;
    struct import_column *columns;
    size_t column_capacity;
    struct str *unused;
    size_t unused_capacity;
    struct import_reject rejects[IMPORT_REJECTS_KEPT_MAX];
    struct str notes[IMPORT_NOTES_MAX];

    struct importer_map maps[IMPORT_MAPS_MAX];
    size_t map_count;
    uint64_t mapped_fields; /* these are not guessed */
    struct row_constant constants[IMPORT_MAPS_MAX];

    struct row_reader reader;
    struct row row;          /* the current one */
    struct usage_table held; /* roll-up spans, until it is known whether they are needed */
    bool has_held;
    uint64_t names_left_out[USAGE_NAME_COUNT]; /* rows, when a name has too many values */
    uint64_t contaminated_rows;
    uint64_t pair_rows;

    struct gunzip *gunzip;
    struct buf head; /* until the format is detected */
    bool is_started; /* the first two bytes told whether it is gzip */
    const struct import_ops *ops;
    void *state;         /* of the format */
    struct error *error; /* of the current call, for gunzip's callback */
    int failed;          /* the code that ended the import */
};

/* A full sentence about the whole input; those behind IMPORT_NOTES_MAX are dropped. */
void importer_note(struct usage_import *import, const char *format, ...) printf_like(2, 3);

void importer_reject(struct usage_import *import, uint64_t row, const char *reason);

/* The row that was filled (import->row): appended, held back, or rejected with its reason.
 * ERR_LIMIT, ERR_NO_MEMORY. */
must_check int importer_take_row(struct usage_import *import, struct error *error);

/* One finished record, whose names may be emptied. ERR_LIMIT, ERR_NO_MEMORY; an invalid one is a
 * reject. */
must_check int importer_append(struct usage_import *import, struct usage_record *record,
                               uint64_t row, struct error *error);

/* Decides for each --map whether it is one of these headers or a constant. ERR_USAGE for a number
 * without a column, with the headers in the message; ERR_NO_MEMORY. */
must_check int importer_resolve_maps(struct usage_import *import, const struct str *headers,
                                     size_t header_count, struct error *error);

/* The bindings of one header, at most capacity; reports the column as read or as unused. */
must_check int importer_bind(struct usage_import *import, struct str header, bool is_path,
                             struct binding *bindings, size_t capacity, size_t *ret_count);

/* Says in the report that a column gives a field. The column's text is copied. */
must_check int importer_report_column(struct usage_import *import, struct import_column column);

/* The format of a text by its first bytes. ERR_INVALID, ERR_UNSUPPORTED with message and hint. */
must_check int importer_detect(struct str head, bool is_all, const struct import_ops **ret_ops,
                               struct error *error);

/* Notes about what the rows taught, roll-up spans that are needed after all. */
must_check int importer_conclude(struct usage_import *import, struct error *error);

#endif
