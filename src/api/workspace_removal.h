/*
 * workspace_removal: DELETE /api/workspaces/{id}, by operators.
 *
 *     is anything at work in it → ids of its datasets → accounts_delete_workspace (one batch: all
 *     that netra.db has of it) → records of the datasets, on a worker → 204
 *
 * The batch decides: after it nobody finds anything of the workspace. What a crash leaves behind it
 * are records without a dataset, which the next start sweeps. Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_WORKSPACE_REMOVAL_H
#define NETRA_API_WORKSPACE_REMOVAL_H

#include "api/route.h"

/* More ids than that are not kept: the rest of the records is swept at the next start. */
#define WORKSPACE_REMOVAL_IDS_BYTES_MAX ((size_t)16 << 20)

void workspace_delete(const struct call *call);

/* At the end, when nothing calls back any more. */
void workspace_removals_free(struct api *api);

#endif
