/*
 * CSV: the first record is the header; each later one is a row. Columns that mean nothing are never
 * looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "usage/csv.h"
#include "usage/importer.h"

#define BINDINGS_MAX (IMPORT_COLUMNS_MAX + IMPORT_MAPS_MAX)

struct column_binding {
    size_t column;
    struct binding binding;
};

struct csv_import {
    struct usage_import *import;
    struct error *error; /* of the current call */
    struct csv csv;
    bool is_open; /* csv_init was done */
    bool has_header;
    size_t column_count;
    size_t binding_count;
    struct column_binding bindings[BINDINGS_MAX];
};

static int csv_begin(struct usage_import *import, struct error *error)
{
    struct csv_import *state = alloc_zeroed(1, sizeof(*state));

    if (!state) {
        return error_set(error, ERR_NO_MEMORY, "cannot read the CSV: out of memory");
    }
    state->import = import;
    import->state = state;
    return OK;
}

static void csv_free(void *arg)
{
    struct csv_import *state = arg;

    if (state) {
        csv_done(&state->csv);
        alloc_free(state);
    }
}

static int refuse_header(struct csv_import *state, const struct csv_record *record)
{
    struct buf seen;

    buf_init(&seen, 160);
    for (size_t i = 0; i < record->cell_count && !buf_status(&seen); i++) {
        struct str name = cell_cut(record->cells[i], IMPORTER_NAME_SHOWN);

        buf_printf(&seen, "%s%.*s", i ? ", " : "", STR_ARGS(name));
    }
    (void)error_set(state->error, ERR_INVALID,
                    "cannot find a column of token counts in the header: %.*s",
                    STR_ARGS(buf_str(&seen)));
    error_hint(state->error, "Map them, for example --map input_tokens=COLUMN --map "
                             "output_tokens=COLUMN; the first line must be the header.");
    buf_done(&seen);
    return ERR_INVALID;
}

static bool can_give_rows(const struct csv_import *state)
{
    uint64_t fields = 0;
    uint64_t pair = field_bit(FIELD_WEAK_CORRECT) | field_bit(FIELD_STRONG_CORRECT);

    for (size_t i = 0; i < state->binding_count; i++) {
        fields |= field_bit(state->bindings[i].binding.field);
    }
    return (fields & field_token_bits()) || (fields & pair) == pair;
}

static int bind_columns(struct csv_import *state, const struct csv_record *record)
{
    struct usage_import *import = state->import;
    int code = importer_resolve_maps(import, record->cells, record->cell_count, state->error);

    for (size_t i = 0; i < record->cell_count && !code; i++) {
        struct binding found[IMPORT_MAPS_MAX];
        size_t count;

        code = importer_bind(import, record->cells[i], /* is_path */ true, found,
                             ARRAY_LENGTH(found), &count);
        for (size_t k = 0; k < count && !code && state->binding_count < BINDINGS_MAX; k++) {
            state->bindings[state->binding_count++] = (struct column_binding){i, found[k]};
            import->reader.seen |= field_bit(found[k].field);
        }
    }
    return code;
}

static int take_header(struct csv_import *state, const struct csv_record *given)
{
    struct str names[IMPORT_COLUMNS_MAX] = {0};
    struct csv_record record = *given;

    if (record.cell_count > IMPORT_COLUMNS_MAX || record.is_too_long) {
        (void)error_set(state->error, ERR_LIMIT,
                        "the header has %zu columns, more than the limit of %u", record.cell_count,
                        IMPORT_COLUMNS_MAX);
        error_hint(state->error, "Export only the columns of usage: time, model, tokens, latency.");
        return ERR_LIMIT;
    }
    for (size_t i = 0; i < record.cell_count; i++) {
        names[i] = str_trim(record.cells[i]);
    }
    record.cells = names;
    state->column_count = record.cell_count;
    state->has_header = true;
    int code = bind_columns(state, &record);
    return code || can_give_rows(state) ? code : refuse_header(state, &record);
}

static int reject_shape(struct csv_import *state, const struct csv_record *record)
{
    char reason[160];

    if (record->is_too_long) {
        (void)snprintf(reason, sizeof(reason), "the row is longer than %zu bytes",
                       IMPORT_LINE_BYTES_MAX);
    } else if (record->is_unclosed) {
        (void)snprintf(reason, sizeof(reason), "a quote is not closed");
    } else {
        (void)snprintf(reason, sizeof(reason), "%zu cells, the header has %zu columns",
                       record->cell_count, state->column_count);
    }
    if (record->is_last_open) {
        importer_note(state->import, "The last line is cut off; it was not read.");
    }
    state->import->report.rows_read++;
    importer_reject(state->import, record->line, reason);
    return OK;
}

/* Empty cells behind the last column are what some exports end their lines with. */
static bool has_right_shape(const struct csv_import *state, const struct csv_record *record)
{
    if (record->is_too_long || record->is_unclosed || record->cell_count < state->column_count ||
        record->cell_count > CSV_CELLS_MAX) {
        return false;
    }
    for (size_t i = state->column_count; i < record->cell_count; i++) {
        if (record->cells[i].length) {
            return false;
        }
    }
    return true;
}

static bool is_cut_gzip(const struct usage_import *import)
{
    enum gunzip_status status = import->gunzip ? gunzip_status(import->gunzip) : GUNZIP_WHOLE;

    return status == GUNZIP_CUT || status == GUNZIP_DAMAGED;
}

static int take_record(const struct csv_record *record, void *arg)
{
    struct csv_import *state = arg;
    struct usage_import *import = state->import;

    if (!state->has_header) {
        return take_header(state, record);
    }
    if (record->is_last_open && is_cut_gzip(import)) {
        return OK; /* its last number may be cut; the note about the file says so */
    }
    if (!has_right_shape(state, record)) {
        return reject_shape(state, record);
    }
    row_clear(&import->row, record->line);
    for (size_t i = 0; i < state->binding_count; i++) {
        const struct column_binding *bound = &state->bindings[i];
        struct cell cell = {.text = record->cells[bound->column]};

        if (cell.text.length) {
            row_set(&import->reader, &import->row, bound->binding.field, bound->binding.rank,
                    bound->binding.flags, &cell);
        }
    }
    return importer_take_row(import, state->error);
}

static int csv_import_feed(struct usage_import *import, struct str text, struct error *error)
{
    struct csv_import *state = import->state;

    state->error = error;
    if (!state->is_open) {
        int code = csv_init(&state->csv, csv_guess_delimiter(text), IMPORT_LINE_BYTES_MAX);
        if (code) {
            return code;
        }
        state->is_open = true;
    }
    return csv_feed(&state->csv, text, take_record, state);
}

static int csv_import_finish(struct usage_import *import, struct error *error)
{
    struct csv_import *state = import->state;

    state->error = error;
    return state->is_open ? csv_finish(&state->csv, take_record, state) : OK;
}

const struct import_ops import_csv = {
    .format = IMPORT_CSV,
    .name = "csv",
    .begin = csv_begin,
    .feed = csv_import_feed,
    .finish = csv_import_finish,
    .free = csv_free,
};
