/*
 * Filling. Rows live in the evidence's arena; a table that is full is copied to one twice as large,
 * and what it was stays behind in the arena, which is as much again at most.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify/evidence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "verify/evidence_rows.h"
#include "verify/wire.h"

#define ROWS_FIRST 16u

const char *outcome_name(enum outcome outcome)
{
    static const char *const names[] = {"passed", "failed", "not_exercised"};

    return names[outcome];
}

const char *summary_name(enum summary_outcome outcome)
{
    static const char *const names[] = {"green", "failed", "incomplete", "unreachable"};

    return names[outcome];
}

int evidence_new(struct evidence **ret_evidence)
{
    struct evidence *evidence = alloc_zeroed(1, sizeof(*evidence));

    if (!evidence) {
        return ERR_NO_MEMORY;
    }
    arena_init(&evidence->arena, EVIDENCE_BYTES_MAX);
    evidence->url = evidence->profile = evidence->client_version = STR("");
    evidence->server_version = evidence->deployment = STR("");
    evidence->client.needs = evidence->server.needs = STR("");
    evidence->started_us = wire_wall_us();
    evidence->started_monotonic_us = wire_now_us();
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

/* ---- rows ---- */

int evidence_refused(const struct evidence *evidence, size_t bytes)
{
    return arena_has_room(&evidence->arena, bytes) ? ERR_NO_MEMORY : ERR_LIMIT;
}

int evidence_grow(struct evidence *evidence, void **rows, size_t row_bytes, size_t count,
                  size_t *capacity, size_t max)
{
    if (count < *capacity) {
        return OK;
    }
    if (count >= max) {
        return ERR_LIMIT;
    }
    size_t wanted = *capacity ? *capacity * 2 : ROWS_FIRST;
    wanted = wanted < max ? wanted : max;
    void *longer = arena_alloc(&evidence->arena, wanted, row_bytes);
    if (!longer) {
        return evidence_refused(evidence, wanted * row_bytes);
    }
    if (count) {
        memcpy(longer, *rows, count * row_bytes);
    }
    *rows = longer;
    *capacity = wanted;
    return OK;
}

int evidence_text(struct evidence *evidence, struct str text, struct str *ret_text)
{
    size_t length = text.length;

    if (length > EVIDENCE_TEXT_BYTES_MAX) { /* not within a character */
        length = EVIDENCE_TEXT_BYTES_MAX;
        while (length > 0 && ((unsigned char)text.data[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    struct str copy = arena_copy(&evidence->arena, str_slice(text, 0, length));
    if (!copy.data) {
        return evidence_refused(evidence, length + 1);
    }
    *ret_text = copy;
    return OK;
}

static int format_text(struct evidence *evidence, struct str *ret_text, const char *format,
                       va_list arguments)
{
    char text[EVIDENCE_TEXT_BYTES_MAX + 1];
    int length = vsnprintf(text, sizeof(text), format, arguments);

    if (length < 0) {
        return ERR_INVALID;
    }
    /* A character that was cut by vsnprintf goes. */
    struct str whole = {text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1};
    while (whole.length && (size_t)length >= sizeof(text) && !str_is_utf8(whole)) {
        whole.length--;
    }
    return evidence_text(evidence, whole, ret_text);
}

/* ---- checks ---- */

int evidence_begin_check(struct evidence *evidence, const char *id, const char *title,
                         struct check **ret_check)
{
    if (evidence->check_count >= EVIDENCE_CHECKS_MAX) {
        return ERR_LIMIT;
    }
    struct check check = {.started_us = wire_wall_us(),
                          .started_monotonic_us = wire_now_us(),
                          .outcome = OUTCOME_FAILED,
                          .reason = STR("it did not end")};
    int code = evidence_text(evidence, str_from(id), &check.id);

    code = code ? code : evidence_text(evidence, str_from(title), &check.title);
    if (code == OK) {
        evidence->checks[evidence->check_count] = check;
        *ret_check = &evidence->checks[evidence->check_count++];
    }
    return code;
}

int evidence_add_finding(struct evidence *evidence, struct check *check,
                         const struct finding *finding)
{
    void *rows = check->findings;
    int code = evidence_grow(evidence, &rows, sizeof(*finding), check->finding_count,
                             &check->finding_capacity, EVIDENCE_FINDINGS_MAX);

    check->findings = (struct finding *)rows;
    if (code == OK) {
        check->findings[check->finding_count++] = *finding;
    }
    return code;
}

int evidence_find(struct evidence *evidence, struct check *check, const char *id,
                  enum outcome outcome, const char *expected, const char *observed, ...)
{
    struct finding finding = {.outcome = outcome, .needs = STR("")};
    va_list arguments;
    int code = evidence_text(evidence, str_from(id), &finding.id);

    code = code ? code : evidence_text(evidence, str_from(expected), &finding.expected);
    va_start(arguments, observed);
    code = code ? code : format_text(evidence, &finding.observed, observed, arguments);
    va_end(arguments);
    return code ? code : evidence_add_finding(evidence, check, &finding);
}

int evidence_not_exercised(struct evidence *evidence, struct check *check, const char *id,
                           const char *needs)
{
    struct finding finding = {
        .outcome = OUTCOME_NOT_EXERCISED, .expected = STR(""), .observed = STR("")};
    int code = evidence_text(evidence, str_from(id), &finding.id);

    code = code ? code : evidence_text(evidence, str_from(needs), &finding.needs);
    return code ? code : evidence_add_finding(evidence, check, &finding);
}

/* Which finding or target says what the check's outcome is. */
static struct str reason_of(struct evidence *evidence, const struct check *check)
{
    for (size_t i = 0; i < check->finding_count; i++) {
        const struct finding *finding = &check->findings[i];

        if (finding->outcome == check->outcome && finding->outcome == OUTCOME_FAILED) {
            return arena_printf(&evidence->arena, "%.*s: expected %.*s, observed %.*s",
                                STR_ARGS(finding->id), STR_ARGS(finding->expected),
                                STR_ARGS(finding->observed));
        }
        if (finding->outcome == check->outcome) {
            return arena_printf(&evidence->arena, "%.*s needs %.*s", STR_ARGS(finding->id),
                                STR_ARGS(finding->needs));
        }
    }
    for (size_t i = 0; i < check->target_count; i++) {
        const struct target *target = &check->targets[i];

        if (target->outcome == check->outcome) {
            return target->needs.length
                       ? arena_printf(&evidence->arena, "%.*s needs %.*s", STR_ARGS(target->name),
                                      STR_ARGS(target->needs))
                       : arena_printf(&evidence->arena, "%.*s: %s over %g ms",
                                      STR_ARGS(target->name), target->statistic, target->limit_ms);
        }
    }
    return STR("nothing was looked at");
}

void evidence_end_check(struct evidence *evidence, struct check *check)
{
    bool has_failed = check->finding_count + check->target_count == 0;
    bool is_partial = false;

    check->duration_us = wire_now_us() - check->started_monotonic_us;
    for (size_t i = 0; i < check->finding_count; i++) {
        has_failed |= check->findings[i].outcome == OUTCOME_FAILED;
        is_partial |= check->findings[i].outcome == OUTCOME_NOT_EXERCISED;
    }
    for (size_t i = 0; i < check->target_count; i++) {
        has_failed |= check->targets[i].outcome == OUTCOME_FAILED;
        is_partial |= check->targets[i].outcome == OUTCOME_NOT_EXERCISED;
    }
    check->outcome = has_failed   ? OUTCOME_FAILED
                     : is_partial ? OUTCOME_NOT_EXERCISED
                                  : OUTCOME_PASSED;
    check->reason = STR("");
    if (check->outcome != OUTCOME_PASSED) {
        struct str reason = reason_of(evidence, check);

        check->reason = reason.data ? reason : STR("there was no memory to say why");
    }
}

/* ---- exchanges ---- */

/* Without what may hold a secret: the name of a user, the query, the fragment. */
static int copy_address(struct evidence *evidence, struct str url, struct str *ret_text)
{
    size_t scheme = str_find(url, STR("://"), 0);
    size_t host = scheme == SIZE_MAX ? 0 : scheme + 3;
    size_t name = host;
    size_t end = host;

    for (; end < url.length && !strchr("/?#", url.data[end]); end++) {
        name = url.data[end] == '@' ? end + 1 : name;
    }
    while (end < url.length && url.data[end] != '?' && url.data[end] != '#') {
        end++;
    }
    if (name == host) {
        return evidence_text(evidence, str_slice(url, 0, end), ret_text);
    }
    struct str clean = arena_printf(&evidence->arena, "%.*s%.*s", STR_ARGS(str_slice(url, 0, host)),
                                    STR_ARGS(str_slice(url, name, end)));
    return clean.data ? evidence_text(evidence, clean, ret_text) : evidence_refused(evidence, end);
}

static int keep(struct evidence *evidence, struct check *check, struct kept_exchange *row,
                struct str url)
{
    if (check) {
        check->bytes_sent += row->what.bytes_sent;
        check->bytes_received += row->what.bytes_received;
        check->exchanges++;
    }
    if (evidence->exchange_count >= EVIDENCE_EXCHANGES_MAX) {
        evidence->exchanges_not_kept++;
        return OK;
    }
    void *rows = evidence->exchanges;
    int code = evidence_grow(evidence, &rows, sizeof(*row), evidence->exchange_count,
                             &evidence->exchange_capacity, EVIDENCE_EXCHANGES_MAX);
    evidence->exchanges = (struct kept_exchange *)rows;
    row->check = check ? check->id : STR("");
    row->what.head = row->what.body = STR("");
    code = code ? code : copy_address(evidence, url, &row->url);
    if (code == OK) {
        evidence->exchanges[evidence->exchange_count++] = *row;
    }
    return code;
}

int evidence_keep_exchange(struct evidence *evidence, struct check *check,
                           const struct exchange_request *request, const struct exchange *exchange)
{
    struct kept_exchange row = {.what = *exchange};
    int code = evidence_text(evidence, str_from(request->method), &row.method);

    return code ? code : keep(evidence, check, &row, str_from(request->url));
}

int evidence_keep_socket(struct evidence *evidence, struct check *check, const char *url,
                         const struct exchange *handshake, uint64_t bytes_sent,
                         uint64_t bytes_received)
{
    struct kept_exchange row = {.method = STR("WEBSOCKET"), .what = *handshake};

    /* Those of the handshake are among them. */
    row.what.bytes_sent = bytes_sent > handshake->bytes_sent ? bytes_sent : handshake->bytes_sent;
    row.what.bytes_received =
        bytes_received > handshake->bytes_received ? bytes_received : handshake->bytes_received;
    return keep(evidence, check, &row, str_from(url));
}

/* ---- samples ---- */

int evidence_sample_set(struct evidence *evidence, const char *name, size_t warm_up,
                        struct sample_set **ret_set)
{
    if (evidence->set_count >= EVIDENCE_TARGETS_MAX) {
        return ERR_LIMIT;
    }
    struct sample_set set = {.warm_up = warm_up};
    int code = evidence_text(evidence, str_from(name), &set.name);
    if (code == OK) {
        evidence->sets[evidence->set_count] = set;
        *ret_set = &evidence->sets[evidence->set_count++];
    }
    return code;
}

int evidence_add_sample(struct evidence *evidence, struct sample_set *set, double value_us,
                        int64_t at_us)
{
    void *values = set->values_us;
    void *times = set->at_us;
    size_t capacity = set->capacity;
    int code = evidence_grow(evidence, &values, sizeof(double), set->count, &capacity,
                             EVIDENCE_SAMPLES_MAX);

    if (code == OK) {
        size_t same = set->capacity;

        code = evidence_grow(evidence, &times, sizeof(int64_t), set->count, &same,
                             EVIDENCE_SAMPLES_MAX);
    }
    if (code) {
        return code;
    }
    set->values_us = (double *)values;
    set->at_us = (int64_t *)times;
    set->capacity = capacity;
    set->values_us[set->count] = value_us;
    set->at_us[set->count++] = at_us;
    return OK;
}

int evidence_sample(struct evidence *evidence, struct sample_set *set, double value_us)
{
    return evidence_add_sample(evidence, set, value_us, wire_now_us());
}

int evidence_target(struct evidence *evidence, struct check *check, const struct sample_set *set,
                    double limit_ms, const char *statistic)
{
    struct target target = {
        .name = set->name, .limit_ms = limit_ms, .statistic = statistic, .needs = STR("")};

    if (check->target_count >= EVIDENCE_TARGETS_MAX) {
        return ERR_LIMIT;
    }
    int code = spread_of(set->values_us, set->count, &target.spread_us);
    if (code) {
        return code;
    }
    bool is_met = set->count >= EVIDENCE_SAMPLES_LEAST &&
                  spread_statistic(&target.spread_us, statistic) <= limit_ms * 1000;
    target.outcome = is_met ? OUTCOME_PASSED : OUTCOME_FAILED;
    if (set->count < EVIDENCE_SAMPLES_LEAST) {
        target.needs = arena_printf(&evidence->arena, "%u samples, there are %zu",
                                    EVIDENCE_SAMPLES_LEAST, set->count);
        if (!target.needs.data) {
            return evidence_refused(evidence, EVIDENCE_TEXT_BYTES_MAX);
        }
    }
    check->targets[check->target_count++] = target;
    return OK;
}

/* ---- observations ---- */

int evidence_observe(struct evidence *evidence, const char *kind, const char *subject,
                     const char *value, ...)
{
    struct observation row = {.at_us = wire_wall_us()};
    void *rows = evidence->observations;
    va_list arguments;
    int code = evidence_grow(evidence, &rows, sizeof(row), evidence->observation_count,
                             &evidence->observation_capacity, EVIDENCE_OBSERVATIONS_MAX);

    evidence->observations = (struct observation *)rows;
    row.id = arena_printf(&evidence->arena, "o%zu", evidence->observation_count + 1);
    code = code || row.id.data ? code : ERR_NO_MEMORY;
    code = code ? code : evidence_text(evidence, str_from(kind), &row.kind);
    code = code ? code : evidence_text(evidence, str_from(subject), &row.subject);
    va_start(arguments, value);
    code = code ? code : format_text(evidence, &row.value, value, arguments);
    va_end(arguments);
    if (code == OK) {
        evidence->observations[evidence->observation_count++] = row;
    }
    return code;
}
