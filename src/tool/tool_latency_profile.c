/*
 * latency_profile: how long calls took, exactly, by feature. What another model would take is not
 * said here: it needs a latency model.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/alloc.h"
#include "engine/percentile.h"
#include "tool/registry.h"
#include "tool/tool_groups.h"

/* The values of a column, those of one feature after those of another; each part is sorted. */
struct samples {
    uint32_t *values;
    uint32_t *scratch; /* for sorting */
    size_t *ends;      /* [feature]: values of it are [ends[feature - 1], ends[feature]) */
    uint32_t features;
};

static void samples_done(struct samples *samples)
{
    alloc_free(samples->values);
    alloc_free(samples->scratch);
    alloc_free(samples->ends);
}

static int samples_init(struct samples *samples, const struct usage_table *table)
{
    uint32_t features = table->name_dicts[USAGE_FEATURE].count;

    samples->features = features ? features : 1;
    samples->values = alloc_zeroed(table->count + 1, sizeof(*samples->values));
    samples->scratch = alloc_zeroed(table->count + 1, sizeof(*samples->scratch));
    samples->ends = alloc_zeroed((size_t)samples->features + 1, sizeof(*samples->ends));
    return samples->values && samples->scratch && samples->ends ? OK : ERR_NO_MEMORY;
}

static bool counts(const struct usage_table *table, size_t row, uint32_t bit)
{
    return usage_has(table, row, bit) && usage_status_of(table, row) == USAGE_OK;
}

/* One pass to count, one to place: a feature more costs its own values, not the table again. */
static void gather(struct samples *samples, const struct usage_table *table, const uint32_t *column,
                   uint32_t bit)
{
    const uint16_t *features = table->names[USAGE_FEATURE];
    size_t *ends = samples->ends;

    memset(ends, 0, ((size_t)samples->features + 1) * sizeof(*ends));
    for (size_t row = 0; row < table->count; row++) {
        ends[features[row] + 1u] += counts(table, row, bit);
    }
    for (uint32_t f = 0; f < samples->features; f++) {
        ends[f + 1] += ends[f]; /* the start of f is at f, and becomes its end below */
    }
    for (size_t row = 0; row < table->count; row++) {
        if (counts(table, row, bit)) {
            samples->values[ends[features[row]]++] = column[row];
        }
    }
    for (uint32_t f = 0; f < samples->features; f++) {
        size_t begin = f ? ends[f - 1] : 0;

        percentile_sort(samples->values + begin, ends[f] - begin, samples->scratch);
    }
}

/* The values of one feature. */
struct part {
    const uint32_t *values;
    size_t count;
};

static struct part part_of(const struct samples *samples, uint32_t feature)
{
    size_t begin = feature ? samples->ends[feature - 1] : 0;

    return (struct part){samples->values + begin, samples->ends[feature] - begin};
}

static struct report_cell percentile(struct tool_out *out, const char *prefix, struct str name,
                                     const char *label, const struct part *part, unsigned per_mille)
{
    return cell_fact(
        out_fact(out, FACT_NAMED(prefix, name, ""), label,
                 &(struct fact){.value = percentile_of_sorted(part->values, part->count, per_mille),
                                .unit = UNIT_MS,
                                .state = FACT_COMPUTED,
                                .n = part->count}));
}

/* One row of the table; returns the id of the 95th percentile. */
static struct str put_feature(struct tool_out *out, struct str name, const struct part *latency,
                              const struct part *ttft)
{
    struct report_cell cells[6];

    cells[0] = cell_text(name.length ? name : STR("(none)"));
    cells[1] = cell_fact(out_count(out, FACT_NAMED("latency.requests.", name, ""),
                                   "successful requests with a latency", UNIT_REQUESTS,
                                   latency->count, latency->count));
    cells[2] = percentile(out, "latency.p50.", name, "latency, median", latency, 500);
    cells[3] = percentile(out, "latency.p95.", name, "latency, 95th percentile", latency, 950);
    cells[4] = percentile(out, "latency.p99.", name, "latency, 99th percentile", latency, 990);
    cells[5] = ttft->count
                   ? percentile(out, "ttft.p50.", name, "time to first token, median", ttft, 500)
                   : cell_text(STR("–"));
    out_row(out, cells);
    return cells[3].fact_id;
}

/* The feature whose slow calls are slowest, in a sentence for the top of the report. */
static void put_slowest(struct tool_out *out, struct str name, struct str fact_id)
{
    struct str quoted = out_name(out, name);

    out_summary(out, "The slowest calls are those of `%.*s`: one in twenty takes over {%.*s}.",
                STR_ARGS(quoted), STR_ARGS(fact_id));
}

static void put_features(struct tool_out *out, const struct usage_table *table,
                         const struct samples *latency, const struct samples *ttft)
{
    static const char *const columns[] = {"feature", "requests", "median",
                                          "`p95`",   "`p99`",    "first token, median"};
    const struct dict *names = &table->name_dicts[USAGE_FEATURE];
    uint32_t shown = out_features_shown(out, table);
    uint32_t slowest_feature = 0;
    struct str slowest_id = STR("");
    struct decimal slowest = decimal_of(0, 0);

    out->method = "exact percentile of successful requests, linear between closest ranks";
    out_table(out, "Latency by feature", columns, ARRAY_LENGTH(columns));
    for (uint32_t feature = 0; feature < shown && !out->status; feature++) {
        struct part of_latency = part_of(latency, feature);
        struct part of_ttft = table->ttft_ms ? part_of(ttft, feature) : (struct part){NULL, 0};

        if (of_latency.count == 0) {
            continue;
        }
        struct str id = put_feature(out, dict_text(names, feature), &of_latency, &of_ttft);
        struct decimal p95 = percentile_of_sorted(of_latency.values, of_latency.count, 950);
        if (slowest_id.length == 0 || decimal_compare(p95, slowest) > 0) {
            slowest = p95;
            slowest_id = id;
            slowest_feature = feature;
        }
    }
    if (slowest_id.length) {
        put_slowest(out, dict_text(names, slowest_feature), slowest_id);
    }
}

static int run(const struct tool_context *context, const struct tool_args *args,
               struct report *body, struct error *error)
{
    const struct usage_table *table = &context->dataset->table;
    cleanup(samples_done) struct samples latency = {0};
    cleanup(samples_done) struct samples ttft = {0};
    struct tool_out out = tool_out_begin(body, args);

    out_section(&out, "latency", "How long calls take");
    if (!table->latency_ms) {
        out_unknown(&out, FACT_ID("latency.p95.all"), "latency, 95th percentile", UNIT_MS,
                    "a latency column in the records");
        out_paragraph(&out, "Latency: {latency.p95.all}.");
        return tool_out_status(&out, error);
    }
    if (samples_init(&latency, table) || (table->ttft_ms && samples_init(&ttft, table))) {
        return error_set(error, ERR_NO_MEMORY, "cannot sort latencies: out of memory");
    }
    gather(&latency, table, table->latency_ms, USAGE_HAS_LATENCY);
    if (table->ttft_ms) {
        gather(&ttft, table, table->ttft_ms, USAGE_HAS_TTFT);
    }
    put_features(&out, table, &latency, &ttft);
    return tool_out_status(&out, error);
}

const struct tool tool_latency_profile = {
    .name = "latency_profile",
    .description = "How long calls took: exact percentiles by feature.",
    .needs_records = true,
    .run = run,
};
