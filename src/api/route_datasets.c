/*
 * Datasets: lists, one, deletion. A dataset that is being uploaded is told as it is now, from
 * memory; the store only knows that it is importing.
 *
 * Deletion is done in an order that can be broken off anywhere: the row says failed, the records
 * go, the row goes. What is left over after a crash is a failed dataset, which can be deleted
 * again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/route_datasets.h"
#include "api/callers.h"

#include "api/api_state.h"
#include "base/alloc.h"
#include "tool/dataset_description.h"

/* ---- JSON ---- */

static void put_count(struct json_writer *w, const char *key, uint64_t value)
{
    json_key(w, key);
    json_put_i64(w, (int64_t)value);
}

static const char *status_name(enum store_dataset_status status)
{
    switch (status) {
    case STORE_DATASET_IMPORTING:
        return "importing";
    case STORE_DATASET_READY:
        return "ready";
    case STORE_DATASET_FAILED:
        break;
    }
    return "failed";
}

/* How the file was read. A description that cannot be read is left out: the records are what
 * matters. */
static void put_import(struct json_writer *w, struct str description)
{
    struct dataset_description read;
    struct arena arena;

    arena_init(&arena, DATASET_DESCRIPTION_BYTES_MAX);
    if (dataset_description_read(description, &arena, &read, NULL) == OK) {
        json_key(w, "import");
        import_report_write(read.report, w);
    }
    arena_done(&arena);
}

void put_dataset(struct json_writer *w, const struct store_dataset *dataset, bool with_import)
{
    json_begin_object(w);
    put_text(w, "id", dataset->id);
    put_text(w, "name", dataset->name);
    json_key(w, "status");
    json_put_text(w, status_name(dataset->status));
    put_count(w, "bytes", dataset->bytes);
    put_count(w, "records", dataset->records);
    put_count(w, "rejected", dataset->rejected);
    if (dataset->from_us || dataset->to_us) {
        put_time(w, "from", dataset->from_us);
        put_time(w, "to", dataset->to_us);
    }
    if (dataset->reason.length) {
        put_text(w, "reason", dataset->reason);
    }
    put_time(w, "created_at", dataset->created_us);
    if (with_import && dataset->description.length) {
        put_import(w, dataset->description);
    }
    json_end_object(w);
}

/* ---- reading ---- */

static bool list_dataset(const struct store_dataset *row, void *arg)
{
    struct list *list = arg;
    struct store_dataset now = *row;

    (void)dataset_upload_find(list->api, row->workspace_id, row->id, &now);
    list_row(list, row->id);
    put_dataset(&list->w, &now, /* with_import */ false);
    return true;
}

static void list_datasets(const struct call *call)
{
    struct call_page page;
    struct list list;

    if (!call_page(call, &page)) {
        return;
    }
    list_begin(&list, call, &page);
    list_reply(&list, store_list_datasets(call->api->options.store, call->workspace, page.after,
                                          page.limit, list_dataset, &list));
}

static bool write_dataset(const struct store_dataset *row, void *arg)
{
    put_dataset(arg, row, /* with_import */ true);
    return false;
}

static void get_dataset(const struct call *call)
{
    struct json_writer w = call_begin_json(call);
    struct store_dataset row;
    int code = OK;

    if (dataset_upload_find(call->api, call->workspace, call->params[0], &row)) {
        put_dataset(&w, &row, /* with_import */ false);
    } else {
        code = store_get_dataset(call->api->options.store, call->workspace, call->params[0],
                                 write_dataset, &w);
    }
    if (code) {
        call_reply_store_error(call, code, "dataset");
    } else {
        call_reply_json(call, 200);
    }
}

/* ---- deleting ---- */

struct removal {
    struct removal *next; /* in api->removals */
    struct loop_job job;
    struct api *api;
    http_id id;
    struct auth_caller who;
    char dataset_id[STORE_ID_BYTES_MAX + 1];
    struct error error;
};

static void removal_release(struct removal *removal)
{
    struct removal **link = &removal->api->removals;

    while (*link != removal) { /* few: people delete one by one */
        link = &(*link)->next;
    }
    *link = removal->next;
    removal->api->jobs--;
    alloc_free(removal);
}

void dataset_removals_free(struct api *api)
{
    while (api->removals) {
        removal_release(api->removals);
    }
}

static void removal_end(struct removal *removal, int code)
{
    if (code) {
        (void)error_set(&removal->error, code, "cannot delete the dataset: %s",
                        removal->error.code ? removal->error.message : error_code_text(code));
        problem_reply_error(removal->api, removal->id, &removal->error);
    } else {
        reply_empty(removal->api, removal->id);
    }
    removal_release(removal);
}

static void row_deleted(int code, void *arg)
{
    removal_end(arg, code);
}

static void records_deleted(void *arg)
{
    struct removal *removal = arg;
    struct store_batch *batch =
        removal->error.code ? NULL : store_batch_new(caller_workspace(&removal->who));
    int code = removal->error.code ? removal->error.code : ERR_NO_MEMORY;

    if (batch) {
        store_delete_dataset(batch, str_from(removal->dataset_id));
        code = store_submit(removal->api->options.store, batch, row_deleted, removal);
    }
    if (code) {
        removal_end(removal, code);
    }
}

/* Worker. */
static void delete_records(void *arg)
{
    struct removal *removal = arg;

    removal->error.code = usage_store_delete(removal->api->options.records,
                                             str_from(removal->dataset_id), &removal->error);
}

static void row_marked(int code, void *arg)
{
    struct removal *removal = arg;

    if (code) {
        removal_end(removal, code);
        return;
    }
    dataset_cache_forget(removal->api->options.datasets, str_from(removal->dataset_id));
    removal->job =
        (struct loop_job){.work = delete_records, .done = records_deleted, .arg = removal};
    loop_work(removal->api->options.loop, &removal->job);
}

/* Into the batch that arg is. */
static bool mark_row(const struct store_dataset *row, void *arg)
{
    struct store_dataset marked = *row;

    marked.status = STORE_DATASET_FAILED;
    marked.reason = STR("it was being deleted");
    store_put_dataset(arg, &marked);
    return false;
}

static void start_removal(const struct call *call, struct store_batch *batch)
{
    struct removal *removal = alloc_zeroed(1, sizeof(*removal));

    if (!removal) {
        store_batch_free(batch);
        problem_reply(call->api, call->id, PROBLEM_SERVICE_UNAVAILABLE, NULL, "out of memory");
        return;
    }
    removal->api = call->api;
    removal->id = call->id;
    removal->who = *call->who;
    memcpy(removal->dataset_id, call->params[0].data, call->params[0].length);
    removal->next = call->api->removals;
    call->api->removals = removal;
    call->api->jobs++;
    int code = store_submit(call->api->options.store, batch, row_marked, removal);
    if (code) {
        removal_end(removal, code);
    }
}

/* A second deletion would take away what was uploaded under the same id after the first. */
static bool is_being_deleted(const struct api *api, struct str workspace, struct str id)
{
    const struct removal *removal = api->removals;

    while (removal && !(str_equal(str_from(removal->dataset_id), id) &&
                        str_equal(caller_workspace(&removal->who), workspace))) {
        removal = removal->next;
    }
    return removal != NULL;
}

bool dataset_removal_is_under_way(const struct api *api, struct str workspace)
{
    const struct removal *removal = api->removals;

    while (removal && !str_equal(caller_workspace(&removal->who), workspace)) {
        removal = removal->next;
    }
    return removal != NULL;
}

static void delete_dataset(const struct call *call)
{
    struct str id = call->params[0];

    if (is_being_deleted(call->api, call->workspace, id)) {
        problem_reply(call->api, call->id, PROBLEM_CONFLICT, NULL,
                      "the dataset is being deleted already");
        return;
    }
    if (dataset_upload_find(call->api, call->workspace, id, NULL)) {
        problem_reply(call->api, call->id, PROBLEM_CONFLICT, NULL,
                      "the dataset is being uploaded: close the upload to end it");
        return;
    }
    struct store_batch *batch = store_batch_new(call->workspace);
    int code = batch ? OK : ERR_NO_MEMORY;
    if (!code && id.length > STORE_ID_BYTES_MAX) {
        code = ERR_NOT_FOUND;
    }
    code = code ? code
                : store_get_dataset(call->api->options.store, call->workspace, id, mark_row, batch);
    if (code) {
        store_batch_free(batch);
        call_reply_store_error(call, code, "dataset");
        return;
    }
    start_removal(call, batch);
}

/* ---- the table ---- */

static const struct route_query upload_queries[] = {
    {"name", "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}", "name of the file"},
    {"map", "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":64}",
     "FIELD=VALUE: a field is that column, or that constant; may be repeated"},
    {"id", "{\"type\":\"string\"}", "the dataset's id, when the client chooses it"},
    {NULL, NULL, NULL},
};

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/datasets",
     .scope = AUTH_SCOPE_READ,
     .handle = list_datasets,
     .summary = "Datasets, newest first.",
     .queries = route_page_queries,
     .reply = SCHEMA_PAGE("Dataset"),
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/api/datasets",
     .scope = AUTH_SCOPE_DATA,
     .place = ROUTE_PLACE_COSTLY,
     .begin = dataset_upload_begin,
     .summary = "Uploads a file of usage records, gzip or not; the body is its bytes.",
     .queries = upload_queries,
     .reply = SCHEMA_REF("Dataset"),
     .reply_status = 201},
    {.method = HTTP_POST,
     .pattern = "/api/datasets/sample",
     .scope = AUTH_SCOPE_DATA,
     .place = ROUTE_PLACE_COSTLY,
     .handle = dataset_upload_sample,
     .takes_json = true,
     .summary = "Generates records of a made-up team.",
     .request = "{\"type\":\"object\",\"properties\":{\"seed\":{\"type\":\"integer\","
                "\"minimum\":0,\"default\":1}}}",
     .reply = SCHEMA_REF("Dataset"),
     .reply_status = 201},
    {.method = HTTP_GET,
     .pattern = "/api/datasets/{id}",
     .scope = AUTH_SCOPE_READ,
     .handle = get_dataset,
     .summary = "One dataset, with how its file was read.",
     .reply = SCHEMA_REF("Dataset"),
     .reply_status = 200},
    {.method = HTTP_DELETE,
     .pattern = "/api/datasets/{id}",
     .scope = AUTH_SCOPE_DATA,
     .handle = delete_dataset,
     .summary = "Deletes a dataset and its records.",
     .reply_status = 204},
};

const struct route_table routes_datasets = {
    .name = "datasets", .routes = routes, .count = ARRAY_LENGTH(routes), .services = ROUTE_BACKEND};
