/*
 * guests: workspaces whose people are elsewhere. A backend of three processes knows no workspaces;
 * what it stores belongs to one all the same, and the store wants a row for it. The row is made
 * when somebody of the workspace is let in for the first time, before anything of theirs is stored:
 * batches are stored in the order in which they are submitted.
 *
 * Private to auth/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_GUESTS_H
#define NETRA_AUTH_GUESTS_H

#include "store/store.h"

#define GUESTS_KEPT 256u /* remembered; of others the row is made again, which changes nothing */

struct auth;

struct guests {
    char ids[GUESTS_KEPT][STORE_ID_BYTES_MAX + 1];
    unsigned next;
};

/* Nothing when it is known already. What the store refuses is tried again with the next request. */
void guests_let_in(struct auth *auth, const char *workspace_id);

#endif
