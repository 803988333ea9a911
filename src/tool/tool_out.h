/*
 * tool_out: how tools write facts, tables and sentences into a result without a check per line.
 * Failure is sticky: the first error stops all later writing and is what tool_out_status returns.
 *
 * A fact's id is prefix + escaped name + suffix: "spend.by_model." + "gpt-4o" + "". Names in
 * sentences go through tool_out_name, which makes them safe inside backquotes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TOOL_TOOL_OUT_H
#define NETRA_TOOL_TOOL_OUT_H

#include "tool/tool.h"

struct tool_out {
    struct report *body;
    struct report_section *section;
    struct report_table *table;
    struct str query;   /* lineage of what follows: tool and arguments */
    const char *method; /* lineage: how; set before each group of facts */
    struct str last_id; /* of the fact that was written last */
    int status;
};

/* Query is "<tool> <args>". */
struct tool_out tool_out_begin(struct report *body, const struct tool_args *args);
int tool_out_status(const struct tool_out *out, struct error *error);

/* A part of an id made of prefix, escaped name and suffix. */
struct fact_name {
    const char *prefix;
    struct str name;
    const char *suffix;
};
#define FACT_ID(text) ((struct fact_name){.prefix = (text), .name = {"", 0}, .suffix = ""})
#define FACT_NAMED(prefix_text, name_str, suffix_text)                                             \
    ((struct fact_name){.prefix = (prefix_text), .name = (name_str), .suffix = (suffix_text)})

/* Writes a fact; id, method and query are filled in. Returns its id (empty after a failure). */
struct str out_fact(struct tool_out *out, struct fact_name name, const char *label,
                    const struct fact *fact);
struct str out_money(struct tool_out *out, struct fact_name name, const char *label,
                     int128 pico_usd, uint64_t n);
struct str out_count(struct tool_out *out, struct fact_name name, const char *label,
                     enum fact_unit unit, uint64_t count, uint64_t n);
/* numerator / denominator, rounded to 6 places; unknown when the denominator is 0. */
struct str out_ratio(struct tool_out *out, struct fact_name name, const char *label,
                     int128 numerator, int128 denominator, uint64_t n);
struct str out_unknown(struct tool_out *out, struct fact_name name, const char *label,
                       enum fact_unit unit, const char *needs);

void out_section(struct tool_out *out, const char *id, const char *title);
void out_paragraph(struct tool_out *out, const char *format, ...) printf_like(2, 3);
void out_caveat(struct tool_out *out, const char *format, ...) printf_like(2, 3);
/* A sentence for the top of a report; a thing to do next. */
void out_summary(struct tool_out *out, const char *format, ...) printf_like(2, 3);
void out_next_step(struct tool_out *out, const char *format, ...) printf_like(2, 3);
void out_need(struct tool_out *out, const char *format, ...) printf_like(2, 3);

void out_table(struct tool_out *out, const char *title, const char *const *columns, size_t count);
void out_row(struct tool_out *out, const struct report_cell *cells);

void out_figure(struct tool_out *out, const struct figure *figure);

static inline struct report_cell cell_text(struct str text)
{
    return (struct report_cell){.text = text};
}

static inline struct report_cell cell_fact(struct str fact_id)
{
    return (struct report_cell){.fact_id = fact_id};
}

/* A name for use inside backquotes: without backquotes and controls; "(none)" when empty. Lives in
 * the result's arena. */
struct str out_name(struct tool_out *out, struct str name);

#endif
