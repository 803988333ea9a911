/*
 * An upload as a client sees it: the request and its answer around the pipe of upload.h, and the
 * row in the store, which says importing, then ready or failed.
 *
 *     begin → row importing → pieces into the pipe … end → pipe finished → row ready → 201
 *                   └→ durable → the pipe may store
 *
 * The first row takes the id: the store refuses one that another workspace has, and nothing of that
 * may be touched, so records are not stored before the row is.
 *
 * It lives until both sides have let go of it: http (the answer is complete or the client is gone)
 * and the work (the pipe is over and the last row is durable). A failure is answered when the body
 * has ended, not before: a client that is still sending would see a reset instead of the answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>

#include "api/api_state.h"
#include "api/body.h"
#include "api/callers.h"
#include "api/idempotency.h"
#include "api/quota.h"
#include "api/route_datasets.h"
#include "api/upload.h"
#include "base/alloc.h"
#include "base/decimal.h"
#include "loop/clock.h"
#include "loop/uuid.h"
#include "monitor/metrics.h"
#include "tool/dataset_description.h"

#define NAME_BYTES_MAX 255u
#define MAPS_BYTES_MAX 65536u

struct dataset_upload {
    struct exchange exchange;    /* first: http gives it back */
    struct dataset_upload *next; /* in api->uploads */
    struct auth_caller who;
    http_id id;
    char dataset_id[STORE_ID_BYTES_MAX + 1];
    char name[NAME_BYTES_MAX + 1];
    int64_t created_us;
    struct upload *pipe;
    struct error error; /* the outcome, once is_work_done */
    bool is_streamed;   /* http has the exchange: a sample's request has none of its own */
    bool is_answered;
    bool has_body;     /* the whole request is in */
    bool is_http_done; /* answered or gone */
    bool is_work_done; /* the outcome is durable */
    bool is_admitting; /* the first row is on its way */
    bool is_refused;   /* it could not be stored: there is no row to say how it ended */
    bool is_over_quota;
    uint64_t left_bytes; /* of the quota, as of the last look, which was … */
    uint64_t looked_at;  /* … at so many bytes of this upload */
};

/* ---- life ---- */

static void upload_release(struct dataset_upload *upload)
{
    struct api *api = upload->exchange.api;
    struct dataset_upload **link = &api->uploads;

    while (*link != upload) {
        link = &(*link)->next;
    }
    *link = upload->next;
    api->upload_count--;
    api->jobs--;
    upload_free(upload->pipe);
    alloc_free(upload);
}

void dataset_uploads_free(struct api *api)
{
    while (api->uploads) {
        upload_release(api->uploads);
    }
}

static struct dataset_upload *find(struct api *api, struct str id)
{
    struct dataset_upload *upload = api->uploads; /* at most DATASET_UPLOADS_MAX, and answers */

    while (upload && !str_equal(str_from(upload->dataset_id), id)) {
        upload = upload->next;
    }
    return upload;
}

uint64_t dataset_uploads_bytes(const struct api *api, struct str workspace)
{
    uint64_t bytes = 0;

    for (const struct dataset_upload *upload = api->uploads; upload; upload = upload->next) {
        if (!upload->is_work_done && str_equal(caller_workspace(&upload->who), workspace)) {
            bytes += upload_counts(upload->pipe).bytes;
        }
    }
    return bytes;
}

static struct store_dataset row_of(const struct dataset_upload *upload,
                                   enum store_dataset_status status)
{
    struct dataset_intake_counts counts = upload_counts(upload->pipe);

    return (struct store_dataset){.id = str_from(upload->dataset_id),
                                  .owner_id = str_from(upload->who.user_id),
                                  .name = str_from(upload->name),
                                  .status = status,
                                  .bytes = counts.bytes,
                                  .records = counts.records,
                                  .rejected = counts.rejected,
                                  .from_us = counts.from_us,
                                  .to_us = counts.to_us,
                                  .created_us = upload->created_us};
}

bool dataset_upload_find(struct api *api, struct str workspace, struct str id,
                         struct store_dataset *ret_row)
{
    const struct dataset_upload *upload = find(api, id);

    if (!upload || upload->is_work_done || !str_equal(caller_workspace(&upload->who), workspace)) {
        return false;
    }
    if (ret_row) {
        *ret_row = row_of(upload, STORE_DATASET_IMPORTING);
    }
    return true;
}

bool dataset_upload_is_under_way(const struct api *api, struct str workspace)
{
    const struct dataset_upload *upload = api->uploads;

    while (upload && !str_equal(caller_workspace(&upload->who), workspace)) {
        upload = upload->next;
    }
    return upload != NULL;
}

/* ---- the answer ---- */

static void answer_ready(struct dataset_upload *upload)
{
    struct store_dataset row = row_of(upload, STORE_DATASET_READY);
    struct json_writer w = reply_begin_json(upload->exchange.api);

    row.description = upload_description(upload->pipe);
    put_dataset(&w, &row, /* with_import */ true);
    reply_json(upload->exchange.api, upload->id, 201);
}

/* Answers when there is something to say and somebody to hear it; lets go when nobody is. The
 * answer may come back as on_answered at once, so nothing may follow it. */
static void settle(struct dataset_upload *upload)
{
    if (!upload->is_work_done || upload->is_admitting) {
        return;
    }
    if (upload->is_http_done) {
        upload_release(upload);
        return;
    }
    if (!upload->has_body || upload->is_answered) {
        return;
    }
    bool is_streamed = upload->is_streamed;
    upload->is_answered = true;
    if (upload->is_over_quota) {
        quota_refuse_storage(upload->exchange.api, upload->id);
    } else if (upload->error.code) {
        problem_reply_error(upload->exchange.api, upload->id, &upload->error);
    } else {
        answer_ready(upload);
    }
    if (!is_streamed) {
        upload_release(upload);
    }
}

/* ---- the row in the store ---- */

static int put_row(struct dataset_upload *upload, const struct store_dataset *row,
                   store_done_fn done)
{
    struct store_batch *batch = store_batch_new(caller_workspace(&upload->who));

    if (!batch) {
        return ERR_NO_MEMORY;
    }
    store_put_dataset(batch, row);
    return store_submit(upload->exchange.api->options.store, batch, done, upload);
}

/* Records whose row could not be stored belong to no dataset: they are swept at the next start. */
static void on_stored(int code, void *arg)
{
    struct dataset_upload *upload = arg;

    if (code && !upload->error.code) {
        (void)error_set(&upload->error, code, "the dataset could not be stored: %s",
                        error_code_text(code));
    }
    upload->is_work_done = true;
    settle(upload);
}

static void on_finished(struct upload *pipe, void *arg)
{
    struct dataset_upload *upload = arg;
    bool has_failed = upload_error(pipe)->code != OK;
    struct store_dataset row =
        row_of(upload, has_failed ? STORE_DATASET_FAILED : STORE_DATASET_READY);

    upload->error = *upload_error(pipe);
    if (upload->is_refused) {
        upload->is_work_done = true;
        settle(upload);
        return;
    }
    if (has_failed) { /* nothing is kept */
        row.records = 0;
        row.from_us = 0;
        row.to_us = 0;
        row.reason = upload->is_over_quota ? STR("the workspace's storage quota is used up")
                                           : str_from(upload->error.message);
    } else {
        row.description = upload_description(pipe);
        metric_add(METRIC_UPLOAD_RECORDS, metric_label(METRIC_UPLOAD_RECORDS, STR("accepted")),
                   row.records);
        metric_add(METRIC_UPLOAD_RECORDS, metric_label(METRIC_UPLOAD_RECORDS, STR("rejected")),
                   row.rejected);
    }
    int code = put_row(upload, &row, on_stored);
    if (code) {
        on_stored(code, upload);
    }
}

static void on_admitted(int code, void *arg)
{
    struct dataset_upload *upload = arg;
    struct error refusal = {0};

    upload->is_admitting = false;
    upload->is_refused = code != OK;
    if (upload->is_work_done) { /* it was broken off, and that could not be stored */
        settle(upload);
        return;
    }
    if (code == ERR_INVALID) { /* the caller's workspace has none of that id: is_free */
        (void)error_set(&refusal, ERR_EXISTS, "the id %s is taken: take another one, or none",
                        upload->dataset_id);
    } else if (code) {
        (void)error_set(&refusal, code, "the dataset could not be stored: %s",
                        error_code_text(code));
    }
    upload_admit(upload->pipe, &refusal);
}

/* ---- the request's side ---- */

static void on_resume(struct upload *pipe, void *arg)
{
    const struct dataset_upload *upload = arg;

    (void)pipe;
    http_body_resume(upload->exchange.api->server, upload->id);
}

/* Others may have stored meanwhile: looked at anew every now and then. A store that cannot be read
 * refuses nothing here; it will refuse the row. */
static bool is_within_quota(struct dataset_upload *upload, size_t more)
{
    uint64_t bytes = upload_counts(upload->pipe).bytes;
    uint64_t grown = bytes + more - upload->looked_at;
    uint64_t left = 0;

    if (upload->left_bytes == UINT64_MAX ||
        (grown <= upload->left_bytes && grown < QUOTA_LOOK_BYTES)) {
        return true;
    }
    if (quota_storage_left(upload->exchange.api, caller_workspace(&upload->who), &left)) {
        return true;
    }
    upload->left_bytes = left;
    upload->looked_at = bytes;
    return more <= left;
}

static void on_body(struct exchange *exchange, struct str piece)
{
    struct dataset_upload *upload = (struct dataset_upload *)exchange;

    metric_add(METRIC_UPLOAD_BYTES, 0, piece.length);
    if (upload->is_over_quota) {
        return; /* the rest is let in and thrown away, as after any failure */
    }
    if (!is_within_quota(upload, piece.length)) {
        upload->is_over_quota = true;
        upload_abandon(upload->pipe);
        return;
    }
    if (!upload_write(upload->pipe, piece)) {
        http_body_pause(exchange->api->server, upload->id);
    }
}

static void on_end(struct exchange *exchange)
{
    struct dataset_upload *upload = (struct dataset_upload *)exchange;

    upload->has_body = true;
    if (upload->is_work_done) {
        settle(upload);
    } else if (!upload->is_over_quota) {
        upload_end(upload->pipe);
    }
}

/* Answered or gone: http knows it no more. */
static void let_go(struct dataset_upload *upload)
{
    upload->is_http_done = true;
    if (upload->is_work_done) {
        settle(upload);
    } else {
        upload_abandon(upload->pipe);
    }
}

static void on_gone(struct exchange *exchange, http_id id, unsigned ws_code)
{
    (void)id;
    (void)ws_code;
    let_go((struct dataset_upload *)exchange);
}

static void on_answered(struct exchange *exchange)
{
    let_go((struct dataset_upload *)exchange);
}

static const struct exchange_ops upload_ops = {
    .on_body = on_body, .on_end = on_end, .on_gone = on_gone, .on_answered = on_answered};

/* ---- how one begins ---- */

/* What the query says; texts in arena. */
struct upload_request {
    struct arena arena;
    struct str name;
    struct str id;   /* empty: a new one */
    bool is_again;   /* a failed dataset of the id, if there is one, is done again */
    uint64_t length; /* of the body, as far as it was said */
    struct import_map maps[IMPORT_MAPS_MAX];
    size_t map_count;
};

static bool has_control(struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c < 0x20 || c == 0x7f) {
            return true;
        }
    }
    return false;
}

/* False when it is there and cannot be read. *ret is untouched when it is absent. */
static bool read_query(const struct call *call, const char *name, size_t nth, struct arena *arena,
                       struct str *ret, struct body_fault *fault)
{
    struct buf *text = &call->api->query;
    struct str copy;

    buf_clear(text);
    if (!http_query(call->request, name, nth, text)) {
        return true;
    }
    bool has_room = arena_has_room(arena, text->length + 1);
    copy = arena_copy(arena, buf_str(text));
    if (buf_status(text) == OK && has_room && !copy.data) {
        fault->is_ours = true;
        return body_refuse(fault, "", "out of memory");
    }
    if (buf_status(text) || !copy.data || !str_is_utf8(copy) || has_control(copy)) {
        return body_refuse(fault, "", "the query parameter %s is not a text, or too long", name);
    }
    *ret = copy;
    return true;
}

static bool read_maps(const struct call *call, struct upload_request *request,
                      struct body_fault *fault)
{
    for (;;) {
        struct str text = {0};

        if (!read_query(call, "map", request->map_count, &request->arena, &text, fault)) {
            return false;
        }
        if (!text.data) {
            return true;
        }
        if (request->map_count == IMPORT_MAPS_MAX) {
            return body_refuse(fault, "", "more than %u query parameters map", IMPORT_MAPS_MAX);
        }
        if (dataset_map_parse(text, &request->maps[request->map_count])) {
            return body_refuse(fault, "", "the query parameter map takes FIELD=VALUE, not %.*s",
                               STR_ARGS(text));
        }
        request->map_count++;
    }
}

static bool read_request(const struct call *call, struct upload_request *request,
                         struct body_fault *fault)
{
    if (!read_query(call, "name", 0, &request->arena, &request->name, fault) ||
        !read_query(call, "id", 0, &request->arena, &request->id, fault)) {
        return false;
    }
    if (str_trim(request->name).length == 0 || request->name.length > NAME_BYTES_MAX) {
        return body_refuse(fault, "",
                           "the query parameter name is the name of the file: 1 to %u bytes",
                           NAME_BYTES_MAX);
    }
    if (request->id.data && !store_is_id(request->id)) {
        return body_refuse(fault, "", "the query parameter id has 1 to %u of A-Z a-z 0-9 _ -",
                           STORE_ID_BYTES_MAX);
    }
    return read_maps(call, request, fault);
}

static bool note_there(const struct store_dataset *row, void *arg)
{
    (void)row;
    (void)arg;
    return false;
}

/* In this workspace, and of what is being uploaded in any; or it was answered. */
static bool is_free(const struct call *call, const struct upload_request *request)
{
    struct str id = request->id;

    if (call->api->upload_count >= DATASET_UPLOADS_MAX) {
        problem_reply(call->api, call->id, PROBLEM_SERVICE_UNAVAILABLE, NULL,
                      "%u uploads are under way already", DATASET_UPLOADS_MAX);
        return false;
    }
    if (id.length == 0 || request->is_again) {
        return true;
    }
    int code = find(call->api, id) ? OK
                                   : store_get_dataset(call->api->options.store, call->workspace,
                                                       id, note_there, NULL);
    if (code == ERR_NOT_FOUND) {
        return true;
    }
    if (code) {
        call_reply_store_error(call, code, "dataset");
    } else {
        problem_reply(call->api, call->id, PROBLEM_CONFLICT, NULL,
                      "a dataset of the id %.*s is there: delete it first, or take another id",
                      STR_ARGS(id));
    }
    return false;
}

/* The same: what is announced must fit, and something must. */
static bool has_room(const struct call *call, uint64_t length, uint64_t *ret_left)
{
    int code = quota_storage_left(call->api, call->workspace, ret_left);

    if (code) {
        call_reply_store_error(call, code, "use of the workspace");
        return false;
    }
    if (*ret_left == 0 || length > *ret_left) {
        quota_refuse_storage(call->api, call->id);
        return false;
    }
    return true;
}

static int fill(struct dataset_upload *upload, const struct upload_request *request,
                struct error *error)
{
    struct api *api = upload->exchange.api;
    int code = OK;

    if (request->id.length) {
        memcpy(upload->dataset_id, request->id.data, request->id.length);
    } else {
        code = uuid_v7(upload->dataset_id, error);
    }
    memcpy(upload->name, request->name.data, request->name.length);
    upload->created_us = clock_now_us();
    const struct upload_options options = {.loop = api->options.loop,
                                           .records = api->options.records,
                                           .dataset_id = str_from(upload->dataset_id),
                                           .name = request->name,
                                           .maps = request->maps,
                                           .map_count = request->map_count,
                                           .resume = on_resume,
                                           .finished = on_finished,
                                           .arg = upload};
    code = code ? code : upload_new(&options, &upload->pipe, error);
    if (!code) {
        struct store_dataset row = row_of(upload, STORE_DATASET_IMPORTING);

        code = put_row(upload, &row, on_admitted);
        upload->is_admitting = code == OK;
        if (code) {
            (void)error_set(error, code, "the dataset could not be stored: %s",
                            error_code_text(code));
        }
    }
    return code;
}

/* NULL when it has been answered. */
static struct dataset_upload *upload_begin(const struct call *call,
                                           const struct upload_request *request)
{
    struct api *api = call->api;
    struct error error = {0};
    struct dataset_upload *upload;

    uint64_t left = 0;

    if (!is_free(call, request) || !has_room(call, request->length, &left)) {
        return NULL;
    }
    upload = alloc_zeroed(1, sizeof(*upload));
    if (!upload) {
        problem_reply(api, call->id, PROBLEM_SERVICE_UNAVAILABLE, NULL, "out of memory");
        return NULL;
    }
    upload->exchange = (struct exchange){.route = call->route, .ops = &upload_ops, .api = api};
    upload->id = call->id;
    upload->left_bytes = left;
    upload->who = *call->who;
    if (fill(upload, request, &error)) {
        problem_reply_error(api, call->id, &error);
        upload_free(upload->pipe);
        alloc_free(upload);
        return NULL;
    }
    upload->next = api->uploads;
    api->uploads = upload;
    api->upload_count++;
    api->jobs++;
    return upload;
}

/* ---- handlers ---- */

/* http refuses what is too long, too; but here nothing has begun yet, and the limit can be told. */
static bool is_too_long(const struct call *call, uint64_t *ret_length)
{
    *ret_length = 0;
    return decimal_parse_u64(http_header(call->request, "content-length"), ret_length) == OK &&
           *ret_length > call->api->options.upload_bytes_max;
}

struct exchange *dataset_upload_begin(const struct call *call)
{
    struct str type = http_header(call->request, "content-type");
    struct upload_request request = {0};
    struct body_fault fault = {0};
    struct dataset_upload *upload = NULL;

    arena_init(&request.arena, MAPS_BYTES_MAX);
    if (type.length >= 10 && str_equal_ascii_case(str_slice(type, 0, 10), STR("multipart/"))) {
        problem_reply(call->api, call->id, PROBLEM_MEDIA_TYPE, NULL,
                      "the body must be the bytes of the file itself "
                      "(application/octet-stream), not a form");
    } else if (is_too_long(call, &request.length)) {
        problem_reply(call->api, call->id, PROBLEM_TOO_LARGE, NULL,
                      "an upload has at most %" PRIu64 " bytes: split the file, or compress it",
                      call->api->options.upload_bytes_max);
    } else if (!read_request(call, &request, &fault)) {
        problem_reply(call->api, call->id,
                      fault.is_ours ? PROBLEM_SERVICE_UNAVAILABLE : PROBLEM_INVALID_REQUEST,
                      /* pointer */ NULL, "%s", fault.detail);
    } else {
        upload = upload_begin(call, &request);
    }
    arena_done(&request.arena);
    if (!upload) {
        return NULL;
    }
    upload->is_streamed = true;
    return &upload->exchange;
}

struct made {
    const struct call *call;
    bool is_ready;
};

static bool reply_made(const struct store_dataset *row, void *arg)
{
    struct made *made = arg;

    made->is_ready = row->status == STORE_DATASET_READY;
    if (made->is_ready) {
        struct json_writer w = call_begin_json(made->call);

        put_dataset(&w, row, /* with_import */ true);
        call_reply_json(made->call, 201);
    }
    return false;
}

/* A request that comes again after a crash finds what its first made. True when it was answered. A
 * failed one is done again; one that is being made has its request under way, which was seen. */
static bool is_made_already(const struct call *call, struct str id)
{
    struct made made = {.call = call};
    int code = store_get_dataset(call->api->options.store, call->workspace, id, reply_made, &made);

    if (code && code != ERR_NOT_FOUND) {
        call_reply_store_error(call, code, "dataset");
        return true;
    }
    return made.is_ready;
}

void dataset_upload_sample(const struct call *call)
{
    struct body_fault fault = {0};
    struct json_value root;
    uint64_t seed = 1;
    char name[64];

    if (!call_json(call, &root)) {
        return;
    }
    if (!body_is_object(root, &fault) || !body_u64(root, "seed", BODY_SEED_MAX, &seed, &fault)) {
        call_refuse(call, &fault);
        return;
    }
    (void)snprintf(name, sizeof(name), "sample (synthetic, seed %" PRIu64 ").jsonl", seed);
    struct upload_request request = {.name = str_from(name)};
    char made_id[UUID_BYTES];
    if (idempotency_has_key(call)) {
        struct error error = {0};

        if (call_new_id(call, "dataset", made_id, &error)) {
            problem_reply_error(call->api, call->id, &error);
            return;
        }
        request.id = str_from(made_id);
        request.is_again = true;
        if (is_made_already(call, request.id)) {
            return;
        }
    }
    struct dataset_upload *upload = upload_begin(call, &request);
    if (upload) {
        upload->has_body = true;
        upload_synthesize(upload->pipe, seed);
    }
}
