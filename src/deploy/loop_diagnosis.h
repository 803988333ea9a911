/*
 * loop_diagnosis: what the loop takes from `netra diagnose --json`: the causes, and a page for
 * people.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_LOOP_DIAGNOSIS_H
#define NETRA_DEPLOY_LOOP_DIAGNOSIS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "deploy/digest.h"

#define LOOP_CAUSES_MAX     16u
#define LOOP_MENDABLE_COUNT 12u /* of verify/causes.def */

struct loop_diagnosis {
    struct str causes[LOOP_CAUSES_MAX]; /* ids in the order of the diagnosis; "unknown" */
    size_t count;
    bool has_unknown;
    struct str mendable;           /* the first that a deployment mends; empty: none */
    struct str list;               /* "port_not_listening, unknown" */
    char facts[DIGEST_TEXT_BYTES]; /* of the causes as a set */
};

/* Texts into the arena; markdown, unless NULL, gets the page. ERR_INVALID, ERR_LIMIT,
 * ERR_NO_MEMORY. */
must_check int loop_diagnosis_read(struct str json, struct arena *arena, struct buf *markdown,
                                   struct loop_diagnosis *ret_diagnosis, struct error *error);

/* Whether bringing up the same revision anew, or another one, takes the cause away: a service that
 * is not there, has ended, or is of another revision. Not: what a configuration, a disk, a price
 * or a certificate is to blame for. */
bool loop_diagnosis_is_mendable(struct str cause);

#endif
