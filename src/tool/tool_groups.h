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

/* Names that are shown one by one: more is an id mapped as a name, and no table that people read.
 */
#define TOOL_NAMES_SHOWN_MAX 1000u

/* How many features a tool shows one by one: all, or the first TOOL_NAMES_SHOWN_MAX in the order of
 * the records, with a caveat that says so. */
uint32_t out_features_shown(struct tool_out *out, const struct usage_table *table);

/* How one field is named in a table of groups. */
struct group_words {
    const char *field;  /* "model": column header and part of ids: spend.by_<field>.<name> */
    const char *title;  /* of the table */
    const char *figure; /* id of the figure; NULL: none */
};

/* A table of the groups, dearest first (those behind TOOL_NAMES_SHOWN_MAX summed in one line, with
 * facts spend.others.by_<field> …), with facts spend.by_<field>.<name>,
 * requests.by_<field>.<name>, tokens.input.by_<field>.<name> and tokens.output.by_<field>.<name>,
 * and a bar figure. */
void out_groups(struct tool_out *out, const struct dict *names, const struct breakdown_cell *cells,
                const struct group_words *words);

#endif
