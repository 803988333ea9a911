/*
 * JUnit as Jenkins and its relatives read it: a suite per check, a case per finding and target, and
 * one suite of the verification itself, so that evidence that contradicts itself, and a deployment
 * that does not answer, are red too. Cases have no time of their own: only checks were timed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/civil_time.h"
#include "report/visible.h"
#include "verify/render.h"

#define STAMP_SECONDS_BYTES 19 /* "2026-08-21T07:00:00": the schema has no zone */

/* U+FFFE and U+FFFF are no characters of XML. */
static bool is_none(struct str bytes)
{
    return str_equal(bytes, STR("\xef\xbf\xbe")) || str_equal(bytes, STR("\xef\xbf\xbf"));
}

static void put_escaped(struct buf *out, struct str text)
{
    struct str bytes;
    unsigned width;

    for (size_t at = 0; visible_next(text, &at, &bytes, &width);) {
        switch (bytes.data[0]) {
        case '&':
            buf_append(out, STR("&amp;"));
            break;
        case '<':
            buf_append(out, STR("&lt;"));
            break;
        case '>':
            buf_append(out, STR("&gt;"));
            break;
        case '"':
            buf_append(out, STR("&quot;"));
            break;
        case '\'':
            buf_append(out, STR("&apos;"));
            break;
        default:
            buf_append(out, is_none(bytes) ? STR("?") : bytes);
        }
    }
}

static void put_attribute(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, " %s=\"", name);
    put_escaped(out, value);
    buf_append_char(out, '"');
}

/* ---- cases ---- */

static void begin_case(struct buf *out, struct str check, struct str name)
{
    buf_append(out, STR("    <testcase classname=\"netra.verify."));
    put_escaped(out, check);
    buf_append_char(out, '"');
    put_attribute(out, "name", name);
}

static void put_skipped(struct buf *out, struct str needs)
{
    buf_append(out, STR(">\n      <skipped message=\"needs "));
    put_escaped(out, needs);
    buf_append(out, STR("\"/>\n    </testcase>\n"));
}

static void begin_failure(struct buf *out, const char *type)
{
    buf_printf(out, ">\n      <failure type=\"%s\" message=\"", type);
}

static void end_failure(struct buf *out)
{
    buf_append(out, STR("\"/>\n    </testcase>\n"));
}

static void put_finding(struct buf *out, struct str check, const struct finding *finding,
                        const char *type)
{
    begin_case(out, check, finding->id);
    if (finding->outcome == OUTCOME_PASSED) {
        buf_append(out, STR("/>\n"));
    } else if (finding->outcome == OUTCOME_NOT_EXERCISED) {
        put_skipped(out, finding->needs);
    } else {
        begin_failure(out, type);
        buf_append(out, STR("expected "));
        put_escaped(out, finding->expected);
        buf_append(out, STR("; observed "));
        put_escaped(out, finding->observed);
        end_failure(out);
    }
}

static void put_target(struct buf *out, struct str check, const struct target *target)
{
    char value[RENDER_FIGURE_BYTES];

    begin_case(out, check, target->name);
    if (target->outcome == OUTCOME_PASSED) {
        buf_append(out, STR("/>\n"));
    } else if (target->outcome == OUTCOME_NOT_EXERCISED) {
        put_skipped(out, target->needs);
    } else {
        render_ms(spread_statistic(&target->spread_us, target->statistic), value);
        begin_failure(out, "target");
        buf_printf(out,
                   "expected %s of at most %g ms from %u samples or more; observed %s ms from "
                   "%zu",
                   target->statistic, target->limit_ms, EVIDENCE_SAMPLES_LEAST, value,
                   target->spread_us.n);
        end_failure(out);
    }
}

static void put_failed_case(struct buf *out, struct str check, const char *name, struct str why)
{
    begin_case(out, check, str_from(name));
    begin_failure(out, "check");
    put_escaped(out, why);
    end_failure(out);
}

static void put_passed_case(struct buf *out, struct str check, const char *name)
{
    begin_case(out, check, str_from(name));
    buf_append(out, STR("/>\n"));
}

/* ---- suites ---- */

static void begin_suite(struct buf *out, struct str name, struct tally tally, int64_t duration_us,
                        int64_t started_us)
{
    char stamp[CIVIL_STAMP_BYTES];

    civil_stamp(started_us, stamp);
    buf_append(out, STR("  <testsuite"));
    put_attribute(out, "name", name);
    buf_printf(out,
               " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"%.6f\" "
               "timestamp=\"%.*s\">\n",
               tally.passed + tally.failed + tally.not_exercised, tally.failed, tally.not_exercised,
               (double)duration_us / 1e6, STAMP_SECONDS_BYTES, stamp);
}

/* A check that failed though none of its findings did: by the meta-check, or because it had none.
 */
static bool has_own_failure(const struct check *check)
{
    return check->outcome == OUTCOME_FAILED && tally_check(check).failed == 0;
}

static struct tally tally_suite(const struct check *check)
{
    struct tally tally = tally_check(check);

    tally.failed += has_own_failure(check);
    return tally;
}

static void put_check(struct buf *out, const struct check *check)
{
    begin_suite(out, check->id, tally_suite(check), check->duration_us, check->started_us);
    for (size_t i = 0; i < check->finding_count; i++) {
        put_finding(out, check->id, &check->findings[i], "finding");
    }
    for (size_t i = 0; i < check->target_count; i++) {
        put_target(out, check->id, &check->targets[i]);
    }
    if (has_own_failure(check)) {
        put_failed_case(out, check->id, "check", check->reason);
    }
    buf_append(out, STR("  </testsuite>\n"));
}

static struct tally tally_run(const struct evidence *evidence)
{
    size_t unreachable = evidence->summary == SUMMARY_UNREACHABLE;
    size_t violations = evidence->violation_count;

    return (struct tally){.passed = 2 - unreachable - (violations > 0),
                          .failed = unreachable + violations};
}

static void put_run(struct buf *out, const struct evidence *evidence)
{
    struct str name = STR("verification");

    begin_suite(out, name, tally_run(evidence),
                evidence->finished_monotonic_us - evidence->started_monotonic_us,
                evidence->started_us);
    if (evidence->summary == SUMMARY_UNREACHABLE) {
        put_failed_case(out, name, "deployment_answers", STR("nothing answered"));
    } else {
        put_passed_case(out, name, "deployment_answers");
    }
    for (size_t i = 0; i < evidence->violation_count; i++) {
        put_finding(out, name, &evidence->violations[i], "meta_check");
    }
    if (evidence->violation_count == 0) {
        put_passed_case(out, name, "evidence_can_be_true");
    }
    buf_append(out, STR("  </testsuite>\n"));
}

int evidence_write_junit(const struct evidence *evidence, struct buf *out)
{
    struct tally all = tally_run(evidence);

    for (size_t i = 0; i < evidence->check_count; i++) {
        struct tally one = tally_suite(&evidence->checks[i]);

        all.passed += one.passed;
        all.failed += one.failed;
        all.not_exercised += one.not_exercised;
    }
    buf_append(out, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    buf_printf(out,
               "<testsuites name=\"netra verify\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
               "time=\"%.6f\">\n",
               all.passed + all.failed + all.not_exercised, all.failed,
               (double)(evidence->finished_monotonic_us - evidence->started_monotonic_us) / 1e6);
    put_run(out, evidence);
    for (size_t i = 0; i < evidence->check_count; i++) {
        put_check(out, &evidence->checks[i]);
    }
    buf_append(out, STR("</testsuites>\n"));
    return buf_status(out);
}
