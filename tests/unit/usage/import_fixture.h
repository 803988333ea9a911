/*
 * Importing a text in a test: whole or in pieces, with maps, and comparing what came out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_IMPORT_FIXTURE_H
#define NETRA_TESTS_IMPORT_FIXTURE_H

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "usage/import.h"

#define FIXTURE_FILE_BYTES_MAX ((size_t)64 << 20)

struct imported {
    struct usage_table table;
    struct usage_import *import; /* NULL when it could not begin */
    const struct import_report *report;
    struct error error;
    int code;
};

/* "field=value" texts as maps. */
static inline size_t fixture_maps(const char *const *texts, struct import_map *maps)
{
    size_t count = 0;

    for (; texts && texts[count]; count++) {
        struct str text = str_from(texts[count]);
        size_t equals = str_find(text, STR("="), 0);

        maps[count].field = str_slice(text, 0, equals);
        maps[count].value = str_slice(text, equals + 1, text.length);
    }
    return count;
}

/* Imports text in pieces of piece bytes (0: whole) into a table that exists already. */
static inline void import_into(struct imported *i, const char *source, struct str text,
                               size_t piece, const char *const *map_texts)
{
    struct import_map maps[IMPORT_MAPS_MAX];
    struct import_options options = {.maps = maps, .source = str_from(source)};

    options.map_count = fixture_maps(map_texts, maps);
    i->import = NULL;
    i->report = NULL;
    i->error = (struct error){0};
    i->code = usage_import_begin(&options, &i->table, &i->import, &i->error);
    while (!i->code && text.length) {
        size_t some = piece && piece < text.length ? piece : text.length;

        i->code = usage_import_feed(i->import, str_slice(text, 0, some), &i->error);
        text = str_slice(text, some, text.length);
    }
    if (!i->code) {
        i->code = usage_import_finish(i->import, &i->error);
    }
    i->report = i->import ? usage_import_report(i->import) : NULL;
}

static inline void import_text(struct imported *i, struct str text, size_t piece,
                               const char *const *map_texts)
{
    usage_table_init(&i->table);
    import_into(i, "test", text, piece, map_texts);
}

static inline void imported_done(struct imported *i)
{
    usage_import_free(i->import);
    usage_table_done(&i->table);
}

static inline bool has_note(const struct imported *i, const char *part)
{
    for (size_t n = 0; n < i->report->note_count; n++) {
        if (str_find(i->report->notes[n], str_from(part), 0) != SIZE_MAX) {
            return true;
        }
    }
    return false;
}

static inline void assert_same_row(const struct usage_table *a, size_t row_a,
                                   const struct usage_table *b, size_t row_b)
{
    struct usage_tokens ta = usage_tokens_of(a, row_a);
    struct usage_tokens tb = usage_tokens_of(b, row_b);

    assert_int_equal(a->present[row_a], b->present[row_b]);
    assert_int_equal(a->time_us[row_a], b->time_us[row_b]);
    assert_int_equal(a->tier_status[row_a], b->tier_status[row_b]);
    assert_memory_equal(&ta, &tb, sizeof(ta));
    for (int f = 0; f < USAGE_NAME_COUNT; f++) {
        if (f != USAGE_SOURCE) {
            assert_true(str_equal(usage_name_text(a, (enum usage_name)f, row_a),
                                  usage_name_text(b, (enum usage_name)f, row_b)));
        }
    }
    for (int f = 0; f < USAGE_ID_COUNT; f++) {
        assert_true(str_equal(usage_id_text(a, (enum usage_id)f, row_a),
                              usage_id_text(b, (enum usage_id)f, row_b)));
    }
    if (a->present[row_a] & USAGE_HAS_LATENCY) {
        assert_int_equal(a->latency_ms[row_a], b->latency_ms[row_b]);
    }
    if (a->present[row_a] & USAGE_HAS_TTFT) {
        assert_int_equal(a->ttft_ms[row_a], b->ttft_ms[row_b]);
    }
    if (a->present[row_a] & USAGE_HAS_BLOCKS) {
        assert_int_equal(a->block_size[row_a], b->block_size[row_b]);
        assert_int_equal(a->run_count[row_a], b->run_count[row_b]);
        assert_memory_equal(a->runs + a->run_begin[row_a], b->runs + b->run_begin[row_b],
                            a->run_count[row_a] * sizeof(*a->runs));
    }
}

/* Every column that an import can fill, and the report's counts. */
static inline void assert_same_import(const struct imported *a, const struct imported *b)
{
    assert_int_equal(a->code, b->code);
    assert_int_equal(a->table.count, b->table.count);
    assert_int_equal(a->report->rows_read, b->report->rows_read);
    assert_int_equal(a->report->rows_accepted, b->report->rows_accepted);
    assert_int_equal(a->report->rows_merged, b->report->rows_merged);
    assert_int_equal(a->report->rows_rejected, b->report->rows_rejected);
    assert_int_equal(a->report->note_count, b->report->note_count);
    assert_int_equal(a->report->reject_count, b->report->reject_count);
    for (size_t r = 0; r < a->report->reject_count; r++) {
        assert_int_equal(a->report->rejects[r].row, b->report->rejects[r].row);
        assert_string_equal(a->report->rejects[r].reason, b->report->rejects[r].reason);
    }
    for (size_t row = 0; row < a->table.count; row++) {
        assert_int_equal(a->table.source_row[row], b->table.source_row[row]);
        assert_same_row(&a->table, row, &b->table, row);
    }
}

/* Every way to cut the text into pieces gives the same. */
static inline void assert_pieces_do_not_matter(struct str text, const char *const *map_texts)
{
    static const size_t pieces[] = {1, 2, 3, 7, 63, 64, 65, 1000};
    struct imported whole;

    import_text(&whole, text, 0, map_texts);
    for (size_t p = 0; p < ARRAY_LENGTH(pieces); p++) {
        struct imported cut;

        import_text(&cut, text, pieces[p], map_texts);
        assert_same_import(&whole, &cut);
        imported_done(&cut);
    }
    imported_done(&whole);
}

/* A file below NETRA_TEST_DATA, or below the source's tests/data when folder is NULL; skips the
 * test when it cannot be there. */
static inline void read_test_file(const char *folder, const char *name, struct buf *ret)
{
    char path[2048];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        fail_msg("cannot open %s", path);
    }
    buf_init(ret, FIXTURE_FILE_BYTES_MAX);
    while (buf_reserve(ret, 65536) == OK) {
        size_t got = fread(ret->data + ret->length, 1, 65536, file);

        ret->length += got;
        if (got == 0) {
            break;
        }
    }
    (void)fclose(file);
    assert_int_equal(buf_status(ret), OK);
}

#endif
