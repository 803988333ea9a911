/*
 * The end of an import: roll-up spans are used or dropped, and what the rows taught is said.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "usage/importer.h"

/* A record from a row of the table of held rows; texts are borrowed from it. */
static struct usage_record record_of(const struct usage_table *table, size_t row)
{
    struct usage_tokens tokens = usage_tokens_of(table, row);
    struct usage_record record = {
        .present = table->present[row] & ~(uint32_t)(USAGE_HAS_BLOCKS | USAGE_HAS_REQUEST_ID),
        .time_us = table->time_us[row],
        .tier = usage_tier_of(table, row),
        .status = usage_status_of(table, row),
        .streamed = usage_is_streamed(table, row),
        .input_uncached = tokens.input_uncached,
        .cache_read = tokens.cache_read,
        .cache_write_5m = tokens.cache_write_5m,
        .cache_write_1h = tokens.cache_write_1h,
        .output = tokens.output,
        .reasoning = tokens.reasoning,
        .max_output = table->max_output ? table->max_output[row] : 0,
        .latency_ms = table->latency_ms ? table->latency_ms[row] : 0,
        .ttft_ms = table->ttft_ms ? table->ttft_ms[row] : 0,
        .recorded_cost_pico_usd =
            table->recorded_cost_pico_usd ? table->recorded_cost_pico_usd[row] : 0,
        .quality = table->quality ? (double)table->quality[row] : 0,
        .prompt_hash = table->prompt_hash ? table->prompt_hash[row] : 0,
    };

    for (int i = 0; i < USAGE_NAME_COUNT; i++) {
        record.names[i] = usage_name_text(table, (enum usage_name)i, row);
    }
    for (int i = 0; i < USAGE_ID_COUNT; i++) {
        record.ids[i] = usage_id_text(table, (enum usage_id)i, row);
    }
    return record;
}

/* Spans that sum up others count only where the others are missing. */
static int settle_held(struct usage_import *import, struct error *error)
{
    const struct usage_table *held = &import->held;
    int code = OK;

    if (!import->has_held) {
        return OK;
    }
    if (import->report.rows_accepted + import->report.rows_merged) {
        importer_note(import,
                      "%zu spans that only sum up others (invoke_agent, invoke_workflow) were left "
                      "out.",
                      held->count);
        return OK;
    }
    for (size_t row = 0; row < held->count && !code; row++) {
        struct usage_record record = record_of(held, row);

        code = importer_append(import, &record, held->source_row[row], error);
    }
    return code;
}

static void note_time(struct usage_import *import)
{
    const struct row_reader *reader = &import->reader;

    /* Paired outcomes have no time, and none is missed. */
    if (import->report.rows_accepted + import->report.rows_merged == 2 * import->pair_rows) {
        return;
    }
    if (!(reader->seen & (field_bit(FIELD_TIME) | field_bit(FIELD_END_TIME)))) {
        importer_note(import, "There is no time column: what depends on time cannot be computed. "
                              "Map it, for example --map time=COLUMN.");
    } else if (reader->time == ROW_TIME_RELATIVE) {
        importer_note(import, "Times are relative: they were read as %s from 1970-01-01T00:00:00Z.",
                      reader->relative_unit == UNIT_MS   ? "milliseconds"
                      : reader->relative_unit == UNIT_US ? "microseconds"
                      : reader->relative_unit == UNIT_NS ? "nanoseconds"
                                                         : "seconds");
    }
}

static void note_model(struct usage_import *import)
{
    bool is_known = (import->reader.seen | import->mapped_fields) & field_bit(FIELD_MODEL);

    if (!is_known && import->report.rows_accepted > 2 * import->pair_rows) {
        importer_note(import, "There is no model column: map it, for example --map model=gpt-4o.");
    }
}

static void note_conventions(struct usage_import *import)
{
    const struct row_reader *reader = &import->reader;
    uint64_t kinds = (reader->inclusive_rows != 0) + (reader->exclusive_rows != 0) +
                     (reader->disjoint_rows != 0);

    import->report.convention = kinds > 1                ? "mixed"
                                : reader->disjoint_rows  ? "disjoint"
                                : reader->exclusive_rows ? "exclusive"
                                                         : "inclusive";
    if (reader->proven_rows) {
        importer_note(import,
                      "In %" PRIu64 " rows more tokens were cached than input was counted: there "
                      "the input was read as the uncached part. If that holds for all rows, map "
                      "it: --map input_uncached=COLUMN.",
                      reader->proven_rows);
    }
    if (reader->outside_rows) {
        importer_note(import,
                      "In %" PRIu64 " rows reasoning exceeds output: there it was added to it.",
                      reader->outside_rows);
    }
}

static void note_units(struct usage_import *import)
{
    static const enum field durations[] = {FIELD_LATENCY, FIELD_TTFT};

    for (size_t i = 0; i < ARRAY_LENGTH(durations); i++) {
        unsigned unit = import->reader.units[durations[i]];

        if (unit) {
            const char *name = durations[i] == FIELD_LATENCY ? "latency" : "ttft";

            importer_note(import,
                          "The column of %s does not say its unit: it was read as %s. If that is "
                          "wrong, map it: --map %s_%s=COLUMN.",
                          name, unit == UNIT_S ? "seconds" : "milliseconds", name,
                          unit == UNIT_S ? "ms" : "s");
        }
    }
}

static void note_left_out(struct usage_import *import)
{
    for (int field = 0; field < FIELD_COUNT; field++) {
        uint64_t count = import->reader.unreadable[field].count;

        if (count) {
            importer_note(import,
                          "%s could not be read in %" PRIu64 " rows, the first is %" PRIu64
                          "; there it counts as absent.",
                          field_name((enum field)field), count,
                          import->reader.unreadable[field].first_row);
        }
    }
}

static void note_names(struct usage_import *import)
{
    static const enum field fields[USAGE_NAME_COUNT] = {
        [USAGE_MODEL] = FIELD_MODEL,
        [USAGE_PROVIDER] = FIELD_PROVIDER,
        [USAGE_FEATURE] = FIELD_FEATURE,
        [USAGE_AGENT] = FIELD_AGENT,
        [USAGE_OPERATION] = FIELD_OPERATION,
        [USAGE_ERROR_TYPE] = FIELD_ERROR_TYPE,
        [USAGE_STOP_REASON] = FIELD_STOP_REASON,
        [USAGE_SOURCE] = FIELD_SOURCE,
    };

    for (int i = 0; i < USAGE_NAME_COUNT; i++) {
        if (import->names_left_out[i]) {
            importer_note(import,
                          "There are more than %u different values of %s: %" PRIu64
                          " rows were left without one. If another column is meant, map it: "
                          "--map %s=COLUMN.",
                          USAGE_NAMES_MAX, field_name(fields[i]), import->names_left_out[i],
                          field_name(fields[i]));
        }
    }
}

static void note_rest(struct usage_import *import)
{
    const struct row_reader *reader = &import->reader;

    if (reader->default_block_size_rows) {
        importer_note(import,
                      "The size of a prefix block is not given: %u tokens were taken. Blocks are "
                      "shared within this file.",
                      ROW_BLOCK_SIZE_DEFAULT);
    }
    if (import->contaminated_rows) {
        importer_note(import, "%" PRIu64 " contaminated rows of paired outcomes were left out.",
                      import->contaminated_rows);
    }
    if (import->report.rows_merged) {
        importer_note(import,
                      "%" PRIu64 " rows repeat the request id of another row and replaced its "
                      "tokens.",
                      import->report.rows_merged);
    }
    if (reader->cut_rows) {
        importer_note(import, "%" PRIu64 " texts were cut after %u bytes.", reader->cut_rows,
                      USAGE_NAME_BYTES_MAX);
    }
}

/* Daily tables have a column that says how many calls a row sums up. */
static void note_sums(struct usage_import *import)
{
    static const char *const names[] = {"requests", "api_requests", "num_requests",
                                        "num_model_requests", "request_count"};

    for (size_t i = 0; i < import->report.unused_count; i++) {
        for (size_t k = 0; k < ARRAY_LENGTH(names); k++) {
            if (field_names_equal(import->unused[i], str_from(names[k]))) {
                importer_note(import,
                              "The column %s says that a row sums up several calls; each row was "
                              "read as one call, so counts, latencies and prices by size of prompt "
                              "are not those of single calls.",
                              names[k]);
            }
        }
    }
}

int importer_conclude(struct usage_import *import, struct error *error)
{
    int code = settle_held(import, error);

    if (code) {
        return code;
    }
    note_model(import);
    note_sums(import);
    note_names(import);
    note_time(import);
    note_conventions(import);
    note_units(import);
    note_rest(import);
    note_left_out(import);
    return OK;
}
