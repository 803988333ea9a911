/*
 * The report as JSON (DESIGN section 5): what programs read, what `recompute` starts from, and what
 * the page draws. Prose is given twice, as template ("text") and with the numbers filled in
 * ("rendered"), figures as data and as SVG. Order of members and of facts is fixed, so the same
 * report gives the same bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/civil_time.h"
#include "report/report.h"
#include "report/template.h"
#include "json/json_write.h"

#define INDENT 2

struct json_page {
    const struct report *report;
    struct json_writer w;
    struct buf scratch; /* texts that are made before they are escaped */
};

/* Puts what scratch holds and empties it; its failure becomes the output's. */
static void put_scratch(struct json_page *page)
{
    if (buf_status(&page->scratch) && buf_status(page->w.out) == OK) {
        page->w.out->status = buf_status(&page->scratch);
    }
    json_put_str(&page->w, buf_str(&page->scratch));
    buf_clear(&page->scratch);
}

static void put_member(struct json_page *page, const char *key, struct str value)
{
    json_key(&page->w, key);
    json_put_str(&page->w, value);
}

static void put_count(struct json_page *page, const char *key, uint64_t value)
{
    json_key(&page->w, key);
    json_put_decimal(&page->w, decimal_of((int128)value, 0));
}

static void put_time(struct json_page *page, const char *key, int64_t time_us)
{
    json_key(&page->w, key);
    civil_print(time_us, &page->scratch);
    put_scratch(page);
}

static void put_prose(struct json_page *page, struct str text)
{
    json_begin_object(&page->w);
    put_member(page, "text", text);
    json_key(&page->w, "rendered");
    template_print_plain(&page->scratch, text, &page->report->facts);
    put_scratch(page);
    json_end_object(&page->w);
}

static void put_prose_member(struct json_page *page, const char *key, struct str text)
{
    json_key(&page->w, key);
    put_prose(page, text);
}

static void put_lines(struct json_page *page, const char *key, const struct report_lines *lines)
{
    json_key(&page->w, key);
    json_begin_array(&page->w);
    for (size_t i = 0; i < lines->count; i++) {
        put_prose(page, lines->lines[i]);
    }
    json_end_array(&page->w);
}

/* The id of a fact, or null. */
static void put_fact_id(struct json_page *page, const char *key, struct str id)
{
    json_key(&page->w, key);
    if (id.length) {
        json_put_str(&page->w, id);
    } else {
        json_put_null(&page->w);
    }
}

static void put_cell(struct json_page *page, const struct report_cell *cell)
{
    json_begin_object(&page->w);
    if (cell->fact_id.length) {
        put_member(page, "fact", cell->fact_id);
    } else {
        put_member(page, "text", cell->text);
    }
    json_end_object(&page->w);
}

static void put_table(struct json_page *page, const struct report_table *table)
{
    put_prose_member(page, "title", table->title);
    json_key(&page->w, "columns");
    json_begin_array(&page->w);
    for (size_t i = 0; i < table->column_count; i++) {
        put_prose(page, table->columns[i]);
    }
    json_end_array(&page->w);
    json_key(&page->w, "rows");
    json_begin_array(&page->w);
    for (size_t row = 0; row < table->row_count; row++) {
        json_begin_array(&page->w);
        for (size_t i = 0; i < table->column_count; i++) {
            put_cell(page, &table->cells[row * table->column_count + i]);
        }
        json_end_array(&page->w);
    }
    json_end_array(&page->w);
}

static void put_block(struct json_page *page, const struct report_block *block)
{
    json_begin_object(&page->w);
    json_key(&page->w, "kind");
    switch (block->kind) {
    case BLOCK_PARAGRAPH:
        json_put_text(&page->w, "paragraph");
        put_prose_member(page, "prose", block->text);
        break;
    case BLOCK_LIST:
        json_put_text(&page->w, "list");
        put_lines(page, "items", &block->list);
        break;
    case BLOCK_TABLE:
        json_put_text(&page->w, "table");
        put_table(page, block->table);
        break;
    case BLOCK_FIGURE:
        json_put_text(&page->w, "figure");
        put_member(page, "figure", block->figure->id);
        break;
    }
    json_end_object(&page->w);
}

static void put_sections(struct json_page *page)
{
    json_key(&page->w, "sections");
    json_begin_array(&page->w);
    for (size_t s = 0; s < page->report->section_count; s++) {
        const struct report_section *section = &page->report->sections[s];

        json_begin_object(&page->w);
        put_member(page, "id", section->id);
        put_prose_member(page, "title", section->title);
        json_key(&page->w, "blocks");
        json_begin_array(&page->w);
        for (size_t i = 0; i < section->block_count; i++) {
            put_block(page, &section->blocks[i]);
        }
        json_end_array(&page->w);
        json_end_object(&page->w);
    }
    json_end_array(&page->w);
}

static void put_point(struct json_page *page, const struct figure *figure,
                      const struct figure_point *point)
{
    json_begin_object(&page->w);
    put_member(page, "label", point->label);
    put_fact_id(page, "fact", point->fact_id);
    json_key(&page->w, "value");
    if (figure->unit == UNIT_USD || figure->unit == UNIT_USD_PER_MTOK) {
        json_put_decimal_string(&page->w, point->value);
    } else {
        json_put_decimal(&page->w, point->value);
    }
    json_end_object(&page->w);
}

static void put_figure(struct json_page *page, const struct figure *figure)
{
    json_begin_object(&page->w);
    put_member(page, "id", figure->id);
    json_key(&page->w, "kind");
    json_put_text(&page->w, figure_kind_name(figure->kind));
    put_prose_member(page, "title", figure->title);
    put_prose_member(page, "alt", figure->alt);
    json_key(&page->w, "unit");
    json_put_text(&page->w, fact_unit_name(figure->unit));
    json_key(&page->w, "series");
    json_begin_array(&page->w);
    for (size_t s = 0; s < figure->series_count; s++) {
        json_begin_object(&page->w);
        put_member(page, "name", figure->series[s].name);
        json_key(&page->w, "points");
        json_begin_array(&page->w);
        for (size_t i = 0; i < figure->series[s].count; i++) {
            put_point(page, figure, &figure->series[s].points[i]);
        }
        json_end_array(&page->w);
        json_end_object(&page->w);
    }
    json_end_array(&page->w);
    json_key(&page->w, "svg");
    figure_render_svg(figure, &page->report->facts, &page->scratch);
    put_scratch(page);
    json_end_object(&page->w);
}

static void put_figures(struct json_page *page)
{
    json_key(&page->w, "figures");
    json_begin_array(&page->w);
    for (size_t s = 0; s < page->report->section_count; s++) {
        const struct report_section *section = &page->report->sections[s];

        for (size_t i = 0; i < section->block_count; i++) {
            if (section->blocks[i].kind == BLOCK_FIGURE) {
                put_figure(page, section->blocks[i].figure);
            }
        }
    }
    json_end_array(&page->w);
}

static void put_actions(struct json_page *page)
{
    json_key(&page->w, "actions");
    json_begin_array(&page->w);
    for (size_t i = 0; i < page->report->action_count; i++) {
        const struct report_action *action = &page->report->actions[i];

        json_begin_object(&page->w);
        put_prose_member(page, "title", action->title);
        put_prose_member(page, "why", action->why);
        put_prose_member(page, "how", action->how);
        put_fact_id(page, "saving", action->saving_fact);
        put_fact_id(page, "saving_alone", action->alone_fact);
        put_prose_member(page, "risk", action->risk);
        json_key(&page->w, "needs_confirmation");
        json_put_bool(&page->w, action->needs_confirmation);
        json_end_object(&page->w);
    }
    json_end_array(&page->w);
}

static void put_facts(struct json_page *page)
{
    const struct fact_set *facts = &page->report->facts;

    json_key(&page->w, "facts");
    json_begin_object(&page->w);
    for (uint32_t i = 0; i < facts->count; i++) {
        json_key_str(&page->w, facts->facts[i].id);
        fact_write_json(&facts->facts[i], &page->w);
    }
    json_end_object(&page->w);
}

static void put_range_end(struct json_page *page, const char *key, int64_t time_us)
{
    if (page->report->from_us == 0 && page->report->to_us == 0) {
        json_key(&page->w, key);
        json_put_null(&page->w);
    } else {
        put_time(page, key, time_us);
    }
}

/* The snapshot names exactly these records: the digests of all inputs in their order. */
static void put_dataset(struct json_page *page)
{
    const struct report *report = page->report;

    json_key(&page->w, "dataset");
    json_begin_object(&page->w);
    put_count(page, "records", report->records);
    put_range_end(page, "from", report->from_us);
    put_range_end(page, "to", report->to_us);
    json_key(&page->w, "sources");
    json_begin_array(&page->w);
    for (size_t i = 0; i < report->input_count; i++) {
        json_put_str(&page->w, report->inputs[i].path);
    }
    json_end_array(&page->w);
    json_key(&page->w, "snapshot");
    for (size_t i = 0; i < report->input_count; i++) {
        buf_append(&page->scratch, i ? STR(",") : STR(""));
        buf_append(&page->scratch, report->inputs[i].digest);
    }
    if (report->input_count) {
        put_scratch(page);
    } else {
        json_put_null(&page->w);
    }
    json_end_object(&page->w);
}

static void put_prices(struct json_page *page)
{
    const struct report *report = page->report;

    json_key(&page->w, "prices");
    json_begin_object(&page->w);
    put_member(page, "book", report->book_name);
    put_member(page, "as_of", report->book_as_of);
    put_member(page, "path", report->book_path);
    put_member(page, "digest", report->book_digest);
    json_end_object(&page->w);
}

static void put_inputs(struct json_page *page)
{
    json_key(&page->w, "inputs");
    json_begin_array(&page->w);
    for (size_t i = 0; i < page->report->input_count; i++) {
        const struct report_input *input = &page->report->inputs[i];

        json_begin_object(&page->w);
        put_member(page, "path", input->path);
        put_member(page, "digest", input->digest);
        put_member(page, "format", input->format);
        put_count(page, "records", input->records);
        put_count(page, "rejected", input->rejected);
        json_end_object(&page->w);
    }
    json_end_array(&page->w);
}

/* How columns were mapped: recompute reads the inputs in the same way. */
static void put_maps(struct json_page *page)
{
    json_key(&page->w, "maps");
    json_begin_array(&page->w);
    for (size_t i = 0; i < page->report->map_count; i++) {
        json_put_str(&page->w, page->report->maps[i]);
    }
    json_end_array(&page->w);
}

static void put_history(struct json_page *page)
{
    const struct report *report = page->report;

    json_key(&page->w, "agents");
    json_begin_array(&page->w);
    for (size_t i = 0; i < report->agent_count; i++) {
        json_put_str(&page->w, report->agents[i]);
    }
    json_end_array(&page->w);
    json_key(&page->w, "steps");
    json_begin_array(&page->w);
    for (size_t i = 0; i < report->step_count; i++) {
        json_begin_object(&page->w);
        put_member(page, "name", report->steps[i].name);
        put_time(page, "started_at", report->steps[i].started_us);
        if (!report_step_is_open(&report->steps[i])) {
            put_time(page, "finished_at", report->steps[i].finished_us);
        }
        json_end_object(&page->w);
    }
    json_end_array(&page->w);
}

static void put_tokens(struct json_page *page, const struct report_model_call *call,
                       const char *key, uint64_t tokens)
{
    if (call->has_tokens) {
        put_count(page, key, tokens);
    } else {
        json_key(&page->w, key);
        json_put_null(&page->w);
    }
}

static void put_model_call(struct json_page *page, const struct report_model_call *call)
{
    json_begin_object(&page->w);
    put_member(page, "purpose", call->purpose);
    put_member(page, "prompt", call->prompt);
    put_member(page, "provider", call->provider);
    put_member(page, "model", call->model);
    put_member(page, "outcome", call->outcome);
    put_tokens(page, call, "input_tokens", call->input_tokens);
    put_tokens(page, call, "output_tokens", call->output_tokens);
    json_key(&page->w, "cost_usd");
    if (call->has_cost) {
        json_put_decimal_string(&page->w, decimal_of(call->cost_pico_usd, 12));
    } else {
        json_put_null(&page->w);
    }
    put_count(page, "attempts", call->attempts);
    json_end_object(&page->w);
}

/* Nothing at all where no model took part: such a report is the same as before there were any. */
static void put_models(struct json_page *page)
{
    const struct report *report = page->report;

    if (report->summary_by.length == 0 && report->model_call_count == 0) {
        return;
    }
    json_key(&page->w, "summary_by");
    if (report->summary_by.length) {
        json_put_str(&page->w, report->summary_by);
    } else {
        json_put_null(&page->w);
    }
    json_key(&page->w, "model_calls");
    json_begin_array(&page->w);
    for (size_t i = 0; i < report->model_call_count; i++) {
        put_model_call(page, &report->model_calls[i]);
    }
    json_end_array(&page->w);
}

static void put_head(struct json_page *page)
{
    const struct report *report = page->report;

    put_member(page, "id", report->id);
    put_count(page, "version", REPORT_FORMAT_VERSION);
    put_member(page, "generator", STR("netra " NETRA_VERSION));
    put_member(page, "report_type", str_from(report_type_name(report->type)));
    put_member(page, "question", report->question);
    json_key(&page->w, "interpretation");
    if (report->interpretation_json.length) {
        json_put_raw(&page->w, report->interpretation_json);
    } else {
        json_put_null(&page->w);
    }
    put_member(page, "interpretation_text", report->interpretation_text);
    put_time(page, "generated_at", report->generated_at_us);
}

void report_render_json(const struct report *report, struct buf *out)
{
    struct json_page page = {.report = report, .w = json_writer_indented(out, INDENT)};

    buf_init(&page.scratch, out->limit);
    json_begin_object(&page.w);
    put_head(&page);
    put_dataset(&page);
    put_prices(&page);
    put_lines(&page, "summary", &report->summary);
    put_sections(&page);
    put_figures(&page);
    put_actions(&page);
    put_facts(&page);
    put_lines(&page, "caveats", &report->caveats);
    put_lines(&page, "needs", &report->needs);
    put_lines(&page, "next_steps", &report->next_steps);
    put_lines(&page, "assumptions", &report->assumptions);
    put_inputs(&page);
    put_maps(&page);
    put_count(&page, "seed", report->seed);
    put_time(&page, "as_of", report->as_of_us);
    put_member(&page, "time_zone", report->time_zone);
    put_models(&page);
    put_history(&page);
    json_end_object(&page.w);
    buf_append_char(out, '\n');
    buf_done(&page.scratch);
}

static void put_tables(struct json_page *page)
{
    json_key(&page->w, "tables");
    json_begin_array(&page->w);
    for (size_t s = 0; s < page->report->section_count; s++) {
        const struct report_section *section = &page->report->sections[s];

        for (size_t i = 0; i < section->block_count; i++) {
            if (section->blocks[i].kind == BLOCK_TABLE) {
                json_begin_object(&page->w);
                put_table(page, section->blocks[i].table);
                json_end_object(&page->w);
            }
        }
    }
    json_end_array(&page->w);
}

void report_render_result_json(const struct report *report, const char *tool, bool one_line,
                               struct buf *out)
{
    struct json_page page = {.report = report,
                             .w = json_writer_indented(out, one_line ? 0 : INDENT)};

    buf_init(&page.scratch, out->limit);
    json_begin_object(&page.w);
    put_member(&page, "tool", str_from(tool));
    put_facts(&page);
    put_tables(&page);
    put_figures(&page);
    put_sections(&page);
    put_actions(&page);
    put_lines(&page, "caveats", &report->caveats);
    put_lines(&page, "needs", &report->needs);
    json_end_object(&page.w);
    buf_append_char(out, '\n');
    buf_done(&page.scratch);
}
