/*
 * quota: what a workspace's datasets may have together (quota.storage_bytes), as uploaded. What is
 * being uploaded counts as far as it has come. Private to api/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_QUOTA_H
#define NETRA_API_QUOTA_H

#include "api/route.h"

#define QUOTA_RUN_WAIT_S 5u
#define QUOTA_LOOK_BYTES ((uint64_t)8 << 20) /* an upload looks again after so many */

/* Bytes that the workspace may still store, beside what is there and what is on its way: UINT64_MAX
 * without a quota. Reads the store: ERR_IO. */
must_check int quota_storage_left(struct api *api, struct str workspace, uint64_t *ret_left);

/* A run that one's others are in the way of (ERR_QUOTA of the runner): 429, and the same for a
 * WebSocket. */
void quota_refuse_run(struct api *api, http_id id, const struct error *error);
void quota_write_run(const struct api *api, struct json_writer *w, const struct error *error);

/* 413: waiting does not help. */
void quota_refuse_storage(struct api *api, http_id id);

#endif
