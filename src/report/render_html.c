/*
 * The report as one HTML file: no scripts, nothing loaded, and a content security policy that says
 * so. Order: the answer in a few numbers and sentences, what to do, the evidence, what is not
 * known, and an appendix with the lineage of every fact.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "base/civil_time.h"
#include "report/html_page.h"
#include "report/layout.h"
#include "report/markup.h"
#include "report/visible.h"

#define TILES_MAX     4u
#define TITLE_COLUMNS 80u

static void put(struct html_page *page, struct str html)
{
    buf_append(page->out, html);
}

static void put_head(struct html_page *page)
{
    put(page,
        STR("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
            "'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"referrer\" content=\"no-referrer\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n"
            "<meta name=\"generator\" content=\"netra " NETRA_VERSION
            "\">\n<title>Netra report: "));
    (void)visible_append_cut(&page->text, page->report->question, TITLE_COLUMNS);
    html_put_text(page);
    put(page, STR("</title>\n<style>"));
    buf_append(page->out, str_from(html_style));
    put(page, STR("</style>\n</head>\n<body>\n<main>\n"));
}

/* One row of the list under the title; the value is what page->text holds. */
static void put_meta(struct html_page *page, const char *label)
{
    buf_printf(page->out, "<dt>%s</dt><dd>", label);
    html_put_text(page);
    put(page, STR("</dd>\n"));
}

static void put_title(struct html_page *page)
{
    const struct report *report = page->report;

    put(page, STR("<header>\n<p class=\"brand\">Netra report</p>\n<h1><bdi>"));
    (void)visible_append_cut(&page->text, report->question, QUESTION_COLUMNS_SHOWN);
    html_put_text(page);
    put(page, STR("</bdi></h1>\n<dl class=\"meta\">\n"));
    if (report->interpretation_text.length) {
        buf_append(&page->text, report->interpretation_text);
        put_meta(page, "Understood as");
    }
    buf_append(&page->text, str_from(report_type_words(report->type)));
    put_meta(page, "Kind");
    layout_add_records(page->report, &page->text);
    put_meta(page, "Records");
    if (report->book_name.length) {
        buf_append(&page->text, report->book_name);
        buf_append(&page->text, report->book_as_of.length ? STR(", as of ") : STR(""));
        buf_append(&page->text, report->book_as_of);
        put_meta(page, "Prices");
    }
    if (report->generated_at_us) {
        layout_print_time(report->generated_at_us, &page->text);
        put_meta(page, "Made");
    }
    put(page, STR("</dl>\n</header>\n"));
}

static void put_link(struct html_page *page, const char *anchor, const char *words)
{
    buf_printf(page->out, "<a href=\"#%s\">%s</a>\n", anchor, words);
}

static void put_contents(struct html_page *page)
{
    const struct report *report = page->report;

    put(page, STR("<nav aria-label=\"Contents\">\n"));
    if (report->action_count) {
        put_link(page, "actions", "What to do");
    }
    for (size_t i = 0; i < report->section_count; i++) {
        put(page, STR("<a href=\"#section-"));
        markup_append_id(page->out, report->sections[i].id);
        put(page, STR("\">"));
        template_print_plain(&page->text, report->sections[i].title, &report->facts);
        html_put_text(page);
        put(page, STR("</a>\n"));
    }
    put_link(page, "next-steps", "Next steps");
    put_link(page, "facts", "Every number");
    put(page, STR("</nav>\n"));
}

/* The numbers that answer most questions, where the report has them. */
static void put_tiles(struct html_page *page)
{
    static const char *const ids[] = {"plan.saving.total",        "spend.total",
                                      "plan.cost.after",          "cache.cost.ttl_3600",
                                      "cache.cost.ttl_300",       "cache.token_hit_ratio.now",
                                      "traffic.peak_rpm.sliding", "requests.total"};
    unsigned shown = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(ids) && shown < TILES_MAX; i++) {
        const struct fact *fact = fact_find(&page->report->facts, str_from(ids[i]));

        if (!fact || fact->state == FACT_UNKNOWN) {
            continue;
        }
        put(page, shown++ ? STR("") : STR("<ul class=\"tiles\">\n"));
        put(page, STR("<li><span class=\"label\">"));
        markup_append(page->out, fact->label);
        put(page, STR("</span>"));
        html_put_fact(page, fact, FORM_PRINTED, /* in_cell */ false);
        put(page, STR("</li>\n"));
    }
    put(page, shown ? STR("</ul>\n") : STR(""));
}

static void put_summary_by(struct html_page *page)
{
    struct buf text;

    if (page->report->summary_by.length == 0) {
        return;
    }
    buf_init(&text, page->out->limit);
    layout_add_summary_by(page->report, &text);
    put(page, STR("<p class=\"soft small\">"));
    html_put_prose(page, buf_str(&text));
    put(page, STR("</p>\n"));
    if (buf_status(&text) && buf_status(page->out) == OK) {
        page->out->status = buf_status(&text);
    }
    buf_done(&text);
}

/* Not there in a guidance report, which has nothing to sum up. */
static void put_summary(struct html_page *page)
{
    if (page->report->summary.count) {
        put(page, STR("<section id=\"summary\">\n<h2>Summary</h2>\n"));
        put_tiles(page);
        html_put_list(page, &page->report->summary);
        put_summary_by(page);
        put(page, STR("</section>\n"));
    }
}

static void put_part(struct html_page *page, const char *label, struct str text)
{
    if (text.length) {
        buf_printf(page->out, "<dt>%s</dt><dd>", label);
        html_put_prose(page, text);
        put(page, STR("</dd>\n"));
    }
}

static void put_saving(struct html_page *page, const struct report_action *action)
{
    const struct fact_set *facts = &page->report->facts;

    if (action->saving_fact.length == 0) {
        return;
    }
    put(page, STR("<div class=\"saving\">saves "));
    html_put_fact(page, fact_find(facts, action->saving_fact), FORM_PRINTED, false);
    if (action_shows_alone(action, facts)) {
        put(page, STR("<span class=\"small\">"));
        html_put_fact(page, fact_find(facts, action->alone_fact), FORM_PRINTED, false);
        put(page, STR(" on its own</span>"));
    }
    put(page, STR("</div>"));
}

static void put_actions(struct html_page *page)
{
    if (page->report->action_count == 0) {
        return;
    }
    put(page, STR("<section id=\"actions\">\n<h2>What to do</h2>\n<ol class=\"actions\">\n"));
    for (size_t i = 0; i < page->report->action_count; i++) {
        const struct report_action *action = &page->report->actions[i];

        put(page, action->needs_confirmation ? STR("<li class=\"action confirm\">")
                                             : STR("<li class=\"action\">"));
        put(page, STR("<div class=\"action-head\"><h3>"));
        html_put_prose(page, action->title);
        put(page, STR("</h3>"));
        put_saving(page, action);
        put(page, STR("</div>\n<dl>\n"));
        put_part(page, "Why", action->why);
        put_part(page, "How", action->how);
        put_part(page, "Risk", action->risk);
        put(page, STR("</dl>\n"));
        if (action->needs_confirmation) {
            put(page, STR("<p class=\"confirm-note\">Confirm first: the records alone cannot show "
                          "whether this is safe.</p>\n"));
        }
        put(page, STR("</li>\n"));
    }
    put(page, STR("</ol>\n</section>\n"));
}

static void put_figure(struct html_page *page, const struct figure *figure)
{
    put(page, STR("<figure>\n<figcaption>"));
    html_put_prose(page, figure->title);
    put(page, STR("</figcaption>\n<div class=\"scroll\">"));
    figure_render_svg(figure, &page->report->facts, page->out);
    put(page, STR("</div>\n<p class=\"alt\">"));
    html_put_prose(page, figure->alt);
    put(page, STR("</p>\n</figure>\n"));
}

static void put_block(struct html_page *page, const struct report_block *block)
{
    switch (block->kind) {
    case BLOCK_PARAGRAPH:
        put(page, STR("<p>"));
        html_put_prose(page, block->text);
        put(page, STR("</p>\n"));
        break;
    case BLOCK_LIST:
        html_put_list(page, &block->list);
        break;
    case BLOCK_TABLE:
        html_put_table(page, block->table);
        break;
    case BLOCK_FIGURE:
        put_figure(page, block->figure);
        break;
    }
}

static void put_sections(struct html_page *page)
{
    for (size_t s = 0; s < page->report->section_count; s++) {
        const struct report_section *section = &page->report->sections[s];

        put(page, STR("<section id=\"section-"));
        markup_append_id(page->out, section->id);
        put(page, STR("\">\n<h2>"));
        html_put_prose(page, section->title);
        put(page, STR("</h2>\n"));
        for (size_t i = 0; i < section->block_count; i++) {
            put_block(page, &section->blocks[i]);
        }
        put(page, STR("</section>\n"));
    }
}

static void put_lines(struct html_page *page, const char *id, const char *heading,
                      const struct report_lines *lines)
{
    if (lines->count) {
        buf_printf(page->out, "<section id=\"%s\">\n<h2>%s</h2>\n", id, heading);
        html_put_list(page, lines);
        put(page, STR("</section>\n"));
    }
}

static void put_inputs(struct html_page *page)
{
    const struct report *report = page->report;

    if (report->input_count == 0) {
        return;
    }
    put(page, STR("<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">input</th><th "
                  "scope=\"col\">format</th><th scope=\"col\" class=\"num\">records</th><th "
                  "scope=\"col\" class=\"num\">rejected</th><th scope=\"col\">digest</th></tr>"
                  "</thead>\n<tbody>\n"));
    for (size_t i = 0; i < report->input_count; i++) {
        const struct report_input *input = &report->inputs[i];

        put(page, STR("<tr><td><bdi>"));
        markup_append(page->out, input->path);
        put(page, STR("</bdi></td><td>"));
        markup_append(page->out, input->format);
        buf_printf(page->out,
                   "</td><td class=\"num\">%" PRIu64 "</td><td class=\"num\">%" PRIu64
                   "</td><td class=\"small\">",
                   input->records, input->rejected);
        markup_append(page->out, input->digest);
        put(page, STR("</td></tr>\n"));
    }
    put(page, STR("</tbody></table></div>\n"));
}

static void put_models(struct html_page *page)
{
    struct arena arena;
    struct report_table table;

    if (layout_model_table(page->report, &arena, &table, page->out)) {
        put(page, STR("<div class=\"models\">\n"));
        html_put_table(page, &table);
        put(page, STR("</div>\n"));
    }
    arena_done(&arena);
}

static void put_origin(struct html_page *page)
{
    const struct report *report = page->report;

    put(page, STR("<section id=\"origin\">\n<h2>How this was made</h2>\n<p>The same records, "
                  "prices, question, seed and as-of time give the same numbers; "
                  "<code>netra recompute REPORT.json</code> derives them again.</p>\n"));
    put_inputs(page);
    put(page, STR("<dl class=\"meta\">\n"));
    if (report->book_digest.length) {
        buf_append(&page->text, report->book_digest);
        put_meta(page, "Price book digest");
    }
    buf_printf(&page->text, "%" PRIu64, report->seed);
    put_meta(page, "Seed");
    if (report->as_of_us) {
        civil_print(report->as_of_us, &page->text);
        put_meta(page, "As of");
    }
    if (report->time_zone.length) {
        buf_append(&page->text, report->time_zone);
        put_meta(page, "Time zone");
    }
    for (size_t i = 0; i < report->agent_count; i++) {
        buf_append(&page->text, i ? STR(", ") : STR(""));
        buf_append(&page->text, report->agents[i]);
    }
    if (report->agent_count) {
        put_meta(page, "Agents");
    }
    if (report->id.length) {
        buf_append(&page->text, report->id);
        put_meta(page, "Report");
    }
    put(page, STR("</dl>\n"));
    put_models(page);
    put(page, STR("</section>\n"));
}

static void put_appendix(struct html_page *page)
{
    put(page, STR("<section id=\"facts\" class=\"appendix\">\n<h2>Every number</h2>\n"));
    if (page->report->facts.count == 0) {
        put(page, STR("<p>This report holds no numbers.</p>\n</section>\n"));
        return;
    }
    put(page,
        STR("<p class=\"soft small\">Computed: exact for these records. Bounded: the two ends "
            "hold it. Unknown: the records cannot tell, and what would is named.</p>\n"));
    html_put_fact_table(page);
    put(page, STR("</section>\n"));
}

void report_render_html(const struct report *report, struct buf *out)
{
    struct html_page page = {.report = report, .out = out};

    buf_init(&page.text, out->limit);
    put_head(&page);
    put_title(&page);
    put_contents(&page);
    put_summary(&page);
    put_actions(&page);
    put_sections(&page);
    put_lines(&page, "caveats", "Caveats", &report->caveats);
    put_lines(&page, "needs", "What is missing", &report->needs);
    put_lines(&page, "assumptions", "Assumptions", &report->assumptions);
    put_lines(&page, "next-steps", "Next steps", &report->next_steps);
    put_origin(&page);
    put_appendix(&page);
    put(&page, STR("</main>\n</body>\n</html>\n"));
    html_put_text(&page);
    buf_done(&page.text);
}
