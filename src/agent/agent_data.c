/*
 * data: profiles the records and judges, from what is actually in them, which of the planned
 * analyses they suffice for. What they do not suffice for is named as a gap; the tool says the
 * same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run_state.h"

enum { STATE_START, STATE_JUDGE };

/* What a tool cannot do without. */
static const struct {
    const char *tool;
    uint32_t fields; /* bits, each of which some record must have */
    struct gap gap;
} requirements[] = {
    {"cache_audit",
     USAGE_HAS_BLOCKS | USAGE_HAS_TIME,
     {"attainable_caching", "what caching could save",
      "prefix blocks in the records (hash_ids: block hashes of each prompt's prefix) and times"}},
    {"duplicate_calls",
     USAGE_HAS_PROMPT_HASH | USAGE_HAS_TIME,
     {"repeated_calls", "calls that were sent twice", "prompt hashes and times in the records"}},
    {"latency_profile",
     USAGE_HAS_LATENCY,
     {"latency", "how long calls take", "a latency column in the records"}},
    {"reliability_profile",
     USAGE_HAS_STATUS,
     {"failures", "calls that failed", "a status column in the records"}},
    {"traffic_profile", USAGE_HAS_TIME, {"peaks", "peak traffic", "a time column in the records"}},
};

static void judge(struct run *run)
{
    uint32_t present = run->options.dataset->table.any_present;

    for (size_t i = 0; i < run->call_count; i++) {
        for (size_t r = 0; r < ARRAY_LENGTH(requirements); r++) {
            const struct gap *gap = &requirements[r].gap;

            /* what a model wanted beside the plan leaves no gap in the answer */
            if (!run->calls[i].is_extra &&
                strcmp(run->calls[i].tool->name, requirements[r].tool) == 0 &&
                (present & requirements[r].fields) != requirements[r].fields) {
                run_add_gap(run, gap->id, gap->label, gap->needs);
            }
        }
    }
    if (run->options.dataset->sums.priced == 0) {
        run_add_gap(run, "prices", "what anything costs",
                    "the models of the records and their prices");
    }
}

static int step(struct run *run, bool *ret_done, struct error *error)
{
    bool ran;

    if (run->agent_state == STATE_START) {
        run->agent_state = STATE_JUDGE;
        return run_next_call(run, &ran, error); /* dataset_profile, planned first */
    }
    judge(run);
    *ret_done = true;
    return OK;
}

const struct agent agent_data = {.name = "data", .step = step};
