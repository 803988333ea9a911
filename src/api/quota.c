/* SPDX-License-Identifier: Apache-2.0 */
#include "api/quota.h"

#include <inttypes.h>

#include "agent/runner.h"
#include "api/api_state.h"
#include "api/limit.h"
#include "api/route_datasets.h"
#include "monitor/metrics.h"

int quota_storage_left(struct api *api, struct str workspace, uint64_t *ret_left)
{
    uint64_t quota = api->options.limits.storage_bytes;
    struct store_usage usage;

    if (quota == 0) {
        *ret_left = UINT64_MAX;
        return OK;
    }
    int code = store_get_usage(api->options.store, workspace, INT64_MAX, &usage);
    if (code) {
        return code;
    }
    uint64_t used = usage.dataset_bytes + dataset_uploads_bytes(api, workspace);
    *ret_left = used < quota ? quota - used : 0;
    return OK;
}

void quota_refuse_storage(struct api *api, http_id id)
{
    metric_add(METRIC_LIMITED, metric_label(METRIC_LIMITED, STR("storage")), 1);
    problem_reply(api, id, PROBLEM_TOO_LARGE, NULL,
                  "the datasets of this workspace may have %" PRIu64
                  " bytes together: delete some first",
                  api->options.limits.storage_bytes);
}

/* Others' runs decide when one's own are done: a guess that costs little. */
static struct limit_state state_of_runs(const struct api *api)
{
    return (struct limit_state){.name = "runs",
                                .is_limited = true,
                                .limit = runner_waiting_owner_max(api->runner),
                                .wait_s = QUOTA_RUN_WAIT_S};
}

void quota_refuse_run(struct api *api, http_id id, const struct error *error)
{
    struct limit_state state = state_of_runs(api);

    metric_add(METRIC_LIMITED, metric_label(METRIC_LIMITED, STR("runs")), 1);
    problem_reply_limited(api, id, &state, error->message);
}

void quota_write_run(const struct api *api, struct json_writer *w, const struct error *error)
{
    struct limit_state state = state_of_runs(api);

    metric_add(METRIC_LIMITED, metric_label(METRIC_LIMITED, STR("runs")), 1);
    problem_write_limited(w, &state, error->message);
}
