/*
 * tool_groups: what several tools print in the same way: spend by the values of a field, and totals
 * that know when some of their records have no price.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TOOL_TOOL_GROUPS_H
#define NETRA_TOOL_TOOL_GROUPS_H

#include "engine/breakdown.h"
#include "tool/tool_out.h"

/* A sum of money over records of which unpriced have no price: computed when there are none, at
 * least the sum (bounded below) when there are some, unknown when nothing is priced. */
struct str out_spend(struct tool_out *out, struct fact_name name, const char *label,
                     int128 pico_usd, uint64_t priced, uint64_t unpriced);

struct group_words {
    const char *field;  /* "model": column header and part of ids: spend.by_<field>.<name> */
    const char *title;  /* of the table */
    const char *figure; /* id of the figure; NULL: none */
};

/* A table of the groups, dearest first, with facts spend.by_<field>.<name>,
 * requests.by_<field>.<name>, tokens.input.by_<field>.<name> and tokens.output.by_<field>.<name>,
 * and a bar figure. Groups behind the OUT_ROWS_MAX dearest are one row, with the facts
 * spend.rest.by_<field> and so on. */
void out_groups(struct tool_out *out, const struct dict *names, const struct breakdown_cell *cells,
                const struct group_words *words);

#endif
