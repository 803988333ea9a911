/*
 * loop_serving: where the deployment is found: the address that was told, else what the last
 * deployment of this loop answered, else what the target says of itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_DEPLOY_LOOP_SERVING_H
#define NETRA_DEPLOY_LOOP_SERVING_H

#include "deploy/loop_state.h"

/* Texts in the loop's arena; empty where nothing is known. ERR_NO_MEMORY. */
must_check int loop_find_serving(struct deploy_loop *loop, struct loop_serving *ret_serving,
                                 struct error *error);

/* What `netra deploy --status --json` answered: of several services the last, which is the one that
 * people are sent to. Texts into the arena. ERR_INVALID (no such answer), ERR_NO_MEMORY. */
must_check int loop_serving_read(struct str json, struct arena *arena,
                                 struct loop_serving *ret_serving);

/* What `netra deploy --json` answered. */
struct loop_deployed {
    struct str outcome;  /* "switched", "rolled_back", "failed" */
    struct str revision; /* another one each time: not part of facts */
    struct str reason;
    struct str public_url;
    struct str process_file, log_file; /* of the revision, also of one that was rolled back */
    char facts[DIGEST_TEXT_BYTES];     /* of outcome, and of each service's name and image */
};

/* What the deployment of the cycle before answered, if it failed: its revision's log is where the
 * reason is; else empty. ERR_IO, ERR_NO_MEMORY. */
must_check int loop_find_failed(struct deploy_loop *loop, struct loop_deployed *ret_deployed,
                                struct error *error);

/* Texts into the arena. ERR_INVALID (no such answer), ERR_NO_MEMORY. */
must_check int loop_deployed_read(struct str json, struct arena *arena,
                                  struct loop_deployed *ret_deployed);

#endif
