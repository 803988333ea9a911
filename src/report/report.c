/*
 * Building a report. Everything lives in its arena; arrays that grow are copied to twice their size
 * there, which wastes at most what they use. Sections are the exception: their array is made whole
 * at first use, because callers keep pointers to its elements.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "report/report.h"

#include "base/alloc.h"

#define CAPACITY_FIRST 8

int report_new(struct report **ret_report)
{
    struct report *report = alloc_zeroed(1, sizeof(*report));

    if (!report) {
        return ERR_NO_MEMORY;
    }
    arena_init(&report->arena, REPORT_ARENA_BYTES_MAX);
    fact_set_init(&report->facts);
    *ret_report = report;
    return OK;
}

void report_free(struct report *report)
{
    if (report) {
        fact_set_done(&report->facts);
        arena_done(&report->arena);
        alloc_free(report);
    }
}

void report_free_pointer(struct report **report)
{
    report_free(*report);
    *report = NULL;
}

void report_append_name(struct buf *text, struct str name)
{
    buf_append_char(text, '`');
    for (size_t i = 0; i < name.length; i++) {
        buf_append_char(text, name.data[i]);
        if (name.data[i] == '`') {
            buf_append_char(text, '`');
        }
    }
    buf_append_char(text, '`');
}

/* Room for one more element of size bytes behind the count that *array holds. */
static int make_room(struct report *report, void **array, size_t size, size_t count,
                     size_t *capacity, size_t limit)
{
    if (count >= limit) {
        return ERR_LIMIT;
    }
    if (count < *capacity) {
        return OK;
    }
    size_t grown = *capacity ? *capacity * 2 : CAPACITY_FIRST;
    void *memory = arena_alloc(&report->arena, grown, size);
    if (!memory) {
        return ERR_NO_MEMORY;
    }
    if (count) {
        memcpy(memory, *array, count * size);
    }
    *array = memory;
    *capacity = grown;
    return OK;
}

static int copy_text(struct report *report, struct str text, struct str *ret_copy)
{
    struct str copy = text.length ? arena_copy(&report->arena, text) : STR("");

    if (!copy.data) {
        return ERR_NO_MEMORY;
    }
    *ret_copy = copy;
    return OK;
}

int report_add_line(struct report *report, struct report_lines *lines, struct str text)
{
    struct str copy;
    int code = make_room(report, (void **)&lines->lines, sizeof(*lines->lines), lines->count,
                         &lines->capacity, REPORT_LINES_MAX);

    if (code == OK) {
        code = copy_text(report, text, &copy);
    }
    if (code == OK) {
        lines->lines[lines->count++] = copy;
    }
    return code;
}

int report_add_section(struct report *report, const char *id, const char *title,
                       struct report_section **ret_section)
{
    struct report_section section = {0};

    if (report->section_count >= REPORT_SECTIONS_MAX) {
        return ERR_LIMIT;
    }
    if (!report->sections) {
        report->sections =
            arena_alloc(&report->arena, REPORT_SECTIONS_MAX, sizeof(*report->sections));
        if (!report->sections) {
            return ERR_NO_MEMORY;
        }
        report->section_capacity = REPORT_SECTIONS_MAX;
    }
    int code = copy_text(report, str_from(id), &section.id);
    if (code == OK) {
        code = copy_text(report, str_from(title), &section.title);
    }
    if (code) {
        return code;
    }
    report->sections[report->section_count] = section;
    *ret_section = &report->sections[report->section_count++];
    return OK;
}

static int add_block(struct report *report, struct report_section *section,
                     const struct report_block *block)
{
    int code = make_room(report, (void **)&section->blocks, sizeof(*section->blocks),
                         section->block_count, &section->block_capacity, REPORT_LINES_MAX);

    if (code == OK) {
        section->blocks[section->block_count++] = *block;
    }
    return code;
}

int report_add_paragraph(struct report *report, struct report_section *section, struct str text)
{
    struct report_block block = {.kind = BLOCK_PARAGRAPH};
    int code = copy_text(report, text, &block.text);

    return code ? code : add_block(report, section, &block);
}

int report_add_list_item(struct report *report, struct report_section *section, struct str text)
{
    struct report_block block = {.kind = BLOCK_LIST};
    struct report_block *last =
        section->block_count ? &section->blocks[section->block_count - 1] : NULL;

    if (last && last->kind == BLOCK_LIST) {
        return report_add_line(report, &last->list, text);
    }
    int code = report_add_line(report, &block.list, text);
    return code ? code : add_block(report, section, &block);
}

int report_add_table(struct report *report, struct report_section *section, const char *title,
                     const char *const *columns, size_t column_count,
                     struct report_table **ret_table)
{
    struct report_block block = {.kind = BLOCK_TABLE};

    if (column_count == 0 || column_count > REPORT_COLUMNS_MAX) {
        return ERR_LIMIT;
    }
    block.table = arena_alloc(&report->arena, 1, sizeof(*block.table));
    if (!block.table) {
        return ERR_NO_MEMORY;
    }
    int code = copy_text(report, str_from(title), &block.table->title);
    for (size_t i = 0; i < column_count && code == OK; i++) {
        code = copy_text(report, str_from(columns[i]), &block.table->columns[i]);
    }
    block.table->column_count = column_count;
    if (code == OK) {
        code = add_block(report, section, &block);
    }
    if (code == OK) {
        *ret_table = block.table;
    }
    return code;
}

int report_add_row(struct report *report, struct report_table *table,
                   const struct report_cell *cells)
{
    size_t columns = table->column_count;
    int code = make_room(report, (void **)&table->cells, columns * sizeof(*table->cells),
                         table->row_count, &table->row_capacity, REPORT_LINES_MAX);

    for (size_t i = 0; i < columns && code == OK; i++) {
        struct report_cell *cell = &table->cells[table->row_count * columns + i];

        code = copy_text(report, cells[i].text, &cell->text);
        if (code == OK) {
            code = copy_text(report, cells[i].fact_id, &cell->fact_id);
        }
    }
    if (code == OK) {
        table->row_count++;
    }
    return code;
}

int report_add_figure(struct report *report, struct report_section *section,
                      const struct figure *figure)
{
    struct report_block block = {.kind = BLOCK_FIGURE};
    int code = figure_copy(figure, &report->arena, &block.figure);

    return code ? code : add_block(report, section, &block);
}

int report_add_action(struct report *report, const struct report_action *action)
{
    struct report_action copy = *action;
    int code = make_room(report, (void **)&report->actions, sizeof(*report->actions),
                         report->action_count, &report->action_capacity, REPORT_LINES_MAX);
    const struct {
        struct str from;
        struct str *to;
    } texts[] = {
        {action->title, &copy.title},
        {action->why, &copy.why},
        {action->how, &copy.how},
        {action->risk, &copy.risk},
        {action->saving_fact, &copy.saving_fact},
        {action->alone_fact, &copy.alone_fact},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(texts) && code == OK; i++) {
        code = copy_text(report, texts[i].from, texts[i].to);
    }
    if (code == OK) {
        report->actions[report->action_count++] = copy;
    }
    return code;
}

int report_add_model_call(struct report *report, const struct report_model_call *call)
{
    struct report_model_call copy = *call;
    const struct {
        struct str from;
        struct str *to;
    } texts[] = {
        {call->purpose, &copy.purpose},   {call->prompt, &copy.prompt},
        {call->provider, &copy.provider}, {call->model, &copy.model},
        {call->outcome, &copy.outcome},
    };
    int code = OK;

    if (report->model_call_count >= REPORT_MODEL_CALLS_MAX) {
        return ERR_LIMIT;
    }
    if (!report->model_calls) {
        report->model_calls =
            arena_alloc(&report->arena, REPORT_MODEL_CALLS_MAX, sizeof(*report->model_calls));
        code = report->model_calls ? OK : ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(texts) && code == OK; i++) {
        code = copy_text(report, texts[i].from, texts[i].to);
    }
    if (code == OK) {
        report->model_calls[report->model_call_count++] = copy;
    }
    return code;
}

const char *report_type_name(enum report_type type)
{
    switch (type) {
    case REPORT_FULL:
        return "full_analysis";
    case REPORT_PARTIAL:
        return "partial_analysis";
    case REPORT_GUIDANCE:
        return "guidance";
    case REPORT_FALLBACK:
        return "fallback";
    }
    return "";
}
