/*
 * html_page: what the parts of the HTML report share. html_text.c writes prose, facts and tables,
 * html_style.c holds the style sheet, render_html.c puts the document together.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_REPORT_HTML_PAGE_H
#define NETRA_REPORT_HTML_PAGE_H

#include "report/report.h"
#include "report/template.h"

struct html_page {
    const struct report *report;
    struct buf *out;
    struct buf text; /* one text before it is escaped */
};

extern const char html_style[];

/* Writes page->text escaped and empties it; its sticky failure becomes the output's. */
void html_put_text(struct html_page *page);

/* Template text with facts as links to their rows in the appendix. */
void html_put_prose(struct html_page *page, struct str text);

/* One fact as such a link; fact may be NULL. In a cell an unknown one is only "unknown". */
void html_put_fact(struct html_page *page, const struct fact *fact, enum template_form form,
                   bool in_cell);

void html_put_list(struct html_page *page, const struct report_lines *lines);
void html_put_table(struct html_page *page, const struct report_table *table);

/* The table of all facts, one row each with its anchor. */
void html_put_fact_table(struct html_page *page);

#endif
