/*
 * duplicate_calls: the same call, sent again right after it was answered.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/alloc.h"
#include "tool/analyses.h"
#include "tool/registry.h"
#include "tool/tool_groups.h"

#define SECOND INT64_C(1000000)

static const struct tool_arg arguments[] = {
    {.name = "window_s",
     .description = "a repeat counts when it starts within this many seconds of the first call",
     .type = TOOL_INTEGER,
     .minimum = 1,
     .maximum = DUPLICATE_WINDOW_S_MAX,
     .default_json = "300"},
};

/* The duplicates as cells: per feature, and all together in the last one. */
static void count_cells(const struct dataset *dataset, const struct duplicates *duplicates,
                        struct breakdown_cell *cells, struct breakdown_cell *total)
{
    const struct usage_table *table = &dataset->table;

    for (size_t row = 0; row < table->count; row++) {
        if (duplicates->is_duplicate[row]) {
            breakdown_total(table, dataset->cost, row, row + 1,
                            &cells[table->names[USAGE_FEATURE][row]]);
            breakdown_total(table, dataset->cost, row, row + 1, total);
        }
    }
}

static void put_features(struct tool_out *out, const struct usage_table *table,
                         const struct breakdown_cell *cells)
{
    static const char *const columns[] = {"feature", "repeated calls", "their cost"};
    const struct dict *names = &table->name_dicts[USAGE_FEATURE];
    uint32_t shown = out_features_shown(out, table);

    out_table(out, "Repeated calls by feature", columns, ARRAY_LENGTH(columns));
    for (uint32_t i = 0; i < shown && !out->status; i++) {
        struct str name = dict_text(names, i);

        if (cells[i].requests) {
            struct str count =
                out_count(out, FACT_NAMED("duplicates.requests.by_feature.", name, ""),
                          "repeated calls", UNIT_REQUESTS, cells[i].requests, cells[i].requests);
            struct str cost = out_spend(out, FACT_NAMED("duplicates.cost.by_feature.", name, ""),
                                        "cost of repeated calls", cells[i].cost_pico_usd,
                                        cells[i].requests - cells[i].unpriced, cells[i].unpriced);

            out_row(out, (struct report_cell[]){cell_text(name.length ? name : STR("(none)")),
                                                cell_fact(count), cell_fact(cost)});
        }
    }
}

static int put_result(struct tool_out *out, const struct dataset *dataset,
                      const struct duplicates *duplicates)
{
    const struct usage_table *table = &dataset->table;
    struct breakdown_cell total = {0};
    cleanup(alloc_free_pointer) struct breakdown_cell *cells =
        alloc_zeroed((size_t)table->name_dicts[USAGE_FEATURE].count + 1, sizeof(*cells));

    if (!cells) {
        return ERR_NO_MEMORY;
    }
    count_cells(dataset, duplicates, cells, &total);
    out->method = "same feature, model, prompt hash and input count within the window after an "
                  "answered call; failed calls and retries after a failure do not count";
    out_count(out, FACT_ID("duplicates.examined"), "requests with a prompt hash", UNIT_REQUESTS,
              duplicates->examined, duplicates->examined);
    out_count(out, FACT_ID("duplicates.requests"), "repeated calls", UNIT_REQUESTS,
              duplicates->count, duplicates->examined);
    out_spend(out, FACT_ID("duplicates.cost"), "cost of repeated calls", total.cost_pico_usd,
              total.requests - total.unpriced, total.unpriced);
    if (duplicates->count == 0) {
        out_paragraph(out, "No call was sent twice within the window; {duplicates.examined} "
                           "requests were compared.");
        return OK;
    }
    out_paragraph(out, "{duplicates.requests} of {duplicates.examined} calls repeat one that had "
                       "been answered moments before; they cost {duplicates.cost}.");
    out_summary(out, "{duplicates.requests} calls repeat one that had just been answered: "
                     "{duplicates.cost}.");
    put_features(out, table, cells);
    return OK;
}

static int run(const struct tool_context *context, const struct tool_args *args,
               struct report *body, struct error *error)
{
    const struct dataset *dataset = context->dataset;
    struct tool_out out = tool_out_begin(body, args);
    const struct duplicates *duplicates;
    int code = analyses_duplicates(context->analyses,
                                   tool_arg_value(args, "window_s")->integer * SECOND, &duplicates);

    out_section(&out, "duplicates", "Calls sent twice");
    if (!code && duplicates->examined == 0) {
        out_unknown(&out, FACT_ID("duplicates.cost"), "cost of repeated calls", UNIT_USD,
                    "prompt hashes and times in the records");
        out_paragraph(&out, "Cost of repeated calls: {duplicates.cost}.");
        out_need(&out, "A prompt hash (`prompt_hash`) and a time per record, to find repeated "
                       "calls.");
    } else if (!code) {
        code = put_result(&out, dataset, duplicates);
    }
    return code ? error_set(error, code, "cannot compare calls: %s", error_code_text(code))
                : tool_out_status(&out, error);
}

const struct tool tool_duplicate_calls = {
    .name = "duplicate_calls",
    .description = "Calls that were sent again right after the same call had been answered.",
    .args = arguments,
    .arg_count = ARRAY_LENGTH(arguments),
    .needs_records = true,
    .run = run,
};
