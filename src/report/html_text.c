/*
 * Prose, facts and tables of the HTML report. A number is a link to its row in the appendix and
 * carries its id, state and method as a tooltip; a name is <code> with isolated direction.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "report/html_page.h"
#include "report/layout.h"
#include "report/markup.h"

void html_put_text(struct html_page *page)
{
    if (buf_status(&page->text) && buf_status(page->out) == OK) {
        page->out->status = buf_status(&page->text);
    }
    markup_append(page->out, buf_str(&page->text));
    buf_clear(&page->text);
}

static void put_grouped(struct buf *out, uint64_t value)
{
    decimal_print_rounded(decimal_of((int128)value, 0), 0, false, /* grouped */ true, out);
}

/* "spend.total · computed · from 768,954 records · sum of tokens × price" */
static void put_tooltip(struct html_page *page, const struct fact *fact)
{
    markup_append(page->out, fact->id);
    buf_printf(page->out, " · %s", fact_state_name(fact->state));
    if (fact->n) {
        buf_append(page->out, STR(" · from "));
        put_grouped(page->out, fact->n);
        buf_append(page->out, fact->n == 1 ? STR(" record") : STR(" records"));
    }
    if (fact->method.length) {
        buf_append(page->out, STR(" · "));
        markup_append(page->out, fact->method);
    }
    if (fact->state == FACT_UNKNOWN) {
        buf_append(page->out, STR(" · needs "));
        markup_append(page->out, fact->needs);
    }
}

void html_put_fact(struct html_page *page, const struct fact *fact, enum template_form form,
                   bool in_cell)
{
    if (!fact) {
        buf_append(page->out, STR("<span class=\"fact fact-unknown\">"));
        template_print_fact(&page->text, fact, form);
        html_put_text(page);
        buf_append(page->out, STR("</span>"));
        return;
    }
    buf_printf(page->out, "<a class=\"fact fact-%s\" href=\"#fact-", fact_state_name(fact->state));
    markup_append_id(page->out, fact->id);
    buf_append(page->out, STR("\" title=\""));
    put_tooltip(page, fact);
    buf_append(page->out, STR("\">"));
    if (in_cell) {
        fact_print(fact, &page->text);
    } else {
        template_print_fact(&page->text, fact, form);
    }
    html_put_text(page);
    buf_append(page->out, STR("</a>"));
}

void html_put_prose(struct html_page *page, struct str text)
{
    struct template_piece piece;

    for (size_t at = 0; template_next(text, &at, &piece);) {
        if (piece.kind == TEMPLATE_NAME) {
            buf_append(page->out, STR("<code><bdi>"));
            template_append_name(&page->text, piece.text);
            html_put_text(page);
            buf_append(page->out, STR("</bdi></code>"));
        } else if (piece.kind == TEMPLATE_FACT) {
            html_put_fact(page, fact_find(&page->report->facts, piece.text), piece.form,
                          /* in_cell */ false);
        } else {
            markup_append(page->out, piece.text);
        }
    }
}

void html_put_list(struct html_page *page, const struct report_lines *lines)
{
    buf_append(page->out, STR("<ul>\n"));
    for (size_t i = 0; i < lines->count; i++) {
        buf_append(page->out, STR("<li>"));
        html_put_prose(page, lines->lines[i]);
        buf_append(page->out, STR("</li>\n"));
    }
    buf_append(page->out, STR("</ul>\n"));
}

static void put_cell(struct html_page *page, const struct report_cell *cell, bool is_number)
{
    buf_append(page->out, is_number ? STR("<td class=\"num\">") : STR("<td>"));
    if (cell->fact_id.length) {
        html_put_fact(page, fact_find(&page->report->facts, cell->fact_id), FORM_PRINTED,
                      /* in_cell */ true);
    } else if (cell->text.length) {
        buf_append(page->out, STR("<bdi>"));
        markup_append(page->out, cell->text);
        buf_append(page->out, STR("</bdi>"));
    } else {
        buf_append(page->out, STR("–"));
    }
    buf_append(page->out, STR("</td>"));
}

static void put_needs(struct html_page *page, const struct report_table *table)
{
    struct str needs[TABLE_NEEDS_MAX];
    size_t count = table_needs(table, &page->report->facts, table->row_count, needs);

    if (count == 0) {
        return;
    }
    buf_append(page->out, STR("<p class=\"soft small\">Unknown values need: "));
    for (size_t i = 0; i < count; i++) {
        buf_append(page->out, i ? STR("; ") : STR(""));
        markup_append(page->out, needs[i]);
    }
    buf_append(page->out, STR(".</p>\n"));
}

void html_put_table(struct html_page *page, const struct report_table *table)
{
    bool is_number[REPORT_COLUMNS_MAX];

    buf_append(page->out, STR("<div class=\"scroll\"><table>\n"));
    if (table->title.length) {
        buf_append(page->out, STR("<caption>"));
        html_put_prose(page, table->title);
        buf_append(page->out, STR("</caption>\n"));
    }
    buf_append(page->out, STR("<thead><tr>"));
    for (size_t i = 0; i < table->column_count; i++) {
        is_number[i] = table_is_number_column(table, i);
        buf_append(page->out, is_number[i] ? STR("<th scope=\"col\" class=\"num\">")
                                           : STR("<th scope=\"col\">"));
        html_put_prose(page, table->columns[i]);
        buf_append(page->out, STR("</th>"));
    }
    buf_append(page->out, STR("</tr></thead>\n<tbody>\n"));
    for (size_t row = 0; row < table->row_count; row++) {
        buf_append(page->out, STR("<tr>"));
        for (size_t i = 0; i < table->column_count; i++) {
            put_cell(page, table_cell(table, row, i), is_number[i]);
        }
        buf_append(page->out, STR("</tr>\n"));
    }
    buf_append(page->out, STR("</tbody></table></div>\n"));
    put_needs(page, table);
}

static void put_fact_row(struct html_page *page, const struct fact *fact)
{
    buf_append(page->out, STR("<tr id=\"fact-"));
    markup_append_id(page->out, fact->id);
    buf_append(page->out, STR("\"><td>"));
    markup_append(page->out, fact->label);
    buf_append(page->out, STR("<br><span class=\"id\"><bdi>"));
    markup_append(page->out, fact->id);
    buf_printf(page->out, "</bdi></span></td><td class=\"num\">");
    fact_print_exact(fact, &page->text);
    html_put_text(page);
    if (fact->state != FACT_UNKNOWN && fact->unit != UNIT_TIME) {
        buf_printf(page->out, "<br><span class=\"soft\">%s</span>", fact_unit_name(fact->unit));
    }
    buf_printf(page->out, "</td><td class=\"state state-%s\">%s</td><td class=\"num\">",
               fact_state_name(fact->state), fact_state_name(fact->state));
    put_grouped(page->out, fact->n);
    if (fact->clusters) {
        buf_append(page->out, STR("<br><span class=\"soft\">in "));
        put_grouped(page->out, fact->clusters);
        buf_append(page->out, STR(" clusters</span>"));
    }
    buf_append(page->out, STR("</td><td>"));
    markup_append(page->out, fact->method);
    if (fact->state == FACT_UNKNOWN) {
        buf_append(page->out, STR("<br>needs "));
        markup_append(page->out, fact->needs);
    }
    buf_append(page->out, STR("<br><span class=\"id\">"));
    markup_append(page->out, fact->query);
    buf_append(page->out, STR("</span></td></tr>\n"));
}

void html_put_fact_table(struct html_page *page)
{
    const struct fact_set *facts = &page->report->facts;

    buf_append(page->out,
               STR("<div class=\"scroll\"><table class=\"facts\">\n<thead><tr><th "
                   "scope=\"col\">fact</th><th scope=\"col\" class=\"num\">exact value</th><th "
                   "scope=\"col\">state</th><th scope=\"col\" class=\"num\">records</th><th "
                   "scope=\"col\">method and query</th></tr></thead>\n<tbody>\n"));
    for (uint32_t i = 0; i < facts->count; i++) {
        put_fact_row(page, &facts->facts[i]);
    }
    buf_append(page->out, STR("</tbody></table></div>\n"));
}
