/*
 * What a model wanted, in the report: results of its calls behind those of the built-in plan, and
 * its question as the first next step. Adds only what is not there yet and contradicts nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run_state.h"

#define EXTRA_FACTS_MAX (FACTS_MAX / 2) /* with these the report is never full */

static bool has_figure(const struct report *report, struct str id)
{
    for (size_t s = 0; s < report->section_count; s++) {
        const struct report_section *section = &report->sections[s];

        for (size_t b = 0; b < section->block_count; b++) {
            if (section->blocks[b].kind == BLOCK_FIGURE &&
                str_equal(section->blocks[b].figure->id, id)) {
                return true;
            }
        }
    }
    return false;
}

/* Whether the section, or for a figure the report, says this already. */
static bool has_block(const struct report *report, const struct report_section *section,
                      const struct report_block *block)
{
    if (block->kind == BLOCK_FIGURE) {
        return has_figure(report, block->figure->id);
    }
    for (size_t i = 0; i < section->block_count; i++) {
        const struct report_block *other = &section->blocks[i];

        if (other->kind != block->kind) {
            continue;
        }
        if (block->kind == BLOCK_PARAGRAPH && str_equal(other->text, block->text)) {
            return true;
        }
        if (block->kind == BLOCK_TABLE && str_equal(other->table->title, block->table->title)) {
            return true;
        }
    }
    return false;
}

static int find_section(struct report *report, const struct report_section *from,
                        struct report_section **ret_section)
{
    for (size_t i = 0; i < report->section_count; i++) {
        if (str_equal(report->sections[i].id, from->id)) {
            *ret_section = &report->sections[i];
            return OK;
        }
    }
    return report_add_section(report, from->id.data, from->title.data, ret_section);
}

/* The blocks are copied: those of a section may belong to another result. */
static int add_section(struct report *report, const struct report_section *from)
{
    struct report_section *section;
    int code = find_section(report, from, &section);

    if (code) {
        return code;
    }
    size_t capacity = section->block_count + from->block_count;
    struct report_block *blocks = arena_alloc(&report->arena, capacity + 1, sizeof(*blocks));
    if (!blocks) {
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < section->block_count; i++) {
        blocks[i] = section->blocks[i];
    }
    section->blocks = blocks;
    section->block_capacity = capacity;
    for (size_t i = 0; i < from->block_count; i++) {
        if (!has_block(report, section, &from->blocks[i])) {
            section->blocks[section->block_count++] = from->blocks[i];
        }
    }
    return OK;
}

static int add_lines(struct report *report, const struct report *body)
{
    const struct {
        struct report_lines *to;
        const struct report_lines *from;
    } lists[] = {
        {&report->summary, &body->summary},
        {&report->caveats, &body->caveats},
        {&report->needs, &body->needs},
        {&report->next_steps, &body->next_steps},
    };
    int code = OK;

    for (size_t l = 0; l < ARRAY_LENGTH(lists); l++) {
        for (size_t i = 0; i < lists[l].from->count && !code; i++) {
            if (!reporting_has_line(lists[l].to, lists[l].from->lines[i])) {
                code = report_add_line(report, lists[l].to, lists[l].from->lines[i]);
            }
        }
    }
    return code;
}

static int add_result(struct report *report, const struct report *body, bool has_actions)
{
    int code = fact_set_merge(&report->facts, &body->facts);

    for (size_t i = 0; i < body->section_count && !code; i++) {
        code = add_section(report, &body->sections[i]);
    }
    for (size_t i = 0; i < body->action_count && !code && !has_actions; i++) {
        code = report_add_action(report, &body->actions[i]);
    }
    return code ? code : add_lines(report, body);
}

int extras_adopt(struct run *run)
{
    struct report *report = run->report;
    int code = OK;

    for (size_t i = 0; i < run->calls_done && !code; i++) {
        const struct run_call *call = &run->calls[i];

        if (call->is_extra && call->body &&
            report->facts.count + call->body->facts.count <= EXTRA_FACTS_MAX &&
            !run_contradicts(&report->facts, &call->body->facts)) {
            code = add_result(report, call->body, report->action_count > 0);
        }
    }
    return code;
}

int extras_add_question(struct run *run)
{
    struct report_lines *steps = &run->report->next_steps;
    struct str question = run->model_plan.question;

    if (question.length == 0) {
        return OK;
    }
    int code = report_add_line(run->report, steps, question);
    if (!code) {
        struct str added = steps->lines[steps->count - 1];

        memmove(&steps->lines[1], &steps->lines[0], (steps->count - 1) * sizeof(*steps->lines));
        steps->lines[0] = added;
    }
    return code;
}
