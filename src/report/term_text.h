/*
 * term_text: prose for a terminal: template text becomes styled text in a scratch buf, styled text
 * becomes wrapped lines.
 *
 * Styled text is visible text (visible.h) in which one control byte switches the style, as below.
 * Visible text holds no control bytes, so no text can forge one; the switches become SGR sequences,
 * or nothing without colour, when a line is written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_REPORT_TERM_TEXT_H
#define NETRA_REPORT_TERM_TEXT_H

#include "base/buf.h"
#include "report/report.h"

#define STYLE_PLAIN   "\x01"
#define STYLE_TITLE   "\x02"
#define STYLE_NAME    "\x03"
#define STYLE_NUMBER  "\x04"
#define STYLE_BOUNDED "\x05"
#define STYLE_UNKNOWN "\x06"
#define STYLE_FAINT   "\x07"
#define STYLE_GOOD    "\x08"
#define STYLE_WARN    "\x0e"
#define STYLE_GLUE    "\x0f" /* a space at which no line ends */

struct term_page {
    const struct report *report;
    struct buf *out;
    struct buf text; /* styled text under construction */
    unsigned width;
    bool colour;
};

/* Appends to page->text: data, template text, a fact (in this style when it is computed). */
void term_add_data(struct term_page *page, struct str data);
void term_add_prose(struct term_page *page, struct str text);
void term_add_fact(struct term_page *page, struct str fact_id, const char *computed_style);
/* The same without "(needs …)": for cells, which say it below the table. */
void term_add_number(struct term_page *page, const struct fact *fact);

/* Empties page->text; its sticky failure becomes the output's. */
void term_clear_text(struct term_page *page);

/* Columns of styled text. */
unsigned term_width(struct str styled);

/* Writes styled text as it is, at most width columns, cut with "…". Returns the columns used. */
unsigned term_put_cut(struct term_page *page, struct str styled, unsigned width);

/* Writes page->text wrapped and empties it; column is where the caller has left the line, further
 * lines begin behind indent spaces. Ends the line. */
void term_flush_wrapped(struct term_page *page, unsigned column, unsigned indent);

void term_put_spaces(struct term_page *page, unsigned count);

/* A table, as wide as it needs to be; as a list of records when it does not fit (term_table.c). */
void term_put_table(struct term_page *page, const struct report_table *table);

#endif
