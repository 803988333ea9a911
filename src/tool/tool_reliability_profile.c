/*
 * reliability_profile: calls that failed, and what they cost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/alloc.h"
#include "tool/registry.h"
#include "tool/tool_groups.h"

static void put_features(struct tool_out *out, const struct usage_table *table,
                         const struct breakdown_cell *cells)
{
    static const char *const columns[] = {"feature", "failed requests", "share of its requests"};
    const struct dict *names = &table->name_dicts[USAGE_FEATURE];
    uint32_t shown = out_features_shown(out, table);

    out->method = "count of records with status error, by feature";
    out_table(out, "Failed requests by feature", columns, ARRAY_LENGTH(columns));
    for (uint32_t i = 0; i < shown && !out->status; i++) {
        struct str name = dict_text(names, i);
        struct report_cell row[3];

        if (cells[i].requests == 0) {
            continue;
        }
        row[0] = cell_text(name.length ? name : STR("(none)"));
        row[1] = cell_fact(out_count(out, FACT_NAMED("reliability.failed.by_feature.", name, ""),
                                     "failed requests", UNIT_REQUESTS, cells[i].failed,
                                     cells[i].requests));
        row[2] =
            cell_fact(out_ratio(out, FACT_NAMED("reliability.error_rate.by_feature.", name, ""),
                                "share of requests that failed", cells[i].failed, cells[i].requests,
                                cells[i].requests));
        out_row(out, row);
    }
}

static int run(const struct tool_context *context, const struct tool_args *args,
               struct report *body, struct error *error)
{
    const struct dataset *dataset = context->dataset;
    const struct usage_table *table = &dataset->table;
    uint32_t features = table->name_dicts[USAGE_FEATURE].count;
    struct tool_out out = tool_out_begin(body, args);
    struct breakdown_cell total = {0};
    cleanup(alloc_free_pointer) struct breakdown_cell *cells =
        alloc_zeroed((size_t)features + 1, sizeof(*cells));

    if (!cells) {
        return error_set(error, ERR_NO_MEMORY, "cannot count failures: out of memory");
    }
    out_section(&out, "reliability", "Calls that failed");
    if (!(table->any_present & USAGE_HAS_STATUS)) {
        out_unknown(&out, FACT_ID("reliability.error_rate"), "share of requests that failed",
                    UNIT_RATIO, "a status column in the records");
        out_paragraph(&out, "Failures: {reliability.error_rate}.");
        return tool_out_status(&out, error);
    }
    breakdown_total(table, dataset->cost, 0, table->count, &total);
    breakdown_by_name(table, dataset->cost, USAGE_FEATURE, 0, table->count, cells);
    out.method = "count of records with status error";
    out_count(&out, FACT_ID("reliability.failed"), "failed requests", UNIT_REQUESTS, total.failed,
              total.requests);
    out_ratio(&out, FACT_ID("reliability.error_rate"), "share of requests that failed",
              total.failed, total.requests, total.requests);
    out.method = "sum of tokens × price over records with status error, exact";
    out_spend(&out, FACT_ID("reliability.spend_failed"), "spend on failed requests",
              dataset->sums.failed_pico_usd, dataset->sums.priced, dataset->sums.unpriced);
    out_paragraph(&out, "{reliability.failed} requests failed ({reliability.error_rate}); the "
                        "tokens recorded for them cost {reliability.spend_failed}.");
    out_summary(&out, "{reliability.failed} requests failed; they cost "
                      "{reliability.spend_failed}.");
    put_features(&out, table, cells);
    return tool_out_status(&out, error);
}

const struct tool tool_reliability_profile = {
    .name = "reliability_profile",
    .description = "Calls that failed, by feature, and what they cost.",
    .needs_records = true,
    .run = run,
};
