/*
 * evidence.json and samples.csv, as they are drawn in README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdio.h>

#include "verify/evidence.h"
#include "json/json_write.h"

#define NUMBER_BYTES 32u

static void put_text(struct json_writer *w, const char *key, struct str value)
{
    json_key(w, key);
    json_put_str(w, value);
}

static void put_i64(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_put_i64(w, value);
}

static void put_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, key);
    json_put_bool(w, value);
}

/* The shortest text that reads back as the same number; NAN is null. */
static void put_number(struct json_writer *w, const char *key, double value)
{
    char text[NUMBER_BYTES];

    json_key(w, key);
    if (!isfinite(value)) {
        json_put_null(w);
        return;
    }
    (void)snprintf(text, sizeof(text), "%.17g", value);
    json_put_raw(w, str_from(text));
}

static void put_finding(struct json_writer *w, const struct finding *finding)
{
    json_begin_object(w);
    put_text(w, "id", finding->id);
    put_text(w, "outcome", str_from(outcome_name(finding->outcome)));
    put_text(w, "expected", finding->expected);
    put_text(w, "observed", finding->observed);
    if (finding->needs.length) {
        put_text(w, "needs", finding->needs);
    }
    json_end_object(w);
}

static void put_findings(struct json_writer *w, const char *key, const struct finding *findings,
                         size_t count)
{
    json_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        put_finding(w, &findings[i]);
    }
    json_end_array(w);
}

static void put_spread(struct json_writer *w, const struct spread *spread)
{
    json_key(w, "spread_us");
    json_begin_object(w);
    put_i64(w, "n", (int64_t)spread->n);
    put_number(w, "p25", spread->p25);
    put_number(w, "p50", spread->p50);
    put_number(w, "p75", spread->p75);
    put_number(w, "p95", spread->p95);
    put_number(w, "p99", spread->p99);
    put_number(w, "min", spread->min);
    put_number(w, "max", spread->max);
    put_number(w, "mean", spread->mean);
    put_number(w, "deviation", spread->deviation);
    json_end_object(w);
}

static void put_target(struct json_writer *w, const struct target *target)
{
    json_begin_object(w);
    put_text(w, "name", target->name);
    put_number(w, "limit_ms", target->limit_ms);
    put_text(w, "statistic", str_from(target->statistic));
    put_text(w, "outcome", str_from(outcome_name(target->outcome)));
    if (target->needs.length) {
        put_text(w, "needs", target->needs);
    }
    put_spread(w, &target->spread_us);
    json_end_object(w);
}

static void put_check(struct json_writer *w, const struct check *check)
{
    json_begin_object(w);
    put_text(w, "id", check->id);
    put_text(w, "title", check->title);
    put_text(w, "outcome", str_from(outcome_name(check->outcome)));
    put_text(w, "reason", check->reason);
    put_i64(w, "started_us", check->started_us);
    put_i64(w, "started_monotonic_us", check->started_monotonic_us);
    put_i64(w, "duration_us", check->duration_us);
    put_i64(w, "bytes_sent", (int64_t)check->bytes_sent);
    put_i64(w, "bytes_received", (int64_t)check->bytes_received);
    put_i64(w, "exchanges", (int64_t)check->exchanges);
    put_findings(w, "findings", check->findings, check->finding_count);
    json_key(w, "targets");
    json_begin_array(w);
    for (size_t i = 0; i < check->target_count; i++) {
        put_target(w, &check->targets[i]);
    }
    json_end_array(w);
    json_end_object(w);
}

static void put_exchange(struct json_writer *w, const struct kept_exchange *row)
{
    const struct exchange *what = &row->what;

    json_begin_object(w);
    put_text(w, "check", row->check);
    put_text(w, "method", row->method);
    put_text(w, "url", row->url);
    put_i64(w, "status", what->status);
    put_i64(w, "started_us", what->started_us);
    put_i64(w, "started_monotonic_us", what->started_monotonic_us);
    put_i64(w, "name_us", what->name_us);
    put_i64(w, "connect_us", what->connect_us);
    put_i64(w, "tls_us", what->tls_us);
    put_i64(w, "sent_us", what->sent_us);
    put_i64(w, "first_byte_us", what->first_byte_us);
    put_i64(w, "total_us", what->total_us);
    put_i64(w, "bytes_sent", (int64_t)what->bytes_sent);
    put_i64(w, "bytes_received", (int64_t)what->bytes_received);
    put_text(w, "peer", str_from(what->peer));
    put_text(w, "local", str_from(what->local));
    put_text(w, "tls", str_from(what->tls));
    if (what->certificate_expires_us) {
        put_i64(w, "certificate_expires_us", what->certificate_expires_us);
    }
    if (what->failure[0]) {
        put_text(w, "failure", str_from(what->failure));
        put_i64(w, "curl_code", what->curl_code);
        put_i64(w, "os_errno", what->os_errno);
    }
    json_end_object(w);
}

static void put_side(struct json_writer *w, const char *key, const struct side *side)
{
    json_key(w, key);
    json_begin_object(w);
    if (side->is_known) {
        put_i64(w, "cpu_us", side->cpu_us);
        put_i64(w, "peak_rss_bytes", (int64_t)side->peak_rss_bytes);
    } else {
        put_text(w, "needs", side->needs);
    }
    json_end_object(w);
}

static void put_observations(struct json_writer *w, const struct evidence *evidence)
{
    json_key(w, "observations");
    json_begin_array(w);
    for (size_t i = 0; i < evidence->observation_count; i++) {
        const struct observation *row = &evidence->observations[i];

        json_begin_object(w);
        put_text(w, "id", row->id);
        put_text(w, "kind", row->kind);
        put_text(w, "subject", row->subject);
        put_text(w, "value", row->value);
        put_i64(w, "at_us", row->at_us);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_summary(struct json_writer *w, const struct evidence *evidence)
{
    size_t counts[OUTCOME_NOT_EXERCISED + 1] = {0};

    for (size_t i = 0; i < evidence->check_count; i++) {
        counts[evidence->checks[i].outcome]++;
    }
    json_key(w, "summary");
    json_begin_object(w);
    put_text(w, "outcome", str_from(summary_name(evidence->summary)));
    for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
        put_i64(w, outcome_name((enum outcome)i), (int64_t)counts[i]);
    }
    json_end_object(w);
}

static void put_head(struct json_writer *w, const struct evidence *evidence)
{
    put_i64(w, "netra_evidence", EVIDENCE_FORMAT);
    put_text(w, "url", evidence->url);
    put_text(w, "profile", evidence->profile);
    put_text(w, "client_version", evidence->client_version);
    put_text(w, "server_version", evidence->server_version);
    put_text(w, "deployment", evidence->deployment);
    put_bool(w, "read_only", evidence->is_read_only);
    put_i64(w, "started_us", evidence->started_us);
    put_i64(w, "finished_us", evidence->finished_us);
    put_i64(w, "started_monotonic_us", evidence->started_monotonic_us);
    put_i64(w, "finished_monotonic_us", evidence->finished_monotonic_us);
    put_summary(w, evidence);
}

static void put_sets(struct json_writer *w, const struct evidence *evidence)
{
    json_key(w, "sample_sets");
    json_begin_array(w);
    for (size_t i = 0; i < evidence->set_count; i++) {
        json_begin_object(w);
        put_text(w, "name", evidence->sets[i].name);
        put_i64(w, "count", (int64_t)evidence->sets[i].count);
        put_i64(w, "warm_up", (int64_t)evidence->sets[i].warm_up);
        json_end_object(w);
    }
    json_end_array(w);
}

int evidence_write_json(const struct evidence *evidence, struct buf *out)
{
    struct json_writer w = json_writer_indented(out, 1);

    json_begin_object(&w);
    put_head(&w, evidence);
    json_key(&w, "meta");
    json_begin_object(&w);
    put_text(&w, "outcome", str_from(evidence->violation_count ? "failed" : "passed"));
    put_findings(&w, "violations", evidence->violations, evidence->violation_count);
    json_end_object(&w);
    json_key(&w, "checks");
    json_begin_array(&w);
    for (size_t i = 0; i < evidence->check_count; i++) {
        put_check(&w, &evidence->checks[i]);
    }
    json_end_array(&w);
    put_sets(&w, evidence);
    json_key(&w, "resources");
    json_begin_object(&w);
    put_side(&w, "client", &evidence->client);
    put_side(&w, "server", &evidence->server);
    json_end_object(&w);
    put_observations(&w, evidence);
    put_i64(&w, "exchanges_not_kept", (int64_t)evidence->exchanges_not_kept);
    json_key(&w, "exchanges");
    json_begin_array(&w);
    for (size_t i = 0; i < evidence->exchange_count; i++) {
        put_exchange(&w, &evidence->exchanges[i]);
    }
    json_end_array(&w);
    json_end_object(&w);
    buf_append(out, STR("\n"));
    return buf_status(out);
}

int evidence_write_samples(const struct evidence *evidence, struct buf *out)
{
    buf_append(out, STR("set,n,at_us,value_us\n"));
    for (size_t i = 0; i < evidence->set_count; i++) {
        const struct sample_set *set = &evidence->sets[i];

        for (size_t j = 0; j < set->count; j++) {
            buf_printf(out, "%.*s,%zu,%lld,%.17g\n", STR_ARGS(set->name), j + 1,
                       (long long)set->at_us[j], set->values_us[j]);
        }
    }
    return buf_status(out);
}
