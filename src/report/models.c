/*
 * What the models of a run were asked, as a table that every renderer draws like any other. Its
 * cells are texts, not facts: they say something about Netra, nothing about the records.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "report/layout.h"

enum column { PURPOSE, PROMPT, MODEL, OUTCOME, INPUT, OUTPUT, COST, COLUMN_COUNT };

#define CELL_BYTES_MAX   ((size_t)4096)
#define MODELS_BYTES_MAX ((size_t)1 << 20) /* of the table of models asked */

static struct report_table empty_table(void)
{
    return (struct report_table){
        .title = STR("Models asked"),
        .columns = {[PURPOSE] = STR("for"),
                    [PROMPT] = STR("prompt"),
                    [MODEL] = STR("model"),
                    [OUTCOME] = STR("outcome"),
                    [INPUT] = STR("tokens in"),
                    [OUTPUT] = STR("tokens out"),
                    [COST] = STR("cost")},
        .column_count = COLUMN_COUNT,
        .are_numbers = {[INPUT] = true, [OUTPUT] = true, [COST] = true},
    };
}

static void print_model(const struct report_model_call *call, struct buf *out)
{
    buf_append(out, call->provider);
    buf_append(out, call->provider.length && call->model.length ? STR("/") : STR(""));
    buf_append(out, call->model);
}

/* Never a zero for what nobody knows. */
static void print_number(bool is_known, enum fact_unit unit, struct decimal value, struct buf *out)
{
    if (is_known) {
        fact_print_value(unit, value, out);
    } else {
        buf_append(out, STR("unknown"));
    }
}

static void print_cell(const struct report_model_call *call, enum column column, struct buf *out)
{
    switch (column) {
    case PURPOSE:
        buf_append(out, call->purpose);
        break;
    case PROMPT:
        buf_append(out, call->prompt);
        break;
    case MODEL:
        print_model(call, out);
        break;
    case OUTCOME:
        buf_append(out, call->outcome);
        break;
    case INPUT:
        print_number(call->has_tokens, UNIT_TOKENS, decimal_of((int128)call->input_tokens, 0), out);
        break;
    case OUTPUT:
        print_number(call->has_tokens, UNIT_TOKENS, decimal_of((int128)call->output_tokens, 0),
                     out);
        break;
    case COST:
        print_number(call->has_cost, UNIT_USD, decimal_of(call->cost_pico_usd, 12), out);
        break;
    case COLUMN_COUNT:
        break;
    }
}

static int fill(const struct report *report, struct arena *arena, struct report_cell *cells,
                struct buf *text)
{
    for (size_t i = 0; i < report->model_call_count * COLUMN_COUNT; i++) {
        buf_clear(text);
        print_cell(&report->model_calls[i / COLUMN_COUNT], i % COLUMN_COUNT, text);
        if (buf_status(text) == ERR_NO_MEMORY) {
            return ERR_NO_MEMORY;
        }
        cells[i].text = arena_copy(arena, buf_str(text));
        if (!cells[i].text.data) {
            return ERR_NO_MEMORY;
        }
    }
    return OK;
}

static int make_table(const struct report *report, struct arena *arena,
                      struct report_table *ret_table)
{
    cleanup(buf_done) struct buf text;
    struct report_table table = empty_table();

    buf_init(&text, CELL_BYTES_MAX);
    table.row_count = report->model_call_count;
    table.cells = arena_alloc(arena, table.row_count * COLUMN_COUNT, sizeof(*table.cells));
    if (!table.cells) {
        return ERR_NO_MEMORY;
    }
    int code = fill(report, arena, table.cells, &text);
    if (code == OK) {
        *ret_table = table;
    }
    return code;
}

bool layout_model_table(const struct report *report, struct arena *arena,
                        struct report_table *ret_table, struct buf *out)
{
    arena_init(arena, MODELS_BYTES_MAX);
    if (report->model_call_count == 0) {
        return false;
    }
    int code = make_table(report, arena, ret_table);
    if (code && buf_status(out) == OK) {
        out->status = code;
    }
    return code == OK;
}

void layout_add_summary_by(const struct report *report, struct buf *text)
{
    buf_append(text, STR("Written by "));
    report_append_name(text, report->summary_by);
    buf_append(text, STR(" from the facts of this report; every number in it is one of them."));
}
