/*
 * traffic_profile: requests and tokens per minute at the worst moment.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/traffic.h"
#include "tool/registry.h"
#include "tool/tool_out.h"

static int run(const struct tool_context *context, const struct tool_args *args,
               struct report *body, struct error *error)
{
    struct tool_out out = tool_out_begin(body, args);
    struct traffic traffic;
    int code = traffic_measure(&traffic, &context->dataset->table);

    if (code) {
        return error_set(error, code, "cannot measure traffic: %s",
                         code == ERR_LIMIT ? "the records span more than ten years"
                                           : error_code_text(code));
    }
    out_section(&out, "traffic", "Traffic at its peak");
    if (traffic.records == 0) {
        out_unknown(&out, FACT_ID("traffic.peak_rpm.calendar"), "peak requests per minute",
                    UNIT_RPM, "a time column in the records");
        out_paragraph(&out, "Peak traffic: {traffic.peak_rpm.calendar}.");
        return tool_out_status(&out, error);
    }
    out.method = "largest calendar minute";
    out_count(&out, FACT_ID("traffic.peak_rpm.calendar"), "peak requests, calendar minute",
              UNIT_RPM, traffic.peak_rpm_calendar, traffic.records);
    out_count(&out, FACT_ID("traffic.peak_tpm.calendar"), "peak tokens, calendar minute", UNIT_TPM,
              traffic.peak_tpm_calendar, traffic.records);
    out.method = "largest window of sixty seconds";
    out_count(&out, FACT_ID("traffic.peak_rpm.sliding"), "peak requests, any sixty seconds",
              UNIT_RPM, traffic.peak_rpm_sliding, traffic.records);
    out_count(&out, FACT_ID("traffic.peak_tpm.sliding"), "peak tokens, any sixty seconds", UNIT_TPM,
              traffic.peak_tpm_sliding, traffic.records);
    out.method = "smallest token bucket (burst = limit, continuous refill, full at the start) that "
                 "rejects nothing, by bisection";
    out_count(&out, FACT_ID("traffic.required_tpm.token_bucket"), "token limit needed", UNIT_TPM,
              traffic.required_tpm_token_bucket, traffic.records);
    out.method = "minutes from the first to the last record";
    out_count(&out, FACT_ID("traffic.minutes.total"), "minutes", UNIT_COUNT_OF_THINGS,
              traffic.minutes, traffic.records);
    out_count(&out, FACT_ID("traffic.minutes.empty"), "minutes without a request",
              UNIT_COUNT_OF_THINGS, traffic.empty_minutes, traffic.records);
    out_paragraph(&out, "The busiest calendar minute had {traffic.peak_rpm.calendar} and "
                        "{traffic.peak_tpm.calendar}; the busiest sixty seconds "
                        "{traffic.peak_rpm.sliding} and {traffic.peak_tpm.sliding}. A provider's "
                        "token bucket of {traffic.required_tpm.token_bucket} would have rejected "
                        "nothing.");
    out_summary(&out, "The busiest minute had {traffic.peak_rpm.calendar} and "
                      "{traffic.peak_tpm.calendar}.");
    return tool_out_status(&out, error);
}

const struct tool tool_traffic_profile = {
    .name = "traffic_profile",
    .description = "Peak requests and tokens per minute, and the rate limit that would be needed.",
    .needs_records = true,
    .run = run,
};
