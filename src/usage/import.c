/*
 * The stages of an import: gunzip → the first 64 KiB → detection → a format. What the formats share
 * (rejects, notes, appending) is here too.
 *
 *     feed ──► [gunzip] ──► head (until 64 KiB or the end) ──► importer_detect ──► ops->feed …
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "usage/import.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/check.h"
#include "usage/importer.h"

#define NOTE_BYTES_MAX 512

static int add_map(struct usage_import *import, const struct import_map *given, struct error *error)
{
    struct importer_map map = {.name = arena_copy(&import->arena, given->field),
                               .value = arena_copy(&import->arena, given->value)};

    if (!map.name.data || !map.value.data) {
        return error_set(error, ERR_NO_MEMORY, "cannot begin the import: out of memory");
    }
    if (!field_by_map_name(map.name, &map.field, &map.flags)) {
        struct buf names;

        buf_init(&names, 4096);
        field_print_map_names(&names);
        (void)error_set(error, ERR_USAGE, "cannot map '%.*s': there is no such field",
                        STR_ARGS(cell_cut(map.name, IMPORTER_NAME_SHOWN)));
        error_hint(error, "Fields are %.*s.", STR_ARGS(buf_str(&names)));
        buf_done(&names);
        return ERR_USAGE;
    }
    for (size_t i = 0; i < import->map_count; i++) {
        if (import->maps[i].field == map.field) {
            return error_set(error, ERR_USAGE, "cannot map %s twice", field_name(map.field));
        }
    }
    import->maps[import->map_count++] = map;
    return OK;
}

int usage_import_begin(const struct import_options *options, struct usage_table *table,
                       struct usage_import **ret_import, struct error *error)
{
    if (options->map_count > IMPORT_MAPS_MAX) {
        return error_set(error, ERR_USAGE, "more than %u maps", IMPORT_MAPS_MAX);
    }
    struct usage_import *import = alloc_zeroed(1, sizeof(*import));
    if (!import) {
        return error_set(error, ERR_NO_MEMORY, "cannot begin the import: out of memory");
    }
    import->table = table;
    arena_init(&import->arena, IMPORTER_TEXT_BYTES_MAX);
    buf_init(&import->head, IMPORT_DETECT_BYTES + 1);
    import->report.rejects = import->rejects;
    import->report.notes = import->notes;
    import->report.format_name = IMPORT_UNKNOWN_NAME;
    import->report.convention = "inclusive";
    struct str source = arena_copy(&import->arena, cell_cut(options->source, USAGE_NAME_BYTES_MAX));
    row_reader_init(&import->reader, source);
    int code = source.data
                   ? OK
                   : error_set(error, ERR_NO_MEMORY, "cannot begin the import: out of memory");
    for (size_t i = 0; i < options->map_count && !code; i++) {
        code = add_map(import, &options->maps[i], error);
    }
    if (code) {
        usage_import_free(import);
        return code;
    }
    *ret_import = import;
    return OK;
}

/* What only reading needs; the report stays. */
static void release_working_memory(struct usage_import *import)
{
    if (import->ops) {
        import->ops->free(import->state);
        import->state = NULL;
    }
    if (import->has_held) {
        usage_table_done(&import->held);
        import->has_held = false;
    }
    gunzip_free(import->gunzip);
    import->gunzip = NULL;
    buf_done(&import->head);
    row_reader_done(&import->reader);
}

void usage_import_free(struct usage_import *import)
{
    if (!import) {
        return;
    }
    release_working_memory(import);
    alloc_free(import->columns);
    alloc_free(import->unused);
    arena_done(&import->arena);
    alloc_free(import);
}

const struct import_report *usage_import_report(const struct usage_import *import)
{
    return &import->report;
}

/* What every failure of memory in here says. */
static int memory_failed(int code, struct error *error)
{
    return code == ERR_NO_MEMORY && error && error->code != code
               ? error_set(error, code, "cannot go on importing: out of memory")
               : code;
}

/* Detects the format from the head and gives the head to it. */
static int start_format(struct usage_import *import, bool is_all)
{
    struct str head = buf_str(&import->head);
    const struct import_ops *ops;

    if (str_starts_with(head, STR("\xef\xbb\xbf"))) {
        head = str_slice(head, 3, head.length);
    }
    int code = importer_detect(head, is_all, &ops, import->error);
    if (code) {
        return code;
    }
    import->ops = ops;
    import->report.format = ops->format;
    import->report.format_name = ops->name;
    code = ops->begin(import, import->error);
    if (!code) {
        code = ops->feed(import, head, import->error);
    }
    buf_done(&import->head);
    return code;
}

/* Takes text, which a gunzip may have made. */
static int take_text(struct str text, void *arg)
{
    struct usage_import *import = arg;

    import->report.bytes_text += text.length;
    if (!import->ops) {
        size_t room = IMPORT_DETECT_BYTES - import->head.length;
        size_t some = text.length < room ? text.length : room;

        buf_append(&import->head, str_slice(text, 0, some));
        int code = buf_status(&import->head);
        if (!code && import->head.length == IMPORT_DETECT_BYTES) {
            code = start_format(import, /* is_all */ false);
        }
        text = str_slice(text, some, text.length);
        if (code || text.length == 0) {
            return code;
        }
    }
    check(import->ops);
    return import->ops->feed(import, text, import->error);
}

/* The first two bytes decide on gzip; a single first byte waits in the head. */
static int take_bytes(struct usage_import *import, struct str bytes)
{
    if (!import->is_started) {
        size_t some =
            bytes.length < 2 - import->head.length ? bytes.length : 2 - import->head.length;
        char first[2];

        buf_append(&import->head, str_slice(bytes, 0, some));
        if (buf_status(&import->head) || import->head.length < 2) {
            return buf_status(&import->head);
        }
        bytes = str_slice(bytes, some, bytes.length);
        memcpy(first, import->head.data, sizeof(first));
        buf_clear(&import->head);
        import->is_started = true;
        import->report.is_gzip = gunzip_is_gzip((struct str){first, sizeof(first)});
        if (import->report.is_gzip) {
            int code = gunzip_new(&import->gunzip);
            if (code) {
                return code;
            }
        }
        int code = take_bytes(import, (struct str){first, sizeof(first)});
        if (code) {
            return code;
        }
    }
    if (bytes.length == 0) {
        return OK;
    }
    return import->gunzip ? gunzip_feed(import->gunzip, bytes, take_text, import)
                          : take_text(bytes, import);
}

int usage_import_feed(struct usage_import *import, struct str bytes, struct error *error)
{
    check(import->failed == OK);
    import->error = error;
    import->report.bytes_in += bytes.length;
    import->failed = memory_failed(take_bytes(import, bytes), error);
    return import->failed;
}

static void note_gzip(struct usage_import *import)
{
    switch (import->gunzip ? gunzip_status(import->gunzip) : GUNZIP_WHOLE) {
    case GUNZIP_WHOLE:
        break;
    case GUNZIP_CUT:
        importer_note(import, "The gzip data ends in the middle; what came before was read.");
        break;
    case GUNZIP_DAMAGED:
        importer_note(import,
                      "The gzip data is damaged after %" PRIu64
                      " bytes of text; what came before was read.",
                      import->report.bytes_text);
        break;
    case GUNZIP_TRAILED:
        importer_note(import, "Bytes behind the gzip data were ignored.");
        break;
    }
}

static int nothing_read(struct usage_import *import, struct error *error)
{
    const struct import_report *report = &import->report;

    if (report->bytes_text == 0) {
        (void)error_set(error, ERR_NO_RECORDS, "%s",
                        report->is_gzip ? "the gzip data holds no text" : "the file is empty");
    } else if (report->rows_read == 0) {
        (void)error_set(error, ERR_NO_RECORDS, "the file has no rows%s",
                        report->format == IMPORT_CSV ? " behind its header" : "");
    } else if (report->reject_count) {
        (void)error_set(error, ERR_NO_RECORDS,
                        "none of %" PRIu64 " rows could be used; row %" PRIu64 ": %s",
                        report->rows_read, report->rejects[0].row, report->rejects[0].reason);
        error_hint(error, "Map the columns, for example --map input_tokens=COLUMN.");
    } else {
        (void)error_set(error, ERR_NO_RECORDS, "none of %" PRIu64 " rows was for use",
                        report->rows_read);
    }
    return ERR_NO_RECORDS;
}

static int finish(struct usage_import *import, struct error *error)
{
    int code = OK;

    if (!import->is_started) {
        import->report.bytes_text = import->head.length;
    }
    if (!import->ops && import->report.bytes_text) {
        code = start_format(import, /* is_all */ true);
    }
    if (!code && import->ops) {
        code = import->ops->finish(import, error);
    }
    if (!code) {
        code = importer_conclude(import, error);
    }
    if (code) {
        return code;
    }
    note_gzip(import);
    return import->report.rows_accepted + import->report.rows_merged ? OK
                                                                     : nothing_read(import, error);
}

int usage_import_finish(struct usage_import *import, struct error *error)
{
    check(import->failed == OK);
    import->error = error;
    import->failed = memory_failed(finish(import, error), error);
    release_working_memory(import);
    return import->failed;
}

void importer_note(struct usage_import *import, const char *format, ...)
{
    char text[NOTE_BYTES_MAX];
    va_list args;

    if (import->report.note_count == IMPORT_NOTES_MAX) {
        return;
    }
    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t fits = length < 0                      ? 0
                  : (size_t)length < sizeof(text) ? (size_t)length
                                                  : sizeof(text) - 1;
    struct str note = arena_copy(&import->arena, cell_cut((struct str){text, fits}, fits));
    if (note.data) { /* a note that does not fit in memory is the least of its troubles */
        import->notes[import->report.note_count++] = note;
    }
}

void importer_reject(struct usage_import *import, uint64_t row, const char *reason)
{
    import->report.rows_rejected++;
    if (import->report.reject_count < IMPORT_REJECTS_KEPT_MAX) {
        struct import_reject *reject = &import->rejects[import->report.reject_count++];
        struct str text = cell_cut(str_from(reason), sizeof(reject->reason) - 1);

        reject->row = row;
        memcpy(reject->reason, text.data, text.length);
        reject->reason[text.length] = '\0';
    }
}

/* A column with a value of its own in each row can be no name: what does not fit is left out, so
 * that a wrong guess does not end the import. */
static void limit_names(struct usage_import *import, struct usage_record *record)
{
    for (int i = 0; i < USAGE_NAME_COUNT; i++) {
        const struct dict *dict = &import->table->name_dicts[i];

        if (dict->count >= USAGE_NAMES_MAX && dict_find(dict, record->names[i]) == DICT_NOT_FOUND) {
            record->names[i] = STR("");
            import->names_left_out[i]++;
        }
    }
}

int importer_append(struct usage_import *import, struct usage_record *record, uint64_t row,
                    struct error *error)
{
    limit_names(import, record);
    uint64_t merged = import->table->merged_count;
    struct error why; /* set by what fails, and only read then: 520 bytes a row */
    int code = usage_table_append(import->table, record, (uint32_t)row, &why);

    if (code == ERR_INVALID) {
        importer_reject(import, row, why.message);
        return OK;
    }
    if (code) {
        if (error) {
            *error = why;
        }
        return code;
    }
    if (import->table->merged_count != merged) {
        import->report.rows_merged++;
    } else {
        import->report.rows_accepted++;
    }
    return OK;
}

static int hold(struct usage_import *import, const struct usage_record *record, struct error *error)
{
    struct error why;

    if (!import->has_held) {
        usage_table_init(&import->held);
        import->has_held = true;
    }
    int code = usage_table_append(&import->held, record, (uint32_t)import->row.number, &why);
    if (code == ERR_INVALID) {
        importer_reject(import, import->row.number, why.message);
        return OK;
    }
    if (code && error) {
        *error = why;
    }
    return code;
}

static int take_pair(struct usage_import *import, struct error *error)
{
    struct usage_record records[2];
    struct error why;

    if (row_is_contaminated(&import->row)) {
        import->contaminated_rows++;
        return OK;
    }
    if (row_read_pair(&import->reader, &import->row, records, &why)) {
        importer_reject(import, import->row.number, why.message);
        return OK;
    }
    import->pair_rows++;
    int code = importer_append(import, &records[0], import->row.number, error);
    return code ? code : importer_append(import, &records[1], import->row.number, error);
}

int importer_take_row(struct usage_import *import, struct error *error)
{
    struct usage_record record;
    struct error why;

    import->report.rows_read++;
    if (row_is_pair(&import->row)) {
        return take_pair(import, error);
    }
    int code = row_read(&import->reader, &import->row, &record, &why);
    if (code == ERR_INVALID) {
        importer_reject(import, import->row.number, why.message);
        return OK;
    }
    if (code) {
        if (error) {
            *error = why;
        }
        return code;
    }
    if (row_is_roll_up(record.names[USAGE_OPERATION])) {
        return hold(import, &record, error);
    }
    return importer_append(import, &record, import->row.number, error);
}
