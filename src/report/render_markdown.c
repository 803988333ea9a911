/*
 * The report as GitHub-flavoured Markdown. Foreign text is either a code span or escaped character
 * by character, so that no name can become a link, a mention, a table border or HTML. Pictures are
 * block characters in a fence: GitHub shows no inline SVG.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "base/civil_time.h"
#include "report/layout.h"
#include "report/report.h"
#include "report/template.h"
#include "report/visible.h"

#define FIGURE_WIDTH 76u

struct markdown_page {
    const struct report *report;
    struct buf *out;
    struct buf scratch;
};

static void clear_scratch(struct markdown_page *page)
{
    if (buf_status(&page->scratch) && buf_status(page->out) == OK) {
        page->out->status = buf_status(&page->scratch);
    }
    buf_clear(&page->scratch);
}

/* Markup characters of CommonMark and GFM; '@' because of mentions, '#' because of issue numbers,
 * '$' because of formulas. */
static bool is_markup(char c)
{
    return c && strchr("\\`*_[]<>|~&#@!$", c);
}

/* The '/' of "http://" and the '.' of "www.": bare text becomes a link there. Looks at what was
 * written, not at the source, in which invisible characters may stand between. */
static bool makes_link(const struct buf *out, char c)
{
    char before = out->length ? out->data[out->length - 1] : ' ';

    return (c == '/' && before == ':') || (c == '.' && (before == 'w' || before == 'W'));
}

static void put_escaped(struct markdown_page *page, struct str text)
{
    struct str bytes;
    unsigned width;

    for (size_t at = 0; visible_next(text, &at, &bytes, &width);) {
        if (is_markup(bytes.data[0]) || makes_link(page->out, bytes.data[0])) {
            buf_append_char(page->out, '\\');
        }
        buf_append(page->out, bytes);
    }
}

/* Words of ours: only what would be markup in them; '$' and ':' stay readable. */
static void put_words(struct markdown_page *page, struct str words)
{
    struct str bytes;
    unsigned width;

    for (size_t at = 0; visible_next(words, &at, &bytes, &width);) {
        if (bytes.length == 1 && strchr("\\`*_[]<>|~&{}", bytes.data[0])) {
            buf_append_char(page->out, '\\');
        }
        buf_append(page->out, bytes);
    }
}

static size_t longest_run(struct str text, char c)
{
    size_t longest = 0;
    size_t run = 0;

    for (size_t i = 0; i < text.length; i++) {
        run = text.data[i] == c ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static void put_repeated(struct buf *out, char c, size_t count)
{
    while (count-- > 0) {
        buf_append_char(out, c);
    }
}

/* A code span around what scratch holds, with more backquotes than are inside. A pipe is escaped
 * because tables are split before code spans are found. */
static void put_code_span(struct markdown_page *page, bool in_table)
{
    struct str text = buf_str(&page->scratch);
    size_t fence = longest_run(text, '`') + 1;
    bool pad = text.length && (text.data[0] == '`' || text.data[text.length - 1] == '`');

    put_repeated(page->out, '`', fence);
    buf_append(page->out, pad ? STR(" ") : STR(""));
    for (size_t i = 0; i < text.length; i++) {
        if (in_table && text.data[i] == '|') {
            buf_append_char(page->out, '\\');
        }
        buf_append_char(page->out, text.data[i]);
    }
    buf_append(page->out, pad ? STR(" ") : STR(""));
    put_repeated(page->out, '`', fence);
    clear_scratch(page);
}

/* Numbers that are not exact are in italics. */
static void put_fact(struct markdown_page *page, const struct fact *fact, enum template_form form)
{
    bool exact = fact && fact->state == FACT_COMPUTED;

    template_print_fact(&page->scratch, fact, form);
    buf_append(page->out, exact ? STR("") : STR("*"));
    put_words(page, buf_str(&page->scratch));
    buf_append(page->out, exact ? STR("") : STR("*"));
    clear_scratch(page);
}

static void put_prose_in(struct markdown_page *page, struct str text, bool in_table)
{
    struct template_piece piece;

    for (size_t at = 0; template_next(text, &at, &piece);) {
        if (piece.kind == TEMPLATE_NAME) {
            template_append_name(&page->scratch, piece.text);
            put_code_span(page, in_table);
        } else if (piece.kind == TEMPLATE_FACT) {
            put_fact(page, fact_find(&page->report->facts, piece.text), piece.form);
        } else {
            put_words(page, piece.text);
        }
    }
}

static void put_prose(struct markdown_page *page, struct str text)
{
    put_prose_in(page, text, /* in_table */ false);
}

static void put_list(struct markdown_page *page, const struct report_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        buf_append(page->out, STR("- "));
        put_prose(page, lines->lines[i]);
        buf_append_char(page->out, '\n');
    }
}

static void put_lines(struct markdown_page *page, const char *heading,
                      const struct report_lines *lines)
{
    if (lines->count) {
        buf_printf(page->out, "\n## %s\n\n", heading);
        put_list(page, lines);
    }
}

static void put_cell(struct markdown_page *page, const struct report_cell *cell)
{
    if (cell->fact_id.length == 0) {
        put_escaped(page, cell->text.length ? cell->text : STR("–"));
        return;
    }
    const struct fact *fact = fact_find(&page->report->facts, cell->fact_id);
    if (fact && fact->state == FACT_UNKNOWN) {
        buf_append(page->out, STR("*unknown*"));
    } else {
        put_fact(page, fact, FORM_PRINTED);
    }
}

static void put_below_table(struct markdown_page *page, const struct report_table *table,
                            size_t rows)
{
    struct str needs[TABLE_NEEDS_MAX];
    size_t count = table_needs(table, &page->report->facts, rows, needs);

    if (rows < table->row_count) {
        buf_printf(page->out, "\n… and %zu more: see the HTML or JSON report.\n",
                   table->row_count - rows);
    }
    if (count) {
        buf_append(page->out, STR("\n*unknown*: needs "));
        for (size_t i = 0; i < count; i++) {
            buf_append(page->out, i ? STR("; ") : STR(""));
            put_escaped(page, needs[i]);
        }
        buf_append_char(page->out, '\n');
    }
}

static void put_table(struct markdown_page *page, const struct report_table *table)
{
    size_t rows =
        table->row_count < REPORT_TABLE_ROWS_SHOWN ? table->row_count : REPORT_TABLE_ROWS_SHOWN;

    if (table->title.length) {
        buf_append(page->out, STR("**"));
        put_prose(page, table->title);
        buf_append(page->out, STR("**\n\n"));
    }
    for (size_t i = 0; i < table->column_count; i++) {
        buf_append(page->out, STR("| "));
        put_prose_in(page, table->columns[i], /* in_table */ true);
        buf_append_char(page->out, ' ');
    }
    buf_append(page->out, STR("|\n"));
    for (size_t i = 0; i < table->column_count; i++) {
        buf_append(page->out, table_is_number_column(table, i) ? STR("|---:") : STR("|:---"));
    }
    buf_append(page->out, STR("|\n"));
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < table->column_count; i++) {
            buf_append(page->out, STR("| "));
            put_cell(page, table_cell(table, row, i));
            buf_append_char(page->out, ' ');
        }
        buf_append(page->out, STR("|\n"));
    }
    put_below_table(page, table, rows);
}

/* The fence is longer than any run of backquotes in the labels, so none can end it. */
static void put_figure(struct markdown_page *page, const struct figure *figure)
{
    figure_render_text(figure, FIGURE_WIDTH, /* colour */ false, &page->scratch);
    size_t fence = longest_run(buf_str(&page->scratch), '`') + 1;

    fence = fence < 3 ? 3 : fence;
    put_repeated(page->out, '`', fence);
    buf_append(page->out, STR("text\n"));
    buf_append(page->out, buf_str(&page->scratch));
    put_repeated(page->out, '`', fence);
    buf_append(page->out, STR("\n\n"));
    clear_scratch(page);
    put_prose(page, figure->alt);
    buf_append_char(page->out, '\n');
}

static void put_block(struct markdown_page *page, const struct report_block *block)
{
    buf_append_char(page->out, '\n');
    switch (block->kind) {
    case BLOCK_PARAGRAPH:
        put_prose(page, block->text);
        buf_append_char(page->out, '\n');
        break;
    case BLOCK_LIST:
        put_list(page, &block->list);
        break;
    case BLOCK_TABLE:
        put_table(page, block->table);
        break;
    case BLOCK_FIGURE:
        put_figure(page, block->figure);
        break;
    }
}

static void put_part(struct markdown_page *page, const char *label, struct str text)
{
    if (text.length) {
        buf_printf(page->out, "- **%s:** ", label);
        put_prose(page, text);
        buf_append_char(page->out, '\n');
    }
}

static void put_savings(struct markdown_page *page, const struct report_action *action)
{
    const struct fact_set *facts = &page->report->facts;

    if (action->saving_fact.length == 0) {
        return;
    }
    buf_append(page->out, STR("- **Saves:** "));
    put_fact(page, fact_find(facts, action->saving_fact), FORM_PRINTED);
    if (action_shows_alone(action, &page->report->facts)) {
        buf_append(page->out, STR(" in this plan, "));
        put_fact(page, fact_find(facts, action->alone_fact), FORM_PRINTED);
        buf_append(page->out, STR(" on its own"));
    }
    buf_append_char(page->out, '\n');
}

static void put_actions(struct markdown_page *page)
{
    if (page->report->action_count == 0) {
        return;
    }
    buf_append(page->out, STR("\n## What to do\n"));
    for (size_t i = 0; i < page->report->action_count; i++) {
        const struct report_action *action = &page->report->actions[i];

        buf_printf(page->out, "\n### %zu. ", i + 1);
        put_prose(page, action->title);
        buf_append(page->out, STR("\n\n"));
        put_savings(page, action);
        put_part(page, "Why", action->why);
        put_part(page, "How", action->how);
        put_part(page, "Risk", action->risk);
        if (action->needs_confirmation) {
            buf_append(page->out, STR("- **Confirm first:** the records alone cannot show whether "
                                      "this is safe.\n"));
        }
    }
}

static void put_data_item(struct markdown_page *page, const char *label, struct str value)
{
    if (value.length) {
        buf_printf(page->out, "- %s: ", label);
        put_escaped(page, value);
        buf_append_char(page->out, '\n');
    }
}

static void put_models(struct markdown_page *page)
{
    struct arena arena;
    struct report_table table;

    if (layout_model_table(page->report, &arena, &table, page->out)) {
        buf_append_char(page->out, '\n');
        put_table(page, &table);
    }
    arena_done(&arena);
}

static void put_summary(struct markdown_page *page)
{
    struct buf text;

    put_lines(page, "Summary", &page->report->summary);
    if (page->report->summary_by.length == 0) {
        return;
    }
    buf_init(&text, page->out->limit);
    layout_add_summary_by(page->report, &text);
    buf_append(page->out, STR("\n*"));
    put_prose(page, buf_str(&text));
    buf_append(page->out, STR("*\n"));
    if (buf_status(&text) && buf_status(page->out) == OK) {
        page->out->status = buf_status(&text);
    }
    buf_done(&text);
}

static void put_head(struct markdown_page *page)
{
    const struct report *report = page->report;

    buf_append(page->out, STR("# Netra report\n\n> “"));
    (void)visible_append_cut(&page->scratch, report->question, QUESTION_COLUMNS_SHOWN);
    put_escaped(page, buf_str(&page->scratch));
    clear_scratch(page);
    buf_append(page->out, STR("”\n\n"));
    put_data_item(page, "Understood as", report->interpretation_text);
    buf_append(page->out, STR("- Records: "));
    layout_add_records(report, page->out);
    buf_append_char(page->out, '\n');
    if (report->book_name.length) {
        buf_append(page->out, STR("- Prices: "));
        put_escaped(page, report->book_name);
        buf_append(page->out, report->book_as_of.length ? STR(", as of ") : STR(""));
        put_escaped(page, report->book_as_of);
        buf_append_char(page->out, '\n');
    }
    put_data_item(page, "Kind", str_from(report_type_words(report->type)));
}

static void put_foot(struct markdown_page *page)
{
    const struct report *report = page->report;

    buf_append(page->out,
               STR("\n## How to check this\n\n"
                   "Every number above is a fact with its records, method and query in the HTML "
                   "and JSON reports; `netra recompute REPORT.json` derives them again from the "
                   "same records.\n\n"));
    for (size_t i = 0; i < report->input_count; i++) {
        buf_append(page->out, STR("- Input "));
        visible_append(&page->scratch, report->inputs[i].path);
        put_code_span(page, /* in_table */ false);
        buf_append(page->out, STR(" ("));
        put_escaped(page, report->inputs[i].digest);
        buf_printf(page->out, "): %" PRIu64 " records, %" PRIu64 " rejected\n",
                   report->inputs[i].records, report->inputs[i].rejected);
    }
    put_data_item(page, "Price book digest", report->book_digest);
    buf_printf(page->out, "- Seed %" PRIu64 ", as of ", report->seed);
    civil_print(report->as_of_us, page->out);
    buf_append(page->out, STR(", time zone "));
    put_escaped(page, report->time_zone);
    buf_append(page->out, STR("\n- Report "));
    put_escaped(page, report->id);
    buf_append(page->out, STR(", "));
    layout_print_time(report->generated_at_us, page->out);
    buf_append_char(page->out, '\n');
    put_models(page);
}

void report_render_markdown(const struct report *report, struct buf *out)
{
    struct markdown_page page = {.report = report, .out = out};

    buf_init(&page.scratch, out->limit);
    put_head(&page);
    put_summary(&page);
    put_actions(&page);
    for (size_t s = 0; s < report->section_count; s++) {
        const struct report_section *section = &report->sections[s];

        buf_append(out, STR("\n## "));
        put_prose(&page, section->title);
        buf_append_char(out, '\n');
        for (size_t i = 0; i < section->block_count; i++) {
            put_block(&page, &section->blocks[i]);
        }
    }
    put_lines(&page, "Caveats", &report->caveats);
    put_lines(&page, "What is missing", &report->needs);
    put_lines(&page, "Assumptions", &report->assumptions);
    put_lines(&page, "Next steps", &report->next_steps);
    put_foot(&page);
    buf_done(&page.scratch);
}
