/*
 * The CSV tokenizer gives the same cells whole and byte by byte, and so does an import of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/buf.h"
#include "import_twice.h"
#include "usage/csv.h"

#define RECORD_BYTES_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cells with their lengths, so that no two lists of cells print the same. */
static int print_record(const struct csv_record *record, void *arg)
{
    size_t kept = record->cell_count < CSV_CELLS_MAX ? record->cell_count : CSV_CELLS_MAX;

    buf_printf(arg, "\n%zu %d %zu", (size_t)record->line, record->is_too_long, record->cell_count);
    for (size_t i = 0; i < kept; i++) {
        buf_printf(arg, " %zu:", record->cells[i].length);
        buf_append(arg, record->cells[i]);
    }
    return OK;
}

static void tokenize(struct str bytes, size_t piece, struct buf *ret)
{
    struct csv csv;

    check(csv_init(&csv, csv_guess_delimiter(bytes), RECORD_BYTES_MAX) == OK);
    while (bytes.length) {
        size_t some = piece < bytes.length ? piece : bytes.length;

        check(csv_feed(&csv, str_slice(bytes, 0, some), print_record, ret) == OK);
        bytes = str_slice(bytes, some, bytes.length);
    }
    check(csv_finish(&csv, print_record, ret) == OK);
    csv_done(&csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct buf whole;
    struct buf cut;

    buf_init(&whole, (size_t)1 << 26);
    buf_init(&cut, (size_t)1 << 26);
    tokenize(bytes, size, &whole);
    tokenize(bytes, 1, &cut);
    check(str_equal(buf_str(&whole), buf_str(&cut)));
    buf_done(&whole);
    buf_done(&cut);
    fuzz_import_twice(data, size);
    return 0;
}
