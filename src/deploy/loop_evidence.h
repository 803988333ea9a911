/*
 * loop_evidence: what the loop takes from a verification's folder. It is read from the files and
 * judged again: what a command said of itself does not count.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_LOOP_EVIDENCE_H
#define NETRA_DEPLOY_LOOP_EVIDENCE_H

#include "deploy/digest.h"
#include "verify/evidence.h"

struct loop_evidence {
    enum summary_outcome summary; /* as judged here */
    bool is_contradicted;         /* the file claims another one */
    size_t checks, passed;
    struct str failed;             /* "endpoints/health, basic/health and 3 more"; empty: none */
    struct str not_exercised;      /* the same, with what they need */
    char facts[DIGEST_TEXT_BYTES]; /* of the summary and every failed finding's name */
    int64_t from_us, to_us;
};

/* Texts into the arena. markdown, unless NULL, gets evidence_write_markdown's. ERR_IO, ERR_INVALID
 * (no evidence is there, or none that can be read), ERR_LIMIT, ERR_NO_MEMORY. */
must_check int loop_evidence_read(const char *folder, struct arena *arena, struct buf *markdown,
                                  struct loop_evidence *ret_evidence, struct error *error);

/* Evidence of a project that has no address yet: nothing serves, as the target says; why: its own
 * words. ERR_IO, ERR_NO_MEMORY. */
must_check int loop_evidence_unserved(const char *folder, const char *project, const char *target,
                                      struct str why, struct error *error);

#endif
