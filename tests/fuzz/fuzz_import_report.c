/*
 * Any bytes as the description of a stored dataset, and its import report: read or refused; what
 * was read keeps what its users rely on and, written down, reads back as it was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>

#include "base/check.h"
#include "tool/dataset_description.h"

#define BYTES_MAX (size_t)(1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_report(const struct import_report *report)
{
    check(report->format_name && report->convention);
    check(report->rows_rejected == 0 || report->reject_count > 0);
    check_cmp(report->reject_count, <=, IMPORT_REJECTS_KEPT_MAX);
    check_cmp(report->note_count, <=, IMPORT_NOTES_MAX);
    for (size_t i = 0; i < report->reject_count; i++) {
        check(memchr(report->rejects[i].reason, '\0', sizeof(report->rejects[i].reason)));
    }
    for (size_t i = 0; i < report->note_count; i++) {
        check(report->notes[i].data && str_is_utf8(report->notes[i]));
    }
    for (size_t i = 0; i < report->column_count; i++) {
        check(report->columns[i].field.data && report->columns[i].column.data);
    }
}

static void check_again(const struct import_report *report, struct arena *arena)
{
    struct import_report again;
    struct json_parser *parser;
    struct json_value root;
    struct buf first;
    struct buf second;

    buf_init(&first, BYTES_MAX * 8);
    buf_init(&second, BYTES_MAX * 8);
    struct json_writer w = json_writer_on(&first);
    import_report_write(report, &w);
    check(buf_status(&first) == OK);
    check(json_parser_new(BYTES_MAX * 8, &parser) == OK);
    check(json_parse(parser, buf_str(&first), &root, NULL) == OK);
    check(import_report_read(root, arena, &again, NULL) == OK);
    w = json_writer_on(&second);
    import_report_write(&again, &w);
    check(str_equal(buf_str(&first), buf_str(&second)));
    json_parser_free(parser);
    buf_done(&first);
    buf_done(&second);
}

static void read_bare(struct str text, struct arena *arena)
{
    struct json_parser *parser;
    struct json_value root;
    struct import_report report;

    check(json_parser_new(BYTES_MAX, &parser) == OK);
    if (json_parse(parser, text, &root, NULL) == OK &&
        import_report_read(root, arena, &report, NULL) == OK) {
        check_report(&report);
        check_again(&report, arena);
    }
    json_parser_free(parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct dataset_description description;
    struct dataset_description copy;
    struct error error = {0};
    struct arena arena;

    arena_init(&arena, BYTES_MAX * 64);
    read_bare(text, &arena);
    if (dataset_description_read(text, &arena, &description, &error) == OK) {
        check_report(description.report);
        check_again(description.report, &arena);
        check(dataset_description_copy(&description, &arena, &copy) == OK);
        check(str_equal(copy.name, description.name) && copy.map_count == description.map_count);
    } else {
        check(error.code && error.message[0]);
    }
    arena_done(&arena);
    return 0;
}
