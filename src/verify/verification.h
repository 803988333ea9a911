/*
 * verification: asks a deployment the questions of the starting report and writes down what it
 * answered. Six critical checks (message flow, features, endpoints, performance, error handling,
 * basic), then authentication and isolation; with the profile acceptance the prompts of MISSION's
 * list. What was made (workspaces, people, threads, datasets) is removed at the end, also after a
 * failure or SIGINT.
 *
 *     floor        the starting report's five targets, p95
 *     strict       Netra's own, p99, on 100,000 synthetic records of a temporary workspace
 *     acceptance   floor, and the prompts
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_VERIFICATION_H
#define NETRA_VERIFY_VERIFICATION_H

#include "verify/evidence.h"

enum verify_profile { VERIFY_FLOOR, VERIFY_STRICT, VERIFY_ACCEPTANCE };

struct verify_options {
    const char *url;      /* of any role: the others are found by /api/discovery/services */
    const char *auth_url; /* NULL: as discovered */
    const char *token;    /* local mode: its token; accounts mode: key or access token of an
                           * operator; NULL: what needs one is not exercised */
    const char *ca_file;  /* NULL: the system's */
    enum verify_profile profile;
    bool is_read_only; /* nothing is made, changed or broken: for production */
    unsigned samples;  /* of each latency; at least EVIDENCE_SAMPLES_LEAST, 0: 100 */
    /* Called as it goes on; NULL: nobody. of may be 0: unknown. */
    void (*on_progress)(const char *check, const char *what, unsigned done, unsigned of, void *arg);
    volatile const int *is_cancelled; /* NULL: never */
    void *arg;
};

/* The evidence is complete and judged also where checks failed, and where the deployment cannot be
 * reached (SUMMARY_UNREACHABLE: then with observations of why). ERR_USAGE (options), ERR_NO_MEMORY,
 * ERR_CANCELLED. */
must_check int verify_run(const struct verify_options *options, struct evidence **ret_evidence,
                          struct error *error);

#endif
