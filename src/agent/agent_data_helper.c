/*
 * data_helper: there are no records. Says which export to fetch and how, with the smallest file
 * that would do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run_state.h"

static const char *const ways[] = {
    "LiteLLM proxy (its database): `psql \"$DATABASE_URL\" -c '\\copy \"LiteLLM_SpendLogs\" to "
    "usage.csv csv header'`, then `netra ask … --data usage.csv`.",
    "Any gateway or application log: one JSON object a line with at least `time`, `model`, "
    "`input_tokens` and `output_tokens`; add `feature`, `session_id`, `latency_ms`, `status`, "
    "`cache_read`, `prompt_hash` and `hash_ids` where you have them: each makes more of the "
    "question answerable.",
    "Spreadsheet or data warehouse: a CSV with a header line; columns with other names are mapped, "
    "for example `--map model=engine --map input_tokens=tok_in`.",
    "Traces of coding agents with prefix blocks (`requests[]` with `hash_ids`): as they are, "
    "also as `.gz`.",
    "No records yet? Try the analyses on made-up ones: `netra tool synthesize_usage --args "
    "'{\"out\":\"sample\"}'`, then `netra ask … --data sample/usage.jsonl`.",
};

static int add_guidance(struct report *report)
{
    struct report_section *section;
    int code = report_add_section(report, "data", "Which records to bring", &section);

    if (!code) {
        code = report_add_paragraph(
            report, section,
            STR("Netra answers from your own usage records: one row per LLM call. There are none "
                "yet, so every number would be a guess, and none is given. Any of these will do:"));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(ways) && !code; i++) {
        code = report_add_list_item(report, section, str_from(ways[i]));
    }
    if (!code) {
        code = report_add_paragraph(
            report, section,
            STR("The smallest file that works: "
                "`{\"time\":\"2026-11-22T09:00:00Z\",\"model\":\"gpt-4o\",\"input_tokens\":1200,"
                "\"output_tokens\":85}`, one such line per call. Prompts and answers are not "
                "needed and are not kept."));
    }
    return code;
}

static int step(struct run *run, bool *ret_done, struct error *error)
{
    struct report *report = run->report;
    int code = add_guidance(report);

    *ret_done = true;
    if (!code) {
        code = report_add_line(report, &report->needs,
                               STR("Usage records: name a file with `--data`."));
    }
    if (!code) {
        code = report_add_line(report, &report->next_steps,
                               STR("Export the records in one of the ways above and ask the same "
                                   "question with `--data FILE`."));
    }
    return code ? error_set(error, code, "cannot write the guidance: %s", error_code_text(code))
                : OK;
}

const struct agent agent_data_helper = {.name = "data_helper", .step = step};
