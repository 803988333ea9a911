/*
 * Tables in a terminal. Widths are measured first; what is too wide gives way in this order:
 * headers are broken into lines, columns of names are cut, and when even that is not enough each
 * row becomes a short list of "header  value". Numbers are never cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "report/layout.h"
#include "report/template.h"
#include "report/term_text.h"
#include "report/visible.h"

#define GAP            2u
#define NAME_WIDTH_MIN 10u
#define HEADER_LINES   4u

struct term_table {
    struct term_page *page;
    const struct report_table *table;
    size_t rows; /* shown */
    unsigned widths[REPORT_COLUMNS_MAX];
    bool is_number[REPORT_COLUMNS_MAX];
};

static void add_cell(struct term_page *page, const struct report_cell *cell)
{
    if (cell->fact_id.length) {
        term_add_number(page, fact_find(&page->report->facts, cell->fact_id));
    } else if (cell->text.length) {
        term_add_data(page, cell->text);
    } else {
        buf_append(&page->text, STR("–"));
    }
}

static void add_header(struct term_page *page, struct str header)
{
    template_print_plain(&page->text, header, &page->report->facts);
}

static unsigned measured(struct term_page *page)
{
    unsigned width = term_width(buf_str(&page->text));

    term_clear_text(page);
    return width;
}

static unsigned widest_cell(struct term_table *t, size_t column)
{
    unsigned widest = 1;

    for (size_t row = 0; row < t->rows; row++) {
        add_cell(t->page, table_cell(t->table, row, column));
        unsigned width = measured(t->page);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static unsigned longest_word(struct str text)
{
    unsigned longest = 1;
    size_t begin = 0;

    for (size_t i = 0; i <= text.length; i++) {
        if (i == text.length || text.data[i] == ' ') {
            unsigned width = visible_width(str_slice(text, begin, i));

            longest = width > longest ? width : longest;
            begin = i + 1;
        }
    }
    return longest;
}

static unsigned total_width(const struct term_table *t)
{
    unsigned total = 0;

    for (size_t i = 0; i < t->table->column_count; i++) {
        total += t->widths[i] + (i ? GAP : 0);
    }
    return total;
}

/* Takes from the widest column of names until the table fits or nothing more can be taken. */
static void narrow_names(struct term_table *t)
{
    while (total_width(t) > t->page->width) {
        size_t widest = SIZE_MAX;

        for (size_t i = 0; i < t->table->column_count; i++) {
            if (!t->is_number[i] && t->widths[i] > NAME_WIDTH_MIN &&
                (widest == SIZE_MAX || t->widths[i] > t->widths[widest])) {
                widest = i;
            }
        }
        if (widest == SIZE_MAX) {
            return;
        }
        t->widths[widest]--;
    }
}

/* Sets the widths; false when the table cannot be shown as one. */
static bool measure(struct term_table *t)
{
    unsigned header_word[REPORT_COLUMNS_MAX] = {0};
    unsigned cells[REPORT_COLUMNS_MAX] = {0};

    for (size_t i = 0; i < t->table->column_count; i++) {
        t->is_number[i] = table_is_number_column(t->table, i);
        cells[i] = widest_cell(t, i);
        add_header(t->page, t->table->columns[i]);
        header_word[i] = longest_word(buf_str(&t->page->text));
        unsigned header = measured(t->page);
        t->widths[i] = header > cells[i] ? header : cells[i];
    }
    if (total_width(t) > t->page->width) {
        for (size_t i = 0; i < t->table->column_count; i++) {
            t->widths[i] = header_word[i] > cells[i] ? header_word[i] : cells[i];
        }
    }
    narrow_names(t);
    return total_width(t) <= t->page->width;
}

/* The part of header that stands in the given line of a column: whole words, at most width columns
 * (one long word is cut when it is written). */
static struct str header_line(struct str header, unsigned width, size_t line)
{
    size_t begin = 0;

    for (;;) {
        size_t end = begin;

        for (size_t i = begin; i <= header.length; i++) {
            if (i == header.length || header.data[i] == ' ') {
                if (end > begin && visible_width(str_slice(header, begin, i)) > width) {
                    break;
                }
                end = i;
            }
        }
        if (line-- == 0) {
            return str_slice(header, begin, end);
        }
        if (end >= header.length) {
            return STR("");
        }
        begin = end + 1;
    }
}

/* Writes styled text into a column; the last one gets no spaces behind it. */
static void put_aligned(struct term_table *t, size_t column, struct str styled)
{
    unsigned width = t->widths[column];
    unsigned natural = term_width(styled);
    unsigned used = natural < width ? natural : width;

    if (column) {
        term_put_spaces(t->page, GAP);
    }
    if (t->is_number[column]) {
        term_put_spaces(t->page, width - used);
    }
    used = term_put_cut(t->page, styled, width);
    if (!t->is_number[column] && column + 1 < t->table->column_count) {
        term_put_spaces(t->page, width - used);
    }
}

static void put_styled_text(struct term_page *page, const char *styled)
{
    (void)term_put_cut(page, str_from(styled), page->width);
}

static void put_headers(struct term_table *t)
{
    struct term_page *page = t->page;

    for (size_t line = 0; line < HEADER_LINES; line++) {
        bool has_more = false;

        put_styled_text(page, STYLE_FAINT);
        for (size_t i = 0; i < t->table->column_count; i++) {
            add_header(page, t->table->columns[i]);
            struct str header = buf_str(&page->text);
            put_aligned(t, i, header_line(header, t->widths[i], line));
            has_more = has_more || header_line(header, t->widths[i], line + 1).length > 0;
            term_clear_text(page);
        }
        put_styled_text(page, STYLE_PLAIN);
        buf_append_char(page->out, '\n');
        if (!has_more) {
            break;
        }
    }
    put_styled_text(page, STYLE_FAINT);
    for (unsigned i = total_width(t); i > 0; i--) {
        buf_append(page->out, STR("─"));
    }
    put_styled_text(page, STYLE_PLAIN);
    buf_append_char(page->out, '\n');
}

static void put_grid(struct term_table *t)
{
    put_headers(t);
    for (size_t row = 0; row < t->rows; row++) {
        for (size_t i = 0; i < t->table->column_count; i++) {
            add_cell(t->page, table_cell(t->table, row, i));
            put_aligned(t, i, buf_str(&t->page->text));
            term_clear_text(t->page);
        }
        buf_append_char(t->page->out, '\n');
    }
}

/* One row as lines of "header  value", the first cell as their heading. */
static void put_record(struct term_table *t, size_t row)
{
    struct term_page *page = t->page;

    for (size_t i = 0; i < t->table->column_count; i++) {
        if (i) {
            term_put_spaces(page, GAP);
            buf_append(&page->text, STR(STYLE_FAINT));
            add_header(page, t->table->columns[i]);
            buf_append(&page->text, STR(STYLE_PLAIN ": "));
        } else {
            buf_append(&page->text, STR(STYLE_TITLE));
        }
        add_cell(page, table_cell(t->table, row, i));
        buf_append(&page->text, STR(STYLE_PLAIN));
        term_flush_wrapped(page, i ? GAP : 0, i ? 2 * GAP : 0);
    }
}

static void put_below(struct term_table *t)
{
    struct term_page *page = t->page;
    struct str needs[TABLE_NEEDS_MAX];
    size_t count = table_needs(t->table, &page->report->facts, t->rows, needs);

    if (t->rows < t->table->row_count) {
        size_t more = t->table->row_count - t->rows;

        buf_append(&page->text, STR(STYLE_FAINT));
        buf_printf(&page->text, "… and %zu more row%s: see the HTML or JSON report", more,
                   more == 1 ? "" : "s");
        buf_append(&page->text, STR(STYLE_PLAIN));
        term_flush_wrapped(page, 0, 0);
    }
    if (count) {
        buf_append(&page->text, STR(STYLE_WARN "unknown" STYLE_PLAIN ": needs "));
        for (size_t i = 0; i < count; i++) {
            buf_append(&page->text, i ? STR("; ") : STR(""));
            term_add_data(page, needs[i]);
        }
        term_flush_wrapped(page, 0, GAP);
    }
}

void term_put_table(struct term_page *page, const struct report_table *table)
{
    struct term_table t = {.page = page, .table = table};

    t.rows =
        table->row_count < REPORT_TABLE_ROWS_SHOWN ? table->row_count : REPORT_TABLE_ROWS_SHOWN;
    if (table->title.length) {
        buf_append(&page->text, STR(STYLE_TITLE));
        template_print_plain(&page->text, table->title, &page->report->facts);
        buf_append(&page->text, STR(STYLE_PLAIN));
        term_flush_wrapped(page, 0, 0);
    }
    if (measure(&t)) {
        put_grid(&t);
    } else {
        for (size_t row = 0; row < t.rows; row++) {
            put_record(&t, row);
        }
    }
    put_below(&t);
}
