/* SPDX-License-Identifier: Apache-2.0 */
#include "api/workspace_removal.h"

#include "api/account_answer.h"
#include "api/api_state.h"
#include "api/route_datasets.h"
#include "base/alloc.h"

static const struct account_wrong wrong_operator = {.needs = "operator",
                                                    .detail = "only operators delete workspaces"};

struct workspace_removal {
    struct workspace_removal *next; /* in api->workspace_removals */
    struct api *api;
    http_id id;
    struct account_answer *answer; /* until the batch is durable, or was not */
    struct loop_job job;
    struct buf dataset_ids; /* each with a NUL behind it */
    struct error error;
};

static void release(struct workspace_removal *removal)
{
    struct workspace_removal **link = &removal->api->workspace_removals;

    while (*link != removal) { /* few: operators delete one by one */
        link = &(*link)->next;
    }
    *link = removal->next;
    removal->api->jobs--;
    buf_done(&removal->dataset_ids);
    alloc_free(removal);
}

void workspace_removals_free(struct api *api)
{
    while (api->workspace_removals) {
        release(api->workspace_removals);
    }
}

/* ---- after the batch ---- */

/* fn for each id, until it says no. */
static void each_dataset(const struct workspace_removal *removal,
                         bool (*fn)(struct str id, void *arg), void *arg)
{
    struct str ids = buf_str(&removal->dataset_ids);
    bool goes_on = true;

    while (goes_on && ids.length) {
        struct str id = str_from(ids.data);

        goes_on = fn(id, arg);
        ids = str_slice(ids, id.length + 1, ids.length);
    }
}

static bool delete_records(struct str id, void *arg)
{
    struct workspace_removal *removal = (struct workspace_removal *)arg;

    removal->error.code = usage_store_delete(removal->api->options.records, id, &removal->error);
    return removal->error.code == OK;
}

/* Worker. */
static void delete_all_records(void *arg)
{
    each_dataset((const struct workspace_removal *)arg, delete_records, arg);
}

static void records_deleted(void *arg)
{
    struct workspace_removal *removal = (struct workspace_removal *)arg;

    if (removal->error.code) {
        struct error error = {0};

        (void)error_set(&error, removal->error.code,
                        "the workspace is deleted, but records of its datasets stay on the disk "
                        "until the next start: %s",
                        removal->error.message);
        problem_reply_error(removal->api, removal->id, &error);
    } else {
        reply_empty(removal->api, removal->id);
    }
    release(removal);
}

static bool forget_dataset(struct str id, void *arg)
{
    dataset_cache_forget(((struct api *)arg)->options.datasets, id);
    return true;
}

static void workspace_deleted(const struct account_outcome *outcome, void *arg)
{
    struct workspace_removal *removal = (struct workspace_removal *)arg;
    struct account_answer *answer = TAKE(removal->answer);

    if (outcome->code) {
        account_answered(outcome, answer);
        release(removal);
        return;
    }
    late_free(&answer->late);
    each_dataset(removal, forget_dataset, removal->api);
    removal->job =
        (struct loop_job){.work = delete_all_records, .done = records_deleted, .arg = removal};
    loop_work(removal->api->options.loop, &removal->job);
}

/* ---- before it ---- */

struct busy {
    struct str workspace_id;
    bool found;
};

static bool look_for_run(const struct store_run *row, void *arg)
{
    struct busy *busy = (struct busy *)arg;

    busy->found = str_equal(row->workspace_id, busy->workspace_id);
    return !busy->found;
}

/* What is at work would write next must have a place, as for a thread. False: answered. */
static bool is_idle(const struct call *call, struct str workspace_id)
{
    struct api *api = call->api;
    struct busy busy = {.workspace_id = workspace_id};
    int code = store_list_open_runs(api->options.store, look_for_run, &busy);

    if (code && code != ERR_NOT_FOUND) {
        call_reply_store_error(call, code, "workspace");
        return false;
    }
    if (busy.found || (api->runner && runner_is_busy_for(api->runner, workspace_id))) {
        problem_reply(api, call->id, PROBLEM_CONFLICT, NULL,
                      "a run of this workspace is under way: cancel it or wait for its end");
        return false;
    }
    if (dataset_upload_is_under_way(api, workspace_id) ||
        dataset_removal_is_under_way(api, workspace_id)) {
        problem_reply(api, call->id, PROBLEM_CONFLICT, NULL,
                      "a dataset of this workspace is being uploaded or deleted: wait for its end");
        return false;
    }
    return true;
}

struct id_list {
    struct buf *ids;
    unsigned rows;
    char last[STORE_ID_BYTES_MAX + 1];
};

static bool note_dataset(const struct store_dataset *row, void *arg)
{
    struct id_list *list = (struct id_list *)arg;

    list->rows++;
    memcpy(list->last, row->id.data, row->id.length);
    list->last[row->id.length] = '\0';
    if (list->ids->length + row->id.length + 1 <= WORKSPACE_REMOVAL_IDS_BYTES_MAX) {
        buf_append(list->ids, row->id);
        buf_append_char(list->ids, '\0');
    }
    return true;
}

static int note_datasets(struct store *store, struct str workspace_id, struct buf *ids)
{
    struct id_list list = {.ids = ids};
    int code;

    do {
        list.rows = 0;
        code = store_list_datasets(store, workspace_id, str_from(list.last), STORE_PAGE_MAX,
                                   note_dataset, &list);
    } while (code == OK && list.rows == STORE_PAGE_MAX);
    return code ? code : buf_status(ids);
}

/* NULL: answered. */
static struct workspace_removal *removal_new(const struct call *call)
{
    struct workspace_removal *removal = alloc_zeroed(1, sizeof(*removal));

    if (!removal) {
        problem_reply(call->api, call->id, PROBLEM_SERVICE_UNAVAILABLE, NULL, "out of memory");
        return NULL;
    }
    removal->api = call->api;
    removal->id = call->id;
    buf_init(&removal->dataset_ids, WORKSPACE_REMOVAL_IDS_BYTES_MAX);
    removal->next = call->api->workspace_removals;
    call->api->workspace_removals = removal;
    call->api->jobs++;
    return removal;
}

void workspace_delete(const struct call *call)
{
    struct account_origin origin = account_origin(call);
    struct str id = call->params[0];
    struct error error = {0};

    if (!is_idle(call, id)) {
        return;
    }
    struct workspace_removal *removal = removal_new(call);
    if (!removal) {
        return;
    }
    int code = note_datasets(call->api->options.store, id, &removal->dataset_ids);
    if (code) {
        call_reply_store_error(call, code, "workspace");
        release(removal);
        return;
    }
    removal->answer = account_answer_new(call, /* reply */ NULL);
    if (!removal->answer) {
        release(removal);
        return;
    }
    removal->answer->wrong = &wrong_operator;
    removal->answer->what = "workspace";
    code = accounts_delete_workspace(call->api->options.auth, call->who, id, &origin,
                                     workspace_deleted, removal, &error);
    if (code) {
        account_begun(TAKE(removal->answer), code, &error);
        release(removal);
    }
}
