/*
 * Imports bytes twice, whole and in pieces, and checks that both give the same: same code, counts,
 * rejects and records. What the fuzz targets of the importers share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_IMPORT_TWICE_H
#define NETRA_TESTS_IMPORT_TWICE_H

#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "usage/import.h"

struct fuzz_import {
    struct usage_table table;
    struct usage_import *import;
    struct error error;
    int code;
};

static void fuzz_import_bytes(struct fuzz_import *f, struct str bytes, size_t piece)
{
    static const struct import_map maps[] = {{{"feature", 7}, {"area", 4}}};
    struct import_options options = {.maps = maps, .map_count = 1, .source = {"fuzz", 4}};

    usage_table_init(&f->table);
    f->error = (struct error){0};
    f->code = usage_import_begin(&options, &f->table, &f->import, &f->error);
    check(f->code == OK);
    while (bytes.length && !f->code) {
        size_t some = piece < bytes.length ? piece : bytes.length;

        f->code = usage_import_feed(f->import, str_slice(bytes, 0, some), &f->error);
        bytes = str_slice(bytes, some, bytes.length);
    }
    if (!f->code) {
        f->code = usage_import_finish(f->import, &f->error);
    }
    check(f->code == OK || f->error.message[0]);
}

static void fuzz_import_done(struct fuzz_import *f)
{
    usage_import_free(f->import);
    usage_table_done(&f->table);
}

static void fuzz_compare_rows(const struct usage_table *a, const struct usage_table *b)
{
    check_cmp(a->count, ==, b->count);
    for (size_t row = 0; row < a->count; row++) {
        struct usage_tokens ta = usage_tokens_of(a, row);
        struct usage_tokens tb = usage_tokens_of(b, row);

        check(memcmp(&ta, &tb, sizeof(ta)) == 0);
        check_cmp(ta.reasoning, <=, ta.output);
        check_cmp(a->present[row], ==, b->present[row]);
        check_cmp(a->time_us[row], ==, b->time_us[row]);
        check_cmp(a->source_row[row], ==, b->source_row[row]);
        for (int f = 0; f < USAGE_NAME_COUNT; f++) {
            struct str text = usage_name_text(a, (enum usage_name)f, row);

            check_cmp(text.length, <=, USAGE_NAME_BYTES_MAX);
            check(str_equal(text, usage_name_text(b, (enum usage_name)f, row)));
        }
        for (int f = 0; f < USAGE_ID_COUNT; f++) {
            check(str_equal(usage_id_text(a, (enum usage_id)f, row),
                            usage_id_text(b, (enum usage_id)f, row)));
        }
    }
    check_cmp(a->runs_count, ==, b->runs_count);
    check(a->runs_count == 0 || memcmp(a->runs, b->runs, a->runs_count * sizeof(*a->runs)) == 0);
}

static void fuzz_import_twice(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct fuzz_import whole;
    struct fuzz_import cut;

    fuzz_import_bytes(&whole, bytes, size);
    fuzz_import_bytes(&cut, bytes, 1 + size % 61);
    const struct import_report *a = usage_import_report(whole.import);
    const struct import_report *b = usage_import_report(cut.import);
    check_cmp(whole.code, ==, cut.code);
    check_cmp(a->format, ==, b->format);
    check_cmp(a->rows_read, ==, b->rows_read);
    check_cmp(a->rows_rejected, ==, b->rows_rejected);
    check_cmp(a->note_count, ==, b->note_count);
    check_cmp(a->rows_accepted + a->rows_merged, ==, b->rows_accepted + b->rows_merged);
    fuzz_compare_rows(&whole.table, &cut.table);
    fuzz_import_done(&whole);
    fuzz_import_done(&cut);
}

#endif
