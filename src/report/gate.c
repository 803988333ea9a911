/*
 * The quality gate: the judge that stands between what was written and what is shown. It walks
 * everything that a renderer prints as prose, through the same template reader as the renderers,
 * and looks up every fact that is named. Nothing is corrected here; a report with an offence is not
 * delivered as it is.
 *
 * What counts as a digit is Unicode's: decimal digits of every script, superscripts, fractions,
 * Roman numeral signs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <utf8proc.h>

#include "report/report.h"
#include "report/template.h"

struct gate {
    const struct report *report;
    struct error *error; /* the first offence goes here */
    size_t offences;
};

/* Where the gate is reading: "summary" 2, "section cache" 0. */
struct place {
    const char *name;
    struct str id; /* may be empty */
    size_t number; /* from 1; 0 = not numbered */
};

enum prose { PROSE_FULL, PROSE_TITLE /* no facts in it */ };

static void offence(struct gate *gate, const struct place *place, const char *what,
                    struct str detail)
{
    char number[24] = "";

    if (gate->offences++ > 0) {
        return;
    }
    if (place->number) {
        (void)snprintf(number, sizeof(number), " %zu", place->number);
    }
    (void)error_set(gate->error, ERR_INVALID, "report refused: %s%s%.*s%s: %s%s%.*s%s", place->name,
                    place->id.length ? " " : "", STR_ARGS(place->id), number, what,
                    detail.length ? " '" : "", STR_ARGS(detail), detail.length ? "'" : "");
}

/* The first digit of words as its bytes, or nothing. Bytes that are no UTF-8 are offences too: they
 * cannot be judged. */
static struct str first_digit(struct str words)
{
    for (size_t i = 0; i < words.length;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)words.data + i,
                                                 (utf8proc_ssize_t)(words.length - i), &point);

        if (used <= 0) {
            return str_slice(words, i, i + 1);
        }
        utf8proc_category_t category = utf8proc_category(point);
        if (category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NO ||
            category == UTF8PROC_CATEGORY_NL) {
            return str_slice(words, i, i + (size_t)used);
        }
        i += (size_t)used;
    }
    return STR("");
}

static const struct fact *judge_fact(struct gate *gate, const struct place *place, struct str id)
{
    const struct fact *fact = fact_find(&gate->report->facts, id);

    if (!fact) {
        offence(gate, place, "there is no fact", id);
    }
    return fact;
}

static void judge_reference(struct gate *gate, const struct place *place,
                            const struct template_piece *piece)
{
    const struct fact *fact = judge_fact(gate, place, piece->text);

    if (fact && (piece->form == FORM_LOW || piece->form == FORM_HIGH) &&
        fact->state != FACT_UNKNOWN &&
        (!fact->has_bounds || (piece->form == FORM_HIGH && fact->is_open))) {
        offence(gate, place, "bounds are named of a fact that has none", piece->text);
    }
}

static void judge_text(struct gate *gate, const struct place *place, enum prose prose,
                       struct str text)
{
    struct template_piece piece;

    for (size_t at = 0; template_next(text, &at, &piece);) {
        struct str digit = piece.kind == TEMPLATE_WORDS ? first_digit(piece.text) : STR("");

        if (digit.length) {
            offence(gate, place, "no fact carries the digit", digit);
        } else if (piece.kind == TEMPLATE_BROKEN) {
            offence(gate, place, "a name or a fact is not closed", STR(""));
        } else if (piece.kind == TEMPLATE_FACT && prose == PROSE_TITLE) {
            offence(gate, place, "a title names the fact", piece.text);
        } else if (piece.kind == TEMPLATE_FACT) {
            judge_reference(gate, place, &piece);
        }
    }
}

static void judge_lines(struct gate *gate, const char *name, struct str id,
                        const struct report_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        struct place place = {name, id, i + 1};

        judge_text(gate, &place, PROSE_FULL, lines->lines[i]);
    }
}

static void judge_table(struct gate *gate, struct str section_id, const struct report_table *table)
{
    struct place place = {"table in section", section_id, 0};

    judge_text(gate, &place, PROSE_TITLE, table->title);
    for (size_t i = 0; i < table->column_count; i++) {
        place.number = i + 1;
        judge_text(gate, &place, PROSE_TITLE, table->columns[i]);
    }
    for (size_t i = 0; i < table->row_count * table->column_count; i++) {
        place.number = i / table->column_count + 1;
        if (table->cells[i].fact_id.length) {
            (void)judge_fact(gate, &place, table->cells[i].fact_id);
        }
    }
}

/* A change may be drawn downwards: a saving of 5 is a step of -5. */
static bool shows_value(const struct figure *figure, struct decimal drawn, struct decimal value)
{
    if (decimal_compare(drawn, value) == 0) {
        return true;
    }
    return figure->kind == FIGURE_WATERFALL &&
           decimal_compare(decimal_of(-drawn.digits, drawn.scale), value) == 0;
}

static void judge_point(struct gate *gate, const struct place *place, const struct figure *figure,
                        const struct figure_point *point)
{
    if (point->fact_id.length == 0) {
        return;
    }
    const struct fact *fact = judge_fact(gate, place, point->fact_id);
    if (!fact) {
        return;
    }
    if (fact->state == FACT_UNKNOWN) {
        offence(gate, place, "a picture shows the unknown fact", point->fact_id);
    } else if (!shows_value(figure, point->value, fact->value)) {
        offence(gate, place, "a picture shows another number than the fact", point->fact_id);
    }
}

static bool adds_up(const struct figure_series *series)
{
    struct decimal sum = {0, 0};

    if (series->count < 2) {
        return true;
    }
    for (size_t i = 0; i + 1 < series->count; i++) {
        struct decimal value = series->points[i].value;
        unsigned scale = sum.scale > value.scale ? sum.scale : value.scale;

        sum = decimal_rescale(sum, scale);
        sum.digits += decimal_rescale(value, scale).digits;
    }
    return decimal_compare(sum, series->points[series->count - 1].value) == 0;
}

static void judge_figure(struct gate *gate, const struct figure *figure)
{
    struct place place = {"figure", figure->id, 0};

    judge_text(gate, &place, PROSE_TITLE, figure->title);
    judge_text(gate, &place, PROSE_FULL, figure->alt);
    if (figure->alt.length == 0) {
        offence(gate, &place, "a picture has no text alternative", STR(""));
    }
    for (size_t s = 0; s < figure->series_count; s++) {
        for (size_t i = 0; i < figure->series[s].count; i++) {
            place.number = i + 1;
            judge_point(gate, &place, figure, &figure->series[s].points[i]);
        }
        if (figure->kind == FIGURE_WATERFALL && !adds_up(&figure->series[s])) {
            offence(gate, &place, "the parts do not add up to the last total", STR(""));
        }
    }
}

/* Figures are few (sections × blocks, in practice under ten): a plain search will do. */
static bool is_first_of_its_id(const struct report *report, const struct figure *figure)
{
    for (size_t s = 0; s < report->section_count; s++) {
        const struct report_section *section = &report->sections[s];

        for (size_t b = 0; b < section->block_count; b++) {
            const struct figure *other = section->blocks[b].figure;

            if (other && str_equal(other->id, figure->id)) {
                return other == figure;
            }
        }
    }
    return true;
}

static void judge_section(struct gate *gate, const struct report_section *section)
{
    struct place place = {"section", section->id, 0};

    judge_text(gate, &place, PROSE_TITLE, section->title);
    for (size_t i = 0; i < section->block_count; i++) {
        const struct report_block *block = &section->blocks[i];

        place.number = i + 1;
        switch (block->kind) {
        case BLOCK_PARAGRAPH:
            judge_text(gate, &place, PROSE_FULL, block->text);
            break;
        case BLOCK_LIST:
            judge_lines(gate, "list in section", section->id, &block->list);
            break;
        case BLOCK_TABLE:
            judge_table(gate, section->id, block->table);
            break;
        case BLOCK_FIGURE:
            judge_figure(gate, block->figure);
            if (!is_first_of_its_id(gate->report, block->figure)) {
                offence(gate, &place, "another figure has the id", block->figure->id);
            }
            break;
        }
    }
}

static void judge_action(struct gate *gate, const struct report_action *action, size_t number)
{
    struct place place = {"action", STR(""), number};

    judge_text(gate, &place, PROSE_FULL, action->title);
    judge_text(gate, &place, PROSE_FULL, action->why);
    judge_text(gate, &place, PROSE_FULL, action->how);
    judge_text(gate, &place, PROSE_FULL, action->risk);
    if (str_trim(action->title).length == 0) {
        offence(gate, &place, "it has no title", STR(""));
    }
    if (str_trim(action->risk).length == 0) {
        offence(gate, &place, "it names no risk", STR(""));
    }
    if (action->saving_fact.length) {
        (void)judge_fact(gate, &place, action->saving_fact);
    }
    if (action->alone_fact.length) {
        (void)judge_fact(gate, &place, action->alone_fact);
    }
}

int report_gate(const struct report *report, size_t *ret_count, struct error *error)
{
    struct gate gate = {.report = report, .error = error};
    struct place next_steps = {"next steps", STR(""), 0};

    judge_lines(&gate, "summary", STR(""), &report->summary);
    for (size_t i = 0; i < report->section_count; i++) {
        judge_section(&gate, &report->sections[i]);
    }
    for (size_t i = 0; i < report->action_count; i++) {
        judge_action(&gate, &report->actions[i], i + 1);
    }
    judge_lines(&gate, "caveats", STR(""), &report->caveats);
    judge_lines(&gate, "needs", STR(""), &report->needs);
    judge_lines(&gate, "next steps", STR(""), &report->next_steps);
    judge_lines(&gate, "assumptions", STR(""), &report->assumptions);
    if (report->next_steps.count == 0) {
        offence(&gate, &next_steps, "there is none", STR(""));
    }
    if (ret_count) {
        *ret_count = gate.offences;
    }
    return gate.offences ? ERR_INVALID : OK;
}
