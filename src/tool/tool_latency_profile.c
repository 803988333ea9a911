/*
 * latency_profile: how long calls took, exactly, by feature. What another model would take is not
 * said here: it needs a latency model.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/alloc.h"
#include "engine/percentile.h"
#include "tool/registry.h"
#include "tool/tool_out.h"

/* Latencies of one feature, gathered; scratch is for sorting. */
struct samples {
    uint32_t *values;
    uint32_t *scratch;
    size_t count;
};

static void gather(const struct usage_table *table, const uint32_t *column, uint32_t bit,
                   uint32_t feature, struct samples *samples)
{
    samples->count = 0;
    for (size_t row = 0; row < table->count; row++) {
        if (usage_has(table, row, bit) && table->names[USAGE_FEATURE][row] == feature &&
            usage_status_of(table, row) == USAGE_OK) {
            samples->values[samples->count++] = column[row];
        }
    }
    percentile_sort(samples->values, samples->count, samples->scratch);
}

static struct report_cell percentile(struct tool_out *out, const char *prefix, struct str name,
                                     const char *label, const struct samples *samples,
                                     unsigned per_mille)
{
    return cell_fact(out_fact(
        out, FACT_NAMED(prefix, name, ""), label,
        &(struct fact){.value = percentile_of_sorted(samples->values, samples->count, per_mille),
                       .unit = UNIT_MS,
                       .state = FACT_COMPUTED,
                       .n = samples->count}));
}

static void put_feature(struct tool_out *out, const struct usage_table *table, uint32_t feature,
                        struct samples *samples)
{
    struct str name = table->name_dicts[USAGE_FEATURE].count
                          ? dict_text(&table->name_dicts[USAGE_FEATURE], feature)
                          : STR("");
    struct report_cell cells[6];

    if (out_table_is_full(out)) {
        return;
    }
    gather(table, table->latency_ms, USAGE_HAS_LATENCY, feature, samples);
    if (samples->count == 0) {
        return;
    }
    cells[0] = cell_text(name.length ? name : STR("(none)"));
    cells[1] = cell_fact(out_count(out, FACT_NAMED("latency.requests.", name, ""),
                                   "successful requests with a latency", UNIT_REQUESTS,
                                   samples->count, samples->count));
    cells[2] = percentile(out, "latency.p50.", name, "latency, median", samples, 500);
    cells[3] = percentile(out, "latency.p95.", name, "latency, 95th percentile", samples, 950);
    cells[4] = percentile(out, "latency.p99.", name, "latency, 99th percentile", samples, 990);
    cells[5] = cell_text(STR("–"));
    if (table->ttft_ms) {
        gather(table, table->ttft_ms, USAGE_HAS_TTFT, feature, samples);
        if (samples->count) {
            cells[5] =
                percentile(out, "ttft.p50.", name, "time to first token, median", samples, 500);
        }
    }
    out_row(out, cells);
}

static int run(const struct tool_context *context, const struct tool_args *args,
               struct report *body, struct error *error)
{
    static const char *const columns[] = {"feature", "requests", "median",
                                          "`p95`",   "`p99`",    "first token, median"};
    const struct usage_table *table = &context->dataset->table;
    struct tool_out out = tool_out_begin(body, args);

    out_section(&out, "latency", "How long calls take");
    if (!table->latency_ms) {
        out_unknown(&out, FACT_ID("latency.p95.all"), "latency, 95th percentile", UNIT_MS,
                    "a latency column in the records");
        out_paragraph(&out, "Latency: {latency.p95.all}.");
        return tool_out_status(&out, error);
    }
    size_t rows = table->count;
    cleanup(alloc_free_pointer) uint32_t *values = alloc_zeroed(rows, sizeof(*values));
    cleanup(alloc_free_pointer) uint32_t *scratch = alloc_zeroed(rows, sizeof(*scratch));
    struct samples samples = {.values = values, .scratch = scratch};
    if (!values || !scratch) {
        return error_set(error, ERR_NO_MEMORY, "cannot sort latencies: out of memory");
    }
    out.method = "exact percentile of successful requests, linear between closest ranks";
    out_table(&out, "Latency by feature", columns, ARRAY_LENGTH(columns));
    uint32_t features = table->name_dicts[USAGE_FEATURE].count;
    for (uint32_t feature = 0; feature < (features ? features : 1); feature++) {
        put_feature(&out, table, feature, &samples);
    }
    return tool_out_status(&out, error);
}

const struct tool tool_latency_profile = {
    .name = "latency_profile",
    .description = "How long calls took: exact percentiles by feature.",
    .needs_records = true,
    .run = run,
};
