/*
 * diagnosis: five whys from recorded facts. A table of causes (causes.def) says what each needs to
 * be concluded; the chain goes from the symptom to a cause, and every "because" cites observations
 * by id. Where the facts end, it says "unknown" and what would have to be recorded.
 *
 * Facts come from evidence (evidence.h) and, with --url or --data-dir, from looking: probes of the
 * port, name and certificate, /health and its reasons, /metrics, the exit status, log and
 * configuration of a process that ran here, free disk. Looking changes nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_DIAGNOSIS_H
#define NETRA_VERIFY_DIAGNOSIS_H

#include "verify/evidence.h"
#include "json/json_write.h"

#define DIAGNOSIS_WHYS_MAX  5u
#define DIAGNOSIS_CITES_MAX 8u
#define DIAGNOSES_MAX       16u /* symptoms that have a chain of their own */

struct why {
    struct str because; /* a sentence, of ours, with values of observations */
    const struct observation *cites[DIAGNOSIS_CITES_MAX]; /* at least one */
    size_t cite_count;
};

struct diagnosis {
    struct str symptom; /* "GET /health is not answered" */
    const struct observation *symptom_cite;
    struct why whys[DIAGNOSIS_WHYS_MAX];
    size_t why_count;
    const char *cause; /* id of causes.def: "port_not_listening"; NULL: unknown */
    struct str fix;    /* what to do; empty when unknown */
    struct str needs;  /* of unknown: what was not recorded */
};

struct diagnose_options {
    const struct evidence *evidence; /* NULL: only what looking gives */
    const char *url;                 /* NULL: nothing is asked */
    const char *token;               /* NULL: none */
    const char *ca_file;
    const char *data_dir;     /* NULL: a server's folder on this machine */
    const char *log_file;     /* NULL: a server's log on this machine */
    const char *config_file;  /* NULL */
    const char *process_file; /* NULL; JSON {"pid", "exit_status"?, "signal"?,
                               * "memory_limit_bytes"?, "started_at", "ended_at"?, "revision"?}, as
                               * `netra deploy` targets write it */
};

struct diagnoses {
    struct evidence *facts; /* all observations: of the evidence and of looking */
    struct diagnosis items[DIAGNOSES_MAX];
    size_t count; /* 0: nothing is wrong as far as was looked */
};

/* ERR_USAGE, ERR_NO_MEMORY, ERR_LIMIT. */
must_check int diagnose(const struct diagnose_options *options, struct diagnoses **ret_diagnoses,
                        struct error *error);
void diagnoses_free(struct diagnoses *diagnoses);

/* {"netra_diagnosis":1, "diagnoses":[{symptom, whys:[{because, cites:["o17"]}], cause, fix,
 * needs?}], "observations":[…]} */
must_check int diagnoses_write_json(const struct diagnoses *diagnoses, struct buf *out);
must_check int diagnoses_write_text(const struct diagnoses *diagnoses, bool uses_colour,
                                    struct buf *out);

#endif
