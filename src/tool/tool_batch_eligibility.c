/*
 * batch_eligibility: which features look as if they could wait for a batch API.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/alloc.h"
#include "engine/batch.h"
#include "tool/registry.h"
#include "tool/tool_groups.h"

static struct report_cell share(struct tool_out *out, const char *prefix, struct str name,
                                const char *label, const struct batch_feature *feature,
                                enum batch_evidence evidence, const char *needs)
{
    if (feature->unknown[evidence] == feature->records) {
        return cell_fact(out_unknown(out, FACT_NAMED(prefix, name, ""), label, UNIT_RATIO, needs));
    }
    return cell_fact(out_ratio(out, FACT_NAMED(prefix, name, ""), label, feature->holds[evidence],
                               feature->records, feature->records));
}

static void put_feature(struct tool_out *out, struct str name, const struct batch_feature *feature)
{
    struct report_cell cells[6];

    cells[0] = cell_text(name.length ? name : STR("(none)"));
    out->method = "share of the feature's records";
    cells[1] = share(out, "batch.not_streamed.by_feature.", name, "not streamed", feature,
                     BATCH_NOT_STREAMED, "a streamed column");
    cells[2] = share(out, "batch.no_user.by_feature.", name, "without a user", feature,
                     BATCH_NO_USER, "a user column");
    cells[3] = share(out, "batch.no_follow_up.by_feature.", name, "without a follow-up", feature,
                     BATCH_NO_FOLLOW_UP, "a session column");
    out->method = "cost now − cost at batch prices, all input uncached, exact";
    if (feature->movable) {
        cells[4] = cell_fact(
            out_money(out, FACT_NAMED("batch.saving.by_feature.", name, ""), "saving in a batch",
                      feature->now_pico_usd - feature->batch_pico_usd, feature->movable));
    } else {
        cells[4] = cell_fact(out_unknown(out, FACT_NAMED("batch.saving.by_feature.", name, ""),
                                         "saving in a batch", UNIT_USD,
                                         "batch prices of the models used"));
    }
    cells[5] = cell_text(feature->is_candidate ? STR("yes") : STR("no"));
    out_row(out, cells);
}

static int run(const struct tool_context *context, const struct tool_args *args,
               struct report *body, struct error *error)
{
    static const char *const columns[] = {"feature",           "not streamed", "without user",
                                          "without follow-up", "saving",       "candidate"};
    const struct dataset *dataset = context->dataset;
    const struct dict *names = &dataset->table.name_dicts[USAGE_FEATURE];
    struct tool_out out = tool_out_begin(body, args);
    int128 saving = 0;
    uint64_t movable = 0;
    uint64_t candidates = 0;
    cleanup(alloc_free_pointer) struct batch_feature *features =
        alloc_zeroed((size_t)names->count + 1, sizeof(*features));

    if (!features || batch_examine(&dataset->table, &dataset->card, dataset->cost,
                                   &dataset->price_options, features)) {
        return error_set(error, ERR_NO_MEMORY, "cannot examine features: out of memory");
    }
    out_section(&out, "batch", "What could wait for a batch");
    uint32_t shown = out_features_shown(&out, &dataset->table);
    out_table(&out, "Evidence by feature", columns, ARRAY_LENGTH(columns));
    for (uint32_t i = 0; i < names->count; i++) {
        if (i < shown && features[i].records) {
            put_feature(&out, dict_text(names, i), &features[i]);
        }
        if (features[i].is_candidate) {
            candidates++;
            movable += features[i].movable;
            saving += features[i].now_pico_usd - features[i].batch_pico_usd;
        }
    }
    out.method = "features for which each kind of evidence holds for nearly every call";
    out_count(&out, FACT_ID("batch.candidates"), "candidates", UNIT_COUNT_OF_THINGS, candidates,
              dataset->table.count);
    out.method = "cost now − cost at batch prices over the candidates, all input uncached, exact";
    if (dataset->sums.priced) {
        out_money(&out, FACT_ID("batch.saving.candidates"), "saving of all candidates", saving,
                  movable);
    } else {
        out_unknown(&out, FACT_ID("batch.saving.candidates"), "saving of all candidates", UNIT_USD,
                    "prices of the models used");
    }
    if (candidates) {
        out_paragraph(&out, "{batch.candidates} features look as if nobody waits for their "
                            "answers. In a batch they would cost {batch.saving.candidates} less, "
                            "alone. Only their owners know whether a day is soon enough.");
        out_summary(&out, "{batch.candidates} features could go through the batch API, if their "
                          "answers may take a day: {batch.saving.candidates} less.");
        out_next_step(&out, "Ask the owners of the batch candidates whether their answers may take "
                            "a day.");
    } else {
        out_paragraph(&out, "No feature both looks as if its answers could wait and has batch "
                            "prices that are lower.");
    }
    return tool_out_status(&out, error);
}

const struct tool tool_batch_eligibility = {
    .name = "batch_eligibility",
    .description = "Which features could go through the batch API, by evidence, and the saving.",
    .needs_records = true,
    .run = run,
};
