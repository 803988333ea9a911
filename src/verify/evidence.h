/*
 * evidence: what a verification saw: checks with their findings and targets, every exchange, every
 * sample, observations for the diagnosis, and what the meta-check says of all that. Filled by the
 * checks, written to a folder, read again by `netra diagnose --evidence` and `netra loop`.
 *
 *     DIR/evidence.json   everything but samples; format EVIDENCE_FORMAT; drawn in verify/README.md
 *     DIR/samples.csv     set,n,at_us,value_us
 *     DIR/report.md       for people
 *     DIR/junit.xml       for CI: one testcase per finding and target
 *
 * Texts that come from the deployment are data: cut to EVIDENCE_TEXT_BYTES_MAX, cleaned of control
 * characters by the writers. Tokens and other secrets never get here: requests are kept by method
 * and address without their query.
 *
 * All memory is the evidence's arena. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_EVIDENCE_H
#define NETRA_VERIFY_EVIDENCE_H

#include "verify/exchange.h"

#define EVIDENCE_FORMAT           1
#define EVIDENCE_BYTES_MAX        ((size_t)256 << 20) /* the arena */
#define EVIDENCE_CHECKS_MAX       32u
#define EVIDENCE_FINDINGS_MAX     512u   /* of a check */
#define EVIDENCE_TARGETS_MAX      16u    /* of a check */
#define EVIDENCE_EXCHANGES_MAX    20000u /* later ones are counted, not kept */
#define EVIDENCE_SAMPLES_MAX      10000u /* of a set */
#define EVIDENCE_OBSERVATIONS_MAX 2000u
#define EVIDENCE_TEXT_BYTES_MAX   600u

enum outcome {
    OUTCOME_PASSED,
    OUTCOME_FAILED,
    OUTCOME_NOT_EXERCISED /* and needs says what would make it possible */
};
const char *outcome_name(enum outcome outcome); /* "passed", "failed", "not_exercised" */

/* One thing that was looked at within a check: "endpoints/health". */
struct finding {
    struct str id; /* stable, lower case, dotted; unique within the check */
    enum outcome outcome;
    struct str expected; /* a sentence or a value */
    struct str observed;
    struct str needs; /* of NOT_EXERCISED: "faults.allowed", "accounts mode", "a writing run" */
};

/* Samples of one latency, in the order in which they were taken. */
struct sample_set {
    struct str
        name; /* "api", "websocket", "agent_startup", "message_processing", "whole_request" */
    double *values_us;
    int64_t *at_us; /* monotonic, when each was taken */
    size_t count;
    size_t capacity;
    size_t warm_up; /* taken before and not kept */
};

struct spread {
    size_t n;
    double p25, p50, p75, p95, p99, min, max, mean, deviation; /* in the unit of the values */
};
/* Exact order statistics: the smallest value that at least p of the values do not exceed. n = 0:
 * all are NAN. Sorts a copy; ERR_NO_MEMORY. */
must_check int spread_of(const double *values, size_t count, struct spread *ret_spread);
/* The one that "p50", "p95" or "p99" names. */
double spread_statistic(const struct spread *spread, const char *statistic);

struct target {
    struct str name; /* of its sample set */
    double limit_ms;
    const char *statistic; /* "p50", "p95", "p99": which of the spread the limit is for */
    struct spread spread_us;
    enum outcome outcome;
    struct str needs;
};

struct check {
    struct str id; /* "message_flow", "features", "endpoints", "performance", "error_handling",
                    * "basic", "authentication", "isolation", "acceptance" */
    struct str title;
    enum outcome outcome; /* set by evidence_end_check */
    struct str reason;    /* of FAILED and NOT_EXERCISED: the first finding's, in a sentence */
    int64_t started_us;   /* wall clock */
    int64_t started_monotonic_us;
    int64_t duration_us;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    size_t exchanges; /* of HTTP and WebSocket */
    struct finding *findings;
    size_t finding_count;
    size_t finding_capacity;
    struct target targets[EVIDENCE_TARGETS_MAX];
    size_t target_count;
};

/* One request as evidence; a WebSocket is one with its handshake's times and all its bytes. */
struct kept_exchange {
    struct str check;
    struct str method;
    struct str url;       /* without the query */
    struct exchange what; /* head and body empty */
};

/* A recorded fact that a diagnosis may cite. */
struct observation {
    struct str id;      /* "o17" */
    struct str kind;    /* "probe", "health", "log", "metric", "config", "port", "disk",
                         * "certificate", "process", "revision", "clock" */
    struct str subject; /* "GET /health", "metric netra_…", "file /var/…" */
    struct str value;   /* what was seen */
    int64_t at_us;
};

struct side { /* who used what */
    bool is_known;
    struct str needs; /* when it is not */
    int64_t cpu_us;   /* user and system, during the verification */
    uint64_t peak_rss_bytes;
};

enum summary_outcome { SUMMARY_GREEN, SUMMARY_FAILED, SUMMARY_INCOMPLETE, SUMMARY_UNREACHABLE };
const char *summary_name(enum summary_outcome outcome);

struct evidence {
    struct arena arena;
    struct str url;
    struct str profile; /* "floor", "strict", "acceptance" */
    struct str client_version, server_version, deployment;
    bool is_read_only;
    int64_t started_us, finished_us; /* wall clock */
    int64_t started_monotonic_us, finished_monotonic_us;
    struct check checks[EVIDENCE_CHECKS_MAX];
    size_t check_count;
    struct kept_exchange *exchanges;
    size_t exchange_count, exchange_capacity, exchanges_not_kept;
    struct sample_set sets[EVIDENCE_TARGETS_MAX];
    size_t set_count;
    struct observation *observations;
    size_t observation_count, observation_capacity;
    struct side client, server;
    struct finding *violations; /* of the meta-check: id is the rule, observed says where */
    size_t violation_count, violation_capacity;
    enum summary_outcome summary; /* set by evidence_judge */
};

/* evidence is large: keep it on the heap. ERR_NO_MEMORY. */
must_check int evidence_new(struct evidence **ret_evidence);
void evidence_free(struct evidence *evidence); /* NULL is allowed */

/* ---- filling; ERR_LIMIT, ERR_NO_MEMORY; texts are copied ---- */

must_check int evidence_begin_check(struct evidence *evidence, const char *id, const char *title,
                                    struct check **ret_check);
/* An exchange of the check that is open: counted, kept. NULL check: of the set-up. */
must_check int evidence_keep_exchange(struct evidence *evidence, struct check *check,
                                      const struct exchange_request *request,
                                      const struct exchange *exchange);
/* A WebSocket that has ended. */
must_check int evidence_keep_socket(struct evidence *evidence, struct check *check, const char *url,
                                    const struct exchange *handshake, uint64_t bytes_sent,
                                    uint64_t bytes_received);
must_check int evidence_find(struct evidence *evidence, struct check *check, const char *id,
                             enum outcome outcome, const char *expected, const char *observed, ...)
    printf_like(6, 7);
must_check int evidence_not_exercised(struct evidence *evidence, struct check *check,
                                      const char *id, const char *needs);
must_check int evidence_sample_set(struct evidence *evidence, const char *name, size_t warm_up,
                                   struct sample_set **ret_set);
must_check int evidence_sample(struct evidence *evidence, struct sample_set *set, double value_us);
/* Judges set against limit_ms; fewer than EVIDENCE_SAMPLES_LEAST samples: failed, and says so. */
#define EVIDENCE_SAMPLES_LEAST 50u
must_check int evidence_target(struct evidence *evidence, struct check *check,
                               const struct sample_set *set, double limit_ms,
                               const char *statistic);
must_check int evidence_observe(struct evidence *evidence, const char *kind, const char *subject,
                                const char *value, ...) printf_like(4, 5);
/* Its duration, and the worst of its findings and targets; without any: failed. */
void evidence_end_check(struct evidence *evidence, struct check *check);

/* ---- judging (meta_check.c): after the last check ---- */

/* Fails each check that says passed and sent no byte, received none, took no time or, where it has
 * samples, shows no variance; and evidence whose times contradict each other: a check outside the
 * run, checks that overlap, an exchange outside its check or longer than it, phases out of order, a
 * sum of samples longer than the check, a wall clock that disagrees with the monotonic one by over
 * a second, fewer samples than were claimed, two sample sets alike byte by byte. Then the
 * summary. */
must_check int evidence_judge(struct evidence *evidence);

/* ---- writing and reading ---- */

/* All four files into a folder, which is made. ERR_IO, ERR_NO_MEMORY. */
must_check int evidence_write(const struct evidence *evidence, const char *folder,
                              struct error *error);
/* Progress and result for a terminal: one line a check, then targets, then what was not exercised.
 * uses_colour: ANSI. */
must_check int evidence_print(const struct evidence *evidence, bool uses_colour, struct buf *out);
must_check int evidence_write_json(const struct evidence *evidence, struct buf *out);
must_check int evidence_write_junit(const struct evidence *evidence, struct buf *out);
must_check int evidence_write_markdown(const struct evidence *evidence, struct buf *out);
must_check int evidence_write_samples(const struct evidence *evidence, struct buf *out);

/* evidence.json and samples.csv of a folder; nothing in them is trusted. It can be judged again:
 * evidence that was changed by hand until it contradicts itself is found. ERR_IO, ERR_INVALID (with
 * the member), ERR_LIMIT. */
must_check int evidence_read(const char *folder, struct evidence **ret_evidence,
                             struct error *error);

#endif
