/*
 * Any bytes as a name, as template text and as a title: every renderer ends with valid UTF-8, the
 * terminal gets nothing but text, HTML no script, JSON reads back. The input is cut at its NULs
 * into name, prose and title.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "report/report.h"
#include "json/json_read.h"

#define OUTPUT_BYTES_MAX (size_t)(8u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str next_part(struct str *rest)
{
    const char *nul = rest->length ? memchr(rest->data, '\0', rest->length) : NULL;
    size_t end = nul ? (size_t)(nul - rest->data) : rest->length;
    struct str part = str_slice(*rest, 0, end);

    *rest = str_slice(*rest, nul ? end + 1 : end, rest->length);
    return part;
}

static int add_parts(struct report *report, struct str name, struct str prose, struct str title)
{
    struct figure_point point = {.label = name, .value = decimal_of(7, 1)};
    struct figure figure = {.id = name,
                            .title = title,
                            .alt = prose,
                            .series = {{name, &point, 1}, {name, &point, 1}},
                            .series_count = 2};
    struct report_cell cells[] = {{.text = name}, {.fact_id = STR("unknown")}};
    const char *columns[] = {"name", "value"};
    struct report_section *section;
    struct report_table *table;
    int code = report_add_line(report, &report->summary, prose);

    code = code ? code : report_add_section(report, "s", "Section", &section);
    code = code ? code : report_add_paragraph(report, section, prose);
    code = code ? code : report_add_table(report, section, "Table", columns, 2, &table);
    code = code ? code : report_add_row(report, table, cells);
    code = code ? code : report_add_figure(report, section, &figure);
    return code;
}

static int add_facts(struct report *report, struct str name, struct buf *id)
{
    struct fact unknown = {
        .id = STR("unknown"), .label = name, .state = FACT_UNKNOWN, .needs = STR("more")};
    struct fact known = {.label = name, .value = decimal_of(5, 0), .method = name, .query = name};
    int code = fact_set_add(&report->facts, &unknown);

    fact_id_append(id, name);
    buf_append(id, STR(".total"));
    known.id = buf_str(id);
    return code ? code : fact_set_add(&report->facts, &known);
}

static void check_term(const struct report *report, struct buf *out)
{
    struct term_options options = {.width = 60};

    buf_clear(out);
    report_render_term(report, &options, out);
    check(buf_status(out) == OK && str_is_utf8(buf_str(out)));
    for (size_t i = 0; i < out->length; i++) {
        unsigned char c = (unsigned char)out->data[i];

        check(c == '\n' || (c >= ' ' && c != 0x7f));
    }
}

static void check_others(const struct report *report, struct buf *out)
{
    struct json_parser *parser = NULL;
    struct json_value root;

    buf_clear(out);
    report_render_markdown(report, out);
    check(buf_status(out) == OK && str_is_utf8(buf_str(out)));
    buf_clear(out);
    report_render_html(report, out);
    check(buf_status(out) == OK && str_is_utf8(buf_str(out)));
    check(str_find(buf_str(out), STR("<script"), 0) == SIZE_MAX);
    buf_clear(out);
    report_render_json(report, out);
    check(buf_status(out) == OK);
    check(json_parser_new(OUTPUT_BYTES_MAX, &parser) == OK);
    check(json_parse(parser, buf_str(out), &root, NULL) == OK);
    json_parser_free(parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size};
    struct report *report = NULL;
    struct buf out;
    struct buf id;

    if (size > 4096 || report_new(&report)) {
        return 0;
    }
    struct str name = next_part(&rest);
    struct str prose = next_part(&rest);
    struct str title = next_part(&rest);
    buf_init(&out, OUTPUT_BYTES_MAX);
    buf_init(&id, OUTPUT_BYTES_MAX);
    check(add_facts(report, name, &id) == OK);
    check(add_parts(report, name, prose, title) == OK);
    report->question = name;
    int verdict = report_gate(report, NULL, NULL);
    check(verdict == OK || verdict == ERR_INVALID);
    check_term(report, &out);
    check_others(report, &out);
    buf_done(&out);
    buf_done(&id);
    report_free(report);
    return 0;
}
