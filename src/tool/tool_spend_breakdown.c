/*
 * spend_breakdown: where the money goes, by model, feature, agent, user and day.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/alloc.h"
#include "base/civil_time.h"
#include "tool/registry.h"
#include "tool/tool_groups.h"

#define DAYS_FACTS_MAX 400u /* a longer span is not shown day by day, and a caveat says so */
#define MONEY_SCALE    12
#define DATE_BYTES_MAX 16u

static const struct tool_arg arguments[] = {
    {.name = "by",
     .description = "what to group by: any of model, feature, agent, user, day",
     .type = TOOL_STRING_LIST,
     .default_json = "[\"feature\",\"model\",\"day\"]"},
};

static const struct {
    const char *word;
    int field; /* enum usage_name, or -1 */
    struct group_words words;
} groups[] = {
    {"model", USAGE_MODEL, {"model", "Spend by model", "spend-by-model"}},
    {"feature", USAGE_FEATURE, {"feature", "Spend by feature", "spend-by-feature"}},
    {"agent", USAGE_AGENT, {"agent", "Spend by agent", "spend-by-agent"}},
    {"user", -1, {"user", "Spend by user", NULL}},
};

static void put_group(struct tool_out *out, const struct dataset *dataset, size_t index)
{
    const struct usage_table *table = &dataset->table;
    int field = groups[index].field;
    const struct dict *names = field < 0 ? &table->id_dicts[USAGE_USER] : &table->name_dicts[field];
    cleanup(alloc_free_pointer) struct breakdown_cell *cells =
        alloc_zeroed((size_t)names->count + 1, sizeof(*cells));

    if (!cells) {
        out->status = ERR_NO_MEMORY;
        return;
    }
    if (field < 0) {
        breakdown_by_id(table, dataset->cost, USAGE_USER, 0, table->count, cells);
    } else {
        breakdown_by_name(table, dataset->cost, (enum usage_name)field, 0, table->count, cells);
    }
    out_groups(out, names, cells, &groups[index].words);
}

static void put_days(struct tool_out *out, const struct dataset *dataset)
{
    const struct usage_table *table = &dataset->table;
    int64_t first_us = civil_floor(dataset->from_us, DAY_US);
    size_t days = (size_t)((dataset->to_us - first_us) / DAY_US) + 1;

    if (!dataset->timed || dataset->is_relative_time || days < 2) {
        return;
    }
    if (days > DAYS_FACTS_MAX) {
        out_caveat(out, "The records span too many days to show spend day by day.");
        return;
    }
    cleanup(alloc_free_pointer) struct breakdown_cell *cells = alloc_zeroed(days, sizeof(*cells));
    cleanup(alloc_free_pointer) struct figure_point *points = alloc_zeroed(days, sizeof(*points));
    if (!cells || !points) {
        out->status = ERR_NO_MEMORY;
        return;
    }
    breakdown_by_day(table, dataset->cost, first_us, days, 0, table->count, cells);
    out->method = "sum of tokens × price per record of the UTC day, exact";
    for (size_t day = 0; day < days; day++) {
        struct buf date;

        buf_init(&date, DATE_BYTES_MAX);
        civil_print_date(first_us + (int64_t)day * DAY_US, &date);
        struct str label = arena_copy(&out->body->arena, buf_str(&date));
        bool is_whole = buf_status(&date) == OK && label.data;
        buf_done(&date);
        if (!is_whole) {
            out->status = ERR_NO_MEMORY;
            return;
        }
        points[day] = (struct figure_point){
            .label = label,
            .fact_id = out_spend(out, FACT_NAMED("spend.by_day.", label, ""), "spend",
                                 cells[day].cost_pico_usd,
                                 cells[day].requests - cells[day].unpriced, cells[day].unpriced),
            .value = decimal_of(cells[day].cost_pico_usd, MONEY_SCALE),
        };
    }
    if (dataset->sums.unpriced == 0) {
        out_figure(out, &(struct figure){.id = STR("spend-by-day"),
                                         .kind = FIGURE_LINES,
                                         .title = STR("Spend by day"),
                                         .alt = STR("Spend of each UTC day in the records."),
                                         .unit = UNIT_USD,
                                         .series = {{.points = points, .count = days}},
                                         .series_count = 1});
    }
}

/* A word that was there before asks for nothing new. */
static bool is_repeated(const struct tool_value *by, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (str_equal(by->texts[i], by->texts[index])) {
            return true;
        }
    }
    return false;
}

static int put_by(struct tool_out *out, const struct dataset *dataset, struct str word,
                  struct error *error)
{
    if (str_equal(word, STR("day"))) {
        put_days(out, dataset);
        return OK;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(groups); i++) {
        if (str_equal(word, str_from(groups[i].word))) {
            put_group(out, dataset, i);
            return OK;
        }
    }
    return error_set(error, ERR_INVALID,
                     "/by cannot be '%.*s': it takes model, feature, agent, user, day",
                     STR_ARGS(word));
}

static int run(const struct tool_context *context, const struct tool_args *args,
               struct report *body, struct error *error)
{
    const struct dataset *dataset = context->dataset;
    const struct tool_value *by = tool_arg_value(args, "by");
    struct tool_out out = tool_out_begin(body, args);
    int code = OK;

    out_section(&out, "spend", "Where the money goes");
    out.method = "sum of tokens × price per record, exact";
    out_spend(&out, FACT_ID("spend.total"), "spend, total", dataset->sums.total_pico_usd,
              dataset->sums.priced, dataset->sums.unpriced);
    out_spend(&out, FACT_ID("spend.input"), "spend on uncached input", dataset->sums.input_pico_usd,
              dataset->sums.priced, dataset->sums.unpriced);
    out_spend(&out, FACT_ID("spend.cache_read"), "spend on cache reads",
              dataset->sums.cache_read_pico_usd, dataset->sums.priced, dataset->sums.unpriced);
    out_spend(&out, FACT_ID("spend.cache_write"), "spend on cache writes",
              dataset->sums.cache_write_pico_usd, dataset->sums.priced, dataset->sums.unpriced);
    out_spend(&out, FACT_ID("spend.output"), "spend on output", dataset->sums.output_pico_usd,
              dataset->sums.priced, dataset->sums.unpriced);
    if (dataset->sums.cache_read_pico_usd || dataset->sums.cache_write_pico_usd) {
        out_paragraph(&out, "Of {spend.total}, {spend.input} went to uncached input, "
                            "{spend.cache_read} to cache reads, {spend.cache_write} to cache "
                            "writes and {spend.output} to output.");
    } else if (dataset->sums.priced) {
        out_paragraph(&out, "Of {spend.total}, {spend.input} went to input and {spend.output} to "
                            "output.");
    } else {
        out_paragraph(&out, "Spend: {spend.total}.");
    }
    for (size_t i = 0; i < by->count && !code; i++) {
        code = is_repeated(by, i) ? OK : put_by(&out, dataset, by->texts[i], error);
    }
    return code ? code : tool_out_status(&out, error);
}

const struct tool tool_spend_breakdown = {
    .name = "spend_breakdown",
    .description = "Where the money goes: spend by model, feature, agent, user or day.",
    .args = arguments,
    .arg_count = ARRAY_LENGTH(arguments),
    .needs_records = true,
    .run = run,
};
