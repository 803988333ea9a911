/*
 * Can this evidence be true? Whoever makes up a result has to make up bytes, times, their order and
 * their scatter, all of them consistent: each rule looks at one such thing. A rule that is broken
 * makes the check it is about fail; one that is about no check in particular makes all fail.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "verify/evidence_rows.h"
#include "verify/wire.h"

/* Times are read from two clocks one after the other, and rounded to microseconds. */
#define SLACK_US       INT64_C(2000)
#define CLOCK_SLACK_US INT64_C(1000000)
/* Half of all samples of real requests never lie within 0.2 % of their median: the scheduler alone
 * moves a request of 100 ms by more. Below SCATTER_FROM_US that is less than the clock's
 * microsecond, and two samples that differ are enough. */
#define SCATTER_LEAST    0.002
#define SCATTER_FROM_US  1000.0
#define SPREAD_TOLERANCE 1e-6
#define ID_BYTES_MAX     64u /* of a check in a text: ids from a file can be as long as any text */

static int violate(struct evidence *evidence, struct check *check, const char *rule,
                   const char *expected, const char *observed, ...) printf_like(5, 6);

static int violate(struct evidence *evidence, struct check *check, const char *rule,
                   const char *expected, const char *observed, ...)
{
    struct finding row = {.outcome = OUTCOME_FAILED, .needs = STR("")};
    char text[EVIDENCE_TEXT_BYTES_MAX];
    va_list arguments;
    void *rows = evidence->violations;
    int code = evidence_grow(evidence, &rows, sizeof(row), evidence->violation_count,
                             &evidence->violation_capacity, EVIDENCE_FINDINGS_MAX);

    evidence->violations = (struct finding *)rows;
    va_start(arguments, observed);
    struct str id = check ? check->id : STR("");
    id.length = id.length < ID_BYTES_MAX ? id.length : ID_BYTES_MAX;
    int prefix = check ? snprintf(text, sizeof(text), "%.*s: ", STR_ARGS(id)) : 0;
    (void)vsnprintf(text + prefix, sizeof(text) - (size_t)prefix, observed, arguments);
    va_end(arguments);
    code = code ? code : evidence_text(evidence, str_from(rule), &row.id);
    code = code ? code : evidence_text(evidence, str_from(expected), &row.expected);
    code = code ? code : evidence_text(evidence, str_from(text), &row.observed);
    if (code) {
        return code;
    }
    evidence->violations[evidence->violation_count++] = row;
    size_t first = check ? (size_t)(check - evidence->checks) : 0;
    size_t end = check ? first + 1 : evidence->check_count;
    for (size_t i = first; i < end; i++) {
        evidence->checks[i].outcome = OUTCOME_FAILED;
        evidence->checks[i].reason = row.observed;
    }
    return OK;
}

static int64_t end_of(const struct check *check)
{
    return check->started_monotonic_us + check->duration_us;
}

/* ---- a check that says that it, or something of it, passed ---- */

static bool has_outcome(const struct check *check, enum outcome outcome)
{
    for (size_t i = 0; i < check->finding_count; i++) {
        if (check->findings[i].outcome == outcome) {
            return true;
        }
    }
    for (size_t i = 0; i < check->target_count; i++) {
        if (check->targets[i].outcome == outcome) {
            return true;
        }
    }
    return false;
}

/* Better than its findings: a check that failed may have been failed here. */
static bool is_too_good(const struct check *check)
{
    bool is_partial = has_outcome(check, OUTCOME_NOT_EXERCISED);

    return has_outcome(check, OUTCOME_FAILED) ||
           (check->outcome == OUTCOME_PASSED &&
            (is_partial || !has_outcome(check, OUTCOME_PASSED))) ||
           (check->outcome == OUTCOME_NOT_EXERCISED && !is_partial);
}

/* What is wholly not exercised sent nothing, and says nothing else. */
static int judge_passed(struct evidence *evidence, struct check *check)
{
    const enum outcome claimed = check->outcome;
    int code = OK;

    if (claimed == OUTCOME_FAILED) {
        return OK;
    }
    if (is_too_good(check)) {
        code = violate(evidence, check, "outcome_contradicts_findings",
                       "the worst outcome of its findings and targets", "it says %s",
                       outcome_name(claimed));
    }
    if (code || !has_outcome(check, OUTCOME_PASSED)) {
        return code;
    }
    if (check->bytes_sent == 0) {
        code = violate(evidence, check, "no_bytes_sent", "requests", "not a byte was sent");
    }
    if (code == OK && check->bytes_received == 0) {
        code = violate(evidence, check, "no_bytes_received", "answers", "not a byte was received");
    }
    if (code == OK && check->duration_us <= 0) {
        code = violate(evidence, check, "no_time", "a duration", "it took no time");
    }
    return code;
}

/* ---- samples ---- */

static const struct sample_set *set_named(const struct evidence *evidence, struct str name)
{
    for (size_t i = 0; i < evidence->set_count; i++) {
        if (str_equal(evidence->sets[i].name, name)) {
            return &evidence->sets[i];
        }
    }
    return NULL;
}

static bool differs(double a, double b)
{
    return !(fabs(a - b) <= SPREAD_TOLERANCE * fmax(1, fabs(a))); /* also for NAN */
}

static bool spreads_differ(const struct spread *a, const struct spread *b)
{
    return a->n != b->n || differs(a->p50, b->p50) || differs(a->p95, b->p95) ||
           differs(a->p99, b->p99) || differs(a->min, b->min) || differs(a->max, b->max) ||
           differs(a->deviation, b->deviation);
}

static bool has_scatter(const struct spread *spread)
{
    return spread->deviation > 0 && (spread->p50 < SCATTER_FROM_US ||
                                     spread->p75 - spread->p25 >= SCATTER_LEAST * spread->p50);
}

static int judge_samples(struct evidence *evidence, struct check *check,
                         const struct target *target, const struct sample_set *set)
{
    struct spread again;
    double sum = 0;
    int code = spread_of(set->values_us, set->count, &again);

    if (code) {
        return code;
    }
    if (spreads_differ(&again, &target->spread_us)) {
        code = violate(evidence, check, "spread_differs", "the samples' own order statistics",
                       "those of %.*s are not", STR_ARGS(set->name));
    }
    if (code == OK && !has_scatter(&again)) {
        code = violate(evidence, check, "no_variance", "samples that scatter",
                       "%zu samples of %.*s are all about %.3f ms", set->count, STR_ARGS(set->name),
                       again.p50 / 1000);
    }
    for (size_t i = 0; i < set->count; i++) {
        sum += set->values_us[i];
        bool is_within = set->at_us[i] >= check->started_monotonic_us &&
                         set->at_us[i] <= end_of(check) + SLACK_US;
        bool is_later = i == 0 || set->at_us[i] >= set->at_us[i - 1];
        if (code == OK && (!is_within || !is_later)) {
            code = violate(evidence, check, "sample_outside_check",
                           "samples one after the other, within their check", "sample %zu of %.*s",
                           i + 1, STR_ARGS(set->name));
        }
    }
    if (code == OK && sum > (double)(check->duration_us + SLACK_US)) {
        code = violate(evidence, check, "samples_longer_than_check", "samples within their check",
                       "those of %.*s took %.3f s, the check %.3f s", STR_ARGS(set->name),
                       sum / 1e6, (double)check->duration_us / 1e6);
    }
    return code;
}

static int judge_targets(struct evidence *evidence, struct check *check)
{
    int code = OK;

    for (size_t i = 0; code == OK && i < check->target_count; i++) {
        const struct target *target = &check->targets[i];
        const struct sample_set *set = set_named(evidence, target->name);

        if (target->outcome == OUTCOME_NOT_EXERCISED) {
            continue;
        }
        if (target->outcome == OUTCOME_PASSED &&
            !(spread_statistic(&target->spread_us, target->statistic) <= target->limit_ms * 1000)) {
            code =
                violate(evidence, check, "limit_exceeded", "targets that passed to be met",
                        "%s of %.*s is over its limit", target->statistic, STR_ARGS(target->name));
        }
        if (code) {
            continue;
        }
        if (!set || set->count < EVIDENCE_SAMPLES_LEAST) {
            code = violate(evidence, check, "too_few_samples", "at least 50 samples",
                           "%.*s has %zu", STR_ARGS(target->name), set ? set->count : 0);
        } else {
            code = judge_samples(evidence, check, target, set);
        }
    }
    return code;
}

static int judge_sets(struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->set_count; i++) {
        for (size_t j = i + 1; j < evidence->set_count; j++) {
            const struct sample_set *a = &evidence->sets[i];
            const struct sample_set *b = &evidence->sets[j];

            if (a->count && a->count == b->count &&
                memcmp(a->values_us, b->values_us, a->count * sizeof(double)) == 0) {
                return violate(
                    evidence, NULL, "sets_alike", "different things take different times",
                    "%.*s and %.*s have the same samples", STR_ARGS(a->name), STR_ARGS(b->name));
            }
        }
    }
    return OK;
}

/* ---- times ---- */

/* How far wall clock and monotonic clock are apart since the verification began. */
static int64_t clocks_apart(const struct evidence *evidence, int64_t wall_us, int64_t monotonic_us)
{
    int64_t wall = wall_us - evidence->started_us;
    int64_t elapsed = monotonic_us - evidence->started_monotonic_us;

    return wall > elapsed ? wall - elapsed : elapsed - wall;
}

static int judge_clocks(struct evidence *evidence, struct check *check, int64_t wall_us,
                        int64_t monotonic_us)
{
    int64_t apart = clocks_apart(evidence, wall_us, monotonic_us);

    return apart > CLOCK_SLACK_US ? violate(evidence, check, "clocks_disagree",
                                            "wall clock and elapsed time within a second",
                                            "%.3f s apart", (double)apart / 1e6)
                                  : OK;
}

static int judge_order(struct evidence *evidence)
{
    int code = OK;

    for (size_t i = 0; code == OK && i < evidence->check_count; i++) {
        struct check *check = &evidence->checks[i];

        code = judge_clocks(evidence, check, check->started_us, check->started_monotonic_us);
        if (code) {
            return code;
        }
        if (check->started_monotonic_us < evidence->started_monotonic_us ||
            end_of(check) > evidence->finished_monotonic_us + SLACK_US) {
            code = violate(evidence, check, "outside_run", "checks within the verification",
                           "it began or ended outside");
        }
        if (code == OK && i > 0 &&
            check->started_monotonic_us + SLACK_US < end_of(&evidence->checks[i - 1])) {
            code = violate(evidence, check, "overlap", "checks one after the other",
                           "it began before %.*s ended", STR_ARGS(evidence->checks[i - 1].id));
        }
    }
    return code;
}

/* ---- exchanges ---- */

static struct check *check_named(struct evidence *evidence, struct str id)
{
    for (size_t i = 0; i < evidence->check_count; i++) {
        if (str_equal(evidence->checks[i].id, id)) {
            return &evidence->checks[i];
        }
    }
    return NULL;
}

/* Phases that happened, in their order. A kept connection has no name, connection and TLS; a
 * refusal may come before the whole request was sent. */
static bool is_in_order(const struct exchange *exchange)
{
    bool is_early = exchange->status >= 400 && exchange->sent_us <= exchange->total_us;
    const int64_t phases[] = {exchange->name_us,       exchange->connect_us,
                              exchange->tls_us,        is_early ? 0 : exchange->sent_us,
                              exchange->first_byte_us, exchange->total_us};
    int64_t last = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(phases); i++) {
        if (phases[i] < 0 || (phases[i] > 0 && phases[i] < last)) {
            return false;
        }
        last = phases[i] > 0 ? phases[i] : last;
    }
    return exchange->sent_us >= 0;
}

static int judge_exchange(struct evidence *evidence, struct check *check,
                          const struct kept_exchange *row)
{
    const struct exchange *what = &row->what;
    int64_t from = check ? check->started_monotonic_us : evidence->started_monotonic_us;
    int64_t until = check ? end_of(check) : evidence->finished_monotonic_us;

    if (!is_in_order(what)) {
        return violate(evidence, check, "phases_out_of_order",
                       "name, connection, TLS, request, first byte, end", "%.*s %.*s",
                       STR_ARGS(row->method), STR_ARGS(row->url));
    }
    if (what->total_us > until - from + SLACK_US) {
        return violate(evidence, check, "exchange_longer_than_check",
                       "exchanges that end within their check", "%.*s %.*s took %.3f s",
                       STR_ARGS(row->method), STR_ARGS(row->url), (double)what->total_us / 1e6);
    }
    if (what->started_monotonic_us < from ||
        what->started_monotonic_us + what->total_us > until + SLACK_US) {
        return violate(evidence, check, "exchange_outside_check", "exchanges within their check",
                       "%.*s %.*s", STR_ARGS(row->method), STR_ARGS(row->url));
    }
    return judge_clocks(evidence, check, what->started_us, what->started_monotonic_us);
}

/* What a check counted is what its exchanges are; only where all of them were kept. */
static int judge_counts(struct evidence *evidence)
{
    int code = OK;

    for (size_t i = 0; code == OK && evidence->exchanges_not_kept == 0 && i < evidence->check_count;
         i++) {
        struct check *check = &evidence->checks[i];
        uint64_t sent = 0;
        uint64_t received = 0;
        size_t exchanges = 0;

        for (size_t j = 0; j < evidence->exchange_count; j++) {
            const struct kept_exchange *row = &evidence->exchanges[j];

            if (str_equal(row->check, check->id)) {
                sent += row->what.bytes_sent;
                received += row->what.bytes_received;
                exchanges++;
            }
        }
        if (sent != check->bytes_sent || received != check->bytes_received ||
            exchanges != check->exchanges) {
            code = violate(evidence, check, "bytes_differ", "the sum of its exchanges",
                           "%" PRIu64 " and %" PRIu64 " bytes, its exchanges have %" PRIu64
                           " and %" PRIu64,
                           check->bytes_sent, check->bytes_received, sent, received);
        }
    }
    return code;
}

static int judge_exchanges(struct evidence *evidence)
{
    int code = judge_counts(evidence);

    for (size_t i = 0; code == OK && i < evidence->exchange_count; i++) {
        const struct kept_exchange *row = &evidence->exchanges[i];
        struct check *check = check_named(evidence, row->check);

        if (!check && row->check.length) {
            code = violate(evidence, NULL, "exchange_outside_check", "exchanges of checks",
                           "%.*s belongs to none", STR_ARGS(row->url));
        } else {
            code = judge_exchange(evidence, check, row);
        }
    }
    return code;
}

/* ---- the summary ---- */

static bool was_answered(const struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->exchange_count; i++) {
        if (evidence->exchanges[i].what.status > 0) {
            return true;
        }
    }
    return false;
}

static enum summary_outcome summarise(const struct evidence *evidence)
{
    bool is_partial = evidence->check_count == 0;

    if (!was_answered(evidence)) {
        return SUMMARY_UNREACHABLE;
    }
    if (evidence->violation_count) {
        return SUMMARY_FAILED;
    }
    for (size_t i = 0; i < evidence->check_count; i++) {
        if (evidence->checks[i].outcome == OUTCOME_FAILED) {
            return SUMMARY_FAILED;
        }
        is_partial |= evidence->checks[i].outcome == OUTCOME_NOT_EXERCISED;
    }
    return is_partial ? SUMMARY_INCOMPLETE : SUMMARY_GREEN;
}

int evidence_judge(struct evidence *evidence)
{
    int code = OK;

    evidence->violation_count = 0;
    if (evidence->finished_us == 0) {
        evidence->finished_us = wire_wall_us();
        evidence->finished_monotonic_us = wire_now_us();
    }
    code = judge_clocks(evidence, NULL, evidence->finished_us, evidence->finished_monotonic_us);
    code = code ? code : judge_order(evidence);
    for (size_t i = 0; code == OK && i < evidence->check_count; i++) {
        code = judge_passed(evidence, &evidence->checks[i]);
        code = code ? code : judge_targets(evidence, &evidence->checks[i]);
    }
    code = code ? code : judge_sets(evidence);
    code = code ? code : judge_exchanges(evidence);
    if (code == ERR_LIMIT && evidence->violation_count) { /* enough is known */
        code = OK;
    }
    evidence->summary = summarise(evidence);
    return code;
}
