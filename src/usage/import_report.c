/*
 * Writing and reading what an import said. Reading trusts nothing: a stored report may have been
 * damaged, and callers rely on what import.c promises (a report with rejected rows has a first one,
 * a reason ends with a NUL).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "usage/import_report.h"

#include "usage/cell.h"
#include "usage/importer.h"

static const struct import_ops *const formats[] = {&import_csv, &import_jsonl, &import_json,
                                                   &import_agentic};
static const char *const conventions[] = {"inclusive", "exclusive", "disjoint", "mixed"};

static void put_count(struct json_writer *w, const char *key, uint64_t value)
{
    json_key(w, key);
    json_put_decimal(w, decimal_of((int128)value, 0));
}

static void put_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, key);
    json_put_bool(w, value);
}

static void put_texts(struct json_writer *w, const char *key, const struct str *texts, size_t count)
{
    json_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        json_put_str(w, texts[i]);
    }
    json_end_array(w);
}

static void put_columns(struct json_writer *w, const struct import_report *report)
{
    json_key(w, "columns");
    json_begin_array(w);
    for (size_t i = 0; i < report->column_count; i++) {
        const struct import_column *column = &report->columns[i];

        json_begin_object(w);
        json_key(w, "field");
        json_put_str(w, column->field);
        json_key(w, "column");
        json_put_str(w, column->column);
        put_bool(w, "is_constant", column->is_constant);
        put_bool(w, "is_mapped", column->is_mapped);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_rejects(struct json_writer *w, const struct import_report *report)
{
    json_key(w, "rejects");
    json_begin_array(w);
    for (size_t i = 0; i < report->reject_count; i++) {
        json_begin_object(w);
        put_count(w, "row", report->rejects[i].row);
        json_key(w, "reason");
        json_put_text(w, report->rejects[i].reason);
        json_end_object(w);
    }
    json_end_array(w);
}

void import_report_write(const struct import_report *report, struct json_writer *w)
{
    json_begin_object(w);
    json_key(w, "format");
    json_put_text(w, report->format_name);
    json_key(w, "convention");
    json_put_text(w, report->convention);
    put_bool(w, "is_gzip", report->is_gzip);
    put_count(w, "bytes_in", report->bytes_in);
    put_count(w, "bytes_text", report->bytes_text);
    put_count(w, "rows_read", report->rows_read);
    put_count(w, "rows_accepted", report->rows_accepted);
    put_count(w, "rows_merged", report->rows_merged);
    put_count(w, "rows_rejected", report->rows_rejected);
    put_columns(w, report);
    put_texts(w, "unused", report->unused, report->unused_count);
    put_rejects(w, report);
    put_texts(w, "notes", report->notes, report->note_count);
    json_end_object(w);
}

/* ---- reading ---- */

/* Failure is sticky: the first one stays, and what follows reads nothing. */
struct report_reader {
    struct arena *arena;
    struct error *error;
    int code;
};

static void refuse(struct report_reader *reader, const char *member)
{
    if (!reader->code) {
        reader->code = error_set(reader->error, ERR_INVALID,
                                 "cannot read an import report: its %s is not as written", member);
    }
}

static void lack_memory(struct report_reader *reader)
{
    if (!reader->code) {
        reader->code =
            error_set(reader->error, ERR_NO_MEMORY, "cannot read an import report: out of memory");
    }
}

static uint64_t get_count(struct report_reader *reader, struct json_value object, const char *key)
{
    uint64_t count = 0;

    if (!json_get_u64(json_at(object, key), &count)) {
        refuse(reader, key);
    }
    return count;
}

static bool get_bool(struct report_reader *reader, struct json_value object, const char *key)
{
    bool value = false;

    if (!json_get_bool(json_at(object, key), &value)) {
        refuse(reader, key);
    }
    return value;
}

static struct str get_text(struct report_reader *reader, struct json_value value, const char *key)
{
    struct str text = STR("");

    if (!json_get_str(value, &text)) {
        refuse(reader, key);
        return STR("");
    }
    text = arena_copy(reader->arena, text);
    if (!text.data) {
        lack_memory(reader);
    }
    return text;
}

/* Room for the elements of an array, at most limit of them. */
static void *get_array(struct report_reader *reader, struct json_value array, const char *key,
                       size_t limit, size_t element_bytes)
{
    size_t count = json_count(array);

    if (!json_is(array, JSON_ARRAY) || count > limit) {
        refuse(reader, key);
        return NULL;
    }
    void *room = arena_alloc(reader->arena, count ? count : 1, element_bytes);
    if (!room) {
        lack_memory(reader);
    }
    return room;
}

static const struct str *get_texts(struct report_reader *reader, struct json_value array,
                                   const char *key, size_t limit, size_t *ret_count)
{
    struct str *texts = get_array(reader, array, key, limit, sizeof(*texts));

    for (struct json_iterator it = json_iterate(array); !reader->code && json_next(&it);) {
        texts[(*ret_count)++] = get_text(reader, it.value, key);
    }
    return texts;
}

static void read_columns(struct report_reader *reader, struct json_value array,
                         struct import_report *report)
{
    struct import_column *columns =
        get_array(reader, array, "columns", IMPORT_REPORT_COLUMNS_MAX, sizeof(*columns));

    report->columns = columns;
    for (struct json_iterator it = json_iterate(array); !reader->code && json_next(&it);) {
        columns[report->column_count++] = (struct import_column){
            .field = get_text(reader, json_at(it.value, "field"), "columns"),
            .column = get_text(reader, json_at(it.value, "column"), "columns"),
            .is_constant = get_bool(reader, it.value, "is_constant"),
            .is_mapped = get_bool(reader, it.value, "is_mapped"),
        };
    }
}

static void read_rejects(struct report_reader *reader, struct json_value array,
                         struct import_report *report)
{
    struct import_reject *rejects =
        get_array(reader, array, "rejects", IMPORT_REJECTS_KEPT_MAX, sizeof(*rejects));

    report->rejects = rejects;
    for (struct json_iterator it = json_iterate(array); !reader->code && json_next(&it);) {
        struct import_reject *reject = &rejects[report->reject_count++];
        struct str reason = STR("");

        reject->row = get_count(reader, it.value, "row");
        if (!json_get_str(json_at(it.value, "reason"), &reason) ||
            str_find(reason, (struct str){"", 1}, 0) != SIZE_MAX) {
            refuse(reader, "rejects");
            return;
        }
        reason = cell_cut(reason, sizeof(reject->reason) - 1); /* U+FFFD made it longer */
        if (reason.length) {
            memcpy(reject->reason, reason.data, reason.length);
        }
    }
}

static void read_format(struct report_reader *reader, struct json_value value,
                        struct import_report *report)
{
    struct str name = STR("");

    report->format_name = NULL;
    (void)json_get_str(value, &name);
    for (size_t i = 0; i < ARRAY_LENGTH(formats); i++) {
        if (str_equal(name, str_from(formats[i]->name))) {
            report->format = formats[i]->format;
            report->format_name = formats[i]->name;
        }
    }
    if (str_equal(name, STR(IMPORT_UNKNOWN_NAME))) {
        report->format_name = IMPORT_UNKNOWN_NAME;
    }
    if (!report->format_name) {
        refuse(reader, "format");
    }
}

static void read_convention(struct report_reader *reader, struct json_value value,
                            struct import_report *report)
{
    struct str name = STR("");

    (void)json_get_str(value, &name);
    for (size_t i = 0; i < ARRAY_LENGTH(conventions); i++) {
        if (str_equal(name, str_from(conventions[i]))) {
            report->convention = conventions[i];
        }
    }
    if (!report->convention) {
        refuse(reader, "convention");
    }
}

int import_report_read(struct json_value value, struct arena *arena,
                       struct import_report *ret_report, struct error *error)
{
    struct report_reader reader = {.arena = arena, .error = error};
    struct import_report report = {0};

    read_format(&reader, json_at(value, "format"), &report);
    read_convention(&reader, json_at(value, "convention"), &report);
    report.is_gzip = get_bool(&reader, value, "is_gzip");
    report.bytes_in = get_count(&reader, value, "bytes_in");
    report.bytes_text = get_count(&reader, value, "bytes_text");
    report.rows_read = get_count(&reader, value, "rows_read");
    report.rows_accepted = get_count(&reader, value, "rows_accepted");
    report.rows_merged = get_count(&reader, value, "rows_merged");
    report.rows_rejected = get_count(&reader, value, "rows_rejected");
    read_columns(&reader, json_at(value, "columns"), &report);
    report.unused = get_texts(&reader, json_at(value, "unused"), "unused",
                              IMPORT_REPORT_COLUMNS_MAX, &report.unused_count);
    read_rejects(&reader, json_at(value, "rejects"), &report);
    report.notes =
        get_texts(&reader, json_at(value, "notes"), "notes", IMPORT_NOTES_MAX, &report.note_count);
    uint64_t kept = report.rows_rejected < IMPORT_REJECTS_KEPT_MAX ? report.rows_rejected
                                                                   : IMPORT_REJECTS_KEPT_MAX;
    if (report.reject_count != kept) {
        refuse(&reader, "rejects");
    }
    if (!reader.code) {
        *ret_report = report;
    }
    return reader.code;
}

/* ---- copying ---- */

static const struct str *copy_texts(const struct str *texts, size_t count, struct arena *arena)
{
    struct str *copy = arena_alloc(arena, count ? count : 1, sizeof(*copy));

    for (size_t i = 0; copy && i < count; i++) {
        copy[i] = arena_copy(arena, texts[i]);
        if (!copy[i].data) {
            return NULL;
        }
    }
    return copy;
}

static const struct import_column *copy_columns(const struct import_report *report,
                                                struct arena *arena)
{
    size_t count = report->column_count;
    struct import_column *copy = arena_alloc(arena, count ? count : 1, sizeof(*copy));

    for (size_t i = 0; copy && i < count; i++) {
        copy[i] = report->columns[i];
        copy[i].field = arena_copy(arena, copy[i].field);
        copy[i].column = arena_copy(arena, copy[i].column);
        if (!copy[i].field.data || !copy[i].column.data) {
            return NULL;
        }
    }
    return copy;
}

int import_report_copy(const struct import_report *report, struct arena *arena,
                       struct import_report *ret_report)
{
    struct import_report copy = *report;
    size_t rejects = report->reject_count;
    struct import_reject *reject_copies =
        arena_alloc(arena, rejects ? rejects : 1, sizeof(*reject_copies));

    copy.columns = copy_columns(report, arena);
    copy.unused = copy_texts(report->unused, report->unused_count, arena);
    copy.notes = copy_texts(report->notes, report->note_count, arena);
    if (!reject_copies || !copy.columns || !copy.unused || !copy.notes) {
        return ERR_NO_MEMORY;
    }
    if (rejects) {
        memcpy(reject_copies, report->rejects, rejects * sizeof(*reject_copies));
    }
    copy.rejects = reject_copies;
    *ret_report = copy;
    return OK;
}
