/*
 * The facts as CSV (RFC 4180) for spreadsheets: one row each, numbers exact and without a unit in
 * their cell, times in RFC 3339. Prose, tables and figures stay out: they only name facts. Texts
 * hold what visible.h lets through: an id differs from the JSON's where a name has invisible
 * controls.
 *
 * A spreadsheet takes a cell that begins with = + - @ (or the wide forms of them) for a formula,
 * wherever the text came from. Text cells that do so get an apostrophe in front, the defence that
 * OWASP advises; a leading tab or new line cannot occur, they become spaces, and spaces in front do
 * not hide the sign. Cells of numbers are ours and are left alone, so that -0.5 stays a number.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "report/report.h"
#include "report/visible.h"

struct csv_page {
    struct buf *out;
    struct buf scratch; /* a text cell before it is quoted */
    bool is_begun;      /* a cell stands in this row already */
};

static void begin_cell(struct csv_page *page)
{
    buf_append(page->out, page->is_begun ? STR(",") : STR(""));
    page->is_begun = true;
}

static void end_row(struct csv_page *page)
{
    buf_append(page->out, STR("\r\n"));
    page->is_begun = false;
}

static bool begins_formula(struct str text)
{
    /* U+FF1D, U+FF0B, U+FF0D, U+FF20: the wide forms */
    static const struct str signs[] = {{"=", 1},
                                       {"+", 1},
                                       {"-", 1},
                                       {"@", 1},
                                       {"\xef\xbc\x9d", 3},
                                       {"\xef\xbc\x8b", 3},
                                       {"\xef\xbc\x8d", 3},
                                       {"\xef\xbc\xa0", 3}};
    size_t start = 0;

    while (start < text.length && text.data[start] == ' ') {
        start++;
    }
    text = str_slice(text, start, text.length);
    for (size_t i = 0; i < ARRAY_LENGTH(signs); i++) {
        if (str_starts_with(text, signs[i])) {
            return true;
        }
    }
    return false;
}

static bool needs_quotes(struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (strchr(",\"\r\n", text.data[i])) {
            return true;
        }
    }
    return text.length && (text.data[0] == ' ' || text.data[text.length - 1] == ' ');
}

static void put_text(struct csv_page *page, struct str words)
{
    begin_cell(page);
    visible_append(&page->scratch, words);
    struct str text = buf_str(&page->scratch);
    bool quoted = needs_quotes(text);

    buf_append(page->out, quoted ? STR("\"") : STR(""));
    buf_append(page->out, begins_formula(text) ? STR("'") : STR(""));
    for (size_t i = 0; i < text.length; i++) {
        buf_append(page->out, text.data[i] == '"' ? STR("\"") : STR(""));
        buf_append_char(page->out, text.data[i]);
    }
    buf_append(page->out, quoted ? STR("\"") : STR(""));
    if (buf_status(&page->scratch) && buf_status(page->out) == OK) {
        page->out->status = buf_status(&page->scratch);
    }
    buf_clear(&page->scratch);
}

static void put_value(struct csv_page *page, const struct fact *fact, bool is_there,
                      struct decimal value)
{
    begin_cell(page);
    if (is_there) {
        fact_print_exact_value(fact->unit, value, page->out);
    }
}

static void put_fact(struct csv_page *page, const struct fact *fact)
{
    bool is_known = fact->state != FACT_UNKNOWN;
    bool has_bounds = is_known && fact->has_bounds;

    put_text(page, fact->id);
    put_text(page, fact->label);
    put_value(page, fact, is_known, fact->value);
    put_text(page, str_from(fact_unit_name(fact->unit)));
    put_value(page, fact, has_bounds, fact->low);
    put_value(page, fact, has_bounds && !fact->is_open, fact->high);
    put_text(page, str_from(fact_state_name(fact->state)));
    begin_cell(page);
    buf_printf(page->out, "%" PRIu64, fact->n);
    put_text(page, fact->method);
    put_text(page, fact->needs);
    end_row(page);
}

void report_render_csv(const struct report *report, struct buf *out)
{
    struct csv_page page = {.out = out};

    buf_init(&page.scratch, out->limit);
    buf_append(out, STR("id,label,value,unit,low,high,state,n,method,needs\r\n"));
    for (uint32_t i = 0; i < report->facts.count; i++) {
        put_fact(&page, &report->facts.facts[i]);
    }
    buf_done(&page.scratch);
}
