/*
 * template: the one reader of template text (report.h says what it is), shared by the quality gate
 * and by every renderer, so that what was judged is what is shown.
 *
 *     words {fact.id} words {fact.id:low} words `a name` words
 *
 * Inside backquotes every byte is data; two backquotes there stand for one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_REPORT_TEMPLATE_H
#define NETRA_REPORT_TEMPLATE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "report/fact.h"

enum template_kind {
    TEMPLATE_WORDS,
    TEMPLATE_NAME, /* what is between backquotes: template_append_name */
    TEMPLATE_FACT,
    TEMPLATE_BROKEN /* an opening that is never closed, or {}: text is the rest */
};

enum template_form { FORM_PRINTED, FORM_LOW, FORM_HIGH, FORM_EXACT };

struct template_piece {
    enum template_kind kind;
    enum template_form form; /* facts only */
    struct str text;         /* words, the raw name, or the fact's id */
};

/* The piece at *at (start with 0), which moves behind it; false at the end. */
bool template_next(struct str text, size_t *at, struct template_piece *ret_piece);

/* Appends the visible part of a TEMPLATE_NAME piece without its quoting; "(no name)" when nothing
 * of it can be seen. */
void template_append_name(struct buf *out, struct str raw);

/* Appends the number as prose shows it; "unknown (needs …)" when it is not known. fact may be NULL:
 * then it says that no such fact exists. The result holds only visible characters. */
void template_print_fact(struct buf *out, const struct fact *fact, enum template_form form);

/* The whole text as plain words, facts filled in. facts may be NULL: then each is "…". */
void template_print_plain(struct buf *out, struct str text, const struct fact_set *facts);

#endif
