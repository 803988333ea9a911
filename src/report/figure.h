/*
 * figure: a picture of facts. A figure names the facts it draws, has a title and a text
 * alternative, and is drawn the same in the page, in the HTML export (SVG) and, as text blocks, in
 * the terminal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_REPORT_FIGURE_H
#define NETRA_REPORT_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "report/fact.h"

#define FIGURE_POINTS_MAX 2000u
#define FIGURE_SERIES_MAX 8u

enum figure_kind {
    FIGURE_BARS,     /* one bar per label, horizontal; several series: grouped */
    FIGURE_LINES,    /* one line per series over x */
    FIGURE_WATERFALL /* first and last label are totals, between them changes, signed */
};

/* Rows that a picture shows; the rest is "and N more". */
#define FIGURE_ROWS_SVG  40u
#define FIGURE_ROWS_TEXT 20u

struct figure_point {
    struct str label;   /* data: a name, or a date as text for lines */
    struct str fact_id; /* where the number comes from; may be empty for lines with many points */
    struct decimal value;
};

struct figure_series {
    struct str name; /* data; "" when there is only one */
    struct figure_point *points;
    size_t count;
};

struct figure {
    struct str id; /* "spend-by-model" */
    enum figure_kind kind;
    struct str title; /* words and backquoted names */
    struct str alt;   /* template text as in report.h: what the picture shows, in a sentence */
    enum fact_unit unit;
    struct figure_series series[FIGURE_SERIES_MAX];
    size_t series_count;
};

const char *figure_kind_name(enum figure_kind kind); /* "bars" … */

/* A deep copy in arena. ERR_LIMIT beyond FIGURE_POINTS_MAX or FIGURE_SERIES_MAX, ERR_NO_MEMORY. */
must_check int figure_copy(const struct figure *figure, struct arena *arena,
                           struct figure **ret_copy);

/* SVG with CSS variables for light and dark, <title> and <desc>, no scripts. Texts are escaped; id
 * becomes part of element ids. facts may be NULL: then alt is shown without numbers. */
void figure_render_svg(const struct figure *figure, const struct fact_set *facts, struct buf *out);

/* Block characters, at most width columns (20 or more). The title is the first line; the picture
 * ends with a new line. */
void figure_render_text(const struct figure *figure, unsigned width, bool colour, struct buf *out);

#endif
