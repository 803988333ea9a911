/*
 * report: what a run delivers. A report is built once, in its arena, then only read: by the quality
 * gate and by the renderers.
 *
 * Prose is template text. {fact.id} stands for a fact and is printed by the renderer; `name` in
 * backquotes is a literal name (of a model, a feature, a file; data, never markup); everything else
 * is words. A digit outside of both is refused by the quality gate: that is how a report cannot
 * hold a number that nobody computed. Bounds of a fact are {fact.id:low} and {fact.id:high}; its
 * exact digits {fact.id:exact}. A name from records goes into prose through report_append_name,
 * which quotes it so that nothing in it can end the quotation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_REPORT_REPORT_H
#define NETRA_REPORT_REPORT_H

#include "base/arena.h"
#include "base/error.h"
#include "report/fact.h"
#include "report/figure.h"

#define REPORT_ARENA_BYTES_MAX  (size_t)(256u << 20)
#define REPORT_SECTIONS_MAX     64u
#define REPORT_LINES_MAX        1024u /* sentences of one list; rows of one table */
#define REPORT_COLUMNS_MAX      16u
#define REPORT_MODEL_CALLS_MAX  16u
#define REPORT_FORMAT_VERSION   1   /* "version" of the JSON */
#define REPORT_TABLE_ROWS_SHOWN 20u /* terminal and Markdown; the rest is "… and N more" */

enum report_type { REPORT_FULL, REPORT_PARTIAL, REPORT_GUIDANCE, REPORT_FALLBACK };

/* A list of template texts; grows in the report's arena. */
struct report_lines {
    struct str *lines;
    size_t count;
    size_t capacity;
};

struct report_cell {
    struct str text;    /* a literal (name, word): data, shown as it is */
    struct str fact_id; /* or a fact; empty when text is meant */
};

struct report_table {
    struct str title;                       /* words and backquoted names, no facts */
    struct str columns[REPORT_COLUMNS_MAX]; /* headers, the same */
    size_t column_count;
    bool are_numbers[REPORT_COLUMNS_MAX]; /* texts that are aligned like numbers */
    struct report_cell *cells;            /* row by row */
    size_t row_count;
    size_t row_capacity;
};

enum report_block_kind { BLOCK_PARAGRAPH, BLOCK_LIST, BLOCK_TABLE, BLOCK_FIGURE };

struct report_block {
    enum report_block_kind kind;
    struct str text; /* paragraph */
    struct report_lines list;
    struct report_table *table;
    struct figure *figure;
};

struct report_section {
    struct str id;    /* "cache": anchors and tests */
    struct str title; /* words and backquoted names, no facts */
    struct report_block *blocks;
    size_t block_count;
    size_t block_capacity;
};

/* What to do, in the order of the plan. */
struct report_action {
    struct str title;        /* template text: "Turn on the one-hour cache for `search`" */
    struct str why;          /* template text */
    struct str how;          /* template text: the concrete change */
    struct str saving_fact;  /* id of the marginal saving in the plan, may be empty */
    struct str alone_fact;   /* id, may be empty */
    struct str risk;         /* template text: what it may cost; never empty */
    bool needs_confirmation; /* cannot be judged from the records alone */
};

/* One of the six steps, in microseconds since 1970; part of the JSON that is not compared. A report
 * may be rendered while its last step goes on. */
struct report_step {
    struct str name;
    int64_t started_us;
    int64_t finished_us; /* 0: still open */
};

static inline bool report_step_is_open(const struct report_step *step)
{
    return step->finished_us < step->started_us;
}

/* Who wrote the summary when it was not Netra itself, and what the models of the run were asked:
 * beside the facts, never among them. Texts as in the configuration; versions as in prompts/. */
struct report_model_call {
    struct str purpose;  /* "interpret", "plan", "write", "repair" */
    struct str prompt;   /* "write@1" */
    struct str provider; /* empty: nobody answered */
    struct str model;
    struct str outcome; /* "used" or why nothing came of it */
    bool has_tokens;
    uint64_t input_tokens; /* inclusive */
    uint64_t output_tokens;
    bool has_cost; /* false: unknown */
    int64_t cost_pico_usd;
    unsigned attempts;
};

struct report_input {
    struct str path;
    struct str digest; /* "xxh3-128:…" of the bytes as read */
    struct str format;
    uint64_t records;
    uint64_t rejected;
};

struct report {
    struct arena arena;
    struct str id; /* UUIDv7 */
    enum report_type type;
    struct str question;
    struct str interpretation_json; /* as `netra parse` prints it */
    struct str interpretation_text; /* "cost −20 %, all features": the echo */
    int64_t generated_at_us;

    uint64_t records;
    int64_t from_us; /* first and last record, 0/0 without times */
    int64_t to_us;
    struct report_input *inputs;
    size_t input_count;
    struct str *maps; /* "model=gpt-4o": how columns were mapped, for recompute */
    size_t map_count;
    struct str book_name;
    struct str book_as_of;
    struct str book_path; /* "" = built in */
    struct str book_digest;
    uint64_t seed;
    int64_t as_of_us;
    struct str time_zone;

    struct report_lines summary;
    struct report_section *sections;
    size_t section_count;
    size_t section_capacity;
    struct report_action *actions;
    size_t action_count;
    size_t action_capacity;
    struct report_lines caveats;
    struct report_lines needs;
    struct report_lines next_steps;
    struct report_lines assumptions;
    struct fact_set facts;
    struct report_step *steps;
    size_t step_count;
    struct str *agents; /* names in the order they ran, for the reader who asks who did it */
    size_t agent_count;
    struct str summary_by; /* "anthropic/claude-haiku-4-5"; empty: Netra's own words */
    struct report_model_call *model_calls;
    size_t model_call_count; /* at most REPORT_MODEL_CALLS_MAX */
};

must_check int report_new(struct report **ret_report);
void report_free(struct report *report);
void report_free_pointer(struct report **report);

/* ---- building; texts are copied; ERR_NO_MEMORY, ERR_LIMIT ---- */

/* Appends name to a template text under construction, in backquotes, those inside it doubled. */
void report_append_name(struct buf *text, struct str name);

must_check int report_add_line(struct report *report, struct report_lines *lines, struct str text);
/* The section and table pointers stay valid as long as the report. */
must_check int report_add_section(struct report *report, const char *id, const char *title,
                                  struct report_section **ret_section);
must_check int report_add_paragraph(struct report *report, struct report_section *section,
                                    struct str text);
must_check int report_add_list_item(struct report *report, struct report_section *section,
                                    struct str text); /* continues the list that is last */
must_check int report_add_table(struct report *report, struct report_section *section,
                                const char *title, const char *const *columns, size_t column_count,
                                struct report_table **ret_table);
/* cells: column_count of them. */
must_check int report_add_row(struct report *report, struct report_table *table,
                              const struct report_cell *cells);
must_check int report_add_figure(struct report *report, struct report_section *section,
                                 const struct figure *figure); /* deep copy */
/* ERR_LIMIT above REPORT_MODEL_CALLS_MAX. */
must_check int report_add_model_call(struct report *report, const struct report_model_call *call);
must_check int report_add_action(struct report *report, const struct report_action *action);

/* ---- judging ---- */

/* Refuses what a report must not say: a digit in prose that no fact carries (titles and headers
 * too), a fact that does not exist, bounds of a fact that has none, an unknown fact in a picture, a
 * picture that shows another number than its fact, a waterfall whose parts do not add up, two
 * figures of one id, an action without a risk, no next step. OK or ERR_INVALID with the first
 * offence; *ret_count (may be NULL) counts all. It cannot judge words ("half") nor what stands in
 * backquotes. */
must_check int report_gate(const struct report *report, size_t *ret_count, struct error *error);

const char *report_type_name(enum report_type type); /* "full_analysis" … */

/* ---- rendering; failure is the buf's ---- */

struct term_options {
    unsigned width; /* columns, 40 to 160 */
    bool colour;
};

void report_render_term(const struct report *report, const struct term_options *options,
                        struct buf *out);
void report_render_markdown(const struct report *report, struct buf *out);
/* The whole report as DESIGN section 5 says; facts, figures (as data and SVG), steps. Apart from
 * id, generated_at and steps the same input gives the same bytes. */
void report_render_json(const struct report *report, struct buf *out);
/* The facts as CSV: id, label, value, unit, low, high, state, n, method, needs. Numbers exactly,
 * absent ones empty; a text that a spreadsheet would take for a formula begins with an apostrophe.
 */
void report_render_csv(const struct report *report, struct buf *out);
/* The body alone, for results of one tool: {"tool", "facts", "tables", "figures", "sections",
 * "actions", "caveats", "needs"}. */
void report_render_result_json(const struct report *report, const char *tool, bool one_line,
                               struct buf *out);
/* One self-contained file: no scripts, no addresses loaded; light and dark; prints well. */
void report_render_html(const struct report *report, struct buf *out);

#endif
