/*
 * route_datasets: what the files about datasets share. Private to api/.
 *
 *     route_datasets.c    the table; lists, one, delete; the JSON of a dataset
 *     dataset_upload.c    POST: from a request to a stored dataset
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_ROUTE_DATASETS_H
#define NETRA_API_ROUTE_DATASETS_H

#include "api/route.h"

#define DATASET_UPLOADS_MAX 8u /* under way at once, samples included; more: 503 */

/* POST /api/datasets: begin of its route. */
struct exchange *dataset_upload_begin(const struct call *call);

/* POST /api/datasets/sample. */
void dataset_upload_sample(const struct call *call);

/* Whether an upload of that id is under way in a workspace; ret_row (may be NULL) is filled as of
 * now, its texts borrowed until the loop's next turn. */
bool dataset_upload_find(struct api *api, struct str workspace, struct str id,
                         struct store_dataset *ret_row);

/* Something is being uploaded into the workspace, or deleted from it. */
bool dataset_upload_is_under_way(const struct api *api, struct str workspace);
bool dataset_removal_is_under_way(const struct api *api, struct str workspace);

/* At the end, when nothing calls back any more: what waits for the store is dropped. */
void dataset_uploads_free(struct api *api);
void dataset_removals_free(struct api *api);

/* Bytes of the workspace's uploads that are under way, as far as they have come. */
uint64_t dataset_uploads_bytes(const struct api *api, struct str workspace);

#endif
