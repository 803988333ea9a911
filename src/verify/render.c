/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/render.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "report/visible.h"

#define SHORT_US 10000

static void count(struct tally *tally, enum outcome outcome)
{
    tally->passed += outcome == OUTCOME_PASSED;
    tally->failed += outcome == OUTCOME_FAILED;
    tally->not_exercised += outcome == OUTCOME_NOT_EXERCISED;
}

struct tally tally_check(const struct check *check)
{
    struct tally tally = {0, 0, 0};

    for (size_t i = 0; i < check->finding_count; i++) {
        count(&tally, check->findings[i].outcome);
    }
    for (size_t i = 0; i < check->target_count; i++) {
        count(&tally, check->targets[i].outcome);
    }
    return tally;
}

struct tally tally_checks(const struct evidence *evidence)
{
    struct tally tally = {0, 0, 0};

    for (size_t i = 0; i < evidence->check_count; i++) {
        count(&tally, evidence->checks[i].outcome);
    }
    return tally;
}

void render_seconds(int64_t us, char ret_text[static RENDER_FIGURE_BYTES])
{
    int places = us < SHORT_US ? 6 : 3; /* a short time must not look like none */

    (void)snprintf(ret_text, RENDER_FIGURE_BYTES, "%.*f s", places, (double)us / 1e6);
}

void render_bytes(uint64_t bytes, char ret_text[static RENDER_FIGURE_BYTES])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double value = (double)bytes / 1000;
    size_t unit = 0;

    if (bytes < 1000) {
        (void)snprintf(ret_text, RENDER_FIGURE_BYTES, "%" PRIu64 " B", bytes);
        return;
    }
    while (value >= 999.95 && unit + 1 < ARRAY_LENGTH(units)) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(ret_text, RENDER_FIGURE_BYTES, "%.1f %s", value, units[unit]);
}

void render_ms(double us, char ret_text[static RENDER_FIGURE_BYTES])
{
    if (!isfinite(us)) {
        (void)snprintf(ret_text, RENDER_FIGURE_BYTES, "–");
    } else {
        (void)snprintf(ret_text, RENDER_FIGURE_BYTES, "%.3f", us / 1000);
    }
}

struct check_figures render_figures(const struct check *check)
{
    struct check_figures figures;

    render_seconds(check->duration_us, figures.seconds);
    render_bytes(check->bytes_sent, figures.sent);
    render_bytes(check->bytes_received, figures.received);
    return figures;
}

void render_summary(const struct evidence *evidence, struct buf *out)
{
    struct tally tally = tally_checks(evidence);
    char seconds[RENDER_FIGURE_BYTES];

    render_seconds(evidence->finished_monotonic_us - evidence->started_monotonic_us, seconds);
    buf_printf(out, "%s: ", summary_name(evidence->summary));
    if (evidence->summary == SUMMARY_UNREACHABLE) {
        buf_printf(out, "nothing answered, in %s", seconds);
        return;
    }
    buf_printf(out, "%zu of %zu checks passed", tally.passed, evidence->check_count);
    if (tally.failed) {
        buf_printf(out, ", %zu failed", tally.failed);
    }
    if (tally.not_exercised) {
        buf_printf(out, ", %zu not exercised in full", tally.not_exercised);
    }
    buf_printf(out, ", in %s", seconds);
}

void render_side(const struct side *side, struct buf *out)
{
    char cpu[RENDER_FIGURE_BYTES];
    char memory[RENDER_FIGURE_BYTES];

    if (!side->is_known) {
        buf_append(out, STR("unknown (needs "));
        visible_append(out, side->needs);
        buf_append_char(out, ')');
        return;
    }
    render_seconds(side->cpu_us, cpu);
    render_bytes(side->peak_rss_bytes, memory);
    buf_printf(out, "CPU %s, peak memory %s", cpu, memory);
}
