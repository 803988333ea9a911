/*
 * Filling: every text is copied and cut, every array grows by doubling within the arena and its
 * limit. Outcomes are never set from outside: evidence_end_check and evidence_target compute them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify/evidence.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "verify/evidence_grow.h"
#include "verify/moment.h"

#define GROW_LEAST  16u
#define SAMPLE_STEP 1000.0 /* samples are kept in thousandths of a microsecond, as written */

const char *outcome_name(enum outcome outcome)
{
    static const char *const names[] = {
        [OUTCOME_PASSED] = "passed",
        [OUTCOME_FAILED] = "failed",
        [OUTCOME_NOT_EXERCISED] = "not_exercised",
    };

    return names[outcome];
}

const char *summary_name(enum summary_outcome outcome)
{
    static const char *const names[] = {
        [SUMMARY_GREEN] = "green",
        [SUMMARY_FAILED] = "failed",
        [SUMMARY_INCOMPLETE] = "incomplete",
        [SUMMARY_UNREACHABLE] = "unreachable",
    };

    return names[outcome];
}

int evidence_new(struct evidence **ret_evidence)
{
    struct evidence *evidence = alloc_zeroed(1, sizeof(*evidence));

    if (!evidence) {
        return ERR_NO_MEMORY;
    }
    arena_init(&evidence->arena, EVIDENCE_BYTES_MAX);
    evidence->started_us = moment_wall_us();
    evidence->started_monotonic_us = moment_monotonic_us();
    *ret_evidence = evidence;
    return OK;
}

void evidence_free(struct evidence *evidence)
{
    if (evidence) {
        arena_done(&evidence->arena);
        alloc_free(evidence);
    }
}

/* ---- memory ---- */

static int no_room(const struct evidence *evidence, size_t bytes)
{
    return arena_has_room(&evidence->arena, bytes) ? ERR_NO_MEMORY : ERR_LIMIT;
}

int evidence_grow(struct evidence *evidence, void **items, size_t count, size_t max, size_t size)
{
    bool is_full = count == 0 || (count >= GROW_LEAST && (count & (count - 1)) == 0);

    if (count >= max) {
        return ERR_LIMIT;
    }
    if (!is_full) {
        return OK;
    }
    size_t capacity = count ? 2 * count : GROW_LEAST;
    void *larger = arena_alloc(&evidence->arena, capacity, size);
    if (!larger) {
        return no_room(evidence, capacity * size);
    }
    if (count) {
        memcpy(larger, *items, count * size);
    }
    *items = larger;
    return OK;
}

/* Between two characters: not before a byte that continues one. */
static struct str cut_text(struct str text)
{
    if (text.length > EVIDENCE_TEXT_BYTES_MAX) {
        text.length = EVIDENCE_TEXT_BYTES_MAX;
        while (text.length && ((unsigned char)text.data[text.length] & 0xc0) == 0x80) {
            text.length--;
        }
    }
    return text;
}

int evidence_copy_text(struct evidence *evidence, struct str text, struct str *ret_text)
{
    struct str copy = arena_copy(&evidence->arena, cut_text(text));

    if (!copy.data) {
        return no_room(evidence, EVIDENCE_TEXT_BYTES_MAX);
    }
    *ret_text = copy;
    return OK;
}

static int copy_format(struct evidence *evidence, const char *format, va_list args,
                       struct str *ret_text)
{
    char text[EVIDENCE_TEXT_BYTES_MAX + 8]; /* longer, so that the cut is between characters */
    int length = vsnprintf(text, sizeof(text), format, args);
    size_t kept = length < 0 ? 0 : (size_t)length;

    kept = kept < sizeof(text) ? kept : sizeof(text) - 1;
    return evidence_copy_text(evidence, (struct str){text, kept}, ret_text);
}

/* ---- checks ---- */

int evidence_begin_check(struct evidence *evidence, const char *id, const char *title,
                         struct check **ret_check)
{
    struct check check = {.outcome = OUTCOME_FAILED,
                          .started_us = moment_wall_us(),
                          .started_monotonic_us = moment_monotonic_us()};

    if (evidence->check_count == EVIDENCE_CHECKS_MAX) {
        return ERR_LIMIT;
    }
    int code = evidence_copy_text(evidence, str_from(id), &check.id);
    code = code ? code : evidence_copy_text(evidence, str_from(title), &check.title);
    if (code == OK) {
        evidence->checks[evidence->check_count] = check;
        *ret_check = &evidence->checks[evidence->check_count++];
    }
    return code;
}

static int add_finding(struct evidence *evidence, struct check *check,
                       const struct finding *finding)
{
    void *items = check->findings;
    int code = evidence_grow(evidence, &items, check->finding_count, EVIDENCE_FINDINGS_MAX,
                             sizeof(*finding));

    if (code == OK) {
        check->findings = items;
        check->findings[check->finding_count++] = *finding;
    }
    return code;
}

int evidence_find(struct evidence *evidence, struct check *check, const char *id,
                  enum outcome outcome, const char *expected, const char *observed, ...)
{
    struct finding finding = {.outcome = outcome};
    va_list args;
    int code = evidence_copy_text(evidence, str_from(id), &finding.id);

    code = code ? code : evidence_copy_text(evidence, str_from(expected), &finding.expected);
    va_start(args, observed);
    code = code ? code : copy_format(evidence, observed, args, &finding.observed);
    va_end(args);
    return code ? code : add_finding(evidence, check, &finding);
}

int evidence_not_exercised(struct evidence *evidence, struct check *check, const char *id,
                           const char *needs)
{
    struct finding finding = {.outcome = OUTCOME_NOT_EXERCISED};
    int code = evidence_copy_text(evidence, str_from(id), &finding.id);

    code = code ? code : evidence_copy_text(evidence, str_from(needs), &finding.needs);
    return code ? code : add_finding(evidence, check, &finding);
}

enum outcome check_worst(const struct check *check, size_t *ret_index, bool *ret_is_target)
{
    static const enum outcome worst_first[] = {OUTCOME_FAILED, OUTCOME_NOT_EXERCISED};

    *ret_is_target = false;
    for (size_t k = 0; k < ARRAY_LENGTH(worst_first); k++) {
        for (size_t i = 0; i < check->finding_count; i++) {
            if (check->findings[i].outcome == worst_first[k]) {
                *ret_index = i;
                return worst_first[k];
            }
        }
        for (size_t i = 0; i < check->target_count; i++) {
            if (check->targets[i].outcome == worst_first[k]) {
                *ret_index = i;
                *ret_is_target = true;
                return worst_first[k];
            }
        }
    }
    *ret_index = SIZE_MAX;
    return check->finding_count + check->target_count ? OUTCOME_PASSED : OUTCOME_FAILED;
}

static struct str target_reason(struct arena *arena, const struct target *target)
{
    double value_ms = spread_statistic(&target->spread_us, str_from(target->statistic)) / 1000;

    if (target->outcome == OUTCOME_NOT_EXERCISED || target->needs.length) {
        return arena_printf(arena, "%.*s: needs %.*s", STR_ARGS(target->name),
                            STR_ARGS(target->needs));
    }
    return arena_printf(arena, "%.*s: %s is %.3f ms, allowed are %.3f ms", STR_ARGS(target->name),
                        target->statistic, value_ms, target->limit_ms);
}

static struct str finding_reason(struct arena *arena, const struct finding *finding)
{
    if (finding->outcome == OUTCOME_NOT_EXERCISED) {
        return arena_printf(arena, "%.*s: needs %.*s", STR_ARGS(finding->id),
                            STR_ARGS(finding->needs));
    }
    return arena_printf(arena, "%.*s: expected %.*s; observed %.*s", STR_ARGS(finding->id),
                        STR_ARGS(finding->expected), STR_ARGS(finding->observed));
}

/* A reason for which there is no memory is empty: the findings have it too. */
void evidence_end_check(struct evidence *evidence, struct check *check)
{
    bool is_target = false;
    size_t index;

    check->duration_us = moment_monotonic_us() - check->started_monotonic_us;
    check->outcome = check_worst(check, &index, &is_target);
    if (check->outcome == OUTCOME_PASSED) {
        return;
    }
    if (index == SIZE_MAX) {
        check->reason = STR("nothing was looked at");
    } else {
        check->reason = is_target ? target_reason(&evidence->arena, &check->targets[index])
                                  : finding_reason(&evidence->arena, &check->findings[index]);
        check->reason = cut_text(check->reason);
    }
}

/* ---- exchanges ---- */

/* Without what may hold a secret: the user, the query, the fragment. */
static int copy_address(struct evidence *evidence, const char *url, struct str *ret_text)
{
    struct str text = {url, strcspn(url, "?#")};
    size_t scheme = str_find(text, STR("://"), 0);
    size_t host = scheme == SIZE_MAX ? 0 : scheme + 3;
    size_t path = host + strcspn(url + host, "/?#");
    size_t at = host;

    for (size_t i = host; i < path; i++) {
        at = text.data[i] == '@' ? i + 1 : at;
    }
    if (at == host) {
        return evidence_copy_text(evidence, text, ret_text);
    }
    struct str clean = arena_printf(&evidence->arena, "%.*s%.*s", (int)host, url,
                                    STR_ARGS(str_slice(text, at, text.length)));
    return clean.data ? evidence_copy_text(evidence, clean, ret_text) : ERR_NO_MEMORY;
}

static int keep(struct evidence *evidence, struct check *check, const char *method, const char *url,
                const struct exchange *exchange)
{
    struct kept_exchange kept = {.what = *exchange};
    void *items = evidence->exchanges;

    if (check) {
        check->exchanges++;
        check->bytes_sent += exchange->bytes_sent;
        check->bytes_received += exchange->bytes_received;
        kept.check = check->id;
    }
    if (evidence->exchange_count == EVIDENCE_EXCHANGES_MAX) {
        evidence->exchanges_not_kept++;
        return OK;
    }
    kept.what.head = kept.what.body = (struct str){NULL, 0};
    int code = evidence_copy_text(evidence, str_from(method), &kept.method);
    code = code ? code : copy_address(evidence, url, &kept.url);
    code = code ? code
                : evidence_grow(evidence, &items, evidence->exchange_count, EVIDENCE_EXCHANGES_MAX,
                                sizeof(kept));
    if (code == OK) {
        evidence->exchanges = items;
        evidence->exchanges[evidence->exchange_count++] = kept;
    }
    return code;
}

int evidence_keep_exchange(struct evidence *evidence, struct check *check,
                           const struct exchange_request *request, const struct exchange *exchange)
{
    return keep(evidence, check, request->method, request->url, exchange);
}

int evidence_keep_socket(struct evidence *evidence, struct check *check, const char *url,
                         const struct exchange *handshake, uint64_t bytes_sent,
                         uint64_t bytes_received)
{
    struct exchange whole = *handshake;

    whole.bytes_sent = bytes_sent;
    whole.bytes_received = bytes_received;
    return keep(evidence, check, "WEBSOCKET", url, &whole);
}

/* ---- samples and targets ---- */

size_t evidence_set_index(const struct evidence *evidence, struct str name)
{
    size_t i = 0;

    while (i < evidence->set_count && !str_equal(evidence->sets[i].name, name)) {
        i++;
    }
    return i;
}

int evidence_sample_set(struct evidence *evidence, const char *name, size_t warm_up,
                        struct sample_set **ret_set)
{
    struct sample_set set = {.warm_up = warm_up};

    if (evidence->set_count == EVIDENCE_TARGETS_MAX) {
        return ERR_LIMIT;
    }
    int code = evidence_copy_text(evidence, str_from(name), &set.name);
    if (code == OK) {
        evidence->sets[evidence->set_count] = set;
        *ret_set = &evidence->sets[evidence->set_count++];
    }
    return code;
}

static int grow_set(struct evidence *evidence, struct sample_set *set)
{
    size_t capacity = set->capacity ? 2 * set->capacity : 64;

    if (set->count == EVIDENCE_SAMPLES_MAX) {
        return ERR_LIMIT;
    }
    if (set->count < set->capacity) {
        return OK;
    }
    double *values = arena_alloc(&evidence->arena, capacity, sizeof(*values));
    int64_t *at = values ? arena_alloc(&evidence->arena, capacity, sizeof(*at)) : NULL;
    if (!at) {
        return no_room(evidence, capacity * sizeof(*at));
    }
    if (set->count) {
        memcpy(values, set->values_us, set->count * sizeof(*values));
        memcpy(at, set->at_us, set->count * sizeof(*at));
    }
    set->values_us = values;
    set->at_us = at;
    set->capacity = capacity;
    return OK;
}

int evidence_sample(struct evidence *evidence, struct sample_set *set, double value_us)
{
    int code = grow_set(evidence, set);

    if (code == OK) {
        set->values_us[set->count] = round(value_us * SAMPLE_STEP) / SAMPLE_STEP;
        set->at_us[set->count++] = moment_monotonic_us();
    }
    return code;
}

static const char *const statistics[] = {"p50", "p95", "p99"};

const char *statistic_name(struct str name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(statistics); i++) {
        if (str_equal(name, str_from(statistics[i]))) {
            return statistics[i];
        }
    }
    return NULL;
}

double spread_statistic(const struct spread *spread, struct str name)
{
    const double values[] = {spread->p50, spread->p95, spread->p99};

    for (size_t i = 0; i < ARRAY_LENGTH(statistics); i++) {
        if (str_equal(name, str_from(statistics[i]))) {
            return values[i];
        }
    }
    return NAN;
}

int evidence_target(struct evidence *evidence, struct check *check, const struct sample_set *set,
                    double limit_ms, const char *statistic)
{
    struct target target = {.name = set->name,
                            .limit_ms = limit_ms,
                            .statistic = statistic_name(str_from(statistic)),
                            .outcome = OUTCOME_FAILED};
    void *items = check->targets;

    check(target.statistic);
    int code = spread_of(set->values_us, set->count, &target.spread_us);
    if (code == OK && set->count < EVIDENCE_SAMPLES_LEAST) {
        target.needs = arena_printf(&evidence->arena, "%u samples, there are %zu",
                                    EVIDENCE_SAMPLES_LEAST, set->count);
        code = target.needs.data ? OK : ERR_NO_MEMORY;
    } else if (spread_statistic(&target.spread_us, str_from(statistic)) <= limit_ms * 1000) {
        target.outcome = OUTCOME_PASSED;
    }
    code = code ? code
                : evidence_grow(evidence, &items, check->target_count, EVIDENCE_TARGETS_MAX,
                                sizeof(target));
    if (code == OK) {
        check->targets = items;
        check->targets[check->target_count++] = target;
    }
    return code;
}

int evidence_observe(struct evidence *evidence, const char *kind, const char *subject,
                     const char *value, ...)
{
    struct observation observation = {.at_us = moment_wall_us()};
    void *items = evidence->observations;
    va_list args;
    int code = evidence_copy_text(evidence, str_from(kind), &observation.kind);

    code = code ? code : evidence_copy_text(evidence, str_from(subject), &observation.subject);
    va_start(args, value);
    code = code ? code : copy_format(evidence, value, args, &observation.value);
    va_end(args);
    observation.id = arena_printf(&evidence->arena, "o%zu", evidence->observation_count + 1);
    code = code || observation.id.data ? code : ERR_NO_MEMORY;
    code = code ? code
                : evidence_grow(evidence, &items, evidence->observation_count,
                                EVIDENCE_OBSERVATIONS_MAX, sizeof(observation));
    if (code == OK) {
        evidence->observations = items;
        evidence->observations[evidence->observation_count++] = observation;
    }
    return code;
}
