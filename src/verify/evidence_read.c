/*
 * Reading evidence back. Nothing in the files is trusted: types, ranges and counts are checked,
 * and what the file says of its own outcome is kept only so that evidence_judge can disagree.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "verify/evidence_rows.h"
#include "json/json_read.h"

#define FILE_BYTES_MAX ((size_t)128 << 20)
#define READ_BYTES     65536u
#define PATH_BYTES_MAX 4096u
#define TIME_US_MAX    (INT64_C(1) << 53) /* about the year 2255 */

struct reading {
    struct evidence *evidence;
    struct error *error;
};

static int wrong(const struct reading *reading, const char *member)
{
    return error_set(reading->error, ERR_INVALID, "evidence.json: %s is missing or wrong", member);
}

/* ---- members ---- */

static int get_text(const struct reading *reading, struct json_value row, const char *key,
                    struct str *ret_text)
{
    struct str text;

    if (!json_get_str(json_at(row, key), &text)) {
        return wrong(reading, key);
    }
    int code = evidence_text(reading->evidence, text, ret_text);
    return code ? error_set(reading->error, code, "%s", error_code_text(code)) : OK;
}

/* Absent: empty. */
static int get_optional_text(const struct reading *reading, struct json_value row, const char *key,
                             struct str *ret_text)
{
    *ret_text = STR("");
    return json_is(json_at(row, key), JSON_MISSING) ? OK : get_text(reading, row, key, ret_text);
}

static int get_count(const struct reading *reading, struct json_value row, const char *key,
                     int64_t *ret_value)
{
    int64_t value;

    if (!json_get_i64(json_at(row, key), &value) || value < 0 || value > TIME_US_MAX) {
        return wrong(reading, key);
    }
    *ret_value = value;
    return OK;
}

static int get_bytes(const struct reading *reading, struct json_value row, const char *key,
                     uint64_t *ret_value)
{
    int64_t value = 0;
    int code = get_count(reading, row, key, &value);

    *ret_value = (uint64_t)value;
    return code;
}

static int get_number(const struct reading *reading, struct json_value row, const char *key,
                      double *ret_value)
{
    struct json_value value = json_at(row, key);

    if (json_is(value, JSON_NULL)) {
        *ret_value = NAN;
        return OK;
    }
    return json_get_double(value, ret_value) ? OK : wrong(reading, key);
}

static int get_outcome(const struct reading *reading, struct json_value row,
                       enum outcome *ret_outcome)
{
    struct str name;

    if (json_get_str(json_at(row, "outcome"), &name)) {
        for (int i = OUTCOME_PASSED; i <= OUTCOME_NOT_EXERCISED; i++) {
            if (str_equal(name, str_from(outcome_name((enum outcome)i)))) {
                *ret_outcome = (enum outcome)i;
                return OK;
            }
        }
    }
    return wrong(reading, "outcome");
}

/* What the file claims; evidence_judge computes it anew. */
static int get_summary(const struct reading *reading, struct json_value root)
{
    struct str name;

    if (json_get_str(json_at(json_at(root, "summary"), "outcome"), &name)) {
        for (int i = SUMMARY_GREEN; i <= SUMMARY_UNREACHABLE; i++) {
            if (str_equal(name, str_from(summary_name((enum summary_outcome)i)))) {
                reading->evidence->summary = (enum summary_outcome)i;
                return OK;
            }
        }
    }
    return wrong(reading, "summary");
}

/* fn for each element of an array; its absence is an error. */
typedef int (*element_fn)(const struct reading *reading, struct json_value element, void *arg);

static int each(const struct reading *reading, struct json_value row, const char *key,
                element_fn fn, void *arg)
{
    struct json_value array = json_at(row, key);
    int code = OK;

    if (!json_is(array, JSON_ARRAY)) {
        return wrong(reading, key);
    }
    for (struct json_iterator it = json_iterate(array); code == OK && json_next(&it);) {
        code = fn(reading, it.value, arg);
    }
    if (code == ERR_LIMIT) {
        return error_set(reading->error, code, "evidence.json: too many %s", key);
    }
    return code == ERR_NO_MEMORY ? error_set(reading->error, code, "out of memory") : code;
}

/* ---- checks ---- */

static int read_finding(const struct reading *reading, struct json_value row, void *arg)
{
    struct finding finding;
    int code = get_outcome(reading, row, &finding.outcome);

    code = code ? code : get_text(reading, row, "id", &finding.id);
    code = code ? code : get_text(reading, row, "expected", &finding.expected);
    code = code ? code : get_text(reading, row, "observed", &finding.observed);
    code = code ? code : get_optional_text(reading, row, "needs", &finding.needs);
    return code ? code : evidence_add_finding(reading->evidence, (struct check *)arg, &finding);
}

static const char *statistic_from(struct str name)
{
    static const char *const names[] = {"p50", "p95", "p99"};

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (str_equal(name, str_from(names[i]))) {
            return names[i];
        }
    }
    return NULL;
}

static int read_spread(const struct reading *reading, struct json_value row, struct spread *spread)
{
    const struct {
        const char *key;
        double *value;
    } members[] = {
        {"p25", &spread->p25}, {"p50", &spread->p50},   {"p75", &spread->p75},
        {"p95", &spread->p95}, {"p99", &spread->p99},   {"min", &spread->min},
        {"max", &spread->max}, {"mean", &spread->mean}, {"deviation", &spread->deviation},
    };
    int64_t count = 0;
    int code = get_count(reading, row, "n", &count);

    spread->n = (size_t)count;
    for (size_t i = 0; code == OK && i < ARRAY_LENGTH(members); i++) {
        code = get_number(reading, row, members[i].key, members[i].value);
    }
    return code;
}

static int read_target(const struct reading *reading, struct json_value row, void *arg)
{
    struct check *check = (struct check *)arg;
    struct target target = {0};
    struct str statistic = STR("");

    if (check->target_count >= EVIDENCE_TARGETS_MAX) {
        return ERR_LIMIT;
    }
    int code = get_text(reading, row, "name", &target.name);
    code = code ? code : get_number(reading, row, "limit_ms", &target.limit_ms);
    code = code ? code : get_text(reading, row, "statistic", &statistic);
    code = code ? code : get_outcome(reading, row, &target.outcome);
    code = code ? code : get_optional_text(reading, row, "needs", &target.needs);
    code = code ? code : read_spread(reading, json_at(row, "spread_us"), &target.spread_us);
    target.statistic = statistic_from(statistic);
    if (code == OK && !target.statistic) {
        code = wrong(reading, "statistic");
    }
    if (code == OK) {
        check->targets[check->target_count++] = target;
    }
    return code;
}

static int read_check(const struct reading *reading, struct json_value row, void *arg)
{
    struct evidence *evidence = reading->evidence;
    int64_t exchanges = 0;

    (void)arg;
    if (evidence->check_count >= EVIDENCE_CHECKS_MAX) {
        return ERR_LIMIT;
    }
    struct check *check = &evidence->checks[evidence->check_count];
    int code = get_text(reading, row, "id", &check->id);
    code = code ? code : get_text(reading, row, "title", &check->title);
    code = code ? code : get_text(reading, row, "reason", &check->reason);
    code = code ? code : get_outcome(reading, row, &check->outcome);
    code = code ? code : get_count(reading, row, "started_us", &check->started_us);
    code =
        code ? code : get_count(reading, row, "started_monotonic_us", &check->started_monotonic_us);
    code = code ? code : get_count(reading, row, "duration_us", &check->duration_us);
    code = code ? code : get_bytes(reading, row, "bytes_sent", &check->bytes_sent);
    code = code ? code : get_bytes(reading, row, "bytes_received", &check->bytes_received);
    code = code ? code : get_count(reading, row, "exchanges", &exchanges);
    check->exchanges = (size_t)exchanges;
    code = code ? code : each(reading, row, "findings", read_finding, check);
    code = code ? code : each(reading, row, "targets", read_target, check);
    evidence->check_count += code == OK;
    return code;
}

/* ---- exchanges and observations ---- */

static int get_line(const struct reading *reading, struct json_value row, const char *key,
                    char *out, size_t size)
{
    struct str text;

    if (!json_get_str(json_at(row, key), &text) || text.length >= size) {
        return wrong(reading, key);
    }
    (void)snprintf(out, size, "%.*s", STR_ARGS(text));
    return OK;
}

struct time_member {
    const char *key;
    int64_t *time_us;
};

static int get_times(const struct reading *reading, struct json_value row,
                     const struct time_member *members, size_t count)
{
    int code = OK;

    for (size_t i = 0; code == OK && i < count; i++) {
        code = get_count(reading, row, members[i].key, members[i].time_us);
    }
    return code;
}

static int read_exchange_times(const struct reading *reading, struct json_value row,
                               struct exchange *what)
{
    const struct time_member members[] = {
        {"started_us", &what->started_us},
        {"started_monotonic_us", &what->started_monotonic_us},
        {"name_us", &what->name_us},
        {"connect_us", &what->connect_us},
        {"tls_us", &what->tls_us},
        {"sent_us", &what->sent_us},
        {"first_byte_us", &what->first_byte_us},
        {"total_us", &what->total_us},
    };

    return get_times(reading, row, members, ARRAY_LENGTH(members));
}

static int read_exchange_failure(const struct reading *reading, struct json_value row,
                                 struct exchange *what)
{
    int64_t number = 0;

    if (json_is(json_at(row, "failure"), JSON_MISSING)) {
        return OK;
    }
    int code = get_line(reading, row, "failure", what->failure, sizeof(what->failure));
    code = code ? code : get_count(reading, row, "curl_code", &number);
    what->curl_code = (int)(number & 0xffff);
    code = code ? code : get_count(reading, row, "os_errno", &number);
    what->os_errno = (long)number;
    what->code = ERR_IO;
    return code;
}

static int read_exchange(const struct reading *reading, struct json_value row, void *arg)
{
    struct evidence *evidence = reading->evidence;
    struct kept_exchange kept = {.what = {.head = {"", 0}, .body = {"", 0}}};
    void *rows = evidence->exchanges;
    int64_t status = 0;

    (void)arg;
    int code = get_text(reading, row, "check", &kept.check);
    code = code ? code : get_text(reading, row, "method", &kept.method);
    code = code ? code : get_text(reading, row, "url", &kept.url);
    code = code ? code : get_count(reading, row, "status", &status);
    kept.what.status = (int)(status & 0xffff);
    code = code ? code : read_exchange_times(reading, row, &kept.what);
    code = code ? code : get_bytes(reading, row, "bytes_sent", &kept.what.bytes_sent);
    code = code ? code : get_bytes(reading, row, "bytes_received", &kept.what.bytes_received);
    code = code ? code : get_line(reading, row, "peer", kept.what.peer, sizeof(kept.what.peer));
    code = code ? code : get_line(reading, row, "local", kept.what.local, sizeof(kept.what.local));
    code = code ? code : get_line(reading, row, "tls", kept.what.tls, sizeof(kept.what.tls));
    if (code == OK && !json_is(json_at(row, "certificate_expires_us"), JSON_MISSING)) {
        code = get_count(reading, row, "certificate_expires_us", &kept.what.certificate_expires_us);
    }
    code = code ? code : read_exchange_failure(reading, row, &kept.what);
    if (code) {
        return code;
    }
    code = evidence_grow(evidence, &rows, sizeof(kept), evidence->exchange_count,
                         &evidence->exchange_capacity, EVIDENCE_EXCHANGES_MAX);
    evidence->exchanges = (struct kept_exchange *)rows;
    if (code == OK) {
        evidence->exchanges[evidence->exchange_count++] = kept;
    }
    return code;
}

static int read_observation(const struct reading *reading, struct json_value row, void *arg)
{
    struct evidence *evidence = reading->evidence;
    struct observation seen = {0};
    void *rows = evidence->observations;

    (void)arg;
    int code = get_text(reading, row, "id", &seen.id);
    code = code ? code : get_text(reading, row, "kind", &seen.kind);
    code = code ? code : get_text(reading, row, "subject", &seen.subject);
    code = code ? code : get_text(reading, row, "value", &seen.value);
    code = code ? code : get_count(reading, row, "at_us", &seen.at_us);
    if (code) {
        return code;
    }
    code = evidence_grow(evidence, &rows, sizeof(seen), evidence->observation_count,
                         &evidence->observation_capacity, EVIDENCE_OBSERVATIONS_MAX);
    evidence->observations = (struct observation *)rows;
    if (code == OK) {
        evidence->observations[evidence->observation_count++] = seen;
    }
    return code;
}

static int read_set(const struct reading *reading, struct json_value row, void *arg)
{
    struct evidence *evidence = reading->evidence;
    struct sample_set set = {0};
    int64_t warm_up = 0;

    (void)arg;
    if (evidence->set_count >= EVIDENCE_TARGETS_MAX) {
        return ERR_LIMIT;
    }
    int code = get_text(reading, row, "name", &set.name);
    code = code ? code : get_count(reading, row, "warm_up", &warm_up);
    set.warm_up = (size_t)warm_up;
    if (code == OK) {
        evidence->sets[evidence->set_count++] = set;
    }
    return code;
}

/* ---- the whole ---- */

static int read_side(const struct reading *reading, struct json_value row, struct side *side)
{
    side->needs = STR("");
    if (!json_is(json_at(row, "needs"), JSON_MISSING)) {
        return get_text(reading, row, "needs", &side->needs);
    }
    int code = get_count(reading, row, "cpu_us", &side->cpu_us);
    code = code ? code : get_bytes(reading, row, "peak_rss_bytes", &side->peak_rss_bytes);
    side->is_known = code == OK;
    return code;
}

static int read_texts(const struct reading *reading, struct json_value root)
{
    struct evidence *evidence = reading->evidence;
    const struct {
        const char *key;
        struct str *text;
    } members[] = {
        {"url", &evidence->url},
        {"profile", &evidence->profile},
        {"client_version", &evidence->client_version},
        {"server_version", &evidence->server_version},
        {"deployment", &evidence->deployment},
    };
    int code = OK;

    for (size_t i = 0; code == OK && i < ARRAY_LENGTH(members); i++) {
        code = get_text(reading, root, members[i].key, members[i].text);
    }
    return code;
}

static int read_times(const struct reading *reading, struct json_value root)
{
    struct evidence *evidence = reading->evidence;
    const struct time_member members[] = {
        {"started_us", &evidence->started_us},
        {"finished_us", &evidence->finished_us},
        {"started_monotonic_us", &evidence->started_monotonic_us},
        {"finished_monotonic_us", &evidence->finished_monotonic_us},
    };
    int code = get_times(reading, root, members, ARRAY_LENGTH(members));

    if (code == OK && evidence->finished_us == 0) {
        code = wrong(reading, "finished_us"); /* evidence_judge would take it for unfinished */
    }
    return code;
}

static int read_head(const struct reading *reading, struct json_value root)
{
    int64_t format = 0;
    int code = get_count(reading, root, "netra_evidence", &format);

    if (code == OK && format != EVIDENCE_FORMAT) {
        return error_set(reading->error, ERR_INVALID, "evidence.json: format %lld is not known",
                         (long long)format);
    }
    code = code ? code : read_texts(reading, root);
    code = code ? code : read_times(reading, root);
    if (code == OK &&
        !json_get_bool(json_at(root, "read_only"), &reading->evidence->is_read_only)) {
        code = wrong(reading, "read_only");
    }
    return code;
}

static int read_root(const struct reading *reading, struct json_value root)
{
    struct evidence *evidence = reading->evidence;
    struct json_value resources = json_at(root, "resources");
    int64_t not_kept = 0;
    int code = read_head(reading, root);

    code = code ? code : get_summary(reading, root);
    code = code ? code : each(reading, root, "checks", read_check, NULL);
    code = code ? code : each(reading, root, "sample_sets", read_set, NULL);
    code = code ? code : read_side(reading, json_at(resources, "client"), &evidence->client);
    code = code ? code : read_side(reading, json_at(resources, "server"), &evidence->server);
    code = code ? code : each(reading, root, "observations", read_observation, NULL);
    code = code ? code : get_count(reading, root, "exchanges_not_kept", &not_kept);
    evidence->exchanges_not_kept = (size_t)not_kept;
    return code ? code : each(reading, root, "exchanges", read_exchange, NULL);
}

int evidence_parse(struct str json, struct evidence *evidence, struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct reading reading = {evidence, error};
    struct json_value root;

    if (json_parser_new(FILE_BYTES_MAX, &parser)) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    int code = json_parse(parser, json, &root, error);
    return code ? code : read_root(&reading, root);
}

/* ---- samples.csv ---- */

static struct str next_cell(struct str *line)
{
    size_t comma = str_find(*line, STR(","), 0);
    struct str cell = str_slice(*line, 0, comma == SIZE_MAX ? line->length : comma);

    *line = str_slice(*line, comma == SIZE_MAX ? line->length : comma + 1, line->length);
    return cell;
}

/* A number that takes the whole cell. */
static bool get_cell(struct str cell, double *ret_value)
{
    char text[64];
    char *end = NULL;

    if (cell.length == 0 || cell.length >= sizeof(text)) {
        return false;
    }
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARGS(cell));
    *ret_value = strtod(text, &end);
    return end == text + cell.length && isfinite(*ret_value);
}

static int read_sample(struct evidence *evidence, struct str line)
{
    struct str name = next_cell(&line);
    double number;
    double at;
    double value;

    if (!get_cell(next_cell(&line), &number) || !get_cell(next_cell(&line), &at) ||
        !get_cell(next_cell(&line), &value) || line.length || fabs(at) > (double)TIME_US_MAX) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < evidence->set_count; i++) {
        struct sample_set *set = &evidence->sets[i];

        if (str_equal(set->name, name)) {
            return number == (double)(set->count + 1)
                       ? evidence_add_sample(evidence, set, value, (int64_t)at)
                       : ERR_INVALID;
        }
    }
    return ERR_INVALID;
}

int evidence_parse_samples(struct str csv, struct evidence *evidence, struct error *error)
{
    for (size_t number = 1; csv.length; number++) {
        size_t end = str_find(csv, STR("\n"), 0);
        struct str line = str_slice(csv, 0, end == SIZE_MAX ? csv.length : end);

        csv = str_slice(csv, end == SIZE_MAX ? csv.length : end + 1, csv.length);
        int code = number > 1 ? read_sample(evidence, line) : OK;
        if (code) {
            return error_set(error, code, "samples.csv: line %zu: %s", number,
                             error_code_text(code));
        }
    }
    return OK;
}

/* ---- files ---- */

static void close_file(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static int read_file_of(const char *folder, const char *name, struct buf *out, struct error *error)
{
    char path[PATH_BYTES_MAX];
    char piece[READ_BYTES];
    int length = snprintf(path, sizeof(path), "%s/%s", folder, name);

    if (length < 0 || (size_t)length >= sizeof(path)) {
        return error_set(error, ERR_INVALID, "the folder's name is too long");
    }
    cleanup(close_file) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return error_set(error, ERR_IO, "cannot open %s: %s", path, strerror(errno));
    }
    for (;;) {
        ssize_t got = read(fd, piece, sizeof(piece));

        if (got == 0) {
            return OK;
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return error_set(error, ERR_IO, "cannot read %s: %s", path, strerror(errno));
        }
        buf_append(out, (struct str){piece, (size_t)got});
        if (buf_status(out)) {
            return error_set(error, buf_status(out), "cannot read %s: %s", path,
                             error_code_text(buf_status(out)));
        }
    }
}

int evidence_read(const char *folder, struct evidence **ret_evidence, struct error *error)
{
    cleanup(buf_done) struct buf json;
    cleanup(buf_done) struct buf csv;
    struct evidence *evidence = NULL;

    buf_init(&json, FILE_BYTES_MAX);
    buf_init(&csv, FILE_BYTES_MAX);
    int code = read_file_of(folder, "evidence.json", &json, error);
    code = code ? code : read_file_of(folder, "samples.csv", &csv, error);
    if (code == OK && evidence_new(&evidence)) {
        code = error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    code = code ? code : evidence_parse(buf_str(&json), evidence, error);
    code = code ? code : evidence_parse_samples(buf_str(&csv), evidence, error);
    if (code) {
        evidence_free(evidence);
        return code;
    }
    *ret_evidence = evidence;
    return OK;
}
