/*
 * layout: what the renderers have to know about a table or an action before they draw it, so
 * that all of them show the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_REPORT_LAYOUT_H
#define NETRA_REPORT_LAYOUT_H

#include "report/report.h"

#define TABLE_NEEDS_MAX 4u
#define QUESTION_COLUMNS_SHOWN                                                                     \
    400u /* a longer prompt is cut in what people read; JSON has it all */

static inline const struct report_cell *table_cell(const struct report_table *table, size_t row,
                                                   size_t column)
{
    return &table->cells[row * table->column_count + column];
}

/* True when an action's saving on its own is worth showing: it differs from that in the plan. */
bool action_shows_alone(const struct report_action *action, const struct fact_set *facts);

/* A report's type in words, with what it means for the reader. */
const char *report_type_words(enum report_type type);

/* "55,456, 2026-08-03 to 2026-08-30": how many records, and when where they say so. */
void layout_add_records(const struct report *report, struct buf *out);

/* A moment as people read it: RFC 3339 to the second. */
void layout_print_time(int64_t time_us, struct buf *out);

/* True when the column holds facts and nothing else but empty cells, or says that its texts are
 * numbers: it is aligned right. */
bool table_is_number_column(const struct report_table *table, size_t column);

/* What the unknown facts of the first row_count rows need, each text once; at most TABLE_NEEDS_MAX
 * of them. Cells say "unknown", the line below the table says this. Returns how many. */
size_t table_needs(const struct report_table *table, const struct fact_set *facts, size_t row_count,
                   struct str ret_needs[TABLE_NEEDS_MAX]);

/* Who wrote the summary, as template text; only for a report whose summary_by is not empty. */
void layout_add_summary_by(const struct report *report, struct buf *text);

/* What the models of the run were asked; the texts live in arena, which is begun here and ended
 * by the caller, whatever comes of it. False:
 * none was, or there is no memory, which is out's failure then. */
must_check bool layout_model_table(const struct report *report, struct arena *arena,
                                   struct report_table *ret_table, struct buf *out);

#endif
