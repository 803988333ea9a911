/* SPDX-License-Identifier: Apache-2.0 */
#include "report/layout.h"

#include "base/civil_time.h"

void layout_add_records(const struct report *report, struct buf *out)
{
    decimal_print_rounded(decimal_of((int128)report->records, 0), 0, false, /* grouped */ true,
                          out);
    if (report->from_us || report->to_us) {
        buf_append(out, STR(", "));
        civil_print_date(report->from_us, out);
        buf_append(out, STR(" to "));
        civil_print_date(report->to_us, out);
    }
}

void layout_print_time(int64_t time_us, struct buf *out)
{
    civil_print(civil_floor(time_us, SECOND_US), out);
}

/* Nothing, or one of the strokes that stand for it. */
static bool is_blank(struct str text)
{
    return text.length == 0 || str_equal(text, STR("–")) || str_equal(text, STR("-")) ||
           str_equal(text, STR("—"));
}

bool table_is_number_column(const struct report_table *table, size_t column)
{
    bool has_facts = false;

    if (table->are_numbers[column]) {
        return true;
    }
    for (size_t row = 0; row < table->row_count; row++) {
        const struct report_cell *cell = table_cell(table, row, column);

        if (cell->fact_id.length == 0 && !is_blank(cell->text)) {
            return false;
        }
        has_facts = has_facts || cell->fact_id.length > 0;
    }
    return has_facts;
}

static bool is_listed(const struct str *needs, size_t count, struct str text)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(needs[i], text)) {
            return true;
        }
    }
    return false;
}

size_t table_needs(const struct report_table *table, const struct fact_set *facts, size_t row_count,
                   struct str ret_needs[TABLE_NEEDS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < row_count * table->column_count && count < TABLE_NEEDS_MAX; i++) {
        const struct fact *fact =
            table->cells[i].fact_id.length ? fact_find(facts, table->cells[i].fact_id) : NULL;

        if (fact && fact->state == FACT_UNKNOWN && !is_listed(ret_needs, count, fact->needs)) {
            ret_needs[count++] = fact->needs;
        }
    }
    return count;
}

bool action_shows_alone(const struct report_action *action, const struct fact_set *facts)
{
    const struct fact *saving = fact_find(facts, action->saving_fact);
    const struct fact *alone =
        action->alone_fact.length ? fact_find(facts, action->alone_fact) : NULL;

    return alone &&
           (!saving || saving->state != alone->state ||
            (alone->state != FACT_UNKNOWN && decimal_compare(saving->value, alone->value) != 0));
}

const char *report_type_words(enum report_type type)
{
    switch (type) {
    case REPORT_FULL:
        return "full analysis";
    case REPORT_PARTIAL:
        return "partial analysis: some of the question cannot be answered from these records";
    case REPORT_GUIDANCE:
        return "guidance: how to get an answer";
    case REPORT_FALLBACK:
        return "fallback: no analysis stands behind it";
    }
    return "";
}
