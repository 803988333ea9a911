/*
 * deployment: what is shared by the steps of one release while it runs; private to release*.c.
 *
 * A step that fails leaves its sentence in release->reason, the first one: what the way back says
 * afterwards is added behind it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_DEPLOYMENT_H
#define NETRA_DEPLOY_DEPLOYMENT_H

#include "deploy/journal.h"
#include "deploy/release.h"
#include "deploy/streak.h"
#include "verify/exchange.h"

#define REASON_BYTES_MAX 600u

struct deployment {
    const struct release_options *options;
    struct release *release;
    struct journal journal;
    struct wire *wire;
    volatile const int *is_cancelled; /* NULL on the way back: that is not cancelled */
};

/* ---- release_steps.c: one step each; a negative code when it failed, and the reason is set ----
 */

/* service may be NULL; answer is filled on OK. TARGET_NOT_YET is OK. */
must_check int step_verb(struct deployment *deployment, enum target_verb verb,
                         const struct release_service *service, const char *revision,
                         struct target_answer *ret_answer);

/* Asks status until it is ready. */
must_check int step_wait_ready(struct deployment *deployment, struct release_service *service);

/* The consecutive healthy answers. */
must_check int step_probe(struct deployment *deployment, const struct release_service *service);

/* That the revision serves: the target says so, and the public address. */
must_check int step_check(struct deployment *deployment, struct release_service *service);

/* A verification that makes nothing: fails when a check does, not when one was not exercised. */
must_check int step_verify(struct deployment *deployment, const struct release_service *service);

void step_fail(struct deployment *deployment, const char *format, ...) printf_like(2, 3);
void step_tell(struct deployment *deployment, const char *step,
               const struct release_service *service, const char *detail);

#endif
