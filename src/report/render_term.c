/*
 * The report for a terminal: what to do first, then the evidence, then what is not known. Colour
 * only repeats what the words say, so the report is the same without it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "base/civil_time.h"
#include "report/layout.h"
#include "report/report.h"
#include "report/term_text.h"
#include "report/visible.h"

#define WIDTH_MIN   40u
#define WIDTH_MAX   160u
#define LABEL_WIDTH 15u /* of the head's two columns */
#define WHY_WIDTH   9u  /* of an action's: "   Risk  " */

static void put_blank(struct term_page *page)
{
    buf_append_char(page->out, '\n');
}

static void put_switch(struct term_page *page, const char *style)
{
    (void)term_put_cut(page, str_from(style), 0);
}

static void put_heading(struct term_page *page, struct str words)
{
    put_blank(page);
    buf_append(&page->text, STR(STYLE_TITLE));
    term_add_prose(page, words);
    unsigned width = term_width(buf_str(&page->text));
    buf_append(&page->text, STR(STYLE_PLAIN));
    term_flush_wrapped(page, 0, 0);
    put_switch(page, STYLE_FAINT);
    for (unsigned i = 0; i < width && i < page->width; i++) {
        buf_append(page->out, STR("─"));
    }
    put_switch(page, STYLE_PLAIN);
    put_blank(page);
}

/* "• text", wrapped behind the bullet. */
static void put_item(struct term_page *page, struct str text)
{
    buf_append(page->out, STR("• "));
    term_add_prose(page, text);
    term_flush_wrapped(page, 2, 2);
}

static void put_lines(struct term_page *page, const char *heading, const struct report_lines *lines)
{
    if (lines->count == 0) {
        return;
    }
    put_heading(page, str_from(heading));
    for (size_t i = 0; i < lines->count; i++) {
        put_item(page, lines->lines[i]);
    }
}

/* A faint label; the text that was added follows in the second column. */
static void put_labelled(struct term_page *page, const char *label)
{
    put_switch(page, STYLE_FAINT);
    buf_printf(page->out, "%-*s", (int)LABEL_WIDTH, label);
    put_switch(page, STYLE_PLAIN);
    term_flush_wrapped(page, LABEL_WIDTH, LABEL_WIDTH);
}

static void add_records(struct term_page *page)
{
    const struct report *report = page->report;

    layout_add_records(report, &page->text);
    for (size_t i = 0; i < report->input_count && i < 3; i++) {
        buf_append(&page->text, i ? STR(", ") : STR(", from "));
        term_add_data(page, report->inputs[i].path);
    }
    if (report->input_count > 3) {
        buf_printf(&page->text, " and %zu more", report->input_count - 3);
    }
}

static void put_head(struct term_page *page)
{
    const struct report *report = page->report;

    buf_append(&page->text, STR(STYLE_TITLE "Netra report" STYLE_PLAIN " · "));
    buf_append(&page->text, str_from(report_type_words(report->type)));
    term_flush_wrapped(page, 0, 0);
    put_blank(page);
    (void)visible_append_cut(&page->text, report->question, QUESTION_COLUMNS_SHOWN);
    put_labelled(page, "Question");
    if (report->interpretation_text.length) {
        term_add_data(page, report->interpretation_text);
        put_labelled(page, "Understood as");
    }
    add_records(page);
    put_labelled(page, "Records");
    if (report->book_name.length) {
        term_add_data(page, report->book_name);
        if (report->book_as_of.length) {
            buf_append(&page->text, STR(", as of "));
            term_add_data(page, report->book_as_of);
        }
        put_labelled(page, "Prices");
    }
}

static void put_part(struct term_page *page, const char *label, struct str text)
{
    if (text.length == 0) {
        return;
    }
    put_switch(page, STYLE_FAINT);
    buf_printf(page->out, "   %-*s", (int)WHY_WIDTH - 3, label);
    put_switch(page, STYLE_PLAIN);
    term_add_prose(page, text);
    term_flush_wrapped(page, WHY_WIDTH, WHY_WIDTH);
}

static void put_savings(struct term_page *page, const struct report_action *action)
{
    if (action->saving_fact.length == 0) {
        return;
    }
    put_switch(page, STYLE_FAINT);
    buf_append(page->out, STR("   Saves "));
    put_switch(page, STYLE_PLAIN);
    term_add_fact(page, action->saving_fact, STYLE_GOOD);
    if (action_shows_alone(action, &page->report->facts)) {
        buf_append(&page->text, STR(" in this plan, "));
        term_add_fact(page, action->alone_fact, STYLE_PLAIN);
        buf_append(&page->text, STR(" on its own"));
    }
    term_flush_wrapped(page, WHY_WIDTH, WHY_WIDTH);
}

static void put_actions(struct term_page *page)
{
    if (page->report->action_count == 0) {
        return;
    }
    put_heading(page, STR("What to do"));
    for (size_t i = 0; i < page->report->action_count; i++) {
        const struct report_action *action = &page->report->actions[i];

        if (i) {
            put_blank(page);
        }
        buf_printf(page->out, "%zu. ", i + 1);
        buf_append(&page->text, STR(STYLE_TITLE));
        term_add_prose(page, action->title);
        buf_append(&page->text, STR(STYLE_PLAIN));
        term_flush_wrapped(page, i + 1 < 10 ? 3 : 4, 3);
        put_savings(page, action);
        put_part(page, "Why", action->why);
        put_part(page, "How", action->how);
        put_part(page, "Risk", action->risk);
        if (action->needs_confirmation) {
            buf_append(page->out, STR("   "));
            buf_append(&page->text, STR(STYLE_WARN "Confirm first: the records alone cannot show "
                                                   "whether this is safe." STYLE_PLAIN));
            term_flush_wrapped(page, 3, WHY_WIDTH);
        }
    }
}

static void put_block(struct term_page *page, const struct report_block *block)
{
    switch (block->kind) {
    case BLOCK_PARAGRAPH:
        term_add_prose(page, block->text);
        term_flush_wrapped(page, 0, 0);
        break;
    case BLOCK_LIST:
        for (size_t i = 0; i < block->list.count; i++) {
            put_item(page, block->list.lines[i]);
        }
        break;
    case BLOCK_TABLE:
        term_put_table(page, block->table);
        break;
    case BLOCK_FIGURE:
        figure_render_text(block->figure, page->width, page->colour, page->out);
        break;
    }
}

static void put_sections(struct term_page *page)
{
    for (size_t s = 0; s < page->report->section_count; s++) {
        const struct report_section *section = &page->report->sections[s];

        put_heading(page, section->title);
        for (size_t i = 0; i < section->block_count; i++) {
            if (i) {
                put_blank(page);
            }
            put_block(page, &section->blocks[i]);
        }
    }
}

static void put_models(struct term_page *page)
{
    struct arena arena;
    struct report_table table;

    if (layout_model_table(page->report, &arena, &table, page->out)) {
        put_blank(page);
        term_put_table(page, &table);
    }
    arena_done(&arena);
}

static void put_summary(struct term_page *page)
{
    struct buf text;

    put_lines(page, "Summary", &page->report->summary);
    if (page->report->summary_by.length == 0) {
        return;
    }
    buf_init(&text, page->out->limit);
    layout_add_summary_by(page->report, &text);
    put_blank(page);
    term_add_prose(page, buf_str(&text));
    term_flush_wrapped(page, 0, 0);
    if (buf_status(&text) && buf_status(page->out) == OK) {
        page->out->status = buf_status(&text);
    }
    buf_done(&text);
}

static void put_foot(struct term_page *page)
{
    const struct report *report = page->report;
    size_t states[3] = {0};

    for (uint32_t i = 0; i < report->facts.count; i++) {
        states[report->facts.facts[i].state]++;
    }
    if (report->facts.count == 0) {
        return;
    }
    put_heading(page, STR("How to check this"));
    buf_printf(
        &page->text,
        "Every number above is one of %" PRIu32 " facts: %zu computed, %zu bounded, "
        "%zu unknown. The HTML and JSON reports give the records, method and query of each; ",
        report->facts.count, states[FACT_COMPUTED], states[FACT_BOUNDED], states[FACT_UNKNOWN]);
    buf_append(&page->text, STR(STYLE_NAME "netra recompute REPORT.json" STYLE_PLAIN
                                           " derives them again from the same records."));
    term_flush_wrapped(page, 0, 0);
    buf_append(&page->text, STR(STYLE_FAINT "report "));
    term_add_data(page, report->id);
    buf_append(&page->text, STR(" · "));
    layout_print_time(report->generated_at_us, &page->text);
    buf_printf(&page->text, " · seed %" PRIu64 STYLE_PLAIN, report->seed);
    term_flush_wrapped(page, 0, 0);
}

void report_render_term(const struct report *report, const struct term_options *options,
                        struct buf *out)
{
    struct term_page page = {.report = report, .out = out, .colour = options->colour};

    page.width = options->width < WIDTH_MIN   ? WIDTH_MIN
                 : options->width > WIDTH_MAX ? WIDTH_MAX
                                              : options->width;
    buf_init(&page.text, out->limit);
    put_head(&page);
    put_summary(&page);
    put_actions(&page);
    put_sections(&page);
    put_lines(&page, "Caveats", &report->caveats);
    put_lines(&page, "What is missing", &report->needs);
    put_lines(&page, "Assumptions", &report->assumptions);
    put_lines(&page, "Next steps", &report->next_steps);
    put_foot(&page);
    put_models(&page);
    term_clear_text(&page);
    buf_done(&page.text);
}
